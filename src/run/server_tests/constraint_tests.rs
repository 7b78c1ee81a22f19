//! Made-up rows of random schemas: the servers take every one of them with all constraints on, and read back what was made.

use super::constraint_testing::schema;
use super::testing::{Line, SQLITE, Server, context, on_every_server, rolled_back, source};
use crate::engine::sql::{self, Sql};
use crate::engine::{Query, Source};
use crate::error::{Error, Kind};
use crate::event::{Cancel, Silent};
use crate::generate::check;
use crate::generate::make::{Done, Request, make};
use crate::generate::profile::{self, Bound, Profile};
use crate::generate::value::Value;
use crate::model::batch::{Batch, CellKind};
use crate::model::digest::ContentDigest;
use crate::model::schema::{Catalogue, EngineKind, Family, Table, TableName};
use crate::model::subset::{Reference, declared};
use crate::run::generate::{self, Options, Shape};
use crate::subset::Size;
use std::collections::{BTreeMap, BTreeSet};

on_every_server!(random_constraints_hold, every_type_reads_back_as_made);

fn random_constraints_hold(server: &Server) {
    hold(server, 0..20);
}

#[test]
fn random_constraints_hold_in_sqlite() {
    hold(&SQLITE, 0..80);
}

#[test]
fn every_type_reads_back_as_made_in_sqlite() {
    every_type_reads_back_as_made(&SQLITE);
}

/// What a run is about.
struct Subject {
    catalogue: Catalogue,
    references: Vec<Reference>,
}

impl Subject {
    fn of(source: &mut dyn Source) -> Self {
        let catalogue = source.catalogue().unwrap();
        Self { references: declared(&catalogue), catalogue }
    }

    fn request<'a>(&'a self, bound: &'a Bound, seed: u64, leave_out: &BTreeSet<TableName>) -> Request<'a> {
        Request {
            catalogue: &self.catalogue,
            references: &self.references,
            bound,
            size: profile::Size::Small,
            rows: self.catalogue.tables.iter().map(|table| (table.name.clone(), 25)).collect(),
            seed,
            leave_out: leave_out.clone(),
            outside: BTreeMap::new(),
        }
    }
}

fn made<'a>(request: &'a Request<'a>, source: &mut dyn Source) -> Result<Done<'a>, Error> {
    let mut ask =
        |table: &Table, checks: &[&check::Check], rows: &[Vec<Option<Value>>]| check::ask(source, table, checks, rows);
    make(request, Some(&mut ask), &Cancel::default())
}

fn hold(server: &Server, seeds: std::ops::Range<u64>) {
    let (mut rows, mut refused) = (0, 0);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let text = schema(server.kind, seed);
        let whole = format!("{}{}", text.tables, text.later);
        let mut source = source(&server.with(&whole), &Cancel::default()).unwrap();
        let subject = Subject::of(&mut *source);
        let (bound, nothing) = (Bound::default(), BTreeSet::new());
        let request = subject.request(&bound, seed, &nothing);
        match made(&request, &mut *source) {
            Ok(done) => {
                // The same rows by way of a snapshot, into a database where every constraint is at work.
                let line = Line::new();
                let shape = Shape::Database(source);
                let options = options(&subject, seed);
                let cancel = Cancel::default();
                generate::generate(
                    &context(&Silent, &cancel),
                    shape,
                    &Profile::default(),
                    Some(&line.repository),
                    &options,
                )
                .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{whole}"));
                let used = server.with(&whole);
                let before = server.content(&used);
                line.restore(&used, "s").unwrap_or_else(|error| panic!("seed {seed}: {error}\n{whole}"));
                rows += compare(server, &used, &done, &[]);
                rolled_back(&used).unwrap();
                assert_eq!(server.content(&used), before, "seed {seed}\n{whole}");
            }
            // Nothing is refused but by name.
            Err(error) => {
                let named = subject.catalogue.tables.iter().any(|table| error.what().contains(&table.name.to_string()));
                assert!(error.kind() == Kind::Policy && named, "seed {seed}: {error}\n{whole}");
                refused += 1;
            }
        }
    }
    assert!(rows > 20 * count && refused * 5 < count, "{rows} rows, {refused} of {count} schemas refused");
}

fn options(subject: &Subject, seed: u64) -> Options {
    Options {
        name: "s".into(),
        size: Size::Small,
        rows: subject.catalogue.tables.iter().map(|table| (table.name.name.clone(), 25)).collect(),
        scenario: None,
        seed,
        only_empty: false,
        infer: false,
        dry_run: false,
        prove: None,
        expires: None,
        tags: BTreeSet::new(),
    }
}

/// The rows in the server's own words.
fn inserts(done: &Done<'_>, left_out: &[usize]) -> String {
    let catalogue = done.world.catalogue;
    let mut text = String::new();
    for (at, table) in catalogue.tables.iter().enumerate().filter(|(at, _)| !left_out.contains(at)) {
        for batch in done.world.batches(at) {
            let columns: Vec<_> = table.stored_columns().into_iter().map(|at| &table.columns[at]).collect();
            let sql = Sql::new(catalogue.engine).lit("INSERT INTO ").table(&table.name).lit(" (");
            let sql = sql.list(&columns, ", ", |sql, column| sql.name(&column.name)).lit(") VALUES ");
            let sql = sql.list(0..batch.rows(), ",\n", |sql, row| {
                let cells = sql.lit("(").list(0..batch.columns(), ", ", |sql, column| {
                    literal(sql, columns[column].family, &batch, row, column)
                });
                cells.lit(")")
            });
            text += &format!("{};\n", sql.text());
        }
    }
    text
}

fn literal(sql: Sql, family: Family, batch: &Batch, row: usize, column: usize) -> Sql {
    let cell = batch.cell(row, column);
    let text = String::from_utf8_lossy(cell.bytes);
    let is_hex = matches!(sql.engine(), EngineKind::Mysql | EngineKind::Mariadb) && family == Family::Blob;
    match cell.kind {
        CellKind::Null => sql.lit("NULL"),
        CellKind::Text if is_hex => {
            let bytes = data_encoding::HEXLOWER.decode(&text.as_bytes()[2..]).unwrap();
            sql.bytes(&bytes)
        }
        CellKind::Text => sql.string(&text),
        CellKind::Integer | CellKind::Real => sql.number(&text).unwrap(),
        CellKind::Blob => sql.bytes(cell.bytes),
    }
}

/// Holds what a database reads back against what was made. Tells how many rows.
fn compare(server: &Server, url: &str, done: &Done<'_>, left_out: &[usize]) -> u64 {
    let catalogue = done.world.catalogue;
    let mut source = source(url, &Cancel::default()).unwrap();
    let mut rows = 0;
    for (at, table) in catalogue.tables.iter().enumerate().filter(|(at, _)| !left_out.contains(at)) {
        let (mut wanted, mut found) = (ContentDigest::default(), ContentDigest::default());
        let mut seen = Vec::new();
        done.world.batches(at).for_each(|batch| wanted.add(&batch));
        let stored = table.stored_columns();
        let sql = Sql::new(catalogue.engine).lit("SELECT ");
        let sql = sql.list(&stored, ", ", |sql, &at| sql::exact_column(sql, &table.columns[at]));
        let query = Query { sql: sql.lit(" FROM ").table(&table.name), columns: stored.len() };
        let mut take = |batch: Batch| {
            found.add(&batch);
            seen.extend(lines(&batch));
            Ok(())
        };
        rows += source.read(&query, &mut take).unwrap();
        let mut made: Vec<String> = done.world.batches(at).flat_map(|batch| lines(&batch)).collect();
        made.sort();
        seen.sort();
        let other = made.iter().zip(&seen).find(|(made, seen)| made != seen);
        assert!(wanted.to_hex() == found.to_hex(), "{} {}: {other:?}\n{}", server.kind, table.name, table.create);
    }
    if server.kind == EngineKind::Sqlite {
        assert_eq!(server.count(url, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    }
    rows
}

/// The rows of a batch as text, which are nobody's.
fn lines(batch: &Batch) -> Vec<String> {
    let line = |row: usize| {
        let cell = |column: usize| {
            let cell = batch.cell(row, column);
            format!("{:?} {}", cell.kind, String::from_utf8_lossy(cell.bytes))
        };
        (0..batch.columns()).map(cell).collect::<Vec<_>>().join(" | ")
    };
    (0..batch.rows()).map(line).collect()
}

/// A table for each type of the dialect, whose column must have a value. What cannot be made is refused by name.
fn every_type_reads_back_as_made(server: &Server) {
    let types = server.dialect.types.iter().enumerate();
    let table = |(at, (kind, _)): (usize, &(&str, &[&str]))| {
        format!("CREATE TABLE k{at} (id INTEGER NOT NULL PRIMARY KEY, v {} NOT NULL);\n", kind.replace(" NOT NULL", ""))
    };
    let tables = format!("{}\n{}", server.dialect.before, types.map(table).collect::<String>());
    let mut source = source(&server.with(&tables), &Cancel::default()).unwrap();
    let subject = Subject::of(&mut *source);
    let (bound, mut left_out) = (Bound::default(), BTreeSet::new());
    loop {
        let request = subject.request(&bound, 1, &left_out);
        let error = match made(&request, &mut *source) {
            Ok(done) => {
                let without: Vec<usize> = (0..subject.catalogue.tables.len())
                    .filter(|&at| left_out.contains(&subject.catalogue.tables[at].name))
                    .collect();
                let target = server.with(&format!("{tables}{}", inserts(&done, &without)));
                compare(server, &target, &done, &without);
                break;
            }
            Err(error) => error,
        };
        let refused = subject.catalogue.tables.iter().find(|table| error.what().contains(&format!("{}.v", table.name)));
        let Some(refused) = refused else { panic!("{error}") };
        left_out.insert(refused.name.clone());
    }
    let named = |name: &TableName| subject.catalogue.table(name).unwrap().columns[1].declared.clone();
    let refused: Vec<String> = left_out.iter().map(named).collect();
    assert!(refused.len() * 8 < subject.catalogue.tables.len(), "{}: nothing makes {refused:?}", server.kind);
}
