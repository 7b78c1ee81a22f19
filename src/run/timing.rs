//! The two times of publication and garbage collection, and the clock that one of them is measured by. How old an object is says
//! the store alone.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Two times of which the first must be shorter than the second: what a capture saw of the store still holds when its manifest
/// gets there, because whatever is marked meanwhile stays longer than that.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// At most so long after a capture looked at the store its manifest is there.
    pub window: Duration,
    /// At least so long a pack is marked before it is deleted, and at least so old it is when it is marked.
    pub grace: Duration,
    /// The clock. Another one is for tests.
    pub clock: fn() -> Moment,
}

impl Default for Timing {
    fn default() -> Self {
        Self { window: Duration::from_mins(10), grace: Duration::from_hours(24), clock: Moment::now }
    }
}

impl Timing {
    /// The shortest grace that anybody may ask for: several windows.
    pub const LEAST_GRACE: Duration = Duration::from_hours(1);

    /// Begins to measure the window.
    pub(super) fn start(self) -> Window {
        Window { timing: self, since: (self.clock)() }
    }
}

/// A moment by two clocks: one that never goes back but may stand still while a machine sleeps, and one that people set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since some moment in the past of this process.
    pub steady: Duration,
    /// Since the beginning of 1970.
    pub wall: Duration,
}

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { steady: START.elapsed(), wall }
    }
}

/// A window that is open since a moment.
pub(super) struct Window {
    timing: Timing,
    since: Moment,
}

impl Window {
    /// Whether the window is still open by both clocks. One that went back says nothing, and then it is not.
    pub(super) fn is_open(&self) -> bool {
        let now = (self.timing.clock)();
        let passed = |now: Duration, since: Duration| now.checked_sub(since).is_some_and(|it| it <= self.timing.window);
        passed(now.steady, self.since.steady) && passed(now.wall, self.since.wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static NOW: Cell<(u64, u64)> = const { Cell::new((100, 1000)) };
    }

    fn simulated() -> Moment {
        let (steady, wall) = NOW.get();
        Moment { steady: Duration::from_secs(steady), wall: Duration::from_secs(wall) }
    }

    #[test]
    fn a_window_closes_by_whichever_clock_says_more_and_when_one_goes_back() {
        let timing = Timing { window: Duration::from_secs(10), clock: simulated, ..Timing::default() };
        let window = timing.start();
        for (now, open) in [
            ((100, 1000), true),
            ((110, 1010), true),
            ((111, 1000), false),
            ((100, 1011), false), // The machine slept.
            ((105, 999), false),  // Somebody set the clock back.
        ] {
            NOW.set(now);
            assert_eq!(window.is_open(), open, "{now:?}");
        }
    }

    #[test]
    fn the_times_that_ship_leave_room() {
        let timing = Timing::default();
        assert!(timing.window * 6 <= Timing::LEAST_GRACE && Timing::LEAST_GRACE <= timing.grace);
        let (one, next) = (Moment::now(), Moment::now());
        assert!(next.steady >= one.steady);
    }
}
