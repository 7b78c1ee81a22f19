//! Small tables, a manifest and the golden files for the tests of this folder.

use crate::model::manifest::{ChunkRef, Manifest, PackRef, PolicyProof, Results, TableEntry};
use crate::model::schema::{Catalogue, Column, DatabaseIdentity, EngineKind, Family, Table, TableKind, TableName};
use std::collections::BTreeMap;
use std::path::Path;

/// A table `t` with columns `c0`, `c1`, ... of the declared types.
pub(crate) fn table(declared: &[&str], primary_key: &[usize]) -> Table {
    let column = |(at, declared): (usize, &&str)| Column {
        name: format!("c{at}"),
        declared: (*declared).to_owned(),
        family: Family::Any,
        length: None,
        nullable: true,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    };
    Table {
        name: TableName::plain("t"),
        kind: TableKind::Ordinary,
        columns: declared.iter().enumerate().map(column).collect(),
        primary_key: primary_key.to_vec(),
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: false,
    }
}

/// A small manifest with every field filled.
pub(crate) fn manifest() -> Manifest {
    Manifest {
        format: 1,
        features: vec!["rows-copy-v1".into()],
        repo: "0123456789abcdef".repeat(2),
        epoch: 1,
        name: "demo-2025-12".into(),
        seq: 2,
        prev: Some("fedcba9876543210".repeat(2)),
        created: "2025-12-03T10:15:00Z".into(),
        tool: "0.1.0".into(),
        environment: "dev".into(),
        source: DatabaseIdentity { engine: EngineKind::Sqlite, marks: vec!["ab".repeat(32)] },
        schema: Catalogue {
            engine: EngineKind::Sqlite,
            version: "3.50.0".into(),
            settings: BTreeMap::from([("encoding".into(), "UTF-8".into())]),
            tables: vec![table(&["INTEGER", "TEXT"], &[0])],
            pre: Vec::new(),
            post: Vec::new(),
            own: crate::model::schema::Traces::default(),
        },
        policy: PolicyProof {
            file: "pii.toml".into(),
            digest: "cd".repeat(32),
            dictionaries: BTreeMap::from([("names".into(), "ef".repeat(32))]),
            key_id: "0123456789abcdef".into(),
            generation: 1,
            key_check: String::new(),
            masks: BTreeMap::new(),
            lock: None,
            reviewed: None,
            approvals: Vec::new(),
        },
        results: Results::default(),
        packs: vec![PackRef { name: "12".repeat(32), length: 600 }],
        tables: vec![TableEntry {
            table: TableName::plain("t"),
            mode: "capture".into(),
            columns: vec!["c0".into(), "c1".into()],
            masks: BTreeMap::from([("c0".into(), "keep".into()), ("c1".into(), "email".into())]),
            params: BTreeMap::new(),
            conditional: Vec::new(),
            rows: 3,
            bytes: 24,
            digest: "34".repeat(32),
            chunks: vec![ChunkRef { id: "56".repeat(32), pack: 0, offset: 0, length: 33, raw: 24, rows: 3 }],
            origins: Vec::new(),
        }],
        subset: None,
        expires: Some("2026-12-03T10:15:00Z".into()),
        audit: None,
        tags: std::collections::BTreeSet::new(),
        copied: Vec::new(),
        backup: None,
        generated: None,
        imported: None,
    }
}

/// Compares with a golden file in `tests/vectors/v1`, kept for ever; `UPDATE_VECTORS=1` writes a file that is not there.
pub(crate) fn golden(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/v1").join(file);
    let actual = format!("{}\n", actual.trim_end());
    if !path.exists() && std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), actual, "{file}: format v1 must not change");
}
