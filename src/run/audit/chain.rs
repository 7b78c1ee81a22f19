//! The chain inside a target: a table with one line per restore and rollback, in the transaction of the rows. Whoever can write to
//! the target can rewrite it, so the store's trail says after each deed where the chain stood.

use super::{Recorded, entry, random_id};
use crate::codec;
use crate::engine::sql::{self, Sql};
use crate::engine::{Query, Source, Target};
use crate::error::{Error, Result};
use crate::model::audit::{Actor, Anchor, Deed, Head};
use crate::model::mark;
use crate::model::schema::{Catalogue, EngineKind};

const COLUMNS: [&str; 3] = ["seq", "hash", "line"];

/// A row of the chain as it lies in the target; nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub seq: i64,
    /// The hash that stands beside the line.
    pub hash: String,
    /// The line.
    pub line: String,
}

/// Whether a target has a chain.
#[must_use]
pub fn is_there(live: &Catalogue) -> bool {
    live.own.tables.iter().any(|table| table == mark::AUDIT_TABLE)
}

/// Appends a deed, in the caller's transaction. A chain whose last line was tampered with goes on, in a chain of another id, and
/// `audit verify` tells.
pub(in crate::run) fn append(target: &mut dyn Target, who: Actor, deed: Deed) -> Result<Anchor> {
    create(target)?;
    let last = read(target, true)?.pop();
    let known = last.as_ref().and_then(|row| codec::audit::decode(row.line.as_bytes()).ok());
    let chain = known.map_or_else(random_id, |entry| Ok(entry.chain))?;
    let before = last.map_or_else(Head::default, |row| Head {
        seq: u64::try_from(row.seq).unwrap_or(0),
        heads: vec![codec::audit::hash(row.line.as_bytes())],
    });
    let entry = entry(&chain, who, &before, deed)?;
    let line = codec::audit::encode(&entry)?;
    let hash = codec::audit::hash(&line);
    let seq = i64::try_from(entry.seq).map_err(|_| Error::internal("the chain has too many entries"))?;
    let sql = Sql::new(target.engine()).lit("INSERT INTO ").name(mark::AUDIT_TABLE).lit(" (seq, hash, line) VALUES (");
    let sql = sql.integer(seq).lit(", ").string(&hash).lit(", ").string(&String::from_utf8_lossy(&line)).lit(")");
    target.execute(&sql)?;
    Ok(Anchor { chain, seq: entry.seq, hash, closed: false })
}

fn create(target: &mut dyn Target) -> Result<()> {
    let engine = target.engine();
    let sql = Sql::new(engine)
        .lit("CREATE TABLE IF NOT EXISTS ")
        .name(mark::AUDIT_TABLE)
        .lit(" (seq BIGINT NOT NULL PRIMARY KEY, hash VARCHAR(64) NOT NULL, line")
        .lit(match engine {
            EngineKind::Sqlite | EngineKind::Postgres => " TEXT NOT NULL)",
            EngineKind::Mysql | EngineKind::Mariadb => " LONGTEXT NOT NULL)",
        })
        .lit(sql::own_table_options(engine));
    target.execute(&sql).map(drop)
}

/// Takes the chain out with the last run.
pub(in crate::run) fn drop_with_last_run(target: &mut dyn Target) -> Result<()> {
    target.execute(&Sql::new(target.engine()).lit("DROP TABLE ").name(mark::AUDIT_TABLE)).map(drop)
}

/// The chain of a target, oldest first; empty where there is none.
///
/// # Errors
/// Kind `Unreachable` when the target cannot be read.
pub fn rows(target: &mut dyn Target) -> Result<Vec<Row>> {
    let live = target.catalogue()?;
    if is_there(&live) { read(target, false) } else { Ok(Vec::new()) }
}

fn read<S: Source + ?Sized>(target: &mut S, only_last: bool) -> Result<Vec<Row>> {
    let sql = Sql::new(target.engine())
        .lit("SELECT ")
        .list(COLUMNS, ", ", crate::engine::sql::Sql::name)
        .lit(" FROM ")
        .name(mark::AUDIT_TABLE)
        .lit(" ORDER BY seq")
        .lit(if only_last { " DESC LIMIT 1" } else { "" });
    let mut rows = Vec::new();
    target.read(&Query { sql, columns: COLUMNS.len() }, &mut |batch| {
        for row in 0..batch.rows() {
            let text = |column| String::from_utf8_lossy(batch.cell(row, column).bytes).into_owned();
            rows.push(Row { seq: text(0).parse().unwrap_or_default(), hash: text(1), line: text(2) });
        }
        Ok(())
    })?;
    Ok(rows)
}

/// The entries of rows that can be read.
#[must_use]
pub fn readable(rows: &[Row]) -> Vec<Recorded> {
    let recorded = |row: &Row| {
        let entry = codec::audit::decode(row.line.as_bytes()).ok()?;
        Some(Recorded { hash: row.hash.clone(), line: row.line.clone(), entry })
    };
    rows.iter().filter_map(recorded).collect()
}
