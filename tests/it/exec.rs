//! `exec` as a user has it: environment, exit codes, signals, what is left behind. On SQLite, which needs no server.

use crate::support::{Scratch, number};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with a snapshot called `sample`, and a folder for its databases.
pub struct Place {
    pub scratch: Scratch,
}

impl Place {
    pub fn new() -> Self {
        Self { scratch: Scratch::with_snapshot() }
    }

    pub fn server(&self) -> String {
        format!("sqlite:{}", self.host().display())
    }

    pub fn host(&self) -> PathBuf {
        self.scratch.path("isolated")
    }

    /// A command of ours with the host in its environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scratch.command(arguments);
        command.env("TERP_FIXTURES_SERVER", self.server()).env("TMPDIR", self.scratch.path(""));
        command.env_remove("XDG_RUNTIME_DIR").stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a script under `exec` with these options.
    fn exec(&self, options: &[&str], script: &str) -> Output {
        self.run(&[&["exec", "sample"], options, &["--", "sh", "-c", script]].concat())
    }

    /// Clones on the host, sidecars and all.
    pub fn clones(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.host()).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("terp_w_")).collect()
    }

    /// Sockets' folders that were left.
    pub fn folders(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.scratch.path("")).unwrap().flatten().map(|entry| entry.path());
        entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("terp-fixtures-")).collect()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until a file is there and has an end of line.
pub fn line_of(path: &Path) -> String {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(Instant::now() < end, "{} was never written", path.display()),
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Waits for the end of a process.
pub fn ended(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

pub fn signal(process: u32, signal: &str) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap().success());
}

#[test]
fn a_command_gets_a_pristine_database_and_leaves_nothing() {
    let place = Place::new();
    let clients = number(&place.scratch.path("erp.sqlite"), "SELECT count(*) FROM clients");
    let script = "sqlite3 \"$DATABASE_PATH\" 'select count(*) from clients; delete from order_lines; delete from orders;'
        echo \"$DATABASE_URL\" \"$DATABASE_URL_1\" \"$DATABASE_PATH_1\" \"$TERP_FIXTURES_LEASE\" \"$TERP_FIXTURES_SOCKET\"";
    for _ in 0..2 {
        let output = place.exec(&[], script);
        assert!(output.status.success(), "{}", err(&output));
        let text = out(&output);
        let (count, rest) = text.split_once('\n').unwrap();
        assert_eq!(count.parse::<i64>().unwrap(), clients, "{}", err(&output));
        let words: Vec<&str> = rest.split_whitespace().collect();
        assert_eq!((words[0], words.len()), (words[1], 5));
        assert_eq!(words[0], format!("sqlite:{}", words[2]));
        assert_eq!(words[3].len(), 24);
        assert!(err(&output).contains("the command ended with 0"), "{}", err(&output));
    }
    assert!(place.clones().is_empty(), "{:?}", place.clones());
    assert!(place.folders().is_empty(), "{:?}", place.folders());
}

#[test]
fn ten_at_once_have_ten_databases_and_none_is_left() {
    let place = Place::new();
    // Each writes its own mark, waits until all ten have theirs, and must then see nothing but its own.
    std::fs::create_dir(place.scratch.path("marks")).unwrap();
    let script = "sqlite3 \"$DATABASE_PATH\" \"create table mark (n); insert into mark values ($ME)\"
        echo \"$DATABASE_PATH\" > marks/$ME
        while [ $(ls marks | wc -l) -lt 10 ]; do sleep 0.02; done
        sqlite3 \"$DATABASE_PATH\" 'select n from mark'";
    let children: Vec<Child> = (0..10)
        .map(|me: u32| {
            let mut command = place.command(&["exec", "sample", "--", "sh", "-c", script]);
            command.env("ME", me.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for (me, child) in children.into_iter().enumerate() {
        let output = ended(child);
        assert!(output.status.success(), "{}", err(&output));
        assert_eq!(out(&output).trim(), me.to_string());
    }
    let paths: BTreeSet<String> = (0..10).map(|me| line_of(&place.scratch.path(&format!("marks/{me}")))).collect();
    assert_eq!(paths.len(), 10);
    assert!(place.clones().is_empty(), "{:?}", place.clones());
}

#[test]
fn workers_have_databases_of_their_own_and_templates_name_their_parts() {
    let place = Place::new();
    let script = "echo \"$DATABASE_PATH_1\" \"$DATABASE_PATH_2\" \"$DATABASE_PATH_3\"; echo \"$DB_3\" \"$WHERE\"";
    let options = ["-n", "3", "--env", "DB_{n}=file:{path}?n={n}", "--env", "WHERE={{{scheme}}}"];
    let output = place.exec(&options, script);
    assert!(output.status.success(), "{}", err(&output));
    let text = out(&output);
    let (paths, rest) = text.split_once('\n').unwrap();
    let paths: Vec<&str> = paths.split_whitespace().collect();
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(rest.trim(), format!("file:{}?n=3 {{sqlite}}", paths[2]));
    assert!(place.clones().is_empty());
    for wrong in ["A={nope}", "A={host}", "={url}", "A={"] {
        let output = place.exec(&["--env", wrong], "echo ran");
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""), "{wrong}");
        assert!(err(&output).contains("error: the command was not run: --env"), "{wrong}: {}", err(&output));
    }
}

#[test]
fn exit_codes_are_those_of_the_command_and_of_shells() {
    let place = Place::new();
    std::fs::write(place.scratch.path("plain"), "no program").unwrap();
    let run = |command: &[&str]| {
        let output = place.run(&[&["exec", "sample", "--"], command].concat());
        assert_eq!(out(&output), "", "{command:?}");
        (output.status.code().unwrap(), err(&output))
    };
    for (command, code) in [
        (&["true"][..], 0),
        (&["false"], 1),
        (&["sh", "-c", "exit 77"], 77),
        (&["sh", "-c", "exit 255"], 255),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["sh", "-c", "kill -KILL $$"], 137),
        (&["no-such-command-anywhere"], 127),
        (&["./nothing"], 127),
        (&["./plain"], 126),
    ] {
        let (found, stderr) = run(command);
        assert_eq!(found, code, "{command:?}: {stderr}");
    }
    assert!(run(&["no-such-command-anywhere"]).1.contains("error: the command was not run: no-such-command-anywhere"));
    assert!(run(&["./plain"]).1.contains("error: the command was not run: ./plain cannot be executed"));
    // Our own failures have our own codes, and say that nothing ran.
    let output = place.run(&["exec", "no-such-snapshot", "--", "sh", "-c", "echo ran"]);
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(out(&output), "");
    assert!(err(&output).contains("error: the command was not run: "), "{}", err(&output));
    let output = place.run(&["exec", "sample"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(place.clones().is_empty());
}

#[test]
fn the_command_gets_none_of_the_secrets_and_everything_else() {
    let place = Place::new();
    let mut command = place.command(&["exec", "sample", "--", "sh", "-c", "env; cat"]);
    let key = std::fs::read_to_string(place.scratch.path(".terp-fixtures/identity.key")).unwrap();
    command.env("TERP_FIXTURES_IDENTITY", &key).env("TERP_FIXTURES_PASSPHRASE", "hunter2");
    command.env("TERP_FIXTURES_MASK_KEY_FILE", "mask.key").env("SOURCE_DATABASE_URL", "postgres://me:hunter2@h/d");
    command.env("MINE", "stays").env("DATABASE_URL_9", "old").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"from stdin\n").unwrap();
    let output = ended(child);
    let text = out(&output);
    assert!(text.contains("MINE=stays\n") && text.ends_with("from stdin\n"), "{text}");
    for gone in ["hunter2", key.trim(), "TERP_FIXTURES_SERVER", "MASK_KEY", "DATABASE_URL_9"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
}

#[test]
fn signals_reach_the_command_once_and_the_databases_go() {
    let place = Place::new();
    let script = "for s in INT TERM HUP QUIT USR1 USR2 WINCH; do trap \"echo $s >> got\" $s; done
        trap 'echo TERM >> got; exit 9' TERM
        echo $$ > ready; while :; do sleep 0.02; done";
    let child = place.command(&["exec", "sample", "--", "sh", "-c", script]).stderr(Stdio::piped()).spawn().unwrap();
    line_of(&place.scratch.path("ready"));
    let got = place.scratch.path("got");
    for (at, name) in ["INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "TERM"].iter().enumerate() {
        signal(child.id(), name);
        let end = Instant::now() + Duration::from_secs(30);
        while std::fs::read_to_string(&got).unwrap_or_default().lines().count() <= at {
            assert!(Instant::now() < end, "{name} did not arrive");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
    let output = ended(child);
    assert_eq!(output.status.code(), Some(9), "{}", err(&output));
    assert_eq!(std::fs::read_to_string(&got).unwrap(), "INT\nHUP\nQUIT\nUSR1\nUSR2\nWINCH\nTERM\n");
    assert!(place.clones().is_empty() && place.folders().is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn the_command_is_told_to_end_when_exec_is_killed_and_the_next_one_works() {
    let place = Place::new();
    let script = "trap 'echo told > told; exit' TERM; echo \"$DATABASE_PATH\" > ready; while :; do sleep 0.02; done";
    let mut child = place.command(&["exec", "sample", "--", "sh", "-c", script]).stderr(Stdio::null()).spawn().unwrap();
    line_of(&place.scratch.path("ready"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(line_of(&place.scratch.path("told")), "told");
    assert!(!place.clones().is_empty());
    let output = place.exec(&["--verify"], "sqlite3 \"$DATABASE_PATH\" 'select count(*) > 0 from clients'");
    assert_eq!((output.status.code(), out(&output).trim()), (Some(0), "1"), "{}", err(&output));
    assert!(place.run(&["doctor", "--clean"]).status.success());
    assert!(place.clones().is_empty(), "{:?}", place.clones());
}

#[test]
fn what_is_kept_stays_as_it_is_until_somebody_removes_it() {
    let place = Place::new();
    let script = "sqlite3 \"$DATABASE_PATH\" 'create table mine (x)'; exit $CODE";
    let run = |options: &[&str], code: &str| {
        let mut command = place.command(&[&["exec", "sample"], options, &["--", "sh", "-c", script]].concat());
        command.env("CODE", code).output().unwrap()
    };
    assert_eq!(run(&["--keep-on-failure"], "0").status.code(), Some(0));
    assert!(place.clones().is_empty());
    let output = run(&["--keep-on-failure"], "3");
    assert_eq!(output.status.code(), Some(3));
    let kept = err(&output).lines().find_map(|line| line.strip_prefix("kept: sqlite:").map(str::to_owned)).unwrap();
    assert!(err(&output).contains("terp-fixtures doctor --clean --all"), "{}", err(&output));
    let mine = |path: &str| number(Path::new(path), "SELECT count(*) FROM sqlite_master WHERE name = 'mine'");
    assert_eq!(mine(&kept), 1);
    // Nobody else gets it, and it is no leftover.
    assert_eq!(run(&[], "0").status.code(), Some(0));
    assert!(place.run(&["doctor", "--clean"]).status.success());
    assert_eq!(mine(&kept), 1);
    assert!(place.run(&["doctor", "--clean", "--all"]).status.success());
    assert!(!Path::new(&kept).exists());
}

#[test]
fn a_clone_that_stays_for_the_next_one_is_put_back() {
    let place = Place::new();
    let script = "sqlite3 \"$DATABASE_PATH\" 'select count(*) from clients; delete from order_lines; delete from orders'; echo \"$DATABASE_PATH\"";
    let first = place.exec(&["--reuse", "--verify"], script);
    let second = place.exec(&["--reuse", "--verify"], script);
    assert!(first.status.success() && second.status.success(), "{}{}", err(&first), err(&second));
    assert_eq!(out(&first), out(&second));
    assert_eq!(place.clones().iter().filter(|name| name.ends_with(".sqlite")).count(), 1);
    let output = place.exec(&["--verify", "-n", "2"], "echo \"$DATABASE_PATH_1\"");
    assert!(output.status.success(), "{}", err(&output));
    assert!(place.clones().is_empty(), "{:?}", place.clones());
}

#[test]
fn the_child_resets_its_database_through_the_pool_of_exec() {
    let place = Place::new();
    let binary = assert_cmd::cargo::cargo_bin("terp-fixtures");
    let script = format!(
        "sqlite3 \"$DATABASE_PATH\" 'delete from order_lines'
        {} reset \"$DATABASE_URL\" || exit 8
        sqlite3 \"$DATABASE_PATH\" 'select count(*) > 0 from order_lines'",
        binary.display()
    );
    let output = place.exec(&[], &script);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).trim().ends_with('1'), "{}", out(&output));
}
