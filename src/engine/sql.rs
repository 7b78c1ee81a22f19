//! The one door through which SQL is built. Literal parts are `&'static str`; everything else is quoted here.

use crate::model::schema::{EngineKind, TableName};
use std::fmt::Write as _;

/// A statement, or part of one, for one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    engine: EngineKind,
    text: String,
}

impl Sql {
    /// An empty statement in the dialect of `engine`.
    #[must_use]
    pub fn new(engine: EngineKind) -> Self {
        Self { engine, text: String::new() }
    }

    /// The dialect.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// The statement.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends a literal part of the statement.
    #[must_use]
    pub fn lit(mut self, part: &'static str) -> Self {
        self.text.push_str(part);
        self
    }

    /// Appends a quoted identifier.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        let quote = match self.engine {
            EngineKind::Sqlite | EngineKind::Postgres => '"',
            EngineKind::Mysql | EngineKind::Mariadb => '`',
        };
        self.text.push(quote);
        for c in name.chars() {
            if c == quote {
                self.text.push(quote);
            }
            self.text.push(c);
        }
        self.text.push(quote);
        self
    }

    /// Appends a quoted table name, with its schema.
    #[must_use]
    pub fn table(mut self, table: &TableName) -> Self {
        if let Some(schema) = &table.schema {
            self = self.name(schema).lit(".");
        }
        self.name(&table.name)
    }

    /// Appends a column, with an alias of its table in front.
    #[must_use]
    pub fn column(self, alias: &'static str, column: &str) -> Self {
        self.lit(alias).lit(".").name(column)
    }

    /// Appends a string literal.
    #[must_use]
    pub fn string(mut self, value: &str) -> Self {
        self.text.push('\'');
        for c in value.chars() {
            let backslash = matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb) && c == '\\';
            if c == '\'' || backslash {
                self.text.push(c);
            }
            self.text.push(c);
        }
        self.text.push('\'');
        self
    }

    /// Appends an integer.
    #[must_use]
    pub fn integer(mut self, value: i64) -> Self {
        // Writing to a String cannot fail.
        write!(self.text, "{value}").unwrap_or_default();
        self
    }

    /// Appends raw bytes as a literal.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        let hex = data_encoding::HEXLOWER.encode(value);
        match self.engine {
            EngineKind::Postgres => write!(self.text, "'\\x{hex}'::bytea").unwrap_or_default(),
            EngineKind::Sqlite | EngineKind::Mysql | EngineKind::Mariadb => {
                write!(self.text, "x'{hex}'").unwrap_or_default();
            }
        }
        self
    }

    /// Appends each item with `separator` between.
    #[must_use]
    pub fn list<T>(
        mut self,
        items: impl IntoIterator<Item = T>,
        separator: &'static str,
        mut each: impl FnMut(Self, T) -> Self,
    ) -> Self {
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self = self.lit(separator);
            }
            self = each(self, item);
        }
        self
    }

    /// Appends a part built before.
    #[must_use]
    pub fn part(mut self, part: &Self) -> Self {
        self.text.push_str(&part.text);
        self
    }

    /// Takes over a statement that the engine rendered itself: captured DDL out of a verified manifest or a catalogue.
    pub fn rendered(engine: EngineKind, text: impl Into<String>) -> Self {
        Self { engine, text: text.into() }
    }

    /// Appends "both are the same value, NULL included, down to storage class and bytes".
    #[must_use]
    pub fn exactly_equal(self, column: &str, left: &'static str, right: &'static str) -> Self {
        match self.engine {
            EngineKind::Sqlite => self
                .lit("(")
                .column(left, column)
                .lit(" IS ")
                .column(right, column)
                .lit(" COLLATE BINARY AND typeof(")
                .column(left, column)
                .lit(") = typeof(")
                .column(right, column)
                .lit("))"),
            EngineKind::Postgres => {
                self.column(left, column).lit("::text IS NOT DISTINCT FROM ").column(right, column).lit("::text")
            }
            EngineKind::Mysql | EngineKind::Mariadb => {
                self.lit("BINARY ").column(left, column).lit(" <=> BINARY ").column(right, column)
            }
        }
    }
}

/// The value of a table's counter, one row or none.
#[must_use]
pub fn counter(engine: EngineKind, table: &TableName) -> Option<Sql> {
    match engine {
        EngineKind::Sqlite => {
            Some(Sql::new(engine).lit("SELECT seq FROM sqlite_sequence WHERE name = ").string(&table.name))
        }
        EngineKind::Postgres | EngineKind::Mysql | EngineKind::Mariadb => None,
    }
}

/// Sets a table's counter, or forgets it.
#[must_use]
pub fn set_counter(engine: EngineKind, table: &TableName, value: Option<i64>) -> Option<Sql> {
    if engine != EngineKind::Sqlite {
        return None;
    }
    let sql = Sql::new(engine);
    Some(match value {
        Some(value) => {
            sql.lit("UPDATE sqlite_sequence SET seq = ").integer(value).lit(" WHERE name = ").string(&table.name)
        }
        None => sql.lit("DELETE FROM sqlite_sequence WHERE name = ").string(&table.name),
    })
}

/// Sets what an empty database can only be given before its first table. It has no effect on the others.
#[must_use]
pub fn set_at_birth(engine: EngineKind, name: &str, value: &str) -> Option<Sql> {
    match (engine, name) {
        (EngineKind::Sqlite, "encoding") => Some(Sql::new(engine).lit("PRAGMA encoding = ").string(value)),
        _ => None,
    }
}

/// Sets a database-wide setting out of a catalogue, where the engine has such a thing inside a transaction.
#[must_use]
pub fn set_setting(engine: EngineKind, name: &str, value: &str) -> Option<Sql> {
    let sql = Sql::new(engine);
    match (engine, name) {
        (EngineKind::Sqlite, "application_id") => {
            Some(sql.lit("PRAGMA application_id = ").integer(value.parse().ok()?))
        }
        (EngineKind::Sqlite, "user_version") => Some(sql.lit("PRAGMA user_version = ").integer(value.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_quoted() {
        let sql = Sql::new(EngineKind::Sqlite).lit("SELECT ").name("a\"b").lit(" = ").string("it's \\");
        assert_eq!(sql.text(), "SELECT \"a\"\"b\" = 'it''s \\'");
        let sql = Sql::new(EngineKind::Mysql).name("a`b").lit(" = ").string("it's \\");
        assert_eq!(sql.text(), "`a``b` = 'it''s \\\\'");
    }
}
