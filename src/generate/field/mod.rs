//! What a column's cells are made of.

use super::draw::Draw;
use super::restriction::Restriction;
use super::value::Value;
use crate::classify::Guess;
use crate::model::schema::{Catalogue, EngineKind, Table};

/// Makes the cells of one column.
pub trait Field: Send + Sync {
    /// The cell of a row. It keeps to the column's type and to the restriction that the field was made for.
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value;

    /// How many different cells [`nth`](Self::nth) makes, compared as the column's collation would: case and accents do not
    /// tell texts apart. 0 where it cannot promise any.
    fn capacity(&self) -> u64 {
        0
    }

    /// Another cell for every `n` below the capacity, whatever the row.
    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        self.make(row, &mut Draw::of(n))
    }

    /// The columns, by index, whose cells must be made before: [`Row::cells`] has them.
    fn needs(&self) -> Vec<usize> {
        Vec::new()
    }
}

/// What a field may look at.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The row's ordinal in its table, from 0.
    pub number: u64,
    /// The cells that were made already, by index of the column.
    pub cells: &'a [Option<Value>],
    /// Whom or what the row is about: itself in tables of people and companies, else the one that it references.
    pub subject: Subject,
    /// Everybody that the row has to do with: its subject, and the people that its references lead to.
    pub people: &'a [Subject],
}

/// Somebody, or a company with its address: a number from which everything that is said of them follows, so that names, email and
/// phone agree wherever they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject(pub u64);

/// What a field is made for.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    /// Whose types and spellings count.
    pub engine: EngineKind,
    /// Where types of the user's own are declared.
    pub catalogue: &'a Catalogue,
    /// The column's table.
    pub table: &'a Table,
    /// The column, by index.
    pub column: usize,
    /// What it seems to hold.
    pub guess: Option<&'a Guess>,
    /// What conditions leave of it.
    pub restriction: &'a Restriction,
    /// The labels of its type, of [`enum_labels`].
    pub labels: &'a [String],
    /// The present of the made-up world, in microseconds since 1970.
    pub now: i64,
    /// Whether extremes are wanted: empty and longest texts, least and greatest numbers, leap days, NULL wherever it may be.
    pub edge: bool,
}
