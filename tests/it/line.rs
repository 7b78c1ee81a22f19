//! The straight line on the sample ERP: capture, restore, rollback, with what must hold at each step.

use crate::support::{Scratch, dump, number, repository, sql};
use std::collections::BTreeSet;

#[test]
fn p01_nothing_runs_unless_it_is_called() {
    // The library has no initialiser and the binary no daemon: a command that only lists leaves no trace in the folder.
    let scratch = Scratch::with_store();
    let before = scratch.objects();
    scratch.ok(&["list"]);
    assert_eq!(scratch.objects(), before);
}

#[test]
fn p14_rollback_is_the_exact_inverse_of_restore_into_a_new_file() {
    let scratch = Scratch::with_snapshot();
    let dev = scratch.path("dev.sqlite");
    std::fs::write(&dev, "").unwrap();
    let before = dump(&dev);
    let restored = scratch.json(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    assert!(restored["rows"].as_u64().unwrap() > 1000);
    assert_eq!(number(&dev, "SELECT count(*) FROM clients WHERE terp_fixture_run IS NULL"), 0);
    assert_eq!(number(&dev, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    assert_eq!(dump(&dev), before);
}

/// A database with the sample's schema and rows of its own that look like an application's.
fn developed(scratch: &Scratch) -> std::path::PathBuf {
    let dev = scratch.path("dev.sqlite");
    let connection = rusqlite::Connection::open(&dev).unwrap();
    for sql in terp_fixtures::generate::sample::schema(terp_fixtures::model::schema::EngineKind::Sqlite) {
        connection.execute_batch(sql.text()).unwrap();
    }
    drop(connection);
    // Own rows: copies of a few of the sample's under keys far away, so that they meet every constraint.
    let erp = scratch.path("erp.sqlite");
    sql(
        &dev,
        &format!(
            "ATTACH '{}' AS erp;
             PRAGMA foreign_keys = OFF;
             INSERT INTO locations SELECT * FROM erp.locations WHERE 0;",
            erp.display()
        ),
    );
    dev
}

#[test]
fn p25_and_p10_restore_beside_own_rows_and_roll_back() {
    let scratch = Scratch::with_snapshot();
    let dev = developed(&scratch);
    sql(
        &dev,
        "CREATE TABLE own (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT); INSERT INTO own (what) VALUES ('mine')",
    );
    let before = dump(&dev);
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    assert_ne!(dump(&dev), before);
    scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    assert_eq!(dump(&dev), before);
}

#[test]
fn p11_restoring_again_changes_nothing() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    let once = std::fs::read(scratch.path("dev.sqlite")).unwrap();
    let again = scratch.json(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    assert_eq!(again["unchanged"], true);
    assert_eq!(std::fs::read(scratch.path("dev.sqlite")).unwrap(), once, "not a byte of the file may change");
}

#[test]
fn another_snapshot_replaces_the_previous_run() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    sql(&scratch.path("erp.sqlite"), "DELETE FROM notes; UPDATE locations SET label = 'new'");
    scratch.capture("second");
    let restored = scratch.json(&["restore", "second", "--target", "sqlite:dev.sqlite"]);
    assert_eq!(restored["replaced"].as_array().unwrap().len(), 1);
    assert_eq!(number(&scratch.path("dev.sqlite"), "SELECT count(*) FROM notes"), 0);
    let runs = scratch.json(&["runs", "--target", "sqlite:dev.sqlite"]);
    assert_eq!(runs.as_array().unwrap().len(), 1);
    // The result is the same as that of a restore into a fresh file, but for the time of the restore and the chain, which knows of
    // both restores.
    scratch.ok(&["restore", "second", "--target", "sqlite:fresh.sqlite"]);
    let plain = |name: &str| {
        let path = scratch.path(name);
        scratch.ok(&["rollback", "--target", &format!("sqlite:{name}"), "--dry-run"]);
        let clean = rusqlite::Connection::open(&path).unwrap();
        clean
            .execute_batch("UPDATE terp_fixtures_runs SET restored_at = '', seq = 0; DELETE FROM terp_fixtures_audit")
            .unwrap();
        let tables: Vec<String> = clean
            .prepare("SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'terp_fixture_at'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for table in tables {
            clean.execute_batch(&format!("UPDATE \"{table}\" SET terp_fixture_at = ''")).unwrap();
        }
        drop(clean);
        dump(&path)
    };
    assert_eq!(plain("dev.sqlite"), plain("fresh.sqlite"));
}

#[test]
fn a_run_whose_rows_were_edited_is_restored_again() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    sql(
        &scratch.path("dev.sqlite"),
        "UPDATE locations SET label = 'edited' WHERE id = (SELECT min(id) FROM locations)",
    );
    let again = scratch.json(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    assert_eq!(again["unchanged"], false);
    assert_eq!(number(&scratch.path("dev.sqlite"), "SELECT count(*) FROM locations WHERE label = 'edited'"), 0);
}

#[test]
fn p13_markers_are_the_same_for_the_same_snapshot() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:a.sqlite"]);
    scratch.ok(&["restore", "sample", "--target", "sqlite:b.sqlite"]);
    let run = |name: &str| -> String {
        let connection = rusqlite::Connection::open(scratch.path(name)).unwrap();
        connection.query_row("SELECT DISTINCT terp_fixture_run FROM clients", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(run("a.sqlite"), run("b.sqlite"));
    assert!(run("a.sqlite").starts_with("sample@"));
}

#[test]
fn two_captures_of_unchanged_data_share_every_chunk() {
    let scratch = Scratch::with_sample();
    let first = scratch.capture("one");
    let packs = scratch.packs();
    let second = scratch.capture("two");
    assert!(first["uploaded_packs"].as_u64().unwrap() > 0);
    assert_eq!(second["uploaded_packs"], 0);
    assert_eq!(scratch.packs(), packs);
    assert_eq!(second["known_chunks"], second["chunks"]);
    let ids = |name: &str| -> Vec<String> {
        let shown = scratch.json(&["show", name]);
        let tables = shown["manifest"]["tables"].as_array().unwrap();
        tables
            .iter()
            .flat_map(|table| table["chunks"].as_array().unwrap())
            .map(|chunk| chunk["id"].to_string())
            .collect()
    };
    assert_eq!(ids("one"), ids("two"));
    // One changed row: one or two new chunks.
    sql(
        &scratch.path("erp.sqlite"),
        "UPDATE orders SET comment = 'another comment altogether' WHERE id = (SELECT max(id) FROM orders)",
    );
    sql(
        &scratch.path("erp.sqlite"),
        "UPDATE locations SET label = 'Elsewhere' WHERE id = (SELECT max(id) FROM locations)",
    );
    scratch.capture("three");
    let before: BTreeSet<String> = ids("one").into_iter().collect();
    let new = ids("three").iter().filter(|id| !before.contains(*id)).count();
    assert!((1..=4).contains(&new), "{new} new chunks for two changed rows in two tables");
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_the_real_run_says() {
    let scratch = Scratch::with_snapshot();
    let objects = scratch.objects();
    let dry = scratch.json(&["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--dry-run"]);
    assert!(dry["snapshot"].is_null() && dry["rows"].as_u64().unwrap() > 1000);
    assert_eq!(scratch.objects(), objects);
    let dry = scratch.json(&["restore", "sample", "--target", "sqlite:dev.sqlite", "--dry-run"]);
    assert!(!scratch.path("dev.sqlite").exists(), "a dry run must not leave a file behind");
    let real = scratch.json(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    assert_eq!(dry["tables"], real["tables"]);
    let before = dump(&scratch.path("dev.sqlite"));
    let dry = scratch.json(&["rollback", "--target", "sqlite:dev.sqlite", "--dry-run"]);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
    let real = scratch.json(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    assert_eq!(dry["tables"], real["tables"]);
}

#[test]
fn what_the_sample_promises_still_holds_after_masking() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    let (erp, dev) = (scratch.path("erp.sqlite"), scratch.path("dev.sqlite"));
    for question in [
        "SELECT sum(total_cents) FROM orders",
        "SELECT count(*) FROM invoices",
        "SELECT count(DISTINCT email) FROM clients",
        "SELECT count(*) FROM clients WHERE phone IS NULL",
    ] {
        assert_eq!(number(&erp, question), number(&dev, question), "{question}");
    }
    // The same e-mail has the same fake in both tables, with no foreign key between them.
    let joined = "SELECT count(*) FROM orders o JOIN client_contacts c ON c.email = o.placed_by_email";
    assert!(number(&erp, joined) > 0);
    assert_eq!(number(&erp, joined), number(&dev, joined));
    assert_eq!(number(&dev, "SELECT count(*) FROM clients WHERE email NOT LIKE '%@example.%'"), 0);
}

#[test]
fn the_snapshot_that_ships_restores() {
    let scratch = Scratch::empty();
    let store = repository("snapshots");
    let store = store.to_str().unwrap();
    let restored = scratch.json(&["restore", "demo-2025-12", "--target", "sqlite:dev.sqlite", "--store", store]);
    assert!(restored["rows"].as_u64().unwrap() > 1000);
    scratch.ok(&["verify", "--read-data", "--store", store]);
}

#[test]
fn the_store_that_ships_opens_beside_a_key_of_ones_own() {
    let scratch = Scratch::with_store();
    let store = repository("snapshots");
    scratch.ok(&["show", "demo-2025-12", "--store", store.to_str().unwrap()]);
}

#[test]
fn a_database_that_holds_fixtures_can_be_captured() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    scratch.ok(&["capture", "second", "--policy", "pii.toml", "--source", "sqlite:dev.sqlite"]);
    scratch.ok(&["restore", "second", "--target", "sqlite:other.sqlite"]);
    let schema = |name: &str| {
        number(&scratch.path(name), "SELECT count(*) FROM sqlite_master WHERE sql LIKE '%terp_fixture_run%'")
    };
    assert_eq!(schema("dev.sqlite"), schema("other.sqlite"));
    scratch.ok(&["rollback", "--target", "sqlite:other.sqlite", "--yes"]);
    assert_eq!(schema("other.sqlite"), 0);
}

#[test]
fn the_demo_proves_each_step() {
    let scratch = Scratch::empty();
    let shown = scratch.json(&["demo", "--keep", "kept"]);
    assert_eq!(shown["content_before"], shown["content_after"]);
    assert_ne!(shown["content_before"], shown["content_between"]);
    assert_eq!(shown["leaks"], 0);
    assert_eq!(shown["second_capture_packs"], 0);
    let text = scratch.ok(&["demo", "--color", "never"]);
    assert!(text.contains("rolled back") && text.contains("terp-fixtures"), "{text}");
    assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 1, "without --keep nothing stays");
}

/// Peak memory of a capture of `rows` rows, in bytes, as the program itself reports it.
#[cfg(target_os = "linux")]
fn peak_memory_of_capture(rows: u64) -> u64 {
    let scratch = Scratch::with_store();
    let source = scratch.path("big.sqlite");
    sql(
        &source,
        &format!(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, phone TEXT, city TEXT);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO people SELECT i, 'Somebody called ' || i, 'p' || i || '@mail.test', '(212) 555-' || i, 'City' FROM n"
        ),
    );
    let policy = "version = 1\n[tables.people]\nmode = \"capture\"\nkeep = [\"id\", \"city\"]\n[tables.people.columns]\n\
                  name = \"full_name\"\nemail = \"email\"\nphone = \"phone\"\n";
    std::fs::write(scratch.path("pii.toml"), policy).unwrap();
    let output = scratch.run(&[
        "capture",
        "big",
        "--policy",
        "pii.toml",
        "--source",
        "sqlite:big.sqlite",
        "--log-format",
        "json",
        "-j",
        "2",
    ]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{log}");
    let finished: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(finished["rows"], rows);
    finished["peak_memory_bytes"].as_u64().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn peak_memory_does_not_grow_with_the_table() {
    let small = peak_memory_of_capture(100_000);
    let large = peak_memory_of_capture(2_000_000);
    assert!(large < 256 << 20, "{} MiB for 2,000,000 rows", large >> 20);
    // Twenty times the rows: the leak scan fills its fixed tables, nothing else grows.
    assert!(large < small + (160 << 20), "{} MiB for 100,000 rows, {} MiB for 2,000,000", small >> 20, large >> 20);
}
