//! Reads `[subset]` of a policy file.

use super::file::{EdgeRule, Place, RootRule, SubsetRules, VirtualReference};
use super::keys::{self, names};
use super::read::{Item, Reader};
use crate::error::{Error, Kind, Result};
use crate::model::subset::{Children, OfType, OrderBy};
use toml::de::{DeTable, DeValue};

impl<'a> Reader<'a> {
    /// `[subset]`.
    pub(super) fn subset(&self, item: &Item<'a>) -> Result<SubsetRules> {
        let table = self.table(item)?;
        self.only(table, &names(&keys::SUBSET))?;
        let mut rules = SubsetRules::default();
        if let Some(roots) = table.get("roots") {
            let list = self.list(roots, "a list of roots: [[subset.roots]]")?;
            if list.is_empty() {
                let error = self.error(Kind::Policy, roots.span(), "the subset has no roots");
                return Err(
                    error.hint("Name at least one table to begin with, or leave 'roots' out to take every row.")
                );
            }
            rules.roots = list.iter().map(|root| self.root(root)).collect::<Result<_>>()?;
        }
        if let Some(children) = table.get("children") {
            let word = self.text(children)?;
            let found = Children::ALL.into_iter().find(|choice| choice.word() == word);
            rules.children = Some(found.ok_or_else(|| {
                let what = format!("children cannot be '{}'", word.escape_debug());
                let words = Children::ALL.map(Children::word).join(", ");
                self.error(Kind::Usage, children.span(), what).hint(format!("It is one of {words}."))
            })?);
        }
        if let Some(depth) = table.get("depth") {
            let found = u8::try_from(self.integer(depth)?).ok().filter(|depth| *depth <= 100);
            rules.depth = Some(found.ok_or_else(|| {
                self.error(Kind::Usage, depth.span(), "depth must be a whole number from 0 to 100")
                    .hint("Leave it out to follow children however far they go.")
            })?);
        }
        rules.whole = self.names_in(table, "whole")?;
        rules.never = self.names_in(table, "never")?;
        if let Some((_, name)) = rules.whole.iter().find(|(_, name)| rules.never.iter().any(|(_, other)| other == name))
        {
            let what = format!("table {} is both in whole and in never", name.escape_debug());
            return Err(self.error(Kind::Policy, item.span(), what).hint("Take it out of one of the two."));
        }
        if let Some(edges) = table.get("edges") {
            let list = self.list(edges, "a list of references: [[subset.edges]]")?;
            rules.edges = list.iter().map(|edge| self.edge(edge)).collect::<Result<_>>()?;
        }
        if let Some(references) = table.get("references") {
            for reference in self.list(references, "a list of references: [[subset.references]]")? {
                self.reference(reference, &mut rules.references)?;
            }
        }
        Ok(rules)
    }

    fn root(&self, item: &Item<'a>) -> Result<RootRule> {
        let table = self.table(item)?;
        self.only(table, &names(&keys::ROOT))?;
        let name = self.text(self.needed(item, table, "table", "a root")?)?.to_owned();
        let limit = table.get("limit").map(|limit| self.limit(limit)).transpose()?;
        let order = self.order(table)?;
        if let (None, Some((_, first))) = (limit, order.first()) {
            let what =
                format!("the order of root {} ({}) says nothing without a limit", name.escape_debug(), first.column);
            let error = self.error(Kind::Policy, item.span(), what);
            return Err(error.hint("Add limit = N, or take the order out: rows are stored by their key."));
        }
        Ok(RootRule {
            place: self.place(&item.span()),
            table: name,
            condition: self.condition(table)?,
            limit,
            share: table.get("percent").map(|percent| self.share(percent)).transpose()?,
            order,
        })
    }

    fn edge(&self, item: &Item<'a>) -> Result<EdgeRule> {
        let table = self.table(item)?;
        self.only(table, &names(&keys::EDGE))?;
        let follow = table
            .get("follow")
            .map(|follow| follow.get_ref().as_bool().ok_or_else(|| self.wrong_type(follow, "true or false")));
        let follow = follow.transpose()?.unwrap_or(true);
        let given = |key: &str| table.get(key).is_some();
        if !follow && ["limit", "where", "order"].into_iter().any(given) {
            let error =
                self.error(Kind::Policy, item.span(), "an edge that is not followed has nothing to choose from");
            return Err(error.hint("Take follow = false out, or limit, where and order."));
        }
        if given("order") && !given("limit") {
            let error = self.error(Kind::Policy, item.span(), "the order of an edge says nothing without a limit");
            return Err(error.hint("Add limit = N, or take the order out."));
        }
        Ok(EdgeRule {
            place: self.place(&item.span()),
            table: self.text(self.needed(item, table, "table", "an edge")?)?.to_owned(),
            columns: self.columns(self.needed(item, table, "columns", "an edge")?)?,
            parent: table.get("parent").map(|parent| self.text(parent).map(str::to_owned)).transpose()?,
            follow,
            limit: table.get("limit").map(|limit| self.limit(limit)).transpose()?,
            condition: self.condition(table)?,
            order: self.order(table)?,
        })
    }

    /// One of `[[subset.references]]`: a polymorphic one becomes as many as its map has entries.
    fn reference(&self, item: &Item<'a>, found: &mut Vec<VirtualReference>) -> Result<()> {
        let table = self.table(item)?;
        let place = self.place(&item.span());
        if table.get("type_column").is_none() && table.get("map").is_none() {
            let known = [names(&keys::REFERENCE), names(&keys::POLYMORPHIC)].concat();
            self.only(table, &known)?;
            found.push(VirtualReference {
                place,
                table: self.text(self.needed(item, table, "table", "a reference")?)?.to_owned(),
                columns: self.columns(self.needed(item, table, "columns", "a reference")?)?,
                parent: self.text(self.needed(item, table, "parent", "a reference")?)?.to_owned(),
                parent_columns: table
                    .get("parent_columns")
                    .map(|names| self.columns(names))
                    .transpose()?
                    .unwrap_or_default(),
                of_type: None,
            });
            return Ok(());
        }
        self.only(table, &names(&keys::POLYMORPHIC))?;
        let name = self.text(self.needed(item, table, "table", "a reference")?)?;
        let column = self.text(self.needed(item, table, "type_column", "a polymorphic reference")?)?;
        let columns = self.columns(self.needed(item, table, "id_column", "a polymorphic reference")?)?;
        let map = self.needed(item, table, "map", "a polymorphic reference")?;
        for (value, parent) in self.table(map)? {
            let (parent, parent_columns) = match parent.get_ref() {
                DeValue::String(parent) => (parent.to_string(), Vec::new()),
                DeValue::Table(long) => {
                    self.only(long, &names(&keys::MAPPED))?;
                    let name = self.text(self.needed(parent, long, "table", "an entry of map")?)?.to_owned();
                    (name, long.get("columns").map(|names| self.columns(names)).transpose()?.unwrap_or_default())
                }
                _ => return Err(self.wrong_type(parent, "a table's name, or { table = \"...\", columns = \"...\" }")),
            };
            found.push(VirtualReference {
                place,
                table: name.to_owned(),
                columns: columns.clone(),
                parent,
                parent_columns,
                of_type: Some(OfType { column: column.to_owned(), value: value.get_ref().to_string() }),
            });
        }
        Ok(())
    }

    pub(super) fn needed<'t>(
        &self,
        item: &Item<'a>,
        table: &'t DeTable<'a>,
        key: &str,
        what: &str,
    ) -> Result<&'t Item<'a>> {
        table.get(key).ok_or_else(|| {
            let error = self.error(Kind::Usage, item.span(), format!("{what} has no '{key}'"));
            match what {
                "a reference" => error.hint(
                    "Write table, columns and parent; parent_columns where it is not the parent's primary key. A polymorphic one has table, type_column, id_column and map.",
                ),
                "a polymorphic reference" => error.hint(
                    "Write table, type_column, id_column, and map = { TypeValue = \"table\" } with one entry for each type.",
                ),
                "an edge" => error.hint("Write the table and columns of the reference it speaks of."),
                _ => error,
            }
        })
    }

    pub(super) fn list<'t>(&self, item: &'t Item<'a>, wanted: &str) -> Result<&'t [Item<'a>]> {
        item.get_ref().as_array().map(|list| &**list).ok_or_else(|| self.wrong_type(item, wanted))
    }

    /// One name or a list of names.
    fn columns(&self, item: &Item<'a>) -> Result<Vec<String>> {
        match item.get_ref().as_array() {
            Some(list) if list.is_empty() => Err(self.error(Kind::Usage, item.span(), "this names no column")),
            Some(list) => list.iter().map(|name| self.text(name).map(str::to_owned)).collect(),
            None => self.text(item).map(|name| vec![name.to_owned()]),
        }
    }

    fn names_in(&self, table: &DeTable<'a>, key: &str) -> Result<Vec<(Place, String)>> {
        let Some(item) = table.get(key) else { return Ok(Vec::new()) };
        let names = self.list(item, "a list of table names")?.iter();
        names.map(|name| Ok((self.place(&name.span()), self.text(name)?.to_owned()))).collect()
    }

    /// `where`; its text is held against the catalogue later.
    fn condition(&self, table: &DeTable<'a>) -> Result<Option<(Place, String)>> {
        let Some(item) = table.get("where") else { return Ok(None) };
        Ok(Some((self.place(&item.span()), self.text(item)?.to_owned())))
    }

    fn limit(&self, item: &Item<'a>) -> Result<u64> {
        u64::try_from(self.integer(item)?).ok().filter(|limit| *limit > 0).ok_or_else(|| {
            self.error(Kind::Policy, item.span(), "limit must be a whole number from 1")
                .hint("To take none, leave the root out, or write follow = false for an edge.")
        })
    }

    /// `percent`, in millionths of the whole.
    fn share(&self, item: &Item<'a>) -> Result<u32> {
        let number = match item.get_ref() {
            DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok(),
            _ => self.integer(item).ok().and_then(|whole| u32::try_from(whole).ok()).map(f64::from),
        };
        let number = number.filter(|percent| (0.0001..=100.0).contains(percent));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a million")]
        let share = number.map(|percent| (percent * 10_000.0).round() as u32);
        share.ok_or_else(|| self.error(Kind::Policy, item.span(), "percent must be a number from 0.0001 to 100"))
    }

    /// `order = "created_at desc, id"`, or a list with one column in each entry.
    fn order(&self, table: &DeTable<'a>) -> Result<Vec<(Place, OrderBy)>> {
        let Some(item) = table.get("order") else { return Ok(Vec::new()) };
        let mut texts: Vec<(Place, &str)> = Vec::new();
        match item.get_ref().as_array() {
            Some(list) => {
                for entry in list {
                    texts.push((self.place(&entry.span()), self.text(entry)?.trim()));
                }
            }
            None => texts.extend(self.text(item)?.split(',').map(|part| (self.place(&item.span()), part.trim()))),
        }
        let one = |(place, text): (Place, &str)| {
            let (column, descending) = match text.rsplit_once(char::is_whitespace) {
                Some((column, word)) if word.eq_ignore_ascii_case("desc") => (column.trim(), true),
                Some((column, word)) if word.eq_ignore_ascii_case("asc") => (column.trim(), false),
                _ => (text, false),
            };
            if column.is_empty() {
                return Err(Error::usage(format!("{}:{place}: an order without a column", self.file))
                    .hint("Write order = \"created_at desc, id\"."));
            }
            Ok((place, OrderBy { column: column.to_owned(), descending }))
        };
        texts.into_iter().map(one).collect()
    }
}
