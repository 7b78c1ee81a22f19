//! Holds a policy against the live catalogue: the result is a mask for every stored column of every table whose rows are
//! taken, or an error that lists everything that is missing or does not fit. There is no default that keeps.

use super::file::{ColumnRule, ENVIRONMENTS, Mode, Place, Policy, TableRules};
use super::names::{self, Found};
use super::propose::propose;
use super::references::References;
use super::{agree, build, subset, undecided};
use crate::error::{Error, Result};
use crate::mask::ColumnMask;
use crate::mask::key::{DomainKey, Keyring, MasterKey};
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use crate::model::subset::Subset;
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
    /// Which rows are taken, and the references that must hold between them.
    pub subset: Subset,
    /// What chooses rows where the policy leaves the choice open.
    pub sample: DomainKey,
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
    /// What the database is asked beside the stored columns, behind them in every row.
    pub extras: Vec<Extra>,
}

/// An expression that the database evaluates for every row, for the masks to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra {
    /// A validated condition in SQL; `0` where it does not hold, else `1`.
    Condition(String),
    /// The subject at the end of references.
    Path {
        /// The way.
        hops: Vec<Hop>,
        /// The column of the last table.
        value: String,
    },
}

/// One reference on the way to a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The referencing column of the table before.
    pub column: String,
    /// The referenced table.
    pub table: TableName,
    /// The referenced column.
    pub key: String,
}

/// A table's decisions before masks are built.
pub(super) struct Draft<'a> {
    pub(super) table: &'a Table,
    /// Where the table's section begins.
    pub(super) place: Place,
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
    let policy = &*policy.of_engine(catalogue.engine);
    let mut drafts = drafts(policy, catalogue, environment)?;
    let references = References::new(policy, catalogue)?;
    agree::inherit(&references, &mut drafts);
    build::name_entities(&references, &mut drafts);
    undecided::refuse(policy, &drafts)?;
    refuse_modes(&drafts, environment)?;
    refuse_revealing(policy, &drafts, environment)?;
    agree::refuse_conflicts(policy, &references, &drafts)?;
    let mut warnings = warnings(&drafts);
    let ring = Keyring::new(master, &policy.project, environment, policy.generation);
    let tables = build::tables(policy, catalogue, &references, &drafts, &ring, &mut warnings)?;
    let subset = subset::resolve(policy, catalogue, &references, &drafts)?;
    let sample = ring.domain("terp-fixtures v1 sample of rows");
    Ok(Plan { environment: environment.to_owned(), tables, warnings, subset, sample })
}

/// What one environment says of every table, before references are followed. `policy` is that of the catalogue's engine.
pub(super) fn drafts<'a>(policy: &Policy, catalogue: &'a Catalogue, environment: &str) -> Result<Vec<Draft<'a>>> {
    let overlay = policy.environments.get(environment);
    let base = matched(policy, &policy.tables, catalogue)?;
    let over = overlay.map(|tables| matched(policy, tables, catalogue)).transpose()?.unwrap_or_default();
    let never = subset::tables(policy, catalogue, "never", &policy.subset.never)?;
    let instead = policy.captured.get(environment);
    let mut drafts = Vec::with_capacity(catalogue.tables.len());
    for (at, table) in catalogue.tables.iter().enumerate() {
        let over = over.get(&at).copied();
        let mut draft = draft(policy, table, base.get(&at).copied(), over)?;
        let stated = over.is_some_and(|rules| rules.mode.is_some());
        let without_rows = match (draft.mode, instead) {
            (Some(Mode::Capture), Some(mode)) if !stated => Some(*mode),
            (Some(Mode::Exclude), _) => None,
            _ => never.contains(&at).then_some(Mode::Structure),
        };
        if let Some(mode) = without_rows {
            draft.mode = Some(mode);
            draft.rules.fill(None);
        }
        drafts.push(draft);
    }
    Ok(drafts)
}

/// The rules by index of their table in the catalogue. Every name in them exists.
pub(super) fn matched<'a>(
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

pub(super) fn find_table(name: &str, catalogue: &Catalogue) -> Found {
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
            let kept = policy.defaults.get(&column.name).cloned();
            // A lookup table is kept as a whole, but for what looks personal: that takes a decision of its own.
            let reference = mode == Some(Mode::Reference) && !propose(table, at).personal;
            let place = base.or(over).map(|rules| rules.place).unwrap_or_default();
            rules[at] = kept.or_else(|| reference.then(|| ColumnRule::keep(place)));
        }
    }
    let place = base.or(over).map(|rules| rules.place).unwrap_or_default();
    Ok(Draft { table, place, mode, rules })
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
        let hint = "Write mode = \"structure\" or \"exclude\" under [environments.production], for all of them, or under [environments.production.tables.NAME].";
        return Err(Error::policy(what).hint(hint));
    }
    Ok(())
}

/// Masks that show characters of the original are for staging; in `dev` each needs a written reason.
fn refuse_revealing(policy: &Policy, drafts: &[Draft<'_>], environment: &str) -> Result<()> {
    if environment != "dev" {
        return Ok(());
    }
    let shows = |rule: &ColumnRule| (rule.mask.reveals)(&rule.params) && rule.reason().is_none();
    for draft in drafts {
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let Some(rule) = [Some(rule), rule.otherwise.as_deref()].into_iter().flatten().find(|rule| shows(rule))
            else {
                continue;
            };
            let (file, place, mask) = (&policy.file, rule.place, rule.mask.name);
            let column = draft.table.columns[at].name.escape_debug();
            let what = format!(
                "{file}:{place}: {}.{column}: mask {mask} shows characters of the original, which dev does not allow",
                draft.table.name
            );
            let hint = format!(
                "Move the rule to [{}environments.staging.tables.{}.columns] and give dev a mask that shows nothing, or add reason = \"...\" for the reviewer.",
                policy.section,
                names::key(&draft.table.name.to_string())
            );
            return Err(Error::policy(what).hint(hint));
        }
    }
    Ok(())
}

fn warnings(drafts: &[Draft<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    for draft in drafts {
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let place = format!("{}.{}", draft.table.name, draft.table.columns[at].name.escape_debug());
            if rule.mask.keeps_original && rule.reason().is_none() && propose(draft.table, at).personal {
                warnings.push(format!("{place} is kept without a reason, and its name or type looks personal"));
            }
            if rule.when.is_some() && rule.otherwise.as_deref().is_none_or(|rule| rule.mask.keeps_original) {
                warnings.push(format!("{place} is kept where its condition does not hold"));
            }
            if rule.mask.name == "ssn_tail" && rule.params.text("tail") == Some("real") {
                warnings.push(format!("{place} shows real tails of social security numbers"));
            }
        }
    }
    warnings
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
pub(super) mod tests;
