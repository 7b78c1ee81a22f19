//! What each neutral type is called on each engine: the table of `docs/engines.md`, which a test holds against this file.

use super::neutral::Neutral;
use crate::engine::sql::Sql;
use crate::model::schema::EngineKind;

/// SQLite keeps a decimal number exactly only up to as many digits as a double does.
pub(super) const EXACT_DIGITS: u32 = 15;
/// The longest VARCHAR on MySQL; a longer one is LONGTEXT, because all columns of a row share 64 KiB.
const MYSQL_VARCHAR: u32 = 4000;
/// The longest text that can be a key on MySQL, whose keys have 3072 bytes.
const MYSQL_LONGEST_KEY: u32 = 768;
/// A text without a limit in a key on MySQL: several fit into one key.
const MYSQL_KEYED: u32 = 255;

/// The type on the engine `to`. `keyed` says that the column is part of a key or index, which MySQL wants short and
/// PostgreSQL an integer where it counts.
#[must_use]
pub fn declare(to: EngineKind, neutral: &Neutral, keyed: bool) -> String {
    match to {
        EngineKind::Sqlite => sqlite(neutral),
        EngineKind::Postgres => postgres(neutral, keyed),
        EngineKind::Mysql | EngineKind::Mariadb => mysql(neutral, keyed),
    }
}

fn sqlite(neutral: &Neutral) -> String {
    match neutral {
        Neutral::Boolean => "BOOLEAN".into(),
        Neutral::Integer { .. } | Neutral::Year => "INTEGER".into(),
        Neutral::Decimal(Some((precision, scale))) if *precision <= EXACT_DIGITS => {
            format!("DECIMAL({precision},{scale})")
        }
        Neutral::Float(_) => "REAL".into(),
        Neutral::Text { length: Some(length), .. } => format!("VARCHAR({length})"),
        Neutral::Bytes(_) => "BLOB".into(),
        Neutral::Date => "DATE".into(),
        Neutral::Time => "TIME".into(),
        Neutral::Timestamp { .. } => "TIMESTAMP".into(),
        Neutral::Any => String::new(),
        // Names such as JSON and UUID would have SQLite turn what looks like a number into one.
        Neutral::Decimal(_)
        | Neutral::Text { .. }
        | Neutral::Bits { .. }
        | Neutral::Json
        | Neutral::Uuid
        | Neutral::Enum(_)
        | Neutral::Set(_)
        | Neutral::Rendered => "TEXT".into(),
    }
}

fn postgres(neutral: &Neutral, keyed: bool) -> String {
    match neutral {
        Neutral::Boolean => "boolean".into(),
        Neutral::Integer { bits, unsigned } => match (bits, unsigned) {
            (..=8, _) | (..=16, false) => "smallint".into(),
            (..=24, _) | (..=32, false) => "integer".into(),
            (..=32, true) | (_, false) => "bigint".into(),
            // Keys and counters must be of an integer type; a key above its range is refused by place.
            (_, true) if keyed => "bigint".into(),
            (_, true) => "numeric(20,0)".into(),
        },
        Neutral::Decimal(Some((precision, scale))) => format!("numeric({precision},{scale})"),
        Neutral::Decimal(None) => "numeric".into(),
        Neutral::Float(32) => "real".into(),
        Neutral::Float(_) => "double precision".into(),
        Neutral::Text { length: Some(length), .. } => format!("character varying({length})"),
        Neutral::Bytes(_) => "bytea".into(),
        Neutral::Bits { length: Some(length), varying: false } => format!("bit({length})"),
        Neutral::Bits { length: Some(length), varying: true } => format!("bit varying({length})"),
        Neutral::Bits { length: None, .. } => "bit varying".into(),
        Neutral::Date => "date".into(),
        Neutral::Time => "time without time zone".into(),
        Neutral::Timestamp { digits, zoned } => {
            let zone = if *zoned { "with" } else { "without" };
            let digits = if *digits < 6 { format!("({digits})") } else { String::new() };
            format!("timestamp{digits} {zone} time zone")
        }
        Neutral::Year => "smallint".into(),
        Neutral::Json => "jsonb".into(),
        Neutral::Uuid => "uuid".into(),
        Neutral::Text { length: None, .. } | Neutral::Enum(_) | Neutral::Set(_) | Neutral::Rendered | Neutral::Any => {
            "text".into()
        }
    }
}

fn mysql(neutral: &Neutral, keyed: bool) -> String {
    let text = || if keyed { format!("varchar({MYSQL_KEYED})") } else { "longtext".into() };
    let labels = |kind: &str, labels: &[String]| {
        let quoted = Sql::new(EngineKind::Mysql).list(labels, ",", |sql, label| sql.string(label));
        format!("{kind}({})", quoted.text())
    };
    match neutral {
        Neutral::Boolean => "tinyint(1)".into(),
        Neutral::Integer { bits, unsigned } => {
            let name = match bits {
                ..=8 => "tinyint",
                ..=16 => "smallint",
                ..=24 => "mediumint",
                ..=32 => "int",
                _ => "bigint",
            };
            format!("{name}{}", if *unsigned { " unsigned" } else { "" })
        }
        Neutral::Decimal(limits) => match limits.map(|(precision, scale)| mysql_decimal(precision, scale)) {
            Some((precision, scale)) if precision <= 65 && scale <= 30 => format!("decimal({precision},{scale})"),
            Some(_) => text(),
            None => "decimal(65,30)".into(),
        },
        Neutral::Float(32) => "float".into(),
        Neutral::Float(_) => "double".into(),
        Neutral::Text { length: Some(length), .. } if keyed => format!("varchar({})", length.min(&MYSQL_LONGEST_KEY)),
        Neutral::Text { length: Some(length), .. } if *length <= MYSQL_VARCHAR => format!("varchar({length})"),
        Neutral::Bytes(Some(length)) if *length <= MYSQL_VARCHAR => format!("varbinary({length})"),
        Neutral::Bytes(_) if keyed => format!("varbinary({MYSQL_KEYED})"),
        Neutral::Bytes(_) => "longblob".into(),
        Neutral::Bits { length: Some(length), varying: false } if *length <= 64 => format!("bit({length})"),
        Neutral::Date => "date".into(),
        Neutral::Time => "time(6)".into(),
        Neutral::Timestamp { digits, .. } => format!("datetime({digits})"),
        Neutral::Year => "year".into(),
        Neutral::Json => "json".into(),
        Neutral::Uuid => "char(36)".into(),
        Neutral::Enum(known) => labels("enum", known),
        Neutral::Set(known) => labels("set", known),
        Neutral::Text { .. } | Neutral::Bits { .. } | Neutral::Rendered | Neutral::Any => text(),
    }
}

/// PostgreSQL allows a scale below zero and one above the precision.
fn mysql_decimal(precision: u32, scale: i32) -> (u32, u32) {
    match u32::try_from(scale) {
        Ok(scale) => (precision.max(scale), scale),
        Err(_) => (precision + scale.unsigned_abs(), 0),
    }
}

/// Whether the values of the type keep their order and arithmetic on the engine, so that a check may compare them.
pub(super) fn is_comparable(to: EngineKind, neutral: &Neutral) -> bool {
    match neutral {
        Neutral::Decimal(_) if to == EngineKind::Sqlite => sqlite(neutral) != "TEXT",
        Neutral::Decimal(_) if to != EngineKind::Postgres => mysql(neutral, false).starts_with("decimal"),
        Neutral::Rendered | Neutral::Bits { .. } | Neutral::Bytes(_) | Neutral::Json | Neutral::Any => false,
        _ => true,
    }
}
