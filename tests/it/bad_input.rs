//! Bad input: each has a clear message, the right exit code, and nothing is lost.

use crate::support::{Scratch, dump, sql};

const CAPTURE: [&str; 5] = ["capture", "x", "--policy=pii.toml", "--source", "sqlite:erp.sqlite"];

#[test]
fn p02_wrong_usage_is_exit_1_and_touches_nothing() {
    let scratch = Scratch::empty();
    for arguments in [
        vec!["nonsense"],
        vec!["restore"],
        vec!["restore", "x", "--on-conflict", "maybe"],
        vec!["verify", "--scrub", "--read-data"],
        vec!["list", "-v", "-q"],
        vec!["capture", "--expires-in", "0"],
        vec!["restore", "x", "--jobs", "0"],
        vec!["rollback", "--lock-timeout", "-1"],
    ] {
        let output = scratch.run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("Usage") || !output.stderr.is_empty());
    }
    assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 0);
}

#[test]
fn a_missing_policy_and_a_missing_key_are_usage_errors() {
    let scratch = Scratch::with_sample();
    assert!(
        scratch.fails(1, &["capture", "x", "--policy", "no.toml", "--source", "sqlite:erp.sqlite"]).contains("no.toml")
    );
    assert!(scratch.fails(1, &["capture", "x", "--source", "sqlite:erp.sqlite"]).contains("no policy is named"));
    assert!(scratch.fails(1, &["capture", "x", "--policy", "pii.toml"]).contains("no source is named"));
    std::fs::remove_file(scratch.path(".terp-fixtures/mask.key")).unwrap();
    assert!(scratch.fails(1, &CAPTURE).contains("no masking key"));
}

#[test]
fn bad_toml_says_line_and_column() {
    let scratch = Scratch::with_sample();
    std::fs::write(scratch.path("pii.toml"), "version = 1\n\n[tables.clients\n").unwrap();
    let message = scratch.fails(1, &CAPTURE);
    assert!(message.contains("pii.toml:3:"), "{message}");
    std::fs::write(scratch.path("pii.toml"), "version = 1\n\n[tables.clients]\nkeeep = [\"id\"]\n").unwrap();
    let message = scratch.fails(1, &CAPTURE);
    assert!(message.contains("pii.toml:4:1") && message.contains("keep"), "{message}");
}

#[test]
fn an_unknown_mask_is_refused_by_name() {
    let scratch = Scratch::with_sample();
    let policy = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    std::fs::write(scratch.path("pii.toml"), policy.replacen("mask = \"persona\"", "mask = \"persna\"", 1)).unwrap();
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("persna") && message.contains("persona"), "{message}");
}

#[test]
fn a_column_that_no_longer_exists_is_drift() {
    let scratch = Scratch::with_sample();
    let policy = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    let policy = policy + "\n[environments.dev.tables.locations.columns]\nno_such_column = { mask = \"null\" }\n";
    std::fs::write(scratch.path("pii.toml"), policy).unwrap();
    let message = scratch.fails(3, &CAPTURE);
    assert!(message.contains("no_such_column"), "{message}");
}

#[test]
fn a_new_column_stops_the_capture_with_a_line_to_paste() {
    let scratch = Scratch::with_sample();
    sql(
        &scratch.path("erp.sqlite"),
        "ALTER TABLE clients ADD COLUMN backup_email TEXT; CREATE TABLE fresh (id INTEGER PRIMARY KEY, phone TEXT)",
    );
    let objects = scratch.objects();
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("backup_email = ") && message.contains("[tables.fresh"), "{message}");
    let mut now = scratch.objects();
    now.retain(|path| objects.contains(path) || !path.starts_with(scratch.path("snapshots/audit")));
    assert_eq!(now, objects, "nothing but the refusal's audit entry is new");
}

#[test]
fn what_is_not_a_database_is_exit_9() {
    let scratch = Scratch::with_sample();
    scratch.fails(9, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:none.sqlite"]);
    std::fs::write(scratch.path("text.sqlite"), "this is not a database at all").unwrap();
    let message = scratch.fails(9, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:text.sqlite"]);
    assert!(message.contains("is not a SQLite database"), "{message}");
    scratch.fails(1, &["capture", "x", "--policy", "pii.toml", "--source", "oracle://x"]);
    scratch.fails(9, &["rollback", "--target", "sqlite:none.sqlite", "--yes"]);
}

#[test]
fn a_store_that_is_no_store_is_exit_7() {
    let scratch = Scratch::with_snapshot();
    std::fs::create_dir(scratch.path("folder")).unwrap();
    let message = scratch.fails(7, &["list", "--store", "folder"]);
    assert!(message.contains("keys init"), "{message}");
    scratch.fails(7, &["list", "--store", "missing"]);
    std::fs::write(scratch.path("folder/repo.json"), "{\"name\":\"another tool\"}").unwrap();
    scratch.fails(7, &["list", "--store", "folder"]);
    scratch.fails(7, &["keys", "init"]);
}

#[test]
fn a_wrong_identity_is_exit_7_and_a_malformed_one_exit_1() {
    let scratch = Scratch::with_snapshot();
    let other = Scratch::with_store();
    let identity = other.path(".terp-fixtures/identity.key");
    let output = scratch.command(&["list"]).env("TERP_FIXTURES_IDENTITY_FILE", identity).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let output = scratch.command(&["list"]).env("TERP_FIXTURES_IDENTITY", "AGE-SECRET-KEY-1NOPE").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("NOPE"), "a secret must not be printed");
}

#[test]
fn a_snapshot_that_is_not_there_is_exit_7_and_says_what_is() {
    let scratch = Scratch::with_snapshot();
    let message = scratch.fails(7, &["restore", "nightly", "--target", "sqlite:dev.sqlite"]);
    assert!(message.contains("sample"), "{message}");
    assert!(!scratch.path("dev.sqlite").exists());
}

#[test]
fn p04_p05_a_locked_target_is_exit_2_and_a_dead_holder_is_no_obstacle() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    let lock = scratch.path("dev.sqlite.terp-lock");
    let holder = rusqlite::Connection::open(&lock).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let message = scratch.fails(2, &["rollback", "--target", "sqlite:dev.sqlite", "--yes", "--lock-timeout", "0"]);
    assert!(message.contains("lock"), "{message}");
    drop(holder);
    scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes", "--lock-timeout", "0"]);
    assert!(!lock.exists());
}

#[test]
fn the_source_is_never_a_target() {
    let scratch = Scratch::with_snapshot();
    let before = dump(&scratch.path("erp.sqlite"));
    let message = scratch.fails(8, &["restore", "sample", "--target", "sqlite:erp.sqlite"]);
    assert!(message.contains("captured from"), "{message}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(scratch.path("erp.sqlite"), scratch.path("link.sqlite")).unwrap();
        scratch.fails(8, &["restore", "sample", "--target", "sqlite:link.sqlite"]);
        std::fs::hard_link(scratch.path("erp.sqlite"), scratch.path("hard.sqlite")).unwrap();
        scratch.fails(8, &["restore", "sample", "--target", "sqlite:hard.sqlite"]);
    }
    assert_eq!(dump(&scratch.path("erp.sqlite")), before);
}

#[test]
fn p24_production_is_refused() {
    let scratch = Scratch::with_snapshot();
    let restore = ["restore", "sample", "--target", "sqlite:dev.sqlite"];
    scratch.fails(8, &[&restore[..], &["--env", "production"]].concat());
    for variable in ["NODE_ENV", "RAILS_ENV", "APP_ENV", "TERP_FIXTURES_ENV"] {
        let output = scratch.command(&restore).env(variable, "Production").output().unwrap();
        assert_eq!(output.status.code(), Some(8), "{variable}");
    }
    assert!(!scratch.path("dev.sqlite").exists());
}

#[test]
fn destructive_steps_need_a_confirmation() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    let before = dump(&scratch.path("dev.sqlite"));
    assert!(scratch.fails(8, &["rollback", "--target", "sqlite:dev.sqlite"]).contains("--yes"));
    scratch.fails(8, &["restore", "sample", "--target", "sqlite:dev.sqlite", "--on-conflict", "overwrite"]);
    assert_eq!(dump(&scratch.path("dev.sqlite")), before);
}

#[test]
fn drift_is_listed_at_once_and_nothing_is_written() {
    let scratch = Scratch::with_snapshot();
    let dev = scratch.path("dev.sqlite");
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    sql(&dev, "CREATE TABLE locations (id TEXT PRIMARY KEY, extra INTEGER NOT NULL)");
    let before = dump(&dev);
    let message = scratch.fails(3, &["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    for part in [
        "locations            id         type            INTEGER       TEXT",
        "locations            extra      extra column    -             INTEGER NOT NULL",
        "clients              -          missing table",
    ] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    assert_eq!(dump(&dev), before);
}

#[test]
fn names_of_snapshots_are_checked() {
    let scratch = Scratch::with_sample();
    for name in ["../x", "a b", "", ".hidden", "x@y"] {
        scratch.fails(1, &["capture", name, "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    }
}

#[test]
fn an_expiry_stands_in_the_manifest() {
    let scratch = Scratch::with_sample();
    scratch.ok(&["capture", "brief", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--expires-in", "1"]);
    let shown = scratch.json(&["show", "brief"]);
    assert!(shown["manifest"]["expires"].as_str().unwrap() > shown["manifest"]["created"].as_str().unwrap());
    scratch.ok(&["restore", "brief", "--target", "sqlite:dev.sqlite"]);
}

#[test]
fn p21_errors_are_json_when_json_is_asked_for() {
    let scratch = Scratch::with_store();
    let output = scratch.run(&["show", "nothing", "--json", "--log-format", "json"]);
    assert_eq!(output.status.code(), Some(7));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["error"]["kind"], "store");
    assert_eq!(answer["error"]["code"], 7);
}

#[test]
fn a_public_store_takes_no_capture() {
    let scratch = Scratch::with_sample();
    let public = Scratch::with_store();
    let identity = public.path(".terp-fixtures/identity.key");
    std::fs::copy(identity, public.path("snapshots/public.identity")).unwrap();
    let store = public.path("snapshots");
    let message = scratch.fails(8, &[&CAPTURE[..], &["--store", store.to_str().unwrap()]].concat());
    assert!(message.contains("is public"), "{message}");
}

#[test]
fn usage_errors_are_json_too() {
    let scratch = Scratch::empty();
    let output = scratch.run(&["--json", "--nosuch"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["error"]["code"], 1);
}

#[test]
fn a_damaged_manifest_does_not_block_the_others() {
    let scratch = Scratch::with_snapshot();
    let sample = scratch.json(&["list"]).as_array().unwrap()[0]["id"].as_str().unwrap().to_owned();
    sql(&scratch.path("erp.sqlite"), "DELETE FROM notes");
    scratch.capture("second");
    let manifest = scratch.objects().into_iter().find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        path.parent().unwrap().ends_with("snapshots/snapshots") && !name.contains(&sample)
    });
    let manifest = manifest.unwrap();
    let mut bytes = std::fs::read(&manifest).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::remove_file(&manifest).unwrap();
    std::fs::write(&manifest, bytes).unwrap();
    assert_eq!(scratch.json(&["list"]).as_array().unwrap().len(), 1);
    // The damaged one might be the newest of the name, so a name is not enough; an id is.
    assert!(scratch.fails(7, &["restore", "sample", "--target", "sqlite:dev.sqlite"]).contains(&sample[..12]));
    scratch.ok(&["restore", &format!("sample@{}", &sample[..12]), "--target", "sqlite:dev.sqlite"]);
    scratch.capture("third");
    scratch.fails(7, &["verify"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_no_database() {
    let scratch = Scratch::with_snapshot();
    scratch.fails(9, &["restore", "sample", "--target", "sqlite:/dev/null"]);
    let message = scratch.fails(9, &["restore", "sample", "--target", "sqlite:no/such/folder.sqlite"]);
    assert!(message.contains("folder"), "{message}");
}
