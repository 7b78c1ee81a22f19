//! `ssn`: a whole social security number that was never given to anybody: area 900 to 999 with group 01 to 49.
//!
//! Areas 000, 666 and 900 to 999 are never issued, nor are group 00 and serial 0000. Of 9xx numbers, groups 50 to 65, 70 to
//! 88 and 90 to 99 are taxpayer numbers of people without a social security number, so those are left out as well. What is
//! left holds 49 million numbers; about 889 million can be issued. So no permutation can keep all originals apart in there:
//! the mask is refused on unique columns. `digits` keeps them apart, at the price that a result may be somebody's number.

use super::numerals::{self, Digits};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "ssn",
    about: "Replaces a social security number by one that was never issued (area 900 to 999, group 01 to 49); dashes stay. On unique columns use `digits`, whose results can be somebody's numbers.",
    accepts: &[Family::Text, Family::Integer, Family::Numeric],
    takes_subject: true,
    domain: "person.ssn",
    build: |site, _| build(site),
    examples: &[Example::plain("219-09-9999"), Example::plain("219099999")],
    teaches: |_| Teaches::Whole,
    could_write: Some(|_, text| {
        Digits::exactly(text.as_bytes(), 9).is_some_and(|digits| never_issued(digits.values()))
    }),
    sample: |number| format!("{}-{:02}-{:04}", 219 + number / 1_000_000 % 400, number / 10_000 % 100, number % 10_000),
    ..Definition::BASE
};

struct Masker {
    key: DomainKey,
    room: usize,
}

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    if site.room() < 9 {
        return Err(
            Error::policy("mask ssn writes nine digits, and the column is shorter").hint("Use `digits` or `null`.")
        );
    }
    Ok(Box::new(Masker { key: site.key.clone(), room: site.room() }))
}

/// Whether the mask takes its numbers from there.
fn never_issued(digits: &[u8]) -> bool {
    let group = numerals::number(&digits[3..5]);
    digits[0] == 9 && (1..=49).contains(&group) && digits[5..].iter().any(|digit| *digit != 0)
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        // Numbers lose the zeros in front of them, as integers and in spreadsheets.
        let mut padded = *b"000000000";
        let bare = value.len() <= 9 && value.iter().all(u8::is_ascii_digit);
        if bare {
            padded[9 - value.len()..].copy_from_slice(value);
        }
        let shape = match Digits::exactly(value, 9) {
            Some(_) if value.len() <= self.room => value,
            _ if bare || cell.kind == CellKind::Integer || self.room < 11 => b"000000000",
            _ => b"000-00-0000",
        };
        let value = if bare { &padded } else { value };
        let ask = Ask { role: Role::Number, form: Form::Digits, value, subject: row.subject };
        let kind = until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            let at = |word, least, count| least + draw.index(word, count);
            let number = at(0, 900, 100) * 1_000_000 + at(1, 1, 49) * 10_000 + at(2, 1, 9999);
            let mut digits = [0; 9];
            numerals::spell(number as u128, &mut digits);
            numerals::put(shape, &digits, out);
        })?;
        Ok(if cell.kind == CellKind::Integer { CellKind::Integer } else { kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(site: &Site, cell: Cell<'_>) -> String {
        let mut out = Vec::new();
        assert_eq!(build(site).unwrap().mask(cell, &Row::NONE, &mut out).unwrap(), cell.kind);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_were_never_issued_and_keep_their_dashes() {
        let site = Site::for_tests("ssn");
        let could_write = DEFINITION.could_write.unwrap();
        for number in 0..5000_u64 {
            let value = (DEFINITION.sample)(number * 7919);
            let masked = mask(&site, Cell::text(&value));
            let parts: Vec<u32> = masked.split('-').map(|part| part.parse().unwrap()).collect();
            // The rules of the Social Security Administration, and the groups of taxpayer numbers.
            assert!((900..=999).contains(&parts[0]) && (1..=9999).contains(&parts[2]));
            assert!(![50..=65, 70..=88, 90..=99].iter().any(|groups| groups.contains(&parts[1])) && parts[1] > 0);
            assert!(could_write(&Params::default(), &masked) && !could_write(&Params::default(), &value));
            assert_eq!(mask(&site, Cell::text(&value.replace('-', ""))), masked.replace('-', ""));
        }
    }

    #[test]
    fn numbers_that_lost_their_zeros_agree_with_those_that_did_not() {
        let site = Site::for_tests("ssn");
        let whole = mask(&site, Cell::text("078051120"));
        assert_eq!(mask(&site, Cell::text("78051120")), whole);
        assert_eq!(mask(&site, Cell { kind: CellKind::Integer, bytes: b"78051120" }), whole);
        assert_eq!(mask(&site, Cell::text("078-05-1120")).replace('-', ""), whole);
    }

    #[test]
    fn what_is_no_number_becomes_one() {
        let site = Site { max_chars: Some(9), ..Site::for_tests("ssn") };
        for value in ["n/a", "***-**-1120", "see file"] {
            assert!(Digits::exactly(mask(&Site::for_tests("ssn"), Cell::text(value)).as_bytes(), 9).is_some());
            assert_eq!(mask(&site, Cell::text(value)).len(), 9);
        }
        assert!(build(&Site { max_chars: Some(8), ..site }).is_err());
    }
}
