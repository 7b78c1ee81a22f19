//! The quarantine of a run: which rows of the snapshot the target does not take, and which of its rules each breaks. A row is
//! named by its table and its ordinal in the snapshot's stream; no value is written down anywhere.
//!
//! It lies in the target, in the transaction of the rows that went in, so that it says the same as long as they are there.

use super::Context;
use super::state::positive;
use crate::codec::csv;
use crate::engine::sql::{self, Sql};
use crate::engine::{Query, Target};
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::{EngineKind, TableName};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What becomes of a row that breaks a rule of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Nothing at all is changed.
    Abort,
    /// It is left out and named; the others go in.
    Skip,
}

/// The rules that a row can break, and what breaks them.
pub const RULES: [(&str, &str); 9] = [
    ("not null", "NULL in a column that takes none"),
    ("length", "a text or a number that is longer than its column, or a key longer than its index"),
    (
        "type",
        "a value that the column cannot read: a label that the enum has not, a number out of range, a malformed date",
    ),
    ("unique", "a value that must be unique, and that a row of the target or an earlier row of the snapshot has"),
    ("exclusion", "an exclusion constraint, against the target or an earlier row of the snapshot"),
    ("check", "a CHECK constraint, a domain's, or a partition that is not there"),
    ("foreign key", "a reference to a row that is neither in the target nor goes in"),
    ("conflict", "another row of the target has its primary key, and --on-conflict is fail"),
    ("rule", "a trigger, a rule or a function of the database refuses or drops it"),
];

/// How many rows of a quarantine are kept in memory for the answer. The others are counted, and in the file.
pub const SHOWN: usize = 100_000;

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its table.
    pub table: String,
    /// Its number in the table's stream, from 0.
    pub ordinal: u64,
    /// The kind of rule that it breaks, one of [`RULES`].
    pub kind: String,
    /// The constraint's or column's name, as the server says it; empty where it has none.
    pub constraint: String,
}

const COLUMNS: [&str; 5] = ["run_id", "table_name", "row_ordinal", "kind", "constraint_name"];

fn table() -> TableName {
    TableName::plain(mark::QUARANTINE_TABLE)
}

/// Makes the quarantine where there is none.
pub(super) fn create(target: &mut dyn Target) -> Result<()> {
    let engine = target.engine();
    let text = match engine {
        EngineKind::Sqlite | EngineKind::Postgres => " TEXT NOT NULL",
        EngineKind::Mysql | EngineKind::Mariadb => " LONGTEXT NOT NULL",
    };
    let sql = Sql::new(engine)
        .lit("CREATE TABLE IF NOT EXISTS ")
        .table(&table())
        .lit(" (run_id VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL, row_ordinal BIGINT NOT NULL, ")
        .lit("kind VARCHAR(20) NOT NULL, constraint_name")
        .lit(text)
        .lit(", PRIMARY KEY (run_id, table_name, row_ordinal))")
        .lit(sql::own_table_options(engine));
    target.execute(&sql).map(drop)
}

fn insert(engine: EngineKind) -> Sql {
    Sql::new(engine).lit("INSERT INTO ").table(&table()).lit(" (").list(COLUMNS, ", ", Sql::name).lit(")")
}

/// Writes rows down: their ordinals, each with its rule and the name of it.
pub(super) fn add(target: &mut dyn Target, (run, name): (&str, &TableName), rows: &[(u64, &str, &str)]) -> Result<()> {
    let name = name.to_string();
    for rows in rows.chunks(200) {
        let sql = insert(target.engine()).lit(" VALUES ").list(rows, ", ", |sql, (ordinal, kind, constraint)| {
            let sql = sql.lit("(").list([run, &name], ", ", Sql::string).lit(", ").integer(signed(*ordinal));
            sql.lit(", ").list([kind, constraint], ", ", |sql, text| sql.string(text)).lit(")")
        });
        target.execute(&sql)?;
    }
    Ok(())
}

/// Writes the rows of a stage down for which `condition` on `s` holds, all with one rule.
pub(super) fn add_staged(
    target: &mut dyn Target,
    (run, name): (&str, &TableName),
    (stage, condition): (&TableName, &Sql),
    (kind, constraint): (&str, &str),
) -> Result<u64> {
    let sql = insert(target.engine()).lit(" SELECT ").list([run, &name.to_string()], ", ", Sql::string).lit(", ");
    let sql = sql.column("s", mark::ORDINAL_COLUMN).lit(", ").list([kind, constraint], ", ", Sql::string);
    target.execute(&sql.lit(" FROM ").table(stage).lit(" s WHERE ").part(condition))
}

/// How many rows of a table break each rule, by kind and name.
pub(super) fn counts(target: &mut dyn Target, (run, name): (&str, &TableName)) -> Result<Vec<(String, String, u64)>> {
    let sql = Sql::new(target.engine()).lit("SELECT kind, constraint_name, count(*) FROM ").table(&table());
    let sql = sql.lit(" WHERE run_id = ").string(run).lit(" AND table_name = ").string(&name.to_string());
    let sql = sql.lit(" GROUP BY kind, constraint_name ORDER BY kind, constraint_name");
    let mut counts = Vec::new();
    target.read(&Query { sql, columns: 3 }, &mut |batch| {
        for row in 0..batch.rows() {
            let text = |column| String::from_utf8_lossy(batch.cell(row, column).bytes).into_owned();
            counts.push((text(0), text(1), positive(text(2).parse().map_err(|_| damaged())?)?));
        }
        Ok(())
    })?;
    Ok(counts)
}

/// A quarantine as it is told: to the answer, and to a file.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The first rows.
    pub(super) rows: Vec<Quarantined>,
    /// All of them.
    file: Option<Partial>,
}

impl Told {
    /// Gives the file its name. Before, nobody takes it for the report of a run that is there; from now on the run is, so a file
    /// that cannot get its name stays under the one that it has.
    pub(super) fn publish(self, context: &Context<'_>) -> Vec<Quarantined> {
        if let Some(mut partial) = self.file {
            if let Err(error) = std::fs::rename(&partial.written, &partial.path) {
                let (path, written) = (partial.path.display(), partial.written.display());
                let what = format!("the quarantine could not be named {path}: {error}");
                context.warn(what, Some(format!("It is complete, and lies in {written}.")));
            }
            partial.published = true;
        }
        self.rows
    }
}

/// A file that is written but does not have its name yet.
#[derive(Debug)]
struct Partial {
    written: PathBuf,
    path: PathBuf,
    published: bool,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            // Only litter beside the report that was asked for.
            std::fs::remove_file(&self.written).unwrap_or_default();
        }
    }
}

fn damaged() -> Error {
    Error::rollback("the quarantine in the target is damaged")
        .hint("Somebody edited terp_fixtures_quarantine. Roll the run back and restore it again.")
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    Error::usage(format!("cannot write the quarantine to {}", path.display()))
        .caused_by(error)
        .hint("Name another file with --quarantine. Nothing was changed.")
}

/// Reads the quarantine of a run, in the order of tables and ordinals; none where `is_there` says so. Writes all of it to
/// `file` too, where one is given.
pub(super) fn tell(target: &mut dyn Target, run: &str, is_there: bool, file: Option<&Path>) -> Result<Told> {
    let mut told = Told::default();
    let mut out = match file {
        None => None,
        Some(path) => {
            let mut written = path.as_os_str().to_owned();
            written.push(".partial");
            let written = PathBuf::from(written);
            let opened = std::fs::File::create(&written).map_err(|error| cannot_write(path, error))?;
            told.file = Some(Partial { written, path: path.to_owned(), published: false });
            Some((std::io::BufWriter::new(opened), path))
        }
    };
    let mut line = |cells: &[String]| {
        let Some((out, path)) = &mut out else { return Ok(()) };
        let mut bytes = Vec::new();
        csv::write_head(&mut bytes, cells);
        out.write_all(&bytes).map_err(|error| cannot_write(path, error))
    };
    line(&["table", "ordinal", "kind", "constraint"].map(str::to_owned))?;
    if is_there {
        let sql = Sql::new(target.engine()).lit("SELECT ").list(&COLUMNS[1..], ", ", |sql, name| sql.name(name));
        let sql = sql.lit(" FROM ").table(&table()).lit(" WHERE run_id = ").string(run);
        let sql = sql.lit(" ORDER BY table_name, row_ordinal");
        target.read(&Query { sql, columns: 4 }, &mut |batch| {
            for row in 0..batch.rows() {
                let cells = [0, 1, 2, 3].map(|at| String::from_utf8_lossy(batch.cell(row, at).bytes).into_owned());
                line(&cells)?;
                if told.rows.len() < SHOWN {
                    let [table, ordinal, kind, constraint] = cells;
                    let ordinal = ordinal.parse().map_err(|_| damaged())?;
                    told.rows.push(Quarantined { table, ordinal, kind, constraint });
                }
            }
            Ok(())
        })?;
    }
    if let Some((mut out, path)) = out {
        out.flush().map_err(|error| cannot_write(path, error))?;
    }
    Ok(told)
}

/// An ordinal as databases count.
pub(super) fn signed(ordinal: u64) -> i64 {
    i64::try_from(ordinal).unwrap_or(i64::MAX)
}
