//! References on a cycle: the rows that wait for their parents get them once all rows are there.

use super::Run;
use super::columns::Columns;
use super::parents::Chooser;
use super::relate;
use super::shape::{Group, Shape};
use crate::error::{Error, Result};
use crate::generate::check::{Check, Truth};
use crate::generate::value::Value;
use crate::generate::world::World;
use std::collections::{HashMap, HashSet};

/// Tries for a row.
const TRIES: u64 = 60;

/// Fills all late references of a table.
pub(super) fn fill(
    run: &Run<'_>,
    shape: &Shape<'_>,
    columns: &Columns,
    at: usize,
    world: &mut World<'_>,
) -> Result<()> {
    let groups: Vec<usize> =
        (0..shape.tables[at].groups.len()).filter(|&group| shape.tables[at].groups[group].late).collect();
    for group in groups {
        Filler::new(run, shape, columns, at, group, world).fill(world)?;
    }
    Ok(())
}

struct Filler<'f, 'r> {
    run: &'f Run<'r>,
    shape: &'f Shape<'r>,
    columns: &'f Columns,
    at: usize,
    group: &'f Group,
    choosers: Vec<Chooser>,
    /// Parents that reference a row of this table, by that row: both ends of a pair know each other.
    back: HashMap<(usize, u32), Vec<u32>>,
    seen: Vec<HashSet<u64>>,
    scratch: Vec<u8>,
}

impl<'f, 'r> Filler<'f, 'r> {
    fn new(
        run: &'f Run<'r>,
        shape: &'f Shape<'r>,
        columns: &'f Columns,
        at: usize,
        group: usize,
        world: &World<'_>,
    ) -> Self {
        let plan = &shape.tables[at];
        let group = &plan.groups[group];
        let rows = world.tables[at].rows as u64;
        let mut back: HashMap<(usize, u32), Vec<u32>> = HashMap::new();
        let mut choosers = Vec::new();
        for (number, link) in group.links.iter().enumerate() {
            let reference = &run.references[link.reference];
            let place = run.seed.place(&plan.table.name, &reference.to_string());
            let parents = link.parent.map_or(0, |parent| world.tables[parent].rows as u64);
            choosers.push(Chooser::new(run.bound.choice(reference), false, place, rows, parents));
            let Some(parent) = link.parent else { continue };
            let homeward = shape.tables[parent].groups.iter().flat_map(|group| &group.links);
            for other in homeward.filter(|other| other.parent == Some(at)) {
                for (row, child) in world.parents[other.reference].iter().enumerate() {
                    if let Some(child) = child {
                        back.entry((number, *child)).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
                    }
                }
            }
        }
        let seen = vec![HashSet::new(); plan.keys.len()];
        Self { run, shape, columns, at, group, choosers, back, seen, scratch: Vec::new() }
    }

    fn fill(&mut self, world: &mut World<'_>) -> Result<()> {
        let plan = &self.shape.tables[self.at];
        for link in &self.group.links {
            world.parents[link.reference].resize(world.tables[self.at].rows, None);
        }
        for row in 0..world.tables[self.at].rows {
            let is_filled = self.row(world, row);
            if !is_filled && self.group.optional.is_empty() {
                let names: Vec<String> =
                    self.group.links.iter().map(|link| self.run.references[link.reference].to_string()).collect();
                return Err(Error::policy(format!(
                    "table {}: row number {} finds no parent for {}, which lies on a cycle",
                    plan.table.name,
                    row + 1,
                    names.join(", ")
                ))
                .hint("Give both tables the same number of rows with --rows, or leave them out: --rows TABLE=0."));
            }
            self.remember(world, row);
        }
        Ok(())
    }

    fn row(&mut self, world: &mut World<'_>, row: usize) -> bool {
        let plan = &self.shape.tables[self.at];
        let mut draw = self.run.seed.place(&plan.table.name, "late").draw(row as u64);
        let links: Vec<usize> = (0..self.group.links.len())
            .filter(|&link| self.group.links[link].parent.is_some_and(|parent| world.tables[parent].rows > 0))
            .collect();
        if links.is_empty() {
            return false;
        }
        let link = *draw.pick(&links);
        let one = &self.group.links[link];
        let parents = one.parent.map_or(0, |parent| world.tables[parent].rows as u64);
        let nulls = self.choosers[link].nulls();
        if !self.group.optional.is_empty() && draw.chance(nulls) {
            return false;
        }
        let number = u32::try_from(row).unwrap_or(u32::MAX);
        let paired = self.back.get(&(link, number)).cloned().unwrap_or_default();
        let ordinal = u32::try_from(row as u64 % parents).unwrap_or(0);
        let is_pair = self.back.keys().any(|(own, _)| *own == link);
        for try_ in 0..TRIES + paired.len() as u64 {
            let parent = match usize::try_from(try_).ok().and_then(|try_| paired.get(try_)) {
                Some(paired) => *paired,
                // Somebody else's would be odd, and nobody's is allowed.
                None if is_pair && !self.group.optional.is_empty() => return false,
                None if try_ == paired.len() as u64 => ordinal,
                None => u32::try_from(self.choosers[link].pick(row as u64, try_, parents, &mut draw)).unwrap_or(0),
            };
            if self.takes(world, row, link, parent) {
                world.parents[one.reference][row] = Some(parent);
                return true;
            }
        }
        // Few are left.
        for parent in (0..u32::try_from(parents).unwrap_or(u32::MAX)).filter(|_| self.group.optional.is_empty()) {
            if self.takes(world, row, link, parent) {
                world.parents[one.reference][row] = Some(parent);
                return true;
            }
        }
        false
    }

    /// Puts a parent's key into a row where everything holds with it.
    fn takes(&mut self, world: &mut World<'_>, row: usize, link: usize, parent: u32) -> bool {
        let plan = &self.shape.tables[self.at];
        let one = &self.group.links[link];
        let Some(table) = one.parent else { return false };
        let mut cells: Vec<Option<Value>> = (0..plan.table.columns.len())
            .map(|column| world.tables[self.at].columns[column].get(row).cloned())
            .collect();
        for (&column, &theirs) in self.group.columns.iter().zip(&one.parent_columns) {
            let value = relate::retyped(&plan.table.columns[column], world.cell(table, theirs, parent as usize));
            let is_shared = cells[column].as_ref().is_some_and(|own| !own.is_null() && *own != value);
            if value.is_null() || is_shared {
                return false;
            }
            cells[column] = Some(value);
        }
        if let (Some(column), Some(value)) = (self.group.type_column, &one.value) {
            cells[column] = Some(value.clone());
        }
        let fails =
            |check: &Check| check.predicate.as_ref().is_ok_and(|predicate| predicate.holds(&cells) == Truth::False);
        if self.columns.checks.iter().any(fails) {
            return false;
        }
        for (at, key) in plan.keys.iter().enumerate() {
            if !key.columns.iter().any(|column| self.group.columns.contains(column)) {
                continue;
            }
            let cell = |at: usize| cells[at].as_ref();
            let hash = key.hash(self.run.catalogue.engine, &plan.table.columns, cell, &mut self.scratch);
            let hash = hash.filter(|_| key.is_about(&cells));
            if hash.is_some_and(|hash| self.seen[at].contains(&hash)) {
                return false;
            }
        }
        for (column, cell) in world.tables[self.at].columns.iter_mut().zip(cells) {
            if let (Some(slot), Some(cell)) = (column.get_mut(row), cell) {
                *slot = cell;
            }
        }
        true
    }

    fn remember(&mut self, world: &World<'_>, row: usize) {
        let plan = &self.shape.tables[self.at];
        for (at, key) in plan.keys.iter().enumerate() {
            let cell = |column: usize| world.tables[self.at].columns[column].get(row);
            if !key.is_about(&super::row(world, self.at, row)) {
                continue;
            }
            self.seen[at].extend(key.hash(self.run.catalogue.engine, &plan.table.columns, cell, &mut self.scratch));
        }
    }
}
