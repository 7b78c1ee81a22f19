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
}

/// A chunk with its rows checked.
pub(super) struct Opened {
    /// The ordinal of its first row in the table.
    pub(super) first_row: u64,
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
                    let opened = opened?;
                    check::refuse(&self.entry.table, &opened.violations)?;
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
        if let Some(conversion) = self.conversion {
            masked = conversion.convert(masked, first_row)?;
        }
        let (checked, violations) = check::rows(masked, &self.rules, first_row)?;
        let mut digest = ContentDigest::default();
        digest.add(checked.rows());
        Ok(Opened { first_row, encoded, digest, checked, violations })
    }
}
