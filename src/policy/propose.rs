//! Proposals for undecided columns: from what a column seems to hold to a rule that fits it. A proposal is never a decision: it
//! is printed for a person to check and paste.
//!
//! Each kind has rules in order of liking (`candidates`). The first that builds on the column alone is proposed; if even
//! emptying it is not possible, the column stays undecided. Columns with little room or under a CHECK get a domain of their own,
//! so that they narrow no other column.

use super::file::Policy;
use super::names::{key, quoted};
use super::{build, candidates, resolve};
use crate::classify::{About, Guess, Guesses};
use crate::mask::key::MasterKey;
use crate::mask::{self, Uniqueness};
use crate::model::schema::{Catalogue, Family, Table};
use crate::model::tier::Tier;
use crate::secret::Secret32;

/// What to write behind `column =`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The mask's name; `keep` where nothing fits, too.
    pub mask: &'static str,
    /// The rule as TOML: a string or an inline table. Empty where nothing fits.
    pub rule: String,
    /// Whether the column looks as if it told something about a person, or gave access to something.
    pub personal: bool,
}

impl Proposal {
    fn keep(personal: bool) -> Self {
        Self { mask: "keep", rule: quoted("keep"), personal }
    }

    pub(super) fn of(rule: String, personal: bool) -> Self {
        let name = rule.split('"').nth(1).and_then(mask::find).map_or("keep", |mask| mask.name);
        Self { mask: name, rule, personal }
    }

    /// Whether nothing fits, so that a person has to decide.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.rule.is_empty()
    }
}

/// Whether a guess is about something that a lookup table must not hold without a decision.
#[must_use]
pub fn is_personal(guess: &Guess) -> bool {
    guess.tier.wants_mask()
}

/// The likeliest rule for a column by itself, not tried out: for hints.
pub(super) fn likely(table: &Table, at: usize) -> String {
    let guesses = Guesses::of(std::slice::from_ref(table));
    let Some(guess) = guesses.at(0, at).filter(|guess| guess.tier != Tier::None) else { return quoted("keep") };
    let column = &table.columns[at];
    let fits = |rule: &String| {
        rule.split('"').nth(1).and_then(mask::find).is_some_and(|mask| mask.accepts_family(column.family))
    };
    candidates::of(guess.kind, column).into_iter().find(fits).unwrap_or_else(|| quoted("null"))
}

/// Proposals for the columns of a catalogue.
#[derive(Debug)]
pub struct Proposals<'a> {
    catalogue: &'a Catalogue,
    guesses: Guesses,
}

impl<'a> Proposals<'a> {
    /// From names and types alone.
    #[must_use]
    pub fn of(catalogue: &'a Catalogue) -> Self {
        Self::from(catalogue, Guesses::of(&catalogue.tables))
    }

    /// From these guesses.
    #[must_use]
    pub fn from(catalogue: &'a Catalogue, guesses: Guesses) -> Self {
        Self { catalogue, guesses }
    }

    pub(super) fn catalogue(&self) -> &'a Catalogue {
        self.catalogue
    }

    /// Whether any table refers to this one.
    pub(super) fn has_children(&self, table: usize) -> bool {
        let name = &self.catalogue.tables[table].name;
        let others = self.catalogue.tables.iter().filter(|other| &other.name != name);
        others.flat_map(|other| &other.foreign_keys).any(|foreign| &foreign.parent == name)
    }

    /// The guesses.
    #[must_use]
    pub fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    /// For one column, by index of table and column, without regard to others of its table.
    #[must_use]
    pub fn column(&self, table: usize, at: usize) -> Proposal {
        self.column_at(table, at, 0)
    }

    fn column_at(&self, table: usize, at: usize, depth: usize) -> Proposal {
        let about = &self.catalogue.tables[table];
        if let Some((parent, key)) = self.parent(table, at).filter(|_| depth < 8) {
            return self.column_at(parent, key, depth + 1);
        }
        let Some(guess) = self.guesses.at(table, at).filter(|guess| guess.tier != Tier::None) else {
            return Proposal::keep(false);
        };
        let personal = is_personal(guess);
        let column = &about.columns[at];
        // Artists are known by their works, and named in them: to mask them here alone would only break the data.
        if guess.tier == Tier::Business && guess.kind.ends_with("_name") && guess.kind != "org_name" {
            return Proposal::keep(false);
        }
        let numbered = matches!(column.family, Family::Integer | Family::Uuid);
        if numbered && (about.primary_key.contains(&at) || self.is_referenced(table, at)) {
            return Proposal::keep(false);
        }
        let narrow = self.narrowed(table, at);
        let room = narrow.columns[at].length;
        let own = |rule: &str| (!about.checks.is_empty() || is_tight(room, rule)) && !self.is_referenced(table, at);
        let place = format!("{}.{}", about.name, column.name);
        let rules = candidates::of(guess.kind, &narrow.columns[at]).into_iter();
        let rules = rules.chain(candidates::last_resorts(&narrow.columns[at]));
        for rule in rules {
            if !fits(self.catalogue, &narrow, &[(at, &rule)]) {
                continue;
            }
            let apart = if own(&rule) { with(&rule, "domain", &place) } else { None };
            return Proposal::of(apart.unwrap_or(rule), personal);
        }
        Proposal { rule: String::new(), ..Proposal::keep(personal) }
    }

    /// For every column of a table together: names, email and the like of a table of people become one person.
    #[must_use]
    pub fn table(&self, table: usize) -> Vec<Proposal> {
        let about = &self.catalogue.tables[table];
        let mut proposals: Vec<Proposal> = (0..about.columns.len()).map(|at| self.column(table, at)).collect();
        for (at, rule) in self.persona(table) {
            proposals[at] = Proposal::of(rule, true);
        }
        proposals
    }

    /// The rules of those columns that make up one person per row.
    fn persona(&self, table: usize) -> Vec<(usize, String)> {
        let about = &self.catalogue.tables[table];
        let [subject] = about.primary_key[..] else { return Vec::new() };
        if self.guesses.about(table) != Some(About::People) || self.column(table, subject).mask != "keep" {
            return Vec::new();
        }
        let subject = quoted(&about.columns[subject].name);
        let mut members: Vec<(usize, String)> = Vec::new();
        for (at, column) in about.columns.iter().enumerate() {
            let kind = self.guesses.at(table, at).map_or("none", |guess| guess.kind);
            let Some((_, member, room)) = MEMBERS.iter().find(|(known, ..)| *known == kind) else { continue };
            let roomy = column.length.is_none_or(|length| length >= *room);
            let simple = column.family == Family::Text && roomy && !column.generated && about.checks.is_empty();
            let taken = members.iter().any(|(_, rule)| rule.contains(&format!("\"{member}\"")));
            let again = taken && kind != "email";
            let id = column.name.to_lowercase().ends_with("id");
            let unique = build::unique_by(about, at, self.catalogue).is_some();
            let apart = !unique || matches!(*member, "email" | "username");
            if !simple || again || id || !apart || self.is_referenced(table, at) || self.parent(table, at).is_some() {
                continue;
            }
            let rule = match *member {
                "full_name" => format!("{{ mask = \"persona\", subject = {subject} }}"),
                member => format!("{{ mask = \"persona\", member = {}, subject = {subject} }}", quoted(member)),
            };
            // A second address of one person cannot be the same where both have to differ.
            if !taken && fits(self.catalogue, about, &[(at, &rule)]) {
                members.push((at, rule));
            }
        }
        let together: Vec<(usize, &str)> = members.iter().map(|(at, rule)| (*at, rule.as_str())).collect();
        if members.len() > 1 && fits(self.catalogue, about, &together) { members } else { Vec::new() }
    }

    /// What a column refers to, as the catalogue declares it.
    fn parent(&self, table: usize, at: usize) -> Option<(usize, usize)> {
        let about = &self.catalogue.tables[table];
        about.foreign_keys.iter().find_map(|foreign| {
            let position = foreign.columns.iter().position(|column| *column == about.columns[at].name)?;
            let parent = self.catalogue.tables.iter().position(|table| table.name == foreign.parent)?;
            let named = foreign.parent_columns.get(position);
            let named = named.and_then(|column| self.catalogue.tables[parent].column_index(column));
            let key = named.or_else(|| self.catalogue.tables[parent].primary_key.get(position).copied())?;
            ((parent, key) != (table, at)).then_some((parent, key))
        })
    }

    fn is_referenced(&self, table: usize, at: usize) -> bool {
        self.children(table, at).next().is_some()
    }

    /// Columns that refer to this one.
    fn children(&self, table: usize, at: usize) -> impl Iterator<Item = (usize, usize)> {
        let tables = self.catalogue.tables.iter().enumerate();
        let columns = tables.flat_map(|(child, about)| (0..about.columns.len()).map(move |column| (child, column)));
        let name = &self.catalogue.tables[table].name;
        columns.filter(move |(child, column)| {
            let refers = self.catalogue.tables[*child].foreign_keys.iter().any(|foreign| &foreign.parent == name);
            refers && self.parent(*child, *column) == Some((table, at))
        })
    }

    /// The table by itself, with the room of a key that its narrowest reference has.
    fn narrowed(&self, table: usize, at: usize) -> Table {
        let mut alone = self.catalogue.tables[table].clone();
        alone.foreign_keys.clear();
        let rooms = self.children(table, at).filter_map(|(child, at)| self.catalogue.tables[child].columns[at].length);
        let least = rooms.chain(alone.columns[at].length).min();
        alone.columns[at].length = least;
        alone
    }
}

/// Kinds that a persona has, what it calls them, and the room that each needs.
const MEMBERS: &[(&str, &str, u32)] = &[
    ("email", "email", 40),
    ("first_name", "first_name", 16),
    ("handle", "username", 32),
    ("last_name", "last_name", 16),
    ("person_name", "full_name", 32),
    ("phone", "phone", 20),
];

/// Whether a column has so little room that, where another column of the domain wants its values apart, none would be left
/// for that. What fits the narrowest column otherwise fits all.
fn is_tight(room: Option<u32>, rule: &str) -> bool {
    let mask = rule.split('"').nth(1).and_then(mask::find);
    let least = match mask.map(|mask| mask.unique) {
        None | Some(Uniqueness::None | Uniqueness::Vacant) => 0,
        Some(Uniqueness::Exact) => 24,
        Some(Uniqueness::Tagged) => 40,
    };
    room.is_some_and(|room| room < least)
}

/// A rule with one more key.
fn with(rule: &str, name: &str, value: &str) -> Option<String> {
    let mask = rule.split('"').nth(1).and_then(mask::find)?;
    if mask.domain.is_empty() {
        return None;
    }
    Some(match rule.strip_suffix(" }") {
        Some(inside) => format!("{inside}, {name} = {} }}", quoted(value)),
        None => format!("{{ mask = {rule}, {name} = {} }}", quoted(value)),
    })
}

/// Whether rules build on columns of a table that is all there is.
fn fits(catalogue: &Catalogue, table: &Table, rules: &[(usize, &str)]) -> bool {
    let suits = |(at, rule): &(usize, &str)| {
        let mask = rule.split('"').nth(1).and_then(mask::find);
        mask.is_some_and(|mask| mask.accepts_family(table.columns[*at].family))
    };
    if !rules.iter().all(suits) {
        return false;
    }
    let others = table.stored_columns().into_iter().filter(|other| !rules.iter().any(|(at, _)| at == other));
    let keep: Vec<String> = others.map(|other| quoted(&table.columns[other].name)).collect();
    let lines = rules.iter().map(|(at, rule)| format!("{} = {rule}\n", key(&table.columns[*at].name)));
    let name = key(&table.name.to_string());
    let text = format!(
        "version = 1\n[tables.{name}]\nmode = \"capture\"\nkeep = [{}]\n[tables.{name}.columns]\n{}",
        keep.join(", "),
        lines.collect::<String>()
    );
    let mut table = table.clone();
    table.foreign_keys.clear();
    let alone = Catalogue {
        engine: catalogue.engine,
        version: catalogue.version.clone(),
        settings: catalogue.settings.clone(),
        tables: vec![table],
        pre: catalogue.pre.clone(),
        post: catalogue.post.iter().filter(|object| object.kind == "index").cloned().collect(),
        own: catalogue.own.clone(),
    };
    let Ok(policy) = Policy::parse("a proposal", &text) else { return false };
    resolve(&policy, &alone, "dev", &MasterKey::new(Secret32::new([0; 32]))).is_ok()
}

#[cfg(test)]
#[path = "propose_tests.rs"]
mod tests;
