//! What requests say.

use crate::error::{Error, Result};
use crate::run::isolate::pool::{Ask, Hold, Mode, Want};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long a wish may wait.
const WAIT: RangeInclusive<u64> = 0..=3_600_000;
const USUAL_WAIT: u64 = 60_000;

/// How long a lease may live without being used.
const TTL: RangeInclusive<u64> = 100..=86_400_000;
const USUAL_TTL: u64 = 600_000;

/// The body of `POST /v1/leases`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LeaseRequest {
    snapshot: Option<String>,
    mode: ModeWord,
    wait_ms: Option<u64>,
    hold: Option<HoldWord>,
    ttl_ms: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeWord {
    #[default]
    Reset,
    Fresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum HoldWord {
    Connection,
    Heartbeat,
}

/// The body of `POST /v1/leases/ID/reset`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ResetRequest {
    verify: bool,
    exact_ids: bool,
}

impl ResetRequest {
    pub(super) fn ask(&self) -> Ask {
        Ask { verify: self.verify, exact_ids: self.exact_ids }
    }
}

impl LeaseRequest {
    /// What is wanted, by which connection, and what where no snapshot is named.
    pub(super) fn want(self, connection: u64, usual: Option<&str>) -> Result<Want> {
        let snapshot = self.snapshot.or_else(|| usual.map(str::to_owned)).ok_or_else(|| {
            Error::usage("no snapshot is named, and the pool serves more than one")
                .hint("Send {\"snapshot\": \"NAME\"}; GET /v1/status lists them.")
        })?;
        let within = |said: Option<u64>, usual: u64, allowed: &RangeInclusive<u64>, name: &str| {
            let millis = said.unwrap_or(usual);
            if allowed.contains(&millis) {
                return Ok(Duration::from_millis(millis));
            }
            Err(Error::usage(format!("{name} is {} to {} milliseconds", allowed.start(), allowed.end())))
        };
        let hold = match self.hold {
            Some(HoldWord::Connection) if self.ttl_ms.is_some() => {
                return Err(Error::usage("a lease that a connection holds has no ttl_ms")
                    .hint("Leave out \"hold\" or \"ttl_ms\"."));
            }
            Some(HoldWord::Connection) => Hold::Connection(connection),
            _ => Hold::Heartbeat(within(self.ttl_ms, USUAL_TTL, &TTL, "ttl_ms")?),
        };
        let mode = match self.mode {
            ModeWord::Reset => Mode::Reset,
            ModeWord::Fresh => Mode::Fresh,
        };
        Ok(Want { snapshot, mode, wait: within(self.wait_ms, USUAL_WAIT, &WAIT, "wait_ms")?, hold })
    }
}

/// Reads a body; one that is empty says nothing.
///
/// # Errors
/// Kind `Usage`.
pub(super) fn read<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T> {
    if body.is_empty() {
        return Ok(T::default());
    }
    // First as a table: a list would do for a struct as well.
    let read =
        serde_json::from_slice::<Map<String, Value>>(body).and_then(|table| T::deserialize(Value::Object(table)));
    read.map_err(|error| {
        Error::usage(format!("the body is not what this request takes: {error}"))
            .hint("GET /v1/openapi.json says what it takes.")
    })
}
