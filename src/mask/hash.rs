//! `hash`: a keyed digest in hex.

use super::drawn::drawn;
use super::prelude::*;

/// Hex digits that hold 80 bits.
const UNIQUE: usize = 20;

pub(super) static DEFINITION: Definition = Definition {
    name: "hash",
    about: "Replaces text with hex digits of its keyed digest; texts that differ only in case or accents count as equal, unless the column is unique and tells them apart.",
    version: 2,
    params: &[Param {
        name: "length",
        about: "Hex digits; a shorter column gets fewer. A unique column needs 20.",
        kind: ParamKind::Integer(8, 64),
        default: "32",
    }],
    accepts: &[Family::Text],
    unique: Uniqueness::Tagged,
    determinism: Determinism::Value,
    strength: Strength::Pseudonym,
    keeps_original: false,
    takes_empty: false,
    takes_subject: false,
    domain: "text.hash",
    scan: |_| Scan::Identifier,
    build,
    examples: &[Example::plain("A-1029384756")],
    could_write: Some(|params, text| {
        let longest = params.size("length").unwrap_or(32);
        (8..=longest).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }),
    ..Definition::BASE
};

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let length = params.size("length").unwrap_or(32).min(site.room());
    let least = if site.unique { UNIQUE } else { 8 };
    if length < least {
        return Err(Error::policy(format!("mask hash needs {least} characters here, and there are {length}"))
            .hint("Raise `length`, or use another mask for so short a column."));
    }
    drawn(&DEFINITION, site, Role::Token, site.loose_form(), move |draw, _, out| {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let nibbles = draw.bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        out.extend(nibbles.take(length).map(|nibble| HEX[usize::from(nibble)]));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_column_needs_room_for_80_bits() {
        let site = |max, unique| Site { max_chars: Some(max), unique, ..Site::for_tests("hash") };
        assert!(build(&site(19, true), &Params::default()).is_err());
        assert!(build(&site(20, true), &Params::default()).is_ok());
        assert!(build(&site(8, false), &Params::default()).is_ok());
        assert!(build(&site(7, false), &Params::default()).is_err());
    }
}
