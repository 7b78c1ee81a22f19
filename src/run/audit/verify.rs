//! `audit verify`: what was removed, reordered, edited, forged or brought in from elsewhere, each with its place.

use super::chain::{self, Row};
use super::{Recorded, WINDOW, entries, head_of};
use crate::codec;
use crate::engine::Target;
use crate::error::{Error, Result};
use crate::model::audit::{Anchor, Deed, Entry, Head, Operation, Outcome};
use crate::model::proof::ObjectKind;
use crate::model::schema::DatabaseIdentity;
use crate::run::repository::Repository;
use std::collections::{BTreeMap, BTreeSet};

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries that were looked at.
    pub entries: u64,
    /// The newest of them.
    pub head: Head,
    /// What is wrong.
    pub findings: Vec<String>,
}

impl Verified {
    /// Fails when anything is wrong.
    ///
    /// # Errors
    /// Kind `Store`, with everything that was found.
    pub fn into_result(self) -> Result<Self> {
        if self.findings.is_empty() {
            return Ok(self);
        }
        Err(Error::store(format!("the audit trail is not whole:\n  {}", self.findings.join("\n  ")))
            .hint("docs/audit.md says what each line means and what to do."))
    }
}

/// A head that was known earlier, and where it was kept.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where: for the finding.
    pub by: String,
    /// The head.
    pub head: Head,
}

/// Verifies the trail of a store: every entry by itself, the chain, what manifests and `known` heads say of it.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn store(repository: &Repository, known: &[Known]) -> Result<Verified> {
    let (all, damaged) = entries(repository)?;
    let mut findings: Vec<String> = damaged.iter().map(ToString::to_string).collect();
    let listed = repository.store().list(ObjectKind::Audit)?;
    let names: BTreeSet<&str> =
        listed.iter().filter_map(|listed| listed.name.stem().split_once('-')).map(|(_, hash)| hash).collect();
    let by_hash: BTreeMap<&str, &Entry> =
        all.iter().map(|recorded| (recorded.hash.as_str(), &recorded.entry)).collect();
    for recorded in &all {
        follows(recorded, &by_hash, &names, &mut findings);
    }
    let (snapshots, _) = repository.snapshots()?;
    let mut known = known.to_vec();
    for snapshot in &snapshots {
        let head = snapshot.manifest.audit.clone();
        known.extend(head.map(|head| Known { by: format!("the manifest of {}", snapshot.label()), head }));
    }
    for Known { by, head } in &known {
        for hash in head.heads.iter().filter(|hash| !names.contains(hash.as_str())) {
            findings.push(format!(
                "{by} knows an entry {} with the number {} or below, which is gone",
                short(hash),
                head.seq
            ));
        }
    }
    let with_trail: Vec<(&str, String)> = snapshots
        .iter()
        .filter(|snapshot| snapshot.manifest.audit.is_some())
        .map(|snapshot| (snapshot.id.as_str(), snapshot.label()))
        .collect();
    let objects = repository.store().list(ObjectKind::Snapshot)?;
    let present: BTreeSet<&str> =
        objects.iter().filter_map(|listed| listed.name.stem().split_once('-')).map(|(_, id)| id).collect();
    against_snapshots(&all, &present, &with_trail, &mut findings);
    Ok(Verified { entries: all.len() as u64, head: head_of(&all, WINDOW), findings })
}

/// Whether what an entry follows is there, and its number fits.
fn follows(recorded: &Recorded, by_hash: &BTreeMap<&str, &Entry>, names: &BTreeSet<&str>, findings: &mut Vec<String>) {
    let entry = &recorded.entry;
    let mut highest = 0;
    for hash in &entry.prev {
        match by_hash.get(hash.as_str()) {
            Some(before) => highest = highest.max(before.seq),
            // One that is there but cannot be read is told already.
            None if names.contains(hash.as_str()) => return,
            None => {
                findings.push(format!(
                    "entry {} ({}) follows an entry {} that is gone: it was removed, or replaced by another one",
                    entry.seq,
                    shown(&entry.what),
                    short(hash)
                ));
                return;
            }
        }
    }
    if entry.seq != highest + 1 {
        findings.push(format!("entry {} ({}) follows entry {highest}", entry.seq, shown(&entry.what)));
    }
}

/// Holds captures and removals against the snapshots that are there.
fn against_snapshots(
    all: &[Recorded],
    present: &BTreeSet<&str>,
    with_trail: &[(&str, String)],
    findings: &mut Vec<String>,
) {
    let ids = |operations: &[Operation]| -> BTreeMap<String, u64> {
        let done = all.iter().map(|recorded| &recorded.entry);
        let done = done.filter(|it| it.what.outcome == Outcome::Done && operations.contains(&it.what.operation));
        done.filter_map(|entry| Some((entry.what.snapshot.as_ref()?.id.clone()?, entry.seq))).collect()
    };
    let captured = ids(&Operation::THAT_PUBLISH);
    let removed = ids(&[Operation::Expire, Operation::Delete]);
    for (id, seq) in &captured {
        if !removed.contains_key(id) && !present.contains(id.as_str()) {
            findings
                .push(format!("snapshot {} of entry {seq} is gone, and no entry says that it was removed", short(id)));
        }
    }
    for (id, seq) in removed.iter().filter(|(id, _)| present.contains(id.as_str())) {
        findings.push(format!("entry {seq} says that snapshot {} was removed, and it is there", short(id)));
    }
    for (_, label) in with_trail.iter().filter(|(id, _)| !captured.contains_key(*id) && !removed.contains_key(*id)) {
        findings.push(format!("no entry says that snapshot {label} was captured"));
    }
}

/// Verifies the chain of a target: by itself, and against what the store's trail knows of it, where a store is open.
///
/// # Errors
/// Kind `Unreachable` or `Store` when either cannot be read.
pub fn target(target: &mut dyn Target, repository: Option<&Repository>) -> Result<Verified> {
    let rows = chain::rows(target)?;
    let mut findings = Vec::new();
    let head = by_itself(&rows, &mut findings);
    if let Some(repository) = repository {
        let (all, _) = entries(repository)?;
        against_store(&rows, &all, &target.identity()?, &mut findings);
    }
    Ok(Verified { entries: rows.len() as u64, head, findings })
}

/// Every row follows the one before it, and its hash is that of its line.
fn by_itself(rows: &[Row], findings: &mut Vec<String>) -> Head {
    let mut before: Option<(String, String)> = None;
    for (row, number) in rows.iter().zip(1_i64..) {
        let hash = codec::audit::hash(row.line.as_bytes());
        if row.seq != number {
            findings.push(format!("row {} stands where row {number} should: rows were removed or moved", row.seq));
            return Head::default();
        }
        if row.hash != hash {
            findings.push(format!("row {number} was edited: its line has another hash than the one beside it"));
            return Head::default();
        }
        let Ok(entry) = codec::audit::decode(row.line.as_bytes()) else {
            findings.push(format!("row {number} is not an audit entry"));
            return Head::default();
        };
        let (chain, prev) =
            before.take().map_or((entry.chain.clone(), Vec::new()), |(chain, hash)| (chain, vec![hash]));
        if i64::try_from(entry.seq) != Ok(number) || entry.prev != prev || entry.chain != chain {
            findings.push(format!(
                "row {number} ({}) does not follow the row before it: rows were removed, moved or brought in",
                shown(&entry.what)
            ));
            return Head::default();
        }
        before = Some((chain, hash));
    }
    Head { seq: rows.len() as u64, heads: before.into_iter().map(|(_, hash)| hash).collect() }
}

/// Every place where the store's trail says that the chain stood must be in it.
fn against_store(rows: &[Row], all: &[Recorded], identity: &DatabaseIdentity, findings: &mut Vec<String>) {
    let here = |deed: &Deed| {
        deed.database.as_ref().and_then(|database| database.identity.as_ref()).is_some_and(|it| it.is_same_as(identity))
    };
    let chain = rows.iter().find_map(|row| codec::audit::decode(row.line.as_bytes()).ok()).map(|entry| entry.chain);
    let anchors: Vec<(u64, &Anchor)> = all
        .iter()
        .filter(|recorded| recorded.entry.what.outcome == Outcome::Done && here(&recorded.entry.what))
        .filter_map(|recorded| Some((recorded.entry.seq, recorded.entry.what.target.as_ref()?)))
        .collect();
    for (seq, anchor) in anchors.iter().filter(|(_, anchor)| Some(&anchor.chain) == chain.as_ref() && !anchor.closed) {
        let there = rows.iter().find(|row| u64::try_from(row.seq) == Ok(anchor.seq));
        let says = format!("the store's entry {seq} knows row {} of this chain", anchor.seq);
        match there {
            None => findings.push(format!("{says}, which is gone")),
            Some(row) if codec::audit::hash(row.line.as_bytes()) != anchor.hash => {
                findings.push(format!("{says} with another line: the chain was rewritten"));
            }
            Some(_) => {}
        }
    }
    // The newest deed says which chain should be here, if any.
    if let Some((seq, anchor)) = anchors.last()
        && !anchor.closed
        && Some(&anchor.chain) != chain.as_ref()
    {
        findings.push(format!(
            "the store's entry {seq} knows a chain of this target, which is gone: it was removed or replaced, or the last run was \
             rolled back without this store"
        ));
    }
}

/// A deed in few words.
fn shown(deed: &Deed) -> String {
    let name =
        deed.snapshot.as_ref().map(|snapshot| format!(" of {}", snapshot.name.escape_debug())).unwrap_or_default();
    format!("{}{name}, {}", deed.operation.word(), deed.outcome.word())
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
