//! Expiry, `prune` and `rm`: what must go goes, what is needed stays, and each removal is in the audit trail.

use crate::support::{Scratch, sql};
use serde_json::Value;
use std::time::Duration;
use terp_fixtures::event::{Cancel, Silent};
use terp_fixtures::mask::key::MasterKey;
use terp_fixtures::model::audit::Operation;
use terp_fixtures::policy::{self, Policy};
use terp_fixtures::run::prune::{Keep, choose};
use terp_fixtures::run::repository::{Repository, Snapshot};
use terp_fixtures::run::{Context, audit, capture};
use terp_fixtures::seal::Member;
use terp_fixtures::secret::{Address, Secret32, SecretText};
use terp_fixtures::{engine, store};

/// Opens a scratch folder's store through the library.
fn open(scratch: &Scratch) -> Repository {
    let secret = std::fs::read_to_string(scratch.path(".terp-fixtures/identity.key")).unwrap();
    let member = Member::parse(&SecretText::new(secret)).unwrap();
    let address = Address::new(scratch.path("snapshots").to_string_lossy());
    Repository::open(store::open(&address, false).unwrap(), &member, &[]).unwrap()
}

/// Captures all of `source` with an expiry of the test's choice, audit entry included.
fn capture(scratch: &Scratch, name: &str, source: &str, expires: Option<&str>) -> capture::Outcome {
    let repository = open(scratch);
    let address = Address::new(format!("sqlite:{}", scratch.path(source).display()));
    let mut opened = (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap();
    let catalogue = opened.catalogue().unwrap();
    let policy = Policy::parse("test.toml", &crate::inside::keep_all(&scratch.path(source))).unwrap();
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, "dev", &master).unwrap();
    let options = capture::Options {
        name: name.into(),
        environment: "dev".into(),
        policy: policy.proof(&master, "dev"),
        dry_run: false,
        expires: expires.map(str::to_owned),
        tags: std::collections::BTreeSet::new(),
        amount: capture::Amount::default(),
    };
    let context = Context { report: &Silent, cancel: Cancel::default(), jobs: 2 };
    let done = capture::capture(&context, &mut *opened, &catalogue, &plan, &repository, &options).unwrap();
    audit::record(&repository, audit::captured(done.snapshot.as_ref().unwrap(), "test".into())).unwrap();
    done
}

/// A store with rows of two kinds to capture.
fn with_rows() -> Scratch {
    let scratch = Scratch::with_store();
    sql(
        &scratch.path("a.sqlite"),
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    );
    sql(&scratch.path("b.sqlite"), "CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'other')");
    scratch
}

const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2090-01-01T00:00:00Z";

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap()).collect()
}

#[test]
fn an_expired_snapshot_is_marked_refused_and_pruned() {
    let scratch = with_rows();
    capture(&scratch, "old", "a.sqlite", Some(PAST));
    capture(&scratch, "new", "a.sqlite", Some(FUTURE));
    let list = scratch.json(&["list"]);
    assert_eq!((&list[0]["expired"], &list[1]["expired"]), (&true.into(), &false.into()));
    assert!(scratch.ok(&["list"]).contains(&format!("expired on {PAST}")));
    assert!(scratch.ok(&["show", "old"]).contains(&format!("expired on {PAST}")));
    assert!(scratch.fails(8, &["restore", "old", "--target", "sqlite:dev.sqlite"]).contains("expired on"));

    let planned = scratch.json(&["prune", "--dry-run"]);
    assert_eq!((planned["snapshots"].as_array().unwrap().len(), &planned["dry_run"]), (1, &true.into()));
    assert_eq!(names(&scratch.json(&["list"])), ["old", "new"]);
    assert!(scratch.fails(8, &["prune"]).contains("needs a confirmation"));
    assert_eq!(names(&scratch.json(&["list"])), ["old", "new"]);
    let done = scratch.json(&["prune", "--yes"]);
    assert!(done["snapshots"][0].as_str().unwrap().starts_with("old@"));
    assert_eq!(done["gc"], planned["gc"]);
    assert_eq!(names(&scratch.json(&["list"])), ["new"]);
    scratch.ok(&["verify", "--read-data"]);
    scratch.ok(&["restore", "new", "--target", "sqlite:dev.sqlite"]);
    let expired = scratch.ok(&["audit", "log", "--operation", "expire", "--json"]);
    assert!(expired.contains(PAST) && expired.lines().count() == 1, "{expired}");
    scratch.ok(&["audit", "verify"]);
    assert!(scratch.ok(&["prune", "--yes"]).contains("nothing to remove"));
}

/// Makes every object below a folder of the store a day older.
fn a_day_passes(scratch: &Scratch, folder: &str) {
    let then = std::time::SystemTime::now() - Duration::from_hours(25);
    let inside = scratch.path("snapshots").join(folder);
    for path in scratch.objects().iter().filter(|path| path.starts_with(&inside)) {
        std::fs::File::open(path).unwrap().set_modified(then).unwrap();
    }
}

/// The sums of a gc, by what became of the packs.
fn sums(done: &Value) -> [u64; 5] {
    ["live", "deleted", "marked", "waiting", "young"].map(|what| done[what]["packs"].as_u64().unwrap())
}

#[test]
fn packs_go_a_day_after_the_last_snapshot_that_shares_them() {
    let scratch = with_rows();
    let soon = from_now(Duration::from_hours(23));
    capture(&scratch, "leaving", "a.sqlite", Some(&soon));
    // What expires soon is shared all the same: nothing that a capture has looked at goes before its manifest is there.
    assert_eq!(capture(&scratch, "staying", "a.sqlite", None).chunks, (1, 1));
    scratch.ok(&["rm", "leaving", "--yes"]);
    a_day_passes(&scratch, "packs");
    assert_eq!(sums(&scratch.json(&["gc", "--yes"])), [1, 0, 0, 0, 0]);
    let planned = scratch.json(&["rm", "staying", "--dry-run"]);
    assert_eq!(sums(&planned["gc"]), [0, 0, 1, 0, 0]);
    let done = scratch.json(&["rm", "staying", "--yes"]);
    assert_eq!(done["gc"], planned["gc"].clone().tap(|gc| gc["tombs"] = 1.into()));
    assert_eq!(sums(&scratch.json(&["gc"])), [0, 0, 0, 1, 0]);
    // A marked pack is not shared, though it is there.
    assert_eq!(capture(&scratch, "again", "a.sqlite", None).chunks, (1, 0));
    a_day_passes(&scratch, "tombs");
    assert!(scratch.fails(8, &["gc"]).contains("This deletes 1 pack"));
    assert_eq!(sums(&scratch.json(&["gc", "--dry-run"])), [1, 1, 0, 0, 0]);
    assert_eq!(scratch.packs(), 2);
    assert_eq!(sums(&scratch.json(&["gc", "--yes"])), [1, 1, 0, 0, 0]);
    assert_eq!(
        (scratch.packs(), scratch.objects().iter().filter(|path| path.to_string_lossy().contains("tombs")).count()),
        (1, 0)
    );
    assert!(scratch.ok(&["prune"]).contains("nothing to remove"));
    scratch.ok(&["verify", "--read-data"]);
    scratch.ok(&["audit", "verify"]);
    let entries = scratch.ok(&["audit", "log", "--operation", "gc", "--outcome", "done", "--json"]);
    let entries: Vec<Value> = entries.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let counts: Vec<&Value> = entries.iter().map(|entry| &entry["what"]["counts"]).collect();
    assert_eq!((counts.len(), &counts[0]["marked_packs"], &counts[1]["deleted_packs"]), (2, &1.into(), &1.into()));
}

trait Tap: Sized {
    /// The same, changed.
    fn tap(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}
impl Tap for Value {}

#[test]
fn what_must_go_at_once_goes_without_grace() {
    let scratch = with_rows();
    capture(&scratch, "s", "a.sqlite", None);
    capture(&scratch, "other", "b.sqlite", None);
    scratch.ok(&["rm", "s", "--yes"]);
    let refused = scratch.fails(8, &["gc", "--no-grace"]);
    assert!(refused.contains("make sure that nothing else writes to this store now"), "{refused}");
    assert_eq!(scratch.packs(), 2);
    assert_eq!(sums(&scratch.json(&["gc", "--no-grace", "--dry-run"])), [1, 1, 0, 0, 0]);
    assert_eq!(sums(&scratch.json(&["gc", "--no-grace", "--yes"])), [1, 1, 0, 0, 0]);
    assert_eq!(scratch.packs(), 1);
    scratch.ok(&["verify", "--read-data"]);
    for wrong in [&["--grace", "59m"][..], &["--grace", "0h"], &["--grace", "2h", "--no-grace"]] {
        scratch.fails(1, &[&["gc"], wrong].concat());
    }
}

#[test]
fn manifests_that_vanish_behind_the_back_do_not_take_their_packs_along() {
    let scratch = with_rows();
    capture(&scratch, "s", "a.sqlite", None);
    a_day_passes(&scratch, "packs");
    let manifest =
        scratch.objects().into_iter().find(|path| path.starts_with(scratch.path("snapshots/snapshots"))).unwrap();
    let bytes = std::fs::read(&manifest).unwrap();
    std::fs::remove_file(&manifest).unwrap();
    for command in [&["gc", "--yes"][..], &["gc", "--no-grace", "--yes"]] {
        assert!(scratch.fails(8, command).contains("no snapshot needs 1 of the store's 1 packs"));
    }
    assert!(scratch.ok(&["gc", "--dry-run"]).contains("that takes --force"));
    let pruned = scratch.run(&["prune", "--yes"]);
    assert!(pruned.status.success() && String::from_utf8_lossy(&pruned.stderr).contains("more than half of it"));
    std::fs::write(&manifest, bytes).unwrap();
    scratch.ok(&["verify", "--read-data"]);
    std::fs::remove_file(&manifest).unwrap();
    assert_eq!(sums(&scratch.json(&["gc", "--force", "--yes"])), [0, 0, 1, 0, 0]);
}

/// So much from now, by SQLite's clock.
fn from_now(after: Duration) -> String {
    let sql = format!("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+{} seconds')", after.as_secs());
    rusqlite::Connection::open_in_memory().unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn rules_keep_the_newest_of_each_source_and_environment() {
    let scratch = with_rows();
    for at in 0..3 {
        capture(&scratch, &format!("a{at}"), "a.sqlite", None);
        capture(&scratch, &format!("b{at}"), "b.sqlite", None);
    }
    let snapshots = open(&scratch).snapshots().unwrap().0;
    let tags = |snapshot: &Snapshot| vec![format!("tag-of-{}", snapshot.manifest.name)];
    let left = |keep: Keep| -> Vec<String> {
        let gone = choose(&snapshots, &keep, &tags);
        assert!(gone.iter().all(|(operation, _)| *operation == Operation::Delete));
        let stays = |snapshot: &&Snapshot| !gone.iter().any(|(_, gone)| gone.id == snapshot.id);
        snapshots.iter().filter(stays).map(|snapshot| snapshot.manifest.name.clone()).collect()
    };
    let keep = |last, hours: Option<u64>| Keep { last, within: hours.map(Duration::from_hours), tags: Vec::new() };
    let tagged = |last| Keep { tags: vec!["tag-of-a0".into(), "tag-of-b1".into()], ..keep(last, None) };
    assert_eq!(left(Keep::default()).len(), 6);
    assert_eq!(left(keep(Some(1), None)), ["a2", "b2"]);
    assert_eq!(left(keep(Some(2), None)), ["a1", "b1", "a2", "b2"]);
    assert_eq!(left(keep(Some(9), None)).len(), 6);
    assert_eq!(left(keep(None, Some(1))).len(), 6);
    assert_eq!(left(keep(Some(1), Some(1))).len(), 6, "what one rule keeps stays");
    assert_eq!(left(tagged(None)), ["a0", "b1"]);
    assert_eq!(left(tagged(Some(1))), ["a0", "b1", "a2", "b2"]);
    scratch.ok(&["prune", "--keep-last", "1", "--yes"]);
    assert_eq!(names(&scratch.json(&["list"])), ["a2", "b2"]);
    scratch.ok(&["verify", "--read-data"]);
    scratch.ok(&["audit", "verify"]);
    for wrong in [&["--keep-last", "0"][..], &["--keep-within", "soon"], &["--keep-within", "0d"]] {
        scratch.fails(1, &[&["prune"], wrong].concat());
    }
}

#[test]
fn nothing_is_removed_while_a_manifest_cannot_be_read() {
    let scratch = with_rows();
    capture(&scratch, "old", "a.sqlite", Some(PAST));
    capture(&scratch, "new", "b.sqlite", None);
    let manifests: Vec<_> =
        scratch.objects().into_iter().filter(|path| path.starts_with(scratch.path("snapshots/snapshots"))).collect();
    for path in &manifests {
        let bytes = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        let before = scratch.objects().len();
        assert!(scratch.fails(7, &["prune", "--yes"]).contains("nothing was removed"));
        let removed = scratch.run(&["rm", "new", "--yes"]);
        assert_eq!(removed.status.code(), Some(7));
        let gone = scratch.objects().iter().filter(|path| path.starts_with(scratch.path("snapshots/packs"))).count();
        assert_eq!((gone, scratch.objects().len() >= before), (2, true));
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, &bytes).unwrap();
    }
    scratch.ok(&["prune", "--yes"]);
    assert_eq!(names(&scratch.json(&["list"])), ["new"]);
}

#[test]
fn packs_of_a_capture_under_way_stay() {
    let scratch = with_rows();
    capture(&scratch, "s", "a.sqlite", None);
    let pack = scratch.objects().into_iter().find(|path| path.starts_with(scratch.path("snapshots/packs"))).unwrap();
    let bytes = b"a pack of a capture that has not come to its manifest";
    let digest = format!("{:064x}", 7);
    let orphan = pack.parent().unwrap().parent().unwrap().join(&digest[..2]).join(format!("{digest}.age"));
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, bytes).unwrap();
    assert!(scratch.ok(&["prune", "--yes"]).contains("nothing to remove"));
    assert!(orphan.exists());
    // A day later nobody waits for it; but another day it stays, for a capture that found it before it was marked.
    a_day_passes(&scratch, "packs");
    assert_eq!(sums(&scratch.json(&["prune", "--yes"])["gc"]), [1, 0, 1, 0, 0]);
    assert_eq!(sums(&scratch.json(&["prune", "--yes"])["gc"]), [1, 0, 0, 1, 0]);
    assert!(orphan.exists());
    a_day_passes(&scratch, "tombs");
    assert_eq!(sums(&scratch.json(&["prune", "--yes"])["gc"]), [1, 1, 0, 0, 0]);
    assert!(!orphan.exists());
    scratch.ok(&["verify", "--read-data"]);
}

#[test]
fn the_configuration_says_when_snapshots_expire() {
    let scratch = Scratch::with_sample();
    let expires = |arguments: &[&str]| -> Value {
        let name = format!("n{}", arguments.join("").replace('-', ""));
        let base = ["capture", &name, "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"];
        scratch.ok(&[&base[..], arguments].concat());
        scratch.json(&["show", &name])["manifest"]["expires"].clone()
    };
    let within = |expires: &Value, days: i64| {
        let sql = format!("SELECT abs(julianday('{}') - julianday('now') - {days}) < 0.1", expires.as_str().unwrap());
        rusqlite::Connection::open_in_memory().unwrap().query_row(&sql, [], |row| row.get::<_, bool>(0)).unwrap()
    };
    assert!(expires(&[]).is_null());
    let text = "[retention]\ndays = 90\n[retention.environments]\nstaging = 30\n";
    std::fs::write(scratch.path("terp-fixtures.toml"), text).unwrap();
    assert!(within(&expires(&["--env", "dev"]), 90));
    assert!(within(&expires(&["--env", "staging"]), 30));
    assert!(within(&expires(&["--expires-in", "7"]), 7));
    for wrong in [
        "[retention]\ndays = 0\n",
        "[retention]\nday = 1\n",
        "[retention]\ndays = -1\n",
        "[retention.environments]\nqa = 1\n",
        "[audit]\nkeep = true\n",
    ] {
        std::fs::write(scratch.path("terp-fixtures.toml"), wrong).unwrap();
        scratch.fails(1, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    }
}
