//! A mark of garbage collection as bytes: the packs that no snapshot named, and when that was seen.

use super::audit;
use super::manifest::is_utc_seconds;
use crate::error::{Error, Result};
use crate::model::manifest::PackRef;
use serde::{Deserialize, Serialize};

/// The only version of marks that this program writes: that of audit entries.
pub use crate::model::audit::VERSION;

/// What a tomb says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tomb {
    /// Version of these fields, 1.
    pub version: u32,
    /// The repository's id.
    pub repo: String,
    /// 16 random bytes in hex, so that two collections that find the same at once write two tombs.
    pub id: String,
    /// When, UTC, RFC 3339, whole seconds, by the writer's clock. Nothing depends on it: how old a tomb is says the store.
    pub time: String,
    /// The packs, ordered by name.
    pub packs: Vec<PackRef>,
}

/// A tomb's line, without a newline.
///
/// # Errors
/// Kind `Store` when its parts have another form.
pub fn encode(tomb: &Tomb) -> Result<Vec<u8>> {
    check(tomb)?;
    serde_json::to_vec(tomb).map_err(|error| Error::internal("a tomb cannot be written").caused_by(error))
}

/// Reads a tomb's line.
///
/// # Errors
/// Kind `Store` when it is not one, or one of a newer version.
pub fn decode(line: &[u8]) -> Result<Tomb> {
    let tomb: Tomb = audit::read(line, "a tomb")?;
    check(&tomb)?;
    Ok(tomb)
}

fn check(tomb: &Tomb) -> Result<()> {
    let is_hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let fits = tomb.version == VERSION
        && is_hex(&tomb.repo, 32)
        && is_hex(&tomb.id, 32)
        && is_utc_seconds(&tomb.time)
        && !tomb.packs.is_empty()
        && tomb.packs.iter().all(|pack| is_hex(&pack.name, 64))
        && tomb.packs.is_sorted_by(|one, next| one.name < next.name);
    if fits { Ok(()) } else { Err(Error::store("a tomb has another form than it should")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tomb() -> Tomb {
        let pack = |digit: &str, length| PackRef { name: digit.repeat(64), length };
        Tomb {
            version: 1,
            repo: "0".repeat(32),
            id: "1".repeat(32),
            time: "2025-12-03T10:15:00Z".into(),
            packs: vec![pack("a", 1), pack("b", 2)],
        }
    }

    /// Frozen: the line is a promise.
    #[test]
    fn a_tomb_is_one_line_in_a_fixed_order() {
        let line = encode(&tomb()).unwrap();
        let text = format!(
            "{{\"version\":1,\"repo\":\"{}\",\"id\":\"{}\",\"time\":\"2025-12-03T10:15:00Z\",\"packs\":[{{\"name\":\"{}\",\"length\":1}},{{\"name\":\"{}\",\"length\":2}}]}}",
            "0".repeat(32),
            "1".repeat(32),
            "a".repeat(64),
            "b".repeat(64)
        );
        assert_eq!(String::from_utf8(line.clone()).unwrap(), text);
        assert_eq!(decode(&line).unwrap(), tomb());
    }

    #[test]
    fn other_lines_are_refused() {
        let line = String::from_utf8(encode(&tomb()).unwrap()).unwrap();
        let with = |from: &str, to: &str| line.replacen(from, to, 1).into_bytes();
        let newer = decode(&with("\"version\":1", "\"version\":2")).unwrap_err();
        assert!(newer.what().contains("version 2"), "{newer}");
        for line in [
            b"{}".to_vec(),
            with("0000", "000g"),
            with("2025-12-03T", "2025-12-03 "),
            with("aaaa", "AAAA"),
            with(&"a".repeat(64), &"c".repeat(64)),
            with(&"b".repeat(64), &"a".repeat(64)),
            with("\"length\":1", "\"length\":-1"),
        ] {
            assert!(decode(&line).is_err(), "{}", String::from_utf8_lossy(&line));
        }
        let nothing = Tomb { packs: Vec::new(), ..tomb() };
        assert!(encode(&nothing).is_err());
    }
}
