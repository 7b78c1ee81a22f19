//! Columns that count within a group: line 1, 2, 3 of each order.

use super::function::number;
use super::groups::groups;
use super::rule::InvariantRule;
use super::scope::{Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::value::{Number, Value};

#[derive(Debug)]
pub(super) struct Numbering {
    table: usize,
    column: usize,
    per: Vec<usize>,
    start: i128,
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Numbering, String> {
    let per = rule.texts("per");
    Ok(Numbering {
        table,
        column: scope.own(table, rule.text("column").unwrap_or_default())?,
        per: per.iter().map(|name| scope.lookup.column(table, name)).collect::<Result<_, _>>()?,
        start: rule.node.get("start").and_then(|start| start.scalar()?.parse().ok()).unwrap_or(1),
    })
}

impl Sentence for Numbering {
    fn reads(&self) -> Vec<Site> {
        self.per.iter().map(|column| (self.table, *column)).collect()
    }

    fn writes(&self) -> Vec<Site> {
        vec![(self.table, self.column)]
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        let groups = groups(&work.view(), self.table, &self.per);
        for (at, row) in groups.iter().flat_map(|rows| rows.iter().enumerate()) {
            let number = self.start + i128::try_from(at).unwrap_or(0);
            work.set((self.table, self.column), *row, &Value::whole(number));
        }
        work.follow();
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let groups = groups(view, self.table, &self.per);
        let counts = |rows: &Vec<usize>| {
            let mut numbers: Vec<Option<Number>> =
                rows.iter().map(|row| number(view.cell(self.table, self.column, *row))).collect();
            numbers.sort_unstable();
            (0_i128..).zip(&numbers).all(|(at, number)| *number == Some(Number::whole(self.start + at)))
        };
        (groups.len() as u64, groups.iter().filter(|rows| !counts(rows)).count() as u64)
    }
}
