//! `rollback` through the binary: in part, of all runs, by force, let go, with a backup before; and every command of the documents
//! about it.

use crate::documents::commands;
use crate::support::{Scratch, dump, number, sql};
use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

const TARGET: [&str; 2] = ["--target", "sqlite:dev.sqlite"];

const SCHEMA: &str = "CREATE TABLE clients (id INTEGER PRIMARY KEY, country TEXT, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, client_id INTEGER REFERENCES clients ON DELETE CASCADE, note TEXT);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER DEFAULT 1000 REFERENCES orders ON DELETE SET DEFAULT);
    CREATE TABLE loose (note TEXT);";

const POLICY: &str = "version = 1
[tables.clients]
mode = \"capture\"
keep = [\"id\", \"country\", \"name\"]
[tables.orders]
mode = \"capture\"
keep = [\"id\", \"client_id\", \"note\"]
[tables.notes]
mode = \"structure\"
[tables.loose]
mode = \"capture\"
keep = [\"note\"]
";

/// A store with the snapshots `small` and `other`, and `dev.sqlite` with the same schema and rows of its own.
fn bench() -> Scratch {
    let scratch = Scratch::with_store();
    std::fs::write(scratch.path("pii.toml"), POLICY).unwrap();
    let rows = "INSERT INTO clients VALUES (1, 'US', 'one'), (2, 'FR', 'two'), (3, 'US', 'three');
        INSERT INTO orders VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z'); INSERT INTO loose VALUES ('hello'), (NULL);";
    let other = "INSERT INTO clients VALUES (1, 'US', 'changed'), (20, 'DE', 'twenty'); INSERT INTO orders VALUES (30, 20, 'w');";
    for (name, rows) in [("small", rows), ("other", other)] {
        let file = format!("{name}.sqlite");
        sql(&scratch.path(&file), SCHEMA);
        sql(&scratch.path(&file), rows);
        scratch.ok(&["capture", name, "--policy", "pii.toml", "--source", &format!("sqlite:{file}")]);
    }
    sql(&scratch.path("dev.sqlite"), SCHEMA);
    sql(
        &scratch.path("dev.sqlite"),
        "INSERT INTO clients VALUES (1, 'CA', 'mine'); INSERT INTO orders VALUES (1000, NULL, 'mine');",
    );
    scratch
}

fn with_target<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &TARGET[..]].concat()
}

fn restore(scratch: &Scratch, name: &str) {
    scratch.ok(&with_target(&["restore", name, "--on-conflict", "overwrite", "--keep-others", "--yes"]));
}

/// An answer without what only a real rollback can know.
fn comparable(answer: &Value) -> Value {
    match answer {
        Value::Array(outcomes) => outcomes.iter().map(comparable).collect(),
        Value::Object(outcome) => {
            let mut outcome = outcome.clone();
            outcome.retain(|key, _| !["millis", "dry_run", "snapshot", "summary"].contains(&key.as_str()));
            outcome.values_mut().filter(|value| value.is_object()).for_each(|value| *value = comparable(value));
            Value::Object(outcome)
        }
        other => other.clone(),
    }
}

/// Runs a rollback dry and then really, which must say the same.
fn roll_back(scratch: &Scratch, arguments: &[&str]) -> Value {
    let before = dump(&scratch.path("dev.sqlite"));
    let dry = scratch.json(&[&["rollback", "--dry-run"][..], arguments, &TARGET].concat());
    assert_eq!(dump(&scratch.path("dev.sqlite")), before, "{arguments:?}");
    let done = scratch.json(&[&["rollback", "--yes"][..], arguments, &TARGET].concat());
    assert_eq!(comparable(&dry), comparable(&done), "{arguments:?}");
    done
}

fn table<'a>(done: &'a Value, name: &str) -> &'a Value {
    done["tables"].as_array().unwrap().iter().find(|table| table["table"] == name).unwrap()
}

#[test]
fn rows_go_in_part_and_the_rest_follows() {
    let scratch = bench();
    let before = dump(&scratch.path("dev.sqlite"));
    restore(&scratch, "small");
    let whole = crate::inside::digest(&scratch.path("dev.sqlite"));
    let done = roll_back(&scratch, &["--table", "orders", "--where", "note = 'x' OR note = 'y'"]);
    assert_eq!((&done["partial"], &table(&done, "orders")["deleted"]), (&true.into(), &2.into()));
    // Clients 1 and 2 are free now, and 1 is the database's own again.
    let done = roll_back(&scratch, &["--table", "clients", "--where", "country = 'US' AND id = 1 OR country = 'FR'"]);
    assert_eq!((&table(&done, "clients")["deleted"], &table(&done, "clients")["put_back"]), (&1.into(), &1.into()));
    assert_eq!(number(&scratch.path("dev.sqlite"), "SELECT count(*) FROM clients WHERE name = 'mine'"), 1);
    let runs = scratch.json(&with_target(&["runs"]));
    assert_eq!((&runs[0]["partial"], &runs[0]["rows"]), (&true.into(), &4.into()));
    assert!(scratch.ok(&with_target(&["runs"])).contains("(in part)"));
    let error = scratch.fails(6, &with_target(&["rollback", "--table", "clients", "--yes"]));
    assert!(error.contains("rows that stay") && error.contains("of run small@"), "{error}");

    // The same restore again is not "unchanged": it puts the missing rows back.
    let again =
        scratch.json(&with_target(&["restore", "small", "--on-conflict", "overwrite", "--keep-others", "--yes"]));
    assert_eq!(again["unchanged"], false);
    assert_eq!(crate::inside::digest(&scratch.path("dev.sqlite")), whole);
    roll_back(&scratch, &["--table", "loose", "--table", "orders"]);
    roll_back(&scratch, &[]);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}

#[test]
fn wrong_mixtures_touch_nothing() {
    let scratch = bench();
    restore(&scratch, "small");
    let before = dump(&scratch.path("dev.sqlite"));
    for wrong in [
        &["--where", "id = 1"][..],
        &["--table", "orders", "--table", "clients", "--where", "id = 1"],
        &["--table", "orders", "--where", "id ="],
        &["--table", "orders", "--where", "nobody = 1"],
        &["--table", "orders", "--where", "id IN (SELECT id FROM clients)"],
        &["--table", "orders", "--where", "orders.id = 1"],
        &["--table", "nothing"],
        &["--all", "small"],
        &["--all", "--table", "orders"],
        &["--strategy", "none", "--table", "orders"],
        &["--strategy", "burn"],
        &["--backup", "--no-backup"],
    ] {
        scratch.fails(1, &[&["rollback", "--yes"][..], wrong, &TARGET].concat());
    }
    scratch.fails(8, &with_target(&["rollback", "--strategy", "none"]));
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}

#[test]
fn what_hangs_on_fixture_rows_is_told_and_done_by_force_only() {
    let scratch = bench();
    restore(&scratch, "small");
    sql(
        &scratch.path("dev.sqlite"),
        "INSERT INTO orders (id, client_id, note) VALUES (500, 2, 'app'), (501, 1, 'app too'); INSERT INTO notes VALUES (1, 500), (2, 3), (3, 501);",
    );
    let between = dump(&scratch.path("dev.sqlite"));
    let error = scratch.fails(6, &with_target(&["rollback", "--yes"]));
    assert!(error.contains("1 rows of orders reference clients by") && error.contains("ON DELETE CASCADE"), "{error}");
    assert!(
        error.contains("2 rows of notes reference orders by") && error.contains("ON DELETE SET DEFAULT"),
        "{error}"
    );
    assert_eq!(dump(&scratch.path("dev.sqlite")), between);
    let done = roll_back(&scratch, &["--force"]);
    let effects: Vec<(String, u64)> = done["effects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|effect| {
            (
                format!("{} {}", effect["table"].as_str().unwrap(), effect["were"].as_str().unwrap()),
                effect["rows"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(effects, [("notes set to default".to_owned(), 2), ("orders deleted".to_owned(), 1)]);
    let left = "SELECT group_concat(id || ':' || order_id) FROM (SELECT * FROM notes ORDER BY id)";
    let connection = rusqlite::Connection::open(scratch.path("dev.sqlite")).unwrap();
    let notes: String = connection.query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(notes, "1:1000,2:1000,3:501", "client 1 was the database's own before, so its order stays");
}

#[test]
fn every_run_goes_and_a_failure_on_the_way_is_gone_on_with() {
    let scratch = bench();
    let before = dump(&scratch.path("dev.sqlite"));
    restore(&scratch, "small");
    restore(&scratch, "other");
    let runs = scratch.json(&with_target(&["runs"]));
    assert!(runs[0]["after"].as_str().unwrap().starts_with("other@") && runs[1]["after"].is_null(), "{runs}");
    let done = roll_back(&scratch, &["--all"]);
    let names: Vec<&str> = done
        .as_array()
        .unwrap()
        .iter()
        .map(|outcome| outcome["run"].as_str().unwrap().split('@').next().unwrap())
        .collect();
    assert_eq!(names, ["other", "small"]);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
    scratch.fails(6, &with_target(&["rollback", "--all", "--yes"]));

    restore(&scratch, "small");
    restore(&scratch, "other");
    sql(&scratch.path("dev.sqlite"), "INSERT INTO orders (id, client_id) VALUES (500, 3)");
    let error = scratch.fails(6, &with_target(&["rollback", "--all", "--yes"]));
    assert!(error.contains("rolled back so far: other@") && error.contains("goes on"), "{error}");
    sql(&scratch.path("dev.sqlite"), "DELETE FROM orders WHERE id = 500");
    assert_eq!(roll_back(&scratch, &["--all"]).as_array().unwrap().len(), 1);
    assert!(scratch.ok(&with_target(&["runs"])).contains("No run"));
}

#[test]
fn whole_tables_are_emptied_and_others_are_not() {
    let scratch = bench();
    let before = dump(&scratch.path("dev.sqlite"));
    restore(&scratch, "small");
    let strategies = scratch.json(&with_target(&["runs"]))[0]["strategies"].clone();
    assert_eq!(strategies, serde_json::json!(["delete", "truncate", "none"]));
    let done = roll_back(&scratch, &["--strategy", "truncate"]);
    let truncated = |name| table(&done, name)["truncated"] == true;
    assert!(truncated("loose") && !truncated("orders") && !truncated("clients"));
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}

#[test]
fn rows_that_are_let_go_are_the_databases_own() {
    let scratch = bench();
    restore(&scratch, "small");
    let content = crate::inside::digest(&scratch.path("dev.sqlite"));
    let done = roll_back(&scratch, &["--strategy", "none"]);
    assert_eq!((&table(&done, "clients")["kept"], &table(&done, "orders")["kept"]), (&3.into(), &3.into()));
    assert_eq!(crate::inside::digest(&scratch.path("dev.sqlite")), content);
    assert!(!dump(&scratch.path("dev.sqlite")).contains("terp_fixture"));
    scratch.fails(6, &with_target(&["rollback", "--yes"]));
    let log = scratch.ok(&["audit", "log", "--operation", "rollback", "--json"]);
    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries[0]["what"]["counts"]["kept"], 8, "{log}");
}

#[test]
fn p15_what_was_deleted_is_in_the_log_the_answer_and_the_trail() {
    let scratch = bench();
    restore(&scratch, "small");
    let output = scratch.run(&with_target(&["rollback", "--yes", "--json", "--log-format", "json"]));
    assert!(output.status.success());
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = table(&done, "orders")["keys"].as_str().unwrap().to_owned();
    let lines = String::from_utf8(output.stderr).unwrap();
    let line = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = line.filter(|line| line["table"] == "orders" && line["keys"] == keys.as_str()).collect::<Vec<_>>();
    assert!(line.len() == 1 && line[0]["deleted"] == 3 && line[0]["timestamp"].is_string(), "{lines}");
    let log = scratch.ok(&["audit", "log", "--operation", "rollback", "--json"]);
    let entry: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(entry["what"]["digests"]["keys deleted from orders"], keys.as_str());
    assert!(entry["time"].is_string());
}

#[test]
fn on_staging_the_rows_are_saved_first_and_come_back() {
    let scratch = bench();
    restore(&scratch, "small");
    sql(
        &scratch.path("dev.sqlite"),
        "UPDATE orders SET note = 'edited' WHERE id = 2; INSERT INTO orders (id, client_id, note) VALUES (500, 2, 'app'); INSERT INTO notes VALUES (1, 3);",
    );
    let content = crate::inside::digest(&scratch.path("dev.sqlite"));
    // Without a store of one's own it is refused, and says what to do.
    let mut command =
        scratch.command(&with_target(&["rollback", "--env", "staging", "--force", "--yes", "--store", "nowhere"]));
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{error}");
    assert!(error.contains("backed up") && error.contains("keys init --store"), "{error}");
    assert_eq!(crate::inside::digest(&scratch.path("dev.sqlite")), content);

    let done = roll_back(&scratch, &["--env", "staging", "--force"]);
    let snapshot = done["backup"]["snapshot"].as_str().unwrap().to_owned();
    assert!(snapshot.starts_with("backup-dev-") && done["backup"]["rows"] == 10, "{done}");
    assert_ne!(crate::inside::digest(&scratch.path("dev.sqlite")), content);
    let listed = scratch.json(&["list", "--name", "backup-*"]);
    assert!(listed[0]["backup"].as_str().unwrap().starts_with("small@"));
    assert!(scratch.ok(&["list"]).contains("(backup)"));
    scratch.ok(&["verify", &snapshot, "--read-data"]);
    scratch.ok(&["audit", "verify"]);
    // What the command said puts them back.
    scratch.ok(&with_target(&[
        "restore",
        &snapshot,
        "--create",
        "--on-conflict",
        "overwrite",
        "--keep-others",
        "--yes",
    ]));
    assert_eq!(crate::inside::digest(&scratch.path("dev.sqlite")), content);
    // Into no other database, however it is said to be.
    sql(&scratch.path("else.sqlite"), SCHEMA);
    let error = scratch.fails(8, &["restore", &snapshot, "--target", "sqlite:else.sqlite", "--yes"]);
    assert!(error.contains("another database than the one it was made of"), "{error}");
    scratch.fails(8, &with_target(&["rollback", "--env", "production", "--no-backup", "--yes"]));
    scratch.ok(&with_target(&["rollback", "--env", "staging", "--no-backup", "--yes"]));
    // On dev only where it is asked for.
    restore(&scratch, "small");
    assert!(roll_back(&scratch, &["--force"])["backup"].is_null());
    restore(&scratch, "small");
    assert!(roll_back(&scratch, &["--force", "--backup"])["backup"]["rows"].as_u64().unwrap() > 0);
}

/// Every command of a document, from top to bottom, in a shell.
fn executed(scratch: &Scratch, document: &str, least: usize) {
    let binary = cargo_bin("terp-fixtures");
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let commands = commands(document);
    assert!(commands.len() >= least, "{document}: only {} commands were found", commands.len());
    for command in commands {
        let mut shell = scratch.command_of("sh", &["-c", &command]);
        let output = shell.env("PATH", &path).stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{document}: {command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What the documents suppose: a snapshot `nightly`, an older one, and `dev.sqlite` with some rows of its own.
fn documented() -> Scratch {
    let scratch = bench();
    for name in ["nightly", "feature"] {
        scratch.ok(&[
            "capture",
            name,
            "--policy",
            "pii.toml",
            "--source",
            if name == "nightly" { "sqlite:small.sqlite" } else { "sqlite:other.sqlite" },
        ]);
    }
    scratch
}

#[test]
fn the_commands_of_the_document_of_rollbacks_work_from_top_to_bottom() {
    executed(&documented(), "docs/rollback.md", 15);
}

#[test]
fn the_commands_of_the_runbook_work_from_top_to_bottom() {
    executed(&documented(), "docs/runbook.md", 20);
}
