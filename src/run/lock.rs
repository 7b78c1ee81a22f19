//! `lock status` and `lock release`: who holds a target's lock, and the end of a stuck holder.

use crate::engine::{Holder, Target};
use crate::error::Result;

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
