//! A store in a folder. An object is written to `tmp/`, made durable, and only then given its name, which is never taken
//! from another object. Nothing below the store's folder is reached through a symbolic link.

pub(super) mod probe;

use super::{Listed, Store};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::Address;
use data_encoding::HEXLOWER;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, SystemTime};

/// Temporary files of writers that died are removed at this age.
const STALE: Duration = Duration::from_hours(24);

/// A store in a folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    cleaned: Once,
}

impl Folder {
    /// The store at `path`.
    ///
    /// # Errors
    /// Kind `Store` when there is no store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let folder = Self { root: path.to_owned(), cleaned: Once::new() };
        match folder.metadata(&ObjectName::hint()) {
            Ok(Some(_)) => Ok(folder),
            Ok(None) => Err(super::not_a_store(path.display())),
            Err(error) => Err(error.within(path.display())),
        }
    }

    /// The store at `path`, whose folder is made where it is missing. Writing `repo.json` makes it a store.
    ///
    /// # Errors
    /// Kind `Store` when the folder cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        fs::create_dir_all(path).map_err(|error| failed("make the folder", path, error))?;
        let root = path.to_owned();
        let folder = Self { root, cleaned: Once::new() };
        folder.make_parents(&folder.root.join("tmp/x"))?;
        sync_folder(&folder.root)?;
        folder.clean();
        Ok(folder)
    }

    /// The path of an object, once every folder on the way was seen to be a folder. `None` where one is missing.
    fn find(&self, name: &ObjectName) -> Result<Option<PathBuf>> {
        let mut path = self.root.clone();
        let mut parts = name.path().split('/').peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            if parts.peek().is_some() && !is_folder(&path)? {
                return Ok(None);
            }
        }
        Ok(Some(path))
    }

    /// Facts of an object's file, or `None` where there is none.
    fn metadata(&self, name: &ObjectName) -> Result<Option<(PathBuf, Metadata)>> {
        let Some(path) = self.find(name)? else { return Ok(None) };
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(Some((path, metadata))),
            Ok(_) => Err(not_plain(&path, "file")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("look at", &path, error)),
        }
    }

    /// Makes the folders between the root and `file`, each durable before anything is put into it.
    fn make_parents(&self, file: &Path) -> Result<()> {
        let below = file.strip_prefix(&self.root).unwrap_or(file);
        let mut path = self.root.clone();
        for part in below.parent().into_iter().flat_map(Path::components) {
            let parent = path.clone();
            path.push(part);
            if is_folder(&path)? {
                continue;
            }
            match fs::create_dir(&path) {
                Ok(()) => sync_folder(&parent)?,
                // Another writer was faster; make sure that it is durable and no link.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && is_folder(&path)? => sync_folder(&parent)?,
                Err(error) => return Err(failed("make the folder", &path, error)),
            }
        }
        Ok(())
    }

    /// Writes a temporary file and makes its content durable. On any failure the file is removed: what a failed fsync
    /// left behind cannot be trusted, and a second fsync would report success.
    fn write_temporary(&self, bytes: &[u8]) -> Result<PathBuf> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| Error::store(format!("no random numbers: {error}")))?;
        let path = self.root.join("tmp").join(HEXLOWER.encode(&random));
        self.make_parents(&path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o440);
        let mut file = options.open(&path).map_err(|error| failed("create", &path, error))?;
        match file.write_all(bytes).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(path),
            Err(error) => {
                drop(file);
                Err(match fs::remove_file(&path) {
                    Ok(()) => failed("write", &path, error),
                    Err(_) => failed("write (and then remove)", &path, error),
                })
            }
        }
    }

    /// Removes temporary files that writers left behind when they died. Never fails: they do no harm.
    fn clean(&self) {
        let tmp = self.root.join("tmp");
        if !is_folder(&tmp).unwrap_or(false) {
            return;
        }
        for entry in fs::read_dir(&tmp).into_iter().flatten().flatten() {
            let ours = entry.file_name().to_str().is_some_and(|name| {
                name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            });
            let old = entry.metadata().is_ok_and(|facts| facts.is_file() && age(&facts) > STALE);
            if ours && old {
                // Another process may clean at the same time.
                fs::remove_file(entry.path()).unwrap_or_default();
            }
        }
    }

    /// Fine when the object that is there has the same content.
    fn compare(&self, object: &Sealed) -> Result<()> {
        let length = object.bytes().len() as u64;
        match self.metadata(object.name())? {
            Some((path, facts)) if facts.len() == length => {
                let present = fs::read(&path).map_err(|error| failed("read", &path, error))?;
                if present != object.bytes() {
                    return Err(super::other_content(object.name()));
                }
                // The writer that was faster may not have come to this.
                path.parent().map_or(Ok(()), sync_folder)
            }
            Some(_) => Err(super::other_content(object.name())),
            None => Err(Error::store(format!("object {} came and went while it was written", object.name()))),
        }
    }
}

/// Opens a plain path or `file:PATH`.
pub(super) fn open(address: &Address, create: bool) -> Result<Box<dyn Store>> {
    let path = path_of(address);
    Ok(Box::new(if create { Folder::create(path)? } else { Folder::open(path)? }))
}

/// The path of an address.
fn path_of(address: &Address) -> &str {
    let text = address.expose();
    let path = if address.scheme().is_some() { text.split_once(':').map_or(text, |(_, path)| path) } else { text };
    path.strip_prefix("//").unwrap_or(path)
}

impl Store for Folder {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.cleaned.call_once(|| self.clean());
        if self.metadata(object.name())?.is_some() {
            return self.compare(object);
        }
        let path = self.root.join(object.name().path());
        self.make_parents(&path)?;
        let temporary = self.write_temporary(object.bytes())?;
        let placed = place(&temporary, &path);
        let removed = match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", &temporary, error)),
            _ => Ok(()),
        };
        match placed {
            Ok(()) => path.parent().map_or(Ok(()), sync_folder)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.compare(object)?,
            Err(error) => return Err(failed("name", &path, error)),
        }
        removed
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        let (path, _) = self.metadata(name)?.ok_or_else(|| super::missing(name))?;
        let unreadable = |error| failed("read", &path, error);
        let file = File::open(&path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        super::check_limit(name, length, limit)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        super::check_limit(name, bytes.len() as u64, limit)?;
        Ok(Sealed::vouch(name.clone(), bytes))
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        Ok(self.metadata(name)?.map(|(_, facts)| facts.len()))
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        let Some(top) = kind.folder() else {
            let name = ObjectName::hint();
            let facts = self.metadata(&name)?;
            return Ok(facts.into_iter().map(|(_, facts)| listed(name.clone(), &facts)).collect());
        };
        let folders = if kind.has_subfolders() { self.names_in(top)? } else { vec![top.to_owned()] };
        let mut found = Vec::new();
        for folder in folders {
            let names = self.names_in(&folder)?;
            for name in names.iter().filter_map(|path| ObjectName::parse(path)).filter(|name| name.kind() == kind) {
                // One that was deleted since the folder was read is not there.
                found.extend(self.metadata(&name)?.map(|(_, facts)| listed(name, &facts)));
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        let Some((path, _)) = self.metadata(name)? else { return Ok(()) };
        match fs::remove_file(&path) {
            Ok(()) => path.parent().map_or(Ok(()), sync_folder),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed("remove", &path, error)),
        }
    }
}

impl Folder {
    /// The paths, below the root, of what lies in `folder`; nothing where there is no such folder.
    fn names_in(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.root.join(folder);
        // Stray files where a folder of packs or keys could be are not ours.
        if fs::symlink_metadata(&path).is_ok_and(|facts| facts.is_file()) || !is_folder(&path)? {
            return Ok(Vec::new());
        }
        let unreadable = |error| failed("list", &path, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            names.extend(name.to_str().map(|name| format!("{folder}/{name}")));
        }
        Ok(names)
    }
}

/// Gives a durable temporary file its final name, unless the name is taken.
fn place(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists && error.kind() != ErrorKind::NotFound => {
            // A file system without hard links. Names are digests or random, so a second writer of the same name
            // between these two lines has the same content.
            if fs::symlink_metadata(path).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(temporary, path)
        }
        outcome => outcome,
    }
}

/// Whether a folder is there. Anything else in its place, a link above all, is an error.
fn is_folder(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => Ok(true),
        Ok(_) => Err(not_plain(path, "folder")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("look at", path, error)),
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| failed("make durable", path, error))
}

/// Windows has no handle of a folder to flush; NTFS journals names itself.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<()> {
    Ok(())
}

fn listed(name: ObjectName, facts: &Metadata) -> Listed {
    Listed { name, length: facts.len(), age: age(facts) }
}

/// Zero for a file from the future.
fn age(facts: &Metadata) -> Duration {
    facts.modified().ok().and_then(|written| SystemTime::now().duration_since(written).ok()).unwrap_or_default()
}

fn not_plain(path: &Path, wanted: &str) -> Error {
    Error::store(format!("{} is not a plain {wanted}", path.display()))
        .hint("A store has no symbolic links or special files below its folder; replace it by what it points to.")
}

fn failed(action: &str, path: &Path, error: io::Error) -> Error {
    Error::store(format!("cannot {action} {}", path.display())).caused_by(error)
}

#[cfg(test)]
mod tests;
