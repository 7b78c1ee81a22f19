//! What differs between two locks, and between a lock and the policy's text where there is no database at hand.

use super::make::{COMPUTED, INHERITED, REFERENCE, UNDECIDED};
use super::written::{Written, told};
use super::{Lock, LockedColumn, LockedTable};
use crate::policy::file::{ENVIRONMENTS, Mode, Place, Policy};
use crate::policy::names::{self, Found};
use crate::policy::section::SECTIONS;
use std::borrow::Cow;
use std::fmt;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// The lock does not have it.
    New,
    /// Only the lock has it.
    Gone,
    /// Type, NULL or keys are others.
    Schema,
    /// The decision is another one.
    Decision,
    /// The reason is another one.
    Reason,
    /// It has to be decided again on another day.
    Expires,
}

impl Sort {
    /// One word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Schema => "schema",
            Self::Decision => "decision",
            Self::Reason => "reason",
            Self::Expires => "expires",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The column; none for the table itself.
    pub column: Option<String>,
    /// What differs.
    pub sort: Sort,
    /// What the lock says; empty where it says nothing.
    pub before: String,
    /// What is there now.
    pub after: String,
    /// Where the lock speaks of it.
    pub place: Option<Place>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}.{}", self.table.escape_debug(), column.escape_debug())?,
            None => write!(f, "table {}", self.table.escape_debug())?,
        }
        match self.sort {
            Sort::New => write!(f, " is new: {}", self.after),
            Sort::Gone => write!(f, " is gone: {}", self.before),
            Sort::Schema | Sort::Decision | Sort::Reason | Sort::Expires => {
                write!(f, ": {} was {}, is {}", self.sort.word(), self.before, self.after)
            }
        }
    }
}

impl Lock {
    /// What `now` has otherwise than this lock, by table and column. Who decided, when, and the tier do not count.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        for (name, table) in &now.tables {
            let old = self.tables.get(name);
            let mut add = |column: Option<&str>, sort, before: String, after: String, place| {
                let column = column.map(str::to_owned);
                found.push(Difference { table: name.clone(), column, sort, before, after, place });
            };
            match old {
                None => add(None, Sort::New, String::new(), table.modes.to_string(), None),
                Some(old) => {
                    if old.modes != table.modes {
                        add(None, Sort::Decision, old.modes.to_string(), table.modes.to_string(), Some(old.place));
                    }
                    if old.reason != table.reason {
                        add(
                            None,
                            Sort::Reason,
                            shown(old.reason.as_ref()),
                            shown(table.reason.as_ref()),
                            Some(old.place),
                        );
                    }
                    if old.expires != table.expires {
                        let (before, after) = (shown(old.expires.as_ref()), shown(table.expires.as_ref()));
                        add(None, Sort::Expires, before, after, Some(old.place));
                    }
                }
            }
            for (column, new) in &table.columns {
                match old.and_then(|old| old.columns.get(column)) {
                    None => add(Some(column), Sort::New, String::new(), new.decisions.to_string(), None),
                    Some(old) => old.compare(new, &mut |sort, before, after| {
                        add(Some(column), sort, before, after, Some(old.place));
                    }),
                }
            }
            for (column, old) in old.into_iter().flat_map(|old| &old.columns) {
                if !table.columns.contains_key(column) {
                    add(Some(column), Sort::Gone, old.decisions.to_string(), String::new(), Some(old.place));
                }
            }
        }
        for (name, old) in self.tables.iter().filter(|(name, _)| !now.tables.contains_key(*name)) {
            let (before, place) = (old.modes.to_string(), Some(old.place));
            let table = name.clone();
            found.push(Difference { table, column: None, sort: Sort::Gone, before, after: String::new(), place });
        }
        found.sort_by(|a, b| (&a.table, &a.column, a.sort).cmp(&(&b.table, &b.column, b.sort)));
        found
    }

    /// Where this lock and the policy's text decide differently, found without a database.
    #[must_use]
    pub fn disagreements(&self, policy: &Policy) -> Vec<Difference> {
        let engine = SECTIONS.iter().find(|(word, _)| *word == self.engine).map(|(_, engine)| *engine);
        let policy = engine.map_or(Cow::Borrowed(policy), |engine| policy.of_engine(engine));
        let written = Written::new(&policy, &self.tables.keys().map(String::as_str));
        let mut found = Vec::new();
        for (name, rules) in &written.unknown {
            let after = rules.mode.map_or("decided", Mode::word).to_owned();
            let table = (*name).to_owned();
            found.push(Difference { table, column: None, sort: Sort::New, before: String::new(), after, place: None });
        }
        for (name, table) in &self.tables {
            for at in 0..ENVIRONMENTS.len() {
                found.extend(table.disagreements(name, &written, at));
            }
        }
        found
    }
}

impl LockedTable {
    fn disagreements(&self, name: &str, written: &Written<'_>, at: usize) -> Vec<Difference> {
        let differs = |column: Option<&String>, before: &str, after: String, place: Place| Difference {
            table: name.to_owned(),
            column: column.cloned(),
            sort: Sort::Decision,
            before: format!("{before} in {}", ENVIRONMENTS[at]),
            after,
            place: Some(place),
        };
        let mode = written.mode(name, at);
        let word = mode.map_or(UNDECIDED, Mode::word);
        if self.modes.0[at] != word {
            return vec![differs(None, &self.modes.0[at], word.to_owned(), self.place)];
        }
        let day = written.sections(name, at).find_map(|rules| rules.expires.as_ref());
        let mut found = Vec::new();
        if let Some(day) = later(self.expires.as_ref(), day) {
            let (sort, before, after) = (Sort::Expires, shown(self.expires.as_ref()), shown(Some(day)));
            found.push(Difference { sort, before, ..differs(None, "", after, self.place) });
        }
        if !mode.is_some_and(Mode::has_rows) {
            return found;
        }
        let columns = || self.columns.keys().map(String::as_str);
        for (column, locked) in &self.columns {
            let is = locked.decisions.0[at].as_str();
            let follows = is.starts_with(INHERITED) || [REFERENCE, UNDECIDED, COMPUTED].contains(&is);
            let rule = written.rule(name, &columns(), column, at);
            if let Some(day) = later(locked.expires.as_ref(), rule.and_then(|rule| rule.expires.as_ref())) {
                let sort = Sort::Expires;
                let before = shown(locked.expires.as_ref());
                found.push(Difference { sort, before, ..differs(Some(column), "", shown(Some(day)), locked.place) });
            }
            match rule.map(told) {
                Some(rule) if rule == is || is == COMPUTED => {}
                None if follows => {}
                other => {
                    let after = other.unwrap_or_else(|| "not said".to_owned());
                    found.push(differs(Some(column), is, after, locked.place));
                }
            }
        }
        let named = written.sections(name, at).flat_map(|rules| rules.columns.keys());
        let unknown = named.filter(|column| names::find(column, columns()) == Found::Missing);
        found.extend(unknown.map(|column| differs(Some(column), "unknown", "decided".to_owned(), self.place)));
        found
    }
}

impl LockedColumn {
    fn compare(&self, new: &Self, add: &mut dyn FnMut(Sort, String, String)) {
        if !self.schema_is(new) {
            add(Sort::Schema, self.schema_shown(), new.schema_shown());
        }
        if self.decisions != new.decisions {
            add(Sort::Decision, self.decisions.to_string(), new.decisions.to_string());
        }
        if self.reason != new.reason {
            add(Sort::Reason, shown(self.reason.as_ref()), shown(new.reason.as_ref()));
        }
        if self.expires != new.expires {
            add(Sort::Expires, shown(self.expires.as_ref()), shown(new.expires.as_ref()));
        }
    }

    fn schema_shown(&self) -> String {
        let null = if self.nullable { "" } else { " not null" };
        let unique = if self.unique { " unique" } else { "" };
        format!("{}{null}{unique} ({})", self.declared.escape_debug(), self.fingerprint)
    }
}

/// The policy's day where the lock has none or a later one: a day that the policy sets is the lock's, or another
/// environment's earlier one is.
fn later<'a>(locked: Option<&String>, said: Option<&'a String>) -> Option<&'a String> {
    said.filter(|day| locked.is_none_or(|locked| locked > *day))
}

fn shown(reason: Option<&String>) -> String {
    reason.map_or_else(|| "not given".to_owned(), |reason| format!("{reason:?}"))
}
