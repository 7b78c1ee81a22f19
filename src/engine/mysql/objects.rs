//! Views, routines, triggers and events, in an order in which they can be made.

use super::catalog::cell;
use super::session::{Session, TextRow};
use super::{ddl, isolate};
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::model::schema::{EngineKind, SchemaObject, TableName};

/// What comes before the tables (MariaDB's sequences), and what comes after them.
pub(super) fn read(session: &mut Session) -> Result<(Vec<SchemaObject>, Vec<SchemaObject>)> {
    let mut pre = Vec::new();
    for name in names(
        session,
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
        AND TABLE_TYPE = 'SEQUENCE' ORDER BY TABLE_NAME",
    )? {
        pre.push(shown(session, "sequence", "SHOW CREATE SEQUENCE ", &name, None, (None, 1))?);
    }
    let mut post = routines(session)?;
    post.extend(views(session)?);
    post.extend(triggers(session)?);
    for name in names(
        session,
        "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() \
        ORDER BY EVENT_NAME",
    )? {
        post.push(shown(session, "event", "SHOW CREATE EVENT ", &name, None, (Some(1), 3))?);
    }
    Ok((pre, post))
}

fn names(session: &mut Session, query: &str) -> Result<Vec<String>> {
    Ok(session.rows(query)?.into_iter().flatten().flatten().collect())
}

/// One object as the server shows it. `places` are the columns of its sql_mode, if it has one, and of its text.
///
/// The text is empty where the account may not see it; then it cannot be made elsewhere.
fn shown(
    session: &mut Session,
    kind: &str,
    show: &'static str,
    name: &str,
    table: Option<TableName>,
    places: (Option<usize>, usize),
) -> Result<SchemaObject> {
    let rows = session
        .rows(Sql::new(EngineKind::Mysql).lit(show).name(name).text())
        .map_err(|error| error.within(format!("{kind} {}", name.escape_debug())))?;
    let empty = TextRow::new();
    let row = rows.first().unwrap_or(&empty);
    // A script may have left its separator at the end of the text.
    let text = ddl::without_definer(cell(row, places.1).trim_end_matches([';', ' ', '\n']));
    let create = match places.0 {
        // A body means what it meant under the settings it was made with.
        Some(mode) if !text.is_empty() => {
            let mode = Sql::new(EngineKind::Mysql).lit("SET SESSION sql_mode = ").string(cell(row, mode));
            format!("{};\n{text}", mode.text())
        }
        _ => text,
    };
    Ok(SchemaObject { kind: kind.to_owned(), name: name.to_owned(), table, create })
}

fn routines(session: &mut Session) -> Result<Vec<SchemaObject>> {
    let rows = session.rows(
        "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() \
         AND ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE') ORDER BY ROUTINE_TYPE, ROUTINE_NAME",
    )?;
    let mut routines = Vec::new();
    for row in rows {
        let (kind, show) = match cell(&row, 0) {
            "FUNCTION" => ("function", "SHOW CREATE FUNCTION "),
            _ => ("procedure", "SHOW CREATE PROCEDURE "),
        };
        routines.push(shown(session, kind, show, cell(&row, 1), None, (Some(1), 2))?);
    }
    Ok(routines)
}

/// Views, those that others name first.
fn views(session: &mut Session) -> Result<Vec<SchemaObject>> {
    let mut waiting = Vec::new();
    for name in names(
        session,
        "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() \
        ORDER BY TABLE_NAME",
    )? {
        waiting.push(shown(session, "view", "SHOW CREATE VIEW ", &name, None, (None, 1))?);
    }
    let mut placed: Vec<SchemaObject> = Vec::new();
    while !waiting.is_empty() {
        let names: Vec<String> =
            waiting.iter().map(|view| Sql::new(EngineKind::Mysql).name(&view.name).text().to_owned()).collect();
        let is_free = |at: usize, view: &SchemaObject| {
            !names.iter().enumerate().any(|(other, name)| other != at && view.create.contains(name.as_str()))
        };
        let free = waiting.iter().enumerate().position(|(at, view)| is_free(at, view));
        // A column called like a view may look like a dependency that goes round; then the order of names decides.
        placed.push(waiting.remove(free.unwrap_or(0)));
    }
    Ok(placed)
}

/// Triggers in the order in which they fire.
fn triggers(session: &mut Session) -> Result<Vec<SchemaObject>> {
    let rows = session.rows(
        "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() \
         ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
    )?;
    let mut triggers = Vec::new();
    // A clone has triggers of this program, and guards in those of the application.
    for row in rows.iter().filter(|row| !isolate::is_own_trigger(cell(row, 0))) {
        let table = TableName::plain(cell(row, 1));
        let mut trigger = shown(session, "trigger", "SHOW CREATE TRIGGER ", cell(row, 0), Some(table), (Some(1), 2))?;
        trigger.create = isolate::unguarded(&trigger.create);
        triggers.push(trigger);
    }
    Ok(triggers)
}

/// The statement that makes a trigger again: as the catalogue has it, and with its definer.
pub(super) fn trigger(session: &mut Session, name: &str) -> Result<(String, String)> {
    let plain = shown(session, "trigger", "SHOW CREATE TRIGGER ", name, None, (Some(1), 2))?.create;
    let rows = session.rows(Sql::new(EngineKind::Mysql).lit("SHOW CREATE TRIGGER ").name(name).text())?;
    let whole = rows.first().map(|row| cell(row, 2).trim_end_matches([';', ' ', '\n'])).unwrap_or_default();
    let mode = plain.split_once(";\n").map_or("", |(mode, _)| mode);
    Ok((plain.clone(), format!("{mode};\n{whole}")))
}
