//! A capture with `[subset]` takes what docs/subset.md says: no row less, no row more, the same ones every time.

mod edge_tests;
mod filled_tests;
mod key_tests;
mod large_tests;
mod random_tests;

use super::subset_testing::{Given, Places, snapshot_rows, toml};
use crate::error::Result;
use crate::model::schema::EngineKind;

/// Makes a test of each function, on every engine.
macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite { $(#[test] fn $test() { super::$test(crate::model::schema::EngineKind::Sqlite); })* }
        mod on_postgresql { $(#[test] fn $test() { super::$test(crate::model::schema::EngineKind::Postgres); })* }
        mod on_mysql { $(#[test] fn $test() { super::$test(crate::model::schema::EngineKind::Mysql); })* }
        mod on_mariadb { $(#[test] fn $test() { super::$test(crate::model::schema::EngineKind::Mariadb); })* }
    };
}
use on_every_engine;

/// A database made by a script.
fn given(engine: EngineKind, script: &str) -> Given {
    Given::of(Places::new(engine), script)
}

/// What a subset of it takes: `clients: 1 2 | orders: 10`, by the first column; tables without rows are left out. It is
/// restored and rolled back as well.
fn taken(given: &Given, subset: &str) -> Result<String> {
    taken_by(given, &toml(&given.place, subset))
}

/// As [`taken`], by a whole policy.
fn taken_by(given: &Given, policy: &str) -> Result<String> {
    let snapshot = given.capture(policy, "s", 2)?;
    let rows = snapshot_rows(&given.repository, &snapshot.manifest);
    let places = Places::new(given.place.engine);
    let dev = places.fresh();
    dev.restore(&given.repository, "s")?;
    let restored = dev.rows();
    assert!(rows.iter().all(|(table, rows)| restored[table] == *rows), "what is restored is not what was captured");
    dev.roll_back()?;
    assert!(dev.rows().is_empty(), "the rollback left something");
    let told = rows.iter().filter(|(_, rows)| !rows.is_empty()).map(|(table, rows)| {
        let mut keys: Vec<String> = rows.iter().map(|row| row[0].as_deref().map_or("-".into(), shown)).collect();
        keys.sort_by_key(|key| (key.len(), key.clone()));
        format!("{}: {}", table.name, keys.join(" "))
    });
    Ok(told.collect::<Vec<_>>().join(" | "))
}

fn shown(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}
