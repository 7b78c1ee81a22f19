//! Rows as CSV (RFC 4180). NULL is nothing at all between the commas, empty text is a pair of quotes: what `COPY ... CSV` of
//! PostgreSQL writes and reads. Blobs are `\x` and hex digits.

mod read;

pub use read::{Fault, Field, Place, Records, records};

use crate::model::batch::{Cell, CellKind};
use crate::model::proof::Masked;
use data_encoding::HEXLOWER;

/// Appends the line of names.
pub fn write_head(out: &mut Vec<u8>, columns: &[String]) {
    for (at, name) in columns.iter().enumerate() {
        separate(out, at);
        write_cell(out, Cell::text(name));
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends rows.
pub fn write_rows(out: &mut Vec<u8>, rows: &Masked) {
    let rows = rows.rows();
    for row in 0..rows.rows() {
        for column in 0..rows.columns() {
            separate(out, column);
            write_cell(out, rows.cell(row, column));
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn separate(out: &mut Vec<u8>, column: usize) {
    if column > 0 {
        out.push(b',');
    }
}

fn write_cell(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell.kind {
        CellKind::Null => {}
        CellKind::Blob => {
            out.extend_from_slice(b"\\x");
            out.extend_from_slice(HEXLOWER.encode(cell.bytes).as_bytes());
        }
        CellKind::Text | CellKind::Integer | CellKind::Real if is_plain(cell.bytes) => {
            out.extend_from_slice(cell.bytes);
        }
        CellKind::Text | CellKind::Integer | CellKind::Real => {
            out.push(b'"');
            for &byte in cell.bytes {
                if byte == b'"' {
                    out.push(b'"');
                }
                out.push(byte);
            }
            out.push(b'"');
        }
    }
}

/// Whether a cell may stand without quotes. Blanks at the ends get quotes because some readers trim, and a byte order mark because
/// it would vanish.
fn is_plain(bytes: &[u8]) -> bool {
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    let blank = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    !blank(bytes.first())
        && !blank(bytes.last())
        && !bytes.iter().any(special)
        && bytes != b"\\."
        && !bytes.starts_with(b"\xEF\xBB\xBF")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::Batch;

    #[test]
    fn cells_are_written_as_the_rules_say() {
        let mut batch = Batch::new(3);
        for text in ["a", "", "a,b", "say \"hi\"", "two\nlines", " x", "\\.", "\u{feff}x", "é"] {
            batch.push(Cell::text(text));
        }
        for cell in [
            Cell::NULL,
            Cell { kind: CellKind::Blob, bytes: &[0, 255] },
            Cell { kind: CellKind::Integer, bytes: b"-5" },
        ] {
            batch.push(cell);
        }
        let mut out = Vec::new();
        write_head(&mut out, &["id".into(), "a \"b\"".into(), "c,d".into()]);
        write_rows(&mut out, &Masked::vouch(batch));
        let expected = "id,\"a \"\"b\"\"\",\"c,d\"\r\na,\"\",\"a,b\"\r\n\"say \"\"hi\"\"\",\"two\nlines\",\" x\"\r\n\"\\.\",\"\u{feff}x\",é\r\n,\\x00ff,-5\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
