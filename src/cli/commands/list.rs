//! `list`: the snapshots of a store, a line each.

use super::{open, seen};
use crate::cli::args::ListArgs;
use crate::cli::render::{Answer, bytes, grouped, table};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::event::Event;
use crate::run::Context;
use crate::run::inspect::{self, Filter, Line};
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &ListArgs) -> Result<Answer> {
    let filter = Filter {
        name: args.name.clone(),
        tags: args.tag.clone(),
        environment: args.env.clone(),
        engine: args.engine.clone(),
        since: args.since.clone(),
        until: args.until.clone(),
        expired: args.expired,
        limit: args.limit,
    };
    let repository = open(context, settings)?;
    let (lines, damaged) = inspect::list(&repository, &filter)?;
    let found: Vec<seen::Found<'_>> =
        lines.iter().map(|line| (line.name.as_str(), line.id.as_str(), line.created.as_str())).collect();
    seen::remember(context, settings, &repository, &found);
    for damage in damaged {
        let hint = Some("'terp-fixtures verify' says what is damaged.".to_owned());
        context.report.event(&Event::Warning { what: damage.to_string(), hint });
    }
    let json = lines.iter().map(as_json).collect();
    if !lines.is_empty() {
        return Ok(Answer::new(json, text(&lines)));
    }
    let is_filtered = args.name.is_some()
        || !args.tag.is_empty()
        || [&args.env, &args.engine, &args.since, &args.until].into_iter().any(Option::is_some)
        || args.expired
        || args.limit.is_some();
    let why = if is_filtered {
        "No snapshot is like that."
    } else {
        "The store is empty. Make a snapshot with 'terp-fixtures capture'."
    };
    Ok(Answer::new(json, why))
}

fn as_json(line: &Line) -> Value {
    json!({ "name": line.name, "id": line.id, "seq": line.seq, "created": line.created, "environment": line.environment,
        "engine": line.engine, "tables": line.tables, "rows": line.rows, "raw_bytes": line.raw_bytes,
        "stored_bytes": line.stored_bytes, "shared_bytes": line.shared_bytes,
        "expires": line.expires, "expired": line.expired, "tags": line.tags, "pinned": line.pinned, "copied": line.copied,
        "backup": line.backup, "origin": line.origin })
}

fn text(lines: &[Line]) -> String {
    let row = |line: &Line| {
        vec![
            line.name.clone(),
            line.id[..12].to_owned(),
            line.created.clone(),
            line.environment.clone(),
            line.engine.clone(),
            line.tables.to_string(),
            grouped(line.rows),
            bytes(line.raw_bytes),
            bytes(line.stored_bytes - line.shared_bytes),
            expiry(line.expires.as_deref(), line.expired),
            tags(line),
        ]
    };
    let mut head =
        vec!["name", "id", "created", "env", "engine", "tables", "rows", "raw", "own bytes", "expires", "tags"];
    let mut rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    if lines.iter().all(|line| tags(line).is_empty()) {
        head.pop();
        for row in &mut rows {
            row.pop();
        }
    }
    table(&head, &rows, &[5, 6, 7, 8])
}

/// Its tags, that `terp.lock` pins its name to it, and what it is where it is no capture.
fn tags(line: &Line) -> String {
    let pinned = line.pinned.then_some("(pinned)");
    let backup = line.backup.is_some().then_some("(backup)");
    let origin = match line.origin {
        "made up" => Some("(made up)"),
        "written by hand" => Some("(written by hand)"),
        _ => None,
    };
    line.tags.iter().map(String::as_str).chain(pinned).chain(backup).chain(origin).collect::<Vec<_>>().join(", ")
}

/// When a snapshot expires, or that it has.
pub(super) fn expiry(expires: Option<&str>, expired: bool) -> String {
    match (expires, expired) {
        (None, _) => "never".to_owned(),
        (Some(at), true) => format!("expired on {at}"),
        (Some(at), false) => at.to_owned(),
    }
}
