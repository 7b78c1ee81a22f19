//! The declaration of a target: one row in the database itself that says what it is. Whoever restores need not be believed.
//!
//! The row is the user's: no restore and no rollback touches it, and it never counts as content.

use super::surroundings::{Question, Topic};
use super::{Context, now};
use crate::engine::sql::{self, Sql};
use crate::engine::{Enforce, Query, Target, Whereabouts, scalar};
use crate::error::{Error, Kind, Result};
use crate::model::mark;
use crate::policy::file::ENVIRONMENTS;
use std::time::Duration;

/// What can be done to a target, and so can be allowed in it.
pub const OPERATIONS: [&str; 3] = ["restore", "rollback", "reset"];

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// `dev`, `staging` or `production`.
    pub environment: String,
    /// Those of [`OPERATIONS`] that may be done to it.
    pub allowed: Vec<String>,
    /// Whom to ask about it; may be empty.
    pub owner: String,
    /// When it was declared, UTC, RFC 3339.
    pub at: String,
    /// By whom, as user and machine call themselves.
    pub by: String,
}

impl Declaration {
    /// Whether another declaration says the same of the database, whoever made it and when.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        (&self.environment, &self.allowed, &self.owner) == (&other.environment, &other.allowed, &other.owner)
    }

    /// What may be done to a database of `environment` when nothing else is said: nobody resets production.
    #[must_use]
    pub fn usually_allowed(environment: &str) -> Vec<String> {
        let count = if environment == "production" { 2 } else { OPERATIONS.len() };
        OPERATIONS[..count].iter().map(|&word| word.to_owned()).collect()
    }
}

/// What the user wants a target to declare; what is left out stays as it is.
#[derive(Debug, Clone)]
pub struct Wish {
    /// `dev`, `staging` or `production`.
    pub environment: String,
    /// What may be done to it.
    pub allowed: Option<Vec<String>>,
    /// Whom to ask about it.
    pub owner: Option<String>,
    /// Who declares it.
    pub by: String,
}

impl Wish {
    /// The declaration that would come of it, beside the one that is there.
    #[must_use]
    pub fn beside(&self, there: Option<&Declaration>) -> Declaration {
        let same = there.filter(|there| there.environment == self.environment);
        let usual =
            || same.map_or_else(|| Declaration::usually_allowed(&self.environment), |there| there.allowed.clone());
        let owner = self.owner.clone().or_else(|| there.map(|there| there.owner.clone()));
        let mut allowed = self.allowed.clone().unwrap_or_else(usual);
        allowed.sort_by_key(|word| OPERATIONS.iter().position(|known| known == word));
        allowed.dedup();
        let owner = owner.unwrap_or_default();
        Declaration { environment: self.environment.clone(), allowed, owner, at: now(), by: self.by.clone() }
    }
}

const COLUMNS: [&str; 5] = ["environment", "allowed", "owner", "declared_at", "declared_by"];

/// What a target declares, if anything.
///
/// # Errors
/// Kind `Guard` where there is a declaration that cannot be read or understood: then nothing may be done to the target.
pub fn read(target: &mut dyn Target) -> Result<Option<Declaration>> {
    let engine = target.engine();
    if scalar(target, sql::own_table(engine, mark::TARGET_TABLE))? == 0 {
        return Ok(None);
    }
    let sql = Sql::new(engine).lit("SELECT ").list(COLUMNS, ", ", Sql::name).lit(" FROM ").name(mark::TARGET_TABLE);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let done = target.read(&Query { sql, columns: COLUMNS.len() }, &mut |batch| {
        let text = |row, column| String::from_utf8_lossy(batch.cell(row, column).bytes).into_owned();
        rows.extend((0..batch.rows()).map(|row| (0..COLUMNS.len()).map(|column| text(row, column)).collect()));
        Ok(())
    });
    done.map_err(|error| match error.kind() {
        Kind::Interrupted => error,
        _ => Error::guard(format!("the target's declaration ({}) cannot be read", mark::TARGET_TABLE))
            .caused_by(error)
            .hint("Grant SELECT on it to the account that restores, or declare the database anew as its owner."),
    })?;
    understood(&rows).map(Some)
}

fn understood(rows: &[Vec<String>]) -> Result<Declaration> {
    let damaged = || {
        Error::guard(format!("the target's declaration ({}) is damaged", mark::TARGET_TABLE)).hint(
            "Somebody edited it. Look at its rows, then forget it with 'terp-fixtures target remove' and declare the database anew.",
        )
    };
    let [row] = rows else { return Err(damaged()) };
    let [environment, allowed, owner, at, by] = row.as_slice() else { return Err(damaged()) };
    let allowed: Vec<String> = allowed.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let is_known =
        ENVIRONMENTS.contains(&environment.as_str()) && allowed.iter().all(|word| OPERATIONS.contains(&word.as_str()));
    if !is_known {
        return Err(damaged());
    }
    Ok(Declaration { environment: environment.clone(), allowed, owner: owner.clone(), at: at.clone(), by: by.clone() })
}

/// What has to be agreed to before `new` may take the place of `there`; none where both say the same.
#[must_use]
pub fn question(
    there: Option<&Declaration>,
    new: &Declaration,
    (whereabouts, database, address): (Whereabouts, &str, &str),
) -> Option<Question> {
    let named = format!("{} ({address})", database.escape_debug());
    match there {
        Some(there) if there.says_the_same(new) => None,
        Some(there) if there.environment != new.environment => Some(Question::Name {
            database: database.to_owned(),
            text: format!("This turns {named} from {} into {}.", there.environment, new.environment),
        }),
        _ if whereabouts == Whereabouts::Elsewhere => Some(Question::Name {
            database: database.to_owned(),
            text: format!("This declares {named}, which is on another machine, to be {}.", new.environment),
        }),
        _ => Some(Question::Yes {
            topic: Topic::Declare,
            text: format!("This declares {named} to be {}.", new.environment),
        }),
    }
}

/// Declares a target under its lock, provided that it still declares what the user was shown.
///
/// # Errors
/// Kind `Locked` when another run is at work, or somebody else declared it meanwhile.
pub fn declare(
    context: &Context<'_>,
    target: &mut dyn Target,
    (shown, new): (Option<&Declaration>, &Declaration),
    wait: Duration,
) -> Result<()> {
    alone(context, target, (shown, "target init"), wait)?;
    changed(target, |target| {
        let engine = target.engine();
        create(target)?;
        target.execute(&Sql::new(engine).lit("DELETE FROM ").name(mark::TARGET_TABLE))?;
        let sql = Sql::new(engine).lit("INSERT INTO ").name(mark::TARGET_TABLE).lit(" (id, ");
        let sql = sql.list(COLUMNS, ", ", Sql::name).lit(") VALUES (1, ");
        let allowed = new.allowed.join(",");
        let values = [&new.environment, &allowed, &new.owner, &new.at, &new.by];
        target.execute(&sql.list(values, ", ", |sql, value| sql.string(value)).lit(")")).map(drop)
    })
}

/// Takes the declaration away, provided that it is still what the user was shown. One that is damaged is shown to nobody.
///
/// # Errors
/// Kind `Locked` as for [`declare`].
pub fn remove(
    context: &Context<'_>,
    target: &mut dyn Target,
    shown: Option<&Declaration>,
    wait: Duration,
) -> Result<()> {
    alone(context, target, (shown, "target remove"), wait)?;
    changed(target, |target| {
        target.execute(&Sql::new(target.engine()).lit("DROP TABLE ").name(mark::TARGET_TABLE)).map(drop)
    })
}

/// Makes sure, under the lock, that a target still declares what the guards have seen.
pub(super) fn is_still(target: &mut dyn Target, seen: Option<&Declaration>) -> Result<()> {
    if read(target)?.as_ref() == seen {
        return Ok(());
    }
    Err(Error::locked("somebody else declared the target meanwhile").hint(
        "Look at it with 'terp-fixtures target show', and run the command again if it is still due. Nothing was changed.",
    ))
}

/// Takes the lock, and makes sure that nobody else has declared the target meanwhile.
fn alone(
    context: &Context<'_>,
    target: &mut dyn Target,
    (shown, purpose): (Option<&Declaration>, &str),
    wait: Duration,
) -> Result<()> {
    context.stage("taking the lock of the target");
    target.lock(purpose, wait)?;
    match is_still(target, shown) {
        // One that is damaged is shown to nobody.
        Err(error) if error.kind() == Kind::Guard && shown.is_none() => Ok(()),
        done => done,
    }
}

/// One transaction of ours.
fn changed(target: &mut dyn Target, change: impl FnOnce(&mut dyn Target) -> Result<()>) -> Result<()> {
    target.begin(Enforce::Nothing)?;
    match change(target) {
        Ok(()) => target.end(true),
        Err(error) => match target.end(false) {
            Ok(()) => {
                Err(error.hint("The account needs to make and drop tables in this database. Nothing was changed."))
            }
            Err(second) => Err(error.caused_by(second)),
        },
    }
}

fn create(target: &mut dyn Target) -> Result<()> {
    let engine = target.engine();
    let sql = Sql::new(engine)
        .lit("CREATE TABLE IF NOT EXISTS ")
        .name(mark::TARGET_TABLE)
        .lit(" (id SMALLINT NOT NULL PRIMARY KEY, environment VARCHAR(20) NOT NULL, allowed VARCHAR(100) NOT NULL, ")
        .lit("owner VARCHAR(255) NOT NULL, declared_at VARCHAR(40) NOT NULL, declared_by VARCHAR(255) NOT NULL)")
        .lit(sql::own_table_options(engine));
    target.execute(&sql).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(environment: &str, allowed: &str) -> Vec<String> {
        [environment, allowed, "us", "2026-01-01T00:00:00Z", "me on here"].map(str::to_owned).to_vec()
    }

    #[test]
    fn only_one_row_of_known_words_is_a_declaration() {
        let read = understood(&[row("dev", "restore,reset")]).unwrap();
        assert_eq!((read.environment.as_str(), read.allowed), ("dev", vec!["restore".to_owned(), "reset".to_owned()]));
        assert!(understood(&[row("production", "")]).unwrap().allowed.is_empty());
        for rows in [
            Vec::new(),
            vec![row("dev", "restore"), row("dev", "restore")],
            vec![row("Dev", "restore")],
            vec![row("", "restore")],
            vec![row("dev", "restore, rollback")],
            vec![row("dev", "everything")],
            vec![vec!["dev".to_owned()]],
        ] {
            assert_eq!(understood(&rows).unwrap_err().kind(), Kind::Guard, "{rows:?}");
        }
    }

    #[test]
    fn what_a_wish_leaves_out_stays() {
        let wish =
            |environment: &str| Wish { environment: environment.into(), allowed: None, owner: None, by: "me".into() };
        let new = wish("dev").beside(None);
        assert_eq!((new.allowed.len(), new.owner.as_str()), (3, ""));
        let there = Declaration { allowed: vec!["restore".into()], owner: "us".into(), ..new };
        assert!(wish("dev").beside(Some(&there)).says_the_same(&there));
        let other = wish("production").beside(Some(&there));
        assert_eq!((other.allowed, other.owner.as_str()), (vec!["restore".to_owned(), "rollback".to_owned()], "us"));
        let said = Wish { allowed: Some(["reset", "restore", "reset"].map(str::to_owned).to_vec()), ..wish("dev") };
        assert_eq!(said.beside(None).allowed, ["restore", "reset"]);
    }
}
