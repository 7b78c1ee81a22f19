//! What the database would say of hand-made rows: unique keys, conditions and references, each with the first line that breaks it.

use super::files::File;
use crate::engine::Source;
use crate::error::{Error, Result};
use crate::generate::check::{self, Check, Truth};
use crate::generate::value::Value;
use crate::mask::Fold;
use crate::mask::canonical::{self, Form};
use crate::model::batch::{Batch, Cell};
use crate::model::names::visible;
use crate::model::schema::{Catalogue, Table, TableName};
use crate::model::subset::Reference;
use std::collections::{HashMap, HashSet};

/// The values of some columns of a row as one key; none where one of them is NULL.
struct Keys<'a> {
    catalogue: &'a Catalogue,
    table: &'a Table,
    /// Columns, and how each is compared.
    columns: Vec<(usize, Form)>,
}

impl<'a> Keys<'a> {
    /// Compared as the columns of `by` are, which for a reference are those of the parent.
    fn new(catalogue: &'a Catalogue, table: &'a Table, columns: &[usize], by: (&Table, &[usize])) -> Self {
        let form = |at: &usize| match Fold::of(&by.0.columns[*at], catalogue.engine, &catalogue.settings) {
            Fold::Exact => Form::Exact,
            Fold::Case => Form::Case,
            Fold::Accent => Form::Accent,
        };
        let columns = columns.iter().copied().zip(by.1.iter().map(form)).collect();
        Self { catalogue, table, columns }
    }

    fn of(&self, row: &[Value]) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        for &(at, form) in &self.columns {
            if row[at].is_null() {
                return None;
            }
            let mut cell = Batch::new(1);
            crate::generate::cell::cell(self.catalogue.engine, &self.table.columns[at], &row[at], &mut cell);
            let start = key.len();
            canonical::append(form, number_or_text(cell.cell(0, 0)), &mut key);
            let length = (key.len() - start) as u64;
            key.extend_from_slice(&length.to_le_bytes());
        }
        Some(key)
    }
}

/// Whole numbers of columns of different types are equal whatever their scale.
fn number_or_text(cell: Cell<'_>) -> &[u8] {
    let bytes = cell.bytes;
    match std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('.')) {
        Some((whole, zeros))
            if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') && whole.parse::<i128>().is_ok() =>
        {
            &bytes[..whole.len()]
        }
        _ => bytes,
    }
}

fn names(table: &Table, columns: &[usize]) -> String {
    columns.iter().map(|&at| table.columns[at].name.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
}

/// Refuses rows that repeat a key.
pub(super) fn uniques(catalogue: &Catalogue, files: &[File]) -> Result<()> {
    for file in files {
        let table = &catalogue.tables[file.table];
        let primary = (!table.primary_key.is_empty()).then(|| ("the primary key".to_owned(), &table.primary_key));
        let others = table.uniques.iter().filter(|unique| !unique.partial && !unique.columns.is_empty());
        let others =
            others.map(|unique| (format!("unique constraint {}", unique.name.escape_debug()), &unique.columns));
        for (name, columns) in primary.into_iter().chain(others) {
            if columns.iter().any(|&at| table.columns[at].generated) {
                continue;
            }
            let keys = Keys::new(catalogue, table, columns, (table, &columns[..]));
            let mut seen = HashMap::with_capacity(file.rows.len());
            for (row, cells) in file.rows.iter().enumerate() {
                let Some(first) = keys.of(cells).and_then(|key| seen.insert(key, row)) else { continue };
                let what = format!(
                    "{}: {name} of table {} wants {} unique, and line {} has the same",
                    file.place(row),
                    table.name,
                    names(table, columns),
                    file.lines[first]
                );
                return Err(Error::rejected(what).hint("Values are compared as the column's collation compares them."));
            }
        }
    }
    Ok(())
}

/// Refuses rows for which a CHECK does not hold. What cannot be worked out here, the database is asked; returns the names of those
/// that nobody could tell.
pub(super) fn checks(catalogue: &Catalogue, files: &[File], source: &mut dyn Source) -> Result<Vec<String>> {
    let mut open = Vec::new();
    for file in files {
        let table = &catalogue.tables[file.table];
        let checks = check::of_table(catalogue, table);
        let rows = || file.rows.iter().map(|row| row.iter().cloned().map(Some).collect::<Vec<_>>());
        let mut asked: Vec<&Check> = Vec::new();
        for check in &checks {
            let Ok(predicate) = &check.predicate else {
                asked.push(check);
                continue;
            };
            for (row, cells) in rows().enumerate() {
                match predicate.holds(&cells) {
                    Truth::False => return Err(broken(file, row, table, check)),
                    Truth::Cannot => {
                        asked.push(check);
                        break;
                    }
                    Truth::True | Truth::Unknown => {}
                }
            }
        }
        if asked.is_empty() || file.rows.is_empty() {
            continue;
        }
        let cells: Vec<Vec<Option<Value>>> = rows().collect();
        let answers = check::ask(source, table, &asked, &cells)?;
        for (row, answers) in answers.iter().enumerate() {
            if let Some(at) = answers.iter().position(|truth| *truth == Truth::False) {
                return Err(broken(file, row, table, asked[at]));
            }
        }
        for (at, check) in asked.iter().enumerate() {
            if answers.iter().any(|answers| answers.get(at) == Some(&Truth::Cannot)) {
                open.push(format!("{} of {}", check.name.escape_debug(), table.name));
            }
        }
    }
    Ok(open)
}

fn broken(file: &File, row: usize, table: &Table, check: &Check) -> Error {
    let columns = names(table, &check.columns);
    Error::rejected(format!(
        "{}: table {}: {} does not hold ({columns})",
        file.place(row),
        table.name,
        check.name.escape_debug()
    ))
    .hint(format!("The database asks: {}", visible(&check.text)))
}

/// Refuses rows whose parent is in no file.
pub(super) fn references(catalogue: &Catalogue, references: &[Reference], files: &[File]) -> Result<()> {
    for reference in references {
        let of = |name: &TableName| files.iter().find(|file| &catalogue.tables[file.table].name == name);
        let (Some(child), Some(own)) = (of(&reference.child), catalogue.table(&reference.child)) else { continue };
        let Some(parent) = catalogue.table(&reference.parent) else { continue };
        let places = |table: &Table, names: &[String]| {
            names.iter().map(|name| table.column_index(name)).collect::<Option<Vec<_>>>()
        };
        let (Some(columns), Some(parent_columns)) =
            (places(own, &reference.columns), places(parent, &reference.parent_columns))
        else {
            continue;
        };
        let parent_keys = Keys::new(catalogue, parent, &parent_columns, (parent, &parent_columns[..]));
        let there: HashSet<Vec<u8>> = of(&reference.parent)
            .into_iter()
            .flat_map(|file| &file.rows)
            .filter_map(|row| parent_keys.of(row))
            .collect();
        let child_keys = Keys::new(catalogue, own, &columns, (parent, &parent_columns[..]));
        // A polymorphic one speaks of the rows whose type column says so.
        let of_type = reference.of_type.as_ref().and_then(|of| Some((own.column_index(&of.column)?, &of.value)));
        let speaks = |row: &[Value]| {
            of_type.is_none_or(|(at, value)| {
                let mut cell = Batch::new(1);
                crate::generate::cell::cell(catalogue.engine, &own.columns[at], &row[at], &mut cell);
                !row[at].is_null() && cell.cell(0, 0).bytes == value.as_bytes()
            })
        };
        let is_lost = |row: &Vec<Value>| speaks(row) && child_keys.of(row).is_some_and(|key| !there.contains(&key));
        let lost: Vec<usize> = (0..child.rows.len()).filter(|&row| is_lost(&child.rows[row])).collect();
        if let Some(&first) = lost.first() {
            let what = format!(
                "{}: {} references a row of {} that is in no file ({} of {}, {} such rows)",
                child.place(first),
                names(own, &columns),
                reference.parent,
                reference.name.escape_debug(),
                reference.child,
                lost.len()
            );
            let hint = if of(&reference.parent).is_some() {
                "Correct the value, or add the row that is missing.".to_owned()
            } else {
                format!("Add a file for {}: what a snapshot references is part of it.", reference.parent)
            };
            return Err(Error::rejected(what).hint(hint));
        }
    }
    Ok(())
}
