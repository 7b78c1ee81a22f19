//! Captures that are interrupted and continued: the same snapshot, nothing uploaded twice, finished tables not read again,
//! proofs that still hold, and journals that are not what they were.

use super::journal::How;
use super::journal_testing::{Attempt, Copy, POLICY, SCHEMA, SMALL, TABLES, World, essence, files, uninterrupted};
use crate::engine::{mysql, postgres};
use crate::model::proof::ObjectKind;

#[test]
fn finished_tables_are_not_read_again_while_the_source_is_the_same() {
    let world = World::new(SCHEMA);
    let expected = uninterrupted(&world, POLICY);
    let came = world.run(&Attempt { puts: (u64::MAX, false), ..Attempt::default() });
    assert!(came.outcome.is_err() && came.notes.is_empty(), "{}", came.notes);
    assert!(TABLES.iter().all(|table| came.reads[*table] > 0));
    let came = world.run(&Attempt::default());
    let outcome = came.outcome.unwrap();
    assert!(came.reads.is_empty(), "{:?}", came.reads);
    assert!(came.notes.starts_with("continuing an interrupted capture"), "{}", came.notes);
    assert_eq!((outcome.resumed.tables, outcome.uploaded_packs), (5, 0));
    assert_eq!(essence(&world.manifest()), expected);
    world.chunks();
    assert!(files(&world.journal()).is_empty(), "it goes with the publication");
}

#[test]
fn wherever_the_read_breaks_off_the_rest_is_the_same() {
    let world = World::new(&SCHEMA.replace("i < 700", "i < 20"));
    let expected = uninterrupted(&world, POLICY);
    for token in [Some("t"), None] {
        for batches in 0..30 {
            let world = world.twin();
            let first = world.run(&Attempt { token, batches, ..Attempt::default() });
            let second = world.run(&Attempt { batches: batches + 2, token, ..Attempt::default() });
            let third = world.run(&Attempt { token, ..Attempt::default() });
            if first.outcome.is_err() && second.outcome.is_err() {
                let outcome = third.outcome.unwrap();
                let (read, tables) = (third.reads.len() as u64, outcome.resumed.tables);
                assert!(token.is_none() || read + tables == 5, "read {read}, taken {tables}");
                assert!(token.is_some() || read == 5);
                assert_eq!(essence(&world.manifest()), expected, "{batches}");
                world.chunks();
            }
        }
    }
}

#[test]
fn wherever_the_store_fails_nothing_is_uploaded_twice() {
    let world = World::new(SCHEMA);
    let expected = uninterrupted(&world, POLICY);
    for (first, second) in [(Some("t"), Some("t")), (Some("t"), Some("u")), (None, None)] {
        for puts in 0..4 {
            let world = world.twin();
            let came = world.run(&Attempt { token: first, puts: (puts, false), ..Attempt::default() });
            assert!(came.outcome.is_err());
            let before = world.open(false).list(ObjectKind::Pack).unwrap().len() as u64;
            let came = world.run(&Attempt { token: second, ..Attempt::default() });
            assert_eq!(came.outcome.unwrap().resumed.packs, before, "{puts}");
            assert_eq!(essence(&world.manifest()), expected, "{puts}");
            world.chunks();
        }
    }
}

/// A small world whose capture was interrupted just before it was published.
fn interrupted() -> World {
    let world = World::new(SMALL);
    assert!(world.run(&Attempt { puts: (0, false), ..Attempt::default() }).outcome.is_err());
    assert_eq!(world.records().len(), 7, "the head, five tables, and a pack that did not arrive");
    world
}

#[test]
fn a_journal_cut_anywhere_is_gone_on_with_or_begun_anew() {
    let world = interrupted();
    let expected = uninterrupted(&world, POLICY);
    let copy = Copy::of(&world);
    for kept in 0..=7 {
        copy.put_back();
        world.records()[kept..].iter().for_each(|record| std::fs::remove_file(record).unwrap());
        let came = world.run(&Attempt { puts: (u64::MAX, false), ..Attempt::default() });
        assert!(came.outcome.is_err());
        assert_eq!(came.notes.starts_with("continuing"), kept > 0, "{kept}: {}", came.notes);
        assert_eq!(came.reads.len() as u64, 5 - u64::try_from(kept).unwrap().saturating_sub(1).min(5), "{kept}");
    }
    let outcome = world.run(&Attempt::default()).outcome.unwrap();
    assert_eq!((outcome.resumed.tables, outcome.uploaded_packs), (5, 0));
    assert_eq!(essence(&world.manifest()), expected);
}

#[test]
fn a_journal_that_is_not_as_it_was_written_is_never_used() {
    let world = interrupted();
    let copy = Copy::of(&world);
    let records = world.records();
    let readable = || super::journal::is_readable(&world.journal(), &world.member.signer()).unwrap();
    let is_refused = |what: &str| {
        // No table can be read, so the attempt costs nothing and leaves the journal that it began.
        let came = world.run(&Attempt { batches: 0, ..Attempt::default() });
        assert!(came.outcome.is_err());
        assert!(came.notes.contains("is not used, because it is damaged"), "{what}: {}", came.notes);
        copy.put_back();
    };
    assert!(readable());
    for record in &records {
        let whole = std::fs::read(record).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(record, &bytes).unwrap();
            assert!(!readable(), "byte {at} of {}", record.display());
            std::fs::write(record, &whole[..at]).unwrap();
            assert!(!readable(), "{} cut to {at}", record.display());
        }
        is_refused("a record that is cut");
        std::fs::write(record, [&whole[..], b"x"].concat()).unwrap();
        is_refused("an added byte");
    }
    for pair in records.windows(2) {
        std::fs::copy(&pair[0], &pair[1]).unwrap();
        is_refused("a record twice");
        let bytes = [0, 1].map(|at| std::fs::read(&pair[at]).unwrap());
        std::fs::write(&pair[0], &bytes[1]).unwrap();
        std::fs::write(&pair[1], &bytes[0]).unwrap();
        is_refused("two records exchanged");
    }
    std::fs::remove_file(&records[2]).unwrap();
    is_refused("a record missing in the middle");
    #[cfg(unix)]
    {
        std::fs::rename(&records[2], world.folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(world.folder.path().join("elsewhere"), &records[2]).unwrap();
        is_refused("a link");
    }
}

#[test]
fn a_journal_of_something_else_is_not_used() {
    let (world, other) = (interrupted(), interrupted());
    let copy = Copy::of(&world);
    // Another member's, laid in the place of this one's.
    let theirs = Copy::of(&other);
    for ((mine, _), (_, bytes)) in copy.0.iter().zip(&theirs.0) {
        std::fs::write(mine, bytes).unwrap();
    }
    let came = world.run(&Attempt { batches: 0, ..Attempt::default() });
    assert!(came.notes.contains("is damaged or of another version"), "{}", came.notes);
    copy.put_back();
    let policy = POLICY.replace("full_name", "last_name");
    let came = world.run(&Attempt { policy: &policy, batches: 0, ..Attempt::default() });
    assert!(came.notes.contains("because the policy changed since: this one begins anew"), "{}", came.notes);
    copy.put_back();
    let database = rusqlite::Connection::open(world.source()).unwrap();
    database.execute_batch("ALTER TABLE zones ADD COLUMN more TEXT").unwrap();
    let policy = POLICY.replace("keep = [\"id\", \"name\"]", "keep = [\"id\", \"name\", \"more\"]");
    let came = world.run(&Attempt { policy: &policy, batches: 0, ..Attempt::default() });
    assert!(came.notes.contains("because the schema changed since"), "{}", came.notes);
    copy.put_back();
    let came = world.run(&Attempt { how: How::Anew, policy: &policy, ..Attempt::default() });
    assert_eq!((came.notes.as_str(), came.reads.len()), ("", 5));
    let came = world.run(&Attempt { how: How::Asked, policy: &policy, batches: 0, ..Attempt::default() });
    assert!(came.notes.contains("there is no interrupted capture of this source to continue"), "{}", came.notes);
}

#[test]
fn an_original_of_a_finished_table_is_found_in_a_later_one() {
    let world = World::new(&format!("{SMALL} INSERT INTO zones VALUES (2, 'ruth.halloway@corp.example');"));
    for batches in 1..12 {
        world.run(&Attempt { batches, ..Attempt::default() });
        let came = world.run(&Attempt::default());
        let error = came.outcome.map(drop).unwrap_err();
        assert!(error.what().contains("1 originals of clients.email in zones.name"), "{batches}: {error}");
    }
}

#[test]
fn a_reference_that_is_broken_by_masks_is_found_across_an_interruption() {
    let shop = "
        CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE comments (id INTEGER PRIMARY KEY, owner_type TEXT, owner_id TEXT);
        CREATE TABLE zones (id INTEGER PRIMARY KEY);
        INSERT INTO clients VALUES (1, 'Ann'), (2, 'Bob');
        INSERT INTO comments VALUES (1, 'Client', '1'), (2, 'Client', '2');
        INSERT INTO zones VALUES (1);";
    // The polymorphic reference keeps the old numbers.
    let policy = r#"version = 1
[tables.clients]
mode = "capture"
columns = { id = "int_permute", name = "full_name" }
[tables.comments]
mode = "capture"
keep = ["id", "owner_type", "owner_id"]
[tables.zones]
mode = "capture"
keep = ["id"]
[[subset.references]]
table = "comments"
type_column = "owner_type"
id_column = "owner_id"
map = { Client = "clients" }
"#;
    let plain = World::new(shop).run(&Attempt { policy, journal: false, ..Attempt::default() });
    let expected = plain.outcome.map(drop).unwrap_err();
    assert!(expected.what().contains("2 of 2 rows of comments.owner_id"), "{expected}");
    for batches in 1..10 {
        let world = World::new(shop);
        world.run(&Attempt { policy, batches, ..Attempt::default() });
        let came = world.run(&Attempt { policy, ..Attempt::default() });
        assert_eq!(came.outcome.map(drop).unwrap_err().what(), expected.what(), "{batches}");
    }
}

#[test]
fn packs_that_went_meanwhile_are_uploaded_again() {
    let world = World::new(SCHEMA);
    let expected = uninterrupted(&world, POLICY);
    for gone in 0..3 {
        let world = world.twin();
        assert!(world.run(&Attempt { puts: (u64::MAX, false), ..Attempt::default() }).outcome.is_err());
        let store = world.open(false);
        let packs = store.list(ObjectKind::Pack).unwrap();
        assert!(packs.len() >= 2);
        store.delete(&packs[gone % packs.len()].name).unwrap();
        let came = world.run(&Attempt::default());
        assert!(came.outcome.unwrap().resumed.packs < packs.len() as u64);
        assert_eq!(essence(&world.manifest()), expected);
        world.chunks();
    }
}

#[test]
fn two_captures_of_one_source_do_not_share_a_journal() {
    let world = interrupted();
    let folder = world.journal();
    let slot = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let lock = std::fs::File::open(slot.join("lock")).unwrap();
    lock.try_lock().unwrap();
    let came = world.run(&Attempt::default());
    came.outcome.unwrap();
    assert!(came.notes.contains("this one keeps no journal") && came.reads.len() == 5, "{}", came.notes);
    assert!(!world.records().is_empty(), "the other one's is not touched");
}

#[test]
fn a_journal_that_cannot_be_written_stops_nothing() {
    let world = World::new(SMALL);
    std::fs::write(world.journal(), "a file").unwrap();
    let came = world.run(&Attempt::default());
    came.outcome.unwrap();
    assert!(came.notes.contains("no journal can be kept"), "{}", came.notes);
}

#[test]
fn nothing_of_a_journal_can_be_read_by_others() {
    let world = interrupted();
    for record in world.records() {
        let bytes = std::fs::read(&record).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
        let text = String::from_utf8_lossy(&bytes);
        assert!(!["clients", "north", "a note", "Halloway"].iter().any(|word| text.contains(word)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(record.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(record.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}

#[test]
fn a_subset_is_continued_as_well() {
    let policy = format!("{POLICY}[[subset.roots]]\ntable = \"orders\"\nwhere = \"id <= 40\"\n");
    let world = World::new(&SCHEMA.replace("i < 700", "i < 20"));
    let expected = uninterrupted(&world, &policy);
    let mut taken = 0;
    for batches in (0..60).step_by(3) {
        let world = world.twin();
        if world.run(&Attempt { policy: &policy, batches, ..Attempt::default() }).outcome.is_err() {
            taken += world.run(&Attempt { policy: &policy, ..Attempt::default() }).outcome.unwrap().resumed.tables;
        }
        assert_eq!(essence(&world.manifest()), expected, "{batches}");
        world.chunks();
    }
    assert!(taken > 0, "no table was ever taken over");
}

/// Tables without a type that only one engine has, of some hundred rows.
fn on_a_server(rows: &str) -> String {
    format!(
        "CREATE TABLE clients (id int PRIMARY KEY, name varchar(60) NOT NULL, email varchar(80) UNIQUE);
        CREATE TABLE orders (id int PRIMARY KEY, client_id int REFERENCES clients(id), note varchar(60));
        CREATE TABLE blobs (id int PRIMARY KEY, data text);
        CREATE TABLE notes (id int PRIMARY KEY, order_id int REFERENCES orders(id), text varchar(60));
        CREATE TABLE zones (id int PRIMARY KEY, name varchar(60));
        INSERT INTO clients SELECT i, 'Person Number', concat('person', i, '@corp.example') FROM {rows};
        INSERT INTO orders SELECT i, i, concat('order ', i) FROM {rows};
        INSERT INTO notes SELECT i, i, concat('about ', i) FROM {rows};
        INSERT INTO zones VALUES (1, 'north');"
    )
}

#[test]
fn postgresql_is_read_on_while_nothing_was_written() {
    let url = postgres::testing::server().fresh();
    postgres::testing::script(&url, &on_a_server("generate_series(1, 400) i"));
    let mut taken = 0;
    // Other tests write into other databases of the server, and its transaction numbers are the server's.
    for _ in 0..200 {
        let world = World::at(&url);
        let came = world.run(&Attempt { own_token: true, puts: (u64::MAX, false), ..Attempt::default() });
        assert!(came.outcome.is_err());
        let came = world.run(&Attempt { own_token: true, ..Attempt::default() });
        taken = came.outcome.unwrap().resumed.tables;
        assert_eq!(came.reads.len() as u64, 5 - taken);
        world.manifest();
        if taken > 0 {
            break;
        }
    }
    assert_eq!(taken, 5);
    for change in ["UPDATE zones SET name = 'south'", "TRUNCATE notes"] {
        let world = World::at(&url);
        world.run(&Attempt { own_token: true, puts: (u64::MAX, false), ..Attempt::default() });
        postgres::testing::script(&url, change);
        let came = world.run(&Attempt { own_token: true, ..Attempt::default() });
        assert_eq!((came.reads.len(), came.outcome.unwrap().resumed.tables), (5, 0), "{change}");
        world.manifest();
        world.chunks();
    }
}

fn rows_are_read_again(url: &str) {
    let world = World::at(url);
    let failing = Attempt { own_token: true, puts: (u64::MAX, false), ..Attempt::default() };
    assert!(world.run(&failing).outcome.is_err());
    let came = world.run(&Attempt { own_token: true, ..Attempt::default() });
    let outcome = came.outcome.unwrap();
    assert_eq!((came.reads.len(), outcome.resumed.tables, outcome.uploaded_packs), (5, 0, 0));
    assert!(came.notes.contains("rows are read again"), "{}", came.notes);
    world.manifest();
    world.chunks();
}

const NUMBERS: &str =
    "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i FROM n) numbers";

#[test]
fn mariadb_is_read_again_and_uploaded_once() {
    let url = mysql::testing::Server::mariadb().fresh();
    mysql::testing::script(&url, &on_a_server(NUMBERS));
    rows_are_read_again(&url);
}

#[test]
fn mysql_is_read_again_and_uploaded_once() {
    let url = mysql::testing::Server::mysql().fresh();
    mysql::testing::script(&url, &on_a_server(NUMBERS));
    rows_are_read_again(&url);
}
