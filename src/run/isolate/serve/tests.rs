//! The server over its socket and its port, held against its description, with a supply that only counts.

#![cfg(unix)]

use super::*;
use crate::policy::json_schema::tests::holds;
use crate::run::isolate::client::{self, Client};
use crate::run::isolate::pool::testing::Fake;
use crate::run::isolate::pool::{Ending, Limits};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Instant;

/// A server that runs, and everything that was said to it.
struct Running {
    fake: Fake,
    pool: Pool,
    stop: Stop,
    thread: Option<JoinHandle<Result<()>>>,
    folder: tempfile::TempDir,
    address: String,
    token: Option<String>,
    /// Operation and status of each answer.
    spoken: Mutex<BTreeSet<(String, String)>>,
}

impl Running {
    fn new(place: impl FnOnce(PathBuf) -> Place, snapshot: Option<&str>) -> Self {
        let fake = Fake::default();
        let limits = Limits { clones: 2, templates: 2, makers: 2 };
        let pool = Pool::new(Arc::new(fake.clone()), limits, Arc::new(crate::event::Silent));
        let folder = tempfile::tempdir().unwrap();
        let bound = place(folder.path().join("own/pool")).bind().unwrap();
        let (address, token) = (bound.address.clone(), bound.token().map(|token| token.expose().to_owned()));
        let stop = Stop::default();
        let thread = {
            let (pool, stop, snapshot) = (pool.clone(), stop.clone(), snapshot.map(str::to_owned));
            std::thread::spawn(move || serve(bound, &pool, snapshot, &stop))
        };
        Self { fake, pool, stop, thread: Some(thread), folder, address, token, spoken: Mutex::default() }
    }

    fn on_socket() -> Self {
        Self::new(Place::Socket, Some("demo"))
    }

    fn on_port() -> Self {
        Self::new(|_| Place::Loopback("127.0.0.1:0".parse().unwrap()), None)
    }

    fn client(&self) -> Client {
        let token = self.token.clone().map(crate::secret::SecretText::new);
        Client::connect(&client::Place { socket: self.address.clone(), token }).unwrap()
    }

    /// A connection as anybody could open one.
    fn open(&self) -> Wire {
        match self.address.strip_prefix("http://") {
            Some(address) => Wire::Port(TcpStream::connect(address).unwrap()),
            None => Wire::Socket(UnixStream::connect(&self.address).unwrap()),
        }
    }

    fn head(&self) -> String {
        let host = self.address.strip_prefix("http://").unwrap_or("localhost");
        let token = self.token.as_ref();
        let token = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        format!("Host: {host}\r\n{token}")
    }

    /// Asks on a connection of its own; the answer is held against the description.
    fn ask(&self, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let mut wire = self.open();
        self.ask_on(&mut wire, method, path, body)
    }

    fn ask_on(&self, wire: &mut Wire, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        self.ask_with(wire, &self.head(), method, path, body)
    }

    fn ask_with(&self, wire: &mut Wire, head: &str, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let body = body.unwrap_or_default();
        wire.send(&format!("{method} {path} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len()));
        let (status, body) = wire.answer();
        self.check(method, path, status, &body);
        (status, body)
    }

    /// Every answer is one that the description has.
    fn check(&self, method: &str, path: &str, status: u16, body: &Value) {
        let document = description();
        let Some((name, operation)) = operation(&document, method, path) else {
            assert!(status == 404 || status == 405 || status == 401 || status == 403, "{method} {path}: {status}");
            assert!(obeys(&document, "Error", body), "{method} {path}: {body}");
            return;
        };
        let described = &operation["responses"][status.to_string()];
        assert!(described.is_object(), "{method} {path} answers {status}, which is not described: {body}");
        let schema = &described["content"]["application/json"]["schema"];
        assert!(schema.is_null() == body.is_null(), "{method} {path} {status}: {body}");
        assert!(schema.is_null() || holds(&document, schema, body), "{method} {path} {status}: {body}");
        self.spoken.lock().unwrap().insert((name, status.to_string()));
    }

    fn end(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
        assert!(self.pool.close(Ending::Remove).is_empty());
    }

    fn until(&self, is_so: impl Fn(&crate::run::isolate::pool::Status) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !is_so(&self.pool.status()) {
            assert!(Instant::now() < end, "it never came to be: {:?}", self.pool);
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
            assert_eq!(self.fake.book(|book| book.clones.len()), 0);
        }
    }
}

enum Wire {
    Socket(UnixStream),
    Port(TcpStream),
}

impl Wire {
    fn send(&mut self, text: &str) {
        match self {
            Self::Socket(stream) => stream.write_all(text.as_bytes()).unwrap(),
            Self::Port(stream) => stream.write_all(text.as_bytes()).unwrap(),
        }
    }

    /// One byte; none at the end.
    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        let read = match self {
            Self::Socket(stream) => stream.read(&mut byte),
            Self::Port(stream) => stream.read(&mut byte),
        };
        (read.unwrap_or(0) == 1).then_some(byte[0])
    }

    fn answer(&mut self) -> (u16, Value) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(self.byte().unwrap_or_else(|| panic!("the answer ended: {head}"))));
        }
        let head = head.to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |it| it.parse().unwrap());
        let body: Vec<u8> = (0..length).map(|_| self.byte().unwrap()).collect();
        assert!(head.contains("cache-control: no-store"), "{head}");
        assert!(!head.contains("access-control"), "{head}");
        (head[9..12].parse().unwrap(), serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

fn description() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

fn obeys(document: &Value, schema: &str, body: &Value) -> bool {
    holds(document, &document["components"]["schemas"][schema], body)
}

/// The operation of a method and a path, by its id.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<(String, &'a Value)> {
    let method = method.to_ascii_lowercase();
    document["paths"].as_object().unwrap().iter().find_map(|(template, item)| {
        let fits = template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(|(a, b)| a == b || (a == "{id}" && !b.is_empty()));
        let found = item.get(&method).filter(|_| fits)?;
        Some((found["operationId"].as_str().unwrap().to_owned(), found))
    })
}

#[test]
fn every_operation_of_the_description_is_answered_as_it_says() {
    let running = Running::on_socket();
    let (status, document) = running.ask("GET", "/v1/openapi.json", None);
    assert_eq!((status, &document), (200, &description()));
    let (status, lease) = running.ask("POST", "/v1/leases", None);
    assert_eq!(status, 201);
    assert!(lease["url"].as_str().unwrap().starts_with("postgres://terp_w_") && lease["hold"] == "heartbeat");
    let id = lease["id"].as_str().unwrap();
    let of = |verb: &str| format!("/v1/leases/{id}{verb}");
    running.fake.book(|book| book.dirty.insert(1));
    let (status, reset) = running.ask("POST", &of("/reset"), Some(r#"{"verify": true}"#));
    assert_eq!((status, reset["rung"].as_str(), &reset["verified"]), (200, Some("journal"), &json!(true)));
    assert_eq!(running.ask("POST", &of("/reset"), None).1["verified"], Value::Null);
    assert_eq!(running.ask("GET", &of(""), None).1["epoch"], 2);
    assert_eq!(running.ask("POST", &of("/renew"), None).0, 200);
    let (status, seen) = running.ask("GET", "/v1/status", None);
    assert_eq!((status, &seen["leases"][0]["id"]), (200, &lease["id"]));
    assert!(!seen.to_string().contains("secret"), "{seen}");
    // Put back by somebody else meanwhile.
    running.fake.book(|book| book.held.insert("reset 1".to_owned()));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| running.ask("POST", &of("/reset"), None).0);
        running.until(|status| status.leases.iter().any(|(lease, _)| lease.is_busy));
        assert_eq!(running.ask("POST", &of("/reset"), None).0, 409);
        assert_eq!(running.ask("GET", &of(""), None).1["busy"], true);
        running.fake.book(|book| book.held.clear());
        assert_eq!(first.join().unwrap(), 200);
    });
    running.fake.book(|book| book.failing.insert("reset 1".to_owned()));
    assert_eq!(running.ask("POST", &of("/reset"), None).0, 502);
    assert_eq!(running.ask("DELETE", &of(""), None), (204, Value::Null));
    for (method, verb) in [("DELETE", ""), ("GET", ""), ("POST", "/renew"), ("POST", "/reset")] {
        assert_eq!(running.ask(method, &of(verb), None).0, 404, "{method} {verb}");
    }
    let request = r#"{"snapshot": "other", "mode": "fresh", "hold": "connection", "wait_ms": 20000}"#;
    let (status, lease) = running.ask("POST", "/v1/leases", Some(request));
    assert_eq!((status, &lease["mode"], &lease["hold"]), (201, &json!("fresh"), &json!("connection")));
    running.fake.book(|book| book.failing.insert("build broken".to_owned()));
    let (status, error) = running.ask("POST", "/v1/leases", Some(r#"{"snapshot": "broken", "wait_ms": 20000}"#));
    assert_eq!((status, &error["error"]["kind"]), (502, &json!("unreachable")));
    let spoken = running.spoken.lock().unwrap();
    let document = description();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values().filter(|operation| operation.is_object()) {
            let name = operation["operationId"].as_str().unwrap();
            let well = spoken.iter().any(|(said, status)| said == name && status.starts_with('2'));
            assert!(well, "the test does not exercise {name}");
        }
    }
}

#[test]
fn what_is_no_request_of_the_description_is_refused_and_said_how() {
    let running = Running::on_socket();
    let document = description();
    let lease = |body: &str| running.ask("POST", "/v1/leases", Some(body));
    for body in [
        "nonsense",
        "[]",
        "{",
        r#"{"snapshot": 1}"#,
        r#"{"snapshots": "a"}"#,
        r#"{"mode": "other"}"#,
        r#"{"wait_ms": -1}"#,
        r#"{"wait_ms": 3600001}"#,
        r#"{"ttl_ms": 99}"#,
        r#"{"ttl_ms": 1.5}"#,
        r#"{"hold": "hand"}"#,
    ] {
        let (status, answer) = lease(body);
        assert_eq!((status, &answer["error"]["kind"], &answer["error"]["code"]), (400, &json!("usage"), &json!(1)));
        // The description refuses the same.
        let is_described = serde_json::from_str(body).is_ok_and(|body| obeys(&document, "LeaseRequest", &body));
        assert!(!is_described, "{body}");
    }
    assert_eq!(lease(r#"{"hold": "connection", "ttl_ms": 1000}"#).0, 400);
    assert_eq!(lease(&format!("{{\"snapshot\": \"{}\"}}", "a".repeat(70_000))).0, 413);
    assert_eq!(running.ask("POST", &format!("/v1/leases/{}/reset", "0".repeat(24)), Some("{\"verify\": 1}")).0, 400);
    for path in [
        "/",
        "/v1",
        "/v1/leases/",
        "/v1/leases/a/b",
        "/v1/leases/a/reset/",
        "/v2/status",
        "/v1/status/",
        "/%76%31/status",
    ] {
        assert_eq!(running.ask("GET", path, None).0, 404, "{path}");
    }
    for (method, path) in
        [("PUT", "/v1/leases"), ("GET", "/v1/leases"), ("POST", "/v1/status"), ("OPTIONS", "/v1/leases")]
    {
        assert_eq!(running.ask(method, path, None).0, 405, "{method} {path}");
    }
    // Not HTTP at all, or more of it than anybody needs: the connection ends, the server does not.
    for noise in ["\0\0\0\0\r\n\r\n".to_owned(), format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000))] {
        let mut wire = running.open();
        if let Wire::Socket(stream) = &mut wire {
            // The other side may have closed before it read everything.
            stream.write_all(noise.as_bytes()).unwrap_or_default();
        }
        while wire.byte().is_some() {}
    }
    assert_eq!(running.ask("GET", "/v1/status", None).0, 200);
}

#[test]
fn whoever_waits_too_long_is_told_and_whoever_goes_gives_up_its_place() {
    let running = Running::on_socket();
    let mut wire = running.open();
    let hold = r#"{"hold": "connection"}"#;
    for _ in 0..2 {
        assert_eq!(running.ask_on(&mut wire, "POST", "/v1/leases", Some(hold)).0, 201);
    }
    let (status, error) = running.ask("POST", "/v1/leases", Some(r#"{"wait_ms": 0}"#));
    assert_eq!((status, &error["error"]["kind"], &error["error"]["code"]), (503, &json!("locked"), &json!(2)));
    let mut waiting = running.open();
    waiting.send("POST /v1/leases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    running.until(|status| status.waiting.len() == 1);
    drop(waiting);
    running.until(|status| status.waiting.is_empty());
    // What the connection held goes with it.
    drop(wire);
    running.until(|status| status.leases.is_empty() && status.templates[0].idle == 2);
}

#[test]
fn a_connection_that_waits_when_the_server_ends_is_told() {
    let mut running = Running::on_socket();
    let mut holder = running.client();
    for _ in 0..2 {
        holder.lease(None, false, Duration::from_secs(20)).unwrap();
    }
    let mut waiting = running.client();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || waiting.lease(Some("demo"), false, Duration::from_secs(20)));
        running.until(|status| status.waiting.len() == 1);
        running.stop.stop();
        assert_eq!(waiting.join().unwrap().unwrap_err().kind().exit_code(), 130);
    });
    running.end();
    assert!(!PathBuf::from(&running.address).exists());
}

#[test]
fn the_socket_is_closed_to_others_and_only_a_dead_one_is_replaced() {
    let mut running = Running::on_socket();
    let path = PathBuf::from(&running.address);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let error = Place::Socket(path.clone()).bind().unwrap_err();
    assert_eq!((error.kind().exit_code(), error.hint_text().is_some()), (2, true));
    assert_eq!(running.ask("GET", "/v1/status", None).0, 200);
    running.end();
    let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    // A server that was killed leaves its socket.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(Place::Socket(path.clone()).bind().unwrap());
    // Whatever else is there stays.
    std::fs::write(&path, "mine").unwrap();
    assert_eq!(Place::Socket(path.clone()).bind().unwrap_err().kind().exit_code(), 1);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    let long = running.folder.path().join("x".repeat(120));
    assert!(Place::Socket(long).bind().unwrap_err().what().contains("too long"));
}

#[test]
fn a_port_wants_the_token_and_hears_no_web_page() {
    let running = Running::on_port();
    let ask = |head: &str| running.ask_with(&mut running.open(), head, "GET", "/v1/status", None).0;
    let (host, token) = (running.address.strip_prefix("http://").unwrap(), running.token.as_deref().unwrap());
    let port = host.rsplit(':').next().unwrap();
    assert_eq!(token.len(), 64);
    let right = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(ask(&format!("Host: {host}\r\n{right}")), 200);
    assert_eq!(ask(&format!("Host: LocalHost:{port}\r\n{right}")), 200);
    for wrong in [
        "",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer x\r\n",
        &right.replace("Bearer", "Basic"),
        &right.replace("\r\n", "0\r\n"),
    ] {
        assert_eq!(ask(&format!("Host: {host}\r\n{wrong}")), 401, "{wrong}");
    }
    for wrong in ["evil.example", "127.0.0.1", &format!("evil.example:{port}"), "127.0.0.1:1"] {
        assert_eq!(ask(&format!("Host: {wrong}\r\n{right}")), 403, "{wrong}");
    }
    assert_eq!(ask(&format!("Host: {host}\r\n{right}Origin: http://evil.example\r\n")), 403);
    assert!(Place::Loopback("0.0.0.0:0".parse().unwrap()).bind().unwrap_err().what().contains("other machines"));
    let mut client = running.client();
    let error = client.lease(None, false, Duration::ZERO).unwrap_err();
    assert!(error.what().starts_with("no snapshot is named"), "{error}");
    client.lease(Some("a"), true, Duration::from_secs(20)).unwrap();
}

#[test]
fn the_client_leases_resets_finds_and_gives_back() {
    let running = Running::on_socket();
    let mut client = running.client();
    let lease = client.lease(None, false, Duration::from_secs(20)).unwrap();
    assert!(!format!("{lease:?}").contains("secret"), "{lease:?}");
    running.fake.book(|book| book.dirty.insert(1));
    let done = client.reset(&lease.id, true).unwrap();
    assert_eq!((done.rung.as_str(), done.rows, done.tables.len(), done.verified), ("journal", 1, 1, Some(true)));
    assert_eq!(running.client().find(&lease.url).unwrap().unwrap().id, lease.id);
    let other = crate::secret::Address::new("postgres://localhost/terp_w_0123456789ab_99");
    assert!(client.find(&other).unwrap().is_none());
    client.give_back(&lease.id).unwrap();
    let error = client.reset(&lease.id, false).unwrap_err();
    assert_eq!((error.kind().exit_code(), error.what()), (1, "there is no such lease, or it has ended"));
    assert!(client.look("..").is_err());
    let lease = client.lease(None, false, Duration::from_secs(20)).unwrap();
    assert!(running.pool.renew(&lease.id).is_ok());
    drop(client);
    running.until(|status| status.leases.is_empty());
    let nowhere = client::Place { socket: "/nowhere/pool".to_owned(), token: None };
    assert_eq!(Client::connect(&nowhere).unwrap_err().kind().exit_code(), 9);
}
