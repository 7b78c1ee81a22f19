//! Adding members, and new epochs.
//!
//! Every order of writes here is such that a stop anywhere leaves the old or the new state, and the same command finishes it. A new
//! epoch: cards and keys of everybody, then the audit entry, then the charter, from which on it counts; only then does anything go.

use super::{Listed, Members, epochs, members};
use crate::error::{Error, Result};
use crate::model::audit::{Deed, Head, Operation};
use crate::model::proof::{ObjectKind, ObjectName};
use crate::run::repository::Repository;
use crate::run::{Context, audit, now};
use crate::seal::{self, Card, EpochKeys, MAX_KEY, Recipient, Role, SignerId};
use std::collections::BTreeMap;

/// Who is to be added.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// What people call it.
    pub name: String,
    /// Where its keys are encrypted to.
    pub recipient: Recipient,
    /// What it may do.
    pub role: Role,
    /// What its manifests will be signed with, where it told.
    pub signer: Option<SignerId>,
    /// Give it the keys of the current epoch only.
    pub from_now: bool,
}

/// What adding did.
#[derive(Debug, Clone)]
pub struct Added {
    /// The epochs that the member got the keys of.
    pub epochs: Vec<u32>,
    /// The audit trail's new head.
    pub head: Option<Head>,
}

/// What a new epoch is.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// Its number.
    pub epoch: u32,
    /// The names of its members.
    pub members: Vec<String>,
    /// The audit trail's new head.
    pub head: Option<Head>,
}

/// Adds a member: its card first, then its keys from the oldest epoch to the current one, with which it is in.
///
/// # Errors
/// Kind `Guard` when the name or the recipient is somebody else's, kind `Store` when these keys may not add members, or the store
/// cannot be written.
pub fn add(context: &Context<'_>, repository: &Repository, new: &NewMember) -> Result<Added> {
    seal::check_name(&new.name)?;
    repository.check_current()?;
    let (store, keys) = (repository.store(), repository.keys());
    let known = believed(repository)?;
    let is_there = stands_already(&known, new)?;
    // Keys of an epoch that was not begun are of no use to anybody.
    let is_given = |held: &&EpochKeys| held.epoch() == keys.epoch() || (!new.from_now && held.epoch() < keys.epoch());
    let held: Vec<&EpochKeys> = repository.held().iter().filter(is_given).collect();
    let card = Card {
        name: new.name.clone(),
        recipient: new.recipient.clone(),
        role: new.role,
        signer: new.signer,
        since: now(),
        by: repository.signer().id(),
    };
    // Sealed before anything is written: what these keys cannot give is refused with nothing changed.
    let sealed_card = seal::seal_card(&card, keys)?;
    let files = held.iter().map(|held| seal::seal_keys(held, &new.recipient, new.role, repository.signer()));
    let files = files.collect::<Result<Vec<_>>>()?;
    let deed = Deed { counts: epoch_count(keys.epoch()), ..member_deed(Operation::KeysAdd, &new.recipient) };
    context.stage("wrapping the keys to the new member");
    if !is_there {
        store.put(&sealed_card)?;
    }
    let head = audit::record(repository, deed)?;
    for file in &files {
        context.cancel.check()?;
        // What lies there is of an interrupted attempt, or of somebody who guessed the name.
        store.delete(file.name())?;
        store.put(file)?;
    }
    Ok(Added { epochs: held.iter().map(|held| held.epoch()).collect(), head })
}

/// Whether exactly this member has a card, so that its adding may be finished.
fn stands_already(known: &Members, new: &NewMember) -> Result<bool> {
    for Listed { card, .. } in &known.members {
        let (same_name, same_recipient) = (card.name == new.name, card.recipient == new.recipient);
        if !same_name && !same_recipient {
            continue;
        }
        let (name, role) = (card.name.escape_debug(), card.role.word());
        if !same_recipient {
            return Err(Error::guard(format!("there is a member named '{name}' with another recipient"))
                .hint(format!("Choose another --name, or remove that one first: terp-fixtures keys remove '{name}'")));
        }
        if !same_name || card.role != new.role || card.signer != new.signer {
            return Err(Error::guard(format!("this recipient is a member already, as '{name}' with the role {role}"))
                .hint(format!(
                    "To change the name, role or signer, remove and add it: terp-fixtures keys remove '{name}'"
                )));
        }
        return Ok(true);
    }
    Ok(false)
}

/// The members, if every card of the epoch is believed.
fn believed(repository: &Repository) -> Result<Members> {
    let mut known = members(repository)?;
    match known.refused.pop() {
        None => Ok(known),
        Some(error) => Err(error.within("nothing was changed")),
    }
}

/// Begins a new epoch for the same members.
///
/// # Errors
/// Kind `Store` when a card is not believed, these keys may not begin an epoch, or the store cannot be written.
pub fn rotate(context: &Context<'_>, repository: &Repository) -> Result<Rotated> {
    repository.check_current()?;
    let known = believed(repository)?;
    let deed = Deed::new(Operation::KeysRotate);
    begin(context, repository, &known.members.iter().collect::<Vec<_>>(), deed)
}

/// Who is removed, and whether an epoch without it has begun already.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The member's card.
    pub card: Card,
    /// Whether only what is left of it has to go.
    pub is_begun: bool,
}

/// Finds who is to be removed, by name or recipient.
///
/// # Errors
/// Kind `Guard` when it is the acting member or the last who may read rows; kind `Store` when there is no such member.
pub fn removal(repository: &Repository, wanted: &str) -> Result<Removal> {
    repository.check_current()?;
    repository.keys().data_identity_text().ok_or_else(|| {
        Error::store("this identity may not change who is a member").hint("Ask a member with the role restore.")
    })?;
    let recipient = wanted.parse::<Recipient>().ok();
    let is_wanted = |card: &Card| card.name == wanted || recipient.as_ref() == Some(&card.recipient);
    let known = believed(repository)?;
    let Some(found) = known.members.iter().find(|member| is_wanted(&member.card)) else {
        return left_over(repository, is_wanted)?.map(|card| Removal { card, is_begun: true }).ok_or_else(|| {
            let names: Vec<String> =
                known.members.iter().map(|member| member.card.name.escape_debug().to_string()).collect();
            Error::store(format!("there is no member '{}'", wanted.escape_debug()))
                .hint(format!("The members are: {}.", names.join(", ")))
        });
    };
    let card = found.card.clone();
    let name = card.name.escape_debug();
    let stays = |member: &&Listed| member.card.role == Role::Restore && member.card != card;
    if !known.members.iter().any(|member| stays(&member)) {
        return Err(Error::guard(format!("'{name}' is the last member who may read rows"))
            .hint("Add another one first: terp-fixtures keys add RECIPIENT --name NAME --role restore"));
    }
    if card.recipient == *repository.recipient() {
        return Err(Error::guard(format!("'{name}' is you, and you would make the new keys yourself"))
            .hint("Ask another member to remove you."));
    }
    Ok(Removal { card, is_begun: false })
}

/// A member of an earlier epoch that is held, of whom something is left.
fn left_over(repository: &Repository, is_wanted: impl Fn(&Card) -> bool) -> Result<Option<Card>> {
    let store = repository.store();
    for keys in repository.held().iter().rev().filter(|keys| keys.epoch() < repository.keys().epoch()) {
        for listed in store.list(ObjectKind::Card)? {
            if seal::epoch_of(&listed.name) != Some(keys.epoch()) || seal::is_charter(&listed.name) {
                continue;
            }
            let card = store.get(&listed.name, MAX_KEY).and_then(|sealed| seal::open_card(&sealed, keys));
            if let Some(card) = card.ok().filter(&is_wanted) {
                return Ok(Some(card));
            }
        }
    }
    Ok(None)
}

/// Begins a new epoch without a member, and then takes its keys of every epoch away. None where that epoch had begun before.
///
/// # Errors
/// As [`rotate`].
pub fn remove(context: &Context<'_>, repository: &Repository, removal: &Removal) -> Result<Option<Rotated>> {
    let card = &removal.card;
    let rotated = if removal.is_begun {
        None
    } else {
        let known = believed(repository)?;
        let staying: Vec<&Listed> = known.members.iter().filter(|member| member.card != *card).collect();
        Some(begin(context, repository, &staying, member_deed(Operation::KeysRemove, &card.recipient))?)
    };
    context.stage("removing the member's keys");
    let id = seal::member_id(&card.recipient);
    let newest = rotated.as_ref().map_or(repository.keys().epoch(), |rotated| rotated.epoch);
    // The cards last: by them the name is found when this is run again.
    for kind in [ObjectKind::Key, ObjectKind::Card] {
        for listed in repository.store().list(kind)? {
            let is_old = seal::epoch_of(&listed.name).is_some_and(|epoch| epoch <= newest);
            if is_old && listed.name.stem() == id {
                repository.store().delete(&listed.name)?;
            }
        }
    }
    Ok(rotated)
}

/// Begins a new epoch for these members.
fn begin(context: &Context<'_>, repository: &Repository, staying: &[&Listed], deed: Deed) -> Result<Rotated> {
    let (store, signer) = (repository.store(), repository.signer());
    if !staying.iter().any(|member| member.card.recipient == *repository.recipient()) {
        return Err(Error::store("this identity has no card, so that it would not be in the new epoch")
            .hint("Ask another member to add it again with its name."));
    }
    let epoch = 1 + taken(repository)?.last_key_value().map_or(0, |(epoch, _)| *epoch);
    let keys = repository.keys().next(epoch)?;
    context.stage(format!("wrapping the keys of epoch {epoch} to every member"));
    let mut written = Vec::new();
    for Listed { card, .. } in staying {
        context.cancel.check()?;
        for sealed in [seal::seal_card(card, &keys)?, seal::seal_keys(&keys, &card.recipient, card.role, signer)?] {
            store.put(&sealed)?;
            written.push(sealed);
        }
    }
    // Somebody else may have begun an epoch meanwhile; theirs came first. Not every store refuses to write over what is there.
    epochs::check_current(store, repository.keys().epoch())?;
    for sealed in &written {
        if store.get(sealed.name(), MAX_KEY)? != *sealed {
            return Err(Error::store(format!("somebody else is beginning epoch {epoch} at the same time"))
                .hint("The new epoch was not begun. Run the command again when they are done."));
        }
    }
    let deed = Deed { counts: epoch_count(epoch), ..deed };
    let head = audit::record(repository, deed).map_err(|error| error.within("the new epoch was not begun"))?;
    store.put(&seal::seal_charter(&keys, &now(), &signer.id())?)?;
    // What interrupted attempts left behind never counted, and cannot any more.
    for (_, names) in taken(repository)?.range(repository.keys().epoch() + 1..epoch) {
        for name in names.iter().filter(|_| !names.iter().any(seal::is_charter)) {
            store.delete(name)?;
        }
    }
    Ok(Rotated { epoch, members: staying.iter().map(|member| member.card.name.clone()).collect(), head })
}

/// Key files, cards and charters by epoch.
fn taken(repository: &Repository) -> Result<BTreeMap<u32, Vec<ObjectName>>> {
    let mut found: BTreeMap<u32, Vec<ObjectName>> = BTreeMap::new();
    for kind in [ObjectKind::Key, ObjectKind::Card] {
        for listed in repository.store().list(kind)? {
            if let Some(epoch) = seal::epoch_of(&listed.name) {
                found.entry(epoch).or_default().push(listed.name);
            }
        }
    }
    Ok(found)
}

fn epoch_count(epoch: u32) -> BTreeMap<String, u64> {
    BTreeMap::from([("epoch".to_owned(), u64::from(epoch))])
}

fn member_deed(operation: Operation, recipient: &Recipient) -> Deed {
    Deed { key: Some(recipient.to_string()), ..Deed::new(operation) }
}
