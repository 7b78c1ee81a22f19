//! One age file: to one recipient, from one identity. Beside `identity`, the only place that calls the age crate's reader.

use crate::error::{Error, Result};
use crate::model::proof::ObjectName;
use age::{DecryptError, Decryptor};
use std::io::Read;

/// The age crate parses headers in quadratic time, so a longer one is refused before it is parsed. Ours are below 1 KiB.
const MAX_HEADER: usize = 16 << 10;

/// Encrypts to one recipient. Every call makes a new file key and nonce.
pub(super) fn encrypt(recipient: &impl age::Recipient, plaintext: &[u8]) -> Result<Vec<u8>> {
    age::encrypt(recipient, plaintext).map_err(|error| Error::store(format!("cannot encrypt: {error}")))
}

/// The length of an age file's header, up to the line that starts with `--- `. None where it does not begin in time, so that it must
/// not be parsed. Looks at the start of `bytes` only.
#[must_use]
pub fn header_length(bytes: &[u8]) -> Option<usize> {
    let start = &bytes[..bytes.len().min(MAX_HEADER)];
    start.windows(5).position(|window| window == b"\n--- ").map(|at| at + 1)
}

/// Whether bytes begin as an age file does: what can be said of one that is for somebody else.
pub(super) fn check_header(name: &ObjectName, bytes: &[u8]) -> Result<()> {
    measured(name, bytes).map(drop)
}

/// The reader of an age file whose header ends within what is parsed.
fn measured<'b>(name: &ObjectName, bytes: &'b [u8]) -> Result<Decryptor<&'b [u8]>> {
    if header_length(bytes).is_none() {
        return Err(damaged(name, "its header does not end where it should"));
    }
    Decryptor::new_buffered(bytes).map_err(|error| damaged(name, &error.to_string()))
}

fn damaged(name: &ObjectName, why: &str) -> Error {
    Error::store(format!("{name} is damaged or not an age file: {why}"))
}

/// Decrypts `bytes`, which lie in the store as `name` and must not be longer than `limit`.
pub(super) fn decrypt(identity: &dyn age::Identity, name: &ObjectName, bytes: &[u8], limit: u64) -> Result<Vec<u8>> {
    if bytes.len() as u64 > limit {
        return Err(Error::store(format!("{name} has {} bytes, more than the {limit} allowed", bytes.len())));
    }
    let decryptor = measured(name, bytes)?;
    let mut reader = decryptor.decrypt(std::iter::once(identity)).map_err(|error| match error {
        DecryptError::NoMatchingKeys => Error::store(format!("this identity cannot open {name}"))
            .hint("Use the identity of a member, or ask one to add yours with: terp-fixtures keys add <RECIPIENT>"),
        other => damaged(name, &other.to_string()),
    })?;
    // The plaintext is shorter than the file, so the file's length bounds it.
    let mut plaintext = Vec::with_capacity(bytes.len());
    reader.read_to_end(&mut plaintext).map_err(|error| damaged(name, &error.to_string()))?;
    Ok(plaintext)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use age::x25519::Identity;

    #[test]
    fn a_header_that_does_not_end_is_refused_before_it_is_parsed() {
        let mut bytes = b"age-encryption.org/v1\n".to_vec();
        for _ in 0..100_000 {
            bytes.extend_from_slice(b"-> X25519 AAAA\nAAAA\n");
        }
        bytes.extend_from_slice(b"--- AAAA\n");
        let started = std::time::Instant::now();
        let error = decrypt(&Identity::generate(), &ObjectName::hint(), &bytes, u64::MAX).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains("header"), "{error}");
        assert!(started.elapsed().as_secs() < 5, "the header was parsed");
    }

    #[test]
    fn a_stranger_is_told_what_to_do() {
        let bytes = encrypt(&Identity::generate().to_public(), b"x").unwrap();
        let error = decrypt(&Identity::generate(), &ObjectName::hint(), &bytes, 1000).unwrap_err();
        assert_eq!(error.what(), "this identity cannot open repo.json");
        assert!(error.hint_text().unwrap().contains("keys add"));
    }

    #[test]
    fn files_over_the_limit_are_refused() {
        let identity = Identity::generate();
        let bytes = encrypt(&identity.to_public(), &[0; 1000]).unwrap();
        assert!(decrypt(&identity, &ObjectName::hint(), &bytes, 1000).unwrap_err().what().contains("more than"));
    }
}
