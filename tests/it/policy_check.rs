//! `policy check` and `policy explain` as a user types them: exit codes, formats, sources of the schema, and no value anywhere.

use crate::support::{Scratch, repository, sql};
use serde_json::Value;
use std::process::Output;

/// High-entropy texts that stand in rows, defaults and DDL, and must stand in no output.
const CANARIES: [&str; 3] = ["qx7-canary-row", "zk4-canary-default", "vv9-canary-insert"];

const SOURCE: [&str; 2] = ["--source", "sqlite:erp.sqlite"];

fn check(scratch: &Scratch, more: &[&str]) -> Output {
    scratch.run(&[&["policy", "check", "--policy", "pii.toml"], more].concat())
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn rules(output: &Output) -> Vec<(String, String)> {
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = |finding: &Value| {
        let place =
            format!("{}.{}", finding["table"].as_str().unwrap_or("-"), finding["column"].as_str().unwrap_or("-"));
        (finding["rule"].as_str().unwrap().to_owned(), place)
    };
    json["findings"].as_array().unwrap().iter().map(finding).collect()
}

/// The schema of a SQLite file as its shell's `.schema` prints it.
fn schema_of(scratch: &Scratch, file: &str) -> String {
    let connection = rusqlite::Connection::open(scratch.path(file)).unwrap();
    let mut statement =
        connection.prepare("SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
    let lines: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    lines.join("\n")
}

fn edit(scratch: &Scratch, from: &str, to: &str) {
    let path = scratch.path("pii.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    assert!(before.contains(from), "{from}");
    std::fs::write(path, before.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_column_that_was_added_fails_the_check_and_the_capture() {
    let scratch = Scratch::with_sample();
    assert_eq!(code(&check(&scratch, &SOURCE)), 0);
    sql(&scratch.path("erp.sqlite"), "ALTER TABLE clients ADD COLUMN fax VARCHAR(40)");
    let output = check(&scratch, &SOURCE);
    assert_eq!(code(&output), 3);
    assert!(text(&output).contains("new-column: column clients.fax is in the database and has no decision"));
    assert!(text(&output).contains("[tables.clients.columns]\n") && text(&output).contains("fax = "));
    let refused = scratch.fails(4, &["capture", "x", "--policy", "pii.toml", SOURCE[0], SOURCE[1]]);
    assert!(refused.contains("clients: fax"), "{refused}");
    edit(&scratch, "[tables.clients.columns]\n", "[tables.clients.columns]\nfax = \"phone\"\n");
    assert_eq!(code(&check(&scratch, &SOURCE)), 0);
    scratch.capture("x");
    // Another way round: the column is gone, and a slip of the name is recognised.
    sql(&scratch.path("erp.sqlite"), "ALTER TABLE clients RENAME COLUMN fax TO faxes");
    let output = check(&scratch, &SOURCE);
    assert_eq!(code(&output), 3);
    assert!(
        text(&output).contains("missing-column") && text(&output).contains("Did you mean 'faxes'?"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_file_of_ddl_and_a_snapshot_say_what_the_database_says() {
    let scratch = Scratch::with_snapshot();
    edit(&scratch, "[tables.clients.columns]\n", "[tables.clients.columns]\nwrong = \"phone\"\nstatus = \"hash\"\n");
    edit(&scratch, "\"status\", ", "");
    std::fs::write(scratch.path("schema.sql"), schema_of(&scratch, "erp.sqlite")).unwrap();
    let live = check(&scratch, &["--source", "sqlite:erp.sqlite", "--no-values", "--json"]);
    let expected = rules(&live);
    assert!(expected.contains(&("missing-column".into(), "clients.wrong".into())), "{expected:?}");
    for schema in [["--ddl", "schema.sql"], ["--snapshot", "sample"]] {
        let output = check(&scratch, &[&schema[..], &["--json"]].concat());
        assert_eq!((code(&output), rules(&output)), (code(&live), expected.clone()), "{schema:?}");
    }
    // Migrations in order, as files or as a folder.
    std::fs::create_dir(scratch.path("steps")).unwrap();
    std::fs::rename(scratch.path("schema.sql"), scratch.path("steps/001.sql")).unwrap();
    std::fs::write(scratch.path("steps/002.sql"), "ALTER TABLE clients ADD COLUMN wrong TEXT;\n").unwrap();
    for ddl in [&["--ddl", "steps/001.sql", "steps/002.sql"][..], &["--ddl", "steps"]] {
        let output = check(&scratch, &[&["--json", "--engine", "sqlite"], ddl].concat());
        assert!(!rules(&output).contains(&("missing-column".into(), "clients.wrong".into())), "{ddl:?}");
    }
}

#[test]
fn every_exit_code() {
    let scratch = Scratch::with_sample();
    let schema = schema_of(&scratch, "erp.sqlite");
    std::fs::write(scratch.path("schema.sql"), &schema).unwrap();
    let ddl = ["--ddl", "schema.sql"];
    assert_eq!(code(&check(&scratch, &ddl)), 0);
    let alone = check(&scratch, &[]);
    assert_eq!(code(&alone), 0);
    assert!(text(&alone).contains("pii.toml alone: --source, --snapshot or --ddl compares it with a schema"));
    // 1: a table that cannot be read must not look as if it were fine.
    std::fs::write(scratch.path("bad.sql"), format!("{schema}\nCREATE TABLE more AS SELECT 1 AS email;\n")).unwrap();
    let output = check(&scratch, &["--ddl", "bad.sql"]);
    assert_eq!(code(&output), 1);
    assert!(text(&output).contains("unreadable-ddl: CREATE TABLE without a list of columns cannot be read"));
    for (args, what) in [
        (&["--ddl", "none.sql"][..], "cannot read the DDL none.sql"),
        (&["--ddl", "pii.toml", "--engine", "mysql"][..], "there is no CREATE TABLE in pii.toml"),
        (&["--lock", "none.lock"][..], "cannot read the lock none.lock"),
        (&["--ddl", "schema.sql", "--snapshot", "x"][..], "cannot be used with"),
    ] {
        let output = check(&scratch, args);
        assert_eq!(code(&output), 1, "{args:?}: {}", text(&output));
        assert!(text(&output).contains(what), "{args:?}: {}", text(&output));
    }
    // 4: a fault of the policy; warnings only with --strict.
    edit(
        &scratch,
        "code = { mask = \"keep\", reason = \"our own",
        "code = { mask = \"hash\", length = 8, reason = \"our own",
    );
    let misfit = check(&scratch, &ddl);
    assert_eq!(code(&misfit), 4, "{}", text(&misfit));
    edit(&scratch, "length = 8", "length = 20");
    edit(&scratch, "[tables.clients]\n", "[tables.clients]\nexpires = \"2020-01-01\"\n");
    let expired = check(&scratch, &ddl);
    assert_eq!(code(&expired), 4);
    assert!(text(&expired).contains("expired-decision: the decision for table clients"), "{}", text(&expired));
    let alone = check(&scratch, &[]);
    assert_eq!(code(&alone), 4);
    scratch.fails(4, &["capture", "x", "--policy", "pii.toml", SOURCE[0], SOURCE[1]]);
    edit(&scratch, "expires = \"2020-01-01\"\n", "");
    edit(&scratch, "[tables.clients.columns]\n", "[tables.clients.columns]\nstatus = \"hash\"\n");
    edit(&scratch, "\"status\", ", "");
    let weak = check(&scratch, &["--ddl", "schema.sql", "--json"]);
    assert_eq!(
        code(&check(&scratch, &["--ddl", "schema.sql", "--strict"])),
        if rules(&weak).is_empty() { 0 } else { 4 }
    );
}

#[test]
fn every_format_holds_the_same_findings() {
    let scratch = Scratch::with_sample();
    edit(&scratch, "[tables.clients.columns]\n", "[tables.clients.columns]\n\"a%b,c:d\" = \"phone\"\n");
    sql(&scratch.path("erp.sqlite"), "ALTER TABLE clients ADD COLUMN \"select \u{1f600}\" TEXT");
    let of = |format: &str| {
        let output = check(&scratch, &["--source", "sqlite:erp.sqlite", "--format", format, "--quiet"]);
        assert_eq!(code(&output), 3, "{format}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&of("json")).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.len() >= 2 && json["errors"] == 2, "{json:#}");
    let github = of("github");
    assert_eq!(github.lines().count(), findings.len());
    assert!(
        github.lines().all(|line| line.starts_with("::error file=pii.toml,line=") || line.starts_with("::warning "))
    );
    assert!(github.contains("a%25b,c:d is in the policy"), "{github}");
    let sarif: Value = serde_json::from_str(&of("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        assert_eq!((&result["ruleId"], &result["level"]), (&finding["rule"], &finding["severity"]));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(
            (&place["region"]["startLine"], &place["artifactLocation"]["uri"]),
            (&finding["line"], &"pii.toml".into())
        );
    }
    let whole = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
    std::fs::write(scratch.path("pii.toml"), whole.clone() + "[tables.x.columns]\ny = \"nonsense\"\n").unwrap();
    let broken = check(&scratch, &["--format", "github", "--quiet"]);
    assert_eq!(code(&broken), 4);
    let line = whole.lines().count() + 2;
    let start = format!("::error file=pii.toml,line={line},col=5,title=unreadable-policy::x.y: unknown mask");
    assert!(text(&broken).starts_with(&start), "{}", text(&broken));
    std::fs::write(scratch.path("pii.toml"), whole).unwrap();
    let told = of("text");
    for finding in findings {
        assert!(told.contains(finding["what"].as_str().unwrap()), "{told}");
    }
}

#[test]
fn no_value_is_in_any_output() {
    let scratch = Scratch::with_sample();
    let [row, default, insert] = CANARIES;
    sql(
        &scratch.path("erp.sqlite"),
        &format!(
            "ALTER TABLE clients ADD COLUMN extra TEXT DEFAULT '{default}'; UPDATE clients SET extra = '{row}', name = '{row}'"
        ),
    );
    let schema = schema_of(&scratch, "erp.sqlite");
    let rows = format!(
        "INSERT INTO clients (name) VALUES ('{insert}; ');\nFROB '{insert}';\nALTER TABLE clients FROB '{insert}';\n"
    );
    std::fs::write(scratch.path("schema.sql"), format!("{schema}\n{rows}")).unwrap();
    edit(&scratch, "[tables.clients.columns]\n", "[tables.clients.columns]\nextra = \"hash\"\nstatus = \"hash\"\n");
    edit(&scratch, "\"status\", ", "");
    let mut seen = 0;
    for schema in [["--source", "sqlite:erp.sqlite"], ["--ddl", "schema.sql"]] {
        for format in ["text", "json", "github", "sarif"] {
            let output = check(&scratch, &[&schema[..], &["--format", format, "--verbose"]].concat());
            for canary in CANARIES {
                assert!(!text(&output).contains(canary), "{schema:?} {format} shows {canary}");
            }
            seen += text(&output).len();
        }
        for what in ["clients", "clients.extra", "clients.name"] {
            for json in [&["--verbose"][..], &["--json"][..]] {
                let args = [&["policy", "explain", what, "--policy", "pii.toml"], &schema[..], json].concat();
                let output = scratch.run(&args);
                assert_eq!(code(&output), 0, "{args:?}: {}", text(&output));
                assert!(CANARIES.iter().all(|canary| !text(&output).contains(canary)), "{args:?}");
            }
        }
    }
    assert!(seen > 5_000, "the outputs are too short to have shown anything: {seen}");
}

#[test]
fn few_different_values_are_counted_in_the_database_only_when_asked() {
    let scratch = Scratch::with_store();
    sql(
        &scratch.path("erp.sqlite"),
        "CREATE TABLE t (id INTEGER PRIMARY KEY, kind TEXT);
         INSERT INTO t (kind) WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300) SELECT 'k' || (x % 7) FROM n;",
    );
    let policy = "version = 1\n[tables.t]\nkeep = [\"id\"]\n[tables.t.columns]\nkind = \"hash\"\n";
    std::fs::write(scratch.path("pii.toml"), policy).unwrap();
    let output = check(&scratch, &["--source", "sqlite:erp.sqlite", "--strict"]);
    assert_eq!(code(&output), 4);
    assert!(text(&output).contains("few-values: t.kind: 300 rows have 7 different values"), "{}", text(&output));
    assert_eq!(code(&check(&scratch, &["--source", "sqlite:erp.sqlite", "--strict", "--no-values"])), 0);
    let allow = "[[check.allow]]\nrule = \"few-values\"\ntable = \"t\"\ncolumn = \"kind\"\nreason = \"made up\"\n";
    std::fs::write(scratch.path("pii.toml"), format!("{policy}{allow}")).unwrap();
    assert_eq!(code(&check(&scratch, &["--source", "sqlite:erp.sqlite", "--strict"])), 0);
}

#[test]
fn a_column_is_explained() {
    let scratch = Scratch::with_sample();
    let explain = |what: &str, more: &[&str]| {
        scratch.run(
            &[&["policy", "explain", what, "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"], more].concat(),
        )
    };
    let told = text(&explain("clients.email", &[]));
    for part in [
        "VARCHAR(120), NOT NULL, unique",
        "mask persona",
        "written at pii.toml:",
        "made-up example",
        "orders.placed_by_email",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let json: Value = serde_json::from_slice(&explain("CLIENTS.Email", &["--json"]).stdout).unwrap();
    assert_eq!((&json["table"], &json["column"], &json["unique"]), (&"clients".into(), &"email".into(), &true.into()));
    assert_eq!(json["environments"]["dev"]["mask"], "persona");
    let all: Value = serde_json::from_slice(&explain("clients", &["--json"]).stdout).unwrap();
    assert!(all["columns"].as_array().unwrap().len() > 10);
    for (what, hint) in
        [("clients.emial", "Did you mean 'email'?"), ("cleints.email", "Did you mean 'clients'?"), ("", "Write TABLE")]
    {
        let output = explain(what, &[]);
        assert_eq!(code(&output), 1, "{what}");
        assert!(text(&output).contains(hint), "{what}: {}", text(&output));
    }
    let output = scratch.run(&["policy", "explain", "clients.email", "--policy", "pii.toml"]);
    assert_eq!(code(&output), 1);
    assert!(text(&output).contains("no schema is named"));
}

#[test]
fn odd_schemas_are_checked() {
    let scratch = Scratch::with_store();
    sql(&scratch.path("empty.sqlite"), "PRAGMA user_version = 1");
    std::fs::write(scratch.path("pii.toml"), "\u{feff}version = 1\r\n".trim_start_matches('\u{feff}')).unwrap();
    assert_eq!(code(&check(&scratch, &["--source", "sqlite:empty.sqlite"])), 0);
    sql(&scratch.path("odd.sqlite"), "CREATE TABLE \"a\nb::'x,\" (\"c\rd\" TEXT, \"select\" INT)");
    for format in ["text", "json", "github", "sarif"] {
        let output = check(&scratch, &["--source", "sqlite:odd.sqlite", "--format", format]);
        assert_eq!(code(&output), 3, "{format}");
        let lines = String::from_utf8(output.stdout).unwrap();
        if format == "github" {
            assert_eq!(lines.lines().count(), 1, "{lines}");
        }
    }
}

/// The lines of every ```yaml block of a document.
fn yaml(path: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(repository(path)).unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().lines().map(str::to_owned).collect()).collect()
}

/// One line of the plain YAML that the documents keep to: its indent, its key without a dash, its value.
fn entry(line: &str) -> (usize, String, String) {
    let plain = line.trim_start();
    let indent = line.len() - plain.len();
    assert!(!line.contains('\t') && indent.is_multiple_of(2), "{line:?}");
    let inside = plain.strip_prefix("- ").unwrap_or(plain);
    let (key, value) = inside.split_once(':').unwrap_or_else(|| panic!("{line:?} has no key"));
    assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{line:?}");
    assert!(value.is_empty() || value.starts_with(' '), "{line:?}");
    let value = value.trim();
    let bare =
        !value.contains(": ") && !value.contains(" #") && !value.starts_with(['*', '&', '%', '@', '`', '"', '\'']);
    assert!(bare, "{line:?} has a value that needs quotes");
    (indent, key.to_owned(), value.to_owned())
}

#[test]
fn the_yaml_of_the_documents_is_plain_and_its_commands_parse() {
    use clap::Parser as _;
    let mut commands = 0;
    let blocks = yaml("docs/policy-check.md");
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let mut before = 0;
        let mut opened = true;
        for line in block {
            let (indent, key, value) = entry(&line);
            let is_item = line.trim_start().starts_with("- ");
            assert!(indent <= before || opened, "{line:?} is deeper than what is above it");
            before = indent + if is_item { 2 } else { 0 };
            opened = value.is_empty() || is_item;
            let command = if key == "run" || key == "entry" { value } else { continue };
            if let Some(rest) = command.strip_prefix("terp-fixtures ") {
                let rest = rest.split('>').next().unwrap();
                let words = std::iter::once("terp-fixtures").chain(rest.split_whitespace());
                terp_fixtures::cli::args::Cli::try_parse_from(words)
                    .unwrap_or_else(|error| panic!("{command}: {error}"));
                commands += 1;
            }
        }
    }
    assert_eq!(commands, 3);
}
