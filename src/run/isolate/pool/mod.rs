//! The pool: clones that are made ahead of need, lent, put back and lent again, in one process and for as long as it runs.
//!
//! Whoever is first in the queue is served first. A lease ends when it is given back, when the connection that holds it ends, or
//! when nobody renewed it in time; what comes back is put back before anybody else gets it. What is decided stands in `state`,
//! under one lock and without asking a database; what it leads to is done by `work`, without the lock.

mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod work;

use crate::engine::isolate::Rung;
use crate::error::{Error, Result};
use crate::event::{Event, Report};
use crate::secret::Address;
use data_encoding::HEXLOWER;
use state::{Lease, Outcome, State, Waiter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use work::Gate;

/// Where a pool has its clones from. What it gives may be used on any thread.
pub trait Supply: Send + Sync {
    /// The template of a snapshot, made when it is missing.
    ///
    /// # Errors
    /// As the store, the restore or the host says.
    fn template(&self, snapshot: &str) -> Result<Arc<dyn Pattern>>;

    /// Ends what is being made, as soon as may be.
    fn cancel(&self);
}

/// A template, of which clones are made.
pub trait Pattern: Send + Sync {
    /// The snapshot.
    fn snapshot(&self) -> SnapshotName;

    /// A clone that nobody else has: one that lies ready on the host, or, where `mode` asks for it or none is ready, a new one.
    ///
    /// # Errors
    /// As the host says.
    fn take(&self, mode: Mode) -> Result<Box<dyn Lent>>;

    /// Removes the template, unless somebody else needs it.
    ///
    /// # Errors
    /// As the host says.
    fn evict(&self) -> Result<()>;
}

/// A clone that nobody else has.
pub trait Lent: Send {
    /// Its name on the host.
    fn database(&self) -> &str;

    /// The address to hand out.
    fn address(&self) -> &Address;

    /// Why that address reaches more than this one database; none where it does not.
    fn unlimited(&self) -> Option<&str>;

    /// Whether it was made for this lease, so that nobody had it before.
    fn is_new(&self) -> bool;

    /// Puts it back by the ladder.
    ///
    /// # Errors
    /// Kind `Rejected` where it differs from the manifest, even made anew; else as the host says.
    fn reset(&mut self, ask: Ask) -> Result<Reset>;

    /// Leaves it on the host, put back, for whoever comes next.
    ///
    /// # Errors
    /// As the host says.
    fn give_back(self: Box<Self>) -> Result<()>;

    /// Leaves it on the host as it is; nobody else gets it, and only a person removes it.
    ///
    /// # Errors
    /// As the host says.
    fn keep(self: Box<Self>) -> Result<()>;

    /// Removes it.
    ///
    /// # Errors
    /// As the host says.
    fn discard(self: Box<Self>) -> Result<()>;
}

/// Which snapshot it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotName {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// What a clone may have been before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Anything, put back since.
    #[default]
    Reset,
    /// Nothing: made anew, for this lease alone.
    Fresh,
}

impl Mode {
    /// Its word in requests.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Fresh => "fresh",
        }
    }
}

/// When a lease ends that nobody gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// With the connection of that number.
    Connection(u64),
    /// When it was not used or renewed for so long.
    Heartbeat(Duration),
    /// With the pool.
    Pool,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Want {
    /// A name, name@id, or the first digits of an id.
    pub snapshot: String,
    /// What the clone may have been before.
    pub mode: Mode,
    /// How long to wait for it.
    pub wait: Duration,
    /// When the lease ends by itself.
    pub hold: Hold,
}

/// A lease, as its holder sees it.
#[derive(Debug, Clone)]
pub struct Granted {
    /// Its id.
    pub id: String,
    /// The snapshot whose clone it is.
    pub snapshot: SnapshotName,
    /// The clone's name on the host.
    pub database: String,
    /// The clone's address.
    pub address: Address,
    /// Why that address reaches more than this one database; none where it does not.
    pub unlimited: Option<String>,
    /// What the clone may have been before.
    pub mode: Mode,
    /// How often it was put back since the lease began.
    pub epoch: u64,
    /// When the lease ends by itself.
    pub hold: Hold,
    /// How long it has yet, where a heartbeat holds it.
    pub left: Option<Duration>,
    /// It is being put back now.
    pub is_busy: bool,
}

/// What is asked of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ask {
    /// Compare every table with the manifest afterwards.
    pub verify: bool,
    /// Put counters back also where that is slow.
    pub exact_ids: bool,
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The last rung that was needed.
    pub rung: Rung,
    /// Rows taken out, put in or put back.
    pub rows: u64,
    /// The tables they are in.
    pub tables: Vec<String>,
    /// Counters that were put back.
    pub counters: u64,
    /// How long it took.
    pub micros: u64,
    /// What should be known.
    pub notes: Vec<String>,
    /// Whether every table is as the manifest says; none where that was not asked.
    pub verified: Option<bool>,
}

/// How much a pool may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Clones there may be at a time, of all snapshots.
    pub clones: usize,
    /// Templates there may be at a time.
    pub templates: usize,
    /// Clones that may be made at a time.
    pub makers: usize,
}

/// What becomes of the clones when the pool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// They are removed.
    Remove,
    /// They are put back and stay on the host for whoever comes next.
    Return,
}

/// How many of what there are, for people and programs that watch.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// The templates, the one used last at the end.
    pub templates: Vec<TemplateStatus>,
    /// The leases, the oldest first.
    pub leases: Vec<(Granted, Duration)>,
    /// Who waits, for which snapshot.
    pub waiting: Vec<String>,
    /// Whether it takes no further wishes.
    pub closing: bool,
}

/// A template, and its clones by what they do.
#[derive(Debug, Clone, Default)]
pub struct TemplateStatus {
    /// The snapshot, as it was asked for.
    pub asked: String,
    /// The snapshot; none while the template is being made.
    pub snapshot: Option<SnapshotName>,
    /// Clones that lie ready.
    pub idle: usize,
    /// Clones that are lent.
    pub leased: usize,
    /// Clones that are being put back.
    pub resetting: usize,
    /// Clones that are being made.
    pub making: usize,
}

impl TemplateStatus {
    /// Its clones, whatever they do.
    #[must_use]
    pub fn clones(&self) -> usize {
        self.idle + self.leased + self.resetting + self.making
    }
}

/// The pool. Copies of it are one pool.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    supply: Arc<dyn Supply>,
    report: Arc<dyn Report>,
    state: Mutex<State>,
    changed: Condvar,
    gate: Gate,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    fn warn(&self, what: impl Into<String>) {
        self.report.event(&Event::Warning { what: what.into(), hint: None });
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(supply: Arc<dyn Supply>, limits: Limits, report: Arc<dyn Report>) -> Self {
        let (state, gate) = (Mutex::new(State::new(limits)), Gate::new(limits.makers));
        Self { shared: Arc::new(Shared { supply, report, state, changed: Condvar::new(), gate }) }
    }

    /// Keeps so many clones of a snapshot, lent ones among them, from now on, and begins to make them. Waits for nothing.
    pub fn keep_ready(&self, snapshot: &str, clones: usize) {
        self.change(|state| state.keep_ready(snapshot, clones));
    }

    /// Changes the state and does what that leads to.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (answer, jobs) = {
            let mut state = self.shared.lock();
            let answer = change(&mut state);
            (answer, state.schedule())
        };
        self.shared.changed.notify_all();
        work::start(&self.shared, jobs);
        answer
    }

    /// Lends a clone, and waits for one as long as the wish says.
    ///
    /// # Errors
    /// Kind `Locked` when none became free in time; `Interrupted` when the pool ends; else as the [`Supply`] says.
    pub fn lease(&self, want: &Want) -> Result<Granted> {
        self.enqueue(want)?.wait()
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// Kind `Interrupted` when the pool ends.
    pub fn enqueue(&self, want: &Want) -> Result<Ticket> {
        let id = HEXLOWER.encode(&super::super::random::<12>()?);
        let until = Instant::now().checked_add(want.wait);
        self.change(|state| state.enqueue(Waiter { id: id.clone(), want: want.clone() }))?;
        Ok(Ticket { pool: self.clone(), is_given_up: AtomicBool::new(false), id, until })
    }

    /// A lease as it is now. To ask is to use it: a heartbeat begins anew.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such lease, or it ended.
    pub fn renew(&self, id: &str) -> Result<Granted> {
        let mut state = self.shared.lock();
        let lease = state.lease(id)?;
        lease.touch(Instant::now());
        let granted = lease.granted(id, Instant::now());
        drop(state);
        // The one who watches the ends of leases has another moment to wake up at.
        self.shared.changed.notify_all();
        Ok(granted)
    }

    /// Puts the clone of a lease back.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such lease; `Locked` while it is put back already; `Rejected` when it is not as the
    /// manifest says, even made anew; else as the host says.
    pub fn reset(&self, id: &str, verify: bool) -> Result<(Granted, Reset)> {
        self.put_back(id, Ask { verify, ..Ask::default() })
    }

    /// Puts the clone of a lease back, as it is asked for.
    ///
    /// # Errors
    /// As [`reset`](Self::reset).
    pub fn put_back(&self, id: &str, ask: Ask) -> Result<(Granted, Reset)> {
        let mut lent = self.shared.lock().lease(id)?.borrow()?;
        let done = lent.reset(ask);
        self.change(|state| state.after_reset(id, lent, done.is_ok()));
        let done = done?;
        for note in &done.notes {
            self.shared.report.event(&Event::Note { what: note.clone() });
        }
        Ok((self.renew(id)?, done))
    }

    /// Ends a lease. Its clone is put back in the background.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such lease.
    pub fn give_back(&self, id: &str) -> Result<()> {
        self.change(|state| state.give_back(id))
    }

    /// Ends a lease and leaves its clone on the host as it is.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such lease; `Locked` while it is put back; else as the host says.
    pub fn keep(&self, id: &str) -> Result<()> {
        let lent = self.change(|state| state.take_away(id))?;
        lent.keep()
    }

    /// Ends the leases that a connection held.
    pub fn connection_ended(&self, connection: u64) {
        self.change(|state| state.end_leases(|lease| lease.hold == Hold::Connection(connection)));
    }

    /// Whether a connection holds a lease, or waits for one.
    #[must_use]
    pub fn is_held_by(&self, connection: u64) -> bool {
        self.shared.lock().is_held_by(connection)
    }

    /// Ends the leases whose heartbeat failed to come before `now`.
    pub fn expire(&self, now: Instant) {
        self.change(|state| state.end_leases(|lease| lease.ends.is_some_and(|ends| ends <= now)));
    }

    /// Ends leases at their time until the pool closes. Blocks.
    pub fn watch(&self) {
        loop {
            let state = self.shared.lock();
            if state.closed {
                return;
            }
            let next = state.next_end();
            if next.is_some_and(|next| next <= Instant::now()) {
                drop(state);
                self.expire(Instant::now());
            } else {
                drop(self.shared.wait(state, next));
            }
        }
    }

    /// What there is now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.lock().status(Instant::now())
    }

    /// How much it may make.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.shared.lock().limits
    }

    /// Takes no further wishes and tells those who wait.
    pub fn refuse(&self) {
        self.change(State::refuse);
    }

    /// Ends the pool: whoever waits is told, what is being made is given up, and every clone is removed or given back. Returns
    /// what went wrong; what could not be removed stays in the registry, for `doctor --clean`.
    #[must_use]
    pub fn close(&self, ending: Ending) -> Vec<Error> {
        self.refuse();
        let mut state = self.shared.lock();
        if state.is_making() {
            self.shared.supply.cancel();
        }
        while state.jobs > 0 {
            state = self.shared.wait(state, None);
        }
        let rest = state.empty();
        drop(state);
        work::finish(rest, ending)
    }
}

/// A place in the queue. Whoever does not want it any longer gives it up.
#[derive(Debug)]
pub struct Ticket {
    pool: Pool,
    is_given_up: AtomicBool,
    id: String,
    until: Option<Instant>,
}

impl Ticket {
    /// Waits until it is this one's turn. The lease is the caller's.
    ///
    /// # Errors
    /// As [`Pool::lease`].
    pub fn wait(&self) -> Result<Granted> {
        loop {
            let is_used = self.turn()?;
            if !is_used || self.is_clean()? {
                return self.pool.renew(&self.id);
            }
        }
    }

    /// Waits until a clone was chosen. Whether it was lent before.
    fn turn(&self) -> Result<bool> {
        let shared = &self.pool.shared;
        let mut state = shared.lock();
        loop {
            match state.outcomes.remove(&self.id) {
                Some(Outcome::Granted { is_used }) => return Ok(is_used),
                Some(Outcome::Failed(error)) => return Err(error),
                None if self.is_given_up.load(Ordering::SeqCst) => {
                    return Err(Error::interrupted("the place in the queue was given up"));
                }
                None if self.until.is_some_and(|until| until <= Instant::now()) => {
                    let error = state.too_late(&self.id);
                    drop(state);
                    self.give_up();
                    return Err(error);
                }
                None => state = shared.wait(state, self.until),
            }
        }
    }

    /// Whoever had the clone before may have written after it was put back. If it cannot be put back now, it goes, and this
    /// one waits again in front of all others.
    fn is_clean(&self) -> Result<bool> {
        let mut lent = self.pool.shared.lock().lease(&self.id)?.borrow()?;
        let done = lent.reset(Ask::default());
        let database = lent.database().to_owned();
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                self.pool.shared.warn(format!("{database} could not be put back, and goes: {error}"));
                self.pool.change(|state| state.try_again(&self.id, lent));
                return Ok(false);
            }
        };
        self.pool.change(|state| state.after_late_reset(&self.id, lent));
        if done.rung != Rung::Clean {
            let tables =
                if done.tables.is_empty() { String::new() } else { format!(", in {}", done.tables.join(", ")) };
            self.pool
                .shared
                .warn(format!("{database} was written to after its lease had ended{tables}; it was put back again"));
        }
        Ok(true)
    }

    /// Gives the place up, or the lease that came of it.
    pub fn give_up(&self) {
        self.pool.change(|state| {
            self.is_given_up.store(true, Ordering::SeqCst);
            state.give_up(&self.id);
        });
    }
}

impl Lease {
    /// The lease as its holder sees it.
    fn granted(&self, id: &str, now: Instant) -> Granted {
        Granted {
            id: id.to_owned(),
            snapshot: self.snapshot.clone(),
            database: self.database.clone(),
            address: self.address.clone(),
            unlimited: self.unlimited.clone(),
            mode: self.mode,
            epoch: self.epoch,
            hold: self.hold,
            left: self.ends.map(|ends| ends.saturating_duration_since(now)),
            is_busy: self.lent.is_none(),
        }
    }
}
