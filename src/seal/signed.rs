//! Signed text: a line with the signature, and the body behind it. Manifests, tombs, audit entries and the heads of audit
//! trails are such texts; all but the last lie compressed, padded and encrypted in the store. Each has a context of its own, so that a
//! signature of one never counts for another.

use super::epoch::EpochKeys;
use super::member::Recipient;
use super::signer::{Signer, SignerId};
use super::{MAX_MANIFEST, object};
use crate::error::{Error, Result};
use crate::model::padding;
use crate::model::proof::ObjectName;
use data_encoding::HEXLOWER;
use std::fmt::Display;
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

/// `TERPFX1 ed25519 <64 hex> <128 hex>` and a newline.
const LINE: usize = 8 + 8 + 65 + 129;

/// What is signed.
pub(super) fn message(context: &[u8], repo: &str, body: &[u8]) -> Vec<u8> {
    [context, repo.as_bytes(), body].concat()
}

/// The signature's line and the body.
pub(super) fn sign(context: &[u8], repo: &str, body: &[u8], signer: &Signer) -> Vec<u8> {
    let signature = signer.sign(&message(context, repo, body));
    let mut plain = format!("TERPFX1 ed25519 {} {}\n", signer.id().hex(), HEXLOWER.encode(&signature)).into_bytes();
    plain.extend_from_slice(body);
    plain
}

/// Takes the signature's line off, once one of the pinned signers is seen to have signed the body. `what` is what it lies as.
pub(super) fn verified(
    what: &dyn Display,
    context: &[u8],
    repo: &str,
    mut plain: Vec<u8>,
    pinned: &[SignerId],
) -> Result<(SignerId, Vec<u8>)> {
    let damaged = |why: &str| Error::store(format!("{what} is damaged: {why}"));
    let (line, body) = plain.split_at_checked(LINE).ok_or_else(|| damaged("it is too short"))?;
    let (signer, signature) = parse_line(line).ok_or_else(|| damaged("its first line is not a signature"))?;
    if !pinned.contains(&signer) {
        return Err(Error::store(format!("{what} is signed by {signer}, who is not among the pinned signers")).hint(
            format!("If you know whose key that is and trust it, add \"{signer}\" to `signers` in terp-fixtures.toml."),
        ));
    }
    if !signer.verifies(&message(context, repo, body), &signature) {
        return Err(Error::store(format!("{what} has a wrong signature"))
            .hint("It was changed after it was signed, or belongs to another repository. Do not use it."));
    }
    plain.drain(..LINE);
    Ok((signer, plain))
}

fn parse_line(line: &[u8]) -> Option<(SignerId, [u8; 64])> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (signer, signature) = line.strip_prefix("TERPFX1 ed25519 ")?.split_once(' ')?;
    let signature = HEXLOWER.decode(signature.as_bytes()).ok()?;
    Some((format!("ed25519:{signer}").parse().ok()?, signature.try_into().ok()?))
}

/// Compresses, pads and encrypts a signed text to the epoch's meta recipient.
pub(super) fn close(plain: &[u8], keys: &EpochKeys) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| Error::store("cannot compress a signed text").caused_by(error);
    let mut compressor = zstd::bulk::Compressor::new(3).map_err(failed)?;
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).map_err(failed)?;
    let mut frames = compressor.compress(plain).map_err(failed)?;
    padding::pad(&mut frames);
    let meta = Recipient::of(keys.meta_identity().to_public());
    object::encrypt(&meta, &frames)
}

/// Decrypts and decompresses; nothing is verified yet.
pub(super) fn open(name: &ObjectName, bytes: &[u8], keys: &EpochKeys, limit: u64) -> Result<Vec<u8>> {
    let frames = object::decrypt(keys.meta_identity(), name, bytes, limit)?;
    decompress(&frames).map_err(|why| Error::store(format!("{name} is damaged: {why}")))
}

/// One zstd frame that tells its length, and padding.
pub(super) fn decompress(frames: &[u8]) -> std::result::Result<Vec<u8>, &'static str> {
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
