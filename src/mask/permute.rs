//! A keyed permutation of decimal numbers of one length: an unbalanced Feistel network in the manner of FF1, with our own
//! pseudo-random function. Exact for every length; nothing is looked up and nothing is retried.

use super::key::{DomainKey, Role};

const ROUNDS: u8 = 10;

/// Permutes `digits` (values 0 to 9) in place among all numbers of that many digits.
pub fn digits(key: &DomainKey, digits: &mut [u8]) {
    let (count, half) = (digits.len(), digits.len() / 2);
    for round in 0..ROUNDS {
        // Even rounds change the left part by the right one, odd rounds the other way round.
        let (left, right) = digits.split_at_mut(half);
        let (changed, fixed) = if round % 2 == 0 { (left, right) } else { (right, left) };
        let size = u8::try_from(count).unwrap_or(u8::MAX);
        let draw = key.prf(Role::Round, &[&[round, size], fixed]);
        let mut carry = 0;
        for (digit, pad) in changed.iter_mut().rev().zip(draw.digits()) {
            let sum = *digit + pad + carry;
            *digit = sum % 10;
            carry = sum / 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Site;

    #[test]
    fn every_number_of_a_length_is_hit_once() {
        let key = Site::for_tests("permute").key;
        for count in 1..=4_u32 {
            let all = 10_u32.pow(count);
            let mut seen = vec![false; all as usize];
            let mut moved = 0;
            for number in 0..all {
                let mut spelled: Vec<u8> =
                    (0..count).rev().map(|at| u8::try_from(number / 10_u32.pow(at) % 10).unwrap()).collect();
                digits(&key, &mut spelled);
                let image = spelled.iter().fold(0, |sum, digit| sum * 10 + u32::from(*digit));
                assert!(!std::mem::replace(&mut seen[image as usize], true));
                moved += u32::from(image != number);
            }
            assert!(count < 3 || moved > all * 95 / 100, "{count} digits: {moved} moved");
        }
    }
}
