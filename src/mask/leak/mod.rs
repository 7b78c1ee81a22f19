//! The residual-leak scan: looks for originals of masked columns in everything that is written.
//!
//! Originals and outputs are read as rows of letters and digits, without case, accents and punctuation, so that most
//! disguises are none: `ann.lee@corp.test`, `ANN LEE, CORP TEST` and `ann_lee_corp.test.vcf` hold the same row. Of an original
//! the whole row is looked for, its digits alone, and a name with its last word in front; of an output every stretch of up
//! to four words or twelve tight parts, every line, leaf and number, and what escapes, base64 and hex in it say.
//!
//! Both sides are kept as keyed 64-bit fingerprints below a threshold, which halves whenever a side outgrows its capacity.
//! Memory is constant whatever the table's size; a systematic leak is found on the sample that is left, a single one for
//! certain as long as nothing had to be sampled. Originals themselves are never stored.

mod compare;
mod decode;
mod gaps;
mod hash;
mod originals;
mod outputs;
mod prints;
mod quiet;
mod rows;
mod saved;
mod stream;
#[cfg(test)]
mod tests;

use super::dictionary;
use crate::secret::Secret32;
use gaps::Gap;
use hash::Key;
pub use outputs::Output;
use prints::Side;
use quiet::Quiet;
use std::collections::{BTreeMap, BTreeSet};
use stream::{Atom, Stream, Total};

/// Shorter originals say too little; characters.
const SHORTEST: usize = 6;
/// Fewer letters and digits are no original, whatever stands between them.
const FEWEST_LETTERS: usize = 4;
/// Fewer digits are no phone or identity number.
const FEWEST_DIGITS: usize = 7;
/// More digits are no number that somebody has.
const MOST_DIGITS: usize = 19;
/// Free text met more often than this is boilerplate.
const COMMON: u32 = 3;
/// Why originals, and parts of outputs, are not looked at.
const REASONS: [&str; 4] = ["short", "dictionary", "common", "blob"];
const SHORT: usize = 0;
const DICTIONARY: usize = 1;
const PLAIN: usize = 2;
const BLOB: usize = 3;

/// An original column, the output column it was found in, and in how many cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The masked column whose original was found.
    pub original: u16,
    /// The column it was found in.
    pub output: u16,
    /// Cells, as far as they were sampled.
    pub count: u64,
}

/// What the scan found. No value, only places and counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeakReport {
    /// Every pair of columns with a hit, ordered.
    pub hits: Vec<Hit>,
    /// Originals looked for.
    pub originals: u64,
    /// Written cells looked at.
    pub cells: u64,
    /// What was passed over. Originals: `short`, `dictionary`, `common`, `reference` (the value also stands in a reference
    /// table), `sampled`. Meetings: by `chance`, or `kept` by a condition of the column itself. Ends of binary cells: `blob`.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// The words that the masks of a capture choose from: what they write is nobody's original.
#[derive(Debug, Clone, Default)]
pub struct Lists(Vec<&'static str>);

impl Lists {
    /// The lists that every mask may use, and the names of these locales.
    #[must_use]
    pub fn with(locales: Vec<&'static str>) -> Self {
        Self(locales)
    }

    /// Whether a lower-case word, with or without its accents, is in them.
    fn know(&self, word: &[u8]) -> bool {
        dictionary::knows(word) || self.0.iter().any(|locale| dictionary::knows_in(locale, word))
    }
}

/// A scan under way. Worker threads fill one each, made with the same key, and merge them.
pub struct LeakScan {
    key: Key,
    originals: Side,
    outputs: Side,
    references: Side,
    observed: u64,
    cells: u64,
    skipped: [u64; REASONS.len()],
    /// The least and the greatest number of each length in each original column.
    spans: BTreeMap<(u16, u8), (u64, u64)>,
    /// Cells that a permuting mask left as they were, by column.
    unchanged: BTreeMap<u16, u64>,
    /// Columns that the policy keeps in some rows.
    kept: BTreeSet<u16>,
    reader: Reader,
    lists: Lists,
    quiet: Quiet,
    /// The fingerprint of the original that was seen last.
    last: u64,
    /// Of each column of the batch under way whose rows need it: the fingerprint of the original, 0 where it is kept.
    before: Vec<Vec<u64>>,
    scratch: Vec<u8>,
}

/// Shows counts only.
impl std::fmt::Debug for LeakScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LeakScan[{} originals, {} cells]", self.observed, self.cells)
    }
}

impl LeakScan {
    /// A scan that keeps at most `capacity` fingerprints of each side. `key` is random for every run.
    #[must_use]
    pub fn new(key: &Secret32, capacity: usize) -> Self {
        Self::knowing(key, capacity, Lists::default())
    }

    /// As [`new`](Self::new), for masks that write words of `lists`.
    #[must_use]
    pub fn knowing(key: &Secret32, capacity: usize, lists: Lists) -> Self {
        let key = Key::new(key);
        Self {
            lists,
            reader: Reader { stream: Stream::new(&key), atoms: Vec::new(), joints: Vec::new(), folded: Vec::new() },
            key,
            originals: Side::new(capacity),
            outputs: Side::new(capacity),
            references: Side::new(capacity),
            observed: 0,
            cells: 0,
            skipped: [0; REASONS.len()],
            spans: BTreeMap::new(),
            unchanged: BTreeMap::new(),
            kept: BTreeSet::new(),
            quiet: Quiet::new(),
            last: 0,
            before: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Joins what two workers saw.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.observed += other.observed;
        self.cells += other.cells;
        for (sum, count) in self.skipped.iter_mut().zip(other.skipped) {
            *sum += count;
        }
        for (place, (least, most)) in other.spans {
            originals::widen(&mut self.spans, place, least);
            originals::widen(&mut self.spans, place, most);
        }
        for (column, count) in other.unchanged {
            *self.unchanged.entry(column).or_default() += count;
        }
        self.kept.extend(other.kept);
        self.originals.join(other.originals);
        self.outputs.join(other.outputs);
        self.references.join(other.references);
        self
    }
}

/// Reads texts.
struct Reader {
    stream: Stream,
    atoms: Vec<Atom>,
    /// Of each atom: the gap before it, and whether it is nothing but digits.
    joints: Vec<(Gap, bool)>,
    /// The text without accents, where it is not plain ASCII.
    folded: Vec<u8>,
}

impl Reader {
    /// Reads a value as a whole; the text that was read.
    fn total<'a>(&'a mut self, value: &'a [u8]) -> (Total, &'a [u8]) {
        let total = self.stream.total(value);
        if total.flags & stream::WIDE == 0 {
            return (total, value);
        }
        self.folded.clear();
        decode::fold(value, &mut self.folded);
        (self.stream.total(&self.folded), &self.folded)
    }

    /// Reads the beginning of a value in detail; the text that places refer to.
    fn read<'a>(&'a mut self, value: &'a [u8]) -> &'a [u8] {
        self.stream.read(value);
        if value.is_ascii() {
            return value;
        }
        self.folded.clear();
        decode::fold(value, &mut self.folded);
        self.stream.read(&self.folded);
        &self.folded
    }

    /// Lists the atoms of the text that was read last, and what stands between them.
    fn join(&mut self, text: &[u8]) {
        self.stream.atoms(&mut self.atoms);
        self.joints.clear();
        let mut before: Option<&Atom> = None;
        for atom in &self.atoms {
            let gap = before.map_or(Gap::Wide, |before| Gap::between(text, before, atom));
            self.joints.push((gap, self.stream.digits(atom.from, atom.to) == atom.to - atom.from));
            before = Some(atom);
        }
    }
}
