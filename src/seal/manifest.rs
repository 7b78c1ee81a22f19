//! Manifests: signed, compressed, padded, encrypted. Nothing of a body is believed, or even read, before the signature of a
//! pinned signer was verified over its bytes.

use super::epoch::EpochKeys;
use super::member::{Recipient, Signer, SignerId};
use super::{MAX_MANIFEST, object};
use crate::error::{Error, Result};
use crate::model::padding;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

const CONTEXT: &[u8] = b"terp-fixtures/manifest/v1\0";

/// `TERPFX1 ed25519 <64 hex> <128 hex>` and a newline.
const LINE: usize = 8 + 8 + 65 + 129;

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
    let signature = signer.sign(&message(keys.repo(), body));
    let mut plain = format!("TERPFX1 ed25519 {} {}\n", signer.id().hex(), HEXLOWER.encode(&signature)).into_bytes();
    plain.extend_from_slice(body);
    if plain.len() as u64 > MAX_MANIFEST {
        return Err(Error::store(format!("a manifest of {} bytes is longer than {MAX_MANIFEST}", plain.len())));
    }
    let id = id_of(&plain);
    let name = ObjectName::parse(&format!("snapshots/{}-{id}.age", stamp.created_compact))
        .ok_or_else(|| Error::internal("a snapshot's time has another form than 20251203T101500Z"))?;
    let failed = |error: std::io::Error| Error::store("cannot compress the manifest").caused_by(error);
    let mut compressor = zstd::bulk::Compressor::new(3).map_err(failed)?;
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).map_err(failed)?;
    let mut frames = compressor.compress(&plain).map_err(failed)?;
    padding::pad(&mut frames);
    let meta = Recipient::of(keys.meta_identity().to_public());
    Ok((Sealed::vouch(name, object::encrypt(meta.age(), &frames)?), id))
}

/// Opens a manifest that one of the pinned signers signed for this repository.
///
/// # Errors
/// Kind `Store` when it is damaged, lies under another name, or is signed by nobody who is pinned.
pub fn open_manifest(sealed: &Sealed, keys: &EpochKeys, pinned: &[SignerId]) -> Result<Opened> {
    let name = sealed.name();
    let damaged = |what: &str| Error::store(format!("{name} is damaged: {what}"));
    let (ObjectKind::Snapshot, Some((stamp, named_id))) = (name.kind(), name.stem().split_once('-')) else {
        return Err(Error::store(format!("{name} is not a snapshot")));
    };
    let frames = object::decrypt(keys.meta_identity(), name, sealed.bytes(), MAX_MANIFEST)?;
    let mut plain = decompress(&frames).map_err(damaged)?;
    let id = id_of(&plain);
    if id != named_id {
        return Err(damaged("its content has another id than its name"));
    }
    let (line, body) = plain.split_at_checked(LINE).ok_or_else(|| damaged("it is too short"))?;
    let (signer, signature) = parse_line(line).ok_or_else(|| damaged("its first line is not a signature"))?;
    if !pinned.contains(&signer) {
        return Err(Error::store(format!("{name} is signed by {signer}, who is not among the pinned signers")).hint(
            format!("If you know whose key that is and trust it, add \"{signer}\" to `signers` in terp-fixtures.toml."),
        ));
    }
    if !signer.verifies(&message(keys.repo(), body), &signature) {
        return Err(Error::store(format!("{name} has a wrong signature"))
            .hint("It was changed after it was signed, or belongs to another repository. Do not use it."));
    }
    check_created(body, stamp).map_err(|error| error.within(name))?;
    plain.drain(..LINE);
    Ok(Opened { id, signer, body: plain })
}

/// The first 128 bits of the digest of line and body. The signature in it keeps others from confirming a guess.
fn id_of(plain: &[u8]) -> String {
    HEXLOWER.encode(&blake3::hash(plain).as_bytes()[..16])
}

fn message(repo: &str, body: &[u8]) -> Vec<u8> {
    [CONTEXT, repo.as_bytes(), body].concat()
}

fn parse_line(line: &[u8]) -> Option<(SignerId, [u8; 64])> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (signer, signature) = line.strip_prefix("TERPFX1 ed25519 ")?.split_once(' ')?;
    let signature = HEXLOWER.decode(signature.as_bytes()).ok()?;
    Some((format!("ed25519:{signer}").parse().ok()?, signature.try_into().ok()?))
}

/// One zstd frame that tells its length, and padding.
fn decompress(frames: &[u8]) -> std::result::Result<Vec<u8>, &'static str> {
    let length = match get_frame_content_size(frames) {
        Ok(Some(length)) if length <= MAX_MANIFEST => usize::try_from(length).map_err(|_| "it is too long")?,
        Ok(Some(_)) => return Err("it is too long"),
        _ => return Err("it is not a zstd frame that tells its length"),
    };
    let frame = find_frame_compressed_size(frames).ok().and_then(|end| frames.split_at_checked(end));
    let (frame, tail) = frame.ok_or("its frame does not end")?;
    if !padding::is_padding(tail) {
        return Err("something other than padding follows");
    }
    let mut plain = vec![0; length];
    match zstd::bulk::decompress_to_buffer(frame, &mut plain) {
        Ok(written) if written == length => Ok(plain),
        Ok(_) => Err("it is shorter than it says"),
        Err(_) => Err("it cannot be decompressed"),
    }
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
