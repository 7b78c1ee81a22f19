//! Cells beside each other: how they compare, whether a restriction allows one, and columns that must stand in an order.

use super::Run;
use super::columns::Columns;
use super::columns::{Source, Way, made};
use super::shape::Plan;
use crate::generate::check::{Derived, Total};
use crate::generate::draw::Draw;
use crate::generate::field::{Row, Subject};
use crate::generate::invariant::function::compare;
use crate::generate::profile::fit;
use crate::generate::restriction::{Bound, Op, Relation, Restriction};
use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, Family};
use std::cmp::Ordering;

/// Whether a comparison holds; where the cells are not of a kind nobody knows, and it is left to others to say no.
fn holds(op: Op, left: &Value, right: &Value) -> bool {
    compare(left, right).is_none_or(|order| op.takes(order))
}

/// Whether a restriction lets a value through, as far as ranges and lists go: predicates say the rest.
pub(super) fn allows(restriction: &Restriction, value: &Value) -> bool {
    if value.is_null() {
        return restriction.null != Some(false);
    }
    let within = |bound: &Option<Bound>, inside: Ordering| {
        let order = bound.as_ref().and_then(|bound| Some((compare(value, &bound.value)?, bound.inclusive)));
        order.is_none_or(|(order, inclusive)| order == inside || (inclusive && order.is_eq()))
    };
    let is = |other: &Value| compare(value, other).is_some_and(Ordering::is_eq);
    let multiple = match (restriction.multiple_of, value) {
        (Some(of), Value::Number(number)) if of != 0 => number.rounded(0).is_none_or(|whole| whole.units % of == 0),
        _ => true,
    };
    restriction.null != Some(true)
        && within(&restriction.low, Ordering::Greater)
        && within(&restriction.high, Ordering::Less)
        && restriction.one_of.as_ref().is_none_or(|values| values.iter().any(is))
        && !restriction.none_of.iter().any(is)
        && multiple
}

/// A parent's value as a referencing column holds it: polymorphic references keep numbers in texts.
pub(super) fn retyped(column: &Column, value: &Value) -> Value {
    match (column.family, value) {
        (Family::Text | Family::Uuid, Value::Number(number)) => Value::text(number.to_string()),
        (Family::Integer | Family::Numeric, Value::Text(text)) => {
            Number::parse(text).map_or_else(|| value.clone(), Value::Number)
        }
        _ => value.clone(),
    }
}

/// A row on its way, and who may be moved in it.
pub(super) struct Beside<'b, 'r> {
    pub(super) run: &'b Run<'r>,
    pub(super) plan: &'b Plan<'r>,
    /// The table.
    pub(super) at: usize,
    pub(super) columns: &'b Columns,
    pub(super) way: &'b Way,
    /// The randomness of a column in this row.
    pub(super) draw: &'b dyn Fn(usize) -> Draw,
}

impl Beside<'_, '_> {
    /// Brings about what the way asks of cells beside each other: sums, cells that follow from others, an order.
    pub(super) fn hold(&self, cells: &mut [Option<Value>]) {
        let asked = &self.way.alternative;
        let many = asked.relations.len() + asked.derived.len();
        for total in &asked.totals {
            self.total(total, cells);
        }
        // What one relation moves another one may mind.
        for _ in 0..(2 * many).min(6) {
            let mut is_quiet = true;
            for one in &asked.relations {
                is_quiet &= !self.relate(one, cells);
            }
            for one in &asked.derived {
                is_quiet &= !self.derive(one, cells);
            }
            if is_quiet {
                break;
            }
        }
    }

    fn is_free(&self, column: usize) -> bool {
        self.columns.sources[column] == Source::Drawn
            && !self
                .plan
                .groups
                .iter()
                .any(|group| group.columns.contains(&column) || group.type_column == Some(column))
    }

    fn base(&self, column: usize) -> Restriction {
        self.way.alternative.restrictions.get(&column).cloned().unwrap_or_default()
    }

    /// Makes one of two columns again where they stand in the wrong order. Tells whether they did.
    fn relate(&self, one: &Relation, cells: &mut [Option<Value>]) -> bool {
        let broken = |cells: &[Option<Value>]| match (&cells[one.left], &cells[one.right]) {
            (Some(left), Some(right)) if !left.is_null() && !right.is_null() => !holds(one.op, left, right),
            _ => false,
        };
        if !broken(cells) {
            return false;
        }
        self.swap(one, cells);
        for (moved, fixed, op) in [(one.right, one.left, one.op.turned()), (one.left, one.right, one.op)] {
            if broken(cells) && self.is_free(moved) {
                let value = cells[fixed].clone();
                self.make_again(moved, op, value, cells);
            }
        }
        true
    }

    /// Changes two cells over where each column may hold the other's.
    fn swap(&self, one: &Relation, cells: &mut [Option<Value>]) {
        let (left, right) = (&self.plan.table.columns[one.left], &self.plan.table.columns[one.right]);
        let fits = |column: usize, value: &Option<Value>| {
            let restriction = self.way.alternative.restrictions.get(&column);
            restriction.is_none_or(|own| value.as_ref().is_some_and(|value| allows(own, value)))
        };
        // Whoever stands in several relations would be moved to and fro.
        let touches = |column: usize| {
            let relations = self.way.alternative.relations.iter();
            relations.filter(|own| own.left == column || own.right == column).count() == 1
        };
        let is_free = self.is_free(one.left)
            && self.is_free(one.right)
            && left.declared == right.declared
            && touches(one.left)
            && touches(one.right);
        if is_free && fits(one.left, &cells[one.right]) && fits(one.right, &cells[one.left]) {
            cells.swap(one.left, one.right);
        }
    }

    /// Makes a column's cell again so that `cell op value`.
    fn make_again(&self, column: usize, op: Op, value: Option<Value>, cells: &mut [Option<Value>]) {
        let Some(value) = value else { return };
        // One that is drawn like all others is better than one that is made to measure, and cheaper.
        let mut draw = (self.draw)(column);
        for _ in 0..4 {
            let Some(field) = &self.way.fields[column] else { return };
            let other =
                field.make(&Row { number: draw.bits(), cells, subject: Subject(draw.bits()), people: &[] }, &mut draw);
            if !other.is_null() && holds(op, &other, &value) {
                cells[column] = Some(other);
                return;
            }
        }
        let Some(restriction) = narrowed(self.base(column), op, &value) else { return };
        if let Ok(field) = made(self.run, self.plan, self.at, column, restriction) {
            let row = Row { number: 0, cells, subject: Subject(0), people: &[] };
            let value = field.make(&row, &mut (self.draw)(column));
            cells[column] = Some(value);
        }
    }

    /// Sets a column to what it follows from, or within what it is bounded by. Tells whether it had to.
    fn derive(&self, one: &Derived, cells: &mut [Option<Value>]) -> bool {
        let is_there = cells[one.column].as_ref().is_some_and(|value| !value.is_null());
        if !is_there || !self.is_free(one.column) {
            return false;
        }
        let Some(value) = one.expression.value(cells).filter(|value| !value.is_null()) else { return false };
        if cells[one.column].as_ref().is_some_and(|own| holds(one.op, own, &value)) {
            return false;
        }
        let own = &self.plan.table.columns[one.column];
        match (one.op, &value) {
            (Op::Equal, Value::Number(number)) => {
                let places = fit::places(own).unwrap_or(number.places);
                cells[one.column] = number.rounded(places).map(Value::Number);
            }
            (Op::Equal, _) => cells[one.column] = Some(value),
            _ => self.make_again(one.column, one.op, Some(value), cells),
        }
        true
    }

    /// Splits what columns add up to among them at random, each within its own bounds.
    fn total(&self, one: &Total, cells: &mut [Option<Value>]) {
        let Value::Number(total) = one.value else { return };
        let some = |column: &usize| cells[*column].as_ref().is_some_and(|value| !value.is_null());
        let columns: Vec<usize> = one.columns.iter().copied().filter(some).collect();
        let number = |column: usize, cells: &[Option<Value>]| cells[column].as_ref().and_then(Value::number);
        let sum = columns.iter().try_fold(Number::whole(0), |sum, &column| sum.plus(number(column, cells)?));
        if columns.len() != one.columns.len() || sum.is_some_and(|sum| one.op.takes(sum.cmp(&total))) {
            return;
        }
        let places =
            columns.iter().filter_map(|&column| fit::places(&self.plan.table.columns[column])).min().unwrap_or(0);
        let unit = |number: Number| number.rounded(places).map(|number| number.units);
        let end = |bound: Option<Bound>, open: i128| {
            bound.and_then(|bound| Some(unit(bound.value.number()?)? + if bound.inclusive { 0 } else { open }))
        };
        let Some(mut left) = unit(total) else { return };
        left += match one.op {
            Op::Less => -1,
            Op::Greater => 1,
            _ => 0,
        };
        let lows: Vec<i128> = columns.iter().map(|&column| end(self.base(column).low, 1).unwrap_or(0)).collect();
        let highs: Vec<i128> =
            columns.iter().map(|&column| end(self.base(column).high, -1).unwrap_or(i128::MAX / 64)).collect();
        for (at, &column) in columns.iter().enumerate() {
            let least: i128 = lows[at + 1..].iter().sum();
            let most: i128 = highs[at + 1..].iter().fold(0, |sum: i128, high| sum.saturating_add(*high));
            // What the others can take at most and must take at least.
            let (low, high) = (lows[at].max(left.saturating_sub(most)), highs[at].min(left - least));
            let share = if at + 1 == columns.len() { high } else { (self.draw)(column).between(low, high.max(low)) };
            // A third of the columns would take everything if all were drawn evenly.
            let share = if at + 1 < columns.len() && columns.len() > 2 { low + (share - low) / 2 } else { share };
            let share = share.max(low);
            left -= share;
            cells[column] = Some(Value::Number(Number::new(share, places)));
        }
    }
}

/// A restriction that also asks for `op value`; none where nothing can be left.
fn narrowed(mut restriction: Restriction, op: Op, value: &Value) -> Option<Restriction> {
    restriction.null = Some(false);
    let bound = |inclusive| Bound { value: value.clone(), inclusive };
    let tighter = |old: Option<Bound>, new: Bound, tighter: Ordering| match old {
        Some(old) if compare(&new.value, &old.value).is_some_and(|order| order == tighter) => Some(new),
        Some(old) if old.value == new.value => Some(Bound { inclusive: old.inclusive && new.inclusive, ..old }),
        Some(old) => Some(old),
        None => Some(new),
    };
    match op {
        Op::Equal => restriction.one_of = allows(&restriction, value).then(|| vec![value.clone()]),
        Op::NotEqual => restriction.none_of.push(value.clone()),
        Op::Less | Op::AtMost => {
            restriction.high = tighter(restriction.high.take(), bound(op == Op::AtMost), Ordering::Less);
        }
        Op::Greater | Op::AtLeast => {
            restriction.low = tighter(restriction.low.take(), bound(op == Op::AtLeast), Ordering::Greater);
        }
    }
    if op == Op::Equal && restriction.one_of.is_none() {
        return None;
    }
    Some(restriction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restrictions_let_through_what_they_allow() {
        let bound = |number: i128, inclusive| Some(Bound { value: Value::whole(number), inclusive });
        let range = Restriction { low: bound(1, true), high: bound(5, false), ..Restriction::default() };
        let seen: Vec<bool> = [0, 1, 4, 5].map(|number| allows(&range, &Value::whole(number))).to_vec();
        assert_eq!(seen, [false, true, true, false]);
        assert!(allows(&range, &Value::Null));
        assert!(!allows(&Restriction { null: Some(false), ..range.clone() }, &Value::Null));
        let narrow = narrowed(range.clone(), Op::Greater, &Value::whole(3)).unwrap();
        assert!(allows(&narrow, &Value::whole(4)) && !allows(&narrow, &Value::whole(3)));
        assert!(narrowed(range, Op::Equal, &Value::whole(9)).is_none());
    }
}
