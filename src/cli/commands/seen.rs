//! Noticing that a store was put back to an older state: what this machine has seen must still be there, unless the audit trail says
//! that it was removed.

use crate::cli::remembered::{self, SEEN, Seen, SeenSnapshot};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::model::audit::{Operation, Outcome};
use crate::model::proof::ObjectKind;
use crate::run::Context;
use crate::run::audit;
use crate::run::repository::{Repository, Snapshot};
use std::collections::BTreeSet;

/// More names than this are not remembered.
const MOST: usize = 1000;

/// Warns of snapshots that are gone, and refuses keys that are older than those that were seen or others of the same number.
pub(super) fn warn_of_gone(context: &Context<'_>, settings: &Settings, repository: &Repository) -> Result<()> {
    if repository.is_public() {
        return Ok(());
    }
    let mut seen = match remembered::load_seen(settings, repository.id()) {
        Ok(seen) => seen.unwrap_or_default(),
        Err(error) => {
            context.warn(error.to_string(), error.hint_text().map(str::to_owned));
            return Ok(());
        }
    };
    let before = seen.clone();
    check_epoch(&mut seen, repository)?;
    if !seen.snapshots.is_empty() {
        let listed = repository.store().list(ObjectKind::Snapshot)?;
        let is_there = |id: &str| listed.iter().any(|listed| listed.name.stem().ends_with(&format!("-{id}")));
        let gone: Vec<String> =
            seen.snapshots.iter().filter(|(_, it)| !is_there(&it.id)).map(|(name, _)| name.clone()).collect();
        if !gone.is_empty() {
            let removed = removed(repository)?;
            for name in gone {
                let id = seen.snapshots[&name].id.clone();
                if removed.contains(&id) {
                    seen.snapshots.remove(&name);
                    continue;
                }
                let hint = format!(
                    "The store may have been put back to an older state, or somebody hides it. If you know why, delete {SEEN}; 'terp-fixtures audit verify' says more."
                );
                context.warn(
                    format!(
                        "{}@{} is gone from the store, and no entry of its audit trail says that it was removed",
                        name.escape_debug(),
                        &id[..12]
                    ),
                    Some(hint),
                );
            }
        }
    }
    if seen != before {
        save(context, settings, repository, &seen);
    }
    Ok(())
}

fn check_epoch(seen: &mut Seen, repository: &Repository) -> Result<()> {
    let keys = repository.keys();
    let (epoch, fingerprint) = (keys.epoch(), keys.fingerprint());
    let refused = |what: String| {
        Err(Error::store(what).hint(format!(
            "The store was put back to an older state, or somebody removed keys. If you know why, delete {SEEN}."
        )))
    };
    if epoch < seen.epoch {
        return refused(format!(
            "this machine has seen epoch {} of the store, and now the newest is {epoch}",
            seen.epoch
        ));
    }
    if epoch == seen.epoch && fingerprint != seen.fingerprint {
        return refused(format!("the keys of epoch {epoch} are others than this machine has seen"));
    }
    seen.epoch = epoch;
    seen.fingerprint = fingerprint;
    Ok(())
}

/// Ids of the snapshots whose removal is in the trail.
fn removed(repository: &Repository) -> Result<BTreeSet<String>> {
    let (entries, _) = audit::entries(repository)?;
    let deeds = entries.into_iter().map(|recorded| recorded.entry.what);
    let removals = deeds.filter(|deed| {
        deed.outcome == Outcome::Done && matches!(deed.operation, Operation::Delete | Operation::Expire)
    });
    Ok(removals.filter_map(|deed| deed.snapshot?.id).collect())
}

/// Remembers the newest of each name; that it cannot only makes this machine forgetful.
pub(super) fn remember(context: &Context<'_>, settings: &Settings, repository: &Repository, found: &[Snapshot]) {
    let Ok(known) = remembered::load_seen(settings, repository.id()) else { return };
    if repository.is_public() {
        return;
    }
    let mut seen = known.clone().unwrap_or_default();
    for Snapshot { id, manifest, .. } in found {
        let known = seen.snapshots.get(&manifest.name);
        let is_newer = known.is_none_or(|known| manifest.created > known.created);
        if is_newer && (known.is_some() || seen.snapshots.len() < MOST) {
            let fresh = SeenSnapshot { id: id.clone(), created: manifest.created.clone() };
            seen.snapshots.insert(manifest.name.clone(), fresh);
        }
    }
    if known.as_ref() != Some(&seen) {
        save(context, settings, repository, &seen);
    }
}

fn save(context: &Context<'_>, settings: &Settings, repository: &Repository, seen: &Seen) {
    if let Err(error) = remembered::save_seen(settings, repository.id(), seen) {
        context.warn(format!("{error}, so this machine does not remember what it has seen"), None);
    }
}
