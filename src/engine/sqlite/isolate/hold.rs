//! Locks of a folder: a file each, locked by the system, so that they end with the process that holds them.

use super::files;
use crate::engine::isolate::Held;
use crate::error::Result;
use crate::event::Cancel;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long to wait before the next try.
const STEP: Duration = Duration::from_millis(20);

/// A locked file, which is removed by its holder.
pub(super) struct Locked {
    path: PathBuf,
    file: File,
}

impl Held for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        // Removal comes before the release, so that nobody can lock a file that is about to go. If either fails, it is litter:
        // the lock itself ends with the file's being closed.
        std::fs::remove_file(&self.path).unwrap_or_default();
        self.file.unlock().unwrap_or_default();
    }
}

pub(super) fn take(folder: &Path, name: &str, wait: Duration, cancel: &Cancel) -> Result<Option<Locked>> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let path = folder.join(format!("{}.lock", name.chars().map(plain).collect::<String>()));
    let start = Instant::now();
    loop {
        cancel.check()?;
        if let Some(locked) = attempt(&path)? {
            return Ok(Some(locked));
        }
        if start.elapsed() >= wait {
            return Ok(None);
        }
        std::thread::park_timeout(STEP.min(wait));
    }
}

/// Removes what killed holders left. What somebody holds stays.
pub(super) fn sweep(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "lock") {
            drop(attempt(&entry.path())?);
        }
    }
    Ok(())
}

/// One try. None when somebody else holds it, or has just removed it.
fn attempt(path: &Path) -> Result<Option<Locked>> {
    files::make_blank(path)?;
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(files::cannot("open", path))?,
    };
    match file.try_lock() {
        Ok(()) if is_at(&file, path) => Ok(Some(Locked { path: path.to_owned(), file })),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(files::cannot("lock", path)(error)),
    }
}

/// Whether the file is still the one that others find at the path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|about| Some((about.dev(), about.ino())) == files::id(path))
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
