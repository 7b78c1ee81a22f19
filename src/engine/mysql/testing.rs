//! The MySQL and MariaDB servers of the tests.

use crate::engine::suite::Connection;
use crate::engine::testing::{address, database_name, with_database};
use mysql_async::prelude::Queryable;
use std::sync::OnceLock;

/// A running server.
pub(crate) struct Server {
    /// Its address, without a database.
    base: String,
}

impl Server {
    /// Oracle's MySQL. A test that needs it has `on_mysql` in its name: `tests/run` leaves those out where there is none.
    pub(crate) fn mysql() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Self { base: address("mysql") })
    }

    /// MariaDB.
    pub(crate) fn mariadb() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Self { base: address("mariadb") })
    }

    /// The address of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        with_database(&self.base, database)
    }

    /// The address of a fresh, empty database.
    pub(crate) fn fresh(&self) -> String {
        let name = database_name();
        let text = format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4");
        script(&self.url(""), &text);
        self.url(&name)
    }
}

/// Runs a script in a database: statements with `;` between them, bodies of triggers and routines as they are, no `DELIMITER`.
pub(crate) fn script(url: &str, text: &str) {
    script_of_bytes(url, text.as_bytes());
}

/// The same, where it is no text.
pub(crate) fn script_of_bytes(url: &str, text: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = url.replacen("mariadb://", "mysql://", 1);
    let ran = runtime.block_on(async {
        let mut connection = mysql_async::Conn::from_url(url).await?;
        connection.query_drop(text).await?;
        connection.disconnect().await
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
}

/// A connection of an application: it runs statements, and says what was wrong with one.
pub(crate) fn connection(url: &str) -> Connection {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = url.replacen("mariadb://", "mysql://", 1);
    let mut connection = runtime.block_on(mysql_async::Conn::from_url(url)).unwrap();
    Box::new(move |text| runtime.block_on(connection.query_drop(text)).map_err(|error| error.to_string()))
}
