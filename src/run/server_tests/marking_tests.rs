//! Rows that a ledger of keys tells from others: the application's tables keep their shape, and a rollback is as exact.

use super::dialect_testing::Schema;
use super::parallel_tests::aside;
use super::testing::{Line, POSTGRES_PLAIN, SMALL, Server, context, on_every_server, options, rolled_back, small_rows};
use crate::engine::sql;
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::run::load::OnConflict;
use crate::run::marking::Marker;
use crate::run::restore;

on_every_server!(
    random_rows_are_listed_and_go_out_again,
    listed_rows_replace_others_and_give_them_back,
    listed_rows_beside_marked_ones,
    a_load_aside_is_listed_too,
    rows_without_a_key_are_refused_before_anything_is_written,
);

#[test]
fn random_rows_are_listed_and_go_out_again_without_superuser() {
    random_rows_are_listed_and_go_out_again(&POSTGRES_PLAIN);
}

fn ledger() -> restore::Options {
    restore::Options { marker: Marker::Ledger, ..options() }
}

fn restored(line: &Line, url: &str, options: &restore::Options) -> crate::error::Result<restore::Outcome> {
    line.restore_in(&context(&Silent, &Cancel::default()), url, "s", options)
}

/// How many of the application's tables have marker columns.
fn marked(url: &str) -> usize {
    super::testing::source(url, &Cancel::default()).unwrap().catalogue().unwrap().own.marked.len()
}

fn random_rows_are_listed_and_go_out_again(server: &Server) {
    let mut keyless = 0;
    for seed in 2000..2010 {
        let line = Line::new();
        let mut schema = Schema::new(server.dialect, seed);
        let (tables, rows, others) = (schema.tables(), schema.rows(0, 30), schema.rows(5000, 10));
        let erp = server.with(&format!("{tables}\n{rows}\n{}", schema.foreign_keys()));
        line.capture(&erp, "s").unwrap();
        for used in [server.with(&format!("{tables}\n{others}\n{}", schema.foreign_keys())), (server.fresh)()] {
            let before = server.content(&used);
            match restored(&line, &used, &ledger()) {
                Ok(_) => {
                    assert_eq!(marked(&used), 0);
                    assert!(restored(&line, &used, &ledger()).unwrap().unchanged, "seed {seed}");
                    rolled_back(&used).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{tables}\n{others}"));
                }
                Err(error) if error.kind() == Kind::Usage => keyless += 1,
                Err(error) => panic!("seed {seed}: {error} {:?}\n{tables}\n{others}", error.causes()),
            }
            assert_eq!(server.content(&used), before, "seed {seed}:\n{tables}");
        }
    }
    assert!(keyless < 14, "{keyless} of 20 had a table without a key");
}

/// A target whose rows are in the way: one with the same content, one with other content, one that only looks like it.
fn in_the_way(server: &Server) -> (Line, String) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 6))), "s").unwrap();
    let own = "INSERT INTO parent VALUES (1, 'c1', 'note 1 ü🌿'), (2, 'mine', 'own'), (50, 'c50', 'far');
        INSERT INTO child VALUES (3, 50, NULL, 'own'), (70, 2, NULL, 'own');";
    (line, server.with(&format!("{SMALL} {own}")))
}

fn listed_rows_replace_others_and_give_them_back(server: &Server) {
    let (line, url) = in_the_way(server);
    let before = server.content(&url);
    assert_eq!(restored(&line, &url, &ledger()).unwrap_err().kind(), Kind::Rejected);
    assert_eq!(server.content(&url), before);
    for on_conflict in [OnConflict::Overwrite, OnConflict::Skip] {
        let options = restore::Options { on_conflict, ..ledger() };
        let done = restored(&line, &url, &options).unwrap();
        let counts = |name: &str| {
            let table = done.tables.iter().find(|table| table.table.name == name).unwrap();
            (table.inserted, table.overwritten, table.identical, table.skipped)
        };
        let (over, skip) = if on_conflict == OnConflict::Overwrite { (1, 0) } else { (0, 1) };
        assert_eq!((counts("parent"), counts("child")), ((4, over, 1, skip), (11, over, 0, skip)));
        assert_eq!(marked(&url), 0);
        assert!(restored(&line, &url, &options).unwrap().unchanged);
        // Another marking is another run, in place of this one; where shape cannot change among rows, one after the other.
        let columns = restored(&line, &url, &restore::Options { marker: Marker::Columns, ..options.clone() });
        if sql::commits_shape(server.kind) {
            assert_eq!(columns.unwrap_err().kind(), Kind::Usage);
        } else {
            assert_eq!(columns.unwrap().replaced, [done.run.as_str()]);
            assert!(marked(&url) > 0);
            assert_eq!(restored(&line, &url, &options).unwrap().replaced, [done.run.as_str()]);
        }
        assert_eq!(marked(&url), 0);
        rolled_back(&url).unwrap();
        assert_eq!(server.content(&url), before);
    }
}

/// What the application does to listed rows is seen: gone ones are no obstacle, and its own rows stay.
fn listed_rows_beside_marked_ones(server: &Server) {
    let (line, url) = in_the_way(server);
    let before = server.content(&url);
    let marked = restore::Options { on_conflict: OnConflict::Overwrite, ..options() };
    restored(&line, &url, &marked).unwrap();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(1, 8))), "t").unwrap();
    let second = restore::Options { keep_others: true, on_conflict: OnConflict::Overwrite, ..ledger() };
    let done = line.restore_in(&context(&Silent, &Cancel::default()), &url, "t", &second).unwrap();
    assert!(done.tables.iter().any(|table| table.overwritten > 0));
    let runs = |wanted: &str| super::testing::rolled_back_run(&url, wanted);
    assert_eq!(runs("s").unwrap_err().kind(), Kind::Rollback, "the later run replaced its rows");
    runs("t").unwrap();
    assert!(restored(&line, &url, &marked).unwrap().unchanged);
    runs("s").unwrap();
    assert_eq!(server.content(&url), before);

    restored(&line, &url, &restore::Options { on_conflict: OnConflict::Skip, ..ledger() }).unwrap();
    (server.script)(&url, "DELETE FROM child WHERE id = 12; UPDATE child SET note = 'edited' WHERE id = 11;");
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}

fn a_load_aside_is_listed_too(server: &Server) {
    let line = Line::new();
    let erp = server.with(&format!("{SMALL} {}", small_rows(0, 300)));
    line.capture(&erp, "s").unwrap();
    let url = (server.fresh)();
    let before = server.content(&url);
    let options = restore::Options { marker: Marker::Ledger, ..aside() };
    let done = restored(&line, &url, &options).unwrap();
    assert_eq!((done.rows(), marked(&url)), (900, 0));
    assert_eq!(server.content(&url).0, server.content(&erp).0);
    assert!(restored(&line, &url, &options).unwrap().unchanged);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}

fn rows_without_a_key_are_refused_before_anything_is_written(server: &Server) {
    let line = Line::new();
    let schema = "CREATE TABLE keyed (id INTEGER NOT NULL, part VARCHAR(9) NOT NULL, UNIQUE (id, part));
        CREATE TABLE loose (note VARCHAR(20));";
    let rows = "INSERT INTO keyed VALUES (1, 'a'), (1, 'b'); INSERT INTO loose VALUES ('x');";
    line.capture(&server.with(&format!("{schema} {rows}")), "s").unwrap();
    let url = server.with(schema);
    let before = server.content(&url);
    let error = restored(&line, &url, &ledger()).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.to_string().contains("loose") && error.hint_text().unwrap().contains("--marker columns"), "{error}");
    assert_eq!(server.content(&url), before);
    // A set of columns that is unique and never NULL is a key.
    let some = restore::Options { tables: vec!["keyed".into()], ..ledger() };
    assert_eq!(restored(&line, &url, &some).unwrap().rows(), 2);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}
