//! Counters of a clone. They are not part of a transaction: rows that were taken back have moved them all the same.

use super::key::mysql;
use super::triggers::at;
use crate::engine::mysql::catalog::cell;
use crate::engine::mysql::explain;
use crate::engine::mysql::session::Session;
use crate::engine::sql::Sql;
use crate::error::Result;
use std::collections::BTreeMap;

/// The next value of each table's counter.
fn of_tables(session: &mut Session, database: &str) -> Result<BTreeMap<String, i64>> {
    let sql = mysql().lit(
        "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES WHERE AUTO_INCREMENT IS NOT NULL AND TABLE_SCHEMA = ",
    );
    let rows = session.rows(sql.string(database).text())?;
    Ok(rows.iter().filter_map(|row| Some((cell(row, 0).to_owned(), cell(row, 1).parse().ok()?))).collect())
}

/// Statements that put the counters of tables back that differ from the template's.
pub(super) fn put_back(session: &mut Session, template: &str, clone: &str) -> Result<Vec<Sql>> {
    let (before, now) = (of_tables(session, template)?, of_tables(session, clone)?);
    let moved = before.iter().filter(|(table, next)| now.get(*table).is_some_and(|now| now != *next));
    Ok(moved
        .map(|(table, next)| {
            mysql().lit("ALTER TABLE ").part(&at(clone, table)).lit(" AUTO_INCREMENT = ").integer(*next)
        })
        .collect())
}

/// Statements that put MariaDB's sequences of a clone where those of the template are, for those that differ.
pub(super) fn of_sequences(session: &mut Session, template: &str, clone: &str, names: &[String]) -> Result<Vec<Sql>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut next = |database: &str| -> Result<Vec<String>> {
        let sql = mysql()
            .list(names, ";\n", |sql, name| sql.lit("SELECT next_not_cached_value FROM ").part(&at(database, name)));
        let answers = session.batch(sql.text())?.map_err(|error| explain::statement(&error))?;
        Ok(answers
            .iter()
            .map(|answer| answer.rows.first().map(|row| cell(row, 0).to_owned()).unwrap_or_default())
            .collect())
    };
    let (before, now) = (next(template)?, next(clone)?);
    let moved = names.iter().zip(before.into_iter().zip(now)).filter(|(_, (before, now))| before != now);
    Ok(moved
        .filter_map(|(name, (before, _))| {
            mysql().lit("ALTER SEQUENCE ").part(&at(clone, name)).lit(" RESTART ").number(&before)
        })
        .collect())
}
