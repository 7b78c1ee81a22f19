//! From the plain form to what the target's column takes.

use super::numbers::{Decimal, double, fits_single};
use super::{Affinity, Form, Target, Written, times};
use crate::engine::sql::Sql;
use crate::model::batch::CellKind;
use crate::model::schema::EngineKind;
use crate::translate::neutral::Neutral;
use std::io::Write as _;

/// Appends the cell to `out`, or says why it does not fit.
pub(super) fn written(
    target: &Target,
    origin: &Neutral,
    form: Form,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<Written, &'static str> {
    if form == Form::Bytes {
        return bytes(target, plain, out);
    }
    let start = out.len();
    let done = match &target.neutral {
        Neutral::Boolean => boolean(target, plain, out)?,
        Neutral::Integer { bits, unsigned } => integer(plain, *bits, *unsigned, out)?,
        Neutral::Year => integer(plain, 16, false, out)?,
        Neutral::Decimal(limits) => decimal(target.engine, *limits, plain, out)?,
        Neutral::Float(bits) => float(target.engine, *bits, plain, out)?,
        Neutral::Bytes(_) => return Err("text in a column of bytes"),
        Neutral::Bits { .. } => bit_string(target, plain, out)?,
        Neutral::Date => date(target.engine, plain, out)?,
        Neutral::Time => time(target.engine, plain, out)?,
        Neutral::Timestamp { digits, zoned } => timestamp(target.engine, *digits, *zoned, plain, out)?,
        Neutral::Enum(labels) => {
            if !labels.is_empty() && !labels.iter().any(|label| label.as_bytes() == plain) {
                return Err("not one of the column's labels");
            }
            text(target.engine, plain, out)?
        }
        Neutral::Any if target.engine == EngineKind::Sqlite => any(origin, plain, out),
        _ => text(target.engine, plain, out)?,
    };
    if done.kind == CellKind::Text && matches!(target.affinity, Affinity::Number | Affinity::Real) {
        let text = out.split_off(start);
        return Ok(stored(target.affinity, &target.neutral, done, &text, out));
    }
    Ok(done)
}

fn bytes(target: &Target, plain: &[u8], out: &mut Vec<u8>) -> Result<Written, &'static str> {
    let in_hex = |prefix: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(prefix);
        out.extend_from_slice(data_encoding::HEXLOWER.encode(plain).as_bytes());
        Written::same(CellKind::Text)
    };
    match (target.engine, &target.neutral) {
        (EngineKind::Sqlite, Neutral::Bytes(_) | Neutral::Any) => {
            out.extend_from_slice(plain);
            Ok(Written::same(CellKind::Blob))
        }
        (_, Neutral::Bytes(Some(length))) if plain.len() > *length as usize => Err("more bytes than the column allows"),
        (EngineKind::Postgres, Neutral::Bytes(_)) => Ok(in_hex(b"\\x", out)),
        (EngineKind::Mysql | EngineKind::Mariadb, Neutral::Bytes(_)) => Ok(in_hex(b"0x", out)),
        _ => Err("bytes in a column of another type"),
    }
}

fn text(engine: EngineKind, plain: &[u8], out: &mut Vec<u8>) -> Result<Written, &'static str> {
    if engine != EngineKind::Sqlite && std::str::from_utf8(plain).is_err() {
        return Err("text that is not UTF-8");
    }
    if engine == EngineKind::Postgres && plain.contains(&0) {
        return Err("text with a zero byte, which PostgreSQL cannot hold");
    }
    out.extend_from_slice(plain);
    Ok(Written::same(CellKind::Text))
}

fn boolean(target: &Target, plain: &[u8], out: &mut Vec<u8>) -> Result<Written, &'static str> {
    let value = match Decimal::parse(plain).and_then(|number| number.integer()) {
        Some(value @ 0..=1) => value == 1,
        _ => return Err("neither true nor false"),
    };
    let (text, kind): (&[u8], _) = match (target.engine, value) {
        (EngineKind::Postgres, true) => (b"t", CellKind::Text),
        (EngineKind::Postgres, false) => (b"f", CellKind::Text),
        (EngineKind::Sqlite, true) => (b"1", CellKind::Integer),
        (EngineKind::Sqlite, false) => (b"0", CellKind::Integer),
        // A column of one bit.
        (EngineKind::Mysql | EngineKind::Mariadb, true) => (b"0x01", CellKind::Text),
        (EngineKind::Mysql | EngineKind::Mariadb, false) => (b"0x00", CellKind::Text),
    };
    out.extend_from_slice(text);
    Ok(Written::same(kind))
}

fn integer(plain: &[u8], bits: u8, unsigned: bool, out: &mut Vec<u8>) -> Result<Written, &'static str> {
    let number = Decimal::parse(plain).and_then(|number| number.integer()).ok_or("not a whole number")?;
    let all = 1_i128 << bits.min(64);
    let range = if unsigned { 0..all } else { -all / 2..all / 2 };
    if !range.contains(&number) {
        return Err("a whole number beyond the column's range");
    }
    // Writing to a Vec cannot fail.
    write!(out, "{number}").unwrap_or_default();
    Ok(Written::same(CellKind::Text))
}

fn is_not_finite(plain: &[u8]) -> bool {
    matches!(plain, b"NaN" | b"Infinity" | b"-Infinity")
}

fn decimal(
    engine: EngineKind,
    limits: Option<(u32, i32)>,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<Written, &'static str> {
    if is_not_finite(plain) {
        let fits = match engine {
            EngineKind::Sqlite => true,
            EngineKind::Postgres => plain == b"NaN" || limits.is_none(),
            EngineKind::Mysql | EngineKind::Mariadb => false,
        };
        if !fits {
            return Ok(Written::null("NaN or infinity, which the column cannot hold"));
        }
        out.extend_from_slice(plain);
        return Ok(Written::same(CellKind::Text));
    }
    let number = Decimal::parse(plain).ok_or("not a number")?;
    let unlimited = match engine {
        EngineKind::Sqlite | EngineKind::Postgres => (i64::MAX, i64::MAX),
        EngineKind::Mysql | EngineKind::Mariadb => (35, 30),
    };
    let (whole, scale) =
        limits.map_or(unlimited, |(precision, scale)| (i64::from(precision) - i64::from(scale), i64::from(scale)));
    if engine != EngineKind::Sqlite && number.whole_digits() > whole.max(0) {
        return Err("a number beyond the column's precision");
    }
    if engine == EngineKind::Sqlite {
        out.extend_from_slice(plain);
        return Ok(Written::same(CellKind::Text));
    }
    number.write_plain(out);
    let changed = (number.scale() > scale.max(0)).then_some("a number with more decimal places than the column keeps");
    Ok(Written { kind: CellKind::Text, changed })
}

fn float(engine: EngineKind, bits: u8, plain: &[u8], out: &mut Vec<u8>) -> Result<Written, &'static str> {
    let no_value = match engine {
        EngineKind::Sqlite => plain == b"NaN",
        EngineKind::Postgres => false,
        EngineKind::Mysql | EngineKind::Mariadb => is_not_finite(plain),
    };
    if no_value {
        return Ok(Written::null("NaN or infinity, which the column cannot hold"));
    }
    if is_not_finite(plain) {
        out.extend_from_slice(plain);
        return Ok(Written::same(CellKind::Text));
    }
    let (_, exact) = double(plain).ok_or("not a number")?;
    let exact = exact && (bits > 32 || engine == EngineKind::Sqlite || fits_single(plain));
    out.extend_from_slice(plain);
    let changed = (!exact).then_some("a number with more digits than a floating point number keeps");
    Ok(Written { kind: CellKind::Text, changed })
}

fn bit_string(target: &Target, plain: &[u8], out: &mut Vec<u8>) -> Result<Written, &'static str> {
    if !plain.iter().all(|byte| matches!(byte, b'0' | b'1')) {
        return Err("not a string of bits");
    }
    if matches!(target.engine, EngineKind::Mysql | EngineKind::Mariadb) {
        out.extend_from_slice(b"0x");
        let pad = (8 - plain.len() % 8) % 8;
        let padded: Vec<u8> = std::iter::repeat_n(b'0', pad).chain(plain.iter().copied()).collect();
        for byte in padded.chunks(8) {
            let value = byte.iter().fold(0_u8, |value, bit| (value << 1) | (bit - b'0'));
            // Writing to a Vec cannot fail.
            write!(out, "{value:02x}").unwrap_or_default();
        }
    } else {
        out.extend_from_slice(plain);
    }
    Ok(Written::same(CellKind::Text))
}

const NO_DATE: &str = "a date that the target does not have (zero, infinity, BC)";

fn date(engine: EngineKind, plain: &[u8], out: &mut Vec<u8>) -> Result<Written, &'static str> {
    if engine == EngineKind::Sqlite {
        out.extend_from_slice(plain);
        return Ok(Written::same(CellKind::Text));
    }
    let fits = if engine == EngineKind::Postgres { times::is_real_date(plain) } else { times::is_date(plain) };
    let own = engine == EngineKind::Postgres && matches!(plain, b"infinity" | b"-infinity");
    if fits || own {
        out.extend_from_slice(plain);
        return Ok(Written::same(CellKind::Text));
    }
    no_date(plain)
}

/// A date that one of the engines has, or no date at all.
fn no_date(plain: &[u8]) -> Result<Written, &'static str> {
    let known = plain.get(..10).is_some_and(times::is_date)
        || plain.ends_with(b" BC")
        || plain.ends_with(b"infinity")
        || plain.get(4).is_some_and(u8::is_ascii_digit) && plain.contains(&b'-');
    if known { Ok(Written::null(NO_DATE)) } else { Err("not written as a date") }
}

fn time(engine: EngineKind, plain: &[u8], out: &mut Vec<u8>) -> Result<Written, &'static str> {
    if engine == EngineKind::Postgres && !times::is_time(plain) {
        return Err("not a time of a day");
    }
    out.extend_from_slice(plain);
    Ok(Written::same(CellKind::Text))
}

fn timestamp(
    engine: EngineKind,
    digits: u8,
    zoned: bool,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<Written, &'static str> {
    let as_is =
        engine == EngineKind::Sqlite || (engine == EngineKind::Postgres && matches!(plain, b"infinity" | b"-infinity"));
    if as_is {
        out.extend_from_slice(plain);
        return Ok(Written::same(CellKind::Text));
    }
    let Some(moment) = times::moment(plain) else { return no_date(plain) };
    if engine == EngineKind::Postgres && !times::is_real_date(moment.date) {
        return Ok(Written::null(NO_DATE));
    }
    if moment.zone.starts_with(b" ") {
        return Ok(Written::null(NO_DATE));
    }
    let keeps_zone = zoned && engine == EngineKind::Postgres;
    if !(moment.is_utc() || keeps_zone) {
        return Err("a time in another zone than UTC, in a column without a zone");
    }
    moment.write(out);
    if keeps_zone {
        out.extend_from_slice(if moment.zone.is_empty() { b"+00" } else { moment.zone });
    }
    let changed =
        (moment.fraction.len() > usize::from(digits)).then_some("a fraction of a second with too many digits");
    Ok(Written { kind: CellKind::Text, changed })
}

/// A column without a type keeps numbers as numbers.
fn any(origin: &Neutral, plain: &[u8], out: &mut Vec<u8>) -> Written {
    let is_number = matches!(origin, Neutral::Boolean | Neutral::Integer { .. } | Neutral::Float(_) | Neutral::Year);
    if is_number && let Some(done) = number(Affinity::Number, plain, out) {
        return done;
    }
    out.extend_from_slice(plain);
    Written::same(CellKind::Text)
}

/// What SQLite makes of a text in a column of numbers.
fn stored(affinity: Affinity, neutral: &Neutral, done: Written, text: &[u8], out: &mut Vec<u8>) -> Written {
    let start = out.len();
    let Some(stored) = number(affinity, text, out) else {
        out.extend_from_slice(text);
        return done;
    };
    let is_number = matches!(
        neutral,
        Neutral::Boolean | Neutral::Integer { .. } | Neutral::Decimal(_) | Neutral::Float(_) | Neutral::Year
    );
    let altered = !is_number && out[start..] != *text;
    let changed = altered.then_some("text that SQLite turns into a number here").or(stored.changed);
    Written { kind: stored.kind, changed }
}

/// The number that SQLite stores for a text, if it takes it for one.
fn number(affinity: Affinity, plain: &[u8], out: &mut Vec<u8>) -> Option<Written> {
    let trimmed = plain.trim_ascii();
    if matches!(trimmed, b"Infinity" | b"-Infinity") && affinity == Affinity::Real {
        out.extend_from_slice(if trimmed[0] == b'-' { b"-Inf" } else { b"Inf" });
        return Some(Written::same(CellKind::Real));
    }
    let parsed = Decimal::parse(trimmed)?;
    let whole = parsed.integer().and_then(|number| i64::try_from(number).ok());
    // SQLite reads digits alone as an integer, everything else as a double that may turn out whole.
    let digits_only = trimmed.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'));
    let (value, exact) = double(trimmed)?;
    if let (Some(whole), true) = (whole, affinity != Affinity::Real && (digits_only || exact)) {
        // Writing to a Vec cannot fail.
        write!(out, "{whole}").unwrap_or_default();
        return Some(Written::same(CellKind::Integer));
    }
    let value = if value == 0.0 { 0.0 } else { value };
    if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"Inf" } else { b"-Inf" });
    } else {
        write!(out, "{value:?}").unwrap_or_default();
    }
    let changed = (!exact).then_some("a number with more digits than a floating point number keeps");
    Some(Written { kind: CellKind::Real, changed })
}

/// A value as the literal of a default, if it fits the column unchanged.
pub(in crate::translate) fn literal(to: EngineKind, target: &Target, plain: &[u8]) -> Option<Sql> {
    let mut out = Vec::new();
    let done = written(target, &target.neutral, Form::Text, plain, &mut out).ok()?;
    if done.changed.is_some() {
        return None;
    }
    let text = String::from_utf8(out).ok()?;
    let sql = Sql::new(to);
    let is_number =
        matches!(target.neutral, Neutral::Integer { .. } | Neutral::Decimal(_) | Neutral::Float(_) | Neutral::Year)
            && Decimal::parse(text.as_bytes()).is_some();
    Some(match done.kind {
        CellKind::Integer | CellKind::Real => sql.part(&Sql::rendered(to, text)),
        _ if is_number => sql.part(&Sql::rendered(to, text)),
        _ if text.starts_with("0x") && matches!(target.neutral, Neutral::Boolean | Neutral::Bits { .. }) => {
            sql.part(&Sql::rendered(to, text))
        }
        _ if target.is_long => sql.lit("(").string(&text).lit(")"),
        _ => sql.string(&text),
    })
}
