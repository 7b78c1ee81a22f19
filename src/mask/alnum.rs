//! `alnum`: a code of the same letters-and-digits pattern, for licence plates, serial numbers and references.

use super::numerals;
use super::permute::Permuter;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "alnum",
    about: "Replaces all letters and digits of a code together: digits by digits, lower case by lower case, upper case by upper case; no two codes become the same.",
    unique: Uniqueness::Exact,
    domain: "text.code",
    build: |site, _| Ok(Box::new(Masker { permuter: Permuter::new(&site.key) })),
    examples: &[Example::plain("INV-2024-00817"), Example::plain("b7Kq-93xZ")],
    teaches: |_| Teaches::Whole,
    sample: |number| {
        let letter = |at: u64| char::from(b'A' + (number / at % 26).to_le_bytes()[0]);
        format!("{}{}-{:08}", letter(100_000_000), letter(2_600_000_000), number % 100_000_000)
    },
    ..Definition::BASE
};

struct Masker {
    permuter: Permuter,
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        numerals::only_plain_letters(value)?;
        let start = out.len();
        out.extend_from_slice(value);
        numerals::replace(&self.permuter, &mut out[start..])?;
        Ok(CellKind::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(value: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        let mask = (DEFINITION.build)(&Site::for_tests("alnum"), &Params::default()).unwrap();
        mask.mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn punctuation_stays_and_does_not_matter() {
        let plain = |text: String| text.replace(|c: char| !c.is_ascii_alphanumeric(), "");
        assert_eq!(plain(mask("AB-12 cd").unwrap()), mask("AB12cd").unwrap());
        assert!(mask("№ 12–34").unwrap().starts_with("№ "));
    }

    #[test]
    fn long_codes_are_masked_too() {
        let masked = mask(&"a1B".repeat(100)).unwrap();
        assert!(masked.len() == 300 && masked != "a1B".repeat(100));
    }

    #[test]
    fn what_has_no_class_is_refused() {
        assert!(mask("Łódź 12").is_err() && mask("--").is_err());
    }
}
