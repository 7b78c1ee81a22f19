//! `runs`: what is in a target, and how each run could be rolled back.

use super::address;
use crate::cli::args::RunsArgs;
use crate::cli::render::{Answer, grouped, table};
use crate::engine;
use crate::error::Result;
use crate::run::Context;
use crate::run::ledger::Run;
use crate::run::rollback::{self, Standing};
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, args: &RunsArgs) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
    let runs = rollback::standing(&mut *target)?;
    let json = runs.iter().map(as_json).collect();
    if runs.is_empty() {
        return Ok(Answer::new(json, format!("No run is in {address}.")));
    }
    let lines: Vec<Vec<String>> = runs.iter().map(line).collect();
    let head = ["run", "restored", "env", "marker", "tables", "rows", "rollback"];
    Ok(Answer::new(json, table(&head, &lines, &[4, 5])))
}

fn rows(run: &Run) -> u64 {
    run.detail.tables.iter().map(|table| table.inserted + table.overwritten).sum()
}

/// How the rows are marked.
fn marker(run: &Run) -> &'static str {
    if run.is_marked_by_ledger() { "ledger" } else { "columns" }
}

fn strategies(standing: &Standing) -> Vec<&'static str> {
    standing.strategies.iter().map(|strategy| strategy.word()).collect()
}

fn as_json(standing: &Standing) -> Value {
    let run = &standing.run;
    json!({ "run": run.id, "snapshot": run.snapshot, "restored": run.restored, "environment": run.detail.environment,
        "marker": marker(run), "partial": run.detail.partial, "tables": run.detail.tables.len(), "rows": rows(run),
        "strategies": strategies(standing), "after": standing.after })
}

fn line(standing: &Standing) -> Vec<String> {
    let run = &standing.run;
    let how = match &standing.after {
        Some(later) => format!("after {later}"),
        None => strategies(standing).join(", "),
    };
    let partial = if run.detail.partial { " (in part)" } else { "" };
    vec![
        format!("{}{partial}", run.id),
        run.restored.clone(),
        run.detail.environment.clone(),
        marker(run).to_owned(),
        run.detail.tables.len().to_string(),
        grouped(rows(run)),
        how,
    ]
}
