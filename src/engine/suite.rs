//! The conformance suite of engines: what every [`Source`] and [`Target`] must do, run by each engine's tests.

use super::sql::Sql;
use super::{Enforce, LoadTable, Query, Savepoint, Source, Target, scalar};
use crate::check::{self, Rules};
use crate::error::{Error, Kind};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::proof::{Checked, Masked};
use crate::model::schema::{Table, TableName};
use std::time::{Duration, Instant};

/// A connection of an application: it runs a statement, and says what was wrong with it.
pub(crate) type Connection = Box<dyn FnMut(&str) -> std::result::Result<(), String> + Send>;

/// How an engine's tests open the same fresh database, any number of times.
pub(crate) struct Bench<'a> {
    /// Opens it as a source.
    pub(crate) source: &'a dyn Fn() -> Box<dyn Source>,
    /// Opens it as a target.
    pub(crate) target: &'a dyn Fn() -> Box<dyn Target>,
}

/// Runs everything on one empty database.
pub(crate) fn run(bench: &Bench<'_>) {
    swaps_a_place_in(bench);
    create(bench);
    loads_and_reads_back(bench);
    rolls_back(bench);
    rejects_by_constraint(bench);
    loads_what_comes(bench);
    sees_one_state(bench);
    tells_states_apart(bench);
    locks(bench);
    has_an_identity(bench);
    goes_on_behind_a_savepoint(bench);
}

/// Whatever was written between two reads, their tokens differ; a source that cannot tell has none.
fn tells_states_apart(bench: &Bench<'_>) {
    let mut seen = std::collections::HashSet::new();
    let mut look = |after: &str| {
        if let Some(token) = (bench.source)().token().unwrap() {
            assert!(seen.insert(token), "the same token after {after}");
        }
    };
    look("nothing");
    let engine = (bench.target)().engine();
    let sql = |text: &'static str| Sql::new(engine).lit(text).table(&name());
    for (after, statement) in [
        ("an update", sql("UPDATE ").lit(" SET note = 'x'")),
        ("another one", sql("UPDATE ").lit(" SET note = 'y'")),
        ("a delete", sql("DELETE FROM ")),
    ] {
        let mut target = (bench.target)();
        target.begin(Enforce::ForeignKeys).unwrap();
        target.execute(&statement).unwrap();
        target.end(true).unwrap();
        drop(target);
        look(after);
    }
}

fn name() -> TableName {
    TableName::plain("Suite \"Table\" ☘")
}

/// A place is seen by nobody, stays when its transaction is given up, and is the target's with its commit.
fn swaps_a_place_in(bench: &Bench<'_>) {
    const KEY: &str = "0123456789ab";
    let mut target = (bench.target)();
    assert_eq!(target.places().unwrap(), []);
    target.remove_place(KEY).unwrap();
    let mut stream = target.stream(KEY).unwrap().unwrap();
    stream.begin(Enforce::Nothing).unwrap();
    stream.execute(&Sql::new(stream.engine()).lit("CREATE TABLE ").table(&name()).lit(" (id INTEGER)")).unwrap();
    stream.set_aside().unwrap();
    stream.end(true).unwrap();
    let insert = Sql::new(stream.engine()).lit("INSERT INTO ").table(&stream.aside(&name())).lit(" VALUES (1)");
    stream.begin(Enforce::Nothing).unwrap();
    assert_eq!(stream.execute(&insert).unwrap(), 1);
    stream.end(true).unwrap();
    drop(stream);
    let places: Vec<String> = target.places().unwrap().into_iter().map(|place| place.key).collect();
    assert_eq!(places, [KEY]);
    let mut again = target.stream(KEY).unwrap().unwrap();
    assert!(again.catalogue().unwrap().table(&name()).is_some() && target.catalogue().unwrap().tables.is_empty());
    drop(again);
    for commit in [false, true] {
        target.begin(Enforce::Nothing).unwrap();
        target.swap_in(KEY, &[name()]).unwrap();
        let count = Sql::new(target.engine()).lit("SELECT count(*) FROM ").table(&name());
        assert_eq!(scalar(&mut *target, count).unwrap(), 1);
        target.end(commit).unwrap();
        assert_eq!(target.catalogue().unwrap().table(&name()).is_some(), commit);
    }
    target.remove_place(KEY).unwrap();
    assert_eq!(target.places().unwrap(), []);
    // An engine may keep a table that holds rows.
    for what in ["DELETE FROM ", "DROP TABLE "] {
        target.begin(Enforce::Nothing).unwrap();
        target.execute(&Sql::new(target.engine()).lit(what).table(&name())).unwrap();
        target.end(true).unwrap();
    }
}

fn create(bench: &Bench<'_>) {
    let mut target = (bench.target)();
    let sql = Sql::new(target.engine()).lit("CREATE TABLE ").table(&name());
    let sql =
        sql.lit(" (id INTEGER NOT NULL PRIMARY KEY, ").name("select").lit(" VARCHAR(40) NOT NULL UNIQUE, note TEXT)");
    target.begin(Enforce::Nothing).unwrap();
    target.execute(&sql).unwrap();
    target.end(true).unwrap();
    let catalogue = (bench.source)().catalogue().unwrap();
    let table = catalogue.table(&name()).unwrap();
    assert_eq!(table.columns.len(), 3);
    assert_eq!(table.primary_key, [0]);
    assert_eq!(table.columns[1].length, Some(40));
    assert!(!table.columns[1].nullable && table.columns[2].nullable);
    assert_eq!(table.uniques.iter().map(|unique| unique.columns.clone()).collect::<Vec<_>>(), [vec![1]]);
}

fn live(bench: &Bench<'_>) -> Table {
    (bench.source)().catalogue().unwrap().table(&name()).unwrap().clone()
}

fn columns() -> Vec<String> {
    ["id", "select", "note"].map(str::to_owned).to_vec()
}

fn checked(bench: &Bench<'_>, cells: &[[Cell<'_>; 3]]) -> Checked {
    let mut batch = Batch::new(3);
    for cell in cells.iter().flatten() {
        batch.push(*cell);
    }
    let engine = (bench.source)().engine();
    let rules = Rules::new(engine, &live(bench), &columns()).unwrap();
    let (checked, violations) = check::rows(Masked::vouch(batch), &rules, 0).unwrap();
    assert!(violations.is_empty());
    checked
}

fn integer(text: &str) -> Cell<'_> {
    Cell { kind: CellKind::Integer, bytes: text.as_bytes() }
}

fn into() -> LoadTable {
    LoadTable { table: name(), columns: columns(), constants: Vec::new() }
}

fn loads_and_reads_back(bench: &Bench<'_>) {
    let rows = checked(
        bench,
        &[[integer("1"), Cell::text("a\tb\\c\n\r'\""), Cell::NULL], [integer("2"), Cell::text("🌿"), Cell::text("")]],
    );
    let mut target = (bench.target)();
    target.begin(Enforce::Nothing).unwrap();
    assert_eq!(target.load(&into(), &rows).unwrap(), 2);
    assert!(["one INSERT", "prepared inserts", "inserts of many rows"].contains(&target.loaded_by()));
    target.end(true).unwrap();
    let mut source = (bench.source)();
    let sql = Sql::new(source.engine()).lit("SELECT id, ").name("select").lit(", note FROM ").table(&name());
    let mut seen = Vec::new();
    let query = Query { sql: sql.lit(" ORDER BY id"), columns: 3 };
    let count = source.read(&query, &mut |batch| {
        for row in 0..batch.rows() {
            seen.push([0, 1, 2].map(|at| (batch.cell(row, at).is_null(), batch.cell(row, at).bytes.to_vec())));
        }
        Ok(())
    });
    assert_eq!(count.unwrap(), 2);
    assert_eq!(seen[0][1].1, b"a\tb\\c\n\r'\"");
    assert!(seen[0][2].0 && !seen[1][2].0 && seen[1][2].1.is_empty());
    assert_eq!(seen[1][1].1, "🌿".as_bytes());
}

fn count(source: &mut dyn Source) -> i64 {
    let sql = Sql::new(source.engine()).lit("SELECT count(*) FROM ").table(&name());
    scalar(source, sql).unwrap()
}

fn rolls_back(bench: &Bench<'_>) {
    let mut target = (bench.target)();
    target.begin(Enforce::Nothing).unwrap();
    target.load(&into(), &checked(bench, &[[integer("3"), Cell::text("c"), Cell::NULL]])).unwrap();
    target.end(false).unwrap();
    assert_eq!(count(&mut *(bench.source)()), 2);
}

fn rejects_by_constraint(bench: &Bench<'_>) {
    let mut target = (bench.target)();
    target.begin(Enforce::Nothing).unwrap();
    let error =
        target.load(&into(), &checked(bench, &[[integer("4"), Cell::text("🌿"), Cell::text("hunter2")]])).unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected);
    assert!(!format!("{error:?} {error}").contains("hunter2") && !error.to_string().contains("🌿\""));
    target.end(false).unwrap();
}

fn loads_what_comes(bench: &Bench<'_>) {
    let part = |id, text| checked(bench, &[[integer(id), Cell::text(text), Cell::NULL]]);
    let mut target = (bench.target)();
    target.begin(Enforce::Nothing).unwrap();
    assert_eq!(target.load_all(&into(), &mut std::iter::empty()).unwrap(), 0);
    assert_eq!(target.load_all(&into(), &mut [part("6", "f"), part("7", "g")].into_iter().map(Ok)).unwrap(), 2);
    assert_eq!(count(&mut *target), 4);
    let broken = [Ok(part("8", "h")), Err(Error::store("a damaged pack"))];
    assert_eq!(target.load_all(&into(), &mut broken.into_iter()).unwrap_err().kind(), Kind::Store);
    target.end(false).unwrap();
    assert_eq!(count(&mut *(bench.source)()), 2);
}

fn sees_one_state(bench: &Bench<'_>) {
    let mut before = (bench.source)();
    assert_eq!(count(&mut *before), 2);
    let mut target = (bench.target)();
    // A writer that waits for the reader is fine too: then it cannot disturb it.
    let written = target.begin(Enforce::Nothing).and_then(|()| {
        target.load(&into(), &checked(bench, &[[integer("5"), Cell::text("e"), Cell::NULL]]))?;
        target.end(false)
    });
    assert!(written.is_ok() || written.is_err_and(|error| error.kind() == Kind::Locked));
    assert_eq!(count(&mut *before), 2);
}

fn locks(bench: &Bench<'_>) {
    let mut first = (bench.target)();
    first.lock("the first", Duration::ZERO).unwrap();
    let mut second = (bench.target)();
    let holder = second.holder().unwrap().unwrap();
    assert!(holder.purpose == "the first" && holder.process > 0 && !holder.host.is_empty(), "{holder}");
    let error = second.lock("the second", Duration::from_millis(120)).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.to_string().contains("the first"), "{error}");
    drop(first);
    second.lock("the second", Duration::from_secs(5)).unwrap();
    assert_eq!(second.holder().unwrap().unwrap().purpose, "the second");
    drop(second);
    let (mut third, start) = ((bench.target)(), Instant::now());
    while let Some(holder) = third.holder().unwrap() {
        assert!(start.elapsed() < Duration::from_secs(5), "{holder}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn has_an_identity(bench: &Bench<'_>) {
    let source = (bench.source)().identity().unwrap();
    assert!(source.is_same_as(&(bench.target)().identity().unwrap()));
}

/// A refused row is named by the rule that it breaks, and takes nothing else with it.
fn goes_on_behind_a_savepoint(bench: &Bench<'_>) {
    let rows = |ids: &[&str]| {
        let cells: Vec<[Cell<'_>; 3]> = ids.iter().map(|id| [integer(id), Cell::text(id), Cell::NULL]).collect();
        checked(bench, &cells)
    };
    let before = count(&mut *(bench.source)());
    let mut target = (bench.target)();
    target.begin(Enforce::Nothing).unwrap();
    target.load(&into(), &rows(&["21"])).unwrap();
    for bad in [rows(&["22", "21"]), rows(&["23", "23"])] {
        target.savepoint(Savepoint::Set).unwrap();
        let error = target.load(&into(), &bad).unwrap_err();
        assert_eq!(error.broken().map(|broken| broken.rule), Some("unique"), "{error}");
        assert!(error.broken().is_some_and(|broken| !broken.name.is_empty()), "{error}");
        target.savepoint(Savepoint::Undo).unwrap();
    }
    target.savepoint(Savepoint::Set).unwrap();
    let twice = Sql::new(target.engine()).lit("INSERT INTO ").table(&name()).lit(" (id, ").name("select");
    let error = target.execute(&twice.lit(") VALUES (24, '24'), (25, NULL)")).unwrap_err();
    assert_eq!(error.broken().map(|broken| broken.rule), Some("not null"), "{error}");
    target.savepoint(Savepoint::Undo).unwrap();
    // An error of the statement is about no row.
    target.savepoint(Savepoint::Set).unwrap();
    let wrong = Sql::new(target.engine()).lit("DELETE FROM ").table(&name()).lit(" WHERE missing = 1");
    assert_eq!(target.execute(&wrong).unwrap_err().broken(), None);
    target.savepoint(Savepoint::Undo).unwrap();
    target.savepoint(Savepoint::Set).unwrap();
    target.load(&into(), &rows(&["26"])).unwrap();
    target.savepoint(Savepoint::Keep).unwrap();
    target.end(true).unwrap();
    assert_eq!(count(&mut *(bench.source)()), before + 2);
}
