//! `pii.lock`: what was decided about every column of a database, by whom and when, beside the schema that it was decided
//! about. One text for one content, in small blocks that merge where two people worked on different columns. Nothing in it is
//! shared by two columns: fingerprints of tables and of the whole schema are computed from those of the columns.

mod compare;
mod file;
mod make;
mod read;
mod written;

pub use compare::{Difference, Sort};
pub use file::LockFile;
pub use make::{Decider, column_fingerprint};

use super::file::{ENVIRONMENTS, Place};
use super::names::{key, quoted};
use crate::model::tier::Tier;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A text for each of [`ENVIRONMENTS`], in that order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each(pub [String; 3]);

impl Each {
    /// The text that all environments share, if they do.
    #[must_use]
    pub fn same(&self) -> Option<&str> {
        self.0.iter().all(|text| *text == self.0[0]).then_some(self.0[0].as_str())
    }

    /// The text of an environment.
    #[must_use]
    pub fn of(&self, environment: &str) -> Option<&str> {
        ENVIRONMENTS.iter().position(|name| *name == environment).map(|at| self.0[at].as_str())
    }

    fn toml(&self) -> String {
        let one = |(name, text): (&&str, &String)| format!("{name} = {}", quoted(text));
        match self.same() {
            Some(text) => quoted(text),
            None => format!("{{ {} }}", ENVIRONMENTS.iter().zip(&self.0).map(one).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// For people: the text, or one for each environment.
impl fmt::Display for Each {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |(name, text): (&&str, &String)| format!("{name}: {text}");
        match self.same() {
            Some(text) => f.write_str(text),
            None => f.write_str(&ENVIRONMENTS.iter().zip(&self.0).map(one).collect::<Vec<_>>().join("; ")),
        }
    }
}

/// What was decided about one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedColumn {
    /// The type as the server renders it.
    pub declared: String,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether a primary key or a unique constraint has it, alone or with others.
    pub unique: bool,
    /// Digest of the column's schema, keys included, 16 hex digits.
    pub fingerprint: String,
    /// What each environment does to it.
    pub decisions: Each,
    /// What it seemed to hold when it was decided.
    pub tier: Tier,
    /// Why, as the policy says.
    pub reason: Option<String>,
    /// Who decided.
    pub by: String,
    /// When, `YYYY-MM-DD`.
    pub on: String,
    /// The day on which the decision has to be made again, `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// Where it stands in the file.
    pub place: Place,
}

/// What was decided about one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedTable {
    /// Digest of its columns' fingerprints, 16 hex digits.
    pub fingerprint: String,
    /// What each environment takes of it.
    pub modes: Each,
    /// Why, as the policy says.
    pub reason: Option<String>,
    /// Who decided its mode.
    pub by: String,
    /// When, `YYYY-MM-DD`.
    pub on: String,
    /// The day on which its section has to be decided again, `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// Its columns by name; none where no environment takes anything of the table.
    pub columns: BTreeMap<String, LockedColumn>,
    /// Where it stands in the file.
    pub place: Place,
}

/// What was decided about databases of one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The file's name, for messages.
    pub file: String,
    /// The engine, by the name of its section.
    pub engine: String,
    /// Decisions by table: `name` or `schema.name`.
    pub tables: BTreeMap<String, LockedTable>,
}

impl Lock {
    /// Digest of the whole schema, 16 hex digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        digest_of(self.tables.iter().map(|(name, table)| (name.as_str(), table.fingerprint.as_str())))
    }

    /// Its sections of the file.
    fn text(&self) -> String {
        let mut text = format!("\n[engines.{}]\n", self.engine);
        for (name, table) in &self.tables {
            let head = format!("engines.{}.tables.{}", self.engine, key(name));
            let review = review(&[
                ("reason", table.reason.as_deref()),
                ("by", Some(&table.by)),
                ("on", Some(&table.on)),
                ("expires", table.expires.as_deref()),
            ]);
            text.push_str(&format!("\n[{head}]\nmode = {}\nreview = {review}\n", table.modes.toml()));
            for (name, column) in &table.columns {
                text.push_str(&column.block(&head, name));
            }
        }
        text
    }
}

/// Whether a decision has to be made again on `day`, `YYYY-MM-DD`.
fn has_expired(expires: Option<&String>, day: &str) -> bool {
    expires.is_some_and(|expires| expires.as_str() <= day)
}

impl LockedColumn {
    /// A block of its own, with lines in it that no other edit touches: merges need that between two changes.
    fn block(&self, table: &str, name: &str) -> String {
        let tier = self.tier.letter().to_string();
        let review = review(&[
            ("tier", Some(&tier)),
            ("reason", self.reason.as_deref()),
            ("by", Some(&self.by)),
            ("on", Some(&self.on)),
            ("expires", self.expires.as_deref()),
        ]);
        format!(
            "\n[{table}.columns.{}]\nschema = {{ type = {}, null = {}, unique = {}, fingerprint = {} }}\n\
             decision = {}\nreview = {review}\n",
            key(name),
            quoted(&self.declared),
            self.nullable,
            self.unique,
            quoted(&self.fingerprint),
            self.decisions.toml(),
        )
    }
}

fn review(facts: &[(&str, Option<&str>)]) -> String {
    let said = facts.iter().filter_map(|(name, text)| text.map(|text| format!("{name} = {}", quoted(text))));
    format!("{{ {} }}", said.collect::<Vec<_>>().join(", "))
}

/// A path beside the policy that belongs to it: `pii.WORD` or `NAME.pii.WORD`.
pub(super) fn beside(policy: &Path, word: &str) -> PathBuf {
    let stem = policy.file_stem().unwrap_or_default().to_string_lossy();
    let name = if stem == "pii" { format!("pii.{word}") } else { format!("{stem}.pii.{word}") };
    policy.with_file_name(name)
}

/// A digest of names and fingerprints, each with its length, 16 hex digits.
fn digest_of<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in parts.flat_map(|(name, digest)| [name, digest]) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Digest of a table's columns: name and fingerprint of each.
fn table_fingerprint(columns: &BTreeMap<String, LockedColumn>) -> String {
    digest_of(columns.iter().map(|(name, column)| (name.as_str(), column.fingerprint.as_str())))
}

#[cfg(test)]
mod tests;
