//! A clone's whole life on every server: the frame of isolation with each server's own host.

use super::testing::{Line, SMALL, Server, context, on_every_server, small_rows};
use crate::engine::isolate::{How, Rung};
use crate::event::{Cancel, Silent};
use crate::run::isolate::{Ground, Mode};
use crate::secret::Address;
use std::sync::Arc;

on_every_server!(a_clone_is_lent_put_back_and_removed);

fn a_clone_is_lent_put_back_and_removed(server: &Server) {
    let from = server.with(&format!("{SMALL}\n{}", small_rows(0, 50)));
    let line = Line::new();
    line.capture(&from, "s").unwrap();
    let snapshot = line.repository.find("s").unwrap();
    let repository = Arc::new(line.repository);
    let (cancel, how) = (Cancel::default(), How::default());
    let context = context(&Silent, &cancel);
    let mut ground = Ground::open(&Address::new(&from), &cancel).unwrap();
    let template = ground.template(&context, &repository, &snapshot, false).unwrap();
    let before = server.content(&from).0;

    let mut leased = ground.lease(&context, &template, Mode::Reset).unwrap();
    let (name, url) = (leased.name.clone(), leased.address.expose().to_owned());
    assert_eq!(server.content(&url).0, before);
    assert_eq!(ground.reset(&context, &mut leased, &how, true).unwrap().rung, Rung::Clean);
    let change = "DELETE FROM child WHERE id BETWEEN 20 AND 29;
        UPDATE parent SET note = 'changed' WHERE id = 3; INSERT INTO parent VALUES (1000, 'c1000', NULL);";
    (server.script)(&url, change);
    let done = ground.reset(&context, &mut leased, &how, true).unwrap();
    assert_eq!((done.rung, done.rows, done.tables.len()), (Rung::Journal, 12, 2), "{done:?}");
    assert_eq!((done.verified, server.content(&url).0 == before), (Some(true), true));
    (server.script)(&url, "ALTER TABLE child ADD COLUMN more INTEGER;");
    let done = ground.reset(&context, &mut leased, &how, true).unwrap();
    assert_eq!((done.rung, done.verified), (Rung::Clone, Some(true)), "{done:?}");
    assert_eq!(leased.address.expose(), url, "whoever has the address gets there still");
    assert_eq!(server.content(&url).0, before);

    // Another program finds it by its name, and the next holder gets it.
    (server.script)(&url, change);
    let mut other = Ground::open(&Address::new(&from), &cancel).unwrap();
    let mut attached = other.attach(&name, &leased.address).unwrap();
    assert_eq!(other.reset_attached(&context, &mut attached, &how, false).unwrap().rows, 12);
    drop(attached);
    (server.script)(&url, change);
    ground.give_back(&context, leased).unwrap();
    let again = other.lease(&context, &template, Mode::Reset).unwrap();
    assert_eq!((again.name.as_str(), server.content(again.address.expose()).0 == before), (name.as_str(), true));
    assert!(!ground.evict(&template.name).unwrap(), "somebody has a clone of it");
    // Its holder is gone without a word.
    (server.script)(again.address.expose(), change);
    drop((again, other));
    let last = ground.lease(&context, &template, Mode::Reset).unwrap();
    assert_eq!((last.name.as_str(), server.content(last.address.expose()).0 == before), (name.as_str(), true));
    ground.discard(last).unwrap();
    assert!(ground.evict(&template.name).unwrap());
    let left = ground.entries().unwrap();
    assert!(left.iter().all(|it| it.entry.template != template.name), "{left:?}");
}
