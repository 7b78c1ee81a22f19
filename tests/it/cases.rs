//! Command-line cases as data: each file of `tests/cases` is a command with what it must print and how it must end.

use crate::support::{Scratch, repository};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// `empty`, `store`, `sample` or `snapshot`: what lies in the folder before.
    #[serde(default)]
    given: String,
    args: Vec<String>,
    code: i32,
    /// Parts that stdout must hold.
    #[serde(default)]
    stdout: Vec<String>,
    /// Parts that stderr must hold.
    #[serde(default)]
    stderr: Vec<String>,
}

#[test]
fn every_case_ends_as_it_says() {
    let mut seen = 0;
    for entry in std::fs::read_dir(repository("tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        let case: Case = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let scratch = match case.given.as_str() {
            "" | "empty" => Scratch::empty(),
            "store" => Scratch::with_store(),
            "sample" => Scratch::with_sample(),
            "snapshot" => Scratch::with_snapshot(),
            other => panic!("{}: unknown state {other}", path.display()),
        };
        let output = scratch.run(&case.args.iter().map(String::as_str).collect::<Vec<_>>());
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(case.code), "{}: {stderr}", path.display());
        for part in &case.stdout {
            assert!(stdout.contains(part), "{}: stdout lacks {part:?}:\n{stdout}", path.display());
        }
        for part in &case.stderr {
            assert!(stderr.contains(part), "{}: stderr lacks {part:?}:\n{stderr}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} cases");
}
