//! Sudden ends at every statement of a restore and of a rollback: a connection that is cut at a message, a session that the
//! server ends behind a call, a file as it lies behind a call. Afterwards the database is what it was before or what it is to
//! be, never something between, and the next run works.

use super::proxy_testing::{Cut, Proxy};
use super::testing::{Line, SQLITE, Server, context, on_every_server, options, rollback_options, target};
use super::watched_testing::{Calls, Watched};
use crate::engine::sql::Sql;
use crate::engine::{Target, scalar};
use crate::error::{Kind, Result, Transient};
use crate::event::{Cancel, Silent};
use crate::model::schema::EngineKind;
use crate::run::load::OnConflict;
use crate::run::parallel::Streams;
use crate::run::{counters, ledger, restore, rollback, state};
use std::path::{Path, PathBuf};
use std::time::Duration;

on_every_server!(
    p14_a_connection_cut_at_any_message_leaves_before_or_after,
    p14_a_session_that_is_ended_behind_any_call_leaves_before_or_after
);

/// A composite key, references that go round in a cycle, one of a table to itself, and counters.
fn schema(server: &Server, with_visits: bool) -> String {
    let best = match server.kind {
        EngineKind::Sqlite => ["REFERENCES site (id)", ""],
        _ => ["", "ALTER TABLE region ADD CONSTRAINT best_site FOREIGN KEY (best) REFERENCES site (id);"],
    };
    let counted = match server.kind {
        EngineKind::Sqlite => "INTEGER PRIMARY KEY AUTOINCREMENT".to_owned(),
        _ => format!("{} PRIMARY KEY", server.dialect.identity),
    };
    let visits = if with_visits {
        format!(
            "CREATE TABLE visit (id {counted}, site BIGINT NOT NULL, at VARCHAR(30), FOREIGN KEY (site) REFERENCES site (id));"
        )
    } else {
        String::new()
    };
    format!(
        "CREATE TABLE region (part SMALLINT NOT NULL, id BIGINT NOT NULL, name VARCHAR(60), best BIGINT {}, PRIMARY KEY (part, id));
         CREATE TABLE site (id {counted}, part SMALLINT, region BIGINT, up BIGINT, code VARCHAR(40) UNIQUE, note TEXT,
            FOREIGN KEY (part, region) REFERENCES region (part, id), FOREIGN KEY (up) REFERENCES site (id));
         {} {visits}",
        best[0], best[1]
    )
}

/// What the snapshot holds.
fn captured_rows() -> String {
    let row = |n: u32| {
        format!(
            "INSERT INTO region VALUES ({}, {n}, 'region {n}', NULL);
             INSERT INTO site VALUES ({n}, {}, {n}, NULL, 'c{n}', 'note {n} ü🌿');
             UPDATE region SET best = {n} WHERE id = {n};
             UPDATE site SET up = {} WHERE id = {n};
             INSERT INTO visit VALUES ({n}, {n}, 'at {n}');",
            n % 3,
            n % 3,
            n.max(2) - 1
        )
    };
    (1..=9).map(row).collect()
}

/// What the target holds: rows under the same keys with other content and with the same one, and rows of its own that refer to them.
const OWN_ROWS: &str =
    "INSERT INTO region VALUES (1, 1, 'mine', NULL); INSERT INTO region VALUES (2, 2, 'region 2', NULL);
    INSERT INTO region VALUES (9, 9, 'my own', NULL);
    INSERT INTO site VALUES (1, 1, 1, NULL, 'c1', 'my note'); INSERT INTO site VALUES (100, 9, 9, 1, 'mine', NULL);
    UPDATE region SET best = 1 WHERE id = 9;";

/// All that tells two states of a database apart: content with schema, number of columns, counters, runs.
type Seen = (String, i64, String, Vec<String>);

/// Counts columns, but for those of a staging place, which may stay behind, and of the table that SQLite never drops.
fn columns(server: &Server) -> &'static str {
    match server.kind {
        EngineKind::Postgres => {
            "SELECT count(*) FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema') \
             AND table_schema NOT LIKE 'terp_fixtures_load_%'"
        }
        EngineKind::Sqlite => {
            "SELECT count(*) FROM sqlite_master m JOIN pragma_table_xinfo(m.name) WHERE m.name <> 'sqlite_sequence'"
        }
        EngineKind::Mysql | EngineKind::Mariadb => server.columns,
    }
}

/// Looks once nobody is at work any more, and what was left to the next one is taken up.
fn seen(server: &Server, url: &str) -> Seen {
    if server.kind != EngineKind::Sqlite {
        server.is_left_alone(url, Duration::from_secs(10));
    }
    let mut target = target(url, &Cancel::default()).unwrap();
    target.lock("a look", Duration::from_secs(10)).unwrap();
    let live = target.catalogue().unwrap();
    let content = state::database_digest(&mut *target, &live).unwrap();
    let columns = scalar(&mut *target, Sql::new(server.kind).lit(columns(server))).unwrap();
    let counted = live.tables.iter().filter(|table| table.counter);
    let counters: Vec<_> =
        counted.map(|table| (table.name.to_string(), counters::value(&mut *target, &table.name).unwrap())).collect();
    let runs = ledger::runs(&mut *target, &live).unwrap().into_iter().map(|run| run.id);
    (content, columns, format!("{counters:?}"), runs.collect())
}

/// What is ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Restore,
    Rollback,
}

impl Run {
    fn other(self) -> Self {
        if self == Self::Restore { Self::Rollback } else { Self::Restore }
    }
}

/// A database, a restore into it, and how it looks without and with that.
struct Scene<'a> {
    server: &'a Server,
    line: &'a Line,
    options: restore::Options,
    url: String,
    without: Seen,
    with: Seen,
}

impl<'a> Scene<'a> {
    /// Into an empty database, through a staging place.
    fn aside(server: &'a Server, line: &'a Line, url: String) -> Self {
        let streams = Some(Streams { least_rows: 0, stretch: 1 });
        Self::new(server, line, url, restore::Options { streams, ..options() })
    }

    /// Beside rows of the application and over some of them; a table is missing.
    fn merge(server: &'a Server, line: &'a Line, url: String) -> Self {
        (server.script)(&url, &format!("{} {OWN_ROWS}", schema(server, false)));
        let on_conflict = OnConflict::Overwrite;
        Self::new(server, line, url, restore::Options { create: true, on_conflict, ..options() })
    }

    fn new(server: &'a Server, line: &'a Line, url: String, options: restore::Options) -> Self {
        let without = seen(server, &url);
        let mut scene = Self { server, line, options, url, with: without.clone(), without };
        scene.run(Run::Restore, open(&scene.url)).unwrap();
        scene.with = seen(server, &scene.url);
        scene.run(Run::Rollback, open(&scene.url)).unwrap();
        assert_eq!(seen(server, &scene.url), scene.without, "a whole restore and a whole rollback");
        assert!(scene.with.0 != scene.without.0 && scene.with.3.len() == 1);
        scene
    }

    fn run(&self, what: Run, mut target: Box<dyn Target>) -> Result<()> {
        let context = context(&Silent, &Cancel::default());
        match what {
            Run::Restore => {
                let (repository, snapshot) = (&self.line.repository, self.line.repository.find("s")?);
                restore::restore(&context, repository, &snapshot, &mut *target, &self.options).map(drop)
            }
            Run::Rollback => rollback::rollback(&context, &mut *target, &rollback_options()).map(drop),
        }
    }

    /// How the database looks before and after a run.
    fn around(&self, what: Run) -> (&Seen, &Seen) {
        if what == Run::Restore { (&self.without, &self.with) } else { (&self.with, &self.without) }
    }

    /// Looks at what a sudden end has left, now and then also at what the next run makes of it, and goes back to the start.
    fn settles(&self, what: Run, url: &str, done: Option<&Result<()>>, point: usize, told: &str) {
        let (before, after) = self.around(what);
        let now = seen(self.server, url);
        let told = format!("{what:?}, {told}: {done:?}");
        assert!(now == *before || now == *after, "neither before nor after: {told}\n{now:?}\n{before:?}\n{after:?}");
        let mut is_done = now == *after;
        match done {
            Some(Ok(())) => assert!(is_done, "{told}"),
            Some(Err(error)) => assert!(!is_done || error.transient() == Some(Transient::InDoubt), "{told}"),
            None => {}
        }
        if point.is_multiple_of(4) {
            match self.run(what, open(url)) {
                Ok(()) => {}
                Err(error) => assert!(is_done && error.kind() == Kind::Rollback, "the next run: {error}; {told}"),
            }
            assert_eq!(seen(self.server, url), *after, "the next run: {told}");
            is_done = true;
        }
        if is_done {
            self.run(what.other(), open(url)).unwrap();
            assert!(!point.is_multiple_of(4) || seen(self.server, url) == *before, "back again: {told}");
        } else if what == Run::Restore && point.is_multiple_of(2) {
            // The others go on with what an interrupted load has left; this one begins anew.
            assert_eq!(self.run(Run::Rollback, open(url)).unwrap_err().kind(), Kind::Rollback, "{told}");
        }
    }
}

fn open(url: &str) -> Box<dyn Target> {
    target(url, &Cancel::default()).unwrap()
}

/// A store with the snapshot.
fn captured(server: &Server) -> Line {
    let line = Line::new();
    let erp = (server.fresh)();
    (server.script)(&erp, &format!("{} {}", schema(server, true), captured_rows()));
    line.capture(&erp, "s").unwrap();
    line
}

/// Tries a sweep on every scene, both ways; gives the number of points.
fn everywhere(server: &Server, sweep: &dyn Fn(&Scene<'_>, Run) -> usize) -> usize {
    let line = captured(server);
    let scenes = [Scene::aside(server, &line, (server.fresh)()), Scene::merge(server, &line, (server.fresh)())];
    let mut points = 0;
    for scene in &scenes {
        points += sweep(scene, Run::Restore);
        scene.run(Run::Restore, open(&scene.url)).unwrap();
        points += sweep(scene, Run::Rollback);
    }
    println!("{:?}: {points} points", server.kind);
    points
}

/// Up to forty places from the first to the last.
fn spread(first: u64, last: u64) -> impl Iterator<Item = u64> {
    let count = (last + 1 - first).min(40);
    (0..count).map(move |place| first + (last - first) * place / count.saturating_sub(1).max(1))
}

fn p14_a_connection_cut_at_any_message_leaves_before_or_after(server: &Server) {
    let points = everywhere(server, &|scene, what| {
        let proxy = Proxy::start(server, &scene.url, None);
        let opened = open(proxy.url());
        let first = proxy.messages();
        scene.run(what, opened).unwrap();
        let last = proxy.messages();
        scene.run(what.other(), open(&scene.url)).unwrap();
        let mut points = 0;
        for message in spread(first + 1, last) {
            // Now and then the message itself does not arrive either.
            let passes = !message.is_multiple_of(3);
            let proxy = Proxy::start(server, &scene.url, Some(Cut::Message(message, passes)));
            let done = target(proxy.url(), &Cancel::default()).and_then(|target| scene.run(what, target));
            points += usize::from(proxy.is_cut());
            drop(proxy);
            let told = format!("message {message} of {last}, it arrives: {passes}");
            scene.settles(what, &scene.url, Some(&done), points, &told);
        }
        points
    });
    // Together with the other test here, more than 280 on each server.
    assert!(points >= 140, "only {points} points");
}

fn p14_a_session_that_is_ended_behind_any_call_leaves_before_or_after(server: &Server) {
    let points = everywhere(server, &|scene, what| {
        let calls = Calls::new(|_, _| {});
        scene.run(what, Box::new(Watched::new(open(&scene.url), &calls))).unwrap();
        scene.run(what.other(), open(&scene.url)).unwrap();
        let spread: Vec<u64> = spread(1, calls.count() as u64).collect();
        for &call in &spread {
            let (url, script, kind) = (scene.url.clone(), server.script, server.kind);
            let killing = Calls::new(move |number, connection| {
                if number as u64 == call {
                    let end = match kind {
                        EngineKind::Postgres => format!("SELECT pg_terminate_backend({connection}, 5000)"),
                        _ => format!("KILL {connection}"),
                    };
                    script(&url, &end);
                }
            });
            let done = scene.run(what, Box::new(Watched::new(open(&scene.url), &killing)));
            let told = format!("call {call} of {}", calls.count());
            scene.settles(what, &scene.url, Some(&done), usize::try_from(call).unwrap(), &told);
        }
        spread.len()
    });
    // Together with the other test here, more than 280 on each server.
    assert!(points >= 140, "only {points} points");
}

/// The file, its journal and what else lies beside it are copied behind every call, as a dead process leaves them.
#[test]
fn p14_a_file_is_before_or_after_whenever_its_process_dies_on_sqlite() {
    let line = captured(&SQLITE);
    let folder = tempfile::tempdir().unwrap();
    let (mut points, mut hot) = (0, 0);
    for (name, make) in [("aside", Scene::aside as fn(_, _, _) -> _), ("merge", Scene::merge as fn(_, _, _) -> _)] {
        let live = folder.path().join(name);
        std::fs::create_dir(&live).unwrap();
        std::fs::File::create(live.join("a.sqlite")).unwrap();
        let scene: Scene<'_> = make(&SQLITE, &line, format!("sqlite:{}", live.join("a.sqlite").display()));
        for what in [Run::Restore, Run::Rollback] {
            let copies = folder.path().join(format!("{name} {what:?}"));
            std::fs::create_dir(&copies).unwrap();
            if scene.options.streams.is_some() && what == Run::Restore {
                // Only a file without a page has a staging place.
                std::fs::File::create(live.join("a.sqlite")).unwrap();
            }
            let count = copied(&scene, what, &live, &copies);
            for call in 1..=count {
                let copy = copies.join(call.to_string());
                hot += usize::from(std::fs::metadata(copy.join("a.sqlite-journal")).is_ok_and(|about| about.len() > 0));
                let url = format!("sqlite:{}", copy.join("a.sqlite").display());
                scene.settles(what, &url, None, call, &format!("{name}, call {call} of {count}"));
            }
            points += count;
        }
    }
    println!("{points} points, {hot} of them with a journal");
    assert!(points >= 200 && hot > 10, "only {points} points, {hot} of them with a journal");
}

/// Runs to the end, with a copy of the folder behind every call.
fn copied(scene: &Scene<'_>, what: Run, live: &Path, copies: &Path) -> usize {
    let (from, to): (PathBuf, PathBuf) = (live.to_owned(), copies.to_owned());
    let calls = Calls::new(move |number, _| {
        // By another process: closing a file here would give up the locks that SQLite has on it.
        let copy = std::process::Command::new("cp").arg("-r").arg(&from).arg(to.join(number.to_string())).status();
        assert!(copy.unwrap().success());
    });
    let mut target = open(&scene.url);
    // With room for one page, changed ones are written long before the commit.
    target.execute(&Sql::new(EngineKind::Sqlite).lit("PRAGMA cache_size = 1")).unwrap();
    scene.run(what, Box::new(Watched::new(target, &calls))).unwrap();
    calls.count()
}
