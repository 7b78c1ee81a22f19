//! The PostgreSQL server of the tests.

use crate::engine::suite::Connection;
use crate::engine::testing::{address, database_name, with_database};
use std::sync::OnceLock;

/// A running server.
pub(crate) struct Server {
    /// The address of its maintenance database.
    base: String,
}

/// The server of the tests.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server { base: address("postgres") })
}

impl Server {
    /// The address of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        with_database(&self.base, database)
    }

    /// The address of a fresh, empty database.
    pub(crate) fn fresh(&self) -> String {
        let name = database_name();
        script(&self.url("postgres"), &format!("DROP DATABASE IF EXISTS {name}"));
        script(&self.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"));
        self.url(&name)
    }
}

/// A private server that speaks TLS with a certificate which it signed itself.
pub(crate) fn server_with_tls() -> Server {
    let server = Server { base: crate::engine::testing::private("postgres") };
    // The server runs the programs where its data lies. It reads its certificate when it is told to look again.
    let certify = "cat >/dev/null; openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout server.key -out server.crt && chmod 600 server.key";
    script(&server.base, &format!("COPY (SELECT 1) TO PROGRAM '{certify}'"));
    for statement in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
        script(&server.base, statement);
    }
    let address = crate::secret::Address::new(format!("{}?sslmode=require", server.base));
    let cancel = crate::event::Cancel::default();
    let start = std::time::Instant::now();
    while let Err(error) = super::connect::open(&address, "tests", false, &cancel).map(drop) {
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{error} {:?}", error.hint_text());
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    server
}

/// Gives a database to the role `terp_plain`, which is no superuser; returns the address for that role.
pub(crate) fn plain(url: &str) -> String {
    script(
        url,
        "DO $$ BEGIN CREATE ROLE terp_plain LOGIN PASSWORD 'terp_plain';
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO terp_plain', current_database()); END $$;
         GRANT ALL ON SCHEMA public TO terp_plain;",
    );
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://terp_plain:terp_plain@{host}")
}

/// Runs a script in a database.
pub(crate) fn script(url: &str, text: &str) {
    let address = crate::secret::Address::new(url);
    let mut session = super::connect::open(&address, "tests", false, &crate::event::Cancel::default()).unwrap();
    session.attempt(text).unwrap().unwrap_or_else(|error| panic!("{error}"));
}

/// A connection of an application: it runs statements, and says what was wrong with one.
pub(crate) fn connection(url: &str) -> Connection {
    let address = crate::secret::Address::new(url);
    let mut session = super::connect::open(&address, "tests", false, &crate::event::Cancel::default()).unwrap();
    Box::new(move |text| match session.attempt(text) {
        Ok(done) => done.map(drop).map_err(|error| error.to_string()),
        Err(lost) => Err(lost.to_string()),
    })
}
