//! What the pool knows and decides: templates, clones, leases and the queue. Nothing here waits or asks a database.

use super::{Granted, Hold, Lent, Limits, Mode, Pattern, SnapshotName, Status, TemplateStatus, Want};
use crate::error::{Error, Kind, Result};
use crate::secret::Address;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What has to be done, without the lock.
pub(super) enum Job {
    /// Make a template; first remove what has to make room for it.
    Build { asked: String, instead_of: Option<Rest> },
    /// Take a clone of a template; first remove what has to make room for it.
    Make { asked: String, pattern: Arc<dyn Pattern>, mode: Mode, instead_of: Option<Box<dyn Lent>> },
    /// Put a clone back whose lease ended.
    Clean { asked: String, lent: Box<dyn Lent> },
    /// Remove a clone.
    Discard { lent: Box<dyn Lent> },
}

/// A template that goes, and its clones.
#[derive(Default)]
pub(super) struct Rest {
    pub pattern: Option<Arc<dyn Pattern>>,
    pub clones: Vec<Box<dyn Lent>>,
}

/// Somebody in the queue.
#[derive(Debug)]
pub(super) struct Waiter {
    pub id: String,
    pub want: Want,
}

/// What became of somebody who was in the queue.
#[derive(Debug)]
pub(super) enum Outcome {
    /// There is a lease under the waiter's id. Whether its clone was lent before.
    Granted { is_used: bool },
    /// There is none, for this reason.
    Failed(Error),
}

/// A clone somebody has.
pub(super) struct Lease {
    /// The template's key.
    pub asked: String,
    pub snapshot: SnapshotName,
    pub database: String,
    pub address: Address,
    pub unlimited: Option<String>,
    pub mode: Mode,
    pub epoch: u64,
    pub hold: Hold,
    pub ends: Option<Instant>,
    pub since: Instant,
    /// None while it is being put back.
    pub lent: Option<Box<dyn Lent>>,
    /// It ended while its clone was being put back.
    pub is_over: bool,
    /// The wish that led to it.
    pub want: Want,
}

impl Lease {
    fn new(want: &Want, snapshot: SnapshotName, lent: Box<dyn Lent>, now: Instant) -> Self {
        let mut lease = Self {
            asked: String::new(),
            snapshot,
            database: lent.database().to_owned(),
            address: lent.address().clone(),
            unlimited: lent.unlimited().map(str::to_owned),
            mode: want.mode,
            epoch: 0,
            hold: want.hold,
            ends: None,
            since: now,
            lent: Some(lent),
            is_over: false,
            want: want.clone(),
        };
        lease.touch(now);
        lease
    }

    /// The heartbeat.
    pub(super) fn touch(&mut self, now: Instant) {
        if let Hold::Heartbeat(period) = self.hold {
            self.ends = now.checked_add(period);
        }
    }

    /// Takes the clone out for being put back.
    ///
    /// # Errors
    /// Kind `Locked` when somebody else does that.
    pub(super) fn borrow(&mut self) -> Result<Box<dyn Lent>> {
        self.lent.take().ok_or_else(busy)
    }
}

fn busy() -> Error {
    Error::locked("this clone is being put back already").hint("Wait for the answer to the reset that runs.")
}

/// A clone that lies ready.
struct Idle {
    lent: Box<dyn Lent>,
    is_used: bool,
}

/// A template and its clones that nobody has.
#[derive(Default)]
struct Slot {
    /// None until it is made.
    pattern: Option<Arc<dyn Pattern>>,
    snapshot: SnapshotName,
    is_building: bool,
    idle: Vec<Idle>,
    making: usize,
    cleaning: usize,
    /// How many clones there are to be, lent ones among them, without anybody asking.
    ready: usize,
    /// When it was used last, in the state's own count.
    used: u64,
}

impl Slot {
    fn is_started(&self) -> bool {
        self.is_building || self.pattern.is_some()
    }

    /// A clone for such a wish. One that was never lent is kept for those who must have one.
    fn take(&mut self, mode: Mode) -> Option<Idle> {
        let used = self.idle.iter().position(|idle| idle.is_used);
        let unused = self.idle.iter().position(|idle| !idle.is_used);
        let at = match mode {
            Mode::Reset => used.or(unused),
            Mode::Fresh => unused,
        };
        at.map(|at| self.idle.remove(at))
    }
}

/// The state of a pool.
pub(super) struct State {
    pub limits: Limits,
    /// By what was asked for. Two words for one snapshot are two templates here and one on the host.
    slots: BTreeMap<String, Slot>,
    leases: BTreeMap<String, Lease>,
    queue: VecDeque<Waiter>,
    pub outcomes: BTreeMap<String, Outcome>,
    pub closed: bool,
    /// Jobs that were handed out and are not done.
    pub jobs: usize,
    /// What is to be handed out with the next plan.
    due: Vec<Job>,
    /// Clones that are being removed, and nothing else: they count until they are gone.
    going: usize,
    uses: u64,
}

impl State {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: BTreeMap::new(),
            leases: BTreeMap::new(),
            queue: VecDeque::new(),
            outcomes: BTreeMap::new(),
            closed: false,
            jobs: 0,
            due: Vec::new(),
            going: 0,
            uses: 0,
        }
    }

    pub(super) fn keep_ready(&mut self, snapshot: &str, clones: usize) {
        self.slots.entry(snapshot.to_owned()).or_default().ready = clones;
    }

    pub(super) fn enqueue(&mut self, waiter: Waiter) -> Result<()> {
        if self.closed {
            return Err(closing());
        }
        self.slots.entry(waiter.want.snapshot.clone()).or_default();
        self.queue.push_back(waiter);
        Ok(())
    }

    pub(super) fn lease(&mut self, id: &str) -> Result<&mut Lease> {
        self.leases.get_mut(id).filter(|lease| !lease.is_over).ok_or_else(|| {
            Error::usage("there is no such lease, or it has ended")
                .hint("A lease ends when it is given back, with the connection that holds it, or when its ttl_ms passed without a request.")
        })
    }

    /// Clones that there are, and those that are about to be.
    fn total(&self) -> usize {
        let free: usize = self.slots.values().map(|slot| slot.idle.len() + slot.making + slot.cleaning).sum();
        free + self.leases.len() + self.going
    }

    /// What has to be done now.
    pub(super) fn schedule(&mut self) -> Vec<Job> {
        if !self.closed {
            self.plan_templates();
            self.plan_clones();
            self.plan_refill();
        }
        let jobs = std::mem::take(&mut self.due);
        self.jobs += jobs.len();
        jobs
    }

    /// Templates that somebody waits for, or that are to be ready, as far as there is room.
    fn plan_templates(&mut self) {
        let waiting = self.queue.iter().map(|waiter| waiter.want.snapshot.clone());
        let ready = self.slots.iter().filter(|(_, slot)| slot.ready > 0).map(|(asked, _)| asked.clone());
        let wanted: Vec<(String, bool)> = waiting.map(|it| (it, true)).chain(ready.map(|it| (it, false))).collect();
        for (asked, is_waited_for) in wanted {
            if self.slots.get(&asked).is_none_or(Slot::is_started) {
                continue;
            }
            let has_room = self.slots.values().filter(|slot| slot.is_started()).count() < self.limits.templates;
            // Only somebody who waits is worth the template of another.
            let instead_of = if has_room || !is_waited_for { None } else { self.evict_template() };
            if !has_room && instead_of.is_none() {
                continue;
            }
            if let Some(slot) = self.slots.get_mut(&asked) {
                slot.is_building = true;
                self.due.push(Job::Build { asked, instead_of });
            }
        }
    }

    /// Gives up the template that was used least lately, of those that nobody needs now.
    fn evict_template(&mut self) -> Option<Rest> {
        let is_needed = |asked: &str, slot: &Slot| {
            slot.pattern.is_none()
                || slot.making + slot.cleaning > 0
                || self.leases.values().any(|lease| lease.asked == asked)
                || self.queue.iter().any(|waiter| waiter.want.snapshot == asked)
        };
        let free = self.slots.iter().filter(|(asked, slot)| !is_needed(asked, slot));
        let asked = free.min_by_key(|(_, slot)| slot.used).map(|(asked, _)| asked.clone())?;
        let slot = self.slots.remove(&asked)?;
        let clones: Vec<Box<dyn Lent>> = slot.idle.into_iter().map(|idle| idle.lent).collect();
        self.going += clones.len();
        Some(Rest { pattern: slot.pattern, clones })
    }

    /// Clones for those who wait, the first one first.
    fn plan_clones(&mut self) {
        let mut promised: BTreeMap<String, usize> = BTreeMap::new();
        let mut rest = VecDeque::new();
        while let Some(waiter) = self.queue.pop_front() {
            if let Some(waiter) = self.serve(waiter, &mut promised) {
                rest.push_back(waiter);
            }
        }
        self.queue = rest;
    }

    /// Gives somebody a clone that lies ready, or sees to it that one is made. Returns who has to wait on.
    fn serve(&mut self, waiter: Waiter, promised: &mut BTreeMap<String, usize>) -> Option<Waiter> {
        let asked = waiter.want.snapshot.clone();
        let mode = waiter.want.mode;
        let Some(slot) = self.slots.get_mut(&asked) else { return Some(waiter) };
        let Some(pattern) = slot.pattern.clone() else { return Some(waiter) };
        if let Some(idle) = slot.take(mode) {
            self.uses += 1;
            slot.used = self.uses;
            let snapshot = slot.snapshot.clone();
            let lease = Lease { asked, ..Lease::new(&waiter.want, snapshot, idle.lent, Instant::now()) };
            self.leases.insert(waiter.id.clone(), lease);
            self.outcomes.insert(waiter.id, Outcome::Granted { is_used: idle.is_used });
            return None;
        }
        let coming = slot.making + if mode == Mode::Reset { slot.cleaning } else { 0 };
        let before = promised.entry(asked.clone()).or_default();
        *before += 1;
        if *before <= coming {
            return Some(waiter);
        }
        let instead_of = if self.total() < self.limits.clones { None } else { self.evict_clone() };
        if (instead_of.is_some() || self.total() < self.limits.clones)
            && let Some(slot) = self.slots.get_mut(&asked)
        {
            slot.making += 1;
            self.due.push(Job::Make { asked, pattern, mode, instead_of });
        }
        Some(waiter)
    }

    /// A clone that lies ready and may go, of the template that was used least lately. Whoever could have had it was served.
    fn evict_clone(&mut self) -> Option<Box<dyn Lent>> {
        let slots = self.slots.values_mut().filter(|slot| !slot.idle.is_empty());
        let slot = slots.min_by_key(|slot| slot.used)?;
        Some(slot.idle.remove(0).lent)
    }

    /// Clones that are to be ready, while there is room and nobody waits for it.
    fn plan_refill(&mut self) {
        let asked: Vec<String> = self.slots.keys().cloned().collect();
        for asked in asked {
            let lent = self.leases.values().filter(|lease| lease.asked == asked).count();
            while self.total() < self.limits.clones {
                let Some(slot) = self.slots.get_mut(&asked) else { break };
                let Some(pattern) = slot.pattern.clone() else { break };
                if slot.idle.len() + slot.making + slot.cleaning + lent >= slot.ready {
                    break;
                }
                slot.making += 1;
                self.due.push(Job::Make { asked: asked.clone(), pattern, mode: Mode::Reset, instead_of: None });
            }
        }
    }

    /// A template is there, or there will be none, and whoever waits for it is told. False where nobody waited.
    pub(super) fn built(&mut self, asked: &str, evicted: usize, done: Result<Arc<dyn Pattern>>) -> bool {
        self.jobs -= 1;
        self.going -= evicted;
        match done {
            Ok(pattern) => {
                if let Some(slot) = self.slots.get_mut(asked) {
                    slot.is_building = false;
                    slot.snapshot = pattern.snapshot();
                    slot.pattern = Some(pattern);
                }
                true
            }
            Err(error) => {
                self.slots.remove(asked);
                let is_of_it = |waiter: &Waiter| waiter.want.snapshot == asked;
                let (of_it, others): (Vec<Waiter>, Vec<Waiter>) =
                    std::mem::take(&mut self.queue).into_iter().partition(is_of_it);
                self.queue = others.into();
                let is_told = !of_it.is_empty();
                self.fail(of_it, &error);
                is_told
            }
        }
    }

    fn fail(&mut self, waiters: Vec<Waiter>, error: &Error) {
        for waiter in waiters {
            self.outcomes.insert(waiter.id, Outcome::Failed(again(error)));
        }
    }

    /// A clone was made, or could not be. Who waits longest for such a one is told, and nobody else: the next one may work.
    /// Whether anybody was.
    pub(super) fn made(&mut self, asked: &str, done: Result<Box<dyn Lent>>) -> bool {
        self.jobs -= 1;
        let Some(slot) = self.slots.get_mut(asked) else {
            self.due.extend(done.ok().map(|lent| Job::Discard { lent }));
            return true;
        };
        slot.making -= 1;
        match done {
            Ok(lent) => {
                let is_used = !lent.is_new();
                slot.idle.push(Idle { lent, is_used });
                true
            }
            Err(error) => {
                // Nothing is made again and again that cannot be made.
                slot.ready = 0;
                let first = self.queue.iter().position(|waiter| waiter.want.snapshot == asked);
                let waiter = first.and_then(|at| self.queue.remove(at));
                let is_told = waiter.is_some();
                self.fail(waiter.into_iter().collect(), &error);
                is_told
            }
        }
    }

    /// A clone whose lease ended was put back, or has to go.
    pub(super) fn cleaned(&mut self, asked: &str, lent: Box<dyn Lent>, is_clean: bool) {
        self.jobs -= 1;
        if let Some(slot) = self.slots.get_mut(asked) {
            slot.cleaning -= 1;
            if is_clean {
                return slot.idle.push(Idle { lent, is_used: true });
            }
        }
        self.discard(lent);
    }

    fn discard(&mut self, lent: Box<dyn Lent>) {
        self.going += 1;
        self.due.push(Job::Discard { lent });
    }

    /// A clone is gone.
    pub(super) fn discarded(&mut self) {
        self.jobs -= 1;
        self.going -= 1;
    }

    /// The clone of a lease was put back, or could not be.
    pub(super) fn after_reset(&mut self, id: &str, lent: Box<dyn Lent>, is_done: bool) {
        let Some(lease) = self.leases.get_mut(id) else { return self.discard(lent) };
        lease.epoch += u64::from(is_done);
        // A new clone may stand in for the one before.
        lease.address = lent.address().clone();
        lease.touch(Instant::now());
        lease.lent = Some(lent);
        if lease.is_over {
            self.end(id);
        }
    }

    /// As [`after_reset`](Self::after_reset), before the lease's holder knows of it.
    pub(super) fn after_late_reset(&mut self, id: &str, lent: Box<dyn Lent>) {
        self.after_reset(id, lent, false);
    }

    /// The clone cannot be used: whoever was to have it stands in front of the queue again.
    pub(super) fn try_again(&mut self, id: &str, lent: Box<dyn Lent>) {
        let Some(lease) = self.leases.remove(id) else { return self.discard(lent) };
        self.discard(lent);
        if !lease.is_over {
            self.queue.push_front(Waiter { id: id.to_owned(), want: lease.want });
        }
    }

    /// Ends a lease; its clone is put back once it is free.
    pub(super) fn give_back(&mut self, id: &str) -> Result<()> {
        self.lease(id)?;
        self.end(id);
        Ok(())
    }

    fn end(&mut self, id: &str) {
        let Some(lease) = self.leases.get_mut(id) else { return };
        let Some(lent) = lease.lent.take() else {
            lease.is_over = true;
            return;
        };
        if let Some(Lease { asked, .. }) = self.leases.remove(id) {
            self.slots.entry(asked.clone()).or_default().cleaning += 1;
            self.due.push(Job::Clean { asked, lent });
        }
    }

    pub(super) fn end_leases(&mut self, ends: impl Fn(&Lease) -> bool) {
        let over: Vec<String> = self.leases.iter().filter(|(_, lease)| ends(lease)).map(|(id, _)| id.clone()).collect();
        for id in &over {
            self.end(id);
        }
    }

    /// Ends a lease without putting its clone back.
    pub(super) fn take_away(&mut self, id: &str) -> Result<Box<dyn Lent>> {
        let lent = self.lease(id)?.borrow()?;
        self.leases.remove(id);
        Ok(lent)
    }

    /// Whoever waited does so no longer, or had got a lease that nobody asked for.
    pub(super) fn give_up(&mut self, id: &str) {
        self.queue.retain(|waiter| waiter.id != id);
        self.outcomes.remove(id);
        self.end(id);
    }

    /// What to say to somebody whose time is over.
    pub(super) fn too_late(&self, id: &str) -> Error {
        let place = self.queue.iter().position(|waiter| waiter.id == id).map_or(0, |place| place + 1);
        let slot = self.queue.iter().find(|waiter| waiter.id == id).and_then(|it| self.slots.get(&it.want.snapshot));
        let why = match slot {
            Some(slot) if slot.is_building => "the template is still being made".to_owned(),
            Some(slot) if slot.making > 0 => "a clone is still being made".to_owned(),
            _ => format!("{} of {} clones are in use", self.total(), self.limits.clones),
        };
        Error::locked(format!("no clone became free in time: {why}, and this one is number {place} in the queue"))
            .hint("Wait longer (wait_ms), give leases back, or allow more clones (--clones).")
    }

    pub(super) fn is_held_by(&self, connection: u64) -> bool {
        let hold = Hold::Connection(connection);
        self.leases.values().any(|lease| lease.hold == hold) || self.queue.iter().any(|waiter| waiter.want.hold == hold)
    }

    /// When the next lease ends that nobody uses.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.leases.values().filter(|lease| !lease.is_over).filter_map(|lease| lease.ends).min()
    }

    pub(super) fn refuse(&mut self) {
        self.closed = true;
        let waiters = std::mem::take(&mut self.queue).into();
        self.fail(waiters, &closing());
    }

    /// Whether a template or a clone is being made.
    pub(super) fn is_making(&self) -> bool {
        self.slots.values().any(|slot| slot.is_building || slot.making > 0)
    }

    /// Takes every clone out, for the end.
    pub(super) fn empty(&mut self) -> Vec<Box<dyn Lent>> {
        let leases = std::mem::take(&mut self.leases).into_values().filter_map(|lease| lease.lent);
        let slots = std::mem::take(&mut self.slots).into_values();
        leases.chain(slots.flat_map(|slot| slot.idle).map(|idle| idle.lent)).collect()
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        let mut templates: Vec<(u64, TemplateStatus)> = self
            .slots
            .iter()
            .map(|(asked, slot)| {
                let leases = self.leases.values().filter(|lease| lease.asked == *asked);
                let resetting = leases.clone().filter(|lease| lease.lent.is_none()).count();
                let status = TemplateStatus {
                    asked: asked.clone(),
                    snapshot: slot.pattern.as_ref().map(|_| slot.snapshot.clone()),
                    idle: slot.idle.len(),
                    leased: leases.count() - resetting,
                    resetting: slot.cleaning + resetting,
                    making: slot.making,
                };
                (slot.used, status)
            })
            .collect();
        templates.sort_by_key(|(used, _)| *used);
        let mut leases: Vec<(Granted, Duration)> = self
            .leases
            .iter()
            .filter(|(_, lease)| !lease.is_over)
            .map(|(id, lease)| (lease.granted(id, now), now.saturating_duration_since(lease.since)))
            .collect();
        leases.sort_by_key(|(_, age)| std::cmp::Reverse(*age));
        Status {
            templates: templates.into_iter().map(|(_, status)| status).collect(),
            leases,
            waiting: self.queue.iter().map(|waiter| waiter.want.snapshot.clone()).collect(),
            closing: self.closed,
        }
    }
}

fn closing() -> Error {
    Error::new(Kind::Interrupted, "the pool is closing").hint("Start it again with 'terp-fixtures pool serve'.")
}

/// The same error for one more who waited for the same thing.
fn again(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.what());
    let copy = error
        .causes()
        .into_iter()
        .next()
        .map_or_else(|| Error::new(error.kind(), error.what()), |cause| copy.caused_by(cause));
    match error.hint_text() {
        Some(hint) => copy.hint(hint),
        None => copy,
    }
}
