//! The `ssh-ed25519` stanza of age files, so that a member can use an SSH key and stock `age -i id_ed25519` opens what is encrypted
//! to it. Made here on the parts of the age format, because the age crate's own brings the rsa crate (RUSTSEC-2023-0071).

use super::signer::Signer;
use crate::error::{Error, Result};
use crate::secret::{Secret32, SecretText};
use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::{aead_decrypt, aead_encrypt, hkdf};
use age_core::secrecy::ExposeSecret;
use data_encoding::BASE64_NOPAD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use ssh_key::{PrivateKey, PublicKey};
use std::collections::HashSet;
use zeroize::Zeroizing;

const STANZA: &str = "ssh-ed25519";
const LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";

/// The most rounds of bcrypt that a private key's passphrase may cost; ssh-keygen writes 16 or 24, and each takes milliseconds.
const MAX_ROUNDS: u32 = 1024;

/// An Ed25519 public key that files can be encrypted to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct SshRecipient {
    /// The key as SSH writes it on the wire, which the stanza is bound to.
    wire: Vec<u8>,
    /// The same point on Curve25519.
    point: [u8; 32],
}

impl SshRecipient {
    fn of(key: &VerifyingKey) -> Self {
        let part = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes(), bytes].concat();
        let wire = [part(STANZA.as_bytes()), part(key.as_bytes())].concat();
        Self { wire, point: key.to_montgomery().to_bytes() }
    }

    /// Reads `ssh-ed25519 AAAA... comment`.
    pub(super) fn parse(text: &str) -> std::result::Result<Self, &'static str> {
        let key = PublicKey::from_openssh(text).map_err(|_| "it is not a public key in OpenSSH's format")?;
        let key = key.key_data().ed25519().ok_or("of SSH keys only ssh-ed25519 can be encrypted to")?;
        match VerifyingKey::from_bytes(&key.0) {
            Ok(key) if !key.is_weak() => Ok(Self::of(&key)),
            _ => Err("it is no public key, everybody could read what is encrypted to it"),
        }
    }

    /// `ssh-ed25519 AAAA...` without a comment.
    pub(super) fn text(&self) -> String {
        format!("{STANZA} {}", data_encoding::BASE64.encode(&self.wire))
    }

    fn tag(&self) -> String {
        BASE64_NOPAD.encode(&Sha256::digest(&self.wire)[..4])
    }

    /// The key that wraps the file key, from the first agreement between the ephemeral key and the recipient's.
    fn wrapping_key(&self, ephemeral: &[u8; 32], agreed: [u8; 32]) -> Zeroizing<[u8; 32]> {
        let tweak = hkdf(&self.wire, LABEL, &[]);
        let shared = Zeroizing::new(x25519_dalek::x25519(tweak, agreed));
        Zeroizing::new(hkdf(&[ephemeral.as_slice(), &self.point].concat(), LABEL, &*shared))
    }
}

impl age::Recipient for SshRecipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> std::result::Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|error| EncryptError::Io(std::io::Error::other(error.to_string())))?;
        let ephemeral = x25519_dalek::x25519(*secret, x25519_dalek::X25519_BASEPOINT_BYTES);
        let key = self.wrapping_key(&ephemeral, x25519_dalek::x25519(*secret, self.point));
        let stanza = Stanza {
            tag: STANZA.to_owned(),
            args: vec![self.tag(), BASE64_NOPAD.encode(&ephemeral)],
            body: aead_encrypt(&key, file_key.expose_secret()),
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

/// An Ed25519 private key that files can be decrypted with.
#[derive(Clone)]
pub(super) struct SshIdentity {
    seed: Secret32,
    recipient: SshRecipient,
}

impl SshIdentity {
    /// Reads a private key in OpenSSH's format. The passphrase is asked for only where the key is encrypted.
    pub(super) fn parse(text: &str, passphrase: impl FnOnce() -> Result<Option<SecretText>>) -> Result<Self> {
        let refused = |what: &str| {
            Error::usage(format!("not an identity: {what}"))
                .hint("Of SSH keys only Ed25519 ones can be used: 'ssh-keygen -t ed25519' makes one.")
        };
        let key = PrivateKey::from_openssh(text)
            .map_err(|_| refused("it is not a private key in OpenSSH's format that can be read"))?;
        if key.public_key().key_data().ed25519().is_none() {
            return Err(refused(&format!("it is an SSH key of type {}", key.algorithm().as_str())));
        }
        let key = if key.is_encrypted() { opened(&key, passphrase)? } else { key };
        let pair = key.key_data().ed25519().ok_or_else(|| refused("it has no Ed25519 key"))?;
        let seed = Secret32::new(pair.private.to_bytes());
        let public = SigningKey::from_bytes(seed.expose()).verifying_key();
        if public.as_bytes() != &pair.public.0 {
            return Err(refused("its private and public key do not belong together"));
        }
        Ok(Self { seed, recipient: SshRecipient::of(&public) })
    }

    pub(super) fn recipient(&self) -> SshRecipient {
        self.recipient.clone()
    }

    /// The member's signing key: not the SSH key itself, so that a signature made elsewhere with it never counts here.
    pub(super) fn signer(&self) -> Signer {
        let seed = blake3::derive_key("terp-fixtures v1 manifest signing, ssh-ed25519", self.seed.expose());
        Signer::of_seed(&Secret32::new(seed))
    }

    fn unwrap(&self, stanza: &Stanza, ephemeral: [u8; 32]) -> std::result::Result<FileKey, DecryptError> {
        let scalar = Zeroizing::new(SigningKey::from_bytes(self.seed.expose()).to_scalar_bytes());
        let key = self.recipient.wrapping_key(&ephemeral, x25519_dalek::x25519(*scalar, ephemeral));
        let plain = Zeroizing::new(aead_decrypt(&key, FILE_KEY_BYTES, &stanza.body)?);
        Ok(FileKey::init_with_mut(|file_key| file_key.copy_from_slice(&plain)))
    }
}

impl age::Identity for SshIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<std::result::Result<FileKey, DecryptError>> {
        let [tag, ephemeral] = stanza.args.as_slice() else { return None };
        if stanza.tag != STANZA || *tag != self.recipient.tag() {
            return None;
        }
        let ephemeral = BASE64_NOPAD.decode(ephemeral.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        Some(ephemeral.map_or(Err(DecryptError::InvalidHeader), |ephemeral| self.unwrap(stanza, ephemeral)))
    }
}

fn opened(key: &PrivateKey, passphrase: impl FnOnce() -> Result<Option<SecretText>>) -> Result<PrivateKey> {
    if let ssh_key::Kdf::Bcrypt { rounds, .. } = key.kdf()
        && *rounds > MAX_ROUNDS
    {
        return Err(Error::usage(format!(
            "the private key asks for {rounds} rounds of bcrypt, more than {MAX_ROUNDS}"
        ))
        .hint("Write it anew with fewer: ssh-keygen -p -a 64 -f FILE"));
    }
    let passphrase = passphrase()?.ok_or_else(super::identity::no_passphrase)?;
    key.decrypt(passphrase.expose()).map_err(|_| super::identity::wrong_passphrase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::object;
    use crate::seal::ssh::testing::key;

    fn identity(number: u8) -> SshIdentity {
        SshIdentity::parse(key(number).0.expose(), || Ok(None)).unwrap()
    }

    #[test]
    fn what_is_encrypted_to_a_key_opens_with_it_and_with_no_other() {
        let (mine, other) = (identity(1), identity(2));
        assert_eq!(SshRecipient::parse(&format!("{} me@laptop", mine.recipient().text())).unwrap().text(), {
            key(1).1.split(' ').take(2).collect::<Vec<_>>().join(" ")
        });
        let name = crate::model::proof::ObjectName::hint();
        let bytes = object::encrypt(&mine.recipient(), b"secret").unwrap();
        assert_eq!(object::decrypt(&mine, &name, &bytes, 1 << 20).unwrap(), b"secret");
        assert!(object::decrypt(&other, &name, &bytes, 1 << 20).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(object::decrypt(&mine, &name, &bytes, 1 << 20).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        let zero = format!(
            "ssh-ed25519 {}",
            data_encoding::BASE64.encode(&[&b"\0\0\0\x0bssh-ed25519\0\0\0\x20\x01"[..], &[0; 31],].concat())
        );
        assert!(SshRecipient::parse(&zero).err().unwrap().contains("everybody"));
        for text in ["ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==", "", "ssh-ed25519"] {
            assert!(SshRecipient::parse(text).is_err(), "{text}");
        }
        assert!(SshIdentity::parse("-----BEGIN OPENSSH PRIVATE KEY-----\n", || Ok(None)).is_err());
    }

    #[test]
    fn the_signing_key_is_not_the_ssh_key() {
        let identity = identity(1);
        let public = SigningKey::from_bytes(identity.seed.expose()).verifying_key();
        assert_ne!(identity.signer().id().hex(), data_encoding::HEXLOWER.encode(public.as_bytes()));
    }
}
