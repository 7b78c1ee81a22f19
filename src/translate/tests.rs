//! The table of types, and whole catalogues made by hand.

use super::neutral::Neutral;
use super::*;
use crate::model::schema::{Action, Family, ForeignKey, Unique};
use EngineKind::{Mariadb, Mysql, Postgres, Sqlite};

const NO_DIGITS: Neutral = Neutral::Timestamp { digits: 6, zoned: false };

/// The rows of the table in `docs/engines.md`: a name and an example of each neutral type.
fn samples() -> Vec<(&'static str, Neutral)> {
    let integer = |bits, unsigned| Neutral::Integer { bits, unsigned };
    let labels = || vec!["a".to_owned(), "it's".to_owned()];
    vec![
        ("boolean", Neutral::Boolean),
        ("integer of 8 bits", integer(8, false)),
        ("... of 16 bits", integer(16, false)),
        ("... of 32 bits", integer(32, false)),
        ("... of 64 bits", integer(64, false)),
        ("... of 32 bits, unsigned", integer(32, true)),
        ("... of 64 bits, unsigned", integer(64, true)),
        ("decimal of up to 15 digits", Neutral::Decimal(Some((12, 2)))),
        ("... of more digits", Neutral::Decimal(Some((38, 10)))),
        ("... without limits", Neutral::Decimal(None)),
        ("float of 32 bits", Neutral::Float(32)),
        ("float of 64 bits", Neutral::Float(64)),
        ("text", Neutral::Text { length: None, padded: false }),
        ("text of limited length", Neutral::Text { length: Some(40), padded: false }),
        ("bytes", Neutral::Bytes(None)),
        ("bytes of limited length", Neutral::Bytes(Some(40))),
        ("bits", Neutral::Bits { length: Some(10), varying: false }),
        ("up to so many bits", Neutral::Bits { length: Some(10), varying: true }),
        ("date", Neutral::Date),
        ("time of day", Neutral::Time),
        ("date and time", NO_DIGITS),
        ("instant", Neutral::Timestamp { digits: 6, zoned: true }),
        ("year", Neutral::Year),
        ("JSON", Neutral::Json),
        ("UUID", Neutral::Uuid),
        ("enum", Neutral::Enum(labels())),
        ("set of labels", Neutral::Set(labels())),
        ("a type of one engine alone", Neutral::Rendered),
        ("no type", Neutral::Any),
    ]
}

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let document = include_str!("../../docs/engines.md");
    for (name, neutral) in samples() {
        let cell = |engine| match declare(engine, &neutral, false) {
            text if text.is_empty() => "no type".to_owned(),
            text => format!("`{text}`"),
        };
        let row = format!("| {name} | {} | {} | {} |", cell(Sqlite), cell(Postgres), cell(Mysql));
        assert!(document.lines().any(|line| line.starts_with(&row)), "docs/engines.md lacks: {row}");
        assert_eq!(cell(Mysql), cell(Mariadb), "{name}");
    }
}

fn column(name: &str, declared: &str) -> Column {
    Column {
        name: name.into(),
        declared: declared.into(),
        family: Family::Any,
        length: None,
        nullable: true,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    }
}

#[test]
fn every_declared_type_has_a_neutral_one() {
    let text = |length| Neutral::Text { length, padded: false };
    let integer = |bits, unsigned| Neutral::Integer { bits, unsigned };
    let moment = |digits, zoned| Neutral::Timestamp { digits, zoned };
    let cases = [
        (Postgres, "boolean", Neutral::Boolean),
        (Postgres, "smallint", integer(16, false)),
        (Postgres, "integer", integer(32, false)),
        (Postgres, "bigint", integer(64, false)),
        (Postgres, "oid", integer(32, true)),
        (Postgres, "numeric", Neutral::Decimal(None)),
        (Postgres, "numeric(12,2)", Neutral::Decimal(Some((12, 2)))),
        (Postgres, "real", Neutral::Float(32)),
        (Postgres, "double precision", Neutral::Float(64)),
        (Postgres, "money", Neutral::Rendered),
        (Postgres, "text", text(None)),
        (Postgres, "character varying(40)", text(Some(40))),
        (Postgres, "character varying", text(None)),
        (Postgres, "character(3)", Neutral::Text { length: Some(3), padded: true }),
        (Postgres, "\"char\"", text(Some(1))),
        (Postgres, "name", text(None)),
        (Postgres, "citext", text(None)),
        (Postgres, "bytea", Neutral::Bytes(None)),
        (Postgres, "uuid", Neutral::Uuid),
        (Postgres, "bit(3)", Neutral::Bits { length: Some(3), varying: false }),
        (Postgres, "bit varying(3)", Neutral::Bits { length: Some(3), varying: true }),
        (Postgres, "bit varying", Neutral::Bits { length: None, varying: true }),
        (Postgres, "pg_lsn", Neutral::Rendered),
        (Postgres, "date", Neutral::Date),
        (Postgres, "time without time zone", Neutral::Time),
        (Postgres, "time(0) without time zone", Neutral::Time),
        (Postgres, "time with time zone", Neutral::Rendered),
        (Postgres, "timestamp without time zone", moment(6, false)),
        (Postgres, "timestamp(3) with time zone", moment(3, true)),
        (Postgres, "interval", Neutral::Rendered),
        (Postgres, "jsonb", Neutral::Json),
        (Postgres, "json", Neutral::Json),
        (Postgres, "xml", Neutral::Rendered),
        (Postgres, "tsvector", Neutral::Rendered),
        (Postgres, "integer[]", Neutral::Rendered),
        (Postgres, "numeric(12,2)[]", Neutral::Rendered),
        (Postgres, "int4range", Neutral::Rendered),
        (Postgres, "inet", Neutral::Rendered),
        (Postgres, "point", Neutral::Rendered),
        (Postgres, "mood", Neutral::Enum(vec!["ok".into(), "it's".into()])),
        (Postgres, "code", text(Some(8))),
        (Mysql, "tinyint(1)", integer(8, false)),
        (Mysql, "smallint(5) unsigned", integer(16, true)),
        (Mysql, "mediumint", integer(24, false)),
        (Mysql, "int(11)", integer(32, false)),
        (Mysql, "int(10) unsigned zerofill", integer(32, true)),
        (Mysql, "bigint(20) unsigned", integer(64, true)),
        (Mysql, "decimal(12,2)", Neutral::Decimal(Some((12, 2)))),
        (Mysql, "decimal(10,0) unsigned", Neutral::Decimal(Some((10, 0)))),
        (Mysql, "float", Neutral::Float(32)),
        (Mysql, "float(7,4)", Neutral::Float(32)),
        (Mysql, "double", Neutral::Float(64)),
        (Mysql, "char(36)", Neutral::Text { length: Some(36), padded: true }),
        (Mysql, "varchar(40)", text(Some(40))),
        (Mysql, "mediumtext", text(None)),
        (Mysql, "binary(16)", Neutral::Bytes(Some(16))),
        (Mysql, "varbinary(40)", Neutral::Bytes(Some(40))),
        (Mysql, "longblob", Neutral::Bytes(None)),
        (Mysql, "point", Neutral::Bytes(None)),
        (Mysql, "bit(1)", Neutral::Boolean),
        (Mysql, "bit(10)", Neutral::Bits { length: Some(10), varying: false }),
        (Mysql, "date", Neutral::Date),
        (Mysql, "time(6)", Neutral::Time),
        (Mysql, "datetime", moment(0, false)),
        (Mysql, "datetime(6)", moment(6, false)),
        (Mysql, "timestamp(3)", moment(3, true)),
        (Mysql, "year(4)", Neutral::Year),
        (Mysql, "json", Neutral::Json),
        (Mysql, "enum('a','it''s')", Neutral::Enum(vec!["a".into(), "it's".into()])),
        (Mysql, "set('a','b')", Neutral::Set(vec!["a".into(), "b".into()])),
        (Mariadb, "uuid", Neutral::Uuid),
        (Mariadb, "inet6", Neutral::Rendered),
    ];
    let object = |kind: &str, name: &str, create: &str| SchemaObject {
        kind: kind.into(),
        name: name.into(),
        table: None,
        create: create.into(),
    };
    let mut types = catalogue(Postgres, Vec::new());
    types.pre.push(object("type", "mood", "CREATE TYPE mood AS ENUM ('ok', 'it''s')"));
    let domain = "CREATE DOMAIN code AS character varying(8) DEFAULT 'x'::character varying NOT NULL CONSTRAINT c CHECK (VALUE <> '')";
    types.pre.push(object("domain", "code", domain));
    let types = NamedTypes::of(&types);
    for (engine, declared, expected) in cases {
        assert_eq!(neutral::of(engine, &types, &column("c", declared)), expected, "{declared}");
    }
    assert!(types.forbids_null("code") && !types.forbids_null("mood"));
    assert_eq!(types.checks("code").len(), 1);
}

fn catalogue(engine: EngineKind, tables: Vec<Table>) -> Catalogue {
    Catalogue {
        engine,
        version: String::new(),
        settings: BTreeMap::new(),
        tables,
        pre: Vec::new(),
        post: Vec::new(),
        own: Traces::default(),
    }
}

fn table(name: &str, columns: &[(&str, &str)], create: &str) -> Table {
    Table {
        name: TableName::plain(name),
        kind: TableKind::Ordinary,
        columns: columns.iter().map(|(name, declared)| column(name, declared)).collect(),
        primary_key: vec![0],
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: create.into(),
        counter: create.contains("AUTO_INCREMENT"),
        strict: true,
    }
}

/// A catalogue as MySQL shows it.
fn shop(engine: EngineKind) -> Catalogue {
    let clients = table(
        "clients",
        &[
            ("id", "bigint unsigned"),
            ("email", "varchar(120)"),
            ("state", "enum('new','old')"),
            ("notes", "longtext"),
            ("paid", "tinyint(1)"),
            ("at", "datetime(6)"),
        ],
        "CREATE TABLE `clients` (\n  `id` bigint unsigned NOT NULL AUTO_INCREMENT,\n  `email` varchar(120) NOT NULL,\n  \
         `state` enum('new','old') NOT NULL DEFAULT 'new',\n  `notes` longtext,\n  `paid` tinyint(1) NOT NULL DEFAULT '0',\n  \
         `at` datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),\n  PRIMARY KEY (`id`),\n  \
         UNIQUE KEY `email` (`email`),\n  KEY `by_state` (`state`,`paid`),\n  FULLTEXT KEY `words` (`notes`),\n  \
         CONSTRAINT `c` CHECK ((`paid` in (0,1)))\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci",
    );
    let mut clients =
        Table { uniques: vec![Unique { name: "email".into(), columns: vec![1], partial: false }], ..clients };
    for at in [0, 1, 2, 4, 5] {
        clients.columns[at].nullable = false;
    }
    clients.columns[1].collation = Some("utf8mb4_bin".into());
    let mut orders = table(
        "orders",
        &[("id", "int"), ("client_id", "bigint unsigned"), ("total", "decimal(12,2)"), ("tax", "decimal(13,2)")],
        "CREATE TABLE `orders` (\n  `id` int NOT NULL,\n  `client_id` bigint unsigned DEFAULT NULL,\n  \
         `total` decimal(12,2) NOT NULL DEFAULT '0.00',\n  `tax` decimal(13,2) GENERATED ALWAYS AS ((`total` * 2)) STORED,\n  \
         PRIMARY KEY (`id`),\n  KEY `client` (`client_id`),\n  CONSTRAINT `owner` FOREIGN KEY (`client_id`) REFERENCES `clients` (`id`)\n)",
    );
    orders.columns[3].generated = true;
    orders.foreign_keys.push(ForeignKey {
        name: "owner".into(),
        columns: vec!["client_id".into()],
        parent: TableName::plain("clients"),
        parent_columns: vec!["id".into()],
        on_delete: Action::SetNull,
        on_update: Action::NoAction,
    });
    let mut shop = catalogue(engine, vec![clients, orders]);
    shop.post.push(SchemaObject {
        kind: "view".into(),
        name: "v".into(),
        table: None,
        create: "CREATE VIEW v AS SELECT 1".into(),
    });
    shop
}

#[test]
fn mysql_becomes_sqlite() {
    let done = schema(&shop(Mysql), Sqlite).unwrap();
    assert_eq!(
        done.catalogue.tables[0].create,
        "CREATE TABLE \"clients\" (\n    \"id\" INTEGER PRIMARY KEY AUTOINCREMENT,\n    \"email\" VARCHAR(120) NOT NULL,\n    \
         \"state\" TEXT COLLATE NOCASE NOT NULL DEFAULT 'new',\n    \"notes\" TEXT COLLATE NOCASE,\n    \
         \"paid\" INTEGER NOT NULL DEFAULT 0,\n    \"at\" TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,\n    \
         UNIQUE (\"email\"),\n    CHECK (\"state\" IN ('new', 'old')),\n    CHECK ((\"paid\" IN (0, 1)))\n)"
    );
    assert_eq!(
        done.catalogue.tables[1].create,
        "CREATE TABLE \"orders\" (\n    \"id\" INTEGER PRIMARY KEY,\n    \"client_id\" INTEGER,\n    \
         \"total\" DECIMAL(12,2) DEFAULT 0,\n    \"tax\" DECIMAL(13,2) GENERATED ALWAYS AS ((\"total\" * 2)) STORED,\n    \
         CONSTRAINT \"owner\" FOREIGN KEY (\"client_id\") REFERENCES \"clients\" (\"id\") ON DELETE SET NULL\n)"
    );
    let database = rusqlite::Connection::open_in_memory().unwrap();
    for sql in
        done.catalogue.tables.iter().map(|table| &table.create).chain(done.catalogue.post.iter().map(|o| &o.create))
    {
        database.execute_batch(sql).unwrap();
    }
    let lines = summary(&done.losses.iter().collect::<Vec<_>>());
    assert_eq!(
        lines,
        [
            "shape: columns set on every update: clients",
            "shape: indexes of a kind of their own: clients.words",
            "shape: text that compares by utf8mb4_0900_ai_ci, on SQLite otherwise: clients.state, clients.notes",
            "shape: views: v"
        ]
    );
    assert_eq!(done.catalogue.tables[1].foreign_keys[0].name, "orders(client_id) -> clients");
}

#[test]
fn mysql_becomes_postgresql() {
    let done = schema(&shop(Mysql), Postgres).unwrap();
    assert_eq!(
        done.catalogue.tables[0].create,
        "CREATE TABLE \"clients\" (\n    \"id\" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,\n    \
         \"email\" character varying(120) NOT NULL,\n    \"state\" text NOT NULL DEFAULT 'new',\n    \"notes\" text,\n    \
         \"paid\" smallint NOT NULL DEFAULT 0,\n    \"at\" timestamp without time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,\n    \
         PRIMARY KEY (\"id\"),\n    UNIQUE (\"email\"),\n    CHECK (\"state\" IN ('new', 'old')),\n    \
         CHECK ((\"paid\" IN (0, 1)))\n)"
    );
    let creates: Vec<&str> = done.catalogue.post.iter().map(|object| object.create.as_str()).collect();
    assert_eq!(
        creates,
        [
            "CREATE INDEX \"clients_by_state\" ON \"clients\" (\"state\", \"paid\")",
            "CREATE INDEX \"orders_client\" ON \"orders\" (\"client_id\")",
            "ALTER TABLE \"orders\" ADD CONSTRAINT \"owner\" FOREIGN KEY (\"client_id\") REFERENCES \"clients\" (\"id\") ON DELETE SET NULL",
        ]
    );
}

#[test]
fn mysql_and_mariadb_keep_their_types() {
    let done = schema(&shop(Mysql), Mariadb).unwrap();
    let create = &done.catalogue.tables[0].create;
    for part in [
        "`id` bigint unsigned NOT NULL AUTO_INCREMENT",
        "`email` varchar(120) COLLATE utf8mb4_bin NOT NULL",
        "`state` enum('new','old') COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT 'new'",
        "`at` datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)",
        "KEY `by_state` (`state`, `paid`)",
        "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci",
    ] {
        assert!(create.contains(part), "{part} in {create}");
    }
    let json = "CREATE TABLE `t` (\n  `id` uuid NOT NULL,\n  `j` longtext DEFAULT NULL CHECK (json_valid(`j`)),\n  PRIMARY KEY (`id`)\n)";
    let own = catalogue(Mariadb, vec![table("t", &[("id", "uuid"), ("j", "longtext")], json)]);
    let done = schema(&own, Mysql).unwrap();
    assert!(done.catalogue.tables[0].create.contains("`j` json"), "{}", done.catalogue.tables[0].create);
    assert!(done.catalogue.tables[0].create.contains("`id` char(36)"));
    assert!(schema(&own, Postgres).unwrap().catalogue.tables[0].create.contains("\"j\" jsonb"));
}

#[test]
fn postgresql_becomes_mysql() {
    let create = "CREATE TABLE sales.t (\n    id uuid NOT NULL,\n    big numeric(38,10),\n    note text DEFAULT 'it''s'::text,\n    \
        ok boolean DEFAULT true NOT NULL,\n    made uuid DEFAULT gen_random_uuid(),\n    raw bytea DEFAULT '\\x00ff'::bytea,\n    \
        CONSTRAINT t_pkey PRIMARY KEY (id),\n    CONSTRAINT c CHECK ((char_length(note) < 9))\n)";
    let columns = [
        ("id", "uuid"),
        ("big", "numeric(38,10)"),
        ("note", "text"),
        ("ok", "boolean"),
        ("made", "uuid"),
        ("raw", "bytea"),
    ];
    let mut own = catalogue(Postgres, vec![table("t", &columns, create)]);
    own.tables[0].name.schema = Some("sales".into());
    let done = schema(&own, Mysql).unwrap();
    let made = &done.catalogue.tables[0];
    assert_eq!(made.name, TableName::plain("sales__t"));
    for part in [
        "`id` char(36) NOT NULL",
        "`big` decimal(38,10)",
        "`note` longtext DEFAULT ('it''s')",
        "`ok` tinyint(1) DEFAULT 1",
        "`raw` longblob DEFAULT x'00ff'",
        "CHECK ((char_length(`note`) < 9))",
        "COLLATE utf8mb4_0900_bin",
    ] {
        assert!(made.create.contains(part), "{part} in {}", made.create);
    }
    assert_eq!(
        summary(&done.losses.iter().collect::<Vec<_>>()),
        ["shape: defaults that MySQL cannot say: sales__t.made"]
    );
    assert_eq!(done.origins[&made.name], own.tables[0].name);
}

#[test]
fn names_that_cannot_be_kept_are_refused() {
    let named = |schema: Option<&str>, name: &str| {
        let mut one = table("x", &[("id", "integer")], "");
        one.name = TableName { schema: schema.map(str::to_owned), name: name.into() };
        one
    };
    let cases = [
        (vec![named(None, "a__b"), named(Some("a"), "b")], Sqlite, "tables a__b and a.b"),
        (vec![named(None, "Users"), named(None, "users")], Sqlite, "tables Users and users"),
        (vec![named(None, &"x".repeat(65))], Mysql, "too long"),
        (vec![named(None, "leaves 🌿")], Mysql, "does not take"),
        (vec![named(None, "sqlite_things")], Sqlite, "for itself"),
    ];
    for (tables, to, expected) in cases {
        let error = schema(&catalogue(Postgres, tables), to).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Drift);
        assert!(error.what().contains(expected), "{error}");
    }
    let long = catalogue(Mysql, vec![named(None, &"ü".repeat(60))]);
    assert!(schema(&long, Postgres).is_err() && schema(&long, Sqlite).is_ok());
    let columns = table("t", &[("a", "integer"), ("A", "integer")], "");
    assert!(schema(&catalogue(Postgres, vec![columns]), Sqlite).unwrap_err().what().contains("column A"));
}
