//! What somebody can do who holds masked phone numbers and the policy, but no key: try every number of an area code. That
//! recovers the originals of a masker without a key, which stands beside ours to show that the attack works, and nothing
//! from ours.

use super::key::{Keyring, MasterKey};
use super::permute::Permuter;
use super::{Params, Row, Site, find};
use crate::model::batch::Cell;
use crate::model::schema::Family;
use crate::secret::Secret32;
use std::collections::HashMap;

const AREA: u64 = 415;
/// Every number of one area code.
const CANDIDATES: u64 = 10_000_000;
/// The stolen rows: line numbers, spread over the area code.
const STOLEN: u64 = 500;

fn stolen() -> impl Iterator<Item = u64> {
    (0..STOLEN).map(|at| at * 7_919_317 % CANDIDATES)
}

/// A masking key as somebody may guess it, and the permutation that the documents describe under it.
fn permuter(key: [u8; 32]) -> Permuter {
    let ring = Keyring::new(&MasterKey::new(Secret32::new(key)), "shop", "dev", 1);
    Permuter::new(&ring.domain(find("phone").unwrap().domain))
}

/// The digits that `phone` writes behind its mark in a unique column; it permutes ten-digit numbers exactly, so that each
/// masked number has one original only.
fn keyed(permuter: &Permuter, line: u64) -> u64 {
    let number = u128::from(AREA * CANDIDATES + line);
    u64::try_from(permuter.image(number, 10_u128.pow(10)).unwrap()).unwrap()
}

fn keyed_pair(permuter: &Permuter, even: u64) -> [u64; 2] {
    let number = u128::from(AREA * CANDIDATES + even);
    permuter.pair(number, 10_u128.pow(10)).map(|image| u64::try_from(image).unwrap())
}

/// The masker of many a script: a hash of the number, and as many digits of it.
fn unkeyed(line: u64) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in (AREA * CANDIDATES + line).to_le_bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    (hash ^ hash >> 32) % 10_000_000_000
}

/// How many of the stolen rows some candidate explains, and how many of those by their original, when every candidate goes
/// through `guess`, an even one and the next at a time.
fn recovered(rows: &[u64], guess: impl Fn(u64) -> [u64; 2] + Sync) -> (usize, usize) {
    let wanted: HashMap<u64, u64> = rows.iter().copied().zip(stolen()).collect();
    // Nearly all candidates are seen to be wrong by the low bits.
    let mut possible = vec![false; 1 << 20];
    let low = |image: u64| usize::try_from(image).unwrap_or(0) & ((1 << 20) - 1);
    for row in rows {
        possible[low(*row)] = true;
    }
    let search = |half: u64| {
        let (mut line, mut all, mut right) = (half * 2, 0, 0);
        while line < CANDIDATES {
            for (image, line) in guess(line).into_iter().zip(line..) {
                if possible[low(image)]
                    && let Some(original) = wanted.get(&image)
                {
                    all += 1;
                    right += usize::from(*original == line);
                }
            }
            line += 4;
        }
        (all, right)
    };
    let halves = std::thread::scope(|scope| {
        [0, 1].map(|half| scope.spawn(move || search(half))).map(|thread| thread.join().unwrap())
    });
    (halves[0].0 + halves[1].0, halves[0].1 + halves[1].1)
}

#[test]
fn brute_force_over_an_area_code_recovers_nothing_without_the_key() {
    let rows: Vec<u64> = stolen().map(unkeyed).collect();
    let (_, right) = recovered(&rows, |line| [unkeyed(line), unkeyed(line + 1)]);
    assert_eq!(right, rows.len(), "the attack does not work even where there is no key");

    // What the attacker holds is what the mask wrote.
    let named = |name: &str| *blake3::hash(name.as_bytes()).as_bytes();
    let secret = named("a key that the attacker does not have");
    let rows: Vec<u64> = stolen().map(|line| masked(secret, line)).collect();
    let own = permuter(secret);
    assert!(
        rows.iter().zip(stolen()).all(|(row, line)| *row == keyed(&own, line)),
        "the key is not all that is missing"
    );

    // A search of all candidates under the key of an installation that forgot to set one.
    let zeros = permuter([0; 32]);
    let (all, right) = recovered(&rows, |line| keyed_pair(&zeros, line));
    // By chance, ten million candidates meet 500 of ten thousand million numbers once in two searches.
    assert!(right == 0 && all < 8, "{all} rows explained, {right} of them rightly");

    // Only the original itself can recover a row, so for further guesses it is enough to try the originals.
    let mut padded = [0; 32];
    padded[..4].copy_from_slice(b"shop");
    for guess in [padded, [b' '; 32], [0xFF; 32], named(""), named("shop"), named("person.phone"), named("4155550100")]
    {
        let guess = permuter(guess);
        assert!(rows.iter().zip(stolen()).all(|(row, line)| *row != keyed(&guess, line)));
    }
}

/// The number that `phone` makes of a number of the area code in a unique column.
fn masked(key: [u8; 32], line: u64) -> u64 {
    let phone = find("phone").unwrap();
    let ring = Keyring::new(&MasterKey::new(Secret32::new(key)), "shop", "dev", 1);
    let site = Site { unique: true, max_chars: Some(17), ..Site::free(&ring, phone.domain, Family::Text) };
    let mask = (phone.build)(&site, &Params::default()).unwrap();
    let value = format!("({AREA}) {:03}-{:04}", line / 10_000, line % 10_000);
    let mut out = Vec::new();
    mask.mask(Cell::text(&value), &Row::NONE, &mut out).unwrap();
    let digits = out[3..].iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}
