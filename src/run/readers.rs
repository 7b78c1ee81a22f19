//! Several readers of one table at once. Its rows still come in the one order, so the snapshot is the same to the byte
//! whatever the number of readers: reader 1 of 2 takes the 1st, 3rd, 5th part of the key's range, and the parts are handed on in turn.

use super::state;
use crate::engine::sql::Sql;
use crate::engine::{Query, Sink, Source, scalar};
use crate::error::{Error, Result};
use crate::model::batch::Batch;
use crate::model::schema::{Family, Table};
use crate::policy::Extra;
use crate::subset::{Answers, Ask};
use std::sync::mpsc::sync_channel;

/// A part of a table has about this many rows.
const PART: u64 = 16_384;
/// Smaller tables are read by one reader.
const LEAST: u64 = 4 * PART;
/// More connections than this only take memory from the server.
const MOST: usize = 4;
/// Batches that a reader may be ahead of its turn, about a MiB each.
const AHEAD: usize = 6;
/// Queries given to a reader at a time.
const WAITING: usize = 2;

/// A source, and other readers of the same state that are opened when the first large table comes.
pub(super) struct Readers<'a> {
    first: &'a mut dyn Source,
    others: Option<Vec<Box<dyn Source>>>,
    wanted: usize,
}

enum Part {
    Rows(Batch),
    End(Result<u64>),
}

impl<'a> Readers<'a> {
    /// As many readers as `jobs`, within reason and as far as the source gives them.
    pub(super) fn new(first: &'a mut dyn Source, jobs: usize) -> Self {
        Self { first, others: None, wanted: jobs.min(MOST) }
    }

    /// The source itself.
    pub(super) fn first(&mut self) -> &mut dyn Source {
        self.first
    }

    /// Reads the rows that queries find, in the order of the queries.
    pub(super) fn read_all(&mut self, queries: &mut dyn Iterator<Item = Query>, sink: &mut Sink<'_>) -> Result<u64> {
        self.answer(queries, &mut |_, batch| sink(batch))
    }

    /// How many readers are open.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        1 + self.others.as_ref().map_or(0, Vec::len)
    }

    /// Reads a table of about `rows` rows in its stable order, with what masks ask beside the stored columns.
    pub(super) fn read(&mut self, table: &Table, extras: &[Extra], rows: u64, sink: &mut Sink<'_>) -> Result<u64> {
        if self.wanted > 1 && rows >= LEAST && self.fork()? {
            let parts = parts(self.first, table, extras, rows)?;
            if parts.len() > 1 {
                return self.in_turn(&mut parts.into_iter(), &mut |_, batch| sink(batch));
            }
        }
        self.first.read(&state::asked_rows(self.first.engine(), table, extras, None), sink)
    }

    /// Opens the other readers, once. Says whether there are any.
    fn fork(&mut self) -> Result<bool> {
        let others = match self.others.take() {
            Some(others) => others,
            None => {
                let mut others = Vec::new();
                while others.len() + 1 < self.wanted
                    && let Some(other) = self.first.fork()?
                {
                    others.push(other);
                }
                others
            }
        };
        Ok(!self.others.insert(others).is_empty())
    }

    /// Runs queries one after the other or at the same time; `answers` gets their rows in the order of the queries.
    fn answer(&mut self, queries: &mut dyn Iterator<Item = Query>, answers: &mut Answers<'_>) -> Result<u64> {
        let (Some(first), second) = (queries.next(), queries.next()) else { return Ok(0) };
        let Some(second) = second else { return self.first.read(&first, &mut |batch| answers(0, batch)) };
        let mut queries = [first, second].into_iter().chain(queries);
        if self.wanted > 1 && self.fork()? {
            return self.in_turn(&mut queries, answers);
        }
        let mut rows = 0;
        for (at, query) in queries.enumerate() {
            rows += self.first.read(&query, &mut |batch| answers(at, batch))?;
        }
        Ok(rows)
    }

    fn in_turn(&mut self, queries: &mut dyn Iterator<Item = Query>, answers: &mut Answers<'_>) -> Result<u64> {
        let mut sources: Vec<&mut dyn Source> = vec![&mut *self.first];
        for other in self.others.iter_mut().flatten() {
            sources.push(&mut **other);
        }
        let readers = sources.len();
        std::thread::scope(|scope| {
            let (mut tasks, mut turns) = (Vec::new(), Vec::new());
            for source in sources {
                let (task, due) = sync_channel::<Query>(WAITING);
                let (feed, turn) = sync_channel(AHEAD);
                tasks.push(task);
                turns.push(turn);
                scope.spawn(move || {
                    for query in due {
                        let read = source.read(&query, &mut |batch| feed.send(Part::Rows(batch)).map_err(|_| closed()));
                        let failed = read.is_err();
                        if feed.send(Part::End(read)).is_err() || failed {
                            break; // Whoever reads in turn is gone, or about to tell.
                        }
                    }
                });
            }
            // A reader that is gone has told why in its turn.
            let mut give = |at: usize| queries.next().is_some_and(|query| tasks[at % readers].send(query).is_ok());
            let mut given = 0;
            while given < WAITING * readers && give(given) {
                given += 1;
            }
            let (mut rows, mut at) = (0, 0);
            while at < given {
                loop {
                    match turns[at % readers].recv() {
                        Ok(Part::Rows(batch)) => answers(at, batch)?,
                        Ok(Part::End(read)) => {
                            rows += read?;
                            break;
                        }
                        Err(_) => return Err(Error::internal("a reader stopped unexpectedly")),
                    }
                }
                at += 1;
                given += usize::from(give(given));
            }
            Ok(rows)
        })
    }
}

impl Ask for Readers<'_> {
    fn ask(&mut self, queries: &mut dyn Iterator<Item = Query>, answers: &mut Answers<'_>) -> Result<()> {
        self.answer(queries, answers).map(|_| ())
    }
}

/// The end of the turns; whoever ended them says why.
fn closed() -> Error {
    Error::internal("nobody reads on")
}

/// Queries that together read the table in its stable order; fewer than two where its key cannot be cut.
fn parts(source: &mut dyn Source, table: &Table, extras: &[Extra], rows: u64) -> Result<Vec<Query>> {
    let Some(lead) = table.primary_key.first().map(|&at| &table.columns[at]) else { return Ok(Vec::new()) };
    if lead.family != Family::Integer {
        return Ok(Vec::new());
    }
    let engine = source.engine();
    let mut edge =
        |of: &'static str| scalar(source, Sql::new(engine).lit(of).name(&lead.name).lit(") FROM ").table(&table.name));
    let (least, most) = (edge("SELECT min(")?, edge("SELECT max(")?);
    let cuts = cuts(least, most, rows / PART);
    let bounds = |at: usize| (at.checked_sub(1).map(|at| cuts[at]), cuts.get(at).copied());
    Ok((0..=cuts.len()).map(|at| state::ordered_part(engine, table, extras, &lead.name, bounds(at))).collect())
}

/// Where to cut the numbers from `least` to `most` into about `count` parts: rising, each above `least`.
fn cuts(least: i64, most: i64, count: u64) -> Vec<i64> {
    let span = i128::from(most) - i128::from(least);
    let count = i128::from(count).min(span).max(1);
    (1..count).filter_map(|at| i64::try_from(i128::from(least) + span * at / count).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_rise_and_share_the_range() {
        assert_eq!(cuts(1, 100, 4), [25, 50, 75]);
        assert_eq!(cuts(-10, 10, 2), [0]);
        assert_eq!(cuts(5, 5, 9), [0_i64; 0]);
        assert_eq!(cuts(5, 7, 9), [6]);
        assert_eq!(cuts(3, 2, 9), [0_i64; 0]);
        let wide = cuts(i64::MIN, i64::MAX, 1000);
        assert!(wide.len() == 999 && wide.windows(2).all(|pair| pair[0] < pair[1]) && wide[0] > i64::MIN);
    }
}
