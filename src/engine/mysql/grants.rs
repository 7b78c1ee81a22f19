//! What an account may do, asked before something is taken away that only a privilege brings back.

use super::ddl;
use super::session::Session;
use crate::error::{Error, Result};

/// Whether the account has one of these privileges on everything.
fn has(session: &mut Session, privileges: &[&str]) -> Result<bool> {
    let grants = session.rows("SHOW GRANTS")?;
    let grants: Vec<String> = grants.into_iter().flatten().flatten().collect();
    let gives = |grant: &String| {
        let (what, rest) = grant.split_once(" ON ").unwrap_or((grant, ""));
        rest.starts_with("*.*") && privileges.iter().any(|name| what.contains(name))
    };
    Ok(grants.iter().any(gives))
}

/// Refuses where triggers can be dropped but not made: with a binary log, some servers want more than TRIGGER for that.
pub(super) fn refuse_triggers(session: &mut Session) -> Result<()> {
    let settings = session.rows("SELECT @@log_bin, @@log_bin_trust_function_creators")?;
    let is = |at: usize| settings.first().and_then(|row| row.get(at)).cloned().flatten().as_deref() == Some("1");
    if !is(0) || is(1) || has(session, &["SUPER", "ALL PRIVILEGES"])? {
        return Ok(());
    }
    Err(Error::guard("this account may not make triggers while the server writes a binary log")
        .hint("Set log_bin_trust_function_creators = 1 on the server, or connect as an account with SUPER. Nothing was changed."))
}

/// Refuses where a trigger could come back only in another account's name.
pub(super) fn refuse_definer(session: &mut Session, create: &str) -> Result<()> {
    let Some((user, host)) = ddl::definer(create) else { return Ok(()) };
    let own = session.text("SELECT CURRENT_USER()")?.unwrap_or_default();
    let may = ["SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER", "ALL PRIVILEGES"];
    if own == format!("{user}@{host}") || has(session, &may)? {
        return Ok(());
    }
    Err(Error::guard("a trigger of the target belongs to another account, which this one may not name as its definer")
        .hint("Connect as that account, or as one with SET_ANY_DEFINER or SUPER. Nothing was changed."))
}
