//! Holds a policy against the live catalogue: the result is a mask for every stored column of every table whose rows are
//! taken, or an error that lists everything that is missing or does not fit. There is no default that keeps.

use super::file::{ColumnRule, ENVIRONMENTS, Mode, Place, Policy, TableRules};
use super::findings::{Finding, Found, Severity};
use super::names::{self, Found as Name};
use super::propose::is_personal;
use super::references::References;
use super::{agree, build, subset, undecided};
use crate::classify::Guesses;
use crate::error::{Error, Kind, Result};
use crate::mask::ColumnMask;
use crate::mask::key::{DomainKey, Keyring, MasterKey};
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use crate::model::subset::Subset;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Until when the table's section holds, and where that stands.
    pub(super) expires: Option<(Place, String)>,
    /// By index too: whether a column looks personal.
    pub(super) personal: Vec<bool>,
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
    let Examined { found, plan, .. } = examine(policy, catalogue, environment, master);
    found.refuse()?;
    Ok(plan)
}

/// The tables, by index, that the policy calls lookup tables in an environment. Whatever else is wrong with it does not matter here.
///
/// # Errors
/// Kind `Usage` for an environment that does not exist.
pub fn reference_tables(policy: &Policy, catalogue: &Catalogue, environment: &str) -> Result<BTreeSet<usize>> {
    if !ENVIRONMENTS.contains(&environment) {
        let error = Error::usage(format!("there is no environment '{}'", environment.escape_debug()));
        return Err(error.hint(format!("Choose one of {}.", ENVIRONMENTS.join(", "))));
    }
    let policy = &*policy.of_engine(catalogue.engine);
    let drafts = drafts(policy, catalogue, environment, &mut Found::default());
    let is_reference = |draft: &Draft<'_>| draft.mode == Some(Mode::Reference);
    Ok(drafts.iter().enumerate().filter(|(_, draft)| is_reference(draft)).map(|(at, _)| at).collect())
}

/// A policy held against a catalogue, with everything that is wrong. The plan is whole only where nothing is.
pub(super) struct Examined<'a> {
    pub(super) drafts: Vec<Draft<'a>>,
    pub(super) found: Found,
    plan: Plan,
}

/// Goes on behind every fault, so that all of them are found. `policy` is that of the catalogue's engine.
pub(super) fn examine<'a>(
    policy: &Policy,
    catalogue: &'a Catalogue,
    environment: &str,
    master: &MasterKey,
) -> Examined<'a> {
    let mut found = Found::default();
    let mut drafts = drafts(policy, catalogue, environment, &mut found);
    let references = References::new(policy, catalogue, &mut found);
    agree::inherit(&references, &mut drafts);
    build::name_entities(&references, &mut drafts);
    undecided::find(policy, catalogue, &drafts, &mut found);
    find_modes(policy, &drafts, environment, &mut found);
    find_revealing(policy, &drafts, environment, &mut found);
    agree::find_conflicts(policy, &references, &drafts, &mut found);
    find_warnings(policy, &drafts, &mut found);
    let ring = Keyring::new(master, &policy.project, environment, policy.generation);
    let tables = build::tables(policy, catalogue, &references, &drafts, &ring, &mut found);
    let subset = subset::resolve(policy, catalogue, &references, &drafts).unwrap_or_else(|error| {
        found.add(Finding::of("subset", policy, &error));
        Subset::default()
    });
    let sample = ring.domain("terp-fixtures v1 sample of rows");
    let warnings = found.findings.iter().filter(|finding| finding.severity == Severity::Warning);
    let warnings = warnings.map(|finding| finding.what.clone()).collect();
    let plan = Plan { environment: environment.to_owned(), tables, warnings, subset, sample };
    Examined { drafts, found, plan }
}

/// What one environment says of every table, before references are followed. `policy` is that of the catalogue's engine.
pub(super) fn drafts<'a>(
    policy: &Policy,
    catalogue: &'a Catalogue,
    environment: &str,
    found: &mut Found,
) -> Vec<Draft<'a>> {
    let overlay = policy.environments.get(environment);
    let base = matched(policy, &policy.tables, catalogue, found);
    let over = overlay.map(|tables| matched(policy, tables, catalogue, found)).unwrap_or_default();
    let mut never = Vec::new();
    for named in &policy.subset.never {
        match subset::tables(policy, catalogue, "never", std::slice::from_ref(named)) {
            Ok(tables) => never.extend(tables),
            Err(error) => found.add(Finding::of("missing-table", policy, &error)),
        }
    }
    let instead = policy.captured.get(environment);
    let guesses = Guesses::of(&catalogue.tables);
    let mut drafts = Vec::with_capacity(catalogue.tables.len());
    for (at, table) in catalogue.tables.iter().enumerate() {
        let over = over.get(&at).copied();
        let personal = (0..table.columns.len()).map(|column| guesses.at(at, column).is_some_and(is_personal)).collect();
        let mut draft = draft(policy, table, base.get(&at).copied(), over, personal, found);
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
    drafts
}

/// A name of the policy that the database does not have, and the one that was probably meant.
struct Missing {
    finding: Finding,
    shown: String,
    meant: Option<String>,
}

/// The rules by index of their table in the catalogue. Every table in them exists; columns that do not are faults.
pub(super) fn matched<'a>(
    policy: &Policy,
    rules: &'a BTreeMap<String, TableRules>,
    catalogue: &Catalogue,
    found: &mut Found,
) -> BTreeMap<usize, &'a TableRules> {
    let mut matched = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, rules) in rules {
        let (at, table) = match find_table(name, catalogue) {
            Name::At(at) => (at, &catalogue.tables[at]),
            Name::Several => {
                let what = format!("several tables are called {}", name.escape_debug());
                let hint = "Write the schema too: [tables.\"schema.name\"].";
                found.add(Finding::new("ambiguous-name", policy, rules.place, what).hint(hint));
                continue;
            }
            Name::Missing => {
                missing.push(missing_table(policy, name, rules.place, catalogue));
                continue;
            }
        };
        if matched.insert(at, rules).is_some() {
            let what = format!("table {} has two sections", table.name);
            let finding = Finding::new("ambiguous-name", policy, rules.place, what).table(&table.name);
            found.add(finding.hint("Join them: names that differ in case or schema are the same table here."));
        }
        let known = || table.columns.iter().map(|column| column.name.as_str());
        let gone = rules.columns.iter().filter(|(column, _)| names::find(column, known()) == Name::Missing);
        missing.extend(gone.map(|(column, rule)| missing_column(policy, table, column, rule.place)));
    }
    let (shown, meant): (Vec<String>, Vec<Option<String>>) =
        missing.iter().map(|missing| (missing.shown.clone(), missing.meant.clone())).unzip();
    found.all(missing.into_iter().map(|missing| missing.finding).collect(), || {
        let what = format!("the policy names what the database does not have: {}", shown.join(", "));
        let meant: Vec<String> = meant.into_iter().flatten().collect();
        let meant = if meant.is_empty() { String::new() } else { format!("Did you mean {}? ", meant.join(", ")) };
        Error::drift(what).hint(format!("{meant}Change or remove the lines in {}.", policy.file))
    });
    matched
}

fn missing_table(policy: &Policy, name: &str, place: Place, catalogue: &Catalogue) -> Missing {
    let meant = names::closest(name, catalogue.tables.iter().map(|table| table.name.name.as_str()));
    let name = name.escape_debug();
    let what = format!("table {name} is in the policy and not in the database");
    let finding = Finding::new("missing-table", policy, place, what).kind(Kind::Drift);
    let finding = finding.table(&TableName::plain(name.to_string())).hint(instead(meant));
    Missing { finding, shown: format!("table {name} ({}:{place})", policy.file), meant: meant.map(str::to_owned) }
}

fn missing_column(policy: &Policy, table: &Table, column: &str, place: Place) -> Missing {
    let meant = names::closest(column, table.columns.iter().map(|column| column.name.as_str()));
    let what = format!("column {}.{}", table.name, column.escape_debug());
    let shown = format!("{what} ({}:{place})", policy.file);
    let what = format!("{what} is in the policy and not in the database");
    let finding = Finding::new("missing-column", policy, place, what).kind(Kind::Drift);
    let finding = finding.column(&table.name, column).hint(instead(meant));
    Missing { finding, shown, meant: meant.map(|close| format!("{}.{close}", table.name)) }
}

fn instead(meant: Option<&str>) -> String {
    meant.map_or_else(
        || "Remove the line, or rename it if the database's name has changed.".to_owned(),
        |meant| format!("Did you mean '{}'? Else remove the line.", meant.escape_debug()),
    )
}

pub(super) fn find_table(name: &str, catalogue: &Catalogue) -> Name {
    let mut exact = (0..catalogue.tables.len()).filter(|&at| catalogue.tables[at].name.is_named(name));
    match (exact.next(), exact.next()) {
        (Some(at), None) => return Name::At(at),
        (Some(_), Some(_)) => return Name::Several,
        (None, _) => {}
    }
    let folded = name.to_lowercase();
    let alike =
        |table: &Table| table.name.name.to_lowercase() == folded || table.name.to_string().to_lowercase() == folded;
    let mut found = (0..catalogue.tables.len()).filter(|&at| alike(&catalogue.tables[at]));
    match (found.next(), found.next()) {
        (Some(at), None) => Name::At(at),
        (Some(_), Some(_)) => Name::Several,
        (None, _) => Name::Missing,
    }
}

/// Joins what policy, overlay and defaults say about one table.
fn draft<'a>(
    policy: &Policy,
    table: &'a Table,
    base: Option<&TableRules>,
    over: Option<&TableRules>,
    personal: Vec<bool>,
    found: &mut Found,
) -> Draft<'a> {
    let mut rules: Vec<Option<ColumnRule>> = vec![None; table.columns.len()];
    let mut said = false;
    for source in [base, over].into_iter().flatten() {
        let mut here = vec![false; table.columns.len()];
        for (name, rule) in &source.columns {
            said = true;
            match names::find(name, table.columns.iter().map(|column| column.name.as_str())) {
                Name::At(at) if !here[at] => {
                    here[at] = true;
                    rules[at] = Some(rule.clone());
                }
                // That is a fault already.
                Name::Missing => {}
                _ => {
                    let what =
                        format!("it is not clear which column of {} '{}' means", table.name, name.escape_debug());
                    let finding = Finding::new("ambiguous-name", policy, rule.place, what).column(&table.name, name);
                    found.add(finding.hint("Write the name exactly as the database does, and only once."));
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
            let reference = mode == Some(Mode::Reference) && !personal[at];
            let place = base.or(over).map(|rules| rules.place).unwrap_or_default();
            rules[at] = kept.or_else(|| reference.then(|| ColumnRule::keep(place)));
        }
    }
    let place = base.or(over).map(|rules| rules.place).unwrap_or_default();
    let expires = [over, base].into_iter().flatten().find_map(|rules| Some((rules.place, rules.expires.clone()?)));
    Draft { table, place, mode, rules, expires, personal }
}

fn find_modes(policy: &Policy, drafts: &[Draft<'_>], environment: &str, found: &mut Found) {
    let wrong = |rule: &'static str, what: &str, hint: &str, is_wrong: &dyn Fn(&Draft<'_>) -> bool| {
        let wrong = drafts.iter().filter(|draft| is_wrong(draft));
        let finding = |draft: &Draft<'_>| {
            let what = format!("table {}: {what}", draft.table.name);
            Finding::new(rule, policy, draft.place, what).table(&draft.table.name).hint(hint)
        };
        wrong.map(|draft| (finding(draft), draft.table.name.to_string())).unzip::<_, _, Vec<_>, Vec<_>>()
    };
    let hint = "Give each of them mode = \"exclude\".";
    let (findings, names) = wrong("virtual-rows", "rows of virtual tables cannot be captured", hint, &|draft| {
        draft.table.kind != TableKind::Ordinary && !matches!(draft.mode, None | Some(Mode::Exclude))
    });
    found.all(findings, || {
        Error::policy(format!("rows of virtual tables cannot be captured: {}", names.join(", "))).hint(hint)
    });
    let hint = "Write mode = \"structure\" or \"exclude\" under [environments.production], for all of them, or under [environments.production.tables.NAME].";
    let what = "environment production takes reference tables only";
    let (findings, names) =
        wrong("production-rows", what, hint, &|draft| environment == "production" && draft.mode == Some(Mode::Capture));
    found.all(findings, || Error::policy(format!("{what}, and captured are {}", names.join(", "))).hint(hint));
}

/// Masks that show characters of the original are for staging; in `dev` each needs a written reason.
fn find_revealing(policy: &Policy, drafts: &[Draft<'_>], environment: &str, found: &mut Found) {
    if environment != "dev" {
        return;
    }
    let shows = |rule: &ColumnRule| (rule.mask.reveals)(&rule.params) && rule.reason().is_none();
    for draft in drafts {
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let Some(rule) = [Some(rule), rule.otherwise.as_deref()].into_iter().flatten().find(|rule| shows(rule))
            else {
                continue;
            };
            let column = &draft.table.columns[at].name;
            let what = format!(
                "{}.{}: mask {} shows characters of the original, which dev does not allow",
                draft.table.name,
                column.escape_debug(),
                rule.mask.name
            );
            let hint = format!(
                "Move the rule to [{}environments.staging.tables.{}.columns] and give dev a mask that shows nothing, or add reason = \"...\" for the reviewer.",
                policy.section,
                names::key(&draft.table.name.to_string())
            );
            let finding = Finding::new("revealing-mask", policy, rule.place, what).hint(hint);
            found.add(finding.column(&draft.table.name, column));
        }
    }
}

fn find_warnings(policy: &Policy, drafts: &[Draft<'_>], found: &mut Found) {
    for draft in drafts {
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let column = &draft.table.columns[at].name;
            let mut warn = |id: &'static str, what: &str, hint: &str| {
                let what = format!("{}.{} {what}", draft.table.name, column.escape_debug());
                let finding = Finding::new(id, policy, rule.place, what).severity(Severity::Warning);
                found.add(finding.column(&draft.table.name, column).hint(hint));
            };
            if rule.mask.keeps_original && rule.reason().is_none() && draft.personal[at] {
                let what = "is kept without a reason, and its name or type looks personal";
                warn("kept-personal", what, KEPT_HINT);
            }
            if rule.when.is_some() && rule.otherwise.as_deref().is_none_or(|rule| rule.mask.keeps_original) {
                let hint = "Add otherwise = \"...\": a mask for the rows where the condition does not hold.";
                warn("condition-keeps", "is kept where its condition does not hold", hint);
            }
            if rule.mask.name == "ssn_tail" && rule.params.text("tail") == Some("real") {
                let hint = "Leave tail = \"real\" out, unless the reason given really needs it.";
                warn("real-tail", "shows real tails of social security numbers", hint);
            }
        }
    }
}

/// What to do about a column that is kept.
pub(super) const KEPT_HINT: &str = "Give it a mask, or say why it may stay: { mask = \"keep\", reason = \"...\" }.";

#[cfg(test)]
#[path = "resolve_tests.rs"]
pub(super) mod tests;
