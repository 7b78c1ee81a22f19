//! Unique columns that invariants set: where two rows would be alike, the second one keeps what it was made with.

use super::Work;
use super::function::text;
use super::scope::Site;
use crate::generate::value::Value;
use crate::generate::world::World;
use std::collections::{BTreeMap, HashSet};

/// What settled columns of unique sets held before.
pub(super) struct Kept {
    sets: Vec<(usize, Vec<usize>)>,
    cells: BTreeMap<Site, Vec<Value>>,
}

impl Kept {
    /// For the columns that are set.
    pub(super) fn of(world: &World<'_>, sites: &[Site]) -> Self {
        let (mut sets, mut cells) = (Vec::new(), BTreeMap::new());
        for (table, own) in world.catalogue.tables.iter().enumerate() {
            let uniques = own.uniques.iter().map(|unique| &unique.columns).chain([&own.primary_key]);
            for columns in uniques.filter(|columns| columns.iter().any(|column| sites.contains(&(table, *column)))) {
                sets.push((table, columns.clone()));
                for column in columns.iter().filter(|column| sites.contains(&(table, **column))) {
                    cells.insert((table, *column), world.tables[table].columns[*column].clone());
                }
            }
        }
        Self { sets, cells }
    }

    /// Rows that are like an earlier one get back what they had.
    pub(super) fn put_back(&self, work: &mut Work<'_, '_>) {
        for _ in 0..3 {
            let mut again = false;
            for (table, columns) in &self.sets {
                let mut known: HashSet<String> = HashSet::new();
                for row in 0..work.world.tables[*table].rows {
                    let key = |work: &Work<'_, '_>| {
                        let cells = columns.iter().map(|column| work.world.cell(*table, *column, row));
                        cells
                            .map(|cell| (!cell.is_null()).then(|| text(cell).to_lowercase() + "\0"))
                            .collect::<Option<String>>()
                    };
                    if key(work).is_none_or(|key| known.insert(key)) {
                        continue;
                    }
                    again = true;
                    for column in columns {
                        if let Some(before) = self.cells.get(&(*table, *column)) {
                            work.set((*table, *column), row, &before[row]);
                        }
                    }
                    known.extend(key(work));
                }
                if again {
                    work.relink(*table, columns);
                }
            }
            if !again {
                break;
            }
            work.follow();
        }
    }
}
