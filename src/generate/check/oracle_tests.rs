//! Random conditions: worked out here and by SQLite, which must agree; and solved here, which must agree with trying every row.

use super::draft::order;
use super::tests::catalogue;
use super::*;
use crate::generate::draw::Draw;
use crate::generate::restriction::{Case, Op, Restriction};
use crate::generate::value::Number;
use crate::model::schema::EngineKind;
use proptest::prelude::*;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};

const COLUMNS: &[&str] = &[
    "i INTEGER?",
    "j INT?",
    "r REAL?",
    "n NUMERIC?",
    "t TEXT?",
    "c VARCHAR(9)?",
    "d DATE?",
    "m TIMESTAMP?",
    "f BOOLEAN?",
    "x ?",
];

/// A random condition over these columns, in SQLite's words.
struct Words {
    draw: Draw,
}

impl Words {
    fn one(&mut self, words: &[&str]) -> String {
        (*self.draw.pick(words)).to_owned()
    }

    fn condition(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.draw.below(6) {
                0 => format!("{} IS {}NULL", self.one(&["i", "t", "d", "f"]), self.one(&["", "NOT "])),
                1 => self.one(&["f", "NOT f", "f = 1", "f IS TRUE", "i IS NOT FALSE", "TRUE", "NULL", "j"]),
                2 => format!("{} {} {}", self.number(0), self.comparison(), self.number(0)),
                3 => format!("{} {} {}", self.text(0), self.comparison(), self.text(0)),
                4 => self.pattern(),
                _ => {
                    let (value, comparison) = (self.any(0), self.comparison());
                    format!("{value} {comparison} {}", self.any(0))
                }
            };
        }
        let deeper = depth - 1;
        match self.draw.below(14) {
            0 | 1 => format!("({} AND {})", self.condition(deeper), self.condition(deeper)),
            2 | 3 => format!("({} OR {} OR {})", self.condition(deeper), self.condition(deeper), self.condition(0)),
            4 => format!("NOT ({})", self.condition(deeper)),
            5 => format!(
                "({}) IS {}{}",
                self.condition(deeper),
                self.one(&["", "NOT "]),
                self.one(&["TRUE", "FALSE", "NULL"])
            ),
            6 => format!(
                "{} {}IN ({}, {}, {})",
                self.any(deeper),
                self.one(&["", "NOT "]),
                self.any(0),
                self.any(0),
                self.any(0)
            ),
            7 => format!(
                "{} {}BETWEEN {} AND {}",
                self.number(deeper),
                self.one(&["", "NOT "]),
                self.number(0),
                self.number(0)
            ),
            8 => format!(
                "CASE WHEN {} THEN {} ELSE {} END",
                self.condition(deeper),
                self.condition(0),
                self.condition(0)
            ),
            9 => format!("{} IS {}DISTINCT FROM {}", self.any(deeper), self.one(&["", "NOT "]), self.any(deeper)),
            10 => format!("coalesce({}, {})", self.condition(deeper), self.one(&["0", "1"])),
            11 => format!("({}) <> ({})", self.condition(deeper), self.condition(deeper)),
            12 => format!("{} {} {}", self.text(deeper), self.comparison(), self.text(deeper)),
            _ => format!("{} {} {}", self.number(deeper), self.comparison(), self.number(deeper)),
        }
    }

    fn comparison(&mut self) -> String {
        self.one(&["=", "<>", "<", "<=", ">", ">=", "=="])
    }

    fn pattern(&mut self) -> String {
        let (text, not) = (self.text(0), self.one(&["", "NOT "]));
        match self.draw.below(4) {
            0 => format!("{text} {not}LIKE {}", self.one(&["'a%'", "'%B'", "'_b%'", "'a.c'", "'é%'", "'%'"])),
            1 => format!("{text} {not}LIKE {} ESCAPE '!'", self.one(&["'a!%'", "'%!_b'", "'!!%'"])),
            2 => format!("{text} GLOB {}", self.one(&["'a*'", "'[a-c]?'", "'[^a]*'", "'*b'", "'2025-*'"])),
            _ => format!("instr({text}, {}) > 0", self.one(&["'a'", "'-'", "'é'"])),
        }
    }

    fn any(&mut self, depth: u32) -> String {
        match self.draw.below(5) {
            0 | 1 => self.number(depth),
            2 | 3 => self.text(depth),
            _ => self.one(&["x", "NULL", "d", "m", "n", "'5'", "'1e1'"]),
        }
    }

    fn number(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.one(&["i", "j", "r", "n", "0", "1", "-1", "2", "10", "2.5", "-0.5", "1e2", "7"]);
        }
        let (one, other) = (self.number(depth - 1), self.number(depth - 1));
        match self.draw.below(12) {
            0 => format!("({one} + {other})"),
            1 => format!("({one} - {other})"),
            2 => format!("({one} * {other})"),
            3 => format!("({one} / {other})"),
            4 => format!("({one} % {other})"),
            5 => format!("-({one})"),
            6 => format!("abs({one})"),
            7 => format!("{}({})", self.one(&["length", "octet_length"]), self.text(depth - 1)),
            8 => format!("coalesce({one}, {other})"),
            9 => format!("{}({one}, {other})", self.one(&["max", "min", "nullif"])),
            10 => format!(
                "CAST({} AS {})",
                self.one(&["i", "'12'", "r", "n"]),
                self.one(&["INTEGER", "REAL", "TEXT", "NUMERIC"])
            ),
            _ => format!("(CASE WHEN {} THEN {one} ELSE {other} END)", self.condition(0)),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.one(&["t", "c", "t", "''", "'a'", "'ab'", "'Ab '", "'é'", "'2025-01-31'", "d", "'10'"]);
        }
        let (one, other) = (self.text(depth - 1), self.text(depth - 1));
        match self.draw.below(10) {
            0 => format!("({one} || {other})"),
            1 => format!("{}({one})", self.one(&["lower", "upper", "trim", "ltrim", "rtrim"])),
            2 => format!("substr({one}, {})", self.one(&["1", "2", "-2", "1, 1", "2, 3", "-1, 1"])),
            3 => format!("replace({one}, 'a', {other})"),
            4 => format!("trim({one}, 'ab')"),
            5 => format!("typeof({})", self.any(depth - 1)),
            6 => self.one(&["date(d)", "date(d, '+3 days')", "date(m)", "strftime('%Y-%m', d)", "strftime('%H', m)"]),
            7 => format!("({one}) COLLATE {}", self.one(&["NOCASE", "BINARY", "RTRIM"])),
            8 => format!("ifnull({one}, {other})"),
            _ => format!("CAST({} AS TEXT)", self.one(&["i", "t", "d"])),
        }
    }
}

fn cell(draw: &mut Draw, column: &crate::model::schema::Column) -> Value {
    use crate::model::schema::Family;
    if draw.chance(0.15) {
        return Value::Null;
    }
    match column.family {
        Family::Integer => Value::whole(draw.between(-3, 12)),
        Family::Real => Value::Real(f64::from(i32::try_from(draw.between(-6, 20)).unwrap()) / 2.0),
        Family::Numeric => Value::Number(Number::new(draw.between(-500, 1500), 2)),
        Family::Text => {
            Value::text(*draw.pick(&["", "a", "A", "ab", "Ab ", "b a", "é", "10", "5.0", "2025-01-31", "zz"]))
        }
        Family::Date => Value::Date(i32::try_from(draw.between(20_000, 20_100)).unwrap()),
        Family::Timestamp => {
            Value::Timestamp(i64::try_from(draw.between(1_735_000_000, 1_740_000_000)).unwrap() * 1_000_000)
        }
        Family::Boolean => Value::Boolean(draw.chance(0.5)),
        _ => draw.pick(&[Value::whole(5), Value::text("5"), Value::Real(2.5), Value::Bytes(vec![1, 2])]).clone(),
    }
}

fn stored(value: &Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Number(number) => match number.rounded(0).filter(|whole| whole == number) {
            Some(whole) => Stored::Integer(i64::try_from(whole.units).unwrap()),
            None => Stored::Real(number.real()),
        },
        Value::Real(real) => Stored::Real(*real),
        Value::Text(text) => Stored::Text(text.clone()),
        Value::Bytes(bytes) => Stored::Blob(bytes.clone()),
        Value::Boolean(flag) => Stored::Integer((*flag).into()),
        Value::Date(date) => Stored::Text(super::time::show_date((*date).into())),
        Value::Time(micros) => Stored::Text(super::time::show_time(*micros)),
        Value::Timestamp(micros) => Stored::Text(super::time::show_timestamp(*micros)),
    }
}

/// How many outcomes were certain, and how many not.
type Count = (u32, u32);

/// Works out random conditions for random rows, here and by SQLite.
fn agree(seed: u64) -> Result<Count, String> {
    let mut words = Words { draw: Draw::of(seed) };
    let texts: Vec<String> = (0..8).map(|at| words.condition(at % 4)).collect();
    let mut catalogue = catalogue(EngineKind::Sqlite, COLUMNS, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    catalogue.tables[0].columns[5].collation = Some("NOCASE".to_owned());
    let table = &catalogue.tables[0];
    let checks = of_table(&catalogue, table);
    assert_eq!(checks.len(), texts.len());
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch("CREATE TABLE t (i INTEGER, j INT, r REAL, n NUMERIC, t TEXT, c VARCHAR(9) COLLATE NOCASE, d DATE, m TIMESTAMP, f BOOLEAN, x)")
        .unwrap();
    let mut draw = Draw::of(seed ^ 1);
    let mut count = (0, 0);
    for _ in 0..6 {
        let cells: Vec<Option<Value>> = table.columns.iter().map(|column| Some(cell(&mut draw, column))).collect();
        database.execute("DELETE FROM t", []).unwrap();
        let row = cells.iter().flatten().map(stored);
        database.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", params_from_iter(row)).unwrap();
        for (check, text) in checks.iter().zip(&texts) {
            let predicate = check.predicate.as_ref().map_err(|why| format!("{text}: {why}"))?;
            let own = predicate.holds(&cells);
            let asked = format!("SELECT CASE WHEN {text} THEN 1 WHEN NOT ({text}) THEN 0 END FROM t");
            let theirs = match database.query_row(&asked, [], |row| row.get::<_, Option<i64>>(0)) {
                Ok(Some(1)) => Truth::True,
                Ok(Some(_)) => Truth::False,
                Ok(None) => Truth::Unknown,
                Err(_) => Truth::Cannot,
            };
            match own {
                Truth::Cannot => count.1 += 1,
                own if own == theirs => count.0 += 1,
                own => {
                    return Err(format!(
                        "{text}: {own:?} here, {theirs:?} there, for {:?}",
                        cells.iter().flatten().map(stored).collect::<Vec<_>>()
                    ));
                }
            }
        }
    }
    Ok(count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn sqlite_says_the_same(seed: u64) {
        if let Err(what) = agree(seed) {
            return Err(TestCaseError::fail(what));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn what_is_solved_is_satisfied_and_what_can_be_is_solved(seed: u64) {
        solved(seed).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn most_outcomes_are_certain() {
    let counts: Vec<Count> = (0..50).filter_map(|seed| agree(seed).ok()).collect();
    let (certain, not) = counts.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    assert!(certain > not * 9, "{certain} {not}");
}

/// A random condition over `a`, `b`, `c`, which are whole numbers, and the text `s`.
fn small(draw: &mut Draw, depth: u32) -> String {
    let number = |draw: &mut Draw| (*draw.pick(&["a", "b", "c"])).to_owned();
    let text = |draw: &mut Draw, words: &[&str]| (*draw.pick(words)).to_owned();
    let comparison = |draw: &mut Draw| text(draw, &["=", "<>", "<", "<=", ">", ">="]);
    let constant = |draw: &mut Draw| draw.between(-2, 4).to_string();
    if depth == 0 {
        return match draw.below(16) {
            0 => format!("{} IS {}NULL", text(draw, &["a", "b", "s"]), text(draw, &["", "NOT "])),
            1 | 2 => format!("{} {} {}", number(draw), comparison(draw), constant(draw)),
            3 => format!("{} {} {}", number(draw), comparison(draw), number(draw)),
            4 => format!("{} BETWEEN {} AND {}", number(draw), constant(draw), constant(draw)),
            5 => format!("s {} '{}'", text(draw, &["=", "<>"]), text(draw, &["x", "y", "zz"])),
            6 => format!("s {}IN ('x', 'y')", text(draw, &["", "NOT "])),
            7 => format!("length(s) {} {}", comparison(draw), draw.between(0, 3)),
            8 => format!("s LIKE '{}'", text(draw, &["x%", "%z", "_", "%"])),
            9 => format!(
                "num_nonnulls({}, s) {} {}",
                text(draw, &["a, b", "a"]),
                text(draw, &["=", ">=", "<"]),
                draw.between(1, 2)
            ),
            10 => format!("(a IS NULL) {} (s IS NULL)", text(draw, &["=", "<>"])),
            11 => format!(
                "{} IS {}DISTINCT FROM {}",
                number(draw),
                text(draw, &["", "NOT "]),
                text(draw, &["1", "b", "NULL"])
            ),
            12 => format!("a + b {} {}", text(draw, &["=", "<=", ">"]), text(draw, &["3", "c", "0"])),
            13 => format!("{} * 2 {} {}", number(draw), comparison(draw), text(draw, &["3", "c", "4"])),
            14 => format!("{} % {} = {}", number(draw), draw.between(2, 3), draw.between(0, 1)),
            _ => format!("coalesce({}, 0) {} {}", number(draw), comparison(draw), constant(draw)),
        };
    }
    let (one, other) = (small(draw, depth - 1), small(draw, depth - 1));
    match draw.below(7) {
        0 | 1 => format!("({one} AND {other})"),
        2..=4 => format!("({one} OR {other})"),
        5 => format!("(NOT ({one}))"),
        _ => format!("(CASE WHEN {one} THEN {other} ELSE {} END)", small(draw, 0)),
    }
}

fn solved(seed: u64) -> Result<(), String> {
    let mut draw = Draw::of(seed);
    let texts: Vec<String> = (0..=draw.below(3))
        .map(|_| {
            let depth = u32::try_from(draw.below(4)).unwrap();
            small(&mut draw, depth)
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let catalogue =
        catalogue(EngineKind::Postgres, &["a integer?", "b integer", "c integer?", "s character varying(9)?"], &texts);
    let checks = of_table(&catalogue, &catalogue.tables[0]);
    for check in &checks {
        check.predicate.as_ref().map_err(|why| format!("{}: {why}", check.text))?;
    }
    let numbers = [-1, 0, 1, 2, 5].map(|whole: i32| Value::whole(whole));
    let maybe: Vec<Value> = numbers.iter().cloned().chain([Value::Null]).collect();
    let words = ["", "x", "zz", "xy"].map(Value::text).into_iter().chain([Value::Null]).collect::<Vec<_>>();
    let ways = solve(&catalogue.tables[0], &checks, 6);
    let (mut good, mut any_good) = (vec![(0_u32, 0_u32); ways.len()], false);
    for (a, b) in maybe.iter().flat_map(|a| numbers.iter().map(move |b| (a, b))) {
        for (c, s) in maybe.iter().flat_map(|c| words.iter().map(move |s| (c, s))) {
            let row: Vec<Option<Value>> = [a, b, c, s].into_iter().cloned().map(Some).collect();
            let passes = checks.iter().all(|check| check.predicate.as_ref().unwrap().holds(&row).passes());
            any_good |= passes;
            for (way, good) in ways.iter().zip(&mut good) {
                if follows(way, &row) {
                    good.0 += u32::from(passes);
                    good.1 += 1;
                }
            }
        }
    }
    if any_good && ways.is_empty() {
        return Err(format!("no way for {texts:?}, but there are rows"));
    }
    for (way, (passed, all)) in ways.iter().zip(good) {
        if way.unsolved.is_empty() && passed < all {
            return Err(format!("{passed} of {all} rows pass for {texts:?}: {way:?}"));
        }
    }
    Ok(())
}

/// Whether a row is one of a way.
fn follows(way: &Alternative, row: &[Option<Value>]) -> bool {
    let value = |at: usize| row[at].as_ref().unwrap();
    let pair = |left: &Value, op: Op, right: &Value| {
        left.is_null() || right.is_null() || order(left, right).is_some_and(|order| op.takes(order))
    };
    way.restrictions.iter().all(|(at, own)| keeps(own, value(*at)))
        && way.relations.iter().all(|own| pair(value(own.left), own.op, value(own.right)))
        && way.derived.iter().all(|own| {
            own.expression.columns().iter().any(|at| value(*at).is_null())
                || own.expression.value(row).is_some_and(|found| pair(value(own.column), own.op, &found))
        })
        && way.totals.iter().all(|own| {
            let sum = own.columns.iter().try_fold(Number::whole(0), |sum, at| sum.plus(value(*at).number()?));
            sum.is_none_or(|sum| pair(&Value::Number(sum), own.op, &own.value))
        })
}

fn keeps(own: &Restriction, value: &Value) -> bool {
    if value.is_null() {
        return own.null != Some(false);
    }
    let bound = |bound: &Option<crate::generate::restriction::Bound>, op: Op, open: Op| {
        bound.as_ref().is_none_or(|bound| {
            let op = if bound.inclusive { op } else { open };
            order(value, &bound.value).is_some_and(|order| op.takes(order))
        })
    };
    let text = match value {
        Value::Text(text) => text.as_str(),
        _ => "",
    };
    let count = u32::try_from(text.chars().count()).unwrap();
    own.null != Some(true)
        && bound(&own.low, Op::AtLeast, Op::Greater)
        && bound(&own.high, Op::AtMost, Op::Less)
        && own.one_of.as_ref().is_none_or(|values| values.contains(value))
        && !own.none_of.contains(value)
        && own.multiple_of.is_none_or(|step| value.number().is_some_and(|number| number.units % step == 0))
        && own.length.0.is_none_or(|least| count >= least)
        && own.length.1.is_none_or(|most| count <= most)
        && own.like.iter().all(|like| super::pattern::like(text, like, Some('\\'), false) == Some(true))
        && own.case.is_none_or(|case| match case {
            Case::Lower => text == text.to_lowercase(),
            Case::Upper => text == text.to_uppercase(),
        })
}
