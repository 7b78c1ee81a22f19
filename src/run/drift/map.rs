//! `[restore.map]`: how rows of a snapshot go into tables of another shape, as the user says.

use crate::translate::{Cast as Narrowing, Given};

/// A name that the user wrote, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The name.
    pub name: String,
    /// `terp-fixtures.toml:12`.
    pub place: String,
}

/// What becomes of a value that the target's column may not hold as it is.
pub type Cast = Narrowing;

/// A value for where the snapshot has none.
pub type Value = Given;

/// How one table goes in.
#[derive(Debug, Clone, PartialEq)]
pub struct TableMap {
    /// The table as the snapshot calls it.
    pub table: Named,
    /// What the target calls it, where that is something else.
    pub to: Option<Named>,
    /// Columns as the snapshot calls them, and as the target does.
    pub rename: Vec<(Named, Named)>,
    /// Columns of the snapshot that are left out.
    pub drop: Vec<Named>,
    /// Columns of the target, and what they hold where the snapshot has nothing: no column, or NULL.
    pub default: Vec<(Named, Value)>,
    /// Columns of the snapshot whose values go into another type.
    pub cast: Vec<(Named, Cast)>,
    /// Columns of the snapshot, and other words for some of their values.
    pub labels: Vec<(Named, Vec<(String, String)>)>,
}

/// All of `[restore.map]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    /// One per table.
    pub tables: Vec<TableMap>,
}
