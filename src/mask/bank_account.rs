//! `bank_account`: a national account number or a US routing number.
//!
//! Nobody publishes account numbers that are never given out, so an account number of the same length may exist at the same
//! bank; it cannot be found without the bank's own number. US routing numbers (ABA) begin with 00 to 12, 21 to 32, 61 to 72
//! or 80; the mask writes others, with a valid check digit.

use super::numerals::{self, Digits};
use super::permute::Permuter;
use super::prelude::*;

/// The first two digits of routing numbers that are not assigned.
const ROUTING: [std::ops::RangeInclusive<u8>; 4] = [13..=20, 33..=60, 73..=79, 81..=99];

pub(super) static DEFINITION: Definition = Definition {
    name: "bank_account",
    about: "Exchanges account numbers for others of the same length and pattern, or US routing numbers for ones that no bank has.",
    params: &[Param {
        name: "kind",
        about: "`account`: permuted exactly; `routing`: nine digits in a range that is not assigned, refused on unique columns.",
        kind: ParamKind::Choice(&["account", "routing"]),
        default: "account",
    }],
    accepts: &[Family::Text, Family::Integer, Family::Numeric],
    unique: Uniqueness::Exact,
    domain: "payment.account",
    build,
    examples: &[
        Example::plain("000123456789"),
        Example { params: || vec![("kind", Value::text("routing"))], cell: "021000021" },
    ],
    teaches: |_| Teaches::Whole,
    could_write: Some(|params, text| {
        params.text("kind") != Some("routing")
            || Digits::exactly(text.as_bytes(), 9).is_some_and(|digits| is_nobodys(digits.values()))
    }),
    sample: |number| format!("{:012}", 100_000_000_000 + number % 900_000_000_000),
    ..Definition::BASE
};

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    if params.text("kind") != Some("routing") {
        return Ok(Box::new(Account { permuter: Permuter::new(&site.key), range: site.range }));
    }
    if site.unique {
        return Err(Error::policy("routing numbers that no bank has are too few for a unique column")
            .hint("Use `digits`, whose results can be a bank's numbers."));
    }
    if site.room() < 9 {
        return Err(Error::policy("routing numbers have nine digits, and the column is shorter").hint("Use `digits`."));
    }
    Ok(Box::new(Routing { key: site.key.clone(), room: site.room() }))
}

struct Account {
    permuter: Permuter,
    range: (Option<i128>, Option<i128>),
}

impl Mask for Account {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        numerals::only_plain_letters(value)?;
        let digits = Digits::read(value).filter(|_| !value.iter().any(u8::is_ascii_alphabetic));
        let Some(mut digits) = digits else {
            let start = out.len();
            out.extend_from_slice(value);
            numerals::replace(&self.permuter, &mut out[start..])?;
            return Ok(CellKind::Text);
        };
        super::digits::number(&self.permuter, self.range, value, digits.values_mut())?;
        numerals::put(value, digits.values(), out);
        Ok(cell.kind)
    }
}

struct Routing {
    key: DomainKey,
    room: usize,
}

/// The last digit of a routing number: weights 3, 7, 1.
fn check(digits: &[u8]) -> u8 {
    let sum: u32 =
        digits[..8].iter().zip([3, 7, 1, 3, 7, 1, 3, 7]).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    ((10 - sum % 10) % 10).to_le_bytes()[0]
}

fn is_nobodys(digits: &[u8]) -> bool {
    ROUTING.iter().any(|range| range.contains(&(digits[0] * 10 + digits[1]))) && check(digits) == digits[8]
}

impl Mask for Routing {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        // Integers lose the zeros in front.
        let mut padded = *b"000000000";
        let bare = value.len() <= 9 && value.iter().all(u8::is_ascii_digit);
        if bare {
            padded[9 - value.len()..].copy_from_slice(value);
        }
        let shaped = Digits::exactly(value, 9).is_some() && value.len() <= self.room;
        let shape = if shaped { value } else { b"000000000" };
        let value = if bare { &padded } else { value };
        let ask = Ask { role: Role::Number, form: Form::Digits, value, subject: None };
        until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            let mut digits = [0; 9];
            digits.iter_mut().zip(draw.digits()).for_each(|(digit, drawn)| *digit = drawn);
            let count = ROUTING.iter().map(ExactSizeIterator::len).sum();
            let first = ROUTING.into_iter().flatten().nth(draw.index(2, count)).unwrap_or(99);
            digits[..2].copy_from_slice(&[first / 10, first % 10]);
            digits[8] = check(&digits);
            numerals::put(shape, &digits, out);
        })?;
        Ok(cell.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(kind: &'static str, cell: Cell<'_>) -> String {
        let params = Params::new(&DEFINITION, [("kind".to_owned(), Value::text(kind))]).unwrap();
        let mut out = Vec::new();
        let mask = build(&Site::for_tests("account"), &params).unwrap();
        assert_eq!(mask.mask(cell, &Row::NONE, &mut out).unwrap(), cell.kind);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn routing_numbers_are_no_banks_and_valid() {
        assert_eq!(check(&[0, 2, 1, 0, 0, 0, 0, 2, 1]), 1);
        for number in 0..5000 {
            let masked = mask("routing", Cell::text(&format!("{:09}", number * 17)));
            assert!(is_nobodys(Digits::exactly(masked.as_bytes(), 9).unwrap().values()), "{masked}");
        }
        let integer = Cell { kind: CellKind::Integer, bytes: b"21000021" };
        assert_eq!(mask("routing", integer), mask("routing", Cell::text("021000021")));
        let unique = Site { unique: true, ..Site::for_tests("account") };
        let params = Params::new(&DEFINITION, [("kind".to_owned(), Value::text("routing"))]).unwrap();
        assert!(build(&unique, &params).is_err() && build(&unique, &Params::default()).is_ok());
    }

    #[test]
    fn account_numbers_keep_length_and_pattern() {
        for value in ["000123456789", "12-345678-9", "20-00-00 55779911", "AB12CD34", "7"] {
            let masked = mask("account", Cell::text(value));
            assert!(masked.len() == value.len() && masked != value, "{value} became {masked}");
        }
        let integer = Cell { kind: CellKind::Integer, bytes: b"123456789" };
        assert_eq!(mask("account", integer), mask("account", Cell::text("123456789")));
    }
}
