//! What must hold for a row to pass: a condition without NOT, in single demands joined by AND and OR.

use super::compare::is_number;
use super::datum::{About, Datum, Type};
use super::evaluate::{Row, truth, value};
use super::tree::Term;
use crate::generate::restriction::Op;
use crate::generate::value::Value;

/// A demand.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Goal {
    /// A single one.
    Atom(Atom),
    /// All of them; the empty one always holds.
    All(Vec<Goal>),
    /// At least one of them; the empty one never holds.
    Any(Vec<Goal>),
}

/// A condition that must not be false, or must be true.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Atom {
    /// The condition.
    pub(super) term: Term,
    /// Whether it must be true; else that it is NULL will do.
    pub(super) strict: bool,
    /// Which check demands it.
    pub(super) check: usize,
    /// Values that satisfy it, where it speaks of one column and has no other form.
    pub(super) samples: Option<Vec<Value>>,
}

/// More columns than this are not tried in every combination of NULL and not NULL.
const MOST_NULLS: usize = 6;

/// Takes a condition apart.
#[derive(Clone, Copy)]
pub(super) struct Demand<'a> {
    pub(super) about: &'a About,
    pub(super) check: usize,
    /// What the condition must be.
    pub(super) wanted: bool,
    /// Whether NULL will not do.
    pub(super) strict: bool,
}

/// The value of an expression without columns.
pub(super) fn constant(term: &Term, about: &About) -> Option<Datum> {
    if !term.columns().is_empty() {
        return None;
    }
    value(term, Row { about, cells: &[] })
}

fn compared(op: Op, left: &Term, right: &Term) -> Term {
    Term::Compare(op, Box::new(left.clone()), Box::new(right.clone()))
}

fn is_null(term: &Term) -> Term {
    Term::IsNull(Box::new(term.clone()))
}

/// Whether an expression is a truth value, whatever its columns hold.
fn is_condition(term: &Term) -> bool {
    match term {
        Term::Not(_)
        | Term::All(_)
        | Term::Any(_)
        | Term::Compare(..)
        | Term::Same(..)
        | Term::IsNull(_)
        | Term::Is(..)
        | Term::In(..) => true,
        Term::Call(name, _) => {
            matches!(
                *name,
                "like"
                    | "ilike"
                    | "regex"
                    | "iregex"
                    | "similar"
                    | "glob"
                    | "globbed"
                    | "xor"
                    | "json valid"
                    | "starts_with"
                    | "?"
            )
        }
        Term::Cast(Type::Int | Type::Bool, inner) => is_condition(inner),
        _ => false,
    }
}

impl Demand<'_> {
    fn with(self, wanted: bool, strict: bool) -> Self {
        Self { wanted, strict, ..self }
    }

    fn atom(self, term: Term) -> Goal {
        let term = if self.wanted { term } else { Term::Not(Box::new(term)) };
        Goal::Atom(Atom { term, strict: self.strict, check: self.check, samples: None })
    }

    /// That an expression is NULL, or is not.
    fn null(self, term: &Term, wanted: bool) -> Goal {
        self.with(wanted, true).goal(&is_null(term))
    }

    /// The demands of a condition.
    pub(super) fn goal(self, term: &Term) -> Goal {
        if term.columns().is_empty() {
            let found = truth(term, Row { about: self.about, cells: &[] });
            let found = if self.wanted { found } else { found.not() };
            let holds = found == super::Truth::True || found == super::Truth::Unknown && !self.strict;
            return match found {
                super::Truth::Cannot => self.atom(term.clone()),
                _ if holds => Goal::All(Vec::new()),
                _ => Goal::Any(Vec::new()),
            };
        }
        if let Some(goal) = self.nulls(term) {
            return goal;
        }
        match term {
            Term::Not(inner) => self.with(!self.wanted, self.strict).goal(inner),
            Term::All(list) if self.wanted => Goal::All(list.iter().map(|term| self.goal(term)).collect()),
            Term::Any(list) if !self.wanted => Goal::All(list.iter().map(|term| self.goal(term)).collect()),
            Term::Any(list) => Goal::Any(gathered(list, self.about).iter().map(|term| self.goal(term)).collect()),
            Term::All(list) => Goal::Any(list.iter().map(|term| self.goal(term)).collect()),
            Term::Is(inner, true) if self.wanted => self.with(true, true).goal(inner),
            Term::Is(inner, false) if self.wanted => self.with(false, true).goal(inner),
            Term::Is(inner, flag) => self.with(!flag, false).goal(inner),
            Term::IsNull(inner) => self.of_null(inner),
            Term::Compare(op, left, right) => {
                self.comparison(if self.wanted { *op } else { op.negated() }, left, right)
            }
            Term::Same(left, right) => self.same(left, right),
            Term::In(one, list) => self.list(one, list),
            Term::Case(whens, last) => self.cases(whens, last, &|demand, term| demand.goal(term)),
            Term::Cast(Type::Bool | Type::Int, inner) if is_condition(inner) => self.goal(inner),
            Term::Call("coalesce", list) => match list.as_slice() {
                [one, last] => match truth(last, Row { about: self.about, cells: &[] }) {
                    // NULL counts as what is wanted, or as what is not.
                    super::Truth::True => self.with(self.wanted, !self.wanted).goal(one),
                    super::Truth::False => self.with(self.wanted, self.wanted).goal(one),
                    _ => self.atom(term.clone()),
                },
                _ => self.atom(term.clone()),
            },
            Term::Call("xor", list) => match list.as_slice() {
                [left, right] => self.either(left, right, self.wanted),
                _ => self.atom(term.clone()),
            },
            other => self.atom(other.clone()),
        }
    }

    /// A condition that asks of its columns only whether they are NULL: every combination that will do.
    fn nulls(self, term: &Term) -> Option<Goal> {
        let columns = term.columns();
        if matches!(term, Term::IsNull(inner) if matches!(**inner, Term::Column(_)))
            || matches!(term, Term::All(_) | Term::Any(_) | Term::Not(_))
            || columns.len() > MOST_NULLS
            || !asks_for_null(term)
        {
            return None;
        }
        let mut cells: Vec<Option<Value>> = vec![None; self.about.slots.len()];
        let mut found = Vec::new();
        for pattern in 0..1_u32 << columns.len() {
            let is_null_at = |at: usize| pattern >> at & 1 == 1;
            for (at, column) in columns.iter().enumerate() {
                cells[*column] = Some(if is_null_at(at) { Value::Null } else { Value::whole(1) });
            }
            let outcome = truth(term, Row { about: self.about, cells: &cells });
            let outcome = if self.wanted { outcome } else { outcome.not() };
            if outcome == super::Truth::True || outcome == super::Truth::Unknown && !self.strict {
                let one = |(at, column): (usize, &usize)| self.null(&Term::Column(*column), is_null_at(at));
                found.push(Goal::All(columns.iter().enumerate().map(one).collect()));
            }
        }
        Some(Goal::Any(found))
    }

    /// Whether an expression is NULL.
    fn of_null(self, inner: &Term) -> Goal {
        let plain = || self.atom(is_null(inner));
        match inner {
            Term::Cast(_, inner) | Term::Collate(_, inner) => self.of_null(inner),
            Term::Call("coalesce", list) => {
                let each = list.iter().map(|term| self.null(term, self.wanted)).collect();
                if self.wanted { Goal::All(each) } else { Goal::Any(each) }
            }
            Term::Call("nullif", list) => match list.as_slice() {
                [left, right] if !self.wanted => {
                    let differs = self.with(true, true).goal(&compared(Op::NotEqual, left, right));
                    Goal::All(vec![self.null(left, false), differs])
                }
                [left, right] => {
                    let same = self.with(true, true).goal(&compared(Op::Equal, left, right));
                    Goal::Any(vec![self.null(left, true), same])
                }
                _ => plain(),
            },
            // What is NULL if and only if one of its columns is.
            Term::Compare(..) | Term::Call("+" | "-" | "*" | "||" | "lower" | "upper" | "trim" | "characters", _) => {
                let columns = inner.columns().into_iter().map(|at| self.null(&Term::Column(at), self.wanted)).collect();
                if self.wanted { Goal::Any(columns) } else { Goal::All(columns) }
            }
            _ => plain(),
        }
    }

    fn same(self, left: &Term, right: &Term) -> Goal {
        match (constant(left, self.about), constant(right, self.about)) {
            (_, Some(Datum::Null)) => self.of_null(left),
            (Some(Datum::Null), _) => self.of_null(right),
            (None, Some(_)) if self.wanted => self.with(true, true).goal(&compared(Op::Equal, left, right)),
            (None, Some(_)) => Goal::Any(vec![self.null(left, true), self.comparison(Op::NotEqual, left, right)]),
            (Some(_), None) => self.same(right, left),
            _ if self.wanted => {
                let nulls = vec![self.null(left, true), self.null(right, true)];
                Goal::Any(vec![self.with(true, true).goal(&compared(Op::Equal, left, right)), Goal::All(nulls)])
            }
            _ => {
                let differ = self.with(true, true).goal(&compared(Op::NotEqual, left, right));
                let one = |null: bool| Goal::All(vec![self.null(left, null), self.null(right, !null)]);
                Goal::Any(vec![differ, one(true), one(false)])
            }
        }
    }

    /// That both conditions are the same, or that they are not.
    fn either(self, left: &Term, right: &Term, differ: bool) -> Goal {
        let both = |one: bool, other: bool| {
            Goal::All(vec![self.with(one, self.strict).goal(left), self.with(other, self.strict).goal(right)])
        };
        Goal::Any(vec![both(true, !differ), both(false, differ)])
    }

    fn list(self, one: &Term, list: &[Term]) -> Goal {
        let values: Option<Vec<Datum>> = list.iter().map(|term| constant(term, self.about)).collect();
        let one_by_one =
            |op: Op| list.iter().map(|term| self.with(true, self.strict).comparison(op, one, term)).collect();
        match (values, self.wanted) {
            (Some(values), wanted) if !is_condition(one) && !is_case(one) => {
                // NULL in a list makes NOT IN unknown at best.
                let known = values.into_iter().filter(|datum| wanted || self.strict || *datum != Datum::Null);
                self.atom(Term::In(Box::new(one.clone()), known.map(Term::Constant).collect()))
            }
            (_, true) => Goal::Any(one_by_one(Op::Equal)),
            (_, false) => Goal::All(one_by_one(Op::NotEqual)),
        }
    }

    /// `left op right`, which is wanted.
    fn comparison(self, op: Op, left: &Term, right: &Term) -> Goal {
        let demand = self.with(true, self.strict);
        if matches!(op, Op::Equal | Op::NotEqual) && (is_condition(left) || is_condition(right)) {
            let flag = |term: &Term| match constant(term, self.about)? {
                Datum::Bool(flag) => Some(flag),
                Datum::Int(whole @ 0..=1) => Some(whole == 1),
                _ => None,
            };
            match (flag(left), flag(right)) {
                (None, Some(flag)) => {
                    return demand.with(flag == (op == Op::Equal), self.strict).goal(left);
                }
                (Some(flag), None) => {
                    return demand.with(flag == (op == Op::Equal), self.strict).goal(right);
                }
                (None, None) if is_condition(left) && is_condition(right) => {
                    return demand.either(left, right, op == Op::NotEqual);
                }
                _ => {}
            }
        }
        if is_case(right) && !is_case(left) {
            return self.comparison(op.turned(), right, left);
        }
        match left {
            Term::Case(whens, last) => {
                demand.cases(whens, last, &|demand, term| demand.with(true, self.strict).comparison(op, term, right))
            }
            Term::Call("coalesce", list) => match list.as_slice() {
                [] => demand.atom(compared(op, left, right)),
                [only] => demand.comparison(op, only, right),
                [first, rest @ ..] => {
                    let rest = Term::Call("coalesce", rest.to_vec());
                    let held = vec![demand.null(first, false), demand.comparison(op, first, right)];
                    let else_held = vec![demand.null(first, true), demand.comparison(op, &rest, right)];
                    Goal::Any(vec![Goal::All(held), Goal::All(else_held)])
                }
            },
            Term::Call(name @ ("greatest" | "least"), list) => {
                let is_all = match (*name, op) {
                    ("greatest", Op::Less | Op::AtMost) | ("least", Op::Greater | Op::AtLeast) => true,
                    ("greatest", Op::Greater | Op::AtLeast) | ("least", Op::Less | Op::AtMost) => false,
                    _ => return demand.atom(compared(op, left, right)),
                };
                let each = |demand: Self| list.iter().map(|term| demand.comparison(op, term, right)).collect();
                if is_all { Goal::All(each(demand)) } else { Goal::Any(each(demand.with(true, true))) }
            }
            _ => demand.atom(compared(op, left, right)),
        }
    }

    /// One of the branches: none before it is taken, and what it results in is as it must be.
    fn cases(self, whens: &[(Term, Term)], last: &Term, result: &dyn Fn(Self, &Term) -> Goal) -> Goal {
        let mut branches = Vec::new();
        let mut before: Vec<Goal> = Vec::new();
        for (when, then) in whens {
            let mut branch = before.clone();
            branch.push(self.with(true, true).goal(when));
            branch.push(result(self, then));
            branches.push(Goal::All(branch));
            before.push(self.with(false, false).goal(when));
        }
        before.push(result(self, last));
        branches.push(Goal::All(before));
        Goal::Any(branches)
    }
}

fn is_case(term: &Term) -> bool {
    matches!(term, Term::Case(..) | Term::Call("coalesce" | "greatest" | "least", _))
}

fn asks_for_null(term: &Term) -> bool {
    let columns = |list: &[Term]| list.iter().all(|term| matches!(term, Term::Column(_)));
    match term {
        Term::Column(_) => false,
        Term::IsNull(inner) if matches!(**inner, Term::Column(_)) => true,
        Term::Call("num_nulls" | "num_nonnulls", list) => columns(list),
        other => other.parts().into_iter().all(asks_for_null),
    }
}

/// `x = 1 OR x = 2 OR ...` is `x IN (1, 2, ...) OR ...`.
fn gathered(list: &[Term], about: &About) -> Vec<Term> {
    let mut all: Vec<Term> = Vec::new();
    for term in list {
        let (one, values) = match term {
            Term::Compare(Op::Equal, left, right) if constant(right, about).is_some() => {
                (left, vec![(**right).clone()])
            }
            Term::In(one, values) if values.iter().all(|value| constant(value, about).is_some()) => {
                (one, values.clone())
            }
            other => {
                all.push(other.clone());
                continue;
            }
        };
        let known = all.iter_mut().find_map(|own| match own {
            Term::In(own, list) if own == one => Some(list),
            _ => None,
        });
        match known {
            Some(list) => list.extend(values),
            None if is_condition(one) || matches!(**one, Term::Row(_)) || one.columns().is_empty() => {
                all.push(term.clone());
            }
            None => all.push(Term::In(one.clone(), values)),
        }
    }
    all
}

/// Whether a value is a number other than zero, for division.
pub(super) fn is_positive(datum: &Datum) -> Option<bool> {
    if !is_number(datum) {
        return None;
    }
    super::compare::real(datum).filter(|real| *real != 0.0).map(|real| real > 0.0)
}
