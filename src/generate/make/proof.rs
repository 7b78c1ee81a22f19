//! The last word: every row is held against everything that the server will hold it against. What fails is a refusal by name,
//! never a bad snapshot.

use super::Run;
use super::columns::{Columns, Source};
use super::relate;
use super::shape::{Link, Plan, Shape};
use super::stand_in::Truth;
use crate::error::{Error, Result};
use crate::generate::value::Value;
use crate::generate::world::World;
use std::collections::HashSet;

pub(super) fn proof(run: &Run<'_>, shape: &Shape<'_>, columns: &[Option<Columns>], world: &World<'_>) -> Result<()> {
    for (at, plan) in shape.tables.iter().enumerate() {
        let Some(columns) = &columns[at] else { continue };
        not_null(plan, columns, at, world)?;
        checks(plan, columns, at, world)?;
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

fn checks(plan: &Plan<'_>, columns: &Columns, at: usize, world: &World<'_>) -> Result<()> {
    if columns.checks.is_empty() {
        return Ok(());
    }
    for row in 0..world.tables[at].rows {
        let cells: Vec<Option<Value>> =
            world.tables[at].columns.iter().map(|column| column.get(row).cloned()).collect();
        for check in &columns.checks {
            let holds = check.predicate.as_ref().map_or(Truth::Cannot, |predicate| predicate.holds(&cells));
            if holds == Truth::False {
                return Err(refused(plan, row, &format!("CHECK {}", check.name)));
            }
        }
    }
    Ok(())
}

fn keys(run: &Run<'_>, plan: &Plan<'_>, at: usize, world: &World<'_>) -> Result<()> {
    let mut scratch = Vec::new();
    for key in &plan.keys {
        let mut seen = HashSet::with_capacity(world.tables[at].rows);
        for row in 0..world.tables[at].rows {
            let cell = |column: usize| world.tables[at].columns[column].get(row).cloned();
            let hash = match key.opaque {
                true => Some(0),
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
