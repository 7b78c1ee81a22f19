//! Upwards: the rows that others reference, and which of those the source does not have.

use super::coding::{Owned, Part};
use super::keys::KeyMap;
use super::select::{self, Among};
use super::walk::{Ask, FEW, Walk, folded, step_of};
use crate::error::Result;
use crate::model::batch::Batch;
use crate::model::manifest::Why;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// One batch of keys on its way, with what wants them.
type Sent = Vec<(Vec<u8>, Why)>;

impl Walk<'_> {
    /// Asks for parents that somebody references. Says whether there were any to ask for.
    pub(super) fn fetch_parents(&mut self, ask: &mut dyn Ask) -> Result<bool> {
        let graph = self.graph;
        let layer = |at: usize| graph.nodes[graph.targets[at].node].layer;
        let waiting = (0..graph.targets.len()).filter(|&at| !self.wanted[at].open.is_empty());
        let Some(last) = waiting.clone().map(layer).max() else { return Ok(false) };
        let targets: Vec<usize> = waiting.filter(|&at| layer(at) == last).collect();
        for at in targets {
            if let Some((Reverse(level), open)) = self.wanted[at].open.pop_first() {
                self.fetch(ask, at, level, open)?;
            }
        }
        Ok(true)
    }

    /// Asks for the rows of a target's keys.
    fn fetch(&mut self, ask: &mut dyn Ask, at: usize, level: u8, open: KeyMap) -> Result<()> {
        let graph = self.graph;
        let target = &graph.targets[at];
        let node = &graph.nodes[target.node];
        let open = self.still_open(at, level, open);
        self.slow.0[at] = if open.len() <= FEW as u64 { self.slow.0[at] + 1 } else { 0 };
        let parts: Vec<Part> = target.columns.iter().map(|&at| Part::Column(at)).collect();
        let size = select::batch_size(parts.len(), false);
        let own = node.parents.iter().copied();
        let chain = own.into_iter().find(|&link| graph.links[link].target == at && self.is_chain(link, true));
        let far = if chain.is_some() { select::DEPTH + 1 } else { 1 };
        let among = Among { node, parts: &parts, alias: None, mixed: target.mixed, collations: Vec::new() };
        let query = |keys: &[Vec<Owned>]| match chain {
            Some(link) => select::chain(graph, link, true, keys),
            None => among.sql(graph.engine, keys).map(|condition| select::headers(graph.engine, node, &condition)),
        };
        // Batches whose answers are still to come, with the number of their query; none for those that ask nothing.
        let sent: RefCell<VecDeque<(Option<usize>, Sent)>> = RefCell::default();
        let (mut keys, mut number) = (open.sorted(), 0);
        let mut queries = std::iter::from_fn(|| {
            loop {
                let (mut batch, mut bytes): (Sent, usize) = (Vec::new(), 0);
                while batch.len() < size && bytes < select::TEXT {
                    let Some((key, value)) = keys.next() else { break };
                    bytes += key.len();
                    batch.push((key.to_vec(), value.why));
                }
                if batch.is_empty() {
                    return None;
                }
                let decoded: Vec<Vec<Owned>> = batch.iter().map(|(key, _)| target.coder.decode(key)).collect();
                let query = query(&decoded);
                sent.borrow_mut().push_back((query.is_some().then_some(number), batch));
                if query.is_some() {
                    number += 1;
                    return query;
                }
            }
        });
        let base = self.step;
        let (mut found, mut doubtful): (HashSet<Vec<u8>>, Vec<Vec<u8>>) = Default::default();
        let (mut whys, mut current): (BTreeMap<Vec<u8>, Why>, _) = (BTreeMap::new(), None);
        let result = ask.ask(&mut queries, &mut |index, batch| {
            if current != Some(index) {
                self.settle(at, &sent, index, (&mut found, &mut doubtful));
                current = Some(index);
                let sent = sent.borrow();
                let batch = sent.iter().find(|(number, _)| *number == Some(index)).map(|(_, keys)| keys);
                whys = batch.into_iter().flatten().map(|(key, why)| (folded(&target.coder, key), *why)).collect();
            }
            self.step = base.saturating_add(1 + u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(far));
            self.parent_rows(at, &batch, level, chain, &whys, &mut found)
        });
        self.settle(at, &sent, usize::MAX, (&mut found, &mut doubtful));
        self.step = base.saturating_add(1 + u32::try_from(number).unwrap_or(u32::MAX).saturating_mul(far));
        result?;
        self.settle_doubtful(ask, at, doubtful)
    }

    /// Without the keys that were reached or asked for meanwhile.
    fn still_open(&mut self, at: usize, level: u8, open: KeyMap) -> KeyMap {
        let target = &self.graph.targets[at];
        let mut left = KeyMap::new(target.coder.shape());
        if target.is_identity {
            let reached = &self.reached[target.node];
            let there = |key: &[u8]| reached.get(key).is_some_and(|known| known.level >= level);
            if !open.sorted().any(|(key, _)| there(key)) {
                return open;
            }
            open.sorted().filter(|(key, _)| !there(key)).for_each(|(key, value)| left.set(key, value));
            return left;
        }
        let asked = &mut self.wanted[at].asked;
        for (key, value) in open.sorted() {
            if asked.get(key).is_none_or(|asked| asked.level < level) {
                asked.set(key, value);
                left.set(key, value);
            }
        }
        left
    }

    /// Rows that were asked for as parents.
    fn parent_rows(
        &mut self,
        at: usize,
        batch: &Batch,
        level: u8,
        chain: Option<usize>,
        whys: &BTreeMap<Vec<u8>, Why>,
        found: &mut HashSet<Vec<u8>>,
    ) -> Result<()> {
        let target = &self.graph.targets[at];
        for row in 0..batch.rows() {
            let mut key = Vec::new();
            target.coder.encode(target.cells.iter().map(|&cell| batch.cell(row, cell)), &mut key);
            let key = folded(&target.coder, &key);
            let far = chain.map_or(0, |_| step_of(batch, row));
            let why = match (chain, far) {
                (Some(link), 1..) => Why::Parent(u16::try_from(link).unwrap_or(u16::MAX)),
                // Where the database takes more for the same than we do, any one of those that wanted it: the same each time.
                _ => whys.get(&key).or_else(|| whys.values().next()).copied().unwrap_or(Why::Whole),
            };
            found.insert(key);
            self.row(target.node, batch, row, why, level, far)?;
        }
        Ok(())
    }

    /// Batches before `index` are answered: what was not found in them is missing. Where rows came that nobody seems to have
    /// asked for, the database takes more for the same than we do: then the keys are doubtful.
    fn settle(
        &mut self,
        at: usize,
        sent: &RefCell<VecDeque<(Option<usize>, Sent)>>,
        index: usize,
        (found, doubtful): (&mut HashSet<Vec<u8>>, &mut Vec<Vec<u8>>),
    ) {
        let coder = &self.graph.targets[at].coder;
        let mut sent = sent.borrow_mut();
        while let Some((number, _)) = sent.front()
            && number.is_none_or(|number| number < index)
            && let Some((number, keys)) = sent.pop_front()
        {
            let (mut missing, mut explained) = (Vec::new(), HashSet::new());
            for (key, _) in keys {
                let folded = folded(coder, &key);
                if number.is_some() && found.contains(&folded) {
                    explained.insert(folded);
                } else {
                    missing.push(key);
                }
            }
            if number.is_some() && explained.len() < found.len() {
                doubtful.extend(missing);
            } else {
                self.wanted[at].missing.extend(missing);
            }
            if number.is_some() {
                found.clear();
            }
        }
    }

    /// Asks for doubtful keys one by one: those that find nothing are missing.
    fn settle_doubtful(&mut self, ask: &mut dyn Ask, at: usize, doubtful: Vec<Vec<u8>>) -> Result<()> {
        let (graph, target) = (self.graph, &self.graph.targets[at]);
        let node = &graph.nodes[target.node];
        let parts: Vec<Part> = target.columns.iter().map(|&at| Part::Column(at)).collect();
        for key in doubtful {
            let among = Among { node, parts: &parts, alias: None, mixed: target.mixed, collations: Vec::new() };
            let condition = among.sql(graph.engine, &[target.coder.decode(&key)]);
            let mut rows = 0;
            if let Some(condition) = condition {
                let query = select::headers(graph.engine, node, &condition);
                ask.ask(&mut std::iter::once(query), &mut |_, batch| {
                    rows += batch.rows();
                    Ok(())
                })?;
            }
            if rows == 0 {
                self.wanted[at].missing.insert(key);
            }
        }
        Ok(())
    }
}
