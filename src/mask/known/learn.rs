//! Learns values and their masked forms, column by column, and makes them ready to be found.

use super::super::Teaches;
use super::super::phone::country_code;
use super::words::{exactly, is_unspaced, mix};
use super::{
    Counts, DIGITS, Key, Kind, Known, MOST_WORDS, Record, Words, compact, digits_of, number_of, plain, record,
};
use crate::model::batch::{Cell, CellKind};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Values that are being learned.
#[derive(Default)]
pub struct Learning {
    capacity: usize,
    records: Vec<Record>,
    /// Beginnings of longer spellings.
    beginnings: HashSet<u64, BuildHasherDefault<AsIs>>,
    /// What was learned already, by number.
    seen: HashSet<u64, BuildHasherDefault<AsIs>>,
    texts: Vec<u8>,
    counts: Counts,
}

/// Shows counts only.
impl std::fmt::Debug for Learning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Learning[{} spellings]", self.records.len())
    }
}

/// The keys are mixed already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = exactly(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The parts of a person's name, as ranges of its text.
struct Name {
    first: Vec<Range<usize>>,
    middle: Vec<Range<usize>>,
    last: Vec<Range<usize>>,
    turned: bool,
}

impl Learning {
    /// Bytes that are enough for some 700,000 spellings.
    pub const CAPACITY: usize = 64 << 20;

    /// Begins to learn. Values beyond `capacity` bytes are counted and passed over.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Bytes that are taken, about.
    fn len_bytes(&self) -> usize {
        // What the index and the filter will take is counted as well: 4 and 3 bytes for each record.
        self.records.len() * (size_of::<Record>() + 7)
            + self.texts.len()
            + (self.seen.len() + self.beginnings.len()) * 12
    }

    /// Learns that `masked` stands for `original`, a value of `subject` if one is named. What is learned twice counts once.
    pub fn learn(&mut self, teaches: Teaches, original: Cell<'_>, masked: &[u8], subject: Option<Cell<'_>>) {
        let silent = teaches == Teaches::Nothing || matches!(original.kind, CellKind::Null | CellKind::Blob);
        if silent || original.bytes.is_empty() || masked.is_empty() || original.bytes == masked {
            return;
        }
        let seen = mix(exactly(original.bytes), exactly(masked));
        let seen = mix(seen, subject.map_or(0, number_of)) ^ u64::from(teaches == Teaches::Name);
        if self.seen.contains(&seen) {
            return;
        }
        if self.len_bytes() > self.capacity {
            self.counts.passed_over += 1;
            return;
        }
        self.seen.insert(seen);
        let (original, masked) = (String::from_utf8_lossy(original.bytes), String::from_utf8_lossy(masked));
        if !is_fit(&original) || masked.len() > usize::from(u16::MAX) / 2 {
            self.counts.unfit += 1;
            return;
        }
        let start = self.texts.len();
        self.texts.extend_from_slice(masked.as_bytes());
        let whole = start..self.texts.len();
        let subject = subject.map(number_of).filter(|subject| *subject != 0);
        // Without a subject, the whole value is who is meant.
        let subject =
            subject.unwrap_or_else(|| mix(Words::new(&original).fold(Key::NONE, |key, word| key.then(&word)).0, 1));
        self.teach_whole(&original, &masked, &whole, subject);
        if teaches == Teaches::Name {
            self.teach_name(&original, &masked, start, subject);
        }
    }

    fn teach_whole(&mut self, original: &str, masked: &str, whole: &Range<usize>, subject: u64) {
        let digits = original.bytes().filter(u8::is_ascii_digit).count();
        let punctuated = original.bytes().all(|byte| byte.is_ascii_digit() || b" -./()+".contains(&byte));
        if punctuated && DIGITS.contains(&digits) {
            self.add(Key::digits(digits_of(original.as_bytes())), subject, whole, Kind::Digits);
            if original.starts_with('+') && leading_country(original) > 0 {
                // The same number as it is dialled at home.
                let all: Vec<u8> = original.bytes().filter(u8::is_ascii_digit).collect();
                let home = &all[leading_country(original)..];
                if home.len() >= 8 {
                    self.add(Key::digits(home.iter().copied()), subject, whole, Kind::Digits);
                    self.add(Key::digits([b'0'].iter().chain(home).copied()), subject, whole, Kind::Digits);
                }
            }
            return;
        }
        let kind = if is_wordy(masked) { Kind::Words } else { Kind::Exact };
        self.add_words(original, subject, whole, kind);
        if Words::new(original).nth(1).is_some()
            && let Some(key) = compact(original)
        {
            self.add(key, subject, whole, Kind::Exact);
        }
    }

    /// Teaches the parts of a name, and the name in another order.
    fn teach_name(&mut self, original: &str, masked: &str, at: usize, subject: u64) {
        let (Some(name), Some(fake)) = (Name::read(original), Name::read(masked)) else {
            return;
        };
        let place = |part: &[Range<usize>]| match (part.first(), part.last()) {
            (Some(first), Some(last)) => at + first.start..at + last.end,
            _ => at..at + masked.len(),
        };
        let fake_first = place(&fake.first);
        let fake_last = if fake.last.is_empty() { fake_first.clone() } else { place(&fake.last) };
        if !name.last.is_empty() {
            let straight = self.joined(&fake_first, " ", &fake_last, !fake.turned);
            let turned = self.joined(&fake_last, ", ", &fake_first, fake.turned);
            // The whole in the other order, and both orders without what stands in the middle.
            let (first, last) = (spell(original, &name.first), spell(original, &name.last));
            let all: Vec<_> = name.first.iter().chain(&name.middle).cloned().collect();
            let given = spell(original, &all);
            let orders = [
                (format!("{first} {last}"), &straight),
                (format!("{last} {first}"), &turned),
                (format!("{given} {last}"), &straight),
                (format!("{last} {given}"), &turned),
            ];
            let different = if name.middle.is_empty() { 2 } else { 4 };
            for (spelled, fake) in &orders[..different] {
                if !Words::new(spelled).map(|word| word.hash).eq(Words::new(original).map(|word| word.hash)) {
                    self.add_words(spelled, subject, fake, Kind::Words);
                }
            }
        }
        for (parts, fake) in [(&name.first, &fake_first), (&name.middle, &fake_first), (&name.last, &fake_last)] {
            for part in parts {
                let part = &original[part.clone()];
                // A name of one word is not a part of itself.
                if name.last.is_empty() && Words::new(part).count() == Words::new(original).count() {
                    continue;
                }
                self.add_part(part, subject, fake);
                if Words::new(part).nth(1).is_some() && !part.contains(is_unspaced) {
                    for word in Words::new(part) {
                        self.add_part(&part[word.start..word.end], subject, fake);
                    }
                }
            }
        }
    }

    /// Appends two parts of the masked name, unless the masked name itself is just that.
    fn joined(&mut self, one: &Range<usize>, between: &str, other: &Range<usize>, is_so: bool) -> Range<usize> {
        if one == other {
            return one.clone();
        }
        if is_so && other.start == one.end + between.len() {
            return one.start..other.end;
        }
        let start = self.texts.len();
        self.texts.extend_from_within(one.clone());
        self.texts.extend_from_slice(between.as_bytes());
        self.texts.extend_from_within(other.clone());
        start..self.texts.len()
    }

    fn add_part(&mut self, part: &str, subject: u64, fake: &Range<usize>) {
        let lower = part.to_lowercase();
        let chars = part.chars().count();
        let enough = chars >= 3 || chars == 2 && part.chars().all(is_unspaced);
        if enough && !plain::is_particle(&lower) && !part.bytes().any(|byte| byte.is_ascii_digit()) {
            self.add_words(part, subject, fake, Kind::Words);
        }
    }

    fn add_words(&mut self, spelled: &str, subject: u64, fake: &Range<usize>, kind: Kind) {
        let (mut key, mut count) = (Key::NONE, 0);
        let mut before = Vec::new();
        for word in Words::new(spelled) {
            if count > 0 {
                before.push(key.0);
            }
            (key, count) = (key.then(&word), count + 1);
        }
        if count == 0 || count > MOST_WORDS {
            return;
        }
        let ordinary = count == 1 && plain::is_ordinary(&spelled.trim().to_lowercase());
        let kind = if ordinary { Kind::Capitalised } else { kind };
        self.beginnings.extend(before);
        self.add(key, subject, fake, kind);
    }

    fn add(&mut self, key: Key, subject: u64, fake: &Range<usize>, kind: Kind) {
        self.records.extend(record(key, subject, fake, kind));
    }

    /// Joins what two workers learned.
    pub fn merge(&mut self, other: Self) {
        let by = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.extend_from_slice(&other.texts);
        self.records.extend(other.records.iter().map(|record| Record { at: record.at.saturating_add(by), ..*record }));
        self.beginnings.extend(other.beginnings);
        self.seen.extend(other.seen);
        self.counts.passed_over += other.counts.passed_over;
        self.counts.unfit += other.counts.unfit;
    }

    /// Makes what was learned ready to be found.
    #[must_use]
    pub fn finish(self) -> Known {
        let Self { mut records, texts, beginnings, mut counts, seen, .. } = self;
        drop(seen);
        let text = |record: &Record| &texts[record.at as usize..record.at as usize + usize::from(record.length)];
        // Of one subject's masked forms for one spelling, the smallest.
        records.sort_unstable_by(|one, other| {
            let place = (one.key, one.subject).cmp(&(other.key, other.subject));
            place.then_with(|| text(one).cmp(text(other))).then_with(|| (one.kind as u8).cmp(&(other.kind as u8)))
        });
        records.dedup_by_key(|record| (record.key, record.subject));
        counts.spellings = records.len() as u64;
        let mut all: Vec<Record> = Vec::with_capacity(records.len() + records.len() / 4);
        for group in records.chunk_by(|one, other| one.key == other.key) {
            let cautious = group.iter().any(|record| record.kind == Kind::Capitalised);
            let kind = |record: &Record| {
                if cautious { Kind::Capitalised } else { record.kind }
            };
            if group.len() > 1
                && let Some(least) = group.iter().min_by_key(|record| text(record))
            {
                all.push(Record { subject: 0, kind: kind(least), ..*least });
            }
            all.extend(group.iter().map(|record| Record { kind: kind(record), ..*record }));
        }
        let mut filter = vec![0_u64; if all.is_empty() { 0 } else { (all.len() + beginnings.len()) / 4 + 1 }];
        let slots = filter.len();
        for key in all.iter().map(|record| record.key).chain(beginnings) {
            filter[super::slot(key, slots)] |= super::bits(key);
        }
        let buckets = all.len() / 2 + 1;
        let mut index = vec![0; buckets + 1];
        for record in &all {
            index[super::slot(record.key, buckets) + 1] += 1;
        }
        let mut sum = 0;
        for entry in &mut index {
            sum += *entry;
            *entry = sum;
        }
        Known { records: all, index, filter, texts, counts }
    }
}

impl Name {
    /// First, middle and last names; none for a text of other things.
    fn read(text: &str) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut comma = None;
        let mut at = 0;
        for token in text.split_inclusive(|c: char| c.is_whitespace() || c == ',') {
            let start = at;
            at += token.len();
            let bare = token.trim_end_matches(|c: char| c.is_whitespace() || c == ',');
            let trimmed = bare.trim_matches(|c: char| !c.is_alphanumeric());
            let lower = trimmed.to_lowercase();
            let title = plain::is_particle(&lower)
                && matches!(
                    lower.as_str(),
                    "herr" | "frau" | "mrs" | "miss" | "sir" | "prof" | "mme" | "mlle" | "iii" | "esq" | "phd" | "mba"
                );
            let title = title || matches!(lower.as_str(), "dr" | "mr" | "ms" | "jr" | "sr" | "ii" | "iv" | "md");
            if !trimmed.is_empty() && !title {
                let from = start + bare.find(trimmed)?;
                tokens.push(from..from + trimmed.len());
            }
            if token.ends_with(',') {
                comma = comma.or(Some(tokens.len()));
            }
        }
        match (comma, tokens.len()) {
            (_, 0) => None,
            (Some(comma), count) if comma > 0 && comma < count => {
                let given = tokens.split_off(comma);
                let (first, middle) = given.split_at(1);
                Some(Self { first: first.to_vec(), middle: middle.to_vec(), last: tokens, turned: true })
            }
            // In scripts without spaces the family name comes first.
            (_, 2..) if tokens.iter().all(|token| text[token.clone()].chars().all(is_unspaced)) => {
                let given = tokens.split_off(1);
                Some(Self { first: given, middle: Vec::new(), last: tokens, turned: false })
            }
            (_, 1) => Some(Self { first: tokens, middle: Vec::new(), last: Vec::new(), turned: false }),
            (_, count) => {
                let last = tokens.split_off(count - 1);
                let middle = tokens.split_off(1);
                Some(Self { first: tokens, middle, last, turned: false })
            }
        }
    }
}

fn spell(text: &str, parts: &[Range<usize>]) -> String {
    parts.iter().map(|part| &text[part.clone()]).collect::<Vec<_>>().join(" ")
}

/// Digits of the country code behind a plus, 0 for North America and for what is no such number.
fn leading_country(number: &str) -> usize {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    match digits.first() {
        None | Some(b'0' | b'1') => 0,
        _ if digits.len() < 10 => 0,
        _ => country_code(&digits),
    }
}

/// Whether a masked form consists of words, whose case can follow the original's.
fn is_wordy(masked: &str) -> bool {
    masked.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | ',' | '\'' | '-' | '.' | '&'))
}

/// Whether a value can be told from other words.
fn is_fit(original: &str) -> bool {
    let mut chars = original.chars().filter(|c| c.is_alphanumeric());
    let count = chars.clone().count();
    let digits = chars.clone().filter(char::is_ascii_digit).count();
    let enough =
        if digits == count { count >= *DIGITS.start() } else { count >= 3 || count == 2 && chars.all(is_unspaced) };
    enough && !plain::is_placeholder(original) && Words::new(original).nth(MOST_WORDS).is_none()
}
