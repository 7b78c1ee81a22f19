//! A condition as a tree: few forms, whatever the engine writes.

use super::datum::{Datum, Rule, Type};
use crate::generate::restriction::Op;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Constant(Datum),
    /// A column, by index.
    Column(usize),
    Not(Box<Term>),
    All(Vec<Term>),
    Any(Vec<Term>),
    Compare(Op, Box<Term>, Box<Term>),
    /// Equal, and NULL equals NULL.
    Same(Box<Term>, Box<Term>),
    IsNull(Box<Term>),
    /// `IS TRUE`, `IS FALSE`.
    Is(Box<Term>, bool),
    In(Box<Term>, Vec<Term>),
    /// An operator or function, by the name it has in `functions`.
    Call(&'static str, Vec<Term>),
    /// The first result whose condition is true, or the last one.
    Case(Vec<(Term, Term)>, Box<Term>),
    Cast(Type, Box<Term>),
    Collate(Rule, Box<Term>),
    /// Several values as one.
    Row(Vec<Term>),
}

impl Term {
    pub(super) const NULL: Self = Self::Constant(Datum::Null);

    /// What it is made of.
    pub(super) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Constant(_) | Self::Column(_) => Vec::new(),
            Self::Not(one) | Self::IsNull(one) | Self::Is(one, _) | Self::Cast(_, one) | Self::Collate(_, one) => {
                vec![one]
            }
            Self::All(list) | Self::Any(list) | Self::Call(_, list) | Self::Row(list) => list.iter().collect(),
            Self::Compare(_, left, right) | Self::Same(left, right) => vec![left, right],
            Self::In(one, list) => std::iter::once(one.as_ref()).chain(list).collect(),
            Self::Case(whens, last) => {
                whens.iter().flat_map(|(when, then)| [when, then]).chain([last.as_ref()]).collect()
            }
        }
    }

    /// The columns that it reads, in their order, each once.
    pub(super) fn columns(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found.sort_unstable();
        found.dedup();
        found
    }

    fn collect(&self, found: &mut Vec<usize>) {
        if let Self::Column(at) = self {
            found.push(*at);
        }
        for part in self.parts() {
            part.collect(found);
        }
    }
}

impl Op {
    /// The comparison that holds where this one does not.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Greater => Self::AtMost,
            Self::AtLeast => Self::Less,
        }
    }

    /// The same comparison with its sides changed over.
    #[must_use]
    pub fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }

    /// Whether it holds for sides in this order.
    #[must_use]
    pub fn takes(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}
