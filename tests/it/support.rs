//! What the tests share: a scratch folder with keys and a store, the real binary, and a dump that shares no code with the
//! product.

use assert_cmd::cargo::cargo_bin;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A scratch folder where commands run with an environment of their own.
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with a store and keys.
    pub fn with_store() -> Self {
        let scratch = Self::empty();
        scratch.ok(&["keys", "init"]);
        scratch
    }

    /// A folder with a store, keys, the sample ERP in `erp.sqlite` and its policy in `pii.toml`.
    pub fn with_sample() -> Self {
        let scratch = Self::with_store();
        sample(&scratch.path("erp.sqlite"));
        std::fs::copy(repository("policies/pii.toml"), scratch.path("pii.toml")).unwrap();
        scratch
    }

    /// ... and a snapshot of it called `sample`.
    pub fn with_snapshot() -> Self {
        let scratch = Self::with_sample();
        scratch.capture("sample");
        scratch
    }

    pub fn capture(&self, name: &str) -> serde_json::Value {
        self.json(&["capture", name, "--policy", "pii.toml", "--source", "sqlite:erp.sqlite"])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(cargo_bin("terp-fixtures"), arguments)
    }

    /// Another program, in the same folder and without what the environment may say to ours.
    pub fn command_of(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).args(arguments);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("TERP_FIXTURES") || text.ends_with("DATABASE_URL") || text.ends_with("_ENV") {
                command.env_remove(&name);
            }
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(std::process::Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed; returns its stdout.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with `--json` that must succeed.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Runs a command that must fail with `code`; returns its stderr.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains("error: "), "{stderr}");
        stderr
    }

    /// Every object of the store, by path.
    pub fn objects(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.path("snapshots"), &mut found);
        found.retain(|path| !path.starts_with(self.path("snapshots").join("tmp")));
        found.sort();
        found
    }

    pub fn packs(&self) -> usize {
        self.objects().iter().filter(|path| path.components().any(|part| part.as_os_str() == "packs")).count()
    }
}

pub fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// A file of the project.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Writes the sample ERP into a new SQLite file.
pub fn sample(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for sql in terp_fixtures::generate::sample::script(terp_fixtures::model::schema::EngineKind::Sqlite, 1) {
        connection.execute_batch(sql.text()).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
}

/// Runs SQL on a file with foreign keys enforced, as an application would.
pub fn sql(path: &Path, text: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    connection.execute_batch(text).unwrap();
}

/// One integer.
pub fn number(path: &Path, text: &str) -> i64 {
    Connection::open(path).unwrap().query_row(text, [], |row| row.get(0)).unwrap()
}

/// Everything in a SQLite database as text: every schema row and every cell with its storage class, `sqlite_sequence`
/// included; rows in an order of their own content.
pub fn dump(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    let mut lines: Vec<String> = Vec::new();
    let mut schema = connection
        .prepare("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name")
        .unwrap();
    let objects: Vec<[String; 4]> = schema
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    // SQLite makes sqlite_sequence with the first AUTOINCREMENT table and never lets go of it; its rows count all the same.
    for object in objects.iter().filter(|object| object[1] != "sqlite_sequence") {
        lines.push(object.join("|"));
    }
    for [kind, name, ..] in &objects {
        if kind == "table" {
            lines.extend(rows(&connection, name).into_iter().map(|row| format!("{name}: {row}")));
        }
    }
    for pragma in ["user_version", "application_id", "encoding"] {
        let value: rusqlite::types::Value = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        lines.push(format!("{pragma} {value:?}"));
    }
    lines.join("\n")
}

/// A cell with its storage class; text as it is where it is UTF-8.
fn cell(value: rusqlite::types::ValueRef<'_>) -> String {
    match value {
        rusqlite::types::ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("text:{text}"),
            Err(_) => format!("{bytes:?}"),
        },
        other => format!("{other:?}"),
    }
}

fn rows(connection: &Connection, table: &str) -> Vec<String> {
    let quoted = table.replace('"', "\"\"");
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{quoted}\"")).unwrap();
    let columns = statement.column_count();
    let mut lines: Vec<String> = statement
        .query_map([], |row| {
            let cells: rusqlite::Result<Vec<String>> = (0..columns).map(|at| row.get_ref(at).map(cell)).collect();
            cells.map(|cells| cells.join("|"))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    lines.sort();
    lines
}

/// A small generator of pseudo-random numbers, so that failures repeat.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
