//! What the scan remembers of an original, and of values that stand in reference tables anyway.

use super::Lists;
use super::gaps::{self, MOST_LOOSE};
use super::prints::mark;
use super::stream::{self, Atom, Stream};
use super::{DICTIONARY, FEWEST_DIGITS, FEWEST_LETTERS, LeakScan, MOST_DIGITS, PLAIN, SHORT, SHORTEST};
use crate::mask::canonical;
use crate::mask::definition::Scan;
use std::collections::BTreeMap;

/// The longest name whose words are turned around.
const LONGEST_NAME: usize = 64;

impl LeakScan {
    /// Remembers the original of a masked cell. Columns are numbered by the caller, the same in every worker.
    pub fn observe_original(&mut self, column: u16, value: &[u8], scan: Scan) {
        self.last = 2;
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
            let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
            if value.contains(&b'@') || digits >= FEWEST_DIGITS {
                return;
            }
            let print = self.reader.total(value).0.print(&self.key);
            self.references.add(print, 0, 0);
        }
    }

    /// Why the original is passed over; none if it is looked for.
    fn remember(&mut self, column: u16, original: &[u8], identifier: bool) -> Option<usize> {
        let (total, text) = self.reader.total(original);
        let text = text.trim_ascii();
        if total.length < FEWEST_LETTERS || text.len() < SHORTEST || canonical::chars(text) < SHORTEST {
            return Some(SHORT);
        }
        if total.digits == total.length && total.length < SHORTEST {
            return Some(SHORT);
        }
        let at = total.flags & stream::AT != 0;
        if !identifier && !at && total.digits < FEWEST_DIGITS {
            let spaces = text.split(|byte| *byte == b' ').count() - 1;
            let code = spaces == 0 && total.digits > 0 && text.len() >= 10;
            if spaces < 4 && !code {
                return Some(PLAIN);
            }
        }
        if identifier
            && total.digits == 0
            && total.length + 2 >= text.len()
            && is_listed(text, &self.lists, &mut self.scratch)
        {
            return Some(DICTIONARY);
        }
        let marks = if identifier { mark::IDENTIFIER } else { 0 };
        let whole = total.print(&self.key);
        self.last = whole.value | 1;
        if self.originals.add(whole, column, marks | mark::FIRST)
            && whole.digits > 0
            && let Some(number) = number(text)
        {
            widen(&mut self.spans, (column, whole.digits), number);
        }
        // The other forms; only some kinds of originals have any.
        let digits = total.digits >= FEWEST_DIGITS && total.digits * 2 >= text.len();
        let domestic = digits && total.digits == 11 && text.iter().find(|byte| byte.is_ascii_digit()) == Some(&b'1');
        let spaces = || text.iter().filter(|byte| **byte == b' ').take(MOST_LOOSE + 1).count();
        let wordy = identifier && !at && total.length < text.len() && total.length <= LONGEST_NAME;
        let wordy = wordy && (total.digits == 0 || spaces() > MOST_LOOSE);
        if digits && (domestic || total.digits < total.length) {
            self.remember_digits(column, original, marks, domestic);
        }
        if wordy {
            self.remember_words(column, original, marks);
        }
        None
    }

    /// The digits of a number, and of one of North America those without the 1.
    fn remember_digits(&mut self, column: u16, original: &[u8], marks: u8, domestic: bool) {
        self.reader.read(original);
        let (stream, originals) = (&self.reader.stream, &mut self.originals);
        for print in (0..=usize::from(domestic)).map(|skip| stream.digits_alone(&self.key, skip)) {
            if originals.add(print, column, marks) {
                // How far they spread is not known.
                widen(&mut self.spans, (column, print.digits), 0);
                widen(&mut self.spans, (column, print.digits), u64::MAX);
            }
        }
    }

    /// A name the other way round, the beginning of an address.
    fn remember_words(&mut self, column: u16, original: &[u8], marks: u8) {
        let text = self.reader.read(original).trim_ascii().to_vec();
        self.reader.read(&text);
        let super::Reader { stream, atoms, .. } = &mut self.reader;
        let (key, originals) = (&self.key, &mut self.originals);
        stream.atoms(atoms);
        if stream.digits(0, stream.length) == 0 {
            turns(stream, atoms, &text, |at| {
                originals.add(stream.turned(key, at), column, marks);
            });
        } else if let Some(end) = beginning(stream, atoms, &text) {
            originals.add(stream.print(key, 0, end), column, marks);
        }
    }
}

/// Whether it is a single word of our lists.
fn is_listed(text: &[u8], lists: &Lists, scratch: &mut Vec<u8>) -> bool {
    scratch.clear();
    scratch.extend(text.iter().map(u8::to_ascii_lowercase));
    lists.know(scratch)
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
