//! The lock of a SQLite target: `BEGIN EXCLUSIVE` on a side file, so that it dies with its holder.
//!
//! The side file lies beside the database as `<file>.terp-lock` and is removed by its holder. Whoever waited for it makes
//! sure, once it has the lock, that the file at the path is still the one it opened; otherwise it starts again.

use crate::engine::Holder;
use crate::error::{Error, Result};
use crate::event::Cancel;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A held lock. Dropping it releases the lock and removes the side files.
pub(super) struct Held {
    connection: Option<Connection>,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Removal comes before the release, so that nobody can hold a lock on a file that is about to go.
        // A file that cannot be removed is only litter: the lock itself ends with the connection.
        for path in [holder_path(&self.path), self.path.clone()] {
            std::fs::remove_file(path).unwrap_or_default();
        }
        drop(self.connection.take());
    }
}

pub(super) fn take(database: &Path, purpose: &str, wait: Duration, cancel: &Cancel) -> Result<Held> {
    let path = side_path(database);
    let deadline = Instant::now() + wait;
    loop {
        cancel.check()?;
        if let Some(connection) = attempt(&path)? {
            let held = Held { connection: Some(connection), path };
            write_holder(&held.path, purpose);
            return Ok(held);
        }
        if Instant::now() >= deadline {
            let holder = read_holder(&path).map_or("holder unknown".to_owned(), |holder| holder.to_string());
            return Err(Error::locked(format!("another run holds the lock of this target: {holder}"))
                .hint("Wait for it to end, or raise --lock-timeout. A killed run never keeps the lock."));
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// One try. `None` when somebody else holds the lock.
fn attempt(path: &Path) -> Result<Option<Connection>> {
    let cannot = |error: rusqlite::Error| {
        Error::unreachable(format!("cannot make the lock file {}", path.display()))
            .caused_by(error)
            .hint("The folder of the database must be writable.")
    };
    let connection = Connection::open(path).map_err(cannot)?;
    connection.busy_timeout(Duration::ZERO).map_err(cannot)?;
    let opened = file_id(path);
    match connection.execute_batch("BEGIN EXCLUSIVE") {
        Ok(()) => Ok((opened.is_some() && opened == file_id(path)).then_some(connection)),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Ok(None),
            _ => Err(cannot(error)),
        },
    }
}

#[cfg(unix)]
fn file_id(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn file_id(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|_| (0, 0))
}

fn side_path(database: &Path) -> PathBuf {
    // One lock for a file, however it is spelled.
    let canonical = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    let mut name = canonical.into_os_string();
    name.push(".terp-lock");
    PathBuf::from(name)
}

fn holder_path(lock: &Path) -> PathBuf {
    let mut name = lock.as_os_str().to_owned();
    name.push("-holder");
    PathBuf::from(name)
}

/// Who holds the lock, for the message to whoever waits. Losing it loses nothing but that message.
fn write_holder(lock: &Path, purpose: &str) {
    let since = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let text = format!("{}\n{}\n{}\n{since}\n", one_line(purpose), one_line(&host()), std::process::id());
    std::fs::write(holder_path(lock), text).unwrap_or_default();
}

/// The holder as it wrote itself down.
fn read_holder(lock: &Path) -> Option<Holder> {
    let text = std::fs::read_to_string(holder_path(lock)).ok()?;
    let mut lines = text.lines().map(one_line);
    let (purpose, host) = (lines.next()?, lines.next()?);
    Some(Holder { purpose, host, process: lines.next()?.parse().ok()?, since: lines.next()? })
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// This host's name, where the system tells.
fn host() -> String {
    let names = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let name = names.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    if name.trim().is_empty() { "this host".to_owned() } else { name.trim().to_owned() }
}

/// Who holds the lock of a database. A side file that nobody holds is litter of a killed process.
pub(super) fn holder(database: &Path) -> Result<Option<Holder>> {
    let path = side_path(database);
    if !is_held(&path)? {
        return Ok(None);
    }
    let unknown = || Holder {
        purpose: "a run".to_owned(),
        host: "an unknown host".to_owned(),
        process: 0,
        since: "an unknown time".to_owned(),
    };
    Ok(Some(read_holder(&path).unwrap_or_else(unknown)))
}

/// Whether somebody holds the side file: then it cannot be read either.
fn is_held(path: &Path) -> Result<bool> {
    let cannot = |error: rusqlite::Error| {
        Error::unreachable(format!("cannot look at the lock file {}", path.display())).caused_by(error)
    };
    if !path.exists() {
        return Ok(false);
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(cannot)?;
    connection.busy_timeout(Duration::ZERO).map_err(cannot)?;
    match connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())) {
        Ok(()) => Ok(false),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Ok(true),
            _ if !path.exists() => Ok(false), // Its holder has just gone.
            _ => Err(cannot(error)),
        },
    }
}

/// The lock of a file is its holder's process: nothing else can take it away, and nothing else keeps it.
pub(super) fn release(database: &Path, holder: &Holder) -> Result<()> {
    let path = side_path(database);
    if !is_held(&path)? {
        return Ok(());
    }
    let hint = match holder.process {
        0 => format!("End the process that has {} open.", path.display()),
        process => format!("End process {process} on {}.", holder.host),
    };
    Err(Error::locked(format!("the lock of a file ends only with the process that holds it: {holder}"))
        .hint(format!("{hint} Then the lock is free at once, and what was not committed is undone.")))
}
