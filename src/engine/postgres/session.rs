//! One connection behind blocking calls. A connection that may be out of step is closed and never used again.

use super::explain;
use crate::engine::meter::Meter;
use crate::engine::network::{self, or_cancelled};
use crate::error::{Error, Kind, Result};
use crate::event::Cancel;
use crate::model::copytext::read_escaped;
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, ValueRef as _, raw_sql};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A row of texts.
pub(super) type TextRow = Vec<Option<String>>;

/// How long an interrupted user waits for a commit that is under way, and for the server to end a query.
const GRACE: Duration = Duration::from_secs(1);

/// A connection and the runtime that drives it.
pub(super) struct Session {
    connection: Option<PgConnection>,
    runtime: Runtime,
    /// How to connect a second time.
    options: PgConnectOptions,
    /// The server's process, once it is known.
    process: Option<String>,
    /// Stops every call.
    pub(super) cancel: Cancel,
    /// Counts every call.
    pub(super) meter: Meter,
    /// Whether a statement failed since the transaction began: then it cannot be committed.
    pub(super) failed: bool,
    /// Whether a savepoint for rows is set.
    pub(super) savepoint: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // A goodbye lets the server free locks at once. Without it the closed socket tells the same.
            let close = async { tokio::time::timeout(Duration::from_secs(1), connection.close()).await };
            drop(self.runtime.block_on(close));
        }
    }
}

impl Session {
    /// Connects once.
    pub(super) fn connect(
        options: &PgConnectOptions,
        cancel: &Cancel,
    ) -> Result<std::result::Result<Self, sqlx::Error>> {
        let runtime = network::runtime()?;
        let connect =
            async { tokio::time::timeout(Duration::from_secs(30), PgConnection::connect_with(options)).await };
        let connected = runtime.block_on(or_cancelled(cancel, connect))?;
        Ok(match connected {
            Ok(Ok(connection)) => {
                let (options, cancel, meter) = (options.clone(), cancel.clone(), Meter::default());
                meter.connected();
                let connection = Some(connection);
                let (process, failed, savepoint) = (None, false, false);
                Ok(Self { connection, runtime, options, process, cancel, meter, failed, savepoint })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        })
    }

    /// Another connection like this one.
    pub(super) fn another(&self) -> Result<std::result::Result<Self, sqlx::Error>> {
        let other = Self::connect(&self.options, &self.cancel)?;
        Ok(other.map(|other| other.counted_with(self)))
    }

    /// From now on what this connection does counts as work of `other`.
    pub(super) fn counted_with(mut self, other: &Self) -> Self {
        other.meter.add(&self.meter);
        self.meter = other.meter.clone();
        self
    }

    /// Lets the server notice by itself that this program is gone, also in the middle of a statement.
    pub(super) fn watch(&mut self) -> Result<()> {
        // A server on a system without this check refuses it; then a busy statement runs to its end.
        drop(self.attempt("SET client_connection_check_interval = '1s'")?);
        self.process = self.rows("SELECT pg_catalog.pg_backend_pid()")?.into_iter().flatten().flatten().next();
        Ok(())
    }

    /// Gives a connection up after an interruption. The closed socket alone would leave the server busy with the statement,
    /// and its locks held, until it next looks; a second connection ends it at once where one can be had.
    fn give_up(&self, connection: PgConnection) {
        if let Some(process) = &self.process {
            let end = async {
                let mut second = PgConnection::connect_with(&self.options).await?;
                let end = format!("SELECT pg_catalog.pg_terminate_backend({process})");
                raw_sql(AssertSqlSafe(end)).execute(&mut second).await?;
                second.close().await
            };
            drop(self.runtime.block_on(async { tokio::time::timeout(GRACE, end).await }));
        }
        drop(connection);
    }

    fn take(&mut self) -> Result<PgConnection> {
        // An interruption closes the connection; whoever asks afterwards hears of the interruption.
        self.cancel.check()?;
        self.meter.sent();
        self.connection.take().ok_or_else(explain::gone)
    }

    /// Closes the connection; the server undoes what was not committed.
    pub(super) fn leave(&mut self) {
        drop(self.connection.take());
    }

    /// Whether the connection is gone.
    pub(super) fn is_broken(&self) -> bool {
        self.connection.is_none()
    }

    /// Runs one or more statements; gives the number of rows they changed.
    pub(super) fn run(&mut self, text: &str) -> Result<u64> {
        self.attempt(text)?.map_err(|error| explain::statement(&error))
    }

    /// As [`run`](Self::run), with the driver's error for a caller that knows what to make of it.
    pub(super) fn attempt(&mut self, text: &str) -> Result<std::result::Result<u64, sqlx::Error>> {
        let statements = raw_sql(AssertSqlSafe(text.to_owned()));
        self.with(async |connection| Ok(statements.execute(connection).await?.rows_affected()))
    }

    /// Runs one or more statements; gives every row that they yield, as text, with the driver's error for a caller that knows what
    /// to make of it.
    pub(super) fn answers(&mut self, text: &str) -> Result<std::result::Result<Vec<TextRow>, sqlx::Error>> {
        let statements = raw_sql(AssertSqlSafe(text.to_owned()));
        self.with(async |connection| statements.fetch_all(connection).await?.iter().map(plain_row).collect())
    }

    /// Lends the connection to some work, and keeps it unless the work has broken it.
    fn with<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> std::result::Result<T, sqlx::Error>,
    ) -> Result<std::result::Result<T, sqlx::Error>> {
        let mut connection = self.take()?;
        let done = self.runtime.block_on(or_cancelled(&self.cancel, work(&mut connection)));
        self.failed |= !matches!(done, Ok(Ok(_)));
        let done = match done {
            Ok(done) => done,
            Err(interrupted) => {
                self.give_up(connection);
                return Err(interrupted);
            }
        };
        if done.as_ref().err().is_none_or(explain::is_survivable) {
            self.connection = Some(connection);
        }
        Ok(done)
    }

    /// Hands every row of a query to `each` as a line of COPY text.
    pub(super) fn copy_out(&mut self, query: &str, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut connection = self.take()?;
        let statement = format!("COPY ({query}\n) TO STDOUT");
        let cancel = self.cancel.clone();
        let work = async {
            let broken = |error: sqlx::Error| explain::statement(&error);
            let mut rows = connection.copy_out_raw(&statement).await.map_err(broken)?;
            while let Some(row) = rows.try_next().await.map_err(broken)? {
                each(&row)?;
            }
            Ok(())
        };
        let done = self.runtime.block_on(or_cancelled(&cancel, work)).and_then(|done| done);
        self.failed |= done.is_err();
        // After a COPY that was refused or not read to its end the driver is out of step with the server.
        match &done {
            Ok(()) => self.connection = Some(connection),
            Err(error) if error.kind() == Kind::Interrupted => self.give_up(connection),
            Err(_) => {}
        }
        done
    }

    /// Sends COPY text that `next` writes, piece by piece, until it writes nothing more. Gives the number of rows.
    pub(super) fn copy_in(&mut self, statement: &str, next: &mut dyn FnMut(&mut Vec<u8>) -> Result<()>) -> Result<u64> {
        let mut connection = self.take()?;
        let mut in_step = false;
        let work = async {
            let refused = |error: sqlx::Error| explain::statement(&error);
            let mut copy = connection.copy_in_raw(statement).await.map_err(refused)?;
            let mut buffer = Vec::new();
            loop {
                buffer.clear();
                next(&mut buffer)?;
                if buffer.is_empty() {
                    let done = copy.finish().await;
                    // The server's word at the end, whenever it was said: then nobody waits for more.
                    in_step = done.as_ref().err().is_none_or(explain::is_survivable);
                    return done.map_err(refused);
                }
                copy.send(buffer.as_slice()).await.map_err(refused)?;
            }
        };
        let done = self.runtime.block_on(or_cancelled(&self.cancel, work));
        self.failed |= !matches!(done, Ok(Ok(_)));
        match done {
            Ok(Ok(rows)) => {
                self.connection = Some(connection);
                Ok(rows)
            }
            // A COPY that was broken off leaves the driver out of step; the server waits for more and so notices.
            Ok(Err(error)) => {
                self.connection = in_step.then_some(connection);
                Err(error)
            }
            Err(interrupted) => {
                self.give_up(connection);
                Err(interrupted)
            }
        }
    }

    /// Commits. The one statement whose outcome can stay unknown, so an interruption waits for it a while.
    pub(super) fn commit(&mut self) -> Result<()> {
        let mut connection = self.take()?;
        let cancel = self.cancel.clone();
        let work = async {
            let mut commit = std::pin::pin!(raw_sql("COMMIT").execute(&mut connection));
            match or_cancelled(&cancel, commit.as_mut()).await {
                Ok(done) => Some(done),
                Err(_) => tokio::time::timeout(GRACE, commit).await.ok(),
            }
        };
        match self.runtime.block_on(work) {
            Some(Ok(_)) => self.connection = Some(connection),
            // The server's own word: it did not commit.
            Some(Err(error)) if explain::is_survivable(&error) => {
                self.connection = Some(connection);
                return Err(explain::statement(&error));
            }
            Some(Err(error)) => return Err(explain::in_doubt(Kind::Unreachable).caused_by(explain::statement(&error))),
            None => return Err(explain::in_doubt(Kind::Interrupted)),
        }
        Ok(())
    }

    /// All rows of a small query.
    pub(super) fn rows(&mut self, query: &str) -> Result<Vec<TextRow>> {
        let mut rows = Vec::new();
        self.copy_out(query, &mut |line| {
            rows.push(text_row(line)?);
            Ok(())
        })?;
        Ok(rows)
    }
}

/// A row of the simple protocol, whose cells are text.
fn plain_row(row: &PgRow) -> std::result::Result<TextRow, sqlx::Error> {
    (0..row.len())
        .map(|at| {
            let cell = row.try_get_raw(at)?;
            if cell.is_null() { Ok(None) } else { Ok(Some(cell.as_str().map_err(sqlx::Error::Decode)?.to_owned())) }
        })
        .collect()
}

fn text_row(mut line: &[u8]) -> Result<TextRow> {
    let mut row = Vec::new();
    loop {
        let mut bytes = Vec::new();
        let cell = match line {
            [b'\\', b'N', rest @ ..] => {
                line = rest;
                None
            }
            _ => {
                line = read_escaped(&mut bytes, line).map_err(Error::unreachable)?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
        };
        row.push(cell);
        match line {
            [b'\t', rest @ ..] => line = rest,
            _ => return Ok(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_cells() {
        let row = text_row(b"a\\tb\t\\N\t\t\\\\N\n").unwrap();
        assert_eq!(row, [Some("a\tb".to_owned()), None, Some(String::new()), Some("\\N".to_owned())]);
    }
}
