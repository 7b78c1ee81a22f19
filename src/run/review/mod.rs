//! `policy review`: a policy held against a catalogue, with the snapshots that were made under it, as one document that people
//! review. [`review`] makes the document; [`html`] and [`markdown`] only print what is in it. Nothing here reads a row.

pub mod document;
pub mod html;
pub mod markdown;

mod classes;
mod evidence;
mod flags;
mod history;
mod inventory;
mod questions;
mod samples;
#[cfg(test)]
mod tests;
mod words;

use crate::mask::docs::public_key;
use crate::model::approval::Approval;
use crate::model::schema::{Catalogue, EngineKind};
use crate::policy::diff::{Change, diff};
use crate::policy::file::ENVIRONMENTS;
use crate::policy::findings::{Finding, Severity};
use crate::policy::inventory::{Inventory, inventory_of_what_is_there};
use crate::policy::lock::LockFile;
use crate::policy::{Mode, Policy};
use crate::run::repository::Snapshot;
use document::{
    ByEnvironment, ChangeView, Changes, ColumnView, Decided, Document, Head, ModeUse, Outcome, Status, Summary, TITLE,
    TableView, TierCount,
};
use std::collections::BTreeMap;

/// What a review is made of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The catalogue: live, of a snapshot, or of DDL.
    pub catalogue: &'a Catalogue,
    /// Where that came from, without secrets.
    pub source: String,
    /// An older version to compare with.
    pub since: Option<&'a Policy>,
    /// What `policy check` finds.
    pub findings: Vec<Finding>,
    /// What lock and approvals say.
    pub reviewed: Reviewed,
    /// The store.
    pub store: Store,
    /// When the review is made, UTC, RFC 3339.
    pub now: String,
}

/// What lock and approvals say about the policy.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// Digest of the lock's canonical text.
    pub lock: Option<String>,
    /// What approvals sign.
    pub digest: Option<String>,
    /// Approvals that are valid.
    pub approvals: Vec<Approval>,
    /// Why approvals that are there are not valid.
    pub void: Option<String>,
    /// Who decided on a column, by table and column.
    pub columns: BTreeMap<(String, String), Decided>,
}

impl Reviewed {
    /// What a lock says of databases of an engine; nothing where it has nothing of them. Approvals are not read yet.
    #[must_use]
    pub fn of_lock(file: &LockFile, policy: &Policy, engine: EngineKind) -> Self {
        let Some(lock) = file.of(policy, engine) else { return Self::default() };
        let mut columns = BTreeMap::new();
        for (table, locked) in &lock.tables {
            for (column, own) in &locked.columns {
                let decided = Decided {
                    by: own.by.clone(),
                    on: own.on.clone(),
                    until: own.expires.clone(),
                    reason: own.reason.clone(),
                };
                columns.insert((table.clone(), column.clone()), decided);
            }
        }
        let digest = blake3::hash(file.text().as_bytes()).to_hex().to_string();
        Self { lock: Some(digest), columns, ..Self::default() }
    }
}

/// What a store holds, or why that is not known.
#[derive(Debug)]
pub enum Store {
    /// It was read.
    Read {
        /// Its address, without secrets.
        address: String,
        /// Its snapshots, oldest first.
        snapshots: Vec<Snapshot>,
        /// What could not be read.
        damaged: Vec<String>,
    },
    /// It was not, and why.
    Missing(String),
}

/// Makes the review. It never refuses: what the policy names and the catalogue does not have is among the flags.
#[must_use]
pub fn review(sources: &Sources<'_>) -> Document {
    let Sources { policy, catalogue, .. } = sources;
    let records = inventory_of_what_is_there(policy, catalogue);
    let refusals: Vec<Option<String>> = ENVIRONMENTS.map(|environment| refusal(policy, catalogue, environment)).into();
    let mut tables = inventory::tables(policy, catalogue, &records, &sources.reviewed.columns);
    let findings = flags::findings(policy, &records, &sources.findings);
    let flags = flags::placed(&findings, &mut tables);
    let changes = sources.since.map(|since| changed(since, policy, &records, &mut tables));
    let history = history::history(sources);
    let questions = questions::questions(policy, &tables, &findings);
    let known = evidence::Known {
        policy,
        tables: &tables,
        history: &history,
        has_lock: sources.reviewed.lock.is_some(),
        approvals: sources.reviewed.approvals.len(),
    };
    let evidence = evidence::evidence(&known);
    let open_questions = questions.iter().filter(|question| question.answer.is_none()).count();
    Document {
        document: TITLE,
        version: 1,
        head: head(sources, &tables, &findings, open_questions),
        summary: summary(&tables, refusals),
        questions,
        flags,
        changes,
        masks: inventory::masks(&tables),
        modes: modes(&tables),
        tables,
        evidence,
        history,
        limits: limits(),
    }
}

/// Why a capture would be refused, in its first line.
fn refusal(policy: &Policy, catalogue: &Catalogue, environment: &str) -> Option<String> {
    let error = crate::policy::resolve(policy, catalogue, environment, &public_key()).err()?;
    error.what().lines().next().map(str::to_owned)
}

fn head(sources: &Sources<'_>, tables: &[TableView], findings: &[Finding], open_questions: usize) -> Head {
    let columns = || tables.iter().flat_map(|table| &table.columns);
    let undecided = columns().filter(|column| is_undecided(column)).count();
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let reviewed = &sources.reviewed;
    let (approval, text) = match (&reviewed.void, reviewed.approvals.as_slice()) {
        (_, [_, ..]) => {
            let names: Vec<String> =
                reviewed.approvals.iter().map(|found| format!("{} ({})", found.approver, found.role)).collect();
            ("approved", format!("Approved by {}.", names.join(", ")))
        }
        (Some(why), []) => ("void", format!("The approval is void: {why}.")),
        (None, []) => ("not approved", "No approval of this version is known here.".to_owned()),
    };
    let name = |file: &str| file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    Head {
        project: sources.policy.project.clone(),
        policy: name(&sources.policy.file),
        policy_digest: sources.policy.digest.clone(),
        lock_digest: reviewed.lock.clone(),
        reviewed_digest: reviewed.digest.clone(),
        schema_digest: schema_digest(sources.catalogue),
        source: sources.source.clone(),
        engine: format!("{} {}", sources.catalogue.engine, sources.catalogue.version),
        generated: sources.now.clone(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        tables: tables.len(),
        columns: columns().count(),
        status: Status {
            approval,
            text,
            approvals: reviewed.approvals.clone(),
            open_questions,
            undecided_columns: undecided,
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
        },
    }
}

/// Whether some environment takes rows of a column and nobody has decided how.
fn is_undecided(column: &ColumnView) -> bool {
    column.outcomes.values().any(|outcome| *outcome == Outcome::Undecided)
}

/// A digest of what the catalogue says about the shape of rows: names, types, keys.
fn schema_digest(catalogue: &Catalogue) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 schema of a review");
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for table in &catalogue.tables {
        add(&table.name.to_string());
        for column in &table.columns {
            add(&column.name);
            add(&column.declared);
            add(if column.nullable { "null" } else { "not null" });
            add(if column.generated { "generated" } else { "stored" });
        }
        add(&format!("{:?}", table.primary_key));
        for unique in &table.uniques {
            add(&format!("{:?} {}", unique.columns, unique.partial));
        }
        for key in &table.foreign_keys {
            add(&format!("{:?} {} {:?}", key.columns, key.parent, key.parent_columns));
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn summary(tables: &[TableView], refusals: Vec<Option<String>>) -> Vec<Summary> {
    let columns: Vec<&ColumnView> = tables.iter().flat_map(|table| &table.columns).collect();
    let one = |(environment, refusal): (&'static str, Option<String>)| {
        let number = |outcome| columns.iter().filter(|column| column.outcomes[environment] == outcome).count();
        let tiers = crate::model::tier::Tier::ALL.map(|tier| {
            let of_tier = || columns.iter().filter(|column| column.tier == tier);
            let mut outcomes = BTreeMap::new();
            for column in of_tier() {
                *outcomes.entry(column.outcomes[environment]).or_insert(0) += 1;
            }
            TierCount { tier, words: tier.words(), columns: of_tier().count(), outcomes }
        });
        Summary {
            environment,
            outcomes: Outcome::ALL.into_iter().map(|outcome| (outcome, number(outcome))).collect(),
            tiers: tiers.into(),
            refusal,
        }
    };
    ENVIRONMENTS.into_iter().zip(refusals).map(one).collect()
}

fn modes(tables: &[TableView]) -> Vec<ModeUse> {
    let words = Mode::ALL.into_iter().map(|mode| Some(mode.word())).chain([None]);
    let one = |mode: Option<&'static str>| {
        let count = |environment| tables.iter().filter(|table| table.modes[environment] == mode).count();
        let tables: ByEnvironment<usize> =
            ENVIRONMENTS.into_iter().map(|environment| (environment, count(environment))).collect();
        ModeUse { mode: mode.unwrap_or("undecided"), tables }
    };
    words.map(one).filter(|found| found.tables.values().any(|number| *number > 0)).collect()
}

/// The changes, and a mark on each column that one is about.
fn changed(since: &Policy, policy: &Policy, records: &Inventory, tables: &mut [TableView]) -> Changes {
    let changes = diff(since, policy);
    for change in changes.iter().rev() {
        let Some(name) = &change.column else { continue };
        let wanted = change.table.to_lowercase();
        let is_meant = |at: &usize| {
            let own = &records.tables[*at].table;
            own.is_named(&change.table) || own.name.to_lowercase() == wanted || own.to_string().to_lowercase() == wanted
        };
        for at in (0..tables.len()).filter(is_meant) {
            for column in tables[at].columns.iter_mut().filter(|column| column.name.eq_ignore_ascii_case(name)) {
                column.change = Some(change.direction.word()); // The weakest comes last, and stays.
            }
        }
    }
    let view = |change: Change| ChangeView {
        direction: change.direction.word(),
        subject: change.subject(),
        line: change.place.line,
        environments: change.environments,
        before: change.before,
        after: change.after,
    };
    let file = since.file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    Changes { since: file, digest: since.digest.clone(), changes: changes.into_iter().map(view).collect() }
}

/// What no review of this kind can say.
fn limits() -> Vec<String> {
    [
        "What a column holds is a guess from names, types and keys. No row was read for this page; a column with an odd name may hold anything.",
        "Masked rows are pseudonymised: for whoever holds the masking key or the source they are still personal data.",
        "Whether somebody can be singled out by several columns together depends on the rows and on what else is known; this page does not measure it.",
        "Samples are made-up originals under a public key. The real fakes differ, because the real key is secret.",
        "Evidence is what can be shown, not a verdict. Laws and contracts are judged by people.",
    ]
    .map(str::to_owned)
    .into()
}
