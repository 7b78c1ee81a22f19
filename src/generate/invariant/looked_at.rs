//! Invariants that are only looked at.

use super::function::number;
use super::rule::InvariantRule;
use super::scope::{Bound, Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::profile::tree::Node;
use crate::generate::value::Number;

/// A condition in every row.
#[derive(Debug)]
pub(super) struct Check {
    table: usize,
    holds: Bound,
    when: Option<Bound>,
}

/// A share of the whole that the rows with the highest amounts have.
#[derive(Debug)]
pub(super) struct Share {
    table: usize,
    of: Bound,
    top: f64,
    wanted: f64,
    within: f64,
}

pub(super) fn check(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Check, String> {
    let when = rule.text("where").map(|text| scope.expression(table, text)).transpose()?;
    Ok(Check { table, holds: scope.expression(table, rule.text("holds").unwrap_or_default())?, when })
}

pub(super) fn share(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Share, String> {
    let share = |key: &str, otherwise: f64| rule.node.get(key).and_then(Node::number).unwrap_or(otherwise);
    let of = scope.expression(table, rule.text("of").unwrap_or_default())?;
    Ok(Share { table, of, top: share("top", 0.2), wanted: share("share", 0.7), within: share("within", 0.1) })
}

impl Sentence for Check {
    fn reads(&self) -> Vec<Site> {
        Vec::new()
    }

    fn writes(&self) -> Vec<Site> {
        Vec::new()
    }

    fn settle(&self, _: &mut Work<'_, '_>) {}

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let rows: Vec<usize> =
            (0..view.rows(self.table)).filter(|row| view.holds(self.when.as_ref(), self.table, *row)).collect();
        // As in a CHECK, unknown is no failure.
        let fails = |row: &&usize| super::function::truth(&view.value(&self.holds, self.table, **row)) == Some(false);
        (rows.len() as u64, rows.iter().filter(fails).count() as u64)
    }
}

impl Sentence for Share {
    fn reads(&self) -> Vec<Site> {
        Vec::new()
    }

    fn writes(&self) -> Vec<Site> {
        Vec::new()
    }

    fn settle(&self, _: &mut Work<'_, '_>) {}

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares are not exact"
    )]
    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let rows = view.rows(self.table);
        let amount = |row: usize| number(&view.value(&self.of, self.table, row)).map_or(0.0, Number::real);
        let mut amounts: Vec<f64> = (0..rows).map(amount).collect();
        amounts.sort_by(|a, b| b.total_cmp(a));
        let top = ((rows as f64 * self.top).round() as usize).clamp(usize::from(rows > 0), rows);
        let (some, all) = (amounts[..top].iter().sum::<f64>(), amounts.iter().sum::<f64>());
        let off = if all > 0.0 { (some / all - self.wanted).abs() } else { 0.0 };
        (rows as u64, u64::from(off > self.within))
    }
}
