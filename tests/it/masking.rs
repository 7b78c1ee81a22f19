//! Masking from the outside: conditions, subjects along references, uniqueness, CHECK and ENUM, programs of one's own, keys.

use crate::support::{Scratch, number, sql};
use rusqlite::Connection;

/// A folder with a store and a small shop in `shop.sqlite`.
fn shop(schema: &str) -> Scratch {
    let scratch = Scratch::with_store();
    sql(&scratch.path("shop.sqlite"), schema);
    scratch
}

const SHOP: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, country TEXT, ssn TEXT, status TEXT CHECK (status IN ('new', 'old')));
    CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients, client_name TEXT, placed_by TEXT);
    CREATE TABLE invoices (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders, bill_to TEXT);
    CREATE TABLE letters (id INTEGER PRIMARY KEY, client INTEGER, dear TEXT);
    INSERT INTO clients VALUES (17, 'Maria Gutierrez', 'maria@corp.test', 'US', '219-09-1234', 'new'),
                               (18, 'Otto Quisling', 'otto@corp.test', 'DE', '219-09-5678', 'old'),
                               (19, 'Ida Zwingli', 'ida@corp.test', NULL, '219-09-9999', 'new');
    INSERT INTO orders VALUES (1, 17, 'M. Gutierrez', 'maria@corp.test'), (2, 18, 'Quisling, Otto', 'otto@corp.test');
    INSERT INTO invoices VALUES (1, 1, 'Gutierrez'), (2, 2, 'Quisling');
    INSERT INTO letters VALUES (1, 17, 'Maria'), (2, 19, 'Ida');";

fn policy(scratch: &Scratch, clients: &str, rest: &str) {
    let text = format!(
        "version = 1\n[tables.clients]\nmode = \"capture\"\nkeep = [\"id\", \"country\"]\n[tables.clients.columns]\n{clients}\n{rest}"
    );
    std::fs::write(scratch.path("pii.toml"), text).unwrap();
}

const EXCLUDED: &str = "[tables.orders]\nmode = \"exclude\"\n[tables.invoices]\nmode = \"exclude\"\n[tables.letters]\nmode = \"exclude\"\n";
const CAPTURE: [&str; 6] = ["capture", "s", "--policy", "pii.toml", "--source", "sqlite:shop.sqlite"];

/// Captures and restores into `NAME.sqlite`.
fn through(scratch: &Scratch, name: &str, environment: &str) -> std::path::PathBuf {
    scratch.ok(&[&CAPTURE[..], &["--env", environment]].concat());
    let target = format!("sqlite:{name}.sqlite");
    scratch.ok(&["restore", "s", "--target", &target]);
    scratch.path(&format!("{name}.sqlite"))
}

fn texts(path: &std::path::Path, query: &str) -> Vec<Option<String>> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

const PLAIN: &str = "name = \"full_name\"\nemail = \"email\"\nssn = \"ssn_tail\"\nstatus = \"keep\"";

#[test]
fn a_condition_decides_row_by_row_and_unknown_counts_as_holding() {
    let scratch = shop(SHOP);
    let clients = PLAIN.replace(
        "ssn = \"ssn_tail\"",
        "ssn = { mask = \"ssn_tail\", when = \"country <> 'DE'\", otherwise = \"null\" }",
    );
    policy(&scratch, &clients, EXCLUDED);
    let dev = through(&scratch, "dev", "dev");
    let ssn = texts(&dev, "SELECT ssn FROM clients ORDER BY id");
    assert!(ssn[0].as_deref().unwrap().starts_with("***-**-") && ssn[1].is_none(), "{ssn:?}");
    assert!(ssn[2].as_deref().unwrap().starts_with("***-**-"), "a country that is not known does not show the number");
}

#[test]
fn a_condition_that_keeps_is_said_and_what_it_keeps_is_kept() {
    let scratch = shop(SHOP);
    let clients = PLAIN.replace("ssn = \"ssn_tail\"", "ssn = { mask = \"ssn_tail\", when = \"country = 'US'\" }");
    policy(&scratch, &clients, EXCLUDED);
    let output = scratch.run(&CAPTURE);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("clients.ssn is kept where its condition does not hold"),
        "{said}"
    );
    scratch.ok(&["restore", "s", "--target", "sqlite:dev.sqlite"]);
    let ssn = texts(&scratch.path("dev.sqlite"), "SELECT ssn FROM clients ORDER BY id");
    assert_eq!(ssn[1].as_deref(), Some("219-09-5678"));
    assert!(ssn[0].as_deref().unwrap().starts_with("***"));
}

#[test]
fn a_condition_that_is_none_is_refused_with_its_place() {
    let scratch = shop(SHOP);
    for (condition, why) in [
        ("contry = 'US'", "clients has no column 'contry' (character 1). Did you mean 'country'?"),
        ("country = 'US' -- ", "comment"),
        ("id IN (SELECT client_id FROM orders)", "subquery"),
        ("country = 'US'; DELETE FROM clients", "semicolon"),
        ("load_extension('x') = 1", "function load_extension is not among the allowed ones"),
    ] {
        let clients = PLAIN.replace("\"ssn_tail\"", &format!("{{ mask = \"ssn_tail\", when = \"{condition}\" }}"));
        policy(&scratch, &clients, EXCLUDED);
        let message = scratch.fails(4, &CAPTURE);
        assert!(message.contains(why) && message.contains("pii.toml:8:1: clients.ssn"), "{condition}: {message}");
    }
    assert_eq!(number(&scratch.path("shop.sqlite"), "SELECT count(*) FROM clients"), 3);
}

#[test]
fn a_referencing_column_inherits_the_mask_of_its_key() {
    let scratch = shop(
        "CREATE TABLE users (email TEXT PRIMARY KEY, name TEXT); INSERT INTO users VALUES ('a@corp.test', 'A'), ('b@corp.test', 'B');
         CREATE TABLE posts (id INTEGER PRIMARY KEY, author TEXT REFERENCES users (email));
         CREATE TABLE likes (id INTEGER PRIMARY KEY, who TEXT);
         INSERT INTO posts VALUES (1, 'a@corp.test'), (2, 'b@corp.test'); INSERT INTO likes VALUES (1, 'b@corp.test');",
    );
    std::fs::write(
        scratch.path("pii.toml"),
        "version = 1\n[[subset.references]]\ntable = \"likes\"\ncolumns = \"who\"\nparent = \"users\"\n\
         [tables.users.columns]\nemail = { mask = \"email\" }\nname = \"null\"\n\
         [tables.posts]\nmode = \"capture\"\nkeep = [\"id\"]\n[tables.likes]\nmode = \"capture\"\nkeep = [\"id\"]\n",
    )
    .unwrap();
    let dev = through(&scratch, "dev", "dev");
    assert_eq!(number(&dev, "SELECT count(*) FROM posts JOIN users ON author = email"), 2);
    assert_eq!(number(&dev, "SELECT count(*) FROM likes JOIN users ON who = email"), 1);
    assert_eq!(number(&dev, "SELECT count(*) FROM users WHERE email LIKE '%@corp.test'"), 0);
    // Another mask on one side is a conflict, with both places; so for the reference that only the policy knows.
    let text = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    std::fs::write(scratch.path("pii.toml"), text + "[tables.likes.columns]\nwho = \"token\"\n").unwrap();
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("references would break: likes.who is token"), "{message}");
}

#[test]
fn environments_and_generations_have_nothing_in_common() {
    let scratch = shop(SHOP);
    policy(&scratch, PLAIN, EXCLUDED);
    let query = "SELECT email FROM clients UNION SELECT name FROM clients";
    let dev = texts(&through(&scratch, "dev", "dev"), query);
    let again = texts(&through(&scratch, "again", "dev"), query);
    let staging = texts(&through(&scratch, "staging", "staging"), query);
    assert_eq!(dev, again);
    assert!(dev.iter().all(|value| !staging.contains(value)), "{dev:?} {staging:?}");
    let check = |name: &str| scratch.json(&["show", name])["manifest"]["policy"]["key_check"].clone();
    let before = check("s");
    let text = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    std::fs::write(scratch.path("pii.toml"), format!("{text}\n[project]\ngeneration = 2\n")).unwrap();
    let next = texts(&through(&scratch, "next", "staging"), query);
    assert!(next.iter().all(|value| !staging.contains(value)));
    assert_ne!(check("s"), before, "the check value tells generations apart");
    let manifest = scratch.json(&["show", "s"])["manifest"]["policy"].clone();
    assert_eq!(manifest["masks"]["email"], 1);
    assert_eq!(manifest["key_id"].as_str().unwrap().len(), 16);
}

#[test]
fn masked_values_that_meet_in_a_unique_column_stop_the_capture() {
    let scratch = shop(SHOP);
    let clients = PLAIN.replace(
        "email = \"email\"",
        "email = { mask = \"command\", run = [\"jq\", \"-c\", \"--unbuffered\", '{cells: [range(.cells | length) as $at | [\"x\", \"y\", \"X\"][$at % 3]]}'] }",
    );
    policy(&scratch, &clients, EXCLUDED);
    scratch.ok(&CAPTURE);
    // The same answers in a column that does not tell cases apart.
    let folded = SHOP.replace("email TEXT UNIQUE", "email TEXT COLLATE NOCASE UNIQUE");
    let other = shop(&folded);
    policy(&other, &clients, EXCLUDED);
    let message = other.fails(4, &CAPTURE);
    assert!(message.contains("table clients: 1 masked rows repeat another one's value of email"), "{message}");
    assert!(other.json(&["list"]).as_array().unwrap().is_empty());
}

#[test]
fn a_program_of_ones_own_that_crashes_is_exit_4_and_nothing_is_published() {
    let scratch = shop(SHOP);
    for (run, why) in [
        ("[\"sh\", \"-c\", \"read -r line; exit 9\"]", "it ended before it answered"),
        ("[\"jq\", \"-c\", \"--unbuffered\", '{cells: .cells[1:]}']", "it was given 1 cells and answered with 0"),
        ("[\"no-such-program-here\"]", "it could not be started"),
    ] {
        policy(
            &scratch,
            &PLAIN.replace("name = \"full_name\"", &format!("name = {{ mask = \"command\", run = {run} }}")),
            EXCLUDED,
        );
        let message = scratch.fails(4, &CAPTURE);
        assert!(message.contains(why) && message.contains("table clients, column name"), "{message}");
        assert!(!message.contains("Gutierrez"), "{message}");
    }
    assert!(scratch.json(&["list"]).as_array().unwrap().is_empty());
}

#[test]
fn what_a_check_allows_is_respected() {
    let scratch = shop(SHOP);
    policy(&scratch, &PLAIN.replace("status = \"keep\"", "status = \"token\""), EXCLUDED);
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("table clients, column status, row 0") && message.contains("ENUM or CHECK"), "{message}");
}

#[test]
fn masks_that_show_characters_are_for_staging_or_need_a_reason() {
    let scratch = shop(SHOP);
    let clients = PLAIN
        .replace("\"ssn_tail\"", "{ mask = \"ssn_tail\", tail = \"real\", reason = \"support looks up by tail\" }");
    policy(&scratch, &clients, EXCLUDED);
    scratch.ok(&CAPTURE);
    // Staging may preserve a pattern; the same rule is refused in dev, with the way out.
    let pattern = PLAIN.replace("\"ssn_tail\"", "{ mask = \"pattern\", keep_prefix = 3 }");
    policy(&scratch, &pattern, EXCLUDED);
    let staging = through(&scratch, "staging", "staging");
    let kept = "SELECT count(*) FROM clients WHERE ssn LIKE '219-%' AND ssn NOT LIKE '219-09-%'";
    assert!(number(&staging, kept) >= 2);
    let message = scratch.fails(4, &CAPTURE);
    assert!(
        message.contains("clients.ssn: mask pattern shows characters of the original")
            && message.contains("[environments.staging.tables.clients.columns]"),
        "{message}"
    );
    policy(&scratch, &clients.replace("support looks up by tail", " "), EXCLUDED);
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("shows characters of the original, which dev does not allow"), "{message}");
}

#[test]
fn the_key_comes_from_a_descriptor_too() {
    let scratch = shop(SHOP);
    policy(&scratch, PLAIN, EXCLUDED);
    let key = scratch.path(".terp-fixtures/mask.key");
    let capture = |descriptor: &str| {
        let shell = "exec \"$0\" \"$@\" 7< key";
        let mut command = std::process::Command::new("sh");
        command.current_dir(scratch.path("")).args(["-c", shell]).arg(scratch.command(&[]).get_program()).args(CAPTURE);
        command.env("TERP_FIXTURES_MASK_KEY_FD", descriptor).env_remove("TERP_FIXTURES_STORE").output().unwrap()
    };
    std::fs::rename(&key, scratch.path("key")).unwrap();
    assert!(scratch.fails(1, &CAPTURE).contains("no masking key"));
    let output = capture("7");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for wrong in ["8", "seven"] {
        assert_eq!(capture(wrong).status.code(), Some(1));
    }
}

#[test]
fn one_person_is_the_same_in_every_table_that_reaches_it() {
    let scratch = shop(SHOP);
    let member = |member: &str, subject: &str| {
        format!("{{ mask = \"persona\", member = \"{member}\", subject = \"{subject}\" }}")
    };
    let clients = format!(
        "name = {}\nemail = {}\nssn = \"ssn_tail\"\nstatus = \"keep\"",
        member("full_name", "id"),
        member("email", "id")
    );
    let rest = format!(
        "[[subset.references]]\ntable = \"letters\"\ncolumns = \"client\"\nparent = \"clients\"\n\
         [tables.orders]\nmode = \"capture\"\nkeep = [\"id\", \"client_id\"]\n[tables.orders.columns]\nclient_name = {}\nplaced_by = {}\n\
         [tables.invoices]\nmode = \"capture\"\nkeep = [\"id\", \"order_id\"]\n[tables.invoices.columns]\nbill_to = {}\n\
         [tables.letters]\nmode = \"capture\"\nkeep = [\"id\", \"client\"]\n[tables.letters.columns]\ndear = {}\n",
        member("full_name", "client_id"),
        member("email", "client_id"),
        member("last_name", "order_id.client_id"),
        member("first_name", "client"),
    );
    policy(&scratch, &clients, &rest);
    let dev = through(&scratch, "dev", "dev");
    let count = |query: &str| number(&dev, query);
    assert_eq!(
        count("SELECT count(*) FROM orders o JOIN clients c ON c.id = o.client_id WHERE o.placed_by = c.email"),
        2
    );
    // "Quisling, Otto" keeps its order of names.
    assert_eq!(
        count(
            "SELECT count(*) FROM orders o JOIN clients c ON c.id = o.client_id WHERE o.client_name = c.name
             OR o.client_name = substr(c.name, instr(c.name, ' ') + 1) || ', ' || substr(c.name, 1, instr(c.name, ' ') - 1)"
        ),
        2
    );
    assert_eq!(
        count(
            "SELECT count(*) FROM invoices i JOIN orders o ON o.id = i.order_id JOIN clients c ON c.id = o.client_id
             WHERE c.name LIKE '% ' || i.bill_to"
        ),
        2
    );
    assert_eq!(
        count("SELECT count(*) FROM letters l JOIN clients c ON c.id = l.client WHERE c.name LIKE l.dear || ' %'"),
        2
    );
    assert_eq!(count("SELECT count(DISTINCT name) FROM clients"), 3);
}

const NOTES: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, phone TEXT, country TEXT, ssn TEXT, status TEXT);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients, body TEXT);
    INSERT INTO clients VALUES (17, 'Maria Gutierrez', 'maria@corp.test', '(415) 867-5309', 'US', '219-09-1234', 'new'),
                               (18, 'Maria Quisling', 'otto@corp.test', '(415) 867-5310', 'DE', '219-09-5678', 'old');
    INSERT INTO notes VALUES
        (1, 17, 'call Maria'), (2, 18, 'Call MARIA at 415.867.5310, or write to Otto@corp.test.'),
        (3, 17, 'Gutierrez, Maria asked about 219091234'), (4, 18, 'nothing to say');";

#[test]
fn a_note_says_the_name_that_the_person_now_has() {
    let scratch = shop(NOTES);
    let clients = "name = { mask = \"persona\", subject = \"id\" }\nemail = \"email\"\nphone = \"phone\"\nssn = \"ssn_tail\"\nstatus = \"keep\"";
    let notes = "[tables.notes]\nmode = \"capture\"\nkeep = [\"id\", \"client_id\"]\n[tables.notes.columns]\nbody = { mask = \"text_scrub\", subject = \"client_id\" }\n";
    policy(&scratch, clients, notes);
    let dev = through(&scratch, "dev", "dev");
    let one = |query: &str| texts(&dev, query)[0].clone().unwrap();
    let name = |id: u32| one(&format!("SELECT name FROM clients WHERE id = {id}"));
    let first = |id: u32| name(id).split(' ').next().unwrap().to_owned();
    assert_ne!(first(17), first(18), "the test needs two Marias with different new names");
    assert_eq!(one("SELECT body FROM notes WHERE id = 1"), format!("call {}", first(17)));
    let second = one("SELECT body FROM notes WHERE id = 2");
    assert!(second.starts_with(&format!("Call {} at ", first(18).to_uppercase())), "{second}");
    assert!(second.contains(&one("SELECT email FROM clients WHERE id = 18")), "{second}");
    let digits: String = one("SELECT phone FROM clients WHERE id = 18").chars().filter(char::is_ascii_digit).collect();
    assert!(second.replace('.', "").contains(&digits), "{second}");
    let third = one("SELECT body FROM notes WHERE id = 3");
    let (given, family) = name(17).split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(third.starts_with(&format!("{family}, {given} asked about ")) && !third.contains("219091234"), "{third}");
    assert_eq!(one("SELECT body FROM notes WHERE id = 4"), "nothing to say");
}

#[test]
fn a_copy_without_a_key_gets_the_form_of_what_it_repeats() {
    let scratch = shop(NOTES);
    sql(
        &scratch.path("shop.sqlite"),
        "CREATE TABLE mails (id INTEGER PRIMARY KEY, sent_to TEXT, who TEXT);
        INSERT INTO mails VALUES (1, 'MARIA@corp.test', 'Gutierrez, Maria'), (2, 'stranger@corp.test', 'Some Body')",
    );
    let persona = |member: &str, rest: &str| format!("{{ mask = \"persona\", member = \"{member}\", {rest} }}");
    let clients = format!(
        "name = {}\nemail = {}\nphone = \"phone\"\nssn = \"ssn_tail\"\nstatus = \"keep\"",
        persona("full_name", "subject = \"id\""),
        persona("email", "subject = \"id\"")
    );
    let rest = format!(
        "[tables.notes]\nmode = \"exclude\"\n[tables.mails]\nmode = \"capture\"\nkeep = [\"id\"]\n[tables.mails.columns]\nsent_to = {}\nwho = {}\n",
        persona("email", "by = \"value\""),
        persona("full_name", "by = \"value\""),
    );
    policy(&scratch, &clients, &rest);
    let dev = through(&scratch, "dev", "dev");
    assert_eq!(
        number(
            &dev,
            "SELECT count(*) FROM mails m JOIN clients c ON c.id = 17 WHERE m.id = 1 AND lower(m.sent_to) = lower(c.email)"
        ),
        1
    );
    assert_eq!(
        number(
            &dev,
            "SELECT count(*) FROM mails m JOIN clients c ON c.id = 17 WHERE m.id = 1 AND (m.who = c.name OR m.who LIKE '%, %')"
        ),
        1
    );
    assert_eq!(number(&dev, "SELECT count(*) FROM mails WHERE sent_to LIKE '%@corp.test' OR who = 'Some Body'"), 0);
}

#[test]
fn verify_leaks_finds_what_no_mask_writes_from_the_snapshot_alone() {
    let scratch = shop(NOTES);
    let notes = "[tables.notes]\nmode = \"capture\"\nkeep = [\"id\", \"client_id\"]\n[tables.notes.columns]\nbody = ";
    let clients = PLAIN.to_owned() + "\nphone = \"phone\"";
    policy(&scratch, &clients, &format!("{notes}{{ mask = \"text_scrub\" }}\n"));
    scratch.ok(&CAPTURE);
    let said = scratch.json(&["verify", "--leaks"]);
    assert!(said["cells"].as_u64().unwrap() >= 12 && said["findings"].as_array().unwrap().is_empty(), "{said}");
    // A program of one's own that writes a live address is found afterwards, without any original.
    let program = r#"{ mask = "command", run = ["jq", "-c", "--unbuffered", '{cells: [range(.cells | length) as $at | ["a", "mail ceo@real-company.com", "4539578763621486", "b"][$at % 4]]}'] }"#;
    policy(&scratch, &clients, &format!("{notes}{program}\n"));
    scratch.ok(&CAPTURE);
    let message = scratch.fails(4, &["verify", "s", "--leaks"]);
    assert!(message.contains("notes.body: 1 email") && message.contains("notes.body: 1 card"), "{message}");
    assert!(!message.contains("ceo@"), "{message}");
    // What the policy keeps is told, not refused: somebody decided it.
    sql(&scratch.path("shop.sqlite"), "UPDATE notes SET body = 'mail ceo@real-company.com'");
    policy(&scratch, &clients, "[tables.notes]\nmode = \"capture\"\nkeep = [\"id\", \"client_id\", \"body\"]\n");
    scratch.ok(&CAPTURE);
    let kept = scratch.json(&["verify", "s", "--leaks"]);
    assert_eq!(
        (kept["findings"][0]["place"].as_str(), kept["findings"][0]["kept"].as_bool()),
        (Some("notes.body"), Some(true))
    );
}

#[test]
fn a_planted_original_is_found_in_every_place_and_disguise() {
    let scratch = shop(NOTES);
    sql(
        &scratch.path("shop.sqlite"),
        "CREATE TABLE places (id INTEGER PRIMARY KEY, code TEXT, note TEXT, doc JSON, file_name TEXT, data BLOB)",
    );
    let places = "[tables.notes]\nmode = \"exclude\"\n[tables.places]\nmode = \"capture\"\nkeep = [\"id\", \"code\", \"note\", \"file_name\", \"data\"]\n\
                  [tables.places.columns]\ndoc = { mask = \"json\", default = \"keep\", reason = \"a test\" }\n";
    policy(&scratch, &(PLAIN.to_owned() + "\nphone = \"phone\""), places);
    for (place, column, planted, original) in [
        ("another column", "code", "'maria@corp.test'", "email"),
        ("upper case", "code", "'MARIA@CORP.TEST'", "email"),
        ("free text", "note", "'please ask Maria Gutierrez about it'", "name"),
        ("last, first", "note", "'Gutierrez, Maria'", "name"),
        ("a JSON leaf", "doc", "'{\"a\":[{\"b\":\"see maria@corp.test\"}]}'", "email"),
        ("a JSON escape", "doc", "'{\"a\":\"maria\\u0040corp.test\"}'", "email"),
        ("JSON inside of a string", "note", "'{\"a\":\"{\\\"b\\\":\\\"maria@corp.test\\\"}\"}'", "email"),
        ("digits without separators", "code", "'219091234'", "ssn"),
        ("digits with other separators", "note", "'no. 219 09 1234, please'", "ssn"),
        ("another way to write a number", "note", "'call +1 415.867.5309 now'", "phone"),
        ("URL-encoded", "note", "'https://x.test/?to=maria%40corp.test'", "email"),
        ("base64", "note", "'bWFyaWFAY29ycC50ZXN0'", "email"),
        ("hex", "code", "'6d6172696140636f72702e74657374'", "email"),
        ("HTML", "note", "'<a href=\"#\">maria&#64;corp.test</a>'", "email"),
        ("a file name", "file_name", "'scans/maria_gutierrez_passport.pdf'", "name"),
        ("a file name with a number", "file_name", "'ssn-219-09-1234.png'", "ssn"),
        ("binary data", "data", "CAST('%PDF-1.4 Maria Gutierrez' AS BLOB)", "name"),
    ] {
        sql(
            &scratch.path("shop.sqlite"),
            &format!("DELETE FROM places; INSERT INTO places (id, {column}) VALUES (1, {planted})"),
        );
        let message = scratch.fails(4, &CAPTURE);
        assert!(message.contains(&format!("clients.{original} in places.{column}")), "{place}: {message}");
        assert!(!message.contains("maria") && !message.contains("219"), "{place}: {message}");
    }
    // Ordinary rows are no leak, nor is what stands in the names of the schema unless it is somebody's.
    sql(
        &scratch.path("shop.sqlite"),
        "DELETE FROM places; INSERT INTO places VALUES (1, 'A-100', 'called at 12:30, all well', '{\"a\":1}', 'report.pdf', x'00ff')",
    );
    scratch.ok(&CAPTURE);
    sql(
        &scratch.path("shop.sqlite"),
        "CREATE TABLE tickets (id INTEGER PRIMARY KEY, owner TEXT DEFAULT 'otto@corp.test')",
    );
    let text = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    std::fs::write(scratch.path("pii.toml"), text + "[tables.tickets]\nmode = \"structure\"\n").unwrap();
    let message = scratch.fails(4, &CAPTURE);
    assert!(message.contains("clients.email in the manifest's names and definitions"), "{message}");
    assert_eq!(scratch.json(&["list"]).as_array().unwrap().len(), 1);
}
