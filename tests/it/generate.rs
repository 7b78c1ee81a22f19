//! `generate`, `import csv` and `coverage` from the outside: from a schema or files to rows in a database, and out of it again.

use crate::documents::commands;
use crate::support::{Scratch, dump, number, sql};
use serde_json::Value;

const SHOP: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, kind TEXT NOT NULL DEFAULT 'shop',
        since DATE, CHECK (kind IN ('shop', 'farm')));
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL REFERENCES clients, total NUMERIC CHECK (total >= 0));
    CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER, text TEXT);
    CREATE TABLE schema_migrations (version TEXT PRIMARY KEY);";
const TARGET: [&str; 2] = ["--target", "sqlite:shop.sqlite"];
const SCHEMA: [&str; 2] = ["--schema", "sqlite:shop.sqlite"];

fn shop() -> Scratch {
    let scratch = Scratch::with_store();
    sql(&scratch.path("shop.sqlite"), SHOP);
    scratch
}

fn count(scratch: &Scratch, query: &str) -> i64 {
    number(&scratch.path("shop.sqlite"), query)
}

fn digests(scratch: &Scratch, snapshot: &str) -> Vec<(String, String)> {
    let shown: Value = scratch.json(&["show", snapshot]);
    let tables = shown["manifest"]["tables"].as_array().unwrap();
    let text = |table: &Value, field: &str| table[field].to_string();
    tables.iter().map(|table| (text(table, "table"), text(table, "digest"))).collect()
}

#[test]
fn made_up_rows_go_the_way_of_every_snapshot() {
    let scratch = shop();
    let before = dump(&scratch.path("shop.sqlite"));
    let made = scratch.json(&[&["generate", "demo"], &SCHEMA[..], &["--rows", "clients=12"]].concat());
    assert_eq!(dump(&scratch.path("shop.sqlite")), before, "nothing is written to --schema");
    assert!(made["rows"].as_u64().unwrap() > 12);
    scratch.ok(&["verify", "demo", "--read-data"]);
    scratch.ok(&["verify", "demo", "--leaks"]);
    assert!(scratch.ok(&["show", "demo"]).contains("seed 1"));
    // The database that the schema was read of is a target like any other.
    scratch.ok(&[&["restore", "demo"], &TARGET[..]].concat());
    assert_eq!(count(&scratch, "SELECT count(*) FROM clients"), 12);
    assert_eq!(count(&scratch, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(count(&scratch, "SELECT count(*) FROM notes WHERE order_id NOT IN (SELECT id FROM orders)"), 0);
    assert!(scratch.ok(&[&["coverage"], &TARGET[..]].concat()).contains("demo@"));
    scratch.ok(&[&["rollback", "--yes"], &TARGET[..]].concat());
    assert_eq!(dump(&scratch.path("shop.sqlite")), before);
    let told = scratch.json(&[&["coverage"], &TARGET[..]].concat());
    assert_eq!(told["filled"], 0);
    scratch.ok(&["audit", "verify"]);
    for command in
        [&["list"][..], &["why", "demo", "orders", "1"], &["export", "demo", "./rows"], &["diff", "demo", "demo"]]
    {
        scratch.ok(command);
    }
}

#[test]
fn the_same_seed_makes_the_same_rows() {
    let scratch = shop();
    let generate = |name: &str, more: &[&str]| {
        scratch.ok(&[&["generate", name], &SCHEMA[..], more].concat());
        digests(&scratch, name)
    };
    let first = generate("first", &["--seed", "7"]);
    assert_eq!(generate("second", &["--seed", "7", "-j", "1"]), first);
    assert_ne!(generate("third", &["--seed", "8"]), first);
    let like = scratch.json(&["generate", "fourth", "--like", "first", "--seed", "9"]);
    let rows = |shown: &Value| {
        shown["tables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|table| {
                (table["table"]["name"].as_str().or(table["table"].as_str()).map(str::to_owned), table["rows"].clone())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&like), rows(&scratch.json(&["show", "first"])["manifest"]));
}

#[test]
fn only_what_is_empty_is_filled() {
    let scratch = shop();
    sql(&scratch.path("shop.sqlite"), "INSERT INTO clients (id, name) VALUES (41, 'mine'), (43, 'mine too')");
    scratch.ok(&[&["generate", "rest", "--only-empty"], &SCHEMA[..]].concat());
    scratch.ok(&["verify", "rest", "--read-data"]);
    scratch.ok(&[&["restore", "rest", "--yes"], &TARGET[..]].concat());
    assert_eq!(count(&scratch, "SELECT count(*) FROM clients"), 2);
    assert!(count(&scratch, "SELECT count(*) FROM orders WHERE client_id IN (41, 43)") > 0);
    assert_eq!(count(&scratch, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    scratch.ok(&[&["rollback", "--yes"], &TARGET[..]].concat());
    assert_eq!(count(&scratch, "SELECT count(*) FROM orders"), 0);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let scratch = shop();
    let fails = |code: i32, arguments: &[&str], part: &str| {
        let told = scratch.fails(code, &[&["generate", "x"], arguments].concat());
        assert!(told.contains(part), "{arguments:?}: {told}");
    };
    fails(1, &[], "--schema");
    fails(1, &["--schema", "sqlite:shop.sqlite", "--like", "y"], "--like");
    fails(1, &["--schema", "sqlite:shop.sqlite", "--rows", "clients"], "TABLE=N");
    fails(3, &["--schema", "sqlite:shop.sqlite", "--rows", "cleints=3"], "Did you mean clients?");
    fails(1, &["--schema", "sqlite:shop.sqlite", "--profile", "none.toml"], "none.toml");
    fails(1, &["--schema", "sqlite:shop.sqlite", "--scenario", "wild"], "light, full, edge, chaos");
    fails(9, &["--schema", "sqlite:none.sqlite"], "none.sqlite");
    sql(
        &scratch.path("shop.sqlite"),
        "CREATE TABLE people (email TEXT PRIMARY KEY); INSERT INTO people VALUES ('ann@corp.test');
         CREATE TABLE visits (id INTEGER PRIMARY KEY, email TEXT NOT NULL REFERENCES people);",
    );
    fails(4, &["--schema", "sqlite:shop.sqlite", "--only-empty"], "looks personal");
}

/// The folder `rows` with these files.
fn files(scratch: &Scratch, files: &[(&str, &str)]) {
    let folder = scratch.path("rows");
    std::fs::remove_dir_all(&folder).unwrap_or_default();
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

const IMPORT: [&str; 5] = ["import", "csv", "rows", "hand", "--schema"];

#[test]
fn hand_made_rows_become_a_snapshot() {
    let scratch = shop();
    let clients = "\u{feff}name,email,since\r\n\"Fern, \"\"the\"\" shop\",fern@example.com,2024-02-29\r\nMoss,,\r\n";
    files(
        &scratch,
        &[("clients.csv", clients), ("ORDERS.csv", "id,client_id,total\n7,1,12.50\n9,2,0"), ("readme.txt", "x")],
    );
    let import = [&IMPORT[..], &["sqlite:shop.sqlite"]].concat();
    assert!(scratch.ok(&[&import[..], &["--dry-run"]].concat()).contains("would import 4 rows of 2 files"));
    scratch.ok(&import);
    scratch.ok(&["verify", "hand", "--read-data"]);
    scratch.ok(&[&["restore", "hand"], &TARGET[..]].concat());
    let query = "SELECT count(*) FROM clients WHERE id = 1 AND name = 'Fern, \"the\" shop' AND kind = 'shop' AND since = '2024-02-29'";
    assert_eq!(count(&scratch, query), 1);
    assert_eq!(count(&scratch, "SELECT count(*) FROM clients WHERE id = 2 AND email IS NULL"), 1);
    assert_eq!(count(&scratch, "SELECT count(*) FROM orders WHERE id IN (7, 9)"), 2);
    let told = scratch.json(&[&["coverage"], &TARGET[..]].concat());
    let why = |name: &str| {
        let tables = told["tables"].as_array().unwrap();
        tables.iter().find(|table| table["table"] == name).unwrap()["why"].clone()
    };
    assert_eq!(
        (why("clients"), why("notes"), why("schema_migrations")),
        (Value::Null, "structure".into(), "migrations".into())
    );
    assert_eq!(told["percent"], 50);
    scratch.ok(&["audit", "verify"]);
}

/// Each file that is wrong, the exit code, and the place that is told.
const WRONG: &[(&str, &str, i32, &str)] = &[
    ("clients.csv", "", 1, "clients.csv: the file is empty"),
    ("clients.csv", "id,naem\n1,a", 3, "clients.csv:1:4"),
    ("clients.csv", "id,name,name\n1,a,b", 1, "clients.csv:1:9"),
    ("clients.csv", "id\n1", 5, "column name is missing"),
    ("clients.csv", "id,name\n1", 1, "clients.csv:2: 1 cells"),
    ("clients.csv", "id,name\nhunter2,a", 5, "clients.csv:2:1: column id"),
    ("clients.csv", "id,name\n1,\"hunter2", 1, "clients.csv:2:3"),
    ("clients.csv", "id,name\n1,a\n\n1,b", 5, "clients.csv:4: the primary key"),
    ("clients.csv", "id,name,email\n1,a,hunter2\n2,b,hunter2", 5, "line 2 has the same"),
    ("clients.csv", "id,name,kind\n1,a,hunter2", 5, "clients.csv:2: table clients: CHECK 1 of clients"),
    ("clients.csv", "id,name,since\n1,a,2023-02-29", 5, "clients.csv:2:5: column since"),
    ("clients.csv", "id,name,email\n1,a,hunter2@corp.com", 4, "clients.csv:2: 1 in column email"),
    ("orders.csv", "id,client_id\n1,5", 5, "orders.csv:2: client_id references"),
    ("cleints.csv", "id\n1", 3, "Did you mean clients.csv?"),
];

const REFUSING: &str = "CREATE TRIGGER no_farms BEFORE INSERT ON clients WHEN NEW.kind = 'farm'
    BEGIN SELECT RAISE(ABORT, 'no farms here'); END;";

/// What stands in the scratch databases' folder.
fn in_folder(scratch: &Scratch) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.path("proofs")).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sqlite"))
        .collect()
}

#[test]
fn rows_are_proved_in_a_database_that_goes_again() {
    let scratch = shop();
    let generate = [&["generate", "proved"], &SCHEMA[..], &["--prove", "sqlite:proofs"]].concat();
    scratch.ok(&generate);
    assert_eq!(in_folder(&scratch), ["registry.sqlite"]);
    sql(&scratch.path("shop.sqlite"), REFUSING);
    let told = scratch.fails(5, &generate);
    assert!(told.contains("rows of clients: a trigger") && told.contains("triggers: no_farms"), "{told}");
    assert!(told.contains("rows hanging on refused ones") && !told.contains("orders"), "{told}");
    assert_eq!(in_folder(&scratch), ["registry.sqlite"]);
    assert!(scratch.ok(&["list"]).matches("proved").count() == 1, "what is refused is not published");
}

#[test]
fn what_a_killed_proof_leaves_is_listed_and_goes() {
    let scratch = shop();
    let generate = [&["generate", "proved"], &SCHEMA[..], &["--rows", "clients=20000", "--prove", "sqlite:proofs"]];
    let mut child = scratch.command(&generate.concat()).spawn().unwrap();
    let left = || scratch.path("proofs").exists() && in_folder(&scratch).len() > 1;
    while !left() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let server = ["--server", "sqlite:proofs"];
    let listed = scratch.ok(&[&["doctor"], &server[..]].concat());
    assert!(listed.contains("scratch") && listed.contains("generate proved --prove"), "{listed}");
    let cleaned = scratch.ok(&[&["doctor", "--clean"], &server[..]].concat());
    assert!(cleaned.contains("a scratch database that was left half-made"), "{cleaned}");
    assert_eq!(in_folder(&scratch), ["registry.sqlite"]);
}

#[test]
fn what_is_wrong_with_a_file_is_told_by_its_place() {
    let scratch = shop();
    for (name, text, code, place) in WRONG {
        files(&scratch, &[(name, text)]);
        let told = scratch.fails(*code, &[&IMPORT[..], &["sqlite:shop.sqlite"]].concat());
        assert!(told.contains(place), "{text:?}: {told}");
        assert!(!told.contains("hunter2"), "{text:?}: {told}");
    }
    let accepted = [&IMPORT[..], &["sqlite:shop.sqlite", "--accept-personal", "the author's own"]].concat();
    files(&scratch, &[("clients.csv", "id,name,email\n1,a,hunter2@corp.com")]);
    scratch.ok(&accepted);
    assert!(scratch.ok(&["show", "hand"]).contains("the author's own"));
}

/// What is exported is imported again, with the same rows.
#[test]
fn exported_rows_come_back() {
    let scratch = shop();
    scratch.ok(&[&["generate", "made"], &SCHEMA[..]].concat());
    scratch.ok(&["export", "made", "./rows", "--format", "csv"]);
    scratch.ok(&[&IMPORT[..], &["sqlite:shop.sqlite"]].concat());
    assert_eq!(digests(&scratch, "hand"), digests(&scratch, "made"));
}

#[test]
fn lookup_tables_of_a_policy_are_lookup_tables_of_the_snapshot() {
    let scratch = shop();
    let policy = "version = 1\n[tables.clients]\nmode = \"reference\"\nreason = \"a list that everybody may read\"\n";
    std::fs::write(scratch.path("pii.toml"), policy).unwrap();
    files(&scratch, &[("clients.csv", "id,name\n1,Fern"), ("orders.csv", "id,client_id\n1,1")]);
    scratch.ok(&[&IMPORT[..], &["sqlite:shop.sqlite", "--policy", "pii.toml", "--env", "production"]].concat());
    let shown = scratch.json(&["show", "hand"]);
    let mode = |at: usize| shown["manifest"]["tables"][at]["mode"].clone();
    assert_eq!((mode(0), mode(2)), ("reference".into(), "capture".into()));
}

#[test]
fn references_that_only_the_policy_knows_are_looked_at() {
    let scratch = Scratch::with_store();
    let schema = "CREATE TABLE clients (id INTEGER PRIMARY KEY);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER);
        CREATE TABLE tags (id INTEGER PRIMARY KEY, kind TEXT, of_id INTEGER);";
    sql(&scratch.path("shop.sqlite"), schema);
    let policy = "version = 1
        [[subset.references]]
        table = \"orders\"
        columns = \"client_id\"
        parent = \"clients\"
        [[subset.references]]
        table = \"tags\"
        type_column = \"kind\"
        id_column = \"of_id\"
        map = { Client = \"clients\", Order = \"orders\" }";
    std::fs::write(scratch.path("pii.toml"), policy).unwrap();
    let import = [&IMPORT[..], &["sqlite:shop.sqlite", "--policy", "pii.toml"]].concat();
    let (clients, orders) = (("clients.csv", "id\n1\n2"), ("orders.csv", "id,client_id\n5,1\n6,"));
    files(&scratch, &[clients, orders, ("tags.csv", "id,kind,of_id\n1,Client,2\n2,Order,5\n3,Lot,99\n4,,99")]);
    assert_eq!(scratch.json(&import)["references"], 3);
    scratch.ok(&["verify", "hand", "--read-data"]);
    files(&scratch, &[clients, ("orders.csv", "id,client_id\n5,1\n6,3")]);
    assert!(scratch.fails(5, &import).contains("orders.csv:3: client_id references a row of clients"));
    files(&scratch, &[clients, orders, ("tags.csv", "id,kind,of_id\n1,Client,2\n2,Order,2")]);
    assert!(scratch.fails(5, &import).contains("tags.csv:3: of_id references a row of orders"));
    std::fs::write(scratch.path("pii.toml"), policy.replace("parent = \"clients\"", "parent = \"customers\"")).unwrap();
    scratch.fails(3, &import);
}

#[test]
fn the_commands_of_the_documents_work_from_top_to_bottom() {
    let scratch = Scratch::with_sample();
    files(&scratch, &[("group.csv", "select,title\nall,Everybody")]);
    let mut ran = 0;
    for command in ["docs/generate.md", "docs/coverage.md", "docs/import.md"].iter().flat_map(|file| commands(file)) {
        let arguments: Vec<&str> = command.strip_prefix("terp-fixtures ").unwrap().split_whitespace().collect();
        scratch.ok(&arguments);
        ran += 1;
    }
    assert!(ran >= 11, "only {ran} commands were found");
}
