//! Tag objects as compact JSON.

use super::manifest::is_utc_seconds;
use crate::error::{Error, Result};
use crate::model::tag::{MOST, REMEMBERED, TagSet, VERSION, is_tag};
use serde::Deserialize;

/// Writes a tag object's JSON.
///
/// # Errors
/// Kind `Store` when its parts do not have their forms.
pub fn encode(set: &TagSet) -> Result<Vec<u8>> {
    check(set)?;
    serde_json::to_vec(set).map_err(|error| Error::store("cannot write the tags").caused_by(error))
}

/// Reads a tag object's JSON.
///
/// # Errors
/// Kind `Store` when it is none, or one of a newer version.
pub fn decode(bytes: &[u8]) -> Result<TagSet> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let alien = |_| invalid();
    let Version { version } = serde_json::from_slice(bytes).map_err(alien)?;
    if version != VERSION {
        return Err(Error::store(format!("the tags have version {version}, this program reads {VERSION}"))
            .hint("Upgrade terp-fixtures."));
    }
    let set: TagSet = serde_json::from_slice(bytes).map_err(alien)?;
    check(&set)?;
    Ok(set)
}

fn check(set: &TagSet) -> Result<()> {
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut marks = set.tags.values().flatten().chain(&set.removed);
    let is_valid = hex(&set.repo, 32)
        && hex(&set.snapshot, 32)
        && is_utc_seconds(&set.created)
        && set.seq > 0
        && marks.all(|mark| hex(mark, 16))
        && set.tags.values().all(|marks| (1..=REMEMBERED).contains(&marks.len()))
        && set.removed.len() <= REMEMBERED;
    if is_valid { check_tags(set.tags.keys()) } else { Err(invalid()) }
}

/// Every tag has its form, and there are not too many.
pub(super) fn check_tags<'a>(tags: impl ExactSizeIterator<Item = &'a String>) -> Result<()> {
    let (count, mut tags) = (tags.len(), tags);
    if count > MOST || !tags.all(|tag| is_tag(tag)) {
        return Err(Error::store("the tags of a snapshot are not valid"));
    }
    Ok(())
}

fn invalid() -> Error {
    Error::store("an object of tags has another form than it should")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::golden;

    fn set() -> TagSet {
        TagSet {
            version: 1,
            repo: "0123456789abcdef".repeat(2),
            snapshot: "fedcba9876543210".repeat(2),
            seq: 2,
            created: "2025-12-03T10:15:00Z".into(),
            tags: ["keep", "v1.2"].map(|tag| (tag.to_owned(), ["0123456789abcdef".to_owned()].into())).into(),
            removed: vec!["fedcba9876543210".to_owned()],
        }
    }

    #[test]
    fn tags_come_back_and_their_json_is_frozen() {
        let bytes = encode(&set()).unwrap();
        assert_eq!(decode(&bytes).unwrap(), set());
        golden("tags.json", std::str::from_utf8(&bytes).unwrap());
    }

    #[test]
    fn lies_are_refused() {
        let with = |change: &dyn Fn(&mut TagSet)| {
            let mut set = set();
            change(&mut set);
            encode(&set).unwrap_err();
            decode(&serde_json::to_vec(&set).unwrap()).unwrap_err()
        };
        with(&|set| set.repo = "x".repeat(32));
        with(&|set| set.snapshot.clear());
        with(&|set| set.seq = 0);
        with(&|set| set.created = "2025-12-03".into());
        let marks = || std::collections::BTreeSet::from(["0".repeat(16)]);
        with(&|set| set.tags.extend([("a b".to_owned(), marks())]));
        with(&|set| set.tags.extend([("a".to_owned(), ["x".to_owned()].into())]));
        with(&|set| set.tags.extend([("a".to_owned(), [].into())]));
        with(&|set| set.tags.extend((0..=MOST).map(|at| (at.to_string(), marks()))));
        with(&|set| set.removed.push("x".to_owned()));
        with(&|set| set.removed = vec!["0".repeat(16); REMEMBERED + 1]);
        let newer = decode(br#"{"version":2}"#).unwrap_err();
        assert!(newer.hint_text().is_some_and(|hint| hint.contains("Upgrade")), "{newer}");
        for bytes in [&b""[..], b"{}", b"[]", b"\xFF"] {
            decode(bytes).unwrap_err();
        }
    }
}
