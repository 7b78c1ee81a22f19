//! The frame on a host of files: who gets what, and what is left when somebody is killed.

use super::testing::Files;
use super::{Ground, Limits, Mode, State, Template};
use crate::engine::isolate::{How, Rung};
use crate::error::Kind;
use crate::event::{Collected, Event};
use crate::run::repository::{Repository, Snapshot};
use crate::run::{Context, server_tests, state};
use std::path::Path;
use std::sync::Arc;

const SCHEMA: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE);
    CREATE TABLE \"odd \"\"child\" (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent, note BLOB);
    CREATE TABLE empty (id INTEGER PRIMARY KEY);
    CREATE INDEX notes ON \"odd \"\"child\" (note);
    CREATE VIEW codes AS SELECT code FROM parent;
    INSERT INTO parent VALUES (1, 'a'), (5, 'it''s');
    INSERT INTO \"odd \"\"child\" VALUES (1, 1, x'00ff'), (2, 5, NULL);";

const POLICY: &str = "version = 1
    [tables.parent]
    mode = \"capture\"
    keep = [\"id\", \"code\"]
    [tables.'odd \"child']
    mode = \"capture\"
    keep = [\"id\", \"parent_id\", \"note\"]
    [tables.empty]
    mode = \"capture\"
    keep = [\"id\"]";

/// A store with one snapshot, and a folder for the host.
struct World {
    folder: tempfile::TempDir,
    repository: Arc<Repository>,
    snapshot: Snapshot,
    source: String,
}

fn context() -> Context<'static> {
    server_tests::context()
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(SCHEMA).unwrap();
        let source = format!("sqlite:{}", path.display());
        let repository = Arc::new(server_tests::captured(&source, POLICY));
        let snapshot = repository.snapshots().unwrap().0.pop().unwrap();
        Self { folder, repository, snapshot, source }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn template(&self, ground: &mut Ground) -> Template {
        ground.template(&context(), &self.repository, &self.snapshot, false).unwrap()
    }

    fn run(&self, name: &str, sql: &str) {
        let path = self.path().join(format!("{name}.sqlite"));
        rusqlite::Connection::open(path).unwrap().execute_batch(&format!("PRAGMA foreign_keys = 0; {sql}")).unwrap();
    }

    /// Templates and clones that are there as files, whatever the registry says.
    fn databases(&self) -> usize {
        let files = std::fs::read_dir(self.path()).unwrap().map(|file| file.unwrap().file_name());
        files
            .filter(|name| name.to_string_lossy().starts_with("terp_") && name.to_string_lossy().ends_with("sqlite"))
            .count()
    }
}

fn content(url: &str) -> String {
    let mut source = server_tests::source(url);
    let catalogue = source.catalogue().unwrap();
    assert!(catalogue.own.tables.is_empty() && catalogue.own.marked.is_empty());
    state::database_digest(&mut *source, &catalogue).unwrap()
}

#[test]
fn a_clone_is_the_source_and_nothing_else() {
    let world = World::new();
    let mut ground = Files::ground(world.path());
    let template = world.template(&mut ground);
    assert_eq!(template.size(), (3, 4));
    let leased = ground.lease(&context(), &template, Mode::Reset).unwrap();
    assert_eq!(content(leased.address.expose()), content(&world.source));
    let names: Vec<String> =
        ground.entries().unwrap().into_iter().map(|it| format!("{} {}", it.entry.state.word(), it.in_use)).collect();
    assert_eq!(names, ["ready false", "leased true"]);
}

#[test]
fn a_reset_says_what_it_did_and_proves_it() {
    let world = World::new();
    let mut ground = Files::ground(world.path());
    let template = world.template(&mut ground);
    let mut leased = ground.lease(&context(), &template, Mode::Reset).unwrap();
    let how = How::default();
    let report = ground.reset(&context(), &mut leased, &how, true).unwrap();
    assert_eq!((report.rung, report.rows, report.verified), (Rung::Clean, 0, Some(true)));
    world.run(&leased.name, "DELETE FROM parent; DROP TABLE empty");
    assert_eq!(ground.differing(&context(), &leased).unwrap().len(), 2);
    let report = ground.reset(&context(), &mut leased, &how, true).unwrap();
    assert_eq!((report.rung, report.rows, report.verified), (Rung::Journal, 1, Some(true)));
    // What the fake calls spoiled.
    world.run(&leased.name, "CREATE TABLE x AS SELECT zeroblob(2000000) AS a");
    let report = ground.reset(&context(), &mut leased, &how, true).unwrap();
    assert_eq!((report.rung, report.rows, report.notes.len()), (Rung::Clone, 4, 1));
    std::fs::remove_file(world.path().join(format!("{}.sqlite", leased.name))).unwrap();
    leased.open = None;
    let report = ground.reset(&context(), &mut leased, &how, true).unwrap();
    assert_eq!(
        (report.rung, report.notes.as_slice()),
        (Rung::Clone, ["the database was dropped".to_owned()].as_slice())
    );
    // A template that is not what the snapshot is.
    world.run(&template.name, "DELETE FROM parent WHERE id = 5");
    let error = ground.reset(&context(), &mut leased, &how, true).unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected);
    assert!(error.what().ends_with("clone: parent"), "{error}");
}

#[test]
fn who_comes_next_gets_it_put_back() {
    let world = World::new();
    let mut ground = Files::ground(world.path());
    let template = world.template(&mut ground);
    let before = content(&world.source);
    let first = ground.lease(&context(), &template, Mode::Reset).unwrap();
    let second = ground.lease(&context(), &template, Mode::Reset).unwrap();
    assert_ne!(first.name, second.name);
    world.run(&first.name, "INSERT INTO empty VALUES (1)");
    let (name, other) = (first.name.clone(), second.name.clone());
    ground.give_back(&context(), first).unwrap();
    // Somebody whose connection was not closed writes late.
    world.run(&name, "INSERT INTO empty VALUES (2)");
    let report = Collected::default();
    let told = Context { report: &report, ..context() };
    let again = ground.lease(&told, &template, Mode::Reset).unwrap();
    assert_eq!((again.name.as_str(), content(again.address.expose()) == before), (name.as_str(), true));
    let warned = report
        .events()
        .into_iter()
        .any(|event| matches!(event, Event::Warning { what, .. } if what.ends_with("given back: some")));
    assert!(warned);
    // One that is dropped without a word is as one whose holder was killed.
    world.run(&other, "INSERT INTO empty VALUES (3)");
    drop(second);
    let again = ground.lease(&context(), &template, Mode::Reset).unwrap();
    assert_eq!((again.name.as_str(), content(again.address.expose()) == before), (other.as_str(), true));
    ground.discard(again).unwrap();
    assert_eq!(ground.entries().unwrap().len(), 2);
}

#[test]
fn ten_programs_make_one_template_and_ten_clones() {
    let world = World::new();
    let names: Vec<(String, String)> = std::thread::scope(|scope| {
        let work = || {
            let mut ground = Files::ground(world.path());
            let template = world.template(&mut ground);
            let leased = ground.lease(&context(), &template, Mode::Reset).unwrap();
            world.run(&leased.name, "INSERT INTO empty VALUES (1)");
            (template.name, leased)
        };
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(work)).collect();
        let leased: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        leased.into_iter().map(|(template, leased)| (template, leased.name)).collect()
    });
    let clones: std::collections::BTreeSet<&String> = names.iter().map(|(_, clone)| clone).collect();
    assert_eq!((clones.len(), world.databases()), (10, 11));
    assert!(names.iter().all(|(template, _)| template == &names[0].0));
    let mut ground = Files::ground(world.path());
    assert_eq!(ground.clean(&context(), true).unwrap().removed.len(), 11);
    assert_eq!(world.databases(), 0);
}

/// What a program does with a host, from nothing to the end.
fn a_day(world: &World, mut ground: Ground) {
    let template = world.template(&mut ground);
    let mut first = ground.lease(&context(), &template, Mode::Reset).unwrap();
    world.run(&first.name, "INSERT INTO empty VALUES (1)");
    ground.reset(&context(), &mut first, &How { from: Rung::Clone, ..How::default() }, false).unwrap();
    world.run(&first.name, "INSERT INTO empty VALUES (1)");
    ground.give_back(&context(), first).unwrap();
    let again = ground.lease(&context(), &template, Mode::Fresh).unwrap();
    ground.discard(again).unwrap();
    ground.clean(&context(), true).unwrap();
}

#[test]
fn whoever_is_killed_at_any_step_is_cleaned_up_after() {
    let world = World::new();
    let before = content(&world.source);
    for number in 1.. {
        for cleans in [false, true] {
            let is_done = Files::until_killed(world.path(), number, |ground| a_day(&world, ground));
            let mut ground = Files::ground(world.path());
            if cleans {
                ground.clean(&context(), false).unwrap();
                let left = ground.entries().unwrap();
                assert!(
                    left.iter().all(|it| it.entry.state == State::Ready && it.bytes.is_some()),
                    "{number}: {left:?}"
                );
                assert_eq!(world.databases(), left.len(), "{number}: something is there that nobody lists");
            }
            let template = world.template(&mut ground);
            let leased = ground.lease(&context(), &template, Mode::Reset).unwrap();
            assert_eq!(content(leased.address.expose()), before, "killed behind call {number}");
            drop(leased);
            ground.clean(&context(), true).unwrap();
            assert_eq!((world.databases(), ground.entries().unwrap().len()), (0, 0), "killed behind call {number}");
            if is_done && cleans {
                assert!(number > 40, "a day has only {number} calls");
                return;
            }
        }
    }
}

#[test]
fn only_what_the_registry_lists_is_removed() {
    let world = World::new();
    let mut ground = Files::ground(world.path());
    let template = world.template(&mut ground);
    let held = ground.lease(&context(), &template, Mode::Reset).unwrap();
    // A database of somebody else under a name that would be next.
    let name = super::names::clone(&template.name, 2);
    std::fs::write(world.path().join(format!("{name}.sqlite")), "of somebody else").unwrap();
    let other = ground.lease(&context(), &template, Mode::Reset).unwrap();
    assert_eq!(other.name, super::names::clone(&template.name, 3));
    drop(other);
    let done = ground.clean(&context(), true).unwrap();
    assert_eq!((done.removed.len(), done.in_use), (1, vec![held.name.clone(), template.name.clone()]));
    drop(held);
    assert_eq!(ground.clean(&context(), true).unwrap().removed.len(), 2);
    assert_eq!(world.databases(), 1);
    // ... and under the template's.
    std::fs::write(world.path().join(format!("{}.sqlite", template.name)), "of somebody else").unwrap();
    let error = ground.template(&context(), &world.repository, &world.snapshot, false).unwrap_err();
    assert_eq!((error.kind(), world.databases()), (Kind::Guard, 2));
    assert!(ground.entries().unwrap().is_empty());
    let error = ground.attach("source", &held_address()).unwrap_err();
    assert_eq!(error.kind(), Kind::Guard);
}

fn held_address() -> crate::secret::Address {
    crate::secret::Address::new("sqlite:source.sqlite")
}

#[test]
fn no_more_than_the_limits_allow() {
    let world = World::new();
    let limits = Limits { clones: Some(2), templates: Some(1) };
    let mut ground = Files::ground(world.path()).limited(limits);
    let template = world.template(&mut ground);
    let _first = ground.lease(&context(), &template, Mode::Reset).unwrap();
    let second = ground.lease(&context(), &template, Mode::Reset).unwrap();
    assert_eq!(ground.lease(&context(), &template, Mode::Reset).unwrap_err().kind(), Kind::Locked);
    drop(second);
    ground.lease(&context(), &template, Mode::Fresh).unwrap();
    // Another snapshot takes the place of what is free.
    rusqlite::Connection::open(&world.source[7..])
        .unwrap()
        .execute_batch("DELETE FROM empty; INSERT INTO empty VALUES (9)")
        .unwrap();
    let repository = Arc::new(server_tests::captured(&world.source, POLICY));
    let snapshot = repository.snapshots().unwrap().0.pop().unwrap();
    let other = ground.template(&context(), &repository, &snapshot, false).unwrap();
    assert_ne!(other.name, template.name);
    let leased = ground.lease(&context(), &other, Mode::Reset).unwrap();
    assert_eq!(content(leased.address.expose()), content(&world.source));
    assert_eq!(ground.entries().unwrap().len(), 4);
    drop((_first, leased));
    world.template(&mut ground);
    let left: Vec<String> = ground.entries().unwrap().into_iter().map(|it| it.entry.template).collect();
    assert!(left.iter().all(|name| name == &template.name), "{left:?}");
}

#[test]
fn a_registry_of_a_newer_format_is_left_alone() {
    let world = World::new();
    drop(Files::ground(world.path()));
    world.run("registry", "UPDATE terp_fixtures_isolated_format SET format = 2");
    let error = Ground::on(Box::new(Files::new(world.path(), None))).unwrap_err();
    assert_eq!((error.kind(), error.hint_text().is_some()), (Kind::Guard, true));
    world.run(
        "registry",
        "UPDATE terp_fixtures_isolated_format SET format = 1; INSERT INTO terp_fixtures_isolated VALUES
        ('x', 'other', '', '', '', 'ready', '', 0, '', '', '', '', '', '')",
    );
    let error = Files::ground(world.path()).entries().unwrap_err();
    assert_eq!(error.kind(), Kind::Guard);
}
