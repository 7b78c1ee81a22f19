//! `rollback`: takes out exactly what a restore put in, children first, and puts back what it replaced.
//!
//! | part | what it does |
//! |---|---|
//! | this file | the transaction: choose, plan, back up, carry out, write down |
//! | `choose` | which runs are meant, and which one has to go first |
//! | `plan` | which rows go, and what speaks against that |
//! | `effects` | rows that hang on rows that go, and what their foreign keys do to them |
//! | `undo` | carries a plan out |
//! | `images` | previous rows come back |
//! | `shape` | what the run had made goes: tables, objects, marker columns |
//! | `outcome` | what is told of it |

mod choose;
mod effects;
mod images;
mod outcome;
mod plan;
mod shape;
mod undo;

use super::audit::{self, chain};
use super::backup::{self, Place};
use super::guard::{self, Verdict};
use super::ledger::{self, Run};
use super::retry::{self, Sent};
use super::surroundings::Surroundings;
use super::{Context, declaration, lock, millis, parallel, triggers};
use crate::engine::{Enforce, Target};
use crate::error::{Error, Kind, Result};
use crate::model::audit::{Actor, Anchor, Deed};
use crate::model::mark;
use crate::model::schema::TableName;
pub use choose::{Standing, standing};
pub use outcome::{Does, Effect, Outcome, Saved, Taken};
use plan::{How, Manner, Plan};
use std::time::{Duration, Instant};

/// How to roll back.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// A run's id, a snapshot's name or id; the only run when absent.
    pub wanted: Option<String>,
    /// Only these tables; all when empty. The run stays, with its other rows.
    pub tables: Vec<String>,
    /// Only the rows of the one table for which this condition holds.
    pub condition: Option<String>,
    /// What becomes of the rows.
    pub strategy: Strategy,
    /// Also when rows of the application hang on fixture rows, or overwritten rows were edited since.
    pub force: bool,
    /// Do everything, then undo it.
    pub dry_run: bool,
    /// What is known of the target beside what it says itself, for the guards.
    pub surroundings: Surroundings,
    /// How long to wait for the target's lock.
    pub lock_timeout: Duration,
    /// Who rolls back, for the target's audit chain.
    pub actor: Actor,
    /// Leave the target's audit chain there when the last run goes.
    pub keep_audit: bool,
    /// When the rows that are touched are backed up first.
    pub backups: Backups,
    /// Where to; none where no store could be opened.
    pub place: Option<Place<'a>>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            wanted: None,
            tables: Vec::new(),
            condition: None,
            strategy: Strategy::Delete,
            force: false,
            dry_run: false,
            surroundings: Surroundings::default(),
            lock_timeout: Duration::from_secs(30),
            actor: Actor::default(),
            keep_audit: false,
            backups: Backups::Automatic,
            place: None,
        }
    }
}

/// What becomes of the rows of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// They are deleted.
    Delete,
    /// The same, and a table that holds nothing else is emptied as a whole.
    Truncate,
    /// They stay and become the database's own; the run is forgotten.
    None,
}

impl Strategy {
    /// Its word on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::None => "none",
        }
    }
}

/// When the rows that a rollback touches are backed up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backups {
    /// On staging and production.
    Automatic,
    /// Everywhere.
    Always,
    /// Nowhere; refused on production.
    Never,
}

/// The runs that are in a target, oldest first.
///
/// # Errors
/// Kind `Unreachable` when the target cannot be read.
pub fn runs(target: &mut dyn Target) -> Result<Vec<Run>> {
    let live = target.catalogue()?;
    ledger::runs(target, &live)
}

/// A commit that was sent and not answered, with what was done then.
pub type Doubt = Option<Sent<Vec<Outcome>>>;

/// Rolls one run back, with one try.
///
/// # Errors
/// Kind `Rollback` when something of the application's would be lost; nothing was changed then.
pub fn rollback(context: &Context<'_>, target: &mut dyn Target, options: &Options<'_>) -> Result<Outcome> {
    let mut done = attempt(context, target, options, &mut None)?;
    done.pop().ok_or_else(|| Error::internal("a rollback left no outcome"))
}

/// One try of several to roll one run back, for [`retry::run`].
///
/// # Errors
/// As [`rollback`].
pub fn attempt(
    context: &Context<'_>,
    target: &mut dyn Target,
    options: &Options<'_>,
    sent: &mut Doubt,
) -> Result<Vec<Outcome>> {
    let said = hold(context, target, options)?;
    let there = runs(target)?;
    if let Some(done) = retry::settled(sent, &there)? {
        return Ok(done);
    }
    let run = choose::one(there.clone(), options.wanted.as_deref())?;
    transaction(context, target, (std::slice::from_ref(&run), &there), (options, &said), sent)
}

/// Rolls every run back, the newest first, each in a transaction of its own, and hands `each` what was done. A dry run takes one
/// transaction, since each run has to go before the one below it can.
///
/// # Errors
/// As [`rollback`], naming the runs that were rolled back before; the same again goes on with the others.
pub fn all(
    context: &Context<'_>,
    target: &mut dyn Target,
    options: &Options<'_>,
    each: &mut dyn FnMut(&Outcome),
) -> Result<()> {
    attempt_all(context, target, options, each, &mut None).map(drop)
}

/// One try of several to roll every run back, for [`retry::run`]: a later one goes on with the runs that are left. What was done
/// is handed to `each`; nothing is returned.
///
/// # Errors
/// As [`all`].
pub fn attempt_all(
    context: &Context<'_>,
    target: &mut dyn Target,
    options: &Options<'_>,
    each: &mut dyn FnMut(&Outcome),
    sent: &mut Doubt,
) -> Result<Vec<Outcome>> {
    let said = hold(context, target, options)?;
    let mut there = runs(target)?;
    let mut done = Vec::new();
    let mut tell = |outcomes: Vec<Outcome>, done: &mut Vec<String>| {
        for outcome in outcomes {
            each(&outcome);
            done.push(outcome.run);
        }
    };
    if let Some(outcomes) = retry::settled(sent, &there)? {
        tell(outcomes, &mut done);
        if there.is_empty() {
            return Ok(Vec::new());
        }
    }
    let runs = choose::all(there.clone())?;
    let steps: Vec<&[Run]> = if options.dry_run { vec![&runs[..]] } else { runs.chunks(1).collect() };
    for step in steps {
        let outcomes = transaction(context, target, (step, &there), (options, &said), sent)
            .map_err(|error| choose::after(&done, error))?;
        there.retain(|run| !step.iter().any(|gone| gone.id == run.id));
        tell(outcomes, &mut done);
    }
    Ok(Vec::new())
}

/// What the guards say about taking out the run that is wanted. They only read.
///
/// # Errors
/// Kind `Guard`, or that of a run that cannot be chosen.
pub fn guard(target: &mut dyn Target, options: &Options<'_>) -> Result<Verdict> {
    let run = choose::one(runs(target)?, options.wanted.as_deref());
    guard::rollback(target, run.as_ref().ok(), options.dry_run, &options.surroundings)
}

/// Asks the guards, takes the lock of the target, and clears what interrupted loads left aside. Returns the environment that the
/// target declares or is said to be.
fn hold(context: &Context<'_>, target: &mut dyn Target, options: &Options<'_>) -> Result<String> {
    lock::wait(context, target, options.lock_timeout)?;
    let passed = match guard(target, options)? {
        Verdict::Passed(passed) => passed,
        Verdict::Ask(question) => return Err(question.unanswered()),
    };
    if target.catalogue()?.own.tables.iter().any(|table| table == mark::JOURNAL_TABLE) {
        context.note("an earlier run was cut off between its commit and changes of shape; they are finished first");
    }
    lock::take(context, target, "rollback", options.lock_timeout)?;
    declaration::is_still(target, passed.declaration.as_ref())?;
    if !options.dry_run {
        parallel::clear(context, target, None)?;
    }
    Ok(passed.environment.environment)
}

/// Rolls `going` out of the runs that are `there`, in one transaction.
fn transaction(
    context: &Context<'_>,
    target: &mut dyn Target,
    (going, there): (&[Run], &[Run]),
    (options, said): (&Options<'_>, &str),
    sent: &mut Doubt,
) -> Result<Vec<Outcome>> {
    target.begin(Enforce::Nothing)?;
    let done = going
        .iter()
        .map(|run| inside(context, target, run, (options, said)))
        .collect::<Result<Vec<Outcome>>>()
        .and_then(|done| Ok((done, runs(target)?)));
    match done {
        Ok((done, after)) => {
            let ending = Instant::now();
            let mut ended = retry::end(target, !options.dry_run, (there, &after), done, sent).map_err(as_refusal)?;
            // MySQL and MariaDB change shapes behind the commit, which takes longer than all rows.
            if let Some(last) = ended.last_mut() {
                last.millis += millis(ending);
            }
            Ok(ended)
        }
        Err(error) => match target.end(false) {
            Ok(()) => Err(as_refusal(error)),
            Err(second) => Err(error.caused_by(second)),
        },
    }
}

/// Rolls one run back with the triggers of the tables away that it changes.
fn inside(
    context: &Context<'_>,
    target: &mut dyn Target,
    run: &Run,
    (options, said): (&Options<'_>, &str),
) -> Result<Outcome> {
    let start = Instant::now();
    let how = How {
        manner: if options.force { Manner::Force } else { Manner::Exact },
        strategy: options.strategy,
        tables: options.tables.clone(),
        condition: options.condition.clone(),
    };
    let plan = Plan::new(context, target, run, &how)?;
    let environment = strictest(said, &run.detail.environment).to_owned();
    let place = place(&environment, options)?.filter(|_| how.strategy != Strategy::None);
    let touched: Vec<&TableName> = plan.touched().into_iter().filter(|_| how.strategy != Strategy::None).collect();
    let triggers = triggers::of(target, plan.live(), &touched);
    triggers::suspend(context, target, &triggers)?;
    plan.hold(target, place.is_some() && !options.dry_run)?;
    let backup =
        place.map(|place| saved(context, target, &plan, (place, &environment), options.dry_run)).transpose()?;
    let undone = plan.carry_out(context, target)?;
    triggers::revive(target, &triggers, |table| undone.dropped.contains(table))?;
    let mut outcome = Outcome {
        run: run.id.clone(),
        environment,
        strategy: options.strategy,
        partial: undone.partial,
        tables: undone.tables,
        effects: undone.effects,
        dropped: undone.dropped,
        backup: backup.flatten(),
        deed: Deed::new(crate::model::audit::Operation::Rollback),
        millis: 0,
    };
    outcome.deed = write_down(target, run, &outcome, options)?;
    outcome.millis = millis(start);
    Ok(outcome)
}

/// Saves the rows that the plan touches, if there are any; a dry run counts them.
fn saved(
    context: &Context<'_>,
    target: &mut dyn Target,
    plan: &Plan<'_>,
    (place, environment): (&Place<'_>, &str),
    dry_run: bool,
) -> Result<Option<Saved>> {
    let (parts, by_ledger) = (plan.rows_to_save(), plan.run.is_marked_by_ledger());
    let mut rows = 0;
    for (table, condition) in &parts {
        rows += super::state::count_where(target, table, condition)?;
    }
    if rows == 0 || dry_run {
        return Ok((rows > 0).then_some(Saved { snapshot: None, rows, by_ledger }));
    }
    let wanted = backup::Wanted { run: &plan.run.id, environment, parts };
    let snapshot = backup::back_up(context, target, plan.live(), place, &wanted)
        .map_err(|error| error.within("the backup before the rollback, without which nothing is changed"))?;
    Ok(Some(Saved { snapshot: Some(snapshot.label()), rows: super::inspect::rows(&snapshot.manifest), by_ledger }))
}

/// The strictest of what the target declares or is said to be, and what the run was masked for.
fn strictest(said: &str, masked_for: &str) -> &'static str {
    let known = ["production", "staging"].into_iter().find(|environment| [said, masked_for].contains(environment));
    known.unwrap_or("dev")
}

/// Where the touched rows are saved; none where they are not.
fn place<'a>(environment: &str, options: &'a Options<'_>) -> Result<Option<&'a Place<'a>>> {
    let is_strict = environment != "dev";
    let wanted = match options.backups {
        Backups::Automatic => is_strict,
        Backups::Always => true,
        Backups::Never if environment == "production" => {
            return Err(Error::guard("a rollback in production is never without a backup")
                .hint("Leave --no-backup out; the backup goes into the store that --store names."));
        }
        Backups::Never => false,
    };
    match &options.place {
        _ if !wanted || options.strategy == Strategy::None => Ok(None),
        Some(place) => Ok(Some(place)),
        None => Err(Error::rollback(format!(
            "the target is {environment}, so the rows that go are backed up first, and no store of yours could be opened for that"
        ))
        .hint(
            "Name the store with --store, and your identity with TERP_FIXTURES_IDENTITY_FILE ('terp-fixtures doctor' says what is \
             missing), or make one: terp-fixtures keys init --store DIR. On staging, --no-backup goes without.",
        )),
    }
}

/// Appends the rollback to the target's audit chain, which leaves with the last run.
fn write_down(target: &mut dyn Target, run: &Run, outcome: &Outcome, options: &Options<'_>) -> Result<Deed> {
    let mut deed = audit::rolled_back(run, outcome, options.force);
    let live = target.catalogue()?;
    let closed = ledger::runs(target, &live)?.is_empty() && !options.keep_audit;
    // Restores of earlier versions began no chain, and one that would go at once is not begun.
    if !closed || chain::is_there(&live) {
        let anchor = chain::append(target, options.actor.clone(), deed.clone())?;
        deed.target = Some(Anchor { closed, ..anchor });
    }
    if closed && chain::is_there(&live) {
        chain::drop_with_last_run(target)?;
    }
    Ok(deed)
}

/// A constraint that stops a rollback makes it a refused rollback. What may succeed when it is done again still may.
fn as_refusal(error: Error) -> Error {
    if error.kind() != Kind::Rejected {
        return error;
    }
    Error::rollback("the target refuses the rollback").transient_by(error.transient()).caused_by(error)
}

/// Takes a run out inside the transaction of the restore that replaces it, with its triggers away already.
pub(super) fn replace(context: &Context<'_>, target: &mut dyn Target, run: &Run) -> Result<()> {
    let how = How { manner: Manner::Replace, strategy: Strategy::Delete, tables: Vec::new(), condition: None };
    let plan = Plan::new(context, target, run, &how)?;
    plan.hold(target, false)?;
    plan.carry_out(context, target).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_environment_decides() {
        for (said, masked_for, is) in [
            ("unknown", "dev", "dev"),
            ("dev", "staging", "staging"),
            ("staging", "dev", "staging"),
            ("staging", "production", "production"),
            ("production", "dev", "production"),
        ] {
            assert_eq!(strictest(said, masked_for), is, "{said} {masked_for}");
        }
    }

    #[test]
    fn what_is_strict_is_not_rolled_back_without_a_backup() {
        let kind = |environment: &str, backups| {
            let options = Options { backups, ..Options::default() };
            place(environment, &options).map(|place| place.is_none()).map_err(|error| error.kind())
        };
        assert_eq!(kind("dev", Backups::Automatic), Ok(true));
        assert_eq!(kind("dev", Backups::Always), Err(Kind::Rollback));
        assert_eq!(kind("staging", Backups::Automatic), Err(Kind::Rollback));
        assert_eq!(kind("staging", Backups::Never), Ok(true));
        assert_eq!(kind("production", Backups::Automatic), Err(Kind::Rollback));
        assert_eq!(kind("production", Backups::Never), Err(Kind::Guard));
        let none = Options { strategy: Strategy::None, ..Options::default() };
        assert!(place("production", &none).is_ok_and(|place| place.is_none()), "nothing goes");
    }
}
