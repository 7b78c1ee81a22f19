//! `why` on subsets that a capture made: every row has a way, and the graph says what brought how many.

use crate::inside::{self, capture, new_store, repository};
use crate::support::{self, Scratch};
use std::collections::BTreeMap;
use terp_fixtures::run::graph::Graph;
use terp_fixtures::run::why::{Because, Wanted, why};

const ROOTS: &str = "\n[[subset.roots]]\ntable = \"orders\"\nwhere = \"id % 7 = 3\"\nlimit = 9\n";

#[test]
fn every_row_of_a_subset_has_a_way_back_to_a_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("erp.sqlite");
    support::sample(&path);
    let member = new_store("why-subset");
    let repository = repository("why-subset", &member);
    let policy = std::fs::read_to_string(support::repository("policies/pii.toml")).unwrap() + ROOTS;
    let snapshot = capture(&repository, &path, "s", &policy).unwrap().snapshot.unwrap();
    let graph = Graph::of(&snapshot.manifest, false);
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let mut longest = 0;
    for entry in &snapshot.manifest.tables {
        for row in 1..=entry.rows {
            let wanted = Wanted { table: entry.table.to_string(), key: Vec::new(), row: Some(row) };
            let way = why(&inside::context(), &repository, &snapshot, &wanted).unwrap();
            assert_eq!((way.first[0].place.row, way.left_out), (row, 0));
            longest = longest.max(way.first.len());
            let end = match &way.first[way.first.len() - 1].because {
                Because::Root { number: 1, condition } => {
                    assert_eq!(condition.as_deref(), Some("id % 7 = 3"));
                    "root"
                }
                Because::Whole => "whole",
                other => panic!("{} row {row} ends with {other:?}", entry.table),
            };
            *ends.entry(end).or_default() += 1;
        }
    }
    assert!(longest >= 4 && ends["root"] > 20, "{longest} {ends:?}");
    let marked: Vec<String> = graph.nodes.iter().filter(|node| node.root).map(|node| node.table.to_string()).collect();
    assert_eq!(marked, ["orders"]);
    assert!(graph.edges.iter().any(|edge| edge.pulled.0 > 0) && graph.edges.iter().any(|edge| edge.pulled.1 > 0));
}

#[test]
fn the_way_is_told_without_a_value() {
    let scratch = Scratch::with_sample();
    let policy = std::fs::read_to_string(scratch.path("pii.toml")).unwrap() + ROOTS;
    std::fs::write(scratch.path("pii.toml"), policy).unwrap();
    scratch.capture("small");
    let told = scratch.ok(&["why", "small", "order_lines", "--row", "1"]);
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "order_lines row 1 is a child of orders row 1, along order_lines.order_id -> orders.id",
            "orders row 1 was chosen by root 1: orders where id % 7 = 3",
        ]
    );
    let json = scratch.json(&["why", "small", "clients", "--row", "1"]);
    assert_eq!(json["way"][0]["why"], "parent");
    assert_eq!(json["way"][0]["reference"], "orders.client_id -> clients.id");
    assert_eq!(json["way"].as_array().unwrap().last().unwrap()["condition"], "id % 7 = 3");
}
