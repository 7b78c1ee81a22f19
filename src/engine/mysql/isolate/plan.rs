//! What a reset must know of the tables: columns, keys, who refers to whom. It is read from the template, which nobody changes.

use super::key::KeyColumn;
use crate::engine::mysql::catalog::{self, cell};
use crate::engine::mysql::session::Session;
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::model::schema::{Action, EngineKind, Table};
use std::collections::{BTreeSet, HashMap};

/// All tables with rows of their own, by name. A table's place is its number in the row journal.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) tables: Vec<Planned>,
    /// MariaDB's sequences.
    pub(super) sequences: Vec<String>,
}

/// A table.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    /// The columns that are written, all but generated ones.
    pub(super) columns: Vec<String>,
    /// The key as the row journal writes it; empty where there is none that it can write.
    pub(super) key: Vec<KeyColumn>,
    /// The columns by which a row is found; empty where nothing tells rows apart.
    pub(super) identity: Vec<String>,
    /// The index over these, which every search by key takes: a walk over all rows would wait for those of others.
    pub(super) index: String,
    /// Whether its storage engine takes changes back.
    pub(super) transactional: bool,
    /// Whether the server keeps old rows of it (MariaDB).
    pub(super) versioned: bool,
    /// Columns that others refer to, and those by which it follows others.
    pub(super) tied: Vec<String>,
    /// Who refers to it.
    pub(super) children: Vec<Child>,
}

/// A foreign key that does something to the rows that refer.
#[derive(Debug)]
pub(super) struct Child {
    /// The place of the table that refers.
    pub(super) table: usize,
    /// Its columns.
    pub(super) columns: Vec<String>,
    /// The columns it refers to.
    pub(super) parent_columns: Vec<String>,
    pub(super) on_delete: Action,
    pub(super) on_update: Action,
}

/// Whether a foreign key changes rows by itself.
pub(super) fn acts(action: Action) -> bool {
    matches!(action, Action::Cascade | Action::SetNull | Action::SetDefault)
}

impl Plan {
    /// Reads it from the database that the session is in.
    pub(super) fn read(session: &mut Session) -> Result<Self> {
        let tables = catalog::shapes(session)?;
        let facts = session.rows(
            "SELECT t.TABLE_NAME, COALESCE(e.TRANSACTIONS, 'NO'), t.TABLE_TYPE, t.ENGINE FROM information_schema.TABLES t \
             LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = DATABASE()",
        )?;
        let sequences =
            facts.iter().filter(|row| cell(row, 2) == "SEQUENCE").map(|row| cell(row, 0).to_owned()).collect();
        let facts: HashMap<String, (bool, bool, bool)> = facts
            .iter()
            .map(|row| {
                let is_versioned = cell(row, 2) == "SYSTEM VERSIONED";
                let has_rows = !catalog::is_without_rows(cell(row, 3));
                (cell(row, 0).to_owned(), (cell(row, 1) == "YES", is_versioned, has_rows))
            })
            .collect();
        let types = session.rows(
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_SET_NAME FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = DATABASE()",
        )?;
        let types: HashMap<(&str, &str), (&str, &str)> =
            types.iter().map(|row| ((cell(row, 0), cell(row, 1)), (cell(row, 2), cell(row, 3)))).collect();
        let fact = |table: &Table| facts.get(&table.name.name).copied().unwrap_or_default();
        let tables: Vec<Table> = tables.into_iter().filter(|table| fact(table).2).collect();
        let mut planned: Vec<Planned> = tables
            .iter()
            .map(|table| {
                let (transactional, versioned, _) = fact(table);
                planned(table, &types, transactional, versioned)
            })
            .collect();
        join(&tables, &mut planned);
        Ok(Self { tables: planned, sequences })
    }

    /// Adds to `whole` all tables that may change when any row of `table` goes or changes.
    pub(super) fn spread(&self, table: usize, whole: &mut BTreeSet<usize>) {
        let mut next = vec![table];
        while let Some(table) = next.pop() {
            if whole.insert(table) {
                next.extend(self.tables[table].children.iter().map(|child| child.table));
            }
        }
    }
}

fn planned(
    table: &Table,
    types: &HashMap<(&str, &str), (&str, &str)>,
    transactional: bool,
    versioned: bool,
) -> Planned {
    let names = |places: &[usize]| -> Vec<String> { places.iter().map(|&at| table.columns[at].name.clone()).collect() };
    let is_key = |places: &&Vec<usize>| !places.is_empty() && places.iter().all(|&at| !table.columns[at].nullable);
    let uniques = table.uniques.iter().filter(|unique| !unique.partial).map(|unique| (&unique.name, &unique.columns));
    let primary = "PRIMARY".to_owned();
    // The end of a row's time is part of a versioned table's key.
    let keys = std::iter::once((&primary, &table.primary_key)).chain(uniques);
    let found = keys.filter(|_| !versioned).find(|(_, places)| is_key(places));
    let (index, identity) = found.map(|(name, places)| (name.clone(), names(places))).unwrap_or_default();
    let key: Option<Vec<KeyColumn>> = identity
        .iter()
        .map(|name| {
            let (data_type, character_set) = types.get(&(table.name.name.as_str(), name.as_str()))?;
            KeyColumn::new(name, data_type, character_set)
        })
        .collect();
    Planned {
        name: table.name.name.clone(),
        columns: names(&table.stored_columns()),
        key: key.unwrap_or_default(),
        identity,
        index,
        transactional,
        versioned,
        tied: Vec::new(),
        children: Vec::new(),
    }
}

/// Tells every table who refers to it.
fn join(tables: &[Table], planned: &mut [Planned]) {
    let places: HashMap<&str, usize> =
        tables.iter().enumerate().map(|(at, table)| (table.name.name.as_str(), at)).collect();
    for (table, child) in tables.iter().zip(0..) {
        for key in &table.foreign_keys {
            if !(acts(key.on_delete) || acts(key.on_update)) || key.parent.schema.is_some() {
                continue;
            }
            let Some(&parent) = places.get(key.parent.name.as_str()) else { continue };
            for (at, columns) in [(parent, &key.parent_columns), (child, &key.columns)] {
                let tied = &mut planned[at].tied;
                let new: Vec<String> = columns.iter().filter(|name| !tied.contains(name)).cloned().collect();
                tied.extend(new);
            }
            planned[parent].children.push(Child {
                table: child,
                columns: key.columns.clone(),
                parent_columns: key.parent_columns.clone(),
                on_delete: key.on_delete,
                on_update: key.on_update,
            });
        }
    }
}

impl Planned {
    /// `INSERT INTO clone.t (columns) SELECT columns FROM template.t`, to be followed by a condition.
    pub(super) fn insert(&self, clone: &str, template: &str) -> Sql {
        let names = |sql: Sql| sql.list(&self.columns, ", ", |sql, name| sql.column("s", name));
        let sql = Sql::new(EngineKind::Mysql).lit("INSERT INTO ").name(clone).lit(".").name(&self.name).lit(" (");
        let sql = sql.list(&self.columns, ", ", |sql, name| sql.name(name)).lit(") SELECT ");
        names(sql).lit(" FROM ").name(template).lit(".").name(&self.name).lit(" s")
    }
}
