//! Floor 2: what a database does not declare: what its columns hold (`columns`), and references that are missing from the catalogue, from names, types and sampled
//! values, each with a confidence; nothing is decided here, a person pastes what is right into the policy.
//!
//! Names come first, because small numbers are in every table; values decide between candidates and veto. No value leaves
//! this part: results hold names, labels that the schema declares or that name a table, and counts.

mod columns;
mod composite;
mod indexes;
mod labels;
mod names;
mod naming;
mod polymorphic;
mod references;
mod sample;
mod schema;
#[cfg(test)]
mod tests;
mod vocabulary;

pub use columns::columns;
pub use naming::Naming;
pub use references::{by_name, references};
pub use sample::Overlap;

use crate::model::schema::{Table, TableName};

/// A reference that the policy has already, as it names it.
#[derive(Debug, Clone)]
pub struct KnownReference {
    /// The referencing table.
    pub table: String,
    /// Its columns.
    pub columns: Vec<String>,
}

impl KnownReference {
    fn covers(&self, table: &Table, column: &str) -> bool {
        let named = self.table.to_lowercase();
        let is_table = table.name.name.to_lowercase() == named || table.name.to_string().to_lowercase() == named;
        is_table && self.columns.iter().any(|own| own.eq_ignore_ascii_case(column))
    }
}

/// A reference that the database does not declare, as it seems.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The referencing table.
    pub table: TableName,
    /// Its columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub parent: TableName,
    /// The referenced columns, in the same order.
    pub parent_columns: Vec<String>,
    /// Whether those are the whole primary key, in its order.
    pub is_primary: bool,
    /// How sure it is, of 100.
    pub confidence: u32,
    /// How sure names and types alone make it.
    pub by_name: u32,
    /// What the name says.
    pub naming: Naming,
    /// The types of the referencing columns.
    pub types: Vec<String>,
    /// What the values say. None where no sampled row has any.
    pub overlap: Option<Overlap>,
    /// Whether an index or key begins with the first referencing column.
    pub is_indexed: bool,
    /// Other tables that fit as well.
    pub rivals: Vec<TableName>,
}

/// A label of a type column and the table that it seems to name.
#[derive(Debug, Clone)]
pub struct Kind {
    /// The label.
    pub label: String,
    /// The table.
    pub parent: TableName,
    /// Whether the ids of rows with this label are in that table. None where no sampled row has it.
    pub overlap: Option<Overlap>,
}

/// An id that refers to another table in each row, as a second column says.
#[derive(Debug, Clone)]
pub struct Polymorphic {
    /// The referencing table.
    pub table: TableName,
    /// The column that names the table.
    pub type_column: String,
    /// The column with the id.
    pub id_column: String,
    /// How sure it is, of 100.
    pub confidence: u32,
    /// Labels with their tables.
    pub map: Vec<Kind>,
    /// Labels that the schema declares, without a table of that name.
    pub open: Vec<String>,
    /// How many other values there are in the sampled rows.
    pub further: usize,
    /// Whether an index or key begins with one of the two columns.
    pub is_indexed: bool,
}

/// Everything that was found, ordered by table and columns.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// References.
    pub references: Vec<Proposal>,
    /// Polymorphic references.
    pub polymorphic: Vec<Polymorphic>,
    /// Tables that were searched.
    pub tables: usize,
}
