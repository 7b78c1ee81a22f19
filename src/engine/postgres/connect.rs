//! Opening a connection: TLS by default, retries, pinned session settings; and telling which database it is.

use super::explain;
use super::session::Session;
use crate::engine::network;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::schema::{DatabaseIdentity, EngineKind};
use crate::secret::Address;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::str::FromStr as _;

/// Settings that decide how values are written, and that no session may differ in.
const PIN: &str = "SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; \
    SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 3; SET xmlbinary = 'base64'; \
    SET xmloption = 'content'; SET lc_monetary = 'C'; SET standard_conforming_strings = on; \
    SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
    SET search_path = public, pg_temp; SET check_function_bodies = off; SET row_security = off; \
    SET synchronize_seqscans = off; SET client_min_messages = warning; SET quote_all_identifiers = off; SET jit = off";

/// Connects, with three retries where waiting may help.
pub(super) fn open(address: &Address, purpose: &str, create: bool, cancel: &Cancel) -> Result<Session> {
    let options = options(address)?.application_name(&format!("terp-fixtures: {purpose}"));
    let mut tries = 0;
    let mut made = false;
    let mut session = loop {
        cancel.check()?;
        match Session::connect(&options, cancel)? {
            Ok(session) => break session,
            Err(error) if create && !made && explain::code(&error).as_deref() == Some("3D000") => {
                create_database(&options, address, cancel)?;
                made = true;
            }
            Err(error) if tries < 3 && is_transient(&error) => {
                std::thread::park_timeout(network::pause(tries));
                tries += 1;
            }
            Err(error) => return Err(refused(address, &error)),
        }
    };
    session.run(PIN)?;
    session.watch()?;
    Ok(session)
}

/// Connects once more, to where `session` is.
pub(super) fn another(session: &Session) -> Result<Session> {
    let mut other = session.another()?.map_err(|error| explain::statement(&error))?;
    other.run(PIN)?;
    other.watch()?;
    Ok(other)
}

fn options(address: &Address) -> Result<PgConnectOptions> {
    let url = address.expose();
    // The driver's words about a malformed address may quote the password.
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        Error::usage(format!("'{address}' is not a PostgreSQL address"))
            .hint("Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE; percent-encode special characters.")
    })?;
    let query = url.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| pair.starts_with("sslmode=") || pair.starts_with("ssl-mode=")) {
        return Ok(options);
    }
    let is_local = is_local(&options);
    Ok(options.ssl_mode(if is_local { PgSslMode::Prefer } else { PgSslMode::Require }))
}

/// The server starts, stops or recovers; it has no free connection, or no memory for one.
const TRANSIENT: [&str; 6] = ["57P01", "57P02", "57P03", "53300", "53200", "53000"];

/// Whether the driver would connect to this machine, be it that address, parameters or its own variables say so.
pub(super) fn is_here(address: &Address) -> bool {
    options(address).is_ok_and(|options| is_local(&options))
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some() || host.starts_with('/') || network::is_local(host)
}

/// Errors of connecting that time may heal.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => network::may_heal(error),
        _ => explain::code(error).is_some_and(|code| TRANSIENT.contains(&code.as_str()) || code.starts_with("08")),
    }
}

fn refused(address: &Address, error: &sqlx::Error) -> Error {
    const TLS: &str = "A server without TLS needs ?sslmode=disable in the address; a private CA needs sslrootcert=FILE. \
        A self-signed CA certificate cannot be the server's own.";
    let (what, hint) = match (error, explain::code(error).as_deref()) {
        (_, Some("3D000")) => ("the database does not exist".to_owned(), "Create it, or add --create."),
        (_, Some("28P01" | "28000")) => {
            ("the server refuses user or password".to_owned(), "Check both, and pg_hba.conf.")
        }
        (_, Some("53300")) => ("the server has no free connection".to_owned(), "Close some and run again."),
        (_, Some("57P03")) => ("the server is starting or stopping".to_owned(), "Run again in a moment."),
        (_, Some(code)) => (format!("the server refuses the connection ({code})"), "See the server's log."),
        (sqlx::Error::Tls(error), _) => (format!("TLS failed ({error})"), TLS),
        // What the TLS library refuses, a certificate above all, comes as data that is not valid.
        (sqlx::Error::Io(error), _) if error.kind() == std::io::ErrorKind::InvalidData => {
            (format!("TLS failed ({error})"), TLS)
        }
        (sqlx::Error::Io(error), _) => {
            (format!("no connection ({})", error.kind()), "Check host and port, and that the server runs.")
        }
        _ => ("no connection".to_owned(), "Check host, port and sslmode."),
    };
    Error::unreachable(format!("cannot reach {address}: {what}")).hint(hint)
}

fn create_database(options: &PgConnectOptions, address: &Address, cancel: &Cancel) -> Result<()> {
    let Some(name) = options.get_database() else { return Ok(()) };
    let mut session =
        Session::connect(&options.clone().database("postgres"), cancel)?.map_err(|error| refused(address, &error))?;
    let sql = Sql::new(EngineKind::Postgres).lit("CREATE DATABASE ").name(name);
    session.run(sql.text()).map(drop).map_err(|error| error.within(format!("creating the database of {address}")))
}

/// One mark: cluster and database (oid and name). The cluster is told by its system identifier, which every role may read
/// unless that right was revoked; else by the server's address and port.
pub(super) fn identity(session: &mut Session) -> Result<DatabaseIdentity> {
    let may = session.rows(
        "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'), d.oid, d.datname, \
         coalesce(pg_catalog.inet_server_addr()::text, 'socket'), pg_catalog.current_setting('port') \
         FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()",
    )?;
    let row: Vec<String> = may.into_iter().next().unwrap_or_default().into_iter().flatten().collect();
    let [may, oid, name, host, port] = row.as_slice() else {
        return Err(Error::internal("the server does not say which database it is"));
    };
    let cluster = if may == "t" {
        let found = session.rows("SELECT system_identifier FROM pg_catalog.pg_control_system()")?;
        found.into_iter().flatten().flatten().next().unwrap_or_default()
    } else {
        format!("{host}:{port}")
    };
    let mark = network::digest("terp-fixtures v1 postgres identity", &[&cluster, oid, name]);
    Ok(DatabaseIdentity { engine: EngineKind::Postgres, marks: vec![mark] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> String {
        format!("{:?}", options(&Address::new(url)).unwrap().get_ssl_mode())
    }

    #[test]
    fn tls_is_the_default_but_for_this_host() {
        assert_eq!(mode("postgres://u@db.example/x"), "Require");
        assert_eq!(mode("postgres://u@db.example/x?sslmode=verify-full"), "VerifyFull");
        assert_eq!(mode("postgres://u@127.0.0.1:5433/x"), "Prefer");
        assert_eq!(mode("postgres://u@localhost/x"), "Prefer");
        assert_eq!(mode("postgres:///x?host=/run/postgresql"), "Prefer");
    }

    #[test]
    fn this_machine_is_told_by_what_the_driver_connects_to() {
        for here in [
            "postgres://u:p@localhost:5432/d",
            "postgres://127.0.0.1/d",
            "postgres:///d?host=/tmp",
            "postgres://[::1]/d",
        ] {
            assert!(is_here(&Address::new(here)), "{here}");
        }
        for elsewhere in [
            "postgres://u:p@db.example/d",
            "postgres://u:localhost@10.0.0.1/d",
            "postgres:///d?host=db.example",
            "postgres://localhost/d?hostaddr=10.0.0.1",
            "postgres://localhost/d?%68ost=db.example",
            "postgres://127.evil.example/d",
            "postgres://0.0.0.0/d",
            "postgres://h:port/d",
        ] {
            assert!(!is_here(&Address::new(elsewhere)), "{elsewhere}");
        }
    }

    #[test]
    fn a_malformed_address_keeps_its_password() {
        let error = options(&Address::new("postgres://u:hunter2@h:port/x")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
