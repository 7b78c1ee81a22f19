//! Key files: an epoch's keys for one member, as JSON that its wrapper signed and that is encrypted to the member.

use super::epoch::{Endorsement, EpochKeys, Role, authority_of, check_epoch, check_format, check_repo, id_digest};
use super::member::{Member, Recipient};
use super::signer::{Signer, SignerId};
use super::{MAX_KEY, object};
use crate::error::{Error, Result};
use crate::model::manifest::FORMAT;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::Secret32;
use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const CONTEXT: &[u8] = b"terp-fixtures/keys/v1\0";

/// What stands before the signature at the end of the JSON.
const SIGNATURE: &str = ",\"signature\":\"";

/// The body of a key file, without the signature at its end.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Body {
    format: u32,
    repo: String,
    epoch: u32,
    recipient: String,
    role: String,
    data_recipient: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_identity: Option<String>,
    meta_identity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_key: Option<String>,
    id_digest: String,
    authority: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endorsed: Option<String>,
    signer: String,
}

/// What a key file says, before anybody asks who says so.
pub struct Bundle {
    body: Body,
    signer: SignerId,
    signature: [u8; 64],
    /// What was signed: the JSON without the signature.
    signed: Zeroizing<Vec<u8>>,
}

/// Reads the plaintext of a key file. Nothing of it is believed yet. Why it cannot be read is said without any of its text, since all of
/// it is secret.
///
/// # Errors
/// What is wrong, in words that fit behind a colon.
pub fn parse_bundle(plain: &[u8]) -> std::result::Result<Bundle, &'static str> {
    const ALIEN: &str = "it is not the JSON of one";
    let text = std::str::from_utf8(plain).map_err(|_| ALIEN)?;
    let split = text.strip_suffix("\"}").and_then(|text| text.split_at_checked(text.len().checked_sub(128)?));
    let (rest, signature) = split.ok_or(ALIEN)?;
    let rest = rest.strip_suffix(SIGNATURE).ok_or("it is not signed")?;
    let signature = HEXLOWER.decode(signature.as_bytes()).map_err(|_| "it is not signed")?;
    let mut signed = Zeroizing::new(Vec::with_capacity(rest.len() + 1));
    signed.extend_from_slice(rest.as_bytes());
    signed.push(b'}');
    let body: Body = serde_json::from_slice(&signed).map_err(|_| ALIEN)?;
    let signer = body.signer.parse().map_err(|_| "its signer is none")?;
    Ok(Bundle { body, signer, signature: signature.try_into().map_err(|_| "it is not signed")?, signed })
}

/// The id of a member in names: of its keys and of its card.
#[must_use]
pub fn member_id(recipient: &Recipient) -> String {
    let digest = blake3::hash(recipient.to_string().as_bytes());
    HEXLOWER.encode(&digest.as_bytes()[..16])
}

/// Where the keys of an epoch lie for a member: named after its recipient.
#[must_use]
pub fn key_object(epoch: u32, recipient: &Recipient) -> ObjectName {
    // Epochs are checked to be 1 ..= 999_999_999 when keys are made or read; others have no name but the hint's.
    ObjectName::parse(&format!("keys/{epoch}/{}.age", member_id(recipient))).unwrap_or_else(ObjectName::hint)
}

/// Wraps the keys to a member: as much of them as its role needs. `signer` is who wraps.
///
/// # Errors
/// Kind `Store` when the role needs what these keys lack themselves.
pub fn seal_keys(keys: &EpochKeys, recipient: &Recipient, role: Role, signer: &Signer) -> Result<Sealed> {
    let secret = |identity: &Identity| identity.to_string().expose_secret().to_owned();
    let data_identity = if role == Role::Restore { Some(secret(keys.data_identity()?)) } else { None };
    let id_key = if role == Role::Gc { None } else { Some(HEXLOWER.encode(keys.id_key()?.expose())) };
    let body = Body {
        format: FORMAT,
        repo: keys.repo.clone(),
        epoch: keys.epoch,
        recipient: recipient.to_string(),
        role: role.word().to_owned(),
        data_recipient: keys.data_recipient.to_string(),
        data_identity,
        meta_identity: secret(&keys.meta_identity),
        id_key,
        id_digest: HEXLOWER.encode(&keys.id_digest),
        authority: keys.authority.to_string(),
        previous: keys.endorsed.map(|endorsed| endorsed.previous),
        endorsed: keys.endorsed.map(|endorsed| HEXLOWER.encode(&endorsed.signature)),
        signer: signer.id().to_string(),
    };
    // Large enough that the buffer never moves and leaves a copy behind.
    let mut json = Zeroizing::new(Vec::with_capacity(4096));
    serde_json::to_writer(&mut *json, &body).map_err(|_| Error::internal("cannot write a key file"))?;
    let signature = signer.sign(&message(&keys.repo, &json));
    json.pop();
    json.extend_from_slice(format!("{SIGNATURE}{}\"}}", HEXLOWER.encode(&signature)).as_bytes());
    let bytes = object::encrypt(recipient, &json)?;
    Ok(Sealed::vouch(key_object(keys.epoch, recipient), bytes))
}

fn message(repo: &str, body: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut message = Zeroizing::new(Vec::with_capacity(CONTEXT.len() + repo.len() + body.len()));
    message.extend_from_slice(CONTEXT);
    message.extend_from_slice(repo.as_bytes());
    message.extend_from_slice(body);
    message
}

/// Opens the keys that were wrapped to a member by itself or by one of the pinned signers.
///
/// # Errors
/// Kind `Store` when they were wrapped to somebody else or by nobody who is pinned, lie under another name, or do not agree with
/// themselves.
pub fn open_keys(sealed: &Sealed, member: &Member, pinned: &[SignerId]) -> Result<EpochKeys> {
    let name = sealed.name();
    // No cause is attached: the JSON reader quotes what it does not like, and all of it is secret.
    let invalid = |what: &str| Error::store(format!("{name} is not a valid key file: {what}"));
    let json = Zeroizing::new(object::decrypt(member, name, sealed.bytes(), MAX_KEY)?);
    check_version(name, &json)?;
    let Bundle { body, signer, signature, signed } = parse_bundle(&json).map_err(invalid)?;
    if signer != member.signer().id() && !pinned.contains(&signer) {
        return Err(Error::store(format!("{name} is signed by {signer}, who is not among the pinned signers")).hint(
            format!("If that is the member who gave you the keys, add \"{signer}\" to `signers` in terp-fixtures.toml; if nobody knows it, somebody tries to make you use keys of theirs."),
        ));
    }
    if !signer.verifies(&message(&body.repo, &signed), &signature) {
        return Err(Error::store(format!("{name} has a wrong signature"))
            .hint("It was changed after it was signed. Do not use it; ask for the keys again."));
    }
    let recipient = member.recipient();
    let epoch = body.epoch;
    check_epoch(epoch).map_err(|_| invalid("its epoch has another form"))?;
    if *name != key_object(epoch, &recipient) || body.recipient != recipient.to_string() {
        return Err(invalid("it belongs to another member or epoch").hint("Somebody moved it; ask for the keys again."));
    }
    believed(&body).map_err(invalid)
}

fn check_version(name: &ObjectName, json: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let version: Version = serde_json::from_slice(json)
        .map_err(|_| Error::store(format!("{name} is not a valid key file: it is not the JSON of one")))?;
    check_format(&name.to_string(), version.format)
}

/// The keys in a body whose signature was verified, if they agree with one another and with the role.
fn believed(body: &Body) -> std::result::Result<EpochKeys, &'static str> {
    check_repo(&body.repo).map_err(|_| "its repository id has another form")?;
    let identity = |text: &str| Identity::from_str(text).map_err(|_| "it has a misspelt identity");
    let role = Role::ALL.into_iter().find(|role| role.word() == body.role).ok_or("it has an unknown role")?;
    if (role == Role::Restore) != body.data_identity.is_some() || (role == Role::Gc) == body.id_key.is_some() {
        return Err("it holds other keys than its role says");
    }
    let data_recipient: Recipient = body.data_recipient.parse().map_err(|_| "it has a misspelt recipient")?;
    if !data_recipient.is_age() {
        return Err("it has a misspelt recipient");
    }
    let authority: SignerId = body.authority.parse().map_err(|_| "it has a misspelt authority")?;
    let data_identity = body.data_identity.as_ref().map(|text| identity(text)).transpose()?;
    if let Some(data) = &data_identity {
        if Recipient::of(data.to_public()) != data_recipient {
            return Err("its identity and recipient do not belong together");
        }
        if authority_of(data).id() != authority {
            return Err("its identity and authority do not belong together");
        }
    }
    let digest = bytes32(&body.id_digest).ok_or("its digest of the key of chunk ids has another form")?;
    let id_key = body.id_key.as_ref().map(|hex| bytes32(hex).ok_or("its key of chunk ids has another form"));
    let id_key = id_key.transpose()?;
    if id_key.as_ref().is_some_and(|key| id_digest(key) != *digest) {
        return Err("its key of chunk ids and the digest do not belong together");
    }
    let endorsed = match (body.previous, &body.endorsed) {
        (None, None) => None,
        (Some(previous), Some(hex)) if (1..body.epoch).contains(&previous) => {
            let signature = HEXLOWER.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
            Some(Endorsement { previous, signature: signature.ok_or("its endorsement has another form")? })
        }
        _ => return Err("what it says of the epoch before does not fit"),
    };
    Ok(EpochKeys {
        meta_identity: identity(&body.meta_identity)?,
        id_key: id_key.map(|key| Secret32::new(*key)),
        id_digest: *digest,
        repo: body.repo.clone(),
        epoch: body.epoch,
        role,
        data_recipient,
        data_identity,
        authority,
        endorsed,
    })
}

/// 64 lower-case hex digits.
fn bytes32(hex: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    (hex.len() == 64 && HEXLOWER.decode_mut(hex.as_bytes(), &mut *bytes).is_ok()).then_some(bytes)
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

#[cfg(test)]
mod tests;
