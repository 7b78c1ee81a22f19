//! Profiles: what a TOML file says about made-up rows. `docs/profiles.md` describes the format.
//!
//! [`Profile::parse`] reads the file and knows no database; [`Profile::bind`] holds it against a catalogue and answers with a
//! [`Bound`], which the makers of rows ask. What the schema does not have is taken under another name where that is plain, else
//! left out, and said; it is never found out while rows are made.

mod bind;
mod bound;
mod choice;
mod column;
mod fields;
mod filled;
pub mod fit;
pub mod json_schema;
mod lookup;
pub mod moment;
mod numbers;
mod read;
mod season;
pub mod shape;
mod template;
pub(in crate::generate) mod tree;

pub(in crate::generate) use crate::generate::field::enum_labels as labels;
pub use bind::{Request, Size};
pub use bound::Bound;
pub use choice::{Choice, Count, Spread};
pub(in crate::generate) use column::pair;
pub use lookup::Lookup;
pub use tree::Place;

use crate::error::Result;
use crate::generate::invariant::rule::InvariantRule;
use column::ColumnRule;
use std::collections::BTreeMap;

/// The built-in scenarios.
pub const SCENARIOS: [&str; 4] = ["light", "full", "edge", "chaos"];
/// The distributions of numbers.
pub const DISTRIBUTIONS: [&str; 5] = ["uniform", "normal", "log-normal", "zipf", "pareto"];
/// The kinds of invariants.
pub const KINDS: [&str; 9] =
    ["derived", "order", "numbering", "states", "balance", "stock", "allocation", "check", "share"];
/// When the made-up world stands still, unless the profile says otherwise: 2025-12-31T12:00:00Z.
pub const NOW: i64 = 1_767_182_400 * moment::SECOND;

/// A profile as written.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The file's name, for messages.
    pub file: String,
    /// BLAKE3 of the file's text, 64 hex digits.
    pub digest: String,
    /// What the rows are for.
    pub about: Option<String>,
    now: i64,
    lists: BTreeMap<String, List>,
    base: Section,
    variants: Vec<Variant>,
    scenarios: BTreeMap<String, ScenarioRule>,
}

/// A list of values with weights.
#[derive(Debug, Clone)]
enum List {
    Values(Vec<(String, f64)>),
    /// In a file beside the profile, one to a line.
    File(Place, String),
}

/// A name of the schema, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Where it stands.
    pub place: Place,
    /// The name; several spellings are parted by `|`.
    pub text: String,
}

/// What is said in one place.
#[derive(Debug, Clone, Default)]
struct Section {
    columns: Vec<(Name, ColumnRule)>,
    tables: Vec<(Name, TableRule)>,
    references: Vec<ReferenceRule>,
    invariants: Vec<InvariantRule>,
}

/// A section for some databases.
#[derive(Debug, Clone)]
struct Variant {
    name: String,
    engines: Vec<String>,
    when: Vec<String>,
    section: Section,
}

/// What a scenario says.
#[derive(Debug, Clone)]
struct ScenarioRule {
    like: Option<String>,
    factor: Option<f64>,
    section: Section,
}

/// What is said of a table.
#[derive(Debug, Clone, Default)]
struct TableRule {
    rows: Option<[u64; 3]>,
    per: Option<PerRule>,
    columns: Vec<(Name, ColumnRule)>,
    choices: Vec<(Name, Choice)>,
}

/// Rows along a reference.
#[derive(Debug, Clone)]
struct PerRule {
    place: Place,
    parent: Vec<String>,
    min: f64,
    max: Option<f64>,
    mean: Option<f64>,
}

/// A reference as written.
#[derive(Debug, Clone)]
struct ReferenceRule {
    place: Place,
    table: String,
    columns: Vec<String>,
    parent: String,
    parent_columns: Vec<String>,
    of_type: Option<(String, String)>,
    weight: f64,
}

impl Default for Profile {
    /// A profile that says nothing.
    fn default() -> Self {
        Self {
            file: "no profile".to_owned(),
            digest: String::new(),
            about: None,
            now: NOW,
            lists: BTreeMap::new(),
            base: Section::default(),
            variants: Vec::new(),
            scenarios: BTreeMap::new(),
        }
    }
}

impl Profile {
    /// Reads a profile. `file` is only used in messages.
    ///
    /// # Errors
    /// Kind `Usage` for syntax, unknown keys and wrong types, kind `Policy` for what contradicts itself; with line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        read::profile(file, text)
    }

    /// The files that lists of the profile are in, as written.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let file = |list: &List| match list {
            List::File(_, file) => Some(file.clone()),
            List::Values(_) => None,
        };
        self.lists.values().filter_map(file).collect()
    }

    /// Gives the profile the text of one of its [`files`](Self::files): one value to a line.
    pub fn supply(&mut self, file: &str, text: &str) {
        let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(str::trim);
        let values: Vec<(String, f64)> =
            lines.filter(|line| !line.is_empty()).map(|line| (line.to_owned(), 1.0)).collect();
        for list in self.lists.values_mut() {
            if matches!(list, List::File(_, name) if name == file) {
                *list = List::Values(values.clone());
            }
        }
    }

    /// When the made-up world stands still, in microseconds since 1970-01-01.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The scenarios that can be asked for.
    #[must_use]
    pub fn scenarios(&self) -> Vec<String> {
        let own = self.scenarios.keys().filter(|name| !SCENARIOS.contains(&name.as_str()));
        SCENARIOS.iter().map(|name| (*name).to_owned()).chain(own.cloned()).collect()
    }
}

#[cfg(test)]
pub(in crate::generate) mod testing;
#[cfg(test)]
mod tests;
