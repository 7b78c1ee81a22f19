//! CHECK constraints: found in the catalogue, read, worked out for a row, and solved, so that rows are made to satisfy them.
//!
//! A condition that cannot be worked out here as the engine would is never guessed: the database is [asked](ask).

mod ask;
mod atom;
mod compare;
mod datum;
mod draft;
mod evaluate;
mod functions;
mod goal;
mod json;
#[cfg(test)]
mod oracle_tests;
mod pattern;
mod read;
mod solve;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod tree;

pub use ask::ask;
pub use solve::{Alternative, Derived, Expression, Total, contradicting, solve};

use super::value::Value;
use crate::model::schema::{Catalogue, Table};
use datum::About;
use evaluate::Row;
use std::sync::Arc;
use tree::Term;

/// What the clock shows while rows are made, where nobody says otherwise: 2025-12-31T12:00:00Z.
pub const NOW: i64 = 1_767_182_400_000_000;

/// A condition on the rows of a table.
#[derive(Debug, Clone)]
pub struct Check {
    /// The constraint's name, or one that tells which it is.
    pub name: String,
    /// The condition, as the server renders it.
    pub text: String,
    /// The columns that it speaks of, by index.
    pub columns: Vec<usize>,
    /// The condition, or why it cannot be worked out here.
    pub predicate: Result<Predicate, String>,
    about: Arc<About>,
    /// The type below, where it is a domain's condition on `VALUE`.
    base: Option<String>,
}

/// A condition that was read.
#[derive(Debug, Clone)]
pub struct Predicate {
    term: Term,
    about: Arc<About>,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not: the row is refused.
    False,
    /// NULL decides: the row passes.
    Unknown,
    /// What the engine would say is not certain here.
    Cannot,
}

impl Truth {
    /// Whether a row with this outcome is taken.
    #[must_use]
    pub fn passes(self) -> bool {
        matches!(self, Self::True | Self::Unknown)
    }

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            other => other,
        }
    }
}

impl Predicate {
    /// Whether it holds for a row; a cell that is not there is not known.
    #[must_use]
    pub fn holds(&self, cells: &[Option<Value>]) -> Truth {
        evaluate::truth(&self.term, Row { about: &self.about, cells })
    }
}

/// The checks of a table: its own, those of its columns' domains, and that domains refuse NULL.
#[must_use]
pub fn of_table(catalogue: &Catalogue, table: &Table) -> Vec<Check> {
    of_table_at(catalogue, table, NOW)
}

/// The same, at another time: conditions may ask the clock.
#[must_use]
pub fn of_table_at(catalogue: &Catalogue, table: &Table, now: i64) -> Vec<Check> {
    let about = Arc::new(About::of(catalogue, table, now));
    let mut checks = Vec::new();
    match text::of_table(catalogue, table) {
        Some(written) => {
            for written in written {
                let name = written.name.unwrap_or_else(|| format!("CHECK {} of {}", checks.len() + 1, table.name));
                checks.push(check(name, written.text, &about, None));
            }
        }
        None => checks.push(Check {
            name: format!("the checks of {}", table.name),
            text: String::new(),
            columns: Vec::new(),
            predicate: Err("the statement that makes the table cannot be read".to_owned()),
            about: Arc::clone(&about),
            base: None,
        }),
    }
    for (at, column) in table.columns.iter().enumerate() {
        of_domain(catalogue, &about, at, &column.declared, &mut checks);
    }
    checks
}

/// A condition on a table's rows that is no CHECK: which rows an index is about, what the partitions take.
#[must_use]
pub fn of_text(catalogue: &Catalogue, table: &Table, name: &str, text: &str, now: i64) -> Check {
    check(name.to_owned(), text.to_owned(), &Arc::new(About::of(catalogue, table, now)), None)
}

fn of_domain(catalogue: &Catalogue, about: &Arc<About>, at: usize, declared: &str, checks: &mut Vec<Check>) {
    let Some(domain) = text::domain(declared, catalogue) else {
        return;
    };
    let column = about.slots[at].name.escape_debug();
    if domain.not_null {
        let term = Term::Not(Box::new(Term::IsNull(Box::new(Term::Column(at)))));
        checks.push(Check {
            name: format!("NOT NULL of domain {} in {column}", declared.escape_debug()),
            text: "(VALUE IS NOT NULL)".to_owned(),
            columns: vec![at],
            predicate: Ok(Predicate { term, about: Arc::clone(about) }),
            about: Arc::clone(about),
            base: Some(domain.base.clone()),
        });
    }
    for (count, written) in domain.checks.into_iter().enumerate() {
        let own = written.name.unwrap_or_else(|| format!("CHECK {}", count + 1));
        let name = format!("{own} of domain {} in {column}", declared.escape_debug());
        checks.push(check(name, written.text, about, Some((at, &domain.base))));
    }
    // A domain may lie over another one.
    if domain.base != declared {
        of_domain(catalogue, about, at, &domain.base, checks);
    }
}

fn check(name: String, text: String, about: &Arc<About>, domain: Option<(usize, &String)>) -> Check {
    let value = domain.map(|(at, _)| at);
    let term = read::condition(&text, about, value);
    let columns = match &term {
        Ok(term) => term.columns(),
        // Which columns it speaks of is a guess then.
        Err(_) => (0..about.slots.len())
            .filter(|at| value == Some(*at) || value.is_none() && text.contains(&about.slots[*at].name))
            .collect(),
    };
    let generated = columns.iter().find(|at| about.slots[**at].generated);
    let predicate = match (term, generated) {
        (_, Some(at)) => {
            Err(format!("it speaks of {}, which the database computes", about.slots[*at].name.escape_debug()))
        }
        (Ok(term), None) => Ok(Predicate { term, about: Arc::clone(about) }),
        (Err(why), None) => Err(why),
    };
    Check { name, text, columns, predicate, about: Arc::clone(about), base: domain.map(|(_, base)| base.clone()) }
}
