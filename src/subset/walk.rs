//! The walk: from the roots to their children as far as the policy says, and to the parents of everything, until nothing is
//! new. Whole sets of keys are asked for at a time; what was reached is held by key only.

use super::coding::Coder;
use super::graph::Graph;
use super::keys::{KeyMap, Shape, Value};
use crate::engine::Query;
use crate::error::{Error, Result};
use crate::model::batch::{Batch, Cell};
use crate::model::manifest::Why;
use crate::model::subset::{Children, Root, Subset};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// So many goes with hardly any key, one after the other, make a chain.
const PATIENCE: u32 = 24;
/// "Hardly any".
pub(super) const FEW: usize = 64;

/// Takes a batch of the query at an index.
pub type Answers<'a> = dyn FnMut(usize, Batch) -> Result<()> + 'a;

/// Whoever can ask the source. Queries may run at the same time; their rows come in the order of the queries.
pub trait Ask {
    /// Runs the queries and hands over their rows.
    ///
    /// # Errors
    /// As [`Source::read`](crate::engine::Source::read); whatever `answers` returns.
    fn ask(&mut self, queries: &mut dyn Iterator<Item = Query>, answers: &mut Answers<'_>) -> Result<()>;
}

/// What was reached.
pub struct Walk<'a> {
    pub(super) graph: &'a Graph<'a>,
    pub(super) subset: &'a Subset,
    /// The policy's roots, and those that a size adds.
    pub(super) roots: Vec<Root>,
    pub(super) reached: Vec<KeyMap>,
    pub(super) wanted: Vec<Wanted>,
    /// Chains: how many goes with few keys came one after the other, by target and by table.
    pub(super) slow: (Vec<u32>, Vec<u32>),
    pub(super) step: u32,
    /// Children are followed until so many rows are there.
    pub(super) budget: Option<u64>,
    pub(super) counts: Counts,
    pub(super) is_whole: Vec<bool>,
}

/// What came how.
#[derive(Default)]
pub(super) struct Counts {
    /// Rows that each root chose.
    pub(super) roots: Vec<u64>,
    /// Rows that each reference gave first, as children and as parents.
    pub(super) children: Vec<u64>,
    pub(super) parents: Vec<u64>,
    /// Parent rows whose children were asked for, by reference.
    pub(super) followed: Vec<u64>,
    /// References into tables whose rows are not taken, by reference.
    pub(super) refused: Vec<u64>,
    /// Rows whose type is in no map, by the first reference of the map.
    pub(super) untyped: Vec<u64>,
    /// Rows that came because their table is whole.
    pub(super) whole: u64,
}

/// Keys of a target that somebody references.
pub(super) struct Wanted {
    /// By level, the highest first.
    pub(super) open: BTreeMap<Reverse<u8>, KeyMap>,
    /// Keys asked for, where the rows' own keys do not tell.
    pub(super) asked: KeyMap,
    /// Keys that the source does not have.
    pub(super) missing: HashSet<Vec<u8>>,
}

impl Wanted {
    fn new() -> Self {
        Self { open: BTreeMap::new(), asked: KeyMap::new(Shape::Text), missing: HashSet::new() }
    }
}

impl<'a> Walk<'a> {
    /// Nothing reached yet.
    #[must_use]
    pub fn new(graph: &'a Graph<'a>, subset: &'a Subset) -> Self {
        let (links, roots) = (graph.links.len(), subset.roots.len());
        Self {
            graph,
            subset,
            roots: subset.roots.clone(),
            reached: graph.nodes.iter().map(|node| KeyMap::new(node.coder.shape())).collect(),
            wanted: graph.targets.iter().map(|_| Wanted::new()).collect(),
            slow: (vec![0; graph.targets.len()], vec![0; graph.nodes.len()]),
            step: 0,
            budget: None,
            counts: Counts {
                roots: vec![0; roots],
                children: vec![0; links],
                parents: vec![0; links],
                followed: vec![0; links],
                refused: vec![0; links],
                untyped: vec![0; links],
                whole: 0,
            },
            is_whole: vec![false; graph.nodes.len()],
        }
    }

    /// Rows reached in all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.reached.iter().map(KeyMap::len).sum()
    }

    pub(super) fn add_roots(&mut self, roots: Vec<Root>) {
        self.counts.roots.extend(roots.iter().map(|_| 0));
        self.roots.extend(roots);
    }

    /// Rows that count against a budget.
    pub(super) fn counted_rows(&self) -> u64 {
        self.rows() - self.counts.whole
    }

    /// Whether a size chooses among the rows of a table: not where they are whole or never taken.
    pub(super) fn is_sampled(&self, at: usize) -> bool {
        self.graph.nodes[at].gives_rows && !self.is_whole[at]
    }

    /// Rows that the reference at `at` gave first: as children, as parents; and how many parent rows were asked for children.
    #[must_use]
    pub fn of_reference(&self, at: usize) -> (u64, u64, u64) {
        (self.counts.children[at], self.counts.parents[at], self.counts.followed[at])
    }

    /// Follows what there is to follow until nothing is new.
    ///
    /// # Errors
    /// As [`Ask::ask`]; whatever `watch` returns, which is told the rows reached now and then.
    pub fn finish(&mut self, ask: &mut dyn Ask, watch: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        loop {
            // Fewest questions: all children first. With a budget, what is there must be known before more is asked for.
            let parents = self.budget.is_some() && self.fetch_parents(ask)?;
            if !parents && !self.follow_children(ask)? && !self.fetch_parents(ask)? {
                return Ok(());
            }
            watch(self.rows())?;
        }
    }

    /// One row of a header query: remembers it, and what it references.
    pub(super) fn row(&mut self, at: usize, batch: &Batch, row: usize, why: Why, level: u8, later: u32) -> Result<()> {
        let node = &self.graph.nodes[at];
        let mut key = Vec::with_capacity(24);
        if !node.coder.encode((0..node.identity.len()).map(|cell| batch.cell(row, cell)), &mut key) {
            return Err(Error::internal(format!("a row of {} has no key", node.table.name)));
        }
        let known = self.reached[at].get(&key);
        let pending = level > 0 && !node.children.is_empty();
        match known {
            Some(known) if known.level >= level => return Ok(()),
            Some(known) => self.reached[at].set(&key, Value { level, pending, ..known }),
            None => {
                self.reached[at].set(&key, Value { why, level, step: self.step.saturating_add(later), pending });
                match why {
                    Why::Whole => self.counts.whole += 1,
                    Why::Root(_) => {}
                    Why::Child(link) => self.counts.children[usize::from(link)] += 1,
                    Why::Parent(link) => self.counts.parents[usize::from(link)] += 1,
                }
            }
        }
        let of_parents = if self.subset.children == Children::All { level } else { 0 };
        if known.is_some() && of_parents == 0 {
            return Ok(());
        }
        for &link in &node.parents {
            self.want(link, batch, row, of_parents);
        }
        if known.is_none() {
            for map in &node.maps {
                if let Some(&first) = map.first()
                    && self.graph.links[first].has_type(batch, row)
                    && !map.iter().any(|&link| self.graph.links[link].speaks_of(batch, row))
                {
                    self.counts.untyped[first] += 1;
                }
            }
        }
        Ok(())
    }

    /// Remembers what a row references along a link.
    fn want(&mut self, at: usize, batch: &Batch, row: usize, level: u8) {
        let graph = self.graph;
        let (link, target) = (&graph.links[at], &graph.targets[graph.links[at].target]);
        if !link.speaks_of(batch, row) {
            return;
        }
        let cells = || link.cells.iter().map(|&cell| batch.cell(row, cell));
        if cells().any(Cell::is_null) {
            return;
        }
        if !graph.nodes[target.node].gives_rows {
            self.counts.refused[at] += 1;
            return;
        }
        let mut key = Vec::with_capacity(24);
        // What can be no key of the parent dangles; nobody has to be asked.
        if !target.coder.encode(cells(), &mut key) {
            return;
        }
        let wanted = &mut self.wanted[link.target];
        let known = if target.is_identity { self.reached[target.node].get(&key) } else { wanted.asked.get(&key) };
        if known.is_some_and(|known| known.level >= level) || wanted.missing.contains(&key) {
            return;
        }
        let shape = target.coder.shape();
        let open = wanted.open.entry(Reverse(level)).or_insert_with(|| KeyMap::new(shape));
        if open.get(&key).is_none() {
            let link = u16::try_from(at).unwrap_or(u16::MAX);
            open.set(&key, Value { why: Why::Parent(link), level, step: 0, pending: false });
        }
    }

    /// Whether a link of a table to itself has been followed for long with few rows at a time.
    pub(super) fn is_chain(&self, at: usize, up: bool) -> bool {
        let (graph, link) = (self.graph, &self.graph.links[at]);
        let target = &graph.targets[link.target];
        let slow = if up { self.slow.0[link.target] } else { self.slow.1[link.child] };
        let declared = |columns: &[usize]| -> Vec<&str> {
            columns.iter().map(|&at| graph.nodes[link.child].table.columns[at].declared.as_str()).collect()
        };
        let plain = up || (link.edge.limit.is_none() && link.edge.condition.is_none());
        target.node == link.child
            && link.of_type.is_none()
            && slow > PATIENCE
            && plain
            && target.coder.is_exact()
            && declared(&link.columns) == declared(&target.columns)
    }
}

/// What a key shares with those that the database takes for the same.
pub(super) fn folded(coder: &Coder, key: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(key.len());
    coder.fold(key, &mut folded);
    folded
}

/// The step of a chain, behind the header.
pub(super) fn step_of(batch: &Batch, row: usize) -> u32 {
    let cell = batch.cell(row, batch.columns() - 1);
    std::str::from_utf8(cell.bytes).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
