//! Subsets that are long, deep or wide: no stack overflows, no statement grows too long, shares are shares.

use super::{given, on_every_engine};
use crate::model::schema::EngineKind;
use crate::run::subset_testing::{Given, Row, snapshot_rows, toml};
use std::collections::BTreeSet;

on_every_engine!(more_keys_than_a_statement_may_hold, a_share_is_a_share_and_the_same_every_time);

/// The number of rows of a table.
fn count(given: &Given, subset: &str, table: &str) -> usize {
    rows(given, subset, table).len()
}

fn rows(given: &Given, subset: &str, table: &str) -> BTreeSet<Row> {
    let policy = toml(&given.place, subset);
    let snapshot = given.capture(&policy, "s", 2).unwrap_or_else(|error| panic!("{error} {:?}", error.causes()));
    let (_, rows) =
        snapshot_rows(&given.repository, &snapshot.manifest).into_iter().find(|(name, _)| name.name == table).unwrap();
    rows.into_iter().collect()
}

/// `INSERT INTO table SELECT what FROM` the numbers from 1 to `count`, called `i`.
fn series(engine: EngineKind, table: &str, what: &str, count: usize) -> String {
    let numbers = match engine {
        EngineKind::Postgres => format!("(SELECT i FROM generate_series(1, {count}) i) numbers"),
        EngineKind::Sqlite => {
            format!(
                "(WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {count}) SELECT i FROM s)"
            )
        }
        EngineKind::Mysql | EngineKind::Mariadb => {
            let digit = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
            format!(
                "(SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i FROM {digit} a, {digit} b, {digit} c, {digit} e, {digit} f) numbers WHERE i <= {count}"
            )
        }
    };
    format!("INSERT INTO {table} SELECT {what} FROM {numbers};\n")
}

#[test]
fn a_long_chain_is_followed_up_and_down_on_sqlite() {
    const LENGTH: usize = 100_000;
    let script = format!(
        "CREATE TABLE chain (id INTEGER PRIMARY KEY, up INTEGER REFERENCES chain); CREATE INDEX ups ON chain (up); {}",
        series(EngineKind::Sqlite, "chain", "i, NULLIF(i - 1, 0)", LENGTH)
    );
    let given = given(EngineKind::Sqlite, &script);
    let from = |children: &str, key: usize| {
        let subset = format!("children = \"{children}\"\n[[subset.roots]]\ntable = \"chain\"\nwhere = \"id = {key}\"");
        count(&given, &subset, "chain")
    };
    assert_eq!(from("none", LENGTH), LENGTH, "upwards");
    assert_eq!(from("down", 1), LENGTH, "downwards");
    assert_eq!(from("none", 1), 1);
    let deep = format!("depth = 100\n[[subset.roots]]\ntable = \"chain\"\nwhere = \"id = {}\"", LENGTH / 2);
    assert_eq!(count(&given, &deep, "chain"), LENGTH / 2 + 100);
}

#[test]
fn a_wide_tree_is_followed_in_few_steps_on_sqlite() {
    let script = format!(
        "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree); CREATE INDEX ups ON tree (up); {}",
        series(EngineKind::Sqlite, "tree", "i, NULLIF(i / 2, 0)", 99_999)
    );
    let given = given(EngineKind::Sqlite, &script);
    assert_eq!(count(&given, "[[subset.roots]]\ntable = \"tree\"\nwhere = \"id = 1\"", "tree"), 99_999);
    let half = "children = \"none\"\n[[subset.roots]]\ntable = \"tree\"\nwhere = \"id >= 50000\"";
    assert_eq!(count(&given, half, "tree"), 99_999);
}

/// Forty thousand keys of two columns are more parameters than any server takes.
fn more_keys_than_a_statement_may_hold(engine: EngineKind) {
    const PARENTS: usize = 50_000;
    let script = format!(
        "CREATE TABLE p (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b));
         CREATE TABLE c (id INTEGER NOT NULL PRIMARY KEY, a INTEGER, b INTEGER, FOREIGN KEY (a, b) REFERENCES p (a, b));
         {}{}",
        series(engine, "p", "i % 7, i", PARENTS),
        series(engine, "c", "i, i % 7, i", PARENTS)
    );
    let given = given(engine, &script);
    let from = |table: &str, condition: &str, wanted: &str| {
        count(&given, &format!("[[subset.roots]]\ntable = \"{table}\"\nwhere = \"{condition}\""), wanted)
    };
    assert_eq!(from("c", "id <= 40000", "p"), 40_000);
    assert_eq!(from("p", "b > 10000", "c"), 40_000);
}

fn a_share_is_a_share_and_the_same_every_time(engine: EngineKind) {
    let script = format!(
        "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, n INTEGER); CREATE TABLE s (k VARCHAR(20) NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (k, n)); {}{}",
        series(engine, "t", "i * 3, i % 4", 10_000),
        series(engine, "s", "'k', i", 10_000)
    );
    let given = given(engine, &script);
    let root = |table: &str, rest: &str| rows(&given, &format!("[[subset.roots]]\ntable = \"{table}\"\n{rest}"), table);
    for table in ["t", "s"] {
        assert_eq!(root(table, "percent = 100").len(), 10_000);
        // Six standard deviations around what is expected.
        for (percent, expected, off) in [("2.5", 250, 100), ("50", 5000, 300), ("0.5", 50, 43)] {
            let some = root(table, &format!("percent = {percent}"));
            assert!(some.len().abs_diff(expected) < off, "{engine}: {percent} percent are {} rows", some.len());
            assert_eq!(some, root(table, &format!("percent = {percent}")));
        }
        // Of those for which the condition holds, and of these the first ones.
        let half = root(table, "percent = 50");
        let also = root(table, "percent = 50\nwhere = \"n < 2000\"");
        assert!(also.is_subset(&half), "{engine}: a condition changes which rows a share has");
        let first = root(table, "percent = 50\nlimit = 10");
        assert!(first.len() == 10 && first.is_subset(&half));
        let order = root(table, "percent = 50\nlimit = 10\norder = \"n desc\"");
        assert!(order.len() == 10 && order.is_subset(&half) && order != first);
    }
    // What else the table holds changes nothing for a row.
    let before = root("t", "percent = 10");
    given.place.run("DELETE FROM t WHERE id > 15000; INSERT INTO t VALUES (1, 1), (2, 2)");
    let after = root("t", "percent = 10");
    let old = |row: &&Row| std::str::from_utf8(row[0].as_deref().unwrap()).unwrap().parse::<u32>().unwrap();
    let common = |rows: &BTreeSet<Row>| -> Vec<Row> {
        rows.iter().filter(|row| old(row) > 2 && old(row) <= 15_000).cloned().collect()
    };
    assert_eq!(common(&before), common(&after), "{engine}");
}
