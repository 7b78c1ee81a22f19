//! An alternative while it is put together: what single demands say of columns, and whether they contradict each other.

use super::Truth;
use super::datum::{About, Datum};
use super::evaluate::{Row, truth};
use super::goal::Atom;
use super::solve::{Alternative, Derived, Total};
use crate::generate::restriction::{Bound, Op, Relation, Restriction};
use crate::generate::value::{Number, Value};
use crate::model::schema::Family;
use std::cmp::Ordering;

/// Ranges of so many values are written out where some of them are left out.
const WRITTEN_OUT: i128 = 64;

/// An alternative with the demands that it came from.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    pub(super) about: &'a About,
    pub(super) made: Alternative,
    /// Demands on one column each, to hold values against.
    atoms: Vec<&'a Atom>,
    /// Whether two demands contradict each other.
    broken: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(about: &'a About) -> Self {
        Self { about, made: Alternative::default(), atoms: Vec::new(), broken: false }
    }

    /// What is left of a column.
    pub(super) fn of(&mut self, column: usize) -> &mut Restriction {
        self.made.restrictions.entry(column).or_default()
    }

    /// Keeps a demand to hold values against.
    pub(super) fn keep(&mut self, atom: &'a Atom) {
        self.atoms.push(atom);
    }

    pub(super) fn set_null(&mut self, column: usize, null: bool) {
        let own = &mut self.of(column).null;
        let clash = own.is_some_and(|own| own != null);
        *own = Some(null);
        self.broken |= clash;
    }

    /// Adds `column op value`.
    pub(super) fn bound(&mut self, column: usize, op: Op, value: Value) {
        let own = self.of(column);
        let inclusive = !matches!(op, Op::Less | Op::Greater);
        match op {
            Op::Equal => self.one_of(column, vec![value]),
            Op::NotEqual => own.none_of.push(value),
            Op::Greater | Op::AtLeast => raise(&mut own.low, Bound { value, inclusive }, Ordering::Greater),
            Op::Less | Op::AtMost => raise(&mut own.high, Bound { value, inclusive }, Ordering::Less),
        }
    }

    pub(super) fn one_of(&mut self, column: usize, values: Vec<Value>) {
        let own = self.of(column);
        match &mut own.one_of {
            Some(known) => known.retain(|value| values.contains(value)),
            None => {
                let mut once: Vec<Value> = Vec::with_capacity(values.len());
                for value in values {
                    if !once.contains(&value) {
                        once.push(value);
                    }
                }
                own.one_of = Some(once);
            }
        }
    }

    /// Adds a number of characters at least and at most.
    pub(super) fn length(&mut self, column: usize, least: Option<u32>, most: Option<u32>) {
        let own = self.of(column);
        own.length.0 = own.length.0.max(least);
        own.length.1 = match (own.length.1, most) {
            (Some(own), Some(most)) => Some(own.min(most)),
            (own, most) => own.or(most),
        };
    }

    pub(super) fn relate(&mut self, left: usize, op: Op, right: usize) {
        let turned = matches!(op, Op::Greater | Op::AtLeast);
        let relation =
            if turned { Relation { left: right, op: op.turned(), right: left } } else { Relation { left, op, right } };
        if left == right {
            // Nothing is less than itself, but of NULL nobody knows.
            if !op.takes(Ordering::Equal) {
                self.set_null(left, true);
            }
        } else if !self.made.relations.contains(&relation) {
            self.made.relations.push(relation);
        }
    }

    pub(super) fn derive(&mut self, derived: Derived) {
        self.made.derived.push(derived);
    }

    pub(super) fn total(&mut self, total: Total) {
        self.made.totals.push(total);
    }

    pub(super) fn unsolved(&mut self, check: usize) {
        if !self.made.unsolved.contains(&check) {
            self.made.unsolved.push(check);
        }
    }

    /// Sets what must be the same, or differ, once and for all.
    pub(super) fn fix<T: PartialEq>(slot: &mut Option<T>, wanted: T) -> bool {
        let clash = slot.as_ref().is_some_and(|own| *own != wanted);
        *slot = Some(wanted);
        clash
    }

    pub(super) fn break_if(&mut self, clash: bool) {
        self.broken |= clash;
    }

    /// The alternative, simplified. None where its demands contradict each other.
    pub(super) fn finished(mut self) -> Option<Alternative> {
        if self.broken {
            return None;
        }
        let columns: Vec<usize> = self.made.restrictions.keys().copied().collect();
        for column in columns {
            self.simplify(column)?;
        }
        self.relations()?;
        let is_null = |column: usize, made: &Alternative| {
            made.restrictions.get(&column).is_some_and(|own| own.null == Some(true))
        };
        let mut made = self.made;
        let before = made.clone();
        made.relations.retain(|relation| !is_null(relation.left, &before) && !is_null(relation.right, &before));
        made.totals.retain(|total| !total.columns.iter().any(|column| is_null(*column, &before)));
        made.derived.retain(|derived| {
            !is_null(derived.column, &before) && !derived.expression.columns().iter().any(|at| is_null(*at, &before))
        });
        made.restrictions.retain(|_, restriction| *restriction != Restriction::default());
        Some(made)
    }

    /// Makes a column NULL that has no value left; none where it may not be NULL.
    fn give_up(&mut self, column: usize) -> Option<()> {
        let may_be = self.about.slots[column].nullable && self.of(column).null != Some(false);
        *self.of(column) = Restriction { null: Some(true), ..Restriction::default() };
        may_be.then_some(())
    }

    fn simplify(&mut self, column: usize) -> Option<()> {
        let slot = &self.about.slots[column];
        let (family, places, most, nullable) = (slot.family, slot.places, slot.length, slot.nullable);
        let own = self.of(column);
        if own.null == Some(true) {
            return self.give_up(column).filter(|()| nullable);
        }
        close(&mut own.low, family, places, 1);
        close(&mut own.high, family, places, -1);
        if own.length.0.is_some_and(|least| own.length.1.or(most).is_some_and(|most| least > most)) {
            return self.give_up(column);
        }
        if family == Family::Boolean && own.one_of.is_none() && !own.none_of.is_empty() {
            own.one_of = Some(vec![Value::Boolean(false), Value::Boolean(true)]);
        }
        if let (None, Some((low, high))) = (&own.one_of, whole_range(own))
            && high - low < WRITTEN_OUT
            && (!own.none_of.is_empty() || own.multiple_of.is_some())
        {
            own.one_of = Some((low..=high).map(Value::whole).collect());
        }
        if let Some(values) = own.one_of.take() {
            let kept = self.kept(column, values);
            if kept.is_empty() {
                return self.give_up(column);
            }
            let own = self.of(column);
            *own = Restriction { null: own.null, one_of: Some(kept), ..Restriction::default() };
            return Some(());
        }
        if is_empty(self.of(column)) { self.give_up(column) } else { Some(()) }
    }

    /// The values that no demand on the column alone forbids.
    fn kept(&mut self, column: usize, values: Vec<Value>) -> Vec<Value> {
        let own = self.of(column).clone();
        let slot = &self.about.slots[column];
        let mut cells: Vec<Option<Value>> = vec![None; self.about.slots.len()];
        let atoms: Vec<&Atom> = self.atoms.iter().filter(|atom| atom.term.columns() == [column]).copied().collect();
        let mut kept = Vec::new();
        for value in values {
            let too_long = match (&value, slot.length) {
                (Value::Text(text), Some(most)) => text.chars().count() > most as usize,
                _ => false,
            };
            let too_fine = match (&value, slot.family, slot.places) {
                (Value::Number(number), Family::Integer, _) => number.rounded(0) != Some(*number),
                (Value::Number(number), _, Some(places)) => number.rounded(places) != Some(*number),
                _ => false,
            };
            cells[column] = Some(value.clone());
            let row = Row { about: self.about, cells: &cells };
            let passes = atoms.iter().all(|atom| truth(&atom.term, row) != Truth::False);
            if passes && !too_long && !too_fine && lies_in(&value, &own) && !own.none_of.contains(&value) {
                kept.push(value);
            }
        }
        kept
    }

    /// Hands ranges along the relations between columns.
    fn relations(&mut self) -> Option<()> {
        let relations = self.made.relations.clone();
        for _ in 0..=relations.len() {
            for Relation { left, op, right } in &relations {
                let is_null = |draft: &mut Self, at: usize| draft.of(at).null == Some(true);
                if is_null(self, *left) || is_null(self, *right) {
                    continue;
                }
                let (one, other) = (self.of(*left).clone(), self.of(*right).clone());
                let inclusive = *op != Op::Less;
                let tighter = |bound: Option<Bound>| {
                    bound.map(|bound| Bound { inclusive: bound.inclusive && inclusive, value: bound.value })
                };
                match op {
                    Op::Equal => {
                        self.take_over(*left, &other);
                        self.take_over(*right, &one);
                    }
                    Op::Less | Op::AtMost => {
                        if let Some(high) = tighter(highest(&other)) {
                            self.bound(*left, if high.inclusive { Op::AtMost } else { Op::Less }, high.value);
                        }
                        if let Some(low) = tighter(lowest(&one)) {
                            self.bound(*right, if low.inclusive { Op::AtLeast } else { Op::Greater }, low.value);
                        }
                    }
                    _ => {}
                }
                self.simplify(*left)?;
                self.simplify(*right)?;
            }
        }
        self.circles(&relations)
    }

    fn take_over(&mut self, column: usize, other: &Restriction) {
        if let Some(values) = &other.one_of {
            self.one_of(column, values.clone());
        }
        for (bound, is_low) in [(&other.low, true), (&other.high, false)] {
            let Some(bound) = bound else { continue };
            let op = match (is_low, bound.inclusive) {
                (true, true) => Op::AtLeast,
                (true, false) => Op::Greater,
                (false, true) => Op::AtMost,
                (false, false) => Op::Less,
            };
            self.bound(column, op, bound.value.clone());
        }
    }

    /// Two columns cannot be less than each other, nor equal and not equal.
    fn circles(&mut self, relations: &[Relation]) -> Option<()> {
        let live = |draft: &mut Self, relation: &Relation| {
            draft.of(relation.left).null != Some(true) && draft.of(relation.right).null != Some(true)
        };
        for one in relations {
            for other in relations {
                let same = (one.left, one.right) == (other.left, other.right);
                let turned = (one.left, one.right) == (other.right, other.left);
                let clash = match (one.op, other.op) {
                    (Op::Less, Op::Less | Op::AtMost) => turned,
                    (Op::Equal, Op::Less | Op::NotEqual) => same || turned,
                    _ => false,
                };
                if clash && live(self, one) {
                    let may_be =
                        |draft: &mut Self, at: usize| draft.about.slots[at].nullable && draft.of(at).null.is_none();
                    let given = [one.left, one.right].into_iter().find(|at| may_be(self, *at))?;
                    self.give_up(given)?;
                }
            }
        }
        Some(())
    }
}

/// The order of two values of one kind.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::Real(left), Value::Real(right)) => left.partial_cmp(right),
        (Value::Number(left), Value::Real(right)) => left.real().partial_cmp(right),
        (Value::Real(left), Value::Number(right)) => left.partial_cmp(&right.real()),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Time(left), Value::Time(right)) | (Value::Timestamp(left), Value::Timestamp(right)) => {
            Some(left.cmp(right))
        }
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Takes the bound that leaves less.
fn raise(own: &mut Option<Bound>, new: Bound, wins: Ordering) {
    let tighter = match own {
        None => true,
        Some(own) => match order(&new.value, &own.value) {
            Some(Ordering::Equal) => own.inclusive && !new.inclusive,
            Some(order) => order == wins,
            None => false,
        },
    };
    if tighter {
        *own = Some(new);
    }
}

/// Moves an end that is not in the range itself to the next value that is, where the type has such a one.
fn close(end: &mut Option<Bound>, family: Family, places: Option<u8>, step: i32) {
    let Some(bound) = end else { return };
    let moved = i128::from(i32::from(!bound.inclusive) * step);
    match &mut bound.value {
        Value::Number(number) => {
            let places = match (family, places) {
                (Family::Integer, _) => 0,
                (_, Some(places)) => places,
                _ => return,
            };
            let Some(scale) = 10_i128.checked_pow(u32::from(number.places.saturating_sub(places))) else {
                return;
            };
            // Digits that the column does not keep.
            let cut = number.units.div_euclid(scale);
            let is_cut = number.units.rem_euclid(scale) != 0;
            let units = match (is_cut, step > 0) {
                (true, true) => cut + 1,
                (true, false) => cut,
                (false, _) => {
                    let Some(rounded) = number.rounded(places) else {
                        return;
                    };
                    rounded.units + moved
                }
            };
            *number = Number { units, places };
            bound.inclusive = true;
        }
        Value::Date(date) => {
            *date = date.saturating_add(i32::from(!bound.inclusive) * step);
            bound.inclusive = true;
        }
        _ => {}
    }
}

/// The whole numbers between the ends, where it has both.
fn whole_range(own: &Restriction) -> Option<(i128, i128)> {
    let whole = |bound: &Option<Bound>| match bound {
        Some(Bound { value: Value::Number(Number { units, places: 0 }), inclusive: true }) => Some(*units),
        _ => None,
    };
    Some((whole(&own.low)?, whole(&own.high)?))
}

fn is_empty(own: &Restriction) -> bool {
    if let (Some((low, high)), Some(step)) = (whole_range(own), own.multiple_of) {
        return high.div_euclid(step) * step < low;
    }
    match (&own.low, &own.high) {
        (Some(low), Some(high)) => match order(&low.value, &high.value) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => !(low.inclusive && high.inclusive) || own.none_of.contains(&low.value),
            _ => false,
        },
        _ => false,
    }
}

fn lies_in(value: &Value, own: &Restriction) -> bool {
    let within = |bound: &Option<Bound>, outside: Ordering| match bound {
        Some(bound) => match order(value, &bound.value) {
            Some(Ordering::Equal) => bound.inclusive,
            Some(order) => order != outside,
            None => true,
        },
        None => true,
    };
    let multiple = match (value, own.multiple_of) {
        (Value::Number(number), Some(step)) => number.rounded(0).is_some_and(|whole| whole.units % step == 0),
        _ => true,
    };
    // The order of texts is that of a collation, which the demands themselves are held against.
    multiple
        && (matches!(value, Value::Text(_)) || within(&own.low, Ordering::Less) && within(&own.high, Ordering::Greater))
}

fn lowest(own: &Restriction) -> Option<Bound> {
    extreme(own, Ordering::Less).or_else(|| own.low.clone())
}

fn highest(own: &Restriction) -> Option<Bound> {
    extreme(own, Ordering::Greater).or_else(|| own.high.clone())
}

fn extreme(own: &Restriction, wins: Ordering) -> Option<Bound> {
    let mut values = own.one_of.as_ref()?.iter();
    let mut best = values.next()?;
    for value in values {
        if order(value, best)? == wins {
            best = value;
        }
    }
    // Collations put texts in another order.
    (!matches!(best, Value::Text(_))).then(|| Bound { value: best.clone(), inclusive: true })
}

/// A whole number as a length.
pub(super) fn length_of(datum: &Datum) -> Option<i64> {
    match datum {
        Datum::Int(whole) => i64::try_from(*whole).ok(),
        Datum::Number(number) => {
            number.rounded(0).filter(|whole| whole == number).and_then(|whole| i64::try_from(whole.units).ok())
        }
        _ => None,
    }
}
