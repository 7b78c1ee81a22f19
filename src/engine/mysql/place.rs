//! Staging places of MySQL and MariaDB: a database beside the target, whose tables change hands by one RENAME.

use super::session::Session;
use super::{connect, explain};
use crate::engine::sql::Sql;
use crate::engine::staging::Place;
use crate::error::Result;
use crate::model::schema::{EngineKind, TableName};

/// What stands between the target's name and the key.
const MIDDLE: &str = "_terp_load_";

/// The longest name of a database, in characters.
const LONGEST: usize = 64;

fn mysql() -> Sql {
    Sql::new(EngineKind::Mysql)
}

/// The database this session works in.
fn home(session: &mut Session) -> Result<String> {
    Ok(session.text("SELECT DATABASE()")?.unwrap_or_default())
}

pub(super) fn places(session: &mut Session) -> Result<Vec<Place>> {
    let before = format!("{}{MIDDLE}", home(session)?);
    let length = i64::try_from(before.chars().count()).unwrap_or(i64::MAX);
    let sql = mysql().lit("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE BINARY LEFT(SCHEMA_NAME, ");
    let sql = sql.integer(length).lit(") = BINARY ").string(&before).lit(" ORDER BY SCHEMA_NAME");
    let names = session.rows(sql.text())?.into_iter().flatten().flatten();
    let places = names.filter_map(|name| {
        let key = name.strip_prefix(&before).filter(|key| Place::is_key(key))?.to_owned();
        Some(Place { key, name: format!("database {}", name.escape_debug()) })
    });
    Ok(places.collect())
}

/// Another connection, into a place; the reason where there can be none.
pub(super) fn stream(
    main: &mut Session,
    engine: EngineKind,
    key: &str,
) -> Result<std::result::Result<Session, &'static str>> {
    let home = home(main)?;
    let name = format!("{home}{MIDDLE}{key}");
    if name.chars().count() > LONGEST {
        return Ok(Err("the name of the database is too long for another one beside it"));
    }
    let sql =
        mysql().lit("SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA ");
    let facts = main.rows(sql.lit("WHERE SCHEMA_NAME = DATABASE()").text())?;
    let fact = |at: usize| facts.first().and_then(|row| row.get(at)).cloned().flatten().unwrap_or_default();
    let create = mysql().lit("CREATE DATABASE IF NOT EXISTS ").name(&name).lit(" CHARACTER SET ").name(&fact(0));
    if let Err(error) = main.attempt(create.lit(" COLLATE ").name(&fact(1)).text())? {
        return match explain::code(&error) {
            Some(1044 | 1045 | 1227) => Ok(Err("this account may make no database beside it")),
            _ => Err(explain::statement(&error)),
        };
    }
    let mut session = main.another(&main.cancel)?;
    connect::pin(&mut session)?;
    session.run(mysql().lit("USE ").name(&name).text())?;
    connect::trust_rows(&mut session, engine)?;
    Ok(Ok(session))
}

/// The statement that moves tables out of a place.
pub(super) fn rename(session: &mut Session, key: &str, tables: &[TableName]) -> Result<Option<Sql>> {
    let home = home(session)?;
    let aside = format!("{home}{MIDDLE}{key}");
    let moves = mysql().lit("RENAME TABLE ").list(tables, ", ", |sql, table| {
        sql.name(&aside).lit(".").name(&table.name).lit(" TO ").name(&home).lit(".").name(&table.name)
    });
    Ok((!tables.is_empty()).then_some(moves))
}

pub(super) fn remove(session: &mut Session, key: &str) -> Result<()> {
    let name = format!("{}{MIDDLE}{key}", home(session)?);
    session.run(mysql().lit("DROP DATABASE IF EXISTS ").name(&name).text()).map(drop)
}
