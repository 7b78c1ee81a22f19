//! `terp_fixtures::testing`: a database that this process makes, one of `exec`, and one of a pool, by the same line of a test.

use crate::support::{Scratch, sql};
use std::process::Stdio;
use terp_fixtures::testing::{Database, Wish, lease};

fn spoil(database: &Database) {
    sql(
        database.path().unwrap(),
        "DELETE FROM client_contacts; UPDATE clients SET status = 'closed'; DELETE FROM notes",
    );
}

/// A project with a snapshot of the sample, whose databases lie in its folder.
fn project() -> (Scratch, Wish) {
    let scratch = Scratch::with_snapshot();
    std::fs::write(scratch.path("terp-fixtures.toml"), "[store]\nurl = \"snapshots\"\n").unwrap();
    let folder = format!("sqlite:{}", scratch.path("clones").display());
    let wish = Wish::of("sample").configuration(scratch.path("terp-fixtures.toml")).server(folder);
    (scratch, wish)
}

fn content(database: &Database) -> String {
    crate::support::dump(database.path().unwrap())
}

#[test]
fn a_test_gets_a_database_puts_it_back_and_leaves_it_to_the_next() {
    let (_scratch, wish) = project();
    let mut first = wish.lease().unwrap();
    let second = wish.lease().unwrap();
    assert_ne!(first.url(), second.url());
    let pristine = content(&first);
    assert_eq!(content(&second), pristine);
    first.reset().unwrap();
    assert_eq!(content(&first), pristine);
    spoil(&first);
    assert_ne!(content(&first), pristine);
    assert_eq!(content(&second), pristine, "one that somebody else has is as it was");
    let done = first.reset().unwrap();
    assert!(done.rows > 0 && done.rung != "clean", "{done:?}");
    assert_eq!(content(&first), pristine);
    // What is dropped dirty is pristine for whoever gets it next.
    spoil(&first);
    let url = first.url().to_owned();
    drop(first);
    let next = wish.lease().unwrap();
    assert_eq!((next.url(), content(&next)), (url.as_str(), pristine));
    next.give_back().unwrap();
}

#[test]
fn what_cannot_be_had_is_an_error() {
    let (scratch, wish) = project();
    let unknown = Wish::of("nothing").configuration(scratch.path("terp-fixtures.toml")).lease();
    assert_eq!(unknown.unwrap_err().kind(), terp_fixtures::error::Kind::Store);
    let nowhere = wish.server("postgres://nobody@127.0.0.1:1/x").lease();
    assert!(nowhere.is_err());
}

/// Run by the test below under `exec` and under `exec` within a pool; alone it has nothing to show.
#[test]
fn within() {
    let Ok(databases) = std::env::var("TEST_WITHIN") else { return };
    let wait = std::time::Duration::from_millis(50);
    let mut first = lease("sample").unwrap();
    assert!(databases.contains(first.url()), "{} is none of {databases}", first.url());
    let second = Wish::of("sample").wait(wait).lease().unwrap();
    assert!(databases.contains(second.url()) && second.url() != first.url());
    let third = Wish::of("sample").wait(wait).lease();
    assert_eq!(third.unwrap_err().kind(), terp_fixtures::error::Kind::Locked, "there are two");
    assert!(lease("other").is_err());
    let pristine = content(&first);
    spoil(&first);
    assert_ne!(content(&first), pristine);
    first.reset().unwrap();
    assert_eq!(content(&first), pristine);
    spoil(&first);
    let url = first.url().to_owned();
    drop(first);
    let again = lease("sample").unwrap();
    assert_eq!((again.url(), content(&again)), (url.as_str(), pristine));
    println!("within: done");
}

#[test]
fn under_exec_a_test_has_one_of_its_databases() {
    let (scratch, _) = project();
    let server = format!("sqlite:{}", scratch.path("clones").display());
    let this = std::env::current_exe().unwrap();
    let script = r#"TEST_WITHIN="$DATABASE_URL_1 $DATABASE_URL_2" exec "$@""#;
    let mut command =
        scratch.command(&["exec", "sample", "-n", "2", "--server", &server, "--", "sh", "-c", script, "sh"]);
    command.arg(this).args(["--exact", "testing::within", "--nocapture"]);
    // The child is one process with two databases, whatever runs this test.
    let output = command.env_remove("NEXTEST_TEST_GLOBAL_SLOT").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("within: done"), "{text}");
}
