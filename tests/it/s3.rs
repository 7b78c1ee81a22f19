//! The program on buckets: everything that works on a folder, credentials, configuration, `doctor`, and a hundred thousand objects.

#[path = "../../src/store/s3/server_testing.rs"]
pub mod server;

use crate::support::{Scratch, dump, sample};
use server::{ACCESS_KEY, BUCKET, Conditions, SECRET_KEY, Server};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};
use terp_fixtures::codec::manifest;
use terp_fixtures::run::repository::Repository;
use terp_fixtures::seal::{self, Member, SnapshotStamp};
use terp_fixtures::secret::{Address, SecretText};

/// A folder whose commands go to a bucket.
pub struct Remote {
    pub scratch: Scratch,
    store: String,
}

impl Remote {
    pub fn new(store: String) -> Self {
        let scratch = Scratch::empty();
        sample(&scratch.path("erp.sqlite"));
        std::fs::copy(crate::support::repository("policies/pii.toml"), scratch.path("pii.toml")).unwrap();
        Self { scratch, store }
    }

    /// A command with test credentials and nothing of the machine's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scratch.command(arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        let nothing = self.scratch.path("no-aws-file");
        command.env("AWS_CONFIG_FILE", &nothing).env("AWS_SHARED_CREDENTIALS_FILE", &nothing);
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("TERP_FIXTURES_STORE", &self.store);
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        command.stdin(Stdio::null());
        command
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    fn capture(&self, name: &str) -> serde_json::Value {
        self.json(&["capture", name, "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"])
    }
}

fn refused(output: &Output, code: i32, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(words), "{stderr}");
    assert!(!stderr.contains(SECRET_KEY) && !stderr.contains("X-Amz-Signature"), "{stderr}");
}

/// From an empty bucket to an empty bucket.
fn everything_works(server: &Server, prefix: &str) {
    let remote = Remote::new(server.store(prefix));
    refused(&remote.command(&["verify", "--scrub"]).output().unwrap(), 7, "is not a store");
    remote.ok(&["keys", "init"]);
    assert!(remote.ok(&["list"]).contains("The store is empty"));
    let first = remote.capture("first");
    assert!(first["uploaded_packs"].as_u64().unwrap() >= 1, "{first}");
    let second = remote.capture("second");
    assert_eq!(second["uploaded_packs"], 0, "the second capture uploads no rows: {second}");
    assert_eq!(remote.json(&["list"]).as_array().unwrap().len(), 2);
    assert_eq!(remote.json(&["show", "first"])["manifest"]["name"], "first");
    remote.ok(&["verify", "--scrub"]);
    assert!(remote.json(&["verify", "--read-data"])["rows"].as_u64().unwrap() > 1000);

    let target = remote.scratch.path("dev.sqlite");
    crate::support::sql(&target, "CREATE TABLE own (id INTEGER PRIMARY KEY); INSERT INTO own VALUES (1)");
    let before = dump(&target);
    remote.ok(&["restore", "first", "--target", "sqlite:dev.sqlite", "--env", "dev", "--create", "--yes"]);
    assert_ne!(dump(&target), before);
    remote.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    assert_eq!(dump(&target), before);

    remote.ok(&["audit", "verify"]);
    remote.ok(&["rm", "second", "--yes"]);
    remote.ok(&["prune", "--keep-last", "1", "--yes"]);
    assert_eq!(remote.json(&["list"]).as_array().unwrap().len(), 1);
    remote.ok(&["verify", "--read-data"]);
    remote.ok(&["audit", "verify"]);
}

#[test]
fn everything_works_on_a_bucket_of_s3s_fs() {
    let folder = tempfile::tempdir().unwrap();
    everything_works(&Server::on_folder(folder.path()), "team/erp");
}

#[test]
fn everything_works_whatever_becomes_of_conditional_writes() {
    for conditions in [Conditions::Kept, Conditions::Ignored, Conditions::Unknown] {
        let server = Server::in_memory(conditions);
        everything_works(&server, "team");
        assert!(server.memory.objects().keys().all(|key| key.starts_with("team/")));
    }
}

#[test]
fn everything_works_on_a_bucket_on_moto() {
    let endpoint =
        std::env::var("TEST_S3_URL").expect("TEST_S3_URL names a server: eval \"$(tests/s3-server up FOLDER)\"");
    let server = Server { endpoint, ..Server::in_memory(Conditions::Kept) };
    everything_works(&server, &format!("it-{}", std::process::id()));
}

/// Nothing that is secret is in the bucket, and nothing of the sample's originals.
#[test]
fn a_bucket_holds_only_sealed_objects() {
    let server = Server::in_memory(Conditions::Kept);
    let remote = Remote::new(server.store("x"));
    remote.ok(&["keys", "init"]);
    remote.capture("first");
    for (key, bytes) in server.memory.objects() {
        let sealed = bytes.starts_with(b"age-encryption.org/v1\n");
        assert!(sealed || key == "x/repo.json", "{key} is not sealed");
    }
}

#[test]
fn credentials_come_from_the_chain_and_are_never_shown() {
    let server = Server::in_memory(Conditions::Kept);
    let remote = Remote::new(server.store("x"));
    remote.ok(&["keys", "init"]);
    let mut none = remote.command(&["list"]);
    refused(&none.env_remove("AWS_ACCESS_KEY_ID").output().unwrap(), 7, "there are no credentials");
    let mut wrong = remote.command(&["list"]);
    refused(&wrong.env("AWS_SECRET_ACCESS_KEY", "something-else").output().unwrap(), 7, "the secret key does not fit");
    let mut unknown = remote.command(&["list"]);
    refused(&unknown.env("AWS_ACCESS_KEY_ID", "somebody").output().unwrap(), 7, "the access key is not known there");
    // A profile.
    let file = remote.scratch.path("credentials");
    std::fs::write(&file, format!("[erp]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={SECRET_KEY}\n"))
        .unwrap();
    let mut profile = remote.command(&["list"]);
    profile.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let output = profile.env("AWS_SHARED_CREDENTIALS_FILE", &file).env("AWS_PROFILE", "erp").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // In the address they are refused, and not repeated.
    let mut address = remote.command(&["list", "--store", &format!("s3://{ACCESS_KEY}:{SECRET_KEY}@{BUCKET}/x")]);
    refused(&address.output().unwrap(), 1, "the store's address holds credentials");
}

#[test]
fn the_configuration_may_say_how_the_server_is_asked() {
    let server = Server::in_memory(Conditions::Kept);
    let remote = Remote::new(server.store("x"));
    remote.ok(&["keys", "init"]);
    let write = |text: &str| std::fs::write(remote.scratch.path("terp-fixtures.toml"), text).unwrap();
    let list = || remote.command(&["list", "-v"]).env_remove("TERP_FIXTURES_STORE").output().unwrap();
    let endpoint = &server.endpoint;
    write(&format!(
        "[store]\nurl = \"s3://{BUCKET}/x\"\nendpoint = \"{endpoint}\"\nregion = \"garage\"\npath_style = true\nchecksums = \"when_supported\"\n"
    ));
    let output = list();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    write(&format!("[store]\nurl = \"s3://{BUCKET}/x?attempts=2\"\nendpoint = \"{endpoint}\"\n"));
    assert!(list().status.success());
    write(&format!("[store]\nurl = \"s3://{BUCKET}/x\"\nendpoint = \"{endpoint}&region=a b\"\n"));
    refused(&list(), 1, "endpoint in the store's address is not");
    write(&format!("[store]\nurl = \"s3://{BUCKET}/x\"\nchecksums = \"never\"\n"));
    refused(&list(), 1, "checksums in the store's address is not when_required or when_supported");
    write("[store]\nurl = \"fixtures\"\nregion = \"eu-central-1\"\n");
    refused(&list(), 1, "url is no bucket");
    write("[store]\nregoin = \"eu-central-1\"\n");
    refused(&list(), 1, "regoin");
}

fn verdicts(answer: &serde_json::Value) -> std::collections::BTreeMap<String, String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    answer["checks"].as_array().unwrap().iter().map(|check| (text(&check["check"]), text(&check["verdict"]))).collect()
}

#[test]
fn doctor_tells_what_a_store_can_do_and_leaves_nothing() {
    let server = Server::in_memory(Conditions::Ignored);
    let remote = Remote::new(server.store("x"));
    let found = verdicts(&remote.json(&["doctor"]));
    assert_eq!((found["conditional write"].as_str(), found["store"].as_str()), ("harmless", "harmless"));
    assert!(server.memory.objects().is_empty());
    remote.ok(&["keys", "init"]);
    assert_eq!(verdicts(&remote.json(&["doctor", "--for", "restore"]))["store"], "works");
    assert!(remote.ok(&["doctor", "--for", "gc"]).contains("list after write"));

    let nobody = Remote::new("s3://fixtures/x?endpoint=http://127.0.0.1:1&attempts=1".into());
    let output = nobody.command(&["doctor"]).output().unwrap();
    refused(&output, 7, "nobody listens there");
    assert!(String::from_utf8_lossy(&output.stdout).contains("reach"), "the table is printed all the same");

    // A folder.
    let scratch = Scratch::with_store();
    let before = scratch.objects();
    let found = verdicts(&scratch.json(&["doctor"]));
    for check in ["reach", "store", "write", "read", "list after write", "name without replacing", "delete"] {
        assert_eq!(found[check], "works", "{check}");
    }
    assert_eq!(scratch.objects(), before);
    assert_eq!(verdicts(&scratch.json(&["doctor", "--store", "not/yet"]))["reach"], "harmless");
    scratch.fails(7, &["doctor", "--store", "not/yet", "--for", "restore"]);
    std::fs::write(scratch.path("file"), "x").unwrap();
    scratch.fails(7, &["doctor", "--store", "file"]);
    scratch.fails(1, &["doctor", "--store", "ftp://host/x"]);
}

#[cfg(unix)]
#[test]
fn doctor_tells_of_a_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::with_store();
    std::fs::set_permissions(scratch.path("snapshots"), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(verdicts(&scratch.json(&["doctor"]))["permissions"], "harmless");
    std::fs::set_permissions(scratch.path("snapshots"), std::fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere.
    if std::fs::write(scratch.path("snapshots/x"), "x").is_err() {
        assert!(scratch.fails(7, &["doctor"]).contains("write"));
    }
    std::fs::set_permissions(scratch.path("snapshots"), std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a command to its end. Gives the most memory that it had and the milliseconds it took.
#[cfg(target_os = "linux")]
fn watched(command: &mut Command) -> (u64, u128) {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")).map_or(0, |peak| peak.trim().parse().unwrap());
        most = most.max(peak << 10);
        std::thread::yield_now();
        std::thread::park_timeout(std::time::Duration::from_millis(3));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (most, start.elapsed().as_millis())
}

/// A bucket of 100,000 objects: real, signed manifests that share the packs of one capture, and packs that nothing names.
/// How long it takes is printed, since it depends on the machine; how much memory it takes does not.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_objects_are_listed_shown_and_pruned_in_little_memory() {
    const SNAPSHOTS: u32 = 500;
    let server = Server::in_memory(Conditions::Kept);
    let remote = Remote::new(server.store("x"));
    remote.ok(&["keys", "init"]);
    remote.capture("first");
    fill(&server, &remote, SNAPSHOTS, 100_000);
    let count = server.memory.objects().len();
    assert_eq!(count, 100_000);
    for arguments in [
        &["list"][..],
        &["show", "many-17"],
        &["prune", "--keep-last", "100", "--dry-run"],
        &["verify", "first"],
        &["capture", "last", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"],
        &["gc", "--force", "--yes"],
    ] {
        let (memory, millis) = watched(&mut remote.command(arguments));
        println!("{count} objects, {SNAPSHOTS} snapshots: {} took {millis} ms and {} MiB", arguments[0], memory >> 20);
        assert!(memory < 256 << 20, "{arguments:?} took {} MiB", memory >> 20);
    }
}

/// Copies the only snapshot under other names, and adds packs.
fn fill(server: &Server, remote: &Remote, snapshots: u32, objects: usize) {
    let identity = std::fs::read_to_string(remote.scratch.path(".terp-fixtures/identity.key")).unwrap();
    let member = Member::parse(&SecretText::new(identity)).unwrap();
    // The keys and the manifest are read from a folder with the same objects.
    let folder = remote.scratch.path("copy");
    let was = server.memory.objects();
    for (key, bytes) in &was {
        let path = folder.join(key.strip_prefix("x/").unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let store = terp_fixtures::store::open(&Address::new(folder.to_string_lossy()), false).unwrap();
    let repository = Repository::open(store, &member, &[]).unwrap();
    let first = repository.find("first").unwrap();
    let mut manifest = first.manifest.clone();
    let now = SystemTime::now();
    for nth in 0..snapshots - 1 {
        manifest.name = format!("many-{nth}");
        manifest.seq += 1;
        manifest.created =
            format!("2025-12-{:02}T{:02}:{:02}:{:02}Z", 1 + nth / 1440 % 28, nth / 60 % 24, nth % 60, nth % 60);
        let created_compact = manifest.created.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let body = manifest::encode(&manifest).unwrap();
        let stamp = SnapshotStamp { created_compact };
        let (sealed, _) = seal::seal_manifest(&body, &stamp, repository.keys(), repository.signer()).unwrap();
        server.memory.insert(&format!("x/{}", sealed.name()), sealed.bytes().to_vec(), now);
    }
    for nth in was.len() + snapshots as usize - 1..objects {
        let name = blake3::hash(&nth.to_le_bytes()).to_hex();
        server.memory.insert(&format!("x/packs/{}/{name}.age", &name[..2]), vec![0; 9], now - Duration::from_hours(48));
    }
}
