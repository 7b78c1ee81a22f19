//! Rows into a table: LOAD DATA LOCAL where the server allows it and there are more than a few, else INSERT.

use super::explain;
use super::read::hex;
use super::session::Session;
use crate::engine::LoadTable;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use crate::model::copytext::{MYSQL_ESCAPES, write_escaped};
use crate::model::mark;
use crate::model::proof::Checked;
use crate::model::schema::EngineKind;
use mysql_async::ServerError;
use std::collections::HashMap;

/// Statements are about this long, in bytes.
const PIECE: usize = 1 << 20;
/// From this many rows on, LOAD DATA is worth its extra round trip.
const MANY: usize = 100;

/// What is known about the tables that get rows, and about the server.
#[derive(Default)]
pub(super) struct Loads {
    /// Which columns hold raw bytes.
    bytes: HashMap<String, Vec<bool>>,
    /// Whether the server takes LOAD DATA LOCAL.
    local_infile: Option<bool>,
    /// The longest statement that the server takes, in bytes.
    longest: Option<usize>,
}

pub(super) fn rows(session: &mut Session, known: &mut Loads, into: &LoadTable, rows: &Checked) -> Result<u64> {
    let rows = rows.rows();
    if rows.columns() != into.columns.len() {
        return Err(Error::internal(format!("a batch for {} has another number of columns than the load", into.table)));
    }
    let names = names(into);
    if !known.bytes.contains_key(names.text()) {
        refuse_lasting(session, into)?;
        let sql = Sql::new(EngineKind::Mysql).lit("SELECT ").list(&into.columns, ", ", |sql, name| sql.name(name));
        let bytes = session.byte_columns(sql.lit(" FROM ").table(&into.table).lit(" LIMIT 0").text())?;
        known.bytes.insert(names.text().to_owned(), bytes);
    }
    let bytes = known.bytes.get(names.text()).map(Vec::as_slice).unwrap_or_default();
    if rows.rows() > MANY {
        let allowed = match known.local_infile {
            Some(allowed) => allowed,
            None => session.text("SELECT @@local_infile")?.as_deref() == Some("1"),
        };
        known.local_infile = Some(allowed);
        if allowed {
            return load_data(session, into, rows, bytes);
        }
    }
    let longest = match known.longest {
        Some(longest) => longest,
        None => session.text("SELECT @@max_allowed_packet")?.and_then(|text| text.parse().ok()).unwrap_or(PIECE),
    };
    known.longest = Some(longest);
    insert(session, &names, rows, bytes, into, longest)
}

/// A table of a storage engine without transactions would keep the rows of a restore that failed.
fn refuse_lasting(session: &mut Session, into: &LoadTable) -> Result<()> {
    if mark::is_own_table(&into.table.name) {
        return Ok(());
    }
    let sql = Sql::new(EngineKind::Mysql)
        .lit("SELECT e.ENGINE FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE ")
        .lit("WHERE e.TRANSACTIONS <> 'YES' AND t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ")
        .string(&into.table.name);
    match session.text(sql.text())? {
        None => Ok(()),
        Some(engine) => Err(Error::rejected(format!("the storage engine {engine} cannot take rows back"))
            .hint("Turn the table into InnoDB, or leave it out with --table. Nothing was changed.")),
    }
}

fn names(into: &LoadTable) -> Sql {
    let names = into.columns.iter().chain(into.constants.iter().map(|(name, _)| name));
    Sql::new(EngineKind::Mysql).table(&into.table).lit(" (").list(names, ", ", |sql, name| sql.name(name)).lit(")")
}

fn load_data(session: &mut Session, into: &LoadTable, rows: &Batch, bytes: &[bool]) -> Result<u64> {
    let mut data = Vec::with_capacity(rows.len_bytes() + rows.len_bytes() / 8 + 2 * rows.rows() * rows.columns());
    for row in 0..rows.rows() {
        for column in 0..rows.columns() {
            if column > 0 {
                data.push(b'\t');
            }
            let cell = rows.cell(row, column);
            match cell.kind {
                CellKind::Null => data.extend_from_slice(b"\\N"),
                CellKind::Blob => hex(&mut data, cell.bytes),
                _ if bytes[column] => data.extend_from_slice(digits(cell.bytes, into, column)?),
                _ => write_escaped(&mut data, cell.bytes, &MYSQL_ESCAPES),
            }
        }
        data.push(b'\n');
    }
    let sql = Sql::new(EngineKind::Mysql).lit("LOAD DATA LOCAL INFILE 'rows' INTO TABLE ").table(&into.table);
    let sql =
        sql.lit(" CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (");
    let sql = sql.list(into.columns.iter().enumerate(), ", ", |sql, (at, name)| {
        if bytes[at] { sql.lit("@b").integer(i64::try_from(at).unwrap_or_default()) } else { sql.name(name) }
    });
    let mut sql = sql.lit(")");
    let mut word = " SET ";
    for at in (0..into.columns.len()).filter(|&at| bytes[at]) {
        sql = sql
            .lit(word)
            .name(&into.columns[at])
            .lit(" = UNHEX(@b")
            .integer(i64::try_from(at).unwrap_or_default())
            .lit(")");
        word = ", ";
    }
    for (name, value) in &into.constants {
        sql = sql.lit(word).name(name).lit(" = ").string(value);
        word = ", ";
    }
    let loaded = session.load(sql.text(), data)?.map_err(|error| explain::statement(&error))?;
    if loaded.warnings == 0 && loaded.changed == rows.rows() as u64 {
        return Ok(loaded.changed);
    }
    // LOCAL turns errors into warnings; here they stay errors.
    for row in session.rows("SHOW WARNINGS")? {
        let [Some(level), Some(code), Some(message)] = row.as_slice() else { continue };
        if level != "Note" {
            let error =
                ServerError { code: code.parse().unwrap_or_default(), message: message.clone(), state: String::new() };
            return Err(explain::statement(&mysql_async::Error::Server(error)));
        }
    }
    if loaded.changed == rows.rows() as u64 {
        return Ok(loaded.changed);
    }
    Err(Error::rejected(format!("the server took {} of {} rows", loaded.changed, rows.rows())))
}

/// The hex digits of a cell of raw bytes, behind their `0x`.
fn digits<'a>(cell: &'a [u8], into: &LoadTable, column: usize) -> Result<&'a [u8]> {
    let digits =
        cell.strip_prefix(b"0x").filter(|digits| digits.len() % 2 == 0 && digits.iter().all(u8::is_ascii_hexdigit));
    digits.ok_or_else(|| {
        Error::rejected(format!(
            "column {} holds bytes, but a cell of it is not 0x and hex digits",
            into.columns[column]
        ))
    })
}

fn insert(
    session: &mut Session,
    names: &Sql,
    rows: &Batch,
    bytes: &[bool],
    into: &LoadTable,
    longest: usize,
) -> Result<u64> {
    let head = Sql::new(EngineKind::Mysql).lit("INSERT INTO ").part(names).lit(" VALUES ");
    let mut tail = Vec::new();
    for (at, (_, value)) in into.constants.iter().enumerate() {
        if at > 0 || !into.columns.is_empty() {
            tail.extend_from_slice(b", ");
        }
        tail.extend_from_slice(Sql::new(EngineKind::Mysql).string(value).text().as_bytes());
    }
    tail.push(b')');
    let (mut statement, mut one, mut inserted) = (head.text().as_bytes().to_vec(), Vec::new(), 0);
    let empty = statement.len();
    for row in 0..rows.rows() {
        one.clear();
        one.push(b'(');
        for column in 0..rows.columns() {
            if column > 0 {
                one.extend_from_slice(b", ");
            }
            let cell = rows.cell(row, column);
            match cell.kind {
                CellKind::Null => one.extend_from_slice(b"NULL"),
                CellKind::Blob => {
                    one.extend_from_slice(b"x'");
                    hex(&mut one, cell.bytes);
                    one.push(b'\'');
                }
                _ if bytes[column] => {
                    one.extend_from_slice(b"x'");
                    one.extend_from_slice(digits(cell.bytes, into, column)?);
                    one.push(b'\'');
                }
                _ => literal(&mut one, cell.bytes),
            }
        }
        one.extend_from_slice(&tail);
        let limit = PIECE.min(longest.saturating_sub(1024));
        if statement.len() > empty && statement.len() + one.len() + 2 > limit {
            inserted += session.run_bytes(&statement)?;
            statement.truncate(empty);
        }
        if one.len() + empty + 1024 > longest {
            return Err(Error::rejected(format!(
                "row {row} of a piece needs a statement of {} bytes, the server takes {longest}",
                one.len() + empty
            ))
            .hint("Raise max_allowed_packet on the server, or turn local_infile on."));
        }
        if statement.len() > empty {
            statement.extend_from_slice(b", ");
        }
        statement.extend_from_slice(&one);
    }
    if statement.len() > empty {
        inserted += session.run_bytes(&statement)?;
    }
    Ok(inserted)
}

/// Appends a string literal.
fn literal(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'\'');
    for &byte in bytes {
        match byte {
            0 => out.extend_from_slice(b"\\0"),
            b'\'' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'\'');
}
