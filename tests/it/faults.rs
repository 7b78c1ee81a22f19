//! Sudden death of a restore, interrupts, and a disk without space, with the real binary. `kill` has the commands that change stores;
//! the rest of the fault suite is inside the program, where one operation, one system call and one bit can be reached.

use crate::kill::{duration, killed};
use crate::support::{Random, Scratch, dump, sql};
use std::process::Stdio;
use std::time::{Duration, Instant};

const ROUNDS: u64 = 100;

#[test]
fn p05_a_killed_restore_leaves_the_old_state_or_the_new_one() {
    let scratch = Scratch::with_snapshot();
    let dev = scratch.path("dev.sqlite");
    sql(&dev, "CREATE TABLE own (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO own VALUES (1, 'mine')");
    let old = dump(&dev);
    let restore = || scratch.command(&["restore", "sample", "--target", "sqlite:dev.sqlite", "--create"]);
    let whole = duration(restore());
    scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    assert_eq!(dump(&dev), old);
    let mut random = Random(2);
    let mut cut_off = 0;
    for round in 0..ROUNDS {
        let delay = whole.mul_f64(random.below(1_100) as f64 / 1000.0);
        cut_off += u64::from(!killed(restore(), delay));
        let now = dump(&dev);
        if now != old {
            assert!(now.contains("terp_fixtures_runs"), "round {round}: neither the old state nor a whole run");
            scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes", "--lock-timeout", "0"]);
            assert_eq!(dump(&dev), old, "round {round}");
        }
    }
    assert!(cut_off > ROUNDS / 3, "only {cut_off} of {ROUNDS} restores were cut off");
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite", "--create", "--lock-timeout", "0"]);
}

#[test]
fn p05_a_killed_rollback_leaves_the_old_state_or_the_new_one() {
    let scratch = Scratch::with_snapshot();
    let dev = scratch.path("dev.sqlite");
    sql(&dev, "CREATE TABLE own (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO own VALUES (1, 'mine')");
    let old = dump(&dev);
    let restore = ["restore", "sample", "--target", "sqlite:dev.sqlite", "--create", "--lock-timeout", "0"];
    let rollback = || scratch.command(&["rollback", "--target", "sqlite:dev.sqlite", "--yes", "--lock-timeout", "0"]);
    scratch.ok(&restore);
    let whole = duration(rollback());
    let (mut random, mut cut_off) = (Random(4), 0);
    for round in 0..ROUNDS {
        if round == 0 || dump(&dev) == old {
            scratch.ok(&restore);
        }
        let restored = dump(&dev);
        cut_off += u64::from(!killed(rollback(), whole.mul_f64(random.below(1_100) as f64 / 1000.0)));
        let now = dump(&dev);
        assert!(now == restored || now == old, "round {round}: neither the old state nor the new one");
    }
    assert!(cut_off > ROUNDS / 3, "only {cut_off} of {ROUNDS} rollbacks were cut off");
}

#[test]
fn p05_a_restore_killed_while_its_journal_is_hot_is_no_obstacle() {
    let scratch = Scratch::with_store();
    let source = scratch.path("big.sqlite");
    sql(
        &source,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
         INSERT INTO t SELECT i, hex(i * 7919) || ' and some more text to fill the pages' FROM n",
    );
    std::fs::write(scratch.path("p.toml"), "version = 1\n[tables.t]\nmode = \"capture\"\nkeep = [\"id\", \"x\"]\n")
        .unwrap();
    scratch.ok(&["capture", "big", "--policy", "p.toml", "--source", "sqlite:big.sqlite"]);
    let restore =
        |name: &str| scratch.command(&["restore", "big", "--no-parallel", "--target", &format!("sqlite:{name}")]);
    let whole = duration(restore("timing.sqlite"));
    let mut hot = 0;
    for round in 0..8 {
        let name = format!("t{round}.sqlite");
        killed(restore(&name), whole.mul_f64(0.3 + f64::from(round) * 0.07));
        let journal = std::fs::metadata(scratch.path(&format!("{name}-journal"))).map_or(0, |about| about.len());
        hot += u32::from(journal > 0);
        scratch.ok(&["runs", "--target", &format!("sqlite:{name}")]);
        scratch.ok(&["restore", "big", "--target", &format!("sqlite:{name}"), "--lock-timeout", "0"]);
    }
    assert!(hot > 0, "no restore was killed with a hot journal");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130_and_changes_nothing() {
    let scratch = Scratch::with_snapshot();
    let mut random = Random(3);
    let whole = duration(scratch.command(&["restore", "sample", "--target", "sqlite:timing.sqlite"]));
    let mut interrupted = 0;
    for round in 0..20 {
        let name = format!("sqlite:t{round}.sqlite");
        let mut command = scratch.command(&["restore", "sample", "--target", &name]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        let delay = whole.mul_f64(0.1 + random.below(700) as f64 / 1000.0);
        while start.elapsed() < delay && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_micros(300));
        }
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        match output.status.code() {
            Some(0) | None => {}
            code => {
                assert_eq!(code, Some(130), "{}", String::from_utf8_lossy(&output.stderr));
                let path = scratch.path(&format!("t{round}.sqlite"));
                assert!(!path.exists() || !dump(&path).contains("table|"));
                interrupted += 1;
            }
        }
    }
    assert!(interrupted > 0, "no interrupt came in time");
}

/// A disk that is full, by the limit that a process has for files: ignored as a signal, it is an error like any other.
#[cfg(unix)]
#[test]
fn a_capture_without_space_is_exit_7_and_leaves_nothing_visible() {
    let scratch = Scratch::with_snapshot();
    let capture = ["capture", "more", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"];
    sql(&scratch.path("erp.sqlite"), "UPDATE locations SET label = 'changed'");
    let binary = scratch.command(&[]).get_program().to_owned();
    let before = scratch.objects();
    // Blocks of 512 or 1024 bytes: nothing at all, and less than a pack.
    for blocks in ["0", "1", "2"] {
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = scratch.command_of("sh", &["-c", &limited]);
        let output = command.arg(&binary).args(capture).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(7), "{blocks} blocks: {stderr}");
        assert!(stderr.contains("cannot write"), "{stderr}");
        // A pack that fitted may be there, and the entry that says what went wrong; no snapshot.
        let after = scratch.objects();
        assert!(before.iter().all(|object| after.contains(object)), "{blocks} blocks: something is lost");
        let new = after.iter().filter(|object| !before.contains(object));
        let manifests = scratch.path("snapshots/snapshots");
        assert_eq!(new.filter(|object| object.starts_with(&manifests)).count(), 0, "{blocks} blocks");
        let left = std::fs::read_dir(scratch.path("snapshots/tmp")).unwrap().count();
        assert_eq!(left, 0, "{blocks} blocks: temporary files stay");
    }
    scratch.ok(&capture);
    scratch.ok(&["verify", "--read-data"]);
}
