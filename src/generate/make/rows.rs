//! The rows of a table, one after the other: a way to satisfy its CHECKs is drawn, parents are chosen, cells are made, and the
//! row is held against everything that the server will hold it against. Whoever fails is drawn again.

use super::columns::{self, Columns, Source};
use super::counts::{self, Part, Planned};
use super::lookup::Lookups;
use super::parents::{Chooser, Permutation};
use super::refer::Parent;
use super::relate::Beside;
use super::shape::{Link, Plan, Shape};
use super::{Ask, Run};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::generate::check::Truth;
use crate::generate::draw::Place;
use crate::generate::field::makers::is_about_somebody;
use crate::generate::field::{Row, Subject};
use crate::generate::value::Value;
use crate::generate::world::World;
use crate::model::schema::{EngineKind, Family};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Tries for a row.
const TRIES: u64 = 300;
/// How often rows are made in place of those that the database would refuse.
const ROUNDS: u64 = 200;
/// Rows that the database is asked about at once.
const AT_ONCE: usize = 100;

/// Why a row is drawn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Another row has this key's values.
    Key(usize),
    /// Every value of the key is taken.
    Full(usize),
    /// This CHECK does not hold.
    Check(usize),
    /// No parent fits what else the row says.
    Parent(usize),
    /// The column must have a value, and got none.
    Null(usize),
}

/// What is known of a table whose rows are made.
pub(super) struct Maker<'m, 'r> {
    pub(super) run: &'m Run<'r>,
    pub(super) shape: &'m Shape<'r>,
    pub(super) at: usize,
    pub(super) plan: &'m Plan<'r>,
    pub(super) columns: &'m Columns,
    rows: u64,
    places: Vec<Place>,
    pub(super) own: Place,
    pub(super) choosers: Vec<Vec<Chooser>>,
    driver: Option<Driver>,
    /// The next number of each column that is unique by itself, by way and column.
    next: BTreeMap<(usize, usize), u64>,
    /// How many rows have the same other values of a key.
    numbers: HashMap<(usize, u64), u64>,
    /// What the keys hold so far.
    pub(super) seen: Vec<HashSet<u64>>,
    pub(super) lookups: Lookups,
    pub(super) is_about_people: bool,
    /// How often rows were taken back, so that others come in their place.
    salt: u64,
    /// CHECKs that nobody but the database can work out for the row on its way.
    doubts: Vec<usize>,
    /// The row on its way.
    pub(super) cells: Vec<Option<Value>>,
    pub(super) chosen: Vec<Option<(usize, Parent)>>,
    pub(super) digits: Vec<Option<u64>>,
    pub(super) subject: Subject,
    pub(super) people: Vec<Subject>,
    scratch: Vec<u8>,
}

/// A key whose values are counted through, because drawing them would meet the same ones too often.
struct Driver {
    key: usize,
    parts: Vec<(Part, u64)>,
    order: Permutation,
    room: u64,
    next: u64,
}

impl<'m, 'r> Maker<'m, 'r> {
    pub(super) fn new(
        run: &'m Run<'r>,
        shape: &'m Shape<'r>,
        at: usize,
        columns: &'m Columns,
        planned: &[Planned],
    ) -> Self {
        let plan = &shape.tables[at];
        let place = |what: &str| run.seed.place(&plan.table.name, what);
        let rows = planned[at].rows;
        let choosers = plan.groups.iter().map(|group| {
            let of_link = |link: &Link| {
                let reference = &run.references[link.reference];
                let parents = link.parent.map_or(0, |parent| planned[parent].rows);
                let is_tree = link.parent == Some(at);
                Chooser::new(run.bound.choice(reference), is_tree, place(&reference.to_string()), rows, parents)
            };
            group.links.iter().map(of_link).collect()
        });
        let mut maker = Self {
            run,
            shape,
            at,
            plan,
            columns,
            rows,
            places: plan.table.columns.iter().map(|column| place(&column.name)).collect(),
            own: place(""),
            choosers: choosers.collect(),
            driver: None,
            next: BTreeMap::new(),
            numbers: HashMap::new(),
            seen: vec![HashSet::new(); plan.keys.len()],
            lookups: Lookups::default(),
            is_about_people: is_about_somebody(run.guesses.about(at), plan.table),
            salt: 0,
            doubts: Vec::new(),
            cells: Vec::new(),
            chosen: Vec::new(),
            digits: Vec::new(),
            subject: Subject(0),
            people: Vec::new(),
            scratch: Vec::new(),
        };
        maker.driver = maker.driver(planned);
        maker
    }

    fn engine(&self) -> EngineKind {
        self.run.catalogue.engine
    }

    /// The tightest key, where drawing would meet too few of its values.
    fn driver(&self, planned: &[Planned]) -> Option<Driver> {
        let tight = |key: &usize| {
            let room = counts::room(self.shape, self.plan, self.columns, &self.plan.keys[*key], planned, self.run);
            (room < self.rows.saturating_mul(4)).then_some((room, *key))
        };
        let usable = |key: &usize| {
            let key = &self.plan.keys[*key];
            !key.opaque && !key.is_partial() && !self.is_distinct(key.columns.as_slice())
        };
        let (room, key) = (0..self.plan.keys.len()).filter(usable).filter_map(|key| tight(&key)).min()?;
        let parts = counts::parts(self.plan, &self.plan.keys[key])?;
        let of = |part: Part| (part, counts::room_of(self.shape, self.plan, self.columns, part, planned, self.run));
        let order = Permutation::new(self.run.seed.place(&self.plan.table.name, &self.plan.keys[key].name), room);
        Some(Driver { key, parts: parts.into_iter().map(of).collect(), order, room, next: 0 })
    }

    fn is_distinct(&self, columns: &[usize]) -> bool {
        columns.len() == 1 && self.columns.sources[columns[0]] == Source::Distinct
    }

    /// Makes all rows. Tells why there are fewer than were wanted, if there are.
    pub(super) fn make(
        &mut self,
        world: &mut World<'_>,
        ask: &mut Option<&mut Ask<'_>>,
        cancel: &Cancel,
    ) -> Result<Option<String>> {
        let mut doubtful: Vec<(usize, Vec<usize>)> = Vec::new();
        loop {
            let row = world.tables[self.at].rows;
            let is_end = row as u64 >= self.rows;
            if row.is_multiple_of(256) {
                cancel.check()?;
            }
            let fault = if is_end { None } else { self.row(world, row as u64)? };
            if !is_end && fault.is_none() && !self.doubts.is_empty() {
                doubtful.push((row, std::mem::take(&mut self.doubts)));
            }
            // Rows of a tree wait for no answer: the next one may reference them.
            let is_time = is_end || fault.is_some() || doubtful.len() >= AT_ONCE || self.is_tree();
            if is_time && !doubtful.is_empty() {
                self.settle(world, &std::mem::take(&mut doubtful), ask)?;
            } else if let Some(fault) = fault {
                return Ok(Some(self.told(fault)));
            } else if is_end {
                return Ok(None);
            }
        }
    }

    fn is_tree(&self) -> bool {
        self.plan.groups.iter().flat_map(|group| &group.links).any(|link| link.parent == Some(self.at))
    }

    /// Asks the database about doubtful rows and takes back those that it would refuse.
    fn settle(
        &mut self,
        world: &mut World<'_>,
        doubtful: &[(usize, Vec<usize>)],
        ask: &mut Option<&mut Ask<'_>>,
    ) -> Result<()> {
        // Without a database the proof says what it misses.
        let Some(ask) = ask else { return Ok(()) };
        let mut faults: BTreeMap<usize, usize> = BTreeMap::new();
        let checks: BTreeSet<usize> = doubtful.iter().flat_map(|(_, checks)| checks).copied().collect();
        for &check in &checks {
            let rows: Vec<usize> =
                doubtful.iter().filter(|(_, own)| own.contains(&check)).map(|(row, _)| *row).collect();
            let cells: Vec<_> = rows.iter().map(|&row| super::row(world, self.at, row)).collect();
            let answers = ask(self.plan.table, &[&self.columns.checks[check]], &cells)?;
            let answers = answers.into_iter().flatten();
            faults.extend(
                rows.into_iter().zip(answers).filter(|(_, truth)| *truth == Truth::False).map(|(row, _)| (row, check)),
            );
        }
        for &row in faults.keys().rev() {
            self.take_back(world, row);
        }
        if let Some((&row, &check)) = faults.iter().next() {
            self.salt += TRIES;
            if self.salt > TRIES * ROUNDS {
                return Err(self.refused(Fault::Check(check), row as u64));
            }
        }
        Ok(())
    }

    /// Takes a row out of the world that none references.
    fn take_back(&mut self, world: &mut World<'_>, row: usize) {
        let cells = super::row(world, self.at, row);
        for (at, key) in self.plan.keys.iter().enumerate() {
            let hash = key.hash(self.engine(), &self.plan.table.columns, |at| cells[at].as_ref(), &mut self.scratch);
            if let Some(hash) = if key.opaque { Some(0) } else { hash } {
                self.seen[at].remove(&hash);
            }
        }
        for link in self.plan.groups.iter().filter(|group| !group.late).flat_map(|group| &group.links) {
            world.parents[link.reference].remove(row);
        }
        let made = &mut world.tables[self.at];
        made.rows -= 1;
        made.subjects.remove(row);
        for column in made.columns.iter_mut().filter(|column| row < column.len()) {
            column.remove(row);
        }
    }

    /// Makes a row; tells what leaves no room for it, where that is a key.
    fn row(&mut self, world: &mut World<'_>, row: u64) -> Result<Option<Fault>> {
        let mut faults: BTreeMap<Fault, u64> = BTreeMap::new();
        for attempt in 0..TRIES {
            match self.attempt(world, row, attempt) {
                Ok(()) => {
                    self.keep(world);
                    return Ok(None);
                }
                Err(fault @ Fault::Full(_)) => return Ok(Some(fault)),
                Err(fault) => *faults.entry(fault).or_default() += 1,
            }
        }
        let most = faults.into_iter().max_by_key(|(_, times)| *times).map(|(fault, _)| fault);
        match most {
            Some(fault @ Fault::Key(_)) => Ok(Some(fault)),
            Some(fault) => Err(self.refused(fault, row)),
            None => Ok(None),
        }
    }

    fn told(&self, fault: Fault) -> String {
        match fault {
            Fault::Key(key) | Fault::Full(key) => format!("{} has room for no more", self.plan.keys[key].name),
            Fault::Check(check) => self.columns.checks[check].name.clone(),
            Fault::Parent(group) => {
                let names =
                    self.plan.groups[group].links.iter().map(|link| self.run.references[link.reference].to_string());
                names.collect::<Vec<_>>().join(", ")
            }
            Fault::Null(column) => format!("NOT NULL of {}", self.plan.table.columns[column].name.escape_debug()),
        }
    }

    fn refused(&self, fault: Fault, row: u64) -> Error {
        let what = match fault {
            Fault::Check(_) => "CHECK",
            Fault::Parent(_) => "reference",
            _ => "constraint",
        };
        Error::policy(format!(
            "table {}: no row number {} was found that satisfies {what} {} in {TRIES} tries",
            self.plan.table.name,
            row + 1,
            self.told(fault)
        ))
        .hint("Say in the profile what the columns hold that it speaks of, or leave the table out: --rows TABLE=0.")
    }

    fn attempt(&mut self, world: &World<'_>, row: u64, attempt: u64) -> std::result::Result<(), Fault> {
        let columns = self.columns;
        self.cells.clear();
        self.cells.resize(self.plan.table.columns.len(), None);
        self.chosen.clear();
        self.chosen.resize(self.plan.groups.len(), None);
        self.digits.clear();
        self.digits.resize(self.plan.groups.len(), None);
        let mut draw = self.own.again(row, self.salt + attempt);
        let at = draw.index(columns.ways.len());
        let way = &columns.ways[at];
        let numbers = self.count_through()?;
        for group in 0..self.plan.groups.len() {
            if !self.plan.groups[group].late {
                self.reference(world, way, group, row, attempt, &mut draw)?;
            }
        }
        self.subject(world, row);
        for &column in &way.order {
            if self.cells[column].is_none() {
                let value = self.cell(at, column, row, attempt, &numbers)?;
                self.cells[column] = value;
            }
        }
        let (places, salt) = (&self.places, self.salt);
        let draw = |column: usize| places[column].again(row, salt + attempt);
        let beside = Beside { run: self.run, plan: self.plan, at: self.at, columns, way, draw: &draw };
        beside.hold(&mut self.cells);
        self.number();
        self.reference_itself();
        self.hold()
    }

    /// The next values of the key that is counted through: parents as digits, columns as numbers of their values.
    fn count_through(&mut self) -> std::result::Result<Vec<(usize, u64)>, Fault> {
        let mut numbers = Vec::new();
        let Some(driver) = &mut self.driver else { return Ok(numbers) };
        if driver.next >= driver.room {
            return Err(Fault::Full(driver.key));
        }
        let mut rest = driver.order.at(driver.next);
        driver.next += 1;
        for (part, room) in &driver.parts {
            let digit = rest % room;
            rest /= room;
            match part {
                Part::Group(group) => self.digits[*group] = Some(digit),
                Part::Column(column) => numbers.push((*column, digit)),
            }
        }
        Ok(numbers)
    }

    fn cell(
        &mut self,
        way: usize,
        column: usize,
        row: u64,
        attempt: u64,
        numbers: &[(usize, u64)],
    ) -> std::result::Result<Option<Value>, Fault> {
        let Some(field) = &self.columns.ways[way].fields[column] else {
            return match self.columns.sources[column] {
                Source::Engine => Ok(None),
                _ if self.plan.is_required(column) && !self.is_late(column) => Err(Fault::Null(column)),
                _ => Ok(Some(Value::Null)),
            };
        };
        if self.is_late(column) {
            return Ok(Some(Value::Null));
        }
        let about = Row { number: row, cells: &self.cells, subject: self.subject, people: &self.people };
        if let Some((_, number)) = numbers.iter().find(|(own, _)| *own == column) {
            return Ok(Some(field.nth(number % field.capacity().max(1), &about)));
        }
        match self.columns.sources[column] {
            Source::Numbered(_) => Ok(None),
            Source::Distinct => {
                let capacity = field.capacity();
                let is_key = self.plan.table.columns[column].family == Family::Integer
                    && self.plan.table.primary_key.contains(&column);
                if capacity == 0 || (attempt == 0 && !is_key && capacity / 8 > self.rows) {
                    return Ok(Some(field.make(&about, &mut self.places[column].again(row, self.salt + attempt))));
                }
                let next = self.next.entry((way, column)).or_default();
                if *next >= capacity {
                    let key = self.plan.keys.iter().position(|key| key.columns == [column]).unwrap_or(0);
                    // Another way may have values left.
                    return Err(if self.columns.ways.len() == 1 { Fault::Full(key) } else { Fault::Key(key) });
                }
                // No two tables have the same UUIDs.
                let is_endless = self.plan.table.columns[column].family == Family::Uuid && capacity > 1 << 62;
                let base = if is_endless { self.places[column].draw(u64::MAX).bits() >> 3 } else { 0 };
                let number = base + *next;
                *next += 1;
                Ok(Some(field.nth(number, &about)))
            }
            _ => Ok(Some(field.make(&about, &mut self.places[column].again(row, self.salt + attempt)))),
        }
    }

    fn is_late(&self, column: usize) -> bool {
        let mut groups = self.plan.groups.iter().filter(|group| group.columns.contains(&column)).peekable();
        groups.peek().is_some() && groups.all(|group| group.late)
    }

    /// Columns that count the rows with the same other values of their key.
    fn number(&mut self) {
        for column in 0..self.cells.len() {
            let Source::Numbered(at) = self.columns.sources[column] else { continue };
            if self.cells[column].is_some() {
                continue;
            }
            let key = &self.plan.keys[at];
            let others =
                |own: usize| if own == column { Some(&Value::Boolean(true)) } else { self.cells[own].as_ref() };
            let hash = key.hash(self.engine(), &self.plan.table.columns, others, &mut self.scratch);
            let rows = self.numbers.get(&(at, hash.unwrap_or_default())).copied().unwrap_or_default();
            let restriction = self.columns.ways[0].alternative.restrictions.get(&column);
            let first = columns::first_number(restriction);
            self.cells[column] = Some(Value::whole(first + i128::from(rows)));
        }
    }

    /// Holds the row against NOT NULL, CHECKs and keys.
    fn hold(&mut self) -> std::result::Result<(), Fault> {
        self.doubts.clear();
        for (column, cell) in self.cells.iter().enumerate() {
            let is_engine = self.columns.sources[column] == Source::Engine;
            let is_null = cell.as_ref().is_none_or(Value::is_null);
            if is_null && !is_engine && self.plan.is_required(column) && !self.is_late(column) {
                return Err(Fault::Null(column));
            }
        }
        for (at, check) in self.columns.checks.iter().enumerate() {
            if check.columns.iter().any(|&column| self.is_late(column) && self.plan.is_required(column)) {
                continue;
            }
            let holds = check.predicate.as_ref().map_or(Truth::Cannot, |predicate| predicate.holds(&self.cells));
            match holds {
                Truth::False => return Err(Fault::Check(at)),
                Truth::Cannot => self.doubts.push(at),
                Truth::True | Truth::Unknown => {}
            }
        }
        let mut hashes = Vec::with_capacity(self.plan.keys.len());
        for (at, key) in self.plan.keys.iter().enumerate() {
            if key.opaque && !self.seen[at].is_empty() {
                return Err(Fault::Full(at));
            }
            let is_late = key.columns.iter().any(|&column| self.is_late(column));
            let hash = match key.opaque {
                true => Some(0),
                false if is_late || !key.is_about(&self.cells) => None,
                false => {
                    key.hash(self.engine(), &self.plan.table.columns, |at| self.cells[at].as_ref(), &mut self.scratch)
                }
            };
            if hash.is_some_and(|hash| self.seen[at].contains(&hash)) {
                return Err(Fault::Key(at));
            }
            hashes.push(hash);
        }
        for (at, hash) in hashes.into_iter().enumerate() {
            self.seen[at].extend(hash);
        }
        Ok(())
    }

    /// Puts the row into the world.
    fn keep(&mut self, world: &mut World<'_>) {
        for column in 0..self.cells.len() {
            if let Source::Numbered(at) = self.columns.sources[column] {
                let key = &self.plan.keys[at];
                let others =
                    |own: usize| if own == column { Some(&Value::Boolean(true)) } else { self.cells[own].as_ref() };
                let hash = key.hash(self.engine(), &self.plan.table.columns, others, &mut self.scratch);
                *self.numbers.entry((at, hash.unwrap_or_default())).or_default() += 1;
            }
        }
        let own = u32::try_from(world.tables[self.at].rows).unwrap_or(u32::MAX);
        for (at, group) in self.plan.groups.iter().enumerate() {
            for (number, link) in group.links.iter().enumerate() {
                let parent = match self.chosen[at] {
                    Some((chosen, Parent::Made(row))) if chosen == number => Some(row),
                    Some((chosen, Parent::Itself)) if chosen == number => Some(own),
                    _ => None,
                };
                world.parents[link.reference].push(parent);
            }
        }
        let made = &mut world.tables[self.at];
        made.rows += 1;
        made.subjects.push(self.subject);
        // What the engine computes has no cell.
        for (column, cell) in made.columns.iter_mut().zip(&mut self.cells) {
            column.extend(cell.take());
        }
    }
}
