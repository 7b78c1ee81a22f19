//! Tags: words that users give to snapshots, so that they are kept and found by them. They may change; manifests never do.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The only version of tag objects that this program writes.
pub const VERSION: u32 = 1;

/// What a tag object says of a snapshot's tags, as far as its writer knew. `docs/format.md` describes the JSON.
///
/// Every time that a tag is given it gets a mark of its own, and what is taken away are marks. So the objects of several writers, who
/// did not know of each other, hold together: a tag is there if one of them has it under a mark that none of them took away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSet {
    /// Version of these fields, 1.
    pub version: u32,
    /// The repository, 32 hex digits.
    pub repo: String,
    /// The snapshot's full id, 32 hex digits.
    pub snapshot: String,
    /// 1 + the highest number among the snapshot's tag objects that the writer saw.
    pub seq: u64,
    /// When it was written, UTC, RFC 3339, whole seconds.
    pub created: String,
    /// The tags, each with its marks, 16 hex digits.
    pub tags: BTreeMap<String, BTreeSet<String>>,
    /// Marks that were taken away, the last ones last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// How far behind the highest number an object may be and still hold: one that somebody brings back from long ago does not.
pub const WINDOW: u64 = 16;

/// So many marks that were taken away are remembered: far more than writers who do not know of each other can take.
pub const REMEMBERED: usize = 256;

/// The most tags that a snapshot may have.
pub const MOST: usize = 100;

/// Whether a text can be a tag: up to 64 letters, digits, `.`, `_` and `-`, a letter or digit first. So no tag looks like
/// `name@id`, an option or a path.
#[must_use]
pub fn is_tag(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&text.len())
        && text.bytes().all(inner)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_plain_words() {
        for good in ["v1", "release-2025.12", "A", "9_x", &"a".repeat(64)] {
            assert!(is_tag(good), "{good}");
        }
        for bad in ["", "-x", ".x", "a b", "a@b", "a/b", "ä", "a\n", "*", &"a".repeat(65)] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
