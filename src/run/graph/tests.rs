//! What a graph shows, and that no name breaks it.

use super::layout::{self, Sizes};
use super::*;
use crate::codec::testing;
use crate::model::manifest::{EdgeProof, RootProof, SubsetProof, TableEntry};
use crate::model::schema::Table;
use crate::model::subset::{OfType, Reference};
use proptest::prelude::*;

/// A manifest with these tables and rows, and references by index: child, parent, rows, kind.
fn manifest(tables: &[(&str, u64)], references: &[(usize, usize, u64, Kind)]) -> Manifest {
    let mut manifest = testing::manifest();
    let (table, entry) = (manifest.schema.tables[0].clone(), manifest.tables[0].clone());
    let name = |at: usize| TableName::plain(tables[at].0);
    manifest.schema.tables = (0..tables.len()).map(|at| Table { name: name(at), ..table.clone() }).collect();
    manifest.tables =
        (0..tables.len()).map(|at| TableEntry { table: name(at), rows: tables[at].1, ..entry.clone() }).collect();
    manifest.results.closure.references = references
        .iter()
        .map(|&(child, parent, rows, kind)| ClosedReference {
            reference: Reference {
                name: "r".into(),
                child: name(child),
                columns: vec!["c1".into()],
                parent: name(parent),
                parent_columns: vec!["c0".into()],
                of_type: (kind == Kind::Polymorphic).then(|| OfType { column: "c1".into(), value: "x".into() }),
                undeclared: kind != Kind::Declared,
            },
            rows,
            dangling: 0,
        })
        .collect();
    manifest
}

const DECLARED: Kind = Kind::Declared;

#[test]
fn tables_without_rows_are_left_out_unless_asked_for() {
    let manifest = manifest(
        &[("a", 5), ("b", 7), ("empty", 0)],
        &[(1, 0, 7, DECLARED), (2, 0, 0, DECLARED), (0, 1, 0, Kind::Undeclared)],
    );
    let graph = Graph::of(&manifest, false);
    assert_eq!((graph.nodes.len(), graph.edges.len()), (2, 1));
    assert_eq!((graph.edges[0].child, graph.edges[0].parent, graph.edges[0].rows), (1, 0, Some(7)));
    let all = Graph::of(&manifest, true);
    assert_eq!((all.nodes.len(), all.edges.len()), (3, 3));
}

#[test]
fn roots_and_whole_tables_are_marked() {
    let mut manifest =
        manifest(&[("a", 5), ("b", 7), ("rates", 3)], &[(1, 0, 7, DECLARED), (1, 2, 2, Kind::Polymorphic)]);
    manifest.subset = Some(SubsetProof {
        size: None,
        roots: vec![RootProof { table: TableName::plain("a"), condition: Some("x = 1".into()), rows: 5 }],
        whole: vec![TableName::plain("rates")],
        edges: vec![
            EdgeProof { reference: 0, children: 7, parents: 0 },
            EdgeProof { reference: 1, children: 0, parents: 1 },
        ],
    });
    let graph = Graph::of(&manifest, false);
    let marks: Vec<(bool, bool)> = graph.nodes.iter().map(|node| (node.root, node.whole)).collect();
    assert_eq!(marks, [(true, false), (false, false), (false, true)]);
    assert_eq!(graph.edges[0].pulled, (7, 0));
    let drawn = svg(&graph);
    assert!(drawn.contains("class=\"box root\"") && drawn.contains("class=\"box whole\""));
    assert!(drawn.contains("class=\"line polymorphic\"") && drawn.contains("dotted: polymorphic"));
    assert!(drawn.contains("<title>b.c1 to a: 7 rows, brought 7 as children</title>"), "{drawn}");
    let text = dot(&graph);
    assert!(text.contains("t0 [label=\"a\\n5 rows, root\", penwidth=3]"), "{text}");
    assert!(
        text.contains("t1 -> t2 [label=\"c1\\n2 rows, brought 1 as parents, polymorphic\", style=dotted]"),
        "{text}"
    );
    let text = mermaid(&graph);
    assert!(text.contains("linkStyle 1 stroke-dasharray:2 4") && text.contains("class t0 root"), "{text}");
}

#[test]
fn a_snapshot_of_an_earlier_version_shows_its_foreign_keys() {
    let mut manifest = manifest(&[("a", 5), ("b", 7)], &[(1, 0, 7, DECLARED)]);
    let closed = manifest.results.closure.references.remove(0);
    manifest.schema.tables[1].foreign_keys.push(crate::model::schema::ForeignKey {
        name: "fk".into(),
        columns: closed.reference.columns,
        parent: closed.reference.parent,
        parent_columns: closed.reference.parent_columns,
        on_delete: crate::model::schema::Action::NoAction,
        on_update: crate::model::schema::Action::NoAction,
    });
    let graph = Graph::of(&manifest, false);
    assert_eq!((graph.edges.len(), graph.edges[0].rows), (1, None));
    assert!(dot(&graph).contains("t1 -> t0 [label=\"c1\"]"));
}

const NAMES: [&str; 9] = [
    "group",
    "My\"Table",
    "a\\nb",
    "x&lt;y",
    "<b>",
    "%%{init}%%",
    "`md`; end",
    "Größe 🌿",
    "end subgraph graph digraph",
];

#[test]
fn no_name_breaks_a_drawing() {
    let tables: Vec<(&str, u64)> = NAMES.iter().map(|name| (*name, 1)).collect();
    let references: Vec<(usize, usize, u64, Kind)> = (1..NAMES.len()).map(|at| (at, at - 1, 1, DECLARED)).collect();
    let graph = Graph::of(&manifest(&tables, &references), false);
    let text = dot(&graph);
    assert!(text.contains(r#"label="My\"Table\n1 row""#) && text.contains(r#"label="a\\nb\n1 row""#), "{text}");
    assert!(text.contains("x&amp;lt;y"), "an entity of a name is not one of the label: {text}");
    for line in text.lines() {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert_eq!(quotes % 2, 0, "{line}");
    }
    let text = mermaid(&graph);
    assert!(!text.contains('%') && !text.contains('`') && text.contains("My#34;Table"), "{text}");
    for line in text.lines() {
        assert!(line.matches('"').count() % 2 == 0 && line.matches('"').count() <= 2, "{line}");
    }
    let drawn = svg(&graph);
    assert!(drawn.contains("x&amp;lt;y") && drawn.contains("&lt;b&gt;") && drawn.contains("Größe 🌿"));
    let mut reader = quick_xml::Reader::from_str(&drawn);
    let mut texts = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Text(_) => texts += 1,
            _ => {}
        }
    }
    assert!(texts > 40);
}

/// Boxes stand apart, lines begin and end at their boxes, and everything is within the picture.
fn is_sound(graph: &Graph, bundled: bool) {
    let sizes = Sizes { widths: vec![80.0; graph.nodes.len()], height: 40.0, pitch: 7.0, distance: 60.0, bundled };
    let layout = layout::layout(graph, &sizes);
    for (at, one) in layout.spots.iter().enumerate() {
        assert!(one.x >= 0.0 && one.y >= -0.01 && one.x + one.width <= layout.width + 0.01, "{one:?}");
        assert!(one.y + one.height <= layout.height + 0.01, "{one:?} {}", layout.height);
        for other in &layout.spots[..at] {
            let beside = one.x + one.width <= other.x || other.x + other.width <= one.x;
            let below = one.y + one.height <= other.y + 0.01 || other.y + other.height <= one.y + 0.01;
            assert!(beside || below, "{one:?} {other:?}");
        }
    }
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        if edge.child == edge.parent {
            assert!(route.is_empty());
            continue;
        }
        let meets = |point: Option<&(f64, f64)>, node: usize| {
            let spot = layout.spots[node];
            point.is_some_and(|&(x, y)| {
                ((x - spot.x).abs() < 0.01 || (x - spot.x - spot.width).abs() < 0.01)
                    && y >= spot.y - 0.01
                    && y <= spot.y + spot.height + 0.01
            })
        };
        assert!(meets(route.first(), edge.child) && meets(route.last(), edge.parent), "{edge:?} {route:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn every_graph_is_laid_out(
        count in 1..14_usize,
        lines in prop::collection::vec((0..14_usize, 0..14_usize), 0..40),
        bundled in any::<bool>(),
    ) {
        let names: Vec<String> = (0..count).map(|at| format!("t{at}")).collect();
        let tables: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let references: Vec<(usize, usize, u64, Kind)> =
            lines.iter().map(|(child, parent)| (child % count, parent % count, 1, DECLARED)).collect();
        let graph = Graph::of(&manifest(&tables, &references), false);
        is_sound(&graph, bundled);
        prop_assert_eq!(svg(&graph), svg(&graph));
    }
}
