//! How many rows each table gets, and why.

use super::columns::{Columns, Source};
use super::keys::Key;
use super::parents::part;
use super::shape::{Group, Plan, Shape};
use super::{Run, Size};
use crate::classify::About;
use crate::generate::profile::Count;

/// Every ordinary table gets so many, where it can.
const LEAST: u64 = 3;

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// How many.
    pub rows: u64,
    /// Why, for people.
    pub why: String,
}

/// Rows of every table, by index.
pub(super) fn counts(run: &Run<'_>, shape: &Shape<'_>, columns: &[Option<Columns>]) -> Vec<Planned> {
    let mut planned = wanted(run, shape);
    // What a table can hold follows from its parents, and on a cycle theirs from it.
    for _ in 0..=shape.tables.len().min(8) {
        let mut changed = false;
        for &at in &shape.order {
            let Some(columns) = &columns[at] else { continue };
            let (most, why) = most(shape, &shape.tables[at], columns, &planned, run);
            if planned[at].rows > most {
                planned[at] = Planned { rows: most, why };
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    planned
}

fn wanted(run: &Run<'_>, shape: &Shape<'_>) -> Vec<Planned> {
    let weights = weights(run, shape);
    let sum: f64 = weights.iter().sum();
    let total = part(rows_of(run.size), run.bound.factor());
    let mut planned = vec![Planned::default(); shape.tables.len()];
    for &at in &shape.order {
        let plan = &shape.tables[at];
        if !plan.filled {
            continue;
        }
        let name = &plan.table.name;
        if let Some(&rows) = run.rows.get(name) {
            planned[at] = Planned { rows, why: "asked for".to_owned() };
            continue;
        }
        let by_size = part(total, if sum > 0.0 { weights[at] / sum } else { 0.0 }).max(LEAST);
        planned[at] = match run.bound.rows(name) {
            Some(Count::Exactly(rows)) => Planned { rows, why: "the profile says so".to_owned() },
            Some(Count::PerParent { reference, mean, .. }) => {
                let mut links = plan.groups.iter().flat_map(|group| &group.links);
                let parent =
                    links.find(|link| run.references[link.reference] == *reference).and_then(|link| link.parent);
                let parents = parent.map_or(0, |parent| planned[parent].rows);
                Planned {
                    rows: part(parents, mean),
                    why: format!("{mean} for each of {parents} parents, as the profile says"),
                }
            }
            None => Planned { rows: by_size, why: format!("size {}", word_of(run.size)) },
        };
    }
    planned
}

/// How large a table is beside others: look-up tables are small, and whatever belongs to something is larger than it.
fn weights(run: &Run<'_>, shape: &Shape<'_>) -> Vec<f64> {
    let mut weights = vec![0.0; shape.tables.len()];
    let mut depth = vec![0_i32; shape.tables.len()];
    for &at in &shape.order {
        let plan = &shape.tables[at];
        if !plan.filled {
            continue;
        }
        let parents = plan.groups.iter().filter(|group| !group.late && !group.links.is_empty());
        let above = parents.filter(|group| group.optional.is_empty()).flat_map(|group| &group.links);
        let above = above.filter_map(|link| link.parent).filter(|&parent| parent != at);
        depth[at] = above.map(|parent| depth[parent] + 1).max().unwrap_or(0).min(4);
        let is_lookup =
            plan.groups.is_empty() && (run.guesses.about(at) == Some(About::Lookup) || plan.table.columns.len() <= 4);
        weights[at] = if is_lookup { 0.4 } else { 1.8_f64.powi(depth[at]) };
    }
    weights
}

/// The most rows that the keys of a table allow, and which one says so.
fn most(shape: &Shape<'_>, plan: &Plan<'_>, columns: &Columns, planned: &[Planned], run: &Run<'_>) -> (u64, String) {
    let mut most = (u64::MAX, String::new());
    for group in &plan.groups {
        if group.optional.is_empty() && parents(group, planned, run, shape) == 0 && !leads_home(group, shape, plan) {
            let names: Vec<String> =
                group.links.iter().map(|link| run.references[link.reference].to_string()).collect();
            return (0, format!("there is no parent to reference: {}", names.join(", ")));
        }
    }
    for key in &plan.keys {
        let room = room(shape, plan, columns, key, planned, run);
        if room < most.0 {
            most = (room, format!("{} has room for no more", key.name));
        }
    }
    most
}

fn leads_home(group: &Group, shape: &Shape<'_>, plan: &Plan<'_>) -> bool {
    group.links.iter().any(|link| link.parent.is_some_and(|parent| shape.tables[parent].table.name == plan.table.name))
}

/// Rows that a group may reference.
pub(super) fn parents(group: &Group, planned: &[Planned], run: &Run<'_>, shape: &Shape<'_>) -> u64 {
    let of = |parent: usize| {
        let Plan { table, filled, .. } = &shape.tables[parent];
        if *filled { planned[parent].rows } else { run.outside_rows(&table.name) }
    };
    group.links.iter().filter_map(|link| link.parent).map(of).sum()
}

/// A part of a key: a reference, or a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Group(usize),
    Column(usize),
}

/// The parts of a key; none where a row may be left out by NULL.
pub(super) fn parts(plan: &Plan<'_>, key: &Key) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for &column in &key.columns {
        if !plan.is_required(column) {
            return None;
        }
        let overlap =
            |at: &usize| plan.groups[*at].columns.iter().filter(|column| key.columns.contains(column)).count();
        let groups = (0..plan.groups.len()).filter(|&at| plan.groups[at].columns.contains(&column));
        let part = groups.max_by_key(overlap).map_or(Part::Column(column), Part::Group);
        let is_type = |part: &Part| match part {
            Part::Group(at) => plan.groups[*at].type_column == Some(column),
            Part::Column(_) => false,
        };
        if !parts.contains(&part) && !parts.iter().any(is_type) {
            parts.push(part);
        }
    }
    // The type of a polymorphic reference is chosen with it.
    let types: Vec<usize> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Group(at) => plan.groups[*at].type_column,
            Part::Column(_) => None,
        })
        .collect();
    parts.retain(|part| !matches!(part, Part::Column(column) if types.contains(column)));
    Some(parts)
}

/// How many different values a key has room for.
pub(super) fn room(
    shape: &Shape<'_>,
    plan: &Plan<'_>,
    columns: &Columns,
    key: &Key,
    planned: &[Planned],
    run: &Run<'_>,
) -> u64 {
    if key.opaque {
        return 1;
    }
    // A condition leaves rows out, and nobody knows how many.
    if key.is_partial() {
        return u64::MAX;
    }
    let Some(parts) = parts(plan, key) else { return u64::MAX };
    parts.into_iter().map(|part| room_of(shape, plan, columns, part, planned, run)).fold(1, u64::saturating_mul)
}

/// How many different values a part of a key has room for.
pub(super) fn room_of(
    shape: &Shape<'_>,
    plan: &Plan<'_>,
    columns: &Columns,
    part: Part,
    planned: &[Planned],
    run: &Run<'_>,
) -> u64 {
    match part {
        Part::Group(at) if leads_home(&plan.groups[at], shape, plan) => u64::MAX,
        Part::Group(at) => parents(&plan.groups[at], planned, run, shape),
        Part::Column(column) if matches!(columns.sources[column], Source::Numbered(_)) => u64::MAX,
        Part::Column(column) => columns
            .ways
            .iter()
            .map(|way| way.fields[column].as_ref().map_or(1, |field| field.capacity()))
            // A field that promises nothing is drawn, and drawn again.
            .map(|capacity| if capacity == 0 { u64::MAX } else { capacity })
            .fold(0, u64::saturating_add),
    }
}

/// About how many rows in all.
fn rows_of(size: Size) -> u64 {
    match size {
        Size::Small => 1_000,
        Size::Medium => 10_000,
        Size::Large => 100_000,
    }
}

fn word_of(size: Size) -> &'static str {
    match size {
        Size::Small => "small",
        Size::Medium => "medium",
        Size::Large => "large",
    }
}
