//! Rows as COPY text: tab between cells, newline behind rows, `\N` for NULL. Keeps SQLite's storage class of every cell.
//!
//! A column has a *plain kind*, told by its declared type. A cell that would not read back as the same kind and bytes
//! gets a tag at its start: `\T` text, `\I` integer, `\R` real, `\B` blob in hex. A stock COPY reader takes the tag for
//! its letter, so it shows `I5` where a text column holds the integer 5; nothing else differs from PostgreSQL's format.

use crate::error::{Error, Result};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::copytext::{COPY_ESCAPES, MYSQL_ESCAPES, clean_prefix, read_escaped, write_escaped};
use crate::model::proof::{Encoded, Masked};
use crate::model::schema::{EngineKind, Table};
use data_encoding::HEXLOWER;
use siphasher::sip::SipHasher24;

/// What an untagged cell of a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plain {
    /// The column of a server: text, and there are no tags.
    Server,
    /// Text.
    Text,
    /// An integer or a real if it is spelled like one, else text.
    Number,
    /// A blob, spelled `\x` and hex digits.
    Blob,
}

impl Plain {
    /// From SQLite's affinity rules, in their order; a column without a type is mostly text in practice.
    fn of_sqlite(declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |word: &str| declared.contains(word);
        if has("INT") {
            Self::Number
        } else if has("CHAR") || has("CLOB") || has("TEXT") || declared.trim().is_empty() {
            Self::Text
        } else if has("BLOB") {
            Self::Blob
        } else {
            Self::Number
        }
    }

    /// The kind of an untagged cell with this (unescaped) text.
    fn kind_of(self, text: &[u8]) -> CellKind {
        match self {
            Self::Server | Self::Text => CellKind::Text,
            Self::Number => number_kind(text),
            Self::Blob => CellKind::Blob,
        }
    }
}

/// How the rows of one table are written.
#[derive(Clone)]
pub struct Layout {
    plain: Vec<Plain>,
    /// Positions of the primary key among the stored columns, in key order; empty where there is none.
    key: Vec<usize>,
    cut_key: Option<[u8; 16]>,
    escapes: &'static [u8; 256],
}

impl Layout {
    /// The layout of `table`'s stored columns.
    #[must_use]
    pub fn new(engine: EngineKind, table: &Table) -> Self {
        let stored = table.stored_columns();
        let plain_of = |&at: &usize| match engine {
            EngineKind::Sqlite => Plain::of_sqlite(&table.columns[at].declared),
            EngineKind::Postgres | EngineKind::Mysql | EngineKind::Mariadb => Plain::Server,
        };
        let position = |key: &usize| stored.iter().position(|at| at == key);
        Self {
            plain: stored.iter().map(plain_of).collect(),
            // A key with a generated column is not in the rows; then the whole line decides.
            key: table.primary_key.iter().map(position).collect::<Option<_>>().unwrap_or_default(),
            cut_key: None,
            escapes: match engine {
                EngineKind::Mysql | EngineKind::Mariadb => &MYSQL_ESCAPES,
                EngineKind::Sqlite | EngineKind::Postgres => &COPY_ESCAPES,
            },
        }
    }

    /// Makes [`encode`] compute the hashes that decide where chunks are cut.
    #[must_use]
    pub fn with_cut_key(mut self, key: [u8; 16]) -> Self {
        self.cut_key = Some(key);
        self
    }

    /// Cells per row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.plain.len()
    }
}

/// Shows the shape only; the cut key is a secret.
impl std::fmt::Debug for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Layout[{} columns, key {:?}]", self.plain.len(), self.key)
    }
}

/// Writes rows as COPY text.
#[must_use]
pub fn encode(rows: Masked, layout: &Layout) -> Encoded {
    let rows = rows.into_batch();
    debug_assert_eq!(rows.columns(), layout.columns());
    let mut out = Vec::with_capacity(rows.len_bytes() + rows.rows() * rows.columns() + rows.len_bytes() / 16);
    let mut row_ends = Vec::with_capacity(rows.rows());
    let mut cut_hashes = Vec::with_capacity(if layout.cut_key.is_some() { rows.rows() } else { 0 });
    let hasher = layout.cut_key.map(|key| SipHasher24::new_with_key(&key));
    let mut cell_ends = vec![0_usize; rows.columns()];
    let mut key_text = Vec::new();
    for row in 0..rows.rows() {
        let start = out.len();
        for (column, end) in cell_ends.iter_mut().enumerate() {
            if column > 0 {
                out.push(b'\t');
            }
            let plain = layout.plain.get(column).copied().unwrap_or(Plain::Text);
            write_cell(&mut out, rows.cell(row, column), plain, layout.escapes);
            *end = out.len();
        }
        if let Some(hasher) = hasher {
            let text = match layout.key.as_slice() {
                [] => &out[start..],
                [only] => &out[cell_start(&cell_ends, *only, start)..cell_ends[*only]],
                several => {
                    key_text.clear();
                    for (nth, &at) in several.iter().enumerate() {
                        if nth > 0 {
                            key_text.push(b'\t');
                        }
                        key_text.extend_from_slice(&out[cell_start(&cell_ends, at, start)..cell_ends[at]]);
                    }
                    key_text.as_slice()
                }
            };
            cut_hashes.push(hasher.hash(text));
        }
        out.push(b'\n');
        // Rows near 4 GiB are refused when their chunk is compressed.
        row_ends.push(u32::try_from(out.len()).unwrap_or(u32::MAX));
    }
    Encoded::vouch(out, row_ends, cut_hashes)
}

/// Where the cell of `column` starts: behind the tab that follows the cell before it.
fn cell_start(ends: &[usize], column: usize, row_start: usize) -> usize {
    column.checked_sub(1).map_or(row_start, |before| ends[before] + 1)
}

fn write_cell(out: &mut Vec<u8>, cell: Cell<'_>, plain: Plain, escapes: &[u8; 256]) {
    match (cell.kind, plain) {
        (CellKind::Null, _) => out.extend_from_slice(b"\\N"),
        (_, Plain::Server) => write_escaped(out, cell.bytes, escapes),
        (CellKind::Blob, Plain::Blob) => write_hex(out, b"\\\\x", cell.bytes),
        (CellKind::Blob, _) => write_hex(out, b"\\B", cell.bytes),
        (kind, Plain::Blob) => write_tagged(out, kind, cell.bytes, escapes),
        (kind, _) if plain.kind_of(cell.bytes) == kind => write_escaped(out, cell.bytes, escapes),
        (kind, _) => write_tagged(out, kind, cell.bytes, escapes),
    }
}

fn write_tagged(out: &mut Vec<u8>, kind: CellKind, bytes: &[u8], escapes: &[u8; 256]) {
    out.extend_from_slice(match kind {
        CellKind::Integer => b"\\I",
        CellKind::Real => b"\\R",
        CellKind::Text | CellKind::Null | CellKind::Blob => b"\\T",
    });
    write_escaped(out, bytes, escapes);
}

fn write_hex(out: &mut Vec<u8>, prefix: &[u8], bytes: &[u8]) {
    out.extend_from_slice(prefix);
    let start = out.len();
    out.resize(start + HEXLOWER.encode_len(bytes.len()), 0);
    HEXLOWER.encode_mut(bytes, &mut out[start..]);
}

/// Reads COPY text back: the exact inverse of [`encode`].
///
/// # Errors
/// Kind `Store`, naming row and column by ordinal, when the text is not what [`encode`] writes for this layout.
pub fn decode(encoded: &Encoded, layout: &Layout) -> Result<Masked> {
    let mut batch = Batch::new(layout.columns());
    batch.arena().reserve(encoded.bytes().len());
    let mut rest = encoded.bytes();
    let mut row = 0_u64;
    while !rest.is_empty() {
        row += 1;
        for (column, &plain) in layout.plain.iter().enumerate() {
            let malformed = |what: &str| Error::store(format!("row {row} of the chunk, column {}: {what}", column + 1));
            let (kind, after) = read_cell(&mut batch, rest, plain).map_err(malformed)?;
            batch.end_cell(kind);
            let separator = if column + 1 == layout.columns() { b'\n' } else { b'\t' };
            match after.split_first() {
                Some((&found, after)) if found == separator => rest = after,
                Some((b'\n', _)) => return Err(malformed("the row ends too early")),
                Some(_) => return Err(malformed("the row has more cells than columns")),
                None => return Err(malformed("the text ends inside the row")),
            }
        }
        if layout.plain.is_empty() {
            return Err(Error::store("rows of a table without columns"));
        }
    }
    Ok(Masked::vouch(batch))
}

/// Reads one cell into the batch's arena; gives its kind and what follows it.
fn read_cell<'a>(
    batch: &mut Batch,
    text: &'a [u8],
    plain: Plain,
) -> std::result::Result<(CellKind, &'a [u8]), &'static str> {
    if let Some(after) = text.strip_prefix(b"\\N") {
        return match after.first() {
            Some(b'\t' | b'\n') | None => Ok((CellKind::Null, after)),
            Some(_) => Err("text behind a NULL"),
        };
    }
    let (tag, text) = match text {
        [b'\\', tag @ (b'T' | b'I' | b'R' | b'B'), after @ ..] if plain != Plain::Server => (Some(*tag), after),
        _ => (None, text),
    };
    match (tag, plain) {
        (Some(b'I'), _) => Ok((CellKind::Integer, read_escaped(batch.arena(), text)?)),
        (Some(b'R'), _) => Ok((CellKind::Real, read_escaped(batch.arena(), text)?)),
        (Some(b'B'), _) => Ok((CellKind::Blob, read_hex(batch, text)?)),
        (Some(_), _) => Ok((CellKind::Text, read_escaped(batch.arena(), text)?)),
        (None, Plain::Blob) => {
            let digits = text.strip_prefix(b"\\\\x").ok_or("a blob does not start with \\x")?;
            Ok((CellKind::Blob, read_hex(batch, digits)?))
        }
        (None, plain) => {
            let start = batch.len_bytes();
            let after = read_escaped(batch.arena(), text)?;
            Ok((plain.kind_of(&batch.arena()[start..]), after))
        }
    }
}

fn read_hex<'a>(batch: &mut Batch, text: &'a [u8]) -> std::result::Result<&'a [u8], &'static str> {
    let ends = |byte| matches!(byte, b'\t' | b'\n');
    let (digits, after) = text.split_at(clean_prefix(text, ends, ends));
    let length = HEXLOWER.decode_len(digits.len()).map_err(|_| "a blob with half a byte")?;
    let arena = batch.arena();
    let start = arena.len();
    arena.resize(start + length, 0);
    HEXLOWER.decode_mut(digits, &mut arena[start..]).map_err(|_| "a blob with something else than hex digits")?;
    Ok(after)
}

/// What an untagged cell of a numeric column is: `-?(0|[1-9][0-9]*)` within 64 bits is an integer;
/// `-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?` with a point or an exponent, `Inf` and `-Inf` are reals; all else is text.
fn number_kind(text: &[u8]) -> CellKind {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    if unsigned == b"Inf" {
        return CellKind::Real;
    }
    let (whole, rest) = split_digits(unsigned);
    match (whole, rest) {
        ([], _) => CellKind::Text,
        (whole, []) => {
            let canonical = whole[0] != b'0' || (whole.len() == 1 && text.len() == 1);
            // 18 digits always fit.
            let fits = whole.len() <= 18 || std::str::from_utf8(text).is_ok_and(|text| text.parse::<i64>().is_ok());
            if canonical && fits { CellKind::Integer } else { CellKind::Text }
        }
        (_, rest) => {
            let rest = match rest.strip_prefix(b".").map(split_digits) {
                Some(([], _)) => return CellKind::Text,
                Some((_, rest)) => rest,
                None => rest,
            };
            let exponent = match rest {
                [] => return CellKind::Real,
                [b'e' | b'E', b'+' | b'-', digits @ ..] | [b'e' | b'E', digits @ ..] => digits,
                _ => return CellKind::Text,
            };
            if matches!(split_digits(exponent), ([_, ..], [])) { CellKind::Real } else { CellKind::Text }
        }
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests;
