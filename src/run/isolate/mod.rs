//! Isolation: every suite its own database, cloned from a template and put back in place.
//!
//! Store -> template (once per snapshot and host) -> clones (one per suite at work) -> reset. What was made on a host stands in its
//! registry before it is made and until it is removed, and only what stands there is ever removed. Whoever works on a template or a
//! clone holds its lock, which dies with the process: a state that says more than "ready" without a holder is what a killed one left.

mod clean;
pub mod client;
mod lease;
mod names;
pub mod pool;
mod registry;
mod reset;
mod rows;
mod scratch;
pub mod serve;
pub mod supply;
mod template;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use super::Context;
use crate::engine::isolate::{Held, Host, How, REGISTRY, REGISTRY_FILE};
use crate::engine::{self, Whereabouts};
use crate::error::{Error, Kind, Result};
use crate::event::Cancel;
use crate::model::schema::EngineKind;
use crate::secret::Address;
pub use clean::{Cleaned, Listed, Removed};
pub use lease::{Leased, Mode};
pub use names::home;
use registry::Registry;
pub use registry::{Entry, Keeper, Role, State};
pub use reset::Report;
use std::time::Duration;
pub use template::Template;

/// How long a step on the registry of another program is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// How much there may be on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Clones, of all templates; as many as are asked for without it.
    pub clones: Option<usize>,
    /// Templates that are kept: the one that was not used for the longest time goes first.
    pub templates: Option<usize>,
}

/// An opened host with its registry.
pub struct Ground {
    host: Box<dyn Host>,
    /// How to open the host once more.
    again: Option<(Address, Cancel)>,
    registry: Registry,
    limits: Limits,
    /// Whether counters are put back also where that is slow, before a clone is given on.
    exact_ids: bool,
    /// This machine's name, for the registry.
    machine: String,
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Ground {
    /// Opens the host at an address, and makes its registry where there is none.
    ///
    /// # Errors
    /// Kind `Usage` for an address that no engine has; `Unreachable`; `Guard` when the account may not make databases, or the registry
    /// was written by a newer version.
    pub fn open(server: &Address, cancel: &Cancel) -> Result<Self> {
        let ground = Self::on((engine::find(server)?.host)(server, cancel)?)?;
        Ok(Self { again: Some((server.clone(), cancel.clone())), ..ground })
    }

    /// Opens the host at an address where something was made there already; none where nothing was.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn find(server: &Address, cancel: &Cancel) -> Result<Option<Self>> {
        let engine = engine::find(server)?;
        let registry = if (engine.whereabouts)(server) == Whereabouts::File { REGISTRY_FILE } else { REGISTRY };
        if (engine.host)(server, cancel)?.exists(registry)? { Self::open(server, cancel).map(Some) } else { Ok(None) }
    }

    /// The same of a host that is open.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn on(mut host: Box<dyn Host>) -> Result<Self> {
        let held = host.hold(names::REGISTRY_LOCK, PATIENCE)?.ok_or_else(busy)?;
        let registry = Registry::open(host.registry()?)?;
        drop(held);
        Ok(Self { host, again: None, registry, limits: Limits::default(), exact_ids: false, machine: String::new() })
    }

    /// The same, where no more than this may be.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, where whoever gets a clone that others had finds its counters put back also where that is slow.
    #[must_use]
    pub fn exact(mut self, exact_ids: bool) -> Self {
        self.exact_ids = exact_ids;
        self
    }

    /// The same, where the registry says that this machine holds what is held.
    #[must_use]
    pub fn acting_on(mut self, machine: &str) -> Self {
        machine.clone_into(&mut self.machine);
        self
    }

    /// The product.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        self.host.engine()
    }

    /// Makes sure that the host answers, which a server that was started anew does on a new connection only.
    fn wake(&mut self) -> Result<()> {
        let Err(error) = self.registry.check() else { return Ok(()) };
        let Some((server, cancel)) = self.again.clone().filter(|_| error.kind() == Kind::Unreachable) else {
            return Err(error);
        };
        let opened = Self::open(&server, &cancel)?;
        (self.host, self.registry) = (opened.host, opened.registry);
        Ok(())
    }

    /// Takes the lock under which names are given away.
    fn hold_registry(&mut self) -> Result<Box<dyn Held>> {
        self.host.hold(names::REGISTRY_LOCK, PATIENCE)?.ok_or_else(busy)
    }

    /// Waits for a lock as long as its holder lives.
    fn wait_for(&mut self, context: &Context<'_>, name: &str, why: &str) -> Result<Box<dyn Held>> {
        let mut is_told = false;
        loop {
            context.cancel.check()?;
            if let Some(held) = self.host.hold(name, Duration::from_millis(if is_told { 500 } else { 0 }))? {
                return Ok(held);
            }
            if !is_told {
                context.stage(why);
            }
            is_told = true;
        }
    }

    /// How clones are put back between two holders.
    fn usual(&self) -> How {
        How { exact_ids: self.exact_ids, ..How::default() }
    }

    /// This process as a holder.
    fn me(&self) -> Keeper {
        Keeper { host: self.machine.clone(), process: std::process::id(), since: super::now() }
    }
}

fn busy() -> Error {
    Error::locked("another program has held the registry of this host for a minute")
        .hint("Wait and run again. A program that was killed holds nothing.")
}
