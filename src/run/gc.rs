//! `gc`: takes away packs that no snapshot needs, in two steps with a grace between them.
//!
//! | step | what it does |
//! |---|---|
//! | look | reads the marks, then every manifest, then lists the packs |
//! | mark | writes a tomb that names packs which no manifest names and which are old enough |
//! | sweep | of tombs that are old enough, deletes the packs that still no manifest names |
//! | clear | deletes a tomb once none of its packs is there |
//!
//! A capture that looks at the store after a pack was marked does not use it, and one that looked before has its manifest there
//! before the grace is over. So a marked pack is never needed by a snapshot that a sweep does not see, however slow a sweep is and
//! however many run at once. For the same reason a tomb stays as long as one of its packs does: a pack that came back to a snapshot
//! is kept for that one, and no later one shares it.

use super::repository::{Repository, Snapshot, pack_object};
use super::tombs::{self, Mark};
use super::{Context, audit};
use crate::error::{Error, Result};
use crate::model::audit::Head;
use crate::model::manifest::PackRef;
use crate::model::proof::{ObjectKind, ObjectName};
use std::collections::HashSet;
use std::time::Duration;

/// More than this share of all packs or bytes is marked only with force, in percent.
const SHARE: u64 = 50;

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Also where more than half of the store would be marked.
    pub force: bool,
    /// Mark whatever no snapshot needs, however young, and delete it at once. Only while nothing else writes to the store.
    pub no_grace: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Snapshots that are removed, or will be: what only they need may be young, and explains itself.
    pub going: &'a [&'a Snapshot],
}

/// Packs and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub packs: u64,
    /// Their length in the store.
    pub bytes: u64,
}

impl Sum {
    fn add(&mut self, length: u64) {
        self.packs += 1;
        self.bytes += length;
    }

    /// Whether this is more than [`SHARE`] of `all`.
    fn is_most_of(self, all: Self) -> bool {
        let most = |part: u64, all: u64| u128::from(part) * 100 > u128::from(all) * u128::from(SHARE);
        most(self.packs, all.packs) || most(self.bytes, all.bytes)
    }
}

/// What was found and done; after a dry run, what would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the store holds.
    pub all: Sum,
    /// Of that, what snapshots need.
    pub live: Sum,
    /// What no snapshot needs. It is the sum of what follows.
    pub unreferenced: Sum,
    /// What is too young to be marked: it may belong to a capture under way.
    pub young: Sum,
    /// What is marked now.
    pub marked: Sum,
    /// What was marked before, and whose grace is not over.
    pub waiting: Sum,
    /// What is deleted.
    pub deleted: Sum,
    /// What was to be deleted, but the store refused.
    pub refused: Sum,
    /// Tombs that are left.
    pub tombs: u64,
    /// Whether so much would be marked that it takes force.
    pub needs_force: bool,
    /// The audit trail's new head.
    pub head: Option<Head>,
}

/// A pack's digest.
type Digest = [u8; 32];

/// What a look at the store shows.
struct Found {
    outcome: Outcome,
    /// What to mark, ordered by name.
    mark: Vec<PackRef>,
    /// Tombs that were written for them.
    written: u64,
    /// Every tomb, with those of its packs that are there, and of these whether each is to be deleted.
    tombs: Vec<(ObjectName, Vec<(PackRef, bool)>)>,
}

/// Marks what no snapshot needs, and deletes what was marked long enough ago and still is not needed.
///
/// # Errors
/// Kind `Store` when anything that may say what is needed cannot be read, and `Guard` when more than half of the store would be
/// marked without force. Nothing is marked or deleted then.
pub fn collect(context: &Context<'_>, repository: &Repository, options: &Options<'_>) -> Result<Outcome> {
    let grace = if options.no_grace { Duration::ZERO } else { repository.timing().grace };
    context.stage("looking for packs that no snapshot needs");
    let mut found = look(context, repository, options.going, grace)?;
    if options.dry_run {
        if options.no_grace {
            found.outcome.deleted.packs += std::mem::take(&mut found.outcome.marked.packs);
            found.outcome.deleted.bytes += std::mem::take(&mut found.outcome.marked.bytes);
        }
        return Ok(found.outcome);
    }
    if found.outcome.needs_force && !options.force {
        return Err(too_much(&found.outcome));
    }
    if found.outcome.marked != Sum::default() || found.outcome.deleted != Sum::default() {
        found.outcome.head =
            audit::record(repository, audit::collected(found.outcome.marked, found.outcome.deleted, options.no_grace))?;
    }
    found.written = tombs::write(repository, &found.mark)?;
    if options.no_grace && found.written > 0 {
        // The tomb is there now, and manifests that came before it are seen.
        let head = found.outcome.head.take();
        found = look(context, repository, options.going, grace)?;
        found.outcome.head = head;
    }
    sweep(context, repository, found)
}

fn too_much(outcome: &Outcome) -> Error {
    let (Sum { packs, .. }, Sum { packs: of, .. }) = (outcome.marked, outcome.all);
    Error::guard(format!("no snapshot needs {packs} of the store's {of} packs, which is more than half of it"))
        .hint("Nothing was marked or deleted. Were snapshots deleted behind the program's back? 'terp-fixtures audit verify' says so. If all is well, add --force: terp-fixtures gc --force")
}

/// Reads the marks, then all manifests, then lists the packs. In this order: whatever a due mark names was looked up in manifests
/// that were listed after its grace was over.
fn look(context: &Context<'_>, repository: &Repository, going: &[&Snapshot], grace: Duration) -> Result<Found> {
    let marks = tombs::read(repository)?;
    let live = live(context, repository, going)?;
    let listed = repository.store().list(ObjectKind::Pack)?;
    let freed = going.iter().flat_map(|snapshot| &snapshot.manifest.packs).filter_map(|pack| digest(&pack.name));
    let freed: HashSet<Digest> = freed.collect();
    let (mut marked, mut due) = (HashSet::new(), HashSet::new());
    for Mark { age, packs, .. } in &marks {
        let names = || packs.iter().filter_map(|pack| digest(&pack.name));
        marked.extend(names());
        if *age >= grace {
            due.extend(names());
        }
    }
    let (mut outcome, mut mark, mut there) = (Outcome::default(), Vec::new(), HashSet::new());
    let mut unexplained = Sum::default();
    for pack in listed {
        let Some(name) = digest(pack.name.stem()) else { continue };
        there.insert(name);
        outcome.all.add(pack.length);
        if live.contains(&name) {
            outcome.live.add(pack.length);
            continue;
        }
        outcome.unreferenced.add(pack.length);
        if due.contains(&name) {
            outcome.deleted.add(pack.length);
        } else if marked.contains(&name) {
            outcome.waiting.add(pack.length);
        } else if pack.age >= grace || freed.contains(&name) {
            outcome.marked.add(pack.length);
            mark.push(PackRef { name: pack.name.stem().to_owned(), length: pack.length });
            if !freed.contains(&name) {
                unexplained.add(pack.length);
            }
        } else {
            outcome.young.add(pack.length);
        }
    }
    outcome.needs_force = unexplained.is_most_of(outcome.all);
    let is_there = |pack: &PackRef| digest(&pack.name).is_some_and(|name| there.contains(&name));
    let is_due = |pack: &PackRef| digest(&pack.name).is_some_and(|name| due.contains(&name) && !live.contains(&name));
    let sorted = |tomb: Mark| {
        let packs = tomb.packs.into_iter().filter(is_there).map(|pack| {
            let delete = is_due(&pack);
            (pack, delete)
        });
        (tomb.name, packs.collect())
    };
    Ok(Found { outcome, mark, written: 0, tombs: marks.into_iter().map(sorted).collect() })
}

/// The packs that manifests name, but for those of snapshots that are going. One manifest is held at a time.
fn live(context: &Context<'_>, repository: &Repository, going: &[&Snapshot]) -> Result<HashSet<Digest>> {
    let mut live = HashSet::new();
    for listed in repository.store().list(ObjectKind::Snapshot)? {
        context.cancel.check()?;
        if going.iter().any(|snapshot| snapshot.object == listed.name) {
            continue;
        }
        match repository.snapshot(&listed.name) {
            Ok(snapshot) => live.extend(snapshot.manifest.packs.iter().filter_map(|pack| digest(&pack.name))),
            // Removed meanwhile.
            Err(_) if repository.store().head(&listed.name)?.is_none() => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    Ok(live)
}

/// What a manifest that cannot be read needs must not be removed.
pub(super) fn unreadable(error: Error) -> Error {
    error.within("nothing was removed").hint(
        "Packs that this snapshot needs cannot be told from others. Put it back from a copy, use the identity of a member who can read it, or delete the object.",
    )
}

fn digest(name: &str) -> Option<Digest> {
    data_encoding::HEXLOWER.decode(name.as_bytes()).ok()?.try_into().ok()
}

/// Deletes packs, and the tombs none of whose packs is left. What the store refuses to delete stays, with its tomb.
fn sweep(context: &Context<'_>, repository: &Repository, found: Found) -> Result<Outcome> {
    let Found { mut outcome, written, tombs, .. } = found;
    outcome.deleted = Sum::default();
    outcome.tombs = written;
    let mut tried: HashSet<String> = HashSet::new();
    let mut refused: HashSet<String> = HashSet::new();
    for (tomb, packs) in tombs {
        let mut left = 0;
        for (pack, delete) in packs {
            context.cancel.check()?;
            if delete && tried.insert(pack.name.clone()) {
                match repository.store().delete(&pack_object(&pack.name)?) {
                    Ok(()) => outcome.deleted.add(pack.length),
                    Err(error) => {
                        if refused.is_empty() {
                            let hint = "What the store does not let go of stays marked; the next gc tries again. Is it locked, or is the right to delete missing?";
                            context.warn(error.to_string(), Some(hint.to_owned()));
                        }
                        outcome.refused.add(pack.length);
                        refused.insert(pack.name.clone());
                    }
                }
            }
            left += u64::from(!delete || refused.contains(&pack.name));
        }
        if left > 0 {
            outcome.tombs += 1;
        } else if let Err(error) = repository.store().delete(&tomb) {
            outcome.tombs += 1;
            context
                .warn(error.to_string(), Some("The mark says nothing any more; the next gc tries again.".to_owned()));
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod tests;
