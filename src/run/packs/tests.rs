//! Packs on a store that counts what is fetched, and how much at once.

use super::*;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::run::keys;
use crate::seal::Member;
use crate::store::memory::Memory;
use crate::store::{Listed, Store};
use std::collections::BTreeMap;
use std::sync::Barrier;

/// Counts fetches of packs.
#[derive(Clone, Default)]
struct Watched {
    memory: Memory,
    fetched: Arc<Mutex<BTreeMap<String, usize>>>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    together: Option<Arc<Barrier>>,
}

impl Store for Watched {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.memory.put(object)
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        if name.kind() == ObjectKind::Pack {
            *self.fetched.lock().unwrap().entry(name.stem().to_owned()).or_default() += 1;
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if let Some(together) = &self.together {
                together.wait();
            }
            self.now.fetch_sub(1, Ordering::SeqCst);
        }
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

/// A store with `count` packs of `length` bytes, and chunks that lie in them, two in each.
fn filled(store: &Watched, count: u32, length: usize) -> (Repository, Vec<PackRef>, Vec<ChunkRef>) {
    let member = Member::generate();
    keys::init(store, &member).unwrap();
    let repository = Repository::open(Box::new(store.clone()), &member, &[]).unwrap();
    let put = |nth: u32| {
        let packed = Packed::vouch([&nth.to_le_bytes()[..], &vec![0; length]].concat());
        let sealed = seal::seal_pack(packed, repository.keys()).unwrap();
        store.put(&sealed).unwrap();
        PackRef { name: sealed.name().stem().to_owned(), length: sealed.bytes().len() as u64 }
    };
    let packs: Vec<PackRef> = (0..count).map(put).collect();
    let chunk = |nth: u32| ChunkRef { id: String::new(), pack: nth / 2, offset: 0, length: 1, raw: 1, rows: 1 };
    (repository, packs, (0..2 * count).map(chunk).collect())
}

fn read(reader: &PackReader<'_>, packs: &[PackRef], chunks: &[ChunkRef]) {
    for chunk in chunks {
        let packed = reader.pack(&packs[chunk.pack as usize]).unwrap();
        assert_eq!(packed.bytes()[..4], chunk.pack.to_le_bytes());
        let held: u64 = reader.lock().iter().map(|slot| slot.bytes).sum();
        assert!(held <= BUDGET, "{held} bytes are held");
    }
}

/// Forty times a megabyte and more is more than the budget holds.
#[test]
fn each_pack_is_fetched_once_and_no_more_are_held_than_fit() {
    let store = Watched::default();
    let (repository, packs, chunks) = filled(&store, 90, 1 << 20);
    let reader = PackReader::new(&repository, 1).unwrap();
    reader.reading(&packs, &chunks, || read(&reader, &packs, &chunks));
    let fetched = store.fetched.lock().unwrap();
    assert_eq!((fetched.len(), fetched.values().max()), (90, Some(&1)));
}

/// Each fetch waits for another one, so that this ends only if two are under way at once.
#[test]
fn packs_are_fetched_ahead_and_several_at_once() {
    let store = Watched { together: Some(Arc::new(Barrier::new(2))), ..Watched::default() };
    let (repository, packs, chunks) = filled(&store, 8, 100);
    let reader = PackReader::new(&repository, 1).unwrap();
    reader.reading(&packs, &chunks, || read(&reader, &packs, &chunks));
    assert!(store.most.load(Ordering::SeqCst) >= 2);
    assert_eq!(store.fetched.lock().unwrap().values().sum::<usize>(), 8);
}

#[test]
fn many_readers_of_one_pack_fetch_it_once() {
    let store = Watched::default();
    let (repository, packs, _) = filled(&store, 1, 100);
    let reader = PackReader::new(&repository, 1).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| reader.pack(&packs[0]).unwrap());
        }
    });
    assert_eq!(store.fetched.lock().unwrap().values().sum::<usize>(), 1);
}

/// A pack that cannot be fetched is told to whoever asks for it, every time, and holds nobody up; nor does work that ends early.
#[test]
fn a_missing_pack_is_told_and_nobody_waits_for_it() {
    let store = Watched::default();
    let (repository, packs, chunks) = filled(&store, 12, 100);
    store.delete(&crate::run::repository::pack_object(&packs[5].name).unwrap()).unwrap();
    let reader = PackReader::new(&repository, 1).unwrap();
    let failed = reader.reading(&packs, &chunks, || {
        chunks
            .iter()
            .filter(|chunk| reader.pack(&packs[chunk.pack as usize]).is_err())
            .map(|chunk| chunk.pack)
            .collect::<Vec<_>>()
    });
    assert_eq!(failed, [5, 5]);
    assert!(reader.reading(&packs, &chunks, || reader.pack(&packs[5])).is_err());
    assert!(reader.lock().iter().all(|slot| slot.packed.is_some()), "an empty slot is left");
}
