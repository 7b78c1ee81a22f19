//! `uuid`: another UUID of the same version: its 122 free bits are permuted, so none is made twice.

use super::hexes::Hexes;
use super::permute::Permuter;
use super::prelude::*;

/// Bits that are neither version nor variant.
const FREE: u128 = 1 << 122;

pub(super) static DEFINITION: Definition = Definition {
    name: "uuid",
    about: "Exchanges UUIDs: version, variant, case, hyphens and braces stay, the other 122 bits are permuted; also in binary columns of 16 bytes.",
    accepts: &[Family::Uuid, Family::Text, Family::Blob],
    unique: Uniqueness::Exact,
    domain: "key.uuid",
    build: |site, _| Ok(build(site)),
    examples: &[
        Example::plain("3f2b8c1e-9d4a-4b6f-8e21-7c5a90d1e2f3"),
        Example::plain("{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}"),
    ],
    teaches: |_| Teaches::Whole,
    sample: |number| {
        // Spread over all bits: numbers that follow one another have little in common.
        let high = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let (third, fourth, last) = (number >> 60, number >> 48 & 0xFFF, number & 0xFFFF_FFFF_FFFF);
        format!("{:08x}-{:04x}-4{third:03x}-8{fourth:03x}-{last:012x}", high >> 16, high & 0xFFFF)
    },
    ..Definition::BASE
};

struct Masker {
    permuter: Permuter,
    unique: bool,
}

fn build(site: &Site) -> Box<dyn Mask> {
    Box::new(Masker { permuter: Permuter::new(&site.key), unique: site.unique })
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        const NONE: Misfit = Misfit("it is no UUID");
        if cell.kind == CellKind::Blob {
            let bytes = <[u8; 16]>::try_from(cell.bytes).map_err(|_| Misfit("it is binary, but not of 16 bytes"))?;
            out.extend_from_slice(&self.other(u128::from_be_bytes(bytes))?.to_be_bytes());
            return Ok(CellKind::Blob);
        }
        let value = super::text(cell)?;
        let (before, core) = core(value).ok_or(NONE)?;
        let hexes = Hexes::read(core, b"-").filter(|hexes| hexes.count == 32).ok_or(NONE)?;
        if self.unique && hexes.upper && hexes.lower {
            return Err(Misfit("it mixes upper and lower case, which a unique column cannot keep apart"));
        }
        out.extend_from_slice(&value[..before]);
        hexes.put(core, b"-", self.other(hexes.number)?, out);
        out.extend_from_slice(&value[before + core.len()..]);
        Ok(CellKind::Text)
    }
}

impl Masker {
    fn other(&self, number: u128) -> std::result::Result<u128, Misfit> {
        // The version is the first digit of the third group, the variant the first two bits of the fourth.
        let (high, middle, low) = (number >> 80, number >> 64 & 0xFFF, number & ((1 << 62) - 1));
        let image = self.permuter.image(high << 74 | middle << 62 | low, FREE).ok_or(Misfit("it is no UUID"))?;
        let kept = number & (0xF << 76 | 0b11 << 62);
        Ok(kept | (image >> 74) << 80 | (image >> 62 & 0xFFF) << 64 | image & ((1 << 62) - 1))
    }
}

/// The digits and hyphens of a UUID inside of braces or behind `urn:uuid:`, and where they begin.
fn core(value: &[u8]) -> Option<(usize, &[u8])> {
    let (before, core) = match value {
        [b'{', core @ .., b'}'] => (1, core),
        _ if value.len() > 9 && value[..9].eq_ignore_ascii_case(b"urn:uuid:") => (9, &value[9..]),
        _ => (0, value),
    };
    let hyphens = core.iter().enumerate().filter(|(_, byte)| **byte == b'-').map(|(at, _)| at);
    let usual = core.len() == 32 || core.len() == 36 && hyphens.eq([8, 13, 18, 23]);
    usual.then_some((before, core))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(unique: bool, value: &str) -> std::result::Result<String, Misfit> {
        let mut out = b"before".to_vec();
        build(&Site { unique, ..Site::for_tests("uuid") }).mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap()[6..].to_owned())
    }

    #[test]
    fn all_spellings_of_one_uuid_get_the_same_one() {
        let plain = mask(true, "3f2b8c1e-9d4a-7b6f-8e21-7c5a90d1e2f3").unwrap();
        assert!(plain.as_bytes()[14] == b'7' && b"89ab".contains(&plain.as_bytes()[19]));
        for (value, masked) in [
            ("3F2B8C1E-9D4A-7B6F-8E21-7C5A90D1E2F3", plain.to_uppercase()),
            ("{3f2b8c1e-9d4a-7b6f-8e21-7c5a90d1e2f3}", format!("{{{plain}}}")),
            ("urn:uuid:3f2b8c1e-9d4a-7b6f-8e21-7c5a90d1e2f3", format!("urn:uuid:{plain}")),
            ("3f2b8c1e9d4a7b6f8e217c5a90d1e2f3", plain.replace('-', "")),
        ] {
            assert_eq!(mask(true, value).unwrap(), masked);
        }
        let bytes = 0x3f2b_8c1e_9d4a_7b6f_8e21_7c5a_90d1_e2f3_u128.to_be_bytes();
        let mut out = Vec::new();
        let blob = Cell { kind: CellKind::Blob, bytes: &bytes };
        build(&Site::for_tests("uuid")).mask(blob, &Row::NONE, &mut out).unwrap();
        assert_eq!(data_encoding::HEXLOWER.encode(&out), plain.replace('-', ""));
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        assert!(mask(true, "3F2b8c1e-9d4a-7b6f-8e21-7c5a90d1e2f3").is_err());
        assert!(mask(false, "3F2b8c1e-9d4a-7b6f-8e21-7c5a90d1e2f3").is_ok());
        for wrong in ["", "{}", "3f2b8c1e-9d4a-7b6f-8e21-7c5a90d1e2f", "3f2b8c1e9d4a-7b6f-8e21-7c5a-90d1e2f3", "x"] {
            assert!(mask(false, wrong).is_err(), "{wrong}");
        }
        assert_ne!(mask(true, "00000000-0000-0000-0000-000000000000").unwrap(), "00000000-0000-0000-0000-000000000000");
    }
}
