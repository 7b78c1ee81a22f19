//! Which column a box stands in, and in which order the boxes of a column stand.

use super::coordinate;
use std::collections::BTreeMap;

/// What stands in a column: a node, or a line that passes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Node(usize),
    /// The trunk with this number.
    Line(usize),
}

/// Items in order, each with its neighbours in the column to the left and in that to the right: position, and trunk of the
/// line between.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) items: Vec<Item>,
    pub(super) left: Vec<Vec<(usize, usize)>>,
    pub(super) right: Vec<Vec<(usize, usize)>>,
}

/// How often the order is improved, there and back.
const SWEEPS: usize = 12;

/// A part of a graph in columns.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Referenced nodes first.
    pub(super) columns: Vec<Column>,
    /// The lines of the part, and the trunk of each: lines of one bundle that begin at one node pass columns as one.
    pub(super) trunks: BTreeMap<usize, usize>,
}

/// The columns of one part of a graph. `bundles` says, by line, which of them may go together.
pub(super) fn order(part: &[usize], lines: &[(usize, usize)], bundles: &[usize]) -> Order {
    let mut own: Vec<(usize, usize, usize)> = Vec::new();
    for (at, &(child, parent)) in lines.iter().enumerate() {
        if child != parent && part.binary_search(&child).is_ok() {
            own.push((at, child, parent));
        }
    }
    let ranks = ranks(part, &own);
    let depth = ranks.values().max().map_or(0, |last| last + 1);
    let mut columns: Vec<Column> = (0..depth).map(|_| Column::default()).collect();
    let mut place = BTreeMap::new();
    for &node in part {
        place.insert(node, columns[ranks[&node]].put(Item::Node(node)));
    }
    let mut trunks = BTreeMap::new();
    let mut known = BTreeMap::new();
    let mut passing = BTreeMap::new();
    for &(at, child, parent) in &own {
        let (from, to) = if ranks[&parent] < ranks[&child] { (parent, child) } else { (child, parent) };
        let next = known.len();
        let trunk = *known.entry((from, from == parent, bundles[at])).or_insert(next);
        trunks.insert(at, trunk);
        let mut before = place[&from];
        for rank in ranks[&from] + 1..=ranks[&to] {
            let here = if rank == ranks[&to] {
                place[&to]
            } else {
                *passing.entry((rank, trunk)).or_insert_with(|| columns[rank].put(Item::Line(trunk)))
            };
            if !columns[rank - 1].right[before].contains(&(here, trunk)) {
                columns[rank - 1].right[before].push((here, trunk));
                columns[rank].left[here].push((before, trunk));
            }
            before = here;
        }
    }
    let mut best = (crossings(&columns), order_of(&columns));
    for sweep in 0..SWEEPS {
        sweep_over(&mut columns, sweep % 2 == 0);
        let now = crossings(&columns);
        if now < best.0 {
            best = (now, order_of(&columns));
        }
    }
    let items: Vec<Vec<Item>> = best.1;
    for (at, items) in items.into_iter().enumerate() {
        let position: Vec<usize> = columns[at]
            .items
            .iter()
            .map(|item| items.iter().position(|other| other == item).unwrap_or_default())
            .collect();
        reorder(&mut columns, at, &position);
    }
    Order { columns, trunks }
}

impl Column {
    fn put(&mut self, item: Item) -> usize {
        self.items.push(item);
        self.left.push(Vec::new());
        self.right.push(Vec::new());
        self.items.len() - 1
    }
}

/// A rank for each node, parents before children; where references go round, those that turn back are as few as a greedy
/// choice finds.
fn ranks(part: &[usize], own: &[(usize, usize, usize)]) -> BTreeMap<usize, usize> {
    let order = sequence(part, own);
    let turn: BTreeMap<usize, usize> = order.iter().enumerate().map(|(at, &node)| (node, at)).collect();
    // Every line from the earlier to the later.
    let forward: Vec<(usize, usize)> = own
        .iter()
        .map(|&(_, child, parent)| if turn[&parent] < turn[&child] { (parent, child) } else { (child, parent) })
        .collect();
    let mut ranks: BTreeMap<usize, usize> = part.iter().map(|&node| (node, 0)).collect();
    for &node in &order {
        let before = forward.iter().filter(|(_, to)| *to == node).map(|(from, _)| ranks[from] + 1).max();
        ranks.insert(node, before.unwrap_or(0));
    }
    // What only stands before others moves up to them: shorter lines.
    for &node in order.iter().rev() {
        let after = forward.iter().filter(|(from, _)| *from == node);
        let (count, nearest) = (after.clone().count(), after.map(|(_, to)| ranks[to]).min());
        let before = forward.iter().filter(|(_, to)| *to == node).count();
        if let Some(nearest) = nearest
            && count > before
        {
            ranks.insert(node, nearest.saturating_sub(1));
        }
    }
    ranks
}

/// The nodes in a row, parents before children as far as they can be (Eades, Lin and Smyth).
fn sequence(part: &[usize], own: &[(usize, usize, usize)]) -> Vec<usize> {
    let mut left: Vec<usize> = part.to_vec();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    while !left.is_empty() {
        let among = |node: &usize| left.binary_search(node).is_ok();
        let parents = |node: usize| own.iter().filter(|(_, child, parent)| *child == node && among(parent)).count();
        let children = |node: usize| own.iter().filter(|(_, child, parent)| *parent == node && among(child)).count();
        let counts: Vec<(usize, usize)> = left.iter().map(|&node| (parents(node), children(node))).collect();
        let best = counts.iter().position(|(parents, _)| *parents == 0).map(|at| (at, true));
        let best = best.or_else(|| counts.iter().position(|(_, children)| *children == 0).map(|at| (at, false)));
        let most = || {
            let weight = |&at: &usize| (counts[at].1 + own.len() - counts[at].0, std::cmp::Reverse(at));
            ((0..counts.len()).max_by_key(weight).unwrap_or(0), true)
        };
        let (at, forward) = best.unwrap_or_else(most);
        let node = left.remove(at);
        if forward { first.push(node) } else { last.push(node) }
    }
    last.reverse();
    first.extend(last);
    first
}

fn order_of(columns: &[Column]) -> Vec<Vec<Item>> {
    columns.iter().map(|column| column.items.clone()).collect()
}

/// Orders each column by the mean position of its neighbours in the one before, from the left or from the right.
fn sweep_over(columns: &mut [Column], rightward: bool) {
    let count = columns.len();
    for step in 1..count {
        let at = if rightward { step } else { count - 1 - step };
        let column = &columns[at];
        let neighbours = if rightward { &column.left } else { &column.right };
        let mut keys: Vec<(f64, usize)> = (0..column.items.len())
            .map(|item| {
                let sum: usize = neighbours[item].iter().map(|(position, _)| position).sum();
                let mean = coordinate(sum) / coordinate(neighbours[item].len());
                // Without neighbours on that side an item stays where it is.
                (if neighbours[item].is_empty() { coordinate(item) } else { mean }, item)
            })
            .collect();
        keys.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut position = vec![0; keys.len()];
        for (new, (_, old)) in keys.into_iter().enumerate() {
            position[old] = new;
        }
        reorder(columns, at, &position);
    }
}

/// Moves the items of a column to new positions, and tells their neighbours.
fn reorder(columns: &mut [Column], at: usize, position: &[usize]) {
    let moved = |lists: &mut Vec<Vec<(usize, usize)>>| {
        let old = std::mem::take(lists);
        lists.resize(old.len(), Vec::new());
        for (list, &new) in old.into_iter().zip(position) {
            lists[new] = list;
        }
    };
    let old = std::mem::take(&mut columns[at].items);
    let mut items = old.clone();
    for (item, &new) in old.into_iter().zip(position) {
        items[new] = item;
    }
    columns[at].items = items;
    moved(&mut columns[at].left);
    moved(&mut columns[at].right);
    let renamed = |lists: &mut Vec<Vec<(usize, usize)>>| {
        lists.iter_mut().flatten().for_each(|(item, _)| *item = position[*item]);
    };
    if at > 0 {
        renamed(&mut columns[at - 1].right);
    }
    if at + 1 < columns.len() {
        renamed(&mut columns[at + 1].left);
    }
}

/// How many lines cross between columns.
fn crossings(columns: &[Column]) -> usize {
    let between = |column: &Column| {
        let mut ends: Vec<(usize, usize)> = Vec::new();
        for (item, right) in column.right.iter().enumerate() {
            ends.extend(right.iter().map(|&(end, _)| (item, end)));
        }
        ends.sort_unstable();
        let mut sorted: Vec<usize> = Vec::with_capacity(ends.len());
        let mut count = 0;
        for (_, end) in ends {
            let at = sorted.partition_point(|other| *other <= end);
            count += sorted.len() - at;
            sorted.insert(at, end);
        }
        count
    };
    columns.iter().map(between).sum()
}
