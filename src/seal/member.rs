//! Members: one secret file each, an age identity, from which the signing key is derived.

use crate::error::{Error, Result};
use crate::secret::{Secret32, SecretText};
use age::secrecy::ExposeSecret;
use age::x25519;
use data_encoding::{HEXLOWER, Specification};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use std::fmt;
use std::str::FromStr;

/// Somebody, or some machine, with a secret file of its own.
#[derive(Clone)]
pub struct Member {
    identity: x25519::Identity,
}

impl Member {
    /// A new member.
    #[must_use]
    pub fn generate() -> Self {
        Self { identity: x25519::Identity::generate() }
    }

    /// The member of an age identity file: comments, and one line `AGE-SECRET-KEY-1...`.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such line, several, or something else.
    pub fn parse(file: &SecretText) -> Result<Self> {
        let refused = |what: &str| {
            Error::usage(format!("not an identity: {what}")).hint(
                "An identity file has one line AGE-SECRET-KEY-1..., as age-keygen and terp-fixtures keys write it.",
            )
        };
        let lines = file.expose().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut found = None;
        for line in lines {
            if line.starts_with("age1") {
                return Err(refused("this is a public recipient; the secret file is needed"));
            }
            if !line.starts_with("AGE-SECRET-KEY-1") {
                return Err(refused("a line is neither a comment nor an age secret key"));
            }
            if found.is_some() {
                return Err(refused("it has more than one secret key"));
            }
            // The crate's messages do not quote the key.
            found = Some(x25519::Identity::from_str(line).map_err(|_| refused("its secret key is misspelt"))?);
        }
        Ok(Self { identity: found.ok_or_else(|| refused("it has no secret key"))? })
    }

    /// The identity file, which stock age reads too. `note` is a comment for people: whose it is, since when.
    #[must_use]
    pub fn to_file(&self, note: &str) -> SecretText {
        let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let secret = self.identity.to_string();
        let (recipient, signer) = (self.recipient(), self.signer().id());
        let text = format!(
            "# {note}\n# Keep this file secret. What others may know:\n# public key: {recipient}\n# signer: {signer}\n{}\n",
            secret.expose_secret()
        );
        SecretText::new(text)
    }

    /// Where to encrypt for this member.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.identity.to_public())
    }

    /// The member's signing key: `BLAKE3 derive_key` over the identity's text `AGE-SECRET-KEY-1...`.
    #[must_use]
    pub fn signer(&self) -> Signer {
        let text = self.identity.to_string();
        let seed =
            Secret32::new(blake3::derive_key("terp-fixtures v1 manifest signing", text.expose_secret().as_bytes()));
        Signer { key: SigningKey::from_bytes(seed.expose()) }
    }

    pub(super) fn identity(&self) -> &x25519::Identity {
        &self.identity
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where to encrypt for a member: `age1...`. Public.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(x25519::Recipient);

impl Recipient {
    pub(super) fn of(recipient: x25519::Recipient) -> Self {
        Self(recipient)
    }

    pub(super) fn age(&self) -> &x25519::Recipient {
        &self.0
    }
}

impl FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let refused = |what: &str| {
            Error::usage(format!("not a recipient: {what}"))
                .hint("A recipient is the `age1...` line that `terp-fixtures keys` or `age-keygen -y` shows.")
        };
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(refused("this is a secret key, which nobody else may have"));
        }
        let recipient = x25519::Recipient::from_str(text).map_err(refused)?;
        if point(&recipient.to_string()).is_none_or(is_low_order) {
            return Err(refused("it is no public key, everybody could read what is encrypted to it"));
        }
        Ok(Self(recipient))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The Curve25519 point in a recipient's Bech32 text: 52 digits of five bits between `age1` and the checksum.
fn point(recipient: &str) -> Option<[u8; 32]> {
    let digits = recipient.strip_prefix("age1")?.get(..52)?;
    let mut bech32 = Specification::new();
    bech32.symbols.push_str("qpzry9x8gf2tvdw0s3jn54khce6mua7l");
    bech32.encoding().ok()?.decode(digits.as_bytes()).ok()?.try_into().ok()
}

/// Whether every key agreement with the point gives zero. The age crate panics when asked to encrypt to one.
fn is_low_order(mut point: [u8; 32]) -> bool {
    /// Little-endian, below 2^255: 0, 1, two points of order 8, p - 1, and p, p + 1, which are 0 and 1 again.
    const LOW: [&str; 7] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    // X25519 ignores the highest bit.
    point[31] &= 0x7F;
    LOW.contains(&HEXLOWER.encode(&point).as_str())
}

/// A member's signing key.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
}

impl Signer {
    /// The public name of the key.
    #[must_use]
    pub fn id(&self) -> SignerId {
        SignerId(self.key.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// A secret of the member's own for another purpose.
    pub(super) fn derived(&self, purpose: &str) -> Secret32 {
        Secret32::new(blake3::derive_key(purpose, self.key.as_bytes()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.id())
    }
}

/// Who signed: `ed25519:` and the public key in 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignerId([u8; 32]);

impl SignerId {
    /// The public key in 64 hex digits.
    #[must_use]
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

impl FromStr for SignerId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |what: &str| {
            Error::usage(format!("not a signer: {what}"))
                .hint("A signer is `ed25519:` and 64 hex digits, as `terp-fixtures keys init` printed it.")
        };
        let digits =
            text.trim().strip_prefix("ed25519:").ok_or_else(|| refused("it does not start with `ed25519:`"))?;
        let bytes = HEXLOWER.decode(digits.as_bytes()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| refused("it is not 64 lower-case hex digits"))?;
        match VerifyingKey::from_bytes(&bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(bytes)),
            _ => Err(refused("it is not a public key")),
        }
    }
}

impl fmt::Display for SignerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", self.hex())
    }
}

impl fmt::Debug for SignerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn parse(text: &str) -> Result<Member> {
        Member::parse(&SecretText::new(text.into()))
    }

    #[test]
    fn a_file_gives_the_same_member_back() {
        let member = Member::generate();
        let file = member.to_file("alice\n2025-12-03");
        assert!(file.expose().starts_with("# alice 2025-12-03\n"));
        assert!(file.expose().contains(&format!("# public key: {}\n", member.recipient())));
        assert!(file.expose().contains(&format!("# signer: {}\n", member.signer().id())));
        let again = parse(file.expose()).unwrap();
        assert_eq!(again.recipient(), member.recipient());
        assert_eq!(again.signer().id(), member.signer().id());
        assert_eq!(format!("{member:?}"), "***");
    }

    #[test]
    fn other_files_are_refused_without_showing_them() {
        let good = Member::generate().to_file("x").expose().to_owned();
        let key = good.lines().last().unwrap();
        let other = Member::generate().recipient().to_string();
        let misspelt = key.replace(&key[20..23], "QQQ");
        let bad = [
            "",
            "# nothing\n",
            "hunter2",
            &format!("{key}\n{key}"),
            &other,
            &misspelt,
            &key[..50],
            &format!("{key} x"),
        ];
        for text in bad {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.hint_text().is_some());
            let shown = format!("{error:?}");
            assert!(!shown.contains("hunter2") && !shown.contains(&key[16..40]), "{shown}");
        }
        let swapped = key.parse::<Recipient>().unwrap_err();
        assert!(swapped.what().contains("secret") && !format!("{swapped:?}").contains(&key[16..]), "{swapped:?}");
    }

    #[test]
    fn public_names_are_read_as_written() {
        let member = Member::generate();
        assert_eq!(member.recipient().to_string().parse::<Recipient>().unwrap(), member.recipient());
        let id = member.signer().id();
        assert_eq!(id.to_string().parse::<SignerId>().unwrap(), id);
        // Not hex, too short, upper case, no prefix, and a key of small order that would verify anything.
        let upper = id.to_string().to_uppercase();
        let weak = format!("ed25519:01{}", "00".repeat(31));
        for text in ["ed25519:zz", "ed25519:00", &upper, &id.hex(), &weak] {
            assert_eq!(text.parse::<SignerId>().unwrap_err().kind(), Kind::Usage, "{text}");
        }
    }

    /// Points for which X25519 gives zero, encoded by another program; the last two with the ignored bit set.
    #[test]
    fn points_that_share_no_secret_are_refused() {
        let low = [
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
            "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
            "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
            "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8",
            "age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m",
            "age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy",
            "age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv",
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqsuwj9m",
            "age1amlllllllllllllllllllllllllllllllllllllllllllllllllsam3fc4",
        ];
        for text in low {
            assert!(x25519::Recipient::from_str(text).is_ok(), "{text} is well formed");
            assert_eq!(text.parse::<Recipient>().unwrap_err().kind(), Kind::Usage, "{text}");
        }
        for _ in 0..50 {
            Member::generate().recipient().to_string().parse::<Recipient>().unwrap();
        }
    }

    /// Frozen: a change would make every member another signer.
    #[test]
    fn the_signing_key_follows_from_the_identity() {
        let member = parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX").unwrap();
        assert_eq!(member.recipient().to_string(), "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj");
        assert_eq!(member.signer().id().hex(), "5c6bc87d106d0370db5f9697ec7337a196c35e861ac9e87c3a81ffd0bec4166a");
    }
}
