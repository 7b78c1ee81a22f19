//! The proof that a snapshot is referentially closed: every reference of every masked row is held against the masked rows it
//! refers to. Tables may come in any order, and memory does not depend on their size. Sees rows, tells only counts.

mod equal;
mod held;
mod saved;
mod sides;
mod source;
#[cfg(test)]
mod tests;

pub(super) use sides::{Prints, Side, Sides};
pub(super) use source::{expected, refuse_lost, warn};

use crate::error::{Error, Result};
use crate::model::batch::Batch;
use crate::model::manifest::{ClosedReference, ClosureResult, Manifest};
use crate::model::schema::{Catalogue, TableName};
use crate::model::subset::{self, Reference};
use held::{Counted, Held};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Words of eight bytes held in all: 48 MiB.
const MOST: usize = 6 << 20;

/// Watches the rows of a snapshot.
pub(super) struct Closure<'a> {
    references: &'a [Reference],
    groups: Vec<Group>,
    /// By reference; none where the rows cannot tell: a column of it is generated.
    edges: Vec<Option<Edge>>,
    watched: BTreeMap<TableName, Watched>,
    prints: Prints,
    most: usize,
    words: AtomicUsize,
    /// Held by the one thread that makes room.
    making_room: Mutex<()>,
}

/// References to the same columns of the same table, which compare alike.
struct Group {
    /// In a parent's row.
    side: Side,
    held: Mutex<Held>,
    words: AtomicUsize,
}

/// One reference.
struct Edge {
    group: usize,
    /// Its number in the group.
    number: usize,
    /// In a child's row.
    side: Side,
    rows: AtomicU64,
}

/// What to look at in the rows of one table.
#[derive(Default)]
struct Watched {
    groups: Vec<usize>,
    edges: Vec<usize>,
}

/// What was found along one reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Rows that reference something.
    pub(super) rows: u64,
    /// Those that find no parent.
    pub(super) dangling: u64,
    /// Rows that were not held against the parents, because there were too many keys to hold.
    pub(super) left_out: u64,
}

impl<'a> Closure<'a> {
    /// Watches `references` among the tables of a snapshot.
    pub(super) fn new(references: &'a [Reference], schema: &Catalogue) -> Self {
        Self::within(references, schema, MOST)
    }

    /// Makes prints with this key from now on; nothing was observed yet.
    pub(super) fn keyed(self, key: [u64; 2]) -> Self {
        Self { prints: Prints::keyed(key), ..self }
    }

    fn within(references: &'a [Reference], schema: &Catalogue, most: usize) -> Self {
        let mut closure = Self {
            references,
            groups: Vec::new(),
            edges: Vec::new(),
            watched: BTreeMap::new(),
            prints: Prints::default(),
            most,
            words: AtomicUsize::new(0),
            making_room: Mutex::new(()),
        };
        let mut known = BTreeMap::new();
        for (at, reference) in references.iter().enumerate() {
            let Some(Sides { child, parent }) = Sides::of(reference, schema) else {
                closure.edges.push(None);
                continue;
            };
            let group = *known.entry((&reference.parent, parent.clone())).or_insert_with(|| {
                let number = closure.groups.len();
                closure.watched.entry(reference.parent.clone()).or_default().groups.push(number);
                closure.groups.push(Group { side: parent, held: Mutex::default(), words: AtomicUsize::new(0) });
                number
            });
            closure.watched.entry(reference.child.clone()).or_default().edges.push(at);
            let number = closure.groups[group].held.get_mut().unwrap_or_else(PoisonError::into_inner).another();
            closure.edges.push(Some(Edge { group, number, side: child, rows: AtomicU64::new(0) }));
        }
        closure
    }

    /// Looks at masked rows of `table`: its stored columns, in order.
    pub(super) fn observe(&self, table: &TableName, rows: &Batch) {
        let Some(watched) = self.watched.get(table) else { return };
        let mut buffer = Vec::new();
        for &number in &watched.groups {
            let group = &self.groups[number];
            let prints = (0..rows.rows()).filter_map(|row| self.prints.of(&group.side, rows, row, &mut buffer));
            let mut prints: Vec<u64> = prints.collect();
            held::distinct(&mut prints);
            self.hold(group, |held| held.add_parents(&prints));
        }
        for edge in watched.edges.iter().filter_map(|&at| self.edges[at].as_ref()) {
            let prints = (0..rows.rows()).filter_map(|row| self.prints.of(&edge.side, rows, row, &mut buffer));
            let mut prints: Vec<Counted> = prints.map(|print| (print, 1)).collect();
            edge.rows.fetch_add(prints.len() as u64, Ordering::Relaxed);
            held::distinct(&mut prints);
            self.hold(&self.groups[edge.group], |held| held.add_children(edge.number, &prints));
        }
    }

    fn hold(&self, group: &Group, add: impl FnOnce(&mut Held)) {
        {
            let mut held = group.held.lock().unwrap_or_else(PoisonError::into_inner);
            add(&mut held);
            self.account(group, &held);
        }
        if self.words.load(Ordering::Relaxed) > self.most {
            self.make_room();
        }
    }

    /// Writes down what a group holds; its lock is held.
    fn account(&self, group: &Group, held: &Held) {
        let now = held.words();
        let before = group.words.swap(now, Ordering::Relaxed);
        self.words.fetch_add(now, Ordering::Relaxed);
        self.words.fetch_sub(before, Ordering::Relaxed);
    }

    /// Joins what waits, and where that is not enough, leaves out keys of whichever group holds most until there is room.
    fn make_room(&self) {
        let _alone = self.making_room.lock().unwrap_or_else(PoisonError::into_inner);
        let change = |group: &Group, change: &dyn Fn(&mut Held) -> bool| {
            let mut held = group.held.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = change(&mut held);
            self.account(group, &held);
            changed
        };
        if self.words.load(Ordering::Relaxed) <= self.most {
            return; // Another thread was here meanwhile.
        }
        for group in &self.groups {
            change(group, &|held| held.tidy());
        }
        while self.words.load(Ordering::Relaxed) > self.most - self.most / 8 {
            let heaviest = self.groups.iter().max_by_key(|group| group.words.load(Ordering::Relaxed));
            if !heaviest.is_some_and(|group| change(group, &Held::halve)) {
                return;
            }
        }
    }

    /// What was found, by reference.
    pub(super) fn finish(self) -> Vec<Tally> {
        let found: Vec<Vec<(u64, u64)>> = self
            .groups
            .into_iter()
            .map(|group| group.held.into_inner().unwrap_or_else(PoisonError::into_inner).finish())
            .collect();
        let tally = |edge: Option<Edge>| {
            let Some(edge) = edge else { return Tally::default() };
            let rows = edge.rows.into_inner();
            let (held, dangling) = found[edge.group].get(edge.number).copied().unwrap_or_default();
            Tally { rows, dangling, left_out: rows - held }
        };
        self.edges.into_iter().map(tally).collect()
    }

    /// Refuses references that find less in the snapshot than in the source, where `expected` of them dangle, by reference.
    /// Else the result for the manifest.
    pub(super) fn prove(self, expected: &[u64]) -> Result<ClosureResult> {
        let references = self.references;
        let mut result = ClosureResult::default();
        for (at, (reference, tally)) in references.iter().zip(self.finish()).enumerate() {
            let expected = expected.get(at).copied().unwrap_or(0);
            if tally.dangling > expected {
                return Err(broken(reference, tally, expected));
            }
            if !reference.undeclared {
                result.foreign_keys += 1;
                if expected > 0 {
                    // Constraints of several tables may have one name.
                    *result.dangling.entry(reference.name.clone()).or_default() += expected;
                }
            }
            result.sampled += tally.left_out;
            let dangling = if tally.left_out > 0 { expected.min(tally.rows) } else { tally.dangling };
            result.references.push(ClosedReference { reference: reference.clone(), rows: tally.rows, dangling });
        }
        Ok(result)
    }
}

fn broken(reference: &Reference, tally: Tally, expected: u64) -> Error {
    let source = match expected {
        0 => String::new(),
        some => format!(", though in the source only {some} do so"),
    };
    let what =
        format!("{} of {} rows of {reference} find no parent in the snapshot{source}", tally.dangling, tally.rows);
    Error::policy(what).hint(
        "Nothing was published. Most likely one side is masked and the other kept, or masked otherwise: give both the same mask, parameters and domain, keep both, or mask the referencing column with null.",
    )
}

/// The references that a snapshot's manifest promises: those it lists, or the foreign keys of its schema where it is of a
/// version that listed none.
pub(super) fn promised(manifest: &Manifest) -> Vec<Reference> {
    let listed = &manifest.results.closure.references;
    if listed.is_empty() {
        return subset::declared(&manifest.schema);
    }
    listed.iter().map(|closed| closed.reference.clone()).collect()
}

/// What the rows of a snapshot say otherwise than its manifest, one line each.
pub(super) fn differences(manifest: &Manifest, references: &[Reference], found: &[Tally]) -> Vec<String> {
    let closure = &manifest.results.closure;
    if closure.references.is_empty() {
        let mut dangling: BTreeMap<&str, u64> = BTreeMap::new();
        for (reference, tally) in references.iter().zip(found) {
            *dangling.entry(&reference.name).or_default() += tally.dangling;
        }
        let more = dangling.into_iter().filter_map(|(name, found)| {
            let said = closure.dangling.get(name).copied().unwrap_or(0);
            let name = name.escape_debug();
            (found > said)
                .then(|| format!("the foreign key {name}: {found} rows find no parent, and the manifest says {said}"))
        });
        return more.collect();
    }
    let mut lines = Vec::new();
    for (said, found) in closure.references.iter().zip(found) {
        let sampled = closure.sampled > 0 || found.left_out > 0;
        let differs = if sampled { found.dangling > said.dangling } else { found.dangling != said.dangling };
        if found.rows != said.rows || differs {
            lines.push(format!(
                "the reference {}: {} of {} rows find no parent, and the manifest says {} of {}",
                said.reference, found.dangling, found.rows, said.dangling, said.rows
            ));
        }
    }
    lines
}
