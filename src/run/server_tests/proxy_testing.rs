//! A TCP proxy before a server that cuts every connection after a number of bytes, at a message or a word, or on demand.

use super::testing::Server;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// What the client sends.
    ToServer,
    /// What the server sends.
    ToClient,
}

/// When to cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// After so many bytes this way, over all connections.
    After(Way, u64),
    /// When the client sends this word; the flag says whether the server still gets it. Nothing of the answer comes back.
    At(&'static [u8], bool),
    /// The same at the message of the client with this number, counted from 1 over all connections. A message is what comes at once.
    Message(u64, bool),
}

/// A running proxy. It ends with its drop, and cuts what is open.
pub(super) struct Proxy {
    url: String,
    address: std::net::SocketAddr,
    state: Arc<State>,
}

struct State {
    cut: Option<Cut>,
    /// Whether who comes after the cut gets through.
    heals: bool,
    is_cut: AtomicBool,
    /// Nobody gets through any more.
    is_over: AtomicBool,
    messages: AtomicU64,
    /// Nothing passes any more, and nobody is told.
    is_frozen: AtomicBool,
    /// The word was seen and passed on; the answer must not pass.
    is_mute: AtomicBool,
    passed: [AtomicU64; 2],
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A proxy before the server of `url`.
    pub(super) fn start(server: &Server, url: &str, cut: Option<Cut>) -> Self {
        Self::new(server, url, cut, false)
    }

    /// A proxy that cuts once; who connects afterwards gets through.
    pub(super) fn that_heals(server: &Server, url: &str, cut: Cut) -> Self {
        Self::new(server, url, Some(cut), true)
    }

    fn new(server: &Server, url: &str, cut: Option<Cut>, heals: bool) -> Self {
        let (before, rest) = url.split_at(url.find("://").unwrap() + 3);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (user, host) = rest[..end].rsplit_once('@').map_or(("", &rest[..end]), |(user, host)| (user, host));
        let to = if host.contains(':') { host.to_owned() } else { format!("{host}:{}", server.port) };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let at = if user.is_empty() { "" } else { "@" };
        let state = Arc::new(State {
            cut,
            heals,
            is_cut: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            messages: AtomicU64::new(0),
            is_frozen: AtomicBool::new(false),
            is_mute: AtomicBool::new(false),
            passed: Default::default(),
            open: Mutex::default(),
        });
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_over.load(Ordering::SeqCst) || shared.is_cut.load(Ordering::SeqCst) && !heals {
                    return; // With it goes the listener: who comes later is refused.
                }
                let upstream = TcpStream::connect(&to).unwrap();
                shared.connect(&client, &upstream);
            }
        });
        Self { url: format!("{before}{user}{at}{address}{}", &rest[end..]), address, state }
    }

    /// The address through the proxy.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes passed this way.
    pub(super) fn passed(&self, way: Way) -> u64 {
        self.state.passed[way as usize].load(Ordering::SeqCst)
    }

    /// How many messages the client sent.
    pub(super) fn messages(&self) -> u64 {
        self.state.messages.load(Ordering::SeqCst)
    }

    /// Whether it has cut.
    pub(super) fn is_cut(&self) -> bool {
        self.state.is_cut.load(Ordering::SeqCst)
    }

    /// Lets nothing pass any more while every connection stays open.
    pub(super) fn freeze(&self) {
        self.state.is_frozen.store(true, Ordering::SeqCst);
    }

    /// Cuts every connection and takes no more.
    pub(super) fn cut(&self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        self.state.cut_all();
        drop(TcpStream::connect(self.address)); // Wakes the thread that waits for clients.
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

impl State {
    fn connect(self: &Arc<Self>, client: &TcpStream, upstream: &TcpStream) {
        let is_healed = self.heals && self.is_cut.load(Ordering::SeqCst);
        for stream in [client, upstream] {
            stream.set_nodelay(true).unwrap();
            self.open.lock().unwrap().push(stream.try_clone().unwrap());
        }
        for (way, from, to) in [(Way::ToServer, client, upstream), (Way::ToClient, upstream, client)] {
            let (state, from, to) = (self.clone(), from.try_clone().unwrap(), to.try_clone().unwrap());
            std::thread::spawn(move || state.pump(way, from, to, is_healed));
        }
    }

    fn pump(&self, way: Way, mut from: TcpStream, mut to: TcpStream, is_healed: bool) {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            while self.is_frozen.load(Ordering::SeqCst) && !self.is_cut.load(Ordering::SeqCst) {
                std::thread::park_timeout(std::time::Duration::from_millis(10));
            }
            let mut bytes = &buffer[..read];
            let before = self.passed[way as usize].fetch_add(read as u64, Ordering::SeqCst);
            let mut cuts = false;
            let message = self.messages.fetch_add(u64::from(way == Way::ToServer), Ordering::SeqCst) + 1;
            match self.cut {
                _ if is_healed => {}
                Some(Cut::After(this, limit)) if this == way && before + read as u64 > limit => {
                    bytes = &bytes[..usize::try_from(limit.saturating_sub(before)).unwrap()];
                    cuts = true;
                }
                Some(Cut::At(word, passes)) if way == Way::ToServer && bytes.windows(word.len()).any(|w| w == word) => {
                    self.is_mute.store(true, Ordering::SeqCst);
                    cuts = !passes;
                }
                Some(Cut::Message(number, passes)) if way == Way::ToServer && message == number => {
                    self.is_mute.store(true, Ordering::SeqCst);
                    cuts = !passes;
                }
                Some(Cut::At(..) | Cut::Message(..)) if way == Way::ToClient && self.is_mute.load(Ordering::SeqCst) => {
                    cuts = true;
                }
                _ => {}
            }
            let mute = matches!(self.cut, Some(Cut::At(..) | Cut::Message(..))) && cuts;
            let is_cut = self.is_cut.load(Ordering::SeqCst) && !is_healed;
            if is_cut || (!mute && to.write_all(bytes).is_err()) {
                break;
            }
            if cuts {
                self.cut_all();
                break;
            }
        }
        // Whoever hears the end tells the other side.
        for stream in [from, to] {
            stream.shutdown(Shutdown::Both).unwrap_or_default();
        }
    }

    fn cut_all(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).unwrap_or_default();
        }
    }
}
