//! What values say about columns: shapes, check digits, common names, flags, constants. They raise or lower what names say.
//! No value leaves this part, nor a count: reasons hold shares in whole percents.

use super::sample;
use crate::classify::{Guess, Guesses, KINDS};
use crate::engine::Source;
use crate::error::Result;
use crate::event::Cancel;
use crate::mask::dictionary;
use crate::mask::recognise::{self, Wanted};
use crate::model::schema::{Catalogue, Column, Family, TableKind};
use crate::model::tier::Tier;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

/// So many values must be there for a shape to mean something, and for its absence.
const FEW: usize = 5;
const MANY: usize = 20;
/// Shares, of 100, from which a shape is taken for the column's, and below which it is not there.
const MOST: usize = 80;
const HARDLY: usize = 10;

/// Guesses from names, types and sampled values.
///
/// # Errors
/// Kind `Unreachable` when the database cannot be read; `Interrupted`.
pub fn columns(source: &mut dyn Source, catalogue: &Catalogue, cancel: &Cancel) -> Result<Guesses> {
    let mut guesses = Guesses::of(&catalogue.tables);
    for (at, table) in catalogue.tables.iter().enumerate().filter(|(_, table)| table.kind == TableKind::Ordinary) {
        cancel.check()?;
        let told = |column: &usize| tells(&table.columns[*column]);
        let wanted: BTreeSet<usize> = table.stored_columns().into_iter().filter(told).collect();
        let sample = sample::read(source, table, &wanted)?;
        for column in wanted {
            let refers = table.foreign_keys.iter().any(|key| key.columns.contains(&table.columns[column].name));
            let values = Values::of(&sample.cells(column));
            if let Some(guess) = guesses.at(at, column).filter(|_| !refers) {
                let judged = values.judge(&table.columns[column], guess);
                guesses.set(at, column, judged);
            }
        }
    }
    Ok(guesses)
}

/// Whether values of a column can be looked at.
fn tells(column: &Column) -> bool {
    matches!(column.family, Family::Text | Family::Any | Family::Integer | Family::Numeric | Family::Enum)
}

/// What was counted of a column's values.
#[derive(Debug, Default)]
struct Values {
    count: usize,
    distinct: usize,
    flags: usize,
    first_names: usize,
    full_names: usize,
    /// Of values that look like phone numbers, those written as people write them.
    written: usize,
    shapes: BTreeMap<&'static str, usize>,
}

impl Values {
    fn of(cells: &[&str]) -> Self {
        let mut values = Self { count: cells.len(), ..Self::default() };
        values.distinct = cells.iter().collect::<BTreeSet<_>>().len();
        for cell in cells.iter().map(|cell| cell.trim()) {
            values.flags += usize::from(is_flag(cell));
            values.first_names += usize::from(is_name(cell));
            let mut words = cell.split_whitespace();
            let several = matches!(cell.split_whitespace().count(), 2..=3);
            values.full_names += usize::from(several && words.any(is_name) && cell.split_whitespace().all(is_capital));
            if let Some(kind) = recognise::whole(cell, Wanted::PERSONAL) {
                *values.shapes.entry(kind.name()).or_default() += 1;
                let by_hand = cell.contains(['+', ' ', '-', '(']);
                values.written += usize::from(kind == recognise::Kind::Phone && by_hand);
            }
        }
        values
    }

    fn share(&self, part: usize) -> usize {
        (part * 100).checked_div(self.count).unwrap_or(0)
    }

    /// What a guess is worth before the values.
    fn judge(&self, column: &Column, guess: &Guess) -> Guess {
        if self.count < FEW {
            return guess.clone();
        }
        self.raised(column, guess).or_else(|| self.lowered(guess)).unwrap_or_else(|| self.confirmed(guess))
    }

    /// What the values are, where the name does not say it.
    fn raised(&self, column: &Column, guess: &Guess) -> Option<Guess> {
        let text = matches!(column.family, Family::Text | Family::Any);
        let shapes = SHAPES.iter().filter(|shape| text || shape.numbers);
        for shape in shapes {
            let share = self.share(self.shapes.get(shape.name).copied().unwrap_or(0));
            let plain = shape.name != "phone" || self.share(self.written) >= MOST / 2;
            let same = guess.kind == shape.kind || (shape.name == "phone" && guess.tier == Tier::Direct);
            if share >= MOST && plain && !same && guess.tier != Tier::Credential {
                return Some(found(shape.kind, 90, format!("{share} % of sampled values look like {}", shape.words)));
            }
        }
        let unnamed = guess.tier == Tier::None && text && self.distinct >= FEW;
        let full = self.share(self.full_names);
        if unnamed && full >= MOST {
            return Some(found("person_name", 75, format!("{full} % of sampled values look like names of people")));
        }
        let first = self.share(self.first_names);
        (unnamed && first >= MOST && self.distinct >= MANY)
            .then(|| found("first_name", 65, format!("{first} % of sampled values are common first names")))
    }

    /// What the values are not, although the name says it.
    fn lowered(&self, guess: &Guess) -> Option<Guess> {
        let positive = guess.tier.wants_mask();
        let flags = positive && guess.tier != Tier::Sensitive && self.flags == self.count && self.distinct <= 2;
        if flags && self.count >= MANY {
            let reason = format!("{}, but its values are flags", guess.reason);
            return Some(Guess { tier: Tier::None, kind: "none", confidence: 80, reason });
        }
        let shape = SHAPES.iter().find(|shape| shape.kind == guess.kind && shape.firm)?;
        let share = self.share(self.shapes.get(shape.name).copied().unwrap_or(0));
        (self.count >= MANY && share < HARDLY && guess.confidence > 55).then(|| Guess {
            confidence: 55,
            reason: format!("{}, but {share} % of sampled values look like {}", guess.reason, shape.words),
            ..guess.clone()
        })
    }

    /// The same guess, surer where the values agree and less sure where there is only one.
    fn confirmed(&self, guess: &Guess) -> Guess {
        let shape = SHAPES.iter().find(|shape| shape.kind == guess.kind);
        let agree = shape.is_some_and(|shape| self.share(self.shapes.get(shape.name).copied().unwrap_or(0)) >= MOST);
        if agree {
            let reason = format!("{}, and its values look like it", guess.reason);
            return Guess { confidence: guess.confidence.max(98), reason, ..guess.clone() };
        }
        if guess.tier.wants_mask() && self.distinct == 1 && self.count >= MANY {
            let reason = format!("{}, but all sampled values are the same", guess.reason);
            return Guess { confidence: guess.confidence.min(55), reason, ..guess.clone() };
        }
        guess.clone()
    }
}

/// What a shape of values means.
struct Shape {
    /// What the recogniser calls it.
    name: &'static str,
    kind: &'static str,
    words: &'static str,
    /// Whether numbers can have it.
    numbers: bool,
    /// Whether values without it are not of this kind.
    firm: bool,
}

const SHAPES: &[Shape] = &[
    Shape { name: "email", kind: "email", words: "email addresses", numbers: false, firm: true },
    Shape { name: "card", kind: "card_number", words: "card numbers", numbers: true, firm: false },
    Shape { name: "iban", kind: "bank_account", words: "account numbers", numbers: false, firm: false },
    Shape { name: "ssn", kind: "gov_id", words: "social security numbers", numbers: false, firm: false },
    Shape { name: "ip", kind: "ip", words: "IP addresses", numbers: false, firm: true },
    Shape { name: "mac", kind: "mac", words: "hardware addresses", numbers: false, firm: false },
    Shape { name: "phone", kind: "phone", words: "phone numbers", numbers: false, firm: false },
];

fn found(kind: &'static str, confidence: u8, reason: String) -> Guess {
    let tier = KINDS.iter().find(|known| known.name == kind).map_or(Tier::Direct, |known| known.tier);
    Guess { tier, kind, confidence, reason }
}

fn is_flag(cell: &str) -> bool {
    matches!(cell.to_ascii_lowercase().as_str(), "0" | "1" | "t" | "f" | "y" | "n" | "true" | "false" | "yes" | "no")
}

fn is_name(word: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| dictionary::FIRST_NAMES.iter().copied().collect());
    is_capital(word) && NAMES.contains(word)
}

fn is_capital(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '.'))
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
