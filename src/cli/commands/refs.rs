//! `refs`: from what was typed to the references that a database does not declare.

use super::{address, finished, read_policy, started};
use crate::cli::args::RefsArgs;
use crate::cli::render::{Answer, count, table};
use crate::cli::settings::Settings;
use crate::detect::{KnownReference, Overlap, Polymorphic, Proposal};
use crate::engine;
use crate::error::Result;
use crate::model::schema::{EngineKind, TableName};
use crate::policy::Policy;
use crate::run::refs::{Outcome, found};
use crate::run::{Context, refs};
use serde_json::{Value, json};

pub(super) fn run(
    context: &Context<'_>,
    settings: impl FnOnce() -> Result<Settings>,
    args: &RefsArgs,
) -> Result<Answer> {
    let address = address(args.source.as_deref(), "source", "SOURCE_DATABASE_URL")?;
    let policy = match &args.policy {
        Some(named) => Some(read_policy(&settings()?.policy(Some(named))?)?),
        None => None,
    };
    started(context, "refs", vec![("source", address.to_string())]);
    let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
    let known = policy.map_or_else(Vec::new, |policy| known(&policy, source.engine()));
    let done = refs::refs(context, &mut *source, &known, args.min_confidence)?;
    let facts = [("references", done.references.len()), ("polymorphic", done.polymorphic.len())];
    let facts = facts.into_iter().map(|(name, count)| (name, count.to_string())).collect();
    finished(context, "refs", facts, Vec::new(), done.millis);
    let json = json!({
        "tables": done.tables,
        "references": done.references.iter().map(described).collect::<Vec<_>>(),
        "polymorphic": done.polymorphic.iter().map(polymorphic).collect::<Vec<_>>(),
        "contradicted": done.contradicted.iter().map(described).collect::<Vec<_>>(),
        "weaker": done.weaker, "policy": done.lines, "millis": done.millis,
    });
    Ok(Answer::new(json, told(&done, args.min_confidence)))
}

/// The references that a policy has for an engine.
fn known(policy: &Policy, engine: EngineKind) -> Vec<KnownReference> {
    let known = policy.of_engine(engine).into_owned().subset.references.into_iter();
    known.map(|known| KnownReference { table: known.table, columns: known.columns }).collect()
}

/// Confidence as it is typed: `0.87`.
fn shown(percent: u32) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

fn described(proposal: &Proposal) -> Value {
    json!({
        "table": proposal.table.to_string(), "columns": proposal.columns, "parent": proposal.parent.to_string(),
        "parent_columns": proposal.parent_columns, "confidence": f64::from(proposal.confidence) / 100.0,
        "name": proposal.naming.words(), "types": proposal.types, "overlap": overlap(proposal.overlap),
        "indexed": proposal.is_indexed, "rivals": proposal.rivals.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn polymorphic(proposal: &Polymorphic) -> Value {
    let map = proposal.map.iter().map(
        |kind| json!({ "label": kind.label, "parent": kind.parent.to_string(), "overlap": overlap(kind.overlap) }),
    );
    json!({
        "table": proposal.table.to_string(), "type_column": proposal.type_column, "id_column": proposal.id_column,
        "confidence": f64::from(proposal.confidence) / 100.0, "map": map.collect::<Vec<_>>(), "open": proposal.open,
        "further_values": proposal.further, "indexed": proposal.is_indexed,
    })
}

fn overlap(overlap: Option<Overlap>) -> Value {
    overlap.map_or(Value::Null, |overlap| json!({ "sampled": overlap.sampled, "found": overlap.found }))
}

/// What was found, for people.
fn told(done: &Outcome, min_confidence: u32) -> String {
    let mut parts = Vec::new();
    if !done.references.is_empty() {
        let lines: Vec<Vec<String>> = done.references.iter().map(line).collect();
        parts.push(table(&["sure", "column", "refers to", "evidence"], &lines, &[]));
    }
    if !done.polymorphic.is_empty() {
        let lines: Vec<Vec<String>> = done.polymorphic.iter().map(polymorphic_line).collect();
        parts.push(table(&["sure", "id", "table by", "tables"], &lines, &[]));
    }
    if !done.contradicted.is_empty() {
        let lines: Vec<Vec<String>> = done.contradicted.iter().map(line).collect();
        parts.push(format!(
            "By name these would be references, but their values are not there:\n{}",
            table(&["sure", "column", "refers to", "evidence"], &lines, &[])
        ));
    }
    let searched = count(done.tables as u64, "table");
    parts.push(match (done.references.len(), done.polymorphic.len()) {
        (0, 0) => format!("No missing reference was found in {searched}{}.", weaker(done, min_confidence)),
        (plain, mixed) => format!(
            "{} and {} polymorphic in {searched}{}. Paste what is right into the policy:",
            count(plain as u64, "reference"),
            mixed,
            weaker(done, min_confidence)
        ),
    });
    if !done.lines.is_empty() {
        parts.push(done.lines.clone());
    }
    parts.join("\n\n")
}

fn weaker(done: &Outcome, min_confidence: u32) -> String {
    match done.weaker {
        0 => String::new(),
        more if min_confidence > 30 => format!(" ({more} weaker: --min-confidence 0.3 shows more)"),
        more => format!(" ({more} weaker)"),
    }
}

fn place(table: &TableName, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| column.escape_debug().to_string()).collect();
    match &columns[..] {
        [only] => format!("{table}.{only}"),
        _ => format!("{table} ({})", columns.join(", ")),
    }
}

fn line(proposal: &Proposal) -> Vec<String> {
    let mut evidence = vec![proposal.naming.words().to_owned(), proposal.types.join(", ")];
    evidence.push(match proposal.overlap {
        Some(overlap) => format!("{} found", found(overlap)),
        None => "no values to compare".to_owned(),
    });
    if !proposal.is_indexed {
        evidence.push("no index".to_owned());
    }
    if !proposal.rivals.is_empty() {
        let rivals: Vec<String> = proposal.rivals.iter().map(ToString::to_string).collect();
        evidence.push(format!("{} would fit too", rivals.join(", ")));
    }
    vec![
        shown(proposal.confidence),
        place(&proposal.table, &proposal.columns),
        place(&proposal.parent, &proposal.parent_columns),
        evidence.join("; "),
    ]
}

fn polymorphic_line(proposal: &Polymorphic) -> Vec<String> {
    let mut tables: Vec<String> = proposal
        .map
        .iter()
        .map(|kind| match kind.overlap {
            Some(overlap) => format!("{} ({})", kind.parent, found(overlap)),
            None => kind.parent.to_string(),
        })
        .collect();
    if !proposal.open.is_empty() {
        tables.push(count(proposal.open.len() as u64, "label") + " without a table");
    }
    if proposal.further > 0 {
        tables.push(count(proposal.further as u64, "further value"));
    }
    if tables.is_empty() {
        tables.push("no labels to compare".to_owned());
    }
    if !proposal.is_indexed {
        tables.push("no index".to_owned());
    }
    vec![
        shown(proposal.confidence),
        place(&proposal.table, std::slice::from_ref(&proposal.id_column)),
        proposal.type_column.escape_debug().to_string(),
        tables.join("; "),
    ]
}
