//! How many rows two states of a file differ by, told from the pages that differ.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Rows that are in one state and not in the other. Rows that have only moved to another page cancel each other out.
#[derive(Default)]
pub(super) struct Tally(HashMap<(i64, u64), i64>);

impl Tally {
    /// Counts the rows of a page, which has so many usable bytes. An entry of an index is a row only where the table is its index.
    pub(super) fn count(&mut self, page: &[u8], usable: usize, is_keyed: bool, by: i64) {
        for (rowid, stored) in rows(page, usable, is_keyed) {
            let mut hasher = DefaultHasher::new();
            stored.hash(&mut hasher);
            *self.0.entry((rowid, hasher.finish())).or_default() += by;
        }
    }

    /// A row that changed is one row, not one that went and one that came.
    pub(super) fn rows(&self) -> u64 {
        let mut by_rowid: HashMap<i64, [u64; 2]> = HashMap::new();
        for ((rowid, _), count) in &self.0 {
            by_rowid.entry(*rowid).or_default()[usize::from(*count < 0)] += count.unsigned_abs();
        }
        by_rowid.values().map(|[came, went]| came.max(went)).sum()
    }
}

/// The rows of a leaf: the rowid (0 where there is none), and what the page itself holds of the row. A page that is no such leaf
/// has none.
fn rows(page: &[u8], usable: usize, is_keyed: bool) -> impl Iterator<Item = (i64, &[u8])> {
    let has_rowid = page.first() == Some(&13);
    let is_leaf = has_rowid || (is_keyed && page.first() == Some(&10));
    let number = |at: usize| page.get(at..at + 2).map(|two| usize::from(two[0]) << 8 | usize::from(two[1]));
    let count = number(3).filter(|_| is_leaf).unwrap_or(0);
    (0..count).filter_map(move |cell| {
        let (length, rest) = varint(page.get(number(8 + 2 * cell)?..)?)?;
        let (rowid, rest) = if has_rowid { varint(rest)? } else { (0, rest) };
        let stored = stored(usize::try_from(length).ok()?, usable, has_rowid)?;
        Some((rowid, rest.get(..stored)?))
    })
}

/// How many bytes of a row of this length a page holds, with the number of the page that the rest begins on. From the description
/// of the file format.
fn stored(length: usize, usable: usize, has_rowid: bool) -> Option<usize> {
    let share = |of_255: usize| (usable.checked_sub(12)? * of_255 / 255).checked_sub(23);
    let most = if has_rowid { usable.checked_sub(35)? } else { share(64)? };
    if length <= most {
        return Some(length);
    }
    let least = share(32)?;
    let fitting = least + (length - least) % (usable - 4);
    Some(if fitting <= most { fitting } else { least } + 4)
}

/// A number of one to nine bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0_i64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((value << 8 | i64::from(*byte), &bytes[9..]));
        }
        value = value << 7 | i64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}
