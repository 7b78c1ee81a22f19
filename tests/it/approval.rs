//! Lock, approval and their enforcement, with the real binary and stock `ssh-keygen`.

use crate::support::{Scratch, sql};
use std::path::Path;
use std::process::Command;

const NAMESPACE: &str = "terp-fixtures-approval@v1";

/// A key made by stock ssh-keygen; the line of its public half.
fn key(scratch: &Scratch, name: &str, kind: &[&str], passphrase: &str) -> String {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", passphrase, "-C", name, "-f"])
        .arg(scratch.path(name))
        .args(kind)
        .status()
        .expect("ssh-keygen is needed: install openssh-client");
    assert!(made.success());
    std::fs::read_to_string(scratch.path(&format!("{name}.pub"))).unwrap().trim().to_owned()
}

fn write(scratch: &Scratch, name: &str, text: &str) {
    std::fs::write(scratch.path(name), text).unwrap();
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The sample with a lock, and approvers maria and jo.
pub fn locked() -> Scratch {
    let scratch = Scratch::with_sample();
    let (maria, jo) = (key(&scratch, "maria", &["-t", "ed25519"], ""), key(&scratch, "jo", &["-t", "ed25519"], ""));
    write(
        &scratch,
        "approvers",
        &format!("maria@example.org {maria}\njo@example.org namespaces=\"{NAMESPACE}\" {jo}\n"),
    );
    lock(&scratch);
    scratch
}

pub fn lock(scratch: &Scratch) -> String {
    scratch.ok(&[
        "policy",
        "lock",
        "--policy",
        "pii.toml",
        "--source",
        "sqlite:erp.sqlite",
        "--by",
        "maria@example.org",
    ])
}

pub fn approve(scratch: &Scratch, who: &str, role: &str) -> serde_json::Value {
    scratch.json(&["policy", "approve", "--policy", "pii.toml", "--key", who, "--role", role])
}

const CAPTURE: [&str; 7] =
    ["capture", "approved", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--require-approval"];
const RESTORE: [&str; 5] = ["restore", "approved", "--target", "sqlite:dev.sqlite", "--require-approval"];

#[test]
fn an_approved_policy_captures_and_restores() {
    let scratch = locked();
    let refused = scratch.fails(8, &CAPTURE);
    assert!(refused.contains("0 of 1 approvals") && refused.contains("policy approve"), "{refused}");
    assert!(scratch.packs() == 0, "nothing is stored before an approval");
    let approved = approve(&scratch, "maria", "security");
    assert_eq!(approved["enough"], true);
    scratch.ok(&CAPTURE);
    let trail = scratch.ok(&["audit", "log", "--operation", "approve", "--json"]);
    assert!(trail.contains(approved["digest"].as_str().unwrap()) && trail.contains("maria@example.org"), "{trail}");
    let refusals = scratch.ok(&["audit", "log", "--operation", "capture", "--outcome", "refused"]);
    assert!(refusals.contains("0 of 1 approvals"), "{refusals}");
    scratch.ok(&["audit", "verify"]);
    scratch.ok(&RESTORE);
    scratch.ok(&["verify"]);
    let shown = scratch.ok(&["show", "approved"]);
    assert!(shown.contains("by maria@example.org (security, until "), "{shown}");
    let manifest = &scratch.json(&["show", "approved"])["manifest"]["policy"];
    assert_eq!(manifest["reviewed"], approved["digest"]);
    assert!(manifest["approvals"][0]["signature"].as_str().unwrap().starts_with("-----BEGIN SSH SIGNATURE-----"));
    // Whoever does not know the approvers refuses, and so does whoever no longer believes them.
    std::fs::remove_file(scratch.path("dev.sqlite")).unwrap();
    let approvers = read(&scratch.path("approvers"));
    write(&scratch, "approvers", &approvers.lines().skip(1).collect::<String>());
    assert!(scratch.fails(8, &RESTORE).contains("is not in"));
    std::fs::remove_file(scratch.path("approvers")).unwrap();
    assert!(scratch.fails(8, &RESTORE).contains("who may approve"));
    assert!(scratch.fails(8, &CAPTURE).contains("who may approve"));
    scratch.ok(&RESTORE[..4]);
}

#[test]
fn a_capture_without_approval_cannot_be_restored_with_one() {
    let scratch = locked();
    scratch.ok(&CAPTURE[..6]);
    let refused = scratch.fails(8, &RESTORE);
    assert!(refused.contains("captured with 0 of 1 approvals"), "{refused}");
}

#[test]
fn any_edit_voids_and_names_its_line() {
    let scratch = locked();
    approve(&scratch, "maria", "security");
    let policy = read(&scratch.path("pii.toml"));
    let line = policy.lines().position(|line| line.starts_with('#')).unwrap() + 1;
    write(&scratch, "pii.toml", &policy.replacen('#', "# edited", 1));
    let refused = scratch.fails(8, &CAPTURE);
    assert!(refused.contains(&format!("pii.toml:{line}:")), "{refused}");
    let check = scratch.fails(8, &["policy", "approve", "--policy", "pii.toml", "--check"]);
    assert!(check.contains("0 of 1 approvals"), "{check}");
    // So does a weaker mask, whether or not the lock was written anew, and no setting helps.
    let weaker = policy.replacen(
        "email = { mask = \"persona\", member = \"email\", subject = \"id\" }",
        "email = { mask = \"keep\", reason = \"x\" }",
        1,
    );
    assert_ne!(weaker, policy);
    let line = weaker.lines().position(|line| line.contains("reason = \"x\"")).unwrap() + 1;
    write(&scratch, "pii.toml", &weaker);
    write(&scratch, "terp-fixtures.toml", "[approval]\nstronger = \"accept\"\n");
    let text = read(&scratch.path("pii.lock"));
    for _ in 0..2 {
        let refused = scratch.fails(8, &CAPTURE);
        assert!(refused.contains(&format!("pii.toml:{line}:")) && refused.contains("lets more through"), "{refused}");
        lock(&scratch);
    }
    write(&scratch, "pii.lock", &text);
    std::fs::remove_file(scratch.path("terp-fixtures.toml")).unwrap();
    write(&scratch, "pii.toml", &policy.replacen('#', "# edited", 1));
    // A comment is no decision: with the setting the approvals of the version before do.
    write(&scratch, "terp-fixtures.toml", "[approval]\nstronger = \"accept\"\n");
    scratch.ok(&CAPTURE);
    assert!(scratch.ok(&["show", "approved"]).contains(", of the version before"));
    // Another line end is no edit.
    write(&scratch, "pii.toml", &policy.replace('\n', "\r\n"));
    std::fs::remove_file(scratch.path("terp-fixtures.toml")).unwrap();
    scratch.ok(&CAPTURE);
}

#[test]
fn a_column_that_came_later_stops_an_approved_capture() {
    let scratch = locked();
    approve(&scratch, "maria", "security");
    let connection = rusqlite::Connection::open(scratch.path("erp.sqlite")).unwrap();
    connection.execute_batch("ALTER TABLE clients ADD COLUMN nick_name TEXT").unwrap();
    drop(connection);
    let refused = scratch.fails(3, &CAPTURE);
    assert!(refused.contains("column clients.nick_name is new"), "{refused}");
    let check = ["policy", "lock", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"];
    assert!(scratch.fails(4, &check).contains("clients.nick_name"));
    let policy = read(&scratch.path("pii.toml"));
    write(
        &scratch,
        "pii.toml",
        &policy.replacen("[tables.clients.columns]", "[tables.clients.columns]\nnick_name = \"null\"", 1),
    );
    let out = scratch.fails(3, &[&check[..], &["--check"]].concat());
    assert!(out.contains("column clients.nick_name is new"), "{out}");
    let out = scratch.fails(3, &["policy", "approve", "--policy", "pii.toml", "--key", "maria", "--role", "security"]);
    assert!(out.contains("pii.lock is out of date"), "{out}");
    assert!(scratch.fails(1, &check).contains("--by"));
    assert!(lock(&scratch).contains("clients.nick_name is new: null"));
    assert!(scratch.fails(8, &CAPTURE).contains("0 of 1"));
    approve(&scratch, "maria", "security");
    scratch.ok(&CAPTURE);
    scratch.ok(&["policy", "lock", "--policy", "pii.toml", "--snapshot", "approved", "--check"]);
}

#[test]
fn several_approvers_and_environments_are_configured() {
    let scratch = locked();
    let config = "[approval]\nrequired = 2\nroles = [\"security\", \"dpo\"]\nmax_days = 200\n\
        [approval.environments.staging]\nrequire = true\n[approval.environments.dev]\nrequired = 1\nroles = []\n";
    write(&scratch, "terp-fixtures.toml", config);
    let staging = |name| ["capture", name, "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--env", "staging"];
    assert!(scratch.fails(8, &staging("one")).contains("none as security, dpo"));
    approve(&scratch, "maria", "security");
    scratch.ok(&CAPTURE);
    assert!(scratch.fails(8, &staging("one")).contains("1 of 2 approvals, and none as dpo"));
    approve(&scratch, "maria", "dpo");
    assert!(scratch.fails(8, &staging("one")).contains("1 of 2 approvals"));
    let too_long = ["policy", "approve", "--policy", "pii.toml", "--key", "jo", "--role", "dpo", "--expires-in", "201"];
    assert!(scratch.fails(1, &too_long).contains("at most 200 days"));
    approve(&scratch, "jo", "dpo");
    scratch.ok(&staging("one"));
    scratch.ok(&["restore", "one", "--target", "sqlite:dev.sqlite"]);
    write(&scratch, "terp-fixtures.toml", &config.replace("required = 2", "required = 3"));
    assert!(scratch.fails(8, &["restore", "one", "--target", "sqlite:other.sqlite"]).contains("2 of 3"));
    assert!(!scratch.path("other.sqlite").exists());
    scratch.ok(&["capture", "two", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    write(&scratch, "terp-fixtures.toml", "[approval.environments.test]\nrequire = true\n");
    scratch.fails(1, &CAPTURE);
}

#[test]
fn suites_get_only_what_a_restore_would() {
    let scratch = locked();
    let host = format!("sqlite:{}", scratch.path("host").display());
    let exec = |name: &str| scratch.run(&["exec", name, "--server", &host, "--", "true"]).status.code();
    let restore = |name: &str| {
        let target = format!("sqlite:{name}.sqlite");
        scratch.run(&["restore", name, "--target", &target]).status.code()
    };
    let both = |name: &str| (exec(name), restore(name));
    scratch.ok(&["capture", "unapproved", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    assert_eq!(exec("unapproved"), Some(0));
    write(&scratch, "terp-fixtures.toml", "[approval]\nrequire = true\n");
    assert_eq!(both("unapproved"), (Some(8), Some(8)));
    // No policy lets made-up rows through, or rows of nobody, so there is nothing to approve.
    sql(&scratch.path("hand.sqlite"), "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT);");
    scratch.ok(&["generate", "made", "--schema", "sqlite:hand.sqlite"]);
    assert_eq!(both("made"), (Some(0), Some(0)));
    std::fs::create_dir(scratch.path("rows")).unwrap();
    let import = |name: &str, email: &str, more: &[&str]| {
        write(&scratch, "rows/people.csv", &format!("id,email\n1,{email}\n"));
        scratch.ok(&[&["import", "csv", "rows", name, "--schema", "sqlite:hand.sqlite"], more].concat());
    };
    import("nobody", "a@example.org", &[]);
    assert_eq!(both("nobody"), (Some(0), Some(0)));
    import("somebody", "someone@corp.com", &["--accept-personal", "the author's own"]);
    assert_eq!(both("somebody"), (Some(8), Some(8)));
    // Production takes lookup tables that were written by hand, but not where it requires approvals.
    let policy = "version = 1\n[tables.people]\nmode = \"reference\"\nreason = \"a list that everybody may read\"\n";
    write(&scratch, "lookup.toml", policy);
    import("lookup", "a@example.org", &["--policy", "lookup.toml", "--env", "production"]);
    scratch.ok(&[
        "target",
        "init",
        "--target",
        "sqlite:hand.sqlite",
        "--env",
        "production",
        "--confirm",
        "hand.sqlite",
    ]);
    let into_production = || {
        let procedure = ["--yes", "--env", "production", "--confirm", "hand.sqlite"];
        let arguments = [&["restore", "lookup", "--target", "sqlite:hand.sqlite"][..], &procedure].concat();
        let output = scratch.command(&arguments).env("ALLOW_PRODUCTION_SEEDING", "true").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = into_production();
    assert!(code == Some(8) && told.contains("written by hand"), "{code:?}: {told}");
    write(&scratch, "terp-fixtures.toml", "");
    let (code, told) = into_production();
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn stock_ssh_keygen_verifies_ours() {
    let scratch = locked();
    let approved = approve(&scratch, "maria", "security");
    let statement = scratch.path(approved["statement"].as_str().unwrap());
    let verify = |who: &str, statement: &Path| {
        let input = std::fs::File::open(statement).unwrap();
        Command::new("ssh-keygen")
            .args(["-Y", "verify", "-f"])
            .arg(scratch.path("approvers"))
            .args(["-I", who, "-n", NAMESPACE, "-s"])
            .arg(statement.with_extension("approval.sig"))
            .stdin(input)
            .output()
            .unwrap()
    };
    let output = verify("maria@example.org", &statement);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!verify("jo@example.org", &statement).status.success());
    // What sha256sum says of the files is in the statement.
    let text = read(&statement);
    for file in ["pii.toml", "pii.lock"] {
        let sum = Command::new("sha256sum").arg(scratch.path(file)).output().unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        assert!(text.contains(sum.split(' ').next().unwrap()), "{file}: {sum} is not in\n{text}");
    }
    write(&scratch, "edited.approval", &text.replace("security", "dpo"));
    std::fs::copy(statement.with_extension("approval.sig"), scratch.path("edited.approval.sig")).unwrap();
    assert!(!verify("maria@example.org", &scratch.path("edited.approval")).status.success());
}

#[test]
fn ours_verifies_stock_ssh_keygen() {
    let kinds: [&[&str]; 3] = [&["-t", "ed25519"], &["-t", "ecdsa", "-b", "256"], &["-t", "ecdsa", "-b", "384"]];
    for kind in kinds {
        let scratch = Scratch::with_sample();
        let public = key(&scratch, "kim", kind, "");
        write(&scratch, "approvers", &format!("kim@example.org {public}\n"));
        lock(&scratch);
        let prepared = scratch.json(&[
            "policy",
            "approve",
            "--policy",
            "pii.toml",
            "--prepare",
            "--by",
            "kim@example.org",
            "--role",
            "dpo",
        ]);
        let check = ["policy", "approve", "--policy", "pii.toml", "--check"];
        assert!(scratch.fails(8, &check).contains("is not signed yet"));
        let command = prepared["command"].as_str().unwrap().replace(" KEY ", " kim ");
        let words: Vec<&str> = command.split(' ').collect();
        let signed = Command::new(words[0]).args(&words[1..]).current_dir(scratch.path("")).output().unwrap();
        assert!(signed.status.success(), "{command}: {}", String::from_utf8_lossy(&signed.stderr));
        assert!(scratch.ok(&check).contains("kim@example.org"));
        scratch.ok(&CAPTURE);
        scratch.ok(&RESTORE);
        // The same key signs with this program as well.
        std::fs::remove_dir_all(scratch.path("pii.approvals")).unwrap();
        assert_eq!(approve(&scratch, "kim", "dpo")["enough"], true);
    }
}

#[test]
fn keys_that_cannot_sign_say_why() {
    let scratch = locked();
    let refused = |code: i32, key: &str| {
        scratch.fails(code, &["policy", "approve", "--policy", "pii.toml", "--key", key, "--role", "security"])
    };
    key(&scratch, "rsa", &["-t", "rsa", "-b", "2048"], "");
    let public = key(&scratch, "shut", &["-t", "ed25519"], "opens it");
    key(&scratch, "stranger", &["-t", "ed25519"], "");
    assert!(refused(1, "rsa").contains("keys of type ssh-rsa cannot sign"));
    assert!(refused(1, "maria.pub").contains("is a public key"));
    assert!(refused(1, "nowhere").contains("cannot read the key"));
    assert!(refused(1, "shut").contains("TERP_FIXTURES_SSH_PASSPHRASE"));
    let stranger = scratch.fails(
        8,
        &[
            "policy",
            "approve",
            "--policy",
            "pii.toml",
            "--key",
            "stranger",
            "--role",
            "security",
            "--by",
            "maria@example.org",
        ],
    );
    assert!(stranger.contains("would not count") && stranger.contains("ssh-ed25519 AAAA"), "{stranger}");
    let approvers = read(&scratch.path("approvers"));
    write(&scratch, "approvers", &format!("{approvers}lee@example.org {public}\n"));
    let with = |passphrase: &str| {
        let args = ["policy", "approve", "--policy", "pii.toml", "--key", "shut", "--role", "security"];
        scratch.command(&args).env("TERP_FIXTURES_SSH_PASSPHRASE", passphrase).output().unwrap()
    };
    let wrong = with("no");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("does not open"));
    assert!(with("opens it").status.success());
}

#[test]
fn lock_and_approvals_hold_no_cell() {
    let scratch = locked();
    let mut texts = vec![read(&scratch.path("pii.lock"))];
    texts.push(approve(&scratch, "maria", "security").to_string());
    texts.push(scratch.ok(&["policy", "lock", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--check"]));
    texts.push(scratch.ok(&["policy", "approve", "--policy", "pii.toml", "--check"]));
    let mut files = Vec::new();
    crate::support::collect(&scratch.path("pii.approvals"), &mut files);
    assert_eq!(files.len(), 4);
    texts.extend(files.iter().map(|file| read(file)));
    let connection = rusqlite::Connection::open(scratch.path("erp.sqlite")).unwrap();
    let mut looked = 0;
    for column in ["email", "name"] {
        let mut query =
            connection.prepare(&format!("SELECT {column} FROM clients WHERE length({column}) > 5")).unwrap();
        let cells: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for cell in cells {
            looked += 1;
            assert!(texts.iter().all(|text| !text.contains(&cell)));
        }
    }
    assert!(looked > 20, "{looked}");
}

#[test]
fn a_lock_is_written_once_and_read_strictly() {
    let scratch = locked();
    let text = read(&scratch.path("pii.lock"));
    assert!(lock(&scratch).contains("is up to date"));
    assert_eq!(read(&scratch.path("pii.lock")), text);
    write(&scratch, "pii.lock", &text.replacen("mode = ", "modus = ", 1));
    for args in [&CAPTURE[..6], &["policy", "approve", "--policy", "pii.toml", "--check"]] {
        let error = scratch.fails(1, args);
        assert!(error.contains("pii.lock:") && error.contains("unknown key 'modus'"), "{error}");
    }
    std::fs::remove_file(scratch.path("pii.lock")).unwrap();
    let check = ["policy", "lock", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite", "--check"];
    assert!(scratch.fails(3, &check).contains("there is no lock"));
    assert!(scratch.fails(8, &CAPTURE).contains("has no lock"));
    let odd = std::fs::read_dir(scratch.path(""))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".new"));
    assert_eq!(odd.count(), 0);
}

const TWO_ENGINES: &str = "version = 1\n[tables.people]\nmode = \"capture\"\nkeep = [\"id\"]\n[tables.people.columns]\n\
    name = \"full_name\"\n[engines.postgres.tables.people.columns]\nnote = \"text_scrub\"\n\
    [engines.sqlite.tables.people.columns]\nphone = \"phone\"\n";

#[test]
fn one_lock_and_one_approval_serve_two_engines() {
    let scratch = locked();
    let source = ["--policy", "pii.toml", "--source", "sqlite:erp.sqlite"];
    let ddl = ["--policy", "pii.toml", "--ddl", "postgres.sql", "--engine", "postgres"];
    let run = |what: &str, schema: &[&str], more: &[&str]| -> Vec<String> {
        ["policy", what].iter().chain(schema).chain(more).map(|word| (*word).to_owned()).collect()
    };
    let (ok, fails) = (
        |args: Vec<String>| scratch.ok(&args.iter().map(String::as_str).collect::<Vec<_>>()),
        |code: i32, args: Vec<String>| scratch.fails(code, &args.iter().map(String::as_str).collect::<Vec<_>>()),
    );
    let by = ["--by", "maria@example.org"];
    for name in ["pii.lock", "erp.sqlite"] {
        std::fs::remove_file(scratch.path(name)).unwrap();
    }
    write(&scratch, "pii.toml", TWO_ENGINES);
    write(
        &scratch,
        "postgres.sql",
        "CREATE TABLE public.people (id bigint NOT NULL PRIMARY KEY, name text NOT NULL, note text);\n",
    );
    sql(&scratch.path("erp.sqlite"), "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT)");
    sql(&scratch.path("erp.sqlite"), "INSERT INTO people VALUES (1, 'Quirin Abendroth', '+49 171 39200001')");

    ok(run("lock", &ddl, &by));
    let first = read(&scratch.path("pii.lock"));
    // Without the blocks of this engine a check warns, a capture warns or refuses, and a lock is not up to date.
    let lacking = "pii.lock has nothing about databases of SQLite";
    let checked = ok(run("check", &source, &[]));
    assert!(checked.contains("other-engine") && checked.contains("policy lock --source sqlite:PATH"), "{checked}");
    assert!(fails(3, run("lock", &source, &["--check"])).contains("of other engines"));
    approve(&scratch, "maria", "security");
    let refused = scratch.fails(3, &CAPTURE);
    assert!(refused.contains(lacking) && refused.contains("policy lock --source sqlite:PATH"), "{refused}");
    let loose = scratch.command(&CAPTURE[..6]).output().unwrap();
    assert!(loose.status.success() && String::from_utf8_lossy(&loose.stderr).contains(lacking));

    ok(run("lock", &source, &by));
    let both = read(&scratch.path("pii.lock"));
    let blocks = first.split_once("version = 1\n").unwrap().1.trim_end_matches("# The end.\n");
    assert!(both.contains(blocks), "the blocks of the other engine stay to the byte");
    let void = scratch.fails(8, &CAPTURE);
    assert!(void.contains("databases of sqlite were locked since it was approved"), "{void}");
    approve(&scratch, "maria", "security");
    scratch.ok(&CAPTURE);
    for schema in [&source[..], &ddl] {
        let checked = ok(run("check", schema, &[]));
        assert!(!checked.contains("other-engine") && !checked.contains("approval-"), "{checked}");
        ok(run("lock", schema, &["--check"]));
    }
    let explained = |schema: &[&str], column: &str| ok(run("explain", schema, &[column]));
    assert!(explained(&source, "people.phone").contains("phone by maria@example.org on "));
    assert!(explained(&ddl, "people.note").contains("text_scrub by maria@example.org on "));
    let review = ok(run("review", &ddl, &["--format", "json"]));
    assert!(review.contains("\"by\": \"maria@example.org\""), "the review knows the blocks of its engine");

    // A difference in one engine is told with its name; renewing that one leaves the other alone.
    write(&scratch, "pii.toml", &TWO_ENGINES.replace("text_scrub", "null"));
    let stale = fails(3, run("approve", &["--policy", "pii.toml"], &["--key", "maria", "--role", "security"]));
    assert!(stale.contains("is out of date for postgres"), "{stale}");
    ok(run("lock", &ddl, &by));
    let renewed = read(&scratch.path("pii.lock"));
    let of = |text: &str| text.split_once("[engines.sqlite]").unwrap().1.to_owned();
    assert_eq!(of(&renewed), of(&both));
    write(&scratch, "pii.lock", &both.replace("[engines.sqlite", "[engines.oracle"));
    assert!(fails(1, run("check", &source, &[])).contains("unknown key 'oracle'"));
}
