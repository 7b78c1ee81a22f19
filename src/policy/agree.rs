//! Keys that refer to each other must be masked alike, or the references break. A referencing column without a decision
//! inherits that of the key it refers to.

use super::file::{ColumnRule, Place, Policy};
use super::findings::{Finding, Found};
use super::references::{Reference, References};
use super::resolve::Draft;
use crate::error::Error;
use crate::model::schema::Family;

/// Gives undecided referencing columns the rule of the key that they refer to.
pub(super) fn inherit(references: &References<'_>, drafts: &mut [Draft<'_>]) {
    // Each round goes one reference further along a chain.
    for _ in 0..drafts.len() {
        let mut found: Vec<(usize, usize, ColumnRule)> = Vec::new();
        for reference in references.plain() {
            let (child, parent) = (&drafts[reference.child], &drafts[reference.parent]);
            if !child.has_rows() || !parent.has_rows() {
                continue;
            }
            for (&at, &parent_at) in reference.columns.iter().zip(&reference.parent_columns) {
                let open = child.rules[at].is_none() && !child.table.columns[at].generated;
                if let (true, Some(rule)) = (open, &parent.rules[parent_at]) {
                    found.extend(inherited(child, reference, at, rule).map(|rule| (reference.child, at, rule)));
                }
            }
        }
        if found.is_empty() {
            return;
        }
        for (table, at, rule) in found {
            drafts[table].rules[at].get_or_insert(rule);
        }
    }
}

/// The parent's rule as the child has to say it; none where that cannot be said.
fn inherited(child: &Draft<'_>, reference: &Reference, at: usize, rule: &ColumnRule) -> Option<ColumnRule> {
    if rule.when.is_some() {
        return None; // The condition speaks of the parent's row.
    }
    let place = if child.place == Place::default() { rule.place } else { child.place };
    let subject = match &rule.subject {
        None => None,
        Some(subject) if reference.columns.len() == 1 => Some(format!("{}.{subject}", child.table.columns[at].name)),
        Some(_) => return None,
    };
    Some(ColumnRule { place, subject, ..rule.clone() })
}

/// Finds references whose two sides are masked differently.
pub(super) fn find_conflicts(policy: &Policy, references: &References<'_>, drafts: &[Draft<'_>], found: &mut Found) {
    let hint = "Leave the referencing column out, so that it inherits; or give both sides the same mask, parameters and domain; or keep both.";
    let mut conflicts = Vec::new();
    for reference in references.plain() {
        if drafts[reference.child].has_rows() && drafts[reference.parent].has_rows() {
            conflicts.extend(compare(policy, reference, drafts).into_iter().map(|finding| finding.hint(hint)));
        }
    }
    conflicts.dedup();
    let words: Vec<String> = conflicts.iter().map(|finding| finding.what.clone()).collect();
    found.all(conflicts, || Error::policy(format!("references would break: {}", words.join("; "))).hint(hint));
}

fn compare(policy: &Policy, reference: &Reference, drafts: &[Draft<'_>]) -> Vec<Finding> {
    let (child, parent) = (&drafts[reference.child], &drafts[reference.parent]);
    let mut conflicts = Vec::new();
    for (&child_at, &parent_at) in reference.columns.iter().zip(&reference.parent_columns) {
        let (Some(left), Some(right)) = (&child.rules[child_at], &parent.rules[parent_at]) else { continue };
        let (own, other) = (&child.table.columns[child_at], &parent.table.columns[parent_at]);
        if left.mask.name == "null" || are_alike(left, right, &own.name, (own.family, other.family)) {
            continue;
        }
        let file = &policy.file;
        let what = format!(
            "{}.{} is {} ({file}:{}), and {}.{}, which it refers to, is {} ({file}:{})",
            child.table.name,
            own.name.escape_debug(),
            left.shown(),
            left.place,
            parent.table.name,
            other.name.escape_debug(),
            right.shown(),
            right.place,
        );
        conflicts
            .push(Finding::new("reference-conflict", policy, left.place, what).column(&child.table.name, &own.name));
    }
    conflicts
}

/// Whether equal values stay equal. A subject is another one in each table, unless the child takes the parent's; a mask
/// may write another shape for another family.
fn are_alike(left: &ColumnRule, right: &ColumnRule, column: &str, (child, parent): (Family, Family)) -> bool {
    if left.when.is_some() || right.when.is_some() {
        return false;
    }
    if left.mask.keeps_original && right.mask.keeps_original {
        return true;
    }
    let same_subject = match (&left.subject, &right.subject) {
        (None, None) => true,
        (Some(left), Some(right)) => *left == format!("{column}.{right}"),
        _ => false,
    };
    left.mask.name == right.mask.name
        && left.params == right.params
        && left.domain_name() == right.domain_name()
        && same_subject
        && child == parent
}
