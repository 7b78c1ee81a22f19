//! Tests of PostgreSQL hosts: what they make, who gets in, and what is left of it.

use super::host;
use crate::engine::isolate::{Admission, Host, How, Outcome, Pristine, Resettable, Rung};
use crate::engine::postgres::testing::{plain, script, server};
use crate::engine::sql::Sql;
use crate::engine::{Query, Source, Target};
use crate::error::{Error, Kind, Result};
use crate::event::Cancel;
use crate::model::schema::{EngineKind, TableName};
use crate::run::state;
use crate::secret::Address;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A template with one clone of it, on the server of the tests. Both go with this.
pub(super) struct Bench {
    pub(super) host: Box<dyn Host>,
    pub(super) template: String,
    pub(super) clone: String,
    pub(super) admission: Admission,
    pub(super) open: Box<dyn Resettable>,
    made: Vec<String>,
}

/// Rows for tables that must be loaded again, as queries.
pub(super) struct Rows(pub(super) BTreeMap<&'static str, &'static str>);

impl Pristine for Rows {
    fn load(&mut self, target: &mut dyn Target, table: &TableName, into: Option<&TableName>) -> Result<u64> {
        let Some(rows) = self.0.get(table.name.as_str()) else { return Err(Error::store("no snapshot at hand")) };
        let sql = Sql::new(EngineKind::Postgres).lit("INSERT INTO ").table(into.unwrap_or(table)).lit(" ");
        target.execute(&sql.part(&Sql::rendered(EngineKind::Postgres, *rows)))
    }
}

pub(super) fn digest_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{:012x}", u64::from(std::process::id()) << 16 | COUNT.fetch_add(1, Ordering::Relaxed))
}

fn open_host(url: &str) -> Box<dyn Host> {
    host(&Address::new(url), &Cancel::default()).unwrap()
}

impl Bench {
    pub(super) fn new(schema: &str) -> Self {
        Self::on(&server().url("postgres"), schema)
    }

    /// On the server as whoever `url` names.
    pub(super) fn on(url: &str, schema: &str) -> Self {
        let digest = digest_name();
        let (template, clone) = (format!("terp_t_{digest}"), format!("terp_w_{digest}_1"));
        let mut host = open_host(url);
        host.create(&template).unwrap();
        script(host.address(&template).expose(), schema);
        host.seal(&template).unwrap();
        host.clone_template(&template, &clone).unwrap();
        let admission = host.admit(&template, &clone).unwrap();
        let open = host.open(&template, &clone).unwrap();
        let made = vec![clone.clone(), template.clone()];
        Self { host, template, clone, admission, open, made }
    }

    pub(super) fn url(&self) -> String {
        self.host.address(&self.clone).expose().to_owned()
    }

    /// Runs a script as the clone's user.
    pub(super) fn user(&self, text: &str) {
        script(self.admission.address.expose(), text);
    }

    pub(super) fn reset(&mut self) -> Outcome {
        self.reset_from(Rung::Journal, &mut Rows(BTreeMap::new()))
    }

    pub(super) fn reset_from(&mut self, from: Rung, rows: &mut Rows) -> Outcome {
        let how = How { from, wait: Duration::from_millis(300), ..How::default() };
        self.open.reset(&how, rows).unwrap()
    }

    /// Everything that a reset is to put back.
    pub(super) fn state(&self) -> String {
        state_of(&self.url())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for name in &self.made {
            drop(self.host.remove(name));
        }
    }
}

pub(super) fn texts(url: &str, query: &str) -> Vec<String> {
    let mut source = source(url);
    let query = Query { sql: Sql::rendered(EngineKind::Postgres, query), columns: 1 };
    let mut found = Vec::new();
    let read = source.read(&query, &mut |batch| {
        for row in 0..batch.rows() {
            found.push(String::from_utf8_lossy(batch.cell(row, 0).bytes).into_owned());
        }
        Ok(())
    });
    read.unwrap();
    found
}

pub(super) fn source(url: &str) -> Box<dyn Source> {
    (crate::engine::postgres::ENGINE.source)(&Address::new(url), &Cancel::default()).unwrap()
}

/// Rows of all tables, sequences and materialised views.
pub(super) fn state_of(url: &str) -> String {
    let mut source = source(url);
    let catalogue = source.catalogue().unwrap();
    let digest = format!("{:?}", state::database_digest(&mut *source, &catalogue).unwrap());
    let rest = texts(
        url,
        "SELECT c.relname || query_to_xml(CASE c.relkind WHEN 'S' THEN format('SELECT last_value, is_called FROM %I.%I', n.nspname, c.relname) \
         ELSE format('SELECT t::text FROM ONLY %I.%I t ORDER BY 1', n.nspname, c.relname) END, true, false, '')::text \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema|terp_fixtures)' \
         AND (c.relkind IN ('S', 'm') OR EXISTS (SELECT FROM pg_inherits i WHERE c.relkind = 'r' AND c.oid IN (i.inhrelid, i.inhparent))) ORDER BY c.relname",
    );
    format!("{digest} {rest:?}")
}

pub(super) fn rung(outcome: &Outcome) -> Rung {
    match outcome {
        Outcome::Done(done) => done.rung,
        Outcome::Spoiled(_) => Rung::Clone,
    }
}

const SMALL: &str = "CREATE TYPE mood AS ENUM ('ok', 'odd'); CREATE SCHEMA \"Side\"; CREATE TABLE t (id int PRIMARY KEY, m mood); \
    INSERT INTO t VALUES (1, 'ok'); CREATE TABLE \"Side\".s (id serial PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t; \
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE alone";

#[test]
fn a_clone_has_the_schema_of_its_template_and_nothing_else() {
    let plain = server().fresh();
    script(&plain, SMALL);
    let wanted = source(&plain).catalogue().unwrap();
    let mut bench = Bench::new(SMALL);
    assert!(bench.host.exists(&bench.template).unwrap() && bench.host.exists(&bench.clone).unwrap());
    assert!(bench.host.bytes(&bench.clone).unwrap() > 1_000_000);
    assert_eq!(bench.admission.unlimited, None);
    let found = source(&bench.url()).catalogue().unwrap();
    assert_eq!(found.tables, wanted.tables);
    assert_eq!((found.pre, found.post, found.own), (wanted.pre, wanted.post, wanted.own));
    // The user owns everything and reaches neither the journal nor another database of ours.
    bench.user("INSERT INTO t VALUES (2, 'odd'); SELECT nextval('alone'); CREATE TEMP TABLE x (a int); ALTER TABLE t ADD COLUMN more int");
    let user = bench.admission.address.clone();
    for (database, statement) in [
        (bench.clone.as_str(), "DELETE FROM terp_fixtures.journal"),
        (bench.template.as_str(), "SELECT 1"),
        ("terp_fixtures_registry", "SELECT 1"),
    ] {
        let address = super::names::address(&user, database, None);
        let session = crate::engine::postgres::connect::open(&address, "tests", false, &Cancel::default());
        let refused = session.and_then(|mut session| session.run(statement).map(drop));
        assert!(refused.is_err(), "{database}: {statement}");
    }
    let Outcome::Spoiled(why) = bench.reset() else { panic!("a column more is not seen") };
    assert!(why.contains("the schema was changed") && why.contains("column more of table t"), "{why}");
}

#[test]
fn a_clone_is_made_anew_for_the_same_user_and_removed_without_a_trace() {
    let mut bench = Bench::new(SMALL);
    let before = bench.state();
    bench.user("DROP TABLE t CASCADE");
    let Outcome::Spoiled(why) = bench.reset() else { panic!("a dropped table is not seen") };
    assert!(why.contains("table t"), "{why}");
    let error = bench.host.open(&bench.template, &bench.clone).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Drift);
    let again = bench.host.replace(&bench.template, &bench.clone, &bench.admission).unwrap();
    assert_eq!((&again.address, &again.unlimited), (&bench.admission.address, &None));
    bench.open = bench.host.open(&bench.template, &bench.clone).unwrap();
    assert_eq!((rung(&bench.reset()), bench.state()), (Rung::Clean, before));
    bench.user("INSERT INTO t VALUES (3, 'ok')");
    // A new password locks the old one out where passwords count; the account is the same.
    let other = bench.host.admit(&bench.template, &bench.clone).unwrap();
    script(other.address.expose(), "SELECT 1 FROM t");
    let roles = format!(
        "SELECT rolname FROM pg_roles WHERE rolname IN ('{}', '{}')",
        bench.clone,
        super::names::owner(&bench.template)
    );
    assert_eq!(texts(&server().url("postgres"), &roles).len(), 2);
    for name in [bench.template.clone(), bench.clone.clone()] {
        bench.host.remove(&name).unwrap();
        assert!(!bench.host.exists(&name).unwrap());
        bench.host.remove(&name).unwrap();
    }
    assert_eq!(texts(&server().url("postgres"), &roles).len(), 0);
}

#[test]
fn a_lock_has_one_holder_and_dies_with_it() {
    let name = digest_name();
    let url = server().url("postgres");
    let (mut one, mut other) = (open_host(&url), open_host(&url));
    let held = one.hold(&name, Duration::ZERO).unwrap().unwrap();
    let more = one.hold(&format!("{name} more"), Duration::ZERO).unwrap();
    assert!(more.is_some());
    for host in [&mut one, &mut other] {
        assert!(host.hold(&name, Duration::from_millis(10)).unwrap().is_none());
    }
    drop(held);
    let held = other.hold(&name, Duration::ZERO).unwrap();
    assert!(held.is_some() && one.hold(&name, Duration::ZERO).unwrap().is_none());
    drop((held, other));
    assert!(one.hold(&name, Duration::from_secs(5)).unwrap().is_some());
}

#[test]
fn names_that_are_taken_and_rights_that_are_missing_are_told() {
    let mut host = open_host(&server().url("postgres"));
    let name = format!("terp_t_{}", digest_name());
    host.create(&name).unwrap();
    assert_eq!(host.create(&name).unwrap_err().kind(), Kind::Guard);
    host.remove(&name).unwrap();
    // Somebody without CREATEDB.
    let mut poor = open_host(&plain(&server().fresh()));
    assert_eq!(poor.create(&name).unwrap_err().kind(), Kind::Guard);
    // Somebody who may make databases but no roles hands out the own account, and says so.
    let base = server().url("postgres");
    script(
        &base,
        "DO $$ BEGIN CREATE ROLE terp_alone LOGIN PASSWORD 'terp_alone' CREATEDB;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
    );
    let alone = super::names::address(&Address::new(&base), "postgres", Some(("terp_alone", "terp_alone")));
    let mut bench = Bench::on(alone.expose(), SMALL);
    assert!(bench.admission.unlimited.as_deref().is_some_and(|why| why.contains("CREATEROLE")));
    assert_eq!(bench.admission.address, bench.host.address(&bench.clone));
    let before = bench.state();
    bench.user("DELETE FROM t; SELECT nextval('alone')");
    assert_eq!((rung(&bench.reset()), bench.state()), (Rung::Journal, before));
    // A snapshot with a schema of our name.
    host.create(&name).unwrap();
    script(host.address(&name).expose(), "CREATE SCHEMA terp_fixtures");
    assert_eq!(host.seal(&name).unwrap_err().kind(), Kind::Guard);
    host.remove(&name).unwrap();
}
