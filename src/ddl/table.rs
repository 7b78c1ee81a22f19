//! A table on its way: columns, keys and checks by name, because later statements rename and drop them.

use super::types::{self, Owns};
use super::words::Words;
use crate::model::declared;
use crate::model::schema::{Action, Column, EngineKind, Family, ForeignKey, Table, TableKind, TableName, Unique};
use sqlparser::tokenizer::Token;

/// A unique key by the names of its columns.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) partial: bool,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub(super) struct Foreign {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) parent: TableName,
    pub(super) parent_columns: Vec<String>,
    on_delete: Action,
    on_update: Action,
}

/// Where a column goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    Last,
    First,
    After(String),
}

/// A column with what its definition says of the table.
#[derive(Debug)]
pub(super) struct Defined {
    pub(super) column: Column,
    pub(super) primary: bool,
    pub(super) position: Position,
    uniques: Vec<Key>,
    foreign: Vec<Foreign>,
    checks: Vec<(Option<String>, String)>,
    counter: bool,
}

/// The table.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: TableName,
    pub(super) kind: TableKind,
    pub(super) columns: Vec<Column>,
    pub(super) primary: Vec<String>,
    pub(super) primary_name: Option<String>,
    pub(super) uniques: Vec<Key>,
    pub(super) foreign: Vec<Foreign>,
    pub(super) checks: Vec<(Option<String>, String)>,
    pub(super) create: String,
    pub(super) counter: bool,
    pub(super) strict: bool,
    /// The collation of columns that name none.
    pub(super) collation: Option<String>,
}

impl Draft {
    pub(super) fn new(name: TableName, engine: EngineKind) -> Self {
        Self {
            name,
            kind: TableKind::Ordinary,
            columns: Vec::new(),
            primary: Vec::new(),
            primary_name: None,
            uniques: Vec::new(),
            foreign: Vec::new(),
            checks: Vec::new(),
            create: String::new(),
            counter: false,
            strict: engine != EngineKind::Sqlite,
            collation: None,
        }
    }

    /// The column called `name`: exactly, else in any case, which PostgreSQL never takes for the same.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// Adds a column, or puts another in its place.
    pub(super) fn put(&mut self, defined: Defined, instead_of: Option<usize>) {
        let Defined { column, primary, position, uniques, foreign, checks, counter } = defined;
        let name = column.name.clone();
        let old = instead_of.map(|at| self.columns.remove(at));
        let at = match &position {
            Position::First => 0,
            Position::After(before) => self.find(before).map_or(self.columns.len(), |at| at + 1),
            Position::Last => instead_of.unwrap_or(self.columns.len()),
        };
        self.columns.insert(at.min(self.columns.len()), column);
        if let Some(old) = old {
            self.renamed(&old.name, &name);
        }
        if primary {
            self.primary = vec![name];
        }
        self.uniques.extend(uniques);
        self.foreign.extend(foreign);
        self.checks.extend(checks);
        self.counter |= counter;
    }

    /// Keys follow a column's new name.
    pub(super) fn renamed(&mut self, from: &str, to: &str) {
        let keys = self.uniques.iter_mut().flat_map(|key| &mut key.columns);
        let foreign = self.foreign.iter_mut().flat_map(|key| &mut key.columns);
        for name in self.primary.iter_mut().chain(keys).chain(foreign).filter(|name| *name == from) {
            to.clone_into(name);
        }
    }

    /// Drops a column with the keys that need it.
    pub(super) fn drop_column(&mut self, at: usize, engine: EngineKind) {
        let name = self.columns.remove(at).name;
        self.primary.retain(|column| *column != name);
        self.foreign.retain(|key| !key.columns.contains(&name));
        // MySQL takes the column out of its indexes; PostgreSQL drops those.
        if engine == EngineKind::Postgres {
            self.uniques.retain(|key| !key.columns.contains(&name));
        }
        self.uniques.iter_mut().for_each(|key| key.columns.retain(|column| *column != name));
        self.uniques.retain(|key| key.partial || !key.columns.is_empty());
    }

    /// The table as a catalogue shows it.
    pub(super) fn finish(self, engine: EngineKind, others: &[Draft]) -> Table {
        let index = |names: &[String]| -> Vec<usize> { names.iter().filter_map(|name| self.find(name)).collect() };
        let primary_key = index(&self.primary);
        let parents = |name: &TableName| others.iter().find(|other| same(&other.name, name, engine));
        let spell = |draft: Option<&Self>, names: &[String]| -> Vec<String> {
            let one = |name: &String| draft.and_then(|draft| Some(draft.columns[draft.find(name)?].name.clone()));
            names.iter().map(|name| one(name).unwrap_or_else(|| name.clone())).collect()
        };
        let mut uniques: Vec<Unique> = Vec::new();
        for (at, key) in self.uniques.iter().enumerate() {
            let columns = index(&key.columns);
            let plain = self.name.name.clone();
            let first = key.columns.first().cloned().unwrap_or_else(|| (at + 1).to_string());
            let name = key.name.clone().unwrap_or_else(|| match engine {
                EngineKind::Sqlite => format!("sqlite_autoindex_{plain}_{}", at + 1),
                EngineKind::Postgres => format!("{plain}_{}_key", key.columns.join("_")),
                EngineKind::Mysql | EngineKind::Mariadb => first,
            });
            uniques.push(Unique { name, columns, partial: key.partial });
        }
        uniques.sort_by(|a, b| a.name.cmp(&b.name));
        let foreign = self.foreign.iter().enumerate().map(|(at, key)| {
            let parent = parents(&key.parent);
            let columns = spell(Some(&self), &key.columns);
            let named = if key.parent_columns.is_empty() { parent.map(|parent| parent.primary.clone()) } else { None };
            let parent_columns = spell(parent, &named.unwrap_or_else(|| key.parent_columns.clone()));
            let to = parent.map_or_else(|| key.parent.clone(), |parent| parent.name.clone());
            let usual = || format!("{}_{}_fkey", self.name.name, columns.join("_"));
            let name = match engine {
                EngineKind::Sqlite => format!("{}({}) -> {}", self.name.name, columns.join(", "), to.name),
                EngineKind::Postgres => format!("{}.{}", self.name, key.name.clone().unwrap_or_else(usual)),
                EngineKind::Mysql | EngineKind::Mariadb => {
                    key.name.clone().unwrap_or_else(|| format!("{}_ibfk_{}", self.name.name, at + 1))
                }
            };
            let (on_delete, on_update) = (key.on_delete, key.on_update);
            ForeignKey { name, columns, parent: to, parent_columns, on_delete, on_update }
        });
        let mut foreign_keys: Vec<ForeignKey> = foreign.collect();
        if engine != EngineKind::Sqlite {
            foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let checks = self.checks.iter().map(|(_, check)| check);
        let checks = match engine {
            EngineKind::Postgres => checks.map(|check| format!("CHECK ({check})")).collect(),
            _ => checks.map(|check| format!("({check})")).collect(),
        };
        let mut columns = self.columns.clone();
        if engine != EngineKind::Sqlite {
            primary_key.iter().for_each(|&at| columns[at].nullable = false);
        }
        Table {
            name: self.name.clone(),
            kind: self.kind,
            primary_key,
            uniques,
            foreign_keys,
            checks,
            create: self.create.clone(),
            counter: self.counter,
            strict: self.strict,
            columns,
        }
    }
}

/// Whether two names are of one table.
pub(super) fn same(left: &TableName, right: &TableName, engine: EngineKind) -> bool {
    left == right || (engine != EngineKind::Postgres && left.name.eq_ignore_ascii_case(&right.name))
}

/// A column without a type.
pub(super) fn untyped(name: String) -> Column {
    Column {
        name,
        declared: String::new(),
        family: Family::Any,
        length: None,
        nullable: true,
        default: None,
        generated: false,
        collation: None,
    }
}

/// Reads the definition of a column; none where it has no name.
pub(super) fn define(mut words: Words<'_>, draft: &Draft, owns: &Owns) -> Option<Defined> {
    let name = words.name()?;
    let found = types::take(&mut words, owns);
    let mut defined = Defined {
        column: Column {
            declared: found.declared,
            family: found.family,
            length: found.length,
            nullable: !found.serial,
            default: found.serial.then(|| "a counter".to_owned()),
            collation: draft.collation.clone().filter(|_| matches!(found.family, Family::Text | Family::Enum)),
            ..untyped(name.clone())
        },
        primary: false,
        position: Position::Last,
        uniques: Vec::new(),
        foreign: Vec::new(),
        checks: Vec::new(),
        counter: found.serial,
    };
    if found.unique {
        defined.uniques.push(Key { name: None, columns: vec![name], partial: false });
    }
    let mut named = None;
    while !words.is_empty() {
        if words.take(&["CONSTRAINT"]) {
            named = words.name();
        } else {
            option(&mut words, &mut defined, named.take());
        }
    }
    Some(defined)
}

/// Takes one option of a column.
fn option(words: &mut Words<'_>, defined: &mut Defined, named: Option<String>) {
    let Defined { column, .. } = defined;
    let own = || vec![column.name.clone()];
    if words.take(&["NOT", "NULL"]) {
        column.nullable = false;
    } else if words.take(&["NULL"]) {
        column.nullable = true;
    } else if words.take(&["PRIMARY", "KEY"]) || (words.is_mysql() && words.take(&["KEY"])) {
        defined.primary = true;
    } else if words.take(&["UNIQUE"]) {
        words.take(&["KEY"]);
        defined.uniques.push(Key { name: named, columns: own(), partial: false });
    } else if words.take(&["CHECK"]) {
        defined.checks.extend(words.group().map(|check| (named, check.raw().to_owned())));
    } else if words.is(&["REFERENCES"]) {
        let columns = own();
        let foreign = references(words, named, columns);
        // MySQL reads a reference behind a column, and forgets it.
        defined.foreign.extend(foreign.filter(|_| words.engine != EngineKind::Mysql));
    } else if words.take(&["DEFAULT"]) {
        column.default = Some(expression(words));
    } else if words.take(&["COLLATE"]) {
        column.collation = collation(words);
    } else if words.take(&["GENERATED"]) {
        words.take(&["ALWAYS"]);
        words.take(&["BY", "DEFAULT"]);
        words.take(&["ON", "NULL"]);
        words.take(&["AS"]);
        computed(words, defined);
    } else if words.take(&["AS"]) {
        computed(words, defined);
    } else if words.take(&["AUTO_INCREMENT"]) || words.take(&["AUTOINCREMENT"]) {
        defined.counter = true;
        if words.is_mysql() {
            column.default = Some("AUTO_INCREMENT".to_owned());
            column.nullable = false;
        }
    } else if words.take(&["COMMENT"]) {
        words.pass();
    } else if words.take(&["ON", "UPDATE"]) {
        words.pass();
        words.group();
    } else if words.take(&["FIRST"]) {
        defined.position = Position::First;
    } else if words.take(&["AFTER"]) {
        defined.position = words.name().map_or(Position::Last, Position::After);
    } else {
        words.pass();
    }
}

fn computed(words: &mut Words<'_>, defined: &mut Defined) {
    if words.take(&["IDENTITY"]) {
        words.group();
        defined.counter = true;
        defined.column.nullable = false;
        defined.column.default = Some("generated as identity".to_owned());
    } else {
        let expression = words.group();
        defined.column.generated = true;
        // PostgreSQL keeps the expression where it keeps defaults.
        let kept = expression.filter(|words| words.engine == EngineKind::Postgres);
        defined.column.default = kept.map(|words| words.raw().to_owned());
    }
}

/// The text of a default: up to the next option that stands in no brackets.
fn expression(words: &mut Words<'_>) -> String {
    let start = *words;
    words.pass();
    while !words.is_empty() && !types::is_option(words) {
        words.pass();
    }
    start.until(words).raw().to_owned()
}

fn collation(words: &mut Words<'_>) -> Option<String> {
    let start = *words;
    let name = words.name().or_else(|| words.string());
    while words.take_sign(&Token::Period) {
        words.name();
    }
    match words.engine {
        EngineKind::Postgres => Some(start.until(words).raw().to_owned()),
        EngineKind::Sqlite => name.filter(|name| !name.eq_ignore_ascii_case("BINARY")),
        _ => name,
    }
}

/// `REFERENCES parent (columns) ON DELETE ...`.
pub(super) fn references(words: &mut Words<'_>, name: Option<String>, columns: Vec<String>) -> Option<Foreign> {
    words.take(&["REFERENCES"]);
    let parent = words.table()?;
    let parent_columns = words.group().map(|group| names(&group)).unwrap_or_default();
    let usual =
        if words.is_mysql() && words.engine == EngineKind::Mariadb { Action::Restrict } else { Action::NoAction };
    let (mut on_delete, mut on_update) = (usual, usual);
    loop {
        if words.take(&["ON", "DELETE"]) {
            on_delete = action(words);
        } else if words.take(&["ON", "UPDATE"]) {
            on_update = action(words);
        } else if words.take(&["MATCH"]) {
            words.pass();
        } else {
            return Some(Foreign { name, columns, parent, parent_columns, on_delete, on_update });
        }
    }
}

fn action(words: &mut Words<'_>) -> Action {
    let first = words.word(0).unwrap_or_default();
    let two = matches!(first.as_str(), "SET" | "NO");
    let text = if two { format!("{first} {}", words.word(1).unwrap_or_default()) } else { first };
    words.skip(if two { 2 } else { 1 });
    if two && words.is_open() {
        words.group();
    }
    declared::action(&text)
}

/// The names of a list.
fn names(group: &Words<'_>) -> Vec<String> {
    group.parts().into_iter().filter_map(|mut part| part.name()).collect()
}

/// The columns of a key, and whether it covers only a part of them, or an expression.
pub(super) fn key_columns(group: &Words<'_>) -> (Vec<String>, bool) {
    let (mut columns, mut partial, mut expression) = (Vec::new(), false, false);
    for part in group.parts() {
        let mut rest = part;
        if !part.is_plain_column() {
            expression = true;
            continue;
        }
        let Some(name) = rest.name() else { continue };
        match rest.group() {
            // The start of a column, or a call.
            Some(inside) if rest.is_mysql() && inside.raw().bytes().all(|byte| byte.is_ascii_digit()) => {
                partial = true;
                columns.push(name);
            }
            Some(_) => expression = true,
            None => columns.push(name),
        }
    }
    if expression && !group.is_mysql() {
        columns.clear();
    }
    (columns, partial || expression)
}

/// Takes a constraint or index of a table; false where it is the definition of a column.
pub(super) fn constraint(mut words: Words<'_>, draft: &mut Draft) -> bool {
    let mut name = None;
    if words.take(&["CONSTRAINT"]) {
        let is_kind = words.is_any(&["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) && words.is_mysql();
        name = if is_kind { None } else { words.name() };
    }
    if words.take(&["PRIMARY", "KEY"]) {
        while !words.is_empty() && !words.is_open() {
            words.skip(1);
        }
        let columns = words.group().map(|group| key_columns(&group).0);
        draft.primary = columns.unwrap_or_default();
        draft.primary_name = name;
    } else if words.is(&["UNIQUE"]) {
        words.skip(1);
        let _ = words.take(&["KEY"]) || words.take(&["INDEX"]);
        if !words.is_open() && !words.is_any(&["USING", "NULLS"]) {
            name = words.name().or(name);
        }
        while !words.is_empty() && !words.is_open() {
            words.skip(1);
        }
        if let Some((columns, partial)) = words.group().map(|group| key_columns(&group)) {
            draft.uniques.push(Key { name, columns, partial });
        }
    } else if words.take(&["FOREIGN", "KEY"]) {
        if !words.is_open() {
            name = name.or_else(|| words.name());
        }
        let columns = words.group().map(|group| names(&group)).unwrap_or_default();
        draft.foreign.extend(references(&mut words, name, columns));
    } else if words.is(&["CHECK"]) {
        words.skip(1);
        draft.checks.extend(words.group().map(|check| (name, check.raw().to_owned())));
    } else {
        let index = words.is_any(&["KEY", "INDEX", "FULLTEXT", "SPATIAL", "VECTOR"]) && words.is_mysql();
        return name.is_some() || index || words.is_any(&["EXCLUDE"]) || words.is(&["PERIOD", "FOR"]);
    }
    true
}
