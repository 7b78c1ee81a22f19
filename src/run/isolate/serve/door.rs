//! Who may come in. A socket is kept by the file system; a port is open to every program and web page of the machine.

use crate::error::{Error, Result};
use crate::secret::SecretText;
use data_encoding::HEXLOWER;
use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use hyper::{HeaderMap, StatusCode};

/// What a client of a port has to show.
pub(super) struct Token {
    text: SecretText,
    digest: blake3::Hash,
}

impl Token {
    pub(super) fn new() -> Result<Self> {
        let text = SecretText::new(HEXLOWER.encode(&crate::run::random::<32>()?));
        let digest = blake3::hash(text.expose().as_bytes());
        Ok(Self { text, digest })
    }

    /// Compares digests, and these in constant time: how long it takes tells nothing of the token.
    fn is(&self, shown: &[u8]) -> bool {
        blake3::hash(shown) == self.digest
    }
}

/// The way in.
pub(super) enum Door {
    /// A socket that only its owner can open.
    #[cfg(unix)]
    Socket,
    /// A port of the loopback.
    Loopback { port: u16, token: Token },
}

impl Door {
    pub(super) fn token(&self) -> Option<&SecretText> {
        match self {
            #[cfg(unix)]
            Self::Socket => None,
            Self::Loopback { token, .. } => Some(&token.text),
        }
    }

    /// Whether a request may come in. A web page cannot: it cannot show the token, it says where it comes from, and a name
    /// of its own that leads to this machine is not one of the machine's.
    ///
    /// # Errors
    /// Kind `Guard`, with the status to say it with.
    pub(super) fn check(&self, headers: &HeaderMap) -> std::result::Result<(), (StatusCode, Error)> {
        let Self::Loopback { port, token } = self else { return Ok(()) };
        let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
        let host = headers.get(HOST).map(|host| host.as_bytes().to_ascii_lowercase());
        if !host.is_some_and(|host| hosts.iter().any(|known| known.as_bytes() == host)) || headers.contains_key(ORIGIN)
        {
            let error = Error::guard("the request does not come from a program of this machine")
                .hint("Ask for 127.0.0.1 by that name, and not from a web page.");
            return Err((StatusCode::FORBIDDEN, error));
        }
        let shown = headers.get(AUTHORIZATION).and_then(|shown| shown.as_bytes().strip_prefix(b"Bearer "));
        if shown.is_some_and(|shown| token.is(shown)) {
            return Ok(());
        }
        let error = Error::guard("the request does not show the server's token").hint(
            "Send 'Authorization: Bearer TOKEN' with what stands in the file that TERP_FIXTURES_TOKEN_FILE names.",
        );
        Err((StatusCode::UNAUTHORIZED, error))
    }
}
