//! What the users' specification promises, by its numbers, on every server. `docs/properties.md` is the map.

use super::testing::{Line, SMALL, Server, context, on_every_server, options, rolled_back_in, small_rows, target};
use crate::engine::sql::Sql;
use crate::error::Kind;
use crate::event::{Cancel, Collected, Event, Silent};
use crate::model::mark;
use crate::run::marking::Marker;
use crate::run::restore;
use std::time::Duration;

on_every_server!(
    p04_p05_the_lock_is_held_before_the_first_row_and_released_after,
    p08_p12_parents_are_loaded_before_their_children,
    p10_p11_running_twice_is_running_once,
    p13_markers_are_the_same_in_every_target,
    p14_children_are_deleted_before_their_parents,
    p20_insertions_are_told_by_table,
    p25_every_foreign_key_holds_or_nothing_is_changed,
);

/// A snapshot of ten parents and twenty children.
fn line(server: &Server) -> Line {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 10))), "s").unwrap();
    line
}

fn p04_p05_the_lock_is_held_before_the_first_row_and_released_after(server: &Server) {
    let (line, url) = (line(server), server.with(SMALL));
    let before = server.content(&url);
    let mut other = target(&url, &Cancel::default()).unwrap();
    other.lock("another run", Duration::ZERO).unwrap();
    let hasty = restore::Options { lock_timeout: Duration::from_millis(50), ..options() };
    let told = Collected::default();
    let error = line.restore_in(&context(&told, &Cancel::default()), &url, "s", &hasty).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.to_string().contains("another run"), "{error}");
    assert!(!told.events().iter().any(|event| matches!(event, Event::TableStarted { .. })), "a row before the lock");
    drop(other);
    server.is_left_alone(&url, Duration::from_secs(5));
    assert_eq!(server.content(&url), before);
    // Released on success, and on failure.
    line.restore(&url, "s").unwrap();
    assert_eq!(target(&url, &Cancel::default()).unwrap().holder().unwrap(), None);
    let unknown = restore::Options { tables: vec!["no such table".into()], ..options() };
    line.restore_in(&context(&Silent, &Cancel::default()), &url, "s", &unknown).unwrap_err();
    assert_eq!(target(&url, &Cancel::default()).unwrap().holder().unwrap(), None);
}

/// The tables in the order in which `events` tell of them.
fn order(events: &[Event], is_wanted: impl Fn(&Event) -> Option<String>) -> Vec<String> {
    events.iter().filter_map(is_wanted).collect()
}

fn p08_p12_parents_are_loaded_before_their_children(server: &Server) {
    for marker in [Marker::Columns, Marker::Ledger] {
        let (line, url, told) = (line(server), server.with(SMALL), Collected::default());
        let options = restore::Options { marker, ..options() };
        line.restore_in(&context(&told, &Cancel::default()), &url, "s", &options).unwrap();
        let started = |event: &Event| match event {
            Event::TableStarted { table, .. } => Some(table.name.clone()),
            _ => None,
        };
        assert_eq!(order(&told.events(), started), ["parent", "child"]);
    }
}

fn p10_p11_running_twice_is_running_once(server: &Server) {
    let (line, url) = (line(server), server.with(&format!("{SMALL} {}", small_rows(500, 3))));
    let once = line.restore(&url, "s").unwrap();
    let (content, marked) = (server.content(&url), marks(server, &url));
    let twice = line.restore(&url, "s").unwrap();
    assert_eq!((twice.unchanged, &twice.run), (true, &once.run));
    assert_eq!((server.content(&url), marks(server, &url)), (content, marked));
}

/// How many rows of both tables carry a marker, and how many different ones there are.
fn marks(server: &Server, url: &str) -> Vec<i64> {
    let mut target = target(url, &Cancel::default()).unwrap();
    let mut count = |of: &'static str| {
        let sql = Sql::new(server.kind).lit("SELECT count(").lit(of).name(mark::RUN_COLUMN).lit(") FROM ");
        ["parent", "child"].map(|table| crate::engine::scalar(&mut *target, sql.clone().name(table)).unwrap())
    };
    [count(""), count("DISTINCT ")].concat()
}

fn p13_markers_are_the_same_in_every_target(server: &Server) {
    let line = line(server);
    let runs = [server.with(SMALL), (server.fresh)()].map(|url| {
        let run = line.restore(&url, "s").unwrap().run;
        assert_eq!(marks(server, &url), [10, 20, 1, 1]);
        run
    });
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].starts_with("s@"), "{}", runs[0]);
}

fn p14_children_are_deleted_before_their_parents(server: &Server) {
    let (line, url, told) = (line(server), server.with(SMALL), Collected::default());
    let before = server.content(&url);
    line.restore(&url, "s").unwrap();
    rolled_back_in(&context(&told, &Cancel::default()), &url, Duration::from_secs(5)).unwrap();
    let done = |event: &Event| match event {
        Event::TableDone { table, rows, .. } => Some(format!("{} {rows}", table.name)),
        _ => None,
    };
    assert_eq!(order(&told.events(), done), ["child 20", "parent 10"]);
    assert_eq!(server.content(&url), before);
}

fn p20_insertions_are_told_by_table(server: &Server) {
    let (line, url, told) = (line(server), (server.fresh)(), Collected::default());
    line.restore_in(&context(&told, &Cancel::default()), &url, "s", &options()).unwrap();
    let done = |event: &Event| match event {
        Event::TableDone { table, rows, bytes, how, .. } => {
            assert!(*bytes > 0 && !how.is_empty());
            Some(format!("{} {rows}", table.name))
        }
        _ => None,
    };
    assert_eq!(order(&told.events(), done), ["parent 10", "child 20"]);
}

fn p25_every_foreign_key_holds_or_nothing_is_changed(server: &Server) {
    let (line, url) = (line(server), server.with(SMALL));
    let before = server.content(&url);
    let children = restore::Options { tables: vec!["child".into()], ..options() };
    let error = line.restore_in(&context(&Silent, &Cancel::default()), &url, "s", &children).unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected);
    assert!(error.to_string().contains("the foreign key "), "{error}");
    assert_eq!(server.content(&url), before);
    assert_eq!(line.restore(&url, "s").unwrap().foreign_keys, 2);
}
