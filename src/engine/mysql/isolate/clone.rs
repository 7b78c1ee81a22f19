//! Templates and clones: a clone is the template's statements run again, its rows copied on the server, and what keeps the row
//! journal.

use super::counters;
use super::facts::{self, Named, Topic};
use super::key::mysql;
use super::plan::{Plan, Planned};
use super::triggers::{self, at};
use crate::engine::mysql::catalog::cell;
use crate::engine::mysql::session::Session;
use crate::engine::mysql::{connect, explain, objects};
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::schema::{EngineKind, SchemaObject};

/// Statements are sent together up to this many bytes: every server takes a packet of that size.
const PIECE: usize = 512 << 10;

/// What stands between statements of an event's text.
const BETWEEN: char = '\u{1}';

fn enter(session: &mut Session, database: &str) -> Result<()> {
    session.run(mysql().lit("USE ").name(database).text()).map(drop)
}

/// Analyses a template's tables, and takes its events away: they would change it whenever their time comes.
pub(super) fn seal(session: &mut Session, template: &str) -> Result<()> {
    enter(session, template)?;
    let (_, post) = objects::read(session)?;
    let events: Vec<&SchemaObject> = post.iter().filter(|object| object.kind == "event").collect();
    if !events.is_empty() {
        let text: Vec<&str> = events.iter().map(|event| event.create.as_str()).collect();
        facts::write(session, template, Topic::Events, &text.join(&BETWEEN.to_string()))?;
        for event in events {
            session.run(mysql().lit("DROP EVENT IF EXISTS ").name(&event.name).text())?;
        }
    }
    let plan = Plan::read(session)?;
    if !plan.tables.is_empty() {
        let sql = mysql().lit("ANALYZE TABLE ").list(&plan.tables, ", ", |sql, table| sql.name(&table.name));
        session.rows(sql.text())?;
    }
    enter(session, super::ANYWHERE)
}

/// Makes a clone.
pub(super) fn make(session: &mut Session, engine: EngineKind, template: &str, name: &str) -> Result<()> {
    enter(session, template)?;
    let plan = Plan::read(session)?;
    let (pre, post) = objects::read(session)?;
    let events = facts::read(session, template, Topic::Events)?.unwrap_or_default();
    let tables = names(session)?;
    let creates = facts::creates(session, template, &tables)?;
    let settings = session.rows("SELECT @@character_set_database, @@collation_database")?;
    let setting = |at: usize| settings.first().map(|row| cell(row, at).to_owned()).unwrap_or_default();
    let create = mysql().lit("CREATE DATABASE ").name(name).lit(" CHARACTER SET ").name(&setting(0));
    super::run(session, &create.lit(" COLLATE ").name(&setting(1)), "making a database")?;
    enter(session, name)?;
    // MariaDB names the database of a sequence.
    let qualified = mysql().lit("nextval(").name(template).lit(".");
    let tables = creates.iter().map(|text| text.replace(qualified.text(), "nextval("));
    all(session, pre.iter().map(|object| object.create.clone()).chain(tables))?;
    copy(session, engine, (template, name), &plan)?;
    let guarded = |object: &SchemaObject| match object.kind.as_str() {
        "trigger" => triggers::guarded(&object.create)
            .ok_or_else(|| Error::internal(format!("trigger {} has no body", object.name.escape_debug()))),
        _ => Ok(object.create.clone()),
    };
    let post: Vec<String> = post.iter().map(guarded).collect::<Result<_>>()?;
    let events = events.split(BETWEEN).filter(|text| !text.is_empty()).map(str::to_owned);
    for text in post.into_iter().chain(events) {
        session.run(&text)?;
        if text.starts_with("SET SESSION sql_mode") {
            session.run(connect::SQL_MODE)?;
        }
    }
    let why = journal(session, &plan, name)?;
    enter(session, super::ANYWHERE)?;
    if let Some(why) = why {
        facts::write(session, name, Topic::NoJournal, why)?;
    }
    note(session, engine, name)
}

/// Writes down how the clone is now.
fn note(session: &mut Session, engine: EngineKind, name: &str) -> Result<()> {
    let shape = facts::shape(session, name)?;
    facts::write(session, name, Topic::Shape, &facts::lines(&shape))?;
    let storage = facts::storage(session, engine, name)?;
    storage.map_or(Ok(()), |now: Named| facts::write(session, name, Topic::Storage, &facts::lines(&now)))
}

/// All tables, those without rows too.
fn names(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.rows(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
         AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME",
    )?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// Runs statements, as many at a time as fit into a packet.
fn all(session: &mut Session, statements: impl Iterator<Item = String>) -> Result<()> {
    let mut piece = String::new();
    for statement in statements {
        if !piece.is_empty() && piece.len() + statement.len() > PIECE {
            session.run(&std::mem::take(&mut piece))?;
        }
        if !piece.is_empty() {
            piece.push_str(";\n");
        }
        piece.push_str(&statement);
    }
    if piece.is_empty() { Ok(()) } else { session.run(&piece).map(drop) }
}

/// Copies all rows on the server. Keys and checks hold in the template already.
fn copy(session: &mut Session, engine: EngineKind, (template, name): (&str, &str), plan: &Plan) -> Result<()> {
    connect::trust_rows(session, engine)?;
    let insert = |table: &Planned| table.insert(name, template).text().to_owned();
    let rows =
        |transactional: bool| plan.tables.iter().filter(move |table| table.transactional == transactional).map(insert);
    all(session, std::iter::once("START TRANSACTION".to_owned()).chain(rows(true)))?;
    session.run("COMMIT")?;
    // Servers may refuse to have these in a transaction.
    all(session, rows(false))?;
    for sql in counters::of_sequences(session, template, name, &plan.sequences)? {
        session.run(sql.text())?;
    }
    session.run("SET SESSION unique_checks = 1").map(drop)
}

/// Makes the row journal. Returns why there is none.
fn journal(session: &mut Session, plan: &Plan, name: &str) -> Result<Option<&'static str>> {
    let journal = facts::journal(name);
    session.run(mysql().lit("DROP TABLE IF EXISTS ").part(&journal).text())?;
    session.run(triggers::create_journal(&journal).text())?;
    let triggers: Vec<String> = triggers::all(plan, &journal).iter().map(|sql: &Sql| sql.text().to_owned()).collect();
    for piece in triggers.chunks(200) {
        let Err(error) = session.batch(&piece.join(";\n"))? else { continue };
        let why = match explain::code(&error) {
            Some(1419) => {
                "the server writes a binary log, and lets an account without SUPER make triggers only with log_bin_trust_function_creators = 1 (1419)"
            }
            Some(1044 | 1142 | 1227) => "the account may not make triggers",
            _ => return Err(explain::statement(&error)),
        };
        drop_triggers(session, name)?;
        session.run(mysql().lit("DROP TABLE ").part(&journal).text())?;
        return Ok(Some(why));
    }
    Ok(None)
}

/// Half a row journal is none.
fn drop_triggers(session: &mut Session, name: &str) -> Result<()> {
    let sql =
        mysql().lit("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ").string(name);
    for row in session.rows(sql.text())? {
        if triggers::is_own(cell(&row, 0)) {
            session.run(mysql().lit("DROP TRIGGER ").part(&at(name, cell(&row, 0))).text())?;
        }
    }
    Ok(())
}
