//! Roles: one without a login that owns a template and its clones, and one for each clone's user that is a member of it.

use super::super::session::Session;
use super::super::{connect, explain};
use super::names;
use crate::engine::isolate::Admission;
use crate::engine::network;
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::event::Cancel;
use crate::model::schema::EngineKind;
use crate::secret::Address;

/// Gives everything of a template to a role of its own.
const OWNER: &str = include_str!("owner.sql");

/// Whether this account may make roles.
pub(super) fn may_make_roles(session: &mut Session) -> Result<bool> {
    let may = "SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user";
    Ok(session.rows(may)?.into_iter().flatten().flatten().next().as_deref() == Some("t"))
}

/// Makes the role that is to own `template`.
pub(super) fn make_owner(session: &mut Session, template: &str) -> Result<()> {
    let role = names::owner(template);
    if exists(session, &role)? {
        return Ok(());
    }
    session.run(sql("CREATE ROLE ").name(&role).text())?;
    join(session, &role)
}

/// An account that is no superuser has the rights of a role only as its member.
fn join(session: &mut Session, role: &str) -> Result<()> {
    let is_super = session.rows("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")?;
    if is_super.into_iter().flatten().flatten().next().as_deref() == Some("t") {
        return Ok(());
    }
    session.run(sql("GRANT ").name(role).lit(" TO CURRENT_USER").text()).map(drop)
}

/// Inside a transaction, in the template: gives everything to its role.
pub(super) fn give_to_owner(session: &mut Session, template: &str) -> Result<()> {
    session.run(sql("SET LOCAL terp_fixtures.owner = ").string(&names::owner(template)).text())?;
    session.run(OWNER).map(drop)
}

/// Whether there is a role of that name.
pub(super) fn exists(session: &mut Session, role: &str) -> Result<bool> {
    let found = session.rows(sql("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = ").string(role).text())?;
    Ok(!found.is_empty())
}

/// Makes the account of a clone, or gives it a new password.
pub(super) fn admit(session: &mut Session, host: &Address, name: &str, cancel: &Cancel) -> Result<Admission> {
    let unlimited =
        |why: &str| Admission { address: names::address(host, name, None), unlimited: Some(why.to_owned()) };
    let owner = names::owner(name);
    if !may_make_roles(session)? {
        return Ok(unlimited("the server's account may not make roles (CREATEROLE)"));
    }
    if !exists(session, &owner)? {
        return Ok(unlimited("the template belongs to the server's own account"));
    }
    let password = network::password()?;
    let what = if exists(session, name)? { "ALTER ROLE " } else { "CREATE ROLE " };
    session.run(sql(what).name(name).lit(" LOGIN PASSWORD ").string(&password).text())?;
    session.run(sql("GRANT ").name(&owner).lit(" TO ").name(name).text())?;
    join(session, name)?;
    let_in(session, name)?;
    let address = names::address(host, name, Some((name, &password)));
    // The server's own rules may let no new role in, whatever its password is.
    match connect::open(&address, "a look", false, cancel) {
        Ok(_) => Ok(Admission { address, unlimited: None }),
        Err(error) if cancel.check().is_err() => Err(error),
        Err(_) => Ok(unlimited("the server lets no new role log in with a password (pg_hba.conf)")),
    }
}

/// Lets the account of a clone into it, and nobody else. Materialised views are refreshed in the name of their owner, by way of
/// temporary tables.
pub(super) fn let_in(session: &mut Session, name: &str) -> Result<()> {
    session.run(sql("GRANT ALL ON DATABASE ").name(name).lit(" TO ").name(name).text())?;
    let owner = names::owner(name);
    session.run(sql("GRANT TEMPORARY ON DATABASE ").name(name).lit(" TO ").name(&owner).text()).map(drop)
}

/// Keeps everybody out of a database who is not let in by name.
pub(super) fn close(session: &mut Session, name: &str) -> Result<()> {
    session.run(sql("REVOKE ALL ON DATABASE ").name(name).lit(" FROM PUBLIC").text()).map(drop)
}

/// Removes a role. One that still owns something, in clones that are still there, stays.
pub(super) fn remove(session: &mut Session, role: &str) -> Result<()> {
    if !exists(session, role)? {
        return Ok(());
    }
    match session.attempt(sql("DROP ROLE IF EXISTS ").name(role).text())? {
        Ok(_) => Ok(()),
        Err(error) if matches!(explain::code(&error).as_deref(), Some("2BP01" | "42704")) => Ok(()),
        Err(error) => Err(explain::statement(&error)),
    }
}

fn sql(text: &'static str) -> Sql {
    Sql::new(EngineKind::Postgres).lit(text)
}
