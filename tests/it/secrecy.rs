//! No original of a masked column is anywhere: not in decoded rows, manifest, log, event, screen or error.

use crate::support::{Scratch, dump, sql};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Every distinct original text of six and more characters in a masked column that does not also stand in a kept one.
fn originals(scratch: &Scratch) -> BTreeSet<String> {
    let shown = scratch.json(&["show", "sample"]);
    let erp = Connection::open(scratch.path("erp.sqlite")).unwrap();
    let texts = |table: &str, column: &str| -> BTreeSet<String> {
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let sql =
            format!("SELECT DISTINCT CAST({0} AS TEXT) FROM {1} WHERE length({0}) >= 6", quote(column), quote(table));
        let mut statement = erp.prepare(&sql).unwrap();
        let lossy = |row: &rusqlite::Row<'_>| Ok(String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned());
        statement.query_map([], lossy).unwrap().map(Result::unwrap).collect()
    };
    let (mut masked, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for table in shown["manifest"]["tables"].as_array().unwrap() {
        for (column, mask) in table["masks"].as_object().unwrap() {
            let found = texts(table["table"]["name"].as_str().unwrap(), column);
            // A fixed value may be an original by chance; dates stay within the same calendar.
            match mask.as_str().unwrap() {
                "keep" => kept.extend(found),
                // Text without anything personal stays as it is; what is personal is an original of the other columns.
                "date_shift" | "dob" | "text_scrub" => {}
                _ => masked.extend(found),
            }
        }
    }
    masked.retain(|text| !kept.contains(text) && text != "{}");
    masked
}

fn hits<'a>(originals: &'a BTreeSet<String>, text: &str) -> Vec<&'a String> {
    originals.iter().filter(|original| text.contains(original.as_str())).collect()
}

#[test]
fn p16_no_original_is_found_anywhere() {
    let scratch = Scratch::with_sample();
    let captured = scratch.run(&[
        "capture",
        "sample",
        "--policy",
        "pii.toml",
        "--source",
        "sqlite:erp.sqlite",
        "-v",
        "--log-file",
        "log",
    ]);
    assert!(captured.status.success());
    let originals = originals(&scratch);
    assert!(originals.len() > 300, "only {} originals to look for", originals.len());
    assert!(!hits(&originals, &dump(&scratch.path("erp.sqlite"))).is_empty(), "the search must find what is there");

    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite", "--log-file", "log"]);
    let manifest = scratch.ok(&["show", "sample", "--json"]);
    let log: String = std::fs::read_dir(scratch.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("log"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert!(log.lines().count() > 20);
    for (place, text) in [
        ("restored rows", dump(&scratch.path("dev.sqlite"))),
        ("manifest", manifest),
        ("audit trail", scratch.ok(&["audit", "log", "--json"])),
        ("target's audit chain", scratch.ok(&["audit", "log", "--target", "sqlite:dev.sqlite", "--json"])),
        ("log", log),
        ("screen", String::from_utf8_lossy(&captured.stderr).into_owned() + &String::from_utf8_lossy(&captured.stdout)),
    ] {
        let found = hits(&originals, &text).len();
        assert_eq!(found, 0, "{found} originals in {place}");
    }
}

#[test]
fn p21_errors_about_cells_name_places_only() {
    let scratch = Scratch::with_sample();
    // A cell that no date mask can read, and one that breaks a constraint on restore.
    sql(
        &scratch.path("erp.sqlite"),
        "CREATE TABLE odd (id INTEGER PRIMARY KEY, born TEXT); INSERT INTO odd VALUES (1, 'hunter2-secret')",
    );
    let policy = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    let policy = policy
        + "\n[tables.odd]\nmode = \"capture\"\nkeep = [\"id\"]\n[tables.odd.columns]\nborn = { mask = \"date_shift\" }\n";
    std::fs::write(scratch.path("pii.toml"), policy).unwrap();
    let message = scratch.fails(4, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "-v"]);
    assert!(message.contains("table odd, column born, row 0"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
    let trail = scratch.ok(&["audit", "log", "--json"]);
    assert!(trail.contains("table odd, column born, row 0") && !trail.contains("hunter2"), "{trail}");
    assert!(scratch.json(&["list"]).as_array().unwrap().is_empty(), "nothing may be published");
}

#[test]
fn a_planted_leak_stops_the_capture() {
    let scratch = Scratch::with_sample();
    // An e-mail that is masked in its own column stands in a column that the policy keeps.
    sql(&scratch.path("erp.sqlite"), "UPDATE locations SET label = (SELECT email FROM clients LIMIT 1) WHERE id = 1");
    let message = scratch.fails(4, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    assert!(message.contains("clients.email in locations.label"), "{message}");
    assert!(!message.contains('@'), "{message}");
    let trail = scratch.ok(&["audit", "log", "--outcome", "refused", "--json"]);
    assert!(trail.contains("originals survived") && !trail.contains('@'), "{trail}");
    assert!(scratch.json(&["list"]).as_array().unwrap().is_empty());
}

#[test]
fn p18_p19_p22_p23_the_log_is_json_lines_that_say_what_was_done() {
    let scratch = Scratch::with_sample();
    let output = scratch.run(&[
        "capture",
        "sample",
        "--policy",
        "pii.toml",
        "--source",
        "sqlite:erp.sqlite",
        "--log-format",
        "json",
    ]);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stderr).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |message: &str| lines.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let started = find("Started.")[0];
    assert!(started["timestamp"].is_string() && started["facts"].as_str().unwrap().contains("environment=dev"));
    assert!(find("Column masked.").iter().any(|line| line["column"] == "email" && line["mask"] == "persona"));
    assert!(find("Table done.").iter().any(|line| line["table"] == "clients" && line["rows"].as_u64().unwrap() > 0));
    let finished = find("Finished.")[0];
    for field in ["millis", "rows", "rows_per_second", "tables", "peak_memory_bytes", "connections", "statements"] {
        assert!(!finished[field].is_null(), "{field} is missing in {finished}");
    }
}

/// A crash while keys are in memory: the process waits for the lock of its target, and is told to abort.
#[cfg(unix)]
#[test]
fn a_crash_leaves_no_core() {
    use std::os::unix::process::ExitStatusExt as _;
    let scratch = Scratch::with_snapshot();
    let holder = Connection::open(scratch.path("dev.sqlite.terp-lock")).unwrap();
    holder.execute_batch("CREATE TABLE IF NOT EXISTS held (x); BEGIN EXCLUSIVE").unwrap();
    let restore =
        ["restore", "sample", "--target", "sqlite:dev.sqlite", "--lock-timeout", "60", "--log-format", "json"];
    let limited = scratch.command(&[]).get_program().to_owned();
    let script = "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"";
    let mut command = scratch.command_of("sh", &["-c", script]);
    let mut child = command
        .arg(limited)
        .args(restore)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Its first words come after the limit was set.
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut first).unwrap();
    if let Ok(limits) = std::fs::read_to_string(format!("/proc/{}/limits", child.id())) {
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        let soft = core.split_whitespace().nth(4).unwrap();
        assert!(["0", "1"].contains(&soft), "{core}");
    }
    std::process::Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.core_dumped());
}

#[cfg(unix)]
#[test]
fn key_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::with_store();
    for name in ["identity.key", "mask.key"] {
        let mode = std::fs::metadata(scratch.path(".terp-fixtures").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::read_to_string(scratch.path(".terp-fixtures/.gitignore")).unwrap(), "*\n");
}
