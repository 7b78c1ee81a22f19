//! Batches of rows on their way to columns of another engine, or of another shape.

use super::cells::{Change, Conversion};
use crate::error::{Error, Result};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::proof::Masked;
use crate::model::schema::TableName;
use std::sync::atomic::{AtomicU64, Ordering};

/// What becomes of a value that the target's column cannot hold as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// It is refused.
    Exact,
    /// It is cut to what the column holds: texts to its length, times to its digits or the day.
    Truncate,
}

/// A value that the user gives in place of one that the snapshot does not have.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// A text, a date, a label.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// True or false.
    Boolean(bool),
}

impl Given {
    /// The value as a cell without a type.
    pub(super) fn cell(&self) -> (CellKind, String) {
        match self {
            Self::Text(text) => (CellKind::Text, text.clone()),
            Self::Integer(number) => (CellKind::Integer, number.to_string()),
            Self::Real(number) => (CellKind::Real, format!("{number:?}")),
            Self::Boolean(yes) => (CellKind::Integer, u8::from(*yes).to_string()),
        }
    }
}

/// Where the cells of a target's column come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The column as the target calls it.
    pub column: String,
    /// ... and as the snapshot does; none where it has no such column.
    pub from: Option<String>,
    /// What stands in for NULL, and for a column that the snapshot does not have.
    pub given: Option<Given>,
    /// Other words for some values.
    pub labels: Vec<(String, String)>,
    /// How values go into the target's type, where the user has said so.
    pub cast: Option<Cast>,
}

impl Piece {
    /// A column that both sides call the same.
    #[must_use]
    pub fn plain(column: &str) -> Self {
        let column = column.to_owned();
        Self { from: Some(column.clone()), column, given: None, labels: Vec::new(), cast: None }
    }
}

/// What is done to a cell.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Nothing: the target prints such values in the same way.
    Copy,
    /// It becomes the target's text for it.
    Convert(Conversion),
    /// ... as the user has said.
    Cast(Conversion, Cast),
}

/// One cell of each row.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) piece: Piece,
    /// The place of the captured cell.
    pub(super) at: Option<usize>,
    pub(super) way: Way,
    /// The cell of `piece.given`.
    pub(super) given: Option<(CellKind, Vec<u8>)>,
    /// The most characters, where a text is cut.
    pub(super) most: Option<usize>,
}

/// Converts the rows of one table.
#[derive(Debug)]
pub struct Rows {
    pub(super) table: TableName,
    /// Cells of a captured row.
    pub(super) captured: usize,
    /// Cells of a row of the target.
    pub(super) cells: Vec<Made>,
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

impl Made {
    /// Appends the cell to `arena`.
    fn make(
        &self,
        rows: &Batch,
        row: usize,
        scratch: &mut Vec<u8>,
        arena: &mut Vec<u8>,
    ) -> std::result::Result<(CellKind, Change), &'static str> {
        let cell = self.at.map_or(Cell::NULL, |at| rows.cell(row, at));
        if cell.is_null() {
            let Some((kind, bytes)) = &self.given else { return Ok((CellKind::Null, Change::None)) };
            arena.extend_from_slice(bytes);
            return Ok((*kind, Change::None));
        }
        let other = self.piece.labels.iter().find(|(label, _)| label.as_bytes() == cell.bytes);
        let cell = other.map_or(cell, |(_, other)| Cell::text(other));
        let start = arena.len();
        let made = match &self.way {
            Way::Copy => {
                arena.extend_from_slice(cell.bytes);
                Ok((cell.kind, Change::None))
            }
            Way::Convert(conversion) => conversion.convert(cell, scratch, arena),
            Way::Cast(conversion, cast) => conversion.cast(cell, *cast, scratch, arena),
        };
        if let (Ok((CellKind::Text, _)), Some(most)) = (&made, self.most) {
            cut(arena, start, most);
        }
        made
    }
}

/// Keeps the first `most` characters of the text from `start` on.
fn cut(arena: &mut Vec<u8>, start: usize, most: usize) {
    let is_start = |byte: u8| byte & 0xc0 != 0x80;
    let end = arena[start..].iter().enumerate().filter(|(_, byte)| is_start(**byte)).nth(most).map(|(at, _)| at);
    if let Some(end) = end {
        arena.truncate(start + end);
    }
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
        let named = |misfit: Misfit| (misfit.row, self.cells[misfit.column].piece.column.clone(), misfit.why);
        Ok((rows, misfits.into_iter().map(named).collect()))
    }

    fn converted(&self, rows: Masked) -> Result<(Masked, Vec<Misfit>)> {
        let rows = rows.into_batch();
        if rows.columns() != self.captured {
            return Err(Error::internal(format!("rows of {} have another shape than their columns", self.table)));
        }
        let mut batch = Batch::new(self.cells.len());
        batch.arena().reserve(rows.len_bytes() + rows.len_bytes() / 8);
        let (mut scratch, mut misfits) = (Vec::new(), Vec::new());
        for row in 0..rows.rows() {
            for (column, made) in self.cells.iter().enumerate() {
                let start = batch.len_bytes();
                let kind = match made.make(&rows, row, &mut scratch, batch.arena()) {
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
        let piece = &self.cells[first.column].piece;
        let (name, why, count) = (piece.column.escape_debug(), first.why, misfits.len());
        let what = format!("column {name}, row {row}: {why} ({count} such cells in this batch)");
        Error::rejected(what).hint(match (piece.cast, misfits.iter().all(|misfit| misfit.passable)) {
            (Some(_), _) => {
                "Change the target's column, or what [restore.map] says of it: truncate cuts what is too long, labels give other words."
            }
            (None, true) => "Add --allow-lossy to let such values change (they are rounded, or become NULL), or mask the column.",
            (None, false) => "Mask the column when capturing, or give the target a column that holds it.",
        })
    }

    /// How many cells were changed so far.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }
}
