//! The real binary, killed in the middle of a capture and run again: it goes on, and the snapshot is the same.

use crate::inside;
use crate::support::{Random, Scratch, sql};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const POLICY: &str = r#"version = 1
[tables.clients]
mode = "capture"
keep = ["id"]
columns = { name = { mask = "full_name" }, email = { mask = "email" } }
[tables.orders]
mode = "capture"
keep = ["id", "client_id", "note"]
[tables.lines]
mode = "capture"
keep = ["id", "order_id", "note"]
"#;

fn prepare(scratch: &Scratch) {
    sql(
        &scratch.path("big.sqlite"),
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients(id), note TEXT);
         CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders(id), note TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO clients SELECT i, 'Person Number' || i, 'person' || i || '@corp.example' FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
         INSERT INTO orders SELECT i, 1 + i % 20000, 'order ' || hex(randomblob(100)) FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO lines SELECT i, 1 + i % 40000, 'line ' || hex(randomblob(100)) FROM n;",
    );
    std::fs::write(scratch.path("big.toml"), POLICY).unwrap();
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

const CAPTURE: [&str; 6] = ["capture", "big", "--policy", "big.toml", "--source", "sqlite:big.sqlite"];

#[test]
fn a_killed_capture_is_continued_to_the_same_snapshot() {
    let scratch = Scratch::with_store();
    prepare(&scratch);
    let plain = Scratch::with_store();
    std::fs::copy(scratch.path("big.sqlite"), plain.path("big.sqlite")).unwrap();
    std::fs::copy(scratch.path("big.toml"), plain.path("big.toml")).unwrap();
    let key = ".terp-fixtures/mask.key";
    std::fs::copy(scratch.path(key), plain.path(key)).unwrap();
    let start = Instant::now();
    plain.ok(&CAPTURE);
    let whole = start.elapsed();
    plain.ok(&["restore", "big", "--target", "sqlite:restored.sqlite", "--create"]);

    let journal = scratch.path(".terp-fixtures/journal");
    let mut random = Random(5);
    let (mut killed, mut resumed, mut published) = (0, 0, 0);
    for _ in 0..40 {
        let mut arguments = CAPTURE.to_vec();
        arguments.push("--json");
        let mut command = scratch.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let (begun, delay) = (Instant::now(), whole.mul_f64(0.2 + random.below(800) as f64 / 1000.0));
        while begun.elapsed() < delay && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_micros(500));
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            resumed += answer["resumed"]["tables"].as_u64().unwrap();
            published += 1;
            assert_eq!(files(&journal), 0, "the journal goes with the publication");
        } else {
            killed += 1;
        }
        if published > 1 && resumed > 0 && killed > 8 {
            break;
        }
    }
    assert!(killed > 5 && resumed > 0, "{killed} killed, {resumed} tables taken over, {published} published");
    let answer = scratch.json(&CAPTURE);
    assert!(answer["snapshot"]["id"].is_string());
    scratch.ok(&["verify", "--read-data"]);
    scratch.ok(&["restore", "big", "--target", "sqlite:restored.sqlite", "--create"]);
    let digest = |scratch: &Scratch| inside::digest(&scratch.path("restored.sqlite"));
    assert_eq!(digest(&scratch), digest(&plain));
    assert_ne!(digest(&scratch), inside::digest(&scratch.path("big.sqlite")), "the digest tells rows apart");
}

#[test]
fn what_is_asked_of_a_journal_is_answered() {
    let scratch = Scratch::with_snapshot();
    let capture = ["capture", "again", "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"];
    let output = scratch.command(&[&capture[..], &["--resume", "--verbose"]].concat()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.contains("there is no interrupted capture of this source"), "{told}");
    assert_eq!(scratch.json(&capture)["resumed"]["tables"], 0);
    let both = scratch.command(&[&capture[..], &["--resume", "--no-resume"]].concat()).output().unwrap();
    assert_eq!(both.status.code(), Some(1));
}
