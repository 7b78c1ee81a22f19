//! The audit trail of a store and the chain in a target, through the real binary: what is written, what is shown, and every way to
//! tamper with it.

use crate::support::{Scratch, dump, repository, sql};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The entries that `audit log --json` prints, one object per line.
fn log(scratch: &Scratch, filters: &[&str]) -> Vec<Value> {
    let text = scratch.ok(&[&["audit", "log", "--json"], filters].concat());
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn operations(entries: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    entries.iter().map(|it| format!("{} {}", word(&it["what"]["operation"]), word(&it["what"]["outcome"]))).collect()
}

fn trail(scratch: &Scratch) -> Vec<PathBuf> {
    scratch.objects().into_iter().filter(|path| path.starts_with(scratch.path("snapshots/audit"))).collect()
}

const RESTORE: [&str; 4] = ["restore", "sample", "--target", "sqlite:dev.sqlite"];
const ROLLBACK: [&str; 4] = ["rollback", "--target", "sqlite:dev.sqlite", "--yes"];

#[test]
fn every_deed_and_every_refusal_is_written_down() {
    let scratch = Scratch::with_snapshot();
    let id = scratch.json(&["list"])[0]["id"].as_str().unwrap().to_owned();
    scratch.ok(&RESTORE);
    scratch.ok(&[&RESTORE[..], &["--dry-run"]].concat());
    scratch.fails(8, &["restore", "sample", "--target", "sqlite:erp.sqlite"]);
    scratch.fails(8, &[&RESTORE[..], &["--env", "production"]].concat());
    scratch.fails(7, &["restore", "nothing", "--target", "sqlite:dev.sqlite"]);
    scratch.fails(8, &ROLLBACK[..3]);
    scratch.ok(&ROLLBACK);
    scratch.fails(6, &ROLLBACK);
    sql(&scratch.path("erp.sqlite"), "ALTER TABLE clients ADD COLUMN shoe_size TEXT");
    scratch.fails(4, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    scratch.fails(1, &["capture", "x", "--policy", "none.toml", "--source", "sqlite:erp.sqlite"]);
    scratch.fails(8, &["rm", "sample"]);
    scratch.ok(&["rm", "sample", "--yes"]);

    let entries = log(&scratch, &[]);
    assert_eq!(
        operations(&entries),
        [
            "keys-init done",
            "capture done",
            "restore done",
            "restore refused",
            "restore refused",
            "restore failed",
            "rollback refused",
            "rollback done",
            "rollback refused",
            "capture refused",
            "delete refused",
            "delete done",
            "gc done"
        ]
    );
    for entry in &entries {
        assert!(entry["who"]["signer"].as_str().unwrap().starts_with("ed25519:"));
        assert!(
            !entry["who"]["name"].as_str().unwrap().is_empty() && !entry["who"]["host"].as_str().unwrap().is_empty()
        );
        assert_eq!(entry["time"].as_str().unwrap().len(), 20);
    }
    let capture = &entries[1]["what"];
    assert_eq!(capture["snapshot"]["id"], id.as_str());
    assert_eq!(capture["database"]["address"], "sqlite:erp.sqlite");
    assert_eq!(capture["digests"]["policy"].as_str().unwrap().len(), 64);
    let restore = &entries[2]["what"];
    assert_eq!(restore["counts"]["rows"], capture["counts"]["rows"]);
    assert_eq!((&restore["environment"], &restore["run"]), (&"dev".into(), &format!("sample@{}", &id[..12]).into()));
    assert!(restore["tables"].as_array().unwrap().len() > 10 && !restore["database"]["identity"]["marks"][0].is_null());
    assert_eq!(entries[3]["what"]["kind"], "guard");
    assert!(entries[3]["what"]["reason"].as_str().unwrap().contains("captured from"));
    assert_eq!(entries[9]["what"]["kind"], "policy");
    assert_eq!(entries[11]["what"]["snapshot"]["id"], id.as_str());
    assert!(scratch.ok(&["audit", "verify"]).contains("whole: 13 entries"));
    assert_eq!(entries[12]["what"]["counts"]["marked_packs"], 1);
}

#[test]
fn no_password_and_no_dry_run_is_in_the_trail() {
    let scratch = Scratch::with_snapshot();
    let far = "postgres://app:hunter2@db.example/erp?password=hunter2&sslmode=require";
    scratch.fails(9, &["restore", "sample", "--target", far]);
    scratch.fails(9, &["rollback", "--target", "postgres://app:hunter2@127.0.0.1:1/erp", "--yes"]);
    let capture = ["capture", "x", "--policy", "pii.toml", "--source", "mysql://app:hunter2@127.0.0.1:1/erp"];
    scratch.fails(9, &capture);
    let entries = log(&scratch, &[]);
    assert_eq!(operations(&entries)[2..], ["restore failed", "rollback failed", "capture failed"]);
    let text = scratch.ok(&["audit", "log", "--json"]);
    assert!(!text.contains("hunter2") && text.contains("postgres://app:***@db.example/erp"), "{text}");
    for refused in [
        &["restore", "sample", "--target", "sqlite:erp.sqlite", "--dry-run"][..],
        &["rollback", "--target", "sqlite:erp.sqlite", "--dry-run"],
        &["rm", "nothing", "--dry-run"],
        &[&capture[..], &["--dry-run"]].concat(),
    ] {
        assert!(!scratch.run(refused).status.success(), "{refused:?}");
    }
    assert_eq!(log(&scratch, &[]).len(), 5);
}

#[test]
fn filters_choose_entries() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&RESTORE);
    scratch.fails(8, &[&RESTORE[..], &["--env", "production"]].concat());
    let output = scratch.command(&ROLLBACK).env("TERP_FIXTURES_ACTOR", "Bob B. 🌿\n").output().unwrap();
    assert!(output.status.success());
    let id = scratch.json(&["list"])[0]["id"].as_str().unwrap().to_owned();
    let all = log(&scratch, &[]).len();
    let signer = log(&scratch, &[])[0]["who"]["signer"].as_str().unwrap().to_owned();
    let snapshot = format!("sample@{}", &id[..6]);
    let cases: [(&[&str], usize); 17] = [
        (&["--operation", "restore"], 2),
        (&["--operation", "restore", "--operation", "rollback"], 3),
        (&["--outcome", "refused"], 1),
        (&["--outcome", "refused", "--operation", "capture"], 0),
        (&["--snapshot", "sample"], 4),
        (&["--snapshot", &id[..8]], 4),
        (&["--snapshot", &snapshot], 4),
        (&["--snapshot", "nothing"], 0),
        (&["--actor", "Bob B. 🌿"], 1),
        (&["--actor", &signer[..16]], all),
        (&["--actor", &signer[8..16]], all),
        (&["--environment", "dev"], 3),
        (&["--environment", "production"], 1),
        (&["--limit", "2"], 2),
        (&["--since", "2099-01-01"], 0),
        (&["--since", "2020-01-01T10:00:00+02:00", "--until", "2099-01-01"], all),
        (&["--until", "2020-01-01"], 0),
    ];
    for (filters, count) in cases {
        assert_eq!(log(&scratch, filters).len(), count, "{filters:?}");
    }
    assert!(scratch.ok(&["audit", "log", "--until", "2020-01-01"]).contains("no such entry"));
    let text = scratch.ok(&["audit", "log"]);
    assert!(
        text.contains("sample@") && text.contains("refused") && text.contains("says that the target is production"),
        "{text}"
    );
    for wrong in [&["--operation", "nothing"][..], &["--since", "yesterday"], &["--limit", "x"]] {
        scratch.fails(1, &[&["audit", "log"], wrong].concat());
    }
}

#[test]
fn every_removed_object_and_every_cut_is_found() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&RESTORE);
    scratch.ok(&ROLLBACK);
    let objects = trail(&scratch);
    assert_eq!(objects.len(), 4);
    for object in &objects {
        let bytes = std::fs::read(object).unwrap();
        std::fs::remove_file(object).unwrap();
        let message = scratch.fails(7, &["audit", "verify"]);
        assert!(message.contains("gone"), "{message}");
        std::fs::write(object, &bytes[..bytes.len() / 2]).unwrap();
        assert!(scratch.fails(7, &["audit", "verify"]).contains("damaged"));
        std::fs::remove_file(object).unwrap();
        std::fs::write(object, &bytes).unwrap();
        scratch.ok(&["audit", "verify"]);
    }
    // Without this machine's memory the manifest still knows what came before the capture, and that it was one.
    std::fs::remove_file(scratch.path(".terp-fixtures/audit-heads.json")).unwrap();
    for (cut, words) in
        [(1, None), (2, None), (3, Some("no entry says that snapshot sample@")), (4, Some("the manifest of sample@"))]
    {
        let kept: Vec<(PathBuf, Vec<u8>)> =
            objects[4 - cut..].iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        for (path, _) in &kept {
            std::fs::remove_file(path).unwrap();
        }
        match words {
            Some(words) => assert!(scratch.fails(7, &["audit", "verify"]).contains(words)),
            // What nobody outside of the store remembers cannot be missed: docs/audit.md says so.
            None => drop(scratch.ok(&["audit", "verify"])),
        }
        let remembered = scratch.path(".terp-fixtures/audit-heads.json");
        if remembered.exists() {
            std::fs::remove_file(remembered).unwrap();
        }
        for (path, bytes) in &kept {
            std::fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn a_signed_head_finds_what_was_cut_off_later() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&RESTORE);
    scratch.ok(&["audit", "head", "--output", "head.txt"]);
    scratch.ok(&["audit", "verify", "--head", "head.txt"]);
    scratch.ok(&ROLLBACK);
    scratch.ok(&["audit", "verify", "--head", "head.txt"]);
    // A head is never written over an older one.
    assert!(scratch.fails(1, &["audit", "head", "--output", "head.txt"]).contains("head.txt"));
    let shown = scratch.ok(&["audit", "head"]);
    assert!(shown.starts_with("TERPFX1 ed25519 ") && shown.lines().count() == 2, "{shown}");
    std::fs::write(scratch.path("now.txt"), shown.replace('\n', "\r\n")).unwrap();
    scratch.ok(&["audit", "verify", "--head", "now.txt", "--head", "head.txt"]);

    std::fs::remove_file(scratch.path(".terp-fixtures/audit-heads.json")).unwrap();
    let objects = trail(&scratch);
    std::fs::remove_file(&objects[3]).unwrap();
    scratch.ok(&["audit", "verify", "--head", "head.txt"]);
    std::fs::remove_file(scratch.path(".terp-fixtures/audit-heads.json")).unwrap();
    assert!(scratch.fails(7, &["audit", "verify", "--head", "now.txt"]).contains("the head of 2"));
    std::fs::remove_file(&objects[2]).unwrap();
    assert!(scratch.fails(7, &["audit", "verify", "--head", "head.txt"]).contains("the head of 2"));

    let other = Scratch::with_store();
    std::fs::copy(scratch.path("head.txt"), other.path("head.txt")).unwrap();
    assert!(other.fails(7, &["audit", "verify", "--head", "head.txt"]).contains("pinned signers"));
    other.fails(1, &["audit", "verify", "--head", "missing.txt"]);
    std::fs::write(other.path("head.txt"), "").unwrap();
    other.fails(7, &["audit", "verify", "--head", "head.txt"]);
}

#[test]
fn this_machine_notices_when_entries_that_it_saw_are_gone() {
    let scratch = Scratch::with_snapshot();
    std::fs::remove_file(trail(&scratch).last().unwrap()).unwrap();
    let listed = scratch.run(&["list"]);
    assert!(listed.status.success());
    assert!(String::from_utf8_lossy(&listed.stderr).contains("this machine has seen are gone"));
    assert!(scratch.fails(7, &["audit", "verify"]).contains("audit-heads.json knows an entry"));
    // A damaged memory is told, and stops nothing.
    std::fs::write(scratch.path(".terp-fixtures/audit-heads.json"), "{").unwrap();
    let listed = scratch.run(&["list"]);
    assert!(listed.status.success() && String::from_utf8_lossy(&listed.stderr).contains("audit-heads.json"));
}

#[test]
fn snapshots_that_appear_or_vanish_by_other_ways_are_found() {
    let scratch = Scratch::with_snapshot();
    let object = |scratch: &Scratch| {
        scratch.objects().into_iter().find(|path| path.starts_with(scratch.path("snapshots/snapshots"))).unwrap()
    };
    let path = object(&scratch);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(scratch.fails(7, &["audit", "verify"]).contains("no entry says that it was removed"));
    std::fs::write(&path, &bytes).unwrap();
    scratch.ok(&["audit", "verify"]);
    scratch.ok(&["rm", "sample", "--yes"]);
    scratch.ok(&["audit", "verify"]);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert!(scratch.fails(7, &["audit", "verify"]).contains("was removed, and it is there"));
    scratch.ok(&["rm", "sample", "--yes"]);
    scratch.ok(&["audit", "verify"]);
    // A capture that died before its entry looks like one whose entry was removed; removing the snapshot settles both.
    scratch.capture("again");
    std::fs::remove_file(trail(&scratch).last().unwrap()).unwrap();
    std::fs::remove_file(scratch.path(".terp-fixtures/audit-heads.json")).unwrap();
    assert!(scratch.fails(7, &["audit", "verify"]).contains("no entry says that snapshot again@"));
    scratch.ok(&["rm", "again", "--yes"]);
    scratch.ok(&["audit", "verify"]);
}

#[test]
fn a_capture_whose_entry_cannot_be_written_says_so() {
    let scratch = Scratch::with_sample();
    let folder = scratch.path("snapshots/audit");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let message = scratch.fails(7, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    assert!(message.contains("is published, but the audit trail does not say so"), "{message}");
    assert_eq!(scratch.json(&["list"]).as_array().unwrap().len(), 1);
    // A restore has its entry in the target, so that a store that cannot be written is only told.
    let restored = scratch.run(&["restore", "x", "--target", "sqlite:dev.sqlite"]);
    let stderr = String::from_utf8_lossy(&restored.stderr).into_owned();
    assert!(
        restored.status.success() && stderr.contains("could not be written into the store's audit trail"),
        "{stderr}"
    );
    assert_eq!(log(&scratch, &["--target", "sqlite:dev.sqlite"]).len(), 1);
    // A refusal is the message, whatever else fails.
    let message = scratch.fails(8, &["restore", "x", "--target", "sqlite:dev.sqlite", "--env", "production"]);
    assert!(
        message.contains("error: --env says that the target is production") && message.contains("warning:"),
        "{message}"
    );
    let rolled_back = scratch.run(&ROLLBACK);
    assert!(rolled_back.status.success());
}

#[test]
fn a_public_store_is_never_written_into() {
    let scratch = Scratch::empty();
    copy(&repository("snapshots"), &scratch.path("snapshots"));
    let before: Vec<(PathBuf, Vec<u8>)> =
        scratch.objects().into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    scratch.ok(&["restore", "demo-2025-12", "--target", "sqlite:dev.sqlite"]);
    scratch.fails(8, &["restore", "demo-2025-12", "--target", "sqlite:dev.sqlite", "--env", "production"]);
    assert_eq!(log(&scratch, &["--target", "sqlite:dev.sqlite"]).len(), 1);
    scratch.ok(&["audit", "verify", "--target", "sqlite:dev.sqlite"]);
    scratch.ok(&ROLLBACK);
    // Whoever names the public identity does not own the store by that.
    let mut command = scratch.command(&["restore", "demo-2025-12", "--target", "sqlite:other.sqlite"]);
    let named = command.env("TERP_FIXTURES_IDENTITY_FILE", scratch.path("snapshots/public.identity")).output().unwrap();
    assert!(named.status.success());
    scratch.fails(8, &["rm", "demo-2025-12", "--yes"]);
    scratch.fails(8, &["prune", "--yes"]);
    scratch.fails(8, &["audit", "head"]);
    assert!(scratch.ok(&["audit", "verify"]).contains("empty"));
    let after: Vec<(PathBuf, Vec<u8>)> =
        scratch.objects().into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    assert_eq!(before, after);
    assert!(!scratch.path(".terp-fixtures").exists());
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn the_chain_in_a_target_lives_as_long_as_a_run() {
    let scratch = Scratch::with_snapshot();
    sql(&scratch.path("dev.sqlite"), "CREATE TABLE mine (id INTEGER PRIMARY KEY); INSERT INTO mine VALUES (1)");
    let before = dump(&scratch.path("dev.sqlite"));
    scratch.ok(&[&RESTORE[..], &["--create"]].concat());
    scratch.capture("second");
    scratch.ok(&["restore", "second", "--target", "sqlite:dev.sqlite", "--create"]);
    let chain = log(&scratch, &["--target", "sqlite:dev.sqlite"]);
    assert_eq!(operations(&chain), ["restore done", "restore done"]);
    assert!(chain[1]["what"]["replaced"][0].as_str().unwrap().starts_with("sample@"));
    assert!(scratch.ok(&["audit", "verify", "--target", "sqlite:dev.sqlite"]).contains("2 entries"));
    scratch.ok(&ROLLBACK);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before, "a rollback is exact");
    // The store knows where the chain ended, and that it may be gone.
    let last = log(&scratch, &[]).pop().unwrap();
    assert_eq!(last["what"]["target"]["chain"], chain[0]["chain"]);
    assert_eq!((&last["what"]["target"]["seq"], &last["what"]["target"]["closed"]), (&3.into(), &true.into()));
    assert!(scratch.ok(&["audit", "verify", "--target", "sqlite:dev.sqlite"]).contains("empty"));
    // A project may keep it.
    std::fs::write(scratch.path("terp-fixtures.toml"), "[audit]\nkeep_in_target = true\nactor = \"carol\"\n").unwrap();
    scratch.ok(&[&RESTORE[..], &["--create"]].concat());
    scratch.ok(&ROLLBACK);
    let chain = log(&scratch, &["--target", "sqlite:dev.sqlite"]);
    assert_eq!(operations(&chain), ["restore done", "rollback done"]);
    assert_eq!(chain[1]["who"]["name"], "carol");
    scratch.ok(&["audit", "verify", "--target", "sqlite:dev.sqlite"]);
    scratch.ok(&[&RESTORE[..], &["--create"]].concat());
    assert_eq!(log(&scratch, &["--target", "sqlite:dev.sqlite"]).len(), 3);
    scratch.ok(&["audit", "verify", "--target", "sqlite:dev.sqlite"]);
}

/// A change that loses nothing of a column's name.
fn flipped(text: &str, at: usize) -> String {
    text.char_indices().map(|(place, c)| if place == at { if c == '0' { '1' } else { '0' } } else { c }).collect()
}

#[test]
fn a_chain_that_was_tampered_with_is_found() {
    let scratch = Scratch::with_snapshot();
    std::fs::write(scratch.path("terp-fixtures.toml"), "[audit]\nkeep_in_target = true\n").unwrap();
    for _ in 0..2 {
        scratch.ok(&RESTORE);
        scratch.ok(&ROLLBACK);
    }
    scratch.ok(&RESTORE);
    let path = scratch.path("dev.sqlite");
    let connection = Connection::open(&path).unwrap();
    let read = || -> Vec<(i64, String, String)> {
        let mut statement = connection.prepare("SELECT seq, hash, line FROM terp_fixtures_audit ORDER BY seq").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let write = |rows: &[(i64, String, String)]| {
        connection.execute("DELETE FROM terp_fixtures_audit", []).unwrap();
        for row in rows {
            connection.execute("INSERT INTO terp_fixtures_audit VALUES (?1, ?2, ?3)", (row.0, &row.1, &row.2)).unwrap();
        }
    };
    let verify = ["audit", "verify", "--target", "sqlite:dev.sqlite"];
    let rows = read();
    assert_eq!(rows.len(), 5);
    let found = |rows: &[(i64, String, String)], what: &str| {
        write(rows);
        let message = scratch.fails(7, &verify);
        assert!(message.contains("row") || message.contains("chain"), "{what}: {message}");
    };
    for at in 0..5 {
        let without: Vec<_> =
            rows.iter().enumerate().filter(|(row, _)| *row != at).map(|(_, row)| row.clone()).collect();
        found(&without, "a removed row");
        let closed: Vec<_> = (1..).zip(&without).map(|(seq, row)| (seq, row.1.clone(), row.2.clone())).collect();
        found(&closed, "a removed row, the others numbered anew");
        let mut edited = rows.clone();
        edited[at].1 = flipped(&rows[at].1, 5);
        found(&edited, "an edited hash");
        // Whoever edits one line can also write the hashes anew; then the store knows better.
        edited[at] = rows[at].clone();
        edited[at].2 = rows[at].2.replace("\"dev\"", "\"staging\"");
        assert_ne!(edited[at].2, rows[at].2);
        found(&edited, "an edited line");
        found(&rewritten(&edited), "an edited line with every hash written anew");
    }
    let line: Value = serde_json::from_str(&rows[1].2).unwrap();
    for key in line.as_object().unwrap().keys() {
        let mut changed = line.clone();
        changed[key] = Value::from("another");
        let mut edited = rows.clone();
        edited[1].2 = changed.to_string();
        found(&edited, key);
    }
    let mut swapped = rows.clone();
    swapped.swap(1, 2);
    (swapped[1].0, swapped[2].0) = (2, 3);
    found(&swapped, "swapped rows");
    found(&[], "an emptied table");
    write(&rows);
    scratch.ok(&verify);
    connection.execute("DROP TABLE terp_fixtures_audit", []).unwrap();
    assert!(scratch.fails(7, &verify).contains("gone"));
    // Tampering stops no rollback.
    scratch.ok(&ROLLBACK);
}

/// The rows with links and hashes that fit again.
fn rewritten(rows: &[(i64, String, String)]) -> Vec<(i64, String, String)> {
    let mut before: Option<String> = None;
    rows.iter()
        .map(|(seq, _, line)| {
            let mut entry = terp_fixtures::codec::audit::decode(line.as_bytes()).unwrap();
            entry.prev = before.iter().cloned().collect();
            let line = terp_fixtures::codec::audit::encode(&entry).unwrap();
            let hash = terp_fixtures::codec::audit::hash(&line);
            before = Some(hash.clone());
            (*seq, hash, String::from_utf8(line).unwrap())
        })
        .collect()
}

#[test]
fn two_members_at_once_are_both_in_the_trail() {
    let scratch = Scratch::with_snapshot();
    let commands: Vec<_> = (0..6)
        .map(|at| {
            let target = format!("sqlite:dev{at}.sqlite");
            scratch
                .command(&["restore", "sample", "--target", &target])
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut command in commands {
        assert!(command.wait().unwrap().success());
    }
    let entries = log(&scratch, &["--operation", "restore"]);
    assert_eq!(entries.len(), 6);
    let places: BTreeSet<String> = entries.iter().map(|it| it["what"]["database"]["address"].to_string()).collect();
    assert_eq!(places.len(), 6);
    scratch.ok(&["audit", "verify"]);
}
