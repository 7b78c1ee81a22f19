//! The last word: every row is held against everything that the server will hold it against. What fails is a refusal by name,
//! never a bad snapshot.

use super::columns::{Columns, Source};
use super::relate;
use super::shape::{Link, Plan, Shape};
use super::{Ask, Run};
use crate::error::{Error, Result};
use crate::generate::check::{Check, Truth};
use crate::generate::value::Value;
use crate::generate::world::World;
use std::collections::HashSet;

pub(super) fn proof(
    run: &Run<'_>,
    shape: &Shape<'_>,
    columns: &[Option<Columns>],
    world: &World<'_>,
    mut ask: Option<&mut Ask<'_>>,
) -> Result<()> {
    for (at, plan) in shape.tables.iter().enumerate() {
        let Some(columns) = &columns[at] else { continue };
        not_null(plan, columns, at, world)?;
        checks(plan, columns, at, world, &mut ask)?;
        keys(run, plan, at, world)?;
        for group in &plan.groups {
            for link in &group.links {
                references(run, plan, at, &group.columns, link, world)?;
            }
        }
    }
    Ok(())
}

fn refused(plan: &Plan<'_>, row: usize, what: &str) -> Error {
    Error::policy(format!("table {}: made-up row number {} breaks {what}", plan.table.name, row + 1))
        .hint("Say in the profile what its columns hold, or leave the table out: --rows TABLE=0.")
}

fn not_null(plan: &Plan<'_>, columns: &Columns, at: usize, world: &World<'_>) -> Result<()> {
    for (column, own) in plan.table.columns.iter().enumerate() {
        if columns.sources[column] == Source::Engine || !plan.is_required(column) {
            continue;
        }
        if let Some(row) = world.tables[at].columns[column].iter().position(Value::is_null) {
            return Err(refused(plan, row, &format!("NOT NULL of {}", own.name.escape_debug())));
        }
    }
    Ok(())
}

fn checks(
    plan: &Plan<'_>,
    columns: &Columns,
    at: usize,
    world: &World<'_>,
    ask: &mut Option<&mut Ask<'_>>,
) -> Result<()> {
    for check in &columns.checks {
        let mut doubtful = Vec::new();
        for row in 0..world.tables[at].rows {
            let cells = super::row(world, at, row);
            match check.predicate.as_ref().map_or(Truth::Cannot, |predicate| predicate.holds(&cells)) {
                Truth::False => return Err(refused(plan, row, &format!("CHECK {}", check.name))),
                Truth::Cannot => doubtful.push((row, cells)),
                Truth::True | Truth::Unknown => {}
            }
        }
        let (rows, cells): (Vec<usize>, Vec<_>) = doubtful.into_iter().unzip();
        let Some(&first) = rows.first() else { continue };
        let answers = match ask {
            Some(ask) => ask(plan.table, &[check], &cells)?.into_iter().flatten().collect(),
            None => vec![Truth::Cannot; rows.len()],
        };
        match rows.iter().zip(&answers).find(|(_, truth)| !truth.passes()) {
            Some((&row, Truth::False)) => return Err(refused(plan, row, &format!("CHECK {}", check.name))),
            Some(_) => return Err(unknown(plan, check)),
            None if answers.is_empty() => return Err(refused(plan, first, &format!("CHECK {}", check.name))),
            None => {}
        }
    }
    Ok(())
}

fn unknown(plan: &Plan<'_>, check: &Check) -> Error {
    let why = match &check.predicate {
        Err(why) => why.as_str(),
        Ok(_) => "the engine may see it in another way",
    };
    Error::policy(format!(
        "table {}: nobody can tell whether rows satisfy CHECK {}: {why}",
        plan.table.name, check.name
    ))
    .hint("With --schema the database itself is asked. Else leave the table out: --rows TABLE=0.")
}

fn keys(run: &Run<'_>, plan: &Plan<'_>, at: usize, world: &World<'_>) -> Result<()> {
    let mut scratch = Vec::new();
    for key in &plan.keys {
        let mut seen = HashSet::with_capacity(world.tables[at].rows);
        for row in 0..world.tables[at].rows {
            let cell = |column: usize| world.tables[at].columns[column].get(row);
            let hash = match key.opaque {
                true => Some(0),
                false if key.is_partial() && !key.is_about(&super::row(world, at, row)) => None,
                false => key.hash(run.catalogue.engine, &plan.table.columns, cell, &mut scratch),
            };
            if hash.is_some_and(|hash| !seen.insert(hash)) {
                return Err(refused(plan, row, &key.name));
            }
        }
    }
    Ok(())
}

fn references(
    run: &Run<'_>,
    plan: &Plan<'_>,
    at: usize,
    columns: &[usize],
    link: &Link,
    world: &World<'_>,
) -> Result<()> {
    let reference = &run.references[link.reference];
    let outside = run.outside.get(&reference.parent);
    for row in 0..world.tables[at].rows {
        let own: Vec<&Value> = columns.iter().map(|&column| world.cell(at, column, row)).collect();
        // Polymorphic references speak of rows of their type only, and nobody but the profile asks for them.
        if own.iter().any(|value| value.is_null()) || link.value.is_some() {
            continue;
        }
        let holds = match (world.parents[link.reference].get(row).copied().flatten(), link.parent) {
            (Some(parent), Some(table)) => {
                link.parent_columns.iter().zip(columns).zip(&own).all(|((&theirs, &column), own)| {
                    relate::retyped(&plan.table.columns[column], world.cell(table, theirs, parent as usize)) == **own
                })
            }
            _ => outside.is_some_and(|outside| outside.has(&reference.parent_columns, &own)),
        };
        if !holds {
            return Err(refused(plan, row, &reference.name));
        }
    }
    Ok(())
}
