//! What every field promises, over all makers, types and restrictions.

use super::makers::{self, Make};
use super::*;
use crate::generate::restriction::{Bound, Case};
use crate::generate::value::Number;
use crate::model::schema::{Family, TableKind, TableName, Traces};
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization;

/// Noon of the last day of 2025.
pub(super) const NOW: i64 = 1_767_182_400_000_000;

pub(super) fn column(name: &str, declared: &str, family: Family, length: Option<u32>) -> Column {
    Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        family,
        length,
        nullable: false,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    }
}

pub(super) fn catalogue(engine: EngineKind, columns: Vec<Column>) -> Catalogue {
    let table = Table {
        name: TableName::plain("orders"),
        kind: TableKind::Ordinary,
        columns,
        primary_key: Vec::new(),
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: true,
    };
    let settings = BTreeMap::from([("collation".to_owned(), "utf8mb4_general_ci".to_owned())]);
    let version = String::new();
    Catalogue { engine, version, settings, tables: vec![table], pre: vec![], post: vec![], own: Traces::default() }
}

pub(super) fn spec<'a>(
    catalogue: &'a Catalogue,
    at: usize,
    restriction: &'a Restriction,
    labels: &'a [String],
) -> Spec<'a> {
    Spec {
        engine: catalogue.engine,
        catalogue,
        table: &catalogue.tables[0],
        column: at,
        guess: None,
        restriction,
        labels,
        now: NOW,
        edge: false,
    }
}

pub(super) fn row(number: u64, cells: &[Option<Value>]) -> Row<'_> {
    Row { number, cells, subject: Subject(number), people: &[] }
}

/// A text as a collation sees it that knows no case, no accents and no spaces at the end.
fn folded(text: &str) -> String {
    let bare = text.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    bare.collect::<String>().to_lowercase().trim_end().to_owned()
}

fn key(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => folded(text),
        Value::Bytes(bytes) => format!("{bytes:02x?}"),
        Value::Boolean(yes) => yes.to_string(),
        Value::Date(days) => format!("d{days}"),
        Value::Time(micros) => format!("t{micros}"),
        Value::Timestamp(micros) => format!("s{micros}"),
    }
}

thread_local! {
    static REGEXES: std::cell::RefCell<BTreeMap<String, regex::Regex>> = const { std::cell::RefCell::new(BTreeMap::new()) };
}

fn is_match(expression: &str, text: &str) -> bool {
    REGEXES.with_borrow_mut(|known| {
        let regex = known.entry(expression.to_owned()).or_insert_with(|| regex::Regex::new(expression).unwrap());
        regex.is_match(text)
    })
}

/// Whether a value keeps to a restriction, thought of apart from the code that makes it.
fn keeps(value: &Value, rule: &Restriction) -> bool {
    let number = |value: &Value| match value {
        Value::Number(number) => Some(number.real()),
        Value::Real(real) => Some(*real),
        Value::Date(days) => Some(f64::from(*days)),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let compared = |bound: &Option<Bound>| {
        bound.as_ref().and_then(|bound| Some((number(value)?, number(&bound.value)?, bound.inclusive)))
    };
    let low = compared(&rule.low).is_none_or(|(value, low, in_it)| value > low || in_it && value >= low);
    let high = compared(&rule.high).is_none_or(|(value, high, in_it)| value < high || in_it && value <= high);
    let text = if let Value::Text(text) = value { text.as_str() } else { return low && high };
    let chars = u32::try_from(text.chars().count()).unwrap();
    low && high
        && rule.length.0.is_none_or(|least| chars >= least)
        && rule.length.1.is_none_or(|most| chars <= most)
        && rule.like.iter().all(|pattern| {
            let expression = regex::escape(pattern).replace('%', ".*").replace('_', ".");
            is_match(&format!("^{expression}$"), text)
        })
        && rule.matches.iter().all(|expression| is_match(expression, text))
        && rule.none_of.iter().all(|other| !matches!(other, Value::Text(other) if folded(other) == folded(text)))
        && match rule.case {
            Some(Case::Lower) => text == text.to_lowercase(),
            Some(Case::Upper) => text == text.to_uppercase(),
            None => true,
        }
}

/// Makes many cells of a column and holds each against what was promised.
fn hold(engine: EngineKind, column: Column, rule: &Restriction, check: impl Fn(&Value) -> bool) -> u64 {
    let name = format!("{engine} {} {} {rule:?}", column.name, column.declared);
    let catalogue = catalogue(engine, vec![column]);
    let labels = enum_labels(&catalogue, &catalogue.tables[0].columns[0]);
    let field = field(&spec(&catalogue, 0, rule, &labels)).unwrap_or_else(|why| panic!("{name}: {why}"));
    for number in 0..60 {
        let made = field.make(&row(number, &[None]), &mut Draw::of(number));
        assert!(check(&made) && keeps(&made, rule), "{name}: made {}", key(&made));
    }
    let capacity = field.capacity();
    let mut seen = BTreeSet::new();
    for n in (0..capacity.min(300)).chain(capacity.saturating_sub(20).max(capacity.min(300))..capacity) {
        let made = field.nth(n, &row(n % 7, &[None]));
        assert!(check(&made) && keeps(&made, rule), "{name}: {n} is {}", key(&made));
        assert!(seen.insert(key(&made)), "{name}: {n} is {} again", key(&made));
    }
    capacity
}

fn is_text(value: &Value, room: u32) -> bool {
    matches!(value, Value::Text(text) if text.chars().count() <= room as usize)
}

#[test]
fn every_maker_of_texts_fits_every_length_and_tells_rows_apart() {
    for maker in makers::all().filter(|maker| matches!(maker.make, Make::Text(..) | Make::List(_))) {
        for room in [1, 2, 3, 6, 10, 12, 14, 20, 36, 64, 255] {
            let name = maker.words[0].replace(' ', "_");
            let column = column(&name, &format!("varchar({room})"), Family::Text, Some(room));
            let capacity = hold(EngineKind::Mysql, column, &Restriction::default(), |value| is_text(value, room));
            let least = [0, 26, 26 * 36, 1000].get(room as usize).copied().unwrap_or(500);
            assert!(capacity >= least, "{name} of {room}: {capacity}");
        }
    }
}

#[test]
fn texts_keep_to_restrictions() {
    let text = |text: &str| Value::text(text);
    let open = Restriction::default;
    let like =
        |patterns: &[&str]| Restriction { like: patterns.iter().map(|text| (*text).to_owned()).collect(), ..open() };
    let matches = |text: &str| Restriction { matches: vec![text.to_owned()], ..open() };
    let rules = [
        like(&["INV-%"]),
        like(&["%@%"]),
        like(&["__-%"]),
        matches("^[A-Z]{2}[0-9]{4}$"),
        matches("^[^@]+@[^@]+\\.[^@]+$"),
        matches("^[a-z][a-z0-9_]*$"),
        Restriction { length: (Some(1), None), ..open() },
        Restriction { length: (Some(10), Some(12)), ..open() },
        Restriction { length: (Some(3), Some(3)), ..open() },
        Restriction { case: Some(Case::Upper), ..open() },
        Restriction { case: Some(Case::Lower), length: (Some(2), Some(9)), ..open() },
        Restriction { none_of: vec![text(""), text("US"), text("1"), text("active")], ..open() },
    ];
    for rule in &rules {
        for name in ["email", "username", "name", "code", "status", "note", "country_code", "phone", "sku", "slug"] {
            for room in [12, 40, 255] {
                let column = column(name, &format!("character varying({room})"), Family::Text, Some(room));
                let capacity = hold(EngineKind::Postgres, column, rule, |value| is_text(value, room));
                assert!(capacity >= 1000, "{name} {room} {rule:?}: {capacity}");
            }
        }
    }
    let one_of = Restriction { one_of: Some(vec![text("a"), text("B"), text("A"), text("toolong")]), ..open() };
    let column = column("x", "varchar(3)", Family::Text, Some(3));
    assert_eq!(hold(EngineKind::Mysql, column, &one_of, |value| is_text(value, 1)), 2);
}

#[test]
fn numbers_keep_to_types_and_restrictions() {
    let bound = |text: &str, inclusive| Some(Bound { value: Value::Number(Number::parse(text).unwrap()), inclusive });
    let open = Restriction::default;
    let rules = [
        open(),
        Restriction { low: bound("0", true), ..open() },
        Restriction { low: bound("0", false), high: bound("1", true), ..open() },
        Restriction { low: bound("5", true), high: bound("9", false), none_of: vec![Value::whole(7)], ..open() },
        Restriction { low: bound("0", false), high: bound("0.01", false), ..open() },
        Restriction { high: bound("-1", false), ..open() },
        Restriction { low: bound("3", true), multiple_of: Some(5), ..open() },
    ];
    let types = [
        (EngineKind::Mysql, "tinyint", Family::Integer, -128.0, 127.0),
        (EngineKind::Mysql, "smallint unsigned", Family::Integer, 0.0, 65_535.0),
        (EngineKind::Postgres, "integer", Family::Integer, -2_147_483_648.0, 2_147_483_647.0),
        (EngineKind::Postgres, "numeric(10,2)", Family::Numeric, -99_999_999.99, 99_999_999.99),
        (EngineKind::Mysql, "decimal(4,3)", Family::Numeric, -9.999, 9.999),
        (EngineKind::Postgres, "numeric", Family::Numeric, -1e16, 1e16),
        (EngineKind::Sqlite, "INTEGER", Family::Integer, -9.3e18, 9.3e18),
        (EngineKind::Postgres, "double precision", Family::Real, -1e12, 1e12),
        (EngineKind::Mysql, "float", Family::Real, -1e6, 1e6),
    ];
    for rule in &rules {
        for (engine, declared, family, low, high) in types {
            for name in ["x", "price", "quantity", "total", "id", "tax_rate", "latitude"] {
                let unsigned_below = rule.high.as_ref().is_some_and(|_| rule.low.is_none()) && low == 0.0;
                let small = rule.high.as_ref().is_some_and(|high| high.value == Value::Number(Number::new(1, 2)));
                if small && !(family == Family::Real || declared == "decimal(4,3)") {
                    continue;
                }
                let too_large = rule.multiple_of.is_some() && high < 10.0 && rule.low.is_some();
                if unsigned_below || (too_large && high < 5.0) {
                    continue;
                }
                let range = |value: &Value| match value {
                    Value::Number(number) => (low..=high).contains(&number.real()),
                    Value::Real(real) => (low..=high).contains(real),
                    _ => false,
                };
                hold(engine, column(name, declared, family, None), rule, range);
            }
        }
    }
}

#[test]
fn every_type_has_a_field() {
    for (engine, declared, family) in [
        (EngineKind::Postgres, "boolean", Family::Boolean),
        (EngineKind::Postgres, "bytea", Family::Blob),
        (EngineKind::Postgres, "bit(5)", Family::Any),
        (EngineKind::Postgres, "bit varying(12)", Family::Any),
        (EngineKind::Postgres, "date", Family::Date),
        (EngineKind::Postgres, "time(3) with time zone", Family::Time),
        (EngineKind::Postgres, "timestamp with time zone", Family::Timestamp),
        (EngineKind::Postgres, "interval", Family::Any),
        (EngineKind::Postgres, "jsonb", Family::Json),
        (EngineKind::Postgres, "uuid", Family::Uuid),
        (EngineKind::Postgres, "inet", Family::Any),
        (EngineKind::Postgres, "macaddr8", Family::Any),
        (EngineKind::Postgres, "integer[]", Family::Any),
        (EngineKind::Postgres, "character varying(20)[]", Family::Any),
        (EngineKind::Postgres, "tstzrange", Family::Any),
        (EngineKind::Postgres, "datemultirange", Family::Any),
        (EngineKind::Postgres, "tsvector", Family::Any),
        (EngineKind::Postgres, "money", Family::Numeric),
        (EngineKind::Mysql, "year(4)", Family::Integer),
        (EngineKind::Mysql, "bit(1)", Family::Blob),
        (EngineKind::Mysql, "binary(16)", Family::Blob),
        (EngineKind::Mysql, "varbinary(3)", Family::Blob),
        (EngineKind::Mysql, "time", Family::Time),
        (EngineKind::Mysql, "timestamp(6)", Family::Timestamp),
        (EngineKind::Mysql, "enum('a','b')", Family::Enum),
        (EngineKind::Mysql, "set('x','y','z')", Family::Any),
        (EngineKind::Mysql, "tinyint(1)", Family::Integer),
        (EngineKind::Mysql, "json", Family::Json),
        (EngineKind::Mariadb, "inet6", Family::Any),
        (EngineKind::Sqlite, "", Family::Any),
        (EngineKind::Sqlite, "DATETIME", Family::Timestamp),
    ] {
        for name in ["x", "created_at", "tags"] {
            let capacity =
                hold(engine, column(name, declared, family, None), &Restriction::default(), |value| !value.is_null());
            assert!(capacity > 1, "{declared}");
        }
    }
    let catalogue = catalogue(EngineKind::Postgres, vec![column("x", "my_composite", Family::Any, None)]);
    let why = field(&spec(&catalogue, 0, &Restriction::default(), &[])).err().unwrap();
    assert!(why.contains("my_composite"));
}
