//! Tag objects: signed texts like audit entries, named after the time and the digest of the text.

use super::epoch::EpochKeys;
use super::signer::{Signer, SignerId};
use super::{MAX_TAGS, signed};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use data_encoding::HEXLOWER;

const CONTEXT: &[u8] = b"terp-fixtures/tag/v1\0";

/// Signs and encrypts the JSON of a set of tags. `stamp` is its time like `20251203T101500Z`.
///
/// # Errors
/// Kind `Store` when it is too long.
pub fn seal_tags(body: &[u8], stamp: &str, keys: &EpochKeys, signer: &Signer) -> Result<Sealed> {
    let plain = signed::sign(CONTEXT, keys.repo(), body, signer);
    if plain.len() as u64 > MAX_TAGS {
        return Err(Error::store(format!("tags of {} bytes are longer than {MAX_TAGS}", plain.len())));
    }
    Ok(Sealed::vouch(name_of(&plain, stamp)?, signed::close(&plain, keys)?))
}

/// Opens tags that one of the pinned signers signed for this repository. Gives who signed them, and the JSON.
///
/// # Errors
/// Kind `Store` when they are damaged, lie under another name, or are signed by nobody who is pinned.
pub fn open_tags(sealed: &Sealed, keys: &EpochKeys, pinned: &[SignerId]) -> Result<(SignerId, Vec<u8>)> {
    let name = sealed.name();
    let (ObjectKind::Tag, Some((stamp, _))) = (name.kind(), name.stem().split_once('-')) else {
        return Err(Error::store(format!("{name} is not a set of tags")));
    };
    let plain = signed::open(name, sealed.bytes(), keys, MAX_TAGS)?;
    if name_of(&plain, stamp)? != *name {
        return Err(Error::store(format!("{name} is damaged: its content has another id than its name")));
    }
    signed::verified(name, CONTEXT, keys.repo(), plain, pinned)
}

fn name_of(plain: &[u8], stamp: &str) -> Result<ObjectName> {
    let id = HEXLOWER.encode(&blake3::hash(plain).as_bytes()[..16]);
    ObjectName::parse(&format!("tags/{stamp}-{id}.age"))
        .ok_or_else(|| Error::internal("a time has another form than 20251203T101500Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Member;

    const REPO: &str = "00112233445566778899aabbccddeeff";
    const STAMP: &str = "20251203T101500Z";

    #[test]
    fn tags_come_back_for_pinned_signers_of_the_same_repository() {
        let (keys, signer) = (EpochKeys::generate(REPO, 1).unwrap(), Member::generate().signer());
        let sealed = seal_tags(b"{}", STAMP, &keys, &signer).unwrap();
        assert_eq!(open_tags(&sealed, &keys, &[signer.id()]).unwrap(), (signer.id(), b"{}".to_vec()));
        let stranger = Member::generate().signer().id();
        assert!(open_tags(&sealed, &keys, &[stranger]).unwrap_err().what().contains("not among the pinned signers"));
        for (context, repo) in [(&b"terp-fixtures/audit/v1\0"[..], REPO), (CONTEXT, &"ff".repeat(16))] {
            let plain = signed::sign(context, repo, b"{}", &signer);
            let forged = Sealed::vouch(name_of(&plain, STAMP).unwrap(), signed::close(&plain, &keys).unwrap());
            assert!(open_tags(&forged, &keys, &[signer.id()]).unwrap_err().what().contains("wrong signature"));
        }
    }

    #[test]
    fn every_flipped_bit_and_truncation_is_found() {
        let (keys, signer) = (EpochKeys::generate(REPO, 1).unwrap(), Member::generate().signer());
        let sealed = seal_tags(b"{}", STAMP, &keys, &signer).unwrap();
        let refused = |bytes: &[u8]| {
            open_tags(&Sealed::vouch(sealed.name().clone(), bytes), &keys, &[signer.id()]).unwrap_err();
        };
        for bit in 0..sealed.bytes().len() * 8 {
            let mut bytes = sealed.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            refused(&bytes);
        }
        (0..sealed.bytes().len()).for_each(|cut| refused(&sealed.bytes()[..cut]));
        let moved = ObjectName::parse(&format!("tags/{STAMP}-{}.age", "0".repeat(32))).unwrap();
        open_tags(&Sealed::vouch(moved, sealed.bytes()), &keys, &[signer.id()]).unwrap_err();
    }
}
