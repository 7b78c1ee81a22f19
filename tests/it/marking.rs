//! `--marker ledger` on SQLite: rows told from others by a list of their keys.

use crate::inside::{self, capture, digest, keep_all, repository, restore, restore_options, rollback};
use crate::support::{Scratch, dump, number, sql};
use terp_fixtures::error::Kind;
use terp_fixtures::run::load::OnConflict;
use terp_fixtures::run::marking::Marker;
use terp_fixtures::run::restore::Options;

const SCHEMA: &str =
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE COLLATE NOCASE, up INTEGER REFERENCES parent);
    CREATE TABLE \"odd \"\"key\" (a TEXT COLLATE NOCASE, b BLOB, n ANY, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, parent_id INTEGER REFERENCES parent ON DELETE CASCADE);";

#[test]
fn listed_rows_go_in_and_out_and_the_tables_keep_their_shape() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source.sqlite"), folder.path().join("target.sqlite"));
    let rows = "INSERT INTO parent VALUES (1, 'A', 2), (2, 'B', 1), (3, 'C', NULL);
        INSERT INTO \"odd \"\"key\" VALUES ('x', x'00ff', 1), ('Y', '', 'one'), ('', x'', NULL);
        INSERT INTO child VALUES (1, 1), (2, 2), (9, NULL);";
    sql(&source, &format!("{SCHEMA} {rows}"));
    let member = inside::new_store("marking");
    let repository = repository("marking", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    let own = "INSERT INTO parent VALUES (1, 'A', 2), (2, 'mine', NULL), (8, 'H', NULL);
        INSERT INTO \"odd \"\"key\" VALUES ('X', x'00ff', 'other'); INSERT INTO child (parent_id) VALUES (8);";
    sql(&target, &format!("{SCHEMA} {own}"));
    let before = (dump(&target), digest(&target));
    let shape =
        "SELECT count(*) FROM pragma_table_list l JOIN pragma_table_info(l.name) WHERE l.name NOT LIKE 'terp_%'";
    let columns = number(&target, shape);
    for on_conflict in [OnConflict::Overwrite, OnConflict::Skip] {
        let options = Options { on_conflict, marker: Marker::Ledger, ..restore_options() };
        restore(&repository, "s", &target, &options).unwrap();
        assert_eq!(number(&target, shape), columns);
        assert!(restore(&repository, "s", &target, &options).unwrap().unchanged);
        rollback(&target, None, false).unwrap();
        assert_eq!((dump(&target), digest(&target)), before);
    }
}

#[test]
fn a_key_that_is_partly_null_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source.sqlite"), folder.path().join("target.sqlite"));
    let schema = "CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b));";
    sql(&source, &format!("{schema} INSERT INTO t VALUES ('x', 'y'), (NULL, 'z')"));
    sql(&target, schema);
    let member = inside::new_store("marking-null");
    let repository = repository("marking-null", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    let before = dump(&target);
    let options = Options { marker: Marker::Ledger, ..restore_options() };
    let error = restore(&repository, "s", &target, &options).unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected);
    assert!(error.hint_text().unwrap().contains("--marker columns"), "{error}");
    assert_eq!(dump(&target), before);
}

#[test]
fn the_marking_comes_from_the_argument_or_the_configuration() {
    let scratch = Scratch::with_snapshot();
    let configuration = scratch.path("terp-fixtures.toml");
    let text = std::fs::read_to_string(&configuration).unwrap_or_default();
    std::fs::write(&configuration, format!("{text}\n[restore.environments.dev]\nmarker = \"ledger\"\n")).unwrap();
    let marked = "SELECT count(*) FROM pragma_table_info('clients') WHERE name LIKE 'terp_fixture_%'";
    let dev = scratch.path("dev.sqlite");
    let error = scratch.fails(1, &["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    assert!(error.contains("import_rows"), "{error}");
    let tables = ["--table", "clients", "--table", "locations"];
    for (arguments, columns) in [(&[][..], 0), (&["--env", "staging"], 2), (&["--marker", "columns"], 2), (&[], 0)] {
        let command = [&["restore", "sample", "--target", "sqlite:dev.sqlite"][..], &tables, arguments].concat();
        scratch.ok(&command);
        assert_eq!(number(&dev, marked), columns, "{arguments:?}");
    }
    scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    assert_eq!(number(&dev, "SELECT count(*) FROM sqlite_master"), 0);
}
