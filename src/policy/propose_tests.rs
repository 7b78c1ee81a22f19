//! Proposals suit what a column seems to hold, and always fit.

use super::super::resolve::tests::{catalogue, column, table};
use super::*;
use crate::model::schema::{Action, Column, EngineKind, ForeignKey, TableName, Unique};
use crate::policy::file::Policy as File;
use proptest::prelude::*;

fn proposed(table_name: &str, name: &str, family: Family) -> String {
    let catalogue = catalogue(vec![table(table_name, vec![column("id", Family::Integer), column(name, family)])]);
    Proposals::of(&catalogue).column(0, 1).rule
}

#[test]
fn names_and_types_decide() {
    for (table, name, family, rule) in [
        ("clients", "email", Family::Text, "\"email\""),
        ("receipts", "emailed_to", Family::Text, "\"email\""),
        ("clients", "name", Family::Text, "\"full_name\""),
        ("strains", "name", Family::Text, "\"keep\""),
        ("users", "firstName", Family::Text, "\"first_name\""),
        ("clients", "mobile_phone", Family::Text, "\"phone\""),
        ("clients", "ssn", Family::Text, "\"ssn_tail\""),
        ("clients", "billing_city", Family::Text, "{ mask = \"address\", part = \"city\" }"),
        ("clients", "address", Family::Text, "\"address\""),
        ("clients", "ip_address", Family::Text, "\"ip\""),
        ("users", "password_hash", Family::Text, "\"secret\""),
        ("users", "cardNumber", Family::Text, "\"card\""),
        ("vendors", "tax_id", Family::Text, "\"gov_id\""),
        ("orders", "notes", Family::Text, "\"text_replace\""),
        ("clients", "dob", Family::Date, "\"dob\""),
        ("orders", "total_cents", Family::Integer, "\"keep\""),
        ("batches", "capacity", Family::Integer, "\"keep\""),
        ("orders", "cancelledBy", Family::Integer, "\"keep\""),
        ("items", "location_id", Family::Integer, "\"keep\""),
        ("users", "email_verified", Family::Text, "\"keep\""),
        ("events", "payload", Family::Json, "\"json\""),
        ("person", "emailaddress", Family::Text, "\"email\""),
        ("clients", "notify_email", Family::Integer, "\"keep\""),
        ("users", "last_login", Family::Timestamp, "\"keep\""),
        ("contact_types", "name", Family::Text, "\"keep\""),
        ("events", "data", Family::Blob, "\"blob\""),
    ] {
        assert_eq!(proposed(table, name, family), rule, "{table}.{name}");
    }
}

#[test]
fn a_table_of_people_becomes_personas() {
    let mut clients = table(
        "clients",
        ["id", "first_name", "last_name", "email", "phone", "notes"]
            .iter()
            .map(|name| column(name, Family::Text))
            .collect(),
    );
    clients.columns[0].family = Family::Integer;
    clients.primary_key = vec![0];
    clients.uniques = vec![Unique { name: "u".into(), columns: vec![3], partial: false }];
    let catalogue = catalogue(vec![clients]);
    let rules: Vec<String> = Proposals::of(&catalogue).table(0).into_iter().map(|proposal| proposal.rule).collect();
    assert_eq!(rules[1], "{ mask = \"persona\", member = \"first_name\", subject = \"id\" }");
    assert_eq!(rules[3], "{ mask = \"persona\", member = \"email\", subject = \"id\" }");
    assert_eq!(rules[5], "\"text_replace\"");
}

#[test]
fn a_proposal_fits_its_column() {
    let only = |column: Column| {
        let catalogue = catalogue(vec![table("clients", vec![column])]);
        Proposals::of(&catalogue).column(0, 0)
    };
    let mut short = column("email", Family::Text);
    short.length = Some(20);
    assert_eq!(only(short.clone()).mask, "token");
    short.length = Some(12);
    assert_eq!(only(short.clone()).mask, "hash");
    short.length = Some(4);
    assert_eq!(only(short).mask, "null");
}

/// Names that lead to every kind, and odd ones.
const NAMES: &[&str] = &[
    "email",
    "phone",
    "name",
    "first_name",
    "last_name",
    "password",
    "token",
    "notes",
    "address",
    "city",
    "zip",
    "country",
    "dob",
    "gender",
    "salary",
    "iban",
    "card_number",
    "ssn",
    "ip",
    "user_agent",
    "avatar",
    "website",
    "lat",
    "username",
    "diagnosis",
    "religion",
    "mac_address",
    "wallet_address",
    "payload",
    "license_no",
    "customer_no",
    "title",
    "state",
    "select",
    "Weird \"name\"",
    "🦀",
    "new\nline",
    "amount",
    "status",
    "created_at",
    "hire_date",
    "balance",
    "company",
    "birth_year",
    "pregnant",
    "photo",
    "file_name",
];
const FAMILIES: &[(Family, &str)] = &[
    (Family::Text, "text"),
    (Family::Text, "varchar(40)"),
    (Family::Text, "text[]"),
    (Family::Integer, "integer"),
    (Family::Integer, "smallint"),
    (Family::Numeric, "numeric(8,2)"),
    (Family::Real, "double precision"),
    (Family::Boolean, "boolean"),
    (Family::Date, "date"),
    (Family::Time, "time"),
    (Family::Timestamp, "timestamp"),
    (Family::Json, "jsonb"),
    (Family::Uuid, "uuid"),
    (Family::Enum, "enum('a','b')"),
    (Family::Blob, "bytea"),
    (Family::Any, ""),
];
const TABLES: &[&str] = &["users", "orders", "categories", "sessions", "odd \"table\"", "Group"];

prop_compose! {
    fn any_column()(name in 0..NAMES.len(), family in 0..FAMILIES.len(), room in 0..6_usize, nullable: bool) -> Column {
        let (family, declared) = FAMILIES[family];
        let length = [None, None, Some(2), Some(9), Some(20), Some(255)][room].filter(|_| family == Family::Text);
        Column { declared: declared.to_owned(), length, nullable, ..column(NAMES[name], family) }
    }
}

prop_compose! {
    fn any_table()(columns in prop::collection::vec(any_column(), 1..7), key in 0..4_usize, unique in 0..8_usize, check in 0..8_usize) -> Table {
        let mut found = table("t", Vec::new());
        for column in columns {
            if found.column_index(&column.name).is_none() {
                found.columns.push(column);
            }
        }
        let count = found.columns.len();
        found.primary_key = match key {
            0 => vec![0],
            1 if count > 1 => vec![0, 1],
            _ => Vec::new(),
        };
        if unique < count {
            found.uniques = vec![Unique { name: "u".into(), columns: (unique..count.min(unique + 2)).collect(), partial: false }];
        }
        if check < count {
            found.checks = vec![format!("length({}) < 30", quoted(&found.columns[check].name))];
        }
        found
    }
}

prop_compose! {
    fn any_catalogue()(mut tables in prop::collection::vec(any_table(), 1..4), child in 0..3_usize, engine in 0..4_usize) -> Catalogue {
        for (at, table) in tables.iter_mut().enumerate() {
            table.name = TableName::plain(TABLES[at % TABLES.len()]);
        }
        // One table refers to the first one's key, whatever its type.
        if child > 0 && child < tables.len() && tables[0].primary_key.len() == 1 {
            let parent = tables[0].clone();
            let key = &parent.columns[parent.primary_key[0]];
            if tables[child].column_index("parent_ref").is_none() {
                let refers = Column { name: "parent_ref".into(), nullable: true, ..key.clone() };
                tables[child].columns.push(refers);
                tables[child].foreign_keys.push(ForeignKey {
                    name: "fk".into(), columns: vec!["parent_ref".into()], parent: parent.name.clone(),
                    parent_columns: vec![key.name.clone()], on_delete: Action::NoAction, on_update: Action::NoAction,
                });
            }
        }
        let engines = [EngineKind::Sqlite, EngineKind::Postgres, EngineKind::Mysql, EngineKind::Mariadb];
        Catalogue { engine: engines[engine], ..catalogue(tables) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn proposals_for_any_schema_load_and_fit(catalogue in any_catalogue()) {
        let proposals = Proposals::of(&catalogue);
        let mut text = "version = 1\n".to_owned();
        let mut open = 0;
        for (at, table) in catalogue.tables.iter().enumerate() {
            let name = key(&table.name.to_string());
            text.push_str(&format!("[tables.{name}]\nmode = \"capture\"\n[tables.{name}.columns]\n"));
            for (column, proposal) in proposals.table(at).iter().enumerate() {
                if proposal.is_open() {
                    open += 1;
                } else {
                    text.push_str(&format!("{} = {}\n", key(&table.columns[column].name), proposal.rule));
                }
            }
        }
        let policy = File::parse("pii.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let done = resolve(&policy, &catalogue, "dev", &MasterKey::new(Secret32::new([1; 32])));
        if let Err(error) = done {
            prop_assert!(open > 0 && error.what().contains("undecided"), "{error}\n{text}");
        }
    }
}
