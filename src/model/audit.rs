//! One line of an audit trail: who did what, when and where, with digests and counts. No field has room for a cell's value.
//! `docs/format.md` describes the JSON; the order of the fields here is their order there.

use super::approval::Approval;
use super::schema::DatabaseIdentity;
use crate::error::{Error, Kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The only version of entries that this program writes.
pub const VERSION: u32 = 1;

/// An entry: a deed, and its place in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of these fields, 1.
    pub version: u32,
    /// The chain that the entry belongs to: the repository's id, or the id of a target's own chain; 32 hex digits.
    pub chain: String,
    /// 16 random bytes in hex, so that nobody can confirm a guess of the entry by its hash.
    pub id: String,
    /// 1 + the highest `seq` among `prev`.
    pub seq: u64,
    /// Hashes of the newest entries that the writer saw, sorted; empty in the first entry.
    pub prev: Vec<String>,
    /// When, UTC, RFC 3339, whole seconds, by the writer's clock.
    pub time: String,
    /// Who.
    pub who: Actor,
    /// The tool's version.
    pub tool: String,
    /// What.
    pub what: Deed,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Actor {
    /// The member's public signing key, which the signature of a store's entry proves; absent where no store was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The name that the user or the host gave; nothing proves it.
    pub name: String,
    /// The machine, as it calls itself.
    pub host: String,
}

/// What can be in a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A store was made, with its first member.
    KeysInit,
    /// A member was added.
    KeysAdd,
    /// A member was removed.
    KeysRemove,
    /// New keys for the same members.
    KeysRotate,
    /// A snapshot was captured.
    Capture,
    /// A snapshot was made up.
    Generate,
    /// A snapshot was made of files that were written by hand.
    Import,
    /// A policy was approved.
    Approve,
    /// A snapshot was restored.
    Restore,
    /// A run was taken out of a target.
    Rollback,
    /// A snapshot was removed because it had expired.
    Expire,
    /// A snapshot was removed on demand.
    Delete,
    /// Packs that no snapshot needs were marked or deleted.
    #[serde(rename = "gc")]
    Collect,
    /// The tags of a snapshot were changed.
    Tag,
    /// A snapshot came from another store.
    Copy,
    /// The rows of a snapshot were written into plain files.
    Export,
    /// A database was declared to be of an environment.
    Declare,
    /// That declaration was taken away.
    Undeclare,
}

impl Operation {
    /// Those that bring a snapshot into a store.
    pub const THAT_PUBLISH: [Self; 4] = [Self::Capture, Self::Generate, Self::Import, Self::Copy];
    /// Every operation, for help texts, filters and tests.
    pub const ALL: [Self; 18] = [
        Self::KeysInit,
        Self::KeysAdd,
        Self::KeysRemove,
        Self::KeysRotate,
        Self::Capture,
        Self::Generate,
        Self::Import,
        Self::Approve,
        Self::Restore,
        Self::Rollback,
        Self::Expire,
        Self::Delete,
        Self::Collect,
        Self::Tag,
        Self::Copy,
        Self::Export,
        Self::Declare,
        Self::Undeclare,
    ];

    /// Its word in entries and filters.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::KeysInit => "keys-init",
            Self::KeysAdd => "keys-add",
            Self::KeysRemove => "keys-remove",
            Self::KeysRotate => "keys-rotate",
            Self::Capture => "capture",
            Self::Generate => "generate",
            Self::Import => "import",
            Self::Approve => "approve",
            Self::Restore => "restore",
            Self::Rollback => "rollback",
            Self::Expire => "expire",
            Self::Delete => "delete",
            Self::Collect => "gc",
            Self::Tag => "tag",
            Self::Copy => "copy",
            Self::Export => "export",
            Self::Declare => "declare",
            Self::Undeclare => "undeclare",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As asked.
    Done,
    /// A policy, a guard, drift or a rollback's own rules said no. Nothing was changed.
    Refused,
    /// Something broke.
    Failed,
}

impl Outcome {
    /// Every outcome, for filters and tests.
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    /// Its word in entries and filters.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What was done or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Which operation.
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// The word of the exit code of a refusal or failure: `guard`, `policy`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The first line of a refusal's or failure's message, which names rules and places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `dev`, `staging` or `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The source of a capture, or the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// The snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Named>,
    /// The run that was put in or taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Earlier runs that a restore replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<String>,
    /// Digests by what they are of: `policy`, `lock`, `reviewed`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, String>,
    /// The approvals that held, or the one that was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// When the snapshot expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Whose key was added or removed: a recipient or a signer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Tags that were given or taken away: `added`, `removed`, words with a blank between.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Sums by what they count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Counts per table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableCounts>,
    /// Where the target's own chain stood afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Anchor>,
}

impl Deed {
    /// An operation that was done, with nothing said about it yet.
    #[must_use]
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            outcome: Outcome::Done,
            kind: None,
            reason: None,
            environment: None,
            database: None,
            snapshot: None,
            run: None,
            replaced: Vec::new(),
            digests: BTreeMap::new(),
            approvals: Vec::new(),
            expires: None,
            key: None,
            tags: BTreeMap::new(),
            counts: BTreeMap::new(),
            tables: Vec::new(),
            target: None,
        }
    }

    /// The same deed, stopped by `error`.
    #[must_use]
    pub fn stopped_by(self, error: &Error) -> Self {
        const LONGEST: usize = 200;
        let outcome = match error.kind() {
            Kind::Policy | Kind::Guard | Kind::Drift | Kind::Rollback => Outcome::Refused,
            _ => Outcome::Failed,
        };
        let line = error.what().lines().next().unwrap_or_default();
        let reason = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
        Self { outcome, kind: Some(error.kind().word().to_owned()), reason: Some(reason), ..self }
    }
}

/// A database, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its address as it was given, without passwords.
    pub address: String,
    /// Digests of facts that tell it apart; absent where it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<DatabaseIdentity>,
}

/// A snapshot's name and full id. The id is a digest of the signed manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name, or what the user asked for where there was none.
    pub name: String,
    /// 32 hex digits; absent where there is no such snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Counts of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCounts {
    /// The table.
    pub table: String,
    /// Rows by what was done with them: `captured`, `inserted`, `deleted`, ...
    pub counts: BTreeMap<String, u64>,
}

/// The newest entry of a target's own chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The chain's id.
    pub chain: String,
    /// The entry's `seq`.
    pub seq: u64,
    /// The entry's hash.
    pub hash: String,
    /// Whether the chain left the target with its last run.
    pub closed: bool,
}

/// The newest entries of a trail: who knows them can tell later whether any was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// The highest `seq`; 0 in an empty trail.
    pub seq: u64,
    /// Hashes of the entries that no other one follows, sorted.
    pub heads: Vec<String>,
}

/// What `audit head` signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Version of these fields, 1.
    pub version: u32,
    /// The repository's id.
    pub repo: String,
    /// When, UTC.
    pub time: String,
    /// How many entries there were.
    pub entries: u64,
    /// The newest of them.
    pub head: Head,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json() {
        for operation in Operation::ALL {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.word());
        }
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
        }
    }

    #[test]
    fn an_error_becomes_a_refusal_or_a_failure() {
        for kind in Kind::ALL {
            let error = Error::new(kind, format!("first\u{7} {}\nsecond", "x".repeat(300))).hint("Do.");
            let deed = Deed::new(Operation::Restore).stopped_by(&error);
            let refused = matches!(kind, Kind::Policy | Kind::Guard | Kind::Drift | Kind::Rollback);
            assert_eq!(deed.outcome == Outcome::Refused, refused, "{kind:?}");
            assert_eq!(deed.kind.as_deref(), Some(kind.word()));
            let reason = deed.reason.unwrap();
            assert!(reason.starts_with("first  x") && reason.chars().count() == 200, "{reason}");
        }
    }
}
