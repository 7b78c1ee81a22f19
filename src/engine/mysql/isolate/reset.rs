//! A clone that is kept open for being put back: one look tells what is dirty, one transaction puts it right.

use super::facts::{self, Change, Named, Topic};
use super::ladder;
use super::plan::Plan;
use super::undo::{self, Touched};
use super::{another, counters, sessions, triggers};
use super::{closure, key::mysql};
use crate::engine::isolate::{Done, How, Outcome, Pristine, REGISTRY, Resettable, Rung};
use crate::engine::mysql::explain;
use crate::engine::mysql::session::{Answer, Session};
use crate::engine::sql::Sql;
use crate::error::{Error, Kind, Result, Transient};
use crate::event::Cancel;
use crate::model::schema::{EngineKind, TableName};
use std::collections::BTreeSet;
use std::time::Duration;

/// So often is a reset tried again that another transaction took back.
const TRIES: u32 = 5;

/// An open clone.
pub(super) struct Warm {
    pub(super) session: Session,
    cancel: Cancel,
    engine: EngineKind,
    pub(super) template: String,
    pub(super) name: String,
    pub(super) plan: Plan,
    /// The row journal, or why there is none.
    journal: std::result::Result<Sql, String>,
    /// What the clone was when it was made.
    shape: String,
    storage: Option<String>,
    /// The count of changes of shape at which the clone was known to be as it was.
    seen: Option<u64>,
    /// The checksums of the template's tables, once they were asked for.
    pub(super) checksums: Option<Vec<String>>,
    wait: Option<Duration>,
}

/// What a look at the shape has found.
struct Look {
    change: Option<Change>,
    storage: Option<Named>,
    /// The count that goes with it, unless somebody was about to change something.
    settled: Option<u64>,
}

impl Warm {
    pub(super) fn open(
        host: &mut Session,
        engine: EngineKind,
        (template, name): (&str, &str),
        cancel: &Cancel,
    ) -> Result<Self> {
        let mut session = another(host, cancel)?;
        let Some(shape) = facts::read(&mut session, name, Topic::Shape)? else {
            return Err(Error::drift(format!("database {} is not a clone that was made here", name.escape_debug()))
                .hint("Make a new one; clones of older versions of this program are removed by 'doctor --clean'."));
        };
        let storage = facts::read(&mut session, name, Topic::Storage)?;
        let journal = facts::read(&mut session, name, Topic::NoJournal)?.map_or_else(|| Ok(facts::journal(name)), Err);
        session.run(mysql().lit("USE ").name(template).text())?;
        let plan = Plan::read(&mut session)?;
        prepare(&mut session)?;
        let (template, name, cancel) = (template.to_owned(), name.to_owned(), cancel.clone());
        let (seen, checksums, wait) = (None, None, None);
        let mut warm =
            Self { session, cancel, engine, template, name, plan, journal, shape, storage, seen, checksums, wait };
        let look = warm.look()?;
        if look.change.is_none() {
            warm.seen = look.settled;
        }
        Ok(warm)
    }

    /// Sees to it that there is a connection, and that it waits no longer than it may.
    fn ready(&mut self, wait: Duration) -> Result<()> {
        if self.session.is_broken() {
            self.session = another(&self.session, &self.cancel)?;
            prepare(&mut self.session)?;
            self.wait = None;
        }
        if self.wait != Some(wait) {
            sessions::wait_no_longer(&mut self.session, wait)?;
            self.wait = Some(wait);
        }
        Ok(())
    }

    pub(super) fn batch(&mut self, text: &str) -> Result<Vec<Answer>> {
        self.session.batch(text)?.map_err(|error| explain::statement(&error))
    }

    fn count(&mut self) -> Result<u64> {
        facts::counted(&self.session.rows(facts::count(self.engine).text())?)
    }

    /// Compares the clone's shape with what it was.
    fn look(&mut self) -> Result<Look> {
        let before = self.count()?;
        let shape = facts::shape(&mut self.session, &self.name)?;
        let storage = facts::storage(&mut self.session, self.engine, &self.name)?;
        let names = self.plan.tables.iter().map(|table| table.name.as_str());
        let change = facts::changed_shape(&self.shape, &shape).or_else(|| match (&self.storage, &storage) {
            (Some(before), Some(now)) => facts::changed_storage(before, now, names),
            // It cannot be told whether a table was emptied as a whole.
            _ => Some(Change::Rows(None)),
        });
        // A change that has begun is counted already, but may not be done.
        let is_quiet = !sessions::anybody_works(&mut self.session, &self.name)? && self.count()? == before;
        Ok(Look { change, storage, settled: is_quiet.then_some(before) })
    }

    /// From now on the clone is as this look found it.
    fn adopt(&mut self, look: &Look) -> Result<()> {
        if let (Some(Change::Rows(_)), Some(storage)) = (&look.change, &look.storage) {
            let lines = facts::lines(storage);
            facts::write(&mut self.session, &self.name, Topic::Storage, &lines)?;
            self.storage = Some(lines);
        }
        self.seen = look.settled;
        Ok(())
    }

    /// One try. What it has put back for good is in `done` even when it fails behind that; a reason if only a new clone helps.
    fn once(&mut self, how: &How, from: Rung, done: &mut Done) -> Result<Option<String>> {
        let count = facts::count(self.engine);
        let first = match &self.journal {
            Ok(journal) => format!("{};\n{}", count.text(), undo::look(journal).text()),
            Err(_) => count.text().to_owned(),
        };
        let mut answers = self.batch(&first)?.into_iter();
        let now = facts::counted(&answers.next().map(|answer| answer.rows).unwrap_or_default())?;
        let entries = answers.next().map(|answer| answer.rows).unwrap_or_default();
        let look = if self.seen == Some(now) { None } else { Some(self.look()?) };
        let mut everything = from > Rung::Journal || self.journal.is_err();
        let mut emptied = BTreeSet::new();
        match look.as_ref().and_then(|look| look.change.as_ref()) {
            Some(Change::Shape(why)) => return Ok(Some(why.clone())),
            Some(Change::Rows(Some(tables))) => emptied.clone_from(tables),
            Some(Change::Rows(None)) => everything = true,
            None => {}
        }
        let mut touched = match &self.journal {
            Ok(journal) => undo::touched(&mut self.session, &self.plan, journal, &entries)?,
            Err(_) => Touched::default(),
        };
        closure::follow(&mut self.session, &self.plan, &self.template, &mut touched)?;
        touched.whole.extend(emptied);
        if everything {
            (touched.keys, touched.whole) = Default::default();
        }
        let is_checked = |at: &usize| everything || !self.plan.tables[*at].transactional;
        let checked: Vec<usize> = (0..self.plan.tables.len()).filter(is_checked).collect();
        let differ = ladder::differing(self, &checked)?;
        touched.whole.extend(differ);
        touched.settle();
        done.add(self.put_back(&touched, from)?);
        if let Some(look) = &look {
            self.adopt(look)?;
        }
        if how.exact_ids {
            self.put_counters_back(done)?;
        }
        if let Err(why) = &self.journal {
            done.notes.push(format!("there is no row journal: {why}"));
        }
        Ok(None)
    }

    /// Puts rows back, in one transaction but for what knows of none.
    fn put_back(&mut self, touched: &Touched, from: Rung) -> Result<Done> {
        let mut done = Done::nothing();
        let places = (self.template.as_str(), self.name.as_str());
        let mut steps = undo::steps(&self.plan, places, touched)?;
        if let Ok(journal) = &self.journal {
            steps.extend(undo::forget(journal, &touched.entries)?);
        }
        if !touched.entries.is_empty() {
            done.rung = from.max(Rung::Journal);
        }
        let mut alone = Vec::new();
        for &table in &touched.whole {
            let planned = &self.plan.tables[table];
            let reload = from == Rung::Reload || planned.identity.is_empty();
            done.rung = done.rung.max(if reload { Rung::Reload } else { Rung::Difference });
            let into = if planned.transactional { &mut steps } else { &mut alone };
            into.extend(undo::difference(table, planned, places, reload));
        }
        if done.rung == Rung::Clean {
            return Ok(done);
        }
        let answers = ladder::run(self, &steps, &alone)?;
        let mut dirty: BTreeSet<usize> = touched.keys.keys().copied().collect();
        done.rows = touched.keys.values().map(|keys| keys.len() as u64).sum();
        for &table in &touched.whole {
            let of_table = steps.iter().chain(&alone).zip(&answers).filter(|(step, _)| step.whole == Some(table));
            let most = of_table.map(|(_, answer)| answer.changed).max().unwrap_or_default();
            if most > 0 {
                done.rows += most;
                dirty.insert(table);
            }
        }
        done.tables = dirty.into_iter().map(|at| TableName::plain(&self.plan.tables[at].name)).collect();
        Ok(done)
    }

    fn put_counters_back(&mut self, done: &mut Done) -> Result<()> {
        let mut statements = counters::put_back(&mut self.session, &self.template, &self.name)?;
        let sequences = &self.plan.sequences;
        statements.extend(counters::of_sequences(&mut self.session, &self.template, &self.name, sequences)?);
        for statement in &statements {
            self.session.run(statement.text())?;
            // It is counted as a change of shape, but is none.
            self.seen = self.seen.map(|seen| seen + 1);
            done.counters += 1;
        }
        Ok(())
    }

    fn roll_back(&mut self) -> Result<()> {
        if self.session.is_broken() { Ok(()) } else { self.session.run("ROLLBACK").map(drop) }
    }
}

/// Enters a database that no user of a clone is in, and silences the clones' triggers.
fn prepare(session: &mut Session) -> Result<()> {
    session.run(mysql().lit("USE ").name(REGISTRY).text())?;
    session.run(triggers::OFF).map(drop)
}

impl Resettable for Warm {
    fn reset(&mut self, how: &How, _pristine: &mut dyn Pristine) -> Result<Outcome> {
        let (mut from, mut tries, mut ended, mut done) = (how.from, 0, false, Done::nothing());
        loop {
            self.ready(how.wait)?;
            let error = match self.once(how, from, &mut done) {
                Ok(None) => return Ok(Outcome::Done(done)),
                Ok(Some(why)) => return Ok(Outcome::Spoiled(why)),
                Err(error) => error,
            };
            self.roll_back()?;
            match error.kind() {
                Kind::Interrupted => return Err(error),
                Kind::Locked if ended => {
                    return Ok(Outcome::Spoiled("another session holds locks and is not idle".to_owned()));
                }
                Kind::Locked => {
                    let count = sessions::end_idle(&mut self.session, &self.name)?;
                    ended = true;
                    if count > 0 {
                        done.notes.push(sessions::note(count));
                    }
                }
                _ if error.transient().is_some_and(|why| why != Transient::InDoubt) && tries < TRIES => tries += 1,
                Kind::Rejected if from < Rung::Reload => {
                    from = if from < Rung::Difference { Rung::Difference } else { Rung::Reload };
                }
                Kind::Rejected => return Ok(Outcome::Spoiled(error.to_string())),
                _ => return Err(error),
            }
        }
    }
}
