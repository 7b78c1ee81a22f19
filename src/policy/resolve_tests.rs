//! A policy against small catalogues: what is found, what is refused and how the refusal reads.

use super::*;
use crate::error::Kind;
use crate::mask;
use crate::model::batch::{Batch, Cell};
use crate::model::schema::{Action, Column, EngineKind, Family, ForeignKey, Unique};
use crate::secret::Secret32;

pub(crate) fn column(name: &str, family: Family) -> Column {
    Column {
        name: name.to_owned(),
        declared: String::new(),
        family,
        length: None,
        nullable: true,
        default: None,
        generated: false,
        collation: None,
    }
}

/// A table without keys.
pub(crate) fn table(name: &str, columns: Vec<Column>) -> Table {
    Table {
        name: TableName::plain(name),
        kind: TableKind::Ordinary,
        columns,
        primary_key: Vec::new(),
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: false,
    }
}

fn shop() -> Vec<Table> {
    let mut clients = table(
        "clients",
        vec![
            column("id", Family::Integer),
            column("name", Family::Text),
            column("email", Family::Text),
            column("status", Family::Text),
            Column { generated: true, ..column("label", Family::Text) },
            column("notes", Family::Text),
        ],
    );
    clients.primary_key = vec![0];
    clients.uniques = vec![Unique { name: "clients_email".into(), columns: vec![2], partial: false }];
    let mut orders = table("orders", vec![column("id", Family::Integer), column("client_email", Family::Text)]);
    orders.primary_key = vec![0];
    orders.foreign_keys = vec![ForeignKey {
        name: "orders_client".into(),
        columns: vec!["client_email".into()],
        parent: TableName::plain("clients"),
        parent_columns: vec!["email".into()],
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
    }];
    vec![clients, orders]
}

pub(crate) fn catalogue(tables: Vec<Table>) -> Catalogue {
    Catalogue {
        engine: EngineKind::Sqlite,
        version: String::new(),
        settings: BTreeMap::new(),
        tables,
        pre: Vec::new(),
        post: Vec::new(),
        own: crate::model::schema::Traces::default(),
    }
}

fn rows(plan: &TablePlan) -> mask::Rows<'_> {
    mask::Rows { table: &plan.table, columns: &plan.columns, extras: 0, first: 1, known: mask::Known::NOTHING }
}

fn try_in(environment: &str, tables: Vec<Table>, policy: &str) -> Result<Plan> {
    let policy = Policy::parse("pii.toml", &format!("version = 1\n{policy}")).unwrap();
    resolve(&policy, &catalogue(tables), environment, &MasterKey::new(Secret32::new([5; 32])))
}

fn try_with(tables: Vec<Table>, policy: &str) -> Result<Plan> {
    try_in("dev", tables, policy)
}

fn refused(tables: Vec<Table>, policy: &str) -> (Kind, String, String) {
    let error = try_with(tables, policy).unwrap_err();
    (error.kind(), error.what().to_owned(), error.hint_text().unwrap_or_default().to_owned())
}

const CLIENTS: &str = "[tables.clients]\nmode = \"capture\"\nkeep = [\"id\", \"status\"]\n[tables.clients.columns]\n\
                       name = { mask = \"full_name\", subject = \"id\" }\nemail = \"email\"\nnotes = \"text_replace\"\n";
const ORDERS: &str = "[tables.orders]\nkeep = [\"id\"]\n[tables.orders.columns]\nclient_email = \"email\"\n";

fn both(extra: &str) -> String {
    format!("{CLIENTS}{ORDERS}{extra}")
}

#[test]
fn every_stored_column_gets_its_mask_in_order() {
    let plan = try_with(shop(), &both("")).unwrap();
    let names: Vec<(&str, &str)> =
        plan.tables[0].columns.iter().map(|column| (column.column.as_str(), column.name)).collect();
    let want =
        [("id", "keep"), ("name", "full_name"), ("email", "email"), ("status", "keep"), ("notes", "text_replace")];
    assert_eq!(names, want);
    assert_eq!(plan.tables[0].columns[1].subject, Some(0));
    assert_eq!(plan.tables[0].columns[2].domain, "person.email");
    assert_eq!(plan.tables[1].mode, Mode::Capture);
    assert!(plan.warnings.is_empty());
}

#[test]
fn p16_undecided_columns_and_tables_stop_everything() {
    let (kind, what, hint) = refused(shop(), "[tables.clients]\nkeep = [\"id\", \"status\"]\n");
    assert_eq!(kind, Kind::Policy);
    assert_eq!(
        what,
        "3 undecided columns and 1 undecided table, and nothing is kept by default\n  \
         clients: name, email, notes\n  table orders"
    );
    let paste = hint.split_once("\n\n").unwrap().1;
    let whole = format!("[tables.clients]\nkeep = [\"id\", \"status\"]\n{paste}");
    assert!(try_with(shop(), &whole).is_ok(), "the proposal does not resolve:\n{whole}");
}

#[test]
fn equal_values_get_equal_fakes_across_tables_and_not_across_environments() {
    let run = |plan: &Plan, table: usize, cells: &[&str]| {
        let mut batch = Batch::new(cells.len());
        for cell in cells {
            batch.push(Cell::text(cell));
        }
        let plan = &plan.tables[table];
        mask::apply(rows(plan), batch).unwrap()
    };
    let dev = try_with(shop(), &both("")).unwrap();
    let staging = try_in("staging", shop(), &both("")).unwrap();
    let client = ["7", "Ann Lee", "Ann@corp.test", "active", "likes tea"];
    let masked = run(&dev, 0, &client);
    let order = run(&dev, 1, &["1", "Ann@corp.test"]);
    assert_eq!(masked.rows().cell(0, 2), order.rows().cell(0, 1));
    assert_eq!((masked.rows().cell(0, 0), masked.rows().cell(0, 3)), (Cell::text("7"), Cell::text("active")));
    let other = run(&staging, 0, &client);
    assert!([1, 2, 4].iter().all(|&at| masked.rows().cell(0, at) != other.rows().cell(0, at)));
}

#[test]
fn overlays_replace_single_decisions() {
    let policy = both("[environments.staging.tables.clients.columns]\nname = \"keep\"\n");
    assert_eq!(try_with(shop(), &policy).unwrap().tables[0].columns[1].name, "full_name");
    let staging = try_in("staging", shop(), &policy).unwrap();
    assert_eq!(staging.tables[0].columns[1].name, "keep");
    assert_eq!(staging.warnings.len(), 1);
    assert_eq!(try_in("test", shop(), &policy).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn names_that_the_database_does_not_have_are_drift() {
    let policy = both("[tables.order]\nmode = \"exclude\"\n").replace("notes", "note");
    let (kind, what, hint) = refused(shop(), &policy);
    assert_eq!(kind, Kind::Drift);
    assert_eq!(
        what,
        "the policy names what the database does not have: column clients.note (pii.toml:8:1), table order (pii.toml:13:9)"
    );
    assert!(hint.starts_with("Did you mean clients.notes, orders? "));
}

#[test]
fn case_is_forgiven_where_it_is_clear() {
    assert!(try_with(shop(), &both("").replace("clients", "CLIENTS").replace("notes", "Notes")).is_ok());
    let mut tables = shop();
    tables[1].name = TableName::plain("Clients");
    tables[1].foreign_keys.clear();
    let (_, what, _) = refused(tables, "[tables.CLIENTS]\nmode = \"exclude\"\n");
    assert_eq!(what, "pii.toml:2:9: several tables are called CLIENTS");
}

#[test]
fn masks_that_do_not_fit_are_refused() {
    let edit = |from: &str, to: &str| refused(shop(), &both("").replace(from, to)).1;
    assert!(
        edit("keep = [\"id\"]\n[tables.orders.columns]", "[tables.orders.columns]\nid = \"email\"")
            .ends_with("orders.id: mask email does not fit a column of family integer")
    );
    let what = edit("email = \"email\"\nnotes", "email = \"first_name\"\nnotes").replace("references would break", "");
    assert!(what.contains("clients.email, which it refers to, is first_name"));
    let unique = both("").replace("\"email\"", "\"first_name\"");
    assert!(refused(shop(), &unique).1.ends_with(
        "clients.email: mask first_name cannot keep values apart, and unique constraint clients_email wants them unique"
    ));
    let mut tables = shop();
    tables[0].columns[5].nullable = false;
    assert!(refused(tables, &both("").replace("text_replace", "null")).1.contains("needs a column that takes NULL"));
    let subject = both("").replace("subject = \"id\"", "subject = \"idd\"");
    assert_eq!(refused(shop(), &subject).0, Kind::Drift);
    let generated = both("").replace("subject = \"id\"", "subject = \"label\"");
    assert!(refused(shop(), &generated).1.contains("no stored column"));
}

#[test]
fn both_sides_of_a_reference_are_masked_alike() {
    let kept = both("").replace("client_email = \"email\"", "client_email = \"keep\"");
    let (kind, what, _) = refused(shop(), &kept);
    assert_eq!(kind, Kind::Policy);
    assert_eq!(
        what,
        "references would break: orders.client_email is keep (pii.toml:12:1), and clients.email, which it refers to, \
         is email (pii.toml:7:1)"
    );
    let domain = both("").replace("client_email = \"email\"", "client_email = { mask = \"email\", domain = \"x\" }");
    assert!(refused(shop(), &domain).1.contains("is email in x"));
    let gone = both("").replace("client_email = \"email\"", "client_email = \"null\"");
    assert!(try_with(shop(), &gone).is_ok());
    let alone = format!("[tables.clients]\nmode = \"structure\"\n{ORDERS}");
    assert!(try_with(shop(), &alone).is_ok());
}

#[test]
fn a_domain_is_as_narrow_as_its_narrowest_column() {
    let mut tables = shop();
    tables[1].columns[1].length = Some(30);
    let plan = try_with(tables.clone(), &both("")).unwrap();
    for (table, cells) in [(0, vec!["7", "Ann", "ann@corp.test", "x", "y"]), (1, vec!["1", "ann@corp.test"])] {
        let mut batch = Batch::new(cells.len());
        for cell in &cells {
            batch.push(Cell::text(cell));
        }
        let masked = mask::apply(rows(&plan.tables[table]), batch).unwrap();
        assert!(masked.rows().cell(0, if table == 0 { 2 } else { 1 }).bytes.len() <= 30);
    }
    tables[1].columns[1].length = Some(20);
    assert!(refused(tables, &both("")).1.contains("mask email needs a column of 28 characters, and there are 20"));
}

#[test]
fn a_subject_keys_unique_values_only_where_it_is_unique_itself() {
    let by_id = both("").replace("email = \"email\"\nnotes", "email = { mask = \"email\", subject = \"id\" }\nnotes");
    let mut tables = shop();
    tables[1].foreign_keys.clear();
    assert!(try_with(tables.clone(), &by_id).is_ok());
    let by_status = by_id.replace("email\", subject = \"id\"", "email\", subject = \"status\"");
    assert!(refused(tables, &by_status).1.contains("a subject cannot key values"));
}

#[test]
fn reference_tables_are_kept_but_for_what_looks_personal() {
    let kinds = || table("kinds", vec![column("id", Family::Integer), column("label", Family::Text)]);
    let policy = "[tables.kinds]\nmode = \"reference\"\n";
    let plan = try_with(vec![kinds()], policy).unwrap();
    assert!(plan.tables[0].columns.iter().all(|column| column.name == "keep"));
    let mut people = kinds();
    people.columns.push(column("email", Family::Text));
    assert!(refused(vec![people], policy).1.contains("kinds: email"));
    assert!(try_in("production", vec![kinds()], policy).is_ok());
}

#[test]
fn production_takes_reference_tables_only() {
    let error = try_in("production", shop(), &both("")).unwrap_err();
    assert_eq!(error.kind(), Kind::Policy);
    assert_eq!(error.what(), "environment production takes reference tables only, and captured are clients, orders");
}

#[test]
fn virtual_tables_must_be_excluded() {
    let mut tables = vec![table("search", vec![column("body", Family::Any)])];
    tables[0].kind = TableKind::Virtual;
    let (_, what, hint) = refused(tables.clone(), "");
    assert!(what.ends_with("table search") && hint.ends_with("[tables.search]\nmode = \"exclude\""));
    let (_, what, _) = refused(tables.clone(), "[tables.search]\nkeep = [\"body\"]\n");
    assert_eq!(what, "rows of virtual tables cannot be captured: search");
    assert!(try_with(tables, "[tables.search]\nmode = \"exclude\"\n").unwrap().tables[0].columns.is_empty());
}

#[test]
fn defaults_keep_columns_in_every_table() {
    let policy = format!("[defaults]\nkeep = [\"id\"]\n{}", both(""))
        .replace("keep = [\"id\", \"status\"]", "keep = [\"status\"]");
    assert!(try_with(shop(), &policy.replace("keep = [\"id\"]\n[tables.orders", "[tables.orders")).is_ok());
}

#[test]
fn defaults_mask_columns_where_the_table_says_nothing() {
    let policy = both("").replace("name = { mask = \"full_name\", subject = \"id\" }\n", "");
    assert!(!policy.contains("full_name"), "{policy}");
    let masks = |policy: &str| -> Vec<&str> {
        try_with(shop(), policy).unwrap().tables[0].columns.iter().map(|column| column.definition.name).collect()
    };
    let with_default = format!("[defaults.columns]\nname = \"last_name\"\nnowhere = \"email\"\n{policy}");
    assert_eq!(masks(&with_default)[1], "last_name");
    assert_eq!(masks(&format!("[defaults.columns]\nname = \"last_name\"\n{}", both("")))[1], "full_name");
    let (kind, what, _) =
        refused(shop(), &format!("[defaults.columns]\nid = \"ip\"\n{}", both("").replace("\"id\", ", "")));
    assert_eq!(kind, Kind::Policy);
    assert!(what.contains("clients.id") && what.contains("pii.toml:3:1"), "{what}");
}

#[test]
fn the_section_of_the_engine_is_laid_over_the_rest() {
    let here = "[engines.sqlite.tables.clients]\nkeep = [\"id\", \"status\"]\n";
    let (_, _, hint) = refused(shop(), here);
    let paste = hint.split_once("\n\n").unwrap().1;
    assert!(
        paste.contains("[engines.sqlite.tables.clients.columns]") && paste.contains("[engines.sqlite.tables.orders]")
    );
    assert!(try_with(shop(), &format!("{here}{paste}")).is_ok());
    let elsewhere = format!("{}[engines.mysql.tables.nowhere]\nkeep = [\"id\"]\n", both(""));
    assert!(try_with(shop(), &elsewhere).is_ok(), "another engine's section is not held against the database");
    let (kind, what, _) = refused(shop(), &elsewhere.replace("mysql", "sqlite"));
    assert_eq!((kind, what.contains("table nowhere (pii.toml:")), (Kind::Drift, true), "{what}");
    let over = format!("{}[engines.sqlite.environments.staging.tables.orders]\nmode = \"structure\"\n", both(""));
    assert_eq!(try_in("staging", shop(), &over).unwrap().tables[1].mode, Mode::Structure);
    assert_eq!(try_in("dev", shop(), &over).unwrap().tables[1].mode, Mode::Capture);
}

#[test]
fn an_environment_says_what_becomes_of_captured_tables() {
    let policy = format!("{}[environments.production]\nmode = \"structure\"\n", both(""));
    let modes = |tables: Vec<Table>, policy: &str| -> Result<Vec<Mode>> {
        Ok(try_in("production", tables, policy)?.tables.iter().map(|table| table.mode).collect())
    };
    assert_eq!(modes(shop(), &policy).unwrap(), [Mode::Structure, Mode::Structure]);
    assert!(try_in("production", shop(), &policy).unwrap().tables.iter().all(|table| table.columns.is_empty()));
    let own = format!("{policy}[environments.production.tables.orders]\nmode = \"exclude\"\n");
    assert_eq!(modes(shop(), &own).unwrap(), [Mode::Structure, Mode::Exclude]);
    // It takes away; it decides nothing.
    let more = [shop(), vec![table("fresh", vec![column("id", Family::Integer)])]].concat();
    assert!(modes(more.clone(), &policy).unwrap_err().what().ends_with("table fresh"));
    let looked_up = format!("{policy}[tables.fresh]\nmode = \"reference\"\n");
    assert_eq!(modes(more.clone(), &looked_up).unwrap()[2], Mode::Reference);
    // The inventory says the same.
    let parsed = Policy::parse("pii.toml", &format!("version = 1\n{looked_up}")).unwrap();
    let inventory = crate::policy::inventory::inventory(&parsed, &catalogue(more)).unwrap();
    let seen: Vec<Option<Mode>> = inventory.tables.iter().map(|table| table.modes[2]).collect();
    assert_eq!(seen, [Some(Mode::Structure), Some(Mode::Structure), Some(Mode::Reference)]);
    assert_eq!(inventory.tables[0].modes[0], Some(Mode::Capture));
}

#[test]
fn schemas_tell_tables_apart() {
    let mut tables =
        vec![table("t", vec![column("id", Family::Integer)]), table("t", vec![column("id", Family::Integer)])];
    tables[0].name.schema = Some("a".into());
    tables[1].name.schema = Some("b".into());
    assert!(
        try_with(tables.clone(), "[tables.\"a.t\"]\nkeep = [\"id\"]\n[tables.\"b.t\"]\nmode = \"exclude\"\n").is_ok()
    );
    assert!(refused(tables, "[tables.t]\nmode = \"exclude\"\n").1.contains("several tables"));
}

#[test]
fn a_subject_is_found_along_references() {
    let mut tables = shop();
    tables[1].columns.push(column("client_id", Family::Integer));
    tables[1].foreign_keys[0].columns = vec!["client_id".into()];
    tables[1].foreign_keys[0].parent_columns = vec!["id".into()];
    let mut bills = table("bills", vec![column("order_id", Family::Integer), column("bill_to", Family::Text)]);
    bills.foreign_keys = vec![ForeignKey {
        columns: vec!["order_id".into()],
        parent: TableName::plain("orders"),
        parent_columns: vec!["id".into()],
        ..tables[1].foreign_keys[0].clone()
    }];
    tables.push(bills);
    let orders = ORDERS.replace("keep = [\"id\"]", "keep = [\"id\", \"client_id\"]");
    let rules = |subject: &str| {
        format!(
            "{CLIENTS}{orders}[tables.bills]\nkeep = [\"order_id\"]\n[tables.bills.columns]\nbill_to = {{ mask = \"full_name\", subject = \"{subject}\" }}\n"
        )
    };
    let plan = try_with(tables.clone(), &rules("order_id.client_id")).unwrap();
    let hop = Hop { column: "order_id".into(), table: TableName::plain("orders"), key: "id".into() };
    assert_eq!(plan.tables[2].extras, [Extra::Path { hops: vec![hop], value: "client_id".into() }]);
    assert_eq!(plan.tables[2].columns[1].subject, Some(2));
    let far = try_with(tables.clone(), &rules("order_id.client_id.id")).unwrap();
    assert!(matches!(&far.tables[2].extras[0], Extra::Path { hops, .. } if hops.len() == 2));
    for (subject, why) in [
        ("order_id.nobody", "orders has no stored column 'nobody'"),
        ("bill_to.id", "bills.bill_to refers to no other table"),
        ("nobody", "the subject 'nobody' is no stored column of bills"),
    ] {
        assert!(refused(tables.clone(), &rules(subject)).1.contains(why), "{subject}");
    }
}

#[test]
fn conditions_are_asked_once_and_validated() {
    let when = "{ mask = \"text_replace\", when = \"status = 'x'\", otherwise = \"null\" }";
    let policy = both("").replace("notes = \"text_replace\"", &format!("notes = {when}"));
    let policy =
        policy.replace("\"full_name\", subject = \"id\"", "\"full_name\", subject = \"id\", when = \"status = 'x'\"");
    let plan = try_with(shop(), &policy).unwrap();
    assert_eq!(plan.tables[0].extras, [Extra::Condition("status = 'x'".into())]);
    assert_eq!((plan.tables[0].columns[1].when, plan.tables[0].columns[4].when), (Some(5), Some(5)));
    assert!(plan.tables[0].columns[4].otherwise.is_some() && !plan.tables[0].columns[4].keeps_some());
    assert!(plan.warnings.iter().any(|warning| warning.contains("clients.name is kept where")));
    let wrong = policy.replace("status = 'x'", "statuss = 'x'");
    assert!(
        refused(shop(), &wrong).1.contains("clients has no column 'statuss' (character 1). Did you mean 'status'?")
    );
}

#[test]
fn an_index_over_an_expression_wants_its_columns_unique() {
    let mut tables = shop();
    tables[1].foreign_keys.clear();
    tables[0].uniques = vec![Unique { name: "clients_lower".into(), columns: Vec::new(), partial: true }];
    let mut catalogue = catalogue(tables);
    catalogue.post.push(crate::model::schema::SchemaObject {
        kind: "index".into(),
        name: "clients_lower".into(),
        table: Some(TableName::plain("clients")),
        create: "CREATE UNIQUE INDEX clients_lower ON clients (lower(email))".into(),
    });
    let policy =
        format!("version = 1\n{}", both("").replace("email = \"email\"\nnotes", "email = \"full_name\"\nnotes"));
    let policy = Policy::parse("pii.toml", &policy).unwrap();
    let error = resolve(&policy, &catalogue, "dev", &MasterKey::new(Secret32::new([5; 32]))).unwrap_err();
    assert!(error.what().contains("unique constraint clients_lower wants them unique"), "{}", error.what());
}

#[test]
fn virtual_references_name_what_exists() {
    let reference = |parent: &str, columns: &str| {
        both(&format!("[[subset.references]]\ntable = \"orders\"\ncolumns = {columns}\nparent = \"{parent}\"\n"))
    };
    assert!(try_with(shop(), &reference("clients", "[\"id\"]")).is_ok());
    assert!(
        refused(shop(), &reference("client", "\"id\""))
            .1
            .contains("names table client, which the database does not have")
    );
    assert!(refused(shop(), &reference("clients", "\"idd\"")).1.contains("names column orders.idd"));
    assert!(
        refused(shop(), &reference("clients", "[\"id\", \"client_email\"]"))
            .1
            .contains("2 columns on one side and 1 on the other")
    );
}
