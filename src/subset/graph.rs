//! Tables and the references between them: how rows are told apart, what has to be asked of each row, and in which order
//! tables come. Cycles of tables are condensed to one place in that order.

use super::coding::{Coder, Part, is_rowid};
use crate::error::{Error, Result};
use crate::model::batch::Batch;
use crate::model::schema::{Catalogue, EngineKind, Family, Table};
use crate::model::subset::{Edge, Reference, Subset};

/// The references of a database, by index.
pub struct Graph<'a> {
    pub(super) engine: EngineKind,
    /// One per table of the catalogue, in its order.
    pub(super) nodes: Vec<Node<'a>>,
    /// One per reference of the subset, in its order.
    pub(super) links: Vec<Link>,
    /// What links point at.
    pub(super) targets: Vec<Target>,
    pub(super) references: &'a [Reference],
}

/// A table.
pub(super) struct Node<'a> {
    pub(super) table: &'a Table,
    /// Whether its rows can be taken at all.
    pub(super) gives_rows: bool,
    /// What tells its rows apart.
    pub(super) identity: Vec<Part>,
    pub(super) coder: Coder,
    /// Whether that is the whole row, for want of a key: then equal rows come and go together.
    pub(super) by_content: bool,
    /// What is asked of a row: its identity, then what references need.
    pub(super) header: Vec<Part>,
    /// Links from here to parents, and from children to here.
    pub(super) parents: Vec<usize>,
    pub(super) children: Vec<usize>,
    /// Links from here that share their columns, by type: the entries of one map.
    pub(super) maps: Vec<Vec<usize>>,
    /// Parents have lower layers; tables on a cycle share one.
    pub(super) layer: usize,
}

/// A reference.
pub(super) struct Link {
    pub(super) child: usize,
    /// The referencing cells in the child's header.
    pub(super) cells: Vec<usize>,
    /// The referencing columns of the child.
    pub(super) columns: Vec<usize>,
    /// The type cell in the child's header, its column, and what it must say.
    pub(super) of_type: Option<(usize, usize, String)>,
    /// What it points at.
    pub(super) target: usize,
    /// How children are followed.
    pub(super) edge: Edge,
    /// Whether an index of the child begins with the columns.
    pub(super) is_indexed: bool,
}

/// Columns of a table that references point at.
pub(super) struct Target {
    pub(super) node: usize,
    pub(super) columns: Vec<usize>,
    /// The columns in the node's header.
    pub(super) cells: Vec<usize>,
    pub(super) coder: Coder,
    /// Whether equal bytes are equal keys of the rows: then what was reached tells what is missing.
    pub(super) is_identity: bool,
    /// Whether somebody references it with another type, so that it has to be compared as text.
    pub(super) mixed: bool,
}

impl<'a> Graph<'a> {
    /// The graph of a catalogue. `gives_rows` says for each table whether its rows may be taken, `children` how many children
    /// a parent row brings where the policy names no limit.
    ///
    /// # Errors
    /// Kind `Policy` where there are more references than a row's origin can name.
    pub fn new(
        catalogue: &'a Catalogue,
        subset: &'a Subset,
        gives_rows: &[bool],
        children: Option<u64>,
    ) -> Result<Self> {
        let engine = catalogue.engine;
        let mut nodes: Vec<Node<'a>> = Vec::with_capacity(catalogue.tables.len());
        for (table, &gives_rows) in catalogue.tables.iter().zip(gives_rows) {
            let (identity, by_content) = identity(engine, table);
            let coder = Coder::new(engine, &catalogue.settings, &table.columns, &identity, by_content);
            nodes.push(Node {
                table,
                gives_rows,
                header: identity.clone(),
                identity,
                coder,
                by_content,
                parents: Vec::new(),
                children: Vec::new(),
                maps: Vec::new(),
                layer: 0,
            });
        }
        if subset.references.len() > usize::from(u16::MAX) {
            return Err(Error::policy(format!(
                "{} references are more than a subset can follow",
                subset.references.len()
            )));
        }
        let mut graph = Self { engine, nodes, links: Vec::new(), targets: Vec::new(), references: &subset.references };
        for (reference, edge) in subset.references.iter().zip(&subset.edges) {
            let edge = Edge { limit: edge.limit.or(children), ..edge.clone() };
            graph.link(catalogue, reference, edge)?;
        }
        graph.order();
        Ok(graph)
    }

    fn link(&mut self, catalogue: &Catalogue, reference: &Reference, edge: Edge) -> Result<()> {
        let gone = || Error::internal(format!("the reference {reference} names what the catalogue does not have"));
        let table = |name| catalogue.tables.iter().position(|table| &table.name == name).ok_or_else(gone);
        let (child, parent) = (table(&reference.child)?, table(&reference.parent)?);
        let columns = |at: usize, names: &[String]| -> Result<Vec<usize>> {
            names.iter().map(|name| catalogue.tables[at].column_index(name).ok_or_else(gone)).collect()
        };
        let (own, other) = (columns(child, &reference.columns)?, columns(parent, &reference.parent_columns)?);
        let of_type = match &reference.of_type {
            Some(of) => {
                let column = catalogue.tables[child].column_index(&of.column).ok_or_else(gone)?;
                Some((self.nodes[child].asks(&Part::Column(column)), column, of.value.clone()))
            }
            None => None,
        };
        let cells = own.iter().map(|&at| self.nodes[child].asks(&Part::Column(at))).collect();
        let target = self.target(catalogue, parent, &other);
        let declared = |at: usize, columns: &[usize]| -> Vec<String> {
            columns.iter().map(|&column| catalogue.tables[at].columns[column].declared.to_ascii_lowercase()).collect()
        };
        self.targets[target].mixed |= declared(child, &own) != declared(parent, &other);
        let is_indexed = super::indexes::begins_with(catalogue, &catalogue.tables[child], &own);
        let at = self.links.len();
        if let Some((_, column, _)) = &of_type {
            let same =
                |link: &Link| link.columns == own && link.of_type.as_ref().is_some_and(|(_, other, _)| other == column);
            let map =
                self.nodes[child].maps.iter().position(|map| map.first().is_some_and(|&link| same(&self.links[link])));
            match map {
                Some(map) => self.nodes[child].maps[map].push(at),
                None => self.nodes[child].maps.push(vec![at]),
            }
        }
        self.links.push(Link { child, cells, columns: own, of_type, target, edge, is_indexed });
        self.nodes[child].parents.push(at);
        self.nodes[parent].children.push(at);
        Ok(())
    }

    fn target(&mut self, catalogue: &Catalogue, node: usize, columns: &[usize]) -> usize {
        if let Some(at) = self.targets.iter().position(|target| target.node == node && target.columns == columns) {
            return at;
        }
        let parts: Vec<Part> = columns.iter().map(|&at| Part::Column(at)).collect();
        let table = &catalogue.tables[node];
        let coder = Coder::new(catalogue.engine, &catalogue.settings, &table.columns, &parts, false);
        let is_identity = self.nodes[node].identity == parts && coder.is_exact() && !self.nodes[node].by_content;
        let cells = parts.iter().map(|part| self.nodes[node].asks(part)).collect();
        self.targets.push(Target { node, columns: columns.to_vec(), cells, coder, is_identity, mixed: false });
        self.targets.len() - 1
    }

    /// Gives every table its layer: the longest way to it from a table without parents, over the condensed cycles.
    fn order(&mut self) {
        let count = self.nodes.len();
        let (mut up, mut down) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for link in &self.links {
            let parent = self.targets[link.target].node;
            up[link.child].push(parent);
            down[parent].push(link.child);
        }
        let cycles = condensed(&up, &down);
        // A cycle's number is above those of its parents, so one pass over the numbers settles all layers.
        let mut layers = vec![0; count];
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (node, &cycle) in cycles.iter().enumerate() {
            members[cycle].push(node);
        }
        for cycle in &members {
            let parents =
                cycle.iter().flat_map(|&node| &up[node]).filter(|&&parent| cycles[parent] != cycles[cycle[0]]);
            let layer = parents.map(|&parent| layers[parent] + 1).max().unwrap_or(0);
            for &node in cycle {
                layers[node] = layer;
            }
        }
        for (node, layer) in self.nodes.iter_mut().zip(layers) {
            node.layer = layer;
        }
    }
}

impl Link {
    /// Whether the link says anything about a row of the child's headers: always, but for polymorphic ones.
    pub(super) fn speaks_of(&self, batch: &Batch, row: usize) -> bool {
        self.of_type.as_ref().is_none_or(|(cell, _, value)| batch.cell(row, *cell).bytes == value.as_bytes())
    }

    /// Whether a row has a type and references something.
    pub(super) fn has_type(&self, batch: &Batch, row: usize) -> bool {
        let cells = self.cells.iter().chain(self.of_type.iter().map(|(cell, ..)| cell));
        cells.into_iter().all(|&cell| !batch.cell(row, cell).is_null())
    }
}

impl Node<'_> {
    /// The cell of the header that answers for `part`; asked for from now on.
    fn asks(&mut self, part: &Part) -> usize {
        self.header.iter().position(|known| known == part).unwrap_or_else(|| {
            self.header.push(part.clone());
            self.header.len() - 1
        })
    }
}

/// The strongly connected component of each node, numbered so that parents (`up`) have lower numbers than their children.
///
/// Kosaraju's algorithm with stacks of our own: the depth of a graph must not be the depth of ours.
fn condensed(up: &[Vec<usize>], down: &[Vec<usize>]) -> Vec<usize> {
    let mut finished = Vec::with_capacity(up.len());
    let mut seen = vec![false; up.len()];
    for start in 0..up.len() {
        let mut stack = vec![(start, 0)];
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        while let Some((node, next)) = stack.pop() {
            match down[node].get(next) {
                Some(&child) => {
                    stack.push((node, next + 1));
                    if !std::mem::replace(&mut seen[child], true) {
                        stack.push((child, 0));
                    }
                }
                None => finished.push(node),
            }
        }
    }
    let mut component = vec![usize::MAX; up.len()];
    let mut number = 0;
    for &start in finished.iter().rev() {
        let mut stack = vec![start];
        let mut found = false;
        while let Some(node) = stack.pop() {
            if component[node] == usize::MAX {
                component[node] = number;
                found = true;
                stack.extend(&up[node]);
            }
        }
        number += usize::from(found);
    }
    component
}

/// What tells the rows of a table apart: its key, a unique constraint that allows no NULL, the engine's own row address, or
/// all of the row.
fn identity(engine: EngineKind, table: &Table) -> (Vec<Part>, bool) {
    let parts = |columns: &[usize]| -> Vec<Part> { columns.iter().map(|&at| Part::Column(at)).collect() };
    let key = &table.primary_key;
    let never_null = |columns: &[usize]| !columns.is_empty() && columns.iter().all(|&at| !table.columns[at].nullable);
    if engine == EngineKind::Sqlite {
        let alias = matches!(key.as_slice(), [at] if is_rowid(&table.columns[*at]))
            && !table.create.to_ascii_uppercase().contains("DESC");
        return match table.rowid_name() {
            Some(_) if alias || never_null(key) => (parts(key), false),
            Some(name) => (vec![Part::System(name)], false),
            None => (parts(key), false),
        };
    }
    if !key.is_empty() {
        return (parts(key), false);
    }
    let unique = table.uniques.iter().find(|unique| !unique.partial && never_null(&unique.columns));
    match (unique, engine) {
        (Some(unique), _) => (parts(&unique.columns), false),
        (None, EngineKind::Postgres) if table.create.contains("PARTITION BY") => {
            (vec![Part::System("tableoid"), Part::System("ctid")], false)
        }
        (None, EngineKind::Postgres) => (vec![Part::System("ctid")], false),
        (None, _) => {
            // What SQL can compare stands first, so that rows which it takes for the same are neighbours.
            let mut stored = table.stored_columns();
            stored.sort_by_key(|&at| !comparable(table.columns[at].family));
            (parts(&stored), true)
        }
    }
}

/// Whether a cell's text as a literal finds the cell again.
pub(super) fn comparable(family: Family) -> bool {
    matches!(
        family,
        Family::Integer
            | Family::Numeric
            | Family::Text
            | Family::Date
            | Family::Time
            | Family::Timestamp
            | Family::Enum
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_condensed_and_parents_come_first() {
        // 0 <- 1 <-> 2 <- 3, 4 alone, 5 its own parent.
        let up = vec![vec![], vec![0, 2], vec![1], vec![2], vec![], vec![5]];
        let mut down = vec![Vec::new(); 6];
        for (child, parents) in up.iter().enumerate() {
            for &parent in parents {
                down[parent].push(child);
            }
        }
        let component = condensed(&up, &down);
        assert!(component[0] < component[1] && component[1] == component[2] && component[2] < component[3]);
        let mut distinct = component.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let count = 200_000;
        let up: Vec<Vec<usize>> = (0..count).map(|at| if at == 0 { vec![] } else { vec![at - 1] }).collect();
        let down: Vec<Vec<usize>> = (0..count).map(|at| if at + 1 == count { vec![] } else { vec![at + 1] }).collect();
        let component = condensed(&up, &down);
        assert!(component.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    }
}
