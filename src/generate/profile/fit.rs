//! What a column can hold of what a profile says.

use super::moment;
use crate::generate::invariant::function::{compare, number, text, truth};
use crate::generate::restriction::Restriction;
use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, Family};
use std::cmp::Ordering;

/// The digits of a column in all and behind the point, where its type says so: `decimal(12,2)`.
#[must_use]
pub fn precision(column: &Column) -> Option<(u8, u8)> {
    if column.family != Family::Numeric {
        return None;
    }
    let (_, inside) = column.declared.split_once('(')?;
    let mut numbers = inside.split(')').next()?.split(',').map(|part| part.trim().parse::<u8>().ok());
    Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

/// Digits behind the point that numbers of the column have; none where it takes any.
#[must_use]
pub fn places(column: &Column) -> Option<u8> {
    match column.family {
        Family::Integer => Some(0),
        _ => precision(column).map(|(_, places)| places),
    }
}

/// The cell that a column has for a value; none where it cannot hold it.
#[must_use]
pub fn cell(column: &Column, value: &Value) -> Option<Value> {
    if value.is_null() {
        return column.nullable.then_some(Value::Null);
    }
    match column.family {
        Family::Integer | Family::Numeric => {
            let found = number(value)?;
            let rounded = match places(column) {
                Some(places) => found.rounded(places)?,
                None => found,
            };
            let digits = precision(column).and_then(|(digits, _)| 10_i128.checked_pow(digits.into()));
            digits.is_none_or(|limit| rounded.units.abs() < limit).then_some(Value::Number(rounded))
        }
        Family::Real => match value {
            Value::Real(real) => Some(Value::Real(*real)),
            other => number(other).map(|number| Value::Real(number.real())),
        },
        Family::Boolean => match value {
            Value::Text(text) => match text.as_str() {
                "true" | "1" => Some(Value::Boolean(true)),
                "false" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            other => truth(other).map(Value::Boolean),
        },
        Family::Date | Family::Timestamp => moment::cell(moment::of(value)?, column.family),
        Family::Time => match value {
            Value::Time(_) => Some(value.clone()),
            Value::Text(text) => moment::read(&format!("1970-01-01 {text}")).map(Value::Time),
            other => moment::cell(moment::of(other)?, Family::Time),
        },
        Family::Text => {
            let text = text(value);
            let fits = column.length.is_none_or(|most| text.chars().count() <= most as usize);
            fits.then_some(Value::Text(text))
        }
        Family::Uuid => {
            let text = text(value);
            let groups: Vec<usize> = text.split('-').map(str::len).collect();
            let hex = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
            (hex && groups == [8, 4, 4, 4, 12]).then(|| Value::Text(text.to_lowercase()))
        }
        Family::Blob => match value {
            Value::Bytes(_) => Some(value.clone()),
            _ => None,
        },
        Family::Any => Some(value.clone()),
        Family::Json | Family::Enum => Some(Value::Text(text(value))),
    }
}

/// The cell for a scalar of the profile.
#[must_use]
pub fn scalar(column: &Column, written: &str, labels: &[String]) -> Option<Value> {
    let value = match column.family {
        Family::Integer if matches!(written, "true" | "false") => Value::whole(i128::from(written == "true")),
        Family::Enum => {
            let known = labels.is_empty() || labels.iter().any(|label| label == written);
            return known.then(|| Value::text(written));
        }
        _ => Value::text(written),
    };
    cell(column, &value)
}

/// Whether conditions leave the value to the column, as far as that can be told here: patterns never are.
#[must_use]
pub fn allows(restriction: &Restriction, value: &Value) -> bool {
    if value.is_null() {
        return restriction.null != Some(false);
    }
    let end = |bound: &Option<crate::generate::restriction::Bound>, wanted: Ordering| match bound {
        None => true,
        Some(bound) => match compare(value, &bound.value) {
            Some(Ordering::Equal) => bound.inclusive,
            Some(order) => order == wanted,
            None => false,
        },
    };
    let among = |list: &[Value]| list.iter().any(|other| compare(value, other) == Some(Ordering::Equal));
    let written = text(value);
    let length = u32::try_from(written.chars().count()).unwrap_or(u32::MAX);
    let cased = match restriction.case {
        None => true,
        Some(crate::generate::restriction::Case::Lower) => written == written.to_lowercase(),
        Some(crate::generate::restriction::Case::Upper) => written == written.to_uppercase(),
    };
    let multiple = |of: i128| match value.number().and_then(|number| number.rounded(0).filter(|whole| *whole == number))
    {
        Some(whole) => of != 0 && whole.units % of == 0,
        None => false,
    };
    restriction.null != Some(true)
        && end(&restriction.low, Ordering::Greater)
        && end(&restriction.high, Ordering::Less)
        && restriction.one_of.as_ref().is_none_or(|list| among(list))
        && !among(&restriction.none_of)
        && restriction.multiple_of.is_none_or(multiple)
        && restriction.length.0.is_none_or(|least| length >= least)
        && restriction.length.1.is_none_or(|most| length <= most)
        && restriction.like.is_empty()
        && restriction.matches.is_empty()
        && cased
}

/// The ends that a condition sets to numbers, as binary fractions.
#[must_use]
pub fn ends(restriction: &Restriction) -> (Option<f64>, Option<f64>) {
    let end = |bound: &Option<crate::generate::restriction::Bound>| {
        bound.as_ref().and_then(|bound| number(&bound.value)).map(Number::real)
    };
    (end(&restriction.low), end(&restriction.high))
}
