//! The types that say what has been done to data. Each has a private door, `vouch`, that only the part of the program
//! named in its comment uses; a test reads the sources and holds every other part to that.
//!
//! | type | says | made by |
//! |---|---|---|
//! | [`Invented`] | rows that were read from no database: made up, or written by hand | `generate`; `run/import` |
//! | [`Masked`] | every cell passed the decision of its column, or was never anybody's | `mask`; `codec` when decoding a snapshot; `translate` of such rows |
//! | [`Encoded`] | the COPY text of masked rows | `codec` |
//! | [`Packed`] | zstd frames of encoded chunks, the plaintext of a pack | `codec`; `seal` when opening |
//! | [`Sealed`] | bytes that may leave: encrypted, or the plain hint | `seal`; `store` when fetching |
//! | [`Checked`] | rows that fit the live table | `check` |

use super::batch::Batch;
use std::fmt;
use std::sync::Arc;

/// Rows that were read from no database, so that there is nothing in them to mask: made up, or written by hand and looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invented(Batch);

impl Invented {
    /// Vouches that the rows were read from no database. For `generate` and `run/import` only.
    pub(crate) fn vouch(batch: Batch) -> Self {
        Self(batch)
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Batch {
        &self.0
    }

    /// Gives the rows on.
    pub(crate) fn into_batch(self) -> Batch {
        self.0
    }
}

/// Rows whose every cell passed the mask (or the explicit keep) of its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked(Batch);

impl Masked {
    /// Vouches that the rows are masked. For `mask`, `codec` and `translate` only.
    pub(crate) fn vouch(batch: Batch) -> Self {
        Self(batch)
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Batch {
        &self.0
    }

    /// Gives the rows on, to be checked.
    pub(crate) fn into_batch(self) -> Batch {
        self.0
    }
}

/// Masked rows of one table as COPY text: whole lines, each ended by a newline.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    bytes: Vec<u8>,
    row_ends: Vec<u32>,
    cut_hashes: Vec<u64>,
}

impl Encoded {
    /// Vouches for COPY text. `row_ends` are the offsets behind each newline; `cut_hashes` one per row, or empty when
    /// the rows will not be cut again. For `codec` only.
    pub(crate) fn vouch(bytes: Vec<u8>, row_ends: Vec<u32>, cut_hashes: Vec<u64>) -> Self {
        Self { bytes, row_ends, cut_hashes }
    }

    /// The COPY text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The offset behind each row.
    #[must_use]
    pub fn row_ends(&self) -> &[u32] {
        &self.row_ends
    }

    /// One keyed hash per row, which decides where chunks are cut.
    #[must_use]
    pub fn cut_hashes(&self) -> &[u64] {
        &self.cut_hashes
    }
}

/// Shows the shape only.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded[{} rows, {} bytes]", self.row_ends.len(), self.bytes.len())
    }
}

/// The plaintext of a pack: concatenated zstd frames of encoded rows, padding included.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed(Vec<u8>);

impl Packed {
    /// Vouches that the bytes are frames of encoded rows. For `codec`, and for `seal` when opening a pack.
    pub(crate) fn vouch(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The frames.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the length only.
impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed[{} bytes]", self.0.len())
    }
}

/// The folder of the store that an object belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `repo.json`: a plain hint (format and repository id).
    Hint,
    /// `keys/<epoch>/<32 hex>.age`: the epoch's keys for one member.
    Key,
    /// `packs/<2 hex>/<64 hex>.age`: rows.
    Pack,
    /// `snapshots/<UTC>-<32 hex>.age`: a signed manifest.
    Snapshot,
    /// `tombs/<UTC>-<32 hex>.age`: a signed mark of garbage collection.
    Tomb,
    /// `audit/<10 digits>-<64 hex>.age`: a signed entry of the audit trail.
    Audit,
    /// `members/<epoch>/<32 hex>.age`: who a member is, signed; the id is that of the member's keys.
    Card,
    /// `tags/<UTC>-<32 hex>.age`: the tags of a snapshot, signed.
    Tag,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Hint, Self::Key, Self::Pack, Self::Snapshot, Self::Tomb, Self::Audit, Self::Card, Self::Tag];

    /// The folder below the store's root; none for the hint, which lies in the root itself.
    #[must_use]
    pub fn folder(self) -> Option<&'static str> {
        match self {
            Self::Hint => None,
            Self::Key => Some("keys"),
            Self::Pack => Some("packs"),
            Self::Snapshot => Some("snapshots"),
            Self::Tomb => Some("tombs"),
            Self::Audit => Some("audit"),
            Self::Card => Some("members"),
            Self::Tag => Some("tags"),
        }
    }

    /// Whether objects lie in folders of that folder: one per epoch, or per two first digits.
    #[must_use]
    pub fn has_subfolders(self) -> bool {
        matches!(self, Self::Key | Self::Pack | Self::Card)
    }
}

/// The name of an object in a store: one of eight strict shapes, so that a listing can never become a path elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    kind: ObjectKind,
    path: String,
}

impl ObjectName {
    /// The hint's name.
    #[must_use]
    pub fn hint() -> Self {
        Self { kind: ObjectKind::Hint, path: "repo.json".into() }
    }

    /// A name of `kind` from its path below the store's root, if it has exactly the shape of that kind.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let epoch = |text: &str| {
            (1..=9).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
        };
        let dated = |name: &str| {
            let Some((time, id)) = name.split_once('-') else {
                return false;
            };
            let shape: Vec<u8> = time.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b }).collect();
            shape == b"00000000T000000Z" && hex(id, 32)
        };
        let parts: Vec<&str> = path.split('/').collect();
        let stem = parts.last()?.strip_suffix(".age");
        let kind = match (parts.as_slice(), stem) {
            (["repo.json"], None) => ObjectKind::Hint,
            (["keys", number, _], Some(stem)) if epoch(number) && hex(stem, 32) => ObjectKind::Key,
            (["members", number, _], Some(stem)) if epoch(number) && hex(stem, 32) => ObjectKind::Card,
            (["packs", folder, _], Some(stem)) if hex(folder, 2) && hex(stem, 64) && stem.starts_with(folder) => {
                ObjectKind::Pack
            }
            (["snapshots", _], Some(stem)) if dated(stem) => ObjectKind::Snapshot,
            (["tombs", _], Some(stem)) if dated(stem) => ObjectKind::Tomb,
            (["tags", _], Some(stem)) if dated(stem) => ObjectKind::Tag,
            (["audit", _], Some(stem))
                if stem.split_once('-').is_some_and(|(seq, hash)| {
                    seq.len() == 10 && seq.bytes().all(|b| b.is_ascii_digit()) && hex(hash, 64)
                }) =>
            {
                ObjectKind::Audit
            }
            _ => return None,
        };
        Some(Self { kind, path: path.to_owned() })
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// The path below the store's root, with `/` between parts.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last part without `.age`: a digest for packs, `<UTC>-<id>` for snapshots.
    #[must_use]
    pub fn stem(&self) -> &str {
        let last = self.path.rsplit('/').next().unwrap_or(&self.path);
        last.strip_suffix(".age").unwrap_or(last)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// An object as it lies in a store.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    name: ObjectName,
    bytes: Arc<[u8]>,
}

impl Sealed {
    /// Vouches that the bytes may leave the process. For `seal`, and for `store` on objects it fetched.
    pub(crate) fn vouch(name: ObjectName, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name, bytes: bytes.into() }
    }

    /// Where the object lies.
    #[must_use]
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// The object.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Shows name and length only.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed[{}, {} bytes]", self.name, self.bytes.len())
    }
}

/// Rows that were checked against the live table they go into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked(Batch);

impl Checked {
    /// Vouches that the rows fit the live table. For `check` only.
    pub(crate) fn vouch(batch: Batch) -> Self {
        Self(batch)
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Batch {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strict_names_are_names() {
        let hex64 = "ab".repeat(32);
        let hex32 = "0f".repeat(16);
        let good = [
            ("repo.json".to_owned(), ObjectKind::Hint),
            (format!("keys/1/{hex32}.age"), ObjectKind::Key),
            (format!("packs/ab/{hex64}.age"), ObjectKind::Pack),
            (format!("snapshots/20251203T101500Z-{hex32}.age"), ObjectKind::Snapshot),
            (format!("tombs/20251203T101500Z-{hex32}.age"), ObjectKind::Tomb),
            (format!("audit/0000000007-{hex64}.age"), ObjectKind::Audit),
            (format!("members/12/{hex32}.age"), ObjectKind::Card),
            (format!("tags/20251203T101500Z-{hex32}.age"), ObjectKind::Tag),
        ];
        for (path, kind) in good {
            assert_eq!(ObjectName::parse(&path).map(|name| name.kind()), Some(kind), "{path}");
        }
        let bad = [
            String::new(),
            "../repo.json".into(),
            "/repo.json".into(),
            "repo.json/".into(),
            format!("keys/0/{hex32}.age"),
            format!("keys/../{hex32}.age"),
            format!("members/0/{hex32}.age"),
            format!("members/1234567890/{hex32}.age"),
            format!("tags/{hex32}.age"),
            format!("packs/ac/{hex64}.age"),
            format!("packs/ab/{}.age", hex64.to_uppercase()),
            format!("packs/ab/{hex64}"),
            format!("snapshots/2025-12-03-{hex32}.age"),
            format!("snapshots/20251203T101500Z-{hex32}.age/x"),
            format!("audit/7-{hex64}.age"),
            format!("audit/0000000007-{hex32}.age"),
            format!("audit/000000000x-{hex64}.age"),
        ];
        for path in bad {
            assert_eq!(ObjectName::parse(&path), None, "{path}");
        }
    }
}
