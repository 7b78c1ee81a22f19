//! A cell of a file as a value of its column, or why it is none. What is said of a cell is its sort, never its value.

use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, EngineKind, Family};
use data_encoding::HEXLOWER_PERMISSIVE;

/// What the text means in a column.
///
/// # Errors
/// What the column takes instead.
pub(super) fn value(engine: EngineKind, column: &Column, labels: &[String], text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    let value = match column.family {
        Family::Integer => whole(engine, column, trimmed)?,
        Family::Numeric if engine != EngineKind::Sqlite => decimal(column, trimmed)?,
        Family::Numeric => Number::parse(trimmed).map_or_else(|| Value::text(text), Value::Number),
        Family::Real => {
            let number: Option<f64> = trimmed.parse().ok().filter(|number: &f64| number.is_finite());
            Value::Real(number.ok_or("a number such as 12.5")?)
        }
        Family::Boolean => boolean(trimmed)?,
        Family::Date => Value::Date(date(trimmed).ok_or("a date such as 2025-12-31")?),
        Family::Time => Value::Time(time(trimmed).ok_or("a time such as 18:30 or 18:30:15")?),
        Family::Timestamp => Value::Timestamp(moment(trimmed).ok_or("a time such as 2025-12-31 18:30:15")?),
        Family::Json => {
            serde_json::from_str::<serde_json::Value>(trimmed).map_err(|_| "JSON")?;
            Value::text(trimmed)
        }
        Family::Uuid => Value::text(uuid(trimmed).ok_or("a UUID such as 6f9619ff-8b86-4d01-b42d-00cf4fc964ff")?),
        Family::Enum if !labels.is_empty() && !labels.iter().any(|label| label == text) => {
            return Err("one of the column's labels".to_owned());
        }
        Family::Blob => Value::Bytes(bytes(trimmed).ok_or("bytes as \\x and hex digits")?),
        Family::Text | Family::Enum | Family::Any => Value::text(text),
    };
    match column.length.filter(|_| engine != EngineKind::Sqlite && column.family == Family::Text) {
        Some(most) if text.chars().count() > most as usize => Err(format!("at most {most} characters")),
        _ => Ok(value),
    }
}

/// The least and the greatest number of a type, by its first word.
fn bounds(declared: &str) -> (i128, i128) {
    let declared = declared.to_ascii_lowercase();
    let is_unsigned = declared.contains("unsigned");
    let word = declared.split([' ', '(']).next().unwrap_or_default();
    let bits = match word {
        "tinyint" => 8,
        "smallint" | "int2" | "smallserial" => 16,
        "mediumint" => 24,
        "int" | "integer" | "int4" | "serial" => 32,
        _ => 64,
    };
    if is_unsigned { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) }
}

fn whole(engine: EngineKind, column: &Column, text: &str) -> Result<Value, String> {
    // Whole numbers of SQLite have 64 bits, whatever the type is called.
    let (low, high) = bounds(if engine == EngineKind::Sqlite { "bigint" } else { &column.declared });
    let number: i128 = text.parse().map_err(|_| "a whole number")?;
    if number < low || number > high {
        return Err(format!("a whole number from {low} to {high}"));
    }
    Ok(Value::whole(number))
}

/// Digits that would be rounded away are a mistake somewhere.
fn decimal(column: &Column, text: &str) -> Result<Value, String> {
    let number = Number::parse(text).ok_or("a decimal number such as 12.50")?;
    let Some((precision, scale)) = precision(&column.declared) else { return Ok(Value::Number(number)) };
    let fits = number.rounded(scale).is_some_and(|rounded| {
        rounded == number && rounded.units.unsigned_abs() < 10_u128.checked_pow(precision).unwrap_or(u128::MAX)
    });
    if fits {
        Ok(Value::Number(number))
    } else {
        Err(format!("a number of {precision} digits, {scale} of them behind the point"))
    }
}

/// `(10, 2)` of `numeric(10,2)`.
fn precision(declared: &str) -> Option<(u32, u8)> {
    let inside = declared.split_once('(')?.1.split_once(')')?.0;
    let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

fn boolean(text: &str) -> Result<Value, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(Value::Boolean(true)),
        "false" | "f" | "no" | "n" | "0" => Ok(Value::Boolean(false)),
        _ => Err("true or false".to_owned()),
    }
}

fn date(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    date.since(jiff::civil::date(1970, 1, 1)).ok().map(|span| span.get_days())
}

fn time(text: &str) -> Option<i64> {
    let time: jiff::civil::Time = text.parse().ok()?;
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some(seconds * 1_000_000 + i64::from(time.subsec_nanosecond() / 1000))
}

/// With an offset it is that moment, without one it is UTC.
fn moment(text: &str) -> Option<i64> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_microsecond());
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    local.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

fn uuid(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let digits: String = lower.chars().filter(|c| *c != '-').collect();
    let is_hex = digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit());
    is_hex.then(|| {
        format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x").or_else(|| text.strip_prefix("0x"))?;
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()
}

/// The value of a default that is a plain literal: `'draft'::text`, `0`, `true`.
pub(super) fn default(engine: EngineKind, column: &Column, labels: &[String]) -> Option<Value> {
    let written = column.default.as_deref()?.trim();
    let (text, is_quoted) = match written.strip_prefix('\'') {
        Some(rest) => {
            let end = rest.find('\'')?;
            let behind = &rest[end + 1..];
            let is_literal = behind.is_empty() || behind.starts_with("::");
            (rest.get(..end).filter(|_| is_literal)?, true)
        }
        None => (written, false),
    };
    if !is_quoted && text.eq_ignore_ascii_case("null") {
        return Some(Value::Null);
    }
    // MySQL shows the texts of defaults without quotes; elsewhere a bare word is a function or a name.
    let is_bare = is_quoted || matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
    let is_plain = is_bare && !text.contains('(') && !text.to_ascii_uppercase().starts_with("CURRENT_");
    let is_number =
        text.parse::<f64>().is_ok() || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    if is_plain || is_number { value(engine, column, labels, text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(declared: &str, family: Family, default: Option<&str>) -> Column {
        Column {
            name: "c".into(),
            declared: declared.into(),
            family,
            length: Some(5),
            nullable: true,
            default: default.map(str::to_owned),
            generated: false,
            collation: None,
            comment: None,
        }
    }

    fn takes(declared: &str, family: Family, text: &str) -> Result<Value, String> {
        value(EngineKind::Postgres, &column(declared, family, None), &[], text)
    }

    #[test]
    fn cells_are_held_against_their_types() {
        let good = [
            ("integer", Family::Integer, "-7"),
            ("numeric(5,2)", Family::Numeric, "999.99"),
            ("boolean", Family::Boolean, "Yes"),
            ("date", Family::Date, "2024-02-29"),
            ("time", Family::Time, "18:30"),
            ("timestamp with time zone", Family::Timestamp, "2024-02-29 18:30:15.5"),
            ("timestamp with time zone", Family::Timestamp, "2024-02-29T18:30:15+02:00"),
            ("jsonb", Family::Json, "{\"a\": [1]}"),
            ("uuid", Family::Uuid, "6F9619FF8B864D01B42D00CF4FC964FF"),
            ("bytea", Family::Blob, "\\x00ff"),
            ("text", Family::Text, "é🌿abc"),
        ];
        for (declared, family, text) in good {
            assert!(takes(declared, family, text).is_ok(), "{declared} {text}");
        }
        let bad = [
            ("integer", Family::Integer, "1.5"),
            ("smallint", Family::Integer, "40000"),
            ("tinyint unsigned", Family::Integer, "-1"),
            ("numeric(5,2)", Family::Numeric, "1.999"),
            ("numeric(5,2)", Family::Numeric, "1000"),
            ("double precision", Family::Real, "NaN"),
            ("boolean", Family::Boolean, "maybe"),
            ("date", Family::Date, "2023-02-29"),
            ("date", Family::Date, "31.12.2025"),
            ("timestamp", Family::Timestamp, "yesterday"),
            ("json", Family::Json, "{a}"),
            ("uuid", Family::Uuid, "6f96"),
            ("bytea", Family::Blob, "\\xabc"),
            ("text", Family::Text, "abcdef"),
        ];
        for (declared, family, text) in bad {
            assert!(takes(declared, family, text).is_err(), "{declared} {text}");
        }
    }

    #[test]
    fn plain_defaults_are_taken() {
        let of = |engine, declared, family, text| default(engine, &column(declared, family, Some(text)), &[]);
        let is = |found: Option<Value>, expected: Value| assert!(found == Some(expected));
        is(of(EngineKind::Postgres, "text", Family::Text, "'new'::text"), Value::text("new"));
        is(of(EngineKind::Sqlite, "INTEGER", Family::Integer, "0"), Value::whole(0));
        is(of(EngineKind::Postgres, "boolean", Family::Boolean, "false"), Value::Boolean(false));
        is(of(EngineKind::Mysql, "varchar(5)", Family::Text, "new"), Value::text("new"));
        for text in ["now()", "nextval('x')", "CURRENT_TIMESTAMP", "'a' || 'b'", "gen_random_uuid()"] {
            assert!(of(EngineKind::Postgres, "text", Family::Text, text).is_none(), "{text}");
        }
        assert!(of(EngineKind::Mysql, "datetime", Family::Timestamp, "CURRENT_TIMESTAMP").is_none());
    }
}
