//! A graph as a picture: text stays text, every box and line has a title, and it reads on light and on dark.

use super::layout::{self, Layout, Route, Sizes, Spot, coordinate};
use super::{Edge, Graph, Kind, Node};

/// Lines have labels up to so many; beyond that their titles tell.
const LABELLED: usize = 80;
/// Names longer than this are cut; their titles are not.
const LONGEST: usize = 36;
const MARGIN: f64 = 24.0;
const HEAD: f64 = 40.0;

const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:13px;fill:#1b1f24}\
.paper{fill:#fff}.head{font-size:16px;font-weight:600}.note,.label{font-size:11px;fill:#57606a}\
.label{text-anchor:end;stroke:#fff;stroke-width:4px;paint-order:stroke}.right{text-anchor:start}\
.box rect{fill:#f6f8fa;stroke:#8c959f;stroke-width:1}.root rect{stroke:#0969da;stroke-width:3}.whole rect{fill:#ddf4ff}\
.empty rect{stroke-dasharray:2 3}.line path{fill:none;stroke:#6e7781;stroke-width:1.2}.undeclared path{stroke-dasharray:7 5}\
.polymorphic path{stroke-dasharray:1.5 4;stroke-linecap:round;stroke-width:1.8}.dangling path{stroke:#cf222e}\
.line:hover path{stroke:#0969da;stroke-width:2.4}#arrow path{fill:#6e7781}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.paper{fill:#0d1117}.note,.label{fill:#9da7b3}.label{stroke:#0d1117}\
.box rect{fill:#161b22;stroke:#6e7681}.root rect{stroke:#4493f8}.whole rect{fill:#10293f}.line path{stroke:#8b949e}\
.dangling path{stroke:#f85149}.line:hover path{stroke:#4493f8}#arrow path{fill:#8b949e}}";

/// The graph as SVG.
#[must_use]
pub fn svg(graph: &Graph) -> String {
    let labelled = graph.edges.len() <= LABELLED;
    let longest = graph.edges.iter().map(|edge| letters(&label(edge), 6.2)).fold(0.0, f64::max);
    let sizes = Sizes {
        widths: graph
            .nodes
            .iter()
            .map(|node| letters(&cut(&node.name()), 7.6).max(letters(&node.note(), 6.4)) + 20.0)
            .collect(),
        height: 42.0,
        pitch: if labelled { 14.0 } else { 7.0 },
        distance: if labelled { longest + 56.0 } else { 90.0 },
        bundled: !labelled,
    };
    let layout = layout::layout(graph, &sizes);
    let (width, height) = ((layout.width + 2.0 * MARGIN).max(420.0), layout.height + HEAD + 2.0 * MARGIN + 24.0);
    let summary =
        format!("{} and {} between them", plural(graph.nodes.len(), "table"), plural(graph.edges.len(), "reference"));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"title desc\">\n"
    );
    text.push_str(&format!("<title id=\"title\">{}</title>\n<desc id=\"desc\">{summary}. Lines lead from a referencing table to the referenced one.</desc>\n", escaped(&graph.name)));
    text.push_str(&format!("<style>{STYLE}</style>\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0.5 8 4 0 7.5z\"/></marker></defs>\n"));
    text.push_str("<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n");
    text.push_str(&format!(
        "<text class=\"head\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n",
        MARGIN + 12.0,
        escaped(&graph.name)
    ));
    text.push_str(&format!(
        "<text class=\"note\" x=\"{MARGIN}\" y=\"{}\">{summary}{}</text>\n",
        MARGIN + 30.0,
        legend(graph)
    ));
    text.push_str(&format!("<g transform=\"translate({MARGIN} {})\">\n", MARGIN + HEAD));
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        text.push_str(&line(graph, edge, route, &layout, labelled));
    }
    for (node, spot) in graph.nodes.iter().zip(&layout.spots) {
        text.push_str(&boxed(node, *spot));
    }
    text.push_str("</g>\n</svg>\n");
    text
}

/// What the marks mean, as far as they occur.
fn legend(graph: &Graph) -> String {
    let kind = |kind: Kind| graph.edges.iter().any(|edge| edge.kind == kind);
    let parts = [
        (graph.nodes.iter().any(|node| node.root), "thick frame: root"),
        (graph.nodes.iter().any(|node| node.whole), "blue: taken whole"),
        (kind(Kind::Undeclared), "dashed: not declared"),
        (kind(Kind::Polymorphic), "dotted: polymorphic"),
        (graph.edges.iter().any(|edge| edge.dangling > 0), "red: some dangle"),
    ];
    let said = parts.iter().filter(|(there, _)| *there);
    said.fold(String::new(), |text, (_, words)| text + " · " + words)
}

fn boxed(node: &Node, spot: Spot) -> String {
    let mut classes = String::from("box");
    for (is, class) in [(node.root, " root"), (node.whole, " whole"), (node.rows == 0, " empty")] {
        classes.push_str(if is { class } else { "" });
    }
    let Spot { x, y, width, height } = spot;
    let middle = y + height / 2.0;
    let (name, note) = (escaped(&cut(&node.name())), node.note());
    format!(
        "<g class=\"{classes}\"><title>{}: {note}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/><text x=\"{:.1}\" y=\"{:.1}\">{name}</text><text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{note}</text></g>\n",
        escaped(&node.name()),
        x + 10.0,
        middle - 3.0,
        x + 10.0,
        middle + 13.0,
    )
}

fn line(graph: &Graph, edge: &Edge, route: &Route, layout: &Layout, labelled: bool) -> String {
    let mut classes = String::from("line");
    classes.push_str(match edge.kind {
        Kind::Declared => "",
        Kind::Undeclared => " undeclared",
        Kind::Polymorphic => " polymorphic",
    });
    classes.push_str(if edge.dangling > 0 { " dangling" } else { "" });
    let (child, parent) = (graph.nodes[edge.child].name(), graph.nodes[edge.parent].name());
    let note = edge.note();
    let title = format!("{child}.{} to {parent}{}{note}", edge.label(), if note.is_empty() { "" } else { ": " });
    let (path, (x, y)) = match route.first() {
        Some(&start) => (curve(route), start),
        None => around(layout.spots[edge.child]),
    };
    let mut text = format!(
        "<g class=\"{classes}\"><title>{}</title><path d=\"{path}\" marker-end=\"url(#arrow)\"/>",
        escaped(&title)
    );
    // A line that leaves to the right has the name of its columns on that side.
    if labelled {
        let leftward = route.iter().any(|point| point.0 < x);
        let (x, class) = if leftward { (x - 5.0, "label") } else { (x + 5.0, "label right") };
        let label = escaped(&label(edge));
        text.push_str(&format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\">{label}</text>", y - 3.0));
    }
    text.push_str("</g>\n");
    text
}

fn label(edge: &Edge) -> String {
    let columns = cut(&edge.label());
    edge.rows.map_or_else(|| columns.clone(), |rows| format!("{columns} · {}", super::grouped(rows)))
}

/// Level stretches and curves in turn: odd stretches are level.
fn curve(route: &Route) -> String {
    let mut path = String::new();
    for (at, &(x, y)) in route.iter().enumerate() {
        match at.checked_sub(1).map(|before| route[before]) {
            None => path.push_str(&format!("M{x:.1} {y:.1}")),
            Some(before) if before == (x, y) => {}
            Some(before) if (before.1 - y).abs() < 0.5 => path.push_str(&format!("L{x:.1} {y:.1}")),
            Some(before) => {
                let half = f64::midpoint(before.0, x);
                path.push_str(&format!("C{half:.1} {:.1} {half:.1} {y:.1} {x:.1} {y:.1}", before.1));
            }
        }
    }
    path
}

/// A loop at the lower right corner of a box that references itself, and where its label stands.
fn around(spot: Spot) -> (String, (f64, f64)) {
    let (x, y) = (spot.x + spot.width, spot.y + spot.height);
    let path = format!(
        "M{x:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {y:.1}",
        y - 8.0,
        x + 22.0,
        y - 6.0,
        x - 2.0,
        y + 24.0,
        x - 14.0
    );
    (path, (x + 6.0, y + 13.0))
}

fn plural(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", super::grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// How wide a text is, roughly: letters beyond Latin count double.
fn letters(text: &str, each: f64) -> f64 {
    let wide = |c: char| u32::from(c) > 0x2E80;
    each * coordinate(text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum())
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// A text as XML has it; characters that XML knows no way to write are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
