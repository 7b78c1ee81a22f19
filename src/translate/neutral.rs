//! The types that engines have in common: every column type of an engine is one of these, and each has a type on every
//! engine. One table in the middle instead of one per pair.

use super::token::{Token, behind_bracket, parts, tokens};
use crate::model::schema::{Catalogue, Column, EngineKind, Family};
use std::collections::BTreeMap;

/// What a column holds, whatever its engine calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Neutral {
    /// True or false.
    Boolean,
    /// Whole numbers of so many bits.
    Integer {
        /// 8, 16, 24, 32 or 64.
        bits: u8,
        /// Whether there are no negative ones.
        unsigned: bool,
    },
    /// Decimal numbers, with precision and scale where they are limited.
    Decimal(Option<(u32, i32)>),
    /// Binary floating point of 32 or 64 bits.
    Float(u8),
    /// Text.
    Text {
        /// The most characters.
        length: Option<u32>,
        /// Whether the engine pads it with spaces that mean nothing.
        padded: bool,
    },
    /// Raw bytes, so many at most.
    Bytes(Option<u32>),
    /// Strings of bits.
    Bits {
        /// How many.
        length: Option<u32>,
        /// Whether there may be fewer.
        varying: bool,
    },
    /// A calendar date.
    Date,
    /// A time of day, without a zone.
    Time,
    /// Date and time.
    Timestamp {
        /// Digits of the fraction of a second.
        digits: u8,
        /// Whether it is an instant (in UTC) instead of a wall clock.
        zoned: bool,
    },
    /// A year.
    Year,
    /// JSON.
    Json,
    /// A UUID.
    Uuid,
    /// One of some labels.
    Enum(Vec<String>),
    /// Some of some labels, between commas.
    Set(Vec<String>),
    /// A type of one engine alone, as the text that engine prints.
    Rendered,
    /// Anything at all (SQLite columns without a type).
    Any,
}

/// What a catalogue says about types that its columns only name: PostgreSQL's enums and domains.
#[derive(Debug, Clone, Default)]
pub struct NamedTypes(BTreeMap<String, Named>);

#[derive(Debug, Clone)]
enum Named {
    Enum(Vec<String>),
    Domain { base: String, not_null: bool, checks: Vec<Vec<Token>> },
}

impl NamedTypes {
    /// The named types of a catalogue.
    #[must_use]
    pub fn of(catalogue: &Catalogue) -> Self {
        let objects = catalogue.pre.iter().filter(|_| catalogue.engine == EngineKind::Postgres);
        let named = objects.filter_map(|object| Some((object.name.clone(), named(&object.kind, &object.create)?)));
        Self(named.collect())
    }

    /// Whether the column's type is a domain without NULL.
    #[must_use]
    pub(super) fn forbids_null(&self, declared: &str) -> bool {
        match self.0.get(declared) {
            Some(Named::Domain { base, not_null, .. }) => *not_null || self.forbids_null(base),
            _ => false,
        }
    }

    /// The checks of the column's domain, about `VALUE`.
    pub(super) fn checks(&self, declared: &str) -> Vec<&[Token]> {
        match self.0.get(declared) {
            Some(Named::Domain { base, checks, .. }) => {
                checks.iter().map(Vec::as_slice).chain(self.checks(base)).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn named(kind: &str, create: &str) -> Option<Named> {
    let tokens = tokens(EngineKind::Postgres, create);
    match kind {
        "type" => {
            let at = tokens.windows(3).position(|w| w[0].is("AS") && w[1].is("ENUM") && w[2].is_sign("("))?;
            Some(Named::Enum(texts(&tokens, at + 2)))
        }
        "domain" => {
            let start = create.find(" AS ")? + 4;
            let words = [" DEFAULT ", " NOT NULL", " CONSTRAINT "];
            let end = words.iter().filter_map(|word| create[start..].find(word)).min();
            let base = end.map_or(&create[start..], |end| &create[start..start + end]);
            let not_null = create[start..].contains(" NOT NULL");
            Some(Named::Domain { base: base.trim().to_owned(), not_null, checks: checks(&tokens) })
        }
        _ => None,
    }
}

/// The expressions in the brackets behind every CHECK.
pub(super) fn checks(tokens: &[Token]) -> Vec<Vec<Token>> {
    let opens = (1..tokens.len()).filter(|&at| tokens[at].is_sign("(") && tokens[at - 1].is("CHECK"));
    opens.map(|open| tokens[open + 1..behind_bracket(tokens, open).saturating_sub(1).max(open + 1)].to_vec()).collect()
}

fn texts(tokens: &[Token], open: usize) -> Vec<String> {
    let text = |part: &&[Token]| match part {
        [Token::Text(text)] => Some(text.clone()),
        _ => None,
    };
    parts(tokens, open).iter().filter_map(text).collect()
}

/// The neutral type of a column of an engine's catalogue.
#[must_use]
pub fn of(engine: EngineKind, types: &NamedTypes, column: &Column) -> Neutral {
    match engine {
        EngineKind::Sqlite => of_sqlite(column),
        EngineKind::Postgres => of_postgres(types, &column.declared),
        EngineKind::Mysql | EngineKind::Mariadb => of_mysql(&column.declared),
    }
}

/// The numbers in the first brackets of a type.
fn arguments(declared: &str) -> Vec<i32> {
    let inside = declared.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside);
    inside.into_iter().flat_map(|text| text.split(',')).filter_map(|part| part.trim().parse().ok()).collect()
}

fn count(numbers: &[i32]) -> Option<u32> {
    numbers.first().and_then(|&number| u32::try_from(number).ok())
}

fn decimal(numbers: &[i32]) -> Neutral {
    Neutral::Decimal(count(numbers).map(|precision| (precision, numbers.get(1).copied().unwrap_or(0))))
}

fn digits(numbers: &[i32], default: u8) -> u8 {
    numbers.first().and_then(|&digits| u8::try_from(digits).ok()).unwrap_or(default)
}

/// Integers with a sign.
const fn integer(bits: u8) -> Neutral {
    Neutral::Integer { bits, unsigned: false }
}

fn of_postgres(types: &NamedTypes, declared: &str) -> Neutral {
    match types.0.get(declared) {
        Some(Named::Enum(labels)) => return Neutral::Enum(labels.clone()),
        Some(Named::Domain { base, .. }) if base != declared => return of_postgres(types, base),
        _ => {}
    }
    let numbers = arguments(declared);
    let words: String = match declared.split_once('(') {
        Some((head, tail)) => format!("{head}{}", tail.split_once(')').map_or("", |(_, rest)| rest)),
        None => declared.to_owned(),
    };
    match words.as_str() {
        "boolean" => Neutral::Boolean,
        "smallint" => integer(16),
        "integer" => integer(32),
        "bigint" => integer(64),
        "oid" => Neutral::Integer { bits: 32, unsigned: true },
        "numeric" => decimal(&numbers),
        "real" => Neutral::Float(32),
        "double precision" => Neutral::Float(64),
        "text" | "citext" | "name" => Neutral::Text { length: None, padded: false },
        "character varying" => Neutral::Text { length: count(&numbers), padded: false },
        "character" => Neutral::Text { length: count(&numbers).or(Some(1)), padded: true },
        "bpchar" => Neutral::Text { length: None, padded: true },
        "\"char\"" => Neutral::Text { length: Some(1), padded: false },
        "bytea" => Neutral::Bytes(None),
        "bit" => Neutral::Bits { length: count(&numbers).or(Some(1)), varying: false },
        "bit varying" => Neutral::Bits { length: count(&numbers), varying: true },
        "date" => Neutral::Date,
        "time without time zone" => Neutral::Time,
        "timestamp without time zone" => Neutral::Timestamp { digits: digits(&numbers, 6), zoned: false },
        "timestamp with time zone" => Neutral::Timestamp { digits: digits(&numbers, 6), zoned: true },
        "json" | "jsonb" => Neutral::Json,
        "uuid" => Neutral::Uuid,
        _ => Neutral::Rendered,
    }
}

pub(super) fn of_mysql(declared: &str) -> Neutral {
    let lower = declared.to_ascii_lowercase();
    let base: String = lower.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let numbers = arguments(&lower);
    let whole = |bits| Neutral::Integer { bits, unsigned: lower.contains("unsigned") };
    let labels = || {
        let read = tokens(EngineKind::Mysql, declared);
        texts(&read, 1)
    };
    match base.as_str() {
        "tinyint" => whole(8),
        "smallint" => whole(16),
        "mediumint" => whole(24),
        "int" | "integer" => whole(32),
        "bigint" => whole(64),
        "decimal" | "numeric" => decimal(&numbers),
        "float" => Neutral::Float(32),
        "double" | "real" => Neutral::Float(64),
        "char" => Neutral::Text { length: count(&numbers).or(Some(1)), padded: true },
        "varchar" => Neutral::Text { length: count(&numbers), padded: false },
        "tinytext" | "text" | "mediumtext" | "longtext" => Neutral::Text { length: None, padded: false },
        "binary" => Neutral::Bytes(count(&numbers).or(Some(1))),
        "varbinary" => Neutral::Bytes(count(&numbers)),
        "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry" | "point" | "linestring" | "polygon"
        | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection" => {
            Neutral::Bytes(None)
        }
        // What applications use for true and false.
        "bit" if count(&numbers).unwrap_or(1) == 1 => Neutral::Boolean,
        "bit" => Neutral::Bits { length: count(&numbers), varying: false },
        "date" => Neutral::Date,
        "time" => Neutral::Time,
        "datetime" => Neutral::Timestamp { digits: digits(&numbers, 0), zoned: false },
        "timestamp" => Neutral::Timestamp { digits: digits(&numbers, 0), zoned: true },
        "year" => Neutral::Year,
        "json" => Neutral::Json,
        "uuid" => Neutral::Uuid,
        "enum" => Neutral::Enum(labels()),
        "set" => Neutral::Set(labels()),
        _ => Neutral::Rendered,
    }
}

fn of_sqlite(column: &Column) -> Neutral {
    let numbers = arguments(&column.declared);
    let upper = column.declared.to_ascii_uppercase();
    match column.family {
        Family::Boolean => Neutral::Boolean,
        Family::Integer => integer(64),
        Family::Real => Neutral::Float(64),
        Family::Numeric if ["NUM", "DEC"].iter().any(|word| upper.contains(word)) => decimal(&numbers),
        Family::Text => Neutral::Text { length: count(&numbers), padded: false },
        Family::Blob => Neutral::Bytes(None),
        Family::Date => Neutral::Date,
        Family::Time => Neutral::Time,
        Family::Timestamp => {
            let zoned = upper.contains("TZ") || upper.contains("WITH TIME ZONE");
            Neutral::Timestamp { digits: 6, zoned }
        }
        Family::Json => Neutral::Json,
        Family::Uuid => Neutral::Uuid,
        Family::Numeric | Family::Enum | Family::Any => Neutral::Any,
    }
}
