//! A proxy before a server that does harm to one request, or to all.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// The connection is cut before the server sees it.
    Cut,
    /// The server does it, and the answer is lost.
    LoseAnswer,
    /// The server does it, and only the answer's first half comes.
    HalveAnswer,
    /// Nothing comes, for as long as the client waits.
    Silence,
    /// The server does it, and then nothing comes.
    DoneThenSilence,
    /// Another answer comes in the server's place: a status and the code of an error.
    Say(u16, &'static str),
    /// The server does it, and another answer comes.
    DoneThenSay(u16, &'static str),
}

/// A proxy that ends with the process.
pub struct Proxy {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    seen: Arc<AtomicUsize>,
}

impl Proxy {
    /// A proxy before `server` that does `harm` to the request number `at`, counted from zero; or to every one.
    pub fn new(server: &str, harm: Harm, at: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(AtomicUsize::new(0));
        let (counter, server) = (Arc::clone(&seen), server.trim_start_matches("http://").to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, counter, server) = (client.unwrap(), Arc::clone(&counter), server.clone());
                std::thread::spawn(move || {
                    let mut client = client;
                    let Some(request) = read(&mut client) else { return };
                    let number = counter.fetch_add(1, Ordering::SeqCst);
                    pass(client, &server, &request, at.is_none_or(|at| at == number).then_some(harm));
                });
            }
        });
        Self { endpoint, seen }
    }

    /// How many requests came.
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

/// A whole request; one per connection, so that each can be harmed alone.
fn read(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let mut expected = None;
    while expected.is_none_or(|length| bytes.len() < length) {
        let count = client.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        if expected.is_none() {
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            expected = Some(end + 4 + length.map_or(0, |length| length.trim().parse::<usize>().unwrap()));
            if head.contains("expect: 100-continue") {
                client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
            }
        }
    }
    Some(bytes)
}

fn pass(mut client: TcpStream, server: &str, request: &[u8], harm: Option<Harm>) {
    // A client that hung up meanwhile is none of a proxy's business.
    let mut say =
        |bytes: &[u8]| client.write_all(bytes).and_then(|()| client.shutdown(Shutdown::Write)).unwrap_or_default();
    match harm {
        None => say(&forward(server, request)),
        Some(Harm::Cut) => {}
        Some(Harm::LoseAnswer) => drop(forward(server, request)),
        Some(Harm::HalveAnswer) => {
            let answer = forward(server, request);
            say(&answer[..answer.len() / 2]);
        }
        Some(Harm::Silence) => wait(client),
        Some(Harm::DoneThenSilence) => {
            drop(forward(server, request));
            wait(client);
        }
        Some(Harm::Say(status, code)) => say(&answer(status, code)),
        Some(Harm::DoneThenSay(status, code)) => {
            drop(forward(server, request));
            say(&answer(status, code));
        }
    }
}

/// Until the client gives up.
fn wait(mut client: TcpStream) {
    drop(client.read(&mut [0]));
}

fn answer(status: u16, code: &str) -> Vec<u8> {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>hunter2</Message></Error>");
    let head = format!("HTTP/1.1 {status} Said\r\ncontent-type: application/xml\r\nx-amz-request-id: REQ7\r\n");
    format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

/// The server's answer, with the connection closed behind it.
fn forward(server: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    let end = request.windows(2).position(|two| two == b"\r\n").unwrap();
    stream.write_all(&request[..end]).unwrap();
    stream.write_all(b"\r\nconnection: close").unwrap();
    stream.write_all(&request[end..]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(2).position(|two| two == b"\r\n").unwrap();
    let close: &[u8] = if answer.windows(17).any(|part| part.eq_ignore_ascii_case(b"connection: close")) {
        b""
    } else {
        b"\r\nconnection: close"
    };
    [&answer[..end], close, &answer[end..]].concat()
}
