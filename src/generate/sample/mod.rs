//! The sample ERP: a small wholesale business, made up from end to end, the same on every machine and every engine.
//!
//! It is what `demo` shows the tool with and what tests capture. Every trap a real database sets is in it once: cycles,
//! composite keys, a table without a key, reserved and mixed-case names, generated columns, a trigger, personal data in
//! free text and JSON. `docs/sample-erp.md` maps it.

mod catalog;
mod misc;
mod people;
pub mod promises;
mod random;
mod render;
mod sales;
mod schema;
mod stock;
#[cfg(test)]
mod tests;
mod words;
mod world;

use crate::engine::sql::Sql;
use crate::model::schema::EngineKind;
pub use schema::{ColumnDef, ColumnType, KeyDef, TableDef};

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A whole number; 0 and 1 in boolean columns.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// Text, dates, times and JSON.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A table of the sample with its rows.
#[derive(Debug, Clone)]
pub struct SampleTable {
    /// The table's name.
    pub name: &'static str,
    /// The columns that rows have a cell for; generated ones are left out.
    pub columns: Vec<&'static ColumnDef>,
    /// The rows, in primary key order where there is a key.
    pub rows: Vec<Vec<Value>>,
}

/// The tables as they are defined, parents first.
#[must_use]
pub fn definitions() -> &'static [TableDef] {
    catalog::TABLES
}

/// Every table with its rows, parents first. `scale` multiplies clients, lots, orders and all that hangs on them.
#[must_use]
pub fn tables(scale: u32) -> Vec<SampleTable> {
    let scale = i64::from(scale.max(1));
    let mut world = world::World::default();
    people::fill(&mut world, scale);
    stock::fill(&mut world, scale);
    sales::fill(&mut world, scale);
    stock::settle(&mut world);
    misc::fill(&mut world, scale);
    let mut rows = |table: &str| world.rows.remove(table).unwrap_or_default();
    let tables = catalog::TABLES.iter();
    tables.map(|table| SampleTable { name: table.name, columns: table.stored(), rows: rows(table.name) }).collect()
}

/// The statements that create the empty sample: tables, indexes, view and trigger.
#[must_use]
pub fn schema(engine: EngineKind) -> Vec<Sql> {
    let tables = catalog::TABLES.iter().map(|table| render::create_table(engine, table));
    tables.chain(render::post(engine)).collect()
}

/// The statements that create the sample with its rows. The trigger comes last, so that it does not fire for them.
#[must_use]
pub fn script(engine: EngineKind, scale: u32) -> Vec<Sql> {
    let rows = tables(scale);
    let pairs = || catalog::TABLES.iter().zip(&rows);
    let mut script: Vec<Sql> = catalog::TABLES.iter().map(|table| render::create_table(engine, table)).collect();
    script.extend(pairs().flat_map(|(table, data)| render::inserts(engine, table, &data.rows)));
    script.extend(pairs().flat_map(|(table, data)| render::closing_updates(engine, table, &data.rows)));
    script.extend(pairs().filter_map(|(table, data)| render::restart_counter(engine, table, data.rows.len())));
    script.extend(render::post(engine));
    script
}
