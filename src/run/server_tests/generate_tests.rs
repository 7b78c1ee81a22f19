//! Made-up rows on every server: for the schema of the sample ERP, with every constraint and trigger that it has, into a database
//! of that schema; captured again they are the same, and a rollback leaves nothing.

use super::testing::{Line, SMALL, Server, context, on_every_server, rolled_back, target};
use crate::engine::{self, Enforce};
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::generate::profile::Profile;
use crate::generate::sample;
use crate::model::schema::EngineKind;
use crate::run::generate::{self, Options, Shape};
use crate::run::isolate::{Ground, Role};
use crate::run::restore;
use crate::secret::Address;
use crate::subset::Size;
use std::collections::{BTreeMap, BTreeSet};

on_every_server!(made_up_rows_are_taken_by_the_server_and_go_again, a_trigger_that_refuses_is_named);

fn options(name: &str) -> Options {
    Options {
        name: name.into(),
        size: Size::Small,
        rows: BTreeMap::new(),
        scenario: None,
        seed: 3,
        only_empty: false,
        infer: true,
        dry_run: false,
        prove: None,
        expires: None,
        tags: BTreeSet::new(),
    }
}

fn made_up_rows_are_taken_by_the_server_and_go_again(server: &Server) {
    let (shape, used) = ((server.fresh)(), (server.fresh)());
    let cancel = Cancel::default();
    for url in [&shape, &used] {
        let mut target = target(url, &cancel).unwrap();
        target.begin(Enforce::Nothing).unwrap();
        for sql in sample::schema(server.kind) {
            target.execute(&sql).unwrap();
        }
        target.end(true).unwrap();
    }
    let line = Line::new();
    let context = context(&Silent, &cancel);
    let make = |name: &str| {
        let address = Address::new(&shape);
        let source = (engine::find(&address).unwrap().source)(&address, &cancel).unwrap();
        let shape = Shape::Database(source);
        generate::generate(&context, shape, &Profile::default(), Some(&line.repository), &options(name)).unwrap()
    };
    let made = make("s");
    let rows: u64 = made.tables.iter().map(|(_, rows, _)| rows).sum();
    assert!(rows >= 500 && made.tables.iter().all(|(_, rows, _)| *rows > 0), "{:?}", made.tables);
    assert_eq!(make("again").stored.unwrap().uploaded_packs, 0, "the same seed makes the same rows");

    let before = server.content(&used);
    // MySQL cannot keep triggers silent.
    let quiet = restore::Options { suspend_triggers: true, ..super::testing::options() };
    assert_eq!(line.restore_in(&context, &used, "s", &quiet).unwrap().rows(), rows);
    line.capture(&used, "back").unwrap();
    let digests = |name: &str| {
        let manifest = line.repository.find(name).unwrap().manifest;
        manifest.tables.into_iter().map(|entry| (entry.table, entry.rows)).collect::<Vec<_>>()
    };
    assert_eq!(digests("back"), digests("s"));
    rolled_back(&used).unwrap();
    assert_eq!(server.content(&used), before);
}

const REFUSING_ON_POSTGRESQL: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'hunter2'; END $$;
    CREATE TRIGGER no_parents BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION refuse();";
const REFUSING_ON_MYSQL: &str = "CREATE TRIGGER no_parents BEFORE INSERT ON parent FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'hunter2';";

fn a_trigger_that_refuses_is_named(server: &Server) {
    let trigger = if server.kind == EngineKind::Postgres { REFUSING_ON_POSTGRESQL } else { REFUSING_ON_MYSQL };
    let shape = server.with(&format!("{SMALL}{trigger}"));
    let address = Address::new(&shape);
    let line = Line::new();
    let cancel = Cancel::default();
    let make = |asked: Options| {
        let source = (engine::find(&address).unwrap().source)(&address, &cancel).unwrap();
        let (shape, profile) = (Shape::Database(source), Profile::default());
        generate::generate(&context(&Silent, &cancel), shape, &profile, Some(&line.repository), &asked)
    };
    let proved = |name| Options { prove: Some(address.clone()), ..options(name) };
    let error = make(proved("s")).unwrap_err();
    let what = error.what();
    assert_eq!(error.kind(), Kind::Rejected, "{what}");
    assert!(what.contains("rows of parent: a trigger") && what.contains("triggers: no_parents"), "{what}");
    assert!(
        what.contains("rows hanging on refused ones") && !what.contains("child") && !what.contains("hunter2"),
        "{what}"
    );
    // Nothing is left of it, and without the rows that it refuses the rest goes in.
    let mut ground = Ground::open(&address, &cancel).unwrap();
    assert!(ground.entries().unwrap().iter().all(|listed| listed.entry.role != Role::Scratch || listed.in_use));
    let without = BTreeMap::from([("parent".to_owned(), 0)]);
    make(Options { rows: without, ..proved("t") }).unwrap();
}
