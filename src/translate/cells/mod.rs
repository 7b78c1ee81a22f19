//! One cell from one engine's canonical text into another's.
//!
//! A cell is read into a plain form that no engine owns (`1` and `0`, decimal digits, raw bytes, ISO dates) and written
//! from it. What does not fit is refused with a reason; what fits only in part is written so and counted as changed.

mod numbers;
mod read;
mod times;
mod write;

pub(super) use write::literal;

use super::neutral::{self, Neutral};
use super::rows::Cast;
use crate::model::batch::CellKind;
use crate::model::schema::EngineKind;

/// What a column of a snapshot holds.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The engine that printed the cells.
    pub(super) engine: EngineKind,
    /// The type.
    pub(super) neutral: Neutral,
}

/// What a column of a target takes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    engine: EngineKind,
    neutral: Neutral,
    /// How SQLite changes what is stored in the column.
    affinity: Affinity,
    /// Whether MySQL wants brackets around its default.
    is_long: bool,
}

/// SQLite's column affinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    /// Whatever comes stays.
    None,
    /// Everything becomes text.
    Text,
    /// What looks like a number becomes one.
    Number,
    /// What looks like a number becomes a real.
    Real,
}

impl Affinity {
    /// SQLite's rules, in their order.
    fn of(engine: EngineKind, declared: &str) -> Self {
        let upper = declared.to_ascii_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
        match () {
            () if engine != EngineKind::Sqlite => Self::None,
            () if has(&["INT"]) => Self::Number,
            () if has(&["CHAR", "CLOB", "TEXT"]) => Self::Text,
            () if upper.is_empty() || upper == "ANY" || has(&["BLOB"]) => Self::None,
            () if has(&["REAL", "FLOA", "DOUB"]) => Self::Real,
            () => Self::Number,
        }
    }
}

impl Target {
    /// A column of the type `neutral` that the engine calls `declared`.
    pub(super) fn declared(engine: EngineKind, neutral: &Neutral, declared: &str) -> Self {
        let is_mysql = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
        // MySQL's own name says more: what is a boolean elsewhere is a small number there.
        let neutral = if is_mysql { neutral::of_mysql(declared) } else { neutral.clone() };
        let long = ["text", "blob", "json"].iter().any(|word| declared.contains(word));
        Self { engine, neutral, affinity: Affinity::of(engine, declared), is_long: is_mysql && long }
    }
}

/// Whether SQLite does the same to what is stored in columns of two declared types.
pub(super) fn same_affinity(a: &str, b: &str) -> bool {
    Affinity::of(EngineKind::Sqlite, a) == Affinity::of(EngineKind::Sqlite, b)
}

/// A plain form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Digits, labels, dates, text.
    Text,
    /// Raw bytes.
    Bytes,
}

/// What became of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    kind: CellKind,
    /// What was changed, if the value is not the same any more.
    changed: Option<&'static str>,
}

impl Written {
    fn same(kind: CellKind) -> Self {
        Self { kind, changed: None }
    }

    /// No value at all, for want of one that fits.
    fn null(why: &'static str) -> Self {
        Self { kind: CellKind::Null, changed: Some(why) }
    }
}

/// Converts the cells of one column.
#[derive(Debug, Clone)]
pub(super) struct Conversion {
    origin: Origin,
    target: Target,
    /// Whether text stays as it is, byte by byte: the usual case.
    is_plain: bool,
}

/// What happens to a value whose place changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing does.
    None,
    /// It was changed, and this is how.
    Changed(&'static str),
}

impl Conversion {
    pub(super) fn new(origin: Origin, target: Target) -> Self {
        let is_text = |neutral: &Neutral| matches!(neutral, Neutral::Text { padded: false, .. } | Neutral::Json);
        let servers = origin.engine != EngineKind::Sqlite && target.engine != EngineKind::Sqlite;
        let is_plain = is_text(&origin.neutral)
            && is_text(&target.neutral)
            && ((servers && target.engine != EngineKind::Postgres)
                || (target.engine == EngineKind::Sqlite && target.affinity == Affinity::Text));
        Self { origin, target, is_plain }
    }

    /// Whether values of the one type can become values of the other at all.
    pub(super) fn is_possible(&self) -> bool {
        use Neutral::{Any, Bits, Boolean, Bytes, Date, Decimal, Float, Integer, Time, Timestamp, Year};
        let is_number = |n: &Neutral| matches!(n, Boolean | Integer { .. } | Decimal(_) | Float(_) | Year);
        let is_own = |n: &Neutral| is_number(n) || matches!(n, Bits { .. } | Bytes(_) | Date | Time | Timestamp { .. });
        // SQLite's declared types promise little; each cell is looked at instead.
        let loose = self.origin.engine == EngineKind::Sqlite && !matches!(self.origin.neutral, Bytes(_));
        match (&self.origin.neutral, &self.target.neutral) {
            (from, to) if is_number(from) && is_number(to) => true,
            (Bytes(_), Bytes(_) | Any)
            | (Any, _)
            | (Date | Timestamp { .. }, Timestamp { .. })
            | (Date, Date)
            | (Time, Time)
            | (Bits { .. }, Bits { .. }) => true,
            (Bytes(_), _) => false,
            (_, to) if !is_own(to) => true,
            (_, to) => loose && !matches!(to, Bytes(_)),
        }
    }

    /// Appends the cell in the target's form to `arena`. `scratch` is a buffer to be used again.
    pub(super) fn convert(
        &self,
        cell: crate::model::batch::Cell<'_>,
        scratch: &mut Vec<u8>,
        arena: &mut Vec<u8>,
    ) -> Result<(CellKind, Change), &'static str> {
        if cell.is_null() {
            return Ok((CellKind::Null, Change::None));
        }
        if self.is_plain && cell.kind == CellKind::Text {
            arena.extend_from_slice(cell.bytes);
            return Ok((CellKind::Text, Change::None));
        }
        scratch.clear();
        let form = read::plain(&self.origin, cell, scratch)?;
        let start = arena.len();
        let written = write::written(&self.target, &self.origin.neutral, form, scratch, arena)?;
        if written.kind == CellKind::Null {
            arena.truncate(start);
        }
        Ok((written.kind, written.changed.map_or(Change::None, Change::Changed)))
    }

    /// As [`convert`](Self::convert), into a type that the user has chosen for the values: what does not fit is refused, or
    /// cut where that was asked for.
    pub(super) fn cast(
        &self,
        cell: crate::model::batch::Cell<'_>,
        cast: Cast,
        scratch: &mut Vec<u8>,
        arena: &mut Vec<u8>,
    ) -> Result<(CellKind, Change), &'static str> {
        scratch.clear();
        let form = read::plain(&self.origin, cell, scratch)?;
        let (cuts, neutral) = (cast == Cast::Truncate, &self.target.neutral);
        if form == Form::Text && *neutral == Neutral::Date {
            times::cut_to_day(scratch, cuts)?;
        }
        if cuts && matches!(neutral, Neutral::Integer { .. }) && !scratch.iter().any(|byte| matches!(byte, b'e' | b'E'))
        {
            times::keep_digits(scratch, 0, 0);
        }
        let start = arena.len();
        let written = write::written(&self.target, &self.origin.neutral, form, scratch, arena)?;
        match (written.changed, neutral) {
            (None, _) => return Ok((written.kind, Change::None)),
            (Some(_), Neutral::Timestamp { digits, .. }) if cuts && written.kind != CellKind::Null => {
                times::keep_digits(arena, start, usize::from(*digits));
            }
            (Some(_), Neutral::Decimal(Some((_, scale)))) if cuts && written.kind != CellKind::Null => {
                times::keep_digits(arena, start, usize::try_from(*scale).unwrap_or(0));
            }
            (Some(why), _) => {
                arena.truncate(start);
                return Err(why);
            }
        }
        Ok((written.kind, Change::None))
    }
}

#[cfg(test)]
mod tests;
