//! The lock of a target: who holds it, and the end of a stuck holder.

use super::proxy_testing::{Proxy, Way};
use super::testing::{Line, SMALL, Server, on_every_server, options, rolled_back, small_rows, target};
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::run::{lock, restore};
use std::time::Duration;

on_every_server!(status_names_the_holder_and_release_ends_it, a_stuck_connection_is_ended, locked_tables_are_named);

fn status_names_the_holder_and_release_ends_it(server: &Server) {
    let url = (server.fresh)();
    let mut looking = target(&url, &Cancel::default()).unwrap();
    assert_eq!(lock::status(&mut *looking).unwrap(), None);
    let mut holding = target(&url, &Cancel::default()).unwrap();
    holding.lock("restore of s@0123456789ab", Duration::ZERO).unwrap();
    let holder = lock::status(&mut *looking).unwrap().unwrap();
    assert_eq!(holder.purpose, "restore of s@0123456789ab");
    assert!(holder.process > 0 && !holder.host.is_empty());
    assert!(holder.since.parse::<jiff::Timestamp>().is_ok(), "{}", holder.since);
    // Somebody else who has the number by now is not ended.
    let stranger = crate::engine::Holder { process: holder.process + 1, ..holder.clone() };
    lock::release(&mut *looking, &stranger).unwrap();
    assert_eq!(lock::status(&mut *looking).unwrap(), Some(holder.clone()));

    lock::release(&mut *looking, &holder).unwrap();
    assert_eq!(lock::status(&mut *looking).unwrap(), None);
    let sql = crate::engine::sql::Sql::new(server.kind).lit("SELECT 1");
    assert_eq!(crate::engine::scalar(&mut *holding, sql).unwrap_err().kind(), Kind::Unreachable);
    looking.lock("the next", Duration::ZERO).unwrap();
}

fn a_stuck_connection_is_ended(server: &Server) {
    // The client is gone, and the network does not say so: the server believes in its connection.
    let url = server.with(SMALL);
    let proxy = Proxy::start(server, &url, None);
    let mut gone = target(proxy.url(), &Cancel::default()).unwrap();
    gone.lock("restore of s@0123456789ab", Duration::ZERO).unwrap();
    gone.begin(crate::engine::Enforce::Nothing).unwrap();
    gone.execute(&crate::engine::sql::Sql::new(server.kind).lit("ALTER TABLE parent ADD COLUMN x INTEGER")).unwrap();
    proxy.freeze();
    let mut looking = target(&url, &Cancel::default()).unwrap();
    let holder = lock::status(&mut *looking).unwrap().unwrap();
    assert_eq!(looking.lock("another", Duration::from_millis(50)).unwrap_err().kind(), Kind::Locked);
    lock::release(&mut *looking, &holder).unwrap();
    drop(looking);
    assert!(proxy.passed(Way::ToServer) > 0);
    proxy.cut();
    drop(gone);
    server.is_left_alone(&url, Duration::from_secs(5));
}

/// MySQL also holds the parents of a table that is written.
fn names_a_table(error: &crate::error::Error) -> bool {
    ["table child", "table parent"].iter().any(|table| error.to_string().contains(table))
}

/// A transaction of the application that holds a table is waited for as long as the user says, and the table is named.
fn locked_tables_are_named(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 20))), "s").unwrap();
    let url = server.with(&format!("{SMALL} {}", small_rows(1000, 2)));
    let before = server.content(&url);
    let mut application = target(&url, &Cancel::default()).unwrap();
    let options = restore::Options { lock_timeout: Duration::from_millis(400), ..options() };
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    let hold = |application: &mut dyn crate::engine::Target| {
        let sql = crate::engine::sql::Sql::new(server.kind).lit("UPDATE child SET note = 'busy'");
        application.begin(crate::engine::Enforce::ForeignKeys).unwrap();
        application.execute(&sql).unwrap();
    };
    hold(&mut *application);
    let error = line.restore_in(&context, &url, "s", &options).unwrap_err();
    assert!(error.kind() == Kind::Locked && names_a_table(&error), "{error}");
    application.end(false).unwrap();
    assert_eq!(server.content(&url), before);

    line.restore(&url, "s").unwrap();
    let during = server.content(&url);
    hold(&mut *application);
    let error = super::testing::rolled_back_in(&context, &url, options.lock_timeout).unwrap_err();
    assert!(error.kind() == Kind::Locked && names_a_table(&error), "{error}");
    application.end(false).unwrap();
    assert_eq!(server.content(&url), during);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}
