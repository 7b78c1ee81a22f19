//! All rows of a run in memory, column by column, with who references whom.

use super::cell::cell;
use super::field::Subject;
use super::value::Value;
use crate::engine::sql::Sql;
use crate::model::batch::{Batch, CellKind};
use crate::model::proof::Invented;
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

    /// The rows of a table as its engine would yield them: generated columns left out, in the order in which they were made.
    ///
    /// # Panics
    /// When there is no such table.
    pub fn batches(&self, table: usize) -> impl Iterator<Item = Batch> + '_ {
        let (own, made) = (&self.catalogue.tables[table], &self.tables[table]);
        let stored = own.stored_columns();
        let mut row = 0;
        std::iter::from_fn(move || {
            let mut batch = Batch::new(stored.len());
            while row < made.rows && !batch.is_full() {
                for &column in &stored {
                    cell(self.catalogue.engine, &own.columns[column], &made.columns[column][row], &mut batch);
                }
                row += 1;
            }
            (batch.rows() > 0).then_some(batch)
        })
    }

    /// A cell as a literal of the engine.
    #[must_use]
    pub fn literal(&self, table: usize, column: usize, row: usize) -> Sql {
        let (engine, own) = (self.catalogue.engine, &self.catalogue.tables[table].columns[column]);
        let (sql, value) = (Sql::new(engine), &self.tables[table].columns[column][row]);
        if let Value::Bytes(bytes) = value {
            return sql.bytes(bytes);
        }
        let mut batch = Batch::new(1);
        cell(engine, own, value, &mut batch);
        let made = batch.cell(0, 0);
        let text = String::from_utf8_lossy(made.bytes);
        match made.kind {
            CellKind::Null => sql.lit("NULL"),
            CellKind::Integer | CellKind::Real => sql.clone().number(&text).unwrap_or_else(|| sql.string(&text)),
            CellKind::Text | CellKind::Blob => sql.string(&text),
        }
    }

    /// Some rows of a table, likewise, with NULL in the columns `open`.
    #[must_use]
    pub fn invented_rows(&self, table: usize, rows: &[usize], open: &[usize]) -> Invented {
        let (own, made) = (&self.catalogue.tables[table], &self.tables[table]);
        let stored = own.stored_columns();
        let mut batch = Batch::new(stored.len());
        for (&row, &column) in rows.iter().flat_map(|row| stored.iter().map(move |column| (row, column))) {
            let value = if open.contains(&column) { &Value::Null } else { &made.columns[column][row] };
            cell(self.catalogue.engine, &own.columns[column], value, &mut batch);
        }
        Invented::vouch(batch)
    }

    /// The same, as rows that were read from no database.
    pub fn invented(&self, table: usize) -> impl Iterator<Item = Invented> + '_ {
        self.batches(table).map(Invented::vouch)
    }
}
