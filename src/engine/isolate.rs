//! What isolation asks of an engine: a host on which a template and its clones lie, and a clone that can be put back.

use super::Target;
use crate::error::Result;
use crate::model::schema::{EngineKind, TableName};
use crate::secret::Address;
use std::time::Duration;

/// What the database is called in which the registry of a server lies; in a folder it is the file of [`REGISTRY_FILE`].
pub const REGISTRY: &str = "terp_fixtures_registry";

/// What the registry of a folder is called, without its ending.
pub const REGISTRY_FILE: &str = "registry";

/// A server, or a folder of files, on which templates and clones of them are made. It makes, changes and removes only what it is
/// told to by name; which names are ours stands in the registry.
pub trait Host: Send {
    /// The product.
    fn engine(&self) -> EngineKind;

    /// The address of the database `name` under this host's own account.
    fn address(&self, name: &str) -> Address;

    /// The database in which the registry lies, made when it is missing.
    ///
    /// # Errors
    /// Kind `Unreachable`, or `Guard` when this account may not make databases.
    fn registry(&mut self) -> Result<Box<dyn Target>>;

    /// Takes the lock `name` of this host, and waits for it as long as `wait`. None when somebody else holds it still. It is given
    /// back when the answer is dropped, and when the process dies.
    ///
    /// # Errors
    /// Kind `Unreachable`.
    fn hold(&mut self, name: &str, wait: Duration) -> Result<Option<Box<dyn Held>>>;

    /// Whether a database of that name is there.
    ///
    /// # Errors
    /// Kind `Unreachable`.
    fn exists(&mut self, name: &str) -> Result<bool>;

    /// Makes an empty database.
    ///
    /// # Errors
    /// Kind `Guard` when the account may not, or when one is there.
    fn create(&mut self, name: &str) -> Result<()>;

    /// Makes the template of a database that holds nothing but the snapshot's rows: analysed, with what records changes (where that is
    /// part of the template), closed to others where the server can.
    ///
    /// # Errors
    /// As the server says.
    fn seal(&mut self, template: &str) -> Result<()>;

    /// Makes the clone `name` of a template that was sealed, ready to be [opened](Host::open).
    ///
    /// # Errors
    /// As the server says; what was begun is removed.
    fn clone_template(&mut self, template: &str, name: &str) -> Result<()>;

    /// An account for whoever uses the clone, which reaches no other database of this host where the server allows that. Asked
    /// again, the same account gets a new password.
    ///
    /// # Errors
    /// As the server says.
    fn admit(&mut self, template: &str, name: &str) -> Result<Admission>;

    /// Makes the clone `name` anew for whoever has it: under the same name and for the same account with the same password, so that
    /// `admission` stays true where the server allows that. The answer is what holds from then on.
    ///
    /// # Errors
    /// As the server says.
    fn replace(&mut self, template: &str, name: &str, _admission: &Admission) -> Result<Admission> {
        self.remove(name)?;
        self.clone_template(template, name)?;
        self.admit(template, name)
    }

    /// Removes a template or a clone, its account, and everything else that was made for it; ends its connections. Nothing happens
    /// where it is gone already.
    ///
    /// # Errors
    /// As the server says.
    fn remove(&mut self, name: &str) -> Result<()>;

    /// How much it takes on the disk, in bytes, as near as the server tells.
    ///
    /// # Errors
    /// Kind `Unreachable`.
    fn bytes(&mut self, name: &str) -> Result<u64>;

    /// Opens a clone for being put back. It stays open, so that a reset need not connect or look at the catalogue again.
    ///
    /// # Errors
    /// Kind `Drift` when it is not what [`clone_template`](Host::clone_template) made.
    fn open(&mut self, template: &str, name: &str) -> Result<Box<dyn Resettable>>;
}

/// A lock that is held until this is dropped.
pub trait Held: Send {}

/// Who may use a clone.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The address to hand out.
    pub address: Address,
    /// Why the account reaches more than this one database; none where it does not.
    pub unlimited: Option<String>,
}

/// A clone that can be put into its template's state while others are connected to it.
pub trait Resettable: Send {
    /// Puts rows and, where that is asked for, counters back by the first rung of the ladder that does it. What is written by
    /// others afterwards belongs to the next reset.
    ///
    /// # Errors
    /// Kind `Interrupted`; `Unreachable` when the clone cannot be asked. What only a new clone mends is no error: it is `Spoiled`.
    fn reset(&mut self, how: &How, pristine: &mut dyn Pristine) -> Result<Outcome>;
}

/// Rows of the snapshot, for a table that the host has no pristine copy of.
pub trait Pristine {
    /// Loads the rows of `table` into `target`, into `into` if it is named and else into the table itself. Returns their number.
    ///
    /// # Errors
    /// As a restore; kind `Store` where there is no snapshot at hand.
    fn load(&mut self, target: &mut dyn Target, table: &TableName, into: Option<&TableName>) -> Result<u64>;
}

/// How to reset.
#[derive(Debug, Clone)]
pub struct How {
    /// How long to wait for somebody's lock. Then sessions of the clone that are idle in a transaction are ended, and it is tried
    /// once more.
    pub wait: Duration,
    /// Put counters back also where that costs a change of shape per table (MySQL, MariaDB).
    pub exact_ids: bool,
    /// The rung to begin with: [`Rung::Journal`] but in tests and measurements.
    pub from: Rung,
}

impl Default for How {
    fn default() -> Self {
        Self { wait: Duration::from_secs(2), exact_ids: false, from: Rung::Journal }
    }
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The clone is as it was.
    Done(Done),
    /// Only a new clone helps; why, as a fragment: `the schema was changed: table orders`.
    Spoiled(String),
}

/// A clone that was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The last rung that was needed.
    pub rung: Rung,
    /// Rows taken out, put in or put back.
    pub rows: u64,
    /// The tables they are in.
    pub tables: Vec<TableName>,
    /// Counters that were put back.
    pub counters: u64,
    /// What should be known: `2 sessions that were idle in a transaction were ended`.
    pub notes: Vec<String>,
}

impl Done {
    /// A clone that needed nothing yet.
    pub fn nothing() -> Self {
        Self { rung: Rung::Clean, rows: 0, tables: Vec::new(), counters: 0, notes: Vec::new() }
    }

    /// Adds what was done after it, so that a second try does not hide what the first has put back.
    pub fn add(&mut self, mut later: Self) {
        self.rung = self.rung.max(later.rung);
        self.rows += later.rows;
        self.tables.append(&mut later.tables);
        self.tables.sort();
        self.tables.dedup();
        self.counters += later.counters;
        self.notes.append(&mut later.notes);
    }
}

/// The rungs of the ladder, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// Nothing was dirty.
    Clean,
    /// The touched rows, as the row journal (SQLite: the touched pages) tells them.
    Journal,
    /// Dirty tables, by the difference of their keys and rows.
    Difference,
    /// Dirty tables, emptied and loaded again.
    Reload,
    /// A new clone.
    Clone,
}

impl Rung {
    /// Its word in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Journal => "journal",
            Self::Difference => "difference",
            Self::Reload => "reload",
            Self::Clone => "clone",
        }
    }
}
