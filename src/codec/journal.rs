//! The journal of a capture as bytes: bincode of small records, each with a magic, a version, the journal it belongs to, its
//! number there and a keyed BLAKE3 of all that. Whatever does not fit is refused, and the caller begins anew.

use crate::error::{Error, Result};
use crate::model::journal::Record;
use crate::model::manifest::TableEntry;
use crate::secret::Secret32;
use serde::Serialize;

/// What a record begins with.
const MAGIC: &[u8; 8] = b"TERPJRN\n";
/// Raised whenever a record would be read differently. Older journals are not read: a capture begins anew.
const VERSION: u32 = 1;
/// Magic, version, id of the journal and number of the record.
const HEAD: usize = 8 + 4 + 16 + 8;
const DIGEST: usize = 32;
/// No record is longer: the largest chunk that fits a pack, and what is seen of a table in pieces.
pub const MAX_RECORD: usize = 512 << 20;

/// The id of a journal, random.
pub type Id = [u8; 16];

/// Writes record `number` of the journal `id`.
///
/// # Errors
/// Kind `Internal` when the record is too long.
pub fn encode(key: &Secret32, id: &Id, number: u64, record: &Record) -> Result<Vec<u8>> {
    let body = bincode::serde::encode_to_vec(record, bincode::config::legacy().with_limit::<MAX_RECORD>())
        .map_err(|error| Error::internal("a record of the journal cannot be written").caused_by(error))?;
    let mut bytes = Vec::with_capacity(HEAD + body.len() + DIGEST);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(id);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&body);
    let digest = blake3::keyed_hash(key.expose(), &bytes);
    bytes.extend_from_slice(digest.as_bytes());
    Ok(bytes)
}

/// Reads record `number`; `id` is that of the journal, once its first record told it.
///
/// # Errors
/// Kind `Store` when it is not exactly what [`encode`] wrote there with the same key.
pub fn decode(key: &Secret32, id: Option<&Id>, number: u64, bytes: &[u8]) -> Result<(Id, Record)> {
    let damaged = || Error::store(format!("record {number} of the journal is damaged or of another program's version"));
    let (signed, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(damaged)?;
    // Equality of `blake3::Hash` takes the same time for all inputs.
    if blake3::keyed_hash(key.expose(), signed) != blake3::Hash::from_bytes(*digest) {
        return Err(damaged());
    }
    let (head, body) = signed.split_at_checked(HEAD).ok_or_else(damaged)?;
    let own: Id = head[12..28].try_into().map_err(|_| damaged())?;
    let place = [MAGIC.as_slice(), &VERSION.to_le_bytes(), id.unwrap_or(&own), &number.to_le_bytes()].concat();
    if head != place {
        return Err(damaged());
    }
    let limited = bincode::config::legacy().with_limit::<MAX_RECORD>();
    let (record, read): (Record, usize) =
        bincode::serde::decode_from_slice(body, limited).map_err(|error| damaged().caused_by(error))?;
    if read != body.len() {
        return Err(damaged());
    }
    Ok((own, record))
}

/// A table's entry in the manifest as text, without its chunks and origins.
///
/// # Errors
/// Kind `Internal`.
pub fn entry_text(entry: &TableEntry) -> Result<String> {
    let bare = TableEntry { chunks: Vec::new(), origins: Vec::new(), ..entry.clone() };
    serde_json::to_string(&bare).map_err(|error| Error::internal("a table's entry cannot be written").caused_by(error))
}

/// Reads it back.
///
/// # Errors
/// Kind `Store` when it is none.
pub fn entry_of(text: &str) -> Result<TableEntry> {
    serde_json::from_str(text).map_err(|error| Error::store("the journal has no entry of a table").caused_by(error))
}

/// What tells a value from others: the BLAKE3 of its JSON.
///
/// # Errors
/// Kind `Internal`.
pub fn digest<T: Serialize>(value: &T) -> Result<String> {
    let json = serde_json::to_vec(value)
        .map_err(|error| Error::internal("a value cannot be written as JSON").caused_by(error))?;
    Ok(blake3::hash(&json).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::journal::{Bytes, Chunk, Counts, Head, Open, PackBegun, Piece, Place, Side, TableDone};

    fn key() -> Secret32 {
        Secret32::new([3; 32])
    }

    fn samples() -> Vec<Record> {
        let place = Place { id: [0xab; 32], offset: 1, length: 258 };
        let chunk = Chunk { pack: 2, place, raw: 3, rows: 4 };
        let head = Head {
            bound: vec![("source".into(), "d1".into())],
            token: Some("t".into()),
            scan_key: [1; 32],
            closure_key: [2, 3],
            dangling: Some(vec![4]),
        };
        let seen = vec![
            Piece::Met(Side::Outputs, 9, vec![(1, 2, 3, 4, 5)]),
            Piece::Parents(1, 3, vec![8]),
            Piece::Children(2, 0, vec![(8, 1)]),
        ];
        let done = TableDone {
            entry: "{}".into(),
            chunks: vec![chunk],
            origins: Vec::new(),
            first_pack: 1,
            packs: vec![Some(("p".into(), 10)), None],
            open: Some(Open { index: 2, from: 0, chunks: vec![place], frames: Bytes(vec![7; 3]) }),
            counts: Counts { observed: 1, kept: vec![6], ..Counts::default() },
            references: vec![(0, 1)],
            unique: [1, 2, 0],
            dangling: vec![0],
            seen: seen.clone(),
        };
        let pack = PackBegun { index: 2, name: "p".into(), length: 10, chunks: vec![place] };
        vec![
            Record::Head(head),
            Record::Pack(pack),
            Record::Seen(seen),
            Record::Table(Box::new(done)),
            Record::Again(5),
        ]
    }

    #[test]
    fn records_come_back_and_only_from_their_place() {
        let id = [5; 16];
        for (number, record) in (0..).zip(samples()) {
            let bytes = encode(&key(), &id, number, &record).unwrap();
            assert!(decode(&key(), Some(&id), number, &bytes).unwrap() == (id, record.clone()));
            assert!(decode(&key(), None, number, &bytes).unwrap().0 == id);
            assert!(decode(&key(), Some(&[6; 16]), number, &bytes).is_err(), "another journal");
            assert!(decode(&key(), Some(&id), number + 1, &bytes).is_err(), "another place");
            assert!(decode(&Secret32::new([4; 32]), Some(&id), number, &bytes).is_err(), "another member");
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(decode(&key(), Some(&id), number, &flipped).is_err(), "bit {bit}");
            }
            (0..bytes.len()).for_each(|cut| assert!(decode(&key(), Some(&id), number, &bytes[..cut]).is_err()));
        }
    }

    /// Signs a body as if the program had written it.
    fn signed(version: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = [MAGIC.as_slice(), &version.to_le_bytes(), &[5; 16], &0_u64.to_le_bytes(), body].concat();
        let digest = blake3::keyed_hash(key().expose(), &bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    #[test]
    fn other_versions_long_claims_and_tails_are_refused() {
        let whole = encode(&key(), &[5; 16], 0, &Record::Again(5)).unwrap();
        let body = &whole[HEAD..whole.len() - DIGEST];
        assert_eq!(signed(VERSION, body), whole);
        assert!(decode(&key(), None, 0, &signed(VERSION + 1, body)).is_err());
        assert!(decode(&key(), None, 0, &signed(VERSION, &[body, b"x"].concat())).is_err());
        // A list that claims more than there is, and one that claims more than there could be.
        for claimed in [1_u64 << 20, u64::MAX] {
            let body = [2_u32.to_le_bytes().as_slice(), &claimed.to_le_bytes()].concat();
            assert!(decode(&key(), None, 0, &signed(VERSION, &body)).is_err());
        }
        assert!(decode(&key(), None, 0, &signed(VERSION, &77_u32.to_le_bytes())).is_err());
    }

    #[test]
    fn the_bytes_are_these() {
        let hex = |record: &Record| {
            let bytes = encode(&key(), &[5; 16], 1, record).unwrap();
            data_encoding::HEXLOWER.encode(&bytes[..bytes.len() - DIGEST])
        };
        // Magic, version, journal, number; then the number of the kind and its fields: whole numbers little-endian, the length
        // of a list or text as 64 bits before it.
        let head = format!("{}01000000{}0100000000000000", "544552504a524e0a", "05".repeat(16));
        assert_eq!(hex(&Record::Again(5)), format!("{head}0400000005000000"));
        let pack = format!(
            "0100000002000000{}700a00000000000000{}{}{}{}",
            "0100000000000000",
            "0100000000000000",
            "ab".repeat(32),
            "0100000000000000",
            "0201000000000000"
        );
        assert_eq!(hex(&samples()[1]), format!("{head}{pack}"));
    }
}
