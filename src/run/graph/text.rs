//! A graph as text for other programs: DOT for Graphviz, Mermaid for Markdown. Every name stands in quotes and is escaped
//! as that language wants it; nodes have plain names of ours.

use super::{Graph, Kind};

/// The graph in the language of Graphviz.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let mut text = format!("digraph {} {{\n", dot_string(&[&graph.name]));
    text.push_str("  rankdir=RL;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    text.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let style = match (node.root, node.whole) {
            (true, _) => ", penwidth=3",
            (false, true) => ", peripheries=2",
            (false, false) => "",
        };
        text.push_str(&format!("  t{at} [label={}{style}];\n", dot_string(&[&node.name(), &node.note()])));
    }
    for edge in &graph.edges {
        let style = match edge.kind {
            Kind::Declared => "",
            Kind::Undeclared => ", style=dashed",
            Kind::Polymorphic => ", style=dotted",
        };
        let label = dot_string(&[&edge.label(), &edge.note()]);
        text.push_str(&format!("  t{} -> t{} [label={label}{style}];\n", edge.child, edge.parent));
    }
    text.push_str("}\n");
    text
}

/// A quoted string of lines. A label reads backslashes and the entities of HTML.
fn dot_string(lines: &[&str]) -> String {
    let mut text = String::from("\"");
    for (at, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        if at > 0 {
            text.push_str("\\n");
        }
        for c in line.chars() {
            match c {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '&' => text.push_str("&amp;"),
                c if c.is_control() => text.push(' '),
                c => text.push(c),
            }
        }
    }
    text.push('"');
    text
}

/// The graph as a flowchart of Mermaid.
#[must_use]
pub fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart RL\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        text.push_str(&format!("  t{at}[{}]\n", mermaid_string(&[&node.name(), &node.note()])));
    }
    let mut styles = String::new();
    for (at, edge) in graph.edges.iter().enumerate() {
        let label = mermaid_string(&[&edge.label(), &edge.note()]);
        text.push_str(&format!("  t{} -->|{label}| t{}\n", edge.child, edge.parent));
        let dashes = match edge.kind {
            Kind::Declared => continue,
            Kind::Undeclared => "7 5",
            Kind::Polymorphic => "2 4",
        };
        styles.push_str(&format!("  linkStyle {at} stroke-dasharray:{dashes}\n"));
    }
    text.push_str(&styles);
    for (name, style, members) in [
        ("root", "stroke-width:4px", graph.nodes.iter().map(|node| node.root).collect::<Vec<_>>()),
        ("whole", "stroke-dasharray:1 0,stroke-width:2px", graph.nodes.iter().map(|node| node.whole).collect()),
    ] {
        let members: Vec<String> =
            members.iter().enumerate().filter(|(_, is)| **is).map(|(at, _)| format!("t{at}")).collect();
        if !members.is_empty() {
            text.push_str(&format!("  classDef {name} {style}\n  class {} {name}\n", members.join(",")));
        }
    }
    text
}

/// A quoted string of lines: what could end it, begin a directive, or be taken for Markdown or HTML is written as a number.
fn mermaid_string(lines: &[&str]) -> String {
    let mut text = String::from("\"");
    for (at, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        if at > 0 {
            text.push_str("<br/>");
        }
        for c in line.chars() {
            match c {
                c if c.is_control() => text.push(' '),
                c if c.is_alphanumeric() || !c.is_ascii() || matches!(c, ' ' | '.' | ',' | '-' | '(' | ')' | '/') => {
                    text.push(c);
                }
                '_' => text.push(c),
                c => text.push_str(&format!("#{};", u32::from(c))),
            }
        }
    }
    text.push('"');
    text
}
