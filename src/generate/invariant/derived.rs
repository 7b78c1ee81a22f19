//! A column that equals an expression: totals, counts, copies, first and last.

use super::expression::{self, Written};
use super::function::{compare, text};
use super::rule::InvariantRule;
use super::scope::{Bound, Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::profile::fit;
use crate::generate::value::Value;
use crate::model::schema::{Column, Family};

#[derive(Debug)]
pub(super) struct Derived {
    table: usize,
    column: usize,
    own: Column,
    is: Bound,
    when: Option<Bound>,
    reads: Vec<Site>,
    /// Whether it references something.
    is_key: bool,
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Derived, String> {
    let column = scope.own(table, rule.text("column").unwrap_or_default())?;
    let mut derived = of(scope, table, column, &expression::read(rule.text("is").unwrap_or_default())?)?;
    derived.when = rule.text("where").map(|text| scope.expression(table, text)).transpose()?;
    derived.reads.extend(derived.when.iter().flat_map(|when| scope.reads(when)));
    Ok(derived)
}

/// A column as an expression.
pub(super) fn of(scope: &Scope<'_>, table: usize, column: usize, written: &Written) -> Result<Derived, String> {
    let is = scope.bind(table, written)?;
    let own = scope.lookup.catalogue.tables[table].columns[column].clone();
    let is_key = scope.links.iter().any(|link| link.child == table && link.columns.contains(&column));
    Ok(Derived { table, column, own, reads: scope.reads(&is), is, when: None, is_key })
}

impl Derived {
    /// What the column can hold of the value: long texts are cut.
    fn fitted(&self, value: &Value) -> Option<Value> {
        match (self.own.family, self.own.length) {
            (Family::Text, Some(length)) if !value.is_null() => {
                Some(Value::Text(text(value).chars().take(length as usize).collect()))
            }
            _ => fit::cell(&self.own, value),
        }
    }
}

impl Sentence for Derived {
    fn reads(&self) -> Vec<Site> {
        // A column may be worked out from what it was: greatest(quantity, ...).
        self.reads.iter().copied().filter(|site| *site != (self.table, self.column)).collect()
    }

    fn writes(&self) -> Vec<Site> {
        vec![(self.table, self.column)]
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        let view = work.view();
        let rows = (0..view.rows(self.table)).filter(|row| view.holds(self.when.as_ref(), self.table, *row));
        let values: Vec<_> = rows
            .filter_map(|row| {
                Some(((self.table, self.column), row, self.fitted(&view.value(&self.is, self.table, row))?))
            })
            .collect();
        work.set_all(values);
        if self.is_key {
            work.relink(self.table, &[self.column]);
        }
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let (mut rows, mut failed) = (0, 0);
        for row in (0..view.rows(self.table)).filter(|row| view.holds(self.when.as_ref(), self.table, *row)) {
            rows += 1;
            let cell = view.cell(self.table, self.column, row);
            let wanted = self.fitted(&view.value(&self.is, self.table, row));
            let is_equal = wanted.is_some_and(|wanted| {
                (wanted.is_null() && cell.is_null())
                    || compare(&wanted, cell).is_some_and(std::cmp::Ordering::is_eq)
                    || (!cell.is_null() && text(&wanted) == text(cell))
            });
            failed += u64::from(!is_equal);
        }
        (rows, failed)
    }
}
