//! What a subset is made of, as plain data: references between tables, and what the policy says about following them.
//! `docs/subset.md` describes how they are followed.

use super::schema::{Catalogue, TableName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A reference between two tables: a foreign key, or one that only the policy knows.
///
/// Part of the manifest (see `docs/format.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The constraint's name, or one made of table and columns where the database does not declare it.
    pub name: String,
    /// The referencing table.
    pub child: TableName,
    /// Its columns. A row with NULL in one of them references nothing.
    pub columns: Vec<String>,
    /// The referenced table.
    pub parent: TableName,
    /// The referenced columns, same order.
    pub parent_columns: Vec<String>,
    /// A polymorphic reference: it counts only in rows whose type column says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_type: Option<OfType>,
    /// Whether only the policy knows it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undeclared: bool,
}

/// Which rows of a table a polymorphic reference speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfType {
    /// The type column.
    pub column: String,
    /// What it says in those rows, as the policy's `map` has it.
    pub value: String,
}

/// `orders.client_id -> clients.id`, with `[type = Order]` behind a polymorphic one.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| match names {
            [one] => one.escape_debug().to_string(),
            all => {
                format!("({})", all.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", "))
            }
        };
        write!(f, "{}.{} -> {}.{}", self.child, names(&self.columns), self.parent, names(&self.parent_columns))?;
        match &self.of_type {
            Some(of) => write!(f, " [{} = {}]", of.column.escape_debug(), of.value.escape_debug()),
            None => Ok(()),
        }
    }
}

/// Whose children are followed. Parents are always taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Children {
    /// Nobody's: root rows and their parents only.
    None,
    /// Those of root rows, and theirs in turn; not those of rows that are there only as parents.
    #[default]
    Down,
    /// Those of every row.
    All,
}

impl Children {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::None, Self::Down, Self::All];

    /// The word in the policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Down => "down",
            Self::All => "all",
        }
    }
}

/// A column to order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    /// The column.
    pub column: String,
    /// From the highest value down.
    pub descending: bool,
}

/// Rows that a subset begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The table.
    pub table: TableName,
    /// A validated condition in SQL.
    pub condition: Option<String>,
    /// At most this many rows.
    pub limit: Option<u64>,
    /// This share of the rows, in millionths, chosen by a keyed hash of their keys.
    pub share: Option<u32>,
    /// Which rows come first where `limit` leaves some out.
    pub order: Vec<OrderBy>,
}

/// What the policy says about following one reference to the children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Whether children are taken along it.
    pub follow: bool,
    /// At most this many children of each parent row.
    pub limit: Option<u64>,
    /// Only children for which this validated condition holds.
    pub condition: Option<String>,
    /// Which children come first where `limit` leaves some out.
    pub order: Vec<OrderBy>,
}

impl Default for Edge {
    fn default() -> Self {
        Self { follow: true, limit: None, condition: None, order: Vec::new() }
    }
}

/// What a capture takes of a database, beside the modes of its tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subset {
    /// Every reference that must hold in the snapshot: foreign keys first, then the policy's own.
    pub references: Vec<Reference>,
    /// How each of them is followed, same order.
    pub edges: Vec<Edge>,
    /// Where to begin. None: every row of every table is taken.
    pub roots: Vec<Root>,
    /// Whose children are followed.
    pub children: Children,
    /// How many references to children may lie between a root and a row; none: any number.
    pub depth: Option<u8>,
    /// Tables that are taken whole.
    pub whole: Vec<TableName>,
}

/// The references that a database declares: its foreign keys, by table.
#[must_use]
pub fn declared(catalogue: &Catalogue) -> Vec<Reference> {
    let keys = catalogue.tables.iter().flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)));
    let reference = keys.map(|(table, key)| Reference {
        name: key.name.clone(),
        child: table.name.clone(),
        columns: key.columns.clone(),
        parent: key.parent.clone(),
        parent_columns: key.parent_columns.clone(),
        of_type: None,
        undeclared: false,
    });
    reference.collect()
}
