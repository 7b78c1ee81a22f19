//! The SQLite catalogue, from `sqlite_master` and the table pragmas.

use super::ddl;
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::{
    Catalogue, Column, EngineKind, ForeignKey, SchemaObject, Table, TableKind, TableName, Traces, Unique,
};
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;

pub(super) fn read(connection: &Connection) -> Result<Catalogue> {
    catalogue(connection).map_err(|error| {
        if super::connect::is_busy(&error) {
            return super::connect::busy("the SQLite database");
        }
        Error::unreachable("cannot read the catalogue of the SQLite database")
            .caused_by(super::connect::described(&error))
            .hint("Run 'PRAGMA integrity_check' with the sqlite3 shell.")
    })
}

type Sqlite<T> = rusqlite::Result<T>;

fn catalogue(connection: &Connection) -> Sqlite<Catalogue> {
    let mut tables = all(
        connection,
        "SELECT l.name, l.type, l.strict, m.sql FROM pragma_table_list l JOIN sqlite_master m ON m.name = l.name \
         AND m.type = 'table' WHERE l.schema = 'main' AND l.type IN ('table', 'virtual', 'shadow') ORDER BY l.name",
        [],
        |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?, row.get::<_, String>(3)?))
        },
    )?;
    let mut own = Traces::default();
    let has_sequence = exists(connection, "sqlite_sequence")?;
    own.tables.extend(tables.iter().map(|(name, ..)| name.clone()).filter(|name| mark::is_own_table(name)));
    tables.retain(|(name, ..)| !mark::is_own_table(name) && !name.starts_with("sqlite_"));
    // Columns of that name are markers only where the ledger says that a run is here; else they are somebody's own.
    if own.tables.iter().any(|table| table == mark::RUNS_TABLE) {
        for (name, ..) in &tables {
            let columns = columns_of(connection, name)?;
            let has = |wanted: &str| columns.iter().any(|(column, _)| column.name == wanted);
            if has(mark::RUN_COLUMN) && has(mark::AT_COLUMN) {
                own.marked.push(TableName::plain(name));
            }
        }
    }
    let tables = tables
        .into_iter()
        .map(|(name, kind, strict, create)| {
            let marked = own.marked.iter().any(|table| table.name == name);
            let mut table = table(connection, &name, &kind, marked, &create)?;
            table.strict = strict;
            table.counter &= has_sequence;
            Ok(table)
        })
        .collect::<Sqlite<Vec<_>>>()?;
    let post = all(
        connection,
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL \
         ORDER BY type = 'trigger', type = 'view', rowid",
        [],
        |row| {
            let kind: String = row.get(0)?;
            let table: String = row.get(2)?;
            Ok(SchemaObject {
                table: (kind != "view").then(|| TableName::plain(table)),
                kind,
                name: row.get(1)?,
                create: row.get(3)?,
            })
        },
    )?
    .into_iter()
    .filter(|object| !object.table.as_ref().is_some_and(|table| mark::is_own_table(&table.name)))
    .collect();
    Ok(Catalogue {
        engine: EngineKind::Sqlite,
        version: rusqlite::version().to_owned(),
        settings: settings(connection)?,
        tables,
        pre: Vec::new(),
        post,
        own,
    })
}

/// Settings that a new file needs before its first table.
fn settings(connection: &Connection) -> Sqlite<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0))?;
    settings.insert("encoding".into(), encoding);
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    settings.insert("application_id".into(), application.to_string());
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    settings.insert("user_version".into(), version.to_string());
    Ok(settings)
}

fn table(connection: &Connection, name: &str, kind: &str, marked: bool, create: &str) -> Sqlite<Table> {
    let kind = match kind {
        "virtual" => TableKind::Virtual,
        "shadow" => TableKind::Shadow,
        _ => TableKind::Ordinary,
    };
    let mut columns = Vec::new();
    let mut key: Vec<(i64, usize)> = Vec::new();
    for (mut column, key_position) in columns_of(connection, name)? {
        if marked && mark::is_marker(&column.name) {
            continue;
        }
        if kind == TableKind::Ordinary {
            let (_, collation, ..) = connection.column_metadata(Some("main"), name, column.name.as_str())?;
            let collation = collation.map(|text| text.to_string_lossy().into_owned());
            column.collation = collation.filter(|text| text != "BINARY");
        }
        if key_position > 0 {
            key.push((key_position, columns.len()));
        }
        columns.push(column);
    }
    key.sort_unstable();
    let position = |wanted: &str| columns.iter().position(|column: &Column| column.name == wanted);
    let uniques = uniques(connection, name, &position)?;
    let counter = create.to_ascii_uppercase().contains("AUTOINCREMENT");
    Ok(Table {
        name: TableName::plain(name),
        kind,
        primary_key: key.into_iter().map(|(_, at)| at).collect(),
        uniques,
        foreign_keys: foreign_keys(connection, name)?,
        columns,
        checks: Vec::new(),
        create: if marked { ddl::without_markers(create) } else { create.to_owned() },
        counter,
        strict: false,
    })
}

fn columns_of(connection: &Connection, table: &str) -> Sqlite<Vec<(Column, i64)>> {
    let columns = all(
        connection,
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid",
        [table],
        |row| {
            let declared: String = row.get(1)?;
            let (not_null, hidden): (bool, i64) = (row.get(2)?, row.get(5)?);
            let key: i64 = row.get(4)?;
            Ok((
                Column {
                    name: row.get(0)?,
                    family: ddl::family(&declared),
                    length: ddl::length(&declared),
                    declared,
                    nullable: !not_null,
                    default: row.get(3)?,
                    generated: hidden >= 2,
                    collation: None,
                    comment: None,
                },
                key,
                hidden == 1,
            ))
        },
    )?;
    Ok(columns.into_iter().filter(|(_, _, hidden)| !hidden).map(|(column, key, _)| (column, key)).collect())
}

fn uniques(connection: &Connection, table: &str, position: &dyn Fn(&str) -> Option<usize>) -> Sqlite<Vec<Unique>> {
    let indexes = all(
        connection,
        "SELECT name, partial FROM pragma_index_list(?1) WHERE \"unique\" AND origin <> 'pk' ORDER BY name",
        [table],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)),
    )?;
    let mut uniques = Vec::new();
    for (name, partial) in indexes {
        let members = all(connection, "SELECT name FROM pragma_index_info(?1) ORDER BY seqno", [&name], |row| {
            row.get::<_, Option<String>>(0)
        })?;
        let columns: Option<Vec<usize>> = members.iter().map(|member| member.as_deref().and_then(position)).collect();
        let expression = columns.is_none();
        uniques.push(Unique { name, columns: columns.unwrap_or_default(), partial: partial || expression });
    }
    Ok(uniques)
}

fn foreign_keys(connection: &Connection, table: &str) -> Sqlite<Vec<ForeignKey>> {
    struct Part {
        id: i64,
        parent: String,
        from: String,
        to: Option<String>,
        on_update: String,
        on_delete: String,
    }
    let parts = all(
        connection,
        "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1) \
         ORDER BY id DESC, seq",
        [table],
        |row: &Row<'_>| {
            Ok(Part {
                id: row.get(0)?,
                parent: row.get(1)?,
                from: row.get(2)?,
                to: row.get(3)?,
                on_update: row.get(4)?,
                on_delete: row.get(5)?,
            })
        },
    )?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    for part in parts {
        if keys.last().is_none_or(|(id, _)| *id != part.id) {
            let key = ForeignKey {
                name: String::new(),
                columns: Vec::new(),
                parent: TableName::plain(canonical_name(connection, &part.parent)?),
                parent_columns: Vec::new(),
                on_delete: ddl::action(&part.on_delete),
                on_update: ddl::action(&part.on_update),
            };
            keys.push((part.id, key));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(part.from);
            key.parent_columns.extend(part.to);
        }
    }
    let mut keys: Vec<ForeignKey> = keys.into_iter().map(|(_, key)| key).collect();
    let own = if keys.is_empty() { Vec::new() } else { columns_of(connection, table)? };
    for key in &mut keys {
        let mut parts = columns_of(connection, &key.parent.name)?;
        key.name = format!("{table}({}) -> {}", key.columns.join(", "), key.parent.name);
        spell(&mut key.columns, &own);
        spell(&mut key.parent_columns, &parts);
        if key.parent_columns.is_empty() {
            // REFERENCES parent without columns means its primary key.
            parts.retain(|(_, position)| *position > 0);
            parts.sort_by_key(|(_, position)| *position);
            key.parent_columns = parts.into_iter().map(|(column, _)| column.name).collect();
        }
    }
    Ok(keys)
}

/// Foreign keys may spell a column in another case than its definition.
fn spell(names: &mut [String], columns: &[(Column, i64)]) {
    for name in names {
        let found = columns.iter().find(|(column, _)| column.name.eq_ignore_ascii_case(name));
        if let Some((column, _)) = found {
            name.clone_from(&column.name);
        }
    }
}

fn exists(connection: &Connection, table: &str) -> Sqlite<bool> {
    connection
        .query_row("SELECT count(*) FROM sqlite_master WHERE name = ?1", [table], |row| row.get::<_, i64>(0))
        .map(|n| n > 0)
}

/// Foreign keys may spell the parent in another case than its definition.
fn canonical_name(connection: &Connection, name: &str) -> Sqlite<String> {
    let found = all(
        connection,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
        [name],
        |row| row.get::<_, String>(0),
    )?;
    Ok(found.into_iter().next().unwrap_or_else(|| name.to_owned()))
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    each: impl FnMut(&Row<'_>) -> Sqlite<T>,
) -> Sqlite<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(parameters, each)?.collect()
}
