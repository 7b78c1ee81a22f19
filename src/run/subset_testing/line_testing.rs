//! The line that the oracle is held against: databases, captures, and the rows of a snapshot.

use super::policy_testing::Rules;
use super::world_testing::{Kind, World};
use super::{Choice, Held, Link, Question, Row, Takes};
use crate::codec::{pack, rows};
use crate::engine::sql::{self, Sql};
use crate::engine::{self, Query, Source, Target, mysql, postgres};
use crate::error::Result;
use crate::event::{Cancel, Silent};
use crate::mask::key::MasterKey;
use crate::model::batch::Batch;
use crate::model::manifest::Manifest;
use crate::model::schema::{EngineKind, Table, TableName};
use crate::policy::{self, Policy};
use crate::run::load::OnConflict;
use crate::run::packs::PackReader;
use crate::run::repository::{Repository, Snapshot};
use crate::run::{Context, capture, keys, restore, rollback};
use crate::seal::Member;
use crate::secret::{Address, Secret32};
use crate::store::memory::Memory;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// Where databases of one engine come from.
pub(in crate::run) struct Places {
    pub(in crate::run) engine: EngineKind,
    folder: tempfile::TempDir,
    count: std::cell::Cell<usize>,
}

/// A database.
pub(in crate::run) struct Place {
    pub(in crate::run) engine: EngineKind,
    pub(in crate::run) url: String,
}

impl Places {
    pub(in crate::run) fn new(engine: EngineKind) -> Self {
        Self { engine, folder: tempfile::tempdir().unwrap(), count: std::cell::Cell::new(0) }
    }

    /// A new, empty database.
    pub(in crate::run) fn fresh(&self) -> Place {
        self.count.set(self.count.get() + 1);
        let url = match self.engine {
            EngineKind::Sqlite => {
                let path = self.folder.path().join(format!("{}.sqlite", self.count.get()));
                rusqlite::Connection::open(&path).unwrap().execute_batch("VACUUM").unwrap();
                format!("sqlite:{}", path.display())
            }
            EngineKind::Postgres => postgres::testing::server().fresh(),
            EngineKind::Mysql => mysql::testing::Server::mysql().fresh(),
            EngineKind::Mariadb => mysql::testing::Server::mariadb().fresh(),
        };
        Place { engine: self.engine, url }
    }

    /// A new database made by a script, nothing enforced.
    pub(in crate::run) fn with(&self, script: &str) -> Place {
        let place = self.fresh();
        place.run(script);
        place
    }
}

impl Place {
    /// Runs a script; SQLite does not enforce foreign keys here.
    pub(in crate::run) fn run(&self, script: &str) {
        match self.engine {
            EngineKind::Sqlite => {
                let connection = rusqlite::Connection::open(self.url.trim_start_matches("sqlite:")).unwrap();
                connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; BEGIN; {script}; COMMIT")).unwrap();
            }
            EngineKind::Postgres => postgres::testing::script(&self.url, script),
            EngineKind::Mysql | EngineKind::Mariadb => mysql::testing::script(&self.url, script),
        }
    }

    pub(in crate::run) fn source(&self) -> Box<dyn Source> {
        let address = Address::new(&self.url);
        (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap()
    }

    pub(in crate::run) fn target(&self) -> Box<dyn Target> {
        let address = Address::new(&self.url);
        (engine::find(&address).unwrap().target)(&address, true, &Cancel::default()).unwrap()
    }

    /// The rows of every table.
    pub(in crate::run) fn rows(&self) -> BTreeMap<TableName, Vec<Row>> {
        let mut source = self.source();
        let tables = source.catalogue().unwrap().tables;
        tables.iter().map(|table| (table.name.clone(), read(&mut *source, table, "", true))).collect()
    }

    /// Every table with its rows in the order of the key.
    pub(in crate::run) fn held(&self) -> Vec<Held> {
        let mut source = self.source();
        let tables = source.catalogue().unwrap().tables;
        let held = |table: &Table| Held {
            name: table.name.clone(),
            columns: table.stored_columns().iter().map(|&at| table.columns[at].name.clone()).collect(),
            rows: read(&mut *source, table, "", false),
            takes: Takes::Rows,
        };
        tables.iter().map(held).collect()
    }

    /// Which rows of a table the database finds a condition to hold for: by content.
    fn holding(&self, table: &str, condition: &str) -> HashSet<Row> {
        let mut source = self.source();
        let catalogue = source.catalogue().unwrap();
        let table = catalogue.tables.iter().find(|other| other.name.name == table).unwrap();
        read(&mut *source, table, &format!(" WHERE ({condition})"), false).into_iter().collect()
    }

    /// Restores the newest snapshot of this name.
    pub(in crate::run) fn restore(&self, repository: &Repository, name: &str) -> Result<restore::Outcome> {
        let options = restore::Options {
            marker: crate::run::marking::Marker::Columns,
            create: false,
            on_conflict: OnConflict::Fail,
            on_error: crate::run::quarantine::OnError::Abort,
            quarantine: None,
            keep_others: false,
            suspend_triggers: true,
            allow_lossy: false,
            streams: None,
            tables: Vec::new(),
            dry_run: false,
            lock_timeout: Duration::from_secs(5),
            surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
            map: crate::run::drift::Map::default(),
        };
        restore::restore(&context(2), repository, &repository.find(name)?, &mut *self.target(), &options)
    }

    /// Rolls the only run back.
    pub(in crate::run) fn roll_back(&self) -> Result<rollback::Outcome> {
        let options = rollback::Options {
            surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
            lock_timeout: Duration::from_secs(5),
            ..rollback::Options::default()
        };
        rollback::rollback(&context(2), &mut *self.target(), &options)
    }
}

/// The stored cells of a table's rows: sorted, or in the order of the key.
fn read(source: &mut dyn Source, table: &Table, behind: &str, sorted: bool) -> Vec<Row> {
    let engine = source.engine();
    let stored = table.stored_columns();
    let names =
        Sql::new(engine).lit("SELECT ").list(&stored, ", ", |sql, &at| sql::exact_column(sql, &table.columns[at]));
    let mut text = names.lit(" FROM ").table(&table.name).part(&Sql::rendered(engine, behind));
    if !sorted && !table.primary_key.is_empty() {
        text = text.lit(" ORDER BY ").list(&table.primary_key, ", ", |sql, &at| sql.name(&table.columns[at].name));
    }
    let mut rows = Vec::new();
    let taken = source.read(&Query { sql: text, columns: stored.len() }, &mut |batch| {
        rows.extend(cells(&batch));
        Ok(())
    });
    taken.unwrap();
    if sorted {
        rows.sort();
    }
    rows
}

fn cells(batch: &Batch) -> Vec<Row> {
    let cell = |row, column| {
        let cell = batch.cell(row, column);
        (!cell.is_null()).then(|| cell.bytes.to_vec())
    };
    (0..batch.rows()).map(|row| (0..batch.columns()).map(|column| cell(row, column)).collect()).collect()
}

/// A database and a store to capture it into.
pub(in crate::run) struct Given {
    pub(in crate::run) place: Place,
    pub(in crate::run) repository: Repository,
    /// Where the database is, if nobody else keeps it.
    places: Option<Places>,
    dev: OnceCell<Place>,
}

impl Given {
    pub(in crate::run) fn new(place: Place) -> Self {
        Self { place, repository: repository(), places: None, dev: OnceCell::new() }
    }

    /// A new database of its own.
    pub(in crate::run) fn of(places: Places, script: &str) -> Self {
        let given = Self::new(places.with(script));
        Self { places: Some(places), ..given }
    }

    /// An empty database to restore into, the same one every time.
    pub(in crate::run) fn dev(&self) -> &Place {
        self.dev.get_or_init(|| self.places.as_ref().unwrap().fresh())
    }

    /// Lets go of every snapshot.
    pub(in crate::run) fn forget(&mut self) {
        self.repository = repository();
    }

    /// Captures as a policy says.
    pub(in crate::run) fn capture(&self, policy: &str, name: &str, jobs: usize) -> Result<Snapshot> {
        let mut source = self.place.source();
        let catalogue = source.catalogue()?;
        let policy = Policy::parse("test.toml", policy)?;
        let master = MasterKey::new(Secret32::new([7; 32]));
        let plan = policy::resolve(&policy, &catalogue, "dev", &master)?;
        let options = capture::Options {
            name: name.into(),
            environment: "dev".into(),
            policy: policy.proof(&master, "dev"),
            dry_run: false,
            amount: capture::Amount::default(),
            expires: None,
            tags: std::collections::BTreeSet::new(),
        };
        capture::capture(&context(jobs), &mut *source, &catalogue, &plan, &self.repository, &options)?;
        self.repository.find(name)
    }
}

/// An empty store in memory.
fn repository() -> Repository {
    let member = Member::generate();
    let store = Memory::new();
    keys::init(&store, &member).unwrap();
    Repository::open(Box::new(store), &member, &[]).unwrap()
}

pub(in crate::run) fn context(jobs: usize) -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs }
}

/// The rows of a snapshot by table, sorted; read without restoring it.
pub(in crate::run) fn snapshot_rows(repository: &Repository, manifest: &Manifest) -> BTreeMap<TableName, Vec<Row>> {
    let packs = PackReader::new(repository, manifest.epoch).unwrap();
    let mut found = BTreeMap::new();
    for entry in &manifest.tables {
        let layout = rows::Layout::new(manifest.schema.engine, manifest.schema.table(&entry.table).unwrap());
        let mut all = Vec::new();
        for chunk in &entry.chunks {
            let packed = packs.pack(&manifest.packs[chunk.pack as usize]).unwrap();
            let encoded = pack::open_chunk(&packed, chunk, packs.keys().id_key().unwrap()).unwrap();
            all.extend(cells(rows::decode(&encoded, &layout).unwrap().rows()));
        }
        assert_eq!(all.len() as u64, entry.rows, "table {}", entry.table);
        all.sort();
        found.insert(entry.table.clone(), all);
    }
    found
}

/// A policy that keeps every column of every table.
pub(in crate::run) fn keep(place: &Place) -> String {
    crate::run::filled_tests::keep_everything(&place.source().catalogue().unwrap())
}

/// A policy with this `[subset]` that keeps every column of every table.
pub(in crate::run) fn toml(place: &Place, subset: &str) -> String {
    keep(place).replacen("version = 1\n", &format!("version = 1\n[subset]\n{subset}\n"), 1)
}

/// What the oracle has to answer for a world in a database. The rows that `percent` chooses, by root, are given.
pub(in crate::run) fn question(
    place: &Place,
    world: &World,
    rules: &Rules,
    shares: &BTreeMap<usize, HashSet<Row>>,
) -> Question {
    let all = place.held();
    let held = |at: usize| all.iter().find(|held| held.name.name == world.tables[at].name).unwrap();
    let mut tables: Vec<Held> = (0..world.tables.len()).map(|at| held(at).clone()).collect();
    for (table, (takes, _)) in tables.iter_mut().zip(&rules.takes) {
        table.takes = *takes;
    }
    let column = |table: usize, name: &str| world.tables[table].columns.iter().position(|it| it.name == name).unwrap();
    let choice = |table: usize, condition: Option<&String>, limit, order: &[(String, bool)]| {
        let holding = condition.map(|condition| place.holding(&world.tables[table].name, condition));
        Choice {
            among: holding.map(|holding| tables[table].rows.iter().map(|row| holding.contains(row)).collect()),
            order: order.iter().map(|(name, descending)| (column(table, name), *descending)).collect(),
            limit,
        }
    };
    let mut links = Vec::new();
    for tie in &world.ties {
        if rules.nulls.iter().any(|(table, column)| *table == tie.child && tie.columns.contains(column)) {
            continue;
        }
        let edge = rules.edges.iter().find(|edge| edge.table == tie.child && edge.columns == tie.columns);
        links.push(Link {
            child: tie.child,
            columns: tie.columns.clone(),
            parent: tie.parent,
            parent_columns: tie.parent_columns.clone(),
            of_type: tie.of_type.as_ref().map(|(column, value)| (*column, value.clone().into_bytes())),
            folds: tie.parent_columns.iter().any(|&at| world.tables[tie.parent].columns[at].kind == Kind::Folded),
            stops: edge.is_some_and(|edge| !edge.follow),
            choice: edge.map_or_else(Choice::default, |edge| {
                choice(tie.child, edge.condition.as_ref(), edge.limit, &edge.order)
            }),
        });
    }
    let root = |(number, root): (usize, &super::RootRule)| {
        let mut choice = choice(root.table, root.condition.as_ref(), root.limit, &root.order);
        if let Some(share) = shares.get(&number) {
            let rows = tables[root.table].rows.iter().enumerate();
            let among = |(at, row): (usize, &Row)| share.contains(row) && choice.among.as_ref().is_none_or(|it| it[at]);
            choice.among = Some(rows.map(among).collect());
        }
        (root.table, choice)
    };
    let roots = rules.roots.iter().enumerate().map(root).collect();
    Question { engine: world.engine, links, roots, children: rules.children, depth: rules.depth, tables }
}
