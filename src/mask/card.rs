//! `card`: a payment card number for tests: the beginning of test cards, a valid check digit, the same length and spaces.
//!
//! Behind the beginning there is room for fewer numbers than originals can have, so cards of one issuer stay apart, but
//! cards of two issuers with the same account digits would meet. A unique column therefore needs `check = "broken"`: then
//! all digits but the last are permuted, and the last is never the one that Luhn's rule wants, so that none is a card.

use super::numerals::{self, Digits, luhn};
use super::permute::Permuter;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "card",
    about: "Replaces a card number by one that begins like test cards and has a valid check digit; length and spaces stay. A unique column needs check = \"broken\".",
    params: &[
        Param {
            name: "bin",
            about: "The digits that all numbers begin with, one to eight.",
            kind: ParamKind::Text,
            default: "400000",
        },
        Param {
            name: "check",
            about: "`valid`: the last digit is right; `broken`: it never is, and all others are permuted, whatever they began with.",
            kind: ParamKind::Choice(&["valid", "broken"]),
            default: "valid",
        },
        Param {
            name: "keep_last4",
            about: "Whether the last four digits are the real ones, which needs a reason.",
            kind: ParamKind::Bool,
            default: "false",
        },
        Param {
            name: "reason",
            about: "Why the real last digits are needed; shown in review.",
            kind: ParamKind::Text,
            default: "none; required with keep_last4",
        },
    ],
    accepts: &[Family::Text, Family::Integer, Family::Numeric],
    unique: Uniqueness::Exact,
    domain: "payment.card",
    build,
    examples: &[
        Example::plain("4929 1234 5678 9015"),
        Example { params: || vec![("check", Value::text("broken"))], cell: "371449635398431" },
        Example {
            params: || vec![("keep_last4", Value::Bool(true)), ("reason", Value::text("support asks for them"))],
            cell: "5425-2334-3010-9903",
        },
    ],
    teaches: |_| Teaches::Whole,
    reveals: |params| params.flag("keep_last4") == Some(true),
    could_write: Some(could_write),
    sample: |number| {
        let mut digits = [0; 16];
        numerals::spell(5_105_000_000_000_000 + u128::from(number % 100_000_000_000) * 10, &mut digits);
        digits[15] = luhn(&digits[..15]);
        digits.iter().map(|digit| char::from(b'0' + digit)).collect()
    },
    ..Definition::BASE
};

struct Masker {
    key: DomainKey,
    permuter: Permuter,
    bin: Vec<u8>,
    broken: bool,
    keep_last4: bool,
    unique: bool,
    room: usize,
}

fn bin(params: &Params) -> Vec<u8> {
    params.text("bin").unwrap_or("400000").bytes().map(|byte| byte.wrapping_sub(b'0')).collect()
}

fn could_write(params: &Params, text: &str) -> bool {
    let digits = Digits::read(text.as_bytes());
    let digits = digits.filter(|digits| Digits::exactly(text.as_bytes(), digits.values().len()).is_some());
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.values().len())) else {
        return false;
    };
    let valid = numerals::luhn_holds(digits.values());
    if params.text("check") == Some("broken") { !valid } else { valid && digits.values().starts_with(&bin(params)) }
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let (bin, broken) = (bin(params), params.text("check") == Some("broken"));
    let keep_last4 = params.flag("keep_last4").unwrap_or(false);
    if bin.is_empty() || bin.len() > 8 || bin.iter().any(|digit| *digit > 9) {
        return Err(Error::policy("parameter 'bin' of mask card must be one to eight digits"));
    }
    if broken && (keep_last4 || params.get("bin").is_some()) {
        return Err(Error::policy(
            "mask card with a broken check permutes all digits: bin and keep_last4 have no place there",
        )
        .hint("Leave check = \"broken\" out, or the others."));
    }
    if keep_last4 {
        numerals::reasoned("card", params, "keep_last4")?;
    }
    if site.unique && !broken {
        return Err(Error::policy("test cards are too few for a unique column").hint(
            "Write check = \"broken\": then all digits are permuted exactly, and the check digit is never valid.",
        ));
    }
    if site.room() < 12 {
        return Err(Error::policy("mask card needs a column of 12 characters").hint("Use `digits` or `null`."));
    }
    let (key, room, unique) = (site.key.clone(), site.room(), site.unique);
    Ok(Box::new(Masker { permuter: Permuter::new(&key), key, bin, broken, keep_last4, unique, room }))
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let digits = (12..=19).find_map(|count| Digits::exactly(value, count)).filter(|_| value.len() <= self.room);
        match digits {
            Some(mut digits) => {
                self.other(value, digits.values_mut(), out)?;
                numerals::put(value, digits.values(), out);
            }
            None if self.unique || self.keep_last4 || cell.kind != CellKind::Text => {
                return Err(Misfit("it has not the 12 to 19 digits of a card"));
            }
            None => self.invented(value, out),
        }
        Ok(cell.kind)
    }
}

impl Masker {
    /// Replaces the digits of a card.
    fn other(&self, value: &[u8], digits: &mut [u8], scratch: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        let last = digits.len() - 1;
        if self.broken {
            if self.unique && !numerals::luhn_holds(digits) {
                return Err(Misfit("its check digit is wrong, and a unique column has room for valid cards only"));
            }
            numerals::permute(&self.permuter, &mut digits[..last])?;
            digits[last] = (luhn(&digits[..last]) + 5) % 10;
            return Ok(());
        }
        let begin = self.bin.len();
        if !self.keep_last4 {
            let account = &mut digits[begin..last];
            let size = 10_u128.pow(u32::try_from(account.len()).unwrap_or(0));
            let image = self.permuter.image(numerals::number(account), size).ok_or(Misfit("it is too short"))?;
            numerals::spell(image, account);
            digits[..begin].copy_from_slice(&self.bin);
            digits[last] = luhn(&digits[..last]);
            return Ok(());
        }
        // The digit before the last four makes the number valid. Those between are drawn.
        let Some(between) = (last - 4).checked_sub(begin).filter(|between| *between > 0) else {
            return Err(Misfit("it is too short to keep four digits and begin like a test card"));
        };
        let original = digits.to_vec();
        for attempt in 0..=u8::MAX {
            let ask = Ask { role: Role::Number, form: Form::Digits, value, subject: None };
            let draw = self.key.draw(&ask, attempt, scratch);
            digits[..begin].copy_from_slice(&self.bin);
            digits[begin..begin + between].iter_mut().zip(draw.digits()).for_each(|(digit, drawn)| *digit = drawn);
            let fits = (0..10).find(|fitting| {
                digits[last - 4] = *fitting;
                numerals::luhn_holds(digits)
            });
            if fits.is_some() && *digits != *original {
                return Ok(());
            }
        }
        Err(Misfit("every card that the mask can make is the original"))
    }

    /// A card for a text that is none.
    fn invented(&self, value: &[u8], out: &mut Vec<u8>) {
        let ask = Ask { role: Role::Number, form: Form::Text, value, subject: None };
        let draw = self.key.draw(&ask, 0, out);
        let mut digits = [0; 16];
        let count = self.room.min(16);
        digits.iter_mut().zip(draw.digits()).for_each(|(digit, drawn)| *digit = drawn);
        digits[..self.bin.len()].copy_from_slice(&self.bin);
        digits[count - 1] = (luhn(&digits[..count - 1]) + if self.broken { 5 } else { 0 }) % 10;
        out.extend(digits[..count].iter().map(|digit| b'0' + digit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn params(given: &[(&str, Value)]) -> Params {
        Params::new(&DEFINITION, given.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).unwrap()
    }

    fn mask(site: &Site, params: &Params, value: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        build(site, params).unwrap().mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn valid(text: &str) -> bool {
        numerals::luhn_holds(Digits::read(text.as_bytes()).unwrap().values())
    }

    #[test]
    fn cards_are_test_cards_with_a_valid_check_digit_and_the_same_shape() {
        let site = Site::for_tests("card");
        for value in
            ["4929 1234 5678 9015", "5425-2334-3010-9903", "371449635398431", "6304000000000000", "4000000000000002"]
        {
            let masked = mask(&site, &params(&[]), value).unwrap();
            assert!(valid(&masked) && masked != value && masked.len() == value.len(), "{value} became {masked}");
            assert!(masked.replace([' ', '-'], "").starts_with("400000"));
        }
        assert!(
            mask(&site, &params(&[("bin", Value::text("510510"))]), "4929123456789015").unwrap().starts_with("510510")
        );
        let junk = mask(&site, &params(&[]), "**** 1234").unwrap();
        assert!(valid(&junk) && junk.len() == 16);
    }

    #[test]
    fn cards_of_one_issuer_stay_apart() {
        let mut seen = HashSet::new();
        for number in 0..20_000 {
            assert!(seen.insert(mask(&Site::for_tests("card"), &params(&[]), &(DEFINITION.sample)(number)).unwrap()));
        }
    }

    #[test]
    fn a_unique_column_gets_different_numbers_that_are_no_cards() {
        let site = Site { unique: true, ..Site::for_tests("card") };
        assert!(build(&site, &params(&[])).err().unwrap().hint_text().unwrap().contains("broken"));
        let broken = params(&[("check", Value::text("broken"))]);
        let mut seen = HashSet::new();
        for number in 0..20_000_u64 {
            // Two issuers with the same account digits.
            for value in [(DEFINITION.sample)(number), (DEFINITION.sample)(number + 10_000_000_000)] {
                let masked = mask(&site, &broken, &value).unwrap();
                assert!(!valid(&masked) && seen.insert(masked));
            }
        }
        assert!(mask(&site, &broken, "4929 1234 5678 9014").is_err() && mask(&site, &broken, "n/a").is_err());
    }

    #[test]
    fn the_last_four_are_kept_with_a_reason_only() {
        let site = Site::for_tests("card");
        assert!(build(&site, &params(&[("keep_last4", Value::Bool(true))])).is_err());
        let kept = params(&[("keep_last4", Value::Bool(true)), ("reason", Value::text("support"))]);
        for number in 0..2000 {
            let value = (DEFINITION.sample)(number);
            let masked = mask(&site, &kept, &value).unwrap();
            assert!(masked[12..] == value[12..] && masked[..6] == *"400000" && valid(&masked));
        }
    }
}
