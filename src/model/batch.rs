//! Rows of one table as a flat byte arena: no allocation per cell.
//!
//! A cell is the engine's canonical text (what `COPY ... TO STDOUT` would print, before escaping) plus a one-byte kind.
//! PostgreSQL and MySQL need only `Null` and `Text`; SQLite columns may hold every storage class, and the kind keeps it.

use std::fmt;

/// The storage class of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CellKind {
    /// SQL NULL; the bytes are empty.
    Null = 0,
    /// Text in the engine's canonical form. May be invalid UTF-8 where the engine allows that.
    Text = 1,
    /// A signed 64-bit integer in decimal text.
    Integer = 2,
    /// An IEEE double in the shortest text that reads back to the same bits.
    Real = 3,
    /// Raw bytes.
    Blob = 4,
}

/// One borrowed cell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The storage class.
    pub kind: CellKind,
    /// Canonical text, raw bytes for a blob, empty for NULL.
    pub bytes: &'a [u8],
}

impl<'a> Cell<'a> {
    /// The NULL cell.
    pub const NULL: Self = Self { kind: CellKind::Null, bytes: b"" };

    /// A text cell.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self { kind: CellKind::Text, bytes: text.as_bytes() }
    }

    /// Whether the cell is NULL.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind == CellKind::Null
    }
}

/// Shows kind and length only.
impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}[{} bytes]", self.kind, self.bytes.len())
    }
}

/// Rows of one table, about [`Batch::FULL`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Batch {
    columns: usize,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    kinds: Vec<CellKind>,
}

impl Batch {
    /// A reader hands a batch over when its arena reaches this many bytes.
    pub const FULL: usize = 1 << 20;
    /// The largest cell that can travel, in bytes. Readers refuse larger ones by name.
    pub const MAX_CELL: usize = 256 << 20;

    /// An empty batch of rows with `columns` cells each.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, bytes: Vec::new(), ends: Vec::new(), kinds: Vec::new() }
    }

    /// An empty batch with room for a full one.
    #[must_use]
    pub fn with_room(columns: usize) -> Self {
        let mut batch = Self::new(columns);
        batch.bytes.reserve(Self::FULL + Self::FULL / 8);
        batch
    }

    /// Appends a cell. Rows fill from left to right.
    pub fn push(&mut self, cell: Cell<'_>) {
        self.bytes.extend_from_slice(cell.bytes);
        self.end_cell(cell.kind);
    }

    /// Appends a copy of the cell at `row`, `column`.
    ///
    /// # Panics
    /// When the place lies outside the batch.
    pub fn push_again(&mut self, row: usize, column: usize) {
        let at = row * self.columns + column;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        self.bytes.extend_from_within(start..self.ends[at] as usize);
        self.end_cell(self.kinds[at]);
    }

    /// The arena, to append the bytes of the next cell to; [`end_cell`](Self::end_cell) ends it. Appends only.
    pub fn arena(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The bytes that were appended to the arena since the last cell ended.
    #[must_use]
    pub fn open_cell(&self) -> &[u8] {
        &self.bytes[self.ends.last().map_or(0, |end| *end as usize)..]
    }

    /// Ends the cell whose bytes were just appended to the arena.
    pub fn end_cell(&mut self, kind: CellKind) {
        // MAX_CELL and FULL keep the arena far below 4 GiB; saturation would be caught by the digest.
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self.kinds.push(kind);
    }

    /// Cells per row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whole rows in the batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.kinds.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Bytes in the arena.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the batch is large enough to hand over (bytes, or a row count that keeps latency low).
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= Self::FULL || self.kinds.len() >= Self::FULL / 4
    }

    /// The cell at `row`, `column`.
    ///
    /// # Panics
    /// When the place lies outside the batch.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let at = row * self.columns + column;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        Cell { kind: self.kinds[at], bytes: &self.bytes[start..self.ends[at] as usize] }
    }
}

/// Shows the shape only.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch[{} rows, {} columns, {} bytes]", self.rows(), self.columns, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_pushed() {
        let mut batch = Batch::new(2);
        batch.push(Cell::text("a"));
        batch.push(Cell::NULL);
        batch.push(Cell { kind: CellKind::Blob, bytes: &[0, 255] });
        batch.push(Cell::text(""));
        assert_eq!(batch.rows(), 2);
        assert_eq!(batch.cell(0, 0), Cell::text("a"));
        assert!(batch.cell(0, 1).is_null());
        assert_eq!(batch.cell(1, 0).bytes, [0, 255]);
        assert_eq!(batch.cell(1, 1), Cell::text(""));
        batch.push_again(0, 0);
        batch.push_again(1, 0);
        assert_eq!(batch.cell(2, 0), Cell::text("a"));
        assert_eq!(batch.cell(2, 1), Cell { kind: CellKind::Blob, bytes: &[0, 255] });
    }

    #[test]
    fn debug_output_has_no_cell() {
        let mut batch = Batch::new(1);
        batch.push(Cell::text("hunter2"));
        assert!(!format!("{batch:?} {:?}", batch.cell(0, 0)).contains("hunter2"));
    }
}
