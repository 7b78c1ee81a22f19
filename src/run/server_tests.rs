//! The whole line on servers: capture, restore, restore again, conflicts, rollback; and what goes wrong on the way.

mod audit_tests;
mod cancel_tests;
mod check_tests;
mod closure_tests;
mod concurrent_tests;
mod constraint_testing;
mod constraint_tests;
mod cut_tests;
mod dialect_testing;
mod drift_tests;
mod export_tests;
mod generate_tests;
mod ground_tests;
mod guard_tests;
mod isolation_testing;
mod isolation_tests;
mod kill_tests;
mod limit_tests;
mod lock_tests;
mod marking_tests;
mod mysql_tests;
mod parallel_tests;
mod pristine_tests;
mod property_tests;
mod proxy_testing;
mod quarantine_testing;
mod quarantine_tests;
mod random_tests;
mod retry_tests;
mod rollback_tests;
mod testing;
pub(super) mod watched_testing;

use super::load::OnConflict;
use super::readers::Readers;
use super::repository::Repository;
use super::{Context, capture, keys, restore, rollback, state};
use crate::engine::postgres::testing::{script, server};
use crate::engine::{self, Source, Target};
use crate::error::{Error, Kind, Result};
use crate::event::{Cancel, Silent};
use crate::mask::key::MasterKey;
use crate::policy::{self, Policy};
use crate::seal::Member;
use crate::secret::{Address, Secret32};
use crate::store::memory::Memory;
use std::time::Duration;

const SCHEMA: &str = "CREATE TYPE mood AS ENUM ('ok', 'odd one');
    CREATE TABLE parent (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text UNIQUE, name text, m mood,
        twice bigint GENERATED ALWAYS AS (id * 2) STORED, tags text[], n numeric);
    CREATE TABLE \"Child Table\" (id serial PRIMARY KEY, parent_id bigint REFERENCES parent ON DELETE CASCADE, at timestamptz);
    CREATE TABLE loose (note text);
    CREATE VIEW v AS SELECT name FROM parent;";

const POLICY: &str = "version = 1
    [tables.parent]
    mode = \"capture\"
    keep = [\"id\", \"code\", \"m\", \"tags\", \"n\"]
    columns = { name = \"full_name\" }
    [tables.\"Child Table\"]
    mode = \"capture\"
    keep = [\"id\", \"parent_id\", \"at\"]
    [tables.loose]
    mode = \"capture\"
    columns = { note = \"text_replace\" }";

/// Opens a database to read from.
pub(super) fn source(url: &str) -> Box<dyn Source> {
    let address = Address::new(url);
    (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap()
}

/// Opens a database to restore into.
pub(super) fn target(url: &str) -> Box<dyn Target> {
    let address = Address::new(url);
    (engine::find(&address).unwrap().target)(&address, true, &Cancel::default()).unwrap()
}

/// No screen, two workers.
pub(super) fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 2 }
}

/// The content of a database, and the number of its columns whatever they are called.
fn content(url: &str) -> (String, i64) {
    let mut source = source(url);
    let catalogue = source.catalogue().unwrap();
    let sql = engine::sql::Sql::new(source.engine()).lit(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
    );
    let columns = engine::scalar(&mut *source, sql).unwrap();
    (state::database_digest(&mut *source, &catalogue).unwrap(), columns)
}

/// Restores the snapshot `s`.
pub(super) fn restored(repository: &Repository, url: &str, on_conflict: OnConflict) -> Result<restore::Outcome> {
    let options = restore::Options {
        marker: crate::run::marking::Marker::Columns,
        create: false,
        on_conflict,
        on_error: crate::run::quarantine::OnError::Abort,
        quarantine: None,
        keep_others: false,
        // Where triggers cannot be kept silent, they step aside.
        suspend_triggers: true,
        tables: Vec::new(),
        dry_run: false,
        lock_timeout: Duration::from_secs(5),
        surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
        allow_lossy: false,
        streams: None,
        map: crate::run::drift::Map::default(),
    };
    restore::restore(&context(), repository, &repository.find("s")?, &mut *target(url), &options)
}

/// Rolls the only run back.
pub(super) fn rolled_back(url: &str) -> Result<rollback::Outcome> {
    let options = rollback::Options {
        surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
        lock_timeout: Duration::from_secs(5),
        ..rollback::Options::default()
    };
    rollback::rollback(&context(), &mut *target(url), &options)
}

/// A store in memory.
pub(super) fn empty_repository() -> Repository {
    let member = Member::generate();
    let store = Memory::new();
    keys::init(&store, &member).unwrap();
    Repository::open(Box::new(store), &member, &[]).unwrap()
}

/// A snapshot called `s`, captured by a policy.
pub(super) fn captured(url: &str, policy_text: &str) -> Repository {
    captured_in("dev", url, policy_text).unwrap()
}

/// The same for an environment, and what goes wrong.
pub(super) fn captured_in(environment: &str, url: &str, policy_text: &str) -> Result<Repository> {
    let repository = empty_repository();
    let mut opened = source(url);
    let catalogue = opened.catalogue().unwrap();
    let policy = Policy::parse("test.toml", policy_text).unwrap();
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, environment, &master)?;
    let options = capture::Options {
        name: "s".into(),
        environment: environment.into(),
        policy: policy.proof(&master, environment),
        dry_run: false,
        expires: None,
        tags: std::collections::BTreeSet::new(),
        amount: capture::Amount::default(),
    };
    capture::capture(&context(), &mut *opened, &catalogue, &plan, &repository, &options)?;
    Ok(repository)
}

#[test]
fn p14_the_whole_line_is_exact_on_postgresql() {
    let (erp, empty, used) = (server().fresh(), server().fresh(), server().fresh());
    script(&erp, SCHEMA);
    script(
        &erp,
        "INSERT INTO parent (code, name, m, tags, n) SELECT 'c' || i, 'Zyxo Qwv' || i, 'odd one', ARRAY['a', NULL, 'b,\"c'], 'NaN'
             FROM generate_series(1, 300) i;
         INSERT INTO \"Child Table\" (parent_id, at) SELECT 1 + i % 300, 'infinity' FROM generate_series(1, 900) i;
         INSERT INTO loose VALUES ('a note about nobody'), (NULL), ('')",
    );
    let repository = captured(&erp, POLICY);

    let before = content(&empty);
    assert_eq!(restored(&repository, &empty, OnConflict::Fail).unwrap().rows(), 1203);
    assert!(restored(&repository, &empty, OnConflict::Fail).unwrap().unchanged);
    rolled_back(&empty).unwrap();
    assert_eq!(content(&empty), before, "created and dropped");

    script(&used, SCHEMA);
    script(
        &used,
        "INSERT INTO parent (code, name) VALUES ('mine', 'me'); INSERT INTO \"Child Table\" (parent_id) VALUES (1)",
    );
    let before = content(&used);
    assert_eq!(restored(&repository, &used, OnConflict::Fail).map(drop).unwrap_err().kind(), Kind::Rejected);
    assert_eq!(content(&used), before, "refused");
    for on_conflict in [OnConflict::Skip, OnConflict::Overwrite] {
        restored(&repository, &used, on_conflict).unwrap();
        assert!(restored(&repository, &used, on_conflict).unwrap().unchanged);
        rolled_back(&used).unwrap();
        assert_eq!(content(&used), before, "{on_conflict:?}");
    }
    assert_eq!(restored(&repository, &erp, OnConflict::Skip).map(drop).unwrap_err().kind(), Kind::Guard);
}

#[test]
fn the_number_of_readers_changes_no_byte() {
    let url = server().fresh();
    // A composite key, a gap, negative numbers, most rows near one end, and rows that lie in another order than the key's.
    script(
        &url,
        "CREATE TABLE big (a bigint, b text, note text, PRIMARY KEY (a, b));
         INSERT INTO big SELECT CASE WHEN i % 10 = 0 THEN -i * 1000 ELSE i / 2 END, 'k' || i, 'Zyxo Qwv ' || i
             FROM generate_series(150000, 1, -1) i",
    );
    let mut rows: Vec<Vec<u8>> = Vec::new();
    for jobs in [1, 2, 4] {
        let mut source = source(&url);
        let table = source.catalogue().unwrap().tables.remove(0);
        let mut readers = Readers::new(&mut *source, jobs);
        assert_eq!(readers.count(), 1);
        let mut seen = Vec::new();
        let read = readers.read(&table, &[], 150_000, &mut |batch| {
            for cell in (0..batch.rows()).flat_map(|row| (0..3).map(move |column| (row, column))) {
                seen.extend_from_slice(batch.cell(cell.0, cell.1).bytes);
                seen.push(b'\n');
            }
            Ok(())
        });
        assert_eq!((read.unwrap(), readers.count()), (150_000, jobs));
        rows.push(seen);
        // Whoever stops reading stops every reader, and hears its own error.
        let stop = readers.read(&table, &[], 150_000, &mut |_| Err(Error::policy("enough")));
        assert_eq!(stop.unwrap_err().kind(), Kind::Policy);
    }
    assert!(rows.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn readers_see_one_state_without_any_privilege() {
    let url = server().fresh();
    script(
        &url,
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000);
         DROP ROLE IF EXISTS terp_reader; CREATE ROLE terp_reader LOGIN; GRANT SELECT ON t TO terp_reader;
         ALTER ROLE terp_reader SET default_transaction_read_only = on",
    );
    let (scheme, rest) = url.split_once("://").unwrap();
    let plain = format!("{scheme}://terp_reader@{}", rest.split_once('@').unwrap().1);
    let mut first = source(&plain);
    let table = first.catalogue().unwrap().tables.remove(0);
    script(&url, "DELETE FROM t WHERE id > 10");
    let mut second = first.fork().unwrap().unwrap();
    let mut third = second.fork().unwrap().unwrap();
    for source in [&mut first, &mut second, &mut third] {
        assert_eq!(state::count(&mut **source, &table.name).unwrap(), 1000);
    }
    // A user that may not export snapshots, or a server without room, reads alone.
    script(&url, "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_export_snapshot() FROM PUBLIC");
    let mut alone = source(&plain);
    assert!(alone.fork().unwrap().is_none());
    assert_eq!(state::count(&mut *alone, &table.name).unwrap(), 10);
    script(&url, "GRANT EXECUTE ON FUNCTION pg_catalog.pg_export_snapshot() TO PUBLIC; ALTER ROLE terp_reader NOLOGIN");
    assert!(first.fork().unwrap().is_none());
    assert_eq!(state::count(&mut *first, &table.name).unwrap(), 1000);
    drop((first, second, third, alone));
    script(&url, "DROP OWNED BY terp_reader; DROP ROLE terp_reader");
    assert!(target(&url).fork().unwrap().is_none());
}

#[test]
fn a_refusal_while_merging_keeps_its_reason_on_postgresql() {
    let schema =
        "CREATE TABLE t (id bigint PRIMARY KEY, code text, live bool); CREATE UNIQUE INDEX one ON t (code) WHERE live";
    let (erp, used) = (server().fresh(), server().fresh());
    for (url, row) in [(&erp, "(1, 'x', true)"), (&used, "(2, 'x', true)")] {
        script(url, &format!("{schema}; INSERT INTO t VALUES {row}"));
    }
    let policy = "version = 1\n[tables.t]\nmode = \"capture\"\nkeep = [\"id\", \"code\", \"live\"]";
    let error = restored(&captured(&erp, policy), &used, OnConflict::Skip).map(drop).unwrap_err();
    assert!(error.to_string().contains("constraint one"), "{error}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("--table")));
}
