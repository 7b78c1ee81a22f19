//! The pool's HTTP server: on a socket that only its owner can open, or on this machine's loopback behind a token.
//!
//! It decides nothing: requests become calls of the [`Pool`] on threads that may wait, and what comes back becomes JSON. A
//! connection that ends takes its leases and its places in the queue with it.

mod answers;
mod connection;
mod door;
mod place;
mod routes;
#[cfg(test)]
mod tests;
mod wire;

pub use answers::path;
pub use place::{Bound, Place, new_folder, sweep};

use super::pool::Pool;
use crate::error::{Error, Result};
use door::Door;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// What the server answers to whoever asks how to talk to it.
pub const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

/// Connections at a time; whoever comes then is turned away.
const CONNECTIONS: usize = 256;

/// How long an answer that has begun may take when the server ends.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Ends a server from any thread. Copies end the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Notify>);

impl Stop {
    /// No new connections and leases; what is being answered is answered yet.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

/// What every connection needs.
struct Service {
    pool: Pool,
    door: Door,
    /// The snapshot that is meant where none is named.
    snapshot: Option<String>,
}

/// Serves until it is stopped. Blocks. The pool takes no further wishes then, and is not yet closed.
///
/// # Errors
/// Kind `Internal` when the system gives no means to.
pub fn serve(bound: Bound, pool: &Pool, snapshot: Option<String>, stop: &Stop) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal("no runtime for the server").caused_by(error))?;
    let Bound { listener, door, _leavings: leavings, .. } = bound;
    let service = Arc::new(Service { pool: pool.clone(), door, snapshot });
    let done = runtime.block_on(async {
        match listener {
            place::Listener::Loopback(listener) => {
                let listener = TcpListener::from_std(listener).map_err(cannot)?;
                accept(&service, stop, || async { listener.accept().await.map(|(stream, _)| stream) }).await;
            }
            #[cfg(unix)]
            place::Listener::Socket(listener) => {
                let listener = UnixListener::from_std(listener).map_err(cannot)?;
                accept(&service, stop, || async { listener.accept().await.map(|(stream, _)| stream) }).await;
            }
        }
        Ok(())
    });
    pool.refuse();
    runtime.shutdown_timeout(LAST_WORDS);
    drop(leavings);
    done
}

fn cannot(error: std::io::Error) -> Error {
    Error::internal("the server cannot listen").caused_by(error)
}

/// Takes connections until the server is stopped, and then lets them end.
async fn accept<S, F>(service: &Arc<Service>, stop: &Stop, next: impl Fn() -> F)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = std::io::Result<S>>,
{
    let (closing, closed) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            () = stop.0.notified() => break,
            Some(_) = connections.join_next() => {}
            stream = next() => match stream {
                Ok(stream) if connections.len() < CONNECTIONS => {
                    number += 1;
                    connections.spawn(connection::serve(stream, Arc::clone(service), number, closed.clone()));
                }
                Ok(stream) => drop(stream),
                // Out of descriptors, most likely: some become free.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    service.pool.refuse();
    closing.send(true).unwrap_or_default();
    let all = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done by then is cut off when the set is dropped.
    tokio::time::timeout(LAST_WORDS, all).await.unwrap_or_default();
}
