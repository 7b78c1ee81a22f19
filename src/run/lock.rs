//! The lock of a target: how a run takes it, who holds it, and the end of a stuck holder.

use super::{Context, millis};
use crate::engine::{Holder, Target};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use std::time::{Duration, Instant};

/// What the lock is held for while a holder that was ended must not take it again.
pub const RELEASE: &str = "lock release";

/// Longer than a run that lost its connection pauses before its first try.
const KEPT_OUT: Duration = Duration::from_secs(1);

/// Waits until nobody holds the lock, and takes nothing: what looks at the target before the lock is taken would wait for the
/// holder's tables without end otherwise.
///
/// # Errors
/// Kind `Locked`, naming the holder, after `wait`.
pub fn wait(context: &Context<'_>, target: &mut dyn Target, wait: Duration) -> Result<()> {
    let start = Instant::now();
    let mut waited = false;
    let done = loop {
        let Some(holder) = target.holder()? else { break Ok(()) };
        waited = true;
        if start.elapsed() >= wait {
            break Err(Error::locked(format!("another run holds the lock of this target: {holder}")).hint(
                "Wait for it to end, or raise --lock-timeout. A stuck one is ended by 'terp-fixtures lock release'.",
            ));
        }
        context.cancel.check()?;
        std::thread::park_timeout(Duration::from_millis(100));
    };
    if waited {
        context.report.event(&Event::Waited { millis: millis(start) });
    }
    done
}

/// Takes the lock for a run, and tells how long that took.
pub(super) fn take(context: &Context<'_>, target: &mut dyn Target, purpose: &str, wait: Duration) -> Result<()> {
    context.stage("taking the lock of the target");
    let start = Instant::now();
    let taken = target.lock(purpose, wait);
    context.report.event(&Event::Waited { millis: millis(start) });
    taken
}

/// Who holds the lock of `target` now; none when it is free.
///
/// # Errors
/// Kind `Unreachable` when the target cannot say.
pub fn status(target: &mut dyn Target) -> Result<Option<Holder>> {
    target.holder()
}

/// Ends `holder`'s connection. Whatever it had not committed is undone by the database.
///
/// # Errors
/// Kind `Locked` when it cannot be ended from here.
pub fn release(target: &mut dyn Target, holder: &Holder) -> Result<()> {
    target.release(holder)
}

/// Holds the lock for a moment behind [`release`], so that the run which was ended finds out why it lost its connection and
/// does not begin again. Somebody else who has the lock by now keeps it.
///
/// # Errors
/// As [`Target::lock`].
pub fn keep_out(mut target: Box<dyn Target>) -> Result<()> {
    match target.lock(RELEASE, KEPT_OUT) {
        Err(error) if error.kind() == Kind::Locked => return Ok(()),
        taken => taken?,
    }
    std::thread::park_timeout(KEPT_OUT);
    Ok(())
}
