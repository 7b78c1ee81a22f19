//! Makes a lock of a policy and a database's catalogue. What is as before keeps who decided it and when.

use super::written::{Written, told};
use super::{Each, Lock, LockedColumn, LockedTable, has_expired, table_fingerprint};
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, Table, TableName};
use crate::policy::file::{Mode, Place, Policy};
use crate::policy::inventory::{ColumnRecord, Inventory, Origin, TableRecord};
use std::collections::BTreeMap;

/// Who decides what is new or changed, and from when to when that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// Who.
    pub by: String,
    /// Today, `YYYY-MM-DD`.
    pub on: String,
    /// The day on which new decisions have to be made again.
    pub expires: Option<String>,
    /// Decide again what has expired by today.
    pub renew: bool,
}

/// What stands for a decision where a mask is none.
const NO_ROWS: &str = "no rows";
const NOT_TAKEN: &str = "not taken";
pub(super) const COMPUTED: &str = "computed by the database";
pub(super) const UNDECIDED: &str = "undecided";
/// Decisions that follow from others, which the policy does not write.
pub(super) const INHERITED: &str = "as what it refers to: ";
pub(super) const REFERENCE: &str = "keep, as the lookup table that it is in";

impl Lock {
    /// The lock of a policy and a catalogue. `inventory` is of both.
    ///
    /// # Errors
    /// Kind `Policy` where a table or column is decided in no environment, or two tables have one name.
    pub fn of(
        file: &str,
        policy: &Policy,
        (catalogue, inventory): (&Catalogue, &Inventory),
        before: Option<&Self>,
        decider: &Decider,
    ) -> Result<Self> {
        let (lock, open) = Self::draft(file, policy, (catalogue, inventory), before, decider)?;
        if open.is_empty() {
            return Ok(lock);
        }
        let hint = "Decide them in the policy, then lock it; 'terp-fixtures capture --dry-run' proposes lines.";
        Err(Error::policy(format!("{} decides nothing about {}", policy.file, open.join(", "))).hint(hint))
    }

    /// The same, with the names of what is decided nowhere instead of a refusal: for comparing.
    ///
    /// # Errors
    /// Kind `Policy` where two tables have one name.
    pub fn draft(
        file: &str,
        policy: &Policy,
        (catalogue, inventory): (&Catalogue, &Inventory),
        before: Option<&Self>,
        decider: &Decider,
    ) -> Result<(Self, Vec<String>)> {
        let engine = policy.section_of(catalogue.engine).to_owned();
        let policy = policy.of_engine(catalogue.engine);
        let names: Vec<String> = catalogue.tables.iter().map(|table| raw(&table.name)).collect();
        let written = Written::new(&policy, &names.iter().map(String::as_str));
        let mut tables = BTreeMap::new();
        let mut open = Vec::new();
        for ((name, table), record) in names.iter().zip(&catalogue.tables).zip(&inventory.tables) {
            let old = before.and_then(|lock| lock.tables.get(name));
            let made = locked_table(&written, (name, table, record), old, decider, &mut open);
            if tables.insert(name.clone(), made).is_some() {
                let what = format!("two tables would both be called {} in the lock", name.escape_debug());
                return Err(Error::policy(what).hint("Rename one of them."));
            }
        }
        Ok((Self { file: file.to_owned(), engine, tables }, open))
    }
}

fn locked_table(
    written: &Written<'_>,
    (name, table, record): (&str, &Table, &TableRecord),
    old: Option<&LockedTable>,
    decider: &Decider,
    open: &mut Vec<String>,
) -> LockedTable {
    if record.modes.iter().all(Option::is_none) {
        open.push(format!("table {}", table.name));
    }
    let word = |mode: Option<Mode>| mode.map_or(UNDECIDED, Mode::word).to_owned();
    let modes = Each(record.modes.map(word));
    let mut columns = BTreeMap::new();
    let taken = record.modes.iter().any(|mode| *mode != Some(Mode::Exclude));
    for (at, column) in record.columns.iter().enumerate().filter(|_| taken) {
        let decisions = decisions(written, name, table, record, column);
        let has_rows = |environment: usize| record.modes[environment].is_some_and(Mode::has_rows);
        let undecided = |environment: usize| decisions.0[environment] == UNDECIDED;
        if (0..3).any(has_rows) && (0..3).filter(|&at| has_rows(at)).all(undecided) {
            open.push(format!("{}.{}", table.name, column.column.name.escape_debug()));
        }
        let was = old.and_then(|old| old.columns.get(&column.column.name));
        let column_locked = locked_column(table, at, column, decisions, was, decider);
        columns.insert(column.column.name.clone(), column_locked);
    }
    let reasons = (0..3).filter_map(|at| written.sections(name, at).find_map(|rules| rules.reason.clone()));
    let reason = joined(reasons);
    let days = (0..3).filter_map(|at| written.sections(name, at).find_map(|rules| rules.expires.clone()));
    let stated = days.min();
    let holds = |old: &LockedTable| {
        (stated.is_none() || old.expires == stated)
            && !(decider.renew && has_expired(old.expires.as_ref(), &decider.on))
    };
    let same = old.filter(|old| old.modes == modes && old.reason == reason && holds(old));
    let expires = same.map_or_else(|| stated.clone().or_else(|| decider.expires.clone()), |old| old.expires.clone());
    let (by, on) = same.map_or((&decider.by, &decider.on), |old| (&old.by, &old.on));
    let place = Place::default();
    LockedTable {
        fingerprint: table_fingerprint(&columns),
        modes,
        reason,
        by: by.clone(),
        on: on.clone(),
        expires,
        columns,
        place,
    }
}

fn locked_column(
    table: &Table,
    at: usize,
    record: &ColumnRecord,
    decisions: Each,
    old: Option<&LockedColumn>,
    decider: &Decider,
) -> LockedColumn {
    let stated = record.decisions.iter().flatten().filter_map(|decision| decision.rule.expires.clone()).min();
    let reasons = record.decisions.iter().flatten().filter_map(|decision| decision.rule.reason().map(str::to_owned));
    let made = LockedColumn {
        declared: record.column.declared.clone(),
        nullable: record.column.nullable,
        unique: record.unique,
        fingerprint: column_fingerprint(table, at),
        decisions,
        tier: record.guess.tier,
        reason: joined(reasons),
        by: decider.by.clone(),
        on: decider.on.clone(),
        expires: stated.clone().or_else(|| decider.expires.clone()),
        place: Place::default(),
    };
    let holds = |old: &LockedColumn| stated.is_none() || old.expires == stated;
    match old {
        Some(old) if old.decides_as(&made) && holds(old) && !(decider.renew && old.has_expired(&decider.on)) => {
            old.clone()
        }
        _ => made,
    }
}

impl LockedColumn {
    /// Whether nothing that somebody decided, and nothing that it was decided about, differs.
    pub(super) fn decides_as(&self, other: &Self) -> bool {
        self.schema_is(other) && self.decisions == other.decisions && self.reason == other.reason
    }

    /// Whether it is the same column.
    pub(super) fn schema_is(&self, other: &Self) -> bool {
        (&self.declared, self.nullable, self.unique, &self.fingerprint)
            == (&other.declared, other.nullable, other.unique, &other.fingerprint)
    }

    /// Whether the decision has to be made again on `day`, `YYYY-MM-DD`.
    #[must_use]
    pub fn has_expired(&self, day: &str) -> bool {
        has_expired(self.expires.as_ref(), day)
    }
}

/// What each environment does to a column, in words that the policy alone can be held against.
fn decisions(written: &Written<'_>, name: &str, table: &Table, of: &TableRecord, record: &ColumnRecord) -> Each {
    let columns = || table.columns.iter().map(|column| column.name.as_str());
    Each(std::array::from_fn(|environment| match (of.modes[environment], &record.decisions[environment]) {
        (Some(Mode::Exclude), _) => NOT_TAKEN.to_owned(),
        (Some(Mode::Structure), _) => NO_ROWS.to_owned(),
        (Some(_), _) if record.column.generated => COMPUTED.to_owned(),
        (None, _) | (_, None) => UNDECIDED.to_owned(),
        (_, Some(decision)) => match decision.origin {
            Origin::Inherited => format!("{INHERITED}{}", told(&decision.rule)),
            Origin::Reference => REFERENCE.to_owned(),
            Origin::Written | Origin::Environment | Origin::Default => {
                let rule = written.rule(name, &columns(), &record.column.name, environment);
                told(rule.unwrap_or(&decision.rule))
            }
        },
    }))
}

/// Different reasons one after the other.
fn joined(reasons: impl Iterator<Item = String>) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for reason in reasons {
        if !found.contains(&reason) {
            found.push(reason);
        }
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// A table's name without escapes.
pub(super) fn raw(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    }
}

/// Digest of what a column is: type, NULL, and the keys that it is part of. Names of constraints and defaults do not count.
#[must_use]
pub fn column_fingerprint(table: &Table, at: usize) -> String {
    let column = &table.columns[at];
    let names = |columns: &[usize]| columns.iter().map(|&at| table.columns[at].name.as_str()).collect::<Vec<_>>();
    let mut facts = Vec::new();
    if table.primary_key.contains(&at) {
        facts.push(format!("primary {:?}", names(&table.primary_key)));
    }
    for unique in table.uniques.iter().filter(|unique| unique.columns.contains(&at)) {
        facts.push(format!("unique {:?} {}", names(&unique.columns), unique.partial));
    }
    for foreign in table.foreign_keys.iter().filter(|foreign| foreign.columns.contains(&column.name)) {
        facts.push(format!("to {:?} {:?} {:?}", foreign.columns, raw(&foreign.parent), foreign.parent_columns));
    }
    facts.sort();
    facts.dedup();
    let own = [column.declared.clone(), format!("{} {}", column.nullable, column.generated)];
    super::digest_of(own.iter().chain(&facts).map(|fact| ("fact", fact.as_str())))
}
