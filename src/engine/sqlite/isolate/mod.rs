//! Templates and clones as files of one folder. A clone is a copy of its template's file, and put back by the pages that differ.

mod cells;
mod files;
mod hold;
mod map;
mod pages;
mod reset;

#[cfg(test)]
mod tests;

use super::{connect, place};
use crate::engine::Target;
use crate::engine::isolate::{Admission, Held, Host, REGISTRY_FILE, Resettable};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::schema::EngineKind;
use crate::secret::Address;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Opens the host: a folder, or the one that a database of it lies in.
pub(super) fn host(address: &Address, cancel: &Cancel) -> Result<Box<dyn Host>> {
    let path = connect::path_of(address)?;
    // Whoever gets an address of ours may look at it from another folder.
    let path = std::path::absolute(&path).unwrap_or(path);
    let parent = path.parent().filter(|_| path.is_file()).map(Path::to_owned);
    Ok(Box::new(Folder { folder: parent.unwrap_or(path), cancel: cancel.clone() }))
}

/// A folder of templates and clones.
struct Folder {
    folder: PathBuf,
    cancel: Cancel,
}

impl Drop for Folder {
    /// A holder that was being killed when the folder was opened may have left its file since.
    fn drop(&mut self) {
        drop(hold::sweep(&self.folder));
    }
}

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sqlite"))
    }

    fn target(&self, name: &str) -> Result<Box<dyn Target>> {
        (super::ENGINE.target)(&self.address(name), true, &self.cancel)
    }
}

impl Host for Folder {
    fn engine(&self) -> EngineKind {
        EngineKind::Sqlite
    }

    fn address(&self, name: &str) -> Address {
        Address::new(format!("sqlite:{}", self.path(name).display()))
    }

    fn registry(&mut self) -> Result<Box<dyn Target>> {
        files::make_folder(&self.folder)?;
        hold::sweep(&self.folder)?;
        files::make_blank(&self.path(REGISTRY_FILE))?;
        self.target(REGISTRY_FILE)
    }

    fn hold(&mut self, name: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        files::make_folder(&self.folder)?;
        let held = hold::take(&self.folder, name, wait, &self.cancel)?;
        Ok(held.map(|held| Box::new(held) as Box<dyn Held>))
    }

    fn exists(&mut self, name: &str) -> Result<bool> {
        Ok(self.path(name).exists())
    }

    fn create(&mut self, name: &str) -> Result<()> {
        files::make_folder(&self.folder)?;
        if files::make_blank(&self.path(name))? {
            return Ok(());
        }
        Err(Error::guard(format!("{} is there already", self.path(name).display()))
            .hint("Run 'terp-fixtures doctor --clean', or name another folder in --server."))
    }

    fn seal(&mut self, template: &str) -> Result<()> {
        let path = self.path(template);
        let connection = connect::open_to_write(&path, false)?;
        let seal = || -> rusqlite::Result<()> {
            // What is in a -wal file would be missing in a copy. Statistics make the table of them, so no template is without a page.
            connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
            connection.execute_batch("ANALYZE")
        };
        seal().map_err(|error| connect::explain(&path, error))?;
        map::write(&connection, &path)?;
        files::close_to_writers(&path)
    }

    fn clone_template(&mut self, template: &str, name: &str) -> Result<()> {
        files::copy(&self.path(template), &self.path(name))
    }

    /// A file has no accounts: the address names one file, and the folder is its owner's.
    fn admit(&mut self, _template: &str, name: &str) -> Result<Admission> {
        Ok(Admission { address: self.address(name), unlimited: None })
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        let path = self.path(name);
        for left in place::places(&path) {
            place::remove(&path, &left.key)?;
        }
        files::remove(&path)
    }

    fn bytes(&mut self, name: &str) -> Result<u64> {
        Ok(files::bytes(&self.path(name)))
    }

    fn open(&mut self, template: &str, name: &str) -> Result<Box<dyn Resettable>> {
        Ok(Box::new(reset::Opened::open(&self.path(template), &self.path(name), &self.cancel)?))
    }
}

/// Opens a file that is there for what this host does with it itself.
fn open(path: &Path) -> Result<Connection> {
    let connection = connect::open_to_write(path, false)?;
    // A clone need not outlive a power cut. Each page is looked at once; those that are written must not go into the file
    // before the end, for then it would have to be free of readers as soon as that.
    connection
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = 100; PRAGMA cache_spill = OFF")
        .map_err(|error| connect::explain(path, error))?;
    Ok(connection)
}
