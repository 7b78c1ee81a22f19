//! How a cell is spelled: the text that each engine's own reader yields for it, so that rows read back equal the rows made.

use super::value::{Number, Value};
use crate::model::batch::{Batch, CellKind};
use crate::model::schema::{Column, EngineKind, Family};
use std::io::Write as _;

/// Appends the cell of a column.
pub fn cell(engine: EngineKind, column: &Column, value: &Value, out: &mut Batch) {
    let kind = spell(engine, column, value, out.arena());
    out.end_cell(kind);
}

/// Appends the bytes of a cell and tells what they are.
pub(super) fn spell(engine: EngineKind, column: &Column, value: &Value, out: &mut Vec<u8>) -> CellKind {
    if value.is_null() {
        return CellKind::Null;
    }
    match engine {
        EngineKind::Sqlite => return sqlite(column, value, out),
        EngineKind::Postgres => postgres(column, value, out),
        EngineKind::Mysql | EngineKind::Mariadb => mysql(engine, column, value, out),
    }
    CellKind::Text
}

/// Writing to a Vec cannot fail.
macro_rules! put {
    ($out:expr, $($part:tt)*) => { write!($out, $($part)*).unwrap_or_default() };
}

fn postgres(column: &Column, value: &Value, out: &mut Vec<u8>) {
    let declared = column.declared.as_str();
    match value {
        Value::Number(number) if declared == "money" => money(*number, out),
        Value::Number(number) => put!(out, "{}", of_scale(*number, column)),
        Value::Real(real) if declared == "real" => {
            let single = single(*real);
            put!(out, "{}", fraction(f64::from(single), &format!("{single:?}"), &single.to_string(), 6));
        }
        Value::Real(real) => put!(out, "{}", fraction(*real, &format!("{real:?}"), &real.to_string(), 15)),
        Value::Boolean(yes) => out.push(if *yes { b't' } else { b'f' }),
        Value::Date(days) => date(*days, out),
        Value::Time(micros) => {
            time(*micros, Fraction::Trimmed, out);
            if declared.ends_with("with time zone") {
                out.extend_from_slice(b"+00");
            }
        }
        Value::Timestamp(micros) => {
            timestamp(*micros, Fraction::Trimmed, out);
            if declared.ends_with("with time zone") {
                out.extend_from_slice(b"+00");
            }
        }
        Value::Bytes(bytes) => {
            out.extend_from_slice(b"\\x");
            hex(bytes, out);
        }
        Value::Text(text) if declared == "jsonb" => json(text, out),
        // The server pads such texts.
        Value::Text(text) => padded(text, declared.starts_with("character(").then_some(column.length).flatten(), out),
        Value::Null => {}
    }
}

fn mysql(engine: EngineKind, column: &Column, value: &Value, out: &mut Vec<u8>) {
    let declared = column.declared.to_ascii_lowercase();
    match value {
        Value::Number(number) if declared.starts_with("year") => put!(out, "{:0>4}", number.to_string()),
        Value::Number(number) if declared.starts_with("bit") => bits(*number, &declared, out),
        Value::Number(number) if declared.contains("zerofill") => {
            let width = argument(&declared).unwrap_or(0);
            put!(out, "{:0>width$}", of_scale(*number, column).to_string());
        }
        Value::Number(number) => put!(out, "{}", of_scale(*number, column)),
        Value::Real(real) => {
            let stored = if declared.starts_with("float") { f64::from(single(*real)) } else { *real };
            put!(out, "{}", fraction(stored, &format!("{stored:?}"), &stored.to_string(), 15).replace("e+", "e"));
        }
        Value::Boolean(yes) => out.push(if *yes { b'1' } else { b'0' }),
        Value::Date(days) => date(*days, out),
        Value::Time(micros) => time(*micros, Fraction::Digits(argument(&declared).unwrap_or(0)), out),
        Value::Timestamp(micros) => timestamp(*micros, Fraction::Digits(argument(&declared).unwrap_or(0)), out),
        Value::Bytes(bytes) => {
            out.extend_from_slice(b"0x");
            hex(bytes, out);
            // BINARY(n) is filled up.
            if declared.starts_with("binary") {
                let missing = argument(&declared).unwrap_or(1).saturating_sub(bytes.len());
                out.extend(std::iter::repeat_n(b'0', 2 * missing));
            }
        }
        Value::Text(text) if declared == "json" && engine == EngineKind::Mysql => json(text, out),
        Value::Text(text) if declared.starts_with("char") => {
            out.extend_from_slice(text.trim_end_matches(' ').as_bytes());
        }
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Null => {}
    }
}

/// What SQLite makes of a value in a column of this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Text,
    Number,
    Real,
    None,
}

pub(super) fn affinity(declared: &str) -> Affinity {
    let upper = declared.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| upper.contains(part));
    match () {
        () if has(&["INT"]) => Affinity::Number,
        () if has(&["CHAR", "CLOB", "TEXT"]) => Affinity::Text,
        () if upper.is_empty() || upper == "ANY" || has(&["BLOB"]) => Affinity::None,
        () if has(&["REAL", "FLOA", "DOUB"]) => Affinity::Real,
        () => Affinity::Number,
    }
}

fn sqlite(column: &Column, value: &Value, out: &mut Vec<u8>) -> CellKind {
    let affinity = affinity(&column.declared);
    let text = |out: &mut Vec<u8>| {
        match value {
            Value::Number(number) => put!(out, "{number}"),
            Value::Real(real) => put!(out, "{real:?}"),
            Value::Boolean(yes) => out.push(if *yes { b'1' } else { b'0' }),
            Value::Date(days) => date(*days, out),
            Value::Time(micros) => time(*micros, Fraction::Trimmed, out),
            Value::Timestamp(micros) => timestamp(*micros, Fraction::Trimmed, out),
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::Bytes(_) | Value::Null => {}
        }
        CellKind::Text
    };
    let number = match value {
        Value::Bytes(bytes) => {
            out.extend_from_slice(bytes);
            return CellKind::Blob;
        }
        _ if affinity == Affinity::Text => return text(out),
        Value::Number(number) => *number,
        Value::Boolean(yes) => Number::whole((*yes).into()),
        Value::Real(real) => return sqlite_real(*real, affinity, out),
        // A text that reads like a number becomes one.
        Value::Text(digits) if affinity != Affinity::None => match Number::parse(digits.trim()) {
            Some(number) => number,
            None => return text(out),
        },
        _ => return text(out),
    };
    let whole = number.rounded(0).filter(|whole| *whole == number).and_then(|whole| i64::try_from(whole.units).ok());
    match whole {
        Some(whole) if affinity != Affinity::Real => {
            put!(out, "{whole}");
            CellKind::Integer
        }
        // The server reads the digits, and so does this.
        _ => sqlite_real(number.to_string().parse().unwrap_or_default(), affinity, out),
    }
}

fn sqlite_real(real: f64, affinity: Affinity, out: &mut Vec<u8>) -> CellKind {
    if affinity == Affinity::Number && real.fract() == 0.0 && real.abs() < 9e15 {
        put!(out, "{real:.0}");
        return CellKind::Integer;
    }
    put!(out, "{real:?}");
    CellKind::Real
}

/// A number with the places of its column.
fn of_scale(number: Number, column: &Column) -> Number {
    let places = match column.family {
        Family::Integer => Some(0),
        Family::Numeric => scale(&column.declared),
        _ => None,
    };
    places.and_then(|places| number.rounded(places)).unwrap_or(number)
}

/// The places of `numeric(10,2)`; of a decimal that says nothing of them too, where the engine has a default.
fn scale(declared: &str) -> Option<u8> {
    match declared.split_once('(') {
        Some((_, inner)) => {
            Some(inner.split(')').next()?.split_once(',').map_or(Some(0), |(_, s)| s.trim().parse().ok())?)
        }
        None => declared.starts_with("decimal").then_some(0),
    }
}

/// The first number in parentheses.
fn argument(declared: &str) -> Option<usize> {
    declared.split_once('(')?.1.split([',', ')']).next()?.trim().parse().ok()
}

fn money(number: Number, out: &mut Vec<u8>) {
    let number = number.rounded(2).unwrap_or(number);
    let digits = Number::new(number.units.saturating_abs(), number.places).to_string();
    let (whole, cents) = digits.split_once('.').unwrap_or((&digits, "00"));
    put!(out, "{}$", if number.units < 0 { "-" } else { "" });
    for (at, digit) in whole.bytes().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(b',');
        }
        out.push(digit);
    }
    put!(out, ".{cents}");
}

/// What a column of single precision keeps.
#[expect(clippy::cast_possible_truncation, reason = "that is what it does")]
fn single(real: f64) -> f32 {
    real as f32
}

/// A binary fraction as the servers print it: `shortest` is the shortest text that reads back, and from `most` digits in front
/// of the point on they write an exponent instead of the `plain` text.
fn fraction(real: f64, shortest: &str, plain: &str, most: i32) -> String {
    if real.is_nan() {
        return "NaN".to_owned();
    }
    if real.is_infinite() {
        return if real > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let (mantissa, power) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = mantissa.trim_start_matches('-').find('.').unwrap_or(digits.len());
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return if real.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let power = power.parse::<i32>().unwrap_or_default() + count(point) - count(leading) - 1;
    let sign = if real < 0.0 { "-" } else { "" };
    if (-4..most).contains(&power) {
        return plain.to_owned();
    }
    let (first, rest) = significant.split_at(1);
    let rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    let power_sign = if power < 0 { '-' } else { '+' };
    format!("{sign}{first}{rest}e{power_sign}{:02}", power.abs())
}

fn bits(number: Number, declared: &str, out: &mut Vec<u8>) {
    let bytes = argument(declared).unwrap_or(1).div_ceil(8);
    let all = number.units.to_be_bytes();
    out.extend_from_slice(b"0x");
    hex(&all[all.len() - bytes.min(all.len())..], out);
}

fn padded(text: &str, length: Option<u32>, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    if let Some(length) = length {
        let missing = (length as usize).saturating_sub(text.chars().count());
        out.extend(std::iter::repeat_n(b' ', missing));
    }
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// How many digits behind the seconds.
#[derive(Debug, Clone, Copy)]
enum Fraction {
    Trimmed,
    Digits(usize),
}

const DAY: i64 = 86_400_000_000;

fn date(days: i32, out: &mut Vec<u8>) {
    let (year, month, day) = civil(days);
    put!(out, "{year:04}-{month:02}-{day:02}");
}

fn time(micros: i64, fraction: Fraction, out: &mut Vec<u8>) {
    let seconds = micros.div_euclid(1_000_000);
    put!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let rest = format!("{:06}", micros.rem_euclid(1_000_000));
    let rest = match fraction {
        Fraction::Trimmed => rest.trim_end_matches('0'),
        Fraction::Digits(digits) => &rest[..digits.min(6)],
    };
    if !rest.is_empty() {
        put!(out, ".{rest}");
    }
}

fn timestamp(micros: i64, fraction: Fraction, out: &mut Vec<u8>) {
    date(i32::try_from(micros.div_euclid(DAY)).unwrap_or_default(), out);
    out.push(b' ');
    time(micros.rem_euclid(DAY), fraction, out);
}

/// Year, month and day of a day since 1970-01-01 (Howard Hinnant's algorithm).
fn civil(days: i32) -> (i32, u32, u32) {
    let days = i64::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (i32::try_from(year).unwrap_or_default(), u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// JSON as PostgreSQL's jsonb and MySQL's JSON print it: keys by length, then by bytes, a space behind colons and commas.
fn json(text: &str, out: &mut Vec<u8>) {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => json_value(&value, out),
        Err(_) => out.extend_from_slice(text.as_bytes()),
    }
}

fn json_value(value: &serde_json::Value, out: &mut Vec<u8>) {
    match value {
        serde_json::Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                put!(out, "{}", if at > 0 { ", " } else { "" });
                json_value(item, out);
            }
            out.push(b']');
        }
        serde_json::Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| (key.len(), *key));
            out.push(b'{');
            for (at, (key, item)) in members.into_iter().enumerate() {
                put!(out, "{}{}: ", if at > 0 { ", " } else { "" }, serde_json::Value::from(key.as_str()));
                json_value(item, out);
            }
            out.push(b'}');
        }
        scalar => put!(out, "{scalar}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(declared: &str, family: Family, length: Option<u32>) -> Column {
        Column {
            name: "c".into(),
            declared: declared.into(),
            family,
            length,
            nullable: true,
            default: None,
            generated: false,
            collation: None,
            comment: None,
        }
    }

    fn text(engine: EngineKind, declared: &str, family: Family, value: &Value) -> String {
        let mut out = Vec::new();
        let length = argument(declared).and_then(|length| u32::try_from(length).ok());
        let kind = spell(engine, &column(declared, family, length), value, &mut out);
        format!("{kind:?} {}", String::from_utf8_lossy(&out))
    }

    #[test]
    fn cells_are_spelled_as_the_engine_reads_them() {
        use EngineKind::{Mysql, Postgres, Sqlite};
        let noon = Value::Timestamp(1_709_208_000_000_000);
        let cases = [
            (Postgres, "numeric(10,2)", Family::Numeric, Value::Number(Number::new(5, 1)), "Text 0.50"),
            (Postgres, "money", Family::Numeric, Value::Number(Number::new(-123_456_789, 2)), "Text -$1,234,567.89"),
            (Postgres, "boolean", Family::Boolean, Value::Boolean(true), "Text t"),
            (Postgres, "timestamp with time zone", Family::Timestamp, noon.clone(), "Text 2024-02-29 12:00:00+00"),
            (Postgres, "double precision", Family::Real, Value::Real(1e15), "Text 1e+15"),
            (Postgres, "double precision", Family::Real, Value::Real(-12.5e-7), "Text -1.25e-06"),
            (Postgres, "real", Family::Real, Value::Real(0.1), "Text 0.1"),
            (Postgres, "character(3)", Family::Text, Value::text("ü"), "Text ü  "),
            (Postgres, "bytea", Family::Blob, Value::Bytes(vec![0, 255]), "Text \\x00ff"),
            (
                Postgres,
                "jsonb",
                Family::Json,
                Value::text("{\"bb\":[1,2.5],\"c\":null}"),
                "Text {\"c\": null, \"bb\": [1, 2.5]}",
            ),
            (Mysql, "decimal(10,2)", Family::Numeric, Value::whole(3), "Text 3.00"),
            (Mysql, "datetime(3)", Family::Timestamp, noon.clone(), "Text 2024-02-29 12:00:00.000"),
            (Mysql, "bit(9)", Family::Blob, Value::whole(257), "Text 0x0101"),
            (Mysql, "binary(3)", Family::Blob, Value::Bytes(vec![1]), "Text 0x010000"),
            (Mysql, "int(5) unsigned zerofill", Family::Integer, Value::whole(42), "Text 00042"),
            (Mysql, "float", Family::Real, Value::Real(0.1), "Text 0.10000000149011612"),
            (Sqlite, "NUMERIC", Family::Numeric, Value::Number(Number::new(1250, 2)), "Real 12.5"),
            (Sqlite, "NUMERIC", Family::Numeric, Value::Number(Number::new(1200, 2)), "Integer 12"),
            (Sqlite, "REAL", Family::Real, Value::whole(12), "Real 12.0"),
            (Sqlite, "TEXT", Family::Text, Value::whole(12), "Text 12"),
            (Sqlite, "", Family::Any, Value::text("12"), "Text 12"),
            (Sqlite, "DATE", Family::Date, Value::Date(-1), "Text 1969-12-31"),
            (Sqlite, "UUID", Family::Uuid, Value::text("007"), "Integer 7"),
        ];
        for (engine, declared, family, value, wanted) in cases {
            assert_eq!(text(engine, declared, family, &value), wanted, "{engine} {declared}");
        }
    }
}
