//! The walk: from the roots to their children as far as the policy says, and to the parents of everything, until nothing is
//! new. Whole sets of keys are asked for at a time; what was reached is held by key only.

use super::coding::{Coder, Owned, Part};
use super::graph::Graph;
use super::keys::{ENDLESS, KeyMap, Shape, Value};
use super::select::{self, Among};
use crate::engine::Query;
use crate::error::{Error, Result};
use crate::model::batch::{Batch, Cell};
use crate::model::manifest::Why;
use crate::model::subset::{Children, Root, Subset};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Rows whose children are followed in one go.
const GO: usize = 1 << 16;
/// A child brings about so many rows in all, where a budget must not be overshot.
const BROOD: u64 = 4;
/// So many goes with hardly any key, one after the other, make a chain.
const PATIENCE: u32 = 24;
/// "Hardly any".
const FEW: usize = 64;

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
    slow: (Vec<u32>, Vec<u32>),
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

/// One batch of keys on its way, with what wants them.
type Sent = Vec<(Vec<u8>, Why)>;

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
            for maps in &node.maps {
                let no_null = |link: &usize| {
                    let (cell, ..) = self.graph.links[*link].of_type.as_ref()?;
                    let cells = self.graph.links[*link].cells.iter().chain([cell]);
                    Some(cells.map(|&cell| batch.cell(row, cell)).all(|cell| !cell.is_null()))
                };
                let speaks = |link: &usize| self.graph.links[*link].speaks_of(batch, row);
                if let Some(first) = maps.first()
                    && no_null(first) == Some(true)
                    && !maps.iter().any(speaks)
                {
                    self.counts.untyped[*first] += 1;
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

    /// Asks for children of some rows. Says whether there were any to ask for.
    fn follow_children(&mut self, ask: &mut dyn Ask) -> Result<bool> {
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

    /// Asks for parents that somebody references. Says whether there were any to ask for.
    fn fetch_parents(&mut self, ask: &mut dyn Ask) -> Result<bool> {
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
        let (mut whys, mut current): (HashMap<Vec<u8>, Why>, _) = (HashMap::new(), None);
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
        whys: &HashMap<Vec<u8>, Why>,
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

    /// Whether a link of a table to itself has been followed for long with few rows at a time.
    fn is_chain(&self, at: usize, up: bool) -> bool {
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

/// What a key shares with those that the database takes for the same.
pub(super) fn folded(coder: &Coder, key: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(key.len());
    coder.fold(key, &mut folded);
    folded
}

/// The step of a chain, behind the header.
fn step_of(batch: &Batch, row: usize) -> u32 {
    let cell = batch.cell(row, batch.columns() - 1);
    std::str::from_utf8(cell.bytes).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
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
