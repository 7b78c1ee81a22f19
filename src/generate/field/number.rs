//! Numbers: usual ranges by name, exact within type and restriction, and totals that agree with what they are the total of.

use super::guard::{self, Guard};
use super::makers::Sum;
use super::span::{Span, Spread};
use super::types::Type;
use super::{Field, Made, Row, Spec};
use crate::generate::draw::Draw;
use crate::generate::restriction::{Bound, Restriction};
use crate::generate::value::{Number, Value};

/// What is usual for a number of some name, in hundredths.
#[derive(Debug, Clone, Copy)]
pub struct Usual {
    /// From where.
    pub near: i64,
    /// To where.
    pub far: i64,
    /// How they spread.
    pub spread: Spread,
    /// Whether the hundredths matter, where the type has places for them.
    pub whole: bool,
}

/// A number of which nothing is known.
pub(super) static PLAIN: Usual = Usual { near: 100, far: 100_000, spread: Spread::Even, whole: true };

/// How a number is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Exact,
    Real,
    Text,
}

pub(super) struct Numbers {
    span: Span,
    spread: Spread,
    places: u8,
    shown: Shown,
    guard: Guard,
    /// Values that the restriction forbids, as numbers of the span.
    holes: Holes,
    edge: bool,
}

/// What is left out of a numbered list, so that numbering skips it: each forbidden element is exchanged for one behind the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Holes(Vec<i128>);

impl Holes {
    pub(super) fn of(mut forbidden: Vec<i128>, allowed: impl Fn(i128) -> bool) -> Self {
        forbidden.retain(|number| allowed(*number));
        forbidden.sort_unstable();
        forbidden.dedup();
        Self(forbidden)
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn capacity(&self, all: u64) -> u64 {
        all.saturating_sub(self.0.len() as u64)
    }

    /// The element for `n`, where `nth` numbers all of them.
    pub(super) fn nth(&self, all: u64, n: u64, nth: impl Fn(u64) -> i128) -> i128 {
        let mut found = nth(n);
        // As often as there are forbidden ones at most.
        for _ in 0..=self.0.len() {
            match self.0.binary_search(&found) {
                Ok(at) => found = nth(self.capacity(all) + at as u64),
                Err(_) => break,
            }
        }
        found
    }
}

/// The ends of a range of whole units of ten to the minus `places`, as far as the restriction leaves them.
pub(super) fn ends(restriction: &Restriction, low: i128, high: i128, places: u8) -> (i128, i128) {
    let units = |bound: &Bound, up: bool| {
        let number = guard::number(&bound.value)?;
        let rounded = number.rounded(places)?;
        // Rounding may have gone the wrong way, and an end may be out.
        let wrong = if up { rounded < number } else { rounded > number };
        let out = !bound.inclusive && rounded == number;
        let step = if up { 1 } else { -1 };
        Some(rounded.units + if wrong || out { step } else { 0 })
    };
    let low = restriction.low.as_ref().and_then(|bound| units(bound, true)).map_or(low, |found| found.max(low));
    let high = restriction.high.as_ref().and_then(|bound| units(bound, false)).map_or(high, |found| found.min(high));
    (low, high)
}

fn numbers(spec: &Spec<'_>, kind: &Type, usual: &Usual) -> Result<Numbers, String> {
    let (low, high, places, shown) = match kind {
        Type::Number { low, high, places } => (*low, *high, *places, Shown::Exact),
        Type::Real { single } => {
            // As many digits as come back from the server; behind the point where a condition leaves little else.
            let digits: u8 = if *single { 6 } else { 12 };
            let (low, high) = ends(spec.restriction, -10_000, 10_000, 2);
            let is_narrow = [low, high].iter().all(|end| end.abs() < 1000);
            let places = if is_narrow { digits - 1 } else { 2 };
            let most = 10_i128.pow(digits.into());
            (-most, most, places, Shown::Real)
        }
        Type::Year => (1901, 2155, 0, Shown::Exact),
        Type::Text { room } => {
            let most = 10_i128.pow((*room).min(12)) - 1;
            (0, most, 0, Shown::Text)
        }
        _ => return Err("its type holds no numbers".to_owned()),
    };
    let rule = spec.restriction;
    let ends = ends(rule, low, high, places);
    let one = 10_i128.pow(places.into());
    let step = rule.multiple_of.filter(|step| *step != 0).map_or(1, |step| step.saturating_abs().saturating_mul(one));
    let step = if usual.whole && step == 1 && places > 0 && ends.0.checked_add(one).is_some_and(|next| next <= ends.1) {
        one
    } else {
        step
    };
    let units = |hundredths: i64| i128::from(hundredths) * one / 100;
    let near = if usual.near > 0 { units(usual.near).max(1) } else { units(usual.near) };
    let span = Span::new(ends, (near, units(usual.far).max(near)), step)
        .ok_or_else(|| "no number of its type keeps to its conditions".to_owned())?;
    let forbidden =
        rule.none_of.iter().filter_map(|value| Some(guard::number(value)?.rounded(places)?.units)).collect();
    let holes =
        Holes::of(forbidden, |number| (span.low..=span.high).contains(&number) && (number - span.low) % span.step == 0);
    if holes.capacity(span.count()) == 0 {
        return Err("no number of its type keeps to its conditions".to_owned());
    }
    let guard = Guard::of(spec);
    Ok(Numbers { span, spread: usual.spread, places, shown, guard, holes, edge: spec.edge })
}

/// The field of a column of numbers.
pub(super) fn of(spec: &Spec<'_>, kind: &Type, usual: &Usual) -> Made {
    Ok(Box::new(numbers(spec, kind, usual)?))
}

/// The field of a column of texts that are numbers.
pub(super) fn of_text(spec: &Spec<'_>, room: u32, usual: &Usual) -> Made {
    let rule = spec.restriction;
    if !rule.like.is_empty() || !rule.matches.is_empty() || rule.length.0.is_some() || rule.length.1.is_some() {
        return super::text::of(spec, room, None);
    }
    of(spec, &Type::Text { room }, usual)
}

impl Numbers {
    pub(super) fn value(&self, units: i128) -> Value {
        let number = Number::new(units, self.places);
        match self.shown {
            Shown::Exact => Value::Number(number),
            Shown::Real => Value::Real(number.real()),
            Shown::Text => Value::Text(number.to_string()),
        }
    }

    fn all(&self) -> u64 {
        self.span.count()
    }
}

impl Field for Numbers {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        if self.edge && draw.chance(0.2) {
            let zero = self.span.low.max(0).min(self.span.high);
            let extreme = self.value(*draw.pick(&[self.span.low, self.span.high, zero - zero % self.span.step]));
            if self.guard.holds(&extreme) {
                return extreme;
            }
        }
        let cents = 10_i128.pow(self.places.into()) / 100;
        for _ in 0..8 {
            let value = self.value(self.span.draw(self.spread, cents, draw));
            if self.holes.0.is_empty() || self.guard.holds(&value) {
                return value;
            }
        }
        let left = self.holes.capacity(self.all());
        self.value(self.holes.nth(self.all(), draw.below(left), |n| self.span.nth(n)))
    }

    fn capacity(&self) -> u64 {
        self.holes.capacity(self.all())
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        self.value(self.holes.nth(self.all(), n, |n| self.span.nth(n)))
    }
}

/// A number that other columns of the row add up to.
struct Total {
    numbers: Numbers,
    parts: Vec<(usize, Sum)>,
}

/// The field of a total: what the columns it is made of come to, where the type has room for it.
pub(super) fn total(spec: &Spec<'_>, kind: &Type, total: &'static super::makers::Total) -> Made {
    let numbers = numbers(spec, kind, &total.usual)?;
    let parts = super::makers::parts_of(spec, total);
    if parts.is_empty() { Ok(Box::new(numbers)) } else { Ok(Box::new(Total { numbers, parts })) }
}

impl Total {
    /// None where a part is NULL, or where there is no room.
    fn sum(&self, row: &Row<'_>, draw: &mut Draw) -> Option<Value> {
        let mut sum: Option<Number> = None;
        for (column, how) in &self.parts {
            let part = guard::number(row.cell(*column)?)?;
            sum = Some(match (sum, how) {
                (None, Sum::Partly) => part.times(Number::new(*draw.pick(&[0, 0, 5, 10, 10, 10]), 1))?,
                (None, _) => part,
                (Some(sum), Sum::Times) => sum.times(part)?,
                (Some(sum), Sum::Plus | Sum::Partly) => sum.plus(part)?,
                (Some(sum), Sum::Minus) => sum.minus(part)?,
            });
        }
        let (number, span) = (sum?.rounded(self.numbers.places)?, &self.numbers.span);
        let value = self.numbers.value(number.units);
        ((span.low..=span.high).contains(&number.units) && self.numbers.guard.holds(&value)).then_some(value)
    }
}

impl Field for Total {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        self.sum(row, draw).unwrap_or_else(|| self.numbers.make(row, draw))
    }

    fn capacity(&self) -> u64 {
        self.numbers.capacity()
    }

    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        self.numbers.nth(n, row)
    }

    fn needs(&self) -> Vec<usize> {
        self.parts.iter().map(|(column, _)| *column).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_taken_as_they_are_meant() {
        let bound =
            |text: &str, inclusive| Some(Bound { value: Value::Number(Number::parse(text).unwrap()), inclusive });
        let rule = |low, high| Restriction { low, high, ..Restriction::default() };
        assert_eq!(ends(&rule(bound("0", false), bound("10", false)), -5, 100, 0), (1, 9));
        assert_eq!(ends(&rule(bound("0.5", false), bound("9.5", true)), -5, 100, 0), (1, 9));
        assert_eq!(ends(&rule(bound("0", true), bound("0.125", true)), -500, 500, 2), (0, 12));
    }
}
