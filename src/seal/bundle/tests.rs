//! Key files: round trips, every damage, moved files, and lies inside a file that decrypts well.

use super::*;
use crate::error::Kind;

const REPO: &str = "00112233445566778899aabbccddeeff";

fn keys() -> EpochKeys {
    EpochKeys::generate(REPO, 1).unwrap()
}

#[test]
fn every_role_gets_what_it_needs_and_no_more() {
    let (keys, member, by) = (keys().next(2).unwrap(), Member::generate(), Member::generate().signer());
    for role in Role::ALL {
        let sealed = seal_keys(&keys, &member.recipient(), role, &by).unwrap();
        assert_eq!(sealed.name(), &key_object(2, &member.recipient()));
        let opened = open_keys(&sealed, &member, &[by.id()]).unwrap();
        assert_eq!((opened.repo(), opened.epoch(), opened.role()), (REPO, 2, role));
        assert_eq!((opened.fingerprint(), opened.previous()), (keys.fingerprint(), Some(1)));
        assert_eq!(opened.can_read_rows(), role == Role::Restore);
        assert_eq!(opened.data_identity_text().is_some(), role == Role::Restore);
        assert_eq!(opened.id_key().is_ok(), role != Role::Gc);
        for wanted in Role::ALL {
            let passed_on = seal_keys(&opened, &Member::generate().recipient(), wanted, &by);
            let can = role == Role::Restore || wanted == role || wanted == Role::Gc;
            assert_eq!(passed_on.is_ok(), can, "{role:?} to {wanted:?}");
        }
    }
    assert_ne!(self::keys().fingerprint(), keys.fingerprint());
}

#[test]
fn only_pinned_signers_and_oneself_hand_out_keys() {
    let (keys, member, stranger) = (keys(), Member::generate(), Member::generate());
    let own = seal_keys(&keys, &member.recipient(), Role::Restore, &member.signer()).unwrap();
    assert!(open_keys(&own, &member, &[]).is_ok());
    let forged = seal_keys(&keys, &member.recipient(), Role::Restore, &stranger.signer()).unwrap();
    let error = open_keys(&forged, &member, &[Member::generate().signer().id()]).unwrap_err();
    assert!(error.what().contains("not among the pinned signers"), "{error}");
    let error = open_keys(&own, &stranger, &[member.signer().id()]).unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.what().contains("this identity cannot open keys/1/") && error.hint_text().is_some(), "{error}");
}

#[test]
fn a_file_that_was_moved_to_another_epoch_or_member_is_refused() {
    let (keys, member, other) = (keys(), Member::generate(), Member::generate());
    let sealed = seal_keys(&keys, &member.recipient(), Role::Capture, &member.signer()).unwrap();
    let moved = Sealed::vouch(key_object(2, &member.recipient()), sealed.bytes());
    assert!(open_keys(&moved, &member, &[]).unwrap_err().what().contains("another member or epoch"));
    // A member passes its own file on as if its wrapper had made it for somebody else.
    let plain = object::decrypt(&member, sealed.name(), sealed.bytes(), MAX_KEY).unwrap();
    let passed = object::encrypt(&other.recipient(), &plain).unwrap();
    let passed = Sealed::vouch(key_object(1, &other.recipient()), passed);
    let error = open_keys(&passed, &other, &[member.signer().id()]).unwrap_err();
    assert!(error.what().contains("another member or epoch"), "{error}");
}

#[test]
fn every_bit_flip_and_truncation_is_found() {
    let member = Member::generate();
    let sealed = seal_keys(&keys(), &member.recipient(), Role::Restore, &member.signer()).unwrap();
    let open = |bytes: Vec<u8>| open_keys(&Sealed::vouch(sealed.name().clone(), bytes), &member, &[]);
    for bit in 0..sealed.bytes().len() * 8 {
        let mut bytes = sealed.bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(bytes).unwrap_err().kind(), Kind::Store, "bit {bit}");
    }
    for cut in 0..sealed.bytes().len() {
        assert_eq!(open(sealed.bytes()[..cut].to_vec()).unwrap_err().kind(), Kind::Store, "cut {cut}");
    }
    assert!(open([sealed.bytes(), b"x"].concat()).is_err());
}

/// Who can encrypt to the member meets the signature: every bit of the plaintext.
#[test]
fn every_bit_flip_inside_is_found() {
    let member = Member::generate();
    let sealed = seal_keys(&keys(), &member.recipient(), Role::Restore, &member.signer()).unwrap();
    let plain = object::decrypt(&member, sealed.name(), sealed.bytes(), MAX_KEY).unwrap();
    for bit in 0..plain.len() * 8 {
        let mut plain = plain.clone();
        plain[bit / 8] ^= 1 << (bit % 8);
        let sealed = Sealed::vouch(sealed.name().clone(), object::encrypt(&member.recipient(), &plain).unwrap());
        assert!(open_keys(&sealed, &member, &[]).is_err(), "bit {bit}");
    }
    for cut in 0..plain.len() {
        assert!(parse_bundle(&plain[..cut]).is_err(), "cut {cut}");
    }
}

#[test]
fn lies_of_a_pinned_signer_are_found_and_not_shown() {
    let (keys, member) = (keys().next(2).unwrap(), Member::generate());
    let sealed = seal_keys(&keys, &member.recipient(), Role::Restore, &member.signer()).unwrap();
    let good = object::decrypt(&member, sealed.name(), sealed.bytes(), MAX_KEY).unwrap();
    let good: serde_json::Value = serde_json::from_slice(&good).unwrap();
    let open = |body: &serde_json::Value| {
        let mut body = body.clone();
        body.as_object_mut().map(|body| body.remove("signature"));
        let text = body.to_string();
        let signature = HEXLOWER.encode(&member.signer().sign(&message(REPO, text.as_bytes())));
        let text = format!("{}{SIGNATURE}{signature}\"}}", text.strip_suffix('}').unwrap_or_default());
        let bytes = object::encrypt(&member.recipient(), text.as_bytes()).unwrap();
        open_keys(&Sealed::vouch(key_object(2, &member.recipient()), bytes), &member, &[])
    };
    open(&good).unwrap();
    let other = Member::generate().recipient().to_string();
    let zero = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";
    let lies = [
        ("format", serde_json::json!(2)),
        ("format", serde_json::json!("SECRET")),
        ("repo", serde_json::json!("SECRET")),
        ("epoch", serde_json::json!(1)),
        ("epoch", serde_json::json!(0)),
        ("recipient", serde_json::json!(other)),
        ("role", serde_json::json!("capture")),
        ("role", serde_json::json!("gc")),
        ("role", serde_json::json!("SECRET")),
        ("data_recipient", serde_json::json!(other)),
        ("data_recipient", serde_json::json!(zero)),
        ("data_identity", serde_json::json!("AGE-SECRET-KEY-1SECRET")),
        ("data_identity", serde_json::Value::Null),
        ("meta_identity", serde_json::json!(["SECRET"])),
        ("meta_identity", serde_json::Value::Null),
        ("id_key", serde_json::json!("SECRET")),
        ("id_key", serde_json::json!("00".repeat(32))),
        ("id_key", serde_json::Value::Null),
        ("id_digest", serde_json::json!("00".repeat(32))),
        ("authority", serde_json::json!(member.signer().id().to_string())),
        ("previous", serde_json::json!(2)),
        ("previous", serde_json::Value::Null),
        ("endorsed", serde_json::json!("SECRET")),
        ("signer", serde_json::json!("SECRET")),
    ];
    for (field, lie) in lies {
        let mut body = good.clone();
        body[field] = lie;
        let error = open(&body).unwrap_err();
        assert_eq!(error.kind(), Kind::Store, "{field}");
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    }
    for json in [&b""[..], b"null", b"[]", b"{}", b"\xFF", b"{\"signature\":\"\"}"] {
        assert!(parse_bundle(json).is_err());
    }
}
