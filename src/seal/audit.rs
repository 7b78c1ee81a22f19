//! Audit entries and heads of audit trails: signed texts. An entry lies in the store under its `seq` and the hash of its line; a
//! head is a plain file for keeping elsewhere.

use super::epoch::EpochKeys;
use super::signer::{Signer, SignerId};
use super::{MAX_ENTRY, signed};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};

const CONTEXT: &[u8] = b"terp-fixtures/audit/v1\0";
const HEAD_CONTEXT: &[u8] = b"terp-fixtures/audit-head/v1\0";

/// Signs and encrypts the line of the entry with the number `seq`.
///
/// # Errors
/// Kind `Store` when it is too long.
pub fn seal_entry(line: &[u8], seq: u64, keys: &EpochKeys, signer: &Signer) -> Result<Sealed> {
    let name = name_of(line, seq)?;
    let plain = signed::sign(CONTEXT, keys.repo(), line, signer);
    if plain.len() as u64 > MAX_ENTRY {
        return Err(Error::store(format!("an audit entry of {} bytes is longer than {MAX_ENTRY}", plain.len())));
    }
    Ok(Sealed::vouch(name, signed::close(&plain, keys)?))
}

/// Opens an entry that one of the pinned signers signed for this repository. Gives who signed it, and its line.
///
/// # Errors
/// Kind `Store` when it is damaged, lies under another name, or is signed by nobody who is pinned.
pub fn open_entry(sealed: &Sealed, keys: &EpochKeys, pinned: &[SignerId]) -> Result<(SignerId, Vec<u8>)> {
    let name = sealed.name();
    let (ObjectKind::Audit, Some(seq)) = (name.kind(), name.stem().split('-').next().and_then(|seq| seq.parse().ok()))
    else {
        return Err(Error::store(format!("{name} is not an audit entry")));
    };
    let plain = signed::open(name, sealed.bytes(), keys, MAX_ENTRY)?;
    let (signer, line) = signed::verified(name, CONTEXT, keys.repo(), plain, pinned)?;
    if name_of(&line, seq)? != *name {
        return Err(Error::store(format!("{name} is damaged: its content has another hash than its name")));
    }
    Ok((signer, line))
}

/// Signs the statement of a head, as the text of a file.
#[must_use]
pub fn seal_head(statement: &[u8], keys: &EpochKeys, signer: &Signer) -> Vec<u8> {
    let mut text = signed::sign(HEAD_CONTEXT, keys.repo(), statement, signer);
    text.push(b'\n');
    text
}

/// Takes the statement out of such a file, once a pinned signer is seen to have signed it for this repository.
///
/// # Errors
/// Kind `Store` when it is something else, or signed by nobody who is pinned.
pub fn open_head(file: &[u8], keys: &EpochKeys, pinned: &[SignerId]) -> Result<(SignerId, Vec<u8>)> {
    // An editor or a mail program may have changed how lines end.
    let text = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\r').collect();
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    signed::verified(&"the head", HEAD_CONTEXT, keys.repo(), text.to_vec(), pinned)
}

fn name_of(line: &[u8], seq: u64) -> Result<ObjectName> {
    let hash = blake3::hash(line).to_hex();
    ObjectName::parse(&format!("audit/{seq:010}-{hash}.age"))
        .ok_or_else(|| Error::store("the audit trail has too many entries"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::seal::{Member, object};

    const REPO: &str = "00112233445566778899aabbccddeeff";
    const LINE: &[u8] = br#"{"version":1}"#;

    fn made() -> (Sealed, EpochKeys, Signer) {
        let (keys, signer) = (EpochKeys::generate(REPO, 1).unwrap(), Member::generate().signer());
        (seal_entry(LINE, 7, &keys, &signer).unwrap(), keys, signer)
    }

    #[test]
    fn entries_come_back_for_pinned_signers_of_the_same_repository() {
        let (sealed, keys, signer) = made();
        assert!(sealed.name().path().starts_with("audit/0000000007-"));
        assert_eq!(open_entry(&sealed, &keys, &[signer.id()]).unwrap(), (signer.id(), LINE.to_vec()));
        let error = open_entry(&sealed, &keys, &[Member::generate().signer().id()]).unwrap_err();
        assert!(error.what().contains("not among the pinned signers"), "{error}");
        // The same epoch's keys for another repository: what decrypts is not signed for it.
        let plain = signed::sign(CONTEXT, &"ff".repeat(16), LINE, &signer);
        let replayed = Sealed::vouch(sealed.name().clone(), signed::close(&plain, &keys).unwrap());
        assert!(open_entry(&replayed, &keys, &[signer.id()]).unwrap_err().what().contains("wrong signature"));
        let manifest = signed::sign(b"terp-fixtures/manifest/v1\0", REPO, LINE, &signer);
        let swapped = Sealed::vouch(sealed.name().clone(), signed::close(&manifest, &keys).unwrap());
        assert!(open_entry(&swapped, &keys, &[signer.id()]).unwrap_err().what().contains("wrong signature"));
    }

    #[test]
    fn every_flipped_bit_truncation_and_other_name_is_found() {
        let (sealed, keys, signer) = made();
        let refused = |sealed: &Sealed| {
            assert_eq!(open_entry(sealed, &keys, &[signer.id()]).unwrap_err().kind(), Kind::Store);
        };
        for bit in 0..sealed.bytes().len() * 8 {
            let mut bytes = sealed.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            refused(&Sealed::vouch(sealed.name().clone(), bytes));
        }
        for cut in 0..sealed.bytes().len() {
            refused(&Sealed::vouch(sealed.name().clone(), &sealed.bytes()[..cut]));
        }
        // Who can encrypt meets the signature: every bit of the signed text.
        let plain = signed::sign(CONTEXT, REPO, LINE, &signer);
        for bit in 0..plain.len() * 8 {
            let mut plain = plain.clone();
            plain[bit / 8] ^= 1 << (bit % 8);
            refused(&Sealed::vouch(sealed.name().clone(), signed::close(&plain, &keys).unwrap()));
        }
        for seq in [0, 6, 8] {
            let hash = sealed.name().stem().split_once('-').unwrap().1;
            let name = ObjectName::parse(&format!("audit/{seq:010}-{hash}.age")).unwrap();
            // The number in the name is compared with the line's by whoever reads the line.
            assert!(open_entry(&Sealed::vouch(name, sealed.bytes()), &keys, &[signer.id()]).is_ok());
        }
        refused(&Sealed::vouch(name_of(b"other", 7).unwrap(), sealed.bytes()));
        refused(&Sealed::vouch(ObjectName::hint(), sealed.bytes()));
        assert!(object::decrypt(keys.meta_identity(), sealed.name(), sealed.bytes(), 1 << 20).is_ok());
    }

    #[test]
    fn heads_come_back_and_are_not_entries() {
        let (_, keys, signer) = made();
        let file = seal_head(LINE, &keys, &signer);
        let windows = [b"\xEF\xBB\xBF".to_vec(), String::from_utf8(file.clone()).unwrap().replace('\n', "\r\n").into()];
        for text in [file.clone(), windows.concat()] {
            assert_eq!(open_head(&text, &keys, &[signer.id()]).unwrap(), (signer.id(), LINE.to_vec()));
        }
        for byte in 0..file.len() - 1 {
            let mut file = file.clone();
            file[byte] ^= 1;
            assert!(open_head(&file, &keys, &[signer.id()]).is_err(), "byte {byte}");
        }
        assert!(open_head(b"", &keys, &[signer.id()]).is_err());
        let entry = signed::sign(CONTEXT, REPO, LINE, &signer);
        assert!(open_head(&entry, &keys, &[signer.id()]).unwrap_err().what().contains("wrong signature"));
    }
}
