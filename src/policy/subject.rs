//! Where a row's subject comes from: a column of the row, or one at the end of references.

use super::names::{self, Found};
use super::references::References;
use super::resolve::Hop;

/// The most references on the way to a subject.
const FARTHEST: usize = 4;

/// Where a subject comes from.
pub(super) struct Subject {
    /// The table that has the value.
    pub(super) table: usize,
    /// Its column there.
    pub(super) column: usize,
    /// The way there; empty where it is a column of the row itself.
    pub(super) hops: Vec<Hop>,
}

/// Finds `client_id`, or `order_id.client_id` along references.
pub(super) fn find_subject(
    references: &References<'_>,
    number: usize,
    name: &str,
) -> std::result::Result<Subject, String> {
    let find = |table: usize, name: &str| {
        let table = references.table(table);
        match names::find(name, table.columns.iter().map(|column| column.name.as_str())) {
            Found::At(at) if !table.columns[at].generated => Some(at),
            _ => None,
        }
    };
    let own = references.table(number);
    if let Some(column) = find(number, name) {
        return Ok(Subject { table: number, column, hops: Vec::new() });
    }
    let mut subject = Subject { table: number, column: usize::MAX, hops: Vec::new() };
    let parts: Vec<&str> = name.split('.').collect();
    for (at, part) in parts.iter().enumerate() {
        let table = references.table(subject.table);
        let Some(column) = find(subject.table, part) else {
            let whole = name.escape_debug();
            return Err(match parts.len() {
                1 => format!("the subject '{whole}' is no stored column of {}", own.name),
                _ => format!("the subject '{whole}': {} has no stored column '{}'", table.name, part.escape_debug()),
            });
        };
        if at + 1 == parts.len() {
            subject.column = column;
            break;
        }
        let Some((parent, key)) = references.parent_of(subject.table, column) else {
            let column = table.columns[column].name.escape_debug();
            return Err(format!(
                "the subject '{}': {}.{column} refers to no other table",
                name.escape_debug(),
                table.name
            ));
        };
        let other = references.table(parent);
        subject.hops.push(Hop {
            column: table.columns[column].name.clone(),
            table: other.name.clone(),
            key: other.columns[key].name.clone(),
        });
        subject.table = parent;
    }
    if subject.hops.len() > FARTHEST {
        return Err(format!("the subject '{}' is more than {FARTHEST} references away", name.escape_debug()));
    }
    Ok(subject)
}
