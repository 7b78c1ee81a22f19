//! `refs`: what it proposes can be pasted and is known from then on, and no value is in anything that it writes.

use crate::support::Scratch;
use rusqlite::Connection;

fn scratch() -> Scratch {
    let scratch = Scratch::empty();
    let script = "CREATE TABLE clients (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE currencies (code TEXT PRIMARY KEY);
        CREATE TABLE \"Order Notes\" (id INTEGER PRIMARY KEY, order_id INTEGER, line_no INTEGER, text TEXT);
        CREATE TABLE order_lines (order_id INTEGER, line_no INTEGER, PRIMARY KEY (order_id, line_no));
        CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER, currency_code TEXT, created_by INTEGER);
        CREATE TABLE users (id INTEGER PRIMARY KEY);
        CREATE TABLE comments (id INTEGER PRIMARY KEY, subject_type TEXT, subject_id INTEGER);
        INSERT INTO clients VALUES (71001, 'first@hidden.example'), (71002, 'second@hidden.example');
        INSERT INTO currencies VALUES ('HIDDEN-CODE');
        INSERT INTO orders VALUES (72001, 71001, 'HIDDEN-CODE', 1), (72002, 71002, 'HIDDEN-CODE', 1);
        INSERT INTO order_lines VALUES (72001, 73001), (72002, 73002);
        INSERT INTO \"Order Notes\" VALUES (1, 72001, 73001, 'hidden text');
        INSERT INTO users VALUES (1);
        INSERT INTO comments VALUES (1, 'Client', 71001), (2, 'hidden-type', 72001);";
    Connection::open(scratch.path("erp.sqlite")).unwrap().execute_batch(script).unwrap();
    scratch
}

#[test]
fn proposals_are_pasted_and_known_from_then_on() {
    let scratch = scratch();
    let found = scratch.json(&["refs", "--source", "sqlite:erp.sqlite"]);
    let lines = found["policy"].as_str().unwrap();
    for part in [
        "[[subset.references]]\ntable = \"orders\"\ncolumns = \"client_id\"\nparent = \"clients\"\n\n",
        "table = \"orders\"\ncolumns = \"currency_code\"\nparent = \"currencies\"\n",
        "table = \"Order Notes\"\ncolumns = [\"order_id\", \"line_no\"]\nparent = \"order_lines\"\n",
        "table = \"comments\"\ntype_column = \"subject_type\"\nid_column = \"subject_id\"\nmap = { Client = \"clients\" }\n\
         # 1 further value names no table",
    ] {
        assert!(lines.contains(part), "{part:?} is not in:\n{lines}");
    }
    std::fs::write(scratch.path("pasted.toml"), format!("version = 1\n{lines}")).unwrap();
    let again = scratch.json(&["refs", "--source", "sqlite:erp.sqlite", "--policy", "pasted.toml"]);
    assert_eq!(again["references"].as_array().map(Vec::len), Some(0), "{again:#}");
    assert_eq!(again["polymorphic"].as_array().map(Vec::len), Some(0), "{again:#}");
    let weak = scratch.ok(&["refs", "--source", "sqlite:erp.sqlite", "--min-confidence", "0.3"]);
    assert!(weak.contains("orders.created_by") && weak.contains("names somebody"), "{weak}");
}

#[test]
fn no_value_is_shown_or_logged() {
    let scratch = scratch();
    let ask = ["-v", "--log-file", "refs.log", "refs", "--source", "sqlite:erp.sqlite", "--min-confidence", "0"];
    for format in [&[][..], &["--json"][..], &["--log-format", "json"][..]] {
        let output = scratch.run(&[&ask[..], format].concat());
        assert!(output.status.success());
        let mut shown = vec![output.stdout, output.stderr];
        for entry in std::fs::read_dir(scratch.path("")).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("refs.log") {
                shown.push(std::fs::read(entry.path()).unwrap());
            }
        }
        assert!(shown.len() > 2, "there is no log");
        for text in shown.iter().map(|bytes| String::from_utf8_lossy(bytes).to_lowercase()) {
            for value in ["hidden", "71001", "71002", "72001", "73001"] {
                assert!(!text.contains(value), "{value} in {text}");
            }
        }
    }
}
