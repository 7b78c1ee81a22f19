//! The forms in which an original may stand in a written text: words, parts of words, grouped digits. Ranges into the
//! text, so that nothing is copied.

use super::{FEWEST_DIGITS, SHORTEST};
use std::ops::Range;

/// `last, first` in one text with a single comma.
pub(super) fn split_comma(text: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    if !text.contains(&b',') {
        return None;
    }
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

/// What a byte is to the words: 0 between them, 1 inside one but not at its end, 3 a letter or digit.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        if byte >= 0x80 || byte.is_ascii_alphanumeric() {
            classes[byte as usize] = 3;
        }
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    let inner = b"@._+-'%";
    let mut at = 0;
    while at < inner.len() {
        classes[inner[at] as usize] = 1;
        at += 1;
    }
    classes
};

fn is_word(byte: u8) -> bool {
    CLASSES[usize::from(byte)] == 3
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
        while at < text.len() && CLASSES[usize::from(text[at])] != 0 {
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

/// Shows `see` every number that is written in groups, with its number of digits: every row of neighbouring groups of 7 to
/// 15 digits.
pub(super) fn numbers(text: &[u8], mut see: impl FnMut(u64, usize)) {
    const GROUPS: usize = 12;
    const MOST: usize = 15;
    if text.iter().filter(|byte| byte.is_ascii_digit()).count() < FEWEST_DIGITS {
        return;
    }
    let mut at = 0;
    while at < text.len() {
        // Of each group, its number (if it is not too long) and its digits.
        let mut found = [(0_u64, 0_usize); GROUPS];
        let (mut groups, mut gap) = (0, 0);
        while at < text.len() {
            let byte = text[at];
            if byte.is_ascii_digit() {
                if groups == 0 || gap > 0 {
                    if groups == GROUPS {
                        break;
                    }
                    groups += 1;
                    gap = 0;
                }
                let (number, length) = &mut found[groups - 1];
                *number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                *length += 1;
            } else if groups > 0 && gap < 2 && b" ()-./+".contains(&byte) {
                gap += 1;
            } else if groups > 0 {
                break;
            }
            at += 1;
        }
        let found = &found[..groups];
        for from in 0..groups {
            let (mut all, mut digits) = (0, 0);
            for &(number, length) in &found[from..] {
                digits += length;
                if digits > MOST {
                    break;
                }
                all = all * POWERS[length] + number;
                if digits >= FEWEST_DIGITS && digits < text.len() {
                    see(all, digits);
                }
            }
        }
    }
}

/// Powers of ten.
const POWERS: [u64; 16] = {
    let mut powers = [1; 16];
    let mut at = 1;
    while at < 16 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};
