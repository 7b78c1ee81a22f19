//! Restores beside rows in the way, and rollbacks beside rows that hang on fixtures.

use crate::inside::{self, capture, keep_all, repository, restore, restore_options, rollback};
use crate::support::{dump, number, sql};
use std::path::PathBuf;
use terp_fixtures::error::Kind;
use terp_fixtures::run::load::OnConflict;
use terp_fixtures::run::repository::Repository;

const SCHEMA: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE, name TEXT);
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent ON DELETE CASCADE, what TEXT);
    CREATE TABLE loose (note TEXT);";

struct Bench {
    folder: tempfile::TempDir,
    repository: Repository,
}

impl Bench {
    /// A snapshot `s` of two parents, three children and a loose row, and a target with the schema and `own` rows.
    fn new(name: &str, own: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.sqlite");
        sql(&source, SCHEMA);
        sql(
            &source,
            "INSERT INTO parent VALUES (1, 'A', 'one'), (2, 'B', 'two');
             INSERT INTO child VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z'); INSERT INTO loose VALUES ('hello'), (NULL)",
        );
        let member = inside::new_store(name);
        let repository = repository(name, &member);
        capture(&repository, &source, "s", &keep_all(&source)).unwrap();
        let bench = Self { folder, repository };
        sql(&bench.target(), SCHEMA);
        sql(&bench.target(), own);
        bench
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("target.sqlite")
    }

    fn restore(&self, on_conflict: OnConflict) -> terp_fixtures::error::Result<terp_fixtures::run::restore::Outcome> {
        let options = terp_fixtures::run::restore::Options { on_conflict, ..restore_options() };
        restore(&self.repository, "s", &self.target(), &options)
    }
}

#[test]
fn rows_in_the_way_stop_everything_by_default() {
    let bench = Bench::new("conflict-fail", "INSERT INTO parent VALUES (1, 'Z', 'mine'), (9, 'B', 'nine')");
    let before = dump(&bench.target());
    let error = bench.restore(OnConflict::Fail).unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected);
    let text = error.to_string();
    assert!(text.contains("parent: 1 rows under the same key") && text.contains("unique"), "{text}");
    assert!(!text.contains("mine"));
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn skipping_keeps_the_targets_rows_and_rolls_back() {
    let bench = Bench::new("conflict-skip", "INSERT INTO parent VALUES (1, 'Z', 'mine')");
    let before = dump(&bench.target());
    let done = bench.restore(OnConflict::Skip).unwrap();
    let parent = done.tables.iter().find(|table| table.table.name == "parent").unwrap();
    assert_eq!((parent.inserted, parent.skipped, parent.overwritten), (1, 1, 0));
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM parent WHERE name = 'mine'"), 1);
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM child"), 3);
    assert!(bench.restore(OnConflict::Skip).unwrap().unchanged);
    // Two fixture children hang on a row of the target's own: they go with the run, and the row stays.
    rollback(&bench.target(), None, false).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn a_skipped_row_whose_children_have_no_parent_stops_the_restore() {
    let bench = Bench::new("conflict-skip-unique", "INSERT INTO parent VALUES (9, 'A', 'nine')");
    let before = dump(&bench.target());
    // Parent 1 is left out because its code is taken; its children would dangle.
    let error = bench.restore(OnConflict::Skip).unwrap_err();
    assert!(error.to_string().contains("foreign key child"), "{error}");
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn overwriting_keeps_the_previous_rows_for_the_rollback() {
    let bench = Bench::new(
        "conflict-overwrite",
        "INSERT INTO parent VALUES (1, 'Z', 'mine'), (7, 'S', 'seven'); INSERT INTO child VALUES (50, 1, 'own child'), (2, 7, x'00ff')",
    );
    let before = dump(&bench.target());
    let done = bench.restore(OnConflict::Overwrite).unwrap();
    let counts: Vec<(u64, u64)> = done.tables.iter().map(|table| (table.inserted, table.overwritten)).collect();
    assert_eq!(counts, [(2, 1), (2, 0), (1, 1)]);
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM parent WHERE name = 'one'"), 1);
    assert!(bench.restore(OnConflict::Overwrite).unwrap().unchanged);
    rollback(&bench.target(), None, false).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn an_overwritten_row_that_was_edited_since_is_not_lost() {
    let bench = Bench::new("conflict-edited", "INSERT INTO parent VALUES (1, 'Z', 'mine')");
    let before = dump(&bench.target());
    bench.restore(OnConflict::Overwrite).unwrap();
    sql(&bench.target(), "UPDATE parent SET name = 'edited' WHERE id = 1");
    let between = dump(&bench.target());
    let error = rollback(&bench.target(), None, false).unwrap_err();
    assert_eq!(error.kind(), Kind::Rollback);
    assert!(error.to_string().contains("1 rows of parent") && !error.to_string().contains("edited since edited"));
    assert_eq!(dump(&bench.target()), between);
    rollback(&bench.target(), None, true).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn an_overwritten_row_that_was_deleted_since_comes_back_with_force() {
    let bench = Bench::new("conflict-deleted", "INSERT INTO parent VALUES (1, 'Z', 'mine')");
    let before = dump(&bench.target());
    bench.restore(OnConflict::Overwrite).unwrap();
    sql(&bench.target(), "DELETE FROM parent WHERE id = 1");
    assert_eq!(rollback(&bench.target(), None, false).unwrap_err().kind(), Kind::Rollback);
    rollback(&bench.target(), None, true).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn identical_rows_stay_the_databases_own() {
    let bench = Bench::new("conflict-identical", "INSERT INTO parent VALUES (1, 'A', 'one')");
    let before = dump(&bench.target());
    let done = bench.restore(OnConflict::Fail).unwrap();
    let parent = done.tables.iter().find(|table| table.table.name == "parent").unwrap();
    assert_eq!((parent.inserted, parent.identical), (1, 1));
    rollback(&bench.target(), None, false).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn case_and_type_make_rows_different() {
    let bench = Bench::new(
        "conflict-exact",
        "DROP TABLE child; DROP TABLE parent; CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE, name TEXT COLLATE NOCASE);
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent, what TEXT);
         INSERT INTO parent VALUES (1, 'A', 'ONE')",
    );
    assert_eq!(bench.restore(OnConflict::Fail).unwrap_err().kind(), Kind::Rejected);
}

#[test]
fn p14_rows_of_the_application_are_never_destroyed() {
    let bench = Bench::new("dependents", "INSERT INTO parent VALUES (7, 'S', 'seven')");
    let before = dump(&bench.target());
    bench.restore(OnConflict::Fail).unwrap();
    sql(&bench.target(), "INSERT INTO child (id, parent_id, what) VALUES (90, 1, 'mine')");
    let between = dump(&bench.target());
    let error = rollback(&bench.target(), None, false).unwrap_err();
    assert_eq!(error.kind(), Kind::Rollback);
    assert!(error.to_string().contains("1 rows of child reference parent by"), "{error}");
    assert_eq!(dump(&bench.target()), between);
    // With --force the foreign key's own CASCADE happens.
    rollback(&bench.target(), None, true).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn p12_a_replaced_run_may_bring_back_the_keys_that_the_application_uses() {
    let bench = Bench::new("replace-dependents", "");
    bench.restore(OnConflict::Fail).unwrap();
    sql(
        &bench.target(),
        "INSERT INTO child (id, parent_id, what) VALUES (90, 1, 'mine'); UPDATE parent SET name = 'e' WHERE id = 2",
    );
    assert!(!bench.restore(OnConflict::Fail).unwrap().unchanged);
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM child WHERE what = 'mine'"), 1);
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM parent WHERE name = 'e'"), 0);
}

#[test]
fn several_runs_can_be_kept_and_taken_out_one_by_one() {
    let bench = Bench::new("stacked", "");
    let other = bench.folder.path().join("other.sqlite");
    sql(&other, SCHEMA);
    sql(&other, "INSERT INTO parent VALUES (1, 'A', 'changed'), (20, 'T', 'twenty')");
    capture(&bench.repository, &other, "t", &keep_all(&other)).unwrap();
    let before = dump(&bench.target());
    bench.restore(OnConflict::Fail).unwrap();
    let middle = inside::digest(&bench.target());
    let options = terp_fixtures::run::restore::Options {
        on_conflict: OnConflict::Overwrite,
        keep_others: true,
        ..restore_options()
    };
    restore(&bench.repository, "t", &bench.target(), &options).unwrap();
    let error = rollback(&bench.target(), Some("s"), false).unwrap_err();
    assert!(error.to_string().contains("came later"), "{error}");
    assert_eq!(rollback(&bench.target(), None, false).unwrap_err().kind(), Kind::Usage);
    rollback(&bench.target(), Some("t"), false).unwrap();
    assert_eq!(inside::digest(&bench.target()), middle);
    rollback(&bench.target(), Some("s"), false).unwrap();
    assert_eq!(dump(&bench.target()), before);
    assert_eq!(rollback(&bench.target(), None, false).unwrap_err().kind(), Kind::Rollback);
}

#[test]
fn counters_return_unless_they_were_used() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source.sqlite"), folder.path().join("target.sqlite"));
    let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT)";
    sql(&source, schema);
    sql(&source, "INSERT INTO t VALUES (500, 'five hundred')");
    sql(&target, schema);
    sql(&target, "INSERT INTO t (x) VALUES ('mine')");
    let member = inside::new_store("counters");
    let repository = repository("counters", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    let before = dump(&target);
    restore(&repository, "s", &target, &restore_options()).unwrap();
    assert_eq!(number(&target, "SELECT seq FROM sqlite_sequence"), 500);
    rollback(&target, None, false).unwrap();
    assert_eq!(dump(&target), before);
    restore(&repository, "s", &target, &restore_options()).unwrap();
    sql(&target, "INSERT INTO t (x) VALUES ('after')");
    rollback(&target, None, false).unwrap();
    assert_eq!(
        number(&target, "SELECT seq FROM sqlite_sequence"),
        501,
        "a key that was handed out is never handed out again"
    );
}

#[test]
fn a_created_table_with_rows_of_others_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source.sqlite"), folder.path().join("target.sqlite"));
    sql(&source, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let member = inside::new_store("created");
    let repository = repository("created", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    restore(&repository, "s", &target, &restore_options()).unwrap();
    sql(&target, "INSERT INTO t (id) VALUES (2)");
    rollback(&target, None, false).unwrap();
    assert_eq!(number(&target, "SELECT sum(id) FROM t"), 2);
    assert!(!dump(&target).contains("terp_fixture"));
}

#[test]
fn triggers_of_the_application_stay_silent() {
    let bench = Bench::new(
        "triggers",
        "CREATE TABLE log (what TEXT);
         CREATE TRIGGER grows AFTER INSERT ON parent BEGIN INSERT INTO log VALUES (new.name); END;
         CREATE TRIGGER stops BEFORE DELETE ON parent BEGIN SELECT RAISE(ABORT, 'no'); END;",
    );
    let before = dump(&bench.target());
    bench.restore(OnConflict::Fail).unwrap();
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM log"), 0);
    rollback(&bench.target(), None, false).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn a_table_that_was_rebuilt_since_is_not_rolled_back_in_silence() {
    let bench = Bench::new("rebuilt", "INSERT INTO parent VALUES (1, 'Z', 'mine')");
    bench.restore(OnConflict::Overwrite).unwrap();
    sql(
        &bench.target(),
        "CREATE TABLE loose_new (note TEXT); INSERT INTO loose_new SELECT note FROM loose; DROP TABLE loose;
         ALTER TABLE loose_new RENAME TO loose",
    );
    let between = dump(&bench.target());
    let error = rollback(&bench.target(), None, false).unwrap_err();
    assert_eq!(error.kind(), Kind::Rollback);
    assert!(error.to_string().contains("table loose or its marker columns are gone"), "{error}");
    assert_eq!(bench.restore(OnConflict::Skip).map(drop).unwrap_err().kind(), Kind::Rollback);
    assert_eq!(dump(&bench.target()), between);
    rollback(&bench.target(), None, true).unwrap();
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM parent WHERE name = 'mine'"), 1);
}

#[test]
fn a_renamed_table_is_noticed() {
    let bench = Bench::new("renamed", "");
    bench.restore(OnConflict::Fail).unwrap();
    sql(&bench.target(), "ALTER TABLE loose RENAME TO tight");
    let error = rollback(&bench.target(), None, false).unwrap_err();
    assert!(error.to_string().contains("table tight holds rows of the run"), "{error}");
    rollback(&bench.target(), None, true).unwrap();
    assert_eq!(number(&bench.target(), "SELECT count(*) FROM tight"), 0);
}

#[test]
fn replacing_a_run_does_not_discard_edits_of_overwritten_rows() {
    let bench = Bench::new("replace-edited", "INSERT INTO parent VALUES (1, 'Z', 'mine')");
    bench.restore(OnConflict::Overwrite).unwrap();
    sql(&bench.target(), "UPDATE parent SET name = 'edited' WHERE id = 1");
    let between = dump(&bench.target());
    assert_eq!(bench.restore(OnConflict::Overwrite).map(drop).unwrap_err().kind(), Kind::Rollback);
    assert_eq!(dump(&bench.target()), between);
}

#[test]
fn an_older_run_is_not_restored_again_under_a_newer_one() {
    let bench = Bench::new("older-again", "INSERT INTO parent VALUES (1, 'Z', 'mine')");
    let before = dump(&bench.target());
    let other = bench.folder.path().join("other.sqlite");
    sql(&other, SCHEMA);
    sql(&other, "INSERT INTO parent VALUES (1, 'A', 'second')");
    capture(&bench.repository, &other, "t", &keep_all(&other)).unwrap();
    let options = terp_fixtures::run::restore::Options {
        on_conflict: OnConflict::Overwrite,
        keep_others: true,
        ..restore_options()
    };
    restore(&bench.repository, "s", &bench.target(), &options).unwrap();
    restore(&bench.repository, "t", &bench.target(), &options).unwrap();
    let error = restore(&bench.repository, "s", &bench.target(), &options).map(drop).unwrap_err();
    assert!(error.to_string().contains("came later"), "{error}");
    rollback(&bench.target(), Some("t"), false).unwrap();
    rollback(&bench.target(), Some("s"), false).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn p25_rows_of_the_application_never_lose_their_parents() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source.sqlite"), folder.path().join("target.sqlite"));
    let schema =
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);";
    sql(&source, schema);
    // One reference dangles in the source already; it is captured, restored and tolerated as it is.
    sql(&source, "INSERT INTO p VALUES (1), (2); PRAGMA foreign_keys = OFF; INSERT INTO c VALUES (1, 1), (2, 77)");
    let member = inside::new_store("dangling");
    let repository = repository("dangling", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    restore(&repository, "s", &target, &restore_options()).unwrap();
    sql(&target, "INSERT INTO c (id, p) VALUES (500, 2)");
    sql(&source, "DELETE FROM p WHERE id = 2");
    capture(&repository, &source, "s2", &keep_all(&source)).unwrap();
    let error = restore(&repository, "s2", &target, &restore_options()).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected);
    assert_eq!(number(&target, "SELECT count(*) FROM pragma_foreign_key_check WHERE rowid = 500"), 0);
}

#[test]
fn triggers_and_views_that_name_missing_tables_do_not_stop_a_rollback() {
    let bench = Bench::new(
        "broken-trigger",
        "CREATE TRIGGER t1 AFTER INSERT ON parent BEGIN INSERT INTO missing VALUES (new.id); END;
         CREATE VIEW v AS SELECT * FROM nowhere; CREATE TRIGGER t2 INSTEAD OF INSERT ON v BEGIN SELECT 1; END;",
    );
    let before = dump(&bench.target());
    bench.restore(OnConflict::Fail).unwrap();
    rollback(&bench.target(), None, false).unwrap();
    assert_eq!(dump(&bench.target()), before);
}

#[test]
fn what_a_function_says_of_a_cell_is_not_printed() {
    let bench = Bench::new("json-error", "CREATE INDEX ix ON parent (json_extract('{}', name))");
    let error = bench.restore(OnConflict::Fail).map(drop).unwrap_err();
    let text = format!("{error} {:?} {:?}", error.causes(), error.hint_text());
    assert!(!text.contains("'one'") && !text.contains("JSON path"), "{text}");
}

#[test]
fn names_that_look_like_ours_are_the_applications_own() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.sqlite");
    sql(
        &source,
        "CREATE TABLE terp_fixtures_mine (id INTEGER PRIMARY KEY, terp_fixture_run TEXT, autoincrement_flag INT, terp_image TEXT);
         INSERT INTO terp_fixtures_mine VALUES (1, 'x', 2, 'y')",
    );
    let member = inside::new_store("names");
    let repository = repository("names", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    let target = folder.path().join("target.sqlite");
    let error = restore(&repository, "s", &target, &restore_options()).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Drift);
    assert!(error.to_string().contains("called like a marker"), "{error}");
}
