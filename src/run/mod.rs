//! Floor 3: one file per command, each a straight line from top to bottom.

pub mod audit;
pub mod backup;
mod budget;
pub mod capture;
mod capture_table;
pub mod check;
mod chunks;
mod closure;
pub mod copy;
mod counters;
pub mod coverage;
#[cfg(test)]
mod ddl_tests;
pub mod declaration;
pub mod demo;
pub mod detect;
pub mod diff;
pub mod drift;
#[cfg(test)]
mod drift_filled_tests;
pub mod export;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod fill_testing;
#[cfg(test)]
mod filled_tests;
pub mod forecast;
mod foreign;
#[cfg(test)]
mod foreign_tests;
pub mod gc;
pub mod generate;
#[cfg(test)]
mod generate_tests;
pub mod graph;
pub mod guard;
pub mod import;
pub mod inspect;
pub mod invented;
pub mod isolate;
pub mod journal;
#[cfg(test)]
mod journal_testing;
#[cfg(test)]
mod journal_tests;
pub mod keys;
mod learn;
pub mod ledger;
pub mod live;
pub mod load;
pub mod lock;
pub mod marking;
mod packs;
pub mod parallel;
mod pipeline;
mod plan;
pub mod prune;
pub mod publish;
pub mod quarantine;
mod readers;
mod references;
pub mod refs;
#[cfg(test)]
mod refs_tests;
pub mod repository;
pub mod restore;
pub mod retry;
pub mod review;
pub mod rollback;
#[cfg(test)]
mod same_fakes_tests;
mod scans;
mod selection;
#[cfg(test)]
mod server_tests;
mod stage;
pub mod state;
#[cfg(test)]
mod subset_testing;
#[cfg(test)]
mod subset_tests;
pub mod surroundings;
pub mod tags;
#[cfg(test)]
mod terp_policy_tests;
pub mod timing;
mod tombs;
mod triggers;
mod unique;
mod upload;
pub mod verify;
mod walk;
pub mod why;
mod writer;

use crate::event::{Cancel, Event, Report};
use std::time::{Duration, Instant};

/// What every command needs: where to tell, and whether to stop.
#[derive(Clone)]
pub struct Context<'a> {
    /// Receives events.
    pub report: &'a dyn Report,
    /// Asked at every safe point.
    pub cancel: Cancel,
    /// Worker threads for masking, compression and decoding.
    pub jobs: usize,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

impl Context<'_> {
    fn stage(&self, what: impl Into<String>) {
        self.report.event(&Event::Stage { what: what.into() });
    }

    fn note(&self, what: impl Into<String>) {
        self.report.event(&Event::Note { what: what.into() });
    }

    /// Tells a warning.
    pub(crate) fn warn(&self, what: impl Into<String>, hint: Option<String>) {
        self.report.event(&Event::Warning { what: what.into(), hint });
    }
}

/// Random bytes from the system.
fn random<const N: usize>() -> crate::error::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| crate::error::Error::internal(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes)
}

/// Milliseconds since `start`.
fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Now, UTC, whole seconds, RFC 3339.
fn now() -> String {
    later(Duration::ZERO)
}

/// So much after now, in the same form; the end of time where there is none.
fn later(after: Duration) -> String {
    written(jiff::Timestamp::now().saturating_add(after).unwrap_or(jiff::Timestamp::MAX))
}

/// So much before now, in the same form.
fn earlier(before: Duration) -> String {
    written(jiff::Timestamp::now().saturating_sub(before).unwrap_or(jiff::Timestamp::MIN))
}

fn written(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
