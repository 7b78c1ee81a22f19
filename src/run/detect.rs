//! `detect`: what every column of a database seems to hold, with a rule for it, as a policy to read and answer.

use super::{Context, millis};
use crate::classify::{About, Guesses};
use crate::detect;
use crate::engine::Source;
use crate::error::{Error, Result};
use crate::model::schema::Catalogue;
use crate::model::tier::Tier;
use crate::policy::Policy;
use crate::policy::file::Mode;
use crate::policy::inventory::inventory;
use crate::policy::names::quoted;
use crate::policy::propose::Proposals;
use crate::policy::sketch::Sketch;
use std::collections::BTreeMap;
use std::time::Instant;

/// How to search.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Whether values may be looked at.
    pub values: bool,
    /// What is less sure, of 100, is left undecided.
    pub least: u8,
    /// The project that the policy is for.
    pub project: &'a str,
}

/// A column and what is proposed for it.
#[derive(Debug)]
pub struct Found {
    /// Its name.
    pub column: String,
    /// Its type.
    pub declared: String,
    /// `keep`, `mask` or `undecided`.
    pub decision: &'static str,
    /// The mask.
    pub mask: &'static str,
    /// The rule as TOML; empty where nothing fits.
    pub rule: String,
    /// Tier, kind, confidence and reason.
    pub guess: crate::classify::Guess,
}

/// A table and what is proposed for it.
#[derive(Debug)]
pub struct FoundTable {
    /// Its name.
    pub table: String,
    /// What it is about.
    pub about: About,
    /// What to take of it.
    pub mode: Mode,
    /// Its columns.
    pub columns: Vec<Found>,
}

/// What was found.
#[derive(Debug)]
pub struct Outcome {
    /// Table by table, in the order of the catalogue.
    pub tables: Vec<FoundTable>,
    /// The policy.
    pub policy: String,
    /// How long it took.
    pub millis: u64,
}

impl Outcome {
    /// How many columns each tier has.
    #[must_use]
    pub fn tiers(&self) -> BTreeMap<Tier, usize> {
        let mut tiers = BTreeMap::new();
        for column in self.tables.iter().flat_map(|table| &table.columns) {
            *tiers.entry(column.guess.tier).or_default() += 1;
        }
        tiers
    }

    /// How many columns a person has to decide.
    #[must_use]
    pub fn undecided(&self) -> usize {
        let columns = self.tables.iter().flat_map(|table| &table.columns);
        columns.filter(|column| column.decision == "undecided").count()
    }
}

/// Looks at a database. Columns that `policy` decides are left out.
///
/// # Errors
/// Kind `Usage` for a database without tables, `Unreachable` when it cannot be read, `Drift` and `Policy` for a policy that
/// does not suit it; `Interrupted`.
pub fn detect(
    context: &Context<'_>,
    source: &mut dyn Source,
    policy: Option<&Policy>,
    options: Options<'_>,
) -> Result<Outcome> {
    let start = Instant::now();
    context.stage("reading the catalogue");
    let catalogue = source.catalogue()?;
    if catalogue.tables.is_empty() {
        return Err(Error::usage("the database has no tables").hint("Is it the right one? Run your migrations first."));
    }
    let guesses = if options.values {
        context.stage("comparing names, types and some values");
        detect::columns(source, &catalogue, &context.cancel)?
    } else {
        context.stage("comparing names and types");
        Guesses::of(&catalogue.tables)
    };
    of_catalogue(&catalogue, guesses, policy, options, start)
}

/// The same for a catalogue that is there already.
///
/// # Errors
/// Kind `Drift` and `Policy` for a policy that does not suit it.
pub fn of_catalogue(
    catalogue: &Catalogue,
    guesses: Guesses,
    policy: Option<&Policy>,
    options: Options<'_>,
    start: Instant,
) -> Result<Outcome> {
    let proposals = Proposals::from(catalogue, guesses);
    let mut sketches: Vec<Sketch<'_>> =
        (0..catalogue.tables.len()).map(|at| proposals.sketch(at, options.least)).collect();
    let mut known = vec![false; sketches.len()];
    if let Some(policy) = policy {
        let inventory = inventory(policy, catalogue)?;
        for ((sketch, known), record) in sketches.iter_mut().zip(&mut known).zip(&inventory.tables) {
            *known = record.modes[0].is_some();
            let rows = record.modes[0].is_some_and(Mode::has_rows);
            sketch.columns.retain(|column| !*known || (rows && record.columns[column.at].decisions[0].is_none()));
        }
    }
    let policy = text(options.project, &sketches, &known);
    let tables = sketches.into_iter().zip(known).filter(|(sketch, known)| !known || !sketch.columns.is_empty());
    let tables = tables.map(|(sketch, _)| found(sketch)).collect();
    Ok(Outcome { tables, policy, millis: millis(start) })
}

fn found(sketch: Sketch<'_>) -> FoundTable {
    let columns = sketch.columns.into_iter().map(|column| {
        let about = &sketch.table.columns[column.at];
        let decision = match column.proposal.mask {
            _ if column.open => "undecided",
            "keep" => "keep",
            _ => "mask",
        };
        Found {
            column: about.name.clone(),
            declared: about.declared.clone(),
            decision,
            mask: column.proposal.mask,
            rule: column.proposal.rule,
            guess: column.guess,
        }
    });
    FoundTable {
        table: sketch.table.name.to_string(),
        about: sketch.about,
        mode: sketch.mode,
        columns: columns.collect(),
    }
}

const HEAD: &str = "\
# A proposal of 'terp-fixtures detect': what each column seems to hold, and a rule for it. It decides nothing by itself.
#
# How to go on:
#   1. Read it. Behind each masked column stand its tier, its kind, how sure the guess is, and why. The tiers are D direct
#      identifier, C credential, S sensitive, Q quasi-identifier, F free text, B business contact, N not personal.
#   2. Answer the lines '# undecided: ...': take the mark away, or write another rule. A capture refuses until all are answered.
#   3. Look at what is kept, too. 'terp-fixtures masks' lists all masks, 'terp-fixtures refs' finds references that the
#      database does not declare.
#   4. Try it: terp-fixtures capture --dry-run --policy FILE
version = 1

[project]
# Part of every masking key: choose a name once, and keep it.
";

/// Production takes lookup tables only; whatever is proposed for captures says so from the beginning.
const PRODUCTION: &str =
    "[environments.production]\nmode = \"structure\" # of what is captured elsewhere, production gets empty tables\n";

/// Groups of tables, in the order in which they are written.
const GROUPS: [(About, &str); 4] = [
    (About::People, "People"),
    (About::Business, "What people do, and other business"),
    (About::Lookup, "Values to choose from, places, settings"),
    (About::Traces, "Sessions, queues, logs and other traces"),
];

/// The policy file.
fn text(project: &str, sketches: &[Sketch<'_>], known: &[bool]) -> String {
    let mut parts = vec![format!("{HEAD}name = {}\n\n{PRODUCTION}", quoted(project))];
    for (about, title) in GROUPS {
        let group = sketches.iter().zip(known).filter(|(sketch, _)| sketch.about == about);
        let sections = group.filter_map(|(sketch, known)| match (known, sketch.columns.is_empty()) {
            (true, true) => None,
            (true, false) => Some(sketch.rest("")),
            (false, _) => Some(sketch.text("", true)),
        });
        let sections: Vec<String> = sections.collect();
        if !sections.is_empty() {
            parts.push(format!("# --- {title} ---\n\n{}\n", sections.join("\n\n")));
        }
    }
    parts.join("\n")
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
