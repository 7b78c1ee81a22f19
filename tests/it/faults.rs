//! Damage and sudden death: every flipped bit is found, and a killed process loses nothing.

use crate::inside::{self, capture, keep_all, open_store, restore, restore_options};
use crate::support::{Random, Scratch, dump, sql};
use std::process::Stdio;
use std::time::{Duration, Instant};
use terp_fixtures::error::{Error, Kind, Result};
use terp_fixtures::model::proof::{ObjectKind, ObjectName, Sealed};
use terp_fixtures::run::repository::Repository;
use terp_fixtures::run::verify;
use terp_fixtures::seal::Member;
use terp_fixtures::store::{Listed, Store, folder::Folder};

/// A store in which one object is other than it was written.
struct Altered {
    inner: Folder,
    _folder: std::sync::Arc<tempfile::TempDir>,
}

impl Store for Altered {
    fn put(&self, _: &Sealed) -> Result<()> {
        Err(Error::store("this store is only read"))
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.inner.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.inner.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        self.inner.list(kind)
    }

    fn delete(&self, _: &ObjectName) -> Result<()> {
        Err(Error::store("this store is only read"))
    }
}

/// Opens the store in `folder` and tries to verify and to restore; both must notice.
fn must_be_noticed(folder: &std::sync::Arc<tempfile::TempDir>, member: &Member, target: &std::path::Path, what: &str) {
    let open = || -> Result<Repository> {
        let inner = Folder::open(folder.path())?;
        Repository::open(Box::new(Altered { inner, _folder: folder.clone() }), member, &[])
    };
    let verified = open().and_then(|repository| {
        verify::verify(&inside::context(), &repository, None, verify::Depth::Rows)
            .and_then(verify::Outcome::into_result)
    });
    assert_eq!(verified.map(drop).map_err(|error| error.kind()), Err(Kind::Store), "verify after {what}");
    if is_card(what) {
        return;
    }
    let restored = open().and_then(|repository| restore(&repository, "s", target, &restore_options()));
    assert_eq!(restored.map(drop).map_err(|error| error.kind()), Err(Kind::Store), "restore after {what}");
}

/// A member's card says nothing about a snapshot, so that only `verify` looks at it.
fn is_card(what: &str) -> bool {
    what.contains("/members/") && !what.contains(&"0".repeat(32))
}

/// A store of one small snapshot in a folder, and a plain list of its objects.
fn small_store() -> (std::sync::Arc<tempfile::TempDir>, Member, Vec<std::path::PathBuf>) {
    let scratch = tempfile::tempdir().unwrap();
    let source = scratch.path().join("source.sqlite");
    sql(&source, "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'one'), (2, NULL)");
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let member = Member::generate();
    let store = Folder::create(folder.path()).unwrap();
    terp_fixtures::run::keys::init(&store, &member).unwrap();
    let repository = Repository::open(Box::new(store), &member, &[]).unwrap();
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    let mut objects = Vec::new();
    crate::support::collect(folder.path(), &mut objects);
    objects.sort();
    assert_eq!(objects.len(), 6, "hint, key, card, charter, pack, manifest: {objects:?}");
    (folder, member, objects)
}

fn rewrite(path: &std::path::Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn every_flipped_bit_of_every_object_is_noticed() {
    let (folder, member, objects) = small_store();
    let target = folder.path().with_extension("target.sqlite");
    let mut flips = 0;
    for object in &objects {
        let whole = std::fs::read(object).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut altered = whole.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            rewrite(object, &altered);
            must_be_noticed(&folder, &member, &target, &format!("flipping bit {bit} of {}", object.display()));
            flips += 1;
        }
        rewrite(object, &whole);
    }
    assert!(flips > 10_000, "only {flips} flips");
    nothing_was_loaded(&target);
}

#[test]
fn every_truncation_and_every_missing_object_is_noticed() {
    let (folder, member, objects) = small_store();
    let target = folder.path().with_extension("target.sqlite");
    for object in &objects {
        let whole = std::fs::read(object).unwrap();
        for length in 0..whole.len() {
            rewrite(object, &whole[..length]);
            must_be_noticed(&folder, &member, &target, &format!("cutting {} to {length} bytes", object.display()));
        }
        rewrite(object, &[&whole[..], b"x"].concat());
        must_be_noticed(&folder, &member, &target, &format!("adding a byte to {}", object.display()));
        std::fs::remove_file(object).unwrap();
        if !object.starts_with(folder.path().join("snapshots")) {
            must_be_noticed(&folder, &member, &target, &format!("removing {}", object.display()));
        }
        std::fs::write(object, &whole).unwrap();
    }
    nothing_was_loaded(&target);
}

fn nothing_was_loaded(target: &std::path::Path) {
    assert!(!target.exists() || !dump(target).contains("table|"), "rows or tables reached the target");
    if target.exists() {
        std::fs::remove_file(target).unwrap();
    }
}

#[test]
fn a_forged_manifest_is_refused() {
    // Another member of another store signs for this store's keys: the signer is not pinned.
    let (folder, _, _) = small_store();
    let stranger = Member::generate();
    let store = Folder::open(folder.path()).unwrap();
    let error = Repository::open(Box::new(store), &stranger, &[]).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
}

#[test]
fn stores_in_memory_behave_like_folders() {
    let scratch = tempfile::tempdir().unwrap();
    let (source, target) = (scratch.path().join("source.sqlite"), scratch.path().join("target.sqlite"));
    sql(&source, "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'one')");
    let member = inside::new_store("memory");
    let repository = inside::repository("memory", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    restore(&repository, "s", &target, &restore_options()).unwrap();
    let pack = open_store("memory", false).list(ObjectKind::Pack).unwrap().remove(0);
    open_store("memory", false).delete(&pack.name).unwrap();
    let outcome = verify::verify(&inside::context(), &repository, None, verify::Depth::Packs).unwrap();
    assert_eq!(outcome.damage.len(), 1);
}

/// Lets `command` run for `delay`, then kills it the hard way. Returns whether it had ended by itself.
fn killed(mut command: std::process::Command, delay: Duration) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while start.elapsed() < delay {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::park_timeout(Duration::from_micros(300));
    }
    let ended = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    ended
}

/// How long the command takes when it is let alone.
fn duration(mut command: std::process::Command) -> Duration {
    let start = Instant::now();
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    start.elapsed()
}

const ROUNDS: u64 = 100;

#[test]
fn p05_a_killed_capture_loses_nothing() {
    let scratch = Scratch::with_snapshot();
    let capture =
        |name: &str| scratch.command(&["capture", name, "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    let change = |round: u64| sql(&scratch.path("erp.sqlite"), &format!("UPDATE locations SET label = '{round}'"));
    change(1_000);
    let whole = duration(capture("timing"));
    let mut random = Random(1);
    let mut cut_off = 0;
    for round in 0..ROUNDS {
        change(round);
        let delay = whole.mul_f64(random.below(1_100) as f64 / 1000.0);
        cut_off += u64::from(!killed(capture("killed"), delay));
        if round % 10 == 9 {
            scratch.ok(&["verify"]);
            scratch.ok(&["show", "sample"]);
        }
    }
    assert!(cut_off > ROUNDS / 3, "only {cut_off} of {ROUNDS} captures were cut off");
    scratch.capture("after");
    scratch.ok(&["verify", "--read-data"]);
    scratch.ok(&["restore", "sample", "--target", "sqlite:old.sqlite"]);
    scratch.ok(&["restore", "after", "--target", "sqlite:new.sqlite"]);
}

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
    let restore = |name: &str| scratch.command(&["restore", "big", "--target", &format!("sqlite:{name}")]);
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
