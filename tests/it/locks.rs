//! Two runs at once, and holders that die, with the real binary on every engine: one wins, the other ends with 2 and names it,
//! and a killed one blocks nobody.

use crate::servers::{address, database_name, with_database};
use crate::support::Scratch;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};
use terp_fixtures::engine::sql::Sql;
use terp_fixtures::engine::{self, Enforce, Holder, Target};
use terp_fixtures::event::Cancel;
use terp_fixtures::run::rollback;
use terp_fixtures::secret::Address;

macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite { $(#[test] fn $test() { super::$test(&super::Place::file()); })* }
        mod on_postgresql { $(#[test] fn $test() { super::$test(&super::Place::on("postgres")); })* }
        mod on_mysql { $(#[test] fn $test() { super::$test(&super::Place::on("mysql")); })* }
        mod on_mariadb { $(#[test] fn $test() { super::$test(&super::Place::on("mariadb")); })* }
    };
}

on_every_engine!(
    p04_one_wins_and_the_other_names_it,
    p05_a_killed_holder_blocks_nobody,
    p22_the_wait_for_the_lock_is_measured
);

/// A store with the snapshot `s`, and a target that it fits into.
struct Place {
    scratch: Scratch,
    url: String,
}

impl Place {
    fn file() -> Self {
        let scratch = Scratch::with_store();
        let url = |name: &str| format!("sqlite:{}", scratch.path(name).display());
        let (erp, target) = (url("erp.sqlite"), url("dev.sqlite"));
        Self::new(scratch, &erp, target)
    }

    fn on(server: &str) -> Self {
        let fresh = || with_database(&address(server), &database_name());
        Self::new(Scratch::with_store(), &fresh(), fresh())
    }

    fn new(scratch: Scratch, erp: &str, url: String) -> Self {
        const TABLE: &str = "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, x VARCHAR(20))";
        run(erp, &[TABLE, "INSERT INTO t VALUES (1, 'one'), (2, NULL), (3, 'three')"]);
        run(&url, &[TABLE, "INSERT INTO t VALUES (100, 'mine')"]);
        let policy = "version = 1\n[tables.t]\nmode = \"capture\"\nkeep = [\"id\", \"x\"]\n";
        std::fs::write(scratch.path("p.toml"), policy).unwrap();
        scratch.ok(&["capture", "s", "--policy", "p.toml", "--source", erp]);
        scratch.ok(&["target", "init", "--env", "dev", "--target", &url, "--yes"]);
        Self { scratch, url }
    }

    fn open(&self) -> Box<dyn Target> {
        open(&self.url)
    }

    /// A run of the binary, in the background.
    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.scratch.command(&[arguments, &["--target", &self.url, "--yes", "--json"]].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.spawn(arguments).wait_with_output().unwrap()
    }

    /// A transaction of the application that no restore gets past.
    fn application(&self) -> Box<dyn Target> {
        let mut application = self.open();
        application.begin(Enforce::ForeignKeys).unwrap();
        let sql = Sql::new(application.engine()).lit("UPDATE t SET x = 'busy' WHERE id = 100");
        application.execute(&sql).unwrap();
        application
    }

    /// Waits until the lock is held, or free.
    fn until(&self, held: bool) -> Option<Holder> {
        let (start, mut looking) = (Instant::now(), self.open());
        loop {
            let holder = looking.holder().unwrap();
            // Who it is, it writes down a moment after it has the lock.
            let is_known = |holder: &Holder| holder.since.parse::<jiff::Timestamp>().is_ok();
            if holder.is_some() == held && holder.as_ref().is_none_or(is_known) {
                return holder;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "held: {holder:?}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    fn runs(&self) -> usize {
        rollback::runs(&mut *self.open()).unwrap().len()
    }
}

fn open(url: &str) -> Box<dyn Target> {
    let address = Address::new(url);
    (engine::find(&address).unwrap().target)(&address, true, &Cancel::default()).unwrap()
}

/// Runs statements in a database, which is made if it is not there.
fn run(url: &str, statements: &[&'static str]) {
    let mut target = open(url);
    target.begin(Enforce::ForeignKeys).unwrap();
    for statement in statements {
        target.execute(&Sql::new(target.engine()).lit(statement)).unwrap();
    }
    target.end(true).unwrap();
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn p04_one_wins_and_the_other_names_it(place: &Place) {
    let mut application = place.application();
    let winner = place.spawn(&["restore", "s", "--lock-timeout", "60"]);
    let holder = place.until(true).unwrap();
    assert!(holder.purpose.starts_with("restore of s@") && holder.since.parse::<jiff::Timestamp>().is_ok(), "{holder}");
    if place.url.starts_with("sqlite:") {
        assert_eq!(holder.process, winner.id());
    }
    for (second, wait) in
        [(&["restore", "s", "--lock-timeout", "1"][..], 1), (&["rollback", "--lock-timeout", "0"][..], 0)]
    {
        let start = Instant::now();
        let output = place.run(second);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{second:?}: {told}");
        assert!(told.contains(&holder.to_string()), "{second:?}: {told}\n{holder}");
        assert_eq!(json(&output)["error"]["kind"], "locked");
        assert!(start.elapsed() >= Duration::from_secs(wait), "it did not wait");
    }
    application.end(true).unwrap();
    let output = winner.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((json(&output)["rows"].as_u64(), place.runs()), (Some(3), 1));
    place.until(false);
    assert!(place.run(&["rollback"]).status.success());
    assert_eq!(place.runs(), 0);
}

fn p05_a_killed_holder_blocks_nobody(place: &Place) {
    let mut application = place.application();
    for command in [&["restore", "s"][..], &["rollback"][..]] {
        let mut holder = place.spawn(&[command, &["--lock-timeout", "60"]].concat());
        place.until(true);
        holder.kill().unwrap();
        holder.wait().unwrap();
        // The lock is free although the application is still in the way.
        place.until(false);
        application.end(false).unwrap();
        let output = place.run(&[command, &["--lock-timeout", "5"]].concat());
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        application = place.application();
    }
    application.end(false).unwrap();
    assert_eq!(place.runs(), 0);
}

fn p22_the_wait_for_the_lock_is_measured(place: &Place) {
    let mut holding = place.open();
    holding.lock("a test", Duration::ZERO).unwrap();
    let waiting = place.spawn(&["restore", "s", "--lock-timeout", "60"]);
    let held = Instant::now();
    while held.elapsed() < Duration::from_millis(1500) {
        std::thread::park_timeout(Duration::from_millis(100));
    }
    drop(holding);
    let output = waiting.wait_with_output().unwrap();
    let summary = json(&output)["summary"].clone();
    let waited = summary["lock_wait_millis"].as_u64().unwrap();
    assert!((300..30_000).contains(&waited), "{summary}");
    for field in ["millis", "connections", "statements", "peak_memory_bytes"] {
        assert!(summary[field].as_u64().is_some_and(|number| number > 0), "{field}: {summary}");
    }
    // Three rows may take longer than three seconds on a busy machine.
    assert!(summary["rows_per_second"].is_u64(), "{summary}");
    assert_eq!((&summary["operation"], &summary["tries"]), (&"restore".into(), &0.into()));
    assert_eq!(summary["tables"]["t"], 3, "{summary}");
}
