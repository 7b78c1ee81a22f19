//! How the sample's tables are described: engine-neutral, as static data.

use crate::model::schema::Action;

/// What a column of the sample holds. Each engine has its own name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A whole number of up to 64 bits.
    Integer,
    /// A whole number that the engine counts up itself, and never gives out twice.
    Counter,
    /// Binary floating point.
    Real,
    /// Text of at most so many characters.
    Text(u32),
    /// Text of any length.
    LongText,
    /// True or false.
    Boolean,
    /// A calendar date.
    Date,
    /// Date and time, without a zone.
    Timestamp,
    /// JSON.
    Json,
    /// Raw bytes.
    Blob,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct ColumnDef {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether every value occurs once.
    pub unique: bool,
    /// The default, as SQL that every engine takes.
    pub default: Option<&'static str>,
    /// The expression the engine computes it with. Such columns have no cell in [`super::SampleTable::rows`].
    pub generated: Option<&'static str>,
}

impl ColumnDef {
    /// A column that allows NULL.
    pub(super) const fn null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// A column with distinct values.
    pub(super) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// A column with a default.
    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// A column that the engine computes.
    pub(super) const fn computed(mut self, expression: &'static str) -> Self {
        self.generated = Some(expression);
        self
    }
}

/// A column of a kind, NOT NULL and with nothing else said about it.
pub(super) const fn column(name: &'static str, kind: ColumnType) -> ColumnDef {
    ColumnDef { name, kind, nullable: false, unique: false, default: None, generated: None }
}

/// A column of whole numbers.
pub(super) const fn int(name: &'static str) -> ColumnDef {
    column(name, ColumnType::Integer)
}

/// A column of text.
pub(super) const fn text(name: &'static str, length: u32) -> ColumnDef {
    column(name, ColumnType::Text(length))
}

/// A foreign key.
#[derive(Debug, Clone, Copy)]
pub struct KeyDef {
    /// Referencing columns.
    pub columns: &'static [&'static str],
    /// The referenced table.
    pub parent: &'static str,
    /// Referenced columns, same order.
    pub parent_columns: &'static [&'static str],
    /// On delete of the referenced row.
    pub on_delete: Action,
    /// Whether the key closes a cycle: rows go in with NULL, and the reference follows once its parent is there.
    pub closes_cycle: bool,
}

/// A reference of one column to the parent's `id`.
pub(super) const fn to(columns: &'static [&'static str], parent: &'static str, on_delete: Action) -> KeyDef {
    KeyDef { columns, parent, parent_columns: &["id"], on_delete, closes_cycle: false }
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub struct TableDef {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [ColumnDef],
    /// The primary key's columns; empty where the table has none.
    pub primary_key: &'static [&'static str],
    /// Foreign keys.
    pub foreign_keys: &'static [KeyDef],
    /// Sets of several columns that are unique together.
    pub uniques: &'static [&'static [&'static str]],
    /// CHECK expressions, as SQL that every engine takes.
    pub checks: &'static [&'static str],
    /// Secondary indexes, by their columns.
    pub indexes: &'static [&'static [&'static str]],
}

impl TableDef {
    /// The columns that rows have a cell for.
    pub fn stored(&self) -> Vec<&'static ColumnDef> {
        self.columns.iter().filter(|column| column.generated.is_none()).collect()
    }

    /// Whether the column closes a cycle, so that its value follows in an UPDATE.
    pub(super) fn is_late(&self, column: &str) -> bool {
        self.foreign_keys.iter().any(|key| key.closes_cycle && key.columns.contains(&column))
    }
}
