//! Each test has a database of its own; what one leaves behind is gone when the next one gets it.

mod common;

use nextest_on_terp_fixtures::Clients;

fn pristine() -> Clients {
    let clients = Clients::open(&common::database());
    assert_eq!((clients.count(), clients.closed()), (120, 15));
    clients
}

#[test]
fn one_is_added() {
    let clients = pristine();
    clients.add("NEW-1");
    assert_eq!(clients.count(), 121);
}

/// The other tests add it too: were the database shared, its code would be taken.
#[test]
fn the_same_one_is_added_elsewhere() {
    let clients = pristine();
    clients.add("NEW-1");
    clients.add("NEW-2");
    assert_eq!(clients.count(), 122);
}

#[test]
fn all_are_closed() {
    let clients = pristine();
    clients.close_all();
    clients.add("NEW-1");
    assert_eq!((clients.count(), clients.closed()), (121, 120));
}

#[test]
fn closing_them_is_seen_nowhere_else() {
    let clients = pristine();
    clients.close_all();
    assert_eq!(clients.closed(), 120);
}
