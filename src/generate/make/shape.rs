//! What of a schema matters when its rows are made: who references whom, in which order tables are filled, what is unique.

use super::keys::{self, Key};
use crate::generate::value::{Number, Value};
use crate::model::schema::{Catalogue, Column, Family, Table, TableKind, TableName};
use crate::model::subset::Reference;
use std::collections::{BTreeMap, BTreeSet};

/// A schema.
pub(super) struct Shape<'a> {
    /// By index into the catalogue's tables.
    pub(super) tables: Vec<Plan<'a>>,
    /// Tables in the order in which they are filled, by index.
    pub(super) order: Vec<usize>,
}

/// A table.
pub(super) struct Plan<'a> {
    /// As the catalogue has it.
    pub(super) table: &'a Table,
    /// Whether it gets rows.
    pub(super) filled: bool,
    /// Its references, those that choose between several parents together.
    pub(super) groups: Vec<Group>,
    /// What is unique, the primary key first.
    pub(super) keys: Vec<Key>,
}

/// References of a row of which exactly one is followed: a single one, or a polymorphic one with all of its types.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The referencing columns.
    pub(super) columns: Vec<usize>,
    /// Where it may lead.
    pub(super) links: Vec<Link>,
    /// The column that says which of them counts.
    pub(super) type_column: Option<usize>,
    /// Columns that are NULL in a row that references nothing; empty where every row must.
    pub(super) optional: Vec<usize>,
    /// Whether the parents come later: it is filled when they are there.
    pub(super) late: bool,
    /// Whether each parent has at most one such row.
    pub(super) alone: bool,
}

/// A reference.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// By index into the references.
    pub(super) reference: usize,
    /// The referenced table; none where it is not in the catalogue.
    pub(super) parent: Option<usize>,
    /// The referenced columns.
    pub(super) parent_columns: Vec<usize>,
    /// What the type column says.
    pub(super) value: Option<Value>,
}

impl Plan<'_> {
    /// Whether a column must have a value.
    pub(super) fn is_required(&self, column: usize) -> bool {
        is_required(self.table, column)
    }
}

fn is_required(table: &Table, column: usize) -> bool {
    !table.columns[column].nullable || table.primary_key.contains(&column)
}

impl<'a> Shape<'a> {
    /// Looks at a catalogue and at the references that must hold.
    pub(super) fn of(catalogue: &'a Catalogue, references: &[Reference], left_out: &BTreeSet<TableName>) -> Self {
        let position: BTreeMap<&TableName, usize> =
            catalogue.tables.iter().enumerate().map(|(at, table)| (&table.name, at)).collect();
        let mut tables: Vec<Plan<'a>> = catalogue
            .tables
            .iter()
            .map(|table| Plan {
                table,
                filled: table.kind == TableKind::Ordinary && !left_out.contains(&table.name),
                groups: Vec::new(),
                keys: keys::of_table(catalogue, table),
            })
            .collect();
        for (at, reference) in references.iter().enumerate() {
            let Some(&child) = position.get(&reference.child) else { continue };
            let parent = position.get(&reference.parent).copied();
            if let Some(link) = link(catalogue, at, reference, child, parent) {
                add(&mut tables[child], reference, link);
            }
        }
        for plan in &mut tables {
            // Whoever must be there chooses first, and composite references before parts of them.
            plan.groups.sort_by_key(|group| (!group.optional.is_empty(), std::cmp::Reverse(group.columns.len())));
        }
        let order = order(&mut tables);
        Self { tables, order }
    }
}

fn link(
    catalogue: &Catalogue,
    at: usize,
    reference: &Reference,
    child: usize,
    parent: Option<usize>,
) -> Option<(Vec<usize>, Option<usize>, Link)> {
    let table = &catalogue.tables[child];
    let find = |table: &Table, names: &[String]| -> Option<Vec<usize>> {
        names.iter().map(|name| table.column_index(name)).collect()
    };
    let columns = find(table, &reference.columns)?;
    // The engine computes generated columns, and nothing here can.
    if columns.iter().any(|&column| table.columns[column].generated) {
        return None;
    }
    let parent_columns = match parent {
        Some(parent) => find(&catalogue.tables[parent], &reference.parent_columns)?,
        None => Vec::new(),
    };
    let of_type = match &reference.of_type {
        Some(of) => {
            let column = table.column_index(&of.column)?;
            Some((column, typed(&table.columns[column], &of.value)))
        }
        None => None,
    };
    let (type_column, value) = of_type.unzip();
    Some((columns, type_column, Link { reference: at, parent, parent_columns, value }))
}

/// A type's name as its column holds it.
fn typed(column: &Column, text: &str) -> Value {
    match (column.family, Number::parse(text)) {
        (Family::Integer | Family::Numeric, Some(number)) => Value::Number(number),
        _ => Value::text(text),
    }
}

fn add(plan: &mut Plan<'_>, reference: &Reference, (columns, type_column, link): (Vec<usize>, Option<usize>, Link)) {
    let same = plan.groups.iter_mut().find(|group| group.columns == columns && group.type_column == type_column);
    match same {
        Some(group) if type_column.is_some() => return group.links.push(link),
        // What is declared and said once more.
        Some(group) if reference.undeclared && group.links.iter().any(|own| own.parent == link.parent) => return,
        _ => {}
    }
    let optional = columns.iter().copied().filter(|&column| !is_required(plan.table, column)).collect();
    let alone =
        plan.keys.iter().any(|key| !key.columns.is_empty() && key.columns.iter().all(|at| columns.contains(at)));
    plan.groups.push(Group { columns, links: vec![link], type_column, optional, late: false, alone });
}

/// Parents before children; on a cycle the references that can wait are marked as late.
fn order(tables: &mut [Plan<'_>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(tables.len());
    let mut open: BTreeSet<usize> = (0..tables.len()).collect();
    while !open.is_empty() {
        let before = order.len();
        for at in open.clone() {
            if waiting(&tables[at], at, &open).next().is_none() {
                open.remove(&at);
                order.push(at);
            }
        }
        if order.len() > before {
            continue;
        }
        let cycle = first_cycle(tables, &open);
        let cost = |at: usize| {
            let required = |group: &&Group| group.optional.is_empty();
            (waiting(&tables[at], at, &open).filter(required).count(), waiting(&tables[at], at, &open).count())
        };
        let Some(next) = cycle.into_iter().min_by_key(|&at| cost(at)) else { break };
        for group in &mut tables[next].groups {
            group.late |= leads_to(group, next, &open);
        }
    }
    order
}

fn leads_to(group: &Group, from: usize, open: &BTreeSet<usize>) -> bool {
    !group.late
        && group.links.iter().any(|link| link.parent.is_some_and(|parent| parent != from && open.contains(&parent)))
}

/// The references of a table whose parents are not filled yet.
fn waiting<'t>(plan: &'t Plan<'_>, at: usize, open: &'t BTreeSet<usize>) -> impl Iterator<Item = &'t Group> {
    plan.groups.iter().filter(move |group| leads_to(group, at, open))
}

/// Tables that all wait for each other and for nobody else.
fn first_cycle(tables: &[Plan<'_>], open: &BTreeSet<usize>) -> Vec<usize> {
    let reach = |from: usize| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
        while let Some(at) = todo.pop() {
            for group in waiting(&tables[at], at, open) {
                for parent in group.links.iter().filter_map(|link| link.parent) {
                    if parent != at && open.contains(&parent) && seen.insert(parent) {
                        todo.push(parent);
                    }
                }
            }
        }
        seen
    };
    let reached: BTreeMap<usize, BTreeSet<usize>> = open.iter().map(|&at| (at, reach(at))).collect();
    let closed = |at: &&usize| reached[*at].iter().all(|other| reached[other].contains(*at));
    open.iter().find(closed).map(|at| reached[at].iter().copied().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalogue, table};
    use super::*;
    use crate::model::subset::declared;

    fn shape(tables: Vec<Table>) -> (Vec<String>, Vec<String>) {
        let catalogue = catalogue(tables);
        let shape = Shape::of(&catalogue, &declared(&catalogue), &BTreeSet::new());
        let late = shape.tables.iter().flat_map(|plan| {
            plan.groups
                .iter()
                .filter(|group| group.late)
                .map(|group| format!("{}.{}", plan.table.name, plan.table.columns[group.columns[0]].name))
        });
        (shape.order.iter().map(|&at| catalogue.tables[at].name.name.clone()).collect(), late.collect())
    }

    #[test]
    fn what_can_wait_on_a_cycle_waits() {
        let one = || {
            vec![table("a", "id int, b int -> b"), table("b", "id int, a int? -> a"), table("c", "id int, a int -> a")]
        };
        assert_eq!(shape(one()), (vec!["b".into(), "a".into(), "c".into()], vec!["b.a".into()]));
        let hard = vec![table("a", "id int, b int -> b"), table("b", "id int, a int -> a")];
        assert_eq!(shape(hard), (vec!["a".into(), "b".into()], vec!["a.b".into()]));
        let own = vec![table("a", "id int, up int? -> a"), table("z", "id int, gone int? -> nowhere")];
        assert_eq!(shape(own), (vec!["a".into(), "z".into()], vec![]));
    }
}
