//! Some rows of a table, and whether their values are in a key. Values stay in here: what leaves are counts, and names that
//! the schema itself has.

use crate::engine::sql::Sql;
use crate::engine::{Query, Source, scalar};
use crate::error::Result;
use crate::model::batch::CellKind;
use crate::model::schema::{Column, Family, Table};
use std::collections::{BTreeSet, HashSet};

/// Rows from each end of a table.
const ROWS: i64 = 1000;
/// Distinct values that are looked for in a key.
const VALUES: usize = 200;
/// A longer value is no key.
const LONGEST: usize = 256;

/// How many of the sampled values are in the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// Distinct values that were looked for.
    pub sampled: usize,
    /// Those that are there.
    pub found: usize,
}

impl Overlap {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { sampled: self.sampled + other.sampled, found: self.found + other.found }
    }
}

/// A value, without `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Value {
    kind: CellKind,
    bytes: Vec<u8>,
}

/// Some rows of a table.
pub(super) struct Sample {
    /// The columns that were read.
    columns: Vec<usize>,
    rows: Vec<Vec<Option<Value>>>,
}

/// Reads the first and the last rows of a table, by its primary key. Costs the same for a table of any size.
pub(super) fn read(source: &mut dyn Source, table: &Table, columns: &BTreeSet<usize>) -> Result<Sample> {
    let columns: Vec<usize> = columns.iter().copied().collect();
    let mut sample = Sample { columns, rows: Vec::new() };
    if sample.columns.is_empty() {
        return Ok(sample);
    }
    let engine = source.engine();
    let select = || {
        let sql = Sql::new(engine).lit("SELECT ");
        let sql = sql.list(&sample.columns, ", ", |sql, at| sql.name(&table.columns[*at].name));
        sql.lit(" FROM ").table(&table.name)
    };
    let mut queries = vec![select().lit(" LIMIT ").integer(ROWS)];
    if !table.primary_key.is_empty() {
        let last = select().lit(" ORDER BY ");
        let last = last.list(&table.primary_key, ", ", |sql, at| sql.name(&table.columns[*at].name).lit(" DESC"));
        queries.push(last.lit(" LIMIT ").integer(ROWS));
    }
    let width = sample.columns.len();
    for sql in queries {
        let rows = &mut sample.rows;
        source.read(&Query { sql, columns: width }, &mut |batch| {
            for row in 0..batch.rows() {
                let cells = (0..width).map(|at| {
                    let cell = batch.cell(row, at);
                    let is_value = !cell.is_null() && cell.bytes.len() <= LONGEST;
                    is_value.then(|| Value { kind: cell.kind, bytes: cell.bytes.to_vec() })
                });
                rows.push(cells.collect());
            }
            Ok(())
        })?;
    }
    Ok(sample)
}

impl Sample {
    fn place(&self, column: usize) -> Option<usize> {
        self.columns.iter().position(|at| *at == column)
    }

    /// The texts of a column in every sampled row that has one.
    pub(super) fn cells(&self, column: usize) -> Vec<&str> {
        let Some(place) = self.place(column) else { return Vec::new() };
        let values = self.rows.iter().filter_map(|row| row[place].as_ref());
        values.filter_map(|value| std::str::from_utf8(&value.bytes).ok()).filter(|text| !text.is_empty()).collect()
    }

    /// The distinct texts of a column, to be compared with names of the schema.
    pub(super) fn texts(&self, column: usize) -> Vec<String> {
        let Some(place) = self.place(column) else { return Vec::new() };
        let values = self.rows.iter().filter_map(|row| row[place].as_ref());
        let texts = values.filter_map(|value| std::str::from_utf8(&value.bytes).ok().map(str::to_owned));
        texts.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// The distinct values of some columns of rows without NULL in them, of at most [`VALUES`] rows; only of rows that hold
    /// `text` in another column, if that is asked.
    fn distinct(&self, columns: &[usize], only: Option<(usize, &str)>) -> Vec<Vec<&Value>> {
        let places: Option<Vec<usize>> = columns.iter().map(|column| self.place(*column)).collect();
        let (Some(places), only) = (places, only.map(|(column, text)| (self.place(column), text))) else {
            return Vec::new();
        };
        let chosen = |row: &&Vec<Option<Value>>| match only {
            None => true,
            Some((at, text)) => at.is_some_and(|at| row[at].as_ref().is_some_and(|v| v.bytes == text.as_bytes())),
        };
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        // From both ends to the middle: the newest rows tell more, because low numbers are everywhere.
        let count = self.rows.len();
        let alternating = (0..count).map(|at| if at % 2 == 0 { count - 1 - at / 2 } else { at / 2 });
        for row in alternating.map(|at| &self.rows[at]).filter(chosen) {
            let values: Option<Vec<&Value>> = places.iter().map(|at| row[*at].as_ref()).collect();
            if let Some(values) = values
                && seen.insert(values.clone())
            {
                found.push(values);
            }
            if found.len() == VALUES {
                break;
            }
        }
        found
    }

    /// Looks for the values of `columns` in a key of `parent`. None where there is no value to look for.
    pub(super) fn overlap(
        &self,
        source: &mut dyn Source,
        columns: &[usize],
        parent: &Table,
        key: &[usize],
        only: Option<(usize, &str)>,
    ) -> Result<Option<Overlap>> {
        let mut rows = self.distinct(columns, only);
        // A key in a narrow character set cannot even be asked for what it cannot hold (MySQL).
        rows.retain(|row| row.iter().all(|value| value.kind == CellKind::Blob || value.bytes.is_ascii()));
        if rows.is_empty() {
            return Ok(None);
        }
        let engine = source.engine();
        let cell = |column: usize, value: &Value| literal(Sql::new(engine), &parent.columns[column], value);
        let literals: Vec<Vec<Sql>> = rows
            .iter()
            .filter_map(|row| key.iter().zip(row).map(|(column, value)| cell(*column, value)).collect())
            .collect();
        let mut overlap = Overlap { sampled: rows.len(), found: 0 };
        if literals.is_empty() {
            return Ok(Some(overlap));
        }
        let sql = Sql::new(engine).lit("SELECT COUNT(*) FROM ").table(&parent.name).lit(" WHERE ");
        let sql = match key {
            [column] => {
                let sql = sql.name(&parent.columns[*column].name).lit(" IN (");
                sql.list(literals.iter().flatten(), ", ", Sql::part).lit(")")
            }
            _ => sql.list(&literals, " OR ", |sql, row| {
                let sql = sql.lit("(").list(key.iter().zip(row), " AND ", |sql, (column, value)| {
                    sql.name(&parent.columns[*column].name).lit(" = ").part(value)
                });
                sql.lit(")")
            }),
        };
        let found = usize::try_from(scalar(source, sql)?).unwrap_or_default();
        overlap.found = found.min(overlap.sampled);
        Ok(Some(overlap))
    }
}

/// A value to compare with a key. None where no key of its type can hold it.
fn literal(sql: Sql, key: &Column, value: &Value) -> Option<Sql> {
    let text = || std::str::from_utf8(&value.bytes).ok();
    match (value.kind, key.family) {
        (CellKind::Null, _) => None,
        (CellKind::Blob, _) => Some(sql.bytes(&value.bytes)),
        (CellKind::Integer, _) | (_, Family::Integer | Family::Numeric) => {
            let number = text()?;
            let whole = number
                .split_once('.')
                .map_or(number, |(whole, rest)| if rest.bytes().all(|digit| digit == b'0') { whole } else { number });
            whole.parse().ok().map(|number| sql.integer(number))
        }
        (CellKind::Text | CellKind::Real, _) => text().map(|text| sql.string(text)),
    }
}
