//! `prune` and `rm`: snapshots out of a store, each with its audit entry first; then the packs that no snapshot names any more.
//!
//! An entry that says "removed" and a snapshot that is still there is finished by running the command again; a snapshot that is
//! gone without an entry could not be told from an attack.

use super::audit;
use super::repository::{Repository, Snapshot, pack_object};
use super::{Context, now};
use crate::error::Result;
use crate::model::audit::{Head, Operation};
use crate::model::proof::ObjectKind;
use crate::model::schema::DatabaseIdentity;
use crate::store::Listed;
use std::collections::BTreeSet;
use std::time::Duration;

/// A pack that no snapshot names may belong to a capture that is under way, unless it is older than this.
const UNDER_WAY: Duration = Duration::from_hours(24);

/// What stays, beside what has not expired. With neither rule everything else stays; a snapshot that one rule keeps stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// The newest so many of each source and environment.
    pub last: Option<usize>,
    /// Those that were captured within this time.
    pub within: Option<Duration>,
}

/// What a removal did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Labels of the snapshots that were removed.
    pub snapshots: Vec<String>,
    /// Packs removed.
    pub packs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The audit trail's new head.
    pub head: Option<Head>,
}

/// The snapshots of the store, if every one of them can be read: what one that cannot be read needs must not be removed.
///
/// # Errors
/// Kind `Store` when one is damaged or the store cannot be listed.
pub fn all(repository: &Repository) -> Result<Vec<Snapshot>> {
    let (snapshots, damaged) = repository.snapshots()?;
    match damaged.into_iter().next() {
        None => Ok(snapshots),
        Some(error) => Err(error.within("nothing was removed").hint(
            "Packs that this snapshot needs cannot be told from others. Put it back from a copy, or delete the object.",
        )),
    }
}

/// The snapshots that `prune` removes, and as what: those that have expired, and those that no rule keeps.
#[must_use]
pub fn choose(snapshots: &[Snapshot], keep: Keep) -> Vec<(Operation, &Snapshot)> {
    let now = now();
    let since = keep.within.map(super::earlier);
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
        if (keep.last.is_some() || keep.within.is_some()) && !is_last && !is_recent {
            chosen.push((Operation::Delete, snapshot));
        }
    }
    chosen.reverse();
    chosen
}

/// The packs that nothing needs once `chosen` is gone.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn unneeded(
    repository: &Repository,
    snapshots: &[Snapshot],
    chosen: &[(Operation, &Snapshot)],
) -> Result<Vec<Listed>> {
    let gone = |snapshot: &&Snapshot| chosen.iter().any(|(_, gone)| gone.id == snapshot.id);
    let (going, staying): (Vec<&Snapshot>, Vec<&Snapshot>) = snapshots.iter().partition(gone);
    let (needed, freed) = (packs(&staying), packs(&going));
    let mut listed = repository.store().list(ObjectKind::Pack)?;
    listed.retain(|pack| {
        let name = pack.name.stem();
        !needed.contains(name) && (freed.contains(name) || pack.age >= UNDER_WAY)
    });
    Ok(listed)
}

fn packs<'a>(snapshots: &[&'a Snapshot]) -> BTreeSet<&'a str> {
    snapshots.iter().flat_map(|snapshot| &snapshot.manifest.packs).map(|pack| pack.name.as_str()).collect()
}

/// Removes snapshots, and the packs that only they needed. `snapshots` are all of the store.
///
/// # Errors
/// Kind `Store` when an entry cannot be written or something cannot be removed; what is left is found by the next `prune`.
pub fn remove(
    context: &Context<'_>,
    repository: &Repository,
    snapshots: &[Snapshot],
    chosen: &[(Operation, &Snapshot)],
) -> Result<Outcome> {
    let unneeded = unneeded(repository, snapshots, chosen)?;
    let mut outcome = Outcome::default();
    context.stage("removing snapshots");
    for (operation, snapshot) in chosen {
        context.cancel.check()?;
        let recorded = audit::record(repository, audit::removed(*operation, snapshot));
        outcome.head = recorded.map_err(|error| error.within(format!("{} was not removed", snapshot.label())))?;
        repository.store().delete(&snapshot.object)?;
        outcome.snapshots.push(snapshot.label());
    }
    context.stage("removing packs that no snapshot needs");
    // A capture may have been published meanwhile.
    let now = all(repository)?;
    let needed = packs(&now.iter().collect::<Vec<_>>());
    for pack in unneeded.iter().filter(|pack| !needed.contains(pack.name.stem())) {
        context.cancel.check()?;
        repository.store().delete(&pack_object(pack.name.stem())?)?;
        outcome.packs += 1;
        outcome.bytes += pack.length;
    }
    Ok(outcome)
}
