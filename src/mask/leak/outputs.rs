//! How the scan looks at what is written.

use super::Lists;
use super::gaps::{self, Gap, MOST_LOOSE, MOST_PARTS};
use super::hash::Key;
use super::prints::Side;
use super::stream::{self, LONGEST};
use super::{BLOB, FEWEST_DIGITS, FEWEST_LETTERS, LeakScan, MOST_DIGITS, Reader, SHORTEST, decode};
use crate::mask::definition::{Definition, Strength, Uniqueness};
use crate::mask::params::ParamKind;

/// So often a text inside of a text is opened.
const DEPTH: u8 = 3;
/// More of a binary cell is not looked at.
const MOST_BLOB: usize = 1 << 20;

/// Shorter words are no base64 of anything that is looked for.
const SHORTEST_TOKEN: usize = 8;
/// Numbers of so many digits are looked for without their first one, too.
const FEWEST_DOMESTIC: usize = 11;

/// How an output came about, which decides what in it may be a leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It was kept: all of it is looked at.
    Kept,
    /// A mask wrote it and may have kept parts of the original (text, JSON): all of it is looked at, but not what masks take
    /// from their lists.
    Mixed,
    /// A mask made it up: it is looked at as a whole. That nothing of the original stands inside is for canaries to show.
    Made,
    /// As `Made`, among the values that originals have too: only numbers are compared, of which it is known how many meet by
    /// chance.
    Permuted,
}

impl Output {
    /// What a mask writes.
    #[must_use]
    pub fn of(definition: &Definition) -> Self {
        let nests = definition.params.iter().any(|param| matches!(param.kind, ParamKind::Mask | ParamKind::Masks));
        if definition.keeps_original {
            Self::Kept
        } else if nests || definition.after {
            Self::Mixed
        } else if definition.unique == Uniqueness::Exact {
            Self::Permuted
        } else if matches!(definition.strength, Strength::Partial | Strength::Kept) {
            Self::Mixed
        } else {
            Self::Made
        }
    }
}

impl LeakScan {
    /// Looks at a written cell.
    pub fn observe_output(&mut self, column: u16, value: &[u8], output: Output) {
        self.observe(column, value, output);
    }

    /// Looks at a text that is no cell: of the manifest, a name of a table, a file or a snapshot.
    pub fn observe_text(&mut self, column: u16, text: &str) {
        self.observe(column, text.as_bytes(), Output::Kept);
    }

    /// Looks at the texts in a written binary cell, up to its first MiB.
    pub fn observe_blob(&mut self, column: u16, blob: &[u8]) {
        self.cells += 1;
        self.skipped[BLOB] += u64::from(blob.len() > MOST_BLOB);
        let mut scratch = std::mem::take(&mut self.scratch);
        decode::runs(&blob[..blob.len().min(MOST_BLOB)], SHORTEST, &mut scratch, |run| {
            self.look(column, run, false, 0);
        });
        self.scratch = scratch;
    }

    /// As [`observe_output`](Self::observe_output); a value that equals the original's if the output does.
    pub(super) fn observe(&mut self, column: u16, value: &[u8], output: Output) -> u64 {
        self.cells += 1;
        if value.len() < SHORTEST {
            return 0;
        }
        match output {
            Output::Made | Output::Permuted => self.glance(column, value, output == Output::Permuted),
            Output::Kept | Output::Mixed => {
                let mark = self.key.mark(value, u64::from(output == Output::Mixed));
                if !self.quiet.knows(mark) {
                    let taken = self.outputs.taken;
                    self.look(column, value, output == Output::Mixed, 0);
                    if taken == self.outputs.taken {
                        self.quiet.learn(mark);
                    }
                }
                0
            }
        }
    }

    /// Looks at a whole value, and at numbers in it.
    fn glance(&mut self, column: u16, value: &[u8], permuted: bool) -> u64 {
        let (total, text) = self.reader.total(value);
        if total.length < FEWEST_LETTERS || total.digits == total.length && total.length < SHORTEST {
            return 0;
        }
        let whole = total.print(&self.key);
        let mark = whole.value | 1;
        if self.outputs.takes(whole) && (whole.digits > 0 || !permuted) && !self.quiet.knows(mark) {
            let listed = if whole.digits > 0 {
                gaps::is_fictional(text)
            } else {
                is_listed(text, &self.lists, &mut self.scratch)
            };
            if listed {
                self.quiet.learn(mark);
            } else {
                self.outputs.add(whole, column, 0);
            }
        }
        // Digits that are scattered over a word (a random tag) make no number; groups of nothing but digits do.
        if whole.digits == 0 && total.digits >= FEWEST_DIGITS && gaps::has_number(text, FEWEST_DIGITS) {
            let text = self.reader.read(value);
            let text = text[..text.len().min(LONGEST)].to_vec();
            self.reader.join(&text);
            let (key, reader, lists) = (&self.key, &self.reader, &self.lists);
            let stretches = Stretches { key, reader, lists, text: &text, listed: true, only_numbers: true };
            stretches.look(column, &mut self.outputs, &mut self.scratch);
        }
        mark
    }

    /// Looks at every stretch of a text, and at what is encoded in it.
    fn look(&mut self, column: u16, value: &[u8], listed: bool, depth: u8) {
        if self.look_at_whole(column, value, listed) {
            return;
        }
        let mut folded = std::mem::take(&mut self.reader.folded);
        let mut text = value;
        if !value.is_ascii() {
            folded.clear();
            decode::fold(value, &mut folded);
            text = &folded;
        }
        let (mut at, mut flags, mut long) = (0, 0, false);
        loop {
            let piece = &text[at..];
            self.reader.stream.read(piece);
            flags |= self.reader.stream.flags;
            long |= self.reader.stream.has_long_run();
            self.outputs_of(column, &piece[..self.reader.stream.read], listed);
            if piece.len() <= LONGEST {
                break;
            }
            // The next piece begins with the last words of this one.
            let atoms = &self.reader.atoms;
            let mut again = atoms[atoms.len().saturating_sub(MOST_PARTS)..].iter().map(|atom| atom.start);
            at += again.find(|start| *start > LONGEST / 2).unwrap_or(LONGEST);
        }
        self.reader.folded = folded;
        if depth < DEPTH && (long || flags & stream::ESCAPE != 0) {
            self.open(column, value, listed, depth, flags);
        }
    }

    /// Looks at a value of which nothing but the whole may be an original: a number, a word, a day, a UUID.
    fn look_at_whole(&mut self, column: u16, value: &[u8], listed: bool) -> bool {
        const LONGEST_WORD: usize = 36;
        if value.len() > LONGEST_WORD {
            return false;
        }
        let total = self.reader.stream.total(value);
        let plain = total.flags & (stream::WIDE | stream::UPPER | stream::ESCAPE) == 0;
        let word = plain && total.length == value.len() && total.digits < FEWEST_DIGITS && value.len() < SHORTEST_TOKEN;
        let number = total.digits == value.len() && value.len() < FEWEST_DOMESTIC;
        if !word && !number && !gaps::is_moment(value) && !gaps::is_uuid(value) {
            return false;
        }
        let whole = total.print(&self.key);
        if self.outputs.takes(whole) {
            let made = listed
                && if number { gaps::is_fictional(value) } else { is_known(value, &self.lists, &mut self.scratch) };
            if !made {
                self.outputs.add(whole, column, 0);
            }
        }
        true
    }

    /// Looks at what a text says once its escapes are undone, and at what its tokens say.
    fn open(&mut self, column: u16, value: &[u8], listed: bool, depth: u8, flags: u32) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if flags & stream::ESCAPE != 0 {
            scratch.clear();
            if decode::unescape(value, &mut scratch) {
                let plain = std::mem::take(&mut scratch);
                self.look(column, &plain, listed, depth + 1);
                scratch = plain;
            }
        }
        decode::tokens(value, &mut scratch, |text| self.look(column, text, listed, depth + 1));
        self.scratch = scratch;
    }

    /// Looks at the stretches of the piece that was read last.
    fn outputs_of(&mut self, column: u16, text: &[u8], listed: bool) {
        let length = self.reader.stream.length;
        if length < FEWEST_LETTERS {
            return self.reader.atoms.clear();
        }
        self.reader.join(text);
        let (key, outputs) = (&self.key, &mut self.outputs);
        let stretches = Stretches { key, reader: &self.reader, lists: &self.lists, text, listed, only_numbers: false };
        stretches.look(column, outputs, &mut self.scratch);
        stretches.leaves(column, outputs, &mut self.scratch);
    }
}

/// Whether masks write all words of a text. The last ones are those that tell a whole address or email from a name.
fn is_listed(text: &[u8], lists: &Lists, scratch: &mut Vec<u8>) -> bool {
    let mut words = text.rsplit(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
    words.all(|word| is_known(word, lists, scratch))
}

/// Whether masks write the word: of their lists, a number of a house, an initial.
fn is_known(word: &[u8], lists: &Lists, scratch: &mut Vec<u8>) -> bool {
    if word.len() <= 2 || word.len() <= 5 && word.iter().all(u8::is_ascii_digit) {
        return true;
    }
    scratch.clear();
    scratch.extend(word.iter().map(u8::to_ascii_lowercase));
    lists.know(scratch)
}

/// The stretches of one piece of text.
struct Stretches<'a> {
    key: &'a Key,
    reader: &'a Reader,
    text: &'a [u8],
    /// The words that masks may have written.
    lists: &'a Lists,
    /// Whether masks may have written words of their lists there.
    listed: bool,
    only_numbers: bool,
}

impl Stretches<'_> {
    /// Adds every stretch that may be a value.
    fn look(&self, column: u16, outputs: &mut Side, scratch: &mut Vec<u8>) {
        let Reader { stream, atoms, joints, .. } = self.reader;
        for (first, start) in atoms.iter().enumerate() {
            let mut all_digits = joints[first].1;
            if self.only_numbers && !all_digits {
                continue;
            }
            let mut loose = 0;
            for last in first..atoms.len().min(first + MOST_PARTS) {
                let end = &atoms[last];
                if last > first {
                    let (gap, digits) = joints[last];
                    // Groups of one number stand close to each other.
                    if gap == Gap::Wide || gap != Gap::Number && all_digits && digits {
                        break;
                    }
                    all_digits &= digits;
                    loose += usize::from(gap == Gap::Loose);
                    if loose > MOST_LOOSE || self.only_numbers && !all_digits {
                        break;
                    }
                }
                let length = end.to - start.from;
                let telling = if all_digits {
                    (length >= FEWEST_DIGITS || first == last && length >= SHORTEST) && length <= MOST_DIGITS
                } else {
                    length >= FEWEST_LETTERS && end.end - start.start >= SHORTEST
                };
                if !telling {
                    continue;
                }
                let print = stream.print(self.key, start.from, end.to);
                if outputs.takes(print) && self.may_leak(first, last, all_digits, scratch) {
                    outputs.add(print, column, 0);
                }
                if all_digits && length == 11 && self.text[start.start] == b'1' {
                    let domestic = stream.print(self.key, start.from + 1, end.to);
                    if outputs.takes(domestic) && self.may_leak(first, last, true, scratch) {
                        outputs.add(domestic, column, 0);
                    }
                }
            }
            let embeds = !self.only_numbers && !joints[first].1;
            if embeds && stream.digits(start.from, start.to) >= FEWEST_DIGITS {
                self.embedded(first, column, outputs);
            }
        }
    }

    /// Adds leaves, lines and fields as a whole, which may have more words than a stretch; and the text as a whole.
    fn leaves(&self, column: u16, outputs: &mut Side, scratch: &mut Vec<u8>) {
        let Reader { stream, atoms, joints, .. } = self.reader;
        let apart = |last: usize| match joints[last] {
            (Gap::Wide, _) => true,
            (gap, digits) => gap != Gap::Number && digits && joints[last - 1].1,
        };
        let mut add = |first: usize, last: usize| {
            // Others were stretches already.
            if last > first + MOST_LOOSE || (first + 1..=last).any(apart) {
                let print = stream.print(self.key, atoms[first].from, atoms[last].to);
                if outputs.takes(print) && self.may_leak(first, last, print.digits > 0, scratch) {
                    outputs.add(print, column, 0);
                }
            }
        };
        let mut first = 0;
        for (at, pair) in atoms.windows(2).enumerate() {
            if gaps::ends_leaf(&self.text[pair[0].end..pair[1].start]) {
                add(first, at);
                first = at + 1;
            }
        }
        add(first, atoms.len() - 1);
        if first > 0 {
            add(0, atoms.len() - 1);
        }
    }

    /// Adds numbers that stand inside of a word: `ssn219099999`.
    fn embedded(&self, at: usize, column: u16, outputs: &mut Side) {
        let atom = &self.reader.atoms[at];
        let mut start = atom.from;
        for run in self.text[atom.start..atom.end].split(|byte| !byte.is_ascii_digit()) {
            if (FEWEST_DIGITS..=MOST_DIGITS).contains(&run.len()) && !(self.listed && gaps::is_fictional(run)) {
                outputs.add(self.reader.stream.print(self.key, start, start + run.len()), column, 0);
            }
            start += run.len() + 1;
        }
    }

    /// Whether a stretch is no words of our lists and no number reserved for fiction, where masks write those.
    fn may_leak(&self, first: usize, last: usize, digits: bool, scratch: &mut Vec<u8>) -> bool {
        let atoms = &self.reader.atoms;
        if !self.listed {
            return true;
        }
        if digits {
            return !gaps::is_fictional(&self.text[atoms[first].start..atoms[last].end]);
        }
        !atoms[first..=last].iter().all(|atom| is_known(&self.text[atom.start..atom.end], self.lists, scratch))
    }
}
