//! Random schemas with random rows: capture, restore and roll back are exact.

use crate::inside::{self, capture, digest, keep_all, restore, restore_options, rollback};
use crate::support::{Random, dump, sql};
use rusqlite::Connection;
use std::fmt::Write as _;

const TYPES: [&str; 9] =
    ["INTEGER", "TEXT", "REAL", "BLOB", "", "DECIMAL(10,2)", "VARCHAR(20)", "DATETIME", "TEXT COLLATE NOCASE"];
const NAMES: [&str; 8] = ["plain", "Mixed Case", "select", "emoji 🌿", "quo\"te", "semi;colon", "tab\\slash", "ÄÖ"];

/// A random schema of up to five tables that reference one another, themselves, and later ones.
fn schema(random: &mut Random) -> (String, Vec<(String, usize)>) {
    let tables = 1 + random.below(5) as usize;
    let mut text = String::new();
    let mut shapes = Vec::new();
    for at in 0..tables {
        let name = format!("{}{at}", NAMES[random.below(8) as usize]).replace('"', "\"\"");
        let columns = 1 + random.below(5) as usize;
        let mut parts = Vec::new();
        let key = random.below(5);
        for column in 0..columns {
            let kind = if key == 1 && column == 0 { "INTEGER" } else { TYPES[random.below(9) as usize] };
            let mut part = format!("\"c {column}\" {kind}");
            if key == 1 && column == 0 {
                part += " PRIMARY KEY";
                part += if random.below(2) == 0 { " AUTOINCREMENT" } else { "" };
            }
            parts.push(part);
        }
        parts.push("ref INTEGER".into());
        if random.below(3) == 0 {
            parts.push("made TEXT GENERATED ALWAYS AS (typeof(ref)) VIRTUAL".into());
        }
        let mut tail = "";
        match key {
            2 => parts.push("PRIMARY KEY (\"c 0\", ref)".into()),
            3 => {
                parts.push("PRIMARY KEY (ref, \"c 0\")".into());
                tail = " WITHOUT ROWID";
            }
            _ => {}
        }
        if random.below(4) == 0 {
            parts.push("UNIQUE (ref, \"c 0\")".into());
        }
        writeln!(text, "CREATE TABLE \"{name}\" ({}){tail};", parts.join(", ")).unwrap();
        if random.below(3) == 0 {
            writeln!(text, "CREATE INDEX \"i {at}\" ON \"{name}\" (ref);").unwrap();
        }
        shapes.push((name, columns));
    }
    (text, shapes)
}

fn value(random: &mut Random) -> String {
    match random.below(14) {
        0 => "NULL".into(),
        1 => "''".into(),
        2 => format!("{}", random.next() as i64),
        3 => format!("{}", random.below(5)),
        4 => format!("{:?}", f64::from_bits(random.next() & 0x7fef_ffff_ffff_ffff)),
        5 => "9e999".into(),
        6 => "'12'".into(),
        7 => "' 1.50 '".into(),
        8 => format!("x'{:016x}'", random.next()),
        9 => "'tab\there\\n, \"q\", 🌿'".into(),
        10 => "'line\nbreak\r\n\\N'".into(),
        11 => "CAST(x'ff00fe' AS TEXT)".into(),
        12 => "'\\x6162'".into(),
        _ => format!("'text {}'", random.below(1000)),
    }
}

#[test]
fn capture_and_restore_are_exact_on_random_schemas() {
    let folder = tempfile::tempdir().unwrap();
    let member = inside::new_store("roundtrip");
    let repository = inside::repository("roundtrip", &member);
    for seed in 0..120 {
        let mut random = Random(seed);
        let (source, target) = (folder.path().join(format!("s{seed}")), folder.path().join(format!("t{seed}")));
        let (text, shapes) = schema(&mut random);
        sql(&source, &text);
        let connection = Connection::open(&source).unwrap();
        connection.execute_batch("BEGIN").unwrap();
        for (name, columns) in &shapes {
            for _ in 0..random.below(40) {
                let cells: Vec<String> = (0..*columns).map(|_| value(&mut random)).collect();
                let names: Vec<String> = (0..*columns).map(|at| format!("\"c {at}\"")).collect();
                let insert = format!(
                    "INSERT OR IGNORE INTO \"{name}\" ({}, ref) VALUES ({}, {})",
                    names.join(", "),
                    cells.join(", "),
                    random.below(100)
                );
                // A value that an integer key cannot hold is refused by the database; then there is one row less.
                connection.execute_batch(&insert).unwrap_or_default();
            }
        }
        connection.execute_batch("COMMIT").unwrap();
        drop(connection);
        let name = format!("n{seed}");
        capture(&repository, &source, &name, &keep_all(&source)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        restore(&repository, &name, &target, &restore_options()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(digest(&target), digest(&source), "seed {seed}:\n{text}");
        assert!(restore(&repository, &name, &target, &restore_options()).unwrap().unchanged, "seed {seed}");
        rollback(&target, None, false).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(!dump(&target).contains("table|"), "seed {seed}: something stayed");
    }
}

#[test]
fn a_cycle_and_a_self_reference_travel() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("s"), folder.path().join("t"));
    sql(
        &source,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b_id INTEGER REFERENCES b, up INTEGER REFERENCES a);
         CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER NOT NULL REFERENCES a);
         INSERT INTO a VALUES (1, NULL, NULL), (2, NULL, 1); INSERT INTO b VALUES (1, 1), (2, 2);
         UPDATE a SET b_id = 3 - id;",
    );
    let member = inside::new_store("cycle");
    let repository = inside::repository("cycle", &member);
    capture(&repository, &source, "s", &keep_all(&source)).unwrap();
    restore(&repository, "s", &target, &restore_options()).unwrap();
    assert_eq!(digest(&target), digest(&source));
    rollback(&target, None, false).unwrap();
    assert!(!dump(&target).contains("table|"));
}

#[test]
fn odd_databases_travel() {
    let folder = tempfile::tempdir().unwrap();
    let member = inside::new_store("odd");
    let repository = inside::repository("odd", &member);
    let wide: Vec<String> = (0..1000).map(|at| format!("c{at} INTEGER DEFAULT {at}")).collect();
    let mut many = String::new();
    for at in 0..300 {
        write!(many, "CREATE TABLE t{at} (x); INSERT INTO t{at} VALUES ({at});").unwrap();
    }
    let cases = [
        ("empty", String::new()),
        ("utf16", "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('ä🌿')".into()),
        ("settings", "PRAGMA user_version = 42; PRAGMA application_id = 77; CREATE TABLE t (x)".into()),
        ("wide", format!("CREATE TABLE t ({}); INSERT INTO t DEFAULT VALUES", wide.join(", "))),
        (
            "huge",
            "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(20000000)), (1), (hex(randomblob(2000000)))".into(),
        ),
        (
            "strict",
            "CREATE TABLE t (i INT, a ANY, b BLOB) STRICT; INSERT INTO t VALUES (1, '1', x'00'), (2, 1, x'')".into(),
        ),
        ("many", many),
        (
            "objects",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT CHECK (length(x) > 0));
             CREATE UNIQUE INDEX u ON t (lower(x)) WHERE x <> 'y';
             CREATE VIEW v AS SELECT x FROM t; CREATE VIEW w AS SELECT * FROM v;
             CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET x = 'changed' WHERE id = new.id; END;
             CREATE TRIGGER iv INSTEAD OF INSERT ON v BEGIN INSERT INTO t (x) VALUES (new.x); END;
             INSERT INTO t (x) VALUES ('one');"
                .into(),
        ),
    ];
    for (name, text) in cases {
        let (source, target) = (folder.path().join(format!("{name}.s")), folder.path().join(format!("{name}.t")));
        sql(&source, &text);
        capture(&repository, &source, name, &keep_all(&source)).unwrap_or_else(|error| panic!("{name}: {error}"));
        restore(&repository, name, &target, &restore_options()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(digest(&target), digest(&source), "{name}");
        if let Err(error) = rollback(&target, None, false) {
            panic!("{name}: {error}");
        }
        assert!(!dump(&target).contains("table|"), "{name}");
    }
}
