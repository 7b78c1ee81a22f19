//! Moments and spans as profiles write them.

use crate::generate::value::Value;
use crate::mask::calendar::{date_of, days_of};
use crate::model::schema::Family;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub const DAY: i64 = 86_400 * SECOND;

/// A moment that may depend on when the made-up world stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Microseconds since 1970-01-01, UTC.
    At(i64),
    /// Microseconds after that moment.
    FromNow(i64),
}

impl Moment {
    /// Reads `2025-12-31`, `2025-12-31T12:00:00Z`, `now`, `-2y` or `+30d`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("now").unwrap_or(text).trim() {
            "" => Some(Self::FromNow(0)),
            span if span.starts_with(['+', '-']) => read_span(span).map(Self::FromNow),
            _ => read(text).map(Self::At),
        }
    }

    /// The moment itself.
    #[must_use]
    pub fn at(self, now: i64) -> i64 {
        match self {
            Self::At(at) => at,
            Self::FromNow(after) => now.saturating_add(after),
        }
    }
}

/// Reads a date, or date and time, UTC.
#[must_use]
pub fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = text.split_at_checked(10)?;
    let parts: Vec<i64> = date.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day] = parts[..] else { return None };
    let days = days_of(year, month, day);
    if date_of(days) != (year, month, day) {
        return None;
    }
    let time = time.trim_start_matches(['T', 't', ' ']);
    let time = time.strip_suffix(['Z', 'z']).or_else(|| time.strip_suffix("+00")).unwrap_or(time);
    Some(days.checked_mul(DAY)? + if time.is_empty() { 0 } else { read_time(time)? })
}

/// Reads `12:30`, `12:30:05` or `12:30:05.25`.
fn read_time(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let micros: i64 = if fraction.is_empty() { 0 } else { format!("{fraction:0<6}").get(..6)?.parse().ok()? };
    let inside = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    inside.then_some(((hour * 60 + minute) * 60 + second) * SECOND + micros)
}

/// Reads a span such as `90s`, `15min`, `2h`, `-3d`, `1w`, `6mo` or `1y`, in microseconds.
#[must_use]
pub fn read_span(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: i64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "s" => SECOND,
        "min" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "d" => DAY,
        "w" => 7 * DAY,
        "mo" => 30 * DAY,
        "y" => 365 * DAY,
        _ => return None,
    };
    number.checked_mul(unit)?.checked_mul(sign)
}

/// The moment that a cell tells, as microseconds since 1970-01-01.
#[must_use]
pub fn of(value: &Value) -> Option<i64> {
    match value {
        Value::Date(days) => Some(i64::from(*days).saturating_mul(DAY)),
        Value::Timestamp(micros) => Some(*micros),
        Value::Text(text) => read(text),
        _ => None,
    }
}

/// The cell that tells a moment in a column of this family; whole seconds. None where the column holds no moments.
#[must_use]
pub fn cell(micros: i64, family: Family) -> Option<Value> {
    let whole = micros.div_euclid(SECOND) * SECOND;
    match family {
        Family::Date => i32::try_from(micros.div_euclid(DAY)).ok().map(Value::Date),
        Family::Timestamp => Some(Value::Timestamp(whole)),
        Family::Text => Some(Value::Text(spelled(whole))),
        Family::Time => Some(Value::Time(whole.rem_euclid(DAY))),
        _ => None,
    }
}

/// `2025-12-31 12:00:00`.
#[must_use]
pub fn spelled(micros: i64) -> String {
    let (year, month, day) = date_of(micros.div_euclid(DAY));
    let second = micros.rem_euclid(DAY) / SECOND;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        assert_eq!(read("1970-01-02"), Some(DAY));
        assert_eq!(read("1970-01-01T00:00:01.5Z"), Some(SECOND + 500_000));
        assert_eq!(spelled(read("2024-02-29 23:59:58").unwrap()), "2024-02-29 23:59:58");
        assert_eq!(Moment::read("now").unwrap().at(7), 7);
        assert_eq!(Moment::read("-1d").unwrap().at(DAY), 0);
        assert_eq!(Moment::read("now +1w").unwrap().at(0), 7 * DAY);
        for wrong in ["2025-02-30", "yesterday", "", "12:00", "2025-1-1", "2025-01-01T25:00", "9999999999999999999d"] {
            assert_eq!(read(wrong).or(read_span(wrong)), None, "{wrong}");
        }
    }
}
