//! What an attacker may put into a store, where no damage test reaches it. `docs/security.md` has the whole table.

use super::testing::{World, context};
use crate::codec;
use crate::error::Kind;
use crate::model::proof::{ObjectKind, Sealed};
use crate::run::verify::{self, Depth};
use crate::seal::{self, Member, SnapshotStamp};
use crate::store::Store;
use crate::store::folder::Folder;
use crate::store::simulated_testing::{copy, objects};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Even who holds the store's keys cannot make others believe a manifest: they believe pinned signers only.
#[test]
fn a_forged_manifest_is_refused() {
    let world = World::new();
    let store = copy(&world.two);
    let repository = world.open(Box::new(store.clone())).unwrap();
    let mut manifest = repository.find("two").unwrap().manifest;
    manifest.name = "forged".to_owned();
    let body = codec::manifest::encode(&manifest).unwrap();
    let stamp = SnapshotStamp { created_compact: manifest.created.replace(['-', ':'], "") };
    let stranger = Member::generate().signer();
    let (forged, _) = seal::seal_manifest(&body, &stamp, repository.keys(), &stranger).unwrap();
    store.put(&forged).unwrap();
    for name in ["forged", "two"] {
        let error = world.restore(&repository, name, "target.sqlite").unwrap_err();
        assert_eq!(error.kind(), Kind::Store, "{name}");
        assert!(error.what().contains("not among the pinned signers"), "{name}: {error}");
    }
    let done = verify::verify(&context(), &repository, None, Depth::Packs).unwrap();
    assert_eq!(done.damage.len(), 1, "{:?}", done.damage);
    // By its id, a good snapshot can be had all the same.
    let good = repository.snapshots().unwrap().0.pop().unwrap();
    assert_eq!(world.restore(&repository, &good.label(), "target.sqlite").unwrap(), 5);
    // The same bytes, signed by who is pinned.
    let (signed, _) = seal::seal_manifest(&body, &stamp, repository.keys(), repository.signer()).unwrap();
    store.delete(forged.name()).unwrap();
    store.put(&signed).unwrap();
    assert_eq!(world.restore(&repository, "forged", "other.sqlite").unwrap(), 5);
}

/// The ephemeral share and the nonce of an age file.
fn share_and_nonce(object: &Sealed) -> (String, Vec<u8>) {
    let bytes = object.bytes();
    let end = bytes.windows(5).position(|window| window == b"\n--- ").unwrap();
    let header = std::str::from_utf8(&bytes[..end]).unwrap();
    let share = header.lines().find_map(|line| line.strip_prefix("-> X25519 ")).unwrap().to_owned();
    let payload = end + 5 + bytes[end + 5..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    (share, bytes[payload..payload + 16].to_vec())
}

#[test]
fn keys_and_nonces_are_used_once() {
    let world = World::new();
    let store = copy(&world.two);
    let repository = world.open(Box::new(store.clone())).unwrap();
    for _ in 0..20 {
        world.capture(&repository, "again").unwrap();
    }
    let sealed: Vec<_> =
        objects(&store).into_iter().filter(|object| object.name().kind() != ObjectKind::Hint).collect();
    assert!(sealed.len() > 40, "{}", sealed.len());
    let (shares, nonces): (BTreeSet<_>, BTreeSet<_>) = sealed.iter().map(share_and_nonce).unzip();
    assert_eq!((shares.len(), nonces.len()), (sealed.len(), sealed.len()));
}

/// A file that takes no space on the disk and says that it has a terabyte.
#[test]
fn an_object_of_a_terabyte_is_refused_before_it_is_read() {
    let world = World::new();
    for object in objects(&world.two) {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::create(folder.path()).unwrap();
        for object in objects(&world.two) {
            store.put(&object).unwrap();
        }
        let path = folder.path().join(object.name().path());
        std::fs::remove_file(&path).unwrap();
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let started = Instant::now();
        let open = || world.open(Box::new(Folder::open(folder.path()).unwrap()));
        let verified = open().and_then(|repository| {
            verify::verify(&context(), &repository, None, Depth::Rows).and_then(verify::Outcome::into_result)
        });
        let error = verified.map(drop).unwrap_err();
        assert_eq!(error.kind(), Kind::Store, "{}", object.name());
        assert!(error.what().contains("1099511627776 bytes"), "{}: {error}", object.name());
        if !matches!(object.name().kind(), ObjectKind::Audit | ObjectKind::Card) {
            let wanted = ["one", "two"].map(|name| {
                open().and_then(|repository| world.restore(&repository, name, &format!("{name}.sqlite"))).is_err()
            });
            assert!(wanted.contains(&true), "{}", object.name());
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{} was read", object.name());
    }
}
