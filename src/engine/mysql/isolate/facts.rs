//! What a clone was when it was made, so that whoever opens it later can tell whether its shape was changed or a table emptied
//! as a whole: no trigger fires for that.

use super::key::mysql;
use super::triggers::{self, at};
use crate::engine::isolate::REGISTRY;
use crate::engine::mysql::catalog::cell;
use crate::engine::mysql::session::{Session, TextRow};
use crate::engine::mysql::{ddl, explain};
use crate::engine::network;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::schema::EngineKind;
use std::collections::{BTreeMap, BTreeSet};

/// The table in the registry's database in which it stands.
const TABLE: &str = "terp_fixtures_facts";

/// What is written down about a template or a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// How each table and object is defined.
    Shape,
    /// The storage behind each table.
    Storage,
    /// Why there is no row journal.
    NoJournal,
    /// Of a template: statements that make its events, which must not run there.
    Events,
}

impl Topic {
    fn word(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Storage => "storage",
            Self::NoJournal => "no journal",
            Self::Events => "events",
        }
    }
}

fn table() -> Sql {
    at(REGISTRY, TABLE)
}

/// The row journal of a clone.
pub(super) fn journal(name: &str) -> Sql {
    at(REGISTRY, &format!("rows_{}", network::digest("terp-fixtures v1 mysql row journal", &[name])))
}

pub(super) fn make_table(session: &mut Session) -> Result<()> {
    let sql = mysql().lit("CREATE TABLE IF NOT EXISTS ").part(&table()).lit(
        " (name VARCHAR(64) NOT NULL, topic VARCHAR(16) NOT NULL, fact LONGTEXT NOT NULL, PRIMARY KEY (name, topic)) \
         ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    );
    super::run(session, &sql, "making a table of the registry")
}

pub(super) fn write(session: &mut Session, name: &str, topic: Topic, fact: &str) -> Result<()> {
    let sql = mysql().lit("REPLACE INTO ").part(&table()).lit(" VALUES (").string(name).lit(", ");
    session.run(sql.string(topic.word()).lit(", ").string(fact).lit(")").text()).map(drop)
}

pub(super) fn read(session: &mut Session, name: &str, topic: Topic) -> Result<Option<String>> {
    let sql = mysql().lit("SELECT fact FROM ").part(&table()).lit(" WHERE name = ").string(name);
    session.text(sql.lit(" AND topic = ").string(topic.word()).text())
}

/// Removes what is written down about a database, its row journal too.
pub(super) fn forget(session: &mut Session, name: &str) -> Result<()> {
    for sql in [
        mysql().lit("DROP TABLE IF EXISTS ").part(&journal(name)),
        mysql().lit("DELETE FROM ").part(&table()).lit(" WHERE name = ").string(name),
    ] {
        match session.attempt(sql.text())? {
            // There is no registry.
            Err(error) if !matches!(explain::code(&error), Some(1049 | 1051 | 1146)) => {
                return Err(explain::statement(&error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Names with something about each.
pub(super) type Named = BTreeMap<String, String>;

/// One line for each name.
pub(super) fn lines(named: &Named) -> String {
    let lines: Vec<String> = named.iter().map(|(name, fact)| format!("{fact} {}\n", name.escape_default())).collect();
    lines.concat()
}

/// The same back; names stay escaped.
fn of_lines(text: &str) -> Named {
    let line = |line: &str| line.split_once(' ').map(|(fact, name)| (name.to_owned(), fact.to_owned()));
    text.lines().filter_map(line).collect()
}

/// How each table and object of a database is defined, in one round trip after the list of names.
pub(super) fn shape(session: &mut Session, database: &str) -> Result<Named> {
    let of = |sql: &'static str| mysql().lit(sql).string(database).text().to_owned();
    let lists = [
        of(
            "SELECT 'table', TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_TYPE <> 'VIEW' AND TABLE_SCHEMA = ",
        ),
        of("SELECT 'view', TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = "),
        of(
            "SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME, LAST_ALTERED FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ",
        ),
        of("SELECT 'event', EVENT_NAME, LAST_ALTERED FROM information_schema.EVENTS WHERE EVENT_SCHEMA = "),
        of(
            "SELECT 'trigger', TRIGGER_NAME, CONCAT(EVENT_OBJECT_TABLE, ' ', COALESCE(CREATED, '')) FROM information_schema.TRIGGERS \
            WHERE EVENT_OBJECT_SCHEMA = ",
        ),
        of("SELECT 'settings of', 'the database', CONCAT(DEFAULT_CHARACTER_SET_NAME, ' ', DEFAULT_COLLATION_NAME) \
            FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "),
    ];
    let rows = session.batch(&lists.join(";\n"))?.map_err(|error| explain::statement(&error))?;
    let rows: Vec<TextRow> = rows.into_iter().flat_map(|answer| answer.rows).collect();
    let mut named: Named =
        rows.iter().map(|row| (format!("{} {}", cell(row, 0), cell(row, 1)), digest(cell(row, 2)))).collect();
    let tables: Vec<&str> = rows.iter().filter(|row| cell(row, 0) == "table").map(|row| cell(row, 1)).collect();
    for (name, create) in tables.iter().zip(creates(session, database, &tables)?) {
        named.insert(format!("table {name}"), digest(&ddl::stripped(&create, false)));
    }
    Ok(named)
}

fn digest(text: &str) -> String {
    network::digest("terp-fixtures v1 mysql shape", &[text])
}

/// What SHOW CREATE TABLE says of each table, in one round trip.
pub(super) fn creates(session: &mut Session, database: &str, tables: &[impl AsRef<str>]) -> Result<Vec<String>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let show =
        mysql().list(tables, ";\n", |sql, table| sql.lit("SHOW CREATE TABLE ").part(&at(database, table.as_ref())));
    let answers = session.batch(show.text())?.map_err(|error| explain::statement(&error))?;
    Ok(answers
        .iter()
        .map(|answer| answer.rows.first().map(|row| cell(row, 1).to_owned()).unwrap_or_default())
        .collect())
}

/// The number of the storage behind each table, and behind each part of one: TRUNCATE and a rebuild give it a new one. None where
/// the account may not see it.
pub(super) fn storage(session: &mut Session, engine: EngineKind, database: &str) -> Result<Option<Named>> {
    let table = match engine {
        EngineKind::Mariadb => "SELECT NAME, TABLE_ID FROM information_schema.INNODB_SYS_TABLES WHERE NAME LIKE ",
        _ => "SELECT NAME, TABLE_ID FROM information_schema.INNODB_TABLES WHERE NAME LIKE ",
    };
    let Some(file) = file_name(database) else { return Ok(None) };
    let sql = mysql().lit(table).string(&format!("{}/%", file.replace('_', "\\_")));
    // The pattern is a literal already, whose backslashes were doubled.
    match session.batch(sql.text())? {
        Ok(answers) => {
            let rows = answers.into_iter().flat_map(|answer| answer.rows);
            Ok(Some(rows.map(|row| (cell(&row, 0).to_owned(), cell(&row, 1).to_owned())).collect()))
        }
        Err(error) if explain::code(&error) == Some(1227) => Ok(None),
        Err(error) => Err(explain::statement(&error)),
    }
}

/// A name as the storage writes it; none where only the server knows how.
fn file_name(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => out.push(c),
            c if c.is_ascii() => out.push_str(&format!("@{:04x}", u32::from(c))),
            _ => return None,
        }
    }
    Some(out)
}

/// What has become of a clone since it was made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The tables with these places were emptied or built anew; none where it cannot be told which.
    Rows(Option<BTreeSet<usize>>),
    /// The shape is another one: what of it.
    Shape(String),
}

/// Compares shapes.
pub(super) fn changed_shape(before: &str, now: &Named) -> Option<Change> {
    let (before, now) = (of_lines(before), of_lines(&lines(now)));
    let differs = before.keys().chain(now.keys()).find(|name| before.get(*name) != now.get(*name))?;
    let what = match (before.get(differs), now.get(differs)) {
        (Some(_), None) => "is gone",
        (None, _) => "is new",
        _ => "was changed",
    };
    let own = format!("trigger {}", triggers::PREFIX);
    Some(Change::Shape(if differs.starts_with(&own) {
        format!("a trigger of the row journal {what}")
    } else {
        format!("the schema was changed: {differs} {what}")
    }))
}

/// Compares storages; `tables` are the names of the tables.
pub(super) fn changed_storage<'a>(before: &str, now: &Named, tables: impl Iterator<Item = &'a str>) -> Option<Change> {
    let (before, now) = (of_lines(before), of_lines(&lines(now)));
    let places: BTreeMap<String, usize> =
        tables.zip(0..).filter_map(|(name, at)| Some((file_name(name)?.to_ascii_lowercase(), at))).collect();
    let mut changed = BTreeSet::new();
    for name in before.keys().chain(now.keys()).filter(|name| before.get(*name) != now.get(*name)) {
        let (_, table) = name.split_once('/').unwrap_or(("", name));
        let table = table.to_ascii_lowercase();
        let table = table.split_once("#p#").map_or(table.as_str(), |(table, _)| table);
        match places.get(table) {
            Some(&at) => drop(changed.insert(at)),
            // The parts of an index for words in texts, which come and go with the table.
            None if table.starts_with("fts_") => {}
            None => return Some(Change::Rows(None)),
        }
    }
    (!changed.is_empty()).then_some(Change::Rows(Some(changed)))
}

/// How many changes of shape the whole server has begun since it runs. As long as it stays the same, no clone was changed.
pub(super) fn count(engine: EngineKind) -> Sql {
    const COUNTED: [&str; 27] = [
        "alter_db",
        "alter_event",
        "alter_function",
        "alter_procedure",
        "alter_sequence",
        "alter_table",
        "create_event",
        "create_function",
        "create_index",
        "create_procedure",
        "create_sequence",
        "create_table",
        "create_trigger",
        "create_view",
        "drop_db",
        "drop_event",
        "drop_function",
        "drop_index",
        "drop_procedure",
        "drop_sequence",
        "drop_table",
        "drop_trigger",
        "drop_view",
        "optimize",
        "rename_table",
        "repair",
        "truncate",
    ];
    let sql = mysql().lit(match engine {
        EngineKind::Mariadb => {
            "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ("
        }
        _ => "SHOW GLOBAL STATUS WHERE Variable_name IN (",
    });
    let word = |sql: Sql, word: &&str| sql.string(&format!("Com_{word}"));
    let sql =
        COUNTED.iter().enumerate().fold(sql, |sql, (at, name)| word(if at > 0 { sql.lit(", ") } else { sql }, name));
    sql.lit(")")
}

/// The sum of what [`count`] gives.
pub(super) fn counted(rows: &[TextRow]) -> Result<u64> {
    let sum = rows.iter().filter_map(|row| cell(row, 1).parse::<u64>().ok()).sum();
    if rows.is_empty() { Err(Error::unreachable("the server does not tell what it has run")) } else { Ok(sum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pairs: &[(&str, &str)]) -> Named {
        pairs.iter().map(|(name, fact)| ((*name).to_owned(), (*fact).to_owned())).collect()
    }

    #[test]
    fn changes_of_shape_are_named() {
        let before = named(&[("table a\nb", "1"), ("trigger terp_fixtures_0_i", "2")]);
        let text = lines(&before);
        assert_eq!(changed_shape(&text, &before), None);
        let says = |now: &Named| match changed_shape(&text, now) {
            Some(Change::Shape(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(says(&named(&[("table a\nb", "1")])), "a trigger of the row journal is gone");
        assert_eq!(
            says(&named(&[("table a\nb", "3"), ("trigger terp_fixtures_0_i", "2")])),
            "the schema was changed: table a\\nb was changed"
        );
    }

    #[test]
    fn storage_is_told_by_table() {
        let before = named(&[("c/t", "1"), ("c/a@0020b", "2"), ("c/p#P#p0", "3"), ("c/fts_01", "4"), ("c/@1o", "5")]);
        let text = lines(&before);
        let tables = ["t", "a b", "p", "ü"];
        let differs = |name: &str| {
            let mut now = before.clone();
            now.insert(name.to_owned(), "9".to_owned());
            changed_storage(&text, &now, tables.into_iter())
        };
        assert_eq!(changed_storage(&text, &before, tables.into_iter()), None);
        assert_eq!(differs("c/a@0020b"), Some(Change::Rows(Some([1].into()))));
        assert_eq!(differs("c/p#P#p0"), Some(Change::Rows(Some([2].into()))));
        assert_eq!(differs("c/fts_01"), None);
        assert_eq!(differs("c/@1o"), Some(Change::Rows(None)));
    }
}
