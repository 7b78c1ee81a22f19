//! Whether a cell keeps to a restriction.

use super::Spec;
use crate::generate::restriction::{Bound, Case, Restriction};
use crate::generate::value::{Number, Value};
use regex::Regex;
use std::cmp::Ordering;

/// A restriction, ready to be asked often.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    restriction: Restriction,
    matches: Vec<Regex>,
}

impl Guard {
    pub(super) fn of(spec: &Spec<'_>) -> Self {
        // What is no expression for us is held against the server's own later on.
        let matches = spec.restriction.matches.iter().filter_map(|text| Regex::new(text).ok()).collect();
        Self { restriction: spec.restriction.clone(), matches }
    }

    /// Whether it allows everything.
    pub(super) fn is_open(&self) -> bool {
        Restriction { null: None, ..self.restriction.clone() } == Restriction::default()
    }

    /// Whether the value keeps to it, NULL apart.
    pub(super) fn holds(&self, value: &Value) -> bool {
        let rule = &self.restriction;
        let is = |other: &Value| compare(value, other) == Some(Ordering::Equal);
        within(value, rule.low.as_ref(), Ordering::Greater)
            && within(value, rule.high.as_ref(), Ordering::Less)
            && rule.one_of.as_ref().is_none_or(|allowed| allowed.iter().any(is))
            && !rule.none_of.iter().any(is)
            && rule.multiple_of.is_none_or(|step| is_multiple(value, step))
            && (!matches!(value, Value::Text(_)) || self.text_holds(value))
    }

    fn text_holds(&self, value: &Value) -> bool {
        let (Value::Text(text), rule) = (value, &self.restriction) else { return true };
        let (least, most) = rule.length;
        if least.is_some() || most.is_some() {
            let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            if least.is_some_and(|least| chars < least) || most.is_some_and(|most| chars > most) {
                return false;
            }
        }
        rule.like.iter().all(|pattern| like(pattern, text))
            && self.matches.iter().all(|regex| regex.is_match(text))
            && match rule.case {
                Some(Case::Lower) => !text.chars().any(char::is_uppercase),
                Some(Case::Upper) => !text.chars().any(char::is_lowercase),
                None => true,
            }
    }
}

fn within(value: &Value, bound: Option<&Bound>, side: Ordering) -> bool {
    bound.is_none_or(|bound| match compare(value, &bound.value) {
        Some(Ordering::Equal) => bound.inclusive,
        Some(found) => found == side,
        None => true,
    })
}

fn is_multiple(value: &Value, step: i128) -> bool {
    let Some(number) = value.number().and_then(|number| Some((number, 10_i128.checked_pow(number.places.into())?)))
    else {
        return true;
    };
    let (number, one) = number;
    step.checked_mul(one).and_then(|step| number.units.checked_rem(step)) == Some(0)
}

/// How two cells stand to each other, texts without regard to case. None where they are of different kinds.
pub(super) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => {
            let fold = |text: &str| text.trim_end().to_lowercase();
            Some(fold(a).cmp(&fold(b)))
        }
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(moment(a)?.cmp(&moment(b)?)),
        },
    }
}

/// A number, or what is stored as one.
pub(super) fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Boolean(yes) => Some(Number::whole((*yes).into())),
        Value::Real(real) => Number::parse(&format!("{real:.9}")).or_else(|| Number::parse(&format!("{real:.0}"))),
        Value::Text(text) => Number::parse(text),
        _ => None,
    }
}

/// Microseconds since 1970 of a date, a timestamp or a text that reads as one.
pub(super) fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Date(days) => i64::from(*days).checked_mul(super::when::DAY),
        Value::Timestamp(micros) => Some(*micros),
        Value::Text(text) => super::when::read(text),
        _ => None,
    }
}

/// Whether a text matches a LIKE pattern.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // The state after the last `%`, to come back to when something behind it does not match.
    let (mut p, mut t, mut back) = (0, 0, None);
    while t < text.len() || p < pattern.len() {
        let (wanted, width) = match pattern.get(p) {
            Some('%') => {
                back = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('\\') if p + 1 < pattern.len() => (Some(Some(pattern[p + 1])), 2),
            Some('_') => (Some(None), 1),
            Some(c) => (Some(Some(*c)), 1),
            None => (None, 0),
        };
        if wanted.is_some_and(|wanted| text.get(t).is_some_and(|c| wanted.is_none_or(|wanted| wanted == *c))) {
            (p, t) = (p + width, t + 1);
            continue;
        }
        match back {
            Some((from, at)) if at < text.len() => {
                back = Some((from, at + 1));
                (p, t) = (from, at + 1);
            }
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_servers_match_them() {
        for (pattern, text, matches) in [
            ("A-%", "A-17", true),
            ("A-%", "B-17", false),
            ("%@%.%", "a@b.c", true),
            ("%@%.%", "ab.c", false),
            ("__", "ab", true),
            ("__", "abc", false),
            ("", "", true),
            ("%", "", true),
            ("a\\%%", "a%b", true),
            ("a\\%%", "ab", false),
            ("%ab%ab", "xabyabab", true),
            ("100%", "10", false),
        ] {
            assert_eq!(like(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn kinds_are_compared_where_they_can_be() {
        let text = |text: &str| Value::text(text);
        assert_eq!(compare(&text("Abc "), &text("aBC")), Some(Ordering::Equal));
        assert_eq!(compare(&Value::Boolean(true), &Value::whole(1)), Some(Ordering::Equal));
        assert_eq!(compare(&Value::Date(1), &text("1970-01-01")), Some(Ordering::Greater));
        assert_eq!(compare(&Value::Timestamp(0), &Value::Date(0)), Some(Ordering::Equal));
        assert_eq!(compare(&Value::Bytes(vec![]), &text("x")), None);
    }
}
