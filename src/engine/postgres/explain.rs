//! The server's errors in our words: code and names only, because messages and details of PostgreSQL quote values.

use crate::engine::network;
use crate::error::{Broken, Error, Kind, Transient};
use sqlx::postgres::PgDatabaseError;

/// Whether the connection can be used again after this error of a plain statement.
pub(super) fn is_survivable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            !code.starts_with("08") && !code.starts_with("57P") && !code.starts_with("XX") && !code.starts_with("58")
        }),
        _ => false,
    }
}

/// The SQLSTATE, where the server sent one.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Database(error) => error.code().map(std::borrow::Cow::into_owned),
        _ => None,
    }
}

/// An error of a statement or of reading.
pub(super) fn statement(error: &sqlx::Error) -> Error {
    let sqlx::Error::Database(database) = error else { return connection(error) };
    let Some(database) = database.try_downcast_ref::<PgDatabaseError>() else { return connection(error) };
    let place = place(database);
    let (kind, what, hint) = meaning(database.code());
    let mut text = format!("PostgreSQL refuses ({}): {what}{place}", database.code());
    if says_names_only(database.code()) {
        text = format!("{text}: {}", database.message().escape_debug());
    }
    let error = Error::new(kind, text).transient_by(transient(database.code()));
    let error = match broken(database) {
        Some(broken) => error.of_row(broken),
        None => error,
    };
    if hint.is_empty() { error } else { error.hint(hint) }
}

/// What the same work can hope for when it is done again. A wait for somebody else's lock took as long as the user allows, and
/// what somebody cancelled stays cancelled.
fn transient(code: &str) -> Option<Transient> {
    match code {
        "40001" | "40P01" => Some(Transient::Conflict),
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Some(Transient::Lost),
        _ => code.starts_with("08").then_some(Transient::Lost),
    }
}

/// The rule that a row breaks, for codes that are about a row.
fn broken(error: &PgDatabaseError) -> Option<Broken> {
    let rule = rule(error.code())?;
    let (row, column) = error.r#where().map_or((None, None), copy_place);
    let named = error.constraint().or_else(|| error.column()).or_else(|| error.data_type()).or(column);
    Some(Broken { rule, name: named.unwrap_or_default().to_owned(), row })
}

fn rule(code: &str) -> Option<&'static str> {
    const RULES: [(&str, &str); 10] = [
        ("23505", "unique"),
        ("23503", "foreign key"),
        ("23502", "not null"),
        ("23514", "check"),
        ("23P01", "exclusion"),
        ("22001", "length"),
        // A key that is too long for its index.
        ("54000", "length"),
        ("22", "type"),
        ("23", "check"),
        ("P0", "rule"),
    ];
    RULES.iter().find(|(known, _)| code.starts_with(known)).map(|(_, rule)| *rule)
}

/// The row, from 0, and the column out of `COPY t, line 3, column c: "..."`. What follows the column is a value.
fn copy_place(context: &str) -> (Option<u64>, Option<&str>) {
    let rest = context.strip_prefix("COPY ").and_then(|rest| rest.split_once(", line "));
    let Some((_, rest)) = rest else { return (None, None) };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let line: Option<u64> = rest[..digits].parse().ok();
    let column = rest[digits..].strip_prefix(", column ");
    let column = column.and_then(|rest| rest.split_once(": ").map(|(name, _)| name));
    (line.and_then(|line| line.checked_sub(1)), column)
}

/// A commit without an answer: the server may have done it or not.
pub(super) fn in_doubt(kind: Kind) -> Error {
    let what = match kind {
        Kind::Interrupted => "interrupted during the commit",
        _ => "the connection was lost during the commit",
    };
    Error::new(kind, format!("{what}: whether the changes are in the database is not known")).hint(
        "Run the same command again, it finds out: a restore that is there already changes nothing, and after a rollback \
         that was done no such run is there.",
    )
    .transient_by((kind != Kind::Interrupted).then_some(Transient::InDoubt))
}

/// The connection is gone since an earlier error.
pub(super) fn gone() -> Error {
    Error::unreachable("the connection to PostgreSQL was closed after an error")
        .hint("Run again.")
        .transient_by(Transient::Lost)
}

/// An error that is not the server's word about a statement.
fn connection(error: &sqlx::Error) -> Error {
    let what = match error {
        sqlx::Error::Io(error) => format!("the connection to PostgreSQL broke ({})", error.kind()),
        sqlx::Error::Tls(error) => format!("TLS with PostgreSQL failed ({error})"),
        sqlx::Error::Protocol(_) => "the connection to PostgreSQL is out of step".to_owned(),
        _ => "the connection to PostgreSQL failed".to_owned(),
    };
    let is_lost = matches!(error, sqlx::Error::Io(error) if network::is_lost(error));
    let error = Error::unreachable(what).hint("Check the server's log and run again; nothing was changed.");
    error.transient_by(is_lost.then_some(Transient::Lost))
}

/// Names of schema, table, column and constraint, never a value.
fn place(error: &PgDatabaseError) -> String {
    let mut place = String::new();
    for (word, name) in [
        ("schema", error.schema().filter(|schema| *schema != "public")),
        ("table", error.table()),
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("type", error.data_type()),
    ] {
        if let Some(name) = name {
            place.push_str(&format!(", {word} {}", name.escape_debug()));
        }
    }
    place
}

/// Codes whose message has names of objects in it and nothing else.
fn says_names_only(code: &str) -> bool {
    const CODES: [&str; 15] = [
        "42P01", "42P07", "42703", "42701", "42704", "42710", "42883", "42809", "42501", "42P06", "42P16", "2BP01",
        "0A000", "55006", "428C9",
    ];
    CODES.contains(&code)
}

fn meaning(code: &str) -> (Kind, &'static str, &'static str) {
    const AGAIN: &str = "Run it again; nothing was changed.";
    match code {
        "23505" => (Kind::Rejected, "a value that must be unique is there twice", ""),
        "23503" => (Kind::Rejected, "a reference has no parent, or a referenced row would go", ""),
        "23502" => (Kind::Rejected, "NULL in a NOT NULL column", ""),
        "23514" => (Kind::Rejected, "a CHECK constraint does not hold", ""),
        "23P01" => (Kind::Rejected, "an exclusion constraint does not hold", ""),
        "40001" | "40P01" => (Kind::Rejected, "a transient conflict with another transaction", AGAIN),
        "55P03" => (Kind::Locked, "a lock is held by another session", "Wait for it to end and run again."),
        "42501" => (
            Kind::Unreachable,
            "a privilege is missing",
            "Grant it: SELECT on every table and USAGE on its schema to capture; the tables' ownership to restore.",
        ),
        "25006" => (Kind::Unreachable, "the session is read-only", "Name a primary server with --target."),
        "57014" => (Kind::Unreachable, "the statement was cancelled", AGAIN),
        "54011" | "54000" => (
            Kind::Rejected,
            "a table or row would be wider than the server allows; the two marker columns count, and so do dropped columns",
            "Leave the table out with --table, or build it anew: dropped columns then no longer count.",
        ),
        "53100" => (Kind::Rejected, "the server's disk is full", "Free some space and run again."),
        _ => match code.get(..2).unwrap_or_default() {
            "22" => (Kind::Rejected, "a value does not fit its column's type", ""),
            "23" => (Kind::Rejected, "a constraint does not hold", ""),
            "08" | "57" => (Kind::Unreachable, "the server closed the connection", AGAIN),
            "53" => (Kind::Unreachable, "the server lacks resources", "Run again when it has some."),
            "25" => (Kind::Rejected, "the transaction had failed before", ""),
            "2B" => (Kind::Rejected, "other objects depend on it", ""),
            "42" | "0A" => (Kind::Rejected, "it does not accept the statement", ""),
            "P0" => (Kind::Rejected, "a function of the database raised an error", ""),
            _ => (Kind::Rejected, "the statement failed", ""),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_their_kinds() {
        let cases = [
            ("23505", Kind::Rejected),
            ("23999", Kind::Rejected),
            ("40001", Kind::Rejected),
            ("55P03", Kind::Locked),
            ("57P01", Kind::Unreachable),
            ("08006", Kind::Unreachable),
            ("42501", Kind::Unreachable),
            ("22P02", Kind::Rejected),
        ];
        for (code, kind) in cases {
            assert_eq!(meaning(code).0, kind, "{code}");
        }
        for (code, wanted) in [
            ("40001", Some(Transient::Conflict)),
            ("40P01", Some(Transient::Conflict)),
            ("57P01", Some(Transient::Lost)),
            ("08006", Some(Transient::Lost)),
            ("55P03", None),
            ("57014", None),
            ("23505", None),
        ] {
            assert_eq!(transient(code), wanted, "{code}");
        }
        assert!(!says_names_only("22P02") && !says_names_only("23505"));
    }

    #[test]
    fn rows_are_told_from_statements() {
        assert_eq!(rule("23505"), Some("unique"));
        assert_eq!(rule("22001"), Some("length"));
        assert_eq!(rule("22P02"), Some("type"));
        assert_eq!(rule("40P01"), None);
        assert_eq!(rule("42703"), None);
        assert_eq!(copy_place("COPY t, line 3, column c: \"hunter2, line 9\""), (Some(2), Some("c")));
        assert_eq!(copy_place("COPY t, line 12: \"hunter2, column x: y\""), (Some(11), None));
        assert_eq!(copy_place("PL/pgSQL function f() line 3"), (None, None));
    }
}
