//! Counts what connections to a database take.

use crate::event::Traffic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count. All clones are one, so that a connection and those that were opened from it count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<[AtomicU64; 2]>);

impl Meter {
    pub(super) fn connected(&self) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn traffic(&self) -> Traffic {
        let [connections, statements] = [0, 1].map(|at: usize| self.0[at].load(Ordering::Relaxed));
        Traffic { connections, statements }
    }

    /// Takes over what another one has counted so far.
    pub(super) fn add(&self, other: &Self) {
        let Traffic { connections, statements } = other.traffic();
        self.0[0].fetch_add(connections, Ordering::Relaxed);
        self.0[1].fetch_add(statements, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together() {
        let (one, other) = (Meter::default(), Meter::default());
        one.connected();
        one.clone().sent();
        other.sent();
        one.add(&other);
        assert_eq!(one.traffic(), Traffic { connections: 1, statements: 2 });
    }
}
