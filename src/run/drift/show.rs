//! Differences at a glance: one table of all of them, and what may be pasted into the configuration.

use super::super::foreign::Foreign;
use crate::error::Error;
use crate::model::drift::{Aspect, Difference};
use crate::model::schema::TableName;
use crate::model::text_table;
use crate::policy::names::{key, quoted};
use std::collections::BTreeMap;

/// Differences as a table, those that stop the restore only or all of them.
#[must_use]
pub fn lines<'a>(differences: impl Iterator<Item = &'a Difference>) -> String {
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { shortened(text) };
    let rows: Vec<Vec<String>> = differences
        .map(|it| {
            let column = if it.columns.is_empty() { "-".to_owned() } else { it.place() };
            let table = it.table.to_string();
            vec![table, column, it.aspect.word().into(), or_none(&it.snapshot), or_none(&it.target), it.advice().into()]
        })
        .collect();
    let head = ["table", "column", "difference", "snapshot has", "target has", "what follows"];
    text_table::table(&head, &rows, &[])
}

/// What would make a line too long to be seen at once is told in JSON only.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST - 3).collect();
    format!("{start}...")
}

/// The refusal of all differences that stop the restore.
pub(super) fn error(differences: &[Difference], foreign: Option<&Foreign<'_>>) -> Error {
    let refused = || differences.iter().filter(|it| it.is_refused());
    let indented = |text: &str| format!("\n{text}").replace('\n', "\n  ");
    let mut tables: Vec<&TableName> = refused().map(|it| &it.table).collect();
    tables.dedup();
    let count = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let what = format!(
        "the target's schema differs from the snapshot's: {} in {}, and nothing was written{}",
        count(refused().count(), "difference"),
        count(tables.len(), "table"),
        indented(&lines(refused()))
    );
    let section =
        |table: &TableName| foreign.map_or_else(|| (table.to_string(), false), |foreign| foreign.section(table));
    let paste = paste(differences, &section);
    let what = if paste.is_empty() {
        what
    } else {
        format!("{what}\n  for terp-fixtures.toml, if that is what is meant:{}", indented(&paste))
    };
    Error::drift(what)
        .hint(
            "Migrate the target, or capture again from a source with the current schema, or say in [restore.map] what \
             belongs together (docs/drift.md).",
        )
        .differing(differences.to_vec())
}

/// The lines of `[restore.map]` that say what was probably renamed. A table that has a section there already gets a remark.
fn paste(differences: &[Difference], section: &dyn Fn(&TableName) -> (String, bool)) -> String {
    let mut sections: BTreeMap<(String, bool), Vec<String>> = BTreeMap::new();
    let mut columns: BTreeMap<(String, bool), Vec<String>> = BTreeMap::new();
    for it in differences {
        let Some(name) = &it.renamed else { continue };
        let section = section(&it.table);
        match (it.aspect, it.columns.first()) {
            (Aspect::MissingTable, _) => sections.entry(section).or_default().push(format!("to = {}", quoted(name))),
            (_, Some(column)) => {
                columns.entry(section).or_default().push(format!("{} = {}", key(column), quoted(name)));
            }
            _ => {}
        }
    }
    for (section, renamed) in columns {
        sections.entry(section).or_default().push(format!("rename = {{ {} }}", renamed.join(", ")));
    }
    let head = |(name, is_there): &(String, bool)| {
        let remark = if *is_there { "   # which is there already: change it" } else { "" };
        format!("[restore.map.{}]{remark}", key(name))
    };
    let text = |(section, lines): (&(String, bool), &Vec<String>)| format!("{}\n{}", head(section), lines.join("\n"));
    sections.iter().map(text).collect::<Vec<_>>().join("\n")
}
