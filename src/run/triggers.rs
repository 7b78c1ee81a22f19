//! The application's triggers, where the engine cannot keep them silent: they are taken away before the first row changes
//! and come back with the commit, or with its failure.

use super::Context;
use super::restore::run_rendered;
use crate::engine::{Target, sql};
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, SchemaObject, TableName};

/// The triggers of `tables`, on engines where they would fire.
pub(super) fn of(target: &dyn Target, live: &Catalogue, tables: &[&TableName]) -> Vec<SchemaObject> {
    if !sql::fires_triggers(target.engine()) {
        return Vec::new();
    }
    let is_touched = |object: &&SchemaObject| object.table.as_ref().is_some_and(|table| tables.contains(&table));
    live.post.iter().filter(|object| object.kind == "trigger").filter(is_touched).cloned().collect()
}

/// Refuses triggers of tables that are the application's own.
pub(super) fn refuse(triggers: &[SchemaObject], is_ours: impl Fn(&TableName) -> bool) -> Result<()> {
    let own = |trigger: &&SchemaObject| !trigger.table.as_ref().is_some_and(&is_ours);
    let names: Vec<String> = triggers
        .iter()
        .filter(own)
        .map(|trigger| match &trigger.table {
            Some(table) => format!("{} on {table}", trigger.name.escape_debug()),
            None => trigger.name.escape_debug().to_string(),
        })
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::guard(format!("triggers of the target would fire on restored rows: {}", names.join(", "))).hint(
        "This server cannot keep a trigger silent. Add --suspend-triggers to drop them for the time of the restore: until \
         it ends, rows that the application writes to these tables do not fire them either.",
    ))
}

/// Takes triggers away.
pub(super) fn suspend(context: &Context<'_>, target: &mut dyn Target, triggers: &[SchemaObject]) -> Result<()> {
    // The last one first: what takes them back goes the other way round.
    for trigger in triggers.iter().rev() {
        if trigger.create.is_empty() {
            return Err(Error::guard(format!(
                "this account may not see how trigger {} is made",
                trigger.name.escape_debug()
            ))
            .hint("Connect as an account with the TRIGGER privilege, or one with SHOW_ROUTINE."));
        }
        target.execute(&sql::drop_trigger(target.engine(), &trigger.name))?;
    }
    if !triggers.is_empty() {
        let names: Vec<String> = triggers.iter().map(|trigger| trigger.name.escape_debug().to_string()).collect();
        context.note(format!("triggers are away until the end: {}", names.join(", ")));
    }
    Ok(())
}

/// Brings triggers back, but for those of tables that are `gone` or get theirs otherwise.
pub(super) fn revive(
    target: &mut dyn Target,
    triggers: &[SchemaObject],
    gone: impl Fn(&TableName) -> bool,
) -> Result<()> {
    for trigger in triggers.iter().filter(|trigger| !trigger.table.as_ref().is_some_and(&gone)) {
        run_rendered(target, &trigger.create, &format!("trigger {}", trigger.name.escape_debug()))?;
    }
    Ok(())
}
