//! Where a target's schema is another than a snapshot's, as plain data.

use super::schema::TableName;

/// What of a table differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The target has no such table.
    MissingTable,
    /// The target has no such column.
    MissingColumn,
    /// Only the target has the column.
    ExtraColumn,
    /// The column's type.
    Type,
    /// The labels that the column may hold.
    Labels,
    /// Whether NULL is allowed.
    Nullability,
    /// Whether the engine computes the column.
    Generated,
    /// How texts of the column compare.
    Collation,
    /// The primary key.
    PrimaryKey,
    /// A unique constraint.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// A CHECK.
    Check,
}

impl Aspect {
    /// A word or two for tables and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::MissingTable => "missing table",
            Self::MissingColumn => "missing column",
            Self::ExtraColumn => "extra column",
            Self::Type => "type",
            Self::Labels => "labels",
            Self::Nullability => "nullability",
            Self::Generated => "generated",
            Self::Collation => "collation",
            Self::PrimaryKey => "primary key",
            Self::Unique => "unique",
            Self::ForeignKey => "foreign key",
            Self::Check => "check",
        }
    }
}

/// What follows from a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The restore stops; this is what to do.
    Refused(String),
    /// It goes on, and this is why it may.
    Tolerated(String),
    /// Only the rows can tell: whether the column holds NULL.
    Open,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table, as the target calls it.
    pub table: TableName,
    /// The column or columns, as the target calls them; none where it is about the whole table.
    pub columns: Vec<String>,
    /// What differs.
    pub aspect: Aspect,
    /// What the snapshot has; empty where it has nothing.
    pub snapshot: String,
    /// What the target has; empty where it has nothing.
    pub target: String,
    /// What follows.
    pub verdict: Verdict,
    /// What the target probably calls it: a table or a column.
    pub renamed: Option<String>,
}

impl Difference {
    /// Whether it stops the restore.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.verdict, Verdict::Refused(_))
    }

    /// What to do, or why nothing needs to be done.
    #[must_use]
    pub fn advice(&self) -> &str {
        match &self.verdict {
            Verdict::Refused(text) | Verdict::Tolerated(text) => text,
            Verdict::Open => "",
        }
    }

    /// The columns in one text.
    #[must_use]
    pub fn place(&self) -> String {
        self.columns.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
    }
}
