//! Floor 1: what a column is likely to hold, from its name, type, table, keys, siblings and comment. No I/O and no values:
//! `detect` adds what sampled values say, `policy` turns a guess into a rule that fits the column. A guess is never a decision.
//!
//! The weights are set by hand. What is known of names lies in two text files, `lexicon.txt` and `nouns.txt`.

mod accept;
mod column;
mod context;
mod credential;
mod kinds;
mod knowledge;
mod labels;
mod score;
#[cfg(test)]
mod tests;
mod unnamed;
mod words;

pub use kinds::{KINDS, Kind};
pub use knowledge::Knowledge;
pub use labels::{Labelled, read};
pub use score::{Figures, Miss, Score, score};

use crate::model::schema::{Column, Table};
use crate::model::tier::Tier;
use column::Around;
use context::{Context, Schema};
use std::collections::BTreeSet;

/// The words of a name in lower case, without accents, shortened ones in full and glued compounds cut.
#[must_use]
pub fn words_of(name: &str) -> Vec<String> {
    words::in_full(&words::cut(Knowledge::get(), words::words(name)))
}

/// What a column seems to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// How closely it is bound to a person.
    pub tier: Tier,
    /// The kind of thing, one of [`KINDS`]: `email`, `first_name`, `password`, ..., `none`.
    pub kind: &'static str,
    /// How sure it is, of 100.
    pub confidence: u8,
    /// Why, for people: names and types, never a value.
    pub reason: String,
}

impl Guess {
    /// Nothing about a person, as far as anybody can tell.
    #[must_use]
    pub fn none() -> Self {
        Self { tier: Tier::None, kind: "none", confidence: 50, reason: "nothing says otherwise".to_owned() }
    }
}

/// What a table is about, as far as its name and columns tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// People: customers, users, staff.
    People,
    /// What people do or get: orders, messages, anything else with rows of its own.
    Business,
    /// Values to choose from, places, settings.
    Lookup,
    /// What has been going on: logs, sessions, queues, migrations.
    Traces,
}

/// A guess for every column of a catalogue.
#[derive(Debug, Clone)]
pub struct Guesses {
    guesses: Vec<Vec<Guess>>,
    about: Vec<About>,
}

impl Guesses {
    /// Looks at all tables together: references and siblings count.
    #[must_use]
    pub fn of(tables: &[Table]) -> Self {
        Self::with(Knowledge::get(), tables)
    }

    /// The same by other knowledge, to see what some of it is worth.
    #[must_use]
    pub fn with(knowledge: &Knowledge, tables: &[Table]) -> Self {
        let schema = Schema::of(knowledge, tables);
        let mut guesses = Vec::with_capacity(tables.len());
        let mut about = Vec::with_capacity(tables.len());
        for table in tables {
            let names = column::names(knowledge, table);
            let context = context::context(knowledge, &schema, table, &names);
            let around = Around { knowledge, schema: &schema, context: &context, table };
            let own = names.iter().enumerate().map(|(at, named)| {
                let guess = column::guess(&around, at, named);
                commented(knowledge, &table.columns[at], guess)
            });
            guesses.push(own.collect());
            about.push(kind_of_table(&context));
        }
        let mut all = Self { guesses, about };
        all.inherit(tables);
        all
    }

    /// The guess for a column, by index of table and column. `None` outside the catalogue.
    #[must_use]
    pub fn at(&self, table: usize, column: usize) -> Option<&Guess> {
        self.guesses.get(table)?.get(column)
    }

    /// Puts another guess in the place of one; nothing outside the catalogue.
    pub fn set(&mut self, table: usize, column: usize, guess: Guess) {
        if let Some(own) = self.guesses.get_mut(table).and_then(|columns| columns.get_mut(column)) {
            *own = guess;
        }
    }

    /// What a table is about. `None` outside the catalogue.
    #[must_use]
    pub fn about(&self, table: usize) -> Option<About> {
        self.about.get(table).copied()
    }

    /// A referencing column holds what it refers to.
    fn inherit(&mut self, tables: &[Table]) {
        for _ in 0..3 {
            for (at, table) in tables.iter().enumerate() {
                for key in &table.foreign_keys {
                    let Some(parent) = tables.iter().position(|table| table.name == key.parent) else {
                        continue;
                    };
                    for (position, name) in key.columns.iter().enumerate() {
                        let named = key.parent_columns.get(position).and_then(|name| tables[parent].column_index(name));
                        let other = named.or_else(|| tables[parent].primary_key.get(position).copied());
                        let (Some(own), Some(other)) = (table.column_index(name), other) else {
                            continue;
                        };
                        if (parent, other) == (at, own) {
                            continue;
                        }
                        let found = self.guesses[parent][other].clone();
                        let reason =
                            format!("refers to {}.{}", key.parent, tables[parent].columns[other].name.escape_debug());
                        let confidence =
                            if found.tier == Tier::None { found.confidence.max(90) } else { found.confidence };
                        self.guesses[at][own] = Guess { confidence, reason, ..found };
                    }
                }
            }
        }
    }
}

/// A comment may say what a name does not.
fn commented(knowledge: &Knowledge, column: &Column, guess: Guess) -> Guess {
    let Some(comment) = column.comment.as_deref().filter(|_| guess.tier == Tier::None && guess.confidence < 90) else {
        return guess;
    };
    let said = column::named(knowledge, words::words(comment));
    let found = said.best.filter(|found| found.phrase.strength == knowledge::Strength::Strong && !said.vetoed);
    match found.filter(|found| said.words.len() <= 12 && found.phrase.kind.fits(column)) {
        Some(found) if found.phrase.kind.tier.wants_mask() => Guess {
            tier: found.phrase.kind.tier,
            kind: found.phrase.kind.name,
            confidence: 65,
            reason: format!("its comment speaks of {}", found.phrase.kind.words),
        },
        _ => guess,
    }
}

fn kind_of_table(context: &Context) -> About {
    const TRACES: &[&str] = &["migration", "migrations", "queue", "queues", "job", "jobs", "cache", "lock", "locks"];
    match () {
        () if context.person >= 60 => About::People,
        () if context.session || context.words.iter().any(|word| TRACES.contains(&word.as_str())) => About::Traces,
        () if context.head.has("log") && context.words.last().is_some_and(|word| word.starts_with("log")) => {
            About::Traces
        }
        () if context.is_lookup() && !context.of_person => About::Lookup,
        () => About::Business,
    }
}

/// Phrases and nouns of the knowledge that occur in names of these tables and columns.
#[must_use]
pub fn hits(tables: &[Table]) -> BTreeSet<String> {
    let knowledge = Knowledge::get();
    let names = tables.iter().flat_map(|table| {
        let columns = table.columns.iter().map(|column| column.name.as_str());
        std::iter::once(table.name.name.as_str()).chain(columns)
    });
    names.flat_map(|name| knowledge.hits(&words::cut(knowledge, words::words(name)))).collect()
}
