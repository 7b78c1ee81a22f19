//! Floor 1: masks. What a mask is, and the table of all masks; `apply` is the only door from [`Batch`] to `Masked`.
//!
//! A mask knows cells, never tables: places belong to the policy. A new mask is one file and one line in [`MASKS`];
//! lookup, documentation and the conformance tests iterate that table. A mask refuses what does not fit; it never
//! passes a cell through.

pub mod canary;
pub mod canonical;
pub mod definition;
pub mod dictionary;
pub mod docs;
pub mod fit;
pub mod key;
pub mod known;
pub mod leak;
pub mod nested;
pub mod params;
pub mod permute;
pub mod site;

mod address;
mod alnum;
mod apply;
mod bank_account;
mod blob;
mod bucket;
pub mod calendar;
mod card;
mod command;
mod company;
mod crypto_wallet;
mod date_shift;
mod date_trunc;
mod decimal;
mod default;
mod digits;
mod dob;
mod drawn;
mod email;
mod enum_pick;
mod ff1;
mod filename;
mod first_name;
mod fixed;
mod full_name;
mod geo;
mod gov_id;
mod hash;
mod hexes;
mod iban;
mod int_permute;
pub mod invented;
mod ip;
mod json;
mod keccak;
mod keep;
mod last_name;
mod list;
mod mac;
mod map;
mod names;
mod noise;
mod null;
mod numerals;
mod paths;
mod pattern;
mod persona;
mod phone;
mod prelude;
pub mod recognise;
mod regex_replace;
mod repeats;
mod scale;
mod scrub;
mod secret;
mod shuffle;
mod ssn;
mod ssn_tail;
mod template;
mod text_replace;
mod text_scrub;
mod token;
mod url;
mod user_agent;
mod username;
mod uuid;
mod xml;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;

pub use apply::{ColumnMask, Rows, apply};
pub use definition::{Definition, Determinism, Example, Scan, Strength, Teaches, Uniqueness};
pub use fit::{Check, Fit};
pub use known::Known;
pub use nested::Nested;
pub use params::{BadParam, Param, ParamKind, Params, Value};
pub use site::{Charset, Fold, Site};

use crate::error::Result;
use crate::model::batch::{Batch, Cell, CellKind};

/// Replaces cells.
pub trait Mask: Send + Sync {
    /// Appends the masked form of `cell` to `out` and returns its kind. Nothing before the end of `out` changes; after a
    /// misfit `out` may hold a part of a result.
    ///
    /// # Errors
    /// Why the cell does not fit.
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written;

    /// For masks that must have seen the whole column before they mask a cell of it.
    fn learner(&self) -> Option<&dyn Learner> {
        None
    }

    /// For masks that take many cells at once.
    fn many(&self) -> Option<&dyn Many> {
        None
    }
}

/// A mask that sees the whole column first.
pub trait Learner {
    /// Takes the next cell of the column, in the order of the rows, and the group of its row.
    ///
    /// # Errors
    /// Kind `Policy` when there is more than can be held.
    fn learn(&self, cell: Cell<'_>, subject: Option<Cell<'_>>) -> Result<()>;

    /// No more cells will come.
    ///
    /// # Errors
    /// Kind `Policy` when the column cannot be masked so.
    fn learned(&self) -> Result<()>;
}

/// What a mask wrote for one of many cells.
pub type Answer = (CellKind, Vec<u8>);

/// A mask that takes many cells at once.
pub trait Many {
    /// Masks the cells, none of which is NULL or empty, in order; one answer each.
    ///
    /// # Errors
    /// Kind `Policy`, which names no value.
    fn mask_many(&self, cells: &[(Cell<'_>, Row<'_>)]) -> Result<Vec<Answer>>;
}

/// What a mask may know of a cell's row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The row's subject, where the policy names one.
    pub subject: Option<Cell<'a>>,
    /// The row's place in its table, from 0.
    pub ordinal: u64,
    /// What the capture has learned of its own values.
    pub known: &'a Known,
    /// The batch of masked cells and the row in it, for masks that come after the others.
    pub masked: Option<(&'a Batch, usize)>,
}

impl<'a> Row<'a> {
    /// A row of which nothing is known.
    pub const NONE: Self = Self { subject: None, ordinal: 0, known: Known::NOTHING, masked: None };

    /// A row of which only the subject is known.
    #[must_use]
    pub fn of(subject: Option<Cell<'a>>) -> Self {
        Self { subject, ..Self::NONE }
    }
}

/// What becomes of a cell: the kind of what was written, or why nothing fits.
pub type Written = std::result::Result<CellKind, Misfit>;

/// Why a cell does not fit its mask; never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit(pub &'static str);

/// Every mask.
pub static MASKS: &[&Definition] = &[
    &keep::DEFINITION,
    &null::DEFINITION,
    &fixed::DEFINITION,
    &default::DEFINITION,
    &secret::DEFINITION,
    &hash::DEFINITION,
    &token::DEFINITION,
    &first_name::DEFINITION,
    &last_name::DEFINITION,
    &full_name::DEFINITION,
    &persona::DEFINITION,
    &email::DEFINITION,
    &username::DEFINITION,
    &phone::DEFINITION,
    &address::DEFINITION,
    &company::DEFINITION,
    &ssn_tail::DEFINITION,
    &text_replace::DEFINITION,
    &text_scrub::DEFINITION,
    &json::DEFINITION,
    &xml::DEFINITION,
    &list::DEFINITION,
    &date_shift::DEFINITION,
    &command::DEFINITION,
    &dob::DEFINITION,
    &date_trunc::DEFINITION,
    &bucket::DEFINITION,
    &noise::DEFINITION,
    &scale::DEFINITION,
    &geo::DEFINITION,
    &digits::DEFINITION,
    &alnum::DEFINITION,
    &pattern::DEFINITION,
    &int_permute::DEFINITION,
    &uuid::DEFINITION,
    &card::DEFINITION,
    &iban::DEFINITION,
    &bank_account::DEFINITION,
    &ssn::DEFINITION,
    &gov_id::DEFINITION,
    &mac::DEFINITION,
    &ip::DEFINITION,
    &crypto_wallet::DEFINITION,
    &shuffle::DEFINITION,
    &enum_pick::DEFINITION,
    &map::DEFINITION,
    &regex_replace::DEFINITION,
    &template::DEFINITION,
    &user_agent::DEFINITION,
    &url::DEFINITION,
    &filename::DEFINITION,
    &blob::DEFINITION,
];

/// The mask that keeps: what a `keep` list of a policy means.
pub use keep::DEFINITION as KEEP;

/// The mask called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    MASKS.iter().find(|mask| mask.name == name).copied()
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

/// The bytes of a cell that is a text or a whole number: engines differ in which of the two a number comes as.
fn text_or_integer(cell: Cell<'_>) -> std::result::Result<&[u8], Misfit> {
    if cell.kind == CellKind::Integer { Ok(cell.bytes) } else { text(cell) }
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
