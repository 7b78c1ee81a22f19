//! The SQLite engine, through rusqlite. Rows keep their storage classes exactly.

mod catalog;
mod connect;
mod ddl;
mod lock;
mod read;
mod write;

#[cfg(test)]
mod tests;

use super::{Enforce, Engine, Holder, LoadTable, Query, Sink, Source, Target};
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::event::Cancel;
use crate::model::proof::Checked;
use crate::model::schema::{Catalogue, DatabaseIdentity, EngineKind};
use std::path::PathBuf;
use std::time::Duration;

/// The SQLite engine.
pub static ENGINE: Engine = Engine {
    schemes: &["sqlite"],
    example: "sqlite:PATH",
    source: |address, cancel| {
        let path = connect::path_of(address)?;
        let state = connect::state(&path);
        let connection = connect::open_to_read(&path)?;
        Ok(Box::new(Sqlite { connection, path, cancel: cancel.clone(), lock: None, state }))
    },
    target: |address, create, cancel| {
        let path = connect::path_of(address)?;
        let connection = connect::open_to_write(&path, create)?;
        Ok(Box::new(Sqlite { connection, path, cancel: cancel.clone(), lock: None, state: None }))
    },
    is_file: true,
};

/// An open SQLite database: a source inside its read transaction, or a target.
struct Sqlite {
    connection: rusqlite::Connection,
    path: PathBuf,
    cancel: Cancel,
    lock: Option<lock::Held>,
    /// What a source's file was just before it was opened.
    state: Option<String>,
}

impl Source for Sqlite {
    fn engine(&self) -> EngineKind {
        EngineKind::Sqlite
    }

    fn identity(&mut self) -> Result<DatabaseIdentity> {
        connect::identity(&self.path)
    }

    fn catalogue(&mut self) -> Result<Catalogue> {
        catalog::read(&self.connection)
    }

    fn read(&mut self, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
        read::rows(&self.connection, query, &self.cancel, sink)
    }

    fn token(&mut self) -> Result<Option<String>> {
        Ok(self.state.clone().filter(|state| connect::is_still(state, &self.path)))
    }
}

impl Target for Sqlite {
    fn lock(&mut self, purpose: &str, wait: Duration) -> Result<()> {
        self.lock = Some(lock::take(&self.path, purpose, wait, &self.cancel)?);
        Ok(())
    }

    fn holder(&mut self) -> Result<Option<Holder>> {
        lock::holder(&self.path)
    }

    fn release(&mut self, holder: &Holder) -> Result<()> {
        lock::release(&self.path, holder)
    }

    fn begin(&mut self, enforce: Enforce) -> Result<()> {
        write::begin(&self.connection, enforce)
    }

    fn execute(&mut self, sql: &Sql) -> Result<u64> {
        write::execute(&self.connection, sql)
    }

    fn load(&mut self, into: &LoadTable, rows: &Checked) -> Result<u64> {
        self.cancel.check()?;
        write::load(&self.connection, into, rows)
    }

    fn loaded_by(&mut self) -> &'static str {
        "prepared inserts"
    }

    fn end(&mut self, commit: bool) -> Result<()> {
        write::end(&self.connection, commit)
    }
}
