//! Chunks as zstd frames, one frame each, and packs of such frames. A pack's plaintext is frames and nothing else, so
//! `zstd -d` turns it into the rows of its chunks.

use super::chunker::Chunk;
use crate::error::{Error, Result};
use crate::model::batch::Batch;
use crate::model::manifest::ChunkRef;
use crate::model::padding;
use crate::model::proof::{Encoded, Packed};
use crate::secret::Secret32;
use data_encoding::HEXLOWER;
use std::cell::RefCell;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, find_frame_compressed_size, get_frame_content_size};

/// The zstd level of frames.
pub const DEFAULT_LEVEL: i32 = 1;

/// What zstd remembers of a frame, as a power of two of places, and how many bytes make a place worth remembering. For inputs as
/// short as a chunk it takes 13 and 5 at level 1, and rows compress 2 % worse in the same time.
const HASH_LOG: u32 = 15;
const MIN_MATCH: u32 = 6;

/// The longest raw chunk: one row with the largest cell, and room for its neighbours.
pub const MAX_RAW: u64 = Batch::MAX_CELL as u64 + (1 << 20);

/// A pack with several frames is never longer, padding included. It is a Padmé size, so a full pack has next to no padding.
const TARGET: u64 = 8 << 20;

/// The id of a chunk: BLAKE3 of its raw bytes, keyed with a key derived from the repository's.
#[must_use]
pub fn chunk_id(id_key: &Secret32, raw: &[u8]) -> [u8; 32] {
    let key = blake3::derive_key("terp-fixtures v1 chunk id", id_key.expose());
    *blake3::keyed_hash(&key, raw).as_bytes()
}

/// The key of the hashes that decide where chunks are cut.
#[must_use]
pub fn cut_key(id_key: &Secret32) -> [u8; 16] {
    let key = blake3::derive_key("terp-fixtures v1 chunk cut", id_key.expose());
    std::array::from_fn(|at| key[at])
}

/// A compressed chunk.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The chunk's id.
    pub id: [u8; 32],
    /// Length of the raw rows.
    pub raw: u64,
    /// Rows in the chunk.
    pub rows: u64,
    bytes: Vec<u8>,
}

impl Frame {
    /// Length of the frame.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Shows the shape only.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame[{} rows, {} raw bytes, {} bytes]", self.rows, self.raw, self.bytes.len())
    }
}

thread_local! {
    /// A context costs as much as a small chunk, so each thread keeps its last one.
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses a chunk into one frame that records its length and a checksum.
///
/// # Errors
/// Kind `Store` when the chunk is longer than [`MAX_RAW`] or zstd fails.
pub fn compress(chunk: &Chunk, id: [u8; 32], level: i32) -> Result<Frame> {
    let raw = chunk.encoded.bytes();
    if raw.len() as u64 > MAX_RAW {
        return Err(Error::store(format!(
            "a row takes {} bytes, more than the {MAX_RAW} that a chunk can hold",
            raw.len()
        ))
        .hint("Leave the large column out of the snapshot, or mask it with `null` or `fixed`."));
    }
    let failed = |error: std::io::Error| Error::store("cannot compress a chunk").caused_by(error);
    let bytes = COMPRESSOR.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(|(cached, _)| *cached != level) {
            let mut compressor = Compressor::new(level).map_err(failed)?;
            compressor.set_parameter(CParameter::ChecksumFlag(true)).map_err(failed)?;
            compressor.set_parameter(CParameter::ContentSizeFlag(true)).map_err(failed)?;
            compressor.set_parameter(CParameter::HashLog(HASH_LOG)).map_err(failed)?;
            compressor.set_parameter(CParameter::MinMatch(MIN_MATCH)).map_err(failed)?;
            *slot = Some((level, compressor));
        }
        match slot {
            Some((_, compressor)) => compressor.compress(raw).map_err(failed),
            None => Err(Error::internal("the zstd context vanished")),
        }
    })?;
    Ok(Frame { id, raw: raw.len() as u64, rows: chunk.rows, bytes })
}

/// Collects frames until a pack is full.
#[derive(Debug, Default)]
pub struct PackBuilder {
    bytes: Vec<u8>,
}

impl PackBuilder {
    /// An empty pack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A pack that goes on behind `bytes`, which another builder held.
    #[must_use]
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// What it holds so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the frame can go into this pack. The first always can: a huge frame has a pack of its own.
    #[must_use]
    pub fn fits(&self, frame: &Frame) -> bool {
        self.is_empty() || padding::padded(self.bytes.len() as u64 + frame.length()) <= TARGET
    }

    /// Adds a frame and gives its offset.
    pub fn push(&mut self, frame: Frame) -> u64 {
        let offset = self.bytes.len() as u64;
        if self.is_empty() {
            self.bytes = frame.bytes;
        } else {
            self.bytes.extend_from_slice(&frame.bytes);
        }
        offset
    }

    /// Whether nothing more can fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() as u64 >= TARGET
    }

    /// Whether the pack holds no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Pads the frames to a Padmé size.
    #[must_use]
    pub fn finish(mut self) -> Packed {
        padding::pad(&mut self.bytes);
        Packed::vouch(self.bytes)
    }
}

/// Takes one chunk out of a pack, and believes nothing: place, lengths, id, row count and form are checked.
///
/// # Errors
/// Kind `Store` when the pack does not hold exactly the chunk that `chunk` describes.
pub fn open_chunk(packed: &Packed, chunk: &ChunkRef, id_key: &Secret32) -> Result<Encoded> {
    let broken = |what: &str| Error::store(format!("chunk at offset {} of its pack: {what}", chunk.offset));
    let frame = usize::try_from(chunk.offset)
        .ok()
        .zip(usize::try_from(chunk.length).ok())
        .and_then(|(offset, length)| packed.bytes().get(offset..offset.checked_add(length)?))
        .ok_or_else(|| broken("it lies outside the pack"))?;
    if chunk.raw == 0 || chunk.raw > MAX_RAW {
        return Err(broken("its length is not possible"));
    }
    check_frame(frame, chunk.raw).map_err(broken)?;
    let length = usize::try_from(chunk.raw).map_err(|_| broken("its length is not possible"))?;
    let mut raw = vec![0; length];
    let written = DECOMPRESSOR
        .with_borrow_mut(|slot| {
            let decompressor = match slot {
                Some(decompressor) => decompressor,
                None => slot.insert(Decompressor::new()?),
            };
            decompressor.decompress_to_buffer(frame, raw.as_mut_slice())
        })
        .map_err(|error| broken("it cannot be decompressed").caused_by(error))?;
    if written != raw.len() {
        return Err(broken("it has another length than the manifest says"));
    }
    // Equality of `blake3::Hash` takes the same time for all inputs.
    let id = HEXLOWER.decode(chunk.id.as_bytes()).ok().and_then(|id| <[u8; 32]>::try_from(id).ok());
    if id.map(blake3::Hash::from_bytes) != Some(blake3::Hash::from_bytes(chunk_id(id_key, &raw))) {
        return Err(broken("its content is not what the manifest says"));
    }
    let row_ends = row_ends(&raw);
    if row_ends.last().is_none_or(|&end| end as usize != raw.len()) {
        return Err(broken("its last row has no end"));
    }
    if row_ends.len() as u64 != chunk.rows {
        return Err(broken("it has another number of rows than the manifest says"));
    }
    Ok(Encoded::vouch(raw, row_ends, Vec::new()))
}

/// Checks that `frame` is exactly one zstd frame, of `raw` bytes, with a sane window.
fn check_frame(frame: &[u8], raw: u64) -> std::result::Result<(), &'static str> {
    // RFC 8878, 3.1.1: magic number, descriptor, and a window byte unless the descriptor says "single segment".
    let (descriptor, window) = match frame {
        [0x28, 0xB5, 0x2F, 0xFD, descriptor, window, ..] => (*descriptor, *window),
        _ => return Err("it is not a zstd frame"),
    };
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment && 10 + (window >> 3) > 27 {
        return Err("it asks for too large a window");
    }
    if !matches!(get_frame_content_size(frame), Ok(Some(size)) if size == raw) {
        return Err("it has another length than the manifest says");
    }
    if !matches!(find_frame_compressed_size(frame), Ok(length) if length == frame.len()) {
        return Err("something lies behind it");
    }
    Ok(())
}

fn row_ends(raw: &[u8]) -> Vec<u32> {
    let newlines = (1_u32..).zip(raw).filter(|&(_, &byte)| byte == b'\n');
    newlines.map(|(end, _)| end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn id_key() -> Secret32 {
        Secret32::new([5; 32])
    }

    fn chunk(text: &str) -> Chunk {
        let row_ends = row_ends(text.as_bytes());
        Chunk { rows: row_ends.len() as u64, encoded: Encoded::vouch(text.into(), row_ends, Vec::new()) }
    }

    fn frame(text: &str) -> Frame {
        compress(&chunk(text), chunk_id(&id_key(), text.as_bytes()), DEFAULT_LEVEL).unwrap()
    }

    fn pack(texts: &[&str]) -> (Packed, Vec<ChunkRef>) {
        let mut builder = PackBuilder::new();
        let mut refs = Vec::new();
        for text in texts {
            let frame = frame(text);
            let (id, length, raw, rows) = (HEXLOWER.encode(&frame.id), frame.length(), frame.raw, frame.rows);
            assert!(builder.fits(&frame));
            refs.push(ChunkRef { id, pack: 0, offset: builder.push(frame), length, raw, rows });
        }
        (builder.finish(), refs)
    }

    #[test]
    fn chunks_come_out_as_they_went_in() {
        let long = "some row\n".repeat(10_000);
        let texts = ["1\ta\n2\tb\n", &long, "3\n"];
        let (packed, refs) = pack(&texts);
        for (text, chunk) in texts.iter().zip(&refs) {
            let encoded = open_chunk(&packed, chunk, &id_key()).unwrap();
            assert_eq!(encoded.bytes(), text.as_bytes());
            assert_eq!(encoded.row_ends(), row_ends(text.as_bytes()));
        }
        assert_eq!(padding::padme(packed.bytes().len() as u64), packed.bytes().len() as u64);
        // What a stock decompressor sees: all rows, and nothing of the padding.
        assert_eq!(zstd::decode_all(packed.bytes()).unwrap(), texts.concat().as_bytes());
    }

    #[test]
    fn every_lie_about_a_chunk_is_found() {
        let (packed, refs) = pack(&["1\ta\n2\tb\n", "3\tc\n"]);
        let good = &refs[0];
        let lies: [(&str, ChunkRef); 12] = [
            ("outside", ChunkRef { offset: u64::MAX, ..good.clone() }),
            ("outside", ChunkRef { length: u64::MAX, ..good.clone() }),
            ("outside", ChunkRef { length: packed.bytes().len() as u64 + 1, ..good.clone() }),
            ("not a zstd frame", ChunkRef { offset: 1, ..good.clone() }),
            ("another length", ChunkRef { offset: refs[1].offset, length: refs[1].length, ..good.clone() }),
            ("behind it", ChunkRef { length: good.length - 1, ..good.clone() }),
            ("behind it", ChunkRef { length: good.length + refs[1].length, ..good.clone() }),
            ("not possible", ChunkRef { raw: 0, ..good.clone() }),
            ("not possible", ChunkRef { raw: MAX_RAW + 1, ..good.clone() }),
            ("another length", ChunkRef { raw: good.raw + 1, ..good.clone() }),
            ("another number of rows", ChunkRef { rows: 3, ..good.clone() }),
            ("content", ChunkRef { id: refs[1].id.clone(), ..good.clone() }),
        ];
        for (says, lie) in lies {
            let error = open_chunk(&packed, &lie, &id_key()).unwrap_err();
            assert_eq!(error.kind(), Kind::Store);
            assert!(error.what().contains(says), "{says}: {error}");
        }
        let other_key = open_chunk(&packed, good, &Secret32::new([6; 32])).unwrap_err();
        assert!(other_key.what().contains("content"), "{other_key}");
    }

    #[test]
    fn rows_without_an_end_are_refused() {
        let text = "1\n2";
        let frame = frame(text);
        let chunk =
            ChunkRef { id: HEXLOWER.encode(&frame.id), pack: 0, offset: 0, length: frame.length(), raw: 3, rows: 1 };
        let error = open_chunk(&Packed::vouch(frame.bytes), &chunk, &id_key()).unwrap_err();
        assert!(error.what().contains("no end"), "{error}");
    }

    #[test]
    fn every_bit_flip_and_truncation_of_a_frame_is_found() {
        let (packed, refs) = pack(&["1\tanna\n2\tbert\n3\tanna anna anna\n"]);
        let length = usize::try_from(refs[0].length).unwrap();
        for bit in 0..length * 8 {
            let mut bytes = packed.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match open_chunk(&Packed::vouch(bytes), &refs[0], &id_key()) {
                Ok(encoded) => assert_eq!(encoded.bytes(), b"1\tanna\n2\tbert\n3\tanna anna anna\n", "bit {bit}"),
                Err(error) => assert_eq!(error.kind(), Kind::Store),
            }
        }
        for cut in 0..length {
            assert!(open_chunk(&Packed::vouch(packed.bytes()[..cut].to_vec()), &refs[0], &id_key()).is_err());
            let shorter = ChunkRef { length: cut as u64, ..refs[0].clone() };
            assert!(open_chunk(&packed, &shorter, &id_key()).is_err());
        }
    }

    #[test]
    fn large_windows_and_foreign_frames_are_refused() {
        let bomb = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xF8, 0x01, 0x00, 0x00];
        assert_eq!(check_frame(&bomb, 10), Err("it asks for too large a window"));
        let skippable = [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0];
        assert_eq!(check_frame(&skippable, 0), Err("it is not a zstd frame"));
    }

    #[test]
    fn packs_fill_up_and_a_huge_frame_is_alone() {
        let sized = |length: usize| Frame { id: [0; 32], raw: 1, rows: 1, bytes: vec![1; length] };
        let mut builder = PackBuilder::new();
        assert!(builder.is_empty() && !builder.is_full());
        assert!(builder.fits(&sized(100 << 20)));
        assert_eq!(builder.push(sized(5 << 20)), 0);
        assert!(
            !builder.fits(&sized((3 << 20) + 1)) && !builder.fits(&sized((3 << 20) - 1)),
            "no room for the padding"
        );
        assert!(builder.fits(&sized((3 << 20) - 8)) && builder.fits(&sized(3 << 20)));
        assert_eq!(builder.push(sized(3 << 20)), 5 << 20);
        assert!(builder.is_full() && !builder.fits(&sized(1)));
        assert_eq!(builder.finish().bytes().len(), 8 << 20);
        let mut alone = PackBuilder::new();
        alone.push(sized(20 << 20));
        assert!(alone.is_full() && !alone.fits(&sized(1)));
    }

    /// Chunks and padding against one stream over rows like those of masked persons.
    #[test]
    fn a_full_pack_takes_little_more_than_one_stream() {
        let mut state = 1_u64;
        let mut number = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let names: Vec<String> = (0..3000).map(|at| format!("{:x}son", number(1 << 24) + at)).collect();
        let mut line = |row: u64| {
            let (first, last) = (&names[usize::try_from(number(3000)).unwrap()], number(3000));
            let (last, tag) = (&names[usize::try_from(last).unwrap()], (number(1 << 31), number(1 << 31)));
            let (money, cents, day) = (number(100_000), number(100), 1 + number(28));
            format!(
                "{row}\t{first}\t{last}\t{first}.{:08x}{:08x}@example.org\t{money}.{cents:02}\tactive\t2025-12-{day:02}\n",
                tag.0, tag.1
            )
        };
        let (mut builder, mut raw) = (PackBuilder::new(), String::new());
        for chunk in 0.. {
            let text: String = (chunk * 700..(chunk + 1) * 700).map(&mut line).collect();
            let frame = frame(&text);
            if !builder.fits(&frame) {
                break;
            }
            builder.push(frame);
            raw.push_str(&text);
        }
        let (pack, stream) = (builder.finish().bytes().len(), zstd::encode_all(raw.as_bytes(), 1).unwrap().len());
        assert!(pack * 100 <= stream * 104, "{pack} against {stream}");
    }

    #[test]
    fn oversized_rows_are_refused_by_length() {
        let row = Encoded::vouch(vec![b'x'; usize::try_from(MAX_RAW).unwrap() + 1], vec![u32::MAX], Vec::new());
        let error = compress(&Chunk { encoded: row, rows: 1 }, [0; 32], DEFAULT_LEVEL).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains("more than"), "{error}");
    }
}
