//! The residual-leak scan: looks for originals of masked columns in everything that is written.
//!
//! Both sides, originals and outputs, are kept as keyed 64-bit fingerprints below a threshold, which halves whenever a side
//! outgrows its capacity. Memory is constant whatever the table's size; a systematic leak is found on the sample that
//! is left, a single one for certain as long as nothing had to be sampled. Originals themselves are never stored.

mod forms;
mod hash;
mod prints;
mod quiet;
#[cfg(test)]
mod tests;

use super::canonical::{self, Form};
use super::definition::Scan;
use super::dictionary;
use crate::secret::Secret32;
use forms::{is_fictional, is_space, numbers, parts, split_comma, words};
use hash::Key;
use prints::{Original, Seen, Side};
use quiet::{Fate, Quiet};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Shorter originals say too little.
const SHORTEST: usize = 6;
/// Fewer digits are no phone or identity number.
const FEWEST_DIGITS: usize = 7;
/// Why originals are not looked for.
const REASONS: [&str; 3] = ["short", "dictionary", "common"];
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
    key: Key,
    originals: Side<Original>,
    outputs: Side<Seen>,
    observed: u64,
    cells: u64,
    skipped: [u64; REASONS.len()],
    quiet: Quiet,
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
        Self {
            key: Key::new(key),
            originals: Side::new(capacity),
            outputs: Side::new(capacity),
            observed: 0,
            cells: 0,
            skipped: [0; REASONS.len()],
            quiet: Quiet::default(),
            buffer: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Remembers the original of a masked cell. Columns are numbered by the caller, the same in every worker.
    pub fn observe_original(&mut self, column: u16, value: &[u8], scan: Scan) {
        if scan == Scan::Never || value.is_empty() {
            return;
        }
        let free = scan == Scan::FreeText;
        let mark = self.key.mark(value, 2 + u64::from(free));
        let fate = self.quiet.fate(mark).unwrap_or_else(|| {
            let met = self.originals.met;
            let fate = self.remember(column, value, free);
            if fate != Fate::Observed || self.originals.met == met {
                self.quiet.learn(mark, fate);
            }
            fate
        });
        match fate {
            Fate::Observed => self.observed += 1,
            Fate::Skipped(reason) => self.skipped[usize::from(reason)] += 1,
        }
    }

    fn remember(&mut self, column: u16, original: &[u8], free: bool) -> Fate {
        self.buffer.clear();
        canonical::append(Form::Text, original, &mut self.buffer);
        if canonical::chars(&self.buffer) < SHORTEST {
            return Fate::Skipped(0);
        }
        if dictionary::knows(&self.buffer) {
            return Fate::Skipped(1);
        }
        if free && !is_telling(&self.buffer) {
            return Fate::Skipped(2);
        }
        let other = Original { count: 1, free, first: false };
        self.originals.add(self.key.print(&self.buffer), column, Original { first: true, ..other });
        let count = self.buffer.iter().filter(|byte| byte.is_ascii_digit()).count();
        if count >= FEWEST_DIGITS && count < self.buffer.len() && count * 2 >= self.buffer.len() {
            self.scratch.clear();
            self.scratch.extend(self.buffer.iter().filter(|byte| byte.is_ascii_digit()));
            let domestic = usize::from(count == 11 && self.scratch[0] == b'1');
            for from in 0..=domestic {
                self.originals.add(self.key.print(&self.scratch[from..]), column, other);
            }
        }
        if let Some((last, first)) = split_comma(&self.buffer) {
            self.scratch.clear();
            self.scratch.extend_from_slice(&self.buffer[first]);
            self.scratch.push(b' ');
            self.scratch.extend_from_slice(&self.buffer[last]);
            self.originals.add(self.key.print(&self.scratch), column, other);
        }
        Fate::Observed
    }

    /// Looks at a written text cell. `generated` says that a mask wrote it: then what the mask takes from its
    /// dictionaries, and phone numbers reserved for fiction, are no leaks.
    pub fn observe_output(&mut self, column: u16, value: &[u8], generated: bool) {
        self.cells += 1;
        if value.len() < SHORTEST {
            return;
        }
        let mark = self.key.mark(value, u64::from(generated));
        if self.quiet.fate(mark).is_some() {
            return;
        }
        let met = self.outputs.met;
        self.look(column, value, generated);
        if self.outputs.met == met {
            self.quiet.learn(mark, Fate::Observed);
        }
    }

    fn look(&mut self, column: u16, value: &[u8], generated: bool) {
        let Self { key, outputs, buffer, scratch, .. } = self;
        if !generated && value.iter().all(u8::is_ascii_digit) {
            return outputs.add(key.print(value), column, Seen(1));
        }
        buffer.clear();
        canonical::append(Form::Text, value, buffer);
        let text = buffer.as_slice();
        let mut see = |form: &[u8]| {
            if form.len() >= SHORTEST {
                outputs.add(key.print(form), column, Seen(1));
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
        numbers(text, |number, length| outputs.add(key.number(number, length), column, Seen(1)));
    }

    /// Joins what two workers saw.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.observed += other.observed;
        self.cells += other.cells;
        for (sum, count) in self.skipped.iter_mut().zip(other.skipped) {
            *sum += count;
        }
        self.originals.join(other.originals);
        self.outputs.join(other.outputs);
        self
    }

    /// Compares both sides.
    #[must_use]
    pub fn finish(self) -> LeakReport {
        let (mut originals, threshold) = self.originals.finish();
        let (mut outputs, output_threshold) = self.outputs.finish();
        let threshold = threshold.min(output_threshold);
        originals.retain(|met| met.value <= threshold);
        outputs.retain(|met| met.value <= threshold);
        let mut columns: HashMap<u64, Vec<u16>> = HashMap::new();
        let (mut common, mut compared) = (0, 0);
        for met in &originals {
            let boilerplate = met.known.free && met.known.count > COMMON;
            if met.known.first {
                *(if boilerplate { &mut common } else { &mut compared }) += u64::from(met.known.count);
            }
            if !boilerplate {
                columns.entry(met.value).or_default().push(met.column);
            }
        }
        let mut hits: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        let mut numbers: BTreeMap<(u16, u16, u8), u64> = BTreeMap::new();
        for met in &outputs {
            for original in columns.get(&met.value).into_iter().flatten() {
                let count = u64::from(met.known.0);
                match met.digits {
                    0 => *hits.entry((*original, met.column)).or_default() += count,
                    digits => *numbers.entry((*original, met.column, digits)).or_default() += count,
                }
            }
        }
        let mut chance = 0;
        for ((original, output, digits), count) in numbers {
            let known = originals.iter().filter(|met| met.column == original && met.digits == digits).count();
            let seen = outputs.iter().filter(|met| met.column == output && met.digits == digits);
            let seen = seen.map(|met| u64::from(met.known.0)).sum();
            if is_chance(Side::<Seen>::share(threshold), digits, known, seen, count) {
                chance += count;
            } else {
                *hits.entry((original, output)).or_default() += count;
            }
        }
        let sampled = self.observed.saturating_sub(common + compared);
        let mut skipped = BTreeMap::new();
        let counts = REASONS.into_iter().zip(self.skipped);
        for (reason, count) in counts.chain([("chance", chance), ("common", common), ("sampled", sampled)]) {
            if count > 0 {
                *skipped.entry(reason).or_default() += count;
            }
        }
        LeakReport {
            hits: hits.into_iter().map(|((original, output), count)| Hit { original, output, count }).collect(),
            originals: compared,
            cells: self.cells,
            skipped,
        }
    }
}

/// Whether `count` meetings of bare numbers are no more than chance brings about.
///
/// A million phone numbers fill a good part of all ten-digit numbers, so an order id meets one now and then. Expected are
/// (numbers seen) × (distinct originals) / (all numbers of that length); what lies within four standard deviations and
/// three of it is chance. Where less than a hundredth of a meeting is expected, every single one counts.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn is_chance(share: f64, digits: u8, known: usize, seen: u64, count: u64) -> bool {
    let known = known as f64 / share;
    let expected = seen as f64 * known / 10_f64.powi(i32::from(digits));
    expected >= 0.01 && (count as f64) <= expected + 4.0 * expected.sqrt() + 3.0
}

/// Whether free text tells more than a common phrase would.
fn is_telling(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let spaces = text.split(|byte| *byte == b' ').count() - 1;
    text.contains(&b'@') || spaces >= 4 || digits >= FEWEST_DIGITS || (spaces == 0 && digits > 0 && text.len() >= 10)
}
