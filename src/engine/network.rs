//! What engines on a network have in common: waiting, trying again, and telling this machine from others.

use crate::error::{Error, Result};
use crate::event::Cancel;
use std::future::Future;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The runtime that drives one connection from the thread that waits for it.
pub(super) fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::internal("the network runtime cannot be started").caused_by(error))
}

/// Waits for `work`, and gives up when the user interrupts.
pub(super) async fn or_cancelled<T>(cancel: &Cancel, work: impl Future<Output = T>) -> Result<T> {
    let mut work = std::pin::pin!(work);
    loop {
        cancel.check()?;
        if let Ok(done) = tokio::time::timeout(Duration::from_millis(100), work.as_mut()).await {
            return Ok(done);
        }
    }
}

/// 200, 400, 800 ms, each shortened by up to a half at random so that many clients do not come back together.
pub(crate) fn pause(tries: u32) -> Duration {
    let full = 200_u64 << tries;
    let mut random = [0];
    // Without randomness the pause is only a whole one.
    let share = if getrandom::fill(&mut random).is_ok() { u64::from(random[0]) } else { 0 };
    Duration::from_millis(full - full / 2 * share / 256)
}

/// Errors of connecting that time may heal.
pub(super) fn may_heal(error: &std::io::Error) -> bool {
    use ErrorKind::{ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable};
    is_lost(error) || [ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable].contains(&error.kind())
}

/// Errors that say that an open connection is no more.
pub(super) fn is_lost(error: &std::io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof};
    [BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof].contains(&error.kind())
}

/// Whether a host of an address is this machine.
pub(super) fn is_local(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A password that nobody guesses: a word of letters and digits that servers with rules for passwords take too.
pub(super) fn password() -> Result<String> {
    let mut random = [0; 20];
    getrandom::fill(&mut random).map_err(|error| Error::internal(format!("no random numbers: {error}")))?;
    let digits = data_encoding::HEXLOWER.encode(&random);
    Ok(format!("Tf1-{digits}"))
}

/// A digest of `parts`, the same for the same parts in the same order.
pub(super) fn digest(context: &'static str, parts: &[impl AsRef<str>]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        let part = part.as_ref();
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_vary() {
        for tries in 0..3 {
            let pause = pause(tries).as_millis();
            assert!((100 << tries..=200 << tries).contains(&pause), "{pause}");
        }
    }

    #[test]
    fn a_lost_connection_may_heal_and_a_refused_certificate_may_not() {
        for kind in [ErrorKind::UnexpectedEof, ErrorKind::BrokenPipe, ErrorKind::ConnectionReset] {
            assert!(is_lost(&kind.into()) && may_heal(&kind.into()), "{kind}");
        }
        assert!(may_heal(&ErrorKind::ConnectionRefused.into()) && !is_lost(&ErrorKind::ConnectionRefused.into()));
        assert!(!may_heal(&ErrorKind::InvalidData.into()) && !may_heal(&ErrorKind::PermissionDenied.into()));
    }

    #[test]
    fn this_machine_is_told_from_others() {
        assert!(is_local("localhost") && is_local("127.0.0.9") && is_local("[::1]"));
        assert!(!is_local("db.example") && !is_local("10.0.0.1"));
    }
}
