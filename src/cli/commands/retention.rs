//! `prune` and `rm`: snapshots out of the store.

use super::{audit, confirm, finished, open_to_publish, started};
use crate::cli::args::{PruneArgs, RmArgs};
use crate::cli::render::{Answer, bytes, count, table};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::model::audit::{Deed, Named, Operation};
use crate::run::Context;
use crate::run::prune::{self, Keep};
use crate::run::repository::{Repository, Snapshot};
use crate::run::tags;
use serde_json::json;

pub(super) fn prune(context: &Context<'_>, settings: &Settings, args: &PruneArgs) -> Result<Answer> {
    audit::attempt(context, settings, (Deed::new(Operation::Delete), args.dry_run), |_| {
        let repository = open_to_publish(context, settings)?;
        let snapshots = prune::all(&repository)?;
        let last = args.keep_last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
        // A tag alone is a rule too: all that has none of them goes.
        let is_alone = !args.keep_tag.is_empty() && args.keep_within.is_none();
        let last = last.or(is_alone.then_some(0));
        let mut chosen = prune::choose(&snapshots, Keep { last, within: args.keep_within });
        tags::spare(&repository, &mut chosen, &args.keep_tag)?;
        remove(context, settings, &repository, (&snapshots, &chosen), (args.yes, args.dry_run))
    })
}

pub(super) fn rm(context: &Context<'_>, settings: &Settings, args: &RmArgs) -> Result<Answer> {
    let wanted = Named { name: args.snapshot.clone(), id: None };
    let deed = Deed { snapshot: Some(wanted), ..Deed::new(Operation::Delete) };
    audit::attempt(context, settings, (deed, args.dry_run), |deed| {
        let repository = open_to_publish(context, settings)?;
        let snapshot = repository.find(&args.snapshot)?;
        *deed = crate::run::audit::removed(Operation::Delete, &snapshot);
        let snapshots = prune::all(&repository)?;
        let operation = if snapshot.is_expired() { Operation::Expire } else { Operation::Delete };
        remove(context, settings, &repository, (&snapshots, &[(operation, &snapshot)]), (args.yes, args.dry_run))
    })
}

fn remove(
    context: &Context<'_>,
    settings: &Settings,
    repository: &Repository,
    (snapshots, chosen): (&[Snapshot], &[(Operation, &Snapshot)]),
    (yes, dry_run): (bool, bool),
) -> Result<Answer> {
    let unneeded = prune::unneeded(repository, snapshots, chosen)?;
    let lines: Vec<Vec<String>> = chosen
        .iter()
        .map(|(operation, snapshot)| {
            let manifest = &snapshot.manifest;
            let expires = manifest.expires.clone().unwrap_or_else(|| "never".to_owned());
            let why = if *operation == Operation::Expire { "expired" } else { "not kept" };
            vec![snapshot.label(), manifest.created.clone(), manifest.environment.clone(), expires, why.to_owned()]
        })
        .collect();
    let freed: u64 = unneeded.iter().map(|pack| pack.length).sum();
    let what = format!(
        "{} and {} ({})",
        count(chosen.len() as u64, "snapshot"),
        count(unneeded.len() as u64, "pack"),
        bytes(freed)
    );
    let labels: Vec<String> = chosen.iter().map(|(_, snapshot)| snapshot.label()).collect();
    let json = |dry_run: bool, packs: usize, bytes: u64| json!({ "snapshots": labels, "packs": packs, "bytes": bytes, "dry_run": dry_run });
    if chosen.is_empty() && unneeded.is_empty() {
        return Ok(Answer::new(json(dry_run, 0, 0), "There is nothing to remove."));
    }
    let listed = match lines.as_slice() {
        [] => String::new(),
        lines => format!("{}\n\n", table(&["snapshot", "created", "env", "expires", "why"], lines, &[])),
    };
    if dry_run {
        let text = format!("{listed}Dry run: would remove {what}. Nothing was changed.");
        return Ok(Answer::new(json(true, unneeded.len(), freed), text));
    }
    confirm(yes, &format!("This removes {what} from {} for ever.", settings.store()))?;
    started(context, "prune", vec![("store", settings.store().to_string()), ("snapshots", labels.join(" "))]);
    let start = std::time::Instant::now();
    let done = prune::remove(context, repository, snapshots, chosen)?;
    tags::forget(repository)?;
    if let Some(head) = &done.head {
        audit::remember(context, settings, repository, head);
    }
    let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    finished(context, "prune", vec![("packs", done.packs.to_string())], Vec::new(), millis);
    let removed = format!(
        "{} and {} ({})",
        count(done.snapshots.len() as u64, "snapshot"),
        count(done.packs as u64, "pack"),
        bytes(done.bytes)
    );
    Ok(Answer::new(json(false, done.packs, done.bytes), format!("{listed}Removed {removed}.")))
}
