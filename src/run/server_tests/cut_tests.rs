//! Cut connections: whatever byte is the last to pass, nothing is half done and the next run works.

use super::proxy_testing::{Cut, Proxy, Way};
use super::testing::{Line, SMALL, Server, on_every_server, rolled_back, small_rows};
use crate::error::{Kind, Result};
use std::time::Duration;

on_every_server!(
    a_cut_capture_publishes_nothing,
    a_cut_restore_changes_nothing,
    a_cut_rollback_changes_nothing,
    a_cut_commit_says_that_it_does_not_know
);

/// How many places a sweep tries each way.
const PLACES: u64 = 16;

/// Runs `work` through proxies that cut ever later, until it ends well without one.
fn sweep(server: &Server, url: &str, work: &dyn Fn(&str) -> Result<()>, after_cut: &dyn Fn(&str)) {
    // The first run is whole and says how much passes.
    let proxy = Proxy::start(server, url, None);
    work(proxy.url()).unwrap();
    let totals = [Way::ToServer, Way::ToClient].map(|way| (way, proxy.passed(way)));
    drop(proxy);
    after_cut("a whole run");
    for (way, total) in totals {
        assert!(total > 2_000, "{way:?}: only {total} bytes");
        for place in 0..=PLACES {
            let limit = total * place / PLACES + 40;
            let proxy = Proxy::start(server, url, Some(Cut::After(way, limit)));
            let done = work(proxy.url());
            let what = format!("a cut after {limit} of {total} bytes {way:?}: {done:?}");
            match done {
                // The last bytes are a goodbye, which nobody waits for; and one run's bytes are not quite the other's.
                Ok(()) => assert!(!proxy.is_cut() || limit + 200 > total, "{what}"),
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Unreachable, "{what}");
                    assert!(proxy.is_cut(), "{what}");
                }
            }
            drop(proxy);
            after_cut(&what);
        }
    }
}

fn a_cut_capture_publishes_nothing(server: &Server) {
    let erp = server.with(&format!("{SMALL} {}", small_rows(0, 1500)));
    let line = Line::new();
    let published = std::cell::Cell::new(0);
    let capture = |url: &str| {
        let done = line.capture(url, "s");
        published.set(published.get() + usize::from(done.is_ok()));
        done.map(drop)
    };
    sweep(server, &erp, &capture, &|what| {
        assert_eq!(line.snapshots(), published.get(), "{what}");
    });
    assert!((1..10).contains(&published.get()));
    server.is_left_alone(&erp, Duration::from_secs(5));
    line.capture(&erp, "s").unwrap();
    let empty = (server.fresh)();
    assert_eq!(line.restore(&empty, "s").unwrap().rows(), 4500);
}

/// A target with rows of its own, and a store with a snapshot that fits beside them.
fn target_and_line(server: &Server) -> (String, Line) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 1500))), "s").unwrap();
    (server.with(&format!("{SMALL} {}", small_rows(10_000, 5))), line)
}

/// Whatever the answer was: the content is the one before or, where a run was put in (and its answer lost), all of it.
fn settle(
    server: &Server,
    url: &str,
    before: &(String, String),
    during: Option<&(String, String)>,
    what: &str,
) -> bool {
    server.is_left_alone(url, Duration::from_secs(5));
    server.is_taken_up(url);
    let now = server.content(url);
    if &now == before {
        return false;
    }
    assert!(during.is_none_or(|during| during == &now), "neither before nor after: {what}");
    true
}

fn a_cut_restore_changes_nothing(server: &Server) {
    let (url, line) = target_and_line(server);
    let before = server.content(&url);
    let in_doubt = "not known";
    sweep(server, &url, &|url| line.restore(url, "s").map(drop), &|what| {
        if settle(server, &url, &before, None, what) {
            let is_told = [in_doubt, "are committed"].iter().any(|word| what.contains(word));
            assert!(what == "a whole run" || what.ends_with("Ok(())") || is_told, "{what}");
            assert!(line.restore(&url, "s").unwrap().unchanged, "{what}");
            rolled_back(&url).unwrap();
            assert_eq!(server.content(&url), before, "{what}");
        }
    });
    assert_eq!(line.restore(&url, "s").unwrap().rows(), 4500);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}

fn a_cut_rollback_changes_nothing(server: &Server) {
    let (url, line) = target_and_line(server);
    let before = server.content(&url);
    line.restore(&url, "s").unwrap();
    let during = server.content(&url);
    sweep(server, &url, &|url| rolled_back(url).map(drop), &|what| {
        server.is_left_alone(&url, Duration::from_secs(5));
        server.is_taken_up(&url);
        let now = server.content(&url);
        if now == before {
            let is_told = ["not known", "are committed"].iter().any(|word| what.contains(word));
            assert!(what == "a whole run" || what.ends_with("Ok(())") || is_told, "{what}");
            assert_eq!(rolled_back(&url).map(drop).unwrap_err().kind(), Kind::Rollback, "{what}");
            line.restore(&url, "s").unwrap();
        }
        assert!(line.restore(&url, "s").unwrap().unchanged, "{what}");
        assert_eq!(server.content(&url).1, during.1, "{what}");
    });
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}

fn a_cut_commit_says_that_it_does_not_know(server: &Server) {
    let (url, line) = target_and_line(server);
    let before = server.content(&url);
    for server_hears_it in [false, true] {
        let proxy = Proxy::start(server, &url, Some(Cut::At(server.commit, server_hears_it)));
        let error = line.restore(proxy.url(), "s").unwrap_err();
        assert!(proxy.is_cut());
        assert_eq!(error.kind(), Kind::Unreachable);
        assert!(error.to_string().contains("not known") && error.hint_text().unwrap().contains("again"), "{error}");
        assert!(!format!("{error} {:?}", error.causes()).contains("nothing was changed"), "{error:?}");
        drop(proxy);
        assert_eq!(settle(server, &url, &before, None, "a commit"), server_hears_it);
        // The same command finds out.
        assert_eq!(line.restore(&url, "s").unwrap().unchanged, server_hears_it);

        let proxy = Proxy::start(server, &url, Some(Cut::At(server.commit, server_hears_it)));
        let error = rolled_back(proxy.url()).unwrap_err();
        assert!(error.kind() == Kind::Unreachable && error.to_string().contains("not known"), "{error}");
        drop(proxy);
        server.is_left_alone(&url, Duration::from_secs(5));
        match rolled_back(&url) {
            Ok(_) => assert!(!server_hears_it),
            Err(error) => assert!(server_hears_it && error.to_string().contains("no run is in the target"), "{error}"),
        }
        assert_eq!(server.content(&url), before);
    }
}
