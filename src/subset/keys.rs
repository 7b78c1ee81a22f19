//! Which rows were reached: a map from keys to what is known of their rows, for many millions of them.
//!
//! An entry is the key and seven bytes: 15 bytes for one whole number, 23 for two of them or a UUID; other keys take 20 bytes
//! and their text. Entries lie in sorted runs (as in a log-structured merge tree), spread over shards, so that growing needs
//! room for one shard only. Nothing here depends on the order of insertion.

use crate::model::manifest::Why;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Shards; growing copies one of them.
const SHARDS: usize = 64;
/// The newest run of a shard is kept sorted by insertion up to this many entries.
const RECENT: usize = 64;
/// A run is merged into the one before it, unless that one is so many times larger.
const RATIO: usize = 4;
/// Bytes of a value.
const VALUE: usize = 7;
/// What stands for the key in entries of texts: a print and the place of the text.
const TEXT: usize = 13;
/// Texts lie in blocks of this size.
const BLOCK: usize = 1 << 20;
/// The level that never runs out.
pub const ENDLESS: u8 = 127;
/// Marks rows whose children have not been followed yet.
const PENDING: u8 = 128;

/// What is known of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// What pulled it in first.
    pub why: Why,
    /// How many references to children may still be followed from it; [`ENDLESS`] for any number.
    pub level: u8,
    /// Counts up through the walk.
    pub step: u32,
    /// Whether its children are still to be followed.
    pub pending: bool,
}

impl Value {
    fn bytes(self) -> [u8; VALUE] {
        let [w0, w1, w2, _] = self.why.code().to_le_bytes();
        let [s0, s1, s2, _] = self.step.min(0x00ff_ffff).to_le_bytes();
        [w0, w1, w2, s0, s1, s2, self.level | if self.pending { PENDING } else { 0 }]
    }

    fn of(bytes: &[u8]) -> Self {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0]);
        Self {
            why: Why::of_code(number(0)).unwrap_or(Why::Whole),
            step: number(3),
            level: bytes[6] & !PENDING,
            pending: bytes[6] & PENDING != 0,
        }
    }
}

/// How keys are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// All keys have this many bytes, 8 or 16, and sort by them.
    Fixed(usize),
    /// Keys of any length.
    Text,
}

/// Keys with their values.
#[derive(Debug)]
pub struct KeyMap {
    shape: Shape,
    shards: Vec<Shard>,
    texts: Texts,
    len: u64,
}

/// Sorted runs, the largest first; the last one is the newest.
#[derive(Debug, Default)]
struct Shard {
    runs: Vec<Vec<u8>>,
    pending: usize,
}

#[derive(Debug, Default)]
struct Texts {
    blocks: Vec<Vec<u8>>,
}

impl Texts {
    /// Keeps a text and says where it lies.
    fn push(&mut self, text: &[u8]) -> u64 {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
        let needed = text.len() + length.len();
        if self.blocks.last().is_none_or(|block| block.len() + needed > BLOCK) {
            // The first blocks are small, so that a table of ten rows takes ten rows' room.
            let room = if self.blocks.is_empty() { 4096 } else { BLOCK };
            self.blocks.push(Vec::with_capacity(room.max(needed)));
        }
        let at = self.blocks.len() - 1;
        let block = &mut self.blocks[at];
        let place = (at as u64) << 20 | block.len() as u64;
        block.extend_from_slice(&length);
        block.extend_from_slice(text);
        place
    }

    fn get(&self, place: u64) -> &[u8] {
        let (block, start) = ((place >> 20) as usize, (place & 0xf_ffff) as usize);
        let Some(block) = self.blocks.get(block) else { return &[] };
        let Some((length, rest)) = block.get(start..).and_then(|rest| rest.split_first_chunk::<4>()) else {
            return &[];
        };
        rest.get(..u32::from_le_bytes(*length) as usize).unwrap_or_default()
    }
}

/// Where an entry lies: shard, run, index.
type Place = (usize, usize, usize);

impl KeyMap {
    /// An empty map.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self { shape, shards: (0..SHARDS).map(|_| Shard::default()).collect(), texts: Texts::default(), len: 0 }
    }

    /// Keys in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let runs = self.shards.iter().flat_map(|shard| &shard.runs).map(Vec::capacity).sum::<usize>();
        runs + self.texts.blocks.iter().map(Vec::capacity).sum::<usize>()
    }

    /// Rows whose children are still to be followed.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.shards.iter().map(|shard| shard.pending).sum()
    }

    /// What is known of a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        let (head, length) = self.head(key);
        let place = self.find(&head[..length], key)?;
        Some(self.value(place))
    }

    /// Adds a key, or changes what is known of it.
    pub fn set(&mut self, key: &[u8], value: Value) {
        let (mut head, length) = self.head(key);
        if let Some(place) = self.find(&head[..length], key) {
            self.put(place, value);
            return;
        }
        if self.shape == Shape::Text {
            head[8..TEXT].copy_from_slice(&self.texts.push(key).to_le_bytes()[..5]);
        }
        let (stride, compared) = (length + VALUE, self.compared());
        let shard = shard_of(&head[..compared]);
        let shard = &mut self.shards[shard];
        if shard.runs.last().is_none_or(|run| run.len() >= RECENT * stride) {
            shard.runs.push(Vec::new());
        }
        shard.pending += usize::from(value.pending);
        let Some(run) = shard.runs.last_mut() else { return };
        let at = lower_bound(run, stride, &head[..compared]) * stride;
        let mut entry = [0; 16 + VALUE];
        entry[..length].copy_from_slice(&head[..length]);
        entry[length..stride].copy_from_slice(&value.bytes());
        run.splice(at..at, entry[..stride].iter().copied());
        self.len += 1;
        if run.len() >= RECENT * stride {
            shard.compact(stride, compared);
        }
    }

    /// Takes the pending mark off up to `most` rows (and the rest of their shard), and returns them with their levels in
    /// the order of their keys.
    pub fn take_pending(&mut self, most: usize) -> Vec<(u8, Vec<u8>)> {
        let stride = self.stride();
        let mut taken = Vec::new();
        for at in 0..SHARDS {
            if taken.len() >= most {
                break;
            }
            if self.shards[at].pending == 0 {
                continue;
            }
            let left = most - taken.len();
            let mut places = Vec::new();
            for (run, bytes) in self.shards[at].runs.iter().enumerate() {
                let entries = bytes.chunks_exact(stride).enumerate();
                let marked = entries.filter(|(_, entry)| entry[stride - 1] & PENDING != 0);
                places.extend(marked.map(|(index, _)| (at, run, index)));
            }
            let mut found: Vec<(Vec<u8>, Place)> =
                places.into_iter().map(|place| (self.key(place).to_vec(), place)).collect();
            found.sort_unstable();
            found.truncate(left);
            for (key, place) in found {
                let value = self.value(place);
                self.put(place, Value { pending: false, ..value });
                taken.push((value.level, key));
            }
        }
        taken.sort_unstable_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        taken
    }

    /// Takes the pending mark off every row.
    pub fn forget_pending(&mut self) {
        let stride = self.stride();
        for shard in &mut self.shards {
            if shard.pending > 0 {
                for entry in shard.runs.iter_mut().flat_map(|run| run.chunks_exact_mut(stride)) {
                    entry[stride - 1] &= !PENDING;
                }
                shard.pending = 0;
            }
        }
    }

    /// Every key with its value, in the order of the keys' bytes.
    #[must_use]
    pub fn sorted(&self) -> Sorted<'_> {
        match self.shape {
            Shape::Fixed(_) => {
                let mut cursors = BinaryHeap::new();
                for (shard, runs) in self.shards.iter().enumerate() {
                    for run in 0..runs.runs.len() {
                        self.advance((shard, run, 0), &mut cursors);
                    }
                }
                Sorted { map: self, cursors, places: Vec::new().into_iter() }
            }
            Shape::Text => {
                let stride = self.stride();
                let runs = self.shards.iter().enumerate().flat_map(|(shard, runs)| {
                    runs.runs.iter().enumerate().map(move |(run, bytes)| (shard, run, bytes.len() / stride))
                });
                let mut places: Vec<Place> =
                    runs.flat_map(|(shard, run, count)| (0..count).map(move |index| (shard, run, index))).collect();
                places.sort_unstable_by(|left, right| self.key(*left).cmp(self.key(*right)));
                Sorted { map: self, cursors: BinaryHeap::new(), places: places.into_iter() }
            }
        }
    }

    fn advance<'a>(&'a self, place: Place, cursors: &mut BinaryHeap<Reverse<(&'a [u8], Place)>>) {
        let run = &self.shards[place.0].runs[place.1];
        if place.2 * self.stride() < run.len() {
            cursors.push(Reverse((self.key(place), place)));
        }
    }

    /// Bytes of an entry's key part.
    fn width(&self) -> usize {
        match self.shape {
            Shape::Fixed(width) => width,
            Shape::Text => TEXT,
        }
    }

    fn stride(&self) -> usize {
        self.width() + VALUE
    }

    /// The bytes that entries are sorted by.
    fn compared(&self) -> usize {
        match self.shape {
            Shape::Fixed(width) => width,
            Shape::Text => 8,
        }
    }

    /// What stands for `key` in its entry (the place of a text is still open), and its length.
    fn head(&self, key: &[u8]) -> ([u8; 16], usize) {
        let mut head = [0; 16];
        match self.shape {
            Shape::Fixed(width) => {
                let length = key.len().min(width);
                head[width - length..width].copy_from_slice(&key[..length]);
                (head, width)
            }
            Shape::Text => {
                let mut hasher = DefaultHasher::new();
                key.hash(&mut hasher);
                head[..8].copy_from_slice(&hasher.finish().to_be_bytes());
                (head, TEXT)
            }
        }
    }

    fn find(&self, head: &[u8], key: &[u8]) -> Option<Place> {
        let (stride, compared) = (self.stride(), self.compared());
        let shard = shard_of(&head[..compared]);
        for (at, run) in self.shards[shard].runs.iter().enumerate() {
            let mut index = lower_bound(run, stride, &head[..compared]);
            while run.get(index * stride..index * stride + compared) == Some(&head[..compared]) {
                if self.shape != Shape::Text || self.key((shard, at, index)) == key {
                    return Some((shard, at, index));
                }
                index += 1;
            }
        }
        None
    }

    fn entry(&self, (shard, run, index): Place) -> &[u8] {
        let stride = self.stride();
        &self.shards[shard].runs[run][index * stride..(index + 1) * stride]
    }

    fn key(&self, place: Place) -> &[u8] {
        let entry = self.entry(place);
        match self.shape {
            Shape::Fixed(width) => &entry[..width],
            Shape::Text => {
                let mut bytes = [0; 8];
                bytes[..5].copy_from_slice(&entry[8..TEXT]);
                self.texts.get(u64::from_le_bytes(bytes))
            }
        }
    }

    fn value(&self, place: Place) -> Value {
        Value::of(&self.entry(place)[self.width()..])
    }

    fn put(&mut self, place: Place, value: Value) {
        let (width, stride) = (self.width(), self.stride());
        let shard = &mut self.shards[place.0];
        let entry = &mut shard.runs[place.1][place.2 * stride..(place.2 + 1) * stride];
        let before = entry[stride - 1] & PENDING != 0;
        shard.pending = shard.pending + usize::from(value.pending) - usize::from(before);
        entry[width..].copy_from_slice(&value.bytes());
    }
}

impl Shard {
    /// Merges the newest runs into older ones of about their size.
    fn compact(&mut self, stride: usize, compared: usize) {
        while let [.., older, newer] = self.runs.as_slice()
            && older.len() < newer.len() * RATIO
        {
            let Some(newer) = self.runs.pop() else { return };
            if let Some(older) = self.runs.last_mut() {
                merge(older, &newer, stride, compared);
            }
        }
    }
}

/// Merges `newer` into `older`, from the back, so that the room of both is enough.
fn merge(older: &mut Vec<u8>, newer: &[u8], stride: usize, compared: usize) {
    let (mut left, mut right) = (older.len(), newer.len());
    older.reserve_exact(newer.len());
    older.resize(left + right, 0);
    let mut to = older.len();
    while right > 0 {
        let take_left = left > 0
            && older[left - stride..left - stride + compared] > newer[right - stride..right - stride + compared];
        to -= stride;
        if take_left {
            left -= stride;
            older.copy_within(left..left + stride, to);
        } else {
            right -= stride;
            older[to..to + stride].copy_from_slice(&newer[right..right + stride]);
        }
    }
}

/// The index of the first entry that is not below `head`.
fn lower_bound(run: &[u8], stride: usize, head: &[u8]) -> usize {
    let (mut low, mut high) = (0, run.len() / stride);
    while low < high {
        let middle = usize::midpoint(low, high);
        match run[middle * stride..middle * stride + head.len()].cmp(head) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal | Ordering::Greater => high = middle,
        }
    }
    low
}

/// Spreads keys over the shards, whole numbers that follow one another too.
fn shard_of(head: &[u8]) -> usize {
    let words = head.chunks_exact(8).map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    let word = words.fold(0_u64, |mixed, word| mixed.rotate_left(23) ^ word);
    usize::try_from(word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58).unwrap_or(0)
}

/// Keys with their values, in order.
pub struct Sorted<'a> {
    map: &'a KeyMap,
    cursors: BinaryHeap<Reverse<(&'a [u8], Place)>>,
    places: std::vec::IntoIter<Place>,
}

impl<'a> Iterator for Sorted<'a> {
    type Item = (&'a [u8], Value);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(place) = self.places.next() {
            return Some((self.map.key(place), self.map.value(place)));
        }
        let Reverse((key, place)) = self.cursors.pop()?;
        self.map.advance((place.0, place.1, place.2 + 1), &mut self.cursors);
        Some((key, self.map.value(place)))
    }
}

/// Shows its size only.
impl std::fmt::Debug for Sorted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sorted[{} keys]", self.map.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn value(number: u32) -> Value {
        Value {
            why: Why::Child(u16::try_from(number % 500).unwrap()),
            level: u8::try_from(number % 100).unwrap(),
            step: number % 1000,
            pending: number.is_multiple_of(3),
        }
    }

    /// Numbers that look random.
    fn mixed(at: u64) -> u64 {
        at.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at >> 7)
    }

    fn agrees(shape: Shape, key: impl Fn(u64) -> Vec<u8>) {
        let (mut map, mut want) = (KeyMap::new(shape), BTreeMap::new());
        for at in 0..20_000_u32 {
            let key = key(mixed(at.into()) % 9_000);
            map.set(&key, value(at));
            want.insert(key, value(at));
        }
        assert_eq!(map.len(), want.len() as u64);
        assert!(map.sorted().eq(want.iter().map(|(key, value)| (key.as_slice(), *value))));
        for at in 0..10_000 {
            assert_eq!(map.get(&key(at)), want.get(&key(at)).copied());
        }
        let pending = want.values().filter(|value| value.pending).count();
        assert_eq!(map.pending(), pending);
        let mut taken = Vec::new();
        while map.pending() > 0 {
            let some = map.take_pending(700);
            assert!(!some.is_empty() && some.len() <= 700);
            taken.extend(some.into_iter().map(|(_, key)| key));
        }
        taken.sort();
        assert!(taken.iter().eq(want.iter().filter(|(_, value)| value.pending).map(|(key, _)| key)));
        assert!(map.sorted().all(|(_, value)| !value.pending));
    }

    #[test]
    fn it_is_a_map() {
        agrees(Shape::Fixed(8), |at| (at * 3).to_be_bytes().to_vec());
        agrees(Shape::Fixed(16), |at| [(at / 7).to_be_bytes(), (at * 31).to_be_bytes()].concat());
        agrees(Shape::Text, |at| format!("key {at} {}", "x".repeat((at % 40) as usize)).into_bytes());
    }

    /// The promised room: 16 bytes for a whole number, 24 for the rest of an entry, the text of long keys apart.
    #[test]
    fn it_is_small() {
        for (shape, most) in [(Shape::Fixed(8), 16.0), (Shape::Fixed(16), 24.0)] {
            let mut map = KeyMap::new(shape);
            for at in 0..300_000_u64 {
                let key = [mixed(at).to_be_bytes(), at.to_be_bytes()].concat();
                let Shape::Fixed(width) = shape else { unreachable!() };
                map.set(&key[..width], value(1));
            }
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let each = map.bytes() as f64 / map.len() as f64;
            assert!(each <= most, "{shape:?}: {each}");
        }
        let mut map = KeyMap::new(Shape::Text);
        let mut texts = 0;
        for at in 0..300_000_u64 {
            let key = format!("{:040}", mixed(at));
            texts += key.len();
            map.set(key.as_bytes(), value(1));
        }
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let each = (map.bytes() - texts) as f64 / map.len() as f64;
        assert!(each <= 28.0, "{each}");
    }
}
