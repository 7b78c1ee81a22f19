//! The closure proof from the outside: captures that would break a reference, and snapshots that do.

use crate::inside::{self, capture, new_store, repository};
use crate::support::{Scratch, sql};
use std::path::Path;
use terp_fixtures::codec;
use terp_fixtures::error::Kind;
use terp_fixtures::model::manifest::Manifest;
use terp_fixtures::run::repository::Repository;
use terp_fixtures::run::verify::{Depth, verify};
use terp_fixtures::seal::{self, SnapshotStamp};

const SHOP: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients, agent_id INTEGER REFERENCES agents(ID));
    CREATE TABLE agents (id INTEGER PRIMARY KEY);
    CREATE TABLE comments (id INTEGER PRIMARY KEY, owner_type TEXT, owner_id TEXT);
    INSERT INTO clients VALUES (1, 'Ann'), (2, 'Bob');
    INSERT INTO agents VALUES (7);
    INSERT INTO orders VALUES (10, 1, 7), (11, 2, 7), (12, NULL, NULL);
    INSERT INTO comments VALUES (1, 'Client', '1'), (2, 'Client', '2'), (3, 'Order', '12'), (4, 'client', '99'), (5, 'Client', NULL);";

const POLYMORPHIC: &str = "[[subset.references]]\ntable = \"comments\"\ntype_column = \"owner_type\"\nid_column = \"owner_id\"\n\
    map = { Client = \"clients\", Order = \"orders\" }\n";

fn policy(clients: &str, orders: &str, agents: &str) -> String {
    format!(
        "version = 1\n[tables.clients]\nmode = \"capture\"\n[tables.clients.columns]\nname = \"full_name\"\n{clients}\n\
         [tables.orders]\nmode = \"capture\"\nkeep = [\"id\"]\n[tables.orders.columns]\n{orders}\n\
         [tables.agents]\nmode = \"{agents}\"\n{}\n\
         [tables.comments]\nmode = \"capture\"\nkeep = [\"id\", \"owner_type\", \"owner_id\"]\n{POLYMORPHIC}",
        if agents == "capture" { "keep = [\"id\"]" } else { "" }
    )
}

fn verified(repository: &Repository) -> Result<u64, String> {
    let done = verify(&inside::context(), repository, None, Depth::Rows).unwrap();
    done.into_result().map(|done| done.references).map_err(|error| {
        assert_eq!(error.kind(), Kind::Store);
        error.what().to_owned()
    })
}

/// Signs a changed manifest as the newest of the store.
fn publish(repository: &Repository, manifest: &Manifest) {
    let body = codec::manifest::encode(manifest).unwrap();
    let created_compact = manifest.created.replace(['-', ':'], "");
    let stamp = SnapshotStamp { created_compact };
    let (sealed, _) = seal::seal_manifest(&body, &stamp, repository.keys(), repository.signer()).unwrap();
    repository.store().put(&sealed).unwrap();
}

fn shop(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("shop.sqlite");
    sql(&path, SHOP);
    path
}

#[test]
fn every_reference_is_proved_and_said_in_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let member = new_store("closure-proved");
    let repository = repository("closure-proved", &member);
    let outcome = capture(&repository, &path, "s", &policy("id = \"keep\"", "", "capture")).unwrap();
    assert_eq!(outcome.foreign_keys, 2);
    let closure = outcome.snapshot.unwrap().manifest.results.closure;
    let shown: Vec<String> = closure
        .references
        .iter()
        .map(|closed| format!("{} {} {}", closed.reference, closed.rows, closed.dangling))
        .collect();
    assert_eq!(
        shown,
        [
            "orders.client_id -> clients.id 2 0",
            "orders.agent_id -> agents.id 2 0",
            "comments.owner_id -> clients.id [owner_type = Client] 2 0",
            "comments.owner_id -> orders.id [owner_type = Order] 1 0",
        ]
    );
    assert_eq!(verified(&repository), Ok(4));
}

#[test]
fn a_capture_whose_masks_break_a_reference_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let member = new_store("closure-broken");
    let repository = repository("closure-broken", &member);
    // The declared reference inherits the mask; the polymorphic one keeps the old numbers.
    let error = capture(&repository, &path, "s", &policy("id = \"int_permute\"", "", "capture")).unwrap_err();
    assert_eq!(error.kind(), Kind::Policy, "{error}");
    assert!(
        error.what().contains("2 of 2 rows of comments.owner_id -> clients.id [owner_type = Client] find no parent"),
        "{error}"
    );
    assert!(repository.snapshots().unwrap().0.is_empty(), "nothing is published");
}

#[test]
fn what_dangles_in_the_source_may_dangle_in_the_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    sql(
        &path,
        "PRAGMA foreign_keys = OFF; INSERT INTO orders VALUES (13, 99, 7); INSERT INTO comments VALUES (6, 'Order', '77')",
    );
    let member = new_store("closure-dangling");
    let repository = repository("closure-dangling", &member);
    let outcome = capture(&repository, &path, "s", &policy("id = \"keep\"", "", "capture")).unwrap();
    let closure = outcome.snapshot.unwrap().manifest.results.closure;
    let dangling: Vec<u64> = closure.references.iter().map(|closed| closed.dangling).collect();
    assert_eq!(dangling, [1, 0, 0, 1]);
    assert_eq!(closure.dangling.into_iter().collect::<Vec<_>>(), [("orders(client_id) -> clients".to_owned(), 1)]);
    assert_eq!(verified(&repository), Ok(4));
}

#[test]
fn rows_may_not_reference_a_table_that_is_left_out_unless_the_reference_is_nulled() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    for mode in ["structure", "exclude"] {
        let name = format!("closure-{mode}");
        let member = new_store(&name);
        let repository = repository(&name, &member);
        let error =
            capture(&repository, &path, "s", &policy("id = \"keep\"", "agent_id = \"keep\"", mode)).unwrap_err();
        assert!(error.what().contains("2 rows of orders reference agents"), "{error}");
        assert!(error.hint_text().unwrap().contains("mask the referencing column with null"));
        let outcome = capture(&repository, &path, "s", &policy("id = \"keep\"", "agent_id = \"null\"", mode)).unwrap();
        assert_eq!(outcome.tables.iter().map(|(_, rows)| rows).sum::<u64>(), 10);
        assert_eq!(verified(&repository), Ok(3));
    }
}

#[test]
fn verify_finds_what_a_manifest_hides() {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let member = new_store("closure-tampered");
    let repository = repository("closure-tampered", &member);
    let outcome = capture(&repository, &path, "s", &policy("id = \"keep\"", "", "capture")).unwrap();
    let manifest = outcome.snapshot.unwrap().manifest;

    // A member signs that two rows dangle, or fewer rows reference something, or leaves the parents out.
    let with = |change: &dyn Fn(&mut Manifest)| {
        let mut changed = manifest.clone();
        changed.name = "changed".into();
        changed.seq += 1;
        changed.created = "2099-01-01T00:00:00Z".into();
        change(&mut changed);
        publish(&repository, &changed);
        let found = verified(&repository);
        let object = repository.find("changed").unwrap().object;
        repository.store().delete(&object).unwrap();
        found
    };
    let parents_gone = |manifest: &mut Manifest| {
        let clients = manifest.tables.iter_mut().find(|entry| entry.table.name == "clients").unwrap();
        (clients.rows, clients.bytes, clients.chunks) = (0, 0, Vec::new());
        // BLAKE3 of nothing.
        clients.digest = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262".into();
    };
    let found = with(&parents_gone).unwrap_err();
    assert!(
        found.contains(
            "the reference orders.client_id -> clients.id: 2 of 2 rows find no parent, and the manifest says 0 of 2"
        ),
        "{found}"
    );
    assert!(found.contains("comments.owner_id -> clients.id [owner_type = Client]: 2 of 2 rows"), "{found}");
    let found = with(&|manifest| manifest.results.closure.references[1].dangling = 1).unwrap_err();
    assert!(found.contains("0 of 2 rows find no parent, and the manifest says 1 of 2"), "{found}");
    assert!(with(&|manifest| manifest.results.closure.references[0].rows = 3).is_err());

    // A snapshot of before references were listed is held against its foreign keys.
    let old = |manifest: &mut Manifest| manifest.results.closure.references.clear();
    assert_eq!(with(&old), Ok(4 + 2));
    let found = with(&|manifest| {
        old(manifest);
        parents_gone(manifest);
    });
    let found = found.unwrap_err();
    assert!(found.contains("the foreign key orders(client_id) -> clients: 2 rows find no parent"), "{found}");
}

#[test]
fn verify_says_how_many_references_it_proved() {
    let scratch = Scratch::with_snapshot();
    assert!(scratch.ok(&["verify", "sample", "--read-data"]).contains("references proved"));
    assert!(scratch.json(&["verify", "--leaks"])["references"].as_u64().unwrap() > 5);
}
