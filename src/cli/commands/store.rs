//! `list`, `show` and `verify`: what a store holds.

use super::{open, seen};
use crate::cli::args::{GraphFormat, ShowArgs, VerifyArgs};
use crate::cli::render::{Answer, bytes, count, grouped, seconds, table};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::approval::Approval;
use crate::model::manifest::{ClosureResult, PolicyProof, SubsetProof};
use crate::run::graph::{self, Graph};
use crate::run::repository::Snapshot;
use crate::run::{Context, inspect, verify};
use crate::store;
use serde_json::json;

pub(super) fn list(context: &Context<'_>, settings: &Settings) -> Result<Answer> {
    let repository = open(context, settings)?;
    let (snapshots, damaged) = repository.snapshots()?;
    seen::remember(context, settings, &repository, &snapshots);
    for damage in damaged {
        let hint = Some("'terp-fixtures verify' says what is damaged.".to_owned());
        context.report.event(&Event::Warning { what: damage.to_string(), hint });
    }
    let lines = inspect::lines(&snapshots);
    let json = lines
        .iter()
        .map(|line| {
            json!({ "name": line.name, "id": line.id, "created": line.created, "environment": line.environment,
                "engine": line.engine, "tables": line.tables, "rows": line.rows, "raw_bytes": line.raw_bytes,
                "stored_bytes": line.stored_bytes, "shared_bytes": line.shared_bytes,
                "expires": line.expires, "expired": line.expired })
        })
        .collect();
    if lines.is_empty() {
        let text = "The store is empty. Make a snapshot with 'terp-fixtures capture'.".to_owned();
        return Ok(Answer::new(json, text));
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
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
            ]
        })
        .collect();
    let head = ["name", "id", "created", "env", "engine", "tables", "rows", "raw", "own bytes", "expires"];
    Ok(Answer::new(json, table(&head, &rows, &[5, 6, 7, 8])))
}

pub(super) fn show(context: &Context<'_>, settings: &Settings, args: &ShowArgs) -> Result<Answer> {
    let snapshot = open(context, settings)?.find(&args.snapshot)?;
    if let Some(format) = args.graph {
        return Ok(drawn(&Graph::of(&snapshot.manifest, args.all), format));
    }
    let json = serde_json::to_value(&snapshot.manifest)
        .map_err(|error| Error::internal("the manifest cannot be shown").caused_by(error))?;
    Ok(Answer::new(
        json!({ "id": snapshot.id, "signer": snapshot.signer.to_string(), "expired": snapshot.is_expired(), "manifest": json }),
        show_text(&snapshot),
    ))
}

/// When a snapshot expires, or that it has.
fn expiry(expires: Option<&str>, expired: bool) -> String {
    match (expires, expired) {
        (None, _) => "never".to_owned(),
        (Some(at), true) => format!("expired on {at}"),
        (Some(at), false) => at.to_owned(),
    }
}

/// What is known of the references.
fn closure_text(closure: &ClosureResult) -> String {
    let dangling: u64 = if closure.references.is_empty() {
        closure.dangling.values().sum()
    } else {
        closure.references.iter().map(|closed| closed.dangling).sum()
    };
    let closed = match closure.references.len() as u64 {
        0 => format!("{} closed", count(closure.foreign_keys, "foreign key")),
        all => {
            let rows = closure.references.iter().map(|closed| closed.rows).sum();
            format!("{} proved on {}", count(all, "reference"), count(rows, "row"))
        }
    };
    match dangling {
        0 => closed,
        some => format!("{closed}; {} as in the source", count(some, "dangling row")),
    }
}

/// Who approved the policy with its lock.
fn approved_text(policy: &PolicyProof) -> String {
    let Some(reviewed) = &policy.reviewed else { return "by nobody: there was no lock".to_owned() };
    let one = |approval: &Approval| {
        let earlier = if approval.digest == *reviewed { "" } else { ", of the version before" };
        let (approver, role) = (approval.approver.escape_debug(), approval.role.escape_debug());
        format!("{approver} ({role}, until {}{earlier})", approval.expires)
    };
    match policy.approvals.as_slice() {
        [] => format!("by nobody ({})", &reviewed[..16]),
        approvals => {
            format!("by {} ({})", approvals.iter().map(one).collect::<Vec<_>>().join(", "), &reviewed[..16])
        }
    }
}

/// Where the rows began.
fn subset_text(subset: Option<&SubsetProof>) -> String {
    let Some(subset) = subset else { return "every row".to_owned() };
    let size = subset.size.as_ref().map(|size| format!("{size}: ")).unwrap_or_default();
    let chosen: u64 = subset.roots.iter().map(|root| root.rows).sum();
    let mut names: Vec<String> = subset.roots.iter().map(|root| root.table.to_string()).collect();
    names.dedup();
    let tables = match names.as_slice() {
        few if few.len() <= 4 => few.join(", "),
        many => count(many.len() as u64, "table"),
    };
    format!("{size}{} of {tables}, and what follows from them", count(chosen, "row"))
}

fn drawn(graph: &Graph, format: GraphFormat) -> Answer {
    let text = match format {
        GraphFormat::Svg => graph::svg(graph),
        GraphFormat::Dot => graph::dot(graph),
        GraphFormat::Mermaid => graph::mermaid(graph),
    };
    let name = |at: usize| graph.nodes[at].table.to_string();
    let tables: Vec<serde_json::Value> = graph
        .nodes
        .iter()
        .map(|node| json!({ "table": node.table, "rows": node.rows, "root": node.root, "whole": node.whole }))
        .collect();
    let references: Vec<serde_json::Value> = graph
        .edges
        .iter()
        .map(|edge| {
            json!({ "child": name(edge.child), "columns": edge.columns, "parent": name(edge.parent), "rows": edge.rows,
                "dangling": edge.dangling, "children": edge.pulled.0, "parents": edge.pulled.1,
                "declared": edge.kind == graph::Kind::Declared, "polymorphic": edge.kind == graph::Kind::Polymorphic })
        })
        .collect();
    Answer::new(json!({ "tables": tables, "references": references, "graph": text }), text)
}

fn show_text(snapshot: &Snapshot) -> String {
    let manifest = &snapshot.manifest;
    let rows: Vec<Vec<String>> = manifest
        .tables
        .iter()
        .map(|entry| {
            let masked: Vec<String> = entry
                .masks
                .iter()
                .filter(|(_, mask)| *mask != "keep")
                .map(|(column, mask)| format!("{}: {mask}", column.escape_debug()))
                .collect();
            vec![
                entry.table.to_string(),
                entry.mode.clone(),
                grouped(entry.rows),
                bytes(entry.bytes),
                entry.chunks.len().to_string(),
                masked.join(", "),
            ]
        })
        .collect();
    let facts = [
        ("id", snapshot.id.clone()),
        ("created", format!("{} by terp-fixtures {}", manifest.created, manifest.tool)),
        ("signed by", snapshot.signer.to_string()),
        ("source", format!("{} {}", manifest.schema.engine, manifest.schema.version.escape_debug())),
        ("environment", manifest.environment.clone()),
        ("policy", format!("{} ({})", manifest.policy.file.escape_debug(), &manifest.policy.digest[..16])),
        ("approved", approved_text(&manifest.policy)),
        ("masking key", format!("{}, generation {}", manifest.policy.key_id, manifest.policy.generation)),
        ("subset", subset_text(manifest.subset.as_ref())),
        ("closure", closure_text(&manifest.results.closure)),
        (
            "leak scan",
            format!(
                "{} originals in {} cells: {} found",
                grouped(manifest.results.leaks.originals),
                grouped(manifest.results.leaks.cells),
                manifest.results.leaks.hits
            ),
        ),
        ("expires", expiry(manifest.expires.as_deref(), snapshot.is_expired())),
    ];
    let facts: Vec<String> = facts.iter().map(|(name, value)| format!("  {name:13} {value}")).collect();
    format!(
        "{}\n{}\n\n{}",
        manifest.name,
        facts.join("\n"),
        table(&["table", "mode", "rows", "bytes", "chunks", "masked columns"], &rows, &[2, 3, 4])
    )
}

pub(super) fn verify(context: &Context<'_>, settings: &Settings, args: &VerifyArgs) -> Result<Answer> {
    let depth = match (args.leaks, args.read_data) {
        (true, _) => verify::Depth::Leaks,
        (false, true) => verify::Depth::Rows,
        (false, false) => verify::Depth::Packs,
    };
    let done = if args.scrub {
        verify::scrub(context, &*store::open(&settings.store(), false)?)?
    } else {
        verify::verify(context, &open(context, settings)?, args.snapshot.as_deref(), depth)?
    };
    let done = done.into_result()?;
    for finding in done.findings.iter().filter(|finding| finding.kept) {
        let what = format!("{} is kept and holds {} {}", finding.place, finding.count, finding.what);
        let hint = Some(
            "Nobody's original of another column was found when it was captured; look whether it may be kept."
                .to_owned(),
        );
        context.report.event(&Event::Warning { what, hint });
    }
    let looked = match (args.scrub, depth) {
        (true, _) => "without keys: manifests were not looked into",
        (_, verify::Depth::Packs) => "manifests and packs; --read-data also reads every row",
        (_, verify::Depth::Rows) => "every row was read",
        (_, verify::Depth::Leaks) => "every row was read, and no masked cell looks like somebody's",
    };
    let text = format!(
        "Nothing is damaged ({looked}).\n  {}, {}, {}, {}, {}\n  {}",
        count(done.packs, "pack"),
        count(done.manifests, "manifest"),
        count(done.others, "other object"),
        count(done.chunks, "chunk"),
        count(done.rows, "row"),
        seconds(done.millis)
    );
    let text = match (depth, done.sampled) {
        (verify::Depth::Packs, _) => text,
        (_, 0) => format!("{text}\n  {} proved", count(done.references, "reference")),
        (_, some) => format!(
            "{text}\n  {} proved, but for {} whose keys were too many to hold",
            count(done.references, "reference"),
            count(some, "row")
        ),
    };
    let json = json!({ "packs": done.packs, "manifests": done.manifests, "others": done.others, "chunks": done.chunks, "rows": done.rows,
        "references": done.references, "sampled": done.sampled,
        "cells": done.cells,
        "findings": done.findings.iter().map(|finding| json!({ "place": finding.place, "what": finding.what,
            "count": finding.count, "kept": finding.kept })).collect::<Vec<_>>(),
        "damage": done.damage, "millis": done.millis });
    Ok(Answer::new(json, text))
}
