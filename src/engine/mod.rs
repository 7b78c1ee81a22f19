//! Floor 1: databases. What a source and a target can do, and the table of engines.
//!
//! An engine is a folder (`connect catalog ddl read write lock`) and one line in [`ENGINES`]. These traits name no
//! driver's types, so that an engine can bring any driver.

pub mod isolate;
mod meter;
pub mod mysql;
pub(crate) mod network;
pub mod postgres;
pub mod script;
pub mod sql;
pub mod sqlite;
pub mod staging;
#[cfg(test)]
pub(crate) mod suite;
#[cfg(test)]
pub(crate) mod testing;

use crate::error::{Error, Result};
use crate::event::{Cancel, Traffic};
use crate::model::batch::Batch;
use crate::model::proof::Checked;
use crate::model::schema::{Catalogue, DatabaseIdentity, EngineKind, TableName};
use crate::secret::Address;
use isolate::Host;
use sql::Sql;
use staging::Staging;
use std::time::Duration;

/// A query whose rows become batches.
#[derive(Debug, Clone)]
pub struct Query {
    /// The statement.
    pub sql: Sql,
    /// Cells per row.
    pub columns: usize,
}

/// Takes each batch as soon as it is full; an error stops the read.
pub type Sink<'a> = dyn FnMut(Batch) -> Result<()> + 'a;

/// A database that rows are read from. Opening one begins a consistent read that lasts until it is dropped.
///
/// A source never writes, and every read of one source sees the same state.
pub trait Source: Send {
    /// The product, which decides the SQL dialect.
    fn engine(&self) -> EngineKind;

    /// Who the database is.
    ///
    /// # Errors
    /// Kind `Unreachable` when the database cannot be asked.
    fn identity(&mut self) -> Result<DatabaseIdentity>;

    /// The whole catalogue, this tool's own tables and columns left out.
    ///
    /// # Errors
    /// Kind `Unreachable` when it cannot be read.
    fn catalogue(&mut self) -> Result<Catalogue>;

    /// Runs `query` and hands its rows to `sink`, in the query's order. Returns the number of rows.
    ///
    /// # Errors
    /// Kind `Unreachable` when the read breaks off; whatever `sink` returns.
    fn read(&mut self, query: &Query, sink: &mut Sink<'_>) -> Result<u64>;

    /// Tells the state that this source reads from every other state: two sources with the same token read the same rows,
    /// at whatever time they are opened. None where that cannot be told for certain.
    ///
    /// # Errors
    /// Kind `Interrupted`; `Unreachable` when the database cannot be asked.
    fn token(&mut self) -> Result<Option<String>> {
        Ok(None)
    }

    /// What this connection and those that were opened from it took so far.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// Another reader that sees the same state, for reading at the same time. None where the engine or this server has
    /// none to give: then this one reads alone.
    ///
    /// # Errors
    /// Kind `Interrupted`; `Unreachable` when this reader itself was lost.
    fn fork(&mut self) -> Result<Option<Box<dyn Source>>> {
        Ok(None)
    }
}

/// Where checked rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadTable {
    /// The table.
    pub table: TableName,
    /// The columns of the batch's cells, in order.
    pub columns: Vec<String>,
    /// Further columns that get one text value in every row: the markers.
    pub constants: Vec<(String, String)>,
}

/// How the engine treats foreign keys while a transaction of ours is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforce {
    /// Not at all: the caller loads parents first and verifies every foreign key before the commit.
    Nothing,
    /// As declared, with its cascades.
    ForeignKeys,
    /// As for the application, whose triggers fire too.
    Everything,
}

/// What to do with the savepoint of the open transaction. There is one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Savepoint {
    /// Set it.
    Set,
    /// Let go of it and keep what was done since.
    Keep,
    /// Take back what was done since, a failed statement too, and let go of it.
    Undo,
}

/// Who holds a target's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What it does: `restore of demo@0123456789ab`.
    pub purpose: String,
    /// The host it runs on: a name or an address.
    pub host: String,
    /// The process that holds the lock: the server's one on a server, the holder's own one for a file.
    pub process: u32,
    /// Since when it is there, RFC 3339, UTC.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { purpose, host, process, since } = self;
        write!(f, "{}, from {}, process {process}, since {}", purpose.escape_debug(), host.escape_debug(), since)
    }
}

/// A database that rows go into.
pub trait Target: Source + Staging {
    /// Takes the database's lock for restores and rollbacks. It dies with this connection. From then on a statement that
    /// waits for a lock of somebody else waits no longer than `wait` either.
    ///
    /// # Errors
    /// Kind `Locked`, naming the holder, after `wait`.
    fn lock(&mut self, purpose: &str, wait: Duration) -> Result<()>;

    /// Who holds that lock now; none when it is free. Takes nothing and waits for nobody.
    ///
    /// # Errors
    /// Kind `Unreachable` when it cannot be told.
    fn holder(&mut self) -> Result<Option<Holder>>;

    /// Ends the connection of a stuck `holder`, and returns once the lock is no longer its.
    ///
    /// # Errors
    /// Kind `Locked` when it cannot be ended from here: another user's session, or a process that holds a file.
    fn release(&mut self, holder: &Holder) -> Result<()>;

    /// Begins the one transaction, with the application's triggers silent.
    ///
    /// # Errors
    /// Kind `Unreachable`, or `Locked` when the database is busy.
    fn begin(&mut self, enforce: Enforce) -> Result<()>;

    /// Runs one statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// Kind `Rejected` when a constraint refuses it.
    fn execute(&mut self, sql: &Sql) -> Result<u64>;

    /// Inserts checked rows.
    ///
    /// # Errors
    /// Kind `Rejected`, naming the constraint but no value.
    fn load(&mut self, into: &LoadTable, rows: &Checked) -> Result<u64>;

    /// Inserts checked rows as they come, in one go where the engine can: it waits for `rows` and not for each answer of
    /// the server. Returns the number of rows inserted.
    ///
    /// # Errors
    /// As [`load`](Self::load), perhaps only at the end; the first error of `rows`.
    fn load_all(&mut self, into: &LoadTable, rows: &mut dyn Iterator<Item = Result<Checked>>) -> Result<u64> {
        let mut count = 0;
        for rows in rows {
            count += self.load(into, &rows?).map_err(|error| error.behind(count))?;
        }
        Ok(count)
    }

    /// Sets the savepoint, or ends it. Only rows are taken back: changes of shape between the two are not allowed.
    ///
    /// # Errors
    /// Kind `Unreachable` or `Rejected` when the transaction as a whole is lost: after a deadlock, or a full disk.
    fn savepoint(&mut self, what: Savepoint) -> Result<()>;

    /// How the rows loaded since the last such question went in, in the engine's own words: `COPY`, `LOAD DATA`.
    fn loaded_by(&mut self) -> &'static str;

    /// Ends the transaction.
    ///
    /// # Errors
    /// Kind `Rejected` when the commit is refused; then nothing was changed. Kind `Unreachable` or `Interrupted` when the
    /// connection was lost or given up during the commit itself; then the message says that the outcome is not known.
    fn end(&mut self, commit: bool) -> Result<()>;
}

/// An engine's way in.
#[derive(Debug)]
pub struct Engine {
    /// URL schemes, the first is the canonical one.
    pub schemes: &'static [&'static str],
    /// How an address looks, for help texts.
    pub example: &'static str,
    /// Opens a source and begins its consistent read.
    pub source: fn(&Address, &Cancel) -> Result<Box<dyn Source>>,
    /// Opens a target; `create` makes the database when it is missing.
    pub target: fn(&Address, create: bool, &Cancel) -> Result<Box<dyn Target>>,
    /// Opens the server, or the folder, that templates and clones lie on.
    pub host: fn(&Address, &Cancel) -> Result<Box<dyn Host>>,
    /// Where the database of an address is, by what the driver would connect to.
    pub whereabouts: fn(&Address) -> Whereabouts,
}

/// Where a database is. A port forwarded from elsewhere looks like this machine, so this is a hint and not a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whereabouts {
    /// A file.
    File,
    /// A server on this machine: a socket or a loopback address.
    Here,
    /// A server anywhere else.
    #[default]
    Elsewhere,
}

impl Whereabouts {
    /// A server on this machine, or not.
    fn of_server(is_here: bool) -> Self {
        if is_here { Self::Here } else { Self::Elsewhere }
    }

    /// Its word in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Here => "this machine",
            Self::Elsewhere => "another machine",
        }
    }
}

/// Every engine.
pub static ENGINES: &[&Engine] = &[&sqlite::ENGINE, &postgres::ENGINE, &mysql::ENGINE];

/// The engine that an address asks for.
///
/// # Errors
/// Kind `Usage` for a scheme that no engine has.
pub fn find(address: &Address) -> Result<&'static Engine> {
    let scheme = address.scheme();
    let found = ENGINES.iter().find(|engine| engine.schemes.iter().any(|known| Some(*known) == scheme.as_deref()));
    found.copied().ok_or_else(|| {
        let examples: Vec<&str> = ENGINES.iter().map(|engine| engine.example).collect();
        Error::usage(format!("'{address}' is not a database address that this program knows"))
            .hint(format!("Write it as {}.", examples.join(" or ")))
    })
}

/// Runs a query that yields one integer.
///
/// # Errors
/// As [`Source::read`]; kind `Internal` when the query yields something else.
pub fn scalar<S: Source + ?Sized>(source: &mut S, sql: Sql) -> Result<i64> {
    let mut found = None;
    source.read(&Query { sql, columns: 1 }, &mut |batch| {
        if batch.rows() > 0 {
            found = std::str::from_utf8(batch.cell(0, 0).bytes).ok().and_then(|text| text.parse().ok());
        }
        Ok(())
    })?;
    found.ok_or_else(|| Error::internal("a counting query did not yield one integer"))
}
