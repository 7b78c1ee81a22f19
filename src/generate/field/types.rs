//! What a column's type can hold, read from what its catalogue says of it.

use super::Spec;
use crate::model::schema::{Catalogue, Column, EngineKind, Family};

/// A type, as far as it matters to whoever makes its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// Exact numbers in units of ten to the minus `places`, both ends included.
    Number { low: i128, high: i128, places: u8 },
    /// Binary floating point, and whether it is a single one.
    Real { single: bool },
    /// True or false; as a number where the engine has no such type.
    Boolean { number: bool },
    /// Text: at most so many characters, or bytes.
    Text { room: u32 },
    /// Bytes: at most so many, or exactly.
    Bytes { room: u32, exact: bool },
    /// A bit string of that many digits, or of up to so many; as bytes where `raw`.
    Bits { count: u32, varying: bool, raw: bool },
    /// A calendar date.
    Date,
    /// A time of day, with so many digits behind the second.
    Time { digits: u8, zone: bool },
    /// Date and time; `unix` where the engine counts seconds since 1970 in 32 bits.
    Timestamp { digits: u8, unix: bool },
    /// MySQL's year.
    Year,
    /// JSON.
    Json,
    /// A UUID.
    Uuid,
    /// One label.
    Enum(Vec<String>),
    /// Any of these labels, with commas between.
    Set(Vec<String>),
    /// Many of something: PostgreSQL's arrays.
    Array(Box<Column>),
    /// What only one engine has, by its name.
    Other(String),
}

/// More characters than any text gets, where the type sets no limit.
pub(super) const ENDLESS: u32 = 1 << 20;

impl Type {
    /// The type of a column.
    pub(super) fn of(spec: &Spec<'_>) -> Self {
        Self::of_column(spec.engine, spec.catalogue, spec.column(), spec.labels)
    }

    fn of_column(engine: EngineKind, catalogue: &Catalogue, column: &Column, labels: &[String]) -> Self {
        if !labels.is_empty() && column.family == Family::Enum {
            return Self::Enum(labels.to_vec());
        }
        match engine {
            EngineKind::Postgres => postgres(catalogue, column, labels),
            EngineKind::Mysql | EngineKind::Mariadb => mysql(column),
            EngineKind::Sqlite => sqlite(column),
        }
    }
}

impl Type {
    /// The same digits with a point before the last ones.
    fn with_places(self, places: u8) -> Self {
        if let Self::Number { low, high, .. } = self { Self::Number { low, high, places } } else { self }
    }
}

/// The words of a type without what stands in brackets, and the numbers there.
fn parts(declared: &str) -> (String, Vec<u32>) {
    let Some((before, rest)) = declared.split_once('(') else { return (declared.trim().to_lowercase(), Vec::new()) };
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let words = format!("{}{}", before.trim(), after).to_lowercase();
    (words, inside.split(',').filter_map(|number| number.trim().parse().ok()).collect())
}

fn integer(bytes: u32, unsigned: bool) -> Type {
    let span = 1_i128 << (bytes * 8 - u32::from(!unsigned));
    Type::Number { low: if unsigned { 0 } else { -span }, high: span - 1, places: 0 }
}

/// A decimal of so many digits, of which so many stand behind the point.
fn decimal(numbers: &[u32], unsigned: bool) -> Type {
    let digits = numbers.first().copied().unwrap_or(18);
    let places = numbers.get(1).copied().unwrap_or(if numbers.is_empty() { 2 } else { 0 });
    // What has more digits than a number here is made without its last ones; more in front than anybody writes stay unused.
    let kept = places.min(12);
    let high = 10_i128.pow(digits.saturating_sub(places).min(22) + kept) - 1;
    Type::Number { low: if unsigned { 0 } else { -high }, high, places: u8::try_from(kept).unwrap_or(0) }
}

fn digits(numbers: &[u32], without: u8) -> u8 {
    numbers.first().and_then(|digits| u8::try_from(*digits).ok()).unwrap_or(without).min(6)
}

fn postgres(catalogue: &Catalogue, column: &Column, labels: &[String]) -> Type {
    if let Some(element) = column.declared.strip_suffix("[]") {
        return Type::Array(Box::new(element_of(catalogue, column, element)));
    }
    let (words, numbers) = parts(&column.declared);
    let first = |without: u32| numbers.first().copied().unwrap_or(without);
    match words.as_str() {
        "smallint" => integer(2, false),
        "integer" => integer(4, false),
        "bigint" => integer(8, false),
        "oid" => integer(4, true),
        "numeric" => decimal(&numbers, false),
        "money" => integer(8, false).with_places(2),
        "real" => Type::Real { single: true },
        "double precision" => Type::Real { single: false },
        "boolean" => Type::Boolean { number: false },
        "name" => Type::Text { room: 63 },
        "\"char\"" => Type::Text { room: 1 },
        "text" | "citext" | "character varying" | "character" | "bpchar" => {
            Type::Text { room: column.length.unwrap_or(ENDLESS) }
        }
        "bytea" => Type::Bytes { room: ENDLESS, exact: false },
        "bit" => Type::Bits { count: first(1), varying: false, raw: false },
        "bit varying" => Type::Bits { count: first(64), varying: true, raw: false },
        "date" => Type::Date,
        "time without time zone" => Type::Time { digits: digits(&numbers, 6), zone: false },
        "time with time zone" => Type::Time { digits: digits(&numbers, 6), zone: true },
        "timestamp without time zone" | "timestamp with time zone" => {
            Type::Timestamp { digits: digits(&numbers, 6), unix: false }
        }
        "json" | "jsonb" => Type::Json,
        "uuid" => Type::Uuid,
        _ => match domain(catalogue, &column.declared) {
            Some(base) if base != column.declared => {
                let base = Column { declared: base, ..column.clone() };
                Type::of_column(EngineKind::Postgres, catalogue, &base, labels)
            }
            _ if !labels.is_empty() => Type::Enum(labels.to_vec()),
            _ => Type::Other(words.rsplit('.').next().unwrap_or(&words).trim_matches('"').to_owned()),
        },
    }
}

/// The column that an array's elements would be.
fn element_of(catalogue: &Catalogue, column: &Column, declared: &str) -> Column {
    let (words, numbers) = parts(declared);
    let length = numbers.first().copied().filter(|_| words.starts_with("char"));
    let base = crate::model::declared::postgres_family;
    let kind = if labels_of(catalogue, declared).is_empty() { "b" } else { "e" };
    let short = match words.as_str() {
        "integer" => "int4",
        "bigint" => "int8",
        "character varying" => "varchar",
        other => other,
    };
    Column { declared: declared.to_owned(), family: base(short, kind), length, ..column.clone() }
}

/// What a domain of that name is made of.
fn domain(catalogue: &Catalogue, name: &str) -> Option<String> {
    let object = catalogue.pre.iter().find(|object| object.kind == "domain" && object.name == name)?;
    let written = object.create.split_once(" AS ")?.1;
    let options = [" DEFAULT ", " NOT NULL", " CONSTRAINT ", " CHECK ", " COLLATE "];
    let end = options.iter().filter_map(|option| written.find(option)).min().unwrap_or(written.len());
    Some(written[..end].trim().to_owned())
}

fn mysql(column: &Column) -> Type {
    let (words, numbers) = parts(&column.declared);
    let unsigned = words.contains("unsigned");
    let first = |without: u32| numbers.first().copied().unwrap_or(without);
    // Labels may hold brackets, so the name is read from the front.
    let name = column.declared.split(['(', ' ']).next().unwrap_or_default().to_lowercase();
    match name.as_str() {
        _ if column.family == Family::Json => Type::Json,
        "tinyint" if numbers == [1] && !unsigned => Type::Boolean { number: true },
        "tinyint" => integer(1, unsigned),
        "smallint" => integer(2, unsigned),
        "mediumint" => integer(3, unsigned),
        "int" | "integer" => integer(4, unsigned),
        "bigint" => integer(8, unsigned),
        "decimal" | "numeric" => decimal(if numbers.is_empty() { &[10] } else { &numbers }, unsigned),
        // The old form says how many digits there are.
        "float" | "double" if numbers.len() == 2 => decimal(&[first(1).min(6 + numbers[1]), numbers[1]], unsigned),
        "float" => Type::Real { single: true },
        "double" => Type::Real { single: false },
        "tinytext" => Type::Text { room: 255 },
        "char" | "varchar" => Type::Text { room: column.length.unwrap_or(first(1)) },
        "text" | "mediumtext" | "longtext" => Type::Text { room: column.length.unwrap_or(ENDLESS).min(65_535) },
        "binary" => Type::Bytes { room: first(1), exact: true },
        "varbinary" => Type::Bytes { room: first(255), exact: false },
        "tinyblob" => Type::Bytes { room: 255, exact: false },
        "blob" | "mediumblob" | "longblob" => Type::Bytes { room: 65_535, exact: false },
        "bit" => Type::Bits { count: first(1), varying: false, raw: true },
        "date" => Type::Date,
        "time" => Type::Time { digits: digits(&numbers, 0), zone: false },
        "datetime" | "timestamp" => Type::Timestamp { digits: digits(&numbers, 0), unix: name == "timestamp" },
        "year" => Type::Year,
        "uuid" => Type::Uuid,
        "enum" => Type::Enum(quoted(&column.declared)),
        "set" => Type::Set(quoted(&column.declared)),
        other => Type::Other(other.to_owned()),
    }
}

fn sqlite(column: &Column) -> Type {
    let (_, numbers) = parts(&column.declared);
    match column.family {
        Family::Integer => integer(8, false),
        Family::Numeric => decimal(&numbers, false),
        Family::Real => Type::Real { single: false },
        Family::Boolean => Type::Boolean { number: true },
        Family::Date => Type::Date,
        Family::Time => Type::Time { digits: 0, zone: false },
        Family::Timestamp => Type::Timestamp { digits: 0, unix: false },
        Family::Json => Type::Json,
        Family::Uuid => Type::Uuid,
        Family::Blob => Type::Bytes { room: ENDLESS, exact: false },
        Family::Text | Family::Enum | Family::Any => Type::Text { room: column.length.unwrap_or(ENDLESS) },
    }
}

/// The labels of a column's type: those of an enum, or of an array's elements; none for other types.
#[must_use]
pub fn enum_labels(catalogue: &Catalogue, column: &Column) -> Vec<String> {
    if catalogue.engine != EngineKind::Postgres {
        let name = column.declared.split('(').next().unwrap_or_default();
        let is_list = ["enum", "set"].iter().any(|list| name.eq_ignore_ascii_case(list));
        return if is_list { quoted(&column.declared) } else { Vec::new() };
    }
    let element = column.declared.trim_end_matches("[]");
    let found = labels_of(catalogue, element);
    match domain(catalogue, element) {
        Some(base) if found.is_empty() => labels_of(catalogue, &base),
        _ => found,
    }
}

fn labels_of(catalogue: &Catalogue, name: &str) -> Vec<String> {
    let named = |object: &&crate::model::schema::SchemaObject| object.kind == "type" && object.name == name;
    let create = catalogue.pre.iter().find(named).map(|object| object.create.as_str());
    let listed = create.and_then(|create| create.split_once(" AS ENUM "));
    listed.map(|(_, labels)| quoted(labels)).unwrap_or_default()
}

/// What stands between single quotes, of which two make one.
fn quoted(text: &str) -> Vec<String> {
    let (mut labels, mut label, mut inside) = (Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, inside) {
            ('\'', true) if rest.peek() == Some(&'\'') => {
                label.push('\'');
                rest.next();
            }
            ('\'', true) => {
                labels.push(std::mem::take(&mut label));
                inside = false;
            }
            ('\'', false) => inside = true,
            (c, true) => label.push(c),
            (_, false) => {}
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_with_their_quotes() {
        assert_eq!(quoted("enum('a','b''c','','d,e')"), ["a", "b'c", "", "d,e"]);
        assert_eq!(
            quoted("CREATE TYPE mood AS ENUM ('sad', 'very ''ok''')".split_once("ENUM").unwrap().1),
            ["sad", "very 'ok'"]
        );
    }

    #[test]
    fn words_and_numbers_of_a_type() {
        assert_eq!(parts("timestamp(3) without time zone"), ("timestamp without time zone".to_owned(), vec![3]));
        assert_eq!(parts("decimal(10,2) unsigned"), ("decimal unsigned".to_owned(), vec![10, 2]));
        assert_eq!(decimal(&[4, 2], false), Type::Number { low: -9999, high: 9999, places: 2 });
        assert_eq!(integer(1, false), Type::Number { low: -128, high: 127, places: 0 });
        assert_eq!(integer(8, true), Type::Number { low: 0, high: i128::from(u64::MAX), places: 0 });
    }
}
