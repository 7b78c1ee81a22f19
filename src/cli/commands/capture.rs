//! `capture`: from what was typed to a snapshot.

use super::reviewed::Reviewed;
use super::{address, audit, finished, open_to_publish, pins, seen, started};
use crate::cli::args::{CaptureArgs, CaptureSize};
use crate::cli::render::{Answer, bytes, count, grouped, seconds, table};
use crate::cli::settings::{Settings, today};
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::model::audit::{Database, Deed, Named, Operation};
use crate::model::schema::TableName;
use crate::policy;
use crate::run::audit::captured;
use crate::run::forecast::Brought;
use crate::run::journal::{How, Resume};
use crate::run::tags::Change;
use crate::run::{Context, capture};
use crate::secret::Address;
use crate::subset::Size;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &CaptureArgs) -> Result<Answer> {
    let deed = Deed::new(Operation::Capture);
    audit::attempt(context, settings, (deed, args.dry_run), |deed| capture(context, settings, args, deed))
}

/// Captures. `deed` gets what is known so far, for the case that it is refused.
fn capture(context: &Context<'_>, settings: &Settings, args: &CaptureArgs, deed: &mut Deed) -> Result<Answer> {
    let environment = settings.environment(args.env.as_deref());
    let path = settings.policy(args.policy.as_deref())?;
    let address = address(args.source.as_deref(), "source", "SOURCE_DATABASE_URL")?;
    let name = args.name.clone().unwrap_or_else(|| default_name(&address));
    check_name(&name)?;
    let tags = Change::new(&args.tag, &[])?;
    deed.environment = Some(environment.clone());
    deed.database = Some(Database { address: address.to_string(), identity: None });
    deed.snapshot = Some(Named { name: name.clone(), id: None });
    let reviewed = Reviewed::read(&path)?;
    let policy = &reviewed.policy;
    let required = args.require_approval || settings.approval(&environment).1;
    let master = settings.master_key()?;
    let mut proof = policy.proof(&master, &environment);
    deed.digests.insert("policy".to_owned(), proof.digest.clone());
    reviewed.prove(context, settings, (&environment, args.approvers.as_deref(), required), &mut proof)?;
    let expires = settings.retention(args.expires_in, &environment)?.map(days_from_now).transpose()?;
    let repository = open_to_publish(context, settings)?;
    started(
        context,
        "capture",
        vec![
            ("name", name.clone()),
            ("source", address.to_string()),
            ("store", settings.store().to_string()),
            ("environment", environment.clone()),
            ("policy", path.display().to_string()),
        ],
    );
    let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
    let catalogue = source.catalogue()?;
    policy::expiry::refuse_expired(policy, &catalogue, &environment, &today())?;
    reviewed.hold_against(context, &catalogue, required)?;
    let plan = policy::resolve(policy, &catalogue, &environment, &master)?;
    let options = capture::Options {
        name,
        environment: environment.clone(),
        policy: proof,
        dry_run: args.dry_run,
        amount: capture::Amount {
            size: args.size.and_then(|size| match size {
                CaptureSize::Small => Some(Size::Small),
                CaptureSize::Medium => Some(Size::Medium),
                CaptureSize::Large => Some(Size::Large),
                CaptureSize::Full => None,
            }),
            max_rows: args.max_rows,
            max_bytes: args.max_bytes,
        },
        expires,
        tags: tags.add,
    };
    let folder = settings.journal();
    let resume = Resume { folder: folder.as_deref(), how: how(args) };
    let done = capture::resumable(context, &mut *source, &catalogue, &plan, &repository, &options, &resume);
    context.report.event(&Event::Sent { traffic: source.traffic() });
    let done = done.inspect_err(|error| tell_of_journal(context, error, &resume))?;
    if let Some(snapshot) = &done.snapshot {
        audit::record(context, settings, &repository, captured(snapshot, address.to_string())).map_err(|error| {
            let label = snapshot.label();
            error.within(format!("{label} is published, but the audit trail does not say so")).hint(format!(
                "Remove it and capture again: terp-fixtures rm {label}. 'audit verify' names it until then."
            ))
        })?;
    }
    if let Some(snapshot) = &done.snapshot {
        seen::remember(context, settings, &repository, &[seen::found(snapshot)]);
        if args.pin {
            pins::pin(settings, snapshot)?;
        }
    }
    let rows: u64 = done.tables.iter().map(|(_, rows)| rows).sum();
    finished(
        context,
        "capture",
        vec![("uploaded_packs", done.uploaded_packs.to_string())],
        done.tables.clone(),
        done.millis,
    );
    let json = json!({
        "snapshot": done.snapshot.as_ref().map(|snapshot| json!({ "name": snapshot.manifest.name, "id": snapshot.id })),
        "dry_run": args.dry_run, "rows": rows, "masked_columns": done.masked_columns, "raw_bytes": done.raw_bytes,
        "uploaded_bytes": done.uploaded_bytes, "uploaded_packs": done.uploaded_packs, "chunks": done.chunks.0,
        "known_chunks": done.chunks.1, "foreign_keys": done.foreign_keys,
        "resumed": { "tables": done.resumed.tables, "packs": done.resumed.packs },
        "leaks": { "originals": done.leaks.originals, "cells": done.leaks.cells, "hits": done.leaks.hits,
            "columns": done.leaks.columns, "canaries": done.leaks.canaries, "skipped": done.leaks.skipped },
        "tables": done.tables.iter().enumerate().map(|(at, (table, rows))| {
            let bytes = done.estimate.as_ref().and_then(|estimate| estimate.bytes.get(at));
            json!({ "table": table.to_string(), "rows": rows, "bytes": bytes })
        }).collect::<Vec<_>>(),
        "references": done.brought.iter().map(|brought| json!({ "reference": brought.reference,
            "children": brought.children, "of": brought.of, "parents": brought.parents })).collect::<Vec<_>>(),
        "estimated_millis": done.estimate.as_ref().map(|estimate| estimate.millis),
        "millis": done.millis,
    });
    Ok(Answer::new(json, capture_text(&done)))
}

/// What becomes of the journal of an interrupted capture.
fn how(args: &CaptureArgs) -> How {
    match (args.resume, args.no_resume) {
        (_, true) => How::Anew,
        (true, _) => How::Asked,
        _ => How::Continue,
    }
}

/// After an interruption: that the same command goes on.
fn tell_of_journal(context: &Context<'_>, error: &Error, resume: &Resume<'_>) {
    let is_interruption = matches!(error.kind(), Kind::Interrupted | Kind::Unreachable | Kind::Store);
    if is_interruption && resume.folder.is_some_and(Path::is_dir) {
        let what = "what was finished until then is kept in the journal: the same command goes on with it";
        context.report.event(&Event::Note { what: what.to_owned() });
    }
}

/// The outcome of a capture in plain words.
fn capture_text(done: &capture::Outcome) -> String {
    let rows: u64 = done.tables.iter().map(|(_, rows)| rows).sum();
    let filled = done.tables.iter().filter(|(_, rows)| *rows > 0).count();
    let Some(snapshot) = &done.snapshot else { return dry_text(done, rows, filled as u64) };
    let filled = filled as u64;
    format!(
        "Captured {} as {}\n  {} of {}, {} of COPY text\n  {} masked; {} looked for in {}: none found{}; {} went through the \
         masks: none came out\n  {} closed\n  {} uploaded in {}; {} of {} were in the store \
         already\n  {}",
        snapshot.manifest.name,
        snapshot.label(),
        count(rows, "row"),
        count(filled, "table"),
        bytes(done.raw_bytes),
        count(done.masked_columns as u64, "column"),
        count(done.leaks.originals, "original"),
        count(done.leaks.cells, "cell"),
        passed_over(&done.leaks.skipped),
        count(done.leaks.canaries, "made-up one"),
        count(done.foreign_keys, "foreign key"),
        bytes(done.uploaded_bytes),
        count(done.uploaded_packs as u64, "pack"),
        grouped(done.chunks.1),
        count(done.chunks.0, "chunk"),
        seconds(done.millis),
    )
}

/// What a capture would take.
fn dry_text(done: &capture::Outcome, rows: u64, filled: u64) -> String {
    let estimate = done.estimate.as_ref();
    let total: u64 = estimate.map_or(0, |estimate| estimate.bytes.iter().sum());
    let line = |(at, (name, rows)): (usize, &(TableName, u64))| {
        let of_table = estimate.and_then(|estimate| estimate.bytes.get(at)).copied().unwrap_or_default();
        vec![name.to_string(), grouped(*rows), bytes(of_table)]
    };
    let lines: Vec<Vec<String>> = done.tables.iter().enumerate().map(line).collect();
    let mut text = table(&["table", "rows", "bytes, about"], &lines, &[1, 2]);
    if !done.brought.is_empty() {
        let line = |brought: &Brought| {
            let each = match brought.of {
                0 => String::new(),
                of => format!("{}.{}", grouped(brought.children / of), brought.children % of * 10 / of),
            };
            vec![brought.reference.clone(), grouped(brought.children), each, grouped(brought.parents)]
        };
        let lines: Vec<Vec<String>> = done.brought.iter().map(line).collect();
        text.push_str("\n\n");
        text.push_str(&table(&["reference", "brings children", "per parent", "brings parents"], &lines, &[1, 2, 3]));
    }
    text.push_str(&format!(
        "\n\nDry run: would capture {} of {}, about {}, and mask {}, in about {}. Nothing was written.",
        count(rows, "row"),
        count(filled, "table"),
        bytes(total),
        count(done.masked_columns as u64, "column"),
        seconds(estimate.map_or(0, |estimate| estimate.millis)),
    ));
    // One reference that brings more than half of all rows, many for each parent, is worth a word.
    let most = done.brought.iter().max_by_key(|brought| brought.children);
    if let Some(most) = most.filter(|most| most.children * 2 > rows && most.children > most.of * 5) {
        text.push_str(&format!(
            "\n{} balloons: it brings {} of {}. To take fewer, add\n\n  [[subset.edges]]\n  table = {:?}\n  columns = {:?}\n  limit = 10",
            most.reference,
            grouped(most.children),
            count(rows, "row"),
            most.child.to_string(),
            most.columns,
        ));
    }
    text
}

/// ` (3 passed over: 2 short, 1 common)`; nothing where nothing was.
fn passed_over(skipped: &BTreeMap<String, u64>) -> String {
    let reasons: Vec<String> = skipped.iter().map(|(reason, count)| format!("{} {reason}", grouped(*count))).collect();
    match reasons.as_slice() {
        [] => String::new(),
        _ => format!(" ({} passed over: {})", grouped(skipped.values().sum()), reasons.join(", ")),
    }
}

/// `<database>-<YYYY-MM-DD>`.
fn default_name(address: &Address) -> String {
    format!("{}-{}", database_name(address), jiff::Timestamp::now().strftime("%Y-%m-%d"))
}

/// The name of the database in an address, in characters of a snapshot's name.
pub(super) fn database_name(address: &Address) -> String {
    let shown = address.to_string();
    let path = shown.split('?').next().unwrap_or_default();
    let last = path.rsplit(['/', ':', '\\']).next().unwrap_or_default();
    let stem = last.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("database");
    stem.chars().map(|c| if is_name_char(c) { c } else { '-' }).collect()
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

pub(super) fn check_name(name: &str) -> Result<()> {
    let good = !name.is_empty() && name.len() <= 100 && !name.starts_with(['-', '.']) && name.chars().all(is_name_char);
    if good {
        return Ok(());
    }
    Err(Error::usage(
        "a snapshot's name has 1 to 100 letters, digits, '-', '_' or '.', and starts with a letter or digit",
    )
    .hint("For example: demo-2025-12."))
}

/// A time in so many days.
pub(super) fn days_from_now(days: u32) -> Result<String> {
    let hours = jiff::SignedDuration::from_hours(24 * i64::from(days));
    let then = jiff::Timestamp::now().checked_add(hours);
    then.map(|then| then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .map_err(|error| Error::usage("the day of expiry lies too far in the future").caused_by(error))
}
