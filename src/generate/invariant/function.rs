//! What the functions of expressions do. Numbers are exact; NULL and what makes no sense are NULL.

use super::expression::Function;
use crate::generate::profile::moment::{self, DAY};
use crate::generate::value::{Number, Value};
use crate::mask::calendar::date_of;
use std::cmp::Ordering;

/// Digits behind the point of a quotient.
const QUOTIENT: u8 = 6;

/// The value of a function.
#[must_use]
pub fn call(function: Function, arguments: &[Value], now: i64) -> Value {
    use Function as F;
    match function {
        F::And => logic(arguments, false),
        F::Or => logic(arguments, true),
        F::IsNull => Value::Boolean(arguments[0].is_null()),
        F::Coalesce => arguments.iter().find(|value| !value.is_null()).cloned().unwrap_or(Value::Null),
        F::Now => Value::Timestamp(now),
        F::Concat => Value::Text(arguments.iter().map(text).collect()),
        F::In => any_equal(arguments),
        F::Greatest => extreme(arguments, Ordering::Greater),
        F::Least => extreme(arguments, Ordering::Less),
        F::NullIf if compare(&arguments[0], &arguments[1]) == Some(Ordering::Equal) => Value::Null,
        F::NullIf => arguments[0].clone(),
        _ if arguments.iter().any(Value::is_null) => Value::Null,
        F::Not => truth(&arguments[0]).map_or(Value::Null, |holds| Value::Boolean(!holds)),
        F::Equal | F::NotEqual | F::Less | F::AtMost | F::Greater | F::AtLeast => {
            compare(&arguments[0], &arguments[1]).map_or(Value::Null, |order| Value::Boolean(holds(function, order)))
        }
        F::Like => like(&text(&arguments[0]), &text(&arguments[1])),
        F::Add | F::Subtract => moved(function, &arguments[0], &arguments[1])
            .unwrap_or_else(|| arithmetic(function, &arguments[0], &arguments[1])),
        F::Multiply | F::Divide | F::Modulo => arithmetic(function, &arguments[0], &arguments[1]),
        F::Negate | F::Abs | F::Floor | F::Ceil | F::Round => rounded(function, arguments),
        F::Lower => Value::Text(text(&arguments[0]).to_lowercase()),
        F::Upper => Value::Text(text(&arguments[0]).to_uppercase()),
        F::Length => Value::whole(i128::try_from(text(&arguments[0]).chars().count()).unwrap_or(0)),
        F::Replace => Value::Text(text(&arguments[0]).replace(&text(&arguments[1]), &text(&arguments[2]))),
        F::Left | F::Right | F::LeftPad => cut(function, arguments),
        F::Date | F::Year | F::Month => day(function, &arguments[0]),
    }
}

fn logic(arguments: &[Value], decisive: bool) -> Value {
    let truths: Vec<Option<bool>> = arguments.iter().map(truth).collect();
    match () {
        () if truths.contains(&Some(decisive)) => Value::Boolean(decisive),
        () if truths.contains(&None) => Value::Null,
        () => Value::Boolean(!decisive),
    }
}

fn any_equal(arguments: &[Value]) -> Value {
    let [value, list @ ..] = arguments else { return Value::Null };
    let equal: Vec<Option<Ordering>> = list.iter().map(|other| compare(value, other)).collect();
    match () {
        () if equal.contains(&Some(Ordering::Equal)) => Value::Boolean(true),
        () if equal.contains(&None) => Value::Null,
        () => Value::Boolean(false),
    }
}

fn extreme(arguments: &[Value], wanted: Ordering) -> Value {
    let mut values = arguments.iter().filter(|value| !value.is_null());
    let Some(first) = values.next() else { return Value::Null };
    values.fold(first, |best, value| if compare(value, best) == Some(wanted) { value } else { best }).clone()
}

fn holds(function: Function, order: Ordering) -> bool {
    match function {
        Function::Equal => order.is_eq(),
        Function::NotEqual => order.is_ne(),
        Function::Less => order.is_lt(),
        Function::AtMost => order.is_le(),
        Function::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// Whether a value is true; none for NULL.
#[must_use]
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(flag) => Some(*flag),
        Value::Number(number) => Some(number.units != 0),
        _ => None,
    }
}

/// The number that a value is: a truth value counts as 0 or 1, a text as what it spells.
#[must_use]
pub fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Boolean(flag) => Some(Number::whole(i128::from(*flag))),
        Value::Real(real) => Number::parse(&format!("{real:.6}")),
        Value::Text(text) => Number::parse(text.trim()),
        _ => None,
    }
}

/// How two values stand to each other; none where that makes no sense.
#[must_use]
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Date(_) | Value::Timestamp(_), _) | (_, Value::Date(_) | Value::Timestamp(_)) => {
            Some(moment::of(left)?.cmp(&moment::of(right)?))
        }
        (Value::Real(a), Value::Real(b)) => a.partial_cmp(b),
        _ => Some(number(left)?.cmp(&number(right)?)),
    }
}

/// A value as text.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) => String::new(),
        Value::Number(number) => number.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Date(days) => moment::spelled(i64::from(*days) * DAY)[..10].to_owned(),
        Value::Time(micros) => moment::spelled(*micros)[11..].to_owned(),
        Value::Timestamp(micros) => moment::spelled(*micros),
    }
}

/// A date moved by days, or the days between two.
fn moved(function: Function, left: &Value, right: &Value) -> Option<Value> {
    let is_moment = |value: &Value| matches!(value, Value::Date(_) | Value::Timestamp(_));
    if function == Function::Subtract && is_moment(left) && is_moment(right) {
        return Some(Value::whole((moment::of(left)? - moment::of(right)?).div_euclid(DAY)));
    }
    let (from, days) = match (is_moment(left), is_moment(right)) {
        (true, false) => (left, right),
        (false, true) if function == Function::Add => (right, left),
        _ => return None,
    };
    let micros = number(days)?.times(Number::whole(DAY.into()))?.rounded(0)?.units;
    let micros = i64::try_from(if function == Function::Subtract { -micros } else { micros }).ok()?;
    Some(match from {
        Value::Date(day) => Value::Date(day.saturating_add(i32::try_from(micros.div_euclid(DAY)).ok()?)),
        Value::Timestamp(at) => Value::Timestamp(at.saturating_add(micros)),
        _ => return None,
    })
}

fn arithmetic(function: Function, left: &Value, right: &Value) -> Value {
    let (Some(a), Some(b)) = (number(left), number(right)) else { return Value::Null };
    let result = match function {
        Function::Add => a.plus(b),
        Function::Subtract => a.minus(b),
        Function::Multiply => a.times(b),
        Function::Divide => a.over(b, QUOTIENT),
        _ => remainder(a, b),
    };
    result.map_or(Value::Null, Value::Number)
}

fn remainder(a: Number, b: Number) -> Option<Number> {
    let places = a.places.max(b.places);
    let (a, b) = (a.rounded(places)?.units, b.rounded(places)?.units);
    Some(Number::new(a.checked_rem(b)?, places))
}

fn rounded(function: Function, arguments: &[Value]) -> Value {
    let Some(value) = number(&arguments[0]) else { return Value::Null };
    let by = 10_i128.checked_pow(value.places.into()).unwrap_or(i128::MAX);
    let result = match function {
        Function::Negate => Some(Number::new(-value.units, value.places)),
        Function::Abs => Some(Number::new(value.units.abs(), value.places)),
        Function::Floor => Some(Number::whole(value.units.div_euclid(by))),
        Function::Ceil => Some(Number::whole(-(-value.units).div_euclid(by))),
        _ => {
            let places = arguments.get(1).and_then(number).and_then(|places| u8::try_from(places.units).ok());
            value.rounded(places.unwrap_or(0).min(Number::MOST_PLACES))
        }
    };
    result.map_or(Value::Null, Value::Number)
}

fn cut(function: Function, arguments: &[Value]) -> Value {
    let Some(length) = number(&arguments[1]).and_then(|length| usize::try_from(length.units).ok()) else {
        return Value::Null;
    };
    let (text, length) = (text(&arguments[0]), length.min(10_000));
    let count = text.chars().count();
    Value::Text(match function {
        Function::Left => text.chars().take(length).collect(),
        Function::Right => text.chars().skip(count.saturating_sub(length)).collect(),
        _ if count >= length => text.chars().take(length).collect(),
        _ => {
            let fill = arguments.get(2).map_or_else(|| " ".to_owned(), self::text);
            fill.chars().cycle().take(if fill.is_empty() { 0 } else { length - count }).chain(text.chars()).collect()
        }
    })
}

fn day(function: Function, value: &Value) -> Value {
    let Some(days) = moment::of(value).map(|micros| micros.div_euclid(DAY)) else { return Value::Null };
    let (year, month, _) = date_of(days);
    match function {
        Function::Year => Value::whole(year),
        Function::Month => Value::whole(month),
        _ => i32::try_from(days).map_or(Value::Null, Value::Date),
    }
}

/// `%` is anything, `_` is one character.
fn like(text: &str, pattern: &str) -> Value {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut want, mut back) = (0, 0, None);
    while at < text.len() {
        match pattern.get(want) {
            Some('%') => {
                back = Some((want, at));
                want += 1;
            }
            Some(c) if *c == '_' || *c == text[at] => {
                at += 1;
                want += 1;
            }
            _ => match &mut back {
                Some((percent, from)) => {
                    *from += 1;
                    at = *from;
                    want = *percent + 1;
                }
                None => return Value::Boolean(false),
            },
        }
    }
    Value::Boolean(pattern[want..].iter().all(|c| *c == '%'))
}
