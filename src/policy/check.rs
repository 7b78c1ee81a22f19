//! `policy check`: everything that is wrong or weak in a policy, held against a catalogue for several environments at once.
//! What a capture would refuse is found by the same code that refuses it.

use super::expiry::{self, Today};
use super::file::{ENVIRONMENTS, Place, Policy};
use super::findings::{Finding, Found, Severity};
use super::lock::LockFile;
use super::resolve::{drafts, examine};
use super::{drift, rules, weak};
use crate::classify::Guesses;
use crate::error::{Error, Kind};
use crate::mask::key::MasterKey;
use crate::model::schema::{Catalogue, Column, TableName};
use crate::secret::Secret32;

/// What is checked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The schema; none: only what the file itself says.
    pub catalogue: Option<&'a Catalogue>,
    /// The environments.
    pub environments: &'a [&'static str],
    /// The day.
    pub today: &'a Today,
    /// What the schema was when it was decided.
    pub lock: Option<&'a LockFile>,
    /// What else was found, which `[[check.allow]]` may accept too.
    pub more: Vec<Finding>,
}

/// The environments that a policy is checked for: production only where the policy speaks of it.
#[must_use]
pub fn environments(policy: &Policy) -> Vec<&'static str> {
    let speaks = |name: &str| {
        policy.environments.contains_key(name)
            || policy.captured.contains_key(name)
            || policy.engines.values().any(|own| own.environments.contains_key(name) || own.captured.contains_key(name))
    };
    ENVIRONMENTS.into_iter().filter(|name| *name != "production" || speaks(name)).collect()
}

/// A finding and the environments that have it.
type Merged = Vec<(Finding, Vec<&'static str>)>;

/// Everything that is found, by place.
#[must_use]
pub fn check(question: Question<'_>) -> Vec<Finding> {
    let Question { policy, catalogue, environments, today, lock, more } = question;
    let mut merged = Merged::new();
    if let Some(catalogue) = catalogue {
        let policy = &*policy.of_engine(catalogue.engine);
        // What fits does not depend on the key, and a check must not need the secret one.
        let master = MasterKey::new(Secret32::new(*b"a public key: for checks alone.."));
        let guesses = Guesses::of(&catalogue.tables);
        for environment in environments.iter().copied() {
            let mut examined = examine(policy, catalogue, environment, &master);
            let drafts = &examined.drafts;
            examined.found.findings.extend(weak::find(policy, catalogue, drafts, &guesses));
            examined.found.findings.extend(expiry::of_drafts(policy, drafts, today));
            add(&mut merged, examined.found.findings, environment);
        }
    } else {
        add(&mut merged, expiry::of_file(policy, today), "");
    }
    add(&mut merged, lock.map(|lock| against(lock, policy, catalogue, today)).unwrap_or_default(), "");
    add(&mut merged, more, "");
    let mut findings: Vec<Finding> = merged.into_iter().map(|(finding, of)| told(finding, &of, environments)).collect();
    allow(policy, today, &mut findings);
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    findings
}

/// What the lock says: of the catalogue's engine, or without a catalogue of all.
fn against(lock: &LockFile, policy: &Policy, catalogue: Option<&Catalogue>, today: &Today) -> Vec<Finding> {
    let Some(catalogue) = catalogue else {
        return lock.engines.values().flat_map(|lock| expiry::of_lock(policy, lock, today)).collect();
    };
    let Some(own) = lock.of(policy, catalogue.engine) else {
        let lacking = Finding::of_file("other-engine", &lock.file, &lock.lacks(catalogue.engine));
        return vec![lacking.severity(Severity::Warning)];
    };
    let mut findings = drift::compare(own, catalogue);
    findings.extend(expiry::of_lock(policy, own, today));
    findings
}

/// A column under a mask that only relabels where there are few different values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistent {
    /// The table.
    pub table: TableName,
    /// The column.
    pub column: Column,
    /// The mask.
    pub mask: &'static str,
    /// Where the rule stands.
    place: Place,
}

/// The columns whose different values are worth counting.
#[must_use]
pub fn consistent(policy: &Policy, catalogue: &Catalogue, environments: &[&str]) -> Vec<Consistent> {
    let policy = &*policy.of_engine(catalogue.engine);
    let mut found: Vec<Consistent> = Vec::new();
    for environment in environments {
        for draft in drafts(policy, catalogue, environment, &mut Found::default()) {
            for (at, rule) in draft.rules.iter().enumerate() {
                let Some(rule) = rule.as_ref().filter(|rule| weak::is_consistent(rule)) else { continue };
                let (table, column) = (draft.table.name.clone(), draft.table.columns[at].clone());
                let one = Consistent { table, column, mask: rule.mask.name, place: rule.place };
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
    }
    found
}

impl Consistent {
    /// What to say of so few values; none where there are enough, or hardly one occurs twice.
    #[must_use]
    pub fn finding(&self, policy: &Policy, distinct: u64, rows: u64) -> Option<Finding> {
        if distinct == 0 || distinct >= FEW || rows < 3 * distinct {
            return None;
        }
        let shown = format!("{}.{}", self.table, self.column.name.escape_debug());
        let values = if distinct == 1 { "1 value".to_owned() } else { format!("{distinct} different values") };
        let what = format!("{shown}: {rows} rows have {values}, and mask {} only relabels them", self.mask);
        let hint = "Use a mask that does not depend on the value alone (shuffle, fixed, null), or keep the column if it tells nothing.";
        let finding = Finding::new("few-values", policy, self.place, what).severity(Severity::Warning).hint(hint);
        Some(finding.column(&self.table, &self.column.name))
    }
}

/// Fewer different values than this are few.
const FEW: u64 = 50;

fn order(finding: &Finding) -> (&str, usize, usize, std::cmp::Reverse<Severity>, &str, &str) {
    let place = finding.place.unwrap_or(Place { line: usize::MAX, column: 0 });
    let severity = std::cmp::Reverse(finding.severity);
    (&finding.file, place.line, place.column, severity, finding.rule, &finding.what)
}

/// One finding of a rule at a column is enough; the more severe one stays.
fn add(merged: &mut Merged, findings: Vec<Finding>, environment: &'static str) {
    for finding in findings {
        let same = |other: &Finding| {
            let of_column = finding.column.is_some() && finding.place == other.place;
            let is_new = finding.rule.starts_with("new-");
            (other.rule, &other.table, &other.column) == (finding.rule, &finding.table, &finding.column)
                && (of_column || is_new || other.what == finding.what)
        };
        match merged.iter_mut().find(|(other, _)| same(other)) {
            Some((other, environments)) => {
                if finding.severity > other.severity {
                    *other = finding;
                }
                if !environments.contains(&environment) {
                    environments.push(environment);
                }
            }
            None => merged.push((finding, vec![environment])),
        }
    }
}

/// Names the environments where not all of them have it.
fn told(mut finding: Finding, of: &[&str], all: &[&str]) -> Finding {
    let of: Vec<&str> = of.iter().copied().filter(|name| !name.is_empty()).collect();
    if !of.is_empty() && of.len() < all.len() {
        finding.what.push_str(&format!(" (in {})", of.join(", ")));
    }
    finding
}

/// Takes out what `[[check.allow]]` accepts.
fn allow(policy: &Policy, today: &Today, findings: &mut Vec<Finding>) {
    for allowance in &policy.allowances {
        let name = |wanted: &Option<String>, is: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(is);
        let is_meant = |finding: &Finding| {
            finding.rule == allowance.rule
                && rules::find(finding.rule).is_some_and(|rule| rule.allowable)
                && name(&allowance.table, &|table| {
                    finding
                        .table
                        .as_ref()
                        .is_some_and(|of| of.is_named(table) || of.to_string().to_lowercase() == table.to_lowercase())
                })
                && name(&allowance.column, &|column| {
                    finding.column.as_ref().is_some_and(|of| of.to_lowercase() == column.to_lowercase())
                })
        };
        if allowance.expires.as_ref().is_some_and(|day| *day <= today.date) {
            let what = format!("what is allowed of {} was allowed until a day that is past", allowance.rule);
            findings.push(Finding::new("expired-decision", policy, allowance.place, what));
            continue;
        }
        let before = findings.len();
        findings.retain(|finding| !is_meant(finding));
        if findings.len() == before {
            let what = format!("nothing was found that this entry for {} allows", allowance.rule);
            let finding = Finding::new("unused-allowance", policy, allowance.place, what);
            findings.push(finding.severity(Severity::Note).hint("Remove it."));
        }
    }
}

/// Why a check fails: the kind says with which code. Drift comes before faults of the policy, which was written for another
/// schema then; a file that cannot be read comes before both.
#[must_use]
pub fn verdict(findings: &[Finding], strict: bool) -> Option<Error> {
    let least = if strict { Severity::Warning } else { Severity::Error };
    let counted: Vec<&Finding> = findings.iter().filter(|finding| finding.severity >= least).collect();
    let kind = [Kind::Usage, Kind::Drift, Kind::Guard, Kind::Policy]
        .into_iter()
        .find(|kind| counted.iter().any(|finding| finding.kind == *kind && finding.severity == Severity::Error))
        .or_else(|| counted.first().map(|_| Kind::Policy))?;
    let number = |severity: Severity| counted.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let what = match (errors, warnings) {
        (0, warnings) => format!("policy check found {} (--strict)", plural(warnings, "warning")),
        (errors, _) => format!("policy check found {}", plural(errors, "error")),
    };
    let names: Vec<String> =
        counted.iter().filter(|finding| finding.severity == Severity::Error).map(|f| subject(f)).collect();
    let what = match names.len() {
        0 => what,
        1..=3 => format!("{what}: {}", names.join(", ")),
        more => format!("{what}: {} and {} more", names[..3].join(", "), more - 3),
    };
    Some(Error::new(kind, what))
}

/// `new-column clients.fax`.
fn subject(finding: &Finding) -> String {
    let place = match (&finding.table, &finding.column) {
        (Some(table), Some(column)) => format!(" {table}.{}", column.escape_debug()),
        (Some(table), None) => format!(" {table}"),
        (None, _) => String::new(),
    };
    format!("{}{place}", finding.rule)
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
