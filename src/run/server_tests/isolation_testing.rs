//! What tests of isolation do to a clone: random schemas with every kind of key, and random changes as an application makes them.

use super::dialect_testing::{Dialect, Random};
use super::testing::Server;
use crate::engine::isolate::Pristine;
use crate::engine::sql::Sql;
use crate::engine::{Target, mysql, postgres};
use crate::error::{Error, Result};
use crate::model::schema::{EngineKind, TableName};
use std::time::Duration;

pub(super) use crate::engine::suite::Connection;

/// Connects as an application does, and waits for others only shortly.
pub(super) fn connect(kind: EngineKind, url: &str) -> Connection {
    let (mut connection, patience) = match kind {
        EngineKind::Postgres => (postgres::testing::connection(url), "SET lock_timeout = '200ms'"),
        EngineKind::Mysql | EngineKind::Mariadb => {
            (mysql::testing::connection(url), "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1")
        }
        EngineKind::Sqlite => (sqlite(url), "PRAGMA synchronous = 0"),
    };
    connection(patience).unwrap();
    connection
}

fn sqlite(url: &str) -> Connection {
    let connection = rusqlite::Connection::open(url.strip_prefix("sqlite:").unwrap()).unwrap();
    connection.busy_timeout(Duration::from_millis(100)).unwrap();
    Box::new(move |text| connection.execute_batch(text).map_err(|error| error.to_string()))
}

/// How the rows of a table are told apart.
#[derive(Clone, Copy, PartialEq)]
enum Key {
    Nothing,
    Number,
    Counted,
    Text,
    Composite,
    Binary,
}

struct Shape {
    name: String,
    /// Its name without quotes.
    plain: String,
    key: Key,
    /// Referenced tables, each with what happens to the reference.
    parents: Vec<(usize, String)>,
    /// A column of any type, with literals of its values.
    odd: (String, &'static str, &'static [&'static str]),
    rows: usize,
    /// Where its rows lie in parts; then it has no other unique column and takes no part in references.
    parted: bool,
}

/// A random schema of five to twelve tables.
pub(super) struct Schema {
    kind: EngineKind,
    shapes: Vec<Shape>,
    /// What is drawn from.
    pub(super) random: Random,
    /// The rows of each table, as one statement without its name.
    rows: Vec<(String, String)>,
}

impl Schema {
    /// The schema of a seed.
    pub(super) fn new(server: &Server, seed: u64) -> Self {
        let (kind, mut random) = (server.kind, Random::new(seed));
        let tables = 5 + random.below(8);
        let mut shapes: Vec<Shape> = (0..tables).map(|at| shape(kind, server.dialect, &mut random, at)).collect();
        for at in 0..tables {
            for _ in 0..random.below(3) {
                let parent = random.below(tables); // An earlier one, a later one, or itself.
                if shapes[parent].key != Key::Nothing && !shapes[parent].parted && !shapes[at].parted {
                    let actions = actions(kind, &mut random);
                    shapes[at].parents.push((parent, actions));
                }
            }
        }
        let mut schema = Self { kind, shapes, random, rows: Vec::new() };
        schema.rows = (0..tables).map(|at| (schema.shapes[at].plain.clone(), schema.row_list(at))).collect();
        schema
    }

    /// The statements that make it with its rows.
    pub(super) fn text(&self, dialect: &Dialect) -> String {
        let mut text = dialect.before.to_owned();
        for shape in &self.shapes {
            text += &self.table(shape);
        }
        for (shape, (_, rows)) in self.shapes.iter().zip(&self.rows) {
            if !rows.is_empty() {
                text += &format!("INSERT INTO {} {rows};\n", shape.name);
            }
        }
        for (at, shape) in self.shapes.iter().enumerate() {
            if self.kind != EngineKind::Sqlite {
                for (number, key) in self.foreign_keys(shape).iter().enumerate() {
                    text += &format!("ALTER TABLE {} ADD CONSTRAINT fk{at}_{number} {key};\n", shape.name);
                }
            }
        }
        text
    }

    fn table(&self, shape: &Shape) -> String {
        let [number, text, binary] = types(self.kind);
        let mut parts = vec![match shape.key {
            Key::Nothing => format!("id {number}"),
            Key::Number => format!("id {number} NOT NULL PRIMARY KEY"),
            Key::Counted => counted(self.kind).to_owned(),
            Key::Text => format!("id {text} NOT NULL PRIMARY KEY"),
            Key::Binary => format!("id {binary} NOT NULL PRIMARY KEY"),
            Key::Composite => format!("part {number} NOT NULL, id {number} NOT NULL"),
        }];
        for (number, (parent, _)) in shape.parents.iter().enumerate() {
            let [plain, text, binary] = types(self.kind);
            let kind = match self.shapes[*parent].key {
                Key::Text => text,
                Key::Binary => binary,
                _ => plain,
            };
            parts.push(format!("ref{number} {kind} NULL, part{number} {plain} NULL"));
        }
        parts.push(format!("n INTEGER NULL, {} {} NULL", shape.odd.0, shape.odd.1));
        parts.push("made BIGINT GENERATED ALWAYS AS (n * 2) STORED".to_owned());
        parts.push(format!("u {text} NULL{}", if shape.parted { "" } else { " UNIQUE" }));
        if shape.key == Key::Composite {
            parts.push("PRIMARY KEY (part, id)".to_owned());
        }
        if self.kind == EngineKind::Sqlite {
            parts.extend(self.foreign_keys(shape));
        }
        let (name, parts) = (&shape.name, parts.join(", "));
        match self.kind {
            EngineKind::Postgres if shape.parted => format!(
                "CREATE TABLE {name} ({parts}) PARTITION BY RANGE (id);
                CREATE TABLE {plain}_low PARTITION OF {name} FOR VALUES FROM (MINVALUE) TO (20);
                CREATE TABLE {plain}_high PARTITION OF {name} FOR VALUES FROM (20) TO (MAXVALUE);\n",
                plain = "parts_of".to_owned() + &shape.at()
            ),
            EngineKind::Mysql | EngineKind::Mariadb if shape.parted => {
                format!("CREATE TABLE {name} ({parts}) PARTITION BY HASH (id) PARTITIONS 3;\n")
            }
            EngineKind::Sqlite if [Key::Text, Key::Composite].contains(&shape.key) => {
                format!("CREATE TABLE {name} ({parts}) WITHOUT ROWID;\n")
            }
            _ => format!("CREATE TABLE {name} ({parts});\n"),
        }
    }

    fn foreign_keys(&self, shape: &Shape) -> Vec<String> {
        let key = |(number, (parent, actions)): (usize, &(usize, String))| {
            let parent = &self.shapes[*parent];
            let (own, their) = match parent.key {
                Key::Composite => (format!("part{number}, ref{number}"), "part, id"),
                _ => (format!("ref{number}"), "id"),
            };
            format!("FOREIGN KEY ({own}) REFERENCES {} ({their}) {actions}", parent.name)
        };
        shape.parents.iter().enumerate().map(key).collect()
    }

    /// The rows that a table begins with.
    fn row_list(&mut self, at: usize) -> String {
        let count = self.shapes[at].rows;
        let rows: Vec<String> = (1..=count).map(|number| self.row(at, number)).collect();
        if rows.is_empty() { String::new() } else { format!("{} VALUES {}", self.columns(at), rows.join(", ")) }
    }

    /// The columns of a row that comes with its key.
    fn columns(&self, at: usize) -> String {
        let shape = &self.shapes[at];
        let mut names: Vec<String> = shape.key.columns().iter().map(|name| (*name).to_owned()).collect();
        for number in 0..shape.parents.len() {
            names.extend([format!("ref{number}"), format!("part{number}")]);
        }
        names.extend(["n".to_owned(), shape.odd.0.clone(), "u".to_owned()]);
        let overriding = if self.kind == EngineKind::Postgres { " OVERRIDING SYSTEM VALUE" } else { "" };
        format!("({}){overriding}", names.join(", "))
    }

    fn row(&mut self, at: usize, number: usize) -> String {
        let (shape, random, kind) = (&self.shapes[at], &mut self.random, self.kind);
        let mut values = shape.key.values(kind, number);
        for (parent, _) in &shape.parents {
            let parent = &self.shapes[*parent];
            let key = 1 + random.below(parent.rows.max(1));
            let null = parent.rows == 0 || random.below(3) == 0;
            let reference = if null { vec!["NULL".to_owned()] } else { parent.key.values(kind, key) };
            values.push(reference.last().unwrap().clone());
            values.push(if null { "NULL".to_owned() } else { (key % 3).to_string() });
        }
        values.push(if random.below(8) == 0 { "NULL".to_owned() } else { random.below(1000).to_string() });
        values.push(random.one(shape.odd.2).to_owned());
        values.push(if random.below(4) == 0 { "NULL".to_owned() } else { format!("'u{number}'") });
        format!("({})", values.join(", "))
    }

    /// Some changes that belong together, as the statements of one connection.
    pub(super) fn changes(&mut self) -> Vec<String> {
        let mut some = |most: usize| -> Vec<String> {
            let count = 1 + self.random.below(most);
            (0..count).flat_map(|_| self.change()).collect()
        };
        let (first, second) = (some(3), some(2));
        let wrapped = |parts: &[&[String]]| parts.concat();
        let words = |text: &str| vec![text.to_owned()];
        match self.random.below(6) {
            0 => wrapped(&[&words("BEGIN"), &first, &words("COMMIT")]),
            1 => wrapped(&[&words("BEGIN"), &first, &second, &words("ROLLBACK")]),
            2 => {
                let (set, undo) = (words("SAVEPOINT a"), words("ROLLBACK TO SAVEPOINT a"));
                wrapped(&[&words("BEGIN"), &first, &set, &second, &undo, &words("COMMIT")])
            }
            3 if self.kind != EngineKind::Postgres => {
                let checks = |on: usize| match self.kind {
                    EngineKind::Sqlite => words(&format!("PRAGMA foreign_keys = {on}")),
                    _ => words(&format!("SET foreign_key_checks = {on}")),
                };
                wrapped(&[&checks(0), &first, &checks(1)])
            }
            _ => first,
        }
    }

    /// One change.
    fn change(&mut self) -> Vec<String> {
        let at = self.random.below(self.shapes.len());
        let (number, other) = (1 + self.random.below(40), 1 + self.random.below(40));
        let (columns, row) = (self.columns(at), self.row(at, number + 20));
        let (mut rows, kind) = (vec![row.clone()], self.kind);
        rows.extend((0..self.random.below(4)).map(|more| self.row(at, 100 + 10 * other + more)));
        let shape = &self.shapes[at];
        let (name, odd) = (&shape.name, self.random.one(shape.odd.2));
        let [here, there] = [number, other].map(|number| shape.key.condition(kind, number));
        let moved = shape.key.values(kind, 200 + other).pop().unwrap();
        let reference = format!("ref{}", self.random.below(shape.parents.len().max(1)));
        let text = match self.random.below(20) {
            0 => format!("INSERT INTO {name} {columns} VALUES {row}"),
            1 => format!("INSERT INTO {name} {columns} VALUES {}", rows.join(", ")),
            2 | 3 => format!("INSERT INTO {name} (n, u) VALUES ({number}, NULL), (NULL, 'new{number}{other}')"),
            4 if shape.key.is_number() => {
                let names = shape.key.columns();
                let shifted = names.join(", ").replace("id", "id + 1000");
                format!(
                    "INSERT INTO {name} ({}, n) SELECT {shifted}, n FROM {name} WHERE id < {number}",
                    names.join(", ")
                )
                .replacen(
                    ", n) ",
                    if kind == EngineKind::Postgres { ", n) OVERRIDING SYSTEM VALUE " } else { ", n) " },
                    1,
                )
            }
            5 => format!("UPDATE {name} SET n = n + 1"),
            6 => format!("UPDATE {name} SET n = n - 1, u = NULL WHERE {here} OR {there}"),
            7 => format!("UPDATE {name} SET id = {moved} WHERE {here}"),
            8 if shape.key.is_number() => format!("UPDATE {name} SET id = id + 500 WHERE n < 300"),
            8 if shape.key == Key::Text => format!("UPDATE {name} SET id = UPPER(id)"),
            9 => format!("UPDATE {name} SET u = 'v{number}' WHERE {here}"),
            10 if !shape.parents.is_empty() => format!("UPDATE {name} SET {reference} = NULL WHERE n % 2 = 0"),
            11 => format!("UPDATE {name} SET {} = {odd} WHERE n % 3 = 0", shape.odd.0),
            12 => format!("DELETE FROM {name} WHERE n % 3 = 1"),
            13 => format!("DELETE FROM {name}"),
            14 => return self.emptied(at),
            15 if shape.key != Key::Nothing => self.upserted(at, &columns, &rows.join(", ")),
            16 => format!("INSERT INTO {name} {columns} VALUES {row}, {row}"), // Never right where there is a key.
            _ => format!("DELETE FROM {name} WHERE {here} OR {there}"),
        };
        vec![text]
    }

    fn emptied(&mut self, at: usize) -> Vec<String> {
        let name = &self.shapes[at].name;
        let words: &[&str] = match (self.kind, self.random.below(3)) {
            (EngineKind::Postgres, 0) => &["TRUNCATE NAME RESTART IDENTITY CASCADE"],
            (EngineKind::Postgres, _) => &["TRUNCATE NAME CASCADE"],
            (EngineKind::Sqlite, 0) => &["PRAGMA foreign_keys = 0", "DELETE FROM NAME", "PRAGMA foreign_keys = 1"],
            (EngineKind::Sqlite, _) => &["DELETE FROM NAME"],
            (_, 0) => &["SET foreign_key_checks = 0", "TRUNCATE TABLE NAME", "SET foreign_key_checks = 1"],
            _ => &["TRUNCATE TABLE NAME"],
        };
        words.iter().map(|words| words.replace("NAME", name)).collect()
    }

    fn upserted(&mut self, at: usize, columns: &str, rows: &str) -> String {
        let shape = &self.shapes[at];
        let (name, key) = (&shape.name, shape.key.columns().join(", "));
        match (self.kind, self.random.below(2)) {
            (EngineKind::Mysql | EngineKind::Mariadb | EngineKind::Sqlite, 0) => {
                format!("REPLACE INTO {name} {columns} VALUES {rows}")
            }
            (EngineKind::Mysql | EngineKind::Mariadb, _) => {
                format!("INSERT INTO {name} {columns} VALUES {rows} ON DUPLICATE KEY UPDATE n = 7")
            }
            _ => format!("INSERT INTO {name} {columns} VALUES {rows} ON CONFLICT ({key}) DO UPDATE SET n = 7"),
        }
    }

    /// A change of the schema.
    pub(super) fn alteration(&mut self) -> String {
        let at = self.random.below(self.shapes.len());
        let (name, cascade) = (&self.shapes[at].name, if self.kind == EngineKind::Postgres { " CASCADE" } else { "" });
        match self.random.below(5) {
            0 => format!("ALTER TABLE {name} ADD COLUMN extra INTEGER DEFAULT 7"),
            1 => "CREATE TABLE additional (id INTEGER NOT NULL PRIMARY KEY)".to_owned(),
            2 => format!("CREATE INDEX additional ON {name} (n)"),
            3 => "CREATE VIEW additional AS SELECT 1 AS one".to_owned(),
            _ => format!("DROP TABLE {name}{cascade}"),
        }
    }
}

/// The rows that tables began with.
impl Pristine for Schema {
    fn load(&mut self, target: &mut dyn Target, table: &TableName, into: Option<&TableName>) -> Result<u64> {
        let at = self.rows.iter().position(|(name, _)| *name == table.name);
        let at = at.ok_or_else(|| Error::internal(format!("no rows of table {table}")))?;
        let rows: &'static str = Box::leak(self.rows[at].1.clone().into_boxed_str());
        if rows.is_empty() {
            return Ok(0);
        }
        let insert = Sql::new(self.kind).lit("INSERT INTO ").table(into.unwrap_or(table));
        target.execute(&insert.lit(" ").lit(rows))
    }
}

impl Key {
    fn columns(self) -> &'static [&'static str] {
        if self == Self::Composite { &["part", "id"] } else { &["id"] }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Nothing | Self::Number | Self::Counted | Self::Composite)
    }

    /// The literals of a key.
    fn values(self, kind: EngineKind, number: usize) -> Vec<String> {
        match self {
            Self::Text => vec![format!("'k{number}ß'")],
            Self::Binary if kind == EngineKind::Postgres => vec![format!("'\\x00ff5c27{number:06}'")],
            Self::Binary => vec![format!("x'00ff5c27{number:06}'")],
            Self::Composite => vec![(number % 3).to_string(), number.to_string()],
            Self::Nothing | Self::Number | Self::Counted => vec![number.to_string()],
        }
    }

    fn condition(self, kind: EngineKind, number: usize) -> String {
        let pairs = self.columns().iter().zip(self.values(kind, number));
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name} = {value}")).collect();
        format!("({})", pairs.join(" AND "))
    }
}

impl Shape {
    fn at(&self) -> String {
        self.plain.chars().filter(char::is_ascii_digit).collect()
    }
}

/// The types of whole numbers, texts and bytes.
fn types(kind: EngineKind) -> [&'static str; 3] {
    match kind {
        EngineKind::Postgres => ["BIGINT", "VARCHAR(40)", "BYTEA"],
        EngineKind::Sqlite => ["INTEGER", "VARCHAR(40)", "BLOB"],
        EngineKind::Mysql | EngineKind::Mariadb => ["BIGINT", "VARCHAR(40)", "VARBINARY(40)"],
    }
}

fn counted(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::Postgres => "id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        EngineKind::Sqlite => "id INTEGER PRIMARY KEY AUTOINCREMENT",
        EngineKind::Mysql | EngineKind::Mariadb => "id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
    }
}

fn actions(kind: EngineKind, random: &mut Random) -> String {
    let all: &[&str] = &["CASCADE", "CASCADE", "SET NULL", "RESTRICT", "NO ACTION", "SET DEFAULT"];
    // The last one is what InnoDB does not know.
    let known = if matches!(kind, EngineKind::Mysql | EngineKind::Mariadb) { &all[..5] } else { all };
    let late = kind != EngineKind::Mysql && kind != EngineKind::Mariadb && random.below(4) == 0;
    let late = if late { " DEFERRABLE INITIALLY DEFERRED" } else { "" };
    format!("ON DELETE {} ON UPDATE {}{late}", random.one(known), random.one(known))
}

fn shape(kind: EngineKind, dialect: &'static Dialect, random: &mut Random, at: usize) -> Shape {
    let quote = dialect.quote;
    let quoted = |name: &str| format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")));
    let plain = format!("{}{at}", random.one(dialect.names));
    let keys = [Key::Nothing, Key::Number, Key::Counted, Key::Text, Key::Composite, Key::Binary];
    let (parted, key) = (at == 3 && kind != EngineKind::Sqlite, random.one(&keys));
    let (odd, values) = random.one(dialect.types);
    // Not every type goes into a table in parts.
    let (odd, values) = if parted { dialect.types[1] } else { (odd, values) };
    let odd = (quoted(&format!("{} odd", random.one(dialect.names))), odd, values);
    let key = if parted { Key::Number } else { key };
    Shape { name: quoted(&plain), plain, key, parents: Vec::new(), odd, rows: random.below(30), parted }
}
