//! What an interrupted capture left behind for the next one, as plain data. Local and of one machine: no part of a store's
//! format, thrown away whenever anything about it is in doubt.

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// One entry of the journal.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// The first one: what the capture was.
    Head(Head),
    /// A pack that is about to be uploaded. Whether it arrived, the store's own listing tells.
    Pack(PackBegun),
    /// What was seen of a table whose record follows.
    Seen(Vec<Piece>),
    /// A table is finished.
    Table(Box<TableDone>),
    /// Another process goes on from here, with so many of the finished tables. What was seen of another one is void.
    Again(u32),
}

/// What the capture was: all that must be the same for another one to go on with it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// What it was bound to, and digests of that: store, source, schema, policy, masks, options.
    pub bound: Vec<(String, String)>,
    /// The state of the source that was read; none where the engine cannot tell.
    pub token: Option<String>,
    /// The key of the leak scan's fingerprints.
    pub scan_key: [u8; 32],
    /// The key of the closure proof's prints.
    pub closure_key: [u64; 2],
    /// Per reference, rows whose parent the source does not have, where that was asked at the beginning.
    pub dangling: Option<Vec<u64>>,
}

/// A pack and the chunks in it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PackBegun {
    /// Its number in the capture's list of packs.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its length.
    pub length: u64,
    /// Its chunks, in order.
    pub chunks: Vec<Place>,
}

/// Where a chunk lies in a pack.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: [u8; 32],
    /// Offset of its frame.
    pub offset: u64,
    /// Length of its frame.
    pub length: u64,
}

/// A finished table.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDone {
    /// The manifest's entry as JSON, without its chunks and origins.
    pub entry: String,
    /// Its chunks.
    pub chunks: Vec<Chunk>,
    /// Its chunks of origins.
    pub origins: Vec<Chunk>,
    /// How many packs the capture's list had when the table before was finished.
    pub first_pack: u32,
    /// The packs that came behind them.
    pub packs: Vec<Named>,
    /// What was added to the pack that is being filled since the table before was finished.
    pub open: Option<Open>,
    /// Sums of the leak scan over the table.
    pub counts: Counts,
    /// Rows that reference something, by number of the reference.
    pub references: Vec<(u32, u64)>,
    /// Unique keys that were checked, rows compared, rows left out.
    pub unique: [u64; 3],
    /// Per reference, rows of the table whose parent the source does not have, as the walk found them.
    pub dangling: Vec<u64>,
    /// The last of what was seen of it.
    pub seen: Vec<Piece>,
}

/// A pack's name and length; none of one that is being filled.
pub type Named = Option<(String, u64)>;

/// A chunk of a table.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The number of its pack in the capture's list.
    pub pack: u32,
    /// Where it lies there.
    pub place: Place,
    /// Length of its rows.
    pub raw: u64,
    /// How many they are.
    pub rows: u64,
}

/// Frames of a pack that is not full yet.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// The number of the pack.
    pub index: u32,
    /// Where the frames begin in it.
    pub from: u64,
    /// The chunks in them.
    pub chunks: Vec<Place>,
    /// The frames.
    pub frames: Bytes,
}

/// A fingerprint of the leak scan: value, count, column, digits, marks.
pub type Met = (u64, u32, u16, u8, u8);

/// The sides of the leak scan.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// What masked columns held.
    Originals,
    /// What was written.
    Outputs,
    /// What stands in reference tables.
    References,
}

/// A part of what was seen of a table, small enough to be held twice.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Piece {
    /// Fingerprints of the leak scan, those up to the threshold.
    Met(Side, u64, Vec<Met>),
    /// Prints of the keys of the referenced table of a group, without those that have a bit of the mask.
    Parents(u32, u64, Vec<u64>),
    /// Prints of what a reference refers to, and in how many rows, without those that have a bit of the mask.
    Children(u32, u64, Vec<(u64, u64)>),
}

impl Piece {
    /// How many prints it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Met(_, _, met) => met.len(),
            Self::Parents(_, _, prints) => prints.len(),
            Self::Children(_, _, prints) => prints.len(),
        }
    }

    /// Whether it holds none; it may still tell a threshold.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Sums of the leak scan.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Originals remembered.
    pub observed: u64,
    /// Cells looked at.
    pub cells: u64,
    /// What was passed over, by reason.
    pub skipped: Vec<u64>,
    /// The least and the greatest number, by column and length.
    pub spans: Vec<((u16, u8), (u64, u64))>,
    /// Cells that a permuting mask left as they were, by column.
    pub unchanged: Vec<(u16, u64)>,
    /// Columns that the policy keeps in some rows.
    pub kept: Vec<u16>,
}

/// Bytes, written and read as a whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(Bytes(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Bytes, A::Error> {
        Err(A::Error::custom("bytes are no list"))
    }
}
