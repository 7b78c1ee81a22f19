//! Tombs: signed texts as manifests and audit entries are, under a context of their own. A tomb lies in the store under its time
//! and a digest of its text.

use super::epoch::EpochKeys;
use super::signer::{Signer, SignerId};
use super::{MAX_TOMB, signed};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use data_encoding::HEXLOWER;

const CONTEXT: &[u8] = b"terp-fixtures/tomb/v1\0";

/// Signs and encrypts the line of a tomb of `time`, which is written like `20251203T101500Z`.
///
/// # Errors
/// Kind `Store` when it is too long.
pub fn seal_tomb(line: &[u8], time: &str, keys: &EpochKeys, signer: &Signer) -> Result<Sealed> {
    let plain = signed::sign(CONTEXT, keys.repo(), line, signer);
    if plain.len() as u64 > MAX_TOMB {
        return Err(Error::store(format!("a tomb of {} bytes is longer than {MAX_TOMB}", plain.len())));
    }
    let name = ObjectName::parse(&format!("tombs/{time}-{}.age", id_of(&plain)))
        .ok_or_else(|| Error::internal("a tomb's time has another form than 20251203T101500Z"))?;
    Ok(Sealed::vouch(name, signed::close(&plain, keys)?))
}

/// Opens a tomb that one of the pinned signers signed for this repository. Gives who signed it, and its line.
///
/// # Errors
/// Kind `Store` when it is damaged, lies under another name, or is signed by nobody who is pinned.
pub fn open_tomb(sealed: &Sealed, keys: &EpochKeys, pinned: &[SignerId]) -> Result<(SignerId, Vec<u8>)> {
    let name = sealed.name();
    let (ObjectKind::Tomb, Some((_, id))) = (name.kind(), name.stem().split_once('-')) else {
        return Err(Error::store(format!("{name} is not a tomb")));
    };
    let plain = signed::open(name, sealed.bytes(), keys, MAX_TOMB)?;
    if id_of(&plain) != id {
        return Err(Error::store(format!("{name} is damaged: its content has another id than its name")));
    }
    signed::verified(name, CONTEXT, keys.repo(), plain, pinned)
}

/// The first 128 bits of the digest of the signed text.
fn id_of(plain: &[u8]) -> String {
    HEXLOWER.encode(&blake3::hash(plain).as_bytes()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::seal::Member;

    const REPO: &str = "00112233445566778899aabbccddeeff";
    const LINE: &[u8] = br#"{"version":1}"#;
    const TIME: &str = "20251203T101500Z";

    fn made() -> (Sealed, EpochKeys, Signer) {
        let (keys, signer) = (EpochKeys::generate(REPO, 1).unwrap(), Member::generate().signer());
        (seal_tomb(LINE, TIME, &keys, &signer).unwrap(), keys, signer)
    }

    #[test]
    fn tombs_come_back_for_pinned_signers_of_the_same_repository() {
        let (sealed, keys, signer) = made();
        assert!(sealed.name().path().starts_with("tombs/20251203T101500Z-"));
        assert_eq!(open_tomb(&sealed, &keys, &[signer.id()]).unwrap(), (signer.id(), LINE.to_vec()));
        let error = open_tomb(&sealed, &keys, &[Member::generate().signer().id()]).unwrap_err();
        assert!(error.what().contains("not among the pinned signers"), "{error}");
        // A text of another sort, or of another repository, is none even where the same member signed it.
        for (context, repo) in
            [(&b"terp-fixtures/manifest/v1\0"[..], REPO), (CONTEXT, "ffffffffffffffffffffffffffffffff")]
        {
            let plain = signed::sign(context, repo, LINE, &signer);
            let name = ObjectName::parse(&format!("tombs/{TIME}-{}.age", id_of(&plain))).unwrap();
            let foreign = Sealed::vouch(name, signed::close(&plain, &keys).unwrap());
            assert!(open_tomb(&foreign, &keys, &[signer.id()]).unwrap_err().what().contains("wrong signature"));
        }
    }

    #[test]
    fn every_flipped_bit_and_truncation_of_a_tomb_is_found() {
        let (sealed, keys, signer) = made();
        let refused = |bytes: &[u8]| {
            let damaged = Sealed::vouch(sealed.name().clone(), bytes);
            assert_eq!(open_tomb(&damaged, &keys, &[signer.id()]).unwrap_err().kind(), Kind::Store);
        };
        for bit in 0..sealed.bytes().len() * 8 {
            let mut bytes = sealed.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            refused(&bytes);
        }
        (0..sealed.bytes().len()).for_each(|cut| refused(&sealed.bytes()[..cut]));
    }
}
