use std::env;
use std::process::{Command, Stdio};

/// The address of a database that no other running test has, as it was captured. cargo-nextest runs each test in a process, and
/// gives those that run at the same time different slots, counted from 0.
pub fn database() -> String {
    let slot: usize = env::var("NEXTEST_TEST_GLOBAL_SLOT").expect("run by cargo nextest").parse().unwrap();
    let url = env::var(format!("DATABASE_URL_{}", slot + 1)).expect("no more --test-threads than databases");
    let mut reset = Command::new("terp-fixtures");
    let status = reset.args(["reset", &url, "--quiet"]).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "the database cannot be put back");
    url
}
