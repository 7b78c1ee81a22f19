//! The MySQL and MariaDB engine, through mysql_async: rows as the server's text, LOAD DATA and INSERT back, the catalogue
//! from `information_schema` and SHOW CREATE.
//!
//! One driver carries everything, because LOAD DATA must run inside the transaction of the other statements.

mod catalog;
mod connect;
mod ddl;
mod explain;
mod grants;
mod insert;
mod isolate;
mod journal;
mod load;
mod lock;
mod objects;
mod place;
mod read;
mod session;
mod shape;
#[cfg(test)]
pub(crate) mod testing;
mod write;

#[cfg(test)]
mod tests;

use super::staging::{Place, Rounds, Staging, Stream};
use super::{Enforce, Engine, Holder, LoadTable, Query, Savepoint, Sink, Source, Target, Whereabouts};
use crate::engine::sql::Sql;
use crate::error::{Kind, Result};
use crate::event::Traffic;
use crate::model::proof::Checked;
use crate::model::schema::{Catalogue, DatabaseIdentity, EngineKind, TableName};
use session::Session;
use std::time::Duration;

/// The MySQL and MariaDB engine.
pub static ENGINE: Engine = Engine {
    schemes: &["mysql", "mariadb"],
    example: "mysql://USER:PASSWORD@HOST:PORT/DATABASE",
    source: |address, cancel| {
        let connect::Opened { mut session, engine } = connect::open(address, false, cancel)?;
        session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
        Ok(Box::new(Mysql::new(session, engine)))
    },
    target: |address, create, cancel| {
        let connect::Opened { session, engine } = connect::open(address, create, cancel)?;
        Ok(Box::new(Mysql::new(session, engine)))
    },
    host: isolate::host,
    whereabouts: |address| Whereabouts::of_server(connect::is_here(address)),
};

/// An open MySQL or MariaDB database: a source inside its read transaction, or a target.
struct Mysql {
    session: Session,
    engine: EngineKind,
    work: write::Work,
    /// The connection that took the lock.
    holds_lock: Option<u32>,
}

impl Mysql {
    fn new(session: Session, engine: EngineKind) -> Self {
        Self { session, engine, work: write::Work::default(), holds_lock: None }
    }
}

impl Drop for Mysql {
    fn drop(&mut self) {
        if let Some(connection) = self.holds_lock {
            // Only a note about who holds the lock; the next holder replaces one that stayed.
            drop(self.work.last_side(&self.session).and_then(|side| lock::forget(side, connection)));
        }
    }
}

impl Source for Mysql {
    fn engine(&self) -> EngineKind {
        self.engine
    }

    fn identity(&mut self) -> Result<DatabaseIdentity> {
        connect::identity(&mut self.session, self.engine)
    }

    fn catalogue(&mut self) -> Result<Catalogue> {
        Ok(self.work.expected(catalog::read(&mut self.session, self.engine)?))
    }

    fn read(&mut self, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
        read::rows(&mut self.session, query, sink)
    }

    fn traffic(&self) -> Traffic {
        self.session.meter.traffic()
    }
}

impl Target for Mysql {
    fn lock(&mut self, purpose: &str, wait: Duration) -> Result<()> {
        let side = self.work.side(&self.session)?;
        lock::take(&mut self.session, side, purpose, wait)?;
        self.holds_lock = self.session.id();
        self.work.bound_waits(&mut self.session, wait)?;
        let side = self.work.side(&self.session)?;
        // What cannot be finished yet is told by every run, but holds up none.
        match journal::replay(side, wait) {
            Err(error) if error.kind() == Kind::Rejected => Ok(()),
            done => done,
        }
    }

    fn holder(&mut self) -> Result<Option<Holder>> {
        lock::holder(&mut self.session)
    }

    fn release(&mut self, holder: &Holder) -> Result<()> {
        lock::release(&mut self.session, holder)
    }

    fn begin(&mut self, enforce: Enforce) -> Result<()> {
        self.work.begin(&mut self.session, enforce)
    }

    fn execute(&mut self, sql: &Sql) -> Result<u64> {
        self.work.execute(&mut self.session, sql)
    }

    fn load(&mut self, into: &LoadTable, rows: &Checked) -> Result<u64> {
        self.work.load(&mut self.session, into, &mut std::iter::once(Ok(rows)))
    }

    fn load_all(&mut self, into: &LoadTable, rows: &mut dyn Iterator<Item = Result<Checked>>) -> Result<u64> {
        self.work.load(&mut self.session, into, rows)
    }

    fn savepoint(&mut self, what: Savepoint) -> Result<()> {
        self.work.savepoint(&mut self.session, what)
    }

    fn loaded_by(&mut self) -> &'static str {
        self.work.loaded_by()
    }

    fn end(&mut self, commit: bool) -> Result<()> {
        self.work.end(&mut self.session, commit)
    }
}

impl Staging for Mysql {
    fn places(&mut self) -> Result<Vec<Place>> {
        place::places(&mut self.session)
    }

    fn stream(&mut self, key: &str) -> Result<Stream> {
        let opened = place::stream(&mut self.session, self.engine, key)?;
        Ok(opened.map(|session| -> Box<dyn Target> {
            let mut stream = Self::new(session, self.engine);
            stream.work.changes = write::Changes::Aside;
            Box::new(stream)
        }))
    }

    fn swap_in(&mut self, key: &str, tables: &[TableName]) -> Result<()> {
        let rename = place::rename(&mut self.session, key, tables)?;
        rename.map_or(Ok(()), |sql| self.work.execute(&mut self.session, &sql).map(drop))
    }

    fn remove_place(&mut self, key: &str) -> Result<()> {
        place::remove(&mut self.session, key)
    }

    fn set_aside(&mut self) -> Result<[Rounds; 2]> {
        // Everything was made there.
        Ok([Vec::new(), Vec::new()])
    }

    fn aside(&self, table: &TableName) -> TableName {
        table.clone()
    }
}
