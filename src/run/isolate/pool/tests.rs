//! What holds of the pool, whoever supplies the clones.

use super::testing::Fake;
use super::*;
use crate::event::Collected;

fn want(snapshot: &str) -> Want {
    Want { snapshot: snapshot.to_owned(), mode: Mode::Reset, wait: Duration::from_secs(20), hold: Hold::Pool }
}

fn pool_of(fake: &Fake, clones: usize, templates: usize, makers: usize) -> (Pool, Arc<Collected>) {
    let report = Arc::new(Collected::default());
    let limits = Limits { clones, templates, makers };
    (Pool::new(Arc::new(fake.clone()), limits, Arc::clone(&report) as Arc<dyn Report>), report)
}

fn lines(fake: &Fake) -> Vec<String> {
    fake.book(|book| book.lines.clone())
}

/// Waits until the pool is as it should be.
fn until(pool: &Pool, is_so: impl Fn(&Status) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so(&pool.status()) {
        assert!(Instant::now() < end, "it never came to be: {pool:?}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

fn idle(status: &Status) -> usize {
    status.templates.iter().map(|template| template.idle).sum()
}

#[test]
fn a_lease_is_a_clone_that_nobody_else_has_until_it_is_put_back() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 2, 1, 1);
    let (first, second) = (pool.lease(&want("a")).unwrap(), pool.lease(&want("a")).unwrap());
    assert_ne!(first.database, second.database);
    assert_eq!(first.snapshot.name, "a");
    pool.give_back(&first.id).unwrap();
    let third = pool.lease(&want("a")).unwrap();
    assert_eq!(third.database, first.database);
    // Put back when it came home, and looked at once more for what was written afterwards.
    assert_eq!(lines(&fake), ["build a", "take 1", "take 2", "reset 1", "reset 1"]);
    assert!(pool.close(Ending::Remove).is_empty());
    assert_eq!(fake.book(|book| book.clones.len()), 0);
    assert_eq!(pool.lease(&want("a")).unwrap_err().kind(), crate::error::Kind::Interrupted);
}

#[test]
fn the_first_lease_waits_for_one_clone_and_the_others_are_made_behind_it() {
    let fake = Fake::default();
    fake.book(|book| book.held.extend(["take 2", "take 3"].map(str::to_owned)));
    let (pool, _) = pool_of(&fake, 3, 1, 2);
    pool.keep_ready("a", 3);
    let granted = pool.lease(&want("a")).unwrap();
    assert_eq!(granted.database, "terp_w_0123456789ab_1");
    fake.until(|book| ["take 2", "take 3"].iter().all(|take| book.lines.iter().any(|line| line == take)));
    fake.book(|book| book.held.clear());
    until(&pool, |status| idle(status) == 2);
    assert_eq!(fake.book(|book| (book.clones.len(), book.making.1)), (3, 2));
}

#[test]
fn no_more_clones_are_made_at_a_time_than_makers_and_never_more_than_the_cap() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 6, 3, 2);
    std::thread::scope(|scope| {
        for at in 0..24 {
            let pool = &pool;
            scope.spawn(move || {
                let granted = pool.lease(&want(["a", "b", "c"][at % 3])).unwrap();
                pool.reset(&granted.id, at % 2 == 0).unwrap();
                pool.give_back(&granted.id).unwrap();
            });
        }
    });
    until(&pool, |status| status.templates.iter().all(|template| template.resetting + template.making == 0));
    assert!(fake.book(|book| book.most <= 6 && book.making.1 <= 2), "{:?}", lines(&fake));
    assert!(pool.close(Ending::Return).is_empty());
    assert_eq!(fake.book(|book| book.clones.len()), 0);
}

#[test]
fn whoever_came_first_is_served_first_whatever_the_snapshot() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 1, 9, 1);
    let holder = pool.lease(&want("a")).unwrap();
    let snapshots = ["b", "a", "c", "a", "b"];
    let tickets: Vec<Ticket> = snapshots.iter().map(|snapshot| pool.enqueue(&want(snapshot)).unwrap()).collect();
    // Whoever waits for a template to be made lets others go first.
    until(&pool, |status| status.templates.iter().all(|template| template.snapshot.is_some()));
    let order = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (at, ticket) in tickets.iter().enumerate() {
            let (pool, order) = (&pool, &order);
            scope.spawn(move || {
                let granted = ticket.wait().unwrap();
                order.lock().unwrap().push(at);
                pool.give_back(&granted.id).unwrap();
            });
        }
        pool.give_back(&holder.id).unwrap();
    });
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(fake.book(|book| book.most), 1);
}

#[test]
fn a_wish_whose_time_is_over_says_what_it_waited_for_and_is_no_longer_in_the_queue() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 1, 1, 1);
    let holder = pool.lease(&want("a")).unwrap();
    let error = pool.lease(&Want { wait: Duration::ZERO, ..want("a") }).unwrap_err();
    assert_eq!(error.kind().exit_code(), 2);
    assert_eq!(
        error.what(),
        "no clone became free in time: 1 of 1 clones are in use, and this one is number 1 in the queue"
    );
    assert!(pool.status().waiting.is_empty());
    pool.give_back(&holder.id).unwrap();
    until(&pool, |status| idle(status) == 1);
}

#[test]
fn a_wish_that_is_given_up_gives_its_lease_back_whenever_that_is() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 1, 1, 1);
    let holder = pool.lease(&want("a")).unwrap();
    let waiting = pool.enqueue(&want("a")).unwrap();
    waiting.give_up();
    assert!(pool.status().waiting.is_empty());
    let granted = pool.enqueue(&want("a")).unwrap();
    pool.give_back(&holder.id).unwrap();
    until(&pool, |status| status.leases.len() == 1);
    granted.give_up();
    until(&pool, |status| status.leases.is_empty() && idle(status) == 1);
}

#[test]
fn leases_end_with_their_connection_or_without_a_heartbeat() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 3, 1, 1);
    let heartbeat = Want { hold: Hold::Heartbeat(Duration::from_mins(1)), ..want("a") };
    let by_connection = pool.lease(&Want { hold: Hold::Connection(7), ..want("a") }).unwrap();
    let by_heartbeat = pool.lease(&heartbeat).unwrap();
    let by_pool = pool.lease(&want("a")).unwrap();
    assert!(pool.is_held_by(7) && !pool.is_held_by(8));
    pool.connection_ended(8);
    pool.expire(Instant::now());
    assert_eq!(pool.status().leases.len(), 3);
    pool.connection_ended(7);
    assert!(pool.renew(&by_connection.id).is_err() && !pool.is_held_by(7));
    let now = Instant::now();
    let left = pool.renew(&by_heartbeat.id).unwrap().left.unwrap();
    assert!(left > Duration::from_secs(59));
    // Renewed after `now`, so a minute from then on is not over yet.
    pool.expire(now + Duration::from_mins(1));
    assert!(pool.renew(&by_heartbeat.id).is_ok());
    pool.expire(Instant::now() + Duration::from_secs(61));
    assert!(pool.reset(&by_heartbeat.id, false).is_err());
    assert_eq!(pool.renew(&by_pool.id).unwrap().left, None);
    until(&pool, |status| idle(status) == 2);
}

#[test]
fn the_watch_ends_leases_by_itself() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 1, 1, 1);
    std::thread::scope(|scope| {
        scope.spawn(|| pool.watch());
        // Long enough that it does not end before it is given out, on whatever machine.
        pool.lease(&Want { hold: Hold::Heartbeat(Duration::from_secs(2)), ..want("a") }).unwrap();
        until(&pool, |status| idle(status) == 1);
        assert!(pool.close(Ending::Remove).is_empty());
    });
}

#[test]
fn a_lease_that_ends_while_it_is_put_back_comes_home_afterwards() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 1, 1, 1);
    let granted = pool.lease(&want("a")).unwrap();
    fake.book(|book| book.held.insert("verify 1".to_owned()));
    std::thread::scope(|scope| {
        let reset = scope.spawn(|| pool.reset(&granted.id, true));
        fake.until(|book| book.lines.iter().any(|line| line == "verify 1"));
        assert_eq!(pool.reset(&granted.id, false).unwrap_err().kind().exit_code(), 2);
        pool.give_back(&granted.id).unwrap();
        assert!(pool.status().leases.is_empty());
        fake.book(|book| book.held.clear());
        assert!(reset.join().unwrap().is_err());
    });
    until(&pool, |status| idle(status) == 1);
}

#[test]
fn a_clone_that_was_written_to_after_its_lease_is_put_back_again_and_told_of() {
    let fake = Fake::default();
    let (pool, report) = pool_of(&fake, 1, 1, 1);
    let first = pool.lease(&want("a")).unwrap();
    pool.give_back(&first.id).unwrap();
    until(&pool, |status| idle(status) == 1);
    fake.book(|book| book.dirty.insert(1));
    pool.lease(&want("a")).unwrap();
    let told = report.events();
    let is_told = |event: &Event| matches!(event, Event::Warning { what, .. } if what.contains("in orders"));
    assert!(told.iter().any(is_told), "{told:?}");
}

#[test]
fn a_clone_that_cannot_be_put_back_goes_and_another_one_is_made() {
    let fake = Fake::default();
    let (pool, report) = pool_of(&fake, 1, 1, 1);
    let first = pool.lease(&want("a")).unwrap();
    fake.book(|book| book.failing.insert("reset 1".to_owned()));
    pool.give_back(&first.id).unwrap();
    let second = pool.lease(&want("a")).unwrap();
    assert_eq!(second.database, "terp_w_0123456789ab_2");
    assert!(!report.events().is_empty());
    // The same when that is seen only as the next one gets it.
    pool.give_back(&second.id).unwrap();
    until(&pool, |status| idle(status) == 1);
    fake.book(|book| book.failing.insert("reset 2".to_owned()));
    assert_eq!(pool.lease(&want("a")).unwrap().database, "terp_w_0123456789ab_3");
    assert_eq!(fake.book(|book| book.most), 1);
}

#[test]
fn what_cannot_be_made_is_told_to_those_who_wait_for_it_and_tried_again_by_the_next() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 2, 2, 1);
    fake.book(|book| book.failing.extend(["build a", "take 1"].map(str::to_owned)));
    let error = pool.lease(&want("a")).unwrap_err();
    assert_eq!((error.kind().exit_code(), error.what()), (9, "build a failed"));
    assert_eq!(error.hint_text(), Some("Try it again."));
    assert_eq!(pool.lease(&want("a")).unwrap_err().what(), "take 1 failed");
    assert_eq!(pool.lease(&want("a")).unwrap().database, "terp_w_0123456789ab_2");
}

#[test]
fn refilling_stops_where_nothing_can_be_made() {
    let fake = Fake::default();
    let (pool, report) = pool_of(&fake, 2, 1, 1);
    fake.book(|book| book.failing.insert("take 1".to_owned()));
    pool.keep_ready("a", 1);
    until(&pool, |_| report.events().iter().any(|event| matches!(event, Event::Warning { .. })));
    assert_eq!(lines(&fake), ["build a", "take 1"]);
    assert!(pool.lease(&want("a")).is_ok());
}

#[test]
fn the_clone_and_the_template_that_were_used_least_lately_make_room() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 2, 2, 1);
    for snapshot in ["a", "b", "a"] {
        let granted = pool.lease(&want(snapshot)).unwrap();
        pool.give_back(&granted.id).unwrap();
        until(&pool, |status| status.leases.is_empty() && idle(status) > 0);
        until(&pool, |status| status.templates.iter().all(|template| template.resetting == 0));
    }
    // Two clones lie ready, and both templates are there: b goes, with its clone.
    let granted = pool.lease(&want("c")).unwrap();
    assert_eq!(granted.snapshot.name, "c");
    let told = lines(&fake);
    assert!(told.contains(&"discard 2".to_owned()) && told.contains(&"evict b".to_owned()), "{told:?}");
    assert!(!told.contains(&"evict a".to_owned()));
    // A template that is in use does not go: whoever needs its place waits.
    pool.lease(&want("a")).unwrap();
    let error = pool.lease(&Want { wait: Duration::from_millis(1), ..want("b") }).unwrap_err();
    assert_eq!(error.kind().exit_code(), 2);
}

#[test]
fn a_fresh_clone_was_never_lent() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 1, 1, 1);
    let first = pool.lease(&want("a")).unwrap();
    pool.give_back(&first.id).unwrap();
    until(&pool, |status| idle(status) == 1);
    let fresh = pool.lease(&Want { mode: Mode::Fresh, ..want("a") }).unwrap();
    assert_eq!(fresh.database, "terp_w_0123456789ab_2");
    assert_eq!(fake.book(|book| book.most), 1);
}

#[test]
fn a_reset_counts_and_a_kept_clone_leaves_the_pool() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 1, 1, 1);
    let granted = pool.lease(&want("a")).unwrap();
    fake.book(|book| book.dirty.insert(1));
    let (granted, done) = pool.reset(&granted.id, true).unwrap();
    assert_eq!((granted.epoch, done.rung, done.verified), (1, Rung::Journal, Some(true)));
    fake.book(|book| book.failing.insert("reset 1".to_owned()));
    assert!(pool.reset(&granted.id, false).is_err());
    assert_eq!(pool.renew(&granted.id).unwrap().epoch, 1);
    pool.keep(&granted.id).unwrap();
    assert!(pool.status().leases.is_empty() && pool.close(Ending::Remove).is_empty());
    assert_eq!(lines(&fake).last().unwrap(), "keep 1");
}

#[test]
fn the_end_gives_everything_back_and_says_what_could_not_be() {
    let fake = Fake::default();
    let (pool, _) = pool_of(&fake, 3, 1, 1);
    pool.keep_ready("a", 3);
    let granted = pool.lease(&want("a")).unwrap();
    until(&pool, |status| idle(status) == 2);
    fake.book(|book| book.failing.insert("give back 2".to_owned()));
    let waiting = Want { wait: Duration::from_secs(20), ..want("a") };
    std::thread::scope(|scope| {
        let more: Vec<_> = (0..3).map(|_| pool.enqueue(&waiting).unwrap()).collect();
        let late = scope.spawn(move || more.last().unwrap().wait());
        let wrong = pool.close(Ending::Return);
        assert_eq!(wrong.iter().map(Error::what).collect::<Vec<_>>(), ["give back 2 failed"]);
        assert_eq!(late.join().unwrap().unwrap_err().kind().exit_code(), 130);
    });
    assert!(pool.renew(&granted.id).is_err());
    assert_eq!(fake.book(|book| book.clones.len()), 1);
}
