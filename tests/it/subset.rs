//! Subsets from the outside: what a policy may ask for, what is refused and where, and what the command says.

use crate::support::{Scratch, number, sql};

const SHOP: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT, country TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients, placed INTEGER);
    CREATE TABLE letters (id INTEGER PRIMARY KEY, client INTEGER);
    CREATE TABLE tags (kind TEXT, target INTEGER);
    INSERT INTO clients VALUES (1, 'a', 'US'), (2, 'b', 'DE'), (3, 'c', NULL);
    INSERT INTO orders VALUES (10, 1, 5), (11, 1, 6), (12, 2, 7), (13, NULL, 8);
    INSERT INTO letters VALUES (20, 1), (21, 3), (22, 99);
    INSERT INTO tags VALUES ('Order', 10), ('Client', 3), ('Other', 1);";

const TABLES: &str = "
[tables.clients]
keep = [\"id\", \"name\", \"country\"]
[tables.orders]
keep = [\"id\", \"client_id\", \"placed\"]
[tables.letters]
keep = [\"id\", \"client\"]
[tables.tags]
keep = [\"kind\", \"target\"]
";

const CAPTURE: [&str; 6] = ["capture", "s", "--policy", "pii.toml", "--source", "sqlite:shop.sqlite"];

fn shop() -> Scratch {
    let scratch = Scratch::with_store();
    sql(&scratch.path("shop.sqlite"), SHOP);
    scratch
}

/// A policy whose third line is the first one of `subset`.
fn policy(scratch: &Scratch, subset: &str) {
    std::fs::write(scratch.path("pii.toml"), format!("version = 1\n[subset]\n{subset}\n{TABLES}")).unwrap();
}

const ROOT: &str = "[[subset.roots]]\ntable = \"clients\"\n";

#[test]
fn what_contradicts_itself_is_refused_with_its_place() {
    let scratch = shop();
    let structure = "[[subset.roots]]\ntable = \"letters\"\n[environments.dev.tables.letters]\nmode = \"structure\"";
    let whole = "whole = [\"letters\"]\n[environments.dev.tables.letters]\nmode = \"exclude\"";
    let cases: Vec<(String, i32, &str)> = vec![
        (format!("{ROOT}order = \"name\""), 4, "the order of root clients (name) says nothing without a limit"),
        (format!("{ROOT}limit = 0"), 4, "pii.toml:5:9: limit must be a whole number from 1"),
        (format!("{ROOT}limit = -1"), 4, "pii.toml:5:9: limit"),
        (format!("{ROOT}limit = 2.5"), 1, "pii.toml:5:9"),
        (format!("{ROOT}percent = 0"), 4, "pii.toml:5:11: percent must be a number from"),
        (format!("{ROOT}percent = 101"), 4, "pii.toml:5:11: percent"),
        (format!("{ROOT}percent = 100.0001"), 4, "pii.toml:5:11: percent"),
        (format!("{ROOT}percent = -3"), 4, "pii.toml:5:11: percent"),
        (format!("{ROOT}percent = 0.00001"), 4, "pii.toml:5:11: percent"),
        (format!("{ROOT}percent = nan"), 4, "pii.toml:5:11: percent"),
        ("roots = []".into(), 4, "pii.toml:3:9: the subset has no roots"),
        ("whole = [\"tags\"]\nnever = [\"letters\", \"tags\"]".into(), 4, "table tags is both in whole and in never"),
        (format!("never = [\"clients\"]\n{ROOT}"), 4, "table clients, whose rows the policy does not take"),
        (structure.into(), 4, "pii.toml:3:1: a root of the subset names table letters, whose rows"),
        (whole.into(), 4, "pii.toml:3:10: whole of the subset names table letters, whose rows"),
        ("children = \"up\"".into(), 1, "pii.toml:3:12: children cannot be 'up'"),
        ("depth = -1".into(), 1, "pii.toml:3:9: depth must be a whole number from 0 to 100"),
        ("depth = 101".into(), 1, "pii.toml:3:9: depth"),
        ("deep = 1".into(), 1, "pii.toml:3:1"),
        (format!("{ROOT}wher = \"id = 1\""), 1, "pii.toml:5:1"),
        ("[[subset.roots]]\nlimit = 1".into(), 1, "a root has no 'table'"),
        ("[[subset.edges]]\ntable = \"orders\"".into(), 1, "an edge has no 'columns'"),
        ("[[subset.edges]]\ntable = \"orders\"\ncolumns = []".into(), 1, "pii.toml:5:11: this names no column"),
        (
            "[[subset.edges]]\ntable = \"orders\"\ncolumns = \"placed\"".into(),
            4,
            "pii.toml:3:1: an edge names orders.placed, which references nothing that is captured",
        ),
        (
            "[[subset.edges]]\ntable = \"orders\"\ncolumns = \"client_id\"\nparent = \"tags\"".into(),
            4,
            "references nothing",
        ),
        ("[[subset.edges]]\ntable = \"orders\"\ncolumns = \"client_id\"\nlimit = 0".into(), 4, "pii.toml:6:9: limit"),
        (format!("{ROOT}limit = 1\norder = \"name,\""), 1, "an order without a column"),
        (
            "[[subset.references]]\ntable = \"tags\"\ncolumns = [\"kind\", \"target\"]\nparent = \"clients\"".into(),
            4,
            "a reference has 2 columns on one side and 1 on the other",
        ),
        ("[[subset.references]]\ntable = \"tags\"\ntype_column = \"kind\"\nmap = { }".into(), 1, "has no 'id_column'"),
    ];
    for (subset, code, why) in &cases {
        policy(&scratch, subset);
        let message = scratch.fails(*code, &CAPTURE);
        assert!(message.contains(why), "{subset}: {message}");
    }
    assert_eq!(scratch.packs(), 0);
}

#[test]
fn what_the_database_does_not_have_is_drift() {
    let scratch = shop();
    let reference = |rest: &str| format!("[[subset.references]]\n{rest}");
    for (subset, why) in [
        ("[[subset.roots]]\ntable = \"client\"".to_owned(), "table client, which the database does not have"),
        ("never = [\"audit\"]".to_owned(), "pii.toml:3:10: never of the subset names table audit"),
        ("whole = [\"rates\"]".to_owned(), "pii.toml:3:10: whole of the subset names table rates"),
        (format!("{ROOT}limit = 1\norder = \"nam\""), "pii.toml:6:9: there is no column clients.nam"),
        ("[[subset.edges]]\ntable = \"oders\"\ncolumns = \"client_id\"".to_owned(), "table oders"),
        ("[[subset.edges]]\ntable = \"orders\"\ncolumns = \"client\"".to_owned(), "there is no column orders.client"),
        (
            reference("table = \"letter\"\ncolumns = \"client\"\nparent = \"clients\""),
            "pii.toml:3:1: a reference of the policy names table letter",
        ),
        (reference("table = \"letters\"\ncolumns = \"client\"\nparent = \"client\""), "table client"),
        (reference("table = \"letters\"\ncolumns = \"client_id\"\nparent = \"clients\""), "column letters.client_id"),
        (
            reference("table = \"letters\"\ncolumns = \"client\"\nparent = \"clients\"\nparent_columns = \"key\""),
            "column clients.key",
        ),
        (
            reference("table = \"tags\"\ntype_column = \"type\"\nid_column = \"target\"\nmap = { Order = \"orders\" }"),
            "column tags.type",
        ),
        (
            reference("table = \"tags\"\ntype_column = \"kind\"\nid_column = \"target\"\nmap = { Order = \"order\" }"),
            "table order",
        ),
    ] {
        policy(&scratch, &subset);
        let message = scratch.fails(3, &CAPTURE);
        assert!(message.contains(why), "{subset}: {message}");
    }
}

#[test]
fn a_where_that_is_no_condition_is_refused_with_its_character() {
    let scratch = shop();
    for (condition, why) in [
        ("contry = 'US'", "clients has no column 'contry' (character 1). Did you mean 'country'?"),
        ("id = 1 AND nam = 'a'", "(character 12)"),
        ("id IN (SELECT client_id FROM orders)", "subquery"),
        ("EXISTS (SELECT 1 FROM orders)", "subquery"),
        ("country = 'US' -- all", "(character 16)"),
        ("country = 'US' /* all */", "comment"),
        ("country = 'US'; DELETE FROM clients", "(character 15)"),
        ("country = 'US') OR (1 = 1", "goes on behind its end (character 15)"),
        ("load_extension('x') = 1", "function load_extension is not among the allowed ones"),
        ("random() > 0", "function random is not among the allowed ones"),
        ("letters.id = 1", "'letters' is not the table that the condition speaks of"),
        ("id + 1", "a value, not a condition"),
        ("id = ?", "placeholder"),
        ("", "the condition is not one that can be used"),
    ] {
        policy(&scratch, &format!("{ROOT}where = {condition:?}"));
        let message = scratch.fails(4, &CAPTURE);
        assert!(message.contains(why) && message.contains("pii.toml:5:9: where of clients"), "{condition}: {message}");
        let edge = format!("[[subset.edges]]\ntable = \"orders\"\ncolumns = \"client_id\"\nwhere = {condition:?}");
        policy(&scratch, &format!("{ROOT}{edge}"));
        let message = scratch.fails(4, &CAPTURE);
        assert!(message.contains("pii.toml:8:9: where of orders"), "{condition}: {message}");
    }
    assert_eq!(number(&scratch.path("shop.sqlite"), "SELECT count(*) FROM clients"), 3);
}

#[test]
fn a_subset_is_captured_restored_and_taken_out_again() {
    let scratch = shop();
    policy(
        &scratch,
        &format!(
            "{ROOT}where = \"country = 'US'\"\n[[subset.references]]\ntable = \"letters\"\ncolumns = \"client\"\nparent = \"clients\""
        ),
    );
    let dry = scratch.json(&[&CAPTURE[..], &["--dry-run"]].concat());
    assert_eq!((dry["rows"].as_u64(), scratch.packs()), (Some(4), 0), "{dry}");
    let done = scratch.json(&CAPTURE);
    assert_eq!(done["rows"].as_u64(), Some(4), "{done}");
    scratch.ok(&["verify"]);
    scratch.ok(&["restore", "s", "--target", "sqlite:dev.sqlite"]);
    let dev = scratch.path("dev.sqlite");
    assert_eq!(number(&dev, "SELECT count(*) FROM clients WHERE id = 1"), 1);
    assert_eq!(
        number(&dev, "SELECT CAST(group_concat(id, '') AS INTEGER) FROM (SELECT id FROM orders ORDER BY id)"),
        1011
    );
    assert_eq!(number(&dev, "SELECT id FROM letters"), 20);
    assert_eq!(number(&dev, "SELECT count(*) FROM tags"), 0);
    assert_eq!(number(&dev, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    scratch.ok(&["rollback", "--target", "sqlite:dev.sqlite", "--yes"]);
    assert_eq!(number(&dev, "SELECT count(*) FROM sqlite_master WHERE type = 'table'"), 0);
}

#[test]
fn without_roots_every_row_is_taken() {
    let scratch = shop();
    for subset in ["", "children = \"none\"\ndepth = 0", "never = [\"letters\"]"] {
        policy(&scratch, subset);
        let rows = scratch.json(&CAPTURE)["rows"].as_u64();
        assert_eq!(rows, Some(if subset.starts_with("never") { 10 } else { 13 }), "{subset}");
    }
}

#[test]
fn what_is_reached_but_left_out_is_refused_by_name() {
    let scratch = shop();
    let root = "[[subset.roots]]\ntable = \"orders\"\nwhere = \"id IN (12, 13)\"";
    policy(&scratch, &format!("never = [\"clients\"]\n{root}"));
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("orders.client_id -> clients.id") && message.contains("null"), "{message}");
    assert_eq!(scratch.packs(), 0);
    policy(&scratch, &format!("never = [\"clients\"]\n{}", root.replace("12, ", "")));
    assert_eq!(scratch.json(&CAPTURE)["rows"].as_u64(), Some(1));
    // Along a polymorphic reference as well.
    let tags = "[[subset.references]]\ntable = \"tags\"\ntype_column = \"kind\"\nid_column = \"target\"\nmap = { Order = \"orders\", Client = \"clients\" }\n[[subset.roots]]\ntable = \"tags\"";
    policy(&scratch, &format!("never = [\"clients\", \"orders\"]\n{tags}\nwhere = \"kind <> 'Order'\""));
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("tags.target -> clients.id [kind = Client]"), "{message}");
    policy(&scratch, &format!("never = [\"clients\", \"orders\"]\n{tags}\nwhere = \"kind = 'Other'\""));
    assert_eq!(scratch.json(&CAPTURE)["rows"].as_u64(), Some(1));
}

/// 2,000 clients, 12,000 orders (statuses: one in three thousand is rare) and 24,000 lines; no line has a status of its own.
const MANY: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, country TEXT NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL REFERENCES clients, status TEXT NOT NULL,
        invoice_id INTEGER REFERENCES orders);
    CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, note TEXT);
    CREATE INDEX by_client ON orders (client_id);
    CREATE INDEX by_invoice ON orders (invoice_id);
    CREATE INDEX by_order ON lines (order_id);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO clients SELECT i, CASE WHEN i = 1777 THEN 'LI' WHEN i % 3 = 0 THEN 'US' ELSE 'DE' END FROM n;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
        INSERT INTO orders SELECT i, 1 + i % 2000, CASE WHEN i % 3001 = 2999 THEN 'lost' WHEN i % 7 = 0 THEN 'open' ELSE 'done' END,
        CASE WHEN i % 4000 = 3997 THEN i - 5 END FROM n;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24000)
        INSERT INTO lines SELECT i, 1 + i % 12000, 'n' FROM n;";

const MANY_TABLES: &str = "version = 1\n[tables.clients]\nkeep = [\"id\", \"country\"]\n\
    [tables.orders]\nkeep = [\"id\", \"client_id\", \"status\", \"invoice_id\"]\n\
    [tables.lines]\nkeep = [\"id\", \"order_id\", \"note\"]\n";

/// A size is about what it says, holds every kind of row that its roots lead to, old and new ones, and is the same again.
#[test]
fn a_size_has_every_kind_of_row_and_is_the_same_again() {
    let scratch = Scratch::with_store();
    sql(&scratch.path("shop.sqlite"), MANY);
    for (nth, roots) in ["", "[[subset.roots]]\ntable = \"clients\"\nwhere = \"country <> 'DE'\"\n"].iter().enumerate()
    {
        std::fs::write(scratch.path("pii.toml"), format!("{MANY_TABLES}{roots}")).unwrap();
        for (size, about) in [("small", 1_000), ("medium", 10_000)] {
            let rows = |name: &str| {
                let ask = ["capture", name, "--policy", "pii.toml", "--source", "sqlite:shop.sqlite", "--size", size];
                let taken = scratch.json(&ask);
                (taken["rows"].as_u64().unwrap(), scratch.json(&["show", name])["manifest"]["tables"].clone())
            };
            let (first, again) = (rows("first"), rows("again"));
            assert!((about..about * 6 / 5).contains(&first.0), "{size}: {} rows", first.0);
            let digests = |tables: &serde_json::Value| -> Vec<String> {
                tables.as_array().unwrap().iter().map(|table| table["digest"].to_string()).collect()
            };
            assert_eq!(digests(&first.1), digests(&again.1));
            let target = scratch.path(&format!("{size}-{nth}.sqlite"));
            scratch.ok(&["restore", "first", "--target", &format!("sqlite:{}", target.display()), "--yes"]);
            let count = |text: &str| number(&target, text);
            assert_eq!(count("SELECT count(DISTINCT status) FROM orders"), 3, "a status is missing");
            assert_eq!(
                count("SELECT count(DISTINCT country) FROM clients WHERE country <> 'DE'"),
                2,
                "a country is missing"
            );
            assert!(
                count("SELECT count(*) FROM orders WHERE invoice_id IS NOT NULL") > 0,
                "the rare branch is missing"
            );
            assert!(count("SELECT count(*) FROM orders WHERE id < 3000") > 10, "old rows are missing");
            assert!(count("SELECT count(*) FROM orders WHERE id > 9000") > 10, "new rows are missing");
            assert_eq!(count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
        }
    }
}
