//! SIGKILL of the real binary while it changes a store: what was published is there, nothing dangles, and the next run succeeds.

use crate::s3::Remote;
use crate::s3::server::{Conditions, Server};
use crate::support::{Random, Scratch, dump, sql};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// When to kill.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after the start.
    After(Duration),
    /// When something in the store has changed for the nth time.
    Change(u64),
}

/// Lets `command` run for `delay`, then kills it the hard way. Returns whether it had ended by itself.
pub fn killed(command: Command, delay: Duration) -> bool {
    killed_at(command, Moment::After(delay), &Vec::new)
}

/// Kills at a moment; `watch` says what is in the store now.
fn killed_at(mut command: Command, moment: Moment, watch: &dyn Fn() -> Vec<PathBuf>) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let (mut seen, mut changes) = (watch(), 0);
    loop {
        let is_time = match moment {
            Moment::After(delay) => start.elapsed() >= delay,
            Moment::Change(wanted) => {
                let now = watch();
                changes += u64::from(now != seen);
                seen = now;
                changes >= wanted
            }
        };
        if is_time {
            let ended = child.try_wait().unwrap().is_some();
            child.kill().unwrap();
            child.wait().unwrap();
            return ended;
        }
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::park_timeout(Duration::from_micros(200));
    }
}

/// How long the command takes when it is let alone.
pub fn duration(mut command: Command) -> Duration {
    let start = Instant::now();
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    start.elapsed()
}

/// Everything in a folder, temporary files included. What goes meanwhile is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        if entry.file_type().is_ok_and(|about| about.is_dir()) {
            found.extend(files(&entry.path()));
        }
    }
    found.sort();
    found
}

/// A store somewhere, and the folder of the one who uses it.
struct Place<'a> {
    scratch: &'a Scratch,
    /// The program with these arguments, on that store.
    command: &'a dyn Fn(&[&str]) -> Command,
    /// What is in the store, as far as it can be seen from outside.
    watch: &'a dyn Fn() -> Vec<PathBuf>,
}

impl Place<'_> {
    fn ok(&self, arguments: &[&str]) -> String {
        let output = (self.command)(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The ids of the snapshots that are there.
    fn ids(&self) -> BTreeSet<String> {
        let list: serde_json::Value = serde_json::from_str(&self.ok(&["list", "--json"])).unwrap();
        list.as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// The commands that take turns, each killed and then run to its end; `N` is the number of the turn.
const COMMANDS: [&str; 4] = [
    "capture rN --policy p.toml --source sqlite:small.sqlite",
    "rm rN --yes",
    "prune --keep-last 2 --yes",
    "gc --no-grace --force --yes",
];

const POLICY: &str = "version = 1\n[tables.t]\nmode = \"capture\"\nkeep = [\"id\", \"x\"]\n";

/// Kills runs of commands that change the store until `kills` of them were cut off. Nothing may be lost, and each must succeed when it
/// is run again. Gives how many rounds that took.
fn survives(place: &Place<'_>, kills: u64) -> u64 {
    let scratch = place.scratch;
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'one'), (2, NULL)";
    for source in ["small.sqlite", "kept.sqlite"] {
        sql(&scratch.path(source), table);
    }
    std::fs::write(scratch.path("p.toml"), POLICY).unwrap();
    // Of another source, so that no rule removes it.
    place.ok(&["capture", "kept", "--policy", "p.toml", "--source", "sqlite:kept.sqlite"]);
    let kept = place.ids();
    let mut random = Random(1);
    let (mut cut_off, mut whole) = (0, [Duration::from_millis(100); COMMANDS.len()]);
    let mut round = 0;
    while cut_off < kills {
        assert!(round < 3 * kills, "only {cut_off} of {round} runs were cut off");
        let which = usize::try_from(round).unwrap() % COMMANDS.len();
        let text = COMMANDS[which].replace("rN", &format!("r{}", round / COMMANDS.len() as u64));
        let arguments: Vec<&str> = text.split(' ').collect();
        sql(&scratch.path("small.sqlite"), &format!("UPDATE t SET x = 'round {round}' WHERE id = 2"));
        let moment = if random.below(2) == 0 {
            Moment::After(whole[which].mul_f64(random.below(1_000) as f64 / 1000.0))
        } else {
            Moment::Change(1 + random.below(4))
        };
        let what = format!("round {round}, {moment:?}, {text}");
        let before = if which == 0 { place.ids() } else { BTreeSet::new() };
        let ended = killed_at((place.command)(&arguments), moment, place.watch);
        cut_off += u64::from(!ended);
        let after = place.ids();
        assert!(after.is_superset(&kept), "{what}: the kept snapshot is lost");
        assert!(after.is_superset(&before), "{what}: a snapshot is lost");
        // The next run. A removal that was complete has nothing left to remove.
        let started = Instant::now();
        let output = (place.command)(&arguments).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let nothing_left = which == 1 && stderr.contains("there is no snapshot");
        assert!(output.status.success() || nothing_left, "{what}: {stderr}");
        whole[which] = started.elapsed();
        if round % 10 == 9 {
            place.ok(&["verify", "--read-data"]);
        }
        round += 1;
    }
    place.ok(&["capture", "after", "--policy", "p.toml", "--source", "sqlite:small.sqlite"]);
    place.ok(&["verify", "--read-data"]);
    for (name, source) in [("after", "small.sqlite"), ("kept", "kept.sqlite")] {
        place.ok(&["restore", name, "--target", &format!("sqlite:restored-{name}.sqlite")]);
        let rows = |path: &str| -> Vec<Vec<String>> {
            let text = dump(&scratch.path(path));
            let lines = text.lines().filter(|line| line.starts_with("t: "));
            lines.map(|line| line.split('|').take(2).map(str::to_owned).collect()).collect()
        };
        assert_eq!(rows(&format!("restored-{name}.sqlite")), rows(source), "{name}");
    }
    round
}

#[test]
fn p05_a_killed_capture_loses_nothing() {
    let scratch = Scratch::with_store();
    let folder = scratch.path("snapshots");
    let command = |arguments: &[&str]| scratch.command(arguments);
    let rounds = survives(&Place { scratch: &scratch, command: &command, watch: &|| files(&folder) }, 300);
    println!("300 kills in {rounds} rounds");
}

#[test]
fn kills_of_commands_on_a_bucket_lose_nothing() {
    let server = Server::in_memory(Conditions::Kept);
    let remote = Remote::new(server.store("kills"));
    assert!(remote.command(&["keys", "init"]).output().unwrap().status.success());
    let command = |arguments: &[&str]| remote.command(arguments);
    let watch = || server.memory.objects().into_keys().map(PathBuf::from).collect();
    let rounds = survives(&Place { scratch: &remote.scratch, command: &command, watch: &watch }, 50);
    println!("50 kills in {rounds} rounds");
}
