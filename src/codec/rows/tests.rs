//! Golden bytes of the row text, and the proof that reading inverts writing.

use super::*;
use crate::codec::testing::table;
use proptest::prelude::*;

/// One declared type for each affinity, in the order INTEGER, TEXT, BLOB, none, REAL, NUMERIC.
const TYPES: [&str; 6] = ["BIGINT", "varchar(20)", "BLOB", "", "DOUBLE", "DECIMAL(10,2)"];

fn encode_one(engine: EngineKind, declared: &str, kind: CellKind, bytes: &[u8]) -> Vec<u8> {
    let layout = Layout::new(engine, &table(&[declared], &[]));
    let mut batch = Batch::new(1);
    batch.push(Cell { kind, bytes });
    let encoded = encode(Masked::vouch(batch), &layout);
    encoded.bytes().strip_suffix(b"\n").unwrap().to_vec()
}

#[test]
fn each_kind_in_each_affinity_has_its_golden_bytes() {
    use CellKind::{Blob, Integer, Null, Real, Text};
    let cells: [(CellKind, &[u8], [&str; 6]); 15] = [
        (Null, b"", ["\\N"; 6]),
        (Text, b"", ["", "", "\\T", "", "", ""]),
        (Text, b"abc", ["abc", "abc", "\\Tabc", "abc", "abc", "abc"]),
        (Text, b"7", ["\\T7", "7", "\\T7", "7", "\\T7", "\\T7"]),
        (Text, b"007", ["007", "007", "\\T007", "007", "007", "007"]),
        (Text, b"1e5", ["\\T1e5", "1e5", "\\T1e5", "1e5", "\\T1e5", "\\T1e5"]),
        (Text, b"hello", ["hello", "hello", "\\Thello", "hello", "hello", "hello"]),
        (Integer, b"7", ["7", "\\I7", "\\I7", "\\I7", "7", "7"]),
        (
            Integer,
            b"-9223372036854775808",
            [
                "-9223372036854775808",
                "\\I-9223372036854775808",
                "\\I-9223372036854775808",
                "\\I-9223372036854775808",
                "-9223372036854775808",
                "-9223372036854775808",
            ],
        ),
        (Real, b"1.5", ["1.5", "\\R1.5", "\\R1.5", "\\R1.5", "1.5", "1.5"]),
        (Real, b"1e300", ["1e300", "\\R1e300", "\\R1e300", "\\R1e300", "1e300", "1e300"]),
        (Real, b"-Inf", ["-Inf", "\\R-Inf", "\\R-Inf", "\\R-Inf", "-Inf", "-Inf"]),
        (Real, b"3", ["\\R3", "\\R3", "\\R3", "\\R3", "\\R3", "\\R3"]),
        (Blob, b"", ["\\B", "\\B", "\\\\x", "\\B", "\\B", "\\B"]),
        (Blob, &[0, 0xAB], ["\\B00ab", "\\B00ab", "\\\\x00ab", "\\B00ab", "\\B00ab", "\\B00ab"]),
    ];
    for (kind, bytes, expected) in cells {
        for (declared, expected) in TYPES.into_iter().zip(expected) {
            let written = encode_one(EngineKind::Sqlite, declared, kind, bytes);
            assert_eq!(String::from_utf8(written).unwrap(), expected, "{kind:?} {bytes:?} in {declared:?}");
        }
    }
}

#[test]
fn servers_write_what_their_own_readers_know() {
    let all = b"\x00\x07\x08\t\n\x0B\x0C\r\\\x7F\xFF.";
    let postgres = encode_one(EngineKind::Postgres, "bytea", CellKind::Text, all);
    assert_eq!(postgres, b"\x00\x07\\b\\t\\n\\v\\f\\r\\\\\x7F\xFF.");
    let mysql = encode_one(EngineKind::Mysql, "blob", CellKind::Text, all);
    assert_eq!(mysql, b"\x00\x07\\b\\t\\n\x0B\x0C\\r\\\\\x7F\xFF.");
    assert_eq!(encode_one(EngineKind::Postgres, "int", CellKind::Text, b"\\N"), b"\\\\N");
}

#[test]
fn affinities_follow_the_five_rules_in_order() {
    let cases = [
        ("CHARINT", Plain::Number),
        ("floating point", Plain::Number),
        ("nvarchar(70)", Plain::Text),
        ("BLOBTEXT", Plain::Text),
        ("longblob", Plain::Blob),
        (" ", Plain::Text),
        ("DATE", Plain::Number),
    ];
    for (declared, plain) in cases {
        assert_eq!(Plain::of_sqlite(declared), plain, "{declared}");
    }
}

#[test]
fn numbers_are_canonical_or_text() {
    for text in ["0", "1", "-1", "10", "999999999999999999", "9223372036854775807", "-9223372036854775808"] {
        assert_eq!(number_kind(text.as_bytes()), CellKind::Integer, "{text}");
    }
    for text in ["0.0", "-0.0", "1.5", "1e5", "1E-5", "1.5e+300", "Inf", "-Inf", "00.5"] {
        assert_eq!(number_kind(text.as_bytes()), CellKind::Real, "{text}");
    }
    let texts = [
        "",
        "-",
        "-0",
        "00",
        "+1",
        " 1",
        "1 ",
        "9223372036854775808",
        "1.",
        ".5",
        "1e",
        "1e+",
        "e5",
        "inf",
        "NaN",
        "1.2.3",
        "--1",
        "0x1",
        "1e5x",
    ];
    for text in texts {
        assert_eq!(number_kind(text.as_bytes()), CellKind::Text, "{text}");
    }
}

#[test]
fn generated_columns_are_left_out_and_the_key_is_found() {
    let mut table = table(&["INT", "TEXT", "BLOB"], &[2, 0]);
    table.columns[1].generated = true;
    let layout = Layout::new(EngineKind::Sqlite, &table);
    assert_eq!(layout.columns(), 2);
    assert_eq!(layout.key, [1, 0]);
    table.columns[0].generated = true;
    assert!(Layout::new(EngineKind::Sqlite, &table).key.is_empty());
}

#[test]
fn cut_hashes_cover_the_key_or_else_the_line() {
    let hash = |key: &[usize], rows: &[[&str; 3]]| {
        let layout = Layout::new(EngineKind::Postgres, &table(&["int", "text", "text"], key)).with_cut_key([7; 16]);
        let mut batch = Batch::new(3);
        for cell in rows.iter().flatten() {
            batch.push(Cell::text(cell));
        }
        encode(Masked::vouch(batch), &layout).cut_hashes().to_vec()
    };
    let sip = |text: &str| SipHasher24::new_with_key(&[7; 16]).hash(text.as_bytes());
    let rows = [["1", "a\tb", "x"], ["2", "", "y"]];
    assert_eq!(hash(&[0], &rows), [sip("1"), sip("2")]);
    assert_eq!(hash(&[2], &rows), [sip("x"), sip("y")]);
    assert_eq!(hash(&[2, 1], &rows), [sip("x\ta\\tb"), sip("y\t")]);
    assert_eq!(hash(&[], &rows), [sip("1\ta\\tb\tx"), sip("2\t\ty")]);
}

#[test]
fn malformed_text_is_refused_without_showing_it() {
    let layout = Layout::new(EngineKind::Sqlite, &table(&["INT", "BLOB"], &[]));
    let bad: [&[u8]; 16] = [
        b"secret",
        b"secret\n",
        b"secret\t\\\\x00",
        b"1\t\\\\x00\tsecret\n",
        b"\n",
        b"1\tsecret\n",
        b"1\t\\\\x0\n",
        b"1\t\\\\xAB\n",
        b"1\t\\\\xzz\n",
        b"1\t\\B0\n",
        b"secret\\q\t\\\\x\n",
        b"\\Nsecret\t\\\\x\n",
        b"secret\\",
        b"\\Bsecret\t\\\\x\n",
        b"1\t\\x00\n",
        b"1\t\\\\x00\n2\n",
    ];
    for text in bad {
        let error = decode(&Encoded::vouch(text.to_vec(), Vec::new(), Vec::new()), &layout).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Store, "{}", text.escape_ascii());
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert!(error.what().starts_with("row "), "{error}");
    }
    let error = decode(&Encoded::vouch(b"1\t\\\\x00\n2\n".to_vec(), Vec::new(), Vec::new()), &layout).unwrap_err();
    assert_eq!(error.what(), "row 2 of the chunk, column 1: the row ends too early");
    let server = Layout::new(EngineKind::Mysql, &table(&["int"], &[]));
    assert!(decode(&Encoded::vouch(b"\\T1\n".to_vec(), Vec::new(), Vec::new()), &server).is_err());
}

fn any_cell() -> impl Strategy<Value = (CellKind, Vec<u8>)> {
    let any_text = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..70),
        "[-0-9.eE+]{0,8}".prop_map(String::into_bytes),
        "[\\\\NTIRBx\t\n\r0-9a-f]{0,40}".prop_map(String::into_bytes),
    ];
    prop_oneof![
        Just((CellKind::Null, Vec::new())),
        any_text.prop_map(|text| (CellKind::Text, text)),
        any::<i64>().prop_map(|number| (CellKind::Integer, number.to_string().into_bytes())),
        any::<f64>().prop_map(|number| (CellKind::Real, format!("{number:?}").into_bytes())),
        proptest::collection::vec(any::<u8>(), 0..70).prop_map(|bytes| (CellKind::Blob, bytes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decode_inverts_encode(rows in proptest::collection::vec(proptest::collection::vec(any_cell(), 6), 0..6)) {
        let layout = Layout::new(EngineKind::Sqlite, &table(&TYPES, &[0]));
        let mut batch = Batch::new(6);
        for (kind, bytes) in rows.iter().flatten() {
            batch.push(Cell { kind: *kind, bytes });
        }
        let masked = Masked::vouch(batch);
        let encoded = encode(masked.clone(), &layout);
        prop_assert_eq!(encoded.row_ends().len(), rows.len());
        prop_assert_eq!(encoded.bytes().split(|&byte| byte == b'\n').count(), rows.len() + 1);
        prop_assert_eq!(decode(&encoded, &layout).unwrap(), masked);
    }

    #[test]
    fn servers_invert_too(cells in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)), 0..9)) {
        for engine in [EngineKind::Postgres, EngineKind::Mysql, EngineKind::Mariadb] {
            let layout = Layout::new(engine, &table(&["any"], &[]));
            let mut batch = Batch::new(1);
            for cell in &cells {
                batch.push(cell.as_ref().map_or(Cell::NULL, |bytes| Cell { kind: CellKind::Text, bytes }));
            }
            let masked = Masked::vouch(batch);
            prop_assert_eq!(decode(&encode(masked.clone(), &layout), &layout).unwrap(), masked);
        }
    }

    #[test]
    fn any_bytes_decode_or_are_refused(text in "[\\\\NTIRBxbn\t\n0-9a-f]{0,60}") {
        let layout = Layout::new(EngineKind::Sqlite, &table(&["INT", "BLOB"], &[]));
        if let Ok(masked) = decode(&Encoded::vouch(text.into_bytes(), Vec::new(), Vec::new()), &layout) {
            prop_assert_eq!(decode(&encode(masked.clone(), &layout), &layout).unwrap(), masked);
        }
    }
}
