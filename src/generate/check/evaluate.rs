//! Works out a condition for a row, in three-valued logic and as the engine would. None wherever that is not certain.

use super::Truth;
use super::compare::{self, affine, applied, holds, is_number, real};
use super::datum::{About, Affinity, Datum, Rule, Type, bool_of, date_of, numeric};
use super::functions;
use super::time::{self, DAY, Interval};
use super::tree::Term;
use crate::generate::restriction::Op;
use crate::generate::value::{Number, Value};
use crate::model::schema::EngineKind;

/// What a condition is worked out for.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) about: &'a About,
    /// The cells; none where a cell is not known.
    pub(super) cells: &'a [Option<Value>],
}

/// Whether a condition holds.
pub(super) fn truth(term: &Term, row: Row<'_>) -> Truth {
    value(term, row).map_or(Truth::Cannot, |datum| truth_of(&datum, row.about))
}

fn truth_of(datum: &Datum, about: &About) -> Truth {
    let is = |holds: bool| if holds { Truth::True } else { Truth::False };
    match datum {
        Datum::Null => Truth::Unknown,
        Datum::Bool(flag) => is(*flag),
        _ if about.engine == EngineKind::Postgres => Truth::Cannot,
        Datum::Int(whole) => is(*whole != 0),
        Datum::Number(number) => is(number.units != 0),
        Datum::Real(real) => is(*real != 0.0),
        _ => Truth::Cannot,
    }
}

fn datum_of(truth: Truth) -> Option<Datum> {
    match truth {
        Truth::True => Some(Datum::Bool(true)),
        Truth::False => Some(Datum::Bool(false)),
        Truth::Unknown => Some(Datum::Null),
        Truth::Cannot => None,
    }
}

/// The value of an expression.
pub(super) fn value(term: &Term, row: Row<'_>) -> Option<Datum> {
    let about = row.about;
    match term {
        Term::Constant(datum) => Some(datum.clone()),
        Term::Column(at) => about.cell(*at, row.cells.get(*at)?.as_ref()?),
        Term::Not(inner) => datum_of(truth(inner, row).not()),
        Term::All(list) => datum_of(all(list, row)),
        Term::Any(list) => datum_of(any(list, row)),
        Term::Compare(op, left, right) => {
            let (left, right) = sides(left, right, row)?;
            match (&left, &right) {
                (Datum::Null, _) | (_, Datum::Null) => Some(Datum::Null),
                (left, right) => holds(about, *op, left, right).map(Datum::Bool),
            }
        }
        Term::Same(left, right) => {
            let (left, right) = sides(left, right, row)?;
            match (&left, &right) {
                (Datum::Null, Datum::Null) => Some(Datum::Bool(true)),
                (Datum::Null, _) | (_, Datum::Null) => Some(Datum::Bool(false)),
                (left, right) => holds(about, Op::Equal, left, right).map(Datum::Bool),
            }
        }
        Term::IsNull(inner) => Some(Datum::Bool(is_null(inner, row)?)),
        Term::Is(inner, wanted) => match truth(inner, row) {
            Truth::True => Some(Datum::Bool(*wanted)),
            Truth::False => Some(Datum::Bool(!*wanted)),
            Truth::Unknown => Some(Datum::Bool(false)),
            Truth::Cannot => None,
        },
        Term::In(one, list) => is_in(one, list, row),
        Term::Call(name, list) => functions::work(name, list, row).map(|datum| of_call(about, datum)),
        Term::Case(whens, last) => {
            for (when, then) in whens {
                match truth(when, row) {
                    Truth::True => return value(then, row).map(|datum| of_call(about, datum)),
                    Truth::Cannot => return None,
                    Truth::False | Truth::Unknown => {}
                }
            }
            value(last, row).map(|datum| of_call(about, datum))
        }
        Term::Cast(kind, inner) => cast(about, value(inner, row)?, kind),
        Term::Collate(rule, inner) => match value(inner, row)? {
            Datum::Text(text, _) => Some(Datum::Text(text, *rule)),
            other => Some(other),
        },
        Term::Row(list) => list.iter().map(|term| value(term, row)).collect::<Option<_>>().map(Datum::List),
    }
}

fn is_null(inner: &Term, row: Row<'_>) -> Option<bool> {
    // Whether a cell is NULL is known even where its value is of a type that is not.
    match inner {
        Term::Column(at) => Some(row.cells.get(*at)?.as_ref()?.is_null()),
        Term::Cast(_, inner) | Term::Collate(_, inner) if matches!(**inner, Term::Column(_)) => is_null(inner, row),
        Term::Row(_) => None,
        other => Some(value(other, row)? == Datum::Null),
    }
}

fn all(list: &[Term], row: Row<'_>) -> Truth {
    let mut found = Truth::True;
    for term in list {
        match truth(term, row) {
            Truth::False => return Truth::False,
            Truth::Cannot => found = Truth::Cannot,
            Truth::Unknown if found == Truth::True => found = Truth::Unknown,
            Truth::Unknown | Truth::True => {}
        }
    }
    found
}

fn any(list: &[Term], row: Row<'_>) -> Truth {
    let mut found = Truth::False;
    for term in list {
        match truth(term, row) {
            // What could not be worked out before may have been an error.
            Truth::True if found != Truth::Cannot => return Truth::True,
            Truth::Cannot => found = Truth::Cannot,
            Truth::Unknown if found == Truth::False => found = Truth::Unknown,
            Truth::Unknown | Truth::True | Truth::False => {}
        }
    }
    found
}

fn is_in(one: &Term, list: &[Term], row: Row<'_>) -> Option<Datum> {
    let left = value(one, row)?;
    let affinity = affinity(one, row.about);
    let (mut found, mut unknown) = (false, left == Datum::Null);
    for term in list {
        let right = plain(row.about, value(term, row)?);
        if right == Datum::Null || left == Datum::Null {
            unknown = true;
            continue;
        }
        let sqlite = row.about.engine == EngineKind::Sqlite;
        let (left, right) = if sqlite {
            (applied(plain(row.about, left.clone()), affinity)?, applied(bare(right), affinity)?)
        } else {
            (left.clone(), right)
        };
        found |= holds(row.about, Op::Equal, &left, &right)?;
    }
    // An empty list is true of nothing, not even of NULL.
    Some(if found {
        Datum::Bool(true)
    } else if unknown && !list.is_empty() {
        Datum::Null
    } else {
        Datum::Bool(false)
    })
}

/// SQLite knows the collations of columns only, not of what is made of them.
fn of_call(about: &About, datum: Datum) -> Datum {
    if about.engine == EngineKind::Sqlite { bare(datum) } else { datum }
}

/// A text without a collation of its own.
fn bare(datum: Datum) -> Datum {
    match datum {
        Datum::Text(text, _) => Datum::Text(text, Rule::Literal),
        other => other,
    }
}

/// A truth value where the engine has numbers only.
pub(super) fn plain(about: &About, datum: Datum) -> Datum {
    match datum {
        Datum::Bool(flag) if about.engine != EngineKind::Postgres => Datum::Int(flag.into()),
        other => other,
    }
}

/// Both sides of a comparison, as the engine compares them.
fn sides(left: &Term, right: &Term, row: Row<'_>) -> Option<(Datum, Datum)> {
    let about = row.about;
    let (mut one, mut other) = (plain(about, value(left, row)?), plain(about, value(right, row)?));
    if about.engine == EngineKind::Sqlite {
        let reach = affine(affinity(left, about), affinity(right, about));
        (one, other) = (applied(one, reach)?, applied(other, reach)?);
        // COLLATE comes before a column's own collation, wherever it stands.
        if matches!(right, Term::Collate(..)) && !matches!(left, Term::Collate(..)) {
            one = bare(one);
        }
    }
    Some((one, other))
}

/// The affinity of an expression in SQLite: only columns and casts have one.
fn affinity(term: &Term, about: &About) -> Option<Affinity> {
    match term {
        Term::Column(at) => about.slots.get(*at).map(|slot| slot.affinity),
        Term::Cast(Type::Affinity(affinity), _) => Some(*affinity),
        Term::Collate(_, inner) => affinity(inner, about),
        _ => None,
    }
}

/// A value as another type. None where the engine would refuse it, or where its text is not certain.
pub(super) fn cast(about: &About, datum: Datum, kind: &Type) -> Option<Datum> {
    let mysql = about.is_mysql();
    Some(match (kind, plain(about, datum)) {
        (_, Datum::Null) => Datum::Null,
        (Type::Affinity(affinity), datum) => sqlite_cast(datum, *affinity)?,
        (Type::Int, Datum::Int(whole)) => Datum::Int(whole),
        (Type::Int, Datum::Number(number)) => Datum::Int(number.rounded(0)?.units),
        (Type::Int, Datum::Text(text, _)) => Datum::Int(text.trim().parse().ok()?),
        (Type::Int, Datum::Bool(flag)) => Datum::Int(flag.into()),
        (Type::Int, Datum::Real(real)) if real.fract() == 0.0 => {
            Datum::Int(super::datum::decimal(real)?.rounded(0)?.units)
        }
        (Type::Number(places), datum) => {
            let number = match &datum {
                Datum::Text(text, _) => Number::parse(text.trim())?,
                Datum::Real(real) if !mysql => super::datum::decimal(*real)?,
                other => compare::exact(other)?,
            };
            Datum::Number(places.map_or(Some(number), |places| number.rounded(places))?)
        }
        (Type::Real, Datum::Text(text, _)) => Datum::Real(text.trim().parse().ok()?),
        (Type::Real, datum) if is_number(&datum) => Datum::Real(real(&datum)?),
        (Type::Text(length), Datum::Text(text, rule)) => {
            let own = if rule == Rule::Padded { text.trim_end_matches(' ').to_owned() } else { text };
            let rule = match rule {
                Rule::Padded | Rule::Labels if !mysql => Rule::Locale,
                Rule::Literal if mysql => Rule::Unclear,
                rule => rule,
            };
            Datum::Text(length.map_or(own.clone(), |length| own.chars().take(length).collect()), rule)
        }
        (Type::Text(None), Datum::Int(whole)) => Datum::Text(whole.to_string(), Rule::Literal),
        (Type::Text(None), Datum::Bool(flag)) => Datum::Text(flag.to_string(), Rule::Literal),
        (Type::Text(None), Datum::Date(date)) => Datum::Text(time::show_date(date.into()), Rule::Literal),
        (Type::Padded, Datum::Text(text, _)) => Datum::Text(text, Rule::Padded),
        (Type::Own, Datum::Text(text, _)) => Datum::Text(text, Rule::Labels),
        (Type::Uuid, Datum::Text(text, _)) => Datum::Text(text.to_ascii_lowercase(), Rule::Bytes),
        (Type::Bool, Datum::Bool(flag)) => Datum::Bool(flag),
        (Type::Bool, Datum::Int(whole)) => Datum::Bool(whole != 0),
        (Type::Bool, Datum::Text(text, _)) => Datum::Bool(bool_of(text.trim())?),
        (Type::Date, Datum::Text(text, _)) if text == "now" => Datum::Date(date_of(about.now)?),
        (Type::Date, Datum::Text(text, _)) => Datum::Date(date_of(time::parse_timestamp(&text)?)?),
        (Type::Date, Datum::Date(date)) => Datum::Date(date),
        (Type::Date, Datum::Timestamp(micros)) => Datum::Date(date_of(micros)?),
        (Type::Time, Datum::Text(text, _)) => Datum::Time(time::parse_time(&text)?),
        (Type::Time, Datum::Time(micros)) => Datum::Time(micros),
        (Type::Time, Datum::Timestamp(micros)) => Datum::Time(micros.rem_euclid(DAY)),
        (Type::Timestamp, Datum::Text(text, _)) if text == "now" => Datum::Timestamp(about.now),
        (Type::Timestamp, Datum::Text(text, _)) => Datum::Timestamp(time::parse_timestamp(&text)?),
        (Type::Timestamp, datum @ (Datum::Date(_) | Datum::Timestamp(_))) => Datum::Timestamp(compare::moment(&datum)?),
        (Type::Interval, Datum::Text(text, _)) => Datum::Interval(Interval::parse(&text)?),
        (Type::Interval, Datum::Interval(interval)) => Datum::Interval(interval),
        (Type::Json, Datum::Text(text, _)) => Datum::Json(serde_json::from_str(&text).ok()?),
        (Type::Json, Datum::Json(json)) => Datum::Json(json),
        (Type::List(kind), Datum::List(list)) => {
            Datum::List(list.into_iter().map(|datum| cast(about, datum, kind)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn sqlite_cast(datum: Datum, affinity: Affinity) -> Option<Datum> {
    Some(match (affinity, datum) {
        (Affinity::Text, Datum::Int(whole)) => Datum::Text(whole.to_string(), Rule::Literal),
        (Affinity::Text, datum @ Datum::Text(..)) | (Affinity::Blob, datum @ Datum::Bytes(_)) => datum,
        (Affinity::Integer | Affinity::Numeric, Datum::Int(whole)) => Datum::Int(whole),
        (Affinity::Numeric, Datum::Real(real)) => match numeric(&real.to_string())? {
            Datum::Int(whole) => Datum::Int(whole),
            _ => Datum::Real(real),
        },
        (Affinity::Integer, Datum::Real(real)) if real.abs() < 9e15 => {
            Datum::Int(super::datum::decimal(real.trunc())?.units)
        }
        (Affinity::Real, datum) if is_number(&datum) => Datum::Real(real(&datum)?),
        (Affinity::Integer, Datum::Text(text, _)) => Datum::Int(text.parse::<i64>().ok()?.into()),
        (Affinity::Real, Datum::Text(text, _)) => Datum::Real(real(&numeric(&text)?)?),
        (Affinity::Numeric, Datum::Text(text, _)) => numeric(&text)?,
        _ => return None,
    })
}
