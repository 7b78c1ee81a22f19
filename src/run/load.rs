//! One table's rows into a target: straight into an empty table, through a staging table into one that holds others.

use super::ledger::TableDetail;
use super::marking::{MARKERS, Marking, is_indexable, key_names, stored_and_markers};
use super::state::{self, joined};
use crate::engine::sql::{self, Sql};
use crate::engine::{LoadTable, Target};
use crate::error::{Error, Result};
use crate::model::digest::ContentDigest;
use crate::model::mark;
use crate::model::proof::Checked;
use crate::model::schema::{EngineKind, Table, TableName};

/// What to do when the target has another row under a fixture row's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Change nothing at all.
    Fail,
    /// Leave the target's row.
    Skip,
    /// Replace it, keeping the previous row for the rollback.
    Overwrite,
}

/// Conflicts of one table, by count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Conflicts {
    /// Rows under the same primary key with other content.
    pub(super) same_key: u64,
    /// Rows under another primary key that hold a value which must be unique.
    pub(super) other_key: u64,
}

/// Refuses a restore that met conflicts, all of them at once.
pub(super) fn refuse(conflicts: &[(TableName, Conflicts)], on_conflict: OnConflict) -> Result<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = conflicts
        .iter()
        .map(|(table, conflict)| match conflict.other_key {
            0 => format!("{table}: {} rows under the same key with other content", conflict.same_key),
            other => format!(
                "{table}: {} rows under the same key, {other} hold another row's unique value",
                conflict.same_key
            ),
        })
        .collect();
    let hint = match on_conflict {
        OnConflict::Overwrite => {
            "A unique value that another row holds cannot be overwritten; remove those rows or use --on-conflict skip."
        }
        OnConflict::Fail | OnConflict::Skip => {
            "Add --on-conflict skip to keep the target's rows, or --on-conflict overwrite to replace them until the rollback."
        }
    };
    Err(Error::rejected(format!("the target holds rows in the way ({})", lines.join("; "))).hint(hint))
}

/// Where rows go, and how they are marked.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the table or of its rows")]
pub(super) struct Destination<'a> {
    /// The live table.
    pub(super) live: &'a Table,
    /// The columns to write, in the order of the cells.
    pub(super) columns: &'a [String],
    /// The run's id.
    pub(super) run: &'a str,
    /// When the run restores.
    pub(super) at: &'a str,
    /// The name for previous images, if any are needed.
    pub(super) undo: String,
    /// How the rows are marked.
    pub(super) marking: Marking,
    /// Whether the table has marker columns, of this run or of others.
    pub(super) has_columns: bool,
    /// Whether the run itself made the table, so that nobody else has rows in it.
    pub(super) is_new: bool,
    /// Whether its markers come behind the rows.
    pub(super) is_marked_later: bool,
    /// What to do on conflicts.
    pub(super) on_conflict: OnConflict,
    /// Whether the cells will be read back as they are written.
    pub(super) is_exact: bool,
}

/// Rows as they come out of the pipeline, each part with its digest.
pub(super) type Parts<'a> = dyn Iterator<Item = Result<(Checked, ContentDigest)>> + 'a;

/// How the rows of a table are being put in.
pub(super) enum Loader<'a> {
    /// The table is empty: straight in.
    Direct { to: Destination<'a>, into: LoadTable, digest: ContentDigest },
    /// The table holds rows: a staging table first.
    Staged { to: Destination<'a>, stage: LoadTable, digest: ContentDigest },
}

impl<'a> Loader<'a> {
    /// Chooses the way by whether the table holds rows. A ledger can list those of an empty table only where nobody else can
    /// put rows into it meanwhile.
    pub(super) fn start(target: &mut dyn Target, to: Destination<'a>) -> Result<Self> {
        let engine = target.engine();
        let sql =
            Sql::new(engine).lit("SELECT count(*) FROM (SELECT 1 FROM ").table(&to.live.name).lit(" LIMIT 1) AS x");
        to.marking.create(target, to.live)?;
        let is_alone = to.marking == Marking::Columns || to.is_new;
        if to.is_marked_later || is_alone && crate::engine::scalar(target, sql)? == 0 {
            let constants = if to.is_marked_later { Vec::new() } else { to.marking.constants(to.run, to.at) };
            let into = LoadTable { table: to.live.name.clone(), columns: to.columns.to_vec(), constants };
            return Ok(Self::Direct { to, into, digest: ContentDigest::default() });
        }
        let table = stage_table(engine);
        let key = key_names(to.live, to.columns).filter(|key| is_indexable(to.live, key)).unwrap_or_default();
        target.execute(&sql::table_like(engine, true, &table, &to.live.name, to.columns, &key))?;
        let stage = LoadTable { table, columns: to.columns.to_vec(), constants: Vec::new() };
        Ok(Self::Staged { to, stage, digest: ContentDigest::default() })
    }

    /// Takes the rows as they come, each part with its digest.
    pub(super) fn load(&mut self, target: &mut dyn Target, rows: &mut Parts<'_>) -> Result<()> {
        // Where the engine tells which row it was: every row comes here, in the order of the stream.
        let named = |error: Error| match error.broken().and_then(|broken| broken.row) {
            Some(row) => error.within(format!("row {row}")),
            None => error,
        };
        let (Self::Direct { into, digest, .. } | Self::Staged { stage: into, digest, .. }) = self;
        let mut digested = rows.map(|part| {
            part.map(|(rows, part)| {
                digest.join(&part);
                rows
            })
        });
        let inserted = target.load_all(into, &mut digested).map_err(named)?;
        if inserted == digest.rows() {
            return Ok(());
        }
        Err(Error::rejected(format!("{inserted} of {} rows went in", digest.rows()))
            .hint("A rule or a trigger of the table drops rows. Nothing was changed."))
    }

    /// Merges what was staged and says what was done.
    pub(super) fn finish(self, target: &mut dyn Target) -> Result<(TableDetail, Conflicts, String)> {
        let method = target.loaded_by();
        match self {
            Self::Direct { to, digest, .. } => {
                let inserted = digest.rows();
                to.marking.list_all(target, to.live, inserted)?;
                let digest = if to.is_exact { digest } else { of_run(target, &to)? };
                let detail = TableDetail { inserted, digest: digest.to_hex(), ..empty_detail(&to) };
                Ok((detail, Conflicts::default(), method.to_owned()))
            }
            Self::Staged { to, stage, digest } => {
                // A refusal ends the transaction, and the staging table goes with it or with the connection.
                let (detail, conflicts) = merge(target, &to, &digest)?;
                target.execute(&sql::drop_stage(target.engine(), &stage.table))?;
                Ok((detail, conflicts, format!("merged through a staging table, {method}")))
            }
        }
    }
}

fn stage_table(engine: EngineKind) -> TableName {
    let schema = (engine == EngineKind::Sqlite).then(|| "temp".to_owned());
    TableName { schema, name: mark::STAGE_TABLE.to_owned() }
}

pub(super) fn empty_detail(to: &Destination<'_>) -> TableDetail {
    TableDetail {
        table: to.live.name.clone(),
        columns: to.columns.to_vec(),
        inserted: 0,
        overwritten: 0,
        identical: 0,
        skipped: 0,
        quarantined: 0,
        digest: ContentDigest::default().to_hex(),
        undo: None,
        marking: to.marking.clone(),
    }
}

/// The digest of the rows of the run.
pub(super) fn of_run(target: &mut dyn Target, to: &Destination<'_>) -> Result<ContentDigest> {
    let belongs = to.marking.belongs(target.engine(), "t", to.run, to.has_columns);
    state::marked_digest(target, to.live, to.columns, Some(&belongs).filter(|_| !to.is_marked_later))
}

/// Conditions on a staged row `s`, as SQL.
struct Conditions {
    /// A row of the target has its primary key.
    same_key: Option<Sql>,
    /// ... and is exactly like it.
    identical: Option<Sql>,
    /// Another row of the target holds one of its unique values.
    other_key: Option<Sql>,
}

impl Conditions {
    fn new(engine: EngineKind, to: &Destination<'_>) -> Self {
        let key = key_names(to.live, to.columns);
        let exists = |what: &Sql| {
            Sql::new(engine).lit("EXISTS (SELECT 1 FROM ").table(&to.live.name).lit(" t WHERE ").part(what).lit(")")
        };
        let on_key = key.as_ref().map(|key| joined(engine, "t", "s", key, key));
        let identical = on_key.as_ref().map(|on_key| {
            let equal = Sql::new(engine).list(to.columns, " AND ", |sql, name| sql.exactly_equal(name, "t", "s"));
            exists(&on_key.clone().lit(" AND ").part(&equal))
        });
        let uniques: Vec<Vec<String>> = to
            .live
            .uniques
            .iter()
            .filter(|unique| !unique.partial)
            .map(|unique| unique.columns.iter().map(|&at| to.live.columns[at].name.clone()).collect::<Vec<_>>())
            .filter(|names: &Vec<String>| names.iter().all(|name| to.columns.contains(name)))
            .collect();
        let other_key = (!uniques.is_empty()).then(|| {
            let clash = Sql::new(engine).list(&uniques, " OR ", |sql, names| {
                sql.lit("(").part(&joined(engine, "t", "s", names, names)).lit(")")
            });
            let mut clash = Sql::new(engine).lit("(").part(&clash).lit(")");
            if let Some(on_key) = &on_key {
                clash = clash.lit(" AND NOT (").part(on_key).lit(")");
            }
            exists(&clash)
        });
        Self { same_key: on_key.as_ref().map(exists), identical, other_key }
    }
}

/// Classifies the staged rows, whose digest is `sent`, and puts in those that may go in.
fn merge(target: &mut dyn Target, to: &Destination<'_>, sent: &ContentDigest) -> Result<(TableDetail, Conflicts)> {
    let engine = target.engine();
    let conditions = Conditions::new(engine, to);
    let mut staged = |condition: Option<&Sql>| -> Result<u64> {
        let Some(condition) = condition else { return Ok(0) };
        let sql = Sql::new(engine).lit("SELECT count(*) FROM ").table(&stage_table(engine)).lit(" s WHERE ");
        state::positive(crate::engine::scalar(target, sql.part(condition))?)
    };
    let same_key = staged(conditions.same_key.as_ref())?;
    let identical = if same_key == 0 { 0 } else { staged(conditions.identical.as_ref())? };
    let conflicts = Conflicts { same_key: same_key - identical, other_key: staged(conditions.other_key.as_ref())? };
    let mut detail = TableDetail { identical, ..empty_detail(to) };
    let blocked = match to.on_conflict {
        OnConflict::Fail => conflicts != Conflicts::default(),
        OnConflict::Overwrite => conflicts.other_key > 0,
        OnConflict::Skip => false,
    };
    if blocked {
        return Ok((detail, conflicts));
    }
    if to.on_conflict == OnConflict::Overwrite && conflicts.same_key > 0 {
        detail.overwritten = overwrite(target, to, &conditions)?;
        detail.undo = Some(to.undo.clone());
    }
    detail.inserted = insert(target, to, &conditions)?;
    to.marking.prove(target, to.live, (detail.inserted + detail.overwritten, detail.inserted + detail.overwritten))?;
    detail.skipped = sent.rows() - detail.inserted - detail.overwritten - identical;
    let is_whole = to.is_exact && detail.inserted + detail.overwritten == sent.rows();
    detail.digest = if is_whole { sent.to_hex() } else { of_run(target, to)?.to_hex() };
    Ok((detail, Conflicts::default()))
}

/// Puts in every staged row that meets no row of the target.
fn insert(target: &mut dyn Target, to: &Destination<'_>, conditions: &Conditions) -> Result<u64> {
    let engine = target.engine();
    let mut free = Sql::new(engine).lit("1 = 1");
    for condition in [&conditions.same_key, &conditions.other_key].into_iter().flatten() {
        free = free.lit(" AND NOT ").part(condition);
    }
    let listed = to.marking.list(target, &stage_table(engine), &free)?;
    let constants = to.marking.constants(to.run, to.at);
    let names = to.columns.iter().chain(constants.iter().map(|(name, _)| name));
    let sql = Sql::new(engine).lit("INSERT INTO ").table(&to.live.name).lit(" (");
    let sql = sql.list(names, ", ", |sql, name| sql.name(name)).lit(")").lit(sql::overriding(engine)).lit(" SELECT ");
    let sql = sql.list(to.columns, ", ", |sql, name| sql.column("s", name));
    let sql = constants.iter().fold(sql, |sql, (_, value)| sql.lit(", ").string(value));
    let sql = sql.lit(" FROM ").table(&stage_table(engine)).lit(" s WHERE ").part(&free);
    let inserted = target.execute(&sql).map_err(|error| {
        error.within(format!("table {}", to.live.name)).hint(
            "A row of the target is in the way of a constraint that cannot be compared beforehand (partly unique, over an \
             expression or a generated column). Remove that row, or leave the table out with --table. Nothing was changed.",
        )
    })?;
    if to.marking != Marking::Columns && listed != inserted {
        return Err(Error::rejected(format!("table {}: rows came in while it was restored", to.live.name))
            .hint("Nothing was changed. Restore again."));
    }
    Ok(inserted)
}

/// Keeps the previous rows, replaces them, and keeps what they became, so that a later edit can be noticed.
fn overwrite(target: &mut dyn Target, to: &Destination<'_>, conditions: &Conditions) -> Result<u64> {
    let engine = target.engine();
    let (Some(identical), Some(key)) = (&conditions.identical, key_names(to.live, to.columns)) else {
        return Ok(0);
    };
    let stored = stored_and_markers(to.live, to.has_columns);
    let undo = TableName::plain(&to.undo);
    let names = |sql: Sql, names: &[String]| sql.list(names, ", ", |sql, name| sql.name(name));
    let indexed: &[String] = if is_indexable(to.live, &key) { &key } else { &[] };
    let keep = sql::table_like(engine, false, &undo, &to.live.name, &stored, indexed);
    target.execute(&keep).map_err(|error| error.within(format!("table {}", to.live.name)))?;
    let indexes = [(&undo, format!("{}_key", to.undo)), (&stage_table(engine), "terp_fixtures_stage_key".into())];
    for (table, index) in indexes.into_iter().filter(|_| sql::indexes_later(engine)) {
        let index = TableName { schema: table.schema.clone(), name: index };
        let sql = Sql::new(engine).lit("CREATE INDEX ").table(&index).lit(" ON ").name(&table.name).lit(" (");
        target.execute(&names(sql, &key).lit(")"))?;
    }

    let sql = Sql::new(engine).lit("INSERT INTO ").table(&undo).lit(" SELECT 'before', ");
    let sql = sql.list(&stored, ", ", |sql, name| sql.column("x", name)).lit(" FROM ").table(&stage_table(engine));
    let sql = sql.lit(" s JOIN ").table(&to.live.name).lit(" x ON ").part(&joined(engine, "x", "s", &key, &key));
    let kept = target.execute(&sql.lit(" WHERE NOT ").part(identical).lit(sql::locking(engine)))?;

    let settable = to.columns.iter().filter(|name| sql::sets_keys(engine) || !key.contains(name));
    let mut set: Vec<(String, Sql)> = settable.map(|name| (name.clone(), Sql::new(engine).column("s", name))).collect();
    for (marker, value) in to.marking.constants(to.run, to.at) {
        set.push((marker, Sql::new(engine).string(&value)));
    }
    if to.has_columns && to.marking != Marking::Columns {
        // Another run's mark goes, and comes back with the previous row.
        set.extend(MARKERS.map(|marker| (marker.to_owned(), Sql::new(engine).lit("NULL"))));
    }
    to.marking.list(target, &undo, &Sql::new(engine).lit("s.terp_fixtures_image = 'before'"))?;
    let on_stage = joined(engine, "t", "s", &key, &key);
    let on_undo = joined(engine, "t", "u", &key, &key);
    let sql = sql::update_from(engine, &to.live.name, (&stage_table(engine), &on_stage), Some((&undo, &on_undo)), &set);
    let updated = target.execute(&sql).map_err(|error| error.within(format!("table {}", to.live.name)))?;

    let sql = Sql::new(engine).lit("INSERT INTO ").table(&undo).lit(" SELECT 'after', ");
    let sql = sql.list(&stored, ", ", |sql, name| sql.column("t", name)).lit(" FROM ").table(&undo).lit(" u JOIN ");
    let sql = sql.table(&to.live.name).lit(" t ON ").part(&joined(engine, "t", "u", &key, &key));
    let after = target.execute(&sql)?;
    if updated != kept || after != kept {
        return Err(Error::internal(format!("table {}: not every overwritten row has its undo image", to.live.name)));
    }
    Ok(kept)
}
