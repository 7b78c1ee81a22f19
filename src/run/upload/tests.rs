//! Uploads on a store that counts, waits and fails.

use super::*;
use crate::error::Kind;
use crate::model::proof::{ObjectKind, ObjectName};
use crate::store::memory::Memory;
use crate::store::{Listed, suite};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how many writes are under way, and fails where it is told to.
struct Watched {
    memory: Memory,
    now: AtomicUsize,
    most: AtomicUsize,
    fails: Option<u32>,
    together: Option<Barrier>,
}

impl Watched {
    fn new(fails: Option<u32>, together: Option<usize>) -> Arc<Self> {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { memory: Memory::new(), now, most, fails, together: together.map(Barrier::new) })
    }
}

impl Store for Watched {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        if let Some(together) = &self.together {
            together.wait();
        }
        let fails = self.fails.is_some_and(|nth| object.name() == pack(nth).name());
        let outcome = if fails { Err(Error::store("the disk is full")) } else { self.memory.put(object) };
        self.now.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.memory.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.memory.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        self.memory.list(kind)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.memory.delete(name)
    }
}

fn pack(nth: u32) -> Sealed {
    suite::object(ObjectKind::Pack, nth, &nth.to_le_bytes())
}

#[test]
fn behind_the_barrier_everything_is_there() {
    let store = Watched::new(None, None);
    let uploads = Uploads::new(store.clone());
    for nth in 0..100 {
        uploads.put(pack(nth)).unwrap();
    }
    uploads.barrier().unwrap();
    assert_eq!(store.list(ObjectKind::Pack).unwrap().len(), 100);
    assert!((1..=4).contains(&store.most.load(Ordering::SeqCst)));
}

/// Each write waits for three others, so that this ends only if four are under way at once.
#[test]
fn four_packs_are_written_at_once() {
    let store = Watched::new(None, Some(4));
    let uploads = Uploads::new(store.clone());
    for nth in 0..8 {
        uploads.put(pack(nth)).unwrap();
    }
    uploads.barrier().unwrap();
    assert_eq!(store.most.load(Ordering::SeqCst), 4);
}

#[test]
fn a_failure_is_told_once_with_its_words_and_stays() {
    let store = Watched::new(Some(3), None);
    let uploads = Uploads::new(store);
    let failed: Vec<Error> =
        (0..50).filter_map(|nth| uploads.put(pack(nth)).err()).chain(uploads.barrier().err()).collect();
    assert_eq!(failed.iter().filter(|error| error.to_string() == "the disk is full").count(), 1);
    let last = uploads.barrier().unwrap_err();
    assert_eq!((last.kind(), last.to_string().as_str()), (Kind::Store, "an earlier pack could not be written"));
}
