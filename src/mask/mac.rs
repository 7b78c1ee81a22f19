//! `mac`: a hardware address that no maker was ever given: locally administered, for one device.

use super::hexes::Hexes;
use super::permute::Permuter;
use super::prelude::*;

const SEPARATORS: &[u8] = b":-. ";
/// The two lowest bits of the first byte say who assigns an address and whether it is a group's.
const LOCAL: u128 = 0b10;
const GROUP: u128 = 0b01;

pub(super) static DEFINITION: Definition = Definition {
    name: "mac",
    about: "Exchanges hardware addresses of 6 or 8 bytes for locally administered ones; separators and case stay. In a unique column, originals that were locally administered already become group addresses, so that they meet no other.",
    accepts: &[Family::Text],
    unique: Uniqueness::Exact,
    domain: "device.mac",
    build: |site, _| Ok(Box::new(Masker { permuter: Permuter::new(&site.key), unique: site.unique })),
    examples: &[Example::plain("00:1b:63:84:45:e6"), Example::plain("001B.6384.45E6")],
    teaches: |_| Teaches::Whole,
    could_write: Some(|_, text| {
        let hexes = Hexes::read(text.as_bytes(), SEPARATORS).filter(|hexes| matches!(hexes.count, 12 | 16));
        hexes.is_some_and(|hexes| hexes.number >> (hexes.count * 4 - 8) & LOCAL != 0)
    }),
    sample: |number| {
        let bytes = number.to_be_bytes();
        let ends: Vec<String> = bytes[3..].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:02x}:{}", (bytes[2] ^ bytes[1]) & 0xFC, ends.join(":"))
    },
    ..Definition::BASE
};

struct Masker {
    permuter: Permuter,
    unique: bool,
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        const NONE: Misfit = Misfit("it is no hardware address of 6 or 8 bytes");
        let value = super::text(cell)?;
        let hexes = Hexes::read(value, SEPARATORS).filter(|hexes| matches!(hexes.count, 12 | 16)).ok_or(NONE)?;
        let behind = hexes.count * 4 - 8;
        let kind = hexes.number >> behind & (LOCAL | GROUP);
        let marked = match (self.unique, kind) {
            (true, LOCAL) => LOCAL | GROUP,
            (true, 0) | (false, _) => LOCAL,
            (true, _) => {
                return Err(Misfit("it is a group address, which a unique column cannot keep apart"));
            }
        };
        if self.unique && hexes.upper && hexes.lower {
            return Err(Misfit("it mixes upper and lower case, which a unique column cannot keep apart"));
        }
        // All other bits are one number.
        let low = hexes.number & ((1 << behind) - 1);
        let number = hexes.number >> (behind + 2) << behind | low;
        let image = self.permuter.image(number, 1 << (behind + 6)).ok_or(NONE)?;
        let masked = (image >> behind) << (behind + 2) | marked << behind | image & ((1 << behind) - 1);
        hexes.put(value, SEPARATORS, masked, out);
        Ok(CellKind::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn mask(unique: bool, value: &str) -> std::result::Result<String, Misfit> {
        let site = Site { unique, ..Site::for_tests("mac") };
        let mut out = Vec::new();
        let mask = (DEFINITION.build)(&site, &Params::default()).unwrap();
        mask.mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn addresses_are_local_and_their_spelling_stays() {
        for value in ["00:1b:63:84:45:e6", "00-1B-63-84-45-E6", "001b.6384.45e6", "001B638445E6", "02:42:ac:11:00:02"] {
            let masked = mask(false, value).unwrap();
            let first = u8::from_str_radix(&masked[..2], 16).unwrap();
            assert!(first & 3 == 2 && masked.len() == value.len() && masked != value, "{value} became {masked}");
            assert_eq!(masked.contains(':'), value.contains(':'));
            assert_eq!(masked.to_uppercase() == masked, value.to_uppercase() == value, "{value} became {masked}");
        }
        assert_eq!(mask(false, "00:1b:63:84:45:e6").unwrap().to_uppercase(), mask(true, "00:1B:63:84:45:E6").unwrap());
        assert_eq!(mask(false, "00:1b:63:ff:fe:84:45:e6").unwrap().len(), 23);
    }

    #[test]
    fn in_a_unique_column_both_kinds_of_addresses_stay_apart() {
        let mut seen = HashSet::new();
        for number in 0..5000_u32 {
            for first in ["00", "02"] {
                assert!(seen.insert(mask(true, &format!("{first}0000{number:06x}")).unwrap()));
            }
        }
        assert!(mask(true, "01:00:5e:00:00:01").is_err() && mask(false, "01:00:5e:00:00:01").is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["", "00:1b:63", "00:1b:63:84:45:g6", "n/a"] {
            assert!(mask(false, wrong).is_err(), "{wrong}");
        }
    }
}
