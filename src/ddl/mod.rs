//! Floor 1: a schema out of files of SQL: what a database would be after them, as far as tables, columns and keys go. Nothing is
//! run. A statement about a table that cannot be read is a problem, never passed over in silence; rows and defaults are not
//! printed anywhere.

mod alter;
mod schema;
mod split;
mod table;
#[cfg(test)]
mod tests;
mod types;
mod words;

use crate::model::mark;
use crate::model::schema::{Catalogue, EngineKind, Traces};
use schema::{Schema, Unread};
use split::Statement;
use std::collections::BTreeMap;
use words::Words;

/// A file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name, for messages.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A statement that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// The line that the statement begins on, from 1.
    pub line: usize,
    /// The column that it begins in, from 1.
    pub column: usize,
    /// Whether it changes a table, so that the schema is wrong without it.
    pub of_table: bool,
    /// What it is: words of SQL, and nothing that was written between them.
    pub what: String,
}

/// Reads files in their order, as a database would run them.
#[must_use]
pub fn read(files: &[File], engine: EngineKind) -> (Catalogue, Vec<Problem>) {
    let mut schema = Schema::new(engine);
    let mut problems = Vec::new();
    for file in files {
        for statement in split::statements(&file.text, engine) {
            let Err(unread) = read_one(&mut schema, &statement) else { continue };
            let (of_table, what) = match unread {
                Unread::Table(what) => (true, format!("{what} cannot be read")),
                Unread::Unknown => (false, format!("{} is left out", first_words(&statement.text))),
            };
            problems.push(Problem {
                file: file.name.clone(),
                line: statement.line,
                column: statement.column,
                of_table,
                what,
            });
        }
    }
    (finished(schema), problems)
}

fn read_one(schema: &mut Schema, statement: &Statement) -> Result<(), Unread> {
    let (text, engine) = (statement.text.as_str(), schema.engine);
    if let Some(what) = statement.unended {
        return Err(Unread::Table(what));
    }
    if is_rows(text) {
        return Ok(());
    }
    if engine != EngineKind::Postgres && split::is_routine(text) && swallows_tables(text) {
        return Err(Unread::Table("a routine or trigger that goes on into another statement"));
    }
    match words::pieces(text, engine) {
        Some(pieces) => schema.read(Words::new(engine, text, &pieces)),
        None if is_of_table(text) => Err(Unread::Table("a statement about a table")),
        None => Err(Unread::Unknown),
    }
}

/// Whether a line of a body, without any indent, creates or changes a table: then its end was missed.
fn swallows_tables(text: &str) -> bool {
    text.lines().skip(1).any(|line| {
        let line = line.get(..12).unwrap_or_default().to_ascii_uppercase();
        line == "CREATE TABLE" || line.starts_with("ALTER TABLE")
    })
}

/// Rows need no look, however many there are.
fn is_rows(text: &str) -> bool {
    let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    ["INSERT", "REPLACE", "COPY", "UPDATE", "DELETE", "SELECT"].contains(&word.to_ascii_uppercase().as_str())
}

fn is_of_table(text: &str) -> bool {
    let head: Vec<String> = text.split_whitespace().take(4).map(str::to_ascii_uppercase).collect();
    head.first().is_some_and(|word| ["CREATE", "ALTER", "DROP"].contains(&word.as_str()))
        && head.contains(&"TABLE".to_owned())
}

/// The bare words that a statement begins with: at most two, and only letters.
fn first_words(text: &str) -> String {
    let words = text
        .split_whitespace()
        .take(2)
        .take_while(|word| word.chars().all(|c| c.is_ascii_alphabetic()) && word.len() < 20);
    let words: Vec<String> = words.map(str::to_ascii_uppercase).collect();
    if words.is_empty() { "a statement that begins with no word".to_owned() } else { words.join(" ") }
}

fn finished(schema: Schema) -> Catalogue {
    let Schema { engine, drafts, pre, post, .. } = schema;
    // SQLite's own tables stand in the output of .schema.
    let is_own = |name: &str| engine == EngineKind::Sqlite && name.starts_with("sqlite_");
    let kept = drafts.iter().filter(|draft| !is_own(&draft.name.name) && !mark::is_own_table(&draft.name.name));
    let mut tables: Vec<_> = kept.map(|draft| draft.clone().finish(engine, &drafts)).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let settings: &[(&str, &str)] = match engine {
        EngineKind::Sqlite => &[("encoding", "UTF-8")],
        EngineKind::Postgres => &[("encoding", "UTF8")],
        EngineKind::Mysql => &[("character_set", "utf8mb4"), ("collation", "utf8mb4_0900_ai_ci")],
        EngineKind::Mariadb => &[("character_set", "utf8mb4"), ("collation", "utf8mb4_general_ci")],
    };
    let settings: BTreeMap<String, String> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Catalogue { engine, version: "DDL".to_owned(), settings, tables, pre, post, own: Traces::default() }
}

/// Signs of an engine in a file, each with what it counts.
const SIGNS: &[(EngineKind, &str, usize)] = &[
    (EngineKind::Mysql, "`", 1),
    (EngineKind::Mysql, "auto_increment", 5),
    (EngineKind::Mysql, "engine=innodb", 10),
    (EngineKind::Mariadb, "mariadb dump", 1000),
    (EngineKind::Mariadb, "/*m!", 1000),
    (EngineKind::Postgres, "serial", 2),
    (EngineKind::Postgres, "jsonb", 5),
    (EngineKind::Postgres, "timestamptz", 5),
    (EngineKind::Postgres, "with time zone", 5),
    (EngineKind::Postgres, "character varying", 5),
    (EngineKind::Postgres, "alter table only", 10),
    (EngineKind::Postgres, "as enum", 10),
    (EngineKind::Postgres, "postgresql", 10),
    (EngineKind::Postgres, "::", 3),
    (EngineKind::Postgres, "$$", 3),
    (EngineKind::Postgres, "generated by default as identity", 5),
    (EngineKind::Sqlite, "autoincrement", 5),
    (EngineKind::Sqlite, "pragma ", 10),
    (EngineKind::Sqlite, "without rowid", 10),
    (EngineKind::Sqlite, "create virtual table", 10),
    (EngineKind::Sqlite, "integer primary key", 3),
];

/// The engine that files were most likely written for. None where nothing tells.
#[must_use]
pub fn guess(files: &[File]) -> Option<EngineKind> {
    let mut points: BTreeMap<u8, (usize, EngineKind)> = BTreeMap::new();
    for file in files {
        let text = file.text.to_lowercase();
        for (engine, sign, weight) in SIGNS {
            let found = text.matches(sign).count().min(50);
            points.entry(*engine as u8).or_insert((0, *engine)).0 += found * weight;
        }
    }
    points.into_values().filter(|(points, _)| *points > 0).max_by_key(|(points, _)| *points).map(|(_, engine)| engine)
}
