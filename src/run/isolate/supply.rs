//! Clones for the pool, from a host: the [`Supply`] that is made of [`Ground`]s.

use super::pool::{Ask, Lent, Mode, Pattern, Reset, SnapshotName, Supply};
use super::{Ground, Leased, Limits, Report as Done, Template};
use crate::engine::isolate::{How, Outcome};
use crate::error::{Kind, Result};
use crate::event::{Cancel, Report};
use crate::run::Context;
use crate::run::repository::Repository;
use crate::secret::Address;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How many open hosts lie ready for those who need one for a moment.
const READY: usize = 2;

/// What ends work on the host before it is done. What is given back at the end must not end with what is being made.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// Making templates and clones.
    pub making: Cancel,
    /// Putting back and removing.
    pub ending: Cancel,
}

/// What clones are made with.
pub struct Grounds {
    /// The host.
    pub server: Address,
    /// Where the snapshots are.
    pub repository: Arc<Repository>,
    /// How much there may be on it.
    pub limits: Limits,
    /// Whether losses are accepted where the engine is another one.
    pub allow_lossy: bool,
    /// Whether counters are put back whatever that costs.
    pub exact_ids: bool,
    /// Who is told.
    pub report: Arc<dyn Report>,
    /// Threads for loading a template.
    pub jobs: usize,
    /// What ends it before it is done.
    pub stops: Stops,
}

impl std::fmt::Debug for Grounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grounds").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Grounds {
    /// The supply that makes clones there. Hosts are opened as they are needed.
    #[must_use]
    pub fn supply(self) -> Arc<dyn Supply> {
        Arc::new(Host(Arc::new(Shared { grounds: self, making: Mutex::default(), ending: Mutex::default() })))
    }
}

struct Shared {
    grounds: Grounds,
    /// Hosts that nobody needs just now, by what ends them.
    making: Mutex<Vec<Ground>>,
    ending: Mutex<Vec<Ground>>,
}

impl Shared {
    fn context<'a>(&'a self, cancel: &Cancel) -> Context<'a> {
        Context { report: &*self.grounds.report, cancel: cancel.clone(), jobs: self.grounds.jobs }
    }

    fn how(&self, ask: Ask) -> How {
        How { exact_ids: ask.exact_ids || self.grounds.exact_ids, ..How::default() }
    }

    /// Makes something.
    fn make<T>(&self, work: impl FnOnce(&mut Ground, &Context<'_>) -> Result<T>) -> Result<T> {
        self.with(&self.making, &self.grounds.stops.making, work)
    }

    /// Puts something back, or removes it.
    fn end<T>(&self, work: impl FnOnce(&mut Ground, &Context<'_>) -> Result<T>) -> Result<T> {
        self.with(&self.ending, &self.grounds.stops.ending, work)
    }

    /// Works on a host. One on which something failed is not used again.
    fn with<T>(
        &self,
        stock: &Mutex<Vec<Ground>>,
        cancel: &Cancel,
        work: impl FnOnce(&mut Ground, &Context<'_>) -> Result<T>,
    ) -> Result<T> {
        let lock = || stock.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = lock().pop();
        let mut ground = match ready {
            Some(ground) => ground,
            None => {
                let Grounds { server, limits, repository, .. } = &self.grounds;
                Ground::open(server, cancel)?.limited(*limits).acting_on(&repository.actor().host)
            }
        };
        let done = work(&mut ground, &self.context(cancel))?;
        let mut stock = lock();
        if stock.len() < READY {
            stock.push(ground);
        }
        Ok(done)
    }
}

struct Host(Arc<Shared>);

impl Supply for Host {
    fn template(&self, snapshot: &str) -> Result<Arc<dyn Pattern>> {
        let Grounds { repository, allow_lossy, .. } = &self.0.grounds;
        let found = repository.find(snapshot)?;
        let template = self.0.make(|ground, context| ground.template(context, repository, &found, *allow_lossy))?;
        let snapshot = SnapshotName { name: found.manifest.name.clone(), id: found.id };
        Ok(Arc::new(Made { shared: Arc::clone(&self.0), template, snapshot }))
    }

    fn cancel(&self) {
        self.0.grounds.stops.making.cancel();
    }
}

struct Made {
    shared: Arc<Shared>,
    template: Template,
    snapshot: SnapshotName,
}

impl Pattern for Made {
    fn snapshot(&self) -> SnapshotName {
        self.snapshot.clone()
    }

    fn take(&self, mode: Mode) -> Result<Box<dyn Lent>> {
        let wanted = match mode {
            Mode::Reset => super::Mode::Reset,
            Mode::Fresh => super::Mode::Fresh,
        };
        let leased = self.shared.make(|ground, context| ground.lease(context, &self.template, wanted))?;
        Ok(Box::new(Taken { shared: Arc::clone(&self.shared), leased, is_new: mode == Mode::Fresh }))
    }

    fn evict(&self) -> Result<()> {
        // Where somebody else needs it, it stays: it is theirs as well.
        self.shared.end(|ground, _| ground.evict(&self.template.name)).map(drop)
    }
}

struct Taken {
    shared: Arc<Shared>,
    leased: Leased,
    is_new: bool,
}

impl Lent for Taken {
    fn database(&self) -> &str {
        &self.leased.name
    }

    fn address(&self) -> &Address {
        &self.leased.address
    }

    fn unlimited(&self) -> Option<&str> {
        self.leased.unlimited.as_deref()
    }

    fn is_new(&self) -> bool {
        self.is_new
    }

    fn reset(&mut self, ask: Ask) -> Result<Reset> {
        let (start, how) = (Instant::now(), self.shared.how(ask));
        if !ask.verify {
            let context = self.shared.context(&self.shared.grounds.stops.ending);
            match self.leased.put_back(&context, &how) {
                Ok(Some(Outcome::Done(done))) => {
                    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                    let tables = done.tables.iter().map(ToString::to_string).collect();
                    let (rung, rows, counters, notes) = (done.rung, done.rows, done.counters, done.notes);
                    return Ok(Reset { rung, rows, tables, counters, micros, notes, verified: None });
                }
                Err(error) if error.kind() == Kind::Interrupted => return Err(error),
                // Only the host can go further down the ladder.
                Ok(_) | Err(_) => {}
            }
        }
        let leased = &mut self.leased;
        let done = self.shared.end(|ground, context| ground.reset(context, leased, &how, ask.verify))?;
        let Done { rung, rows, tables, counters, micros, notes, verified, .. } = done;
        let tables = tables.iter().map(ToString::to_string).collect();
        Ok(Reset { rung, rows, tables, counters, micros, notes, verified })
    }

    fn give_back(self: Box<Self>) -> Result<()> {
        let Self { shared, leased, .. } = *self;
        shared.end(|ground, context| ground.give_back(context, leased))
    }

    fn keep(self: Box<Self>) -> Result<()> {
        let Self { shared, leased, .. } = *self;
        shared.end(|ground, _| ground.keep(leased))
    }

    fn discard(self: Box<Self>) -> Result<()> {
        let Self { shared, leased, .. } = *self;
        shared.end(|ground, _| ground.discard(leased))
    }
}
