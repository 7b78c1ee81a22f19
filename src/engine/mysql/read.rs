//! Rows out of MySQL and MariaDB as the server's own text; raw bytes as `0x` and hex digits, which the server reads back.

use super::session::Session;
use crate::engine::{Query, Sink};
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use mysql_async::Value;

pub(super) fn rows(session: &mut Session, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
    let mut batch = Batch::new(query.columns);
    let mut count = 0;
    session.stream(query.sql.text(), &mut |bytes, row| {
        if bytes.len() != query.columns {
            return Err(Error::internal("a query yields another number of columns than it says"));
        }
        for (column, value) in row.unwrap_raw().into_iter().enumerate() {
            push(&mut batch, value, bytes[column])
                .map_err(|error| error.within(format!("row {count}, column {}", column + 1)))?;
        }
        count += 1;
        if batch.is_full() {
            sink(std::mem::replace(&mut batch, Batch::with_room(query.columns)))?;
        }
        Ok(())
    })?;
    if batch.rows() > 0 {
        sink(batch)?;
    }
    Ok(count)
}

fn push(batch: &mut Batch, value: Option<Value>, is_bytes: bool) -> Result<()> {
    let kind = match value {
        Some(Value::NULL) => CellKind::Null,
        Some(Value::Bytes(text)) => {
            check_size(if is_bytes { 2 * text.len() + 2 } else { text.len() })?;
            let arena = batch.arena();
            if is_bytes {
                arena.extend_from_slice(b"0x");
                hex(arena, &text);
            } else {
                arena.extend_from_slice(&text);
            }
            CellKind::Text
        }
        // The text protocol has only these two.
        _ => return Err(Error::unreachable("the server sent a cell that is no text")),
    };
    batch.end_cell(kind);
    Ok(())
}

/// Appends lowercase hex digits.
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

fn check_size(bytes: usize) -> Result<()> {
    if bytes <= Batch::MAX_CELL {
        return Ok(());
    }
    Err(Error::rejected(format!("the cell takes {bytes} bytes of text, more than 256 MiB"))
        .hint("Give the column a mask that replaces it (null or fixed), or leave the row out."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_hex_and_text_stays() {
        let mut batch = Batch::new(4);
        for (value, is_bytes) in [
            (Value::Bytes(vec![0, 0xab, 0xff]), true),
            (Value::Bytes(Vec::new()), true),
            (Value::Bytes(b"a\\b".to_vec()), false),
            (Value::NULL, true),
        ] {
            push(&mut batch, Some(value), is_bytes).unwrap();
        }
        assert_eq!(batch.cell(0, 0).bytes, b"0x00abff");
        assert_eq!(batch.cell(0, 1).bytes, b"0x");
        assert_eq!(batch.cell(0, 2).bytes, b"a\\b");
        assert!(batch.cell(0, 3).is_null());
        assert!(check_size(Batch::MAX_CELL + 1).is_err());
    }
}
