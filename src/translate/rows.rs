//! Batches of rows on their way to another engine.

use super::cells::{Change, Conversion};
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use crate::model::proof::Masked;
use crate::model::schema::TableName;
use std::sync::atomic::{AtomicU64, Ordering};

/// Converts the rows of one table.
#[derive(Debug)]
pub struct Rows {
    pub(super) table: TableName,
    /// Per cell: the column's name and its conversion.
    pub(super) columns: Vec<(String, Conversion)>,
    /// Whether values may be changed.
    pub(super) allow_lossy: bool,
    pub(super) changed: AtomicU64,
}

/// Cells that do not fit: their row, from 0, their column, and the reason.
pub type Unfit = Vec<(usize, String, &'static str)>;

/// A cell that does not fit.
struct Misfit {
    row: usize,
    column: usize,
    why: &'static str,
    /// Whether --allow-lossy would let it pass.
    passable: bool,
}

impl Rows {
    /// Converts rows whose first one has the ordinal `first_row`.
    ///
    /// # Errors
    /// Kind `Rejected`, naming the first place and counting the others, when cells do not fit the target; kind `Internal`
    /// when the rows have another shape.
    pub fn convert(&self, rows: Masked, first_row: u64) -> Result<Masked> {
        let (rows, misfits) = self.converted(rows)?;
        match misfits.first() {
            None => Ok(rows),
            Some(first) => Err(self.refused(first_row + first.row as u64, first, &misfits)),
        }
    }

    /// Converts rows, and names the cells that do not fit, in order: their row, from 0, their column and the reason. NULL
    /// stands in their places.
    ///
    /// # Errors
    /// Kind `Internal` when the rows have another shape.
    pub fn convert_what_fits(&self, rows: Masked) -> Result<(Masked, Unfit)> {
        let (rows, misfits) = self.converted(rows)?;
        let named = |misfit: Misfit| (misfit.row, self.columns[misfit.column].0.clone(), misfit.why);
        Ok((rows, misfits.into_iter().map(named).collect()))
    }

    fn converted(&self, rows: Masked) -> Result<(Masked, Vec<Misfit>)> {
        let rows = rows.into_batch();
        if rows.columns() != self.columns.len() {
            return Err(Error::internal(format!("rows of {} have another shape than their columns", self.table)));
        }
        let mut batch = Batch::new(rows.columns());
        batch.arena().reserve(rows.len_bytes() + rows.len_bytes() / 8);
        let (mut scratch, mut misfits) = (Vec::new(), Vec::new());
        for row in 0..rows.rows() {
            for (column, (_, conversion)) in self.columns.iter().enumerate() {
                let start = batch.len_bytes();
                let kind = match conversion.convert(rows.cell(row, column), &mut scratch, batch.arena()) {
                    Ok((kind, Change::None)) => kind,
                    Ok((kind, Change::Changed(_))) if self.allow_lossy => {
                        self.changed.fetch_add(1, Ordering::Relaxed);
                        kind
                    }
                    Ok((kind, Change::Changed(why))) => {
                        misfits.push(Misfit { row, column, why, passable: true });
                        kind
                    }
                    Err(why) => {
                        misfits.push(Misfit { row, column, why, passable: false });
                        batch.arena().truncate(start);
                        CellKind::Null
                    }
                };
                batch.end_cell(kind);
            }
        }
        Ok((Masked::vouch(batch), misfits))
    }

    fn refused(&self, row: u64, first: &Misfit, misfits: &[Misfit]) -> Error {
        let (name, why) = (self.columns[first.column].0.escape_debug(), first.why);
        let count = misfits.len();
        let what = format!("column {name}, row {row}: {why} ({count} such cells in this batch)");
        Error::rejected(what).hint(if misfits.iter().all(|misfit| misfit.passable) {
            "Add --allow-lossy to let such values change (they are rounded, or become NULL), or mask the column."
        } else {
            "Mask the column when capturing, or give the target a column that holds it."
        })
    }

    /// How many cells were changed so far.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }
}
