//! All rows of a run in memory, column by column, with who references whom.

use super::field::Subject;
use super::value::Value;
use crate::model::schema::Catalogue;
use crate::model::subset::Reference;

/// All rows.
#[derive(Debug)]
pub struct World<'a> {
    /// Whose rows they are.
    pub catalogue: &'a Catalogue,
    /// Every reference that was followed: foreign keys, and those that only the profile knows or that names tell.
    pub references: &'a [Reference],
    /// The tables, by index into the catalogue's.
    pub tables: Vec<Made>,
    /// Who is referenced, by index into `references`: for each row of the child the parent's row; none for NULL.
    pub parents: Vec<Vec<Option<u32>>>,
}

/// The rows of a table.
#[derive(Debug, Default)]
pub struct Made {
    /// How many.
    pub rows: usize,
    /// The cells, by column and row; generated columns have none.
    pub columns: Vec<Vec<Value>>,
    /// Whom each row is about.
    pub subjects: Vec<Subject>,
}

impl World<'_> {
    /// The cell.
    ///
    /// # Panics
    /// When the place lies outside of the world.
    #[must_use]
    pub fn cell(&self, table: usize, column: usize, row: usize) -> &Value {
        &self.tables[table].columns[column][row]
    }
}
