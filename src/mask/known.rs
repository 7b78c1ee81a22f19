//! What a capture has learned of its own sensitive values, so that free text, JSON and copies without a foreign key say
//! the masked form of a value that some column holds.
//!
//! A value is found by its words, whatever their case, accents and punctuation, or by its digits. Only 64-bit numbers of
//! the words and the masked forms are kept: the originals themselves are not in memory. Where several people share a
//! spelling, the row's own subject decides if it is among them, then whoever the same text named in full before, else the
//! smallest masked form; so the order of reading decides nothing.

mod learn;
mod plain;
#[cfg(test)]
mod tests;
mod words;

pub use learn::Learning;
pub(in crate::mask) use words::{Word, Words, is_unspaced};

use crate::model::batch::Cell;
use std::ops::Range;
use words::{Key, exactly, mix};

/// The most words of a value that is found.
const MOST_WORDS: usize = 16;
/// The most bytes between two words of one value.
const WIDEST_GAP: usize = 3;
/// The fewest and the most digits of a number that is found by its digits.
const DIGITS: std::ops::RangeInclusive<usize> = 6..=19;

/// How many values were learned, and how many were not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spellings that are found.
    pub spellings: u64,
    /// Values that there was no room for.
    pub passed_over: u64,
    /// Values that are too short, too long or too plain to be told from other words.
    pub unfit: u64,
}

/// The sensitive values of a capture and their masked forms. Empty unless a mask of the policy asks for it.
#[derive(Default)]
pub struct Known {
    /// Ordered by key; of each key the default first, then by subject.
    records: Vec<Record>,
    /// Where the records begin whose keys begin with the same bits.
    index: Vec<u32>,
    /// A bit or more for each key, and for each beginning of a longer one.
    filter: Vec<u64>,
    texts: Vec<u8>,
    counts: Counts,
}

/// A spelling of one subject's value.
#[derive(Debug, Clone, Copy)]
struct Record {
    key: u64,
    subject: u64,
    at: u32,
    length: u16,
    kind: Kind,
}

/// How a masked form is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is.
    Exact,
    /// In the case of the words that it stands for.
    Words,
    /// As [`Kind::Words`], and only for a word that begins with a capital letter.
    Capitalised,
    /// With the punctuation of the digits that it stands for.
    Digits,
}

/// A value that was found in a text.
#[derive(Debug, Clone, Copy)]
pub(in crate::mask) struct Found<'a> {
    /// Where it ends.
    pub(in crate::mask) end: usize,
    words: usize,
    records: &'a [Record],
}

/// Shows counts only.
impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known[{} spellings]", self.counts.spellings)
    }
}

/// Whom a text speaks of: the row's subject, and whoever was named last.
#[derive(Debug, Clone, Copy)]
pub(in crate::mask) struct About {
    subject: u64,
    named: u64,
}

impl About {
    pub(in crate::mask) fn of(subject: Option<Cell<'_>>) -> Self {
        Self { subject: subject.map_or(0, number_of), named: 0 }
    }
}

/// A subject as a number, never 0 unless there is none.
fn number_of(subject: Cell<'_>) -> u64 {
    if subject.bytes.is_empty() { 0 } else { mix(exactly(subject.bytes), 0x7375_626A).max(1) }
}

impl Known {
    /// Nothing is known.
    pub const NOTHING: &'static Self = &Self {
        records: Vec::new(),
        index: Vec::new(),
        filter: Vec::new(),
        texts: Vec::new(),
        counts: Counts { spellings: 0, passed_over: 0, unfit: 0 },
    };

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How much is known.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes of memory.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.records.len() * size_of::<Record>() + self.index.len() * 4 + self.filter.len() * 8 + self.texts.len()
    }

    /// The masked form of exactly this value, in any spelling; where several subjects share the value, that of `subject`.
    #[must_use]
    pub fn masked(&self, value: &[u8], subject: Option<Cell<'_>>) -> Option<&[u8]> {
        if self.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(value);
        let found = self.whole(&text)?;
        Some(self.text(Self::choose(found.records, About::of(subject))))
    }

    /// As [`masked`](Self::masked), written in the manner of `text`. Whether it was known.
    pub(in crate::mask) fn write_whole(&self, text: &str, subject: Option<Cell<'_>>, out: &mut Vec<u8>) -> bool {
        let Some(found) = (if self.is_empty() { None } else { self.whole(text) }) else {
            return false;
        };
        self.write(&found, text, &mut About::of(subject), out);
        true
    }

    /// The value that is all of the text.
    fn whole(&self, text: &str) -> Option<Found<'_>> {
        let end = text.len();
        let (mut key, mut words) = (Key::NONE, 0);
        let mut joined = Word { start: 0, end, hash: 0 };
        for word in Words::new(text) {
            (key, words) = (key.then(&word), words + 1);
            joined = word;
            if words > MOST_WORDS {
                return None;
            }
        }
        if let Some(records) = self.find(key)
            && (words != 1 || is_written_so(records, &text[joined.start..]))
        {
            return Some(Found { end, words, records });
        }
        let other = spelled_digits(text).map_or_else(|| compact(text), |digits| Some(Key::digits(digits)));
        other.and_then(|key| self.find(key)).map(|records| Found { end, words, records })
    }

    /// The longest value that begins with `first`, a word of `text`; `next` goes on behind it.
    pub(in crate::mask) fn longest(&self, text: &str, first: &Word, next: Words<'_>) -> Option<Found<'_>> {
        let mut key = Key::NONE.then(first);
        let mut found = None;
        let mut end = first.end;
        let mut next = next;
        for words in 1..=MOST_WORDS {
            if !self.may_know(key) {
                break;
            }
            if let Some(records) = self.find(key)
                && (words > 1 || is_written_so(records, &text[first.start..end]))
            {
                found = Some(Found { end, words, records });
            }
            let Some(word) = next.next() else { break };
            if word.start > end + WIDEST_GAP {
                break;
            }
            key = key.then(&word);
            end = word.end;
        }
        found
    }

    /// The longest number that begins with the digits at `start` and is known by its digits, and its end.
    pub(in crate::mask) fn number(&self, text: &str, start: usize) -> Option<Found<'_>> {
        let bytes = text.as_bytes();
        // The digits so far and where each group of them ends.
        let (mut digits, mut count) = ([0; 20], 0);
        let (mut ends, mut groups) = ([(0, 0); 8], 0);
        let mut at = start;
        'groups: while groups < ends.len() {
            while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
                if count == digits.len() {
                    break 'groups;
                }
                digits[count] = *digit;
                count += 1;
                at += 1;
            }
            if bytes.get(at).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80) && !is_gap(bytes, at) {
                break;
            }
            ends[groups] = (at, count);
            groups += 1;
            let gap = bytes[at..].iter().take_while(|byte| b" -./()".contains(byte)).count();
            if gap == 0 || gap > 2 || !bytes.get(at + gap).is_some_and(u8::is_ascii_digit) {
                break;
            }
            at += gap;
        }
        for &(end, count) in ends[..groups].iter().rev().filter(|(_, count)| DIGITS.contains(count)) {
            let known = self.find(Key::digits(digits_of(&digits[..count])));
            if let Some(records) = known {
                return Some(Found { end, words: 1, records });
            }
        }
        None
    }

    /// Appends the masked form of what was found as `original`.
    pub(in crate::mask) fn write(&self, found: &Found<'_>, original: &str, about: &mut About, out: &mut Vec<u8>) {
        let record = Self::choose(found.records, *about);
        if found.words > 1 && found.records.len() == 1 {
            about.named = record.subject;
        }
        let masked = self.text(record);
        match record.kind {
            Kind::Exact => out.extend_from_slice(masked),
            Kind::Words | Kind::Capitalised => write_words(original, &String::from_utf8_lossy(masked), out),
            Kind::Digits => write_digits(original, masked, out),
        }
    }

    fn may_know(&self, key: Key) -> bool {
        let bits = bits(key.0);
        self.filter.get(slot(key.0, self.filter.len())).is_some_and(|word| word & bits == bits)
    }

    fn find(&self, key: Key) -> Option<&[Record]> {
        if !self.may_know(key) {
            return None;
        }
        let bucket = slot(key.0, self.index.len().saturating_sub(1));
        let from = *self.index.get(bucket)? as usize;
        let to = *self.index.get(bucket + 1)? as usize;
        let bucket = self.records.get(from..to)?;
        let start = bucket.partition_point(|record| record.key < key.0);
        let end = bucket.partition_point(|record| record.key <= key.0);
        (start < end).then(|| &bucket[start..end])
    }

    /// Whose masked form is written.
    fn choose(records: &[Record], about: About) -> &Record {
        let of = |subject: u64| {
            let found = records.binary_search_by_key(&subject, |record| record.subject).ok();
            found.filter(|_| subject != 0).map(|at| &records[at])
        };
        of(about.subject).or_else(|| of(about.named)).unwrap_or(&records[0])
    }

    fn text(&self, record: &Record) -> &[u8] {
        let at = record.at as usize;
        &self.texts[at..at + usize::from(record.length)]
    }
}

/// The place of a key among `slots`, in the order of keys.
fn slot(key: u64, slots: usize) -> usize {
    super::key::scale(key, slots)
}

/// Three bits of a word of the filter.
fn bits(key: u64) -> u64 {
    [0, 6, 12].iter().fold(0, |bits, shift| bits | 1 << (key >> shift & 63))
}

/// Whether a single word is written as a name has to be.
fn is_written_so(records: &[Record], word: &str) -> bool {
    records[0].kind != Kind::Capitalised || word.chars().next().is_some_and(char::is_uppercase)
}

fn is_gap(bytes: &[u8], at: usize) -> bool {
    // A no-break space behind the digits, or any other character that is no letter or digit.
    std::str::from_utf8(&bytes[at..bytes.len().min(at + 4)])
        .or_else(|error| std::str::from_utf8(&bytes[at..at + error.valid_up_to()]))
        .is_ok_and(|text| text.chars().next().is_some_and(|c| !c.is_alphanumeric()))
}

/// The digits of a text that is a number in groups: nothing else in it but punctuation.
fn spelled_digits(text: &str) -> Option<impl Iterator<Item = u8>> {
    let plain = |byte: &u8| byte.is_ascii_digit() || b" -./()+".contains(byte);
    let count = text.bytes().filter(u8::is_ascii_digit).count();
    (text.as_bytes().iter().all(plain) && DIGITS.contains(&count)).then(|| digits_of(text.as_bytes()))
}

/// The digits, without the 1 that eleven North American ones begin with.
fn digits_of(text: &[u8]) -> impl Iterator<Item = u8> {
    let digits = text.iter().copied().filter(u8::is_ascii_digit);
    let domestic = digits.clone().count() == 11 && digits.clone().next() == Some(b'1');
    digits.skip(usize::from(domestic))
}

/// The key of a code that is written in groups: its letters and digits as one word.
fn compact(text: &str) -> Option<Key> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let mut joined = String::with_capacity(text.len());
    joined.extend(text.chars().filter(|c| c.is_alphanumeric()));
    if digits * 2 < joined.len() || joined.len() < 8 || !text.is_ascii() {
        return None;
    }
    Words::new(&joined).next().map(|word| Key::NONE.then(&word))
}

/// Appends `masked` in the case of `original`: word by word with the punctuation of the original, where both have as many.
fn write_words(original: &str, masked: &str, out: &mut Vec<u8>) {
    let parts = || masked.split(' ').map(|part| part.trim_matches(',')).filter(|part| !part.is_empty());
    let words = Words::new(original);
    // Words without anything between them (a name in Chinese) leave no place for two words of another script.
    let touching = words.zip(words.skip(1)).any(|(word, next)| word.end == next.start);
    if touching || words.count() != parts().count() {
        return write_cased(original, masked, out);
    }
    let mut copied = 0;
    for (word, part) in words.zip(parts()) {
        out.extend_from_slice(&original.as_bytes()[copied..word.start]);
        write_cased(&original[word.start..word.end], part, out);
        copied = word.end;
    }
    out.extend_from_slice(&original.as_bytes()[copied..]);
}

fn write_cased(original: &str, masked: &str, out: &mut Vec<u8>) {
    let upper = original.chars().filter(|c| c.is_uppercase()).count();
    let lower = original.chars().filter(|c| c.is_lowercase()).count();
    match (upper, lower) {
        (0, 1..) => out.extend_from_slice(masked.to_lowercase().as_bytes()),
        (2.., 0) => out.extend_from_slice(masked.to_uppercase().as_bytes()),
        _ => out.extend_from_slice(masked.as_bytes()),
    }
}

/// Appends the digits of `masked` with the punctuation of `original` where there are as many, else `masked`.
fn write_digits(original: &str, masked: &[u8], out: &mut Vec<u8>) {
    let count = |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let (wanted, given) = (count(original.as_bytes()), count(masked));
    let (ours, theirs) = (leading(original.as_bytes()), leading(masked));
    let skip = match (wanted, given) {
        _ if wanted == given => 0,
        (11, 10) if ours == Some(b'1') => 0,
        (10, 11) if theirs == Some(b'1') => 1,
        _ => return out.extend_from_slice(masked),
    };
    let trunk = (wanted > given).then_some(b'1');
    let mut digits = trunk.into_iter().chain(masked.iter().copied().filter(u8::is_ascii_digit).skip(skip));
    let poured = original.bytes().map(|byte| if byte.is_ascii_digit() { digits.next().unwrap_or(byte) } else { byte });
    out.extend(poured);
}

fn leading(text: &[u8]) -> Option<u8> {
    text.iter().copied().find(u8::is_ascii_digit)
}

/// A part of a text that was appended to `texts`.
fn record(key: Key, subject: u64, text: &Range<usize>, kind: Kind) -> Option<Record> {
    Some(Record {
        key: key.0,
        subject,
        at: u32::try_from(text.start).ok()?,
        length: u16::try_from(text.len()).ok()?,
        kind,
    })
}
