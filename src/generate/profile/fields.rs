//! The fields that come of what a profile says of columns.

use super::column::{ColumnRule, Maker};
use super::filled::filled;
use super::moment;
use super::numbers;
use super::season::Calendar;
use super::{fit, lookup};
use crate::generate::draw::Draw;
use crate::generate::field::{Field, Row, Sometimes, Spec};
use crate::generate::invariant::function;
use crate::generate::restriction::Bound;
use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, Family};
use std::collections::BTreeSet;

/// What a list says, by its name.
pub(super) type Lists<'a> = &'a dyn Fn(&str) -> Option<&'a [(String, f64)]>;

/// Why a rule does not fit a column at all, whatever conditions leave of it; none where it does.
pub(super) fn misfit(rule: &ColumnRule, spec: &Spec<'_>, lists: Lists<'_>) -> Option<String> {
    let column = &spec.table.columns[spec.column];
    let family = column.family;
    match &rule.maker {
        Some(Maker::Template(template)) if template.is_late() => {
            (!matches!(family, Family::Text | Family::Any)).then(|| format!("the column holds {family}, not text"))
        }
        Some(Maker::Values(_) | Maker::List(_)) if made(rule, spec, lists).is_none() => {
            Some(format!("none of the values can stand in a column of type {}", shown(column)))
        }
        Some(_) if made(rule, spec, lists).is_none() => {
            Some(format!("a column of type {} cannot hold that", shown(column)))
        }
        Some(_) | None => None,
    }
}

fn shown(column: &Column) -> String {
    let declared = column.declared.chars().take(40).collect::<String>();
    if declared.is_empty() { column.family.to_string() } else { declared.escape_debug().to_string() }
}

/// The field; none where the rule has no maker or conditions leave nothing of what it makes.
pub(super) fn field(rule: &ColumnRule, spec: &Spec<'_>, null: Option<f64>, lists: Lists<'_>) -> Option<Box<dyn Field>> {
    let field = made(rule, spec, lists)?;
    let column = &spec.table.columns[spec.column];
    let share = if column.nullable && spec.restriction.null != Some(false) { null.unwrap_or(0.0) } else { 0.0 };
    Some(if share > 0.0 { Box::new(Sometimes { field, share }) } else { field })
}

fn made(rule: &ColumnRule, spec: &Spec<'_>, lists: Lists<'_>) -> Option<Box<dyn Field>> {
    let column = &spec.table.columns[spec.column];
    let restriction = spec.restriction;
    match rule.maker.as_ref()? {
        Maker::Values(values) => picked(values, column, spec),
        Maker::List(list) => picked(lists(list)?, column, spec),
        Maker::Template(template) => filled(template, column, spec, lists),
        Maker::Sequence { start, step } => {
            let number = |number: &f64| Number::parse(&format!("{number}"));
            let counted = Counted { start: number(start)?, step: number(step)?, column: column.clone() };
            let first = counted.at(0)?;
            (fit::allows(restriction, &first) && counted.step.units != 0).then(|| Box::new(counted) as Box<dyn Field>)
        }
        Maker::Numbers(numbers) => Some(Box::new(Drawn(numbers.ready(column, restriction)?))),
        Maker::Dates(dates) => {
            moment::cell(0, column.family).filter(|_| column.family != Family::Time)?;
            let end = |bound: &Option<Bound>| bound.as_ref().and_then(|bound| moment::of(&bound.value));
            let (low, high) = (end(&restriction.low), end(&restriction.high));
            let from = dates.from.at(spec.now).max(low.map_or(i64::MIN, |low| low + moment::SECOND));
            let to = dates.to.at(spec.now).min(high.map_or(i64::MAX, |high| high - moment::SECOND));
            let plain = restriction.one_of.is_none() && room(column, 19) && from <= to;
            plain.then(|| {
                Box::new(Dated { calendar: Calendar::new(from, to, &dates.season), family: column.family })
                    as Box<dyn Field>
            })
        }
        Maker::Beside { column: other, span } => {
            moment::cell(0, column.family).filter(|_| column.family != Family::Time)?;
            let other = lookup::column(spec.table, other)?;
            let plain = restriction.one_of.is_none() && restriction.low.is_none() && restriction.high.is_none();
            let apart = other != spec.column && room(column, 19) && plain;
            apart.then(|| {
                Box::new(Beside { other, span: *span, family: column.family, now: spec.now }) as Box<dyn Field>
            })
        }
    }
}

fn room(column: &Column, characters: u32) -> bool {
    column.family != Family::Text || column.length.is_none_or(|length| length >= characters)
}

/// One of some values.
pub(super) struct Picked {
    pub(super) values: Vec<Value>,
    pub(super) sums: Vec<f64>,
    /// Those that are different whatever their case, by index.
    pub(super) distinct: Vec<usize>,
}

fn picked(values: &[(String, f64)], column: &Column, spec: &Spec<'_>) -> Option<Box<dyn Field>> {
    let (mut found, mut sums, mut distinct) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sum, mut seen) = (0.0, BTreeSet::new());
    for (written, weight) in values.iter().filter(|(_, weight)| *weight > 0.0) {
        let Some(value) = fit::scalar(column, written, spec.labels) else { continue };
        if fit::allows(spec.restriction, &value) {
            if seen.insert(function::text(&value).to_lowercase()) {
                distinct.push(found.len());
            }
            sum += weight;
            found.push(value);
            sums.push(sum);
        }
    }
    (!found.is_empty()).then(|| Box::new(Picked { values: found, sums, distinct }) as Box<dyn Field>)
}

impl Field for Picked {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        let wanted = draw.unit() * self.sums.last().copied().unwrap_or(0.0);
        let at = self.sums.partition_point(|sum| *sum <= wanted).min(self.values.len() - 1);
        self.values[at].clone()
    }

    fn capacity(&self) -> u64 {
        self.distinct.len() as u64
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        let at = usize::try_from(n).unwrap_or(0) % self.distinct.len();
        self.values[self.distinct[at]].clone()
    }
}

/// Numbers one after the other.
struct Counted {
    start: Number,
    step: Number,
    column: Column,
}

impl Counted {
    fn at(&self, n: u64) -> Option<Value> {
        let number = self.start.plus(self.step.times(Number::whole(n.into()))?)?;
        fit::cell(&self.column, &Value::Number(number))
    }
}

impl Field for Counted {
    fn make(&self, row: &Row<'_>, _: &mut Draw) -> Value {
        self.at(row.number).or_else(|| self.at(0)).unwrap_or(Value::Null)
    }

    fn capacity(&self) -> u64 {
        // The largest power of two whose number still fits.
        (0..40).map(|bits| 1_u64 << bits).take_while(|n| self.at(*n).is_some()).last().unwrap_or(1)
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        self.at(from_above(n, self.capacity().min(1_000_000))).or_else(|| self.at(0)).unwrap_or(Value::Null)
    }
}

struct Drawn(numbers::Ready);

impl Field for Drawn {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        self.0.make(draw)
    }
}

struct Dated {
    calendar: Calendar,
    family: Family,
}

impl Field for Dated {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        moment::cell(self.calendar.draw(draw), self.family).unwrap_or(Value::Null)
    }

    fn capacity(&self) -> u64 {
        u64::try_from(self.calendar.days()).unwrap_or(0)
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        moment::cell(self.calendar.nth(n), self.family).unwrap_or(Value::Null)
    }
}

/// A date after or before another one.
struct Beside {
    other: usize,
    span: (i64, i64),
    family: Family,
    now: i64,
}

impl Field for Beside {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        let other = row.cells.get(self.other).and_then(Option::as_ref).and_then(moment::of).unwrap_or(self.now);
        let span = i64::try_from(draw.between(self.span.0.into(), self.span.1.into())).unwrap_or(self.span.0);
        // A date column says the day only: the next one is the first that is surely not before.
        let later = if self.family == Family::Date && self.span.0 >= 0 { moment::DAY - 1 } else { 0 };
        moment::cell(
            other.saturating_add(span).saturating_add(if other % moment::DAY == 0 { 0 } else { later }),
            self.family,
        )
        .unwrap_or(Value::Null)
    }

    fn needs(&self) -> Vec<usize> {
        vec![self.other]
    }
}

/// Every number once, those below a limit from above: rows that are told apart by a number of their own then seldom meet those
/// whose number is that of the row.
pub(super) fn from_above(n: u64, limit: u64) -> u64 {
    if n < limit { limit - 1 - n } else { n }
}
