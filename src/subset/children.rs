//! Downwards: the children of rows that may still bring some.

use super::coding::{Owned, Part};
use super::keys::{ENDLESS, KeyMap};
use super::select;
use super::walk::{Ask, FEW, Walk, step_of};
use crate::engine::Query;
use crate::error::Result;
use crate::model::manifest::Why;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

/// Rows whose children are followed in one go.
const GO: usize = 1 << 16;
/// A child brings about so many rows in all, where a budget must not be overshot.
const BROOD: u64 = 4;

impl Walk<'_> {
    /// Asks for children of some rows. Says whether there were any to ask for.
    pub(super) fn follow_children(&mut self, ask: &mut dyn Ask) -> Result<bool> {
        let graph = self.graph;
        if self.budget.is_some_and(|budget| self.counted_rows() >= budget) {
            self.reached.iter_mut().for_each(KeyMap::forget_pending);
            return Ok(false);
        }
        let waiting = |at: &usize| self.reached[*at].pending() > 0;
        let Some(layer) = (0..graph.nodes.len()).filter(waiting).map(|at| graph.nodes[at].layer).min() else {
            return Ok(false);
        };
        let nodes: Vec<usize> =
            (0..graph.nodes.len()).filter(|at| waiting(at) && graph.nodes[*at].layer == layer).collect();
        let mut jobs: VecDeque<(usize, u8, Vec<Vec<u8>>)> = VecDeque::new();
        for at in nodes {
            let most = self.one_go(at);
            let rows = self.reached[at].take_pending(most);
            self.slow.1[at] = if rows.len() <= FEW { self.slow.1[at] + 1 } else { 0 };
            for &link in &graph.nodes[at].children {
                let followed = &graph.links[link];
                if !followed.edge.follow || !graph.nodes[followed.child].gives_rows {
                    continue;
                }
                self.counts.followed[link] += rows.len() as u64;
                let keys = self.keys_for(ask, at, link, &rows)?;
                for run in keys.chunk_by(|left, right| left.0 == right.0) {
                    let keys: Vec<&Vec<u8>> = run.iter().map(|(_, key)| key).collect();
                    let size = select::batch_size(followed.columns.len(), false);
                    jobs.extend(batches(&keys, size).map(|keys| (link, run[0].0, keys)));
                }
            }
        }
        let base = self.step;
        self.step += u32::try_from(jobs.len()).unwrap_or(u32::MAX) + 1;
        if let [(link, ENDLESS, keys)] = jobs.make_contiguous()
            && self.is_chain(*link, false)
        {
            return self.follow_chain(ask, *link, keys).map(|()| true);
        }
        let sent: RefCell<Vec<(usize, u8)>> = RefCell::default();
        let mut queries = jobs.iter().filter_map(|(link, level, keys)| {
            let coder = &graph.targets[graph.links[*link].target].coder;
            let keys: Vec<Vec<Owned>> = keys.iter().map(|key| coder.decode(key)).collect();
            // Keys that can be no value of the child's column ask nothing.
            let query = select::children(graph, *link, &keys)?;
            sent.borrow_mut().push((*link, *level));
            Some(query)
        });
        ask.ask(&mut queries, &mut |index, batch| {
            let (link, level) = sent.borrow()[index];
            let below = if level == ENDLESS { ENDLESS } else { level - 1 };
            self.step = base + 1 + u32::try_from(index).unwrap_or(u32::MAX);
            let why = Why::Child(u16::try_from(link).unwrap_or(u16::MAX));
            let link = &graph.links[link];
            for row in 0..batch.rows() {
                // The database may take other texts for the type's name.
                if link.speaks_of(&batch, row) {
                    self.row(link.child, &batch, row, why, below, 0)?;
                }
            }
            Ok(())
        })?;
        self.step = base + u32::try_from(sent.borrow().len()).unwrap_or(u32::MAX) + 1;
        Ok(true)
    }

    /// How many rows of a table have their children followed in one go: no more than the budget has room for.
    fn one_go(&self, at: usize) -> usize {
        let Some(budget) = self.budget else { return GO };
        let children = |&link: &usize| self.graph.links[link].edge.limit.unwrap_or(1);
        let brood = BROOD * self.graph.nodes[at].children.iter().map(children).sum::<u64>().max(1);
        let left = budget.saturating_sub(self.counted_rows());
        usize::try_from(left / brood).unwrap_or(GO).clamp(1, GO)
    }

    /// The keys by which children along a link reference these rows, with the rows' levels.
    fn keys_for(
        &self,
        ask: &mut dyn Ask,
        at: usize,
        link: usize,
        rows: &[(u8, Vec<u8>)],
    ) -> Result<Vec<(u8, Vec<u8>)>> {
        let graph = self.graph;
        let (node, target) = (&graph.nodes[at], &graph.targets[graph.links[link].target]);
        let own: Vec<Part> = target.columns.iter().map(|&at| Part::Column(at)).collect();
        if node.identity == own && !node.by_content {
            return Ok(rows.to_vec());
        }
        let levels: HashMap<&[u8], u8> = rows.iter().map(|(level, key)| (key.as_slice(), *level)).collect();
        let keys: Vec<&Vec<u8>> = rows.iter().map(|(_, key)| key).collect();
        let queries: Vec<Query> = batches(&keys, select::batch_size(node.identity.len(), node.by_content))
            .filter_map(|keys| select::by_identity(graph, node, &keys))
            .map(|condition| select::headers(graph.engine, node, &condition))
            .collect();
        let mut found = Vec::with_capacity(rows.len());
        ask.ask(&mut queries.into_iter(), &mut |_, batch| {
            for row in 0..batch.rows() {
                let (mut identity, mut key) = (Vec::new(), Vec::new());
                node.coder.encode((0..node.identity.len()).map(|cell| batch.cell(row, cell)), &mut identity);
                if let Some(&level) = levels.get(identity.as_slice())
                    && target.coder.encode(target.cells.iter().map(|&cell| batch.cell(row, cell)), &mut key)
                {
                    found.push((level, key));
                }
            }
            Ok(())
        })?;
        found.sort_unstable_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        found.dedup();
        Ok(found)
    }

    /// Follows a chain of children in one question.
    fn follow_chain(&mut self, ask: &mut dyn Ask, at: usize, keys: &[Vec<u8>]) -> Result<()> {
        let graph = self.graph;
        let link = &graph.links[at];
        let coder = &graph.targets[link.target].coder;
        let keys: Vec<Vec<Owned>> = keys.iter().map(|key| coder.decode(key)).collect();
        let Some(query) = select::chain(graph, at, false, &keys) else { return Ok(()) };
        let why = Why::Child(u16::try_from(at).unwrap_or(u16::MAX));
        ask.ask(&mut std::iter::once(query), &mut |_, batch| {
            (0..batch.rows()).try_for_each(|row| self.row(link.child, &batch, row, why, ENDLESS, step_of(&batch, row)))
        })?;
        self.step = self.step.saturating_add(select::DEPTH + 2);
        Ok(())
    }
}

/// Batches of at most `size` keys and not too many bytes.
fn batches<'k>(keys: &'k [&'k Vec<u8>], size: usize) -> impl Iterator<Item = Vec<Vec<u8>>> + 'k {
    let mut rest = keys.iter().peekable();
    std::iter::from_fn(move || {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < size && bytes < select::TEXT {
            let Some(key) = rest.next() else { break };
            bytes += key.len();
            batch.push((*key).clone());
        }
        (!batch.is_empty()).then_some(batch)
    })
}
