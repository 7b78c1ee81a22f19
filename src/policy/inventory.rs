//! The inventory of a database under a policy: every table and column with what it seems to hold and what every environment
//! does to it. It never refuses: what is undecided or misfits is there as such. Reviews, checks, locks and explanations are
//! all made of it.

use super::agree;
use super::build;
use super::file::{ColumnRule, ENVIRONMENTS, Mode, Place, Policy};
use super::findings::Found;
use super::references::References;
use super::resolve::{Draft, drafts, matched};
use crate::classify::{Guess, Guesses};
use crate::error::Result;
use crate::mask::Strength;
use crate::model::schema::{Catalogue, Column, TableName};

/// Where a decision comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The table's section names the column.
    Written,
    /// The environment's overlay names it.
    Environment,
    /// `[defaults]`.
    Default,
    /// The key that it refers to.
    Inherited,
    /// The table is a lookup table, and the column does not look personal.
    Reference,
}

/// What one environment does to a column.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The rule.
    pub rule: ColumnRule,
    /// Where it comes from.
    pub origin: Origin,
}

impl Decision {
    /// How much of the original is left. Where a condition leaves cells as they are, that is everything.
    #[must_use]
    pub fn strength(&self) -> Strength {
        strength(&self.rule)
    }
}

/// How much of the original a rule leaves at most: the weakest of its branches.
#[must_use]
pub fn strength(rule: &ColumnRule) -> Strength {
    let own =
        if (rule.mask.reveals)(&rule.params) { rule.mask.strength.min(Strength::Partial) } else { rule.mask.strength };
    match (&rule.when, &rule.otherwise) {
        (None, _) => own,
        (Some(_), None) => Strength::Kept,
        (Some(_), Some(otherwise)) => own.min(strength(otherwise)),
    }
}

/// A column of the inventory.
#[derive(Debug, Clone)]
pub struct ColumnRecord {
    /// The column as the catalogue has it.
    pub column: Column,
    /// What it seems to hold.
    pub guess: Guess,
    /// Whether a primary key or a unique constraint has it, alone or with others.
    pub unique: bool,
    /// Whether the primary key has it.
    pub primary: bool,
    /// What it refers to, `table.column`, declared or not.
    pub refers_to: Option<String>,
    /// What each of [`ENVIRONMENTS`] does to it, in that order. None: undecided, or its rows are not taken there, or the
    /// database computes it.
    pub decisions: [Option<Decision>; 3],
}

/// A table of the inventory.
#[derive(Debug, Clone)]
pub struct TableRecord {
    /// The table.
    pub table: TableName,
    /// Where the policy speaks of it.
    pub place: Option<Place>,
    /// Why, as the policy says.
    pub reason: Option<String>,
    /// What each of [`ENVIRONMENTS`] takes of it. None: undecided.
    pub modes: [Option<Mode>; 3],
    /// Its columns, in catalogue order.
    pub columns: Vec<ColumnRecord>,
}

impl TableRecord {
    /// Columns that the environment at `environment` takes rows of without knowing how.
    pub fn open(&self, environment: usize) -> impl Iterator<Item = &ColumnRecord> {
        let has_rows = self.modes[environment].is_some_and(Mode::has_rows);
        self.columns
            .iter()
            .filter(move |record| has_rows && !record.column.generated && record.decisions[environment].is_none())
    }
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// One record per table of the catalogue, in its order.
    pub tables: Vec<TableRecord>,
}

/// Makes the inventory.
///
/// # Errors
/// Kind `Drift` where the policy names what the catalogue does not have, `Policy` where it is not clear what it means.
pub fn inventory(policy: &Policy, catalogue: &Catalogue) -> Result<Inventory> {
    let (inventory, found) = inventory_with_faults(policy, catalogue);
    found.refuse()?;
    Ok(inventory)
}

/// The inventory of what the catalogue has, whatever else the policy names.
#[must_use]
pub fn inventory_of_what_is_there(policy: &Policy, catalogue: &Catalogue) -> Inventory {
    inventory_with_faults(policy, catalogue).0
}

fn inventory_with_faults(policy: &Policy, catalogue: &Catalogue) -> (Inventory, Found) {
    let policy = &*policy.of_engine(catalogue.engine);
    let guesses = Guesses::of(&catalogue.tables);
    let mut found = Found::default();
    let base = matched(policy, &policy.tables, catalogue, &mut found);
    let references = References::new(policy, catalogue, &mut found);
    let mut by_environment: Vec<Vec<Draft<'_>>> = Vec::new();
    let mut written: Vec<Vec<Vec<bool>>> = Vec::new();
    for environment in ENVIRONMENTS {
        let mut own = drafts(policy, catalogue, environment, &mut found);
        written.push(own.iter().map(|draft| draft.rules.iter().map(Option::is_some).collect()).collect());
        agree::inherit(&references, &mut own);
        build::name_entities(&references, &mut own);
        by_environment.push(own);
    }
    let tables = catalogue.tables.iter().enumerate().map(|(at, table)| {
        let rules = base.get(&at).copied();
        let columns = table.columns.iter().enumerate().map(|(number, column)| {
            let decision = |environment: usize| {
                let draft = &by_environment[environment][at];
                let rule = draft.rules[number].clone()?;
                let named = |rules: &super::file::TableRules| {
                    rules.columns.keys().any(|name| name.eq_ignore_ascii_case(&column.name))
                };
                let over = policy
                    .environments
                    .get(ENVIRONMENTS[environment])
                    .is_some_and(|tables| tables.iter().any(|(name, rules)| table.name.is_named(name) && named(rules)));
                let origin = match () {
                    () if !written[environment][at][number] => Origin::Inherited,
                    () if over => Origin::Environment,
                    () if rules.is_some_and(named) => Origin::Written,
                    () if policy.defaults.contains_key(&column.name) => Origin::Default,
                    () => Origin::Reference,
                };
                Some(Decision { rule, origin })
            };
            let refers_to = references.plain().find_map(|reference| {
                let position = reference.columns.iter().position(|&own| reference.child == at && own == number)?;
                let parent = &catalogue.tables[reference.parent];
                let key = reference.parent_columns.get(position)?;
                Some(format!("{}.{}", parent.name, parent.columns[*key].name.escape_debug()))
            });
            ColumnRecord {
                column: column.clone(),
                guess: guesses.at(at, number).cloned().unwrap_or_else(Guess::none),
                unique: table.primary_key.contains(&number)
                    || table.uniques.iter().any(|unique| unique.columns.contains(&number)),
                primary: table.primary_key.contains(&number),
                refers_to,
                decisions: [decision(0), decision(1), decision(2)],
            }
        });
        TableRecord {
            table: table.name.clone(),
            place: rules.map(|rules| rules.place),
            reason: rules.and_then(|rules| rules.reason.clone()),
            modes: [by_environment[0][at].mode, by_environment[1][at].mode, by_environment[2][at].mode],
            columns: columns.collect(),
        }
    });
    (Inventory { tables: tables.collect() }, found)
}
