//! How the cells of each column of a table come to be, for each way to satisfy its CHECKs.

use super::shape::{Plan, Shape};
use super::{Run, partitions};
use crate::error::{Error, Result};
use crate::generate::check::{self, Alternative, Check, Derived};
use crate::generate::field::{Field, Sometimes, Spec, enum_labels, field};
use crate::generate::restriction::{Op, Restriction};
use crate::generate::value::Value;
use crate::model::schema::{Column, Family};
use std::collections::BTreeMap;
use std::sync::Arc;

/// At most so many ways to satisfy the CHECKs of a table.
const ALTERNATIVES: usize = 64;

/// The columns of a table.
pub(super) struct Columns {
    /// Its CHECKs, and those of its domains.
    pub(super) checks: Vec<Check>,
    /// Ways to satisfy them all.
    pub(super) ways: Vec<Way>,
    /// Where each column's cells come from.
    pub(super) sources: Vec<Source>,
    /// What cannot be made here and stays NULL, for people.
    pub(super) notes: Vec<String>,
}

/// Where cells come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The engine computes them.
    Engine,
    /// A field draws them.
    Drawn,
    /// A field makes another one for each row: the column alone is unique.
    Distinct,
    /// They count the rows with the same other values of this key.
    Numbered(usize),
}

/// One way to satisfy the CHECKs.
pub(super) struct Way {
    /// What it leaves.
    pub(super) alternative: Alternative,
    /// What makes the cells; none where the engine does, or where no field can.
    pub(super) fields: Vec<Option<Arc<dyn Field>>>,
    /// The order in which they are made.
    pub(super) order: Vec<usize>,
}

impl Columns {
    pub(super) fn of(run: &Run<'_>, shape: &Shape<'_>, at: usize) -> Result<Self> {
        let plan = &shape.tables[at];
        let now = run.bound.now();
        let mut checks = check::of_table_at(run.catalogue, plan.table, now);
        checks.extend(partitions::condition(run.catalogue, plan.table, now));
        let alternatives = check::solve(plan.table, &checks, ALTERNATIVES);
        if alternatives.is_empty() {
            return Err(contradiction(plan, &checks));
        }
        let sources = sources(plan, &alternatives);
        let mut columns = Self { checks, ways: Vec::new(), sources, notes: Vec::new() };
        let base = columns.fields(run, plan, at, &BTreeMap::new(), None)?;
        for alternative in alternatives {
            let fields = columns.fields(run, plan, at, &alternative.restrictions, Some(&base));
            match fields {
                Ok(fields) => {
                    let order = order(&fields, &alternative);
                    columns.ways.push(Way { alternative, fields, order });
                }
                // Another way may do.
                Err(_) if !columns.ways.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        columns.tell_of_nulls(plan);
        Ok(columns)
    }

    /// Says which columns only NULL satisfies, so that nobody has to wonder.
    fn tell_of_nulls(&mut self, plan: &Plan<'_>) {
        for (at, own) in plan.table.columns.iter().enumerate() {
            let is_null = |way: &Way| way.alternative.restrictions.get(&at).is_some_and(|it| it.null == Some(true));
            if self.sources[at] != Source::Engine && self.ways.iter().all(is_null) {
                let name = format!("{}.{}", plan.table.name, own.name.escape_debug());
                self.notes.push(format!("{name} stays NULL: its CHECKs leave no other value"));
            }
        }
    }

    fn fields(
        &mut self,
        run: &Run<'_>,
        plan: &Plan<'_>,
        at: usize,
        restrictions: &BTreeMap<usize, Restriction>,
        base: Option<&[Option<Arc<dyn Field>>]>,
    ) -> Result<Vec<Option<Arc<dyn Field>>>> {
        let mut fields = Vec::with_capacity(plan.table.columns.len());
        for column in 0..plan.table.columns.len() {
            let restriction = restrictions.get(&column);
            if let (Some(base), None) = (base, restriction) {
                fields.push(base[column].clone());
                continue;
            }
            fields.push(self.field(run, plan, at, column, restriction.cloned().unwrap_or_default())?);
        }
        Ok(fields)
    }

    fn field(
        &mut self,
        run: &Run<'_>,
        plan: &Plan<'_>,
        at: usize,
        column: usize,
        restriction: Restriction,
    ) -> Result<Option<Arc<dyn Field>>> {
        if self.sources[column] == Source::Engine {
            return Ok(None);
        }
        match made(run, plan, at, column, restriction) {
            Ok(field) => Ok(Some(field)),
            Err(why) => {
                let name = format!("{}.{}", plan.table.name, plan.table.columns[column].name.escape_debug());
                if !plan.is_required(column) {
                    self.notes.push(format!("{name} stays NULL: {why}"));
                    return Ok(None);
                }
                // A parent's key may be all that it takes.
                if plan.groups.iter().any(|group| group.columns.contains(&column)) {
                    return Ok(None);
                }
                Err(Error::policy(format!("{name} cannot be made up: {why}"))
                    .hint("Say in the profile what it holds: values, a template or fixed."))
            }
        }
    }
}

/// A field for what a restriction leaves of a column.
pub(super) fn made(
    run: &Run<'_>,
    plan: &Plan<'_>,
    at: usize,
    column: usize,
    mut restriction: Restriction,
) -> std::result::Result<Arc<dyn Field>, String> {
    if plan.is_required(column) {
        restriction.null = Some(false);
    }
    let own = &plan.table.columns[column];
    // A share of NULL that the profile names takes the place of the field's own.
    let nulls = run.bound.null_share(&plan.table.name, &own.name).filter(|_| restriction.null.is_none());
    if nulls.is_some() {
        restriction.null = Some(false);
    }
    let labels = enum_labels(run.catalogue, own);
    let spec = Spec {
        engine: run.catalogue.engine,
        catalogue: run.catalogue,
        table: plan.table,
        column,
        guess: run.guesses.at(at, column),
        restriction: &restriction,
        labels: &labels,
        now: run.bound.now(),
        edge: run.bound.edge_of(&plan.table.name, &own.name),
    };
    let said = run.bound.field(&plan.table.name, &own.name, &spec);
    let made = said.map_or_else(|| field(&spec), Ok)?;
    Ok(match nulls {
        Some(share) if share > 0.0 => Arc::new(Sometimes { field: made, share }),
        _ => Arc::from(made),
    })
}

fn contradiction(plan: &Plan<'_>, checks: &[Check]) -> Error {
    let names = check::contradicting(plan.table, checks).join(", ");
    Error::policy(format!("no row of table {} can satisfy all of its CHECKs: {names}", plan.table.name))
        .hint("They contradict each other, as far as this program reads them.")
}

/// Words that a column has which counts the rows of its parent.
const COUNTERS: [&str; 14] = [
    "no", "num", "number", "pos", "position", "seq", "sequence", "order", "sort", "line", "ordinal", "rank", "version",
    "revision",
];

fn sources(plan: &Plan<'_>, alternatives: &[Alternative]) -> Vec<Source> {
    let table = plan.table;
    let mut sources: Vec<Source> =
        table.columns.iter().map(|column| if column.generated { Source::Engine } else { Source::Drawn }).collect();
    let referenced = |column: usize| plan.groups.iter().any(|group| group.columns.contains(&column));
    let typed = |column: usize| plan.groups.iter().any(|group| group.type_column == Some(column));
    for (at, key) in plan.keys.iter().enumerate() {
        let free: Vec<usize> =
            key.columns.iter().copied().filter(|&column| !referenced(column) && !typed(column)).collect();
        let &[column] = free.as_slice() else { continue };
        let is_counter = |own: &Column| {
            own.family == Family::Integer && words(&own.name).iter().any(|word| COUNTERS.contains(&word.as_str()))
        };
        let is_open = |way: &Alternative| way.restrictions.get(&column).is_none_or(is_from_a_number_up);
        if sources[column] != Source::Drawn {
            continue;
        }
        if key.columns.len() == 1 && !follows(alternatives, column) {
            sources[column] = Source::Distinct;
        } else if key.columns.len() > 1 && is_counter(&table.columns[column]) && alternatives.iter().all(is_open) {
            sources[column] = Source::Numbered(at);
        }
    }
    sources
}

/// Columns that are set by what others hold: they are drawn again where a value is taken.
fn follows(alternatives: &[Alternative], column: usize) -> bool {
    alternatives.iter().any(|way| {
        let equal = |one: &Derived| one.op == Op::Equal && one.column == column;
        way.derived.iter().any(equal) || way.totals.iter().any(|total| total.columns.contains(&column))
    })
}

fn is_from_a_number_up(restriction: &Restriction) -> bool {
    let plain = Restriction { null: restriction.null, low: restriction.low.clone(), ..Restriction::default() };
    *restriction == plain
}

/// The words of a name such as `lineNo` or `sort_order`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && was_lower {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().unwrap_or(&mut String::new()).extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words
}

/// Columns in the order in which their cells can be made: what a field looks at comes first, and the left of a relation before
/// its right. Who waits for each other comes in the table's order.
fn order(fields: &[Option<Arc<dyn Field>>], alternative: &Alternative) -> Vec<usize> {
    let needs: Vec<Vec<usize>> = (0..fields.len())
        .map(|at| {
            let mut needs = fields[at].as_ref().map(|field| field.needs()).unwrap_or_default();
            needs.extend(alternative.relations.iter().filter(|one| one.right == at).map(|one| one.left));
            needs
        })
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(fields.len());
    let mut open: Vec<usize> = (0..fields.len()).collect();
    while !open.is_empty() {
        let ready = |at: &usize| needs[*at].iter().all(|need| !open.contains(need) || need == at);
        let next = open.iter().position(ready).unwrap_or(0);
        order.push(open.remove(next));
    }
    order
}

/// The first number that a counting column may hold.
pub(super) fn first_number(restriction: Option<&Restriction>) -> i128 {
    let low = restriction.and_then(|restriction| restriction.low.as_ref());
    let number = low.and_then(|low| match &low.value {
        Value::Number(number) => Some((number.rounded(0)?.units, low.inclusive)),
        _ => None,
    });
    number.map_or(1, |(low, inclusive)| (low + i128::from(!inclusive)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("lineNo"), ["line", "no"]);
        assert_eq!(words("sort_order"), ["sort", "order"]);
        assert_eq!(words("SKU"), ["sku"]);
    }
}
