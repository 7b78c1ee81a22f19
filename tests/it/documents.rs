//! What the documents and the help say is run.

use crate::support::{Scratch, repository};
use clap::{CommandFactory as _, Parser as _};
use terp_fixtures::cli::args::Cli;

/// The lines of every ```sh block of a Markdown file that are commands of ours, in order, without comments.
pub fn commands(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository(path)).unwrap();
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = !inside && language == "sh";
            continue;
        }
        let line = line.split(" #").next().unwrap().trim();
        if inside && !line.is_empty() {
            found.push(line.to_owned());
        }
    }
    found
}

/// `terp-fixtures` and `cargo run --release --` are the binary under test.
fn arguments(command: &str) -> Option<Vec<&str>> {
    let rest = command.strip_prefix("terp-fixtures ").or_else(|| command.strip_prefix("cargo run --release -- "))?;
    Some(rest.split_whitespace().collect())
}

#[test]
fn the_commands_of_the_readme_work_from_top_to_bottom() {
    let scratch = Scratch::with_sample();
    // A fresh clone has the store that ships; a project has none yet.
    std::fs::remove_dir_all(scratch.path("snapshots")).unwrap();
    std::fs::remove_dir_all(scratch.path(".terp-fixtures")).unwrap();
    copy(&repository("snapshots"), &scratch.path("snapshots"));
    std::fs::remove_file(scratch.path("pii.toml")).unwrap();
    let mut ran = 0;
    for command in commands("README.md") {
        let Some(arguments) = arguments(&command) else { continue };
        if arguments[0] == "exec" {
            // Its command has quotes, which are a shell's to read; what it makes goes beside the rest.
            let (_, rest) = command.split_once("exec ").unwrap();
            let line = format!("{} exec {rest}", assert_cmd::cargo::cargo_bin("terp-fixtures").display());
            let mut shell = scratch.command_of("sh", &["-c", &line]);
            let output = shell.env("XDG_CACHE_HOME", scratch.path("cache")).output().unwrap();
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(
                String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().is_ok_and(|rows| rows > 0),
                "{command}"
            );
        } else {
            scratch.ok(&arguments);
        }
        if arguments[0] == "init" {
            // What the text asks a person to do: read the proposal, and answer what is open.
            let policy = std::fs::read_to_string(scratch.path("pii.toml")).unwrap();
            std::fs::write(scratch.path("pii.toml"), policy.replace("\n# undecided: ", "\n")).unwrap();
        }
        ran += 1;
    }
    assert!(ran >= 9, "only {ran} commands were found in the README");
}

#[test]
fn the_commands_of_the_document_of_snapshots_work_from_top_to_bottom() {
    let scratch = Scratch::with_snapshot();
    let commands = commands("docs/snapshots.md");
    assert!(commands.len() >= 15, "only {} commands were found", commands.len());
    for command in &commands {
        scratch.ok(&arguments(command).unwrap());
    }
}

/// In a shell, since stock tools are among them.
#[test]
fn the_commands_of_the_approval_document_work_from_top_to_bottom() {
    let scratch = Scratch::with_sample();
    let binary = assert_cmd::cargo::cargo_bin("terp-fixtures");
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut ran = 0;
    for command in commands("docs/approval.md") {
        let mut shell = scratch.command_of("sh", &["-c", &command]);
        let output = shell.env("PATH", &path).stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        ran += 1;
    }
    assert!(ran >= 14, "only {ran} commands were found");
}

/// In a shell, since variables are among them; a comment says which ones are refused.
#[test]
fn the_commands_of_the_document_of_targets_do_what_it_says() {
    let scratch = Scratch::with_sample();
    let source = ["--policy", "pii.toml", "--source", "sqlite:erp.sqlite"];
    scratch.ok(&[&["capture", "nightly"][..], &source].concat());
    scratch.ok(&[&["capture", "staging-nightly", "--env", "staging"][..], &source].concat());
    crate::support::sample(&scratch.path("production.sqlite"));
    let connection = rusqlite::Connection::open(scratch.path("production.sqlite")).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let names: Vec<String> =
        connection.prepare(tables).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        connection.execute_batch(&format!("DELETE FROM \"{name}\"")).unwrap();
    }
    drop(connection);
    let before = crate::support::dump(&scratch.path("production.sqlite"));
    let binary = assert_cmd::cargo::cargo_bin("terp-fixtures");
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let text = std::fs::read_to_string(repository("docs/targets.md")).unwrap();
    let (mut inside, mut ran, mut refused) = (false, 0, 0);
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = !inside && language == "sh";
            continue;
        }
        let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
        if !inside || command.trim().is_empty() {
            continue;
        }
        let code = if comment.starts_with("exit 8") { 8 } else { 0 };
        let mut shell = scratch.command_of("sh", &["-c", command]);
        let output = shell.env("PATH", &path).stdin(std::process::Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        ran += 1;
        refused += i32::from(code == 8);
        if command.contains("runs --target sqlite:production") {
            let count = "SELECT (SELECT count(*) FROM strains) + (SELECT count(*) FROM clients)";
            assert_eq!(crate::support::number(&scratch.path("production.sqlite"), count), 20);
        }
    }
    assert!(ran >= 20 && refused >= 7, "only {ran} commands were found, {refused} of them refused");
    // All but the declaration is as before.
    let declaration = |line: &&str| !line.contains("terp_fixtures_target");
    let after = crate::support::dump(&scratch.path("production.sqlite"));
    assert_eq!(after.lines().filter(declaration).collect::<Vec<_>>(), before.lines().collect::<Vec<_>>());
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn the_commands_of_the_other_documents_parse() {
    for entry in std::fs::read_dir(repository("docs")).unwrap() {
        let path = entry.unwrap().path();
        // These are run in a shell as a whole, quotes and all.
        let is_run = ["rollback.md", "runbook.md"].iter().any(|name| path.ends_with(name));
        if path.extension().is_some_and(|extension| extension == "md") && !is_run {
            for command in commands(path.strip_prefix(repository("")).unwrap().to_str().unwrap()) {
                if let Some(arguments) = arguments(&command) {
                    parses(&arguments, &command);
                }
            }
        }
    }
}

fn parses(arguments: &[&str], command: &str) {
    let parsed = Cli::try_parse_from(std::iter::once(&"terp-fixtures").chain(arguments));
    assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
}

#[test]
fn every_command_has_help_with_examples_that_parse() {
    let mut command = Cli::command();
    command.build();
    let mut seen = 0;
    check_help(&command, &mut seen);
    assert!(seen >= 11, "only {seen} commands");
}

fn check_help(command: &clap::Command, seen: &mut usize) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        if sub.has_subcommands() {
            check_help(sub, seen);
            continue;
        }
        *seen += 1;
        let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Examples:"), "{} has no examples", sub.get_name());
        assert!(sub.get_about().is_some(), "{} has no description", sub.get_name());
        for argument in sub.get_arguments() {
            assert!(argument.get_help().is_some(), "{} --{} has no help", sub.get_name(), argument.get_id());
        }
        for line in after.lines().filter_map(|line| line.trim().split("terp-fixtures ").nth(1)) {
            let line = line.split([';', '|', '>', '&']).next().unwrap();
            parses(&line.split_whitespace().collect::<Vec<_>>(), line);
        }
    }
}

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn completions_and_manual_pages_are_made() {
    let scratch = Scratch::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(scratch.ok(&["completions", shell]).contains("terp-fixtures"), "{shell}");
    }
    scratch.ok(&["man", "pages"]);
    assert!(scratch.path("pages/terp-fixtures-restore.1").is_file());
}

#[test]
fn links_between_documents_lead_somewhere() {
    for name in [
        "README.md",
        "docs/architecture.md",
        "docs/policy.md",
        "docs/commands.md",
        "docs/approval.md",
        "docs/targets.md",
        ".github/SECURITY.md",
    ] {
        let text = std::fs::read_to_string(repository(name)).unwrap();
        for word in text
            .split(['`', '(', ')', ' ', '\n'])
            .filter(|word| word.starts_with("docs/") && word.rsplit('.').next() == Some("md"))
        {
            assert!(repository(word).is_file(), "{name} names {word}");
        }
    }
}

/// Documents that name the tests which show what they claim.
const WITNESSED: [(&str, usize); 2] = [("docs/security.md", 70), ("docs/properties.md", 30)];

#[test]
fn every_test_that_a_document_names_exists() {
    let mut files = Vec::new();
    for folder in ["src", "tests/it"] {
        crate::support::collect(&repository(folder), &mut files);
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let sources: Vec<String> = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for (document, least) in WITNESSED {
        let text = std::fs::read_to_string(repository(document)).unwrap();
        // The names of tests are sentences.
        let is_test = |word: &&str| {
            word.matches('_').count() >= 2
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let named: std::collections::BTreeSet<&str> = text.split('`').skip(1).step_by(2).filter(is_test).collect();
        assert!(named.len() >= least, "{document} names only {} tests", named.len());
        for name in named {
            let exists = sources.iter().any(|source| source.contains(&format!("fn {name}(")));
            assert!(exists, "{document}: there is no test {name}");
        }
    }
}

/// Each number of the users' specification has tests whose names begin with it, and each such test is in the table.
#[test]
fn every_numbered_property_has_its_tests() {
    let text = std::fs::read_to_string(repository("docs/properties.md")).unwrap();
    let numbers = |name: &str| -> Vec<u32> {
        name.split('_').map_while(|part| part.strip_prefix('p').and_then(|digits| digits.parse().ok())).collect()
    };
    let mut named = std::collections::BTreeSet::new();
    for number in 1..=26 {
        let row = text.lines().find(|line| line.starts_with(&format!("| {number} "))).unwrap();
        let tests: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        assert!(tests.iter().any(|test| numbers(test).contains(&number)), "no test of property {number}");
        named.extend(tests);
    }
    let mut files = Vec::new();
    for folder in ["src", "tests/it"] {
        crate::support::collect(&repository(folder), &mut files);
    }
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let source = std::fs::read_to_string(path).unwrap();
        for name in source.split("fn ").skip(1).filter_map(|rest| rest.split('(').next()) {
            let is_test = !numbers(name).is_empty() && name.len() > 12;
            assert!(!is_test || named.contains(name), "{name} is not in docs/properties.md");
        }
    }
}

/// Recipes of runners that have a project under `tests/projects` are files of it, which `tests/projects/run` runs.
#[test]
fn the_code_in_the_document_of_testing_is_what_its_projects_run() {
    let text = std::fs::read_to_string(repository("docs/testing.md")).unwrap();
    let mut compared = std::collections::BTreeSet::new();
    for block in text.split("\n```").filter(|block| block.lines().next().is_some_and(|fence| fence.contains(" file=")))
    {
        let (fence, code) = block.split_once('\n').unwrap();
        let (_, path) = fence.split_once(" file=").unwrap();
        let file = std::fs::read_to_string(repository(path)).unwrap();
        assert_eq!(format!("{code}\n"), file, "docs/testing.md shows {path} otherwise than it is");
        compared.extend(path.split('/').nth(2).map(str::to_owned));
    }
    let projects: Vec<&str> = compared.iter().map(String::as_str).collect();
    assert_eq!(projects, ["nextest", "pytest", "vitest"]);
}
