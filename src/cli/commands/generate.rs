//! `generate`: from what was typed to a snapshot of made-up rows.

use super::capture::{check_name, days_from_now};
use super::{audit, finished, open, open_to_publish, pins, seen, started};
use crate::cli::args::{GenerateArgs, GenerateSize};
use crate::cli::render::{Answer, bytes, count, grouped, seconds, table};
use crate::cli::settings::Settings;
use crate::engine;
use crate::error::Result;
use crate::model::audit::{Deed, Named, Operation};
use crate::model::schema::TableName;
use crate::run::Context;
use crate::run::audit::invented;
use crate::run::generate::{self, Outcome, Shape};
use crate::run::invented::Stored;
use crate::run::repository::Repository;
use crate::run::tags::Change;
use crate::secret::Address;
use crate::subset::Size;
use serde_json::json;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &GenerateArgs, verbose: bool) -> Result<Answer> {
    let deed = Deed::new(Operation::Generate);
    audit::attempt(context, settings, (deed, args.dry_run), |deed| make(context, settings, (args, verbose), deed))
}

fn make(
    context: &Context<'_>,
    settings: &Settings,
    (args, verbose): (&GenerateArgs, bool),
    deed: &mut Deed,
) -> Result<Answer> {
    check_name(&args.name)?;
    let tags = Change::new(&args.tag, &[])?;
    deed.snapshot = Some(Named { name: args.name.clone(), id: None });
    let profile = settings.profile(args.profile.as_deref())?.unwrap_or_default();
    let expires = settings.retention(args.expires_in, "dev")?.map(days_from_now).transpose()?;
    let repository = if args.dry_run { None } else { Some(open_to_publish(context, settings)?) };
    started(
        context,
        "generate",
        vec![
            ("name", args.name.clone()),
            ("schema", shape(args)),
            ("store", settings.store().to_string()),
            ("profile", profile.file.clone()),
            ("seed", args.seed.to_string()),
        ],
    );
    let options = generate::Options {
        name: args.name.clone(),
        size: match args.size {
            GenerateSize::Small => Size::Small,
            GenerateSize::Medium => Size::Medium,
            GenerateSize::Large => Size::Large,
        },
        rows: args.rows.iter().cloned().collect(),
        scenario: args.scenario.clone(),
        seed: args.seed,
        only_empty: args.only_empty,
        infer: !args.no_infer,
        dry_run: args.dry_run,
        prove: args.prove.as_deref().map(Address::new),
        expires,
        tags: tags.add,
    };
    let done = with_shape(context, settings, repository.as_ref(), args, |shape| {
        generate::generate(context, shape, &profile, repository.as_ref(), &options)
    })?;
    for note in &done.notes {
        context.warn(note.clone(), None);
    }
    if let (Some(stored), Some(repository)) = (&done.stored, &repository) {
        let snapshot = &stored.snapshot;
        let label = snapshot.label();
        audit::record(context, settings, repository, invented(Operation::Generate, snapshot)).map_err(|error| {
            error.within(format!("{label} is published, but the audit trail does not say so")).hint(format!(
                "Remove it and generate it again: terp-fixtures rm {label}. 'audit verify' names it until then."
            ))
        })?;
        seen::remember(context, settings, repository, &[seen::found(snapshot)]);
        if args.pin {
            pins::pin(settings, snapshot)?;
        }
    }
    let tables = done.tables.iter().map(|(table, rows, _)| (table.clone(), *rows)).collect();
    finished(context, "generate", vec![("seed", args.seed.to_string())], tables, done.millis);
    Ok(Answer::new(as_json(args, &done), text(args, &done, verbose)))
}

/// What the rows are for, in words.
fn shape(args: &GenerateArgs) -> String {
    match (&args.schema, &args.like) {
        (Some(url), _) => Address::new(url.as_str()).to_string(),
        (None, like) => like.clone().unwrap_or_default(),
    }
}

/// Opens what the rows are for, and goes on with it.
fn with_shape<T>(
    context: &Context<'_>,
    settings: &Settings,
    repository: Option<&Repository>,
    args: &GenerateArgs,
    go_on: impl FnOnce(Shape<'_>) -> Result<T>,
) -> Result<T> {
    if let Some(url) = &args.schema {
        let address = Address::new(url.as_str());
        return go_on(Shape::Database((engine::find(&address)?.source)(&address, &context.cancel)?));
    }
    let like = args.like.as_deref().unwrap_or_default();
    let snapshot = match repository {
        Some(repository) => repository.find(like)?,
        None => open(context, settings)?.find(like)?,
    };
    go_on(Shape::Snapshot(&snapshot))
}

fn as_json(args: &GenerateArgs, done: &Outcome) -> serde_json::Value {
    let stored = done.stored.as_ref();
    json!({
        "snapshot": stored.map(|it| json!({ "name": it.snapshot.manifest.name, "id": it.snapshot.id })),
        "dry_run": args.dry_run,
        "seed": args.seed,
        "rows": done.tables.iter().map(|(_, rows, _)| rows).sum::<u64>(),
        "tables": done.tables.iter()
            .map(|(table, rows, why)| json!({ "table": table.to_string(), "rows": rows, "why": why })).collect::<Vec<_>>(),
        "columns": done.columns.iter().map(|(table, columns)| {
            let columns: serde_json::Map<String, serde_json::Value> =
                columns.iter().map(|(column, what)| (column.clone(), json!(what))).collect();
            json!({ "table": table.to_string(), "columns": columns })
        }).collect::<Vec<_>>(),
        "inferred": done.inferred,
        "invariants": done.invariants,
        "notes": done.notes,
        "raw_bytes": stored.map(|it| it.raw_bytes), "uploaded_bytes": stored.map(|it| it.uploaded_bytes),
        "uploaded_packs": stored.map(|it| it.uploaded_packs),
        "references": stored.map(|it| it.references), "uniques": stored.map(|it| it.uniques),
        "millis": done.millis,
    })
}

fn text(args: &GenerateArgs, done: &Outcome, verbose: bool) -> String {
    let rows: u64 = done.tables.iter().map(|(_, rows, _)| rows).sum();
    let filled = done.tables.iter().filter(|(_, rows, _)| *rows > 0).count() as u64;
    let mut text = match &done.stored {
        Some(stored) => stored_text(stored, args, rows, filled, done),
        None => dry_text(args, done, rows, filled),
    };
    if verbose {
        for (name, columns) in &done.columns {
            let columns: Vec<Vec<String>> =
                columns.iter().map(|(name, what)| vec![name.clone(), what.clone()]).collect();
            text.push_str(&format!("\n\n{name}\n{}", table(&["column", "gets"], &columns, &[])));
        }
    }
    text
}

/// What would be made.
fn dry_text(args: &GenerateArgs, done: &Outcome, rows: u64, filled: u64) -> String {
    let line = |(table, rows, why): &(TableName, u64, String)| vec![table.to_string(), grouped(*rows), why.clone()];
    let lines: Vec<Vec<String>> = done.tables.iter().map(line).collect();
    format!(
        "{}{}\n\nDry run: would make {} of {}, seed {}. Nothing was written.",
        table(&["table", "rows", "why"], &lines, &[1]),
        followed(done),
        count(rows, "row"),
        count(filled, "table"),
        args.seed
    )
}

/// The references that only names tell of.
fn followed(done: &Outcome) -> String {
    match done.inferred.len() {
        0 => String::new(),
        many => format!(
            "\n  {} followed that only {} of (--no-infer leaves them out): {}",
            count(many as u64, "reference"),
            if many == 1 { "a name tells" } else { "names tell" },
            done.inferred.join("; ")
        ),
    }
}

/// How the promises of the profile hold.
fn promises(done: &Outcome) -> String {
    let failed: Vec<String> = done
        .invariants
        .iter()
        .filter(|it| it.failed > 0)
        .map(|it| format!("\n  not held in {} of {}: {}", it.failed, count(it.rows, "row"), it.invariant))
        .collect();
    match done.invariants.len() {
        0 => String::new(),
        all => format!("\n  {} of {} held{}", all - failed.len(), count(all as u64, "invariant"), failed.concat()),
    }
}

fn stored_text(stored: &Stored, args: &GenerateArgs, rows: u64, filled: u64, done: &Outcome) -> String {
    format!(
        "Made {} as {}\n  {} of {}, {} of COPY text, seed {}\n  {} closed, {} held{}{}\n  {} uploaded in {}; {} of {} were in the \
         store already\n  {}",
        stored.snapshot.manifest.name,
        stored.snapshot.label(),
        count(rows, "row"),
        count(filled, "table"),
        bytes(stored.raw_bytes),
        args.seed,
        count(stored.references as u64, "reference"),
        count(stored.uniques, "unique constraint"),
        promises(done),
        followed(done),
        bytes(stored.uploaded_bytes),
        count(stored.uploaded_packs as u64, "pack"),
        grouped(stored.chunks.1),
        count(stored.chunks.0, "chunk"),
        seconds(done.millis),
    )
}
