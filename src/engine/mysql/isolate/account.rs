//! Addresses of databases beside each other, and the account of a clone, which reaches nothing else.

use super::key::mysql;
use crate::engine::isolate::Admission;
use crate::engine::mysql::session::Session;
use crate::engine::mysql::{connect, explain};
use crate::engine::network;
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::event::Cancel;
use crate::secret::Address;
use std::fmt::Write as _;

/// The longest name of an account that both products take.
const LONGEST: usize = 32;

/// The address of another database of the same server and account.
pub(super) fn database(address: &Address, name: &str) -> Address {
    Address::new(rebuilt(address, name, None))
}

fn rebuilt(address: &Address, name: &str, account: Option<(&str, &str)>) -> String {
    let (place, query) = match address.expose().split_once('?') {
        Some((place, query)) => (place, format!("?{query}")),
        None => (address.expose(), String::new()),
    };
    let (scheme, rest) = place.split_once("://").unwrap_or(("mysql", place));
    // A password may hold a slash that is not encoded; the host cannot.
    let host_at = rest.rfind('@').map_or(0, |at| at + 1);
    let end = rest[host_at..].find('/').map_or(rest.len(), |at| host_at + at);
    let authority = match account {
        Some((user, password)) => format!("{}:{}@{}", encoded(user), encoded(password), &rest[host_at..end]),
        None => rest[..end].to_owned(),
    };
    format!("{scheme}://{authority}/{}{query}", encoded(name))
}

/// Percent-encoded, but for what stands for itself everywhere in an address.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => write!(out, "%{byte:02X}").unwrap_or_default(),
        }
    }
    out
}

/// The account of a clone.
fn user(name: &str) -> String {
    if name.len() <= LONGEST { name.to_owned() } else { network::digest("terp-fixtures v1 mysql account", &[name]) }
}

fn quoted(name: &str) -> Sql {
    mysql().string(&user(name)).lit("@'%'")
}

/// Makes the account of a clone, or gives it a new password. Where that cannot be, it is the host's own.
pub(super) fn admit(session: &mut Session, host: &Address, name: &str, cancel: &Cancel) -> Result<Admission> {
    let password = network::password()?;
    let own = Admission { address: database(host, name), unlimited: None };
    if let Some(why) = made(session, name, &password)? {
        remove(session, name)?;
        return Ok(Admission { unlimited: Some(why), ..own });
    }
    let address = Address::new(rebuilt(host, name, Some((&user(name), &password))));
    // Another account, one for everybody of a host, may stand before this one. And a password that was once shown over this
    // connection is let in by its digest afterwards, which every client can.
    match connect::open(&address, false, cancel) {
        Ok(_) => Ok(Admission { address, unlimited: None }),
        Err(error) => {
            cancel.check()?;
            remove(session, name)?;
            Ok(Admission { unlimited: Some(format!("an account of the clone's own is not let in: {error}")), ..own })
        }
    }
}

/// Why there is no account now.
fn made(session: &mut Session, name: &str, password: &str) -> Result<Option<String>> {
    // In names of databases these two stand for others.
    let pattern = name.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%");
    let account = quoted(name);
    for sql in [
        mysql().lit("CREATE USER IF NOT EXISTS ").part(&account).lit(" IDENTIFIED BY ").string(password),
        mysql().lit("ALTER USER ").part(&account).lit(" IDENTIFIED BY ").string(password),
        mysql().lit("GRANT ALL PRIVILEGES ON ").name(&pattern).lit(".* TO ").part(&account),
    ] {
        if let Err(error) = session.attempt(sql.text())? {
            return Ok(Some(match explain::code(&error) {
                Some(1044 | 1045 | 1142 | 1227 | 1410) => {
                    "the server's account may not make accounts or hand on its rights".to_owned()
                }
                Some(code) => format!("the server refuses an account of the clone's own ({code})"),
                None => return Err(explain::statement(&error)),
            }));
        }
    }
    Ok(None)
}

/// Removes the account, where one could be made.
pub(super) fn remove(session: &mut Session, name: &str) -> Result<()> {
    match session.attempt(mysql().lit("DROP USER IF EXISTS ").part(&quoted(name)).text())? {
        Err(error) if !matches!(explain::code(&error), Some(1044 | 1045 | 1142 | 1227)) => {
            Err(explain::statement(&error))
        }
        _ => Ok(()),
    }
}

/// The name under which the server knows the account of a clone.
pub(super) fn known_as(name: &str) -> String {
    user(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_what_is_not_changed() {
        for (from, database_now, account_now) in [
            ("mysql://root@h:1/", "mysql://root@h:1/x", "mysql://x:p%2F@h:1/x"),
            (
                "mariadb://a:b%40/c@h/d?ssl-mode=REQUIRED",
                "mariadb://a:b%40/c@h/x?ssl-mode=REQUIRED",
                "mariadb://x:p%2F@h/x?ssl-mode=REQUIRED",
            ),
            ("mysql://h", "mysql://h/x", "mysql://x:p%2F@h/x"),
        ] {
            assert_eq!(database(&Address::new(from), "x").expose(), database_now);
            assert_eq!(rebuilt(&Address::new(from), "x", Some(("x", "p/"))), account_now);
        }
        assert_eq!(user(&"n".repeat(64)).len(), 32);
    }
}
