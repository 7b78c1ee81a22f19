//! Made-up rows for whole schemas: the sample ERP's, and every schema in the folder `TEST_SCHEMAS`. Every table gets rows, the
//! server takes them with every constraint and trigger at work, and a rollback leaves nothing.

use super::filled_tests::{MARIADB, MYSQL, POSTGRESQL, Server, schemas, state_of};
use super::generate::{self, BUILT_IN, Options, Outcome, Shape};
use super::load::OnConflict;
use super::server_tests::{context, empty_repository, restored, rolled_back, source};
use crate::generate::profile::Profile;
use crate::model::schema::{Table, TableKind};
use crate::secret::Address;
use crate::subset::Size;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn whole_schemas_are_made_up_on_mariadb() {
    made_up(&MARIADB);
}

#[test]
fn whole_schemas_are_made_up_on_mysql() {
    made_up(&MYSQL);
}

#[test]
fn whole_schemas_are_made_up_on_postgresql() {
    made_up(&POSTGRESQL);
}

fn made_up(server: &Server) {
    let (name, text) = BUILT_IN[0];
    let profile = Profile::parse(name, text).unwrap();
    for (name, schema) in schemas(server) {
        let url = (server.fresh)();
        (server.script)(&url, &schema);
        let before = state_of(&url);
        let repository = empty_repository();
        let options = Options {
            name: "s".into(),
            size: Size::Small,
            rows: BTreeMap::new(),
            scenario: None,
            seed: 1,
            only_empty: false,
            infer: true,
            dry_run: false,
            prove: Some(Address::new(&url)),
            expires: None,
            tags: BTreeSet::new(),
        };
        let outcome =
            { generate::generate(&context(), Shape::Database(source(&url)), &profile, Some(&repository), &options) };
        let outcome =
            outcome.unwrap_or_else(|error| panic!("{name}: {error}\n{}", error.hint_text().unwrap_or_default()));
        tell(&name, &outcome);
        let ordinary = |table: &&Table| table.kind == TableKind::Ordinary;
        let tables: Vec<&Table> = before.catalogue.tables.iter().filter(ordinary).collect();
        let rows =
            |table: &Table| outcome.tables.iter().find(|(name, ..)| *name == table.name).map_or(0, |made| made.1);
        let empty: Vec<String> = tables.iter().filter(|it| rows(it) == 0).map(|it| it.name.to_string()).collect();
        assert!(empty.is_empty(), "{name}: no rows in {empty:?}");
        assert!(outcome.invariants.iter().all(|it| it.failed == 0), "{name}: {:#?}", outcome.invariants);
        let taken = restored(&repository, &url, OnConflict::Fail).unwrap();
        assert_eq!(taken.rows(), outcome.tables.iter().map(|made| made.1).sum::<u64>(), "{name}");
        rolled_back(&url).unwrap();
        state_of(&url).assert_is(&before, &name);
    }
}

fn tell(name: &str, outcome: &Outcome) {
    let rows: u64 = outcome.tables.iter().map(|made| made.1).sum();
    println!("{name}: {rows} rows in {} tables, {} ms", outcome.tables.len(), outcome.millis);
    println!("  {} references by name, {} invariants", outcome.inferred.len(), outcome.invariants.len());
    for note in &outcome.notes {
        println!("  {note}");
    }
}
