//! The lock's file: the locks of all engines that the policy was locked for, each in sections of its own.

use super::{Difference, Lock};
use crate::error::Error;
use crate::model::schema::EngineKind;
use crate::policy::file::Policy;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the file says about itself.
const HEAD: &str = "\
# What was decided about every column, by whom and when. 'terp-fixtures policy lock' writes this file; commit it.
# An edit by hand, even of a comment, voids the approvals of the policy.
version = 1
";

/// A lock's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFile {
    /// Its name, for messages.
    pub file: String,
    /// What was decided, by engine: a word of [`SECTIONS`](crate::policy::section::SECTIONS).
    pub engines: BTreeMap<String, Lock>,
}

impl LockFile {
    /// The lock's file beside a policy: `pii.lock` for `pii.toml`, and `NAME.pii.lock` for `NAME.toml`. A `terp.lock` is
    /// another thing: it pins snapshots.
    #[must_use]
    pub fn path(policy: &Path) -> PathBuf {
        super::beside(policy, "lock")
    }

    /// What was decided about databases of an engine. As in the policy, MySQL's holds for MariaDB where the policy has no
    /// section for MariaDB.
    #[must_use]
    pub fn of(&self, policy: &Policy, engine: EngineKind) -> Option<&Lock> {
        self.engines.get(policy.section_of(engine))
    }

    /// What to say where [`Self::of`] finds nothing.
    #[must_use]
    pub fn lacks(&self, engine: EngineKind) -> Error {
        let address = match engine {
            EngineKind::Sqlite => "sqlite:PATH",
            EngineKind::Postgres => "postgres://...",
            EngineKind::Mysql | EngineKind::Mariadb => "mysql://...",
        };
        Error::drift(format!("{} has nothing about databases of {engine}", self.file)).hint(format!(
            "Write it with: terp-fixtures policy lock --source {address} --by NAME. What it has about others stays as it is."
        ))
    }

    /// The same file with what was decided about one engine put in or replaced.
    #[must_use]
    pub fn with(mut self, lock: Lock) -> Self {
        self.engines.insert(lock.engine.clone(), lock);
        self
    }

    /// The file's text: the same for the same content, LF, in the order of names.
    #[must_use]
    pub fn text(&self) -> String {
        let engines: String = self.engines.values().map(Lock::text).collect();
        // A last line that nobody edits: else an edit of the last column and a column behind it would meet in a merge.
        format!("{HEAD}{engines}\n# The end.\n")
    }

    /// The first engine about which this file and the policy's text decide differently, and how: found without a database.
    #[must_use]
    pub fn disagreements(&self, policy: &Policy) -> Option<(&str, Vec<Difference>)> {
        let mut all = self.engines.iter().map(|(engine, lock)| (engine.as_str(), lock.disagreements(policy)));
        all.find(|(_, differences)| !differences.is_empty())
    }
}
