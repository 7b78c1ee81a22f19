//! What every store must do. Each implementation runs this same suite.

use super::Store;
use crate::error::Kind;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};

/// An object of `kind` with a name made of `nth`.
pub(crate) fn object(kind: ObjectKind, nth: u32, bytes: &[u8]) -> Sealed {
    let path = match kind {
        ObjectKind::Hint => "repo.json".to_owned(),
        ObjectKind::Key => format!("keys/{}/{nth:032x}.age", nth % 3 + 1),
        ObjectKind::Pack => format!("packs/{:02x}/{:02x}{nth:062x}.age", nth % 4, nth % 4),
        ObjectKind::Snapshot => format!("snapshots/20251203T101500Z-{nth:032x}.age"),
        ObjectKind::Tomb => format!("tombs/20251203T101500Z-{nth:032x}.age"),
        ObjectKind::Audit => format!("audit/{nth:010}-{nth:064x}.age"),
        ObjectKind::Card => format!("members/{}/{nth:032x}.age", nth % 3 + 1),
        ObjectKind::Tag => format!("tags/20251203T101500Z-{nth:032x}.age"),
    };
    Sealed::vouch(ObjectName::parse(&path).unwrap(), bytes)
}

/// Runs every check, each on a new store.
pub(crate) fn run(make: &dyn Fn() -> Box<dyn Store>) {
    run_without_races(make);
    racing_writers_agree(&*make());
}

/// All but the race of two contents for one name, which needs a server that can tell who was first.
pub(crate) fn run_without_races(make: &dyn Fn() -> Box<dyn Store>) {
    objects_come_back_as_put(&*make());
    writing_again_changes_nothing(&*make());
    another_content_is_refused(&*make());
    missing_objects_are_told(&*make());
    limits_hold(&*make());
    listings_are_complete_and_ordered(&*make());
    deleting_is_final_and_idempotent(&*make());
}

fn objects_come_back_as_put(store: &dyn Store) {
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    for (nth, bytes) in [&b""[..], b"x", b"\0\xFF\r\n", &large].into_iter().enumerate() {
        for kind in ObjectKind::ALL.into_iter().filter(|kind| *kind != ObjectKind::Hint || nth == 1) {
            let object = object(kind, u32::try_from(nth).unwrap(), bytes);
            store.put(&object).unwrap();
            assert_eq!(store.get(object.name(), large.len() as u64).unwrap(), object);
            assert_eq!(store.head(object.name()).unwrap(), Some(bytes.len() as u64));
        }
    }
}

fn writing_again_changes_nothing(store: &dyn Store) {
    let object = object(ObjectKind::Pack, 1, b"same");
    store.put(&object).unwrap();
    store.put(&object).unwrap();
    assert_eq!(store.list(ObjectKind::Pack).unwrap().len(), 1);
    assert_eq!(store.get(object.name(), 4).unwrap(), object);
}

fn another_content_is_refused(store: &dyn Store) {
    let first = object(ObjectKind::Pack, 1, b"first");
    store.put(&first).unwrap();
    for other in [&b"other"[..], b"", b"first and more"] {
        let error = store.put(&object(ObjectKind::Pack, 1, other)).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains(first.name().path()), "{error}");
        assert_eq!(store.get(first.name(), 99).unwrap(), first);
    }
}

fn missing_objects_are_told(store: &dyn Store) {
    for kind in ObjectKind::ALL {
        let name = object(kind, 7, b"").name().clone();
        assert_eq!(store.head(&name).unwrap(), None);
        assert!(store.list(kind).unwrap().is_empty());
        let error = store.get(&name, 9).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains("is not in the store"), "{error}");
        store.delete(&name).unwrap();
    }
}

fn limits_hold(store: &dyn Store) {
    let object = object(ObjectKind::Snapshot, 1, b"12345");
    store.put(&object).unwrap();
    assert_eq!(store.get(object.name(), 5).unwrap(), object);
    for limit in [0, 4] {
        let error = store.get(object.name(), limit).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains("5 bytes"), "{error}");
    }
}

fn listings_are_complete_and_ordered(store: &dyn Store) {
    for kind in ObjectKind::ALL.into_iter().skip(1) {
        for nth in (0..40).rev() {
            store.put(&object(kind, nth, &vec![0; nth as usize])).unwrap();
        }
        let listed = store.list(kind).unwrap();
        let mut names: Vec<ObjectName> = (0..40).map(|nth| object(kind, nth, b"").name().clone()).collect();
        names.sort();
        assert_eq!(listed.iter().map(|object| object.name.clone()).collect::<Vec<_>>(), names);
        assert_eq!(listed.iter().map(|object| object.length).sum::<u64>(), (0..40).sum::<u64>());
        assert!(listed.iter().all(|object| object.age.as_secs() < 3600));
    }
    assert!(store.list(ObjectKind::Hint).unwrap().is_empty());
}

fn deleting_is_final_and_idempotent(store: &dyn Store) {
    let (gone, stays) = (object(ObjectKind::Pack, 1, b"1"), object(ObjectKind::Pack, 5, b"2"));
    store.put(&gone).unwrap();
    store.put(&stays).unwrap();
    store.delete(gone.name()).unwrap();
    store.delete(gone.name()).unwrap();
    assert_eq!(store.head(gone.name()).unwrap(), None);
    let left: Vec<ObjectName> = store.list(ObjectKind::Pack).unwrap().into_iter().map(|listed| listed.name).collect();
    assert_eq!(left, [stays.name().clone()]);
    store.put(&object(ObjectKind::Pack, 1, b"a new life")).unwrap();
}

/// Eight writers at once: those with the same content all succeed, of two contents exactly one wins, and nobody sees half
/// an object.
fn racing_writers_agree(store: &dyn Store) {
    let contents = [vec![1; 200_000], vec![2; 200_000]];
    for nth in 0..8 {
        let outcomes: Vec<(usize, bool)> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8)
                .map(|writer| {
                    let which = writer % 2;
                    let object = object(ObjectKind::Pack, nth, &contents[which]);
                    scope.spawn(move || (which, store.put(&object).is_ok()))
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let stored = store.get(object(ObjectKind::Pack, nth, b"").name(), 200_000).unwrap();
        let winner = contents.iter().position(|content| content == stored.bytes()).unwrap();
        assert!(outcomes.iter().all(|&(which, well)| well == (which == winner)), "{outcomes:?}");
    }
    assert_eq!(store.list(ObjectKind::Pack).unwrap().len(), 8);
}
