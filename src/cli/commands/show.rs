//! `show`: what is in a snapshot. Names, counts and digests; no row is read.

use super::list::expiry;
use super::open;
use crate::cli::args::{GraphFormat, ShowArgs};
use crate::cli::render::{Answer, bytes, count, grouped, table};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::mask::invented::is_invented;
use crate::model::approval::Approval;
use crate::model::manifest::{ClosureResult, Manifest, PolicyProof, SubsetProof, TableEntry};
use crate::model::names::visible;
use crate::model::schema::{Catalogue, Column, Table};
use crate::run::Context;
use crate::run::graph::{self, Graph};
use crate::run::inspect::{self, Weight};
use crate::run::repository::Snapshot;
use crate::run::tags::Tags;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &ShowArgs) -> Result<Answer> {
    let repository = open(context, settings)?;
    let snapshot = repository.find(&args.snapshot)?;
    if let Some(format) = args.graph {
        return Ok(drawn(&Graph::of(&snapshot.manifest, args.all), format));
    }
    if let Some(table) = &args.schema {
        return schema(&snapshot.manifest, Some(table.as_str()).filter(|table| !table.is_empty()));
    }
    let tags = Tags::read(&repository)?.of(&snapshot);
    let weight = inspect::weigh(&repository, &snapshot)?;
    Ok(Answer::new(
        json!({ "id": snapshot.id, "signer": snapshot.signer.to_string(), "expired": snapshot.is_expired(), "tags": tags,
            "raw_bytes": inspect::raw_bytes(&snapshot.manifest), "stored_bytes": weight.stored_bytes,
            "shared_bytes": weight.shared_bytes, "packs": weight.packs, "pack_bytes": weight.pack_bytes,
            "chunks": weight.chunks, "manifest": to_json(&snapshot.manifest)? }),
        show_text(&snapshot, &tags, weight),
    ))
}

fn to_json(shown: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(shown).map_err(|error| Error::internal("the manifest cannot be shown").caused_by(error))
}

/// What each table is made of.
fn schema(manifest: &Manifest, wanted: Option<&str>) -> Result<Answer> {
    let catalogue = &manifest.schema;
    let is_wanted = |table: &&Table| wanted.is_none_or(|wanted| table.name.is_named(wanted));
    let tables: Vec<&Table> = catalogue.tables.iter().filter(is_wanted).collect();
    if let (Some(wanted), true) = (wanted, tables.is_empty()) {
        return Err(Error::usage(format!("the snapshot has no table '{}'", wanted.escape_debug()))
            .hint("'terp-fixtures show SNAPSHOT' lists its tables."));
    }
    let texts: Vec<String> = tables.iter().map(|table| schema_text(manifest, table)).collect();
    let engine = format!("{} {}", catalogue.engine, catalogue.version);
    Ok(Answer::new(json!({ "engine": engine, "tables": to_json(&tables)? }), texts.join("\n\n")))
}

fn schema_text(manifest: &Manifest, of: &Table) -> String {
    let entry = manifest.tables.iter().find(|entry| entry.table == of.name);
    let head = match entry {
        Some(entry) => format!("{} ({}, {})", of.name, entry.mode, count(entry.rows, "row")),
        None => of.name.to_string(),
    };
    let columns: Vec<Vec<String>> = of.columns.iter().map(|column| column_row(column, entry)).collect();
    let names = |at: &[usize]| {
        at.iter().map(|at| of.columns[*at].name.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
    };
    let escaped =
        |names: &[String]| names.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ");
    let mut lines = vec![head, table(&["  column", "type", "null", "default", "mask"], &columns, &[])];
    if !of.primary_key.is_empty() {
        lines.push(format!("  key: {}", names(&of.primary_key)));
    }
    for unique in of.uniques.iter().filter(|unique| !unique.columns.is_empty()) {
        let some = if unique.partial { " (in part)" } else { "" };
        lines.push(format!("  unique: {}{some}", names(&unique.columns)));
    }
    for key in &of.foreign_keys {
        lines.push(format!("  {} references {} ({})", escaped(&key.columns), key.parent, escaped(&key.parent_columns)));
    }
    lines.extend(of.checks.iter().map(|check| format!("  check: {}", check.escape_debug())));
    lines.extend(beside(&manifest.schema, of));
    lines.join("\n")
}

fn column_row(column: &Column, entry: Option<&TableEntry>) -> Vec<String> {
    let mask = entry.and_then(|entry| entry.masks.get(&column.name).cloned()).unwrap_or_default();
    let default = match (&column.default, column.generated) {
        (_, true) => "generated".to_owned(),
        (default, false) => default.as_deref().unwrap_or_default().escape_debug().to_string(),
    };
    let null = if column.nullable { "yes" } else { "no" };
    let name = format!("  {}", column.name.escape_debug());
    vec![name, column.declared.escape_debug().to_string(), null.to_owned(), default, mask]
}

/// Indexes and triggers of a table, by name.
fn beside(catalogue: &Catalogue, of: &Table) -> Vec<String> {
    let objects = catalogue.post.iter().filter(|object| object.table.as_ref() == Some(&of.name));
    let objects = objects.filter(|object| object.kind != "foreign key");
    objects.map(|object| format!("  {}: {}", object.kind, object.name.escape_debug())).collect()
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

/// What decided over the cells: a policy and its key, or a profile and its seed, or whoever wrote the files.
fn origin(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let decided = format!("{} ({})", manifest.policy.file.escape_debug(), &manifest.policy.digest[..16]);
    if let Some(generated) = &manifest.generated {
        let scenario =
            generated.scenario.as_ref().map(|it| format!(", scenario {}", it.escape_debug())).unwrap_or_default();
        let held = generated.invariants.iter().filter(|it| it.failed == 0).count();
        let profile = if generated.profile.is_some() { decided } else { "none".to_owned() };
        return vec![
            ("made up", format!("seed {}, size {}{scenario}", generated.seed, generated.size.escape_debug())),
            ("profile", profile),
            ("invariants", format!("{held} of {} held", generated.invariants.len())),
        ];
    }
    if let Some(imported) = &manifest.imported {
        let mut facts = vec![("written in", count(imported.files.len() as u64, "file"))];
        if let Some(reason) = &imported.accepted {
            facts.push(("accepted", format!("what looks personal: {}", visible(reason))));
        }
        return facts;
    }
    vec![
        ("policy", decided),
        ("approved", approved_text(&manifest.policy)),
        ("masking key", format!("{}, generation {}", manifest.policy.key_id, manifest.policy.generation)),
    ]
}

/// What a snapshot is, a fact in each line.
fn facts(snapshot: &Snapshot, tags: &BTreeSet<String>, weight: Weight) -> Vec<(&'static str, String)> {
    let manifest = &snapshot.manifest;
    let mut facts = vec![
        ("id", snapshot.id.clone()),
        ("created", format!("{} by terp-fixtures {}", manifest.created, manifest.tool)),
        ("signed by", snapshot.signer.to_string()),
        (
            if manifest.is_invented() { "schema" } else { "source" },
            format!("{} {}", manifest.schema.engine, manifest.schema.version.escape_debug()),
        ),
        ("environment", manifest.environment.clone()),
    ];
    facts.extend(origin(manifest));
    facts.extend([
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
        (
            "bytes",
            format!(
                "{} raw, {} stored in {}, {} of that shared with other snapshots",
                bytes(inspect::raw_bytes(manifest)),
                bytes(weight.stored_bytes),
                count(weight.packs as u64, "pack"),
                bytes(weight.shared_bytes)
            ),
        ),
        ("expires", expiry(manifest.expires.as_deref(), snapshot.is_expired())),
    ]);
    if let Some(backup) = &manifest.backup {
        facts.push(("backup", format!("before the rollback of {}", backup.run.escape_debug())));
    }
    if let Some(last) = manifest.copied.last() {
        facts.push(("copied", format!("on {} from {} in store {}", last.time, &last.id[..12], &last.repo[..12])));
    }
    if !tags.is_empty() {
        facts.push(("tags", tags.iter().map(String::as_str).collect::<Vec<_>>().join(", ")));
    }
    facts
}

fn show_text(snapshot: &Snapshot, tags: &BTreeSet<String>, weight: Weight) -> String {
    let row = |entry: &TableEntry| {
        let masked = entry.masks.iter().filter(|(_, mask)| *mask != "keep" && !is_invented(mask));
        let masked: Vec<String> = masked.map(|(column, mask)| format!("{}: {mask}", column.escape_debug())).collect();
        vec![
            entry.table.to_string(),
            entry.mode.clone(),
            grouped(entry.rows),
            bytes(entry.bytes),
            entry.chunks.len().to_string(),
            masked.join(", "),
        ]
    };
    let rows: Vec<Vec<String>> = snapshot.manifest.tables.iter().map(row).collect();
    let facts = facts(snapshot, tags, weight);
    let facts: Vec<String> = facts.iter().map(|(name, value)| format!("  {name:13} {value}")).collect();
    format!(
        "{}\n{}\n\n{}",
        snapshot.manifest.name,
        facts.join("\n"),
        table(&["table", "mode", "rows", "bytes", "chunks", "masked columns"], &rows, &[2, 3, 4])
    )
}
