//! A catalogue prepared for the search: every name as words, every key of one column, every column that has a reference.

use super::KnownReference;
use super::names::words;
use super::vocabulary::is_notation;
use crate::model::schema::{Catalogue, Column, Family, Table, TableKind};
use std::collections::HashMap;

/// A column that tells the rows of its table apart all by itself.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) column: usize,
    pub(super) is_primary: bool,
}

/// A table prepared.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) table: &'a Table,
    /// Its name, without a first word that half of the tables share.
    pub(super) words: Vec<String>,
    /// The names of its columns.
    pub(super) columns: Vec<Vec<String>>,
    pub(super) keys: Vec<Key>,
    /// Columns that are part of a reference already.
    pub(super) taken: Vec<bool>,
}

impl Known<'_> {
    pub(super) fn column(&self, at: usize) -> &Column {
        &self.table.columns[at]
    }
}

/// Everything that is asked of a catalogue.
#[derive(Debug)]
pub(super) struct Schema<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) tables: Vec<Known<'a>>,
    /// Where columns of a name lead by declaration: parent table, key column, and how many of them.
    namesakes: HashMap<Vec<String>, Vec<(usize, usize, usize)>>,
}

impl<'a> Schema<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, known: &[KnownReference]) -> Self {
        let tables: Vec<&Table> = catalogue.tables.iter().filter(|table| table.kind == TableKind::Ordinary).collect();
        let prefix = shared_prefix(&tables);
        let tables = tables.into_iter().map(|table| prepared(table, prefix.as_deref(), known)).collect();
        let mut schema = Self { catalogue, tables, namesakes: HashMap::new() };
        schema.learn_namesakes();
        schema
    }

    fn learn_namesakes(&mut self) {
        for table in &self.tables {
            for key in table.table.foreign_keys.iter().filter(|key| key.columns.len() == 1) {
                let child = table.table.column_index(&key.columns[0]);
                let parent = self.tables.iter().position(|other| other.table.name == key.parent);
                let (Some(child), Some(parent)) = (child, parent) else { continue };
                let other = self.tables[parent].table;
                let named = key.parent_columns.first().and_then(|name| other.column_index(name));
                let Some(column) = named.or_else(|| other.primary_key.first().copied()) else { continue };
                let places = self.namesakes.entry(table.columns[child].clone()).or_default();
                match places.iter_mut().find(|place| (place.0, place.1) == (parent, column)) {
                    Some(place) => place.2 += 1,
                    None => places.push((parent, column, 1)),
                }
            }
        }
    }

    /// Where all declared references of columns with this name lead, and how many there are.
    pub(super) fn namesake(&self, words: &[String]) -> Option<(usize, usize, usize)> {
        match self.namesakes.get(words).map(Vec::as_slice) {
            Some([only]) => Some(*only),
            _ => None,
        }
    }
}

fn prepared<'a>(table: &'a Table, prefix: Option<&str>, known: &[KnownReference]) -> Known<'a> {
    let mut name = words(&table.name.name);
    let drops = |first: &String| Some(first.as_str()) == prefix || is_notation(first);
    if name.len() > 1 && name.first().is_some_and(drops) {
        name.remove(0);
    }
    let mut keys = Vec::new();
    if let [column] = table.primary_key[..] {
        keys.push(Key { column, is_primary: true });
    }
    for unique in table.uniques.iter().filter(|unique| !unique.partial) {
        if let [column] = unique.columns[..]
            && keys.iter().all(|key| key.column != column)
        {
            keys.push(Key { column, is_primary: false });
        }
    }
    let is_taken = |column: &Column| {
        table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
            || known.iter().any(|reference| reference.covers(table, &column.name))
    };
    Known {
        table,
        words: name,
        columns: table.columns.iter().map(|column| words(&column.name)).collect(),
        keys,
        taken: table.columns.iter().map(is_taken).collect(),
    }
}

/// The first word that more than half of the tables share: `wp_posts`, `wp_users`.
fn shared_prefix(tables: &[&Table]) -> Option<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for table in tables {
        let mut words = words(&table.name.name);
        if words.len() > 1 {
            *counts.entry(words.swap_remove(0)).or_default() += 1;
        }
    }
    let (word, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (tables.len() >= 4 && count * 2 > tables.len()).then_some(word)
}

/// Whether values of one column can be values of the other.
pub(super) fn comparable(child: &Column, parent: &Column) -> bool {
    let whole = |column: &Column| match column.family {
        Family::Integer => !column.declared.eq_ignore_ascii_case("tinyint(1)"),
        Family::Numeric => {
            column.declared.rsplit_once(',').is_none_or(|(_, scale)| scale.trim_end_matches(')').trim() == "0")
        }
        _ => false,
    };
    match (child.family, parent.family) {
        (Family::Integer | Family::Numeric, Family::Integer | Family::Numeric) => whole(child) && whole(parent),
        (Family::Text, Family::Text) | (Family::Uuid, Family::Uuid) => true,
        (Family::Blob, Family::Blob) | (Family::Any, Family::Any) => child.declared == parent.declared,
        // SQLite columns without a type hold anything.
        (Family::Any, _) => child.declared.is_empty(),
        (_, Family::Any) => parent.declared.is_empty(),
        _ => false,
    }
}

/// How much each equal value adds, and all of them together, of 100: numbers are alike everywhere, texts and UUIDs are not.
pub(super) fn gain(column: &Column) -> (u32, u32) {
    match column.family {
        Family::Uuid | Family::Blob => (30, 90),
        Family::Text => (15, 90),
        _ => (1, 30),
    }
}
