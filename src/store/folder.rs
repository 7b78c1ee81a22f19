//! A store in a folder. An object is written to `tmp/`, made durable, and only then given its name, which is never taken
//! from another object. Nothing below the store's folder is reached through a symbolic link.
//!
//! After a power failure everything that `put` acknowledged is there whole, and nothing is there in part. So every name on
//! the way is made durable too, and what cannot be made durable is taken back instead of tried again: the second of two
//! fsyncs reports success for what the first one lost.

pub(super) mod probe;

use super::disk::{Disk, Facts, Real, Shape};
use super::{Listed, Store};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::Address;
use data_encoding::HEXLOWER;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

/// Temporary files of writers that died are removed at this age.
const STALE: Duration = Duration::from_hours(24);

/// A store in a folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    disk: Box<dyn Disk>,
    cleaned: Once,
    /// Folders whose names this process has made durable: who made them may have died before that.
    durable: Mutex<BTreeSet<PathBuf>>,
}

impl Folder {
    /// The store at `path`.
    ///
    /// # Errors
    /// Kind `Store` when there is no store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::on(Box::new(Real), path.as_ref()).opened()
    }

    /// The store at `path`, whose folder is made where it is missing. Writing `repo.json` makes it a store.
    ///
    /// # Errors
    /// Kind `Store` when the folder cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::on(Box::new(Real), path.as_ref()).created()
    }

    fn on(disk: Box<dyn Disk>, root: &Path) -> Self {
        Self { root: root.to_owned(), disk, cleaned: Once::new(), durable: Mutex::default() }
    }

    fn opened(self) -> Result<Self> {
        match self.metadata(&ObjectName::hint()) {
            Ok(Some(_)) => Ok(self),
            Ok(None) => Err(super::not_a_store(self.root.display())),
            Err(error) => Err(error.within(self.root.display())),
        }
    }

    fn created(self) -> Result<Self> {
        self.make_root(&self.root)?;
        self.make_parents(&self.root.join("tmp/x"))?;
        self.clean();
        Ok(self)
    }

    /// Makes the folder of the store and those above it, which may be links.
    fn make_root(&self, path: &Path) -> Result<()> {
        let mut made = self.disk.make_folder(path);
        if let (Err(error), Some(parent)) = (&made, path.parent())
            && error.kind() == ErrorKind::NotFound
        {
            self.make_root(parent)?;
            made = self.disk.make_folder(path);
        }
        match made {
            Ok(()) => self.make_durable(path, true)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("make the folder", path, error)),
        }
        // Who made those that were there may have died before they were durable. Most are not ours, some cannot be opened.
        for above in path.ancestors() {
            self.sync_name(above).unwrap_or_default();
        }
        Ok(())
    }

    /// The path of an object, once every folder on the way was seen to be a folder. `None` where one is missing.
    fn find(&self, name: &ObjectName) -> Result<Option<PathBuf>> {
        let mut path = self.root.clone();
        let mut parts = name.path().split('/').peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            if parts.peek().is_some() && !self.is_folder(&path)? {
                return Ok(None);
            }
        }
        Ok(Some(path))
    }

    /// Facts of an object's file, or `None` where there is none.
    fn metadata(&self, name: &ObjectName) -> Result<Option<(PathBuf, Facts)>> {
        let Some(path) = self.find(name)? else { return Ok(None) };
        match self.disk.facts(&path) {
            Ok(Some(facts)) if facts.shape == Shape::File => Ok(Some((path, facts))),
            Ok(Some(_)) => Err(not_plain(&path, "file")),
            Ok(None) => Ok(None),
            Err(error) => Err(failed("look at", &path, error)),
        }
    }

    /// Whether a folder is there. Anything else in its place, a link above all, is an error.
    fn is_folder(&self, path: &Path) -> Result<bool> {
        match self.disk.facts(path) {
            Ok(Some(facts)) if facts.shape == Shape::Folder => Ok(true),
            Ok(Some(_)) => Err(not_plain(path, "folder")),
            Ok(None) => Ok(false),
            Err(error) => Err(failed("look at", path, error)),
        }
    }

    /// Makes the folders between the root and `file`, each durable before anything is put into it.
    fn make_parents(&self, file: &Path) -> Result<()> {
        let below = file.strip_prefix(&self.root).unwrap_or(file);
        let mut path = self.root.clone();
        for part in below.parent().into_iter().flat_map(Path::components) {
            path.push(part);
            let is_new = if self.is_folder(&path)? {
                false
            } else {
                match self.disk.make_folder(&path) {
                    Ok(()) => true,
                    // Another writer was faster.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists && self.is_folder(&path)? => false,
                    Err(error) => return Err(failed("make the folder", &path, error)),
                }
            };
            self.make_durable(&path, is_new)?;
        }
        Ok(())
    }

    /// Makes the name of a folder durable, once in this process. A new one that cannot be made durable is removed again.
    fn make_durable(&self, folder: &Path, is_new: bool) -> Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_new && durable.contains(folder) {
            return Ok(());
        }
        if let Err(error) = self.sync_name(folder) {
            if is_new {
                // If that fails as well, the next writer makes the name durable.
                self.disk.remove_folder(folder).unwrap_or_default();
            }
            return Err(error);
        }
        durable.insert(folder.to_owned());
        Ok(())
    }

    /// Makes the name at `path` durable, or that there is none.
    fn sync_name(&self, path: &Path) -> Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.disk.sync_folder(folder).map_err(|error| failed("make durable", folder, error))
    }

    /// Writes a temporary file and makes its content durable. On any failure the file is removed: what a failed fsync
    /// left behind cannot be trusted.
    fn write_temporary(&self, bytes: &[u8]) -> Result<PathBuf> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| Error::store(format!("no random numbers: {error}")))?;
        let path = self.root.join("tmp").join(HEXLOWER.encode(&random));
        self.make_parents(&path)?;
        let mut file = self.disk.create(&path).map_err(|error| failed("create", &path, error))?;
        match file.write(bytes).and_then(|()| file.sync()) {
            Ok(()) => Ok(path),
            Err(error) => {
                drop(file);
                Err(match self.disk.remove(&path) {
                    Ok(()) => failed("write", &path, error),
                    Err(_) => failed("write (and then remove)", &path, error),
                })
            }
        }
    }

    /// Gives a durable temporary file its final name, unless the name is taken.
    fn place(&self, temporary: &Path, path: &Path) -> io::Result<()> {
        match self.disk.link(temporary, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists && error.kind() != ErrorKind::NotFound => {
                // A file system without hard links. Names are digests or random, so a second writer of the same name
                // between these two lines has the same content.
                if self.disk.facts(path)?.is_some() {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                self.disk.rename(temporary, path)
            }
            outcome => outcome,
        }
    }

    /// Removes temporary files that writers left behind when they died. Never fails: they do no harm.
    fn clean(&self) {
        let tmp = self.root.join("tmp");
        if !self.is_folder(&tmp).unwrap_or(false) {
            return;
        }
        for name in self.disk.names(&tmp).unwrap_or_default() {
            let path = tmp.join(&name);
            let ours = name.to_str().is_some_and(|name| {
                name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            });
            let old = |facts: Facts| facts.shape == Shape::File && facts.age > STALE;
            if ours && self.disk.facts(&path).is_ok_and(|facts| facts.is_some_and(old)) {
                // Another process may clean at the same time.
                self.disk.remove(&path).unwrap_or_default();
            }
        }
    }

    /// Fine when the object that is there has the same content.
    fn compare(&self, object: &Sealed) -> Result<()> {
        let length = object.bytes().len() as u64;
        match self.metadata(object.name())? {
            Some((path, facts)) if facts.length == length => {
                let present = self.disk.read(&path, length + 1).map_err(|error| failed("read", &path, error))?;
                if present != object.bytes() {
                    return Err(super::other_content(object.name()));
                }
                // The writer that was faster may not have come to this.
                self.make_parents(&path)?;
                self.sync_name(&path)
            }
            Some(_) => Err(super::other_content(object.name())),
            None => Err(Error::store(format!("object {} came and went while it was written", object.name()))),
        }
    }

    /// The paths, below the root, of what lies in `folder`; nothing where there is no such folder.
    fn names_in(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.root.join(folder);
        // Stray files where a folder of packs or keys could be are not ours.
        let is_file = |facts: Option<Facts>| facts.is_some_and(|facts| facts.shape == Shape::File);
        if self.disk.facts(&path).is_ok_and(is_file) || !self.is_folder(&path)? {
            return Ok(Vec::new());
        }
        let names = self.disk.names(&path).map_err(|error| failed("list", &path, error))?;
        Ok(names.iter().filter_map(|name| name.to_str()).map(|name| format!("{folder}/{name}")).collect())
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
        let placed = self.place(&temporary, &path);
        let removed = match self.disk.remove(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", &temporary, error)),
            _ => Ok(()),
        };
        match placed {
            Ok(()) => self.sync_name(&path).inspect_err(|_| self.disk.remove(&path).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.compare(object)?,
            Err(error) => return Err(failed("name", &path, error)),
        }
        removed
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        let (path, facts) = self.metadata(name)?.ok_or_else(|| super::missing(name))?;
        super::check_limit(name, facts.length, limit)?;
        let bytes = self.disk.read(&path, limit.saturating_add(1)).map_err(|error| failed("read", &path, error))?;
        super::check_limit(name, bytes.len() as u64, limit)?;
        Ok(Sealed::vouch(name.clone(), bytes))
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        Ok(self.metadata(name)?.map(|(_, facts)| facts.length))
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        let Some(top) = kind.folder() else {
            let name = ObjectName::hint();
            let facts = self.metadata(&name)?;
            return Ok(facts.into_iter().map(|(_, facts)| listed(name.clone(), facts)).collect());
        };
        let folders = if kind.has_subfolders() { self.names_in(top)? } else { vec![top.to_owned()] };
        let mut found = Vec::new();
        for folder in folders {
            let names = self.names_in(&folder)?;
            for name in names.iter().filter_map(|path| ObjectName::parse(path)).filter(|name| name.kind() == kind) {
                // One that was deleted since the folder was read is not there.
                found.extend(self.metadata(&name)?.map(|(_, facts)| listed(name, facts)));
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        // A manifest whose deleter died before it could make that durable would come back with the next power failure, and
        // must still find its packs.
        let snapshots = self.root.join("snapshots");
        if name.kind() == ObjectKind::Pack && self.is_folder(&snapshots)? {
            self.sync_name(&snapshots.join("x"))?;
        }
        if let Some((path, _)) = self.metadata(name)? {
            match self.disk.remove(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", &path, error)),
                _ => {}
            }
        }
        // Also for one that was gone: it may be gone in memory only.
        self.find(name)?.map_or(Ok(()), |path| self.sync_name(&path))
    }
}

fn listed(name: ObjectName, facts: Facts) -> Listed {
    Listed { name, length: facts.length, age: facts.age }
}

fn not_plain(path: &Path, wanted: &str) -> Error {
    Error::store(format!("{} is not a plain {wanted}", path.display()))
        .hint("A store has no symbolic links or special files below its folder; replace it by what it points to.")
}

fn failed(action: &str, path: &Path, error: io::Error) -> Error {
    Error::store(format!("cannot {action} {}", path.display())).caused_by(error)
}

#[cfg(test)]
mod power_tests;
#[cfg(test)]
mod tests;
