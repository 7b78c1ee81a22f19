//! The rows of a snapshot as far as a way through them needs: origins, and prints of the keys on the way. Each table is read
//! once for what one reference needs of it, however often the way comes by.

use super::At;
use crate::codec::{origins, pack, rows as copy};
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use crate::model::manifest::{ChunkRef, Manifest, Why};
use crate::model::proof::Encoded;
use crate::run::Context;
use crate::run::closure::{Prints, Side, Sides};
use crate::run::packs::PackReader;
use crate::run::repository::Repository;
use std::collections::BTreeMap;

/// Reads a snapshot, and keeps what it needs again.
pub(super) struct Rows<'a> {
    context: &'a Context<'a>,
    manifest: &'a Manifest,
    packs: PackReader<'a>,
    prints: Prints,
    /// By table; none where every row was taken.
    origins: BTreeMap<usize, Option<Vec<(Why, u32)>>>,
    /// By reference, and whether it is the child's side.
    keys: BTreeMap<(usize, bool), Keys>,
}

/// The keys of one side of a reference: 12 bytes for each row.
struct Keys {
    table: usize,
    /// By row; 0 where the row references nothing.
    prints: Vec<u64>,
    /// Rows by their prints.
    sorted: Vec<u32>,
}

impl Keys {
    /// Rows with this print.
    fn rows(&self, print: u64) -> impl Iterator<Item = usize> {
        let print_at = |row: &u32| self.prints[*row as usize];
        let from = self.sorted.partition_point(|row| print_at(row) < print);
        self.sorted[from..].iter().take_while(move |row| print_at(row) == print).map(|row| *row as usize)
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(context: &'a Context<'a>, repository: &'a Repository, manifest: &'a Manifest) -> Result<Self> {
        let packs = PackReader::new(repository, manifest.epoch)?;
        let (origins, keys) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { context, manifest, packs, prints: Prints::default(), origins, keys })
    }

    /// Why a row is there, and in which step it came.
    pub(super) fn origin(&mut self, at: At) -> Result<Option<(Why, u32)>> {
        match self.origins_of(at.table)? {
            None => Ok(None),
            Some(all) => all.get(at.row).copied().map(Some).ok_or_else(lost),
        }
    }

    fn origins_of(&mut self, table: usize) -> Result<Option<&[(Why, u32)]>> {
        if !self.origins.contains_key(&table) {
            let entry = &self.manifest.tables[table];
            let mut all = Vec::with_capacity(usize::try_from(entry.rows).unwrap_or_default());
            self.context.stage(format!("reading why the rows of {} are there", entry.table));
            self.each(&entry.origins, &mut |encoded| {
                all.extend(origins::decode(encoded)?);
                Ok(true)
            })?;
            self.origins.insert(table, (!entry.origins.is_empty()).then_some(all));
        }
        Ok(self.origins.get(&table).and_then(Option::as_deref))
    }

    /// The row at the other end of a reference that came before step `before`; of several the one that came first. `up`: from
    /// child to parent.
    pub(super) fn other_end(&mut self, at: At, reference: usize, up: bool, before: u32) -> Result<At> {
        self.load(reference, up)?;
        self.load(reference, !up)?;
        let print = self.keys.get(&(reference, up)).filter(|keys| keys.table == at.table);
        let print = print.and_then(|keys| keys.prints.get(at.row)).copied().filter(|print| *print != 0);
        let (print, table) = match (print, self.keys.get(&(reference, !up))) {
            (Some(print), Some(other)) => (print, other.table),
            _ => return Err(lost()),
        };
        self.origins_of(table)?;
        let (Some(other), Some(origins)) = (self.keys.get(&(reference, !up)), self.origins.get(&table)) else {
            return Err(lost());
        };
        let row = match origins {
            Some(origins) => {
                let earlier = other.rows(print).filter_map(|row| Some((origins.get(row)?.1, row)));
                earlier.filter(|(step, _)| *step < before).min().map(|(_, row)| row)
            }
            // All rows of that table were taken.
            None => other.rows(print).min(),
        };
        row.map(|row| At { table, row }).ok_or_else(lost)
    }

    /// Reads the keys of one side of a reference, unless they are here.
    fn load(&mut self, reference: usize, child: bool) -> Result<()> {
        if self.keys.contains_key(&(reference, child)) {
            return Ok(());
        }
        let closed = self.manifest.results.closure.references.get(reference).ok_or_else(lost)?;
        let sides = Sides::of(&closed.reference, &self.manifest.schema).ok_or_else(lost)?;
        let (name, side) =
            if child { (&closed.reference.child, sides.child) } else { (&closed.reference.parent, sides.parent) };
        let table = self.manifest.tables.iter().position(|entry| entry.table == *name).ok_or_else(lost)?;
        let keys = self.keys_of(table, &side)?;
        self.keys.insert((reference, child), keys);
        Ok(())
    }

    fn keys_of(&self, table: usize, side: &Side) -> Result<Keys> {
        let entry = &self.manifest.tables[table];
        self.context.stage(format!("reading the keys of {}", entry.table));
        let mut prints = Vec::with_capacity(usize::try_from(entry.rows).unwrap_or_default());
        let mut buffer = Vec::new();
        self.each_batch(table, &mut |batch| {
            prints.extend((0..batch.rows()).map(|row| self.prints.of(side, batch, row, &mut buffer).unwrap_or(0)));
            Ok(true)
        })?;
        let rows =
            u32::try_from(prints.len()).map_err(|_| Error::store("the table has too many rows to look through"))?;
        let mut sorted: Vec<u32> = (0..rows).filter(|row| prints[*row as usize] != 0).collect();
        sorted.sort_unstable_by_key(|row| prints[*row as usize]);
        Ok(Keys { table, prints, sorted })
    }

    /// The first row whose cells are these, as they stand in the snapshot; a blob is `\x` and hex digits.
    pub(super) fn find(&self, table: usize, cells: &[usize], key: &[String]) -> Result<Option<usize>> {
        let mut found = None;
        let mut first = 0;
        self.context.stage(format!("looking for the row in {}", self.manifest.tables[table].table));
        self.each_batch(table, &mut |batch| {
            let is_it = |row: &usize| cells.iter().zip(key).all(|(cell, text)| is_spelled(batch, *row, *cell, text));
            found = (0..batch.rows()).find(is_it).map(|row| first + row);
            first += batch.rows();
            Ok(found.is_none())
        })?;
        Ok(found)
    }

    fn each_batch(&self, table: usize, each: &mut dyn FnMut(&Batch) -> Result<bool>) -> Result<()> {
        let entry = &self.manifest.tables[table];
        let schema = self.manifest.schema.table(&entry.table).ok_or_else(lost)?;
        let layout = copy::Layout::new(self.manifest.schema.engine, schema);
        self.each(&entry.chunks, &mut |encoded| each(copy::decode(encoded, &layout)?.rows()))
            .map_err(|error| error.within(format!("table {}", entry.table)))
    }

    /// Opens chunk after chunk, until `each` has enough.
    fn each(&self, chunks: &[ChunkRef], each: &mut dyn FnMut(&Encoded) -> Result<bool>) -> Result<()> {
        for chunk in chunks {
            self.context.cancel.check()?;
            let packed = self.packs.pack(&self.manifest.packs[chunk.pack as usize])?;
            if !each(&pack::open_chunk(&packed, chunk, self.packs.keys().id_key()?)?)? {
                break;
            }
        }
        Ok(())
    }
}

fn is_spelled(batch: &Batch, row: usize, cell: usize, text: &str) -> bool {
    let cell = batch.cell(row, cell);
    match cell.kind {
        CellKind::Null => false,
        CellKind::Blob => text.strip_prefix("\\x").is_some_and(|hex| {
            data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).is_ok_and(|bytes| bytes == cell.bytes)
        }),
        CellKind::Text | CellKind::Integer | CellKind::Real => cell.bytes == text.as_bytes(),
    }
}

/// The origins and the rows do not go together.
fn lost() -> Error {
    Error::store("the way of the row leads to one that is not in the snapshot")
        .hint("'terp-fixtures verify SNAPSHOT --read-data' says what is damaged.")
}
