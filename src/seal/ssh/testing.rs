//! Keys for tests, the same for the same seed.

use super::{HashAlg, LineEnding, PrivateKey, SecretText, SshSig, SshSigner};
use ssh_key::private::{Ed25519Keypair, KeypairData};

/// The private key and the line of the public one.
pub(crate) fn key(seed: u8) -> (SecretText, String) {
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&[seed; 32]));
    let key = PrivateKey::new(pair, "test").unwrap();
    let text = key.to_openssh(LineEnding::LF).unwrap().to_string();
    (SecretText::new(text), key.public_key().to_openssh().unwrap())
}

pub(crate) fn signer(seed: u8) -> SshSigner {
    SshSigner::parse(&key(seed).0, || Ok(None)).unwrap()
}

/// A signature for another purpose.
pub(crate) fn signed_for(namespace: &str, seed: u8, message: &[u8]) -> String {
    let signed: SshSig = signer(seed).0.sign(namespace, HashAlg::Sha512, message).unwrap();
    signed.to_pem(LineEnding::LF).unwrap()
}
