//! `reset` and `doctor` on a folder of SQLite files, through the binary; the leases are taken by the library.

use crate::support::{Scratch, dump, sql};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use terp_fixtures::event::{Cancel, Silent};
use terp_fixtures::run::Context;
use terp_fixtures::run::isolate::{Ground, Leased, Mode};
use terp_fixtures::run::repository::Repository;
use terp_fixtures::seal::Member;
use terp_fixtures::secret::{Address, SecretText};
use terp_fixtures::store;

/// A store with a snapshot of the sample, and a host in the folder `host`.
struct World {
    scratch: Scratch,
    repository: Arc<Repository>,
}

impl World {
    fn new() -> Self {
        let scratch = Scratch::with_snapshot();
        let identity = std::fs::read_to_string(scratch.path(".terp-fixtures/identity.key")).unwrap();
        let member = Member::parse(&SecretText::new(identity)).unwrap();
        let address = Address::new(scratch.path("snapshots").display().to_string());
        let repository = Repository::open(store::open(&address, false).unwrap(), &member, &[]).unwrap();
        Self { scratch, repository: Arc::new(repository) }
    }

    fn server(&self) -> String {
        format!("sqlite:{}", self.scratch.path("host").display())
    }

    fn ground(&self) -> Ground {
        Ground::open(&Address::new(self.server()), &Cancel::default()).unwrap()
    }

    fn lease(&self, ground: &mut Ground) -> Leased {
        let context = context();
        let snapshot = self.repository.find("sample").unwrap();
        let template = ground.template(&context, &self.repository, &snapshot, false).unwrap();
        ground.lease(&context, &template, Mode::Reset).unwrap()
    }

    fn listed(&self) -> Value {
        self.scratch.json(&["doctor", "--server", &self.server()])["isolation"].clone()
    }
}

fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 2 }
}

fn path(leased: &Leased) -> PathBuf {
    PathBuf::from(leased.address.expose().strip_prefix("sqlite:").unwrap())
}

#[test]
fn a_clone_is_put_back_and_says_how() {
    let world = World::new();
    let mut ground = world.ground();
    let leased = world.lease(&mut ground);
    let (path, url) = (path(&leased), leased.address.expose());
    // An application that has it open all the time.
    let open = rusqlite::Connection::open(&path).unwrap();
    let count = || open.query_row("SELECT count(*) FROM clients", [], |row| row.get::<_, i64>(0)).unwrap();
    let (before, clients) = (dump(&path), count());
    assert!(clients > 1);
    let done = world.scratch.json(&["reset", url, "--verify"]);
    assert_eq!((&done["rung"], &done["rows"], &done["verified"]), (&"clean".into(), &0.into(), &true.into()));
    sql(&path, "PRAGMA foreign_keys = 0; DELETE FROM clients");
    assert_eq!(count(), 0);
    let told = world.scratch.ok(&["reset", url]);
    assert!(told.starts_with("put back what was touched: ") && told.trim_end().ends_with(" ms"), "{told}");
    assert_eq!((dump(&path), count()), (before.clone(), clients));
    sql(&path, "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)");
    world.scratch.json(&["reset", url, "--verify", "--server", &world.server()]);
    assert_eq!((dump(&path), count()), (before.clone(), clients));
    // What nobody can put back is made anew.
    std::fs::write(&path, "no database at all").unwrap();
    let done = world.scratch.json(&["reset", url, "--verify"]);
    assert_eq!((&done["rung"], dump(&path)), (&"clone".into(), before));
}

#[test]
fn only_clones_are_put_back() {
    let world = World::new();
    let scratch = &world.scratch;
    let other = format!("sqlite:{}", scratch.path("erp.sqlite").display());
    let before = dump(&scratch.path("erp.sqlite"));
    assert!(scratch.fails(8, &["reset", &other]).contains("is not put back"));
    assert!(scratch.fails(8, &["reset", &other, "--server", &world.server()]).contains("is not put back"));
    assert!(!scratch.path("host").exists() && !scratch.path("registry.sqlite").exists());
    let mut ground = world.ground();
    let leased = world.lease(&mut ground);
    assert!(scratch.fails(8, &["reset", &other, "--server", &world.server()]).contains("does not list it"));
    let template =
        format!("sqlite:{}", path(&leased).with_file_name(format!("{}.sqlite", leased.template.name)).display());
    assert!(scratch.fails(8, &["reset", &template]).contains("it is a template"));
    assert_eq!(dump(&scratch.path("erp.sqlite")), before);
    scratch.fails(1, &["reset", "nothing"]);
    scratch.fails(1, &["reset", "sqlite:"]);
}

#[test]
fn doctor_tells_what_there_is_and_takes_leftovers_away() {
    let world = World::new();
    let (scratch, server) = (&world.scratch, world.server());
    assert_eq!(
        scratch.ok(&["doctor", "--clean", "--server", &server]).trim(),
        format!("Nothing is left over on {server}.")
    );
    assert!(!scratch.path("host").exists());
    let mut ground = world.ground();
    let leased = world.lease(&mut ground);
    let listed = world.listed();
    let databases = listed["databases"].as_array().unwrap();
    let told: Vec<_> = databases
        .iter()
        .map(|it| (it["role"].as_str().unwrap(), it["state"].as_str().unwrap(), it["in_use"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [("template", "ready", false), ("clone", "leased", true)]);
    assert!(
        databases
            .iter()
            .all(|it| it["bytes"].as_u64().unwrap() > 10_000 && it["label"].as_str().unwrap().starts_with("sample@"))
    );
    assert_eq!(databases[1]["process"], std::process::id());
    let text = scratch.ok(&["doctor", "--server", &server]);
    assert!(text.contains(&format!("process {}", std::process::id())) && text.contains("2 databases"), "{text}");
    // What somebody has stays, and so does what it came from.
    let kept = scratch.json(&["doctor", "--clean", "--all", "--server", &server]);
    assert_eq!((kept["removed"].as_array().unwrap().len(), kept["in_use"].as_array().unwrap().len()), (0, 2));
    // Its holder is gone without a word.
    let name = leased.name.clone();
    drop((leased, ground));
    let text = scratch.ok(&["doctor", "--clean", "--server", &server]);
    assert!(text.contains(&format!("removed {name}, a clone that was left by its holder")), "{text}");
    assert_eq!(world.listed()["databases"].as_array().unwrap().len(), 1);
    std::fs::write(scratch.path("terp-fixtures.toml"), "[isolation]\nserver = \"sqlite:host\"\nclones = 3\n").unwrap();
    assert_eq!(world.listed()["limits"]["clones"], 3);
    assert!(scratch.ok(&["doctor", "--clean", "--all"]).contains("Removed 1 database from sqlite:"));
    let left: Vec<_> = std::fs::read_dir(scratch.path("host")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    std::fs::write(scratch.path("terp-fixtures.toml"), "[isolation]\nclones = 0\n").unwrap();
    scratch.fails(1, &["doctor"]);
    scratch.fails(1, &["doctor", "--all"]);
}

#[test]
fn where_databases_lie_is_said_in_this_order() {
    let scratch = Scratch::with_store();
    let told = |command: &mut std::process::Command| {
        let output = command.env_remove("XDG_CACHE_HOME").env("HOME", scratch.path("home"));
        let output = output.output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["server"].as_str().unwrap().to_owned()
    };
    let command = || scratch.command(&["doctor", "--clean", "--json"]);
    if cfg!(target_os = "linux") {
        let usual = format!("sqlite:{}", scratch.path("home/.cache/terp-fixtures/isolated").display());
        assert_eq!(told(&mut command()), usual);
    }
    std::fs::write(scratch.path("terp-fixtures.toml"), "[isolation]\nserver = \"sqlite:here\"\n").unwrap();
    let here = std::fs::canonicalize(scratch.path(".")).unwrap().join("here");
    assert_eq!(told(&mut command()), format!("sqlite:{}", here.display()));
    assert_eq!(told(command().env("TERP_FIXTURES_SERVER", "sqlite:there")), "sqlite:there");
    assert_eq!(
        told(command().env("TERP_FIXTURES_SERVER", "sqlite:there").args(["--server", "sqlite:elsewhere"])),
        "sqlite:elsewhere"
    );
}
