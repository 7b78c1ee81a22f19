//! Rows into a table by INSERT with many rows each.

use super::load::digits;
use super::read::hex;
use super::session::Session;
use crate::engine::LoadTable;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use crate::model::schema::EngineKind;

/// Statements are about this long, in bytes.
const PIECE: usize = 1 << 20;

/// Inserts rows into `names` (a table and its columns) with statements that the server takes: no longer than `longest`.
pub(super) fn rows(
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
        for (column, &is_bytes) in bytes.iter().enumerate() {
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
                _ if is_bytes => {
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
