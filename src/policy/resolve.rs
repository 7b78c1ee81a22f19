//! Holds a policy against the live catalogue: the result is a mask for every stored column of every table whose rows are
//! taken, or an error that lists everything that is missing or does not fit. There is no default that keeps.

use super::agree;
use super::file::{ColumnRule, ENVIRONMENTS, Mode, Policy, TableRules};
use super::names::{self, Found};
use super::propose::propose;
use super::undecided;
use crate::error::{Error, Kind, Result};
use crate::mask::key::{Keyring, MasterKey};
use crate::mask::{ColumnMask, Site, Uniqueness};
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use std::collections::BTreeMap;

/// What a capture does, table by table.
#[derive(Debug)]
pub struct Plan {
    /// The environment whose rules these are.
    pub environment: String,
    /// One entry per table of the catalogue, in its order.
    pub tables: Vec<TablePlan>,
    /// Worth a reviewer's look; nothing that stops a capture.
    pub warnings: Vec<String>,
}

impl Plan {
    /// The columns whose originals a mask replaces.
    #[must_use]
    pub fn masked_columns(&self) -> usize {
        let columns = self.tables.iter().flat_map(|table| &table.columns);
        columns.filter(|column| !column.definition.keeps_original).count()
    }
}

/// What a capture does with one table.
#[derive(Debug)]
pub struct TablePlan {
    /// The table.
    pub table: TableName,
    /// What is taken of it.
    pub mode: Mode,
    /// One mask per stored column, in order; empty unless rows are taken.
    pub columns: Vec<ColumnMask>,
}

/// A table's decisions before masks are built.
pub(super) struct Draft<'a> {
    pub(super) table: &'a Table,
    /// Absent: undecided.
    pub(super) mode: Option<Mode>,
    /// By index into the table's columns. Absent: undecided, generated, or of a table whose rows are not taken.
    pub(super) rules: Vec<Option<ColumnRule>>,
}

impl Draft<'_> {
    pub(super) fn has_rows(&self) -> bool {
        self.mode.is_some_and(Mode::has_rows)
    }

    /// Stored columns without a decision, of a table whose rows are taken.
    pub(super) fn open_columns(&self) -> Vec<usize> {
        if !self.has_rows() {
            return Vec::new();
        }
        self.table.stored_columns().into_iter().filter(|&at| self.rules[at].is_none()).collect()
    }
}

/// Finds a mask for every column.
///
/// # Errors
/// Kind `Usage` for an environment that does not exist, `Drift` for tables and columns that the database does not have,
/// `Policy` for undecided columns and tables and for masks that do not fit.
pub fn resolve(policy: &Policy, catalogue: &Catalogue, environment: &str, master: &MasterKey) -> Result<Plan> {
    if !ENVIRONMENTS.contains(&environment) {
        let error = Error::usage(format!("there is no environment '{}'", environment.escape_debug()));
        return Err(error.hint(format!("Choose one of {}.", ENVIRONMENTS.join(", "))));
    }
    let overlay = policy.environments.get(environment);
    let base = matched(policy, &policy.tables, catalogue)?;
    let over = overlay.map(|tables| matched(policy, tables, catalogue)).transpose()?.unwrap_or_default();
    let mut drafts = Vec::with_capacity(catalogue.tables.len());
    for (at, table) in catalogue.tables.iter().enumerate() {
        drafts.push(draft(policy, table, base.get(&at).copied(), over.get(&at).copied())?);
    }
    undecided::refuse(policy, &drafts)?;
    refuse_modes(&drafts, environment)?;
    agree::refuse_conflicts(policy, &drafts)?;
    let warnings = warnings(&drafts);
    Ok(Plan { environment: environment.to_owned(), tables: build(policy, &drafts, environment, master)?, warnings })
}

/// The rules by index of their table in the catalogue. Every name in them exists.
fn matched<'a>(
    policy: &Policy,
    rules: &'a BTreeMap<String, TableRules>,
    catalogue: &Catalogue,
) -> Result<BTreeMap<usize, &'a TableRules>> {
    let mut found = BTreeMap::new();
    let (mut missing, mut hints) = (Vec::new(), Vec::new());
    for (name, rules) in rules {
        let (at, table) = match find_table(name, catalogue) {
            Found::At(at) => (at, &catalogue.tables[at]),
            Found::Several => {
                let what =
                    format!("{}:{}: several tables are called {}", policy.file, rules.place, name.escape_debug());
                return Err(Error::policy(what).hint("Write the schema too: [tables.\"schema.name\"]."));
            }
            Found::Missing => {
                missing.push(format!("table {} ({}:{})", name.escape_debug(), policy.file, rules.place));
                let known = catalogue.tables.iter().map(|table| table.name.name.as_str());
                hints.extend(names::closest(name, known).map(str::to_owned));
                continue;
            }
        };
        if found.insert(at, rules).is_some() {
            let what = format!("{}:{}: table {} has two sections", policy.file, rules.place, table.name);
            return Err(
                Error::policy(what).hint("Join them: names that differ in case or schema are the same table here.")
            );
        }
        let known = || table.columns.iter().map(|column| column.name.as_str());
        for (column, rule) in &rules.columns {
            if names::find(column, known()) == Found::Missing {
                let what = format!("column {}.{}", table.name, column.escape_debug());
                missing.push(format!("{what} ({}:{})", policy.file, rule.place));
                hints.extend(names::closest(column, known()).map(|close| format!("{}.{close}", table.name)));
            }
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let what = format!("the policy names what the database does not have: {}", missing.join(", "));
    let meant = if hints.is_empty() { String::new() } else { format!("Did you mean {}? ", hints.join(", ")) };
    Err(Error::drift(what).hint(format!("{meant}Change or remove the lines in {}.", policy.file)))
}

fn find_table(name: &str, catalogue: &Catalogue) -> Found {
    let mut exact = (0..catalogue.tables.len()).filter(|&at| catalogue.tables[at].name.is_named(name));
    match (exact.next(), exact.next()) {
        (Some(at), None) => return Found::At(at),
        (Some(_), Some(_)) => return Found::Several,
        (None, _) => {}
    }
    let folded = name.to_lowercase();
    let alike =
        |table: &Table| table.name.name.to_lowercase() == folded || table.name.to_string().to_lowercase() == folded;
    let mut found = (0..catalogue.tables.len()).filter(|&at| alike(&catalogue.tables[at]));
    match (found.next(), found.next()) {
        (Some(at), None) => Found::At(at),
        (Some(_), Some(_)) => Found::Several,
        (None, _) => Found::Missing,
    }
}

/// Joins what policy, overlay and defaults say about one table.
fn draft<'a>(
    policy: &Policy,
    table: &'a Table,
    base: Option<&TableRules>,
    over: Option<&TableRules>,
) -> Result<Draft<'a>> {
    let mut rules: Vec<Option<ColumnRule>> = vec![None; table.columns.len()];
    let mut said = false;
    for source in [base, over].into_iter().flatten() {
        let mut here = vec![false; table.columns.len()];
        for (name, rule) in &source.columns {
            said = true;
            match names::find(name, table.columns.iter().map(|column| column.name.as_str())) {
                Found::At(at) if !here[at] => {
                    here[at] = true;
                    rules[at] = Some(rule.clone());
                }
                _ => {
                    let place = format!("{}:{}", policy.file, rule.place);
                    let what = format!(
                        "{place}: it is not clear which column of {} '{}' means",
                        table.name,
                        name.escape_debug()
                    );
                    return Err(Error::policy(what).hint("Write the name exactly as the database does, and only once."));
                }
            }
        }
    }
    let stated = over.and_then(|rules| rules.mode).or_else(|| base.and_then(|rules| rules.mode));
    let mode = stated.or(said.then_some(Mode::Capture));
    for (at, column) in table.columns.iter().enumerate() {
        if column.generated || !mode.is_some_and(Mode::has_rows) {
            rules[at] = None;
        } else if rules[at].is_none() {
            let kept = policy.keep.iter().find(|(name, _)| **name == column.name).map(|(_, rule)| rule.clone());
            // A lookup table is kept as a whole, but for what looks personal: that takes a decision of its own.
            let reference = mode == Some(Mode::Reference) && !propose(table, at).personal;
            let place = base.or(over).map(|rules| rules.place).unwrap_or_default();
            rules[at] = kept.or_else(|| reference.then(|| ColumnRule::keep(place)));
        }
    }
    Ok(Draft { table, mode, rules })
}

fn refuse_modes(drafts: &[Draft<'_>], environment: &str) -> Result<()> {
    let named = |wrong: &dyn Fn(&Draft<'_>) -> bool| -> Vec<String> {
        drafts.iter().filter(|draft| wrong(draft)).map(|draft| draft.table.name.to_string()).collect()
    };
    let special = named(&|draft| draft.table.kind != TableKind::Ordinary && draft.mode != Some(Mode::Exclude));
    if !special.is_empty() {
        let what = format!("rows of virtual tables cannot be captured: {}", special.join(", "));
        return Err(Error::policy(what).hint("Give each of them mode = \"exclude\"."));
    }
    let captured = named(&|draft| draft.mode == Some(Mode::Capture));
    if environment == "production" && !captured.is_empty() {
        let what =
            format!("environment production takes reference tables only, and captured are {}", captured.join(", "));
        let hint = "Give them mode = \"exclude\" or \"structure\" under [environments.production.tables.NAME].";
        return Err(Error::policy(what).hint(hint));
    }
    Ok(())
}

fn warnings(drafts: &[Draft<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    for draft in drafts {
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let place = format!("{}.{}", draft.table.name, draft.table.columns[at].name.escape_debug());
            if rule.mask.keeps_original && rule.params.text("reason").is_none() && propose(draft.table, at).personal {
                warnings.push(format!("{place} is kept without a reason, and its name or type looks personal"));
            }
            if rule.mask.name == "ssn_tail" && rule.params.text("tail") == Some("real") {
                warnings.push(format!("{place} shows real tails of social security numbers"));
            }
        }
    }
    warnings
}

/// What all columns of one mask and domain have to fit, so that equal originals get equal fakes in each of them.
#[derive(Default)]
struct Shared {
    max_chars: Option<u32>,
    unique: bool,
}

fn build(policy: &Policy, drafts: &[Draft<'_>], environment: &str, master: &MasterKey) -> Result<Vec<TablePlan>> {
    let mut shared: BTreeMap<(String, String, String), Shared> = BTreeMap::new();
    let group = |rule: &ColumnRule| (rule.mask.name.to_owned(), rule.params.to_string(), rule.domain_name().to_owned());
    for draft in drafts {
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule.as_ref().filter(|rule| !rule.domain_name().is_empty()) else { continue };
            let entry = shared.entry(group(rule)).or_default();
            entry.max_chars = entry.max_chars.into_iter().chain(draft.table.columns[at].length).min();
            entry.unique |= unique_by(draft.table, at).is_some();
        }
    }
    let mut plans = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let mode = draft.mode.unwrap_or(Mode::Exclude);
        let mut columns = Vec::new();
        for at in draft.table.stored_columns() {
            let Some(rule) = draft.rules[at].as_ref() else { continue };
            let together = shared.get(&group(rule));
            columns.push(column(policy, draft, at, rule, together, environment, master).map_err(|error| {
                let name = draft.table.columns[at].name.escape_debug();
                error.within(format!("{}:{}: {}.{name}", policy.file, rule.place, draft.table.name))
            })?);
        }
        plans.push(TablePlan { table: draft.table.name.clone(), mode, columns });
    }
    Ok(plans)
}

fn column(
    policy: &Policy,
    draft: &Draft<'_>,
    at: usize,
    rule: &ColumnRule,
    together: Option<&Shared>,
    environment: &str,
    master: &MasterKey,
) -> Result<ColumnMask> {
    let about = &draft.table.columns[at];
    let mask = rule.mask;
    if !mask.accepts_family(about.family) {
        let error = Error::policy(format!("mask {} does not fit a column of family {}", mask.name, about.family));
        return Err(error.hint(format!("A proposal: {} = {}", names::key(&about.name), propose(draft.table, at).rule)));
    }
    let constraint = unique_by(draft.table, at);
    if let (Some(constraint), Uniqueness::None) = (&constraint, mask.unique) {
        let what = format!("mask {} cannot keep values apart, and {constraint} wants them unique", mask.name);
        return Err(Error::policy(what).hint("Use `token`, `hash` or `email`, or keep the column."));
    }
    let subject = rule.subject.as_deref().map(|name| subject(draft, name)).transpose()?;
    if let (Some((named, _)), Some(constraint)) = (subject, &constraint)
        && (mask.unique != Uniqueness::Tagged || !is_unique_alone(draft.table, named))
    {
        let what = format!("a subject cannot key values that {constraint} wants unique");
        return Err(Error::policy(what).hint("Leave subject out: the value itself then decides."));
    }
    let domain = rule.domain_name();
    let ring = Keyring::new(master, &policy.project, environment, policy.generation);
    let site = Site {
        max_chars: together.map_or(about.length, |shared| shared.max_chars),
        unique: together.map_or(constraint.is_some(), |shared| shared.unique),
        nullable: about.nullable,
        declared: about.declared.clone(),
        ..Site::free(&ring, domain, about.family)
    };
    let mut built = ColumnMask::build(mask, &about.name, &site, rule.params.clone())?;
    built.subject = subject.map(|(_, cell)| cell);
    domain.clone_into(&mut built.domain);
    Ok(built)
}

/// The subject's index into the table's columns and into the cells of a row.
fn subject(draft: &Draft<'_>, name: &str) -> Result<(usize, usize)> {
    let table = draft.table;
    let known = || table.columns.iter().map(|column| column.name.as_str());
    let found = match names::find(name, known()) {
        Found::At(at) => table.stored_columns().iter().position(|stored| *stored == at).map(|cell| (at, cell)),
        Found::Several | Found::Missing => None,
    };
    found.ok_or_else(|| {
        let what = format!("the subject '{}' is no stored column of {}", name.escape_debug(), table.name);
        let hint = names::did_you_mean(name, known());
        Error::new(Kind::Drift, what).hint(hint.unwrap_or_else(|| "Name the column that identifies the person.".into()))
    })
}

/// What wants the values of a column to differ, in words.
fn unique_by(table: &Table, at: usize) -> Option<String> {
    if table.primary_key.contains(&at) {
        return Some("the primary key".to_owned());
    }
    let unique = table.uniques.iter().find(|unique| unique.columns.contains(&at));
    unique.map(|unique| format!("unique constraint {}", unique.name.escape_debug()))
}

/// Whether no two rows share a value of this column.
fn is_unique_alone(table: &Table, at: usize) -> bool {
    table.primary_key == [at] || table.uniques.iter().any(|unique| !unique.partial && unique.columns == [at])
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
pub(super) mod tests;
