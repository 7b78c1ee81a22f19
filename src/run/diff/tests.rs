//! Random edits of random tables: what `diff` says is held against a comparison of all rows in memory.

use super::*;
use crate::engine;
use crate::event::{Cancel, Silent};
use crate::mask::key::MasterKey;
use crate::policy::{self, Policy};
use crate::run::{capture, keys};
use crate::seal::Member;
use crate::secret::{Address, Secret32};
use crate::store::memory::Memory;
use proptest::prelude::*;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

fn context() -> Context<'static> {
    Context { report: &Silent, cancel: Cancel::default(), jobs: 2 }
}

fn repository() -> Repository {
    let (store, member) = (Memory::new(), Member::generate());
    keys::init(&store, &member).unwrap();
    Repository::open(Box::new(store), &member, &[]).unwrap()
}

fn captured(repository: &Repository, path: &Path, columns: &str) -> Snapshot {
    let address = Address::new(format!("sqlite:{}", path.display()));
    let mut source = (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap();
    let catalogue = source.catalogue().unwrap();
    let text = format!("version = 1\n[tables.t]\nmode = \"capture\"\nkeep = [{columns}]\n");
    let policy = Policy::parse("test.toml", &text).unwrap();
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, "dev", &master).unwrap();
    let options = capture::Options {
        name: "t".into(),
        environment: "dev".into(),
        policy: policy.proof(&master, "dev"),
        dry_run: false,
        expires: None,
        tags: BTreeSet::new(),
        amount: capture::Amount::default(),
    };
    capture::capture(&context(), &mut *source, &catalogue, &plan, repository, &options).unwrap().snapshot.unwrap()
}

/// Writes the table anew. A row is its key and a number; the text beside it makes chunks of few rows.
fn write(path: &Path, create: &str, rows: &[(i64, u8)]) {
    let mut connection = Connection::open(path).unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute_batch(&format!("DROP TABLE IF EXISTS t; {create}")).unwrap();
    for (key, value) in rows {
        transaction.execute("INSERT INTO t VALUES (?1, ?2, ?3)", (key, value, "x".repeat(700))).unwrap();
    }
    transaction.commit().unwrap();
}

const KEYED: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INT, pad TEXT)";
const KEYLESS: &str = "CREATE TABLE t (id INT, v INT, pad TEXT)";
/// SQLite takes NULL and so the same key again in such a key.
const TEXTUAL: &str = "CREATE TABLE t (id TEXT, v INT, pad TEXT, PRIMARY KEY (id, v))";
const COLUMNS: &str = "\"id\", \"v\", \"pad\"";

fn counts(outcome: &Outcome) -> (u64, u64, u64) {
    match &outcome.tables[0].found {
        Found::Same => (0, 0, 0),
        Found::Rows(rows) => (rows.added, rows.removed, rows.changed),
        Found::Chunks(..) => panic!("rows were not read"),
    }
}

/// Rows by key, with what each key has.
fn grouped(rows: &[(i64, u8)]) -> BTreeMap<i64, BTreeMap<u8, u64>> {
    let mut grouped: BTreeMap<i64, BTreeMap<u8, u64>> = BTreeMap::new();
    for (key, value) in rows {
        *grouped.entry(*key).or_default().entry(*value).or_default() += 1;
    }
    grouped
}

/// The plain definition: of each key, rows that both have are the same, the others are changed as far as both have some.
fn expected(before: &[(i64, u8)], after: &[(i64, u8)], by_key: bool) -> (u64, u64, u64) {
    let (a, b) = (grouped(before), grouped(after));
    let (mut added, mut removed, mut changed) = (0, 0, 0);
    let keys: BTreeSet<&i64> = a.keys().chain(b.keys()).collect();
    for key in keys {
        let none = BTreeMap::new();
        let (of_a, of_b) = (a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none));
        let without = |one: &BTreeMap<u8, u64>, other: &BTreeMap<u8, u64>| -> u64 {
            one.iter().map(|(value, count)| count.saturating_sub(*other.get(value).unwrap_or(&0))).sum()
        };
        let (left, extra) = (without(of_a, of_b), without(of_b, of_a));
        let both = if by_key { left.min(extra) } else { 0 };
        changed += both;
        removed += left - both;
        added += extra - both;
    }
    (added, removed, changed)
}

fn number(at: usize) -> i64 {
    i64::try_from(at).unwrap()
}

fn edited(rows: &[(i64, u8)], edits: &[(usize, u8)], unique: bool) -> Vec<(i64, u8)> {
    let mut rows = rows.to_vec();
    for &(at, what) in edits {
        let place = at % (rows.len() + 1);
        match what % 3 {
            0 if place < rows.len() => drop(rows.remove(place)),
            1 if place < rows.len() => rows[place].1 = rows[place].1.wrapping_add(what / 3 + 1),
            _ => rows.push((
                if unique { 1_000_000 + number(rows.len()) + number(at) * 1000 } else { number(at) % 50 },
                what,
            )),
        }
    }
    if unique {
        let by_key: BTreeMap<i64, u8> = rows.iter().copied().collect();
        rows = by_key.into_iter().collect();
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_says_what_a_comparison_of_all_rows_says(
        count in 0_usize..400,
        edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..40),
        keyed in any::<bool>(),
        held in prop_oneof![Just(None), (1_u64..60).prop_map(Some)],
    ) {
        let edits: Vec<(usize, u8)> = edits.into_iter().map(|(at, what)| (at % 5000, what)).collect();
        let before: Vec<(i64, u8)> = (0..number(count)).map(|at| if keyed { (at * 3, 1) } else { (at % 50, u8::try_from(at % 3).unwrap()) }).collect();
        let after = edited(&before, &edits, keyed);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.sqlite");
        let repository = repository();
        let create = if keyed { KEYED } else { KEYLESS };
        write(&path, create, &before);
        let one = captured(&repository, &path, COLUMNS);
        write(&path, create, &after);
        let other = captured(&repository, &path, COLUMNS);
        let options = Options { listed: 10_000, held, ..Options::default() };
        let outcome = diff(&context(), &repository, (&one, &other), &options).unwrap();
        let wanted = if keyed { expected(&before, &after, true) } else {
            let whole = |rows: &[(i64, u8)]| rows.iter().map(|(key, value)| (key * 256 + i64::from(*value), 0)).collect::<Vec<_>>();
            expected(&whole(&before), &whole(&after), false)
        };
        prop_assert_eq!(counts(&outcome), wanted);
        prop_assert!(outcome.schema.is_empty() && outcome.masking.is_empty(), "{:?}", outcome);
        if let Found::Rows(rows) = &outcome.tables[0].found {
            prop_assert_eq!(rows.by_key, keyed);
            if keyed {
                // The number of a row is its place in the order of keys.
                let at = |rows: &[(i64, u8)], number: u64| rows[usize::try_from(number).unwrap() - 1];
                let was: BTreeMap<i64, u8> = before.iter().copied().collect();
                let is: BTreeMap<i64, u8> = after.iter().copied().collect();
                let [added, removed, changed] = &rows.numbers;
                let listed = [added, removed, changed].map(|numbers| numbers.len() as u64);
                prop_assert_eq!(listed, [wanted.0, wanted.1, wanted.2]);
                prop_assert!(added.iter().all(|number| !was.contains_key(&at(&after, *number).0)));
                prop_assert!(removed.iter().all(|number| !is.contains_key(&at(&before, *number).0)));
                prop_assert!(changed.iter().all(|number| was[&at(&after, *number).0] != at(&after, *number).1));
            }
        }
        let back = diff(&context(), &repository, (&other, &one), &options).unwrap();
        prop_assert_eq!(counts(&back), (wanted.1, wanted.0, wanted.2));
    }
}

#[test]
fn keys_that_repeat_are_counted_and_equal_chunks_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.sqlite");
    let repository = repository();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(TEXTUAL).unwrap();
    let numbers = "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1000)";
    connection
        .execute_batch(&format!("{numbers} INSERT INTO t SELECT NULL, value % 2, printf('%0700d', value) FROM n"))
        .unwrap();
    let one = captured(&repository, &path, COLUMNS);
    let edit =
        "DELETE FROM t WHERE pad LIKE '%0999'; UPDATE t SET pad = printf('%0700d', 5000) WHERE pad LIKE '%01000'";
    connection.execute_batch(edit).unwrap();
    let other = captured(&repository, &path, COLUMNS);
    let outcome = diff(&context(), &repository, (&one, &other), &Options::default()).unwrap();
    assert_eq!(counts(&outcome), (0, 1, 1));
    assert!(outcome.tables[0].chunks[0] > 0, "{outcome:?}");
    let chunks =
        diff(&context(), &repository, (&one, &other), &Options { chunks_only: true, ..Options::default() }).unwrap();
    let Found::Chunks(before, after) = chunks.tables[0].found else { panic!("{chunks:?}") };
    assert!((2..1000).contains(&before) && after + 1 == before, "{before} {after}");
    assert!(diff(&context(), &repository, (&one, &one), &Options::default()).unwrap().is_same());
}

#[test]
fn schemas_are_compared_and_rows_by_the_columns_that_both_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.sqlite");
    let repository = repository();
    write(&path, KEYED, &[(1, 1), (2, 2), (3, 3)]);
    let one = captured(&repository, &path, COLUMNS);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TABLE n (id INTEGER PRIMARY KEY, pad TEXT, v TEXT, extra TEXT DEFAULT 'd');
             INSERT INTO n SELECT id, pad, v, 'x' FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;
             UPDATE t SET pad = 'short' WHERE id = 2; CREATE INDEX by_v ON t (v)",
        )
        .unwrap();
    let other = captured(&repository, &path, "\"id\", \"v\", \"pad\", \"extra\"");
    let outcome = diff(&context(), &repository, (&one, &other), &Options::default()).unwrap();
    assert_eq!(counts(&outcome), (0, 0, 1), "{outcome:?}");
    let lines: Vec<&str> = outcome.schema.iter().map(|line| line.what.as_str()).collect();
    assert!(lines.contains(&"table t, column v, type: INT -> TEXT"), "{lines:?}");
    assert!(lines.contains(&"table t, column extra") && lines.contains(&"index by_v of t"), "{lines:?}");
    assert!(outcome.masking.iter().any(|line| line.what.starts_with("policy: ")), "{:?}", outcome.masking);
    assert!(!outcome.is_same());
    let unknown =
        diff(&context(), &repository, (&one, &other), &Options { tables: vec!["x".into()], ..Options::default() });
    assert_eq!(unknown.unwrap_err().kind(), crate::error::Kind::Usage);
}
