//! Reset: the ladder from "nothing was touched" to a new clone, and the proof that it did what it says.

use super::lease::of_tables;
use super::template::differing;
use super::{Ground, Leased, names};
use crate::engine::isolate::{Done, Held, How, Outcome, Rung};
use crate::engine::{self};
use crate::error::{Error, Kind, Result};
use crate::model::schema::TableName;
use crate::run::{Context, millis};
use std::time::Instant;

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The last rung that was needed.
    pub rung: Rung,
    /// Rows taken out, put in or put back; of a new clone all that it has.
    pub rows: u64,
    /// The tables they are in.
    pub tables: Vec<TableName>,
    /// Counters that were put back.
    pub counters: u64,
    /// How long it took, without the proof.
    pub millis: u64,
    /// The same, finer.
    pub micros: u64,
    /// What should be known.
    pub notes: Vec<String>,
    /// Whether every table was compared with the snapshot and found to be the same; none where that was not asked for.
    pub verified: Option<bool>,
}

impl Ground {
    /// Puts a clone back by the first rung of the ladder that does it; the last is a new clone under the same name and for the same
    /// account. `verify` compares every table with the snapshot's rows afterwards, and goes further down where one differs.
    ///
    /// # Errors
    /// Kind `Rejected` when even a new clone differs; `Interrupted`; as the server says.
    pub fn reset(&mut self, context: &Context<'_>, leased: &mut Leased, how: &How, verify: bool) -> Result<Report> {
        let mut how = how.clone();
        let mut notes = Vec::new();
        let (mut micros, mut changed) = (0, Done::nothing());
        loop {
            context.cancel.check()?;
            let start = Instant::now();
            let done = match self.put_back(context, leased, &how)? {
                Outcome::Done(done) => done,
                Outcome::Spoiled(why) => {
                    notes.push(why);
                    self.replace(context, leased, &mut notes)?
                }
            };
            micros += u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            let rung = done.rung;
            changed.add(done);
            let differing = if verify { self.differing(context, leased)? } else { Vec::new() };
            if differing.is_empty() {
                let Done { rung, rows, tables, counters, notes: more } = changed;
                notes.extend(more);
                let verified = verify.then_some(true);
                return Ok(Report { rung, rows, tables, counters, millis: micros / 1000, micros, notes, verified });
            }
            let what =
                format!("tables differ from the snapshot after the rung {}{}", rung.word(), of_tables(&differing));
            let Some(next) = below(rung.max(how.from)) else {
                return Err(Error::rejected(what).hint(
                    "The template itself is not what the snapshot is. 'terp-fixtures doctor --clean --all' removes it, so that it is made anew.",
                ));
            };
            context.warn(what.clone(), None);
            notes.push(what);
            how.from = next;
        }
    }

    /// Puts a clone back that somebody else may have, as long as nobody else does the same.
    ///
    /// # Errors
    /// Kind `Locked` when somebody does; else as [`reset`](Self::reset).
    pub fn reset_attached(
        &mut self,
        context: &Context<'_>,
        leased: &mut Leased,
        how: &How,
        verify: bool,
    ) -> Result<Report> {
        let held = self.hold_reset(&leased.name, how)?;
        let done = self.reset(context, leased, how, verify);
        drop(held);
        done
    }

    fn hold_reset(&mut self, name: &str, how: &How) -> Result<Box<dyn Held>> {
        self.host.hold(&names::reset_lock(name), how.wait)?.ok_or_else(|| {
            Error::locked(format!("somebody else is putting {} back", name.escape_debug())).hint("Wait and run again.")
        })
    }

    /// The rungs above a new clone. A connection that was lost is opened anew once.
    fn put_back(&mut self, context: &Context<'_>, leased: &mut Leased, how: &How) -> Result<Outcome> {
        if how.from == Rung::Clone {
            return Ok(Outcome::Spoiled("a new clone was asked for".to_owned()));
        }
        let is_fresh = leased.open.is_none();
        if is_fresh {
            match self.host.open(&leased.template.name, &leased.name) {
                Ok(open) => leased.open = Some(open),
                Err(error) => {
                    let is_gone = !self.host.exists(&leased.name)?;
                    let passes =
                        error.transient().is_some() || matches!(error.kind(), Kind::Interrupted | Kind::Locked);
                    return match (is_gone, passes) {
                        (true, _) => Ok(Outcome::Spoiled("the database was dropped".to_owned())),
                        (false, true) => Err(error),
                        (false, false) => Ok(Outcome::Spoiled(error.what().to_owned())),
                    };
                }
            }
        }
        match leased.put_back(context, how) {
            Ok(done) => done.ok_or_else(|| Error::internal("a clone is to be put back that is not open")),
            Err(error) if error.kind() == Kind::Store => Ok(Outcome::Spoiled(error.what().to_owned())),
            Err(error) if error.kind() == Kind::Unreachable && !is_fresh => self.put_back(context, leased, how),
            Err(error) => Err(error),
        }
    }

    /// The last rung.
    fn replace(&mut self, context: &Context<'_>, leased: &mut Leased, notes: &mut Vec<String>) -> Result<Done> {
        self.wake()?;
        context.stage(format!("making the clone {} anew", leased.name));
        leased.open = None;
        let template = &leased.template;
        let admission = self.host.replace(&template.name, &leased.name, &leased.admission())?;
        if admission.address != leased.address {
            notes.push("the clone has another password now".to_owned());
        }
        (leased.address, leased.unlimited) = (admission.address, admission.unlimited);
        leased.open = Some(self.host.open(&template.name, &leased.name)?);
        let tables = template.content.iter().filter(|content| content.rows > 0);
        let tables: Vec<TableName> = tables.map(|content| content.table.clone()).collect();
        Ok(Done { rung: Rung::Clone, rows: template.size().1, tables, counters: 0, notes: Vec::new() })
    }

    /// The tables of a clone that are not as the snapshot has them.
    ///
    /// # Errors
    /// Kind `Guard` when the registry does not say what they are to hold; `Unreachable`.
    pub fn differing(&mut self, context: &Context<'_>, leased: &Leased) -> Result<Vec<TableName>> {
        let start = Instant::now();
        context.stage("comparing every table with the snapshot");
        let address = self.host.address(&leased.name);
        let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
        let found = differing(&mut *source, &leased.template.content)?;
        context.note(format!("compared {} tables in {} ms", leased.template.content.len(), millis(start)));
        Ok(found)
    }
}

/// The next rung that may mend what this one did not.
fn below(rung: Rung) -> Option<Rung> {
    match rung {
        Rung::Clean | Rung::Journal => Some(Rung::Difference),
        Rung::Difference => Some(Rung::Reload),
        Rung::Reload => Some(Rung::Clone),
        Rung::Clone => None,
    }
}
