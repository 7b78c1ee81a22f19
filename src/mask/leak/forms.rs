//! The forms in which an original may stand in a written text: words, parts of words, grouped digits. Ranges into the
//! text, so that nothing is copied.

use super::{FEWEST_DIGITS, SHORTEST};
use std::ops::Range;

/// `last, first` in one text with a single comma.
pub(super) fn split_comma(text: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let comma = text.windows(2).position(|pair| pair == b", ")?;
    let rest = comma + 2..text.len();
    (comma > 0 && !rest.is_empty() && !text[rest.clone()].contains(&b',')).then_some((0..comma, rest))
}

/// Phone numbers that the mask makes and that are nobody's.
pub(super) fn is_fictional(text: &[u8]) -> bool {
    let digits = || text.iter().filter(|byte| byte.is_ascii_digit());
    let skip = match digits().count() {
        7 => 0,
        10 => 3,
        11 => 4,
        _ => return false,
    };
    digits().skip(skip).take(5).eq(b"55501")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

pub(super) fn is_space(text: &[u8], left: &Range<usize>, right: &Range<usize>) -> bool {
    right.start == left.end + 1 && text[left.end] == b' '
}

/// Words, and what looks like an email, as ranges.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() && !is_word(text[at]) {
            at += 1;
        }
        let start = at;
        while at < text.len() && (is_word(text[at]) || b"@._+-'%".contains(&text[at])) {
            at += 1;
        }
        let mut end = at;
        while end > start && !is_word(text[end - 1]) {
            end -= 1;
        }
        (end > start).then_some(start..end)
    })
}

/// The parts of a word between its punctuation; none for a word without any.
pub(super) fn parts<'a>(text: &'a [u8], word: &Range<usize>) -> impl Iterator<Item = Range<usize>> + 'a {
    let (mut at, word) = (word.start, word.clone());
    std::iter::from_fn(move || {
        while at < word.end {
            let start = at;
            while at < word.end && is_word(text[at]) {
                at += 1;
            }
            let part = start..at;
            at += 1;
            if part.len() >= SHORTEST && part != word {
                return Some(part);
            }
        }
        None
    })
}

/// Shows `see` the digits of every number that is written in groups: every row of neighbouring groups of 7 to 15 digits.
pub(super) fn numbers(text: &[u8], scratch: &mut Vec<u8>, see: &mut impl FnMut(&[u8])) {
    const GROUPS: usize = 12;
    let mut at = 0;
    while at < text.len() {
        scratch.clear();
        let mut ends = [0; GROUPS];
        let (mut groups, mut gap) = (0, 0);
        while at < text.len() && groups <= GROUPS {
            let byte = text[at];
            if byte.is_ascii_digit() {
                if groups == 0 || gap > 0 {
                    if groups == GROUPS {
                        break;
                    }
                    groups += 1;
                    gap = 0;
                }
                scratch.push(byte);
                ends[groups - 1] = scratch.len();
            } else if groups > 0 && gap < 2 && b" ()-./+".contains(&byte) {
                gap += 1;
            } else if groups > 0 {
                break;
            }
            at += 1;
        }
        for from in 0..groups {
            let start = if from == 0 { 0 } else { ends[from - 1] };
            for end in &ends[from..groups] {
                let digits = &scratch[start..*end];
                if (FEWEST_DIGITS..=15).contains(&digits.len()) && digits.len() < text.len() {
                    see(digits);
                }
            }
        }
    }
}
