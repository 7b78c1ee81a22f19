//! The proof against SQLite's own reckoning, within its memory, and what it says.

use super::*;
use crate::codec::testing;
use crate::engine::sqlite;
use crate::engine::{Source, scalar};
use crate::event::Cancel;
use crate::model::batch::Cell;
use crate::model::schema::{Action, EngineKind, ForeignKey, Table};
use crate::model::subset::OfType;
use crate::run::state;
use crate::secret::Address;
use proptest::prelude::*;

const TYPES: [&str; 8] =
    ["INTEGER", "REAL", "TEXT", "NUMERIC", "BLOB", "", "TEXT COLLATE NOCASE", "VARCHAR(9) COLLATE RTRIM"];
/// Values that are the same to some columns and not to others.
const VALUES: [&str; 20] = [
    "NULL",
    "1",
    "1.0",
    "'1'",
    "'1.0'",
    "' 1'",
    "'01'",
    "x'31'",
    "'a'",
    "'A'",
    "'a '",
    "''",
    "0",
    "-0.0",
    "'1e0'",
    "2.5",
    "'2.5'",
    "'1x'",
    "9007199254740993",
    "'ä'",
];

/// A table of a random database: the types of its columns and its rows.
type Filled = (Vec<usize>, Vec<Vec<usize>>);

fn table() -> impl Strategy<Value = Filled> {
    let types = prop::collection::vec(0..TYPES.len(), 4);
    (types, prop::collection::vec(prop::collection::vec(0..VALUES.len(), 4), 0..40))
}

/// Tables `t0`, `t1`, `t2` with columns `a`, `b`, `c`, `d`.
fn script(tables: &[Filled]) -> String {
    let mut script = String::new();
    for (at, (types, rows)) in tables.iter().enumerate() {
        let columns: Vec<String> =
            types.iter().zip(["a", "b", "c", "d"]).map(|(of, name)| format!("{name} {}", TYPES[*of])).collect();
        script += &format!("CREATE TABLE t{at} ({});\n", columns.join(", "));
        for row in rows {
            let cells: Vec<&str> = row.iter().map(|value| VALUES[*value]).collect();
            script += &format!("INSERT INTO t{at} VALUES ({});\n", cells.join(", "));
        }
    }
    script
}

fn reference(child: &str, columns: &[&str], parent: &str, parent_columns: &[&str]) -> Reference {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Reference {
        name: format!("{child}->{parent}"),
        child: TableName::plain(child),
        columns: names(columns),
        parent: TableName::plain(parent),
        parent_columns: names(parent_columns),
        of_type: None,
        undeclared: true,
    }
}

/// Composite, of itself, around a cycle, several to one key, polymorphic.
fn references() -> Vec<Reference> {
    let mut all = vec![
        reference("t0", &["a"], "t1", &["a"]),
        reference("t0", &["b", "c"], "t1", &["a", "b"]),
        reference("t1", &["c"], "t2", &["d"]),
        reference("t2", &["a"], "t0", &["d"]),
        reference("t2", &["b"], "t2", &["c"]),
        reference("t2", &["b", "a", "d"], "t2", &["a", "b", "c"]),
        reference("t2", &["c"], "t1", &["a"]),
    ];
    for value in ["a", "1"] {
        let mut polymorphic = reference("t0", &["d"], "t2", &["a"]);
        polymorphic.of_type = Some(OfType { column: "c".into(), value: value.into() });
        all.push(polymorphic);
    }
    all
}

fn opened(script: &str) -> (tempfile::TempDir, Box<dyn Source>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch(&format!("BEGIN;\n{script}COMMIT;")).unwrap();
    let address = Address::new(format!("sqlite:{}", path.display()));
    (folder, (sqlite::ENGINE.source)(&address, &Cancel::default()).unwrap())
}

/// Hands all rows of a table over in pieces, from several threads.
fn observe(closure: &Closure<'_>, source: &mut dyn Source, table: &Table) {
    source
        .read(&state::ordered_rows(EngineKind::Sqlite, table), &mut |batch| {
            let mut pieces = Vec::new();
            for start in (0..batch.rows()).step_by(7) {
                let mut piece = Batch::new(batch.columns());
                for row in start..(start + 7).min(batch.rows()) {
                    (0..batch.columns()).for_each(|column| piece.push(batch.cell(row, column)));
                }
                pieces.push(piece);
            }
            std::thread::scope(|scope| {
                for piece in &pieces {
                    scope.spawn(|| closure.observe(&table.name, piece));
                }
            });
            Ok(())
        })
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_dangles_is_what_the_database_says(
        tables in prop::collection::vec(table(), 3),
        order in Just(vec![0, 1, 2]).prop_shuffle(),
    ) {
        let (_folder, mut source) = opened(&script(&tables));
        let catalogue = source.catalogue().unwrap();
        let references = references();
        let closure = Closure::new(&references, &catalogue);
        for at in order {
            observe(&closure, &mut *source, &catalogue.tables[at]);
        }
        for (reference, tally) in references.iter().zip(closure.finish()) {
            let mut count = |sql| u64::try_from(scalar(&mut *source, sql).unwrap()).unwrap();
            let said = (count(source::complete(&catalogue, reference)), count(source::dangling(&catalogue, reference)));
            prop_assert_eq!((tally.rows, tally.dangling, tally.left_out), (said.0, said.1, 0), "{}", reference);
        }
    }
}

/// A catalogue of tables with columns `id` and `parent`, whole numbers.
fn catalogue(names: &[&str]) -> Catalogue {
    let mut catalogue = testing::manifest().schema;
    let mut table = testing::table(&["INTEGER", "INTEGER"], &[0]);
    table.columns[0].name = "id".into();
    table.columns[1].name = "parent".into();
    catalogue.tables = names.iter().map(|name| Table { name: TableName::plain(*name), ..table.clone() }).collect();
    catalogue
}

fn rows(cells: impl Iterator<Item = (u64, Option<u64>)>) -> Batch {
    let mut batch = Batch::new(2);
    for (id, parent) in cells {
        batch.push(Cell { kind: crate::model::batch::CellKind::Integer, bytes: id.to_string().as_bytes() });
        match parent {
            Some(parent) => batch.push(Cell::text(&parent.to_string())),
            None => batch.push(Cell::NULL),
        }
    }
    batch
}

#[test]
fn memory_is_bounded_and_what_is_left_out_is_counted() {
    const ROWS: u64 = 200_000;
    const MOST: usize = 40_000;
    let catalogue = catalogue(&["big", "few", "lost", "small"]);
    let references = [
        reference("big", &["parent"], "few", &["id"]),
        reference("big", &["id"], "lost", &["id"]),
        reference("small", &["parent"], "small", &["id"]),
        reference("lost", &["parent"], "big", &["id"]),
    ];
    let closure = Closure::within(&references, &catalogue, MOST);
    let table = |name: &str| TableName::plain(name);
    closure.observe(&table("small"), &rows((0..500).map(|at| (at, Some(at + 1)))));
    for start in (0..ROWS).step_by(5000) {
        closure.observe(&table("big"), &rows((start..start + 5000).map(|at| (at, Some(at % 1000)))));
        assert!(closure.words.load(Ordering::Relaxed) <= MOST);
        closure.observe(&table("lost"), &rows((start..start + 5000).map(|at| (at, (at % 2 == 0).then_some(at)))));
        assert!(closure.words.load(Ordering::Relaxed) <= MOST);
    }
    closure.observe(&table("few"), &rows((0..999).map(|at| (at, None))));
    let tallies = closure.finish();
    assert_eq!(tallies[0], Tally { rows: ROWS, dangling: ROWS / 1000, left_out: 0 }, "few keys are held exactly");
    assert_eq!((tallies[1].rows, tallies[1].dangling), (ROWS, 0), "nothing dangles by being left out on one side only");
    assert_eq!(
        tallies[2],
        Tally { rows: 500, dangling: 1, left_out: 0 },
        "the heaviest group makes room, not this one"
    );
    assert_eq!((tallies[3].rows, tallies[3].dangling), (ROWS / 2, 0));
    assert!((ROWS / 2..ROWS).contains(&tallies[1].left_out), "{:?}", tallies[1]);

    let closure = Closure::within(&references[1..2], &catalogue, MOST);
    for start in (0..ROWS).step_by(5000) {
        closure.observe(&table("big"), &rows((start..start + 5000).map(|at| (at, None))));
        closure.observe(&table("lost"), &rows((start..start + 5000).map(|at| (at + ROWS, None))));
    }
    let error = closure.prove(&[0]).unwrap_err();
    assert!(error.what().contains("rows of big.id -> lost.id find no parent in the snapshot"), "{}", error.what());
}

#[test]
fn the_source_may_dangle_as_it_does_and_no_more() {
    let catalogue = catalogue(&["child", "parent"]);
    let mut references = [
        reference("child", &["parent"], "parent", &["id"]),
        reference("child", &["id"], "parent", &["id"]),
        reference("child", &["id"], "elsewhere", &["id"]),
    ];
    references[0].undeclared = false;
    references[1].undeclared = false;
    // Two keys of one name, as tables of some engines may have them.
    references[1].name = references[0].name.clone();
    let proved = |expected: &[u64]| {
        let closure = Closure::new(&references, &catalogue);
        closure.observe(&TableName::plain("child"), &rows((0..10).map(|at| (at, (at > 2).then_some(at)))));
        closure.observe(&TableName::plain("parent"), &rows((0..8).map(|at| (at, None))));
        closure.prove(expected)
    };
    let result = proved(&[2, 3, 10]).unwrap();
    assert_eq!(result.foreign_keys, 2);
    assert_eq!(result.dangling, BTreeMap::from([("child->parent".to_owned(), 5)]));
    let counts: Vec<(u64, u64)> = result.references.iter().map(|closed| (closed.rows, closed.dangling)).collect();
    assert_eq!(counts, [(7, 2), (10, 2), (10, 10)]);
    let error = proved(&[1, 3, 10]).unwrap_err();
    assert_eq!(
        error.what(),
        "2 of 7 rows of child.parent -> parent.id find no parent in the snapshot, though in the source only 1 do so"
    );
    assert_eq!(error.kind().exit_code(), 4);
    let error = proved(&[2, 2]).unwrap_err();
    assert_eq!(error.what(), "10 of 10 rows of child.id -> elsewhere.id find no parent in the snapshot");
    assert!(error.hint_text().unwrap().contains("the same mask"));
}

#[test]
fn a_manifest_is_held_against_what_was_found() {
    let mut manifest = testing::manifest();
    manifest.schema = catalogue(&["child", "parent"]);
    let key = |name: &str| ForeignKey {
        name: name.into(),
        columns: vec!["parent".into()],
        parent: TableName::plain("parent"),
        parent_columns: vec!["id".into()],
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
    };
    manifest.schema.tables[0].foreign_keys = vec![key("fk"), key("other")];
    // A manifest that lists no references is held against its foreign keys.
    let references = promised(&manifest);
    assert_eq!(references.len(), 2);
    let found = [Tally { rows: 5, dangling: 1, left_out: 0 }, Tally { rows: 5, dangling: 0, left_out: 0 }];
    let lines = differences(&manifest, &references, &found);
    assert_eq!(lines, ["the foreign key fk: 1 rows find no parent, and the manifest says 0"]);
    manifest.results.closure.dangling.insert("fk".into(), 1);
    assert!(differences(&manifest, &references, &found).is_empty());

    let closed = |rows, dangling| ClosedReference { reference: references[0].clone(), rows, dangling };
    let mut says = |closed, sampled, found| {
        manifest.results.closure.references = vec![closed];
        manifest.results.closure.sampled = sampled;
        differences(&manifest, &promised(&manifest), &[found]).len()
    };
    let found = |rows, dangling, left_out| Tally { rows, dangling, left_out };
    assert_eq!(says(closed(5, 1), 0, found(5, 1, 0)), 0);
    assert_eq!(says(closed(5, 1), 0, found(5, 0, 0)), 1);
    assert_eq!(says(closed(5, 1), 0, found(4, 1, 0)), 1);
    assert_eq!(says(closed(5, 1), 2, found(5, 0, 3)), 0, "a share of the keys may miss what dangles");
    assert_eq!(says(closed(5, 1), 2, found(5, 2, 3)), 1, "but it finds nothing that does not");
}
