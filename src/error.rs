//! The one error type: a kind (the exit code), what happened and where, and what to type next.
//!
//! Messages are lower-case fragments that name places (table, column, chunk, row ordinal), never a cell's value.
//! Text that comes from a server or driver is only attached as `source` when it is known to carry no value.

use crate::model::drift::Difference;
use std::fmt;

/// What went wrong, by the reaction it asks for. Each kind has one exit code, and the codes are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Wrong arguments or configuration (1).
    Usage,
    /// A lock is held by somebody else, or waiting for it timed out (2).
    Locked,
    /// The live schema differs from what was expected (3).
    Drift,
    /// The policy, a mask or the leak scan refused (4).
    Policy,
    /// Rows were rejected or a load failed (5).
    Rejected,
    /// A rollback was refused or is incomplete (6).
    Rollback,
    /// The store, or the integrity of something in it (7).
    Store,
    /// A guard refused: production target, missing confirmation, expired snapshot (8).
    Guard,
    /// A source or target cannot be reached or read (9).
    Unreachable,
    /// A defect of this program (70).
    Internal,
    /// Interrupted by the user (130).
    Interrupted,
}

impl Kind {
    /// Every kind, for help texts and tests.
    pub const ALL: [Self; 11] = [
        Self::Usage,
        Self::Locked,
        Self::Drift,
        Self::Policy,
        Self::Rejected,
        Self::Rollback,
        Self::Store,
        Self::Guard,
        Self::Unreachable,
        Self::Internal,
        Self::Interrupted,
    ];

    /// The process exit code of this kind.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 1,
            Self::Locked => 2,
            Self::Drift => 3,
            Self::Policy => 4,
            Self::Rejected => 5,
            Self::Rollback => 6,
            Self::Store => 7,
            Self::Guard => 8,
            Self::Unreachable => 9,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }

    /// One lower-case word for logs and `--json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Locked => "locked",
            Self::Drift => "drift",
            Self::Policy => "policy",
            Self::Rejected => "rejected",
            Self::Rollback => "rollback",
            Self::Store => "store",
            Self::Guard => "guard",
            Self::Unreachable => "unreachable",
            Self::Internal => "internal",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why the same work may succeed when it is done again from its beginning. The database says so by a code, never by a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transient {
    /// The database took the transaction back because of another one: a deadlock, a serialization failure.
    Conflict,
    /// The connection was lost, and nothing was committed.
    Lost,
    /// The connection was lost during the commit: the changes are there or not.
    InDoubt,
}

impl Transient {
    /// Lower-case words for logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Lost => "lost",
            Self::InDoubt => "in doubt",
        }
    }
}

/// The rule of a database that a row breaks, as the server names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What kind of rule: `unique`, `check`, `type`, ...
    pub rule: &'static str,
    /// The constraint's or the column's name; empty where the server gives none.
    pub name: String,
    /// Which row of a load it is, from 0, where the server says so.
    pub row: Option<u64>,
}

/// An error of any part of the program. See the module's rules for its wording.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    transient: Option<Transient>,
    what: String,
    hint: Option<String>,
    broken: Option<Box<Broken>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Of kind `Drift`: each difference, for those who want it in parts.
    differences: Vec<Difference>,
}

/// The result of everything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind` that says `what` happened, as a fragment that reads well after "error: ".
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            transient: None,
            what: what.into(),
            hint: None,
            broken: None,
            source: None,
            differences: Vec::new(),
        }
    }

    /// Adds what the user can type or change next, as a full sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that the same work may succeed when it is done again, and why.
    #[must_use]
    pub fn transient_by(mut self, transient: impl Into<Option<Transient>>) -> Self {
        self.transient = transient.into();
        self
    }

    /// Attaches the cause. The cause must be known not to print a cell's value.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says that a row breaks this rule: without that row the statement would have gone through.
    #[must_use]
    pub fn of_row(mut self, broken: Broken) -> Self {
        self.broken = Some(Box::new(broken));
        self
    }

    /// Says that the load had taken so many rows before the statement that failed.
    #[must_use]
    pub fn behind(mut self, rows: u64) -> Self {
        if let Some(row) = self.broken.as_mut().and_then(|broken| broken.row.as_mut()) {
            *row += rows;
        }
        self
    }

    /// Puts a place or an action in front of what happened: `restore table clients: ...`.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }

    /// Adds the differences that the message tells of.
    #[must_use]
    pub fn differing(mut self, differences: Vec<Difference>) -> Self {
        self.differences = differences;
        self
    }

    /// The differences between two schemas, where it is about them.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// The kind, which decides the exit code.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Why the same work may succeed when it is done again; none where it would fail again.
    #[must_use]
    pub fn transient(&self) -> Option<Transient> {
        self.transient
    }

    /// What happened, without hint and causes.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to type next, if known.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The rule that a row breaks, where the error is about a row.
    #[must_use]
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_deref()
    }

    /// The chain of causes, outermost first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

macro_rules! shorthand {
    ($($name:ident => $kind:ident),* $(,)?) => {
        impl Error {
            $(
                #[doc = concat!("An error of kind [`Kind::", stringify!($kind), "`].")]
                pub fn $name(what: impl Into<String>) -> Self {
                    Self::new(Kind::$kind, what)
                }
            )*
        }
    };
}
shorthand! {
    usage => Usage, locked => Locked, drift => Drift, policy => Policy, rejected => Rejected, rollback => Rollback,
    store => Store, guard => Guard, unreachable => Unreachable, internal => Internal, interrupted => Interrupted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_promised_ones() {
        let codes: Vec<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 70, 130]);
    }

    #[test]
    fn causes_are_listed_outermost_first() {
        let inner = Error::store("pack is short");
        let outer = Error::store("cannot read chunk 3").caused_by(inner).within("table clients");
        assert_eq!(outer.to_string(), "table clients: cannot read chunk 3");
        assert_eq!(outer.causes(), ["pack is short"]);
    }
}
