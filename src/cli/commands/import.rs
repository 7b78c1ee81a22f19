//! `import csv`: from a folder of files to a snapshot.

use super::capture::{check_name, days_from_now};
use super::{audit, finished, open_to_publish, pins, read_policy, seen, started};
use crate::cli::args::{ImportCommand, ImportCsvArgs};
use crate::cli::render::{Answer, bytes, count, grouped, seconds, table};
use crate::cli::settings::Settings;
use crate::engine;
use crate::error::{Error, Result};
use crate::model::audit::{Deed, Named, Operation};
use crate::run::Context;
use crate::run::audit::invented;
use crate::run::import::{self, Outcome};
use crate::run::tags::Change;
use crate::secret::Address;
use serde_json::json;

pub(super) fn run(context: &Context<'_>, settings: &Settings, command: &ImportCommand) -> Result<Answer> {
    let ImportCommand::Csv(args) = command;
    let deed = Deed::new(Operation::Import);
    audit::attempt(context, settings, (deed, args.dry_run), |deed| csv(context, settings, args, deed))
}

fn csv(context: &Context<'_>, settings: &Settings, args: &ImportCsvArgs, deed: &mut Deed) -> Result<Answer> {
    check_name(&args.name)?;
    if args.accept_personal.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Error::usage("--accept-personal needs a reason").hint("Say whose data it is and who agreed."));
    }
    let environment = settings.environment(args.env.as_deref());
    let tags = Change::new(&args.tag, &[])?;
    deed.environment = Some(environment.clone());
    deed.snapshot = Some(Named { name: args.name.clone(), id: None });
    let policy = args.policy.as_deref().map(|path| read_policy(&settings.policy(Some(path))?)).transpose()?;
    let expires = settings.retention(args.expires_in, &environment)?.map(days_from_now).transpose()?;
    let repository = if args.dry_run { None } else { Some(open_to_publish(context, settings)?) };
    let address = Address::new(args.schema.as_str());
    started(
        context,
        "import",
        vec![
            ("name", args.name.clone()),
            ("folder", args.dir.display().to_string()),
            ("schema", address.to_string()),
            ("store", settings.store().to_string()),
        ],
    );
    let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
    let options = import::Options {
        name: args.name.clone(),
        null: args.null.clone(),
        policy: policy.as_ref(),
        environment,
        accept_personal: args.accept_personal.clone(),
        dry_run: args.dry_run,
        expires,
        tags: tags.add,
    };
    let done = import::import(context, &args.dir, &mut *source, repository.as_ref(), &options)?;
    for check in &done.open {
        let hint = Some("The database decides when the snapshot is restored.".to_owned());
        context.warn(format!("CHECK {check} could not be worked out beforehand"), hint);
    }
    if let (Some(stored), Some(repository)) = (&done.stored, &repository) {
        let snapshot = &stored.snapshot;
        let label = snapshot.label();
        audit::record(context, settings, repository, invented(Operation::Import, snapshot)).map_err(|error| {
            error.within(format!("{label} is published, but the audit trail does not say so")).hint(format!(
                "Remove it and import it again: terp-fixtures rm {label}. 'audit verify' names it until then."
            ))
        })?;
        seen::remember(context, settings, repository, &[seen::found(snapshot)]);
        if args.pin {
            pins::pin(settings, snapshot)?;
        }
    }
    let tables = done.files.iter().map(|(_, table, rows, _)| (table.clone(), *rows)).collect();
    finished(context, "import", Vec::new(), tables, done.millis);
    Ok(Answer::new(as_json(args, &done), text(&done)))
}

fn as_json(args: &ImportCsvArgs, done: &Outcome) -> serde_json::Value {
    let stored = done.stored.as_ref();
    json!({
        "snapshot": stored.map(|it| json!({ "name": it.snapshot.manifest.name, "id": it.snapshot.id })),
        "dry_run": args.dry_run,
        "rows": done.files.iter().map(|(_, _, rows, _)| rows).sum::<u64>(),
        "files": done.files.iter().map(|(file, table, rows, reference)| {
            json!({ "file": file, "table": table.to_string(), "rows": rows, "reference": reference })
        }).collect::<Vec<_>>(),
        "references": done.references, "open_checks": done.open, "accepted": done.accepted,
        "uploaded_bytes": stored.map(|it| it.uploaded_bytes), "millis": done.millis,
    })
}

fn text(done: &Outcome) -> String {
    let rows: u64 = done.files.iter().map(|(_, _, rows, _)| rows).sum();
    let files = count(done.files.len() as u64, "file");
    match &done.stored {
        Some(stored) => format!(
            "Imported {} as {}\n  {} of {files}, {} of COPY text\n  {} and {} held\n  {} uploaded in {}\n  {}",
            stored.snapshot.manifest.name,
            stored.snapshot.label(),
            count(rows, "row"),
            bytes(stored.raw_bytes),
            count(stored.uniques, "unique constraint"),
            count(done.references as u64, "reference"),
            bytes(stored.uploaded_bytes),
            count(stored.uploaded_packs as u64, "pack"),
            seconds(done.millis),
        ),
        None => {
            let line = |(file, table, rows, reference): &(String, crate::model::schema::TableName, u64, bool)| {
                let mode = if *reference { "reference" } else { "capture" };
                vec![file.clone(), table.to_string(), mode.to_owned(), grouped(*rows)]
            };
            let lines: Vec<Vec<String>> = done.files.iter().map(line).collect();
            format!(
                "{}\n\nDry run: would import {} of {files}. Nothing was written.",
                table(&["file", "table", "mode", "rows"], &lines, &[3]),
                count(rows, "row")
            )
        }
    }
}
