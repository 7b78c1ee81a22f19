//! The policies that ship as beginnings: each does on a small database what it says.

use crate::support::{Scratch, repository, sql};
use rusqlite::Connection;

const CLINIC: &str = "
    CREATE TABLE patients (id INTEGER PRIMARY KEY, mrn TEXT UNIQUE, first_name TEXT, last_name TEXT, email TEXT, phone TEXT, fax TEXT,
        dob DATE, age INTEGER, sex TEXT, street TEXT, city TEXT, state TEXT, zip TEXT, ssn TEXT, health_plan_number TEXT,
        account_number TEXT, license_plate TEXT, device_serial TEXT, portal_url TEXT, last_ip TEXT, fingerprint BLOB, photo BLOB,
        blood_type TEXT, notes TEXT, updated_at TIMESTAMP);
    CREATE TABLE diagnoses (code TEXT PRIMARY KEY, title TEXT);
    CREATE TABLE encounters (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients, admitted_on DATE,
        discharged_on DATE, diagnosis_code TEXT REFERENCES diagnoses, attending_name TEXT, notes TEXT);
    INSERT INTO diagnoses VALUES ('J45', 'Asthma'), ('I10', 'Hypertension');
    INSERT INTO patients VALUES
        (1, 'MR-558203', 'Quirina', 'Zwetajewa', 'quirina@corp.test', '(415) 867-5309', '(415) 867-5310', '1984-07-09', 41, 'f',
         '17 Larkspur Close', 'Yreka', 'CA', '94117-2301', '219-09-1234', 'HP-7730021', '00048151623', '7QXZ921', 'SN-99120045',
         'https://quirina.corp.test/me', '81.2.69.142', x'0102030405060708', x'89504e470d0a1a0a0102', '0+', 'Quirina fell at Yreka High.', '2025-03-17 08:15:00'),
        (2, 'MR-660318', 'Oddvar', 'Kvistgaard', 'oddvar@corp.test', '(212) 867-5311', NULL, '1921-03-30', 104, 'm',
         '9 Heron Mews', 'Canaan', 'NH', '03608', '219-09-5678', 'HP-8841132', '00090210777', NULL, NULL,
         NULL, '81.2.69.160', NULL, NULL, 'A-', '', '2025-11-02 19:40:00');
    INSERT INTO encounters VALUES (1, 1, '2025-03-14', '2025-03-17', 'J45', 'Dr. Ulrike Nettelbeck', 'Seen with her mother, Ottilie Zwetajewa.'),
        (2, 2, '2025-10-30', '2025-11-02', 'I10', 'Dr. Ulrike Nettelbeck', NULL);";

/// The policy with the tables that it shows in comments.
fn with_example(file: &str) -> String {
    let text = std::fs::read_to_string(repository(file)).unwrap();
    let (policy, example) = text.split_once("# Example.").unwrap();
    let code = example.lines().filter_map(|line| line.strip_prefix("# "));
    let code: Vec<&str> = code.filter(|line| line.starts_with('[') || line.contains(" = ")).collect();
    assert!(code.len() >= 6);
    format!("{policy}\n{}\n", code.join("\n"))
}

/// A folder with a store, a database and a policy that was made of a template.
fn clinic(schema: &str, template: &str) -> Scratch {
    let scratch = Scratch::with_store();
    sql(&scratch.path("own.sqlite"), schema);
    std::fs::write(scratch.path("pii.toml"), with_example(template)).unwrap();
    scratch
}

fn capture(environment: &str) -> Vec<&str> {
    vec!["capture", environment, "--policy", "pii.toml", "--source", "sqlite:own.sqlite", "--env", environment]
}

/// Rows as text, NULL as `-`.
fn rows(scratch: &Scratch, query: &str) -> Vec<Vec<String>> {
    let connection = Connection::open(scratch.path("dev.sqlite")).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let columns = statement.column_count();
    let cell = |row: &rusqlite::Row<'_>, at: usize| match row.get_ref(at).unwrap() {
        rusqlite::types::ValueRef::Null => "-".to_owned(),
        rusqlite::types::ValueRef::Integer(number) => number.to_string(),
        other => String::from_utf8_lossy(other.as_bytes().unwrap()).into_owned(),
    };
    let found = statement.query_map([], |row| Ok((0..columns).map(|at| cell(row, at)).collect())).unwrap();
    found.map(Result::unwrap).collect()
}

/// The tables that a snapshot has rows of.
fn tables_with_rows(scratch: &Scratch, snapshot: &str) -> Vec<String> {
    let shown = scratch.json(&["show", snapshot]);
    let tables = shown["manifest"]["tables"].as_array().unwrap().iter().filter(|table| table["rows"] != 0);
    tables.map(|table| table["table"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_safe_harbor_template_leaves_years_three_digits_and_no_name() {
    let scratch = clinic(CLINIC, "policies/hipaa-safe-harbor.toml");
    for environment in ["dev", "staging", "production"] {
        scratch.ok(&capture(environment));
    }
    scratch.ok(&["restore", "dev", "--target", "sqlite:dev.sqlite"]);
    let patients = rows(
        &scratch,
        "SELECT substr(dob, 1, 4), age, zip, state, updated_at, blood_type, fingerprint FROM patients ORDER BY id",
    );
    assert_eq!(patients[0], ["1984", "41", "941**", "CA", "2025-01-01 00:00:00", "0+", "-"]);
    assert_eq!(patients[1], ["1936", "90", "000**", "NH", "2025-01-01 00:00:00", "A-", "-"]);
    let encounters =
        rows(&scratch, "SELECT patient_id, admitted_on, discharged_on, diagnosis_code FROM encounters ORDER BY id");
    assert_eq!(encounters[0], ["1", "2025-01-01", "2025-01-01", "J45"]);
    let all = rows(&scratch, "SELECT * FROM patients").concat().join(" ")
        + &rows(&scratch, "SELECT * FROM encounters").concat().join(" ");
    for original in [
        "Quirina",
        "Zwetajewa",
        "Kvistgaard",
        "Nettelbeck",
        "Ottilie",
        "Yreka",
        "Larkspur",
        "corp.test",
        "867-53",
        "219-09",
        "MR-558203",
        "HP-77",
        "7QXZ",
        "SN-99",
        "81.2.69",
        "07-09",
    ] {
        assert!(!all.contains(original), "{original}");
    }
    assert_eq!(tables_with_rows(&scratch, "production"), ["diagnoses"]);
}

#[test]
fn the_strict_template_keeps_row_numbers_only_and_only_in_dev() {
    let schema = "CREATE TABLE clients (id INTEGER PRIMARY KEY, referred_by INTEGER REFERENCES clients, email TEXT UNIQUE, full_name TEXT, birth_date DATE,
            country TEXT, notes TEXT, created_at TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00', metadata TEXT);
        CREATE TABLE sessions (id INTEGER PRIMARY KEY, token TEXT);
        CREATE TABLE countries (code TEXT PRIMARY KEY, title TEXT);
        INSERT INTO countries VALUES ('NO', 'Norway');
        INSERT INTO sessions VALUES (1, 'b7c1f0e2');
        INSERT INTO clients VALUES (17, NULL, 'oddvar@corp.test', 'Oddvar Kvistgaard', '1961-03-30', 'NO', 'likes orchids', '2025-06-01 10:00:00', '{\"vat\": 9913377}'),
            (18, 17, 'quirina@corp.test', 'Quirina Zwetajewa', '1984-07-09', 'DE', 'none', '2025-06-02 10:00:00', NULL);";
    let scratch = clinic(schema, "policies/strict.toml");
    scratch.ok(&capture("dev"));
    scratch.ok(&["restore", "dev", "--target", "sqlite:dev.sqlite"]);
    assert_eq!(
        rows(&scratch, "SELECT id, referred_by, birth_date, country, created_at FROM clients ORDER BY id"),
        [["17", "-", "-", "-", "2000-01-01 00:00:00"], ["18", "17", "-", "-", "2000-01-01 00:00:00"]]
    );
    let all = rows(&scratch, "SELECT email, full_name, notes, metadata FROM clients").concat().join(" ");
    for original in ["corp.test", "Kvistgaard", "Quirina", "orchids", "9913377"] {
        assert!(!all.contains(original), "{original}");
    }
    assert_eq!(rows(&scratch, "SELECT count(*) FROM sessions"), [["0"]]);
    scratch.ok(&capture("staging"));
    assert_eq!(tables_with_rows(&scratch, "staging"), ["countries"]);
    // A column that nobody thought of stops it.
    sql(&scratch.path("own.sqlite"), "ALTER TABLE clients ADD COLUMN shoe_size INTEGER");
    assert!(scratch.fails(4, &capture("dev")).contains("clients: shoe_size"));
}

#[test]
fn the_minimal_template_proposes_every_table() {
    let scratch = Scratch::with_sample();
    std::fs::copy(repository("policies/minimal.toml"), scratch.path("pii.toml")).unwrap();
    let error = scratch.fails(4, &["capture", "s", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"]);
    assert!(error.contains("[tables.clients]") && error.contains("nothing is kept by default"), "{error}");
}
