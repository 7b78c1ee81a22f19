//! The sample ERP is the same on every engine, and one policy with one key masks it to the same rows on every engine.

use super::demo::POLICY;
use super::load::OnConflict;
use super::server_tests::{captured, restored, source};
use super::state;
use crate::engine::{mysql, postgres};
use crate::generate::sample::{self, ColumnType};
use crate::model::batch::{Cell, CellKind};
use crate::model::schema::{EngineKind, TableName};
use std::collections::BTreeMap;

/// The rows of every table, written in a way that no engine has its own opinion about.
type Content = BTreeMap<&'static str, Vec<Vec<Option<String>>>>;

/// The sample as it is made, and as it comes out of a snapshot that the demo's policy masked.
type Both = (Content, Content);

#[test]
fn the_same_person_gets_the_same_fake_on_sqlite_and_on_postgresql() {
    let server = postgres::testing::server();
    assert_same(
        &on_sqlite(),
        &masked(EngineKind::Postgres, postgres::testing::script, &server.fresh(), &server.fresh()),
    );
}

#[test]
fn the_same_person_gets_the_same_fake_on_sqlite_and_on_mariadb() {
    let server = mysql::testing::Server::mariadb();
    assert_same(&on_sqlite(), &masked(EngineKind::Mariadb, mysql::testing::script, &server.fresh(), &server.fresh()));
}

#[test]
fn the_same_person_gets_the_same_fake_on_sqlite_and_on_mysql() {
    let server = mysql::testing::Server::mysql();
    assert_same(&on_sqlite(), &masked(EngineKind::Mysql, mysql::testing::script, &server.fresh(), &server.fresh()));
}

fn on_sqlite() -> Both {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let script = |url: &str, text: &str| {
        let db = rusqlite::Connection::open(url.trim_start_matches("sqlite:")).unwrap();
        db.execute_batch(text).unwrap();
    };
    masked(EngineKind::Sqlite, script, &url("original"), &url("restored"))
}

fn masked(engine: EngineKind, script: fn(&str, &str), original: &str, empty: &str) -> Both {
    let statements: Vec<String> = sample::script(engine, 1).iter().map(|sql| sql.text().to_owned()).collect();
    script(original, &statements.join(";\n"));
    // A condition for the database to evaluate, on top of the paths to subjects that the policy has.
    let rule = "ssn = { mask = \"ssn_tail\" }";
    assert!(POLICY.contains(rule));
    let conditional =
        "ssn = { mask = \"ssn_tail\", when = \"country = 'US' AND length(name) > 3\", otherwise = \"null\" }";
    restored(&captured(original, &POLICY.replace(rule, conditional)), empty, OnConflict::Fail).unwrap();
    (content(original), content(empty))
}

fn content(url: &str) -> Content {
    let mut source = source(url);
    let catalogue = source.catalogue().unwrap();
    let mut content = Content::new();
    for table in sample::definitions() {
        let columns = table.stored();
        let mut rows = Vec::new();
        let live = catalogue.table(&TableName::plain(table.name)).unwrap();
        let query = state::ordered_rows(catalogue.engine, live);
        let read = source.read(&query, &mut |batch| {
            let cells = |row| columns.iter().enumerate().map(move |(at, column)| (row, at, column.kind));
            let row = |row| cells(row).map(|(row, at, kind)| neutral(kind, batch.cell(row, at))).collect();
            rows.extend((0..batch.rows()).map(row));
            Ok(())
        });
        read.unwrap();
        rows.sort();
        content.insert(table.name, rows);
    }
    content
}

fn neutral(kind: ColumnType, cell: Cell<'_>) -> Option<String> {
    if cell.is_null() {
        return None;
    }
    if cell.kind == CellKind::Blob {
        return Some(data_encoding::HEXLOWER.encode(cell.bytes));
    }
    let text = std::str::from_utf8(cell.bytes).unwrap();
    Some(match kind {
        ColumnType::Blob => text.trim_start_matches("\\x").trim_start_matches("0x").to_lowercase(),
        ColumnType::Boolean => ["1", "t"].contains(&text).to_string(),
        ColumnType::Real => text.parse::<f64>().unwrap().to_string(),
        ColumnType::Json => serde_json::from_str::<serde_json::Value>(text).unwrap().to_string(),
        _ => text.to_owned(),
    })
}

fn assert_same((original, masked): &Both, (other_original, other_masked): &Both) {
    for (name, a, b) in [("original", original, other_original), ("masked", masked, other_masked)] {
        for (table, rows) in a {
            let differs = rows.iter().zip(&b[table]).find(|(a, b)| a != b);
            assert!(differs.is_none(), "{name} {table}: {differs:?}");
            assert_eq!(rows.len(), b[table].len(), "{name} {table}");
        }
    }
    let clients = sample::definitions().iter().find(|table| table.name == "clients").unwrap().stored();
    for name in ["name", "email", "phone", "ssn"] {
        let at = clients.iter().position(|column| column.name == name).unwrap();
        let is_empty = |cell: &Option<String>| cell.as_ref().is_none_or(String::is_empty);
        let rows = original["clients"].iter().zip(&masked["clients"]);
        let real: Vec<_> = rows.filter(|(real, _)| !is_empty(&real[at])).collect();
        assert!(real.len() > 10 && real.iter().all(|(real, fake)| real[at] != fake[at]), "{name}");
    }
}
