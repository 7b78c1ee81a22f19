//! Which of two values is the greater one, as each engine has it. What is not certain is not answered.

use super::datum::{About, Affinity, Datum, Rule, bool_of, numeric};
use super::time::{self, DAY};
use crate::generate::restriction::Op;
use crate::generate::value::Number;
use crate::model::schema::EngineKind;
use std::cmp::Ordering;

/// Integers up to here are floating point numbers too.
const EXACT: i128 = 1 << 53;

/// Whether `left op right`; neither is NULL.
pub(super) fn holds(about: &About, op: Op, left: &Datum, right: &Datum) -> Option<bool> {
    if let (Datum::Text(left, own), Datum::Text(right, other)) = (left, right) {
        let rule = combined(*own, *other, about.engine);
        return match op {
            Op::Equal => equal_texts(left, right, rule),
            Op::NotEqual => equal_texts(left, right, rule).map(|equal| !equal),
            _ => order_of_texts(left, right, rule).map(|order| op.takes(order)),
        };
    }
    match (op, left, right) {
        (Op::Equal, Datum::Json(left), Datum::Json(right)) => {
            // Numbers may be equal in more than one spelling.
            (left == right || !left.is_number()).then_some(left == right)
        }
        _ => order(about, left, right).map(|order| op.takes(order)),
    }
}

/// How two values stand; neither is NULL.
pub(super) fn order(about: &About, left: &Datum, right: &Datum) -> Option<Ordering> {
    match (left, right) {
        (Datum::Text(left, own), Datum::Text(right, other)) => {
            order_of_texts(left, right, combined(*own, *other, about.engine))
        }
        (Datum::Bool(left), Datum::Bool(right)) => Some(left.cmp(right)),
        (Datum::Bool(flag), other) if about.engine != EngineKind::Postgres => {
            order(about, &Datum::Int((*flag).into()), other)
        }
        (other, Datum::Bool(flag)) if about.engine != EngineKind::Postgres => {
            order(about, other, &Datum::Int((*flag).into()))
        }
        (Datum::Bytes(left), Datum::Bytes(right)) => Some(left.cmp(right)),
        (Datum::Time(left), Datum::Time(right)) => Some(left.cmp(right)),
        (Datum::Interval(left), Datum::Interval(right)) => Some(left.length().cmp(&right.length())),
        (Datum::Date(_) | Datum::Timestamp(_), Datum::Date(_) | Datum::Timestamp(_)) => {
            Some(moment(left)?.cmp(&moment(right)?))
        }
        (left, right) if is_number(left) && is_number(right) => numbers(left, right),
        _ if about.engine == EngineKind::Sqlite => storage_class(left)?.partial_cmp(&storage_class(right)?),
        (Datum::Text(text, _), other) => order(about, &read_as(about, text, other)?, other),
        (other, Datum::Text(text, _)) => order(about, other, &read_as(about, text, other)?),
        _ => None,
    }
}

/// In SQLite every number is less than every text, and every text less than bytes. None within one class.
fn storage_class(datum: &Datum) -> Option<u8> {
    match datum {
        Datum::Int(_) | Datum::Real(_) => Some(0),
        Datum::Text(..) => Some(1),
        Datum::Bytes(_) => Some(2),
        _ => None,
    }
}

/// A text beside a value of another type, as that type.
fn read_as(about: &About, text: &str, other: &Datum) -> Option<Datum> {
    if about.is_mysql() {
        return match other {
            Datum::Date(_) | Datum::Timestamp(_) => time::parse_timestamp(text).map(Datum::Timestamp),
            Datum::Time(_) => time::parse_time(text).map(Datum::Time),
            other if is_number(other) => Number::parse(text).map(|number| Datum::Real(number.real())),
            _ => None,
        };
    }
    match other {
        Datum::Int(_) => text.parse().ok().map(Datum::Int),
        Datum::Number(_) => Number::parse(text).map(Datum::Number),
        Datum::Real(_) | Datum::About(_) => text.parse().ok().map(Datum::Real),
        Datum::Bool(_) => bool_of(text).map(Datum::Bool),
        Datum::Date(_) => time::parse_date(text).map(Datum::Date),
        Datum::Time(_) => time::parse_time(text).map(Datum::Time),
        Datum::Timestamp(_) => time::parse_timestamp(text).map(Datum::Timestamp),
        Datum::Interval(_) => time::Interval::parse(text).map(Datum::Interval),
        _ => None,
    }
}

pub(super) fn is_number(datum: &Datum) -> bool {
    matches!(datum, Datum::Int(_) | Datum::Number(_) | Datum::Real(_) | Datum::About(_))
}

/// A date or timestamp as microseconds.
pub(super) fn moment(datum: &Datum) -> Option<i64> {
    match datum {
        Datum::Date(date) => Some(i64::from(*date) * DAY),
        Datum::Timestamp(micros) => Some(*micros),
        _ => None,
    }
}

/// An exact number.
pub(super) fn exact(datum: &Datum) -> Option<Number> {
    match datum {
        Datum::Int(whole) => Some(Number::whole(*whole)),
        Datum::Number(number) => Some(*number),
        _ => None,
    }
}

/// Any number as a floating point one. None where it is too large to be the same.
pub(super) fn real(datum: &Datum) -> Option<f64> {
    match datum {
        Datum::Int(whole) if whole.abs() > EXACT => None,
        Datum::Int(whole) => Some(Number::whole(*whole).real()),
        Datum::Number(number) => Some(number.real()),
        Datum::Real(real) | Datum::About(real) => Some(*real),
        _ => None,
    }
}

fn numbers(left: &Datum, right: &Datum) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (exact(left), exact(right)) {
        return Some(left.cmp(&right));
    }
    let is_close = matches!(left, Datum::About(_)) || matches!(right, Datum::About(_));
    let (left, right) = (real(left)?, real(right)?);
    let apart = (left - right).abs() > 1e-3 * left.abs().max(right.abs()).max(1.0);
    if is_close && !apart { None } else { left.partial_cmp(&right) }
}

/// The rule for two texts: a literal goes by the other one.
pub(super) fn combined(left: Rule, right: Rule, engine: EngineKind) -> Rule {
    match (left, right) {
        (Rule::Literal, Rule::Literal) => match engine {
            EngineKind::Sqlite => Rule::Bytes,
            EngineKind::Postgres => Rule::Locale,
            EngineKind::Mysql | EngineKind::Mariadb => Rule::Unclear,
        },
        (Rule::Literal, rule) | (rule, Rule::Literal) => rule,
        // The left column's collation counts.
        (left, _) if engine == EngineKind::Sqlite => left,
        (left, right) if left == right => left,
        (Rule::Locale | Rule::Bytes, Rule::Locale | Rule::Bytes) if engine == EngineKind::Postgres => Rule::Locale,
        _ => Rule::Unclear,
    }
}

fn trimmed(text: &str, pad: bool) -> &str {
    if pad { text.trim_end_matches(' ') } else { text }
}

/// Whether two texts are equal by a rule.
pub(super) fn equal_texts(left: &str, right: &str, rule: Rule) -> Option<bool> {
    if left == right {
        return Some(true);
    }
    let is_plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    match rule {
        Rule::Literal | Rule::Bytes | Rule::Locale | Rule::Labels => Some(false),
        Rule::Padded | Rule::Trimmed => Some(trimmed(left, true) == trimmed(right, true)),
        Rule::NoCase => Some(left.eq_ignore_ascii_case(right)),
        Rule::Binary { pad } => Some(trimmed(left, pad) == trimmed(right, pad)),
        Rule::Fold { .. } | Rule::Unclear if !is_plain(left) || !is_plain(right) => None,
        Rule::Fold { pad } => Some(trimmed(left, pad).eq_ignore_ascii_case(trimmed(right, pad))),
        Rule::Unclear => (!trimmed(left, true).eq_ignore_ascii_case(trimmed(right, true))).then_some(false),
    }
}

/// The order of two texts by a rule.
fn order_of_texts(left: &str, right: &str, rule: Rule) -> Option<Ordering> {
    // Digits come before letters everywhere, and letters of one case as in the alphabet.
    let is_simple = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let lower = str::to_ascii_lowercase;
    match rule {
        Rule::NoCase => Some(lower(left).cmp(&lower(right))),
        Rule::Trimmed => Some(trimmed(left, true).cmp(trimmed(right, true))),
        Rule::Bytes | Rule::Binary { pad: false } => Some(left.cmp(right)),
        Rule::Binary { pad: true } => {
            // A shorter text is compared as if spaces followed it.
            let is_plain = |text: &str| text.bytes().all(|byte| byte > 0x20);
            (is_plain(left) && is_plain(right)).then(|| left.cmp(right))
        }
        Rule::Fold { .. } => (is_word(left) && is_word(right)).then(|| lower(left).cmp(&lower(right))),
        Rule::Labels => (left == right).then_some(Ordering::Equal),
        Rule::Literal | Rule::Locale | Rule::Padded | Rule::Unclear if left == right => Some(Ordering::Equal),
        Rule::Literal | Rule::Locale | Rule::Padded | Rule::Unclear => {
            (is_simple(left) && is_simple(right)).then(|| left.cmp(right))
        }
    }
}

/// What SQLite makes of two sides before it compares them: the affinity of a column reaches over to the other side.
pub(super) fn affine(left: Option<Affinity>, right: Option<Affinity>) -> Option<Affinity> {
    match (left, right) {
        (Some(left), Some(right)) if left.is_numeric() || right.is_numeric() => Some(Affinity::Numeric),
        (Some(_), Some(_)) => None,
        (one, other) => one.or(other),
    }
}

/// A value with an affinity applied. None where its text is not certain.
pub(super) fn applied(datum: Datum, affinity: Option<Affinity>) -> Option<Datum> {
    match (affinity, datum) {
        (Some(Affinity::Text), Datum::Int(whole)) => Some(Datum::Text(whole.to_string(), Rule::Literal)),
        (Some(Affinity::Text), Datum::Real(_) | Datum::About(_)) => None,
        (Some(affinity), Datum::Text(text, rule)) if affinity.is_numeric() => {
            Some(numeric(&text).unwrap_or(Datum::Text(text, rule)))
        }
        (_, datum) => Some(datum),
    }
}
