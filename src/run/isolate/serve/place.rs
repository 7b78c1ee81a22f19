//! Where the server listens: taking the place, and leaving it as it was found.

use super::door::{Door, Token};
use crate::error::{Error, Result};
use data_encoding::HEXLOWER;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A socket in the file system; nobody but its owner can open it.
    Socket(PathBuf),
    /// A port of this machine's loopback, 0 for any that is free; behind a token.
    Loopback(SocketAddr),
}

pub(super) enum Listener {
    #[cfg(unix)]
    Socket(std::os::unix::net::UnixListener),
    Loopback(TcpListener),
}

/// A place that was taken.
pub struct Bound {
    pub(super) listener: Listener,
    pub(super) door: Door,
    /// What clients connect to: a path, or `http://127.0.0.1:PORT`.
    pub address: String,
    pub(super) _leavings: Leavings,
}

impl Bound {
    /// What a client has to show; none where the file system keeps others out.
    #[must_use]
    pub fn token(&self) -> Option<&crate::secret::SecretText> {
        self.door.token()
    }
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Files that go when the server ends, and the lock that says that it lives.
#[derive(Default)]
pub(super) struct Leavings {
    files: Vec<PathBuf>,
    _lock: Option<std::fs::File>,
}

impl Drop for Leavings {
    fn drop(&mut self) {
        for file in &self.files {
            // What is gone already is what was to be reached.
            std::fs::remove_file(file).unwrap_or_default();
        }
    }
}

impl Place {
    /// Takes the place. What a dead server left there is replaced.
    ///
    /// # Errors
    /// Kind `Locked` when a server lives there; `Usage` when nobody can listen there, or others than this machine could hear.
    pub fn bind(&self) -> Result<Bound> {
        match self {
            Self::Loopback(address) => loopback(*address),
            #[cfg(unix)]
            Self::Socket(path) => socket(path),
            #[cfg(not(unix))]
            Self::Socket(_) => Err(Error::usage("this system has no sockets in the file system")
                .hint("Listen on the loopback: --listen 127.0.0.1:0.")),
        }
    }
}

fn loopback(address: SocketAddr) -> Result<Bound> {
    let is_loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    if !is_loopback {
        return Err(Error::usage(format!("{address} can be reached from other machines"))
            .hint("The pool hands out databases to this machine only: --listen 127.0.0.1:PORT, or --socket PATH."));
    }
    let cannot = |error| Error::usage(format!("cannot listen on {address}")).caused_by(error);
    let listener = TcpListener::bind(address).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let door = Door::Loopback { port: address.port(), token: Token::new()? };
    Ok(Bound {
        listener: Listener::Loopback(listener),
        door,
        address: format!("http://{address}"),
        _leavings: Leavings::default(),
    })
}

/// Makes a folder with a name that nobody can guess, which nobody else can enter.
///
/// # Errors
/// Kind `Usage` where no folder can be made.
pub fn new_folder(base: &Path, prefix: &str) -> Result<PathBuf> {
    let folder = base.join(format!("{prefix}{}", HEXLOWER.encode(&crate::run::random::<8>()?)));
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(&folder);
    made.map_err(|error| Error::usage(format!("cannot make the folder {}", folder.display())).caused_by(error))?;
    Ok(folder)
}

/// How old a lock must be before it is looked at: a server that begins makes it first and takes it then.
const SETTLED: Duration = Duration::from_mins(1);

/// Removes the folders of servers that were killed: those with such a name whose server's lock nobody holds. What cannot be
/// looked at is not ours.
pub fn sweep(base: &Path, prefix: &str, socket: &str) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_dead(&beside(&entry.path().join(socket)))
        {
            // Somebody else may be sweeping, too.
            std::fs::remove_dir_all(entry.path()).unwrap_or_default();
        }
    }
}

fn is_dead(lock: &Path) -> bool {
    let Ok(file) = std::fs::OpenOptions::new().write(true).open(lock) else { return false };
    let age = file.metadata().and_then(|about| about.modified()).map(|since| since.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age > SETTLED) && file.try_lock().is_ok()
}

/// The longest path of a socket that every system takes.
#[cfg(unix)]
const LONGEST: usize = 100;

/// The socket is made in a folder that nobody else can enter, and moved to its place once it is closed to others.
#[cfg(unix)]
fn socket(path: &Path) -> Result<Bound> {
    use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
    let shown = path.display();
    let cannot = |error: std::io::Error| Error::usage(format!("cannot listen on {shown}")).caused_by(error);
    let path = std::path::absolute(path).map_err(cannot)?;
    if path.as_os_str().len() > LONGEST {
        return Err(Error::usage(format!("the path {shown} is too long for a socket"))
            .hint(format!("Systems take {LONGEST} bytes: choose a shorter one with --socket.")));
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
    let lock = lock(&path)?;
    match std::fs::symlink_metadata(&path) {
        Ok(about) if !about.file_type().is_socket() => {
            return Err(
                Error::usage(format!("{shown} is there, and it is no socket")).hint("Name another path with --socket.")
            );
        }
        // Its server is dead, or else it would hold the lock; a program of another kind is not ours to push aside.
        Ok(_) if std::os::unix::net::UnixStream::connect(&path).is_ok() => return Err(lives(&path)),
        _ => {}
    }
    let closed = folder.join(format!(".{}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&closed).map_err(cannot)?;
    let inside = closed.join("s");
    let bound = std::os::unix::net::UnixListener::bind(&inside).and_then(|listener| {
        listener.set_nonblocking(true)?;
        std::fs::set_permissions(&inside, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&inside, &path)?;
        Ok(listener)
    });
    std::fs::remove_file(&inside).unwrap_or_default();
    std::fs::remove_dir(&closed).unwrap_or_default();
    let listener = bound.map_err(cannot)?;
    let files = vec![path.clone(), beside(&path)];
    Ok(Bound {
        listener: Listener::Socket(listener),
        door: Door::Socket,
        address: path.to_string_lossy().into_owned(),
        _leavings: Leavings { files, _lock: Some(lock) },
    })
}

/// The file whose lock says that a server lives.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(unix)]
fn lock(path: &Path) -> Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = beside(path);
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&name);
    let file = file.map_err(|error| Error::usage(format!("cannot write {}", name.display())).caused_by(error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(lives(path)),
    }
}

#[cfg(unix)]
fn lives(path: &Path) -> Error {
    Error::locked(format!("a server listens on {} already", path.display()))
        .hint("Use that one, end it, or name another path with --socket.")
}
