//! Which epochs' keys a member holds, and which of them count.
//!
//! An epoch counts from when its charter is there, which is written after the keys of all its members. Each epoch but the first that a
//! member holds must be endorsed by the one before, so that nobody who cannot read rows can begin one.

use crate::error::{Error, Result};
use crate::model::proof::ObjectKind;
use crate::seal::{self, EpochKeys, MAX_KEY, Member, SignerId};
use crate::store::Store;
use std::collections::BTreeSet;

/// The keys that a member holds.
pub(crate) struct Epochs {
    /// Oldest first; never empty.
    pub(crate) held: Vec<EpochKeys>,
    /// Which of them is the newest that counts.
    current: usize,
    /// The epochs that count, as far as their names tell.
    chartered: BTreeSet<u32>,
}

impl Epochs {
    pub(crate) fn current(&self) -> &EpochKeys {
        &self.held[self.current]
    }

    /// Whether an epoch counts that is not held.
    pub(crate) fn lacks_some(&self) -> bool {
        self.chartered.iter().any(|epoch| self.held.iter().all(|keys| keys.epoch() != *epoch))
    }
}

/// Opens every key file of a member.
pub(crate) fn open(store: &dyn Store, repo: &str, member: &Member, pinned: &[SignerId]) -> Result<Epochs> {
    let recipient = member.recipient();
    let mut held = Vec::new();
    for listed in store.list(ObjectKind::Key)? {
        let Some(epoch) = seal::epoch_of(&listed.name) else { continue };
        if listed.name != seal::key_object(epoch, &recipient) {
            continue;
        }
        let opened = seal::open_keys(&store.get(&listed.name, MAX_KEY)?, member, pinned)?;
        if opened.repo() != repo || opened.epoch() != epoch {
            return Err(Error::store(format!("{} belongs to another store or epoch", listed.name))
                .hint("Somebody moved files between stores; restore the store from its backup."));
        }
        held.push(opened);
    }
    held.sort_by_key(EpochKeys::epoch);
    let chartered = chartered(store)?;
    let Some(current) = newest(&held, &chartered)? else {
        return Err(match held.first() {
            None => Error::store("this identity is not a member of the store").hint(
                "Check TERP_FIXTURES_IDENTITY_FILE, or ask a member to add the recipient that your identity file names.",
            ),
            Some(keys) => Error::store(format!("epoch {} has no charter, so that its keys do not count", keys.epoch()))
                .hint("Put members/ back from a copy of the store, or ask a member to add you again."),
        });
    };
    let charter = store.get(&seal::charter_object(held[current].epoch()), MAX_KEY)?;
    seal::open_charter(&charter, &held[current])?;
    Ok(Epochs { held, current, chartered })
}

/// The epochs with a charter.
fn chartered(store: &dyn Store) -> Result<BTreeSet<u32>> {
    let listed = store.list(ObjectKind::Card)?;
    Ok(listed
        .iter()
        .filter(|listed| seal::is_charter(&listed.name))
        .filter_map(|it| seal::epoch_of(&it.name))
        .collect())
}

/// The newest of the held epochs that counts, if all that follow on others may.
fn newest(held: &[EpochKeys], chartered: &BTreeSet<u32>) -> Result<Option<usize>> {
    let mut current: Option<usize> = None;
    for (at, keys) in held.iter().enumerate() {
        let counts = chartered.contains(&keys.epoch());
        let Some(before) = current.map(|current| &held[current]) else {
            current = counts.then_some(at);
            continue;
        };
        let (epoch, previous) = (keys.epoch(), before.epoch());
        match keys.previous() {
            Some(other) if other == previous && keys.is_endorsed_by(before) => {
                current = if counts { Some(at) } else { current };
            }
            Some(other) if other == previous => {
                return Err(Error::store(format!("epoch {epoch} is not endorsed by the authority of epoch {previous}"))
                    .hint("Somebody who may not read rows tries to make you use keys of theirs. Delete your key file of that epoch, and find out who wrote it."));
            }
            // Two members began an epoch at once: the one that came first counts.
            Some(other) if other < previous => {}
            _ => {
                return Err(Error::store(format!(
                    "epoch {epoch} does not follow on epoch {previous}, the last one that this identity holds"
                ))
                .hint("A key file of yours was removed, or the newer one is forged. Ask a member to add you again."));
            }
        }
    }
    Ok(current)
}

/// Refuses when an epoch counts that is newer than `current`.
pub(crate) fn check_current(store: &dyn Store, current: u32) -> Result<()> {
    match chartered(store)?.last() {
        Some(newest) if *newest > current => Err(Error::store(format!(
            "the store has gone on to epoch {newest}, and what is encrypted to epoch {current} may be read by who left"
        ))
        .hint("Run the command again. If it says the same, you were removed or are about to be added: ask a member.")),
        _ => Ok(()),
    }
}
