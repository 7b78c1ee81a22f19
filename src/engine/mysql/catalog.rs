//! The catalogue of MySQL and MariaDB: `information_schema` for what things are, SHOW CREATE for how they are made.

use super::ddl;
use super::objects;
use super::session::{Session, TextRow};
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::{
    Catalogue, Column, EngineKind, Family, ForeignKey, Table, TableKind, TableName, Traces, Unique,
};
use std::collections::{BTreeMap, HashMap};

/// A text of a row; empty for NULL.
pub(super) fn cell(row: &TextRow, at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

pub(super) fn read(session: &mut Session, engine: EngineKind) -> Result<Catalogue> {
    read_all(session, engine).map_err(|error| error.within("reading the catalogue"))
}

/// The tables as they are and not how they are made, by name.
pub(super) fn shapes(session: &mut Session) -> Result<Vec<Table>> {
    let (tables, _) = shaped(session).map_err(|error| error.within("reading the catalogue"))?;
    Ok(tables.into_values().collect())
}

fn shaped(session: &mut Session) -> Result<(Tables, Traces)> {
    let (mut tables, mut own) = tables(session)?;
    columns(session, &mut tables, &mut own)?;
    indexes(session, &mut tables)?;
    foreign_keys(session, &mut tables)?;
    Ok((tables, own))
}

fn read_all(session: &mut Session, engine: EngineKind) -> Result<Catalogue> {
    let (mut tables, mut own) = shaped(session)?;
    for table in tables.values_mut() {
        create_text(session, table, own.marked.contains(&table.name))?;
    }
    let (pre, post) = objects::read(session)?;
    let mut tables: Vec<Table> = tables.into_values().collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    own.tables.sort();
    own.marked.sort();
    let facts =
        session.rows("SELECT VERSION(), @@character_set_database, @@collation_database, @@lower_case_table_names")?;
    let fact = |at: usize| facts.first().map(|row| cell(row, at).to_owned()).unwrap_or_default();
    let names = [(1, "character_set"), (2, "collation"), (3, "lower_case_table_names")];
    Ok(Catalogue {
        engine,
        version: fact(0),
        settings: names.into_iter().map(|(at, name)| (name.to_owned(), fact(at))).collect(),
        tables,
        pre,
        post,
        own,
    })
}

type Tables = BTreeMap<String, Table>;

/// Storage engines whose tables hold no rows of their own.
const WITHOUT_ROWS: [&str; 8] =
    ["BLACKHOLE", "FEDERATED", "FEDERATEDX", "MRG_MYISAM", "CONNECT", "SPIDER", "OQGRAPH", "PERFORMANCE_SCHEMA"];

/// Whether tables of a storage engine hold no rows of their own.
pub(super) fn is_without_rows(engine: &str) -> bool {
    WITHOUT_ROWS.contains(&engine.to_ascii_uppercase().as_str())
}

fn tables(session: &mut Session) -> Result<(Tables, Traces)> {
    let rows = session.rows(
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')",
    )?;
    let (mut tables, mut own) = (Tables::new(), Traces::default());
    for row in rows {
        let name = cell(&row, 0).to_owned();
        if mark::is_own_table(&name) {
            own.tables.push(name);
            continue;
        }
        // The history of a system-versioned table is the server's own to write.
        let is_plain = cell(&row, 1) == "BASE TABLE" && !is_without_rows(cell(&row, 2));
        let table = Table {
            name: TableName::plain(&name),
            kind: if is_plain { TableKind::Ordinary } else { TableKind::Virtual },
            columns: Vec::new(),
            primary_key: Vec::new(),
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            create: String::new(),
            counter: false,
            strict: true,
        };
        tables.insert(name, table);
    }
    Ok((tables, own))
}

fn columns(session: &mut Session, tables: &mut Tables, own: &mut Traces) -> Result<()> {
    let rows = session.rows(
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, \
         CHARACTER_MAXIMUM_LENGTH, IF(COLLATION_NAME = @@collation_database, NULL, COLLATION_NAME), \
         COALESCE(GENERATION_EXPRESSION, '') <> '', COLUMN_COMMENT \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION",
    )?;
    let own_sequence = own_sequence(session)?;
    let mut markers: HashMap<String, usize> = HashMap::new();
    for row in &rows {
        if mark::is_marker(cell(row, 1)) {
            *markers.entry(cell(row, 0).to_owned()).or_default() += 1;
        }
    }
    // Columns of that name are markers only where the ledger says that a run is here; else they are somebody's own.
    let has_ledger = own.tables.iter().any(|table| table == mark::RUNS_TABLE);
    let is_marked = |table: &str| has_ledger && markers.get(table) == Some(&2);
    own.marked = tables.keys().filter(|name| is_marked(name)).map(TableName::plain).collect();
    for row in rows {
        let Some(table) = tables.get_mut(cell(&row, 0)) else { continue };
        if is_marked(cell(&row, 0)) && mark::is_marker(cell(&row, 1)) {
            continue;
        }
        let extra = cell(&row, 6).to_ascii_lowercase();
        let is_counter = extra.contains("auto_increment");
        table.counter |= is_counter;
        let data_type = cell(&row, 3).to_ascii_lowercase();
        let length = ["char", "varchar"].contains(&data_type.as_str()).then(|| cell(&row, 7).parse().ok()).flatten();
        let default = row.get(5).cloned().flatten().filter(|text| text != "NULL");
        let default = default.map(|text| text.replace(&own_sequence, "nextval("));
        table.columns.push(Column {
            name: cell(&row, 1).to_owned(),
            declared: cell(&row, 2).to_owned(),
            family: ddl::family(&data_type),
            length,
            nullable: cell(&row, 4) == "YES",
            default: if is_counter { Some("AUTO_INCREMENT".to_owned()) } else { default },
            generated: cell(&row, 9) == "1",
            collation: row.get(8).cloned().flatten(),
            comment: row.get(10).cloned().flatten().filter(|text| !text.is_empty()),
        });
    }
    Ok(())
}

fn indexes(session: &mut Session, tables: &mut Tables) -> Result<()> {
    let rows = session.rows(
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
    )?;
    for row in rows {
        let Some(table) = tables.get_mut(cell(&row, 0)) else { continue };
        let column = table.column_index(cell(&row, 2));
        if cell(&row, 1) == "PRIMARY" {
            table.primary_key.extend(column);
            continue;
        }
        if table.uniques.last().is_none_or(|unique| unique.name != cell(&row, 1)) {
            table.uniques.push(Unique { name: cell(&row, 1).to_owned(), columns: Vec::new(), partial: false });
        }
        let Some(unique) = table.uniques.last_mut() else { continue };
        // An expression, or only the start of a column.
        unique.partial |= column.is_none() || !cell(&row, 3).is_empty();
        unique.columns.extend(column);
    }
    Ok(())
}

fn foreign_keys(session: &mut Session, tables: &mut Tables) -> Result<()> {
    let rows = session.rows(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = DATABASE()",
    )?;
    let place = |row: &TextRow| (cell(row, 0).to_owned(), cell(row, 1).to_owned());
    let rules: HashMap<(String, String), (String, String)> =
        rows.iter().map(|row| (place(row), (cell(row, 2).to_owned(), cell(row, 3).to_owned()))).collect();
    let rows = session.rows(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, IF(REFERENCED_TABLE_SCHEMA = DATABASE(), NULL, \
         REFERENCED_TABLE_SCHEMA), REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE \
         WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL \
         ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    )?;
    for row in rows {
        let Some(table) = tables.get_mut(cell(&row, 0)) else { continue };
        let name = cell(&row, 1);
        if table.foreign_keys.last().is_none_or(|key| key.name != name) {
            let (on_delete, on_update) = rules.get(&place(&row)).cloned().unwrap_or_default();
            table.foreign_keys.push(ForeignKey {
                name: name.to_owned(),
                columns: Vec::new(),
                parent: TableName { schema: row.get(3).cloned().flatten(), name: cell(&row, 4).to_owned() },
                parent_columns: Vec::new(),
                on_delete: ddl::action(&on_delete),
                on_update: ddl::action(&on_update),
            });
        }
        let Some(key) = table.foreign_keys.last_mut() else { continue };
        key.columns.push(cell(&row, 2).to_owned());
        key.parent_columns.push(cell(&row, 5).to_owned());
    }
    Ok(())
}

/// How a sequence of this database is named: MariaDB names the database too, and elsewhere it is another one.
fn own_sequence(session: &mut Session) -> Result<String> {
    let database = session.text("SELECT DATABASE()")?.unwrap_or_default();
    Ok(Sql::new(EngineKind::Mysql).lit("nextval(").name(&database).lit(".").text().to_owned())
}

/// The CREATE TABLE text without counter and markers, and what only that text tells.
fn create_text(session: &mut Session, table: &mut Table, is_marked: bool) -> Result<()> {
    let sql = Sql::new(EngineKind::Mysql).lit("SHOW CREATE TABLE ").table(&table.name);
    let rows = session.rows(sql.text()).map_err(|error| error.within(&table.name))?;
    let text = rows.first().map(|row| cell(row, 1)).unwrap_or_default();
    if text.is_empty() {
        return Err(Error::unreachable(format!("the server does not show how table {} is made", table.name))
            .hint("The account needs SELECT on it."));
    }
    table.create = ddl::stripped(text, is_marked).replace(&own_sequence(session)?, "nextval(");
    table.checks = ddl::checks(text);
    // MariaDB's JSON is a text with a check.
    for column in &mut table.columns {
        if column.declared == "longtext" && ddl::is_json_text(text, &column.name) {
            column.family = Family::Json;
        }
    }
    Ok(())
}
