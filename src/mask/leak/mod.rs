//! The residual-leak scan: looks for originals of masked columns in everything that is written.
//!
//! Both sides, originals and outputs, are kept as keyed 64-bit fingerprints below a threshold, which halves whenever a side
//! outgrows its capacity. Memory is constant whatever the table's size; a systematic leak is found on the sample that
//! is left, a single one for certain as long as nothing had to be sampled. Originals themselves are never stored.

mod forms;
mod prints;
#[cfg(test)]
mod tests;

use super::canonical::{self, Form};
use super::definition::Scan;
use super::dictionary;
use crate::secret::Secret32;
use forms::{is_fictional, is_space, numbers, parts, split_comma, words};
use prints::{Original, Seen, Side, digits};
use siphasher::sip::SipHasher13;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Shorter originals say too little.
const SHORTEST: usize = 6;
/// Fewer digits are no phone or identity number.
const FEWEST_DIGITS: usize = 7;
/// Free text met more often than this is boilerplate.
const COMMON: u32 = 3;

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
    /// What was passed over: `short`, `dictionary`, `common`, `sampled` originals; meetings by `chance`.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// A scan under way. Worker threads fill one each, made with the same key, and merge them.
pub struct LeakScan {
    key: [u8; 16],
    originals: Side<Original>,
    outputs: Side<Seen>,
    observed: u64,
    cells: u64,
    skipped: BTreeMap<&'static str, u64>,
    buffer: Vec<u8>,
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
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::derive_key("terp-fixtures v1 leak scan", key.expose())[..16]);
        Self {
            key: short,
            originals: Side::new(capacity),
            outputs: Side::new(capacity),
            observed: 0,
            cells: 0,
            skipped: BTreeMap::new(),
            buffer: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Remembers the original of a masked cell. Columns are numbered by the caller, the same in every worker.
    pub fn observe_original(&mut self, column: u16, value: &[u8], scan: Scan) {
        if scan == Scan::Never || value.is_empty() {
            return;
        }
        self.buffer.clear();
        canonical::append(Form::Text, value, &mut self.buffer);
        let free = scan == Scan::FreeText;
        let reason = if canonical::chars(&self.buffer) < SHORTEST {
            Some("short")
        } else if dictionary::knows(&self.buffer) {
            Some("dictionary")
        } else if free && !is_telling(&self.buffer) {
            Some("common")
        } else {
            None
        };
        if let Some(reason) = reason {
            *self.skipped.entry(reason).or_default() += 1;
            return;
        }
        self.observed += 1;
        let print = fingerprint(&self.key, &self.buffer);
        let met = self.originals.entry(print, column);
        met.add(Original { count: 1, free, first: true, digits: digits(&self.buffer) });
        self.scratch.clear();
        self.scratch.extend(self.buffer.iter().filter(|byte| byte.is_ascii_digit()));
        let count = self.scratch.len();
        if count >= FEWEST_DIGITS && count < self.buffer.len() && count * 2 >= self.buffer.len() {
            let domestic = usize::from(count == 11 && self.scratch[0] == b'1');
            for from in 0..=domestic {
                let form = &self.scratch[from..];
                let met = self.originals.entry(fingerprint(&self.key, form), column);
                met.add(Original { count: 1, free, first: false, digits: digits(form) });
            }
        }
        if let Some((last, first)) = split_comma(&self.buffer) {
            self.scratch.clear();
            self.scratch.extend_from_slice(&self.buffer[first]);
            self.scratch.push(b' ');
            self.scratch.extend_from_slice(&self.buffer[last]);
            let print = fingerprint(&self.key, &self.scratch);
            self.originals.entry(print, column).add(Original { count: 1, free, first: false, digits: 0 });
        }
        self.originals.shrink();
    }

    /// Looks at a written text cell. `generated` says that a mask wrote it: then what the mask takes from its
    /// dictionaries, and phone numbers reserved for fiction, are no leaks.
    pub fn observe_output(&mut self, column: u16, value: &[u8], generated: bool) {
        self.cells += 1;
        if value.len() < SHORTEST {
            return;
        }
        self.buffer.clear();
        canonical::append(Form::Text, value, &mut self.buffer);
        let Self { key, outputs, buffer, scratch, .. } = self;
        let text = buffer.as_slice();
        let mut see = |form: &[u8]| {
            if form.len() >= SHORTEST {
                let seen = outputs.entry(fingerprint(key, form), column);
                *seen = Seen { count: seen.count + 1, digits: digits(form) };
            }
        };
        if generated {
            let known = |word: Range<usize>| word.len() < SHORTEST || dictionary::knows(&text[word]);
            if !words(text).all(known) && !is_fictional(text) {
                see(text);
                scratch.clear();
                scratch.extend(text.iter().filter(|byte| byte.is_ascii_digit()));
                if scratch.len() >= FEWEST_DIGITS && scratch.len() < text.len() {
                    see(scratch);
                }
            }
            self.outputs.shrink();
            return;
        }
        see(text);
        let (mut before, mut last) = (None::<Range<usize>>, None::<Range<usize>>);
        for word in words(text) {
            if word.len() < text.len() {
                see(&text[word.clone()]);
            }
            parts(text, &word).for_each(|part| see(&text[part]));
            match last {
                Some(previous) if is_space(text, &previous, &word) => {
                    if word.end - previous.start < text.len() {
                        see(&text[previous.start..word.end]);
                    }
                    if let Some(before) = before.filter(|before| is_space(text, before, &previous)) {
                        see(&text[before.start..word.end]);
                    }
                    before = Some(previous);
                }
                Some(previous) if text[previous.end..word.start] == *b", " => {
                    scratch.clear();
                    scratch.extend_from_slice(&text[word.clone()]);
                    scratch.push(b' ');
                    scratch.extend_from_slice(&text[previous]);
                    see(scratch);
                    before = None;
                }
                _ => before = None,
            }
            last = Some(word);
        }
        numbers(text, scratch, &mut see);
        self.outputs.shrink();
    }

    /// Joins what two workers saw.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.observed += other.observed;
        self.cells += other.cells;
        for (reason, count) in other.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
        self.originals.threshold = self.originals.threshold.min(other.originals.threshold);
        self.outputs.threshold = self.outputs.threshold.min(other.outputs.threshold);
        for (print, met) in other.originals.prints {
            self.originals.entry(print.value, print.column).add(met);
        }
        for (print, other) in other.outputs.prints {
            let seen = self.outputs.entry(print.value, print.column);
            *seen = Seen { count: seen.count + other.count, digits: other.digits };
        }
        self.originals.shrink();
        self.outputs.shrink();
        self
    }

    /// Compares both sides.
    #[must_use]
    pub fn finish(mut self) -> LeakReport {
        let threshold = self.originals.threshold.min(self.outputs.threshold);
        let mut columns: HashMap<u64, Vec<u16>> = HashMap::new();
        let (mut common, mut compared) = (0, 0);
        for (print, met) in self.originals.prints.iter().filter(|(print, _)| print.value <= threshold) {
            let boilerplate = met.free && met.count > COMMON;
            if met.first {
                *(if boilerplate { &mut common } else { &mut compared }) += u64::from(met.count);
            }
            if !boilerplate {
                columns.entry(print.value).or_default().push(print.column);
            }
        }
        let mut hits: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        let mut numbers: BTreeMap<(u16, u16, u8), u64> = BTreeMap::new();
        for (print, seen) in &self.outputs.prints {
            for original in columns.get(&print.value).into_iter().flatten() {
                match seen.digits {
                    0 => *hits.entry((*original, print.column)).or_default() += seen.count,
                    digits => *numbers.entry((*original, print.column, digits)).or_default() += seen.count,
                }
            }
        }
        let mut chance = 0;
        for ((original, output, digits), count) in numbers {
            if self.is_chance(threshold, (original, output, digits), count) {
                chance += count;
            } else {
                *hits.entry((original, output)).or_default() += count;
            }
        }
        let sampled = self.observed.saturating_sub(common + compared);
        for (reason, count) in [("chance", chance), ("common", common), ("sampled", sampled)] {
            if count > 0 {
                *self.skipped.entry(reason).or_default() += count;
            }
        }
        LeakReport {
            hits: hits.into_iter().map(|((original, output), count)| Hit { original, output, count }).collect(),
            originals: compared,
            cells: self.cells,
            skipped: self.skipped,
        }
    }

    /// Whether `count` meetings of bare numbers are no more than chance brings about.
    ///
    /// A million phone numbers fill a good part of all ten-digit numbers, so an order id meets one now and then. Expected are
    /// (numbers seen) × (distinct originals) / (all numbers of that length); what lies within four standard deviations and
    /// three of it is chance. Where less than a hundredth of a meeting is expected, every single one counts.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn is_chance(&self, threshold: u64, (original, output, digits): (u16, u16, u8), count: u64) -> bool {
        let originals = self.originals.prints.iter();
        let known = originals
            .filter(|(print, met)| print.column == original && met.digits == digits && print.value <= threshold);
        let seen = self
            .outputs
            .prints
            .iter()
            .filter(|(print, seen)| print.column == output && seen.digits == digits && print.value <= threshold);
        let known = known.count() as f64 / Side::<Seen>::share(threshold);
        let seen: u64 = seen.map(|(_, seen)| seen.count).sum();
        let expected = seen as f64 * known / 10_f64.powi(i32::from(digits));
        expected >= 0.01 && (count as f64) <= expected + 4.0 * expected.sqrt() + 3.0
    }
}

fn fingerprint(key: &[u8; 16], form: &[u8]) -> u64 {
    SipHasher13::new_with_key(key).hash(form)
}

/// Whether free text tells more than a common phrase would.
fn is_telling(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let spaces = text.split(|byte| *byte == b' ').count() - 1;
    text.contains(&b'@') || spaces >= 4 || digits >= FEWEST_DIGITS || (spaces == 0 && digits > 0 && text.len() >= 10)
}
