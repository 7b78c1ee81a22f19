//! Teams, with the real binary: who can do what on a machine of its own, identities of every form, interoperability with stock age
//! and ssh-keygen, and what is noticed of a store that was put back.

use crate::support::{Scratch, repository, sample};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// A recipient that nobody here has the identity of.
const STRANGER: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

/// Another machine: its own folder and identity, and a configuration that names the store and believes `signers`.
fn machine(owner: &Scratch, signers: &[&str], publishers: &[&str]) -> Scratch {
    let scratch = Scratch::empty();
    configure(&scratch, &owner.path("snapshots"), signers, publishers);
    scratch
}

fn configure(scratch: &Scratch, store: &Path, signers: &[&str], publishers: &[&str]) {
    let text =
        format!("[store]\nurl = {:?}\nsigners = {signers:?}\npublishers = {publishers:?}\n", store.to_str().unwrap());
    std::fs::write(scratch.path("terp-fixtures.toml"), text).unwrap();
}

/// The machine's new identity: recipient and signer.
fn identity(scratch: &Scratch) -> (String, String) {
    let made = scratch.json(&["keys", "new"]);
    (made["recipient"].as_str().unwrap().to_owned(), made["signer"].as_str().unwrap().to_owned())
}

fn owner() -> (Scratch, String) {
    let scratch = Scratch::with_sample();
    let signer = scratch.json(&["keys", "list"])[0]["signer"].as_str().unwrap().to_owned();
    (scratch, signer)
}

/// Gives a machine what a capture needs.
fn equip(machine: &Scratch, owner: &Scratch) {
    std::fs::copy(owner.path("erp.sqlite"), machine.path("erp.sqlite")).unwrap();
    std::fs::copy(owner.path("pii.toml"), machine.path("pii.toml")).unwrap();
    std::fs::copy(owner.path(".terp-fixtures/mask.key"), machine.path(".terp-fixtures/mask.key")).unwrap();
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_capture_host_publishes_and_cannot_read_a_row() {
    let (owner, signer) = owner();
    owner.capture("sample");
    let host = machine(&owner, &[&signer], &[]);
    let (recipient, own) = identity(&host);
    owner.json(&["keys", "add", &recipient, "--name", "ci", "--role", "capture", "--signer", &own]);
    equip(&host, &owner);
    // It compares with what is there, publishes, lists and verifies.
    let done = host.capture("nightly");
    assert_eq!(done["known_chunks"], done["chunks"], "{done}");
    assert_eq!(host.json(&["list"]).as_array().unwrap().len(), 2);
    host.ok(&["show", "nightly"]);
    host.ok(&["verify"]);
    host.ok(&["keys", "list"]);
    // But no row, by any command that reads some.
    for command in [
        &["restore", "nightly", "--target", "sqlite:dev.sqlite"][..],
        &["restore", "sample", "--target", "sqlite:dev.sqlite"],
        &["verify", "--read-data"],
        &["verify", "--leaks"],
        &["why", "nightly", "clients", "1"],
    ] {
        let told = host.fails(7, command);
        assert!(told.contains("not read") || told.contains("read rows") || told.contains("why"), "{command:?}: {told}");
    }
    // Nor has its key file what would open one.
    let id = key_of(&owner, &host.path(".terp-fixtures/identity.key"));
    assert!(id.get("data_identity").is_none() && id["role"] == "capture" && id["id_key"].is_string());
    host.fails(7, &["keys", "add", STRANGER, "--name", "x"]);
    host.fails(7, &["keys", "rotate", "--yes"]);
    // The owner believes it once its signer is pinned as a publisher.
    let told = owner.fails(7, &["restore", "nightly", "--target", "sqlite:dev.sqlite"]);
    assert!(told.contains("not among the pinned signers"), "{told}");
    configure(&owner, &owner.path("snapshots"), &[], &[&own]);
    owner.ok(&["restore", "nightly", "--target", "sqlite:dev.sqlite"]);
}

/// The JSON of the key file that stock age opens with an identity.
fn key_of(scratch: &Scratch, identity: &Path) -> serde_json::Value {
    for entry in std::fs::read_dir(scratch.path("snapshots/keys/1")).unwrap() {
        let path = entry.unwrap().path();
        let mut age = scratch.command_of("age", &["-d", "-i", identity.to_str().unwrap(), path.to_str().unwrap()]);
        let opened = age.output().unwrap();
        if opened.status.success() {
            return serde_json::from_slice(&opened.stdout).unwrap();
        }
    }
    panic!("stock age opens no key file with {}", identity.display());
}

#[test]
fn a_collecting_host_removes_and_does_nothing_else() {
    let (owner, signer) = owner();
    owner.capture("sample");
    let host = machine(&owner, &[&signer], &[]);
    let (recipient, _) = identity(&host);
    owner.ok(&["keys", "add", &recipient, "--name", "cron", "--role", "gc"]);
    equip(&host, &owner);
    let told = host.fails(7, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    assert!(told.contains("neither capture nor read rows"), "{told}");
    host.fails(7, &["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    let key = key_of(&owner, &host.path(".terp-fixtures/identity.key"));
    assert!(key.get("data_identity").is_none() && key.get("id_key").is_none(), "{}", key["role"]);
    host.ok(&["rm", "sample", "--yes"]);
    assert_eq!(host.json(&["list"]), serde_json::json!([]));
}

#[test]
fn a_rotation_begins_anew_and_old_snapshots_stay_readable() {
    let (owner, _) = owner();
    owner.capture("before");
    assert_eq!(owner.capture("again")["uploaded_packs"], 0);
    let text = owner.ok(&["keys", "rotate", "--yes"]);
    assert!(text.contains("Epoch 2") && text.contains("uploads everything once"), "{text}");
    let packs = owner.packs();
    let done = owner.capture("after");
    assert_eq!(done["known_chunks"], 0, "{done}");
    assert!(owner.packs() > packs);
    assert_eq!(owner.capture("later")["known_chunks"], done["chunks"]);
    for name in ["before", "after"] {
        owner.ok(&["restore", name, "--target", &format!("sqlite:{name}.sqlite")]);
    }
    owner.ok(&["verify", "--read-data"]);
    owner.ok(&["audit", "verify"]);
}

#[test]
fn who_is_removed_reads_nothing_new_and_the_output_says_what_is_left_to_do() {
    let (owner, signer) = owner();
    owner.capture("old");
    let laptop = machine(&owner, &[&signer], &[]);
    let (recipient, own) = identity(&laptop);
    let public = laptop.path(".terp-fixtures/identity.key.pub");
    let added = owner.json(&["keys", "add", public.to_str().unwrap(), "--name", "bob"]);
    assert_eq!((added["signer"].as_str(), added["recipient"].as_str()), (Some(own.as_str()), Some(recipient.as_str())));
    laptop.ok(&["restore", "old", "--target", "sqlite:dev.sqlite"]);
    let told = owner.fails(8, &["keys", "remove", "bob"]);
    assert!(told.contains("needs a confirmation"), "{told}");
    let text = owner.ok(&["keys", "remove", "bob", "--yes"]);
    for part in ["credentials of the bucket", &own, "stays read", "Epoch 2"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let told = laptop.fails(7, &["list"]);
    assert!(told.contains("not a member"), "{told}");
    let names: Vec<String> =
        owner.json(&["keys", "list"]).as_array().unwrap().iter().map(|it| it["name"].to_string()).collect();
    assert_eq!(names.len(), 1);
    let log = owner.ok(&["audit", "log", "--operation", "keys-remove"]);
    assert!(log.contains(&recipient), "{log}");
    owner.fails(8, &["keys", "remove", names[0].trim_matches('"'), "--yes"]);
}

#[test]
fn a_member_from_now_on_finds_what_is_new_and_is_told_of_the_rest() {
    let (owner, signer) = owner();
    owner.capture("old");
    owner.ok(&["keys", "rotate", "--yes"]);
    owner.capture("new");
    let late = machine(&owner, &[&signer], &[]);
    let (recipient, own) = identity(&late);
    owner.ok(&["keys", "add", &recipient, "--name", "late", "--from-now", "--signer", &own]);
    late.ok(&["restore", "new", "--target", "sqlite:dev.sqlite"]);
    let output = late.run(&["list", "--json"]);
    assert!(output.status.success() && stderr(&output).contains("this identity cannot open"), "{}", stderr(&output));
    late.fails(7, &["restore", "old", "--target", "sqlite:dev.sqlite"]);
    // What it cannot read it must not clean up after.
    late.fails(7, &["prune", "--yes"]);
}

#[test]
fn identities_under_a_passphrase_open_ours_and_stock_ages_alike() {
    let scratch = Scratch::empty();
    let with = |variable: &str, value: &str, arguments: &[&str]| -> Output {
        scratch.command(arguments).env(variable, value).stdin(Stdio::null()).output().unwrap()
    };
    let made = with("TERP_FIXTURES_PASSPHRASE", "correct horse", &["keys", "init", "--passphrase"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let file = std::fs::read_to_string(scratch.path(".terp-fixtures/identity.key")).unwrap();
    assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    assert!(with("TERP_FIXTURES_PASSPHRASE", "correct horse", &["list"]).status.success());
    let none = with("X", "x", &["list"]);
    assert!(none.status.code() == Some(1) && stderr(&none).contains("needs its passphrase"), "{}", stderr(&none));
    let wrong = with("TERP_FIXTURES_PASSPHRASE", "hunter2", &["list"]);
    assert!(
        wrong.status.code() == Some(1) && stderr(&wrong).contains("does not open the identity"),
        "{}",
        stderr(&wrong)
    );
    assert!(!stderr(&wrong).contains("hunter2"));
    // From a descriptor, with the newline that a file has.
    std::fs::write(scratch.path("pass"), "correct horse\n").unwrap();
    let binary = assert_cmd::cargo::cargo_bin("terp-fixtures");
    let line = format!("TERP_FIXTURES_PASSPHRASE_FD=3 '{}' list 3< pass", binary.display());
    assert!(scratch.command_of("sh", &["-c", &line]).output().unwrap().status.success());
    // Typed on a terminal: into our program, and into stock age for our file.
    typed(&scratch, &format!("'{}' list", binary.display()), "correct horse\n");
    typed(&scratch, "age -d -o plain.key .terp-fixtures/identity.key", "correct horse\n");
    assert!(std::fs::read_to_string(scratch.path("plain.key")).unwrap().contains("AGE-SECRET-KEY-1"));
    // And what age -p makes, binary and armored, opens here.
    for (name, flag) in [("binary.key", ""), ("armored.key", "-a")] {
        typed(&scratch, &format!("age -p {flag} -o {name} plain.key"), "other words\nother words\n");
        let path = scratch.path(name);
        let mut command = scratch.command(&["list"]);
        command.env("TERP_FIXTURES_IDENTITY_FILE", &path).env("TERP_FIXTURES_PASSPHRASE", "other words");
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{name}: {}", stderr(&output));
    }
    scratch.fails(1, &["keys", "new", "--passphrase", "--identity-file", "new.key"]);
    assert!(!scratch.path("new.key").exists());
}

/// Runs a command on a terminal of its own where `text` is typed.
fn typed(scratch: &Scratch, command: &str, text: &str) {
    use std::io::Write as _;
    let mut script = scratch.command_of("script", &["-qec", command, "/dev/null"]);
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stdout));
}

fn ssh_key(scratch: &Scratch, name: &str, kind: &str, passphrase: &str) -> PathBuf {
    let arguments = ["-q", "-t", kind, "-N", passphrase, "-C", "me@laptop", "-f", name];
    assert!(scratch.command_of("ssh-keygen", &arguments).status().unwrap().success());
    scratch.path(name)
}

#[test]
fn a_store_of_an_ssh_key_opens_with_stock_age_to_the_last_row() {
    let scratch = Scratch::empty();
    let key = ssh_key(&scratch, "id_ed25519", "ed25519", "");
    scratch.ok(&["keys", "init", "--identity-file", "id_ed25519"]);
    sample(&scratch.path("erp.sqlite"));
    std::fs::copy(repository("policies/pii.toml"), scratch.path("pii.toml")).unwrap();
    std::fs::write(scratch.path("terp-fixtures.toml"), "[store]\nidentity_file = \"id_ed25519\"\n").unwrap();
    scratch.capture("sample");
    scratch.ok(&["restore", "sample", "--target", "sqlite:dev.sqlite"]);
    let bundle = key_of(&scratch, &key);
    assert_eq!(bundle["role"], "restore");
    std::fs::write(scratch.path("data.key"), bundle["data_identity"].as_str().unwrap()).unwrap();
    let packs = scratch.objects().into_iter().filter(|path| path.starts_with(scratch.path("snapshots/packs")));
    let mut rows = 0;
    for pack in packs {
        let line = format!("age -d -i data.key '{}' | zstd -dcq | wc -l", pack.display());
        let output = scratch.command_of("sh", &["-c", &line]).output().unwrap();
        rows += String::from_utf8(output.stdout).unwrap().trim().parse::<u64>().unwrap();
    }
    assert!(rows > 1000, "{rows}");
    // Under a passphrase, added by its public file.
    let locked = ssh_key(&scratch, "locked", "ed25519", "correct horse");
    scratch.ok(&["keys", "add", "locked.pub", "--name", "sam"]);
    let members = scratch.json(&["keys", "list"]);
    let you = members.as_array().unwrap().iter().find(|member| member["you"] == true).unwrap();
    let signer = you["signer"].as_str().unwrap();
    std::fs::write(scratch.path("terp-fixtures.toml"), format!("[store]\nsigners = [{signer:?}]\n")).unwrap();
    let mut command = scratch.command(&["list"]);
    command.env("TERP_FIXTURES_IDENTITY_FILE", &locked).env("TERP_FIXTURES_PASSPHRASE", "correct horse");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn other_ssh_keys_are_refused_with_a_reason() {
    let scratch = Scratch::with_store();
    for kind in ["rsa", "ecdsa"] {
        ssh_key(&scratch, kind, kind, "");
        let told = scratch.fails(1, &["keys", "add", &format!("{kind}.pub"), "--name", "x"]);
        assert!(told.contains("only ssh-ed25519") || told.contains("OpenSSH's format"), "{told}");
        let output =
            scratch.command(&["list"]).env("TERP_FIXTURES_IDENTITY_FILE", scratch.path(kind)).output().unwrap();
        assert!(output.status.code() == Some(1) && stderr(&output).contains("Ed25519"), "{}", stderr(&output));
    }
    // The secret in place of the public key.
    ssh_key(&scratch, "id", "ed25519", "");
    let told = scratch.fails(1, &["keys", "add", ".terp-fixtures/identity.key", "--name", "x"]);
    assert!(told.contains("secret key") && !told.contains("AGE-SECRET-KEY-1"), "{told}");
    scratch.fails(1, &["keys", "add", "id", "--name", "x"]);
}

#[test]
fn a_pinned_name_is_one_snapshot_or_nothing() {
    let scratch = Scratch::with_sample();
    let pinned =
        scratch.json(&["capture", "nightly", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--pin"]);
    let first = pinned["snapshot"]["id"].as_str().unwrap().to_owned();
    let second = scratch.capture("nightly")["snapshot"]["id"].as_str().unwrap().to_owned();
    let shown = |wanted: &str| scratch.json(&["show", wanted])["id"].as_str().unwrap().to_owned();
    assert_eq!(shown("nightly"), first);
    assert_eq!(shown(&format!("nightly@{second}")), second);
    // A name that TOML has to quote, moved to the newest, and freed again.
    assert_eq!(scratch.json(&["pin", "nightly"])["id"], second.as_str());
    assert_eq!(shown("nightly"), second);
    scratch.ok(&["capture", "v1.2", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--pin"]);
    let lock = std::fs::read_to_string(scratch.path("terp.lock")).unwrap();
    let lock: toml::Value = toml::from_str(&lock).unwrap();
    assert_eq!(lock["snapshots"]["nightly"].as_str(), Some(second.as_str()));
    scratch.ok(&["rm", &second, "--yes"]);
    let told = scratch.fails(7, &["show", "nightly"]);
    assert!(told.contains("terp.lock pins 'nightly'") && told.contains("pin nightly"), "{told}");
    scratch.ok(&["pin", "--remove", "nightly"]);
    assert_eq!(shown("nightly"), first);
    scratch.fails(1, &["pin", "--remove", "nightly"]);
    // A pin of another snapshot's id, and files that are none.
    std::fs::write(scratch.path("terp.lock"), format!("\u{FEFF}[snapshots]\r\nother = \"{first}\"\r\n")).unwrap();
    assert!(scratch.fails(7, &["show", "other"]).contains("a snapshot named 'nightly'"));
    for bad in ["[snapshots]\nnightly = \"abc\"\n", "nightly = 1\n", "[snapshots\n"] {
        std::fs::write(scratch.path("terp.lock"), bad).unwrap();
        assert!(scratch.fails(1, &["show", "nightly"]).contains("terp.lock"));
    }
}

#[test]
fn a_store_that_was_put_back_is_noticed() {
    let scratch = Scratch::with_sample();
    scratch.capture("first");
    let copy = scratch.path("copy");
    copy_tree(&scratch.path("snapshots"), &copy);
    scratch.capture("second");
    let warned = |scratch: &Scratch| stderr(&scratch.run(&["list"])).contains("is gone from the store");
    assert!(!warned(&scratch));
    // Removed by a command, the trail says so.
    scratch.capture("third");
    scratch.ok(&["rm", "third", "--yes"]);
    assert!(!warned(&scratch));
    std::fs::remove_dir_all(scratch.path("snapshots")).unwrap();
    copy_tree(&copy, &scratch.path("snapshots"));
    let told = stderr(&scratch.run(&["list"]));
    assert!(told.contains("second@") && told.contains("is gone from the store"), "{told}");
    // Keys from before a rotation are not used any more.
    scratch.ok(&["keys", "rotate", "--yes"]);
    scratch.ok(&["list"]);
    std::fs::remove_dir_all(scratch.path("snapshots")).unwrap();
    copy_tree(&copy, &scratch.path("snapshots"));
    let told = scratch.fails(7, &["capture", "x", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    assert!(told.contains("has seen epoch 2 of the store, and now the newest is 1"), "{told}");
    std::fs::remove_file(scratch.path(".terp-fixtures/seen.json")).unwrap();
    scratch.ok(&["list"]);
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_tree(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn no_secret_is_in_what_the_commands_print_or_log() {
    let (owner, _) = owner();
    let other = machine(&owner, &[], &[]);
    let mut printed = String::new();
    let mut say = |scratch: &Scratch, arguments: &[&str]| {
        let extra = ["-v", "--log-format", "json", "--log-file", "run.log", "--json"];
        let mut command = scratch.command(&[arguments, &extra].concat());
        let output = command.env("TERP_FIXTURES_PASSPHRASE", "correct horse").stdin(Stdio::null()).output().unwrap();
        printed += &(String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output));
    };
    say(&other, &["keys", "new", "--passphrase"]);
    let public = other.path(".terp-fixtures/identity.key.pub").to_str().unwrap().to_owned();
    say(&owner, &["keys", "add", &public, "--name", "bob"]);
    for arguments in [&["keys", "list"][..], &["keys", "rotate", "--yes"], &["keys", "remove", "bob", "--yes"]] {
        say(&owner, arguments);
    }
    say(&other, &["list"]);
    say(&owner, &["keys", "add", ".terp-fixtures/identity.key", "--name", "x"]);
    for scratch in [&owner, &other] {
        for entry in std::fs::read_dir(scratch.path("")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with("run.log") {
                printed += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    assert!(printed.len() > 2000, "{printed}");
    let identity = std::fs::read_to_string(owner.path(".terp-fixtures/identity.key")).unwrap();
    let mask = std::fs::read_to_string(owner.path(".terp-fixtures/mask.key")).unwrap();
    for secret in ["correct horse", "AGE-SECRET-KEY-", identity.lines().last().unwrap(), mask.lines().last().unwrap()] {
        assert!(!printed.contains(secret), "a secret was printed");
    }
}

#[test]
fn the_commands_of_the_document_about_keys_work_from_top_to_bottom() {
    let scratch = Scratch::empty();
    sample(&scratch.path("erp.sqlite"));
    std::fs::copy(repository("policies/pii.toml"), scratch.path("pii.toml")).unwrap();
    let binary = assert_cmd::cargo::cargo_bin("terp-fixtures");
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut ran = 0;
    for command in crate::documents::commands("docs/keys.md") {
        let mut shell = scratch.command_of("sh", &["-c", &command]);
        let output = shell.env("PATH", &path).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", stderr(&output));
        ran += 1;
    }
    assert!(ran >= 20, "only {ran} commands were found");
}
