//! The line through the library, without a process per step: for tests that go round many times.

use std::path::Path;
use std::time::Duration;
use terp_fixtures::error::Result;
use terp_fixtures::event::{Cancel, Silent};
use terp_fixtures::mask::key::MasterKey;
use terp_fixtures::policy::{self, Policy};
use terp_fixtures::run::load::OnConflict;
use terp_fixtures::run::repository::Repository;
use terp_fixtures::run::{Context, capture, keys, restore, rollback};
use terp_fixtures::seal::Member;
use terp_fixtures::secret::{Address, Secret32};
use terp_fixtures::store::{self, Store};
use terp_fixtures::{engine, run};

pub fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 2 }
}

fn address(path: &Path) -> Address {
    Address::new(format!("sqlite:{}", path.display()))
}

/// A store in memory under a name of its own, with one member.
pub fn new_store(name: &str) -> Member {
    let member = Member::generate();
    keys::init(&*open_store(name, true), &member).unwrap();
    member
}

pub fn open_store(name: &str, create: bool) -> Box<dyn Store> {
    store::open(&Address::new(format!("memory:{name}")), create).unwrap()
}

pub fn repository(name: &str, member: &Member) -> Repository {
    Repository::open(open_store(name, false), member, &[]).unwrap()
}

/// Captures with a policy text.
pub fn capture(repository: &Repository, source: &Path, name: &str, policy: &str) -> Result<capture::Outcome> {
    let address = address(source);
    let mut source = (engine::find(&address)?.source)(&address, &Cancel::default())?;
    let catalogue = source.catalogue()?;
    let policy = Policy::parse("test.toml", policy)?;
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, "dev", &master)?;
    let options = capture::Options {
        name: name.into(),
        environment: "dev".into(),
        policy: policy.proof(&master, "dev"),
        dry_run: false,
        expires: None,
        tags: std::collections::BTreeSet::new(),
        amount: capture::Amount::default(),
    };
    capture::capture(&context(), &mut *source, &catalogue, &plan, repository, &options)
}

pub fn restore_options() -> restore::Options {
    restore::Options {
        marker: terp_fixtures::run::marking::Marker::Columns,
        create: true,
        on_conflict: OnConflict::Fail,
        on_error: terp_fixtures::run::quarantine::OnError::Abort,
        quarantine: None,
        keep_others: false,
        suspend_triggers: false,
        tables: Vec::new(),
        dry_run: false,
        lock_timeout: Duration::from_secs(5),
        surroundings: terp_fixtures::run::surroundings::Surroundings::on_this_machine(),
        allow_lossy: false,
        streams: None,
        map: terp_fixtures::run::drift::Map::default(),
    }
}

pub fn restore(
    repository: &Repository,
    wanted: &str,
    target: &Path,
    options: &restore::Options,
) -> Result<restore::Outcome> {
    let address = address(target);
    let snapshot = repository.find(wanted)?;
    let mut target = (engine::find(&address)?.target)(&address, true, &Cancel::default())?;
    restore::restore(&context(), repository, &snapshot, &mut *target, options)
}

pub fn rollback(target: &Path, wanted: Option<&str>, force: bool) -> Result<rollback::Outcome> {
    let address = address(target);
    let mut target = (engine::find(&address)?.target)(&address, false, &Cancel::default())?;
    let options = rollback::Options {
        wanted: wanted.map(str::to_owned),
        force,
        surroundings: terp_fixtures::run::surroundings::Surroundings::on_this_machine(),
        lock_timeout: Duration::from_secs(5),
        ..rollback::Options::default()
    };
    rollback::rollback(&context(), &mut *target, &options)
}

/// A policy that keeps everything in these tables.
pub fn keep_all(source: &Path) -> String {
    let address = address(source);
    let mut opened = (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap();
    let catalogue = opened.catalogue().unwrap();
    let mut text = "version = 1\n".to_owned();
    for table in &catalogue.tables {
        let quote = |name: &str| serde_json::to_string(name).unwrap();
        let keep: Vec<String> = table.stored_columns().into_iter().map(|at| quote(&table.columns[at].name)).collect();
        text += &format!("[tables.{}]\nmode = \"capture\"\nkeep = [{}]\n", quote(&table.name.name), keep.join(", "));
    }
    text
}

/// The digest of everything in a database, by the product's own reckoning.
pub fn digest(path: &Path) -> String {
    let address = address(path);
    let mut source = (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap();
    let catalogue = source.catalogue().unwrap();
    run::state::database_digest(&mut *source, &catalogue).unwrap()
}
