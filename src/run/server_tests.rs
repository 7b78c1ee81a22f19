//! The whole line on servers: capture, restore, restore again, conflicts, rollback.

use super::load::OnConflict;
use super::repository::Repository;
use super::{Context, capture, keys, restore, rollback, state};
use crate::engine::postgres::testing::{script, server};
use crate::engine::{self, Source, Target};
use crate::error::{Kind, Result};
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

fn restored(repository: &Repository, url: &str, on_conflict: OnConflict) -> Result<restore::Outcome> {
    let options = restore::Options {
        create: false,
        on_conflict,
        keep_others: false,
        tables: Vec::new(),
        dry_run: false,
        lock_timeout: Duration::from_secs(5),
        environment: None,
        allow_lossy: false,
    };
    restore::restore(&context(), repository, &repository.find("s")?, &mut *target(url), &options)
}

fn rolled_back(url: &str) -> Result<rollback::Outcome> {
    let options =
        rollback::Options { wanted: None, force: false, dry_run: false, lock_timeout: Duration::from_secs(5) };
    rollback::rollback(&context(), &mut *target(url), &options)
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
    let member = Member::generate();
    let store = Memory::new();
    keys::init(&store, &member).unwrap();
    let repository = Repository::open(Box::new(store), &member, &[]).unwrap();
    let mut opened = source(&erp);
    let catalogue = opened.catalogue().unwrap();
    let policy = Policy::parse("test.toml", POLICY).unwrap();
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, "dev", &master).unwrap();
    let options = capture::Options {
        name: "s".into(),
        environment: "dev".into(),
        policy: policy.proof(&master),
        dry_run: false,
        expires: None,
    };
    capture::capture(&context(), &mut *opened, &catalogue, &plan, &repository, &options).unwrap();
    drop(opened);

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
