//! What SQLite's own DDL text says that no pragma does, and that text without our marker columns.

use crate::model::mark;

pub(super) use crate::model::declared::{action, sqlite_family as family, sqlite_length as length};

/// The CREATE TABLE text as it was before marker columns were added.
pub(super) fn without_markers(create: &str) -> String {
    let added = format!(", \"{}\" TEXT, \"{}\" TEXT", mark::RUN_COLUMN, mark::AT_COLUMN);
    create.replace(&added, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::Family;

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
