//! The inventory as the review shows it.

use super::document::{ByEnvironment, ColumnView, Decided, DecisionView, MaskUse, Outcome, Sample, TableView};
use super::samples::samples;
use crate::mask::docs::{left, public_key};
use crate::mask::{ColumnMask, MASKS, ParamKind, Strength, Value};
use crate::model::schema::{Catalogue, Family};
use crate::policy::file::{ColumnRule, ENVIRONMENTS};
use crate::policy::inventory::{ColumnRecord, Decision, Inventory, Origin, TableRecord};
use crate::policy::preview::previews;
use crate::policy::{Mode, Policy};
use std::collections::BTreeMap;

/// Every table with its columns.
pub(super) fn tables(
    policy: &Policy,
    catalogue: &Catalogue,
    inventory: &Inventory,
    decided: &BTreeMap<(String, String), Decided>,
) -> Vec<TableView> {
    let mut masks: Vec<Vec<Vec<Option<ColumnMask>>>> = Vec::new();
    for environment in ENVIRONMENTS {
        masks.push(previews(policy, catalogue, environment, &public_key()));
    }
    let shown = |(at, record): (usize, &TableRecord)| {
        let about = &catalogue.tables[at].columns;
        let samples: Vec<Vec<Option<Sample>>> =
            masks.iter().map(|masks| samples(masks.get(at).map_or(&[], Vec::as_slice), about)).collect();
        let column = |(number, column): (usize, &ColumnRecord)| {
            let sample = |environment: usize| samples[environment].get(number).cloned().flatten();
            let key = (record.table.to_string(), column.column.name.clone());
            self::column(record, column, &sample, decided.get(&key).cloned())
        };
        TableView {
            name: record.table.to_string(),
            line: record.place.map(|place| place.line),
            reason: record.reason.clone(),
            modes: by_environment(|environment| record.modes[environment].map(Mode::word)),
            columns: record.columns.iter().enumerate().map(column).collect(),
        }
    };
    inventory.tables.iter().enumerate().map(shown).collect()
}

fn by_environment<T>(of: impl Fn(usize) -> T) -> ByEnvironment<T> {
    ENVIRONMENTS.into_iter().enumerate().map(|(at, environment)| (environment, of(at))).collect()
}

fn column(
    table: &TableRecord,
    record: &ColumnRecord,
    sample: &dyn Fn(usize) -> Option<Sample>,
    decided: Option<Decided>,
) -> ColumnView {
    let (column, guess) = (&record.column, &record.guess);
    let mut keys = Vec::new();
    keys.extend(record.primary.then_some("primary key"));
    keys.extend((record.unique && !record.primary).then_some("unique"));
    ColumnView {
        name: column.name.clone(),
        declared: declared(&column.declared, column.family),
        keys,
        refers_to: record.refers_to.clone(),
        generated: column.generated,
        tier: guess.tier,
        kind: guess.kind,
        confidence: guess.confidence,
        guessed_from: guess.reason.clone(),
        outcomes: by_environment(|environment| outcome(table, record, environment)),
        decisions: decisions(record, sample),
        decided,
        flags: Vec::new(),
        change: None,
    }
}

/// A type without the labels that some servers spell out in it: those are values.
fn declared(text: &str, family: Family) -> String {
    let labels = text.matches('\'').count() / 2;
    match text.split_once('(') {
        Some((name, _)) if labels > 0 => format!("{name} of {labels}"),
        None if family == Family::Enum && text.is_empty() => "enum".to_owned(),
        _ => text.to_owned(),
    }
}

fn outcome(table: &TableRecord, record: &ColumnRecord, environment: usize) -> Outcome {
    let Some(mode) = table.modes[environment] else { return Outcome::Undecided };
    // Production takes lookup tables only; a capture refuses others, and the summary says so.
    let refused = ENVIRONMENTS[environment] == "production" && mode == Mode::Capture;
    if !mode.has_rows() || record.column.generated || refused {
        return Outcome::NotIncluded;
    }
    match &record.decisions[environment] {
        None => Outcome::Undecided,
        Some(decision) => match decision.strength() {
            Strength::Kept if !record.guess.tier.wants_mask() => Outcome::NotPersonal,
            Strength::Kept => Outcome::AtRisk,
            Strength::Partial => Outcome::Partly,
            Strength::Pseudonym | Strength::Removed => Outcome::Protected,
        },
    }
}

/// The decisions of a column, equal ones joined.
fn decisions(record: &ColumnRecord, sample: &dyn Fn(usize) -> Option<Sample>) -> Vec<DecisionView> {
    let mut views: Vec<DecisionView> = Vec::new();
    for (at, environment) in ENVIRONMENTS.into_iter().enumerate() {
        let Some(decision) = &record.decisions[at] else { continue };
        let view = shown(decision, sample(at));
        let alike = |known: &&mut DecisionView| {
            (&known.mask, &known.params, &known.domain, &known.subject, &known.when, &known.otherwise, &known.reason)
                == (&view.mask, &view.params, &view.domain, &view.subject, &view.when, &view.otherwise, &view.reason)
        };
        match views.iter_mut().find(alike) {
            Some(known) => known.environments.push(environment),
            None => views.push(DecisionView { environments: vec![environment], ..view }),
        }
    }
    views
}

/// The word of a strength.
pub(super) fn strength_word(strength: Strength) -> &'static str {
    match strength {
        Strength::Kept => "kept",
        Strength::Partial => "partial",
        Strength::Pseudonym => "pseudonym",
        Strength::Removed => "removed",
    }
}

fn shown(decision: &Decision, sample: Option<Sample>) -> DecisionView {
    let Decision { rule, origin } = decision;
    let strength = decision.strength();
    DecisionView {
        environments: Vec::new(),
        mask: rule.mask.name,
        params: params(rule),
        domain: rule.domain.clone(),
        subject: rule.subject.clone(),
        when: rule.when.clone(),
        otherwise: match (&rule.when, &rule.otherwise) {
            (Some(_), Some(otherwise)) => Some(otherwise.mask.name.to_owned()),
            (Some(_), None) => Some("kept as it is".to_owned()),
            _ => None,
        },
        strength: strength_word(strength),
        left: what_is_left(rule, strength),
        origin: match origin {
            Origin::Written => "the table's section",
            Origin::Environment => "the environment's section",
            Origin::Default => "defaults",
            Origin::Inherited => "the key that it refers to",
            Origin::Reference => "the table is a lookup table",
        },
        line: Some(rule.place.line).filter(|line| *line > 0),
        reason: rule.reason().map(str::to_owned),
        sample,
    }
}

fn what_is_left(rule: &ColumnRule, strength: Strength) -> &'static str {
    match strength {
        Strength::Kept if rule.when.is_some() => "everything, where the condition does not hold",
        Strength::Kept => "everything",
        Strength::Partial if rule.mask.strength == Strength::Partial => left(rule.mask),
        Strength::Partial => "a part",
        Strength::Pseudonym => "that equal values are equal",
        Strength::Removed => "nothing",
    }
}

/// Parameters as text. Tables and lists of values may repeat originals and are only counted; what is secret is not shown.
fn params(rule: &ColumnRule) -> BTreeMap<&'static str, String> {
    let plain = rule.params.plain(rule.mask);
    let text = |name: &'static str, value: &Value| {
        let kind = rule.mask.params.iter().find(|param| param.name == name).map(|param| param.kind);
        match (plain.get(name), kind, value) {
            (Some(text), ..) => text.clone(),
            (None, Some(ParamKind::Integers | ParamKind::Mask | ParamKind::Masks | ParamKind::Scalar), value) => {
                value.to_string()
            }
            (None, _, Value::List(values)) => format!("{} entries", values.len()),
            (None, _, Value::Table(values)) => format!("{} entries", values.len()),
            (None, ..) => "not shown".to_owned(),
        }
    };
    let own = rule.params.iter().filter(|(name, _)| *name != "reason");
    own.map(|(name, value)| (name, text(name, value))).collect()
}

/// The masks in use, in the order of the table of masks.
pub(super) fn masks(tables: &[TableView]) -> Vec<MaskUse> {
    let decisions = || tables.iter().flat_map(|table| &table.columns).flat_map(|column| &column.decisions);
    let rank = |word: &str| ["kept", "partial", "pseudonym", "removed"].iter().position(|known| *known == word);
    let one = |mask: &&'static crate::mask::Definition| {
        let own = || decisions().filter(|decision| decision.mask == mask.name);
        let weakest = own().min_by_key(|decision| rank(decision.strength))?;
        let number = |environment| own().filter(|decision| decision.environments.contains(&environment)).count();
        Some(MaskUse {
            mask: mask.name,
            about: mask.about,
            left: weakest.left,
            strength: weakest.strength,
            columns: by_environment(|at| number(ENVIRONMENTS[at])),
        })
    };
    MASKS.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_lose_their_labels() {
        assert_eq!(declared("enum('a','it''s')", Family::Enum), "enum of 3");
        assert_eq!(declared("varchar(20)", Family::Text), "varchar(20)");
        assert_eq!(declared("set('x')", Family::Any), "set of 1");
    }
}
