//! Every conversion of a cell, as a table.

use super::*;
use crate::model::batch::Cell;
use crate::model::schema::{Column, Family};
use crate::translate::neutral::NamedTypes;
use EngineKind::{Mariadb, Mysql, Postgres, Sqlite};

fn column(declared: &str) -> Column {
    let upper = declared.to_ascii_uppercase();
    // What the SQLite catalogue says of these words.
    let family = match upper.split('(').next().unwrap_or_default() {
        "BOOLEAN" => Family::Boolean,
        "TIMESTAMP" | "DATETIME" => Family::Timestamp,
        "DATE" => Family::Date,
        "TIME" => Family::Time,
        "INTEGER" => Family::Integer,
        "VARCHAR" | "TEXT" => Family::Text,
        "BLOB" => Family::Blob,
        "REAL" => Family::Real,
        "DECIMAL" => Family::Numeric,
        "JSON" => Family::Json,
        _ => Family::Any,
    };
    Column {
        name: "c".into(),
        declared: declared.into(),
        family,
        length: None,
        nullable: true,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    }
}

fn conversion(from: (EngineKind, &str), to: (EngineKind, &str)) -> Conversion {
    let types = NamedTypes::default();
    let neutral = |(engine, declared): (EngineKind, &str)| neutral::of(engine, &types, &column(declared));
    let origin = Origin { engine: from.0, neutral: neutral(from) };
    Conversion::new(origin, Target::declared(to.0, &neutral(to), to.1))
}

/// `kind:text` of what comes out, with `!` in front where the value was changed, or `refused`.
fn converted(from: (EngineKind, &str), to: (EngineKind, &str), cell: Cell<'_>) -> String {
    let mut arena = b"before".to_vec();
    match conversion(from, to).convert(cell, &mut Vec::new(), &mut arena) {
        Err(_) => "refused".into(),
        Ok((kind, change)) => {
            let mark = if change == Change::None { "" } else { "!" };
            let letter = match kind {
                CellKind::Null => "null",
                CellKind::Text => "text",
                CellKind::Integer => "int",
                CellKind::Real => "real",
                CellKind::Blob => "blob",
            };
            format!("{mark}{letter}:{}", String::from_utf8_lossy(&arena[6..]))
        }
    }
}

#[test]
fn cells_of_servers_become_those_of_sqlite() {
    let cases = [
        ((Postgres, "boolean"), "BOOLEAN", "t", "int:1"),
        ((Postgres, "boolean"), "INTEGER", "f", "int:0"),
        ((Postgres, "boolean"), "TEXT", "t", "text:1"),
        ((Postgres, "bigint"), "INTEGER", "-9223372036854775808", "int:-9223372036854775808"),
        ((Postgres, "integer"), "REAL", "3", "real:3.0"),
        ((Postgres, "numeric(12,2)"), "DECIMAL(12,2)", "12.50", "real:12.5"),
        ((Postgres, "numeric(12,2)"), "DECIMAL(12,2)", "12.00", "int:12"),
        ((Postgres, "numeric(12,2)"), "DECIMAL(12,2)", "NaN", "text:NaN"),
        ((Postgres, "numeric"), "TEXT", "12345678901234567890.1234567890", "text:12345678901234567890.1234567890"),
        ((Postgres, "numeric"), "DECIMAL(12,2)", "12345678901234567.5", "!real:1.2345678901234568e16"),
        ((Postgres, "double precision"), "REAL", "0.1", "real:0.1"),
        ((Postgres, "double precision"), "REAL", "1e+300", "real:1e300"),
        ((Postgres, "double precision"), "REAL", "-0", "real:0.0"),
        ((Postgres, "double precision"), "REAL", "NaN", "!null:"),
        ((Postgres, "double precision"), "REAL", "-Infinity", "real:-Inf"),
        ((Postgres, "text"), "TEXT", "a\tb", "text:a\tb"),
        ((Postgres, "character(5)"), "TEXT", "ab   ", "text:ab"),
        ((Postgres, "bytea"), "BLOB", "\\x6869", "blob:hi"),
        ((Postgres, "bytea"), "BLOB", "\\x", "blob:"),
        ((Postgres, "date"), "DATE", "infinity", "text:infinity"),
        (
            (Postgres, "timestamp with time zone"),
            "TIMESTAMP",
            "2025-01-31 10:20:30.5+00",
            "text:2025-01-31 10:20:30.5+00",
        ),
        ((Postgres, "json"), "JSON", "5", "int:5"),
        ((Postgres, "json"), "JSON", "{\"a\": 5}", "text:{\"a\": 5}"),
        ((Postgres, "text"), "STRING", "007", "!int:7"),
        ((Postgres, "integer[]"), "TEXT", "{1,NULL}", "text:{1,NULL}"),
        ((Postgres, "bit varying(8)"), "TEXT", "0101", "text:0101"),
        ((Postgres, "text"), "", "5", "text:5"),
        ((Postgres, "integer"), "", "5", "int:5"),
        ((Mysql, "tinyint(1)"), "INTEGER", "1", "int:1"),
        ((Mysql, "int(5) unsigned zerofill"), "INTEGER", "00042", "int:42"),
        ((Mysql, "bigint unsigned"), "INTEGER", "18446744073709551615", "refused"),
        ((Mysql, "bit(1)"), "BOOLEAN", "0x01", "int:1"),
        ((Mysql, "bit(10)"), "TEXT", "0x0205", "text:1000000101"),
        ((Mysql, "blob"), "BLOB", "0x", "blob:"),
        ((Mysql, "varbinary(4)"), "BLOB", "0x00", "blob:\0"),
        ((Mysql, "date"), "DATE", "0000-00-00", "text:0000-00-00"),
        ((Mysql, "year(4)"), "INTEGER", "2025", "int:2025"),
        ((Mysql, "time"), "TIME", "-838:59:59", "text:-838:59:59"),
        ((Mariadb, "enum('a','b')"), "TEXT", "a", "text:a"),
        ((Mariadb, "decimal(38,10)"), "TEXT", "1.5000000000", "text:1.5000000000"),
    ];
    for ((engine, from), to, text, expected) in cases {
        let found = converted((engine, from), (Sqlite, to), Cell::text(text));
        assert_eq!(found, expected, "{from} into {to}: {text}");
        assert!(conversion((engine, from), (Sqlite, to)).is_possible(), "{from} into {to}");
    }
}

#[test]
fn cells_go_between_servers() {
    let cases = [
        ((Mysql, "tinyint(1)"), (Postgres, "boolean"), "1", "text:t"),
        ((Mysql, "tinyint(1)"), (Postgres, "boolean"), "2", "refused"),
        ((Mysql, "tinyint(1)"), (Postgres, "smallint"), "2", "text:2"),
        ((Mysql, "bigint unsigned"), (Postgres, "numeric(20,0)"), "18446744073709551615", "text:18446744073709551615"),
        ((Mysql, "bigint unsigned"), (Postgres, "bigint"), "18446744073709551615", "refused"),
        (
            (Mysql, "datetime(6)"),
            (Postgres, "timestamp without time zone"),
            "2025-01-31 10:20:30.000000",
            "text:2025-01-31 10:20:30",
        ),
        (
            (Mysql, "timestamp"),
            (Postgres, "timestamp with time zone"),
            "2025-01-31 10:20:30",
            "text:2025-01-31 10:20:30+00",
        ),
        ((Mysql, "datetime"), (Postgres, "timestamp without time zone"), "0000-00-00 00:00:00", "!null:"),
        ((Mysql, "date"), (Postgres, "date"), "2025-00-10", "!null:"),
        ((Mysql, "time"), (Postgres, "time without time zone"), "10:20:30", "text:10:20:30"),
        ((Mysql, "time"), (Postgres, "time without time zone"), "25:00:00", "refused"),
        ((Mysql, "blob"), (Postgres, "bytea"), "0x00ff", "text:\\x00ff"),
        ((Mysql, "bit(3)"), (Postgres, "bit(3)"), "0x05", "text:101"),
        ((Mysql, "text"), (Postgres, "text"), "a\0b", "refused"),
        ((Postgres, "boolean"), (Mysql, "tinyint(1)"), "t", "text:1"),
        ((Postgres, "boolean"), (Mysql, "bit(1)"), "t", "text:0x01"),
        ((Postgres, "bytea"), (Mysql, "longblob"), "\\x00ff", "text:0x00ff"),
        ((Postgres, "bit(10)"), (Mysql, "bit(10)"), "1000000101", "text:0x0205"),
        ((Postgres, "numeric"), (Mysql, "decimal(65,30)"), "NaN", "!null:"),
        ((Postgres, "numeric"), (Mysql, "decimal(12,2)"), "1.005", "!text:1.005"),
        ((Postgres, "numeric"), (Mysql, "decimal(4,2)"), "123", "refused"),
        ((Postgres, "double precision"), (Mysql, "double"), "Infinity", "!null:"),
        ((Postgres, "double precision"), (Mysql, "float"), "0.123456789012", "!text:0.123456789012"),
        (
            (Postgres, "timestamp with time zone"),
            (Mysql, "datetime(6)"),
            "2025-01-31 10:20:30.5+00",
            "text:2025-01-31 10:20:30.5",
        ),
        (
            (Postgres, "timestamp without time zone"),
            (Mysql, "datetime"),
            "2025-01-31 10:20:30.5",
            "!text:2025-01-31 10:20:30.5",
        ),
        ((Postgres, "timestamp without time zone"), (Mysql, "datetime(6)"), "infinity", "!null:"),
        ((Postgres, "timestamp without time zone"), (Mysql, "datetime(6)"), "0044-03-15 00:00:00 BC", "!null:"),
        ((Postgres, "text"), (Mysql, "enum('a')"), "b", "refused"),
        ((Mysql, "json"), (Mariadb, "json"), "{\"a\": 1}", "text:{\"a\": 1}"),
        (
            (Mariadb, "uuid"),
            (Mysql, "char(36)"),
            "123e4567-e89b-12d3-a456-426655440000",
            "text:123e4567-e89b-12d3-a456-426655440000",
        ),
    ];
    for (from, to, text, expected) in cases {
        assert_eq!(converted(from, to, Cell::text(text)), expected, "{} into {}: {text}", from.1, to.1);
    }
}

#[test]
fn cells_of_sqlite_are_looked_at_one_by_one() {
    let int = |text: &'static str| Cell { kind: CellKind::Integer, bytes: text.as_bytes() };
    let real = |text: &'static str| Cell { kind: CellKind::Real, bytes: text.as_bytes() };
    let blob = |bytes: &'static [u8]| Cell { kind: CellKind::Blob, bytes };
    let cases = [
        ("INTEGER", (Postgres, "bigint"), int("7"), "text:7"),
        ("INTEGER", (Postgres, "bigint"), Cell::text("seven"), "refused"),
        ("INTEGER", (Postgres, "bigint"), real("7.5"), "refused"),
        ("BOOLEAN", (Postgres, "boolean"), int("1"), "text:t"),
        ("BOOLEAN", (Postgres, "boolean"), Cell::text("False"), "text:f"),
        ("BOOLEAN", (Mysql, "tinyint(1)"), int("0"), "text:0"),
        ("REAL", (Postgres, "double precision"), real("Inf"), "text:Infinity"),
        ("DECIMAL(12,2)", (Postgres, "numeric(12,2)"), real("12.5"), "text:12.5"),
        ("DECIMAL(12,2)", (Postgres, "numeric(12,2)"), real("12.555"), "!text:12.555"),
        ("TEXT", (Postgres, "text"), blob(b"x"), "refused"),
        (
            "TEXT",
            (Postgres, "timestamp without time zone"),
            Cell::text("2025-01-31T10:20:30Z"),
            "text:2025-01-31 10:20:30",
        ),
        ("TIMESTAMP", (Postgres, "timestamp without time zone"), Cell::text("2025-01-31 10:20:30+02"), "refused"),
        ("TIMESTAMP", (Postgres, "timestamp without time zone"), int("1738317630"), "refused"),
        ("DATE", (Mysql, "date"), Cell::text("2025-01-31"), "text:2025-01-31"),
        ("BLOB", (Postgres, "bytea"), blob(b"\x00\xff"), "text:\\x00ff"),
        ("BLOB", (Mysql, "longblob"), Cell::text("hi"), "text:0x6869"),
        ("", (Postgres, "text"), int("5"), "text:5"),
        ("", (Postgres, "text"), blob(b"x"), "refused"),
        ("TEXT", (Mysql, "longtext"), Cell { kind: CellKind::Text, bytes: b"\xff" }, "refused"),
    ];
    for (from, to, cell, expected) in cases {
        assert_eq!(converted((Sqlite, from), to, cell), expected, "{from} into {}", to.1);
    }
    assert_eq!(converted((Sqlite, "TEXT"), (Postgres, "text"), Cell::NULL), "null:");
}

#[test]
fn types_that_have_nothing_in_common_are_told_beforehand() {
    let cases = [
        ((Postgres, "text"), (Sqlite, "INTEGER"), false),
        ((Postgres, "bytea"), (Sqlite, "TEXT"), false),
        ((Postgres, "integer"), (Sqlite, "BLOB"), false),
        ((Postgres, "timestamp without time zone"), (Sqlite, "INTEGER"), false),
        ((Postgres, "uuid"), (Sqlite, "TEXT"), true),
        ((Mysql, "varchar(40)"), (Postgres, "uuid"), true),
        ((Mysql, "varchar(40)"), (Postgres, "timestamp without time zone"), false),
        ((Sqlite, "TEXT"), (Postgres, "timestamp without time zone"), true),
        ((Postgres, "date"), (Sqlite, "TIMESTAMP"), true),
    ];
    for (from, to, possible) in cases {
        assert_eq!(conversion(from, to).is_possible(), possible, "{} into {}", from.1, to.1);
    }
}
