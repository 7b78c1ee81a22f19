//! The sample loads, adds up, stays the same, and has every trap it is there for.

use super::promises::PROMISES;
use super::random::Random;
use super::*;
use rusqlite::Connection;

const ENGINES: [EngineKind; 4] = [EngineKind::Sqlite, EngineKind::Postgres, EngineKind::Mysql, EngineKind::Mariadb];

fn run(db: &Connection, script: &[Sql]) {
    for sql in script {
        db.execute_batch(sql.text()).unwrap_or_else(|e| panic!("{e}: {:.300}", sql.text()));
    }
}

fn load(scale: u32) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    run(&db, &script(EngineKind::Sqlite, scale));
    db
}

fn count(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|e| panic!("{e}: {sql}"))
}

#[test]
fn promises_hold_at_any_scale() {
    for scale in [1, 3] {
        let db = load(scale);
        for sql in PROMISES {
            assert_eq!(count(&db, sql), 0, "{sql}");
        }
    }
}

#[test]
fn dates_are_within_two_years() {
    for table in tables(1) {
        for (at, column) in table.columns.iter().enumerate() {
            if !matches!(column.kind, ColumnType::Date | ColumnType::Timestamp) || column.name == "birth_date" {
                continue;
            }
            for row in &table.rows {
                if let Value::Text(text) = &row[at] {
                    let day = &text[..10];
                    assert!(("2024-01-01"..="2025-12-01").contains(&day), "{}.{}: {text}", table.name, column.name);
                }
            }
        }
    }
}

#[test]
fn few_clients_make_most_revenue() {
    let db = load(1);
    let top = "SELECT SUM(s) FROM (SELECT SUM(o.total_cents) AS s FROM orders o JOIN invoices i ON i.order_id = o.id
       GROUP BY o.client_id ORDER BY s DESC LIMIT 24)";
    let share = count(&db, top) * 100 / count(&db, "SELECT SUM(amount_cents) FROM invoices");
    assert!((65..=80).contains(&share), "{share} %");
}

#[test]
fn rows_are_as_many_as_promised() {
    let total = |scale| tables(scale).iter().map(|table| table.rows.len()).sum::<usize>();
    assert!((4_000..=6_000).contains(&total(1)), "{}", total(1));
    assert!(total(3) > 2 * total(1));
    for table in tables(1) {
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.name);
        assert!(!table.rows.is_empty(), "{}", table.name);
    }
}

#[test]
fn the_sample_never_changes_unnoticed() {
    // A changed number means changed content: say so in the changelog, and redo what was recorded from the sample.
    let digest = |engine| {
        let text: Vec<String> = script(engine, 1).iter().map(|sql| sql.text().to_owned()).collect();
        Random::stream(&text.join(";\n")).bits()
    };
    let pinned =
        [7_042_477_287_250_437_723, 8_101_876_256_386_142_156, 2_710_812_028_580_733_469, 2_710_812_028_580_733_469];
    assert_eq!(ENGINES.map(digest), pinned);
}

#[test]
fn inserts_stay_small() {
    for sql in ENGINES.into_iter().flat_map(|engine| script(engine, 2)) {
        assert!(sql.text().len() <= 64 * 1024);
        if sql.text().starts_with("INSERT INTO") {
            assert!(sql.text().matches("\n(").count() <= 200);
        }
    }
}

#[test]
fn the_empty_schema_is_the_same_schema() {
    let empty = Connection::open_in_memory().unwrap();
    run(&empty, &schema(EngineKind::Sqlite));
    let shape = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master ORDER BY type, name)";
    let shape = |db: &Connection| db.query_row(shape, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(shape(&empty), shape(&load(1)));
}

#[test]
fn the_trigger_waits_for_the_rows() {
    let db = load(1);
    assert_eq!(count(&db, "SELECT COUNT(*) FROM audit_log WHERE table_name = 'orders'"), 0);
    let order = "INSERT INTO orders (id, number, client_id, placed_by_email, ordered_on, ship_to)
       VALUES (999999, 'SO-X', 1, 'x@canopy-mail.test', '2025-11-30', 'nowhere')";
    db.execute_batch(order).unwrap();
    assert_eq!(count(&db, "SELECT COUNT(*) FROM audit_log WHERE table_name = 'orders' AND row_id = 999999"), 1);
}

/// Each statement counts the places where a trap is set.
const TRAPS: &[&str] = &[
    "SELECT COUNT(*) FROM users WHERE manager_id IS NOT NULL",
    "SELECT COUNT(*) FROM strains WHERE parent_id IS NOT NULL",
    "SELECT COUNT(*) FROM clients WHERE primary_contact_id IS NOT NULL",
    "SELECT COUNT(*) FROM clients WHERE primary_contact_id IS NULL",
    "SELECT COUNT(*) FROM clients WHERE ssn = ''",
    "SELECT COUNT(*) FROM clients WHERE ssn IS NULL",
    "SELECT COUNT(*) FROM clients WHERE ssn LIKE '9__-__-____'",
    "SELECT COUNT(*) FROM clients WHERE length(ssn) = 9",
    "SELECT COUNT(*) FROM clients WHERE tax_notes LIKE '%SSN 9%'",
    "SELECT COUNT(*) FROM clients WHERE length(CAST(name AS BLOB)) > length(name)",
    "SELECT COUNT(*) FROM clients WHERE phone LIKE '(%) %-%'",
    "SELECT COUNT(*) FROM clients WHERE phone LIKE '+1 %.%.%'",
    "SELECT COUNT(*) FROM clients WHERE phone LIKE '+49 %'",
    "SELECT COUNT(*) FROM clients WHERE length(phone) = 10 AND phone NOT GLOB '*[^0-9]*'",
    "SELECT COUNT(*) FROM client_contacts p JOIN clients c ON c.email = p.email",
    "SELECT COUNT(*) FROM orders o JOIN clients c ON c.email = o.placed_by_email",
    "SELECT COUNT(*) FROM audit_log a JOIN clients c ON c.email = json_extract(a.after_json, '$.contact.email')",
    "SELECT COUNT(*) FROM audit_log WHERE json_extract(before_json, '$.ssn') IS NOT NULL",
    "SELECT COUNT(*) FROM notes n JOIN clients c ON c.id = n.client_id WHERE instr(n.body, c.name)",
    "SELECT COUNT(*) FROM notes n JOIN clients c ON c.id = n.client_id WHERE instr(n.body, c.phone)",
    "SELECT COUNT(*) FROM notes n JOIN clients c ON c.id = n.client_id WHERE instr(n.body, c.email)",
    "SELECT COUNT(*) FROM notes WHERE body LIKE '%🍬%'",
    "SELECT COUNT(*) FROM (SELECT 1 FROM import_rows GROUP BY source_file, client_name, email, phone, amount, remark
       HAVING COUNT(*) > 1)",
    "SELECT COUNT(*) FROM \"group\" WHERE \"select\" = 'select'",
    "SELECT COUNT(*) FROM \"UserSettings\" WHERE \"DisplayName\" LIKE '%🌱'",
    "SELECT COUNT(*) FROM \"UserSettings\" WHERE typeof(\"Avatar\") = 'blob'",
    "SELECT COUNT(*) FROM products WHERE typeof(label_image) = 'blob'",
    "SELECT COUNT(*) FROM client_balances",
    "SELECT COUNT(*) FROM sqlite_sequence WHERE name = 'ledger_entries' AND seq > 0",
    "SELECT COUNT(*) FROM pragma_table_xinfo('order_lines') WHERE name = 'line_total_cents' AND hidden = 3",
    "SELECT COUNT(*) FROM pragma_foreign_key_list('returns') WHERE seq = 1",
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger'",
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
];

#[test]
fn every_trap_is_set() {
    let db = load(1);
    for sql in TRAPS {
        assert!(count(&db, sql) > 0, "{sql}");
    }
    let actions = "SELECT COUNT(DISTINCT on_delete) FROM sqlite_master t, pragma_foreign_key_list(t.name)";
    assert_eq!(count(&db, actions), 4);
}

#[test]
fn addresses_are_reserved_ones() {
    let db = load(1);
    for (table, column) in [
        ("users", "email"),
        ("clients", "email"),
        ("client_contacts", "email"),
        ("vendors", "email"),
        ("orders", "placed_by_email"),
        ("import_rows", "email"),
    ] {
        let stray = format!("SELECT COUNT(*) FROM {table} WHERE {column} NOT LIKE '%_@%_.test'");
        assert_eq!(count(&db, &stray), 0, "{table}");
    }
}

#[test]
fn the_demo_policy_decides_every_column_once() {
    let policy: toml::Table = include_str!("../../../policies/pii.toml").parse().unwrap();
    let decided = policy["tables"].as_table().unwrap();
    assert_eq!(decided.len(), definitions().len());
    for table in definitions() {
        let entry = decided[table.name].as_table().unwrap();
        let kept = entry.get("keep").and_then(toml::Value::as_array).into_iter().flatten();
        let masked = entry.get("columns").and_then(toml::Value::as_table).into_iter().flat_map(|m| m.keys());
        let mut names: Vec<&str> = kept.filter_map(toml::Value::as_str).chain(masked.map(String::as_str)).collect();
        let mut stored: Vec<&str> = table.stored().iter().map(|column| column.name).collect();
        names.sort_unstable();
        stored.sort_unstable();
        assert_eq!(names, stored, "{}", table.name);
    }
}
