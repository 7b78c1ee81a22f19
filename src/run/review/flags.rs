//! What deserves a look in a policy: what a check finds, and from the inventory what is kept with a reason and what is weak.

use super::document::{Flag, TableView};
use super::file_name;
use crate::error::Kind;
use crate::mask::{Determinism, Strength};
use crate::model::schema::Family;
use crate::model::tier::Tier;
use crate::policy::Policy;
use crate::policy::file::ENVIRONMENTS;
use crate::policy::findings::{Finding, Severity};
use crate::policy::inventory::{ColumnRecord, Decision, Inventory, TableRecord};

/// Everything that was found, worst first: what a check finds, and what else a reader should see of columns that it has nothing
/// to say about.
pub(super) fn findings(policy: &Policy, inventory: &Inventory, checked: &[Finding]) -> Vec<Finding> {
    let mut found = checked.to_vec();
    for table in &inventory.tables {
        let makes = Makes { policy, table };
        // What an approval says of a column is about its edit, not about its decision.
        let is_told = |column: Option<&str>| {
            checked.iter().any(|known| {
                known.table.as_ref() == Some(&table.table)
                    && known.column.as_deref() == column
                    && !known.rule.starts_with("approval-")
            })
        };
        if table.modes.contains(&None) && !is_told(None) {
            let what = format!("table {} is not decided on", table.table);
            let hint = "Give it a mode, or decide its columns.";
            found.push(makes.finding("undecided-table", Severity::Error, None, what, hint));
        }
        for column in table.columns.iter().filter(|column| !is_told(Some(&column.column.name))) {
            if (0..3).any(|environment| is_open(table, column, environment)) {
                let what = format!("{} is not decided on{}", makes.named(column), looks_like(column));
                let hint = "Add a mask, or keep it with a reason.";
                found.push(makes.finding("undecided-column", Severity::Error, Some(column), what, hint));
            }
            found.extend(kept(&makes, column));
            found.extend(weak(&makes, column));
        }
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

fn is_open(table: &TableRecord, column: &ColumnRecord, environment: usize) -> bool {
    let has_rows = table.modes[environment].is_some_and(crate::policy::Mode::has_rows);
    has_rows && !column.column.generated && column.decisions[environment].is_none()
}

fn looks_like(column: &ColumnRecord) -> String {
    match column.guess.tier {
        Tier::None => String::new(),
        tier => format!(" and looks like {} ({})", column.guess.kind.replace('_', " "), tier.words()),
    }
}

/// The environments, other than production's refused tables, whose decision is so.
fn environments(table: &TableRecord, column: &ColumnRecord, wanted: impl Fn(&Decision) -> bool) -> Vec<&'static str> {
    let taken = |environment: usize| table.modes[environment].is_some_and(crate::policy::Mode::has_rows);
    let is = |environment: &usize| taken(*environment) && column.decisions[*environment].as_ref().is_some_and(&wanted);
    (0..3).filter(is).map(|environment| ENVIRONMENTS[environment]).collect()
}

/// Personal data that is copied as it is.
fn kept(makes: &Makes<'_>, column: &ColumnRecord) -> Option<Finding> {
    let tier = column.guess.tier;
    if !tier.wants_mask() {
        return None;
    }
    let kept = |decision: &Decision| decision.strength() == Strength::Kept;
    let everywhere = environments(makes.table, column, kept);
    let without = environments(makes.table, column, |decision| kept(decision) && decision.rule.reason().is_none());
    let conditional = environments(makes.table, column, |decision| kept(decision) && decision.rule.when.is_some());
    let (first, reasoned) = (everywhere.first()?, without.is_empty());
    let severity = match (tier, reasoned) {
        (Tier::Direct | Tier::Credential, _) | (_, false) => Severity::Warning,
        (_, true) => Severity::Note,
    };
    let how = if conditional.contains(first) { "kept where its condition does not hold" } else { "kept as it is" };
    let why = if reasoned { "a reason is given" } else { "no reason is given" };
    let what = format!("{} is {how} in {}{}; {why}", makes.named(column), everywhere.join(", "), looks_like(column));
    Some(makes.finding("kept-personal", severity, Some(column), what, "Mask it, or say why it has to stay."))
}

/// Masks that leave a part, and fakes that only rename a handful of values.
fn weak(makes: &Makes<'_>, column: &ColumnRecord) -> Option<Finding> {
    let tier = column.guess.tier;
    if !tier.wants_mask() {
        return None;
    }
    let partial = environments(makes.table, column, |decision| decision.strength() == Strength::Partial);
    if !partial.is_empty() {
        let severity = if matches!(tier, Tier::Direct | Tier::Credential) { Severity::Warning } else { Severity::Note };
        let what = format!(
            "{}: the mask leaves a part or a relation of the original in {}",
            makes.named(column),
            partial.join(", ")
        );
        return Some(makes.finding(
            "partial-mask",
            severity,
            Some(column),
            what,
            "Parts of an identifier count as the identifier under some rules.",
        ));
    }
    let few = matches!(column.column.family, Family::Boolean | Family::Enum);
    let renames = |decision: &Decision| {
        decision.strength() == Strength::Pseudonym
            && decision.rule.mask.determinism == Determinism::Value
            && decision.rule.subject.is_none()
    };
    let renamed = environments(makes.table, column, renames);
    (few && !renamed.is_empty()).then(|| {
        let what = format!("{}: few values, each with one fake; their shares show which is which", makes.named(column));
        makes.finding("few-values", Severity::Warning, Some(column), what, "Shuffle it, or remove it.")
    })
}

struct Makes<'a> {
    policy: &'a Policy,
    table: &'a TableRecord,
}

impl Makes<'_> {
    fn named(&self, column: &ColumnRecord) -> String {
        format!("{}.{}", self.table.table, column.column.name.escape_debug())
    }

    fn finding(
        &self,
        rule: &'static str,
        severity: Severity,
        column: Option<&ColumnRecord>,
        what: String,
        hint: &str,
    ) -> Finding {
        let decided = column.and_then(|column| column.decisions.iter().flatten().next());
        Finding {
            rule,
            severity,
            kind: Kind::Policy,
            file: self.policy.file.clone(),
            place: decided.map(|decision| decision.rule.place).or(self.table.place),
            table: Some(self.table.table.clone()),
            column: column.map(|column| column.column.name.clone()),
            what,
            hint: Some(hint.to_owned()),
        }
    }
}

/// The findings as flags, each marked on its column.
pub(super) fn placed(findings: &[Finding], policy: &Policy, tables: &mut [TableView]) -> Vec<Flag> {
    let mut flags = Vec::with_capacity(findings.len());
    for finding in findings {
        let table = finding.table.as_ref().map(ToString::to_string);
        let at = table.as_ref().and_then(|name| called(name, tables));
        let column = at.zip(finding.column.as_ref()).and_then(|(at, name)| {
            let number = tables[at].columns.iter().position(|column| column.name == *name)?;
            tables[at].columns[number].flags.push(flags.len());
            Some((at, number))
        });
        let (hint, paste) = finding.hint.as_deref().map(advice).unwrap_or_default();
        let elsewhere = !finding.file.is_empty() && finding.file != policy.file;
        flags.push(Flag {
            rule: finding.rule,
            severity: finding.severity.word(),
            table,
            column: finding.column.clone(),
            file: elsewhere.then(|| file_name(&finding.file).to_owned()),
            line: finding.place.map(|place| place.line).filter(|line| *line > 0),
            what: finding.what.clone(),
            hint: Some(hint).filter(|hint| !hint.is_empty()),
            paste,
            at: column,
        });
    }
    flags
}

/// The table of that name; a policy may leave the schema away where one table has the name.
fn called(name: &str, tables: &[TableView]) -> Option<usize> {
    let bare = |table: &TableView| table.name.strip_suffix(name).is_some_and(|schema| schema.ends_with('.'));
    let mut of_some_schema = (0..tables.len()).filter(|&at| bare(&tables[at]));
    let exact = tables.iter().position(|table| table.name == name);
    exact.or_else(|| of_some_schema.next().filter(|_| of_some_schema.next().is_none()))
}

/// A hint as what to do, in one line, and the lines to paste, which come after a blank one.
pub(super) fn advice(hint: &str) -> (String, Option<String>) {
    let (sentence, paste) = match hint.split_once("\n\n") {
        Some((sentence, paste)) => (sentence, Some(paste.trim_end().to_owned())),
        None => (hint, None),
    };
    (sentence.lines().map(str::trim).collect::<Vec<_>>().join(" "), paste)
}
