//! Packs: encrypted to the epoch's data recipient, named after the digest of the encrypted bytes.

use super::epoch::EpochKeys;
use super::{MAX_PACK, object};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Packed, Sealed};

/// Encrypts a pack. Needs no secret key.
///
/// # Errors
/// Kind `Store` when it cannot be encrypted.
pub fn seal_pack(packed: Packed, keys: &EpochKeys) -> Result<Sealed> {
    let bytes = object::encrypt(keys.data_recipient(), packed.bytes())?;
    drop(packed);
    if bytes.len() as u64 > MAX_PACK {
        return Err(Error::store(format!("a pack of {} bytes is longer than {MAX_PACK}", bytes.len())));
    }
    Ok(Sealed::vouch(name_of(&bytes)?, bytes))
}

/// Opens a pack, once its bytes are seen to be those it is named after.
///
/// # Errors
/// Kind `Store` when it is damaged or these keys cannot read rows.
pub fn open_pack(sealed: &Sealed, keys: &EpochKeys) -> Result<Packed> {
    let identity = keys.data_identity()?;
    scrub(sealed)?;
    Ok(Packed::vouch(object::decrypt(identity, sealed.name(), sealed.bytes(), MAX_PACK)?))
}

/// Checks without any key that a pack is whole: its name is the digest of its bytes.
///
/// # Errors
/// Kind `Store` when it is not, or is not a pack.
pub fn scrub(sealed: &Sealed) -> Result<()> {
    let name = sealed.name();
    if name.kind() != ObjectKind::Pack {
        return Err(Error::store(format!("{name} is not a pack")));
    }
    if name_of(sealed.bytes())? != *name {
        return Err(Error::store(format!("{name} is damaged: its content has another digest than its name"))
            .hint("Put back a copy of this object, or capture the snapshots that use it again."));
    }
    Ok(())
}

fn name_of(bytes: &[u8]) -> Result<ObjectName> {
    let digest = blake3::hash(bytes).to_hex();
    ObjectName::parse(&format!("packs/{}/{digest}.age", &digest[..2]))
        .ok_or_else(|| Error::internal("a digest does not make a name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::seal::{Member, Role, open_keys, seal_keys};

    fn keys() -> EpochKeys {
        EpochKeys::generate(&"0".repeat(32), 1).unwrap()
    }

    #[test]
    fn packs_come_back_and_never_look_alike() {
        let keys = keys();
        let packed = Packed::vouch(b"frames".to_vec());
        let sealed = seal_pack(packed.clone(), &keys).unwrap();
        assert_eq!(open_pack(&sealed, &keys).unwrap(), packed);
        scrub(&sealed).unwrap();
        assert_ne!(seal_pack(packed, &keys).unwrap().name(), sealed.name());
    }

    #[test]
    fn a_capturing_host_writes_packs_it_cannot_read() {
        let (keys, host) = (keys(), Member::generate());
        let sealed = seal_keys(&keys, &host.recipient(), Role::Capture, &host.signer()).unwrap();
        let host_keys = open_keys(&sealed, &host, &[]).unwrap();
        let sealed = seal_pack(Packed::vouch(b"frames".to_vec()), &host_keys).unwrap();
        assert!(open_pack(&sealed, &host_keys).unwrap_err().what().contains("not read their rows"));
        assert_eq!(open_pack(&sealed, &keys).unwrap().bytes(), b"frames");
    }

    #[test]
    fn every_bit_flip_and_truncation_is_found_with_and_without_keys() {
        let keys = keys();
        let sealed = seal_pack(Packed::vouch(b"frames".to_vec()), &keys).unwrap();
        let refused = |bytes: &[u8]| {
            let damaged = Sealed::vouch(sealed.name().clone(), bytes);
            assert_eq!(scrub(&damaged).unwrap_err().kind(), Kind::Store);
            assert_eq!(open_pack(&damaged, &keys).unwrap_err().kind(), Kind::Store);
            // The same bytes under the name they ask for: now the encryption must notice.
            let renamed = Sealed::vouch(name_of(bytes).unwrap(), bytes);
            assert_eq!(open_pack(&renamed, &keys).unwrap_err().kind(), Kind::Store);
        };
        for bit in 0..sealed.bytes().len() * 8 {
            let mut bytes = sealed.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            refused(&bytes);
        }
        (0..sealed.bytes().len()).for_each(|cut| refused(&sealed.bytes()[..cut]));
        refused(&[sealed.bytes(), b"x"].concat());
    }

    #[test]
    fn packs_of_others_are_told() {
        let sealed = seal_pack(Packed::vouch(b"frames".to_vec()), &keys()).unwrap();
        let error = open_pack(&sealed, &keys()).unwrap_err();
        assert!(error.what().contains("this identity cannot open packs/"), "{error}");
        assert!(scrub(&Sealed::vouch(ObjectName::hint(), &b"{}"[..])).is_err());
    }
}
