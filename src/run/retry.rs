//! A run that is done again when the database says that it may succeed then, and a commit without an answer that is looked for.
//!
//! Every try opens the target anew, takes its lock and reads what is there; it relies on nothing of the one before. What the
//! commit of a try has done is in the ledger of the target, and only there.

use super::ledger::{self, Run};
use super::{Context, lock};
use crate::engine::{Target, network};
use crate::error::{Error, Result, Transient};
use crate::event::Event;

/// How often a run is tried again.
pub const TRIES: u32 = 3;

/// Opens the target once more.
pub type Open<'a> = dyn Fn() -> Result<Box<dyn Target>> + 'a;

/// One try. It takes what an earlier one has sent, and leaves what it has sent itself when no answer came.
pub type Work<'a, T> = dyn FnMut(&mut dyn Target, &mut Option<Sent<T>>) -> Result<T> + 'a;

/// A commit that was sent and not answered: the ledger before it, the ledger if it is done, and what was done then.
#[derive(Debug)]
pub struct Sent<T> {
    before: Vec<String>,
    after: Vec<String>,
    outcome: T,
}

/// Ends the transaction of a run that makes `after` out of the ledger `before`. A commit without an answer is kept in `sent`.
pub(super) fn end<T>(
    target: &mut dyn Target,
    commit: bool,
    (before, after): (&[Run], &[Run]),
    outcome: T,
    sent: &mut Option<Sent<T>>,
) -> Result<T> {
    let (before, after) = (ledger::lines(before)?, ledger::lines(after)?);
    match target.end(commit) {
        Ok(()) => Ok(outcome),
        Err(error) => {
            if error.transient() == Some(Transient::InDoubt) {
                *sent = Some(Sent { before, after, outcome });
            }
            Err(error)
        }
    }
}

/// The outcome of what was sent, if the ledger says that it is done; none when it is not done, or when nothing was sent.
///
/// # Errors
/// Kind `Unreachable` when the ledger says neither, because somebody else has changed it since.
pub(super) fn settled<T>(sent: &mut Option<Sent<T>>, now: &[Run]) -> Result<Option<T>> {
    let now = ledger::lines(now)?;
    let is_known = |sent: &mut Sent<T>| (sent.before == now) != (sent.after == now);
    match sent.take_if(|sent| is_known(sent)) {
        Some(known) => Ok((known.after == now).then_some(known.outcome)),
        None if sent.is_none() => Ok(None),
        None => Err(Error::unreachable("somebody else has worked on the target since that commit")
            .hint("'terp-fixtures runs --target URL' lists what is there now.")),
    }
}

/// Does `work` on `target`, and up to three times again on one that is opened anew, where the error says that this may help.
///
/// # Errors
/// What `work` returns at last; while it is not known whether a commit was done, the error that says so.
pub fn run<T>(context: &Context<'_>, target: Box<dyn Target>, open: &Open<'_>, work: &mut Work<'_, T>) -> Result<T> {
    let (mut first, mut sent) = (Some(target), None);
    let mut doubt: Option<Error> = None;
    let mut tries = 0;
    loop {
        let opened = first.take().map_or_else(|| reopened(open), Ok);
        let done = opened.and_then(|mut target| {
            let done = work(&mut *target, &mut sent);
            context.report.event(&Event::Sent { traffic: target.traffic() });
            done
        });
        let error = match done {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if error.transient().is_none() || tries == TRIES || context.cancel.check().is_err() {
            return Err(match doubt.filter(|_| sent.is_some()) {
                Some(doubt) => doubt.caused_by(error),
                None => error,
            });
        }
        tries += 1;
        context.report.event(&Event::Again { tries, why: error.to_string() });
        doubt = sent.is_some().then(|| doubt.unwrap_or(error));
        std::thread::park_timeout(network::pause(tries - 1));
    }
}

/// The target once more, unless somebody has ended the run.
fn reopened(open: &Open<'_>) -> Result<Box<dyn Target>> {
    let mut target = open()?;
    match target.holder()? {
        Some(holder) if holder.purpose == lock::RELEASE => {
            Err(Error::locked("this run was ended by 'terp-fixtures lock release'; it does not try again"))
        }
        _ => Ok(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;
    use crate::event::{Cancel, Collected, Silent};
    use crate::secret::Address;

    /// Runs work that always fails like this; how often, and how it ended.
    fn tried(context: &Context<'_>, fails: &dyn Fn() -> Error) -> (u32, Error) {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::new(format!("sqlite:{}", folder.path().join("a.sqlite").display()));
        let open = || (engine::find(&address)?.target)(&address, true, &Cancel::default());
        let mut tries = 0;
        let done = run::<()>(context, open().unwrap(), &open, &mut |_, _| {
            tries += 1;
            Err(fails())
        });
        (tries, done.unwrap_err())
    }

    #[test]
    fn only_what_may_help_is_tried_and_only_three_times() {
        let report = Collected::default();
        let context = Context { report: &report, cancel: Cancel::default(), jobs: 1 };
        let (tries, error) = tried(&context, &|| Error::rejected("a deadlock").transient_by(Transient::Conflict));
        assert_eq!((tries, error.what()), (4, "a deadlock"));
        let again = report.events().into_iter().filter(|event| matches!(event, Event::Again { .. })).count();
        assert_eq!(again, 3);
        let (tries, error) = tried(&context, &|| Error::rejected("a value that must be unique"));
        assert_eq!((tries, error.transient()), (1, None));
    }

    #[test]
    fn an_interrupted_run_is_not_tried_again() {
        let context = Context { report: &Silent, cancel: Cancel::default(), jobs: 1 };
        context.cancel.cancel();
        assert_eq!(tried(&context, &|| Error::unreachable("gone").transient_by(Transient::Lost)).0, 1);
    }
}
