//! Types against types, as a table of cases.

use super::*;
use crate::model::schema::{Catalogue, Family, SchemaObject, Traces};
use EngineKind::{Mysql, Postgres, Sqlite};
use std::collections::BTreeMap;

fn column(engine: EngineKind, declared: &str) -> Column {
    let upper = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    let family = match () {
        () if engine != Sqlite => Family::Any,
        () if has(&["INT"]) => Family::Integer,
        () if has(&["CHAR", "TEXT"]) => Family::Text,
        () if has(&["TIMESTAMP"]) => Family::Timestamp,
        () if has(&["DATE"]) => Family::Date,
        () if has(&["REAL"]) => Family::Real,
        () if has(&["DEC"]) => Family::Numeric,
        () => Family::Any,
    };
    let inside = declared.split_once('(').and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
    Column {
        name: "c".into(),
        declared: declared.into(),
        family,
        length: inside.filter(|_| upper.contains("CHAR")),
        nullable: true,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    }
}

fn types(engine: EngineKind, captured: &[&str], live: &[&str]) -> Types {
    let catalogue = |labels: &[&str]| Catalogue {
        engine,
        version: String::new(),
        settings: BTreeMap::new(),
        tables: Vec::new(),
        pre: vec![SchemaObject {
            kind: "type".into(),
            name: "mood".into(),
            table: None,
            create: format!("CREATE TYPE mood AS ENUM ({})", labels.join(", ")),
        }],
        post: Vec::new(),
        own: Traces::default(),
    };
    Types { engine, captured: NamedTypes::of(&catalogue(captured)), live: NamedTypes::of(&catalogue(live)) }
}

fn word(found: Option<&Retyped>) -> &'static str {
    match found.map(|found| &found.verdict) {
        None => "same",
        Some(Verdict::Tolerated(_)) => "tolerated",
        Some(Verdict::Refused(_)) => "refused",
        Some(Verdict::Open) => "open",
    }
}

#[test]
fn a_type_may_become_wider_and_not_narrower() {
    let both_ways = [
        (Postgres, "character varying(50)", "character varying(80)"),
        (Postgres, "character varying(50)", "text"),
        (Postgres, "character(5)", "character(8)"),
        (Postgres, "smallint", "integer"),
        (Postgres, "integer", "bigint"),
        (Postgres, "integer", "numeric(10,0)"),
        (Postgres, "bigint", "numeric"),
        (Postgres, "integer", "double precision"),
        (Postgres, "real", "double precision"),
        (Postgres, "numeric(10,2)", "numeric(12,4)"),
        (Postgres, "numeric(10,2)", "numeric"),
        (Postgres, "date", "timestamp without time zone"),
        (Postgres, "timestamp(3) without time zone", "timestamp without time zone"),
        (Postgres, "uuid", "text"),
        (Postgres, "jsonb", "text"),
        (Postgres, "bit(3)", "bit varying(5)"),
        (Mysql, "varchar(50)", "varchar(80)"),
        (Mysql, "varchar(50)", "text"),
        (Mysql, "text", "mediumtext"),
        (Mysql, "tinytext", "longtext"),
        (Mysql, "blob", "longblob"),
        (Mysql, "varbinary(8)", "varbinary(9)"),
        (Mysql, "varbinary(8)", "blob"),
        (Mysql, "int", "bigint"),
        (Mysql, "int unsigned", "bigint"),
        (Mysql, "tinyint unsigned", "smallint"),
        (Mysql, "int", "decimal(10,0)"),
        (Mysql, "year", "smallint"),
        (Mysql, "datetime", "datetime(6)"),
        (Mysql, "float", "double"),
        (Mysql, "date", "datetime"),
        (Mysql, "enum('a','bc')", "varchar(2)"),
        (Sqlite, "VARCHAR(50)", "VARCHAR(80)"),
        (Sqlite, "VARCHAR(50)", "TEXT"),
        (Sqlite, "DATE", "TIMESTAMP"),
        (Sqlite, "DECIMAL(10,2)", "DECIMAL(12,2)"),
    ];
    for (engine, narrow, wide) in both_ways {
        let types = types(engine, &[], &[]);
        let compare = |a: &str, b: &str| word(types.compare(&column(engine, a), &column(engine, b)).as_ref());
        assert_eq!(compare(narrow, wide), "tolerated", "{engine}: {narrow} into {wide}");
        assert_eq!(compare(wide, narrow), "refused", "{engine}: {wide} into {narrow}");
        assert_eq!(compare(wide, wide), "same", "{engine}: {wide}");
    }
}

#[test]
fn what_is_neither_wider_nor_narrower() {
    let cases = [
        (Postgres, "text", "integer", "refused"),
        (Postgres, "integer", "text", "refused"),
        (Postgres, "inet", "cidr", "refused"),
        (Postgres, "text[]", "inet", "refused"),
        (Postgres, "character(5)", "character varying(5)", "refused"),
        (Postgres, "bigint", "double precision", "refused"),
        (Postgres, "timestamp without time zone", "timestamp with time zone", "refused"),
        (Postgres, "json", "jsonb", "tolerated"),
        (Postgres, "text", "name", "refused"),
        (Postgres, "CHARACTER  VARYING(5)", "character varying(5)", "same"),
        (Mysql, "int", "int unsigned", "refused"),
        (Mysql, "varchar(50)", "char(50)", "refused"),
        (Mysql, "char(50)", "varchar(50)", "tolerated"),
        (Mysql, "binary(8)", "binary(9)", "refused"),
        (Mysql, "binary(8)", "varbinary(9)", "tolerated"),
        (Mysql, "varchar(100)", "tinytext", "refused"),
        (Mysql, "enum('a','b')", "enum('a','b')", "same"),
        (Mysql, "enum('a','b')", "enum('b','a')", "tolerated"),
        (Mysql, "enum('a','b')", "enum('a','b','c')", "tolerated"),
        (Mysql, "enum('a','b','c')", "enum('a','b')", "refused"),
        (Mysql, "set('a','b')", "set('a','b','c')", "tolerated"),
        (Mysql, "geometry", "blob", "refused"),
        (Sqlite, "INTEGER", "BIGINT", "tolerated"),
        (Sqlite, "INTEGER", "TEXT", "refused"),
        (Sqlite, "TIMESTAMP", "DATE", "refused"),
        (Sqlite, "", "TEXT", "refused"),
        (Sqlite, "REAL", "DECIMAL(5,2)", "refused"),
    ];
    for (engine, from, to, expected) in cases {
        let found = types(engine, &[], &[]).compare(&column(engine, from), &column(engine, to));
        assert_eq!(word(found.as_ref()), expected, "{engine}: {from} into {to}");
    }
}

#[test]
fn labels_of_an_enum_of_postgresql_are_compared_though_its_name_stays() {
    let mood = column(Postgres, "mood");
    let compare = |a: &[&str], b: &[&str]| types(Postgres, a, b).compare(&mood, &mood);
    assert_eq!(word(compare(&["'a'", "'b'"], &["'a'", "'b'"]).as_ref()), "same");
    assert_eq!(word(compare(&["'a'"], &["'a'", "'b'"]).as_ref()), "tolerated");
    let lost = compare(&["'a'", "'it''s'", "'c'"], &["'a'", "'d'"]).unwrap();
    assert_eq!((lost.aspect, word(Some(&lost))), (Aspect::Labels, "refused"));
    assert_eq!((lost.snapshot.as_str(), lost.target.as_str()), ("it\\'s, c", "d"));
}
