//! Names of a profile in a schema: exactly, else without regard to case and underscores, else as what they were probably renamed
//! to, which is said.

use crate::model::names::closest;
use crate::model::schema::{Catalogue, Table};
use std::cell::RefCell;

/// How a name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Under this name, at this index.
    At(usize),
    /// Probably renamed to the one at this index.
    Renamed(usize),
    /// Not at all.
    Missing,
}

/// A schema to look for names in. It keeps what it has taken for renamed.
#[derive(Debug)]
pub struct Lookup<'a> {
    /// The schema.
    pub catalogue: &'a Catalogue,
    renamed: RefCell<Vec<String>>,
}

/// A name without what spellings differ in.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The spellings of a written name.
pub(super) fn spellings(written: &str) -> impl Iterator<Item = &str> {
    written.split('|').map(str::trim).filter(|name| !name.is_empty())
}

/// Looks for a name under its spellings.
fn plain(written: &str, known: &[&str]) -> Option<usize> {
    spellings(written).find_map(|name| {
        known.iter().position(|other| *other == name).or_else(|| {
            let wanted = folded(name);
            let mut alike = (0..known.len()).filter(|at| !wanted.is_empty() && folded(known[*at]) == wanted);
            alike.next().filter(|_| alike.next().is_none())
        })
    })
}

/// Looks for a name, renamed ones included: the only one that differs in a few letters, or that has its words and others.
fn seek(written: &str, known: &[&str], words: bool) -> Found {
    if let Some(at) = plain(written, known) {
        return Found::At(at);
    }
    let mut found: Vec<usize> = Vec::new();
    for name in spellings(written) {
        let near = closest(name, known.iter().copied()).and_then(|near| known.iter().position(|other| *other == near));
        // Two that are equally close are no answer.
        let rest: Vec<&str> =
            known.iter().enumerate().filter(|(at, _)| Some(*at) != near).map(|(_, name)| *name).collect();
        found.extend(near.filter(|_| name.chars().count() > 3 && closest(name, rest.into_iter()).is_none()));
        if words && found.is_empty() {
            let parts = parts(name);
            let mut with: Vec<usize> = Vec::new();
            for (at, other) in known.iter().enumerate() {
                let others = self::parts(other);
                if !parts.is_empty() && parts.iter().all(|part| others.contains(part)) {
                    with.push(at);
                }
            }
            if let [one] = with[..] {
                found.push(one);
            }
        }
    }
    found.dedup();
    match found[..] {
        [one] => Found::Renamed(one),
        _ => Found::Missing,
    }
}

/// The words of a name: `unitPrice` and `unit_price` have two.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before_was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_was_lower) {
            parts.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = parts.last_mut()
        {
            last.extend(c.to_lowercase());
        }
        before_was_lower = c.is_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// A column by one of its spellings; renamed ones are not looked for.
pub(super) fn column(table: &Table, written: &str) -> Option<usize> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    plain(written, &names)
}

impl<'a> Lookup<'a> {
    /// Over a schema.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue) -> Self {
        Self { catalogue, renamed: RefCell::default() }
    }

    /// What was taken for renamed since this was last asked, each with both names.
    pub fn take_renamed(&self) -> Vec<String> {
        self.renamed.take()
    }

    /// A table by one of its spellings, `name` or `schema.name`.
    #[must_use]
    pub fn has_table(&self, written: &str) -> Option<usize> {
        let tables = &self.catalogue.tables;
        let full = || spellings(written).find_map(|name| tables.iter().position(|table| table.name.is_named(name)));
        let names: Vec<&str> = tables.iter().map(|table| table.name.name.as_str()).collect();
        full().or_else(|| plain(written, &names))
    }

    /// A table, renamed ones included.
    ///
    /// # Errors
    /// What is missing, as a fragment.
    pub fn table(&self, written: &str) -> Result<usize, String> {
        if let Some(at) = self.has_table(written) {
            return Ok(at);
        }
        let names: Vec<&str> = self.catalogue.tables.iter().map(|table| table.name.name.as_str()).collect();
        match seek(written, &names, false) {
            Found::At(at) => Ok(at),
            Found::Renamed(at) => {
                self.note(format!("there is no table {}; {} is taken for it", shown(written), shown(names[at])));
                Ok(at)
            }
            Found::Missing => Err(format!("there is no table {}", shown(written))),
        }
    }

    /// Whether the table has the column, under one of its spellings.
    #[must_use]
    pub fn has_column(&self, table: usize, written: &str) -> Option<usize> {
        column(&self.catalogue.tables[table], written)
    }

    /// A column, renamed ones included.
    ///
    /// # Errors
    /// What is missing, as a fragment.
    pub fn column(&self, table: usize, written: &str) -> Result<usize, String> {
        let own = &self.catalogue.tables[table];
        let names: Vec<&str> = own.columns.iter().map(|column| column.name.as_str()).collect();
        match seek(written, &names, true) {
            Found::At(at) => Ok(at),
            Found::Renamed(at) => {
                let what = format!(
                    "table {} has no column {}; {} is taken for it",
                    own.name,
                    shown(written),
                    shown(names[at])
                );
                self.note(what);
                Ok(at)
            }
            Found::Missing => Err(format!("table {} has no column {}", own.name, shown(written))),
        }
    }

    fn note(&self, what: String) {
        let mut renamed = self.renamed.borrow_mut();
        if !renamed.contains(&what) {
            renamed.push(what);
        }
    }
}

fn shown(name: &str) -> String {
    name.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_other_spellings_and_when_they_were_renamed() {
        let known = ["clientId", "unit_price", "email_address", "status", "name_first", "name_last"];
        assert_eq!(seek("client_id", &known, true), Found::At(0));
        assert_eq!(seek("price|UnitPrice", &known, true), Found::At(1));
        assert_eq!(seek("email", &known, true), Found::Renamed(2));
        assert_eq!(seek("statuses", &known, true), Found::Renamed(3));
        assert_eq!(seek("name", &known, true), Found::Missing);
        assert_eq!(seek("email", &known, false), Found::Missing);
        assert_eq!(seek("", &known, true), Found::Missing);
        assert_eq!(parts("unitPrice_inUSD"), ["unit", "price", "in", "usd"]);
    }
}
