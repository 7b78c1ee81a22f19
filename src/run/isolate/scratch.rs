//! Scratch databases: made empty for one piece of work, and gone behind it.

use super::registry::{Entry, Role};
use super::{Ground, busy, names};
use crate::error::Result;
use crate::run::random;
use crate::secret::Address;
use std::time::Duration;

impl Ground {
    /// Makes an empty database for `work`, and removes it afterwards, whatever became of that. Where this process is killed, the
    /// registry still lists it, and [`clean`](Self::clean) removes it.
    ///
    /// # Errors
    /// Kind `Guard` when the account may not make databases; else as `work` and the server say.
    pub fn scratch<T>(&mut self, label: &str, work: impl FnOnce(&Address) -> Result<T>) -> Result<T> {
        self.wake()?;
        let name = names::scratch(random()?);
        let held = self.host.hold(&names::clone_lock(&name), Duration::ZERO)?.ok_or_else(busy)?;
        self.refuse_foreign(&name)?;
        self.registry.add(&Entry::begun(Role::Scratch, &name, label, self.me()))?;
        if let Err(error) = self.host.create(&name) {
            return Err(self.not_made(&name, error));
        }
        let done = work(&self.host.address(&name));
        let removed = self.host.remove(&name).and_then(|()| self.registry.remove(&name));
        drop(held);
        match (done, removed) {
            (Ok(done), removed) => removed.map(|()| done),
            (Err(error), Ok(())) => Err(error),
            (Err(error), Err(second)) => Err(error.caused_by(second)),
        }
    }
}
