//! The system calls of a store in a folder, as a seam: the real ones here, and in tests a disk that fails, fills up and
//! loses power. Nothing is decided here.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

#[cfg(test)]
pub(super) mod simulated_testing;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// Anything else, symbolic links above all.
    Other,
}

/// What is known of what lies at a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// What it is.
    pub(super) shape: Shape,
    /// Its length in bytes.
    pub(super) length: u64,
    /// How long ago it was written; zero for a file from the future.
    pub(super) age: Duration,
}

/// A file that is being written.
pub(super) trait NewFile {
    /// Appends all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content durable. Once it failed, another call proves nothing.
    fn sync(&mut self) -> io::Result<()>;
}

/// What a folder store asks of a disk. No symbolic link is ever followed at the end of a path.
pub(super) trait Disk: Send + Sync + Debug {
    /// What lies there, if anything does.
    fn facts(&self, path: &Path) -> io::Result<Option<Facts>>;

    /// The names in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// At most `limit` bytes of a file.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Makes a file that is not there yet, read-only for all but the handle.
    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;

    /// Gives a file a second name, unless that name is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes one folder.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug)]
pub(super) struct Real;

impl NewFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Disk for Real {
    fn facts(&self, path: &Path) -> io::Result<Option<Facts>> {
        let about = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            about => about?,
        };
        let shape = match about.file_type() {
            shape if shape.is_file() => Shape::File,
            shape if shape.is_dir() => Shape::Folder,
            _ => Shape::Other,
        };
        let age = about.modified().ok().and_then(|written| SystemTime::now().duration_since(written).ok());
        Ok(Some(Facts { shape, length: about.len(), age: age.unwrap_or_default() }))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let expected = file.metadata()?.len().min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o440);
        Ok(Box::new(options.open(path)?))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    #[cfg(unix)]
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Windows has no handle of a folder to flush; NTFS journals names itself.
    #[cfg(not(unix))]
    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}
