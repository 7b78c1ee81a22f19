//! Names on another engine: one namespace instead of schemas, shorter limits, no difference of case.

use crate::error::{Error, Result};
use crate::model::schema::{EngineKind, Table, TableName};
use std::collections::BTreeMap;

/// The name of each table on the engine `to`.
///
/// # Errors
/// Kind `Drift`, naming the table or column, when a name is too long, reserved, or the same as another there.
pub(super) fn tables(tables: &[&Table], to: EngineKind) -> Result<BTreeMap<TableName, TableName>> {
    let mut names = BTreeMap::new();
    let mut taken: BTreeMap<String, &TableName> = BTreeMap::new();
    for table in tables {
        let name = match &table.name.schema {
            Some(schema) if to != EngineKind::Postgres => format!("{schema}__{}", table.name.name),
            _ => table.name.name.clone(),
        };
        check(&format!("table {}", table.name), &name, to)?;
        if to == EngineKind::Sqlite && name.to_ascii_lowercase().starts_with("sqlite_") {
            return Err(refused(&format!("table {}", table.name), "SQLite keeps names with sqlite_ for itself"));
        }
        let folded = if to == EngineKind::Sqlite { name.to_lowercase() } else { name.clone() };
        if let Some(other) = taken.insert(folded, &table.name) {
            return Err(refused(&format!("tables {other} and {}", table.name), &format!("{to} has one name for both")));
        }
        columns(table, to)?;
        names.insert(table.name.clone(), TableName::plain(name));
    }
    Ok(names)
}

fn columns(table: &Table, to: EngineKind) -> Result<()> {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for column in &table.columns {
        let place = format!("table {}, column {}", table.name, column.name.escape_debug());
        check(&place, &column.name, to)?;
        let folded = if to == EngineKind::Postgres { column.name.clone() } else { column.name.to_lowercase() };
        if let Some(other) = taken.insert(folded, &column.name) {
            let why = format!("{to} has one name for it and {}", other.escape_debug());
            return Err(refused(&place, &why));
        }
    }
    Ok(())
}

/// Whether the engine takes an identifier.
pub(super) fn fits(name: &str, to: EngineKind) -> bool {
    match to {
        EngineKind::Sqlite => true,
        EngineKind::Postgres => name.len() <= 63,
        EngineKind::Mysql | EngineKind::Mariadb => {
            name.chars().count() <= 64 && !name.ends_with(' ') && name.chars().all(|c| c <= '\u{FFFF}')
        }
    }
}

fn check(place: &str, name: &str, to: EngineKind) -> Result<()> {
    if fits(name, to) {
        return Ok(());
    }
    Err(refused(place, &format!("the name is too long for {to}, or has a character that it does not take")))
}

fn refused(place: &str, why: &str) -> Error {
    Error::drift(format!("the snapshot does not fit another engine: {place}: {why}"))
        .hint("Rename it in the source and capture again, or restore only other tables with --table.")
}
