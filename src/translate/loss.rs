//! What a snapshot loses on another engine, and how that is told.

use crate::model::schema::TableName;
use std::collections::BTreeMap;
use std::fmt;

/// What is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossKind {
    /// Data: a column is left out, or its values are changed.
    Value,
    /// What stands around the data: views, triggers, functions, checks, indexes.
    Shape,
}

/// One thing that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Data or what stands around it.
    pub kind: LossKind,
    /// The table as it is called on the target; none for what belongs to the whole database.
    pub table: Option<TableName>,
    /// What it is, in the plural and in words: `triggers`, `checks that SQLite cannot say`.
    pub what: String,
    /// Its name: a column, or an object.
    pub name: String,
}

/// The most names of one group.
const SHOWN: usize = 6;

/// Losses in a few lines: one per group, with the first names.
#[must_use]
pub fn summary(losses: &[&Loss]) -> Vec<String> {
    let mut groups: BTreeMap<(LossKind, &str), Vec<String>> = BTreeMap::new();
    for loss in losses {
        groups.entry((loss.kind, &loss.what)).or_default().push(loss.to_string());
    }
    let lines = groups.into_iter().map(|((kind, what), places)| {
        let more = places.len().saturating_sub(SHOWN);
        let shown = places[..places.len().min(SHOWN)].join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let kind = if kind == LossKind::Value { "values" } else { "shape" };
        format!("{kind}: {what}: {shown}{more}")
    });
    lines.collect()
}

/// `table.name`, or the name alone where it says the table already.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        match &self.table {
            Some(table) if self.name.is_empty() => write!(f, "{table}"),
            Some(table) if self.name.starts_with('(') => write!(f, "{table} {name}"),
            Some(table) if !self.name.starts_with(&format!("{}.", table.name)) => write!(f, "{table}.{name}"),
            _ => write!(f, "{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_short() {
        let loss = |kind, what: &str, name: &str| Loss { kind, table: None, what: what.into(), name: name.into() };
        let mut losses: Vec<Loss> = (0..9).map(|at| loss(LossKind::Shape, "views", &format!("v{at}"))).collect();
        losses.push(Loss { table: Some(TableName::plain("t")), ..loss(LossKind::Value, "columns", "c") });
        assert_eq!(
            summary(&losses.iter().collect::<Vec<_>>()),
            ["values: columns: t.c", "shape: views: v0, v1, v2, v3, v4, v5 and 3 more"]
        );
    }
}
