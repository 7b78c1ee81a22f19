//! The PostgreSQL engine, through sqlx: rows as COPY text both ways, the catalogue from `pg_catalog`.

mod catalog;
mod connect;
mod ddl;
mod explain;
mod few;
mod fresh;
mod isolate;
mod lock;
mod objects;
mod place;
mod read;
mod session;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use super::staging::{Place, Rounds, Staging, Stream};
use super::{Enforce, Engine, Holder, LoadTable, Query, Savepoint, Sink, Source, Target, Whereabouts};
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::event::Traffic;
use crate::model::mark;
use crate::model::proof::Checked;
use crate::model::schema::{Catalogue, DatabaseIdentity, EngineKind, TableName};
use crate::secret::Address;
use session::Session;
use std::time::Duration;

/// The PostgreSQL engine.
pub static ENGINE: Engine = Engine {
    schemes: &["postgres", "postgresql"],
    example: "postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    source: |address, cancel| {
        let mut session = connect::open(address, "capture", false, cancel)?;
        snapshot::begin(&mut session)?;
        Ok(Box::new(Postgres { address: Some(address.clone()), ..Postgres::new(session) }))
    },
    target: |address, create, cancel| {
        let session = connect::open(address, "target", create, cancel)?;
        Ok(Box::new(Postgres::new(session)))
    },
    host: isolate::host,
    whereabouts: |address| Whereabouts::of_server(connect::is_here(address)),
};

/// An open PostgreSQL database: a source inside its read transaction, or a target.
struct Postgres {
    session: Session,
    /// Where a source can be reached once more.
    address: Option<Address>,
    silenced: write::Silenced,
    /// How the last rows went in.
    way: &'static str,
    /// The staging place that it works in.
    aside: Option<place::Aside>,
}

impl Postgres {
    fn new(session: Session) -> Self {
        Self { session, address: None, silenced: write::Silenced::default(), way: "", aside: None }
    }
}

impl Source for Postgres {
    fn engine(&self) -> EngineKind {
        EngineKind::Postgres
    }

    fn identity(&mut self) -> Result<DatabaseIdentity> {
        connect::identity(&mut self.session)
    }

    fn catalogue(&mut self) -> Result<Catalogue> {
        match &self.aside {
            Some(aside) if aside.is_there() => {
                self.session.run("BEGIN")?;
                let read =
                    place::swap_in(&mut self.session, aside.key()).and_then(|()| catalog::read(&mut self.session));
                if !self.session.is_broken() {
                    self.session.run("ROLLBACK")?;
                }
                read.map(|mut read| {
                    read.own.tables.push(mark::PROGRESS_TABLE.to_owned());
                    read
                })
            }
            _ => catalog::read(&mut self.session),
        }
    }

    fn read(&mut self, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
        read::rows(&mut self.session, query, sink)
    }

    fn traffic(&self) -> Traffic {
        self.session.meter.traffic()
    }

    fn token(&mut self) -> Result<Option<String>> {
        snapshot::token(&mut self.session)
    }

    fn fork(&mut self) -> Result<Option<Box<dyn Source>>> {
        let Some(address) = self.address.clone() else { return Ok(None) };
        let forked = snapshot::fork(&mut self.session, &address)?;
        Ok(forked.map(|session| -> Box<dyn Source> { Box::new(Self { address: Some(address), ..Self::new(session) }) }))
    }
}

impl Target for Postgres {
    fn lock(&mut self, purpose: &str, wait: Duration) -> Result<()> {
        lock::take(&mut self.session, purpose, wait)
    }

    fn holder(&mut self) -> Result<Option<Holder>> {
        lock::holder(&mut self.session)
    }

    fn release(&mut self, holder: &Holder) -> Result<()> {
        lock::release(&mut self.session, holder)
    }

    fn begin(&mut self, enforce: Enforce) -> Result<()> {
        self.silenced = write::begin(&mut self.session, enforce)?;
        Ok(())
    }

    fn execute(&mut self, sql: &Sql) -> Result<u64> {
        write::execute(&mut self.session, &self.silenced, sql)
    }

    fn load(&mut self, into: &LoadTable, rows: &Checked) -> Result<u64> {
        let (rows, way) = write::load(&mut self.session, into, &mut std::iter::once(Ok(rows)))?;
        self.way = way;
        Ok(rows)
    }

    fn load_all(&mut self, into: &LoadTable, rows: &mut dyn Iterator<Item = Result<Checked>>) -> Result<u64> {
        let (rows, way) = write::load(&mut self.session, into, rows)?;
        self.way = way;
        Ok(rows)
    }

    fn savepoint(&mut self, what: Savepoint) -> Result<()> {
        write::savepoint(&mut self.session, what)
    }

    fn loaded_by(&mut self) -> &'static str {
        self.way
    }

    fn end(&mut self, commit: bool) -> Result<()> {
        write::end(&mut self.session, &std::mem::take(&mut self.silenced), commit)
    }
}

impl Staging for Postgres {
    fn places(&mut self) -> Result<Vec<Place>> {
        place::places(&mut self.session)
    }

    fn stream(&mut self, key: &str) -> Result<Stream> {
        let opened = place::stream(&mut self.session, key)?;
        Ok(opened.map_or(Err("this role may make no schema in the database"), |(session, aside)| {
            Ok(Box::new(Self { aside: Some(aside), ..Self::new(session) }))
        }))
    }

    fn swap_in(&mut self, key: &str, _tables: &[TableName]) -> Result<()> {
        place::swap_in(&mut self.session, key)
    }

    fn remove_place(&mut self, key: &str) -> Result<()> {
        place::remove(&mut self.session, key)
    }

    fn set_aside(&mut self) -> Result<[Rounds; 2]> {
        let aside = self.aside.as_mut().ok_or_else(|| Error::internal("this connection has no staging place"))?;
        aside.put_there(&mut self.session)
    }

    fn aside(&self, table: &TableName) -> TableName {
        self.aside.as_ref().map_or_else(|| table.clone(), |aside| aside.name(table))
    }
}
