//! `diff`: what differs between two snapshots, in counts and names.

use super::open;
use crate::cli::args::DiffArgs;
use crate::cli::render::{Answer, count, grouped, table};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::run::Context;
use crate::run::diff::{self, Difference, Found, Options, Outcome, RowDiff, Sort, TableDiff};
use crate::run::repository::Snapshot;
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &DiffArgs) -> Result<Answer> {
    let repository = open(context, settings)?;
    let (before, after) = (repository.find(&args.before)?, repository.find(&args.after)?);
    let options = Options { tables: args.table.clone(), chunks_only: args.chunks, listed: args.rows, held: None };
    let outcome = diff::diff(context, &repository, (&before, &after), &options)?;
    let failure = (args.exit_code && !outcome.is_same()).then(|| {
        Error::drift(format!("{} and {} differ", before.label(), after.label()))
            .hint("Leave --exit-code out where a difference is no failure.")
    });
    Ok(Answer { failure, ..Answer::new(as_json(&before, &after, &outcome), text(&before, &after, &outcome)) })
}

fn as_json(before: &Snapshot, after: &Snapshot, outcome: &Outcome) -> Value {
    let word = |sort: Sort| match sort {
        Sort::Removed => "removed",
        Sort::Added => "added",
        Sort::Changed => "changed",
    };
    let lines = |of: &[Difference]| -> Vec<Value> {
        of.iter().map(|line| json!({ "sort": word(line.sort), "what": line.what })).collect()
    };
    json!({ "before": { "name": before.manifest.name, "id": before.id }, "after": { "name": after.manifest.name, "id": after.id },
        "same": outcome.is_same(), "chunks_only": outcome.chunks_only,
        "tables": outcome.tables.iter().map(table_json).collect::<Vec<_>>(),
        "schema": lines(&outcome.schema), "masking": lines(&outcome.masking) })
}

fn table_json(of: &TableDiff) -> Value {
    let [shared, before, after] = of.chunks;
    let mut json = json!({ "table": of.table, "rows_before": of.rows.0, "rows_after": of.rows.1, "same": of.found == Found::Same,
        "chunks": { "shared": shared, "before": before, "after": after } });
    match &of.found {
        Found::Same => {}
        Found::Rows(RowDiff { added, removed, changed, by_key, numbers: [rows_added, rows_removed, rows_changed] }) => {
            json["rows"] = json!({ "added": added, "removed": removed, "changed": changed, "by_key": by_key,
                "numbers": { "added": rows_added, "removed": rows_removed, "changed": rows_changed } });
        }
        Found::Chunks(before, after) => {
            json["rows_in_other_chunks"] = json!({ "before": before, "after": after });
        }
    }
    json
}

fn text(before: &Snapshot, after: &Snapshot, outcome: &Outcome) -> String {
    let mut parts = vec![format!("{} -> {}", before.label(), after.label())];
    let differing: Vec<&TableDiff> = outcome.tables.iter().filter(|table| table.found != Found::Same).collect();
    let same = count((outcome.tables.len() - differing.len()) as u64, "table");
    if differing.is_empty() {
        parts.push(format!("The rows of {same} are the same."));
    } else {
        let rows: Vec<Vec<String>> = differing.iter().map(|of| table_row(of)).collect();
        let head = ["table", "rows before", "after", "added", "removed", "changed", "shared chunks", ""];
        parts.push(format!("{}\n{same} with the same rows.", table(&head, &rows, &[1, 2, 3, 4, 5, 6])));
        parts.extend(differing.iter().filter_map(|of| numbers(of)));
    }
    if let (Some(why), false) = (outcome.chunks_only, differing.is_empty()) {
        parts.push(format!("Rows were not looked into: {why}. Numbers behind '<=' are of rows in chunks that differ."));
    }
    for (what, lines) in [("schema", &outcome.schema), ("masking", &outcome.masking)] {
        let sign = |sort: Sort| match sort {
            Sort::Removed => '-',
            Sort::Added => '+',
            Sort::Changed => '~',
        };
        let lines: Vec<String> = lines.iter().map(|line| format!("  {} {}", sign(line.sort), line.what)).collect();
        parts.push(match lines.as_slice() {
            [] => format!("{what}: the same"),
            lines => format!("{what}:\n{}", lines.join("\n")),
        });
    }
    parts.join("\n\n")
}

fn table_row(of: &TableDiff) -> Vec<String> {
    let there = |rows: Option<u64>| rows.map_or_else(|| "-".to_owned(), grouped);
    let [shared, before, after] = of.chunks;
    let mut row = vec![of.table.to_string(), there(of.rows.0), there(of.rows.1)];
    let (counts, note) = match &of.found {
        Found::Same => ([0, 0, 0].map(grouped), ""),
        Found::Rows(rows) => {
            let whole = of.rows.0.is_some() && of.rows.1.is_some() && !rows.by_key;
            ([rows.added, rows.removed, rows.changed].map(grouped), if whole { "whole rows were compared" } else { "" })
        }
        Found::Chunks(before, after) => {
            ([format!("<= {}", grouped(*after)), format!("<= {}", grouped(*before)), "?".to_owned()], "")
        }
    };
    row.extend(counts);
    row.push(format!("{shared} of {}", shared + before.max(after)));
    row.push(note.to_owned());
    row
}

/// The numbers of rows that were asked for.
fn numbers(of: &TableDiff) -> Option<String> {
    let Found::Rows(rows) = &of.found else { return None };
    let line = |(what, numbers): (&str, &Vec<u64>)| {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        (!numbers.is_empty()).then(|| format!("  {what} rows: {}", numbers.join(" ")))
    };
    let kinds = ["added", "removed", "changed"].into_iter().zip(&rows.numbers);
    let lines: Vec<String> = kinds.filter_map(line).collect();
    (!lines.is_empty()).then(|| format!("{}\n{}", of.table, lines.join("\n")))
}
