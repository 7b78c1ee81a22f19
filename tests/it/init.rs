//! `init` as a new user types it: from a database to a policy that captures, and on to the column that somebody adds later.

use crate::support::{Scratch, sample, sql};
use std::path::Path;

/// An empty folder with the sample ERP in it.
fn folder() -> Scratch {
    let scratch = Scratch::empty();
    sample(&scratch.path("erp.sqlite"));
    scratch
}

const SOURCE: [&str; 2] = ["--source", "sqlite:erp.sqlite"];

/// Takes the mark from every undecided column: each is answered as it is proposed.
fn answer(policy: &Path) -> usize {
    let text = std::fs::read_to_string(policy).unwrap();
    let answered = text.lines().map(|line| line.strip_prefix("# undecided: ").unwrap_or(line)).collect::<Vec<_>>();
    let count = text.lines().filter(|line| line.starts_with("# undecided: ")).count();
    std::fs::write(policy, answered.join("\n") + "\n").unwrap();
    count
}

#[test]
fn a_project_begins_captures_and_notices_a_new_column() {
    let scratch = folder();
    let begun = scratch.json(&["init", SOURCE[0], SOURCE[1], "--project", "erp"]);
    let undecided = begun["undecided"].as_u64().unwrap();
    if undecided > 0 {
        let refused = scratch.fails(4, &["capture", "first", SOURCE[0], SOURCE[1]]);
        assert!(refused.contains("undecided"), "{refused}");
    }
    assert_eq!(answer(&scratch.path("pii.toml")) as u64, undecided);
    scratch.ok(&["policy", "check", SOURCE[0], SOURCE[1]]);
    let captured = scratch.json(&["capture", "first", SOURCE[0], SOURCE[1]]);
    assert!(captured["rows"].as_u64().unwrap() > 1_000 && captured["leaks"]["hits"] == 0, "{captured}");
    assert_eq!(scratch.json(&["show", "first"])["manifest"]["policy"]["file"], "pii.toml");
    scratch.ok(&["restore", "first", "--target", "sqlite:dev.sqlite"]);

    sql(&scratch.path("erp.sqlite"), "ALTER TABLE clients ADD COLUMN mother_maiden_name VARCHAR(80)");
    let refused = scratch.fails(3, &["policy", "check", SOURCE[0], SOURCE[1]]);
    assert!(refused.contains("clients.mother_maiden_name"), "{refused}");
    let refused = scratch.fails(4, &["capture", "second", SOURCE[0], SOURCE[1]]);
    assert!(refused.contains("clients: mother_maiden_name"), "{refused}");
    let review = scratch.ok(&["policy", "review", SOURCE[0], SOURCE[1], "--format", "json"]);
    let review: serde_json::Value = serde_json::from_str(&review).unwrap();
    assert!(review["questions"].to_string().contains("mother_maiden_name"), "{}", review["questions"]);
    let page = scratch.ok(&["policy", "review", SOURCE[0], SOURCE[1], "--format", "html"]);
    assert!(page.contains("mother_maiden_name"));
    let refusals = scratch.ok(&["audit", "log", "--outcome", "refused"]);
    assert!(refusals.contains("second"), "{refusals}");
}

#[test]
fn what_init_writes_names_no_folder_of_this_machine_and_no_secret() {
    let scratch = folder();
    let shown = scratch.ok(&["init", SOURCE[0], SOURCE[1], "--no-values", "--store", "store"]);
    let configuration = std::fs::read_to_string(scratch.path("terp-fixtures.toml")).unwrap();
    let policy = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    let here = scratch.path("").display().to_string();
    for text in [&configuration, &policy, &shown] {
        assert!(!text.contains(here.trim_end_matches('/')), "{text}");
    }
    for secret in ["identity.key", "mask.key"] {
        let secret = std::fs::read_to_string(scratch.path(".terp-fixtures").join(secret)).unwrap();
        for line in secret.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            assert!(!configuration.contains(line) && !shown.contains(line), "a secret is shown");
        }
    }
    assert!(configuration.contains("url = \"store\"") && scratch.path("store/repo.json").is_file(), "{configuration}");
}

#[test]
fn nothing_is_made_where_something_is_or_the_database_cannot_be_read() {
    let scratch = Scratch::empty();
    let files = || std::fs::read_dir(scratch.path("")).unwrap().count();
    let refused = scratch.fails(9, &["init", "--source", "sqlite:none.sqlite"]);
    assert!(refused.contains("none.sqlite"), "{refused}");
    assert_eq!(files(), 0);
    sql(&scratch.path("empty.sqlite"), "PRAGMA user_version = 1");
    let refused = scratch.fails(1, &["init", "--source", "sqlite:empty.sqlite"]);
    assert!(refused.contains("the database has no tables"), "{refused}");
    assert_eq!(files(), 1);
    sample(&scratch.path("erp.sqlite"));
    std::fs::write(scratch.path("pii.toml"), "version = 1\n").unwrap();
    let refused = scratch.fails(1, &["init", SOURCE[0], SOURCE[1]]);
    assert!(refused.contains("there is pii.toml already"), "{refused}");
    assert_eq!(files(), 3);
    scratch.ok(&["init", SOURCE[0], SOURCE[1], "--policy", "own.toml"]);
    let refused = scratch.fails(1, &["init", SOURCE[0], SOURCE[1], "--policy", "other.toml"]);
    assert!(refused.contains("there is terp-fixtures.toml already"), "{refused}");
    assert!(!scratch.path("other.toml").exists());
}
