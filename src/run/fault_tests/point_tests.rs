//! A fault at every operation of every command, then the same command again, which may be hit once more. At each point: no manifest
//! dangles, no published snapshot is lost, and the next run succeeds.

use super::testing::{World, collect, context, intact, prune, remove, remove_bob};
use crate::error::{Kind, Result};
use crate::model::proof::ObjectKind;
use crate::run::keys;
use crate::run::repository::Repository;
use crate::store::Store;
use crate::store::memory::Memory;
use crate::store::simulated_testing::{Fault, Operation, Simulated, copy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a command does, and what is there before and after it. A new command is one line of [`SCENARIOS`].
struct Scenario {
    name: &'static str,
    begin: fn(&World) -> &Memory,
    act: fn(&World, &Repository) -> Result<()>,
    /// Names that are there at any time.
    always: &'static [&'static str],
    /// Exactly the names that are there in the end.
    finally: &'static [&'static str],
    /// How much older the store says that its objects are.
    age: Duration,
    /// Exactly so many packs are there when nothing is left to do.
    packs: Option<usize>,
}

const DAY: Duration = Duration::from_hours(25);

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "the first capture",
        begin: |world| &world.empty,
        act: |world, repository| world.capture(repository, "new").map(drop),
        always: &[],
        finally: &["new"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "a capture that shares chunks",
        begin: |world| &world.two,
        act: |world, repository| world.capture(repository, "new").map(drop),
        always: &["one", "two"],
        finally: &["new", "one", "two"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "a capture of a subset",
        begin: |world| &world.two,
        act: |world, repository| world.capture_subset(repository, "new").map(drop),
        always: &["one", "two"],
        finally: &["new", "one", "two"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "rm of the older one",
        begin: |world| &world.two,
        act: |_, repository| remove(repository, "one"),
        always: &["two"],
        finally: &["two"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "rm of the newer one",
        begin: |world| &world.two,
        act: |_, repository| remove(repository, "two"),
        always: &["one"],
        finally: &["one"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "prune",
        begin: |world| &world.two,
        act: |_, repository| prune(repository),
        always: &["two"],
        finally: &["two"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "a capture, and prune of what is older",
        begin: |world| &world.two,
        act: |world, repository| {
            world.capture(repository, "new")?;
            prune(repository)
        },
        always: &[],
        finally: &["new"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "gc that marks",
        begin: |world| &world.orphaned,
        act: |_, repository| collect(repository, false),
        always: &["one", "two"],
        finally: &["one", "two"],
        age: DAY,
        packs: Some(2),
    },
    Scenario {
        name: "gc that sweeps",
        begin: |world| &world.marked,
        act: |_, repository| collect(repository, false),
        always: &["one"],
        finally: &["one"],
        age: DAY,
        packs: Some(1),
    },
    Scenario {
        name: "gc without grace",
        begin: |world| &world.orphaned,
        act: |_, repository| collect(repository, true),
        always: &["one", "two"],
        finally: &["one", "two"],
        age: Duration::ZERO,
        packs: Some(2),
    },
    Scenario {
        name: "a capture while a pack is marked, and gc a day later",
        begin: |world| &world.marked,
        act: |world, repository| {
            world.capture(repository, "new")?;
            collect(repository, false)
        },
        always: &["one"],
        finally: &["new", "one"],
        age: DAY,
        packs: Some(2),
    },
    Scenario {
        name: "keys add",
        begin: |world| &world.two,
        act: |world, repository| world.add_bob(repository),
        always: &["one", "two"],
        finally: &["one", "two"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "keys rotate",
        begin: |world| &world.team,
        act: |_, repository| keys::rotate(&context(), repository).map(drop),
        always: &["one", "two"],
        finally: &["one", "two"],
        age: Duration::ZERO,
        packs: None,
    },
    Scenario {
        name: "keys remove",
        begin: |world| &world.team,
        act: |_, repository| remove_bob(repository),
        always: &["one", "two"],
        finally: &["one", "two"],
        age: Duration::ZERO,
        packs: None,
    },
];

impl Scenario {
    fn run(&self, world: &World, store: &Simulated) -> Result<()> {
        (self.act)(world, &world.open(Box::new(store.clone()))?)
    }

    /// What must hold at any time; gives the names that are there.
    fn check(&self, world: &World, store: &Memory, what: &dyn std::fmt::Display) -> BTreeMap<String, usize> {
        let names = intact(&world.open(Box::new(store.clone())).unwrap(), what);
        for name in self.always {
            assert!(names.contains_key(*name), "{what}: {name} is lost");
        }
        names
    }

    fn is_done(&self, names: &BTreeMap<String, usize>) -> bool {
        names.keys().eq(self.finally)
    }

    /// One point: `first` strikes, then `second` in the next run, then nothing.
    fn point(&self, world: &World, first: (usize, Fault), second: Option<(usize, Fault)>) {
        let what = format_args!("{}: {first:?}, then {second:?}", self.name).to_string();
        let memory = copy((self.begin)(world));
        for fault in [Some(first), second].into_iter().flatten() {
            let store = self.store(&memory, Some(fault));
            let outcome = self.run(world, &store);
            let names = self.check(world, &memory, &what);
            assert!(outcome.is_err() || self.is_done(&names), "{what}: it says that all is well; {names:?}");
            store.settle();
            self.check(world, &memory, &what);
        }
        let outcome = self.run(world, &self.store(&memory, None));
        assert!(outcome.is_ok(), "{what}: the next run fails: {:?}", outcome.map_err(|error| error.to_string()));
        let names = self.check(world, &memory, &what);
        assert!(self.is_done(&names), "{what}: {names:?}");
        if let Some(packs) = self.packs {
            // What was only marked in that run goes in the one after.
            collect(&world.open(Box::new(self.store(&memory, None))).unwrap(), self.age.is_zero()).unwrap();
            self.check(world, &memory, &what);
            let left = memory.list(ObjectKind::Pack).unwrap().len();
            // A capture that died behind its manifest was repeated, and may have a pack more.
            let repeated = usize::from(names.values().any(|count| *count > 1));
            assert!((packs..=packs + repeated).contains(&left), "{what}: {left} packs are left");
        }
    }

    fn store(&self, memory: &Memory, fault: Option<(usize, Fault)>) -> Simulated {
        Simulated::new(memory, fault).aged(self.age)
    }

    /// The operations of an undisturbed run.
    fn operations(&self, world: &World) -> Vec<Operation> {
        let store = self.store(&copy((self.begin)(world)), None);
        self.run(world, &store).unwrap();
        store.operations()
    }
}

#[test]
fn a_fault_at_every_operation_of_every_command_loses_nothing() {
    let start = Instant::now();
    let world = World::new();
    let mut points = Vec::new();
    for scenario in SCENARIOS {
        let operations = scenario.operations(&world);
        let before = points.len();
        for (at, operation) in operations.iter().enumerate() {
            let faults = Fault::ALL.into_iter().filter(|fault| fault.matters_at(*operation));
            points.extend(faults.map(|fault| (scenario, (at, fault), None)));
            // Killed, and the next run is killed as well.
            let again = (at % 5..operations.len()).step_by(5);
            points.extend(again.map(|second| (scenario, (at, Fault::Dies), Some((second, Fault::Dies)))));
        }
        println!("{}: {} operations, {} points", scenario.name, operations.len(), points.len() - before);
    }
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((scenario, first, second)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    scenario.point(&world, *first, *second);
                }
            });
        }
    });
    println!("{} kill points in {} ms", points.len(), start.elapsed().as_millis());
    assert!(points.len() >= 2_000, "only {} points", points.len());
}

/// What is promised of stores whose listings lag: captures and readers lose nothing, and a capture that cannot see its own packs is
/// refused. (Removals need listings that are current; every store that is supported has them.)
#[test]
fn captures_and_readers_lose_nothing_under_stale_listings() {
    let world = World::new();
    let (mut published, mut refused) = (0, 0);
    for stale in 1..60 {
        let memory = copy(&world.two);
        let store = Simulated::new(&memory, None).stale(stale);
        let open = || world.open(Box::new(store.clone())).unwrap();
        let what = format_args!("listings {stale} operations old").to_string();
        let mut expected = BTreeSet::from(["one", "two"]);
        for name in ["three", "four"] {
            match world.capture(&open(), name) {
                Ok(_) => {
                    expected.insert(name);
                    published += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Store, "{what}");
                    refused += 1;
                }
            }
            // A reader that does not see the newest yet sees only what is whole.
            let (seen, damaged) = open().snapshots().unwrap();
            assert!(seen.len() >= 2 && damaged.is_empty(), "{what}");
            assert_eq!(world.restore(&open(), "one", &format!("{stale}{name}.sqlite")).unwrap(), 5, "{what}");
        }
        let names = intact(&world.open(Box::new(memory.clone())).unwrap(), &what);
        assert!(names.keys().map(String::as_str).eq(expected), "{what}: {names:?}");
    }
    println!("{published} captures were published under stale listings, {refused} refused");
    assert!(published > 0 && refused > 0, "{published} published, {refused} refused");
}

#[test]
fn orphans_of_the_dead_go_in_two_steps_once_they_are_old() {
    let world = World::new();
    let memory = copy(&world.orphaned);
    for (age, packs, tombs) in [(Duration::ZERO, 3, 0), (DAY, 3, 1), (Duration::ZERO, 3, 1), (DAY, 2, 0)] {
        let store = Simulated::new(&memory, None).aged(age);
        remove(&world.open(Box::new(store)).unwrap(), "nothing of this name").unwrap();
        let count = |kind| memory.list(kind).unwrap().len();
        assert_eq!((count(ObjectKind::Pack), count(ObjectKind::Tomb)), (packs, tombs), "{age:?}");
    }
    intact(&world.open(Box::new(memory.clone())).unwrap(), &"after the orphans are gone");
}
