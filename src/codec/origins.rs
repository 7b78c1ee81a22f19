//! Why each row of a subset is in it, as COPY text of two columns of numbers: [`Why::code`] and the step.

use super::chunker::Chunk;
use crate::error::{Error, Result};
use crate::model::manifest::Why;
use crate::model::proof::Encoded;
use std::io::Write as _;

/// Rows per chunk.
pub const PER_CHUNK: usize = 1 << 16;

/// Writes the origins of at most [`PER_CHUNK`] rows, in their order.
#[must_use]
pub fn encode(origins: &[(Why, u32)]) -> Chunk {
    let mut text = Vec::with_capacity(origins.len() * 6);
    let mut ends = Vec::with_capacity(origins.len());
    for (why, step) in origins {
        // Writing to a Vec cannot fail.
        writeln!(text, "{}\t{step}", why.code()).unwrap_or_default();
        ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
    }
    Chunk { rows: ends.len() as u64, encoded: Encoded::vouch(text, ends, Vec::new()) }
}

/// Reads them back.
///
/// # Errors
/// Kind `Store` when the text is not what [`encode`] writes.
pub fn decode(encoded: &Encoded) -> Result<Vec<(Why, u32)>> {
    let text = std::str::from_utf8(encoded.bytes()).map_err(|_| malformed())?;
    let line = |line: &str| {
        let (why, step) = line.split_once('\t')?;
        Some((Why::of_code(why.parse().ok()?)?, step.parse().ok()?))
    };
    text.lines().map(|text| line(text).ok_or_else(malformed)).collect()
}

fn malformed() -> Error {
    Error::store("a chunk of origins does not hold two numbers in every row")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_come_back() {
        let origins = [
            (Why::Whole, 0),
            (Why::Root(0), 1),
            (Why::Child(7), 2),
            (Why::Parent(u16::MAX), u32::MAX),
            (Why::Root(u16::MAX), 3),
        ];
        let chunk = encode(&origins);
        assert_eq!((chunk.rows, decode(&chunk.encoded).unwrap().as_slice()), (5, origins.as_slice()));
        for wrong in ["1\n", "x\t1\n", "1\t-1\n", "99999999\t1\n", "1\t1\t1\n"] {
            assert!(decode(&Encoded::vouch(wrong.into(), Vec::new(), Vec::new())).is_err());
        }
    }
}
