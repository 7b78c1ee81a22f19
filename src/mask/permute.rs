//! Keyed permutations of the numbers below any size, none of which stays where it is.
//!
//! From a million numbers on, FF1 over the few numerals of the smallest radix that hold them all; what falls outside is
//! encrypted again until it is inside (cycle-walking), which is seldom: the radix fits closely. Below a million, where the
//! standard forbids FF1, the whole list is shuffled once by the keyed stream and kept (4 bytes a number).
//!
//! A permutation alone would leave a number or two in their place, and a masked value must not be the original. So the
//! numbers are cut into pairs (the last three of an odd size stay together), and within each pair the images are handed out
//! the other way round if one of the two would get itself. A pair keeps its two images, so every image still has exactly one
//! original; and nobody gets itself: if P(a) = a, then P(b) is not a, and b gets a.

use super::canonical::Form;
use super::ff1::{self, Ff1};
use super::key::{Ask, DomainKey, Role, scale};
use aes::Aes256;
use aes::cipher::KeyInit;
use std::sync::OnceLock;

/// The largest size.
pub(super) const MOST: u128 = 1 << 127;

/// Sizes that are prepared once; more of them are prepared for each number anew.
const SLOTS: usize = 512;
const PROBES: usize = 16;
const ROUNDS: u8 = 10;

/// The permutations of one domain, one for each size.
pub struct Permuter {
    key: DomainKey,
    cipher: Aes256,
    prepared: Box<[OnceLock<(u128, Plan)>]>,
}

enum Plan {
    Listed(Box<[u32]>),
    Walked(Ff1),
}

impl Permuter {
    /// The permutations of `key`.
    #[must_use]
    pub fn new(key: &DomainKey) -> Self {
        let cipher = Aes256::new(key.prf(Role::Cipher, &[]).bytes().into());
        let prepared = (0..SLOTS).map(|_| OnceLock::new()).collect();
        Self { key: key.clone(), cipher, prepared }
    }

    /// Where `number` goes among the numbers below `size`: never to itself. Nothing if it is not below `size`, or if the size
    /// is less than 2 or more than 2^127.
    #[must_use]
    pub fn image(&self, number: u128, size: u128) -> Option<u128> {
        if number >= size || !(2..=MOST).contains(&size) {
            return None;
        }
        Some(self.with_plan(size, |plan| self.follow(plan, number, size)))
    }

    /// The images of an even number and of the one behind it, at the price of one: what a search tries all numbers with.
    #[cfg(test)]
    pub(super) fn pair(&self, even: u128, size: u128) -> [u128; 2] {
        self.with_plan(size, |plan| match plan {
            Plan::Listed(_) => [even, even + 1].map(|number| self.follow(plan, number, size)),
            Plan::Walked(ff1) => self.group(ff1, [even, even + 1], size),
        })
    }

    /// Calls `go` with the permutation of `size`, prepared now unless it was before.
    fn with_plan<T>(&self, size: u128, go: impl FnOnce(&Plan) -> T) -> T {
        let mixed = (size ^ (size >> 64)) & u128::from(u64::MAX);
        let hash = u64::try_from(mixed).unwrap_or(0).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let first = usize::try_from(hash).unwrap_or(0);
        for probe in 0..PROBES {
            let slot = &self.prepared[(first + probe) % SLOTS];
            let (prepared, plan) = slot.get_or_init(|| (size, self.plan(size)));
            if *prepared == size {
                return go(plan);
            }
        }
        go(&self.plan(size))
    }

    fn plan(&self, size: u128) -> Plan {
        let fitting = (2..=8).find_map(|length| Some((root(size, length)?, length)));
        let walked = fitting.filter(|_| size >= ff1::LEAST);
        match walked.and_then(|(radix, length)| Ff1::new(&self.cipher, radix, length, b"")) {
            Some(ff1) => Plan::Walked(ff1),
            None => Plan::Listed(self.shuffled(u32::try_from(size).unwrap_or(0))),
        }
    }

    /// All numbers below `size` in a keyed order (Fisher and Yates), none in its own place.
    fn shuffled(&self, size: u32) -> Box<[u32]> {
        let mut list: Vec<u32> = (0..size).collect();
        let ask = Ask { role: Role::Cipher, form: Form::Exact, value: &size.to_le_bytes(), subject: None };
        let mut stream = self.key.stream(&ask, 0, &mut Vec::new());
        let mut drawn = [0; 4096];
        let mut last = list.len();
        while last > 1 {
            stream.fill(&mut drawn);
            for word in drawn.chunks_exact(8).take(last - 1) {
                last -= 1;
                let word = word.iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
                list.swap(last, scale(word, last + 1));
            }
        }
        let mut place = 0;
        while place < size {
            let places = [place, place + 1, place + 2];
            let count = if size - place == 3 { 3 } else { 2 };
            let group = place as usize..place as usize + count;
            hand_out(&places[..count], list.get_mut(group).unwrap_or_default());
            place += places[count - 1] - place + 1;
        }
        list.into()
    }

    fn follow(&self, plan: &Plan, number: u128, size: u128) -> u128 {
        let ff1 = match plan {
            Plan::Listed(list) => {
                let image = usize::try_from(number).ok().and_then(|at| list.get(at));
                return image.copied().unwrap_or(0).into();
            }
            Plan::Walked(ff1) => ff1,
        };
        if size % 2 == 1 && number >= size - 3 {
            let images = self.group(ff1, [size - 3, size - 2, size - 1], size);
            return images[usize::try_from(number + 3 - size).unwrap_or(0)];
        }
        self.group(ff1, [number & !1, number | 1], size)[usize::from(number % 2 == 1)]
    }

    /// The images of numbers that stay together, none of which gets itself.
    #[inline]
    fn group<const N: usize>(&self, ff1: &Ff1, places: [u128; N], size: u128) -> [u128; N] {
        let mut images = self.walk(ff1, places, size);
        hand_out(&places, &mut images);
        images
    }

    #[inline]
    fn walk<const N: usize>(&self, ff1: &Ff1, numbers: [u128; N], size: u128) -> [u128; N] {
        ff1.encrypt(&self.cipher, numbers).map(|mut image| {
            // It ends: the way from a number inside leads back to it, at the latest.
            while image >= size {
                [image] = ff1.encrypt(&self.cipher, [image]);
            }
            image
        })
    }

    /// Replaces `numerals`, each below the even one of `radix` at its place, by others: a Feistel network like FF1, for strings
    /// that no integer holds. Numerals are added one by one, without a carry, and the round function is the keyed hash.
    pub(super) fn wide(&self, numerals: &mut [u8], radix: &[u8]) {
        // The pairs are those of the last numeral.
        let Some(last) = numerals.len().checked_sub(1) else {
            return;
        };
        let original = numerals.to_vec();
        let mut neighbour = original.clone();
        neighbour[last] ^= 1;
        let mut image = neighbour.clone();
        self.feistel(numerals, radix);
        self.feistel(&mut image, radix);
        if *numerals == *original || image == neighbour {
            numerals.copy_from_slice(&image);
        }
    }

    fn feistel(&self, numerals: &mut [u8], radix: &[u8]) {
        let half = numerals.len() / 2;
        let mut asked = Vec::with_capacity(numerals.len() + 16);
        let mut pads = vec![0; (numerals.len() - half) * 4];
        for round in 0..ROUNDS {
            // Even rounds change the left part by the right one, odd rounds the other way round.
            let (left, right) = numerals.split_at_mut(half);
            let (changed, fixed, radix) = match round % 2 {
                0 => (left, right, &radix[..half]),
                _ => (right, left, &radix[half..]),
            };
            asked.clear();
            asked.push(round);
            asked.extend_from_slice(&(changed.len() as u64).to_le_bytes());
            asked.extend_from_slice(fixed);
            let ask = Ask { role: Role::Round, form: Form::Exact, value: &asked, subject: None };
            self.key.stream(&ask, 0, &mut Vec::new()).fill(&mut pads);
            for ((numeral, radix), pad) in changed.iter_mut().zip(radix).zip(pads.chunks_exact(4)) {
                let pad = pad.iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
                let sum = u64::from(*numeral) + pad;
                *numeral = u8::try_from(sum % u64::from(*radix).max(1)).unwrap_or(0);
            }
        }
    }
}

/// The least radix of which `length` numerals spell `size` numbers.
fn root(size: u128, length: u32) -> Option<u32> {
    // Each of them to the power of 8 fits the integer.
    let (mut below, mut least) = (1, 65_535);
    if u128::from(least).pow(length) < size {
        return None;
    }
    while least - below > 1 {
        let middle = u32::midpoint(below, least);
        if u128::from(middle).pow(length) < size {
            below = middle;
        } else {
            least = middle;
        }
    }
    Some(least)
}

/// Turns the images of two or three places until none is at its own.
fn hand_out<T: PartialEq>(places: &[T], images: &mut [T]) {
    for step in 0..6 {
        if places.iter().zip(images.iter()).all(|(place, image)| place != image) {
            return;
        }
        // Two turns, an exchange and two turns reach all six orders of three, of which one always will do.
        if step == 2 {
            images.swap(0, 1);
        } else {
            images.rotate_left(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Site;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn permuter(domain: &str) -> Permuter {
        Permuter::new(&Site::for_tests(domain).key)
    }

    #[test]
    fn small_sizes_are_permuted_whole_and_nothing_stays() {
        for domain in ["one", "two", "three"] {
            let permuter = permuter(domain);
            for size in (2..300).chain([676, 999, 1000, 9000, 99_999, 100_000, 999_999]) {
                let mut seen = vec![false; size];
                for number in 0..size as u128 {
                    let image = permuter.image(number, size as u128).unwrap();
                    assert_ne!(image, number, "of {size}");
                    assert!(!std::mem::replace(&mut seen[usize::try_from(image).unwrap()], true), "of {size}");
                }
            }
        }
    }

    #[test]
    fn a_whole_million_is_permuted_by_ff1_and_nothing_stays() {
        for size in [1_000_000, 1_000_001] {
            let permuter = permuter("ff1");
            let mut seen = vec![false; size];
            let mut hit = |number, image| {
                assert_ne!(image, number);
                assert!(!std::mem::replace(&mut seen[usize::try_from(image).unwrap()], true));
            };
            // The last three of an odd size stay together, all others are pairs.
            let (size, alone) = (size as u128, if size % 2 == 1 { 3 } else { 0 });
            for even in (0..size - alone).step_by(2) {
                let images = permuter.pair(even, size);
                hit(even, images[0]);
                hit(even + 1, images[1]);
            }
            (size - alone..size).for_each(|number| hit(number, permuter.image(number, size).unwrap()));
            for number in (0..size).step_by(997) {
                let pair = permuter.pair(number & !1, size);
                assert!(
                    number + alone >= size || permuter.image(number, size) == Some(pair[usize::from(number % 2 == 1)])
                );
            }
        }
    }

    #[test]
    fn a_million_numbers_of_large_sizes_stay_apart() {
        let permuter = permuter("large");
        for size in [10_u128.pow(10), 26_u128.pow(3) * 10_u128.pow(6), 1 << 122, MOST] {
            let step = (size / 250_000).max(1);
            let images: HashSet<u128> =
                (0..250_000).map(|at| permuter.image(at * step + at % step.min(7), size).unwrap()).collect();
            assert_eq!(images.len(), 250_000, "of {size}");
            assert!(images.iter().all(|image| *image < size));
        }
    }

    #[test]
    fn all_orders_of_three_are_turned_until_nobody_has_its_own() {
        for images in
            [[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1], [2, 1, 0], [0, 7, 8], [7, 1, 0], [2, 1, 9]]
        {
            let mut turned = images;
            hand_out(&[0, 1, 2], &mut turned);
            assert!((0..3).all(|place| turned[place] != place), "{images:?} became {turned:?}");
            let (mut before, mut after) = (images, turned);
            before.sort_unstable();
            after.sort_unstable();
            assert_eq!(before, after);
        }
    }

    #[test]
    fn what_is_no_place_has_no_image() {
        let permuter = permuter("edges");
        assert!([(0, 0), (0, 1), (5, 5), (0, MOST + 1)].into_iter().all(|(at, of)| permuter.image(at, of).is_none()));
        assert_eq!(permuter.image(0, 2), Some(1));
    }

    #[test]
    fn more_sizes_than_are_kept_are_still_the_same_permutations() {
        let (one, other) = (permuter("many"), permuter("many"));
        let sizes = || (0..2000).map(|at| 10_u128.pow(12) + at);
        let images: Vec<_> = sizes().map(|size| one.image(77, size)).collect();
        assert!(sizes().rev().map(|size| other.image(77, size)).eq(images.into_iter().rev()));
    }

    #[test]
    fn roots_are_the_least() {
        assert_eq!(
            (root(10_u128.pow(6), 2), root(10_u128.pow(9), 2), root(1 << 122, 8)),
            (Some(1000), Some(31_623), Some(38_968))
        );
        assert_eq!((root(65_535 * 65_535 + 1, 2), root(MOST, 8).is_some()), (None, true));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn wide_strings_stay_apart(seed in prop::collection::vec(any::<u8>(), 2..80)) {
            let permuter = permuter("wide");
            let radix: Vec<u8> = seed.iter().map(|byte| if byte % 2 == 0 { 10 } else { 26 }).collect();
            let numerals: Vec<u8> = seed.iter().zip(&radix).map(|(byte, radix)| byte % radix).collect();
            let mut images = HashSet::new();
            for last in 0..radix[radix.len() - 1] {
                let mut string = numerals.clone();
                string[radix.len() - 1] = last;
                let original = string.clone();
                permuter.wide(&mut string, &radix);
                prop_assert!(string != original && string.iter().zip(&radix).all(|(numeral, radix)| numeral < radix));
                prop_assert!(images.insert(string));
            }
        }
    }

    #[test]
    fn short_wide_strings_are_permuted_whole() {
        let permuter = permuter("short");
        let radix = [10, 26, 10];
        let mut seen = HashSet::new();
        for number in 0..2600_u16 {
            let mut string =
                [number / 260, number / 10 % 26, number % 10].map(|numeral| u8::try_from(numeral).unwrap());
            let original = string;
            permuter.wide(&mut string, &radix);
            assert!(string != original && seen.insert(string));
        }
    }

    #[test]
    fn another_key_permutes_otherwise() {
        let (one, other) = (permuter("one"), permuter("other"));
        for size in [1000, 10_u128.pow(9)] {
            let same = (0..1000).filter(|number| one.image(*number, size) == other.image(*number, size)).count();
            assert!(same < 10, "{same} of 1000");
        }
    }
}
