//! True and false: how often which, by name.

use super::makers::Make;
use super::{Field, Row, Spec};
use crate::generate::draw::Draw;
use crate::generate::value::Value;

struct Flag {
    share: f64,
    number: bool,
    allowed: Vec<bool>,
}

/// The field of a column of flags.
pub(super) fn of(spec: &Spec<'_>, number: bool, make: Option<&'static Make>) -> Box<dyn Field> {
    let share = if let Some(Make::Flag(share)) = make { *share } else { 0.35 };
    let share = if spec.edge { 0.5 } else { share };
    let guard = super::guard::Guard::of(spec);
    let mut allowed = vec![false, true];
    allowed.retain(|flag| guard.holds(&value(*flag, number)));
    if allowed.is_empty() {
        allowed.push(false);
    }
    Box::new(Flag { share, number, allowed })
}

fn value(flag: bool, number: bool) -> Value {
    if number { Value::whole(flag) } else { Value::Boolean(flag) }
}

impl Field for Flag {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        let drawn = draw.chance(self.share);
        value(if self.allowed.contains(&drawn) { drawn } else { !drawn }, self.number)
    }

    fn capacity(&self) -> u64 {
        self.allowed.len() as u64
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        let at = usize::try_from(n).unwrap_or(0) % self.allowed.len();
        value(self.allowed[at], self.number)
    }
}
