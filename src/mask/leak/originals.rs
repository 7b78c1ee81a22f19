//! What the scan remembers of an original, and of values that stand in reference tables anyway.

use super::gaps::{self, MOST_LOOSE};
use super::prints::mark;
use super::stream::{self, Atom, Stream};
use super::{DICTIONARY, FEWEST_DIGITS, FEWEST_LETTERS, LeakScan, MOST_DIGITS, PLAIN, SHORT, SHORTEST};
use crate::mask::canonical;
use crate::mask::definition::Scan;
use crate::mask::dictionary;
use std::collections::BTreeMap;

/// The longest name whose words are turned around.
const LONGEST_NAME: usize = 64;

impl LeakScan {
    /// Remembers the original of a masked cell. Columns are numbered by the caller, the same in every worker.
    pub fn observe_original(&mut self, column: u16, value: &[u8], scan: Scan) {
        if scan == Scan::Never || value.is_empty() {
            return;
        }
        match self.remember(column, value, scan == Scan::Identifier) {
            None => self.observed += 1,
            Some(reason) => self.skipped[reason] += 1,
        }
    }

    /// Remembers that a value stands in a reference table, where everybody may read it: the same original is no secret. An
    /// address or a number of somebody stays one, wherever it stands.
    pub fn observe_reference(&mut self, value: &[u8]) {
        if value.len() >= SHORTEST {
            let (stream, ..) = self.reader.read(value);
            if stream.flags & stream::AT != 0 || stream.digits(0, stream.length) >= FEWEST_DIGITS {
                return;
            }
            let print = stream.print(&self.key, 0, stream.length);
            self.references.add(print, 0, 0);
        }
    }

    /// Why the original is passed over; none if it is looked for.
    fn remember(&mut self, column: u16, original: &[u8], identifier: bool) -> Option<usize> {
        let (stream, atoms, text) = self.reader.read(original);
        let text = text.trim_ascii();
        let length = stream.length;
        if length < FEWEST_LETTERS || text.len() < SHORTEST || canonical::chars(text) < SHORTEST {
            return Some(SHORT);
        }
        let digits = stream.digits(0, length);
        let at = stream.flags & stream::AT != 0;
        if !identifier && !at && digits < FEWEST_DIGITS {
            let spaces = text.split(|byte| *byte == b' ').count() - 1;
            let code = spaces == 0 && digits > 0 && text.len() >= 10;
            if spaces < 4 && !code {
                return Some(PLAIN);
            }
        }
        if identifier && digits == 0 && length + 2 >= text.len() && is_listed(text, &mut self.scratch) {
            return Some(DICTIONARY);
        }
        let (key, originals) = (&self.key, &mut self.originals);
        let other = if identifier { mark::IDENTIFIER } else { 0 };
        let whole = stream.print(key, 0, length);
        if originals.add(whole, column, other | mark::FIRST)
            && whole.digits > 0
            && let Some(number) = number(text)
        {
            widen(&mut self.spans, (column, whole.digits), number);
        }
        if digits >= FEWEST_DIGITS && digits * 2 >= text.len() {
            if digits < length && originals.add(stream.digits_alone(key, 0), column, other) {
                // The number's size is hardly ever that of the others; what is not known narrows nothing.
                widen(&mut self.spans, (column, u8::try_from(digits).unwrap_or(0)), 0);
                widen(&mut self.spans, (column, u8::try_from(digits).unwrap_or(0)), u64::MAX);
            }
            // Numbers of North America are written with and without the 1.
            if digits == 11 && text.iter().find(|byte| byte.is_ascii_digit()) == Some(&b'1') {
                let domestic = stream.digits_alone(key, 1);
                if originals.add(domestic, column, other) {
                    widen(&mut self.spans, (column, domestic.digits), 0);
                    widen(&mut self.spans, (column, domestic.digits), u64::MAX);
                }
            }
        }
        if identifier && !at && length < text.len() && length <= LONGEST_NAME {
            stream.atoms(atoms);
            if digits == 0 {
                turns(stream, atoms, text, |at| {
                    originals.add(stream.turned(key, at), column, other);
                });
            } else if let Some(end) = beginning(stream, atoms, text) {
                originals.add(stream.print(key, 0, end), column, other);
            }
        }
        None
    }
}

/// Whether it is a single word of our lists.
fn is_listed(text: &[u8], scratch: &mut Vec<u8>) -> bool {
    scratch.clear();
    scratch.extend(text.iter().map(u8::to_ascii_lowercase));
    dictionary::knows(scratch)
}

/// Where to turn a name around: before its last word, behind its first one, or at its comma.
fn turns(stream: &Stream, atoms: &[Atom], text: &[u8], mut turn: impl FnMut(usize)) {
    if stream.flags & stream::COMMA != 0 {
        let mut commas = text.iter().enumerate().filter(|(_, byte)| **byte == b',');
        let comma = commas.next().map_or(0, |(at, _)| at);
        if let (None, Some(behind)) = (commas.next(), atoms.iter().find(|atom| atom.start > comma)) {
            turn(behind.from);
        }
        return;
    }
    if let 2..=4 = atoms.len() {
        turn(atoms[atoms.len() - 1].from);
        if atoms.len() > 2 {
            turn(atoms[1].from);
        }
    }
}

/// The end of the first words of an address, if it has more words than are looked for inside of texts.
fn beginning(stream: &Stream, atoms: &[Atom], text: &[u8]) -> Option<usize> {
    let mut loose = 0;
    for pair in atoms.windows(2) {
        loose += usize::from(gaps::Gap::between(text, &pair[0], &pair[1]).is_loose());
        if loose > MOST_LOOSE {
            let end = pair[0].to;
            return (end >= 12 && stream.digits(0, end) > 0 && stream.digits(0, end) < end).then_some(end);
        }
    }
    None
}

/// The number that the digits of a text make.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let (number, count) = digits.fold((0_u64, 0), |(number, count), digit| {
        (number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')), count + 1)
    });
    (count <= MOST_DIGITS).then_some(number)
}

/// Widens the span of the numbers of one length in one column.
pub(super) fn widen(spans: &mut BTreeMap<(u16, u8), (u64, u64)>, place: (u16, u8), number: u64) {
    let (least, most) = spans.entry(place).or_insert((number, number));
    *least = (*least).min(number);
    *most = (*most).max(number);
}
