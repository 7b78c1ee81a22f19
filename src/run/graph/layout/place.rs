//! Coordinates: heights that keep lines straight, columns wide enough for their boxes, and the ways of the lines.

use super::{Column, GAP, Item, LINE_GAP, Layout, Order, Sizes, Spot, coordinate};
use std::collections::BTreeMap;

/// How often heights are improved, there and back.
const SWEEPS: usize = 24;
/// The distance of two lines where they reach a referenced box.
const ARRIVAL: f64 = 7.0;

/// Places one part below what was placed before.
pub(super) fn part(order: &Order, lines: &[(usize, usize)], sizes: &Sizes, layout: &mut Layout) {
    let columns = &order.columns;
    let heights: Vec<Vec<f64>> = columns.iter().map(|column| heights(column, sizes)).collect();
    let centres = centres(columns, &heights);
    let top = |column: usize, item: usize| centres[column][item] - heights[column][item] / 2.0;
    let all =
        || columns.iter().enumerate().flat_map(|(at, column)| (0..column.items.len()).map(move |item| (at, item)));
    let highest = all().map(|(at, item)| top(at, item)).fold(f64::INFINITY, f64::min);
    let start = if layout.height > 0.0 { layout.height + 3.0 * GAP } else { 0.0 };
    let down = start - highest;
    let mut x = 0.0;
    // By column: where it begins, and how wide it is.
    let mut spans = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let width = column.items.iter().map(|item| width(*item, sizes)).fold(0.0, f64::max);
        spans.push((x, width));
        for (item, of) in column.items.iter().enumerate() {
            if let Item::Node(node) = *of {
                let own = sizes.widths[node];
                layout.spots[node] = Spot { x, y: top(at, item) + down, width: own, height: heights[at][item] };
            }
        }
        layout.width = layout.width.max(x + width);
        let passing: usize = column.right.iter().map(Vec::len).sum();
        x += width + sizes.distance + coordinate(passing.min(60));
    }
    let lowest = all().map(|(at, item)| top(at, item) + heights[at][item]).fold(0.0, f64::max);
    layout.height = layout.height.max(lowest + down);
    let ways = Ways { order, spans, centres, down };
    ways.route(lines, sizes, layout);
}

fn width(item: Item, sizes: &Sizes) -> f64 {
    match item {
        Item::Node(node) => sizes.widths[node],
        Item::Line(_) => 0.0,
    }
}

/// A box has room for all lines that meet it.
fn heights(column: &Column, sizes: &Sizes) -> Vec<f64> {
    let height = |(at, item): (usize, &Item)| match item {
        Item::Line(_) => 0.0,
        Item::Node(_) => {
            let leaving = coordinate(column.left[at].len()) * sizes.pitch;
            let arriving = coordinate(column.right[at].len()) * ARRIVAL;
            sizes.height.max(leaving.max(arriving) + 10.0)
        }
    };
    column.items.iter().enumerate().map(height).collect()
}

/// The heights of the middles: each as near to the mean of its neighbours as the order allows.
fn centres(columns: &[Column], heights: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let distance = |at: usize, upper: usize| {
        let gap = match (columns[at].items[upper], columns[at].items[upper + 1]) {
            (Item::Node(_), Item::Node(_)) => GAP,
            _ => LINE_GAP,
        };
        heights[at][upper] / 2.0 + gap + heights[at][upper + 1] / 2.0
    };
    let spread = |at: usize| {
        let mut y = 0.0;
        let mut all = Vec::new();
        for item in 0..columns[at].items.len() {
            all.push(y);
            if item + 1 < columns[at].items.len() {
                y += distance(at, item);
            }
        }
        all.iter().map(|own| own - y / 2.0).collect::<Vec<f64>>()
    };
    let mut centres: Vec<Vec<f64>> = (0..columns.len()).map(spread).collect();
    for sweep in 0..SWEEPS {
        for step in 0..columns.len() {
            let at = if sweep % 2 == 0 { step } else { columns.len() - 1 - step };
            let column = &columns[at];
            let wish = |item: usize| {
                let left = column.left[item].iter().map(|&(other, _)| centres[at - 1][other]);
                let right = column.right[item].iter().map(|&(other, _)| centres[at + 1][other]);
                let all: Vec<f64> = left.chain(right).collect();
                let line = matches!(column.items[item], Item::Line(_));
                let weight = if all.is_empty() { 0.01 } else { 1.0 + if line { 3.0 } else { 0.0 } };
                let mean =
                    if all.is_empty() { centres[at][item] } else { all.iter().sum::<f64>() / coordinate(all.len()) };
                (mean, weight)
            };
            let wishes: Vec<(f64, f64)> = (0..column.items.len()).map(wish).collect();
            let distances: Vec<f64> =
                (0..column.items.len().saturating_sub(1)).map(|item| distance(at, item)).collect();
            centres[at] = fitted(&wishes, &distances);
        }
    }
    centres
}

/// Positions in order with these distances at least, whose weighted squares of distances to the wishes are least: blocks that
/// would overlap are joined to one at their common mean.
fn fitted(wishes: &[(f64, f64)], distances: &[f64]) -> Vec<f64> {
    let mut offset = 0.0;
    // Mean, weight and number of members of each block, in coordinates without the distances.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets = Vec::new();
    for (at, &(wish, weight)) in wishes.iter().enumerate() {
        offsets.push(offset);
        blocks.push((wish - offset, weight, 1));
        while let [.., one, other] = blocks[..]
            && one.0 > other.0
        {
            let weight = one.1 + other.1;
            blocks.truncate(blocks.len() - 2);
            blocks.push(((one.0 * one.1 + other.0 * other.1) / weight, weight, one.2 + other.2));
        }
        offset += distances.get(at).copied().unwrap_or(0.0);
    }
    let places = blocks.into_iter().flat_map(|(place, _, members)| std::iter::repeat_n(place, members));
    places.zip(offsets).map(|(place, offset)| place + offset).collect()
}

/// What the ways of the lines follow from.
struct Ways<'a> {
    order: &'a Order,
    /// Where each column begins, and how wide it is.
    spans: Vec<(f64, f64)>,
    /// The middle of each item, by column.
    centres: Vec<Vec<f64>>,
    /// How far below the part stands.
    down: f64,
}

impl Ways<'_> {
    /// From a side of the referencing box, level through the columns between, to a side of the other box.
    fn route(&self, lines: &[(usize, usize)], sizes: &Sizes, layout: &mut Layout) {
        let mut place = BTreeMap::new();
        let mut ranks = BTreeMap::new();
        for (column, of) in self.order.columns.iter().enumerate() {
            for (at, item) in of.items.iter().enumerate() {
                match *item {
                    Item::Node(node) => drop(ranks.insert(node, (column, at))),
                    Item::Line(trunk) => drop(place.insert((column, trunk), at)),
                }
            }
        }
        let ports = self.ports(sizes, layout);
        for (&line, &trunk) in &self.order.trunks {
            let (child, parent) = lines[line];
            let (Some(&one), Some(&other)) = (ranks.get(&child), ranks.get(&parent)) else { continue };
            let (left, right) = if other.0 < one.0 { (other, one) } else { (one, other) };
            let between: Vec<(usize, usize)> =
                (left.0 + 1..right.0).filter_map(|column| Some((column, *place.get(&(column, trunk))?))).collect();
            let next = between.first().copied().unwrap_or(right);
            let last = between.last().copied().unwrap_or(left);
            let (start, end) = (ports.get(&(left, next, trunk)), ports.get(&(right, last, trunk)));
            let (Some(&start), Some(&end)) = (start, end) else { continue };
            // Boxes are as wide as their own names; lines are level as far as the column goes.
            let mut points = vec![start, (self.spans[left.0].0 + self.spans[left.0].1, start.1)];
            for (column, at) in between {
                let y = self.centres[column][at] + self.down;
                points.extend([(self.spans[column].0, y), (self.spans[column].0 + self.spans[column].1, y)]);
            }
            points.push(end);
            if left == other {
                points.reverse();
            }
            layout.routes[line] = points;
        }
    }

    /// Where on the side of a box the line to a neighbour stands: in the order of the neighbours' heights.
    fn ports(&self, sizes: &Sizes, layout: &Layout) -> BTreeMap<(Place, Place, usize), (f64, f64)> {
        let mut ports = BTreeMap::new();
        for (column, of) in self.order.columns.iter().enumerate() {
            for (at, item) in of.items.iter().enumerate() {
                let Item::Node(node) = *item else { continue };
                let spot = layout.spots[node];
                let sides = [
                    (column.wrapping_sub(1), &of.left[at], spot.x, sizes.pitch),
                    (column + 1, &of.right[at], spot.x + spot.width, ARRIVAL),
                ];
                for (other, neighbours, x, pitch) in sides {
                    let mut meeting = neighbours.clone();
                    // The order in a column is that of the heights.
                    meeting.sort_unstable();
                    let start = spot.y + (spot.height - (coordinate(meeting.len()) - 1.0) * pitch) / 2.0;
                    for (number, (neighbour, trunk)) in meeting.into_iter().enumerate() {
                        let port = (x, start + coordinate(number) * pitch);
                        ports.insert(((column, at), (other, neighbour), trunk), port);
                    }
                }
            }
        }
        ports
    }
}

/// A column, and a position in it.
type Place = (usize, usize);
