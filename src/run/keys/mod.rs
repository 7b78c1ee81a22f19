//! The members of a store and the epochs of its keys.
//!
//! | part | what it does |
//! |---|---|
//! | this file | makes a store with its first member; lists members |
//! | `epochs` | which keys a member holds, and which of them count |
//! | `change` | adds a member; begins a new epoch, with all members or without one |

mod change;
pub(crate) mod epochs;

pub use change::{Added, NewMember, Removal, Rotated, add, removal, remove, rotate};

use super::now;
use super::repository::Repository;
use crate::error::{Error, Result};
use crate::model::manifest::FORMAT;
use crate::model::proof::{ObjectKind, ObjectName};
use crate::seal::{self, Card, EpochKeys, Hint, MAX_KEY, Member, Role};
use crate::store::Store;

/// What `keys init` made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The repository's id.
    pub repo: String,
    /// The first member's public recipient.
    pub recipient: String,
    /// The first member's public signing key, to pin in the project's configuration.
    pub signer: String,
}

/// Makes an empty folder or bucket prefix a store, with `member` as its only member. The hint is written last, so an
/// interrupted `init` can simply be run again.
///
/// # Errors
/// Kind `Store` when there is a store already.
pub fn init(store: &dyn Store, member: &Member) -> Result<Made> {
    init_named(store, member, "first")
}

/// The same, with what people call the first member.
///
/// # Errors
/// As [`init`]; kind `Usage` when the name has another form.
pub fn init_named(store: &dyn Store, member: &Member, name: &str) -> Result<Made> {
    seal::check_name(name)?;
    if store.head(&ObjectName::hint())?.is_some() {
        return Err(Error::store("there is a store already").hint("Use it, or name another place with --store."));
    }
    // What an interrupted init left was never a store.
    for kind in [ObjectKind::Card, ObjectKind::Key] {
        for listed in store.list(kind)? {
            store.delete(&listed.name)?;
        }
    }
    let repo = data_encoding::HEXLOWER.encode(&super::random::<16>()?);
    let keys = EpochKeys::generate(&repo, 1)?;
    let (signer, recipient, since) = (member.signer(), member.recipient(), now());
    store.put(&seal::seal_keys(&keys, &recipient, Role::Restore, &signer)?)?;
    let card = Card {
        name: name.to_owned(),
        recipient: recipient.clone(),
        role: Role::Restore,
        signer: Some(signer.id()),
        since: since.clone(),
        by: signer.id(),
    };
    store.put(&seal::seal_card(&card, &keys)?)?;
    store.put(&seal::seal_charter(&keys, &since, &signer.id())?)?;
    store.put(&seal::seal_hint(&Hint { format: FORMAT, repo: repo.clone() })?)?;
    Ok(Made { repo, recipient: recipient.to_string(), signer: signer.id().to_string() })
}

/// A member as `keys list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its card.
    pub card: Card,
    /// How many epochs there are keys of for it.
    pub epochs: usize,
    /// Whether it has the keys of the current epoch; else its adding was interrupted.
    pub is_whole: bool,
}

/// Everybody in the current epoch.
#[derive(Debug, Default)]
pub struct Members {
    /// Members, by name.
    pub members: Vec<Listed>,
    /// Cards that are not believed.
    pub refused: Vec<Error>,
    /// Keys that no card goes with.
    pub strays: Vec<Error>,
}

/// Who is a member now.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn members(repository: &Repository) -> Result<Members> {
    let (store, keys) = (repository.store(), repository.keys());
    let files = store.list(ObjectKind::Key)?;
    let mut found = Members::default();
    let is_current = |name: &ObjectName| seal::epoch_of(name) == Some(keys.epoch());
    for listed in store.list(ObjectKind::Card)? {
        if !is_current(&listed.name) || seal::is_charter(&listed.name) {
            continue;
        }
        match store.get(&listed.name, MAX_KEY).and_then(|sealed| seal::open_card(&sealed, keys)) {
            Ok(card) => {
                let id = seal::member_id(&card.recipient);
                let own = files.iter().filter(|file| file.name.stem() == id);
                let is_whole = own.clone().any(|file| is_current(&file.name));
                found.members.push(Listed { card, epochs: own.count(), is_whole });
            }
            Err(error) => found.refused.push(error),
        }
    }
    found.members.sort_by(|a, b| a.card.name.cmp(&b.card.name));
    let ids: Vec<String> = found.members.iter().map(|member| seal::member_id(&member.card.recipient)).collect();
    for file in files.iter().filter(|file| is_current(&file.name) && ids.iter().all(|id| file.name.stem() != id)) {
        let lost = Error::store(format!("{} belongs to no card that counts", file.name));
        found.strays.push(lost.hint(
            "Whoever holds it is left out of the next epoch. Add the member again with its name, or begin a new epoch with: terp-fixtures keys rotate",
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
