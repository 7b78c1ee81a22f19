//! What tests on servers share: the servers, the whole line through the library, and what a database holds.
//!
//! A server is a value of [`Server`] and one line in [`on_every_server`]; the tests take it as their parameter.

use super::dialect_testing::{self, Dialect};
use crate::engine::{self, Source, Target, scalar, sql::Sql};
use crate::error::Result;
use crate::event::{Cancel, Report, Silent};
use crate::mask::key::MasterKey;
use crate::model::schema::{EngineKind, Table, TableName};
use crate::policy::{self, Policy};
use crate::run::load::OnConflict;
use crate::run::marking::Marker;
use crate::run::repository::Repository;
use crate::run::{Context, capture, counters, keys, restore, retry, rollback, state};
use crate::seal::Member;
use crate::secret::{Address, Secret32};
use crate::store::memory::Memory;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A server that tests run on, and the few words of its dialect that they need.
pub(super) struct Server {
    /// The product.
    pub(super) kind: EngineKind,
    /// The address of a fresh, empty database.
    pub(super) fresh: fn() -> String,
    /// Runs a script in a database.
    pub(super) script: fn(&str, &str),
    /// The port that an address without one means.
    pub(super) port: u16,
    /// Counts the columns of every table of the database, whatever they are called.
    pub(super) columns: &'static str,
    /// Counts the other connections that this program has to the database.
    pub(super) connections: &'static str,
    /// The column there that holds the statement which a connection runs.
    pub(super) statement: &'static str,
    /// A query of one row and column that keeps the server busy for a minute.
    pub(super) sleep: &'static str,
    /// How a commit begins on the wire.
    pub(super) commit: &'static [u8],
    /// What random schemas are made of.
    pub(super) dialect: &'static Dialect,
    /// How many rows and how few go in, by name.
    pub(super) ways: (&'static str, &'static str),
    /// The longest name of a table or column, in bytes.
    pub(super) longest_name: usize,
    /// The most columns of a table.
    pub(super) most_columns: usize,
    /// The type of a column for any number of bytes.
    pub(super) blob: &'static str,
    /// Inserts row 1 into a table `t (id, x)` with some MiB, on PostgreSQL more than a pack holds and hardly compressible.
    pub(super) big_cell: &'static str,
}

/// PostgreSQL.
pub(super) const POSTGRES: Server = Server {
    kind: EngineKind::Postgres,
    fresh: || engine::postgres::testing::server().fresh(),
    script: engine::postgres::testing::script,
    port: 5432,
    columns: "SELECT count(*) FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
    connections: "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
        AND application_name LIKE 'terp-fixtures%'",
    statement: "query",
    sleep: "SELECT 1 FROM pg_sleep(60)",
    commit: b"COMMIT",
    dialect: &dialect_testing::POSTGRES,
    ways: ("one INSERT", "one INSERT"),
    longest_name: 63,
    most_columns: 1600,
    blob: "BYTEA",
    big_cell: "INSERT INTO t SELECT 1, decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(1, 1114112) i;",
};

/// PostgreSQL as a role that is no superuser and owns its database.
pub(super) const POSTGRES_PLAIN: Server = Server {
    fresh: || {
        let url = (POSTGRES.fresh)();
        engine::postgres::testing::plain(&url)
    },
    ..POSTGRES
};

/// MySQL.
pub(super) const MYSQL: Server = Server {
    kind: EngineKind::Mysql,
    fresh: || engine::mysql::testing::Server::mysql().fresh(),
    script: engine::mysql::testing::script,
    port: 3306,
    columns: "SELECT count(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
    // Not the process list, which cannot be read while another test's statement has raw bytes in it.
    connections: "SELECT count(*) FROM performance_schema.threads \
        WHERE PROCESSLIST_DB = DATABASE() AND PROCESSLIST_ID <> CONNECTION_ID()",
    statement: "PROCESSLIST_INFO",
    sleep: "SELECT SLEEP(60)",
    commit: b"\x03COMMIT",
    dialect: &dialect_testing::MYSQL,
    ways: ("LOAD DATA", "inserts of many rows"),
    longest_name: 64,
    most_columns: 1017,
    blob: "LONGBLOB",
    // No larger than what a packet of MariaDB's default size can hold.
    big_cell: "INSERT INTO t SELECT 1, UNHEX(REPEAT(SHA2('x', 512), 81920));",
};

/// MariaDB.
pub(super) const MARIADB: Server = Server {
    kind: EngineKind::Mariadb,
    fresh: || engine::mysql::testing::Server::mariadb().fresh(),
    connections: "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()",
    statement: "INFO",
    ..MYSQL
};

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
}

/// SQLite, as if it were a server.
pub(super) const SQLITE: Server = Server {
    kind: EngineKind::Sqlite,
    fresh: || {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}.sqlite", NEXT.fetch_add(1, Ordering::SeqCst));
        let path = FOLDER.with(|folder| folder.path().join(name));
        std::fs::File::create(&path).unwrap();
        format!("sqlite:{}", path.display())
    },
    script: |url, text| {
        let connection = rusqlite::Connection::open(url.strip_prefix("sqlite:").unwrap()).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = 0; {text}")).unwrap();
    },
    columns: "SELECT count(*) FROM sqlite_master m JOIN pragma_table_xinfo(m.name)",
    dialect: &dialect_testing::SQLITE,
    ..POSTGRES
};

/// Makes a test of each function, on every server: one line here plugs a server in.
macro_rules! on_every_server {
    ($($test:ident),* $(,)?) => {
        mod on_postgresql { $(#[test] fn $test() { super::$test(&crate::run::server_tests::testing::POSTGRES); })* }
        mod on_mysql { $(#[test] fn $test() { super::$test(&crate::run::server_tests::testing::MYSQL); })* }
        mod on_mariadb { $(#[test] fn $test() { super::$test(&crate::run::server_tests::testing::MARIADB); })* }
    };
}
pub(super) use on_every_server;

/// Two small tables that every server knows, one referencing the other and itself.
pub(super) const SMALL: &str =
    "CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY, code VARCHAR(40) UNIQUE, note TEXT);
    CREATE TABLE child (id INTEGER NOT NULL PRIMARY KEY, parent_id INTEGER, up INTEGER, note TEXT,
        FOREIGN KEY (parent_id) REFERENCES parent (id), FOREIGN KEY (up) REFERENCES child (id));";

/// `INSERT` statements with `rows` parents and twice as many children, whose keys start behind `from`.
pub(super) fn small_rows(from: usize, rows: usize) -> String {
    let parents: Vec<String> = (1..=rows).map(|n| format!("({}, 'c{}', 'note {n} ü🌿')", from + n, from + n)).collect();
    let child = |n: usize| format!("({}, {}, {}, NULL)", from + n, from + 1 + n % rows, from + 1);
    let children: Vec<String> = (1..=2 * rows).map(child).collect();
    format!("INSERT INTO parent VALUES {};\nINSERT INTO child VALUES {};", parents.join(", "), children.join(", "))
}

/// A context that tells `report` and stops at `cancel`.
pub(super) fn context<'a>(report: &'a dyn Report, cancel: &Cancel) -> Context<'a> {
    Context { report, cancel: cancel.clone(), jobs: 2 }
}

/// Opens a database to read.
pub(super) fn source(url: &str, cancel: &Cancel) -> Result<Box<dyn Source>> {
    let address = Address::new(url);
    (engine::find(&address)?.source)(&address, cancel)
}

/// Opens a database to write.
pub(super) fn target(url: &str, cancel: &Cancel) -> Result<Box<dyn Target>> {
    let address = Address::new(url);
    (engine::find(&address)?.target)(&address, true, cancel)
}

impl Server {
    /// A fresh database with this script run in it.
    pub(super) fn with(&self, text: &str) -> String {
        let url = (self.fresh)();
        if !text.is_empty() {
            (self.script)(&url, text);
        }
        url
    }

    /// Runs a counting query.
    pub(super) fn count(&self, url: &str, query: &'static str) -> i64 {
        scalar(&mut *source(url, &Cancel::default()).unwrap(), Sql::new(self.kind).lit(query)).unwrap()
    }

    /// The content of a database with its schema; the number of its columns, whatever they are called, and its counters.
    pub(super) fn content(&self, url: &str) -> (String, String) {
        let mut source = source(url, &Cancel::default()).unwrap();
        let catalogue = source.catalogue().unwrap();
        let columns = scalar(&mut *source, Sql::new(self.kind).lit(self.columns)).unwrap();
        let digest = state::database_digest(&mut *source, &catalogue).unwrap();
        let mut target = target(url, &Cancel::default()).unwrap();
        let counted = catalogue.tables.iter().filter(|table| table.counter);
        let value = |table: &Table| (table.name.to_string(), counters::value(&mut *target, &table.name).unwrap());
        (digest, format!("{columns} columns, counters {:?}", counted.map(value).collect::<Vec<_>>()))
    }

    /// What a run that was cut off left to the next one is done by that one, before anything else.
    #[expect(clippy::unused_self, reason = "reads as a step on this server, like the others")]
    pub(super) fn is_taken_up(&self, url: &str) {
        target(url, &Cancel::default()).unwrap().lock("a look", Duration::from_secs(5)).unwrap();
    }

    /// Waits until this program has no other connection to the database and nobody holds its lock.
    pub(super) fn is_left_alone(&self, url: &str, within: Duration) {
        let start = Instant::now();
        loop {
            let connections = self.count(url, self.connections);
            let holder = target(url, &Cancel::default()).unwrap().holder().unwrap();
            if connections == 0 && holder.is_none() {
                return;
            }
            assert!(start.elapsed() < within, "{connections} connections stayed, the lock is held by {holder:?}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// A store in memory with one member, and the commands on it.
pub(super) struct Line {
    /// The opened store.
    pub(super) repository: Repository,
}

impl Line {
    /// An empty store.
    pub(super) fn new() -> Self {
        let member = Member::generate();
        let store = Memory::new();
        keys::init(&store, &member).unwrap();
        Self { repository: Repository::open(Box::new(store), &member, &[]).unwrap() }
    }

    /// How many snapshots are published.
    pub(super) fn snapshots(&self) -> usize {
        self.repository.snapshots().unwrap().0.len()
    }

    /// Captures everything as it is.
    pub(super) fn capture(&self, url: &str, name: &str) -> Result<capture::Outcome> {
        self.capture_in(&context(&Silent, &Cancel::default()), url, name)
    }

    /// Captures everything as it is.
    pub(super) fn capture_in(&self, context: &Context<'_>, url: &str, name: &str) -> Result<capture::Outcome> {
        let mut source = source(url, &context.cancel)?;
        let catalogue = source.catalogue()?;
        let mut text = "version = 1\n".to_owned();
        for table in &catalogue.tables {
            let keep = table.stored_columns().into_iter().map(|at| quoted(&table.columns[at].name)).collect::<Vec<_>>();
            let name = quoted(&policy_name(&table.name));
            text += &format!("[tables.{name}]\nmode = \"capture\"\nkeep = [{}]\n", keep.join(", "));
        }
        let policy = Policy::parse("test.toml", &text)?;
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
        capture::capture(context, &mut *source, &catalogue, &plan, &self.repository, &options)
    }

    /// Restores the newest snapshot of this name.
    pub(super) fn restore(&self, url: &str, name: &str) -> Result<restore::Outcome> {
        self.restore_in(&context(&Silent, &Cancel::default()), url, name, &options())
    }

    /// Restores the newest snapshot of this name.
    pub(super) fn restore_in(
        &self,
        context: &Context<'_>,
        url: &str,
        name: &str,
        options: &restore::Options,
    ) -> Result<restore::Outcome> {
        let snapshot = self.repository.find(name)?;
        restore::restore(context, &self.repository, &snapshot, &mut *target(url, &context.cancel)?, options)
    }
}

impl Line {
    /// As the command does it: tried again where that may help.
    pub(super) fn restore_patiently(
        &self,
        context: &Context<'_>,
        url: &str,
        name: &str,
        options: &restore::Options,
    ) -> Result<restore::Outcome> {
        let (open, snapshot) = (|| target(url, &context.cancel), self.repository.find(name)?);
        retry::run(context, open()?, &open, &mut |target, sent| {
            restore::attempt(context, &self.repository, &snapshot, target, options, sent)
        })
    }
}

/// Rolls the only run back.
pub(super) fn rolled_back(url: &str) -> Result<rollback::Outcome> {
    rolled_back_in(&context(&Silent, &Cancel::default()), url, Duration::from_secs(5))
}

/// Rolls the only run back.
pub(super) fn rolled_back_in(context: &Context<'_>, url: &str, wait: Duration) -> Result<rollback::Outcome> {
    let options = rollback::Options { lock_timeout: wait, ..rollback_options() };
    rollback::rollback(context, &mut *target(url, &context.cancel)?, &options)
}

/// As the command does it: tried again where that may help.
pub(super) fn rolled_back_patiently(context: &Context<'_>, url: &str) -> Result<rollback::Outcome> {
    let (open, options) = (|| target(url, &context.cancel), rollback_options());
    let mut work =
        |target: &mut dyn Target, sent: &mut rollback::Doubt| rollback::attempt(context, target, &options, sent);
    let mut done = retry::run(context, open()?, &open, &mut work)?;
    Ok(done.remove(0))
}

/// Rolls the run of this name back.
pub(super) fn rolled_back_run(url: &str, wanted: &str) -> Result<rollback::Outcome> {
    let options = rollback::Options { wanted: Some(wanted.to_owned()), ..rollback_options() };
    rollback::rollback(&context(&Silent, &Cancel::default()), &mut *target(url, &Cancel::default())?, &options)
}

/// A rollback of the only run that destroys nothing of others and waits five seconds for locks.
pub(super) fn rollback_options() -> rollback::Options<'static> {
    rollback::Options {
        surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
        lock_timeout: Duration::from_secs(5),
        ..rollback::Options::default()
    }
}

/// A restore that refuses conflicts and waits five seconds for locks.
pub(super) fn options() -> restore::Options {
    restore::Options {
        marker: Marker::Columns,
        create: false,
        on_conflict: OnConflict::Fail,
        on_error: crate::run::quarantine::OnError::Abort,
        quarantine: None,
        keep_others: false,
        suspend_triggers: false,
        allow_lossy: false,
        streams: None,
        tables: Vec::new(),
        dry_run: false,
        lock_timeout: Duration::from_secs(5),
        surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
        map: crate::run::drift::Map::default(),
    }
}

/// A table's name as a policy spells it.
fn policy_name(table: &TableName) -> String {
    if table.schema.is_some() { table.to_string() } else { table.name.clone() }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    format!("{text:?}").replace("\\u{", "\\U{")
}
