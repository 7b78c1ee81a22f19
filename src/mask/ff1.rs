//! FF1 of NIST SP 800-38G: AES as a permutation of all strings of `length` numerals of one radix, here read as numbers.
//!
//! Limits, outside of which [`Ff1::new`] gives nothing: radix 2 to 65,536; two numerals or more; at least a million strings
//! (revision 1 of the standard forbids fewer); the longer half below 2^64, which keeps a round to one AES block and one
//! division: 38 decimal digits, 24 of radix 36.

use aes::cipher::BlockEncrypt;
use aes::cipher::BlockSizeUser;
use aes::cipher::consts::U16;

/// The fewest strings that the standard allows.
pub(super) const LEAST: u128 = 1_000_000;

const ROUNDS: u128 = 10;

/// What every encryption of one radix, length and tweak has in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ff1 {
    /// What the first half and the second half can be: radix to the power of each one's length.
    halves: [u64; 2],
    /// The last block of a round's input without round and half, and the chain of the blocks before it.
    last: u128,
    /// Where the round stands in the last block, in bits from its end.
    round_at: u32,
    /// Bits of the round's output that the standard does not use.
    unused: u32,
}

/// A block cipher of 128 bits.
pub(super) trait Cipher: BlockEncrypt + BlockSizeUser<BlockSize = U16> {}

impl<T: BlockEncrypt + BlockSizeUser<BlockSize = U16>> Cipher for T {}

#[inline]
pub(super) fn encrypt_block(cipher: &impl Cipher, block: u128) -> u128 {
    let mut block = aes::Block::from(block.to_be_bytes());
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

impl Ff1 {
    /// Prepares for one radix, length and tweak; nothing where the limits above forbid it.
    pub(super) fn new(cipher: &impl Cipher, radix: u32, length: u32, tweak: &[u8]) -> Option<Self> {
        let tweaked = u32::try_from(tweak.len()).ok()?;
        let (left, right) = (length / 2, length - length / 2);
        if !(2..=65_536).contains(&radix) || left == 0 {
            return None;
        }
        let halves = [u64::from(radix).checked_pow(left)?, u64::from(radix).checked_pow(right)?];
        if u128::from(halves[0]) * u128::from(halves[1]) < LEAST {
            return None;
        }
        // `b` of the standard: the bytes of the longer half, and `d`: the bytes that are taken from a round.
        let bytes = (64 - (halves[1] - 1).leading_zeros()).div_ceil(8);
        let taken = 4 * bytes.div_ceil(4) + 4;
        let ([_, high, middle, low], [.., half]) = (radix.to_be_bytes(), left.to_be_bytes());
        let mut block = [1, 2, 1, high, middle, low, 10, half, 0, 0, 0, 0, 0, 0, 0, 0];
        block[8..12].copy_from_slice(&length.to_be_bytes());
        block[12..].copy_from_slice(&tweaked.to_be_bytes());
        // The tweak, filled up with zeros so that round and half end the last block.
        let behind = bytes as usize + 1;
        let mut chain = encrypt_block(cipher, u128::from_be_bytes(block));
        let mut rest = tweak;
        while rest.len() + behind > 16 {
            let (now, later) = rest.split_at(rest.len().min(16));
            let mut block = [0; 16];
            block[..now.len()].copy_from_slice(now);
            chain = encrypt_block(cipher, chain ^ u128::from_be_bytes(block));
            rest = later;
        }
        let mut block = [0; 16];
        block[..rest.len()].copy_from_slice(rest);
        let last = chain ^ u128::from_be_bytes(block);
        Some(Self { halves, last, round_at: bytes * 8, unused: 128 - taken * 8 })
    }

    /// Encrypts the numbers that the strings spell, each below [`size`](Self::size). Several at once take hardly longer than
    /// one: each waits for its own last round only.
    #[inline]
    pub(super) fn encrypt<const N: usize>(&self, cipher: &impl Cipher, numbers: [u128; N]) -> [u128; N] {
        let right = u128::from(self.halves[1]);
        let mut all = numbers.map(|number| (narrow(number / right), narrow(number % right)));
        for round in 0..ROUNDS {
            let modulus = self.halves[usize::from(round % 2 == 1)];
            let begun = self.last ^ (round << self.round_at);
            let mut blocks = all.map(|(_, other)| aes::Block::from((begun ^ u128::from(other)).to_be_bytes()));
            cipher.encrypt_blocks(&mut blocks);
            for ((one, other), block) in all.iter_mut().zip(blocks) {
                let drawn = u128::from_be_bytes(block.into()) >> self.unused;
                let sum = if self.unused == 64 {
                    // The longer half has at most 32 bits, so the sum cannot overflow.
                    narrow(drawn) % modulus + *one
                } else {
                    narrow(drawn % u128::from(modulus)).wrapping_add(*one)
                };
                // `one` is below the modulus: one subtraction is enough, also where 64 bits ran over.
                let sum = if sum >= modulus || sum < *one { sum.wrapping_sub(modulus) } else { sum };
                (*one, *other) = (*other, sum);
            }
        }
        all.map(|(one, other)| u128::from(one) * right + u128::from(other))
    }

    /// How many strings there are.
    #[cfg(test)]
    pub(super) fn size(&self) -> u128 {
        u128::from(self.halves[0]) * u128::from(self.halves[1])
    }
}

/// The low 64 bits of a number that has no more.
#[inline]
fn narrow(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::cipher::KeyInit;
    use aes::{Aes128, Aes192, Aes256};
    use fpe::ff1::{FF1, FlexibleNumeralString};
    use proptest::prelude::*;

    fn number(radix: u32, numerals: &[u16]) -> u128 {
        numerals.iter().fold(0, |sum, numeral| sum * u128::from(radix) + u128::from(*numeral))
    }

    fn spelled(radix: u32, text: &str) -> u128 {
        text.chars().fold(0, |sum, c| sum * u128::from(radix) + u128::from(c.to_digit(radix).unwrap()))
    }

    fn with<C: Cipher + KeyInit>(key: &[u8], radix: u32, tweak: &[u8], text: &str) -> u128 {
        let cipher = C::new_from_slice(key).unwrap();
        let ff1 = Ff1::new(&cipher, radix, u32::try_from(text.len()).unwrap(), tweak).unwrap();
        ff1.encrypt(&cipher, [spelled(radix, text)])[0]
    }

    #[test]
    fn the_nine_samples_of_nist_come_out() {
        let key = data_encoding::HEXUPPER
            .decode(b"2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
            .unwrap();
        let (tens, letters) = (b"9876543210".as_slice(), b"7777pqrs777".as_slice());
        let (digits, mixed) = ("0123456789", "0123456789abcdefghi");
        for (bytes, radix, tweak, text, wanted) in [
            (16, 10, &b""[..], digits, "2433477484"),
            (16, 10, tens, digits, "6124200773"),
            (16, 36, letters, mixed, "a9tv40mll9kdu509eum"),
            (24, 10, b"", digits, "2830668132"),
            (24, 10, tens, digits, "2496655549"),
            (24, 36, letters, mixed, "xbj3kv35jrawxv32ysr"),
            (32, 10, b"", digits, "6657667009"),
            (32, 10, tens, digits, "1001623463"),
            (32, 36, letters, mixed, "xs8a0azh2avyalyzuwd"),
        ] {
            let run = [with::<Aes128>, with::<Aes192>, with::<Aes256>][bytes / 8 - 2];
            assert_eq!(run(&key[..bytes], radix, tweak, text), spelled(radix, wanted), "AES-{}, {text}", bytes * 8);
        }
    }

    /// A radix and as many numerals of it as the limits allow, at least, at most or in between.
    fn strings() -> impl Strategy<Value = (u32, Vec<u16>)> {
        let radix = prop_oneof![2..=65_536_u32, 2..=64_u32, Just(10), Just(36), Just(65_536)];
        radix.prop_flat_map(|radix| {
            let allowed = |length: &u32| Ff1::new(&Aes256::new(&[0; 32].into()), radix, *length, &[]).is_some();
            let lengths: Vec<u32> = (2..=126).filter(allowed).collect();
            let numerals = prop::sample::select(lengths).prop_flat_map(move |length| {
                prop::collection::vec(0..radix, length as usize)
                    .prop_map(|numerals| numerals.into_iter().map(|numeral| u16::try_from(numeral).unwrap()).collect())
            });
            (Just(radix), numerals)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]
        #[test]
        fn another_implementation_agrees(
            key: [u8; 32],
            tweak in prop::collection::vec(any::<u8>(), 0..40),
            (radix, numerals) in strings(),
        ) {
            let cipher = Aes256::new(&key.into());
            let ff1 = Ff1::new(&cipher, radix, u32::try_from(numerals.len()).unwrap(), &tweak).unwrap();
            let other = FF1::<Aes256>::new(&key, radix).unwrap();
            let wanted: Vec<u16> =
                other.encrypt(&tweak, &FlexibleNumeralString::from(numerals.clone())).unwrap().into();
            let number = |numerals: &[u16]| number(radix, numerals);
            let two = ff1.encrypt(&cipher, [0, number(&numerals)]);
            prop_assert_eq!(two[1], number(&wanted));
            prop_assert_eq!(ff1.encrypt(&cipher, [number(&numerals)])[0], two[1]);
            prop_assert!(two[0] < ff1.size());
        }
    }

    #[test]
    fn what_the_standard_or_the_integers_forbid_is_refused() {
        let cipher = Aes256::new(&[0; 32].into());
        let built = |radix, length| Ff1::new(&cipher, radix, length, &[]).is_some();
        assert!(!built(10, 5) && built(10, 6) && built(10, 38) && !built(10, 39));
        assert!(!built(1, 30) && built(65_536, 2) && !built(65_537, 2) && !built(1_000_000, 1));
        assert!(built(2, 126) && !built(2, 128) && !built(2, 19) && built(2, 20));
    }

    #[test]
    fn every_number_of_a_million_is_hit_once() {
        let cipher = Aes256::new(&[9; 32].into());
        let ff1 = Ff1::new(&cipher, 10, 6, b"t").unwrap();
        let mut seen = vec![false; 1_000_000];
        for number in 0..1_000_000 {
            let image = usize::try_from(ff1.encrypt(&cipher, [number])[0]).unwrap();
            assert!(!std::mem::replace(&mut seen[image], true));
        }
    }
}
