//! What is wrong, or worth a look, in a policy held against a database: one finding per place, all of them at once.
//! `policy check` prints them; a capture refuses at the first error.

use super::file::{Place, Policy};
use crate::error::{Error, Kind};
use crate::model::schema::TableName;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth a reviewer's look; stops nothing.
    Warning,
    /// Stops a capture, and makes `policy check` fail.
    Error,
}

impl Severity {
    /// One lower-case word, which is also the word of SARIF and of GitHub's annotations.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding. No field has room for a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule that found it, in kebab case; one of a closed list: `new-column`, `weak-mask`, ...
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What an error of this rule makes a command fail with: `Drift` (3), `Policy` (4), `Guard` (8), or `Usage` (1).
    pub kind: Kind,
    /// The file it is about: the policy's, the lock's or an approval's name as it was given; empty where it is none of them.
    pub file: String,
    /// Where in the file.
    pub place: Option<Place>,
    /// The table it is about.
    pub table: Option<TableName>,
    /// The column it is about.
    pub column: Option<String>,
    /// What is wrong: a lower-case fragment that names the place itself.
    pub what: String,
    /// What to type or change next.
    pub hint: Option<String>,
}

impl Finding {
    /// An error, or a part of one, as a finding. A place of `policy` in front of its message becomes the finding's own.
    pub(super) fn of(rule: &'static str, policy: &Policy, error: &Error) -> Self {
        let (place, what) = split_place(&policy.file, error.what());
        Self {
            rule,
            severity: Severity::Error,
            kind: error.kind(),
            file: policy.file.clone(),
            place,
            table: None,
            column: None,
            what: what.to_owned(),
            hint: error.hint_text().map(str::to_owned),
        }
    }

    /// A finding at a place of the policy.
    pub(super) fn new(rule: &'static str, policy: &Policy, place: Place, what: impl Into<String>) -> Self {
        let found = Self::of(rule, policy, &Error::policy(what));
        Self { place: (place != Place::default()).then_some(place), ..found }
    }

    /// Of another kind than `Policy`.
    #[must_use]
    pub(super) fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Less than an error.
    #[must_use]
    pub(super) fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// About a table.
    #[must_use]
    pub(super) fn table(self, table: &TableName) -> Self {
        Self { table: Some(table.clone()), ..self }
    }

    /// About a column.
    #[must_use]
    pub(super) fn column(self, table: &TableName, column: &str) -> Self {
        Self { column: Some(column.to_owned()), ..self.table(table) }
    }

    /// What to do.
    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The error of a command that stops at this finding.
    #[must_use]
    pub fn error(&self) -> Error {
        let what = match self.place {
            Some(place) => format!("{}:{place}: {}", self.file, self.what),
            None => self.what.clone(),
        };
        let error = Error::new(self.kind, what);
        match &self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// `pii.toml:3:1: what` as place and what.
fn split_place<'a>(file: &str, text: &'a str) -> (Option<Place>, &'a str) {
    let found = text.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')).and_then(|rest| {
        let (place, what) = rest.split_once(": ")?;
        let (line, column) = place.split_once(':')?;
        Some((Place { line: line.parse().ok()?, column: column.parse().ok()? }, what))
    });
    found.map_or((None, text), |(place, what)| (Some(place), what))
}

/// Findings as they come, and what a command that stops at the first fault says: often more than one finding at once.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Everything.
    pub(super) findings: Vec<Finding>,
    /// The error of the first fault.
    pub(super) refusal: Option<Error>,
}

impl Found {
    /// One finding; an error stops a capture with its own words.
    pub(super) fn add(&mut self, finding: Finding) {
        if finding.severity == Severity::Error {
            self.refusal.get_or_insert_with(|| finding.error());
        }
        self.findings.push(finding);
    }

    /// Faults of one kind, for which a capture has words of its own.
    pub(super) fn all(&mut self, findings: Vec<Finding>, refusal: impl FnOnce() -> Error) {
        if !findings.is_empty() {
            self.refusal.get_or_insert_with(refusal);
            self.findings.extend(findings);
        }
    }

    /// Nothing but the first fault.
    pub(super) fn refuse(self) -> crate::error::Result<()> {
        self.refusal.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leaves_the_words_and_comes_back() {
        let policy = Policy::parse("a:b.toml", "version = 1\n").unwrap();
        let error = Error::policy("a:b.toml:3:14: clients.x: no").hint("Do.");
        let finding = Finding::of("mask-misfit", &policy, &error);
        assert_eq!((finding.place, finding.what.as_str()), (Some(Place { line: 3, column: 14 }), "clients.x: no"));
        assert_eq!(finding.error().what(), error.what());
        let plain = Finding::of("mask-misfit", &policy, &Error::policy("no place: here"));
        assert_eq!((plain.place, plain.what.as_str()), (None, "no place: here"));
    }
}
