//! Default deny: columns and tables without a decision stop everything, with a proposal to check and paste.

use super::file::Policy;
use super::findings::{Finding, Found};
use super::names::key;
use super::propose::{Proposal, Proposals};
use super::resolve::Draft;
use crate::error::{Error, Kind};
use crate::model::schema::Catalogue;

/// Finds undecided columns and tables.
pub(super) fn find(policy: &Policy, catalogue: &Catalogue, drafts: &[Draft<'_>], found: &mut Found) {
    if drafts.iter().all(|draft| draft.mode.is_some() && draft.open_columns().is_empty()) {
        return;
    }
    let known = Known { catalogue, proposals: Proposals::of(catalogue), drafts };
    let mut findings = Vec::new();
    for (number, draft) in drafts.iter().enumerate() {
        let name = &draft.table.name;
        let hint = |toml: &str| format!("Decide it in {}. A proposal to check and paste:\n\n{toml}", policy.file);
        if draft.mode.is_none() {
            let what = format!("table {name} is in the database and not in the policy");
            let finding = Finding::new("new-table", policy, draft.place, what).kind(Kind::Drift).table(name);
            findings.push(finding.hint(hint(&known.whole_table(policy, number))));
            continue;
        }
        for at in draft.open_columns() {
            let what = format!("column {name}.{} is in the database and has no decision", shown(draft, at));
            let finding = Finding::new("new-column", policy, draft.place, what).kind(Kind::Drift);
            let finding = finding.column(name, &draft.table.columns[at].name);
            findings.push(finding.hint(hint(&known.section(policy, number, &[at]))));
        }
    }
    found.all(findings, || refusal(policy, &known));
}

/// All undecided columns and tables in one error.
fn refusal(policy: &Policy, known: &Known<'_, '_>) -> Error {
    let (mut places, mut lines, mut columns, mut tables) = (Vec::new(), Vec::new(), 0, 0);
    for (at, draft) in known.drafts.iter().enumerate() {
        let name = &draft.table.name;
        if draft.mode.is_none() {
            tables += 1;
            places.push(format!("table {name}"));
            lines.push(known.whole_table(policy, at));
            continue;
        }
        let open = draft.open_columns();
        if !open.is_empty() {
            columns += open.len();
            let listed: Vec<String> = open.iter().map(|&at| shown(draft, at)).collect();
            places.push(format!("{name}: {}", listed.join(", ")));
            lines.push(known.section(policy, at, &open));
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

/// What proposals are made of.
struct Known<'a, 'b> {
    catalogue: &'a Catalogue,
    proposals: Proposals<'a>,
    drafts: &'b [Draft<'b>],
}

impl Known<'_, '_> {
    /// The table's section with a line for each column.
    fn section(&self, policy: &Policy, table: usize, columns: &[usize]) -> String {
        let name = key(&self.drafts[table].table.name.to_string());
        format!("[{}tables.{name}.columns]\n{}", policy.section, self.rules(table, columns))
    }

    /// `name = rule` for each column.
    fn rules(&self, table: usize, columns: &[usize]) -> String {
        let line = |at: &usize| {
            let name = key(&self.drafts[table].table.columns[*at].name);
            match self.rule(table, *at, 0) {
                rule if rule.is_empty() => format!("# undecided: {name} = ..."),
                rule => format!("{name} = {rule}"),
            }
        };
        columns.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What to write for a column: what the key that it refers to has or would get, else by its name and type.
    fn rule(&self, table: usize, at: usize, depth: usize) -> String {
        let draft = &self.drafts[table];
        let name = &draft.table.columns[at].name;
        for foreign in draft.table.foreign_keys.iter().filter(|_| depth < 8) {
            let Some(position) = foreign.columns.iter().position(|column| column == name) else { continue };
            let Some(number) = self.catalogue.tables.iter().position(|table| table.name == foreign.parent) else {
                continue;
            };
            let parent = &self.drafts[number];
            let named = foreign.parent_columns.get(position).and_then(|column| parent.table.column_index(column));
            let Some(parent_at) = named.or_else(|| parent.table.primary_key.get(position).copied()) else { continue };
            if parent.table.name == draft.table.name && parent_at == at {
                continue;
            }
            return match &parent.rules[parent_at] {
                Some(decided) if decided.subject.is_none() => decided.toml(),
                Some(_) => continue,
                None => self.rule(number, parent_at, depth + 1),
            };
        }
        self.proposals.column(table, at).rule
    }

    fn whole_table(&self, policy: &Policy, table: usize) -> String {
        let mut sketch = self.proposals.sketch(table, 0);
        // What refers to a decided key has no choice.
        for column in &mut sketch.columns {
            let refers = self.drafts[table].table.foreign_keys.iter();
            let name = &self.drafts[table].table.columns[column.at].name;
            if refers.flat_map(|foreign| &foreign.columns).any(|own| own == name) {
                column.proposal = Proposal::of(self.rule(table, column.at, 0), column.proposal.personal);
            }
        }
        sketch.text(&policy.section, false)
    }
}
