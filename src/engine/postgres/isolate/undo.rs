//! Takes back what the row journal tells, in one transaction: rows that came go, rows that went come.
//!
//! Nobody writes to a dirty table meanwhile, so the journal holds all of it. What others write to further tables in the meantime is
//! taken back in another round of the same transaction, because it may hang on rows that go.

use super::super::catalog::cell;
use super::super::explain;
use super::look::{self, Found};
use super::opened::{Known, Opened};
use super::{guarded, mend};
use crate::engine::isolate::{Done, How, Pristine, Rung};
use crate::error::{Error, Kind};
use crate::model::schema::TableName;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Why a reset did not come to its end.
pub(super) enum Stop {
    /// Somebody holds a lock.
    Busy,
    /// Only a new clone helps.
    Spoiled(String),
    /// The error of something else.
    Fatal(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.kind() == Kind::Locked { Self::Busy } else { Self::Fatal(error) }
    }
}

pub(super) type Step<T> = std::result::Result<T, Stop>;

/// What remains of the journal's rows when those that are each other's opposite are left out.
pub(super) const PREPARE: &str = "CREATE TEMP TABLE terp_fixtures_net (root oid, image text, n bigint); \
    CREATE INDEX ON pg_temp.terp_fixtures_net (root); \
    PREPARE terp_fixtures_gather (oid[]) AS INSERT INTO pg_temp.terp_fixtures_net SELECT root, image, sum(change) \
    FROM terp_fixtures.journal WHERE root = ANY ($1) AND change <> 0 GROUP BY root, image HAVING sum(change) <> 0";

/// Rows are found by their key one by one: there are few.
const SETTINGS: &str =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// More rounds than that are needed only where others never stop writing.
const ROUNDS: usize = 20;

/// A reset under way.
pub(super) struct Work<'a> {
    pub(super) clone: &'a mut Opened,
    pub(super) pristine: &'a mut dyn Pristine,
    rung: Rung,
    rows: u64,
    changed: BTreeSet<TableName>,
    locked: BTreeSet<String>,
    pub(super) notes: Vec<String>,
}

/// Everything, in one transaction that is still open when this fails.
pub(super) fn all(clone: &mut Opened, how: &How, found: &Found, pristine: &mut dyn Pristine) -> Step<Done> {
    clone.session().failed = false;
    clone.session().run(&format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {SETTINGS}"))?;
    let mut work = Work {
        clone,
        pristine,
        rung: Rung::Journal,
        rows: 0,
        changed: BTreeSet::new(),
        locked: BTreeSet::new(),
        notes: Vec::new(),
    };
    if !found.is_trusted {
        work.notes.push("the row journal was lost in a crash of the server".to_owned());
        work.answers("INSERT INTO terp_fixtures.canary VALUES (true)")?;
    }
    if !found.is_trusted || how.from > Rung::Journal {
        let differing = mend::differing(&mut work)?;
        work.lock(&differing)?;
        for root in differing {
            mend::table(&mut work, &root, how.from.max(Rung::Difference))?;
        }
    }
    work.rounds()?;
    if work.rung > Rung::Journal || !found.dirty.is_empty() {
        mend::views(&mut work)?;
    }
    if found.has_objects {
        work.answers("SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata")?;
        work.notes.push("large objects were removed".to_owned());
    }
    let counters = mend::sequences(&mut work)?;
    work.clone.session().commit()?;
    let (rows, tables, notes) = (work.rows, work.changed.into_iter().collect(), work.notes);
    // Who begins further down wants to know whether there was anything to do.
    let is_same = rows == 0 && counters == 0 && notes.is_empty();
    let rung = if how.from > Rung::Journal && is_same { Rung::Clean } else { work.rung.max(how.from) };
    Ok(Done { rung, rows, tables, counters, notes })
}

impl Work<'_> {
    /// Runs statements and gives their rows.
    pub(super) fn answers(&mut self, text: &str) -> Step<Vec<super::super::session::TextRow>> {
        let session = self.clone.session();
        let answers = session.answers(text)?;
        answers.map_err(|error| match explain::code(&error).as_deref() {
            Some("55P03" | "40P01" | "40001") => Stop::Busy,
            Some(_) if !session.is_broken() => Stop::Spoiled(explain::statement(&error).what().to_owned()),
            _ => Stop::Fatal(explain::statement(&error)),
        })
    }

    pub(super) fn known(&self, root: &str) -> Step<&Known> {
        self.clone
            .tables
            .get(root)
            .ok_or_else(|| Stop::Spoiled("the row journal names a table that is not there".to_owned()))
    }

    /// Notes what was done to a table.
    pub(super) fn did(&mut self, root: &str, rung: Rung, rows: u64) -> Step<()> {
        let name = self.known(root)?.name.clone();
        self.rung = self.rung.max(rung);
        self.rows += rows;
        if rows > 0 {
            self.changed.insert(name);
        }
        Ok(())
    }

    /// Keeps everybody else from writing to these tables.
    pub(super) fn lock(&mut self, roots: &BTreeSet<String>) -> Step<()> {
        let mut names = Vec::new();
        for root in roots.difference(&self.locked) {
            let known = self.known(root)?;
            names.push(format!("{}{}", known.reach, known.spelled));
        }
        self.locked.extend(roots.iter().cloned());
        if names.is_empty() {
            return Ok(());
        }
        self.answers(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "))).map(drop)
    }

    /// Takes back until nothing is left in the journal.
    fn rounds(&mut self) -> Step<()> {
        for _ in 0..ROUNDS {
            let answer = self.answers("EXECUTE terp_fixtures_dirty")?;
            let dirty = look::dirty(answer.first().map_or("", |row| cell(row, 0)));
            if dirty.is_empty() {
                return Ok(());
            }
            let mut roots: BTreeSet<String> = dirty.keys().cloned().collect();
            if self.any_inherited(&roots)? {
                let inherited = self.clone.tables.iter().filter(|(_, known)| known.inherited);
                roots.extend(inherited.map(|(root, _)| root.clone()));
            }
            if !roots.is_subset(&self.locked) {
                self.lock(&roots)?;
                // Somebody may have written until the lock was there.
                continue;
            }
            let (marked, told): (Vec<String>, Vec<String>) = dirty.keys().cloned().partition(|root| {
                dirty.get(root) == Some(&true) || self.clone.tables.get(root).is_some_and(|known| known.marked)
            });
            for root in self.undo(&told)? {
                mend::table(self, &root, Rung::Difference)?;
            }
            if self.any_inherited(&roots)? {
                mend::inherited(self)?;
            }
            for root in marked {
                if !self.known(&root)?.inherited {
                    mend::table(self, &root, Rung::Reload)?;
                }
            }
        }
        Err(Stop::Busy)
    }

    fn any_inherited(&self, roots: &BTreeSet<String>) -> Step<bool> {
        for root in roots {
            if self.known(root)?.inherited {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes back what the journal tells of these tables. Returns those of which it did not tell everything.
    pub(super) fn undo(&mut self, roots: &[String]) -> Step<Vec<String>> {
        if roots.is_empty() {
            return Ok(Vec::new());
        }
        for root in roots {
            mend::refuse_triggers(self, root)?;
        }
        let list = roots.join(",");
        let mut text = format!("EXECUTE terp_fixtures_gather ('{{{list}}}'); ");
        let steps = if self.clone.is_replica { self.steps(roots)? } else { self.guarded(roots)? };
        text.push_str(&steps);
        write!(
            text,
            "DELETE FROM terp_fixtures.journal WHERE root = ANY ('{{{list}}}'); DELETE FROM pg_temp.terp_fixtures_net"
        )
        .unwrap_or_default();
        let done = self.answers(&text)?;
        let mut untold = BTreeSet::new();
        let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
        for row in done {
            let root = roots.iter().find(|root| root.as_str() == cell(&row, 0));
            let root =
                root.ok_or_else(|| Stop::Fatal(Error::internal("a reset got an answer that it did not ask for")))?;
            if cell(&row, 1) != cell(&row, 2) {
                untold.insert(root.clone());
            }
            let count: u64 = cell(&row, 2).parse().unwrap_or_default();
            let most = rows.entry(root).or_default();
            *most = count.max(*most);
        }
        for (root, rows) in rows {
            self.did(root, Rung::Journal, rows)?;
        }
        Ok(untold.into_iter().collect())
    }

    /// First everything goes that came, then everything comes that went.
    fn steps(&mut self, roots: &[String]) -> Step<String> {
        let mut text = String::new();
        for root in roots {
            if self.clone.prepared.insert(root.clone()) {
                text.push_str(&prepare(root, self.known(root)?));
            }
        }
        for root in roots {
            // Without a key rows are found by their text.
            let (before, after) = match self.known(root)?.keys.as_str() {
                "" => ("SET LOCAL enable_hashjoin = on; ", "SET LOCAL enable_hashjoin = off; "),
                _ => ("", ""),
            };
            // Writing to a string cannot fail.
            write!(text, "{before}EXECUTE terp_fixtures_out_{root}; {after}").unwrap_or_default();
        }
        for root in roots {
            write!(text, "EXECUTE terp_fixtures_in_{root}; ").unwrap_or_default();
        }
        Ok(text)
    }

    fn guarded(&mut self, roots: &[String]) -> Step<String> {
        let mut tables = Vec::new();
        for root in roots {
            tables.push((root.as_str(), self.known(root)?));
        }
        Ok(format!("{}; ", guarded::statement(&tables)))
    }
}

/// Prepares the two statements of a table. Each yields its number, the rows that it should change and those that it changed.
fn prepare(root: &str, known: &Known) -> String {
    let Known { spelled, reach, columns, cells, keys, matching, image, .. } = known;
    let parsed = |sign: &str, more: &str| {
        format!(
            "SELECT image::{spelled} AS v FROM pg_temp.terp_fixtures_net{more} WHERE root = {root} AND n {sign} 0 OFFSET 0"
        )
    };
    let gone = if keys.is_empty() {
        format!(
            "d AS MATERIALIZED ({}), gone AS (DELETE FROM {reach}{spelled} t USING d WHERE t.tableoid = d.place AND t.ctid = d.at RETURNING 1)",
            guarded::doomed(root, spelled, reach, image)
        )
    } else {
        format!(
            "x AS MATERIALIZED (SELECT {keys} FROM ({}) r), gone AS (DELETE FROM {reach}{spelled} t USING x WHERE {matching} RETURNING 1)",
            parsed(">", "")
        )
    };
    format!(
        "PREPARE terp_fixtures_out_{root} AS WITH {gone} SELECT {root}, (SELECT coalesce(sum(n), 0) FROM pg_temp.terp_fixtures_net \
         WHERE root = {root} AND n > 0), (SELECT count(*) FROM gone); \
         PREPARE terp_fixtures_in_{root} AS WITH back AS (INSERT INTO {spelled} ({columns}) OVERRIDING SYSTEM VALUE SELECT {cells} \
         FROM ({}) r RETURNING 1) SELECT {root}, (SELECT coalesce(-sum(n), 0) FROM pg_temp.terp_fixtures_net WHERE root = {root} \
         AND n < 0), (SELECT count(*) FROM back); ",
        parsed("<", ", generate_series(1, -n)")
    )
}
