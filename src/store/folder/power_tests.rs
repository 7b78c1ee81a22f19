//! A folder on a simulated disk: trouble at every single call, then a power failure with every subset of what was not made
//! durable. What was acknowledged is there whole, nothing is there in part, and the store goes on.

use super::*;
use crate::store::disk::simulated_testing::{Simulated, Trouble};
use crate::store::suite::object;

const ROOT: &str = "/srv/store";

/// What a process does: puts, puts again what is there, and deletes a manifest before its pack.
#[derive(Clone)]
enum Step {
    Put(Sealed),
    Delete(ObjectName),
}

/// The manifest that goes, and the pack that only it names.
fn leaving() -> (Sealed, Sealed) {
    (object(ObjectKind::Snapshot, 1, b"the first manifest"), object(ObjectKind::Pack, 5, b"rows of the first"))
}

fn script() -> Vec<Step> {
    let (manifest, pack) = leaving();
    let shared = object(ObjectKind::Pack, 1, b"rows of both");
    vec![
        Step::Put(object(ObjectKind::Key, 1, b"a key")),
        Step::Put(object(ObjectKind::Hint, 0, b"{}")),
        Step::Put(shared.clone()),
        Step::Put(pack.clone()),
        Step::Put(manifest.clone()),
        Step::Put(shared),
        Step::Put(object(ObjectKind::Pack, 2, b"more rows")),
        Step::Put(object(ObjectKind::Snapshot, 2, b"the second manifest")),
        Step::Put(object(ObjectKind::Audit, 1, b"an entry")),
        Step::Delete(manifest.name().clone()),
        Step::Delete(pack.name().clone()),
    ]
}

/// What the store said.
#[derive(Default, Clone)]
struct Promises {
    kept: BTreeSet<ObjectName>,
    /// Whether a deletion was begun, and whether it was acknowledged.
    deleting: BTreeSet<ObjectName>,
    deleted: BTreeSet<ObjectName>,
    /// Whether a failed fsync may have lost a deletion: there is no way to take one back.
    may_return: bool,
}

fn folder(disk: &Simulated) -> Folder {
    Folder::on(Box::new(disk.clone()), Path::new(ROOT))
}

/// Runs the script. A step that fails is repeated once by the same process, as a caller may; a second failure is none of a
/// disk that fails once.
fn run(disk: &Simulated) -> Promises {
    let mut promises = Promises::default();
    let Some(store) = folder(disk)
        .created()
        .or_else(|_| {
            disk.heal();
            folder(disk).created()
        })
        .ok()
    else {
        assert!(disk.is_dead(), "the folder cannot be made");
        return promises;
    };
    for step in script() {
        if let Step::Delete(name) = &step {
            promises.deleting.insert(name.clone());
        }
        let once = || match &step {
            Step::Put(object) => store.put(object),
            Step::Delete(name) => store.delete(name),
        };
        let mut outcome = once();
        if outcome.is_err() {
            disk.heal();
            promises.may_return |= matches!(step, Step::Delete(_));
            outcome = once();
        }
        match (outcome, step) {
            (Ok(()), Step::Put(object)) => drop(promises.kept.insert(object.name().clone())),
            (Ok(()), Step::Delete(name)) => drop(promises.deleted.insert(name)),
            (Err(error), _) => {
                assert!(disk.is_dead(), "a disk that failed once fails again: {error:?}");
                return promises;
            }
        }
    }
    promises
}

fn known() -> Vec<Sealed> {
    let put = |step| if let Step::Put(object) = step { Some(object) } else { None };
    script().into_iter().filter_map(put).collect()
}

/// What must hold after a power failure.
fn check(disk: &Simulated, promises: &Promises, what: &dyn std::fmt::Display) {
    let store = match folder(disk).opened() {
        Ok(store) => store,
        Err(error) => {
            assert!(!promises.kept.contains(&ObjectName::hint()), "{what}: {error}");
            folder(disk).created().unwrap()
        }
    };
    let known = known();
    for kind in ObjectKind::ALL {
        for listed in store.list(kind).unwrap() {
            let right = known.iter().find(|object| object.name() == &listed.name).unwrap();
            assert_eq!(&store.get(&listed.name, 1 << 20).unwrap(), right, "{what}: {} is torn", listed.name);
        }
    }
    for name in promises.kept.iter().filter(|name| !promises.deleting.contains(name)) {
        assert!(store.head(name).unwrap().is_some(), "{what}: {name} was acknowledged and is lost");
    }
    if !promises.may_return {
        for name in &promises.deleted {
            assert!(store.head(name).unwrap().is_none(), "{what}: {name} has come back");
        }
        let (manifest, pack) = leaving();
        let is_there = |object: &Sealed| store.head(object.name()).unwrap().is_some();
        assert!(
            !is_there(&manifest) || is_there(&pack) || !promises.kept.contains(manifest.name()),
            "{what}: the manifest has come back without its pack"
        );
    }
    // The store goes on, and a day later nothing is left of the dead.
    for object in &known {
        store.put(object).unwrap();
    }
    let tomorrow = disk.later(STALE + Duration::from_secs(1));
    folder(&tomorrow).put(&object(ObjectKind::Pack, 9, b"new")).unwrap();
    assert_eq!(tomorrow.peek(&Path::new(ROOT).join("tmp")), 0, "{what}: temporary files stay");
}

/// Checks every state that a power failure leaves; gives how many there are.
fn check_all(disk: &Simulated, promises: &Promises, what: &dyn std::fmt::Display) -> usize {
    let states = disk.after_power_failure();
    for (nth, state) in states.iter().enumerate() {
        check(state, promises, &format_args!("{what}, state {nth}"));
    }
    states.len()
}

fn whole_run() -> usize {
    let disk = Simulated::new(&[]);
    assert_eq!(run(&disk).deleted.len(), 2);
    disk.calls()
}

#[test]
fn nothing_acknowledged_is_lost_with_the_power_at_any_call() {
    let calls = whole_run();
    let mut states = 0;
    let mut try_out = |trouble: &[(usize, Trouble)], links: bool| {
        let disk = Simulated::new(trouble);
        let disk = if links { disk } else { disk.without_links() };
        let promises = run(&disk);
        states += check_all(&disk, &promises, &format_args!("{trouble:?}, links {links}"));
    };
    for at in 0..calls + 20 {
        for links in [true, false] {
            for trouble in [Trouble::Dies, Trouble::DiesBehind, Trouble::Fails, Trouble::Full] {
                try_out(&[(at, trouble)], links);
            }
        }
        // A disk that failed, and the power at any later call.
        for trouble in [Trouble::Fails, Trouble::Full] {
            for cut in (at + 1..calls + 20).step_by(2) {
                try_out(&[(at, trouble), (cut, Trouble::DiesBehind)], true);
            }
        }
    }
    println!("{calls} calls, {states} states after a power failure");
    assert!(calls > 100 && states >= 5_000, "{calls} calls, {states} states");
}

/// A process is killed, the machine goes on, the next process does the same again, and then the power fails: what the first one
/// made and never made durable must not be relied upon by the second.
#[test]
fn a_process_does_not_rely_on_what_a_killed_one_left_in_memory() {
    let calls = whole_run();
    let mut states = 0;
    for at in 0..calls {
        let first = Simulated::new(&[(at, Trouble::Dies)]);
        let before = run(&first);
        // What the first one deleted, the second does not put again: it only deletes.
        let second = first.restarted(&[]);
        if before.deleting.is_empty() {
            let promises = run(&second);
            states += check_all(&second, &promises, &format_args!("killed at call {at}"));
        } else {
            for cut in 0..40 {
                let second = first.restarted(&[(cut, Trouble::Dies)]);
                let mut promises = before.clone();
                let store = folder(&second);
                let (manifest, pack) = leaving();
                promises.deleting.extend([manifest.name().clone(), pack.name().clone()]);
                // As a removal does: packs go once no manifest is seen that names them.
                let is_seen = store.head(manifest.name());
                if is_seen.is_ok_and(|found| found.is_none()) || store.delete(manifest.name()).is_ok() {
                    drop(store.delete(pack.name()));
                }
                states += check_all(&second, &promises, &format_args!("killed at calls {at} and {cut}"));
            }
        }
    }
    println!("{states} states after a kill and a power failure");
    assert!(states >= 500, "{states} states");
}

/// The checks above can fail: a disk on which nothing is made durable loses what was acknowledged.
#[test]
fn the_simulated_disk_loses_what_was_not_made_durable() {
    let disk = Simulated::new(&[]);
    disk.make_folder(Path::new("/a")).unwrap();
    let mut file = disk.create(Path::new("/a/file")).unwrap();
    file.write(b"four").unwrap();
    // Folder and name: four subsets; where both are kept, the content is empty, halved, zeroed or whole.
    let read = |state: &Simulated| state.read(Path::new("/a/file"), 9).ok();
    let found: Vec<_> = disk.after_power_failure().iter().map(read).collect();
    let torn = [&b""[..], b"fo", b"\0\0\0\0", b"four"].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(found, [vec![None; 3], torn.to_vec()].concat());
    file.sync().unwrap();
    disk.sync_folder(Path::new("/a")).unwrap();
    disk.sync_folder(Path::new("/")).unwrap();
    assert_eq!(disk.after_power_failure().iter().map(read).collect::<Vec<_>>(), [Some(b"four".to_vec())]);
}
