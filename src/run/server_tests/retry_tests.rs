//! Runs that are tried again: behind lost connections, commits without an answer and deadlocks; never twice in the target.

use super::proxy_testing::{Cut, Proxy};
use super::testing::{
    Line, MARIADB, MYSQL, POSTGRES, SMALL, Server, context, on_every_server, options, rolled_back,
    rolled_back_patiently, small_rows, target,
};
use crate::engine::Enforce;
use crate::engine::sql::Sql;
use crate::error::{Kind, Result};
use crate::event::{Cancel, Collected, Event, Report, Silent};
use crate::run::load::OnConflict;
use crate::run::{lock, restore, retry, rollback};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

on_every_server!(
    a_lost_connection_is_no_more_than_a_delay,
    a_commit_without_an_answer_is_looked_for,
    a_run_that_was_ended_by_release_does_not_come_back,
    what_nobody_can_tell_is_said,
    a_server_that_refuses_connections_is_tried_three_times
);

const ROWS: usize = 200;

/// A target with rows of its own, and a store with a snapshot that fits beside them.
fn target_and_line(server: &Server) -> (String, Line) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, ROWS))), "s").unwrap();
    (server.with(&format!("{SMALL} {}", small_rows(10_000, 5))), line)
}

/// Which tries were told, and how many tables were loaded in all of them.
fn told(report: &Collected) -> (Vec<u32>, usize) {
    let events = report.events();
    let tries = events.iter().filter_map(|event| match event {
        Event::Again { tries, .. } => Some(*tries),
        _ => None,
    });
    let loads = events.iter().filter(|event| matches!(event, Event::TableStarted { .. })).count();
    (tries.collect(), loads)
}

fn a_lost_connection_is_no_more_than_a_delay(server: &Server) {
    let (url, line) = target_and_line(server);
    let before = server.content(&url);
    // A whole run says how many messages there are.
    let proxy = Proxy::start(server, &url, None);
    line.restore(proxy.url(), "s").unwrap();
    let total = proxy.messages();
    drop(proxy);
    let during = server.content(&url);
    rolled_back(&url).unwrap();
    let mut again = 0;
    for place in 1..8 {
        let cut = Cut::Message(total * place / 8, place % 2 == 0);
        let proxy = Proxy::that_heals(server, &url, cut);
        let (report, cancel) = (Collected::default(), Cancel::default());
        // Before the first try begins there is no run that could begin again.
        match line.restore_patiently(&context(&report, &cancel), proxy.url(), "s", &options()) {
            Ok(done) => assert!(done.rows() == 3 * ROWS as u64 && !done.unchanged, "{cut:?}"),
            Err(error) => {
                assert!(error.kind() == Kind::Unreachable && report.events().is_empty(), "{cut:?}: {error}");
                line.restore(&url, "s").unwrap();
            }
        }
        again += told(&report).0.len();
        assert!(proxy.is_cut());
        drop(proxy);
        assert_eq!(server.content(&url), during, "{cut:?}");
        assert_eq!(rollback::runs(&mut *target(&url, &cancel).unwrap()).unwrap().len(), 1);
        assert!(line.restore(&url, "s").unwrap().unchanged, "{cut:?}");

        let proxy = Proxy::that_heals(server, &url, cut);
        let report = Collected::default();
        match rolled_back_patiently(&context(&report, &cancel), proxy.url()) {
            Ok(done) => assert_eq!(done.tables.iter().map(|taken| taken.deleted).sum::<u64>(), 3 * ROWS as u64),
            Err(error) => {
                assert!(error.kind() == Kind::Unreachable && report.events().is_empty(), "{cut:?}: {error}");
                rolled_back(&url).unwrap();
            }
        }
        again += told(&report).0.len();
        drop(proxy);
        assert_eq!(server.content(&url), before, "{cut:?}");
    }
    assert!(again >= 10, "only {again} tries");
    server.is_left_alone(&url, Duration::from_secs(5));
}

fn a_commit_without_an_answer_is_looked_for(server: &Server) {
    let (url, line) = target_and_line(server);
    let (before, cancel) = (server.content(&url), Cancel::default());
    for server_hears_it in [false, true] {
        let loads = if server_hears_it { 2 } else { 4 };
        let report = Collected::default();
        let proxy = Proxy::that_heals(server, &url, Cut::At(server.commit, server_hears_it));
        let done = line.restore_patiently(&context(&report, &cancel), proxy.url(), "s", &options()).unwrap();
        assert!(proxy.is_cut());
        assert!(!done.unchanged && done.rows() == 3 * ROWS as u64);
        assert_eq!(told(&report), (vec![1], loads), "{server_hears_it}: {:?}", report.events());
        assert!(line.restore(&url, "s").unwrap().unchanged);

        let report = Collected::default();
        let proxy = Proxy::that_heals(server, &url, Cut::At(server.commit, server_hears_it));
        let done = rolled_back_patiently(&context(&report, &cancel), proxy.url()).unwrap();
        assert_eq!(done.tables.iter().map(|taken| taken.deleted).sum::<u64>(), 3 * ROWS as u64);
        assert_eq!(told(&report).0, [1]);
        assert_eq!(server.content(&url), before);
    }
}

/// Ends the run that tells of its first table, as `lock release` does.
struct Released<'a>(&'a str, Mutex<Vec<JoinHandle<()>>>);
impl Report for Released<'_> {
    fn event(&self, event: &Event) {
        let mut keeping = self.1.lock().unwrap();
        if matches!(event, Event::TableStarted { .. }) && keeping.is_empty() {
            let mut looking = target(self.0, &Cancel::default()).unwrap();
            let holder = lock::status(&mut *looking).unwrap().unwrap();
            lock::release(&mut *looking, &holder).unwrap();
            keeping.push(std::thread::spawn(move || lock::keep_out(looking).unwrap()));
            let mut looking = target(self.0, &Cancel::default()).unwrap();
            while lock::status(&mut *looking).unwrap().is_none_or(|holder| holder.purpose != lock::RELEASE) {
                std::thread::park_timeout(Duration::from_millis(5));
            }
        }
    }
}

fn a_run_that_was_ended_by_release_does_not_come_back(server: &Server) {
    let (url, line) = target_and_line(server);
    let (before, cancel) = (server.content(&url), Cancel::default());
    let report = Released(&url, Mutex::default());
    let error = line.restore_patiently(&context(&report, &cancel), &url, "s", &options()).unwrap_err();
    assert!(error.kind() == Kind::Locked && error.to_string().contains("lock release"), "{error}");
    report.1.into_inner().unwrap().into_iter().for_each(|thread| thread.join().unwrap());
    server.is_left_alone(&url, Duration::from_secs(5));
    server.is_taken_up(&url);
    assert_eq!(server.content(&url), before);
}

/// Somebody else takes the run out that was just committed, before the ledger can be looked into.
fn what_nobody_can_tell_is_said(server: &Server) {
    let (url, line) = target_and_line(server);
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(500, 2))), "other").unwrap();
    let (context, snapshot) = (context(&Silent, &Cancel::default()), line.repository.find("s").unwrap());
    let proxy = Proxy::that_heals(server, &url, Cut::At(server.commit, true));
    let open = || target(proxy.url(), &Cancel::default());
    let mut tries = 0;
    let error = retry::run(&context, open().unwrap(), &open, &mut |target, sent| {
        tries += 1;
        if tries == 2 {
            line.restore(&url, "other").unwrap();
        }
        restore::attempt(&context, &line.repository, &snapshot, target, &options(), sent)
    });
    let error = error.unwrap_err();
    assert!(error.kind() == Kind::Unreachable && error.to_string().contains("not known"), "{error}");
    assert!(error.causes()[0].contains("somebody else has worked on the target"), "{:?}", error.causes());
    rolled_back(&url).unwrap();
}

fn a_server_that_refuses_connections_is_tried_three_times(server: &Server) {
    let url = (server.fresh)();
    let proxy = Proxy::start(server, &url, None);
    proxy.cut();
    let start = Instant::now();
    let error = target(proxy.url(), &Cancel::default()).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable, "{error}");
    // 200, 400 and 800 ms, each shortened by up to a half.
    assert!(start.elapsed() >= Duration::from_millis(700), "{:?}", start.elapsed());
}

/// A transaction of the application, in a thread of its own: it runs what it is sent, and is committed at the end.
struct Application {
    orders: Sender<&'static str>,
    done: Receiver<()>,
    thread: JoinHandle<Result<()>>,
}

impl Application {
    fn begin(url: &str) -> Self {
        let (orders, taken): (_, Receiver<&'static str>) = channel();
        let (does, done) = channel();
        let url = url.to_owned();
        let thread = std::thread::spawn(move || {
            let mut target = target(&url, &Cancel::default())?;
            target.begin(Enforce::ForeignKeys)?;
            for sql in taken {
                target.execute(&Sql::rendered(target.engine(), sql))?;
                does.send(()).unwrap();
            }
            target.end(true)
        });
        Self { orders, done, thread }
    }

    /// Runs a statement and waits for its end.
    fn does(&self, sql: &'static str) {
        self.orders.send(sql).unwrap();
        self.done.recv().unwrap();
    }

    fn ends(self) {
        drop(self.orders);
        self.thread.join().unwrap().unwrap();
    }
}

/// The restore has changed the one table and waits for the application at the other, which then wants the first.
#[test]
fn a_deadlock_is_tried_again_on_postgresql() {
    let (url, line) = target_and_line(&POSTGRES);
    let application = Application::begin(&url);
    application.does("UPDATE child SET note = 'busy' WHERE id = 10001");
    let watched = url.clone();
    let watcher = std::thread::spawn(move || {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
            AND application_name LIKE 'terp-fixtures: restore%' AND wait_event_type = 'Lock'";
        let start = Instant::now();
        while POSTGRES.count(&watched, waits) == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "the restore does not wait");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        application.does("UPDATE parent SET note = 'mine' WHERE id = 10001");
        application.ends();
    });
    let report = Collected::default();
    let done = line.restore_patiently(&context(&report, &Cancel::default()), &url, "s", &options()).unwrap();
    watcher.join().unwrap();
    assert_eq!((done.rows(), told(&report).0), (3 * ROWS as u64, vec![1]));
    let mine = "SELECT count(*) FROM parent p JOIN child c ON c.id = p.id WHERE p.note = 'mine' AND c.note = 'busy' \
        AND p.terp_fixture_run IS NULL AND c.terp_fixture_run IS NULL";
    assert_eq!(POSTGRES.count(&url, mine), 1);
    assert!(line.restore(&url, "s").unwrap().unchanged);
}

/// At the first table the application takes a row of the second one; at the second one it wants a row of the first.
struct InTheWay<'a> {
    server: &'a Server,
    url: &'a str,
    application: Mutex<Option<Application>>,
    ending: Mutex<Vec<JoinHandle<()>>>,
    seen: Collected,
}

impl Report for InTheWay<'_> {
    fn event(&self, event: &Event) {
        self.seen.event(event);
        let Event::TableStarted { table, .. } = event else { return };
        let mut slot = self.application.lock().unwrap();
        if table.name == "parent" && self.ending.lock().unwrap().is_empty() {
            let application = Application::begin(self.url);
            // The server ends the transaction that has changed less.
            application.does(
                "INSERT INTO heavy WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200) \
                 SELECT a.i * 1000 + b.i FROM n a JOIN n b",
            );
            application.does("UPDATE child SET note = 'busy' WHERE id = 1");
            *slot = Some(application);
        } else if let Some(application) = slot.take() {
            self.ending.lock().unwrap().push(std::thread::spawn(move || {
                application.does("UPDATE parent SET note = 'in the way' WHERE id = 1");
                application.ends();
            }));
            let Server { connections, statement, .. } = self.server;
            let waits = format!("{connections} AND {statement} LIKE 'UPDATE parent SET%'").leak();
            let start = Instant::now();
            while self.server.count(self.url, waits) == 0 {
                assert!(start.elapsed() < Duration::from_secs(20), "the application does not wait");
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
    }
}

fn a_deadlock_is_tried_again(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, ROWS))), "s").unwrap();
    let others = small_rows(0, ROWS).replace("'note ", "'other ").replace("NULL)", "'other')");
    let url = server.with(&format!("{SMALL} CREATE TABLE heavy (id INTEGER NOT NULL PRIMARY KEY); {others}"));
    let report = InTheWay {
        server,
        url: &url,
        application: Mutex::default(),
        ending: Mutex::default(),
        seen: Collected::default(),
    };
    let overwrite = restore::Options { on_conflict: OnConflict::Overwrite, ..options() };
    let done = line.restore_patiently(&context(&report, &Cancel::default()), &url, "s", &overwrite).unwrap();
    report.ending.into_inner().unwrap().into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!((done.rows(), told(&report.seen).0), (3 * ROWS as u64, vec![1]));
    // What the application committed meanwhile is what comes back.
    rolled_back(&url).unwrap();
    let mine =
        "SELECT count(*) FROM parent p JOIN child c ON c.id = p.id WHERE p.note = 'in the way' AND c.note = 'busy'";
    assert_eq!(server.count(&url, mine), 1);
}

#[test]
fn a_deadlock_is_tried_again_on_mysql() {
    a_deadlock_is_tried_again(&MYSQL);
}

#[test]
fn a_deadlock_is_tried_again_on_mariadb() {
    a_deadlock_is_tried_again(&MARIADB);
}
