//! Loads of the real binary through a staging place, killed the hard way.

use crate::support::{Random, Scratch, number, sql};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Kills a command after `delay`, unless it has ended.
fn killed(mut command: Command, delay: Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while start.elapsed() < delay && child.try_wait().unwrap().is_none() {
        std::thread::park_timeout(Duration::from_micros(300));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The staging places beside a file.
fn places(scratch: &Scratch, name: &str) -> usize {
    let files = std::fs::read_dir(scratch.path("")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|file| file.starts_with(&format!("{name}.terp-load-"))).count()
}

/// What is in a database but for the moment of its restore; empty while it has no page.
fn content(scratch: &Scratch, name: &str) -> String {
    let path = scratch.path(name);
    if std::fs::metadata(&path).map_or(0, |about| about.len()) == 0 {
        return String::new();
    }
    assert_eq!(number(&path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    assert_eq!(number(&path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    let sums =
        ["count(*)", "sum(p.id)", "sum(c.id * c.parent_id)", "sum(p.id * length(p.x))", "sum(p.id * unicode(c.note))"];
    let sums = sums.map(|sum| {
        let marked = "p.terp_fixture_run = c.terp_fixture_run AND p.terp_fixture_at = c.terp_fixture_at";
        number(&path, &format!("SELECT {sum} FROM parent p JOIN child c ON c.parent_id = p.id WHERE {marked}"))
    });
    let schema = number(&path, "SELECT sum(length(name) * length(coalesce(sql, ''))) FROM sqlite_master");
    format!("{sums:?} {schema} {}", number(&path, "SELECT seq FROM sqlite_sequence"))
}

#[test]
fn a_killed_load_goes_on() {
    let scratch = Scratch::with_store();
    sql(
        &scratch.path("big.sqlite"),
        "CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT UNIQUE);
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent, note TEXT);
         CREATE INDEX by_parent ON child (parent_id); CREATE VIEW v AS SELECT x FROM parent;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
         INSERT INTO parent SELECT i, hex(i * 7919) || ' and some more text to fill the pages' FROM n;
         INSERT INTO child SELECT id, id, x || x || x FROM parent",
    );
    let policy = "version = 1\n[tables.parent]\nmode = \"capture\"\nkeep = [\"id\", \"x\"]\n\
                  [tables.child]\nmode = \"capture\"\nkeep = [\"id\", \"parent_id\", \"note\"]\n";
    std::fs::write(scratch.path("p.toml"), policy).unwrap();
    scratch.ok(&["capture", "big", "--policy", "p.toml", "--source", "sqlite:big.sqlite"]);
    let restore = |name: &str| scratch.command(&["restore", "big", "--target", &format!("sqlite:{name}")]);
    scratch.ok(&["restore", "big", "--no-parallel", "--target", "sqlite:serial.sqlite"]);
    let start = Instant::now();
    assert!(restore("timing.sqlite").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    let whole = start.elapsed();
    let wanted = content(&scratch, "serial.sqlite");
    assert_eq!(content(&scratch, "timing.sqlite"), wanted);
    let mut random = Random(11);
    let (mut aside, mut continued) = (0, 0);
    for round in 0..8 {
        let name = format!("t{round}.sqlite");
        let target = format!("sqlite:{name}");
        // Killed twice, then let alone.
        for _ in 0..2 {
            killed(restore(&name), whole.mul_f64(random.below(1_050) as f64 / 1000.0));
            let now = content(&scratch, &name);
            assert!(now.is_empty() || now == wanted, "round {round}: neither before nor after");
            aside += usize::from(now.is_empty() && places(&scratch, &name) > 0);
        }
        let output = scratch.run(&["restore", "big", "--target", &target, "--lock-timeout", "0", "-v"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "round {round}: {said}");
        continued += usize::from(said.contains("going on after an interruption"));
        assert_eq!(content(&scratch, &name), wanted, "round {round}");
        assert_eq!(places(&scratch, &name), 0, "round {round}");
        scratch.ok(&["rollback", "--target", &target, "--yes"]);
    }
    assert!(aside > 2 && continued > 1, "{aside} kills left a place, {continued} loads went on");
}
