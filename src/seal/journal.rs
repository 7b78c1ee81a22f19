//! The journal of a capture, for the eyes of its member only: an age file to an identity of the member's own, made from its
//! signing key, so that every kind of member has one; and the key of the records' digests.

use super::object;
use super::signer::Signer;
use crate::error::{Error, Result};
use crate::model::proof::ObjectName;
use crate::secret::Secret32;
use age::x25519::Identity;
use data_encoding::Specification;
use std::str::FromStr;
use zeroize::Zeroizing;

/// What a member's journals are closed with.
pub struct JournalKeys {
    identity: Identity,
    digest: Secret32,
}

impl std::fmt::Debug for JournalKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl JournalKeys {
    /// Those of the member that signs with `signer`.
    ///
    /// # Errors
    /// Kind `Internal` when age does not take the identity.
    pub fn of(signer: &Signer) -> Result<Self> {
        let text = identity_text(&signer.derived("terp-fixtures v1 journal identity"))?;
        let identity = Identity::from_str(&text).map_err(|_| no_identity())?;
        Ok(Self { identity, digest: signer.derived("terp-fixtures v1 journal digest") })
    }

    /// The key of the records' digests: nobody else can write one that is believed.
    #[must_use]
    pub fn digest(&self) -> &Secret32 {
        &self.digest
    }

    /// Encrypts a record.
    ///
    /// # Errors
    /// Kind `Store`.
    pub fn seal(&self, record: &[u8]) -> Result<Vec<u8>> {
        object::encrypt(&self.identity.to_public(), record)
    }

    /// Decrypts a record.
    ///
    /// # Errors
    /// Kind `Store` when it is not one of this member's, or damaged.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        // The name appears in messages only, which the caller replaces.
        object::decrypt(&self.identity, &ObjectName::hint(), sealed, u64::MAX)
    }
}

fn no_identity() -> Error {
    Error::internal("the journal's identity cannot be made")
}

/// A secret as age writes it: Bech32 (BIP 173) with the prefix `age-secret-key-`.
fn identity_text(secret: &Secret32) -> Result<Zeroizing<String>> {
    const PREFIX: &str = "age-secret-key-";
    const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut base32 = Specification::new();
    base32.symbols.push_str(std::str::from_utf8(DIGITS).map_err(|_| no_identity())?);
    let data = Zeroizing::new(base32.encoding().map_err(|_| no_identity())?.encode(secret.expose()));
    let value = |digit: u8| {
        u32::try_from(DIGITS.iter().position(|known| *known == digit).unwrap_or_default()).unwrap_or_default()
    };
    let mut values = Zeroizing::new(Vec::new());
    values.extend(PREFIX.bytes().map(|byte| u32::from(byte >> 5)));
    values.push(0);
    values.extend(PREFIX.bytes().map(|byte| u32::from(byte & 31)));
    values.extend(data.bytes().map(value));
    values.extend([0; 6]);
    let sum = polymod(&values) ^ 1;
    let mut text = Zeroizing::new(format!("{PREFIX}1{}", data.as_str()));
    text.extend((0..6).map(|at| char::from(DIGITS[((sum >> (5 * (5 - at))) & 31) as usize])));
    text.make_ascii_uppercase();
    Ok(text)
}

/// The checksum of BIP 173.
fn polymod(values: &[u32]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1, |sum, value| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ value;
        GENERATOR.iter().enumerate().filter(|(at, _)| (top >> at) & 1 == 1).fold(next, |next, (_, word)| next ^ word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Member;
    use age::secrecy::ExposeSecret as _;

    #[test]
    fn identities_are_written_as_age_writes_them() {
        for _ in 0..20 {
            let (keys, again) = {
                let signer = Member::generate().signer();
                (
                    JournalKeys::of(&signer).unwrap(),
                    identity_text(&signer.derived("terp-fixtures v1 journal identity")).unwrap(),
                )
            };
            assert_eq!(keys.identity.to_string().expose_secret(), again.as_str());
        }
    }

    #[test]
    fn a_record_is_for_its_member_only() {
        let (anna, bert) = (Member::generate(), Member::generate());
        let sealed = JournalKeys::of(&anna.signer()).unwrap().seal(b"a record").unwrap();
        assert_eq!(JournalKeys::of(&anna.signer()).unwrap().open(&sealed).unwrap(), b"a record");
        assert!(JournalKeys::of(&bert.signer()).unwrap().open(&sealed).is_err());
        assert!(!sealed.windows(8).any(|window| window == b"a record"));
    }
}
