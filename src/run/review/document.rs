//! The review as plain data: everything that any rendering says. It is serialised as it is for `--format json`; `docs/review.md`
//! describes it. Names are as the database spells them; nothing here has room for a cell.

use crate::model::approval::Approval;
use crate::model::manifest::{LeakResult, UniqueResult};
use crate::model::tier::Tier;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a review calls itself, so that it can be told from other files.
pub const TITLE: &str = "terp-fixtures policy review";

/// Something of each environment, by the environment's name.
pub type ByEnvironment<T> = BTreeMap<&'static str, T>;

/// The whole review.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// [`TITLE`].
    pub document: &'static str,
    /// The version of this shape, 1.
    pub version: u32,
    /// What was reviewed, and how it stands.
    pub head: Head,
    /// What happens to how many columns, by environment.
    pub summary: Vec<Summary>,
    /// What people have to answer, and what they have answered.
    pub questions: Vec<Question>,
    /// What deserves a look, worst first.
    pub flags: Vec<Flag>,
    /// What changed since an older version; absent where none was given.
    pub changes: Option<Changes>,
    /// Every table with its columns.
    pub tables: Vec<TableView>,
    /// Every mask that is used, and in which environment how often.
    pub masks: Vec<MaskUse>,
    /// How many tables each environment takes how.
    pub modes: Vec<ModeUse>,
    /// What is there to show for rules and laws.
    pub evidence: Vec<Framework>,
    /// The snapshots that were made, by version of the policy.
    pub history: History,
    /// Where the audit trail of the store stands.
    pub audit: AuditView,
    /// What this review cannot say.
    pub limits: Vec<String>,
}

impl Document {
    /// Why there is nothing to compare with, for where [`Document::changes`] is absent.
    #[must_use]
    pub fn without_changes(&self) -> &'static str {
        match self.head.status.approval {
            "approved" => "This is the approved version: nothing changed since.",
            _ => "No version before this one is known as approved, and --since names none.",
        }
    }
}

/// What was reviewed.
#[derive(Debug, Clone, Serialize)]
pub struct Head {
    /// The project's name in the policy.
    pub project: String,
    /// The policy file's name.
    pub policy: String,
    /// BLAKE3 of the policy file.
    pub policy_digest: String,
    /// Digest of the lock's text, where there is one.
    pub lock_digest: Option<String>,
    /// What approvals sign: the canonical digest of policy and lock, where there is a lock.
    pub reviewed_digest: Option<String>,
    /// The fingerprint of tables, columns, types and keys, as a lock of this catalogue would have it; absent where two tables
    /// would have one name in it.
    pub schema_digest: Option<String>,
    /// Whether the lock was written about just this schema, where there is a lock.
    pub schema_is_locked: Option<bool>,
    /// Where the catalogue came from, without secrets.
    pub source: String,
    /// The database product and its version.
    pub engine: String,
    /// When, UTC.
    pub generated: String,
    /// By which version of the program.
    pub tool: String,
    /// Tables.
    pub tables: usize,
    /// Columns.
    pub columns: usize,
    /// How the policy stands.
    pub status: Status,
}

impl Head {
    /// Whether the lock is about the schema, behind its digest.
    #[must_use]
    pub fn of_locked_schema(&self) -> &'static str {
        match self.schema_is_locked {
            Some(true) => ", as the lock has it",
            Some(false) => ", other than in the lock",
            None => "",
        }
    }
}

/// How a policy stands.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// `approved`, `not enough`, `void`, `expired` or `not approved`.
    pub approval: &'static str,
    /// The same in sentences.
    pub text: String,
    /// The valid approvals of just this version.
    pub approvals: Vec<Approval>,
    /// The last version that was approved, where this one is not.
    pub last_approved: Option<LastApproved>,
    /// What each environment asks for; empty where nothing could be judged.
    pub environments: Vec<Required>,
    /// Questions without an answer.
    pub open_questions: usize,
    /// Columns that some environment would take and nobody has decided on.
    pub undecided_columns: usize,
    /// Flags that stop a capture.
    pub errors: usize,
    /// Flags that stop nothing and deserve a look.
    pub warnings: usize,
}

/// A version that was approved.
#[derive(Debug, Clone, Serialize)]
pub struct LastApproved {
    /// Its digest, which was signed.
    pub digest: String,
    /// Its approvals.
    pub approvals: Vec<Approval>,
    /// Whether they have not expired.
    pub holds: bool,
    /// Whether everything that changed since lets less through, or is only words.
    pub only_stronger: bool,
}

/// What one environment asks of approvals.
#[derive(Debug, Clone, Serialize)]
pub struct Required {
    /// `dev`, `staging` or `production`.
    pub environment: &'static str,
    /// Whether its captures refuse without.
    pub required: bool,
    /// What is missing, where something is.
    pub lacking: Option<String>,
}

/// What becomes of a column's data in one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its rows are to be taken, and nobody has decided.
    Undecided,
    /// It looks personal and is copied as it is, at least in some rows.
    AtRisk,
    /// It is masked so that a part or a relation of the original is left.
    Partly,
    /// It is pseudonymised or removed.
    Protected,
    /// It does not look personal and is copied as it is.
    NotPersonal,
    /// No row of it is taken.
    NotIncluded,
}

impl Outcome {
    /// Every outcome, the one to look at first before the others.
    pub const ALL: [Self; 6] =
        [Self::Undecided, Self::AtRisk, Self::Partly, Self::Protected, Self::NotPersonal, Self::NotIncluded];

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::AtRisk => "at risk",
            Self::Partly => "partly protected",
            Self::Protected => "protected",
            Self::NotPersonal => "not personal",
            Self::NotIncluded => "not included",
        }
    }

    /// What the words mean.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Undecided => "rows are to be taken and nobody has decided; a capture refuses",
            Self::AtRisk => "looks personal and is copied as it is, at least in some rows",
            Self::Partly => "masked so that a part or a relation of the original is left",
            Self::Protected => "pseudonymised under a secret key, or removed",
            Self::NotPersonal => "does not look personal, and is copied as it is",
            Self::NotIncluded => "no rows are taken, or the database computes it",
        }
    }

    /// One letter, for the rows of a page.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Undecided => 'u',
            Self::AtRisk => 'r',
            Self::Partly => 'y',
            Self::Protected => 'p',
            Self::NotPersonal => 'n',
            Self::NotIncluded => 'x',
        }
    }
}

/// One environment in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// `dev`, `staging` or `production`.
    pub environment: &'static str,
    /// Columns by outcome; every outcome is there.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// The same by tier; every tier is there.
    pub tiers: Vec<TierCount>,
    /// Why a capture for this environment would be refused now, where it would.
    pub refusal: Option<String>,
}

/// One tier in one environment.
#[derive(Debug, Clone, Serialize)]
pub struct TierCount {
    /// The tier.
    pub tier: Tier,
    /// In words.
    pub words: &'static str,
    /// Columns of that tier.
    pub columns: usize,
    /// Those by outcome; only what there is.
    pub outcomes: BTreeMap<Outcome, usize>,
}

/// A question to people.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    /// What kind of question: `decision`, `flag` or `knowledge`.
    pub kind: &'static str,
    /// The topic.
    pub topic: String,
    /// The question.
    pub question: String,
    /// What it is about, one entry each: a column with what it seems to hold.
    pub items: Vec<String>,
    /// Where the answer goes.
    pub answer_in: String,
    /// The answer that the policy gives.
    pub answer: Option<String>,
    /// Lines to check and to paste into the policy, where something can be proposed.
    pub paste: Option<String>,
}

/// Something that deserves a look.
#[derive(Debug, Clone, Serialize)]
pub struct Flag {
    /// The rule that found it.
    pub rule: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The table it is about.
    pub table: Option<String>,
    /// The column it is about.
    pub column: Option<String>,
    /// The file that it is about, by its name, where that is not the policy.
    pub file: Option<String>,
    /// The line of the policy, or of that file.
    pub line: Option<usize>,
    /// What it is.
    pub what: String,
    /// What can be done.
    pub hint: Option<String>,
    /// Lines to check and to paste into the policy.
    pub paste: Option<String>,
    /// Where the column is in [`Document::tables`].
    #[serde(skip)]
    pub at: Option<(usize, usize)>,
}

/// What changed since an older version.
#[derive(Debug, Clone, Serialize)]
pub struct Changes {
    /// The older version, by its file's name.
    pub since: String,
    /// Who approved it, where it was found among the approvals.
    pub about: Option<String>,
    /// Its digest.
    pub digest: String,
    /// Changes, those that let more through first.
    pub changes: Vec<ChangeView>,
}

/// One changed decision.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeView {
    /// `weaker`, `changed` or `stronger`.
    pub direction: &'static str,
    /// What it is about.
    pub subject: String,
    /// The environments it holds in.
    pub environments: Vec<&'static str>,
    /// What the older version says.
    pub before: Option<String>,
    /// What this one says.
    pub after: Option<String>,
    /// The line, in the newer file where it says something.
    pub line: usize,
}

/// A table.
#[derive(Debug, Clone, Serialize)]
pub struct TableView {
    /// Its name.
    pub name: String,
    /// The line of the policy that speaks of it.
    pub line: Option<usize>,
    /// Why, as the policy says.
    pub reason: Option<String>,
    /// What each environment takes of it; none where nobody has decided.
    pub modes: ByEnvironment<Option<&'static str>>,
    /// Its columns.
    pub columns: Vec<ColumnView>,
}

/// A column.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnView {
    /// Its name.
    pub name: String,
    /// Its type as the database spells it, without labels.
    pub declared: String,
    /// Keys it is part of: `primary key`, `unique`.
    pub keys: Vec<&'static str>,
    /// What it refers to.
    pub refers_to: Option<String>,
    /// Whether the database computes it.
    pub generated: bool,
    /// What tier it seems to be of.
    pub tier: Tier,
    /// What kind of thing it seems to hold.
    pub kind: &'static str,
    /// How sure that is, of 100.
    pub confidence: u8,
    /// What that comes from.
    pub guessed_from: String,
    /// What becomes of it.
    pub outcomes: ByEnvironment<Outcome>,
    /// The decisions, each with the environments it holds in.
    pub decisions: Vec<DecisionView>,
    /// What the lock says of the decision.
    pub decided: Option<Decided>,
    /// Indexes into [`Document::flags`].
    pub flags: Vec<usize>,
    /// How it changed since the older version: `weaker`, `changed` or `stronger`.
    pub change: Option<&'static str>,
}

/// What some environments do to a column.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionView {
    /// Those environments.
    pub environments: Vec<&'static str>,
    /// The mask.
    pub mask: &'static str,
    /// Its parameters; tables of values are only counted.
    pub params: BTreeMap<&'static str, String>,
    /// The domain, where the policy names one.
    pub domain: Option<String>,
    /// What keys it instead of the value.
    pub subject: Option<String>,
    /// The condition under which it holds.
    pub when: Option<String>,
    /// What happens otherwise.
    pub otherwise: Option<String>,
    /// `kept`, `partial`, `pseudonym` or `removed`.
    pub strength: &'static str,
    /// What is left of the original, in words.
    pub left: &'static str,
    /// Where the decision comes from.
    pub origin: &'static str,
    /// The line of the policy.
    pub line: Option<usize>,
    /// Why, as the policy says.
    pub reason: Option<String>,
    /// What it does to a made-up original.
    pub sample: Option<Sample>,
}

/// A made-up original and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The made-up original.
    pub before: String,
    /// Under a public key.
    pub after: String,
}

/// What the lock says of a column's decision.
#[derive(Debug, Clone, Serialize)]
pub struct Decided {
    /// By whom.
    pub by: String,
    /// When.
    pub on: String,
    /// Until when.
    pub until: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A mask in use.
#[derive(Debug, Clone, Serialize)]
pub struct MaskUse {
    /// Its name.
    pub mask: &'static str,
    /// One sentence about it.
    pub about: &'static str,
    /// What is left of an original at most, over all its uses.
    pub left: &'static str,
    /// `kept`, `partial`, `pseudonym` or `removed`.
    pub strength: &'static str,
    /// Columns.
    pub columns: ByEnvironment<usize>,
}

/// A mode in use.
#[derive(Debug, Clone, Serialize)]
pub struct ModeUse {
    /// `capture`, `reference`, `structure`, `exclude` or `undecided`.
    pub mode: &'static str,
    /// Tables.
    pub tables: ByEnvironment<usize>,
}

/// A set of rules with what there is to show for each.
#[derive(Debug, Clone, Serialize)]
pub struct Framework {
    /// A short name: `hipaa`, `gdpr`, `ccpa`, `iso27001`.
    pub id: &'static str,
    /// Its name.
    pub title: &'static str,
    /// What the evidence is worth.
    pub about: &'static str,
    /// Its points.
    pub points: Vec<Point>,
}

/// One point of a set of rules.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// Its number or article.
    pub reference: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What there is to show.
    pub evidence: String,
    /// The columns that it is about.
    pub columns: Vec<PointColumn>,
    /// What is missing, or what a person has to judge.
    pub gaps: Vec<String>,
}

/// A column that a point is about.
#[derive(Debug, Clone, Serialize)]
pub struct PointColumn {
    /// `table.column`.
    pub column: String,
    /// What becomes of it.
    pub outcomes: ByEnvironment<Outcome>,
    /// Where it is in [`Document::tables`].
    #[serde(skip)]
    pub at: (usize, usize),
}

/// The snapshots that were made.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// The store, without secrets.
    pub store: Option<String>,
    /// Why nothing can be said, where the store could not be read.
    pub missing: Option<String>,
    /// By version of the policy: the reviewed one first, then the newest.
    pub versions: Vec<PolicyVersion>,
    /// Manifests that could not be read.
    pub damaged: Vec<String>,
    /// What the policy says about retention.
    pub retention: Option<String>,
    /// Snapshots that have no expiry.
    pub without_expiry: usize,
    /// Snapshots that have expired and are still there.
    pub expired: usize,
}

/// One version of a policy with its snapshots.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyVersion {
    /// The policy file's name.
    pub policy: String,
    /// Its digest.
    pub digest: String,
    /// What approvals sign, where there was a lock.
    pub reviewed_digest: Option<String>,
    /// Whether it is the version under review.
    pub current: bool,
    /// Its snapshots, newest first.
    pub snapshots: Vec<SnapshotView>,
}

/// Where an audit trail stands, after a quick look.
#[derive(Debug, Clone, Serialize)]
pub struct AuditView {
    /// Why nothing can be said, where that is so.
    pub missing: Option<String>,
    /// Entries.
    pub entries: usize,
    /// The newest of them, which were looked at.
    pub looked_at: usize,
    /// Those of them that cannot be read.
    pub unreadable: usize,
    /// The newest that can.
    pub newest: Option<NewestEntry>,
    /// Snapshots of this review whose capture is among them.
    pub captures: usize,
    /// Those whose capture is not.
    pub without_entry: Vec<String>,
    /// Whether the newest entry that this machine has seen is still there, where it has seen one.
    pub remembered: Option<bool>,
    /// The command that proves the whole trail.
    pub verify: &'static str,
}

/// The newest entry of a trail.
#[derive(Debug, Clone, Serialize)]
pub struct NewestEntry {
    /// Its number.
    pub seq: u64,
    /// When, by its writer's clock.
    pub time: String,
    /// What was done.
    pub operation: &'static str,
    /// How it ended.
    pub outcome: &'static str,
    /// Who, as they call themselves.
    pub by: String,
}

/// A snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// When it was made.
    pub created: String,
    /// By which version of the program.
    pub tool: String,
    /// Whose rules applied.
    pub environment: String,
    /// Tables.
    pub tables: usize,
    /// Rows.
    pub rows: u64,
    /// When it stops being restorable.
    pub expires: Option<String>,
    /// Whether it has.
    pub expired: bool,
    /// The approvals that were valid when it was made.
    pub approvals: Vec<Approval>,
    /// The leak scan, canaries included.
    pub leaks: LeakResult,
    /// The closure proof.
    pub closure: ClosureView,
    /// The uniqueness check.
    pub unique: UniqueResult,
}

/// The closure proof in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct ClosureView {
    /// References that were proved.
    pub references: u64,
    /// Rows that reference something.
    pub rows: u64,
    /// Rows whose parent is not in the source either.
    pub dangling: u64,
    /// Keys that were left out because there were too many to hold.
    pub sampled: u64,
}
