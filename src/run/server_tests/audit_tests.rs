//! The audit chain inside of a server's database: it lives with the runs, goes with the last one unless it is to stay, and tells of
//! tampering.

use super::testing::{Line, SMALL, Server, on_every_server, rolled_back, small_rows, target};
use crate::event::{Cancel, Silent};
use crate::model::audit::{Actor, Database, Deed};
use crate::run::audit::{self, chain, verify};
use crate::run::{Context, rollback};
use std::time::Duration;

on_every_server!(a_chain_goes_with_the_last_run_unless_it_is_kept, a_chain_that_was_edited_is_found);

/// Writes a deed of the target into the store's trail, as the command does.
fn told(line: &Line, url: &str, deed: &Deed) {
    let identity = target(url, &Cancel::default()).unwrap().identity().unwrap();
    let database = Some(Database { address: "test".into(), identity: Some(identity) });
    audit::record(&line.repository, Deed { database, ..deed.clone() }).unwrap();
}

fn findings(line: &Line, url: &str) -> Vec<String> {
    let mut target = target(url, &Cancel::default()).unwrap();
    verify::target(&mut *target, Some(&line.repository)).unwrap().findings
}

fn rows(url: &str) -> Vec<chain::Row> {
    chain::rows(&mut *target(url, &Cancel::default()).unwrap()).unwrap()
}

fn rolled_back_and_kept(url: &str) -> rollback::Outcome {
    let context = Context { report: &Silent, cancel: Cancel::default(), jobs: 2 };
    let options = rollback::Options {
        surroundings: crate::run::surroundings::Surroundings::on_this_machine(),
        lock_timeout: Duration::from_secs(5),
        actor: Actor { name: "x 'y' \\ 🌿".into(), ..Actor::default() },
        keep_audit: true,
        ..rollback::Options::default()
    };
    rollback::rollback(&context, &mut *target(url, &Cancel::default()).unwrap(), &options).unwrap()
}

fn a_chain_goes_with_the_last_run_unless_it_is_kept(server: &Server) {
    let (from, url) = (server.with(&format!("{SMALL}\n{}", small_rows(0, 20))), server.with(SMALL));
    let line = Line::new();
    line.capture(&from, "one").unwrap();
    line.capture(&from, "two").unwrap();
    let before = server.content(&url);
    assert!(rows(&url).is_empty() && findings(&line, &url).is_empty());
    for (name, length) in [("one", 1), ("two", 2)] {
        let done = line.restore(&url, name).unwrap();
        assert_eq!(rows(&url).len(), length);
        assert_eq!(done.deed.target.as_ref().map(|anchor| anchor.seq), Some(length as u64));
        told(&line, &url, &done.deed);
    }
    assert!(line.restore(&url, "two").unwrap().unchanged);
    assert_eq!(rows(&url).len(), 2, "what changes nothing writes nothing");
    assert_eq!(findings(&line, &url), Vec::<String>::new());
    let done = rolled_back(&url).unwrap();
    told(&line, &url, &done.deed);
    assert!(done.deed.target.unwrap().closed);
    assert_eq!(server.content(&url), before, "a rollback is exact");
    assert!(rows(&url).is_empty() && findings(&line, &url).is_empty());

    told(&line, &url, &line.restore(&url, "one").unwrap().deed);
    told(&line, &url, &rolled_back_and_kept(&url).deed);
    assert_eq!(rows(&url).len(), 2);
    assert!(rows(&url)[1].line.contains("x 'y' \\\\ 🌿"));
    assert_eq!(server.content(&url).0, before.0, "all but the chain is as before");
    told(&line, &url, &line.restore(&url, "two").unwrap().deed);
    assert_eq!(rows(&url).len(), 3);
    assert_eq!(findings(&line, &url), Vec::<String>::new());
}

fn a_chain_that_was_edited_is_found(server: &Server) {
    let (from, url) = (server.with(&format!("{SMALL}\n{}", small_rows(0, 5))), server.with(SMALL));
    let line = Line::new();
    line.capture(&from, "one").unwrap();
    for _ in 0..2 {
        told(&line, &url, &line.restore(&url, "one").unwrap().deed);
        told(&line, &url, &rolled_back_and_kept(&url).deed);
    }
    for edit in [
        "UPDATE terp_fixtures_audit SET line = replace(line, '\"dev\"', '\"tst\"') WHERE seq = 2",
        "UPDATE terp_fixtures_audit SET line = replace(line, '\"tst\"', '\"dev\"'), seq = 9 WHERE seq = 2",
        "UPDATE terp_fixtures_audit SET seq = 2 WHERE seq = 9; DELETE FROM terp_fixtures_audit WHERE seq = 4",
        "DELETE FROM terp_fixtures_audit",
        "DROP TABLE terp_fixtures_audit",
    ] {
        (server.script)(&url, edit);
        assert!(!findings(&line, &url).is_empty(), "{edit}");
    }
}
