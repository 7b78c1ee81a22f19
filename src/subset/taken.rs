//! What a walk has reached, for whoever reads the rows: the conditions that find them, why each is there, and which of their
//! references dangle in the source itself.

use super::coding::Part;
use super::graph::Node;
use super::keys::KeyMap;
use super::select;
use super::walk::Walk;
use crate::engine::sql::Sql;
use crate::model::batch::Batch;
use crate::model::manifest::Why;
use crate::model::schema::TableName;
use crate::model::subset::{Reference, Root};

impl<'a> Walk<'a> {
    /// Rows reached in the table at this index of the catalogue.
    #[must_use]
    pub fn rows_of(&self, table: usize) -> u64 {
        self.reached[table].len()
    }

    /// Where the walk began: the policy's roots, and those that a size added.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Whether every row of a table was taken.
    #[must_use]
    pub fn is_whole(&self, table: usize) -> bool {
        self.is_whole[table]
    }

    /// The tables whose every row was taken.
    pub fn whole_tables(&self) -> impl Iterator<Item = &TableName> + '_ {
        let whole = self.graph.nodes.iter().zip(&self.is_whole).filter(|(_, whole)| **whole);
        whole.map(|(node, _)| &node.table.name)
    }

    /// Forgets the keys of a table whose rows were read.
    pub fn forget(&mut self, table: usize) {
        self.reached[table] = KeyMap::new(self.graph.nodes[table].coder.shape());
    }

    /// Rows that each root chose.
    #[must_use]
    pub fn of_roots(&self) -> &[u64] {
        &self.counts.roots
    }

    /// Bytes that the keys take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let wanted = self
            .wanted
            .iter()
            .map(|wanted| wanted.asked.bytes() + wanted.open.values().map(KeyMap::bytes).sum::<usize>());
        self.reached.iter().map(KeyMap::bytes).sum::<usize>() + wanted.sum::<usize>()
    }

    /// References whose children were asked for without an index to find them by.
    #[must_use]
    pub fn unindexed(&self) -> Vec<&'a Reference> {
        let slow = |at: &usize| self.counts.followed[*at] > 0 && !self.graph.links[*at].is_indexed;
        (0..self.graph.links.len()).filter(slow).map(|at| &self.graph.references[at]).collect()
    }

    /// References into tables whose rows are not taken, with the rows that hold them.
    #[must_use]
    pub fn refused(&self) -> Vec<(&'a Reference, u64)> {
        let counts = self.counts.refused.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(at, count)| (&self.graph.references[at], *count)).collect()
    }

    /// Polymorphic references whose type is in no map: the first reference of the map, and how many rows.
    #[must_use]
    pub fn untyped(&self) -> Vec<(&'a Reference, u64)> {
        let counts = self.counts.untyped.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(at, count)| (&self.graph.references[at], *count)).collect()
    }

    /// The keys of a table's rows in batches, each with the condition that finds its rows; in the order of the keys.
    pub fn selections(&self, table: usize) -> impl Iterator<Item = Sql> + '_ {
        let (graph, node) = (self.graph, &self.graph.nodes[table]);
        let size = select::batch_size(node.identity.len(), node.by_content);
        let mut keys = self.reached[table].sorted().map(|(key, _)| key).peekable();
        std::iter::from_fn(move || {
            loop {
                let (mut batch, mut bytes): (Vec<Vec<u8>>, usize) = (Vec::new(), 0);
                while let Some(key) = keys.peek() {
                    let full = batch.len() >= size || bytes >= select::TEXT;
                    // Rows that SQL takes for the same must come from one question.
                    if full && !(node.by_content && batch.last().is_some_and(|last| node.looks_like(last, key))) {
                        break;
                    }
                    bytes += key.len();
                    batch.push(key.to_vec());
                    keys.next();
                }
                if batch.is_empty() {
                    return None;
                }
                if let Some(condition) = select::by_identity(graph, node, &batch) {
                    return Some(condition);
                }
            }
        })
    }

    /// What has to be asked beside the stored columns of a table's rows, to know them again.
    #[must_use]
    pub fn asks(&self, table: usize) -> Vec<Sql> {
        let node = &self.graph.nodes[table];
        let stored = node.table.stored_columns();
        let hidden = node.identity.iter().filter(|part| place(part, &stored).is_none());
        hidden.map(|part| select::part(Sql::new(self.graph.engine), node, part)).collect()
    }

    /// Why each row of the stored columns, what masks ask and [`asks`](Self::asks) is there; none where it was not reached.
    #[must_use]
    pub fn origins(&self, table: usize, batch: &Batch) -> Vec<Option<(Why, u32)>> {
        let node = &self.graph.nodes[table];
        let stored = node.table.stored_columns();
        let places: Vec<Option<usize>> = node.identity.iter().map(|part| place(part, &stored)).collect();
        let hidden = batch.columns() - places.iter().filter(|place| place.is_none()).count()..;
        let mut hidden = hidden.into_iter();
        let cells: Vec<usize> = places.into_iter().filter_map(|place| place.or_else(|| hidden.next())).collect();
        let mut key = Vec::with_capacity(24);
        let one = |row: usize| {
            key.clear();
            node.coder.encode(cells.iter().map(|&cell| batch.cell(row, cell)), &mut key);
            self.reached[table].get(&key).map(|value| (value.why, value.step))
        };
        (0..batch.rows()).map(one).collect()
    }

    /// Adds to `counts`, one per reference, the rows of a table whose parent the source does not have.
    pub fn count_dangling(&self, table: usize, batch: &Batch, counts: &mut [u64]) {
        let node = &self.graph.nodes[table];
        let stored = node.table.stored_columns();
        let place = |at: &usize| stored.iter().position(|stored| stored == at);
        for &at in &node.parents {
            let link = &self.graph.links[at];
            let (target, wanted) = (&self.graph.targets[link.target], &self.wanted[link.target]);
            let cells: Option<Vec<usize>> = link.columns.iter().map(place).collect();
            let Some(cells) = cells else { continue };
            let of_type = link.of_type.as_ref().and_then(|(_, column, value)| Some((place(column)?, value)));
            let mut key = Vec::with_capacity(24);
            for row in 0..batch.rows() {
                if of_type.is_some_and(|(cell, value)| batch.cell(row, cell).bytes != value.as_bytes())
                    || cells.iter().any(|&cell| batch.cell(row, cell).is_null())
                {
                    continue;
                }
                key.clear();
                let possible = target.coder.encode(cells.iter().map(|&cell| batch.cell(row, cell)), &mut key);
                if !possible || (!wanted.missing.is_empty() && wanted.missing.contains(&key)) {
                    counts[at] += 1;
                }
            }
        }
    }
}

/// Where a part stands among the stored columns.
fn place(part: &Part, stored: &[usize]) -> Option<usize> {
    let Part::Column(at) = part else { return None };
    stored.iter().position(|stored| stored == at)
}

impl Node<'_> {
    /// Whether SQL takes two whole rows for the same.
    fn looks_like(&self, left: &[u8], right: &[u8]) -> bool {
        let (left, right) = (self.coder.decode(left), self.coder.decode(right));
        let compared =
            |part: &Part| matches!(part, Part::Column(at) if super::graph::comparable(self.table.columns[*at].family));
        let mut pairs = self.identity.iter().zip(left.iter().zip(&right)).filter(|(part, _)| compared(part));
        pairs.all(|(_, (left, right))| left == right)
    }
}
