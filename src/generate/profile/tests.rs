//! Files are read or refused by place, and names are found, renamed or said.

use super::testing::{catalogue, references, world};
use super::*;
use crate::error::Kind;
use crate::generate::draw::Seed;
use crate::generate::value::Value;
use proptest::prelude::*;

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/profiles").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn valid_profiles_are_read_and_bind_to_anything() {
    let files = files("valid");
    assert!(files.len() >= 4);
    for (name, text) in files {
        let mut profile = Profile::parse(&name, &text).unwrap_or_else(|error| panic!("{error}"));
        for file in profile.files() {
            profile.supply(&file, "one\ntwo\n");
        }
        let empty = catalogue(&[]);
        let bound = profile.bind(&empty, &[], Request::default()).unwrap();
        assert!(bound.verify(&world(&empty, &[], &bound, 3, &Seed::new(1))).is_empty());
    }
}

/// The first two lines of an invalid profile say what is wrong with it where, and the exit code.
#[test]
fn invalid_profiles_are_refused_with_their_place() {
    let files = files("invalid");
    assert!(files.len() >= 12);
    for (name, text) in files {
        let mut lines = text.lines();
        let wanted = lines.next().unwrap().strip_prefix("# error: ").unwrap();
        let exit: u8 = lines.next().unwrap().strip_prefix("# exit: ").unwrap().parse().unwrap();
        let error = Profile::parse(&name, &text).unwrap_err();
        assert_eq!((error.what(), error.kind().exit_code()), (format!("{name}:{wanted}").as_str(), exit));
    }
}

const SHOP: [&str; 4] = [
    "clients: id int, name text(40), email text(60), balance decimal(12;2)",
    "orders: id int, client_id int, number text(20), status text(20), ordered_on date, shipped_on date?, total decimal(12;2) -> clients(client_id)",
    "order_lines: id int, order_id int, line_no int, quantity int, price decimal(12;2), name text(10)? -> orders(order_id)",
    "notes: id int, kind text(20), about_id int?, body text(200)",
];

const PROFILE: &str = r#"
version = 1
[lists]
strains = ["Blue Fern", "Copper Kush"]
[tables.clients]
rows = { small = 20, medium = 100 }
[tables.clients.columns]
email = { template = "c{n:04}@example.com" }
[tables.orders]
per = { parent = "client_id", min = 0, max = 10 }
choose.client_id = { pareto = { parents = 0.2, children = 0.7 } }
[tables.orders.columns]
number = { template = "INV-{n:06}" }
status = { values = { draft = 1, shipped = 3 } }
ordered_on = { between = ["-2y", "now"], months = [1,1,1,3,1,1,1,1,1,1,1,3], peaks = [{ day = "04-20" }] }
[tables.order_lines]
per = { parent = "orders", mean = 3 }
[tables.order_lines.columns]
quantity = { distribution = "zipf", min = 1, max = 20 }
price = { distribution = "log-normal", median = 40, min = 5, max = 400 }
name = { list = "strains", null = 0.3 }
[[references]]
table = "notes"
columns = "about_id"
type_column = "kind"
map = { client = "clients", order = { table = "orders", weight = 3 } }
[[invariants]]
kind = "numbering"
table = "order_lines"
column = "line_no"
per = "order_id"
[[invariants]]
kind = "derived"
table = "clients"
column = "balance"
is = "sum(orders, total, status = 'shipped')"
[[invariants]]
name = "order total"
kind = "derived"
table = "orders"
column = "total"
is = "sum(order_lines, quantity * price)"
[[invariants]]
kind = "order"
table = "orders"
columns = ["ordered_on", "shipped_on"]
"#;

fn bound(lines: &[&str]) -> (Profile, crate::model::schema::Catalogue) {
    (Profile::parse("shop.toml", PROFILE).unwrap(), catalogue(lines))
}

#[test]
fn a_profile_says_rows_cells_and_parents_and_its_invariants_hold() {
    let (profile, catalogue) = bound(&SHOP);
    let declared = crate::model::subset::declared(&catalogue);
    let bound = profile.bind(&catalogue, &declared, Request::default()).unwrap();
    assert_eq!(bound.warnings(), &[] as &[String]);
    assert_eq!(bound.references().len(), 2);
    assert_eq!(bound.weight(&bound.references()[1]), 3.0);
    let references = references(&catalogue, &bound);
    let seed = Seed::new(7);
    let mut world = world(&catalogue, &references, &bound, 10, &seed);
    assert_eq!((world.tables[0].rows, world.tables[1].rows, world.tables[2].rows), (20, 100, 300));
    assert!(matches!(world.cell(1, 2, 4), Value::Text(text) if text == "INV-000005"));
    assert!((0..300).any(|row| world.cell(2, 5, row).is_null()));
    assert!(bound.verify(&world).iter().any(|verified| verified.failed > 0));
    bound.settle(&mut world, &seed).unwrap();
    let verified = bound.verify(&world);
    assert_eq!(verified.len(), 4);
    for verified in verified {
        assert!(verified.rows > 0 && verified.failed == 0, "{verified:?}");
    }
    // What makes them false is seen.
    world.tables[2].columns[3][0] = Value::whole(21);
    let failed: Vec<String> = bound
        .verify(&world)
        .into_iter()
        .filter(|verified| verified.failed > 0)
        .map(|verified| verified.invariant)
        .collect();
    assert_eq!(failed, ["order total"]);
}

#[test]
fn what_was_renamed_is_found_and_what_is_gone_is_named() {
    let (profile, changed) = bound(&[
        "clients: id int, name text(40), email_address text(60), balance decimal(12;2)",
        "orders: id int, client_id int, number int, status text(20), ordered_on date, totals decimal(12;2) -> clients(client_id)",
        "order_line: id int, order_id int, line_no int, quantity int, price decimal(12;2), label text(10)? -> orders(order_id)",
    ]);
    let declared = crate::model::subset::declared(&changed);
    let bound = profile.bind(&changed, &declared, Request::default()).unwrap();
    let all = bound.warnings().join("\n");
    for part in [
        "table clients has no column email; email_address is taken for it",
        "what is said of orders.number is left out: a column of type int cannot hold that",
        "table orders has no column total; totals is taken for it",
        "there is no table order_lines; order_line is taken for it",
        "table order_line has no column name: what is said of it is left out",
        "a reference is left out: there is no table notes",
        "invariant 'order orders' is left out: table orders has no column shipped_on",
    ] {
        assert!(all.contains(part), "{part}\nin\n{all}");
    }
    let strict = PROFILE.replace("name = \"order total\"", "name = \"order total\"\nrequired = true");
    let profile = Profile::parse("shop.toml", &strict).unwrap();
    let gone = catalogue(&["clients: id int, name text(40)"]);
    let error = profile.bind(&gone, &[], Request::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Drift);
    assert!(error.what().contains("invariant 'order total' is required: there is no table orders"), "{error}");
}

#[test]
fn scenarios_are_known_by_name() {
    let (profile, catalogue) = bound(&SHOP);
    let ask = |scenario| profile.bind(&catalogue, &[], Request { scenario: Some(scenario), ..Request::default() });
    assert_eq!(ask("ful").unwrap_err().kind(), Kind::Usage);
    let full = ask("full").unwrap();
    assert_eq!(full.null_share(&catalogue.tables[2].name, "name"), Some(0.0));
    assert!(ask("edge").unwrap().edge() && !full.edge());
    let text = format!(
        "{PROFILE}\n[scenarios.fair]\nlike = \"chaos\"\nfactor = 0.5\n[scenarios.fair.tables.clients]\nrows = 7\n"
    );
    let fair = Profile::parse("shop.toml", &text).unwrap();
    let bound = fair.bind(&catalogue, &[], Request { scenario: Some("fair"), ..Request::default() }).unwrap();
    assert_eq!(bound.rows(&catalogue.tables[0].name), Some(Count::Exactly(4)));
    assert!(fair.scenarios().contains(&"fair".to_owned()));
}

#[test]
fn invariants_that_wait_for_one_another_are_refused_by_name() {
    let text = "version = 1\n[[invariants]]\nname = \"a\"\nkind = \"derived\"\ntable = \"orders\"\ncolumn = \"total\"\nis = \"client_id.balance\"\n\
                [[invariants]]\nname = \"b\"\nkind = \"derived\"\ntable = \"clients\"\ncolumn = \"balance\"\nis = \"sum(orders, total)\"\n";
    let catalogue = catalogue(&SHOP);
    let declared = crate::model::subset::declared(&catalogue);
    let error = Profile::parse("p.toml", text).unwrap().bind(&catalogue, &declared, Request::default()).unwrap_err();
    assert_eq!(error.what(), "p.toml: the invariants 'a', 'b' wait for one another");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever happens to a schema after its profile was written: what is said is used, or named, and rows can be made.
    #[test]
    fn drift_is_handled_or_named(changes in proptest::collection::vec((0_usize..4, 0_usize..8, 0_usize..5), 1..5), seed in 0_u64..100) {
        let mut catalogue = catalogue(&SHOP);
        let mut changed = false;
        for (table, column, change) in changes {
            let table = &mut catalogue.tables[table];
            let at = column % table.columns.len();
            let is_key = table.primary_key.contains(&at) || table.foreign_keys.iter().any(|key| key.columns.contains(&table.columns[at].name));
            let column = &mut table.columns[at];
            match change {
                0 => column.name = format!("{}_x9", column.name),
                1 if !is_key => { column.family = crate::model::schema::Family::Integer; column.declared = "int".into(); column.length = None; }
                2 if !is_key => { column.family = crate::model::schema::Family::Text; column.declared = "text".into(); column.length = Some(3); }
                3 if !is_key && at + 1 == table.columns.len() => { table.columns.pop(); }
                _ => { table.columns.push(crate::model::schema::Column { name: format!("more{}", table.columns.len()), ..table.columns[at].clone() }); }
            }
            for table in &mut catalogue.tables {
                // Keys follow the names of their columns.
                let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
                for key in &mut table.foreign_keys {
                    for own in &mut key.columns {
                        if let Some(new) = names.iter().find(|name| name.starts_with(own.as_str()) && !names.contains(own)) {
                            *own = new.clone();
                        }
                    }
                }
            }
            let ids: Vec<(TableNameOf, String)> = catalogue.tables.iter().map(|table| (table.name.name.clone(), table.columns[0].name.clone())).collect();
            for key in catalogue.tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
                let id = ids.iter().find(|(name, _)| *name == key.parent.name).unwrap();
                key.parent_columns = vec![id.1.clone()];
            }
            changed = true;
        }
        let declared = crate::model::subset::declared(&catalogue);
        let profile = Profile::parse("shop.toml", PROFILE).unwrap();
        let bound = profile.bind(&catalogue, &declared, Request::default()).unwrap();
        let references = references(&catalogue, &bound);
        let seed = Seed::new(seed);
        let mut world = world(&catalogue, &references, &bound, 6, &seed);
        bound.settle(&mut world, &seed).unwrap();
        for verified in bound.verify(&world) {
            prop_assert_eq!(verified.failed, 0, "{:?} {:?}", verified, bound.warnings());
        }
        prop_assert!(changed);
    }
}

type TableNameOf = String;

/// The shipped profile, on the sample's schema: nothing is left out, and everything holds in rows that keep every constraint.
#[test]
fn the_shipped_profile_fits_the_sample_and_its_invariants_hold() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/profiles/cannabis-erp.toml");
    let profile = Profile::parse("cannabis-erp.toml", &std::fs::read_to_string(path).unwrap()).unwrap();
    let catalogue = super::testing::sample();
    let declared = crate::model::subset::declared(&catalogue);
    for (seed, scenario) in [(1, None), (2, Some("full")), (3, Some("edge")), (4, Some("chaos"))] {
        let bound = profile.bind(&catalogue, &declared, Request { scenario, ..Request::default() }).unwrap();
        assert_eq!(bound.warnings(), &[] as &[String]);
        let references = references(&catalogue, &bound);
        let request = crate::generate::make::Request {
            catalogue: &catalogue,
            references: &references,
            bound: &bound,
            size: Size::Small,
            rows: std::collections::BTreeMap::new(),
            seed,
            leave_out: std::collections::BTreeSet::new(),
            outside: std::collections::BTreeMap::new(),
        };
        let made = crate::generate::make::make(&request, None, &crate::event::Cancel::default()).unwrap();
        let verified = bound.verify(&made.world);
        assert_eq!(verified.len(), 12);
        for verified in verified.iter().filter(|verified| verified.kind != "share") {
            assert!(verified.rows > 0 && verified.failed == 0, "{scenario:?} {verified:?}");
        }
    }
}

/// What is made beside rows that have their own number must be different too, as often as is promised.
#[test]
fn templates_and_sequences_keep_their_promise_of_distinct_cells() {
    let text = "version = 1\n[tables.a.columns]\nb = { template = \"INV-{n:03}\" }\nc = { template = \"{first_name}-{n}\" }\n\
                d = { sequence = { start = 10, step = 5 } }\ne = { template = \"{n}{digits:2}\" }\nf = { values = [\"x\", \"X\", \"y\"] }\n";
    let catalogue = catalogue(&["a: id int, b text(8), c text(12), d int, e text(9), f text(3)"]);
    let bound = Profile::parse("p.toml", text).unwrap().bind(&catalogue, &[], Request::default()).unwrap();
    let table = &catalogue.tables[0];
    let free = crate::generate::restriction::Restriction::default();
    for (column, least) in [("b", 9_998), ("c", 999), ("d", 100_000), ("e", 0), ("f", 2)] {
        let at = table.column_index(column).unwrap();
        let spec = crate::generate::field::Spec {
            engine: catalogue.engine,
            catalogue: &catalogue,
            table,
            column: at,
            guess: None,
            restriction: &free,
            labels: &[],
            now: bound.now(),
            edge: false,
        };
        let field = bound.field(&table.name, column, &spec).unwrap();
        assert!(field.capacity() >= least && (least > 2 || field.capacity() == least), "{column} {}", field.capacity());
        let row = crate::generate::field::Row {
            number: 0,
            cells: &[],
            subject: crate::generate::field::Subject(1),
            people: &[],
        };
        let many = field.capacity().min(5_000);
        let texts: std::collections::BTreeSet<String> =
            (0..many).map(|n| crate::generate::invariant::function::text(&field.nth(n, &row)).to_lowercase()).collect();
        assert_eq!(texts.len() as u64, many, "{column}");
        assert!(texts.iter().all(|text| text.chars().count() <= 12));
    }
}

/// Every key stands in the document, and in the schema for editors.
#[test]
fn every_key_is_described() {
    fn keys(shape: &shape::Shape, found: &mut Vec<&'static str>) {
        match shape {
            shape::Shape::Keys(own) => {
                for key in *own {
                    found.push(key.name);
                    // Variants and scenarios have the keys of the file.
                    if !matches!(key.name, "variants" | "scenarios") {
                        keys(key.shape, found);
                    }
                }
            }
            shape::Shape::List(of) | shape::Shape::Map(of) => keys(of, found),
            shape::Shape::Either(shapes) => shapes.iter().for_each(|shape| keys(shape, found)),
            _ => {}
        }
    }
    let mut found = vec!["engine", "when", "like", "factor"];
    keys(&shape::FILE, &mut found);
    assert!(found.len() > 100);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md");
    let document = std::fs::read_to_string(path).unwrap();
    let schema = json_schema::schema().to_string();
    let says = |key: &str| {
        ["`", "[", "{ ", ", ", "[["].iter().any(|before| {
            ["`", " =", "]", " }", ","].iter().any(|after| document.contains(&format!("{before}{key}{after}")))
        })
    };
    let missing: Vec<&&str> =
        found.iter().filter(|key| !says(key) && !document.contains(&format!("\n{key} ="))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(found.iter().all(|key| schema.contains(&format!("\"{key}\":{{"))));
    assert!(KINDS.iter().all(|kind| document.contains(&format!("| `{kind}` |"))));
    assert!(KINDS.iter().zip(&shape::KINDS).all(|(name, kind)| *name == kind.name));
    assert!(SCENARIOS.iter().all(|name| document.contains(&format!("| `{name}` |"))));
    let functions = crate::generate::invariant::expression::FUNCTIONS.iter().map(|(name, ..)| *name);
    let folds = crate::generate::invariant::expression::FOLDS.iter().map(|(name, _)| *name);
    let unsaid: Vec<&str> = functions.chain(folds).filter(|name| !document.contains(&format!("`{name}"))).collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}
