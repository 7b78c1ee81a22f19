//! The two sides of a reference as cells of a snapshot's rows, and prints that are the same where the database takes the
//! cells for equal.

use super::equal::Form;
use crate::model::batch::Batch;
use crate::model::schema::{Catalogue, Column, Table};
use crate::model::subset::Reference;
use siphasher::sip::SipHasher13;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// The cells of one side of a reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::run) struct Side {
    /// By position among the stored columns, and how each is compared.
    cells: Vec<(usize, Form)>,
    /// The type cell, and what it says in rows that count.
    of_type: Option<(usize, Vec<u8>)>,
}

/// Both sides of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Sides {
    /// In the referencing table.
    pub(in crate::run) child: Side,
    /// In the referenced table; without cells where that has no place in the snapshot.
    pub(in crate::run) parent: Side,
}

/// Makes prints of cells, keyed at random: they say nothing outside of one capture.
#[derive(Clone)]
pub(in crate::run) struct Prints {
    key: [u64; 2],
}

impl Default for Prints {
    fn default() -> Self {
        // What the standard library keys its maps with.
        Self { key: [(); 2].map(|()| RandomState::new().build_hasher().finish()) }
    }
}

impl Prints {
    /// Those of a capture that goes on.
    pub(in crate::run) fn keyed(key: [u64; 2]) -> Self {
        Self { key }
    }

    /// The key, for the journal only.
    pub(in crate::run) fn key(&self) -> [u64; 2] {
        self.key
    }

    /// The print of a row's key; none where a part of it is NULL or the row's type is another one.
    pub(in crate::run) fn of(&self, side: &Side, rows: &Batch, row: usize, buffer: &mut Vec<u8>) -> Option<u64> {
        if let Some((cell, value)) = &side.of_type {
            let cell = rows.cell(row, *cell);
            if cell.is_null() || cell.bytes != value {
                return None;
            }
        }
        if side.cells.iter().any(|(cell, _)| rows.cell(row, *cell).is_null()) {
            return None;
        }
        let mut hasher = SipHasher13::new_with_keys(self.key[0], self.key[1]);
        for (cell, form) in &side.cells {
            buffer.clear();
            form.append(rows.cell(row, *cell), buffer);
            hasher.write_usize(buffer.len());
            hasher.write(buffer);
        }
        Some(hasher.finish())
    }
}

impl Sides {
    /// The sides of a reference; none where a column is not stored or its text does not tell.
    pub(in crate::run) fn of(reference: &Reference, schema: &Catalogue) -> Option<Self> {
        let child = Stored::of(schema.table(&reference.child)?);
        let columns = child.cells(&reference.columns)?;
        let of_type = match &reference.of_type {
            Some(of) => Some((child.cell(&of.column)?, of.value.clone().into_bytes())),
            None => None,
        };
        // A table that the policy leaves out has no rows to be found.
        let parents: Vec<(usize, &Column)> = match schema.table(&reference.parent) {
            Some(parent) => {
                let parent = Stored::of(parent);
                parent.cells(&reference.parent_columns)?.into_iter().map(|cell| (cell, parent.column(cell))).collect()
            }
            None => Vec::new(),
        };
        let form = |(at, &cell): (usize, &usize)| {
            let own = child.column(cell);
            let parent = parents.get(at).map_or(own, |(_, column)| *column);
            Form::of(schema.engine, &schema.settings, parent, own)
        };
        let forms = columns.iter().enumerate().map(form).collect::<Option<Vec<Form>>>()?;
        let cells = parents.iter().map(|(cell, _)| *cell).zip(forms.iter().copied()).collect();
        let parent = Side { cells, of_type: None };
        Some(Self { child: Side { cells: columns.into_iter().zip(forms).collect(), of_type }, parent })
    }
}

/// The stored columns of a table.
struct Stored<'a> {
    table: &'a Table,
    stored: Vec<usize>,
}

impl<'a> Stored<'a> {
    fn of(table: &'a Table) -> Self {
        Self { table, stored: table.stored_columns() }
    }

    fn column(&self, cell: usize) -> &'a Column {
        &self.table.columns[self.stored[cell]]
    }

    fn cell(&self, name: &str) -> Option<usize> {
        (0..self.stored.len()).find(|&cell| self.column(cell).name == name)
    }

    fn cells(&self, names: &[String]) -> Option<Vec<usize>> {
        names.iter().map(|name| self.cell(name)).collect()
    }
}
