//! Rows found by some of their cells.

use super::keys::Key;
use crate::generate::value::Value;
use crate::generate::world::World;
use crate::model::schema::Catalogue;
use std::collections::HashMap;

/// Rows of tables by the hash of some of their cells.
#[derive(Default)]
pub(super) struct Lookups(HashMap<(usize, Vec<usize>), HashMap<u64, Vec<u32>>>);

impl Lookups {
    /// Rows of a table that have these values in these columns, and now and then others. The table is complete.
    pub(super) fn find(
        &mut self,
        catalogue: &Catalogue,
        world: &World<'_>,
        table: usize,
        columns: &[usize],
        values: &[&Value],
    ) -> &[u32] {
        let key = Key { columns: columns.to_vec(), prefixes: vec![None; columns.len()], ..Key::default() };
        let own = &catalogue.tables[table].columns;
        let mut scratch = Vec::new();
        let rows = self.0.entry((table, columns.to_vec())).or_insert_with(|| {
            let mut rows: HashMap<u64, Vec<u32>> = HashMap::new();
            for row in 0..world.tables[table].rows {
                let cell = |at: usize| Some(world.cell(table, at, row));
                if let Some(hash) = key.hash(catalogue.engine, own, cell, &mut scratch) {
                    rows.entry(hash).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
                }
            }
            rows
        });
        let value = |at: usize| {
            let place = columns.iter().position(|&own| own == at)?;
            values.get(place).copied()
        };
        let hash = key.hash(catalogue.engine, own, value, &mut scratch);
        hash.and_then(|hash| rows.get(&hash)).map_or(&[], Vec::as_slice)
    }
}
