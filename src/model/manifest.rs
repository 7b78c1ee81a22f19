//! The signed description of a snapshot: the commit point and the index of its rows. `docs/format.md` describes the JSON.

use super::schema::{Catalogue, DatabaseIdentity, TableName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The only format version this program writes.
pub const FORMAT: u32 = 1;

/// Feature flags this program understands. A manifest with any other flag in `features` is refused.
pub const FEATURES: [&str; 1] = ["rows-copy-v1"];

/// A snapshot's manifest. See `docs/format.md` for every field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format version, 1.
    pub format: u32,
    /// Mandatory features; a reader that does not know one must refuse.
    pub features: Vec<String>,
    /// The repository this manifest belongs to, 32 hex digits.
    pub repo: String,
    /// The epoch whose keys seal packs and manifest.
    pub epoch: u32,
    /// The snapshot's name. Several snapshots may share one; the newest is meant.
    pub name: String,
    /// Counts the snapshots of this store: 1 + the highest seen.
    pub seq: u64,
    /// Id of the manifest with the highest `seq` when this one was written; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
    /// When it was written, UTC, RFC 3339, whole seconds.
    pub created: String,
    /// The tool's version.
    pub tool: String,
    /// `dev`, `staging` or `production`: whose masking rules applied.
    pub environment: String,
    /// The source database, so that a restore can refuse it.
    pub source: DatabaseIdentity,
    /// The captured catalogue.
    pub schema: Catalogue,
    /// Digests of what decided the masking.
    pub policy: PolicyProof,
    /// Results of the checks made on the real data.
    pub results: Results,
    /// The packs that `tables` refer to, by index.
    pub packs: Vec<PackRef>,
    /// One entry per captured table, ordered by name.
    pub tables: Vec<TableEntry>,
    /// When the snapshot stops being restorable, UTC, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// What decided the masking. Digests are BLAKE3, 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyProof {
    /// The policy file's name without its folder.
    pub file: String,
    /// Digest of the policy file's bytes.
    pub digest: String,
    /// Dictionary name to digest.
    pub dictionaries: BTreeMap<String, String>,
    /// Names the masking key without telling it: the first 16 hex digits of a keyed digest.
    pub key_id: String,
    /// The key's generation.
    pub generation: u32,
    /// Tells whether two snapshots were masked with the same key, project, environment and generation: 16 hex digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key_check: String,
    /// The version of every mask that was used, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masks: BTreeMap<String, u32>,
}

/// Checks made on the real data before the manifest was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Results {
    /// Foreign keys whose closure was proved, and rows checked.
    pub closure: ClosureResult,
    /// The residual-leak scan.
    pub leaks: LeakResult,
    /// Uniqueness of the masked rows.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub unique: UniqueResult,
}

/// The closure proof: every captured reference finds its captured parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ClosureResult {
    /// Foreign keys checked.
    pub foreign_keys: u64,
    /// References that point at nothing in the snapshot: constraint name to count. Only those that dangle in the source.
    pub dangling: BTreeMap<String, u64>,
}

/// The residual-leak scan: no original of a masked column survives anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct LeakResult {
    /// Columns whose originals were looked for.
    pub columns: u64,
    /// Originals looked for.
    pub originals: u64,
    /// Originals passed over, by reason (`short`, `dictionary`, `sampled`).
    pub skipped: BTreeMap<String, u64>,
    /// Written cells scanned.
    pub cells: u64,
    /// Originals found. Zero in every published snapshot.
    pub hits: u64,
    /// Made-up originals that went through the masks; none came out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub canaries: u64,
}

/// Unique constraints with masked columns, held against the masked rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct UniqueResult {
    /// Constraints checked.
    pub constraints: u64,
    /// Rows compared, summed over the constraints.
    pub rows: u64,
    /// Rows left out because there were too many to hold, summed over the constraints.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sampled: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_unset(unique: &UniqueResult) -> bool {
    *unique == UniqueResult::default()
}

/// A pack by name and length.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PackRef {
    /// BLAKE3 of the ciphertext, 64 hex digits.
    pub name: String,
    /// Length of the ciphertext in bytes.
    pub length: u64,
}

/// One table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// The table.
    pub table: TableName,
    /// `capture`, `reference` or `structure`.
    pub mode: String,
    /// The stored columns, in the order of the cells of a row.
    pub columns: Vec<String>,
    /// Masks by column; kept columns are `keep`.
    pub masks: BTreeMap<String, String>,
    /// Plain parameters of masks as text, by column and name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, BTreeMap<String, String>>,
    /// Columns whose mask applied under a condition only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditional: Vec<String>,
    /// Rows.
    pub rows: u64,
    /// Length of the COPY text of all rows in bytes.
    pub bytes: u64,
    /// BLAKE3 of the COPY text of all rows in order, 64 hex digits.
    pub digest: String,
    /// The chunks, in order.
    pub chunks: Vec<ChunkRef>,
}

/// One chunk: a zstd frame inside a pack's plaintext.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRef {
    /// Keyed BLAKE3 of the raw rows, 64 hex digits.
    pub id: String,
    /// Index into [`Manifest::packs`].
    pub pack: u32,
    /// Offset of the frame in the pack's plaintext.
    pub offset: u64,
    /// Length of the frame.
    pub length: u64,
    /// Length of the raw rows.
    pub raw: u64,
    /// Rows in the chunk.
    pub rows: u64,
}
