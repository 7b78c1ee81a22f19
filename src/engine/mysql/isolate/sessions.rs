//! Other sessions of a clone: how long they are waited for, and which of them are ended.

use super::account;
use super::key::mysql;
use crate::engine::mysql::catalog::cell;
use crate::engine::mysql::explain;
use crate::engine::mysql::session::Session;
use crate::engine::sql::Sql;
use crate::error::Result;
use std::time::{Duration, Instant};

/// How long an ended session may take to go.
const GOING: Duration = Duration::from_secs(5);

/// From now on a lock of somebody else is waited for so long and no longer. The server counts in whole seconds.
pub(super) fn wait_no_longer(session: &mut Session, wait: Duration) -> Result<()> {
    let seconds = wait.as_millis().div_ceil(1000).clamp(1, 3600);
    session.run(&format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}")).map(drop)
}

/// The sessions of the server, as `p`. MySQL cannot read its process list while any session runs a statement with bytes that are
/// no text (error 3854); its threads can be read always, by whoever may.
fn all(session: &mut Session) -> Result<&'static str> {
    let threads = "(SELECT PROCESSLIST_ID AS ID, PROCESSLIST_DB AS DB, PROCESSLIST_USER AS USER, PROCESSLIST_COMMAND AS COMMAND \
        FROM performance_schema.threads WHERE PROCESSLIST_ID IS NOT NULL) p";
    let own = format!("SELECT 1 FROM {threads} WHERE p.ID = CONNECTION_ID()");
    let is_told = session.batch(&own)?.is_ok_and(|answers| answers.iter().any(|answer| !answer.rows.is_empty()));
    Ok(if is_told { threads } else { "information_schema.PROCESSLIST p" })
}

/// The sessions of a clone other than this one: by its database, or by its account.
fn of(sql: Sql, name: &str) -> Sql {
    let sql = sql.lit(" WHERE (p.DB = ").string(name).lit(" OR p.USER = ").string(&account::known_as(name));
    sql.lit(") AND p.ID <> CONNECTION_ID()")
}

/// Whether a session of the clone is at work, with what nobody else can tell.
pub(super) fn anybody_works(session: &mut Session, name: &str) -> Result<bool> {
    let sql = of(mysql().lit("SELECT 1 FROM ").lit(all(session)?), name);
    Ok(!session.rows(sql.lit(" AND p.COMMAND <> 'Sleep' LIMIT 1").text())?.is_empty())
}

/// Ends the sessions of a clone that are idle in a transaction, and returns how many. None where the account may not look.
pub(super) fn end_idle(session: &mut Session, name: &str) -> Result<u64> {
    let sql = mysql().lit("SELECT DISTINCT p.ID FROM ").lit(all(session)?);
    let sql = sql.lit(" JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID");
    let sql = of(sql, name).lit(" AND p.COMMAND = 'Sleep'");
    end(session, &sql)
}

/// Ends all sessions of a clone.
pub(super) fn end_all(session: &mut Session, name: &str) -> Result<()> {
    let sql = of(mysql().lit("SELECT p.ID FROM ").lit(all(session)?), name);
    end(session, &sql).map(drop)
}

fn end(session: &mut Session, which: &Sql) -> Result<u64> {
    let found = match session.batch(which.text())? {
        Ok(answers) => answers.into_iter().flat_map(|answer| answer.rows),
        // Not allowed to look.
        Err(error) if explain::code(&error) == Some(1227) => return Ok(0),
        Err(error) => return Err(explain::statement(&error)),
    };
    let mut ended = Vec::new();
    for row in found {
        let id = cell(&row, 0).to_owned();
        if id.bytes().all(|byte| byte.is_ascii_digit()) && session.attempt(&format!("KILL {id}"))?.is_ok() {
            ended.push(id);
        }
    }
    let deadline = Instant::now() + GOING;
    let there = mysql().lit("SELECT 1 FROM ").lit(all(session)?).lit(" WHERE p.ID IN (");
    let there = there.list(&ended, ", ", |sql, id| sql.string(id)).lit(") LIMIT 1");
    while !ended.is_empty() && !session.rows(there.text())?.is_empty() && Instant::now() < deadline {
        session.cancel.check()?;
        std::thread::park_timeout(Duration::from_millis(10));
    }
    Ok(ended.len() as u64)
}

/// Says that sessions were ended.
pub(super) fn note(count: u64) -> String {
    match count {
        1 => "a session that was idle in a transaction was ended".to_owned(),
        count => format!("{count} sessions that were idle in a transaction were ended"),
    }
}
