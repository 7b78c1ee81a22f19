//! Targets of another shape than the snapshot, through the binary and the library: what is refused at a glance, what is
//! tolerated and why, and what `[restore.map]` bridges.

use crate::inside::{self, capture, keep_all, repository, restore, restore_options, rollback};
use crate::support::{Random, Scratch, dump, number, sql};
use serde_json::Value;
use std::path::PathBuf;
use terp_fixtures::error::Kind;

const SCHEMA: &str = "CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT NOT NULL, status_id INTEGER, deleted_at TIMESTAMP,
        tier VARCHAR(20), note TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL REFERENCES clients (id), placed TIMESTAMP, state TEXT,
        quantity TEXT);
    CREATE TABLE loose (note TEXT);";
const ROWS: &str = "INSERT INTO clients VALUES (1, 'one', 3, NULL, 'gold and more', 'kept'), (2, 'two', NULL, '2025-01-31 10:20:30', 'tin', NULL);
    INSERT INTO orders VALUES (1, 1, '2025-02-01 08:00:00', 'cancelled', '12'), (2, 2, NULL, 'open', '7'), (3, 1, NULL, 'open', NULL);
    INSERT INTO loose VALUES ('x');";

/// A store with the snapshot `s`, and a target `dev.sqlite` of this schema with rows of its own.
fn bench(target: &str) -> Scratch {
    let scratch = Scratch::with_store();
    sql(&scratch.path("erp.sqlite"), &format!("{SCHEMA}{ROWS}"));
    let policy = keep_all(&scratch.path("erp.sqlite"));
    std::fs::write(scratch.path("keep.toml"), policy).unwrap();
    scratch.ok(&["capture", "s", "--policy", "keep.toml", "--source", "sqlite:erp.sqlite"]);
    sql(&scratch.path("dev.sqlite"), target);
    scratch
}

fn map(scratch: &Scratch, text: &str) {
    std::fs::write(scratch.path("terp-fixtures.toml"), text).unwrap();
}

const RESTORE: [&str; 4] = ["restore", "s", "--target", "sqlite:dev.sqlite"];
const ROLLBACK: [&str; 4] = ["rollback", "--target", "sqlite:dev.sqlite", "--yes"];

/// The target as an application has it that went on: other names, other types, a column of its own.
const MOVED: &str = "CREATE TABLE customers (\"Id\" INTEGER PRIMARY KEY, name TEXT NOT NULL, statusId INTEGER, deletedAt TIMESTAMP,
        tier VARCHAR(4), tenant INTEGER NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (\"Id\"), placed DATE,
        state TEXT CHECK (state IN ('open', 'closed')), quantity INTEGER NOT NULL);
    CREATE TABLE loose (note TEXT);
    INSERT INTO customers VALUES (50, 'mine', NULL, NULL, 'own', 1); INSERT INTO orders VALUES (50, 50, NULL, 'open', 1);";

const MAP: &str = "[restore.map.clients]
to = \"customers\"
rename = { id = \"Id\", status_id = \"statusId\", deleted_at = \"deletedAt\" }
drop = [\"note\"]
default = { tenant = 7 }
cast = { tier = \"truncate\" }

[restore.map.orders]
rename = { client_id = \"customer_id\" }
default = { quantity = 0 }
cast = { placed = \"truncate\", quantity = \"exact\" }
labels = { state = { cancelled = \"closed\" } }
";

#[test]
fn missing_columns_are_one_glance_and_the_lines_to_paste_bridge_them() {
    let scratch = bench(&SCHEMA.replace("status_id", "statusId").replace("deleted_at", "deletedAt"));
    let before = dump(&scratch.path("dev.sqlite"));
    let message = scratch.fails(3, &RESTORE);
    for line in [
        "  table    column      difference      snapshot has  target has  what follows",
        "  clients  status_id   missing column  INTEGER       -           is it statusId there? see below",
        "  clients  deleted_at  missing column  TIMESTAMP     -           is it deletedAt there? see below",
    ] {
        assert!(message.lines().any(|found| found == line), "{line} is not in\n{message}");
    }
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
    // What is proposed is what does it.
    let from = message.find("[restore.map").unwrap();
    let pasted: Vec<&str> = message[from..].lines().take(2).map(str::trim).collect();
    map(&scratch, &pasted.join("\n"));
    scratch.ok(&RESTORE);
    assert_eq!(number(&scratch.path("dev.sqlite"), "SELECT count(*) FROM clients WHERE statusId = 3"), 1);
    scratch.ok(&ROLLBACK);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}

#[test]
fn differences_are_told_to_machines() {
    let scratch = bench(&SCHEMA.replace("tier VARCHAR(20), note TEXT", "tier VARCHAR(30), more TEXT NOT NULL"));
    let output = scratch.run(&[&RESTORE[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let body: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = body["error"]["differences"].as_array().unwrap();
    let said: Vec<String> = all
        .iter()
        .map(|it| format!("{} {} {} {}", it["table"], it["columns"], it["difference"], it["verdict"]).replace('"', ""))
        .collect();
    let expected = [
        "clients [note] missing column refused",
        "clients [more] extra column refused",
        "clients [tier] type tolerated",
    ];
    assert_eq!(said, expected);
    assert!(all.iter().all(|it| !it["advice"].as_str().unwrap().is_empty()));
}

#[test]
fn what_is_tolerated_is_shown_to_those_who_ask() {
    let scratch = bench(&SCHEMA.replace("tier VARCHAR(20)", "tier VARCHAR(30), extra TEXT"));
    let before = dump(&scratch.path("dev.sqlite"));
    let dry = scratch.ok(&[&RESTORE[..], &["--dry-run"]].concat());
    assert!(dry.contains("tier    type          VARCHAR(20)   VARCHAR(30)  the target has room for more"), "{dry}");
    assert!(dry.contains("it stays NULL"), "{dry}");
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
    assert!(!scratch.ok(&RESTORE).contains("VARCHAR"));
    scratch.ok(&ROLLBACK);
    assert!(scratch.ok(&[&RESTORE[..], &["-v"]].concat()).contains("VARCHAR(30)"));
    scratch.ok(&ROLLBACK);
    let told = scratch.json(&RESTORE);
    assert_eq!(told["differences"].as_array().unwrap().len(), 2);
    scratch.ok(&ROLLBACK);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}

#[test]
fn whether_null_matters_is_asked_of_the_rows() {
    for (column, holds) in [("tier VARCHAR(20)", false), ("note TEXT", true)] {
        let scratch = bench(&SCHEMA.replace(column, &format!("{column} NOT NULL")));
        let before = dump(&scratch.path("dev.sqlite"));
        if holds {
            assert!(scratch.fails(3, &RESTORE).contains("1 rows hold NULL"));
            assert_eq!(dump(&scratch.path("dev.sqlite")), before);
            map(&scratch, "[restore.map.clients]\ndefault = { note = \"none\" }");
        } else {
            assert!(scratch.ok(&[&RESTORE[..], &["--dry-run"]].concat()).contains("the snapshot holds no NULL there"));
        }
        scratch.ok(&RESTORE);
        assert!(scratch.ok(&RESTORE).contains("nothing was changed"));
        scratch.ok(&ROLLBACK);
        assert_eq!(dump(&scratch.path("dev.sqlite")), before);
    }
}

#[test]
fn a_map_takes_rows_into_a_target_that_went_on() {
    let scratch = bench(MOVED);
    let dev = scratch.path("dev.sqlite");
    let before = dump(&dev);
    scratch.fails(3, &RESTORE);
    assert_eq!(dump(&dev), before);
    map(&scratch, MAP);
    let done = scratch.json(&RESTORE);
    assert_eq!(done["rows"], 6);
    for (count, what) in [
        (1, "customers WHERE \"Id\" = 1 AND statusId = 3 AND tier = 'gold' AND tenant = 7"),
        (1, "customers WHERE \"Id\" = 2 AND tier = 'tin' AND deletedAt = '2025-01-31 10:20:30'"),
        (
            1,
            "orders WHERE id = 1 AND placed = '2025-02-01' AND state = 'closed' AND quantity = 12 AND typeof(quantity) = 'integer'",
        ),
        (1, "orders WHERE id = 3 AND quantity = 0 AND customer_id = 1"),
        (0, "pragma_foreign_key_check"),
    ] {
        assert_eq!(number(&dev, &format!("SELECT count(*) FROM {what}")), count, "{what}");
    }
    let during = dump(&dev);
    assert!(scratch.ok(&RESTORE).contains("nothing was changed"));
    // The table goes by both of its names.
    for name in ["clients", "customers"] {
        assert!(scratch.ok(&[&RESTORE[..], &["--table", name, "--dry-run"]].concat()).contains("customers"));
    }
    assert_eq!(dump(&dev), during);
    // Another map is another restore.
    map(&scratch, &MAP.replace("tenant = 7", "tenant = 8"));
    assert_eq!(scratch.json(&RESTORE)["replaced"].as_array().unwrap().len(), 1);
    assert_eq!(number(&dev, "SELECT count(*) FROM customers WHERE tenant = 8"), 2);
    assert_eq!(number(&dev, "SELECT count(*) FROM customers"), 3);
    scratch.ok(&ROLLBACK);
    assert_eq!(dump(&dev), before);
}

#[test]
fn a_mapped_row_in_the_way_is_skipped_or_replaced_until_the_rollback() {
    let scratch = bench(&format!("{MOVED} INSERT INTO customers VALUES (1, 'in the way', 9, NULL, 'x', 2);"));
    let dev = scratch.path("dev.sqlite");
    map(&scratch, MAP);
    let before = dump(&dev);
    assert!(scratch.fails(5, &RESTORE).contains("customers: 1 rows under the same key"));
    assert_eq!(dump(&dev), before);
    for how in ["skip", "overwrite"] {
        scratch.ok(&[&RESTORE[..], &["--on-conflict", how, "--yes"]].concat());
        assert!(scratch.ok(&[&RESTORE[..], &["--on-conflict", how, "--yes"]].concat()).contains("nothing was changed"));
        scratch.ok(&ROLLBACK);
        assert_eq!(dump(&dev), before, "{how}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_by_its_place() {
    let scratch = bench(MOVED);
    let dev = scratch.path("dev.sqlite");
    let before = dump(&dev);
    for (from, to, expected) in [
        (
            "placed = \"truncate\"",
            "placed = \"exact\"",
            "table orders: column placed, row 0: a time of day, which a date does not hold",
        ),
        ("{ cancelled = \"closed\" }", "{ open = \"opened\" }", "constraint"),
    ] {
        map(&scratch, &MAP.replace(from, to));
        let message = scratch.fails(5, &RESTORE);
        assert!(message.contains(expected), "{expected} is not in {message}");
        assert!(!message.contains("08:00"), "{message}");
        assert_eq!(dump(&dev), before);
    }
}

#[test]
fn a_map_is_wrong_at_a_line() {
    let scratch = bench(MOVED);
    let dev = scratch.path("dev.sqlite");
    let before = dump(&dev);
    for (code, from, to, expected) in [
        (
            1,
            "[restore.map.clients]",
            "[restore.map.client]",
            "terp-fixtures.toml:1: the snapshot has no table 'client'",
        ),
        (
            1,
            "status_id =",
            "statusid =",
            "terp-fixtures.toml:3: table clients of the snapshot has no column 'statusid'",
        ),
        (1, "drop = [\"note\"]", "drop = [\"id\"]", "terp-fixtures.toml:4: column id is part of the primary key"),
        (1, "\"statusId\"", "\"deletedAt\"", "columns status_id and deleted_at would both go into deletedAt"),
        (1, "tenant = 7", "tenant = \"seven\"", "table customers, column tenant: its default is not a whole number"),
        (1, "tier = \"truncate\"", "tier = \"cut\"", "terp-fixtures.toml:6:"),
        (1, "drop = ", "dropped = ", "terp-fixtures.toml:4:"),
        (1, "tenant = 7", "tenant = [7]", "terp-fixtures.toml:5: a default is one value"),
        (
            3,
            "tenant = 7",
            "tenant = 7, nowhere = 1",
            "terp-fixtures.toml:5: column nowhere of customers is not in the target",
        ),
        (3, "to = \"customers\"", "to = \"nowhere\"", "nowhere  -       missing table"),
        (3, "\"statusId\"", "\"state\"", "customers  state "),
    ] {
        map(&scratch, &MAP.replacen(from, to, 1));
        let message = scratch.fails(code, &RESTORE);
        assert!(message.contains(expected), "{expected} is not in {message}");
        assert_eq!(dump(&dev), before, "{to}");
    }
}

#[test]
fn an_environment_may_have_a_map_of_its_own() {
    let scratch = bench(MOVED);
    let own = MAP
        .replace("[restore.map.clients]", "[restore.environments.staging.map.clients]")
        .replace("tenant = 7", "tenant = 9");
    map(&scratch, &format!("{MAP}\n{}", own.split("\n\n").next().unwrap()));
    scratch.ok(&[&RESTORE[..], &["--env", "staging"]].concat());
    assert_eq!(number(&scratch.path("dev.sqlite"), "SELECT count(*) FROM customers WHERE tenant = 9"), 2);
    scratch.ok(&[&RESTORE[..], &["--env", "dev"]].concat());
    assert_eq!(number(&scratch.path("dev.sqlite"), "SELECT count(*) FROM customers WHERE tenant = 7"), 2);
}

#[test]
fn an_empty_database_gets_the_tables_as_they_were_captured() {
    let scratch = bench("");
    map(&scratch, MAP);
    let before = dump(&scratch.path("dev.sqlite"));
    scratch.ok(&RESTORE);
    assert_eq!(number(&scratch.path("dev.sqlite"), "SELECT count(*) FROM clients WHERE note = 'kept'"), 1);
    assert!(scratch.ok(&RESTORE).contains("nothing was changed"));
    scratch.ok(&ROLLBACK);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}

#[test]
fn what_is_missing_is_made_and_what_is_there_compared() {
    let orders = "CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT NOT NULL, status_id INTEGER, deleted_at TIMESTAMP, tier VARCHAR(20))";
    let scratch = bench(orders);
    let dev = scratch.path("dev.sqlite");
    let before = dump(&dev);
    let create = [&RESTORE[..], &["--create"]].concat();
    let message = scratch.fails(3, &create);
    assert!(message.contains("note    missing column") && !message.contains("missing table"), "{message}");
    assert_eq!(dump(&dev), before);
    sql(&dev, "ALTER TABLE clients ADD COLUMN note TEXT");
    let before = dump(&dev);
    assert!(scratch.fails(3, &RESTORE).contains("orders  -       missing table"));
    assert_eq!(scratch.json(&create)["created"].as_array().unwrap().len(), 2);
    scratch.ok(&ROLLBACK);
    assert_eq!(dump(&dev), before);
}

/// A column definition that is changed at random.
fn altered(random: &mut Random) -> String {
    let mut schema = SCHEMA.to_owned();
    for _ in 0..=random.below(3) {
        let edits: [(&str, &str); 22] = [
            ("note TEXT);\n    CREATE TABLE orders", "note TEXT, extra INTEGER);\n    CREATE TABLE orders"),
            ("note TEXT);\n    CREATE TABLE orders", "note TEXT, extra INTEGER NOT NULL);\n    CREATE TABLE orders"),
            (
                "note TEXT);\n    CREATE TABLE orders",
                "note TEXT, extra INT NOT NULL DEFAULT 3);\n    CREATE TABLE orders",
            ),
            ("tier VARCHAR(20)", "tier VARCHAR(60)"),
            ("tier VARCHAR(20)", "tier VARCHAR(3)"),
            ("tier VARCHAR(20)", "tier TEXT"),
            ("tier VARCHAR(20)", "tier VARCHAR(20) NOT NULL"),
            ("tier VARCHAR(20)", "tier VARCHAR(20) UNIQUE"),
            ("tier VARCHAR(20)", "tier VARCHAR(20) CHECK (length(tier) < 5)"),
            ("tier VARCHAR(20)", "tier VARCHAR(20) COLLATE NOCASE"),
            ("status_id INTEGER", "status_id BIGINT"),
            ("status_id INTEGER", "status_id INTEGER NOT NULL"),
            ("status_id INTEGER, ", ""),
            ("status_id INTEGER", "status_id INTEGER REFERENCES orders (id)"),
            ("deleted_at TIMESTAMP", "deletedAt TIMESTAMP"),
            ("deleted_at TIMESTAMP", "deleted_at DATE"),
            (" REFERENCES clients (id),", ","),
            (" REFERENCES clients (id),", " REFERENCES clients (id) ON DELETE CASCADE,"),
            ("client_id INTEGER NOT NULL", "client_id INTEGER"),
            ("name TEXT NOT NULL", "name TEXT"),
            ("CREATE TABLE clients (id INTEGER PRIMARY KEY", "CREATE TABLE clients (id INTEGER UNIQUE"),
            ("CREATE TABLE loose (note TEXT);", "CREATE TABLE loose (other TEXT, note TEXT AS ('x'));"),
        ];
        let (from, to) = edits[usize::try_from(random.below(edits.len() as u64)).unwrap()];
        schema = schema.replacen(from, to, 1);
    }
    schema
}

#[test]
fn p06_a_target_that_was_altered_at_random_is_refused_untouched_or_restored_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    sql(&path("erp.sqlite"), &format!("{SCHEMA}{ROWS}"));
    let member = inside::new_store("random-drift");
    let repository = repository("random-drift", &member);
    capture(&repository, &path("erp.sqlite"), "s", &keep_all(&path("erp.sqlite"))).unwrap();
    let (mut random, mut tolerated, mut refused, mut rejected) = (Random(11), 0, 0, 0);
    for round in 0..120 {
        let (target, schema) = (path(&format!("{round}.sqlite")), altered(&mut random));
        sql(&target, &schema);
        let before = dump(&target);
        let options = terp_fixtures::run::restore::Options { create: false, ..restore_options() };
        match restore(&repository, "s", &target, &options) {
            Ok(done) => {
                assert_eq!(done.rows(), 6, "{schema}");
                assert!(restore(&repository, "s", &target, &options).unwrap().unchanged, "{schema}");
                rollback(&target, None, false).unwrap();
                tolerated += 1;
            }
            Err(error) => match error.kind() {
                Kind::Drift => {
                    assert!(
                        error.differences().iter().any(terp_fixtures::model::drift::Difference::is_refused),
                        "{error}"
                    );
                    refused += 1;
                }
                // What only the database can check of the rows.
                Kind::Rejected => rejected += 1,
                _ => panic!("{error}: {schema}"),
            },
        }
        assert_eq!(dump(&target), before, "{schema}");
    }
    assert!(tolerated > 20 && refused > 40 && rejected > 3, "{tolerated} {refused} {rejected}");
}

/// The blocks of a document in their order: what they are in, and their lines.
fn blocks(path: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(crate::support::repository(path)).unwrap();
    let mut parts = text.split("```");
    parts.next();
    let mut found = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (language, lines) = block.split_once('\n').unwrap();
        found.push((language.to_owned(), lines.to_owned()));
    }
    found
}

#[test]
fn what_the_document_of_drift_shows_is_so() {
    let scratch = Scratch::with_snapshot();
    let (mut ran, mut message, mut before) = (0, String::new(), String::new());
    for (language, text) in blocks("docs/drift.md") {
        match language.as_str() {
            "sql" => {
                sql(&scratch.path("dev.sqlite"), &text);
                before = dump(&scratch.path("dev.sqlite"));
            }
            "toml" => map(&scratch, &text),
            "text" => {
                // The columns of the table end in spaces of their own there.
                let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
                assert!(lines(&message).ends_with(&lines(&text)), "{text}\nis not the end of\n{message}");
            }
            _ => {
                for line in text.lines() {
                    let (command, remark) = line.split_once(" # ").unwrap_or((line, ""));
                    let arguments: Vec<&str> =
                        command.strip_prefix("terp-fixtures ").unwrap().split_whitespace().collect();
                    match remark.strip_prefix("exit ") {
                        Some(code) => message = scratch.fails(code.parse().unwrap(), &arguments),
                        None if remark.contains("nothing is changed") => {
                            assert!(scratch.ok(&arguments).contains("nothing was changed"));
                        }
                        None => drop(scratch.ok(&arguments)),
                    }
                    ran += 1;
                }
            }
        }
    }
    assert_eq!(ran, 5);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}
