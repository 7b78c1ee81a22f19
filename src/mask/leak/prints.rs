//! Fingerprints of one side of the scan, sampled down to a constant size.

use super::hash::Print;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What is known of an original's fingerprint.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Original {
    pub(super) count: u32,
    pub(super) free: bool,
    /// Whether it is the value itself and not another form of it.
    pub(super) first: bool,
    /// Its length, if it is nothing but digits.
    pub(super) digits: u8,
}

/// What is known of an output's fingerprint.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Cells it was seen in.
    pub(super) count: u64,
    /// Its length, if it is nothing but digits.
    pub(super) digits: u8,
}

impl Original {
    pub(super) fn add(&mut self, other: Self) {
        // An identifier in one row stays one, whatever other rows say.
        self.free = other.free && (self.free || self.count == 0);
        self.first |= other.first;
        self.digits = other.digits;
        self.count = self.count.saturating_add(other.count);
    }
}

/// A fingerprint in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) value: u64,
    pub(super) column: u16,
}

/// The fingerprint is random already; the multiplication only fills the upper bits, which are zero below a threshold.
impl Hash for Met {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.value.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
}

#[derive(Default)]
pub(super) struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Fingerprints below a threshold, at most about `capacity` of them.
pub(super) struct Side<T> {
    pub(super) prints: HashMap<Met, T, BuildHasherDefault<Ready>>,
    pub(super) threshold: u64,
    /// How often something lay below the threshold.
    pub(super) met: u64,
    capacity: usize,
    /// Takes what lies above the threshold.
    nowhere: T,
}

impl<T: Default> Side<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            prints: HashMap::default(),
            threshold: u64::MAX,
            met: 0,
            capacity: capacity.max(1),
            nowhere: T::default(),
        }
    }

    pub(super) fn entry(&mut self, value: u64, column: u16) -> &mut T {
        if value > self.threshold {
            return &mut self.nowhere;
        }
        self.met += 1;
        self.prints.entry(Met { value, column }).or_default()
    }

    /// The share of all fingerprints that lies below `threshold`.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    pub(super) fn share(threshold: u64) -> f64 {
        threshold as f64 / u64::MAX as f64
    }

    pub(super) fn shrink(&mut self) {
        while self.prints.len() > self.capacity && self.threshold > 1 {
            self.threshold /= 2;
            let threshold = self.threshold;
            self.prints.retain(|print, _| print.value <= threshold);
        }
    }
}

impl Side<Seen> {
    /// Counts a form of an output.
    #[inline]
    pub(super) fn see(&mut self, print: Print, column: u16) {
        if print.value <= self.threshold {
            let seen = self.entry(print.value, column);
            *seen = Seen { count: seen.count + 1, digits: print.digits };
        }
    }
}
