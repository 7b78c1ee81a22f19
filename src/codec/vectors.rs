//! The golden vectors of format v1 in `tests/vectors/v1`, kept for ever. `rows.json` was written by another program, from
//! `docs/format.md`; texts in it hold one byte per character.

use super::chunker::{Chunk, Chunker};
use super::pack::{chunk_id, cut_key};
use super::rows::{Layout, decode, encode};
use super::testing::{golden, table};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::padding::padme;
use crate::model::proof::{Encoded, Masked};
use crate::model::schema::EngineKind;
use crate::secret::Secret32;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Case {
    name: String,
    engine: EngineKind,
    declared: Vec<String>,
    primary_key: Vec<usize>,
    cut_key: String,
    rows: Vec<Vec<(String, String)>>,
    copy: String,
    cut_hashes: Vec<String>,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    engine: EngineKind,
    declared: Vec<String>,
    copy: String,
    kind: String,
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn kind(word: &str) -> CellKind {
    let kinds = [CellKind::Null, CellKind::Text, CellKind::Integer, CellKind::Real, CellKind::Blob];
    kinds.into_iter().find(|kind| format!("{kind:?}").to_lowercase() == word).unwrap()
}

fn layout(engine: EngineKind, declared: &[String], primary_key: &[usize]) -> Layout {
    let declared: Vec<&str> = declared.iter().map(String::as_str).collect();
    Layout::new(engine, &table(&declared, primary_key))
}

#[test]
fn rows_are_written_and_read_as_ever() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/vectors/v1/rows.json")).unwrap();
    for case in cases {
        let key = HEXLOWER.decode(case.cut_key.as_bytes()).unwrap().try_into().unwrap();
        let layout = layout(case.engine, &case.declared, &case.primary_key).with_cut_key(key);
        let mut batch = Batch::new(case.declared.len());
        for (word, text) in case.rows.iter().flatten() {
            batch.push(Cell { kind: kind(word), bytes: &bytes(text) });
        }
        let rows = Masked::vouch(batch);
        let encoded = encode(rows.clone(), &layout);
        assert_eq!(
            encoded.bytes().escape_ascii().to_string(),
            bytes(&case.copy).escape_ascii().to_string(),
            "{}",
            case.name
        );
        let hashes: Vec<String> = encoded.cut_hashes().iter().map(|hash| format!("{hash:016x}")).collect();
        assert_eq!(hashes, case.cut_hashes, "{}", case.name);
        assert_eq!(decode(&encoded, &layout).unwrap(), rows, "{}", case.name);
    }
}

#[test]
fn malformed_rows_are_refused_as_ever() {
    let cases: Vec<Refused> = serde_json::from_str(include_str!("../../tests/vectors/v1/fail_rows.json")).unwrap();
    for case in cases {
        let encoded = Encoded::vouch(bytes(&case.copy), Vec::new(), Vec::new());
        let error = decode(&encoded, &layout(case.engine, &case.declared, &[])).unwrap_err();
        assert_eq!(error.kind().word(), case.kind, "{}", case.name);
    }
}

#[test]
fn ids_keys_and_sizes_are_as_ever() {
    let key = Secret32::new(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    let ids: Vec<_> = ["1\tabc\n", "\\N\n"]
        .map(|rows| json!({ "rows": rows, "chunk_id": HEXLOWER.encode(&chunk_id(&key, rows.as_bytes())) }))
        .to_vec();
    let sizes: Vec<_> = [0, 1, 2, 3, 9, 10, 11, 100, 127, 128, 129, 1000, 4097, 65_536, 65_537, 1_000_000, 8_388_609]
        .map(|length| json!([length, padme(length)]))
        .to_vec();
    let all = json!({
        "id_key": HEXLOWER.encode(key.expose()),
        "cut_key": HEXLOWER.encode(&cut_key(&key)),
        "chunk_ids": ids,
        "padme": sizes,
    });
    golden("derived.json", &serde_json::to_string(&all).unwrap());
}

/// 4,000 rows whose lengths vary; where they are cut.
#[test]
fn chunks_are_cut_as_ever() {
    let layout = layout(EngineKind::Postgres, &["int".into(), "text".into()], &[0]).with_cut_key([1; 16]);
    let mut batch = Batch::new(2);
    for row in 0_usize..4000 {
        batch.push(Cell::text(&row.to_string()));
        batch.push(Cell::text(&"x".repeat(row * 37 % 211)));
    }
    let mut ends = Vec::new();
    let mut emit = |chunk: Chunk| {
        ends.push(json!([chunk.rows, chunk.encoded.bytes().len()]));
        Ok(())
    };
    let mut chunker = Chunker::new(16_384);
    chunker.push(&encode(Masked::vouch(batch), &layout), &mut emit).unwrap();
    chunker.finish(&mut emit).unwrap();
    golden("cuts.json", &serde_json::to_string(&json!({ "target": 16_384, "rows_and_bytes": ends })).unwrap());
}
