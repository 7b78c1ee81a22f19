//! What a manifest must not be, one lie at a time, and the frozen JSON of one that is fine.

use super::*;
use crate::codec::testing::{golden, manifest};
use crate::error::Kind;
use crate::model::manifest::{EmptyTable, Imported, ImportedFile, InvariantResult, PackRef};
use serde_json::{Value, json};

#[test]
fn what_is_written_is_read_back() {
    let bytes = encode(&manifest()).unwrap();
    assert_eq!(decode(&bytes).unwrap(), manifest());
    assert!(!bytes.contains(&b'\n'), "compact");
}

/// The JSON as a stranger reads it in `docs/format.md`. New fields may only be added, with a default.
#[test]
fn the_json_of_format_1_is_frozen() {
    golden("manifest.json", &String::from_utf8(encode(&manifest()).unwrap()).unwrap());
}

/// Old manifests have neither of the two, and read as before; new ones are read back.
#[test]
fn what_was_made_up_or_written_by_hand_is_read_back() {
    let old = String::from_utf8(encode(&manifest()).unwrap()).unwrap();
    assert!(!old.contains("generated\":{") && !old.contains("imported"), "{old}");
    assert_eq!(manifest().origin(), "captured");
    let table = manifest().tables[0].table.clone();
    let mut made = manifest();
    made.generated = Some(Generated {
        seed: 7,
        size: "small".into(),
        rows: [("t".to_owned(), 3)].into(),
        invariants: vec![InvariantResult {
            invariant: "totals".into(),
            kind: "sum".into(),
            table: table.clone(),
            rows: 3,
            failed: 0,
        }],
        empty: vec![EmptyTable { table: table.clone(), why: "asked for 0".into() }],
        ..Generated::default()
    });
    let mut written = manifest();
    let file = ImportedFile { file: "t.csv".into(), table, digest: "ab".repeat(32) };
    written.imported = Some(Imported { files: vec![file], accepted: None });
    for manifest in [&made, &written] {
        assert_eq!(&decode(&encode(manifest).unwrap()).unwrap(), manifest);
        assert!(manifest.is_invented());
    }
    made.generated.as_mut().unwrap().invariants[0].failed = 4;
    assert!(encode(&made).is_err());
    written.imported.as_mut().unwrap().files[0].digest = "x".into();
    assert!(encode(&written).is_err());
}

#[test]
fn version_and_features_are_checked_before_the_rest() {
    for bytes in [&br#"{"format":2,"features":[],"strange":1}"#[..], br#"{"format":1,"features":["rows-arrow"]}"#] {
        let error = decode(bytes).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.hint_text().unwrap().contains("Upgrade"), "{error}");
    }
    for bytes in [&b""[..], b"{}", b"[]", b"null", b"\xFF", br#"{"format":1,"features":["rows-copy-v1"]}"#] {
        assert_eq!(decode(bytes).unwrap_err().kind(), Kind::Store);
    }
}

#[test]
fn errors_do_not_quote_the_manifest() {
    let mut json = serde_json::to_value(manifest()).unwrap();
    json["environment"] = json!(["secret"]);
    json["schema"]["engine"] = json!("secret");
    let error = decode(json.to_string().as_bytes()).unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn every_lie_is_found() {
    let lies: [(&str, &str, Value); 27] = [
        ("/repo", "repo", json!("AB".repeat(16))),
        ("/repo", "repo", json!("ab")),
        ("/prev", "prev", json!("x".repeat(32))),
        ("/created", "created", json!("2025-12-03 10:15:00")),
        ("/expires", "expires", json!("2025-12-03T10:15:00.5Z")),
        ("/name", "snapshot", json!("demo\n")),
        ("/features", "twice", json!(["rows-copy-v1", "rows-copy-v1"])),
        ("/policy/digest", "policy digest", json!("")),
        ("/policy/key_id", "key id", json!("0")),
        ("/policy/dictionaries", "dictionary digest", json!({"names": "0"})),
        ("/policy/file", "policy file", json!("a\u{7f}")),
        ("/schema/tables/0/name/name", "control", json!("t\0")),
        ("/schema/tables/0/columns/0/name", "control", json!("c\u{1b}[0m")),
        ("/schema/tables/0/columns/1/name", "twice", json!("c0")),
        ("/schema/tables/0/create", "NUL", json!("create\0")),
        ("/schema/tables/0/primary_key", "not there", json!([2])),
        ("/packs/0/name", "pack name", json!("00")),
        ("/tables/0/table/name", "not in the schema", json!("other")),
        ("/tables/0/mode", "mode", json!("all")),
        ("/tables/0/columns", "columns", json!(["c1", "c0"])),
        ("/tables/0/masks", "mask", json!({"c9": "email"})),
        ("/tables/0/digest", "digest", json!("0")),
        ("/tables/0/rows", "add up", json!(4)),
        ("/tables/0/bytes", "add up", json!(25)),
        ("/tables/0/chunks/0/pack", "not listed", json!(1)),
        ("/tables/0/chunks/0/raw", "impossible", json!(0)),
        ("/tables/0/chunks/0/id", "chunk id", json!("zz")),
    ];
    for (pointer, says, value) in lies {
        let mut json = serde_json::to_value(manifest()).unwrap();
        *json.pointer_mut(pointer).unwrap() = value;
        let error = decode(json.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains(says), "{pointer}: {error}");
        assert!(error.what().chars().all(|c| !c.is_control()), "{error:?}");
    }
}

#[test]
fn duplicates_and_overflow_are_found() {
    let mut twice = manifest();
    twice.tables.push(twice.tables[0].clone());
    assert!(encode(&twice).unwrap_err().what().contains("table is listed twice"));
    let mut twice = manifest();
    let name = twice.packs[0].name.clone();
    twice.packs.push(PackRef { name, length: 1 });
    assert!(encode(&twice).unwrap_err().what().contains("pack is listed twice"));
    let mut huge = manifest();
    let again = huge.tables[0].chunks[0].clone();
    huge.tables[0].chunks.push(again);
    for chunk in &mut huge.tables[0].chunks {
        (chunk.rows, chunk.raw) = (u64::MAX, u64::MAX);
    }
    assert!(encode(&huge).unwrap_err().what().contains("too many rows"));
}
