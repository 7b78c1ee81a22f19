//! Rows with equal cells.

use super::function::text;
use super::view::View;
use std::collections::HashMap;

/// The rows of a table in groups with equal cells in some columns, in the order of their first rows.
pub(super) fn groups(view: &View<'_>, table: usize, columns: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<Vec<String>, usize> = HashMap::new();
    for row in 0..view.rows(table) {
        let key: Vec<String> = columns.iter().map(|column| text(view.cell(table, *column, row))).collect();
        let group = *known.entry(key).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(row);
    }
    groups
}
