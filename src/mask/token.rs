//! `token`: a random-looking identifier, for secrets, handles and codes.

use super::drawn::drawn;
use super::prelude::*;

/// Bytes of a tag that tells values apart: 80 bits, 16 characters.
pub(super) const TAG: usize = 10;

pub(super) static DEFINITION: Definition = Definition {
    name: "token",
    about: "Replaces text with a prefix and lower-case base32 of at least 80 keyed bits; texts that differ only in case or accents count as equal, unless the column is unique and tells them apart.",
    version: 2,
    params: &[
        Param { name: "prefix", about: "Text in front, such as `tok_`.", kind: ParamKind::Text, default: "none" },
        Param {
            name: "bytes",
            about: "Keyed bytes in the token; a shorter column gets fewer, never less than 10.",
            kind: ParamKind::Integer(10, 32),
            default: "15",
        },
    ],
    accepts: &[Family::Text],
    unique: Uniqueness::Tagged,
    determinism: Determinism::Value,
    strength: Strength::Pseudonym,
    keeps_original: false,
    takes_empty: false,
    takes_subject: false,
    domain: "text.token",
    scan: |_| Scan::Identifier,
    build,
    examples: &[Example::plain("sk_live_51H8example")],
    could_write: Some(|params, text| {
        let longest = (params.size("bytes").unwrap_or(15) * 8).div_ceil(5);
        let token = text.strip_prefix(params.text("prefix").unwrap_or_default());
        token.is_some_and(|token| {
            (16..=longest).contains(&token.len()) && token.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
        })
    }),
    ..Definition::BASE
};

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let prefix = params.text("prefix").unwrap_or_default().to_owned();
    let room = site.room().saturating_sub(prefix.chars().count());
    let wanted = params.size("bytes").unwrap_or(15);
    let bytes = (TAG..=wanted).rev().find(|bytes| (bytes * 8).div_ceil(5) <= room);
    let Some(bytes) = bytes else {
        let least = prefix.chars().count() + 16;
        return Err(Error::policy(format!(
            "mask token needs a column of {least} characters, and there are {}",
            site.room()
        ))
        .hint("Shorten the prefix, or use `hash` with a small length where the column is not unique."));
    };
    drawn(&DEFINITION, site, Role::Token, site.loose_form(), move |draw, _, out| {
        out.extend_from_slice(prefix.as_bytes());
        base32(&draw.bytes()[..bytes], out);
    })
}

/// Appends lower-case base32 without padding.
pub(super) fn base32(bytes: &[u8], out: &mut Vec<u8>) {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (mut held, mut bits) = (0_usize, 0);
    for byte in bytes {
        held = (held << 8) | usize::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(LETTERS[(held >> bits) & 31]);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(LETTERS[(held << (5 - bits)) & 31]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Value;

    #[test]
    fn base32_is_the_standard_one() {
        for length in 0..=32_u8 {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(37) ^ 0xA5).collect();
            let mut out = Vec::new();
            base32(&bytes, &mut out);
            let want = data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }

    #[test]
    fn short_columns_get_80_bits_or_nothing() {
        let prefix = || Params::new(&DEFINITION, [("prefix".to_owned(), Value::Text("tok_".into()))]).unwrap();
        let site = |max| Site { max_chars: Some(max), ..Site::for_tests("token") };
        assert!(build(&site(19), &prefix()).is_err());
        let mask = build(&site(21), &prefix()).unwrap();
        let mut out = Vec::new();
        mask.mask(Cell::text("x"), &Row::NONE, &mut out).unwrap();
        assert_eq!(out.len(), 20);
        assert!(out.starts_with(b"tok_"));
    }
}
