//! Captures, removals and collections at once, on a real store in a folder: in threads with times of milliseconds, and as processes of
//! the real binary between which days pass.

use crate::inside::{capture, keep_all};
use crate::support::{Random, Scratch, sql};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use terp_fixtures::error::{Kind, Result};
use terp_fixtures::model::audit::Operation;
use terp_fixtures::model::proof::{ObjectKind, ObjectName, Sealed};
use terp_fixtures::run::gc::{self, Options};
use terp_fixtures::run::repository::{Repository, Snapshot};
use terp_fixtures::run::timing::Timing;
use terp_fixtures::run::{keys, prune, verify};
use terp_fixtures::seal::Member;
use terp_fixtures::store::{Listed, Store, folder::Folder};

/// A store in a folder whose objects are as old as this process knows: since their `put` was over. The folder counts from when a file
/// was written, and with a grace of milliseconds the time until it is durable and has its name would matter.
#[derive(Clone)]
struct Exact {
    inner: Arc<Folder>,
    written: Arc<Mutex<HashMap<ObjectName, Instant>>>,
}

impl Store for Exact {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.inner.put(object)?;
        self.written.lock().unwrap().entry(object.name().clone()).or_insert_with(Instant::now);
        Ok(())
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.inner.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.inner.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        let mut listed = self.inner.list(kind)?;
        let written = self.written.lock().unwrap();
        for one in &mut listed {
            one.age = written.get(&one.name).map_or(Duration::ZERO, Instant::elapsed);
        }
        Ok(listed)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.inner.delete(name)
    }
}

/// What happened so far.
#[derive(Debug, Default)]
struct Tally {
    published: AtomicU64,
    gave_up: AtomicU64,
    removed: AtomicU64,
    marked: AtomicU64,
    deleted: AtomicU64,
}

impl Tally {
    fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Ordering::SeqCst);
    }

    fn goes_on(&self) -> bool {
        self.published.load(Ordering::SeqCst) < ROUNDS
    }

    fn collected(&self, done: &gc::Outcome) {
        Self::add(&self.marked, done.marked.packs);
        Self::add(&self.deleted, done.deleted.packs);
    }
}

const ROUNDS: u64 = 1000;

/// A scratch folder in memory where the system has one: what is tested here is not the disk.
fn fast_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A table that is the same everywhere, and one that is not.
fn source(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    sql(
        &path,
        "CREATE TABLE same (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO same VALUES (1, 'in all of them');
         CREATE TABLE own (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO own VALUES (1, 'own')",
    );
    let policy = keep_all(&path);
    (path, policy)
}

/// Fails where a snapshot that is there lacks a pack.
fn is_whole(store: &dyn Store, snapshot: &Snapshot) {
    for pack in &snapshot.manifest.packs {
        let name = ObjectName::parse(&format!("packs/{}/{}.age", &pack.name[..2], pack.name)).unwrap();
        if store.head(&name).unwrap().is_none() {
            let is_there = store.head(&snapshot.object).unwrap().is_some();
            assert!(!is_there, "{} lost the pack {}", snapshot.label(), pack.name);
        }
    }
}

#[test]
fn a_thousand_rounds_at_once_lose_nothing() {
    let folder = fast_folder();
    let store =
        Exact { inner: Arc::new(Folder::create(folder.path().join("store")).unwrap()), written: Arc::default() };
    let member = Member::generate();
    keys::init(&store, &member).unwrap();
    // As a public store it has no audit trail, which would only slow this down.
    let open = || {
        let timing =
            Timing { window: Duration::from_millis(100), grace: Duration::from_millis(200), ..Timing::default() };
        let repository = Repository::open(Box::new(store.clone()), &member, &[]).unwrap();
        repository.acting_as("test".into(), "test".into(), true).timed(timing)
    };
    let context = crate::inside::context;
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for name in ["one.sqlite", "two.sqlite"] {
            let (repository, tally, store, folder) = (open(), &tally, &store, folder.path());
            scope.spawn(move || {
                let (source, policy) = source(folder, name);
                for round in 0.. {
                    if !tally.goes_on() {
                        break;
                    }
                    sql(&source, &format!("UPDATE own SET x = '{name} {round}'"));
                    match capture(&repository, &source, name.split('.').next().unwrap(), &policy) {
                        Ok(done) => {
                            is_whole(store, &done.snapshot.unwrap());
                            Tally::add(&tally.published, 1);
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), Kind::Store, "{error}");
                            // Packs went meanwhile; or it was published, and removed before it was read back.
                            let is_removed =
                                error.what().starts_with("snapshots/") && error.what().ends_with("is not in the store");
                            assert!(error.what().contains("packs") || is_removed, "{error}");
                            Tally::add(&tally.gave_up, 1);
                        }
                    }
                }
            });
        }
        for _ in 0..2 {
            let (repository, tally) = (open(), &tally);
            scope.spawn(move || {
                while tally.goes_on() {
                    let force = Options { force: true, ..Options::default() };
                    tally.collected(&gc::collect(&context(), &repository, &force).unwrap());
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            });
        }
        let (repository, tally, store) = (open(), &tally, &store);
        scope.spawn(move || {
            let mut random = Random(1);
            while tally.goes_on() {
                let (snapshots, damaged) = repository.snapshots().unwrap();
                assert!(damaged.is_empty(), "{damaged:?}");
                // Mostly one; now and then all, so that what everybody shares is set free.
                let going = match snapshots.len() {
                    0..4 => 0,
                    all if random.below(3) == 0 => all,
                    _ => 1,
                };
                for snapshot in &snapshots[..going] {
                    is_whole(store, snapshot);
                }
                let chosen: Vec<_> = snapshots[..going].iter().map(|snapshot| (Operation::Delete, snapshot)).collect();
                tally.collected(&prune::remove(&context(), &repository, &chosen).unwrap().packs);
                Tally::add(&tally.removed, going as u64);
                std::thread::park_timeout(Duration::from_millis(5));
            }
        });
    });
    let repository = open();
    let verified = verify::verify(&context(), &repository, None, verify::Depth::Rows).unwrap();
    assert!(verified.damage.is_empty(), "{:?}", verified.damage);
    let counts = |count: &AtomicU64| count.load(Ordering::SeqCst);
    println!("{tally:?}");
    assert!(counts(&tally.gave_up) < ROUNDS / 2, "{tally:?}");
    assert!(counts(&tally.removed) > ROUNDS / 2 && counts(&tally.deleted) > ROUNDS / 4, "{tally:?}");
    // What is left over goes when nobody is at work any more.
    let end = gc::collect(&context(), &repository, &Options { no_grace: true, force: true, ..Options::default() });
    let end = end.unwrap();
    let live = store.list(ObjectKind::Pack).unwrap().len() as u64;
    assert_eq!((end.live.packs, end.tombs), (live, store.list(ObjectKind::Tomb).unwrap().len() as u64));
    // A mark stays while it names a pack that a capture took at the same moment; one that names none is gone.
    assert!(end.tombs <= live, "{end:?}");
}

/// Makes what lies below a folder of the store a day older.
fn a_day_passes(scratch: &Scratch, folder: &str) {
    let then = SystemTime::now() - Duration::from_hours(25);
    let inside = scratch.path("snapshots").join(folder);
    let mut found = Vec::new();
    if inside.is_dir() {
        crate::support::collect(&inside, &mut found);
    }
    // One that is deleted meanwhile needs no age.
    for file in found.iter().filter_map(|path| std::fs::File::open(path).ok()) {
        file.set_modified(then).unwrap();
    }
}

fn start(scratch: &Scratch, arguments: &[&str]) -> (String, Child) {
    let mut command = scratch.command(arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (arguments.join(" "), child)
}

#[test]
fn processes_at_once_lose_nothing_while_days_pass() {
    let scratch = Scratch::with_store();
    for name in ["one.sqlite", "two.sqlite"] {
        let (_, policy) = source(&scratch.path(""), name);
        std::fs::write(scratch.path("p.toml"), policy).unwrap();
    }
    let mut again = 0;
    for round in 0..20 {
        let mut running = Vec::new();
        for name in ["one", "two"] {
            sql(&scratch.path(&format!("{name}.sqlite")), &format!("UPDATE own SET x = '{name} {round}'"));
            let (label, source) = (format!("{name}-{round}"), format!("sqlite:{name}.sqlite"));
            running.push(start(&scratch, &["capture", &label, "--policy", "p.toml", "--source", &source]));
        }
        for _ in 0..2 {
            running.push(start(&scratch, &["gc", "--force", "--yes"]));
        }
        if round > 0 {
            running.push(start(&scratch, &["rm", &format!("one-{}", round - 1), "--yes"]));
            if round % 4 != 0 {
                running.push(start(&scratch, &["rm", &format!("two-{}", round - 1), "--yes"]));
            }
        }
        // However fast these are, packs may be a day old before their manifest comes; marks may not, since no capture's last look and
        // its manifest lie a day apart.
        while running.iter_mut().any(|(_, child)| child.try_wait().unwrap().is_none()) {
            a_day_passes(&scratch, "packs");
        }
        for (what, child) in running {
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{what}: {stderr}");
            again += u32::from(stderr.contains("begins again without them"));
        }
        a_day_passes(&scratch, "tombs");
        scratch.ok(&["verify"]);
    }
    println!("{again} captures began again");
    scratch.ok(&["verify", "--read-data"]);
    scratch.ok(&["audit", "verify"]);
    for (name, rows) in [("one-19", 2), ("two-19", 2), ("two-3", 2)] {
        scratch.ok(&["restore", name, "--target", &format!("sqlite:{name}.target.sqlite")]);
        let target = scratch.path(&format!("{name}.target.sqlite"));
        let there = "SELECT (SELECT count(*) FROM same) + (SELECT count(*) FROM own)";
        assert_eq!(crate::support::number(&target, there), rows);
    }
}
