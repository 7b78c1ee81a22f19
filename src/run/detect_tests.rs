//! A proposed policy is one: it parses, and it fits but for what it leaves open.

use super::*;
use crate::classify;
use crate::mask::key::MasterKey;
use crate::run::filled_tests::{MARIADB, MYSQL, POSTGRESQL, Server, schemas};
use crate::run::server_tests::{context, source};
use crate::secret::Secret32;

fn options(least: u8) -> Options<'static> {
    Options { values: false, least, project: "default" }
}

fn outcome(csv: &str, least: u8) -> (Catalogue, Outcome) {
    let list = classify::read("t.csv", csv).unwrap();
    let catalogue = Catalogue {
        engine: crate::model::schema::EngineKind::Sqlite,
        version: String::new(),
        settings: BTreeMap::new(),
        tables: list.tables,
        pre: Vec::new(),
        post: Vec::new(),
        own: crate::model::schema::Traces::default(),
    };
    let done = of_catalogue(&catalogue, Guesses::of(&catalogue.tables), None, options(least), Instant::now()).unwrap();
    (catalogue, done)
}

const SHOP: &str = "table,column,type
users,id,int
users,name,varchar(200)
users,email,varchar(200)
users,mystery,varchar(200)
countries,code,char(2)
countries,name,varchar(99)
web_sessions,id,varchar(99)
orders,id,int
orders,ship_city,varchar(90)
orders,ship_address,varchar(90)
\"odd \"\"table\"\"\",select,int
";

#[test]
fn the_policy_is_grouped_and_says_why() {
    let (_, done) = outcome(SHOP, 60);
    let at = |part: &str| done.policy.find(part).unwrap_or_else(|| panic!("{part} is not in\n{}", done.policy));
    assert!(at("# --- People") < at("[tables.users]") && at("[tables.users]") < at("# --- What people do"));
    assert!(at("[tables.orders]") < at("[tables.countries]"));
    at("[tables.countries]\nmode = \"reference\"");
    at("[tables.web_sessions]\nmode = \"structure\"");
    at("# undecided: mystery = \"keep\"");
    at("# D email ");
    assert_eq!(done.undecided(), 1);
    Policy::parse("pii.toml", &done.policy).unwrap();
}

#[test]
fn what_a_policy_decides_is_left_out() {
    let (catalogue, _) = outcome(SHOP, 60);
    let policy = "version = 1\n[tables.users]\nkeep = [\"id\", \"mystery\"]\n[tables.users.columns]\nname = \"full_name\"\n\
                  [tables.orders]\nmode = \"structure\"\n";
    let policy = Policy::parse("pii.toml", policy).unwrap();
    let guesses = Guesses::of(&catalogue.tables);
    let done = of_catalogue(&catalogue, guesses, Some(&policy), options(60), Instant::now()).unwrap();
    let users = done.tables.iter().find(|table| table.table == "users").unwrap();
    assert_eq!(users.columns.len(), 1);
    assert!(!done.tables.iter().any(|table| table.table == "orders"));
    assert!(done.policy.contains("[tables.users.columns]\nemail = "), "{}", done.policy);
}

/// What is proposed for real schemas resolves but for what a person has to answer.
fn real_schemas_are_proposed_for(server: &Server) {
    for (name, schema) in schemas(server) {
        let url = (server.fresh)();
        (server.script)(&url, &schema);
        let mut source = source(&url);
        let done = detect(&context(), &mut *source, None, Options { values: true, ..options(60) }).unwrap();
        let catalogue = source.catalogue().unwrap();
        // As if a person had answered every open line with what it says.
        let answered = done.policy.replace("# undecided: ", "");
        let policy = Policy::parse("pii.toml", &answered).unwrap_or_else(|error| panic!("{name}: {error}"));
        let master = MasterKey::new(Secret32::new([3; 32]));
        let plan = crate::policy::resolve(&policy, &catalogue, "dev", &master);
        let plan = plan.unwrap_or_else(|error| panic!("{name}: {error}\n{}", error.hint_text().unwrap_or_default()));
        assert!(plan.masked_columns() > 0 || done.tables.len() < 3, "{name}: nothing is masked");
    }
}

#[test]
fn real_schemas_are_proposed_for_on_postgresql() {
    real_schemas_are_proposed_for(&POSTGRESQL);
}

#[test]
fn real_schemas_are_proposed_for_on_mariadb() {
    real_schemas_are_proposed_for(&MARIADB);
}

#[test]
fn real_schemas_are_proposed_for_on_mysql() {
    real_schemas_are_proposed_for(&MYSQL);
}
