//! Templates and clones on a PostgreSQL server: databases that are copied by the server, and put back from a row journal.
//!
//! What a template has beside its snapshot is in `seal.sql`. A clone is put back in four steps: [`look`] asks what was changed,
//! [`undo`] takes it back in one transaction, [`mend`] does the same for tables whose rows were not recorded, and `shape` tells a
//! schema from another one.

mod accounts;
mod guarded;
mod hold;
mod look;
mod mend;
mod names;
mod opened;
mod seal;
mod shape;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trap_tests;
mod undo;

use super::session::Session;
use super::{Postgres, connect, explain};
use crate::engine::Target;
use crate::engine::isolate::{Admission, Held, Host, REGISTRY, Resettable};
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::schema::EngineKind;
use crate::secret::Address;
use hold::Locks;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the connections are for, as the server's lists of them tell it.
const PURPOSE: &str = "isolation";

/// How long a template may be busy with somebody who will leave it soon.
const BUSY: Duration = Duration::from_secs(10);

/// Opens the host.
pub(super) fn host(address: &Address, cancel: &Cancel) -> Result<Box<dyn Host>> {
    let (address, cancel) = (address.clone(), cancel.clone());
    let mut session = connect::open(&start(&address), PURPOSE, false, &cancel)?;
    let major = session.rows("SELECT pg_catalog.current_setting('server_version_num')::int / 10000")?;
    let major = major.into_iter().flatten().flatten().next().and_then(|text| text.parse().ok()).unwrap_or_default();
    Ok(Box::new(Server { address, cancel, session, major, in_registry: false, locks: None }))
}

/// Where to begin: in the database that the address names, or the one that every server has.
fn start(address: &Address) -> Address {
    if names::has_database(address) { address.clone() } else { names::address(address, "postgres", None) }
}

/// A PostgreSQL server.
struct Server {
    address: Address,
    cancel: Cancel,
    /// To the database that the address names, until the registry's is open.
    session: Session,
    major: u32,
    in_registry: bool,
    locks: Option<Arc<Mutex<Locks>>>,
}

impl Server {
    /// Goes to the registry's database, which is made when it is missing.
    fn enter_registry(&mut self) -> Result<()> {
        if self.in_registry && !self.session.is_broken() {
            return Ok(());
        }
        if !self.exists(REGISTRY)? {
            match self.make(REGISTRY, false)? {
                Err(error) if self.exists(REGISTRY)? => drop(error),
                Err(error) => return Err(refused(&error, REGISTRY)),
                Ok(()) => accounts::close(self.main()?, REGISTRY)?,
            }
        }
        self.session = self.connect(REGISTRY)?;
        self.in_registry = true;
        Ok(())
    }

    /// The connection for everything; another one where it was lost.
    fn main(&mut self) -> Result<&mut Session> {
        if self.session.is_broken() {
            self.session = if self.in_registry {
                self.connect(REGISTRY)?
            } else {
                connect::open(&start(&self.address), PURPOSE, false, &self.cancel)?
            };
        }
        Ok(&mut self.session)
    }

    fn connect(&self, database: &str) -> Result<Session> {
        let mut session = connect::open(&self.address(database), PURPOSE, false, &self.cancel)?;
        session.run("SET idle_session_timeout = 0")?;
        Ok(session)
    }

    /// An empty database in UTF-8. Where the server's own locale forbids that, in the one that goes with everything.
    fn make(&mut self, name: &str, plain: bool) -> Result<std::result::Result<(), sqlx::Error>> {
        let create = sql("CREATE DATABASE ").name(name).lit(" TEMPLATE template0 ENCODING 'UTF8'");
        let create = if plain { create.lit(" LC_COLLATE 'C' LC_CTYPE 'C'") } else { create };
        match self.main()?.attempt(create.text())? {
            Err(error) if !plain && explain::code(&error).as_deref() == Some("22023") => self.make(name, true),
            done => Ok(done.map(drop)),
        }
    }

    fn drop_database(&mut self, name: &str) -> Result<()> {
        if !self.exists(name)? {
            return Ok(());
        }
        self.main()?.run(sql("ALTER DATABASE ").name(name).lit(" IS_TEMPLATE false").text())?;
        let drop = sql("DROP DATABASE IF EXISTS ").name(name).lit(" WITH (FORCE)");
        self.while_busy(drop.text())
    }

    /// Runs a statement, again while others are in the database that it is about.
    fn while_busy(&mut self, statement: &str) -> Result<()> {
        let deadline = Instant::now() + BUSY;
        loop {
            match self.main()?.attempt(statement)? {
                Ok(_) => return Ok(()),
                Err(error) if explain::code(&error).as_deref() == Some("55006") && Instant::now() < deadline => {
                    std::thread::park_timeout(Duration::from_millis(50));
                }
                Err(error) => return Err(explain::statement(&error)),
            }
        }
    }

    fn copy(&mut self, template: &str, name: &str) -> Result<()> {
        // Copying page by page wins wherever files must reach the disk; see the research notes of the decision.
        let strategy = if self.major >= 15 { " STRATEGY wal_log" } else { "" };
        let create = sql("CREATE DATABASE ").name(name).lit(" TEMPLATE ").name(template).lit(strategy);
        self.while_busy(create.text())?;
        accounts::close(self.main()?, name)?;
        let mut clone = self.connect(name)?;
        clone.run("INSERT INTO terp_fixtures.canary VALUES (true)").map(drop)
    }
}

impl Host for Server {
    fn engine(&self) -> EngineKind {
        EngineKind::Postgres
    }

    fn address(&self, name: &str) -> Address {
        names::address(&self.address, name, None)
    }

    fn registry(&mut self) -> Result<Box<dyn Target>> {
        self.enter_registry()?;
        Ok(Box::new(Postgres::new(self.connect(REGISTRY)?)))
    }

    fn hold(&mut self, name: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        self.enter_registry()?;
        let locks = match self.locks.take().filter(|locks| !Locks::is_broken(locks)) {
            Some(locks) => locks,
            None => Locks::new(self.connect(REGISTRY)?),
        };
        self.locks = Some(Arc::clone(&locks));
        hold::hold(&locks, name, wait)
    }

    fn exists(&mut self, name: &str) -> Result<bool> {
        let find = sql("SELECT 1 FROM pg_catalog.pg_database WHERE datname = ").string(name);
        Ok(!self.main()?.rows(find.text())?.is_empty())
    }

    fn create(&mut self, name: &str) -> Result<()> {
        self.make(name, false)?.map_err(|error| refused(&error, name))?;
        accounts::close(self.main()?, name)
    }

    fn seal(&mut self, template: &str) -> Result<()> {
        let has_owner = accounts::may_make_roles(self.main()?)?;
        if has_owner {
            accounts::make_owner(self.main()?, template)?;
        }
        let mut session = self.connect(template)?;
        seal::seal(&mut session, template, has_owner).map_err(|error| error.within("closing the template"))?;
        drop(session);
        let close = sql("ALTER DATABASE ").name(template).lit(" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false");
        self.main()?.run(close.text()).map(drop)
    }

    fn clone_template(&mut self, template: &str, name: &str) -> Result<()> {
        let made = self.copy(template, name);
        if made.is_err() && self.cancel.check().is_ok() {
            // The first error tells more than one of clearing up.
            drop(self.drop_database(name));
        }
        made.map_err(|error| error.within(format!("making the clone {name}")))
    }

    fn admit(&mut self, _template: &str, name: &str) -> Result<Admission> {
        let (address, cancel) = (self.address.clone(), self.cancel.clone());
        accounts::admit(self.main()?, &address, name, &cancel)
    }

    fn replace(&mut self, template: &str, name: &str, admission: &Admission) -> Result<Admission> {
        self.drop_database(name)?;
        self.clone_template(template, name)?;
        if admission.unlimited.is_some() || !accounts::exists(self.main()?, name)? {
            return self.admit(template, name);
        }
        accounts::let_in(self.main()?, name)?;
        Ok(admission.clone())
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        self.drop_database(name)?;
        accounts::remove(self.main()?, name)?;
        // The last of a template and its clones takes the role with it that owned them.
        let is_last = match names::template(name) {
            Some(template) => !self.exists(&template)?,
            None => true,
        };
        if is_last { accounts::remove(self.main()?, &names::owner(name)) } else { Ok(()) }
    }

    fn bytes(&mut self, name: &str) -> Result<u64> {
        let size =
            sql("SELECT pg_catalog.pg_database_size(oid) FROM pg_catalog.pg_database WHERE datname = ").string(name);
        let size = self.main()?.rows(size.text())?.into_iter().flatten().flatten().next();
        Ok(size.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    fn open(&mut self, _template: &str, name: &str) -> Result<Box<dyn Resettable>> {
        let session = self.connect(name)?;
        Ok(Box::new(opened::open(session).map_err(|error| error.within(format!("clone {name}")))?))
    }
}

fn refused(error: &sqlx::Error, name: &str) -> Error {
    match explain::code(error).as_deref() {
        Some("42501") => Error::guard("this account may not make databases on this server")
            .hint("Grant it: ALTER ROLE NAME CREATEDB; with CREATEROLE, too, every clone gets an account of its own."),
        Some("42P04" | "23505") => Error::guard(format!("there is a database {} already", name.escape_debug()))
            .hint("Only what the registry lists is ever dropped. Drop it by hand if it is a leftover."),
        _ => explain::statement(error),
    }
}

fn sql(text: &'static str) -> Sql {
    Sql::new(EngineKind::Postgres).lit(text)
}
