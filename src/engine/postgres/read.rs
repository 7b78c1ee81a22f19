//! Rows out of PostgreSQL as COPY text: every type in the text that the server itself reads back.

use super::session::Session;
use crate::engine::{Query, Sink};
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use crate::model::copytext::read_escaped;

pub(super) fn rows(session: &mut Session, query: &Query, sink: &mut Sink<'_>) -> Result<u64> {
    let mut batch = Batch::new(query.columns);
    let mut count = 0;
    session.copy_out(query.sql.text(), &mut |line| {
        push(&mut batch, line, query.columns).map_err(|error| error.within(format!("row {count}")))?;
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

fn push(batch: &mut Batch, mut line: &[u8], columns: usize) -> Result<()> {
    for column in 0..columns {
        let start = batch.len_bytes();
        match line {
            [b'\\', b'N', b'\t' | b'\n', ..] => {
                line = &line[2..];
                batch.end_cell(CellKind::Null);
            }
            _ => {
                line = read_escaped(batch.arena(), line).map_err(malformed)?;
                batch.end_cell(CellKind::Text);
            }
        }
        check_size(batch.len_bytes() - start, column)?;
        match line {
            [b'\t', rest @ ..] if column + 1 < columns => line = rest,
            [b'\n'] if column + 1 == columns => {}
            _ => return Err(Error::internal("a query yields another number of columns than it says")),
        }
    }
    Ok(())
}

fn malformed(what: &'static str) -> Error {
    Error::unreachable(format!("the server sent a row that is not COPY text: {what}"))
}

fn check_size(bytes: usize, column: usize) -> Result<()> {
    if bytes <= Batch::MAX_CELL {
        return Ok(());
    }
    Err(Error::rejected(format!("the cell of column {} has {bytes} bytes, more than 256 MiB", column + 1))
        .hint("Give the column a mask that replaces it (null or fixed), or leave the row out."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_another_shape_is_refused() {
        let mut batch = Batch::new(2);
        push(&mut batch, b"\\N\tx\n", 2).unwrap();
        assert!(batch.cell(0, 0).is_null() && batch.cell(0, 1).bytes == b"x");
        assert!(push(&mut Batch::new(2), b"x\n", 2).is_err());
        assert!(push(&mut Batch::new(1), b"x\ty\n", 1).is_err());
        assert!(push(&mut Batch::new(1), b"\\q\n", 1).is_err());
        assert!(check_size(Batch::MAX_CELL + 1, 0).is_err());
    }
}
