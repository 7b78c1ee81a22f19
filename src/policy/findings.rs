//! What is wrong, or worth a look, in a policy held against a database: one finding per place, all of them at once.
//! `policy check` prints them; a capture refuses at the first error.

use super::file::Place;
use crate::error::Kind;
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
