//! Limits: each works, or is refused by name before anything is written.

use super::testing::{
    Line, POSTGRES, SMALL, Server, context, on_every_server, options, rolled_back, small_rows, target,
};
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::run::load::OnConflict;
use crate::run::restore;

on_every_server!(
    a_cell_larger_than_a_pack_travels,
    a_thousand_columns_travel_also_beside_other_rows,
    more_columns_than_fit_are_refused_by_name,
    small_oddities_travel,
    names_as_long_as_they_can_be_travel,
    a_name_with_a_control_character_is_refused_by_name,
    the_way_that_rows_went_in_is_named,
);

/// Captures `text`, restores it into an empty database and into `used` (other rows, same schema), and rolls back.
fn travels(server: &Server, text: &str, used: Option<&str>) {
    let line = Line::new();
    let erp = server.with(text);
    line.capture(&erp, "s").unwrap();
    let empty = (server.fresh)();
    let before = server.content(&empty);
    line.restore(&empty, "s").unwrap();
    assert_eq!(server.content(&empty).0, server.content(&erp).0, "{text:.300}");
    assert!(line.restore(&empty, "s").unwrap().unchanged);
    rolled_back(&empty).unwrap();
    assert_eq!(server.content(&empty), before, "{text:.300}");

    let Some(used) = used else { return };
    let used = server.with(used);
    let before = server.content(&used);
    for on_conflict in [OnConflict::Skip, OnConflict::Overwrite] {
        let options = restore::Options { on_conflict, ..options() };
        line.restore_in(&context(&Silent, &Cancel::default()), &used, "s", &options).unwrap();
        rolled_back(&used).unwrap();
        assert_eq!(server.content(&used), before, "{text:.300}");
    }
}

/// A pack is closed at 16 MiB. Cells of 64 MiB take the same way and were tried by hand.
fn a_cell_larger_than_a_pack_travels(server: &Server) {
    let table = format!("CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, x {});", server.blob);
    let own = format!("{table} INSERT INTO t VALUES (1, NULL), (2, NULL);");
    travels(server, &format!("{table} {}", server.big_cell), Some(&own));
}

fn a_thousand_columns_travel_also_beside_other_rows(server: &Server) {
    let table = |columns: usize| {
        let columns: Vec<String> = (1..columns).map(|at| format!("c{at} INTEGER DEFAULT {at}")).collect();
        format!("CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, {});", columns.join(", "))
    };
    let rows = |from: i32| format!("INSERT INTO t (id) VALUES ({from}), ({}), ({});", from + 1, from + 2);
    let text = table(1000);
    travels(
        server,
        &format!("{text} {} UPDATE t SET c7 = 0, c999 = 0;", rows(1)),
        Some(&format!("{text} {} {}", rows(3), rows(100))),
    );
    // Room for the two markers and nothing else.
    travels(server, &format!("{} {}", table(server.most_columns - 2), rows(1)), None);
}

fn more_columns_than_fit_are_refused_by_name(server: &Server) {
    let columns: Vec<String> = (1..server.most_columns).map(|at| format!("c{at} INTEGER")).collect();
    let text = format!("CREATE TABLE \"the wide one\" (id INTEGER NOT NULL PRIMARY KEY, {});", columns.join(", "));
    let text = text.replace('"', &server.dialect.quote.to_string());
    let rows = "INSERT INTO \"the wide one\" (id) VALUES (1);".replace('"', &server.dialect.quote.to_string());
    let line = Line::new();
    line.capture(&server.with(&format!("{text} {rows}")), "s").unwrap();
    for url in [(server.fresh)(), server.with(&text)] {
        let before = server.content(&url);
        let error = line.restore(&url, "s").unwrap_err();
        assert!(error.to_string().contains("the wide one"), "{error}");
        assert!(server.kind != POSTGRES.kind || error.hint_text().unwrap().contains("--table"), "{error:?}");
        assert_eq!(server.content(&url), before);
    }
}

fn small_oddities_travel(server: &Server) {
    travels(server, "", None);
    let loose = "CREATE TABLE loose (note VARCHAR(20), n INTEGER);";
    let rows = "INSERT INTO loose VALUES ('twice', 1), ('twice', 1), (NULL, NULL), ('', 0);";
    travels(server, &format!("{loose} {rows}"), Some(&format!("{loose} INSERT INTO loose VALUES ('twice', 1);")));
    travels(server, loose, None);
}

fn names_as_long_as_they_can_be_travel(server: &Server) {
    let quote = server.dialect.quote;
    // Two names that differ in the last byte only, with quotes in them.
    let name = |last: char| format!("{quote}{quote}{quote}{}{last}{quote}", "x".repeat(server.longest_name - 2));
    let (a, b) = (name('a'), name('b'));
    let tables = format!(
        "CREATE TABLE {a} ({a} INTEGER NOT NULL PRIMARY KEY, {b} VARCHAR(9) UNIQUE);
         CREATE TABLE {b} ({a} INTEGER NOT NULL PRIMARY KEY, {b} INTEGER, CONSTRAINT {a} FOREIGN KEY ({b}) REFERENCES {a} ({a}));"
    );
    travels(
        server,
        &format!("{tables} INSERT INTO {a} VALUES (1, 'one'), (2, 'two'); INSERT INTO {b} VALUES (1, 1), (2, NULL);"),
        Some(&format!("{tables} INSERT INTO {a} VALUES (1, 'uno'), (7, 'x'); INSERT INTO {b} VALUES (1, 7);")),
    );
}

fn a_name_with_a_control_character_is_refused_by_name(server: &Server) {
    let text = "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, \"tab\there\" INTEGER);";
    let url = server.with(&text.replace('"', &server.dialect.quote.to_string()));
    let line = Line::new();
    let error = line.capture(&url, "s").unwrap_err();
    assert!(error.kind() == Kind::Policy && error.to_string().contains("table t, column tab\\there"), "{error}");
    assert_eq!(line.snapshots(), 0);
}

fn the_way_that_rows_went_in_is_named(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 60))), "s").unwrap(); // 60 parents, 120 children
    let (many, few) = server.ways;
    let empty = line.restore(&(server.fresh)(), "s").unwrap();
    assert_eq!(empty.how.values().collect::<Vec<_>>(), [many, few], "child, parent");
    let used = line.restore(&server.with(&format!("{SMALL} {}", small_rows(1000, 1))), "s").unwrap();
    let merged = [many, few].map(|way| format!("merged through a staging table, {way}"));
    assert_eq!(used.how.into_values().collect::<Vec<_>>(), merged);
}

/// PostgreSQL allows tables without any column, and rows in them.
#[test]
fn a_table_without_columns_travels_and_rows_in_it_are_refused_by_name() {
    let server = &POSTGRES;
    travels(server, "CREATE TABLE nothing ();", None);
    let made = "CREATE TABLE nothing (x INTEGER GENERATED ALWAYS AS (1 + 1) STORED);";
    travels(server, made, None);
    for text in ["CREATE TABLE nothing ();", made] {
        let line = Line::new();
        let error =
            line.capture(&server.with(&format!("{text} INSERT INTO nothing DEFAULT VALUES;")), "s").unwrap_err();
        assert!(error.kind() == Kind::Policy && error.to_string().contains("table nothing"), "{error}");
        assert_eq!(line.snapshots(), 0);
    }
}

/// A read-only session is a source like any other, and a target that is refused before anything happens.
#[test]
fn a_read_only_database_is_a_source_and_no_target() {
    let server = &POSTGRES;
    let url = server.with("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);");
    (server.script)(
        &url,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
    );
    let line = Line::new();
    line.capture(&url, "s").unwrap();
    let other = server.with("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (2);");
    line.restore(&other, "s").unwrap();
    (server.script)(
        &other,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
    );
    let before = server.content(&other);
    let error = rolled_back(&other).unwrap_err();
    assert!(error.kind() == Kind::Unreachable && error.to_string().contains("read-only"), "{error}");
    line.capture(&url, "s").unwrap();
    let error = line.restore_in(
        &context(&Silent, &Cancel::default()),
        &other,
        "s",
        &restore::Options { keep_others: true, ..options() },
    );
    let error = error.map(drop).unwrap_err();
    assert!(error.kind() == Kind::Unreachable && error.to_string().contains("read-only"), "{error}");
    assert_eq!(server.content(&other), before);
    assert!(target(&other, &Cancel::default()).unwrap().holder().unwrap().is_none());
}

/// The extensions that come with every PostgreSQL.
#[test]
fn types_of_extensions_travel_on_postgresql() {
    let extensions = "CREATE EXTENSION citext; CREATE EXTENSION hstore;";
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, c citext UNIQUE, h hstore, hs hstore[], cs citext[]);";
    let rows = "INSERT INTO t VALUES (1, 'MiXed', 'a=>1, \"b \\\"q\\\"\"=>NULL, \"\"=>\"\"', ARRAY['x=>y'::hstore, NULL], '{A,\"b,c\"}'), (2, NULL, '', '{}', NULL);";
    let own = format!("{extensions} {table} INSERT INTO t VALUES (7, 'other', 'k=>v', NULL, NULL);");
    travels(&POSTGRES, &format!("{extensions} {table} {rows}"), Some(&own));
}
