//! The digits and letters of a text, taken out of it and put back: what masks of numbers and codes have in common.

use super::Misfit;
use super::params::Params;
use super::permute::{MOST, Permuter};
use crate::error::{Error, Result};

/// As many decimal digits fit the integers of a permutation.
pub(super) const DIGITS: usize = 38;

/// The decimal digits of a text, as values.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    values: [u8; DIGITS],
    count: usize,
}

impl Digits {
    /// The digits of `text`; nothing without any, or with more than 38.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let mut digits = Self { values: [0; DIGITS], count: 0 };
        for byte in text.iter().filter(|byte| byte.is_ascii_digit()) {
            *digits.values.get_mut(digits.count)? = byte - b'0';
            digits.count += 1;
        }
        (digits.count > 0).then_some(digits)
    }

    /// The digits of `text` if it has `count` of them and nothing else but space and punctuation.
    pub(super) fn exactly(text: &[u8], count: usize) -> Option<Self> {
        let punctuation = |byte: &u8| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'_');
        let plain = text.iter().all(|byte| byte.is_ascii_digit() || punctuation(byte));
        Self::read(text).filter(|digits| plain && digits.count == count)
    }

    /// The digits as values from 0 to 9.
    pub(super) fn values(&self) -> &[u8] {
        &self.values[..self.count]
    }

    /// The digits as values from 0 to 9.
    pub(super) fn values_mut(&mut self) -> &mut [u8] {
        &mut self.values[..self.count]
    }
}

/// The number that digits spell.
pub(super) fn number(digits: &[u8]) -> u128 {
    digits.chunks(19).fold(0, |sum, chunk| {
        let part = chunk.iter().fold(0_u64, |part, digit| part * 10 + u64::from(*digit));
        sum * 10_u128.pow(u32::try_from(chunk.len()).unwrap_or(0)) + u128::from(part)
    })
}

/// Spells a number with as many digits as there is room for.
pub(super) fn spell(mut number: u128, digits: &mut [u8]) {
    // Nineteen digits fit 64 bits, where a division costs a tenth.
    for chunk in digits.rchunks_mut(19) {
        let mut part = u64::try_from(number % 10_u128.pow(19)).unwrap_or(0);
        number /= 10_u128.pow(19);
        for digit in chunk.iter_mut().rev() {
            *digit = (part % 10).to_le_bytes()[0];
            part /= 10;
        }
    }
}

/// Appends `text` with its digits replaced by `digits`, in order.
pub(super) fn put(text: &[u8], digits: &[u8], out: &mut Vec<u8>) {
    let mut next = digits.iter();
    out.extend(text.iter().map(|byte| {
        let digit = byte.is_ascii_digit().then(|| next.next()).flatten();
        digit.map_or(*byte, |digit| b'0' + digit)
    }));
}

/// Permutes digits among all strings of that many digits, of which those that begin with 0 are a set of their own: then a
/// number keeps its length, written as text or not.
pub(super) fn permute(permuter: &Permuter, digits: &mut [u8]) -> std::result::Result<(), Misfit> {
    let (least, size) = same_length(digits);
    let image = permuter.image(number(digits).wrapping_sub(least), size).ok_or(Misfit("it has too many digits"))?;
    spell(least + image, digits);
    Ok(())
}

/// The least of the numbers with as many digits, and how many there are; of those with a leading 0 if it has one. A single
/// digit may become any other.
pub(super) fn same_length(digits: &[u8]) -> (u128, u128) {
    let tenth = u32::try_from(digits.len().saturating_sub(1)).ok().and_then(|power| 10_u128.checked_pow(power));
    let tenth = tenth.unwrap_or(MOST);
    match digits {
        [_] => (0, 10),
        [0, ..] => (0, tenth),
        _ => (tenth, tenth.saturating_mul(9)),
    }
}

/// The first of a class of characters and how many there are.
#[inline]
fn class(byte: u8) -> Option<(u8, u8)> {
    match byte {
        b'0'..=b'9' => Some((b'0', 10)),
        b'a'..=b'z' => Some((b'a', 26)),
        b'A'..=b'Z' => Some((b'A', 26)),
        _ => None,
    }
}

/// Refuses text with letters or digits that are not ASCII: they have no class to stay in.
pub(super) fn only_plain_letters(text: &[u8]) -> std::result::Result<(), Misfit> {
    if text.is_ascii() {
        return Ok(());
    }
    let text = std::str::from_utf8(text).map_err(|_| Misfit("it is not UTF-8"))?;
    if text.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()) {
        return Err(Misfit("it has letters or digits other than a to z and 0 to 9"));
    }
    Ok(())
}

/// Replaces the letters and digits of `text`: digits by digits, lower-case letters by lower-case ones, upper-case letters by
/// upper-case ones. All of them together are one number, so each depends on all others, and no two texts become the same.
/// Upper and lower case have the same numerals: texts that differ only in case still do afterwards.
pub(super) fn replace(permuter: &Permuter, text: &mut [u8]) -> std::result::Result<(), Misfit> {
    let (mut value, mut size) = (0_u128, 1_u128);
    for byte in text.iter() {
        let Some((first, radix)) = class(*byte) else {
            continue;
        };
        size = size.saturating_mul(u128::from(radix));
        value = value.wrapping_mul(u128::from(radix)).wrapping_add(u128::from(byte - first));
    }
    if size > MOST {
        return replace_wide(permuter, text);
    }
    let mut image = permuter.image(value, size).ok_or(Misfit("it has no letter and no digit"))?;
    let mut rest = text;
    while !rest.is_empty() {
        // As many characters from the end as fit 64 bits, where divisions are cheap.
        let (mut start, mut product) = (rest.len(), 1_u64);
        while start > 0 && product <= u64::MAX / 26 {
            start -= 1;
            product *= class(rest[start]).map_or(1, |(_, radix)| u64::from(radix));
        }
        let mut part = u64::try_from(image % u128::from(product)).unwrap_or(0);
        image /= u128::from(product);
        let (before, chunk) = rest.split_at_mut(start);
        for byte in chunk.iter_mut().rev() {
            let Some((first, radix)) = class(*byte) else {
                continue;
            };
            let numeral = if radix == 10 { part % 10 } else { part % 26 };
            part = if radix == 10 { part / 10 } else { part / 26 };
            *byte = first + numeral.to_le_bytes()[0];
        }
        rest = before;
    }
    Ok(())
}

fn replace_wide(permuter: &Permuter, text: &mut [u8]) -> std::result::Result<(), Misfit> {
    let classes = || text.iter().filter_map(|byte| class(*byte).map(|(first, radix)| (byte - first, radix)));
    let (mut numerals, radix): (Vec<u8>, Vec<u8>) = classes().unzip();
    permuter.wide(&mut numerals, &radix);
    let mut next = numerals.iter();
    for byte in text.iter_mut() {
        if let Some((first, _)) = class(*byte) {
            *byte = first + next.next().copied().ok_or(Misfit("its letters ran out"))?;
        }
    }
    Ok(())
}

/// Refuses parameters that show a part of the original without saying why.
pub(super) fn reasoned(mask: &str, params: &Params, what: &str) -> Result<()> {
    if params.text("reason").is_some_and(|reason| !reason.trim().is_empty()) {
        return Ok(());
    }
    Err(Error::policy(format!("mask {mask} with {what} shows a part of the original and needs a reason"))
        .hint(format!("Add reason = \"...\" for the reviewer, or leave {what} out.")))
}

/// The last digit that makes a number valid by Luhn's rule (ISO/IEC 7812-1).
pub(super) fn luhn(digits: &[u8]) -> u8 {
    let sum = digits.iter().rev().enumerate().fold(0_u32, |sum, (at, digit)| {
        let doubled = if at % 2 == 0 { digit * 2 } else { *digit };
        sum + u32::from(if doubled > 9 { doubled - 9 } else { doubled })
    });
    ((10 - sum % 10) % 10).to_le_bytes()[0]
}

/// Whether the last of the digits is the one that Luhn's rule wants.
pub(super) fn luhn_holds(digits: &[u8]) -> bool {
    digits.split_last().is_some_and(|(last, rest)| !rest.is_empty() && luhn(rest) == *last)
}

/// The rest of a text of digits and letters (A = 10) by 97 (ISO 7064).
pub(super) fn mod_97(text: impl Iterator<Item = u8>) -> u32 {
    text.fold(0, |rest, byte| match byte.to_ascii_uppercase() {
        byte @ b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        byte @ b'A'..=b'Z' => (rest * 100 + 10 + u32::from(byte - b'A')) % 97,
        _ => rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Site;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn permuter() -> Permuter {
        Permuter::new(&Site::for_tests("numerals").key)
    }

    #[test]
    fn published_numbers_pass_luhn_and_others_do_not() {
        let holds = |text: &str| luhn_holds(Digits::read(text.as_bytes()).unwrap().values());
        // The example of ISO/IEC 7812-1, and numbers that payment companies publish for tests.
        for valid in ["79927398713", "4242424242424242", "4000 0566 5566 5556", "378282246310005", "30569309025904"] {
            assert!(holds(valid), "{valid}");
        }
        for last in 0..10 {
            assert_eq!(holds(&format!("7992739871{last}")), last == 3);
        }
    }

    #[test]
    fn numbers_are_spelled_as_they_were_read() {
        for text in ["0", "10", "9999999999999999999", "10000000000000000000", "99999999999999999999999999999999999999"]
        {
            let mut digits = Digits::read(text.as_bytes()).unwrap();
            let value = number(digits.values());
            assert_eq!(value, text.parse::<u128>().unwrap());
            digits.values_mut().fill(7);
            spell(value, digits.values_mut());
            let mut out = Vec::new();
            put(text.as_bytes(), digits.values(), &mut out);
            assert_eq!(out, text.as_bytes());
        }
        assert!(Digits::read(b"none").is_none() && Digits::read(&[b'1'; 39]).is_none());
    }

    #[test]
    fn all_strings_of_a_pattern_are_hit_once_and_none_stays() {
        let permuter = permuter();
        let mut seen = HashSet::new();
        for number in 0..67_600_u32 {
            let (letters, digits) = (number / 100, number % 100);
            let letter = |at: u32| char::from(b'a' + u8::try_from(at).unwrap());
            let text = format!("{}-{digits:02}{}", letter(letters / 26), letter(letters % 26).to_ascii_uppercase());
            let mut masked = text.clone().into_bytes();
            replace(&permuter, &mut masked).unwrap();
            assert_ne!(masked, text.as_bytes());
            let (before, after) = (text.bytes(), masked.iter());
            assert!(
                before
                    .zip(after)
                    .all(|(one, other)| class(one).map(|(first, _)| first) == class(*other).map(|(first, _)| first))
            );
            assert!(seen.insert(masked));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn replacing_keeps_classes_and_case_makes_no_difference(text in "[a-zA-Z0-9 ._-]{0,60}") {
            let permuter = permuter();
            let mut masked = text.clone().into_bytes();
            let done = replace(&permuter, &mut masked);
            prop_assert_eq!(done.is_ok(), text.bytes().any(|byte| byte.is_ascii_alphanumeric()));
            if done.is_ok() {
                prop_assert!(masked != text.as_bytes());
                let first = |byte: &u8| class(*byte).map_or(*byte, |(first, _)| first);
                prop_assert!(masked.iter().map(first).eq(text.as_bytes().iter().map(first)));
                let mut upper = text.to_ascii_uppercase().into_bytes();
                replace(&permuter, &mut upper).unwrap();
                prop_assert!(upper.eq_ignore_ascii_case(&masked));
            }
        }
    }

    #[test]
    fn digits_keep_their_length_and_whether_they_begin_with_0() {
        let permuter = permuter();
        for count in 1..=4 {
            let mut seen = HashSet::new();
            for value in 0..10_u128.pow(count) {
                let mut digits = [0; 4];
                let digits = &mut digits[..count as usize];
                spell(value, digits);
                let original = digits.to_vec();
                permute(&permuter, digits).unwrap();
                assert!(digits != original && seen.insert(digits.to_vec()));
                assert!(count == 1 || (digits[0] == 0) == (original[0] == 0));
            }
        }
    }
}
