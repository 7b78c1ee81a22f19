//! The log and the summary at its end, as they are typed.

use crate::support::Scratch;
use serde_json::Value;

/// The lines of the log that a command writes.
fn log(scratch: &Scratch, code: i32, arguments: &[&str]) -> Vec<Value> {
    let output = scratch.run(&[arguments, &["--log-format", "json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stderr).unwrap();
    // The error for people stands behind the log.
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn find<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let found: Vec<&Value> = lines.iter().filter(|line| line["message"] == message).collect();
    assert_eq!(found.len(), 1, "{message}: {lines:?}");
    found[0]
}

#[test]
fn p20_p22_p23_restore_and_rollback_end_with_one_summary() {
    let scratch = Scratch::with_snapshot();
    let target = ["--target", "sqlite:dev.sqlite", "--yes"];
    for command in [&["restore", "sample"][..], &["rollback"][..]] {
        let lines = log(&scratch, 0, &[command, &target].concat());
        for line in &lines {
            assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
            assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
        }
        let summary = find(&lines, "Finished.");
        assert_eq!(summary["operation"], command[0]);
        let tables = summary["tables"].as_object().unwrap();
        assert!(tables["clients"].as_u64().unwrap() > 0, "{summary}");
        let rows: u64 = tables.values().map(|rows| rows.as_u64().unwrap()).sum();
        assert_eq!(summary["rows"], rows);
        for field in
            ["millis", "rows_per_second", "connections", "statements", "peak_memory_bytes", "lock_wait_millis", "tries"]
        {
            assert!(summary[field].is_u64(), "{field}: {summary}");
        }
        let done = lines.iter().filter(|line| line["message"] == "Table done.");
        assert!(done.filter(|line| line["rows"].is_u64()).count() >= tables.len(), "{lines:?}");
    }
}

#[test]
fn p03_p21_an_error_is_one_line_with_its_context() {
    let scratch = Scratch::with_snapshot();
    crate::support::sql(&scratch.path("dev.sqlite"), "CREATE TABLE clients (id INTEGER PRIMARY KEY)");
    let lines = log(&scratch, 3, &["restore", "sample", "--target", "sqlite:dev.sqlite", "--yes", "--create"]);
    let errors: Vec<&Value> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 1, "{lines:?}");
    let error = errors[0];
    assert!(error["kind"] == "drift" && error["code"] == 3 && error["causes"].is_array(), "{error}");
    assert!(error["operation"] == "restore" && error["stage"].is_string(), "{error}");
    assert!(error["facts"].as_str().unwrap().contains("target=sqlite:dev.sqlite"), "{error}");
    let summary = find(&lines, "Failed.");
    assert!(summary["millis"].is_u64() && summary["connections"] == 1 && summary["rows"] == 0, "{summary}");
    // What is wrong before anything began has no summary.
    let lines = log(&scratch, 7, &["restore", "nothing", "--target", "sqlite:dev.sqlite"]);
    assert!(lines.iter().all(|line| line["message"] != "Failed."), "{lines:?}");
}
