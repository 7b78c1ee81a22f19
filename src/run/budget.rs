//! A bound on the bytes that work in parallel holds at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many bytes, and not more. One piece that is larger than all of it waits until it is alone.
#[derive(Debug)]
pub(super) struct Budget {
    all: u64,
    taken: Mutex<u64>,
    returned: Condvar,
}

impl Budget {
    /// A budget of `all` bytes.
    pub(super) fn new(all: u64) -> Self {
        Self { all, taken: Mutex::new(0), returned: Condvar::new() }
    }

    /// Waits until `bytes` are left, and takes them.
    pub(super) fn take(&self, bytes: u64) {
        let bytes = bytes.min(self.all);
        let mut taken = self.lock();
        while *taken + bytes > self.all {
            taken = self.returned.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
    }

    /// Gives back what was taken.
    pub(super) fn give_back(&self, bytes: u64) {
        *self.lock() -= bytes.min(self.all);
        self.returned.notify_all();
    }

    /// Waits until everything was given back.
    pub(super) fn wait_for_all(&self) {
        let mut taken = self.lock();
        while *taken > 0 {
            taken = self.returned.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn never_more_than_all_is_taken_and_a_huge_piece_is_alone() {
        let budget = Budget::new(100);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for worker in 0..8_u64 {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    for nth in 0..200 {
                        let bytes = if (worker + nth) % 50 == 0 { 1000 } else { 30 + worker };
                        budget.take(bytes);
                        let held = bytes.min(100);
                        most.fetch_max(now.fetch_add(held, Ordering::SeqCst) + held, Ordering::SeqCst);
                        now.fetch_sub(held, Ordering::SeqCst);
                        budget.give_back(bytes);
                    }
                });
            }
        });
        budget.wait_for_all();
        assert!(most.into_inner() <= 100);
    }
}
