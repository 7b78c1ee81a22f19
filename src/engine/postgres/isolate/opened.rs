//! A clone that is open: what is known of its tables, so that a reset need not look at the catalogue, and the ladder.

use super::super::catalog::{cell, table_name};
use super::super::session::Session;
use super::super::{Postgres, explain};
use super::look;
use super::shape;
use super::undo::{self, Stop};
use crate::engine::isolate::{Done, How, Outcome, Pristine, Resettable, Rung};
use crate::error::{Error, Kind, Result};
use crate::model::schema::TableName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Rows of the journal that were taken out leave holes, which every look reads. After so many they are cleared away.
const HOLES: u64 = 1000;

/// How long a session that is ended may take to go.
const GOING: Duration = Duration::from_secs(5);

/// A clone.
pub(super) struct Opened {
    pub(super) postgres: Postgres,
    pub(super) tables: BTreeMap<String, Known>,
    /// What puts each sequence back.
    pub(super) sequences: BTreeMap<String, String>,
    /// Materialised views: name and digest.
    pub(super) views: Vec<(String, String)>,
    /// Tables whose statements are prepared.
    pub(super) prepared: BTreeSet<String>,
    /// Whether this account can keep triggers and foreign keys of others still.
    pub(super) is_replica: bool,
    /// The state of the whole server when nothing was dirty, if nobody was writing.
    clean_at: Option<String>,
    /// How long the session waits for locks.
    wait: Option<Duration>,
    /// Rows taken out of the journal since it was cleared.
    holes: u64,
}

/// A table, as the template knows it. Names and lists are the server's own spelling.
#[expect(clippy::struct_excessive_bools, reason = "facts about a table, any of which may hold")]
pub(super) struct Known {
    pub(super) name: TableName,
    pub(super) spelled: String,
    /// `ONLY ` where the table is not partitioned.
    pub(super) reach: String,
    pub(super) columns: String,
    pub(super) cells: String,
    /// The key's columns out of a row, and a condition that finds the row by them; empty where there is no key.
    pub(super) keys: String,
    pub(super) matching: String,
    /// Of how many columns the key is.
    pub(super) width: usize,
    /// What changes the other columns of a row into those of another one.
    pub(super) sets: String,
    pub(super) image: String,
    /// Its rows are not recorded, only that something happened.
    pub(super) marked: bool,
    pub(super) inherited: bool,
    /// Whether foreign keys refer to it.
    pub(super) referenced: bool,
    /// Whether triggers or rules of the application act on it, and in replicas, too.
    pub(super) fires: bool,
    pub(super) fires_always: bool,
    pub(super) digest: String,
}

/// Opens a clone.
pub(super) fn open(mut session: Session) -> Result<Opened> {
    let made = session.rows(
        "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'terp_fixtures' \
         AND pg_catalog.obj_description(oid, 'pg_namespace') = 'terp-fixtures isolation 1'",
    )?;
    if made.is_empty() {
        return Err(Error::drift("it is not a clone that this version made: the row journal is missing"));
    }
    let tables = tables(&mut session)?;
    let sequences = session.rows(
        "SELECT id, spelled, last_value, is_called, pg_catalog.format('SELECT pg_catalog.setval(%s::pg_catalog.regclass, %s, %L)', \
         id, last_value, is_called) FROM terp_fixtures.sequences ORDER BY id",
    )?;
    let views = session.rows("SELECT spelled, digest FROM terp_fixtures.views ORDER BY id")?;
    let views = views.iter().map(|row| (cell(row, 0).to_owned(), cell(row, 1).to_owned())).collect();
    let scope = shape::Scope::read(&mut session)?;
    let shape = session.rows(shape::REMEMBERED)?.into_iter().flatten().flatten().next().unwrap_or_default();
    session.run(&look::prepare(&scope, &sequences, &shape))?;
    session.run(undo::PREPARE)?;
    // For the whole session, because the server forgets all its plans when that changes.
    let is_replica = session.attempt("SET session_replication_role = replica")?.is_ok();
    session.run("SET terp_fixtures.quiet = 'on'")?;
    let sequences = sequences.iter().map(|row| (cell(row, 0).to_owned(), cell(row, 4).to_owned())).collect();
    let (prepared, clean_at, wait, holes) = (BTreeSet::new(), None, None, 0);
    let postgres = Postgres::new(session);
    let mut opened = Opened { postgres, tables, sequences, views, prepared, is_replica, clean_at, wait, holes };
    match look::look(&mut opened)? {
        Ok(_) => Ok(opened),
        Err(why) => Err(Error::drift(why)),
    }
}

fn tables(session: &mut Session) -> Result<BTreeMap<String, Known>> {
    let rows = session.rows(
        "SELECT root, schema, name, spelled, reach, columns, cells, keys, matching, image, marked, inherited, fires, fires_always, digest, width, \
         coalesce(sets, ''), referenced \
         FROM terp_fixtures.tables",
    )?;
    let tables = rows.iter().map(|row| {
        let text = |at| cell(row, at).to_owned();
        let is = |at| cell(row, at) == "t";
        let known = Known {
            name: table_name(cell(row, 1), cell(row, 2)),
            spelled: text(3),
            reach: text(4),
            columns: text(5),
            cells: text(6),
            keys: text(7),
            matching: text(8),
            image: text(9),
            marked: is(10),
            inherited: is(11),
            fires: is(12),
            fires_always: is(13),
            digest: text(14),
            width: cell(row, 15).parse().unwrap_or_default(),
            sets: text(16),
            referenced: is(17),
        };
        (text(0), known)
    });
    Ok(tables.collect())
}

impl Opened {
    pub(super) fn session(&mut self) -> &mut Session {
        &mut self.postgres.session
    }

    /// Nobody's lock is waited for without end, not even one on what is only looked at.
    fn bound_waits(&mut self, wait: Duration) -> Result<()> {
        if self.wait == Some(wait) {
            return Ok(());
        }
        let millis = wait.as_millis().clamp(1, 2_147_483_647);
        self.session().run(&format!("SET lock_timeout = {millis}"))?;
        self.wait = Some(wait);
        Ok(())
    }

    /// The ladder, once.
    fn once(&mut self, how: &How, pristine: &mut dyn Pristine) -> std::result::Result<Done, Stop> {
        if let Some(state) = self.clean_at.take().filter(|_| how.from <= Rung::Journal)
            && look::is_unchanged(self, &state)?
        {
            self.clean_at = Some(state);
            return Ok(Done::nothing());
        }
        let found = look::look(self)?.map_err(Stop::Spoiled)?;
        if found.is_clean() && how.from <= Rung::Journal {
            self.clean_at = found.quiet_state();
            return Ok(Done::nothing());
        }
        let done = undo::all(self, how, &found, pristine);
        if done.is_err() && !self.session().is_broken() && self.session().cancel.check().is_ok() {
            self.session().run("ROLLBACK")?;
            self.forget_statements()?;
        }
        let done = done?;
        self.clear(done.rows)?;
        Ok(done)
    }

    /// After an error it is not known which of a table's statements were prepared.
    fn forget_statements(&mut self) -> Result<()> {
        self.prepared.clear();
        let session = self.session();
        let forget = session.rows(
            "SELECT pg_catalog.format('DEALLOCATE %I', name) FROM pg_catalog.pg_prepared_statements \
             WHERE name ~ '^terp_fixtures_(out|in)_'",
        )?;
        let forget: Vec<String> = forget.into_iter().flatten().flatten().collect();
        if forget.is_empty() { Ok(()) } else { session.run(&forget.join("; ")).map(drop) }
    }

    /// Ends sessions of the clone that are idle in a transaction, and says how many.
    fn end_idle(&mut self) -> Result<usize> {
        let end = format!(
            "SELECT pg_catalog.pg_terminate_backend(pid, {}) FROM pg_catalog.pg_stat_activity \
             WHERE datname = pg_catalog.current_database() AND state LIKE 'idle in transaction%' AND pid <> pg_catalog.pg_backend_pid()",
            GOING.as_millis()
        );
        match self.session().answers(&end)? {
            Ok(rows) => Ok(rows.len()),
            Err(error) if explain::code(&error).as_deref() == Some("42501") => Ok(0),
            Err(error) => Err(explain::statement(&error)),
        }
    }

    fn clear(&mut self, rows: u64) -> Result<()> {
        self.holes += rows;
        if self.holes > HOLES {
            // Where somebody is at it already there is no need.
            drop(self.session().attempt("VACUUM terp_fixtures.journal")?);
            self.session().run("TRUNCATE pg_temp.terp_fixtures_net")?;
            self.holes = 0;
        }
        Ok(())
    }
}

impl Resettable for Opened {
    fn reset(&mut self, how: &How, pristine: &mut dyn Pristine) -> Result<Outcome> {
        if how.from == Rung::Clone {
            return Ok(Outcome::Spoiled("a new clone was asked for".to_owned()));
        }
        self.bound_waits(how.wait)?;
        let mut notes = Vec::new();
        for is_last in [false, true] {
            match self.once(how, pristine) {
                Ok(mut done) => {
                    notes.append(&mut done.notes);
                    return Ok(Outcome::Done(Done { notes, ..done }));
                }
                Err(Stop::Busy) if !is_last => {
                    let ended = self.end_idle()?;
                    if ended > 0 {
                        let (sessions, were) = if ended == 1 { ("session", "was") } else { ("sessions", "were") };
                        notes.push(format!("{ended} {sessions} idle in a transaction {were} ended"));
                    }
                }
                Err(Stop::Busy) => break,
                Err(Stop::Spoiled(why)) => return Ok(Outcome::Spoiled(why)),
                Err(Stop::Fatal(error)) if fails(&error) => return Err(error),
                Err(Stop::Fatal(error)) => return Ok(Outcome::Spoiled(error.what().to_owned())),
            }
        }
        let wait = how.wait.as_millis();
        Ok(Outcome::Spoiled(format!("somebody held a lock in the clone for more than {wait} ms")))
    }
}

/// Errors that a new clone does not mend.
fn fails(error: &Error) -> bool {
    matches!(error.kind(), Kind::Interrupted | Kind::Unreachable)
}
