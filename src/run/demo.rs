//! `demo`: the whole line on a sample ERP, in a folder of its own, with a proof at each step.

use super::repository::Repository;
use super::surroundings::Surroundings;
use super::{Context, audit, capture, keys, millis, restore, rollback, state, verify};
use crate::engine::sql::Sql;
use crate::engine::{self, Enforce, Target, Whereabouts, scalar};
use crate::error::{Error, Result};
use crate::generate::sample::{self, promises::PROMISES};
use crate::mask::key::MasterKey;
use crate::model::manifest::PolicyProof;
use crate::model::schema::{Catalogue, EngineKind};
use crate::policy::{self, Policy};
use crate::run::load::OnConflict;
use crate::run::marking::Marker;
use crate::seal::Member;
use crate::secret::Address;
use crate::store;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The policy that ships with the program.
pub const POLICY: &str = include_str!("../../policies/pii.toml");

/// What the demo did and proved.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The folder, if it was kept.
    pub kept: Option<PathBuf>,
    /// Tables and rows of the sample database.
    pub sample: (usize, u64),
    /// The first capture.
    pub first: capture::Outcome,
    /// Columns by mask.
    pub masks: BTreeMap<&'static str, usize>,
    /// The second capture, of unchanged data.
    pub second: capture::Outcome,
    /// The verification of every row in the store.
    pub verified: verify::Outcome,
    /// The restore into the dev database.
    pub restored: restore::Outcome,
    /// The same restore again.
    pub again: restore::Outcome,
    /// The rollback.
    pub rolled_back: rollback::Outcome,
    /// Entries of the store's audit trail, verified.
    pub audited: u64,
    /// Rows of the dev database's own.
    pub own_rows: u64,
    /// Digest of the dev database before the restore.
    pub before: String,
    /// ... with the fixtures in it.
    pub between: String,
    /// ... after the rollback.
    pub after: String,
    /// How long it all took.
    pub millis: u64,
}

/// Runs the demo in `keep`, which must not exist yet, or in a temporary folder that is removed at the end.
///
/// # Errors
/// Whatever a step returns; kind `Internal` when a proof fails.
pub fn demo(context: &Context<'_>, keep: Option<&Path>) -> Result<Outcome> {
    let start = Instant::now();
    let folder = Folder::make(keep)?;
    let done = steps(context, &folder.path, start);
    let kept = folder.finish()?;
    Ok(Outcome { kept, ..done? })
}

fn steps(context: &Context<'_>, folder: &Path, start: Instant) -> Result<Outcome> {
    let file = |name: &str| Address::new(format!("sqlite:{}", folder.join(name).display()));
    let (erp, dev) = (file("erp.sqlite"), file("dev.sqlite"));

    context.stage("building a sample ERP database");
    let mut target = open(context, &erp)?;
    let script = sample::script(target.engine(), 1);
    run_all(&mut *target, &script)?;
    let catalogue = target.catalogue()?;
    let mut rows = 0;
    for table in &catalogue.tables {
        rows += state::count(&mut *target, &table.name)?;
    }
    drop(target);

    context.stage("making a store and its keys");
    let member = Member::generate();
    let repository = make_store(folder, &member)?;
    let master = MasterKey::generate()?;
    if let Some(file) = member.to_file("terp-fixtures demo identity") {
        write(&folder.join("identity.key"), file.expose())?;
    }
    write(&folder.join("mask.key"), master.to_text().expose())?;
    write(&folder.join("pii.toml"), POLICY)?;
    let policy = Policy::parse("pii.toml", POLICY)?;
    let plan = policy::resolve(&policy, &catalogue, "dev", &master)?;
    let mut masks = BTreeMap::new();
    for column in plan.tables.iter().flat_map(|table| &table.columns).filter(|column| column.name != "keep") {
        *masks.entry(column.name).or_default() += 1;
    }
    let [first, second] = capture_twice(context, &erp, (&catalogue, &plan), &repository, policy.proof(&master, "dev"))?;
    let verified = verify::verify(context, &repository, None, verify::Depth::Leaks)?.into_result()?;

    context.stage("building a dev database with rows of its own");
    let mut target = open(context, &dev)?;
    let script = own_database(target.engine());
    run_all(&mut *target, &script)?;
    let (before, own_rows) = state_of(&mut *target)?;
    let snapshot = repository.find("demo")?;
    let options = restore::Options {
        marker: Marker::Columns,
        create: false,
        on_conflict: OnConflict::Fail,
        on_error: crate::run::quarantine::OnError::Abort,
        quarantine: None,
        keep_others: false,
        suspend_triggers: false,
        tables: Vec::new(),
        dry_run: false,
        lock_timeout: Duration::from_secs(30),
        surroundings: Surroundings { whereabouts: Whereabouts::File, ..Surroundings::default() },
        allow_lossy: false,
        streams: None,
        map: crate::run::drift::Map::default(),
    };
    let restored = restore::restore(context, &repository, &snapshot, &mut *open(context, &dev)?, &options)?;
    audit::record(&repository, restored.deed.clone())?;
    let again = restore::restore(context, &repository, &snapshot, &mut *open(context, &dev)?, &options)?;
    let (between, _) = state_of(&mut *target)?;
    for promise in PROMISES {
        let broken = scalar(&mut *target, Sql::rendered(EngineKind::Sqlite, *promise))?;
        if broken > 0 {
            return Err(Error::internal(
                "the demo's own proof failed: sums, states or dates no longer agree after masking",
            ));
        }
    }
    let options = rollback::Options {
        surroundings: Surroundings { whereabouts: Whereabouts::File, ..Surroundings::default() },
        lock_timeout: Duration::from_secs(30),
        ..rollback::Options::default()
    };
    let rolled_back = rollback::rollback(context, &mut *open(context, &dev)?, &options)?;
    audit::record(&repository, rolled_back.deed.clone())?;
    let audited = audit::verify::store(&repository, &[])?.into_result()?.entries;
    let (after, _) = state_of(&mut *target)?;
    if before != after || !again.unchanged {
        return Err(Error::internal("the demo's own proof failed: the dev database is not as it was"));
    }
    Ok(Outcome {
        kept: None,
        sample: (catalogue.tables.len(), rows),
        first,
        masks,
        second,
        verified,
        restored,
        again,
        rolled_back,
        audited,
        own_rows,
        before,
        between,
        after,
        millis: millis(start),
    })
}

/// Captures the same database twice.
fn capture_twice(
    context: &Context<'_>,
    erp: &Address,
    (catalogue, plan): (&Catalogue, &policy::Plan),
    repository: &Repository,
    policy: PolicyProof,
) -> Result<[capture::Outcome; 2]> {
    let options = capture::Options {
        name: "demo".into(),
        environment: "dev".into(),
        policy,
        dry_run: false,
        amount: capture::Amount::default(),
        expires: None,
        tags: std::collections::BTreeSet::new(),
    };
    let once = || {
        let mut source = (engine::find(erp)?.source)(erp, &context.cancel)?;
        let done = capture::capture(context, &mut *source, catalogue, plan, repository, &options)?;
        if let Some(snapshot) = &done.snapshot {
            audit::record(repository, audit::captured(snapshot, erp.to_string()))?;
        }
        Ok(done)
    };
    Ok([once()?, once()?])
}

/// A store with one member, whose audit trail begins with that.
fn make_store(folder: &Path, member: &Member) -> Result<Repository> {
    let address = Address::new(folder.join("snapshots").to_string_lossy());
    let store = store::open(&address, true)?;
    let made = keys::init(&*store, member)?;
    let repository = Repository::open(store, member, &[])?.acting_as("demo".into(), "this machine".into(), false);
    audit::record(&repository, audit::key_made(&made.signer))?;
    Ok(repository)
}

fn open(context: &Context<'_>, address: &Address) -> Result<Box<dyn Target>> {
    (engine::find(address)?.target)(address, true, &context.cancel)
}

/// The sample's schema, and a table with the developer's own rows.
fn own_database(engine: EngineKind) -> Vec<Sql> {
    let mut statements = sample::schema(engine);
    let table = "developer_notes";
    let sql = Sql::new(engine).lit("CREATE TABLE ").name(table);
    statements.push(sql.lit(" (id INTEGER NOT NULL PRIMARY KEY, note VARCHAR(200) NOT NULL)"));
    for (id, note) in [(1, "mine, and not to be touched"), (2, "neither is this"), (3, "nor this 🌿")] {
        let sql = Sql::new(engine).lit("INSERT INTO ").name(table).lit(" VALUES (").integer(id);
        statements.push(sql.lit(", ").string(note).lit(")"));
    }
    statements
}

fn run_all(target: &mut dyn Target, statements: &[Sql]) -> Result<()> {
    target.begin(Enforce::Nothing)?;
    for sql in statements {
        target.execute(sql)?;
    }
    target.end(true)
}

/// The digest of a database and the number of its rows.
fn state_of(target: &mut dyn Target) -> Result<(String, u64)> {
    let catalogue = target.catalogue()?;
    let mut rows = 0;
    for table in &catalogue.tables {
        rows += state::count(target, &table.name)?;
    }
    Ok((state::database_digest(target, &catalogue)?, rows))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| cannot_write(path, error))
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    Error::usage(format!("cannot write {}", path.display())).caused_by(error).hint("Name another folder with --keep.")
}

/// Where the demo works.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn make(keep: Option<&Path>) -> Result<Self> {
        let path = match keep {
            Some(path) => path.to_owned(),
            None => {
                let unique = data_encoding::HEXLOWER.encode(&super::random::<8>()?);
                std::env::temp_dir().join(format!("terp-fixtures-demo-{unique}"))
            }
        };
        std::fs::create_dir(&path).map_err(|error| cannot_write(&path, error))?;
        Ok(Self { path, keep: keep.is_some() })
    }

    fn finish(self) -> Result<Option<PathBuf>> {
        if self.keep {
            return Ok(Some(self.path));
        }
        std::fs::remove_dir_all(&self.path).map_err(|error| cannot_write(&self.path, error))?;
        Ok(None)
    }
}

/// What to type next.
#[must_use]
pub fn next_steps(kept: Option<&Path>) -> Vec<String> {
    match kept {
        Some(folder) => {
            let place = folder.display();
            vec![
                format!(
                    "export TERP_FIXTURES_STORE={place}/snapshots TERP_FIXTURES_IDENTITY_FILE={place}/identity.key"
                ),
                "terp-fixtures show demo".to_owned(),
                format!("terp-fixtures restore demo --target sqlite:{place}/dev.sqlite"),
                format!("terp-fixtures rollback --target sqlite:{place}/dev.sqlite"),
            ]
        }
        None => vec![
            "terp-fixtures demo --keep ./demo-files".to_owned(),
            "terp-fixtures restore demo-2025-12 --target sqlite:dev.sqlite".to_owned(),
            "terp-fixtures keys init --store ./fixtures".to_owned(),
            "terp-fixtures capture --policy pii.toml --source sqlite:PATH --store ./fixtures --dry-run".to_owned(),
        ],
    }
}
