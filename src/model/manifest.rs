//! The signed description of a snapshot: the commit point and the index of its rows. `docs/format.md` describes the JSON.

use super::approval::Approval;
use super::audit::Head;
use super::schema::{Catalogue, DatabaseIdentity, TableName};
use super::subset::Reference;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// How the rows were chosen; absent where every row was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<SubsetProof>,
    /// When the snapshot stops being restorable, UTC, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The newest entries of the store's audit trail when it was written; absent in snapshots of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Head>,
    /// The tags that it was captured with, sorted; a tag object, once there is one, says what they are now.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The stores that it was copied from, the first one first; absent where it was captured in this store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copied: Vec<Copied>,
    /// What the rows were saved from, in a backup before a rollback; absent in every other snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// How the rows were made up, where they were; absent in every other snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// Which files the rows were written in, where somebody wrote them by hand; absent in every other snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

impl Manifest {
    /// Whether its rows were read from no database, so that there is none that they came from.
    #[must_use]
    pub fn is_invented(&self) -> bool {
        self.generated.is_some() || self.imported.is_some()
    }

    /// Where its rows are from, in two or three words.
    #[must_use]
    pub fn origin(&self) -> &'static str {
        match (&self.generated, &self.imported, &self.backup) {
            (Some(_), ..) => "made up",
            (_, Some(_), _) => "written by hand",
            (.., Some(_)) => "saved before a rollback",
            _ => "captured",
        }
    }
}

/// How rows were made up. The profile's digest stands in the place of the policy's: [`Manifest::policy`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Generated {
    /// The profile's file without its folder; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The number that all randomness came from.
    pub seed: u64,
    /// `small`, `medium` or `large`.
    pub size: String,
    /// Numbers of rows that were asked for by table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rows: BTreeMap<String, u64>,
    /// `light`, `full`, `edge`, `chaos` or one of the profile's own; absent where none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// References that only the names of columns tell of, and that were followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inferred: Vec<String>,
    /// What was held against the rows beside the constraints of the database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invariants: Vec<InvariantResult>,
    /// Why tables got no rows, for those that got none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<EmptyTable>,
    /// What else there is to say, in words: names, never a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A promise of the profile, held against the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantResult {
    /// The promise in the profile's words.
    pub invariant: String,
    /// What kind of promise: `sum`, `states`, `derived`, ...
    pub kind: String,
    /// The table that it speaks of.
    pub table: TableName,
    /// Rows that it was held against.
    pub rows: u64,
    /// Rows that break it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: u64,
}

/// A table without rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyTable {
    /// The table.
    pub table: TableName,
    /// Why it has none.
    pub why: String,
}

/// Rows that were written by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Imported {
    /// The files, in the order of their tables.
    pub files: Vec<ImportedFile>,
    /// Why values that look like those of real people were accepted; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFile {
    /// Its name without the folder.
    pub file: String,
    /// The table that its rows are of.
    pub table: TableName,
    /// BLAKE3 of its bytes, 64 hex digits.
    pub digest: String,
}

/// What a backup was made for. Its rows are as they were in the source, so it is restored into its source only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The run that was about to be rolled back.
    pub run: String,
}

/// One copy on the way of a snapshot from store to store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The store that it was copied from, 32 hex digits.
    pub repo: String,
    /// Its id there, 32 hex digits.
    pub id: String,
    /// Who had signed it there.
    pub signer: String,
    /// When it was copied, UTC, RFC 3339.
    pub time: String,
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
    /// Digest of the lock's canonical text; absent where there was no lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// The canonical digest of policy and lock, which approvals sign; absent where there was no lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<String>,
    /// The approvals of that digest that were valid at the capture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
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
    /// Every reference that was held against the captured rows, foreign keys first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ClosedReference>,
    /// Keys left out because there were too many to hold, summed over the references.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sampled: u64,
}

/// One reference, held against the captured rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedReference {
    /// The reference.
    #[serde(flatten)]
    pub reference: Reference,
    /// Captured rows that reference something along it.
    pub rows: u64,
    /// Those whose parent is not in the snapshot, because it is not in the source either.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dangling: u64,
}

/// How the rows of a snapshot were chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct SubsetProof {
    /// `small`, `medium` or `large`, where a size was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Where it began: the policy's roots, and those that a size added.
    pub roots: Vec<RootProof>,
    /// Tables that were taken whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub whole: Vec<TableName>,
    /// Rows that each reference pulled in first, by index into [`ClosureResult::references`].
    pub edges: Vec<EdgeProof>,
}

/// A root of a subset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootProof {
    /// Its table.
    pub table: TableName,
    /// The policy's condition, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Rows that it chose, whether or not they were there already.
    pub rows: u64,
}

/// What one reference pulled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeProof {
    /// Index into [`ClosureResult::references`].
    pub reference: u32,
    /// Rows that came as children of one that was there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub children: u64,
    /// Rows that came as parents of one that was there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parents: u64,
}

/// Why a row is in a subset: two numbers, `why` and `step`. The first says what pulled it in, the second counts up, so that
/// whatever pulled a row in has a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Its table is taken whole.
    Whole,
    /// The root at this index chose it.
    Root(u16),
    /// It is a child of a row that was there, along the reference at this index.
    Child(u16),
    /// It is the parent of a row that was there, along the reference at this index.
    Parent(u16),
}

impl Why {
    /// The number in the rows of [`TableEntry::origins`].
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Whole => 0,
            Self::Root(at) => 1 + 3 * u32::from(at),
            Self::Child(at) => 2 + 3 * u32::from(at),
            Self::Parent(at) => 3 + 3 * u32::from(at),
        }
    }

    /// The reverse of [`code`](Self::code).
    #[must_use]
    pub fn of_code(code: u32) -> Option<Self> {
        let Some(code) = code.checked_sub(1) else {
            return Some(Self::Whole);
        };
        let at = u16::try_from(code / 3).ok()?;
        Some(match code % 3 {
            0 => Self::Root(at),
            1 => Self::Child(at),
            _ => Self::Parent(at),
        })
    }
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
    /// Why each row is there, in the order of the rows: chunks of two columns, [`Why::code`] and the step. Absent where all
    /// rows were taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<ChunkRef>,
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
