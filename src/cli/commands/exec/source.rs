//! Where `exec` has its databases from: a pool of its own, that its child can ask for resets, or one that runs already.

use super::environment::Wanted;
use crate::cli::args::ExecArgs;
use crate::cli::commands::pooled::{self, Begun};
use crate::cli::render::Screen;
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::run::Context;
use crate::run::isolate::client::{Client, Lease, Place};
use crate::run::isolate::pool::{Ending, Granted, Hold, Limits, Mode, Ticket, Want};
use crate::run::isolate::serve;
use crate::run::isolate::supply::Stops;
use std::sync::Arc;
use std::time::Duration;

/// As long as the template may take: whoever waits can be interrupted.
const PATIENCE: Duration = Duration::from_hours(24);

pub(super) enum Source {
    /// A pool within this process.
    Own { begun: Begun, ending: Ending },
    /// A pool of another process, and what its clients have to know.
    Other { client: Client, place: Place },
}

impl Source {
    /// Opens the pool that `TERP_FIXTURES_SOCKET` names, or one on the host.
    ///
    /// # Errors
    /// Kind `Usage` where the pool of another process cannot do what is asked; `Unreachable`.
    pub(super) fn open(
        context: &Context<'_>,
        screen: &Arc<Screen>,
        settings: &Settings,
        args: &ExecArgs,
        wanted: &Wanted,
        stops: &Stops,
    ) -> Result<Self> {
        if let Some(place) = pooled::place()?.filter(|_| args.server.is_none()) {
            if args.keep || args.keep_on_failure {
                return Err(Error::usage("a database that belongs to a pool cannot be kept")
                    .hint("Unset TERP_FIXTURES_SOCKET, or name the host with --server, so that exec makes its own."));
            }
            return Ok(Self::Other { client: Client::connect(&place)?, place });
        }
        let workers = usize::from(args.workers);
        let limits = Limits { clones: workers, templates: 1, makers: context.jobs };
        let asked = pooled::Asked {
            snapshots: vec![args.snapshot.clone()],
            server: args.server.clone(),
            allow_lossy: args.allow_lossy,
            limits,
        };
        let prepared = pooled::Prepared::new(context, screen, settings, &asked, stops)?;
        wanted.check(prepared.server())?;
        let begun = prepared.begin(pooled::own_place()?, Some(args.snapshot.clone()))?;
        let ending = if args.reuse { Ending::Return } else { Ending::Remove };
        Ok(Self::Own { begun, ending })
    }

    /// Whether the databases are another process's.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Other { .. })
    }

    /// A lease for each worker.
    pub(super) fn lease(&mut self, args: &ExecArgs) -> Result<Vec<Lease>> {
        match self {
            Self::Own { begun, .. } => {
                let mode = if args.fresh { Mode::Fresh } else { Mode::Reset };
                let want = Want { snapshot: args.snapshot.clone(), mode, wait: PATIENCE, hold: Hold::Pool };
                let tickets: Result<Vec<Ticket>> = (0..args.workers).map(|_| begun.pool.enqueue(&want)).collect();
                tickets?.iter().map(|ticket| ticket.wait().map(|granted| as_lease(&granted))).collect()
            }
            Self::Other { client, .. } => (0..args.workers)
                .map(|_| client.lease(Some(&args.snapshot), args.fresh, Duration::from_hours(1)))
                .collect(),
        }
    }

    /// Puts every database back and compares it with the snapshot.
    ///
    /// # Errors
    /// Kind `Rejected` where one differs.
    pub(super) fn verify(&mut self, leases: &[Lease]) -> Result<()> {
        match self {
            Self::Own { begun, .. } => {
                let done: Vec<Result<()>> = std::thread::scope(|scope| {
                    let reset = |lease: &Lease| begun.pool.reset(&lease.id, true).map(drop);
                    let threads: Vec<_> = leases.iter().map(|lease| scope.spawn(move || reset(lease))).collect();
                    let died = |_| Err(Error::internal("a thread ended before its database was compared"));
                    threads.into_iter().map(|thread| thread.join().unwrap_or_else(died)).collect()
                });
                done.into_iter().collect()
            }
            Self::Other { client, .. } => leases.iter().try_for_each(|lease| client.reset(&lease.id, true).map(drop)),
        }
    }

    /// Leaves the databases on the host as they are. Returns what to say of each.
    pub(super) fn keep(&mut self, leases: &[Lease]) -> Vec<String> {
        let Self::Own { begun, .. } = self else { return Vec::new() };
        let mut lines: Vec<String> = leases
            .iter()
            .map(|lease| match begun.pool.keep(&lease.id) {
                Ok(()) => format!("kept: {}", lease.url.expose()),
                Err(error) => format!("warning: {} could not be kept: {error}", lease.database),
            })
            .collect();
        lines.push("Remove what was kept with: terp-fixtures doctor --clean --all".to_owned());
        lines
    }

    /// Gives everything back. Returns what went wrong.
    pub(super) fn end(self, leases: &[Lease], is_kept: bool) -> Vec<Error> {
        match self {
            Self::Own { begun, ending } => begun.end(ending),
            Self::Other { mut client, .. } => {
                let leases = leases.iter().filter(|_| !is_kept);
                leases.filter_map(|lease| client.give_back(&lease.id).err()).collect()
            }
        }
    }

    /// What the child has to know of the pool.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let (socket, token) = match self {
            Self::Own { begun, .. } => (begun.address.clone(), begun.token.clone()),
            Self::Other { place, .. } => (place.socket.clone(), place.token.clone()),
        };
        let token = token.map(|token| (pooled::TOKEN, token.expose().to_owned()));
        std::iter::once((pooled::SOCKET, socket)).chain(token).collect()
    }
}

fn as_lease(granted: &Granted) -> Lease {
    Lease {
        id: granted.id.clone(),
        snapshot: granted.snapshot.clone(),
        database: granted.database.clone(),
        url: granted.address.clone(),
        path: serve::path(granted),
        unlimited: granted.unlimited.clone(),
        epoch: granted.epoch,
    }
}
