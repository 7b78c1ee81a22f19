//! Hints, and the form of epochs; how one epoch endorses the next.

use super::*;

const REPO: &str = "00112233445566778899aabbccddeeff";

#[test]
fn an_epoch_endorses_the_next_and_nobody_else_can() {
    let first = EpochKeys::generate(REPO, 1).unwrap();
    let second = first.next(2).unwrap();
    assert!(second.is_endorsed_by(&first) && second.previous() == Some(1));
    assert!(!first.is_endorsed_by(&second) && !second.is_endorsed_by(&second));
    let stranger = EpochKeys::generate(REPO, 1).unwrap();
    assert!(!stranger.next(2).unwrap().is_endorsed_by(&first));
    // The signature of one epoch does not count for the keys of another.
    let forged = EpochKeys { endorsed: second.endorsed, ..EpochKeys::generate(REPO, 2).unwrap() };
    assert!(!forged.is_endorsed_by(&first));
    assert!(first.next(1).is_err());
    let blind = EpochKeys { data_identity: None, role: Role::Capture, ..first.clone() };
    assert!(blind.next(2).unwrap_err().what().contains("may not change who is a member"));
    assert_eq!(format!("{first:?}"), "EpochKeys[epoch 1, ***]");
    for role in Role::ALL {
        assert_eq!(serde_json::to_value(role).unwrap(), role.word());
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
