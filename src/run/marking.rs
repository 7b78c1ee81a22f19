//! How the rows of a run are told from all others: by marker columns of their table, or by a ledger of their keys.

use super::state::joined;
use crate::engine::Target;
use crate::engine::sql::{self, Sql};
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::{EngineKind, Family, Table, TableName};
use serde::{Deserialize, Serialize};

/// Where a restore writes down which rows are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Marker {
    /// In two nullable columns of every table that gets rows, invisible where the engine has that.
    #[default]
    Columns,
    /// In tables of this tool's own, by primary key; the application's tables keep their shape.
    Ledger,
    /// Nowhere: the database was made for these rows, and goes with them.
    #[serde(skip)]
    Nothing,
}

/// The marking of one table's rows of one run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Marking {
    /// The marker columns hold the run's id.
    #[default]
    Columns,
    /// A table of this tool's own lists the keys of the rows.
    Ledger {
        /// The name of that table.
        rows: String,
        /// The columns of the key, in its order.
        key: Vec<String>,
    },
    /// Every row of the table is the run's.
    #[serde(skip)]
    Nothing,
}

/// The marker columns.
pub(super) const MARKERS: [&str; 2] = [mark::RUN_COLUMN, mark::AT_COLUMN];

impl Marking {
    /// The marking of a table that is about to get rows in `columns`; `suffix` tells its ledger from others.
    ///
    /// # Errors
    /// Kind `Usage` when the rows have no key that a ledger could list.
    pub(super) fn of(marker: Marker, live: &Table, columns: &[String], suffix: &str) -> Result<Self> {
        match marker {
            Marker::Columns => return Ok(Self::Columns),
            Marker::Nothing => return Ok(Self::Nothing),
            Marker::Ledger => {}
        }
        let rows = format!("{}_{suffix}", mark::ROWS_TABLE);
        let key = ledger_key(live, columns).ok_or_else(|| {
            Error::usage(format!("table {} has no key by which a ledger could list its rows", live.name))
                .hint("Restore with --marker columns, or leave the table out by naming the others with --table.")
        })?;
        Ok(Self::Ledger { rows, key })
    }

    /// Which of them it is.
    #[must_use]
    pub fn marker(&self) -> Marker {
        match self {
            Self::Columns => Marker::Columns,
            Self::Ledger { .. } => Marker::Ledger,
            Self::Nothing => Marker::Nothing,
        }
    }

    /// The condition that the row called `alias` belongs to `run`; never NULL. `has_columns` says that the table has marker
    /// columns: then a row that another run has marked is not this one's, though it has a key of its ledger.
    #[must_use]
    pub(super) fn belongs(&self, engine: EngineKind, alias: &'static str, run: &str, has_columns: bool) -> Sql {
        let sql = Sql::new(engine).lit("(");
        match self {
            Self::Nothing => sql.lit("1 = 1)"),
            Self::Columns => {
                let sql = sql.column(alias, mark::RUN_COLUMN).lit(" IS NOT NULL AND ");
                sql.column(alias, mark::RUN_COLUMN).lit(" = ").string(run).lit(")")
            }
            Self::Ledger { rows, key } => {
                let sql = if has_columns { sql.column(alias, mark::RUN_COLUMN).lit(" IS NULL AND ") } else { sql };
                let sql = sql.lit("EXISTS (SELECT 1 FROM ").name(rows).lit(" terp_r WHERE ");
                sql.part(&joined(engine, alias, "terp_r", key, key)).lit("))")
            }
        }
    }

    /// Deletes the rows of `table` that belong to `run` and, with `also`, hold to a condition on `t`.
    pub(super) fn delete(
        &self,
        target: &mut dyn Target,
        table: &TableName,
        (run, has_columns): (&str, bool),
        also: Option<&Sql>,
    ) -> Result<u64> {
        let engine = target.engine();
        let mut on = match self {
            Self::Columns | Self::Nothing => self.belongs(engine, "t", run, has_columns),
            Self::Ledger { key, .. } => joined(engine, "t", "terp_r", key, key),
        };
        if has_columns && matches!(self, Self::Ledger { .. }) {
            on = on.lit(" AND ").column("t", mark::RUN_COLUMN).lit(" IS NULL");
        }
        if let Some(also) = also {
            on = on.lit(" AND ").part(also);
        }
        let rows = match self {
            Self::Columns | Self::Nothing => None,
            Self::Ledger { rows, .. } => Some(TableName::plain(rows)),
        };
        target.execute(&sql::delete_from(engine, table, rows.as_ref(), &on))
    }

    /// Makes the ledger of a table's keys, empty.
    pub(super) fn create(&self, target: &mut dyn Target, live: &Table) -> Result<()> {
        let Self::Ledger { rows, key } = self else { return Ok(()) };
        let indexed = is_indexable(live, key);
        for sql in sql::key_table(target.engine(), &TableName::plain(rows), &live.name, key, indexed) {
            target.execute(&sql).map_err(|error| error.within(format!("table {}", live.name)))?;
        }
        Ok(())
    }

    /// Lists every row of a table that holds no others: `count` of them.
    pub(super) fn list_all(&self, target: &mut dyn Target, live: &Table, count: u64) -> Result<()> {
        let Self::Ledger { rows, key } = self else { return Ok(()) };
        let sql = Sql::new(target.engine()).lit("INSERT INTO ").name(rows).lit(" SELECT ");
        let sql = sql.list(key, ", ", |sql, name| sql.column("t", name)).lit(" FROM ").table(&live.name).lit(" t");
        let listed = target.execute(&sql)?;
        self.prove(target, live, (listed, count))
    }

    /// Lists the rows of the table `s` that `condition` finds: `count` of them will go in.
    pub(super) fn list(&self, target: &mut dyn Target, from: &TableName, condition: &Sql) -> Result<u64> {
        let Self::Ledger { rows, key } = self else { return Ok(0) };
        let sql = Sql::new(target.engine()).lit("INSERT INTO ").name(rows).lit(" SELECT ");
        let sql = sql.list(key, ", ", |sql, name| sql.column("s", name)).lit(" FROM ").table(from).lit(" s WHERE ");
        target.execute(&sql.part(condition))
    }

    /// As many rows must be listed as were put in, and each must be found by its key.
    pub(super) fn prove(&self, target: &mut dyn Target, live: &Table, (listed, count): (u64, u64)) -> Result<()> {
        let Self::Ledger { rows, key } = self else { return Ok(()) };
        let engine = target.engine();
        let sql = Sql::new(engine).lit("SELECT count(*) FROM ").table(&live.name).lit(" t JOIN ").name(rows);
        let found = crate::engine::scalar(target, sql.lit(" r ON ").part(&joined(engine, "t", "r", key, key)))?;
        if listed == count && u64::try_from(found).is_ok_and(|found| found == count) {
            return Ok(());
        }
        Err(Error::rejected(format!("table {}: {listed} rows are listed, {found} found, and {count} went in", live.name))
            .hint(
                "Rows came into the table meanwhile, or a part of their key is NULL. Restore again, or use --marker columns.",
            ))
    }

    /// Drops the ledger of a table's keys.
    pub(super) fn drop_list(&self, target: &mut dyn Target) -> Result<()> {
        let Self::Ledger { rows, .. } = self else { return Ok(()) };
        target.execute(&Sql::new(target.engine()).lit("DROP TABLE ").name(rows)).map(drop)
    }

    /// What a row gets in the marker columns when it is put in, by column: nothing where a ledger lists it.
    pub(super) fn constants(&self, run: &str, at: &str) -> Vec<(String, String)> {
        match self {
            Self::Columns => {
                MARKERS.iter().zip([run, at]).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect()
            }
            Self::Ledger { .. } | Self::Nothing => Vec::new(),
        }
    }
}

/// The names of the primary key's columns, if all of them are loaded.
pub(super) fn key_names(live: &Table, columns: &[String]) -> Option<Vec<String>> {
    let names: Vec<String> = live.primary_key.iter().map(|&at| live.columns[at].name.clone()).collect();
    (!names.is_empty() && names.iter().all(|name| columns.contains(name))).then_some(names)
}

/// The primary key, or another set of columns that is unique and never NULL, if all of them are loaded.
fn ledger_key(live: &Table, columns: &[String]) -> Option<Vec<String>> {
    let unique = live.uniques.iter().filter(|unique| !unique.partial && !unique.columns.is_empty());
    let strict = unique.filter(|unique| unique.columns.iter().all(|&at| !live.columns[at].nullable));
    let mut names =
        strict.map(|unique| unique.columns.iter().map(|&at| live.columns[at].name.clone()).collect::<Vec<_>>());
    key_names(live, columns).or_else(|| names.find(|names| names.iter().all(|name| columns.contains(name))))
}

/// Whether all of `key` fits into an index: that of the table may cover only the starts of long texts.
pub(super) fn is_indexable(live: &Table, key: &[String]) -> bool {
    let mut bytes = 0;
    for column in live.columns.iter().filter(|column| key.contains(&column.name)) {
        match (column.family, column.length) {
            (Family::Text, None) | (Family::Blob | Family::Json, _) => return false,
            (_, length) => bytes += 4 * length.unwrap_or(8),
        }
    }
    bytes <= 3000
}

/// All stored columns of a live table, and its markers where it has them.
pub(super) fn stored_and_markers(live: &Table, has_columns: bool) -> Vec<String> {
    let stored = live.stored_columns().into_iter().map(|at| live.columns[at].name.clone());
    stored.chain(MARKERS.iter().filter(|_| has_columns).map(|name| (*name).to_owned())).collect()
}
