//! Guards of restore and rollback: what a target declares, who the source is, what variables say, and in which order they refuse.

use crate::support::{Scratch, dump, number, sql};
use serde_json::Value;
use terp_fixtures::event::{Cancel, Silent};
use terp_fixtures::mask::key::MasterKey;
use terp_fixtures::policy::{self, Policy};
use terp_fixtures::run::repository::Repository;
use terp_fixtures::run::{Context, capture};
use terp_fixtures::seal::Member;
use terp_fixtures::secret::{Address, Secret32, SecretText};
use terp_fixtures::{engine, store};

const SCHEMA: &str = "CREATE TABLE kinds (id INTEGER PRIMARY KEY, label TEXT);
    CREATE TABLE clients (id INTEGER PRIMARY KEY, kind INTEGER REFERENCES kinds, note TEXT);";

const ROWS: &str = "INSERT INTO kinds VALUES (1, 'shop'), (2, 'farm');
    INSERT INTO clients VALUES (1, 1, 'a note'), (2, 2, 'another one'), (3, 1, NULL);";

const POLICY: &str = "version = 1
    [tables.kinds]
    mode = \"reference\"
    [tables.clients]
    mode = \"capture\"
    keep = [\"id\", \"kind\", \"note\"]
    [environments.production.tables.clients]
    mode = \"structure\"\n";

/// A store, a source, and a snapshot called `s` of it for each of these environments (and called so).
fn bench(environments: &[&str]) -> Scratch {
    let scratch = Scratch::with_store();
    sql(&scratch.path("source.sqlite"), &format!("{SCHEMA}{ROWS}"));
    std::fs::write(scratch.path("pii.toml"), POLICY).unwrap();
    for environment in environments {
        scratch.ok(&[
            "capture",
            environment,
            "--policy",
            "pii.toml",
            "--source",
            "sqlite:source.sqlite",
            "--env",
            environment,
        ]);
    }
    scratch
}

/// A snapshot of a file with an expiry of the test's choice.
fn captured(scratch: &Scratch, name: &str, source: &str, (environment, expires): (&str, Option<&str>)) {
    let secret = std::fs::read_to_string(scratch.path(".terp-fixtures/identity.key")).unwrap();
    let member = Member::parse(&SecretText::new(secret)).unwrap();
    let address = Address::new(scratch.path("snapshots").to_string_lossy());
    let repository = Repository::open(store::open(&address, false).unwrap(), &member, &[]).unwrap();
    let address = Address::new(format!("sqlite:{}", scratch.path(source).display()));
    let mut opened = (engine::find(&address).unwrap().source)(&address, &Cancel::default()).unwrap();
    let catalogue = opened.catalogue().unwrap();
    let policy = Policy::parse("test.toml", POLICY).unwrap();
    let master = MasterKey::new(Secret32::new([7; 32]));
    let plan = policy::resolve(&policy, &catalogue, environment, &master).unwrap();
    let options = capture::Options {
        name: name.into(),
        environment: environment.into(),
        policy: policy.proof(&master, environment),
        dry_run: false,
        expires: expires.map(str::to_owned),
        tags: std::collections::BTreeSet::new(),
        amount: capture::Amount::default(),
    };
    let context = Context { report: &Silent, cancel: Cancel::default(), jobs: 2 };
    capture::capture(&context, &mut *opened, &catalogue, &plan, &repository, &options).unwrap();
}

/// A target with the schema and no rows.
fn target(scratch: &Scratch, name: &str) -> String {
    sql(&scratch.path(name), SCHEMA);
    format!("sqlite:{name}")
}

fn declare(scratch: &Scratch, target: &str, more: &[&str]) -> String {
    scratch.ok(&[&["target", "init", "--target", target][..], more].concat())
}

/// Runs a command with variables; its exit code and what it wrote on stderr.
fn with(scratch: &Scratch, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = scratch.command(arguments);
    command.envs(variables.iter().copied()).stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn audit(scratch: &Scratch, operation: &str) -> Vec<Value> {
    let text = scratch.ok(&["audit", "log", "--operation", operation, "--json"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_database_declares_what_it_is_and_the_declaration_is_the_users() {
    let scratch = bench(&["dev"]);
    let url = target(&scratch, "erp.sqlite");
    let path = scratch.path("erp.sqlite");
    let empty = dump(&path);
    assert_eq!(scratch.json(&["target", "show", "--target", &url])["declaration"], Value::Null);
    assert!(scratch.fails(8, &["target", "init", "--target", &url, "--env", "dev"]).contains("needs a confirmation"));
    assert_eq!(dump(&path), empty);

    assert!(declare(&scratch, &url, &["--env", "dev", "--owner", "ops 'of' 🌿", "--yes"]).contains("is declared dev"));
    let declared = dump(&path);
    // The same again changes nothing, not even the day, and asks nothing.
    assert!(declare(&scratch, &url, &["--env", "dev"]).contains("declares that already; nothing was changed"));
    assert_eq!(dump(&path), declared);
    let shown = scratch.json(&["target", "show", "--target", &url]);
    let it = &shown["declaration"];
    assert_eq!((&it["environment"], &it["owner"]), (&"dev".into(), &"ops 'of' 🌿".into()));
    assert_eq!(it["allowed"], serde_json::json!(["restore", "rollback", "reset"]));
    assert!(it["declared"].as_str().unwrap().ends_with('Z') && it["by"].as_str().unwrap().contains(" on "));

    // Neither a restore nor a rollback touches it.
    scratch.ok(&["restore", "dev", "--target", &url]);
    assert!(dump(&path).contains("terp_fixtures_target"));
    scratch.ok(&["rollback", "--target", &url, "--yes"]);
    assert_eq!(dump(&path), declared);

    // Another environment takes the name, and no --yes.
    for more in [&["--yes"][..], &["--confirm", "other.sqlite"], &["--confirm", "ERP.sqlite", "--yes"]] {
        let all = [&["target", "init", "--target", &url, "--env", "staging"][..], more].concat();
        scratch.fails(8, &all);
        assert_eq!(dump(&path), declared, "{more:?}");
    }
    let told = declare(&scratch, &url, &["--env", "staging", "--confirm", "erp.sqlite"]);
    assert!(told.contains("is declared staging (it was dev)"), "{told}");
    // Another owner or another list is a smaller change, and the owner stays when nothing is said of it.
    declare(&scratch, &url, &["--env", "staging", "--allow", "rollback", "--yes"]);
    let it = scratch.json(&["target", "show", "--target", &url])["declaration"].clone();
    assert_eq!((&it["owner"], &it["allowed"]), (&"ops 'of' 🌿".into(), &serde_json::json!(["rollback"])));

    scratch.fails(8, &["target", "remove", "--target", &url]);
    scratch.fails(8, &["target", "remove", "--target", &url, "--confirm", "dev.sqlite"]);
    assert!(
        scratch.ok(&["target", "remove", "--target", &url, "--confirm", "erp.sqlite"]).contains("nothing any more")
    );
    assert_eq!(dump(&path), empty);
    assert!(scratch.ok(&["target", "remove", "--target", &url]).contains("nothing was changed"));

    let entries = audit(&scratch, "declare");
    let of = |outcome: &str| entries.iter().filter(|entry| entry["what"]["outcome"] == outcome).count();
    assert_eq!((of("done"), of("refused")), (3, 4), "{entries:?}");
    assert_eq!(entries[1]["what"]["environment"], "dev");
    let gone = audit(&scratch, "undeclare");
    assert_eq!(gone.last().unwrap()["what"]["environment"], "staging");
    scratch.ok(&["audit", "verify"]);
}

#[test]
fn a_declaration_that_nobody_understands_stops_everything() {
    let scratch = bench(&["dev"]);
    for (at, edit) in [
        "UPDATE terp_fixtures_target SET environment = 'DEV'",
        "UPDATE terp_fixtures_target SET allowed = 'all'",
        "DELETE FROM terp_fixtures_target",
        "INSERT INTO terp_fixtures_target SELECT 2, environment, allowed, owner, declared_at, declared_by FROM terp_fixtures_target",
        "DROP TABLE terp_fixtures_target; CREATE TABLE terp_fixtures_target (id)",
    ]
    .into_iter()
    .enumerate()
    {
        let url = target(&scratch, &format!("t{at}.sqlite"));
        declare(&scratch, &url, &["--env", "dev", "--yes"]);
        sql(&scratch.path(&format!("t{at}.sqlite")), edit);
        for arguments in [
            &["restore", "dev", "--target", &url, "--yes"][..],
            &["restore", "dev", "--target", &url, "--dry-run"],
            &["rollback", "--target", &url, "--yes"],
            &["target", "show", "--target", &url],
            &["target", "init", "--target", &url, "--env", "dev", "--yes"],
        ] {
            let message = scratch.fails(8, arguments);
            assert!(message.contains("the target's declaration"), "{edit}: {message}");
        }
        scratch.ok(&["target", "remove", "--target", &url, "--confirm", &format!("t{at}.sqlite")]);
        scratch.ok(&["restore", "dev", "--target", &url]);
    }
}

/// Everything is wrong at once; then one thing after the other is put right.
#[test]
fn the_guards_refuse_in_their_order() {
    let scratch = bench(&[]);
    captured(&scratch, "old", "source.sqlite", ("staging", Some("2020-01-01T00:00:00Z")));
    captured(&scratch, "new", "source.sqlite", ("staging", None));
    let many = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 10300)
        INSERT INTO clients SELECT i, NULL, NULL FROM n";
    sql(&scratch.path("source.sqlite"), many);
    declare(&scratch, "sqlite:source.sqlite", &["--env", "production", "--yes"]);
    let production = [("NODE_ENV", "production")];
    let restore = |snapshot: &str, target: &str, variables: &[(&str, &str)], more: &[&str]| {
        let before = dump(&scratch.path(target.trim_start_matches("sqlite:")));
        let arguments = [&["restore", snapshot, "--target", target][..], more].concat();
        let (code, message) = with(&scratch, variables, &arguments);
        assert_eq!(code, Some(8), "{message}");
        assert_eq!(dump(&scratch.path(target.trim_start_matches("sqlite:"))), before);
        message
    };
    let would = "5 rows of old@";
    let approval = ["--require-approval"];

    // 1, the declaration.
    let message = restore("old", "sqlite:source.sqlite", &production, &approval);
    assert!(message.contains("the target is declared production") && message.contains(would), "{message}");
    declare(&scratch, "sqlite:source.sqlite", &["--env", "dev", "--allow", "reset", "--confirm", "source.sqlite"]);
    let message = restore("old", "sqlite:source.sqlite", &production, &[&approval[..], &["--env", "staging"]].concat());
    assert!(message.contains("the target is declared dev, and --env says staging"), "{message}");
    let message = restore("old", "sqlite:source.sqlite", &production, &approval);
    assert!(message.contains("allows reset, and no restore") && message.contains("into 2 tables of source.sqlite"));
    declare(&scratch, "sqlite:source.sqlite", &["--env", "dev", "--allow", "restore", "--yes"]);

    // 2, the source. Nothing helps but another target.
    for more in [&approval[..], &["--require-approval", "--yes", "--confirm", "source.sqlite"]] {
        let message = restore("old", "sqlite:source.sqlite", &production, more);
        assert!(message.contains("the target is the database that the snapshot was captured from"), "{message}");
        assert!(message.contains(would), "{message}");
    }
    std::fs::copy(scratch.path("source.sqlite"), scratch.path("copy.sqlite")).unwrap();

    // 3, the variables.
    let message = restore("old", "sqlite:copy.sqlite", &production, &approval);
    assert!(message.contains("NODE_ENV says that this is production") && message.contains(would), "{message}");

    // 4, far more rows.
    let message = restore("old", "sqlite:copy.sqlite", &[], &approval);
    assert!(message.contains("holds more than 10005 rows, far more than the 5 of old@"), "{message}");

    // The snapshot: expired, not approved, masked for another environment.
    let message = restore("old", "sqlite:copy.sqlite", &[], &["--require-approval", "--yes"]);
    assert!(message.contains("expired on 2020-01-01"), "{message}");
    let message = restore("new", "sqlite:copy.sqlite", &[], &["--require-approval", "--yes"]);
    assert!(message.contains("approve"), "{message}");
    let message = restore("new", "sqlite:copy.sqlite", &[], &["--yes"]);
    assert!(message.contains("was masked for staging, which lets more through than a dev target"), "{message}");

    declare(&scratch, "sqlite:copy.sqlite", &["--env", "staging", "--confirm", "copy.sqlite"]);
    scratch.ok(&["restore", "new", "--target", "sqlite:copy.sqlite", "--on-conflict", "skip", "--yes"]);
}

#[test]
fn far_more_rows_than_the_snapshot_are_asked_about() {
    let scratch = bench(&["dev"]);
    let rows = |from: u32, to: u32| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             INSERT INTO clients (id) SELECT i FROM n"
        )
    };
    let url = target(&scratch, "big.sqlite");
    // Exactly ten thousand more are not far more.
    sql(&scratch.path("big.sqlite"), &rows(1000, 11_004));
    scratch.ok(&["restore", "dev", "--target", &url]);
    scratch.ok(&["rollback", "--target", &url, "--yes"]);
    sql(&scratch.path("big.sqlite"), &rows(20_000, 20_000));
    let before = dump(&scratch.path("big.sqlite"));
    assert!(scratch.fails(8, &["restore", "dev", "--target", &url]).contains("is it the database that you mean?"));
    assert_eq!(dump(&scratch.path("big.sqlite")), before);
    // A name is checked whatever is asked, and the right one says yes.
    let wrong = ["restore", "dev", "--target", &url, "--yes", "--confirm", "other.sqlite"];
    assert!(scratch.fails(8, &wrong).contains("'other.sqlite' is not the name of the target"));
    scratch.ok(&["restore", "dev", "--target", &url, "--confirm", "big.sqlite"]);
    scratch.fails(8, &["rollback", "--target", &url, "--yes", "--confirm", "other.sqlite"]);
    scratch.ok(&["rollback", "--target", &url, "--confirm", "big.sqlite"]);
    assert_eq!(dump(&scratch.path("big.sqlite")), before);
    // Looking changes nothing, so nothing is asked.
    scratch.ok(&["restore", "dev", "--target", &url, "--dry-run"]);
    scratch.ok(&["restore", "dev", "--target", &url, "--yes"]);
}

#[test]
fn a_snapshot_goes_only_where_no_more_may_be_seen() {
    let scratch = bench(&["dev", "staging", "production"]);
    // Per snapshot: accepted by a target that is declared dev, staging, or nothing.
    for (snapshot, accepted) in
        [("dev", [true, true, true]), ("staging", [false, true, true]), ("production", [false, false, false])]
    {
        for (declared, accepted) in [Some("dev"), Some("staging"), None].into_iter().zip(accepted) {
            let name = format!("{snapshot}-{declared:?}.sqlite").replace(['(', ')', '"'], "");
            let url = target(&scratch, &name);
            if let Some(environment) = declared {
                declare(&scratch, &url, &["--env", environment, "--yes"]);
            }
            let (code, message) = with(&scratch, &[], &["restore", snapshot, "--target", &url]);
            assert_eq!(code, Some(if accepted { 0 } else { 8 }), "{snapshot} {declared:?}: {message}");
            assert_eq!(accepted, !message.contains("lets more through"), "{message}");
            assert!(accepted || message.contains("--env dev"), "no way out is told: {message}");
            if declared.is_none() {
                // What is only said counts as well.
                let (code, _) =
                    with(&scratch, &[], &["restore", snapshot, "--target", &url, "--env", "dev", "--dry-run"]);
                assert_eq!(code, Some(if snapshot == "dev" { 0 } else { 8 }));
                let (code, _) =
                    with(&scratch, &[("TERP_FIXTURES_ENV", "dev")], &["restore", snapshot, "--target", &url]);
                assert_eq!(code, Some(if snapshot == "dev" { 0 } else { 8 }));
                // A variable of the application says nothing of the target.
                let (code, _) = with(&scratch, &[("NODE_ENV", "test")], &["restore", snapshot, "--target", &url]);
                assert_eq!(code, Some(if accepted { 0 } else { 8 }));
            }
        }
    }
}

#[test]
fn what_a_declaration_allows_is_honoured() {
    let scratch = bench(&["dev"]);
    let url = target(&scratch, "t.sqlite");
    declare(&scratch, &url, &["--env", "dev", "--allow", "restore", "--owner", "the platform team", "--yes"]);
    scratch.ok(&["restore", "dev", "--target", &url]);
    let before = dump(&scratch.path("t.sqlite"));
    let message = scratch.fails(8, &["rollback", "--target", &url, "--yes"]);
    for part in
        ["allows restore, and no rollback", "5 rows of dev@", "taken out of 2 tables of t.sqlite", "the platform team"]
    {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    assert_eq!(dump(&scratch.path("t.sqlite")), before);
    declare(&scratch, &url, &["--env", "dev", "--allow", "rollback", "--yes"]);
    scratch.ok(&["rollback", "--target", &url, "--yes"]);
    let message = scratch.fails(8, &["restore", "dev", "--target", &url]);
    assert!(message.contains("allows rollback, and no restore") && message.contains("--allow restore"), "{message}");
}

#[test]
fn variables_that_say_production_stop_restores_and_rollbacks() {
    let scratch = bench(&["dev"]);
    let url = target(&scratch, "t.sqlite");
    scratch.ok(&["restore", "dev", "--target", &url]);
    let before = dump(&scratch.path("t.sqlite"));
    for variable in ["NODE_ENV", "RAILS_ENV", "APP_ENV", "TERP_FIXTURES_ENV"] {
        for value in ["production", "Production", " PROD ", "live"] {
            for arguments in [
                &["restore", "dev", "--target", &url, "--yes"][..],
                &["restore", "dev", "--target", "sqlite:none.sqlite"],
                &["restore", "dev", "--target", &url, "--dry-run"],
                &["rollback", "--target", &url, "--yes"],
                &["rollback", "--target", &url, "--dry-run"],
            ] {
                let (code, message) = with(&scratch, &[(variable, value)], arguments);
                assert_eq!(code, Some(8), "{variable}={value} {arguments:?}: {message}");
                assert!(message.contains(&format!("{variable} says that this is production")), "{message}");
            }
        }
        let (code, message) = with(&scratch, &[(variable, "productive")], &["restore", "dev", "--target", &url]);
        assert_eq!(code, Some(0), "{message}");
    }
    assert_eq!(dump(&scratch.path("t.sqlite")), before);
    assert!(!scratch.path("none.sqlite").exists());
    // Where the target cannot even be opened, that is what is said.
    let (code, message) = with(
        &scratch,
        &[("NODE_ENV", "production")],
        &["restore", "dev", "--target", "postgres://u:secret@127.0.0.1:1/erp"],
    );
    assert_eq!(code, Some(8), "{message}");
    assert!(message.contains("nothing was done to postgres://u:***@127.0.0.1:1/erp"), "{message}");
}

/// What production takes, in all combinations of what may be missing.
#[test]
fn production_takes_the_whole_procedure_and_reference_tables_only() {
    let scratch = bench(&["dev", "production"]);
    let url = target(&scratch, "erp.sqlite");
    let path = scratch.path("erp.sqlite");
    sql(&path, "INSERT INTO clients VALUES (70, NULL, 'ours')");
    let restore = ["restore", "dev", "--target", &url, "--yes"];
    let allowing = [("ALLOW_PRODUCTION_SEEDING", "true"), ("NODE_ENV", "production")];
    // Not while the target declares nothing, or something else.
    let whole = [&restore[..], &["--env", "production", "--confirm", "erp.sqlite"]].concat();
    let (code, message) = with(&scratch, &allowing, &whole);
    assert_eq!(code, Some(8), "{message}");
    assert!(message.contains("the target itself declares nothing"), "{message}");
    declare(&scratch, &url, &["--env", "dev", "--yes"]);
    assert_eq!(with(&scratch, &allowing, &whole).0, Some(8));
    declare(&scratch, &url, &["--env", "production", "--confirm", "erp.sqlite"]);

    let before = dump(&path);
    for missing in 1..8 {
        let lacks = |bit: u32| (missing >> bit) % 2 == 1;
        let mut variables = vec![("NODE_ENV", "production")];
        let mut arguments = restore.to_vec();
        if !lacks(0) {
            variables.push(("ALLOW_PRODUCTION_SEEDING", "true"));
        }
        if !lacks(1) {
            arguments.extend(["--env", "production"]);
        }
        if !lacks(2) {
            arguments.extend(["--confirm", "erp.sqlite"]);
        }
        let (code, message) = with(&scratch, &variables, &arguments);
        assert_eq!(code, Some(8), "{missing}: {message}");
        let part = if !lacks(0) && !lacks(1) { "--confirm 'erp.sqlite'" } else { "ALLOW_PRODUCTION_SEEDING=true" };
        assert!(message.contains(part), "{missing}: {message}");
        assert_eq!(dump(&path), before, "{missing}");
    }
    for no in ["1", "yes", "false", ""] {
        assert_eq!(with(&scratch, &[("ALLOW_PRODUCTION_SEEDING", no)], &whole).0, Some(8), "{no}");
    }

    // The dry run comes first, and what is no reference table stays out.
    let (code, message) = with(&scratch, &allowing, &whole);
    assert_eq!(code, Some(0), "{message}");
    assert!(message.contains("Dry run of the restore: 2 rows in 1 tables.\n  kinds: inserted 2"), "{message}");
    assert!(message.contains("left out, because only reference tables go into production: clients"), "{message}");
    assert_eq!(number(&path, "SELECT count(*) FROM kinds WHERE terp_fixture_run IS NOT NULL"), 2);
    assert_eq!(number(&path, "SELECT count(*) FROM clients"), 1);
    assert_eq!(with(&scratch, &[], &["runs", "--target", &url]).0, Some(0));

    // The way back is the same one.
    let between = dump(&path);
    let rollback = ["rollback", "--target", &url, "--yes"];
    for (variables, more) in [
        (&[][..], &[][..]),
        (&allowing[..], &[]),
        (&allowing[1..], &["--env", "production", "--confirm", "erp.sqlite"]),
        (&allowing, &["--env", "production"]),
        (&allowing, &["--env", "production", "--confirm", "erp"]),
    ] {
        let (code, message) = with(&scratch, variables, &[&rollback[..], more].concat());
        assert_eq!(code, Some(8), "{message}");
        assert_eq!(dump(&path), between);
    }
    let more = ["--env", "production", "--confirm", "erp.sqlite"];
    let (code, message) = with(&scratch, &allowing, &[&rollback[..3], &more].concat());
    assert_eq!(code, Some(0), "{message}");
    assert!(message.contains("Dry run of the rollback: 2 rows in 1 tables."), "{message}");
    assert_eq!(dump(&path), before);

    // A snapshot for production has nothing else, and one without reference tables has nothing for it.
    let mut of_production = whole.clone();
    of_production[1] = "production";
    assert_eq!(with(&scratch, &allowing, &of_production).0, Some(0));
    assert_eq!(with(&scratch, &allowing, &[&rollback[..3], &more].concat()).0, Some(0));
    let (code, message) = with(&scratch, &allowing, &[&whole[..], &["--table", "clients"]].concat());
    assert_eq!(code, Some(8), "{message}");
    assert!(message.contains("the snapshot has no reference table to restore"), "{message}");
    assert_eq!(dump(&path), before);
}

#[test]
fn declaring_the_source_is_warned_of() {
    let scratch = bench(&["dev"]);
    let warned = |target: &str, variable: Option<&str>| {
        let mut variables = Vec::new();
        variables.extend(variable.map(|url| ("SOURCE_DATABASE_URL", url)));
        let arguments = ["target", "init", "--target", target, "--env", "dev", "--yes"];
        let (code, message) = with(&scratch, &variables, &arguments);
        assert_eq!(code, Some(0), "{message}");
        message
    };
    let message = warned("sqlite:source.sqlite", Some("sqlite:./source.sqlite"));
    assert!(message.contains("the one that SOURCE_DATABASE_URL names"), "{message}");
    assert!(message.contains("snapshots were captured from this database, such as dev@"), "{message}");
    let url = target(&scratch, "t.sqlite");
    assert!(!warned(&url, Some("sqlite:source.sqlite")).contains("warning"));
    // A source that cannot be asked is no reason to refuse.
    assert!(warned(&url, Some("sqlite:gone.sqlite")).contains("was not found out"));
}

#[test]
fn p24_the_environment_is_detected_and_named_in_the_log() {
    let scratch = bench(&["dev"]);
    let url = target(&scratch, "t.sqlite");
    let facts = |variables: &[(&str, &str)], more: &[&str]| {
        let arguments = [&["restore", "dev", "--target", &url, "--dry-run", "--log-format", "json"][..], more].concat();
        let (code, text) = with(&scratch, variables, &arguments);
        let line = text.lines().find(|line| line.contains("\"Started.\"")).unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        let facts = line["facts"].as_str().unwrap().to_owned();
        let fact = |name: &str| {
            facts.split(' ').find_map(|fact| fact.strip_prefix(name)?.strip_prefix('=')).unwrap().to_owned()
        };
        (code, fact("environment"), fact("environment_by"))
    };
    let is = |environment: &str, by: &str| (Some(0), environment.to_owned(), by.to_owned());
    assert_eq!(facts(&[], &[]), is("unknown", "nothing"));
    for (value, environment) in [("development", "dev"), ("test", "dev"), ("staging", "staging")] {
        assert_eq!(facts(&[("RAILS_ENV", value)], &[]), is(environment, "RAILS_ENV"));
    }
    std::fs::write(scratch.path("terp-fixtures.toml"), "[target]\nenvironment = \"staging\"\n").unwrap();
    let machine = ("NODE_ENV", "development");
    assert_eq!(facts(&[machine], &[]), is("staging", "configuration"));
    assert_eq!(facts(&[machine, ("TERP_FIXTURES_ENV", "dev")], &[]), is("dev", "TERP_FIXTURES_ENV"));
    let own = ("TERP_FIXTURES_ENV", "staging");
    assert_eq!(facts(&[machine, own], &["--env", "dev"]), is("dev", "--env"));
    declare(&scratch, &url, &["--env", "staging", "--yes"]);
    assert_eq!(facts(&[machine, own], &["--env", "staging"]), is("staging", "declaration"));
    let (code, text) = with(&scratch, &[own], &["rollback", "--target", &url, "--yes", "--log-format", "json"]);
    assert!(code == Some(6) && text.contains("environment=staging environment_by=declaration"), "{text}");
    // A refusal has it too.
    let refused = (Some(8), "staging".to_owned(), "declaration".to_owned());
    assert_eq!(facts(&[], &["--env", "dev"]), refused);
    assert_eq!(facts(&[("NODE_ENV", "production")], &[]), refused);
    std::fs::write(scratch.path("terp-fixtures.toml"), "[target]\nenvironment = \"live\"\n").unwrap();
    assert!(scratch.fails(1, &["restore", "dev", "--target", &url]).contains("unknown environment live"));
}
