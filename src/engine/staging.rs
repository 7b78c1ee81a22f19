//! Staging places: where the rows of a large load gather, several connections at a time, until all of them are verified.
//!
//! A place lies beside the application's tables and under a name of this tool's own: a schema (PostgreSQL), a database (MySQL
//! and MariaDB), a file (SQLite). It outlives a killed process, so that the next run goes on where that one stopped. What is
//! in it becomes the target's in one commit, or never.

use super::Target;
use crate::error::Result;
use crate::model::schema::TableName;

/// A staging place that lies beside a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What tells it from the others: the key it was opened with.
    pub key: String,
    /// What it is called where it lies, for messages.
    pub name: String,
}

impl Place {
    /// Whether a name ends as that of a place does: others may have schemas, databases and files that only begin like one.
    pub(super) fn is_key(text: &str) -> bool {
        text.len() == 12 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

/// A connection into a staging place, or why there can be none.
pub type Stream = std::result::Result<Box<dyn Target>, &'static str>;

/// Statements that build what a load does better without, per table, in the order of their rounds.
pub type Rounds = Vec<Vec<String>>;

/// What a target does with its staging places. The first four are for the target itself, the others for a stream.
pub trait Staging {
    /// The places that are there.
    ///
    /// # Errors
    /// Kind `Unreachable` when it cannot be told.
    fn places(&mut self) -> Result<Vec<Place>>;

    /// Opens another connection, into the place of this key, which is made if it is missing. Its catalogue is that of the
    /// place, under the tables' final names.
    ///
    /// # Errors
    /// Kind `Unreachable` when the server cannot be asked.
    fn stream(&mut self, key: &str) -> Result<Stream>;

    /// Inside the open transaction: makes `tables` of the place the target's own, and what else is in it. The commit keeps
    /// them; without one the place is as it was.
    ///
    /// # Errors
    /// Kind `Rejected` when a name is taken or the place holds something else.
    fn swap_in(&mut self, key: &str, tables: &[TableName]) -> Result<()>;

    /// Removes a place with all that is in it; one that is not there is none.
    ///
    /// # Errors
    /// Kind `Rejected` when the account may not.
    fn remove_place(&mut self, key: &str) -> Result<()>;

    /// Of a stream, inside its open transaction: puts what that one made into the place, where it was not made there. Returns
    /// what it put off until the rows are in: in the first round a list of statements for each table, in the second foreign
    /// keys, one after the other.
    ///
    /// # Errors
    /// Kind `Rejected` when something cannot be moved.
    fn set_aside(&mut self) -> Result<[Rounds; 2]>;

    /// Of a stream: the name under which it finds a table of the place.
    fn aside(&self, table: &TableName) -> TableName;
}
