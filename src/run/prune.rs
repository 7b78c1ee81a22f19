//! `prune` and `rm`: snapshots out of a store, each with its audit entry first; then a [`gc`](super::gc::collect), which marks what only
//! they needed.
//!
//! An entry that says "removed" and a snapshot that is still there is finished by running the command again; a snapshot that is
//! gone without an entry could not be told from an attack.

use super::gc::{self, Options};
use super::repository::{Repository, Snapshot};
use super::{Context, audit, inspect, now};
use crate::error::{Kind, Result};
use crate::model::audit::{Head, Operation};
use crate::model::manifest::Results;
use crate::model::schema::DatabaseIdentity;
use std::time::Duration;

/// What stays, beside what has not expired. With no rule everything else stays; a snapshot that one rule keeps stays.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// The newest so many of each source and environment.
    pub last: Option<usize>,
    /// Those that were captured within this time.
    pub within: Option<Duration>,
    /// Those that have one of these tags; none: no such rule.
    pub tags: Vec<String>,
}

/// What a removal did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Labels of the snapshots that were removed.
    pub snapshots: Vec<String>,
    /// What became of packs.
    pub packs: gc::Outcome,
    /// The audit trail's new head.
    pub head: Option<Head>,
}

/// The snapshots of the store, if every one of them can be read: what one that cannot be read needs must not be removed. They lack
/// what is not needed for that.
///
/// # Errors
/// Kind `Store` when one is damaged or the store cannot be listed.
pub fn all(repository: &Repository) -> Result<Vec<Snapshot>> {
    let mut snapshots = Vec::new();
    repository.walk(&mut |opened| {
        snapshots.push(lean(opened.map_err(gc::unreadable)?));
        Ok(())
    })?;
    snapshots.sort_by(|a, b| a.age().cmp(&b.age()));
    Ok(snapshots)
}

/// What is needed to choose among many and to say what was removed: packs and the number of rows stay, all else that grows with
/// tables and rows goes.
fn lean(mut snapshot: Snapshot) -> Snapshot {
    let manifest = &mut snapshot.manifest;
    let rows = inspect::rows(manifest);
    manifest.tables.truncate(1);
    manifest.tables.shrink_to_fit();
    for entry in &mut manifest.tables {
        entry.rows = rows;
        (entry.chunks, entry.origins) = (Vec::new(), Vec::new());
    }
    (manifest.schema.tables, manifest.schema.pre, manifest.schema.post) = (Vec::new(), Vec::new(), Vec::new());
    (manifest.results, manifest.subset) = (Results::default(), None);
    snapshot
}

/// The snapshots that `prune` removes, and as what: those that have expired, and those that no rule keeps. `tags` says what tags a
/// snapshot has.
#[must_use]
pub fn choose<'a>(
    snapshots: &'a [Snapshot],
    keep: &Keep,
    tags: &dyn Fn(&Snapshot) -> Vec<String>,
) -> Vec<(Operation, &'a Snapshot)> {
    let now = now();
    let since = keep.within.map(super::earlier);
    let has_rules = keep.last.is_some() || keep.within.is_some() || !keep.tags.is_empty();
    let mut seen: Vec<(&DatabaseIdentity, &str, usize)> = Vec::new();
    let mut chosen = Vec::new();
    for snapshot in snapshots.iter().rev() {
        let manifest = &snapshot.manifest;
        if snapshot.is_expired_at(&now) {
            chosen.push((Operation::Expire, snapshot));
            continue;
        }
        let known = seen.iter_mut().find(|(source, environment, _)| {
            *environment == manifest.environment && source.is_same_as(&manifest.source)
        });
        let newer = match known {
            Some((_, _, count)) => std::mem::replace(count, *count + 1),
            None => {
                seen.push((&manifest.source, &manifest.environment, 1));
                0
            }
        };
        let is_last = keep.last.is_some_and(|last| newer < last);
        let is_recent = since.as_ref().is_some_and(|since| manifest.created >= *since);
        let is_tagged = !keep.tags.is_empty() && tags(snapshot).iter().any(|tag| keep.tags.contains(tag));
        if has_rules && !is_last && !is_recent && !is_tagged {
            chosen.push((Operation::Delete, snapshot));
        }
    }
    chosen.reverse();
    chosen
}

/// Removes snapshots, and marks the packs that only they needed.
///
/// # Errors
/// Kind `Store` when an entry cannot be written, something cannot be removed, or it cannot be said what other snapshots need; what
/// is left is found by the next `prune` or `gc`.
pub fn remove(context: &Context<'_>, repository: &Repository, chosen: &[(Operation, &Snapshot)]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    if !chosen.is_empty() {
        context.stage("removing snapshots");
    }
    for (operation, snapshot) in chosen {
        context.cancel.check()?;
        let recorded = audit::record(repository, audit::removed(*operation, snapshot));
        outcome.head = recorded.map_err(|error| error.within(format!("{} was not removed", snapshot.label())))?;
        repository.store().delete(&snapshot.object)?;
        outcome.snapshots.push(snapshot.label());
    }
    let going: Vec<&Snapshot> = chosen.iter().map(|(_, snapshot)| *snapshot).collect();
    match gc::collect(context, repository, &Options { going: &going, ..Options::default() }) {
        Ok(packs) => {
            outcome.head = packs.head.clone().or(outcome.head);
            outcome.packs = packs;
        }
        // The snapshots are removed as asked; that the packs are not even marked is for somebody to look at.
        Err(error) if error.kind() == Kind::Guard => {
            context.warn(error.to_string(), error.hint_text().map(str::to_owned));
        }
        Err(error) => return Err(error),
    }
    Ok(outcome)
}
