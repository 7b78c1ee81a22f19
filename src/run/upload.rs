//! Packs on their way into the store, several at once.

use super::budget::Budget;
use crate::error::{Error, Result};
use crate::model::proof::Sealed;
use crate::store::Store;
use std::sync::{Arc, Mutex, PoisonError};

/// Packs that are written at once.
const AT_ONCE: u64 = 4;

/// A pack of the usual length takes its turn; one that is longer takes several.
const USUAL: u64 = 16 << 20;

/// Writes packs with threads of its own. What was handed over is durable once [`Uploads::barrier`] has returned well, and not
/// before. Dropping it waits for what is under way.
pub(super) struct Uploads {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    budget: Budget,
    failure: Mutex<Option<Error>>,
}

impl Uploads {
    /// Uploads into `store`.
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        let budget = Budget::new(AT_ONCE * USUAL);
        Self { shared: Arc::new(Shared { store, budget, failure: Mutex::default() }) }
    }

    /// Hands a pack over; waits while too many are under way.
    ///
    /// # Errors
    /// Kind `Store` when an earlier one could not be written.
    pub(super) fn put(&self, pack: Sealed) -> Result<()> {
        let bytes = (pack.bytes().len() as u64).max(USUAL);
        self.shared.budget.take(bytes);
        // Given back when the thread ends, however it ends, or never begins.
        let turn = Turn { shared: Arc::clone(&self.shared), bytes };
        self.refuse()?;
        let started = std::thread::Builder::new().name("upload".into()).spawn(move || {
            if let Err(error) = turn.shared.store.put(&pack) {
                turn.shared.note(error);
            }
        });
        started.map(drop).map_err(|error| Error::internal("no thread for an upload can be started").caused_by(error))
    }

    /// Waits until everything that was handed over is durable.
    ///
    /// # Errors
    /// Kind `Store` when one could not be written.
    pub(super) fn barrier(&self) -> Result<()> {
        self.shared.budget.wait_for_all();
        self.refuse()
    }

    fn refuse(&self) -> Result<()> {
        let failure = self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(error) = failure else { return Ok(()) };
        // Whoever asks again must not think that all is well.
        self.shared.note(Error::store("an earlier pack could not be written"));
        Err(error)
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        self.shared.budget.wait_for_all();
    }
}

impl Shared {
    /// Keeps the first failure.
    fn note(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }
}

/// A share of the budget.
struct Turn {
    shared: Arc<Shared>,
    bytes: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.note(Error::internal("an upload stopped unexpectedly"));
        }
        self.shared.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests;
