//! Ctrl-C: at every step and in the middle of long statements, soon, with nothing changed and nothing left running.

use super::testing::{
    Line, POSTGRES, SMALL, Server, context, on_every_server, options, rolled_back, rolled_back_in, small_rows, source,
    target,
};
use crate::engine::sql::Sql;
use crate::engine::{Enforce, Query};
use crate::error::{Kind, Result};
use crate::event::{Cancel, Event, Report, Silent};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

on_every_server!(
    an_interrupted_query_ends_on_the_server,
    an_interruption_at_any_step_changes_nothing,
    an_interrupted_wait_for_the_application_ends
);

/// How long an interrupted user waits at most. A loaded machine gets some more than the second that is aimed at.
const SOON: Duration = Duration::from_secs(3);

/// Interrupts at the event with this number.
struct At {
    number: usize,
    seen: AtomicUsize,
    cancel: Cancel,
}

impl At {
    fn new(number: usize) -> Self {
        Self { number, seen: AtomicUsize::new(0), cancel: Cancel::default() }
    }
}

impl Report for At {
    fn event(&self, _: &Event) {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.number {
            self.cancel.cancel();
        }
    }
}

/// Runs `work` with a token that is cancelled after `delay`, and wants it interrupted soon.
fn interrupted<T>(delay: Duration, work: impl FnOnce(&Cancel) -> Result<T>) {
    let cancel = Cancel::default();
    let pressed = cancel.clone();
    let key = std::thread::spawn(move || {
        std::thread::park_timeout(delay);
        pressed.cancel();
        Instant::now()
    });
    let error = work(&cancel).map(drop).unwrap_err();
    let took = key.join().unwrap().elapsed();
    assert_eq!(error.kind(), Kind::Interrupted, "{error}");
    assert!(took < SOON, "it took {took:?}");
}

fn an_interrupted_query_ends_on_the_server(server: &Server) {
    let url = (server.fresh)();
    let sleep = || Query { sql: Sql::new(server.kind).lit(server.sleep), columns: 1 };
    interrupted(Duration::from_millis(300), |cancel| source(&url, cancel)?.read(&sleep(), &mut |_| Ok(())));
    server.is_left_alone(&url, SOON);
    interrupted(Duration::from_millis(300), |cancel| {
        let mut target = target(&url, cancel)?;
        target.lock("a test", Duration::ZERO)?;
        target.begin(Enforce::Nothing)?;
        let done = target.execute(&sleep().sql);
        target.end(false)?;
        done
    });
    server.is_left_alone(&url, SOON);
}

fn an_interruption_at_any_step_changes_nothing(server: &Server) {
    let erp = server.with(&format!("{SMALL} {}", small_rows(0, 1500)));
    let url = server.with(&format!("{SMALL} {}", small_rows(10_000, 5)));
    let (line, before) = (Line::new(), server.content(&url));
    let mut steps = [0; 3];
    loop {
        let at = At::new(steps[0]);
        match line.capture_in(&context(&at, &at.cancel), &erp, "s") {
            Err(error) => assert_eq!(error.kind(), Kind::Interrupted, "{error}"),
            Ok(_) => break,
        }
        assert_eq!(line.snapshots(), 0);
        steps[0] += 1;
    }
    server.is_left_alone(&erp, SOON);
    loop {
        let at = At::new(steps[1]);
        match line.restore_in(&context(&at, &at.cancel), &url, "s", &options()) {
            Err(error) => assert_eq!(error.kind(), Kind::Interrupted, "{error}"),
            Ok(_) => break,
        }
        server.is_left_alone(&url, SOON);
        assert_eq!(server.content(&url), before, "restore, event {}", steps[1]);
        steps[1] += 1;
    }
    let during = server.content(&url);
    loop {
        let at = At::new(steps[2]);
        match rolled_back_in(&context(&at, &at.cancel), &url, SOON) {
            Err(error) => assert_eq!(error.kind(), Kind::Interrupted, "{error}"),
            Ok(_) => break,
        }
        server.is_left_alone(&url, SOON);
        assert_eq!(server.content(&url), during, "rollback, event {}", steps[2]);
        steps[2] += 1;
    }
    assert_eq!(server.content(&url), before);
    assert!(steps.iter().all(|steps| *steps >= 4), "{steps:?}");
}

/// A statement that waits for a transaction of the application is as long as that transaction.
fn an_interrupted_wait_for_the_application_ends(server: &Server) {
    let erp = server.with(&format!("{SMALL} {}", small_rows(0, 50)));
    let url = server.with(&format!("{SMALL} {}", small_rows(10_000, 5)));
    let (line, before) = (Line::new(), server.content(&url));
    line.capture(&erp, "s").unwrap();
    let hold = || {
        let mut application = target(&url, &Cancel::default()).unwrap();
        application.begin(Enforce::ForeignKeys).unwrap();
        application.execute(&Sql::new(server.kind).lit("UPDATE child SET note = 'busy'")).unwrap();
        application
    };
    let long = crate::run::restore::Options { lock_timeout: Duration::from_mins(1), ..options() };
    let application = hold();
    interrupted(Duration::from_millis(500), |cancel| line.restore_in(&context(&Silent, cancel), &url, "s", &long));
    drop(application);
    server.is_left_alone(&url, SOON);
    assert_eq!(server.content(&url), before);

    line.restore(&url, "s").unwrap();
    let during = server.content(&url);
    let application = hold();
    interrupted(Duration::from_millis(500), |cancel| {
        rolled_back_in(&context(&Silent, cancel), &url, Duration::from_mins(1))
    });
    drop(application);
    server.is_left_alone(&url, SOON);
    assert_eq!(server.content(&url), during);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}

/// PostgreSQL lets a check sleep, so that COPY, the merge and the rollback's UPDATE are busy for long.
#[test]
fn a_busy_statement_of_postgresql_is_ended() {
    let server = &POSTGRES;
    let slow = "CREATE FUNCTION slow(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN true; END $$;
        ALTER TABLE parent ADD CONSTRAINT slow CHECK (slow(id)) NOT VALID;";
    let line = Line::new();
    let erp = server.with(&format!("{SMALL} {}", small_rows(0, 400)));
    line.capture(&erp, "s").unwrap();
    let overwrite = crate::run::restore::Options { on_conflict: crate::run::load::OnConflict::Overwrite, ..options() };
    for (own, what) in [("", "COPY"), ("INSERT INTO parent VALUES (5000, 'x', NULL);", "merge")] {
        let url = server.with(&format!("{SMALL} {own} {slow}"));
        let before = server.content(&url);
        interrupted(Duration::from_millis(900), |cancel| {
            line.restore_in(&context(&Silent, cancel), &url, "s", &overwrite)
        });
        server.is_left_alone(&url, SOON);
        assert_eq!(server.content(&url), before, "{what}");
    }
    let others = small_rows(0, 400).replace("note ", "other ");
    let url = server.with(&format!("{SMALL} {others}"));
    line.restore_in(&context(&Silent, &Cancel::default()), &url, "s", &overwrite).unwrap();
    (server.script)(&url, slow);
    let during = server.content(&url);
    interrupted(Duration::from_millis(900), |cancel| rolled_back_in(&context(&Silent, cancel), &url, SOON));
    server.is_left_alone(&url, SOON);
    assert_eq!(server.content(&url), during);
}
