//! Trails in memory that are attacked in every way: each attack is found, and named.

use super::verify::{self, Known};
use super::*;
use crate::model::audit::{Named, Operation};
use crate::model::proof::Sealed;
use crate::seal::{Member, Signer};
use crate::store::Store as _;
use crate::store::memory::Memory;
use serde_json::Value;

/// A store whose objects a test can reach around the repository.
struct Trail {
    store: Memory,
    member: Member,
    repository: Repository,
}

impl Trail {
    /// A trail of `entries` entries.
    fn of(entries: usize) -> Self {
        let (store, member) = (Memory::new(), Member::generate());
        super::super::keys::init(&store, &member).unwrap();
        let repository = Repository::open(Box::new(store.clone()), &member, &[]).unwrap();
        let trail =
            Self { store, member, repository: repository.acting_as("alice \"x\"".into(), "host\n".into(), false) };
        for at in 0..entries {
            let deed = Deed {
                snapshot: Some(Named { name: format!("s{at}"), id: None }),
                counts: [("rows".to_owned(), at as u64)].into(),
                ..Deed::new(Operation::ALL[at % Operation::ALL.len()])
            };
            record(&trail.repository, deed).unwrap();
        }
        trail
    }

    fn objects(&self) -> Vec<Sealed> {
        let listed = self.store.list(ObjectKind::Audit).unwrap();
        listed.iter().map(|listed| self.store.get(&listed.name, 1 << 20).unwrap()).collect()
    }

    fn replace(&self, old: &Sealed, new: Option<&Sealed>) {
        self.store.delete(old.name()).unwrap();
        if let Some(new) = new {
            self.store.put(new).unwrap();
        }
    }

    fn findings(&self, known: &[Known]) -> Vec<String> {
        verify::store(&self.repository, known).unwrap().findings
    }

    /// The head as it is now, kept elsewhere.
    fn known(&self) -> Vec<Known> {
        vec![Known { by: "the note".into(), head: head(&self.repository).unwrap() }]
    }

    fn seal(&self, line: &[u8], seq: u64, signer: &Signer) -> Sealed {
        seal::seal_entry(line, seq, self.repository.keys(), signer).unwrap()
    }
}

#[test]
fn entries_follow_one_another() {
    let trail = Trail::of(25);
    let (entries, damaged) = entries(&trail.repository).unwrap();
    assert!(damaged.is_empty());
    assert!(entries[0].entry.prev.is_empty());
    for (at, pair) in entries.windows(2).enumerate() {
        assert_eq!(pair[1].entry.prev, std::slice::from_ref(&pair[0].hash));
        assert_eq!(pair[1].entry.seq, at as u64 + 2);
    }
    let who = &entries[0].entry.who;
    assert_eq!((who.name.as_str(), who.host.as_str()), ("alice \"x\"", "host\n"));
    assert_eq!(who.signer, Some(trail.member.signer().id().to_string()));
    let verified = verify::store(&trail.repository, &trail.known()).unwrap().into_result().unwrap();
    assert_eq!((verified.entries, verified.head.seq), (25, 25));
    assert_eq!(verified.head, head(&trail.repository).unwrap());
}

#[test]
fn a_public_store_has_no_trail() {
    let trail = Trail::of(0);
    let public = Repository::open(Box::new(trail.store.clone()), &trail.member, &[]).unwrap();
    let public = public.acting_as("x".into(), "y".into(), true);
    assert_eq!(record(&public, Deed::new(Operation::Restore)).unwrap(), None);
    assert!(trail.objects().is_empty() && public.actor().signer.is_none());
}

#[test]
fn every_removed_entry_is_found() {
    let trail = Trail::of(8);
    let known = trail.known();
    for object in trail.objects() {
        trail.replace(&object, None);
        let findings = trail.findings(&known);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains("gone") && findings[0].contains(&object.name().stem()[11..23]), "{findings:?}");
        trail.store.put(&object).unwrap();
    }
    // However many of the newest are cut off.
    let objects = trail.objects();
    for object in objects.iter().rev() {
        trail.replace(object, None);
        assert!(!trail.findings(&known).is_empty());
    }
    for object in &objects {
        trail.store.put(object).unwrap();
    }
    assert!(trail.findings(&known).is_empty());
}

/// Every place of a JSON value, as the ways to change it.
fn edits(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (name, inner) in fields {
                let mut without = fields.clone();
                without.remove(name);
                all.push(Value::Object(without));
                for edited in edits(inner) {
                    let mut with = fields.clone();
                    with.insert(name.clone(), edited);
                    all.push(Value::Object(with));
                }
            }
            all
        }
        Value::Array(items) => {
            let mut all = vec![Value::Array(items.iter().cloned().chain([Value::from("f".repeat(64))]).collect())];
            for (at, item) in items.iter().enumerate() {
                let with = |new: Vec<Value>| Value::Array([&items[..at], &new, &items[at + 1..]].concat());
                all.push(with(Vec::new()));
                all.extend(edits(item).into_iter().map(|edited| with(vec![edited])));
            }
            all
        }
        Value::String(text) => vec![Value::from(format!("{text}x")), Value::from("")],
        Value::Number(number) => vec![Value::from(number.as_u64().unwrap() + 1)],
        other => vec![Value::from(!other.as_bool().unwrap_or(false))],
    }
}

#[test]
fn every_edited_field_is_found_whoever_edits_it() {
    let trail = Trail::of(3);
    let known = trail.known();
    let stranger = Member::generate().signer();
    let mut tried = 0;
    for (object, recorded) in trail.objects().iter().zip(entries(&trail.repository).unwrap().0) {
        let whole: Value = serde_json::from_str(&recorded.line).unwrap();
        for edited in edits(&whole) {
            let line = serde_json::to_vec(&edited).unwrap();
            // Somebody who can encrypt; a member, who can sign; and a member who lets the name follow.
            for (signer, seq) in [
                (&stranger, recorded.entry.seq),
                (trail.repository.signer(), recorded.entry.seq),
                (trail.repository.signer(), edited["seq"].as_u64().unwrap_or(0)),
            ] {
                let forged = trail.seal(&line, seq, signer);
                trail.replace(object, Some(&forged));
                assert!(!trail.findings(&known).is_empty(), "{edited}");
                trail.replace(&forged, Some(object));
                // The old name with the new content.
                let renamed = Sealed::vouch(object.name().clone(), forged.bytes());
                trail.replace(object, Some(&renamed));
                assert!(!trail.findings(&known).is_empty(), "{edited}");
                trail.replace(&renamed, Some(object));
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "only {tried} edits");
    assert!(trail.findings(&known).is_empty());
}

#[test]
fn swapped_replayed_and_renamed_entries_are_found() {
    let (trail, other) = (Trail::of(4), Trail::of(4));
    let objects = trail.objects();
    let known = trail.known();
    let says = |old: &Sealed, new: &Sealed, words: &str| {
        trail.replace(old, Some(new));
        let findings = trail.findings(&known);
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words}: {findings:?}");
        trail.replace(new, Some(old));
        assert!(trail.findings(&known).is_empty());
    };
    for (one, two) in [(0, 1), (1, 2), (0, 3)] {
        let swapped = Sealed::vouch(objects[one].name().clone(), objects[two].bytes());
        trail.replace(&objects[one], None);
        trail.store.put(&swapped).unwrap();
        assert!(trail.findings(&known)[0].contains("another hash than its name"));
        trail.replace(&swapped, Some(&objects[one]));
    }
    // The same entry under another number.
    for seq in [1, 3, 9_999_999_999_u64] {
        let hash = objects[1].name().stem().split_once('-').unwrap().1.to_owned();
        let name = crate::model::proof::ObjectName::parse(&format!("audit/{seq:010}-{hash}.age")).unwrap();
        says(&objects[1], &Sealed::vouch(name, objects[1].bytes()), "does not belong there");
    }
    // Another store's entry: by a member of both, with this store's keys, as it was signed there and signed again.
    let foreign = entries(&other.repository).unwrap().0[1].line.clone();
    let replayed = trail.seal(foreign.as_bytes(), 2, trail.repository.signer());
    says(&objects[1], &replayed, "does not belong there");
    let raw = &other.objects()[1];
    says(&objects[1], raw, "cannot open");
}

#[test]
fn two_writers_at_once_make_a_fork_that_the_next_entry_joins() {
    let trail = Trail::of(3);
    let before = head(&trail.repository).unwrap();
    for _ in 0..2 {
        let entry =
            entry(trail.repository.id(), trail.repository.actor().clone(), &before, Deed::new(Operation::Capture));
        let line = codec::audit::encode(&entry.unwrap()).unwrap();
        trail.store.put(&trail.seal(&line, 4, trail.repository.signer())).unwrap();
    }
    let fork = head(&trail.repository).unwrap();
    assert_eq!((fork.seq, fork.heads.len()), (4, 2));
    assert!(trail.findings(&[]).is_empty());
    // A third who listed long ago.
    let late =
        entry(trail.repository.id(), trail.repository.actor().clone(), &Head::default(), Deed::new(Operation::Approve));
    let line = codec::audit::encode(&late.unwrap()).unwrap();
    trail.store.put(&trail.seal(&line, 1, trail.repository.signer())).unwrap();
    assert_eq!(head(&trail.repository).unwrap().heads.len(), 3);
    record(&trail.repository, Deed::new(Operation::Restore)).unwrap();
    let joined = head(&trail.repository).unwrap();
    assert_eq!((joined.seq, joined.heads.len()), (5, 1));
    assert!(trail.findings(&[]).is_empty());
    // From now on each branch is held.
    for object in trail.objects() {
        trail.replace(&object, None);
        assert!(!trail.findings(&[Known { by: "x".into(), head: joined.clone() }]).is_empty());
        trail.store.put(&object).unwrap();
    }
}

#[test]
fn writers_in_parallel_lose_nothing() {
    let trail = Trail::of(1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    record(&trail.repository, Deed::new(Operation::Restore)).unwrap();
                }
            });
        }
    });
    record(&trail.repository, Deed::new(Operation::Capture)).unwrap();
    let verified = verify::store(&trail.repository, &trail.known()).unwrap().into_result().unwrap();
    assert_eq!(verified.entries, 42);
    assert_eq!(verified.head.heads.len(), 1, "the last entry joins every branch");
}

#[test]
fn broken_objects_are_named_and_do_not_stop_the_trail() {
    let trail = Trail::of(2);
    let name = format!("audit/{}-{}.age", "9".repeat(10), "ab".repeat(32));
    let planted = Sealed::vouch(crate::model::proof::ObjectName::parse(&name).unwrap(), &b"rubbish"[..]);
    trail.store.put(&planted).unwrap();
    let next = record(&trail.repository, Deed::new(Operation::Capture)).unwrap().unwrap();
    assert_eq!(next.seq, 3);
    let findings = trail.findings(&[]);
    assert!(findings.len() == 1 && findings[0].contains(&name), "{findings:?}");
    assert!(sign_head(&trail.repository).unwrap_err().hint_text().unwrap().contains("audit verify"));
    trail.replace(&planted, None);
    assert!(trail.findings(&[]).is_empty());
    // A member whom this project has not pinned is named, too.
    let stranger = Member::generate();
    let line = entries(&trail.repository).unwrap().0[0].line.clone().into_bytes();
    trail.store.put(&trail.seal(&line, 8, &stranger.signer())).unwrap();
    assert!(trail.findings(&[])[0].contains("not among the pinned signers"));
}

#[test]
fn a_signed_head_is_believed_for_its_own_store_only() {
    let (trail, other) = (Trail::of(3), Trail::of(3));
    let (statement, file) = sign_head(&trail.repository).unwrap();
    assert_eq!((statement.entries, statement.head.seq), (3, 3));
    assert_eq!(read_head(&trail.repository, &file).unwrap(), statement);
    assert!(read_head(&other.repository, &file).is_err());
    let text = String::from_utf8(file).unwrap();
    let whole: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    for edited in edits(&whole) {
        let forged = format!("{}\n{edited}\n", text.lines().next().unwrap());
        assert!(read_head(&trail.repository, forged.as_bytes()).is_err(), "{edited}");
    }
    record(&trail.repository, Deed::new(Operation::Delete)).unwrap();
    assert!(trail.findings(&[Known { by: "file".into(), head: statement.head }]).is_empty());
}
