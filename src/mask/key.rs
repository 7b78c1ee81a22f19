//! Keys of masks: one master key, from which a key per project, environment, domain and generation is derived, and the
//! pseudo-random function that decides every masked value. Keys are wiped when dropped and print `***`.

use super::canonical::{self, Form};
use crate::error::{Error, Result};
use crate::model::batch::Cell;
use crate::secret::{Secret32, SecretText};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use zeroize::Zeroize;

/// The key that all masking keys come from.
#[derive(Debug, Clone)]
pub struct MasterKey(Secret32);

impl MasterKey {
    /// Wraps key bytes.
    #[must_use]
    pub fn new(bytes: Secret32) -> Self {
        Self(bytes)
    }

    /// Reads 64 hex digits or the base64 of 32 bytes; space around them is ignored.
    ///
    /// # Errors
    /// Kind `Usage` for anything else. The message does not show the text.
    pub fn parse(text: &SecretText) -> Result<Self> {
        let text = text.expose().trim().as_bytes();
        let readings = [
            HEXLOWER_PERMISSIVE.decode(text),
            BASE64.decode(text),
            BASE64_NOPAD.decode(text),
            BASE64URL.decode(text),
            BASE64URL_NOPAD.decode(text),
        ];
        let mut key = None;
        for mut bytes in readings.into_iter().flatten() {
            if let Ok(found) = <[u8; 32]>::try_from(bytes.as_slice()) {
                key = Some(Self(Secret32::new(found)));
            }
            bytes.zeroize();
        }
        key.ok_or_else(|| {
            Error::usage("the masking key is neither 64 hex digits nor the base64 of 32 bytes")
                .hint("Run `terp-fixtures init` to make one, or take the output of `openssl rand -hex 32`.")
        })
    }

    /// A new random key.
    ///
    /// # Errors
    /// Kind `Internal` when the system has no randomness to give.
    pub fn generate() -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::internal("the system gave no randomness").caused_by(error.to_string()))?;
        let key = Self(Secret32::new(bytes));
        bytes.zeroize();
        Ok(key)
    }

    /// The key as 64 hex digits, to be written to the user's key file.
    #[must_use]
    pub fn to_text(&self) -> SecretText {
        SecretText::new(HEXLOWER.encode(self.0.expose()))
    }

    /// Names the key without telling it: 16 hex digits.
    #[must_use]
    pub fn key_id(&self) -> String {
        let digest = blake3::keyed_hash(self.0.expose(), b"terp-fixtures v1 key id");
        HEXLOWER.encode(&digest.as_bytes()[..8])
    }
}

/// What domain keys are derived from: the master key, the project, the environment and the generation.
#[derive(Debug, Clone)]
pub struct Keyring {
    master: MasterKey,
    project: String,
    environment: String,
    generation: u32,
}

impl Keyring {
    /// A ring for one project, environment and generation.
    #[must_use]
    pub fn new(master: &MasterKey, project: &str, environment: &str, generation: u32) -> Self {
        let (project, environment) = (project.to_owned(), environment.to_owned());
        Self { master: master.clone(), project, environment, generation }
    }

    /// The key of `domain`.
    #[must_use]
    pub fn domain(&self, domain: &str) -> DomainKey {
        DomainKey::derive(&self.master, &self.project, &self.environment, domain, self.generation)
    }

    /// Tells whether two captures were masked alike, without telling the key: 16 hex digits that project, environment and
    /// generation change too, unlike [`MasterKey::key_id`].
    #[must_use]
    pub fn check_value(&self) -> String {
        let draw = self.domain("terp-fixtures v1 check value").prf(Role::Token, &[]);
        HEXLOWER.encode(&draw.bytes()[..8])
    }
}

/// The key of one domain in one project, environment and generation.
#[derive(Debug, Clone)]
pub struct DomainKey(Secret32);

/// What a draw is for. Draws of one role on the same value agree, which makes first name, full name and email of one
/// subject fit each other; draws of different roles have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Names and emails.
    Person = 1,
    /// Addresses.
    Place = 2,
    /// Phone and identity numbers.
    Number = 3,
    /// Hashes and tokens.
    Token = 4,
    /// Free text.
    Prose = 5,
    /// Shifts of dates.
    Shift = 6,
    /// What tells spellings of one value apart.
    Spelling = 7,
    /// Rounds of a permutation.
    Round = 8,
    /// Companies.
    Company = 9,
    /// Choices from a list, shuffles.
    Choice = 10,
    /// Noise, factors and offsets.
    Noise = 11,
    /// The key of FF1.
    Cipher = 12,
}

impl DomainKey {
    /// Derives the key. Any difference in the parts gives an unrelated key.
    #[must_use]
    pub fn derive(master: &MasterKey, project: &str, environment: &str, domain: &str, generation: u32) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 mask");
        hasher.update(master.0.expose());
        for part in [project, environment, domain] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(&generation.to_le_bytes());
        Self(Secret32::new(*hasher.finalize().as_bytes()))
    }

    /// The pseudo-random function over length-prefixed parts.
    #[must_use]
    pub fn prf(&self, role: Role, parts: &[&[u8]]) -> Draw {
        let mut hasher = blake3::Hasher::new_keyed(self.0.expose());
        hasher.update(&[role as u8, 0, 2]);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Draw(*hasher.finalize().as_bytes())
    }

    /// Draws for a value in its canonical form, or for the subject where there is one that is not NULL. The end of
    /// `scratch` is used as a buffer and left as it was.
    pub(super) fn draw(&self, ask: &Ask<'_>, attempt: u8, scratch: &mut Vec<u8>) -> Draw {
        let start = scratch.len();
        ask.append(attempt, scratch);
        let digest = blake3::keyed_hash(self.0.expose(), &scratch[start..]);
        scratch.truncate(start);
        Draw(*digest.as_bytes())
    }

    /// As [`draw`](Self::draw), without an end.
    pub(super) fn stream(&self, ask: &Ask<'_>, attempt: u8, scratch: &mut Vec<u8>) -> blake3::OutputReader {
        let start = scratch.len();
        ask.append(attempt, scratch);
        let mut hasher = blake3::Hasher::new_keyed(self.0.expose());
        hasher.update(&scratch[start..]);
        scratch.truncate(start);
        hasher.finalize_xof()
    }
}

/// What a draw depends on.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    /// What it is for.
    pub(super) role: Role,
    /// How the value is made canonical.
    pub(super) form: Form,
    /// The original.
    pub(super) value: &'a [u8],
    /// The row's subject.
    pub(super) subject: Option<Cell<'a>>,
}

impl Ask<'_> {
    fn append(&self, attempt: u8, out: &mut Vec<u8>) {
        let subject = self.subject.filter(|subject| !subject.bytes.is_empty());
        out.extend_from_slice(&[self.role as u8, attempt, u8::from(subject.is_some())]);
        match subject {
            Some(subject) => out.extend_from_slice(subject.bytes),
            None => canonical::append(self.form, self.value, out),
        }
    }
}

/// 32 pseudo-random bytes.
#[derive(Clone, Copy)]
pub struct Draw([u8; 32]);

impl Draw {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64-bit word at `at`, 0 to 3.
    #[must_use]
    pub fn word(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.0[at * 8..at * 8 + 8]);
        u64::from_le_bytes(word)
    }

    /// An index below `length`, from the word at `at`.
    #[must_use]
    pub fn index(&self, at: usize, length: usize) -> usize {
        scale(self.word(at), length)
    }

    /// Decimal digits (as values) from the first 16 bytes: 38 of them.
    pub(super) fn digits(&self) -> impl Iterator<Item = u8> + use<> {
        // Nineteen digits fit 64 bits, where a division costs a tenth.
        const NINETEEN: u128 = 10_u128.pow(19);
        let all = (u128::from(self.word(0)) << 64) | u128::from(self.word(1));
        let halves = [all % NINETEEN, all / NINETEEN % NINETEEN].map(|half| u64::try_from(half).unwrap_or(0));
        halves.into_iter().flat_map(|mut rest| {
            (0..19).map(move |_| {
                let digit = (rest % 10).to_le_bytes()[0];
                rest /= 10;
                digit
            })
        })
    }
}

/// Maps a random word evenly to an index below `length`.
pub(super) fn scale(word: u64, length: usize) -> usize {
    usize::try_from((u128::from(word) * (length as u128)) >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<MasterKey> {
        MasterKey::parse(&SecretText::new(text.to_owned()))
    }

    #[test]
    fn hex_and_base64_are_read() {
        let hex = parse(&format!(" {}\n", "0A".repeat(32))).unwrap();
        let base64 = parse("CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=").unwrap();
        assert_eq!(hex.key_id(), base64.key_id());
        assert_eq!(hex.key_id().len(), 16);
        let again = MasterKey::parse(&hex.to_text()).unwrap();
        assert_eq!(again.key_id(), hex.key_id());
        assert_ne!(MasterKey::generate().unwrap().key_id(), hex.key_id());
    }

    #[test]
    fn anything_else_is_refused_unseen() {
        for wrong in ["", "hunter2hunter2", &"0".repeat(63), &"0".repeat(66)] {
            let error = parse(wrong).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage);
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn every_part_of_the_derivation_matters() {
        let master = MasterKey::new(Secret32::new([1; 32]));
        let other = MasterKey::new(Secret32::new([2; 32]));
        let keys = [
            DomainKey::derive(&master, "p", "dev", "d", 1),
            DomainKey::derive(&other, "p", "dev", "d", 1),
            DomainKey::derive(&master, "pd", "ev", "d", 1),
            DomainKey::derive(&master, "p", "staging", "d", 1),
            DomainKey::derive(&master, "p", "dev", "e", 1),
            DomainKey::derive(&master, "p", "dev", "d", 2),
        ];
        let mut words: Vec<u64> = keys.iter().map(|key| key.prf(Role::Token, &[b"x"]).word(0)).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), keys.len());
    }

    #[test]
    fn parts_do_not_run_together() {
        let key = DomainKey::derive(&MasterKey::new(Secret32::new([1; 32])), "p", "dev", "d", 1);
        assert_ne!(key.prf(Role::Token, &[b"a", b"b"]).word(0), key.prf(Role::Token, &[b"ab", b""]).word(0));
    }

    #[test]
    fn digits_are_those_of_the_first_sixteen_bytes() {
        let key = DomainKey::derive(&MasterKey::new(Secret32::new([1; 32])), "p", "dev", "d", 1);
        for value in 0..100_u8 {
            let draw = key.prf(Role::Number, &[&[value]]);
            let number = (u128::from(draw.word(0)) << 64) | u128::from(draw.word(1));
            let spelled: Vec<u8> = format!("{number:039}").bytes().rev().take(38).map(|digit| digit - b'0').collect();
            assert_eq!(draw.digits().collect::<Vec<_>>(), spelled);
        }
    }

    #[test]
    fn scaling_stays_below_the_length() {
        assert_eq!((scale(0, 10), scale(u64::MAX, 10), scale(u64::MAX, 1)), (0, 9, 0));
    }
}
