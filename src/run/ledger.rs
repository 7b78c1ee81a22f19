//! The run ledger inside a target: which runs are in it, and all that a rollback needs to take each out again.
//!
//! Ledger and undo tables are in the same transaction as the rows they describe. When the last run is rolled back they
//! are dropped, so that nothing of this tool stays behind.

use super::marking::Marking;
use crate::engine::sql::{self, Sql};
use crate::engine::{Query, Target};
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::{Catalogue, EngineKind, TableName};
use serde::{Deserialize, Serialize};

/// A run that is in the target now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `name@` and twelve digits of the snapshot's id; the value of the marker column.
    pub id: String,
    /// Counts the runs of this target; later runs have higher numbers.
    pub seq: i64,
    /// The snapshot's full id.
    pub snapshot: String,
    /// When it was restored, UTC.
    pub restored: String,
    /// What it did.
    pub detail: Detail,
}

/// What a run did, as far as a rollback needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Detail {
    /// The environment the snapshot was masked for.
    pub environment: String,
    /// Tables that got rows.
    pub tables: Vec<TableDetail>,
    /// Tables that the run created.
    pub created: Vec<TableName>,
    /// Views that the run created (indexes and triggers go with their tables).
    pub views: Vec<String>,
    /// Other objects that the run created and that go with no table, in the order of their making.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Made>,
    /// Counters before and after.
    pub counters: Vec<Counter>,
    /// Settings and their previous values.
    pub settings: Vec<(String, String)>,
    /// Whether some of the rows were rolled back since: then the snapshot is not in the target as a whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Digest of what `[restore.map]` did to the rows; absent where nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
}

/// An object that a run created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// `type`, `function`, `view`, ...
    pub kind: String,
    /// Its name as the catalogue spells it.
    pub name: String,
    /// Whether it came after the tables, and so goes before them.
    pub late: bool,
}

/// One table of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDetail {
    /// The table.
    pub table: TableName,
    /// The columns that were written.
    pub columns: Vec<String>,
    /// Rows put in.
    pub inserted: u64,
    /// Rows replaced; their previous images are in `undo`.
    pub overwritten: u64,
    /// Rows that were there with the same content, and stayed the database's own.
    pub identical: u64,
    /// Rows left out because the database has others under their keys.
    pub skipped: u64,
    /// Rows left out because they break a rule of the database; the quarantine names them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quarantined: u64,
    /// Order-independent digest of the rows of this run in `columns`.
    pub digest: String,
    /// The table with the previous images, if rows were overwritten.
    pub undo: Option<String>,
    /// How the rows are told from others.
    #[serde(default)]
    pub marking: Marking,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A counter's value before and after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The table it counts for.
    pub table: TableName,
    /// Before; `None` when it did not exist.
    pub before: Option<i64>,
    /// After.
    pub after: Option<i64>,
}

impl Run {
    /// Whether ledgers list the rows of the run, in all its tables.
    #[must_use]
    pub fn is_marked_by_ledger(&self) -> bool {
        !self.detail.tables.is_empty() && self.detail.tables.iter().all(|table| table.marking != Marking::Columns)
    }

    /// The condition that a row of `table`, called `alias`, is of this run; none where the run has no rows there.
    pub(super) fn holds(&self, live: &Catalogue, table: &TableName, alias: &'static str) -> Option<Sql> {
        let has_columns = live.own.marked.contains(table);
        let detail = self.detail.tables.iter().find(|detail| &detail.table == table);
        match detail.map(|detail| &detail.marking) {
            Some(Marking::Columns) if !has_columns => None,
            Some(Marking::Ledger { rows, .. }) if !live.own.tables.contains(rows) => None,
            Some(marking) => Some(marking.belongs(live.engine, alias, &self.id, has_columns)),
            // A table that was renamed still has its markers.
            None => has_columns.then(|| Marking::Columns.belongs(live.engine, alias, &self.id, true)),
        }
    }
}

const COLUMNS: [&str; 5] = ["run_id", "seq", "snapshot_id", "restored_at", "detail"];

fn runs_table() -> TableName {
    TableName::plain(mark::RUNS_TABLE)
}

/// Makes the ledger where there is none.
pub(super) fn create(target: &mut dyn Target) -> Result<()> {
    let engine = target.engine();
    let text = match engine {
        EngineKind::Sqlite | EngineKind::Postgres => " TEXT NOT NULL",
        EngineKind::Mysql | EngineKind::Mariadb => " LONGTEXT NOT NULL",
    };
    let sql = Sql::new(engine)
        .lit("CREATE TABLE IF NOT EXISTS ")
        .table(&runs_table())
        .lit(" (run_id VARCHAR(255) NOT NULL PRIMARY KEY, seq BIGINT NOT NULL, snapshot_id VARCHAR(64) NOT NULL, ")
        .lit("restored_at VARCHAR(40) NOT NULL, detail")
        .lit(text)
        .lit(")")
        .lit(sql::own_table_options(engine));
    target.execute(&sql)?;
    let sql = Sql::new(engine)
        .lit("CREATE TABLE IF NOT EXISTS ")
        .name(mark::UNDO_TABLE)
        .lit(" (run_id VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL, undo_table VARCHAR(255) NOT NULL)")
        .lit(sql::own_table_options(engine));
    target.execute(&sql).map(drop)
}

/// Writes a run down.
pub(super) fn record(target: &mut dyn Target, run: &Run) -> Result<()> {
    let detail = as_text(&run.detail)?;
    let sql = Sql::new(target.engine())
        .lit("INSERT INTO ")
        .table(&runs_table())
        .lit(" (")
        .list(COLUMNS, ", ", super::super::engine::sql::Sql::name)
        .lit(") VALUES (")
        .string(&run.id)
        .lit(", ")
        .integer(run.seq)
        .lit(", ")
        .list([&run.snapshot, &run.restored, &detail], ", ", |sql, text| sql.string(text))
        .lit(")");
    target.execute(&sql)?;
    for table in &run.detail.tables {
        let Some(undo) = &table.undo else { continue };
        let sql = Sql::new(target.engine())
            .lit("INSERT INTO ")
            .name(mark::UNDO_TABLE)
            .lit(" (run_id, table_name, undo_table) VALUES (")
            .list([&run.id, &table.table.to_string(), undo], ", ", |sql, text| sql.string(text))
            .lit(")");
        target.execute(&sql)?;
    }
    Ok(())
}

/// Runs as lines that can be compared.
pub(super) fn lines(runs: &[Run]) -> Result<Vec<String>> {
    let line = |run: &Run| serde_json::to_string(&(&run.id, run.seq, &run.restored, &run.detail));
    let lines: serde_json::Result<Vec<String>> = runs.iter().map(line).collect();
    lines.map_err(|error| Error::internal("a ledger entry cannot be written").caused_by(error))
}

/// Writes down what became of a run that stays.
pub(super) fn update(target: &mut dyn Target, run: &Run) -> Result<()> {
    let sql = Sql::new(target.engine()).lit("UPDATE ").table(&runs_table()).lit(" SET detail = ");
    let sql = sql.string(&as_text(&run.detail)?).lit(" WHERE run_id = ").string(&run.id);
    target.execute(&sql).map(drop)
}

fn as_text(detail: &Detail) -> Result<String> {
    serde_json::to_string(detail)
        .map_err(|error| Error::internal("the ledger entry cannot be written").caused_by(error))
}

/// The runs that are in the target, oldest first.
pub(super) fn runs(target: &mut dyn Target, live: &Catalogue) -> Result<Vec<Run>> {
    if !live.own.tables.iter().any(|table| table == mark::RUNS_TABLE) {
        return Ok(Vec::new());
    }
    let sql = Sql::new(target.engine())
        .lit("SELECT ")
        .list(COLUMNS, ", ", super::super::engine::sql::Sql::name)
        .lit(" FROM ")
        .table(&runs_table())
        .lit(" ORDER BY seq");
    let mut runs = Vec::new();
    target.read(&Query { sql, columns: COLUMNS.len() }, &mut |batch| {
        for row in 0..batch.rows() {
            let text = |column| String::from_utf8_lossy(batch.cell(row, column).bytes).into_owned();
            let detail = serde_json::from_str(&text(4)).map_err(|error| {
                Error::rollback(format!("the ledger entry of run {} is damaged", text(0).escape_debug()))
                    .caused_by(error)
                    .hint("Somebody edited terp_fixtures_runs. Put the entry back from a backup of the target.")
            })?;
            let seq = text(1).parse().unwrap_or_default();
            runs.push(Run { id: text(0), seq, snapshot: text(2), restored: text(3), detail });
        }
        Ok(())
    })?;
    Ok(runs)
}

/// Forgets a run, and the whole ledger with the last one.
pub(super) fn forget(target: &mut dyn Target, live: &Catalogue, run: &Run, is_last: bool) -> Result<()> {
    let engine = target.engine();
    let is_there = |table: &&str| live.own.tables.iter().any(|own| own == table);
    // Only a run that may leave rows out makes a quarantine.
    for table in [mark::UNDO_TABLE, mark::RUNS_TABLE].into_iter().chain(Some(mark::QUARANTINE_TABLE).filter(is_there)) {
        let sql = if is_last {
            Sql::new(engine).lit("DROP TABLE ").name(table)
        } else {
            Sql::new(engine).lit("DELETE FROM ").name(table).lit(" WHERE run_id = ").string(&run.id)
        };
        target.execute(&sql)?;
    }
    Ok(())
}
