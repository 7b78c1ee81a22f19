//! Decisions that have to be made again on a day: from then on they count as not made. The day of today comes from outside.

use super::file::{ColumnRule, Place, Policy, TableRules};
use super::findings::{Finding, Found, Severity};
use super::lock::Lock;
use super::resolve::{Draft, drafts};
use crate::error::Result;
use crate::model::schema::Catalogue;

/// The day on which a policy is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Today {
    /// The day, UTC, `YYYY-MM-DD`.
    pub date: String,
    /// The last day that counts as soon.
    pub soon: String,
}

/// What has expired, or will soon, of what an environment uses.
pub(super) fn of_drafts(policy: &Policy, drafts: &[Draft<'_>], today: &Today) -> Vec<Finding> {
    let mut findings = Vec::new();
    for draft in drafts {
        let table = &draft.table.name;
        let section = draft.expires.as_ref();
        let found = section.and_then(|(place, day)| finding(policy, *place, day, &format!("table {table}"), today));
        findings.extend(found.map(|finding| finding.table(table)));
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let name = &draft.table.columns[at].name;
            let of = of_rule(policy, rule, &format!("{table}.{}", name.escape_debug()), today);
            findings.extend(of.into_iter().map(|finding| finding.column(table, name)));
        }
    }
    findings
}

/// The same of all that the file says, where no schema is known.
pub(super) fn of_file(policy: &Policy, today: &Today) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut section = |name: &str, rules: &TableRules| {
        let name = name.escape_debug();
        let table = rules.expires.as_ref();
        findings.extend(table.and_then(|day| finding(policy, rules.place, day, &format!("table {name}"), today)));
        for (column, rule) in &rules.columns {
            findings.extend(of_rule(policy, rule, &format!("{name}.{}", column.escape_debug()), today));
        }
    };
    let own = policy.engines.values();
    let overlays = policy.environments.values().chain(own.clone().flat_map(|own| own.environments.values()));
    for tables in std::iter::once(&policy.tables).chain(overlays).chain(own.map(|own| &own.tables)) {
        for (name, rules) in tables {
            section(name, rules);
        }
    }
    findings
}

/// Refuses a capture under decisions that have expired, all of them at once.
///
/// # Errors
/// Kind `Policy`.
pub fn refuse_expired(policy: &Policy, catalogue: &Catalogue, environment: &str, today: &Today) -> Result<()> {
    let policy = &*policy.of_engine(catalogue.engine);
    let drafts = drafts(policy, catalogue, environment, &mut Found::default());
    let expired = of_drafts(policy, &drafts, today).into_iter().filter(|found| found.severity == Severity::Error);
    let mut expired = expired.map(|finding| finding.error());
    let Some(first) = expired.next() else { return Ok(()) };
    let more = expired.count();
    Err(if more > 0 { first.within(format!("{} decisions have expired", more + 1)) } else { first })
}

fn of_rule(policy: &Policy, rule: &ColumnRule, of: &str, today: &Today) -> Vec<Finding> {
    let rules = [Some(rule), rule.otherwise.as_deref()].into_iter().flatten();
    rules.filter_map(|rule| finding(policy, rule.place, rule.expires.as_ref()?, of, today)).collect()
}

/// The same of a lock.
pub(super) fn of_lock(policy: &Policy, lock: &Lock, today: &Today) -> Vec<Finding> {
    let told = |place, expires: Option<&String>, of: &str| {
        let finding = finding(policy, place, expires?, of, today)?;
        Some(Finding { file: lock.file.clone(), ..finding })
    };
    let tables = lock.tables.iter().filter_map(|(name, table)| {
        told(table.place, table.expires.as_ref(), &format!("table {}", name.escape_debug()))
    });
    let columns = lock.tables.iter().flat_map(|(table, of)| of.columns.iter().map(move |column| (table, column)));
    let found = columns.filter_map(|(table, (name, column))| {
        let of = format!("{}.{}", table.escape_debug(), name.escape_debug());
        told(column.place, column.expires.as_ref(), &of)
    });
    tables.chain(found).collect()
}

fn finding(policy: &Policy, place: Place, day: &str, of: &str, today: &Today) -> Option<Finding> {
    let hint = "Decide again, and change or remove expires = \"...\".";
    if day <= today.date.as_str() {
        let what = format!("the decision for {of} had to be made again by {day}");
        return Some(Finding::new("expired-decision", policy, place, what).hint(hint));
    }
    let what = format!("the decision for {of} has to be made again by {day}");
    let soon = Finding::new("expires-soon", policy, place, what).severity(Severity::Warning).hint(hint);
    (day <= today.soon.as_str()).then_some(soon)
}
