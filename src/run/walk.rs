//! Through all snapshots of a store, one at a time, so that a store with thousands of them needs no more memory than one with few.
//! The next ones are on their way meanwhile: a bucket answers slowly, but many questions at once.

use super::repository::{Repository, Snapshot};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName};
use crate::store::Listed;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Objects that are fetched at once.
const AT_ONCE: usize = 8;

/// A batch is full with so many objects, or bytes as they lie in the store. Opened, a manifest takes about ten times that.
const FULL: (usize, u64) = (32, 2 << 20);

/// A batch goes on to the end of the second in which its last object was written, but not beyond this.
const FULLER: (usize, u64) = (1024, 8 << 20);

impl Repository {
    /// Hands over every snapshot, or why it cannot be read, oldest first: in the order of their times, and those of one second in
    /// the order of their numbers.
    ///
    /// # Errors
    /// Kind `Store` when the store cannot be listed; whatever `each` fails with.
    pub fn walk(&self, each: &mut dyn FnMut(Result<Snapshot>) -> Result<()>) -> Result<()> {
        let listed = self.store().list(ObjectKind::Snapshot)?;
        for batch in batches(&listed) {
            let opened = at_once(batch, &|listed| self.snapshot_if_there(&listed.name));
            let mut opened: Vec<Result<Snapshot>> = opened.into_iter().filter_map(Result::transpose).collect();
            opened.sort_by(|a, b| match (a, b) {
                (Ok(a), Ok(b)) => a.age().cmp(&b.age()),
                (a, b) => a.is_ok().cmp(&b.is_ok()),
            });
            opened.into_iter().try_for_each(&mut *each)?;
        }
        Ok(())
    }

    /// None where it was removed since it was listed: then it is no snapshot any more.
    fn snapshot_if_there(&self, name: &ObjectName) -> Result<Option<Snapshot>> {
        match self.snapshot(name) {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(_) if self.store().head(name)?.is_none() => Ok(None),
            Err(error) => Err(error.within(name)),
        }
    }

    /// Every snapshot that can be read, oldest first, and an error for each that cannot. All of them are in memory then; where a
    /// part of each will do, [`walk`](Self::walk) is the way.
    ///
    /// # Errors
    /// Kind `Store` when the store cannot be listed.
    pub fn snapshots(&self) -> Result<(Vec<Snapshot>, Vec<Error>)> {
        let (mut snapshots, mut damaged) = (Vec::new(), Vec::new());
        self.walk(&mut |opened| {
            match opened {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => damaged.push(error),
            }
            Ok(())
        })?;
        snapshots.sort_by(|a, b| a.age().cmp(&b.age()));
        Ok((snapshots, damaged))
    }
}

/// The time in the name of an object: `20251203T101500Z`.
fn stamp(name: &ObjectName) -> &str {
    name.stem().split('-').next().unwrap_or_default()
}

/// Cuts a listing into pieces that may be in memory together.
fn batches(mut listed: &[Listed]) -> impl Iterator<Item = &[Listed]> {
    std::iter::from_fn(move || {
        let (mut count, mut bytes) = (0, 0);
        for (at, object) in listed.iter().enumerate() {
            let ends_second = at == 0 || stamp(&object.name) != stamp(&listed[at - 1].name);
            let is_full = |(most, longest): (usize, u64)| count >= most || bytes + object.length > longest;
            if count > 0 && (is_full(FULLER) || (ends_second && is_full(FULL))) {
                break;
            }
            count += 1;
            bytes += object.length;
        }
        let (batch, rest) = listed.split_at(count);
        listed = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Applies `open` to all, several at once; the results are in the order of the objects.
pub(super) fn at_once<T: Send>(listed: &[Listed], open: &(impl Fn(&Listed) -> T + Sync)) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((at, listed)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, listed.get(at)?)))
        {
            done.push((at, open(listed)));
        }
        done
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        // A few are not worth a thread, and then the order of the questions is always the same.
        let workers: Vec<_> = (1..AT_ONCE.min(listed.len() / 2)).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others =
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|it| std::panic::resume_unwind(it)));
        own.into_iter().chain(others).collect()
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, opened)| opened).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn listed(times: &[(u32, u64)]) -> Vec<Listed> {
        let object = |(at, &(time, length)): (usize, &(u32, u64))| {
            let name = ObjectName::parse(&format!("snapshots/20251203T{time:06}Z-{at:032x}.age")).unwrap();
            Listed { name, length, age: Duration::ZERO }
        };
        times.iter().enumerate().map(object).collect()
    }

    fn lengths(times: &[(u32, u64)]) -> Vec<usize> {
        batches(&listed(times)).map(<[Listed]>::len).collect()
    }

    #[test]
    fn batches_are_bounded_and_end_with_a_second() {
        assert_eq!(lengths(&[]), Vec::<usize>::new());
        let apart: Vec<(u32, u64)> = (0..40).map(|at| (at, 10)).collect();
        assert_eq!(lengths(&apart), [32, 8]);
        let together: Vec<(u32, u64)> = (0..40).map(|at| (at / 20, 10)).collect();
        assert_eq!(lengths(&together), [40]);
        assert_eq!(lengths(&[(1, 3 << 20), (2, 3 << 20), (2, 3 << 20), (2, 3 << 20)]), [1, 2, 1]);
        assert_eq!(lengths(&vec![(1, 1); 1500]), [1024, 476]);
    }

    #[test]
    fn results_are_in_the_order_of_the_objects() {
        let listed = listed(&vec![(1, 1); 100]);
        let opened = at_once(&listed, &|listed: &Listed| listed.name.clone());
        assert!(opened.iter().eq(listed.iter().map(|listed| &listed.name)));
        assert!(at_once(&[], &|_: &Listed| 1).is_empty());
    }
}
