//! What is there: what came in minus what went out, movement by movement, and never less than nothing.

use super::function::{compare, number, text};
use super::rule::InvariantRule;
use super::scope::{Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::draw::Draw;
use crate::generate::profile::tree::Node;
use crate::generate::profile::{fit, labels};
use crate::generate::value::{Number, Value};
use std::cmp::Ordering;

#[derive(Debug)]
pub(super) struct Stock {
    table: usize,
    column: usize,
    link: usize,
    moves: usize,
    quantity: usize,
    /// Column, words for in, words for out; without it everything goes out of the opening, or signs tell.
    direction: Option<(usize, Vec<String>, Vec<String>)>,
    signed: bool,
    opening: Option<usize>,
    /// When a movement was, and what was there before and after it.
    by: Option<usize>,
    before: Option<usize>,
    after: Option<usize>,
    places: u8,
    key: Vec<Site>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
    Neither,
}

/// A movement as it should be.
struct Move {
    row: usize,
    way: Way,
    quantity: Number,
    before: Number,
    after: Number,
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Stock, String> {
    let column = scope.own(table, rule.text("column").unwrap_or_default())?;
    let way: Vec<String> =
        rule.text("moves").unwrap_or_default().split('.').map(|part| part.trim().to_owned()).collect();
    let link = scope.kin(table, &way)?.link;
    let moves = scope.links[link].child;
    let of_move = |key: &str| rule.text(key).map(|name| scope.own(moves, name)).transpose();
    let quantity = scope.own(moves, rule.text("quantity").unwrap_or_default())?;
    let tables = &scope.lookup.catalogue.tables;
    let direction = match of_move("direction")? {
        None => None,
        Some(column) => {
            let known = labels(scope.lookup.catalogue, &tables[moves].columns[column]);
            let words = |key: &str| {
                let mut words = rule.texts(key);
                words.retain(|word| known.is_empty() || known.contains(word));
                words
            };
            let (ins, outs) = (words("in"), words("out"));
            if ins.is_empty() {
                let name = tables[moves].columns[column].name.escape_debug();
                return Err(format!("none of the words for what comes in fits {}.{name}", tables[moves].name));
            }
            Some((column, ins, outs))
        }
    };
    let opening = rule.text("opening").map(|name| scope.own(table, name)).transpose()?;
    let places = fit::places(&tables[moves].columns[quantity]).unwrap_or(2);
    let places = places.min(fit::places(&tables[table].columns[column]).unwrap_or(2));
    let said = rule.node.get("signed").and_then(Node::flag);
    Ok(Stock {
        table,
        column,
        link,
        moves,
        quantity,
        signed: said.unwrap_or(direction.is_none() && opening.is_none()),
        direction,
        opening,
        by: of_move("by")?,
        before: of_move("before")?,
        after: of_move("after")?,
        places,
        key: scope.key(link),
    })
}

impl Stock {
    fn zero(&self) -> Number {
        Number::new(0, self.places)
    }

    fn number(&self, value: &Value) -> Number {
        number(value).and_then(|found| found.rounded(self.places)).unwrap_or(self.zero())
    }

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
            None if self.signed && self.number(view.cell(self.moves, self.quantity, row)).units > 0 => Way::In,
            None => Way::Out,
        }
    }

    /// The movements of a row, in the order of their moments.
    fn moved(&self, view: &View<'_>, row: usize) -> Vec<usize> {
        let mut rows: Vec<usize> = view.kin(self.link, row).iter().map(|row| *row as usize).collect();
        if let Some(by) = self.by {
            let at = |row: &usize| view.cell(self.moves, by, *row);
            rows.sort_by(|a, b| compare(at(a), at(b)).unwrap_or(Ordering::Equal));
        }
        rows
    }

    fn opening(&self, view: &View<'_>, row: usize) -> Number {
        self.opening.map_or(self.zero(), |column| self.number(view.cell(self.table, column, row)))
    }

    /// The movements of a row as they should be, with what was there at first; none where there is no room for a number.
    fn plan(&self, view: &View<'_>, row: usize, draw: &mut Draw) -> Option<(Number, Vec<Move>)> {
        let rows = self.moved(view, row);
        let size = |row: usize| {
            let found = self.number(view.cell(self.moves, self.quantity, row));
            Number::new(found.units.abs().max(1), self.places)
        };
        let mut opening = self.opening(view, row);
        if self.opening.is_some() && opening.units < 0 {
            opening = self.zero();
        }
        if self.opening.is_some() {
            // What was there at first is raised, so that everything can go out.
            let (mut there, mut least) = (0_i128, 0_i128);
            for &row in &rows {
                match self.way(view, row) {
                    Way::In => there = there.checked_add(size(row).units)?,
                    Way::Out => there = there.checked_sub(size(row).units)?,
                    Way::Neither => {}
                }
                least = least.min(there);
            }
            if opening.units + least < 0 {
                opening = Number::new(draw.between(0, -least / 3 + 1) - least, self.places);
            }
        }
        let (mut there, mut moves) = (opening, Vec::with_capacity(rows.len()));
        for row in rows {
            let (mut way, mut quantity) = (self.way(view, row), size(row));
            if way == Way::Out && quantity > there {
                // Nothing goes out that is not there: less of it does, or the movement is turned round.
                let turns = there.units < 1 && (self.direction.is_some() || self.signed);
                way = if turns { Way::In } else { Way::Out };
                if turns {
                    quantity = Number::new(quantity.units.checked_mul(draw.between(2, 4))?, self.places);
                } else {
                    quantity = Number::new(draw.between((there.units / 2).max(1), there.units.max(1)), self.places);
                }
            }
            let before = there;
            there = match way {
                Way::In => there.plus(quantity)?,
                Way::Out => there.minus(quantity)?,
                Way::Neither => there,
            };
            moves.push(Move { row, way, quantity, before, after: there });
        }
        Some((opening, moves))
    }

    /// What a movement adds to what is there.
    fn delta(&self, view: &View<'_>, row: usize) -> Number {
        let quantity = self.number(view.cell(self.moves, self.quantity, row));
        let turned = Number::new(-quantity.units, quantity.places);
        match self.way(view, row) {
            Way::Neither => self.zero(),
            _ if self.signed => quantity,
            Way::In => quantity,
            Way::Out => turned,
        }
    }
}

impl Sentence for Stock {
    fn reads(&self) -> Vec<Site> {
        self.key.iter().copied().chain(self.by.map(|by| (self.moves, by))).collect()
    }

    fn writes(&self) -> Vec<Site> {
        let own = std::iter::once(self.column).chain(self.opening).map(|column| (self.table, column));
        let direction = self.direction.as_ref().map(|(column, ..)| *column);
        let of_moves = std::iter::once(self.quantity).chain(direction).chain(self.before).chain(self.after);
        own.chain(of_moves.map(|column| (self.moves, column))).collect()
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        let place = work.place(self.table, "invariant stock");
        let view = work.view();
        let mut changes: Vec<(Site, usize, Value)> = Vec::new();
        for row in 0..view.rows(self.table) {
            let Some((opening, moves)) = self.plan(&view, row, &mut place.draw(row as u64)) else { continue };
            let there = moves.last().map_or(opening, |last| last.after);
            changes.push(((self.table, self.column), row, Value::Number(there)));
            changes.extend(self.opening.map(|column| ((self.table, column), row, Value::Number(opening))));
            for moved in moves {
                let quantity = match moved.way {
                    Way::Out if self.signed => Number::new(-moved.quantity.units, moved.quantity.places),
                    _ => moved.quantity,
                };
                if moved.way != Way::Neither {
                    changes.push(((self.moves, self.quantity), moved.row, Value::Number(quantity)));
                }
                if let Some((column, ins, _)) = &self.direction
                    && moved.way == Way::In
                    && self.way(&view, moved.row) != Way::In
                {
                    changes.push(((self.moves, *column), moved.row, Value::text(ins[0].clone())));
                }
                for (column, told) in [(self.before, moved.before), (self.after, moved.after)] {
                    changes.extend(column.map(|column| ((self.moves, column), moved.row, Value::Number(told))));
                }
            }
        }
        work.set_all(changes);
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let rows = view.rows(self.table);
        let holds = |row: usize| {
            let mut there = Some(self.opening(view, row));
            for moved in self.moved(view, row) {
                let before = there;
                there = there.and_then(|there| there.plus(self.delta(view, moved)));
                let agrees = |column: Option<usize>, wanted: Option<Number>| {
                    column.is_none_or(|column| number(view.cell(self.moves, column, moved)) == wanted)
                };
                if !agrees(self.before, before)
                    || !agrees(self.after, there)
                    || there.is_none_or(|there| there.units < 0)
                {
                    return false;
                }
            }
            there.is_some() && number(view.cell(self.table, self.column, row)) == there
        };
        (rows as u64, (0..rows).filter(|row| !holds(*row)).count() as u64)
    }
}
