//! `show --graph`: the tables of a snapshot and the references between them, as DOT, Mermaid or SVG. Counts and names, never
//! rows; made of the manifest alone.

mod layout;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use crate::model::manifest::{ClosedReference, Manifest};
use crate::model::schema::TableName;
use crate::model::subset;
use std::collections::BTreeMap;

pub use svg::svg;
pub use text::{dot, mermaid};

/// A drawing to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The snapshot's name.
    pub name: String,
    /// Its tables.
    pub nodes: Vec<Node>,
    /// The references between them.
    pub edges: Vec<Edge>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub table: TableName,
    /// Its rows in the snapshot.
    pub rows: u64,
    /// Whether the subset begins here.
    pub root: bool,
    /// Whether a subset takes all of it.
    pub whole: bool,
}

/// A reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The referencing table, by index.
    pub child: usize,
    /// The referenced table, by index.
    pub parent: usize,
    /// The referencing columns.
    pub columns: Vec<String>,
    /// What kind of reference.
    pub kind: Kind,
    /// Rows that reference something; none where the snapshot does not tell.
    pub rows: Option<u64>,
    /// Those that find nothing.
    pub dangling: u64,
    /// Rows that it pulled into the subset as children, and as parents.
    pub pulled: (u64, u64),
}

/// Who knows a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The database.
    Declared,
    /// Only the policy.
    Undeclared,
    /// Only the policy, and it holds in the rows whose type column says so.
    Polymorphic,
}

impl Graph {
    /// The graph of a snapshot. Without `all`, tables without rows and their references are left out, and references that no
    /// row uses.
    #[must_use]
    pub fn of(manifest: &Manifest, all: bool) -> Self {
        let proofs = manifest.subset.as_ref();
        let nodes: Vec<Node> = manifest
            .tables
            .iter()
            .filter(|entry| all || entry.rows > 0)
            .map(|entry| {
                let root = proofs.is_some_and(|proof| proof.roots.iter().any(|root| root.table == entry.table));
                let whole = proofs.is_some_and(|proof| proof.whole.contains(&entry.table));
                Node { table: entry.table.clone(), rows: entry.rows, root, whole }
            })
            .collect();
        let at: BTreeMap<TableName, usize> =
            nodes.iter().enumerate().map(|(at, node)| (node.table.clone(), at)).collect();
        let closure = &manifest.results.closure;
        let undocumented = |reference| (ClosedReference { reference, rows: 0, dangling: 0 }, false);
        let references: Vec<(ClosedReference, bool)> = if closure.references.is_empty() {
            subset::declared(&manifest.schema).into_iter().map(undocumented).collect()
        } else {
            closure.references.iter().map(|closed| (closed.clone(), true)).collect()
        };
        let mut pulled = vec![(0, 0); references.len()];
        for edge in proofs.iter().flat_map(|proof| &proof.edges) {
            if let Some(counts) = pulled.get_mut(edge.reference as usize) {
                *counts = (edge.children, edge.parents);
            }
        }
        let edges = references.into_iter().zip(pulled).filter_map(|((closed, counted), pulled)| {
            let ClosedReference { reference, rows, dangling } = closed;
            let kind = match (&reference.of_type, reference.undeclared) {
                (Some(_), _) => Kind::Polymorphic,
                (None, true) => Kind::Undeclared,
                (None, false) => Kind::Declared,
            };
            let (child, parent) = (*at.get(&reference.child)?, *at.get(&reference.parent)?);
            let rows = counted.then_some(rows);
            let edge = Edge { child, parent, columns: reference.columns, kind, rows, dangling, pulled };
            (all || edge.rows != Some(0)).then_some(edge)
        });
        Self { name: manifest.name.clone(), edges: edges.collect(), nodes }
    }
}

impl Node {
    /// `name` or `schema.name`, as the database spells it.
    fn name(&self) -> String {
        match &self.table.schema {
            Some(schema) => format!("{schema}.{}", self.table.name),
            None => self.table.name.clone(),
        }
    }

    /// `1234 rows, root`.
    fn note(&self) -> String {
        let mut note = counted(self.rows);
        for (marked, word) in [(self.root, "root"), (self.whole, "whole")] {
            if marked {
                note.push_str(", ");
                note.push_str(word);
            }
        }
        note
    }
}

impl Edge {
    /// `client_id`.
    fn label(&self) -> String {
        self.columns.join(", ")
    }

    /// `12 rows, 1 dangling, brought 10 children and 2 parents`; empty where nothing is known.
    fn note(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.rows.map(counted));
        if self.dangling > 0 {
            parts.push(format!("{} dangling", grouped(self.dangling)));
        }
        match self.pulled {
            (0, 0) => {}
            (children, 0) => parts.push(format!("brought {} as children", grouped(children))),
            (0, parents) => parts.push(format!("brought {} as parents", grouped(parents))),
            (children, parents) => {
                parts.push(format!("brought {} as children, {} as parents", grouped(children), grouped(parents)));
            }
        }
        match self.kind {
            Kind::Declared => {}
            Kind::Undeclared => parts.push("not declared".to_owned()),
            Kind::Polymorphic => parts.push("polymorphic".to_owned()),
        }
        parts.join(", ")
    }
}

fn counted(rows: u64) -> String {
    format!("{} {}", grouped(rows), if rows == 1 { "row" } else { "rows" })
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let separated = digits.chars().enumerate().flat_map(|(at, digit)| {
        let comma = (at > 0 && (digits.len() - at).is_multiple_of(3)).then_some(',');
        comma.into_iter().chain([digit])
    });
    separated.collect()
}
