//! What the classifier must know, and what it must not fall for.

use super::*;
use crate::model::schema::Family;

const EXAMPLES: &str = include_str!("examples.txt");

/// The guess for the last column of a table that has `beside` too; `name type` each.
fn guessed(table: &str, beside: &[&str], column: &str) -> Guess {
    let mut csv = "table,column,type\n".to_owned();
    for entry in beside.iter().chain([&column]) {
        let (name, declared) = entry.split_once(' ').unwrap_or((entry, "varchar(255)"));
        csv.push_str(&format!("{table},{name},\"{declared}\"\n"));
    }
    let read = read("test.csv", &csv).unwrap();
    Guesses::of(&read.tables).at(0, beside.len()).unwrap().clone()
}

#[test]
fn names_are_found_in_many_spellings() {
    for name in
        ["emailAddress", "EMAIL_ADDRESS", "email-address", "emailaddress", "EmailAddress", "billing_email", "email_2"]
    {
        let guess = guessed("things", &[], name);
        assert_eq!((guess.tier, guess.kind), (Tier::Direct, "email"), "{name}");
    }
    for (name, kind) in [
        ("fname", "first_name"),
        ("lname", "last_name"),
        ("dob date", "birth_date"),
        ("passwordhash", "password"),
        ("pwd", "password"),
        ("loginname", "handle"),
        ("dateofbirth date", "birth_date"),
        ("ssn", "gov_id"),
        ("Straße", "street_address"),
        ("téléphone", "phone"),
        ("contraseña", "password"),
        ("geburtsdatum date", "birth_date"),
        ("codice_fiscale", "gov_id"),
        ("kundennr", "customer_code"),
        ("last_login_ip", "ip"),
    ] {
        assert_eq!(guessed("users", &[], name).kind, kind, "{name}");
    }
}

#[test]
fn words_that_look_like_others_are_nothing() {
    for (table, name) in [
        ("rooms", "capacity int"),
        ("orders", "cancelledBy int"),
        ("credits", "repayment_velocity numeric"),
        ("items", "location_id int"),
        ("users", "email_verified boolean"),
        ("users", "email_verified_at timestamp"),
        ("users", "phone_count int"),
        ("users", "password_changed_at timestamp"),
        ("users", "is_admin boolean"),
        ("strains", "name"),
        ("products", "name"),
        ("contact_types", "name"),
        ("settings", "key"),
        ("categories", "token"),
        ("feature_flags", "description text"),
        ("cities", "city"),
        ("tags", "slug"),
    ] {
        let guess = guessed(table, &["id int"], name);
        assert_eq!(guess.tier, Tier::None, "{table}.{name}: {guess:?}");
    }
}

#[test]
fn siblings_and_tables_tell_whose_a_name_is() {
    assert_eq!(guessed("unheard_of", &["email", "phone"], "name").kind, "person_name");
    assert_eq!(guessed("clients", &[], "name").kind, "person_name");
    assert_eq!(guessed("companies", &[], "name").tier, Tier::Business);
    assert_eq!(guessed("people", &["first_name"], "state").tier, Tier::None);
    assert_eq!(guessed("people", &["first_name", "city"], "state").kind, "region");
    assert_eq!(guessed("web_sessions", &[], "id").tier, Tier::Credential);
    assert_eq!(guessed("phones", &["user_id int"], "number").kind, "phone");
}

#[test]
fn a_reference_holds_what_it_refers_to() {
    let csv = "table,column,type,fk\nusers,email,varchar(99),\nlogs,who,varchar(99),users.email\nlogs,email,int,users.id\nusers,id,int,\n";
    let read = read("test.csv", csv).unwrap();
    let guesses = Guesses::of(&read.tables);
    assert_eq!(guesses.at(1, 0).unwrap().kind, "email");
    assert!(guesses.at(1, 0).unwrap().reason.contains("users.email"));
    assert_eq!(guesses.at(1, 1).unwrap().tier, Tier::None);
}

#[test]
fn a_comment_may_say_it() {
    let csv = "table,column,type,comment\nx,f7,varchar(99),the customer's e-mail address\nx,f8,int,\nx,f9,varchar(99),when the email was verified\n";
    let read = read("test.csv", csv).unwrap();
    let guesses = Guesses::of(&read.tables);
    assert_eq!(guesses.at(0, 0).unwrap().kind, "email");
    assert!(!guesses.at(0, 0).unwrap().reason.contains("customer"), "a comment may hold an example");
    assert_eq!(guesses.at(0, 2).unwrap().tier, Tier::None);
}

#[test]
fn odd_names_do_no_harm() {
    for name in ["", "_", "\"", "🦀", "select", "a\nb", "名前", "ÀÉÎ", &"x".repeat(5000), &"email".repeat(900)] {
        let mut table = read("t.csv", "table,column\nt,c\n").unwrap().tables;
        table[0].columns[0].name = name.to_owned();
        table[0].name.name = name.to_owned();
        assert!(Guesses::of(&table).at(0, 0).is_some());
    }
    assert!(Guesses::of(&[]).at(0, 0).is_none());
}

#[test]
fn guesses_stay_inside_their_bounds() {
    for guess in examples().iter().flat_map(|schema| Guesses::of(&schema.tables).guesses).flatten() {
        let kind = KINDS.iter().find(|kind| kind.name == guess.kind);
        assert!(kind.is_some() && guess.confidence <= 100 && !guess.reason.is_empty(), "{guess:?}");
        assert_eq!(guess.tier == Tier::None, guess.kind == "none", "{guess:?}");
        assert!(guess.tier == Tier::None || guess.confidence >= 50, "{guess:?}");
    }
}

/// The examples as column lists.
fn examples() -> Vec<Labelled> {
    let schemas = EXAMPLES.split("\n= ").skip(1).map(|group| {
        let mut csv = "table,column,type,tier\n".to_owned();
        for line in group.lines().skip(1).filter(|line| !line.is_empty()) {
            let (table, columns) = line.split_once(" | ").unwrap();
            for column in columns.split(' ') {
                let parts: Vec<&str> = column.split(':').collect();
                let declared = parts.get(2).unwrap_or(&"varchar(255)");
                csv.push_str(&format!("{table},{},{declared},{}\n", parts[0], parts[1]));
            }
        }
        read("examples", &csv).unwrap()
    });
    schemas.collect()
}

#[test]
fn the_examples_are_found() {
    let scores = examples().into_iter().map(|schema| score(&schema, &Guesses::of(&schema.tables)).figures);
    let figures = scores.fold(Figures::default(), Figures::and);
    assert!(figures.columns > 1000, "{figures:?}");
    assert!(figures.recall_direct_credential() > 0.9, "{figures:?}");
    assert!(figures.precision() > 0.9, "{figures:?}");
}

#[test]
fn families_decide_where_names_do_not() {
    let mut table = read("t.csv", "table,column,type\nthings,stuff,json\nthings,more,blob\n").unwrap().tables;
    let guesses = Guesses::of(&table);
    assert_eq!(guesses.at(0, 0).unwrap().tier, Tier::Free);
    assert_eq!(guesses.at(0, 1).unwrap().tier, Tier::Free);
    table[0].columns[0].family = Family::Boolean;
    assert_eq!(Guesses::of(&table).at(0, 0).unwrap().tier, Tier::None);
}

/// Figures for label files in `TEST_LABELS`: with everything, and with what only the scored schema has left out.
#[test]
fn one_schema_is_left_out_at_a_time() {
    let Some(folder) = std::env::var_os("TEST_LABELS") else {
        return;
    };
    let mut schemas = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            schemas.push((name.clone(), read(&name, &std::fs::read_to_string(&path).unwrap()).unwrap()));
        }
    }
    schemas.sort_by(|one, other| one.0.cmp(&other.0));
    let all: Vec<BTreeSet<String>> = schemas.iter().map(|(_, schema)| hits(&schema.tables)).collect();
    let (mut with, mut without) = (Figures::default(), Figures::default());
    for (at, (name, schema)) in schemas.iter().enumerate() {
        let elsewhere =
            |word: &&String| all.iter().enumerate().any(|(other, words)| other != at && words.contains(*word));
        let only: BTreeSet<String> = all[at].iter().filter(|word| !elsewhere(word)).cloned().collect();
        let whole = score(schema, &Guesses::of(&schema.tables)).figures;
        let left = score(schema, &Guesses::with(&Knowledge::without(&only), &schema.tables)).figures;
        shown(name, whole, left, only.len());
        (with, without) = (with.and(whole), without.and(left));
    }
    shown("pooled", with, without, 0);
    assert!(with.recall_direct_credential() >= without.recall_direct_credential());
    assert!(with.recall_direct_credential() >= 0.9 && with.precision() >= 0.8, "{with:?}");
}

fn shown(name: &str, with: Figures, without: Figures, only: usize) {
    let line = |f: Figures| {
        format!("{:.3} {:.3} {:.3} {:.3}", f.precision(), f.recall(), f.f1(), f.recall_direct_credential())
    };
    eprintln!("{name:24} {}   left out {only:3}: {}", line(with), line(without));
}

#[test]
fn what_lets_in_is_a_credential() {
    for (table, beside, name) in [
        ("vouchers", &["id int"][..], "code"),
        ("gift_cards", &["id int"], "code"),
        ("document_shares", &["email"], "slug"),
        ("api_clients", &["name"], "key"),
        ("payment_gateways", &["name"], "config text"),
        ("sso_providers", &["name"], "configuration json"),
        ("webauthn_devices", &["name"], "credential_id"),
        ("snmp_interfaces", &["ip"], "community"),
        ("users", &["email", "name"], "notifications_token"),
        ("users", &["email", "name"], "signing_secret uuid"),
        ("recipients", &["email", "name"], "token"),
        ("locker_rooms", &["number"], "pin"),
    ] {
        assert_eq!(guessed(table, beside, name).tier, Tier::Credential, "{table}.{name}");
    }
    for (table, name) in [
        ("coupons", "code"),
        ("settings", "value text"),
        ("gateway_types", "config text"),
        ("webauthn_devices", "public_key text"),
        ("job_queue", "token"),
        ("stores", "code"),
    ] {
        assert_ne!(guessed(table, &["id int"], name).tier, Tier::Credential, "{table}.{name}");
    }
}

#[test]
fn who_logs_in_is_found_beside_the_password() {
    for name in ["http_user", "src_user", "rootdn", "authname", "userid"] {
        assert_eq!(guessed("mail_fetchers", &["password"], name).kind, "handle", "{name}");
    }
    assert_eq!(guessed("meters", &["reading int"], "last_user int").tier, Tier::None);
}

#[test]
fn people_are_found_under_other_words() {
    for (table, name) in [
        ("claims", "claimant"),
        ("claims", "adjuster"),
        ("listings", "reporting_officer"),
        ("lectures", "dozenten"),
        ("bookings", "booked_by"),
        ("inventory_hosts", "poc_1_name"),
        ("students", "autorizado_dois"),
        ("mails", "to json"),
    ] {
        assert_eq!(guessed(table, &["id int"], name).tier, Tier::Direct, "{table}.{name}");
    }
    assert_eq!(guessed("companies", &["email"], "telefone_empresa numeric").kind, "phone");
    assert_eq!(guessed("mail_servers", &["email"], "name").tier, Tier::None);
    assert_eq!(guessed("invoices", &["id int"], "ponumber").tier, Tier::None);
}

#[test]
fn numbers_that_lead_through_the_schema_are_keys() {
    let table = |name: &str| format!("{name},emp_number,int,\n{name},employee_id,varchar(50),\n{name},id,int,\n");
    let csv = format!("table,column,type,fk\n{}", ["employees", "pay", "leave", "skills"].map(table).concat());
    let guesses = Guesses::of(&read("test.csv", &csv).unwrap().tables);
    assert_eq!(guesses.at(0, 0).unwrap().tier, Tier::None, "many tables have it");
    assert_eq!(guesses.at(0, 1).unwrap().kind, "customer_code", "a text beside the key");
    assert_eq!(guessed("employees", &["name"], "emp_number int").kind, "customer_code", "only one table has it");
}

#[test]
fn lists_of_values_and_orders_are_nobodys() {
    for (table, beside, name) in [
        ("religions", &["id int"][..], "religion_name"),
        ("nationalities", &["id int"], "nationality"),
        ("client_contacts", &["email", "first_name"], "position int"),
        ("vendors", &["name", "email"], "code varchar(10)"),
    ] {
        assert_eq!(guessed(table, beside, name).tier, Tier::None, "{table}.{name}");
    }
    assert_eq!(guessed("people", &["first_name"], "religion").tier, Tier::Sensitive);
}
