//! Garbage collection on stores in memory: what is marked, what is deleted, and what stops it.

use super::*;
use crate::codec::testing;
use crate::error::Kind;
use crate::event::{Cancel, Collected, Event};
use crate::model::proof::Sealed;
use crate::run::publish::{Published, publish};
use crate::run::timing::Timing;
use crate::run::{audit, keys};
use crate::seal::{EpochKeys, Member, Role, SnapshotStamp, seal_keys, seal_manifest};
use crate::store::memory::Memory;
use crate::store::{Listed, Store, suite};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A store whose objects are as old as a test says, and which does not let go of some.
#[derive(Debug, Clone, Default)]
struct Aged {
    inner: Memory,
    ages: Arc<Mutex<HashMap<ObjectName, Duration>>>,
    locked: Arc<Mutex<Vec<ObjectName>>>,
    fails_to_list: Arc<Mutex<Option<ObjectKind>>>,
}

impl Aged {
    /// Everything of a kind gets older.
    fn pass(&self, kind: ObjectKind, hours: u64) {
        for listed in self.inner.list(kind).unwrap() {
            *self.ages.lock().unwrap().entry(listed.name).or_default() += Duration::from_hours(hours);
        }
    }

    fn count(&self, kind: ObjectKind) -> usize {
        self.inner.list(kind).unwrap().len()
    }
}

impl Store for Aged {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.inner.put(object)
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.inner.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.inner.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        if *self.fails_to_list.lock().unwrap() == Some(kind) {
            return Err(Error::store("the second page of the listing failed"));
        }
        let mut listed = self.inner.list(kind)?;
        let ages = self.ages.lock().unwrap();
        for one in &mut listed {
            one.age = ages.get(&one.name).copied().unwrap_or_default();
        }
        Ok(listed)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        if self.locked.lock().unwrap().contains(name) {
            return Err(Error::store(format!("cannot remove {name}: AccessDenied")));
        }
        self.inner.delete(name)
    }
}

struct World {
    store: Aged,
    repository: Repository,
    member: Member,
    told: Collected,
}

impl World {
    /// A store of ten packs, of which snapshots need the first six.
    fn new() -> Self {
        let (store, member) = (Aged::default(), Member::generate());
        keys::init(&store, &member).unwrap();
        let repository = Repository::open(Box::new(store.clone()), &member, &[]).unwrap();
        let world = Self { store, repository, member, told: Collected::default() };
        (0..10).for_each(|nth| world.put(nth));
        world.publish("one", &[0, 1, 2, 3]);
        world.publish("two", &[3, 4, 5]);
        world
    }

    fn put(&self, nth: u32) {
        self.store.put(&pack(nth)).unwrap();
    }

    fn manifest(&self, name: &str, packs: &[u32]) -> crate::model::manifest::Manifest {
        let mut manifest = testing::manifest();
        manifest.repo = self.repository.id().to_owned();
        manifest.name = name.to_owned();
        manifest.packs = packs.iter().map(|nth| reference(*nth)).collect();
        manifest
    }

    fn publish(&self, name: &str, packs: &[u32]) -> Snapshot {
        match publish(&self.context(), &self.repository, &self.manifest(name, packs)).unwrap() {
            Published::Done(snapshot, _) => *snapshot,
            Published::Lost(packs) => panic!("lost {packs:?}"),
        }
    }

    fn context(&self) -> Context<'_> {
        Context { report: &self.told, cancel: Cancel::default(), jobs: 1 }
    }

    fn collect(&self, options: &Options<'_>) -> Result<Outcome> {
        collect(&self.context(), &self.repository, options)
    }

    fn usual(&self) -> Outcome {
        self.collect(&Options::default()).unwrap()
    }

    fn warnings(&self) -> usize {
        self.told.events().iter().filter(|event| matches!(event, Event::Warning { .. })).count()
    }

    /// How many packs are live, deleted, marked, waiting and young.
    fn sums(outcome: &Outcome) -> [u64; 5] {
        [outcome.live, outcome.deleted, outcome.marked, outcome.waiting, outcome.young].map(|sum| sum.packs)
    }

    /// Collects; nothing may be marked or deleted, and the trail says nothing.
    fn is_stopped(&self, kind: Kind, what: &str) {
        for options in
            [Options::default(), Options { no_grace: true, force: kind == Kind::Store, ..Options::default() }]
        {
            let before = (self.store.count(ObjectKind::Pack), self.store.count(ObjectKind::Tomb));
            let error = self.collect(&options).unwrap_err();
            assert_eq!(error.kind(), kind, "{what}: {error}");
            assert!(kind != Kind::Guard || error.hint_text().unwrap().contains("--force"));
            assert_eq!((self.store.count(ObjectKind::Pack), self.store.count(ObjectKind::Tomb)), before, "{what}");
        }
    }
}

fn pack(nth: u32) -> Sealed {
    suite::object(ObjectKind::Pack, nth, &[7; 100])
}

fn reference(nth: u32) -> PackRef {
    PackRef { name: pack(nth).name().stem().to_owned(), length: 100 }
}

#[test]
fn a_pack_goes_two_graces_after_it_was_left() {
    let world = World::new();
    assert_eq!(World::sums(&world.usual()), [6, 0, 0, 0, 4]);
    world.store.pass(ObjectKind::Pack, 23);
    assert_eq!(World::sums(&world.usual()), [6, 0, 0, 0, 4]);
    assert_eq!(world.store.count(ObjectKind::Audit), 0);
    world.store.pass(ObjectKind::Pack, 1);
    let dry = world.collect(&Options { dry_run: true, ..Options::default() }).unwrap();
    assert_eq!((World::sums(&dry), world.store.count(ObjectKind::Tomb)), ([6, 0, 4, 0, 0], 0));
    assert_eq!(World::sums(&world.usual()), [6, 0, 4, 0, 0]);
    assert_eq!(World::sums(&world.usual()), [6, 0, 0, 4, 0]);
    world.put(10);
    world.store.pass(ObjectKind::Tomb, 23);
    assert_eq!(World::sums(&world.usual()), [6, 0, 0, 4, 1]);
    world.store.pass(ObjectKind::Tomb, 1);
    let done = world.usual();
    assert_eq!((World::sums(&done), done.all.bytes, done.deleted.bytes, done.tombs), ([6, 4, 0, 0, 1], 1100, 400, 0));
    assert_eq!((world.store.count(ObjectKind::Pack), world.store.count(ObjectKind::Tomb)), (7, 0));
    let (entries, _) = audit::entries(&world.repository).unwrap();
    let counts: Vec<_> = entries.iter().map(|recorded| recorded.entry.what.counts.clone()).collect();
    assert_eq!((counts[0]["marked_packs"], counts[1]["deleted_packs"], counts.len()), (4, 4, 2));
}

#[test]
fn a_pack_that_came_back_stays_and_is_not_shared_again() {
    let world = World::new();
    world.store.pass(ObjectKind::Pack, 24);
    world.usual();
    // A capture that looked before the mark comes to its end after it.
    let manifest = world.manifest("late", &[6]);
    let stamp = SnapshotStamp { created_compact: manifest.created.replace(['-', ':'], "") };
    let body = crate::codec::manifest::encode(&manifest).unwrap();
    let (sealed, _) = seal_manifest(&body, &stamp, world.repository.keys(), world.repository.signer()).unwrap();
    world.store.put(&sealed).unwrap();
    world.store.pass(ObjectKind::Tomb, 24);
    let done = world.usual();
    assert_eq!((World::sums(&done), done.tombs), ([7, 3, 0, 0, 0], 1));
    // The mark is still there, so that nobody else shares the pack, and as soon as nobody needs it, it goes.
    let refused = publish(&world.context(), &world.repository, &world.manifest("later", &[0, 6])).unwrap();
    assert!(matches!(refused, Published::Lost(packs) if packs.iter().eq([&reference(6).name])));
    world.store.delete(sealed.name()).unwrap();
    let done = world.usual();
    assert_eq!((World::sums(&done), done.tombs), ([6, 1, 0, 0, 0], 0));
}

#[test]
fn what_is_marked_or_gone_is_lost_to_a_capture() {
    let world = World::new();
    world.store.pass(ObjectKind::Pack, 24);
    world.usual();
    world.store.delete(pack(1).name()).unwrap();
    let short = PackRef { length: 99, ..reference(2) };
    let mut manifest = world.manifest("new", &[0, 1, 9]);
    manifest.packs.push(short.clone());
    let before = world.store.count(ObjectKind::Snapshot);
    let Published::Lost(lost) = publish(&world.context(), &world.repository, &manifest).unwrap() else {
        panic!("published")
    };
    let names = [reference(1).name, reference(9).name, short.name];
    assert_eq!(lost, std::collections::BTreeSet::from(names));
    assert_eq!(world.store.count(ObjectKind::Snapshot), before);
}

#[test]
fn what_the_store_keeps_is_told_and_tried_again() {
    let world = World::new();
    world.store.pass(ObjectKind::Pack, 24);
    world.usual();
    world.store.pass(ObjectKind::Tomb, 24);
    *world.store.locked.lock().unwrap() = vec![pack(7).name().clone(), pack(8).name().clone()];
    let done = world.usual();
    assert_eq!((World::sums(&done), done.refused.packs, done.tombs), ([6, 2, 0, 0, 0], 2, 1));
    assert_eq!(world.warnings(), 1);
    let tomb = world.store.list(ObjectKind::Tomb).unwrap().remove(0).name;
    *world.store.locked.lock().unwrap() = vec![tomb];
    let done = world.usual();
    assert_eq!((World::sums(&done), done.refused.packs, done.tombs), ([6, 2, 0, 0, 0], 0, 1));
    world.store.locked.lock().unwrap().clear();
    let done = world.usual();
    assert_eq!((World::sums(&done), done.tombs, world.store.count(ObjectKind::Tomb)), ([6, 0, 0, 0, 0], 0, 0));
}

#[test]
fn marks_of_what_is_gone_and_of_dead_collections_are_cleared() {
    let world = World::new();
    // Two collections at once, the second of which marks some of the same; and one that died behind its mark.
    for both in [[6, 7], [7, 8]] {
        let mut packs = both.map(reference);
        packs.sort_by(|one, other| one.name.cmp(&other.name));
        tombs::write(&world.repository, &packs).unwrap();
    }
    tombs::write(&world.repository, &[PackRef { name: "a".repeat(64), length: 1 }]).unwrap();
    let done = world.usual();
    assert_eq!((World::sums(&done), done.tombs), ([6, 0, 0, 3, 1], 2));
    let first = world.store.list(ObjectKind::Tomb).unwrap().remove(0).name;
    world.store.ages.lock().unwrap().insert(first, Duration::from_hours(24));
    let done = world.usual();
    assert_eq!((done.deleted.packs, done.waiting.packs, done.tombs), (2, 1, 1));
    world.store.pass(ObjectKind::Tomb, 24);
    assert_eq!((world.usual().deleted.packs, world.store.count(ObjectKind::Tomb)), (1, 0));
}

#[test]
fn a_tomb_that_was_put_back_takes_nothing_that_is_needed() {
    let world = World::new();
    world.store.pass(ObjectKind::Pack, 24);
    world.usual();
    let tomb = world.store.list(ObjectKind::Tomb).unwrap().remove(0).name;
    let copy = world.store.get(&tomb, u64::MAX).unwrap();
    world.store.pass(ObjectKind::Tomb, 24);
    world.usual();
    assert_eq!(world.store.count(ObjectKind::Tomb), 0);
    world.put(20);
    world.store.put(&copy).unwrap();
    let done = world.usual();
    assert_eq!((World::sums(&done), world.store.count(ObjectKind::Tomb)), ([6, 0, 0, 0, 1], 0));
}

#[test]
fn an_unreadable_tomb_stops_everything() {
    let world = World::new();
    world.store.pass(ObjectKind::Pack, 24);
    world.usual();
    world.store.pass(ObjectKind::Tomb, 24);
    let stranger = Member::generate().signer();
    let other = EpochKeys::generate(world.repository.id(), 1).unwrap();
    let line = crate::codec::tomb::encode(&crate::codec::tomb::Tomb {
        version: 1,
        repo: world.repository.id().to_owned(),
        id: "0".repeat(32),
        time: "2025-12-03T10:15:00Z".into(),
        packs: vec![reference(0)],
    })
    .unwrap();
    let seal = |time: &str, keys: &EpochKeys, signer| crate::seal::seal_tomb(&line, time, keys, signer).unwrap();
    let time = "20251203T101500Z";
    let keys = world.repository.keys();
    for (what, tomb) in [
        ("no tomb", suite::object(ObjectKind::Tomb, 1, b"nothing")),
        ("a stranger's", seal(time, keys, &stranger)),
        ("other keys", seal(time, &other, world.repository.signer())),
        ("another time", seal("20251203T101501Z", keys, world.repository.signer())),
    ] {
        world.store.put(&tomb).unwrap();
        world.is_stopped(Kind::Store, what);
        let capture = publish(&world.context(), &world.repository, &world.manifest("new", &[0])).map(drop);
        assert!(capture.unwrap_err().what().contains("cannot be known"), "{what}");
        world.store.delete(tomb.name()).unwrap();
    }
    assert_eq!(world.usual().deleted.packs, 4);
}

#[test]
fn whatever_may_say_that_a_pack_is_needed_stops_a_collection_when_it_cannot_be_read() {
    let world = World::new();
    world.store.pass(ObjectKind::Pack, 24);
    world.usual();
    world.store.pass(ObjectKind::Tomb, 24);
    for kind in [ObjectKind::Snapshot, ObjectKind::Tomb, ObjectKind::Pack] {
        *world.store.fails_to_list.lock().unwrap() = Some(kind);
        world.is_stopped(Kind::Store, "a failed listing");
        *world.store.fails_to_list.lock().unwrap() = None;
    }
    let newer = |change: &dyn Fn(&mut crate::model::manifest::Manifest)| {
        let mut manifest = world.manifest("x", &[0]);
        change(&mut manifest);
        let body = serde_json::to_vec(&manifest).unwrap();
        let stamp = SnapshotStamp { created_compact: manifest.created.replace(['-', ':'], "") };
        seal_manifest(&body, &stamp, world.repository.keys(), world.repository.signer()).unwrap().0
    };
    let later = EpochKeys::generate(world.repository.id(), 2).unwrap();
    let body = serde_json::to_vec(&world.manifest("x", &[0])).unwrap();
    let stamp = SnapshotStamp { created_compact: "20251203T101500Z".into() };
    for (what, manifest) in [
        ("no manifest", suite::object(ObjectKind::Snapshot, 1, b"nothing")),
        ("another format", newer(&|manifest| manifest.format = 2)),
        ("an unknown feature", newer(&|manifest| manifest.features.push("rows-copy-v2".into()))),
        ("another repository", newer(&|manifest| manifest.repo = "f".repeat(32))),
        ("an epoch without keys", seal_manifest(&body, &stamp, &later, world.repository.signer()).unwrap().0),
        (
            "a stranger's",
            seal_manifest(&body, &stamp, world.repository.keys(), &Member::generate().signer()).unwrap().0,
        ),
    ] {
        world.store.put(&manifest).unwrap();
        world.is_stopped(Kind::Store, what);
        world.store.delete(manifest.name()).unwrap();
    }
    assert_eq!(world.usual().deleted.packs, 4);
}

#[test]
fn more_than_half_of_a_store_takes_force() {
    let world = World::new();
    world.store.pass(ObjectKind::Pack, 24);
    let going = world.repository.find("one").unwrap();
    world.store.delete(&going.object).unwrap();
    // Seven of ten packs are needed by nobody now.
    world.is_stopped(Kind::Guard, "seven of ten");
    let dry = world.collect(&Options { dry_run: true, ..Options::default() }).unwrap();
    assert_eq!((World::sums(&dry), dry.needs_force), ([3, 0, 7, 0, 0], true));
    // A removal explains what it sets free, and only that.
    let explained = world.collect(&Options { going: &[&going], ..Options::default() }).unwrap();
    assert_eq!(World::sums(&explained), [3, 0, 7, 0, 0]);
    // Bytes count as packs do.
    let world = World::new();
    world.store.put(&suite::object(ObjectKind::Pack, 11, &[7; 2000])).unwrap();
    world.store.pass(ObjectKind::Pack, 24);
    world.is_stopped(Kind::Guard, "one large pack");
    assert_eq!(World::sums(&world.collect(&Options { force: true, ..Options::default() }).unwrap()), [6, 0, 5, 0, 0]);
}

#[test]
fn without_grace_everything_that_is_not_needed_goes_at_once() {
    let world = World::new();
    let no_grace = Options { no_grace: true, ..Options::default() };
    let dry = world.collect(&Options { dry_run: true, ..no_grace }).unwrap();
    assert_eq!((World::sums(&dry), world.store.count(ObjectKind::Pack)), ([6, 4, 0, 0, 0], 10));
    let done = world.collect(&no_grace).unwrap();
    assert_eq!((World::sums(&done), done.tombs), ([6, 4, 0, 0, 0], 0));
    assert_eq!((world.store.count(ObjectKind::Pack), world.store.count(ObjectKind::Tomb)), (6, 0));
    assert_eq!(World::sums(&world.collect(&no_grace).unwrap()), [6, 0, 0, 0, 0]);
}

#[test]
fn a_host_that_may_capture_but_not_read_rows_collects() {
    let world = World::new();
    let host = Member::generate();
    let keys = world.repository.keys();
    let signer = world.member.signer();
    world.store.put(&seal_keys(keys, &host.recipient(), Role::Capture, &signer).unwrap()).unwrap();
    let pinned = [world.member.signer().id()];
    let repository = Repository::open(Box::new(world.store.clone()), &host, &pinned).unwrap();
    world.store.pass(ObjectKind::Pack, 24);
    let done = collect(&world.context(), &repository, &Options::default()).unwrap();
    assert_eq!(World::sums(&done), [6, 0, 4, 0, 0]);
}

/// The wall clock of the next test, in seconds.
static WALL: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1000);

/// Every reading is a second later.
fn slow() -> crate::run::timing::Moment {
    let now = Duration::from_secs(WALL.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    crate::run::timing::Moment { steady: now, wall: now }
}

#[test]
fn a_window_that_never_is_open_publishes_nothing() {
    let world = World::new();
    let timing = Timing { window: Duration::ZERO, clock: slow, ..Timing::default() };
    let repository = Repository::open(Box::new(world.store.clone()), &world.member, &[]).unwrap().timed(timing);
    let before = world.store.count(ObjectKind::Snapshot);
    let error = publish(&world.context(), &repository, &world.manifest("new", &[0])).map(drop).unwrap_err();
    assert!(error.what().contains("to say which packs it has"), "{error}");
    assert_eq!(world.store.count(ObjectKind::Snapshot), before);
    // One that closes while the manifest is on its way is looked at again, and then what is lost takes the manifest with it.
    let timing = Timing { window: Duration::from_secs(1), clock: slow, ..Timing::default() };
    let repository = Repository::open(Box::new(Marking(world.store.clone())), &world.member, &[]);
    let repository = repository.unwrap().timed(timing);
    let marking = publish(&world.context(), &repository, &world.manifest("new", &[0])).unwrap();
    assert!(matches!(marking, Published::Lost(packs) if packs.len() == 1));
    assert_eq!(world.store.count(ObjectKind::Snapshot), before);
}

/// A store from which pack 0 vanishes when a manifest comes.
struct Marking(Aged);

impl Store for Marking {
    fn put(&self, object: &Sealed) -> Result<()> {
        if object.name().kind() == ObjectKind::Snapshot {
            self.0.delete(pack(0).name())?;
        }
        self.0.put(object)
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.0.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.0.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        self.0.list(kind)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.0.delete(name)
    }
}
