//! A target that counts the calls on it and on its streams, and lets a test do something behind each of them.

use crate::engine::sql::Sql;
use crate::engine::staging::{Place, Rounds, Staging, Stream};
use crate::engine::{Enforce, Holder, LoadTable, Query, Savepoint, Sink, Source, Target, scalar};
use crate::error::Result;
use crate::model::proof::Checked;
use crate::model::schema::{Catalogue, DatabaseIdentity, EngineKind, TableName};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What is done behind a call: its number, and the server's number of the connection.
type Behind = dyn Fn(usize, i64) + Send + Sync;

/// The calls on a target and on its streams.
pub(in crate::run) struct Calls {
    count: AtomicUsize,
    behind: Box<Behind>,
}

impl Calls {
    pub(in crate::run) fn new(behind: impl Fn(usize, i64) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { count: AtomicUsize::new(0), behind: Box::new(behind) })
    }

    /// Counts a call on something else.
    pub(in crate::run) fn step(&self) {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        (self.behind)(number, 0);
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// A watched target.
pub(in crate::run) struct Watched {
    inner: Box<dyn Target>,
    connection: i64,
    calls: Arc<Calls>,
}

impl Watched {
    pub(in crate::run) fn new(mut inner: Box<dyn Target>, calls: &Arc<Calls>) -> Self {
        let own = match inner.engine() {
            EngineKind::Postgres => Some("SELECT pg_backend_pid()"),
            EngineKind::Mysql | EngineKind::Mariadb => Some("SELECT CONNECTION_ID()"),
            EngineKind::Sqlite => None,
        };
        let engine = inner.engine();
        let connection = own.map_or(0, |own| scalar(&mut *inner, Sql::new(engine).lit(own)).unwrap());
        Self { inner, connection, calls: Arc::clone(calls) }
    }

    fn done<T>(&self, done: T) -> T {
        let number = self.calls.count.fetch_add(1, Ordering::SeqCst) + 1;
        (self.calls.behind)(number, self.connection);
        done
    }
}

impl Source for Watched {
    fn engine(&self) -> EngineKind {
        self.inner.engine()
    }

    fn identity(&mut self) -> Result<DatabaseIdentity> {
        let done = self.inner.identity();
        self.done(done)
    }

    fn catalogue(&mut self) -> Result<Catalogue> {
        let done = self.inner.catalogue();
        self.done(done)
    }

    fn read(&mut self, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
        let done = self.inner.read(query, sink);
        self.done(done)
    }
}

impl Target for Watched {
    fn lock(&mut self, purpose: &str, wait: Duration) -> Result<()> {
        let done = self.inner.lock(purpose, wait);
        self.done(done)
    }

    fn holder(&mut self) -> Result<Option<Holder>> {
        self.inner.holder()
    }

    fn release(&mut self, holder: &Holder) -> Result<()> {
        self.inner.release(holder)
    }

    fn begin(&mut self, enforce: Enforce) -> Result<()> {
        let done = self.inner.begin(enforce);
        self.done(done)
    }

    fn execute(&mut self, sql: &Sql) -> Result<u64> {
        let done = self.inner.execute(sql);
        self.done(done)
    }

    fn savepoint(&mut self, what: Savepoint) -> Result<()> {
        let done = self.inner.savepoint(what);
        self.done(done)
    }

    fn load(&mut self, into: &LoadTable, rows: &Checked) -> Result<u64> {
        let done = self.inner.load(into, rows);
        self.done(done)
    }

    fn load_all(&mut self, into: &LoadTable, rows: &mut dyn Iterator<Item = Result<Checked>>) -> Result<u64> {
        let done = self.inner.load_all(into, rows);
        self.done(done)
    }

    fn loaded_by(&mut self) -> &'static str {
        self.inner.loaded_by()
    }

    fn end(&mut self, commit: bool) -> Result<()> {
        let done = self.inner.end(commit);
        self.done(done)
    }
}

impl Staging for Watched {
    fn places(&mut self) -> Result<Vec<Place>> {
        self.inner.places()
    }

    fn stream(&mut self, key: &str) -> Result<Stream> {
        let done = self.inner.stream(key);
        let done = self.done(done);
        Ok(done?.map(|stream| -> Box<dyn Target> { Box::new(Self::new(stream, &self.calls)) }))
    }

    fn swap_in(&mut self, key: &str, tables: &[TableName]) -> Result<()> {
        let done = self.inner.swap_in(key, tables);
        self.done(done)
    }

    fn remove_place(&mut self, key: &str) -> Result<()> {
        let done = self.inner.remove_place(key);
        self.done(done)
    }

    fn set_aside(&mut self) -> Result<[Rounds; 2]> {
        let done = self.inner.set_aside();
        self.done(done)
    }

    fn aside(&self, table: &TableName) -> TableName {
        self.inner.aside(table)
    }
}
