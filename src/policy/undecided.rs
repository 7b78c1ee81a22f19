//! Default deny: columns and tables without a decision stop everything, with a proposal to check and paste.

use super::file::{Mode, Policy};
use super::findings::{Finding, Found};
use super::names::{key, quoted};
use super::propose::propose;
use super::resolve::Draft;
use crate::error::{Error, Kind};
use crate::model::schema::TableKind;

/// Finds undecided columns and tables.
pub(super) fn find(policy: &Policy, drafts: &[Draft<'_>], found: &mut Found) {
    let mut findings = Vec::new();
    for draft in drafts {
        let (name, section) = (&draft.table.name, &policy.section);
        if draft.mode.is_none() {
            let what = format!("table {name} is in the database and not in the policy");
            let finding = Finding::new("new-table", policy, draft.place, what).kind(Kind::Drift).table(name);
            let toml = whole_table(policy, drafts, draft);
            findings
                .push(finding.hint(format!("Decide it in {}. A proposal to check and paste:\n\n{toml}", policy.file)));
            continue;
        }
        for at in draft.open_columns() {
            let what = format!("column {name}.{} is in the database and has no decision", shown(draft, at));
            let finding = Finding::new("new-column", policy, draft.place, what).kind(Kind::Drift);
            let toml = format!("[{section}tables.{}.columns]\n{}", key(&name.to_string()), rules(drafts, draft, &[at]));
            let finding = finding.column(name, &draft.table.columns[at].name);
            findings
                .push(finding.hint(format!("Decide it in {}. A proposal to check and paste:\n\n{toml}", policy.file)));
        }
    }
    found.all(findings, || refusal(policy, drafts));
}

/// All undecided columns and tables in one error.
fn refusal(policy: &Policy, drafts: &[Draft<'_>]) -> Error {
    let (mut places, mut lines, mut columns, mut tables) = (Vec::new(), Vec::new(), 0, 0);
    for draft in drafts {
        let name = &draft.table.name;
        if draft.mode.is_none() {
            tables += 1;
            places.push(format!("table {name}"));
            lines.push(whole_table(policy, drafts, draft));
            continue;
        }
        let open = draft.open_columns();
        if !open.is_empty() {
            columns += open.len();
            let listed: Vec<String> = open.iter().map(|&at| shown(draft, at)).collect();
            places.push(format!("{name}: {}", listed.join(", ")));
            let heading = format!("[{}tables.{}.columns]", policy.section, key(&name.to_string()));
            lines.push(format!("{heading}\n{}", rules(drafts, draft, &open)));
        }
    }
    let count = match (columns, tables) {
        (0, tables) => format!("{tables} undecided table{}", plural(tables)),
        (columns, 0) => format!("{columns} undecided column{}", plural(columns)),
        (columns, tables) => {
            format!("{columns} undecided column{} and {tables} undecided table{}", plural(columns), plural(tables))
        }
    };
    let what = format!("{count}, and nothing is kept by default\n  {}", places.join("\n  "));
    Error::policy(what).hint(format!(
        "Decide each one in {}. A proposal from names and types, to check and paste:\n\n{}",
        policy.file,
        lines.join("\n\n")
    ))
}

/// The identifiers in a piece of SQL, without their quotes.
pub(super) fn words_of(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).filter(|word| !word.is_empty())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn shown(draft: &Draft<'_>, at: usize) -> String {
    draft.table.columns[at].name.escape_debug().to_string()
}

/// `name = rule` for each column.
fn rules(drafts: &[Draft<'_>], draft: &Draft<'_>, columns: &[usize]) -> String {
    let line = |at: &usize| format!("{} = {}", key(&draft.table.columns[*at].name), rule(drafts, draft, *at, 0));
    columns.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What to write for a column: what the key that it refers to has or would get, else by its name and type.
fn rule(drafts: &[Draft<'_>], draft: &Draft<'_>, at: usize, depth: usize) -> String {
    let name = &draft.table.columns[at].name;
    for foreign in draft.table.foreign_keys.iter().filter(|_| depth < 8) {
        let Some(position) = foreign.columns.iter().position(|column| column == name) else { continue };
        let Some(parent) = drafts.iter().find(|parent| parent.table.name == foreign.parent) else { continue };
        let named = foreign.parent_columns.get(position).and_then(|column| parent.table.column_index(column));
        let Some(parent_at) = named.or_else(|| parent.table.primary_key.get(position).copied()) else { continue };
        if parent.table.name == draft.table.name && parent_at == at {
            continue;
        }
        return match &parent.rules[parent_at] {
            Some(decided) if decided.subject.is_none() => decided.toml(),
            Some(_) => continue,
            None => rule(drafts, parent, parent_at, depth + 1),
        };
    }
    propose(draft.table, at).rule
}

fn whole_table(policy: &Policy, drafts: &[Draft<'_>], draft: &Draft<'_>) -> String {
    let name = format!("{}tables.{}", policy.section, key(&draft.table.name.to_string()));
    if draft.table.kind != TableKind::Ordinary {
        return format!("[{name}]\nmode = \"{}\"", Mode::Exclude.word());
    }
    let stored = draft.table.stored_columns();
    let (kept, masked): (Vec<usize>, Vec<usize>) =
        stored.into_iter().partition(|&at| rule(drafts, draft, at, 0) == quoted("keep"));
    let mut lines = vec![format!("[{name}]"), format!("mode = \"{}\"", Mode::Capture.word())];
    if !kept.is_empty() {
        let kept: Vec<String> = kept.iter().map(|&at| quoted(&draft.table.columns[at].name)).collect();
        lines.push(format!("keep = [{}]", kept.join(", ")));
    }
    if !masked.is_empty() {
        lines.push(format!("[{name}.columns]"));
        lines.push(rules(drafts, draft, &masked));
    }
    lines.join("\n")
}
