//! What the pool does without its lock: making, putting back and removing, each on a thread of its own.

use super::state::{Job, Rest};
use super::{Ask, Ending, Lent, Shared};
use crate::error::{Error, Result};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Lets so many through at a time, and the others in the order in which they came.
pub(super) struct Gate {
    /// The number that is given to whoever comes next, and the first one that has to wait.
    numbers: Mutex<(u64, u64)>,
    moved: Condvar,
}

impl Gate {
    pub(super) fn new(places: usize) -> Self {
        Self { numbers: Mutex::new((0, places.max(1) as u64)), moved: Condvar::new() }
    }

    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let own = numbers.0;
        numbers.0 += 1;
        while own >= numbers.1 {
            numbers = self.moved.wait(numbers).unwrap_or_else(PoisonError::into_inner);
        }
        drop(numbers);
        let answer = work();
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner).1 += 1;
        self.moved.notify_all();
        answer
    }
}

/// Does each job on a thread of its own. There are never more than clones and templates.
pub(super) fn start(shared: &Arc<Shared>, jobs: Vec<Job>) {
    for job in jobs {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            work(&shared, job);
            proceed(&shared);
        });
    }
}

/// What the end of a job leads to.
fn proceed(shared: &Arc<Shared>) {
    let jobs = shared.lock().schedule();
    shared.changed.notify_all();
    start(shared, jobs);
}

fn work(shared: &Shared, job: Job) {
    match job {
        Job::Build { asked, instead_of } => {
            let evicted = instead_of.as_ref().map_or(0, |rest| rest.clones.len());
            if let Some(rest) = instead_of {
                evict(shared, rest);
            }
            let built = shared.gate.within(|| shared.supply.template(&asked));
            let why = built.as_ref().err().map(ToString::to_string);
            let mut state = shared.lock();
            let is_told = state.built(&asked, evicted, built) || state.closed;
            drop(state);
            if let (Some(why), false) = (why, is_told) {
                shared.warn(format!("the template of {asked} could not be made: {why}"));
            }
        }
        Job::Make { asked, pattern, mode, instead_of } => {
            let made = shared.gate.within(|| {
                if let Some(lent) = instead_of {
                    warn_of(shared, lent.discard());
                }
                pattern.take(mode)
            });
            let why = made.as_ref().err().map(ToString::to_string);
            let mut state = shared.lock();
            let is_told = state.made(&asked, made) || state.closed;
            drop(state);
            if let (Some(why), false) = (why, is_told) {
                shared.warn(format!("a clone of {asked} could not be made ahead of need: {why}"));
            }
        }
        Job::Clean { asked, mut lent } => {
            let done = lent.reset(Ask::default());
            let is_clean = done.is_ok();
            warn_of(shared, done.map(drop));
            shared.lock().cleaned(&asked, lent, is_clean);
        }
        Job::Discard { lent } => {
            warn_of(shared, lent.discard());
            shared.lock().discarded();
        }
    }
}

fn evict(shared: &Shared, rest: Rest) {
    for lent in rest.clones {
        warn_of(shared, lent.discard());
    }
    if let Some(pattern) = rest.pattern {
        warn_of(shared, pattern.evict());
    }
}

fn warn_of(shared: &Shared, done: Result<()>) {
    if let Err(error) = done {
        shared.warn(format!("a clone was left behind: {error}"));
    }
}

/// Removes clones or gives them back, all at the same time. Returns what went wrong.
pub(super) fn finish(rest: Vec<Box<dyn Lent>>, ending: Ending) -> Vec<Error> {
    let end = move |lent: Box<dyn Lent>| match ending {
        Ending::Remove => lent.discard(),
        Ending::Return => lent.give_back(),
    };
    let threads: Vec<_> = rest.into_iter().map(|lent| std::thread::spawn(move || end(lent))).collect();
    let died = |_| Err(Error::internal("a thread ended before its clone was given back"));
    threads.into_iter().map(|thread| thread.join().unwrap_or_else(died)).filter_map(Result::err).collect()
}
