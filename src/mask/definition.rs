//! What the table of masks says about each mask and its parameters. Plain data.

use super::nested;
use super::site::Site;
use super::{Mask, Misfit};
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
    /// The row: equal originals may get different values.
    Row,
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

/// What text masks learn from a column's originals, to replace them wherever else they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teaches {
    /// Nothing.
    Nothing,
    /// Each original as a whole.
    Whole,
    /// Each original as a whole, and each part of a person's name.
    Name,
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
    /// Several texts.
    Texts,
    /// Whole numbers, rising.
    Integers,
    /// Texts by text.
    Pairs,
    /// Whole numbers from 0 on, by text.
    Weights,
    /// A mask, as in a column's rule: its name, or a table with `mask`, `domain` and parameters.
    Mask,
    /// Masks by text.
    Masks,
}

impl fmt::Display for ParamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Integer(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Bool => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Scalar => f.write_str("text, a whole number, true or false"),
            Self::Texts => f.write_str("a list of texts"),
            Self::Integers => f.write_str("a list of rising whole numbers"),
            Self::Pairs => f.write_str("a table of texts"),
            Self::Weights => f.write_str("a table of whole numbers from 0 on"),
            Self::Mask => f.write_str("a mask"),
            Self::Masks => f.write_str("a table of masks"),
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
    /// Several values.
    List(Vec<Value>),
    /// Values by name.
    Table(BTreeMap<String, Value>),
}

impl Value {
    /// A text.
    #[must_use]
    pub const fn text(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A list of texts.
    #[must_use]
    pub fn texts(texts: &[&'static str]) -> Self {
        Self::List(texts.iter().copied().map(Self::text).collect())
    }

    /// A table.
    #[must_use]
    pub fn table<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Table(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The value as TOML spells it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{}\"", Spelled(text)),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::List(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Table(values) => {
                f.write_str("{")?;
                for (at, (name, value)) in values.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    let bare = !name.is_empty()
                        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
                    if bare {
                        write!(f, "{comma} {name} = {value}")?;
                    } else {
                        write!(f, "{comma} \"{}\" = {value}", Spelled(name))?;
                    }
                }
                f.write_str(" }")
            }
        }
    }
}

/// Text inside of a TOML string.
struct Spelled<'a>(&'a str);

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '"' | '\\' => write!(f, "\\{c}"),
            c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c)),
            c => write!(f, "{c}"),
        })
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

fn fits(kind: ParamKind, value: &Value) -> bool {
    match (kind, value) {
        (ParamKind::Text | ParamKind::Scalar | ParamKind::Mask, Value::Text(_))
        | (ParamKind::Bool | ParamKind::Scalar, Value::Bool(_))
        | (ParamKind::Scalar, Value::Integer(_))
        | (ParamKind::Mask | ParamKind::Masks, Value::Table(_)) => true,
        (ParamKind::Integer(least, most), Value::Integer(number)) => (least..=most).contains(number),
        (ParamKind::Choice(words), Value::Text(word)) => words.contains(&word.as_ref()),
        (ParamKind::Texts, Value::List(values)) => values.iter().all(|value| value.as_text().is_some()),
        (ParamKind::Pairs, Value::Table(values)) => values.values().all(|value| value.as_text().is_some()),
        (ParamKind::Weights, Value::Table(values)) => {
            values.values().all(|value| matches!(value, Value::Integer(weight) if *weight >= 0))
        }
        (ParamKind::Integers, Value::List(values)) => {
            let number = |value: &Value| if let Value::Integer(number) = value { Some(*number) } else { None };
            let numbers: Option<Vec<i64>> = values.iter().map(number).collect();
            numbers.is_some_and(|numbers| !numbers.is_empty() && numbers.windows(2).all(|pair| pair[0] < pair[1]))
        }
        _ => false,
    }
}

/// Parameters that no manifest repeats.
const SECRET: [&str; 1] = ["password_hash"];

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
            if !fits(param.kind, &value) {
                let why = format!("parameter '{name}' of mask {} must be {}", definition.name, param.kind);
                return Err(BadParam { name, unknown: false, why });
            }
            if let Err(bad) = nested::check(param.kind, &value) {
                let why = format!("parameter '{name}' of mask {}: {bad}", definition.name);
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

    /// A whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// The texts of a list; empty without it.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let list = match self.0.get(name) {
            Some(Value::List(values)) => values.as_slice(),
            _ => &[],
        };
        list.iter().filter_map(Value::as_text)
    }

    /// The entries of a table; empty without it.
    pub fn table(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let table = match self.0.get(name) {
            Some(Value::Table(values)) => Some(values),
            _ => None,
        };
        table.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// The plain parameters as text by name, for the manifest: enough to tell later what the mask could have written. Tables
    /// and lists, which may hold originals, and secrets are left out.
    #[must_use]
    pub fn plain(&self, definition: &Definition) -> BTreeMap<String, String> {
        let is_plain = |name: &str| {
            let kind = definition.params.iter().find(|param| param.name == name).map(|param| param.kind);
            let flat =
                matches!(kind, Some(ParamKind::Choice(_) | ParamKind::Text | ParamKind::Integer(..) | ParamKind::Bool));
            flat && !SECRET.contains(&name)
        };
        let text = |value: &Value| value.as_text().map_or_else(|| value.to_string(), str::to_owned);
        self.iter().filter(|(name, _)| is_plain(name)).map(|(name, value)| (name.to_owned(), text(value))).collect()
    }

    /// The parameters of which [`plain`](Self::plain) made text.
    ///
    /// # Errors
    /// The first one that `definition` does not take.
    pub fn of_plain(
        definition: &'static Definition,
        plain: &BTreeMap<String, String>,
    ) -> std::result::Result<Self, BadParam> {
        let value = |name: &String, text: &String| {
            let kind = definition.params.iter().find(|param| param.name == name).map(|param| param.kind);
            match kind {
                Some(ParamKind::Integer(..)) => text.parse().map_or(Value::Bool(false), Value::Integer),
                Some(ParamKind::Bool) => Value::Bool(text == "true"),
                _ => Value::Text(text.clone().into()),
            }
        };
        Self::new(definition, plain.iter().map(|(name, text)| (name.clone(), value(name, text))))
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
            write!(f, "{}{name} = {value}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// A made-up cell that documentation and review show masked.
#[derive(Debug)]
pub struct Example {
    /// Parameters.
    pub params: fn() -> Vec<(&'static str, Value)>,
    /// The cell, as text. Never real data.
    pub cell: &'static str,
}

impl Example {
    /// An example without parameters.
    #[must_use]
    pub const fn plain(cell: &'static str) -> Self {
        Self { params: Vec::new, cell }
    }

    /// The parameters, checked.
    ///
    /// # Errors
    /// The parameter that `definition` does not take; a test rules that out.
    pub fn params_of(&self, definition: &'static Definition) -> std::result::Result<Params, BadParam> {
        Params::new(definition, (self.params)().into_iter().map(|(name, value)| (name.to_owned(), value)))
    }
}

/// A mask, as documentation, policy and tests see it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing of its own, and a table of masks reads them by name"
)]
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
    /// Whether a cell with nothing in it to replace stays as it is, which other masks never do. The leak scan looks at what
    /// such a mask writes for the originals of every other column; the cell itself is no leak of itself.
    pub may_keep: bool,
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
    /// Whether masked cells show characters of the original: allowed in `dev` with a reason only.
    pub reveals: fn(&Params) -> bool,
    /// What text masks learn from its columns.
    pub teaches: fn(&Params) -> Teaches,
    /// Whether a program of the user's own decides, so that nothing can be shown or promised of its outputs.
    pub outside: bool,
    /// Whether it is made of the row's other masked cells, and so comes after them.
    pub after: bool,
    /// Whether it may ask what text masks have learned: then a capture reads the teaching columns first.
    pub asks: fn(&Params) -> bool,
    /// Whether this text may have been written by the mask, for masks whose outputs can be told from originals by looking.
    pub could_write: Option<fn(&Params, &str) -> bool>,
    /// A made-up original that the mask takes, another one for each number: for canaries, tests and benchmarks. Large numbers
    /// give originals that nothing resembles.
    pub sample: fn(u64) -> String,
}

impl Definition {
    /// What most masks have in common.
    pub(super) const BASE: Self = Self {
        name: "",
        about: "",
        version: 1,
        params: &[],
        accepts: &[Family::Text],
        unique: Uniqueness::None,
        determinism: Determinism::Value,
        tier: Tier::Pseudonym,
        keeps_original: false,
        takes_empty: false,
        takes_subject: false,
        domain: "",
        scan: |_| Scan::Identifier,
        build: |_, _| Ok(Box::new(Undefined)),
        examples: &[],
        reveals: |_| false,
        teaches: |_| Teaches::Nothing,
        outside: false,
        may_keep: false,
        after: false,
        asks: |_| false,
        could_write: None,
        sample: |number| format!("Person Number {number}"),
    };

    /// Whether the mask can be put on a column of `family`.
    #[must_use]
    pub fn accepts_family(&self, family: Family) -> bool {
        family == Family::Any || self.accepts.iter().any(|known| *known == family || *known == Family::Any)
    }
}

/// What a definition without a mask of its own builds: it refuses everything.
struct Undefined;

impl Mask for Undefined {
    fn mask(
        &self,
        _: crate::model::batch::Cell<'_>,
        _: &super::Row<'_>,
        _: &mut Vec<u8>,
    ) -> std::result::Result<crate::model::batch::CellKind, Misfit> {
        Err(Misfit("the mask has no definition"))
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
