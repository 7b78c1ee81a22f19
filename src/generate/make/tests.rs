//! Rows for whole schemas.

use super::testing::{catalogue, table};
use super::*;
use crate::model::subset::declared;

fn made(catalogue: &Catalogue, rows: &[(&str, u64)], seed: u64) -> (Vec<usize>, Vec<String>, Vec<String>) {
    let references = declared(catalogue);
    let request = Request {
        catalogue,
        references: &references,
        bound: &Bound::default(),
        size: Size::Small,
        rows: rows.iter().map(|(name, rows)| (TableName::plain(*name), *rows)).collect(),
        seed,
        leave_out: BTreeSet::new(),
        outside: BTreeMap::new(),
    };
    let done = make(&request, None, &Cancel::default()).unwrap();
    let mut texts = Vec::new();
    for at in 0..catalogue.tables.len() {
        for batch in done.world.batches(at) {
            for row in 0..batch.rows() {
                let cells = (0..batch.columns()).map(|column| String::from_utf8_lossy(batch.cell(row, column).bytes));
                texts.push(format!("{} {}", catalogue.tables[at].name, cells.collect::<Vec<_>>().join("|")));
            }
        }
    }
    (done.world.tables.iter().map(|made| made.rows).collect(), done.notes, texts)
}

#[test]
fn tables_fill_up_to_what_their_keys_allow() {
    let all = catalogue(vec![
        table("a", "id int, name text!, flag bool!"),
        table("b", "id int -> a, up int? -> b, x numeric(8,2)"),
        table("c", "id uuid, a int -> a, b int? -> b, on_ date"),
    ]);
    let (rows, notes, texts) = made(&all, &[("a", 50), ("c", 40)], 1);
    assert_eq!(rows, [2, 2, 40], "{notes:?}");
    assert_eq!(texts, made(&all, &[("a", 50), ("c", 40)], 1).2);
    assert_ne!(texts, made(&all, &[("a", 50), ("c", 40)], 2).2);
}

#[test]
fn cycles_close() {
    let all = catalogue(vec![
        table("a", "id int, b int! -> b"),
        table("b", "id int, a int! -> a"),
        table("c", "id int, d int? -> d"),
        table("d", "id int, c int -> c"),
    ]);
    let (rows, notes, _) = made(&all, &[], 1);
    assert!(rows.iter().all(|rows| *rows >= 3), "{rows:?} {notes:?}");
    assert_eq!(rows[0], rows[1]);
}

#[test]
fn a_column_that_only_null_satisfies_is_told() {
    let mut all = catalogue(vec![table("a", "id int, closed date?, note text?")]);
    all.tables[0].checks = vec!["CHECK ((closed IS NULL))".to_owned()];
    let (rows, notes, texts) = made(&all, &[], 1);
    assert!(rows[0] > 0 && texts.len() == rows[0]);
    assert_eq!(notes, ["a.closed stays NULL: its CHECKs leave no other value"]);
}
