//! `verify`: is everything in the store what it says it is? Three depths: without keys, with keys, with every row read.
//!
//! | object | without keys | with keys |
//! |---|---|---|
//! | hint, own keys | | opened before anything else |
//! | keys of others | | name, length and header: only their member can open them; that a card goes with each |
//! | cards, charter | | those of the current epoch: signature, name |
//! | packs | digest against name | the same; with every row, opened and decoded |
//! | manifests | | signature, name, content, packs there |
//! | audit entries, tombs | | signature, name, content; `audit verify` also says what is missing |

use super::budget::Budget;
use super::closure::{self, Closure};
use super::keys;
use super::live::{Finding, Looker};
use super::packs::PackReader;
use super::pipeline::ordered_map;
use super::repository::{Repository, Snapshot, fetch_pack, pack_object};
use super::{Context, millis};
use crate::codec::{origins, pack, rows};
use crate::error::{Error, Result};
use crate::model::manifest::{PackRef, TableEntry};
use crate::model::proof::ObjectKind;
use crate::policy::approvals;
use crate::seal;
use crate::store::{Listed, Store};
use std::collections::BTreeSet;
use std::time::Instant;

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Packs whose digest was compared with their name.
    pub packs: u64,
    /// Manifests whose signature and content were verified.
    pub manifests: u64,
    /// Audit entries and tombs that were opened, and key files of others that were looked at.
    pub others: u64,
    /// Chunks opened, decompressed, re-hashed and decoded.
    pub chunks: u64,
    /// Rows decoded.
    pub rows: u64,
    /// References that every row was held against.
    pub references: u64,
    /// Rows that were not, because there were too many keys to hold.
    pub sampled: u64,
    /// Everything that is wrong, one line each.
    pub damage: Vec<String>,
    /// Text cells that were looked at for live addresses and numbers.
    pub cells: u64,
    /// What was found there.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub millis: u64,
}

impl Outcome {
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.damage.push(error.to_string());
                None
            }
        }
    }

    /// The outcome as the command's result: damage is an error, and so is what a mask should have replaced.
    ///
    /// # Errors
    /// Kind `Store` when anything is damaged, `Policy` when masked columns hold what no mask writes.
    pub fn into_result(self) -> Result<Self> {
        let told = |finding: &Finding| format!("{}: {} {}", finding.place, finding.count, finding.what);
        let leaks: Vec<String> = self.findings.iter().filter(|finding| !finding.kept).map(told).collect();
        if self.damage.is_empty() && !leaks.is_empty() {
            return Err(Error::policy(format!(
                "masked columns hold what could be somebody's:\n  {}",
                leaks.join("\n  ")
            ))
            .hint(
                "Delete the snapshot, mask the columns in another way (text_replace for free text), and capture again.",
            ));
        }
        if self.damage.is_empty() {
            return Ok(self);
        }
        Err(Error::store(format!("the store is damaged:\n  {}", self.damage.join("\n  "))).hint(
            "Put the named objects back from a copy of the store. Without a copy, delete them and capture again: what is missing is uploaded anew.",
        ))
    }
}

/// Packs that are fetched and compared at once.
const SCRUBBED: usize = 4;

/// The most bytes of such packs.
const SCRUBBED_BYTES: u64 = 64 << 20;

/// Compares every pack with its name. Needs no key, and finds every change of a pack, but cannot look into manifests.
///
/// # Errors
/// Kind `Store` when the store cannot be listed; damage is in the outcome.
pub fn scrub(context: &Context<'_>, store: &dyn Store) -> Result<Outcome> {
    let start = Instant::now();
    let mut outcome = Outcome::default();
    context.stage("comparing every pack with its name");
    let packs = store.list(ObjectKind::Pack)?;
    let (all, budget) = (packs.len() as u64, &Budget::new(SCRUBBED_BYTES));
    std::thread::scope(|scope| {
        let (feed, checked) = ordered_map(scope, SCRUBBED, move |listed: Listed| {
            budget.take(listed.length);
            // The length that the store tells may be any.
            let limit = listed.length.min(seal::MAX_PACK);
            let checked = store.get(&listed.name, limit).and_then(|sealed| seal::scrub(&sealed));
            budget.give_back(listed.length);
            checked
        });
        scope.spawn(move || packs.into_iter().try_for_each(|listed| feed.send(listed)));
        for checked in checked {
            context.cancel.check()?;
            outcome.packs += 1;
            outcome.note(checked);
        }
        Ok(())
    })?;
    if outcome.packs != all {
        return Err(Error::internal("a worker thread stopped unexpectedly"));
    }
    outcome.millis = millis(start);
    Ok(outcome)
}

/// How deep to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Manifests and packs.
    Packs,
    /// Every row.
    Rows,
    /// Every row, and what its cells look like.
    Leaks,
}

/// Verifies the manifests of all snapshots or of one, and their packs; deeper, every row as well.
///
/// # Errors
/// Kind `Store` when the store cannot be listed or the snapshot is not there; damage is in the outcome.
pub fn verify(context: &Context<'_>, repository: &Repository, wanted: Option<&str>, depth: Depth) -> Result<Outcome> {
    let start = Instant::now();
    let mut outcome = match wanted {
        // A scrub covers all packs; for one snapshot its own packs are compared below.
        Some(_) => Outcome::default(),
        None => scrub(context, repository.store())?,
    };
    context.stage("verifying manifests");
    let snapshots = match wanted {
        Some(wanted) => vec![repository.find(wanted)?],
        None => {
            let listed = repository.store().list(ObjectKind::Snapshot)?;
            listed.iter().filter_map(|listed| outcome.note(repository.snapshot(&listed.name))).collect()
        }
    };
    if wanted.is_none() {
        let members = keys::members(repository)?;
        outcome.damage.extend(members.refused.iter().chain(&members.strays).map(ToString::to_string));
    }
    let mut seen = BTreeSet::new();
    for snapshot in &snapshots {
        context.cancel.check()?;
        outcome.manifests += 1;
        let approved = approvals::consistent(&snapshot.manifest.policy);
        outcome.note(approved.map_err(|error| error.within(snapshot.label())));
        for pack in &snapshot.manifest.packs {
            if !seen.insert(pack.name.clone()) {
                continue;
            }
            let checked = if wanted.is_some() {
                outcome.packs += 1;
                fetch_pack(repository.store(), pack).and_then(|sealed| seal::scrub(&sealed))
            } else {
                is_there(repository, pack)
            };
            outcome.note(checked.map_err(|error| error.within(snapshot.label())));
        }
        if depth > Depth::Packs {
            read_rows(context, repository, snapshot, depth, &mut outcome)?;
        }
    }
    if wanted.is_none() {
        look_at_others(context, repository, &mut outcome)?;
    }
    outcome.millis = millis(start);
    Ok(outcome)
}

/// Opens what no snapshot is made of.
fn look_at_others(context: &Context<'_>, repository: &Repository, outcome: &mut Outcome) -> Result<()> {
    context.stage("verifying what no snapshot is made of");
    let store = repository.store();
    for kind in [ObjectKind::Audit, ObjectKind::Tomb, ObjectKind::Key] {
        for listed in store.list(kind)? {
            context.cancel.check()?;
            let looked_at = match kind {
                ObjectKind::Audit => repository.entry(&listed.name).map(drop),
                ObjectKind::Tomb => repository.tomb(&listed.name).map(drop),
                // The member's own were opened with the store; here they pass again.
                _ => store.get(&listed.name, seal::MAX_KEY).and_then(|sealed| seal::check_keys_of_another(&sealed)),
            };
            // What somebody removed since it was listed is no damage.
            if looked_at.is_ok() || store.head(&listed.name)?.is_some() {
                outcome.others += 1;
                outcome.note(looked_at);
            }
        }
    }
    Ok(())
}

fn is_there(repository: &Repository, pack: &PackRef) -> Result<()> {
    match repository.store().head(&pack_object(&pack.name)?)? {
        Some(length) if length == pack.length => Ok(()),
        Some(length) => Err(Error::store(format!("pack {} has {length} bytes instead of {}", pack.name, pack.length))),
        None => Err(Error::store(format!("pack {} is missing", pack.name))),
    }
}

fn read_rows(
    context: &Context<'_>,
    repository: &Repository,
    snapshot: &Snapshot,
    depth: Depth,
    outcome: &mut Outcome,
) -> Result<()> {
    context.stage(format!("reading every row of {}", snapshot.label()));
    let packs = PackReader::new(repository, snapshot.manifest.epoch)?;
    let references = closure::promised(&snapshot.manifest);
    let closure = Closure::new(&references, &snapshot.manifest.schema);
    let mut is_whole = true;
    for entry in &snapshot.manifest.tables {
        context.cancel.check()?;
        let mut looker = (depth == Depth::Leaks).then(|| Looker::new(entry));
        let read = read_table(snapshot, entry, &packs, &closure, looker.as_mut())
            .map_err(|error| error.within(format!("table {}", entry.table)).within(snapshot.label()));
        if outcome.note(read).is_some() {
            outcome.chunks += (entry.chunks.len() + entry.origins.len()) as u64;
            outcome.rows += entry.rows;
        } else {
            is_whole = false;
        }
        if let Some(looker) = looker {
            outcome.cells += looker.cells;
            outcome.findings.extend(looker.findings());
        }
    }
    // Rows that cannot be read are told already; their children would only say it again.
    if is_whole {
        let found = closure.finish();
        outcome.references += found.len() as u64;
        outcome.sampled += found.iter().map(|tally| tally.left_out).sum::<u64>();
        let differences = closure::differences(&snapshot.manifest, &references, &found);
        outcome.damage.extend(differences.into_iter().map(|line| format!("{}: {line}", snapshot.label())));
    }
    Ok(())
}

fn read_table(
    snapshot: &Snapshot,
    entry: &TableEntry,
    packs: &PackReader<'_>,
    closure: &Closure<'_>,
    mut looker: Option<&mut Looker<'_>>,
) -> Result<()> {
    let manifest = &snapshot.manifest;
    let schema = manifest.schema.table(&entry.table).ok_or_else(|| Error::store("the manifest has no schema of it"))?;
    let layout = rows::Layout::new(manifest.schema.engine, schema);
    let mut stream = blake3::Hasher::new();
    packs.reading(&manifest.packs, &entry.chunks, || {
        for chunk in &entry.chunks {
            let packed = packs.pack(&manifest.packs[chunk.pack as usize])?;
            let encoded = pack::open_chunk(&packed, chunk, packs.keys().id_key()?)?;
            let masked = rows::decode(&encoded, &layout)?;
            closure.observe(&entry.table, masked.rows());
            if let Some(looker) = &mut looker {
                looker.look(masked.rows());
            }
            stream.update(encoded.bytes());
        }
        Ok(())
    })?;
    for chunk in &entry.origins {
        let packed = packs.pack(&manifest.packs[chunk.pack as usize])?;
        origins::decode(&pack::open_chunk(&packed, chunk, packs.keys().id_key()?)?)?;
    }
    if stream.finalize().to_hex().as_str() != entry.digest {
        return Err(Error::store("the rows are not the ones that the manifest describes"));
    }
    Ok(())
}
