//! Whole schemas, filled with rows, come and go exactly: the sample ERP, and every schema in the folder `TEST_SCHEMAS`.

use super::fill_testing::{counters, fill};
use super::load::OnConflict;
use super::server_tests::{captured, restored, rolled_back, source, target};
use super::state;
use crate::engine::sql::Sql;
use crate::engine::{mysql, postgres};
use crate::generate::sample;
use crate::model::schema::{Catalogue, EngineKind, ForeignKey, Table, TableName, Traces};

/// A server whose databases are filled.
pub(super) struct Server {
    pub(super) engine: EngineKind,
    /// The address of a new, empty database.
    pub(super) fresh: fn() -> String,
    /// Runs a script in a database.
    pub(super) script: fn(&str, &str),
    /// The mark in the names of the files that are for it.
    files: &'static str,
}

pub(super) const POSTGRESQL: Server = Server {
    engine: EngineKind::Postgres,
    fresh: || postgres::testing::server().fresh(),
    script: postgres::testing::script,
    files: "_pg",
};

pub(super) const MARIADB: Server = Server {
    engine: EngineKind::Mariadb,
    fresh: || mysql::testing::Server::mariadb().fresh(),
    script: mysql::testing::script,
    files: "_mysql",
};

pub(super) const MYSQL: Server =
    Server { engine: EngineKind::Mysql, fresh: || mysql::testing::Server::mysql().fresh(), ..MARIADB };

#[test]
fn filled_schemas_come_and_go_exactly_on_mariadb() {
    come_and_go(&MARIADB);
}

#[test]
fn filled_schemas_come_and_go_exactly_on_mysql() {
    come_and_go(&MYSQL);
}

#[test]
fn filled_schemas_come_and_go_exactly_on_postgresql() {
    come_and_go(&POSTGRESQL);
}

fn come_and_go(server: &Server) {
    for (name, schema) in schemas(server) {
        println!("{name}");
        there_and_back(server, &schema);
    }
}

/// The sample's schema, and those of the folder, without the lines that only a client program understands.
pub(super) fn schemas(server: &Server) -> Vec<(String, String)> {
    let statements = sample::schema(server.engine);
    let statements: Vec<&str> = statements.iter().map(Sql::text).collect();
    let mut found = vec![("sample".to_owned(), statements.join(";\n"))];
    if let Some(folder) = std::env::var_os("TEST_SCHEMAS").filter(|folder| !folder.is_empty()) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            if path.extension().is_some_and(|kind| kind == "sql") && name.contains(server.files) {
                let text = std::fs::read_to_string(path).unwrap();
                let lines =
                    text.lines().filter(|line| !line.starts_with('\\')).filter_map(|line| line.split("-->").next());
                found.push((name, lines.collect::<Vec<_>>().join("\n")));
            }
        }
        assert!(found.len() > 1, "TEST_SCHEMAS holds no schema with '{}' in its name", server.files);
    }
    found
}

/// All that must be the same again: the digest of the content, the schema as the server renders it, the counters.
#[derive(PartialEq)]
pub(super) struct State {
    digest: String,
    pub(super) catalogue: Catalogue,
    counters: Vec<(String, Option<i64>)>,
}

pub(super) fn state_of(url: &str) -> State {
    let mut target = target(url);
    let catalogue = Catalogue { own: Traces::default(), ..target.catalogue().unwrap() };
    let digest = state::database_digest(&mut *target, &catalogue).unwrap();
    State { digest, counters: counters(&mut *target, &catalogue), catalogue }
}

impl State {
    /// Fails with names, never with content.
    pub(super) fn assert_is(&self, other: &Self, when: &str) {
        let changed = self.catalogue.tables.iter().zip(&other.catalogue.tables).find(|(a, b)| a != b);
        let changed = changed.map(|(a, b)| format!("{a:#?} is now {b:#?}"));
        assert!(changed.is_none(), "{when}: {}", changed.unwrap_or_default());
        assert!(self.catalogue == other.catalogue, "{when}: the schema changed");
        assert_eq!(self.counters, other.counters, "{when}: counters");
        assert_eq!(self.digest, other.digest, "{when}: rows");
    }
}

/// What a copy has in common with its original. PostgreSQL renders the CHECKs of a copy with other casts.
fn shape_and_rows(url: &str) -> (String, Vec<Table>) {
    let mut source = source(url);
    let mut catalogue = source.catalogue().unwrap();
    catalogue.post.clear();
    for table in &mut catalogue.tables {
        table.create.clear();
        table.checks.clear();
    }
    (state::database_digest(&mut *source, &catalogue).unwrap(), catalogue.tables)
}

/// How many foreign keys hold a reference, and how many there are.
fn references(url: &str) -> (usize, usize) {
    let mut source = source(url);
    let tables = source.catalogue().unwrap().tables;
    let keys: Vec<_> =
        tables.iter().flat_map(|table| table.foreign_keys.iter().map(|key| (&table.name, key))).collect();
    let mut holds =
        |(table, key): &&(&TableName, &ForeignKey)| state::references(&mut *source, table, key).unwrap() > 0;
    (keys.iter().filter(|key| holds(key)).count(), keys.len())
}

/// A policy that captures every table and keeps every column.
pub(super) fn keep_everything(catalogue: &Catalogue) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let mut text = "version = 1\n".to_owned();
    for table in &catalogue.tables {
        let stored = table.stored_columns();
        let names: Vec<String> = stored.iter().map(|&at| quoted(&table.columns[at].name)).collect();
        let name = quoted(&table.name.to_string());
        text.push_str(&format!("[tables.{name}]\nmode = \"capture\"\nkeep = [{}]\n", names.join(", ")));
    }
    text
}

fn there_and_back(server: &Server, schema: &str) {
    let original = (server.fresh)();
    (server.script)(&original, schema);
    let filled = fill(&mut *target(&original), 1);
    let tables = state_of(&original).catalogue.tables.len();
    println!("  {tables} tables, {} rows; empty: {:#?}", filled.rows, filled.empty);
    assert!(filled.empty.len() * 10 <= tables, "too many tables take no row: {:#?}", filled.empty);
    let (set, keys) = references(&original);
    assert!(set * 10 >= keys * 9, "only {set} of {keys} foreign keys hold a reference");
    let repository = captured(&original, &keep_everything(&source(&original).catalogue().unwrap()));

    let empty = (server.fresh)();
    let before = state_of(&empty);
    assert_eq!(restored(&repository, &empty, OnConflict::Fail).unwrap().rows(), filled.rows);
    assert_eq!(shape_and_rows(&original), shape_and_rows(&empty), "restored into an empty database");
    assert!(restored(&repository, &empty, OnConflict::Fail).unwrap().unchanged);
    rolled_back(&empty).unwrap();
    before.assert_is(&state_of(&empty), "rolled back to an empty database");

    let used = (server.fresh)();
    (server.script)(&used, schema);
    let others = fill(&mut *target(&used), 2);
    println!("  beside {} rows; refused: {:#?}", others.rows, others.empty);
    assert!(others.rows * 2 > filled.rows);
    let before = state_of(&used);
    assert_eq!(restored(&repository, &used, OnConflict::Fail).unwrap().rows(), filled.rows);
    rolled_back(&used).unwrap();
    before.assert_is(&state_of(&used), "rolled back to a used database");
}
