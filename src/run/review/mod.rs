//! `policy review`: a policy held against a catalogue, with the snapshots that were made under it, as one document that people
//! review. [`review`] makes the document; [`html`] and [`markdown`] only print what is in it. Nothing here reads a row.

pub mod document;
pub mod html;
pub mod markdown;

mod approval;
mod audit;
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
use crate::model::schema::Catalogue;
use crate::policy::diff::{Change, diff};
use crate::policy::file::ENVIRONMENTS;
use crate::policy::findings::{Finding, Severity};
use crate::policy::inventory::{Inventory, inventory_of_what_is_there};
use crate::policy::lock::{Decider, Lock};
use crate::policy::{Mode, Policy};
use crate::run::audit::Glance;
use crate::run::repository::Snapshot;
pub use approval::{Judged, Reviewed};
use document::{
    ByEnvironment, ChangeView, Changes, ColumnView, Document, Head, ModeUse, Outcome, Status, Summary, TITLE,
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
    /// An older version to compare with, instead of the last approved one.
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
        /// Its audit trail.
        trail: Trail,
    },
    /// It was not, and why.
    Missing(String),
}

/// What a quick look at the audit trail says.
#[derive(Debug)]
pub enum Trail {
    /// It was looked at.
    Read {
        /// What was seen.
        glance: Box<Glance>,
        /// Whether the newest entry that this machine has seen is still there.
        remembered: Option<bool>,
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
    let flags = flags::placed(&findings, policy, &mut tables);
    let approved = sources.reviewed.approved_policy(policy);
    let approved = approved.as_ref().map(|(approved, by)| (approved, Some(by.clone())));
    let since = sources.since.map(|since| (since, None)).or(approved);
    let changes = since.map(|since| changed(since, policy, &records, &mut tables));
    let history = history::history(sources);
    let audit = audit::audit(sources, &history);
    let standing = approval::standing(&sources.reviewed);
    let questions = questions::questions(policy, &tables, &findings);
    let known = evidence::Known {
        policy,
        tables: &tables,
        history: &history,
        has_lock: sources.reviewed.lock.is_some(),
        approvals: standing.approvals.len(),
    };
    let evidence = evidence::evidence(&known);
    let open_questions = questions.iter().filter(|question| question.answer.is_none()).count();
    Document {
        document: TITLE,
        version: 1,
        head: head(sources, &records, &tables, status(standing, &tables, &findings, open_questions)),
        summary: summary(&tables, refusals),
        questions,
        flags,
        changes,
        masks: inventory::masks(&tables),
        modes: modes(&tables),
        tables,
        evidence,
        history,
        audit,
        limits: limits(),
    }
}

/// Why a capture would be refused, in its first line.
fn refusal(policy: &Policy, catalogue: &Catalogue, environment: &str) -> Option<String> {
    let error = crate::policy::resolve(policy, catalogue, environment, &public_key()).err()?;
    error.what().lines().next().map(str::to_owned)
}

fn status(standing: approval::Standing, tables: &[TableView], findings: &[Finding], open_questions: usize) -> Status {
    let undecided = tables.iter().flat_map(|table| &table.columns).filter(|column| is_undecided(column)).count();
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    Status {
        approval: standing.word,
        text: standing.text,
        approvals: standing.approvals,
        last_approved: standing.last_approved,
        environments: standing.environments,
        open_questions,
        undecided_columns: undecided,
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
    }
}

fn head(sources: &Sources<'_>, records: &Inventory, tables: &[TableView], status: Status) -> Head {
    let Sources { policy, catalogue, reviewed, .. } = sources;
    let schema = fingerprint(policy, catalogue, records);
    Head {
        project: policy.project.clone(),
        policy: file_name(&policy.file).to_owned(),
        policy_digest: policy.digest.clone(),
        lock_digest: reviewed.lock.clone(),
        reviewed_digest: reviewed.digest.clone(),
        schema_is_locked: reviewed.schema.as_ref().map(|locked| schema.as_ref() == Some(locked)),
        schema_digest: schema,
        source: sources.source.clone(),
        engine: format!("{} {}", catalogue.engine, catalogue.version),
        generated: sources.now.clone(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        tables: tables.len(),
        columns: tables.iter().map(|table| table.columns.len()).sum(),
        status,
    }
}

/// A path without its folders: what is shown of files.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Whether some environment takes rows of a column and nobody has decided how.
fn is_undecided(column: &ColumnView) -> bool {
    column.outcomes.values().any(|outcome| *outcome == Outcome::Undecided)
}

/// The fingerprint that a lock of this catalogue would have.
fn fingerprint(policy: &Policy, catalogue: &Catalogue, records: &Inventory) -> Option<String> {
    let nobody = Decider { by: String::new(), on: String::new(), expires: None, renew: false };
    let (lock, _) = Lock::draft("", policy, (catalogue, records), None, &nobody).ok()?;
    Some(lock.fingerprint())
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
fn changed(
    (since, about): (&Policy, Option<String>),
    policy: &Policy,
    records: &Inventory,
    tables: &mut [TableView],
) -> Changes {
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
    // A copy among the approvals is called by its folder, too.
    let file = if about.is_some() { since.file.as_str() } else { file_name(&since.file) };
    let changes = changes.into_iter().map(view).collect();
    Changes { since: file.to_owned(), about, digest: since.digest.clone(), changes }
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
