//! What is unique in a table, and how its values are compared.

use crate::generate::cell;
use crate::generate::check::{self, Predicate, Truth};
use crate::generate::value::Value;
use crate::model::schema::{Catalogue, Column, EngineKind, Family, SchemaObject, Table, Unique};
use sqlparser::ast::{CreateIndex, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Statement};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use std::hash::{DefaultHasher, Hasher as _};
use unicode_normalization::UnicodeNormalization as _;

/// No two rows have the same values here.
#[derive(Debug, Clone, Default)]
pub(super) struct Key {
    /// The constraint's or index's name.
    pub(super) name: String,
    /// The columns.
    pub(super) columns: Vec<usize>,
    /// How many characters of each column count, where only its beginning does; same order.
    pub(super) prefixes: Vec<Option<usize>>,
    /// Whether case does not count, whatever the collation.
    pub(super) caseless: bool,
    /// Whether NULL equals NULL.
    pub(super) nulls_equal: bool,
    /// Which rows count.
    pub(super) rows: Covered,
    /// It is over an expression that cannot be worked out here: one row is always good.
    pub(super) opaque: bool,
}

/// Which rows an index is about.
#[derive(Debug, Clone, Default)]
pub(super) enum Covered {
    /// All.
    #[default]
    All,
    /// Those for which this holds.
    Where(Predicate),
    /// Some, and which they are cannot be worked out: any row may count.
    Some,
}

impl Key {
    /// Whether only some rows count.
    pub(super) fn is_partial(&self) -> bool {
        !matches!(self.rows, Covered::All)
    }

    /// Whether a row counts.
    pub(super) fn is_about(&self, cells: &[Option<Value>]) -> bool {
        match &self.rows {
            Covered::Where(condition) => !matches!(condition.holds(cells), Truth::False | Truth::Unknown),
            Covered::All | Covered::Some => true,
        }
    }

    /// A hash of a row's values; none where the row does not count.
    pub(super) fn hash<'v>(
        &self,
        engine: EngineKind,
        columns: &[Column],
        cell: impl Fn(usize) -> Option<&'v Value>,
        scratch: &mut Vec<u8>,
    ) -> Option<u64> {
        scratch.clear();
        for (&at, prefix) in self.columns.iter().zip(&self.prefixes) {
            match cell(at) {
                Some(value) if !value.is_null() => fold(engine, &columns[at], value, *prefix, self.caseless, scratch),
                _ if self.nulls_equal => scratch.push(0),
                _ => return None,
            }
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(scratch);
        Some(hasher.finish())
    }
}

/// Appends bytes that are equal for values that the server may take for equal, with their length.
fn fold(engine: EngineKind, column: &Column, value: &Value, prefix: Option<usize>, caseless: bool, out: &mut Vec<u8>) {
    let start = out.len();
    cell::spell(engine, column, value, out);
    if matches!(column.family, Family::Text | Family::Enum | Family::Any | Family::Json) {
        let is_caseless = caseless || is_caseless(engine, column);
        let text = String::from_utf8_lossy(&out[start..]).into_owned();
        let text: String = prefix.map_or_else(|| text.clone(), |length| text.chars().take(length).collect());
        out.truncate(start);
        if is_caseless && !text.is_ascii() {
            let plain = text.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
            out.extend_from_slice(plain.collect::<String>().to_lowercase().trim_end().as_bytes());
        } else if is_caseless {
            out.extend_from_slice(text.to_ascii_lowercase().trim_end().as_bytes());
        } else {
            out.extend_from_slice(text.trim_end_matches(' ').as_bytes());
        }
    }
    let length = out.len() - start;
    out.extend_from_slice(&(length as u64).to_le_bytes());
    out.push(1);
}

/// Whether texts that differ by case or accents only are the same, as far as one can be sure that they are not.
fn is_caseless(engine: EngineKind, column: &Column) -> bool {
    let collation = column.collation.as_deref().unwrap_or_default().to_ascii_lowercase();
    match engine {
        EngineKind::Mysql | EngineKind::Mariadb => !collation.ends_with("_bin"),
        EngineKind::Postgres => column.declared == "citext" || !(collation.is_empty() || collation.contains("\"c\"")),
        EngineKind::Sqlite => !collation.is_empty() && collation != "binary" && collation != "rtrim",
    }
}

/// Everything that is unique in a table, the primary key first.
pub(super) fn of_table(catalogue: &Catalogue, table: &Table) -> Vec<Key> {
    let mut keys = Vec::new();
    if !table.primary_key.is_empty() {
        keys.push(plain("primary key", &table.primary_key));
    }
    keys.extend(table.uniques.iter().map(|unique| of_unique(catalogue, table, unique)));
    keys.extend(exclusions(table));
    // A column that the engine computes cannot be looked at.
    for key in &mut keys {
        key.opaque |= key.columns.iter().any(|&column| table.columns[column].generated);
    }
    keys
}

fn plain(name: &str, columns: &[usize]) -> Key {
    Key { name: name.to_owned(), columns: columns.to_vec(), prefixes: vec![None; columns.len()], ..Key::default() }
}

fn of_unique(catalogue: &Catalogue, table: &Table, unique: &Unique) -> Key {
    let key = plain(&unique.name, &unique.columns);
    match catalogue.engine {
        EngineKind::Mysql | EngineKind::Mariadb if unique.partial => of_mysql(table, key),
        EngineKind::Mysql | EngineKind::Mariadb => key,
        engine => {
            let index = catalogue.post.iter().find(|object| is_index(object, table, &unique.name));
            let inline = format!("{} UNIQUE NULLS NOT DISTINCT", unique.name);
            match index.and_then(|index| parsed(engine, &index.create)) {
                Some(index) => of_index(catalogue, table, key, &index),
                None if unique.partial => Key { opaque: true, ..key },
                None => Key { nulls_equal: table.create.replace('"', "").contains(&inline.replace('"', "")), ..key },
            }
        }
    }
}

fn is_index(object: &SchemaObject, table: &Table, name: &str) -> bool {
    let last = || {
        let bare = object.name.strip_suffix('"')?;
        let start = bare.rfind(".\"").map_or(0, |at| at + 1);
        Some(bare[start..].trim_start_matches('"').replace("\"\"", "\""))
    };
    object.kind == "index"
        && object.table.as_ref() == Some(&table.name)
        && (object.name == name || object.name.ends_with(&format!(".{name}")) || last().as_deref() == Some(name))
}

fn parsed(engine: EngineKind, create: &str) -> Option<CreateIndex> {
    let dialect: &dyn Dialect = if engine == EngineKind::Postgres { &PostgreSqlDialect {} } else { &SQLiteDialect {} };
    match Parser::parse_sql(dialect, create).ok()?.into_iter().next()? {
        Statement::CreateIndex(index) => Some(index),
        _ => None,
    }
}

fn of_index(catalogue: &Catalogue, table: &Table, mut key: Key, index: &CreateIndex) -> Key {
    key.nulls_equal = index.nulls_distinct == Some(false);
    if let Some(condition) = &index.predicate {
        let read = check::of_text(catalogue, table, &key.name, &condition.to_string(), check::NOW);
        key.rows = read.predicate.map_or(Covered::Some, Covered::Where);
    }
    let mut columns = Vec::new();
    for part in &index.columns {
        match column_of(table, &part.column.expr) {
            Some((column, caseless)) => {
                columns.push(column);
                key.caseless |= caseless;
            }
            None => key.opaque = true,
        }
    }
    key.prefixes = vec![None; columns.len()];
    key.columns = columns;
    key
}

/// The column that a part of an index is about, and whether its case does not count; none for other expressions.
fn column_of(table: &Table, expr: &Expr) -> Option<(usize, bool)> {
    let found = |name: &str| {
        let exact = table.column_index(name);
        exact.or_else(|| table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    };
    match expr {
        Expr::Identifier(name) => Some((found(&name.value)?, false)),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
            column_of(table, inner)
        }
        Expr::Function(function) => {
            let name = function.name.to_string().to_ascii_lowercase();
            let FunctionArguments::List(list) = &function.args else { return None };
            let [FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))] = list.args.as_slice() else { return None };
            let is_case = ["lower", "upper"].contains(&name.as_str());
            is_case.then(|| column_of(table, inner).map(|(column, _)| (column, true)))?
        }
        _ => None,
    }
}

/// The parts of a key as SHOW CREATE TABLE spells them: `a`, `a`(10), (lower(`a`)).
fn of_mysql(table: &Table, mut key: Key) -> Key {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let head = format!("UNIQUE KEY {} (", quoted(&key.name));
    let line = table.create.lines().find_map(|line| line.trim_start().strip_prefix(head.as_str()));
    let Some(line) = line else { return Key { opaque: true, ..key } };
    key.opaque = line.starts_with('(') || line.contains(",(");
    let prefix = |&column: &usize| {
        let rest = line.split_once(&format!("{}(", quoted(&table.columns[column].name)))?.1;
        rest.split(')').next()?.parse().ok()
    };
    key.prefixes = key.columns.iter().map(prefix).collect();
    key
}

/// PostgreSQL's exclusion constraints: whoever differs in the columns compared by `=` is in nobody's way.
fn exclusions(table: &Table) -> Vec<Key> {
    let lines = table.create.lines().filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix("CONSTRAINT ")?.split_once(" EXCLUDE USING ")?;
        let columns: Vec<usize> = (0..table.columns.len())
            .filter(|&at| {
                let name = &table.columns[at].name;
                [format!("({name} WITH ="), format!(" {name} WITH ="), format!("\"{name}\" WITH =")]
                    .iter()
                    .any(|part| rest.contains(part.as_str()))
            })
            .collect();
        let key = plain(name.trim_matches('"'), &columns);
        Some(Key { opaque: columns.is_empty(), ..key })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalogue, table};
    use super::*;

    #[test]
    fn indexes_are_read() {
        let mut one = table("t", "id int, email text, gone date?");
        one.uniques = vec![
            Unique { name: "a".into(), columns: vec![], partial: true },
            Unique { name: "Odd \"x".into(), columns: vec![1], partial: true },
            Unique { name: "c".into(), columns: vec![], partial: true },
        ];
        one.create = "CREATE TABLE t (\n    CONSTRAINT x EXCLUDE USING gist (id WITH =, gone WITH &&)\n)".into();
        let mut all = catalogue(vec![one]);
        for (name, text) in [
            ("a", "CREATE UNIQUE INDEX a ON public.t USING btree (lower((email)::text)) WHERE (gone IS NULL)"),
            ("s.\"Odd \"\"x\"", "CREATE UNIQUE INDEX \"Odd \"\"x\" ON s.t USING btree (email) NULLS NOT DISTINCT"),
            ("c", "CREATE UNIQUE INDEX c ON public.t USING btree (\"left\"(email, 3))"),
        ] {
            let table = Some(all.tables[0].name.clone());
            all.post.push(SchemaObject { kind: "index".into(), name: name.into(), table, create: text.into() });
        }
        let keys = of_table(&all, &all.tables[0]);
        let seen: Vec<_> = keys
            .iter()
            .map(|key| (key.columns.clone(), key.caseless, key.nulls_equal, key.is_partial(), key.opaque))
            .collect();
        let wanted = [
            (vec![0], false, false, false, false),
            (vec![1], true, false, true, false),
            (vec![1], false, true, false, false),
            (vec![], false, false, false, true),
            (vec![0], false, false, false, false),
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn texts_are_compared_as_the_server_may_do() {
        let mut column = table("t", "id int, email text").columns.remove(1);
        let folded = |engine, column: &Column, text: &str, prefix| {
            let mut out = Vec::new();
            fold(engine, column, &Value::text(text), prefix, false, &mut out);
            out
        };
        assert_eq!(folded(EngineKind::Mysql, &column, "Zoë ", None), folded(EngineKind::Mysql, &column, "zoe", None));
        assert_ne!(
            folded(EngineKind::Postgres, &column, "Zoë", None),
            folded(EngineKind::Postgres, &column, "zoë", None)
        );
        assert_eq!(
            folded(EngineKind::Mysql, &column, "abcd", Some(3)),
            folded(EngineKind::Mysql, &column, "abce", Some(3))
        );
        column.collation = Some("utf8mb4_bin".into());
        assert_ne!(folded(EngineKind::Mysql, &column, "A", None), folded(EngineKind::Mysql, &column, "a", None));
    }
}
