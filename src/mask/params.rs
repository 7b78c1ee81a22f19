//! Parameters of masks: their types, the values that a policy gives, and whether both agree.

use super::definition::Definition;
use super::nested;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

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
            let number = |value: &Value| {
                if let Value::Integer(number) = value { Some(*number) } else { None }
            };
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

    /// Whether one of them is a secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        SECRET.iter().any(|name| self.0.contains_key(name))
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
