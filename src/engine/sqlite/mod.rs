//! The SQLite engine, through rusqlite. Rows keep their storage classes exactly.

mod catalog;
mod connect;
mod ddl;
mod isolate;
mod lock;
mod place;
mod read;
mod write;

#[cfg(test)]
mod tests;

use super::staging::{Place, Rounds, Staging, Stream};
use super::{Enforce, Engine, Holder, LoadTable, Query, Savepoint, Sink, Source, Target, Whereabouts};
use crate::engine::meter::Meter;
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::event::{Cancel, Traffic};
use crate::model::proof::Checked;
use crate::model::schema::{Catalogue, DatabaseIdentity, EngineKind, TableName};
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
        Ok(Box::new(Sqlite { state, ..Sqlite::new(connection, path, cancel) }))
    },
    target: |address, create, cancel| {
        let path = connect::path_of(address)?;
        let connection = connect::open_to_write(&path, create)?;
        Ok(Box::new(Sqlite::new(connection, path, cancel)))
    },
    host: isolate::host,
    whereabouts: |_| Whereabouts::File,
};

/// An open SQLite database: a source inside its read transaction, or a target.
struct Sqlite {
    connection: rusqlite::Connection,
    path: PathBuf,
    cancel: Cancel,
    /// Counts every call.
    meter: Meter,
    lock: Option<lock::Held>,
    /// How long another program that holds the file is waited for.
    wait: Duration,
    /// What a source's file was just before it was opened.
    state: Option<String>,
    /// The file that the open transaction will put in the place of this one.
    swapped: Option<place::Swapped>,
}

impl Sqlite {
    fn new(connection: rusqlite::Connection, path: PathBuf, cancel: &Cancel) -> Self {
        let (cancel, meter) = (cancel.clone(), Meter::default());
        meter.connected();
        Self { connection, path, cancel, meter, lock: None, wait: connect::WAIT, state: None, swapped: None }
    }

    fn patience(&self) -> write::Patience {
        write::Patience { wait: self.wait, cancel: self.cancel.clone() }
    }
}

impl Source for Sqlite {
    fn engine(&self) -> EngineKind {
        EngineKind::Sqlite
    }

    fn identity(&mut self) -> Result<DatabaseIdentity> {
        connect::identity(&self.path)
    }

    fn catalogue(&mut self) -> Result<Catalogue> {
        self.meter.sent();
        catalog::read(&self.connection)
    }

    fn read(&mut self, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
        self.meter.sent();
        read::rows(&self.connection, query, &self.cancel, sink)
    }

    fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }

    fn token(&mut self) -> Result<Option<String>> {
        Ok(self.state.clone().filter(|state| connect::is_still(state, &self.path)))
    }
}

impl Target for Sqlite {
    fn lock(&mut self, purpose: &str, wait: Duration) -> Result<()> {
        self.lock = Some(lock::take(&self.path, purpose, wait, &self.cancel)?);
        self.wait = wait;
        write::bound_waits(&self.connection, wait)
    }

    fn holder(&mut self) -> Result<Option<Holder>> {
        lock::holder(&self.path)
    }

    fn release(&mut self, holder: &Holder) -> Result<()> {
        lock::release(&self.path, holder)
    }

    fn begin(&mut self, enforce: Enforce) -> Result<()> {
        self.meter.sent();
        write::begin(&self.connection, enforce, &self.patience())
    }

    fn execute(&mut self, sql: &Sql) -> Result<u64> {
        self.meter.sent();
        write::execute(&self.connection, sql)
    }

    fn load(&mut self, into: &LoadTable, rows: &Checked) -> Result<u64> {
        self.cancel.check()?;
        self.meter.sent();
        write::load(&self.connection, into, rows)
    }

    fn savepoint(&mut self, what: Savepoint) -> Result<()> {
        self.cancel.check()?;
        write::savepoint(&self.connection, what)
    }

    fn loaded_by(&mut self) -> &'static str {
        "prepared inserts"
    }

    fn end(&mut self, commit: bool) -> Result<()> {
        self.meter.sent();
        let patience = self.patience();
        match self.swapped.take() {
            Some(swapped) => place::end(&mut self.connection, &self.path, (swapped, commit), &patience),
            None => write::end(&self.connection, commit, &patience),
        }
    }
}

impl Staging for Sqlite {
    fn places(&mut self) -> Result<Vec<Place>> {
        Ok(place::places(&self.path))
    }

    fn stream(&mut self, key: &str) -> Result<Stream> {
        let opened = place::stream(&self.path, key)?;
        Ok(opened.map_or(Err("the file is not empty"), |(connection, path)| {
            let stream = Self::new(connection, path, &self.cancel);
            self.meter.add(&stream.meter);
            Ok(Box::new(Self { meter: self.meter.clone(), ..stream }))
        }))
    }

    fn swap_in(&mut self, key: &str, _tables: &[TableName]) -> Result<()> {
        let patience = self.patience();
        self.swapped = Some(place::swap_in(&mut self.connection, &self.path, key, &patience)?);
        Ok(())
    }

    fn remove_place(&mut self, key: &str) -> Result<()> {
        place::remove(&self.path, key)
    }

    fn set_aside(&mut self) -> Result<[Rounds; 2]> {
        // Everything was made there.
        Ok([Vec::new(), Vec::new()])
    }

    fn aside(&self, table: &TableName) -> TableName {
        table.clone()
    }
}
