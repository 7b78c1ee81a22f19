//! SIGKILL of `exec`, of its command and of a pool at any moment: the next run works on a pristine database, and nothing stays.

use crate::exec::{Place, line_of, signal};
use crate::kill::duration;
use crate::pool::Served;
use crate::support::{Random, number};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a command does until it is killed: write all the time, in a transaction or not.
const WRITES: &str = "echo $$ > process
    while :; do
        sqlite3 \"$DATABASE_PATH\" 'PRAGMA foreign_keys = 0; DELETE FROM clients WHERE id % 2 = 0; CREATE TABLE IF NOT EXISTS mine (x);
            BEGIN; UPDATE clients SET id = id + 100000; DROP TABLE order_lines; ROLLBACK; INSERT INTO mine VALUES (1)' || exit 3
    done";

fn begun(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The next run has what the snapshot has.
fn works(place: &Place, clients: i64, told: &str) {
    let script = "sqlite3 \"$DATABASE_PATH\" \"SELECT count(*) FROM clients; SELECT count(*) FROM sqlite_master WHERE name = 'mine'\"";
    let output = place.run(&["exec", "sample", "--verify", "--", "sh", "-c", script]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), text), (Some(0), format!("{clients}\n0\n")), "{told}: {error}");
}

/// Nothing is left but the registry.
fn nothing_stays(place: &Place, told: &str) {
    assert!(place.run(&["doctor", "--clean", "--all"]).status.success(), "{told}");
    let left = std::fs::read_dir(place.host()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| !name.starts_with("registry")).collect();
    assert!(left.is_empty(), "{told}: {left:?}");
}

#[test]
fn exec_and_its_command_can_be_killed_at_any_moment() {
    let (place, mut random) = (Place::new(), Random(11));
    let clients = number(&place.scratch.path("erp.sqlite"), "SELECT count(*) FROM clients");
    // The first run makes the template too.
    let whole = duration(place.command(&["exec", "sample", "--", "true"]));
    nothing_stays(&place, "at first");
    for round in 0..12 {
        let delay = whole.mul_f64(random.below(150) as f64 / 100.0);
        let told = format!("round {round}, {delay:?}");
        let (process, start) = (place.scratch.path("process"), Instant::now());
        std::fs::remove_file(&process).unwrap_or_default();
        let mut child = begun(place.command(&["exec", "sample", "--", "sh", "-c", WRITES]));
        if round % 3 == 2 {
            // The command only: `exec` takes its database away itself, and says what became of it.
            let killed: u32 = line_of(&process).parse().unwrap();
            std::thread::park_timeout(delay / 4);
            signal(killed, "KILL");
            assert_eq!(child.wait().unwrap().code(), Some(137), "{told}");
        } else {
            while start.elapsed() < delay && child.try_wait().unwrap().is_none() {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        works(&place, clients, &told);
        if round % 2 == 1 {
            nothing_stays(&place, &told);
        }
    }
    nothing_stays(&place, "at last");
    assert!(place.clones().is_empty());
}

#[test]
fn a_pool_can_be_killed_at_any_moment() {
    let (place, mut random) = (Place::new(), Random(12));
    let clients = number(&place.scratch.path("erp.sqlite"), "SELECT count(*) FROM clients");
    for round in 0..6 {
        let told = format!("round {round}");
        let mut served = Served::new(&place, &["--clones", "3"]);
        let delay = Duration::from_millis(random.below(250));
        // Suites at work until their pool is gone.
        let suites: Vec<_> = (0..2)
            .map(|_| {
                let mut client = served.client();
                std::thread::spawn(move || {
                    while let Ok(lease) = client.lease(None, false, Duration::from_secs(5)) {
                        let Some(path) = &lease.path else { continue };
                        let mut command = Command::new("sqlite3");
                        command.arg(path).arg("DELETE FROM clients WHERE id % 2 = 0; CREATE TABLE mine (x)");
                        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
                        if client.reset(&lease.id, false).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        std::thread::park_timeout(delay);
        served.child.kill().unwrap();
        served.child.wait().unwrap();
        for suite in suites {
            suite.join().unwrap();
        }
        works(&place, clients, &told);
        if round % 2 == 1 {
            nothing_stays(&place, &told);
        }
    }
    // A pool that is let alone works too, behind all that.
    let served = Served::new(&place, &["--clones", "1", "--remove"]);
    let lease = served.client().lease(None, false, Duration::from_secs(20)).unwrap();
    assert_eq!(number(std::path::Path::new(lease.path.as_ref().unwrap()), "SELECT count(*) FROM clients"), clients);
    served.end();
    nothing_stays(&place, "at last");
}
