//! The tags of a store: one small signed object for each change, which holds all tags of its snapshot. What two writers do at once
//! lies in two objects that hold together, so that nothing is lost; the next writer makes one of them.

use super::repository::{Repository, Snapshot};
use super::{now, walk};
use crate::codec;
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName};
use crate::model::tag::{MOST, REMEMBERED, TagSet, VERSION, WINDOW, is_tag};
use crate::seal;
use std::collections::{BTreeMap, BTreeSet};

/// How often the tags are read anew because somebody changed them meanwhile.
const ROUNDS: usize = 32;

/// All tags of a store.
#[derive(Debug, Default)]
pub struct Tags {
    snapshots: BTreeMap<String, Known>,
    /// What could not be read, and might say otherwise.
    pub damaged: Vec<Error>,
}

/// The objects of one snapshot.
#[derive(Debug, Default)]
struct Known(Vec<(ObjectName, TagSet)>);

impl Known {
    fn seq(&self) -> u64 {
        self.0.iter().map(|(_, set)| set.seq).max().unwrap_or(0)
    }

    /// The objects that hold, by number.
    fn sets(&self) -> Vec<&TagSet> {
        let newest = self.seq();
        let mut sets: Vec<&TagSet> =
            self.0.iter().map(|(_, set)| set).filter(|set| set.seq + WINDOW > newest).collect();
        sets.sort_by_key(|set| set.seq);
        sets
    }

    /// The tags with their marks, and the marks that were taken away.
    fn merged(&self) -> (BTreeMap<String, BTreeSet<String>>, Vec<String>) {
        let sets = self.sets();
        let mut removed: Vec<String> = Vec::new();
        for mark in sets.iter().flat_map(|set| &set.removed) {
            if !removed.contains(mark) {
                removed.push(mark.clone());
            }
        }
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (tag, marks) in sets.iter().flat_map(|set| &set.tags) {
            let left = marks.iter().filter(|mark| !removed.contains(mark)).cloned();
            tags.entry(tag.clone()).or_default().extend(left);
        }
        tags.retain(|_, marks| !marks.is_empty());
        (tags, removed)
    }

    fn tags(&self) -> BTreeSet<String> {
        self.merged().0.into_keys().collect()
    }
}

impl Tags {
    /// Reads them.
    ///
    /// # Errors
    /// Kind `Store` when the store cannot be listed.
    pub fn read(repository: &Repository) -> Result<Self> {
        for _ in 0..ROUNDS {
            let listed = repository.store().list(ObjectKind::Tag)?;
            let opened = walk::at_once(&listed, &|listed| repository.tag_set(&listed.name));
            let (mut tags, mut is_whole) = (Self::default(), true);
            for (listed, opened) in listed.into_iter().zip(opened) {
                match opened {
                    Ok(set) => tags.add(listed.name, set),
                    // Somebody put a newer one meanwhile and removed this one.
                    Err(_) if repository.store().head(&listed.name)?.is_none() => is_whole = false,
                    Err(error) => tags.damaged.push(error),
                }
            }
            if is_whole {
                return Ok(tags);
            }
        }
        Err(busy())
    }

    fn add(&mut self, name: ObjectName, set: TagSet) {
        self.snapshots.entry(set.snapshot.clone()).or_default().0.push((name, set));
    }

    /// The tags of a snapshot.
    #[must_use]
    pub fn of(&self, snapshot: &Snapshot) -> BTreeSet<String> {
        self.snapshots.get(&snapshot.id).map_or_else(|| snapshot.manifest.tags.clone(), Known::tags)
    }

    /// Whether a tag was changed since the snapshot with this id was captured; then what is here holds.
    #[must_use]
    pub fn says_of(&self, id: &str) -> bool {
        self.snapshots.contains_key(id)
    }

    /// Ids of the snapshots that have `tag` by an object of their own.
    #[must_use]
    pub fn with(&self, tag: &str) -> BTreeSet<&str> {
        let has = |(_, known): &(&String, &Known)| known.tags().contains(tag);
        self.snapshots.iter().filter(has).map(|(id, _)| id.as_str()).collect()
    }
}

/// What tags should become.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Those that are given.
    pub add: BTreeSet<String>,
    /// Those that are taken away.
    pub remove: BTreeSet<String>,
}

impl Change {
    /// # Errors
    /// Kind `Usage` when a word is no tag, or is given and taken away at once.
    pub fn new(add: &[String], remove: &[String]) -> Result<Self> {
        let change = Self { add: add.iter().cloned().collect(), remove: remove.iter().cloned().collect() };
        if let Some(bad) = change.add.iter().find(|tag| !is_tag(tag)) {
            return Err(Error::usage(format!("'{}' cannot be a tag", bad.escape_debug()))
                .hint("A tag has up to 64 letters, digits, dots, dashes and underscores, a letter or digit first."));
        }
        if let Some(both) = change.add.intersection(&change.remove).next() {
            return Err(Error::usage(format!("the tag '{}' is given and removed at once", both.escape_debug())));
        }
        Ok(change)
    }
}

/// Changes the tags of a snapshot; gives what they are then. What somebody else changes at the same time stays.
///
/// # Errors
/// Kind `Usage` when there would be too many; kind `Store` when an object cannot be read or written.
pub fn change(repository: &Repository, snapshot: &Snapshot, change: &Change) -> Result<BTreeSet<String>> {
    for _ in 0..ROUNDS {
        let known = known(repository, snapshot)?;
        let Some(set) = changed(repository, snapshot, &known, change)? else {
            return Ok(if known.0.is_empty() { snapshot.manifest.tags.clone() } else { known.tags() });
        };
        let stamp = set.created.replace(['-', ':'], "");
        let sealed = seal::seal_tags(&codec::tag::encode(&set)?, &stamp, repository.keys(), repository.signer())?;
        repository.store().put(&sealed)?;
        // The new one is durable, and has all that these have.
        for (name, _) in &known.0 {
            repository.store().delete(name)?;
        }
        // Who was too slow is out of the window already, and must say it again.
        if self::known(repository, snapshot)?.seq() < set.seq + WINDOW {
            return Ok(set.tags.into_keys().collect());
        }
    }
    Err(busy())
}

/// The objects of a snapshot, if all objects can be read.
fn known(repository: &Repository, snapshot: &Snapshot) -> Result<Known> {
    let mut tags = Tags::read(repository)?;
    match tags.damaged.pop() {
        None => Ok(tags.snapshots.remove(&snapshot.id).unwrap_or_default()),
        Some(damage) => {
            Err(damage.hint("Its tags would be lost. Put it back from a copy of the store, or delete the object."))
        }
    }
}

/// The object that makes a change; none where there is nothing to change.
fn changed(repository: &Repository, snapshot: &Snapshot, known: &Known, change: &Change) -> Result<Option<TagSet>> {
    let (mut tags, mut removed) = if known.0.is_empty() { at_capture(snapshot) } else { known.merged() };
    let before = tags.clone();
    for tag in &change.remove {
        removed.extend(tags.remove(tag).unwrap_or_default());
    }
    for tag in change.add.iter().filter(|tag| !before.contains_key(*tag)) {
        let mark = data_encoding::HEXLOWER.encode(&super::random::<8>()?);
        tags.insert(tag.clone(), [mark].into());
    }
    if tags == before {
        return Ok(None);
    }
    if tags.len() > MOST {
        return Err(
            Error::usage(format!("a snapshot cannot have more than {MOST} tags")).hint("Take some away with --remove.")
        );
    }
    removed.drain(..removed.len().saturating_sub(REMEMBERED));
    Ok(Some(TagSet {
        version: VERSION,
        repo: repository.id().to_owned(),
        snapshot: snapshot.id.clone(),
        seq: known.seq() + 1,
        created: now(),
        tags,
        removed,
    }))
}

/// The tags of a capture. Their mark is the same for everybody.
fn at_capture(snapshot: &Snapshot) -> (BTreeMap<String, BTreeSet<String>>, Vec<String>) {
    let mark = || BTreeSet::from([snapshot.id[..16].to_owned()]);
    (snapshot.manifest.tags.iter().map(|tag| (tag.clone(), mark())).collect(), Vec::new())
}

fn busy() -> Error {
    Error::store("the tags are changed again and again by others").hint("Try again when they are done.")
}

/// All tags, for a rule that keeps what has one.
///
/// # Errors
/// Kind `Store` when one of them cannot be read: it might keep something.
pub fn all(repository: &Repository) -> Result<Tags> {
    let mut tags = Tags::read(repository)?;
    match tags.damaged.pop() {
        None => Ok(tags),
        Some(damage) => {
            Err(damage.within("nothing was removed").hint("Put the tags back from a copy, or delete the object."))
        }
    }
}

/// Removes the tag objects of snapshots that are not in the store any more. Gives how many.
///
/// # Errors
/// Kind `Store` when one cannot be removed.
pub fn forget(repository: &Repository) -> Result<usize> {
    // Tags first: those of a snapshot that is published in between are not among them.
    let tags = Tags::read(repository)?;
    let listed = repository.store().list(ObjectKind::Snapshot)?;
    let there: BTreeSet<&str> =
        listed.iter().filter_map(|listed| Some(listed.name.stem().split_once('-')?.1)).collect();
    let gone = tags.snapshots.iter().filter(|(id, _)| !there.contains(id.as_str()));
    let objects: Vec<&ObjectName> = gone.flat_map(|(_, known)| known.0.iter().map(|(name, _)| name)).collect();
    for name in &objects {
        repository.store().delete(name)?;
    }
    Ok(objects.len())
}
