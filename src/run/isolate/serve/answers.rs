//! What answers say: JSON, as `docs/openapi.json` describes it.

use crate::engine;
use crate::error::{Error, Kind};
use crate::run::isolate::pool::{Granted, Hold, Reset, Status};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) type Answer = Response<Full<Bytes>>;

/// An answer with a body.
pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    text(status, body.to_string())
}

pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = empty(status);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *answer.body_mut() = Full::new(body.into());
    answer
}

/// An answer without one. No answer may lie in anybody's cache: it has passwords.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The status of each kind of error.
const STATUSES: [(Kind, StatusCode); 11] = [
    (Kind::Usage, StatusCode::BAD_REQUEST),
    (Kind::Locked, StatusCode::CONFLICT),
    (Kind::Drift, StatusCode::CONFLICT),
    (Kind::Policy, StatusCode::FORBIDDEN),
    (Kind::Rejected, StatusCode::INTERNAL_SERVER_ERROR),
    (Kind::Rollback, StatusCode::INTERNAL_SERVER_ERROR),
    (Kind::Store, StatusCode::BAD_GATEWAY),
    (Kind::Guard, StatusCode::FORBIDDEN),
    (Kind::Unreachable, StatusCode::BAD_GATEWAY),
    (Kind::Internal, StatusCode::INTERNAL_SERVER_ERROR),
    (Kind::Interrupted, StatusCode::SERVICE_UNAVAILABLE),
];

/// An error under the status of its kind, or one that the request makes of that.
pub(super) fn error(error: &Error, but: &[(Kind, StatusCode)]) -> Answer {
    let of = |statuses: &[(Kind, StatusCode)]| statuses.iter().find(|(kind, _)| *kind == error.kind()).map(|it| it.1);
    failure(of(but).or_else(|| of(&STATUSES)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error)
}

pub(super) fn failure(status: StatusCode, error: &Error) -> Answer {
    let body = json!({ "error": {
        "kind": error.kind().word(), "code": error.kind().exit_code(), "message": error.to_string(), "hint": error.hint_text(),
    }});
    json(status, &body)
}

/// What can be done there, for whoever tried something else.
pub(super) fn not_allowed(methods: &str) -> Answer {
    let error = Error::usage(format!("this can only be asked with {methods}"));
    let mut answer = failure(StatusCode::METHOD_NOT_ALLOWED, &error);
    if let Ok(methods) = HeaderValue::from_str(methods) {
        answer.headers_mut().insert(ALLOW, methods);
    }
    answer
}

/// A lease, for its holder: its address has the password.
pub(super) fn lease(granted: &Granted) -> Value {
    let mut body = about(granted);
    body["url"] = json!(granted.address.expose());
    body["path"] = json!(path(granted));
    body["unlimited"] = json!(granted.unlimited);
    body
}

/// The file of a clone that is one.
#[must_use]
pub fn path(granted: &Granted) -> Option<String> {
    let is_file = granted.address.scheme().as_deref() == engine::sqlite::ENGINE.schemes.first().copied();
    is_file.then(|| granted.address.expose().split_once(':').map(|(_, path)| path.to_owned())).flatten()
}

/// A lease, for everybody.
fn about(granted: &Granted) -> Value {
    let hold = match granted.hold {
        Hold::Connection(_) => "connection",
        Hold::Heartbeat(_) => "heartbeat",
        Hold::Pool => "pool",
    };
    json!({
        "id": granted.id, "snapshot": { "name": granted.snapshot.name, "id": granted.snapshot.id },
        "database": granted.database, "mode": granted.mode.word(), "epoch": granted.epoch, "hold": hold,
        "expires_in_ms": granted.left.map(millis), "busy": granted.is_busy,
    })
}

pub(super) fn reset(granted: &Granted, done: &Reset) -> Value {
    json!({
        "id": granted.id, "epoch": granted.epoch, "rung": done.rung.word(), "rows": done.rows, "tables": done.tables,
        "counters": done.counters, "ms": done.micros / 1000, "micros": done.micros, "verified": done.verified,
        "notes": done.notes,
    })
}

pub(super) fn status(status: &Status, clones: usize, templates: usize) -> Value {
    let of_template = |it: &crate::run::isolate::pool::TemplateStatus| {
        json!({
            "asked": it.asked, "state": if it.snapshot.is_some() { "ready" } else { "building" },
            "snapshot": it.snapshot.as_ref().map(|it| json!({ "name": it.name, "id": it.id })),
            "idle": it.idle, "leased": it.leased, "resetting": it.resetting, "making": it.making,
        })
    };
    let of_lease = |(granted, age): &(Granted, Duration)| {
        let mut body = about(granted);
        body["age_ms"] = json!(millis(*age));
        body
    };
    let sum: usize = status.templates.iter().map(crate::run::isolate::pool::TemplateStatus::clones).sum();
    json!({
        "version": env!("CARGO_PKG_VERSION"), "closing": status.closing,
        "limits": { "clones": clones, "templates": templates }, "clones": sum,
        "templates": status.templates.iter().map(of_template).collect::<Vec<_>>(),
        "leases": status.leases.iter().map(of_lease).collect::<Vec<_>>(), "waiting": status.waiting,
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
