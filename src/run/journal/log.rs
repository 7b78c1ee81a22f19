//! The journal's files: one per record, numbered from 0, each written whole or not at all, for the eyes of the member only.

use crate::codec::journal::{self, Id};
use crate::error::{Error, Result};
use crate::model::journal::Record;
use crate::seal::JournalKeys;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The folder of the records, beside the lock.
const RECORDS: &str = "records";
/// A new journal before it takes the place of the old one: while it is written, and when it is complete.
const MAKING: &str = "making";
const NEXT: &str = "next";
const LOCK: &str = "lock";
/// A journal that nobody went on with for so long is removed.
const KEPT: Duration = Duration::from_hours(24 * 14);
/// No file of a journal is longer.
const MAX_FILE: u64 = journal::MAX_RECORD as u64 + (1 << 20);

/// A journal's folder, held by this process alone.
pub(super) struct Slot {
    folder: PathBuf,
    /// Released when it is closed, which the end of the process does too.
    _lock: File,
}

/// A journal that is being written.
pub(super) struct Writing {
    folder: PathBuf,
    id: Id,
    next: u64,
}

impl Slot {
    /// Takes the folder `name` in `root`; none while another capture holds it. Removes journals there that are old.
    pub(super) fn take(root: &Path, name: &str) -> io::Result<Option<Self>> {
        let folder = root.join(name);
        make_folder(&folder)?;
        clean(root, &folder);
        let Some(lock) = locked(&folder)? else { return Ok(None) };
        let slot = Self { folder, _lock: lock };
        remove(&slot.folder.join(MAKING))?;
        if slot.folder.join(NEXT).exists() {
            remove(&slot.records())?;
            fs::rename(slot.folder.join(NEXT), slot.records())?;
        }
        Ok(Some(slot))
    }

    fn records(&self) -> PathBuf {
        self.folder.join(RECORDS)
    }

    /// Hands every record to `each`, in order; none where there is no journal, else what it takes to write on.
    ///
    /// # Errors
    /// Kind `Store` when any of them is not what was written there; what `each` fails with.
    pub(super) fn read(
        &self,
        keys: &JournalKeys,
        each: &mut dyn FnMut(u64, Record) -> Result<()>,
    ) -> Result<Option<Writing>> {
        let mut writing: Option<Writing> = None;
        let count = count(&self.records())?;
        for number in 0..count {
            let (id, record) = read(&self.records(), keys, writing.as_ref().map(|writing| &writing.id), number)?;
            writing = Some(Writing { folder: self.records(), id, next: number + 1 });
            each(number, record)?;
        }
        Ok(writing)
    }

    /// Begins a new journal with these records in place of the old one.
    ///
    /// # Errors
    /// Kind `Store` when it cannot be written.
    pub(super) fn begin(&self, keys: &JournalKeys, records: &[Record]) -> Result<Writing> {
        let (making, next) = (self.folder.join(MAKING), self.folder.join(NEXT));
        let failed = |error: io::Error| cannot_write().caused_by(error);
        remove(&making).and_then(|()| make_folder(&making)).map_err(failed)?;
        let mut writing = Writing { folder: making.clone(), id: crate::run::random()?, next: 0 };
        records.iter().try_for_each(|record| writing.append(keys, record))?;
        fs::rename(&making, &next).map_err(failed)?;
        remove(&self.records()).and_then(|()| fs::rename(&next, self.records())).map_err(failed)?;
        Ok(Writing { folder: self.records(), ..writing })
    }

    /// Removes the journal.
    ///
    /// # Errors
    /// Kind `Store` when it cannot be removed.
    pub(super) fn clear(&self) -> Result<()> {
        let parts = [RECORDS, NEXT, MAKING].map(|part| remove(&self.folder.join(part)));
        parts.into_iter().collect::<io::Result<()>>().map_err(|error| cannot_write().caused_by(error))
    }

    /// Removes the journal and its folder, once nothing is left to go on with.
    pub(super) fn leave(self) -> Result<()> {
        self.clear()?;
        remove(&self.folder).map_err(|error| cannot_write().caused_by(error))
    }
}

impl Writing {
    /// Writes the next record.
    ///
    /// # Errors
    /// Kind `Store` when it cannot be written.
    pub(super) fn append(&mut self, keys: &JournalKeys, record: &Record) -> Result<()> {
        let sealed = keys.seal(&journal::encode(keys.digest(), &self.id, self.next, record)?)?;
        write(&self.folder, self.next, &sealed).map_err(|error| cannot_write().caused_by(error))?;
        self.next += 1;
        Ok(())
    }

    /// Reads a record once more.
    ///
    /// # Errors
    /// Kind `Store` when it is no longer what was written.
    pub(super) fn again(&self, keys: &JournalKeys, number: u64) -> Result<Record> {
        read(&self.folder, keys, Some(&self.id), number).map(|(_, record)| record)
    }
}

fn cannot_write() -> Error {
    Error::store("the journal of the capture cannot be written")
}

fn file_name(number: u64) -> String {
    format!("{number:08}")
}

/// How many records there are; they are numbered without a gap.
fn count(folder: &Path) -> Result<u64> {
    let unreadable = |error: io::Error| Error::store("the journal cannot be read").caused_by(error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(unreadable)?,
    };
    let mut count = 0;
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        count += u64::from(name.len() == 8);
    }
    Ok(count)
}

fn read(folder: &Path, keys: &JournalKeys, id: Option<&Id>, number: u64) -> Result<(Id, Record)> {
    let damaged = || Error::store(format!("record {number} of the journal is missing or damaged"));
    let path = folder.join(file_name(number));
    let about = fs::symlink_metadata(&path).map_err(|error| damaged().caused_by(error))?;
    if !about.is_file() || about.len() > MAX_FILE {
        return Err(damaged());
    }
    let sealed = fs::read(&path).map_err(|error| damaged().caused_by(error))?;
    let record = keys.open(&sealed).map_err(|_| damaged())?;
    journal::decode(keys.digest(), id, number, &record)
}

/// Not synced: after a power failure a record may be missing or torn, and then the journal is not believed.
fn write(folder: &Path, number: u64, bytes: &[u8]) -> io::Result<()> {
    let (fresh, path) = (folder.join("new"), folder.join(file_name(number)));
    remove(&fresh)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&fresh)?.write_all(bytes)?;
    fs::rename(&fresh, &path)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes a file or folder, if it is there. A link is removed and not followed.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn locked(folder: &Path) -> io::Result<Option<File>> {
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Removes what nobody went on with. Best effort: whatever cannot be looked at stays.
fn clean(root: &Path, own: &Path) {
    let old = |path: &Path| {
        let records = path.join(RECORDS);
        let newest = fs::metadata(if records.is_dir() { &records } else { path }).and_then(|about| about.modified());
        newest.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > KEPT))
    };
    for path in fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path != own && path.is_dir() && old(&path) && locked(&path).is_ok_and(|lock| lock.is_some()) {
            remove(&path).unwrap_or_default();
        }
    }
}
