//! `coverage`: which tables of a database have rows, how many, and from which run; and for each empty one the nearest reason that
//! can be found in the database itself, its audit trail and the snapshots of a store.

use super::audit::chain;
use super::ledger::{self, Run};
use super::repository::Snapshot;
use super::{Context, millis, state};
use crate::engine::Target;
use crate::error::Result;
use crate::model::audit::{Deed, Operation, Outcome as Ending};
use crate::model::manifest::Manifest;
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use crate::policy::Mode;
use std::collections::BTreeMap;
use std::time::Instant;

/// A table and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The table.
    pub table: TableName,
    /// Its rows.
    pub rows: u64,
    /// Those of each run that is in the database.
    pub runs: Vec<(String, u64)>,
    /// Why it has none.
    pub why: Option<Why>,
}

impl Covered {
    /// Rows that no run put there.
    #[must_use]
    pub fn own(&self) -> u64 {
        self.rows.saturating_sub(self.runs.iter().map(|(_, rows)| rows).sum())
    }
}

/// Why a table has no rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// One word: `migrations`, `left-out`, `rolled-back`, `structure`, `excluded`, `never-made`, `source-empty`, `not-restored`,
    /// `parent`, `unknown`.
    pub word: &'static str,
    /// A sentence.
    pub text: String,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Every ordinary table.
    pub tables: Vec<Covered>,
    /// How long it took.
    pub millis: u64,
}

impl Outcome {
    /// Tables with rows.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.tables.iter().filter(|table| table.rows > 0).count()
    }

    /// The share of tables with rows, of 100; all of none.
    #[must_use]
    pub fn percent(&self) -> usize {
        (self.filled() * 100).checked_div(self.tables.len()).unwrap_or(100)
    }
}

/// Tables in which tools write down which changes of the schema were made.
const MIGRATIONS: [&str; 12] = [
    "schema_migrations",
    "flyway_schema_history",
    "alembic_version",
    "knex_migrations",
    "knex_migrations_lock",
    "_prisma_migrations",
    "django_migrations",
    "__efmigrationshistory",
    "__drizzle_migrations",
    "databasechangelog",
    "databasechangeloglock",
    "typeorm_metadata",
];

/// Looks at every table. `snapshots` are those of a store, the oldest first; none where no store could be opened.
///
/// # Errors
/// Kind `Unreachable` when the database cannot be read; `Interrupted`.
pub fn coverage(context: &Context<'_>, target: &mut dyn Target, snapshots: &[Snapshot]) -> Result<Outcome> {
    let start = Instant::now();
    let live = target.catalogue()?;
    let runs = ledger::runs(target, &live)?;
    let deeds: Vec<Deed> = chain::readable(&chain::rows(target)?).into_iter().map(|it| it.entry.what).collect();
    context.stage("counting rows");
    let mut tables = Vec::new();
    for table in live.tables.iter().filter(|table| table.kind == TableKind::Ordinary) {
        context.cancel.check()?;
        let rows = state::count(target, &table.name)?;
        let mut of_runs = Vec::new();
        for run in runs.iter().filter(|_| rows > 0) {
            let Some(holds) = run.holds(&live, &table.name, "t") else { continue };
            let rows = state::count_where(target, &table.name, &holds)?;
            if rows > 0 {
                of_runs.push((run.id.clone(), rows));
            }
        }
        tables.push(Covered { table: table.name.clone(), rows, runs: of_runs, why: None });
    }
    let about = About { live: &live, runs: &runs, deeds: &deeds, snapshots };
    let counts: BTreeMap<TableName, u64> = tables.iter().map(|table| (table.table.clone(), table.rows)).collect();
    for covered in tables.iter_mut().filter(|covered| covered.rows == 0) {
        covered.why = live.table(&covered.table).map(|table| about.why(table, &counts));
    }
    Ok(Outcome { tables, millis: millis(start) })
}

/// Where reasons are looked for.
struct About<'a> {
    live: &'a Catalogue,
    runs: &'a [Run],
    deeds: &'a [Deed],
    snapshots: &'a [Snapshot],
}

impl About<'_> {
    /// The nearest reason: what was done in this database, then what snapshots say, then what the schema asks for.
    fn why(&self, table: &Table, rows: &BTreeMap<TableName, u64>) -> Why {
        let found = migrations(table)
            .or_else(|| self.left_out(table))
            .or_else(|| self.rolled_back(table))
            .or_else(|| self.of_snapshots(table))
            .or_else(|| parent(table, rows));
        found.unwrap_or_else(|| {
            let text = if self.snapshots.is_empty() {
                "nothing is known: there is no snapshot to look into"
            } else {
                "no snapshot of the store has this table"
            };
            Why { word: "unknown", text: text.to_owned() }
        })
    }

    /// A run that is there left all of its rows out.
    fn left_out(&self, table: &Table) -> Option<Why> {
        self.runs.iter().rev().find_map(|run| {
            let detail = run.detail.tables.iter().find(|detail| detail.table == table.name)?;
            let what = match (detail.quarantined, detail.skipped) {
                (0, 0) => return None,
                (0, skipped) => format!("{} left {skipped} rows out, because others were in the way", run.id),
                (quarantined, _) => format!("{} left {quarantined} rows out, because they break a rule", run.id),
            };
            Some(Why { word: "left-out", text: what })
        })
    }

    fn rolled_back(&self, table: &Table) -> Option<Why> {
        let name = table.name.to_string();
        self.deeds.iter().rev().find_map(|deed| {
            let is_done = deed.operation == Operation::Rollback && deed.outcome == Ending::Done;
            let deleted = deed.tables.iter().find(|it| it.table == name)?.counts.get("deleted").copied()?;
            (is_done && deleted > 0).then(|| Why {
                word: "rolled-back",
                text: format!(
                    "its {deleted} rows went with the rollback of {}",
                    deed.run.as_deref().unwrap_or("a run")
                ),
            })
        })
    }

    /// The snapshots that were restored here speak first, then the others, the newest first.
    fn of_snapshots(&self, table: &Table) -> Option<Why> {
        let newest = || self.snapshots.iter().rev().filter(|it| it.manifest.schema.engine == self.live.engine);
        let is_here = |snapshot: &&Snapshot| self.runs.iter().any(|run| run.snapshot == snapshot.id);
        let here = newest().filter(is_here);
        // A snapshot of another database may share a table or two.
        let shares = |snapshot: &&Snapshot| {
            let known = self.live.tables.iter().filter(|table| snapshot.manifest.schema.table(&table.name).is_some());
            known.count() * 2 > self.live.tables.len()
        };
        here.chain(newest().filter(shares)).next().map(|snapshot| of_snapshot(snapshot, table))
    }
}

fn migrations(table: &Table) -> Option<Why> {
    let is_known = MIGRATIONS.contains(&table.name.name.to_lowercase().as_str());
    is_known.then(|| Why { word: "migrations", text: "it says which changes of the schema were made".to_owned() })
}

fn of_snapshot(snapshot: &Snapshot, table: &Table) -> Why {
    let manifest: &Manifest = &snapshot.manifest;
    let label = snapshot.label();
    let decided = if manifest.is_invented() { "" } else { manifest.policy.file.as_str() };
    let by = if decided.is_empty() { String::new() } else { format!(" ({})", decided.escape_debug()) };
    let generated = manifest.generated.as_ref();
    if let Some(empty) = generated.and_then(|it| it.empty.iter().find(|empty| empty.table == table.name)) {
        return Why { word: "never-made", text: format!("{label} has none of its rows: {}", empty.why.escape_debug()) };
    }
    let Some(entry) = manifest.tables.iter().find(|entry| entry.table == table.name) else {
        return Why { word: "excluded", text: format!("{label} leaves it out{by}") };
    };
    match entry.rows {
        0 if entry.mode == Mode::Structure.word() => {
            let how =
                if manifest.imported.is_some() { "no file was imported for it" } else { "its mode is \"structure\"" };
            Why { word: "structure", text: format!("{label} has it without rows: {how}{by}") }
        }
        0 => Why { word: "source-empty", text: format!("{label} has none of its rows: there were none to take") },
        rows => Why { word: "not-restored", text: format!("{label} has {rows} rows of it that are not here") },
    }
}

/// A table that must reference one without rows cannot have any.
fn parent(table: &Table, rows: &BTreeMap<TableName, u64>) -> Option<Why> {
    let must = |columns: &[String]| {
        columns.iter().all(|name| table.column_index(name).is_some_and(|at| !table.columns[at].nullable))
    };
    let empty = table.foreign_keys.iter().find(|key| {
        key.parent != table.name && must(&key.columns) && rows.get(&key.parent).is_some_and(|rows| *rows == 0)
    })?;
    Some(Why { word: "parent", text: format!("each of its rows needs one of {}, which is empty", empty.parent) })
}
