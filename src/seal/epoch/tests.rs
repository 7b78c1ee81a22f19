//! Key files and hints: round trips, every damage, and lies inside a file that decrypts well.

use super::*;
use crate::error::Kind;

const REPO: &str = "00112233445566778899aabbccddeeff";

fn keys() -> EpochKeys {
    EpochKeys::generate(REPO, 1).unwrap()
}

#[test]
fn keys_come_back_whole_or_without_the_rows_identity() {
    let (keys, member) = (keys(), Member::generate());
    for with_data_identity in [true, false] {
        let sealed = seal_keys(&keys, &member.recipient(), with_data_identity).unwrap();
        assert_eq!(sealed.name(), &key_object(1, &member.recipient()));
        let opened = open_keys(&sealed, &member).unwrap();
        assert_eq!((opened.repo(), opened.epoch()), (REPO, 1));
        assert_eq!(opened.id_key().expose(), keys.id_key().expose());
        assert_eq!(opened.fingerprint(), keys.fingerprint());
        assert_eq!(opened.can_read_rows(), with_data_identity);
        assert_eq!(opened.data_identity_text().is_some(), with_data_identity);
        let passed_on = seal_keys(&opened, &Member::generate().recipient(), true);
        assert_eq!(passed_on.is_ok(), with_data_identity);
    }
    assert_ne!(self::keys().fingerprint(), keys.fingerprint());
    assert_eq!(format!("{keys:?}"), "EpochKeys[epoch 1, ***]");
}

#[test]
fn other_members_cannot_open_them() {
    let sealed = seal_keys(&keys(), &Member::generate().recipient(), true).unwrap();
    let error = open_keys(&sealed, &Member::generate()).unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.what().contains("this identity cannot open keys/1/") && error.hint_text().is_some(), "{error}");
}

#[test]
fn every_bit_flip_and_truncation_is_found() {
    let member = Member::generate();
    let sealed = seal_keys(&keys(), &member.recipient(), true).unwrap();
    let open = |bytes: Vec<u8>| open_keys(&Sealed::vouch(sealed.name().clone(), bytes), &member);
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

#[test]
fn lies_inside_a_key_file_are_found_and_not_shown() {
    let (keys, member) = (keys(), Member::generate());
    let good = object::decrypt(
        member.identity(),
        &ObjectName::hint(),
        seal_keys(&keys, &member.recipient(), true).unwrap().bytes(),
        MAX_KEY,
    );
    let good: serde_json::Value = serde_json::from_slice(&good.unwrap()).unwrap();
    let open = |json: &[u8]| {
        let bytes = object::encrypt(member.recipient().age(), json).unwrap();
        open_keys(&Sealed::vouch(key_object(1, &member.recipient()), bytes), &member)
    };
    open(good.to_string().as_bytes()).unwrap();
    let other = Member::generate().recipient().to_string();
    let zero = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";
    let lies = [
        ("format", serde_json::json!(2)),
        ("format", serde_json::json!("SECRET")),
        ("repo", serde_json::json!("SECRET")),
        ("epoch", serde_json::json!(2)),
        ("epoch", serde_json::json!(0)),
        ("data_recipient", serde_json::json!(other)),
        ("data_recipient", serde_json::json!(zero)),
        ("data_identity", serde_json::json!("AGE-SECRET-KEY-1SECRET")),
        ("meta_identity", serde_json::json!(["SECRET"])),
        ("meta_identity", serde_json::Value::Null),
        ("id_key", serde_json::json!("SECRET")),
        ("id_key", serde_json::json!("zz".repeat(32))),
    ];
    for (field, lie) in lies {
        let mut body = good.clone();
        body[field] = lie;
        let error = open(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::Store, "{field}");
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    }
    for json in [&b""[..], b"null", b"[]", b"{}", b"\xFF"] {
        assert_eq!(open(json).unwrap_err().kind(), Kind::Store);
    }
}

#[test]
fn hints_are_told_from_other_files() {
    let hint = Hint { format: 1, repo: REPO.into() };
    let sealed = seal_hint(&hint).unwrap();
    assert_eq!(sealed.bytes(), format!("{{\"format\":1,\"repo\":\"{REPO}\"}}\n").as_bytes());
    assert_eq!(open_hint(&sealed).unwrap(), hint);
    let alien = [&b""[..], b"{\"name\":\"my-app\"}", b"[1]", b"{\"format\":1,\"repo\":\"../..\"}", &[b' '; 5000]];
    for bytes in alien {
        let error = open_hint(&Sealed::vouch(ObjectName::hint(), bytes)).unwrap_err();
        assert_eq!(error.what(), "repo.json is not that of a store");
    }
    let newer = open_hint(&Sealed::vouch(ObjectName::hint(), &b"{\"format\":2}"[..])).unwrap_err();
    assert!(newer.hint_text().unwrap().contains("Upgrade"));
    assert!(seal_hint(&Hint { format: 1, repo: "x".into() }).is_err());
}

#[test]
fn epochs_and_repositories_have_one_form() {
    assert!(EpochKeys::generate(REPO, 0).is_err());
    assert!(EpochKeys::generate(REPO, 1_000_000_000).is_err());
    assert!(EpochKeys::generate("AB", 1).is_err());
    assert!(EpochKeys::generate(REPO, 999_999_999).is_ok());
}
