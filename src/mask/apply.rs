//! The only door from [`Batch`] to [`Masked`]: rows go through the masks of their columns, and what a column does not take
//! goes nowhere.

use super::definition::{Definition, Determinism, Scan};
use super::params::Params;
use super::repeats::Repeats;
use super::{Answer, Fit, Known, Mask, Misfit, Row, Site, Written};
use crate::error::{Error, Result};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::proof::Masked;
use crate::model::schema::TableName;
use std::fmt;

/// A mask at work on one column.
pub struct ColumnMask {
    /// The column as the catalogue spells it.
    pub column: String,
    /// The mask's name.
    pub name: &'static str,
    /// What the mask is.
    pub definition: &'static Definition,
    /// The mask, built for the column.
    pub mask: Box<dyn Mask>,
    /// The cell of the row that keys the mask instead of the cell itself, by index into the row.
    pub subject: Option<usize>,
    /// The cell of the row that is `0` where the condition of the mask does not hold, by index into the row.
    pub when: Option<usize>,
    /// The mask where the condition does not hold; without one such cells are kept.
    pub otherwise: Option<Box<ColumnMask>>,
    /// The domain whose key the mask uses; empty for masks without a key.
    pub domain: String,
    /// How the leak scan looks for the column's originals.
    pub scan: Scan,
    /// The parameters as given, for manifest and review.
    pub params: Params,
    /// What the column takes.
    pub fit: Fit,
}

/// Shows the decision, not the key inside the mask.
impl fmt::Debug for ColumnMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.column.escape_debug(), self.name)
    }
}

impl ColumnMask {
    /// Builds `definition` for one column.
    ///
    /// # Errors
    /// Kind `Policy` when the mask cannot do its work there: column too short, unique, not nullable.
    pub fn build(definition: &'static Definition, column: &str, site: &Site, params: Params) -> Result<Self> {
        Ok(Self {
            column: column.to_owned(),
            name: definition.name,
            definition,
            mask: (definition.build)(site, &params)?,
            subject: None,
            when: None,
            otherwise: None,
            domain: String::new(),
            scan: (definition.scan)(&params),
            params,
            fit: Fit::default(),
        })
    }

    /// The mask of this column in a row of unmasked cells; none where the cell is kept.
    #[must_use]
    pub fn in_row(&self, batch: &Batch, row: usize) -> Option<&Self> {
        let decided = match self.when {
            Some(at) if batch.cell(row, at).bytes == b"0" => self.otherwise.as_deref(),
            _ => Some(self),
        };
        decided.filter(|column| !column.definition.keeps_original)
    }

    /// Whether originals of the column may be written.
    #[must_use]
    pub fn keeps_some(&self) -> bool {
        let keeps = |column: &Self| column.definition.keeps_original;
        keeps(self) || self.when.is_some() && self.otherwise.as_deref().is_none_or(keeps)
    }

    fn is_empty(&self, cell: Cell<'_>) -> bool {
        cell.bytes.is_empty() && !self.definition.takes_empty
    }
}

/// Rows to mask and what is known about them.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The table, for messages.
    pub table: &'a TableName,
    /// One mask per cell that goes on.
    pub columns: &'a [ColumnMask],
    /// Cells behind those, which only masks look at: conditions and subjects from elsewhere.
    pub extras: usize,
    /// The ordinal of the first row.
    pub first: u64,
    /// What the capture has learned.
    pub known: &'a Known,
}

/// Masks the rows of `batch` column by column.
///
/// NULL stays NULL and the empty text stays empty, unless the mask says that it replaces those too.
///
/// # Errors
/// Kind `Policy`, naming table, column and row, when a cell does not fit; kind `Internal` when the batch has another
/// number of columns.
pub fn apply(rows: Rows<'_>, batch: Batch) -> Result<Masked> {
    let columns = rows.columns;
    if batch.columns() != columns.len() + rows.extras {
        let (table, cells, masks) = (rows.table, batch.columns(), columns.len());
        return Err(Error::internal(format!("table {table}: rows of {cells} cells met {masks} masks")));
    }
    if rows.extras == 0 && columns.iter().all(|column| column.definition.keeps_original) {
        return Ok(Masked::vouch(batch));
    }
    let mut answers = Vec::with_capacity(columns.len());
    for at in 0..columns.len() {
        answers.push(ask_many(&rows, &batch, at)?.map(Vec::into_iter));
    }
    let mut masked = Batch::new(columns.len());
    masked.arena().reserve(batch.len_bytes() + batch.len_bytes() / 4);
    let mut repeats: Vec<Repeats> = columns.iter().map(|_| Repeats::default()).collect();
    for row in 0..batch.rows() {
        for (at, column) in columns.iter().enumerate() {
            let cell = batch.cell(row, at);
            let Some(decided) = column.in_row(&batch, row).filter(|column| !column.is_empty(cell)) else {
                masked.push(cell);
                continue;
            };
            if decided.definition.after {
                masked.push(Cell::NULL);
                continue;
            }
            let repeating = column.when.is_none() && decided.definition.determinism != Determinism::Row;
            if let Some(earlier) = repeating.then(|| repeats[at].earlier(&batch, row, at, column.subject)).flatten() {
                masked.push_again(earlier, at);
                continue;
            }
            let kind = match answers[at].as_mut() {
                Some(answers) => answers.next().map_or(Err(Misfit("the answers ran out")), |(kind, bytes)| {
                    masked.arena().extend_from_slice(&bytes);
                    Ok(kind)
                }),
                None => {
                    let about = about(&rows, &batch, row, decided);
                    decided.mask.mask(cell, &about, masked.arena())
                }
            };
            end_cell(&rows, column, row, &mut masked, kind)?;
        }
    }
    if columns.iter().any(|column| column.definition.after) {
        masked = after_the_others(&rows, &batch, &masked)?;
    }
    Ok(Masked::vouch(masked))
}

/// Ends a cell that a mask wrote, if the column takes it.
fn end_cell(rows: &Rows<'_>, column: &ColumnMask, row: usize, masked: &mut Batch, kind: Written) -> Result<()> {
    let refused = |misfit| refusal(rows.table, column, rows.first + row as u64, misfit);
    let kind = kind.map_err(refused)?;
    if kind != CellKind::Null {
        column.fit.test(masked.open_cell()).map_err(refused)?;
    }
    masked.end_cell(kind);
    Ok(())
}

fn about<'a>(rows: &Rows<'a>, batch: &'a Batch, row: usize, column: &ColumnMask) -> Row<'a> {
    Row {
        subject: column.subject.map(|at| batch.cell(row, at)),
        ordinal: rows.first + row as u64,
        known: rows.known,
        masked: None,
    }
}

/// The masked cells of a column whose mask takes many at once, in the order in which they are needed.
fn ask_many(rows: &Rows<'_>, batch: &Batch, at: usize) -> Result<Option<Vec<Answer>>> {
    let column = &rows.columns[at];
    let Some(many) = column.mask.many() else {
        return Ok(None);
    };
    let mut repeats = Repeats::default();
    let needed = (0..batch.rows()).filter(|&row| {
        let here = column.in_row(batch, row).is_some_and(|decided| std::ptr::eq(decided, column));
        let due = here && !column.is_empty(batch.cell(row, at));
        due && (column.when.is_some() || repeats.earlier(batch, row, at, column.subject).is_none())
    });
    let cells: Vec<_> = needed.map(|row| (batch.cell(row, at), about(rows, batch, row, column))).collect();
    let answers = if cells.is_empty() {
        Vec::new()
    } else {
        many.mask_many(&cells).map_err(|error| place(rows, column, error))?
    };
    if answers.len() != cells.len() {
        return Err(place(rows, column, Error::policy("the mask gave another number of cells than it was given")));
    }
    Ok(Some(answers))
}

fn place(rows: &Rows<'_>, column: &ColumnMask, error: Error) -> Error {
    error.within(format!("table {}, column {}", rows.table, column.column.escape_debug()))
}

/// Fills in the cells that are made of the row's other masked cells.
fn after_the_others(rows: &Rows<'_>, batch: &Batch, masked: &Batch) -> Result<Batch> {
    let mut whole = Batch::new(rows.columns.len());
    for row in 0..masked.rows() {
        for (at, column) in rows.columns.iter().enumerate() {
            let original = batch.cell(row, at);
            let due =
                column.in_row(batch, row).filter(|decided| decided.definition.after && !decided.is_empty(original));
            let Some(decided) = due else {
                whole.push(masked.cell(row, at));
                continue;
            };
            let about = Row { masked: Some((masked, row)), ..about(rows, batch, row, decided) };
            let kind = decided.mask.mask(original, &about, whole.arena());
            end_cell(rows, column, row, &mut whole, kind)?;
        }
    }
    Ok(whole)
}

fn refusal(table: &TableName, column: &ColumnMask, row: u64, misfit: Misfit) -> Error {
    let (name, mask) = (column.column.escape_debug(), column.name);
    Error::policy(format!("table {table}, column {name}, row {row}: mask {mask} does not fit: {}", misfit.0))
        .hint("Choose another mask for the column in the policy; docs/masks.md lists what each one accepts.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::find;

    fn column(mask: &str, nullable: bool) -> ColumnMask {
        let site = Site { nullable, ..Site::for_tests("apply") };
        ColumnMask::build(find(mask).unwrap(), "c", &site, Params::default()).unwrap()
    }

    fn rows<'a>(table: &'a TableName, columns: &'a [ColumnMask], first: u64) -> Rows<'a> {
        Rows { table, columns, extras: 0, first, known: Known::NOTHING }
    }

    #[test]
    fn null_and_empty_stay_and_kept_cells_are_copied() {
        let mut batch = Batch::new(2);
        for cell in [Cell::NULL, Cell::text("a"), Cell::text(""), Cell::text("b"), Cell::text("Ann"), Cell::NULL] {
            batch.push(cell);
        }
        let columns = [column("first_name", true), column("keep", true)];
        let table = TableName::plain("t");
        let masked = apply(rows(&table, &columns, 1), batch).unwrap();
        let rows = masked.rows();
        assert!(rows.cell(0, 0).is_null());
        assert_eq!(rows.cell(1, 0), Cell::text(""));
        assert_ne!(rows.cell(2, 0), Cell::text("Ann"));
        assert_eq!((rows.cell(0, 1), rows.cell(1, 1)), (Cell::text("a"), Cell::text("b")));
        assert!(rows.cell(2, 1).is_null());
    }

    #[test]
    fn a_misfit_names_the_place_and_no_value() {
        let mut batch = Batch::new(1);
        batch.push(Cell::text("fine"));
        batch.push(Cell { kind: CellKind::Blob, bytes: b"hunter2" });
        let error = apply(rows(&TableName::plain("t"), &[column("email", true)], 41), batch).unwrap_err();
        assert_eq!(
            error.what(),
            "table t, column c, row 42: mask email does not fit: the cell is binary data, not text"
        );
        assert!(error.hint_text().is_some());
    }

    #[test]
    fn another_number_of_columns_is_a_defect() {
        let error = apply(rows(&TableName::plain("t"), &[column("keep", true)], 1), Batch::new(2)).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Internal);
    }
}
