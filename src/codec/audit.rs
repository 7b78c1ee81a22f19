//! Audit entries as bytes: one line of compact JSON, and its hash. The line is what is hashed, signed and shown, so nothing is
//! ever put into a canonical form again.

use crate::error::{Error, Result};
use crate::model::audit::{Entry, Statement, VERSION};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An entry's line, without a newline.
///
/// # Errors
/// Kind `Internal` when it cannot be written as JSON.
pub fn encode(entry: &Entry) -> Result<Vec<u8>> {
    serde_json::to_vec(entry).map_err(|error| Error::internal("an audit entry cannot be written").caused_by(error))
}

/// Reads an entry's line.
///
/// # Errors
/// Kind `Store` when it is not one, or one of a newer version.
pub fn decode(line: &[u8]) -> Result<Entry> {
    let entry: Entry = read(line, "an audit entry")?;
    let mut sorted = entry.prev.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if entry.prev != sorted || line.contains(&b'\n') {
        return Err(Error::store("an audit entry has another form than it should"));
    }
    Ok(entry)
}

/// A head's statement.
///
/// # Errors
/// Kind `Internal` when it cannot be written as JSON.
pub fn encode_head(statement: &Statement) -> Result<Vec<u8>> {
    serde_json::to_vec(statement).map_err(|error| Error::internal("a head cannot be written").caused_by(error))
}

/// Reads a head's statement.
///
/// # Errors
/// Kind `Store` when it is not one, or one of a newer version.
pub fn decode_head(line: &[u8]) -> Result<Statement> {
    read(line, "the head of an audit trail")
}

/// Reads one line of JSON with a version.
pub(super) fn read<T: DeserializeOwned>(line: &[u8], what: &str) -> Result<T> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    // No cause is attached: the JSON reader quotes what it does not like.
    let alien = |_| Error::store(format!("this is not {what}"));
    let Version { version } = serde_json::from_slice(line).map_err(alien)?;
    if version != VERSION {
        return Err(Error::store(format!("{what} has version {version}, this program reads {VERSION}"))
            .hint("Upgrade terp-fixtures."));
    }
    serde_json::from_slice(line).map_err(alien)
}

/// What later entries call this one: BLAKE3 of the line, 64 hex digits.
#[must_use]
pub fn hash(line: &[u8]) -> String {
    blake3::hash(line).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::audit::{Actor, Deed, Operation};

    fn entry() -> Entry {
        Entry {
            version: 1,
            chain: "0".repeat(32),
            id: "1".repeat(32),
            seq: 2,
            prev: vec!["a".repeat(64), "b".repeat(64)],
            time: "2025-12-03T10:15:00Z".into(),
            who: Actor { signer: None, name: "line\nbreak \"quoted\" 🌿".into(), host: "h".into() },
            tool: "0.1.0".into(),
            what: Deed::new(Operation::Capture),
        }
    }

    /// Frozen: the line is a promise.
    #[test]
    fn an_entry_is_one_line_in_a_fixed_order() {
        let line = encode(&entry()).unwrap();
        let text = String::from_utf8(line.clone()).unwrap();
        assert_eq!(
            text,
            format!(
                "{{\"version\":1,\"chain\":\"{}\",\"id\":\"{}\",\"seq\":2,\"prev\":[\"{}\",\"{}\"],\"time\":\"2025-12-03T10:15:00Z\",\
                 \"who\":{{\"name\":\"line\\nbreak \\\"quoted\\\" 🌿\",\"host\":\"h\"}},\"tool\":\"0.1.0\",\
                 \"what\":{{\"operation\":\"capture\",\"outcome\":\"done\"}}}}",
                "0".repeat(32),
                "1".repeat(32),
                "a".repeat(64),
                "b".repeat(64)
            )
        );
        assert_eq!(decode(&line).unwrap(), entry());
        assert_eq!(hash(&line), blake3::hash(text.as_bytes()).to_hex().to_string());
    }

    #[test]
    fn other_lines_are_refused_without_quoting_them() {
        let mut newer = entry();
        newer.version = 2;
        assert!(decode(&encode(&newer).unwrap()).unwrap_err().what().contains("version 2"));
        let mut unsorted = entry();
        unsorted.prev.reverse();
        let twice = Entry { prev: vec!["a".repeat(64); 2], ..entry() };
        let unknown = String::from_utf8(encode(&entry()).unwrap()).unwrap().replace("capture", "hunter2");
        let pretty = serde_json::to_vec_pretty(&entry()).unwrap();
        for line in [
            &b""[..],
            b"{}",
            b"[1]",
            unknown.as_bytes(),
            &pretty,
            &encode(&unsorted).unwrap(),
            &encode(&twice).unwrap(),
        ] {
            let error = decode(line).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
