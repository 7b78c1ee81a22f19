//! What an approver signs: a short text that names a policy and its lock by their digests. It is read strictly: a text that
//! this program would not write itself is none.

use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use sha2::Digest as _;
use std::borrow::Cow;

/// What the first line says.
const HEAD: &str = "terp-fixtures approval v1";

/// What is in front of the digests, so that they are digests of nothing else.
const DOMAIN: &str = "terp-fixtures policy and lock v1";

/// The text that digests are of: without a byte order mark, lines ended by LF alone. Nothing else is normalised.
#[must_use]
pub fn canonical(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

/// BLAKE3 of a text's canonical form, 64 hex digits.
#[must_use]
pub fn digest(text: &str) -> String {
    blake3::hash(canonical(text).as_bytes()).to_hex().to_string()
}

/// The digest that approvals sign, of the digests of the policy and of the lock: BLAKE3 of a domain and both, each with its
/// length as eight bytes, little end first. It is made of digests, so that a manifest proves it without the texts.
#[must_use]
pub fn reviewed(policy: &str, lock: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [DOMAIN, policy, lock] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// SHA-256 of a text's canonical form, 64 hex digits: what `sha256sum` says of a file with LF.
#[must_use]
pub fn sha256(text: &str) -> String {
    let digest = sha2::Sha256::digest(canonical(text).as_bytes());
    digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The statement of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The policy's file name, without its folder.
    pub policy: String,
    /// The digest of policy and lock, [`reviewed`].
    pub digest: String,
    /// SHA-256 of the policy.
    pub policy_sha256: String,
    /// SHA-256 of the lock.
    pub lock_sha256: String,
    /// Who approves: a principal of the file of approvers.
    pub approver: String,
    /// In which role.
    pub role: String,
    /// When, UTC, RFC 3339, whole seconds.
    pub approved: String,
    /// Until when.
    pub expires: String,
}

impl Statement {
    /// The statement about two texts.
    #[must_use]
    pub fn about(policy: (&str, &str), lock: &str, who: (&str, &str), when: (&str, &str)) -> Self {
        Self {
            policy: policy.0.to_owned(),
            digest: reviewed(&digest(policy.1), &digest(lock)),
            policy_sha256: sha256(policy.1),
            lock_sha256: sha256(lock),
            approver: who.0.to_owned(),
            role: who.1.to_owned(),
            approved: when.0.to_owned(),
            expires: when.1.to_owned(),
        }
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.lines().into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{HEAD}\n{}", lines.concat())
    }

    fn lines(&self) -> [(&'static str, &str); 8] {
        [
            ("policy", &self.policy),
            ("digest", &self.digest),
            ("sha256 of the policy", &self.policy_sha256),
            ("sha256 of the lock", &self.lock_sha256),
            ("approver", &self.approver),
            ("role", &self.role),
            ("approved", &self.approved),
            ("expires", &self.expires),
        ]
    }

    /// Reads a statement; none where the text is not exactly one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.next().filter(|line| *line == HEAD)?;
        let mut value = |name: &str| Some(lines.next()?.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
        let statement = Self {
            policy: value("policy")?,
            digest: value("digest")?,
            policy_sha256: value("sha256 of the policy")?,
            lock_sha256: value("sha256 of the lock")?,
            approver: value("approver")?,
            role: value("role")?,
            approved: value("approved")?,
            expires: value("expires")?,
        };
        (statement.text() == text && statement.check().is_ok()).then_some(statement)
    }

    /// Refuses what would not come back, or would look like something else.
    ///
    /// # Errors
    /// Kind `Usage`.
    pub fn check(&self) -> Result<()> {
        let plain = |text: &str| !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
        let hex =
            |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let word = |text: &str| {
            !text.is_empty()
                && text.len() <= 40
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !plain(&self.approver) || self.approver.len() > 200 || self.approver.contains([',', '"', '*', '?', '!', ' '])
        {
            return Err(Error::usage(
                "the approver is one principal of the file of approvers, such as an email address",
            ));
        }
        if !word(&self.role) {
            return Err(Error::usage("a role has 1 to 40 lower-case letters, digits or '-', for example security"));
        }
        if !plain(&self.policy) || !hex(&self.digest) || !hex(&self.policy_sha256) || !hex(&self.lock_sha256) {
            return Err(
                Error::usage("the name of the policy's file cannot stand in a statement").hint("Rename the file.")
            );
        }
        match (instant(&self.approved), instant(&self.expires)) {
            (Some(approved), Some(expires)) if approved < expires => Ok(()),
            _ => Err(Error::usage("an approval ends after it begins, both in UTC and whole seconds")),
        }
    }

    /// Whole days from approval to expiry, begun ones counted.
    #[must_use]
    pub fn days(&self) -> i64 {
        let between = instant(&self.approved).zip(instant(&self.expires));
        between.map_or(i64::MAX, |(from, to)| (to.duration_since(from).as_secs() + 86_399) / 86_400)
    }

    /// Whether it was made by `now`, clocks a few minutes apart allowed.
    #[must_use]
    pub fn has_begun(&self, now: &str) -> bool {
        let skew = SignedDuration::from_mins(5);
        instant(&self.approved).zip(instant(now)).is_some_and(|(approved, now)| approved.duration_since(now) <= skew)
    }

    /// Whether it has ended by `now`.
    #[must_use]
    pub fn has_expired(&self, now: &str) -> bool {
        self.expires.as_str() <= now
    }

    /// The file that holds it, in the folder of its version: no letter of it can lead elsewhere.
    #[must_use]
    pub fn file_name(&self) -> String {
        let safe = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
        let name: String = self.approver.chars().map(|c| if safe(c) { c } else { '_' }).collect();
        // Two approvers must not share a file because their names were made safe.
        let told = if name == self.approver { String::new() } else { format!("-{}", &digest(&self.approver)[..8]) };
        format!("{}-{name}{told}.approval", self.role)
    }
}

/// A time as this program writes it, UTC and whole seconds. As texts such times have their order.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn statement() -> Statement {
        let when = ("2026-11-26T10:00:00Z", "2027-05-25T10:00:00Z");
        Statement::about(("pii.toml", "version = 1\n"), "version = 1\n", ("maria@example.org", "security"), when)
    }

    #[test]
    fn a_statement_comes_back_and_no_other_text_is_one() {
        let text = statement().text();
        assert_eq!(Statement::parse(&text), Some(statement()));
        let odd = [
            text.replace('\n', "\r\n"),
            format!("{text}\n"),
            text.trim_end().to_owned(),
            text.replace("v1", "v2"),
            text.replace("role: ", "role:  "),
            text.replace("10:00:00Z", "10:00:00+00:00"),
            text.replace("2027", "2025"),
            text.replace("maria", "maria,jo"),
            text.replace("security", "Security/../x"),
        ];
        for odd in odd {
            assert_eq!(Statement::parse(&odd), None, "{odd}");
        }
        assert_eq!((statement().days(), statement().has_begun("2026-11-26T09:56:00Z")), (180, true));
        assert!(!statement().has_begun("2026-11-26T09:00:00Z"));
        assert!(statement().has_expired("2027-05-25T10:00:00Z") && !statement().has_expired("2027-05-25T09:59:59Z"));
    }

    #[test]
    fn file_names_stay_in_their_folder() {
        let named = |approver: &str| Statement { approver: approver.to_owned(), ..statement() }.file_name();
        assert_eq!(named("maria@example.org"), "security-maria@example.org.approval");
        assert!(!named("../../x").contains('/'));
        assert_ne!(named("a/b"), named("a_b"));
    }

    #[test]
    fn line_ends_and_byte_order_marks_do_not_count() {
        assert_eq!(digest("\u{feff}a\r\nb\r\n"), digest("a\nb\n"));
        assert_eq!(sha256("a\r\n"), sha256("a\n"));
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    /// The bytes that are hashed, kept for ever.
    #[test]
    fn the_digest_is_the_documented_one() {
        let (policy, lock) = (digest("p\n"), digest("l\n"));
        let mut bytes = Vec::new();
        for part in ["terp-fixtures policy and lock v1", &policy, &lock] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        assert_eq!(reviewed(&policy, &lock), blake3::hash(&bytes).to_hex().to_string());
        assert_ne!(reviewed(&policy, &lock), reviewed(&lock, &policy));
    }

    proptest! {
        #[test]
        fn any_edit_of_a_byte_is_another_digest(text in "[ -~\n]{1,80}", at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
            let at = at.index(text.len());
            let mut edited = text.clone().into_bytes();
            edited[at] = byte;
            let edited = String::from_utf8(edited).unwrap();
            prop_assume!(edited != text);
            let lock = "version = 1\n";
            prop_assert_ne!(reviewed(&digest(&text), &digest(lock)), reviewed(&digest(&edited), &digest(lock)));
            prop_assert_ne!(reviewed(&digest(lock), &digest(&text)), reviewed(&digest(lock), &digest(&edited)));
            prop_assert_ne!(sha256(&text), sha256(&edited));
        }
    }
}
