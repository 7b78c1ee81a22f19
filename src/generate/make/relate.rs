//! Cells beside each other: how they compare, whether a restriction allows one, and columns that must stand in an order.

use super::Run;
use super::columns::Columns;
use super::columns::{Source, Way, made};
use super::shape::Plan;
use crate::generate::draw::Draw;
use crate::generate::field::{Row, Subject};
use crate::generate::restriction::{Bound, Op, Relation, Restriction};
use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, Family};
use std::cmp::Ordering;

/// How two cells compare, where they are of a kind.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::Real(left), Value::Real(right)) => left.partial_cmp(right),
        (Value::Real(left), Value::Number(right)) => left.partial_cmp(&right.real()),
        (Value::Number(left), Value::Real(right)) => left.real().partial_cmp(right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Time(left), Value::Time(right)) | (Value::Timestamp(left), Value::Timestamp(right)) => {
            Some(left.cmp(right))
        }
        (Value::Date(left), Value::Timestamp(right)) => Some(midnight(*left).cmp(right)),
        (Value::Timestamp(left), Value::Date(right)) => Some(left.cmp(&midnight(*right))),
        _ => None,
    }
}

fn midnight(days: i32) -> i64 {
    i64::from(days) * 86_400_000_000
}

/// Whether a comparison holds; where the cells are not of a kind nobody knows, and it is left to others to say no.
fn holds(op: Op, left: &Value, right: &Value) -> bool {
    let Some(order) = compare(left, right) else { return true };
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::AtMost => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::AtLeast => order.is_ge(),
    }
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

/// Brings cells into the order that the way asks for, by making one of the two again.
pub(super) fn hold(
    run: &Run<'_>,
    plan: &Plan<'_>,
    at: usize,
    columns: &Columns,
    way: &Way,
    cells: &mut [Option<Value>],
    draw: &dyn Fn(usize) -> Draw,
) {
    let is_free = |column: usize| {
        columns.sources[column] == Source::Drawn && !plan.groups.iter().any(|group| group.columns.contains(&column))
    };
    let broken = |cells: &[Option<Value>], one: &Relation| match (&cells[one.left], &cells[one.right]) {
        (Some(left), Some(right)) if !left.is_null() && !right.is_null() => !holds(one.op, left, right),
        _ => false,
    };
    // What one relation moves another one may mind.
    for _ in 0..way.alternative.relations.len().min(4) {
        let mut is_quiet = true;
        for one in &way.alternative.relations {
            if !broken(cells, one) {
                continue;
            }
            is_quiet = false;
            for (moved, fixed, op) in [(one.right, one.left, turned(one.op)), (one.left, one.right, one.op)] {
                if !is_free(moved) || !broken(cells, one) {
                    continue;
                }
                let Some(value) = cells[fixed].clone() else { continue };
                let base = way.alternative.restrictions.get(&moved).cloned().unwrap_or_default();
                let Some(restriction) = narrowed(base, op, value) else { continue };
                if let Ok(field) = made(run, plan, at, moved, restriction) {
                    let row = Row { number: 0, cells, subject: Subject(0), people: &[] };
                    let value = field.make(&row, &mut draw(moved));
                    cells[moved] = Some(value);
                }
            }
        }
        if is_quiet {
            break;
        }
    }
}

/// The same comparison seen from the other side.
fn turned(op: Op) -> Op {
    match op {
        Op::Less => Op::Greater,
        Op::AtMost => Op::AtLeast,
        Op::Greater => Op::Less,
        Op::AtLeast => Op::AtMost,
        same => same,
    }
}

/// A restriction that also asks for `op value`; none where nothing can be left.
fn narrowed(mut restriction: Restriction, op: Op, value: Value) -> Option<Restriction> {
    restriction.null = Some(false);
    let bound = |inclusive| Bound { value: value.clone(), inclusive };
    let tighter = |old: Option<Bound>, new: Bound, tighter: Ordering| match old {
        Some(old) if compare(&new.value, &old.value).is_some_and(|order| order == tighter) => Some(new),
        Some(old) if old.value == new.value => Some(Bound { inclusive: old.inclusive && new.inclusive, ..old }),
        Some(old) => Some(old),
        None => Some(new),
    };
    match op {
        Op::Equal => restriction.one_of = allows(&restriction, &value).then(|| vec![value.clone()]),
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
        let narrow = narrowed(range.clone(), Op::Greater, Value::whole(3)).unwrap();
        assert!(allows(&narrow, &Value::whole(4)) && !allows(&narrow, &Value::whole(3)));
        assert!(narrowed(range, Op::Equal, Value::whole(9)).is_none());
    }
}
