//! `capture`: from what was typed to a snapshot.

use super::{address, finished, open_to_publish, started};
use crate::cli::args::CaptureArgs;
use crate::cli::render::{Answer, bytes, count, grouped, seconds, table};
use crate::cli::settings::Settings;
use crate::engine;
use crate::error::{Error, Result};
use crate::policy::{self, Policy};
use crate::run::{Context, capture};
use crate::secret::Address;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &CaptureArgs) -> Result<Answer> {
    let environment = settings.environment(args.env.as_deref());
    let path = settings.policy(args.policy.as_deref())?;
    let address = address(args.source.as_deref(), "source", "SOURCE_DATABASE_URL")?;
    let name = args.name.clone().unwrap_or_else(|| default_name(&address));
    check_name(&name)?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Error::usage(format!("cannot read the policy {}", path.display())).caused_by(error))?;
    let policy = Policy::parse(&path.display().to_string(), &text)?;
    let master = settings.master_key()?;
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
    let plan = policy::resolve(&policy, &catalogue, &environment, &master)?;
    let options = capture::Options {
        name,
        environment: environment.clone(),
        policy: policy.proof(&master, &environment),
        dry_run: args.dry_run,
        expires: args.expires_in.map(days_from_now).transpose()?,
    };
    let done = capture::capture(context, &mut *source, &catalogue, &plan, &repository, &options)?;
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
        "leaks": { "originals": done.leaks.originals, "cells": done.leaks.cells, "hits": done.leaks.hits,
            "columns": done.leaks.columns, "canaries": done.leaks.canaries, "skipped": done.leaks.skipped },
        "tables": done.tables.iter().map(|(table, rows)| json!({ "table": table.to_string(), "rows": rows })).collect::<Vec<_>>(),
        "millis": done.millis,
    });
    Ok(Answer { json, text: capture_text(&done) })
}

/// The outcome of a capture in plain words.
fn capture_text(done: &capture::Outcome) -> String {
    let rows: u64 = done.tables.iter().map(|(_, rows)| rows).sum();
    let filled = done.tables.iter().filter(|(_, rows)| *rows > 0).count();
    let Some(snapshot) = &done.snapshot else {
        let lines: Vec<Vec<String>> =
            done.tables.iter().map(|(table, rows)| vec![table.to_string(), grouped(*rows)]).collect();
        return format!(
            "{}\n\nDry run: would capture {} of {} and mask {}. Nothing was written.",
            table(&["table", "rows"], &lines, &[1]),
            count(rows, "row"),
            count(filled as u64, "table"),
            count(done.masked_columns as u64, "column")
        );
    };
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
    let shown = address.to_string();
    let path = shown.split('?').next().unwrap_or_default();
    let last = path.rsplit(['/', ':', '\\']).next().unwrap_or_default();
    let stem = last.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("database");
    let clean: String = stem.chars().map(|c| if is_name_char(c) { c } else { '-' }).collect();
    format!("{clean}-{}", jiff::Timestamp::now().strftime("%Y-%m-%d"))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

fn check_name(name: &str) -> Result<()> {
    let good = !name.is_empty() && name.len() <= 100 && !name.starts_with(['-', '.']) && name.chars().all(is_name_char);
    if good {
        return Ok(());
    }
    Err(Error::usage(
        "a snapshot's name has 1 to 100 letters, digits, '-', '_' or '.', and starts with a letter or digit",
    )
    .hint("For example: demo-2025-12."))
}

fn days_from_now(days: u32) -> Result<String> {
    let hours = jiff::SignedDuration::from_hours(24 * i64::from(days));
    let then = jiff::Timestamp::now().checked_add(hours);
    then.map(|then| then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .map_err(|error| Error::usage("--expires-in lies too far in the future").caused_by(error))
}
