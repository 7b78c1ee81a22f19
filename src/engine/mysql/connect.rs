//! Opening a connection: TLS by default, retries, pinned session settings; and telling which database it is.

use super::explain;
use super::session::Session;
use crate::engine::network;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::schema::{DatabaseIdentity, EngineKind};
use crate::secret::Address;
use mysql_async::{IoError, Opts, OptsBuilder, SslOpts};

/// The sql_mode of every session: strict, but for what older rows may hold (zero and impossible dates, an id of 0).
pub(super) const SQL_MODE: &str = "SET SESSION sql_mode = \
    'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'";

/// Settings that decide how values are written, and that no session may differ in.
const PIN: [&str; 9] = [
    "SET NAMES utf8mb4",
    "SET SESSION time_zone = '+00:00'",
    SQL_MODE,
    "SET SESSION net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800",
    "SET SESSION sql_quote_show_create = 1, sql_safe_updates = 0, sql_big_selects = 1, autocommit = 1",
    "SET SESSION sql_select_limit = 18446744073709551615, group_concat_max_len = 1048576",
    "SET SESSION foreign_key_checks = 0, unique_checks = 1",
    "SET SESSION lc_time_names = 'en_US', div_precision_increment = 4",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
];

/// Settings of one product or of some versions only.
const PIN_IF_KNOWN: [&str; 5] = [
    "SET SESSION information_schema_stats_expiry = 0",
    "SET SESSION max_execution_time = 0",
    "SET SESSION max_statement_time = 0",
    "SET SESSION show_create_table_skip_secondary_engine = 1",
    "SET SESSION sql_generate_invisible_primary_key = 0",
];

/// A session and the product behind it.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) engine: EngineKind,
}

/// Connects, with three retries where waiting may help.
pub(super) fn open(address: &Address, create: bool, cancel: &Cancel) -> Result<Opened> {
    let options = options(address)?;
    if options.db_name().unwrap_or_default().is_empty() {
        return Err(Error::usage(format!("'{address}' names no database"))
            .hint("Write it as mysql://USER:PASSWORD@HOST:PORT/DATABASE."));
    }
    let mut tries = 0;
    let mut made = false;
    let mut session = loop {
        cancel.check()?;
        match Session::connect(&options, cancel)? {
            Ok(session) => break session,
            Err(error) if create && !made && explain::code(&error) == Some(1049) => {
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
    pin(&mut session)?;
    let version = session.text("SELECT VERSION()")?.unwrap_or_default();
    let engine = if version.contains("MariaDB") { EngineKind::Mariadb } else { EngineKind::Mysql };
    Ok(Opened { session, engine })
}

/// Pins the session's settings.
pub(super) fn pin(session: &mut Session) -> Result<()> {
    for setting in PIN {
        session.run(setting)?;
    }
    for setting in PIN_IF_KNOWN {
        match session.attempt(setting)? {
            Ok(_) => {}
            // Unknown to this product or version, or not ours to set.
            Err(error) if [Some(1193), Some(1227), Some(1231)].contains(&explain::code(&error)) => {}
            Err(error) => return Err(explain::statement(&error)),
        }
    }
    Ok(())
}

/// MariaDB builds the keys of an empty table from sorted values where it need not look at each row's unique keys at once. It
/// finds a value that is there twice all the same, but for what it puts off into the change buffer.
pub(super) fn trust_rows(session: &mut Session, engine: EngineKind) -> Result<()> {
    if engine != EngineKind::Mariadb {
        return Ok(());
    }
    let buffers = "SELECT 1 FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME = 'INNODB_CHANGE_BUFFERING' \
        AND VARIABLE_VALUE <> 'none'";
    if session.rows(buffers)?.is_empty() {
        session.run("SET SESSION unique_checks = 0")?;
    }
    Ok(())
}

/// The driver's options out of an address.
fn options(address: &Address) -> Result<Opts> {
    let url = address.expose();
    let malformed = || {
        Error::usage(format!("'{address}' is not a MySQL or MariaDB address"))
            .hint("Write it as mysql://USER:PASSWORD@HOST:PORT/DATABASE; percent-encode special characters.")
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(malformed)?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !["mysql", "mariadb"].contains(&scheme) {
        return Err(malformed());
    }
    // The driver's words about a malformed address may quote the password.
    let parsed = Opts::from_url(&format!("mysql://{place}")).map_err(|_| malformed())?;
    let mut builder = OptsBuilder::from_opts(parsed.clone());
    let (mut mode, mut authority) = (None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "ssl-mode" | "sslmode" | "ssl_mode" => mode = Some(value.to_ascii_uppercase().replace('-', "_")),
            "ssl-ca" | "sslrootcert" | "ssl_ca" => authority = Some(value.to_owned()),
            "socket" => builder = builder.socket(Some(value.to_owned())),
            _ => {
                return Err(Error::usage(format!(
                    "the address {address} has an unknown parameter '{}'",
                    key.escape_debug()
                ))
                .hint("Known are ssl-mode (DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY), ssl-ca and socket."));
            }
        }
    }
    let default = if network::is_local(parsed.ip_or_hostname()) { "DISABLED" } else { "REQUIRED" };
    let ssl = tls(mode.as_deref().unwrap_or(default), authority).map_err(|word| {
        Error::usage(format!("the address {address} has an unknown ssl-mode"))
            .hint(format!("{word}: write DISABLED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY."))
    })?;
    // A socket is only taken when the address names it; TCP is what the address says.
    let builder = builder.ssl_opts(ssl).prefer_socket(false).stmt_cache_size(0).tcp_nodelay(true);
    // The server says what it takes; the driver takes whatever the server sends.
    let builder = builder.max_allowed_packet(Some(1 << 30));
    Ok(builder.into())
}

/// Whether the driver would connect to this machine.
pub(super) fn is_here(address: &Address) -> bool {
    options(address).is_ok_and(|options| options.socket().is_some() || network::is_local(options.ip_or_hostname()))
}

/// The driver's TLS options for a mode, none for a plain connection.
fn tls(mode: &str, authority: Option<String>) -> std::result::Result<Option<SslOpts>, &'static str> {
    let mut ssl = SslOpts::default();
    if let Some(file) = authority {
        ssl = ssl.with_root_certs(vec![std::path::PathBuf::from(file).into()]).with_disable_built_in_roots(true);
    }
    match mode {
        "DISABLED" | "DISABLE" => Ok(None),
        "PREFERRED" | "PREFER" | "REQUIRED" | "REQUIRE" => {
            Ok(Some(ssl.with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true)))
        }
        "VERIFY_CA" => Ok(Some(ssl.with_danger_skip_domain_validation(true))),
        "VERIFY_IDENTITY" | "VERIFY_FULL" => Ok(Some(ssl)),
        _ => Err("ssl-mode"),
    }
}

/// Errors of connecting that time may heal.
fn is_transient(error: &mysql_async::Error) -> bool {
    match error {
        mysql_async::Error::Io(IoError::Io(error)) => network::may_heal(error),
        // No free connection, of the server or of this account; no memory for one.
        _ => {
            explain::is_lost(error) || explain::code(error).is_some_and(|code| [1040, 1041, 1203, 1226].contains(&code))
        }
    }
}

fn refused(address: &Address, error: &mysql_async::Error) -> Error {
    const TLS: &str =
        "A private CA needs ssl-ca=FILE in the address. A self-signed CA certificate cannot be the server's own.";
    let (what, hint) = match (error, explain::code(error)) {
        (_, Some(1049)) => ("the database does not exist".to_owned(), "Create it, or add --create."),
        (_, Some(1045 | 1044 | 1698)) => (
            "the server refuses user or password".to_owned(),
            "Check both, and the hosts that the account may come from.",
        ),
        (_, Some(1040 | 1203 | 1226)) => ("the server has no free connection".to_owned(), "Close some and run again."),
        (_, Some(3159)) => ("the server wants TLS".to_owned(), "Add ?ssl-mode=REQUIRED to the address."),
        (_, Some(code)) => (format!("the server refuses the connection ({code})"), "See the server's log."),
        (mysql_async::Error::Io(IoError::Tls(error)), _) => (format!("TLS failed ({error})"), TLS),
        // What the TLS library refuses, a certificate above all, comes as data that is not valid.
        (mysql_async::Error::Io(IoError::Io(error)), _) if error.kind() == std::io::ErrorKind::InvalidData => {
            (format!("TLS failed ({error})"), TLS)
        }
        (mysql_async::Error::Io(IoError::Io(error)), _) => {
            (format!("no connection ({})", error.kind()), "Check host and port, and that the server runs.")
        }
        (mysql_async::Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer), _) => {
            ("the server has no TLS".to_owned(), "Turn it on there, or add ?ssl-mode=DISABLED to the address.")
        }
        _ => ("no connection".to_owned(), "Check host, port and ssl-mode."),
    };
    Error::unreachable(format!("cannot reach {address}: {what}")).hint(hint)
}

fn create_database(options: &Opts, address: &Address, cancel: &Cancel) -> Result<()> {
    let Some(name) = options.db_name() else { return Ok(()) };
    let maintenance: Opts = OptsBuilder::from_opts(options.clone()).db_name(None::<String>).into();
    let mut session = Session::connect(&maintenance, cancel)?.map_err(|error| refused(address, &error))?;
    let sql = Sql::new(EngineKind::Mysql).lit("CREATE DATABASE ").name(name).lit(" CHARACTER SET utf8mb4");
    session.run(sql.text()).map(drop).map_err(|error| error.within(format!("creating the database of {address}")))
}

/// One mark: server and database. The server is told by its uuid, else (MariaDB) by host, port and data directory.
pub(super) fn identity(session: &mut Session, engine: EngineKind) -> Result<DatabaseIdentity> {
    let server = match engine {
        EngineKind::Mysql => "SELECT @@server_uuid, 'uuid'",
        _ => "SELECT CONCAT_WS(':', @@hostname, @@port, @@datadir), 'place'",
    };
    let mut parts: Vec<String> = session.rows(server)?.into_iter().flatten().flatten().collect();
    parts.extend(session.text("SELECT DATABASE()")?);
    Ok(DatabaseIdentity { engine, marks: vec![network::digest("terp-fixtures v1 mysql identity", &parts)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Opts> {
        options(&Address::new(text))
    }

    #[test]
    fn tls_is_on_but_on_this_machine() {
        assert!(parsed("mysql://u:p@db.example/x").unwrap().ssl_opts().is_some());
        assert!(parsed("mariadb://u:p@127.0.0.1:3307/x").unwrap().ssl_opts().is_none());
        assert!(parsed("mysql://u:p@db.example/x?ssl-mode=DISABLED").unwrap().ssl_opts().is_none());
        let verified = parsed("mysql://u@localhost/x?sslmode=verify-full").unwrap();
        assert!(verified.ssl_opts().is_some_and(|ssl| !ssl.accept_invalid_certs()));
    }

    #[test]
    fn this_machine_is_told_by_what_the_driver_connects_to() {
        for here in ["mysql://u:p@localhost/d", "mariadb://127.0.0.1:3307/d", "mysql://u@h/d?socket=/run/mysqld.sock"] {
            assert!(is_here(&Address::new(here)), "{here}");
        }
        for elsewhere in ["mysql://u:p@db.example/d", "mysql://127.evil.example/d", "mysql://u:localhost@10.0.0.1/d"] {
            assert!(!is_here(&Address::new(elsewhere)), "{elsewhere}");
        }
    }

    #[test]
    fn a_bad_address_does_not_show_its_password() {
        for text in
            ["mysql://u:hunter2@h:port/x", "mysql://u:hunter2@h/x?what=1", "mysql://u:hunter2@h/x?ssl-mode=maybe"]
        {
            let error = parsed(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
