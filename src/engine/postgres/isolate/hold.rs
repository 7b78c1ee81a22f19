//! Named locks of a host: advisory locks of one session in the registry's database, so that they die with this process.
//!
//! A session may take the same advisory lock twice, so what it has is remembered here, too.

use super::super::session::Session;
use crate::engine::isolate::Held;
use crate::engine::network;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The session that has the locks.
pub(super) struct Locks {
    session: Session,
    taken: BTreeSet<i64>,
}

/// One of them.
struct Lock {
    locks: Arc<Mutex<Locks>>,
    key: i64,
}

impl Held for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut locks = lock(&self.locks);
        let given_back = locks.session.run(&format!("SELECT pg_catalog.pg_advisory_unlock({})", self.key));
        locks.taken.remove(&self.key);
        // The end of the session gives the last of them back in any case.
        if given_back.is_err() && locks.taken.is_empty() {
            locks.session.leave();
        }
    }
}

fn lock(locks: &Mutex<Locks>) -> MutexGuard<'_, Locks> {
    locks.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locks {
    pub(super) fn new(session: Session) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { session, taken: BTreeSet::new() }))
    }

    /// Whether the session is gone, and everything that it held.
    pub(super) fn is_broken(locks: &Mutex<Self>) -> bool {
        lock(locks).session.is_broken()
    }

    fn try_take(&mut self, key: i64) -> Result<bool> {
        if self.taken.contains(&key) {
            return Ok(false);
        }
        let answer = self.session.rows(&format!("SELECT pg_catalog.pg_try_advisory_lock({key})"))?;
        let is_taken = answer.into_iter().flatten().flatten().next().as_deref() == Some("t");
        if is_taken {
            self.taken.insert(key);
        }
        Ok(is_taken)
    }
}

/// Takes the lock `name`, waiting as long as `wait`.
pub(super) fn hold(locks: &Arc<Mutex<Locks>>, name: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
    let digest = network::digest("terp-fixtures v1 postgres host lock", &[name]);
    let key = u64::from_str_radix(&digest[..16], 16).map_err(|_| Error::internal("a digest is not a number"))?;
    let key = key.cast_signed();
    let deadline = Instant::now() + wait;
    loop {
        if lock(locks).try_take(key)? {
            return Ok(Some(Box::new(Lock { locks: Arc::clone(locks), key })));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::park_timeout(left.min(Duration::from_millis(50)));
    }
}
