//! `refs` on the users' own schema: a folder `TEST_SCHEMAS` that says which references its schema means finds them again.

use super::fill_testing::fill_by;
use super::filled_tests::{MARIADB, MYSQL, POSTGRESQL, Server, schemas};
use super::refs::{Outcome, refs};
use super::server_tests::{context, source, target};
use crate::detect::{self, KnownReference};
use crate::engine::sql::Sql;
use crate::engine::{Enforce, Target};
use crate::event::Cancel;
use crate::model::schema::{Action, Catalogue, ForeignKey, TableName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// A reference that a schema means and does not declare.
#[derive(Debug, Deserialize)]
struct Implied {
    table: String,
    columns: Vec<String>,
    ref_table: String,
    ref_columns: Vec<String>,
}

/// An id that may be one of several tables.
#[derive(Debug, Deserialize)]
struct Mixed {
    table: String,
    id_column: String,
}

/// A file of the folder `TEST_SCHEMAS`; none without it.
fn listed<T: DeserializeOwned>(name: &str) -> Option<Vec<T>> {
    let folder = std::env::var_os("TEST_SCHEMAS").filter(|folder| !folder.is_empty())?;
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn refs_finds_what_the_users_schema_means_on_mariadb() {
    finds_what_it_means(&MARIADB);
}

#[test]
fn refs_finds_what_the_users_schema_means_on_mysql() {
    finds_what_it_means(&MYSQL);
}

fn finds_what_it_means(server: &Server) {
    let (Some(implied), Some(mixed)) = (listed("implied_fks.json"), listed("polymorphic_refs.json")) else { return };
    for (name, schema) in schemas(server).into_iter().skip(1) {
        let url = (server.fresh)();
        (server.script)(&url, &schema);
        let found = proposed(&url, &[]);
        assert!(found.contradicted.is_empty());
        check(&format!("{name}, empty"), &found, &implied, &mixed);
        fill(&mut *target(&url), &implied, &mixed);
        let found = proposed(&url, &[]);
        check(&format!("{name}, with rows"), &found, &implied, &mixed);
        // What a policy has by then is not proposed again.
        let known = |proposal: &crate::detect::Proposal| KnownReference {
            table: proposal.table.to_string(),
            columns: proposal.columns.clone(),
        };
        let known: Vec<KnownReference> = found.references.iter().map(known).collect();
        assert!(proposed(&url, &known).references.is_empty());
    }
}

fn proposed(url: &str, known: &[KnownReference]) -> Outcome {
    refs(&context(), &mut *source(url), known, 50).unwrap()
}

/// Rows for which every reference holds that the schema means.
fn fill(target: &mut dyn Target, implied: &[Implied], mixed: &[Mixed]) {
    let mut catalogue = target.catalogue().unwrap();
    let any_table = implied[0].ref_table.clone();
    for reference in implied {
        declare(&mut catalogue, &reference.table, &reference.columns, &reference.ref_table, &reference.ref_columns);
    }
    for reference in mixed {
        let columns = std::slice::from_ref(&reference.id_column);
        declare(&mut catalogue, &reference.table, columns, &any_table, &implied[0].ref_columns);
    }
    let filled = fill_by(target, &catalogue, 1);
    assert!(filled.empty.len() * 10 <= catalogue.tables.len(), "{:#?}", filled.empty);
    for reference in mixed {
        // A text beside the id names that table.
        let table = catalogue.tables.iter().find(|table| table.name.name == reference.table).unwrap();
        let kind = reference.id_column.replace("_id", "_type").replace("Id", "Type");
        let Some(column) = table.columns.iter().find(|column| column.name == kind && column.length.is_some()) else {
            continue;
        };
        let sql = Sql::new(catalogue.engine).lit("UPDATE ").table(&table.name).lit(" SET ").name(&column.name);
        target.begin(Enforce::Nothing).unwrap();
        target.execute(&sql.lit(" = ").string(any_table.trim_end_matches('s'))).unwrap();
        target.end(true).unwrap();
    }
}

fn declare(catalogue: &mut Catalogue, table: &str, columns: &[String], parent: &str, parent_columns: &[String]) {
    let table = catalogue.tables.iter_mut().find(|other| other.name.name == table).unwrap();
    table.foreign_keys.push(ForeignKey {
        name: "meant".to_owned(),
        columns: columns.to_vec(),
        parent: TableName::plain(parent),
        parent_columns: parent_columns.to_vec(),
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
    });
}

fn check(when: &str, found: &Outcome, implied: &[Implied], mixed: &[Mixed]) {
    let place = |table: &str, columns: &[String], parent: &str, parent_columns: &[String]| {
        format!("{table}.{} -> {parent}.{}", columns.join("+"), parent_columns.join("+"))
    };
    let proposals: BTreeSet<String> = found
        .references
        .iter()
        .map(|p| place(&p.table.to_string(), &p.columns, &p.parent.to_string(), &p.parent_columns))
        .collect();
    let meant: BTreeSet<String> =
        implied.iter().map(|i| place(&i.table, &i.columns, &i.ref_table, &i.ref_columns)).collect();
    let right = proposals.intersection(&meant).count();
    let wrong: Vec<&String> = proposals.difference(&meant).collect();
    let ids: BTreeSet<(String, &str)> =
        found.polymorphic.iter().map(|p| (p.table.to_string(), p.id_column.as_str())).collect();
    let flagged = mixed.iter().filter(|m| ids.contains(&(m.table.clone(), m.id_column.as_str()))).count();
    println!("{when}: {right} of {} found, {} wrong: {wrong:#?}", meant.len(), wrong.len());
    println!("  missing: {:#?}", meant.difference(&proposals).collect::<Vec<_>>());
    println!("  polymorphic: {flagged} of {}, {} in all: {ids:#?}", mixed.len(), ids.len());
    println!("  contradicted: {}, weaker: {}, {} ms", found.contradicted.len(), found.weaker, found.millis);
    assert!(right * 57 >= meant.len() * 50, "{when}: too few");
    assert!(wrong.len() <= 10, "{when}: too many are wrong");
    assert_eq!(flagged, mixed.len(), "{when}: polymorphic ones");
}

#[test]
fn refs_finds_declared_references_again_on_mariadb() {
    finds_hidden(&MARIADB);
}

#[test]
fn refs_finds_declared_references_again_on_postgresql() {
    finds_hidden(&POSTGRESQL);
}

/// Hides every declared foreign key of one column and looks for them, with rows for which they hold.
fn finds_hidden(server: &Server) {
    for (name, schema) in schemas(server) {
        let url = (server.fresh)();
        (server.script)(&url, &schema);
        let mut target = target(&url);
        let mut catalogue = target.catalogue().unwrap();
        fill_by(&mut *target, &catalogue, 1);
        let mut hidden = BTreeSet::new();
        for table in &mut catalogue.tables {
            for key in table.foreign_keys.drain(..).filter(|key| key.columns.len() == 1) {
                hidden.insert(format!("{}.{} -> {}", table.name, key.columns[0], key.parent));
            }
        }
        let found = detect::references(&mut *source(&url), &catalogue, &[], &Cancel::default()).unwrap();
        let likely = found.references.iter().filter(|p| p.confidence >= 50 && p.columns.len() == 1);
        let likely: BTreeSet<String> =
            likely.map(|p| format!("{}.{} -> {}", p.table, p.columns[0], p.parent)).collect();
        let right = likely.intersection(&hidden).count();
        println!("{name}: {right} of {} found again, {} others", hidden.len(), likely.len() - right);
        println!("  missing: {:#?}", hidden.difference(&likely).collect::<Vec<_>>());
        println!("  others: {:#?}", likely.difference(&hidden).collect::<Vec<_>>());
        // What is missing is mostly somebody (`created_by`), which a small number alone does not make a reference.
        let is_somebody = |place: &&String| place.ends_with(" -> users");
        let things = hidden.iter().filter(|place| !is_somebody(place)).count();
        let right_things = likely.intersection(&hidden).filter(|place| !is_somebody(place)).count();
        assert!(right_things * 10 >= things * 8, "{name}: {right_things} of {things}");
        assert!((likely.len() - right) * 10 <= hidden.len(), "{name}: {} others", likely.len() - right);
    }
}
