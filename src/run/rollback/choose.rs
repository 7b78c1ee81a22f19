//! Which runs are meant, and which of them has to go first.

use super::super::ledger::{Run, TableDetail};
use super::super::{ledger, state};
use super::Strategy;
use crate::engine::Target;
use crate::error::{Error, Result};

/// The run that is meant.
pub(super) fn one(runs: Vec<Run>, wanted: Option<&str>) -> Result<Run> {
    let labels: Vec<String> = runs.iter().map(|run| run.id.clone()).collect();
    let fits = |run: &Run| match wanted {
        None => true,
        Some(wanted) => {
            run.id == wanted
                || run.id.split('@').next() == Some(wanted)
                || (wanted.len() >= 6 && run.snapshot.starts_with(wanted))
        }
    };
    let mut fitting: Vec<Run> = runs.into_iter().filter(fits).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(run), true) => Ok(run),
        (Some(_), false) => Err(Error::usage("several runs are in the target; say which one to roll back")
            .hint(format!("Name one of: {}. Or all of them: --all.", labels.join(", ")))),
        (None, _) if labels.is_empty() => Err(nothing()),
        (None, _) => Err(Error::rollback(format!("no such run is in the target; it holds {}", labels.join(", ")))),
    }
}

/// Every run, the newest first.
pub(super) fn all(mut runs: Vec<Run>) -> Result<Vec<Run>> {
    runs.reverse();
    if runs.is_empty() { Err(nothing()) } else { Ok(runs) }
}

fn nothing() -> Error {
    Error::rollback("no run is in the target; there is nothing to roll back")
        .hint("'terp-fixtures runs --target URL' lists what is there.")
}

/// An error behind runs that are rolled back already.
pub(super) fn after(done: &[String], error: Error) -> Error {
    if done.is_empty() {
        return error;
    }
    let hint = match error.hint_text() {
        Some(hint) => format!("{hint} Then the same command goes on with the runs that are left."),
        None => "The same command goes on with the runs that are left.".to_owned(),
    };
    error.within(format!("rolled back so far: {}. The next one", done.join(", "))).hint(hint)
}

/// The newest of the later runs that stand on tables of a run: they replaced rows there, or left out rows that the run had brought.
/// `exact` says whether the second counts.
pub(super) fn later<'r>(
    run: &Run,
    others: &'r [Run],
    tables: &dyn Fn(&TableDetail) -> bool,
    exact: bool,
) -> Option<&'r Run> {
    let stands = |theirs: &TableDetail| {
        let shares = run.detail.tables.iter().any(|mine| mine.table == theirs.table && tables(mine));
        shares && (theirs.undo.is_some() || (exact && theirs.identical + theirs.skipped > 0))
    };
    others.iter().rev().find(|other| other.seq > run.seq && other.detail.tables.iter().any(stands))
}

/// Refuses to take out a run under a later one.
pub(super) fn refuse_later(
    run: &Run,
    others: &[Run],
    tables: &dyn Fn(&TableDetail) -> bool,
    exact: bool,
) -> Result<()> {
    let Some(later) = later(run, others, tables, exact) else { return Ok(()) };
    let id = &later.id;
    let what = if later.detail.tables.iter().any(|table| table.undo.is_some()) {
        "replaced rows in the same tables"
    } else {
        "relies on rows in the same tables"
    };
    Err(Error::rollback(format!("run {id} came later and {what}"))
        .hint(format!("Roll it back first: terp-fixtures rollback '{id}'. Or everything, the newest first: --all.")))
}

/// A run, and how it could be rolled back now.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The run.
    pub run: Run,
    /// Strategies that would do something of their own: truncate only where a table holds nothing else.
    pub strategies: Vec<Strategy>,
    /// The later run that has to go first.
    pub after: Option<String>,
}

/// The runs of a target, oldest first, and how each could be rolled back now.
///
/// # Errors
/// Kind `Unreachable` when the target cannot be read.
pub fn standing(target: &mut dyn Target) -> Result<Vec<Standing>> {
    let live = target.catalogue()?;
    let runs = ledger::runs(target, &live)?;
    let mut standing = Vec::new();
    for run in &runs {
        let mut strategies = vec![Strategy::Delete, Strategy::None];
        for detail in run.detail.tables.iter().filter(|detail| detail.undo.is_none()) {
            let Some(rows) = run.holds(&live, &detail.table, "t").filter(|_| live.table(&detail.table).is_some())
            else {
                continue;
            };
            let of_run = state::count_where(target, &detail.table, &rows)?;
            if of_run > 0 && of_run == state::count(target, &detail.table)? {
                strategies.insert(1, Strategy::Truncate);
                break;
            }
        }
        let after = later(run, &runs, &|_| true, true).map(|later| later.id.clone());
        standing.push(Standing { run: run.clone(), strategies, after });
    }
    Ok(standing)
}
