//! Work on many items in parallel with the results in order, and never more than a few items in memory.

use crate::error::{Error, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::thread::Scope;

/// Results in the order of their items. Dropping it stops the workers.
pub(super) struct Ordered<O> {
    slots: Receiver<Receiver<O>>,
}

impl<O> Iterator for Ordered<O> {
    type Item = O;

    fn next(&mut self) -> Option<O> {
        self.slots.recv().ok()?.recv().ok()
    }
}

/// Starts `workers` threads that apply `work` to what arrives at the returned sender.
///
/// At most `2 * workers` items are in flight: a slow consumer holds up the producer, whose `send` fails once the consumer
/// is gone.
pub(super) fn ordered_map<'scope, I, O, W>(
    scope: &'scope Scope<'scope, '_>,
    workers: usize,
    work: W,
) -> (Feed<I, O>, Ordered<O>)
where
    I: Send + 'scope,
    O: Send + 'scope,
    W: Fn(I) -> O + Send + Sync + Clone + 'scope,
{
    let workers = workers.max(1);
    let (jobs, queue) = bounded::<(I, Sender<O>)>(workers);
    let (slots, ordered) = bounded(2 * workers);
    for _ in 0..workers {
        let (queue, work) = (queue.clone(), work.clone());
        scope.spawn(move || {
            for (item, slot) in queue {
                if slot.send(work(item)).is_err() {
                    break; // The consumer is gone; it has told why.
                }
            }
        });
    }
    (Feed { jobs, slots }, Ordered { slots: ordered })
}

/// The way in. Dropping it ends the results after the last item.
pub(super) struct Feed<I, O> {
    jobs: Sender<(I, Sender<O>)>,
    slots: Sender<Receiver<O>>,
}

impl<I, O> Feed<I, O> {
    /// Hands an item over; waits while too many are in flight.
    pub(super) fn send(&self, item: I) -> Result<()> {
        let (slot, result) = bounded(1);
        self.slots.send(result).map_err(|_| closed())?;
        self.jobs.send((item, slot)).map_err(|_| closed())
    }
}

/// Somebody downstream failed and says why; this error is never the one shown.
fn closed() -> Error {
    Error::internal("the pipeline was closed")
}

/// The outcome of a producer and its consumer: the consumer's error explains the producer's.
pub(super) fn settle<P, C>(produced: Result<P>, consumed: Result<C>) -> Result<(P, C)> {
    let consumed = consumed?;
    Ok((produced?, consumed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let results: Vec<u64> = std::thread::scope(|scope| {
            let (feed, results) = ordered_map(scope, 4, |item: u64| {
                // Uneven work, so that workers finish out of order.
                (0..(item % 7) * 1000).fold(item, |sum, x| sum.wrapping_add(x).wrapping_sub(x))
            });
            scope.spawn(move || (0..500).try_for_each(|item| feed.send(item)));
            results.collect()
        });
        assert_eq!(results, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn a_consumer_that_leaves_stops_the_producer() {
        let sent = std::thread::scope(|scope| {
            let (feed, results) = ordered_map(scope, 2, |item: u64| item);
            let producer = scope.spawn(move || (0..1_000_000).take_while(|&item| feed.send(item).is_ok()).count());
            assert_eq!(results.take(3).collect::<Vec<_>>(), [0, 1, 2]);
            producer.join().unwrap()
        });
        assert!(sent < 100);
    }
}
