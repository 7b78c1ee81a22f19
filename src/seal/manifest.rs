//! Manifests: signed, compressed, padded, encrypted. Nothing of a body is believed, or even read, before the signature of a
//! pinned signer was verified over its bytes.

use super::epoch::EpochKeys;
use super::signer::{Signer, SignerId};
use super::{MAX_MANIFEST, signed};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use data_encoding::HEXLOWER;
use serde::Deserialize;

const CONTEXT: &[u8] = b"terp-fixtures/manifest/v1\0";

/// When a snapshot was written, as names have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotStamp {
    /// UTC, like `20251203T101500Z`. The same instant as the body's `created`.
    pub created_compact: String,
}

/// A manifest whose signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The snapshot's full id, 32 hex digits.
    pub id: String,
    /// Who signed it, one of the pinned signers.
    pub signer: SignerId,
    /// The JSON.
    pub body: Vec<u8>,
}

/// Signs and encrypts a manifest's JSON. Gives the object and the snapshot's full id.
///
/// # Errors
/// Kind `Store` when the body is too long or is of another instant than the stamp.
pub fn seal_manifest(
    body: &[u8],
    stamp: &SnapshotStamp,
    keys: &EpochKeys,
    signer: &Signer,
) -> Result<(Sealed, String)> {
    check_created(body, &stamp.created_compact)?;
    let plain = signed::sign(CONTEXT, keys.repo(), body, signer);
    if plain.len() as u64 > MAX_MANIFEST {
        return Err(Error::store(format!("a manifest of {} bytes is longer than {MAX_MANIFEST}", plain.len())));
    }
    let id = id_of(&plain);
    let name = ObjectName::parse(&format!("snapshots/{}-{id}.age", stamp.created_compact))
        .ok_or_else(|| Error::internal("a snapshot's time has another form than 20251203T101500Z"))?;
    Ok((Sealed::vouch(name, signed::close(&plain, keys)?), id))
}

/// Opens a manifest that one of the pinned signers signed for this repository.
///
/// # Errors
/// Kind `Store` when it is damaged, lies under another name, or is signed by nobody who is pinned.
pub fn open_manifest(sealed: &Sealed, keys: &EpochKeys, pinned: &[SignerId]) -> Result<Opened> {
    let name = sealed.name();
    let (ObjectKind::Snapshot, Some((stamp, named_id))) = (name.kind(), name.stem().split_once('-')) else {
        return Err(Error::store(format!("{name} is not a snapshot")));
    };
    let plain = signed::open(name, sealed.bytes(), keys, MAX_MANIFEST)?;
    let id = id_of(&plain);
    if id != named_id {
        return Err(Error::store(format!("{name} is damaged: its content has another id than its name")));
    }
    let (signer, body) = signed::verified(name, CONTEXT, keys.repo(), plain, pinned)?;
    check_created(&body, stamp).map_err(|error| error.within(name))?;
    Ok(Opened { id, signer, body })
}

/// The first 128 bits of the digest of line and body. The signature in it keeps others from confirming a guess.
fn id_of(plain: &[u8]) -> String {
    HEXLOWER.encode(&blake3::hash(plain).as_bytes()[..16])
}

/// The time in the name orders snapshots for people, so it must be the one that was signed.
fn check_created(body: &[u8], stamp: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Created {
        created: String,
    }
    let created: Created =
        serde_json::from_slice(body).map_err(|_| Error::store("the body is not a manifest's JSON"))?;
    if created.created.replace(['-', ':'], "") == stamp {
        return Ok(());
    }
    Err(Error::store("the time in the snapshot's name is not the one in its body"))
}

#[cfg(test)]
mod tests;
