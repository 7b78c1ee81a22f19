//! Operators and functions: what each engine calls them, and what they make of values.

use super::compare::{self, is_number};
use super::datum::{Datum, Rule, Type};
use super::evaluate::{Row, cast, plain, truth, value};
use super::tree::Term;
use super::{Truth, json, pattern, time};
use crate::generate::restriction::Op;
use crate::generate::value::Number;
use crate::model::schema::EngineKind::{self, Mariadb, Mysql, Postgres, Sqlite};

const ANY: &[EngineKind] = &[Sqlite, Postgres, Mysql, Mariadb];
const MY: &[EngineKind] = &[Mysql, Mariadb];
const LITE: &[EngineKind] = &[Sqlite];
const PG: &[EngineKind] = &[Postgres];
const SERVERS: &[EngineKind] = &[Postgres, Mysql, Mariadb];

/// A function: its name in these engines, its name here, how many arguments it takes.
type Function = (&'static str, &'static [EngineKind], &'static str, usize, usize);

const FUNCTIONS: &[Function] = &[
    ("abs", ANY, "abs", 1, 1),
    ("array_length", PG, "cardinality", 2, 2),
    ("btrim", PG, "trim", 1, 2),
    ("cardinality", PG, "cardinality", 1, 1),
    ("ceil", SERVERS, "ceil", 1, 1),
    ("ceiling", SERVERS, "ceil", 1, 1),
    ("char_length", SERVERS, "characters", 1, 1),
    ("character_length", SERVERS, "characters", 1, 1),
    ("coalesce", ANY, "coalesce", 1, 99),
    ("concat", SERVERS, "concat", 1, 99),
    ("date", ANY, "date", 1, 2),
    ("date_add", MY, "+", 2, 2),
    ("date_part", PG, "part", 2, 2),
    ("date_sub", MY, "-", 2, 2),
    ("datediff", MY, "datediff", 2, 2),
    ("day", MY, "day", 1, 1),
    ("dayofmonth", MY, "day", 1, 1),
    ("dayofweek", MY, "dayofweek", 1, 1),
    ("floor", SERVERS, "floor", 1, 1),
    ("glob", LITE, "globbed", 2, 2),
    ("greatest", SERVERS, "greatest", 2, 99),
    ("hour", MY, "hour", 1, 1),
    ("ifnull", &[Sqlite, Mysql, Mariadb], "coalesce", 2, 2),
    ("instr", &[Sqlite, Mysql, Mariadb], "instr", 2, 2),
    ("json_array_length", &[Sqlite, Postgres], "json length", 1, 1),
    ("json_extract", &[Sqlite, Mysql, Mariadb], "json extract", 2, 2),
    ("json_length", MY, "json length", 1, 1),
    ("json_type", &[Sqlite, Mysql, Mariadb], "json type", 1, 1),
    ("json_typeof", PG, "json type", 1, 1),
    ("json_unquote", MY, "json unquote", 1, 1),
    ("json_valid", &[Sqlite, Mysql, Mariadb], "json valid", 1, 1),
    ("jsonb_array_length", PG, "json length", 1, 1),
    ("jsonb_typeof", PG, "json type", 1, 1),
    ("julianday", LITE, "julianday", 1, 1),
    ("lcase", MY, "lower", 1, 1),
    ("least", SERVERS, "least", 2, 99),
    ("left", SERVERS, "left", 2, 2),
    ("length", &[Sqlite, Postgres], "characters", 1, 1),
    ("length", MY, "bytes", 1, 1),
    ("locate", MY, "locate", 2, 2),
    ("lower", ANY, "lower", 1, 1),
    ("ltrim", ANY, "ltrim", 1, 2),
    ("max", LITE, "greatest", 2, 99),
    ("min", LITE, "least", 2, 99),
    ("minute", MY, "minute", 1, 1),
    ("mod", SERVERS, "%", 2, 2),
    ("month", MY, "month", 1, 1),
    ("nullif", ANY, "nullif", 2, 2),
    ("num_nonnulls", PG, "num_nonnulls", 1, 99),
    ("num_nulls", PG, "num_nulls", 1, 99),
    ("octet_length", ANY, "bytes", 1, 1),
    ("position", PG, "locate", 2, 2),
    ("quarter", MY, "quarter", 1, 1),
    ("regexp_like", SERVERS, "regex", 2, 2),
    ("replace", ANY, "replace", 3, 3),
    ("right", SERVERS, "right", 2, 2),
    ("round", ANY, "round", 1, 2),
    ("rtrim", ANY, "rtrim", 1, 2),
    ("sign", ANY, "sign", 1, 1),
    ("similar_to_escape", PG, "similar pattern", 1, 1),
    ("starts_with", PG, "starts_with", 2, 2),
    ("strftime", LITE, "strftime", 2, 2),
    ("strpos", PG, "instr", 2, 2),
    ("substr", ANY, "substr", 2, 3),
    ("substring", ANY, "substr", 2, 3),
    ("timestampdiff", MY, "timestampdiff", 3, 3),
    ("to_days", MY, "to_days", 1, 1),
    ("trim", ANY, "trim", 1, 2),
    ("typeof", LITE, "typeof", 1, 1),
    ("ucase", MY, "upper", 1, 1),
    ("upper", ANY, "upper", 1, 1),
    ("year", MY, "year", 1, 1),
];

/// Parts of a moment that have a function of their own.
const PARTS: &[&str] = &["year", "quarter", "month", "day", "hour", "minute"];

/// The call of a function by its name in an engine. None where it is not known with so many arguments.
pub(super) fn call(name: &str, mut list: Vec<Term>, engine: EngineKind) -> Option<Term> {
    match (name, list.len(), engine) {
        ("if", 3, Mysql | Mariadb) | ("iif" | "if", 3, Sqlite) => {
            let (last, then, when) = (list.pop()?, list.pop()?, list.pop()?);
            return Some(Term::Case(vec![(when, then)], Box::new(last)));
        }
        ("isnull", 1, Mysql | Mariadb) => return Some(Term::IsNull(Box::new(list.pop()?))),
        // PostgreSQL's date(x) is a cast.
        ("date", 1, Postgres | Mysql | Mariadb) => {
            return Some(Term::Cast(Type::Date, Box::new(list.pop()?)));
        }
        ("date", 1, _) => {}
        ("date", _, Postgres | Mysql | Mariadb) | ("trim" | "ltrim" | "rtrim", 2, Mysql) => return None,
        // "position"(text, part) is how PostgreSQL shows it.
        ("position", 2, Postgres) => return Some(Term::Call("instr", list)),
        _ => {}
    }
    let (.., own, _, _) = FUNCTIONS.iter().find(|(known, engines, _, least, most)| {
        *known == name && engines.contains(&engine) && (*least..=*most).contains(&list.len())
    })?;
    if PARTS.contains(own) {
        list.insert(0, Term::Constant(Datum::Text((*own).to_owned(), Rule::Literal)));
        return Some(Term::Call("part", list));
    }
    Some(Term::Call(own, list))
}

/// What an operator or function makes of its arguments. None where that is not certain.
pub(super) fn work(name: &str, list: &[Term], row: Row<'_>) -> Option<Datum> {
    let about = row.about;
    match (name, list) {
        ("coalesce", _) => {
            for term in list {
                match value(term, row)? {
                    Datum::Null => {}
                    found => return Some(found),
                }
            }
            return Some(Datum::Null);
        }
        ("num_nulls" | "num_nonnulls", _) => {
            let nulls =
                list.iter().map(|term| Some(value(&Term::IsNull(Box::new(term.clone())), row)? == Datum::Bool(true)));
            let nulls: Vec<bool> = nulls.collect::<Option<_>>()?;
            let count = nulls.iter().filter(|null| **null == (name == "num_nulls")).count();
            return i128::try_from(count).ok().map(Datum::Int);
        }
        ("nullif", [left, right]) => {
            let equal = Term::Compare(Op::Equal, Box::new(left.clone()), Box::new(right.clone()));
            return match truth(&equal, row) {
                Truth::True => Some(Datum::Null),
                Truth::Cannot => None,
                Truth::False | Truth::Unknown => value(left, row),
            };
        }
        ("xor", [left, right]) => {
            return match (truth(left, row), truth(right, row)) {
                (Truth::Cannot, _) | (_, Truth::Cannot) => None,
                (Truth::Unknown, _) | (_, Truth::Unknown) => Some(Datum::Null),
                (left, right) => Some(Datum::Bool(left != right)),
            };
        }
        _ => {}
    }
    let values: Vec<Datum> =
        list.iter().map(|term| value(term, row).map(|datum| plain(about, datum))).collect::<Option<_>>()?;
    match name {
        "greatest" | "least" => return extreme(name == "greatest", values, row),
        "typeof" => return type_of(&values),
        "concat" if about.engine == Postgres => {
            let known = values.into_iter().filter(|datum| *datum != Datum::Null);
            let texts: Vec<String> = known.map(|datum| text_of(&datum)).collect::<Option<_>>()?;
            return Some(Datum::Text(texts.concat(), Rule::Literal));
        }
        _ => {}
    }
    if values.contains(&Datum::Null) {
        return Some(Datum::Null);
    }
    arithmetic(name, &values, row)
        .or_else(|| moments(name, &values, row))
        .or_else(|| texts(name, &values, row))
        .or_else(|| json::work(name, &values, about.engine))
}

fn extreme(greatest: bool, values: Vec<Datum>, row: Row<'_>) -> Option<Datum> {
    let ignores_null = row.about.engine == Postgres;
    let mut best: Option<Datum> = None;
    for datum in values {
        match (datum, &best) {
            (Datum::Null, _) if ignores_null => {}
            (Datum::Null, _) => return Some(Datum::Null),
            (datum, None) => best = Some(datum),
            (datum, Some(own)) => {
                let order = compare::order(row.about, &datum, own)?;
                if if greatest { order.is_gt() } else { order.is_lt() } {
                    best = Some(datum);
                }
            }
        }
    }
    Some(best.unwrap_or(Datum::Null))
}

fn type_of(values: &[Datum]) -> Option<Datum> {
    let name = match values {
        [Datum::Null] => "null",
        [Datum::Int(_)] => "integer",
        [Datum::Real(_)] => "real",
        [Datum::Text(..)] => "text",
        [Datum::Bytes(_)] => "blob",
        _ => return None,
    };
    Some(Datum::Text(name.to_owned(), Rule::Literal))
}

fn int(whole: i128, row: Row<'_>) -> Option<Datum> {
    let about = row.about;
    let fits = match about.engine {
        Sqlite => i64::try_from(whole).is_ok(),
        // An `integer` has four bytes, and which type this one has is not known.
        Postgres => i32::try_from(whole).is_ok(),
        Mysql | Mariadb => i64::try_from(whole).is_ok() && !(about.unsigned && whole < 0),
    };
    fits.then_some(Datum::Int(whole))
}

fn arithmetic(name: &str, values: &[Datum], row: Row<'_>) -> Option<Datum> {
    let engine = row.about.engine;
    if !values.iter().all(is_number) {
        return None;
    }
    match (name, values) {
        ("negative", [Datum::Int(whole)]) => int(-whole, row),
        ("negative", [Datum::Number(number)]) => Some(Datum::Number(Number { units: -number.units, ..*number })),
        ("negative", [Datum::Real(real)]) => Some(Datum::Real(-real)),
        ("abs", [Datum::Int(whole)]) => int(whole.abs(), row),
        ("abs", [Datum::Number(number)]) => Some(Datum::Number(Number { units: number.units.abs(), ..*number })),
        ("abs", [Datum::Real(real)]) => Some(Datum::Real(real.abs())),
        ("sign", [Datum::Int(whole)]) => Some(Datum::Int(whole.signum())),
        ("sign", [Datum::Number(number)]) => Some(Datum::Int(number.units.signum())),
        ("sign", [Datum::Real(real)]) => Some(Datum::Real(if *real == 0.0 { 0.0 } else { real.signum() })),
        ("ceil" | "floor", [Datum::Int(whole)]) => Some(Datum::Int(*whole)),
        ("ceil", [Datum::Number(number)]) => {
            let down = Number { units: -number.units, ..*number };
            Some(Datum::Number(Number::whole(-floor(down)?)))
        }
        ("floor", [Datum::Number(number)]) => Some(Datum::Number(Number::whole(floor(*number)?))),
        ("ceil", [Datum::Real(real)]) => Some(Datum::Real(real.ceil())),
        ("floor", [Datum::Real(real)]) => Some(Datum::Real(real.floor())),
        ("round", [Datum::Int(whole)]) if engine != Sqlite => Some(Datum::Int(*whole)),
        ("round", [Datum::Int(whole), Datum::Int(0..)]) if engine != Sqlite => Some(Datum::Int(*whole)),
        ("round", [Datum::Number(number)]) => number.rounded(0).map(Datum::Number),
        ("round", [Datum::Number(number), Datum::Int(places)]) => {
            let places = u8::try_from(*places).ok()?.min(number.places);
            number.rounded(places).map(Datum::Number)
        }
        ("&", [Datum::Int(left @ 0..), Datum::Int(right @ 0..)]) => int(left & right, row),
        ("|", [Datum::Int(left @ 0..), Datum::Int(right @ 0..)]) => int(left | right, row),
        ("div", [left, right]) => {
            let quotient = quotient(compare::exact(left)?, compare::exact(right)?)?;
            int(quotient, row)
        }
        ("+" | "-" | "*" | "/" | "%", [left, right]) => operation(name, left, right, row),
        _ => None,
    }
}

fn floor(number: Number) -> Option<i128> {
    Some(number.units.div_euclid(10_i128.checked_pow(number.places.into())?))
}

/// The whole part of a quotient. None by zero.
fn quotient(left: Number, right: Number) -> Option<i128> {
    let places = left.places.max(right.places);
    left.rounded(places)?.units.checked_div(right.rounded(places)?.units)
}

fn operation(name: &str, left: &Datum, right: &Datum, row: Row<'_>) -> Option<Datum> {
    let engine = row.about.engine;
    if let (Datum::Int(left), Datum::Int(right)) = (left, right) {
        return match name {
            "+" => int(left.checked_add(*right)?, row),
            "-" => int(left.checked_sub(*right)?, row),
            "*" => int(left.checked_mul(*right)?, row),
            "%" if *right == 0 => (engine == Sqlite).then_some(Datum::Null),
            "%" => int(left.checked_rem(*right)?, row),
            _ if *right == 0 => (engine == Sqlite).then_some(Datum::Null),
            _ if row.about.is_mysql() => divided(Number::whole(*left), Number::whole(*right)),
            _ => int(left.checked_div(*right)?, row),
        };
    }
    if let (Some(left), Some(right)) = (compare::exact(left), compare::exact(right)) {
        return match name {
            "+" => left.plus(right).map(Datum::Number),
            "-" => left.minus(right).map(Datum::Number),
            "*" if left.places + right.places <= Number::MOST_PLACES => left.times(right).map(Datum::Number),
            "/" => divided(left, right),
            "%" => {
                let places = left.places.max(right.places);
                let units = left.rounded(places)?.units.checked_rem(right.rounded(places)?.units)?;
                Some(Datum::Number(Number { units, places }))
            }
            _ => None,
        };
    }
    let is_close = matches!(left, Datum::About(_)) || matches!(right, Datum::About(_));
    let (left, right) = (compare::real(left)?, compare::real(right)?);
    let real = match name {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right == 0.0 => return (engine == Sqlite).then_some(Datum::Null),
        "/" => left / right,
        _ => return None,
    };
    let datum = if is_close { Datum::About(real) } else { Datum::Real(real) };
    real.is_finite().then_some(datum)
}

/// A quotient: exact where it has few places, else close to it, because engines cut it at different ones.
fn divided(left: Number, right: Number) -> Option<Datum> {
    let places = (left.places + 4).min(Number::MOST_PLACES / 2);
    let quotient = left.over(right, places)?;
    let is_exact = quotient.times(right).is_some_and(|product| product == left);
    Some(if is_exact { Datum::Number(quotient) } else { Datum::About(left.real() / right.real()) })
}

fn moments(name: &str, values: &[Datum], row: Row<'_>) -> Option<Datum> {
    let about = row.about;
    match (name, values) {
        (
            "+",
            [moment @ (Datum::Date(_) | Datum::Timestamp(_)), Datum::Interval(by)]
            | [Datum::Interval(by), moment @ (Datum::Date(_) | Datum::Timestamp(_))],
        ) => later(moment, *by, row),
        ("-", [moment @ (Datum::Date(_) | Datum::Timestamp(_)), Datum::Interval(by)]) => {
            later(moment, by.times(-1)?, row)
        }
        ("+", [Datum::Interval(left), Datum::Interval(right)]) => left.plus(*right).map(Datum::Interval),
        ("-", [Datum::Interval(left), Datum::Interval(right)]) => left.plus(right.times(-1)?).map(Datum::Interval),
        ("*", [Datum::Interval(interval), Datum::Int(by)] | [Datum::Int(by), Datum::Interval(interval)]) => {
            interval.times(i64::try_from(*by).ok()?).map(Datum::Interval)
        }
        ("+", [Datum::Date(date), Datum::Int(days)] | [Datum::Int(days), Datum::Date(date)])
            if about.engine == Postgres =>
        {
            Some(Datum::Date(date.checked_add(i32::try_from(*days).ok()?)?))
        }
        ("-", [Datum::Date(date), Datum::Int(days)]) if about.engine == Postgres => {
            Some(Datum::Date(date.checked_sub(i32::try_from(*days).ok()?)?))
        }
        ("-", [Datum::Date(left), Datum::Date(right)]) if about.engine == Postgres => {
            Some(Datum::Int((i64::from(*left) - i64::from(*right)).into()))
        }
        ("-", [left @ (Datum::Date(_) | Datum::Timestamp(_)), right @ (Datum::Date(_) | Datum::Timestamp(_))])
            if about.engine == Postgres =>
        {
            let micros = compare::moment(left)? - compare::moment(right)?;
            Some(Datum::Interval(time::Interval { months: 0, days: micros / time::DAY, micros: micros % time::DAY }))
        }
        ("part", [Datum::Text(field, _), moment]) => {
            let Some(Datum::Timestamp(moment)) = cast(about, moment.clone(), &Type::Timestamp) else { return None };
            time::part(&field.to_ascii_lowercase(), moment).map(|part| Datum::Int(part.into()))
        }
        ("dayofweek", [moment]) => match cast(about, moment.clone(), &Type::Timestamp)? {
            Datum::Timestamp(micros) => time::part("dow", micros).map(|day| Datum::Int(i128::from(day) + 1)),
            _ => None,
        },
        ("to_days", [moment]) => match cast(about, moment.clone(), &Type::Date)? {
            // Days since the year 0.
            Datum::Date(date) => Some(Datum::Int(i128::from(date) + 719_528)),
            _ => None,
        },
        ("datediff", [left, right]) => {
            let day = |datum: &Datum| match cast(about, datum.clone(), &Type::Date)? {
                Datum::Date(date) => Some(i128::from(date)),
                _ => None,
            };
            Some(Datum::Int(day(left)? - day(right)?))
        }
        ("timestampdiff", [Datum::Text(unit, _), from, to]) => {
            let micros = |datum: &Datum| match cast(about, datum.clone(), &Type::Timestamp)? {
                Datum::Timestamp(micros) => Some(micros),
                _ => None,
            };
            whole_units(unit, micros(from)?, micros(to)?).map(|count| Datum::Int(count.into()))
        }
        ("date" | "strftime" | "julianday", _) if about.engine == Sqlite => sqlite_moment(name, values),
        _ => None,
    }
}

fn later(moment: &Datum, by: time::Interval, row: Row<'_>) -> Option<Datum> {
    let micros = by.after(compare::moment(moment)?)?;
    match moment {
        // MySQL's date stays one as long as whole days are added.
        Datum::Date(_) if row.about.is_mysql() && by.micros == 0 => super::datum::date_of(micros).map(Datum::Date),
        _ => Some(Datum::Timestamp(micros)),
    }
}

fn whole_units(unit: &str, from: i64, to: i64) -> Option<i64> {
    let one = time::Interval::of(1, unit)?;
    if one.months == 0 {
        return (to - from).checked_div(i64::try_from(one.length()).ok()?);
    }
    let months = |micros: i64| {
        let (year, month, day) = time::civil(micros.div_euclid(time::DAY));
        (year * 12 + month, (day, micros.rem_euclid(time::DAY)))
    };
    let ((start, early), (end, late)) = (months(from), months(to));
    let passed = end - start - if to >= from { i64::from(late < early) } else { -i64::from(late > early) };
    Some(passed / one.months)
}

/// SQLite's functions over texts that are dates.
fn sqlite_moment(name: &str, values: &[Datum]) -> Option<Datum> {
    let text = |text: String| Some(Datum::Text(text, Rule::Literal));
    match (name, values) {
        ("date", [Datum::Text(moment, _)]) => text(time::show_date(sqlite_time(moment)?.div_euclid(time::DAY))),
        ("date", [Datum::Text(moment, _), Datum::Text(by, _)]) => {
            let (count, unit) = by.trim_start_matches('+').split_once(' ')?;
            let by = time::Interval::of(count.parse().ok()?, unit).filter(|by| by.months == 0)?;
            text(time::show_date(by.after(sqlite_time(moment)?)?.div_euclid(time::DAY)))
        }
        ("strftime", [Datum::Text(format, _), Datum::Text(moment, _)]) => {
            let (micros, mut shown) = (sqlite_time(moment)?, String::new());
            let (date, clock) =
                (time::show_date(micros.div_euclid(time::DAY)), time::show_time(micros.rem_euclid(time::DAY)));
            let mut chars = format.chars();
            while let Some(c) = chars.next() {
                match (c, if c == '%' { chars.next() } else { None }) {
                    ('%', Some('Y')) => shown.push_str(&date[..4]),
                    ('%', Some('m')) => shown.push_str(&date[5..7]),
                    ('%', Some('d')) => shown.push_str(&date[8..]),
                    ('%', Some('H')) => shown.push_str(&clock[..2]),
                    ('%', Some('M')) => shown.push_str(&clock[3..5]),
                    ('%', Some('S')) => shown.push_str(&clock[6..8]),
                    ('%', _) => return None,
                    (c, _) => shown.push(c),
                }
            }
            text(shown)
        }
        ("julianday", [Datum::Text(moment, _)]) => {
            // Half days since noon of a day long ago are exact, others nearly so.
            let micros = sqlite_time(moment)?;
            let halves = micros.div_euclid(time::DAY / 2);
            let real = Number::new(i128::from(halves) * 5 + 24_405_875, 1).real();
            (micros.rem_euclid(time::DAY / 2) == 0).then_some(Datum::Real(real))
        }
        _ => None,
    }
}

fn sqlite_time(text: &str) -> Option<i64> {
    time::parse_timestamp(text).filter(|micros| micros % 1000 == 0 && !text.contains(['+', 'Z']) && text.len() <= 23)
}

/// A value as the text that it is joined to others as.
fn text_of(datum: &Datum) -> Option<String> {
    match datum {
        Datum::Text(text, Rule::Padded) => Some(text.trim_end_matches(' ').to_owned()),
        Datum::Text(text, _) => Some(text.clone()),
        Datum::Int(whole) => Some(whole.to_string()),
        _ => None,
    }
}

fn texts(name: &str, values: &[Datum], row: Row<'_>) -> Option<Datum> {
    let engine = row.about.engine;
    let is_bytes = matches!(values.first(), Some(Datum::Bytes(_)));
    if let ("bytes" | "characters", [Datum::Bytes(bytes)]) = (name, values) {
        return i128::try_from(bytes.len()).ok().map(Datum::Int);
    }
    let rule = values.iter().find_map(|datum| match datum {
        Datum::Text(_, rule) if *rule != Rule::Literal => Some(*rule),
        _ => None,
    });
    // SQLite forgets a column's collation in every function, the others keep it.
    let rule = rule.filter(|_| engine != Sqlite).unwrap_or(Rule::Literal);
    let texts: Vec<Option<String>> = values.iter().map(text_of).collect();
    let text = |at: usize| texts.get(at)?.as_deref().filter(|_| !is_bytes);
    let number = |at: usize| match values.get(at) {
        Some(Datum::Int(whole)) => i64::try_from(*whole).ok(),
        _ => None,
    };
    let out = |text: String| Some(Datum::Text(text, if rule == Rule::Padded { Rule::Locale } else { rule }));
    let first = text(0)?;
    if engine == Sqlite && texts.iter().flatten().any(|text| text.contains('\0')) {
        return None;
    }
    match name {
        "characters" => i128::try_from(first.chars().count()).ok().map(Datum::Int),
        // A padded text is stored with its spaces.
        "bytes" if rule == Rule::Padded => None,
        "bytes" => i128::try_from(first.len()).ok().map(Datum::Int),
        "||" | "concat" if engine != Postgres || values.iter().any(|datum| matches!(datum, Datum::Text(..))) => {
            out(texts.iter().map(|text| text.as_deref()).collect::<Option<Vec<_>>>()?.concat())
        }
        "lower" | "upper" => {
            if engine != Sqlite && first.chars().any(|c| !c.is_ascii() && c.is_alphabetic()) {
                return None;
            }
            out(if name == "lower" { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() })
        }
        "trim" | "ltrim" | "rtrim" => {
            let what: Vec<char> = text(1).unwrap_or(" ").chars().collect();
            if row.about.is_mysql() && what != [' '] {
                return None;
            }
            let from = if name == "rtrim" { first } else { first.trim_start_matches(what.as_slice()) };
            out(if name == "ltrim" { from } else { from.trim_end_matches(what.as_slice()) }.to_owned())
        }
        "substr" => {
            let count = if values.len() > 2 { Some(number(2)?) } else { None };
            out(part(first, number(1)?, count, engine)?)
        }
        "left" | "right" => {
            let (count, all) = (number(1)?, i64::try_from(first.chars().count()).ok()?);
            let count = match engine {
                Postgres if count < 0 => (all + count).max(0),
                _ => count.clamp(0, all),
            };
            let skipped = if name == "left" { 0 } else { (all - count.min(all)).max(0) };
            let chars = first.chars().skip(usize::try_from(skipped).ok()?).take(usize::try_from(count).ok()?);
            out(chars.collect())
        }
        "instr" => position(first, text(1)?, rule).map(Datum::Int),
        "locate" => position(text(1)?, first, rule).map(Datum::Int),
        "starts_with" => Some(Datum::Bool(first.starts_with(text(1)?))),
        "replace" if !text(1)?.is_empty() => out(first.replace(text(1)?, text(2)?)),
        "like" | "ilike" => like(name, values, row),
        "regex" | "iregex" => {
            let fold = name == "iregex" || row.about.is_mysql() && is_folded(rule)?;
            pattern::matches(first, text(1)?, fold, engine).map(Datum::Bool)
        }
        "similar pattern" => out(pattern::similar(first)?),
        "similar" => pattern::matches(first, &pattern::similar(text(1)?)?, false, engine).map(Datum::Bool),
        "glob" => globbed(first, text(1)?),
        "globbed" => globbed(text(1)?, first),
        _ => None,
    }
}

fn globbed(text: &str, pattern: &str) -> Option<Datum> {
    let built = regex::Regex::new(&pattern::glob(pattern)?).ok()?;
    Some(Datum::Bool(built.is_match(text)))
}

/// Whether a collation takes letters of both cases for the same.
fn is_folded(rule: Rule) -> Option<bool> {
    match rule {
        Rule::Fold { .. } => Some(true),
        Rule::Bytes | Rule::Binary { .. } => Some(false),
        _ => None,
    }
}

fn like(name: &str, values: &[Datum], row: Row<'_>) -> Option<Datum> {
    let engine = row.about.engine;
    let [Datum::Text(text, rule), Datum::Text(pattern, _), rest @ ..] = values else {
        return None;
    };
    let escape = match rest {
        [Datum::Text(escape, _)] if escape.chars().count() <= 1 => escape.chars().next(),
        [] if engine == Sqlite => None,
        [] => Some('\\'),
        _ => return None,
    };
    let fold = match engine {
        Sqlite => true,
        Postgres => name == "ilike",
        Mysql | Mariadb => is_folded(*rule)?,
    };
    // Which letters beyond ASCII are the same is a matter of locale.
    if fold && engine != Sqlite && !(text.is_ascii() && pattern.is_ascii()) {
        return None;
    }
    pattern::like(text, pattern, escape, fold).map(Datum::Bool)
}

fn position(text: &str, what: &str, rule: Rule) -> Option<i128> {
    let find = |text: &str, what: &str| {
        let found = text.find(what).map(|at| text[..at].chars().count() + 1);
        i128::try_from(found.unwrap_or(0)).ok()
    };
    match rule {
        Rule::Fold { .. } | Rule::Unclear if !(text.is_ascii() && what.is_ascii()) => None,
        Rule::Fold { .. } => find(&text.to_ascii_lowercase(), &what.to_ascii_lowercase()),
        Rule::Unclear | Rule::NoCase if text.to_ascii_lowercase().contains(&what.to_ascii_lowercase()) => None,
        _ => find(text, what),
    }
}

/// The characters of a text from a place, counted from 1.
fn part(text: &str, from: i64, count: Option<i64>, engine: EngineKind) -> Option<String> {
    let all = i64::try_from(text.chars().count()).ok()?;
    if engine == Postgres && count.is_some_and(|count| count < 0) {
        return None;
    }
    let from = match (engine, from) {
        (Postgres, from) => from,
        (Sqlite, ..=0) if from == 0 || from < -all || count.is_some_and(|count| count < 0) => {
            return None;
        }
        (Sqlite, _) if count.is_some_and(|count| count < 0) => return None,
        (_, ..=-1) if from >= -all => all + from + 1,
        (_, ..=0) => return Some(String::new()),
        (_, from) => from,
    };
    let end = count.map_or(Some(all + 1), |count| from.checked_add(count))?;
    let start = from.clamp(1, all + 1);
    let kept = (end - start).clamp(0, all);
    Some(text.chars().skip(usize::try_from(start - 1).ok()?).take(usize::try_from(kept).ok()?).collect())
}
