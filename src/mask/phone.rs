//! `phone`: a number of the original's shape that cannot be dialled.
//!
//! | original | becomes |
//! |---|---|
//! | ten digits, or eleven with a leading 1 | any area code, `555-01xx`: reserved for fiction in North America |
//! | seven digits | `555-01xx` |
//! | `+` or `00` and a country code | the country code, then `00`: no national number begins so |
//! | seven and more other digits | `0083…`: international prefix and a range that no country has (`83…` in integer columns) |
//! | fewer digits | an extension beginning with `08` |
//! | a unique column | `+01`, `+02` or `+03` in front: no country code begins with 0, so all digits can be permuted exactly |
//! | words, letters, no digit | a ten-digit number of the first kind |

use super::permute::Permuter;
use super::prelude::*;

/// The most digits that keep their shape.
const MOST: usize = 24;

pub(super) static DEFINITION: Definition = Definition {
    name: "phone",
    about: "Replaces the digits of a phone number, so that punctuation and country stay and nobody can be called.",
    version: 2,
    params: &[],
    accepts: &[Family::Text, Family::Integer, Family::Numeric],
    unique: Uniqueness::Exact,
    determinism: Determinism::Value,
    strength: Strength::Pseudonym,
    keeps_original: false,
    takes_empty: false,
    takes_subject: true,
    domain: "person.phone",
    scan: |_| Scan::Identifier,
    build: |site, _: &Params| build(site),
    examples: &[Example::plain("(415) 867-5309"), Example::plain("+44 20 7123 4567"), Example::plain("06 12 34 56 78")],
    teaches: |_| Teaches::Whole,
    could_write: Some(|_, text| could_write(text.as_bytes())),
    sample: |number| {
        format!("({}) 5{:02}-{:04}", 201 + number / 1_000_000 % 780, number / 10_000 % 100, number % 10_000)
    },
    ..Definition::BASE
};

struct Phone {
    key: DomainKey,
    permuter: Permuter,
    room: usize,
    unique: bool,
}

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    if site.unique && matches!(site.family, Family::Integer | Family::Numeric) {
        return Err(Error::policy("mask phone cannot keep numbers in a unique integer column apart")
            .hint("Keep the column, or store phone numbers as text."));
    }
    if site.room() < if site.unique { 10 } else { 4 } {
        return Err(Error::policy("the column is too short for phone numbers").hint("Use `fixed` or `null`."));
    }
    Ok(Box::new(Phone {
        key: site.key.clone(),
        permuter: Permuter::new(&site.key),
        room: site.room(),
        unique: site.unique,
    }))
}

impl Mask for Phone {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let integer = cell.kind == CellKind::Integer;
        let value = if integer { cell.bytes } else { super::text(cell)? };
        if integer && value.first() == Some(&b'-') {
            return Err(Misfit("the cell is a negative number"));
        }
        let shape = Shape::read(value).filter(|_| value.len() <= self.room || self.unique);
        if self.unique {
            return self.unique(value, shape, out);
        }
        let ask = Ask { role: Role::Number, form: Form::Digits, value, subject: row.subject };
        let start = out.len();
        for attempt in 0..=u8::MAX {
            let draw = self.key.draw(&ask, attempt, out);
            match &shape {
                Some(shape) => shape.write(value, &shape.undialable(&draw, integer), out),
                None => self.invented(&draw, out),
            }
            if !canonical_digits(value).eq(canonical_digits(&out[start..])) {
                return Ok(cell.kind);
            }
            out.truncate(start);
        }
        Err(Misfit("every number that the mask can make is the original"))
    }
}

/// Whether a text has one of the shapes of the table.
fn could_write(text: &[u8]) -> bool {
    if let [b'+', b'0', b'1'..=b'3', rest @ ..] = text {
        return Shape::read(rest).is_some();
    }
    let Some(shape) = Shape::read(text) else {
        return false;
    };
    let fictional = |digits: &[u8]| matches!(digits, [b'2'..=b'9', _, _, b'5', b'5', b'5', b'0', b'1', _, _]);
    let abroad = |number: &[u8]| {
        number.len() >= 7 && number.get(country_code(number)..).is_some_and(|behind| behind.starts_with(b"00"))
    };
    let main = &shape.digits[..shape.main];
    let begins = |long: bool, digits: &[u8]| (main.len() >= 7) == long && main.starts_with(digits);
    main.len() < 3
        || fictional(main.strip_prefix(b"1").unwrap_or(main))
        || matches!(main, [b'5', b'5', b'5', b'0', b'1', _, _])
        || begins(true, b"83")
        || begins(true, b"0083")
        || begins(false, b"8")
        || begins(false, b"08")
        || shape.plus && abroad(main)
        || main.strip_prefix(b"00").is_some_and(abroad)
}

fn canonical_digits(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().filter(|byte| byte.is_ascii_digit())
}

impl Phone {
    /// A number for a text without the shape of one.
    fn invented(&self, draw: &Draw, out: &mut Vec<u8>) {
        let ten = Shape { digits: [b'9'; MOST], main: 10, count: 10, plus: false };
        let digits = ten.undialable(draw, false);
        if self.room >= 14 {
            ten.write(b"(999) 999-9999", &digits, out);
        } else if self.room >= 10 {
            ten.write(b"9999999999", &digits, out);
        } else {
            out.extend(digits[3..10].iter().take(self.room).map(|digit| digit + b'0'));
        }
    }

    fn permute(&self, digits: &mut [u8]) -> std::result::Result<(), Misfit> {
        let (number, size) =
            digits.iter().fold((0, 1), |(number, size), digit| (number * 10 + u128::from(*digit), size * 10));
        let mut image = self.permuter.image(number, size).ok_or(Misfit("it has too many digits"))?;
        for digit in digits.iter_mut().rev() {
            *digit = u8::try_from(image % 10).unwrap_or(0);
            image /= 10;
        }
        Ok(())
    }

    /// Permutes the digits among all numbers of that length behind a prefix that says which spelling it was.
    fn unique(&self, value: &[u8], shape: Option<Shape>, out: &mut Vec<u8>) -> Written {
        let start = out.len();
        if let Some(shape) = shape {
            let mut digits = shape.digits.map(|digit| digit - b'0');
            self.permute(&mut digits[..shape.count])?;
            out.extend_from_slice(if shape.plus { b"+01" } else { b"+02" });
            // A plus is only ever the first character.
            shape.write(&value[usize::from(shape.plus)..], &digits, out);
        } else {
            let draw = self.key.prf(Role::Number, &[value]);
            out.extend_from_slice(b"+03");
            out.extend(draw.digits().take(MOST).map(|digit| digit + b'0'));
        }
        if out.len() - start > self.room {
            return Err(Misfit(
                "the column is too short for numbers that must differ; they need three more characters",
            ));
        }
        Ok(CellKind::Text)
    }
}

/// The digits of a text that is nothing but a phone number, perhaps with an extension.
struct Shape {
    digits: [u8; MOST],
    /// Digits before the extension.
    main: usize,
    /// All digits.
    count: usize,
    plus: bool,
}

impl Shape {
    fn read(value: &[u8]) -> Option<Self> {
        let mut shape = Self { digits: [b'0'; MOST], main: 0, count: 0, plus: value.first() == Some(&b'+') };
        let mut at = usize::from(shape.plus);
        let mut extended = false;
        while let Some(byte) = value.get(at) {
            match byte {
                b'0'..=b'9' => {
                    *shape.digits.get_mut(shape.count)? = *byte;
                    shape.count += 1;
                }
                b' ' | b'(' | b')' | b'-' | b'.' | b'/' => {}
                b'x' | b'X' | b'#' | b'e' | b'E' if !extended && shape.count > 0 => {
                    extended = true;
                    shape.main = shape.count;
                    if matches!(byte, b'e' | b'E') {
                        let word = value.get(at..at + 3)?;
                        if !word.eq_ignore_ascii_case(b"ext") {
                            return None;
                        }
                        at += 2;
                    }
                }
                _ => return None,
            }
            at += 1;
        }
        if !extended {
            shape.main = shape.count;
        }
        (shape.count > 0).then_some(shape)
    }

    /// The text of `value` with other digits. Everything else in it is punctuation, or the word for an extension.
    fn write(&self, value: &[u8], digits: &[u8; MOST], out: &mut Vec<u8>) {
        let mut next = digits[..self.count].iter();
        out.extend(
            value
                .iter()
                .map(|byte| if byte.is_ascii_digit() { next.next().map_or(b'0', |digit| digit + b'0') } else { *byte }),
        );
    }

    /// Other digits, by the table above.
    fn undialable(&self, draw: &Draw, integer: bool) -> [u8; MOST] {
        let mut digits = [0; MOST];
        digits.iter_mut().zip(draw.digits()).for_each(|(digit, drawn)| *digit = drawn);
        let main = &self.digits[..self.main];
        let fixed: &[u8] = match main {
            [b'1', _, ..] if main.len() == 11 => return fictional(digits, 1),
            [b'2'..=b'9', ..] if main.len() == 10 && !self.plus => return fictional(digits, 0),
            [b'1'..=b'9', ..] if main.len() == 7 && !self.plus => &[5, 5, 5, 0, 1],
            [b'0', b'0', b'1'..=b'9', ..] if main.len() >= 10 && !integer => {
                return self.abroad(digits, 2);
            }
            [b'1'..=b'9', ..] if self.plus && main.len() >= 7 => return self.abroad(digits, 0),
            _ if main.len() >= 7 && integer => &[8, 3],
            _ if main.len() >= 7 => &[0, 0, 8, 3],
            _ if integer => &[8],
            _ if main.len() > 2 => &[0, 8],
            _ => &[],
        };
        // One or two digits have room for nothing else than another number.
        let fixed = if main.len() < 3 && integer && digits[0] != 0 { &[] } else { fixed };
        digits[..fixed.len()].copy_from_slice(fixed);
        digits
    }

    /// Keeps the international prefix of `prefix` digits and the country code behind it.
    fn abroad(&self, mut digits: [u8; MOST], prefix: usize) -> [u8; MOST] {
        let kept = prefix + country_code(&self.digits[prefix..]);
        for (digit, original) in digits.iter_mut().zip(&self.digits[..kept]) {
            *digit = original - b'0';
        }
        digits[kept] = 0;
        digits[kept + 1] = 0;
        digits
    }
}

/// A number of North America that is reserved for fiction, behind a trunk prefix of `skip` digits.
fn fictional(mut digits: [u8; MOST], skip: usize) -> [u8; MOST] {
    if skip == 1 {
        // The same number without the 1 gets the same digits.
        digits.rotate_right(1);
        digits[0] = 1;
    }
    let area = &mut digits[skip..];
    // Area codes begin with 2 to 9, have no 9 in the middle, and N11 are services.
    area[0] = 2 + area[0] % 8;
    area[1] %= 9;
    if area[1] == 1 && area[2] == 1 {
        area[2] = 2;
    }
    area[3..8].copy_from_slice(&[5, 5, 5, 0, 1]);
    digits
}

/// Digits of the country code (ITU-T E.164) that a number begins with.
pub(super) fn country_code(number: &[u8]) -> usize {
    match number {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(value: Cell<'_>, site: &Site) -> String {
        let mut out = Vec::new();
        assert_eq!(build(site).unwrap().mask(value, &Row::NONE, &mut out).unwrap(), value.kind);
        String::from_utf8(out).unwrap()
    }

    fn text(value: &str) -> String {
        masked(Cell::text(value), &Site::for_tests("phone"))
    }

    /// Digits as `9`, all else as it is.
    fn shape(text: &str) -> String {
        text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect()
    }

    #[test]
    fn shapes_stay_and_numbers_cannot_be_dialled() {
        for (value, part) in [
            ("(415) 867-5309", ") 555-01"),
            ("415.867.5309", ".555.01"),
            ("1-415-867-5309 x221", "-555-01"),
            ("+1 (415) 867-5309", ") 555-01"),
            ("867-5309", "555-01"),
            ("+44 20 7123 4567", "+44 00 "),
            ("+353 1 234 5678", "+353 0 0"),
            ("0049 30 1234567", "0049 00 "),
            ("06 12 34 56 78", "00 83 "),
            ("020 7946 0000", "008 3"),
            ("4455", "08"),
        ] {
            let masked = text(value);
            assert_eq!(shape(&masked), shape(value));
            assert!(masked.contains(part), "{value} became {masked}");
        }
    }

    #[test]
    fn spellings_of_one_number_agree() {
        let digits = |value| text(value).replace(|c: char| !c.is_ascii_digit(), "");
        assert_eq!(digits("(415) 867-5309"), digits("415.867.5309"));
        assert_eq!(digits("+1 415 867 5309"), format!("1{}", digits("4158675309")));
    }

    #[test]
    fn what_is_no_number_becomes_one_and_leaves_nothing() {
        for value in
            ["call Ann after 5", "1-800-FLOWERS", "n/a", "-", "555 ext Bob", "+1 415 867 5309 415 867 5309 1234567"]
        {
            let masked = text(value);
            assert_eq!(shape(&masked), "(999) 999-9999", "{value}");
        }
    }

    #[test]
    fn integers_stay_integers() {
        for value in ["4158675309", "14158675309", "612345678", "44", "7", "4479111234567"] {
            let masked = masked(Cell { kind: CellKind::Integer, bytes: value.as_bytes() }, &Site::for_tests("phone"));
            assert_eq!(masked.len(), value.len());
            assert!(!masked.starts_with('0') && masked != value, "{value} became {masked}");
        }
        let negative = Cell { kind: CellKind::Integer, bytes: b"-5" };
        assert!(build(&Site::for_tests("phone")).unwrap().mask(negative, &Row::NONE, &mut Vec::new()).is_err());
    }

    #[test]
    fn unique_columns_get_exactly_different_numbers() {
        let site = Site { unique: true, max_chars: Some(30), ..Site::for_tests("phone") };
        let mut seen = std::collections::HashSet::new();
        for number in 0..20_000_u32 {
            let (area, line) = (200 + number / 100, number % 100);
            for value in
                [format!("({area}) 555-{line:04}"), format!("+1{area}555{line:04}"), format!("1{area}555{line:04}")]
            {
                let masked = masked(Cell::text(&value), &site);
                assert!(masked.starts_with("+0") && seen.insert(masked), "{value}");
            }
        }
        assert!(masked(Cell::text("ask Bob"), &site).starts_with("+03"));
    }
}
