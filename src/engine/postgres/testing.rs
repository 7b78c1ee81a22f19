//! The PostgreSQL server of the tests.

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

/// Runs a script in a database.
pub(crate) fn script(url: &str, text: &str) {
    let address = crate::secret::Address::new(url);
    let mut session = super::connect::open(&address, "tests", false, &crate::event::Cancel::default()).unwrap();
    session.attempt(text).unwrap().unwrap_or_else(|error| panic!("{error}"));
}
