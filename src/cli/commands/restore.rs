//! `restore`: from what was typed to rows in a target.

use super::guarded::{self, Answers};
use super::reviewed::refuse_unapproved;
use super::{address, audit, confirm, finished, open, seen, started};
use crate::cli::args::{self, RestoreArgs};
use crate::cli::render::{Answer, count, differences_as_json, grouped, seconds, table};
use crate::cli::settings::Settings;
use crate::cli::surroundings;
use crate::engine::{self, Whereabouts};
use crate::error::{Error, Result};
use crate::model::audit::{Database, Deed, Named, Operation};
use crate::run::load::OnConflict;
use crate::run::marking::Marker;
use crate::run::parallel::Streams;
use crate::run::quarantine::{OnError, Quarantined};
use crate::run::repository::{Repository, Snapshot};
use crate::run::surroundings::{Said, Surroundings};
use crate::run::{Context, declaration, drift, guard, lock, restore, retry};
use crate::secret::Address;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &RestoreArgs, verbose: bool) -> Result<Answer> {
    let wanted = Named { name: args.snapshot.clone(), id: None };
    let deed = Deed { snapshot: Some(wanted), environment: args.env.clone(), ..Deed::new(Operation::Restore) };
    audit::attempt(context, settings, (deed, args.dry_run), |deed| restore(context, settings, (args, verbose), deed))
}

/// Restores. `deed` gets what is known so far, for the case that it is refused.
fn restore(
    context: &Context<'_>,
    settings: &Settings,
    (args, verbose): (&RestoreArgs, bool),
    deed: &mut Deed,
) -> Result<Answer> {
    if args.quarantine.is_some() && args.on_error == args::OnError::Abort {
        return Err(Error::usage("--quarantine is for rows that are left out, and none are")
            .hint("Add --on-error skip, or leave --quarantine out."));
    }
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    deed.database = Some(Database { address: address.to_string(), identity: None });
    let mut options = options(args, surroundings::of(settings, &address, args.env.as_deref())?);
    let repository = open(context, settings)?;
    let snapshot = repository.find(&args.snapshot)?;
    seen::remember(context, settings, &repository, &[seen::found(&snapshot)]);
    deed.snapshot = Some(Named { name: snapshot.manifest.name.clone(), id: Some(snapshot.id.clone()) });
    deed.environment.get_or_insert_with(|| snapshot.manifest.environment.clone());
    let new_file = NewFile::watch(&address, options.surroundings.whereabouts == Whereabouts::File);
    let line = Line { context, settings, args, repository: &repository, snapshot: &snapshot, address: &address };
    let done = match line.restore(&mut options, deed) {
        Ok(done) if !args.dry_run => done,
        other => {
            new_file.remove_if_empty();
            other?
        }
    };
    if !args.dry_run {
        let deed = Deed { database: deed.database.clone(), ..done.deed.clone() };
        audit::record_of_target(context, settings, &repository, deed);
    }
    let tables = done.tables.iter().map(|table| (table.table.clone(), table.inserted + table.overwritten)).collect();
    finished(context, "restore", vec![("run", done.run.clone())], tables, done.millis);
    Ok(restore_answer(&done, &address, (args.dry_run, verbose)))
}

/// What the arguments say of how to restore.
fn options(args: &RestoreArgs, surroundings: Surroundings) -> restore::Options {
    restore::Options {
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
        surroundings,
        allow_lossy: args.allow_lossy,
        marker: Marker::default(),
        map: drift::Map::default(),
        streams: streams(args),
    }
}

/// One restore of one snapshot into one target.
struct Line<'a> {
    context: &'a Context<'a>,
    settings: &'a Settings,
    args: &'a RestoreArgs,
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    address: &'a Address,
}

impl Line<'_> {
    /// The guards, in their order, with what they ask; then the restore.
    fn restore(&self, options: &mut restore::Options, deed: &mut Deed) -> Result<restore::Outcome> {
        let Self { context, settings, args, snapshot, address, .. } = *self;
        let engine = engine::find(address)?;
        let mut opened = guarded::open(context, (engine, address), &options.surroundings, true);
        let declared = opened.as_mut().map_or(Ok(None), |target| declaration::read(&mut **target));
        self.started(&options.surroundings.environment(declared.as_ref().ok().and_then(Option::as_ref)));
        let mut target = opened?;
        deed.database = Some(audit::database(&mut *target, address));
        let declared = declared?.map(|declared| declared.environment);
        let said = options.surroundings.said.as_ref().map(|said| said.environment.clone());
        let environment = declared.or(said).unwrap_or_else(|| snapshot.manifest.environment.clone());
        options.marker = settings.marker(args.marker.map(Into::into), &environment);
        options.map = settings.restore_map(&environment)?;
        let database = guard::database_name(&mut *target)?;
        let answers = Answers { yes: args.yes, confirm: args.confirm.as_deref(), database: &database };
        let mut said = options.surroundings.clone();
        let asked = options.clone();
        lock::wait(context, &mut *target, options.lock_timeout)?;
        let check = &mut |said: &Surroundings| {
            guard::restore(&mut *target, snapshot, &restore::Options { surroundings: said.clone(), ..asked.clone() })
        };
        let look = &|said: &Surroundings| {
            let options = restore::Options { surroundings: said.clone(), dry_run: true, ..asked.clone() };
            let mut target = (engine.target)(address, false, &context.cancel)?;
            restore::restore(context, self.repository, snapshot, &mut *target, &options).map(|done| done.deed)
        };
        let passed = guarded::passed(context, answers, &mut said, check, look)?;
        options.surroundings = said;
        guard::refuse_expired(snapshot)?;
        let approval = (args.require_approval, args.approvers.as_deref());
        refuse_unapproved(context, settings, approval, (snapshot, &passed.environment.environment))?;
        guard::refuse_weaker(snapshot, &options.surroundings, &passed.environment)?;
        if args.on_conflict == args::OnConflict::Overwrite && !args.dry_run {
            confirm(
                args.yes,
                &format!("Rows of {address} will be replaced where {} has other ones.", snapshot.label()),
            )?;
        }
        let open = || (engine.target)(address, true, &context.cancel);
        retry::run(context, target, &open, &mut |target, sent| {
            restore::attempt(context, self.repository, snapshot, target, options, sent)
        })
    }

    fn started(&self, environment: &Said) {
        let mut facts = vec![("snapshot", self.snapshot.label()), ("target", self.address.to_string())];
        facts.extend(guarded::facts(environment));
        facts.push(("masked_for", self.snapshot.manifest.environment.clone()));
        facts.push(("dry_run", self.args.dry_run.to_string()));
        started(self.context, "restore", facts);
    }
}

/// Whether a load into an empty database goes through a staging place.
fn streams(args: &RestoreArgs) -> Option<Streams> {
    let least_rows = if args.parallel { 0 } else { Streams::default().least_rows };
    (!args.no_parallel).then_some(Streams { least_rows, ..Streams::default() })
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

fn restore_answer(done: &restore::Outcome, address: &Address, (dry_run, verbose): (bool, bool)) -> Answer {
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
    let left_out = match done.left_out.as_slice() {
        [] => String::new(),
        tables => {
            let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
            format!("\n  left out, because only reference tables go into production: {}", names.join(", "))
        }
    };
    let differences = match done.differences.as_slice() {
        differences if differences.is_empty() || !(dry_run || verbose) => String::new(),
        differences => format!("\n\nThe target differs in what does not matter:\n{}", drift::lines(differences.iter())),
    };
    let rows = count(done.rows(), "row");
    let text = match (done.unchanged, dry_run) {
        (true, _) => format!("{address} holds {} already; nothing was changed.", done.run),
        (false, true) => {
            format!("{counts}\n\nDry run: would put {rows} into {address}. Nothing was changed.{left_out}{differences}")
        }
        (false, false) => format!(
            "{counts}{differences}\n\nRestored {} into {address}\n  {rows}{created}{replaced}{left_out}\n  {} verified\n  {}\n\nTake it \
             out again with: terp-fixtures rollback --target {address}",
            done.run,
            count(done.foreign_keys, "foreign key"),
            seconds(done.millis)
        ),
    };
    let json = json!({
        "run": done.run, "target": address.to_string(), "unchanged": done.unchanged, "dry_run": dry_run,
        "rows": done.rows(), "replaced": done.replaced,
        "differences": differences_as_json(&done.differences),
        "left_out": done.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(), "foreign_keys": done.foreign_keys, "millis": done.millis,
        "created": done.created.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tables": done.tables.iter().map(|table| json!({ "table": table.table.to_string(), "inserted": table.inserted,
            "overwritten": table.overwritten, "identical": table.identical, "skipped": table.skipped,
            "quarantined": table.quarantined, "how": done.how.get(&table.table) })).collect::<Vec<_>>(),
        "quarantined": quarantined,
        "quarantine": done.quarantine.iter().map(|row| json!({ "table": row.table, "ordinal": row.ordinal,
            "kind": row.kind, "constraint": row.constraint })).collect::<Vec<_>>(),
    });
    let answer = Answer::new(json, format!("{text}{}", shown_quarantine(done)));
    let failure = (quarantined > 0).then(|| lacking(done, dry_run));
    Answer { failure, ..answer }
}

/// How many rows that were left out are shown to a person; a file or `--json` has more.
const FEW: usize = 20;

/// The first rows that were left out.
fn shown_quarantine(done: &restore::Outcome) -> String {
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
