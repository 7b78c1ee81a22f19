//! What is there: what came in minus what went out.

use super::function::{number, text};
use super::rule::InvariantRule;
use super::scope::{Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::draw::Draw;
use crate::generate::profile::{fit, labels};
use crate::generate::value::{Number, Value};

#[derive(Debug)]
pub(super) struct Stock {
    table: usize,
    column: usize,
    link: usize,
    moves: usize,
    quantity: usize,
    /// Column, words for in, words for out; without it everything goes out of the opening, or signs tell.
    direction: Option<(usize, Vec<String>, Vec<String>)>,
    opening: Option<usize>,
    places: u8,
    key: Vec<Site>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
    Neither,
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Stock, String> {
    let column = scope.own(table, rule.text("column").unwrap_or_default())?;
    let way: Vec<String> =
        rule.text("moves").unwrap_or_default().split('.').map(|part| part.trim().to_owned()).collect();
    let link = scope.kin(table, &way)?.link;
    let moves = scope.links[link].child;
    let quantity = scope.own(moves, rule.text("quantity").unwrap_or_default())?;
    let tables = &scope.lookup.catalogue.tables;
    let direction = match rule.text("direction") {
        None => None,
        Some(name) => {
            let column = scope.own(moves, name)?;
            let known = labels(scope.lookup.catalogue, &tables[moves].columns[column]);
            let words = |key: &str| {
                let words = rule.texts(key);
                let fits = |word: &&String| known.is_empty() || known.contains(word);
                words.iter().filter(fits).cloned().collect::<Vec<_>>()
            };
            let (ins, outs) = (words("in"), words("out"));
            if ins.is_empty() {
                return Err(format!("none of the words for what comes in fits {}", tables[moves].columns[column].name));
            }
            Some((column, ins, outs))
        }
    };
    let opening = rule.text("opening").map(|name| scope.own(table, name)).transpose()?;
    let places = fit::places(&tables[moves].columns[quantity]).unwrap_or(2);
    let places = places.min(fit::places(&tables[table].columns[column]).unwrap_or(2));
    Ok(Stock { table, column, link, moves, quantity, direction, opening, places, key: scope.key(link) })
}

impl Stock {
    fn way(&self, view: &View<'_>, row: usize) -> Way {
        match &self.direction {
            Some((column, ins, outs)) => {
                let word = text(view.cell(self.moves, *column, row));
                match () {
                    () if ins.contains(&word) => Way::In,
                    () if outs.contains(&word) => Way::Out,
                    () => Way::Neither,
                }
            }
            None if self.opening.is_some() => Way::Out,
            // Signs tell.
            None => Way::In,
        }
    }

    fn quantity(&self, view: &View<'_>, row: usize) -> Number {
        let found = number(view.cell(self.moves, self.quantity, row)).and_then(|found| found.rounded(self.places));
        found.unwrap_or(Number::new(0, self.places))
    }

    /// What is there: the opening, and what came in minus what went out; none where there is no room.
    fn sum(&self, view: &View<'_>, row: usize) -> Option<Number> {
        let opening = self.opening.and_then(|column| number(view.cell(self.table, column, row)));
        let mut sum = opening.unwrap_or(Number::whole(0)).rounded(self.places)?;
        for &moved in view.kin(self.link, row) {
            let moved = moved as usize;
            sum = match self.way(view, moved) {
                Way::In => sum.plus(self.quantity(view, moved))?,
                Way::Out => sum.minus(self.quantity(view, moved))?,
                Way::Neither => sum,
            };
        }
        Some(sum)
    }

    /// So much more, and a little on top.
    fn more(&self, missing: Number, draw: &mut Draw) -> Number {
        let units = missing.units.abs();
        Number::new(units + draw.between(0, units / 3 + 1), missing.places)
    }

    /// Lets more come in where too much went out.
    fn raise(&self, view: &View<'_>, row: usize, missing: Number, draw: &mut Draw) -> Vec<(Site, usize, Value)> {
        let more = self.more(missing, draw);
        if let Some(opening) = self.opening {
            let there = number(view.cell(self.table, opening, row)).unwrap_or(Number::whole(0));
            return there
                .plus(more)
                .map(|raised| ((self.table, opening), row, Value::Number(raised)))
                .into_iter()
                .collect();
        }
        let moved: Vec<usize> = view.kin(self.link, row).iter().map(|row| *row as usize).collect();
        let came_in = |row: &&usize| self.way(view, **row) == Way::In && self.quantity(view, **row).units > 0;
        let site = (self.moves, self.quantity);
        if let Some(first) = moved.iter().find(came_in) {
            let raised = self.quantity(view, *first).plus(more);
            return raised.map(|raised| (site, *first, Value::Number(raised))).into_iter().collect();
        }
        // Nothing came in: the first movement is turned round, and brings what the others take.
        let Some(first) = moved.first() else { return Vec::new() };
        let mut changes = vec![(site, *first, Value::Number(more))];
        if let Some((column, ins, _)) = &self.direction {
            changes.push(((self.moves, *column), *first, Value::text(ins[0].clone())));
        }
        changes
    }
}

impl Sentence for Stock {
    fn reads(&self) -> Vec<Site> {
        self.key.clone()
    }

    fn writes(&self) -> Vec<Site> {
        let own = std::iter::once(self.column).chain(self.opening).map(|column| (self.table, column));
        let quantity = self.opening.is_none().then_some(self.quantity);
        let direction = self.direction.as_ref().filter(|_| self.opening.is_none()).map(|(column, ..)| *column);
        own.chain(quantity.into_iter().chain(direction).map(|column| (self.moves, column))).collect()
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        let place = work.place(self.table, "invariant stock");
        let view = work.view();
        let mut raised = Vec::new();
        for row in 0..view.rows(self.table) {
            if let Some(missing) = self.sum(&view, row).filter(|sum| sum.units < 0) {
                raised.extend(self.raise(&view, row, missing, &mut place.draw(row as u64)));
            }
        }
        work.set_all(raised);
        let view = work.view();
        let sums = (0..view.rows(self.table))
            .filter_map(|row| Some(((self.table, self.column), row, Value::Number(self.sum(&view, row)?))));
        let sums = sums.collect();
        work.set_all(sums);
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let rows = view.rows(self.table);
        let holds = |row: &usize| {
            let there = number(view.cell(self.table, self.column, *row));
            there.is_some_and(|there| there.units >= 0) && there == self.sum(view, *row)
        };
        (rows as u64, (0..rows).filter(|row| !holds(row)).count() as u64)
    }
}
