//! Which of the databases of `exec` a test has: those of one process take turns, and those of several have numbers of their runner.

use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The numbers that tests of this process have, from 0.
static TAKEN: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
static FREED: Condvar = Condvar::new();

/// A number that no other test has until this is dropped.
#[derive(Debug)]
pub(super) struct Turn(usize);

impl Turn {
    /// One of `count` numbers: that of the runner's `slot`, where it has slots, else whichever is free in this process first.
    ///
    /// # Errors
    /// Kind `Usage` for a slot beyond `count`; `Locked` when none became free in time.
    pub(super) fn take(count: usize, slot: Option<usize>, wait: Duration) -> Result<Self> {
        if slot.is_some_and(|slot| slot >= count) {
            return Err(Error::usage(format!("more tests run at a time than 'exec' made databases ({count})"))
                .hint("Give 'exec -n' and 'cargo nextest run --test-threads' the same number."));
        }
        let until = Instant::now() + wait;
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let free = slot.map_or(0..count, |slot| slot..slot + 1).find(|number| !taken.contains(number));
            if let Some(number) = free {
                taken.insert(number);
                return Ok(Self(number));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::locked(format!("the tests of this process have all {count} databases of 'exec'"))
                    .hint("Ask for more with 'exec -n', or have fewer tests at a time."));
            }
            taken = FREED.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn number(&self) -> usize {
        self.0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        FREED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    /// One test, since all tests of a process share the numbers.
    #[test]
    fn a_number_is_one_test_s_at_a_time() {
        let at_once = Duration::ZERO;
        let (first, second) = (Turn::take(2, None, at_once).unwrap(), Turn::take(2, None, at_once).unwrap());
        assert_eq!((first.number(), second.number()), (0, 1));
        assert_eq!(Turn::take(2, None, at_once).unwrap_err().kind(), Kind::Locked);
        assert_eq!(Turn::take(2, Some(1), at_once).unwrap_err().kind(), Kind::Locked);
        assert_eq!(Turn::take(2, Some(2), at_once).unwrap_err().kind(), Kind::Usage);
        let waiting = std::thread::spawn(|| Turn::take(2, None, Duration::from_mins(1)).unwrap().number());
        drop(second);
        assert_eq!(waiting.join().unwrap(), 1);
        assert_eq!(Turn::take(2, Some(1), at_once).unwrap().number(), 1);
        drop(first);
        assert_eq!(Turn::take(1, None, at_once).unwrap().number(), 0);
    }
}
