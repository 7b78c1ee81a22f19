//! The TOML of a profile as a tree that knows where everything stands, held against the shape that it must have: after that,
//! reading it cannot fail on keys or types.

use super::shape::{Key, Shape};
use crate::error::{Error, Kind, Result};
use crate::model::names::did_you_mean;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in the file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Something that is written in the file.
#[derive(Debug, Clone)]
pub(in crate::generate) struct Node {
    pub(in crate::generate) place: Place,
    pub(in crate::generate) data: Data,
}

/// What it is.
#[derive(Debug, Clone)]
pub(in crate::generate) enum Data {
    Text(String),
    Whole(i64),
    Real(f64),
    Flag(bool),
    /// A date, or date and time, as written.
    Moment(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(in crate::generate) struct Entry {
    pub(in crate::generate) key: String,
    pub(in crate::generate) place: Place,
    pub(in crate::generate) node: Node,
}

impl Node {
    /// The value of `key`, where this is a table that has it.
    pub(in crate::generate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub(in crate::generate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Table(entries) => entries,
            _ => &[],
        }
    }

    pub(in crate::generate) fn items(&self) -> &[Self] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    pub(in crate::generate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) | Data::Moment(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::generate) fn flag(&self) -> Option<bool> {
        match self.data {
            Data::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "shares, weights and amounts that people write are small")]
    pub(in crate::generate) fn number(&self) -> Option<f64> {
        match self.data {
            Data::Whole(number) => Some(number as f64),
            Data::Real(number) => Some(number),
            _ => None,
        }
    }

    pub(in crate::generate) fn whole(&self) -> Option<u64> {
        match self.data {
            Data::Whole(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    /// A scalar as text, as it is written.
    pub(in crate::generate) fn scalar(&self) -> Option<String> {
        match &self.data {
            Data::Text(text) | Data::Moment(text) => Some(text.clone()),
            Data::Whole(number) => Some(number.to_string()),
            Data::Real(number) => Some(number.to_string()),
            Data::Flag(flag) => Some(flag.to_string()),
            Data::List(_) | Data::Table(_) => None,
        }
    }

    /// One text or a list of them, as a list.
    pub(in crate::generate) fn texts(&self) -> Vec<String> {
        match self.text() {
            Some(text) => vec![text.to_owned()],
            None => self.items().iter().filter_map(Self::text).map(str::to_owned).collect(),
        }
    }

    fn word(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "string",
            Data::Whole(_) => "integer",
            Data::Real(_) => "float",
            Data::Flag(_) => "boolean",
            Data::Moment(_) => "datetime",
            Data::List(_) => "array",
            Data::Table(_) => "table",
        }
    }
}

/// Reads a file.
pub(in crate::generate) struct Reader<'a> {
    pub(in crate::generate) file: &'a str,
    text: &'a str,
}

impl<'a> Reader<'a> {
    pub(in crate::generate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text: text.strip_prefix('\u{feff}').unwrap_or(text) }
    }

    /// The tree, which has the shape.
    pub(in crate::generate) fn read(&self, shape: &Shape) -> Result<Node> {
        let root = DeTable::parse(self.text).map_err(|error| {
            let place = self.place(error.span().map_or(0, |span| span.start));
            self.error(Kind::Usage, place, format!("this is not TOML: {}", error.message()))
        })?;
        let root = Node { place: Place { line: 1, column: 1 }, data: Data::Table(self.entries(root.get_ref())) };
        self.fits(shape, &root, "the profile")?;
        Ok(root)
    }

    fn entries(&self, table: &DeTable<'_>) -> Vec<Entry> {
        let mut entries: Vec<(usize, Entry)> = table
            .iter()
            .map(|(key, value)| {
                let place = self.place(key.span().start);
                (key.span().start, Entry { key: key.get_ref().to_string(), place, node: self.node(value) })
            })
            .collect();
        // As they stand in the file: of several sections that speak of a column, the last one counts.
        entries.sort_by_key(|(at, _)| *at);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let data = match value.get_ref() {
            DeValue::String(text) => Data::Text(text.to_string()),
            DeValue::Integer(number) => {
                let whole = i64::from_str_radix(number.as_str(), number.radix()).ok();
                whole.map_or(Data::Real(f64::NAN), Data::Whole)
            }
            DeValue::Float(number) => Data::Real(number.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Data::Flag(*flag),
            DeValue::Datetime(moment) => Data::Moment(moment.to_string()),
            DeValue::Array(items) => Data::List(items.iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => Data::Table(self.entries(table)),
        };
        Node { place: self.place(value.span().start), data }
    }

    /// Holds a node against the shape it must have; `what` names it.
    fn fits(&self, shape: &Shape, node: &Node, what: &str) -> Result<()> {
        if !shape.takes(node) {
            let error =
                self.error(Kind::Usage, node.place, format!("this must be {shape}, and is of type {}", node.word()));
            return Err(match shape {
                Shape::Word(words) => error.hint(
                    node.text()
                        .and_then(|text| did_you_mean(text, words.iter().copied()))
                        .unwrap_or_else(|| format!("It is one of {}.", words.join(", "))),
                ),
                _ => error,
            });
        }
        match shape {
            Shape::List(of) => node.items().iter().try_for_each(|item| self.fits(of, item, what)),
            Shape::Map(of) => node.entries().iter().try_for_each(|entry| self.fits(of, &entry.node, &entry.key)),
            Shape::Keys(keys) => self.keys(keys, node, what),
            Shape::Either(shapes) => match shapes.iter().find(|shape| shape.takes(node)) {
                Some(shape) => self.fits(shape, node, what),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn keys(&self, keys: &[Key], node: &Node, what: &str) -> Result<()> {
        for entry in node.entries() {
            let Some(key) = keys.iter().find(|key| key.name == entry.key) else {
                let error = self.error(Kind::Usage, entry.place, format!("unknown key '{}'", entry.key.escape_debug()));
                let known = || keys.iter().map(|key| key.name);
                let hint = did_you_mean(&entry.key, known());
                return Err(error
                    .hint(hint.unwrap_or_else(|| format!("Known here: {}.", known().collect::<Vec<_>>().join(", ")))));
            };
            self.fits(key.shape, &entry.node, key.name)?;
        }
        match keys.iter().find(|key| key.needed && node.get(key.name).is_none()) {
            Some(key) => {
                let what = format!("{} has no '{}'", what.escape_debug(), key.name);
                Err(self.error(Kind::Usage, node.place, what).hint(format!("{}: {}", key.name, key.about)))
            }
            None => Ok(()),
        }
    }

    /// An error with its place in the file in front.
    pub(in crate::generate) fn error(&self, kind: Kind, place: Place, what: impl fmt::Display) -> Error {
        Error::new(kind, format!("{}:{place}: {what}", self.file))
    }

    fn place(&self, at: usize) -> Place {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}
