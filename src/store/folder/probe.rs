//! `doctor` on a folder: what a store asks of a file system, on files of its own that it removes again.

use super::failed;
use crate::error::{Error, Result};
use crate::secret::Address;
use crate::store::disk::{Disk as _, Real};
use crate::store::probe::{self, Probe, Purpose};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

const CONTENT: &[u8] = b"0123456789";

/// Below this much free space a capture may not end.
#[cfg(unix)]
const LITTLE: u64 = 1 << 30;

/// Tries what `purpose` needs.
///
/// # Errors
/// Kind `Store` when there are no random numbers; what the folder cannot do is in the answer.
pub(in crate::store) fn probe(address: &Address, purpose: Purpose) -> Result<Probe> {
    let root = PathBuf::from(super::path_of(address));
    let mut probe = Probe::default();
    let Some(folder) = reach(&mut probe, &root, purpose) else { return Ok(probe) };
    permissions(&mut probe, &folder);
    if purpose == Purpose::Restore {
        return Ok(probe);
    }
    let file = folder.join(probe::name()?);
    let link = file.with_extension("link");
    if probe.must("write", write(&file)) {
        probe.must("read", read(&file));
        probe.must("list after write", list(&folder, &file));
        name(&mut probe, &file, &link);
    }
    probe.must("delete", remove(&folder, &[&file, &link]));
    free_space(&mut probe, &folder);
    Ok(probe)
}

/// The folder to try: the store's, or the one that `keys init` would make it in.
fn reach(probe: &mut Probe, root: &Path, purpose: Purpose) -> Option<PathBuf> {
    let is_folder = |path: &&Path| fs::metadata(path).is_ok_and(|facts| facts.is_dir());
    if is_folder(&root) {
        probe.works("reach", format!("the folder {} is there", root.display()));
        match super::Folder::open(root) {
            Ok(_) => probe.works("store", "there is a store"),
            Err(_) => probe.harmless("store", "there is no store yet; make one with: terp-fixtures keys init"),
        }
        return Some(root.to_owned());
    }
    let near = root.ancestors().skip(1).map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    match near.into_iter().find(is_folder) {
        Some(folder) if purpose != Purpose::Restore && !root.exists() => {
            probe.harmless("reach", format!("there is no {} yet; tried in {}", root.display(), folder.display()));
            Some(folder.to_owned())
        }
        _ => {
            let error = Error::store(format!("{} is not a folder", root.display()));
            probe.fails("reach", &error.hint("Name another with --store, or make one with: terp-fixtures keys init"));
            None
        }
    }
}

fn write(file: &Path) -> Result<String> {
    let start = Instant::now();
    let mut options = OpenOptions::new();
    let written = options.write(true).create_new(true).open(file).and_then(|mut open| {
        open.write_all(CONTENT)?;
        open.sync_all()
    });
    written.map_err(|error| failed("write", file, error))?;
    if let Some(folder) = file.parent() {
        sync(folder)?;
    }
    Ok(format!("a file and its name are made durable in {} ms", start.elapsed().as_millis()))
}

fn sync(folder: &Path) -> Result<()> {
    Real.sync_folder(folder).map_err(|error| failed("make durable", folder, error))
}

fn read(file: &Path) -> Result<String> {
    let bytes = fs::read(file).map_err(|error| failed("read", file, error))?;
    if bytes == CONTENT {
        return Ok("it comes back as it was written".to_owned());
    }
    Err(Error::store("what comes back is not what was written").hint("Check the disk: no store can be there."))
}

fn list(folder: &Path, file: &Path) -> Result<String> {
    let entries = fs::read_dir(folder).map_err(|error| failed("list", folder, error))?;
    if entries.flatten().any(|entry| Some(entry.file_name().as_os_str()) == file.file_name()) {
        return Ok("it is in a listing at once".to_owned());
    }
    Err(Error::store("a new file is not in the listing of its folder").hint("Use a file system without such a cache."))
}

/// A name is given without taking it from another file: by a hard link, or, where there is none, by a rename.
fn name(probe: &mut Probe, file: &Path, link: &Path) {
    const NAME: &str = "name without replacing";
    match (fs::hard_link(file, link), fs::hard_link(file, link)) {
        (Ok(()), Err(error)) if error.kind() == ErrorKind::AlreadyExists => {
            probe.works(NAME, "hard links: a second file never takes a name");
        }
        (Ok(()), Err(error)) => probe.fails(NAME, &failed("name", link, error)),
        (Ok(()), Ok(())) => {
            let error = Error::store("a second file took the name of the first");
            probe.fails(NAME, &error.hint("Use a file system that keeps to the rules of hard links."));
        }
        (Err(_), _) => match fs::rename(file, link) {
            Ok(()) => {
                probe.harmless(NAME, "no hard links here; files are renamed, and names are digests or random");
            }
            Err(error) => probe.fails(NAME, &failed("name", link, error)),
        },
    }
}

fn remove(folder: &Path, files: &[&Path]) -> Result<String> {
    for file in files {
        match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", file, error)),
            _ => {}
        }
        if file.exists() {
            return Err(Error::store(format!("{} is there although it was removed", file.display())));
        }
    }
    sync(folder)?;
    Ok("it is gone at once".to_owned())
}

#[cfg(unix)]
fn permissions(probe: &mut Probe, folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    const NAME: &str = "permissions";
    match File::open(folder).and_then(|open| open.metadata()) {
        Ok(facts) if facts.permissions().mode() & 0o002 != 0 => {
            probe.harmless(NAME, "everybody on this machine may write here, and so remove snapshots: chmod o-w");
        }
        Ok(_) => probe.works(NAME, "not everybody may write here"),
        Err(error) => probe.fails(NAME, &failed("open", folder, error)),
    }
}

#[cfg(not(unix))]
fn permissions(probe: &mut Probe, folder: &Path) {
    const NAME: &str = "permissions";
    match fs::read_dir(folder) {
        Ok(_) => probe.works(NAME, "it may be read"),
        Err(error) => probe.fails(NAME, &failed("open", folder, error)),
    }
}

#[cfg(unix)]
fn free_space(probe: &mut Probe, folder: &Path) {
    const NAME: &str = "free space";
    let Ok(facts) = rustix::fs::statvfs(folder) else {
        return probe.harmless(NAME, "the file system does not say");
    };
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    let told = format!("{} MiB", free >> 20);
    if free < LITTLE {
        probe.harmless(NAME, format!("only {told}; a capture that finds no room leaves everything as it was"));
    } else {
        probe.works(NAME, told);
    }
}

#[cfg(not(unix))]
fn free_space(_probe: &mut Probe, _folder: &Path) {}
