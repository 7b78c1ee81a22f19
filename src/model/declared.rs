//! What a declared type says in each engine's words: its family, its length, what happens to referencing rows. Catalogues and
//! DDL files are read with the same words.

use super::schema::{Action, Family};

/// The family of a type that SQLite has as it was written; its affinity rules decide the rest.
#[must_use]
pub fn sqlite_family(declared: &str) -> Family {
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

/// The length in SQLite's `VARCHAR(40)`, for character types.
#[must_use]
pub fn sqlite_length(declared: &str) -> Option<u32> {
    if sqlite_family(declared) != Family::Text {
        return None;
    }
    let (_, rest) = declared.split_once('(')?;
    rest.split([',', ')']).next()?.trim().parse().ok()
}

/// The family of a PostgreSQL type, by its base type's name and its kind (`pg_type.typtype`).
#[must_use]
pub fn postgres_family(base: &str, kind: &str) -> Family {
    match base {
        _ if kind == "e" => Family::Enum,
        "int2" | "int4" | "int8" | "oid" => Family::Integer,
        "float4" | "float8" => Family::Real,
        "numeric" | "money" => Family::Numeric,
        "text" | "varchar" | "bpchar" | "citext" | "name" => Family::Text,
        "bytea" => Family::Blob,
        "bool" => Family::Boolean,
        "date" => Family::Date,
        "time" | "timetz" => Family::Time,
        "timestamp" | "timestamptz" => Family::Timestamp,
        "json" | "jsonb" => Family::Json,
        "uuid" => Family::Uuid,
        _ => Family::Any,
    }
}

/// The family of a type of MySQL and MariaDB, by its name without length.
#[must_use]
pub fn mysql_family(data_type: &str) -> Family {
    match data_type {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Family::Integer,
        "float" | "double" => Family::Real,
        "decimal" => Family::Numeric,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => Family::Text,
        "bit" | "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Family::Blob,
        "date" => Family::Date,
        "time" => Family::Time,
        "datetime" | "timestamp" => Family::Timestamp,
        "json" => Family::Json,
        "uuid" => Family::Uuid,
        "enum" => Family::Enum,
        _ => Family::Any,
    }
}

/// A foreign key action in SQL's words.
#[must_use]
pub fn action(words: &str) -> Action {
    match words {
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        "RESTRICT" => Action::Restrict,
        _ => Action::NoAction,
    }
}
