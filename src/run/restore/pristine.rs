//! The way in for a template: a database that was just made gets the snapshot and nothing else, neither markers nor a ledger.
//!
//! The guards of a restore ask whether a database may be changed that others use. Nobody uses this one yet, and it may lie on the
//! snapshot's own source server: it is another database. What is refused of the snapshot itself is refused here, too.

use super::{Options, Outcome, Restoring, drifted};
use crate::check::Rules;
use crate::engine::{Enforce, LoadTable, Target};
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, TableName};
use crate::run::foreign::Foreign;
use crate::run::load::OnConflict;
use crate::run::marking::Marker;
use crate::run::packs::PackReader;
use crate::run::quarantine::OnError;
use crate::run::repository::{Repository, Snapshot};
use crate::run::surroundings::Surroundings;
use crate::run::{Context, drift, guard, plan};
use std::time::{Duration, Instant};

/// Fills an empty database with the snapshot's schema and rows. What it would lose of them was asked about before: see [`refuse_losses`].
///
/// # Errors
/// As a restore; then the database is to be removed.
pub(in crate::run) fn fill(
    context: &Context<'_>,
    repository: &Repository,
    snapshot: &Snapshot,
    target: &mut dyn Target,
    allow_lossy: bool,
) -> Result<Outcome> {
    let start = Instant::now();
    guard::refuse_expired(snapshot)?;
    let packs = PackReader::new(repository, snapshot.manifest.epoch)?;
    let live = target.catalogue()?;
    if !live.tables.is_empty() {
        return Err(Error::internal("a template is to be filled that is not empty"));
    }
    let options = options(allow_lossy);
    let foreign = Foreign::of(snapshot, &options, &live, &[])?;
    let (snapshot, options) = foreign.as_ref().map_or((snapshot, &options), |it| (&it.snapshot, &it.options));
    drifted(context, &packs, (snapshot, foreign.as_ref()), (&live, &[]), options)?;
    plan::prepare(target, &snapshot.manifest, &live)?;
    target.begin(Enforce::Nothing)?;
    let actor = repository.actor();
    let run = Restoring { context, snapshot, packs: &packs, options, foreign: foreign.as_ref(), actor, gathered: None };
    match run.inside(target, &live, &[], start) {
        Ok((outcome, ..)) => target.end(true).map(|()| outcome),
        Err(error) => match target.end(false) {
            Ok(()) => Err(error),
            Err(second) => Err(error.caused_by(second)),
        },
    }
}

/// Loads the rows of one table out of the snapshot, into `into` or into the table itself. Returns their number.
///
/// # Errors
/// As a restore.
pub(in crate::run) fn load_table(
    context: &Context<'_>,
    repository: &Repository,
    snapshot: &Snapshot,
    target: &mut dyn Target,
    (table, into): (&TableName, Option<&TableName>),
) -> Result<u64> {
    let packs = PackReader::new(repository, snapshot.manifest.epoch)?;
    let live = target.catalogue()?;
    let options = options(true);
    // The tables are as the template has them: the snapshot's, and not others that it has to go into.
    let nothing = Catalogue { tables: Vec::new(), post: Vec::new(), ..live.clone() };
    let foreign = Foreign::of(snapshot, &options, &nothing, &[])?;
    let (snapshot, options) = foreign.as_ref().map_or((snapshot, &options), |it| (&it.snapshot, &it.options));
    let entry = snapshot.manifest.tables.iter().find(|entry| entry.table == *table);
    let Some(entry) = entry.filter(|entry| entry.rows > 0) else { return Ok(0) };
    let there = live.table(table).ok_or_else(|| Error::drift(format!("table {table} is gone")))?;
    let bridge = foreign.as_ref().map(|foreign| (foreign, foreign.bridge(&live)));
    let rows = bridge.as_ref().map(|(foreign, bridge)| foreign.rows(bridge, entry, there)).transpose()?.flatten();
    let rules = Rules::new(target.engine(), there, &entry.columns)?;
    let to = LoadTable { table: into.unwrap_or(table).clone(), columns: entry.columns.clone(), constants: Vec::new() };
    let actor = repository.actor();
    let run = Restoring { context, snapshot, packs: &packs, options, foreign: foreign.as_ref(), actor, gathered: None };
    let mut loaded = 0;
    run.stream(entry, rules, (rows.as_ref(), None), &mut |parts| {
        loaded += target.load_all(&to, &mut parts.map(|part| part.map(|(rows, _)| rows)))?;
        Ok(())
    })
    .map_err(|error| error.within(format!("table {table}")))?;
    if loaded == entry.rows {
        return Ok(loaded);
    }
    Err(Error::rejected(format!("table {table}: {loaded} of {} rows went in", entry.rows)))
}

/// Refuses what a template on another engine would lose, or tells it when the user has accepted that.
///
/// # Errors
/// Kind `Drift`.
pub(in crate::run) fn refuse_losses(
    context: &Context<'_>,
    snapshot: &Snapshot,
    empty: &Catalogue,
    allow_lossy: bool,
) -> Result<()> {
    match Foreign::of(snapshot, &options(allow_lossy), empty, &[])? {
        Some(foreign) => foreign.refuse_losses(context, empty, &[]),
        None => Ok(()),
    }
}

fn options(allow_lossy: bool) -> Options {
    Options {
        create: true,
        on_conflict: OnConflict::Fail,
        on_error: OnError::Abort,
        quarantine: None,
        keep_others: true,
        tables: Vec::new(),
        suspend_triggers: false,
        dry_run: false,
        lock_timeout: Duration::ZERO,
        surroundings: Surroundings::default(),
        allow_lossy,
        marker: Marker::Nothing,
        map: drift::Map::default(),
        streams: None,
    }
}
