//! Closed subsets of whole schemas, from each of their tables, held against the oracle: the sample ERP, and what
//! `TEST_SCHEMAS` gives.

use crate::generate::sample;
use crate::model::schema::{Catalogue, EngineKind};
use crate::run::fill_testing::fill;
use crate::run::filled_tests::{MARIADB, MYSQL, POSTGRESQL, Server, schemas};
use crate::run::subset_testing::{Answer, Children, Choice, Given, Link, Place, Places, Question, snapshot_rows, toml};
use std::path::PathBuf;

#[test]
fn closed_subsets_of_filled_schemas_on_mariadb() {
    of_schemas(&MARIADB);
}

#[test]
fn closed_subsets_of_filled_schemas_on_mysql() {
    of_schemas(&MYSQL);
}

#[test]
fn closed_subsets_of_filled_schemas_on_postgresql() {
    of_schemas(&POSTGRESQL);
}

#[test]
fn closed_subsets_of_the_sample_on_sqlite() {
    let statements: Vec<String> =
        sample::script(EngineKind::Sqlite, 1).iter().map(|sql| sql.text().to_owned()).collect();
    let places = Places::new(EngineKind::Sqlite);
    let mut given = Given::new(places.with(&statements.join(";\n")));
    let tally = from_each_table(&mut given, "sample", 5, 1);
    assert!(tally.partial > 10, "{tally:?}");
}

/// A real database of many shapes, where `TEST_SCHEMAS` has one beside it; and a small one of the same kind.
#[test]
fn closed_subsets_of_a_music_shop_on_sqlite() {
    let script = "CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY, Name TEXT);
        CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY, ArtistId INTEGER NOT NULL REFERENCES Artist (ArtistId));
        CREATE TABLE Track (TrackId INTEGER PRIMARY KEY, AlbumId INTEGER REFERENCES Album (AlbumId));
        CREATE TABLE Playlist (PlaylistId INTEGER PRIMARY KEY);
        CREATE TABLE PlaylistTrack (PlaylistId INTEGER NOT NULL REFERENCES Playlist, TrackId INTEGER NOT NULL REFERENCES Track,
            PRIMARY KEY (PlaylistId, TrackId)) WITHOUT ROWID;
        CREATE TABLE Employee (EmployeeId INTEGER PRIMARY KEY, ReportsTo INTEGER REFERENCES Employee);
        WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 60)
            INSERT INTO Artist SELECT i, 'a' || i FROM s WHERE i < 20;
        WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 60)
            INSERT INTO Album SELECT i, 1 + i % 15 FROM s WHERE i < 30;
        WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 60)
            INSERT INTO Track SELECT i, NULLIF(i % 25, 0) FROM s;
        WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 60)
            INSERT INTO Playlist SELECT i FROM s WHERE i < 9;
        INSERT INTO PlaylistTrack SELECT PlaylistId, TrackId FROM Playlist, Track WHERE TrackId % PlaylistId = 1;
        INSERT INTO Employee VALUES (1, NULL), (2, 1), (3, 2), (4, 2), (5, 5)";
    let places = Places::new(EngineKind::Sqlite);
    let mut found = vec![("small", places.with(script))];
    if let Some(real) = std::env::var_os("TEST_SCHEMAS").map(|folder| PathBuf::from(folder).join("../chinook.sqlite"))
        && real.is_file()
    {
        found.push(("chinook", Place { engine: EngineKind::Sqlite, url: format!("sqlite:{}", real.display()) }));
    }
    for (name, place) in found {
        let tally = from_each_table(&mut Given::new(place), name, 3, 1);
        println!("{name}: {tally:?}");
        assert!(tally.partial > 3, "{name}: {tally:?}");
    }
}

fn of_schemas(server: &Server) {
    let places = Places::new(server.engine);
    for (name, schema) in schemas(server) {
        let place = places.with(&schema);
        let filled = fill(&mut *place.target(), 1);
        let mut given = Given::new(place);
        let tally = from_each_table(&mut given, &name, 1, 5);
        println!("{name}: {} rows, {tally:?}", filled.rows);
        assert!(tally.partial * 2 > tally.roots, "{name}: {tally:?}");
        // The last one goes there and back.
        let dev = places.fresh();
        let done = dev.restore(&given.repository, "s").unwrap_or_else(|error| panic!("{name}: {error}"));
        let manifest = given.repository.find("s").unwrap().manifest;
        assert_eq!(done.rows(), manifest.tables.iter().map(|entry| entry.rows).sum::<u64>(), "{name}");
        assert!(done.foreign_keys > 0 && dev.restore(&given.repository, "s").unwrap().unchanged, "{name}");
        dev.roll_back().unwrap();
        assert!(dev.rows().is_empty(), "{name}");
    }
}

/// The most tables of a schema that subsets begin with.
const MOST: usize = 24;

#[derive(Debug, Default)]
struct Tally {
    roots: usize,
    /// Subsets that are neither empty nor everything.
    partial: usize,
}

/// Subsets of the first rows of each table, with what goes down from them; of every `step`th also with other rules. Of a
/// schema of many tables each engine begins with others.
fn from_each_table(given: &mut Given, name: &str, limit: usize, step: usize) -> Tally {
    let catalogue = given.place.source().catalogue().unwrap();
    let mut question = closed(&given.place, &catalogue);
    let all: usize = question.tables.iter().map(|held| held.rows.len()).sum();
    let mut tally = Tally::default();
    let filled = |at: &usize| !question.tables[*at].rows.is_empty() && !catalogue.tables[*at].primary_key.is_empty();
    let filled: Vec<usize> = (0..question.tables.len()).filter(filled).collect();
    let stride = filled.len().div_ceil(MOST);
    let first = if given.place.engine == EngineKind::Mysql { stride / 2 } else { 0 };
    for (number, &at) in filled.iter().skip(first).step_by(stride).enumerate() {
        let others = number % step == 0;
        for (children, word, depth) in [
            (Children::Down, "down", None),
            (Children::None, "none", None),
            (Children::All, "all", Some(1)),
            (Children::Down, "down", Some(2)),
        ] {
            if !others && (word, depth) != ("down", None) {
                continue;
            }
            question.roots = vec![(at, Choice { limit: Some(limit), ..Choice::default() })];
            (question.children, question.depth) = (children, depth);
            let table = serde_json::to_string(&question.tables[at].name.to_string()).unwrap();
            let depth_line = depth.map(|depth| format!("depth = {depth}\n")).unwrap_or_default();
            let subset =
                format!("children = \"{word}\"\n{depth_line}[[subset.roots]]\ntable = {table}\nlimit = {limit}");
            let place = format!("{name}, from {}, {word} {depth:?}", question.tables[at].name);
            given.forget(); // A capture looks at every snapshot that is there.
            let snapshot =
                given.capture(&toml(&given.place, &subset), "s", 2).unwrap_or_else(|error| panic!("{place}: {error}"));
            let found = snapshot_rows(&given.repository, &snapshot.manifest);
            let Answer::Taken(taken) = question.answer() else { panic!("{place}: nothing is left out here") };
            let mut chosen = 0;
            for (table, held) in question.tables.iter().enumerate() {
                let (wanted, found) = (question.rows(&taken, table), &found[&held.name]);
                let numbers = (wanted.len(), found.len());
                assert!(wanted == *found, "{place}: {}: expected and found: {numbers:?} rows", held.name);
                chosen += found.len();
            }
            assert!(snapshot.manifest.results.closure.dangling.is_empty(), "{place}");
            tally.roots += 1;
            tally.partial += usize::from(chosen > 0 && chosen < all);
        }
    }
    tally
}

/// A database with the references that it declares.
fn closed(place: &Place, catalogue: &Catalogue) -> Question {
    let tables = place.held();
    let at = |name: &crate::model::schema::TableName| tables.iter().position(|held| held.name == *name);
    let column = |table: usize, name: &String| tables[table].columns.iter().position(|other| other == name);
    let mut links = Vec::new();
    for table in &catalogue.tables {
        let child = at(&table.name).unwrap();
        for key in &table.foreign_keys {
            let Some(parent) = at(&key.parent) else { continue };
            let live = &catalogue.tables[parent];
            let primary: Vec<String> = live.primary_key.iter().map(|&at| live.columns[at].name.clone()).collect();
            let names = if key.parent_columns.is_empty() { &primary } else { &key.parent_columns };
            let own: Option<Vec<usize>> = key.columns.iter().map(|name| column(child, name)).collect();
            let other: Option<Vec<usize>> = names.iter().map(|name| column(parent, name)).collect();
            let (Some(columns), Some(parent_columns)) = (own, other) else { continue };
            links.push(Link { child, columns, parent, parent_columns, ..Link::default() });
        }
    }
    Question { engine: place.engine, tables, links, roots: Vec::new(), children: Children::Down, depth: None }
}
