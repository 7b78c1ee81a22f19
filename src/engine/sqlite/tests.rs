//! Tests of the SQLite engine.

use super::ENGINE;
use crate::engine::suite::{self, Bench};
use crate::engine::{Enforce, Query, Source, Target, sql::Sql};
use crate::error::Kind;
use crate::event::Cancel;
use crate::model::batch::CellKind;
use crate::model::schema::{Action, EngineKind, TableKind};
use crate::secret::Address;
use std::path::Path;

fn address(path: &Path) -> Address {
    Address::new(format!("sqlite:{}", path.display()))
}

fn source(path: &Path) -> Box<dyn Source> {
    (ENGINE.source)(&address(path), &Cancel::default()).unwrap()
}

fn target(path: &Path) -> Box<dyn Target> {
    (ENGINE.target)(&address(path), true, &Cancel::default()).unwrap()
}

fn made(path: &Path, script: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(script).unwrap();
}

#[test]
fn it_passes_the_conformance_suite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("suite.sqlite");
    target(&path);
    suite::run(&Bench { source: &|| source(&path), target: &|| target(&path) });
    assert!(!path.with_extension("sqlite.terp-lock").exists());
}

#[test]
fn every_storage_class_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("classes.sqlite");
    made(
        &path,
        "CREATE TABLE t (x); INSERT INTO t VALUES (1), (-0.0), (1e300), (9e999), ('1'), (x'00ff'), (NULL), \
         (9223372036854775807), (0.1), (CAST(x'ff41' AS TEXT))",
    );
    let mut cells = Vec::new();
    let query = Query { sql: Sql::new(EngineKind::Sqlite).lit("SELECT x FROM t ORDER BY rowid"), columns: 1 };
    let read = source(&path).read(&query, &mut |batch| {
        cells.extend((0..batch.rows()).map(|row| (batch.cell(row, 0).kind, batch.cell(row, 0).bytes.to_vec())));
        Ok(())
    });
    assert_eq!(read.unwrap(), 10);
    let expected: Vec<(CellKind, &[u8])> = vec![
        (CellKind::Integer, b"1"),
        (CellKind::Real, b"-0.0"),
        (CellKind::Real, b"1e300"),
        (CellKind::Real, b"Inf"),
        (CellKind::Text, b"1"),
        (CellKind::Blob, b"\x00\xff"),
        (CellKind::Null, b""),
        (CellKind::Integer, b"9223372036854775807"),
        (CellKind::Real, b"0.1"),
        (CellKind::Text, b"\xffA"),
    ];
    assert_eq!(cells, expected.into_iter().map(|(kind, bytes)| (kind, bytes.to_vec())).collect::<Vec<_>>());
}

#[test]
fn the_catalogue_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    made(
        &path,
        "CREATE TABLE Parent (a INTEGER, b TEXT COLLATE NOCASE, c TEXT GENERATED ALWAYS AS (a || b) STORED, PRIMARY KEY (b, a));
         CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, pa INTEGER, pb TEXT, self_id INTEGER REFERENCES child,
            n DECIMAL(10,2) NOT NULL DEFAULT 1.5 CHECK (n > 0), UNIQUE (pa, n),
            FOREIGN KEY (pb, pa) REFERENCES parent (b, a) ON DELETE CASCADE ON UPDATE SET NULL);
         CREATE UNIQUE INDEX partly ON child (pb) WHERE pa > 1;
         CREATE INDEX plain ON child (pb);
         CREATE VIEW v AS SELECT * FROM child;
         CREATE TRIGGER tr AFTER INSERT ON child BEGIN SELECT 1; END;
         CREATE VIRTUAL TABLE search USING fts5 (body);
         CREATE TABLE bare (x) STRICT;"
            .replace("bare (x)", "bare (x TEXT)")
            .as_str(),
    );
    let catalogue = source(&path).catalogue().unwrap();
    let names: Vec<&str> = catalogue.tables.iter().map(|table| table.name.name.as_str()).collect();
    assert!(names.starts_with(&["Parent", "bare", "child", "search"]), "{names:?}");
    let parent = &catalogue.tables[0];
    assert_eq!(parent.primary_key, [1, 0]);
    assert!(parent.columns[2].generated);
    assert_eq!(parent.columns[1].collation.as_deref(), Some("NOCASE"));
    let child = &catalogue.tables[2];
    assert!(child.counter && catalogue.tables[1].strict);
    assert_eq!(child.foreign_keys.len(), 2);
    let composite = child.foreign_keys.iter().find(|key| key.columns.len() == 2).unwrap();
    assert_eq!((composite.parent.name.as_str(), composite.on_delete), ("Parent", Action::Cascade));
    assert_eq!(composite.on_update, Action::SetNull);
    let own = child.foreign_keys.iter().find(|key| key.columns.len() == 1).unwrap();
    assert_eq!(own.parent_columns, ["id"]);
    assert_eq!(child.uniques.iter().filter(|unique| unique.partial).count(), 1);
    assert_eq!(catalogue.tables[3].kind, TableKind::Virtual);
    assert!(catalogue.tables[4..].iter().all(|table| table.kind == TableKind::Shadow));
    let post: Vec<&str> = catalogue.post.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(post, ["index", "index", "view", "trigger"]);
}

#[test]
fn foreign_keys_name_columns_as_their_tables_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.sqlite");
    made(
        &path,
        "CREATE TABLE p (Id INTEGER PRIMARY KEY); CREATE TABLE c (P_id, FOREIGN KEY (p_ID) REFERENCES P (iD));
         CREATE TABLE e (p REFERENCES p);",
    );
    let catalogue = source(&path).catalogue().unwrap();
    let key = &catalogue.tables[0].foreign_keys[0];
    assert_eq!((key.columns.as_slice(), key.parent_columns.as_slice()), (&["P_id".into()][..], &["Id".into()][..]));
    assert_eq!(key.parent.name, "p");
    assert_eq!(catalogue.tables[1].foreign_keys[0].parent_columns, ["Id"]);
}

#[test]
fn markers_come_and_go_without_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("markers.sqlite");
    for (at, columns) in
        ["a INT, b TEXT", "a INT -- why\n , b TEXT\n", "a INTEGER PRIMARY KEY, b, UNIQUE (b)"].iter().enumerate()
    {
        made(&path, &format!("CREATE TABLE t{at} ({columns})"));
    }
    // Only the ledger makes columns of that name markers.
    made(&path, "CREATE TABLE terp_fixtures_runs (x)");
    let before = source(&path).catalogue().unwrap();
    let mut target = target(&path);
    target.begin(Enforce::Nothing).unwrap();
    for table in &before.tables {
        for column in ["terp_fixture_run", "terp_fixture_at"] {
            let sql =
                Sql::new(EngineKind::Sqlite).lit("ALTER TABLE ").table(&table.name).lit(" ADD COLUMN ").name(column);
            target.execute(&sql.lit(" TEXT")).unwrap();
        }
    }
    target.end(true).unwrap();
    let marked = target.catalogue().unwrap();
    assert_eq!(marked.tables, before.tables);
    assert_eq!(marked.own.marked.len(), 3);
    target.begin(Enforce::Nothing).unwrap();
    for table in &before.tables {
        for column in ["terp_fixture_at", "terp_fixture_run"] {
            let sql =
                Sql::new(EngineKind::Sqlite).lit("ALTER TABLE ").table(&table.name).lit(" DROP COLUMN ").name(column);
            target.execute(&sql).unwrap();
        }
    }
    target.end(true).unwrap();
    drop(target);
    assert_eq!(source(&path).catalogue().unwrap(), before);
}

#[test]
fn what_is_not_a_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let open = |path: &Path| (ENGINE.source)(&address(path), &Cancel::default()).map(drop).unwrap_err();
    assert_eq!(open(&path).kind(), Kind::Unreachable);
    assert_eq!(open(folder.path()).kind(), Kind::Unreachable);
    std::fs::write(&path, "hello, this is a text file").unwrap();
    assert!(open(&path).to_string().contains("is not a SQLite database"));
    std::fs::write(&path, b"SQLite format 3\0 and then rubbish").unwrap();
    assert_eq!(open(&path).kind(), Kind::Unreachable);
    let memory = (ENGINE.source)(&Address::new("sqlite::memory:"), &Cancel::default()).map(drop).unwrap_err();
    assert_eq!(memory.kind(), Kind::Usage);
}

#[test]
fn an_empty_file_is_an_empty_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.sqlite");
    std::fs::write(&path, "").unwrap();
    let catalogue = source(&path).catalogue().unwrap();
    assert!(catalogue.tables.is_empty() && catalogue.post.is_empty());
}

#[test]
fn a_token_is_the_same_only_while_nothing_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sqlite");
    let write = |text: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(text).unwrap();
    let token = || source(&path).token().unwrap();
    write("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let mut seen = vec![token().unwrap()];
    assert_eq!(token().as_ref(), seen.last());
    for change in ["UPDATE t SET a = 3", "VACUUM", "CREATE TABLE u (a)", "PRAGMA user_version = 7"] {
        write(change);
        let token = token().unwrap();
        assert!(!seen.contains(&token), "{change}");
        seen.push(token);
    }
    // A copy of an earlier state over it, byte for byte as long as it was.
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    assert!(!seen.contains(&token().unwrap()));
    // A write between the look at the header and the beginning of the read is noticed.
    let state = super::connect::state(&path).unwrap();
    assert!(super::connect::is_still(&state, &path));
    write("UPDATE t SET a = 2");
    assert!(!super::connect::is_still(&state, &path));
    write("PRAGMA journal_mode = WAL");
    assert_eq!(token(), None, "the newest rows are elsewhere");
}
