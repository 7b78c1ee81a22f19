//! A pristine database for a test that is written in Rust: leased in one line, put back in another, given back when it is dropped.
//!
//! ```no_run
//! # fn main() -> terp_fixtures::error::Result<()> {
//! let mut database = terp_fixtures::testing::lease("demo-2025-12")?;
//! let url = database.url(); // or database.path(), for SQLite
//! // ... connect, write, commit ...
//! database.reset()?; // what was written is gone, and connections are open still
//! # Ok(())
//! # }
//! ```
//!
//! Under `terp-fixtures exec` it is one of the databases that were made for the command; where `TERP_FIXTURES_SOCKET` names a pool,
//! one of that pool. Else this process makes one itself, as `exec` would: with `terp-fixtures.toml`, on the host that is named there, or
//! in the user's cache folder for snapshots of SQLite; it stays on the host for the next test, put back.
//!
//! [`Wish`] says more than a name. This is the one part of the library that minds the environment, by way of `cli`.

mod turns;

use crate::cli::around::{self, Around};
use crate::engine::isolate::How;
use crate::error::{Error, Result};
use crate::event::{Cancel, Silent};
use crate::run::Context;
use crate::run::isolate::client::{self, Client, Lease, Place};
use crate::run::isolate::{Ground, Leased, Mode};
use crate::secret::Address;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use turns::Turn;

/// A pristine database of a snapshot: a name, name@id, or the first digits of an id. [`Wish`] can say more.
///
/// # Errors
/// As [`Wish::lease`].
pub fn lease(snapshot: &str) -> Result<Database> {
    Wish::of(snapshot).lease()
}

/// Which database is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    snapshot: String,
    configuration: Option<PathBuf>,
    server: Option<String>,
    mode: Mode,
    allow_lossy: bool,
    wait: Duration,
}

impl Wish {
    /// One of this snapshot.
    #[must_use]
    pub fn of(snapshot: &str) -> Self {
        Self {
            snapshot: snapshot.to_owned(),
            configuration: None,
            server: None,
            mode: Mode::Reset,
            allow_lossy: false,
            wait: Duration::from_mins(10),
        }
    }

    /// This process makes it, with this configuration, whatever runs beside it.
    #[must_use]
    pub fn configuration(mut self, path: impl Into<PathBuf>) -> Self {
        self.configuration = Some(path.into());
        self
    }

    /// This process makes it, on this server or in this folder (`sqlite:FOLDER`), whatever runs beside it.
    #[must_use]
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.server = Some(url.into());
        self
    }

    /// One that nobody had before. `exec` says by itself whether its databases are.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.mode = Mode::Fresh;
        self
    }

    /// Into another engine: also what that one can hold only in part.
    #[must_use]
    pub fn allow_lossy(mut self) -> Self {
        self.allow_lossy = true;
        self
    }

    /// How long to wait until one is free; ten minutes if nothing is said.
    #[must_use]
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// Gets it, as the snapshot has it.
    ///
    /// # Errors
    /// Kind `Locked` when none became free in time; `Usage` when `exec` runs on another snapshot; else as the pool, or the store and
    /// the host say.
    pub fn lease(&self) -> Result<Database> {
        let around = Around::now()?;
        let Some(place) = around.pool.as_ref().filter(|_| self.configuration.is_none() && self.server.is_none()) else {
            return self.own(around.server.as_deref());
        };
        let mut client = Client::connect(place)?;
        if around.leases.is_empty() {
            let lease = client.lease(Some(&self.snapshot), self.mode == Mode::Fresh, self.wait)?;
            return Ok(Database::new(&lease.url, lease.path.as_deref(), Keeper::Pool { client, id: lease.id }));
        }
        self.is_of(&client.look(&around.leases[0])?)?;
        let turn = Turn::take(around.leases.len(), around.slot, self.wait)?;
        let id = around.leases[turn.number()].clone();
        // Whoever waited for a turn may have waited longer than the pool lets a connection say nothing.
        let mut client = Client::connect(place)?;
        client.reset(&id, false)?;
        let lease = client.look(&id)?;
        Ok(Database::new(&lease.url, lease.path.as_deref(), Keeper::Exec { place: place.clone(), id, _turn: turn }))
    }

    /// The databases of `exec` are of one snapshot.
    fn is_of(&self, lease: &Lease) -> Result<()> {
        let (name, id) = (&lease.snapshot.name, &lease.snapshot.id);
        let is_named = match self.snapshot.split_once('@') {
            Some((wanted, digits)) => wanted == name && id.starts_with(digits),
            None => self.snapshot == *name || id.starts_with(&self.snapshot),
        };
        if is_named {
            return Ok(());
        }
        Err(Error::usage(format!("this runs under 'exec {name}', whose databases are not of {}", self.snapshot))
            .hint("Name the same snapshot in both places."))
    }

    fn own(&self, server: Option<&str>) -> Result<Database> {
        let context = context();
        let (settings, repository) = around::open(&context, self.configuration.as_deref())?;
        let snapshot = repository.find(&self.snapshot)?;
        let server =
            settings.isolation_server(self.server.as_deref().or(server), Some(snapshot.manifest.source.engine))?;
        let mut ground = Ground::open(&server, &context.cancel)?.limited(settings.isolation_limits()?);
        let template = ground.template(&context, &Arc::new(repository), &snapshot, self.allow_lossy)?;
        let leased = ground.lease(&context, &template, self.mode)?;
        let how = How { exact_ids: settings.exact_ids(), ..How::default() };
        let address = leased.address.clone();
        let own = Own { ground, leased: Some(leased), how };
        Ok(Database::new(&address, None, Keeper::Own(Box::new(own))))
    }
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The last rung of the ladder that was needed: `clean`, `journal`, `difference`, `reload` or `clone`.
    pub rung: String,
    /// Rows taken out, put in or put back.
    pub rows: u64,
    /// How long it took.
    pub took: Duration,
}

/// A database that is this test's alone until it is dropped.
#[derive(Debug)]
pub struct Database {
    address: Address,
    path: Option<PathBuf>,
    keeper: Keeper,
}

/// Who puts it back, and gets it in the end.
#[derive(Debug)]
enum Keeper {
    /// The `exec` that this runs under: it goes to the next test of this process as it is, which puts it back first.
    Exec { place: Place, id: String, _turn: Turn },
    /// A pool. The lease lives as long as the connection.
    Pool { client: Client, id: String },
    /// This process.
    Own(Box<Own>),
}

/// A clone on a host that this process opened.
#[derive(Debug)]
struct Own {
    ground: Ground,
    /// None once it was given back.
    leased: Option<Leased>,
    how: How,
}

impl Database {
    fn new(address: &Address, path: Option<&str>, keeper: Keeper) -> Self {
        let file = address.expose().strip_prefix("sqlite:");
        Self { address: address.clone(), path: path.or(file).map(PathBuf::from), keeper }
    }

    /// Its address, with the password.
    #[must_use]
    pub fn url(&self) -> &str {
        self.address.expose()
    }

    /// The file, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Puts it back, whoever is connected to it.
    ///
    /// # Errors
    /// As the pool or the host says.
    pub fn reset(&mut self) -> Result<Reset> {
        match &mut self.keeper {
            Keeper::Exec { place, id, .. } => Client::connect(place)?.reset(id, false).map(told),
            Keeper::Pool { client, id } => client.reset(id, false).map(told),
            Keeper::Own(own) => {
                let Own { ground, leased: Some(leased), how } = &mut **own else {
                    return Err(Error::internal("the database was given back"));
                };
                let done = ground.reset(&context(), leased, how, false)?;
                self.address = leased.address.clone();
                Ok(Reset {
                    rung: done.rung.word().to_owned(),
                    rows: done.rows,
                    took: Duration::from_micros(done.micros),
                })
            }
        }
    }

    /// Gives it back, as dropping it does, and says what went wrong.
    ///
    /// # Errors
    /// As the pool or the host says. Whoever gets the database next has it put back before.
    pub fn give_back(mut self) -> Result<()> {
        self.keeper.end()
    }
}

impl Keeper {
    fn end(&mut self) -> Result<()> {
        match self {
            // Whoever has it next in this process puts it back; a lease of a pool ends with its connection.
            Self::Exec { .. } | Self::Pool { .. } => Ok(()),
            Self::Own(own) => match own.leased.take() {
                Some(leased) => own.ground.give_back(&context(), leased),
                None => Ok(()),
            },
        }
    }
}

impl Drop for Database {
    /// What cannot be put back now is put back before anybody else gets it.
    fn drop(&mut self) {
        self.keeper.end().unwrap_or_default();
    }
}

/// What a pool says of a reset.
fn told(done: client::Reset) -> Reset {
    Reset { rung: done.rung, rows: done.rows, took: Duration::from_micros(done.micros) }
}

/// Tests have a runner that tells what there is to tell.
fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 1 }
}
