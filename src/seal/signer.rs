//! Signing keys: of members, which manifests and key files are signed with, and of epochs, which cards are signed with.

use crate::error::{Error, Result};
use crate::secret::Secret32;
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use std::fmt;
use std::str::FromStr;

/// A signing key of a member or an epoch.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
}

impl Signer {
    /// The key with this seed.
    pub(super) fn of_seed(seed: &Secret32) -> Self {
        Self { key: SigningKey::from_bytes(seed.expose()) }
    }

    /// The public name of the key.
    #[must_use]
    pub fn id(&self) -> SignerId {
        SignerId(self.key.verifying_key().to_bytes())
    }

    /// A secret of the member's own for another purpose.
    pub(super) fn derived(&self, purpose: &str) -> Secret32 {
        Secret32::new(blake3::derive_key(purpose, self.key.as_bytes()))
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
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
