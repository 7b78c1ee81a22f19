//! Forged, damaged, swapped and repeated manifests, each of which must be refused before its body is read.

use super::*;
use crate::error::Kind;
use crate::model::padding;
use crate::seal::signed::decompress;
use crate::seal::{Member, object};

const REPO: &str = "00112233445566778899aabbccddeeff";
const BODY: &[u8] = br#"{"created":"2025-12-03T10:15:00Z","name":"demo"}"#;

fn stamp() -> SnapshotStamp {
    SnapshotStamp { created_compact: "20251203T101500Z".into() }
}

fn sealed() -> (Sealed, String, EpochKeys, Signer) {
    let (keys, signer) = (EpochKeys::generate(REPO, 1).unwrap(), Member::generate().signer());
    let (sealed, id) = seal_manifest(BODY, &stamp(), &keys, &signer).unwrap();
    (sealed, id, keys, signer)
}

/// A manifest out of chosen plaintext, named as its content asks for.
fn forged(keys: &EpochKeys, plain: &[u8], tail: &[u8]) -> Sealed {
    let frames = [zstd::bulk::compress(plain, 1).unwrap(), tail.to_vec()].concat();
    let bytes = object::encrypt(&keys.meta_identity().to_public(), &frames).unwrap();
    let name = format!("snapshots/20251203T101500Z-{}.age", id_of(plain));
    Sealed::vouch(ObjectName::parse(&name).unwrap(), bytes)
}

fn message(repo: &str, body: &[u8]) -> Vec<u8> {
    signed::message(CONTEXT, repo, body)
}

fn line(signer: &Signer, message: &[u8]) -> Vec<u8> {
    format!("TERPFX1 ed25519 {} {}\n", signer.id().hex(), HEXLOWER.encode(&signer.sign(message))).into_bytes()
}

#[test]
fn what_was_signed_comes_back() {
    let (sealed, id, keys, signer) = sealed();
    assert_eq!(sealed.name().path(), format!("snapshots/20251203T101500Z-{id}.age"));
    let other = Member::generate().signer().id();
    let opened = open_manifest(&sealed, &keys, &[other, signer.id()]).unwrap();
    assert_eq!(opened, Opened { id: id.clone(), signer: signer.id(), body: BODY.to_vec() });
    let (_, again) = seal_manifest(BODY, &stamp(), &keys, &signer).unwrap();
    assert_eq!(again, id, "the id follows from content and signer");
    let frames = object::decrypt(keys.meta_identity(), sealed.name(), sealed.bytes(), MAX_MANIFEST).unwrap();
    assert_eq!(padding::padme(frames.len() as u64), frames.len() as u64);
}

#[test]
fn only_pinned_signers_count() {
    let (sealed, _, keys, signer) = sealed();
    for pinned in [vec![], vec![Member::generate().signer().id()]] {
        let error = open_manifest(&sealed, &keys, &pinned).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains(&signer.id().to_string()), "{error}");
        assert!(error.hint_text().unwrap().contains("signers"), "{error}");
    }
    let stranger = EpochKeys::generate(REPO, 1).unwrap();
    assert!(open_manifest(&sealed, &stranger, &[signer.id()]).unwrap_err().what().contains("cannot open"));
}

#[test]
fn every_bit_flip_and_truncation_is_found() {
    let (sealed, _, keys, signer) = sealed();
    let open = |bytes: Vec<u8>| open_manifest(&Sealed::vouch(sealed.name().clone(), bytes), &keys, &[signer.id()]);
    for bit in 0..sealed.bytes().len() * 8 {
        let mut bytes = sealed.bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(bytes).unwrap_err().kind(), Kind::Store, "bit {bit}");
    }
    for cut in 0..sealed.bytes().len() {
        assert_eq!(open(sealed.bytes()[..cut].to_vec()).unwrap_err().kind(), Kind::Store, "cut {cut}");
    }
}

/// Who knows the meta identity can encrypt anything, so the layers below must hold by themselves.
#[test]
fn every_bit_flip_of_the_signed_text_is_found() {
    let (keys, signer) = (EpochKeys::generate(REPO, 1).unwrap(), Member::generate().signer());
    let plain = [line(&signer, &message(REPO, BODY)), BODY.to_vec()].concat();
    open_manifest(&forged(&keys, &plain, b""), &keys, &[signer.id()]).unwrap();
    for bit in 0..plain.len() * 8 {
        let mut plain = plain.clone();
        plain[bit / 8] ^= 1 << (bit % 8);
        let error = open_manifest(&forged(&keys, &plain, b""), &keys, &[signer.id()]).unwrap_err();
        assert_eq!(error.kind(), Kind::Store, "bit {bit}");
    }
    for cut in 0..plain.len() {
        assert!(open_manifest(&forged(&keys, &plain[..cut], b""), &keys, &[signer.id()]).is_err(), "cut {cut}");
    }
    let frames = zstd::bulk::compress(&plain, 1).unwrap();
    let name = forged(&keys, &plain, b"").name().clone();
    for bit in 0..frames.len() * 8 {
        let mut frames = frames.clone();
        frames[bit / 8] ^= 1 << (bit % 8);
        let bytes = object::encrypt(&keys.meta_identity().to_public(), &frames).unwrap();
        // Some bits of a frame say nothing; then the same body comes out, and never another one.
        match open_manifest(&Sealed::vouch(name.clone(), bytes), &keys, &[signer.id()]) {
            Ok(opened) => assert_eq!(opened.body, BODY, "bit {bit}"),
            Err(error) => assert_eq!(error.kind(), Kind::Store),
        }
    }
}

#[test]
fn signatures_of_other_contexts_do_not_count() {
    let (keys, signer) = (EpochKeys::generate(REPO, 1).unwrap(), Member::generate().signer());
    let other_repo = "ff".repeat(16);
    let messages = [
        message(&other_repo, BODY),
        BODY.to_vec(),
        [b"terp-fixtures/tomb/v1\0", REPO.as_bytes(), BODY].concat(),
        [b"terp-fixtures/audit/v1\0", REPO.as_bytes(), BODY].concat(),
        [b"terp-fixtures/manifest/v2\0", REPO.as_bytes(), BODY].concat(),
    ];
    for message in messages {
        let plain = [line(&signer, &message), BODY.to_vec()].concat();
        let error = open_manifest(&forged(&keys, &plain, b""), &keys, &[signer.id()]).unwrap_err();
        assert!(error.what().contains("wrong signature"), "{error}");
    }
}

#[test]
fn names_and_tails_must_fit() {
    let (sealed, id, keys, signer) = sealed();
    let rename = |path: String| Sealed::vouch(ObjectName::parse(&path).unwrap(), sealed.bytes());
    let pinned = [signer.id()];
    for (path, says) in [
        (format!("snapshots/20251203T101500Z-{}.age", "0".repeat(32)), "another id"),
        (format!("snapshots/20261203T101500Z-{id}.age"), "time"),
        (format!("tombs/20251203T101500Z-{id}.age"), "not a snapshot"),
        ("repo.json".into(), "not a snapshot"),
    ] {
        let error = open_manifest(&rename(path), &keys, &pinned).unwrap_err();
        assert!(error.what().contains(says), "{says}: {error}");
    }
    let plain = [line(&signer, &message(REPO, BODY)), BODY.to_vec()].concat();
    for tail in [&b"x"[..], &zstd::bulk::compress(b"more", 1).unwrap(), &[0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 1]] {
        assert!(open_manifest(&forged(&keys, &plain, tail), &keys, &pinned).unwrap_err().what().contains("padding"));
    }
    assert!(seal_manifest(b"not json", &stamp(), &keys, &signer).is_err());
    let other = SnapshotStamp { created_compact: "20251203T101501Z".into() };
    assert!(seal_manifest(BODY, &other, &keys, &signer).is_err());
}

#[test]
fn a_frame_that_claims_too_much_is_refused() {
    // A frame header with an 8-byte content size of 2^40.
    let bomb = [0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0];
    assert_eq!(decompress(&bomb), Err("it is too long"));
    assert!(decompress(b"").is_err());
    let zeros = zstd::bulk::compress(&vec![0; 100 << 20], 1).unwrap();
    assert_eq!(decompress(&zeros).map(|plain| plain.len()), Ok(100 << 20));
}
