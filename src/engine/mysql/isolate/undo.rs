//! What the row journal says was touched, and the statements that undo it.

use super::key::{self, mysql};
use super::plan::{Plan, Planned};
use super::triggers::{Deed, at};
use crate::engine::mysql::catalog::cell;
use crate::engine::mysql::session::{Session, TextRow};
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Up to this many entries, rows are undone one by one; with more, their tables are compared with the template's.
const MANY: usize = 40_000;

/// Of a table up to so many rows are taken out one by one. A statement for several of them may read past each, or all rows, and
/// wait for those that somebody else has changed; which, depends on the server's statistics.
const ONE_BY_ONE: usize = 1_000;

/// With more, so many by one statement.
const TOGETHER: usize = 2_000;

/// What was done to a row, and to which columns of it where that is known.
type Deeds = BTreeSet<(Deed, Option<Vec<String>>)>;

/// What was touched.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// The entries of the row journal that say so.
    pub(super) entries: Vec<String>,
    /// Keys of rows, by table.
    pub(super) keys: BTreeMap<usize, BTreeMap<String, Deeds>>,
    /// Tables of which it is not known which rows.
    pub(super) whole: BTreeSet<usize>,
}

impl Touched {
    /// Adds a row; false when this was known.
    pub(super) fn add(&mut self, table: usize, key: &str, deed: Deed, columns: Option<&[String]>) -> bool {
        let deeds = self.keys.entry(table).or_default().entry(key.to_owned()).or_default();
        deeds.insert((deed, columns.map(<[String]>::to_vec)))
    }

    fn entry(&mut self, plan: &Plan, row: &TextRow, with_keys: bool) -> Result<()> {
        let table: usize = cell(row, 1).parse().unwrap_or(usize::MAX);
        let Some(planned) = plan.tables.get(table) else {
            return Err(Error::unreachable("the row journal names a table that the template does not have"));
        };
        self.entries.push(cell(row, 0).to_owned());
        if planned.key.is_empty() || !with_keys {
            plan.spread(table, &mut self.whole);
        } else {
            self.add(table, cell(row, 3), Deed::of(cell(row, 2)), None);
        }
        Ok(())
    }

    /// Forgets single rows of tables that are put back as a whole.
    pub(super) fn settle(&mut self) {
        let whole = &self.whole;
        self.keys.retain(|table, _| !whole.contains(table));
    }
}

/// The query for all of the row journal, or for so much of it that is known whether it is much.
pub(super) fn look(journal: &Sql) -> Sql {
    entries(journal, "id, t, deed, k").lit(" LIMIT 40001")
}

fn entries(journal: &Sql, columns: &'static str) -> Sql {
    mysql().lit("SELECT ").lit(columns).lit(" FROM ").part(journal)
}

/// Reads what [`look`] gave.
pub(super) fn touched(session: &mut Session, plan: &Plan, journal: &Sql, rows: &[TextRow]) -> Result<Touched> {
    let mut touched = Touched::default();
    if rows.len() <= MANY {
        rows.iter().try_for_each(|row| touched.entry(plan, row, true))?;
        return Ok(touched);
    }
    for row in session.rows(entries(journal, "id, t").text())? {
        touched.entry(plan, &row, false)?;
    }
    Ok(touched)
}

/// A statement that undoes something.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) sql: Sql,
    /// The table that it puts back as a whole.
    pub(super) whole: Option<usize>,
}

impl Step {
    fn single(sql: Sql) -> Self {
        Self { sql, whole: None }
    }
}

/// Statements that undo single rows: all deletes come before all inserts, because a row may stand in another's way.
pub(super) fn steps(plan: &Plan, (template, clone): (&str, &str), touched: &Touched) -> Result<Vec<Step>> {
    let (mut deletes, mut inserts) = (Vec::new(), Vec::new());
    for (&table, keys) in &touched.keys {
        let planned = &plan.tables[table];
        let together = if keys.len() > ONE_BY_ONE { key::TOGETHER } else { 1 };
        for condition in key::conditions(&planned.key, "t", keys.keys(), together)? {
            deletes.push(Step::single(delete(&at(clone, &planned.name), &planned.index).part(&condition)));
        }
        for condition in key::conditions(&planned.key, "s", keys.keys(), key::TOGETHER)? {
            inserts.push(Step::single(planned.insert(clone, template).lit(" WHERE ").part(&condition)));
        }
    }
    deletes.extend(inserts);
    Ok(deletes)
}

/// The beginning of a statement that deletes rows `t` by a key, and touches no other: of a small table the server would rather
/// read all rows, and wait for those that somebody else has changed.
fn delete(table: &Sql, index: &str) -> Sql {
    let sql = mysql().lit("DELETE t FROM ").part(table).lit(" t FORCE INDEX (").name(index);
    sql.lit(") WHERE ")
}

/// Statements that take entries out of the row journal: those that were read, and no other.
pub(super) fn forget(journal: &Sql, entries: &[String]) -> Result<Vec<Step>> {
    let piece = |ids: &[String]| {
        let sql = delete(journal, "PRIMARY").lit("t.id IN (");
        let mut rest = Some(sql);
        for (at, id) in ids.iter().enumerate() {
            let sql = rest.take().map(|sql| if at > 0 { sql.lit(", ") } else { sql });
            rest = sql.and_then(|sql| sql.number(id));
        }
        rest.map(|sql| Step::single(sql.lit(")")))
            .ok_or_else(|| Error::unreachable("the row journal numbers an entry by no number"))
    };
    entries.chunks(if entries.len() > ONE_BY_ONE { TOGETHER } else { 1 }).map(piece).collect()
}

/// Statements that make a table the template's again by the difference of their rows, or by emptying and filling it.
pub(super) fn difference(table: usize, planned: &Planned, (template, clone): (&str, &str), reload: bool) -> Vec<Step> {
    let step = |sql: Sql| Step { sql, whole: Some(table) };
    let own = at(clone, &planned.name);
    if reload || planned.identity.is_empty() {
        let mut steps = vec![step(mysql().lit("DELETE FROM ").part(&own)), step(planned.insert(clone, template))];
        if planned.versioned {
            // The server keeps what was there before, and that is part of the table too.
            steps.push(step(mysql().lit("DELETE HISTORY FROM ").part(&own)));
        }
        return steps;
    }
    let joined =
        |sql: Sql| sql.list(&planned.identity, " AND ", |sql, name| sql.column("t", name).lit(" = ").column("s", name));
    let first = planned.identity.first().map_or("", String::as_str);
    let delete = mysql().lit("DELETE t FROM ").part(&own).lit(" t LEFT JOIN ").part(&at(template, &planned.name));
    let delete = joined(delete.lit(" s ON ")).lit(" WHERE ").column("s", first).lit(" IS NULL OR NOT (");
    let delete = delete.list(&planned.columns, " AND ", |sql, name| sql.exactly_equal(name, "t", "s")).lit(")");
    let insert = joined(planned.insert(clone, template).lit(" LEFT JOIN ").part(&own).lit(" t ON "));
    vec![step(delete), step(insert.lit(" WHERE ").column("t", first).lit(" IS NULL"))]
}
