//! `rollback` and `runs`: what is in a target, and out again.

use super::guarded::{self, Answers};
use super::{address, audit, confirm, finished, started};
use crate::cli::args::{RollbackArgs, RunsArgs};
use crate::cli::render::{Answer, count, grouped, seconds, table};
use crate::cli::settings::Settings;
use crate::cli::surroundings;
use crate::engine::{self, Engine, Target};
use crate::error::Result;
use crate::model::audit::{Actor, Database, Deed, Operation};
use crate::run::ledger::Run;
use crate::run::surroundings::Surroundings;
use crate::run::{Context, declaration, retry, rollback};
use crate::secret::Address;
use serde_json::json;
use std::time::Duration;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &RollbackArgs) -> Result<Answer> {
    let deed = Deed { run: args.run.clone(), ..Deed::new(Operation::Rollback) };
    audit::attempt(context, settings, (deed, args.dry_run), |deed| roll_back(context, settings, args, deed))
}

/// Rolls back. `deed` gets what is known so far, for the case that it is refused.
fn roll_back(context: &Context<'_>, settings: &Settings, args: &RollbackArgs, deed: &mut Deed) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    deed.database = Some(Database { address: address.to_string(), identity: None });
    let surroundings = surroundings::of(settings, &address, args.env.as_deref())?;
    let engine = engine::find(&address)?;
    let mut target = guarded::open(context, (engine, &address), &surroundings, false)?;
    let database = audit::database(&mut *target, &address);
    deed.database = Some(database.clone());
    let declared = declaration::read(&mut *target);
    let mut facts = vec![("target", address.to_string()), ("dry_run", args.dry_run.to_string())];
    facts.extend(guarded::facts(&surroundings.environment(declared.as_ref().ok().and_then(Option::as_ref))));
    started(context, "rollback", facts);
    declared?;
    // A rollback needs no store; where one can be opened, its audit trail tells of it too.
    let repository = audit::open_quietly(settings);
    let mut options = rollback::Options {
        wanted: args.run.clone(),
        force: args.force,
        dry_run: args.dry_run,
        surroundings,
        lock_timeout: Duration::from_secs(args.lock_timeout),
        actor: repository.as_ref().map_or_else(|| unsigned(settings), |repository| repository.actor().clone()),
        keep_audit: settings.keeps_audit_in_target(),
    };
    options.surroundings = agreed(context, (engine, &address), &mut *target, args, &options)?;
    let open = || (engine.target)(&address, false, &context.cancel);
    let done =
        retry::run(context, target, &open, &mut |target, sent| rollback::attempt(context, target, &options, sent))?;
    if let Some(repository) = repository.as_ref().filter(|_| !args.dry_run) {
        let deed = Deed { database: Some(database), ..done.deed.clone() };
        audit::record_of_target(context, settings, repository, deed);
    }
    let tables = done.tables.iter().map(|(table, deleted, put_back)| (table.clone(), deleted + put_back)).collect();
    finished(context, "rollback", vec![("run", done.run.clone())], tables, done.millis);
    let lines: Vec<Vec<String>> = done
        .tables
        .iter()
        .map(|(table, deleted, put_back)| vec![table.to_string(), grouped(*deleted), grouped(*put_back)])
        .collect();
    let counts = table(&["table", "deleted", "put back"], &lines, &[1, 2]);
    let deleted: u64 = done.tables.iter().map(|(_, deleted, _)| deleted).sum();
    let put_back: u64 = done.tables.iter().map(|(_, _, put_back)| put_back).sum();
    let dropped = if done.dropped.is_empty() {
        String::new()
    } else {
        format!("\n  {} dropped that the restore had created", count(done.dropped.len() as u64, "table"))
    };
    let text = if args.dry_run {
        format!("{counts}\n\nDry run: would roll back {}. Nothing was changed.", done.run)
    } else {
        format!(
            "{counts}\n\nRolled back {} in {address}\n  {} deleted, {} put back{dropped}\n  {}",
            done.run,
            count(deleted, "row"),
            grouped(put_back),
            seconds(done.millis)
        )
    };
    let json = json!({
        "run": done.run, "target": address.to_string(), "dry_run": args.dry_run, "millis": done.millis,
        "tables": done.tables.iter().map(|(table, deleted, put_back)| json!({ "table": table.to_string(),
            "deleted": deleted, "put_back": put_back })).collect::<Vec<_>>(),
        "dropped": done.dropped.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    Ok(Answer::new(json, text))
}

/// What the guards and the user agree to.
fn agreed(
    context: &Context<'_>,
    (engine, address): (&Engine, &Address),
    target: &mut dyn Target,
    args: &RollbackArgs,
    options: &rollback::Options,
) -> Result<Surroundings> {
    let with =
        |said: &Surroundings, dry_run| rollback::Options { surroundings: said.clone(), dry_run, ..options.clone() };
    let check = &mut |said: &Surroundings| rollback::guard(target, &with(said, options.dry_run));
    let look = &|said: &Surroundings| {
        let mut target = (engine.target)(address, false, &context.cancel)?;
        rollback::rollback(context, &mut *target, &with(said, true)).map(|done| done.deed)
    };
    let answers = Answers { yes: args.yes, confirm: args.confirm.as_deref() };
    let mut said = options.surroundings.clone();
    guarded::passed(context, answers, &mut said, check, look)?;
    // Who has given the database's name has confirmed enough.
    if !args.dry_run && said.name.is_none() {
        let what = args.run.as_deref().unwrap_or("the restored rows");
        confirm(args.yes, &format!("This takes {what} out of {address}."))?;
    }
    Ok(said)
}

fn unsigned(settings: &Settings) -> Actor {
    let (name, host) = settings.actor();
    Actor { signer: None, name, host }
}

pub(super) fn runs(context: &Context<'_>, args: &RunsArgs) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
    let runs = rollback::runs(&mut *target)?;
    let rows = |run: &Run| -> u64 { run.detail.tables.iter().map(|table| table.inserted + table.overwritten).sum() };
    let json = runs
        .iter()
        .map(|run| {
            json!({ "run": run.id, "snapshot": run.snapshot, "restored": run.restored,
                "environment": run.detail.environment, "tables": run.detail.tables.len(), "rows": rows(run) })
        })
        .collect();
    if runs.is_empty() {
        return Ok(Answer::new(json, format!("No run is in {address}.")));
    }
    let lines: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            vec![
                run.id.clone(),
                run.restored.clone(),
                run.detail.environment.clone(),
                run.detail.tables.len().to_string(),
                grouped(rows(run)),
            ]
        })
        .collect();
    Ok(Answer::new(json, table(&["run", "restored", "env", "tables", "rows"], &lines, &[3, 4])))
}
