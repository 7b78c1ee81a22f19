//! Opening a SQLite file, and telling which file it is.

use crate::error::{Error, Result};
use crate::model::schema::{DatabaseIdentity, EngineKind};
use crate::secret::Address;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another program that holds the file is waited for, where the user has not said it.
pub(super) const WAIT: Duration = Duration::from_secs(10);

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The file that `sqlite:PATH` or `sqlite://PATH` names.
pub(super) fn path_of(address: &Address) -> Result<PathBuf> {
    let rest = address.expose().split_once(':').map_or("", |(_, rest)| rest);
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.contains(":memory:") {
        return Err(Error::usage(format!("'{address}' does not name a file")).hint("Write it as sqlite:PATH."));
    }
    Ok(PathBuf::from(path))
}

/// Opens a database read-only and begins one read transaction.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    check_file(path)?;
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // The first read inside a deferred transaction fixes the state that all later reads see.
    connection
        .execute_batch("BEGIN DEFERRED; SELECT count(*) FROM sqlite_master;")
        .map_err(|error| explain(path, error))?;
    Ok(connection)
}

/// Opens a database to write, making the file when `create` says so.
pub(super) fn open_to_write(path: &Path, create: bool) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if path.exists() {
        check_file(path)?;
    } else if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    } else {
        return Err(Error::unreachable(format!("{} does not exist", path.display()))
            .hint("Add --create to make it, or correct the path in --target."));
    }
    let connection = open(path, flags)?;
    // Unique keys come in any order: with the usual 2 MB each would fetch a page of its index again.
    connection.pragma_update(None, "cache_size", -64_000).map_err(|error| explain(path, error))?;
    Ok(connection)
}

/// Opens a file of this tool's own to read, without a transaction.
pub(super) fn open_plainly(path: &Path) -> Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| explain(path, error))?;
    connection.busy_timeout(WAIT).map_err(|error| explain(path, error))?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

fn check_file(path: &Path) -> Result<()> {
    let cannot = |error: std::io::Error| {
        Error::unreachable(format!("cannot read {}", path.display()))
            .caused_by(error)
            .hint("Check the path and its permissions.")
    };
    if !path.exists() {
        return Err(Error::unreachable(format!("{} does not exist", path.display())).hint("Check the path."));
    }
    if !path.is_file() {
        return Err(Error::unreachable(format!("{} is not a file, so it is not a database", path.display())));
    }
    if has_journal(path) {
        return Ok(()); // A writer was cut off; SQLite mends the file before it looks at it.
    }
    let mut head = Vec::new();
    std::fs::File::open(path).map_err(cannot)?.take(16).read_to_end(&mut head).map_err(cannot)?;
    if !head.is_empty() && head != MAGIC {
        return Err(Error::unreachable(format!("{} is not a SQLite database", path.display()))
            .hint("Encrypted and other formats cannot be read; name a plain SQLite file."));
    }
    Ok(())
}

/// Whether a journal lies beside the file that SQLite must apply or undo first.
fn has_journal(path: &Path) -> bool {
    ["-journal", "-wal"].iter().any(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::metadata(name).is_ok_and(|about| about.len() > 0)
    })
}

/// What SQLite says, if its wording is one that names places only. Errors of functions repeat their arguments, so anything
/// else is told by its code.
pub(super) fn described(error: &rusqlite::Error) -> String {
    const SAFE: [&str; 14] = [
        "UNIQUE constraint failed",
        "NOT NULL constraint failed",
        "CHECK constraint failed",
        "FOREIGN KEY constraint failed",
        "cannot store ",
        "no such ",
        "table ",
        "index ",
        "view ",
        "trigger ",
        "duplicate column name",
        "error in ",
        "too many ",
        "datatype mismatch",
    ];
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.as_str(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.as_str(),
        _ => "",
    };
    if SAFE.iter().any(|safe| message.starts_with(safe)) {
        return message.to_owned();
    }
    let code = error.sqlite_error().map(|error| rusqlite::ffi::code_to_str(error.extended_code));
    code.unwrap_or("an error of the SQLite driver").to_owned()
}

/// Whether another program holds the file.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// What is told when it was waited for in vain.
pub(super) fn busy(place: impl std::fmt::Display) -> Error {
    Error::locked(format!("{place} is locked by another program"))
        .hint("Close it there, or wait and run again; --lock-timeout says how long a restore waits.")
}

/// An error of opening or reading, in our words.
#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> Error {
    let place = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::unreachable(format!("{place} is not a SQLite database")),
        Some(ErrorCode::DatabaseCorrupt) => Error::unreachable(format!("{place} is corrupt"))
            .hint("Run 'PRAGMA integrity_check' with the sqlite3 shell, and restore a good copy."),
        _ if is_busy(&error) => busy(place),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            Error::unreachable(format!("{place} cannot be written")).hint("Check the permissions of file and folder.")
        }
        _ if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) => {
            Error::unreachable(format!("the folder of {place} does not exist"))
                .hint("Make the folder, or correct the path.")
        }
        _ => Error::unreachable(format!("cannot open {place}"))
            .caused_by(described(&error))
            .hint("A database in WAL mode also needs a writable folder; copy it elsewhere if that cannot be had."),
    }
}

/// Two marks: host and canonical path, host and inode. A copy of the file is another database; a link to it is not.
pub(super) fn identity(path: &Path) -> Result<DatabaseIdentity> {
    let cannot = |error: std::io::Error| Error::unreachable(format!("cannot read {}", path.display())).caused_by(error);
    let canonical = path.canonicalize().map_err(cannot)?;
    let mut marks = vec![mark("path", canonical.as_os_str().as_encoded_bytes())];
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let about = canonical.metadata().map_err(cannot)?;
        // An inode is used again after its file is gone; the time of its making tells the two apart.
        let made = about.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        marks.push(mark("inode", format!("{}:{}:{made:?}", about.dev(), about.ino()).as_bytes()));
    }
    Ok(DatabaseIdentity { engine: EngineKind::Sqlite, marks })
}

/// What tells the content of a file from what it held before: every commit counts the counter in its header up, and whatever
/// else writes into it (a copy over it, a restored backup) is told by its times, its length or its inode. None for a database
/// in WAL mode, whose newest rows lie in another file, and where files have no inodes.
///
/// To be asked before the file is opened as a database: closing a second descriptor would give its locks up.
pub(super) fn state(path: &Path) -> Option<String> {
    let mut head = [0; 100];
    std::fs::File::open(path).ok()?.read_exact(&mut head).ok()?;
    if head[18..20] != [1, 1] {
        return None;
    }
    // The counter, the schema's one, and for which counter the length is valid.
    Some(format!("{} {:?} {:?} {:?}", times(path)?, &head[24..28], &head[40..44], &head[92..96]))
}

/// Whether the file is still in the state that was found, asked inside of a read transaction, which keeps writers out.
pub(super) fn is_still(state: &str, path: &Path) -> bool {
    !has_journal(path) && times(path).is_some_and(|times| state.starts_with(&times))
}

/// Which file it is and when it was written, without opening it.
fn times(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let about = std::fs::metadata(path).ok()?;
        let times = [about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()];
        Some(format!("{} {} {} {times:?}", about.dev(), about.ino(), about.len()))
    }
    #[cfg(not(unix))]
    None
}

fn mark(kind: &str, value: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 sqlite identity");
    for part in [kind.as_bytes(), &host(), value] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// What tells this host from others: the machine id where there is one, else the host name, else nothing.
fn host() -> Vec<u8> {
    ["/etc/machine-id", "/etc/hostname"].iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default()
}
