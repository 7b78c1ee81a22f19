//! What holds between rows and columns: sums, states, order, balance. [`Settler::settle`] brings it about after the rows were
//! made, in the order in which columns depend on one another; [`Settler::verify`] looks at the result by keys and cells alone.
//! One file for each kind.

mod allocation;
mod balance;
mod derived;
pub mod expression;
pub mod function;
mod groups;
mod looked_at;
mod numbering;
mod order;
pub mod rule;
mod scope;
mod states;
mod stock;
mod unique;
mod view;

pub use scope::{Link, Scope, Site};
pub(in crate::generate) use states::Weights;
pub use view::View;

use crate::error::{Error, Result};
use crate::generate::draw::{Place, Seed};
use crate::generate::profile::fit;
use crate::generate::value::Value;
use crate::generate::world::World;
use crate::model::schema::TableName;
use rule::InvariantRule;
use std::fmt;

/// What one kind of invariant does.
trait Sentence: Send + Sync + fmt::Debug {
    /// The columns that it looks at.
    fn reads(&self) -> Vec<Site>;

    /// The columns that it sets.
    fn writes(&self) -> Vec<Site>;

    /// Brings it about.
    fn settle(&self, work: &mut Work<'_, '_>);

    /// How many rows or groups it speaks of, and in how many it does not hold.
    fn verify(&self, view: &View<'_>) -> (u64, u64);
}

/// An invariant that was found in a schema.
#[derive(Debug)]
pub struct Invariant {
    /// What reports call it.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// The table it speaks of, by index.
    pub table: usize,
    /// Whether rows are refused where it does not hold.
    pub required: bool,
    sentence: Box<dyn Sentence>,
}

/// How an invariant holds in the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What reports call it.
    pub invariant: String,
    /// Its kind.
    pub kind: &'static str,
    /// The table it speaks of.
    pub table: TableName,
    /// Whether the profile wants rows to be refused where it does not hold.
    pub required: bool,
    /// Rows or groups that were looked at.
    pub rows: u64,
    /// Those in which it does not hold.
    pub failed: u64,
}

/// Rows that are being settled.
struct Work<'w, 'a> {
    world: &'w mut World<'a>,
    links: &'w [Link],
    now: i64,
    seed: &'w Seed,
}

impl Work<'_, '_> {
    fn view(&self) -> View<'_> {
        View::made(self.world, self.links, self.now)
    }

    /// Randomness of an invariant.
    fn place(&self, table: usize, what: &str) -> Place {
        self.seed.place(&self.world.catalogue.tables[table].name, what)
    }

    /// Sets a cell, where the column can hold the value.
    fn set(&mut self, (table, column): Site, row: usize, value: &Value) {
        let Some(value) = fit::cell(&self.world.catalogue.tables[table].columns[column], value) else { return };
        let cells = self.world.tables.get_mut(table).and_then(|made| made.columns.get_mut(column));
        if let Some(cell) = cells.and_then(|cells| cells.get_mut(row)) {
            *cell = value;
        }
    }

    fn set_all(&mut self, values: Vec<(Site, usize, Value)>) {
        for (site, row, value) in values {
            self.set(site, row, &value);
        }
    }

    /// Copies what a row references, and the cells of it, from another row of the table.
    fn reference_as(&mut self, table: usize, columns: &[usize], row: usize, other: usize) {
        for &column in columns {
            let value = self.world.cell(table, column, other).clone();
            self.set((table, column), row, &value);
        }
        let own = &self.world.catalogue.tables[table];
        for (reference, parents) in self.world.references.iter().zip(&mut self.world.parents) {
            let among = |name: &String| own.column_index(name).is_some_and(|column| columns.contains(&column));
            if reference.child == own.name && reference.columns.iter().any(among) && row.max(other) < parents.len() {
                parents[row] = parents[other];
            }
        }
    }

    /// Lets a row reference another one.
    fn reference(&mut self, link: usize, row: usize, parent: usize) {
        let at = view::place(self.world, self.links, link);
        let link = &self.links[link];
        for (column, key) in link.columns.iter().zip(&link.parent_columns) {
            let value = self.world.cell(link.parent, *key, parent).clone();
            self.set((link.child, *column), row, &value);
        }
        let parents = at.and_then(|at| self.world.parents.get_mut(at));
        if let Some(place) = parents.and_then(|parents| parents.get_mut(row)) {
            *place = u32::try_from(parent).ok();
        }
    }

    /// Finds out anew whom rows reference after a referencing column was set.
    fn relink(&mut self, table: usize, columns: &[usize]) {
        for (at, link) in self.links.iter().enumerate() {
            if link.child != table || !link.columns.iter().any(|column| columns.contains(column)) {
                continue;
            }
            let found = View::by_cells(self.world, self.links, self.now).parents(at).to_vec();
            let known = view::place(self.world, self.links, at);
            if let Some(parents) = known.and_then(|known| self.world.parents.get_mut(known)) {
                *parents = found;
            }
        }
    }

    /// Lets a row reference nothing by a column that becomes NULL.
    fn unreference(&mut self, (table, column): Site, row: usize) {
        let own = &self.world.catalogue.tables[table];
        for (reference, parents) in self.world.references.iter().zip(&mut self.world.parents) {
            if reference.child == own.name && reference.columns.contains(&own.columns[column].name) {
                parents.get_mut(row).into_iter().for_each(|parent| *parent = None);
            }
        }
    }

    /// Lets referencing cells follow keys that were set.
    fn follow(&mut self) {
        for _ in 0..8 {
            let mut changes = Vec::new();
            let view = self.view();
            for (at, link) in self.links.iter().enumerate() {
                for (child, parent) in
                    view.parents(at).iter().enumerate().filter_map(|(row, parent)| Some((row, (*parent)?)))
                {
                    for (column, key) in link.columns.iter().zip(&link.parent_columns) {
                        let value = view.cell(link.parent, *key, parent as usize);
                        let own = view.cell(link.child, *column, child);
                        if !value.is_null() && own != value && function::text(own) != function::text(value) {
                            changes.push(((link.child, *column), child, value.clone()));
                        }
                    }
                }
            }
            if changes.is_empty() {
                break;
            }
            self.set_all(changes);
        }
    }
}

/// The invariants of a schema in the order in which they are settled.
#[derive(Debug, Default)]
pub struct Settler {
    invariants: Vec<Invariant>,
}

/// Finds an invariant in a schema.
///
/// # Errors
/// What the schema does not have, as a fragment.
pub fn bind(rule: &InvariantRule, scope: &Scope<'_>) -> std::result::Result<Invariant, String> {
    let table = scope.lookup.table(rule.text("table").unwrap_or_default())?;
    let sentence: Box<dyn Sentence> = match rule.kind.name {
        "derived" => Box::new(derived::bind(rule, scope, table)?),
        "order" => Box::new(order::bind(rule, scope, table)?),
        "numbering" => Box::new(numbering::bind(rule, scope, table)?),
        "states" => Box::new(states::bind(rule, scope, table)?),
        "balance" => Box::new(balance::bind(rule, scope, table)?),
        "stock" => Box::new(stock::bind(rule, scope, table)?),
        "allocation" => Box::new(allocation::bind(rule, scope, table)?),
        "check" => Box::new(looked_at::check(rule, scope, table)?),
        _ => Box::new(looked_at::share(rule, scope, table)?),
    };
    Ok(Invariant { name: rule.name.clone(), kind: rule.kind.name, table, required: rule.required, sentence })
}

/// A column that is filled from a template over referenced rows.
pub(in crate::generate) fn late(
    scope: &Scope<'_>,
    table: usize,
    column: usize,
    written: &expression::Written,
) -> std::result::Result<Invariant, String> {
    let name = format!("template {}", scope.lookup.catalogue.tables[table].columns[column].name);
    let sentence = Box::new(derived::of(scope, table, column, written)?);
    Ok(Invariant { name, kind: "derived", table, required: false, sentence })
}

/// The state weights of an invariant of that kind, with the columns that need a value at first.
pub(in crate::generate) fn weights(rule: &InvariantRule, scope: &Scope<'_>) -> Option<Weights> {
    if rule.kind.name != "states" {
        return None;
    }
    let table = scope.lookup.table(rule.text("table")?).ok()?;
    states::bind(rule, scope, table).ok().map(|states| states.weights())
}

impl Settler {
    /// Puts invariants in order.
    ///
    /// # Errors
    /// Kind `Policy` where they wait for one another, by name.
    pub fn new(invariants: Vec<Invariant>) -> Result<Self> {
        let mut left = invariants;
        let mut ordered: Vec<Invariant> = Vec::new();
        while !left.is_empty() {
            // One that looks at nothing that another one, still to come, sets.
            let waits = |at: &usize| {
                let reads = left[*at].sentence.reads();
                let mut others = left.iter().enumerate().filter(|(other, _)| other != at);
                others.any(|(_, other)| other.sentence.writes().iter().any(|site| reads.contains(site)))
            };
            let Some(next) = (0..left.len()).find(|at| !waits(at)) else {
                let names: Vec<String> =
                    left.iter().map(|invariant| format!("'{}'", invariant.name.escape_debug())).collect();
                let what = format!("the invariants {} wait for one another", names.join(", "));
                return Err(Error::policy(what)
                    .hint("Each sets a column that the other one looks at: take one of them out, or let it look at another column."));
            };
            ordered.push(left.remove(next));
        }
        Ok(Self { invariants: ordered })
    }

    /// The columns that are set after rows were made.
    #[must_use]
    pub fn sites(&self) -> Vec<Site> {
        let mut sites: Vec<Site> = self.invariants.iter().flat_map(|invariant| invariant.sentence.writes()).collect();
        sites.sort_unstable();
        sites.dedup();
        sites
    }

    /// The columns that are looked at.
    #[must_use]
    pub fn looks_at(&self) -> Vec<Site> {
        self.invariants.iter().flat_map(|invariant| invariant.sentence.reads()).collect()
    }

    /// Brings all of them about.
    pub fn settle(&self, world: &mut World<'_>, links: &[Link], now: i64, seed: &Seed) {
        if self.invariants.is_empty() {
            return;
        }
        let unique = unique::Kept::of(world, &self.sites());
        let mut work = Work { world, links, now, seed };
        for invariant in &self.invariants {
            invariant.sentence.settle(&mut work);
        }
        work.follow();
        unique.put_back(&mut work);
    }

    /// How they hold.
    #[must_use]
    pub fn verify(&self, world: &World<'_>, links: &[Link], now: i64) -> Vec<Verified> {
        let view = View::by_cells(world, links, now);
        let of = |invariant: &Invariant| {
            let (rows, failed) = invariant.sentence.verify(&view);
            Verified {
                invariant: invariant.name.clone(),
                kind: invariant.kind,
                table: world.catalogue.tables[invariant.table].name.clone(),
                required: invariant.required,
                rows,
                failed,
            }
        };
        self.invariants.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests;
