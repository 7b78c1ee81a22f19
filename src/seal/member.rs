//! Members: one secret each, an age identity or an SSH key, from which the signing key is derived; and the recipients that others
//! encrypt to.

use super::signer::Signer;
use super::ssh_age::{SshIdentity, SshRecipient};
use crate::error::{Error, Result};
use crate::secret::{Secret32, SecretText};
use age::secrecy::ExposeSecret;
use age::x25519;
use age::{DecryptError, EncryptError};
use age_core::format::{FileKey, Stanza};
use data_encoding::{HEXLOWER, Specification};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

/// Somebody, or some machine, with a secret of its own.
#[derive(Clone)]
pub struct Member(Secret);

#[derive(Clone)]
enum Secret {
    Age(x25519::Identity),
    Ssh(SshIdentity),
}

impl Member {
    /// A new member.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::Age(x25519::Identity::generate()))
    }

    /// The member with an SSH key.
    pub(super) fn of_ssh(identity: SshIdentity) -> Self {
        Self(Secret::Ssh(identity))
    }

    /// The member of an age identity file: comments, and one line `AGE-SECRET-KEY-1...`.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such line, several, or something else.
    pub fn parse(file: &SecretText) -> Result<Self> {
        let refused = |what: &str| {
            Error::usage(format!("not an identity: {what}")).hint(
                "An identity file has one line AGE-SECRET-KEY-1..., as 'terp-fixtures keys new' and age-keygen write it; or it is that under a passphrase, or an Ed25519 key of ssh-keygen.",
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
        Ok(Self(Secret::Age(found.ok_or_else(|| refused("it has no secret key"))?)))
    }

    /// The identity file, which stock age reads too. `note` is a comment for people: whose it is, since when. None for an SSH key,
    /// which has a file of its own.
    #[must_use]
    pub fn to_file(&self, note: &str) -> Option<SecretText> {
        let Secret::Age(identity) = &self.0 else { return None };
        let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let secret = identity.to_string();
        let (recipient, signer) = (self.recipient(), self.signer().id());
        let text = format!(
            "# {note}\n# Keep this file secret. What others may know:\n# public key: {recipient}\n# signer: {signer}\n{}\n",
            secret.expose_secret()
        );
        Some(SecretText::new(text))
    }

    /// Where to encrypt for this member.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(match &self.0 {
            Secret::Age(identity) => Public::Age(identity.to_public()),
            Secret::Ssh(identity) => Public::Ssh(identity.recipient()),
        })
    }

    /// The member's signing key. For an age identity `BLAKE3 derive_key` over its text `AGE-SECRET-KEY-1...`.
    #[must_use]
    pub fn signer(&self) -> Signer {
        match &self.0 {
            Secret::Age(identity) => {
                let text = identity.to_string();
                let seed = blake3::derive_key("terp-fixtures v1 manifest signing", text.expose_secret().as_bytes());
                Signer::of_seed(&Secret32::new(seed))
            }
            Secret::Ssh(identity) => identity.signer(),
        }
    }
}

impl age::Identity for Member {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<std::result::Result<FileKey, DecryptError>> {
        match &self.0 {
            Secret::Age(identity) => identity.unwrap_stanza(stanza),
            Secret::Ssh(identity) => identity.unwrap_stanza(stanza),
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where to encrypt for a member: `age1...` or `ssh-ed25519 AAAA...`. Public.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(Public);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Public {
    Age(x25519::Recipient),
    Ssh(SshRecipient),
}

impl Recipient {
    pub(super) fn of(recipient: x25519::Recipient) -> Self {
        Self(Public::Age(recipient))
    }

    /// Whether it is of the kind that epochs' own keys are.
    pub(super) fn is_age(&self) -> bool {
        matches!(self.0, Public::Age(_))
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> std::result::Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        match &self.0 {
            Public::Age(recipient) => recipient.wrap_file_key(file_key),
            Public::Ssh(recipient) => recipient.wrap_file_key(file_key),
        }
    }
}

impl FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let refused = |what: &str| {
            Error::usage(format!("not a recipient: {what}")).hint(
                "A recipient is the `age1...` line that `terp-fixtures keys new` or `age-keygen -y` shows, or the line of an `ssh-ed25519` public key.",
            )
        };
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") || text.contains("PRIVATE KEY") {
            return Err(refused("this is a secret key, which nobody else may have"));
        }
        if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") {
            return SshRecipient::parse(text).map(|recipient| Self(Public::Ssh(recipient))).map_err(refused);
        }
        let recipient = x25519::Recipient::from_str(text).map_err(refused)?;
        if point(&recipient.to_string()).is_none_or(is_low_order) {
            return Err(refused("it is no public key, everybody could read what is encrypted to it"));
        }
        Ok(Self::of(recipient))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Public::Age(recipient) => recipient.fmt(f),
            Public::Ssh(recipient) => f.write_str(&recipient.text()),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::seal::SignerId;

    fn parse(text: &str) -> Result<Member> {
        Member::parse(&SecretText::new(text.into()))
    }

    #[test]
    fn a_file_gives_the_same_member_back() {
        let member = Member::generate();
        let file = member.to_file("alice\n2025-12-03").unwrap();
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
        let good = Member::generate().to_file("x").unwrap().expose().to_owned();
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
