//! The files of a host: made for their owner only, copied, counted and removed with what SQLite lays beside them.

use crate::error::{Error, Result};
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What may lie beside a database, and the database itself. Journals go first: without their file they would be taken for the
/// next one's.
const ALL: [&str; 8] = ["-journal", "-wal", "-shm", ".new", ".terp-lock-holder", ".terp-lock", super::map::ENDING, ""];

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// An error of the file system in our words.
pub(super) fn cannot(what: &str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    let message = format!("cannot {what} {}", path.display());
    move |error| {
        Error::unreachable(message.clone())
            .caused_by(error)
            .hint("Check the permissions and the space of the folder, or name another one in --server.")
    }
}

pub(super) fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(cannot("make the folder", folder))
}

/// Makes an empty file. Says whether there was none.
pub(super) fn make_blank(path: &Path) -> Result<bool> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot("make", path)(error)),
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, permissions).map_err(cannot("set the permissions of", path))
}

#[cfg(not(unix))]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let mut permissions = fs::metadata(path).map_err(cannot("look at", path))?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    fs::set_permissions(path, permissions).map_err(cannot("set the permissions of", path))
}

pub(super) fn close_to_writers(path: &Path) -> Result<()> {
    set_mode(path, 0o400)
}

/// Copies a file that nobody writes. The system shares its blocks where it can (XFS, Btrfs, APFS, ReFS).
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let new = beside(to, ".new");
    let made = || {
        fs::copy(from, &new).map_err(cannot("copy the template to", &new))?;
        set_mode(&new, 0o600)?;
        fs::rename(&new, to).map_err(cannot("make", to))
    };
    made().inspect_err(|_| fs::remove_file(&new).unwrap_or_default())
}

/// Removes a database with everything that lies beside it.
pub(super) fn remove(path: &Path) -> Result<()> {
    for ending in ALL {
        let path = beside(path, ending);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied && cfg!(windows) => {
                set_mode(&path, 0o600)?;
                fs::remove_file(&path).map_err(cannot("remove", &path))?;
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(cannot("remove", &path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// What a database takes on the disk with everything that lies beside it.
pub(super) fn bytes(path: &Path) -> u64 {
    ALL.iter().filter_map(|ending| fs::metadata(beside(path, ending)).ok()).map(|about| allocated(&about)).sum()
}

/// Blocks that are shared with a template count in full: the system does not tell them apart.
#[cfg(unix)]
fn allocated(about: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(about) * 512
}

#[cfg(not(unix))]
fn allocated(about: &fs::Metadata) -> u64 {
    about.len()
}

/// Which file it is. None where it is gone.
#[cfg(unix)]
pub(super) fn id(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

#[cfg(not(unix))]
pub(super) fn id(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|_| (0, 0))
}
