//! What a single demand says of its columns, in the words that rows are made by.

use super::Truth;
use super::compare::is_number;
use super::datum::{About, Datum, Rule, Type};
use super::draft::{Draft, length_of};
use super::evaluate::{Row, truth, value};
use super::goal::{Atom, Goal, constant, is_positive};
use super::pattern;
use super::solve::{Derived, Expression, Total};
use super::time::{self, Interval};
use super::tree::Term;
use crate::generate::restriction::{Case, Op};
use crate::generate::value::{Number, Value};
use crate::model::schema::{EngineKind, Family};
use std::sync::Arc;

/// At most so many values are tried for a condition on one column that has no other form here.
const SAMPLES: usize = 200;

/// Adds what a demand says.
pub(super) fn apply<'a>(draft: &mut Draft<'a>, about: &'a Arc<About>, atom: &'a Atom) {
    let columns = atom.term.columns();
    if atom.strict && !asks_for_null(&atom.term) {
        for column in &columns {
            draft.set_null(*column, false);
        }
    }
    if columns.len() == 1 {
        draft.keep(atom);
    }
    match (&atom.samples, columns.first()) {
        (Some(values), Some(column)) => draft.one_of(*column, values.clone()),
        _ if formed(draft, about, &atom.term).is_none() => draft.unsolved(atom.check),
        _ => {}
    }
}

/// Finds values for demands on one column that have no other form, once for all.
pub(super) fn sample(about: &Arc<About>, goal: &mut Goal) {
    match goal {
        Goal::All(list) | Goal::Any(list) => list.iter_mut().for_each(|goal| sample(about, goal)),
        Goal::Atom(atom) => {
            if let [column] = atom.term.columns()[..]
                && formed(&mut Draft::new(about), about, &atom.term).is_none()
            {
                atom.samples = sampled(about, &atom.term, column);
            }
        }
    }
}

fn formed(draft: &mut Draft<'_>, about: &Arc<About>, term: &Term) -> Option<()> {
    match term {
        Term::Not(inner) => demand(draft, about, inner, false),
        term => demand(draft, about, term, true),
    }
}

fn asks_for_null(term: &Term) -> bool {
    matches!(term, Term::IsNull(_)) || matches!(term, Term::Not(inner) if matches!(**inner, Term::IsNull(_)))
}

/// A column, below casts that change nothing about how it is compared.
fn column(term: &Term, about: &About) -> Option<usize> {
    match term {
        Term::Column(at) => Some(*at),
        Term::Collate(_, inner) => column(inner, about),
        Term::Cast(kind, inner) => {
            let at = column(inner, about)?;
            let same = match kind {
                Type::Text(None) => &[Family::Text, Family::Enum, Family::Uuid][..],
                Type::Number(None) => &[Family::Integer, Family::Numeric],
                Type::Int => &[Family::Integer],
                Type::Real => &[Family::Integer, Family::Numeric, Family::Real],
                Type::Date => &[Family::Date],
                Type::Timestamp => &[Family::Date, Family::Timestamp],
                Type::Time => &[Family::Time],
                Type::Bool => &[Family::Boolean],
                Type::Uuid => &[Family::Uuid],
                Type::Json => &[Family::Json],
                _ => &[],
            };
            same.contains(&about.slots[at].family).then_some(at)
        }
        _ => None,
    }
}

/// None where the demand has no form here.
fn demand(draft: &mut Draft<'_>, about: &Arc<About>, term: &Term, wanted: bool) -> Option<()> {
    match term {
        Term::IsNull(inner) => {
            draft.set_null(column(inner, about)?, wanted);
            Some(())
        }
        Term::Column(at) => {
            let slot = &about.slots[*at];
            match (slot.is_flag, slot.family) {
                (_, Family::Boolean) => draft.one_of(*at, vec![Value::Boolean(wanted)]),
                (true, _) => draft.one_of(*at, vec![Value::whole(i128::from(wanted))]),
                _ => draft.bound(*at, if wanted { Op::NotEqual } else { Op::Equal }, Value::whole(0)),
            }
            Some(())
        }
        Term::Compare(op, left, right) => {
            let op = if wanted { *op } else { op.negated() };
            match (constant(left, about), constant(right, about)) {
                (None, Some(datum)) => measured(draft, about, op, left, &datum),
                (Some(datum), None) => measured(draft, about, op.turned(), right, &datum),
                _ => related(draft, about, op, left, right),
            }
        }
        Term::In(one, list) => listed(draft, about, one, list, wanted),
        Term::Call(name, list) if wanted => called(draft, about, name, list),
        _ => None,
    }
}

fn values(about: &About, at: usize, list: &[Term]) -> Option<Vec<Value>> {
    list.iter().map(|term| about.value(at, &constant(term, about)?)).collect()
}

fn listed(draft: &mut Draft<'_>, about: &Arc<About>, one: &Term, list: &[Term], wanted: bool) -> Option<()> {
    if let Some(at) = column(one, about) {
        let known: Vec<Value> = values(about, at, list)?.into_iter().filter(|value| !value.is_null()).collect();
        if wanted {
            draft.one_of(at, known);
        } else {
            draft.of(at).none_of.extend(known);
        }
        return Some(());
    }
    match one {
        Term::Call("lower" | "upper" | "trim", inner) if wanted => {
            let [inner] = inner.as_slice() else {
                return None;
            };
            listed(draft, about, inner, list, wanted)
        }
        _ => None,
    }
}

/// `expression op constant`.
fn measured(draft: &mut Draft<'_>, about: &Arc<About>, op: Op, term: &Term, datum: &Datum) -> Option<()> {
    if *datum == Datum::Null {
        // It is never true, and never false.
        return Some(());
    }
    if let Some(at) = column(term, about) {
        return bounded(draft, about, op, at, datum);
    }
    match term {
        Term::Cast(Type::Date, inner) => whole_days(draft, about, op, column(inner, about)?, datum),
        Term::Call(name, list) => match list.as_slice() {
            [inner] => of_one(draft, about, op, name, inner, datum),
            [left, right] => of_two(draft, about, op, name, (left, right), datum),
            [text, from, count] if *name == "substr" => {
                let count = length_of(&constant(count, about)?)?;
                (constant(from, about)? == Datum::Int(1)).then(|| starts(draft, about, op, text, count, datum))?
            }
            _ => None,
        },
        _ => None,
    }
}

fn bounded(draft: &mut Draft<'_>, about: &About, op: Op, at: usize, datum: &Datum) -> Option<()> {
    // `=` and `<>` find the cell's own spelling; the order of texts is a matter of collation.
    if matches!(datum, Datum::Text(..))
        && matches!(about.slots[at].family, Family::Enum | Family::Uuid | Family::Json)
        && !matches!(op, Op::Equal | Op::NotEqual)
    {
        return None;
    }
    let value = match (about.slots[at].family, datum) {
        // A bound between whole numbers stays one.
        (Family::Integer, Datum::Number(number)) => Value::Number(*number),
        _ => about.value(at, datum)?,
    };
    draft.bound(at, op, value);
    Some(())
}

/// `moment::date op date`.
fn whole_days(draft: &mut Draft<'_>, about: &About, op: Op, at: usize, datum: &Datum) -> Option<()> {
    let Datum::Date(date) = datum else {
        return None;
    };
    let midnight = |date: i32| Value::Timestamp(i64::from(date) * time::DAY);
    if about.slots[at].family != Family::Timestamp {
        return None;
    }
    match op {
        Op::Equal => {
            draft.bound(at, Op::AtLeast, midnight(*date));
            draft.bound(at, Op::Less, midnight(date.checked_add(1)?));
        }
        Op::Greater => draft.bound(at, Op::AtLeast, midnight(date.checked_add(1)?)),
        Op::AtMost => draft.bound(at, Op::Less, midnight(date.checked_add(1)?)),
        Op::Less | Op::AtLeast => draft.bound(at, op, midnight(*date)),
        Op::NotEqual => return None,
    }
    Some(())
}

fn of_one(draft: &mut Draft<'_>, about: &Arc<About>, op: Op, name: &str, inner: &Term, datum: &Datum) -> Option<()> {
    match name {
        "negative" => {
            let turned =
                value(&Term::Call("negative", vec![Term::Constant(datum.clone())]), Row { about, cells: &[] })?;
            measured(draft, about, op.turned(), inner, &turned)
        }
        "characters" | "bytes" => long(draft, about, op, inner, length_of(datum)?),
        "trim" | "ltrim" | "rtrim" => match (op, datum) {
            (Op::NotEqual, Datum::Text(text, _)) if text.is_empty() => long(draft, about, Op::AtLeast, inner, 1),
            (Op::Equal, _) => measured(draft, about, op, inner, datum),
            _ => None,
        },
        "lower" | "upper" => match op {
            Op::Equal => measured(draft, about, op, inner, datum),
            _ => None,
        },
        "json type" => match (op, datum) {
            (Op::Equal, Datum::Text(kind, _)) => {
                let kind = match kind.to_ascii_lowercase().as_str() {
                    "text" => "string".to_owned(),
                    "integer" | "real" | "double" => "number".to_owned(),
                    kind => kind.to_owned(),
                };
                let at = column(inner, about)?;
                let clash = Draft::fix(&mut draft.of(at).json, kind);
                draft.break_if(clash);
                Some(())
            }
            _ => None,
        },
        "abs" => match op {
            Op::Less | Op::AtMost => {
                let low =
                    value(&Term::Call("negative", vec![Term::Constant(datum.clone())]), Row { about, cells: &[] })?;
                measured(draft, about, op, inner, datum)?;
                measured(draft, about, op.turned(), inner, &low)
            }
            _ => None,
        },
        // Bounds in whole numbers are the same for what is rounded down or up to them.
        "floor" if matches!(op, Op::AtLeast | Op::Less) && matches!(datum, Datum::Int(_)) => {
            measured(draft, about, op, inner, datum)
        }
        "ceil" if matches!(op, Op::AtMost | Op::Greater) && matches!(datum, Datum::Int(_)) => {
            measured(draft, about, op, inner, datum)
        }
        _ => None,
    }
}

/// `length(text) op count`.
fn long(draft: &mut Draft<'_>, about: &About, op: Op, inner: &Term, count: i64) -> Option<()> {
    let at = match inner {
        // Texts are made without spaces around them.
        Term::Call("trim" | "ltrim" | "rtrim", list) => column(list.first()?, about)?,
        other => column(other, about)?,
    };
    let limit = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    let (least, most) = match op {
        Op::Equal => (Some(count), Some(count)),
        Op::AtLeast => (Some(count), None),
        Op::Greater => (Some(count + 1), None),
        Op::AtMost => (None, Some(count)),
        Op::Less => (None, Some(count - 1)),
        Op::NotEqual if count == 0 => (Some(1), None),
        Op::NotEqual => return None,
    };
    draft.break_if(most.is_some_and(|most| most < 0) && !about.slots[at].nullable);
    if most.is_some_and(|most| most < 0) {
        draft.set_null(at, true);
        return Some(());
    }
    draft.length(at, least.map(limit), most.map(limit));
    Some(())
}

fn of_two(
    draft: &mut Draft<'_>,
    about: &Arc<About>,
    op: Op,
    name: &'static str,
    (left, right): (&Term, &Term),
    datum: &Datum,
) -> Option<()> {
    match (name, constant(left, about), constant(right, about)) {
        ("+" | "-" | "*" | "/", ..) => {
            if let Some(total) = total(about, name, left, right, op, datum) {
                draft.total(total);
                return Some(());
            }
            let sum = Term::Call(name, vec![left.clone(), right.clone()]);
            isolated(draft, about, op, &sum, &Term::Constant(datum.clone()))
        }
        ("datediff", ..) => {
            let days = i64::try_from(match datum {
                Datum::Int(days) => *days,
                _ => return None,
            });
            let by = Interval { months: 0, days: days.ok()?, micros: 0 };
            let later = Term::Call("+", vec![right.clone(), Term::Constant(Datum::Interval(by))]);
            (column(left, about).is_some() && column(right, about).is_some())
                .then(|| isolated(draft, about, op, left, &later))?
        }
        ("%", None, Some(Datum::Int(step))) if op == Op::Equal && *datum == Datum::Int(0) && step != 0 => {
            let own = &mut draft.of(column(left, about)?).multiple_of;
            *own = Some(own.map_or(step.abs(), |own| own / common(own, step.abs()) * step.abs()));
            Some(())
        }
        ("part", Some(Datum::Text(field, _)), None) if field == "year" => {
            years(draft, about, op, right, length_of(datum)?)
        }
        ("left", None, Some(Datum::Int(count))) => starts(draft, about, op, left, i64::try_from(count).ok()?, datum),
        ("instr", None, Some(Datum::Text(part, _))) => {
            let before = match (op, length_of(datum)?) {
                (Op::Greater, before @ 0..) => before,
                (Op::NotEqual, 0) => 0,
                (Op::AtLeast, least @ 1..) => least - 1,
                _ => return None,
            };
            let before = "_".repeat(usize::try_from(before).ok()?);
            let like = format!("{before}%{}%", pattern::like_pattern(&escaped(&part), Some('\\'))?);
            draft.of(column(left, about)?).like.push(like);
            Some(())
        }
        ("locate", Some(_), None) => of_two(draft, about, op, "instr", (right, left), datum),
        _ => None,
    }
}

fn common(left: i128, right: i128) -> i128 {
    if right == 0 { left } else { common(right, left % right) }
}

/// A text as a LIKE pattern of itself.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// `left(text, count) = 'AB'`.
fn starts(draft: &mut Draft<'_>, about: &About, op: Op, text: &Term, count: i64, datum: &Datum) -> Option<()> {
    let Datum::Text(start, _) = datum else {
        return None;
    };
    let fits = usize::try_from(count).is_ok_and(|count| count == start.chars().count());
    if op != Op::Equal || !fits {
        return None;
    }
    let like = format!("{}%", escaped(start));
    draft.of(column(text, about)?).like.push(like);
    Some(())
}

/// `year(moment) op year`.
fn years(draft: &mut Draft<'_>, about: &About, op: Op, inner: &Term, year: i64) -> Option<()> {
    let at = column(inner, about)?;
    let start = |year: i64| {
        let date = i32::try_from(time::days(year, 1, 1)?).ok()?;
        about.value(at, &Datum::Date(date))
    };
    match op {
        Op::Equal => {
            draft.bound(at, Op::AtLeast, start(year)?);
            draft.bound(at, Op::Less, start(year + 1)?);
        }
        Op::AtLeast | Op::Less => draft.bound(at, op, start(year)?),
        Op::Greater => draft.bound(at, Op::AtLeast, start(year + 1)?),
        Op::AtMost => draft.bound(at, Op::Less, start(year + 1)?),
        Op::NotEqual => return None,
    }
    Some(())
}

fn called(draft: &mut Draft<'_>, about: &Arc<About>, name: &str, list: &[Term]) -> Option<()> {
    let own = || column(list.first()?, about);
    let text = |at: usize| match constant(list.get(at)?, about)? {
        Datum::Text(text, _) => Some(text),
        _ => None,
    };
    match name {
        "like" | "ilike" => {
            let escape = match (list.len(), about.engine) {
                (2, EngineKind::Sqlite) => None,
                (2, _) => Some('\\'),
                _ => text(2)?.chars().next(),
            };
            let like = pattern::like_pattern(&text(1)?, escape)?;
            draft.of(own()?).like.push(like);
        }
        "starts_with" => {
            let like = format!("{}%", escaped(&text(1)?));
            draft.of(own()?).like.push(like);
        }
        "regex" | "iregex" | "similar" | "glob" => {
            let expression = match name {
                "similar" => pattern::similar(&text(1)?)?,
                "glob" => pattern::glob(&text(1)?)?,
                _ => text(1)?,
            };
            pattern::regex(&expression, false, EngineKind::Postgres).or_else(|| regex::Regex::new(&expression).ok())?;
            draft.of(own()?).matches.push(expression);
        }
        "json valid" => {
            let at = own()?;
            if about.slots[at].family != Family::Json {
                let json = &mut draft.of(at).json;
                json.get_or_insert_with(|| "object".to_owned());
            }
        }
        _ => return None,
    }
    Some(())
}

/// `left op right`, both with columns.
fn related(draft: &mut Draft<'_>, about: &Arc<About>, op: Op, left: &Term, right: &Term) -> Option<()> {
    match (column(left, about), column(right, about)) {
        (Some(left), Some(right)) => {
            draft.relate(left, op, right);
            return Some(());
        }
        (Some(at), None) => {
            if is_itself(about, at, right) {
                return itself(draft, about, op, at, right);
            }
        }
        (None, Some(_)) => return related(draft, about, op.turned(), right, left),
        (None, None) => {}
    }
    isolated(draft, about, op, left, right).or_else(|| isolated(draft, about, op.turned(), right, left))
}

/// Whether an expression is a function of this column only.
fn is_itself(about: &About, at: usize, term: &Term) -> bool {
    matches!(term, Term::Call(_, list) if list.len() == 1 && column(&list[0], about) == Some(at))
}

/// `text = lower(text)`.
fn itself(draft: &mut Draft<'_>, about: &About, op: Op, at: usize, right: &Term) -> Option<()> {
    let Term::Call(name, _) = right else { return None };
    let case = match (*name, op) {
        ("lower", Op::Equal) => Case::Lower,
        ("upper", Op::Equal) => Case::Upper,
        _ => return None,
    };
    // Where case does not count there is nothing to say.
    if !matches!(about.slots[at].rule, Rule::Fold { .. } | Rule::NoCase) {
        let clash = Draft::fix(&mut draft.of(at).case, case);
        draft.break_if(clash);
    }
    Some(())
}

/// `a + b + c op constant`, each column once.
fn total(about: &About, name: &str, left: &Term, right: &Term, op: Op, datum: &Datum) -> Option<Total> {
    fn add(term: &Term, about: &About, columns: &mut Vec<usize>) -> Option<()> {
        if let Some(at) = column(term, about) {
            let number = matches!(about.slots[at].family, Family::Integer | Family::Numeric | Family::Real);
            let new = number && !columns.contains(&at);
            columns.push(at);
            return new.then_some(());
        }
        match term {
            Term::Call("+", list) => list.iter().try_for_each(|term| add(term, about, columns)),
            _ => None,
        }
    }
    if name != "+" || op == Op::NotEqual || !is_number(datum) {
        return None;
    }
    let mut columns = Vec::new();
    add(left, about, &mut columns)?;
    add(right, about, &mut columns)?;
    let value = match datum {
        Datum::Int(whole) => Value::whole(*whole),
        Datum::Number(number) => Value::Number(*number),
        Datum::Real(real) => Value::Real(*real),
        _ => return None,
    };
    Some(Total { columns, op, value })
}

/// Brings one column of `left` alone on its side: `a - b <= c` is `a <= c + b`.
fn isolated(draft: &mut Draft<'_>, about: &Arc<About>, op: Op, left: &Term, right: &Term) -> Option<()> {
    if let Some(at) = column(left, about) {
        if right.columns().contains(&at) {
            return None;
        }
        if let Some(datum) = constant(right, about) {
            return measured(draft, about, op, left, &datum);
        }
        draft.derive(Derived { column: at, op, expression: Expression::new(right.clone(), about, at) });
        return Some(());
    }
    let Term::Call(name, list) = left else {
        return None;
    };
    let [one, other] = list.as_slice() else {
        return None;
    };
    let over = |name: &'static str, with: &Term| Term::Call(name, vec![right.clone(), with.clone()]);
    let fixed = |term: &Term| constant(term, about);
    // The later column follows from the others.
    let last = |term: &Term| term.columns().last().copied();
    let prefers_other = last(other) > last(one);
    let by = |op: Op, datum: &Datum| Some(if is_positive(datum)? { op } else { op.turned() });
    match (*name, fixed(one), fixed(other)) {
        ("+", None, Some(_)) => isolated(draft, about, op, one, &over("-", other)),
        ("+", Some(_), None) => isolated(draft, about, op, other, &over("-", one)),
        ("+", ..) if prefers_other => isolated(draft, about, op, other, &over("-", one)),
        ("+", ..) => isolated(draft, about, op, one, &over("-", other)),
        ("-", Some(_), None) => isolated(draft, about, op.turned(), other, &turned_minus(one, right)),
        ("-", None, None) if prefers_other => isolated(draft, about, op.turned(), other, &turned_minus(one, right)),
        ("-", ..) => isolated(draft, about, op, one, &over("+", other)),
        ("*", None, Some(datum)) => isolated(draft, about, by(op, &datum)?, one, &quotient(about, right, &datum)?),
        ("*", Some(datum), None) => isolated(draft, about, by(op, &datum)?, other, &quotient(about, right, &datum)?),
        ("/", None, Some(datum)) if is_exact(about, one) => {
            isolated(draft, about, by(op, &datum)?, one, &over("*", other))
        }
        _ => None,
    }
}

fn turned_minus(left: &Term, right: &Term) -> Term {
    Term::Call("-", vec![left.clone(), right.clone()])
}

/// Whether a quotient of it has digits behind the point.
fn is_exact(about: &About, term: &Term) -> bool {
    about.is_mysql()
        || term.columns().iter().any(|at| matches!(about.slots[*at].family, Family::Numeric | Family::Real))
}

/// `right / datum` in exact numbers, whatever the engine makes of whole ones.
fn quotient(about: &About, right: &Term, datum: &Datum) -> Option<Term> {
    let numeric = |datum: &Datum| match datum {
        Datum::Int(whole) => Some(Datum::Number(Number::whole(*whole))),
        Datum::Number(_) | Datum::Real(_) => Some(datum.clone()),
        _ => None,
    };
    let divisor = Term::Constant(numeric(datum)?);
    let dividend = match constant(right, about) {
        Some(known) => Term::Constant(numeric(&known)?),
        None if about.engine == EngineKind::Sqlite => right.clone(),
        None => Term::Cast(Type::Number(None), Box::new(right.clone())),
    };
    Some(Term::Call("/", vec![dividend, divisor]))
}

/// Values of a column that satisfy a condition on it alone.
fn sampled(about: &About, term: &Term, at: usize) -> Option<Vec<Value>> {
    let mut cells: Vec<Option<Value>> = vec![None; about.slots.len()];
    let mut found: Vec<Value> = Vec::new();
    for value in candidates(about, term, at) {
        cells[at] = Some(value.clone());
        if truth(term, Row { about, cells: &cells }) == Truth::True && !found.contains(&value) {
            found.push(value);
            if found.len() == SAMPLES {
                break;
            }
        }
    }
    (!found.is_empty()).then_some(found)
}

fn candidates(about: &About, term: &Term, at: usize) -> Vec<Value> {
    let mut constants = Vec::new();
    literals(term, &mut constants);
    let near = |step: i128| {
        let number = |datum: &Datum| super::compare::exact(datum).and_then(|number| number.plus(Number::whole(step)));
        constants.iter().filter_map(number).map(Value::Number).collect::<Vec<_>>()
    };
    let own = constants.iter().filter_map(|datum| about.value(at, datum));
    let mut all: Vec<Value> = own.collect();
    match about.slots[at].family {
        Family::Integer | Family::Numeric | Family::Any => {
            all.extend([-1, 1].into_iter().flat_map(near));
            all.extend((0..1000).map(Value::whole));
            all.extend((1..100).map(|whole: i128| Value::whole(-whole)));
            all.extend(
                (1..=7).flat_map(|power| [1, 2, 5].map(|digit| Value::whole(digit * 1000 * 10_i128.pow(power)))),
            );
        }
        Family::Real => all.extend((-100..1000_i32).map(|whole| Value::Real(f64::from(whole) / 2.0))),
        Family::Boolean => all.extend([Value::Boolean(true), Value::Boolean(false)]),
        Family::Date => all.extend((10_957..23_000).step_by(13).map(Value::Date)),
        Family::Timestamp => {
            all.extend((10_957..23_000_i64).step_by(13).map(|day| Value::Timestamp(day * time::DAY + time::DAY / 2)));
        }
        Family::Time => all.extend((0..96).map(|quarter| Value::Time(quarter * time::DAY / 96))),
        Family::Text => {
            let parts: Vec<String> = constants
                .iter()
                .filter_map(|datum| match datum {
                    Datum::Text(text, _) => Some(text.clone()),
                    _ => None,
                })
                .collect();
            let words = [
                "a",
                "A",
                "0",
                "1",
                "ab",
                "AB",
                "12",
                "abc",
                "ABC",
                "123",
                "word",
                "Word",
                "A1",
                "a b",
                "x@example.com",
            ];
            all.extend(words.into_iter().map(Value::text));
            for part in &parts {
                all.extend(words.into_iter().flat_map(|word| {
                    [format!("{part}{word}"), format!("{word}{part}"), format!("{word}{part}{word}")].map(Value::text)
                }));
            }
        }
        Family::Json => all.extend(["{}", "[]", "{\"a\": 1}", "[1]", "\"a\"", "1", "true"].map(Value::text)),
        _ => {}
    }
    all
}

fn literals(term: &Term, found: &mut Vec<Datum>) {
    match term {
        Term::Constant(datum) => found.push(datum.clone()),
        other => other.parts().into_iter().for_each(|part| literals(part, found)),
    }
}
