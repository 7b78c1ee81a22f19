//! How text compares on another engine: MySQL without case and accents, the others byte by byte unless they are told.

use crate::model::schema::EngineKind;

/// The collation of a table that is created on MySQL or MariaDB. Text of engines that compare byte by byte goes on doing so.
pub(super) fn of_table(from: EngineKind, to: EngineKind, source: Option<&str>) -> Option<String> {
    let bytes = match to {
        EngineKind::Sqlite | EngineKind::Postgres => return None,
        EngineKind::Mysql => "utf8mb4_0900_bin",
        EngineKind::Mariadb => "utf8mb4_nopad_bin",
    };
    match from {
        EngineKind::Sqlite | EngineKind::Postgres => Some(bytes.to_owned()),
        EngineKind::Mysql | EngineKind::Mariadb => source.map(|name| kin(to, name).0),
    }
}

/// The collation of a text column, where it needs one, and whether it compares as before.
pub(super) fn of_column(
    from: EngineKind,
    to: EngineKind,
    source: Option<&str>,
    declared: &str,
) -> (Option<String>, bool) {
    let to_mysql = matches!(to, EngineKind::Mysql | EngineKind::Mariadb);
    let no_case = match from {
        EngineKind::Mysql | EngineKind::Mariadb if to_mysql => {
            return source.map_or((None, true), |name| {
                let (name, same) = kin(to, name);
                (Some(name), same)
            });
        }
        EngineKind::Mysql | EngineKind::Mariadb => source.is_none_or(|name| name.ends_with("_ci")),
        EngineKind::Postgres => declared == "citext",
        EngineKind::Sqlite => source.is_some_and(|name| name.eq_ignore_ascii_case("NOCASE")),
    };
    match (no_case, to) {
        (false, _) => {
            // Orders of a language are not carried; equality is.
            let own = from == EngineKind::Postgres && source.is_some_and(|name| !is_plain(name));
            (None, !own)
        }
        // ASCII letters only: what is unique there is unique here.
        (true, EngineKind::Sqlite) => (Some("NOCASE".into()), false),
        (true, EngineKind::Postgres) => (None, false),
        (true, EngineKind::Mysql) => (Some("utf8mb4_0900_as_ci".into()), true),
        (true, EngineKind::Mariadb) => (Some("utf8mb4_general_ci".into()), false),
    }
}

fn is_plain(collation: &str) -> bool {
    let name = collation.rsplit('.').next().unwrap_or(collation).trim_matches('"');
    ["C", "POSIX", "ucs_basic", "default"].contains(&name)
}

/// A collation of MySQL on MariaDB or the other way round, and whether both know it.
fn kin(to: EngineKind, name: &str) -> (String, bool) {
    let bytes = name.ends_with("_bin");
    match to {
        EngineKind::Mariadb if name.contains("_0900_") => {
            let replacement = if bytes {
                "utf8mb4_nopad_bin"
            } else if name.ends_with("_cs") {
                "utf8mb4_bin"
            } else {
                "utf8mb4_unicode_520_ci"
            };
            (replacement.to_owned(), bytes)
        }
        EngineKind::Mysql if name.contains("uca1400") || name.contains("_nopad_") => {
            let replacement = if bytes {
                "utf8mb4_0900_bin"
            } else if name.ends_with("_cs") {
                "utf8mb4_0900_as_cs"
            } else {
                "utf8mb4_0900_ai_ci"
            };
            (replacement.to_owned(), bytes)
        }
        _ => (name.to_owned(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collations_that_the_other_does_not_know_are_replaced() {
        use EngineKind::{Mariadb, Mysql, Postgres, Sqlite};
        let cases = [
            (Mysql, Mariadb, Some("utf8mb4_0900_ai_ci"), "text", Some("utf8mb4_unicode_520_ci"), false),
            (Mysql, Mariadb, Some("latin1_swedish_ci"), "text", Some("latin1_swedish_ci"), true),
            (Mariadb, Mysql, Some("utf8mb4_uca1400_ai_ci"), "text", Some("utf8mb4_0900_ai_ci"), false),
            (Mariadb, Mysql, Some("utf8mb4_nopad_bin"), "text", Some("utf8mb4_0900_bin"), true),
            (Mysql, Sqlite, Some("utf8mb4_0900_ai_ci"), "text", Some("NOCASE"), false),
            (Mysql, Sqlite, Some("utf8mb4_bin"), "text", None, true),
            (Mysql, Postgres, None, "text", None, false),
            (Postgres, Sqlite, None, "citext", Some("NOCASE"), false),
            (Postgres, Sqlite, Some("pg_catalog.\"C\""), "text", None, true),
            (Postgres, Sqlite, Some("pg_catalog.\"de-x-icu\""), "text", None, false),
            (Sqlite, Mysql, Some("NOCASE"), "TEXT", Some("utf8mb4_0900_as_ci"), true),
        ];
        for (from, to, source, declared, expected, same) in cases {
            assert_eq!(
                of_column(from, to, source, declared),
                (expected.map(str::to_owned), same),
                "{from} {to} {source:?}"
            );
        }
        assert_eq!(of_table(Postgres, Mysql, None).as_deref(), Some("utf8mb4_0900_bin"));
        assert_eq!(of_table(Mysql, Sqlite, Some("x")), None);
    }
}
