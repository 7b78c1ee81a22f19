//! Whole schemas with rows, and targets where one column or table has another name: found at a glance, bridged by a map.

use super::drift::{Map, Named, TableMap};
use super::fill_testing::fill;
use super::filled_tests::{MARIADB, MYSQL, POSTGRESQL, Server, keep_everything, schemas};
use super::load::OnConflict;
use super::restore::{self, Options};
use super::server_tests::{captured, context, rolled_back, source, target};
use super::state;
use crate::engine::sql::Sql;
use crate::error::Kind;
use crate::model::drift::Aspect;
use crate::model::schema::{Catalogue, SchemaObject, Table};
use std::time::Duration;

#[test]
fn what_was_renamed_in_a_real_schema_is_found_and_bridged_on_postgresql() {
    renamed(&POSTGRESQL);
}

#[test]
fn what_was_renamed_in_a_real_schema_is_found_and_bridged_on_mariadb() {
    renamed(&MARIADB);
}

#[test]
fn what_was_renamed_in_a_real_schema_is_found_and_bridged_on_mysql() {
    renamed(&MYSQL);
}

fn named(name: &str) -> Named {
    Named { name: name.into(), place: "f.toml:1".into() }
}

fn options(tables: Vec<TableMap>, dry_run: bool) -> Options {
    Options {
        on_error: super::quarantine::OnError::Abort,
        quarantine: None,
        create: false,
        on_conflict: OnConflict::Fail,
        keep_others: false,
        suspend_triggers: true,
        tables: Vec::new(),
        dry_run,
        lock_timeout: Duration::from_secs(5),
        surroundings: super::surroundings::Surroundings::on_this_machine(),
        allow_lossy: false,
        map: Map { tables },
        marker: super::marking::Marker::default(),
        streams: None,
    }
}

/// Columns that can be renamed without a trigger, a view or an expression minding: one of every so many tables. The first one,
/// which is mostly the key, of some, the last one of others.
fn chosen(catalogue: &Catalogue) -> Vec<(&Table, &str)> {
    let is_quiet = |table: &&Table| {
        let minds = |object: &SchemaObject| match object.kind.as_str() {
            "trigger" => object.table.as_ref() == Some(&table.name),
            "view" | "materialized view" => object.create.contains(&table.name.name),
            _ => false,
        };
        let plain = !table.columns.iter().any(|column| column.generated) && table.checks.is_empty();
        plain && !catalogue.post.iter().any(minds)
    };
    let quiet: Vec<&Table> = catalogue.tables.iter().filter(is_quiet).collect();
    let step = (quiet.len() / 6).max(1);
    let mut columns = Vec::new();
    for (number, table) in quiet.into_iter().step_by(step).enumerate() {
        let at = if number % 2 == 0 { 0 } else { table.columns.len() - 1 };
        columns.push((table, table.columns[at].name.as_str()));
    }
    columns
}

fn renamed(server: &Server) {
    for (name, schema) in schemas(server) {
        let (original, moved) = ((server.fresh)(), (server.fresh)());
        for url in [&original, &moved] {
            (server.script)(url, &schema);
        }
        let filled = fill(&mut *target(&original), 1);
        let catalogue = source(&original).catalogue().unwrap();
        let repository = captured(&original, &keep_everything(&catalogue));
        let snapshot = repository.find("s").unwrap();
        let restore =
            |options: &Options| restore::restore(&context(), &repository, &snapshot, &mut *target(&moved), options);
        let same = restore(&options(Vec::new(), true)).unwrap();
        assert_eq!(same.differences, Vec::new(), "{name}: the same schema");

        let columns = chosen(&catalogue);
        assert!(columns.len() >= 3, "{name}: only {} columns", columns.len());
        let new_name = |column: &str| format!("{column}_x");
        for (table, column) in &columns {
            let sql =
                Sql::new(server.engine).lit("ALTER TABLE ").table(&table.name).lit(" RENAME COLUMN ").name(column);
            (server.script)(&moved, sql.lit(" TO ").name(&new_name(column)).text());
        }
        let content = || {
            let mut source = source(&moved);
            let catalogue = source.catalogue().unwrap();
            state::database_digest(&mut *source, &catalogue).unwrap()
        };
        let before = content();
        let error = restore(&options(Vec::new(), false)).map(drop).unwrap_err();
        assert_eq!((error.kind(), content()), (Kind::Drift, before.clone()), "{name}: {error}");
        let missing: Vec<_> = error.differences().iter().filter(|it| it.aspect == Aspect::MissingColumn).collect();
        assert_eq!(missing.len(), columns.len(), "{name}: {error}");

        let map = |it: &&crate::model::drift::Difference| TableMap {
            table: named(&it.table.to_string()),
            to: None,
            rename: vec![(
                named(&it.columns[0]),
                named(it.renamed.as_ref().unwrap_or_else(|| panic!("{name}: {it:?}"))),
            )],
            drop: Vec::new(),
            default: Vec::new(),
            cast: Vec::new(),
            labels: Vec::new(),
        };
        let mapped = options(missing.iter().map(map).collect(), false);
        assert_eq!(restore(&mapped).unwrap().rows(), filled.rows, "{name}");
        assert!(restore(&mapped).unwrap().unchanged, "{name}");
        rolled_back(&moved).unwrap();
        assert_eq!(content(), before, "{name}");
    }
}
