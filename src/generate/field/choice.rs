//! One of a list, and NULL.

use super::guard::{self, Guard};
use super::makers::Maker;
use super::types::Type;
use super::{Field, Made, Row, Spec};
use crate::generate::draw::Draw;
use crate::generate::value::Value;
use std::cmp::Ordering;

/// NULL in every row.
pub(super) struct Nulls;

impl Field for Nulls {
    fn make(&self, _: &Row<'_>, _: &mut Draw) -> Value {
        Value::Null
    }
}

/// One of some values, those in front more often.
struct Choice(Vec<Value>);

fn choice(spec: &Spec<'_>, values: Vec<Value>) -> Made {
    let guard = Guard::of(spec);
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in values.into_iter().filter(|value| !value.is_null() && guard.holds(value)) {
        if !kept.iter().any(|other| guard::compare(other, &value) == Some(Ordering::Equal)) {
            kept.push(value);
        }
    }
    if kept.is_empty() {
        return Err("none of the values that it may have keeps to its conditions".to_owned());
    }
    Ok(Box::new(Choice(kept)))
}

/// The field of a column that may hold these values only.
pub(super) fn of_values(spec: &Spec<'_>, kind: &Type, values: &[Value]) -> Made {
    choice(spec, values.iter().filter_map(|value| as_type(value, kind)).collect())
}

/// The field of an enum.
pub(super) fn of_labels(spec: &Spec<'_>, labels: &[String]) -> Made {
    // MySQL's empty label is an error that was let through.
    let real = labels.iter().filter(|label| !label.is_empty());
    choice(spec, real.map(Value::text).collect())
}

/// The field of MySQL's set: up to three of the labels, in their order.
pub(super) fn of_set(spec: &Spec<'_>, labels: &[String]) -> Made {
    let count = labels.len().min(10);
    let picked = |bits: usize| {
        let chosen = labels.iter().take(count).enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        chosen.map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(",")
    };
    choice(spec, (1..1_usize << count).map(|bits| Value::Text(picked(bits))).collect())
}

/// A value of a condition as one of the column's type; none where it cannot be one.
fn as_type(value: &Value, kind: &Type) -> Option<Value> {
    Some(match kind {
        Type::Number { low, high, places } => {
            let number = guard::number(value)?;
            let exact = number.rounded(*places).filter(|exact| *exact == number)?;
            Value::Number(exact).number().filter(|exact| (*low..=*high).contains(&exact.units)).map(Value::Number)?
        }
        Type::Year => Value::Number(guard::number(value)?),
        Type::Real { .. } => Value::Real(guard::number(value)?.real()),
        Type::Boolean { number } => {
            let yes = match value {
                Value::Text(text) => matches!(text.to_lowercase().as_str(), "t" | "true" | "yes" | "y" | "on" | "1"),
                other => guard::number(other)?.units != 0,
            };
            if *number { Value::whole(yes) } else { Value::Boolean(yes) }
        }
        Type::Text { room } => match value {
            Value::Text(text) if text.chars().count() <= *room as usize => value.clone(),
            Value::Number(number) => Value::Text(number.to_string()),
            _ => return None,
        },
        Type::Enum(labels) => match value {
            Value::Text(text) if labels.contains(text) => value.clone(),
            _ => return None,
        },
        Type::Date => Value::Date(i32::try_from(guard::moment(value)?.div_euclid(super::when::DAY)).ok()?),
        Type::Timestamp { .. } => Value::Timestamp(guard::moment(value)?),
        _ => value.clone(),
    })
}

impl Field for Choice {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        let values = &self.0;
        // The lower of two draws half of the time: what is named first is what is usual.
        let at = draw.index(values.len());
        let at = if draw.chance(0.5) { at.min(draw.index(values.len())) } else { at };
        values[at].clone()
    }

    fn capacity(&self) -> u64 {
        self.0.len() as u64
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        self.0[usize::try_from(n).unwrap_or(0) % self.0.len()].clone()
    }
}

/// A field that is NULL now and then.
pub struct Sometimes {
    /// What makes the others.
    pub field: Box<dyn Field>,
    /// How many of one are NULL.
    pub share: f64,
}

/// The field, with the share of NULL that its meaning has.
pub(super) fn sometimes_null(
    field: Box<dyn Field>,
    spec: &Spec<'_>,
    maker: Option<&'static Maker>,
    may_be_null: bool,
) -> Box<dyn Field> {
    let share = match maker {
        _ if !may_be_null => 0.0,
        Some(maker) if super::when::decides_null(spec, maker) => 0.0,
        _ if spec.edge => 0.5,
        Some(maker) => f64::from(maker.null) / 100.0,
        None => 0.1,
    };
    if share > 0.0 { Box::new(Sometimes { field, share }) } else { field }
}

impl Field for Sometimes {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        if draw.chance(self.share) { Value::Null } else { self.field.make(row, draw) }
    }

    fn capacity(&self) -> u64 {
        self.field.capacity()
    }

    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        self.field.nth(n, row)
    }

    fn needs(&self) -> Vec<usize> {
        self.field.needs()
    }
}
