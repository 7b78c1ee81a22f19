//! Restores that leave rows out, on every engine: what goes in is what an oracle accepts, the report names the others, and the
//! rollback is exact.

use super::quarantine_testing::{Oracle, Random, Rows, TABLES, bad_rows, inserts, schema};
use super::testing::{Line, MARIADB, MYSQL, POSTGRES, POSTGRES_PLAIN, Server, options, rolled_back, source, target};
use crate::engine::sql::Sql;
use crate::engine::{Enforce, Query};
use crate::event::Cancel;
use crate::model::schema::EngineKind;
use crate::run::load::OnConflict;
use crate::run::marking::Marker;
use crate::run::quarantine::{OnError, RULES};
use crate::run::restore;
use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static FILES: RefCell<Vec<tempfile::TempDir>> = const { RefCell::new(Vec::new()) };
}

/// SQLite, with files that go with their test.
const SQLITE: Server = Server {
    kind: EngineKind::Sqlite,
    fresh: || {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("target.sqlite").display());
        FILES.with_borrow_mut(|files| files.push(folder));
        url
    },
    script: |url, text| {
        let mut target = target(url, &Cancel::default()).unwrap();
        target.begin(Enforce::Nothing).unwrap();
        target.execute(&Sql::rendered(EngineKind::Sqlite, text)).unwrap();
        target.end(true).unwrap();
    },
    columns: "SELECT count(*) FROM sqlite_master m JOIN pragma_table_xinfo(m.name) WHERE m.type = 'table'",
    ..POSTGRES
};

fn skipping(on_conflict: OnConflict) -> restore::Options {
    restore::Options { on_error: OnError::Skip, on_conflict, ..options() }
}

/// Every second time with a ledger of keys, where every table that gets rows has one.
fn marked(seed: u64, options: restore::Options) -> restore::Options {
    let marker = if seed.is_multiple_of(2) { Marker::Columns } else { Marker::Ledger };
    let tables = if marker == Marker::Ledger { ["c", "d", "p"].map(str::to_owned).to_vec() } else { Vec::new() };
    restore::Options { tables, marker, ..options }
}

/// The rows of a table, sorted, as far as they are numbers.
fn rows(url: &str, table: &'static str, columns: &[&'static str]) -> Vec<Vec<Option<i64>>> {
    let mut source = source(url, &Cancel::default()).unwrap();
    let sql = Sql::new(source.engine()).lit("SELECT ").list(columns, ", ", |sql, name| sql.name(name));
    let mut found = Vec::new();
    source
        .read(&Query { sql: sql.lit(" FROM ").name(table), columns: columns.len() }, &mut |batch| {
            for row in 0..batch.rows() {
                let cell = |at| std::str::from_utf8(batch.cell(row, at).bytes).unwrap().parse().ok();
                found.push((0..columns.len()).map(cell).collect());
            }
            Ok(())
        })
        .unwrap();
    found.sort();
    found
}

fn agrees_with_the_oracle(server: &Server, seeds: std::ops::Range<u64>) {
    let (mut left_out, mut went_in) = (0, 0);
    for seed in seeds {
        let random = &mut Random(seed);
        let policies = [OnConflict::Fail, OnConflict::Skip, OnConflict::Overwrite];
        let on_conflict = policies[usize::try_from(seed % 3).unwrap()];
        let mut bad = bad_rows(random, 30);
        // A ledger cannot list rows without a key.
        if seed % 2 == 1 {
            bad.insert("l", Vec::new());
        }
        // The target's own rows are those that an empty target would take, so that they obey the rules.
        let order = |url: &str| -> Vec<&'static str> {
            let live = source(url, &Cancel::default()).unwrap().catalogue().unwrap();
            let name = |at: usize| TABLES.iter().find(|table| table.name == live.tables[at].name.name).unwrap().name;
            live.parents_first().into_iter().map(name).collect()
        };
        let target = server.with(&schema(server.kind, Some(on_conflict)));
        let mut own = Oracle::new(server.kind, OnConflict::Fail, &Rows::new());
        if seed % 4 > 0 {
            own.take(&order(&target), &bad_rows(random, 10));
        }
        let own: Rows = TABLES.iter().map(|table| (table.name, own.rows(table.name))).collect();
        if own.values().any(|rows| !rows.is_empty()) {
            put(server, &target, &own);
        }
        let erp = server.with(&format!("{}{}", schema(server.kind, None), inserts(&bad)));
        let line = Line::new();
        line.capture(&erp, "s").unwrap();
        let before = server.content(&target);

        let mut oracle = Oracle::new(server.kind, on_conflict, &own);
        oracle.take(&order(&target), &bad);
        let restore = |options: &restore::Options| {
            let context = super::testing::context(&crate::event::Silent, &Cancel::default());
            line.restore_in(&context, &target, "s", options)
        };
        let named = |done: &restore::Outcome| -> BTreeSet<(String, u64)> {
            assert!(done.quarantine.iter().all(|row| RULES.iter().any(|(rule, _)| *rule == row.kind)));
            let rows = done.quarantine.iter();
            rows.map(|row| (row.table.trim_start_matches("public.").to_owned(), row.ordinal)).collect()
        };
        let check = |done: crate::error::Result<restore::Outcome>| {
            done.unwrap_or_else(|error| {
                panic!(
                    "seed {seed} {on_conflict:?}: {error} {:?}\n{}\n{}",
                    error.causes(),
                    inserts(&own),
                    inserts(&bad)
                )
            })
        };
        let dry = check(restore(&marked(seed, restore::Options { dry_run: true, ..skipping(on_conflict) })));
        assert_eq!(server.content(&target), before, "seed {seed}: a dry run");
        let done = check(restore(&marked(seed, skipping(on_conflict))));
        let shown = || format!("seed {seed} {on_conflict:?}\n{}\n{}", inserts(&own), inserts(&bad));
        assert_eq!(named(&done), oracle.quarantined, "{}", shown());
        assert_eq!(named(&dry), oracle.quarantined, "{}", shown());
        assert_eq!(done.quarantined(), oracle.quarantined.len() as u64);
        for table in &TABLES {
            assert_eq!(rows(&target, table.name, table.columns), oracle.rows(table.name), "{} {}", table.name, shown());
        }
        let again = check(restore(&marked(seed, skipping(on_conflict))));
        assert!(again.unchanged || bad.values().all(Vec::is_empty), "seed {seed}");
        assert_eq!(again.quarantine, done.quarantine, "seed {seed}");
        left_out += done.quarantined();
        went_in += done.rows();
        if let Err(error) = rolled_back(&target) {
            panic!("{error} {:?} {}", error.causes(), shown());
        }
        assert_eq!(server.content(&target), before, "seed {seed}: the rollback");
    }
    assert!(left_out > 100 && went_in > 100, "only {left_out} rows were left out and {went_in} went in");
}

/// What only one product has: each row of `bad` breaks the rule beside it, `good` none.
fn breaks(server: &Server, (loose, strict): (&str, &str), good: &str, bad: &[(&str, &str, &str)]) {
    let rows: Vec<&str> = bad.iter().map(|(row, ..)| *row).chain([good]).collect();
    let inserts: Vec<String> = rows.iter().map(|row| format!("INSERT INTO t VALUES {row};")).collect();
    let inserts = inserts.concat();
    let (erp, target) = (server.with(&format!("{loose}; {inserts}")), server.with(strict));
    let before = server.content(&target);
    let line = Line::new();
    line.capture(&erp, "s").unwrap();
    let context = super::testing::context(&crate::event::Silent, &Cancel::default());
    let done = line.restore_in(&context, &target, "s", &skipping(OnConflict::Fail)).unwrap();
    let found: Vec<(u64, &str, &str)> =
        done.quarantine.iter().map(|row| (row.ordinal, row.kind.as_str(), row.constraint.as_str())).collect();
    let wanted: Vec<(u64, &str, &str)> = (0..).zip(bad).map(|(at, (_, kind, name))| (at, *kind, *name)).collect();
    assert_eq!(found, wanted);
    assert_eq!(server.count(&target, "SELECT count(*) FROM t"), 1);
    // The first one is named where nothing is left out.
    let error = line.restore_in(&context, &target, "s", &options()).map(drop).unwrap_err();
    assert!([crate::error::Kind::Rejected, crate::error::Kind::Drift].contains(&error.kind()), "{error}");
    rolled_back(&target).unwrap();
    assert_eq!(server.content(&target), before);
    let error = line.restore_in(&context, &target, "s", &options()).map(drop).unwrap_err();
    assert!(error.to_string().contains(bad[0].2), "{error}");
    assert_eq!(server.content(&target), before);
}

#[test]
fn labels_domains_numbers_and_exclusions_are_told_apart_on_postgresql() {
    let table = "CREATE TABLE t (id integer, m mood, p positive, n numeric(4,2), r int4range, v varchar(3)";
    let loose = format!("CREATE TYPE mood AS ENUM ('ok', 'gone'); CREATE DOMAIN positive AS integer; {table})");
    let strict = format!(
        "CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN positive AS integer CONSTRAINT above CHECK (VALUE > 0);
         CREATE FUNCTION refuse(i integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS
             $$ BEGIN IF i = 8 THEN RAISE EXCEPTION 'hunter2 %', i; END IF; RETURN i; END $$;
         {table}, CONSTRAINT apart EXCLUDE USING gist (r WITH &&), CONSTRAINT odd CHECK (100 / (id - 7) < 1000),
             f integer GENERATED ALWAYS AS (refuse(id)) STORED); CREATE UNIQUE INDEX low ON t (lower(v))"
    );
    let good = "(9, 'ok', 1, 1, '[1,5)', 'A')";
    let bad = [
        ("(1, 'gone', 1, 1, NULL, NULL)", "type", "m"),
        ("(2, 'ok', -1, 1, NULL, NULL)", "check", "above"),
        ("(7, 'ok', 1, 1, NULL, NULL)", "type", ""),
        ("(8, 'ok', 1, 1, NULL, NULL)", "rule", ""),
    ];
    breaks(&POSTGRES, (&loose, &strict), good, &bad);
    // In the order of the snapshot the first of two goes in.
    let later = "(9, 'ok', 1, 1, '[1,5)', 'A'), (10, 'ok', 1, 1, '[4,6)', 'b'), (11, 'ok', 1, 1, NULL, 'a')";
    let (erp, target) = (POSTGRES.with(&format!("{loose}; INSERT INTO t VALUES {later}")), POSTGRES.with(&strict));
    let line = Line::new();
    line.capture(&erp, "s").unwrap();
    let context = super::testing::context(&crate::event::Silent, &Cancel::default());
    let done = line.restore_in(&context, &target, "s", &skipping(OnConflict::Fail)).unwrap();
    let found: Vec<(u64, &str, &str)> =
        done.quarantine.iter().map(|row| (row.ordinal, row.kind.as_str(), row.constraint.as_str())).collect();
    assert_eq!(found, [(1, "exclusion", "apart"), (2, "unique", "low")]);
}

fn rules_of_columns_are_told_apart(server: &Server) {
    let table = "CREATE TABLE t (id INTEGER, n INTEGER, code VARCHAR(8)";
    let strict = format!(
        "{table}, twice TINYINT GENERATED ALWAYS AS (n * 2) STORED, CONSTRAINT odd CHECK (id <> 2), UNIQUE KEY one (code))"
    );
    let bad = [("(2, 1, 'a')", "check", "odd"), ("(3, 100, 'b')", "type", "twice")];
    breaks(server, (&format!("{table})"), &strict), "(4, 5, 'c')", &bad);
    let target = server.with(&strict);
    (server.script)(&target, "CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW SIGNAL SQLSTATE '45000'");
    let erp = server.with(&format!("{table}); INSERT INTO t VALUES (1, 1, 'x'), (1, 2, 'X')"));
    let line = Line::new();
    line.capture(&erp, "s").unwrap();
    let context = super::testing::context(&crate::event::Silent, &Cancel::default());
    // Triggers step aside, so that none refuses a row; the second code is the first one for this collation.
    let options = restore::Options { suspend_triggers: true, ..skipping(OnConflict::Fail) };
    let done = line.restore_in(&context, &target, "s", &options).unwrap();
    let found: Vec<(u64, &str, &str)> =
        done.quarantine.iter().map(|row| (row.ordinal, row.kind.as_str(), row.constraint.as_str())).collect();
    assert_eq!(found, [(1, "unique", "one")]);
}

#[test]
fn rules_of_columns_are_told_apart_on_mysql() {
    rules_of_columns_are_told_apart(&MYSQL);
}

#[test]
fn rules_of_columns_are_told_apart_on_mariadb() {
    rules_of_columns_are_told_apart(&MARIADB);
}

/// Puts rows that obey the rules into a target, whatever their order.
fn put(server: &Server, url: &str, rows: &Rows) {
    let mut target = target(url, &Cancel::default()).unwrap();
    target.begin(Enforce::Nothing).unwrap();
    for statement in inserts(rows).lines() {
        target.execute(&Sql::rendered(server.kind, statement)).unwrap();
    }
    target.end(true).unwrap();
}

/// Makes a test of each range, on every engine.
macro_rules! on_every_engine {
    ($($name:ident => $server:ident, $seeds:expr);* $(;)?) => {
        $(#[test] fn $name() { agrees_with_the_oracle(&$server, $seeds); })*
    };
}
on_every_engine! {
    p07_what_breaks_a_rule_is_left_out_and_named_on_sqlite => SQLITE, 0..60;
    p07_what_breaks_a_rule_is_left_out_and_named_on_postgresql => POSTGRES, 100..124;
    p07_what_breaks_a_rule_is_left_out_and_named_without_superuser => POSTGRES_PLAIN, 200..212;
    p07_what_breaks_a_rule_is_left_out_and_named_on_mysql => MYSQL, 300..324;
    p07_what_breaks_a_rule_is_left_out_and_named_on_mariadb => MARIADB, 400..424;
}
