//! Members and epochs: who can do what, what a stop leaves, and every attack on keys by name.

use super::*;
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::model::proof::Sealed;
use crate::run::{Context, audit};
use crate::seal::{Recipient, SignerId};
use crate::store::memory::Memory;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Team {
    store: Memory,
    alice: Member,
}

impl Team {
    fn new() -> Self {
        let (store, alice) = (Memory::new(), Member::generate());
        init_named(&store, &alice, "alice").unwrap();
        Self { store, alice }
    }

    fn open(&self, member: &Member) -> Result<Repository> {
        self.open_pinning(member, &[self.alice.signer().id()])
    }

    fn open_pinning(&self, member: &Member, pinned: &[SignerId]) -> Result<Repository> {
        Repository::open(Box::new(self.store.clone()), member, pinned)
    }

    /// Alice adds somebody.
    fn add(&self, name: &str, role: Role) -> Member {
        let member = Member::generate();
        self.add_as(&self.alice, &new(name, &member.recipient(), role)).unwrap();
        member
    }

    fn add_as(&self, by: &Member, new: &NewMember) -> Result<Added> {
        add(&context(), &self.open(by)?, new)
    }

    fn remove_as(&self, by: &Member, name: &str) -> Result<Option<Rotated>> {
        let repository = self.open(by)?;
        let removal = removal(&repository, name)?;
        remove(&context(), &repository, &removal)
    }

    fn rotate(&self) -> Rotated {
        rotate(&context(), &self.open(&self.alice).unwrap()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let found = members(&self.open(&self.alice).unwrap()).unwrap();
        assert!(found.refused.is_empty() && found.strays.is_empty(), "{found:?}");
        found.members.into_iter().map(|member| member.card.name).collect()
    }

    /// Puts keys that `by` made into the store, as those of `epoch` for `victim`, with a charter.
    fn plant(&self, keys: &EpochKeys, victim: &Recipient, by: &Member) {
        self.force(&seal::seal_keys(keys, victim, Role::Restore, &by.signer()).unwrap());
        self.force(&seal::seal_charter(keys, "2025-12-03T10:15:00Z", &by.signer().id()).unwrap());
    }

    /// Writes over what is there, as who holds the bucket can.
    fn force(&self, sealed: &Sealed) {
        self.store.delete(sealed.name()).unwrap();
        self.store.put(sealed).unwrap();
    }
}

fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 1 }
}

fn new(name: &str, recipient: &Recipient, role: Role) -> NewMember {
    NewMember { name: name.to_owned(), recipient: recipient.clone(), role, signer: None, from_now: false }
}

#[test]
fn each_role_holds_what_it_needs() {
    let team = Team::new();
    for role in Role::ALL {
        let member = team.add(role.word(), role);
        let repository = team.open(&member).unwrap();
        assert_eq!(repository.keys().role(), role);
        assert_eq!(repository.keys().can_read_rows(), role == Role::Restore);
        assert_eq!(repository.keys().id_key().is_ok(), role != Role::Gc);
        // Everybody may see who is a member; only who may read rows changes that.
        assert!(members(&repository).unwrap().refused.is_empty());
        if role == Role::Restore {
            continue;
        }
        let other = new("other", &Member::generate().recipient(), Role::Gc);
        for refused in [add(&context(), &repository, &other).map(drop), rotate(&context(), &repository).map(drop)] {
            assert!(refused.unwrap_err().what().contains("may not change who is a member"), "{role:?}");
        }
        let error = removal(&repository, "alice").unwrap_err();
        assert!(error.what().contains("may not change who is a member"), "{error}");
    }
}

#[test]
fn adding_twice_finishes_and_others_cannot_take_a_name() {
    let team = Team::new();
    let bob = Member::generate();
    let wanted = new("bob", &bob.recipient(), Role::Restore);
    team.add_as(&team.alice, &wanted).unwrap();
    team.add_as(&team.alice, &wanted).unwrap();
    assert_eq!(team.names(), ["alice", "bob"]);
    for (name, recipient, role) in [
        ("bob", Member::generate().recipient(), Role::Restore),
        ("bobby", bob.recipient(), Role::Restore),
        ("bob", bob.recipient(), Role::Capture),
    ] {
        let error = team.add_as(&team.alice, &new(name, &recipient, role)).unwrap_err();
        assert_eq!(error.kind(), Kind::Guard, "{error}");
    }
    assert!(team.add_as(&team.alice, &new("a\nb", &Member::generate().recipient(), Role::Gc)).is_err());
}

#[test]
fn a_later_member_gets_all_epochs_or_only_the_newest() {
    let team = Team::new();
    team.rotate();
    let (all, late) = (Member::generate(), Member::generate());
    let done = team.add_as(&team.alice, &new("all", &all.recipient(), Role::Restore)).unwrap();
    assert_eq!(done.epochs, [1, 2]);
    let wanted = NewMember { from_now: true, ..new("late", &late.recipient(), Role::Restore) };
    assert_eq!(team.add_as(&team.alice, &wanted).unwrap().epochs, [2]);
    assert!(!team.open(&all).unwrap().lacks_epochs());
    let late = team.open(&late).unwrap();
    assert!(late.lacks_epochs() && late.keys_of(1).is_err() && late.keys_of(2).is_ok());
    late.check_current().unwrap();
}

#[test]
fn a_removed_member_has_no_keys_and_the_others_have_new_ones() {
    let team = Team::new();
    let (bob, ci) = (team.add("bob", Role::Restore), team.add("ci", Role::Capture));
    let bobs = team.open(&bob).unwrap();
    let done = team.remove_as(&team.alice, "bob").unwrap().unwrap();
    assert_eq!((done.epoch, done.members), (2, vec!["alice".to_owned(), "ci".to_owned()]));
    assert!(team.open(&bob).unwrap_err().what().contains("not a member"));
    // What he opened before is of no use for writing.
    assert!(bobs.check_current().unwrap_err().what().contains("epoch 2"));
    let ci = team.open(&ci).unwrap();
    assert_eq!((ci.keys().epoch(), ci.keys().role(), ci.held().len()), (2, Role::Capture, 2));
    let error = team.remove_as(&team.alice, "bob").unwrap_err();
    assert!(error.what().contains("no member 'bob'") && error.hint_text().unwrap().contains("alice, ci"), "{error}");
    let trail = audit::entries(&team.open(&team.alice).unwrap()).unwrap().0;
    let words: Vec<&str> = trail.iter().map(|recorded| recorded.entry.what.operation.word()).collect();
    assert_eq!(words, ["keys-add", "keys-add", "keys-remove"]);
}

#[test]
fn the_last_who_reads_rows_and_oneself_stay() {
    let team = Team::new();
    team.add("ci", Role::Capture);
    let error = team.remove_as(&team.alice, "alice").unwrap_err();
    assert!(error.kind() == Kind::Guard && error.what().contains("last member who may read rows"), "{error}");
    let bob = team.add("bob", Role::Restore);
    let error = team.remove_as(&team.alice, "alice").unwrap_err();
    assert!(error.kind() == Kind::Guard && error.what().contains("is you"), "{error}");
    // By recipient, by another member whom nobody else has to pin for that.
    let pinned = [team.alice.signer().id(), bob.signer().id()];
    let repository = team.open_pinning(&bob, &pinned).unwrap();
    let removal = removal(&repository, &team.alice.recipient().to_string()).unwrap();
    remove(&context(), &repository, &removal).unwrap();
    assert!(team.open(&team.alice).is_err());
    assert_eq!(team.open_pinning(&bob, &pinned).unwrap().keys().epoch(), 2);
}

/// A store that fails for ever after so many changes, as a process that was killed.
struct Stops {
    inner: Memory,
    left: Arc<AtomicUsize>,
}

impl Stops {
    fn change(&self) -> Result<()> {
        let before = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        before.map(drop).map_err(|_| Error::store("killed"))
    }
}

impl Store for Stops {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.change()?;
        self.inner.put(object)
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.inner.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.inner.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<crate::store::Listed>> {
        self.inner.list(kind)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.change()?;
        self.inner.delete(name)
    }
}

type Change = fn(&Repository, &Recipient) -> Result<()>;

/// Runs a change with a stop at every write, looks at what everybody can do then, and runs it again.
fn stopped_everywhere(given: fn(&Team) -> Member, change: Change, check: fn(&Team, &Member, bool)) -> usize {
    for stop in 0.. {
        let team = Team::new();
        let other = given(&team);
        let ci = team.add("ci", Role::Capture);
        let left = Arc::new(AtomicUsize::new(stop));
        let store = Stops { inner: team.store.clone(), left: Arc::clone(&left) };
        let pinned = [team.alice.signer().id()];
        let repository = Repository::open(Box::new(store), &team.alice, &pinned).unwrap();
        let is_done = change(&repository, &other.recipient()).is_ok();
        // Whoever was a member and stays one can go on, and all in the same epoch, whose rows somebody can read.
        let (alice, host) = (team.open(&team.alice).unwrap(), team.open(&ci).unwrap());
        assert_eq!(alice.keys().fingerprint(), host.keys().fingerprint(), "stop {stop}");
        assert!(alice.keys().can_read_rows());
        host.check_current().unwrap();
        if !is_done {
            change(&alice, &other.recipient()).unwrap_or_else(|error| panic!("stop {stop}: {error}"));
        }
        check(&team, &other, is_done);
        if is_done {
            return stop;
        }
    }
    0
}

#[test]
fn adding_can_be_stopped_anywhere() {
    let stops = stopped_everywhere(
        |team| {
            team.rotate();
            Member::generate()
        },
        |repository, recipient| add(&context(), repository, &new("bob", recipient, Role::Restore)).map(drop),
        |team, bob, _| {
            assert_eq!(team.names(), ["alice", "bob", "ci"]);
            assert_eq!(team.open(bob).unwrap().held().len(), 2);
        },
    );
    assert!(stops >= 4, "only {stops} stops");
}

#[test]
fn removing_can_be_stopped_anywhere() {
    let stops = stopped_everywhere(
        |team| team.add("bob", Role::Restore),
        |repository, _| {
            // Run again after it was done but for the rest, it only cleans up; after all of it, there is no such member.
            match removal(repository, "bob") {
                Ok(found) => remove(&context(), repository, &found).map(drop),
                Err(error) if error.what().contains("no member 'bob'") => Ok(()),
                Err(error) => Err(error),
            }
        },
        |team, bob, _| {
            assert_eq!(team.names(), ["alice", "ci"]);
            assert!(team.open(bob).is_err());
            let id = seal::member_id(&bob.recipient());
            for kind in [ObjectKind::Key, ObjectKind::Card] {
                assert!(team.store.list(kind).unwrap().iter().all(|listed| listed.name.stem() != id));
            }
        },
    );
    assert!(stops >= 8, "only {stops} stops");
}

#[test]
fn rotating_can_be_stopped_anywhere() {
    let stops = stopped_everywhere(
        |_| Member::generate(),
        |repository, _| rotate(&context(), repository).map(drop),
        |team, _, _| {
            assert_eq!(team.names(), ["alice", "ci"]);
            // Of epochs that never counted nothing is left.
            let repository = team.open(&team.alice).unwrap();
            let current = repository.keys().epoch();
            let epochs: Vec<u32> = repository.held().iter().map(EpochKeys::epoch).collect();
            assert!(epochs.len() == 2 || epochs.len() == 3, "{epochs:?}");
            assert_eq!(epochs.last(), Some(&current));
        },
    );
    assert!(stops >= 6, "only {stops} stops");
}

#[test]
fn two_who_rotate_at_once_do_not_both_succeed() {
    let team = Team::new();
    let bob = team.add("bob", Role::Restore);
    let (first, second) = (team.open(&team.alice).unwrap(), team.open(&bob).unwrap());
    rotate(&context(), &first).unwrap();
    let error = rotate(&context(), &second).unwrap_err();
    assert!(error.what().contains("gone on to epoch 2"), "{error}");
}

#[test]
fn attack_newer_epoch_by_a_stranger() {
    let team = Team::new();
    let mallory = Member::generate();
    let repo = team.open(&team.alice).unwrap().id().to_owned();
    team.plant(&EpochKeys::generate(&repo, 1).unwrap().next(2).unwrap(), &team.alice.recipient(), &mallory);
    let error = team.open(&team.alice).unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.what().contains("not among the pinned signers"), "{error}");
}

#[test]
fn attack_newer_epoch_by_a_former_member() {
    let team = Team::new();
    let bob = team.add("bob", Role::Restore);
    let bobs = team.open(&bob).unwrap().keys().clone();
    team.remove_as(&team.alice, "bob").unwrap();
    // He endorses keys of his own with the authority of the epoch that he held.
    team.plant(&bobs.next(3).unwrap(), &team.alice.recipient(), &bob);
    let error = team.open(&team.alice).unwrap_err();
    assert!(error.what().contains("not among the pinned signers"), "{error}");
    // And where nobody took his signer out of the configuration, his epoch does not count: it follows on the wrong one.
    let pinned = [team.alice.signer().id(), bob.signer().id()];
    assert_eq!(team.open_pinning(&team.alice, &pinned).unwrap().keys().epoch(), 2);
}

#[test]
fn attack_newer_epoch_by_a_capture_host() {
    let team = Team::new();
    let ci = team.add("ci", Role::Capture);
    let known = team.open(&ci).unwrap().keys().clone();
    assert!(known.next(2).unwrap_err().what().contains("may not change who is a member"));
    // It makes an epoch of its own that claims to follow, with a signature that it can make: of its own authority.
    let own = EpochKeys::generate(known.repo(), 1).unwrap().next(2).unwrap();
    team.plant(&own, &team.alice.recipient(), &ci);
    let pinned = [team.alice.signer().id(), ci.signer().id()];
    let error = team.open_pinning(&team.alice, &pinned).unwrap_err();
    assert!(error.what().contains("epoch 2 is not endorsed by the authority of epoch 1"), "{error}");
    // Pinned as a publisher, it may not hand out keys at all: not even to who holds no other keys to compare with.
    let late = Member::generate();
    team.plant(&own, &late.recipient(), &ci);
    let error = team.open(&late).map(|repository| repository.believing(&pinned)).unwrap_err();
    assert!(error.what().contains("not among the pinned signers"), "{error}");
}

#[test]
fn attack_newer_epoch_that_skips_one() {
    let team = Team::new();
    let (ci, bob) = (team.add("ci", Role::Capture), team.add("bob", Role::Restore));
    team.rotate();
    team.store.delete(&seal::key_object(2, &bob.recipient())).unwrap();
    let own = EpochKeys::generate(team.open(&ci).unwrap().id(), 2).unwrap().next(3).unwrap();
    team.plant(&own, &bob.recipient(), &ci);
    let pinned = [team.alice.signer().id(), ci.signer().id()];
    let error = team.open_pinning(&bob, &pinned).unwrap_err();
    assert!(error.what().contains("epoch 3 does not follow on epoch 1"), "{error}");
}

#[test]
fn attack_charter_for_an_epoch_that_was_not_begun() {
    let team = Team::new();
    let ci = team.add("ci", Role::Capture);
    let left = Arc::new(AtomicUsize::new(4));
    let store = Stops { inner: team.store.clone(), left };
    let repository = Repository::open(Box::new(store), &team.alice, &[]).unwrap();
    rotate(&context(), &repository).unwrap_err();
    assert_eq!(team.open(&ci).unwrap().keys().epoch(), 1);
    // A charter from elsewhere under the name.
    let charter = team.store.get(&seal::charter_object(1), MAX_KEY).unwrap();
    team.store.put(&Sealed::vouch(seal::charter_object(2), charter.bytes())).unwrap();
    assert_eq!(team.open(&ci).unwrap_err().kind(), Kind::Store);
}

#[test]
fn attack_card_forged_by_a_capture_host_before_a_rotation() {
    let team = Team::new();
    let (ci, mallory) = (team.add("ci", Role::Capture), Member::generate());
    let keys = team.open(&ci).unwrap().keys().clone();
    // It can encrypt to the meta recipient, but sign only with an authority of its own.
    let own = EpochKeys::generate(keys.repo(), 1).unwrap();
    let by = ci.signer().id();
    let card = Card {
        name: "mallory".into(),
        recipient: mallory.recipient(),
        role: Role::Restore,
        signer: None,
        since: now(),
        by,
    };
    team.force(&seal::testing::seal_card_as(&card, &keys, &own));
    let repository = team.open(&team.alice).unwrap();
    let found = members(&repository).unwrap();
    assert!(found.refused[0].what().contains("not signed by the authority of epoch 1"), "{found:?}");
    assert_eq!(found.members.len(), 2);
    let error = rotate(&context(), &repository).unwrap_err();
    assert!(error.to_string().contains("not signed by the authority"), "{error}");
    assert_eq!(team.open(&team.alice).unwrap().keys().epoch(), 1);
}

#[test]
fn attack_replaced_role() {
    let team = Team::new();
    let (ci, bob) = (team.add("ci", Role::Capture), team.add("bob", Role::Restore));
    // The host gives itself another role: its card and its key file are as somebody with the authority made them, or do not count.
    let keys = team.open(&ci).unwrap().keys().clone();
    let error = seal::seal_keys(&keys, &ci.recipient(), Role::Restore, &ci.signer()).unwrap_err();
    assert!(error.what().contains("not read their rows"), "{error}");
    let own = EpochKeys::generate(keys.repo(), 1).unwrap();
    let found = members(&team.open(&team.alice).unwrap()).unwrap();
    let card = found.members.iter().find(|member| member.card.name == "ci").unwrap().card.clone();
    team.force(&seal::testing::seal_card_as(&Card { role: Role::Restore, ..card }, &keys, &own));
    let error = rotate(&context(), &team.open(&team.alice).unwrap()).unwrap_err();
    assert!(error.to_string().contains("not signed by the authority"), "{error}");
    // It takes the right to read from somebody else by handing him what it holds itself.
    team.force(&seal::seal_keys(&keys, &bob.recipient(), Role::Capture, &ci.signer()).unwrap());
    assert!(team.open(&bob).unwrap_err().what().contains("not among the pinned signers"));
}

#[test]
fn attack_key_file_moved_between_stores_and_epochs() {
    let (team, other) = (Team::new(), Team::new());
    let bob = team.add("bob", Role::Restore);
    let bobs = new("bob", &bob.recipient(), Role::Restore);
    other.add_as(&other.alice, &bobs).unwrap();
    let name = seal::key_object(1, &bob.recipient());
    let foreign = other.store.get(&name, MAX_KEY).unwrap();
    let own = team.store.get(&name, MAX_KEY).unwrap();
    let pinned = [team.alice.signer().id(), other.alice.signer().id()];
    team.force(&foreign);
    let error = team.open_pinning(&bob, &pinned).unwrap_err();
    assert!(error.what().contains("belongs to another store or epoch"), "{error}");
    team.force(&own);
    team.rotate();
    team.force(&Sealed::vouch(seal::key_object(2, &bob.recipient()), own.bytes()));
    let error = team.open(&bob).unwrap_err();
    assert!(error.what().contains("belongs to another member or epoch"), "{error}");
}

#[test]
fn attack_old_card_of_a_removed_member_replayed() {
    let team = Team::new();
    let bob = team.add("bob", Role::Restore);
    let name = seal::card_object(1, &bob.recipient());
    let card = team.store.get(&name, MAX_KEY).unwrap();
    team.remove_as(&team.alice, "bob").unwrap();
    team.force(&Sealed::vouch(seal::card_object(2, &bob.recipient()), card.bytes()));
    let error = rotate(&context(), &team.open(&team.alice).unwrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::Store, "{error}");
    // Where it lay before it says nothing about the current epoch.
    team.store.delete(&seal::card_object(2, &bob.recipient())).unwrap();
    team.force(&card);
    assert_eq!(team.names(), ["alice"]);
    team.rotate();
    assert!(team.open(&bob).is_err());
}

#[test]
fn members_with_ssh_keys_are_members_like_others() {
    let team = Team::new();
    let (private, public) = crate::seal::ssh::testing::key(3);
    let sam = Member::open(private.expose().as_bytes(), || Ok(None)).unwrap();
    team.add_as(&team.alice, &new("sam", &public.parse().unwrap(), Role::Restore)).unwrap();
    team.rotate();
    let repository = team.open(&sam).unwrap();
    assert_eq!((repository.keys().epoch(), repository.held().len()), (2, 2));
    let store = Memory::new();
    init(&store, &sam).unwrap();
    assert!(Repository::open(Box::new(store), &sam, &[]).unwrap().keys().can_read_rows());
}

#[test]
fn an_interrupted_init_can_be_run_again() {
    for stop in 0..4 {
        let (inner, alice) = (Memory::new(), Member::generate());
        let store = Stops { inner: inner.clone(), left: Arc::new(AtomicUsize::new(stop)) };
        init(&store, &alice).unwrap_err();
        assert!(Repository::open(Box::new(inner.clone()), &alice, &[]).is_err());
        init(&inner, &alice).unwrap();
        assert_eq!(Repository::open(Box::new(inner), &alice, &[]).unwrap().held().len(), 1);
    }
}
