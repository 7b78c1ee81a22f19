//! What `exec`, `pool serve` and `reset` share: where pools listen, and a pool of our own with its server.

use crate::cli::render::Screen;
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::event::{Cancel, Report};
use crate::run::Context;
use crate::run::isolate::client::Place;
use crate::run::isolate::pool::{Ending, Limits, Pool};
use crate::run::isolate::serve::{self, Stop};
use crate::run::isolate::supply::{Grounds, Stops};
use crate::secret::{Address, SecretText};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Where a pool listens, for its clients.
pub(super) const SOCKET: &str = "TERP_FIXTURES_SOCKET";
/// What a port wants to be shown, and a file that it stands in.
pub(super) const TOKEN: &str = "TERP_FIXTURES_TOKEN";
pub(super) const TOKEN_FILE: &str = "TERP_FIXTURES_TOKEN_FILE";

/// The pool that the environment names, if it names one.
///
/// # Errors
/// Kind `Usage` when the file of its token cannot be read.
pub(in crate::cli) fn place() -> Result<Option<Place>> {
    let said = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
    let Some(socket) = said(SOCKET) else { return Ok(None) };
    let token = match (said(TOKEN), said(TOKEN_FILE)) {
        (Some(token), _) => Some(SecretText::new(token)),
        (None, Some(file)) => Some(std::fs::read_to_string(&file).map(SecretText::new).map_err(|error| {
            Error::usage(format!("cannot read the token file {file}")).caused_by(error).hint(format!(
                "{TOKEN_FILE} names what 'terp-fixtures pool serve' wrote; a pool that ended took it along."
            ))
        })?),
        (None, None) => None,
    };
    Ok(Some(Place { socket, token }))
}

/// What a pool is asked for.
pub(super) struct Asked {
    /// The snapshots.
    pub snapshots: Vec<String>,
    /// The host, where one is named.
    pub server: Option<String>,
    /// Whether losses are accepted.
    pub allow_lossy: bool,
    /// How much there may be.
    pub limits: Limits,
}

/// A pool that is about to begin.
pub(super) struct Prepared {
    pool: Pool,
    server: Address,
}

impl Prepared {
    /// Finds the snapshots and the host. Nothing is made yet.
    ///
    /// # Errors
    /// As the store says; kind `Usage` where there is no host.
    pub(super) fn new(
        context: &Context<'_>,
        screen: &Arc<Screen>,
        settings: &Settings,
        asked: &Asked,
        stops: &Stops,
    ) -> Result<Self> {
        let repository = super::open(context, settings)?;
        let mut first = None;
        for name in &asked.snapshots {
            let snapshot = repository.find(name)?;
            super::reviewed::refuse_unapproved(context, settings, (false, None), (&snapshot, "dev"))?;
            super::seen::remember(context, settings, &repository, &[super::seen::found(&snapshot)]);
            first.get_or_insert(snapshot);
        }
        let server = settings.isolation_server(asked.server.as_deref(), first.map(|it| it.manifest.source.engine))?;
        let report: Arc<dyn Report> = Arc::clone(screen) as Arc<dyn Report>;
        let grounds = Grounds {
            server: server.clone(),
            repository: Arc::new(repository),
            limits: settings.isolation_limits()?,
            allow_lossy: asked.allow_lossy,
            exact_ids: settings.exact_ids(),
            report: Arc::clone(&report),
            jobs: context.jobs,
            stops: stops.clone(),
        };
        Ok(Self { pool: Pool::new(grounds.supply(), asked.limits, report), server })
    }

    /// The host.
    pub(super) fn server(&self) -> &Address {
        &self.server
    }

    /// Begins to serve; `snapshot` is meant where none is named.
    ///
    /// # Errors
    /// As [`serve::Place::bind`].
    pub(super) fn begin(self, (place, folder): (serve::Place, Folder), snapshot: Option<String>) -> Result<Begun> {
        let bound = place.bind()?;
        let (address, token) = (bound.address.clone(), bound.token().cloned());
        let stop = Stop::default();
        let thread = {
            let (pool, stop) = (self.pool.clone(), stop.clone());
            std::thread::spawn(move || serve::serve(bound, &pool, snapshot, &stop))
        };
        let watch = {
            let pool = self.pool.clone();
            std::thread::spawn(move || pool.watch())
        };
        Ok(Begun { pool: self.pool, address, token, stop, threads: (thread, watch), folder })
    }
}

/// A pool with its server.
pub(super) struct Begun {
    /// The pool.
    pub pool: Pool,
    /// Where it listens.
    pub address: String,
    /// What it wants to be shown.
    pub token: Option<SecretText>,
    /// Ends the server.
    pub stop: Stop,
    threads: (JoinHandle<Result<()>>, JoinHandle<()>),
    /// The folder that goes with it.
    pub folder: Folder,
}

impl Begun {
    /// Waits until somebody wants an end, or the server came to one.
    pub(super) fn wait(&self, cancel: &Cancel) {
        while cancel.check().is_ok() && !self.threads.0.is_finished() {
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Ends the server and the pool. Returns what went wrong.
    pub(super) fn end(self, ending: Ending) -> Vec<Error> {
        self.stop.stop();
        let served = self.threads.0.join().unwrap_or_else(|_| Err(Error::internal("the server ended early")));
        let mut wrong = self.pool.close(ending);
        wrong.extend(served.err());
        self.threads.1.join().unwrap_or_default();
        drop(self.folder);
        wrong
    }
}

/// A folder of a server's own, that goes with it.
#[derive(Default)]
pub(super) struct Folder(Option<PathBuf>);

impl Folder {
    /// The folder.
    pub(super) fn path(&self) -> Option<&PathBuf> {
        self.0.as_ref()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // What is in it by now is ours: nobody else can enter it.
            std::fs::remove_dir_all(folder).unwrap_or_default();
        }
    }
}

/// The beginning of the names of such folders, and the socket in them.
const FOLDER: &str = "terp-fixtures-";
const IN_IT: &str = "pool";

/// A place for a pool that nobody named one for.
///
/// # Errors
/// Kind `Internal` when the system gives no random numbers.
pub(super) fn own_place() -> Result<(serve::Place, Folder)> {
    if cfg!(unix) {
        let folder = own_folder()?;
        let path = folder.path().map(|folder| folder.join(IN_IT)).unwrap_or_default();
        return Ok((serve::Place::Socket(path), folder));
    }
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Ok((serve::Place::Loopback(address), Folder::default()))
}

/// A new folder in the one where the user's programs keep their sockets; those of pools that were killed go.
///
/// # Errors
/// Kind `Internal` when the system gives no random numbers.
pub(super) fn own_folder() -> Result<Folder> {
    let usual = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let base = usual.filter(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir);
    serve::sweep(&base, FOLDER, IN_IT);
    serve::new_folder(&base, FOLDER).map(|folder| Folder(Some(folder)))
}
