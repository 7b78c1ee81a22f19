//! What the table of masks says about each mask. Plain data.

use super::params::{BadParam, Param, Params, Value};
use super::site::Site;
use super::{Mask, Misfit};
use crate::error::Result;
use crate::model::schema::Family;

/// Whether different originals give different masked values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// Always: a permutation, or the original itself.
    Exact,
    /// Practically: at least 80 keyed bits tell the values apart (n values meet with probability n²/2⁸¹).
    Tagged,
    /// There are no values left that could meet.
    Vacant,
    /// No. Refused on unique columns.
    None,
}

/// What decides a masked value, besides the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Determinism {
    /// Nothing: the same value in every row.
    Constant,
    /// One secret per domain, the same for every row.
    Domain,
    /// The original, or the row's subject where the policy names one.
    Value,
    /// The row: equal originals may get different values.
    Row,
}

/// How much of the original is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// All of it.
    Kept,
    /// A part or a relation: distances of dates, a tail, a length class.
    Partial,
    /// Only that equal values stay equal.
    Pseudonym,
    /// Nothing.
    Removed,
}

/// How the leak scan treats the originals of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// Each original identifies somebody: looked for everywhere.
    Identifier,
    /// Originals may be plain words; only those with a digit, an `@` or four and more words are looked for.
    FreeText,
    /// Originals are too common to be told from other data (dates, cities), or are kept.
    Never,
}

/// What text masks learn from a column's originals, to replace them wherever else they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teaches {
    /// Nothing.
    Nothing,
    /// Each original as a whole.
    Whole,
    /// Each original as a whole, and each part of a person's name.
    Name,
}

/// A made-up cell that documentation and review show masked.
#[derive(Debug)]
pub struct Example {
    /// Parameters.
    pub params: fn() -> Vec<(&'static str, Value)>,
    /// The cell, as text. Never real data.
    pub cell: &'static str,
}

impl Example {
    /// An example without parameters.
    #[must_use]
    pub const fn plain(cell: &'static str) -> Self {
        Self { params: Vec::new, cell }
    }

    /// The parameters, checked.
    ///
    /// # Errors
    /// The parameter that `definition` does not take; a test rules that out.
    pub fn params_of(&self, definition: &'static Definition) -> std::result::Result<Params, BadParam> {
        Params::new(definition, (self.params)().into_iter().map(|(name, value)| (name.to_owned(), value)))
    }
}

/// A mask, as documentation, policy and tests see it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing of its own, and a table of masks reads them by name"
)]
pub struct Definition {
    /// Its name in the policy.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// The mask's version: a change of any output raises it.
    pub version: u32,
    /// Its parameters.
    pub params: &'static [Param],
    /// The families it can be put on; an entry `Any` stands for every family. A column of the family `Any` takes every
    /// mask, and each of its cells is looked at.
    pub accepts: &'static [Family],
    /// Whether different originals stay different.
    pub unique: Uniqueness,
    /// What decides the masked value.
    pub determinism: Determinism,
    /// How much of the original is left.
    pub strength: Strength,
    /// Whether cells are copied as they are.
    pub keeps_original: bool,
    /// Whether a cell with nothing in it to replace stays as it is, which other masks never do. The leak scan looks at what
    /// such a mask writes for the originals of every other column; the cell itself is no leak of itself.
    pub may_keep: bool,
    /// Whether it replaces NULL and the empty text too.
    pub takes_empty: bool,
    /// Whether a row's subject can key it.
    pub takes_subject: bool,
    /// The domain when the policy names none; empty for masks without a key.
    pub domain: &'static str,
    /// How the leak scan treats originals.
    pub scan: fn(&Params) -> Scan,
    /// Builds the mask for a column.
    pub build: fn(&Site, &Params) -> Result<Box<dyn Mask>>,
    /// What it does, shown.
    pub examples: &'static [Example],
    /// Whether masked cells show characters of the original: allowed in `dev` with a reason only.
    pub reveals: fn(&Params) -> bool,
    /// What text masks learn from its columns.
    pub teaches: fn(&Params) -> Teaches,
    /// Whether a program of the user's own decides, so that nothing can be shown or promised of its outputs.
    pub outside: bool,
    /// Whether it is made of the row's other masked cells, and so comes after them.
    pub after: bool,
    /// Whether it may ask what text masks have learned: then a capture reads the teaching columns first.
    pub asks: fn(&Params) -> bool,
    /// Whether this text may have been written by the mask, for masks whose outputs can be told from originals by looking.
    pub could_write: Option<fn(&Params, &str) -> bool>,
    /// A made-up original that the mask takes, another one for each number: for canaries, tests and benchmarks. Large numbers
    /// give originals that nothing resembles.
    pub sample: fn(u64) -> String,
}

impl Definition {
    /// What most masks have in common.
    pub(super) const BASE: Self = Self {
        name: "",
        about: "",
        version: 1,
        params: &[],
        accepts: &[Family::Text],
        unique: Uniqueness::None,
        determinism: Determinism::Value,
        strength: Strength::Pseudonym,
        keeps_original: false,
        takes_empty: false,
        takes_subject: false,
        domain: "",
        scan: |_| Scan::Identifier,
        build: |_, _| Ok(Box::new(Undefined)),
        examples: &[],
        reveals: |_| false,
        teaches: |_| Teaches::Nothing,
        outside: false,
        may_keep: false,
        after: false,
        asks: |_| false,
        could_write: None,
        sample: |number| format!("Person Number {number}"),
    };

    /// Whether the mask can be put on a column of `family`.
    #[must_use]
    pub fn accepts_family(&self, family: Family) -> bool {
        family == Family::Any || self.accepts.iter().any(|known| *known == family || *known == Family::Any)
    }
}

/// What a definition without a mask of its own builds: it refuses everything.
struct Undefined;

impl Mask for Undefined {
    fn mask(
        &self,
        _: crate::model::batch::Cell<'_>,
        _: &super::Row<'_>,
        _: &mut Vec<u8>,
    ) -> std::result::Result<crate::model::batch::CellKind, Misfit> {
        Err(Misfit("the mask has no definition"))
    }
}
