//! What the policy's file says about the tables and columns that a lock names, found without a database.

use crate::policy::file::{ColumnRule, ENVIRONMENTS, Mode, Policy, TableRules};
use crate::policy::names::{self, Found, quoted};
use std::collections::BTreeMap;

/// A policy's sections by the names of a lock.
pub(super) struct Written<'a> {
    policy: &'a Policy,
    base: BTreeMap<String, &'a TableRules>,
    over: [BTreeMap<String, &'a TableRules>; 3],
    /// Sections of tables that the lock does not have.
    pub(super) unknown: Vec<(&'a str, &'a TableRules)>,
}

impl<'a> Written<'a> {
    pub(super) fn new<'t>(policy: &'a Policy, tables: &(impl Iterator<Item = &'t str> + Clone)) -> Self {
        let mut unknown = Vec::new();
        let mut found = |sections: Option<&'a BTreeMap<String, TableRules>>| {
            let mut found = BTreeMap::new();
            for (name, rules) in sections.into_iter().flatten() {
                match meant(name, tables) {
                    Some(table) => drop(found.insert(table.to_owned(), rules)),
                    None => unknown.push((name.as_str(), rules)),
                }
            }
            found
        };
        let base = found(Some(&policy.tables));
        let over = ENVIRONMENTS.map(|name| found(policy.environments.get(name)));
        Self { policy, base, over, unknown }
    }

    /// The sections that speak of a table in an environment, the one that counts first.
    pub(super) fn sections(&self, table: &str, environment: usize) -> impl Iterator<Item = &'a TableRules> {
        [self.over[environment].get(table).copied(), self.base.get(table).copied()].into_iter().flatten()
    }

    pub(super) fn mode(&self, table: &str, environment: usize) -> Option<Mode> {
        let said = self.sections(table, environment).any(|rules| !rules.columns.is_empty());
        self.sections(table, environment).find_map(|rules| rules.mode).or(said.then_some(Mode::Capture))
    }

    /// The rule that is written for a column.
    pub(super) fn rule<'t>(
        &self,
        table: &str,
        columns: &(impl Iterator<Item = &'t str> + Clone),
        column: &str,
        environment: usize,
    ) -> Option<&'a ColumnRule> {
        let at = columns.clone().position(|name| name == column)?;
        let named = |(name, rule): (&'a String, &'a ColumnRule)| {
            (names::find(name, columns.clone()) == Found::At(at)).then_some(rule)
        };
        let written = self.sections(table, environment).find_map(|rules| rules.columns.iter().find_map(named));
        written.or_else(|| self.policy.defaults.get(column))
    }
}

/// The table of the lock that a section's name means: exactly, without its schema, or without regard to case.
fn meant<'t>(name: &str, tables: &(impl Iterator<Item = &'t str> + Clone)) -> Option<&'t str> {
    let bare = |table: &'t str| table.rsplit_once('.').map_or(table, |(_, bare)| bare);
    let alone = |wanted: &dyn Fn(&str) -> bool| {
        let mut found = tables.clone().filter(|table| wanted(table));
        found.next().filter(|_| found.next().is_none())
    };
    let folded = name.to_lowercase();
    tables
        .clone()
        .find(|table| *table == name)
        .or_else(|| alone(&|table: &str| table.rsplit_once('.').is_some_and(|(_, bare)| bare == name)))
        .or_else(|| {
            let mut found =
                tables.clone().filter(|table| table.to_lowercase() == folded || bare(table).to_lowercase() == folded);
            found.next().filter(|_| found.next().is_none())
        })
}

/// A rule in full, as a lock records it.
pub(super) fn told(rule: &ColumnRule) -> String {
    let mut text = rule.mask.name.to_owned();
    if rule.params.iter().next().is_some() {
        text.push_str(&format!("({})", rule.params));
    }
    let said = |word: &str, what: &Option<String>| what.as_ref().map(|what| format!(" {word} {}", quoted(what)));
    text.extend(rule.domain.as_ref().map(|domain| format!(" in {domain}")));
    text.extend(rule.subject.as_ref().map(|subject| format!(" by {subject}")));
    text.extend(said("when", &rule.when));
    text.extend(rule.otherwise.as_ref().map(|rule| format!(" otherwise {}", told(rule))));
    text
}
