//! One connection behind blocking calls. A connection that may be out of step is closed and never used again.

use super::explain;
use crate::engine::meter::Meter;
use crate::engine::network::{self, or_cancelled};
use crate::error::{Error, Result};
use crate::event::Cancel;
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Opts, Row, Value};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;

/// A row of texts.
pub(super) type TextRow = Vec<Option<String>>;

/// The collation of raw bytes.
const BINARY: u16 = 63;

/// A connection and the runtime that drives it.
pub(super) struct Session {
    connection: Option<Conn>,
    options: Opts,
    runtime: Runtime,
    /// Stops every call.
    pub(super) cancel: Cancel,
    /// Counts every call.
    pub(super) meter: Meter,
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // A goodbye lets the server free locks at once. Without it the closed socket tells the same.
            let close = async { tokio::time::timeout(Duration::from_secs(1), connection.disconnect()).await };
            drop(self.runtime.block_on(close));
        }
    }
}

impl Session {
    /// Connects once.
    pub(super) fn connect(options: &Opts, cancel: &Cancel) -> Result<std::result::Result<Self, mysql_async::Error>> {
        let runtime = network::runtime()?;
        let connect = async { tokio::time::timeout(Duration::from_secs(30), Conn::new(options.clone())).await };
        let connected = runtime.block_on(or_cancelled(cancel, connect))?;
        Ok(match connected {
            Ok(Ok(connection)) => {
                let (options, cancel, meter) = (options.clone(), cancel.clone(), Meter::default());
                meter.connected();
                Ok(Self { connection: Some(connection), options, runtime, cancel, meter })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        })
    }

    /// Another connection like this one, which `cancel` stops.
    pub(super) fn another(&self, cancel: &Cancel) -> Result<Self> {
        let mut other = Self::connect(&self.options, cancel)?.map_err(|error| explain::statement(&error))?;
        self.meter.add(&other.meter);
        other.meter = self.meter.clone();
        Ok(other)
    }

    /// The server's number of this connection.
    pub(super) fn id(&self) -> Option<u32> {
        self.connection.as_ref().map(Conn::id)
    }

    /// Whether the connection is gone.
    pub(super) fn is_broken(&self) -> bool {
        self.connection.is_none()
    }

    /// Does something with the connection, which is kept only if it is sure to be in step afterwards.
    fn with<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Conn) -> std::result::Result<T, Failure>,
    ) -> Result<std::result::Result<T, mysql_async::Error>> {
        let mut connection = self.connection.take().ok_or_else(explain::gone)?;
        self.meter.sent();
        let id = connection.id();
        let done = self.runtime.block_on(or_cancelled(&self.cancel, work(&mut connection)));
        match done {
            Ok(Ok(done)) => {
                self.connection = Some(connection);
                Ok(Ok(done))
            }
            Ok(Err(Failure::Server(error))) => {
                if !error.is_fatal() && !explain::is_lost(&error) && !connection.is_disconnected() {
                    self.connection = Some(connection);
                }
                Ok(Err(error))
            }
            Ok(Err(Failure::Caller(error))) => {
                self.end(id);
                Err(error)
            }
            Err(cancelled) => {
                self.end(id);
                Err(cancelled)
            }
        }
    }

    /// Ends a connection of ours at the server, which would not notice before the statement's end that nobody waits.
    fn end(&self, id: u32) {
        let kill = async {
            let mut other = Conn::new(self.options.clone()).await?;
            other.query_drop(format!("KILL {id}")).await?;
            other.disconnect().await
        };
        // Best effort: the closed socket ends the connection too, only later.
        drop(self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(2), kill).await }));
    }

    /// Runs one or more statements; gives the number of rows they changed.
    pub(super) fn run(&mut self, text: &str) -> Result<u64> {
        self.attempt(text)?.map_err(|error| explain::statement(&error))
    }

    /// As [`run`](Self::run), with the driver's error for a caller that knows what to make of it.
    pub(super) fn attempt(&mut self, text: &str) -> Result<std::result::Result<u64, mysql_async::Error>> {
        self.with(async |connection| {
            let result = connection.query_iter(text).await?;
            let changed = result.affected_rows();
            result.drop_result().await?;
            Ok(changed)
        })
    }

    /// Hands every row of a query to `each`, with a flag per column that says whether it holds raw bytes.
    pub(super) fn stream(&mut self, query: &str, each: &mut dyn FnMut(&[bool], Row) -> Result<()>) -> Result<()> {
        let done = self.with(async |connection| {
            let mut result = connection.query_iter(query).await?;
            let bytes: Vec<bool> = result.columns_ref().iter().map(is_bytes).collect();
            while let Some(row) = result.next().await? {
                each(&bytes, row).map_err(Failure::Caller)?;
            }
            result.drop_result().await?;
            Ok(())
        });
        done?.map_err(|error| explain::statement(&error))
    }

    /// Which columns of a query hold raw bytes. The query should yield no rows.
    pub(super) fn byte_columns(&mut self, query: &str) -> Result<Vec<bool>> {
        let done = self.with(async |connection| {
            let result = connection.query_iter(query).await?;
            let bytes = result.columns_ref().iter().map(is_bytes).collect();
            result.drop_result().await?;
            Ok(bytes)
        });
        done?.map_err(|error| explain::statement(&error))
    }

    /// Runs a statement that may hold any bytes.
    pub(super) fn run_bytes(&mut self, statement: &[u8]) -> Result<u64> {
        let done = self.with(async |connection| {
            let result = connection.query_iter(statement).await?;
            let changed = result.affected_rows();
            result.drop_result().await?;
            Ok(changed)
        });
        done?.map_err(|error| explain::statement(&error))
    }

    /// Runs a LOAD DATA LOCAL statement that reads `data` as it comes, until its other end is gone.
    pub(super) fn load(
        &mut self,
        statement: &str,
        data: Receiver<Vec<u8>>,
    ) -> Result<std::result::Result<Loaded, mysql_async::Error>> {
        self.with(async |connection| {
            let data = futures_util::stream::unfold(data, async |mut data| Some((Ok(data.recv().await?.into()), data)));
            connection.set_infile_handler(async move { Ok(Box::pin(data) as mysql_async::InfileData) });
            let result = connection.query_iter(statement).await?;
            let loaded = Loaded { changed: result.affected_rows(), warnings: result.warnings() };
            result.drop_result().await?;
            Ok(loaded)
        })
    }

    /// All rows of a small query.
    pub(super) fn rows(&mut self, query: &str) -> Result<Vec<TextRow>> {
        let mut rows = Vec::new();
        self.stream(query, &mut |_, row| {
            rows.push(texts(row));
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs statements that stand behind each other with `;` between, and gives what each of them answered.
    pub(super) fn batch(&mut self, text: &str) -> Result<std::result::Result<Vec<Answer>, mysql_async::Error>> {
        // The driver does not tell the end from a last statement without rows, so one with rows comes last.
        let text = format!("{text}\n;SELECT 1");
        self.with(async |connection| {
            let mut result = connection.query_iter(text).await?;
            let mut answers = Vec::new();
            while !result.is_empty() {
                let mut answer = Answer { changed: result.affected_rows(), rows: Vec::new() };
                while let Some(row) = result.next().await? {
                    answer.rows.push(texts(row));
                }
                answers.push(answer);
            }
            // A statement that failed shows only now.
            result.drop_result().await?;
            answers.pop();
            Ok(answers)
        })
    }

    /// The one text that a query yields.
    pub(super) fn text(&mut self, query: &str) -> Result<Option<String>> {
        Ok(self.rows(query)?.into_iter().flatten().next().flatten())
    }
}

fn texts(row: Row) -> TextRow {
    let text = |value: Value| match value {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::NULL => None,
        other => Some(other.as_sql(true)),
    };
    row.unwrap_raw().into_iter().map(|cell| cell.and_then(text)).collect()
}

/// What one statement of several answered.
pub(super) struct Answer {
    /// Rows it changed.
    pub(super) changed: u64,
    /// Rows it gave.
    pub(super) rows: Vec<TextRow>,
}

/// What LOAD DATA did.
pub(super) struct Loaded {
    /// Rows put in.
    pub(super) changed: u64,
    /// Warnings raised.
    pub(super) warnings: u16,
}

/// Whether a column of a result holds raw bytes, which are no text in any character set.
fn is_bytes(column: &Column) -> bool {
    use ColumnType::{
        MYSQL_TYPE_BIT, MYSQL_TYPE_BLOB, MYSQL_TYPE_GEOMETRY, MYSQL_TYPE_LONG_BLOB, MYSQL_TYPE_MEDIUM_BLOB,
        MYSQL_TYPE_STRING, MYSQL_TYPE_TINY_BLOB, MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_VARCHAR, MYSQL_TYPE_VECTOR,
    };
    match column.column_type() {
        MYSQL_TYPE_BIT | MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => true,
        MYSQL_TYPE_STRING
        | MYSQL_TYPE_VAR_STRING
        | MYSQL_TYPE_VARCHAR
        | MYSQL_TYPE_TINY_BLOB
        | MYSQL_TYPE_BLOB
        | MYSQL_TYPE_MEDIUM_BLOB
        | MYSQL_TYPE_LONG_BLOB => column.character_set() == BINARY && column.flags().contains(ColumnFlags::BINARY_FLAG),
        _ => false,
    }
}

/// Why work with a connection ended.
enum Failure {
    /// The server or the connection.
    Server(mysql_async::Error),
    /// The one who takes the rows; the rest of them is still on its way.
    Caller(Error),
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        Self::Server(error)
    }
}
