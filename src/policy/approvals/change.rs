//! What changed since a version was approved, line by line: what lets more through, or is not clear, needs approval again; what
//! lets less through, and mere words, are told.

use super::{Texts, Version, at, finding};
use crate::model::schema::TableName;
use crate::policy::diff::{Change, Direction, diff};
use crate::policy::file::{Place, Policy};
use crate::policy::findings::{Finding, Severity};
use crate::policy::lock::{Difference, Lock, LockFile, LockedColumn, LockedTable, Sort};
use std::collections::BTreeSet;

/// The sections that a comparison of policies understands.
const COMPARED: [&str; 7] = ["version", "project", "defaults", "subset", "tables", "environments", "engines"];

/// One finding for each change; at least one where the texts differ.
pub(super) fn changes(now: Texts<'_>, approved: &Version) -> Vec<Finding> {
    let (Ok(old), Ok(new)) =
        (Policy::parse(now.policy_file, &approved.policy), Policy::parse(now.policy_file, now.policy))
    else {
        let what = format!("{}: it cannot be compared with the version that was approved", now.policy_file);
        return vec![finding("approval-void", Severity::Error, now.policy_file, what)];
    };
    let changes = diff(&old, &new);
    let mut found: Vec<Finding> = changes.iter().map(|change| of_policy(now.policy_file, change)).collect();
    found.extend(unknown_sections(now, approved));
    match (LockFile::parse(now.lock_file, &approved.lock), LockFile::parse(now.lock_file, now.lock)) {
        (Ok(old), Ok(new)) => found.extend(of_lock_files(&old, &new, &changes)),
        _ => {
            let what = format!("{}: it cannot be compared with the lock that was approved", now.lock_file);
            found.push(finding("approval-void", Severity::Error, now.lock_file, what));
        }
    }
    for (file, old, new) in [(now.policy_file, &approved.policy, now.policy), (now.lock_file, &approved.lock, now.lock)]
    {
        let told = found.iter().any(|finding| finding.file == file);
        if let Some(line) = first_difference(old, new).filter(|_| !told) {
            let place = Place { line, column: 1 };
            let what = "the text changed since it was approved, and decides the same";
            found.push(at(place, finding("approval-void", Severity::Warning, file, what)));
        }
    }
    found
}

fn of_policy(file: &str, change: &Change) -> Finding {
    let said = |text: Option<&String>| text.map_or_else(|| "not said".to_owned(), Clone::clone);
    let words = change.before.as_deref().map(without_reason) == change.after.as_deref().map(without_reason);
    let (severity, end) = match change.direction {
        _ if words => (Severity::Warning, "only the reason changed since it was approved"),
        Direction::Stronger => (Severity::Warning, "it lets less through than what was approved"),
        Direction::Weaker => (Severity::Error, "it lets more through than what was approved, and needs approval again"),
        Direction::Changed => (Severity::Error, "it is not what was approved, and needs approval again"),
    };
    let what = format!(
        "{} was {}, is {}: {end}",
        change.subject(),
        said(change.before.as_ref()),
        said(change.after.as_ref()),
    );
    Finding {
        table: (!change.table.is_empty()).then(|| TableName::plain(&change.table)),
        column: change.column.clone(),
        ..at(change.place, finding("approval-void", severity, file, what))
    }
}

/// Sections that the comparison does not understand: any change in them needs approval again.
fn unknown_sections(now: Texts<'_>, approved: &Version) -> Option<Finding> {
    let (old, new): (toml::Table, toml::Table) = (approved.policy.parse().ok()?, now.policy.parse().ok()?);
    let names: BTreeSet<&String> =
        old.keys().chain(new.keys()).filter(|name| !COMPARED.contains(&name.as_str())).collect();
    let name = names.into_iter().find(|name| old.get(*name) != new.get(*name))?;
    let place = Place { line: first_difference(&approved.policy, now.policy).unwrap_or(1), column: 1 };
    let file = now.policy_file;
    let what = format!("[{name}] is not what was approved, and needs approval again");
    Some(at(place, finding("approval-void", Severity::Error, file, what)))
}

/// Engine by engine. One that was locked since is one finding, however many columns it has.
fn of_lock_files(old: &LockFile, new: &LockFile, changes: &[Change]) -> Vec<Finding> {
    let file = new.file.as_str();
    let mut found = Vec::new();
    for (engine, lock) in &new.engines {
        if let Some(before) = old.engines.get(engine) {
            found.extend(of_locks(file, before, lock, changes));
            continue;
        }
        let place = lock.tables.values().next().map(|table| table.place).unwrap_or_default();
        let what = format!("databases of {engine} were locked since it was approved, and that needs approval again");
        found.push(at(place, finding("approval-void", Severity::Error, file, what)));
    }
    for engine in old.engines.keys().filter(|engine| !new.engines.contains_key(*engine)) {
        let what = format!("the lock has nothing about databases of {engine} any more");
        found.push(finding("approval-void", Severity::Warning, file, what));
    }
    found
}

/// What the lock says beyond the policy: the schema that was decided about, and who decided.
fn of_locks(file: &str, old: &Lock, new: &Lock, changes: &[Change]) -> Vec<Finding> {
    let differences = old.differences(new);
    let mut found: Vec<Finding> =
        differences.iter().filter_map(|difference| of_lock(file, new, difference, changes)).collect();
    for (name, table) in &new.tables {
        let Some(before) = old.tables.get(name) else { continue };
        let touched = |column: Option<&String>| {
            differences.iter().any(|difference| difference.table == *name && difference.column.as_ref() == column)
        };
        let decided = |table: &LockedTable| (table.by.clone(), table.on.clone(), table.expires.clone());
        if decided(before) != decided(table) && !touched(None) {
            found.push(reviewer(file, table.place, &format!("table {}", name.escape_debug())));
        }
        for (column, is) in &table.columns {
            let who = |it: &LockedColumn| (it.by.clone(), it.on.clone(), it.expires.clone(), it.tier);
            let differs = before.columns.get(column).is_some_and(|was| who(was) != who(is));
            if differs && !touched(Some(column)) {
                found.push(reviewer(file, is.place, &format!("{}.{}", name.escape_debug(), column.escape_debug())));
            }
        }
    }
    found
}

fn reviewer(file: &str, place: Place, subject: &str) -> Finding {
    let what = format!("{subject}: who decided, when, or until when is not what was approved");
    at(place, finding("approval-void", Severity::Error, file, what))
}

/// What the policy's own changes do not tell already.
fn of_lock(file: &str, new: &Lock, difference: &Difference, changes: &[Change]) -> Option<Finding> {
    let table = &difference.table;
    let told = |change: &Change| {
        let bare = table.rsplit_once('.').map_or(table.as_str(), |(_, bare)| bare);
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let column = match (&change.column, &difference.column) {
            (Some(a), Some(b)) => same(a, b),
            (None, _) => true,
            (Some(_), None) => false,
        };
        (same(&change.table, table) || same(&change.table, bare)) && column
    };
    let (severity, end) = match difference.sort {
        Sort::Gone | Sort::Reason => (Severity::Warning, ""),
        Sort::Decision | Sort::New if changes.iter().any(told) => return None,
        Sort::New | Sort::Schema | Sort::Decision | Sort::Expires => {
            (Severity::Error, ": it was not approved so, and needs approval again")
        }
    };
    let locked = new.tables.get(table);
    let place = match &difference.column {
        Some(column) => locked.and_then(|table| table.columns.get(column)).map(|column| column.place),
        None => locked.map(|table| table.place),
    };
    let place = place.or(difference.place).unwrap_or_default();
    let what = format!("{difference}{end}");
    Some(Finding {
        table: Some(TableName::plain(table)),
        column: difference.column.clone(),
        ..at(place, finding("approval-void", severity, file, what))
    })
}

/// A decision without its reasons, for comparing.
fn without_reason(text: &str) -> String {
    let mut out = text.to_owned();
    while let Some(from) = out.find("reason = \"") {
        let rest = &out[from + 10..];
        let mut escaped = false;
        let end = rest.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let Some((length, _)) = end else { break };
        let mut to = from + 10 + length + 1;
        let mut begin = from;
        if out[to..].starts_with(", ") {
            to += 2;
        } else if out[..from].ends_with(", ") {
            begin -= 2;
        }
        out.replace_range(begin..to, "");
    }
    // `{ mask = "x" }` says the same as `"x"`.
    let short = out.strip_prefix("{ mask = \"").and_then(|rest| rest.strip_suffix("\" }"));
    short.filter(|name| !name.contains('"')).map_or(out.clone(), |name| format!("\"{name}\""))
}

/// The first line that differs, counted from 1 in the new text.
fn first_difference(old: &str, new: &str) -> Option<usize> {
    let (old, new) = (crate::policy::statement::canonical(old), crate::policy::statement::canonical(new));
    if old == new {
        return None;
    }
    let same = old.lines().zip(new.lines()).take_while(|(a, b)| a == b).count();
    Some((same + 1).min(new.lines().count().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_left_out() {
        assert_eq!(without_reason("{ mask = \"keep\", reason = \"a \\\" b\" }"), "\"keep\"");
        assert_eq!(without_reason("{ mask = \"x\", reason = \"a\", length = 2 }"), "{ mask = \"x\", length = 2 }");
        assert_eq!(without_reason("mode = \"exclude\", reason = \"a\""), "mode = \"exclude\"");
        assert_eq!(without_reason("\"email\""), "\"email\"");
    }

    #[test]
    fn the_first_line_that_differs() {
        assert_eq!(first_difference("a\nb\n", "a\r\nb\r\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\nb\nc\n", "a\n"), Some(1));
        assert_eq!(first_difference("", "x"), Some(1));
    }
}
