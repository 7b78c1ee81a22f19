//! The files of an import: whose rows each of them holds, which cell is of which column, and what the others become.

use super::cells;
use crate::codec::csv::{self, Place};
use crate::error::{Error, Result};
use crate::generate::value::Value;
use crate::model::manifest::ImportedFile;
use crate::model::schema::{Catalogue, EngineKind, Family, Table, TableKind};
use crate::policy::names::{self, Found};
use std::path::Path;

/// The rows of one file.
pub(super) struct File {
    /// Its name, for messages.
    pub(super) name: String,
    /// The table by index into the catalogue's.
    pub(super) table: usize,
    /// BLAKE3 of its bytes.
    pub(super) digest: String,
    /// The rows: a value for each column of the table, generated ones are NULL.
    pub(super) rows: Vec<Vec<Value>>,
    /// Where each row begins.
    pub(super) lines: Vec<u64>,
}

impl File {
    /// What the manifest says of it.
    pub(super) fn proof(&self, catalogue: &Catalogue) -> ImportedFile {
        let table = catalogue.tables[self.table].name.clone();
        ImportedFile { file: self.name.clone(), table, digest: self.digest.clone() }
    }

    /// `clients.csv:3`.
    pub(super) fn place(&self, row: usize) -> String {
        format!("{}:{}", self.name, self.lines.get(row).copied().unwrap_or_default())
    }
}

/// Reads every `.csv` file of a folder, in the order of their tables.
///
/// # Errors
/// Kind `Usage` when the folder cannot be read or a file is no CSV; `Drift` for tables and columns that the schema does not have;
/// `Rejected` for cells that are none of their column. Each with file, line and column.
pub(super) fn read(folder: &Path, catalogue: &Catalogue, null: Option<&str>) -> Result<Vec<File>> {
    let cannot = |error| Error::usage(format!("cannot read the folder {}", folder.display())).caused_by(error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if is_csv && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Error::usage(format!("there is no .csv file in {}", folder.display())).hint(
            "Name each file like its table: clients.csv, or sales.clients.csv where there are several schemas.",
        ));
    }
    let mut files: Vec<File> = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().escape_debug().to_string();
        let bytes =
            std::fs::read(&path).map_err(|error| Error::usage(format!("cannot read {name}")).caused_by(error))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let table = table(catalogue, &name, &stem)?;
        if let Some(other) = files.iter().find(|other| other.table == table) {
            let what = format!("{} and {name} are both of table {}", other.name, catalogue.tables[table].name);
            return Err(Error::usage(what).hint("Join them, or take one of them away."));
        }
        files.push(Reader { name: &name, engine: catalogue.engine, catalogue, table, null }.file(&bytes)?);
    }
    files.sort_by_key(|file| file.table);
    Ok(files)
}

/// The table that a file is named after.
fn table(catalogue: &Catalogue, name: &str, stem: &str) -> Result<usize> {
    let ordinary = || catalogue.tables.iter().enumerate().filter(|(_, table)| table.kind == TableKind::Ordinary);
    let exact: Vec<usize> = ordinary().filter(|(_, table)| table.name.is_named(stem)).map(|(at, _)| at).collect();
    let folded = stem.to_lowercase();
    let alike =
        |table: &Table| table.name.name.to_lowercase() == folded || table.name.to_string().to_lowercase() == folded;
    let found =
        if exact.is_empty() { ordinary().filter(|(_, table)| alike(table)).map(|(at, _)| at).collect() } else { exact };
    match found[..] {
        [one] => Ok(one),
        [] => {
            let close = names::closest(stem, ordinary().map(|(_, table)| table.name.name.as_str()));
            let hint = match close {
                Some(close) => format!("Did you mean {}.csv? Each file is named like its table.", close.escape_debug()),
                None => "Name each file like its table.".to_owned(),
            };
            Err(Error::drift(format!("{name}: the schema has no such table")).hint(hint))
        }
        _ => Err(Error::usage(format!("{name}: several tables have this name"))
            .hint("Put the schema before it: sales.clients.csv.")),
    }
}

/// What a column of the table gets.
enum Gets {
    /// The cell of the file at this place.
    Cell(usize),
    /// Always the same.
    Value(Value),
    /// The number of the row.
    Number,
}

struct Reader<'a> {
    name: &'a str,
    engine: EngineKind,
    catalogue: &'a Catalogue,
    table: usize,
    null: Option<&'a str>,
}

impl Reader<'_> {
    fn table(&self) -> &Table {
        &self.catalogue.tables[self.table]
    }

    fn file(&self, bytes: &[u8]) -> Result<File> {
        let fault = |fault: csv::Fault| Error::usage(format!("{}:{}: {}", self.name, fault.place, fault.what));
        let mut records = csv::records(bytes).map_err(fault)?;
        let head = match records.next() {
            Some(head) => head.map_err(fault)?,
            None => {
                return Err(
                    Error::usage(format!("{}: the file is empty", self.name)).hint("Its first line names the columns.")
                );
            }
        };
        let labels: Vec<Vec<String>> =
            self.table().columns.iter().map(|column| super::labels(self.catalogue, column)).collect();
        let gets = self.columns(&head, &labels)?;
        let mut file = File {
            name: self.name.to_owned(),
            table: self.table,
            digest: blake3::hash(bytes).to_hex().to_string(),
            rows: Vec::new(),
            lines: Vec::new(),
        };
        for record in records {
            let record = record.map_err(fault)?;
            let line = record[0].place.line;
            if record.len() != head.len() {
                let what = format!(
                    "{}:{line}: {} cells, and the first line names {} columns",
                    self.name,
                    record.len(),
                    head.len()
                );
                return Err(Error::usage(what).hint("A comma within a cell needs quotes around the cell."));
            }
            let mut row = Vec::with_capacity(gets.len());
            for (at, gets) in gets.iter().enumerate() {
                row.push(match gets {
                    Gets::Cell(cell) => self.cell(at, &labels[at], &record[*cell])?,
                    Gets::Value(value) => value.clone(),
                    Gets::Number => Value::whole(file.rows.len() as u64 + 1),
                });
            }
            file.rows.push(row);
            file.lines.push(line);
        }
        Ok(file)
    }

    /// What each column of the table gets, by the first line.
    fn columns(&self, head: &[csv::Field], labels: &[Vec<String>]) -> Result<Vec<Gets>> {
        let table = self.table();
        let mut cells = vec![None; table.columns.len()];
        for (at, field) in head.iter().enumerate() {
            let name = field.text.trim();
            let shown = name.escape_debug();
            let place = |what: String| format!("{}:{}: {what}", self.name, field.place);
            let column = match names::find(name, table.columns.iter().map(|column| column.name.as_str())) {
                Found::At(column) => column,
                Found::Several => return Err(Error::usage(place(format!("several columns are called {shown}")))),
                Found::Missing => {
                    let close = names::closest(name, table.columns.iter().map(|column| column.name.as_str()));
                    let close =
                        close.map(|close| format!("Did you mean {}? ", close.escape_debug())).unwrap_or_default();
                    return Err(Error::drift(place(format!("table {} has no column {shown}", table.name)))
                        .hint(format!("{close}The first line names the columns of the table.")));
                }
            };
            if table.columns[column].generated {
                return Err(
                    Error::usage(place(format!("the database computes {shown} itself"))).hint("Leave the column out.")
                );
            }
            if cells[column].replace(at).is_some() {
                return Err(Error::usage(place(format!("column {shown} is there twice"))));
            }
        }
        let gets = cells.iter().enumerate().map(|(at, cell)| match cell {
            Some(cell) => Ok(Gets::Cell(*cell)),
            None => self.missing(at, &labels[at]),
        });
        gets.collect()
    }

    /// What a column gets that the file does not have.
    fn missing(&self, at: usize, labels: &[String]) -> Result<Gets> {
        let table = self.table();
        let column = &table.columns[at];
        let is_number = table.primary_key == [at] && column.family == Family::Integer;
        if is_number && (table.counter || self.engine == EngineKind::Sqlite) {
            return Ok(Gets::Number);
        }
        if let Some(value) = cells::default(self.engine, column, labels) {
            return Ok(Gets::Value(value));
        }
        if column.generated || column.nullable {
            return Ok(Gets::Value(Value::Null));
        }
        let name = column.name.escape_debug();
        let what = match &column.default {
            Some(_) => format!("{}: column {name} is missing, and its default is not a plain value", self.name),
            None => format!("{}: column {name} is missing, and it takes no NULL and has no default", self.name),
        };
        Err(Error::rejected(what).hint("Add the column to the file."))
    }

    fn cell(&self, at: usize, labels: &[String], field: &csv::Field) -> Result<Value> {
        let column = &self.table().columns[at];
        let is_text = matches!(column.family, Family::Text | Family::Any);
        let is_null = !field.quoted
            && match self.null {
                Some(null) => field.text == null,
                // Who writes nothing into a text column that takes no NULL means the empty text.
                None => field.text.is_empty() && (column.nullable || !is_text),
            };
        if is_null {
            return if column.nullable {
                Ok(Value::Null)
            } else {
                Err(self.refused(field.place, at, "a value: it takes no NULL"))
            };
        }
        cells::value(self.engine, column, labels, &field.text).map_err(|wanted| self.refused(field.place, at, &wanted))
    }

    fn refused(&self, place: Place, column: usize, wanted: &str) -> Error {
        let column = &self.table().columns[column];
        let declared = if column.declared.is_empty() { "any" } else { &column.declared };
        Error::rejected(format!(
            "{}:{place}: column {} ({declared}) takes {wanted}",
            self.name,
            column.name.escape_debug()
        ))
    }
}
