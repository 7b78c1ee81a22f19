//! What the table of masks says about each mask, its parameters and the column it is built for. Plain data.

use super::Mask;
use super::key::DomainKey;
use crate::error::Result;
use crate::model::schema::Family;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Whether different originals give different masked values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// Always: a permutation, or the original itself.
    Exact,
    /// Practically: at least 80 keyed bits tell the values apart (n values meet with probability n²/2⁸¹).
    Tagged,
    /// There are no values left that could meet.
    Vacant,
    /// No. Refused on unique columns.
    None,
}

/// What decides a masked value, besides the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Determinism {
    /// Nothing: the same value in every row.
    Constant,
    /// One secret per domain, the same for every row.
    Domain,
    /// The original, or the row's subject where the policy names one.
    Value,
}

/// How much of the original is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// All of it.
    Kept,
    /// A part or a relation: distances of dates, a tail, a length class.
    Partial,
    /// Only that equal values stay equal.
    Pseudonym,
    /// Nothing.
    Removed,
}

/// How the leak scan treats the originals of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// Each original identifies somebody: looked for everywhere.
    Identifier,
    /// Originals may be plain words; only those with a digit, an `@` or four and more words are looked for.
    FreeText,
    /// Originals are too common to be told from other data (dates, cities), or are kept.
    Never,
}

/// A parameter's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Any text.
    Text,
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// True or false.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text, a whole number, or true or false.
    Scalar,
}

impl fmt::Display for ParamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Integer(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Bool => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Scalar => f.write_str("text, a whole number, true or false"),
        }
    }
}

/// A parameter of a mask.
#[derive(Debug)]
pub struct Param {
    /// Its key in the policy.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// Its type.
    pub kind: ParamKind,
    /// What happens without it, in words or as the value.
    pub default: &'static str,
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(Cow<'static, str>),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Bool(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Bool(flag) => write!(f, "{flag}"),
        }
    }
}

/// A parameter that its mask does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParam {
    /// The parameter.
    pub name: String,
    /// Whether the mask knows no parameter of that name.
    pub unknown: bool,
    /// A fragment that says what is wrong.
    pub why: String,
}

/// Parameters that a mask was given, checked against its definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<&'static str, Value>);

impl Params {
    /// Checks names and types.
    ///
    /// # Errors
    /// The first parameter that `definition` does not take.
    pub fn new(
        definition: &'static Definition,
        given: impl IntoIterator<Item = (String, Value)>,
    ) -> std::result::Result<Self, BadParam> {
        let mut params = BTreeMap::new();
        for (name, value) in given {
            let Some(param) = definition.params.iter().find(|param| param.name == name) else {
                let why = format!("mask {} has no parameter '{name}'", definition.name);
                return Err(BadParam { name, unknown: true, why });
            };
            let fits = match (param.kind, &value) {
                (ParamKind::Text | ParamKind::Scalar, Value::Text(_))
                | (ParamKind::Bool | ParamKind::Scalar, Value::Bool(_))
                | (ParamKind::Scalar, Value::Integer(_)) => true,
                (ParamKind::Integer(least, most), Value::Integer(number)) => (least..=most).contains(number),
                (ParamKind::Choice(words), Value::Text(word)) => words.contains(&word.as_ref()),
                _ => false,
            };
            if !fits {
                let why = format!("parameter '{name}' of mask {} must be {}", definition.name, param.kind);
                return Err(BadParam { name, unknown: false, why });
            }
            params.insert(param.name, value);
        }
        Ok(Self(params))
    }

    /// A text or choice.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A whole number, as a size.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<usize> {
        match self.0.get(name) {
            Some(Value::Integer(number)) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// True or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Any value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Names and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

/// `name = value, ...`, ordered by name; empty without parameters.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            match value {
                Value::Text(text) => write!(f, "{comma}{name} = \"{}\"", text.escape_debug())?,
                _ => write!(f, "{comma}{name} = {value}")?,
            }
        }
        Ok(())
    }
}

/// Where a mask is put to work.
#[derive(Debug)]
pub struct Site {
    /// The key of the column's domain.
    pub key: DomainKey,
    /// The longest value in characters that every column of the domain takes.
    pub max_chars: Option<u32>,
    /// What the column holds.
    pub family: Family,
    /// Whether a column of the domain is unique.
    pub unique: bool,
    /// Whether the column takes NULL.
    pub nullable: bool,
}

impl Site {
    /// The longest value in characters; without a limit, a very large number.
    #[must_use]
    pub fn room(&self) -> usize {
        self.max_chars.and_then(|chars| usize::try_from(chars).ok()).unwrap_or(usize::MAX)
    }

    /// A site without limits and with a fixed key.
    #[cfg(test)]
    pub(crate) fn for_tests(domain: &str) -> Self {
        let master = super::key::MasterKey::new(crate::secret::Secret32::new([7; 32]));
        let key = DomainKey::derive(&master, "tests", "dev", domain, 1);
        Self { key, max_chars: None, family: Family::Text, unique: false, nullable: true }
    }
}

/// A made-up cell that documentation and review show masked.
#[derive(Debug)]
pub struct Example {
    /// Parameters.
    pub params: &'static [(&'static str, Value)],
    /// The cell, as text. Never real data.
    pub cell: &'static str,
}

/// A mask, as documentation, policy and tests see it.
#[derive(Debug)]
pub struct Definition {
    /// Its name in the policy.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// The mask's version: a change of any output raises it.
    pub version: u32,
    /// Its parameters.
    pub params: &'static [Param],
    /// The families it can be put on; an entry `Any` stands for every family. A column of the family `Any` takes every
    /// mask, and each of its cells is looked at.
    pub accepts: &'static [Family],
    /// Whether different originals stay different.
    pub unique: Uniqueness,
    /// What decides the masked value.
    pub determinism: Determinism,
    /// How much of the original is left.
    pub tier: Tier,
    /// Whether cells are copied as they are.
    pub keeps_original: bool,
    /// Whether it replaces NULL and the empty text too.
    pub takes_empty: bool,
    /// Whether a row's subject can key it.
    pub takes_subject: bool,
    /// The domain when the policy names none; empty for masks without a key.
    pub domain: &'static str,
    /// How the leak scan treats originals.
    pub scan: fn(&Params) -> Scan,
    /// Builds the mask for a column.
    pub build: fn(&Site, &Params) -> Result<Box<dyn Mask>>,
    /// What it does, shown.
    pub examples: &'static [Example],
}

impl Definition {
    /// Whether the mask can be put on a column of `family`.
    #[must_use]
    pub fn accepts_family(&self, family: Family) -> bool {
        family == Family::Any || self.accepts.iter().any(|known| *known == family || *known == Family::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::find;

    fn params(mask: &str, name: &str, value: Value) -> std::result::Result<Params, BadParam> {
        Params::new(find(mask).unwrap(), [(name.to_owned(), value)])
    }

    #[test]
    fn names_types_and_bounds_are_checked() {
        assert_eq!(params("hash", "length", Value::Integer(12)).unwrap().to_string(), "length = 12");
        assert!(!params("hash", "length", Value::Integer(1000)).unwrap_err().unknown);
        assert!(params("hash", "len", Value::Integer(12)).unwrap_err().unknown);
        let wrong = params("address", "part", Value::Text("planet".into())).unwrap_err();
        assert_eq!(wrong.why, "parameter 'part' of mask address must be one of line, street, city, region, postal");
        assert!(params("fixed", "value", Value::Bool(true)).is_ok());
    }
}
