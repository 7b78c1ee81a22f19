//! `policies/terp.toml` on the users' own schemas: a folder `TEST_SCHEMAS` that has them fills each with rows of the shapes
//! that the policy expects, and captures them in every environment. Label files beside that folder are held against it.

use super::fill_testing::fill_with;
use super::filled_tests::{MARIADB, MYSQL, POSTGRESQL, Server, schemas};
use super::load::OnConflict;
use super::server_tests::{captured_in, restored, source, target};
use crate::error::Kind;
use crate::mask;
use crate::model::schema::{Catalogue, TableName};
use crate::model::tier::Tier;
use crate::policy::file::{ColumnRule, ENVIRONMENTS};
use crate::policy::inventory::{Inventory, inventory};
use crate::policy::names::key;
use crate::policy::{Mode, Policy};
use std::collections::BTreeMap;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/terp.toml");

#[test]
fn the_policy_of_terp_captures_its_schema_on_mariadb() {
    captures(&MARIADB);
}

#[test]
fn the_policy_of_terp_captures_its_schema_on_mysql() {
    captures(&MYSQL);
}

#[test]
fn the_policy_of_terp_captures_its_schema_on_postgresql() {
    captures(&POSTGRESQL);
}

fn captures(server: &Server) {
    let text = std::fs::read_to_string(FILE).unwrap();
    let policy = Policy::parse("terp.toml", &text).unwrap();
    for (name, schema) in schemas(server).into_iter().skip(1).filter(|(name, _)| name.contains("terp")) {
        let url = (server.fresh)();
        (server.script)(&url, &schema);
        let catalogue = source(&url).catalogue().unwrap();
        let rules = rules(&policy, &catalogue);
        let filled = fill_with(&mut *target(&url), &catalogue, 1, &|table, column, number| {
            let (rule, room) = rules.get(&(table.clone(), column.to_owned()))?;
            Some(original(rule, number).chars().take(*room).collect())
        });
        println!("{name}: {} tables, {} rows; empty: {:#?}", catalogue.tables.len(), filled.rows, filled.empty);
        assert!(filled.empty.len() * 20 <= catalogue.tables.len(), "too many tables take no row: {:#?}", filled.empty);
        for environment in ENVIRONMENTS {
            let repository = captured_in(environment, &url, &text).unwrap_or_else(|error| {
                panic!("{name} in {environment}: {error}\n{}", error.hint_text().unwrap_or_default())
            });
            let manifest = repository.find("s").unwrap().manifest;
            let rows: u64 = manifest.tables.iter().map(|entry| entry.rows).sum();
            println!("  {environment}: {rows} rows, leaks: {:?}", manifest.results.leaks);
            assert!(if environment == "production" { rows > 10 } else { rows > filled.rows / 2 }, "{environment}");
            let captures = manifest.tables.iter().any(|entry| entry.mode == Mode::Capture.word());
            assert_eq!(captures, environment != "production");
            let restored = restored(&repository, &(server.fresh)(), OnConflict::Fail);
            match environment {
                // Into production only, and this target does not say that it is.
                "production" => assert_eq!(restored.unwrap_err().kind(), Kind::Guard),
                _ => assert!(restored.unwrap().rows() == rows),
            }
        }
        // The example in comments is an example of something that works.
        captured_in("dev", &url, &with_subset(&text)).unwrap();
        labelled(&inventory(&policy, &catalogue).unwrap(), if name.contains("_pg") { "terp_operator" } else { "terp" });
    }
}

/// What dev does to each column that it masks, and how many characters fit there.
fn rules(policy: &Policy, catalogue: &Catalogue) -> BTreeMap<(TableName, String), (ColumnRule, usize)> {
    let mut rules = BTreeMap::new();
    for table in inventory(policy, catalogue).unwrap().tables {
        for record in table.columns {
            let rule = record.decisions[0].as_ref().map(|decision| &decision.rule);
            if let Some(rule) = rule.filter(|rule| !rule.mask.keeps_original) {
                let room = record.column.length.map_or(usize::MAX, |length| length as usize);
                rules.insert((table.table.clone(), record.column.name.clone()), (rule.clone(), room));
            }
        }
    }
    rules
}

/// An original that the rule's mask takes, and that stands nowhere else.
fn original(rule: &ColumnRule, number: u64) -> String {
    let member = rule.params.text("member").filter(|member| matches!(*member, "phone" | "company"));
    match member.unwrap_or(rule.mask.name) {
        "token" | "hash" => format!("key-{number}-{:x}", number.wrapping_add(77).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        name => (mask::find(name).unwrap_or(rule.mask).sample)(number),
    }
}

/// The policy with the subset that it shows in comments.
fn with_subset(text: &str) -> String {
    let mut found = 0;
    let mut inside = false;
    let lines = text.lines().map(|line| {
        inside = (inside || line == "# [subset]") && line.starts_with('#');
        match line.strip_prefix("# ") {
            Some(code) if inside && (code.starts_with('[') || code.contains(" = ")) => {
                found += 1;
                code
            }
            _ => line,
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    assert!(found > 10, "only {found} lines of the example were found");
    text
}

/// Every column that the label file calls personal is masked, or kept for a written reason, or has no rows.
fn labelled(inventory: &Inventory, labels: &str) {
    let Some(folder) = std::env::var_os("TEST_SCHEMAS") else { return };
    let path = std::path::Path::new(&folder).join(format!("../pii-labels/{labels}.csv"));
    let Ok(text) = std::fs::read_to_string(&path) else { return };
    let mut open = Vec::new();
    let mut seen = 0;
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (table, column) = (cells[0].trim_start_matches("public."), cells[1]);
        if matches!(Tier::of_letter(cells[cells.len() - 1]), None | Some(Tier::None)) {
            continue;
        }
        seen += 1;
        let record = inventory.tables.iter().find(|record| record.table.name == table).unwrap();
        let column = record.columns.iter().find(|record| record.column.name == column).unwrap();
        for (at, environment) in ENVIRONMENTS.iter().enumerate() {
            let rows = record.modes[at].is_some_and(Mode::has_rows);
            let rule = column.decisions[at].as_ref().map(|decision| &decision.rule);
            let answered = if rows {
                rule.is_some_and(|rule| !rule.mask.keeps_original || rule.reason().is_some())
            } else {
                *environment == "production" || record.reason.is_some()
            };
            if !answered {
                open.push(format!("{environment}: {}.{}", record.table, column.column.name));
            }
        }
    }
    assert!(seen > 50 && open.is_empty(), "{seen} labelled, of them without an answer: {open:#?}");
}

#[test]
fn a_proposal_captures_the_users_schemas_on_mariadb() {
    a_proposal_captures(&MARIADB);
}

#[test]
fn a_proposal_captures_the_users_schemas_on_mysql() {
    a_proposal_captures(&MYSQL);
}

#[test]
fn a_proposal_captures_the_users_schemas_on_postgresql() {
    a_proposal_captures(&POSTGRESQL);
}

/// What `init` writes, with every open column answered as proposed, captures the schema when it is full of rows.
fn a_proposal_captures(server: &Server) {
    for (name, schema) in schemas(server) {
        let url = (server.fresh)();
        (server.script)(&url, &schema);
        let context =
            super::Context { report: &crate::event::Silent, cancel: crate::event::Cancel::default(), jobs: 2 };
        let options = super::detect::Options { values: false, least: 60, project: "erp" };
        let found = super::detect::detect(&context, &mut *source(&url), None, options).unwrap();
        let catalogue = source(&url).catalogue().unwrap();
        let text = answered(&found.policy, &catalogue);
        let policy = Policy::parse("pii.toml", &text).unwrap();
        let rules = rules(&policy, &catalogue);
        let filled = fill_with(&mut *target(&url), &catalogue, 1, &|table, column, number| {
            let (rule, room) = rules.get(&(table.clone(), column.to_owned()))?;
            Some(original(rule, number).chars().take(*room).collect())
        });
        let repository = captured_in("dev", &url, &text)
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", error.hint_text().unwrap_or_default()));
        let manifest = repository.find("s").unwrap().manifest;
        let rows: u64 = manifest.tables.iter().map(|entry| entry.rows).sum();
        println!("{name}: {} rows filled, {rows} captured, leaks: {:?}", filled.rows, manifest.results.leaks);
        assert!(rows > filled.rows / 2);
    }
}

/// A proposal with every open column answered as proposed. What `policy check` warns of as `default-literal` is answered too: such a
/// text is in the snapshot's definitions, where a capture would find it again.
fn answered(proposal: &str, catalogue: &Catalogue) -> String {
    let is_literal =
        |default: &Option<String>| default.as_ref().is_some_and(|text| text.len() > 2 && text.starts_with('\''));
    let mut lines: Vec<String> = Vec::new();
    let mut literal: Vec<String> = Vec::new();
    for line in proposal.lines().map(|line| line.strip_prefix("# undecided: ").unwrap_or(line)) {
        if line.starts_with('[') {
            let own = catalogue
                .tables
                .iter()
                .find(|table| line == format!("[tables.{}.columns]", key(&table.name.to_string())));
            let columns = own.iter().flat_map(|table| &table.columns).filter(|column| is_literal(&column.default));
            literal = columns.map(|column| format!("{} = ", key(&column.name))).collect();
        }
        lines.push(match literal.iter().find(|begin| line.starts_with(begin.as_str())) {
            Some(begin) => format!("{begin}{{ mask = \"keep\", reason = \"a text of ours where nobody says more\" }}"),
            None => line.to_owned(),
        });
    }
    lines.join("\n")
}
