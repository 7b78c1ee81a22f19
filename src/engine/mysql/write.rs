//! Rows and statements into MySQL and MariaDB.
//!
//! Rows go through one transaction. A change of shape would commit it, so it takes another connection and the journal:
//! what is made comes at once, what is destroyed waits for the commit. The transaction begins with the first change of a
//! row, so that changes of shape before it meet no lock of ours.

use super::journal;
use super::objects;
use super::session::Session;
use super::shape::{self, Shape};
use super::{ddl, explain, grants, load};
use crate::engine::sql::{self, Sql};
use crate::engine::{Enforce, LoadTable, Savepoint};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::mark;
use crate::model::proof::Checked;
use crate::model::schema::{Catalogue, EngineKind, TableName};
use std::borrow::Borrow;
use std::collections::HashSet;
use std::time::Duration;

const ROLL_BACK_FIRST: &str = "This run's own rows may be what it waits for: roll the earlier run back first \
    (terp-fixtures rollback), then restore.";

/// What becomes of changes of shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Changes {
    /// The journal knows how to undo them.
    #[default]
    Journalled,
    /// They fill a staging place, which is thrown away as a whole.
    Aside,
    /// Every statement stands by itself: nothing is ever taken back.
    AtOnce,
}

/// What is under way between the begin and the end.
#[derive(Default)]
pub(super) struct Work {
    /// The connection for changes of shape.
    pub(super) side: Option<Session>,
    /// What becomes of changes of shape.
    pub(super) changes: Changes,
    /// Whether the transaction has begun.
    started: bool,
    /// Whether a statement failed: then nothing is committed.
    failed: bool,
    /// Whether the journal is there.
    journal: bool,
    /// Statements for after the commit.
    later: Vec<String>,
    /// How long a lock of somebody else is waited for.
    wait: Duration,
    /// Tables of others whose counters are noted in the journal, and tables of this run, which need no note.
    counted: HashSet<String>,
    /// Triggers that were taken away: as they will be made again, and as they were with their definer.
    suspended: Vec<(String, String)>,
    /// What the server takes.
    limits: load::Limits,
}

impl Work {
    /// The connection for changes of shape, opened when it is first needed.
    pub(super) fn side(&mut self, main: &Session) -> Result<&mut Session> {
        if self.side.is_none() {
            self.side = Some(journal::open(main, &main.cancel)?);
        }
        self.side.as_mut().ok_or_else(|| Error::internal("a connection is not there"))
    }

    /// The same for what must be finished, whatever the user wishes by now.
    pub(super) fn last_side(&mut self, main: &Session) -> Result<&mut Session> {
        if self.side.as_ref().is_none_or(Session::is_broken) {
            self.side = Some(journal::open(main, &Cancel::default())?);
        }
        let side = self.side.as_mut().ok_or_else(|| Error::internal("a connection is not there"))?;
        side.cancel = Cancel::default();
        Ok(side)
    }

    /// From now on a lock of somebody else is waited for so long and no longer.
    pub(super) fn bound_waits(&mut self, main: &mut Session, wait: Duration) -> Result<()> {
        self.wait = wait;
        // Zero is not allowed, and the server counts in whole seconds.
        let seconds = wait.as_secs().clamp(1, 3600);
        let setting = format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}");
        main.run(&setting).map(drop)
    }

    pub(super) fn begin(&mut self, main: &mut Session, enforce: Enforce) -> Result<()> {
        (self.started, self.failed, self.later) = (false, false, Vec::new());
        self.counted.clear();
        self.suspended.clear();
        let checks = if enforce == Enforce::Nothing { "0" } else { "1" };
        main.run(&format!("SET SESSION foreign_key_checks = {checks}")).map(drop)
    }

    /// The catalogue as it will be after the commit.
    pub(super) fn expected(&self, mut catalogue: Catalogue) -> Catalogue {
        let dropped: Vec<(String, String)> = self.later.iter().filter_map(|text| shape::dropped(text)).collect();
        let is_dropped = |kind: &str, name: &str| dropped.iter().any(|(word, gone)| word == kind && gone == name);
        let unmarked: Vec<String> = self.later.iter().filter_map(|text| shape::unmarked(text)).collect();
        catalogue.tables.retain(|table| !is_dropped("TABLE", &table.name.name));
        catalogue.own.tables.retain(|table| !is_dropped("TABLE", table));
        let own = &mut catalogue.own.marked;
        own.retain(|table| !is_dropped("TABLE", &table.name) && !unmarked.contains(&table.name));
        for objects in [&mut catalogue.pre, &mut catalogue.post] {
            objects.retain(|object| {
                !is_dropped(&object.kind.to_ascii_uppercase(), &object.name)
                    && !object.table.as_ref().is_some_and(|table| is_dropped("TABLE", &table.name))
            });
        }
        catalogue
    }

    pub(super) fn execute(&mut self, main: &mut Session, sql: &Sql) -> Result<u64> {
        let done = self.dispatch(main, sql.text());
        self.failed |= done.is_err();
        done
    }

    fn dispatch(&mut self, main: &mut Session, text: &str) -> Result<u64> {
        if self.changes == Changes::AtOnce {
            return main.run(text);
        }
        if self.changes == Changes::Aside {
            if shape::of(text) == Shape::Rows {
                self.start(main)?;
            }
            return match main.attempt(text)? {
                // A killed run has added these keys, all of them, but not written it down.
                Err(error) if matches!(explain::code(&error), Some(1061 | 1826)) => Ok(0),
                done => done.map_err(|error| explain::statement(&error)),
            };
        }
        match shape::of(text) {
            Shape::Rows => {
                if text.starts_with("INSERT INTO `")
                    && let Some(name) = ddl::first_name(text)
                {
                    self.note_counter(main, &name)?;
                }
                self.start(main)?;
                main.run(text)
            }
            Shape::Private => main.run(text),
            Shape::Later => {
                // A trigger of the application comes back with its own definer.
                let kept = self.suspended.iter().find(|(plain, _)| plain == text).map(|(_, whole)| whole.clone());
                if kept.is_none() && shape::makes_trigger(text) {
                    grants::refuse_triggers(main)?;
                }
                self.later.push(kept.unwrap_or_else(|| text.to_owned()));
                Ok(0)
            }
            Shape::CreateTable { name, if_missing } => self.create_table(main, text, &name, if_missing),
            Shape::AddMarkers(table) => {
                let before = self.later.len();
                self.later.retain(|later| shape::unmarked(later).as_ref() != Some(&table));
                if self.later.len() < before {
                    return Ok(0);
                }
                let undo = sql::drop_markers(EngineKind::Mysql, &TableName::plain(table));
                self.now(main, text, undo.first().map(Sql::text))
            }
            Shape::Create(undo) => {
                let waits = |later: &String| Some(later) == undo.as_ref();
                if self.later.iter().any(waits) {
                    self.later.push(text.to_owned());
                    return Ok(0);
                }
                self.now(main, text, undo.as_deref())
            }
            Shape::DropTrigger(name) => {
                let (plain, whole) = objects::trigger(self.side(main)?, &name)?;
                grants::refuse_triggers(main)?;
                grants::refuse_definer(main, &whole)?;
                let done = self.now(main, text, Some(&whole))?;
                self.suspended.push((plain, whole));
                Ok(done)
            }
        }
    }

    /// Begins the transaction at the first change of a row.
    fn start(&mut self, main: &mut Session) -> Result<()> {
        if !self.started {
            main.run("START TRANSACTION")?;
            self.started = true;
        }
        Ok(())
    }

    /// Makes a change of shape at once, with the statement that undoes it written down before.
    fn now(&mut self, main: &Session, text: &str, undo: Option<&str>) -> Result<u64> {
        let has_journal = std::mem::replace(&mut self.journal, true);
        let wait = self.wait;
        let side = self.side(main)?;
        if !has_journal {
            journal::create(side)?;
        }
        if let Some(undo) = undo {
            journal::write(side, true, undo)?;
        }
        let done = journal::patiently(side, text, wait)?;
        if done.is_err() && undo.is_some() && !side.is_broken() {
            // What was not made must not be undone: it may be somebody else's.
            journal::forget_last(side)?;
        }
        let busy = |error: &mysql_async::Error| self.started && explain::code(error) == Some(1205);
        done.map_err(|error| {
            let told = explain::statement(&error);
            if busy(&error) { told.hint(ROLL_BACK_FIRST) } else { told }
        })
    }

    /// Writes down where a counter stood: rows that are taken back do not take it back.
    fn note_counter(&mut self, main: &Session, name: &str) -> Result<()> {
        if self.changes == Changes::Aside || mark::is_own_table(name) || !self.counted.insert(name.to_owned()) {
            return Ok(());
        }
        let table = TableName::plain(name);
        let Some(sql) = sql::counter(EngineKind::Mysql, &table) else { return Ok(()) };
        let last = self.side(main)?.text(sql.text())?.and_then(|text| text.parse().ok());
        let undo = last.and_then(|last| sql::set_counter(EngineKind::Mysql, &table, Some(last)));
        let Some(undo) = undo else { return Ok(()) };
        let has_journal = std::mem::replace(&mut self.journal, true);
        let side = self.side(main)?;
        if !has_journal {
            journal::create(side)?;
        }
        journal::write(side, true, undo.text())
    }

    fn create_table(&mut self, main: &mut Session, text: &str, name: &str, if_missing: bool) -> Result<u64> {
        let quoted = Sql::new(EngineKind::Mysql).name(name);
        let drop = |later: &String| shape::dropped(later).is_some_and(|(word, gone)| word == "TABLE" && gone == name);
        if let Some(at) = self.later.iter().position(drop) {
            // It was to go after the commit. Now it stays, empty.
            let show = Sql::new(EngineKind::Mysql).lit("SHOW CREATE TABLE ").part(&quoted);
            let now = main.rows(show.text())?.into_iter().next().and_then(|row| row.into_iter().nth(1).flatten());
            if !mark::is_own_table(name) && ddl::stripped(&now.unwrap_or_default(), true) != text {
                return Err(Error::drift(format!(
                    "table {} was made by an earlier run, and this snapshot has it in another shape",
                    name.escape_debug()
                ))
                .hint("Roll the earlier run back first: terp-fixtures rollback."));
            }
            self.later.remove(at);
            self.start(main)?;
            return main.run(Sql::new(EngineKind::Mysql).lit("DELETE FROM ").part(&quoted).text());
        }
        if if_missing {
            let sql = Sql::new(EngineKind::Mysql)
                .lit("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ")
                .string(name);
            if !main.rows(sql.text())?.is_empty() {
                return Ok(0);
            }
        }
        self.counted.insert(name.to_owned());
        self.now(main, text, Some(&format!("DROP TABLE IF EXISTS {}", quoted.text())))
    }

    pub(super) fn savepoint(&mut self, main: &mut Session, what: Savepoint) -> Result<()> {
        self.start(main)?;
        main.run(match what {
            Savepoint::Set => "SAVEPOINT terp_fixtures_row",
            Savepoint::Keep => "RELEASE SAVEPOINT terp_fixtures_row",
            // After a deadlock it is gone with the whole transaction, and this says so.
            Savepoint::Undo => "ROLLBACK TO SAVEPOINT terp_fixtures_row",
        })?;
        self.failed = false;
        Ok(())
    }

    /// How the last table's rows went in.
    pub(super) fn loaded_by(&mut self) -> &'static str {
        if std::mem::take(&mut self.limits.used_load_data) { "LOAD DATA" } else { "inserts of many rows" }
    }

    pub(super) fn load<R: Borrow<Checked>>(
        &mut self,
        main: &mut Session,
        into: &LoadTable,
        rows: &mut (impl Iterator<Item = Result<R>> + ?Sized),
    ) -> Result<u64> {
        self.note_counter(main, &into.table.name)?;
        self.start(main)?;
        let loaded = load::rows(main, &mut self.limits, into, rows);
        self.failed |= loaded.is_err();
        loaded.map_err(|error| error.within(format!("table {}", into.table)))
    }

    pub(super) fn end(&mut self, main: &mut Session, commit: bool) -> Result<()> {
        let wait = self.wait;
        let later = std::mem::take(&mut self.later);
        if !commit || self.failed || main.is_broken() {
            self.take_back(main)?;
            return match (commit, main.is_broken()) {
                (false, _) => Ok(()),
                (true, true) => Err(explain::gone()),
                (true, false) => Err(Error::rejected("a statement had failed before the commit; nothing was changed")),
            };
        }
        if let Err(error) = self.prepare(main, &later) {
            return match self.take_back(main) {
                Ok(()) => Err(error),
                Err(second) => Err(error.caused_by(second)),
            };
        }
        if std::mem::take(&mut self.started) {
            let cancel = std::mem::take(&mut main.cancel);
            let committed = main.run("COMMIT");
            main.cancel = cancel;
            if let Err(error) = committed {
                if main.is_broken() {
                    // The journal stays and knows; the next run can read it once this session is over.
                    self.journal = false;
                    return Err(explain::in_doubt());
                }
                self.started = true;
                self.take_back(main)?;
                return Err(error);
            }
        }
        if std::mem::take(&mut self.journal) {
            journal::replay(self.last_side(main)?, wait).map_err(journal::unfinished)?;
        }
        Ok(())
    }

    /// Writes into the transaction what follows its commit.
    fn prepare(&mut self, main: &mut Session, later: &[String]) -> Result<()> {
        if !later.is_empty() && !std::mem::replace(&mut self.journal, true) {
            journal::create(self.side(main)?)?;
        }
        if !self.journal {
            return Ok(());
        }
        self.start(main)?;
        journal::settle(main)?;
        later.iter().try_for_each(|statement| journal::write(main, false, statement))
    }

    /// Undoes everything: the rows by the transaction, the shape by the journal.
    fn take_back(&mut self, main: &mut Session) -> Result<()> {
        // The server rolls back what a lost connection left open.
        if std::mem::take(&mut self.started) && !main.is_broken() {
            let cancel = std::mem::take(&mut main.cancel);
            let rolled_back = main.run("ROLLBACK");
            main.cancel = cancel;
            if !main.is_broken() {
                rolled_back?;
            }
        }
        let wait = self.wait;
        if std::mem::take(&mut self.journal) {
            journal::replay(self.last_side(main)?, wait).map_err(journal::left)?;
        }
        Ok(())
    }
}
