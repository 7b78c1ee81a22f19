//! `iban`: an account of no bank in the original's country.
//!
//! Country, length, letters, digits and spaces stay. The first four characters of the national part, where every country has
//! its bank code or the beginning of one, become `0` or `X`: no bank that we know of has such a code. Belgium's post once
//! had 000, so a Belgian number also ends in 00, which its national rule never gives. National check digits inside of the
//! number are not made right; only those of the IBAN are (ISO 7064, mod 97), or never are with `check = "broken"`.

use super::numerals::{self, mod_97};
use super::permute::Permuter;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "iban",
    about: "Replaces an IBAN by one of the same country with a bank code that no bank has and valid check digits. A unique column needs check = \"broken\".",
    params: &[Param {
        name: "check",
        about: "`valid`: the check digits are right; `broken`: they never are, and all that follows is permuted exactly.",
        kind: ParamKind::Choice(&["valid", "broken"]),
        default: "valid",
    }],
    unique: Uniqueness::Exact,
    domain: "payment.iban",
    build,
    examples: &[
        Example::plain("DE89 3704 0044 0532 0130 00"),
        Example { params: || vec![("check", Value::text("broken"))], cell: "GB82WEST12345698765432" },
    ],
    teaches: |_| Teaches::Whole,
    could_write: Some(could_write),
    sample: |number| {
        let account = format!("37{:016}", number % 10_000_000_000_000_000);
        format!("DE{:02}{account}", 98 - mod_97(account.bytes().chain(*b"DE00")))
    },
    ..Definition::BASE
};

struct Masker {
    key: DomainKey,
    permuter: Permuter,
    broken: bool,
    unique: bool,
    room: usize,
}

/// The letters and digits of an IBAN without spaces.
fn plain(value: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = value.iter().filter(|byte| !matches!(byte, b' ' | b'-')).copied().collect();
    let country = text.get(..2).is_some_and(|country| country.iter().all(u8::is_ascii_alphabetic));
    let check = text.get(2..4).is_some_and(|check| check.iter().all(u8::is_ascii_digit));
    let shaped = country && check && text.iter().all(u8::is_ascii_alphanumeric);
    (shaped && (15..=34).contains(&text.len())).then_some(text)
}

/// Whether the check digits are right.
fn holds(text: &[u8]) -> bool {
    mod_97(text[4..].iter().chain(&text[..4]).copied()) == 1
}

/// No character of a bank code of a bank.
fn nobodys(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' => b'x',
        _ => b'X',
    }
}

fn is_belgian(text: &[u8]) -> bool {
    text[..2].eq_ignore_ascii_case(b"BE")
}

fn could_write(params: &Params, text: &str) -> bool {
    let Some(text) = plain(text.as_bytes()) else {
        return false;
    };
    if params.text("check") == Some("broken") {
        return !holds(&text) && text[2] == b'0' && text[3] <= b'1';
    }
    holds(&text) && text[4..8].iter().all(|byte| *byte == nobodys(*byte))
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let broken = params.text("check") == Some("broken");
    if site.unique && !broken {
        return Err(Error::policy("accounts of no bank are too few for a unique column").hint(
            "Write check = \"broken\": then the whole account is permuted exactly, and the check digits are never valid.",
        ));
    }
    if site.room() < 15 {
        return Err(Error::policy("mask iban needs a column of 15 characters").hint("Use `alnum` or `null`."));
    }
    let (key, room, unique) = (site.key.clone(), site.room(), site.unique);
    Ok(Box::new(Masker { permuter: Permuter::new(&key), key, broken, unique, room }))
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        match plain(value).filter(|_| value.len() <= self.room) {
            Some(mut text) => {
                self.other(&mut text)?;
                let mut next = text.iter();
                let spaced = |byte: &u8| matches!(byte, b' ' | b'-');
                out.extend(value.iter().filter_map(
                    |byte| {
                        if spaced(byte) { Some(*byte) } else { next.next().copied() }
                    },
                ));
            }
            None if self.unique || self.room < 22 => return Err(Misfit("it is no IBAN")),
            None => {
                let ask = Ask { role: Role::Number, form: Form::Text, value, subject: None };
                let draw = self.key.draw(&ask, 0, out);
                let mut text = b"DE00".to_vec();
                text.extend(draw.digits().take(18).map(|digit| b'0' + digit));
                self.other(&mut text)?;
                out.extend(text);
            }
        }
        Ok(CellKind::Text)
    }
}

impl Masker {
    fn other(&self, text: &mut [u8]) -> std::result::Result<(), Misfit> {
        if self.unique && !holds(text) {
            return Err(Misfit("its check digits are wrong, and a unique column has room for valid IBANs only"));
        }
        let end = text.len();
        if self.broken {
            numerals::replace(&self.permuter, &mut text[4..])?;
            text[2..4].copy_from_slice(b"00");
            if holds(text) {
                // 97 leaves the same rest as 00.
                text[3] = b'1';
            }
            return Ok(());
        }
        let free = if is_belgian(text) { 8..end - 2 } else { 8..end };
        text[free.end..].fill(b'0');
        text[4..8].iter_mut().for_each(|byte| *byte = nobodys(*byte));
        numerals::replace(&self.permuter, &mut text[free])?;
        text[2..4].copy_from_slice(b"00");
        let check = 98 - mod_97(text[4..].iter().chain(&text[..4]).copied());
        text[2..4].copy_from_slice(&[b'0' + (check / 10).to_le_bytes()[0], b'0' + (check % 10).to_le_bytes()[0]]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Examples of the registry of ISO 13616.
    const PUBLISHED: [&str; 12] = [
        "DE89 3704 0044 0532 0130 00",
        "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NL91 ABNA 0417 1643 00",
        "BE68 5390 0754 7034",
        "NO93 8601 1117 947",
        "IT60X0542811101000000123456",
        "MT84MALT011000012345MTLCAST001S",
        "CH9300762011623852957",
        "ES9121000418450200051332",
        "SE4550000000058398257466",
        "PL61109010140000071219812874",
    ];

    fn params(check: &'static str) -> Params {
        Params::new(&DEFINITION, [("check".to_owned(), Value::text(check))]).unwrap()
    }

    fn mask(site: &Site, check: &'static str, value: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        build(site, &params(check)).unwrap().mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn published_examples_are_valid_and_so_is_what_becomes_of_them() {
        let site = Site::for_tests("iban");
        for value in PUBLISHED {
            assert!(holds(&plain(value.as_bytes()).unwrap()), "{value}");
            let masked = mask(&site, "valid", value).unwrap();
            let text = plain(masked.as_bytes()).unwrap();
            assert!(
                holds(&text) && masked.len() == value.len() && masked[..2] == value[..2],
                "{value} became {masked}"
            );
            assert!(text[4..8].iter().all(|byte| b"0X".contains(byte)));
            assert!(could_write(&params("valid"), &masked) && !could_write(&params("valid"), value));
            let class = |text: &str| {
                text.replace(|c: char| c.is_ascii_digit(), "9").replace(|c: char| c.is_ascii_uppercase(), "A")
            };
            assert_eq!(class(&masked), class(value));
            let spaceless = value.replace(' ', "");
            assert_eq!(mask(&site, "valid", &spaceless).unwrap(), masked.replace(' ', ""));
        }
    }

    #[test]
    fn a_unique_column_gets_different_numbers_that_are_never_valid() {
        let site = Site { unique: true, ..Site::for_tests("iban") };
        assert!(build(&site, &params("valid")).is_err());
        let mut seen = HashSet::new();
        for number in 0..10_000 {
            let masked = mask(&site, "broken", &(DEFINITION.sample)(number)).unwrap();
            assert!(!holds(masked.as_bytes()) && could_write(&params("broken"), &masked) && seen.insert(masked));
        }
        assert!(mask(&site, "broken", "DE88 3704 0044 0532 0130 00").is_err());
    }

    #[test]
    fn what_is_no_iban_becomes_one() {
        for value in ["n/a", "DE", "123", "DEXX"] {
            assert!(holds(mask(&Site::for_tests("iban"), "valid", value).unwrap().as_bytes()), "{value}");
        }
    }
}
