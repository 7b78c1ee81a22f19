//! Where boxes and lines of a graph go: referenced tables to the left of those that reference them, in columns. Ranks by the
//! longest way, cycles opened where the fewest references turn around, order by barycentres, heights by least squares.

mod order;
mod place;

use super::Graph;
use order::{Column, Item, Order};

/// Space between two boxes of a column.
const GAP: f64 = 16.0;
/// Space between two lines that pass a column.
const LINE_GAP: f64 = 10.0;

/// A box.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    /// Of its upper edge.
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A line from a referencing box to the referenced one, as points. Odd stretches are level, the others are curves.
pub(super) type Route = Vec<(f64, f64)>;

/// A graph in the plane.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// By node.
    pub(super) spots: Vec<Spot>,
    /// By edge; empty for a table that references itself.
    pub(super) routes: Vec<Route>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// How large things are.
pub(super) struct Sizes {
    /// The width of each node.
    pub(super) widths: Vec<f64>,
    /// The least height of a node.
    pub(super) height: f64,
    /// The distance of two lines where they leave a referencing box.
    pub(super) pitch: f64,
    /// The least distance of two columns.
    pub(super) distance: f64,
    /// Whether lines to one table go together as far as they can.
    pub(super) bundled: bool,
}

/// A whole number as a coordinate.
pub(super) fn coordinate(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Lays a graph out: each part that hangs together for itself, one below the other, single tables in rows at the end.
pub(super) fn layout(graph: &Graph, sizes: &Sizes) -> Layout {
    let nodes = graph.nodes.len();
    let mut layout = Layout {
        spots: vec![Spot::default(); nodes],
        routes: vec![Vec::new(); graph.edges.len()],
        ..Layout::default()
    };
    let lines: Vec<(usize, usize)> = graph.edges.iter().map(|edge| (edge.child, edge.parent)).collect();
    let mut parts = parts(nodes, &lines);
    // The largest first; a stable sort keeps the rest in the order of their tables.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let single = parts.iter().position(|part| part.len() == 1).unwrap_or(parts.len());
    let bundle = |at: usize| if sizes.bundled { graph.edges[at].kind as usize } else { at };
    let bundles: Vec<usize> = (0..lines.len()).map(bundle).collect();
    for part in &parts[..single] {
        place::part(&order::order(part, &lines, &bundles), &lines, sizes, &mut layout);
    }
    let widest = parts[single..].iter().flatten().map(|&node| sizes.widths[node]).fold(0.0, f64::max) + GAP * 2.0;
    let room = layout.width.max(4.0 * widest);
    let (mut x, mut y) = (0.0, layout.height);
    for &node in parts[single..].iter().flatten() {
        if x > 0.0 && x + sizes.widths[node] > room {
            (x, y) = (0.0, y + sizes.height + GAP);
        }
        layout.spots[node] = Spot { x, y, width: sizes.widths[node], height: sizes.height };
        x += widest;
        layout.width = layout.width.max(x - GAP);
        layout.height = y + sizes.height;
    }
    layout
}

/// Nodes that hang together.
fn parts(nodes: usize, lines: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); nodes];
    for &(one, other) in lines {
        neighbours[one].push(other);
        neighbours[other].push(one);
    }
    let mut seen = vec![false; nodes];
    let mut parts = Vec::new();
    for start in 0..nodes {
        let mut waiting = vec![start];
        let mut part = Vec::new();
        while let Some(node) = waiting.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                part.push(node);
                waiting.extend(&neighbours[node]);
            }
        }
        if !part.is_empty() {
            part.sort_unstable();
            parts.push(part);
        }
    }
    parts
}
