//! The comparison of both sides at the end.

use super::prints::{Met, Side, mark};
use super::{COMMON, Hit, LeakReport, LeakScan, REASONS};
use std::collections::{BTreeMap, HashMap};

impl LeakScan {
    /// Compares both sides.
    #[must_use]
    pub fn finish(self) -> LeakReport {
        let (mut originals, threshold) = self.originals.finish();
        let (mut outputs, output_threshold) = self.outputs.finish();
        let (references, reference_threshold) = self.references.finish();
        let threshold = threshold.min(output_threshold).min(reference_threshold);
        originals.retain(|met| met.value <= threshold);
        outputs.retain(|met| met.value <= threshold);
        let (mut common, mut public, mut compared) = (0, 0, 0);
        let mut reference = 0;
        let known = tally(&originals, |_| 1);
        originals.retain(|met| {
            let boilerplate = met.marks & mark::IDENTIFIER == 0 && met.count > COMMON;
            while references.get(reference).is_some_and(|other| other.value < met.value) {
                reference += 1;
            }
            let referred = references.get(reference).is_some_and(|other| other.value == met.value);
            if met.marks & mark::FIRST != 0 {
                let counter = match (referred, boilerplate) {
                    (true, _) => &mut public,
                    (false, true) => &mut common,
                    (false, false) => &mut compared,
                };
                *counter += u64::from(met.count);
            }
            !referred && !boilerplate
        });

        let mut hits: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        let mut numbers: BTreeMap<(u16, u16, u8), u64> = BTreeMap::new();
        let (mut kept, mut first) = (0, 0);
        for met in &outputs {
            // Both sides rise.
            while originals.get(first).is_some_and(|original| original.value < met.value) {
                first += 1;
            }
            for original in originals[first..].iter().take_while(|original| original.value == met.value) {
                let (column, count) = (original.column, u64::from(met.count));
                if column == met.column && self.kept.contains(&column) {
                    kept += count;
                } else if met.digits == 0 {
                    *hits.entry((column, met.column)).or_default() += count;
                } else {
                    *numbers.entry((column, met.column, met.digits)).or_default() += count;
                }
            }
        }
        let share = Side::share(threshold);
        let seen = tally(&outputs, |met| u64::from(met.count));
        let mut chance = 0;
        for ((original, output, digits), count) in numbers {
            let known = known.get(&(original, digits)).copied().unwrap_or_default();
            let seen = seen.get(&(output, digits)).copied().unwrap_or_default();
            if is_chance(share, digits, self.spans.get(&(original, digits)).copied(), known, seen, count) {
                chance += count;
            } else {
                *hits.entry((original, output)).or_default() += count;
            }
        }
        for (column, count) in self.unchanged {
            *hits.entry((column, column)).or_default() += count;
        }

        let sampled = self.observed.saturating_sub(common + compared + public);
        let mut skipped = BTreeMap::new();
        let counts = REASONS.into_iter().zip(self.skipped);
        let later =
            [("chance", chance), ("common", common), ("kept", kept), ("reference", public), ("sampled", sampled)];
        for (reason, count) in counts.chain(later).filter(|(_, count)| *count > 0) {
            *skipped.entry(reason).or_default() += count;
        }
        LeakReport {
            hits: hits.into_iter().map(|((original, output), count)| Hit { original, output, count }).collect(),
            originals: compared,
            cells: self.cells,
            skipped,
        }
    }
}

/// Numbers by column and length.
fn tally(side: &[Met], count: impl Fn(&Met) -> u64) -> HashMap<(u16, u8), u64> {
    let mut tally = HashMap::new();
    for met in side.iter().filter(|met| met.digits > 0) {
        *tally.entry((met.column, met.digits)).or_default() += count(met);
    }
    tally
}

/// Whether `count` meetings of bare numbers are no more than chance brings about.
///
/// A million phone numbers fill a good part of all ten-digit numbers, so an order id meets one now and then; and numbers that
/// were given out one after the other fill their part of all numbers wholly, so that meeting them tells nothing. Expected
/// are (numbers seen) × (distinct originals) / (all numbers of that length, or those among which a dense row of originals
/// lies); what lies within four standard deviations and three of it is chance. Where less than a hundredth of a meeting
/// is expected, every single one counts.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn is_chance(share: f64, digits: u8, span: Option<(u64, u64)>, known: u64, seen: u64, count: u64) -> bool {
    const MANY: u64 = 50;
    const DENSE: f64 = 0.05;
    let originals = known as f64 / share;
    let mut density = originals / 10_f64.powi(i32::from(digits));
    if let Some((least, most)) = span
        && known >= MANY
    {
        let within = originals / ((most - least) as f64 + 1.0);
        if within >= DENSE {
            density = within.min(1.0);
        }
    }
    let expected = seen as f64 * density;
    expected >= 0.01 && (count as f64) <= expected + 4.0 * expected.sqrt() + 3.0
}
