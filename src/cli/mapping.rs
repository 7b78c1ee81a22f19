//! `[restore.map]` of the configuration, with the place of every name in it.

use crate::error::{Error, Result};
use crate::run::drift::{Cast, Map, Named, TableMap, Value};
use crate::run::marking::Marker;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// `[restore]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RestoreSection {
    marker: Option<Marker>,
    map: Tables,
    environments: Environments,
}

type Tables = BTreeMap<Spanned<String>, TableSection>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Environments {
    dev: Environment,
    staging: Environment,
    production: Environment,
}

/// What an environment says in place of what is said for all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Environment {
    marker: Option<Marker>,
    map: Tables,
}

/// `[restore.map.TABLE]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TableSection {
    to: Option<Spanned<String>>,
    rename: BTreeMap<Spanned<String>, Spanned<String>>,
    drop: Vec<Spanned<String>>,
    default: BTreeMap<Spanned<String>, toml::Value>,
    cast: BTreeMap<Spanned<String>, CastWord>,
    labels: BTreeMap<Spanned<String>, BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CastWord {
    Exact,
    Truncate,
}

/// The file that names are in: what it is called, and its text.
pub(super) struct Written<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Written<'_> {
    fn named(&self, name: &Spanned<String>) -> Named {
        let before = &self.text[..name.span().start.min(self.text.len())];
        let place = format!("{}:{}", self.name, before.matches('\n').count() + 1);
        Named { name: name.get_ref().clone(), place }
    }

    fn value(&self, name: &Spanned<String>, value: &toml::Value) -> Result<(Named, Value)> {
        let named = self.named(name);
        let value = match value {
            toml::Value::String(text) => Value::Text(text.clone()),
            toml::Value::Integer(number) => Value::Integer(*number),
            toml::Value::Float(number) => Value::Real(*number),
            toml::Value::Boolean(yes) => Value::Boolean(*yes),
            toml::Value::Datetime(moment) => Value::Text(moment.to_string().replace('T', " ")),
            toml::Value::Array(_) | toml::Value::Table(_) => {
                return Err(Error::usage(format!("{}: a default is one value", named.place))
                    .hint("Write a text, a number, true or false, or a date. JSON is a text."));
            }
        };
        Ok((named, value))
    }

    fn table(&self, name: &Spanned<String>, section: &TableSection) -> Result<TableMap> {
        let cast = |word: &CastWord| match word {
            CastWord::Exact => Cast::Exact,
            CastWord::Truncate => Cast::Truncate,
        };
        let labels = |labels: &BTreeMap<String, String>| labels.clone().into_iter().collect();
        Ok(TableMap {
            table: self.named(name),
            to: section.to.as_ref().map(|to| self.named(to)),
            rename: section.rename.iter().map(|(from, to)| (self.named(from), self.named(to))).collect(),
            drop: section.drop.iter().map(|name| self.named(name)).collect(),
            default: section.default.iter().map(|(name, value)| self.value(name, value)).collect::<Result<_>>()?,
            cast: section.cast.iter().map(|(name, word)| (self.named(name), cast(word))).collect(),
            labels: section.labels.iter().map(|(name, words)| (self.named(name), labels(words))).collect(),
        })
    }
}

impl RestoreSection {
    /// How rows in a target of `environment` are marked.
    pub(super) fn marker(&self, named: Option<Marker>, environment: &str) -> Marker {
        let of = match environment {
            "staging" => &self.environments.staging,
            "production" => &self.environments.production,
            _ => &self.environments.dev,
        };
        named.or(of.marker).or(self.marker).unwrap_or_default()
    }

    /// The map for an environment: its own section of a table takes the place of the common one.
    pub(super) fn map(&self, environment: &str, file: &Written<'_>) -> Result<Map> {
        let none = Tables::new();
        let own = match environment {
            "dev" => &self.environments.dev.map,
            "staging" => &self.environments.staging.map,
            "production" => &self.environments.production.map,
            _ => &none,
        };
        let common = self.map.iter().filter(|(name, _)| !own.contains_key(*name));
        let tables = common.chain(own).map(|(name, section)| file.table(name, section)).collect::<Result<_>>()?;
        Ok(Map { tables })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_with_its_places() {
        let text = "map.clients.to = \"customers\"\n[map.clients.rename]\n\"status id\" = \"statusId\"\n\
            [map.orders]\ndrop = [\n  \"a\",\n]\ndefault = { n = 1, x = 1.5, t = true, d = 2025-01-31T10:00:00, s = \"\" }\n\
            cast = { a = \"exact\", b = \"truncate\" }\nlabels = { c = { x = \"y\" } }\n\
            [environments.staging.map.orders]\nto = \"o\"\n";
        let section: RestoreSection = toml::from_str(text).unwrap();
        let file = Written { name: "f.toml", text };
        let map = section.map("dev", &file).unwrap();
        let [clients, orders] = map.tables.as_slice() else { panic!("{map:?}") };
        assert_eq!(
            (clients.table.place.as_str(), clients.to.as_ref().unwrap().name.as_str()),
            ("f.toml:1", "customers")
        );
        assert_eq!((clients.rename[0].0.place.as_str(), clients.rename[0].1.name.as_str()), ("f.toml:3", "statusId"));
        assert_eq!(orders.drop[0].place, "f.toml:6");
        assert_eq!(orders.default[0].1, Value::Text("2025-01-31 10:00:00".into()));
        assert_eq!((orders.default.len(), orders.cast.len(), orders.labels.len()), (5, 2, 1));
        let staging = section.map("staging", &file).unwrap();
        assert_eq!(staging.tables.len(), 2);
        assert!(staging.tables[1].to.is_some() && staging.tables[1].drop.is_empty());
        for bad in [
            "map.t.rename = { a = 1 }",
            "map.t.cast = { a = \"maybe\" }",
            "map.t.x = 1",
            "mapp.t.to = \"x\"",
            "map.t.drop = \"a\"",
        ] {
            assert!(toml::from_str::<RestoreSection>(bad).is_err(), "{bad}");
        }
        let list: RestoreSection = toml::from_str("map.t.default = { a = [1] }").unwrap();
        assert!(list.map("dev", &file).is_err());
    }
}
