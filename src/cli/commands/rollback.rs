//! `rollback`: from what was typed to rows that are as they were before a restore.

use super::capture::{database_name, days_from_now};
use super::guarded::{self, Answers};
use super::{address, audit, confirm, finished, started};
use crate::cli::args::{RollbackArgs, RollbackStrategy};
use crate::cli::render::{Answer, count, grouped, seconds, table};
use crate::cli::settings::Settings;
use crate::cli::surroundings;
use crate::engine::{self, Engine, Target};
use crate::error::{Error, Result};
use crate::model::audit::{Actor, Database, Deed, Operation};
use crate::run::backup::Place;
use crate::run::repository::Repository;
use crate::run::rollback::{self, Backups, Effect, Options, Outcome, Strategy, Taken};
use crate::run::surroundings::Surroundings;
use crate::run::{Context, declaration, guard, lock, retry};
use crate::secret::Address;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &RollbackArgs) -> Result<Answer> {
    refuse_mixtures(args)?;
    let deed = Deed { run: args.run.clone(), environment: args.env.clone(), ..Deed::new(Operation::Rollback) };
    audit::attempt(context, settings, (deed, args.dry_run), |deed| roll_back(context, settings, args, deed))
}

/// What the parser cannot tell by itself.
fn refuse_mixtures(args: &RollbackArgs) -> Result<()> {
    if args.condition.is_some() && args.table.len() != 1 {
        return Err(Error::usage("--where needs exactly one --table, whose columns it speaks of"));
    }
    if args.strategy == RollbackStrategy::None && !args.table.is_empty() {
        return Err(Error::usage("--strategy none lets a whole run go; it takes no --table")
            .hint("Leave --table out, or delete the rows of these tables with --strategy delete."));
    }
    Ok(())
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
    let environment = surroundings.environment(declared.as_ref().ok().and_then(Option::as_ref));
    let mut facts = vec![
        ("target", address.to_string()),
        ("strategy", strategy(args).word().to_owned()),
        ("dry_run", args.dry_run.to_string()),
    ];
    facts.extend(guarded::facts(&environment));
    started(context, "rollback", facts);
    declared?;
    // A rollback needs no store of itself; where one can be opened, its audit trail tells of it too, and backups go there.
    let repository = audit::open_quietly(settings);
    let place = place(settings, &address, repository.as_ref(), &environment.environment)?;
    let mut options = Options { surroundings, place, ..options(settings, args, repository.as_ref()) };
    lock::wait(context, &mut *target, options.lock_timeout)?;
    options.surroundings = agreed(context, (engine, &address), &mut *target, args, &options)?;
    let mut done = Vec::new();
    let mut record = |outcome: &Outcome| {
        if let Some(repository) = repository.as_ref().filter(|_| !args.dry_run) {
            let deed = Deed { database: Some(database.clone()), ..outcome.deed.clone() };
            audit::record_of_target(context, settings, repository, deed);
        }
        let tables = outcome.tables.iter().map(|taken| (taken.table.clone(), taken.deleted + taken.put_back)).collect();
        finished(context, "rollback", vec![("run", outcome.run.clone())], tables, outcome.millis);
        done.push(outcome.clone());
    };
    let open = || (engine.target)(&address, false, &context.cancel);
    if args.all {
        retry::run(context, target, &open, &mut |target, sent| {
            rollback::attempt_all(context, target, &options, &mut record, sent)
        })?;
    } else {
        let done =
            retry::run(context, target, &open, &mut |target, sent| rollback::attempt(context, target, &options, sent))?;
        done.iter().for_each(&mut record);
    }
    let text: Vec<String> = done.iter().map(|outcome| text(outcome, &address, args.dry_run)).collect();
    let json = match done.as_slice() {
        [outcome] if !args.all => as_json(outcome, &address, args.dry_run),
        outcomes => outcomes.iter().map(|outcome| as_json(outcome, &address, args.dry_run)).collect(),
    };
    Ok(Answer::new(json, text.join("\n\n")))
}

fn ask(args: &RollbackArgs, address: &Address) -> Result<()> {
    let what = match (&args.run, args.all) {
        (_, true) => "every run",
        (Some(run), _) => run,
        (None, _) => "the restored rows",
    };
    let question = match args.strategy {
        RollbackStrategy::None => format!(
            "The rows of {what} stay in {address} and become its own, previous rows are forgotten, and this can never be rolled back."
        ),
        _ if args.table.is_empty() => format!("This takes {what} out of {address}."),
        _ => format!("This takes rows of {} out of {address}.", args.table.join(", ")),
    };
    confirm(args.yes, &question)
}

fn strategy(args: &RollbackArgs) -> Strategy {
    match args.strategy {
        RollbackStrategy::Delete => Strategy::Delete,
        RollbackStrategy::Truncate => Strategy::Truncate,
        RollbackStrategy::None => Strategy::None,
    }
}

/// Where backups go; none where no store of the user's own is open. Whoever can read a public store could read the rows of a
/// backup in it.
fn place<'a>(
    settings: &Settings,
    address: &Address,
    repository: Option<&'a Repository>,
    environment: &str,
) -> Result<Option<Place<'a>>> {
    let environment = if environment == "unknown" { "staging" } else { environment };
    let expires = settings.retention(None, environment)?.map(days_from_now).transpose()?;
    let private = repository.filter(|repository| !repository.is_public());
    let (database, address) = (database_name(address), address.to_string());
    Ok(private.map(|repository| Place { repository, database, address, expires }))
}

/// The options as they were typed.
fn options(settings: &Settings, args: &RollbackArgs, repository: Option<&Repository>) -> Options<'static> {
    Options {
        wanted: args.run.clone(),
        tables: args.table.clone(),
        condition: args.condition.clone(),
        strategy: strategy(args),
        force: args.force,
        dry_run: args.dry_run,
        lock_timeout: Duration::from_secs(args.lock_timeout),
        actor: repository.map_or_else(|| unsigned(settings), |repository| repository.actor().clone()),
        keep_audit: settings.keeps_audit_in_target(),
        backups: match (args.backup, args.no_backup) {
            (true, _) => Backups::Always,
            (_, true) => Backups::Never,
            _ => Backups::Automatic,
        },
        ..Options::default()
    }
}

/// What the guards and the user agree to.
fn agreed(
    context: &Context<'_>,
    (engine, address): (&Engine, &Address),
    target: &mut dyn Target,
    args: &RollbackArgs,
    options: &Options<'_>,
) -> Result<Surroundings> {
    let with = |said: &Surroundings, dry_run| Options { surroundings: said.clone(), dry_run, ..options.clone() };
    let database = guard::database_name(target)?;
    let check = &mut |said: &Surroundings| rollback::guard(target, &with(said, options.dry_run));
    let look = &|said: &Surroundings| {
        let mut target = (engine.target)(address, false, &context.cancel)?;
        if !args.all {
            return rollback::rollback(context, &mut *target, &with(said, true)).map(|done| done.deed);
        }
        let mut deeds = Vec::new();
        rollback::all(context, &mut *target, &with(said, true), &mut |done| deeds.push(done.deed.clone()))?;
        Ok(together(deeds))
    };
    let answers = Answers { yes: args.yes, confirm: args.confirm.as_deref(), database: &database };
    let mut said = options.surroundings.clone();
    guarded::passed(context, answers, &mut said, check, look)?;
    // Who has given the database's name has confirmed enough, but for what can never be taken back.
    let is_named = said.name.is_some() || args.confirm.is_some();
    if !args.dry_run && (!is_named || args.strategy == RollbackStrategy::None) {
        ask(args, address)?;
    }
    Ok(said)
}

/// What several runs add up to.
fn together(deeds: Vec<Deed>) -> Deed {
    let mut sum = Deed::new(Operation::Rollback);
    for deed in deeds {
        *sum.counts.entry("rows".to_owned()).or_default() += deed.counts.get("rows").copied().unwrap_or_default();
        sum.tables.extend(deed.tables);
    }
    sum
}

fn unsigned(settings: &Settings) -> Actor {
    let (name, host) = settings.actor();
    Actor { signer: None, name, host }
}

/// What was done, or would be, in plain words.
fn text(done: &Outcome, address: &Address, dry_run: bool) -> String {
    let mut parts = vec![rows_text(&done.tables, done.strategy)];
    if !done.effects.is_empty() {
        parts.push(effects_text(&done.effects));
    }
    let mut lines = match done.strategy {
        Strategy::None => vec![format!("{} kept as the database's own", count(done.kept(), "row"))],
        _ => vec![format!("{} deleted, {} put back", count(done.deleted(), "row"), grouped(done.put_back()))],
    };
    if !done.dropped.is_empty() {
        lines.push(format!("{} dropped that the restore had created", count(done.dropped.len() as u64, "table")));
    }
    if done.partial {
        lines.push("the run stays with its other rows".to_owned());
    }
    lines.extend(done.backup.as_ref().map(|saved| match &saved.snapshot {
        Some(snapshot) => format!(
            "{} saved before as {snapshot}; to put them back:\n    terp-fixtures restore {snapshot} --target {address} --create \
             --on-conflict overwrite --keep-others{}",
            count(saved.rows, "row"),
            if saved.by_ledger { " --marker ledger" } else { "" }
        ),
        None => format!("{} saved before as backup-{}-<time>", count(saved.rows, "row"), database_name(address)),
    }));
    if !dry_run {
        lines.push(seconds(done.millis));
    }
    let head = match (dry_run, done.strategy) {
        (true, Strategy::None) => format!("Dry run: would let go of {} in {address}. Nothing was changed.", done.run),
        (true, _) => format!("Dry run: would roll back {} in {address}. Nothing was changed.", done.run),
        (false, Strategy::None) => format!("Let go of {} in {address}", done.run),
        (false, _) => format!("Rolled back {} in {address}", done.run),
    };
    parts.push(format!("{head}\n  {}", lines.join("\n  ")));
    parts.join("\n\n")
}

fn rows_text(tables: &[Taken], strategy: Strategy) -> String {
    let note = |taken: &Taken| {
        let gone = (taken.gone > 0).then(|| format!("{} gone before", grouped(taken.gone)));
        let edited = taken.edited.then(|| "edited since".to_owned());
        let truncated = taken.truncated.then(|| "emptied as a whole".to_owned());
        gone.into_iter().chain(edited).chain(truncated).collect::<Vec<_>>().join(", ")
    };
    let keys = |taken: &Taken| {
        if taken.deleted + taken.kept > 0 { taken.keys[..12].to_owned() } else { String::new() }
    };
    let line = |taken: &Taken| match strategy {
        Strategy::None => vec![taken.table.to_string(), grouped(taken.kept), keys(taken), note(taken)],
        _ => {
            let counts = [taken.deleted, taken.put_back].map(grouped);
            vec![taken.table.to_string(), counts[0].clone(), counts[1].clone(), keys(taken), note(taken)]
        }
    };
    let lines: Vec<Vec<String>> = tables.iter().map(line).collect();
    match strategy {
        Strategy::None => table(&["table", "kept", "keys", "notes"], &lines, &[1]),
        _ => table(&["table", "deleted", "put back", "keys", "notes"], &lines, &[1, 2]),
    }
}

fn effects_text(effects: &[Effect]) -> String {
    let line = |effect: &Effect| {
        let key = format!("{} to {}", effect.key.escape_debug(), effect.parent);
        vec![effect.table.to_string(), key, grouped(effect.rows), effect.does.word().to_owned()]
    };
    let lines: Vec<Vec<String>> = effects.iter().map(line).collect();
    table(&["other rows of", "by foreign key", "rows", "were"], &lines, &[2])
}

fn as_json(done: &Outcome, address: &Address, dry_run: bool) -> Value {
    let tables: Vec<Value> = done
        .tables
        .iter()
        .map(|taken| {
            json!({ "table": taken.table.to_string(), "deleted": taken.deleted, "put_back": taken.put_back, "kept": taken.kept,
                "keys": taken.keys, "gone": taken.gone, "edited": taken.edited, "truncated": taken.truncated })
        })
        .collect();
    let effects: Vec<Value> = done
        .effects
        .iter()
        .map(|effect| {
            json!({ "table": effect.table.to_string(), "key": effect.key, "parent": effect.parent.to_string(),
                "rows": effect.rows, "were": effect.does.word(), "keys": effect.keys })
        })
        .collect();
    let backup = done.backup.as_ref().map(|saved| {
        json!({ "snapshot": saved.snapshot, "rows": saved.rows,
        "marker": if saved.by_ledger { "ledger" } else { "columns" } })
    });
    json!({
        "run": done.run, "target": address.to_string(), "environment": done.environment, "strategy": done.strategy.word(),
        "partial": done.partial, "dry_run": dry_run, "millis": done.millis, "tables": tables, "effects": effects,
        "backup": backup, "dropped": done.dropped.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
