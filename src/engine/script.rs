//! Statements as a script for an engine's stock client: `sqlite3`, `psql` or `mysql`. What the client itself reads in a line
//! (delimiters, backslashes, the end of COPY) is minded here.

use super::sql::Sql;
use crate::model::batch::{Cell, CellKind};
use crate::model::proof::Masked;
use crate::model::schema::{Column, EngineKind, TableName};

/// An INSERT is about this long, in bytes: far below what any server refuses.
const PIECE: usize = 256 << 10;

/// SQLite takes so many rows in one VALUES without complaint.
const ROWS: usize = 500;

/// How a script begins: one transaction where the engine has such for DDL, values read as they were written, and nothing checked
/// or fired before all rows are in.
#[must_use]
pub fn head(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite => "PRAGMA foreign_keys = OFF;\nBEGIN;\n",
        EngineKind::Postgres => {
            "\\set ON_ERROR_STOP on\nBEGIN;\nSET LOCAL client_encoding = 'UTF8';\nSET LOCAL TimeZone = 'UTC';\n\
             SET LOCAL DateStyle = 'ISO, MDY';\nSET LOCAL IntervalStyle = 'postgres';\nSET LOCAL standard_conforming_strings = on;\n\
             SET LOCAL search_path = public, pg_temp;\nSET LOCAL check_function_bodies = off;\nSET LOCAL client_min_messages = warning;\n\
             SET LOCAL lc_monetary = 'C';\nSET LOCAL xmloption = 'content';\n"
        }
        EngineKind::Mysql | EngineKind::Mariadb => {
            "SET NAMES utf8mb4;\nSET @terp_sql_mode = @@SESSION.sql_mode;\nSET SESSION time_zone = '+00:00';\n\
             SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES';\n\
             SET SESSION foreign_key_checks = 0;\nSET SESSION unique_checks = 0;\n"
        }
    }
}

/// How it ends.
#[must_use]
pub fn tail(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite | EngineKind::Postgres => "COMMIT;\n",
        EngineKind::Mysql | EngineKind::Mariadb => {
            "SET SESSION unique_checks = 1;\nSET SESSION foreign_key_checks = 1;\nSET SESSION sql_mode = @terp_sql_mode;\n"
        }
    }
}

/// A statement that a server rendered, as the client has to see it. In MySQL one with a body gets a delimiter of its own.
#[must_use]
pub fn statement(engine: EngineKind, text: &str) -> String {
    let is_mysql = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
    // The setting that a routine was made with stands before it.
    let (setting, text) = match text.split_once(";\n").filter(|(first, _)| first.starts_with("SET SESSION sql_mode = "))
    {
        Some((setting, body)) if is_mysql => (format!("{setting};\n"), body),
        _ => (String::new(), text),
    };
    if is_mysql && text.contains(';') {
        return format!("{setting}DELIMITER ;;\n{text}\n;;\nDELIMITER ;\n");
    }
    // The last line may end with a comment.
    let end = if text.contains("--") || text.contains('#') { "\n;\n" } else { ";\n" };
    format!("{setting}{text}{end}")
}

/// Writes the rows of one table.
#[derive(Debug)]
pub struct Rows {
    engine: EngineKind,
    head: Vec<u8>,
    bytes: Vec<bool>,
}

impl Rows {
    /// Rows of these columns.
    #[must_use]
    pub fn new(engine: EngineKind, table: &TableName, columns: &[&Column]) -> Self {
        let names = Sql::new(engine).table(table).lit(" (");
        let names = names.list(columns, ", ", |sql, column| sql.name(&column.name)).lit(")");
        let head = match engine {
            EngineKind::Postgres => Sql::new(engine).lit("COPY ").part(&names).lit(" FROM stdin;\n"),
            _ => Sql::new(engine).lit("INSERT INTO ").part(&names).lit(" VALUES\n"),
        };
        let bytes = columns.iter().map(|column| holds_bytes(&column.declared)).collect();
        Self { engine, head: head.text().as_bytes().to_vec(), bytes }
    }

    /// Whether the client takes the COPY text of the rows as it is, between [`begin`](Self::begin) and [`end`](Self::end).
    #[must_use]
    pub fn takes_copy_text(&self) -> bool {
        self.engine == EngineKind::Postgres
    }

    /// What comes before COPY text.
    #[must_use]
    pub fn begin(&self) -> &[u8] {
        &self.head
    }

    /// What comes behind COPY text.
    #[must_use]
    pub fn end(&self) -> &'static [u8] {
        b"\\.\n"
    }

    /// Appends rows as INSERT statements.
    pub fn insert(&self, out: &mut Vec<u8>, rows: &Masked) {
        let rows = rows.rows();
        let (mut started, mut count) = (out.len(), 0);
        for row in 0..rows.rows() {
            if count == 0 {
                started = out.len();
                out.extend_from_slice(&self.head);
            } else {
                out.extend_from_slice(b",\n");
            }
            out.push(b'(');
            for column in 0..rows.columns() {
                if column > 0 {
                    out.push(b',');
                }
                self.literal(out, rows.cell(row, column), column);
            }
            out.push(b')');
            count += 1;
            if count == ROWS || out.len() - started >= PIECE || row + 1 == rows.rows() {
                out.extend_from_slice(b";\n");
                count = 0;
            }
        }
    }

    fn literal(&self, out: &mut Vec<u8>, cell: Cell<'_>, column: usize) {
        match cell.kind {
            CellKind::Null => out.extend_from_slice(b"NULL"),
            CellKind::Blob => hex(out, cell.bytes),
            CellKind::Integer => out.extend_from_slice(cell.bytes),
            CellKind::Real => real(out, cell.bytes),
            CellKind::Text if self.engine == EngineKind::Sqlite => sqlite_text(out, cell.bytes),
            CellKind::Text => match cell.bytes.strip_prefix(b"0x").filter(|_| self.bytes.get(column) == Some(&true)) {
                Some(digits) => {
                    out.extend_from_slice(b"x'");
                    out.extend_from_slice(digits);
                    out.push(b'\'');
                }
                None => mysql_text(out, cell.bytes),
            },
        }
    }
}

/// Whether the cells of a MySQL column of this type are bytes, written `0x` and digits.
fn holds_bytes(declared: &str) -> bool {
    const WORDS: [&str; 17] = [
        "bit",
        "binary",
        "varbinary",
        "tinyblob",
        "blob",
        "mediumblob",
        "longblob",
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
        "vector",
    ];
    let word: String = declared.chars().take_while(char::is_ascii_alphabetic).collect();
    WORDS.contains(&word.to_ascii_lowercase().as_str())
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"x'");
    out.extend_from_slice(data_encoding::HEXLOWER.encode(bytes).as_bytes());
    out.push(b'\'');
}

/// A real must look like one, and SQLite has no word for infinity.
fn real(out: &mut Vec<u8>, text: &[u8]) {
    match text {
        b"Inf" => out.extend_from_slice(b"9e999"),
        b"-Inf" => out.extend_from_slice(b"-9e999"),
        _ => {
            out.extend_from_slice(text);
            if !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
                out.extend_from_slice(b".0");
            }
        }
    }
}

/// Text that the client would not read as such travels as bytes: with a NUL, in no valid encoding, or with a carriage return, which it
/// takes away at the end of a line.
fn sqlite_text(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().any(|byte| matches!(byte, 0 | b'\r')) || std::str::from_utf8(bytes).is_err() {
        out.extend_from_slice(b"CAST(");
        hex(out, bytes);
        return out.extend_from_slice(b" AS TEXT)");
    }
    out.push(b'\'');
    for &byte in bytes {
        if byte == b'\'' {
            out.push(b'\'');
        }
        out.push(byte);
    }
    out.push(b'\'');
}

fn mysql_text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'\'');
    for &byte in bytes {
        match byte {
            0 => out.extend_from_slice(b"\\0"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x1A => out.extend_from_slice(b"\\Z"),
            b'\'' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::Batch;

    fn column(declared: &str) -> Column {
        Column {
            name: "c\"`".into(),
            declared: declared.into(),
            family: crate::model::schema::Family::Any,
            length: None,
            nullable: true,
            default: None,
            generated: false,
            collation: None,
            comment: None,
        }
    }

    fn written(engine: EngineKind, declared: &str, cells: &[Cell<'_>]) -> String {
        let column = column(declared);
        let mut batch = Batch::new(1);
        for cell in cells {
            batch.push(*cell);
        }
        let mut out = Vec::new();
        Rows::new(engine, &TableName::plain("t"), &[&column]).insert(&mut out, &Masked::vouch(batch));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_quoted_as_each_client_reads_them() {
        let cells = [
            Cell::NULL,
            Cell::text("it's \\ a\nb"),
            Cell { kind: CellKind::Real, bytes: b"5" },
            Cell { kind: CellKind::Real, bytes: b"-Inf" },
            Cell { kind: CellKind::Blob, bytes: &[0xab] },
            Cell::text("a\0b"),
        ];
        assert_eq!(
            written(EngineKind::Sqlite, "TEXT", &cells),
            "INSERT INTO \"t\" (\"c\"\"`\") VALUES\n(NULL),\n('it''s \\ a\nb'),\n(5.0),\n(-9e999),\n(x'ab'),\n(CAST(x'610062' AS TEXT));\n"
        );
        assert_eq!(
            written(EngineKind::Mysql, "text", &[Cell::text("it's \\ a\nb\0"), Cell::text("0xab")]),
            "INSERT INTO `t` (`c\"```) VALUES\n('it\\'s \\\\ a\\nb\\0'),\n('0xab');\n"
        );
        assert_eq!(
            written(EngineKind::Mariadb, "varbinary(9)", &[Cell::text("0xab"), Cell::text("0x"), Cell::NULL]),
            "INSERT INTO `t` (`c\"```) VALUES\n(x'ab'),\n(x''),\n(NULL);\n"
        );
    }

    #[test]
    fn statements_are_ended_so_that_the_client_sees_the_end() {
        assert_eq!(statement(EngineKind::Sqlite, "CREATE TABLE t (a) -- end"), "CREATE TABLE t (a) -- end\n;\n");
        assert_eq!(statement(EngineKind::Postgres, "CREATE TABLE t (a int)"), "CREATE TABLE t (a int);\n");
        let trigger = "SET SESSION sql_mode = 'X';\nCREATE TRIGGER `x` BEGIN SELECT 1; END";
        let wanted =
            "SET SESSION sql_mode = 'X';\nDELIMITER ;;\nCREATE TRIGGER `x` BEGIN SELECT 1; END\n;;\nDELIMITER ;\n";
        assert_eq!(statement(EngineKind::Mysql, trigger), wanted);
    }

    #[test]
    fn many_rows_become_several_statements() {
        let rows: Vec<Cell<'_>> = (0..1200).map(|_| Cell::text("x")).collect();
        let text = written(EngineKind::Sqlite, "TEXT", &rows);
        assert_eq!(text.matches("INSERT INTO").count(), 3);
        assert_eq!(text.matches("('x')").count(), 1200);
    }
}
