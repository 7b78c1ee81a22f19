//! Rows into a table: LOAD DATA LOCAL where the server allows it and there are more than a few, else INSERT.

use super::read::hex;
use super::session::{Loaded, Session};
use super::{explain, insert};
use crate::engine::LoadTable;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use crate::model::copytext::{MYSQL_ESCAPES, write_escaped};
use crate::model::mark;
use crate::model::proof::Checked;
use crate::model::schema::EngineKind;
use mysql_async::ServerError;
use std::borrow::Borrow;
use tokio::sync::mpsc::channel;

/// From this many rows on, LOAD DATA is worth its extra round trip.
const MANY: usize = 100;
/// Bytes sent at a time; no server takes less.
const PACKET: usize = 1 << 20;
/// Encoded parts that may wait for the server.
const AHEAD: usize = 4;

/// What the server takes.
#[derive(Default)]
pub(super) struct Limits {
    /// Whether it takes LOAD DATA LOCAL.
    local_infile: Option<bool>,
    /// The longest statement, in bytes.
    longest: Option<usize>,
    /// Whether the last table took LOAD DATA.
    pub(super) used_load_data: bool,
}

impl Limits {
    fn local_infile(&mut self, session: &mut Session) -> Result<bool> {
        let allowed = match self.local_infile {
            Some(allowed) => allowed,
            None => session.text("SELECT @@local_infile")?.as_deref() == Some("1"),
        };
        self.local_infile = Some(allowed);
        Ok(allowed)
    }

    fn longest(&mut self, session: &mut Session) -> Result<usize> {
        let longest = match self.longest {
            Some(longest) => longest,
            None => session.text("SELECT @@max_allowed_packet")?.and_then(|text| text.parse().ok()).unwrap_or(1 << 20),
        };
        self.longest = Some(longest);
        Ok(longest)
    }
}

/// Puts in all of `rows`. One LOAD DATA takes them while they come: its end is the only answer that is waited for.
pub(super) fn rows<R: Borrow<Checked>>(
    session: &mut Session,
    limits: &mut Limits,
    into: &LoadTable,
    rows: &mut (impl Iterator<Item = Result<R>> + ?Sized),
) -> Result<u64> {
    let shape = |rows: &R| {
        let fits = rows.borrow().rows().columns() == into.columns.len();
        if fits { Ok(()) } else { Err(Error::internal("a batch has another number of columns than its load")) }
    };
    refuse_lasting(session, into)?;
    let sql = Sql::new(EngineKind::Mysql).lit("SELECT ").list(&into.columns, ", ", |sql, name| sql.name(name));
    let bytes = session.byte_columns(sql.lit(" FROM ").table(&into.table).lit(" LIMIT 0").text())?;
    let (mut first, mut few, mut bytes_ahead) = (Vec::new(), 0, 0);
    while few <= MANY {
        let Some(part) = rows.next().transpose()? else { break };
        shape(&part)?;
        few += part.borrow().rows().rows();
        bytes_ahead = bytes_ahead.max(part.borrow().rows().len_bytes());
        first.push(part);
    }
    let rest = rows.map(|part| part.and_then(|part| shape(&part).map(|()| part)));
    let mut all = first.into_iter().map(Ok).chain(rest);
    let longest = limits.longest(session)?;
    // A statement may be twice as long as its cells.
    let is_much = few > MANY || 2 * bytes_ahead + 4096 > longest;
    limits.used_load_data = is_much && limits.local_infile(session)?;
    if limits.used_load_data {
        return load_data(session, into, &bytes, &mut all);
    }
    let names = into.columns.iter().chain(into.constants.iter().map(|(name, _)| name));
    let names = Sql::new(EngineKind::Mysql).table(&into.table).lit(" (").list(names, ", ", |sql, name| sql.name(name));
    let names = names.lit(")");
    let mut inserted = 0;
    for part in all {
        inserted += insert::rows(session, &names, part?.borrow().rows(), &bytes, into, longest)?;
    }
    Ok(inserted)
}

/// A table of a storage engine without transactions would keep the rows of a restore that failed. A template goes as a whole then.
fn refuse_lasting(session: &mut Session, into: &LoadTable) -> Result<()> {
    if mark::is_own_table(&into.table.name) {
        return Ok(());
    }
    let sql = Sql::new(EngineKind::Mysql)
        .lit("SELECT e.ENGINE FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE ")
        .lit("WHERE e.TRANSACTIONS <> 'YES' AND DATABASE() NOT LIKE 'terp\\_t\\_%' ")
        .lit("AND t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ")
        .string(&into.table.name);
    match session.text(sql.text())? {
        None => Ok(()),
        Some(engine) => Err(Error::rejected(format!("the storage engine {engine} cannot take rows back"))
            .hint("Turn the table into InnoDB, or leave it out with --table. Nothing was changed.")),
    }
}

/// Feeds one LOAD DATA statement from here while another thread waits for the server.
fn load_data<R: Borrow<Checked>>(
    session: &mut Session,
    into: &LoadTable,
    bytes: &[bool],
    rows: &mut dyn Iterator<Item = Result<R>>,
) -> Result<u64> {
    let statement = statement(into, bytes);
    let (mut sent, mut fed) = (0, Ok(()));
    let loaded = std::thread::scope(|scope| {
        let (feed, data) = channel(AHEAD);
        let loading = scope.spawn(|| session.load(statement.text(), data));
        for part in rows {
            let encoded = part.and_then(|part| {
                sent += part.borrow().rows().rows() as u64;
                encode(part.borrow().rows(), into, bytes)
            });
            match encoded {
                Ok(data) => {
                    // A packet takes only so much. Once the loader is gone, it says why.
                    if data.chunks(PACKET).any(|piece| feed.blocking_send(piece.to_vec()).is_err()) {
                        break;
                    }
                }
                Err(error) => {
                    fed = Err(error);
                    break;
                }
            }
        }
        drop(feed);
        loading.join().unwrap_or_else(|_| Err(Error::internal("a worker thread stopped unexpectedly")))
    });
    // Rows that went in before an error here go with the transaction.
    fed?;
    let loaded = loaded?.map_err(|error| explain::statement(&error))?;
    refuse_warnings(session, &loaded)?;
    if loaded.changed == sent {
        return Ok(sent);
    }
    Err(Error::rejected(format!("the server took {} of {sent} rows", loaded.changed)))
}

/// LOCAL turns errors into warnings; here they stay errors.
fn refuse_warnings(session: &mut Session, loaded: &Loaded) -> Result<()> {
    if loaded.warnings == 0 {
        return Ok(());
    }
    for row in session.rows("SHOW WARNINGS")? {
        let [Some(level), Some(code), Some(message)] = row.as_slice() else { continue };
        if level != "Note" {
            let error =
                ServerError { code: code.parse().unwrap_or_default(), message: message.clone(), state: String::new() };
            return Err(explain::statement(&mysql_async::Error::Server(error)));
        }
    }
    Ok(())
}

fn encode(rows: &Batch, into: &LoadTable, bytes: &[bool]) -> Result<Vec<u8>> {
    let mut data = Vec::with_capacity(rows.len_bytes() + rows.len_bytes() / 8 + 2 * rows.rows() * rows.columns());
    for row in 0..rows.rows() {
        for (column, &is_bytes) in bytes.iter().enumerate() {
            if column > 0 {
                data.push(b'\t');
            }
            let cell = rows.cell(row, column);
            match cell.kind {
                CellKind::Null => data.extend_from_slice(b"\\N"),
                CellKind::Blob => hex(&mut data, cell.bytes),
                _ if is_bytes => data.extend_from_slice(digits(cell.bytes, into, column)?),
                _ => write_escaped(&mut data, cell.bytes, &MYSQL_ESCAPES),
            }
        }
        data.push(b'\n');
    }
    Ok(data)
}

fn statement(into: &LoadTable, bytes: &[bool]) -> Sql {
    let sql = Sql::new(EngineKind::Mysql).lit("LOAD DATA LOCAL INFILE 'rows' INTO TABLE ").table(&into.table);
    let sql =
        sql.lit(" CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (");
    let sql = sql.list(into.columns.iter().enumerate(), ", ", |sql, (at, name)| {
        if bytes[at] { sql.lit("@b").integer(i64::try_from(at).unwrap_or_default()) } else { sql.name(name) }
    });
    let mut sql = sql.lit(")");
    let mut word = " SET ";
    for at in (0..into.columns.len()).filter(|&at| bytes[at]) {
        sql = sql
            .lit(word)
            .name(&into.columns[at])
            .lit(" = UNHEX(@b")
            .integer(i64::try_from(at).unwrap_or_default())
            .lit(")");
        word = ", ";
    }
    for (name, value) in &into.constants {
        sql = sql.lit(word).name(name).lit(" = ").string(value);
        word = ", ";
    }
    sql
}

/// The hex digits of a cell of raw bytes, behind their `0x`.
pub(super) fn digits<'a>(cell: &'a [u8], into: &LoadTable, column: usize) -> Result<&'a [u8]> {
    let digits =
        cell.strip_prefix(b"0x").filter(|digits| digits.len() % 2 == 0 && digits.iter().all(u8::is_ascii_hexdigit));
    digits.ok_or_else(|| {
        Error::rejected(format!(
            "column {} holds bytes, but a cell of it is not 0x and hex digits",
            into.columns[column]
        ))
    })
}
