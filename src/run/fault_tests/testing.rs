//! A small store, its source, and the commands as a program would run them on any store.

use crate::engine;
use crate::error::Result;
use crate::event::{Cancel, Silent};
use crate::mask::key::MasterKey;
use crate::model::audit::Operation;
use crate::model::proof::ObjectKind;
use crate::policy::{self, Policy};
use crate::run::load::OnConflict;
use crate::run::prune::{self, Keep};
use crate::run::repository::{Repository, Snapshot};
use crate::run::{Context, audit, capture, gc, keys, restore, verify};
use crate::seal::{Member, Role};
use crate::secret::{Address, Secret32};
use crate::store::Store;
use crate::store::memory::Memory;
use crate::store::simulated_testing::copy;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const SOURCE: &str = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);
    INSERT INTO a VALUES (1, 'one'), (2, NULL), (3, 'three');
    CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a, y TEXT);
    INSERT INTO b VALUES (1, 1, 'first'), (2, 3, 'second');";

const POLICY: &str = "version = 1
    [tables.a]\nmode = \"capture\"\nkeep = [\"id\", \"x\"]
    [tables.b]\nmode = \"capture\"\nkeep = [\"id\", \"a\", \"y\"]\n";

/// A member, a source, and stores to begin with.
pub(super) struct World {
    folder: tempfile::TempDir,
    pub(super) member: Member,
    /// A store without a snapshot.
    pub(super) empty: Memory,
    /// A store with the snapshots `one` and `two`, which share a pack.
    pub(super) two: Memory,
    /// The same with a pack that no snapshot needs, and that is not marked.
    pub(super) orphaned: Memory,
    /// The same after `two` was removed, whose pack is marked.
    pub(super) marked: Memory,
    /// The store of `two` with a second member, `bob`.
    pub(super) team: Memory,
    bob: Member,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let member = Member::generate();
        let empty = Memory::new();
        keys::init(&empty, &member).unwrap();
        let (two, orphaned, marked, team) = (copy(&empty), Memory::new(), Memory::new(), Memory::new());
        let bob = Member::generate();
        let mut world = Self { folder, member, empty, two, orphaned, marked, team, bob };
        world.sql(SOURCE);
        let repository = world.open(Box::new(world.two.clone())).unwrap();
        world.capture(&repository, "one").unwrap();
        world.sql("UPDATE b SET y = 'changed' WHERE id = 2");
        world.capture(&repository, "two").unwrap();
        world.sql("UPDATE b SET y = 'changed again' WHERE id = 1");
        world.marked = copy(&world.two);
        remove(&world.open(Box::new(world.marked.clone())).unwrap(), "two").unwrap();
        world.team = copy(&world.two);
        world.add_bob(&world.open(Box::new(world.team.clone())).unwrap()).unwrap();
        world.orphaned = copy(&world.two);
        let repository = world.open(Box::new(world.orphaned.clone())).unwrap();
        let dying = world.capture(&repository, "dying").unwrap();
        world.orphaned.delete(&dying.object).unwrap();
        let entry = world.orphaned.list(ObjectKind::Audit).unwrap().pop().unwrap();
        world.orphaned.delete(&entry.name).unwrap();
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sql(&self, text: &str) {
        rusqlite::Connection::open(self.path("source.sqlite")).unwrap().execute_batch(text).unwrap();
    }

    pub(super) fn open(&self, store: Box<dyn Store>) -> Result<Repository> {
        Repository::open(store, &self.member, &[])
    }

    /// Captures everything and writes it down, as the command does.
    pub(super) fn capture(&self, repository: &Repository, name: &str) -> Result<Snapshot> {
        self.capture_some(repository, name, "")
    }

    /// The same of a subset.
    pub(super) fn capture_subset(&self, repository: &Repository, name: &str) -> Result<Snapshot> {
        self.capture_some(repository, name, "[[subset.roots]]\ntable = \"b\"\nwhere = \"id = 1\"\n")
    }

    fn capture_some(&self, repository: &Repository, name: &str, more: &str) -> Result<Snapshot> {
        let address = Address::new(format!("sqlite:{}", self.path("source.sqlite").display()));
        let mut source = (engine::find(&address)?.source)(&address, &Cancel::default())?;
        let catalogue = source.catalogue()?;
        let policy = Policy::parse("p.toml", &format!("{POLICY}{more}"))?;
        let master = MasterKey::new(Secret32::new([7; 32]));
        let plan = policy::resolve(&policy, &catalogue, "dev", &master)?;
        let options = capture::Options {
            name: name.into(),
            environment: "dev".into(),
            policy: policy.proof(&master, "dev"),
            dry_run: false,
            expires: None,
            tags: std::collections::BTreeSet::new(),
            amount: capture::Amount::default(),
        };
        let done = capture::capture(&context(), &mut *source, &catalogue, &plan, repository, &options)?;
        let snapshot = done.snapshot.unwrap();
        audit::record(repository, audit::captured(&snapshot, address.to_string()))?;
        Ok(snapshot)
    }

    /// Adds a second member, who may read everything.
    pub(super) fn add_bob(&self, repository: &Repository) -> Result<()> {
        let new = keys::NewMember {
            name: "bob".into(),
            recipient: self.bob.recipient(),
            role: Role::Restore,
            signer: None,
            from_now: false,
        };
        keys::add(&context(), repository, &new).map(drop)
    }

    /// Restores the newest snapshot of a name into a database of its own.
    pub(super) fn restore(&self, repository: &Repository, name: &str, target: &str) -> Result<u64> {
        let address = Address::new(format!("sqlite:{}", self.path(target).display()));
        let snapshot = repository.find(name)?;
        let mut target = (engine::find(&address)?.target)(&address, true, &Cancel::default())?;
        let options = restore::Options {
            marker: crate::run::marking::Marker::Columns,
            create: true,
            on_conflict: OnConflict::Fail,
            on_error: crate::run::quarantine::OnError::Abort,
            quarantine: None,
            keep_others: false,
            suspend_triggers: false,
            tables: Vec::new(),
            dry_run: false,
            lock_timeout: Duration::from_secs(5),
            surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
            allow_lossy: false,
            streams: None,
            map: crate::run::drift::Map::default(),
        };
        restore::restore(&context(), repository, &snapshot, &mut *target, &options).map(|done| done.rows())
    }
}

pub(super) fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 1 }
}

/// Removes the snapshots of a name, as `rm` does; fine where there is none, as after an `rm` that was cut.
pub(super) fn remove(repository: &Repository, name: &str) -> Result<()> {
    let snapshots = prune::all(repository)?;
    let chosen: Vec<(Operation, &Snapshot)> = snapshots
        .iter()
        .filter(|snapshot| snapshot.manifest.name == name)
        .map(|snapshot| (Operation::Delete, snapshot))
        .collect();
    prune::remove(&context(), repository, &chosen).map(drop)
}

/// Keeps the newest snapshot only, as `prune --keep-last 1` does.
pub(super) fn prune(repository: &Repository) -> Result<()> {
    let snapshots = prune::all(repository)?;
    let keep = Keep { last: Some(1), ..Keep::default() };
    let chosen = prune::choose(&snapshots, &keep, &|_| Vec::new());
    prune::remove(&context(), repository, &chosen).map(drop)
}

/// Begins an epoch without the second member; fine where there is none, as after a removal that was cut behind its end.
pub(super) fn remove_bob(repository: &Repository) -> Result<()> {
    match keys::removal(repository, "bob") {
        Ok(removal) => keys::remove(&context(), repository, &removal).map(drop),
        Err(error) if error.what().starts_with("there is no member") => Ok(()),
        Err(error) => Err(error),
    }
}

/// Marks what no snapshot needs, and deletes what was marked long enough ago; `at_once` does both.
pub(super) fn collect(repository: &Repository, at_once: bool) -> Result<()> {
    let options = gc::Options { force: true, no_grace: at_once, ..gc::Options::default() };
    gc::collect(&context(), repository, &options).map(drop)
}

/// How many snapshots of each name there are. Panics unless every object is whole and every row reads back.
pub(super) fn intact(repository: &Repository, what: &dyn std::fmt::Display) -> BTreeMap<String, usize> {
    let done = verify::verify(&context(), repository, None, verify::Depth::Rows).unwrap();
    assert!(done.damage.is_empty(), "{what}: {:?}", done.damage);
    let mut names = BTreeMap::new();
    let (snapshots, _) = repository.snapshots().unwrap();
    for snapshot in snapshots {
        *names.entry(snapshot.manifest.name).or_default() += 1;
    }
    assert_eq!(done.manifests, names.values().sum::<usize>() as u64, "{what}");
    // The trail may only lack what the dead could not write.
    let trail = audit::verify::store(repository, &[]).unwrap();
    let lacks = |line: &&String| !line.starts_with("no entry says") && !line.ends_with("was removed, and it is there");
    assert_eq!(trail.findings.iter().filter(lacks).collect::<Vec<_>>(), Vec::<&String>::new(), "{what}");
    names
}
