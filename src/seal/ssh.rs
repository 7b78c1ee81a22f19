//! SSH keys and the signatures that `ssh-keygen -Y sign` makes (PROTOCOL.sshsig): what approvals are signed with. RSA keys are
//! refused: the only library for them leaks the private key through its timing.

use crate::error::{Error, Result};
use crate::secret::SecretText;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

/// What every approval's signature is for: one that was made for another purpose does not count.
pub const NAMESPACE: &str = "terp-fixtures-approval@v1";

/// The longest signature that is read.
const MAX_SIGNATURE: usize = 16 << 10;

/// A private key that can sign.
#[derive(Debug)]
pub struct SshSigner(PrivateKey);

impl SshSigner {
    /// Reads a private key in OpenSSH's format. The passphrase is asked for only where the key is encrypted.
    ///
    /// # Errors
    /// Kind `Usage` for another format, a key that needs a passphrase and got none or a wrong one, a key on a token, and RSA;
    /// whatever asking fails with.
    pub fn parse(text: &SecretText, passphrase: impl FnOnce() -> Result<Option<SecretText>>) -> Result<Self> {
        let key = PrivateKey::from_openssh(text.expose()).map_err(|_| {
            Error::usage("this is not a private key in OpenSSH's format")
                .hint("Name the private key, for example ~/.ssh/id_ed25519; 'ssh-keygen -t ed25519' makes one.")
        })?;
        refuse_kind(&key.algorithm())?;
        if !key.is_encrypted() {
            return Ok(Self(key));
        }
        let Some(passphrase) = passphrase()? else {
            return Err(Error::usage("the private key needs its passphrase").hint(
                "Set TERP_FIXTURES_SSH_PASSPHRASE or TERP_FIXTURES_SSH_PASSPHRASE_FD; or sign with ssh-keygen and its agent: add --prepare.",
            ));
        };
        let opened = key.decrypt(passphrase.expose());
        opened.map(Self).map_err(|_| Error::usage("the passphrase does not open the private key"))
    }

    /// The key's fingerprint, as OpenSSH prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The public key, as it stands in a file of allowed signers.
    #[must_use]
    pub fn public_line(&self) -> String {
        let line = self.0.public_key().to_openssh().unwrap_or_default();
        line.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// Signs a message, as `ssh-keygen -Y sign` does.
    ///
    /// # Errors
    /// Kind `Internal` when the key cannot.
    pub fn sign(&self, message: &[u8]) -> Result<String> {
        let signed =
            self.0.sign(NAMESPACE, HashAlg::Sha512, message).and_then(|signature| signature.to_pem(LineEnding::LF));
        signed.map_err(|_| Error::internal("the private key could not sign"))
    }
}

fn refuse_kind(algorithm: &Algorithm) -> Result<()> {
    match algorithm {
        Algorithm::Ed25519 => Ok(()),
        Algorithm::Ecdsa { curve } if curve.to_string() != "nistp521" => Ok(()),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            Err(Error::usage("the private key is on a security token, which only ssh-keygen can ask")
                .hint("Add --prepare; it prints the ssh-keygen command that signs."))
        }
        other => Err(Error::usage(format!("keys of type {} cannot sign an approval", other.as_str()))
            .hint("Use an Ed25519 key: 'ssh-keygen -t ed25519' makes one.")),
    }
}

/// The fingerprint of a public key as it stands in a file: `ssh-ed25519 AAAA...`. None where it is none whose signatures are read.
#[must_use]
pub fn public_fingerprint(text: &str) -> Option<String> {
    let key = PublicKey::from_openssh(text).ok()?;
    let readable = match key.algorithm() {
        Algorithm::Ecdsa { curve } => curve.to_string() != "nistp521",
        algorithm => {
            matches!(algorithm, Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256)
        }
    };
    readable.then(|| key.fingerprint(HashAlg::Sha256).to_string())
}

/// Checks that a signature is one of this message for approvals. The fingerprint of the key that made it; who that is, is not
/// known here. None where it is not.
#[must_use]
pub fn verify(message: &[u8], signature: &str) -> Option<String> {
    if signature.len() > MAX_SIGNATURE {
        return None;
    }
    // Stock tools end lines as the system does.
    let text = signature.replace("\r\n", "\n");
    let signature = SshSig::from_pem(text.trim()).ok()?;
    let key = PublicKey::from(signature.public_key().clone());
    key.verify(NAMESPACE, message, &signature).ok()?;
    // What is not signed (the version) and what base64 leaves open must be as this program would write it.
    let canonical =
        signature.version() == SshSig::VERSION && signature.to_pem(LineEnding::LF).ok()?.trim() == text.trim();
    if !canonical {
        return None;
    }
    Some(key.fingerprint(HashAlg::Sha256).to_string())
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::{key, signed_for, signer};
    use super::*;

    #[test]
    fn what_is_signed_is_verified_and_nothing_else() {
        let signer = signer(1);
        let signature = signer.sign(b"approved").unwrap();
        assert_eq!(verify(b"approved", &signature), Some(signer.fingerprint()));
        assert_eq!(public_fingerprint(&key(1).1), Some(signer.fingerprint()));
        assert_ne!(public_fingerprint(&key(2).1), Some(signer.fingerprint()));
        assert_eq!(verify(b"approveD", &signature), None);
        assert_eq!(verify(b"approved", &signature.replace('\n', "\r\n")), Some(signer.fingerprint()));
        assert_eq!(verify(b"approved", &signed_for("git", 1, b"approved")), None);
    }

    #[test]
    fn no_edit_of_a_signature_passes() {
        let signature = signer(1).sign(b"approved").unwrap();
        let body = signature.find('\n').unwrap() + 1..signature.rfind("-----END").unwrap() - 1;
        for at in body.filter(|at| signature.as_bytes()[*at].is_ascii_alphanumeric()) {
            let with = if signature.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mut edited = signature.clone();
            edited.replace_range(at..=at, with);
            assert_eq!(verify(b"approved", &edited), None, "byte {at}");
        }
        assert_eq!(verify(b"approved", ""), None);
        assert_eq!(verify(b"approved", &"A".repeat(1 << 20)), None);
    }

    #[test]
    fn what_is_no_key_says_so() {
        let error = SshSigner::parse(&SecretText::new("nothing".to_owned()), || Ok(None)).unwrap_err();
        assert_eq!(error.what(), "this is not a private key in OpenSSH's format");
        assert_eq!(public_fingerprint("ssh-ed25519 AAAA"), None);
    }
}
