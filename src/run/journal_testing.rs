//! Worlds in which captures are interrupted: stores and sources that fail, and what is looked at afterwards.

use super::capture::{self, Amount, Options, Outcome};
use super::journal::{How, Resume};
use super::repository::Repository;
use super::{Context, keys};
use crate::engine::{self, Query, Sink, Source};
use crate::error::{Error, Result};
use crate::event::{Cancel, Collected, Event, Silent};
use crate::mask::key::MasterKey;
use crate::model::manifest::Manifest;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::model::schema::{Catalogue, DatabaseIdentity, EngineKind};
use crate::policy::{self, Policy};
use crate::seal::{self, Member};
use crate::secret::{Address, Secret32};
use crate::store::{self, Listed, Store};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A store that fails from the put with this number on, counted from 0 without the snapshots' manifests.
struct Failing {
    inner: Box<dyn Store>,
    puts: Arc<AtomicU64>,
    until: u64,
    /// Whether the manifest arrives.
    manifest: bool,
}

impl Store for Failing {
    fn put(&self, object: &Sealed) -> Result<()> {
        let is_pack = object.name().kind() == ObjectKind::Pack;
        let fails = if is_pack { self.puts.fetch_add(1, Ordering::Relaxed) >= self.until } else { !self.manifest };
        if fails { Err(Error::store("the disk is full")) } else { self.inner.put(object) }
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.inner.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.inner.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        self.inner.list(kind)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.inner.delete(name)
    }
}

/// A source that counts what is read of every table, has a token of the test's own, and is interrupted at a read.
struct Watched {
    inner: Box<dyn Source>,
    token: Option<String>,
    reads: HashMap<String, u64>,
    left: Arc<AtomicUsize>,
}

impl Source for Watched {
    fn engine(&self) -> EngineKind {
        self.inner.engine()
    }

    fn identity(&mut self) -> Result<DatabaseIdentity> {
        self.inner.identity()
    }

    fn catalogue(&mut self) -> Result<Catalogue> {
        self.inner.catalogue()
    }

    fn read(&mut self, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
        if self.left.load(Ordering::Relaxed) == 0 {
            return Err(Error::unreachable("the connection was lost"));
        }
        let text = query.sql.text().to_owned();
        for table in TABLES {
            if ['"', '`'].iter().any(|quote| text.contains(&format!("{quote}{table}{quote}"))) {
                *self.reads.entry(table.to_owned()).or_default() += 1;
            }
        }
        let left = Arc::clone(&self.left);
        self.inner.read(query, &mut |batch| {
            if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err() {
                return Err(Error::unreachable("the connection was lost"));
            }
            sink(batch)
        })
    }

    fn token(&mut self) -> Result<Option<String>> {
        Ok(self.token.clone())
    }
}

pub(super) const TABLES: [&str; 5] = ["clients", "orders", "blobs", "notes", "zones"];

pub(super) const SCHEMA: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients(id), note TEXT);
    CREATE TABLE blobs (id INTEGER PRIMARY KEY, data TEXT);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders(id), text TEXT);
    CREATE TABLE zones (id INTEGER PRIMARY KEY, name TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO clients SELECT i, 'Person Number' || i, 'person' || i || '@corp.example' FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO orders SELECT i, 1 + i % 3000, 'order ' || i FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
    INSERT INTO blobs SELECT i, hex(randomblob(25000)) FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO notes SELECT i, 1 + i % 5000, 'something about ' || i FROM n;
    INSERT INTO zones VALUES (1, 'north'), (2, 'south');";

pub(super) const POLICY: &str = r#"version = 1
[tables.clients]
mode = "capture"
keep = ["id"]
columns = { name = { mask = "full_name" }, email = { mask = "email" } }
[tables.orders]
mode = "capture"
keep = ["id", "client_id", "note"]
[tables.blobs]
mode = "capture"
keep = ["id", "data"]
[tables.notes]
mode = "capture"
keep = ["id", "order_id", "text"]
[tables.zones]
mode = "reference"
keep = ["id", "name"]
"#;

/// A source, a store and a place for the journal.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) member: Member,
    pub(super) store: String,
    /// The source.
    pub(super) address: String,
}

/// How one attempt goes.
pub(super) struct Attempt<'a> {
    pub(super) policy: &'a str,
    pub(super) token: Option<&'a str>,
    /// Whether the source's own token is taken instead.
    pub(super) own_token: bool,
    /// Batches that can be read.
    pub(super) batches: usize,
    /// Packs that can be put, and whether the manifest can.
    pub(super) puts: (u64, bool),
    pub(super) how: How,
    pub(super) journal: bool,
}

impl Default for Attempt<'_> {
    fn default() -> Self {
        let batches = usize::MAX;
        Self {
            policy: POLICY,
            token: Some("t"),
            own_token: false,
            batches,
            puts: (u64::MAX, true),
            how: How::Continue,
            journal: true,
        }
    }
}

/// What came of it.
pub(super) struct Came {
    pub(super) outcome: Result<Outcome>,
    pub(super) reads: HashMap<String, u64>,
    pub(super) notes: String,
}

impl World {
    /// A SQLite file with this content.
    pub(super) fn new(sql: &str) -> Self {
        let mut world = Self::at("");
        world.address = format!("sqlite:{}", world.source().display());
        let database = rusqlite::Connection::open(world.source()).unwrap();
        database.execute_batch(sql).unwrap();
        world
    }

    /// A source on a server.
    pub(super) fn at(address: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let store = format!("memory:journal-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, member: Member::generate(), store, address: address.to_owned() };
        keys::init(&*world.open(true), &world.member).unwrap();
        world
    }

    /// The same source, another store.
    pub(super) fn twin(&self) -> Self {
        let twin = Self::new("SELECT 1");
        std::fs::copy(self.source(), twin.source()).unwrap();
        twin
    }

    pub(super) fn open(&self, create: bool) -> Box<dyn Store> {
        store::open(&Address::new(self.store.clone()), create).unwrap()
    }

    pub(super) fn source(&self) -> PathBuf {
        self.folder.path().join("source.sqlite")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    pub(super) fn records(&self) -> Vec<PathBuf> {
        files(&self.journal()).into_iter().filter(|path| path.parent().unwrap().ends_with("records")).collect()
    }

    pub(super) fn run(&self, attempt: &Attempt<'_>) -> Came {
        let address = Address::new(self.address.clone());
        let mut inner = (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap();
        let catalogue = inner.catalogue().unwrap();
        let policy = Policy::parse("test.toml", attempt.policy).unwrap();
        let master = MasterKey::new(Secret32::new([7; 32]));
        let plan = policy::resolve(&policy, &catalogue, "dev", &master).unwrap();
        let options = Options {
            name: "s".into(),
            environment: "dev".into(),
            policy: policy.proof(&master, "dev"),
            dry_run: false,
            expires: None,
            amount: Amount::default(),
            tags: std::collections::BTreeSet::new(),
        };
        let store =
            Failing { inner: self.open(false), puts: Arc::default(), until: attempt.puts.0, manifest: attempt.puts.1 };
        let repository = Repository::open(Box::new(store), &self.member, &[]).unwrap();
        let left = Arc::new(AtomicUsize::new(attempt.batches));
        let token = if attempt.own_token { inner.token().unwrap() } else { attempt.token.map(str::to_owned) };
        let mut source = Watched { inner, token, reads: HashMap::new(), left };
        let folder = self.journal();
        let folder = attempt.journal.then_some(folder.as_path());
        let resume = Resume { folder, how: attempt.how };
        let told = Collected::default();
        let context = Context { report: &told, cancel: Cancel::default(), jobs: 2 };
        let outcome = capture::resumable(&context, &mut source, &catalogue, &plan, &repository, &options, &resume);
        let notes = told.events().into_iter().filter_map(|event| match event {
            // What the policy is warned of does not matter here.
            Event::Note { what } | Event::Warning { what, .. } if !what.contains("kept without a reason") => Some(what),
            _ => None,
        });
        Came { outcome, reads: source.reads, notes: notes.collect::<Vec<_>>().join("\n") }
    }

    /// The only snapshot.
    pub(super) fn manifest(&self) -> Manifest {
        let repository = Repository::open(self.open(false), &self.member, &[]).unwrap();
        let (mut snapshots, damaged) = repository.snapshots().unwrap();
        assert!(damaged.is_empty() && snapshots.len() == 1);
        let depth = super::verify::Depth::Rows;
        let context = Context { report: &Silent, cancel: Cancel::default(), jobs: 2 };
        super::verify::verify(&context, &repository, None, depth).unwrap().into_result().unwrap();
        snapshots.remove(0).manifest
    }

    /// Every chunk of every pack in the store, and that none lies in it twice.
    pub(super) fn chunks(&self) -> usize {
        let repository = Repository::open(self.open(false), &self.member, &[]).unwrap();
        let mut seen = std::collections::HashSet::new();
        for listed in repository.store().list(ObjectKind::Pack).unwrap() {
            let sealed = repository.store().get(&listed.name, u64::MAX).unwrap();
            let packed = seal::open_pack(&sealed, repository.keys()).unwrap();
            let mut rest = packed.bytes();
            while rest.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
                let end = zstd::zstd_safe::find_frame_compressed_size(rest).unwrap();
                assert!(seen.insert(blake3::hash(&rest[..end])), "a chunk was uploaded twice");
                rest = &rest[end..];
            }
        }
        seen.len()
    }
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What two captures of the same rows have in common: all but times, numbers and the layout of packs.
pub(super) fn essence(manifest: &Manifest) -> String {
    let mut manifest = manifest.clone();
    manifest.packs.clear();
    (manifest.repo, manifest.created, manifest.audit) = (String::new(), String::new(), None);
    for table in &mut manifest.tables {
        // The ids of chunks are keyed by the store.
        for chunk in table.chunks.iter_mut().chain(&mut table.origins) {
            (chunk.pack, chunk.offset, chunk.length) = (0, 0, 0);
            chunk.id.clear();
        }
        table.chunks.clear();
    }
    manifest.source.marks.clear();
    // Which share of many prints is held depends on the key of the capture.
    let leaks = &mut manifest.results.leaks;
    leaks.originals += leaks.skipped.remove("sampled").unwrap_or_default();
    serde_json::to_string(&manifest).unwrap()
}

pub(super) fn uninterrupted(world: &World, policy: &str) -> String {
    let twin = world.twin();
    let came = twin.run(&Attempt { policy, journal: false, ..Attempt::default() });
    came.outcome.unwrap();
    essence(&twin.manifest())
}

/// Small tables, for what is tried very often.
pub(super) const SMALL: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients(id), note TEXT);
    CREATE TABLE blobs (id INTEGER PRIMARY KEY, data TEXT);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders(id), text TEXT);
    CREATE TABLE zones (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO clients VALUES (1, 'Ruth Halloway', 'ruth.halloway@corp.example'), (2, 'Bo Lindqvist', 'bo.l@corp.example');
    INSERT INTO orders VALUES (1, 1, 'first'), (2, 2, 'second');
    INSERT INTO notes VALUES (1, 1, 'a note'), (2, 2, 'another note');
    INSERT INTO zones VALUES (1, 'north');";

/// The journal as it is, to be put back.
pub(super) struct Copy(pub(super) Vec<(PathBuf, Vec<u8>)>);

impl Copy {
    pub(super) fn of(world: &World) -> Self {
        Self(files(&world.journal()).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect())
    }

    pub(super) fn put_back(&self) {
        for (path, bytes) in &self.0 {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}
