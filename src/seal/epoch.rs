//! The keys of an epoch, the files that hand them to members, and the hint that tells a store from another folder.

use super::member::{Member, Recipient};
use super::{MAX_HINT, MAX_KEY, object};
use crate::error::{Error, Result};
use crate::model::manifest::FORMAT;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::{Secret32, SecretText};
use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

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

/// The keys of an epoch. Without the data identity they can publish and compare, but not read rows.
#[derive(Clone)]
pub struct EpochKeys {
    repo: String,
    epoch: u32,
    data_recipient: Recipient,
    data_identity: Option<Identity>,
    meta_identity: Identity,
    id_key: Secret32,
}

impl EpochKeys {
    /// New keys.
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
            data_recipient: Recipient::of(data.to_public()),
            data_identity: Some(data),
            meta_identity: Identity::generate(),
            id_key: Secret32::new(*id_key),
        })
    }

    /// The key of chunk ids and cuts.
    #[must_use]
    pub fn id_key(&self) -> &Secret32 {
        &self.id_key
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

    /// Whether packs can be opened.
    #[must_use]
    pub fn can_read_rows(&self) -> bool {
        self.data_identity.is_some()
    }

    /// The identity that opens packs, as age writes it, for a recovery with stock tools.
    #[must_use]
    pub fn data_identity_text(&self) -> Option<SecretText> {
        self.data_identity.as_ref().map(|data| SecretText::new(data.to_string().expose_secret().to_owned()))
    }

    /// Tells these keys from any others, 32 hex digits, without telling anything else. Key files are not signed, so a
    /// project that pins this value cannot be made to encrypt to somebody else's keys.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let meta = self.meta_identity.to_public();
        let text = format!("{}\n{}\n{}\n{meta}\n", self.repo, self.epoch, self.data_recipient);
        let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 epoch fingerprint");
        hasher.update(text.as_bytes()).update(self.id_key.expose());
        HEXLOWER.encode(&hasher.finalize().as_bytes()[..16])
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

/// The body of a key file.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Body {
    format: u32,
    repo: String,
    epoch: u32,
    data_recipient: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_identity: Option<String>,
    meta_identity: String,
    id_key: String,
}

/// Where the keys of an epoch lie for a member: named after its recipient.
#[must_use]
pub fn key_object(epoch: u32, recipient: &Recipient) -> ObjectName {
    let digest = blake3::hash(recipient.to_string().as_bytes());
    let id = HEXLOWER.encode(&digest.as_bytes()[..16]);
    // Epochs are checked to be 1 ..= 999_999_999 when keys are made or read; others have no name but the hint's.
    ObjectName::parse(&format!("keys/{epoch}/{id}.age")).unwrap_or_else(ObjectName::hint)
}

/// Wraps the keys to a member. Without `with_data_identity` the member can publish but not read rows.
///
/// # Errors
/// Kind `Store` when the rows' identity is asked for and these keys lack it themselves.
pub fn seal_keys(keys: &EpochKeys, recipient: &Recipient, with_data_identity: bool) -> Result<Sealed> {
    let secret = |identity: &Identity| identity.to_string().expose_secret().to_owned();
    let data_identity = if with_data_identity { Some(secret(keys.data_identity()?)) } else { None };
    let body = Body {
        format: FORMAT,
        repo: keys.repo.clone(),
        epoch: keys.epoch,
        data_recipient: keys.data_recipient.to_string(),
        data_identity,
        meta_identity: secret(&keys.meta_identity),
        id_key: HEXLOWER.encode(keys.id_key.expose()),
    };
    // Large enough that the buffer never moves and leaves a copy behind.
    let mut json = Zeroizing::new(Vec::with_capacity(2048));
    serde_json::to_writer(&mut *json, &body).map_err(|_| Error::internal("cannot write a key file"))?;
    let bytes = object::encrypt(recipient.age(), &json)?;
    Ok(Sealed::vouch(key_object(keys.epoch, recipient), bytes))
}

/// Opens the keys that were wrapped to a member.
///
/// # Errors
/// Kind `Store` when they were wrapped to somebody else, lie under another name, or do not agree with themselves.
pub fn open_keys(sealed: &Sealed, member: &Member) -> Result<EpochKeys> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let name = sealed.name();
    // No cause is attached: the JSON reader quotes what it does not like, and all of it is secret.
    let invalid = |what: &str| Error::store(format!("{name} is not a valid key file: {what}"));
    let json = Zeroizing::new(object::decrypt(member.identity(), name, sealed.bytes(), MAX_KEY)?);
    let version: Version = serde_json::from_slice(&json).map_err(|_| invalid("it is not the JSON of one"))?;
    check_format(&name.to_string(), version.format)?;
    let body: Body = serde_json::from_slice(&json).map_err(|_| invalid("it is not the JSON of one"))?;
    check_repo(&body.repo).map_err(|_| invalid("its repository id has another form"))?;
    check_epoch(body.epoch).map_err(|_| invalid("its epoch has another form"))?;
    if *name != key_object(body.epoch, &member.recipient()) {
        return Err(invalid("it belongs to another place"));
    }
    let identity = |text: &str| Identity::from_str(text).map_err(|_| invalid("it has a misspelt identity"));
    let data_recipient: Recipient = body.data_recipient.parse().map_err(|_| invalid("it has a misspelt recipient"))?;
    let data_identity = body.data_identity.as_ref().map(|text| identity(text)).transpose()?;
    if data_identity.as_ref().is_some_and(|data| Recipient::of(data.to_public()) != data_recipient) {
        return Err(invalid("its identity and recipient do not belong together"));
    }
    let mut id_key = Zeroizing::new([0; 32]);
    if body.id_key.len() != 64 || HEXLOWER.decode_mut(body.id_key.as_bytes(), &mut *id_key).is_err() {
        return Err(invalid("its key of chunk ids has another form"));
    }
    Ok(EpochKeys {
        meta_identity: identity(&body.meta_identity)?,
        id_key: Secret32::new(*id_key),
        repo: body.repo.clone(),
        epoch: body.epoch,
        data_recipient,
        data_identity,
    })
}

/// Looks at the keys of another member from outside, which is all that can be done without that member's identity.
///
/// # Errors
/// Kind `Store` when it is no key file, is too long, or does not begin as an age file does.
pub fn check_keys_of_another(sealed: &Sealed) -> Result<()> {
    let name = sealed.name();
    if name.kind() != ObjectKind::Key || sealed.bytes().len() as u64 > MAX_KEY {
        return Err(Error::store(format!("{name} is not a valid key file: it is too long, or lies in another place")));
    }
    object::check_header(name, sealed.bytes())
}

fn check_format(what: &str, format: u32) -> Result<()> {
    if format == FORMAT {
        return Ok(());
    }
    Err(Error::store(format!("{what} has format {format}, this program reads {FORMAT}"))
        .hint("Upgrade terp-fixtures to use this store."))
}

fn check_repo(repo: &str) -> Result<()> {
    let right = repo.len() == 32 && repo.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if right { Ok(()) } else { Err(Error::store("a repository id is 32 lower-case hex digits")) }
}

fn check_epoch(epoch: u32) -> Result<()> {
    if (1..=999_999_999).contains(&epoch) { Ok(()) } else { Err(Error::store("an epoch is a number from 1")) }
}

#[cfg(test)]
mod tests;
