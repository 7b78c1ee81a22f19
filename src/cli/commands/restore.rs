//! `restore`: from what was typed to rows in a target.

use super::reviewed::{no_approvers, now, warn_of_unused};
use super::{address, audit, confirm, finished, open, seen, started};
use crate::cli::args::{self, RestoreArgs};
use crate::cli::render::{Answer, count, grouped, seconds, table};
use crate::cli::settings::{self, Settings};
use crate::engine;
use crate::error::{Error, Result};
use crate::model::audit::{Database, Deed, Named, Operation};
use crate::policy::approvals;
use crate::run::load::OnConflict;
use crate::run::parallel::Streams;
use crate::run::quarantine::{OnError, Quarantined};
use crate::run::repository::Snapshot;
use crate::run::{Context, restore};
use crate::secret::Address;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &RestoreArgs) -> Result<Answer> {
    let wanted = Named { name: args.snapshot.clone(), id: None };
    let deed = Deed { snapshot: Some(wanted), environment: args.env.clone(), ..Deed::new(Operation::Restore) };
    audit::attempt(context, settings, (deed, args.dry_run), |deed| restore(context, settings, args, deed))
}

/// Restores. `deed` gets what is known so far, for the case that it is refused.
fn restore(context: &Context<'_>, settings: &Settings, args: &RestoreArgs, deed: &mut Deed) -> Result<Answer> {
    if let Some(variable) = settings::production_variable() {
        return Err(Error::guard(format!("{variable} says that this is production; fixtures do not belong there"))
            .hint("Run this where the variable does not say production."));
    }
    if args.quarantine.is_some() && args.on_error == args::OnError::Abort {
        return Err(Error::usage("--quarantine is for rows that are left out, and none are")
            .hint("Add --on-error skip, or leave --quarantine out."));
    }
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    deed.database = Some(Database { address: address.to_string(), identity: None });
    let engine = engine::find(&address)?;
    if !engine.is_file && !address.is_local() {
        return Err(Error::guard(format!(
            "{address} is on another machine, and nothing says that it is a dev database"
        ))
        .hint("Restore into a database on this machine: localhost, 127.0.0.1 or a socket."));
    }
    let repository = open(context, settings)?;
    let snapshot = repository.find(&args.snapshot)?;
    seen::remember(context, settings, &repository, &[seen::found(&snapshot)]);
    deed.snapshot = Some(Named { name: snapshot.manifest.name.clone(), id: Some(snapshot.id.clone()) });
    deed.environment.get_or_insert_with(|| snapshot.manifest.environment.clone());
    refuse_unapproved(context, settings, args, &snapshot)?;
    if !engine.is_file && !args.dry_run {
        confirm(args.yes, &format!("Rows of {} will be put into {address}.", snapshot.label()))?;
    }
    if args.on_conflict == args::OnConflict::Overwrite && !args.dry_run {
        confirm(args.yes, &format!("Rows of {address} will be replaced where {} has other ones.", snapshot.label()))?;
    }
    started(
        context,
        "restore",
        vec![
            ("snapshot", snapshot.label()),
            ("target", address.to_string()),
            ("environment", snapshot.manifest.environment.clone()),
            ("dry_run", args.dry_run.to_string()),
        ],
    );
    let new_file = NewFile::watch(&address, engine.is_file);
    let mut target = (engine.target)(&address, true, &context.cancel)?;
    let database = audit::database(&mut *target, &address);
    deed.database = Some(database.clone());
    let environment = args.env.as_ref().unwrap_or(&snapshot.manifest.environment);
    let options = restore::Options {
        create: args.create,
        on_conflict: match args.on_conflict {
            args::OnConflict::Fail => OnConflict::Fail,
            args::OnConflict::Skip => OnConflict::Skip,
            args::OnConflict::Overwrite => OnConflict::Overwrite,
        },
        on_error: match args.on_error {
            args::OnError::Abort => OnError::Abort,
            args::OnError::Skip => OnError::Skip,
        },
        quarantine: args.quarantine.clone(),
        keep_others: args.keep_others,
        suspend_triggers: args.suspend_triggers,
        tables: args.table.clone(),
        dry_run: args.dry_run,
        lock_timeout: Duration::from_secs(args.lock_timeout),
        environment: args.env.clone(),
        allow_lossy: args.allow_lossy,
        marker: settings.marker(args.marker.map(Into::into), environment),
        streams: streams(args),
    };
    let done = restore::restore(context, &repository, &snapshot, &mut *target, &options);
    drop(target);
    let done = match done {
        Ok(done) if !args.dry_run => done,
        other => {
            new_file.remove_if_empty();
            other?
        }
    };
    if !args.dry_run {
        let deed = Deed { database: Some(database), ..done.deed.clone() };
        audit::record_of_target(context, settings, &repository, deed);
    }
    let tables = done.tables.iter().map(|table| (table.table.clone(), table.inserted + table.overwritten)).collect();
    finished(context, "restore", vec![("run", done.run.clone())], tables, done.millis);
    Ok(restore_answer(&done, &address, args.dry_run))
}

/// Whether a load into an empty database goes through a staging place.
fn streams(args: &RestoreArgs) -> Option<Streams> {
    let least_rows = if args.parallel { 0 } else { Streams::default().least_rows };
    (!args.no_parallel).then_some(Streams { least_rows, ..Streams::default() })
}

/// Refuses a snapshot whose record of approvals is not genuine; where they are required, also one that has not enough.
fn refuse_unapproved(
    context: &Context<'_>,
    settings: &Settings,
    args: &RestoreArgs,
    snapshot: &Snapshot,
) -> Result<()> {
    let manifest = &snapshot.manifest;
    let (rules, configured) = settings.approval(&manifest.environment);
    let of_target = args.env.as_deref().is_some_and(|environment| settings.approval(environment).1);
    if !(args.require_approval || configured || of_target) {
        return approvals::consistent(&manifest.policy);
    }
    let signers = settings.approvers(args.approvers.as_deref(), settings.configured_policy().as_deref())?;
    let signers = signers.ok_or_else(no_approvers)?;
    warn_of_unused(context, &signers);
    approvals::prove(&manifest.policy, &manifest.created, &signers, &rules, &now())
        .map_err(|error| error.within(snapshot.label()))
}

/// A file that a failed or dry run made must not stay behind.
struct NewFile(Option<PathBuf>);

impl NewFile {
    fn watch(address: &Address, is_file: bool) -> Self {
        let text = address.expose();
        let path = text.split_once(':').map_or(text, |(_, rest)| rest).trim_start_matches("//");
        Self((is_file && !Path::new(path).exists()).then(|| PathBuf::from(path)))
    }

    fn remove_if_empty(&self) {
        if let Some(path) = &self.0
            && path.metadata().is_ok_and(|about| about.len() == 0)
        {
            // An empty file that cannot be removed is only litter.
            std::fs::remove_file(path).unwrap_or_default();
        }
    }
}

fn restore_answer(done: &restore::Outcome, address: &Address, dry_run: bool) -> Answer {
    let mut lines: Vec<Vec<String>> = done
        .tables
        .iter()
        .map(|table| {
            let counts = [table.inserted, table.overwritten, table.identical, table.skipped, table.quarantined];
            std::iter::once(table.table.to_string()).chain(counts.map(grouped)).collect()
        })
        .collect();
    let mut head = vec!["table", "inserted", "overwritten", "identical", "skipped", "quarantined"];
    let quarantined = done.quarantined();
    if quarantined == 0 {
        head.pop();
        for line in &mut lines {
            line.pop();
        }
    }
    let counts = table(&head, &lines, &[1, 2, 3, 4, 5][..head.len() - 1]);
    let replaced = match done.replaced.as_slice() {
        [] => String::new(),
        runs => format!("\n  replaced the previous run {}", runs.join(", ")),
    };
    let created = match done.created.len() {
        0 => String::new(),
        created => format!("\n  {} created", count(created as u64, "table")),
    };
    let rows = count(done.rows(), "row");
    let text = match (done.unchanged, dry_run) {
        (true, _) => format!("{address} holds {} already; nothing was changed.", done.run),
        (false, true) => format!("{counts}\n\nDry run: would put {rows} into {address}. Nothing was changed."),
        (false, false) => format!(
            "{counts}\n\nRestored {} into {address}\n  {rows}{created}{replaced}\n  {} verified\n  {}\n\nTake it \
             out again with: terp-fixtures rollback --target {address}",
            done.run,
            count(done.foreign_keys, "foreign key"),
            seconds(done.millis)
        ),
    };
    let json = json!({
        "run": done.run, "target": address.to_string(), "unchanged": done.unchanged, "dry_run": dry_run,
        "rows": done.rows(), "replaced": done.replaced, "foreign_keys": done.foreign_keys, "millis": done.millis,
        "created": done.created.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tables": done.tables.iter().map(|table| json!({ "table": table.table.to_string(), "inserted": table.inserted,
            "overwritten": table.overwritten, "identical": table.identical, "skipped": table.skipped,
            "quarantined": table.quarantined, "how": done.how.get(&table.table) })).collect::<Vec<_>>(),
        "quarantined": quarantined,
        "quarantine": done.quarantine.iter().map(|row| json!({ "table": row.table, "ordinal": row.ordinal,
            "kind": row.kind, "constraint": row.constraint })).collect::<Vec<_>>(),
    });
    let answer = Answer::new(json, format!("{text}{}", left_out(done)));
    let failure = (quarantined > 0).then(|| lacking(done, dry_run));
    Answer { failure, ..answer }
}

/// How many rows that were left out are shown to a person; a file or `--json` has more.
const FEW: usize = 20;

/// The first rows that were left out.
fn left_out(done: &restore::Outcome) -> String {
    if done.quarantine.is_empty() {
        return String::new();
    }
    let cells = |row: &Quarantined| {
        vec![row.table.clone(), row.ordinal.to_string(), row.kind.clone(), row.constraint.escape_debug().to_string()]
    };
    let lines: Vec<Vec<String>> = done.quarantine.iter().take(FEW).map(cells).collect();
    let shown = table(&["quarantined in", "row", "kind", "constraint"], &lines, &[1]);
    match done.quarantined() - lines.len() as u64 {
        0 => format!("\n\n{shown}"),
        more => format!("\n\n{shown}\n... and {}", count(more, "other row")),
    }
}

/// Why the command fails although rows went in.
fn lacking(done: &restore::Outcome, dry_run: bool) -> Error {
    let tables = done.tables.iter().filter(|table| table.quarantined > 0);
    let tables: Vec<String> = tables.map(|table| format!("{}: {}", table.table, grouped(table.quarantined))).collect();
    let verb = match (done.unchanged, dry_run) {
        (true, _) => "had been",
        (false, true) => "would be",
        (false, false) => "were",
    };
    let what = format!("{} {verb} quarantined ({})", count(done.quarantined(), "row"), tables.join(", "));
    Error::rejected(what).hint(if done.unchanged {
        "Once the target takes them, run the same without --on-error skip: it puts all rows in, or none."
    } else {
        "The other rows go in. docs/quarantine.md says how to find these; --quarantine FILE lists all of them."
    })
}
