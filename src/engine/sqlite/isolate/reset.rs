//! Puts a clone back while others have it open.
//!
//! SQLite itself reads and writes the pages (its table `sqlite_dbpage`), so its locks, its journal and its -wal file are as with any
//! other writer: a killed reset is rolled back, and other connections see the change. Where that table was not compiled in, SQLite's
//! backup writes all pages.

use super::pages::{self, Difference};
use super::{files, map, open};
use crate::engine::isolate::{Done, How, Outcome, Pristine, Resettable, Rung};
use crate::engine::sqlite::connect;
use crate::engine::sqlite::write::{self, Patience};
use crate::error::{Error, Kind, Result};
use crate::event::Cancel;
use crate::model::schema::TableName;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A clone that is open for being put back.
pub(super) struct Opened {
    connection: Connection,
    /// Whose the template's pages are.
    map: Connection,
    template: pages::Template,
    path: PathBuf,
    /// Which file the connection has open.
    id: Option<(u64, u64)>,
    /// The number of the schema's state that open connections know. It never falls, or they would take a changed schema for one
    /// that they have seen.
    cookie: [u8; 4],
    /// What SQLite told when the clone was last as its template. It changes with every commit of others.
    version: Option<i64>,
    has_pages: bool,
    cancel: Cancel,
}

impl Opened {
    pub(super) fn open(template: &Path, path: &Path, cancel: &Cancel) -> Result<Self> {
        for path in [template, path] {
            if !path.exists() {
                return Err(Error::drift(format!("{} does not exist", path.display()))
                    .hint("Run 'terp-fixtures doctor --clean'; then a new one is made."));
            }
        }
        let (template, map) = (pages::Template::open(template)?, map::open(template)?);
        let connection = open(path)?;
        let has_pages = connection
            .query_row("SELECT count(*) FROM pragma_module_list WHERE name = 'sqlite_dbpage'", [], |row| row.get(0))
            .map_err(|error| explain(path, error))?;
        let mut opened = Self {
            connection,
            map,
            cookie: template.cookie(),
            template,
            path: path.to_owned(),
            id: files::id(path),
            version: None,
            has_pages,
            cancel: cancel.clone(),
        };
        if !has_pages {
            opened.compare()?;
        }
        Ok(opened)
    }

    /// As it would be in a build without the table of pages.
    #[cfg(test)]
    pub(super) fn without_pages(mut self) -> Result<Self> {
        (self.has_pages, self.version) = (false, None);
        self.compare()?;
        Ok(self)
    }

    /// Notes whether nothing was touched, where SQLite does not show its pages.
    fn compare(&mut self) -> Result<()> {
        let version = self.version_now()?;
        let is_logged = std::fs::metadata(files::beside(&self.path, "-wal")).is_ok_and(|log| log.len() > 0);
        let is_copy =
            !is_logged && self.template.is_copied_by(&self.path).map_err(files::cannot("read", &self.path))?;
        if is_copy && self.version_now()? == version {
            self.version = Some(version);
        }
        Ok(())
    }

    fn put_back(&mut self, how: &How) -> Result<Done> {
        if files::id(&self.path) != self.id {
            return Err(Error::drift("the file was removed, or another one was put in its place"));
        }
        let patience = Patience { wait: how.wait, cancel: self.cancel.clone() };
        write::bound_waits(&self.connection, how.wait)?;
        let version = self.version_now()?;
        if how.from >= Rung::Reload || !self.has_pages {
            let is_clean = self.version == Some(version) && how.from < Rung::Reload;
            return if is_clean { Ok(done(Rung::Clean)) } else { self.reload(version, &patience) };
        }
        write::patiently(&self.connection, "BEGIN IMMEDIATE", &patience)?;
        let done = self.by_pages(&patience);
        if !self.connection.is_autocommit() {
            write::end(&self.connection, false, &patience)?;
        }
        done
    }

    fn version_now(&self) -> Result<i64> {
        let version = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0));
        version.map_err(|error| explain(&self.path, error))
    }

    /// Inside of a transaction that keeps writers out.
    fn by_pages(&mut self, patience: &Patience) -> Result<Done> {
        let version = self.version_now()?;
        if self.version == Some(version) {
            return Ok(done(Rung::Clean));
        }
        let wrong = |error| explain(&self.path, error);
        let first = pages::page(&self.connection, 1).map_err(wrong)?;
        // Outside of WAL mode every commit counts a number in the first page up.
        let found = if self.template.is_first(&first) {
            Difference::default()
        } else {
            self.template.check_layout(&first)?;
            self.template.differences(&self.connection, &self.map, &first, &self.cancel, &wrong)?
        };
        if found.is_none() {
            self.cookie = pages::cookie(&first);
            self.version = Some(version);
            return Ok(done(Rung::Clean));
        }
        let cookie = pages::cookie_after(&first, found.schema || pages::cookie(&first) != self.cookie);
        self.template.write(&self.connection, &found, (&first, cookie), &wrong)?;
        write::end(&self.connection, true, patience)?;
        // What this connection keeps of the pages and of the schema is not what it has written beneath them.
        self.connection.execute_batch("PRAGMA shrink_memory").map_err(wrong)?;
        (self.cookie, self.version) = (cookie, Some(version));
        Ok(told(&found))
    }

    /// All pages, by SQLite's backup. What others commit between the look at the version and it is found the next time.
    fn reload(&mut self, version: i64, patience: &Patience) -> Result<Done> {
        let wrong = |error| explain(&self.path, error);
        let template = connect::open_plainly(self.template.path())?;
        let tables = map::tables(&self.map).map_err(wrong)?;
        let mut rows = 0;
        for table in &tables {
            let count = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
            let count = template.query_row(&count, [], |row| row.get::<_, u32>(0));
            rows += u64::from(count.map_err(wrong)?);
        }
        let deadline = Instant::now() + patience.wait;
        let backup = Backup::new(&template, &mut self.connection).map_err(wrong)?;
        while !matches!(backup.step(-1).map_err(wrong)?, StepResult::Done) {
            self.cancel.check()?;
            if Instant::now() >= deadline {
                return Err(connect::busy(self.path.display()));
            }
        }
        drop(backup);
        // It has raised the number of the schema's state by itself.
        self.version = Some(version);
        Ok(Done { rows, tables: tables.into_iter().map(TableName::plain).collect(), ..done(Rung::Reload) })
    }
}

impl Resettable for Opened {
    fn reset(&mut self, how: &How, _pristine: &mut dyn Pristine) -> Result<Outcome> {
        if how.from == Rung::Clone {
            return Ok(Outcome::Spoiled("a new clone was asked for".to_owned()));
        }
        match self.put_back(how) {
            Err(error) if [Kind::Drift, Kind::Locked].contains(&error.kind()) => {
                Ok(Outcome::Spoiled(error.to_string()))
            }
            done => done.map(Outcome::Done),
        }
    }
}

fn done(rung: Rung) -> Done {
    Done { rung, ..Done::nothing() }
}

fn told(found: &Difference) -> Done {
    let mut notes = Vec::new();
    if found.schema {
        notes.push("the schema was changed, and is put back too".to_owned());
    }
    let tables = found.tables.iter().filter(|table| ![map::SCHEMA, map::COUNTERS].contains(&table.as_str()));
    Done {
        // A row whose only change is in what it holds on further pages is not told from the pages' own rows.
        rows: found.rows.rows().max(1),
        tables: tables.map(TableName::plain).collect(),
        counters: found.counters.rows(),
        notes,
        ..done(Rung::Journal)
    }
}

/// An error of the clone in our words. A damaged one is mended by a new one only.
fn explain(path: &Path, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Error::drift("the file is damaged"),
        _ => connect::explain(path, error),
    }
}
