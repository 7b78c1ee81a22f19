//! Payments against what is owed: paid in full, in part, or not yet, by age.

use super::function::{number, text};
use super::rule::InvariantRule;
use super::scope::{Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::draw::Draw;
use crate::generate::profile::moment::{self, DAY};
use crate::generate::profile::tree::Node;
use crate::generate::profile::{fit, labels};
use crate::generate::value::{Number, Value};

#[derive(Debug)]
pub(super) struct Allocation {
    table: usize,
    total: usize,
    payments: Option<Payments>,
    paid: Option<usize>,
    due: Option<usize>,
    due_on: Option<usize>,
    status: Option<Status>,
    /// Shares that are not fully paid: not due yet, up to 30, 60 and 90 days late, later.
    unpaid: [f64; 5],
    places: u8,
}

#[derive(Debug)]
struct Payments {
    link: usize,
    table: usize,
    columns: Vec<usize>,
    amount: usize,
    /// Whether the reference is part of something unique: two of them are not put on one row then.
    is_unique: bool,
}

#[derive(Debug)]
struct Status {
    column: usize,
    /// Paid, partial, open, overdue.
    words: [Option<String>; 4],
    keep: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Paid,
    Partial,
    Open,
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Allocation, String> {
    let own = |key: &str| rule.text(key).map(|name| scope.own(table, name)).transpose();
    let total = scope.own(table, rule.text("total").unwrap_or_default())?;
    let tables = &scope.lookup.catalogue.tables;
    let payments = match rule.text("payments") {
        None => None,
        Some(name) => {
            let way: Vec<String> = name.split('.').map(|part| part.trim().to_owned()).collect();
            let link = scope.kin(table, &way)?.link;
            let child = scope.links[link].child;
            let amount = scope.own(child, rule.text("amount").unwrap_or("amount"))?;
            let columns = scope.links[link].columns.clone();
            let uniques =
                tables[child].uniques.iter().map(|unique| &unique.columns).chain([&tables[child].primary_key]);
            let is_unique = uniques.flatten().any(|column| columns.contains(column));
            Some(Payments { link, table: child, columns, amount, is_unique })
        }
    };
    let status = match own("status")? {
        None => None,
        Some(column) => {
            let known = labels(scope.lookup.catalogue, &tables[table].columns[column]);
            let said = rule.node.get("words");
            let word = |key: &str| said.and_then(|words| words.get(key)).and_then(Node::text);
            for key in ["paid", "partial", "open", "overdue"] {
                if let Some(word) =
                    word(key).filter(|word| !known.is_empty() && !known.iter().any(|label| label == word))
                {
                    let name = tables[table].columns[column].name.escape_debug();
                    return Err(format!("column {}.{name} cannot be '{}'", tables[table].name, word.escape_debug()));
                }
            }
            let words = ["paid", "partial", "open", "overdue"].map(|key| word(key).map(str::to_owned));
            let keep = said.and_then(|words| words.get("keep")).map(Node::texts).unwrap_or_default();
            Some(Status { column, words, keep })
        }
    };
    let share = |key: &str, otherwise: f64| {
        rule.node.get("unpaid").and_then(|unpaid| unpaid.get(key)).and_then(Node::number).unwrap_or(otherwise)
    };
    let unpaid = [share("current", 0.8), share("30", 0.35), share("60", 0.2), share("90", 0.12), share("over", 0.05)];
    let (paid, due, due_on) = (own("paid")?, own("due")?, own("due_on")?);
    let own = &tables[table].columns;
    let amounts = std::iter::once(&own[total])
        .chain(payments.as_ref().map(|payments| &tables[payments.table].columns[payments.amount]));
    let places = amounts.filter_map(fit::places).min().unwrap_or(2);
    Ok(Allocation { table, total, payments, paid, due, due_on, status, unpaid, places })
}

impl Allocation {
    fn total(&self, view: &View<'_>, row: usize) -> Number {
        let total = number(view.cell(self.table, self.total, row)).and_then(|total| total.rounded(self.places));
        total.filter(|total| total.units > 0).unwrap_or(Number::new(0, self.places))
    }

    fn kept(&self, view: &View<'_>, row: usize) -> bool {
        let status = self.status.as_ref();
        status.is_some_and(|status| status.keep.contains(&text(view.cell(self.table, status.column, row))))
    }

    fn days_late(&self, view: &View<'_>, row: usize) -> Option<i64> {
        let due = moment::of(view.cell(self.table, self.due_on?, row))?;
        Some(view.now.div_euclid(DAY) - due.div_euclid(DAY))
    }

    /// How far it should be paid.
    fn want(&self, view: &View<'_>, row: usize, draw: &mut Draw) -> Want {
        let bucket = match self.days_late(view, row) {
            None => 1,
            Some(days) => [0, 30, 60, 90].iter().position(|until| days <= *until).unwrap_or(4),
        };
        let (unpaid, partial) = (draw.chance(self.unpaid[bucket]), draw.chance(0.35));
        match () {
            () if self.total(view, row).units == 0 || self.kept(view, row) => Want::Open,
            () if !unpaid => Want::Paid,
            () if partial && self.total(view, row).units > 3 => Want::Partial,
            () => Want::Open,
        }
    }

    /// Gives payments of those that should be open to those that have none.
    fn deal(&self, payments: &Payments, wants: &[Want], work: &mut Work<'_, '_>) {
        let view = work.view();
        let (mut needy, mut spare) = (Vec::new(), Vec::new());
        for (row, want) in wants.iter().enumerate() {
            let kin = view.kin(payments.link, row);
            match want {
                Want::Open => spare.extend(kin.iter().map(|row| *row as usize)),
                _ if kin.is_empty() => needy.push(row),
                // One is enough where others have none.
                _ => spare.extend(kin.iter().skip(1).map(|row| *row as usize)),
            }
        }
        // Those of open ones first: they must go.
        let must = |row: &usize| {
            let parent = view.parents(payments.link).get(*row).copied().flatten();
            parent.is_none_or(|parent| wants[parent as usize] != Want::Open)
        };
        spare.sort_by_key(|row| (must(row), *row));
        // What is left of them goes to one that is paid anyway.
        let open = spare.iter().filter(|row| !must(row)).count();
        let any: Vec<usize> = (0..wants.len()).filter(|row| wants[*row] == Want::Paid).collect();
        let place = work.place(self.table, "invariant allocation spare");
        let mut targets = needy;
        while targets.len() < open && !any.is_empty() && !payments.is_unique {
            targets.push(any[place.draw(targets.len() as u64).index(any.len())]);
        }
        let moved: Vec<(usize, usize)> = spare.into_iter().zip(targets).collect();
        for (payment, row) in moved {
            work.reference(payments.link, payment, row);
        }
    }

    /// Parts of an amount, none of them 0 where it has so many units.
    fn parts(amount: Number, count: usize, draw: &mut Draw) -> Vec<Number> {
        let mut left = amount.units;
        let count = i128::try_from(count).unwrap_or(1);
        let part = |at: i128| {
            let rest = count - at - 1;
            let most = (left - rest).max(0);
            let part =
                if rest == 0 { left } else { (most / (rest + 1)).max(1) + draw.between(0, most / (rest + 1) / 2) };
            let part = part.clamp(0, most.max(0));
            left -= part;
            Number::new(part, amount.places)
        };
        (0..count).map(part).collect()
    }

    fn word(&self, status: &Status, view: &View<'_>, row: usize, total: Number, paid: Number) -> Option<String> {
        let [full, partial, open, overdue] = &status.words;
        if paid >= total {
            return full.clone();
        }
        let late = self.days_late(view, row).is_some_and(|days| days > 0);
        let overdue = overdue.as_ref().filter(|_| late);
        let part = partial.as_ref().filter(|_| paid.units > 0);
        overdue.or(part).or(open.as_ref()).cloned()
    }
}

impl Sentence for Allocation {
    fn reads(&self) -> Vec<Site> {
        let key =
            self.payments.iter().flat_map(|payments| payments.columns.iter().map(|column| (payments.table, *column)));
        std::iter::once(self.total).chain(self.due_on).map(|column| (self.table, column)).chain(key).collect()
    }

    fn writes(&self) -> Vec<Site> {
        let status = self.status.as_ref().map(|status| status.column);
        let own = self.paid.into_iter().chain(self.due).chain(status).map(|column| (self.table, column));
        let of = |payments: &Payments| {
            let columns = std::iter::once(payments.amount).chain(payments.columns.iter().copied());
            columns.map(|column| (payments.table, column)).collect::<Vec<_>>()
        };
        own.chain(self.payments.iter().flat_map(of)).collect()
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        let place = work.place(self.table, "invariant allocation");
        let view = work.view();
        let rows = view.rows(self.table);
        let wants: Vec<Want> = (0..rows).map(|row| self.want(&view, row, &mut place.draw(row as u64))).collect();
        if let Some(payments) = &self.payments {
            self.deal(payments, &wants, work);
        }
        let view = work.view();
        let mut changes = Vec::new();
        for (row, want) in wants.iter().enumerate() {
            let mut draw = place.again(row as u64, 1);
            let total = self.total(&view, row);
            let kin = self.payments.as_ref().map(|payments| view.kin(payments.link, row));
            let count = kin.map_or(0, <[u32]>::len);
            let share = draw.between(20, 80);
            let part = Number::new(
                (total.units / 100 * share + total.units % 100 * share / 100).max(i128::try_from(count).unwrap_or(1)),
                total.places,
            );
            let paid = match want {
                _ if kin.is_some() && count == 0 => Number::new(0, self.places),
                Want::Paid => total,
                Want::Open if count == 0 => Number::new(0, self.places),
                _ if part < total => part,
                _ => total,
            };
            if let Some(payments) = &self.payments {
                let parts = Self::parts(paid, count, &mut draw);
                for (payment, part) in kin.unwrap_or_default().iter().zip(parts) {
                    changes.push(((payments.table, payments.amount), *payment as usize, Value::Number(part)));
                }
            }
            changes.extend(self.paid.map(|column| ((self.table, column), row, Value::Number(paid))));
            let due = total.minus(paid);
            changes.extend(self.due.zip(due).map(|(column, due)| ((self.table, column), row, Value::Number(due))));
            if let Some(status) = self.status.as_ref().filter(|_| count > 0 || !self.kept(&view, row)) {
                let word = self.word(status, &view, row, total, paid);
                changes.extend(word.map(|word| ((self.table, status.column), row, Value::Text(word))));
            }
        }
        work.set_all(changes);
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let rows = view.rows(self.table);
        let zero = Number::new(0, self.places);
        let holds = |row: usize| {
            let total = number(view.cell(self.table, self.total, row)).unwrap_or(zero);
            let cell = |column: usize| number(view.cell(self.table, column, row));
            let sum = self.payments.as_ref().map(|payments| {
                let amounts = view.kin(payments.link, row).iter();
                let amounts =
                    amounts.map(|payment| number(view.cell(payments.table, payments.amount, *payment as usize)));
                amounts.into_iter().try_fold(zero, |sum, amount| sum.plus(amount?)).unwrap_or(zero)
            });
            let paid = sum.or_else(|| self.paid.and_then(cell)).unwrap_or(zero);
            let paid_agrees = self.paid.is_none_or(|column| cell(column) == Some(paid));
            let due_agrees = self.due.is_none_or(|column| cell(column) == total.minus(paid));
            let status_agrees = self.status.as_ref().is_none_or(|status| {
                let word = text(view.cell(self.table, status.column, row));
                let right = self.word(status, view, row, total, paid);
                right.is_none_or(|right| right == word) || (paid.units == 0 && status.keep.contains(&word))
            });
            paid <= total && paid_agrees && due_agrees && status_agrees
        };
        (rows as u64, (0..rows).filter(|row| !holds(*row)).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_none_is_nothing() {
        for (units, count) in [(100, 3), (5, 5), (7, 1), (1_000_000, 9)] {
            let parts = Allocation::parts(Number::new(units, 2), count, &mut Draw::of(1));
            assert_eq!(parts.iter().map(|part| part.units).sum::<i128>(), units);
            assert!(parts.len() == count && parts.iter().all(|part| part.units > 0));
        }
    }
}
