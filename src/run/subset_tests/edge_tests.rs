//! Small subsets worked out by hand from docs/subset.md, and what a subset meets at its edges.

use super::{given, on_every_engine, taken, taken_by};
use crate::error::Kind;
use crate::model::schema::EngineKind;
use crate::run::subset_testing::{Given, toml};
use std::fmt::Write as _;

on_every_engine!(
    parents_and_children_as_the_page_says,
    edges_choose_among_the_children_of_each_row,
    roots_are_limited_in_order_and_then_by_key,
    tables_without_rows_refuse_what_references_them,
    whole_tables_bring_parents_only,
    types_decide_what_an_id_means,
    ids_of_different_types_live_in_one_column,
    circles_of_required_references_close,
    roots_that_match_nothing,
    two_references_between_the_same_tables_are_two,
    rows_without_a_key_are_counted_once_each,
    references_that_find_nothing_are_counted,
);

/// Clients in regions order products; orders have lines, and perhaps an order before them.
const SHOP: &str = "
    CREATE TABLE regions (id INTEGER NOT NULL PRIMARY KEY);
    CREATE TABLE clients (id INTEGER NOT NULL PRIMARY KEY, region_id INTEGER, FOREIGN KEY (region_id) REFERENCES regions (id));
    CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY);
    CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, client_id INTEGER, product_id INTEGER NOT NULL, amount INTEGER,
        FOREIGN KEY (client_id) REFERENCES clients (id), FOREIGN KEY (product_id) REFERENCES products (id));
    CREATE TABLE order_lines (id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL, FOREIGN KEY (order_id) REFERENCES orders (id));
    INSERT INTO regions VALUES (1), (2), (3);
    INSERT INTO clients VALUES (1, 1), (2, 1), (3, 2), (4, NULL);
    INSERT INTO products VALUES (7), (8), (9);
    INSERT INTO orders VALUES (10, 1, 7, 5), (11, 1, 8, 9), (12, 2, 7, 5), (13, NULL, 9, 1), (14, 1, 7, 9);
    INSERT INTO order_lines VALUES (20, 10), (21, 10), (22, 11), (23, 12), (24, 14);";

fn check(given: &Given, cases: &[(&str, &str)]) {
    for (subset, expected) in cases {
        let found = taken(given, subset).unwrap_or_else(|error| panic!("{subset}: {error} {:?}", error.causes()));
        assert_eq!(found, *expected, "{subset}");
    }
}

fn parents_and_children_as_the_page_says(engine: EngineKind) {
    let lines = "[[subset.roots]]\ntable = \"order_lines\"\nwhere = \"id IN (20, 23)\"";
    let client = "[[subset.roots]]\ntable = \"clients\"\nwhere = \"id = 2\"";
    let region = "[[subset.roots]]\ntable = \"regions\"\nwhere = \"id = 1\"";
    let order = "[[subset.roots]]\ntable = \"orders\"\nwhere = \"id = 12\"";
    let of_lines = "clients: 1 2 | order_lines: 20 23 | orders: 10 12 | products: 7 | regions: 1";
    let of_client = "clients: 2 | order_lines: 23 | orders: 12 | products: 7 | regions: 1";
    let cases = [
        (format!("children = \"none\"\n{lines}"), of_lines),
        (format!("children = \"down\"\n{lines}"), of_lines),
        (client.to_owned(), of_client),
        (format!("children = \"none\"\n{client}"), "clients: 2 | regions: 1"),
        (
            format!("children = \"all\"\n{client}"),
            "clients: 1 2 | order_lines: 20 21 22 23 24 | orders: 10 11 12 14 | products: 7 8 | regions: 1",
        ),
        (format!("depth = 0\n{region}"), "regions: 1"),
        (format!("depth = 1\n{region}"), "clients: 1 2 | regions: 1"),
        (format!("depth = 2\n{region}"), "clients: 1 2 | orders: 10 11 12 14 | products: 7 8 | regions: 1"),
        (
            format!("children = \"all\"\ndepth = 1\n{order}"),
            "clients: 1 2 | order_lines: 23 | orders: 10 12 14 | products: 7 | regions: 1",
        ),
        (
            format!("children = \"all\"\ndepth = 2\n{order}"),
            "clients: 1 2 | order_lines: 20 21 23 24 | orders: 10 11 12 14 | products: 7 8 | regions: 1",
        ),
        // The shortest way counts: order 10 is two steps from the region, and a root.
        (
            format!("depth = 2\n{region}\n[[subset.roots]]\ntable = \"orders\"\nwhere = \"id = 10\""),
            "clients: 1 2 | order_lines: 20 21 | orders: 10 11 12 14 | products: 7 8 | regions: 1",
        ),
        // Two roots of one table.
        (format!("children = \"none\"\n{client}\n{}", client.replace('2', "4")), "clients: 2 4 | regions: 1"),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(subset, expected)| (subset.as_str(), *expected)).collect();
    check(&given(engine, SHOP), &cases);
}

fn edges_choose_among_the_children_of_each_row(engine: EngineKind) {
    let root = "[[subset.roots]]\ntable = \"clients\"\nwhere = \"id < 3\"\n[[subset.edges]]\ntable = \"orders\"\ncolumns = \"client_id\"\n";
    let cases = [
        ("limit = 1", "clients: 1 2 | order_lines: 20 21 23 | orders: 10 12 | products: 7 | regions: 1"),
        (
            "limit = 1\norder = \"amount desc\"",
            "clients: 1 2 | order_lines: 22 23 | orders: 11 12 | products: 7 8 | regions: 1",
        ),
        (
            "limit = 1\norder = [\"amount\", \"id desc\"]\nwhere = \"amount > 5\"",
            "clients: 1 2 | order_lines: 24 | orders: 14 | products: 7 | regions: 1",
        ),
        ("where = \"amount = 9\"", "clients: 1 2 | order_lines: 22 24 | orders: 11 14 | products: 7 8 | regions: 1"),
        ("follow = false", "clients: 1 2 | regions: 1"),
        (
            "follow = false\n[[subset.roots]]\ntable = \"products\"\nwhere = \"id = 8\"",
            "clients: 1 2 | order_lines: 22 | orders: 11 | products: 8 | regions: 1",
        ),
    ];
    let given = given(engine, SHOP);
    for (edge, expected) in cases {
        check(&given, &[(&format!("{root}{edge}"), expected)]);
    }
}

fn roots_are_limited_in_order_and_then_by_key(engine: EngineKind) {
    let root = "children = \"none\"\n[[subset.roots]]\ntable = \"orders\"\n";
    let given = given(engine, SHOP);
    for (choice, orders) in [
        ("limit = 1", "orders: 10 |"),
        ("limit = 2\norder = \"amount\"", "orders: 10 13 |"),
        ("limit = 1\norder = \"amount desc\"", "orders: 11 |"),
        ("limit = 1\norder = \"amount desc, id desc\"", "orders: 14 |"),
        ("limit = 1\nwhere = \"client_id = 2\"", "orders: 12 |"),
        ("limit = 99999", "orders: 10 11 12 13 14 |"),
    ] {
        let found = taken(&given, &format!("{root}{choice}")).unwrap();
        assert!(found.contains(orders), "{choice}: {found}");
    }
}

fn tables_without_rows_refuse_what_references_them(engine: EngineKind) {
    let given = given(engine, SHOP);
    let root = |keys: &str| format!("[[subset.roots]]\ntable = \"orders\"\nwhere = \"id IN ({keys})\"");
    let all = toml(&given.place, &format!("never = [\"clients\"]\n{}", root("12, 13")));
    let by_mode = |mode: &str| {
        let text = toml(&given.place, &root("12"));
        let at = text.find("clients\"]\nmode = \"capture\"").unwrap();
        format!("{}{}", &text[..at], text[at..].replacen("\"capture\"", &format!("\"{mode}\""), 1))
    };
    for policy in [all.clone(), by_mode("structure"), by_mode("exclude")] {
        let error = taken_by(&given, &policy).unwrap_err();
        assert_eq!(error.kind(), Kind::Policy, "{error}");
        let what = error.what();
        assert!(what.contains("orders") && what.contains("client_id") && what.contains("clients"), "{what}");
        assert!(error.hint_text().is_some(), "{what}");
    }
    // Nobody references it, so nobody misses it; and what a mask empties references nothing.
    let alone = all.replace("12, 13", "13");
    assert_eq!(taken_by(&given, &alone).unwrap(), "orders: 13 | products: 9");
    let masked = all.replace("\"client_id\", ", "");
    let at = masked.find("orders\"]\nmode").unwrap();
    let masked = format!(
        "{}{}",
        &masked[..at],
        masked[at..].replacen("\n[tables", "\ncolumns = { client_id = \"null\" }\n[tables", 1)
    );
    assert_eq!(taken_by(&given, &masked).unwrap(), "order_lines: 23 | orders: 12 13 | products: 7 9");
    // Children in such a table do not come.
    let lines = toml(&given.place, &format!("never = [\"order_lines\"]\n{}", root("12")));
    assert_eq!(taken_by(&given, &lines).unwrap(), "clients: 2 | orders: 12 | products: 7 | regions: 1");
}

fn whole_tables_bring_parents_only(engine: EngineKind) {
    let nobody = "[[subset.roots]]\ntable = \"regions\"\nwhere = \"id = 3\"\n";
    let given = given(engine, SHOP);
    let whole = format!("whole = [\"clients\"]\n{nobody}");
    check(
        &given,
        &[
            (&whole, "clients: 1 2 3 4 | regions: 1 2 3"),
            (&format!("children = \"all\"\n{whole}"), "clients: 1 2 3 4 | regions: 1 2 3"),
            (
                &format!("{whole}[[subset.roots]]\ntable = \"clients\"\nwhere = \"id = 2\""),
                "clients: 1 2 3 4 | order_lines: 23 | orders: 12 | products: 7 | regions: 1 2 3",
            ),
        ],
    );
    // A table with mode = "reference" is whole.
    let policy = toml(&given.place, nobody);
    let at = policy.find("clients\"]\nmode = \"capture\"").unwrap();
    let policy = format!("{}{}", &policy[..at], policy[at..].replacen("\"capture\"", "\"reference\"", 1));
    assert_eq!(taken_by(&given, &policy).unwrap(), "clients: 1 2 3 4 | regions: 1 2 3");
}

const NOTES: &str = "
    CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY, about VARCHAR(20), about_id INTEGER);
    INSERT INTO notes VALUES (30, 'Order', 10), (31, 'Client', 1), (32, 'Order', 1), (33, 'Other', 10), (34, NULL, 10), (35, 'Order', NULL);";
const TYPED: &str = "[[subset.references]]\ntable = \"notes\"\ntype_column = \"about\"\nid_column = \"about_id\"\nmap = { Order = \"orders\", Client = \"clients\" }\n";

fn types_decide_what_an_id_means(engine: EngineKind) {
    let given = given(engine, &format!("{SHOP}{NOTES}"));
    let rooted =
        |table: &str, key: u32| format!("{TYPED}[[subset.roots]]\ntable = \"{table}\"\nwhere = \"id = {key}\"");
    check(
        &given,
        &[
            (&rooted("notes", 30), "clients: 1 | notes: 30 | orders: 10 | products: 7 | regions: 1"),
            (&rooted("notes", 31), "clients: 1 | notes: 31 | regions: 1"),
            (&rooted("notes", 32), "notes: 32"),
            (&rooted("notes", 33), "notes: 33"),
            (&rooted("notes", 34), "notes: 34"),
            (&rooted("notes", 35), "notes: 35"),
            (
                &rooted("orders", 10),
                "clients: 1 | notes: 30 | order_lines: 20 21 | orders: 10 | products: 7 | regions: 1",
            ),
            (&format!("depth = 1\n{}", rooted("clients", 3)), "clients: 3 | regions: 2"),
        ],
    );
    let never = format!("never = [\"orders\", \"order_lines\"]\n{}", rooted("notes", 30));
    let error = taken(&given, &never).unwrap_err();
    assert!(
        error.kind() == Kind::Policy && error.what().contains("notes") && error.what().contains("orders"),
        "{error}"
    );
    assert_eq!(taken(&given, &never.replace("30", "31")).unwrap(), "clients: 1 | notes: 31 | regions: 1");
}

/// As in the page's own example: some ids are numbers, others words, and the column holds both.
fn ids_of_different_types_live_in_one_column(engine: EngineKind) {
    let script = "CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY);
        CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY, sku VARCHAR(20) UNIQUE);
        CREATE TABLE comments (id INTEGER NOT NULL PRIMARY KEY, kind VARCHAR(20), target VARCHAR(20));
        INSERT INTO orders VALUES (1), (2), (10); INSERT INTO products VALUES (5, 'A-1'), (6, '2');
        INSERT INTO comments VALUES (1, 'Order', '2'), (2, 'Sku', 'A-1'), (3, 'Sku', '2'), (4, 'Order', 'A-1'), (5, 'Order', '10');";
    let given = given(engine, script);
    let subset = |table: &str, choice: &str| {
        format!(
            "[[subset.references]]\ntable = \"comments\"\ntype_column = \"kind\"\nid_column = \"target\"\n\
             map = {{ Order = \"orders\", Sku = {{ table = \"products\", columns = \"sku\" }} }}\n[[subset.roots]]\ntable = \"{table}\"\nwhere = \"{choice}\""
        )
    };
    check(
        &given,
        &[
            (&subset("comments", "id = 1"), "comments: 1 | orders: 2"),
            (&subset("comments", "id IN (2, 3)"), "comments: 2 3 | products: 5 6"),
            (&subset("comments", "id = 4"), "comments: 4"),
            (&subset("orders", "id > 1"), "comments: 1 5 | orders: 2 10"),
            (&subset("products", "id = 6"), "comments: 3 | products: 6"),
        ],
    );
}

fn circles_of_required_references_close(engine: EngineKind) {
    let mut script = "CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY, b INTEGER NOT NULL);
        CREATE TABLE b (id INTEGER NOT NULL PRIMARY KEY, c INTEGER NOT NULL);
        CREATE TABLE c (id INTEGER NOT NULL PRIMARY KEY, a INTEGER NOT NULL, own INTEGER NOT NULL);
        INSERT INTO a VALUES (1, 1), (2, 2), (3, 3); INSERT INTO b VALUES (1, 1), (2, 2), (3, 3);
        INSERT INTO c VALUES (1, 2, 1), (2, 1, 1), (3, 3, 3);"
        .to_owned();
    if engine == EngineKind::Sqlite {
        for (table, other) in [("a", "b"), ("b", "c"), ("c", "a")] {
            let column = format!("{other} INTEGER NOT NULL");
            let at = script.find(&format!("TABLE {table} ")).unwrap();
            let tail = script[at..].replacen(
                &column,
                &format!("{column} REFERENCES {other} DEFERRABLE INITIALLY DEFERRED"),
                1,
            );
            script.replace_range(at.., &tail);
        }
        script = script.replace("own INTEGER NOT NULL", "own INTEGER NOT NULL REFERENCES c (id)");
    } else {
        for (table, column, other) in [("a", "b", "b"), ("b", "c", "c"), ("c", "a", "a"), ("c", "own", "c")] {
            writeln!(script, "ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {other} (id);").unwrap();
        }
    }
    let given = given(engine, &script);
    let subset = |table: &str, key: u32| format!("[[subset.roots]]\ntable = \"{table}\"\nwhere = \"id = {key}\"");
    check(
        &given,
        &[
            (&subset("a", 1), "a: 1 2 | b: 1 2 | c: 1 2"),
            (&subset("c", 3), "a: 3 | b: 3 | c: 3"),
            (&format!("children = \"none\"\n{}", subset("b", 2)), "a: 1 2 | b: 1 2 | c: 1 2"),
        ],
    );
}

fn roots_that_match_nothing(engine: EngineKind) {
    let with_rows = given(engine, SHOP);
    let nothing = "[[subset.roots]]\ntable = \"clients\"\nwhere = \"id > 1000\"";
    let other = "[[subset.roots]]\ntable = \"regions\"\nwhere = \"id = 3\"";
    // One that matches nothing beside one that does is said; none that does is a mistake.
    check(&with_rows, &[(&format!("{nothing}\n{other}"), "regions: 3")]);
    for alone in [nothing.to_owned(), format!("whole = [\"regions\"]\n{nothing}\n{nothing}")] {
        let error = taken(&with_rows, &alone).unwrap_err();
        assert!(error.kind() == Kind::Policy && error.what().contains("clients"), "{error}");
    }
    // What a root chooses may be there already.
    let there = "[[subset.roots]]\ntable = \"clients\"\nwhere = \"id = 4\"";
    check(&with_rows, &[(&format!("whole = [\"clients\"]\n{there}"), "clients: 1 2 3 4 | regions: 1 2")]);
    check(&with_rows, &[(&format!("{there}\n{there}"), "clients: 4")]);
    let (schema, _) = SHOP.split_once("INSERT").unwrap();
    let empty = given(engine, schema);
    check(
        &empty,
        &[(nothing, ""), ("whole = [\"regions\"]\n[[subset.roots]]\ntable = \"orders\"\npercent = 50\nlimit = 3", "")],
    );
    let snapshot = empty.capture(&toml(&empty.place, nothing), "none", 2).unwrap();
    assert!(snapshot.manifest.tables.len() == 5 && snapshot.manifest.results.closure.dangling.is_empty());
}

fn two_references_between_the_same_tables_are_two(engine: EngineKind) {
    let script = "CREATE TABLE addresses (id INTEGER NOT NULL PRIMARY KEY);
        CREATE TABLE parcels (id INTEGER NOT NULL PRIMARY KEY, bill_to INTEGER, ship_to INTEGER,
            FOREIGN KEY (bill_to) REFERENCES addresses (id), FOREIGN KEY (ship_to) REFERENCES addresses (id));
        INSERT INTO addresses VALUES (1), (2), (3);
        INSERT INTO parcels VALUES (10, 1, 2), (11, 2, 2), (12, NULL, 1), (13, 3, NULL);";
    let root = "[[subset.roots]]\ntable = \"addresses\"\nwhere = \"id = 1\"\n";
    let edge = "[[subset.edges]]\ntable = \"parcels\"\ncolumns = \"ship_to\"\nfollow = false\n";
    check(
        &given(engine, script),
        &[
            (root, "addresses: 1 2 | parcels: 10 12"),
            (&format!("{root}{edge}"), "addresses: 1 2 | parcels: 10"),
            (&format!("children = \"all\"\n{root}{edge}"), "addresses: 1 2 | parcels: 10 11"),
        ],
    );
}

fn rows_without_a_key_are_counted_once_each(engine: EngineKind) {
    let script = "CREATE TABLE things (id INTEGER NOT NULL PRIMARY KEY);
        CREATE TABLE marks (word VARCHAR(20), thing_id INTEGER, FOREIGN KEY (thing_id) REFERENCES things (id));
        INSERT INTO things VALUES (1), (2);
        INSERT INTO marks VALUES ('a', 1), ('a', 1), ('a', 1), ('b', 1), ('c', 2), ('c', NULL), (NULL, NULL), (NULL, NULL);";
    let things = "[[subset.roots]]\ntable = \"things\"\n";
    let marks = "[[subset.roots]]\ntable = \"marks\"\n";
    let each =
        format!("{things}[[subset.edges]]\ntable = \"marks\"\ncolumns = \"thing_id\"\nlimit = 2\norder = \"word\"");
    let last = format!("{marks}limit = 2\norder = \"word desc\"\nwhere = \"word <> 'c'\"");
    // Where nothing tells rows apart, MySQL and MariaDB have no place of theirs to tell either: they come together.
    let alike = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
    check(
        &given(engine, script),
        &[
            (&format!("{things}where = \"id = 1\""), "marks: a a a b | things: 1"),
            (&format!("{marks}where = \"word = 'c'\""), "marks: c c | things: 2"),
            (&format!("{marks}where = \"thing_id IS NULL\""), "marks: - - c"),
            // The same rows by two roots and along a reference are still there as often as in the source.
            (&format!("{marks}where = \"word = 'a'\"\n{marks}{things}"), "marks: - - a a a b c c | things: 1 2"),
            (&each, if alike { "marks: a a a c | things: 1 2" } else { "marks: a a c | things: 1 2" }),
            (&last, if alike { "marks: a a a b | things: 1" } else { "marks: a b | things: 1" }),
        ],
    );
}

fn references_that_find_nothing_are_counted(engine: EngineKind) {
    let script = "CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY);
        CREATE TABLE logins (id INTEGER NOT NULL PRIMARY KEY, person INTEGER);
        INSERT INTO people VALUES (1), (2); INSERT INTO logins VALUES (10, 1), (11, 99), (12, NULL), (13, 98);";
    let virtual_one = "[[subset.references]]\ntable = \"logins\"\ncolumns = \"person\"\nparent = \"people\"\n";
    let given = given(engine, script);
    let subset = format!("{virtual_one}[[subset.roots]]\ntable = \"logins\"\nwhere = \"id < 13\"");
    check(&given, &[(&subset, "logins: 10 11 12 | people: 1")]);
    let snapshot = given.repository.find("s").unwrap();
    let closure = &snapshot.manifest.results.closure;
    let said = closure.references.iter().map(|said| (said.reference.undeclared, said.rows, said.dangling));
    assert_eq!(said.collect::<Vec<_>>(), [(true, 2, 1)]);
}

#[test]
fn a_foreign_key_that_dangles_in_the_source_is_captured_as_it_is() {
    let script =
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
        INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (10, 1), (11, 77), (12, 78)";
    let given = given(EngineKind::Sqlite, script);
    check(&given, &[("[[subset.roots]]\ntable = \"c\"\nwhere = \"id < 12\"", "c: 10 11 | p: 1")]);
    let closure = given.repository.find("s").unwrap().manifest.results.closure;
    assert_eq!(closure.dangling.values().copied().collect::<Vec<_>>(), [1], "only of what was taken");
}

#[test]
fn a_subset_of_a_table_of_a_thousand_columns() {
    let columns: Vec<String> = (0..998).map(|at| format!("c{at} INTEGER DEFAULT {at}")).collect();
    let script = format!(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE wide (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, {});
         INSERT INTO p VALUES (1), (2); INSERT INTO wide (id, p) VALUES (10, 1), (11, 2), (12, 1)",
        columns.join(", ")
    );
    let given = given(EngineKind::Sqlite, &script);
    check(
        &given,
        &[
            ("[[subset.roots]]\ntable = \"wide\"\nwhere = \"id = 11 AND c997 = 997\"", "p: 2 | wide: 11"),
            ("[[subset.roots]]\ntable = \"p\"\nwhere = \"id = 1\"", "p: 1 | wide: 10 12"),
        ],
    );
}

#[test]
fn schemas_are_kept_apart_on_postgresql() {
    let script = "CREATE SCHEMA \"S 2\"; CREATE SCHEMA one; CREATE TABLE one.orders (id int PRIMARY KEY);
        CREATE TABLE \"S 2\".orders (id int PRIMARY KEY, other int REFERENCES one.orders);
        INSERT INTO one.orders VALUES (1), (2); INSERT INTO \"S 2\".orders VALUES (3, 2), (4, 1)";
    let given = given(EngineKind::Postgres, script);
    let root = |table: &str, key: u32| format!("[[subset.roots]]\ntable = \"{table}\"\nwhere = \"id = {key}\"");
    check(
        &given,
        &[(&root("S 2.orders", 3), "orders: 3 | orders: 2"), (&root("one.orders", 1), "orders: 4 | orders: 1")],
    );
    let error = taken(&given, &root("orders", 1)).unwrap_err();
    assert!(error.what().contains("several tables are called orders"), "{error}");
}
