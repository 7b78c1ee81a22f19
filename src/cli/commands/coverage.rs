//! `coverage`: which tables have rows, from where, and why the others have none.

use super::{address, audit};
use crate::cli::args::CoverageArgs;
use crate::cli::render::{Answer, count, grouped, table};
use crate::cli::settings::Settings;
use crate::engine;
use crate::error::Result;
use crate::run::Context;
use crate::run::coverage::{self, Covered, Outcome};
use serde_json::json;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &CoverageArgs) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
    // Reasons are looked for in a store where there is one; without one the database says what it can.
    let snapshots = match audit::open_quietly(settings) {
        Some(repository) => repository.snapshots().map(|(snapshots, _)| snapshots).unwrap_or_default(),
        None => Vec::new(),
    };
    let done = coverage::coverage(context, &mut *target, &snapshots)?;
    let shown = |covered: &&Covered| !args.empty || covered.rows == 0;
    let tables: Vec<&Covered> = done.tables.iter().filter(shown).collect();
    let json = json!({
        "tables": tables.iter().map(|covered| json!({
            "table": covered.table.to_string(), "rows": covered.rows, "own": covered.own(),
            "runs": covered.runs.iter().map(|(run, rows)| json!({ "run": run, "rows": rows })).collect::<Vec<_>>(),
            "why": covered.why.as_ref().map(|why| why.word), "reason": covered.why.as_ref().map(|why| &why.text),
        })).collect::<Vec<_>>(),
        "filled": done.filled(), "of": done.tables.len(), "percent": done.percent(), "millis": done.millis,
    });
    Ok(Answer::new(json, text(&done, &tables)))
}

fn text(done: &Outcome, tables: &[&Covered]) -> String {
    let head = format!(
        "{} of {} {} rows ({} %).",
        done.filled(),
        count(done.tables.len() as u64, "table"),
        if done.filled() == 1 { "has" } else { "have" },
        done.percent()
    );
    if tables.is_empty() {
        return head;
    }
    let line = |covered: &&Covered| vec![covered.table.to_string(), grouped(covered.rows), whence(covered)];
    let lines: Vec<Vec<String>> = tables.iter().map(line).collect();
    format!("{head}\n\n{}", table(&["table", "rows", "from, or why none"], &lines, &[1]))
}

/// `demo@0123-1: 40, its own: 2`; the reason where there is no row.
fn whence(covered: &Covered) -> String {
    if let Some(why) = &covered.why {
        return why.text.clone();
    }
    let mut parts: Vec<String> = covered.runs.iter().map(|(run, rows)| format!("{run}: {}", grouped(*rows))).collect();
    match (covered.own(), parts.is_empty()) {
        (0, _) => {}
        (_, true) => parts.push("no run".to_owned()),
        (own, false) => parts.push(format!("no run: {}", grouped(own))),
    }
    parts.join(", ")
}
