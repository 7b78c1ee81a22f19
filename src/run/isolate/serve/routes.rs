//! What can be asked, and who answers it.

use super::answers::{self, Answer};
use super::connection::SPEAKING;
use super::wire::{self, LeaseRequest, ResetRequest};
use super::{OPENAPI, Service};
use crate::error::{Error, Kind, Result};
use crate::run::isolate::pool::{Pool, Ticket};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, StatusCode};
use std::sync::Arc;

/// The most bytes of a body.
const BODY: usize = 64 * 1024;

/// An id that there is not is a place that there is not.
const NO_LEASE: [(Kind, StatusCode); 1] = [(Kind::Usage, StatusCode::NOT_FOUND)];
/// Whoever waited in vain may come again.
const NO_CLONE: [(Kind, StatusCode); 1] = [(Kind::Locked, StatusCode::SERVICE_UNAVAILABLE)];

/// What a path means.
enum Route<'a> {
    Leases,
    Lease(&'a str),
    Reset(&'a str),
    Renew(&'a str),
    Status,
    OpenApi,
}

impl<'a> Route<'a> {
    fn find(path: &'a str) -> Option<Self> {
        match path {
            "/v1/leases" => return Some(Self::Leases),
            "/v1/status" => return Some(Self::Status),
            "/v1/openapi.json" => return Some(Self::OpenApi),
            _ => {}
        }
        let rest = path.strip_prefix("/v1/leases/")?;
        let (id, verb) = rest.split_once('/').unwrap_or((rest, ""));
        match verb {
            _ if id.is_empty() => None,
            "" if !rest.contains('/') => Some(Self::Lease(id)),
            "reset" => Some(Self::Reset(id)),
            "renew" => Some(Self::Renew(id)),
            _ => None,
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Leases | Self::Reset(_) | Self::Renew(_) => "POST",
            Self::Lease(_) => "GET, DELETE",
            Self::Status | Self::OpenApi => "GET",
        }
    }
}

/// Answers a request.
pub(super) async fn answer(service: &Service, connection: u64, request: Request<Incoming>) -> Answer {
    if let Err((status, error)) = service.door.check(request.headers()) {
        return answers::failure(status, &error);
    }
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let Some(route) = Route::find(path) else {
        let error = Error::usage("there is no such path").hint("GET /v1/openapi.json lists them.");
        return answers::failure(StatusCode::NOT_FOUND, &error);
    };
    let method = head.method.as_str();
    if !route.methods().split(", ").any(|known| known == method) {
        return answers::not_allowed(route.methods());
    }
    let body = match collect(body).await {
        Ok(body) => body,
        Err((status, error)) => return answers::failure(status, &error),
    };
    match route {
        Route::OpenApi => answers::text(StatusCode::OK, OPENAPI),
        Route::Status => status(&service.pool),
        Route::Leases => lease(service, connection, &body).await,
        Route::Lease(id) if head.method == Method::DELETE => match service.pool.give_back(id) {
            Ok(()) => answers::empty(StatusCode::NO_CONTENT),
            Err(error) => answers::error(&error, &NO_LEASE),
        },
        Route::Lease(id) | Route::Renew(id) => match service.pool.renew(id) {
            Ok(granted) => answers::json(StatusCode::OK, &answers::lease(&granted)),
            Err(error) => answers::error(&error, &NO_LEASE),
        },
        Route::Reset(id) => reset(&service.pool, id, &body).await,
    }
}

/// The whole body, if it is small and comes soon.
async fn collect(body: Incoming) -> std::result::Result<Bytes, (StatusCode, Error)> {
    match tokio::time::timeout(SPEAKING, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, Error::usage(format!("a body has at most {BODY} bytes"))))
        }
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, Error::usage("the body broke off"))),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, Error::usage("the body took too long"))),
    }
}

fn status(pool: &Pool) -> Answer {
    let limits = pool.limits();
    answers::json(StatusCode::OK, &answers::status(&pool.status(), limits.clones, limits.templates))
}

/// Gives up what nobody is there to take.
struct Taking(Option<Arc<Ticket>>);

impl Drop for Taking {
    fn drop(&mut self) {
        if let Some(ticket) = &self.0 {
            ticket.give_up();
        }
    }
}

async fn lease(service: &Service, connection: u64, body: &[u8]) -> Answer {
    let want = wire::read::<LeaseRequest>(body).and_then(|it| it.want(connection, service.snapshot.as_deref()));
    let ticket = match want.and_then(|want| service.pool.enqueue(&want)) {
        Ok(ticket) => Arc::new(ticket),
        Err(error) => return answers::error(&error, &NO_CLONE),
    };
    // When the other side goes meanwhile, this is dropped where it waits.
    let mut taking = Taking(Some(Arc::clone(&ticket)));
    let granted = apart(move || ticket.wait()).await;
    taking.0 = None;
    match granted {
        Ok(granted) => answers::json(StatusCode::CREATED, &answers::lease(&granted)),
        Err(error) => answers::error(&error, &NO_CLONE),
    }
}

async fn reset(pool: &Pool, id: &str, body: &[u8]) -> Answer {
    let request: ResetRequest = match wire::read(body) {
        Ok(request) => request,
        Err(error) => return answers::error(&error, &[]),
    };
    let (pool, id) = (pool.clone(), id.to_owned());
    match apart(move || pool.put_back(&id, request.ask())).await {
        Ok((granted, done)) => answers::json(StatusCode::OK, &answers::reset(&granted, &done)),
        Err(error) => answers::error(&error, &NO_LEASE),
    }
}

/// On a thread that may wait.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::internal("a thread of the server ended before its work")))
}
