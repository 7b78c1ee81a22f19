//! The forms that a member's secret file may have: plain, under a passphrase as `age -p` writes it, or an SSH private key.

use super::member::Member;
use super::ssh_age::SshIdentity;
use super::{MAX_KEY, object};
use crate::error::{Error, Result};
use crate::secret::SecretText;
use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor};
use std::io::Read as _;
use zeroize::Zeroizing;

/// The work factor that secrets are written with, which takes about a second.
const WORK: u8 = 18;
/// The highest work factor that is read; the next would take more than eight GiB.
const MAX_WORK: u8 = 22;

const BINARY: &[u8] = b"age-encryption.org/v1\n";
const ARMORED: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const OPENSSH: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----";

impl Member {
    /// The member of a secret file of any form. The passphrase is asked for only where there is one.
    ///
    /// # Errors
    /// Kind `Usage` when the file is something else, or the passphrase is missing or wrong; whatever asking fails with.
    pub fn open(file: &[u8], passphrase: impl FnOnce() -> Result<Option<SecretText>>) -> Result<Self> {
        if file.len() as u64 > MAX_KEY {
            return Err(Error::usage("not an identity: it is too long for one"));
        }
        let start = file.trim_ascii_start();
        if start.starts_with(OPENSSH) {
            return SshIdentity::parse(&text(start)?, passphrase).map(Self::of_ssh);
        }
        if start.starts_with(BINARY) || start.starts_with(ARMORED) {
            let passphrase = passphrase()?.ok_or_else(no_passphrase)?;
            let plain = unlocked(start, &passphrase)?;
            return Self::parse(&SecretText::new(text(&plain)?.to_string()));
        }
        Self::parse(&SecretText::new(text(file)?.to_string()))
    }
}

/// An identity file under a passphrase, armored: what `age -p -a` would write.
///
/// # Errors
/// Kind `Usage` when the passphrase is empty.
pub fn lock_identity(file: &SecretText, passphrase: &SecretText) -> Result<SecretText> {
    if passphrase.expose().is_empty() {
        return Err(Error::usage("the passphrase is empty").hint("Choose one, or leave out --passphrase."));
    }
    let mut recipient = age::scrypt::Recipient::new(passphrase.expose().to_owned().into());
    recipient.set_work_factor(WORK);
    let armored = age::encrypt_and_armor(&recipient, file.expose().as_bytes());
    armored.map(SecretText::new).map_err(|error| Error::internal(format!("the identity cannot be encrypted: {error}")))
}

fn text(bytes: &[u8]) -> Result<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::usage("not an identity: it is not text"))?;
    Ok(Zeroizing::new(text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned()))
}

fn unlocked(file: &[u8], passphrase: &SecretText) -> Result<Zeroizing<Vec<u8>>> {
    let damaged = |what: &str| Error::usage(format!("the identity file is damaged: {what}"));
    let mut bytes = Vec::new();
    let read = ArmoredReader::new(file).take(MAX_KEY).read_to_end(&mut bytes);
    read.map_err(|error| damaged(&error.to_string()))?;
    if object::header_length(&bytes).is_none() {
        return Err(damaged("its header does not end where it should"));
    }
    let decryptor = Decryptor::new_buffered(bytes.as_slice()).map_err(|error| damaged(&error.to_string()))?;
    if !decryptor.is_scrypt() {
        return Err(Error::usage("the identity file is encrypted to a key, not under a passphrase")
            .hint("Decrypt it with age first, or make one with: terp-fixtures keys new --passphrase"));
    }
    let mut identity = age::scrypt::Identity::new(passphrase.expose().to_owned().into());
    identity.set_max_work_factor(MAX_WORK);
    let opened = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity));
    let mut reader = opened.map_err(|error| match error {
        DecryptError::ExcessiveWork { required, .. } => Error::usage(format!(
            "the identity file asks for a work factor of {required}, more than {MAX_WORK}"
        ))
        .hint("It would take hours and very much memory; nobody's age writes such files. Use another copy of it."),
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            wrong_passphrase()
        }
        other => damaged(&other.to_string()),
    })?;
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    reader.read_to_end(&mut plain).map_err(|error| damaged(&error.to_string()))?;
    Ok(plain)
}

pub(super) fn no_passphrase() -> Error {
    Error::usage("the identity needs its passphrase").hint(
        "Set TERP_FIXTURES_PASSPHRASE_FD to the number of an open file descriptor, or TERP_FIXTURES_PASSPHRASE; on a terminal you are asked.",
    )
}

pub(super) fn wrong_passphrase() -> Error {
    Error::usage("the passphrase does not open the identity").hint("Try again; nobody can recover a lost passphrase.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::ssh::testing::key;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    fn never() -> Result<Option<SecretText>> {
        panic!("nobody needs a passphrase")
    }

    #[test]
    fn every_form_gives_the_same_member() {
        let member = Member::generate();
        let file = member.to_file("me").unwrap();
        let locked = lock_identity(&file, &secret("correct horse")).unwrap();
        assert!(locked.expose().starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
        let mut binary = Vec::new();
        ArmoredReader::new(locked.expose().as_bytes()).read_to_end(&mut binary).unwrap();
        let give = || Ok(Some(secret("correct horse")));
        for (bytes, opened) in [
            (file.expose().as_bytes(), Member::open(file.expose().as_bytes(), never)),
            (locked.expose().as_bytes(), Member::open(locked.expose().as_bytes(), give)),
            (&binary, Member::open(&binary, give)),
        ] {
            assert_eq!(opened.unwrap().signer().id(), member.signer().id(), "{} bytes", bytes.len());
        }
        let windows = format!("\u{FEFF}{}", file.expose().replace('\n', "\r\n"));
        assert_eq!(Member::open(windows.as_bytes(), never).unwrap().recipient(), member.recipient());
        let wrong = Member::open(locked.expose().as_bytes(), || Ok(Some(secret("hunter2")))).unwrap_err();
        assert_eq!(wrong.what(), "the passphrase does not open the identity");
        assert!(Member::open(&binary, || Ok(None)).unwrap_err().what().contains("needs its passphrase"));
        assert!(lock_identity(&file, &secret("")).is_err());
    }

    #[test]
    fn ssh_keys_are_members_too() {
        let (private, public) = key(7);
        let member = Member::open(private.expose().as_bytes(), never).unwrap();
        assert!(public.starts_with(&member.recipient().to_string()));
        assert_eq!(public.parse::<crate::seal::Recipient>().unwrap(), member.recipient());
        assert!(member.to_file("x").is_none());
    }

    #[test]
    fn files_of_strangers_are_refused_before_they_cost_anything() {
        let started = std::time::Instant::now();
        let mut header = b"age-encryption.org/v1\n-> scrypt c2FsdHNhbHRzYWx0c2FsdA 40\n".to_vec();
        header.extend_from_slice(
            b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        );
        header.extend_from_slice(&[0; 40]);
        let give = || Ok(Some(secret("x")));
        let error = Member::open(&header, give).unwrap_err();
        assert!(error.what().contains("work factor of 40") || error.what().contains("damaged"), "{error}");
        for bytes in [&b"\xFF\xFE"[..], BINARY, ARMORED, OPENSSH, &vec![b'x'; 100_000]] {
            assert!(Member::open(bytes, give).is_err());
        }
        assert!(started.elapsed().as_secs() < 20);
    }
}
