//! `prune`, `rm` and `gc`: snapshots out of the store, and packs that none needs.

use super::{audit, confirm, finished, open_to_publish, started};
use crate::cli::args::{GcArgs, PruneArgs, RmArgs};
use crate::cli::render::{Answer, bytes, count, table};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::model::audit::{Deed, Named, Operation};
use crate::run::Context;
use crate::run::gc::{self, Options, Sum};
use crate::run::prune::{self, Keep};
use crate::run::repository::{Repository, Snapshot};
use crate::run::tags::{self, Tags};
use crate::run::timing::Timing;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub(super) fn prune(context: &Context<'_>, settings: &Settings, args: &PruneArgs) -> Result<Answer> {
    audit::attempt(context, settings, (Deed::new(Operation::Delete), args.dry_run), |_| {
        let repository = open_to_publish(context, settings)?;
        let snapshots = prune::all(&repository)?;
        let last = args.keep_last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
        let keep = Keep { last, within: args.keep_within, tags: args.keep_tag.clone() };
        let tags = if keep.tags.is_empty() { Tags::default() } else { tags::all(&repository)? };
        let chosen = prune::choose(&snapshots, &keep, &|snapshot| tags.of(snapshot).into_iter().collect());
        remove(context, settings, &repository, &chosen, (args.yes, args.dry_run))
    })
}

pub(super) fn rm(context: &Context<'_>, settings: &Settings, args: &RmArgs) -> Result<Answer> {
    let wanted = Named { name: args.snapshot.clone(), id: None };
    let deed = Deed { snapshot: Some(wanted), ..Deed::new(Operation::Delete) };
    audit::attempt(context, settings, (deed, args.dry_run), |deed| {
        let repository = open_to_publish(context, settings)?;
        let snapshot = repository.find(&args.snapshot)?;
        *deed = crate::run::audit::removed(Operation::Delete, &snapshot);
        let operation = if snapshot.is_expired() { Operation::Expire } else { Operation::Delete };
        remove(context, settings, &repository, &[(operation, &snapshot)], (args.yes, args.dry_run))
    })
}

fn remove(
    context: &Context<'_>,
    settings: &Settings,
    repository: &Repository,
    chosen: &[(Operation, &Snapshot)],
    (yes, dry_run): (bool, bool),
) -> Result<Answer> {
    let going: Vec<&Snapshot> = chosen.iter().map(|(_, snapshot)| *snapshot).collect();
    let forecast = gc::collect(context, repository, &Options { dry_run: true, going: &going, ..Options::default() })?;
    let labels: Vec<String> = chosen.iter().map(|(_, snapshot)| snapshot.label()).collect();
    let json = |packs: &gc::Outcome| json!({ "snapshots": labels, "dry_run": dry_run, "gc": in_json(packs) });
    if chosen.is_empty() && forecast.marked == Sum::default() && forecast.deleted == Sum::default() {
        return Ok(Answer::new(json(&forecast), "There is nothing to remove."));
    }
    let listed = listed(chosen);
    let what = format!("{} and {}", count(chosen.len() as u64, "snapshot"), told(forecast.deleted));
    let later = later(&forecast, repository.timing().grace);
    if dry_run {
        let text = format!("{listed}Dry run: would remove {what}.{later} Nothing was changed.");
        return Ok(Answer::new(json(&forecast), text));
    }
    confirm(yes, &format!("This removes {what} from {} for ever.{later}", settings.store()))?;
    started(context, "prune", vec![("store", settings.store().to_string()), ("snapshots", labels.join(" "))]);
    let start = Instant::now();
    let done = prune::remove(context, repository, chosen)?;
    tags::forget(repository)?;
    if let Some(head) = &done.head {
        audit::remember(context, settings, repository, head);
    }
    finished(context, "prune", facts(&done.packs), Vec::new(), millis(start));
    let removed = format!("{} and {}", count(done.snapshots.len() as u64, "snapshot"), told(done.packs.deleted));
    let later = self::later(&done.packs, repository.timing().grace);
    Ok(Answer::new(json(&done.packs), format!("{listed}Removed {removed}.{later}")))
}

/// The snapshots that go, as a table; nothing where none does.
fn listed(chosen: &[(Operation, &Snapshot)]) -> String {
    let line = |(operation, snapshot): &(Operation, &Snapshot)| {
        let manifest = &snapshot.manifest;
        let expires = manifest.expires.clone().unwrap_or_else(|| "never".to_owned());
        let why = if *operation == Operation::Expire { "expired" } else { "not kept" };
        vec![snapshot.label(), manifest.created.clone(), manifest.environment.clone(), expires, why.to_owned()]
    };
    let lines: Vec<Vec<String>> = chosen.iter().map(line).collect();
    match lines.as_slice() {
        [] => String::new(),
        lines => format!("{}\n\n", table(&["snapshot", "created", "env", "expires", "why"], lines, &[])),
    }
}

pub(super) fn gc(context: &Context<'_>, settings: &Settings, args: &GcArgs) -> Result<Answer> {
    audit::attempt(context, settings, (Deed::new(Operation::Collect), args.dry_run), |_| {
        let usual = Timing::default();
        let timing = Timing { grace: args.grace.unwrap_or(usual.grace), ..usual };
        let repository = open_to_publish(context, settings)?.timed(timing);
        let options =
            Options { force: args.force, no_grace: args.no_grace, dry_run: args.dry_run, ..Options::default() };
        let forecast = gc::collect(context, &repository, &Options { dry_run: true, ..options })?;
        if args.dry_run {
            return Ok(gc_answer(&forecast, &timing, true));
        }
        if args.no_grace {
            let what = told(forecast.deleted);
            let question = format!(
                "This deletes {what} from {} at once and for ever. A capture that is under way now, here or on another machine, would \
                 be broken: make sure that nothing else writes to this store now.",
                settings.store()
            );
            confirm(args.yes, &question)?;
        } else if forecast.deleted != Sum::default() {
            confirm(args.yes, &format!("This deletes {} from {} for ever.", told(forecast.deleted), settings.store()))?;
        }
        started(context, "gc", vec![("store", settings.store().to_string())]);
        let start = Instant::now();
        let done = gc::collect(context, &repository, &options)?;
        if let Some(head) = &done.head {
            audit::remember(context, settings, &repository, head);
        }
        finished(context, "gc", facts(&done), Vec::new(), millis(start));
        Ok(gc_answer(&done, &timing, false))
    })
}

fn gc_answer(outcome: &gc::Outcome, timing: &Timing, dry_run: bool) -> Answer {
    let line = |what: &str, sum: Sum| vec![what.to_owned(), sum.packs.to_string(), bytes(sum.bytes)];
    let mut lines = vec![
        line("in the store", outcome.all),
        line("needed by snapshots", outcome.live),
        line("not needed", outcome.unreferenced),
        line(if dry_run { "  would be deleted" } else { "  deleted" }, outcome.deleted),
        line(if dry_run { "  would be marked" } else { "  marked" }, outcome.marked),
        line("  marked before", outcome.waiting),
        line("  too young", outcome.young),
    ];
    if outcome.refused != Sum::default() {
        lines.push(line("  kept by the store", outcome.refused));
    }
    let mut text = table(&["packs", "number", "bytes"], &lines, &[1, 2]);
    if outcome.marked != Sum::default() {
        let hours = hours(timing.grace);
        text.push_str(&format!("\n\nWhat is marked is deleted by the next gc, prune or rm after {hours}."));
    }
    if dry_run {
        text.push_str("\n\nDry run: nothing was changed.");
        if outcome.needs_force {
            text.push_str(" More than half of the store would be marked: that takes --force.");
        }
    }
    let mut json = in_json(outcome);
    json["dry_run"] = dry_run.into();
    Answer::new(json, text)
}

fn in_json(outcome: &gc::Outcome) -> Value {
    let sum = |sum: Sum| json!({ "packs": sum.packs, "bytes": sum.bytes });
    json!({ "all": sum(outcome.all), "live": sum(outcome.live), "unreferenced": sum(outcome.unreferenced),
        "deleted": sum(outcome.deleted), "marked": sum(outcome.marked), "waiting": sum(outcome.waiting),
        "young": sum(outcome.young), "refused": sum(outcome.refused), "tombs": outcome.tombs,
        "needs_force": outcome.needs_force })
}

fn told(sum: Sum) -> String {
    format!("{} ({})", count(sum.packs, "pack"), bytes(sum.bytes))
}

/// What is marked, and when it goes.
fn later(outcome: &gc::Outcome, grace: Duration) -> String {
    if outcome.marked == Sum::default() {
        return String::new();
    }
    let (what, hours) = (told(outcome.marked), hours(grace));
    format!(" Marked, to be deleted by the next gc, prune or rm after {hours}: {what}.")
}

fn hours(grace: Duration) -> String {
    count(grace.as_secs() / 3600, "hour")
}

fn facts(outcome: &gc::Outcome) -> Vec<(&'static str, String)> {
    vec![("deleted_packs", outcome.deleted.packs.to_string()), ("marked_packs", outcome.marked.packs.to_string())]
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
