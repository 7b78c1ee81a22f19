//! What a store can do, tried out: for `doctor`. Probing leaves nothing behind, and writes only under names that no listing of
//! a store takes for its own.

use crate::error::{Error, Result};
use data_encoding::HEXLOWER;

/// What somebody wants to do with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Read snapshots. Nothing is written.
    Restore,
    /// Write snapshots, and read them.
    Capture,
    /// Remove what is not needed, too.
    Gc,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Works,
    /// It does not, or otherwise than it could; and it may.
    Harmless,
    /// It does not, and must.
    Fails,
}

impl Verdict {
    /// One word for people and `--json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Harmless => "harmless",
            Self::Fails => "fails",
        }
    }
}

/// One thing that was tried.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was tried.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen and what it means.
    pub told: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Everything that was tried, in order.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Probe {
    /// Notes that something works.
    pub(super) fn works(&mut self, name: &'static str, told: impl Into<String>) {
        self.checks.push(Check { name, verdict: Verdict::Works, told: told.into(), hint: None });
    }

    /// Notes something that may be as it is.
    pub(super) fn harmless(&mut self, name: &'static str, told: impl Into<String>) {
        self.checks.push(Check { name, verdict: Verdict::Harmless, told: told.into(), hint: None });
    }

    /// Notes that something fails that must work.
    pub(super) fn fails(&mut self, name: &'static str, error: &Error) {
        let hint = error.hint_text().map(str::to_owned);
        let mut told = vec![error.to_string()];
        told.extend(error.causes());
        self.checks.push(Check { name, verdict: Verdict::Fails, told: told.join(": "), hint });
    }

    /// Notes how something ended that must work; says whether it did.
    pub(super) fn must(&mut self, name: &'static str, outcome: Result<String>) -> bool {
        match outcome {
            Ok(told) => self.works(name, told),
            Err(error) => self.fails(name, &error),
        }
        self.checks.last().is_some_and(|check| check.verdict == Verdict::Works)
    }

    /// Whether nothing fails that must work.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.checks.iter().all(|check| check.verdict != Verdict::Fails)
    }
}

/// A name for an object of a probe: random, and of no kind of ours.
pub(super) fn name() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::store(format!("no random numbers: {error}")))?;
    Ok(format!("probe-{}", HEXLOWER.encode(&random)))
}
