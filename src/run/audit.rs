//! The audit trail of a store: one signed entry per deed, each naming the newest entries that its writer saw. Two writers at once
//! make a fork, which the next entry joins.
//!
//! | part | what it does |
//! |---|---|
//! | this file | appends an entry; reads entries |
//! | `deeds` | what a capture, restore, rollback or removal says of itself |
//! | `chain` | the chain inside a target |
//! | `verify` | finds what was removed, reordered, edited or forged |

pub mod chain;
mod deeds;
pub mod verify;

pub(super) use deeds::collected;
pub use deeds::{captured, copied, exported, invented, key_made, removed, tagged};
pub(super) use deeds::{restored, rolled_back};

use super::now;
use super::repository::Repository;
use crate::codec;
use crate::error::{Error, Result};
use crate::model::audit::{Actor, Deed, Entry, Head, Operation, Outcome, Statement, VERSION};
use crate::model::proof::ObjectKind;
use crate::seal;
use std::collections::BTreeSet;

/// How far behind the newest entry one may be that nobody follows, and still be followed by the next entry. Writers who list,
/// wait, and write so much later make an end that stays loose; `audit verify` accepts it.
const WINDOW: u64 = 16;

/// An entry as it lies in a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What later entries call it.
    pub hash: String,
    /// The line itself.
    pub line: String,
    /// What the line says.
    pub entry: Entry,
}

/// Appends an entry to the trail of a store. A public store has no trail, and then nothing happens. Gives the new head.
///
/// # Errors
/// Kind `Store` when it cannot be written.
pub fn record(repository: &Repository, deed: Deed) -> Result<Option<Head>> {
    if repository.is_public() {
        return Ok(None);
    }
    let before = head(repository)?;
    let entry = entry(repository.id(), repository.actor().clone(), &before, deed)?;
    let line = codec::audit::encode(&entry)?;
    let sealed = seal::seal_entry(&line, entry.seq, repository.keys(), repository.signer())?;
    repository.store().put(&sealed)?;
    Ok(Some(Head { seq: entry.seq, heads: vec![codec::audit::hash(&line)] }))
}

/// The newest entries that can be read: what the next one follows. Entries that cannot be read are passed over, so that nobody can
/// stop the trail with a broken object.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn head(repository: &Repository) -> Result<Head> {
    let mut found: Vec<Recorded> = Vec::new();
    for listed in repository.store().list(ObjectKind::Audit)?.iter().rev() {
        let Ok(recorded) = repository.entry(&listed.name) else { continue };
        if found.first().is_some_and(|newest| recorded.entry.seq + WINDOW < newest.entry.seq) {
            break;
        }
        found.push(recorded);
    }
    Ok(head_of(&found, WINDOW))
}

/// The entries within the window that no other one follows.
fn head_of(entries: &[Recorded], window: u64) -> Head {
    let seq = entries.iter().map(|recorded| recorded.entry.seq).max().unwrap_or(0);
    let followed: BTreeSet<&String> = entries.iter().flat_map(|recorded| &recorded.entry.prev).collect();
    let ends = entries.iter().filter(|recorded| recorded.entry.seq.saturating_add(window) >= seq);
    let mut heads: Vec<String> =
        ends.map(|recorded| &recorded.hash).filter(|hash| !followed.contains(hash)).cloned().collect();
    heads.sort_unstable();
    Head { seq, heads }
}

/// The whole trail, oldest first, and an error for each entry that cannot be read.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn entries(repository: &Repository) -> Result<(Vec<Recorded>, Vec<Error>)> {
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    for listed in repository.store().list(ObjectKind::Audit)? {
        match repository.entry(&listed.name) {
            Ok(recorded) => entries.push(recorded),
            Err(error) => damaged.push(error),
        }
    }
    Ok((entries, damaged))
}

/// How many entries a [`glance`] reads at most.
const GLANCE: usize = 1000;

/// What a quick look at a trail shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Entries that are listed.
    pub entries: usize,
    /// Those that were looked at: the newest.
    pub looked_at: usize,
    /// Those of them that cannot be read.
    pub unreadable: usize,
    /// The newest that can be read.
    pub newest: Option<Recorded>,
    /// Ids of the snapshots whose capture is among those that were looked at.
    pub captured: BTreeSet<String>,
}

/// A quick look at the newest entries, however long the trail is. It proves nothing; [`verify`] does.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn glance(repository: &Repository) -> Result<Glance> {
    let listed = repository.store().list(ObjectKind::Audit)?;
    let looked_at = listed.len().min(GLANCE);
    let read = listed.iter().rev().take(GLANCE).filter_map(|listed| repository.entry(&listed.name).ok());
    let read: Vec<Recorded> = read.collect();
    let made = |recorded: &&Recorded| {
        Operation::THAT_PUBLISH.contains(&recorded.entry.what.operation) && recorded.entry.what.outcome == Outcome::Done
    };
    let id = |recorded: &Recorded| recorded.entry.what.snapshot.as_ref().and_then(|snapshot| snapshot.id.clone());
    let captured = read.iter().filter(made).filter_map(id).collect();
    let unreadable = looked_at - read.len();
    Ok(Glance { entries: listed.len(), looked_at, unreadable, newest: read.into_iter().next(), captured })
}

/// The signed statement of the newest entries, to be kept where nobody who can write to the store can write, and the same as the
/// text of a file.
///
/// # Errors
/// Kind `Store` when the trail cannot be read, or a part of it is damaged.
pub fn sign_head(repository: &Repository) -> Result<(Statement, Vec<u8>)> {
    let (entries, damaged) = entries(repository)?;
    if let Some(error) = damaged.into_iter().next() {
        return Err(error.hint("'terp-fixtures audit verify' says what is wrong with the trail."));
    }
    let statement = Statement {
        version: VERSION,
        repo: repository.id().to_owned(),
        time: now(),
        entries: entries.len() as u64,
        head: head_of(&entries, WINDOW),
    };
    let line = codec::audit::encode_head(&statement)?;
    Ok((statement, seal::seal_head(&line, repository.keys(), repository.signer())))
}

/// Reads a file that [`sign_head`] made.
///
/// # Errors
/// Kind `Store` when it is none, of another store, or signed by nobody who is pinned.
pub fn read_head(repository: &Repository, file: &[u8]) -> Result<Statement> {
    let line = repository.open_head(file)?;
    let statement = codec::audit::decode_head(&line)?;
    if statement.repo == repository.id() {
        return Ok(statement);
    }
    Err(Error::store("the head is that of another store").hint("Name the file that belongs to this store."))
}

/// Whether every entry of a head is still there, by name only.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn still_there(repository: &Repository, head: &Head) -> Result<bool> {
    let listed = repository.store().list(ObjectKind::Audit)?;
    let is_there = |hash: &String| listed.iter().any(|listed| listed.name.stem().ends_with(hash.as_str()));
    Ok(head.heads.iter().all(is_there))
}

/// A new entry behind `before`.
fn entry(chain: &str, who: Actor, before: &Head, what: Deed) -> Result<Entry> {
    Ok(Entry {
        version: VERSION,
        chain: chain.to_owned(),
        id: random_id()?,
        seq: before.seq + 1,
        prev: before.heads.clone(),
        time: now(),
        who,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        what,
    })
}

fn random_id() -> Result<String> {
    Ok(data_encoding::HEXLOWER.encode(&super::random::<16>()?))
}

#[cfg(test)]
mod tests;
