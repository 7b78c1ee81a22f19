//! What a column's cells are made of.
//!
//! [`field`] looks at a column as `detect` does: what its name, its table and [`Guess`] say picks a [maker](makers) from one
//! table, its type and the [restriction](super::restriction) say what the maker has to keep to. A field never asks
//! anything but its arguments, so a cell depends on seed, place and row alone.

mod choice;
mod code;
pub mod docs;
mod exotic;
mod flag;
mod guard;
mod json;
pub mod makers;
mod number;
mod pattern;
mod span;
mod subject;
mod text;
mod types;
mod vocabulary;
mod when;

#[cfg(test)]
mod row_tests;
#[cfg(test)]
mod tests;

pub use choice::Sometimes;
pub use types::enum_labels;

use super::draw::Draw;
use super::restriction::Restriction;
use super::value::Value;
use crate::classify::Guess;
use crate::model::schema::{Catalogue, Column, EngineKind, Table};
use makers::Make;
use types::Type;

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

impl<'a> Row<'a> {
    /// A cell that was made already; none before it was, and for NULL.
    fn cell(&self, column: usize) -> Option<&'a Value> {
        self.cells.get(column)?.as_ref().filter(|value| !value.is_null())
    }
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

impl<'a> Spec<'a> {
    /// The column itself.
    fn column(&self) -> &'a Column {
        &self.table.columns[self.column]
    }
}

/// What makes the cells of a column.
///
/// # Errors
/// Why nothing can: the type is not known here, or nothing satisfies the restriction.
pub fn field(spec: &Spec<'_>) -> Result<Box<dyn Field>, String> {
    let (null, restriction) = (spec.restriction.null, spec.restriction);
    if null == Some(true) {
        return Ok(Box::new(choice::Nulls));
    }
    let kind = Type::of(spec);
    let maker = makers::choose(spec, &kind);
    let made = match &restriction.one_of {
        Some(values) => choice::of_values(spec, &kind, values),
        None => by_type(spec, &kind, maker.map(|maker| &maker.make)),
    };
    let may_be_null = null != Some(false) && spec.column().nullable;
    match made {
        Ok(field) => Ok(choice::sometimes_null(field, spec, maker, may_be_null)),
        Err(_) if may_be_null => Ok(Box::new(choice::Nulls)),
        Err(why) => Err(why),
    }
}

type Made = Result<Box<dyn Field>, String>;

fn by_type(spec: &Spec<'_>, kind: &Type, make: Option<&'static Make>) -> Made {
    match kind {
        Type::Number { .. } | Type::Real { .. } | Type::Year => match make {
            Some(Make::When(role)) => when::of_epoch(spec, kind, role),
            Some(Make::Total(parts)) => number::total(spec, kind, parts),
            Some(Make::Number(number)) => number::of(spec, kind, number),
            Some(Make::Flag(_)) if spec.restriction.low.is_none() => Ok(flag::of(spec, true, make)),
            _ => number::of(spec, kind, &number::PLAIN),
        },
        Type::Boolean { number } => Ok(flag::of(spec, *number, make)),
        Type::Text { room } => match make {
            Some(Make::When(role)) => when::of_text(spec, *room, role),
            Some(Make::Number(number)) => number::of_text(spec, *room, number),
            Some(Make::Json(shape)) => Ok(json::of(spec, *shape)),
            make => text::of(spec, *room, make),
        },
        Type::Bytes { .. } | Type::Bits { .. } => code::of_bytes(spec, kind),
        Type::Date | Type::Time { .. } | Type::Timestamp { .. } => {
            let role = if let Some(Make::When(role)) = make { role } else { &when::SOMETIME };
            when::of(spec, kind, role)
        }
        Type::Json => {
            let shape = if let Some(Make::Json(shape)) = make { *shape } else { json::metadata };
            Ok(json::of(spec, shape))
        }
        Type::Uuid => Ok(code::of_uuid(spec)),
        Type::Enum(labels) => choice::of_labels(spec, labels),
        Type::Set(labels) => choice::of_set(spec, labels),
        Type::Array(element) => exotic::array(spec, element),
        Type::Other(name) => exotic::of(spec, name),
    }
}
