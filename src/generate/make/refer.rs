//! The references of the row on its way: which parent, or none, and what the row takes over from it.

use super::columns::Way;
use super::relate;
use super::rows::{Fault, Maker};
use super::shape::{Group, Link, Plan};
use crate::generate::draw::Draw;
use crate::generate::field::Subject;
use crate::generate::field::makers::is_about_somebody;
use crate::generate::value::Value;
use crate::generate::world::World;

/// Whether a column may hold a value beside the cells that are there.
type Fits<'f> = dyn Fn(&[Option<Value>], usize, &Value) -> bool + 'f;

/// Whom a row references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// A row that was made.
    Made(u32),
    /// A row outside of the run.
    Outside(usize),
    /// Itself.
    Itself,
}

impl<'r> Maker<'_, 'r> {
    /// Chooses a parent and takes over its key.
    pub(super) fn reference(
        &mut self,
        world: &World<'_>,
        way: &Way,
        at: usize,
        row: u64,
        attempt: u64,
        draw: &mut Draw,
    ) -> std::result::Result<(), Fault> {
        let group = &self.plan.groups[at];
        let restricted = |column: &usize| way.alternative.restrictions.get(column);
        let nulls = |is: bool| move |column: &usize| restricted(column).is_some_and(|own| own.null == Some(is));
        let must_be_null = group.columns.iter().any(nulls(true));
        let must_be_there = group.columns.iter().all(nulls(false)) || group.optional.is_empty();
        let Some(link) = self.link(world, group, at, row, draw) else {
            return self.without(at, must_be_null, must_be_there);
        };
        let chooser = &self.choosers[at][link];
        let is_spared =
            !must_be_there && self.digits[at].is_none() && (chooser.is_root(row) || draw.chance(chooser.nulls()));
        if must_be_null || is_spared {
            return self.without(at, true, must_be_there);
        }
        let fits = |cells: &[Option<Value>], column: usize, value: &Value| {
            cells[column].as_ref().is_none_or(|own| own == value)
                && way.alternative.restrictions.get(&column).is_none_or(|own| relate::allows(own, value))
        };
        let Some(parent) = self.parent(world, at, link, row, attempt, draw, &fits) else {
            return self.without(at, false, must_be_there);
        };
        let one = &group.links[link];
        if let (Some(column), Some(value)) = (group.type_column, &one.value) {
            self.cells[column] = Some(value.clone());
        }
        for (place, &column) in group.columns.iter().enumerate() {
            if let Some(value) = self.value(world, one, place, parent) {
                let own = &self.plan.table.columns[column];
                self.cells[column] = Some(relate::retyped(own, value));
            }
        }
        self.chosen[at] = Some((link, parent));
        Ok(())
    }

    fn value<'v>(&self, world: &'v World<'_>, link: &Link, place: usize, parent: Parent) -> Option<&'v Value>
    where
        'r: 'v,
    {
        match parent {
            Parent::Made(row) => {
                let columns = &world.tables[link.parent?].columns;
                columns[link.parent_columns[place]].get(row as usize)
            }
            Parent::Outside(row) => self
                .run
                .outside
                .get(&self.run.references[link.reference].parent)?
                .value(row, &self.run.references[link.reference].parent_columns[place]),
            Parent::Itself => None,
        }
    }

    /// Which reference of a group counts in this row.
    fn link(&self, world: &World<'_>, group: &Group, at: usize, row: u64, draw: &mut Draw) -> Option<usize> {
        let room = |link: &Link| self.room(world, link, row);
        let named = group.type_column.and_then(|column| self.cells[column].as_ref());
        if let Some(named) = named {
            return group.links.iter().position(|link| link.value.as_ref() == Some(named) && room(link) > 0);
        }
        if let Some(mut digit) = self.digits[at] {
            for (link, one) in group.links.iter().enumerate() {
                if digit < room(one) {
                    return Some(link);
                }
                digit -= room(one);
            }
        }
        let there: Vec<usize> = (0..group.links.len()).filter(|&link| room(&group.links[link]) > 0).collect();
        (!there.is_empty()).then(|| *draw.pick(&there))
    }

    /// How many parents a reference has to choose from now.
    fn room(&self, world: &World<'_>, link: &Link, row: u64) -> u64 {
        let Some(parent) = link.parent else { return 0 };
        if parent == self.at {
            // A row can always reference itself.
            return row.max(1);
        }
        let Plan { table, filled, .. } = &self.shape.tables[parent];
        if *filled { world.tables[parent].rows as u64 } else { self.run.outside_rows(&table.name) }
    }

    /// A parent that fits the cells that are there and the way's restrictions.
    #[expect(clippy::too_many_arguments, reason = "a row's whole situation decides")]
    fn parent(
        &mut self,
        world: &World<'_>,
        at: usize,
        link: usize,
        row: u64,
        attempt: u64,
        draw: &mut Draw,
        fits: &Fits<'_>,
    ) -> Option<Parent> {
        let group = &self.plan.groups[at];
        let one = &group.links[link];
        let room = self.room(world, one, row);
        let is_own = one.parent == Some(self.at);
        if is_own && row == 0 {
            return group.optional.is_empty().then_some(Parent::Itself);
        }
        let is_made = one.parent.is_some_and(|parent| self.shape.tables[parent].filled);
        let of = |number: u64| match (is_made, usize::try_from(number)) {
            (true, _) => Parent::Made(u32::try_from(number).unwrap_or(u32::MAX)),
            (false, number) => Parent::Outside(number.unwrap_or(usize::MAX)),
        };
        let is_good = |maker: &Self, parent: Parent| {
            group.columns.iter().enumerate().all(|(place, &column)| {
                let value = maker.value(world, one, place, parent);
                value.is_some_and(|value| {
                    !value.is_null()
                        && fits(&maker.cells, column, &relate::retyped(&maker.plan.table.columns[column], value))
                })
            })
        };
        if let Some(mut digit) = self.digits[at] {
            for before in &group.links[..link] {
                digit = digit.saturating_sub(self.room(world, before, row));
            }
            let parent = of(digit.min(room - 1));
            return is_good(self, parent).then_some(parent);
        }
        for try_ in 0..12 {
            let parent = of(self.choosers[at][link].pick(row, attempt + try_, room, draw));
            if is_good(self, parent) {
                return Some(parent);
            }
        }
        // Few fit: they are looked up by the cells that are there, or all are gone through.
        let shared: Vec<usize> =
            (0..group.columns.len()).filter(|&place| self.cells[group.columns[place]].is_some()).collect();
        let table = one.parent.filter(|_| is_made && !is_own && !shared.is_empty());
        let some: Vec<u64> = match table {
            Some(table) => {
                let own: Vec<&Value> =
                    shared.iter().filter_map(|&place| self.cells[group.columns[place]].as_ref()).collect();
                let places: Vec<usize> = shared.iter().map(|&place| one.parent_columns[place]).collect();
                self.lookups
                    .find(self.run.catalogue, world, table, &places, &own)
                    .iter()
                    .map(|&row| u64::from(row))
                    .collect()
            }
            None => (0..room.min(5_000)).collect(),
        };
        let start = draw.below(some.len() as u64);
        let turned = some.iter().cycle().skip(usize::try_from(start).unwrap_or(0)).take(some.len().min(5_000));
        turned.map(|&number| of(number)).find(|&parent| is_good(self, parent))
    }

    /// The row references nothing here.
    fn without(&mut self, at: usize, is_null: bool, must_be_there: bool) -> std::result::Result<(), Fault> {
        let group = &self.plan.groups[at];
        if must_be_there {
            return Err(Fault::Parent(at));
        }
        let free: Vec<usize> = group.optional.iter().copied().filter(|&column| self.cells[column].is_none()).collect();
        let has_null = group.columns.iter().any(|&column| self.cells[column].as_ref().is_some_and(Value::is_null));
        if free.is_empty() && !has_null && !is_null {
            return Err(Fault::Parent(at));
        }
        for column in free {
            self.cells[column] = Some(Value::Null);
        }
        Ok(())
    }

    /// References of a row to itself take over what it got for a key.
    pub(super) fn reference_itself(&mut self) {
        for (at, group) in self.plan.groups.iter().enumerate() {
            if let Some((link, Parent::Itself)) = self.chosen[at] {
                for (&column, &own) in group.columns.iter().zip(&group.links[link].parent_columns) {
                    self.cells[column] = self.cells[own].clone();
                }
            }
        }
    }

    /// Whom the row is about, and who has to do with it.
    pub(super) fn subject(&mut self, world: &World<'_>, row: u64) {
        self.people.clear();
        let mut of_alone = None;
        for (at, group) in self.plan.groups.iter().enumerate() {
            let Some((link, Parent::Made(parent))) = self.chosen[at] else { continue };
            let Some(table) = group.links[link].parent else { continue };
            let Some(&subject) = world.tables[table].subjects.get(parent as usize) else { continue };
            if group.alone {
                of_alone = of_alone.or(Some(subject));
            }
            let is_somebody = is_about_somebody(self.run.guesses.about(table), self.shape.tables[table].table);
            if is_somebody && !self.people.contains(&subject) {
                self.people.push(subject);
            }
        }
        let own = Subject(self.own.again(row, u64::MAX).bits());
        self.subject = match of_alone {
            Some(subject) => subject,
            None if self.is_about_people => own,
            None => self.people.first().copied().unwrap_or(own),
        };
        if !self.people.contains(&self.subject) {
            self.people.insert(0, self.subject);
        }
    }
}
