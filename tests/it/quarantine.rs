//! `restore --on-error skip` through the binary, on SQLite: what is left out, how it is told, and that it is all the same twice.

use crate::documents::commands;
use crate::support::{Scratch, dump, number, sql};
use serde_json::Value;

/// A table of parents and one of children, with as many rules as SQLite has.
const RULES: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, n INTEGER CONSTRAINT small CHECK (n < 100));
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent, up INTEGER REFERENCES child, note TEXT);
    CREATE TABLE exact (id INTEGER PRIMARY KEY, n INTEGER) STRICT;
    CREATE UNIQUE INDEX folded ON child (lower(note)) WHERE note IS NOT NULL;";

/// The same columns without the rules.
const LOOSE: &str = "CREATE TABLE parent (id INTEGER, code TEXT, n INTEGER);
    CREATE TABLE child (id INTEGER, parent_id INTEGER, up INTEGER, note TEXT);
    CREATE TABLE exact (id INTEGER, n INTEGER);";

const POLICY: &str = "version = 1
    [tables.parent]\nmode = \"capture\"\nkeep = [\"id\", \"code\", \"n\"]
    [tables.child]\nmode = \"capture\"\nkeep = [\"id\", \"parent_id\", \"up\", \"note\"]
    [tables.exact]\nmode = \"capture\"\nkeep = [\"id\", \"n\"]\n";

/// A store with a snapshot `s` of these rows, and a target with the rules and its own ones.
fn scratch(rows: &str, own: &str) -> Scratch {
    let scratch = Scratch::with_store();
    sql(&scratch.path("source.sqlite"), LOOSE);
    sql(&scratch.path("source.sqlite"), rows);
    std::fs::write(scratch.path("p.toml"), POLICY).unwrap();
    scratch.ok(&["capture", "s", "--policy", "p.toml", "--source", "sqlite:source.sqlite"]);
    sql(&scratch.path("t.sqlite"), RULES);
    sql(&scratch.path("t.sqlite"), own);
    scratch
}

/// Ends with 5 and an answer on stdout.
fn lacking(scratch: &Scratch, arguments: &[&str]) -> (Value, String) {
    let fixed = ["restore", "s", "--target", "sqlite:t.sqlite", "--on-error", "skip", "--json"];
    let output = scratch.run(&[&fixed, arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{arguments:?}: {stderr}");
    (serde_json::from_slice(&output.stdout).unwrap(), stderr)
}

/// The quarantine as short lines.
fn lines(answer: &Value) -> Vec<String> {
    let text = |row: &Value, name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
    let line = |row: &Value| ["table", "ordinal", "kind", "constraint"].map(|name| text(row, name)).join("|");
    answer["quarantine"].as_array().unwrap().iter().map(line).collect()
}

const BAD: &str = "INSERT INTO parent VALUES (1, 'a', 5), (2, NULL, 5), (3, 'a', 6), (4, 'hunter2', 100), (5, 'e', 99), (1, 'f', 1);
    INSERT INTO child VALUES (1, 1, NULL, 'x'), (2, 2, NULL, NULL), (3, 5, 2, 'y'), (4, 5, 3, NULL), (5, NULL, 5, 'X'), (6, 5, 1, NULL), (7, 9, 9, 'hunter2');
    INSERT INTO exact VALUES (1, 1), (2, 'hunter2'), (3, 3)";

#[test]
fn p07_p26_rows_that_break_a_rule_are_left_out_and_named() {
    let scratch = scratch(BAD, "INSERT INTO parent VALUES (7, 'own', 1)");
    let before = dump(&scratch.path("t.sqlite"));
    let (dry, _) = lacking(&scratch, &["--dry-run", "--quarantine", "dry.csv"]);
    assert_eq!(dump(&scratch.path("t.sqlite")), before);
    let (answer, stderr) = lacking(&scratch, &["--quarantine", "left.csv", "--log-format", "json"]);
    let wanted = [
        "child|1|foreign key|child(parent_id) -> parent",
        "child|2|foreign key|child(up) -> child",
        "child|3|foreign key|child(up) -> child",
        "child|4|unique|index 'folded'",
        "child|6|foreign key|child(parent_id) -> parent",
        "exact|1|type|exact.n",
        "parent|1|not null|code",
        "parent|2|unique|parent.code",
        "parent|3|check|small",
        "parent|5|unique|parent.id",
    ];
    assert_eq!(lines(&answer), wanted);
    assert_eq!(lines(&dry), wanted);
    assert_eq!((&answer["quarantined"], &answer["rows"]), (&Value::from(10), &Value::from(6)));
    let csv = std::fs::read_to_string(scratch.path("left.csv")).unwrap();
    assert_eq!(csv, std::fs::read_to_string(scratch.path("dry.csv")).unwrap());
    assert_eq!(csv.lines().next(), Some("table,ordinal,kind,constraint"));
    assert_eq!(csv.lines().nth(10), Some("parent,5,unique,parent.id"));
    assert!(csv.lines().count() == 11 && !scratch.path("left.csv.partial").exists());
    // A line of the log per table and rule, and no value anywhere.
    let logged: Vec<Value> = stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let events = logged.iter().filter(|line| line["message"] == "Rows quarantined.");
    assert_eq!(events.clone().map(|line| line["rows"].as_u64().unwrap()).sum::<u64>(), 10);
    assert!(events.clone().any(|line| line["constraint"] == "small" && line["table"] == "parent"));
    assert!(!stderr.contains("hunter2") && !csv.contains("hunter2") && !answer.to_string().contains("hunter2"));
    assert!(stderr.contains("10 rows were quarantined (child: 5, exact: 1, parent: 4)"), "{stderr}");
    let path = scratch.path("t.sqlite");
    assert_eq!(number(&path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(
        number(&path, "SELECT CAST(group_concat(id, '') AS INTEGER) FROM (SELECT id FROM parent ORDER BY id)"),
        157
    );

    // The same again says the same and changes nothing.
    let between = dump(&path);
    let (again, stderr) = lacking(&scratch, &["--quarantine", "again.csv"]);
    assert_eq!((lines(&again), &again["unchanged"]), (wanted.map(str::to_owned).to_vec(), &Value::Bool(true)));
    assert!(stderr.contains("had been quarantined"), "{stderr}");
    assert_eq!(std::fs::read_to_string(scratch.path("again.csv")).unwrap(), csv);
    assert_eq!(dump(&path), between);
    scratch.ok(&["rollback", "--target", "sqlite:t.sqlite", "--yes"]);
    assert_eq!(dump(&path), before);
}

#[test]
fn a_run_that_lacks_rows_is_made_whole_by_default() {
    let rows = "INSERT INTO parent VALUES (1, 'a', 5), (2, 'b', 6)";
    let scratch = scratch(rows, "INSERT INTO parent VALUES (9, 'b', 1)");
    let path = scratch.path("t.sqlite");
    let (answer, _) = lacking(&scratch, &[]);
    assert_eq!(lines(&answer), ["parent|1|unique|parent.code"]);
    let between = dump(&path);
    let error = scratch.fails(5, &["restore", "s", "--target", "sqlite:t.sqlite"]);
    assert!(error.contains("lacks 1 rows") && error.contains("hold another row's unique value"), "{error}");
    assert_eq!(dump(&path), between);
    sql(&path, "DELETE FROM parent WHERE id = 9");
    scratch.ok(&["restore", "s", "--target", "sqlite:t.sqlite"]);
    assert_eq!(number(&path, "SELECT count(*) FROM parent"), 2);
    let whole = scratch.json(&["restore", "s", "--target", "sqlite:t.sqlite", "--on-error", "skip"]);
    assert_eq!(whole["unchanged"], true);
}

#[test]
fn the_first_refusal_names_table_row_and_rule() {
    let scratch = scratch("INSERT INTO parent VALUES (1, 'a', 5), (2, 'b', 100), (3, 'c', 100)", "");
    let error = scratch.fails(5, &["restore", "s", "--target", "sqlite:t.sqlite"]);
    assert!(error.contains("table parent: row 1: CHECK constraint failed: small"), "{error}");
}

#[test]
fn tables_and_workers_can_be_chosen_with_it() {
    let scratch = scratch(BAD, "INSERT INTO parent VALUES (5, 'five', 1)");
    let (answer, _) = lacking(&scratch, &["--table", "child", "--jobs", "1"]);
    // Parents 1 and 2 are not in the target, parent 5 is.
    let out: Vec<String> = lines(&answer).iter().map(|line| line.split('|').nth(1).unwrap().to_owned()).collect();
    assert_eq!(out, ["0", "1", "2", "3", "5", "6"]);
    assert_eq!(number(&scratch.path("t.sqlite"), "SELECT count(*) FROM child"), 1);
    assert_eq!(number(&scratch.path("t.sqlite"), "SELECT count(*) FROM parent"), 1);
}

#[test]
fn a_good_snapshot_goes_in_whole_and_ends_well() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:plain.sqlite"]);
    let answer = scratch.json(&["restore", "sample", "--target", "sqlite:t.sqlite", "--on-error", "skip"]);
    assert_eq!((&answer["quarantined"], &answer["quarantine"]), (&Value::from(0), &Value::Array(Vec::new())));
    for table in ["clients", "orders", "order_lines"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(&scratch.path("t.sqlite"), &count), number(&scratch.path("plain.sqlite"), &count));
    }
    scratch.ok(&["rollback", "--target", "sqlite:t.sqlite", "--yes"]);
    assert_eq!(
        number(&scratch.path("t.sqlite"), "SELECT count(*) FROM sqlite_master WHERE name <> 'sqlite_sequence'"),
        0
    );
}

#[test]
fn a_report_that_cannot_be_written_stops_the_restore() {
    let scratch = scratch(BAD, "");
    let before = dump(&scratch.path("t.sqlite"));
    let fixed = ["restore", "s", "--target", "sqlite:t.sqlite", "--on-error", "skip", "--quarantine"];
    let error = scratch.fails(1, &[&fixed[..], &["missing/left.csv"]].concat());
    assert!(error.contains("cannot write the quarantine"), "{error}");
    assert_eq!(dump(&scratch.path("t.sqlite")), before);
    let error = scratch.fails(1, &["restore", "s", "--target", "sqlite:t.sqlite", "--quarantine", "left.csv"]);
    assert!(error.contains("--on-error skip"), "{error}");
}

#[test]
fn the_commands_of_the_quarantine_document_do_what_it_says() {
    let scratch = Scratch::with_snapshot();
    // The schema that was captured, with a rule more.
    let source = rusqlite::Connection::open(scratch.path("erp.sqlite")).unwrap();
    let mut statement = source
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid")
        .unwrap();
    let tables: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    for (name, create) in tables {
        let strict = if name == "orders" {
            let end = create.rfind(')').unwrap();
            format!("{}, CHECK (id % 5 <> 0){}", &create[..end], &create[end..])
        } else {
            create
        };
        sql(&scratch.path("strict.sqlite"), &strict);
    }
    let before = dump(&scratch.path("strict.sqlite"));
    let text = std::fs::read_to_string(crate::support::repository("docs/quarantine.md")).unwrap();
    let mut ran = 0;
    for command in commands("docs/quarantine.md") {
        let fails = text.lines().any(|line| line.starts_with(&command) && line.ends_with("# ends with 5"));
        let arguments: Vec<&str> = command.strip_prefix("terp-fixtures ").unwrap().split_whitespace().collect();
        let output = scratch.run(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(if fails { 5 } else { 0 }), "{command}: {stderr}");
        assert!(!output.stdout.is_empty(), "{command}");
        ran += 1;
    }
    assert!(ran >= 6, "only {ran} commands");
    assert_eq!(dump(&scratch.path("strict.sqlite")), before);
    // From an ordinal to the row, as the document says.
    let left = std::fs::read_to_string(scratch.path("left-out.csv")).unwrap();
    assert_eq!(left, std::fs::read_to_string(scratch.path("again.csv")).unwrap());
    let ordinal: usize =
        left.lines().find(|line| line.starts_with("orders,")).unwrap().split(',').nth(1).unwrap().parse().unwrap();
    let rows = std::fs::read_to_string(scratch.path("rows/orders.csv")).unwrap();
    let record = rows.lines().nth(ordinal + 1).unwrap();
    let id = rows.lines().next().unwrap().split(',').position(|name| name == "id").unwrap();
    assert_eq!(record.split(',').nth(id).unwrap().parse::<i64>().unwrap() % 5, 0, "{record}");
    let way = scratch.ok(&["why", "sample", "orders", "--row", &(ordinal + 1).to_string()]);
    assert!(way.contains(&format!("row {}", ordinal + 1)), "{way}");
}

/// The rows are committed before the report gets its name: what goes wrong then loses neither.
#[test]
fn a_report_that_cannot_get_its_name_is_not_lost() {
    let scratch = scratch(BAD, "");
    std::fs::create_dir(scratch.path("out.csv")).unwrap();
    std::fs::write(scratch.path("out.csv/full"), "").unwrap();
    let said = scratch
        .fails(5, &["restore", "s", "--target", "sqlite:t.sqlite", "--on-error", "skip", "--quarantine", "out.csv"]);
    assert!(said.contains("could not be named out.csv") && said.contains("out.csv.partial"), "{said}");
    assert!(std::fs::read_to_string(scratch.path("out.csv.partial")).unwrap().lines().count() > 1);
    assert!(scratch.ok(&["runs", "--target", "sqlite:t.sqlite"]).contains("s@"));
}
