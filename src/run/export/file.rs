//! Files of an export: named after tables, whole or not there, for their owner only.

use crate::error::{Error, Result};
use crate::model::schema::TableName;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// The longest name before its ending, in bytes.
const LONGEST: usize = 180;

/// File names that were given out.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name of a file for a table: letters, digits, `_`, `-` and `.` stand for themselves, all else is `%` and hex digits. Two
    /// tables whose names differ in case only get different files also where the file system does not tell them apart.
    pub(super) fn of(&mut self, table: &TableName, ending: &str) -> String {
        let full = table.schema.iter().chain([&table.name]).map(|part| encoded(part)).collect::<Vec<_>>().join(".");
        let mut stem = full.clone();
        if full.len() > LONGEST {
            stem.truncate(LONGEST);
            stem = format!("{stem}~{}", &blake3::hash(full.as_bytes()).to_hex()[..16]);
        }
        let plain = stem.clone();
        let mut count = 1;
        while !self.0.insert(stem.to_ascii_lowercase()) {
            count += 1;
            stem = format!("{plain}~{count}");
        }
        format!("{stem}.{ending}")
    }
}

fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        let is_plain =
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && !text.is_empty());
        if is_plain { text.push(char::from(byte)) } else { text.push_str(&format!("%{byte:02X}")) }
    }
    text
}

/// Makes the folder, for its owner only, unless it is there.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| cannot(folder, error))
}

/// Refuses before anything is written, not at the last of many files.
pub(super) fn refuse_existing(files: &[PathBuf], force: bool) -> Result<()> {
    match files.iter().find(|path| !force && fs::symlink_metadata(path).is_ok()) {
        None => Ok(()),
        Some(path) => Err(is_there(path)),
    }
}

fn is_there(path: &Path) -> Error {
    Error::usage(format!("{} is there already", path.display()))
        .hint("Name another folder, or add --force to write over its files.")
}

fn cannot(path: &Path, error: io::Error) -> Error {
    Error::usage(format!("cannot write {}", path.display())).caused_by(error)
}

/// A file that is being written under another name beside its own.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    hidden: PathBuf,
    /// None once it is finished.
    file: Option<BufWriter<File>>,
    bytes: u64,
}

impl NewFile {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mark = data_encoding::HEXLOWER.encode(&crate::run::random::<6>()?);
        let hidden = path.with_file_name(format!(".{name}.{mark}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&hidden).map_err(|error| cannot(path, error))?;
        Ok(Self { path: path.to_owned(), hidden, file: Some(BufWriter::with_capacity(1 << 18, file)), bytes: 0 })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else { return Err(Error::internal("a finished file is written to")) };
        file.write_all(bytes).map_err(|error| cannot(&self.path, error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Makes it durable and gives it its name. Gives its length.
    pub(super) fn finish(mut self, force: bool) -> Result<u64> {
        let Some(file) = self.file.take() else { return Err(Error::internal("a file is finished twice")) };
        let written = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        written.map_err(|error| cannot(&self.path, error))?;
        if force {
            fs::rename(&self.hidden, &self.path).map_err(|error| cannot(&self.path, error))?;
            return Ok(self.bytes);
        }
        // A link is refused where something is, which a rename is not.
        match fs::hard_link(&self.hidden, &self.path) {
            Ok(()) => Ok(self.bytes),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(&self.path)),
            Err(_) => match fs::rename(&self.hidden, &self.path) {
                Ok(()) => Ok(self.bytes),
                Err(error) => Err(cannot(&self.path, error)),
            },
        }
    }
}

/// What was not finished goes; after a rename there is nothing left to go.
impl Drop for NewFile {
    fn drop(&mut self) {
        self.file = None;
        fs::remove_file(&self.hidden).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_different() {
        let mut names = Names::default();
        let mut of = |schema: Option<&str>, name: &str| {
            names.of(&TableName { schema: schema.map(str::to_owned), name: name.to_owned() }, "csv")
        };
        assert_eq!(of(None, "orders"), "orders.csv");
        assert_eq!(of(None, "Orders"), "Orders~2.csv");
        assert_eq!(of(Some("a"), "b.c"), "a.b.c.csv");
        assert_eq!(of(None, "../x"), "%2E.%2Fx.csv");
        assert_eq!(of(None, "é \n"), "%C3%A9%20%0A.csv");
        let (one, other) = ("x".repeat(300), format!("{}y", "x".repeat(299)));
        let (one, other) = (of(None, &one), of(None, &other));
        assert!(one != other && one.len() < 220 && one.is_ascii(), "{one} {other}");
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut file = NewFile::create(&path).unwrap();
        file.write(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let write = |text: &[u8], force: bool| {
            let mut file = NewFile::create(&path).unwrap();
            file.write(text).unwrap();
            file.finish(force)
        };
        assert_eq!(write(b"one", false).unwrap(), 3);
        assert!(write(b"two", false).unwrap_err().what().contains("is there already"));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(b"three", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
