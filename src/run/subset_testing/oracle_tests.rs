//! The oracle itself, held against small cases worked out by hand from docs/subset.md; and the generator against its purpose.

use super::world_testing::World;
use super::{Answer, Children, Choice, Held, Link, Question, Rules, Takes};
use crate::model::schema::{EngineKind, TableName};
use std::collections::BTreeSet;

/// A table whose first column is the key: one row per line, `-` is NULL.
fn held(name: &str, rows: &[&str]) -> Held {
    let cell = |text: &str| (text != "-").then(|| text.as_bytes().to_vec());
    let rows: Vec<super::Row> = rows.iter().map(|row| row.split(' ').map(cell).collect()).collect();
    let columns = (0..rows.first().map_or(1, Vec::len)).map(|at| format!("c{at}")).collect();
    Held { name: TableName::plain(name), columns, rows, takes: Takes::Rows }
}

fn link((child, column): (usize, usize), parent: usize) -> Link {
    Link { child, columns: vec![column], parent, parent_columns: vec![0], ..Link::default() }
}

const CLIENTS: usize = 0;
const PRODUCTS: usize = 1;
const ORDERS: usize = 2;
const LINES: usize = 3;
const REGIONS: usize = 4;

/// Clients in regions order products; orders have lines. Orders: key, client, product, amount.
fn shop() -> Question {
    Question {
        engine: EngineKind::Sqlite,
        tables: vec![
            held("clients", &["1 1", "2 1", "3 2", "4 -"]),
            held("products", &["7", "8", "9"]),
            held("orders", &["10 1 7 5", "11 1 8 9", "12 2 7 5", "13 - 9 1", "14 1 7 9"]),
            held("lines", &["20 10", "21 10", "22 11", "23 12", "24 14"]),
            held("regions", &["1", "2", "3"]),
        ],
        links: vec![
            link((ORDERS, 1), CLIENTS),
            link((ORDERS, 2), PRODUCTS),
            link((LINES, 1), ORDERS),
            link((CLIENTS, 1), REGIONS),
        ],
        roots: Vec::new(),
        children: Children::Down,
        depth: None,
    }
}

/// The rows of a table whose key is one of these.
fn among(question: &Question, table: usize, keys: &[&str]) -> Choice {
    let is = |row: &super::Row| keys.iter().any(|key| row[0].as_deref() == Some(key.as_bytes()));
    Choice { among: Some(question.tables[table].rows.iter().map(is).collect()), ..Choice::default() }
}

fn rooted(mut question: Question, table: usize, keys: &[&str]) -> Question {
    let choice = among(&question, table, keys);
    question.roots.push((table, choice));
    question
}

/// `clients: 1 2 | orders: 10`, in the order of the tables; tables without rows are left out.
fn told(question: &Question) -> String {
    let taken = match question.answer() {
        Answer::Taken(taken) => taken,
        Answer::Refused(link) => return format!("refused at {link}"),
        Answer::Nowhere => return "nowhere".to_owned(),
    };
    let mut parts = Vec::new();
    for (at, held) in question.tables.iter().enumerate() {
        let rows = question.rows(&taken, at);
        let keys: Vec<&str> = rows.iter().map(|row| std::str::from_utf8(row[0].as_ref().unwrap()).unwrap()).collect();
        if !keys.is_empty() {
            parts.push(format!("{}: {}", held.name, keys.join(" ")));
        }
    }
    parts.join(" | ")
}

#[test]
fn nothing_or_everything() {
    assert_eq!(told(&shop()), "");
    let mut all = shop();
    all.tables.iter_mut().for_each(|table| table.takes = Takes::Whole);
    assert_eq!(
        told(&all),
        "clients: 1 2 3 4 | products: 7 8 9 | orders: 10 11 12 13 14 | lines: 20 21 22 23 24 | regions: 1 2 3"
    );
    assert_eq!(told(&rooted(shop(), CLIENTS, &[])), "nowhere");
    assert_eq!(told(&rooted(rooted(shop(), CLIENTS, &[]), REGIONS, &["3"])), "regions: 3");
    let mut empty = rooted(shop(), CLIENTS, &[]);
    empty.tables[CLIENTS].rows.clear();
    assert_eq!(told(&empty), "");
}

#[test]
fn parents_always_come_along() {
    for children in [Children::None, Children::Down] {
        let question = Question { children, ..rooted(shop(), LINES, &["20", "23"]) };
        // The orders bring client and product, and neither of these any other order.
        assert_eq!(told(&question), "clients: 1 2 | products: 7 | orders: 10 12 | lines: 20 23 | regions: 1");
    }
    // A NULL references nothing.
    let question = rooted(shop(), ORDERS, &["13"]);
    assert_eq!(told(&Question { children: Children::None, ..question }), "products: 9 | orders: 13");
    assert_eq!(told(&rooted(shop(), CLIENTS, &["4"])), "clients: 4");
}

#[test]
fn children_go_down_from_roots_only() {
    let question = rooted(shop(), CLIENTS, &["2"]);
    assert_eq!(told(&question), "clients: 2 | products: 7 | orders: 12 | lines: 23 | regions: 1");
    let none = Question { children: Children::None, ..question.clone() };
    assert_eq!(told(&none), "clients: 2 | regions: 1");
    // All: product 7 has the orders of client 1, and so on.
    let all = Question { children: Children::All, ..question };
    assert_eq!(told(&all), "clients: 1 2 | products: 7 8 | orders: 10 11 12 14 | lines: 20 21 22 23 24 | regions: 1");
    assert_eq!(told(&rooted(shop(), REGIONS, &["2"])), "clients: 3 | regions: 2");
}

#[test]
fn depth_counts_references_to_children() {
    let deep = |depth| Question { depth: Some(depth), ..rooted(shop(), REGIONS, &["1"]) };
    assert_eq!(told(&deep(0)), "regions: 1");
    assert_eq!(told(&deep(1)), "clients: 1 2 | regions: 1");
    assert_eq!(told(&deep(2)), "clients: 1 2 | products: 7 8 | orders: 10 11 12 14 | regions: 1");
    assert_eq!(told(&deep(3)), told(&deep(9)));
    // With all, product 8 stands as deep as order 11, so that its children are one step further; a root stays at none.
    let all = |depth| Question {
        children: Children::All,
        ..Question { depth: Some(depth), ..rooted(shop(), ORDERS, &["12"]) }
    };
    assert_eq!(told(&all(0)), "clients: 2 | products: 7 | orders: 12 | regions: 1");
    assert_eq!(told(&all(1)), "clients: 1 2 | products: 7 | orders: 10 12 14 | lines: 23 | regions: 1");
    assert_eq!(told(&all(2)), "clients: 1 2 | products: 7 8 | orders: 10 11 12 14 | lines: 20 21 23 24 | regions: 1");
    // The shortest way counts: order 10 is a root and a grandchild.
    let both = rooted(rooted(shop(), REGIONS, &["1"]), ORDERS, &["10"]);
    assert_eq!(
        told(&Question { depth: Some(2), ..both }),
        "clients: 1 2 | products: 7 8 | orders: 10 11 12 14 | lines: 20 21 | regions: 1"
    );
}

#[test]
fn edges_choose_among_the_children_of_each_row() {
    let mut question = rooted(shop(), CLIENTS, &["1", "2"]);
    question.links[0].choice.limit = Some(1);
    assert_eq!(told(&question), "clients: 1 2 | products: 7 | orders: 10 12 | lines: 20 21 23 | regions: 1");
    question.links[0].choice.order = vec![(3, true)]; // By amount, then by key.
    assert_eq!(told(&question), "clients: 1 2 | products: 7 8 | orders: 11 12 | lines: 22 23 | regions: 1");
    question.links[0].choice.among = among(&question, ORDERS, &["10", "14"]).among;
    assert_eq!(told(&question), "clients: 1 2 | products: 7 | orders: 14 | lines: 24 | regions: 1");
    question.links[0].stops = true;
    assert_eq!(told(&question), "clients: 1 2 | regions: 1");
    // What an edge leaves out may come along another one.
    let other = rooted(question, PRODUCTS, &["8"]);
    assert_eq!(told(&other), "clients: 1 2 | products: 8 | orders: 11 | lines: 22 | regions: 1");
}

#[test]
fn roots_are_limited_in_order_and_then_by_key() {
    let with = |order: &[(usize, bool)], limit| {
        let choice = Choice { order: order.to_vec(), limit: Some(limit), ..Choice::default() };
        told(&Question { children: Children::None, roots: vec![(ORDERS, choice)], links: Vec::new(), ..shop() })
    };
    assert_eq!(with(&[], 2), "orders: 10 11");
    assert_eq!(with(&[(3, false)], 2), "orders: 10 13");
    assert_eq!(with(&[(3, true)], 1), "orders: 11");
    assert_eq!(with(&[(1, false)], 1), "orders: 13"); // NULL first
    assert_eq!(with(&[(1, true), (3, true)], 99), "orders: 10 11 12 13 14");
}

#[test]
fn whole_tables_bring_parents_but_no_children() {
    let mut question = rooted(shop(), REGIONS, &["3"]);
    question.tables[CLIENTS].takes = Takes::Whole;
    for children in [Children::Down, Children::All] {
        assert_eq!(told(&Question { children, ..question.clone() }), "clients: 1 2 3 4 | regions: 1 2 3");
    }
    // But where they are roots as well.
    let question = rooted(question, CLIENTS, &["2"]);
    assert_eq!(told(&question), "clients: 1 2 3 4 | products: 7 | orders: 12 | lines: 23 | regions: 1 2 3");
}

#[test]
fn rows_of_whole_tables_have_children_where_something_else_reaches_them() {
    // The orders are whole. Order 13 is there for nothing else; the others are children of clients.
    let mut question = rooted(shop(), CLIENTS, &["2"]);
    question.tables[ORDERS].takes = Takes::Whole;
    let parents = "clients: 1 2 | products: 7 8 9 | orders: 10 11 12 13 14";
    assert_eq!(told(&question), format!("{parents} | lines: 23 | regions: 1"));
    let all = Question { children: Children::All, ..question };
    assert_eq!(told(&all), format!("{parents} | lines: 20 21 22 23 24 | regions: 1"));
}

#[test]
fn tables_that_give_no_rows_refuse_their_children() {
    let never = |table: usize, roots: &[&str]| {
        let mut question = rooted(shop(), ORDERS, roots);
        question.tables[table].takes = Takes::Nothing;
        told(&question)
    };
    assert_eq!(never(PRODUCTS, &["12"]), "refused at 1");
    assert_eq!(never(CLIENTS, &["12"]), "refused at 0");
    assert_eq!(never(CLIENTS, &["13"]), "products: 9 | orders: 13"); // It references none.
    assert_eq!(never(LINES, &["12"]), "clients: 2 | products: 7 | orders: 12 | regions: 1");
}

#[test]
fn polymorphic_references_count_where_the_type_says_so() {
    let mut question = shop();
    question
        .tables
        .push(held("notes", &["30 Order 10", "31 Client 1", "32 Order 1", "33 Other 10", "34 - 10", "35 Order -"]));
    for (parent, word) in [(ORDERS, "Order"), (CLIENTS, "Client")] {
        question.links.push(Link { of_type: Some((1, word.into())), ..link((5, 2), parent) });
    }
    let notes = |key: &str| told(&rooted(question.clone(), 5, &[key]));
    assert_eq!(notes("30"), "clients: 1 | products: 7 | orders: 10 | regions: 1 | notes: 30");
    assert_eq!(notes("31"), "clients: 1 | regions: 1 | notes: 31");
    for alone in ["32", "33", "34", "35"] {
        assert_eq!(notes(alone), format!("notes: {alone}"));
    }
    assert_eq!(
        told(&rooted(question.clone(), ORDERS, &["10"])),
        "clients: 1 | products: 7 | orders: 10 | lines: 20 21 | regions: 1 | notes: 30"
    );
    let Answer::Taken(taken) = rooted(question.clone(), 5, &["30", "32", "33"]).answer() else { panic!("refused") };
    assert_eq!(question.counted(&question.links[4], &taken), (2, 1)); // Nothing is order 1.
}

#[test]
fn circles_end_and_composite_keys_need_every_part() {
    // Key, the one above, and a pair that references key and letter.
    let tree = held("tree", &["1 - a 5 b", "2 1 b 1 a", "3 2 a 2 -", "4 4 a - a", "5 6 b 1 b", "6 5 a 4 a"]);
    let pair = Link { columns: vec![3, 4], parent_columns: vec![0, 2], ..link((0, 3), 0) };
    let question = Question { tables: vec![tree], links: vec![link((0, 1), 0), pair], ..shop() };
    let from = |children, key: &str| told(&Question { children, ..rooted(question.clone(), 0, &[key]) });
    // 1 references 5 b, 5 references 6, 6 references 5 and 4 a.
    assert_eq!(from(Children::None, "1"), "tree: 1 4 5 6");
    assert_eq!(from(Children::None, "3"), "tree: 1 2 3 4 5 6");
    assert_eq!(from(Children::None, "4"), "tree: 4");
    assert_eq!(from(Children::Down, "4"), "tree: 1 2 3 4 5 6");
}

#[test]
fn postgresql_counts_null_as_the_highest() {
    let choice = Choice { order: vec![(1, false)], limit: Some(1), ..Choice::default() };
    let question = Question { roots: vec![(ORDERS, choice)], children: Children::None, links: Vec::new(), ..shop() };
    assert_eq!(told(&question), "orders: 13");
    assert_eq!(told(&Question { engine: EngineKind::Postgres, ..question }), "orders: 10");
}

#[test]
fn random_worlds_have_what_they_are_for() {
    let mut seen = BTreeSet::new();
    for seed in 0..150 {
        let world = World::new(EngineKind::Sqlite, seed);
        assert_eq!(world.script(), World::new(EngineKind::Sqlite, seed).script());
        let rules = Rules::new(&world, seed);
        assert_eq!(rules.toml(&world), Rules::new(&world, seed).toml(&world));
        for tie in &world.ties {
            let columns = &world.tables[tie.child].columns;
            let required = tie.columns.iter().all(|&at| !columns[at].nullable);
            seen.insert(format!("tie of {} columns", tie.columns.len()));
            seen.insert(format!("declared {}, required {required}", tie.declared));
            seen.insert(format!("to itself {}, typed {}", tie.child == tie.parent, tie.of_type.is_some()));
            seen.insert(format!("to the key {}", tie.parent_columns == world.tables[tie.parent].key));
        }
        for shape in &world.tables {
            seen.insert(format!("key of {} columns", shape.key.len()));
            seen.insert(format!("{} rows", if shape.rows.is_empty() { "no" } else { "some" }));
        }
        seen.insert(format!("{:?}", rules.children));
        seen.insert(format!("depth {}", rules.depth.is_some()));
        seen.extend(rules.takes.iter().map(|(takes, said)| format!("{takes:?} {said:?}")));
        seen.extend(
            rules
                .roots
                .iter()
                .map(|root| format!("root limit {}, percent {}", root.limit.is_some(), root.percent.is_some())),
        );
        seen.extend(rules.edges.iter().map(|edge| format!("edge {}, limit {}", edge.follow, edge.limit.is_some())));
        seen.insert(format!("nulls {}, permuted {}", rules.nulls.len(), rules.permuted(&world).is_some()));
    }
    let wanted = [
        "tie of 1 columns",
        "tie of 2 columns",
        "declared true, required true",
        "declared true, required false",
        "declared false, required false",
        "to itself true, typed false",
        "to itself false, typed true",
        "to the key true",
        "to the key false",
        "key of 0 columns",
        "key of 1 columns",
        "key of 2 columns",
        "no rows",
        "some rows",
        "None",
        "Down",
        "All",
        "depth true",
        "depth false",
        "Whole Listed",
        "Whole Mode",
        "Nothing Listed",
        "Nothing Mode",
        "root limit true, percent true",
        "root limit false, percent false",
        "edge true, limit true",
        "edge false, limit false",
        "nulls 1, permuted false",
        "nulls 0, permuted true",
    ];
    let lacking: Vec<&&str> = wanted.iter().filter(|wanted| !seen.contains(**wanted)).collect();
    assert!(lacking.is_empty(), "{lacking:?}, {seen:?}");
}
