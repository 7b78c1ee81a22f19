//! What SQLite's own DDL text says that no pragma does, and that text without our marker columns.

use crate::model::mark;
use crate::model::schema::{Action, Family};

/// The family of a declared type, by its words; SQLite's affinity rules decide the rest.
pub(super) fn family(declared: &str) -> Family {
    let upper = declared.to_ascii_uppercase();
    let has = |part: &str| upper.contains(part);
    match () {
        () if upper.is_empty() || upper == "ANY" => Family::Any,
        () if has("BOOL") => Family::Boolean,
        () if has("UUID") => Family::Uuid,
        () if has("JSON") => Family::Json,
        () if has("DATETIME") || has("TIMESTAMP") => Family::Timestamp,
        () if upper == "DATE" => Family::Date,
        () if upper == "TIME" => Family::Time,
        () if has("INT") => Family::Integer,
        () if has("CHAR") || has("CLOB") || has("TEXT") => Family::Text,
        () if has("BLOB") => Family::Blob,
        () if has("REAL") || has("FLOA") || has("DOUB") => Family::Real,
        () => Family::Numeric,
    }
}

/// The length in `VARCHAR(40)`, for character types.
pub(super) fn length(declared: &str) -> Option<u32> {
    if family(declared) != Family::Text {
        return None;
    }
    let (_, rest) = declared.split_once('(')?;
    rest.split([',', ')']).next()?.trim().parse().ok()
}

/// A foreign key action as the pragma spells it.
pub(super) fn action(text: &str) -> Action {
    match text {
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        "RESTRICT" => Action::Restrict,
        _ => Action::NoAction,
    }
}

/// The CREATE TABLE text as it was before marker columns were added.
pub(super) fn without_markers(create: &str) -> String {
    let added = format!(", \"{}\" TEXT, \"{}\" TEXT", mark::RUN_COLUMN, mark::AT_COLUMN);
    create.replace(&added, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_follow_the_declared_words() {
        let cases = [
            ("INTEGER", Family::Integer),
            ("VARCHAR(40)", Family::Text),
            ("", Family::Any),
            ("DECIMAL(10,2)", Family::Numeric),
            ("double precision", Family::Real),
            ("BLOB", Family::Blob),
            ("datetime", Family::Timestamp),
            ("BOOLEAN", Family::Boolean),
        ];
        for (declared, expected) in cases {
            assert_eq!(family(declared), expected, "{declared}");
        }
        assert_eq!(length("NVARCHAR( 160 )"), Some(160));
        assert_eq!(length("DECIMAL(10,2)"), None);
    }

    #[test]
    fn markers_leave_the_create_text() {
        let plain = "CREATE TABLE t (a INT, b TEXT)";
        let marked = "CREATE TABLE t (a INT, b TEXT, \"terp_fixture_run\" TEXT, \"terp_fixture_at\" TEXT)";
        assert_eq!(without_markers(marked), plain);
    }
}
