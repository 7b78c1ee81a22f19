//! Workers with a connection each, and the work that they share. The first error stops all of them.

use crate::engine::Target;
use crate::error::{Error, Kind, Result};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Tells whether another worker has failed.
#[derive(Default)]
pub(super) struct Stop(AtomicBool);

impl Stop {
    /// Fails once another worker has; its error is the one that is told.
    pub(super) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::internal("another worker failed")) } else { Ok(()) }
    }
}

/// Connections into one staging place.
pub(super) struct Workers {
    streams: Vec<Box<dyn Target>>,
}

impl Workers {
    /// As many as `wanted`, or as the server has room for; `first` is there already.
    pub(super) fn new(target: &mut dyn Target, key: &str, first: Box<dyn Target>, wanted: usize) -> Result<Self> {
        let mut streams = vec![first];
        while streams.len() < wanted {
            match target.stream(key) {
                Ok(Ok(stream)) => streams.push(stream),
                Err(error) if error.kind() == Kind::Interrupted => return Err(error),
                // It told the first one that there can be some; now it has no room.
                Ok(Err(_)) | Err(_) => break,
            }
        }
        Ok(Self { streams })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.streams.len()
    }

    /// Does all of `jobs`, each once, by whoever is free.
    pub(super) fn each<J: Send>(
        &mut self,
        jobs: Vec<J>,
        work: &(dyn Fn(&mut dyn Target, J, &Stop) -> Result<()> + Sync),
    ) -> Result<()> {
        let queue = Mutex::new(VecDeque::from(jobs));
        let failed = Mutex::new(None);
        let stop = Stop::default();
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        std::thread::scope(|scope| {
            for stream in &mut self.streams {
                let (stop, failed, next) = (&stop, &failed, &next);
                scope.spawn(move || {
                    while stop.check().is_ok()
                        && let Some(job) = next()
                    {
                        if let Err(error) = work(&mut **stream, job, stop) {
                            let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
                            first.get_or_insert(error);
                            stop.0.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}
