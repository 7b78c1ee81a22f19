//! An application writes into the same tables while a restore and a rollback work: its rows survive as it left them, and none
//! of them is marked.

use super::testing::{
    Line, POSTGRES, SMALL, SQLITE, Server, context, on_every_server, options, rolled_back_patiently, small_rows,
    source, target,
};
use crate::engine::sql::Sql;
use crate::engine::{Enforce, Query, Target};
use crate::error::Result;
use crate::event::{Cancel, Collected, Event, Report, Silent};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

on_every_server!(
    rows_written_during_a_merge_and_a_rollback_survive,
    rows_written_during_a_load_into_empty_tables_survive
);

mod on_sqlite {
    use super::SQLITE;

    #[test]
    fn rows_written_during_a_merge_and_a_rollback_survive() {
        super::rows_written_during_a_merge_and_a_rollback_survive(&SQLITE);
    }

    #[test]
    fn rows_written_during_a_load_into_empty_tables_survive() {
        super::rows_written_during_a_load_into_empty_tables_survive(&SQLITE);
    }
}

const ROWS: usize = 1000;

/// Keys of the application begin here.
const OWN: i64 = 1_000_000;

/// An application that inserts, changes and deletes rows in short transactions until it is told to stop.
struct Application {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU32>,
    thread: JoinHandle<BTreeMap<i64, String>>,
}

impl Application {
    fn start(url: &str) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (url, told, counted) = (url.to_owned(), Arc::clone(&stop), Arc::clone(&rounds));
        let thread = std::thread::spawn(move || {
            let (mut rows, mut round) = (BTreeMap::new(), 0);
            let mut connection = target(&url, &Cancel::default()).unwrap();
            while !told.load(Ordering::SeqCst) {
                // What meets a deadlock or waits too long is done again, as applications do.
                if let Ok(now) = write(&mut *connection, round, &rows) {
                    (rows, round) = (now, round + 1);
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                // SQLite has no queue: who never pauses keeps everybody else out.
                std::thread::park_timeout(Duration::from_millis(2));
            }
            rows
        });
        Self { stop, rounds, thread }
    }

    /// Waits until it has written some more.
    fn writes(&self) {
        let (start, before) = (Instant::now(), self.rounds.load(Ordering::SeqCst));
        while self.rounds.load(Ordering::SeqCst) < before + 5 {
            assert!(start.elapsed() < Duration::from_mins(1), "the application cannot write");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Stops it; the rows that it left, by key.
    fn end(self) -> BTreeMap<i64, String> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// One transaction: a new pair of rows, a change of an older one, now and then the end of one.
fn write(target: &mut dyn Target, round: i64, rows: &BTreeMap<i64, String>) -> Result<BTreeMap<i64, String>> {
    let (id, mut rows) = (OWN + round, rows.clone());
    let mut statements = vec![
        format!("INSERT INTO parent (id, code, note) VALUES ({id}, 'a{id}', 'new')"),
        format!("INSERT INTO child (id, parent_id, up, note) VALUES ({id}, {id}, NULL, 'new')"),
    ];
    rows.insert(id, "new".to_owned());
    if round >= 2 {
        statements.push(format!("UPDATE parent SET note = 'changed {round}' WHERE id = {}", id - 1));
        statements.push(format!("UPDATE child SET note = 'changed {round}' WHERE id = {}", id - 1));
        rows.insert(id - 1, format!("changed {round}"));
    }
    if round % 4 == 3 {
        statements.push(format!("DELETE FROM child WHERE id = {}", id - 2));
        statements.push(format!("DELETE FROM parent WHERE id = {}", id - 2));
        rows.remove(&(id - 2));
    }
    target.begin(Enforce::ForeignKeys)?;
    let engine = target.engine();
    let done = statements.iter().try_for_each(|text| target.execute(&Sql::rendered(engine, text)).map(drop));
    target.end(done.is_ok())?;
    done.map(|()| rows)
}

/// The rows of the application in a table, by key.
fn own_rows(server: &Server, url: &str, table: &'static str) -> BTreeMap<i64, String> {
    let sql = Sql::new(server.kind).lit("SELECT id, note FROM ").lit(table).lit(" WHERE id >= ").integer(OWN);
    let mut rows = BTreeMap::new();
    let mut source = source(url, &Cancel::default()).unwrap();
    source
        .read(&Query { sql, columns: 2 }, &mut |batch| {
            for row in 0..batch.rows() {
                let text = |column| String::from_utf8_lossy(batch.cell(row, column).bytes).into_owned();
                rows.insert(text(0).parse().unwrap(), text(1));
            }
            Ok(())
        })
        .unwrap();
    rows
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap()
}

/// Every row of the application is as it left it, and unmarked; ours are complete.
fn is_right(server: &Server, url: &str, line: &Line, rows: &BTreeMap<i64, String>) {
    for table in ["parent", "child"] {
        assert_eq!(own_rows(server, url, table), *rows, "{table}");
    }
    let marked = "SELECT (SELECT count(*) FROM parent WHERE terp_fixture_run IS NOT NULL AND id >= 1000000) + \
        (SELECT count(*) FROM child WHERE terp_fixture_run IS NOT NULL AND id >= 1000000)";
    assert_eq!(server.count(url, marked), 0);
    let ours = "SELECT (SELECT count(*) FROM parent WHERE terp_fixture_run IS NOT NULL) + \
        (SELECT count(*) FROM child WHERE terp_fixture_run IS NOT NULL)";
    assert_eq!(server.count(url, ours), number(3 * ROWS));
    assert!(line.restore(url, "s").unwrap().unchanged);
}

fn captured(server: &Server) -> Line {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, ROWS))), "s").unwrap();
    line
}

fn rows_written_during_a_merge_and_a_rollback_survive(server: &Server) {
    let line = captured(server);
    let url = server.with(&format!("{SMALL} {}", small_rows(20_000, 5)));
    let context = context(&Silent, &Cancel::default());
    let application = Application::start(&url);
    application.writes();
    assert_eq!(line.restore_patiently(&context, &url, "s", &options()).unwrap().rows(), 3 * ROWS as u64);
    application.writes();
    let rows = application.end();
    is_right(server, &url, &line, &rows);

    // It goes on with other keys; the rollback takes none of them and puts none back.
    for table in ["DELETE FROM child WHERE id >= 1000000", "DELETE FROM parent WHERE id >= 1000000"] {
        (server.script)(&url, table);
    }
    let application = Application::start(&url);
    application.writes();
    rolled_back_patiently(&context, &url).unwrap();
    application.writes();
    let rows = application.end();
    for table in ["parent", "child"] {
        assert_eq!(own_rows(server, &url, table), rows, "{table}");
    }
    assert_eq!(server.count(&url, "SELECT count(*) FROM parent"), 5 + number(rows.len()));
    assert_eq!(server.count(&url, "SELECT count(*) FROM child"), 10 + number(rows.len()));
}

/// Starts the application when the first table is loaded.
struct AtTheFirstTable {
    url: String,
    application: Mutex<Option<Application>>,
}

impl Report for AtTheFirstTable {
    fn event(&self, event: &Event) {
        if matches!(event, Event::TableStarted { .. }) {
            self.application.lock().unwrap().get_or_insert_with(|| Application::start(&self.url));
        }
    }
}

fn rows_written_during_a_load_into_empty_tables_survive(server: &Server) {
    let line = captured(server);
    let url = server.with(SMALL);
    let report = AtTheFirstTable { url: url.clone(), application: Mutex::default() };
    let done = line.restore_patiently(&context(&report, &Cancel::default()), &url, "s", &options()).unwrap();
    assert_eq!(done.rows(), 3 * ROWS as u64);
    let application = report.application.into_inner().unwrap().unwrap();
    application.writes();
    let rows = application.end();
    is_right(server, &url, &line, &rows);
    rolled_back_patiently(&context(&Silent, &Cancel::default()), &url).unwrap();
    assert_eq!(server.count(&url, "SELECT count(*) FROM parent"), number(rows.len()));
}

/// Somebody whose transaction waits for the rollback while the rollback waits for it. Returns how often the rollback began again.
fn in_each_others_way(line: &Line) -> usize {
    let server = &POSTGRES;
    let url = server.with(SMALL);
    line.restore(&url, "s").unwrap();
    let mut blocker = target(&url, &Cancel::default()).unwrap();
    let mut change = |text| blocker.execute(&Sql::new(server.kind).lit(text)).map(drop);
    change("BEGIN").unwrap();
    change("UPDATE parent SET note = 'mine' WHERE id = 1").unwrap();
    let report = Collected::default();
    std::thread::scope(|scope| {
        let rollback = scope.spawn(|| rolled_back_patiently(&context(&report, &Cancel::default()), &url));
        while server.count(&url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0 {
            assert!(!rollback.is_finished(), "the rollback waits for nobody");
        }
        // Whoever waits first looks for a deadlock first, a second later, and gives way.
        drop(change("UPDATE child SET note = 'mine' WHERE id <= 2000"));
        change("ROLLBACK").unwrap();
        rollback.join().unwrap().unwrap();
    });
    assert_eq!(server.count(&url, "SELECT count(*) FROM parent") + server.count(&url, "SELECT count(*) FROM child"), 0);
    report.events().iter().filter(|event| matches!(event, Event::Again { .. })).count()
}

#[test]
fn a_rollback_that_meets_a_deadlock_begins_again_on_postgresql() {
    let line = captured(&POSTGRES);
    assert!((0..10).any(|_| in_each_others_way(&line) > 0), "there was no deadlock, or the rollback did not see it");
}
