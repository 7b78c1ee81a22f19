//! Talking to a pool that runs in another process: over its socket or its port, one request after the other, without waiting
//! for anything else meanwhile.

use super::Report;
use super::pool::{Ask, SnapshotName};
use crate::engine::isolate::Rung;
use crate::error::{Error, Kind, Result};
use crate::model::schema::TableName;
use crate::secret::{Address, SecretText};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Where a pool listens.
#[derive(Debug, Clone)]
pub struct Place {
    /// The path of a socket, or `http://127.0.0.1:PORT`.
    pub socket: String,
    /// What a port wants to be shown.
    pub token: Option<SecretText>,
}

/// A lease of that pool.
#[derive(Debug, Clone, Deserialize)]
pub struct Lease {
    /// Its id.
    pub id: String,
    /// The snapshot whose clone it is.
    #[serde(deserialize_with = "snapshot")]
    pub snapshot: SnapshotName,
    /// The clone's name on the host.
    pub database: String,
    /// The clone's address.
    #[serde(deserialize_with = "address")]
    pub url: Address,
    /// The clone's file, where it is one.
    pub path: Option<String>,
    /// Why the address reaches more than this one database.
    pub unlimited: Option<String>,
    /// How often it was put back since the lease began.
    pub epoch: u64,
}

fn snapshot<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<SnapshotName, D::Error> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
        id: String,
    }
    Named::deserialize(from).map(|Named { name, id }| SnapshotName { name, id })
}

fn address<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Address, D::Error> {
    String::deserialize(from).map(Address::new)
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Reset {
    /// How often the clone was put back since the lease began.
    pub epoch: u64,
    /// The last rung that was needed, by its word.
    pub rung: String,
    /// Rows taken out, put in or put back.
    pub rows: u64,
    /// The tables they are in.
    pub tables: Vec<String>,
    /// Counters that were put back.
    pub counters: u64,
    /// How long it took.
    pub micros: u64,
    /// Whether every table is as the manifest says; none where that was not asked.
    pub verified: Option<bool>,
    /// What should be known.
    pub notes: Vec<String>,
}

impl Reset {
    /// The same, as a reset on the host itself tells it.
    ///
    /// # Errors
    /// Kind `Unreachable` for a rung that this version does not know.
    pub fn report(self) -> Result<Report> {
        let rungs = [Rung::Clean, Rung::Journal, Rung::Difference, Rung::Reload, Rung::Clone];
        let rung = rungs.into_iter().find(|rung| rung.word() == self.rung).ok_or_else(strange)?;
        Ok(Report {
            rung,
            rows: self.rows,
            tables: self.tables.iter().map(TableName::plain).collect(),
            counters: self.counters,
            millis: self.micros / 1000,
            micros: self.micros,
            notes: self.notes,
            verified: self.verified,
        })
    }
}

/// A connection to a pool. Leases that were taken with `hold: connection` end when this is dropped.
pub struct Client {
    stream: BufReader<Stream>,
    /// The head's lines that are the same in every request.
    head: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

enum Stream {
    #[cfg(unix)]
    Socket(std::os::unix::net::UnixStream),
    Port(TcpStream),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.read(buffer),
            Self::Port(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.write(bytes),
            Self::Port(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.flush(),
            Self::Port(stream) => stream.flush(),
        }
    }
}

/// The most bytes of an answer's line, and of its body.
const LINE: u64 = 16 * 1024;
const BODY: usize = 16 * 1024 * 1024;

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Kind `Usage` for a place that no pool could have; `Unreachable` when none answers.
    pub fn connect(place: &Place) -> Result<Self> {
        let gone = |error: std::io::Error| {
            Error::unreachable(format!("no pool answers at {}", place.socket))
                .caused_by(error)
                .hint("Start one with 'terp-fixtures pool serve SNAPSHOT', or unset TERP_FIXTURES_SOCKET.")
        };
        let (stream, host) = match place.socket.strip_prefix("http://") {
            Some(host) => {
                let stream = TcpStream::connect(host).map_err(gone)?;
                stream.set_nodelay(true).map_err(gone)?;
                (Stream::Port(stream), host.to_owned())
            }
            #[cfg(unix)]
            None => {
                let stream = std::os::unix::net::UnixStream::connect(&place.socket).map_err(gone)?;
                (Stream::Socket(stream), "localhost".to_owned())
            }
            #[cfg(not(unix))]
            None => {
                return Err(Error::usage(format!("{} is no address of a pool", place.socket))
                    .hint("Write it as http://127.0.0.1:PORT."));
            }
        };
        let mut head = format!("Host: {host}\r\nContent-Type: application/json\r\n");
        if let Some(token) = &place.token {
            let token = token.expose().trim();
            if token.contains(|c: char| c.is_control()) {
                return Err(Error::usage("the token of the pool is not one line of text"));
            }
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        Ok(Self { stream: BufReader::new(stream), head })
    }

    /// Takes a lease that lives as long as this connection. Without a snapshot it is the one that the pool serves.
    ///
    /// # Errors
    /// As the pool says; `Unreachable` when it is gone.
    pub fn lease(&mut self, snapshot: Option<&str>, is_fresh: bool, wait: Duration) -> Result<Lease> {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let mode = if is_fresh { "fresh" } else { "reset" };
        let mut body = json!({ "hold": "connection", "mode": mode, "wait_ms": wait });
        if let Some(snapshot) = snapshot {
            body["snapshot"] = json!(snapshot);
        }
        self.ask("POST", "/v1/leases", Some(&body)).and_then(read)
    }

    /// A lease as it is now.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such lease; `Unreachable` when the pool is gone.
    pub fn look(&mut self, id: &str) -> Result<Lease> {
        self.ask("GET", &format!("/v1/leases/{}", segment(id)?), None).and_then(read)
    }

    /// Puts the clone of a lease back.
    ///
    /// # Errors
    /// As the pool says; `Unreachable` when it is gone.
    pub fn reset(&mut self, id: &str, verify: bool) -> Result<Reset> {
        self.put_back(id, Ask { verify, ..Ask::default() })
    }

    /// Puts the clone of a lease back, as it is asked for.
    ///
    /// # Errors
    /// As [`reset`](Self::reset).
    pub fn put_back(&mut self, id: &str, ask: Ask) -> Result<Reset> {
        let body = json!({ "verify": ask.verify, "exact_ids": ask.exact_ids });
        self.ask("POST", &format!("/v1/leases/{}/reset", segment(id)?), Some(&body)).and_then(read)
    }

    /// Ends a lease.
    ///
    /// # Errors
    /// Kind `Usage` when there is no such lease; `Unreachable` when the pool is gone.
    pub fn give_back(&mut self, id: &str) -> Result<()> {
        self.ask("DELETE", &format!("/v1/leases/{}", segment(id)?), None).map(drop)
    }

    /// The lease whose clone an address leads to; none where the pool knows of no such one.
    ///
    /// # Errors
    /// Kind `Unreachable` when the pool is gone.
    pub fn find(&mut self, address: &Address) -> Result<Option<Lease>> {
        #[derive(Deserialize)]
        struct Known {
            leases: Vec<Few>,
        }
        #[derive(Deserialize)]
        struct Few {
            id: String,
            database: String,
        }
        let known: Known = self.ask("GET", "/v1/status", None).and_then(read)?;
        let wanted = database_in(address);
        for few in known.leases.iter().filter(|few| few.database == wanted) {
            // It may have ended meanwhile.
            match self.look(&few.id) {
                Ok(lease) => return Ok(Some(lease)),
                Err(error) if error.kind() == Kind::Usage => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Asks, and returns the body of the answer; null where it has none.
    fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let gone = |error: std::io::Error| Error::unreachable("the pool does not answer any longer").caused_by(error);
        let body = body.map(ToString::to_string).unwrap_or_default();
        let head = format!("{method} {path} HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n", self.head, body.len());
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).map_err(gone)?;
        stream.flush().map_err(gone)?;
        let status = self.line()?;
        let status: Option<u16> = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut length = 0;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok().filter(|length| *length <= BODY).ok_or_else(strange)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).map_err(gone)?;
        let body: Value =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).map_err(|_| strange())? };
        if status.is_some_and(|status| (200..300).contains(&status)) { Ok(body) } else { Err(refused(&body)) }
    }

    /// A line of the answer's head, without its end.
    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        let read = self.stream.by_ref().take(LINE).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Error::unreachable("the pool does not answer any longer").caused_by(error))?;
        if read == 0 {
            return Err(Error::unreachable("the pool ended in the middle of an answer"));
        }
        let text = line.strip_suffix(b"\r\n").ok_or_else(strange)?;
        String::from_utf8(text.to_vec()).map_err(|_| strange())
    }
}

/// The name of the database at the end of an address: what stands behind the last `/`, and for a file without its ending.
fn database_in(address: &Address) -> String {
    let text = address.expose();
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let name = text.rsplit(['/', '\\', ':']).next().unwrap_or_default();
    name.strip_suffix(".sqlite").unwrap_or(name).to_owned()
}

/// An id as part of a path. Every id that a pool gives is letters and digits.
fn segment(id: &str) -> Result<&str> {
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { Ok(id) } else { Err(Error::usage("this is not the id of a lease")) }
}

fn read<T: serde::de::DeserializeOwned>(body: Value) -> Result<T> {
    serde_json::from_value(body).map_err(|_| strange())
}

fn strange() -> Error {
    Error::unreachable("what answers there is no pool of this program, or one of another version")
        .hint("Look at TERP_FIXTURES_SOCKET; start the pool and this command from the same version.")
}

/// What the pool says of why not.
fn refused(body: &Value) -> Error {
    let text = |field: &str| body["error"][field].as_str();
    let kind = Kind::ALL.into_iter().find(|kind| Some(kind.word()) == text("kind"));
    let (Some(kind), Some(message)) = (kind, text("message")) else { return strange() };
    let error = Error::new(kind, message);
    match text("hint") {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_the_last_word_of_an_address() {
        for (address, database) in [
            ("postgres://u:p%2Fw@h:1/terp_w_0a_1?sslmode=disable", "terp_w_0a_1"),
            ("mysql://u:p@h/terp_w_0a_12", "terp_w_0a_12"),
            ("sqlite:/tmp/a b/terp_w_0a_1.sqlite", "terp_w_0a_1"),
            ("sqlite:terp_w_0a_1.sqlite", "terp_w_0a_1"),
            ("sqlite:C:\\x\\terp_w_0a_1.sqlite", "terp_w_0a_1"),
            ("", ""),
        ] {
            assert_eq!(database_in(&Address::new(address)), database, "{address}");
        }
    }

    #[test]
    fn an_id_cannot_lead_elsewhere() {
        assert!(segment("0a1b").is_ok());
        for id in ["", "../x", "a/b", "a b", "a\r\nX: y", "ä"] {
            assert!(segment(id).is_err(), "{id:?}");
        }
    }
}
