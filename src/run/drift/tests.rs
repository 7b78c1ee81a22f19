//! Schemas against schemas, written as the DDL of SQLite and read by the engine itself.

use super::*;
use crate::engine;
use crate::event::Cancel;
use crate::model::manifest::Results;
use crate::model::schema::{DatabaseIdentity, EngineKind, TableName};
use crate::secret::Address;
use std::collections::{BTreeMap, BTreeSet};

fn catalogue(ddl: &str) -> Catalogue {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::new(format!("sqlite:{}", folder.path().join("x.sqlite").display()));
    let mut target = (engine::find(&address).unwrap().target)(&address, true, &Cancel::default()).unwrap();
    for statement in ddl.split(';').filter(|text| !text.trim().is_empty()) {
        target.execute(&crate::engine::sql::Sql::rendered(EngineKind::Sqlite, statement)).unwrap();
    }
    target.catalogue().unwrap()
}

/// A manifest of these tables, each with so many rows.
fn manifest(ddl: &str, rows: u64) -> Manifest {
    let schema = catalogue(ddl);
    let entry = |table: &Table| TableEntry {
        table: table.name.clone(),
        mode: "capture".into(),
        columns: table.stored_columns().into_iter().map(|at| table.columns[at].name.clone()).collect(),
        masks: BTreeMap::new(),
        params: BTreeMap::new(),
        conditional: Vec::new(),
        rows,
        bytes: 0,
        digest: String::new(),
        chunks: Vec::new(),
        origins: Vec::new(),
    };
    let tables = schema.tables.iter().map(entry).collect();
    Manifest {
        backup: None,
        generated: None,
        imported: None,
        format: 1,
        features: Vec::new(),
        repo: String::new(),
        epoch: 1,
        name: "s".into(),
        seq: 1,
        prev: None,
        created: String::new(),
        tool: String::new(),
        environment: "dev".into(),
        source: DatabaseIdentity { engine: EngineKind::Sqlite, marks: Vec::new() },
        schema,
        policy: crate::model::manifest::PolicyProof {
            file: String::new(),
            digest: String::new(),
            dictionaries: BTreeMap::new(),
            key_id: String::new(),
            generation: 1,
            key_check: String::new(),
            masks: BTreeMap::new(),
            lock: None,
            reviewed: None,
            approvals: Vec::new(),
        },
        results: Results::default(),
        packs: Vec::new(),
        tables,
        subset: None,
        expires: None,
        audit: None,
        tags: BTreeSet::new(),
        copied: Vec::new(),
    }
}

fn found(captured: &str, live: &str, rows: u64) -> Vec<Difference> {
    let manifest = manifest(captured, rows);
    let entries: Vec<&TableEntry> = manifest.tables.iter().collect();
    differences(&manifest, &entries, &catalogue(live), None, false)
}

/// Each difference in a few words: aspect, columns, verdict.
fn said(differences: &[Difference]) -> Vec<String> {
    let verdict = |it: &Difference| match it.verdict {
        Verdict::Refused(_) => "refused",
        Verdict::Tolerated(_) => "tolerated",
        Verdict::Open => "open",
    };
    differences
        .iter()
        .map(|it| format!("{} {} {}", it.aspect.word(), it.place(), verdict(it)).replace("  ", " "))
        .collect()
}

#[test]
fn every_kind_of_difference_has_its_verdict() {
    let base = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER)";
    let with = |table: &str| format!("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t ({table})");
    let cases: [(&str, &[&str]); 17] = [
        ("id INTEGER PRIMARY KEY, a TEXT, b INTEGER", &[]),
        ("b INTEGER, id INTEGER PRIMARY KEY, a TEXT", &[]),
        ("id INTEGER PRIMARY KEY, a TEXT", &["missing column b refused"]),
        ("id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c TEXT", &["extra column c tolerated"]),
        ("id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c TEXT NOT NULL DEFAULT ''", &["extra column c tolerated"]),
        ("id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c TEXT NOT NULL", &["extra column c refused"]),
        ("id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c INT AS (b + 1) STORED", &["extra column c tolerated"]),
        ("id INTEGER PRIMARY KEY, a INTEGER, b INTEGER", &["type a refused"]),
        ("id INTEGER PRIMARY KEY, a VARCHAR(9), b BIGINT", &["type a refused", "type b tolerated"]),
        ("id INTEGER PRIMARY KEY, a TEXT NOT NULL, b INTEGER", &["nullability a open"]),
        ("id INTEGER PRIMARY KEY, a TEXT AS ('x'), b INTEGER", &["generated a refused"]),
        ("id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INTEGER", &["collation a tolerated"]),
        ("id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INTEGER", &["unique a tolerated"]),
        ("id INTEGER, a TEXT, b INTEGER", &["nullability id tolerated", "primary key id refused"]),
        ("id INTEGER, a TEXT, b INTEGER, PRIMARY KEY (a, id)", &["nullability a open", "primary key id, a tolerated"]),
        (
            "id INTEGER, a TEXT PRIMARY KEY, b INTEGER",
            &["nullability id tolerated", "nullability a open", "primary key id, a refused"],
        ),
        ("id INTEGER PRIMARY KEY, a TEXT, b INTEGER REFERENCES p", &["foreign key b tolerated"]),
    ];
    for (table, expected) in cases {
        let differences = found(base, &with(table), 5);
        assert_eq!(said(&differences), expected, "{table}");
        assert!(differences.iter().all(|it| !it.advice().is_empty() || it.verdict == Verdict::Open), "{table}");
    }
}

#[test]
fn what_the_target_lacks_of_constraints_is_tolerated() {
    let base = "CREATE TABLE p (id INTEGER PRIMARY KEY, o TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE,
        b INTEGER REFERENCES p ON DELETE CASCADE)";
    let live =
        "CREATE TABLE p (id INTEGER PRIMARY KEY, o TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER)";
    assert_eq!(said(&found(base, live, 5)), ["unique a tolerated", "foreign key b tolerated"]);
    assert_eq!(said(&found(live, base, 5)), ["unique a tolerated", "foreign key b tolerated"]);
    let other = base.replace("CASCADE", "SET NULL");
    let changed = found(base, &other, 5);
    assert_eq!(said(&changed), ["foreign key b tolerated"]);
    assert!(changed[0].target.contains("SetNull"));
    // A key that holds the snapshot's is unique by it.
    let wider = live.replace("b INTEGER)", "b INTEGER, UNIQUE (id, b))");
    assert!(found(live, &wider, 5)[0].advice().contains("the snapshot's key"));
}

#[test]
fn a_stricter_column_is_no_matter_where_there_are_no_rows() {
    let (base, live) =
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL)");
    assert_eq!(said(&found(base, live, 0)), ["nullability a tolerated"]);
    assert_eq!(said(&found(live, base, 9)), ["nullability a tolerated"]);
}

#[test]
fn what_was_renamed_is_one_glance() {
    let base = "CREATE TABLE clients (id INTEGER PRIMARY KEY, status_id INTEGER, deleted_at TIMESTAMP, email TEXT, \"order\" TEXT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, a TEXT, b TEXT)";
    let live = "CREATE TABLE clients (id INTEGER PRIMARY KEY, statusId INTEGER, deletedAt TIMESTAMP, mail1 TEXT, mail2 TEXT, \"the order\" TEXT);
        CREATE TABLE purchases (id INTEGER PRIMARY KEY, a TEXT, b TEXT)";
    let all = found(base, live, 5);
    let renamed: BTreeMap<String, Option<String>> = all
        .iter()
        .filter(|it| it.is_refused())
        .map(|it| (format!("{}.{}", it.table, it.place()), it.renamed.clone()))
        .collect();
    let expected = [
        ("clients.deleted_at", Some("deletedAt")),
        ("clients.email", None),
        ("clients.order", Some("the order")),
        ("clients.status_id", Some("statusId")),
        ("orders.", Some("purchases")),
    ];
    let expected: BTreeMap<String, Option<String>> =
        expected.into_iter().map(|(place, name)| (place.to_owned(), name.map(str::to_owned))).collect();
    assert_eq!(renamed, expected);
    let error = refuse(&all, None).unwrap_err();
    let text = error.to_string();
    for part in [
        "5 differences in 2 tables, and nothing was written",
        "\n  clients  status_id   missing column  INTEGER       -           is it statusId there? see below",
        "[restore.map.clients]\n  rename = { status_id = \"statusId\", deleted_at = \"deletedAt\", order = \"the order\" }",
        "[restore.map.orders]\n  to = \"purchases\"",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("mail1"), "what is tolerated is not in the table of what is not:\n{text}");
    assert!(error.differences().len() > 5);
}

#[test]
fn one_that_two_could_have_become_is_nobodys_guess() {
    let base = "CREATE TABLE t (id INTEGER PRIMARY KEY, phone_a TEXT, phone_b TEXT)";
    let live = "CREATE TABLE t (id INTEGER PRIMARY KEY, phone_c TEXT)";
    assert!(found(base, live, 1).iter().all(|it| it.renamed.is_none()));
}

fn table_map(table: &str) -> TableMap {
    let named = |name: &str| Named { name: name.into(), place: "f.toml:1".into() };
    TableMap {
        table: named(table),
        to: None,
        rename: Vec::new(),
        drop: Vec::new(),
        default: Vec::new(),
        cast: Vec::new(),
        labels: Vec::new(),
    }
}

fn named(name: &str) -> Named {
    Named { name: name.into(), place: "f.toml:7".into() }
}

fn mapped(captured: &str, live: &str, tables: Vec<TableMap>) -> crate::error::Result<Option<Mapped>> {
    let (live, map) = (catalogue(live), Map { tables });
    let (origins, ours) = (BTreeMap::new(), BTreeSet::new());
    let mapping = Mapping { map: &map, origins: &origins, live: &live, ours: &ours, makes_missing: false };
    mapping.apply(&manifest(captured, 5))
}

const CAPTURED: &str = "CREATE TABLE clients (id INTEGER PRIMARY KEY, status_id INTEGER, note TEXT, old TEXT, UNIQUE (old), UNIQUE (note));
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client INTEGER REFERENCES clients (id), day TIMESTAMP)";
const LIVE: &str =
    "CREATE TABLE customers (\"Id\" INTEGER PRIMARY KEY, statusId INTEGER, note TEXT UNIQUE, tenant INTEGER NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (\"Id\"), day DATE)";

fn whole_map() -> Vec<TableMap> {
    let clients = TableMap {
        to: Some(named("customers")),
        rename: vec![(named("id"), named("Id")), (named("status_id"), named("statusId"))],
        drop: vec![named("old")],
        default: vec![(named("tenant"), Value::Integer(7))],
        ..table_map("clients")
    };
    let orders = TableMap {
        rename: vec![(named("client"), named("customer"))],
        cast: vec![(named("day"), Cast::Truncate)],
        ..table_map("orders")
    };
    vec![clients, orders]
}

#[test]
fn a_map_makes_the_snapshot_what_the_target_is() {
    let mapped = mapped(CAPTURED, LIVE, whole_map()).unwrap().unwrap();
    let entries: Vec<&TableEntry> = mapped.manifest.tables.iter().collect();
    let left = differences(&mapped.manifest, &entries, &catalogue(LIVE), None, false);
    assert_eq!(left, Vec::new(), "{left:#?}");
    let customers = &mapped.manifest.tables[0];
    assert_eq!(
        (customers.table.name.as_str(), customers.columns.join(" ").as_str()),
        ("customers", "Id statusId note tenant")
    );
    let from: Vec<Option<&str>> =
        mapped.pieces[&TableName::plain("customers")].iter().map(|piece| piece.from.as_deref()).collect();
    assert_eq!(from, [Some("id"), Some("status_id"), Some("note"), None]);
}

#[test]
fn tables_may_change_places() {
    let captured = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, y TEXT)";
    let live = "CREATE TABLE a (id INTEGER PRIMARY KEY, y TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, x TEXT)";
    let to = |from: &str, to: &str| TableMap { to: Some(named(to)), ..table_map(from) };
    let mapped = mapped(captured, live, vec![to("a", "b"), to("b", "a")]).unwrap().unwrap();
    let columns: Vec<String> = mapped.manifest.tables.iter().map(|entry| entry.columns.join(" ")).collect();
    assert_eq!(columns, ["id y", "id x"]);
}

#[test]
fn a_map_that_cannot_be_is_refused_by_its_place() {
    let clients = || table_map("clients");
    let orders = || table_map("orders");
    let rename = |from: &str, to: &str| (named(from), named(to));
    let to = || Some(named("customers"));
    let cases: [(TableMap, &str); 11] = [
        (table_map("client"), "f.toml:1: the snapshot has no table 'client'"),
        (
            TableMap { rename: vec![rename("statusid", "x")], ..clients() },
            "f.toml:7: table clients of the snapshot has no column 'statusid'",
        ),
        (TableMap { drop: vec![named("nothing")], ..clients() }, "no column 'nothing'"),
        (TableMap { cast: vec![(named("nothing"), Cast::Exact)], ..clients() }, "no column 'nothing'"),
        (
            TableMap { rename: vec![rename("note", "x"), rename("old", "x")], to: to(), ..clients() },
            "f.toml:7: columns note and old would both go into x",
        ),
        (TableMap { rename: vec![rename("note", "old")], to: to(), ..clients() }, "would both go into old"),
        (TableMap { drop: vec![named("id")], ..clients() }, "part of the primary key"),
        (TableMap { drop: vec![named("note")], rename: vec![rename("note", "x")], ..clients() }, "renamed and dropped"),
        (TableMap { cast: vec![(named("note"), Cast::Truncate)], ..clients() }, "part of a key"),
        (
            TableMap { default: vec![(named("nowhere"), Value::Integer(1))], ..orders() },
            "column nowhere of orders is not in the target",
        ),
        (TableMap { to: Some(named("orders")), ..clients() }, "tables clients and orders would both go into orders"),
    ];
    for (map, expected) in cases {
        // Only where the table is there does a map apply.
        let map = TableMap {
            to: map.to.clone().or_else(|| (map.table.name == "clients").then(|| named("customers"))),
            ..map
        };
        let error = mapped(CAPTURED, LIVE, vec![map]).map(drop).unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_rename_that_the_snapshot_has_already_is_done() {
    let captured = "CREATE TABLE customers (\"Id\" INTEGER PRIMARY KEY, statusId INTEGER)";
    let map =
        TableMap { to: Some(named("customers")), rename: vec![(named("id"), named("Id"))], ..table_map("clients") };
    assert!(mapped(captured, captured, vec![map]).unwrap().is_none());
    let map = TableMap { rename: vec![(named("status_id"), named("statusId"))], ..table_map("customers") };
    let mapped = mapped(captured, captured, vec![map]).unwrap().unwrap();
    assert_eq!(mapped.manifest.tables[0].columns, ["Id", "statusId"]);
}

#[test]
fn what_two_lines_say_of_one_rename_points_to_each_other() {
    let base = "CREATE TABLE t (id INTEGER PRIMARY KEY, status_id INTEGER NOT NULL)";
    let live = "CREATE TABLE t (id INTEGER PRIMARY KEY, statusId INTEGER NOT NULL)";
    let advice: Vec<String> = found(base, live, 1).iter().map(|it| it.advice().to_owned()).collect();
    assert_eq!(advice, ["is it statusId there? see below", "is it status_id in the snapshot? see below"]);
}
