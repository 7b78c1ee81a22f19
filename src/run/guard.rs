//! What must never be restored, never here, or never taken out again without the owner's word: the guards, in one order.
//!
//! 1. The target declares what it is, or is a file, or a server of this machine that holds nothing of others.
//! 2. The target is not the source of the snapshot. There is no way round.
//! 3. No variable says that this is production.
//! 4. A target that holds far more rows than the snapshot is asked about.
//!
//! Then the snapshot: it has not expired, and was masked for what the target is. Nothing is believed of a host's name. The
//! library cannot ask: whoever calls it gets the [`Question`] that is open, and comes again with the answer.

mod rows;

use super::declaration::{self, Declaration};
use super::ledger::Run;
use super::repository::Snapshot;
use super::restore::Options;
use super::surroundings::{PRODUCTION, Question, Said, Surroundings, Topic};
use crate::engine::{Query, Target, Whereabouts, sql};
use crate::error::{Error, Result};
use crate::model::manifest::TableEntry;
use crate::model::schema::{EngineKind, TableName};
use rows::{far_more_rows, holds_rows_of_others};
use std::path::Path;

/// What takes production as a target, all of it at once.
pub const PRODUCTION_PROCEDURE: &str = "Production gets reference tables only, and only with all of: a target that is declared \
    production, ALLOW_PRODUCTION_SEEDING=true, --env production, and the database's name, typed or with --confirm.";

/// What the guards say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Passed(Passed),
    /// Somebody has to be asked first.
    Ask(Question),
}

/// What holds for a target that the guards let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// What the target declares.
    pub declaration: Option<Declaration>,
    /// What the target is, and what says so.
    pub environment: Said,
    /// The tables that may be restored, where not all may.
    pub tables: Option<Vec<String>>,
    /// Tables of the snapshot that are left out because they are no reference tables.
    pub left_out: Vec<TableName>,
}

/// What is about to be done to a target, for a refusal that says what would have happened.
pub(super) struct Intent {
    /// One of the operations that a declaration allows.
    operation: &'static str,
    /// What would have happened: `3 rows of x would have gone into 2 tables of erp (sqlite:erp.sqlite)`.
    would: String,
}

impl Intent {
    fn new(operation: &'static str, what: &str, tables: usize, (database, said): (&str, &Surroundings)) -> Self {
        let address = if said.address.is_empty() { String::new() } else { format!(" ({})", said.address) };
        let tables = if tables == 1 { "1 table".to_owned() } else { format!("{tables} tables") };
        Self { operation, would: format!("{what} {tables} of {}{address}", database.escape_debug()) }
    }

    fn refuse(&self, why: impl std::fmt::Display) -> Error {
        Error::guard(format!("{why}; {}", self.would))
    }
}

/// Guards of a restore, all but those of the snapshot itself.
///
/// # Errors
/// Kind `Guard`, saying what would have happened and how to go on; nothing was changed.
pub fn restore(target: &mut dyn Target, snapshot: &Snapshot, options: &Options) -> Result<Verdict> {
    let said = &options.surroundings;
    let declared = declaration::read(target)?;
    let database = database_name(target)?;
    let chosen: Vec<&TableEntry> = snapshot.manifest.tables.iter().filter(|entry| is_chosen(entry, options)).collect();
    let rows: u64 = chosen.iter().map(|entry| entry.rows).sum();
    let what = format!("{rows} rows of {} would have gone into", snapshot.label());
    let tables = chosen.iter().filter(|entry| entry.rows > 0).count();
    let intent = Intent::new("restore", &what, tables, (&database, said));

    allowed(said, declared.as_ref(), &intent)?;
    let environment = said.environment(declared.as_ref());
    let is_production = declared.as_ref().is_some_and(|declared| declared.environment == PRODUCTION);
    let is_undeclared_server = declared.is_none() && said.whereabouts != Whereabouts::File;
    let mut passed = Passed { declaration: declared, environment, tables: None, left_out: Vec::new() };
    if is_production && snapshot.manifest.backup.is_none() {
        (passed.tables, passed.left_out) = references_only(&chosen, &intent)?;
    }
    let text = format!("Rows of {} go into {}.", snapshot.label(), shown(&database, said));
    if let Some(question) = name_of_production(is_production, options.dry_run, (&database, said), &text)? {
        return Ok(Verdict::Ask(question));
    }
    let asks = |topic| !options.dry_run && !said.agreed.contains(&topic);
    if is_undeclared_server && asks(Topic::OthersRows) && holds_rows_of_others(target)? {
        let text = format!(
            "{} declares nothing and holds rows that no restore put there. {rows} rows of {} will be put beside them.",
            shown(&database, said),
            snapshot.label()
        );
        return Ok(Verdict::Ask(Question::Yes { topic: Topic::OthersRows, text }));
    }
    refuse_source(target, snapshot, &intent)?;
    refuse_variable(said, is_production, &intent)?;
    if asks(Topic::ManyRows)
        && let Some(many) = far_more_rows(target, rows)?
    {
        let text = format!(
            "{} holds {many} rows, far more than the {rows} of {}: is it the database that you mean?",
            shown(&database, said),
            snapshot.label()
        );
        return Ok(Verdict::Ask(Question::Yes { topic: Topic::ManyRows, text }));
    }
    Ok(Verdict::Passed(passed))
}

/// Guards of a rollback: the declaration and the variables.
///
/// # Errors
/// Kind `Guard`, saying what would have happened and how to go on; nothing was changed.
pub fn rollback(target: &mut dyn Target, run: Option<&Run>, dry_run: bool, said: &Surroundings) -> Result<Verdict> {
    let tables = run.map(|run| run.detail.tables.as_slice()).unwrap_or_default();
    let rows: u64 = tables.iter().map(|table| table.inserted + table.overwritten).sum();
    let of = run.map_or("a run", |run| run.id.as_str());
    let what = format!("{rows} rows of {of} would have been taken out of");
    let database = database_name(target)?;
    let intent = Intent::new("rollback", &what, tables.len(), (&database, said));
    let text = format!("The rows of {of} go out of {}.", shown(&database, said));
    existing(target, (&database, said), (&intent, dry_run), &text)
}

/// The guards of whatever changes a target without a snapshot.
fn existing(
    target: &mut dyn Target,
    (database, said): (&str, &Surroundings),
    (intent, dry_run): (&Intent, bool),
    text: &str,
) -> Result<Verdict> {
    let declared = declaration::read(target)?;
    allowed(said, declared.as_ref(), intent)?;
    let is_production = declared.as_ref().is_some_and(|declared| declared.environment == PRODUCTION);
    if let Some(question) = name_of_production(is_production, dry_run, (database, said), text)? {
        return Ok(Verdict::Ask(question));
    }
    refuse_variable(said, is_production, intent)?;
    let environment = said.environment(declared.as_ref());
    Ok(Verdict::Passed(Passed { declaration: declared, environment, tables: None, left_out: Vec::new() }))
}

/// What is refused of a snapshot for the environment that a target is said or declared to be.
///
/// # Errors
/// Kind `Guard`.
pub fn refuse_expired(snapshot: &Snapshot) -> Result<()> {
    match snapshot.manifest.expires.as_ref().filter(|_| snapshot.is_expired()) {
        None => Ok(()),
        Some(expires) => Err(Error::guard(format!("snapshot {} expired on {expires}", snapshot.label()))
            .hint("Capture a new one; an expired snapshot is not restored.")),
    }
}

/// Refuses a snapshot that lets more through than the target's environment may hold. What variables of the application say
/// of this machine does not count.
///
/// # Errors
/// Kind `Guard`.
pub fn refuse_weaker(snapshot: &Snapshot, said: &Surroundings, environment: &Said) -> Result<()> {
    let masked_for = snapshot.manifest.environment.as_str();
    let is_known = said.machine.as_ref() != Some(environment);
    let is_weaker = match (masked_for, environment.environment.as_str()) {
        ("dev", _) | (PRODUCTION, PRODUCTION) => false,
        ("staging", to) => is_known && to == "dev",
        _ => true,
    };
    if !is_weaker {
        return Ok(());
    }
    let target = match environment.environment.as_str() {
        "unknown" => "a target that is not known to be production".to_owned(),
        name => format!("a {name} target (by {})", environment.by),
    };
    let what = format!(
        "snapshot {} was masked for {masked_for}, which lets more through than {target} may hold",
        snapshot.label()
    );
    Err(Error::guard(what).hint(match masked_for {
        "staging" => "Capture it for dev (capture --env dev), or restore it into a target that is declared staging.",
        _ => "Capture it for dev or staging (capture --env dev). A snapshot for production goes into production only, as docs/targets.md says.",
    }))
}

/// The first guard, but for what it asks.
fn allowed(said: &Surroundings, declared: Option<&Declaration>, intent: &Intent) -> Result<()> {
    let Some(declared) = declared else {
        if said.whereabouts == Whereabouts::Elsewhere {
            return Err(intent.refuse("the target is on another machine and does not declare what it is").hint(
                "If it is a dev or staging database, its owner says so once: terp-fixtures target init --target URL --env dev.",
            ));
        }
        return match said.said.as_ref().filter(|said| said.environment == PRODUCTION) {
            None => Ok(()),
            Some(by) => Err(intent
                .refuse(format!("{} says that the target is production, and the target itself declares nothing", by.by))
                .hint(PRODUCTION_PROCEDURE)),
        };
    };
    let is_production = declared.environment == PRODUCTION;
    if let Some(other) = said.said.as_ref().filter(|said| said.environment != declared.environment) {
        let what =
            format!("the target is declared {}, and {} says {}", declared.environment, other.by, other.environment);
        let hint = "Look whether it is the database that you mean: terp-fixtures target show --target URL. Then leave that out, or \
                    name the other database with --target.";
        return Err(intent.refuse(what).hint(if is_production { PRODUCTION_PROCEDURE } else { hint }));
    }
    let missing = said.missing_for_production();
    if is_production && !missing.is_empty() {
        let what = format!("the target is declared production, and there is no {}", missing.join(", no "));
        return Err(intent.refuse(what).hint(PRODUCTION_PROCEDURE));
    }
    if declared.allowed.iter().any(|word| word == intent.operation) {
        return Ok(());
    }
    let allowed = if declared.allowed.is_empty() { "nothing".to_owned() } else { declared.allowed.join(", ") };
    let owner =
        if declared.owner.is_empty() { "its owner".to_owned() } else { declared.owner.escape_debug().to_string() };
    Err(intent.refuse(format!("the target's declaration allows {allowed}, and no {}", intent.operation)).hint(format!(
        "Ask {owner}, who can allow it: terp-fixtures target init --target URL --env {} --allow {}.",
        declared.environment, intent.operation
    )))
}

/// Whether the name that production takes was given: the question where it was not, an error where it is another one. A dry
/// run changes nothing and needs none.
fn name_of_production(
    is_production: bool,
    dry_run: bool,
    (database, said): (&str, &Surroundings),
    text: &str,
) -> Result<Option<Question>> {
    if !is_production || dry_run {
        return Ok(None);
    }
    let question = Question::Name { database: database.to_owned(), text: format!("{text} It is declared production.") };
    match &said.name {
        None => Ok(Some(question)),
        Some(name) => confirmed(name, database).map(|()| None),
    }
}

/// Refuses a name that is not the database's.
///
/// # Errors
/// Kind `Guard`.
pub fn confirmed(name: &str, database: &str) -> Result<()> {
    if name == database {
        return Ok(());
    }
    let what =
        format!("'{}' is not the name of the target: that is '{}'", name.escape_debug(), database.escape_debug());
    Err(Error::guard(what).hint("Nothing was changed. Look whether it is the database that you mean."))
}

/// Reference tables by name, and the others.
fn references_only(chosen: &[&TableEntry], intent: &Intent) -> Result<(Option<Vec<String>>, Vec<TableName>)> {
    let (reference, others): (Vec<&TableEntry>, Vec<&TableEntry>) =
        chosen.iter().partition(|entry| entry.mode == "reference");
    if reference.is_empty() {
        let what = "the target is declared production, and the snapshot has no reference table to restore";
        return Err(intent.refuse(what).hint(
            "Production gets lookup tables only: give them mode = \"reference\" in the policy, and capture with --env production.",
        ));
    }
    let named = |entry: &&TableEntry| match entry.table.schema {
        None => entry.table.name.clone(),
        Some(_) => entry.table.to_string(),
    };
    Ok((Some(reference.iter().map(named).collect()), others.iter().map(|entry| entry.table.clone()).collect()))
}

fn is_chosen(entry: &TableEntry, options: &Options) -> bool {
    options.tables.is_empty() || options.tables.iter().any(|name| entry.table.is_named(name))
}

/// The second guard.
fn refuse_source(target: &mut dyn Target, snapshot: &Snapshot, intent: &Intent) -> Result<()> {
    let is_source = target.identity()?.is_same_as(&snapshot.manifest.source);
    if let Some(backup) = &snapshot.manifest.backup {
        // What was saved from a database goes back into it, with whatever its application had written there, and nowhere else.
        return if is_source { Ok(()) } else { Err(of_another(&backup.run, intent)) };
    }
    if !is_source {
        return Ok(());
    }
    let copy = match snapshot.manifest.source.engine {
        EngineKind::Sqlite => "",
        _ => " (or a copy of its server's files, which shares its identity)",
    };
    let hint = match snapshot.manifest.source.engine {
        EngineKind::Sqlite => "",
        _ => {
            " If this is a copy of the source's server (a base backup, a disk image, a promoted replica), it cannot be told from \
              the source: make a new server or cluster and load a dump into it."
        }
    };
    Err(intent
        .refuse(format!("the target is the database that the snapshot was captured from{copy}"))
        .hint(format!("Name another database with --target; fixtures never go back into their source, and no option changes that.{hint}")))
}

/// A backup is for the database that it was made of.
fn of_another(run: &str, intent: &Intent) -> Error {
    let run = run.escape_debug();
    intent
        .refuse(format!(
            "the snapshot is the backup before the rollback of {run}, and the target is another database than the one it was made of"
        ))
        .hint("It holds rows as they were there, unmasked where the application wrote them. Restore it into that database only.")
}

/// The third guard.
fn refuse_variable(said: &Surroundings, is_production: bool, intent: &Intent) -> Result<()> {
    match said.production_variable {
        Some(variable) if !(is_production && said.is_production_meant()) => Err(variable_says(variable, &intent.would)),
        _ => Ok(()),
    }
}

/// The refusal of the third guard where the target cannot even be opened.
#[must_use]
pub fn refusal_unopened(said: &Surroundings) -> Option<Error> {
    let variable = said.production_variable.filter(|_| said.refuses_anyway())?;
    Some(variable_says(variable, &format!("nothing was done to {}", said.address)))
}

fn variable_says(variable: &str, would: &str) -> Error {
    Error::guard(format!("{variable} says that this is production; {would}")).hint(format!(
        "Run this where {variable} does not say production, or unset it for this command: env -u {variable} terp-fixtures ... \
         {PRODUCTION_PROCEDURE}"
    ))
}

/// What the database calls itself; a file by its name without the folder.
///
/// # Errors
/// Kind `Unreachable` when the database cannot be asked.
pub fn database_name(target: &mut dyn Target) -> Result<String> {
    let mut name = String::new();
    let query = Query { sql: sql::database_name(target.engine()), columns: 1 };
    target.read(&query, &mut |batch| {
        if batch.rows() > 0 {
            name = String::from_utf8_lossy(batch.cell(0, 0).bytes).into_owned();
        }
        Ok(())
    })?;
    let file = Path::new(&name).file_name().map(|file| file.to_string_lossy().into_owned());
    Ok(if target.engine() == EngineKind::Sqlite { file.unwrap_or(name) } else { name })
}

fn shown(database: &str, said: &Surroundings) -> String {
    let database = database.escape_debug();
    if said.address.is_empty() { database.to_string() } else { format!("{database} ({})", said.address) }
}

#[cfg(test)]
mod tests {
    use super::super::surroundings::ARGUMENT;
    use super::*;
    use crate::error::Kind;

    fn declared(environment: &str, allowed: &[&str]) -> Declaration {
        Declaration {
            environment: environment.into(),
            allowed: allowed.iter().map(|&word| word.to_owned()).collect(),
            owner: String::new(),
            at: String::new(),
            by: String::new(),
        }
    }

    fn says(environment: &str, by: &'static str) -> Said {
        Said { environment: environment.into(), by }
    }

    fn intent() -> Intent {
        Intent { operation: "restore", would: "3 rows of s would have gone into 1 table of d".into() }
    }

    fn refused(said: &Surroundings, declared: Option<&Declaration>) -> Option<String> {
        allowed(said, declared, &intent()).err().map(|error| {
            assert_eq!(error.kind(), Kind::Guard);
            assert!(
                error.hint_text().is_some() && error.what().contains("3 rows of s would have gone into"),
                "{error}"
            );
            error.to_string()
        })
    }

    #[test]
    fn what_declares_nothing_is_a_target_on_this_machine_only() {
        for (whereabouts, is_target) in
            [(Whereabouts::File, true), (Whereabouts::Here, true), (Whereabouts::Elsewhere, false)]
        {
            let said = Surroundings { whereabouts, ..Surroundings::default() };
            assert_eq!(refused(&said, None).is_none(), is_target);
            let production = Surroundings { said: Some(says("production", ARGUMENT)), ..said.clone() };
            assert!(refused(&production, None).is_some());
            // A declaration opens another machine.
            assert_eq!(refused(&said, Some(&declared("dev", &["restore"]))), None);
        }
    }

    #[test]
    fn a_declaration_is_not_contradicted() {
        for is in ["dev", "staging", "production"] {
            for word in ["dev", "staging", "production"] {
                let said = Surroundings {
                    said: Some(says(word, ARGUMENT)),
                    allows_production: true,
                    ..Surroundings::default()
                };
                assert_eq!(refused(&said, Some(&declared(is, &["restore"]))).is_none(), is == word, "{is} {word}");
            }
        }
    }

    #[test]
    fn production_takes_everything_at_once() {
        let production = declared("production", &["restore"]);
        let all = Surroundings {
            said: Some(says("production", ARGUMENT)),
            allows_production: true,
            ..Surroundings::default()
        };
        assert_eq!(refused(&all, Some(&production)), None);
        for said in [
            Surroundings { allows_production: false, ..all.clone() },
            Surroundings { said: None, ..all.clone() },
            // The configuration is no argument.
            Surroundings { said: Some(says("production", "terp-fixtures.toml")), ..all.clone() },
        ] {
            let message = refused(&said, Some(&production)).unwrap();
            assert!(message.contains("there is no "), "{message}");
        }
        let named = |name: Option<&str>, dry_run| {
            let said = Surroundings { name: name.map(str::to_owned), ..all.clone() };
            name_of_production(true, dry_run, ("erp", &said), "Rows.")
        };
        assert!(matches!(named(None, false), Ok(Some(Question::Name { .. }))));
        assert_eq!(named(None, true).unwrap(), None);
        assert_eq!(named(Some("erp"), false).unwrap(), None);
        for other in ["", "ERP", "erp ", "erp2"] {
            assert_eq!(named(Some(other), false).unwrap_err().kind(), Kind::Guard, "{other}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_refused() {
        for operations in [&[][..], &["rollback", "reset"]] {
            let message = refused(&Surroundings::default(), Some(&declared("dev", operations))).unwrap();
            assert!(message.contains("and no restore"), "{message}");
        }
    }

    #[test]
    fn a_variable_yields_to_the_whole_procedure_only() {
        let said = Surroundings { production_variable: Some("NODE_ENV"), ..Surroundings::default() };
        let meant = Surroundings { said: Some(says("production", ARGUMENT)), allows_production: true, ..said.clone() };
        assert!(said.refuses_anyway() && refusal_unopened(&said).is_some());
        assert!(!meant.refuses_anyway() && refusal_unopened(&meant).is_none());
        assert!(refuse_variable(&said, false, &intent()).is_err() && refuse_variable(&said, true, &intent()).is_err());
        assert!(refuse_variable(&meant, false, &intent()).is_err() && refuse_variable(&meant, true, &intent()).is_ok());
    }
}
