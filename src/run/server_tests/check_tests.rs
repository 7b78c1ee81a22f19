//! What is worked out of a CHECK without a server is what the server says, for conditions as it renders them itself.

use super::testing::{Server, on_every_server, source};
use crate::event::Cancel;
use crate::generate::check::{Check, Truth, ask, of_table};
use crate::generate::draw::Draw;
use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, EngineKind, Family};

on_every_server!(a_condition_is_worked_out_as_the_server_would, what_is_an_error_there_is_not_answered);

const POSTGRES: &str = "CREATE DOMAIN zip AS text CHECK (VALUE ~ '^[0-9]{5}$'); CREATE TABLE t (i integer, j bigint, n numeric(10,2), \
    r double precision, s text, v varchar(20), p char(6), f boolean, d date, e date, m timestamp, o jsonb, z zip";
const MYSQL: &str = "CREATE TABLE t (i int, j bigint, n decimal(10,2), r double, s text, v varchar(20), \
    p varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, f tinyint(1), d date, e date, m datetime, o json, z varchar(9)";

/// Conditions that every server takes.
const EVERYWHERE: &[&str] = &[
    "i > 0",
    "i BETWEEN -1 AND j",
    "NOT (i = 3 OR j = 4)",
    "i IN (1, 2, 3, NULL)",
    "i NOT IN (1, 2)",
    "n >= 0.5 AND n < 10",
    "n * 2 = i",
    "n - 1 > j / 2",
    "n / 3 > 1",
    "i % 2 = 0",
    "i + j <= 5",
    "abs(i) < 3",
    "r > 1.5",
    "r = n",
    "v IN ('ab', 'Ab', 'x')",
    "v = s",
    "v <> ''",
    "v LIKE 'a%'",
    "v NOT LIKE '%_b'",
    "p = 'ab'",
    "p LIKE 'A%'",
    "char_length(v) > 1",
    "octet_length(v) < 4",
    "char_length(trim(v)) > 0",
    "lower(v) = v",
    "upper(p) = p",
    "substring(v, 1, 1) = 'a'",
    "concat(v, 'x') = 'abx'",
    "replace(p, 'a', 'b') = 'bb'",
    "coalesce(i, 0) > 1",
    "nullif(i, 1) IS NULL",
    "greatest(i, j) < 4",
    "least(i, 2) = i",
    "(i IS NULL) <> (j IS NULL)",
    "i IS NULL OR j IS NOT NULL",
    "CASE WHEN i > 0 THEN j ELSE 3 END > 2",
    "NOT f",
    "f IS TRUE",
    "f IS NOT FALSE OR i = 1",
    "d < e",
    "d >= '2025-01-10'",
    "m >= '2025-01-10 12:00:00'",
    "m > d",
    "e >= d + INTERVAL '3' DAY",
    "e < d + INTERVAL '1' MONTH",
    "extract(year FROM d) = 2025",
    "extract(month FROM m) IN (1, 2)",
    "position('b' IN v) > 0",
    "(i, j) = (1, 2)",
    "(i, v) IN ((1, 'ab'), (2, 'x'))",
    "round(n) = i",
    "floor(n) <= i",
    "sign(i) = 1",
];
const ON_POSTGRES: &[&str] = &[
    "v ~ '^[a-z]+$'",
    "v !~* '^a'",
    "v ILIKE 'a%'",
    "v SIMILAR TO '(a|x)%'",
    "num_nonnulls(i, j, v) = 2",
    "i IS DISTINCT FROM j",
    "i / 2 = 1",
    "e - d <= 10",
    "s || v <> 'abab'",
    "jsonb_typeof(o) = 'object'",
    "o ? 'a'",
    "o ->> 'a' = '1'",
    "p || 'x' = 'abx'",
    "length(p) = 2",
    "date_part('dow', d) = 3",
    "starts_with(v, 'a')",
    "v COLLATE \"C\" < 'b'",
    "m::date = d",
    "i::text = '1'",
    "btrim(v, 'ab') = ''",
    "CASE WHEN i > 0 THEN j > 0 WHEN v = 'x' THEN f ELSE n > 1 END",
    "f",
    "m - make_interval(days => 1) < m",
];
const ON_MYSQL: &[&str] = &[
    "v REGEXP '^[a-z]+$'",
    "i <=> j",
    "i XOR j",
    "i DIV 2 = 1",
    "instr(v, 'B') > 0",
    "json_valid(o)",
    "json_type(o) = 'OBJECT'",
    "datediff(e, d) <= 10",
    "timestampdiff(MONTH, d, e) >= 1",
    "year(d) = 2025 AND dayofweek(d) <> 1",
    "if(i > 1, j, i) = 2",
    "mod(i, 3) = 1",
    "ifnull(i, 5) > 3",
    "v COLLATE utf8mb4_bin = 'ab'",
    "left(v, 1) = 'A'",
    "CAST(v AS CHAR(1)) = 'a'",
    "soundex(v) <> ''",
];

fn cell(draw: &mut Draw, column: &Column) -> Value {
    if draw.chance(0.15) {
        return Value::Null;
    }
    let texts: &[&str] = match column.name.as_str() {
        "z" => &["12345"],
        "o" => &["{\"a\": 1}", "[1]", "\"a\"", "{}"],
        _ => &["", "a", "ab", "Ab", "AB", "x", "ab ", "aab", "é"],
    };
    match (column.name.as_str(), column.family) {
        ("f", _) => Value::Boolean(draw.chance(0.5)),
        ("o", _) | (_, Family::Text) => Value::text(*draw.pick(texts)),
        (_, Family::Integer) => Value::whole(draw.between(-3, 6)),
        (_, Family::Numeric) => Value::Number(Number::new(draw.between(-300, 1200), 2)),
        (_, Family::Real) => Value::Real(draw.unit().mul_add(8.0, -2.0)),
        (_, Family::Date) => Value::Date(i32::try_from(draw.between(20_088, 20_130)).unwrap()),
        _ => Value::Timestamp(i64::try_from(draw.between(1_735_600_000, 1_739_000_000)).unwrap() * 1_000_000),
    }
}

/// A database with a table of every condition, and its checks.
fn conditions(server: &Server, own: &[&str]) -> String {
    let start = if server.kind == EngineKind::Postgres { POSTGRES } else { MYSQL };
    let all = EVERYWHERE.iter().chain(own);
    let lines = all.enumerate().map(|(at, text)| format!(", CONSTRAINT \"c{at}\" CHECK ({text})"));
    let lines: String = lines.collect();
    let lines = if server.kind == EngineKind::Postgres { lines } else { lines.replace('"', "`") };
    server.with(&format!("{start}{lines});"))
}

fn a_condition_is_worked_out_as_the_server_would(server: &Server) {
    let own = if server.kind == EngineKind::Postgres { ON_POSTGRES } else { ON_MYSQL };
    // MariaDB's JSON is a text, whose check comes too.
    let mut reader = source(&conditions(server, own), &Cancel::default()).unwrap();
    let catalogue = reader.catalogue().unwrap();
    let table = &catalogue.tables[0];
    let checks = of_table(&catalogue, table);
    assert!(checks.len() >= EVERYWHERE.len() + own.len(), "{} checks", checks.len());
    let unread: Vec<&str> =
        checks.iter().filter(|check| check.predicate.is_err()).map(|check| check.text.as_str()).collect();
    // The last one is there to be asked about.
    assert!(unread.len() <= 1, "{unread:?}");
    let mut draw = Draw::of(7);
    let rows: Vec<Vec<Option<Value>>> =
        (0..80).map(|_| table.columns.iter().map(|column| Some(cell(&mut draw, column))).collect()).collect();
    let all: Vec<&Check> = checks.iter().collect();
    let asked = ask(reader.as_mut(), table, &all, &rows).unwrap();
    let (mut certain, mut differ) = (0, Vec::new());
    for (check, asked) in checks.iter().zip(&asked) {
        let unasked = asked.iter().filter(|truth| **truth == Truth::Cannot).count();
        if unasked > 0 {
            differ.push(format!("{} cannot be asked for {unasked} rows", check.text));
        }
        let Ok(predicate) = &check.predicate else { continue };
        for (row, theirs) in rows.iter().zip(asked) {
            match predicate.holds(row) {
                Truth::Cannot => {}
                ours if ours == *theirs => certain += 1,
                ours => differ.push(format!("{}: {ours:?} here, {theirs:?} there", check.text)),
            }
        }
    }
    differ.dedup();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    let most = checks.len() * rows.len();
    assert!(certain * 10 > most * 8, "only {certain} of {most} outcomes are certain");
}

fn what_is_an_error_there_is_not_answered(server: &Server) {
    // Division by zero is an error, or NULL.
    let mut reader =
        source(&server.with("CREATE TABLE t (i int, j int, CONSTRAINT c CHECK (i / j > 1));"), &Cancel::default())
            .unwrap();
    let catalogue = reader.catalogue().unwrap();
    let checks = of_table(&catalogue, &catalogue.tables[0]);
    let row = |i: i32, j: i32| vec![Some(Value::whole(i)), Some(Value::whole(j))];
    let rows = [row(4, 2), row(1, 0), row(1, 2), row(2, 0), vec![Some(Value::whole(1)), None]];
    let asked = ask(reader.as_mut(), &catalogue.tables[0], &[&checks[0]], &rows).unwrap();
    let zero = if server.kind == EngineKind::Postgres { Truth::Cannot } else { Truth::Unknown };
    assert_eq!(asked, [vec![Truth::True, zero, Truth::False, zero, Truth::Cannot]]);
    // The reader is as good as before.
    assert_eq!(reader.catalogue().unwrap().tables.len(), 1);
}
