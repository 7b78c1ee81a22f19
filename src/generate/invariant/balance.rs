//! Debits that equal credits.

use super::function::number;
use super::groups::groups;
use super::rule::InvariantRule;
use super::scope::{Bound, Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::profile::fit;
use crate::generate::value::{Number, Value};

#[derive(Debug)]
pub(super) struct Balance {
    table: usize,
    debit: usize,
    credit: usize,
    per: Vec<usize>,
    amount: Option<Bound>,
    reads: Vec<Site>,
    places: u8,
    nullable: (bool, bool),
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Balance, String> {
    let column = |key: &str| scope.own(table, rule.text(key).unwrap_or_default());
    let (debit, credit) = (column("debit")?, column("credit")?);
    let per: Vec<usize> =
        rule.texts("per").iter().map(|name| scope.lookup.column(table, name)).collect::<Result<_, _>>()?;
    let amount = rule.text("amount").map(|text| scope.expression(table, text)).transpose()?;
    let own = &scope.lookup.catalogue.tables[table].columns;
    let reads = amount.iter().flat_map(|amount| scope.reads(amount)).collect();
    let places = [debit, credit].iter().filter_map(|column| fit::places(&own[*column])).min().unwrap_or(2);
    let nullable = (own[debit].nullable, own[credit].nullable);
    Ok(Balance { table, debit, credit, per, amount, reads, places, nullable })
}

impl Balance {
    /// The amount that a row moves: what the profile says, else what is there.
    fn amount(&self, view: &View<'_>, row: usize) -> Number {
        let said = self.amount.as_ref().and_then(|amount| number(&view.value(amount, self.table, row)));
        let there = || {
            let cells = [self.debit, self.credit].map(|column| number(view.cell(self.table, column, row)));
            cells.into_iter().flatten().max()
        };
        let amount = said.or_else(there).and_then(|amount| amount.rounded(self.places));
        let least = Number::new(2, self.places);
        amount
            .map(|amount| Number::new(amount.units.abs(), amount.places))
            .filter(|amount| *amount >= least)
            .unwrap_or(least)
    }

    /// Groups with one row each cannot balance: they are put together.
    fn pair_up(&self, work: &mut Work<'_, '_>) {
        if self.per.is_empty() {
            return;
        }
        let groups = groups(&work.view(), self.table, &self.per);
        let single: Vec<usize> = groups.iter().filter(|rows| rows.len() == 1).map(|rows| rows[0]).collect();
        let full = groups.iter().find(|rows| rows.len() > 1).map(|rows| rows[0]);
        for pair in single.chunks(2) {
            match (pair, full.or_else(|| single.first().copied().filter(|first| *first != pair[0]))) {
                ([first, second], _) => work.reference_as(self.table, &self.per, *second, *first),
                ([alone], Some(other)) => work.reference_as(self.table, &self.per, *alone, other),
                _ => {}
            }
        }
    }
}

impl Sentence for Balance {
    fn reads(&self) -> Vec<Site> {
        self.reads.clone()
    }

    fn writes(&self) -> Vec<Site> {
        let columns = [self.debit, self.credit].into_iter().chain(self.per.iter().copied());
        columns.map(|column| (self.table, column)).collect()
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        self.pair_up(work);
        let view = work.view();
        let mut sides: Vec<(usize, bool, Number)> = Vec::new();
        for rows in groups(&view, self.table, &self.per) {
            if let [alone] = rows[..] {
                sides.push((alone, true, Number::new(0, self.places)));
            }
            let pairs = rows.len() / 2;
            for (at, pair) in rows.chunks(2).enumerate() {
                let [debit, credit] = pair else { continue };
                let amount = self.amount(&view, *debit);
                sides.push((*debit, true, amount));
                let odd = rows.last().filter(|_| rows.len() % 2 == 1 && at + 1 == pairs);
                let half = Number::new(amount.units / 2, amount.places);
                sides.push((*credit, false, if odd.is_some() { half } else { amount }));
                if let Some(last) = odd {
                    sides.push((*last, false, Number::new(amount.units - half.units, amount.places)));
                }
            }
        }
        // Whether the other side is 0 or NULL is as the rows were made.
        let rows = view.rows(self.table);
        let empty = |column: usize, nullable: bool| {
            let null = nullable && (0..rows).any(|row| view.cell(self.table, column, row).is_null());
            if null { Value::Null } else { Value::Number(Number::new(0, self.places)) }
        };
        let (no_debit, no_credit) = (empty(self.debit, self.nullable.0), empty(self.credit, self.nullable.1));
        for (row, is_debit, amount) in sides {
            let amount = Value::Number(amount);
            let (debit, credit) = if is_debit { (&amount, &no_credit) } else { (&no_debit, &amount) };
            work.set((self.table, self.debit), row, debit);
            work.set((self.table, self.credit), row, credit);
        }
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let groups = groups(view, self.table, &self.per);
        let holds = |rows: &Vec<usize>| {
            let (mut debits, mut credits) = (Some(Number::whole(0)), Some(Number::whole(0)));
            let mut both = false;
            for row in rows {
                let side = |column: usize| number(view.cell(self.table, column, *row)).unwrap_or(Number::whole(0));
                let (debit, credit) = (side(self.debit), side(self.credit));
                both |= debit.units != 0 && credit.units != 0;
                debits = debits.and_then(|sum| sum.plus(debit));
                credits = credits.and_then(|sum| sum.plus(credit));
            }
            !both && debits.is_some() && debits == credits
        };
        (groups.len() as u64, groups.iter().filter(|rows| !holds(rows)).count() as u64)
    }
}
