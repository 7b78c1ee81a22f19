//! Every bit of every object flipped, every cut, swap, copy, loss and replay: found by `verify`, and by a restore where the object
//! matters to it; elsewhere the restore is not harmed. No wrong row, no panic.

use super::testing::{World, context, remove};
use crate::error::{Kind, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::run::audit;
use crate::run::repository::{Repository, Snapshot};
use crate::run::verify::{self, Depth};
use crate::store::Store;
use crate::store::memory::Memory;
use crate::store::simulated_testing::{Simulated, copy, objects, overwrite};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A store in which one object is altered again and again, opened once where that object is not needed for opening.
struct Patient<'w> {
    world: &'w World,
    store: Memory,
    /// The snapshot that needs the object, or any.
    wanted: String,
    opened: Option<Repository>,
    /// Whether a restore of that snapshot reads the object at all.
    matters: bool,
    object: Sealed,
    /// Where restores go.
    target: String,
}

impl<'w> Patient<'w> {
    /// The smallest store in which `object` has its place: one snapshot, its packs, and the object.
    fn new(world: &'w World, whole: &Memory, object: &Sealed, number: usize) -> Self {
        let repository = world.open(Box::new(whole.clone())).unwrap();
        let (snapshots, _) = repository.snapshots().unwrap();
        let needs = |snapshot: &&Snapshot| {
            &snapshot.object == object.name()
                || snapshot.manifest.packs.iter().any(|pack| pack.name == object.name().stem())
        };
        let snapshot = snapshots.iter().find(needs).unwrap_or(&snapshots[0]);
        let store = copy(whole);
        let stays = |name: &ObjectName| {
            name == object.name()
                || name == &snapshot.object
                || matches!(name.kind(), ObjectKind::Hint | ObjectKind::Key | ObjectKind::Card)
                || snapshot.manifest.packs.iter().any(|pack| pack.name == name.stem())
        };
        let others = objects(whole).into_iter().filter(|other| !stays(other.name()));
        for other in others {
            store.delete(other.name()).unwrap();
        }
        let wanted = snapshot.manifest.name.clone();
        let target = format!("target{number}.sqlite");
        let watched = Simulated::new(&store, None);
        let opened = world.open(Box::new(watched.clone())).unwrap();
        let opening = object.name().kind() == ObjectKind::Hint || watched.read().contains(object.name());
        let rows = world.restore(&opened, &wanted, &format!("first{target}")).unwrap();
        assert_eq!(rows, snapshot.manifest.tables.iter().map(|entry| entry.rows).sum::<u64>());
        let matters = watched.read().contains(object.name());
        let opened = (!opening).then(|| world.open(Box::new(store.clone())).unwrap());
        let patient = Self { world, store, wanted, opened, matters, object: object.clone(), target };
        if !matters {
            patient.restore_is_not_harmed(rows);
        }
        patient
    }

    /// What a restore does not read cannot harm it: shown once, and from then on there is only the object to look at.
    fn restore_is_not_harmed(&self, rows: u64) {
        let mut bytes = self.object.bytes().to_vec();
        bytes[self.object.bytes().len() / 2] ^= 1;
        overwrite(&self.store, self.object.name(), &bytes);
        let restored = self.with(|repository| self.world.restore(repository, &self.wanted, &self.target));
        assert_eq!(restored.unwrap(), rows, "{} does not matter to a restore", self.object.name());
        for kind in [ObjectKind::Pack, ObjectKind::Snapshot] {
            for listed in self.store.list(kind).unwrap() {
                self.store.delete(&listed.name).unwrap();
            }
        }
    }

    fn with<T>(&self, done: impl FnOnce(&Repository) -> Result<T>) -> Result<T> {
        match &self.opened {
            Some(repository) => done(repository),
            None => self.world.open(Box::new(self.store.clone())).and_then(|repository| done(&repository)),
        }
    }

    /// Puts `bytes` in the object's place: both must notice, or the restore must not care.
    fn must_be_noticed(&self, bytes: &[u8], and_restore: bool, what: &dyn std::fmt::Display) {
        let name = self.object.name();
        overwrite(&self.store, name, bytes);
        let verified = self.with(|repository| {
            verify::verify(&context(), repository, None, Depth::Rows).and_then(verify::Outcome::into_result)
        });
        assert_eq!(verified.map(drop).map_err(|error| error.kind()), Err(Kind::Store), "verify: {what} of {name}");
        if self.matters && and_restore {
            let restored = self.with(|repository| self.world.restore(repository, &self.wanted, &self.target));
            assert_eq!(restored.map_err(|error| error.kind()), Err(Kind::Store), "restore: {what} of {name}");
        }
    }
}

/// A store with objects of every kind, large enough for the flips that are asked for.
fn patient_store(world: &World) -> Memory {
    let store = copy(&world.two);
    let repository = world.open(Box::new(store.clone())).unwrap();
    for name in ["three", "four", "five", "six"] {
        world.capture_subset(&repository, name).unwrap();
    }
    // Leaves a mark of garbage collection.
    world.capture(&repository, "seven").unwrap();
    remove(&repository, "seven").unwrap();
    assert_eq!(store.list(ObjectKind::Tomb).unwrap().len(), 1);
    store
}

/// Calls `each` with every object of the store, several at a time.
fn for_every_object(whole: &Memory, each: &(dyn Fn(&Sealed, usize) + Sync)) {
    let all = objects(whole);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(object) = all.get(number) else { break };
                    each(object, number);
                }
            });
        }
    });
}

#[test]
fn every_flipped_bit_of_every_object_is_noticed() {
    let start = Instant::now();
    let world = World::new();
    let whole = patient_store(&world);
    let flips = AtomicU64::new(0);
    for_every_object(&whole, &|object, number| {
        let patient = Patient::new(&world, &whole, object, number);
        let started = Instant::now();
        let mut bytes = object.bytes().to_vec();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            // To see a flip in a pack, a restore has to begin with the target, which is slow: one bit of each byte. A
            // verification fetches and opens packs by the same code.
            let and_restore = object.name().kind() != ObjectKind::Pack || bit % 8 == bit / 8 % 8;
            patient.must_be_noticed(&bytes, and_restore, &format_args!("bit {bit}"));
            bytes[bit / 8] ^= 1 << (bit % 8);
            flips.fetch_add(1, Ordering::Relaxed);
        }
        println!(
            "{:9} {:6} bytes {:6} ms",
            format!("{:?}", object.name().kind()),
            bytes.len(),
            started.elapsed().as_millis()
        );
    });
    let flips = flips.into_inner();
    println!("{flips} flips in {} ms", start.elapsed().as_millis());
    assert!(flips >= 200_000, "only {flips} flips");
}

#[test]
fn every_truncation_of_every_object_is_noticed() {
    let world = World::new();
    for_every_object(&world.two, &|object, number| {
        let patient = Patient::new(&world, &world.two, object, number);
        for length in 0..object.bytes().len() {
            patient.must_be_noticed(&object.bytes()[..length], true, &format_args!("a cut to {length} bytes"));
        }
        for more in [&b"x"[..], b"\0", b"\n", object.bytes()] {
            patient.must_be_noticed(&[object.bytes(), more].concat(), true, &"an added byte");
        }
    });
}

#[test]
fn every_swap_of_two_objects_is_noticed() {
    let world = World::new();
    let whole = patient_store(&world);
    let all = objects(&whole);
    let open = |store: &Memory| world.open(Box::new(store.clone()));
    let mut swaps = 0;
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            let store = copy(&whole);
            overwrite(&store, one.name(), other.bytes());
            overwrite(&store, other.name(), one.bytes());
            let verified = open(&store).and_then(|repository| {
                verify::verify(&context(), &repository, None, Depth::Rows).and_then(verify::Outcome::into_result)
            });
            assert_eq!(verified.map(drop).map_err(|error| error.kind()), Err(Kind::Store), "{one:?} and {other:?}");
            swaps += 1;
        }
    }
    assert!(swaps >= 100, "{swaps} swaps");
}

/// A copy of an object under a second name of its kind: an old manifest as the newest, a pack as another, an entry as a later one.
#[test]
fn every_copy_under_another_name_is_noticed() {
    let world = World::new();
    let whole = patient_store(&world);
    for object in objects(&whole).iter().filter(|object| object.name().kind() != ObjectKind::Hint) {
        let path = object.name().path();
        let digits = path.len() - ".age".len() - 4;
        let changed: String = path[digits..digits + 4].chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
        let second = ObjectName::parse(&format!("{}{changed}.age", &path[..digits])).unwrap();
        let store = copy(&whole);
        overwrite(&store, &second, object.bytes());
        let repository = world.open(Box::new(store.clone())).unwrap();
        let done = verify::verify(&context(), &repository, None, Depth::Rows).unwrap();
        assert_eq!(done.damage.len(), 1, "{second}: {:?}", done.damage);
        // Nothing of it is used.
        assert_eq!(repository.snapshots().unwrap().0.len(), 6, "{second}");
    }
}

#[test]
fn every_lost_object_is_noticed() {
    let world = World::new();
    for object in objects(&world.two) {
        let store = copy(&world.two);
        store.delete(object.name()).unwrap();
        let noticed = match world.open(Box::new(store.clone())) {
            Err(error) => {
                assert_eq!(error.kind(), Kind::Store);
                true
            }
            Ok(repository) => {
                let verified = verify::verify(&context(), &repository, None, Depth::Rows).unwrap();
                let trail = audit::verify::store(&repository, &[head(&world)]).unwrap();
                !verified.damage.is_empty() || !trail.findings.is_empty()
            }
        };
        assert!(noticed, "{} is gone", object.name());
    }
}

/// The head of the trail as a machine remembers it.
fn head(world: &World) -> audit::verify::Known {
    let repository = world.open(Box::new(world.two.clone())).unwrap();
    audit::verify::Known { by: "this machine".into(), head: audit::head(&repository).unwrap() }
}

/// Put back: a manifest that was removed, and the whole store as it was.
#[test]
fn what_was_removed_and_is_put_back_is_noticed() {
    let world = World::new();
    let before: BTreeSet<ObjectName> = objects(&world.two).iter().map(|object| object.name().clone()).collect();
    let store = copy(&world.two);
    let repository = world.open(Box::new(store.clone())).unwrap();
    remove(&repository, "two").unwrap();
    let removed = objects(&world.two).into_iter().filter(|object| store.head(object.name()).unwrap().is_none());
    for object in removed {
        store.put(&object).unwrap();
    }
    let found = audit::verify::store(&repository, &[]).unwrap().findings;
    assert!(found.iter().any(|line| line.ends_with("was removed, and it is there")), "{found:?}");

    let newest = audit::head(&repository).unwrap();
    let later = objects(&store).into_iter().filter(|object| !before.contains(object.name()));
    for object in later {
        store.delete(object.name()).unwrap();
    }
    assert!(audit::verify::store(&repository, &[]).unwrap().findings.is_empty(), "by itself the old store is whole");
    let known = audit::verify::Known { by: "this machine".into(), head: newest };
    assert!(!audit::verify::store(&repository, &[known]).unwrap().findings.is_empty(), "who remembers finds out");
}
