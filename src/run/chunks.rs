//! A table's chunks on their way out of the store: workers fetch, open, decode and check them, and they come in order.

use super::load::Parts;
use super::packs::PackReader;
use super::pipeline::{ordered_map, settle};
use crate::check::{self, Rules, Violation};
use crate::codec::{pack, rows};
use crate::error::{Error, Result};
use crate::model::digest::ContentDigest;
use crate::model::manifest::{ChunkRef, Manifest, TableEntry};
use crate::model::proof::{Checked, Encoded};
use crate::translate::Rows;
use std::sync::{Mutex, PoisonError};

/// Where the chunks of one table come from, and what is done to them.
pub(super) struct Chunks<'a> {
    /// The opened packs.
    pub(super) packs: &'a PackReader<'a>,
    /// The snapshot.
    pub(super) manifest: &'a Manifest,
    /// The table in it.
    pub(super) entry: &'a TableEntry,
    /// How its rows are written down.
    pub(super) layout: rows::Layout,
    /// What its cells must obey.
    pub(super) rules: Rules,
    /// Into another engine: what becomes of each cell.
    pub(super) conversion: Option<&'a Rows>,
    /// Where rows that do not fit are noted. Without it the first of them stops the load.
    pub(super) misfits: Option<&'a Misfits>,
}

/// What was found in rows that do not fit.
pub(super) type Misfits = Mutex<Vec<Violation>>;

/// A chunk with its rows checked.
pub(super) struct Opened {
    /// The ordinal of its first row in the table.
    pub(super) first_row: u64,
    /// How many rows it has, those that do not fit among them.
    pub(super) rows: u64,
    /// Its bytes as they were captured.
    pub(super) encoded: Encoded,
    /// The digest of its rows.
    pub(super) digest: ContentDigest,
    checked: Checked,
    violations: Vec<Violation>,
}

impl Chunks<'_> {
    /// Hands neighbouring chunks to `load`, the first of which begins with the row `first_row`. `see` looks at each
    /// before, and may stop them.
    pub(super) fn each(
        &self,
        workers: usize,
        (chunks, mut first_row): (&[ChunkRef], u64),
        see: &mut dyn FnMut(&Opened) -> Result<()>,
        load: &mut dyn FnMut(&mut Parts<'_>) -> Result<()>,
    ) -> Result<()> {
        let work = || {
            std::thread::scope(|scope| {
                let (feed, opened) = ordered_map(scope, workers, |(first_row, chunk)| self.open(first_row, chunk));
                let feeder = scope.spawn(move || {
                    for chunk in chunks {
                        feed.send((first_row, chunk))?;
                        first_row += chunk.rows;
                    }
                    Ok(())
                });
                let mut verified = opened.map(|opened| {
                    let mut opened = opened?;
                    match self.misfits {
                        None => check::refuse(&self.entry.table, &opened.violations)?,
                        Some(misfits) => {
                            misfits.lock().unwrap_or_else(PoisonError::into_inner).append(&mut opened.violations);
                        }
                    }
                    see(&opened)?;
                    Ok((opened.checked, opened.digest))
                });
                let loaded = load(&mut verified);
                drop(verified);
                let fed =
                    feeder.join().unwrap_or_else(|_| Err(Error::internal("a worker thread stopped unexpectedly")));
                settle(fed, loaded).map(drop)
            })
        };
        self.packs.reading(&self.manifest.packs, chunks, work)
    }

    fn open(&self, first_row: u64, chunk: &ChunkRef) -> Result<Opened> {
        let packed = self.packs.pack(&self.manifest.packs[chunk.pack as usize])?;
        let encoded = pack::open_chunk(&packed, chunk, self.packs.keys().id_key()?)?;
        let mut masked = rows::decode(&encoded, &self.layout)?;
        let mut found = Vec::new();
        match (self.conversion, self.misfits) {
            (None, _) => {}
            (Some(conversion), None) => masked = conversion.convert(masked, first_row)?,
            (Some(conversion), Some(_)) => {
                let unfit;
                (masked, unfit) = conversion.convert_what_fits(masked)?;
                found.extend(unfit.into_iter().map(|(row, column, why)| Violation {
                    row: first_row + row as u64,
                    column,
                    rule: "type",
                    why,
                }));
            }
        }
        let rows = chunk.rows;
        let (checked, violations) = check::rest(masked, &self.rules, first_row, found)?;
        let mut digest = ContentDigest::default();
        digest.add(checked.rows());
        Ok(Opened { first_row, rows, encoded, digest, checked, violations })
    }
}
