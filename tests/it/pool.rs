//! `pool serve` as a user has it: what it says, who gets what, and what is left when it ends or is killed.

use crate::exec::{Place, ended, signal};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use terp_fixtures::run::isolate::client::{self, Client};
use terp_fixtures::secret::SecretText;

/// A pool that runs.
pub struct Served {
    pub child: Child,
    socket: String,
    token: Option<PathBuf>,
}

impl Served {
    pub fn new(place: &Place, options: &[&str]) -> Self {
        let arguments = [&["pool", "serve", "sample", "--json"], options].concat();
        let mut child = place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Stdout ends by itself although the pool goes on.
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let Ok(said) = serde_json::from_str::<serde_json::Value>(&text) else {
            panic!("{text}{}", String::from_utf8_lossy(&ended(child).stderr));
        };
        assert_eq!(said["process"], child.id());
        let socket = said["socket"].as_str().unwrap().to_owned();
        Self { child, socket, token: said["token_file"].as_str().map(PathBuf::from) }
    }

    pub fn client(&self) -> Client {
        let token = self.token.as_ref().map(|path| SecretText::new(std::fs::read_to_string(path).unwrap()));
        Client::connect(&client::Place { socket: self.socket.clone(), token }).unwrap()
    }

    pub fn end(self) -> String {
        signal(self.child.id(), "TERM");
        let output = ended(self.child);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{text}");
        text
    }
}

const SOON: Duration = Duration::from_mins(1);

fn rows(path: &str) -> i64 {
    crate::support::number(Path::new(path), "SELECT count(*) FROM order_lines")
}

#[test]
fn a_pool_hands_out_puts_back_and_ends_with_everything_given_back() {
    let place = Place::new();
    let served = Served::new(&place, &["--clones", "2", "--remove"]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let socket = Path::new(&served.socket);
    assert_eq!((mode(socket), mode(socket.parent().unwrap())), (0o600, 0o700));
    let mut client = served.client();
    let lease = client.lease(None, false, SOON).unwrap();
    let path = lease.path.clone().unwrap();
    let before = rows(&path);
    crate::support::sql(Path::new(&path), "DELETE FROM order_lines");
    let done = client.reset(&lease.id, true).unwrap();
    assert_eq!((done.verified, done.epoch, rows(&path)), (Some(true), 1, before));
    assert_eq!(client.reset(&lease.id, false).unwrap().rung, "clean");
    // A second connection cannot have the same one, and what it held is free when it goes.
    let mut other = served.client();
    let second = other.lease(Some("sample"), false, SOON).unwrap();
    assert_ne!(second.path, lease.path);
    crate::support::sql(Path::new(second.path.as_ref().unwrap()), "DELETE FROM order_lines");
    assert_eq!(served.client().lease(None, false, Duration::ZERO).unwrap_err().kind().exit_code(), 2);
    drop(other);
    let third = client.lease(None, false, SOON).unwrap();
    assert_eq!((&third.path, rows(third.path.as_ref().unwrap())), (&second.path, before));
    served.end();
    assert!(place.clones().is_empty(), "{:?}", place.clones());
    assert!(place.folders().is_empty(), "{:?}", place.folders());
}

#[test]
fn exec_and_reset_within_a_pool_use_it() {
    let place = Place::new();
    let served = Served::new(&place, &["--clones", "2"]);
    let binary = assert_cmd::cargo::cargo_bin("terp-fixtures");
    let script = format!(
        "sqlite3 \"$DATABASE_PATH_2\" 'delete from order_lines'; {} reset \"$DATABASE_URL_2\" >&2 || exit 8
        sqlite3 \"$DATABASE_PATH_2\" 'select count(*) > 0 from order_lines'; echo \"$TERP_FIXTURES_SOCKET\"",
        binary.display()
    );
    let mut command = place.scratch.command(&["exec", "sample", "-n", "2", "--verify", "--", "sh", "-c", &script]);
    // Neither host nor identity is needed.
    std::fs::rename(place.scratch.path(".terp-fixtures"), place.scratch.path("hidden")).unwrap();
    let output = command.env("TERP_FIXTURES_SOCKET", &served.socket).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("1\n{}\n", served.socket), "{text}");
    std::fs::rename(place.scratch.path("hidden"), place.scratch.path(".terp-fixtures")).unwrap();
    served.end();
    // They are ready for the next pool, which has them without making any.
    assert_eq!(place.clones().iter().filter(|name| name.ends_with(".sqlite")).count(), 2);
    assert!(place.run(&["doctor", "--clean", "--all"]).status.success());
    assert!(place.clones().is_empty());
}

#[test]
fn a_killed_pool_is_followed_by_one_that_works() {
    let place = Place::new();
    let socket = place.scratch.path("own/pool.sock");
    let options = ["--clones", "2", "--socket", socket.to_str().unwrap()];
    let mut served = Served::new(&place, &options);
    let mut client = served.client();
    let lease = client.lease(None, false, SOON).unwrap();
    let before = rows(lease.path.as_ref().unwrap());
    crate::support::sql(Path::new(lease.path.as_ref().unwrap()), "DELETE FROM order_lines");
    // Two at one place are refused while the first lives.
    let output = place.run(&[&["pool", "serve", "sample"], &options[..]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    assert_eq!(client.reset(&lease.id, false).unwrap_err().kind().exit_code(), 9);
    let served = Served::new(&place, &options);
    let mut client = served.client();
    for _ in 0..2 {
        let lease = client.lease(None, false, SOON).unwrap();
        assert_eq!(rows(lease.path.as_ref().unwrap()), before);
    }
    served.end();
    assert!(place.run(&["doctor", "--clean", "--all"]).status.success());
    assert!(place.clones().is_empty(), "{:?}", place.clones());
}

#[test]
fn a_port_has_a_token_in_a_file_of_its_own() {
    let place = Place::new();
    let served = Served::new(&place, &["--listen", "127.0.0.1:0", "--clones", "1", "--remove"]);
    assert!(served.socket.starts_with("http://127.0.0.1:"));
    let token = served.token.clone().unwrap();
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let nobody = client::Place { socket: served.socket.clone(), token: None };
    let error = Client::connect(&nobody).unwrap().lease(None, false, SOON).unwrap_err();
    assert_eq!(error.kind().exit_code(), 8);
    served.client().lease(None, false, SOON).unwrap();
    let mut command = place.scratch.command(&["exec", "sample", "--", "sh", "-c", "test -s \"$DATABASE_PATH\""]);
    command.env("TERP_FIXTURES_SOCKET", &served.socket).env("TERP_FIXTURES_TOKEN_FILE", &token);
    assert!(command.status().unwrap().success());
    served.end();
    assert!(!token.exists() && place.clones().is_empty());
    let output = place.run(&["pool", "serve", "sample", "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_it_says_is_for_a_shell_and_a_missing_snapshot_ends_it() {
    let place = Place::new();
    let mut child =
        place.command(&["pool", "serve", "sample"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let socket = line.trim().strip_prefix("TERP_FIXTURES_SOCKET=").unwrap();
    let status = Command::new("curl").args(["-sS", "--unix-socket", socket, "http://localhost/v1/status"]).output();
    if let Ok(status) = status {
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!(status["limits"]["clones"], 4);
    }
    signal(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let output = place.run(&["pool", "serve", "sample", "nothing"]);
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}
