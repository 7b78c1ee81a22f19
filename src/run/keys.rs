//! `keys init`: a new store with its first member.

use crate::error::{Error, Result};
use crate::model::manifest::FORMAT;
use crate::model::proof::ObjectName;
use crate::seal::{self, EpochKeys, Hint, Member};
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
    if store.head(&ObjectName::hint())?.is_some() {
        return Err(Error::store("there is a store already").hint("Use it, or name another place with --store."));
    }
    let repo = data_encoding::HEXLOWER.encode(&super::random::<16>()?);
    let keys = EpochKeys::generate(&repo, 1)?;
    store.put(&seal::seal_keys(&keys, &member.recipient(), true)?)?;
    store.put(&seal::seal_hint(&Hint { format: FORMAT, repo: repo.clone() })?)?;
    Ok(Made { repo, recipient: member.recipient().to_string(), signer: member.signer().id().to_string() })
}
