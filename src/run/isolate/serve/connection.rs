//! One connection: how long it may take over its words, and what ends with it.

use super::{Service, routes};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// How long the head of a request may take from its first byte, and its body.
pub(super) const SPEAKING: Duration = Duration::from_secs(10);

/// How long a connection may be silent that holds no lease.
const SILENCE: Duration = Duration::from_mins(2);

/// The most bytes of a request's head.
const HEAD: usize = 16 * 1024;

/// What the other side does.
#[derive(Clone, Copy)]
enum Doing {
    Nothing,
    Speaking,
    Waiting,
}

/// What the other side does, and since when.
struct Seen(Mutex<(Doing, Instant)>);

impl Seen {
    fn set(&self, doing: Doing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (doing, Instant::now());
    }

    fn get(&self) -> (Doing, Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first byte after an answer begins a request.
    fn heard(&self) {
        if matches!(self.get().0, Doing::Nothing) {
            self.set(Doing::Speaking);
        }
    }
}

/// Ends what the connection holds, however it ends.
struct Ends(Arc<Service>, u64);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.pool.connection_ended(self.1);
    }
}

/// Serves a connection until either side ends it.
pub(super) async fn serve<S>(stream: S, service: Arc<Service>, number: u64, mut closing: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ends = Ends(Arc::clone(&service), number);
    let seen = Arc::new(Seen(Mutex::new((Doing::Nothing, Instant::now()))));
    let answer = {
        let (service, seen) = (Arc::clone(&service), Arc::clone(&seen));
        service_fn(move |request| {
            let (service, seen) = (Arc::clone(&service), Arc::clone(&seen));
            async move {
                seen.set(Doing::Waiting);
                let answer = routes::answer(&service, number, request).await;
                seen.set(Doing::Nothing);
                Ok::<_, Infallible>(answer)
            }
        })
    };
    let io = TokioIo::new(Heard { stream, seen: Arc::clone(&seen) });
    let mut server = hyper::server::conn::http1::Builder::new();
    // A silent connection may hold a lease; how long a head takes is watched here.
    server.header_read_timeout(None).max_buf_size(HEAD);
    let mut connection = pin!(server.serve_connection(io, answer));
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            // However it ended, there is nobody left to tell.
            _ = connection.as_mut() => break,
            Ok(()) = closing.changed() => connection.as_mut().graceful_shutdown(),
            _ = tick.tick() => if is_over(&seen, &service, number) { break },
        }
    }
    drop(ends);
}

fn is_over(seen: &Seen, service: &Service, number: u64) -> bool {
    let (doing, since) = seen.get();
    match doing {
        Doing::Speaking => since.elapsed() > SPEAKING,
        Doing::Nothing => since.elapsed() > SILENCE && !service.pool.is_held_by(number),
        Doing::Waiting => false,
    }
}

/// A stream that tells of its first byte.
struct Heard<S> {
    stream: S,
    seen: Arc<Seen>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.seen.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
