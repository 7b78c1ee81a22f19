//! `detect`: what it proposes is a policy, a capture refuses it until it is answered, and no value is in anything that it writes.

use crate::support::Scratch;
use rusqlite::Connection;

fn scratch() -> Scratch {
    let scratch = Scratch::with_store();
    let script = "CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT, email TEXT, f7 TEXT, phone TEXT, \"Odd \"\"name\"\"\" TEXT, amount INTEGER);
        CREATE TABLE \"select\" (id INTEGER PRIMARY KEY, \"🦀\" TEXT, notes TEXT);
        CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
        INSERT INTO clients SELECT i, 'Canary Hidden' || i, 'canary' || i || '@hidden.test', 'hidden' || i || '@canary.test',
            i % 2, 'canary ' || i, i FROM n;
        INSERT INTO \"select\" VALUES (1, 'canary', 'hidden canary');
        INSERT INTO countries VALUES ('zz', 'Canaria');";
    Connection::open(scratch.path("erp.sqlite")).unwrap().execute_batch(script).unwrap();
    scratch
}

fn column<'a>(found: &'a serde_json::Value, table: &str, column: &str) -> &'a serde_json::Value {
    let tables = found["tables"].as_array().unwrap();
    let table = tables.iter().find(|found| found["table"] == table).unwrap();
    table["columns"].as_array().unwrap().iter().find(|found| found["column"] == column).unwrap()
}

#[test]
fn values_find_an_email_and_lower_a_flag() {
    let scratch = scratch();
    let found = scratch.json(&["detect", "--source", "sqlite:erp.sqlite"]);
    assert_eq!(column(&found, "clients", "f7")["kind"], "email");
    assert_eq!(column(&found, "clients", "phone")["tier"], "N");
    assert_eq!(column(&found, "clients", "email")["decision"], "mask");
    let blind = scratch.json(&["detect", "--source", "sqlite:erp.sqlite", "--no-values"]);
    assert_eq!(column(&blind, "clients", "f7")["tier"], "N");
    assert_eq!(column(&blind, "clients", "phone")["kind"], "phone");
}

#[test]
fn the_policy_is_written_once_and_refused_until_it_is_answered() {
    let scratch = scratch();
    let ask = ["detect", "--source", "sqlite:erp.sqlite", "--output", "pii.toml"];
    assert!(scratch.ok(&ask).contains("pii.toml written"));
    assert_eq!(scratch.run(&ask).status.code(), Some(8), "it was overwritten");
    let policy = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    assert!(policy.contains("# undecided: ") && policy.contains("[tables.countries]"), "{policy}");
    let capture = ["capture", "--source", "sqlite:erp.sqlite", "--policy", "pii.toml", "--dry-run"];
    let refused = scratch.run(&capture);
    assert_eq!(refused.status.code(), Some(4), "{}", String::from_utf8_lossy(&refused.stderr));
    std::fs::write(scratch.path("pii.toml"), policy.replace("# undecided: ", "")).unwrap();
    scratch.ok(&capture);
    let rest = scratch.json(&["detect", "--source", "sqlite:erp.sqlite", "--policy", "pii.toml"]);
    assert_eq!(rest["tables"].as_array().map(Vec::len), Some(0), "{rest:#}");
}

#[test]
fn no_value_is_shown_or_logged() {
    let scratch = scratch();
    let ask = ["-v", "--log-file", "detect.log", "detect", "--source", "sqlite:erp.sqlite", "--min-confidence", "1"];
    for format in [&[][..], &["--json"][..], &["--log-format", "json"][..]] {
        let output = scratch.run(&[&ask[..], format].concat());
        assert!(output.status.success());
        let mut shown = vec![output.stdout, output.stderr];
        for entry in std::fs::read_dir(scratch.path("")).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("detect.log") {
                shown.push(std::fs::read(entry.path()).unwrap());
            }
        }
        assert!(shown.len() > 2, "no log was written");
        for text in shown {
            let text = String::from_utf8_lossy(&text).to_lowercase();
            assert!(!text.contains("canar") && !text.contains("hidden"), "{text}");
        }
    }
}

#[test]
fn an_empty_database_is_said_to_be_one() {
    let scratch = Scratch::empty();
    Connection::open(scratch.path("empty.sqlite")).unwrap().execute_batch("PRAGMA user_version = 1;").unwrap();
    let output = scratch.run(&["detect", "--source", "sqlite:empty.sqlite"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the database has no tables"));
}

#[test]
fn lists_are_scored_and_proposed_for() {
    let scratch = Scratch::empty();
    let labels = "table,column,type,kind,tier\r\nusers,email,varchar(99),email,D\r\nusers,id,int,none,N\r\nusers,zork,text,x,D\r\n";
    std::fs::write(scratch.path("one.csv"), labels).unwrap();
    std::fs::write(scratch.path("two.csv"), "\u{feff}tier,column,table\nC,password,\"us\"\"ers\"\n").unwrap();
    let found = scratch.json(&["detect", "--score", "one.csv", "two.csv"]);
    assert_eq!(found["pooled"]["precision"], 1.0);
    assert_eq!(found["schemas"]["one"]["recall"], 0.5);
    assert_eq!(found["schemas"]["one"]["recall_direct_credential"], 0.5);
    assert_eq!(found["schemas"]["two"]["f1"], 1.0);
    assert!(scratch.ok(&["-v", "detect", "--score", "one.csv"]).contains("missed"));
    let found = scratch.json(&["detect", "--columns", "one.csv", "two.csv"]);
    assert_eq!(found["schemas"]["one"]["tables"][0]["columns"][0]["kind"], "email");
    assert!(scratch.ok(&["detect", "--columns", "one.csv"]).contains("users.email"));
}

#[test]
fn a_bad_list_is_refused_with_its_line() {
    let scratch = Scratch::empty();
    std::fs::write(scratch.path("bad.csv"), "table,column,tier\na,b,D\na,c,Z\n").unwrap();
    std::fs::write(scratch.path("none.csv"), "table,column\na,b\n").unwrap();
    for (ask, part) in [
        (&["detect", "--score", "bad.csv"][..], "bad.csv:3: there is no tier 'Z'"),
        (&["detect", "--columns", "bad.csv"][..], "bad.csv:3"),
        (&["detect", "--score", "none.csv"][..], "no column has a tier"),
        (&["detect", "--score", "missing.csv"][..], "cannot read the column list missing.csv"),
    ] {
        let output = scratch.run(ask);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(part), "{said}");
    }
}
