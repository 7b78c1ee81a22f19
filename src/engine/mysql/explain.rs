//! The server's errors in our words: numbers and names only, because messages of MySQL and MariaDB quote values.

use crate::engine::network;
use crate::error::{Broken, Error, Kind, Transient};
use mysql_async::{IoError, ServerError};

/// The server's error number.
pub(super) fn code(error: &mysql_async::Error) -> Option<u16> {
    match error {
        mysql_async::Error::Server(error) => Some(error.code),
        _ => None,
    }
}

/// An error of a statement or of reading.
pub(super) fn statement(error: &mysql_async::Error) -> Error {
    let mysql_async::Error::Server(server) = error else { return connection(error) };
    let (kind, what, hint) = meaning(server.code);
    let text = format!("the server refuses ({}): {what}{}", server.code, place(server));
    let error = Error::new(kind, text).transient_by(transient(server.code));
    let error = match rule(server.code) {
        Some(rule) => error.of_row(Broken { rule, name: name(server).unwrap_or_default(), row: None }),
        None => error,
    };
    if hint.is_empty() { error } else { error.hint(hint) }
}

/// What the same work can hope for when it is done again. A wait for somebody else's lock took as long as the user allows, and
/// what somebody cancelled stays cancelled.
fn transient(code: u16) -> Option<Transient> {
    match code {
        // A deadlock; a transaction of a cluster that did not pass; a table that changed since the transaction began.
        1213 | 3101 | 1020 | 1412 => Some(Transient::Conflict),
        code => is_end(code).then_some(Transient::Lost),
    }
}

/// Whether the server says that it ends the connection, or that it is stopping.
fn is_end(code: u16) -> bool {
    matches!(code, 1053 | 1077 | 1079 | 1152..=1161 | 1184 | 1189 | 1190 | 1218 | 1927 | 4031)
}

/// Whether the driver says that the connection is no more.
pub(super) fn is_lost(error: &mysql_async::Error) -> bool {
    match error {
        mysql_async::Error::Io(IoError::Io(error)) => network::is_lost(error),
        mysql_async::Error::Driver(mysql_async::DriverError::ConnectionClosed) => true,
        _ => code(error).is_some_and(is_end),
    }
}

/// The rule that a row breaks, for codes that are about a row.
fn rule(code: u16) -> Option<&'static str> {
    Some(match code {
        1062 | 1586 | 1859 => "unique",
        1451 | 1452 | 1216 | 1217 => "foreign key",
        1048 | 1263 | 1364 => "not null",
        // A row that belongs to no partition is among them.
        3819 | 4025 | 1526 | 1748 => "check",
        1406 => "length",
        1264 | 1265 | 1292 | 1300 | 1365 | 1366 | 1367 | 1411 | 1416 | 1426 | 1427 | 1525 | 1690 | 3140..=3158 => {
            "type"
        }
        1644 => "rule",
        _ => return None,
    })
}

/// The name of the broken rule, as the schema spells it.
fn name(error: &ServerError) -> Option<String> {
    let message = error.message.as_str();
    let quoted = |rest: &str| {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '`'))?;
        Some(rest[1..].chars().take_while(|c| *c != quote).collect::<String>())
    };
    match error.code {
        // MySQL puts the table's name in front of the key's, MariaDB does not.
        1062 | 1586 => {
            let key = quoted(message.rsplit_once(" for key ")?.1)?;
            Some(key.split_once('.').map_or(key.clone(), |(_, key)| key.to_owned()))
        }
        1048 => quoted(message.strip_prefix("Column ")?),
        1364 => quoted(message.strip_prefix("Field ")?),
        3819 => quoted(message.strip_prefix("Check constraint ")?),
        4025 => quoted(message.strip_prefix("CONSTRAINT ")?),
        1264 | 1265 | 1406 | 1366 | 1292 | 1411 | 1367 | 1525 | 1263 => {
            // A column may come with its database and table, each in quotes.
            let place = message.rsplit_once(" for column ")?.1.split(" at row ").next()?;
            quoted(place.rsplit('.').next()?)
        }
        1451 | 1452 | 1216 | 1217 => quoted(message.rsplit_once("CONSTRAINT ")?.1),
        _ => None,
    }
}

/// An error that is not the server's word about a statement.
fn connection(error: &mysql_async::Error) -> Error {
    let what = match error {
        mysql_async::Error::Io(IoError::Io(error)) => format!("the connection to the server broke ({})", error.kind()),
        mysql_async::Error::Io(IoError::Tls(error)) => format!("TLS with the server failed ({error})"),
        _ => "the connection to the server failed".to_owned(),
    };
    let error_now = Error::unreachable(what).hint("Check the server's log and run again; nothing was changed.");
    error_now.transient_by(is_lost(error).then_some(Transient::Lost))
}

/// The connection is gone since an earlier error.
pub(super) fn gone() -> Error {
    Error::unreachable("the connection to the server was closed after an error")
        .hint("Run again.")
        .transient_by(Transient::Lost)
}

/// A commit without an answer: the server may have done it or not.
pub(super) fn in_doubt() -> Error {
    Error::unreachable(
        "the connection was lost during the commit: whether the changes are in the database is not known",
    )
    .hint(
        "Run the same command again, it finds out: a restore that is there already changes nothing, and after a \
             rollback that was done no such run is there.",
    )
    .transient_by(Transient::InDoubt)
}

/// Codes whose message has names of objects in it and nothing else.
fn says_names_only(code: u16) -> bool {
    const CODES: [u16; 31] = [
        1005, 1044, 1048, 1049, 1050, 1051, 1054, 1060, 1061, 1091, 1101, 1103, 1142, 1143, 1146, 1215, 1227, 1264,
        1265, 1305, 1359, 1364, 1370, 1406, 1419, 1822, 1824, 3780, 3819, 4025, 1273,
    ];
    CODES.contains(&code)
}

/// Names of key, constraint or column, never a value.
fn place(error: &ServerError) -> String {
    let message = &error.message;
    if says_names_only(error.code) {
        return format!(": {}", message.escape_debug());
    }
    // The server writes the name behind the value, so the last of these words is its own.
    let mark = match error.code {
        1062 | 1586 => " for key ",
        1451 | 1452 | 1216 | 1217 => "CONSTRAINT ",
        1366 | 1292 | 1411 | 1367 | 1525 => " for column ",
        _ => return String::new(),
    };
    let Some(at) = message.rfind(mark) else { return String::new() };
    let rest = &message[at + mark.len()..];
    let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '`')) else { return String::new() };
    // A column may come with its database and table, each in quotes.
    let name: String = match mark {
        " for column " => rest.split(" at row ").next().unwrap_or_default().replace(['`', '\''], ""),
        _ => rest[1..].chars().take_while(|c| *c != quote).collect(),
    };
    let word = mark.trim().trim_start_matches("for ").to_lowercase();
    format!(", {word} {}", name.escape_debug())
}

fn meaning(code: u16) -> (Kind, &'static str, &'static str) {
    const AGAIN: &str = "Run it again; nothing was changed.";
    match code {
        1062 | 1586 => (Kind::Rejected, "a value that must be unique is there twice", ""),
        1451 | 1452 | 1216 | 1217 => (Kind::Rejected, "a reference has no parent, or a referenced row would go", ""),
        1048 | 1364 => (Kind::Rejected, "NULL in a NOT NULL column", ""),
        3819 | 4025 => (Kind::Rejected, "a CHECK constraint does not hold", ""),
        1264 | 1265 | 1292 | 1366 | 1406 | 1411 | 1416 | 1426 | 1427 | 3140 => {
            (Kind::Rejected, "a value does not fit its column's type", "")
        }
        1213 => (Kind::Rejected, "a deadlock with another transaction", AGAIN),
        1205 | 3572 => (Kind::Locked, "a lock is held by another session", "Wait for it to end and run again."),
        1044 | 1142 | 1143 | 1227 | 1370 | 1410 => (
            Kind::Unreachable,
            "a privilege is missing",
            "Grant it: SELECT and SHOW VIEW to capture; all privileges on the database to restore.",
        ),
        1419 => (
            Kind::Rejected,
            "triggers and functions cannot be created while the binary log is on",
            "Set log_bin_trust_function_creators = 1 on the server, or use a role that may.",
        ),
        1290 | 1792 | 1836 => (Kind::Unreachable, "the server or the session is read-only", "Name a primary server."),
        1317 | 3024 | 1969 => (Kind::Unreachable, "the statement was cancelled", AGAIN),
        1021 | 1114 => (Kind::Rejected, "the server's disk or table space is full", "Free some space and run again."),
        code if is_end(code) => (Kind::Unreachable, "the server closed the connection", AGAIN),
        1040 | 1203 | 1226 => (Kind::Unreachable, "the server has no free connection", "Close some and run again."),
        1117 | 1118 => (
            Kind::Rejected,
            "a table would have more columns, or wider rows, than the server allows; the two marker columns count",
            "Leave the table out with --table.",
        ),
        1146 => (Kind::Rejected, "a table is not there", ""),
        // What MariaDB says when the sorted keys of a whole table do not fit.
        1180 => (Kind::Rejected, "a value that must be unique is there twice, or the rows cannot be written", ""),
        1273 | 1115 => (Kind::Rejected, "it does not know a collation or character set", ""),
        _ => (Kind::Rejected, "the statement failed", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: u16, message: &str) -> String {
        statement(&mysql_async::Error::Server(ServerError { code, message: message.into(), state: "x".into() }))
            .to_string()
    }

    #[test]
    fn names_are_told_and_values_are_not() {
        let text = shown(1062, "Duplicate entry 'hunter2 for key 'a'' for key 't.name'");
        assert!(text.contains("t.name") && !text.contains("hunter2"), "{text}");
        let text = shown(1366, "Incorrect integer value: 'hunter2' for column `d`.`t`.`n` at row 1");
        assert!(text.contains("d.t.n") && !text.contains("hunter2"), "{text}");
        let text =
            shown(1452, "Cannot add: a foreign key constraint fails (`d`.`t`, CONSTRAINT `fk` FOREIGN KEY (`a`)");
        assert!(text.contains("fk"), "{text}");
        let text = shown(1064, "near 'hunter2' at line 1");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(shown(1142, "SELECT command denied").contains("denied"));
    }

    #[test]
    fn broken_rules_have_the_names_of_the_schema() {
        let broken = |code: u16, message: &str| {
            let error = ServerError { code, message: message.into(), state: "x".into() };
            let error = statement(&mysql_async::Error::Server(error));
            error.broken().map(|broken| (broken.rule, broken.name.clone()))
        };
        for (code, message, rule, name) in [
            (1062, "Duplicate entry 'hunter2 for key 'a'' for key 't.name'", "unique", "name"),
            (1062, "Duplicate entry 'hunter2' for key 'name'", "unique", "name"),
            (1366, "Incorrect integer value: 'hunter2' for column `d`.`t`.`n` at row 1", "type", "n"),
            (1406, "Data too long for column 'n' at row 1", "length", "n"),
            (4025, "CONSTRAINT `c` failed for `d`.`t`", "check", "c"),
            (3819, "Check constraint 'c' is violated.", "check", "c"),
            (1292, "Truncated incorrect INTEGER value: 'hunter2'", "type", ""),
        ] {
            assert_eq!(broken(code, message), Some((rule, name.to_owned())), "{message}");
        }
        assert_eq!(broken(1213, "Deadlock found"), None);
    }
}
