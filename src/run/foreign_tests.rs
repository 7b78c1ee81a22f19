//! The whole line from one engine to another: the sample ERP in every direction there is a server for, and every type.

use super::fill_testing::fill;
use super::filled_tests::{MARIADB, POSTGRESQL, Server, keep_everything, schemas};
use super::load::OnConflict;
use super::repository::Repository;
use super::{Context, capture, keys, restore, rollback, state};
use crate::engine::mysql;
use crate::engine::postgres::testing::{script, server};
use crate::engine::postgres::tests::TYPES;
use crate::engine::sql::Sql;
use crate::engine::{self, Enforce, Query, Source, Target};
use crate::error::{Kind, Result};
use crate::event::{Cancel, Silent};
use crate::generate::sample;
use crate::mask::key::MasterKey;
use crate::model::schema::EngineKind::{self, Mariadb, Mysql, Postgres, Sqlite};
use crate::policy::{self, Policy};
use crate::seal::Member;
use crate::secret::{Address, Secret32};
use crate::store::memory::Memory;
use std::time::Duration;

/// The directions that the sample is sent in. A new engine is one line for each neighbour.
const DIRECTIONS: [(EngineKind, EngineKind); 2] = [(Postgres, Sqlite), (Sqlite, Postgres)];
const WITH_MARIADB: [(EngineKind, EngineKind); 4] =
    [(Mariadb, Sqlite), (Mariadb, Postgres), (Postgres, Mariadb), (Sqlite, Mariadb)];
const WITH_MYSQL: [(EngineKind, EngineKind); 6] =
    [(Mysql, Sqlite), (Mysql, Mariadb), (Mariadb, Mysql), (Mysql, Postgres), (Postgres, Mysql), (Sqlite, Mysql)];

/// The address of a new database, in `folder` where it is a file.
fn fresh(engine: EngineKind, folder: &tempfile::TempDir, name: &str) -> String {
    match engine {
        Sqlite => format!("sqlite:{}", folder.path().join(name).display()),
        Postgres => server().fresh(),
        Mysql => mysql::testing::Server::mysql().fresh(),
        Mariadb => mysql::testing::Server::mariadb().fresh(),
    }
}

fn source(url: &str) -> Box<dyn Source> {
    let address = Address::new(url);
    (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap()
}

fn target(url: &str) -> Box<dyn Target> {
    let address = Address::new(url);
    (engine::find(&address).unwrap().target)(&address, true, &Cancel::default()).unwrap()
}

fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 2 }
}

fn run_all(url: &str, statements: &[Sql]) {
    if !url.starts_with("sqlite:") && !url.starts_with("postgres") {
        // Statements of its own, because a change of shape ends a transaction there.
        let texts: Vec<&str> = statements.iter().map(Sql::text).collect();
        return mysql::testing::script(url, &texts.join(";\n"));
    }
    let mut target = target(url);
    target.begin(Enforce::Nothing).unwrap();
    for sql in statements {
        target.execute(sql).unwrap_or_else(|error| panic!("{error}: {}", sql.text()));
    }
    target.end(true).unwrap();
}

/// A store with one snapshot, called `s`.
fn captured(url: &str, policy: &str) -> Repository {
    let member = Member::generate();
    let store = Memory::new();
    keys::init(&store, &member).unwrap();
    let repository = Repository::open(Box::new(store), &member, &[]).unwrap();
    let mut opened = source(url);
    let catalogue = opened.catalogue().unwrap();
    let policy = Policy::parse("test.toml", policy).unwrap();
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, "dev", &master).unwrap();
    let options = capture::Options {
        name: "s".into(),
        environment: "dev".into(),
        policy: policy.proof(&master, "dev"),
        dry_run: false,
        expires: None,
        tags: std::collections::BTreeSet::new(),
        amount: capture::Amount::default(),
    };
    capture::capture(&context(), &mut *opened, &catalogue, &plan, &repository, &options).unwrap();
    repository
}

fn restored(
    repository: &Repository,
    url: &str,
    allow_lossy: bool,
    on_conflict: OnConflict,
) -> Result<restore::Outcome> {
    let options = restore::Options {
        marker: crate::run::marking::Marker::Columns,
        create: false,
        on_conflict,
        on_error: crate::run::quarantine::OnError::Abort,
        quarantine: None,
        keep_others: false,
        tables: Vec::new(),
        dry_run: false,
        lock_timeout: Duration::from_secs(5),
        surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
        allow_lossy,
        streams: None,
        suspend_triggers: true,
        map: crate::run::drift::Map::default(),
    };
    restore::restore(&context(), repository, &repository.find("s")?, &mut *target(url), &options)
}

fn rolled_back(url: &str) {
    let options = rollback::Options {
        surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
        lock_timeout: Duration::from_secs(5),
        ..rollback::Options::default()
    };
    rollback::rollback(&context(), &mut *target(url), &options).unwrap();
}

fn content(url: &str) -> String {
    let mut source = target(url);
    let catalogue = source.catalogue().unwrap();
    state::database_digest(&mut *source, &catalogue).unwrap()
}

/// All cells of a query as text, one line per row, sorted.
fn lines(url: &str, sql: &'static str, columns: usize) -> Vec<String> {
    let mut source = target(url);
    let sql = Sql::new(source.engine()).lit(sql);
    let mut found = Vec::new();
    let mut take = |batch: crate::model::batch::Batch| {
        for row in 0..batch.rows() {
            let cells = (0..columns).map(|at| String::from_utf8_lossy(batch.cell(row, at).bytes).into_owned());
            found.push(cells.collect::<Vec<_>>().join("|"));
        }
        Ok(())
    };
    source.read(&Query { sql, columns }, &mut take).unwrap();
    found.sort();
    found
}

fn counts(url: &str) -> Vec<(String, u64)> {
    let mut source = target(url);
    let tables = source.catalogue().unwrap().tables;
    let count = |table: &crate::model::schema::Table| {
        (table.name.to_string(), state::count(&mut *source, &table.name).unwrap())
    };
    tables.iter().map(count).collect()
}

/// Columns that all engines print alike.
const SAME: [(&str, usize); 4] = [
    ("SELECT id, code, name, email, phone, ssn, birth_date, country, tax_notes FROM clients", 9),
    ("SELECT order_id, line_no, quantity, line_total_cents FROM order_lines", 4),
    ("SELECT id, name, parent_id, species FROM strains", 4),
    ("SELECT source_file, client_name, amount FROM import_rows", 3),
];

/// Columns that each engine prints in its own way, in words of its own that make them alike.
fn own_words(engine: EngineKind) -> [(&'static str, usize); 3] {
    match engine {
        Sqlite => [
            ("SELECT id, lower(hex(label_image)), label_image IS NULL FROM products", 3),
            ("SELECT u.id, u.is_active, CAST(round(s.thc_percent * 1000) AS INTEGER) FROM users u, strains s", 3),
            ("SELECT user_id, \"DisplayName\", \"ApiToken\" FROM \"UserSettings\"", 3),
        ],
        Postgres => [
            ("SELECT id, coalesce(encode(label_image, 'hex'), ''), (label_image IS NULL)::int FROM products", 3),
            ("SELECT u.id, u.is_active::int, round(s.thc_percent * 1000)::int FROM users u, strains s", 3),
            ("SELECT user_id, \"DisplayName\", \"ApiToken\" FROM \"UserSettings\"", 3),
        ],
        Mysql | Mariadb => [
            ("SELECT id, coalesce(lower(hex(label_image)), ''), label_image IS NULL FROM products", 3),
            ("SELECT u.id, u.is_active, CAST(round(s.thc_percent * 1000) AS SIGNED) FROM users u, strains s", 3),
            ("SELECT user_id, DisplayName, ApiToken FROM UserSettings", 3),
        ],
    }
}

#[test]
fn p14_the_sample_goes_from_engine_to_engine_and_back_out() {
    there_and_back(&DIRECTIONS);
}

#[test]
fn the_sample_goes_to_and_from_mariadb() {
    there_and_back(&WITH_MARIADB);
}

#[test]
fn the_sample_goes_from_engine_to_engine_on_mysql() {
    there_and_back(&WITH_MYSQL);
}

fn there_and_back(directions: &[(EngineKind, EngineKind)]) {
    for &(from, to) in directions {
        let folder = tempfile::tempdir().unwrap();
        let (erp, dev) = (fresh(from, &folder, "erp.sqlite"), fresh(to, &folder, "dev.sqlite"));
        let twin = fresh(from, &folder, "twin.sqlite");
        run_all(&erp, &sample::script(from, 1));
        let repository = captured(&erp, super::demo::POLICY);
        restored(&repository, &twin, false, OnConflict::Fail).unwrap();

        let before = content(&dev);
        let error = restored(&repository, &dev, false, OnConflict::Fail).unwrap_err();
        assert_eq!(error.kind(), Kind::Drift);
        for part in ["views: client_balances", "triggers: orders.orders_audit"] {
            assert!(error.what().contains(part), "{from} to {to}: {error}");
        }
        assert!(error.hint_text().unwrap().contains("--allow-lossy"));
        assert_eq!(content(&dev), before, "refused");

        let done = restored(&repository, &dev, true, OnConflict::Fail).unwrap();
        assert_eq!(counts(&dev), counts(&twin), "{from} to {to}");
        assert_eq!(done.rows(), counts(&erp).iter().map(|(_, rows)| rows).sum::<u64>());
        for (sql, columns) in SAME {
            assert_eq!(lines(&dev, sql, columns), lines(&twin, sql, columns), "{from} to {to}: {sql}");
        }
        for ((here, columns), (there, _)) in own_words(to).into_iter().zip(own_words(from)) {
            assert_eq!(lines(&dev, here, columns), lines(&twin, there, columns), "{from} to {to}: {here}");
        }
        let again = restored(&repository, &dev, true, OnConflict::Fail).unwrap();
        assert!(again.unchanged, "{from} to {to}");
        if to == Sqlite {
            let database = rusqlite::Connection::open(folder.path().join("dev.sqlite")).unwrap();
            let broken = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
            assert_eq!(database.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], broken), Ok(0));
            let types = "SELECT count(*) FROM users WHERE typeof(is_active) <> 'integer' OR typeof(hired_on) <> 'text'";
            assert_eq!(database.query_row(types, [], broken), Ok(0));
            let blobs = "SELECT count(*) FROM products WHERE typeof(label_image) NOT IN ('blob', 'null')";
            assert_eq!(database.query_row(blobs, [], broken), Ok(0));
        }
        rolled_back(&dev);
        assert_eq!(content(&dev), before, "{from} to {to}");
    }
}

#[test]
fn a_schema_of_the_teams_own_migrations_needs_no_permission() {
    into_own_schema(&DIRECTIONS);
}

#[test]
fn a_schema_of_the_teams_own_migrations_is_filled_from_and_into_mariadb() {
    into_own_schema(&WITH_MARIADB);
}

#[test]
fn a_schema_of_the_teams_own_migrations_is_filled_on_mysql() {
    into_own_schema(&WITH_MYSQL);
}

fn into_own_schema(directions: &[(EngineKind, EngineKind)]) {
    for &(from, to) in directions {
        let folder = tempfile::tempdir().unwrap();
        let (erp, dev) = (fresh(from, &folder, "erp.sqlite"), fresh(to, &folder, "dev.sqlite"));
        run_all(&erp, &sample::script(from, 1));
        run_all(&dev, &sample::schema(to));
        let own =
            Sql::new(to).lit("INSERT INTO strains (id, name, species, thc_percent) VALUES (1, 'mine', 'indica', 1.5)");
        run_all(&dev, std::slice::from_ref(&own));
        let repository = captured(&erp, super::demo::POLICY);
        let before = content(&dev);
        let error = restored(&repository, &dev, false, OnConflict::Fail).unwrap_err();
        assert_eq!(error.kind(), Kind::Rejected, "{error}");
        assert_eq!(content(&dev), before);
        restored(&repository, &dev, false, OnConflict::Overwrite).unwrap();
        assert!(restored(&repository, &dev, false, OnConflict::Overwrite).unwrap().unchanged, "{from} to {to}");
        let edit = Sql::new(to).lit("UPDATE products SET name = 'edited' WHERE id = 1");
        run_all(&dev, std::slice::from_ref(&edit));
        assert!(!restored(&repository, &dev, false, OnConflict::Overwrite).unwrap().unchanged);
        rolled_back(&dev);
        assert_eq!(content(&dev), before, "{from} to {to}");
    }
}

#[test]
fn a_column_that_cannot_take_the_values_is_drift() {
    let folder = tempfile::tempdir().unwrap();
    let (erp, dev) = (server().fresh(), fresh(Sqlite, &folder, "dev.sqlite"));
    script(&erp, "CREATE TABLE t (id int PRIMARY KEY, note text, raw bytea); INSERT INTO t VALUES (1, 'x', '\\x00')");
    let policy = "version = 1\n[tables.t]\nmode = \"capture\"\nkeep = [\"id\", \"note\", \"raw\"]";
    let repository = captured(&erp, policy);
    run_all(&dev, &[Sql::new(Sqlite).lit("CREATE TABLE t (id INTEGER PRIMARY KEY, note INTEGER, raw TEXT)")]);
    let error = restored(&repository, &dev, true, OnConflict::Fail).unwrap_err();
    assert_eq!(error.kind(), Kind::Drift);
    let places: Vec<String> = error.differences().iter().map(crate::model::drift::Difference::place).collect();
    assert_eq!(places, ["note", "raw"]);
}

#[test]
fn every_type_of_postgresql_goes_into_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let (erp, dev) = (server().fresh(), fresh(Sqlite, &folder, "dev.sqlite"));
    script(&erp, TYPES);
    let catalogue = source(&erp).catalogue().unwrap();
    let mut policy = "version = 1\n".to_owned();
    // The name of the table alone is enough, and has no escapes.
    for table in &catalogue.tables {
        let keep: Vec<String> =
            table.stored_columns().iter().map(|&at| format!("{:?}", table.columns[at].name)).collect();
        policy.push_str(&format!("[tables.{:?}]\nmode = \"capture\"\nkeep = [{}]\n", table.name.name, keep.join(", ")));
    }
    let repository = captured(&erp, &policy);
    let error = restored(&repository, &dev, false, OnConflict::Fail).unwrap_err();
    assert!(error.what().contains("values: generated columns whose expression SQLite cannot say"), "{error}");
    assert!(error.what().contains("counters outside of an integer primary key"), "{error}");
    let before = content(&dev);
    restored(&repository, &dev, true, OnConflict::Fail).unwrap();
    assert!(restored(&repository, &dev, true, OnConflict::Fail).unwrap().unchanged);
    let sql = "SELECT \"select\", n2, typeof(f8), typeof(b), hex(b), bo, mood, ints, c, typeof(id), tz FROM \
        \"Other Schema__Types 'of' \"\"all\"\" 🌿\" ORDER BY id";
    let found = lines(&dev, sql, 11);
    let is_there = |start: &str| found.iter().any(|line| line.starts_with(start));
    assert!(is_there("NaN|1.5|null|blob|00FF5C0A|1|it's \"ok\"|{{1,NULL},{3,4}}|ab|integer|infinity"), "{found:?}");
    assert!(is_there("123456789012345678901234567890.123456789||real|blob||0|"), "{found:?}");
    rolled_back(&dev);
    assert_eq!(content(&dev), before);
}

#[test]
fn filled_schemas_of_postgresql_go_into_sqlite_and_mariadb() {
    for (_, schema) in schemas(&POSTGRESQL) {
        into_another(&POSTGRESQL, Sqlite, &schema);
        into_another(&POSTGRESQL, Mariadb, &schema);
    }
}

#[test]
fn filled_schemas_of_mariadb_go_into_sqlite_and_postgresql() {
    for (_, schema) in schemas(&MARIADB) {
        into_another(&MARIADB, Sqlite, &schema);
        into_another(&MARIADB, Postgres, &schema);
    }
}

fn into_another(server: &Server, to: EngineKind, schema: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (original, dev) = ((server.fresh)(), fresh(to, &folder, "dev.sqlite"));
    (server.script)(&original, schema);
    let filled = fill(&mut *target(&original), 1);
    let repository = captured(&original, &keep_everything(&source(&original).catalogue().unwrap()));
    let before = content(&dev);
    let place = format!("{} to {to}", server.engine);
    let done = restored(&repository, &dev, true, OnConflict::Fail).unwrap_or_else(|e| panic!("{place}: {e} {e:?}"));
    let rows: u64 = counts(&original).iter().map(|(_, rows)| rows).sum();
    assert!(rows >= filled.rows && done.rows() == rows, "{place}");
    assert!(restored(&repository, &dev, true, OnConflict::Fail).unwrap().unchanged, "{place}");
    if to == Sqlite {
        let database = rusqlite::Connection::open(folder.path().join("dev.sqlite")).unwrap();
        let broken =
            database.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get::<_, i64>(0));
        assert_eq!(broken, Ok(0), "{place}");
    }
    rolled_back(&dev);
    assert_eq!(content(&dev), before, "{place}");
}
