//! Where the tests find servers: at the addresses that `tests/run` exports, or private ones for this process.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The address in `TEST_<SERVER>_URL`, or that of a server that `tests/servers` starts and that ends with this process.
/// A server that cannot be had fails the test; it is never skipped.
pub(crate) fn address(server: &str) -> String {
    let given = std::env::var(format!("TEST_{}_URL", server.to_uppercase())).ok();
    given.filter(|address| !address.is_empty()).unwrap_or_else(|| private(server))
}

/// The address of another database of the same server.
pub(crate) fn with_database(address: &str, database: &str) -> String {
    let (rest, query) = address.split_once('?').map_or((address, None), |(a, b)| (a, Some(b)));
    let (scheme, authority) = rest.split_once("://").unwrap();
    let authority = authority.split('/').next().unwrap();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}/{database}{query}")
}

/// A name for a database that no other test of the same server uses.
pub(crate) fn database_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("terp_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A server for this test alone; it ends with this process.
pub(crate) fn private(server: &str) -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/servers");
    let folder = Command::new(&script).arg("folder").output().unwrap();
    let folder = String::from_utf8(folder.stdout).unwrap().trim().to_owned();
    let started = Command::new(&script)
        .args(["up", &folder, server])
        .env("TEST_MYSQL_REQUIRED", "1")
        .env_remove(format!("TEST_{}_URL", server.to_uppercase()))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(started.status.success(), "no {server} server: use tests/run, or see tests/servers");
    // Stops the server when this process ends, however it ends.
    let watcher = Command::new("sh")
        .args(["-c", "while kill -0 \"$1\" 2>/dev/null; do sleep 0.2; done; exec \"$2\" down \"$3\"", "sh"])
        .arg(std::process::id().to_string())
        .arg(&script)
        .arg(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    #[expect(clippy::zombie_processes, reason = "the watcher outlives this process")]
    watcher.unwrap();
    let printed = String::from_utf8(started.stdout).unwrap();
    printed.trim().split_once('=').unwrap().1.to_owned()
}
