//! Checks rows against the live table before they are loaded: the only maker of [`Checked`].
//!
//! The database checks again; checking here names table, column and row before anything is written, and finds what SQLite
//! would let pass (a text in a whole-number column).

use crate::error::{Error, Result};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::proof::{Checked, Masked};
use crate::model::schema::{Column, EngineKind, Table, TableName};

/// What the live table asks of the cells of a batch.
#[derive(Debug, Clone)]
pub struct Rules {
    table: TableName,
    columns: Vec<Rule>,
    /// Whether each row gets its ordinal as a further cell.
    numbered: bool,
}

#[derive(Debug, Clone)]
struct Rule {
    column: String,
    nullable: bool,
    max_chars: Option<u32>,
}

/// A cell that does not fit, by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Row ordinal in the table's stream, from 0.
    pub row: u64,
    /// The column.
    pub column: String,
    /// One word for the rule: `not null`, `length`, `type`.
    pub rule: &'static str,
    /// What the column asks for.
    pub why: &'static str,
}

impl Rules {
    /// The rules of `live` for cells that come in the order of `columns`.
    ///
    /// # Errors
    /// Kind `Drift` when the live table has no such column.
    pub fn new(engine: EngineKind, live: &Table, columns: &[String]) -> Result<Self> {
        let rule = |name: &String| {
            let at = live.column_index(name).ok_or_else(|| {
                Error::drift(format!("table {}: column {} is missing in the target", live.name, name.escape_debug()))
            })?;
            Ok(Rule {
                column: name.clone(),
                nullable: is_nullable(live, at),
                max_chars: limit(engine, &live.columns[at]),
            })
        };
        let columns = columns.iter().map(rule).collect::<Result<_>>()?;
        Ok(Self { table: live.name.clone(), columns, numbered: false })
    }

    /// The same rules, for rows that get their ordinal in the table's stream as a last cell.
    #[must_use]
    pub fn numbered(self) -> Self {
        Self { numbered: true, ..self }
    }
}

/// An integer primary key of SQLite is never NULL, but it is not declared so; everything else is as declared.
fn is_nullable(table: &Table, column: usize) -> bool {
    table.columns[column].nullable && table.primary_key != [column]
}

/// The length limit, where the engine enforces one.
fn limit(engine: EngineKind, column: &Column) -> Option<u32> {
    if engine == EngineKind::Sqlite { None } else { column.length }
}

/// Checks a batch whose first row has the ordinal `first_row`. Rows with a violation are left out of the result.
///
/// # Errors
/// Kind `Internal` when the batch has another shape than the rules.
pub fn rows(rows: Masked, rules: &Rules, first_row: u64) -> Result<(Checked, Vec<Violation>)> {
    rest(rows, rules, first_row, Vec::new())
}

/// The same for a batch in which `violations` were found before, in the order of its rows.
///
/// # Errors
/// Kind `Internal` when the batch has another shape than the rules.
pub fn rest(
    rows: Masked,
    rules: &Rules,
    first_row: u64,
    mut violations: Vec<Violation>,
) -> Result<(Checked, Vec<Violation>)> {
    let batch = rows.into_batch();
    if batch.columns() != rules.columns.len() {
        return Err(Error::internal(format!(
            "a batch for {} has another number of columns than its rules",
            rules.table
        )));
    }
    let known: Vec<u64> = violations.iter().map(|violation| violation.row).collect();
    let mut bad_rows = Vec::new();
    for row in 0..batch.rows() {
        let (before, ordinal) = (violations.len(), first_row + row as u64);
        if known.binary_search(&ordinal).is_ok() {
            bad_rows.push(row);
            continue;
        }
        for (at, rule) in rules.columns.iter().enumerate() {
            if let Some((word, why)) = violation(batch.cell(row, at), rule) {
                violations.push(Violation { row: ordinal, column: rule.column.clone(), rule: word, why });
            }
        }
        if violations.len() > before {
            bad_rows.push(row);
        }
    }
    let batch = match (rules.numbered, bad_rows.is_empty()) {
        (false, true) => batch,
        (false, false) => without(&batch, &bad_rows, None),
        (true, _) => without(&batch, &bad_rows, Some(first_row)),
    };
    Ok((Checked::vouch(batch), violations))
}

/// Some neighbouring rows of checked ones.
#[must_use]
pub fn part(rows: &Checked, range: std::ops::Range<usize>) -> Checked {
    let rows = rows.rows();
    let mut part = Batch::new(rows.columns());
    for row in range {
        for column in 0..rows.columns() {
            part.push(rows.cell(row, column));
        }
    }
    Checked::vouch(part)
}

/// The ordinal of a row that was checked with rules that number their rows.
#[must_use]
pub fn ordinal(rows: &Checked, row: usize) -> u64 {
    let rows = rows.rows();
    let cell = rows.columns().checked_sub(1).map_or(Cell::NULL, |last| rows.cell(row, last));
    std::str::from_utf8(cell.bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn violation(cell: Cell<'_>, rule: &Rule) -> Option<(&'static str, &'static str)> {
    if cell.is_null() {
        return (!rule.nullable).then_some(("not null", "NULL in a NOT NULL column"));
    }
    let limit = rule.max_chars? as usize;
    let too_long = cell.kind == CellKind::Text
        && cell.bytes.len() > limit
        && String::from_utf8_lossy(cell.bytes).chars().count() > limit;
    too_long.then_some(("length", "longer than the column allows"))
}

/// The rows that are not bad; each with its ordinal behind it, where the first one's is given.
fn without(batch: &Batch, bad_rows: &[usize], first_row: Option<u64>) -> Batch {
    let mut kept = Batch::new(batch.columns() + usize::from(first_row.is_some()));
    for row in (0..batch.rows()).filter(|row| bad_rows.binary_search(row).is_err()) {
        for column in 0..batch.columns() {
            kept.push(batch.cell(row, column));
        }
        if let Some(first_row) = first_row {
            let ordinal = (first_row + row as u64).to_string();
            kept.push(Cell { kind: CellKind::Integer, bytes: ordinal.as_bytes() });
        }
    }
    kept
}

/// The first violation as the error that stops a load.
///
/// # Errors
/// Kind `Rejected` when there is a violation.
pub fn refuse(table: &TableName, violations: &[Violation]) -> Result<()> {
    let Some(first) = violations.first() else { return Ok(()) };
    Err(Error::rejected(format!(
        "table {table}, column {}, row {}: {} ({} such cells in this batch)",
        first.column.escape_debug(),
        first.row,
        first.why,
        violations.len()
    ))
    .hint("Capture again from the current schema, or change the target's column."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::{Family, TableKind};

    fn table() -> Table {
        let column = |name: &str, nullable, length| Column {
            name: name.into(),
            declared: "TEXT".into(),
            family: Family::Text,
            length,
            nullable,
            default: None,
            generated: false,
            collation: None,
            comment: None,
        };
        Table {
            name: TableName::plain("t"),
            kind: TableKind::Ordinary,
            columns: vec![column("a", false, None), column("b", true, Some(3))],
            primary_key: Vec::new(),
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            create: String::new(),
            counter: false,
            strict: false,
        }
    }

    #[test]
    fn p06_cells_that_do_not_fit_are_named_and_left_out() {
        let rules = Rules::new(EngineKind::Postgres, &table(), &["a".into(), "b".into()]).unwrap();
        let mut batch = Batch::new(2);
        for cell in [Cell::text("x"), Cell::text("äöü"), Cell::NULL, Cell::NULL, Cell::text("y"), Cell::text("four")]
        {
            batch.push(cell);
        }
        let (checked, violations) = rows(Masked::vouch(batch), &rules, 10).unwrap();
        assert_eq!(checked.rows().rows(), 1);
        let places: Vec<(u64, &str)> = violations.iter().map(|v| (v.row, v.column.as_str())).collect();
        assert_eq!(places, [(11, "a"), (12, "b")]);
        assert!(refuse(&TableName::plain("t"), &violations).is_err());
    }

    #[test]
    fn rows_keep_their_ordinals() {
        let rules = Rules::new(EngineKind::Postgres, &table(), &["a".into(), "b".into()]).unwrap().numbered();
        let batch = || {
            let mut batch = Batch::new(2);
            for text in ["a", "b", "c", "d"] {
                batch.push(if text == "b" { Cell::NULL } else { Cell::text(text) });
                batch.push(Cell::NULL);
            }
            Masked::vouch(batch)
        };
        let found = Violation { row: 12, column: "b".into(), rule: "type", why: "no" };
        let (checked, violations) = rest(batch(), &rules, 10, vec![found]).unwrap();
        assert_eq!(
            violations.iter().map(|violation| (violation.row, violation.rule)).collect::<Vec<_>>(),
            [(12, "type"), (11, "not null")]
        );
        assert_eq!((checked.rows().rows(), checked.rows().columns()), (2, 3));
        assert_eq!((ordinal(&checked, 0), ordinal(&checked, 1)), (10, 13));
        let last = part(&checked, 1..2);
        assert_eq!((last.rows().rows(), ordinal(&last, 0), last.rows().cell(0, 0)), (1, 13, Cell::text("d")));
        let (plain, _) = rows(batch(), &rules, 0).unwrap();
        assert_eq!(plain.rows().rows(), 3);
    }

    #[test]
    fn a_missing_column_is_drift() {
        let error = Rules::new(EngineKind::Sqlite, &table(), &["c".into()]).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Drift);
    }
}
