//! `gov_id`: numbers that a state gives to people or companies, by country.
//!
//! | country | what is written | why it is nobody's |
//! |---|---|---|
//! | `us_ein` | a prefix such as 07, 49 or 89 | the tax office (IRS) assigns none of these prefixes |
//! | `uk_nino` | a first letter of D, F, I, Q, U, V | the tax office (HMRC) uses none of them |
//! | `de_steuer_id` | 0 in front, digits by the rule, a valid check digit | a 0 in front marks numbers for tests |
//! | `ca_sin` | 0 in front, a valid check digit | no number begins with 0 |
//! | `fr_nir` | 9 in front, a valid key | the first digit is 1 or 2, or 3, 4, 7, 8 while provisional |
//! | `br_cpf` | nine permuted digits, wrong check digits | there is no range that is never issued |
//! | `generic` | as `alnum` | nothing is known, so a result may be somebody's |
//!
//! Numbers that are never issued are too few for a unique column. There, those with check digits can be permuted whole with
//! `check = "broken"`; `generic` is exact as well.

use super::numerals::{self, luhn, mod_97, spell};
use super::permute::Permuter;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "gov_id",
    about: "Replaces a number that a state gave by one of the same shape that is nobody's. A unique column needs check = \"broken\" or country = \"generic\".",
    params: &[
        Param {
            name: "country",
            about: "Whose number it is.",
            kind: ParamKind::Choice(&["us_ein", "uk_nino", "de_steuer_id", "ca_sin", "fr_nir", "br_cpf", "generic"]),
            default: "generic",
        },
        Param {
            name: "check",
            about: "`valid`: check digits are right; `broken`: they never are, and all other digits are permuted exactly.",
            kind: ParamKind::Choice(&["valid", "broken"]),
            default: "valid; broken for br_cpf",
        },
    ],
    unique: Uniqueness::Exact,
    domain: "person.gov_id",
    build,
    examples: &[
        Example::plain("PA-4471-XK"),
        Example { params: || vec![("country", Value::text("us_ein"))], cell: "12-3456789" },
        Example { params: || vec![("country", Value::text("uk_nino"))], cell: "AB 12 34 56 C" },
        Example { params: || vec![("country", Value::text("de_steuer_id"))], cell: "86 095 742 719" },
        Example { params: || vec![("country", Value::text("ca_sin"))], cell: "130-692-544" },
        Example { params: || vec![("country", Value::text("fr_nir"))], cell: "2 55 08 14 168 025 38" },
        Example { params: || vec![("country", Value::text("br_cpf"))], cell: "529.982.247-25" },
    ],
    teaches: |_| Teaches::Whole,
    could_write: Some(could_write),
    sample: |number| format!("{:02}-{:07}", 10 + number / 10_000_000 % 7, number % 10_000_000),
    ..Definition::BASE
};

/// Prefixes of employers' numbers that are not assigned.
const EIN: [u8; 17] = [0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97];
/// First letters that no national insurance number has.
const NINO: &[u8; 6] = b"DFIQUV";

/// What the check digits behind a text should be.
type Check = fn(&[u8]) -> [u8; 2];

/// A number of one country. Texts are letters and digits without punctuation, upper case.
struct Scheme {
    name: &'static str,
    /// What a text that is no such number becomes one of.
    shape: &'static [u8],
    /// Whether a text has the shape.
    fits: fn(&[u8]) -> bool,
    /// Writes a number that is nobody's over one that has the shape.
    fake: fn(&Draw, &mut [u8]),
    /// Whether `fake` could have written it.
    faked: fn(&[u8]) -> bool,
    /// How many characters at the end are check digits, and what they should be; none where there are none.
    check: Option<(usize, Check)>,
}

static SCHEMES: [Scheme; 6] = [
    Scheme {
        name: "us_ein",
        shape: b"00-0000000",
        fits: |text| text.len() == 9 && text.iter().all(u8::is_ascii_digit),
        fake: |draw, text| {
            draw_digits(draw, text);
            two(EIN[draw.index(2, EIN.len())].into(), &mut text[..2]);
        },
        faked: |text| EIN.contains(&((text[0] - b'0') * 10 + text[1] - b'0')),
        check: None,
    },
    Scheme {
        name: "uk_nino",
        shape: b"AA000000A",
        fits: |text| {
            matches!(text.len(), 8 | 9)
                && text.iter().enumerate().all(|(at, byte)| byte.is_ascii_alphabetic() != (2..8).contains(&at))
                && text.iter().enumerate().all(|(at, byte)| byte.is_ascii_digit() == (2..8).contains(&at))
        },
        fake: |draw, text| {
            draw_digits(draw, &mut text[2..8]);
            text[0] = NINO[draw.index(2, NINO.len())];
            text[1] = b'A' + (draw.index(3, 26) & 31).to_le_bytes()[0];
            if let Some(suffix) = text.get_mut(8) {
                *suffix = b'A' + draw.bytes()[31] % 4;
            }
        },
        faked: |text| NINO.contains(&text[0]),
        check: None,
    },
    Scheme {
        name: "de_steuer_id",
        shape: b"00000000000",
        fits: |text| text.len() == 11 && text.iter().all(u8::is_ascii_digit),
        fake: |draw, text| {
            // Of the first ten digits, exactly one occurs twice and one is missing. 0 stands in front and nowhere else.
            let mut digits = *b"123456789";
            for last in (1..9).rev() {
                digits.swap(last, usize::from(draw.bytes()[last]) % (last + 1));
            }
            let (copied, onto) = (draw.index(2, 9), draw.index(3, 8));
            digits[(copied + 1 + onto) % 9] = digits[copied];
            text[0] = b'0';
            text[1..10].copy_from_slice(&digits);
            let check = mod_11_10(&text[..10]);
            text[10] = check[0];
        },
        faked: |text| text[0] == b'0' && mod_11_10(&text[..10])[0] == text[10],
        check: Some((1, mod_11_10)),
    },
    Scheme {
        name: "ca_sin",
        shape: b"000-000-000",
        fits: |text| text.len() == 9 && text.iter().all(u8::is_ascii_digit),
        fake: |draw, text| {
            draw_digits(draw, text);
            text[0] = b'0';
            let check = luhn_text(&text[..8]);
            text[8] = check[0];
        },
        faked: |text| text[0] == b'0' && luhn_text(&text[..8])[0] == text[8],
        check: Some((1, luhn_text)),
    },
    Scheme {
        name: "fr_nir",
        shape: b"000000000000000",
        fits: |text| {
            let letter = |at: usize, byte: &u8| at == 6 && matches!(byte, b'A' | b'B');
            matches!(text.len(), 13 | 15)
                && text.iter().enumerate().all(|(at, byte)| byte.is_ascii_digit() || letter(at, byte))
        },
        fake: |draw, text| {
            draw_digits(draw, text);
            text[0] = b'9';
            two(1 + draw.index(2, 12), &mut text[3..5]);
            two(1 + draw.index(3, 95), &mut text[5..7]);
            let key = nir_key(&text[..13]);
            text[13..].iter_mut().zip(key).for_each(|(byte, key)| *byte = key);
        },
        faked: |text| text[0] == b'9' && (text.len() == 13 || nir_key(&text[..13]) == text[13..]),
        check: Some((2, nir_key)),
    },
    Scheme {
        name: "br_cpf",
        shape: b"000.000.000-00",
        fits: |text| text.len() == 11 && text.iter().all(u8::is_ascii_digit),
        fake: draw_digits,
        faked: |_| false,
        check: Some((2, cpf_check)),
    },
];

fn draw_digits(draw: &Draw, text: &mut [u8]) {
    text.iter_mut().zip(draw.digits()).for_each(|(byte, digit)| *byte = b'0' + digit);
}

fn two(number: usize, text: &mut [u8]) {
    spell(number as u128, text);
    for digit in text {
        *digit += b'0';
    }
}

fn values(text: &[u8]) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator {
    text.iter().map(|byte| u32::from(byte.wrapping_sub(b'0') % 10))
}

fn digit(value: u32) -> u8 {
    b'0' + (value % 10).to_le_bytes()[0]
}

/// ISO 7064, MOD 11,10.
fn mod_11_10(text: &[u8]) -> [u8; 2] {
    let rest = values(text).fold(10, |rest, value| {
        let sum = (value + rest) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    [digit(11 - rest), 0]
}

fn luhn_text(text: &[u8]) -> [u8; 2] {
    let mut digits = [0; 8];
    digits.iter_mut().zip(values(text)).for_each(|(digit, value)| *digit = value.to_le_bytes()[0]);
    [b'0' + luhn(&digits), 0]
}

/// 97 less the rest of the number by 97. The two departments of Corsica, 2A and 2B, count as 19 and 18.
fn nir_key(text: &[u8]) -> [u8; 2] {
    let corsican = match text.get(6) {
        Some(b'A') => Some(*b"19"),
        Some(b'B') => Some(*b"18"),
        _ => None,
    };
    let mut plain = [b'0'; 13];
    plain.iter_mut().zip(text).for_each(|(byte, given)| *byte = if given.is_ascii_digit() { *given } else { b'0' });
    if let Some(department) = corsican {
        plain[5..7].copy_from_slice(&department);
    }
    let key = 97 - mod_97(plain.into_iter());
    [digit(key / 10), digit(key)]
}

fn cpf_check(text: &[u8]) -> [u8; 2] {
    let check = |sum: u32| match 11 - sum % 11 {
        10 | 11 => 0,
        value => value,
    };
    let first = check(values(text).zip((2..=10).rev()).map(|(value, weight)| value * weight).sum());
    let second = check(values(text).chain([first]).zip((2..=11).rev()).map(|(value, weight)| value * weight).sum());
    [digit(first), digit(second)]
}

impl Scheme {
    fn of(params: &Params) -> Option<&'static Self> {
        let name = params.text("country").unwrap_or("generic");
        SCHEMES.iter().find(|scheme| scheme.name == name)
    }

    fn is_broken(&self, params: &Params) -> bool {
        params.text("check").map_or(self.name == "br_cpf", |check| check == "broken")
    }

    /// The letters and digits of a text of this shape.
    fn plain(&self, value: &[u8]) -> Option<Vec<u8>> {
        let punctuated = value.iter().all(|byte| byte.is_ascii_alphanumeric() || b" -./".contains(byte));
        let plain = || value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        punctuated.then(plain).filter(|text: &Vec<u8>| (self.fits)(text))
    }

    /// Where the check digits begin, what they should be and what they are.
    fn checked<'a>(&self, text: &'a [u8]) -> Option<(usize, [u8; 2], &'a [u8])> {
        let (count, check) = self.check?;
        // A French number is often written without its key.
        let at = text.len().checked_sub(count).filter(|_| text.len() != 13)?;
        Some((at, check(&text[..at]), &text[at..]))
    }

    fn holds(&self, text: &[u8]) -> Option<bool> {
        self.checked(text).map(|(_, wanted, found)| found.iter().zip(wanted).all(|(found, wanted)| *found == wanted))
    }
}

fn could_write(params: &Params, text: &str) -> bool {
    let Some(scheme) = Scheme::of(params) else {
        return true;
    };
    let Some(text) = scheme.plain(text.as_bytes()) else {
        return false;
    };
    if scheme.is_broken(params) { scheme.holds(&text) == Some(false) } else { (scheme.faked)(&text) }
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let permuter = Permuter::new(&site.key);
    let Some(scheme) = Scheme::of(params) else {
        if params.get("check").is_some() {
            return Err(Error::policy("a generic number has no check digits that are known").hint("Leave check out."));
        }
        return Ok(Box::new(Generic { permuter }));
    };
    let broken = scheme.is_broken(params);
    let name = scheme.name;
    if broken && scheme.check.is_none() || params.get("check").is_some() && scheme.check.is_none() {
        return Err(Error::policy(format!("{name} has no check digits")).hint("Leave check out."));
    }
    if !broken && name == "br_cpf" {
        return Err(Error::policy("every br_cpf with valid check digits may be somebody's").hint("Leave check out."));
    }
    if site.unique && !broken {
        let hint = match scheme.check {
            Some(_) => {
                "Write check = \"broken\": then all digits are permuted exactly, and the check digits are never valid."
            }
            None => "Use country = \"generic\", whose results can be somebody's numbers.",
        };
        return Err(
            Error::policy(format!("{name} numbers that are nobody's are too few for a unique column")).hint(hint)
        );
    }
    if site.room() < scheme.shape.len() {
        return Err(Error::policy(format!("{name} numbers need {} characters", scheme.shape.len()))
            .hint("Use country = \"generic\", or `null`."));
    }
    Ok(Box::new(Masker { key: site.key.clone(), permuter, scheme, broken, unique: site.unique, room: site.room() }))
}

struct Generic {
    permuter: Permuter,
}

impl Mask for Generic {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        numerals::only_plain_letters(value)?;
        let start = out.len();
        out.extend_from_slice(value);
        numerals::replace(&self.permuter, &mut out[start..])?;
        Ok(CellKind::Text)
    }
}

struct Masker {
    key: DomainKey,
    permuter: Permuter,
    scheme: &'static Scheme,
    broken: bool,
    unique: bool,
    room: usize,
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        let plain = self.scheme.plain(value).filter(|_| value.len() <= self.room);
        if self.unique && plain.as_deref().and_then(|text| self.scheme.holds(text)) != Some(true) {
            return Err(Misfit(
                "it is no valid number of that country, and a unique column has room for valid ones only",
            ));
        }
        if let (true, Some(text)) = (self.broken, plain.as_deref()) {
            let mut text = text.to_vec();
            self.permute(&mut text)?;
            put(value, &text, out);
            return Ok(CellKind::Text);
        }
        // A text that is no such number decides as a whole, and becomes one in the usual spelling.
        let (shape, asked) = plain.as_deref().map_or((self.scheme.shape, value), |text| (value, text));
        let ask = Ask { role: Role::Number, form: Form::Text, value: asked, subject: None };
        let mut text: Vec<u8> = shape.iter().filter(|byte| byte.is_ascii_alphanumeric()).copied().collect();
        until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            (self.scheme.fake)(&draw, &mut text);
            if self.broken {
                self.spoil(&mut text);
            }
            put(shape, &text, out);
        })
    }
}

impl Masker {
    fn permute(&self, text: &mut [u8]) -> std::result::Result<(), Misfit> {
        let end = self.scheme.checked(text).map(|(at, ..)| at).ok_or(Misfit("it has no check digits to break"))?;
        numerals::replace(&self.permuter, &mut text[..end])?;
        self.spoil(text);
        Ok(())
    }

    /// Writes check digits that are never right.
    fn spoil(&self, text: &mut [u8]) {
        if let Some((at, wanted, _)) = self.scheme.checked(text) {
            // A key of France is 1 to 97, other check digits are shifted.
            let spoilt = wanted.map(|byte| b'0' + (byte.wrapping_sub(b'0') + 5) % 10);
            let spoilt = if self.scheme.name == "fr_nir" { *b"00" } else { spoilt };
            text[at..].iter_mut().zip(spoilt).for_each(|(byte, spoilt)| *byte = spoilt);
        }
    }
}

/// Appends `shape` with its letters and digits replaced by those of `text`, in the case of the shape.
fn put(shape: &[u8], text: &[u8], out: &mut Vec<u8>) {
    let mut next = text.iter();
    out.extend(shape.iter().map(|byte| {
        let replaced = byte.is_ascii_alphanumeric().then(|| next.next()).flatten().copied().unwrap_or(*byte);
        if byte.is_ascii_lowercase() { replaced.to_ascii_lowercase() } else { replaced }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn params(country: &'static str, check: Option<&'static str>) -> Params {
        let check = check.map(|check| ("check".to_owned(), Value::text(check)));
        Params::new(&DEFINITION, [("country".to_owned(), Value::text(country))].into_iter().chain(check)).unwrap()
    }

    fn mask(site: &Site, params: &Params, value: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        build(site, params).unwrap().mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn shape(text: &str) -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { '9' } else { c }).collect()
    }

    #[test]
    fn published_examples_have_the_check_digits_that_the_rules_give() {
        for (country, value) in [
            ("de_steuer_id", "86 095 742 719"),
            ("de_steuer_id", "47036892816"),
            ("ca_sin", "046 454 286"),
            ("fr_nir", "2 55 08 14 168 025 38"),
            ("br_cpf", "529.982.247-25"),
            ("br_cpf", "111.444.777-35"),
        ] {
            let scheme = Scheme::of(&params(country, None)).unwrap();
            assert_eq!(scheme.holds(&scheme.plain(value.as_bytes()).unwrap()), Some(true), "{country} {value}");
        }
    }

    #[test]
    fn results_keep_the_shape_are_nobodys_and_are_known_again() {
        let site = Site::for_tests("gov");
        for example in DEFINITION.examples {
            let params = example.params_of(&DEFINITION).unwrap();
            let country = params.text("country").unwrap_or("generic");
            for value in [example.cell.to_owned(), example.cell.replace([' ', '-', '.'], "")] {
                let masked = mask(&site, &params, &value).unwrap();
                assert_eq!(shape(&masked), shape(&value), "{country}: {value} became {masked}");
                assert!(masked != value && could_write(&params, &masked), "{country}: {value} became {masked}");
                assert!(country == "generic" || !could_write(&params, &value), "{country}: {value}");
            }
            if country != "generic" {
                let junk = mask(&site, &params, "see the file").unwrap();
                assert!(could_write(&params, &junk), "{country}: {junk}");
            }
        }
        assert!(
            mask(&site, &params("uk_nino", None), "ab123456c").unwrap().starts_with(|c: char| c.is_ascii_lowercase())
        );
        assert_eq!(mask(&site, &params("fr_nir", None), "2 55 08 2A 168 025").unwrap().len(), 18);
    }

    #[test]
    fn german_numbers_have_exactly_one_digit_twice() {
        for number in 0..500 {
            let masked =
                mask(&Site::for_tests("gov"), &params("de_steuer_id", None), &format!("{:011}", number * 97)).unwrap();
            let mut counts = [0; 10];
            values(&masked.as_bytes()[..10]).for_each(|value| counts[value as usize] += 1);
            counts.sort_unstable();
            assert_eq!(counts, [0, 1, 1, 1, 1, 1, 1, 1, 1, 2], "{masked}");
        }
    }

    #[test]
    fn unique_columns_need_broken_check_digits_and_get_different_numbers() {
        let site = Site { unique: true, ..Site::for_tests("gov") };
        for country in ["us_ein", "uk_nino", "de_steuer_id", "ca_sin", "fr_nir"] {
            assert!(build(&site, &params(country, None)).is_err(), "{country}");
        }
        assert!(build(&site, &params("us_ein", Some("broken"))).is_err());
        assert!(build(&Site::for_tests("gov"), &params("br_cpf", Some("valid"))).is_err());
        for (country, least) in [
            ("de_steuer_id", 1_000_000_000_u64),
            ("ca_sin", 10_000_000),
            ("fr_nir", 1_550_814_168_025),
            ("br_cpf", 100_000_000),
        ] {
            let (params, mut seen) = (params(country, Some("broken")), HashSet::new());
            let scheme = Scheme::of(&params).unwrap();
            for number in 0..5000 {
                let payload = (least + number * 101).to_string();
                let (count, check) = scheme.check.unwrap();
                let value = format!("{payload}{}", std::str::from_utf8(&check(payload.as_bytes())[..count]).unwrap());
                let masked = mask(&site, &params, &value).unwrap();
                assert_eq!(scheme.holds(masked.as_bytes()), Some(false));
                assert!(could_write(&params, &masked) && seen.insert(masked));
            }
            assert!(mask(&site, &params, "12345").is_err());
        }
    }
}
