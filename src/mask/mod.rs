//! Floor 1: masks. What a mask is, the table of all masks, and the only door from [`Batch`] to [`Masked`].
//!
//! A mask knows cells, never tables: places belong to the policy. A new mask is one file and one line in [`MASKS`];
//! lookup, documentation and the conformance tests iterate that table. A mask refuses what does not fit; it never
//! passes a cell through.

pub mod canonical;
pub mod definition;
pub mod dictionary;
pub mod docs;
pub mod key;
pub mod leak;
pub mod permute;

mod address;
mod date_shift;
mod email;
mod first_name;
mod fixed;
mod full_name;
mod hash;
mod keep;
mod last_name;
mod null;
mod phone;
mod repeats;
mod ssn_tail;
mod text_replace;
mod token;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;

pub use definition::{
    BadParam, Definition, Determinism, Example, Param, ParamKind, Params, Scan, Site, Tier, Uniqueness, Value,
};

use crate::error::{Error, Result};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::proof::Masked;
use crate::model::schema::TableName;
use repeats::Repeats;
use std::fmt;

/// Replaces cells.
pub trait Mask: Send + Sync {
    /// Appends the masked form of `cell` to `out` and returns its kind. `subject` is the row's subject cell when the
    /// policy names one. Nothing before the end of `out` changes; after a misfit `out` may hold a part of a result.
    ///
    /// # Errors
    /// Why the cell does not fit.
    fn mask(
        &self,
        cell: Cell<'_>,
        subject: Option<Cell<'_>>,
        out: &mut Vec<u8>,
    ) -> std::result::Result<CellKind, Misfit>;
}

/// Why a cell does not fit its mask; never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit(pub &'static str);

/// Every mask.
pub static MASKS: &[&Definition] = &[
    &keep::DEFINITION,
    &null::DEFINITION,
    &fixed::DEFINITION,
    &hash::DEFINITION,
    &token::DEFINITION,
    &first_name::DEFINITION,
    &last_name::DEFINITION,
    &full_name::DEFINITION,
    &email::DEFINITION,
    &phone::DEFINITION,
    &address::DEFINITION,
    &ssn_tail::DEFINITION,
    &text_replace::DEFINITION,
    &date_shift::DEFINITION,
];

/// The mask that keeps: what a `keep` list of a policy means.
pub use keep::DEFINITION as KEEP;

/// The mask called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    MASKS.iter().find(|mask| mask.name == name).copied()
}

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
    /// The domain whose key the mask uses; empty for masks without a key.
    pub domain: String,
    /// How the leak scan looks for the column's originals.
    pub scan: Scan,
    /// The parameters as given, for manifest and review.
    pub params: Params,
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
            domain: String::new(),
            scan: (definition.scan)(&params),
            params,
        })
    }
}

/// Masks the rows of `batch` column by column. `first_row` is the ordinal of its first row, for messages.
///
/// NULL stays NULL and the empty text stays empty, unless the mask says that it replaces those too.
///
/// # Errors
/// Kind `Policy`, naming table, column and row, when a cell does not fit; kind `Internal` when the batch has another
/// number of columns.
pub fn apply(table: &TableName, batch: Batch, columns: &[ColumnMask], first_row: u64) -> Result<Masked> {
    if batch.columns() != columns.len() {
        let (cells, masks) = (batch.columns(), columns.len());
        return Err(Error::internal(format!("table {table}: rows of {cells} cells met {masks} masks")));
    }
    if columns.iter().all(|column| column.definition.keeps_original) {
        return Ok(Masked::vouch(batch));
    }
    let mut masked = Batch::new(columns.len());
    masked.arena().reserve(batch.len_bytes() + batch.len_bytes() / 4);
    let mut repeats: Vec<Repeats> = columns.iter().map(|_| Repeats::default()).collect();
    for row in 0..batch.rows() {
        for (at, column) in columns.iter().enumerate() {
            let cell = batch.cell(row, at);
            let empty = cell.bytes.is_empty() && !column.definition.takes_empty;
            if empty || column.definition.keeps_original {
                masked.push(cell);
                continue;
            }
            if let Some(earlier) = repeats[at].earlier(&batch, row, at, column.subject) {
                masked.push_again(earlier, at);
                continue;
            }
            let subject = column.subject.map(|at| batch.cell(row, at));
            match column.mask.mask(cell, subject, masked.arena()) {
                Ok(kind) => masked.end_cell(kind),
                Err(misfit) => return Err(refusal(table, column, first_row + row as u64, misfit)),
            }
        }
    }
    Ok(Masked::vouch(masked))
}

fn refusal(table: &TableName, column: &ColumnMask, row: u64, misfit: Misfit) -> Error {
    let (name, mask) = (column.column.escape_debug(), column.name);
    Error::policy(format!("table {table}, column {name}, row {row}: mask {mask} does not fit: {}", misfit.0))
        .hint("Choose another mask for the column in the policy; docs/masks.md lists what each one accepts.")
}

/// Writes with growing `attempt` until the result is not the original again.
fn until_different(
    original: &[u8],
    out: &mut Vec<u8>,
    mut write: impl FnMut(u8, &mut Vec<u8>),
) -> std::result::Result<CellKind, Misfit> {
    let start = out.len();
    for attempt in 0..=u8::MAX {
        write(attempt, out);
        if !canonical::alike(original, &out[start..]) {
            return Ok(CellKind::Text);
        }
        out.truncate(start);
    }
    Err(Misfit("every value that the mask can make is the original"))
}

/// The bytes of a text cell.
fn text(cell: Cell<'_>) -> std::result::Result<&[u8], Misfit> {
    match cell.kind {
        CellKind::Text => Ok(cell.bytes),
        CellKind::Null => Err(Misfit("the cell is NULL")),
        CellKind::Integer | CellKind::Real => Err(Misfit("the cell is a number, not text")),
        CellKind::Blob => Err(Misfit("the cell is binary data, not text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::Family;

    fn column(mask: &str, nullable: bool) -> ColumnMask {
        let site = Site { nullable, ..Site::for_tests("apply") };
        ColumnMask::build(find(mask).unwrap(), "c", &site, Params::default()).unwrap()
    }

    #[test]
    fn null_and_empty_stay_and_kept_cells_are_copied() {
        let mut batch = Batch::new(2);
        for cell in [Cell::NULL, Cell::text("a"), Cell::text(""), Cell::text("b"), Cell::text("Ann"), Cell::NULL] {
            batch.push(cell);
        }
        let columns = [column("first_name", true), column("keep", true)];
        let masked = apply(&TableName::plain("t"), batch, &columns, 1).unwrap();
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
        let error = apply(&TableName::plain("t"), batch, &[column("email", true)], 41).unwrap_err();
        assert_eq!(
            error.what(),
            "table t, column c, row 42: mask email does not fit: the cell is binary data, not text"
        );
        assert!(error.hint_text().is_some());
    }

    #[test]
    fn another_number_of_columns_is_a_defect() {
        let error = apply(&TableName::plain("t"), Batch::new(2), &[column("keep", true)], 1).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Internal);
    }

    #[test]
    fn names_are_unique_and_every_definition_is_complete() {
        for mask in MASKS {
            assert!(std::ptr::eq(find(mask.name).unwrap(), *mask), "{} is there twice", mask.name);
            assert!(
                mask.about.ends_with('.') && !mask.examples.is_empty() && !mask.accepts.is_empty(),
                "{}",
                mask.name
            );
            assert!(mask.accepts_family(Family::Any));
        }
    }
}
