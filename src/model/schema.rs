//! The live catalogue as plain data, and the same shape as it stands in a manifest.
//!
//! These types are part of snapshot format v1 (see `docs/format.md`): a new field needs `#[serde(default)]`, and a test
//! freezes the bytes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A database product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// SQLite 3.35 or newer.
    Sqlite,
    /// PostgreSQL 14 or newer.
    Postgres,
    /// MySQL 8.0 or newer.
    Mysql,
    /// MariaDB 10.6 or newer.
    Mariadb,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Mariadb => "MariaDB",
        })
    }
}

/// A table's name, with its schema where the engine has several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// The schema, on engines that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name as the catalogue spells it.
    pub name: String,
}

impl TableName {
    /// A table without a schema.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// Whether `text` (`name` or `schema.name`) names this table exactly.
    #[must_use]
    pub fn is_named(&self, text: &str) -> bool {
        self.name == text || (self.schema.is_some() && self.to_string() == text)
    }
}

/// `name` or `schema.name`; control characters are shown escaped, so that a name cannot forge a log line.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", schema.escape_debug())?;
        }
        write!(f, "{}", self.name.escape_debug())
    }
}

/// What a column holds, as far as masks and checks care. The exact type is [`Column::declared`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Whole numbers.
    Integer,
    /// Binary floating point.
    Real,
    /// Decimal numbers, or SQLite's NUMERIC affinity.
    Numeric,
    /// Text of any length.
    Text,
    /// Raw bytes.
    Blob,
    /// True or false.
    Boolean,
    /// A calendar date.
    Date,
    /// A time of day.
    Time,
    /// Date and time.
    Timestamp,
    /// JSON.
    Json,
    /// A UUID.
    Uuid,
    /// One of a list of labels.
    Enum,
    /// Anything: SQLite columns without a type, engine-specific types.
    Any,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Numeric => "numeric",
            Self::Text => "text",
            Self::Blob => "blob",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Json => "JSON",
            Self::Uuid => "UUID",
            Self::Enum => "enum",
            Self::Any => "any",
        })
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name as the catalogue spells it.
    pub name: String,
    /// The type as the server renders it; empty where SQLite has none.
    pub declared: String,
    /// The kind of thing it holds.
    pub family: Family,
    /// The longest value in the engine's unit (characters), where the type says so. SQLite never enforces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// The default expression, as the server renders it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether the engine computes it. Generated columns are never read or written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
    /// The collation, where it is not the engine's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// What the schema says about it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A set of columns that is unique, by index into [`Table::columns`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unique {
    /// The constraint's or index's name.
    pub name: String,
    /// The columns, in key order. Empty where the index is over expressions.
    pub columns: Vec<usize>,
    /// Whether only some rows (`WHERE ...`) or an expression is covered: then it cannot be compared column by column.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// What happens to referencing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing; the statement fails at its end (or at commit when deferred).
    NoAction,
    /// The statement fails at once.
    Restrict,
    /// Referencing rows go too.
    Cascade,
    /// The reference becomes NULL.
    SetNull,
    /// The reference becomes its default.
    SetDefault,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The constraint's name, or one made of table and columns where the engine keeps none.
    pub name: String,
    /// Referencing columns, by name.
    pub columns: Vec<String>,
    /// The referenced table.
    pub parent: TableName,
    /// Referenced columns, by name, same order.
    pub parent_columns: Vec<String>,
    /// On delete of the referenced row.
    pub on_delete: Action,
    /// On update of the referenced key.
    pub on_update: Action,
}

/// What kind of table the catalogue shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum TableKind {
    /// Rows of its own.
    #[default]
    Ordinary,
    /// A module decides what it holds (SQLite virtual tables); its rows cannot travel.
    Virtual,
    /// Storage of a virtual table.
    Shadow,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// Ordinary or not.
    #[serde(default)]
    pub kind: TableKind,
    /// Columns in catalogue order, markers left out.
    pub columns: Vec<Column>,
    /// The primary key, by index into `columns`, in key order. Empty where there is none.
    pub primary_key: Vec<usize>,
    /// Other unique constraints and indexes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uniques: Vec<Unique>,
    /// Foreign keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK expressions as the server renders them, where the catalogue has them apart from the DDL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// The statement that creates the table.
    pub create: String,
    /// Whether the engine keeps a counter (AUTOINCREMENT, sequence, AUTO_INCREMENT) for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counter: bool,
    /// Whether every stored value has its column's exact type (SQLite STRICT; always so elsewhere).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
}

impl Table {
    /// The index of the column called `name`, exactly.
    #[must_use]
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Whether a SQLite table is declared WITHOUT ROWID; the last words of its CREATE statement say so.
    #[must_use]
    pub fn is_without_rowid(&self) -> bool {
        let tail = self.create.rsplit(')').next().unwrap_or_default().to_ascii_uppercase();
        tail.split_whitespace().collect::<Vec<_>>().join(" ").contains("WITHOUT ROWID")
    }

    /// The name by which SQLite's row id can be asked for; none where the table has none, or columns of all its names.
    #[must_use]
    pub fn rowid_name(&self) -> Option<&'static str> {
        let taken = |name: &&str| !self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        ["rowid", "_rowid_", "oid"].into_iter().find(taken).filter(|_| !self.is_without_rowid())
    }

    /// The columns that hold rows' data: all but generated ones, by index.
    #[must_use]
    pub fn stored_columns(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|&at| !self.columns[at].generated).collect()
    }
}

/// A view, index, trigger or other object that is created after the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaObject {
    /// `view`, `index`, `trigger`, ...
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The table it belongs to, where it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,
    /// The statement that creates it.
    pub create: String,
}

impl SchemaObject {
    /// Whether another object of the same kind has the same name, on the same table.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.kind, &self.name, &self.table) == (&other.kind, &other.name, &other.table)
    }
}

/// Everything the engine says about a database's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The product.
    pub engine: EngineKind,
    /// Its version, as it says.
    pub version: String,
    /// Session and database settings that give the rows their meaning (encoding, time zone).
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Tables, ordered by name, this tool's own left out.
    pub tables: Vec<Table>,
    /// What comes before the tables: schemas, types, sequences, functions, in creation order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre: Vec<SchemaObject>,
    /// What comes after the data: indexes, foreign keys, views, triggers, in creation order.
    #[serde(default)]
    pub post: Vec<SchemaObject>,
    /// This tool's own traces in a live database; never part of a manifest.
    #[serde(skip)]
    pub own: Traces,
}

/// What this tool has put into a live database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traces {
    /// Its own tables.
    pub tables: Vec<String>,
    /// Tables that have marker columns.
    pub marked: Vec<TableName>,
}

impl Catalogue {
    /// The table called `name`, if there is one.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| &table.name == name)
    }

    /// Indexes of `tables` with every parent before its children. Tables on a cycle come in name order.
    #[must_use]
    pub fn parents_first(&self) -> Vec<usize> {
        let position: BTreeMap<&TableName, usize> =
            self.tables.iter().enumerate().map(|(at, table)| (&table.name, at)).collect();
        let parents: Vec<Vec<usize>> = self
            .tables
            .iter()
            .enumerate()
            .map(|(at, table)| {
                let mut parents: Vec<usize> =
                    table.foreign_keys.iter().filter_map(|key| position.get(&key.parent).copied()).collect();
                parents.retain(|&parent| parent != at);
                parents
            })
            .collect();
        let mut placed = vec![false; self.tables.len()];
        let mut order = Vec::with_capacity(self.tables.len());
        while order.len() < self.tables.len() {
            let before = order.len();
            for at in 0..self.tables.len() {
                if !placed[at] && parents[at].iter().all(|&parent| placed[parent]) {
                    placed[at] = true;
                    order.push(at);
                }
            }
            if order.len() == before
                && let Some(first) = placed.iter().position(|&done| !done)
            {
                // A cycle, or tables behind one: start with the member that waits for the fewest others.
                let waiting = |at: usize| parents[at].iter().filter(|&&parent| !placed[parent]).count();
                let next = (0..self.tables.len()).filter(|&at| !placed[at]).min_by_key(|&at| waiting(at));
                let next = next.unwrap_or(first);
                placed[next] = true;
                order.push(next);
            }
        }
        order
    }
}

/// Who a database is, so that a restore can refuse the source. Two identities are the same when they share a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseIdentity {
    /// The product.
    pub engine: EngineKind,
    /// Digests of facts that tell the database apart (system identifier and name; host, device and inode; host and path).
    pub marks: Vec<String>,
}

impl DatabaseIdentity {
    /// Whether both are the same database, as far as the marks can tell.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.engine == other.engine && self.marks.iter().any(|mark| other.marks.contains(mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, parents: &[&str]) -> Table {
        Table {
            name: TableName::plain(name),
            kind: TableKind::Ordinary,
            columns: Vec::new(),
            primary_key: Vec::new(),
            uniques: Vec::new(),
            foreign_keys: parents
                .iter()
                .map(|parent| ForeignKey {
                    name: format!("{name}_{parent}"),
                    columns: vec!["x".into()],
                    parent: TableName::plain(*parent),
                    parent_columns: vec!["id".into()],
                    on_delete: Action::NoAction,
                    on_update: Action::NoAction,
                })
                .collect(),
            checks: Vec::new(),
            create: String::new(),
            counter: false,
            strict: false,
        }
    }

    fn order(tables: Vec<Table>) -> Vec<String> {
        let catalogue = Catalogue {
            engine: EngineKind::Sqlite,
            version: String::new(),
            settings: BTreeMap::new(),
            tables,
            pre: Vec::new(),
            post: Vec::new(),
            own: Traces::default(),
        };
        catalogue.parents_first().into_iter().map(|at| catalogue.tables[at].name.name.clone()).collect()
    }

    #[test]
    fn p12_parents_come_before_children() {
        let names = order(vec![table("a", &["b"]), table("b", &["c"]), table("c", &[]), table("d", &["d", "a"])]);
        assert_eq!(names, ["c", "b", "a", "d"]);
    }

    #[test]
    fn cycles_are_ordered_too() {
        let names = order(vec![table("a", &["b"]), table("b", &["a"]), table("c", &["a"]), table("z", &["missing"])]);
        assert_eq!(names, ["z", "a", "b", "c"]);
    }

    #[test]
    fn names_cannot_forge_log_lines() {
        assert_eq!(TableName::plain("a\nb").to_string(), "a\\nb");
    }
}
