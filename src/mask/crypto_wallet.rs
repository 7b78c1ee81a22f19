//! `crypto_wallet`: a wallet address of the original's chain that no wallet takes, so that nothing can be sent to it.
//!
//! | original | what is kept | why nothing can be sent |
//! |---|---|---|
//! | `bc1…`, `tb1…`, `ltc1…` and others of the kind | prefix, version, length, case | the check sum (BIP 173 and 350) is computed, and the last letter changed if it holds |
//! | `1…`, `3…` | first letter, length | a Bitcoin address decodes to 25 bytes with version 0 or 5; the second letter is chosen so that it does not |
//! | `0x…` and 40 digits | length | upper and lower case are a check sum (EIP-55): it is computed, and never the one written; both cases occur, for addresses in one case have none |
//! | other letters and digits without `0`, `O`, `I`, `l` (Litecoin, Tron, Ripple, Solana …) | first letter, length | the last letter is a `0`, which base58 does not have |
//! | anything else | digits, lower and upper case | nothing is known of it; nobody has its key |

use super::keccak::keccak_256;
use super::numerals;
use super::prelude::*;

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// What the check sum of BIP 173 and that of BIP 350 must leave.
const BECH32_RESTS: [u32; 2] = [1, 0x2bc8_30a3];
/// Prefixes in front of the last `1`.
const CHAINS: [&[u8]; 9] = [b"bc", b"tb", b"bcrt", b"ltc", b"tltc", b"addr", b"stake", b"cosmos", b"osmo"];

pub(super) static DEFINITION: Definition = Definition {
    name: "crypto_wallet",
    about: "Replaces a wallet address by one of the same chain and length whose check sum is wrong, so that nothing can be sent to it.",
    unique: Uniqueness::Tagged,
    domain: "payment.wallet",
    build: |site, _| Ok(Box::new(Masker { key: site.key.clone(), unique: site.unique })),
    examples: &[
        Example::plain("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        Example::plain("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        Example::plain("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ],
    teaches: |_| Teaches::Whole,
    could_write: Some(|_, text| could_write(text.as_bytes())),
    sample: |number| format!("0x{:024x}{number:016x}", u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 32),
    ..Definition::BASE
};

enum Kind {
    /// The length of the prefix with its `1`.
    Bech32(usize),
    Bitcoin,
    Ethereum,
    Base58,
    Other,
}

impl Kind {
    fn of(value: &[u8]) -> Self {
        let base58 = || value.iter().all(|byte| BASE58.contains(byte));
        let split = value.iter().rposition(|byte| *byte == b'1').unwrap_or(0);
        let (chain, data) = value.split_at(split);
        if let [b'0', b'x' | b'X', digits @ ..] = value
            && digits.len() == 40
            && digits.iter().all(u8::is_ascii_hexdigit)
        {
            return Self::Ethereum;
        }
        let one_case = !value.iter().any(u8::is_ascii_lowercase) || !value.iter().any(u8::is_ascii_uppercase);
        if CHAINS.iter().any(|known| chain.eq_ignore_ascii_case(known))
            && one_case
            && data.len() > 20
            && data[1..].iter().all(|byte| BECH32.contains(&byte.to_ascii_lowercase()))
        {
            return Self::Bech32(split + 1);
        }
        match value {
            [b'1' | b'3', ..] if (26..=35).contains(&value.len()) && base58() => Self::Bitcoin,
            _ if (25..=110).contains(&value.len()) && base58() => Self::Base58,
            _ => Self::Other,
        }
    }
}

struct Masker {
    key: DomainKey,
    unique: bool,
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        numerals::only_plain_letters(value)?;
        let kind = Kind::of(value);
        // Where case means nothing, spellings of one address agree.
        let form = if matches!(kind, Kind::Ethereum | Kind::Bech32(_)) { Form::Text } else { Form::Exact };
        let ask = Ask { role: Role::Token, form, value, subject: None };
        if matches!(kind, Kind::Other) {
            let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
            let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
            if letters + digits == 0 {
                return Err(Misfit("it has no letter and no digit"));
            }
            // Tenths of bits.
            if self.unique && letters * 47 + digits * 33 < 800 {
                return Err(Misfit("it is too short to be told apart in a unique column"));
            }
        }
        until_different(value, out, |attempt, out| {
            let mut stream = Words::new(self.key.stream(&ask, attempt, out));
            let start = out.len();
            out.extend_from_slice(value);
            let text = &mut out[start..];
            match kind {
                Kind::Bech32(prefix) => bech32(&mut stream, prefix, text),
                Kind::Bitcoin => bitcoin(&mut stream, text),
                Kind::Base58 => {
                    let last = text.len() - 1;
                    text[1..last].iter_mut().for_each(|byte| *byte = BASE58[pick(&mut stream, 58)]);
                    text[last] = b'0';
                }
                Kind::Ethereum => {
                    let spelling = self.key.prf(Role::Spelling, &[value]).word(0);
                    ethereum(&mut stream, self.unique.then_some(spelling), &mut text[2..]);
                }
                Kind::Other => text.iter_mut().for_each(|byte| match byte {
                    b'0'..=b'9' => *byte = b"0123456789"[pick(&mut stream, 10)],
                    b'a'..=b'z' => *byte = b"abcdefghijklmnopqrstuvwxyz"[pick(&mut stream, 26)],
                    b'A'..=b'Z' => *byte = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[pick(&mut stream, 26)],
                    _ => {}
                }),
            }
        })
    }
}

/// Words of the keyed stream, taken from it many at once.
struct Words {
    stream: blake3::OutputReader,
    drawn: [u8; 512],
    used: usize,
}

impl Words {
    fn new(stream: blake3::OutputReader) -> Self {
        Self { stream, drawn: [0; 512], used: 512 }
    }

    fn next(&mut self) -> u64 {
        if self.used == self.drawn.len() {
            self.stream.fill(&mut self.drawn);
            self.used = 0;
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.drawn[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(word)
    }
}

fn pick(words: &mut Words, length: usize) -> usize {
    scale(words.next(), length)
}

/// What the check sum leaves of an address.
fn bech32_rest(text: &[u8], prefix: usize) -> u32 {
    let chain = || text[..prefix - 1].iter().map(u8::to_ascii_lowercase);
    let data =
        text[prefix..].iter().filter_map(|byte| BECH32.iter().position(|letter| *letter == byte.to_ascii_lowercase()));
    let values = chain().map(|byte| u32::from(byte >> 5)).chain([0]).chain(chain().map(|byte| u32::from(byte & 31)));
    values.chain(data.map(|value| u32::try_from(value).unwrap_or(0))).fold(1, |rest, value| {
        let factors = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let next = (rest & 0x01ff_ffff) << 5 ^ value;
        factors
            .iter()
            .enumerate()
            .filter(|(bit, _)| rest >> 25 >> bit & 1 == 1)
            .fold(next, |sum, (_, factor)| sum ^ factor)
    })
}

fn bech32(stream: &mut Words, prefix: usize, text: &mut [u8]) {
    let upper = text.iter().any(u8::is_ascii_uppercase);
    // The first letter behind the prefix is the version.
    text[prefix + 1..].iter_mut().for_each(|byte| *byte = BECH32[pick(stream, 32)]);
    if upper {
        text.make_ascii_uppercase();
    }
    let last = text.len() - 1;
    for letter in BECH32 {
        if !BECH32_RESTS.contains(&bech32_rest(text, prefix)) {
            return;
        }
        text[last] = if upper { letter.to_ascii_uppercase() } else { *letter };
    }
}

/// How many bytes a base58 text decodes to, and the first of them.
fn decoded(text: &[u8]) -> (usize, u8) {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    for letter in text {
        let mut carry = BASE58.iter().position(|known| known == letter).unwrap_or(0);
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry.to_le_bytes()[0]);
        }
    }
    let zeros = text.iter().take_while(|letter| **letter == b'1').count();
    let first = if zeros > 0 { 0 } else { bytes.last().copied().unwrap_or(0) };
    (bytes.len() + zeros, first)
}

/// Whether a text may be a Bitcoin address if its check sum holds.
fn may_be_bitcoin(text: &[u8]) -> bool {
    matches!(decoded(text), (25, 0 | 5))
}

fn bitcoin(stream: &mut Words, text: &mut [u8]) {
    text[1..].iter_mut().for_each(|byte| *byte = BASE58[pick(stream, 58)]);
    let first = pick(stream, 57);
    for at in 0..57 {
        // No second 1, which would be another byte of zeros.
        text[1] = BASE58[1 + (first + at) % 57];
        if !may_be_bitcoin(text) {
            return;
        }
    }
    let last = text.len() - 1;
    text[last] = b'0';
}

/// Whether the case of the digits is the one that EIP-55 wants.
fn eip_55_holds(digits: &[u8]) -> bool {
    let hash = keccak_256(&digits.to_ascii_lowercase());
    let wants_upper = |at: usize| (hash[at / 2] >> (4 - at % 2 * 4)) & 8 != 0;
    digits
        .iter()
        .enumerate()
        .all(|(at, byte)| !byte.is_ascii_alphabetic() || byte.is_ascii_uppercase() == wants_upper(at))
}

fn is_mixed(digits: &[u8]) -> bool {
    digits.iter().any(u8::is_ascii_lowercase) && digits.iter().any(u8::is_ascii_uppercase)
}

fn ethereum(stream: &mut Words, spelling: Option<u64>, digits: &mut [u8]) {
    for digit in digits.iter_mut() {
        *digit = b"0123456789abcdef"[pick(stream, 16)];
    }
    if digits.iter().filter(|byte| byte.is_ascii_alphabetic()).count() < 3 {
        digits[..3].iter_mut().for_each(|byte| *byte = b"abcdef"[pick(stream, 6)]);
    }
    let drawn = stream.next();
    let case = spelling.unwrap_or(drawn);
    for (at, byte) in digits.iter_mut().enumerate() {
        if case >> at & 1 == 1 {
            byte.make_ascii_uppercase();
        }
    }
    let fits = |digits: &[u8]| is_mixed(digits) && !eip_55_holds(digits);
    // With three letters or more, another case of one of them is enough.
    let letters = (0..digits.len()).filter(|at| digits[*at].is_ascii_alphabetic()).collect::<Vec<_>>();
    for at in letters {
        if fits(digits) {
            return;
        }
        digits[at] ^= 0x20;
        if fits(digits) {
            return;
        }
        digits[at] ^= 0x20;
    }
}

fn could_write(text: &[u8]) -> bool {
    match Kind::of(text) {
        Kind::Bech32(prefix) => !BECH32_RESTS.contains(&bech32_rest(text, prefix)),
        Kind::Bitcoin => !may_be_bitcoin(text),
        Kind::Ethereum => is_mixed(&text[2..]) && !eip_55_holds(&text[2..]),
        Kind::Base58 => false,
        Kind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(unique: bool, value: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        let site = Site { unique, ..Site::for_tests("wallet") };
        let mask = (DEFINITION.build)(&site, &Params::default()).unwrap();
        mask.mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// Addresses of the standards' own examples.
    const PUBLISHED: [&str; 9] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "1111111111111111111114oLvT2",
    ];

    #[test]
    fn published_addresses_hold_and_what_becomes_of_them_does_not() {
        for value in PUBLISHED {
            assert!(!could_write(value.as_bytes()), "{value}");
            let masked = mask(false, value).unwrap();
            assert!(could_write(masked.as_bytes()) && masked.len() == value.len(), "{value} became {masked}");
            assert_eq!(masked[..1], value[..1]);
        }
        assert!(eip_55_holds(&PUBLISHED[0].as_bytes()[2..]) && eip_55_holds(&PUBLISHED[1].as_bytes()[2..]));
        assert_eq!(decoded(PUBLISHED[8].as_bytes()), (25, 0));
    }

    #[test]
    fn no_address_of_any_length_can_be_sent_to() {
        for number in 0..3000_u64 {
            let length = 26 + usize::try_from(number % 10).unwrap();
            for first in ["1", "3"] {
                let tail = format!("{number}").replace('0', "z");
                let value = format!("{first}{}{tail}", "Q".repeat(length - 1 - tail.len()));
                let masked = mask(false, &value).unwrap();
                assert!(!may_be_bitcoin(masked.as_bytes()) && masked.len() == length, "{value} became {masked}");
                assert!(masked.bytes().all(|byte| BASE58.contains(&byte)), "{masked}");
            }
            let masked = mask(false, &(DEFINITION.sample)(number)).unwrap();
            assert!(is_mixed(&masked.as_bytes()[2..]) && !eip_55_holds(&masked.as_bytes()[2..]), "{masked}");
        }
        let masked = mask(false, "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8").unwrap();
        assert!(masked.starts_with('T') && masked.ends_with('0') && masked.len() == 34);
    }

    #[test]
    fn case_means_nothing_where_the_chain_says_so() {
        let value = PUBLISHED[0];
        assert_eq!(mask(false, value).unwrap(), mask(false, &value.to_lowercase()).unwrap());
        let (one, other) = (mask(true, value).unwrap(), mask(true, &value.to_lowercase()).unwrap());
        assert!(one != other && one.eq_ignore_ascii_case(&other));
        assert_eq!(mask(false, PUBLISHED[3]).unwrap().to_lowercase(), mask(false, PUBLISHED[2]).unwrap());
    }

    #[test]
    fn other_texts_keep_their_classes() {
        let masked = mask(false, "acct_0x12").unwrap();
        assert!(masked.len() == 9 && masked.as_bytes()[4] == b'_' && masked.as_bytes()[5].is_ascii_digit());
        assert!(mask(true, "acct_0x12").is_err() && mask(false, "--").is_err());
    }
}
