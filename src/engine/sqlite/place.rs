//! Staging places of SQLite: a file beside the target, which takes the target's place.
//!
//! Only where the target is a file without a page: nobody can have read anything from it. The last transaction goes on in
//! the staging file, with the target held all the time; its commit is followed by one rename.

use super::write::Patience;
use super::{connect, write};
use crate::engine::Enforce;
use crate::engine::staging::Place;
use crate::error::{Error, Result};
use crate::model::mark;
use rusqlite::Connection;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What stands between the target's name and the key.
const MIDDLE: &str = ".terp-load-";

/// The target as it was before the place was swapped in: held until the rename.
pub(super) struct Swapped {
    target: Connection,
    place: PathBuf,
}

fn path(target: &Path, key: &str) -> PathBuf {
    let mut name = whole(target).into_os_string();
    name.push(MIDDLE);
    name.push(key);
    PathBuf::from(name)
}

/// A place lies beside the file itself, not beside a link to it.
fn whole(target: &Path) -> PathBuf {
    target.canonicalize().unwrap_or_else(|_| target.to_owned())
}

pub(super) fn places(target: &Path) -> Vec<Place> {
    let target = whole(target);
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else { return Vec::new() };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let before = format!("{}{MIDDLE}", name.to_string_lossy());
    // A folder that cannot be listed has no place that this program could have made.
    let mut places = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(key) = name.strip_prefix(&before).filter(|key| Place::is_key(key)) {
            places.push(Place { key: key.to_owned(), name: format!("file {}", folder.join(&name).display()) });
        }
    }
    places.sort_by(|a, b| a.key.cmp(&b.key));
    places
}

/// Opens the file of a place. None where the target holds a page.
pub(super) fn stream(target: &Path, key: &str) -> Result<Option<(Connection, PathBuf)>> {
    if !is_blank(target) {
        return Ok(None);
    }
    let path = path(target, key);
    Ok(Some((connect::open_to_write(&path, true)?, path)))
}

fn is_blank(target: &Path) -> bool {
    std::fs::metadata(target).is_ok_and(|about| about.len() == 0)
}

/// Goes on in the place, with the target's own transaction still open.
pub(super) fn swap_in(connection: &mut Connection, target: &Path, key: &str, patience: &Patience) -> Result<Swapped> {
    let place = path(target, key);
    let staged = connect::open_to_write(&place, false)?;
    write::begin(&staged, Enforce::Nothing, patience)?;
    staged
        .execute_batch(&format!("DROP TABLE IF EXISTS {}", mark::PROGRESS_TABLE))
        .map_err(|error| connect::explain(&place, error))?;
    Ok(Swapped { target: std::mem::replace(connection, staged), place })
}

/// Ends the last transaction: with a commit the place becomes the target, else the target is what it was.
pub(super) fn end(
    connection: &mut Connection,
    target: &Path,
    (swapped, commit): (Swapped, bool),
    patience: &Patience,
) -> Result<()> {
    let Swapped { target: before, place } = swapped;
    let done = write::end(connection, commit, patience);
    let staged = std::mem::replace(connection, before);
    drop(staged);
    if !commit || done.is_err() {
        return write::end(connection, false, patience).and(done);
    }
    let renamed = rename(&place, target);
    // Whoever waited for the old file finds that it has moved.
    write::end(connection, false, patience)?;
    renamed?;
    *connection = connect::open_to_write(target, false)?;
    write::bound_waits(connection, patience.wait)
}

fn rename(place: &Path, target: &Path) -> Result<()> {
    let cannot = |error: std::io::Error| {
        Error::unreachable(format!("cannot put {} in the place of {}", place.display(), target.display()))
            .caused_by(error)
            .hint("Check the permissions of the folder, then restore again.")
    };
    let target = whole(target);
    if !is_blank(&target) {
        return Err(Error::guard(format!("another program wrote to {} meanwhile", target.display()))
            .hint("Restore again: what it wrote is kept, and the rows go in beside it."));
    }
    let about = std::fs::metadata(&target).map_err(cannot)?;
    std::fs::set_permissions(place, about.permissions()).map_err(cannot)?;
    std::fs::rename(place, &target).map_err(cannot)?;
    sync_folder(&target).map_err(cannot)
}

#[cfg(unix)]
fn sync_folder(target: &Path) -> std::io::Result<()> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_target: &Path) -> std::io::Result<()> {
    Ok(())
}

pub(super) fn remove(target: &Path, key: &str) -> Result<()> {
    let place = path(target, key);
    // The journal first: without its file it would be taken for the next one's.
    for ending in ["-journal", "-wal", "-shm", ""] {
        let mut name: OsString = place.clone().into_os_string();
        name.push(ending);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(
                    Error::unreachable(format!("cannot remove {}", PathBuf::from(name).display())).caused_by(error)
                );
            }
            _ => {}
        }
    }
    Ok(())
}
