//! `address`: a postal address that does not exist, whole or one part of it. The parts of one subject fit each other.

use super::dictionary;
use super::prelude::*;

const PARTS: [(&str, Part); 5] = [
    ("line", Part::Line),
    ("street", Part::Street),
    ("city", Part::City),
    ("region", Part::Region),
    ("postal", Part::Postal),
];

pub(super) static DEFINITION: Definition = Definition {
    name: "address",
    about: "Replaces an address, or a part of one, with one from the dictionary; with a subject, its parts fit each other.",
    version: 1,
    params: &[Param {
        name: "part",
        about: "What the column holds. `line` is the whole address in one line, `postal` keeps the shape of the code.",
        kind: ParamKind::Choice(&["line", "street", "city", "region", "postal"]),
        default: "line",
    }],
    accepts: &[Family::Text, Family::Integer, Family::Numeric],
    unique: Uniqueness::None,
    determinism: Determinism::Value,
    strength: Strength::Pseudonym,
    keeps_original: false,
    takes_empty: false,
    takes_subject: true,
    domain: "person.address",
    scan: |params| match part(params) {
        Part::Line | Part::Street => Scan::Identifier,
        // Towns, regions and codes appear in every honest database.
        Part::City | Part::Region | Part::Postal => Scan::Never,
    },
    build,
    examples: &[
        Example::plain("1 Infinite Loop, Cupertino, CA 95014"),
        Example { params: || vec![("part", Value::text("city"))], cell: "Cupertino" },
        Example { params: || vec![("part", Value::text("postal"))], cell: "SW1A 1AA" },
    ],
    teaches: |params| match part(params) {
        Part::Line | Part::Street | Part::City => Teaches::Whole,
        // Codes are numbers and words like others.
        Part::Region | Part::Postal => Teaches::Nothing,
    },
    ..Definition::BASE
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Line,
    Street,
    City,
    Region,
    Postal,
}

fn part(params: &Params) -> Part {
    let name = params.text("part").unwrap_or("line");
    PARTS.iter().find(|(known, _)| *known == name).map_or(Part::Line, |(_, part)| *part)
}

struct Address {
    key: DomainKey,
    part: Part,
    room: usize,
    streets: Vec<&'static str>,
    cities: Vec<&'static str>,
    regions: Vec<&'static str>,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let (part, room) = (part(params), site.room());
    if part != Part::Postal && matches!(site.family, Family::Integer | Family::Numeric) {
        return Err(Error::policy("mask address writes text, and the column holds numbers")
            .hint("Only part = \"postal\" fits a column of numbers."));
    }
    // A house number of four digits, a space before and behind the name, and `Road` or shorter.
    let streets = dictionary::fitting(dictionary::STREETS, room.saturating_sub(10));
    let cities = dictionary::fitting(dictionary::CITIES, room);
    let regions = dictionary::fitting(dictionary::REGIONS, room);
    let least = match part {
        Part::Line | Part::Street => streets.len(),
        Part::City => cities.len(),
        Part::Region => room.saturating_mul(5),
        Part::Postal => 10,
    };
    if least < 10 {
        return Err(Error::policy("the column is too short for that part of an address").hint("Use `fixed` or `null`."));
    }
    Ok(Box::new(Address { key: site.key.clone(), part, room, streets, cities, regions }))
}

impl Mask for Address {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let number = cell.kind == CellKind::Integer && self.part == Part::Postal;
        let value = if number { cell.bytes } else { super::text(cell)? };
        let ask = Ask { role: Role::Place, form: Form::Text, value, subject: row.subject };
        let short = canonical::chars(value) <= 3;
        until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            match self.part {
                Part::Line => self.line(&draw, out),
                Part::Street => self.street(&draw, out),
                Part::City => out.extend_from_slice(self.city(&draw).as_bytes()),
                Part::Region => out.extend_from_slice(self.region(&draw, short).as_bytes()),
                Part::Postal => self.postal(&draw, value, out),
            }
        })?;
        Ok(cell.kind)
    }
}

/// Parts draw from fixed places, so that a line and the columns of its parts agree.
impl Address {
    fn line(&self, draw: &Draw, out: &mut Vec<u8>) {
        let start = out.len();
        self.street(draw, out);
        let street = out.len();
        out.extend_from_slice(b", ");
        out.extend_from_slice(dictionary::CITIES[draw.index(1, dictionary::CITIES.len())].as_bytes());
        out.extend_from_slice(b", ");
        out.extend_from_slice(self.region(draw, true).as_bytes());
        out.push(b' ');
        self.postal(draw, b"00000", out);
        if out.len() - start > self.room {
            out.truncate(street);
        }
    }

    fn street(&self, draw: &Draw, out: &mut Vec<u8>) {
        let number = 1 + draw.word(3) % 9_899;
        let digits = [number / 1000, number / 100 % 10, number / 10 % 10, number % 10];
        let ascii = digits.map(|digit| b'0' + digit.to_le_bytes()[0]);
        out.extend(ascii.iter().skip_while(|digit| **digit == b'0'));
        out.push(b' ');
        let name = self.streets[draw.index(0, self.streets.len())];
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        let suffixes = dictionary::STREET_SUFFIXES;
        let suffix = suffixes[usize::from(draw.bytes()[23]) % suffixes.len()];
        let fits = 6 + name.len() + suffix.len() <= self.room;
        out.extend_from_slice(if fits { suffix } else { "Road" }.as_bytes());
    }

    fn city(&self, draw: &Draw) -> &'static str {
        self.cities[draw.index(1, self.cities.len())]
    }

    fn region(&self, draw: &Draw, code: bool) -> &'static str {
        if code || self.regions.len() < 10 {
            return dictionary::REGION_CODES[draw.index(2, dictionary::REGION_CODES.len())];
        }
        self.regions[draw.index(2, self.regions.len())]
    }

    /// Digits become digits, letters become letters, of which every code keeps its punctuation.
    fn postal(&self, draw: &Draw, original: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let pads = draw.bytes()[8..].iter().cycle();
        for (at, (c, pad)) in String::from_utf8_lossy(original).chars().zip(pads).enumerate() {
            if out.len() - start >= self.room.min(12) {
                break;
            }
            match c {
                '0'..='9' => out.push(if at == 0 { b'1' + pad % 9 } else { b'0' + pad % 10 }),
                ' ' | '-' => out.push(c as u8),
                _ if c.is_lowercase() => out.push(b'a' + pad % 26),
                _ => out.push(b'A' + pad % 26),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(part: &'static str, max_chars: Option<u32>, value: &str, subject: Option<&str>) -> String {
        let params = Params::new(&DEFINITION, [("part".to_owned(), Value::Text(part.into()))]).unwrap();
        let mask = build(&Site { max_chars, ..Site::for_tests("address") }, &params).unwrap();
        let mut out = Vec::new();
        mask.mask(Cell::text(value), &Row::of(subject.map(Cell::text)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_parts_of_a_subject_fit_its_line() {
        for subject in 0..50 {
            let subject = subject.to_string();
            let line = mask("line", None, "x", Some(&subject));
            assert!(line.contains(&mask("street", None, "x", Some(&subject))));
            assert!(line.contains(&mask("city", None, "x", Some(&subject))));
            assert!(line.contains(&mask("region", None, "CA", Some(&subject))), "{line}");
            assert!(line.ends_with(&mask("postal", None, "00000", Some(&subject))));
        }
    }

    #[test]
    fn codes_keep_their_shape() {
        let shape = |text: &str| -> String {
            text.chars()
                .map(|c| {
                    if c.is_ascii_digit() {
                        '9'
                    } else if c.is_alphabetic() {
                        'A'
                    } else {
                        c
                    }
                })
                .collect()
        };
        for value in ["95014", "95014-2083", "SW1A 1AA", "K1A 0B1", "1010"] {
            assert_eq!(shape(&mask("postal", None, value, None)), shape(value));
        }
        assert!(mask("postal", Some(5), "twelve characters and more", None).len() == 5);
    }

    #[test]
    fn short_columns_get_less_or_are_refused() {
        for room in 14..60 {
            assert!(mask("line", Some(room), "1 Infinite Loop", None).len() <= room as usize);
        }
        let short = Site { max_chars: Some(9), ..Site::for_tests("address") };
        assert!(build(&short, &Params::default()).is_err());
    }
}
