//! What is told of a rollback: by table, by foreign key, and of the whole. Counts, names and digests; never a cell.

use super::Strategy;
use crate::model::audit::Deed;
use crate::model::schema::TableName;

/// What a rollback did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run.
    pub run: String,
    /// What the target was taken for: `dev`, `staging` or `production`.
    pub environment: String,
    /// What became of the rows.
    pub strategy: Strategy,
    /// Whether the run stays, with the rows that were not asked for.
    pub partial: bool,
    /// What was done per table.
    pub tables: Vec<Taken>,
    /// Rows that hung on rows of the run, and what their foreign keys did to them.
    pub effects: Vec<Effect>,
    /// Tables of the run's making that were dropped.
    pub dropped: Vec<TableName>,
    /// The backup that was made first; none where none was asked for, or no row was touched.
    pub backup: Option<Saved>,
    /// What an audit trail says of it, with where the target's own chain stood.
    pub deed: Deed,
    /// How long it took.
    pub millis: u64,
}

impl Outcome {
    /// Rows of the run that were deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.tables.iter().map(|table| table.deleted).sum()
    }

    /// Previous rows that came back.
    #[must_use]
    pub fn put_back(&self) -> u64 {
        self.tables.iter().map(|table| table.put_back).sum()
    }

    /// Rows that stayed and are the database's own now.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.tables.iter().map(|table| table.kept).sum()
    }
}

/// What was done to one table of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The table.
    pub table: TableName,
    /// Rows of the run that were deleted.
    pub deleted: u64,
    /// Rows whose previous content came back.
    pub put_back: u64,
    /// Rows that stayed and are the database's own now.
    pub kept: u64,
    /// Order-independent digest of the keys of the rows that were deleted; of whole rows where the table has no key.
    pub keys: String,
    /// Rows of the run that were gone already.
    pub gone: u64,
    /// Whether rows that the restore had put in were edited since.
    pub edited: bool,
    /// Whether the table was emptied as a whole.
    pub truncated: bool,
}

/// What a foreign key does to rows that hang on rows that go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Does {
    /// They go too.
    Delete,
    /// Their reference becomes NULL.
    Null,
    /// Their reference becomes its default.
    Default,
    /// The rows that they hang on cannot go.
    Stop,
}

impl Does {
    /// Its word in answers: what became of the rows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "deleted",
            Self::Null => "set to null",
            Self::Default => "set to default",
            Self::Stop => "in the way",
        }
    }
}

/// Rows that hung on rows that went, along one foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Their table.
    pub table: TableName,
    /// The foreign key.
    pub key: String,
    /// The table that it references.
    pub parent: TableName,
    /// What it did.
    pub does: Does,
    /// How many rows.
    pub rows: u64,
    /// Order-independent digest of the keys of rows that were deleted; empty for others.
    pub keys: String,
}

/// The backup of the rows that a rollback touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The snapshot, `name@id`; none after a dry run.
    pub snapshot: Option<String>,
    /// Its rows.
    pub rows: u64,
    /// Whether ledgers listed the rows of the run, so that the backup comes back with that marker, too.
    pub by_ledger: bool,
}
