//! The registry of a host: one line for each template, clone and scratch database, from before it is made until after it is removed.
//!
//! A line is added under the host's lock `registry`, so that nobody gives the same name away; it is changed and removed by whoever
//! holds the lock of what it tells of. Each change is one statement.

use crate::engine::sql::{self, Sql};
use crate::engine::{Query, Target, scalar};
use crate::error::{Error, Result};
use crate::model::schema::EngineKind;
use crate::run::now;

const TABLE: &str = "terp_fixtures_isolated";
const FORMAT_TABLE: &str = "terp_fixtures_isolated_format";
const FORMAT: i64 = 1;

const COLUMNS: [&str; 14] = [
    "name", "role", "template", "snapshot", "label", "state", "host", "process", "since", "address", "made", "used",
    "note", "detail",
];

/// What a database of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// What clones are made from.
    Template,
    /// What a suite works on.
    Clone,
    /// What one command works on, and removes at its end.
    Scratch,
}

/// How far a database of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be, and nobody's.
    Ready,
    /// Somebody has it.
    Leased,
    /// It is being put back.
    Resetting,
    /// It is being made.
    Building,
    /// It is of no use, and goes.
    Spoiled,
    /// Somebody wants to look at it: nobody gets it, and only a person removes it.
    Kept,
}

const ROLES: [(Role, &str); 3] = [(Role::Template, "template"), (Role::Clone, "clone"), (Role::Scratch, "scratch")];

const STATES: [(State, &str); 6] = [
    (State::Ready, "ready"),
    (State::Leased, "leased"),
    (State::Resetting, "resetting"),
    (State::Building, "building"),
    (State::Spoiled, "spoiled"),
    (State::Kept, "kept"),
];

impl Role {
    /// Its word in the registry and in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(&ROLES, &self)
    }
}

impl State {
    /// Its word in the registry and in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(&STATES, &self)
    }
}

fn word<T: PartialEq>(words: &[(T, &'static str)], of: &T) -> &'static str {
    words.iter().find(|(known, _)| known == of).map_or("", |(_, word)| word)
}

/// Who holds something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keeper {
    /// The machine.
    pub host: String,
    /// The process on it.
    pub process: u32,
    /// Since when, RFC 3339, UTC.
    pub since: String,
}

/// One line of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The database.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The template that a clone was made from; a template's own name; empty of a scratch database.
    pub template: String,
    /// The id of the snapshot; empty of a scratch database.
    pub snapshot: String,
    /// The snapshot's name with the beginning of its id; of a scratch database what it is for.
    pub label: String,
    /// How far it is.
    pub state: State,
    /// Who brought it into that state. Whether somebody still holds it, only its lock tells.
    pub keeper: Keeper,
    /// The address that was handed out last, without its password.
    pub address: String,
    /// When it was made, RFC 3339, UTC.
    pub made: String,
    /// When it was used last.
    pub used: String,
    /// Why it is in its state.
    pub note: String,
    /// Of a template: what its tables hold, as JSON.
    pub detail: String,
}

impl Entry {
    /// The line of something that is about to be made.
    pub(super) fn begun(role: Role, name: &str, label: &str, keeper: Keeper) -> Self {
        Self {
            name: name.to_owned(),
            role,
            template: String::new(),
            snapshot: String::new(),
            label: label.to_owned(),
            state: State::Building,
            keeper,
            address: String::new(),
            made: now(),
            used: now(),
            note: String::new(),
            detail: String::new(),
        }
    }
}

/// The opened registry of a host.
pub(super) struct Registry {
    target: Box<dyn Target>,
}

impl Registry {
    /// Makes the registry where there is none.
    ///
    /// # Errors
    /// Kind `Guard` when a newer version wrote it.
    pub(super) fn open(target: Box<dyn Target>) -> Result<Self> {
        let mut registry = Self { target };
        registry.create()?;
        Ok(registry)
    }

    fn create(&mut self) -> Result<()> {
        let target = &mut *self.target;
        let engine = target.engine();
        if scalar(target, sql::own_table(engine, FORMAT_TABLE))? > 0 && self.is_made()? {
            return Ok(());
        }
        let target = &mut *self.target;
        let text = match engine {
            EngineKind::Sqlite | EngineKind::Postgres => " TEXT NOT NULL",
            EngineKind::Mysql | EngineKind::Mariadb => " LONGTEXT NOT NULL",
        };
        let sql = Sql::new(engine).lit("CREATE TABLE IF NOT EXISTS ").name(TABLE).lit(" (");
        let sql = sql.list(COLUMNS, ", ", |sql, column| match column {
            "name" => sql.name(column).lit(" VARCHAR(100) NOT NULL PRIMARY KEY"),
            "process" => sql.name(column).lit(" BIGINT NOT NULL"),
            _ => sql.name(column).lit(text),
        });
        target.execute(&sql.lit(")").lit(sql::own_table_options(engine)))?;
        let sql = Sql::new(engine).lit("CREATE TABLE IF NOT EXISTS ").name(FORMAT_TABLE);
        target.execute(&sql.lit(" (format BIGINT NOT NULL)").lit(sql::own_table_options(engine)))?;
        let sql = Sql::new(engine).lit("INSERT INTO ").name(FORMAT_TABLE).lit(" VALUES (").integer(FORMAT).lit(")");
        target.execute(&sql).map(drop)
    }

    /// Whether this version knows what is there.
    ///
    /// # Errors
    /// Kind `Guard` when a newer version wrote it; `Unreachable`.
    pub(super) fn check(&mut self) -> Result<()> {
        self.is_made().map(drop)
    }

    /// Whether the format is written down, which is the last step of making a registry.
    fn is_made(&mut self) -> Result<bool> {
        let sql = Sql::new(self.target.engine()).lit("SELECT coalesce(max(format), 0) FROM ").name(FORMAT_TABLE);
        match scalar(&mut *self.target, sql)? {
            0 => Ok(false),
            FORMAT => Ok(true),
            newer => Err(unknown(newer)),
        }
    }

    /// Every line, by name.
    pub(super) fn all(&mut self) -> Result<Vec<Entry>> {
        self.read(None)
    }

    /// The line of a name.
    pub(super) fn find(&mut self, name: &str) -> Result<Option<Entry>> {
        Ok(self.read(Some(name))?.pop())
    }

    /// The lines of a template's clones.
    pub(super) fn clones(&mut self, template: &str) -> Result<Vec<Entry>> {
        let mut found = self.read(None)?;
        found.retain(|entry| entry.role == Role::Clone && entry.template == template);
        Ok(found)
    }

    fn read(&mut self, name: Option<&str>) -> Result<Vec<Entry>> {
        let sql =
            Sql::new(self.target.engine()).lit("SELECT ").list(COLUMNS, ", ", Sql::name).lit(" FROM ").name(TABLE);
        let sql = match name {
            Some(name) => sql.lit(" WHERE ").name("name").lit(" = ").string(name),
            None => sql.lit(" ORDER BY ").name("name"),
        };
        let mut found = Vec::new();
        self.target.read(&Query { sql, columns: COLUMNS.len() }, &mut |batch| {
            for row in 0..batch.rows() {
                let text = |column| String::from_utf8_lossy(batch.cell(row, column).bytes).into_owned();
                found.push(entry(&text)?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Adds a line.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<()> {
        let sql =
            Sql::new(self.target.engine()).lit("INSERT INTO ").name(TABLE).lit(" (").list(COLUMNS, ", ", Sql::name);
        let sql = sql.lit(") VALUES (").list(COLUMNS, ", ", |sql, column| value(sql, entry, column)).lit(")");
        self.target.execute(&sql).map(drop)
    }

    /// Writes a line anew.
    pub(super) fn save(&mut self, entry: &Entry) -> Result<()> {
        let sql = Sql::new(self.target.engine()).lit("UPDATE ").name(TABLE).lit(" SET ");
        let sql = sql.list(&COLUMNS[1..], ", ", |sql, column| value(sql.name(column).lit(" = "), entry, column));
        self.target.execute(&sql.lit(" WHERE ").name("name").lit(" = ").string(&entry.name)).map(drop)
    }

    /// Notes when something was used, whatever else becomes of its line meanwhile.
    pub(super) fn touch(&mut self, entry: &Entry) -> Result<()> {
        let sql = Sql::new(self.target.engine()).lit("UPDATE ").name(TABLE).lit(" SET ").name("used").lit(" = ");
        let sql = sql.string(&entry.used).lit(" WHERE ").name("name").lit(" = ").string(&entry.name);
        self.target.execute(&sql).map(drop)
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        let sql = Sql::new(self.target.engine()).lit("DELETE FROM ").name(TABLE).lit(" WHERE ").name("name");
        self.target.execute(&sql.lit(" = ").string(name)).map(drop)
    }
}

fn value(sql: Sql, entry: &Entry, column: &str) -> Sql {
    let text = match column {
        "process" => return sql.integer(entry.keeper.process.into()),
        "name" => &entry.name,
        "role" => return sql.string(entry.role.word()),
        "template" => &entry.template,
        "snapshot" => &entry.snapshot,
        "label" => &entry.label,
        "state" => return sql.string(entry.state.word()),
        "host" => &entry.keeper.host,
        "since" => &entry.keeper.since,
        "address" => &entry.address,
        "made" => &entry.made,
        "used" => &entry.used,
        "note" => &entry.note,
        _ => &entry.detail,
    };
    sql.string(text)
}

fn entry(text: &dyn Fn(usize) -> String) -> Result<Entry> {
    let damaged = || {
        Error::guard(format!("the registry's line of {} is damaged", text(0).escape_debug()))
            .hint(format!("Somebody edited {TABLE}. Put the line right, or delete it and drop that database by hand."))
    };
    let role = ROLES.iter().find(|(_, word)| *word == text(1)).map(|(role, _)| *role).ok_or_else(damaged)?;
    let state = STATES.iter().find(|(_, word)| *word == text(5)).map(|(state, _)| *state).ok_or_else(damaged)?;
    Ok(Entry {
        name: text(0),
        role,
        template: text(2),
        snapshot: text(3),
        label: text(4),
        state,
        keeper: Keeper { host: text(6), process: text(7).parse().unwrap_or_default(), since: text(8) },
        address: text(9),
        made: text(10),
        used: text(11),
        note: text(12),
        detail: text(13),
    })
}

fn unknown(format: i64) -> Error {
    Error::guard(format!("the registry of this host has format {format}, and this version knows format {FORMAT}"))
        .hint("Use the newer version that wrote it. Its 'doctor --clean --all' takes everything away.")
}
