//! Two sets of rows against each other, in memory that does not depend on how many they are: what is held of a row is a print of
//! its key and one of its cells, and where there are too many rows for that, they are gone through several times, each time for
//! another part of the keys.

use super::{Options, RowDiff};
use crate::codec::pack;
use crate::error::{Error, Result};
use crate::model::manifest::{ChunkRef, Manifest};
use crate::run::Context;
use crate::run::packs::PackReader;
use crate::run::pipeline::{ordered_map, settle};
use std::collections::BTreeMap;

/// Rows whose prints are held at a time: about 48 MB.
const HELD: u64 = 1 << 20;

/// The chunks of a table that are to be compared.
pub(super) struct Side<'a> {
    pub(super) packs: &'a PackReader<'a>,
    pub(super) manifest: &'a Manifest,
    /// Each with the number of rows before it.
    pub(super) chunks: Vec<(u64, &'a ChunkRef)>,
    /// Positions of the cells that count, in the order of the other side's.
    pub(super) columns: Vec<usize>,
    /// Positions of the key's cells; empty where rows are compared as a whole.
    pub(super) key: Vec<usize>,
    pub(super) rows: u64,
}

/// What stands for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Print {
    /// 128 bits of its key, or of the whole row where there is no key.
    key: [u64; 2],
    /// 64 bits of all its cells.
    row: u64,
}

/// Rows with the same print.
#[derive(Debug, Clone, Copy)]
struct Held {
    print: Print,
    /// The number of the first of them.
    number: u64,
    /// Those that no row of the other side has met yet.
    left: u64,
    /// In the first of a key: rows of the other side that have the key and other cells.
    extra: u64,
}

/// Compares row by row.
pub(super) fn compare(
    context: &Context<'_>,
    before: &Side<'_>,
    after: &Side<'_>,
    secret: &[u8; 32],
    options: &Options,
) -> Result<RowDiff> {
    let (listed, most) = (options.listed, options.held.unwrap_or(HELD));
    let holds_before = before.rows <= after.rows;
    let (one, other) = if holds_before { (before, after) } else { (after, before) };
    let parts = one.rows.div_ceil(most.max(1)).max(1);
    let mut found = Tally { listed, ..Tally::default() };
    for part in 0..parts {
        let mut held = Vec::new();
        let room = usize::try_from(most.saturating_mul(2)).unwrap_or(usize::MAX);
        prints(context, one, secret, (part, parts), &mut |print, number| {
            // The same row again and again must not fill the memory.
            if held.len() >= room && held.len().is_power_of_two() {
                merge(&mut held);
            }
            held.push(Held { print, number, left: 1, extra: 0 });
        })?;
        merge(&mut held);
        let mut meeting = Meeting { held, extras: BTreeMap::new(), tally: &mut found };
        prints(context, other, secret, (part, parts), &mut |print, number| meeting.meet(print, number))?;
        meeting.part();
    }
    Ok(found.finish(holds_before, !before.key.is_empty()))
}

/// Sorts, and makes one of those with the same print.
fn merge(held: &mut Vec<Held>) {
    held.sort_unstable_by_key(|one| (one.print, one.number));
    held.dedup_by(|again, first| {
        let is_same = again.print == first.print;
        first.left += if is_same { again.left } else { 0 };
        is_same
    });
}

/// What was found so far, from the point of view of the side that is held.
#[derive(Debug, Default)]
struct Tally {
    only_held: u64,
    only_other: u64,
    changed: u64,
    listed: usize,
    numbers_held: Vec<u64>,
    numbers_other: Vec<u64>,
    /// In the held side, and in the other.
    numbers_changed: Vec<(u64, u64)>,
}

impl Tally {
    fn finish(mut self, holds_before: bool, by_key: bool) -> RowDiff {
        let (added, removed, numbers_added, numbers_removed) = if holds_before {
            (self.only_other, self.only_held, &mut self.numbers_other, &mut self.numbers_held)
        } else {
            (self.only_held, self.only_other, &mut self.numbers_held, &mut self.numbers_other)
        };
        numbers_added.sort_unstable();
        numbers_removed.sort_unstable();
        let after = |(held, other): &(u64, u64)| if holds_before { *other } else { *held };
        let mut numbers_changed: Vec<u64> = self.numbers_changed.iter().map(after).collect();
        numbers_changed.sort_unstable();
        let numbers = [std::mem::take(numbers_added), std::mem::take(numbers_removed), numbers_changed];
        RowDiff { added, removed, changed: self.changed, by_key, numbers }
    }
}

fn list<T>(numbers: &mut Vec<T>, most: usize, number: T) {
    if numbers.len() < most {
        numbers.push(number);
    }
}

/// The rows of the other side meet those that are held.
struct Meeting<'a> {
    held: Vec<Held>,
    /// Numbers of some rows of the other side whose key is held with other cells.
    extras: BTreeMap<usize, Vec<u64>>,
    tally: &'a mut Tally,
}

impl Meeting<'_> {
    fn meet(&mut self, print: Print, number: u64) {
        let at = self.held.partition_point(|held| held.print < print);
        if let Some(held) = self.held.get_mut(at).filter(|held| held.print == print && held.left > 0) {
            held.left -= 1;
            return;
        }
        let first = self.held.partition_point(|held| held.print.key < print.key);
        match self.held.get_mut(first).filter(|held| held.print.key == print.key) {
            Some(held) => {
                held.extra += 1;
                if self.extras.len() < self.tally.listed {
                    self.extras.entry(first).or_default().push(number);
                }
            }
            None => {
                self.tally.only_other += 1;
                list(&mut self.tally.numbers_other, self.tally.listed, number);
            }
        }
    }

    /// Adds up, key by key: a row that is left and one that is extra are one that changed.
    fn part(mut self) {
        let mut at = 0;
        while at < self.held.len() {
            let first = at;
            while at < self.held.len() && self.held[at].print.key == self.held[first].print.key {
                at += 1;
            }
            let left: u64 = self.held[first..at].iter().map(|held| held.left).sum();
            let extra = self.held[first].extra;
            let changed = left.min(extra);
            self.tally.changed += changed;
            self.tally.only_held += left - changed;
            self.tally.only_other += extra - changed;
            if left + extra > 0 {
                self.number((first, at), changed);
            }
        }
    }

    /// Numbers rows of one key.
    fn number(&mut self, (first, end): (usize, usize), mut changed: u64) {
        let mut others = self.extras.remove(&first).unwrap_or_default().into_iter();
        for held in self.held[first..end].iter().filter(|held| held.left > 0) {
            if changed == 0 {
                list(&mut self.tally.numbers_held, self.tally.listed, held.number);
            } else if let Some(other) = others.next() {
                list(&mut self.tally.numbers_changed, self.tally.listed, (held.number, other));
            }
            changed = changed.saturating_sub(held.left);
        }
        others.for_each(|other| list(&mut self.tally.numbers_other, self.tally.listed, other));
    }
}

/// Goes through the prints of one part of the keys, with the number of each row from 1.
fn prints(
    context: &Context<'_>,
    side: &Side<'_>,
    secret: &[u8; 32],
    (part, parts): (u64, u64),
    each: &mut dyn FnMut(Print, u64),
) -> Result<()> {
    let id_key = side.packs.keys().id_key()?;
    let open = |(first, chunk): (u64, &ChunkRef)| -> Result<Vec<(Print, u64)>> {
        let packed = side.packs.pack(&side.manifest.packs[chunk.pack as usize])?;
        let encoded = pack::open_chunk(&packed, chunk, id_key)?;
        let (mut found, mut start, mut line) = (Vec::new(), 0, Line::default());
        for (&end, number) in encoded.row_ends().iter().zip(first + 1..) {
            let text = &encoded.bytes()[start..end as usize - 1];
            start = end as usize;
            let print = line.print(text, side, secret)?;
            if print.key[0] % parts == part {
                found.push((print, number));
            }
        }
        Ok(found)
    };
    std::thread::scope(|scope| {
        let (feed, opened) = ordered_map(scope, context.jobs, open);
        let feeder = scope.spawn(move || side.chunks.iter().try_for_each(|chunk| feed.send(*chunk)));
        let read = { opened }.try_for_each(|found: Result<Vec<(Print, u64)>>| {
            context.cancel.check()?;
            found?.into_iter().for_each(|(print, number)| each(print, number));
            Ok(())
        });
        let fed = feeder.join().unwrap_or_else(|_| Err(Error::internal("a worker thread stopped unexpectedly")));
        settle(fed, read).map(drop)
    })
}

/// Room for the cells of a row, used again for each.
#[derive(Default)]
struct Line {
    ends: Vec<usize>,
    text: Vec<u8>,
}

impl Line {
    fn print(&mut self, text: &[u8], side: &Side<'_>, secret: &[u8; 32]) -> Result<Print> {
        self.ends.clear();
        self.ends.extend(text.iter().enumerate().filter(|(_, byte)| **byte == b'\t').map(|(at, _)| at));
        self.ends.push(text.len());
        let row = self.hash(text, &side.columns, secret)?;
        let key = if side.key.is_empty() { row } else { self.hash(text, &side.key, secret)? };
        Ok(Print { key: [key[0], key[1]], row: row[2] })
    }

    fn hash(&mut self, text: &[u8], cells: &[usize], secret: &[u8; 32]) -> Result<[u64; 3]> {
        self.text.clear();
        for &cell in cells {
            let end = *self.ends.get(cell).ok_or_else(|| Error::store("a row has fewer cells than columns"))?;
            let start = cell.checked_sub(1).map_or(0, |before| self.ends[before] + 1);
            self.text.extend_from_slice(&text[start..end]);
            self.text.push(b'\t');
        }
        let hash = *blake3::keyed_hash(secret, &self.text).as_bytes();
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| hash[at * 8 + byte]));
        Ok([word(0), word(1), word(2)])
    }
}
