//! Buckets on real servers of the protocol, and on a network that does harm.

use super::proxy_testing::{Harm, Proxy};
use super::server_testing::{ACCESS_KEY, BUCKET, Conditions, SECRET_KEY, Server};
use super::*;
use crate::error::Kind;
use crate::store::probe::{Purpose, Verdict};
use crate::store::suite::{self, object};
use aws_sdk_s3::config::Credentials;
use std::cell::Cell;
use std::time::SystemTime;

/// A store as its own credentials open it; tests must not depend on those of the machine.
fn bucket(address: &str) -> Bucket {
    let place = Place::parse(&Address::new(address)).unwrap();
    let who = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test");
    let client = client::connect(&place, Some(who)).unwrap();
    Bucket { client, place: Arc::new(place), conditions: AtomicBool::new(true) }
}

/// A maker of new stores on one server.
fn maker(server: &Server) -> impl Fn() -> Box<dyn Store> {
    let count = Cell::new(0);
    move || {
        count.set(count.get() + 1);
        Box::new(bucket(&server.store(&format!("store-{}", count.get()))))
    }
}

#[test]
fn a_bucket_keeps_the_contract_whatever_becomes_of_conditions() {
    for conditions in [Conditions::Kept, Conditions::Ignored, Conditions::Unknown] {
        let server = Server::in_memory(conditions);
        match conditions {
            Conditions::Kept => suite::run(&maker(&server)),
            // Of two contents that race for one name, the condition alone can tell which was first. Names are digests or random,
            // so that never happens; everything else is kept.
            Conditions::Ignored | Conditions::Unknown => suite::run_without_races(&maker(&server)),
        }
    }
}

/// `s3s-fs` looks whether an object is there and then writes, so racing writers are tried on the other servers only.
#[test]
fn a_bucket_of_s3s_fs_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    suite::run_without_races(&maker(&Server::on_folder(folder.path())));
}

/// The second independent server, `moto`, which `tests/s3-server` starts.
#[test]
fn a_bucket_of_another_server_keeps_the_contract_on_moto() {
    let endpoint = std::env::var("TEST_S3_URL").expect("TEST_S3_URL names a server: eval \"$(tests/s3-server up)\"");
    let count = Cell::new(0);
    let unique = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    suite::run(&|| {
        count.set(count.get() + 1);
        Box::new(bucket(&format!("s3://{BUCKET}/{unique}-{}?endpoint={endpoint}", count.get())))
    });
    let bucket = bucket(&format!("s3://{BUCKET}/{unique}-paged?endpoint={endpoint}"));
    pages(&bucket, 1_050);
    let probe = probe::of(&bucket, Purpose::Gc).unwrap();
    let told: Vec<String> = probe.checks.iter().map(|check| format!("{}: {}", check.name, check.told)).collect();
    assert!(probe.is_fine(), "{}", told.join("\n"));
    let condition = probe.checks.iter().find(|check| check.name == "conditional write").unwrap();
    assert_eq!(condition.verdict, Verdict::Works);
}

#[test]
fn only_a_bucket_with_a_hint_is_a_store() {
    let server = Server::in_memory(Conditions::Kept);
    let bucket = bucket(&server.store("team"));
    let opened = |create| bucket.check(create).map(drop);
    let error = opened(false).unwrap_err();
    assert_eq!((error.kind(), error.what()), (Kind::Store, "s3://fixtures/team is not a store"));
    opened(true).unwrap();
    bucket.put(&object(ObjectKind::Hint, 0, b"{}")).unwrap();
    opened(false).unwrap();
    assert_eq!(server.memory.objects().keys().collect::<Vec<_>>(), ["team/repo.json"]);
}

#[test]
fn keys_of_others_are_not_listed() {
    let server = Server::in_memory(Conditions::Kept);
    let bucket = bucket(&server.store("team"));
    bucket.put(&object(ObjectKind::Pack, 1, b"x")).unwrap();
    for key in [
        "packs/README",
        "packs/01/../../x",
        "packs/01/x.age",
        "packs/",
        "packs//",
        "keys/x",
        "repo.json.old",
        "probe-1",
    ] {
        server.memory.insert(&format!("team/{key}"), b"x".to_vec(), SystemTime::now());
    }
    let other = object(ObjectKind::Pack, 2, b"x");
    server.memory.insert(&format!("teams/{}", other.name()), b"x".to_vec(), SystemTime::now());
    assert_eq!(bucket.list(ObjectKind::Pack).unwrap().len(), 1);
    for kind in ObjectKind::ALL.into_iter().filter(|kind| *kind != ObjectKind::Pack) {
        assert!(bucket.list(kind).unwrap().is_empty(), "{kind:?}");
    }
}

fn pages(bucket: &Bucket, count: u32) {
    std::thread::scope(|scope| {
        for part in 0..8 {
            scope.spawn(move || {
                for nth in (0..count).filter(|nth| nth % 8 == part) {
                    bucket.put(&object(ObjectKind::Pack, nth, b"x")).unwrap();
                }
            });
        }
    });
    let listed = bucket.list(ObjectKind::Pack).unwrap();
    assert_eq!(listed.len(), count as usize);
    assert!(listed.is_sorted_by(|one, other| one.name < other.name));
}

#[test]
fn every_page_of_a_listing_is_read() {
    let server = Server::in_memory(Conditions::Kept);
    for kind in [ObjectKind::Pack, ObjectKind::Snapshot] {
        let bucket = bucket(&server.store("many"));
        for nth in 0..5_003 {
            let key = format!("many/{}", object(kind, nth, b"").name());
            server.memory.insert(&key, vec![0; nth as usize % 7], SystemTime::now() - Duration::from_secs(100));
        }
        let listed = bucket.list(kind).unwrap();
        assert_eq!(listed.len(), 5_003);
        assert!(listed.is_sorted_by(|one, other| one.name < other.name));
        assert!(listed.iter().all(|object| (97..=100).contains(&object.age.as_secs())), "{:?}", listed[0].age);
    }
}

/// Any page that fails makes the listing fail: there is no half of one.
#[test]
fn a_listing_whose_page_fails_is_none() {
    let server = Server::in_memory(Conditions::Kept);
    for nth in 0..3_000 {
        server.memory.insert(
            &format!("many/{}", object(ObjectKind::Pack, nth, b"").name()),
            Vec::new(),
            SystemTime::now(),
        );
    }
    for at in 0..17 {
        let proxy = Proxy::new(&server.endpoint, Harm::Say(403, "AccessDenied"), Some(at));
        let bucket = bucket(&format!("s3://{BUCKET}/many?endpoint={}", proxy.endpoint));
        let error = bucket.list(ObjectKind::Pack).unwrap_err();
        assert!(error.what().contains("access is denied"), "{error}");
        assert!(proxy.seen() > at);
    }
}

/// Everything that a store is asked, and what came of it. Whatever is answered well must be true.
fn everything(bucket: &Bucket, truth: &Bucket) -> Vec<&'static str> {
    let (one, two) = (object(ObjectKind::Pack, 1, &[1; 5000]), object(ObjectKind::Snapshot, 2, b"two"));
    let there = |object: &Sealed| truth.get(object.name(), 5000).is_ok_and(|present| present == *object);
    let mut failed = Vec::new();
    let mut note = |what, outcome: Result<bool>| match outcome {
        Ok(true) => {}
        Ok(false) => panic!("{what} succeeded and is not true"),
        Err(error) => {
            assert_eq!(error.kind(), Kind::Store, "{error}");
            assert!(error.hint_text().is_some(), "{what}: {error} has no hint");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            failed.push(what);
        }
    };
    note("put", bucket.put(&one).map(|()| there(&one)));
    note("put another", bucket.put(&two).map(|()| there(&two)));
    // From here on they are there, whatever happened before.
    truth.put(&one).unwrap();
    truth.put(&two).unwrap();
    note("put again", bucket.put(&one).map(|()| there(&one)));
    note("get", bucket.get(one.name(), 5000).map(|present| present == one));
    note("head", bucket.head(one.name()).map(|length| length == Some(5000)));
    let listed = |listed: Vec<Listed>| listed.len() == 1 && listed[0].length == 5000 && listed[0].name == *one.name();
    note("list", bucket.list(ObjectKind::Pack).map(listed));
    note("delete", bucket.delete(one.name()).map(|()| !there(&one)));
    truth.delete(one.name()).unwrap();
    note("head of nothing", bucket.head(one.name()).map(|length| length.is_none()));
    assert!(there(&two));
    failed
}

/// One harmed request anywhere is made good by trying again, or told; never is a failure taken for a success.
#[test]
fn no_harm_to_a_request_is_a_silent_success() {
    let lasting = [Harm::Say(403, "AccessDenied"), Harm::Say(400, "InvalidRequest")];
    let passing = [
        Harm::Cut,
        Harm::LoseAnswer,
        Harm::HalveAnswer,
        Harm::Silence,
        Harm::DoneThenSilence,
        Harm::Say(500, "InternalError"),
        Harm::Say(503, "SlowDown"),
        Harm::DoneThenSay(500, "InternalError"),
        Harm::DoneThenSay(503, "ServiceUnavailable"),
    ];
    let races = [
        Harm::Say(409, "ConditionalRequestConflict"),
        Harm::Say(412, "PreconditionFailed"),
        Harm::DoneThenSay(409, "ConditionalRequestConflict"),
    ];
    let all = lasting.into_iter().chain(passing).chain(races);
    let requests: usize = std::thread::scope(|scope| {
        let harms: Vec<_> =
            all.map(|harm| scope.spawn(move || harm_each_request(harm, passing.contains(&harm)))).collect();
        harms.into_iter().map(|harm| harm.join().unwrap()).sum()
    });
    assert!(requests >= 140, "only {requests} requests were harmed");
}

/// Does harm to the first request, the second and so on, each time on a new server; says how many there were.
fn harm_each_request(harm: Harm, passes: bool) -> usize {
    for at in 0.. {
        let server = Server::in_memory(Conditions::Kept);
        let proxy = Proxy::new(&server.endpoint, harm, Some(at));
        let harmed = bucket(&format!("s3://{BUCKET}/x?endpoint={}&attempt_timeout=1", proxy.endpoint));
        let failed = everything(&harmed, &bucket(&server.store("x")));
        assert!(failed.len() <= usize::from(!passes), "{harm:?} at {at}: {failed:?}");
        if proxy.seen() <= at {
            assert!(at >= 10, "{harm:?}: only {at} requests");
            return at;
        }
    }
    0
}

/// A server that does the same harm to every request: each operation fails, and says why.
#[test]
fn lasting_harm_is_told_with_what_to_do() {
    let server = Server::in_memory(Conditions::Kept);
    for (harm, words, hint) in [
        (Harm::Cut, "the connection was cut", "network"),
        (Harm::Silence, "no answer from http://127.0.0.1", "attempt_timeout"),
        (Harm::Say(500, "InternalError"), "failed (500, InternalError, request REQ7)", "whoever runs the server"),
        (Harm::Say(503, "SlowDown"), "asks for fewer requests", "Wait"),
        (Harm::Say(403, "AccessDenied"), "access is denied", "the permission s3:"),
        (Harm::Say(403, "InvalidAccessKeyId"), "the access key is not known there", "AWS_ACCESS_KEY_ID"),
        (Harm::Say(403, "SignatureDoesNotMatch"), "the secret key does not fit", "AWS_SECRET_ACCESS_KEY"),
        (Harm::Say(403, "RequestTimeTooSkewed"), "this machine's clock is wrong", "clock"),
        (Harm::Say(400, "ExpiredToken"), "the credentials have expired", "aws sso login"),
        (Harm::Say(404, "NoSuchBucket"), "there is no bucket 'fixtures'", "another in the address"),
        (Harm::Say(301, "PermanentRedirect"), "is in another region", "region="),
        (Harm::Say(400, "AuthorizationHeaderMalformed"), "is in another region", "region="),
        (
            Harm::Say(400, "XAmzContentSHA256Mismatch"),
            "a checksum is not as the server wants it",
            "checksums=when_required",
        ),
    ] {
        let proxy = Proxy::new(&server.endpoint, harm, None);
        let address = format!("s3://{BUCKET}/x?endpoint={}&attempts=1&attempt_timeout=1", proxy.endpoint);
        let bucket = bucket(&address);
        let error = bucket.get(&ObjectName::hint(), 100).unwrap_err();
        assert!(error.what().contains(words), "{harm:?}: {error}");
        assert!(error.hint_text().unwrap().contains(hint), "{harm:?}: {:?}", error.hint_text());
        assert!(bucket.check(false).is_err() && bucket.list(ObjectKind::Pack).is_err());
        assert!(bucket.put(&object(ObjectKind::Pack, 1, b"x")).is_err() && bucket.delete(&ObjectName::hint()).is_err());
        let probe = probe::of(&bucket, Purpose::Capture).unwrap();
        assert!(!probe.is_fine(), "{harm:?}");
    }
    assert!(server.memory.objects().is_empty());
}

#[test]
fn hosts_that_are_not_there_are_told_from_each_other() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let server = Server::in_memory(Conditions::Kept);
    let plain = server.endpoint.replace("http:", "https:");
    for (endpoint, words) in [
        (format!("http://127.0.0.1:{port}"), "nobody listens there"),
        ("http://nowhere.invalid".to_owned(), "no such host"),
        (plain, "its certificate is not trusted"),
    ] {
        let error =
            bucket(&format!("s3://{BUCKET}?endpoint={endpoint}&attempts=1")).head(&ObjectName::hint()).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains(words), "{endpoint}: {error}");
    }
}

#[test]
fn wrong_credentials_are_refused_by_a_real_server() {
    let server = Server::in_memory(Conditions::Kept);
    let place = Place::parse(&Address::new(server.store("x"))).unwrap();
    for (access, secret, words) in
        [("nobody", SECRET_KEY, "access key is not known"), (ACCESS_KEY, "wrong", "secret key does not fit")]
    {
        let client = client::connect(&place, Some(Credentials::new(access, secret, None, None, "test"))).unwrap();
        let bucket = Bucket { client, place: Arc::new(place.clone()), conditions: AtomicBool::new(true) };
        let error = bucket.list(ObjectKind::Pack).unwrap_err();
        assert!(error.what().contains(words), "{error}");
        assert!(!format!("{error:?}").contains(SECRET_KEY) && !format!("{error:?}").contains("wrong\""), "{error:?}");
    }
}

#[test]
fn a_server_that_claims_more_or_less_than_it_sends_is_not_believed() {
    let server = Server::in_memory(Conditions::Kept);
    let bucket = bucket(&server.store("x"));
    let pack = object(ObjectKind::Pack, 1, &[7; 100]);
    bucket.put(&pack).unwrap();
    assert!(bucket.get(pack.name(), 99).unwrap_err().what().contains("100 bytes"));
    let proxy = Proxy::new(&server.endpoint, Harm::HalveAnswer, None);
    let halved = self::bucket(&format!("s3://{BUCKET}/x?endpoint={}&attempts=2", proxy.endpoint));
    assert!(halved.get(pack.name(), 100).is_err());
}

#[test]
fn a_pack_of_a_single_huge_row_is_one_request() {
    let server = Server::in_memory(Conditions::Kept);
    let proxy = Proxy::new(&server.endpoint, Harm::Cut, Some(usize::MAX));
    let bucket = bucket(&format!("s3://{BUCKET}/x?endpoint={}", proxy.endpoint));
    let pack = object(ObjectKind::Pack, 1, &vec![7; 80 << 20]);
    bucket.put(&pack).unwrap();
    assert_eq!(proxy.seen(), 2, "a question and a write");
    assert_eq!(bucket.get(pack.name(), 80 << 20).unwrap(), pack);
}

#[test]
fn a_probe_tells_what_a_bucket_can_do_and_leaves_nothing() {
    for (conditions, verdict) in [
        (Conditions::Kept, Verdict::Works),
        (Conditions::Ignored, Verdict::Harmless),
        (Conditions::Unknown, Verdict::Harmless),
    ] {
        let server = Server::in_memory(conditions);
        let probe = probe::of(&bucket(&server.store("x")), Purpose::Gc).unwrap();
        assert!(probe.is_fine(), "{:?}", probe.checks);
        let of = |name| probe.checks.iter().find(|check| check.name == name).map(|check| check.verdict);
        assert_eq!(of("conditional write"), Some(verdict));
        for name in [
            "reach",
            "credentials",
            "bucket",
            "clock",
            "write",
            "read",
            "range read",
            "head",
            "list after write",
            "large write",
            "delete",
        ] {
            assert_eq!(of(name), Some(Verdict::Works), "{name}");
        }
        assert_eq!(server.memory.objects().len(), 0, "the probe left something");
    }
}

/// What a role may not do fails only for those who need it.
#[test]
fn a_probe_fails_for_what_is_needed_only() {
    let server = Server::in_memory(Conditions::Kept);
    let store = bucket(&server.store("x"));
    store.put(&object(ObjectKind::Hint, 0, b"{}")).unwrap();
    for at in 2..14 {
        let proxy = Proxy::new(&server.endpoint, Harm::Say(403, "AccessDenied"), Some(at));
        let denied = bucket(&format!("s3://{BUCKET}/x?endpoint={}", proxy.endpoint));
        let probe = probe::of(&denied, Purpose::Restore).unwrap();
        assert!(probe.is_fine() && proxy.seen() == 2, "{:?}", probe.checks);
    }
    let proxy = Proxy::new(&server.endpoint, Harm::Say(403, "AccessDenied"), None);
    let denied = bucket(&format!("s3://{BUCKET}/x?endpoint={}", proxy.endpoint));
    let probe = probe::of(&denied, Purpose::Restore).unwrap();
    let fails = |name| probe.checks.iter().any(|check| check.name == name && check.verdict == Verdict::Fails);
    assert!(fails("bucket") && fails("store") && !fails("reach") && !fails("credentials"), "{:?}", probe.checks);
}
