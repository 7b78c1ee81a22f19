//! What somebody can do who holds masked phone numbers and the policy, but no key: try every number of an area code. That
//! recovers the originals of a masker without a key, which stands beside ours to show that the attack works, and nothing
//! from ours.

use super::key::{Keyring, MasterKey};
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

/// The digits that a mask for unique columns writes behind its mark; it permutes ten-digit numbers exactly, so that each
/// masked number has one original only.
fn masked(key: [u8; 32], lines: impl Iterator<Item = u64>) -> Vec<u64> {
    let phone = find("phone").unwrap();
    let ring = Keyring::new(&MasterKey::new(Secret32::new(key)), "shop", "dev", 1);
    let site = Site { unique: true, max_chars: Some(13), ..Site::free(&ring, phone.domain, Family::Text) };
    let mask = (phone.build)(&site, &Params::default()).unwrap();
    let (mut value, mut out) = (*b"4150000000", Vec::new());
    let mut write = |line: u64| {
        let mut rest = line;
        for digit in value[3..].iter_mut().rev() {
            *digit = b'0' + (rest % 10).to_le_bytes()[0];
            rest /= 10;
        }
        out.clear();
        mask.mask(Cell { kind: crate::model::batch::CellKind::Text, bytes: &value }, &Row::NONE, &mut out).unwrap();
        out[3..].iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
    };
    lines.map(&mut write).collect()
}

/// The masker of many a script: a hash of the number, and as many digits of it.
fn unkeyed(line: u64) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in (AREA * CANDIDATES + line).to_le_bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash % 10_000_000_000
}

/// How many of the stolen rows get their original back when every candidate goes through `guess`.
fn recovered(rows: &[u64], guess: &mut dyn FnMut(u64, u64) -> Vec<u64>) -> usize {
    let wanted: HashMap<u64, u64> = rows.iter().copied().zip(stolen()).collect();
    let mut found = 0;
    for start in (0..CANDIDATES).step_by(100_000) {
        let images = guess(start, start + 100_000);
        let hits = images.iter().zip(start..).filter(|(image, line)| wanted.get(image) == Some(line));
        found += hits.count();
    }
    found
}

#[test]
fn brute_force_over_an_area_code_recovers_nothing_without_the_key() {
    let rows: Vec<u64> = stolen().map(unkeyed).collect();
    let found = recovered(&rows, &mut |start, end| (start..end).map(unkeyed).collect());
    assert_eq!(found, rows.len(), "the attack does not work even where there is no key");

    let secret = *blake3::hash(b"a key that the attacker does not have").as_bytes();
    let rows = masked(secret, stolen());
    // With the key it would work, so nothing but the key is missing.
    assert_eq!(masked(secret, stolen()), rows);
    let named = |name: &str| *blake3::hash(name.as_bytes()).as_bytes();
    let mut padded = [0; 32];
    padded[..4].copy_from_slice(b"shop");
    let guesses = [("zeros", [0; 32]), ("the project", padded), ("a digest of nothing", named(""))];
    let found: Vec<(&str, usize)> = std::thread::scope(|scope| {
        let attack = |key| recovered(&rows, &mut |start, end| masked(key, start..end));
        let running = guesses.map(|(name, key)| (name, scope.spawn(move || attack(key))));
        running.map(|(name, thread)| (name, thread.join().unwrap())).to_vec()
    });
    // By chance, one of the rows would match with probability 1 in 20 million for each guess.
    assert!(found.iter().all(|(_, found)| *found == 0), "{found:?}");
}
