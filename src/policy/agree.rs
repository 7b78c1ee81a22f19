//! Keys that refer to each other must be masked alike, or the references break.

use super::file::{ColumnRule, Policy};
use super::resolve::Draft;
use crate::error::{Error, Result};
use crate::model::schema::{Family, ForeignKey};

/// Refuses foreign keys whose two sides are masked differently.
pub(super) fn refuse_conflicts(policy: &Policy, drafts: &[Draft<'_>]) -> Result<()> {
    let mut conflicts = Vec::new();
    for child in drafts.iter().filter(|draft| draft.has_rows()) {
        for key in &child.table.foreign_keys {
            let Some(parent) = drafts.iter().find(|draft| draft.table.name == key.parent) else { continue };
            if parent.has_rows() {
                conflicts.extend(compare(policy, child, key, parent));
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Error::policy(format!("references would break: {}", conflicts.join("; ")))
        .hint("Give both sides the same mask, parameters and domain and no subject, or keep both."))
}

fn compare(policy: &Policy, child: &Draft<'_>, key: &ForeignKey, parent: &Draft<'_>) -> Vec<String> {
    let mut conflicts = Vec::new();
    for (at, name) in key.columns.iter().enumerate() {
        let parent_at = match key.parent_columns.get(at) {
            Some(name) => parent.table.column_index(name),
            // SQLite lets a reference leave out the columns of the primary key.
            None => parent.table.primary_key.get(at).copied(),
        };
        let (Some(child_at), Some(parent_at)) = (child.table.column_index(name), parent_at) else { continue };
        let (Some(left), Some(right)) = (&child.rules[child_at], &parent.rules[parent_at]) else { continue };
        let families = (child.table.columns[child_at].family, parent.table.columns[parent_at].family);
        if left.mask.name == "null" || are_alike(left, right, families) {
            continue;
        }
        let (other, file) = (&parent.table.columns[parent_at].name, &policy.file);
        conflicts.push(format!(
            "{}.{} is {} ({file}:{}), and {}.{}, which it refers to, is {} ({file}:{})",
            child.table.name,
            name.escape_debug(),
            left.shown(),
            left.place,
            parent.table.name,
            other.escape_debug(),
            right.shown(),
            right.place,
        ));
    }
    conflicts
}

/// Whether equal values stay equal. A subject is another one in each table; a mask may write another shape for another
/// family.
fn are_alike(left: &ColumnRule, right: &ColumnRule, (child, parent): (Family, Family)) -> bool {
    if left.mask.keeps_original && right.mask.keeps_original {
        return true;
    }
    left.mask.name == right.mask.name
        && left.params == right.params
        && left.domain_name() == right.domain_name()
        && left.subject.is_none()
        && right.subject.is_none()
        && child == parent
}
