//! Keys of every type that a table is told apart by: a child finds its parent, and a parent its children.

use super::given;
use crate::model::schema::EngineKind;
use crate::run::subset_testing::{Given, snapshot_rows, toml};
use std::fmt::Write as _;

/// A type, literals of different values, and for each of them how a child may spell it.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

const SQLITE: &[Case] = &[
    (
        "INTEGER",
        &[("1", "1"), ("-9223372036854775808", "-9223372036854775808"), ("9223372036854775807", "9223372036854775807")],
    ),
    ("BIGINT", &[("9007199254740993", "9007199254740993"), ("9007199254740992", "9007199254740992"), ("0", "0")]),
    (
        "TEXT",
        &[
            ("'it''s'", "'it''s'"),
            ("'\"q\" \\ \\\\'", "'\"q\" \\ \\\\'"),
            ("''", "''"),
            ("'🌿'", "'🌿'"),
            ("CAST(x'610062' AS TEXT)", "CAST(x'610062' AS TEXT)"),
            ("CAST(x'6100' AS TEXT)", "CAST(x'6100' AS TEXT)"),
            ("'a'", "'a'"),
            ("CAST(x'ff00fe' AS TEXT)", "CAST(x'ff00fe' AS TEXT)"),
            ("CAST(x'fffe' AS TEXT)", "CAST(x'fffe' AS TEXT)"),
            ("'A'", "'A'"),
            ("'a '", "'a '"),
            ("'null'", "'null'"),
            ("'1'", "'1'"),
            ("'1.0'", "'1.0'"),
            ("'line' || char(13, 10, 9) || 'end'", "'line' || char(13, 10, 9) || 'end'"),
            ("'%_[]{}$1?'", "'%_[]{}$1?'"),
        ],
    ),
    ("TEXT COLLATE NOCASE", &[("'Abc'", "'aBC'"), ("'Äx'", "'ÄX'"), ("'z'", "'Z'")]),
    ("TEXT COLLATE RTRIM", &[("'a  '", "'a'"), ("'b'", "'b   '"), ("' a'", "' a '")]),
    ("BLOB", &[("x''", "x''"), ("x'00'", "x'00'"), ("x'61'", "x'61'"), ("x'5c6e0aff'", "x'5c6e0aff'")]),
    ("REAL", &[("0.1", "0.1"), ("1.0", "1"), ("5e-324", "5e-324"), ("1e15", "1e15")]),
    ("DECIMAL(10,2)", &[("1.50", "1.5"), ("2", "'2.0'"), ("'x'", "'x'")]),
    ("", &[("1", "1"), ("'1'", "'1'"), ("x'31'", "x'31'"), ("1.5", "1.5"), ("'1.5'", "'1.5'")]),
];

const POSTGRES: &[Case] = &[
    ("BIGINT", &[("-9223372036854775808", "-9223372036854775808"), ("9223372036854775807", "9223372036854775807")]),
    ("SMALLINT", &[("-1", "-1"), ("32767", "32767")]),
    (
        "NUMERIC",
        &[("1.50", "1.5"), ("123456789012345678901234567890", "123456789012345678901234567890"), ("'NaN'", "'NaN'")],
    ),
    (
        "TEXT",
        &[
            ("'it''s'", "'it''s'"),
            ("'\"q\" \\ \\\\'", "'\"q\" \\ \\\\'"),
            ("''", "''"),
            ("'🌿'", "'🌿'"),
            ("'{a,b}'", "'{a,b}'"),
            ("'NULL'", "'NULL'"),
            ("E'tab\\tline\\r\\n'", "E'tab\\tline\\r\\n'"),
            ("'$1 %s'", "'$1 %s'"),
            ("'(1,\"a\")'", "'(1,\"a\")'"),
        ],
    ),
    ("VARCHAR(10)", &[("'a '", "'a '"), ("'a'", "'a'"), ("'A'", "'A'")]),
    ("CHAR(5)", &[("'a'", "'a  '"), ("'abcde'", "'abcde'")]),
    ("CITEXT", &[("'Abc'", "'aBC'"), ("'ÄÖ'", "'äö'"), ("'z'", "'Z'")]),
    ("BYTEA", &[("''", "''"), ("'\\x00'", "'\\x00'"), ("'\\x5c6e0aff'", "'\\x5C6E0AFF'")]),
    (
        "UUID",
        &[
            ("'00000000-0000-0000-0000-00000000000f'", "'00000000-0000-0000-0000-00000000000F'"),
            ("'3f2b8c1e-9d4a-4b6f-8e21-7c5a90d1e2f3'", "'{3f2b8c1e9d4a4b6f8e217c5a90d1e2f3}'"),
        ],
    ),
    ("BOOLEAN", &[("true", "true"), ("false", "'f'")]),
    ("DATE", &[("'2024-02-29'", "'2024-02-29'"), ("'infinity'", "'infinity'"), ("'0044-03-15 BC'", "'0044-03-15 BC'")]),
    (
        "TIMESTAMPTZ",
        &[("'2024-03-31 02:30:00.000001+05:30'", "'2024-03-30 21:00:00.000001Z'"), ("'infinity'", "'infinity'")],
    ),
    ("INTERVAL", &[("'1 day'", "'1 day'"), ("'1 hour'", "'60 minutes'")]),
    ("DOUBLE PRECISION", &[("0.1", "0.1"), ("'NaN'", "'NaN'"), ("'-0'", "'-0'"), ("1e300", "1e300")]),
    ("INET", &[("'10.0.0.1'", "'10.0.0.1/32'"), ("'::1/64'", "'::1/64'")]),
    ("JSONB", &[("'{\"a\": 1, \"b\": 2}'", "'{\"b\":2,\"a\":1}'"), ("'[]'", "'[ ]'")]),
    ("mood", &[("'it''s'", "'it''s'"), ("'odd one'", "'odd one'")]),
    ("INT[]", &[("'{1,2}'", "'{1,2}'"), ("'{}'", "'{}'"), ("'{1,NULL}'", "'{1,NULL}'")]),
    ("BIT(5)", &[("B'10101'", "B'10101'"), ("B'00000'", "B'00000'")]),
];

const MYSQL: &[Case] = &[
    (
        "BIGINT UNSIGNED",
        &[("18446744073709551615", "18446744073709551615"), ("9223372036854775808", "9223372036854775808"), ("0", "0")],
    ),
    (
        "BIGINT",
        &[
            ("-9223372036854775808", "-9223372036854775808"),
            ("9007199254740993", "9007199254740993"),
            ("9007199254740992", "9007199254740992"),
        ],
    ),
    ("INT(7) UNSIGNED ZEROFILL", &[("42", "42"), ("4294967295", "4294967295")]),
    (
        "BINARY(16)",
        &[
            ("x'00112233445566778899aabbccddeeff'", "x'00112233445566778899aabbccddeeff'"),
            ("x'5c27220a000000000000000000000000'", "x'5c27220a000000000000000000000000'"),
            ("x'ffffffffffffffffffffffffffffffff'", "x'ffffffffffffffffffffffffffffffff'"),
        ],
    ),
    ("VARBINARY(20)", &[("x''", "x''"), ("x'00'", "x'00'"), ("x'6100'", "x'6100'"), ("'a'", "'a'")]),
    (
        "VARCHAR(40) COLLATE utf8mb4_bin",
        &[
            ("'it''s'", "'it''s'"),
            ("'\"q\" \\\\ \\\\\\\\'", "'\"q\" \\\\ \\\\\\\\'"),
            ("''", "''"),
            ("'🌿'", "'🌿'"),
            ("'A'", "'A'"),
            ("'a'", "'a'"),
            ("'nul\\0l'", "'nul\\0l'"),
            ("'tab\\tline\\r\\n'", "'tab\\tline\\r\\n'"),
            ("'%_?'", "'%_?'"),
        ],
    ),
    ("VARCHAR(40) COLLATE utf8mb4_general_ci", &[("'Abc'", "'aBC '"), ("'Ärger'", "'arGER'"), ("'z'", "'Z'")]),
    ("VARCHAR(40) COLLATE utf8mb4_unicode_ci", &[("'Ärger'", "'aRGER'"), ("'z'", "'Z'")]),
    ("VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci", &[("'äx'", "'ÄX'"), ("'€'", "'€'")]),
    ("CHAR(8)", &[("'a'", "'A'"), ("'b'", "'b '")]),
    ("DECIMAL(20,4)", &[("1.5", "1.5000"), ("-1234567890123456.7891", "-1234567890123456.7891")]),
    ("DATE", &[("'2024-02-29'", "'2024-02-29'"), ("'9999-12-31'", "'9999-12-31'")]),
    (
        "DATETIME(6)",
        &[
            ("'2024-02-29 23:59:59.000001'", "'2024-02-29 23:59:59.000001'"),
            ("'2024-02-29 23:59:59'", "'2024-02-29 23:59:59.0'"),
        ],
    ),
    ("TIME(3)", &[("'-838:59:59'", "'-838:59:59'"), ("'00:00:01.5'", "'00:00:01.500'")]),
    ("ENUM('ok', 'it''s', 'a,b')", &[("'it''s'", "'it''s'"), ("'a,b'", "'A,B'"), ("'ok'", "1")]),
    ("SET('x', 'y')", &[("'x,y'", "'y,x'"), ("''", "''")]),
    ("DOUBLE", &[("0.1", "0.1"), ("1e300", "1e300"), ("5e-324", "5e-324")]),
    ("YEAR", &[("1901", "1901"), ("2155", "2155")]),
];

/// Values that are equal to their database although they do not look it, and others that literals do not carry.
const SQLITE_ODD: &[Case] = &[("REAL", &[("-9e999", "-9e999"), ("9e999", "9e999")])];
const POSTGRES_ODD: &[Case] = &[
    ("TEXT COLLATE folds", &[("'Abc'", "'aBC'"), ("'z'", "'Z'")]),
    ("INTERVAL", &[("'1 mon'", "'30 days'")]),
    ("DOUBLE PRECISION", &[("'-0'", "0")]),
    ("JSONB", &[("'{\"a\": 1}'", "'{\"a\": 1.0}'")]),
];
const MYSQL_ODD: &[Case] = &[
    ("VARCHAR(40) COLLATE utf8mb4_unicode_ci", &[("'Straße'", "'STRASSE'"), ("'œ'", "'OE'")]),
    (
        "BIT(37)",
        &[("b'1011010110101101011010110101101011011'", "b'1011010110101101011010110101101011011'"), ("b'0'", "b'0'")],
    ),
];

/// A pair of tables for each case: parents with a number, children with a number and a reference.
fn script(engine: EngineKind, cases: &[Case]) -> String {
    let mut text = match engine {
        EngineKind::Postgres => {
            "CREATE EXTENSION IF NOT EXISTS citext; CREATE TYPE mood AS ENUM ('ok', 'odd one', 'it''s');
            CREATE COLLATION folds (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
                .to_owned()
        }
        EngineKind::Sqlite => String::new(),
        EngineKind::Mysql | EngineKind::Mariadb => "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';".to_owned(),
    };
    for (at, (kind, values)) in cases.iter().enumerate() {
        let tail = if engine == EngineKind::Sqlite && at % 2 == 1 { " WITHOUT ROWID" } else { "" };
        writeln!(text, "CREATE TABLE p{at} (k {kind} NOT NULL PRIMARY KEY, n INTEGER NOT NULL){tail};").unwrap();
        writeln!(
            text,
            "CREATE TABLE c{at} (n INTEGER NOT NULL PRIMARY KEY, r {kind}, FOREIGN KEY (r) REFERENCES p{at} (k));"
        )
        .unwrap();
        for (n, (own, other)) in values.iter().enumerate() {
            writeln!(
                text,
                "INSERT INTO p{at} (k, n) VALUES ({own}, {n}); INSERT INTO c{at} (n, r) VALUES ({n}, {other});"
            )
            .unwrap();
        }
        writeln!(text, "INSERT INTO c{at} (n, r) VALUES (99, NULL);").unwrap();
    }
    text
}

/// By table.
type Numbers = Vec<(String, Vec<usize>)>;

/// The values of `n` in every table of a snapshot; says as well what the proof of closure finds wrong.
fn numbers(given: &Given, policy: &str) -> Result<(Numbers, Option<String>), String> {
    let snapshot = given.capture(policy, "s", 2).map_err(|error| format!("{error} {:?}", error.causes()))?;
    let closure = &snapshot.manifest.results.closure;
    let said = closure.references.iter().find(|said| said.dangling > 0);
    let said = said.map(|said| format!("{}: {} of {} rows dangle", said.reference, said.dangling, said.rows));
    let said = said.or_else(|| (!closure.dangling.is_empty()).then(|| format!("{:?} dangle", closure.dangling)));
    let rows = snapshot_rows(&given.repository, &snapshot.manifest);
    let tables = snapshot.manifest.tables.iter().map(|entry| {
        let at = entry.columns.iter().position(|name| name == "n").unwrap();
        let number = |row: &crate::run::subset_testing::Row| {
            std::str::from_utf8(row[at].as_deref().unwrap()).unwrap().parse().unwrap()
        };
        let mut numbers: Vec<usize> = rows[&entry.table].iter().map(number).collect();
        numbers.sort_unstable();
        (entry.table.name.clone(), numbers)
    });
    Ok((tables.collect(), said))
}

fn every_key(engine: EngineKind, cases: &[Case]) {
    let mut faults = Vec::new();
    let mut given = given(engine, &script(engine, cases));
    for (at, (kind, values)) in cases.iter().enumerate() {
        for wanted in 0..values.len() {
            for from in ["c", "p"] {
                given.forget();
                let subset = format!("[[subset.roots]]\ntable = \"{from}{at}\"\nwhere = \"n = {wanted}\"");
                let place = format!("{kind}, value {wanted}, from {from}");
                match numbers(&given, &toml(&given.place, &subset)) {
                    Err(fault) => faults.push(format!("{place}: {fault}")),
                    Ok((found, said)) => {
                        faults.extend(said.map(|said| format!("{place}: the manifest says: {said}")));
                        for table in ["c", "p"] {
                            let (_, found) = found.iter().find(|(name, _)| *name == format!("{table}{at}")).unwrap();
                            if *found != [wanted] {
                                faults.push(format!("{place}: in {table}: rows {found:?}"));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "on {engine}:\n{}", faults.join("\n"));
}

#[test]
fn every_type_of_key_on_sqlite() {
    every_key(EngineKind::Sqlite, SQLITE);
}

#[test]
fn every_type_of_key_on_postgresql() {
    every_key(EngineKind::Postgres, POSTGRES);
}

#[test]
fn every_type_of_key_on_mariadb() {
    let uuid: Case = ("UUID", &[("'00112233-4455-6677-8899-aabbccddeeff'", "'00112233-4455-6677-8899-AABBCCDDEEFF'")]);
    every_key(EngineKind::Mariadb, &[MYSQL, &[uuid]].concat());
}

#[test]
fn every_type_of_key_on_mysql() {
    let new: Case =
        ("VARCHAR(40) COLLATE utf8mb4_0900_ai_ci", &[("'Ärger'", "'aRGER'"), ("'b'", "'B'"), ("'b '", "'B '")]);
    every_key(EngineKind::Mysql, &[MYSQL, &[new]].concat());
}

#[test]
fn odd_keys_on_sqlite() {
    every_key(EngineKind::Sqlite, SQLITE_ODD);
}

#[test]
fn odd_keys_on_postgresql() {
    every_key(EngineKind::Postgres, POSTGRES_ODD);
}

#[test]
fn odd_keys_on_mariadb() {
    every_key(EngineKind::Mariadb, MYSQL_ODD);
}

#[test]
fn odd_keys_on_mysql() {
    let new: Case = ("VARCHAR(40) COLLATE utf8mb4_0900_ai_ci", &[("'Straße'", "'STRASSE'"), ("'z'", "'Z'")]);
    every_key(EngineKind::Mysql, &[MYSQL_ODD, &[new]].concat());
}

/// Keys of several columns of different types, and references to what is unique but no key.
#[test]
fn keys_of_several_types_at_once() {
    for (engine, blob, text) in [
        (EngineKind::Sqlite, "BLOB", "TEXT COLLATE NOCASE"),
        (EngineKind::Postgres, "BYTEA", "TEXT"),
        (EngineKind::Mariadb, "VARBINARY(9)", "VARCHAR(20)"),
    ] {
        let bytes =
            |hex: &str| if engine == EngineKind::Postgres { format!("'\\x{hex}'") } else { format!("x'{hex}'") };
        let (a, b) = (bytes("00ff5c"), bytes("0a"));
        let upper = if engine == EngineKind::Postgres { "q'x" } else { "Q'x" }.replace('\'', "''");
        let script = format!(
            "CREATE TABLE p (k {blob} NOT NULL, t {text} NOT NULL, d DATE NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (t, k), UNIQUE (d, n));
             CREATE TABLE c (n INTEGER NOT NULL PRIMARY KEY, k {blob}, t {text}, d DATE, m INTEGER,
                FOREIGN KEY (t, k) REFERENCES p (t, k), FOREIGN KEY (d, m) REFERENCES p (d, n));
             INSERT INTO p VALUES ({a}, 'q''x', '2024-01-01', 0), ({b}, 'q''x', '2024-01-01', 1), ({a}, '', '2024-01-02', 2), ({b}, '', '2024-01-03', 3);
             INSERT INTO c VALUES (0, {a}, '{upper}', NULL, 1), (1, {b}, NULL, '2024-01-01', 1), (2, NULL, '', '2024-01-02', 2),
                (3, {b}, '', '2024-01-01', 0), (4, NULL, NULL, NULL, NULL);"
        );
        let given = given(engine, &script);
        for (keys, parents) in [("0", vec![0]), ("1", vec![1]), ("2", vec![2]), ("3", vec![0, 3]), ("4", vec![])] {
            let subset = format!("[[subset.roots]]\ntable = \"c\"\nwhere = \"n = {keys}\"");
            let (found, said) = numbers(&given, &toml(&given.place, &subset)).unwrap();
            assert_eq!(said, None, "{engine}: child {keys}");
            assert_eq!(found[1].1, parents, "{engine}: child {keys}");
        }
        let subset = "[[subset.roots]]\ntable = \"p\"\nwhere = \"n = 0\"";
        let (found, said) = numbers(&given, &toml(&given.place, subset)).unwrap();
        assert_eq!(said, None, "{engine}");
        assert_eq!(found[0].1, [0, 3], "{engine}");
    }
}
