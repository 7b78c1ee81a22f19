//! Opened packs: several are fetched at once, each only once, and no more are held than fit into a budget.

use super::repository::{Repository, fetch_pack};
use crate::error::{Error, Result};
use crate::model::manifest::{ChunkRef, PackRef};
use crate::model::proof::Packed;
use crate::seal::{self, EpochKeys};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The bytes of packs that are held, those that are being fetched counted twice: as they came, and opened.
const BUDGET: u64 = 64 << 20;

/// Threads that fetch ahead of the reader.
const AHEAD: usize = 3;

/// Neighbouring chunks mostly lie in one pack, or go to and fro between a few: these stay, whatever is fetched ahead.
const KEPT: usize = 3;

/// Opened packs of one epoch.
pub(crate) struct PackReader<'a> {
    repository: &'a Repository,
    keys: &'a EpochKeys,
    shelf: Mutex<Vec<Slot>>,
    changed: Condvar,
}

/// A pack on the shelf, the one that was used last at the end.
struct Slot {
    name: String,
    /// What it takes of the budget.
    bytes: u64,
    /// None while it is being fetched.
    packed: Option<Arc<Packed>>,
    /// Whether somebody asked for it, other than to have it ahead.
    used: bool,
}

/// What to fetch ahead, and whether to go on.
struct Ahead<'p> {
    packs: Vec<&'p PackRef>,
    next: AtomicUsize,
    stopped: AtomicBool,
}

impl<'a> PackReader<'a> {
    /// A reader of the packs of one epoch.
    pub(crate) fn new(repository: &'a Repository, epoch: u32) -> Result<Self> {
        let keys = repository.keys_of(epoch)?;
        if !keys.can_read_rows() {
            return Err(Error::store("this identity may capture but not read rows")
                .hint("Use the identity of a member that may restore."));
        }
        Ok(Self { repository, keys, shelf: Mutex::default(), changed: Condvar::new() })
    }

    /// The keys that the packs are sealed to.
    pub(crate) fn keys(&self) -> &EpochKeys {
        self.keys
    }

    /// The plaintext of a pack, verified.
    pub(crate) fn pack(&self, pack: &PackRef) -> Result<Arc<Packed>> {
        let mut shelf = self.lock();
        loop {
            match shelf.iter().position(|slot| slot.name == pack.name) {
                Some(at) if shelf[at].packed.is_none() => {}
                Some(at) => {
                    let mut slot = shelf.remove(at);
                    slot.used = true;
                    let packed = slot.packed.clone();
                    shelf.push(slot);
                    // One more may be let go to make room for what is fetched ahead.
                    self.changed.notify_all();
                    if let Some(packed) = packed {
                        return Ok(packed);
                    }
                }
                None => {
                    make_room(&mut shelf, 2 * pack.length, 0, |_| true);
                    let under_way = shelf.iter().any(|slot| slot.packed.is_none());
                    if fits(&shelf, 2 * pack.length) || !under_way {
                        return self.fetch(shelf, pack, true);
                    }
                }
            }
            shelf = self.changed.wait(shelf).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does `work`, which reads `chunks` in their order, while their packs are fetched ahead.
    pub(crate) fn reading<T>(&self, packs: &[PackRef], chunks: &[ChunkRef], work: impl FnOnce() -> T) -> T {
        let mut seen = BTreeSet::new();
        let order =
            chunks.iter().filter(|chunk| seen.insert(chunk.pack)).filter_map(|chunk| packs.get(chunk.pack as usize));
        let ahead = Ahead { packs: order.collect(), next: AtomicUsize::new(0), stopped: AtomicBool::new(false) };
        // The first is asked for at once anyway.
        let threads = AHEAD.min(ahead.packs.len().saturating_sub(1));
        std::thread::scope(|scope| {
            let stop = Stop { ahead: &ahead, reader: self };
            for _ in 0..threads {
                scope.spawn(|| self.fetch_ahead(&ahead));
            }
            let done = work();
            drop(stop);
            done
        })
    }

    /// Fetches packs as long as there is room for them that nobody needs. A failure is told to whoever asks for the pack.
    fn fetch_ahead(&self, ahead: &Ahead<'_>) {
        while let Some(pack) = ahead.packs.get(ahead.next.fetch_add(1, Ordering::Relaxed)) {
            let mut shelf = self.lock();
            loop {
                if ahead.stopped.load(Ordering::Relaxed) {
                    return;
                }
                if shelf.iter().any(|slot| slot.name == pack.name) {
                    break;
                }
                make_room(&mut shelf, 2 * pack.length, KEPT, |slot| slot.used);
                if fits(&shelf, 2 * pack.length) {
                    drop(self.fetch(shelf, pack, false));
                    break;
                }
                shelf = self.changed.wait(shelf).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Fetches a pack that is not on the shelf, with the shelf open to others meanwhile.
    fn fetch(&self, mut shelf: MutexGuard<'_, Vec<Slot>>, pack: &PackRef, used: bool) -> Result<Arc<Packed>> {
        shelf.push(Slot { name: pack.name.clone(), bytes: 2 * pack.length, packed: None, used });
        drop(shelf);
        // However the fetch ends, nobody waits for a slot that stays empty.
        let placeholder = Placeholder { reader: self, name: &pack.name };
        let sealed = fetch_pack(self.repository.store(), pack)?;
        let packed = Arc::new(seal::open_pack(&sealed, self.keys)?);
        drop(sealed);
        let mut shelf = self.lock();
        if let Some(slot) = shelf.iter_mut().find(|slot| slot.name == pack.name) {
            slot.bytes = packed.bytes().len() as u64;
            slot.packed = Some(Arc::clone(&packed));
        }
        drop(shelf);
        drop(placeholder);
        Ok(packed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fits(shelf: &[Slot], bytes: u64) -> bool {
    shelf.iter().map(|slot| slot.bytes).sum::<u64>() + bytes <= BUDGET
}

/// Lets go of the packs that were used longest ago, those that `may_go` only, but for the last `kept` of them.
fn make_room(shelf: &mut Vec<Slot>, bytes: u64, kept: usize, may_go: fn(&Slot) -> bool) {
    let whole = |slot: &Slot| slot.packed.is_some() && may_go(slot);
    while !fits(shelf, bytes) && shelf.iter().filter(|slot| whole(slot)).count() > kept {
        if let Some(at) = shelf.iter().position(whole) {
            shelf.remove(at);
        }
    }
}

/// Takes a slot away that was not filled, and wakes who waits for it.
struct Placeholder<'r, 'a> {
    reader: &'r PackReader<'a>,
    name: &'r str,
}

impl Drop for Placeholder<'_, '_> {
    fn drop(&mut self) {
        self.reader.lock().retain(|slot| slot.packed.is_some() || slot.name != self.name);
        self.reader.changed.notify_all();
    }
}

/// Ends fetching ahead with the work it is for.
struct Stop<'r, 'a, 'p> {
    ahead: &'r Ahead<'p>,
    reader: &'r PackReader<'a>,
}

impl Drop for Stop<'_, '_, '_> {
    fn drop(&mut self) {
        // Under the lock, so that nobody goes to sleep between looking and waiting.
        let shelf = self.reader.lock();
        self.ahead.stopped.store(true, Ordering::Relaxed);
        drop(shelf);
        self.reader.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
