//! Templates and clones on a MySQL or MariaDB server: databases beside each other. What is written down about them lies in the
//! database of the registry, where no user of a clone gets: the row journal of each clone, and how the clone was made.

mod account;
mod clone;
mod closure;
mod counters;
mod facts;
mod key;
mod ladder;
mod plan;
mod reset;
mod sessions;
mod triggers;
mod undo;

#[cfg(test)]
mod tests;

use super::session::Session;
use super::{Mysql, connect, explain, lock, write};
use crate::engine::isolate::{Admission, Held, Host, REGISTRY, Resettable};
use crate::engine::sql::Sql;
use crate::engine::{Target, network};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::schema::EngineKind;
use crate::secret::Address;
use key::mysql;
use std::time::{Duration, Instant};

pub(super) use triggers::{is_own as is_own_trigger, unguarded};

/// A database that every server has and every account may enter, for connections that belong to no other.
const ANYWHERE: &str = "information_schema";

/// Every database that is removed begins like this.
const OURS: &str = "terp_";

/// How long files of tables that are gone may stay.
const LINGERING: Duration = Duration::from_secs(10);

/// Opens the host.
pub(super) fn host(address: &Address, cancel: &Cancel) -> Result<Box<dyn Host>> {
    let connect::Opened { session, engine } = connect::open(&account::database(address, ANYWHERE), false, cancel)?;
    Ok(Box::new(Server { address: address.clone(), cancel: cancel.clone(), session, engine, has_registry: false }))
}

/// A server.
struct Server {
    address: Address,
    cancel: Cancel,
    session: Session,
    engine: EngineKind,
    /// Whether the database of the registry is there for certain.
    has_registry: bool,
}

impl Server {
    /// A session of this account that is in no database of ours.
    fn session(&mut self) -> Result<&mut Session> {
        if self.session.is_broken() {
            self.session = another(&self.session, &self.cancel)?;
        }
        Ok(&mut self.session)
    }

    fn make_registry(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.has_registry, true) && !self.exists(REGISTRY)? {
            let sql = mysql().lit("CREATE DATABASE IF NOT EXISTS ").name(REGISTRY).lit(" CHARACTER SET utf8mb4");
            run(self.session()?, &sql, "making the database of the registry")?;
        }
        facts::make_table(self.session()?)
    }

    /// Removes a database and what is written down about it, but not its account.
    fn drop_database(&mut self, name: &str) -> Result<()> {
        if !name.starts_with(OURS) {
            return Err(Error::guard(format!("database {} is none of this program's making", name.escape_debug())));
        }
        let session = self.session()?;
        sessions::end_all(session, name)?;
        sessions::wait_no_longer(session, Duration::from_secs(10))?;
        let sql = mysql().lit("DROP DATABASE IF EXISTS ").name(name);
        let deadline = Instant::now() + LINGERING;
        while let Err(error) = session.attempt(sql.text())? {
            // MariaDB takes a table's file away in the background, and does not remove a folder with one in it (1010).
            if explain::code(&error) != Some(1010) || Instant::now() >= deadline {
                return Err(explain::statement(&error));
            }
            session.cancel.check()?;
            std::thread::park_timeout(Duration::from_millis(100));
        }
        facts::forget(session, name)
    }

    /// Removes what was begun, however the work ended.
    fn undone<T>(&mut self, name: &str, done: Result<T>) -> Result<T> {
        done.map_err(|error| {
            let cancel = std::mem::take(&mut self.session.cancel);
            let removed = self.remove(name);
            self.session.cancel = cancel;
            match removed {
                Ok(()) => error,
                Err(second) => error.caused_by(second),
            }
        })
    }
}

/// A connection like this one, with its settings.
fn another(session: &Session, cancel: &Cancel) -> Result<Session> {
    let mut other = session.another(cancel)?;
    connect::pin(&mut other)?;
    Ok(other)
}

/// Runs a statement that needs more privileges than an application's.
fn run(session: &mut Session, sql: &Sql, doing: &'static str) -> Result<()> {
    match session.attempt(sql.text())? {
        Ok(_) => Ok(()),
        Err(error) => match explain::code(&error) {
            Some(1044 | 1045 | 1142 | 1227 | 1410) => Err(Error::guard(format!("{doing}: this account may not"))
                .caused_by(explain::statement(&error))
                .hint("Name a server whose account may make databases and accounts.")),
            Some(1007) => Err(Error::guard(format!("{doing}: there is one of that name"))),
            _ => Err(explain::statement(&error).within(doing)),
        },
    }
}

impl Host for Server {
    fn engine(&self) -> EngineKind {
        self.engine
    }

    fn address(&self, name: &str) -> Address {
        account::database(&self.address, name)
    }

    fn registry(&mut self) -> Result<Box<dyn Target>> {
        self.make_registry()?;
        let connect::Opened { session, engine } = connect::open(&self.address(REGISTRY), false, &self.cancel)?;
        let mut registry = Mysql::new(session, engine);
        registry.work.changes = write::Changes::AtOnce;
        Ok(Box::new(registry))
    }

    fn hold(&mut self, name: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        let cancel = self.cancel.clone();
        let mut session = self.session()?.another(&cancel)?;
        // It may be held as long as a pool runs.
        session.run("SET SESSION wait_timeout = 2147483")?;
        let digest = network::digest("terp-fixtures v1 mysql isolate", &[name]);
        let taken = lock::wait_for(&mut session, &format!("terp-fixtures:{digest}"), wait)?;
        Ok(taken.then(|| -> Box<dyn Held> { Box::new(Lock { _session: session }) }))
    }

    fn exists(&mut self, name: &str) -> Result<bool> {
        let sql = mysql().lit("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ").string(name);
        Ok(!self.session()?.rows(sql.text())?.is_empty())
    }

    fn create(&mut self, name: &str) -> Result<()> {
        let sql = mysql().lit("CREATE DATABASE ").name(name).lit(" CHARACTER SET utf8mb4");
        run(self.session()?, &sql, "making a database")
    }

    fn seal(&mut self, template: &str) -> Result<()> {
        self.make_registry()?;
        clone::seal(self.session()?, template).map_err(|error| error.within("sealing the template"))
    }

    fn clone_template(&mut self, template: &str, name: &str) -> Result<()> {
        self.make_registry()?;
        if self.exists(name)? {
            return Err(Error::guard(format!("making a clone: there is a database {} already", name.escape_debug())));
        }
        let (engine, cancel) = (self.engine, self.cancel.clone());
        let mut session = another(self.session()?, &cancel)?;
        let done = clone::make(&mut session, engine, template, name).map_err(|error| error.within("making a clone"));
        drop(session);
        self.undone(name, done)
    }

    fn admit(&mut self, _template: &str, name: &str) -> Result<Admission> {
        let (address, cancel) = (self.address.clone(), self.cancel.clone());
        account::admit(self.session()?, &address, name, &cancel)
    }

    fn replace(&mut self, template: &str, name: &str, admission: &Admission) -> Result<Admission> {
        self.drop_database(name)?;
        // What the account may do there stays when the database goes.
        self.clone_template(template, name)?;
        Ok(admission.clone())
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        self.drop_database(name)?;
        account::remove(self.session()?, name)
    }

    fn bytes(&mut self, name: &str) -> Result<u64> {
        let sql = mysql().lit(
            "SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS SIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ",
        );
        let bytes = self.session()?.text(sql.string(name).text())?;
        Ok(bytes.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    fn open(&mut self, template: &str, name: &str) -> Result<Box<dyn Resettable>> {
        let (engine, cancel) = (self.engine, self.cancel.clone());
        Ok(Box::new(reset::Warm::open(self.session()?, engine, (template, name), &cancel)?))
    }
}

/// A named lock: it dies with its session.
struct Lock {
    _session: Session,
}

impl Held for Lock {}
