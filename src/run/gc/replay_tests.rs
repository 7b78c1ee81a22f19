//! The real functions, driven through given orders of their steps: captures, collections and removals run in threads of their own, and
//! each waits for its turn before it lists, puts or deletes. Time is a number that the test counts up.

use super::model_tests::{Actor, FULL, WEAKENED, explore};
use super::*;
use crate::engine;
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::mask::key::MasterKey;
use crate::model::proof::Sealed;
use crate::policy::{self, Policy};
use crate::run::timing::{Moment, Timing};
use crate::run::{capture, keys, verify};
use crate::seal::Member;
use crate::secret::{Address, Secret32};
use crate::store::memory::Memory;
use crate::store::{Listed, Store};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

static NOW: AtomicU64 = AtomicU64::new(0);
/// There is one clock, so there is one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn moment() -> Moment {
    let now = Duration::from_secs(NOW.load(Ordering::SeqCst));
    Moment { steady: now, wall: now }
}

fn tick(ticks: u64) {
    NOW.fetch_add(ticks, Ordering::SeqCst);
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Clone, Copy, Default)]
struct Seat {
    waiting: usize,
    granted: bool,
    left: bool,
}

/// Who may go on.
#[derive(Debug)]
struct Turns {
    seats: Mutex<Vec<Seat>>,
    changed: Condvar,
    /// Nobody gives turns any more: a check failed, and all go to their end.
    over: AtomicBool,
}

impl Turns {
    fn new(seats: usize) -> Arc<Self> {
        Arc::new(Self {
            seats: Mutex::new(vec![Seat::default(); seats]),
            changed: Condvar::new(),
            over: AtomicBool::new(false),
        })
    }

    /// Waits for a turn.
    fn pause(&self, seat: usize) {
        let mut seats = held(&self.seats);
        seats[seat].waiting += 1;
        self.changed.notify_all();
        while !seats[seat].granted && !self.over.load(Ordering::SeqCst) {
            seats = self.changed.wait(seats).unwrap_or_else(PoisonError::into_inner);
        }
        (seats[seat].granted, seats[seat].waiting) = (false, seats[seat].waiting - 1);
        self.changed.notify_all();
    }

    fn leave(&self, seat: usize) {
        held(&self.seats)[seat].left = true;
        self.changed.notify_all();
    }

    /// Lets one go on until it waits again. False where it has left.
    fn step(&self, seat: usize) -> bool {
        let moves = |seats: &mut Vec<Seat>| seats[seat].granted || (seats[seat].waiting == 0 && !seats[seat].left);
        let seats = held(&self.seats);
        let mut seats = self.changed.wait_while(seats, moves).unwrap_or_else(PoisonError::into_inner);
        if seats[seat].left {
            return false;
        }
        seats[seat].granted = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(seats, moves).unwrap_or_else(PoisonError::into_inner));
        true
    }
}

/// Leaves a seat, or all of them, however its owner ends.
struct Leaving(Arc<Turns>, Option<usize>);

impl Drop for Leaving {
    fn drop(&mut self) {
        match self.1 {
            Some(seat) => self.0.leave(seat),
            None => {
                let _seats = held(&self.0.seats);
                self.0.over.store(true, Ordering::SeqCst);
                self.0.changed.notify_all();
            }
        }
    }
}

/// A store in memory whose objects age by the test's clock, and which waits for the turn of whoever uses it.
#[derive(Debug, Clone)]
struct Ticking {
    inner: Memory,
    born: Arc<Mutex<HashMap<ObjectName, u64>>>,
    turns: Option<(Arc<Turns>, usize)>,
}

impl Ticking {
    fn pause(&self, kind: ObjectKind) {
        if let (Some((turns, seat)), ObjectKind::Pack | ObjectKind::Snapshot | ObjectKind::Tomb) = (&self.turns, kind) {
            turns.pause(*seat);
        }
    }
}

impl Store for Ticking {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.pause(object.name().kind());
        self.inner.put(object)?;
        held(&self.born).insert(object.name().clone(), NOW.load(Ordering::SeqCst));
        Ok(())
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.inner.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.inner.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        self.pause(kind);
        let (mut listed, born) = (self.inner.list(kind)?, held(&self.born));
        for listed in &mut listed {
            listed.age = Duration::from_secs(NOW.load(Ordering::SeqCst) - born[&listed.name]);
        }
        Ok(listed)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.pause(name.kind());
        self.inner.delete(name)
    }
}

const POLICY: &str = "version = 1\n[tables.same]\nmode = \"capture\"\nkeep = [\"id\", \"x\"]\n[tables.own]\nmode = \"capture\"\nkeep = [\"id\", \"x\"]\n";

fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 1 }
}

/// Captures all of a database.
fn captured(repository: &Repository, source: &Path, name: &str) -> Result<Snapshot> {
    let address = Address::new(format!("sqlite:{}", source.display()));
    let mut source = (engine::find(&address)?.source)(&address, &Cancel::default())?;
    let catalogue = source.catalogue()?;
    let policy = Policy::parse("test.toml", POLICY)?;
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, "dev", &master)?;
    let options = capture::Options {
        name: name.into(),
        environment: "dev".into(),
        policy: policy.proof(&master, "dev"),
        dry_run: false,
        amount: capture::Amount::default(),
        expires: None,
        tags: std::collections::BTreeSet::new(),
    };
    let done = capture::capture(&context(), &mut *source, &catalogue, &plan, repository, &options)?;
    Ok(done.snapshot.unwrap())
}

/// A store with the snapshot 0, and databases whose one table is that of the snapshot.
struct World {
    _folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
    store: Ticking,
    member: Member,
    sources: Vec<PathBuf>,
    old: Snapshot,
    timing: Timing,
}

impl World {
    fn new(window: u8, grace: u8) -> Self {
        let alone = held(&ALONE);
        NOW.store(1000, Ordering::SeqCst);
        let folder = tempfile::tempdir().unwrap();
        let source = |name: &str| {
            let path = folder.path().join(name);
            let text = format!(
                "CREATE TABLE same (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO same VALUES (1, 'in all of them');
                 CREATE TABLE own (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO own VALUES (1, '{name}')"
            );
            rusqlite::Connection::open(&path).unwrap().execute_batch(&text).unwrap();
            path
        };
        let old = source("old");
        let sources = ["one", "two"].map(source).to_vec();
        let store = Ticking { inner: Memory::new(), born: Arc::default(), turns: None };
        let member = Member::generate();
        keys::init(&store, &member).unwrap();
        let timing = Timing {
            window: Duration::from_secs(window.into()),
            grace: Duration::from_secs(grace.into()),
            clock: moment,
        };
        let repository = Repository::open(Box::new(store.clone()), &member, &[]).unwrap().timed(timing);
        let old = captured(&repository, &old, "old").unwrap();
        tick(grace.into());
        Self { _folder: folder, _alone: alone, store, member, sources, old, timing }
    }

    /// The store as one of those who take turns sees it, or as nobody does.
    fn repository(&self, turns: Option<(Arc<Turns>, usize)>) -> Repository {
        let store = Ticking { turns, ..self.store.clone() };
        Repository::open(Box::new(store), &self.member, &[]).unwrap().timed(self.timing)
    }

    /// Runs two captures and two collections, which take the turns that `drive` gives. Gives how the captures ended.
    fn run(&self, drive: impl FnOnce(&Turns, &dyn Fn())) -> Vec<Result<Snapshot>> {
        let turns = Turns::new(4);
        let ended: Mutex<Vec<Result<Snapshot>>> = Mutex::default();
        let whole = || {
            for snapshot in held(&ended).iter().flatten().chain([&self.old]) {
                if self.store.inner.head(&snapshot.object).unwrap().is_some() {
                    let there = |pack: &PackRef| self.store.inner.head(&pack_object(&pack.name)?);
                    let lost = snapshot.manifest.packs.iter().any(|pack| there(pack).unwrap().is_none());
                    assert!(!lost, "{} lost a pack", snapshot.label());
                }
            }
        };
        std::thread::scope(|scope| {
            for seat in 0..4 {
                let ended = &ended;
                let repository = self.repository(Some((Arc::clone(&turns), seat)));
                let leaving = Leaving(Arc::clone(&turns), Some(seat));
                scope.spawn(move || {
                    let _leaving = leaving;
                    if let Some(source) = self.sources.get(seat) {
                        let capture = captured(&repository, source, "new");
                        held(ended).push(capture);
                    } else {
                        let force = Options { force: true, ..Options::default() };
                        for _ in 0..6 {
                            collect(&context(), &repository, &force).unwrap();
                        }
                    }
                });
            }
            let _over = Leaving(Arc::clone(&turns), None);
            drive(&turns, &whole);
            // Whoever is not done yet comes to its end, and time passes; slowly, so that a look and what follows it fit into a window.
            let mut rounds = 0;
            while (0..4).filter(|seat| turns.step(*seat)).count() > 0 {
                rounds += 1;
                tick(u64::from(rounds % 8 == 0));
            }
        });
        whole();
        let verified = verify::verify(&context(), &self.repository(None), None, verify::Depth::Rows).unwrap();
        assert!(verified.damage.is_empty(), "{:?}", verified.damage);
        ended.into_inner().unwrap()
    }

    /// Removes a snapshot.
    fn remove(&self, snapshot: &Snapshot) {
        self.store.inner.delete(&snapshot.object).unwrap();
    }
}

#[test]
fn what_breaks_each_weakened_protocol_does_not_break_the_real_one() {
    for (what, rules) in WEAKENED {
        let way = explore(&rules).violation.unwrap();
        let (window, grace) = if rules.came_back { (rules.window, rules.grace) } else { (FULL.window, FULL.grace) };
        let world = World::new(window, grace);
        if rules.came_back {
            tombs::write(&world.repository(None), &world.old.manifest.packs).unwrap();
            tick(grace.into());
        }
        let ended = world.run(|turns, whole| {
            for step in &way {
                match step.0 {
                    Actor::Capture(nth) => drop(turns.step(nth)),
                    Actor::Collection(nth) => drop(turns.step(2 + nth)),
                    Actor::Removal(_) => world.remove(&world.old),
                    Actor::Time => tick(1),
                }
                whole();
            }
        });
        // The second capture comes to its end in any case; the first one may have been in the way of everything.
        assert!(ended.iter().any(Result::is_ok), "{what}: {ended:?}");
    }
}

/// A small generator of pseudo-random numbers, so that failures repeat.
fn random(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap() % below
}

#[test]
fn the_real_steps_in_random_orders_lose_nothing() {
    let (mut published, mut gave_up) = (0, 0);
    for seed in 0..200 {
        let world = World::new(1, 3);
        let mut seed = seed;
        let mut removed = false;
        let ended = world.run(|turns, whole| {
            for _ in 0..80 {
                match random(&mut seed, 16) {
                    0..6 => drop(turns.step(random(&mut seed, 2))),
                    6..12 => drop(turns.step(2 + random(&mut seed, 2))),
                    12 if !removed => {
                        world.remove(&world.old);
                        removed = true;
                    }
                    _ => tick(1),
                }
                whole();
            }
        });
        for capture in ended {
            match capture {
                Ok(_) => published += 1,
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Store, "{error}");
                    gave_up += 1;
                }
            }
        }
    }
    // With a grace of three moments, some captures meet collections in each of their rounds. None of them publishes what is lost.
    assert!(published + gave_up == 400 && published > 200, "{published} published, {gave_up} gave up");
}
