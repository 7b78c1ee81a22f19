//! The keys of an epoch, their authority and how one epoch endorses the next; and the hint that tells a store from another folder.

use super::MAX_HINT;
use super::member::Recipient;
use super::signer::{Signer, SignerId};
use crate::error::{Error, Result};
use crate::model::manifest::FORMAT;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::{Secret32, SecretText};
use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

const ENDORSEMENT: &[u8] = b"terp-fixtures/epoch/v1\0";

/// `repo.json`: a hint for people and for a first look. Nothing depends on it; signed bodies repeat what matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// Format version, 1.
    pub format: u32,
    /// The repository's id, 32 hex digits.
    pub repo: String,
}

/// Writes the hint.
///
/// # Errors
/// Kind `Store` when the id has another form.
pub fn seal_hint(hint: &Hint) -> Result<Sealed> {
    check_repo(&hint.repo)?;
    let mut bytes = serde_json::to_vec(hint).map_err(|error| Error::store("cannot write the hint").caused_by(error))?;
    bytes.push(b'\n');
    Ok(Sealed::vouch(ObjectName::hint(), bytes))
}

/// Reads the hint.
///
/// # Errors
/// Kind `Store` when it is not one, or one of a newer format.
pub fn open_hint(sealed: &Sealed) -> Result<Hint> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let alien = || Error::store("repo.json is not that of a store").hint("Make a store with: terp-fixtures keys init");
    if sealed.name().kind() != ObjectKind::Hint || sealed.bytes().len() as u64 > MAX_HINT {
        return Err(alien());
    }
    let version: Version = serde_json::from_slice(sealed.bytes()).map_err(|_| alien())?;
    check_format("the store", version.format)?;
    let hint: Hint = serde_json::from_slice(sealed.bytes()).map_err(|_| alien())?;
    check_repo(&hint.repo).map_err(|_| alien())?;
    if seal_hint(&hint)?.bytes() != sealed.bytes() {
        return Err(Error::store("repo.json was changed").hint("Put it back from a copy of the store."));
    }
    Ok(hint)
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Publish and compare, but not read a row: a host beside production.
    Capture,
    /// Everything.
    Restore,
    /// Remove snapshots and what they leave, but neither publish nor read a row.
    Gc,
}

impl Role {
    /// Every role, for help texts and tests.
    pub const ALL: [Self; 3] = [Self::Capture, Self::Restore, Self::Gc];

    /// Its word in files and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Restore => "restore",
            Self::Gc => "gc",
        }
    }
}

/// The epoch before, and what its authority signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endorsement {
    pub(super) previous: u32,
    pub(super) signature: [u8; 64],
}

/// The keys of an epoch, as far as a member holds them.
#[derive(Clone)]
pub struct EpochKeys {
    pub(super) repo: String,
    pub(super) epoch: u32,
    pub(super) role: Role,
    pub(super) data_recipient: Recipient,
    pub(super) data_identity: Option<Identity>,
    pub(super) meta_identity: Identity,
    pub(super) id_key: Option<Secret32>,
    /// Tells the `id_key` to who does not hold it.
    pub(super) id_digest: [u8; 32],
    pub(super) authority: SignerId,
    pub(super) endorsed: Option<Endorsement>,
}

impl EpochKeys {
    /// New keys for a new store, or for the epoch that follows on none.
    ///
    /// # Errors
    /// Kind `Store` when the repository's id has another form, the epoch is 0 or there are no random numbers.
    pub fn generate(repo: &str, epoch: u32) -> Result<Self> {
        check_repo(repo)?;
        check_epoch(epoch)?;
        let mut id_key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *id_key).map_err(|error| Error::store(format!("no random numbers: {error}")))?;
        let data = Identity::generate();
        Ok(Self {
            repo: repo.to_owned(),
            epoch,
            role: Role::Restore,
            data_recipient: Recipient::of(data.to_public()),
            authority: authority_of(&data).id(),
            data_identity: Some(data),
            meta_identity: Identity::generate(),
            id_digest: id_digest(&id_key),
            id_key: Some(Secret32::new(*id_key)),
            endorsed: None,
        })
    }

    /// New keys for a later epoch, endorsed by this one.
    ///
    /// # Errors
    /// Kind `Store` when these keys cannot read rows, or the epoch is not a later one.
    pub fn next(&self, epoch: u32) -> Result<Self> {
        let authority = self.authority()?;
        if epoch <= self.epoch {
            return Err(Error::store("a new epoch has a higher number than the one before"));
        }
        let mut next = Self::generate(&self.repo, epoch)?;
        let signature = authority.sign(&next.endorsement());
        next.endorsed = Some(Endorsement { previous: self.epoch, signature });
        Ok(next)
    }

    /// The key of chunk ids and cuts.
    ///
    /// # Errors
    /// Kind `Store` when this member may only remove.
    pub fn id_key(&self) -> Result<&Secret32> {
        self.id_key.as_ref().ok_or_else(|| {
            Error::store("this identity may remove snapshots, but neither capture nor read rows")
                .hint("Use the identity of a member with the role capture or restore.")
        })
    }

    /// The epoch, from 1.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The repository's id, 32 hex digits.
    #[must_use]
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// What the holder may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether packs can be opened.
    #[must_use]
    pub fn can_read_rows(&self) -> bool {
        self.data_identity.is_some()
    }

    /// The epoch that this one follows on.
    #[must_use]
    pub fn previous(&self) -> Option<u32> {
        self.endorsed.as_ref().map(|endorsed| endorsed.previous)
    }

    /// Whether the authority of `before` signed that these keys follow.
    #[must_use]
    pub fn is_endorsed_by(&self, before: &Self) -> bool {
        self.endorsed.as_ref().is_some_and(|endorsed| {
            endorsed.previous == before.epoch && before.authority.verifies(&self.endorsement(), &endorsed.signature)
        })
    }

    /// The identity that opens packs, as age writes it, for a recovery with stock tools.
    #[must_use]
    pub fn data_identity_text(&self) -> Option<SecretText> {
        self.data_identity.as_ref().map(|data| SecretText::new(data.to_string().expose_secret().to_owned()))
    }

    /// Tells these keys from any others, 32 hex digits, without telling anything else. It is what an epoch endorses.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let (meta, authority) = (self.meta_identity.to_public(), self.authority);
        let text = format!("{}\n{}\n{}\n{meta}\n{authority}\n", self.repo, self.epoch, self.data_recipient);
        let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 epoch fingerprint");
        hasher.update(text.as_bytes()).update(&self.id_digest);
        HEXLOWER.encode(&hasher.finalize().as_bytes()[..16])
    }

    /// What the epoch before signs.
    fn endorsement(&self) -> Vec<u8> {
        [ENDORSEMENT, self.repo.as_bytes(), self.fingerprint().as_bytes()].concat()
    }

    /// The key that only holders of the data identity can sign with.
    pub(super) fn authority(&self) -> Result<Signer> {
        self.data_identity().map(authority_of).map_err(|_| {
            Error::store("this identity may not change who is a member")
                .hint("Ask a member with the role restore: 'terp-fixtures keys list' shows them.")
        })
    }

    pub(super) fn authority_id(&self) -> SignerId {
        self.authority
    }

    pub(super) fn data_recipient(&self) -> &Recipient {
        &self.data_recipient
    }

    pub(super) fn data_identity(&self) -> Result<&Identity> {
        self.data_identity.as_ref().ok_or_else(|| {
            Error::store("this identity may publish snapshots but not read their rows")
                .hint("Use the identity of a member that was added with the right to read.")
        })
    }

    pub(super) fn meta_identity(&self) -> &Identity {
        &self.meta_identity
    }
}

impl fmt::Debug for EpochKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochKeys[epoch {}, ***]", self.epoch)
    }
}

/// The authority of the epoch with this data identity.
pub(super) fn authority_of(data: &Identity) -> Signer {
    let text = data.to_string();
    let seed = blake3::derive_key("terp-fixtures v1 epoch authority", text.expose_secret().as_bytes());
    Signer::of_seed(&Secret32::new(seed))
}

/// Tells a key of chunk ids from others, without telling the key.
pub(super) fn id_digest(id_key: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("terp-fixtures v1 id key digest", id_key)
}

pub(super) fn check_format(what: &str, format: u32) -> Result<()> {
    if format == FORMAT {
        return Ok(());
    }
    Err(Error::store(format!("{what} has format {format}, this program reads {FORMAT}"))
        .hint("Upgrade terp-fixtures to use this store."))
}

pub(super) fn check_repo(repo: &str) -> Result<()> {
    let right = repo.len() == 32 && repo.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if right { Ok(()) } else { Err(Error::store("a repository id is 32 lower-case hex digits")) }
}

pub(super) fn check_epoch(epoch: u32) -> Result<()> {
    if (1..=999_999_999).contains(&epoch) { Ok(()) } else { Err(Error::store("an epoch is a number from 1")) }
}

#[cfg(test)]
mod tests;
