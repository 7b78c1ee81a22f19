//! `geo`: coordinates within the same cell of a grid.

use super::decimal::{Decimal, Numbers, ten};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "geo",
    about: "Replaces a latitude, a longitude or a pair such as `37.77,-122.41` by a point of the same grid cell; the last digit always goes.",
    params: &[
        Param {
            name: "decimals",
            about: "Cells of 1, 0.1, 0.01 degrees and so on: 2 is about a kilometre, 1 about ten.",
            kind: ParamKind::Integer(0, 4),
            default: "2, unless `cell` is given",
        },
        Param {
            name: "cell",
            about: "Cells of so many thousandths of a degree.",
            kind: ParamKind::Integer(1, 10_000),
            default: "none",
        },
        Param {
            name: "jitter",
            about: "Whether to write a keyed point of the cell; otherwise its middle.",
            kind: ParamKind::Bool,
            default: "true",
        },
    ],
    accepts: &[Family::Text, Family::Numeric, Family::Real, Family::Integer],
    strength: Strength::Partial,
    domain: "place.point",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain("37.774929,-122.419416"),
        Example { params: || vec![("decimals", Value::Integer(1)), ("jitter", Value::Bool(false))], cell: "52.520008" },
    ],
    sample: |number| {
        let (degrees, fraction) = (number / 1_000_000 % 89, number % 1_000_000);
        format!("{degrees}.{fraction:06},-{}.{:06}", number / 89_000_000 % 179, number % 999_983)
    },
    ..Definition::BASE
};

struct Geo {
    key: DomainKey,
    /// Thousandths of a degree, times a thousand: a cell in units of six decimals.
    cell: i128,
    jitter: bool,
    room: usize,
    numbers: Numbers,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let cell = match (params.size("decimals"), params.integer("cell")) {
        (Some(_), Some(_)) => {
            return Err(Error::policy("mask geo has both decimals and cell").hint("Give one of them."));
        }
        (None, Some(thousandths)) => i128::from(thousandths) * 1000,
        (decimals, None) => ten(6 - decimals.unwrap_or(2).min(6)),
    };
    let jitter = params.flag("jitter").unwrap_or(true);
    Ok(Box::new(Geo { key: site.key.clone(), cell, jitter, room: site.room(), numbers: Numbers::of(site) }))
}

impl Mask for Geo {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let Some([open, one, between, other, close]) = pair(cell) else {
            return self.coordinate(cell, 0, out);
        };
        let start = out.len();
        let part = |bytes| Cell { kind: CellKind::Text, bytes };
        out.extend_from_slice(open);
        self.coordinate(part(one), 0, out)?;
        out.extend_from_slice(between);
        self.coordinate(part(other), 1, out)?;
        out.extend_from_slice(close);
        if out.len() - start > self.room {
            return Err(Misfit("the masked point would be longer than the column"));
        }
        Ok(cell.kind)
    }
}

/// A pair's two numbers and what stands before, between and behind them.
fn pair(cell: Cell<'_>) -> Option<[&[u8]; 5]> {
    let text = cell.bytes;
    let comma = text.iter().position(|byte| *byte == b',')?;
    let closed = text.first() == Some(&b'(') && text.last() == Some(&b')');
    let (from, to) = (usize::from(closed), text.len() - usize::from(closed));
    let second = comma + 1 + usize::from(text.get(comma + 1) == Some(&b' '));
    let numbers = (text.get(from..comma)?, text.get(second..to)?);
    Some([&text[..from], numbers.0, &text[comma..second], numbers.1, &text[to..]])
}

impl Geo {
    fn coordinate(&self, cell: Cell<'_>, word: usize, out: &mut Vec<u8>) -> Written {
        let number = Decimal::read(cell)?;
        if number.places > 20 || number.units.abs() > number.units_of(180) {
            return Err(Misfit("the cell is no latitude or longitude"));
        }
        let limit = number.units_of(if number.units.abs() > number.units_of(90) { 180 } else { 90 });
        // A cell in units of the number's last place, of which there are at least ten: the last digit always goes.
        let size = (self.cell * ten(number.places) / ten(6)).max(10);
        let first = number.units.div_euclid(size) * size;
        let end = (first + size - 1).min(limit);
        let first = first.max(-limit);
        let value = number.shortest();
        let ask = Ask { role: Role::Place, form: Form::Exact, value: &value, subject: None };
        let choices = u128::try_from(end - first + 1).unwrap_or(1);
        for attempt in 0..=u8::MAX {
            let units = if self.jitter {
                let draw = self.key.draw(&ask, attempt, out);
                let wide = (u128::from(draw.word(2 * word)) << 64) | u128::from(draw.word(2 * word + 1));
                first + i128::try_from(wide % choices).unwrap_or(0)
            } else {
                // The middle, or the next point where that is the original.
                (first + (end - first + 1) / 2 + i128::from(attempt)).min(end)
            };
            if units != number.units {
                return self.numbers.write(Decimal { units, ..number }, cell.kind, out);
            }
        }
        Err(Misfit("every point that the mask can make is the original"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(given: &[(&str, Value)], kind: CellKind, cell: &str) -> std::result::Result<String, Misfit> {
        let params = Params::new(&DEFINITION, given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut out = Vec::new();
        let mask = build(&Site::for_tests("geo"), &params.unwrap()).unwrap();
        assert_eq!(mask.mask(Cell { kind, bytes: cell.as_bytes() }, &Row::NONE, &mut out)?, kind);
        Ok(String::from_utf8(out).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]
        #[test]
        fn points_stay_in_their_cell_and_on_the_globe(
            lat in -90_000_000_i32..=90_000_000, lng in -180_000_000_i32..=180_000_000, size in 1_i64..=10_000, jitter: bool,
        ) {
            let spell = |units: i32| {
                format!("{}{}.{:06}", if units < 0 { "-" } else { "" }, units.abs() / 1_000_000, units.abs() % 1_000_000)
            };
            let cell = format!("{}, {}", spell(lat), spell(lng));
            let text = masked(&[("cell", Value::Integer(size)), ("jitter", Value::Bool(jitter))], CellKind::Text, &cell).unwrap();
            for ((other, units), most) in text.split(", ").zip([lat, lng]).zip([90, 180]) {
                let other = Decimal::parse(other.as_bytes()).unwrap();
                prop_assert_eq!(other.places, 6);
                let size = i128::from(size) * 1000;
                prop_assert_eq!(other.units.div_euclid(size), i128::from(units).div_euclid(size), "{} {}", &cell, &text);
                prop_assert!(other.units != i128::from(units) && other.units.abs() <= most * 1_000_000, "{cell} {text}");
            }
        }
    }

    #[test]
    fn spellings_stay() {
        let plain = |cell| masked(&[("jitter", Value::Bool(false))], CellKind::Text, cell).unwrap();
        assert_eq!(plain("(37.774929,-122.419416)"), "(37.775000,-122.415000)");
        assert_eq!(plain("37.774929"), "37.775000");
        assert_eq!(plain("37.8"), "37.5");
        assert_eq!(plain("37"), "35");
        assert_eq!(plain("35"), "36");
        let real = masked(&[], CellKind::Real, "37.774929").unwrap();
        assert!(real.starts_with("37.77") && real != "37.774929");
        for wrong in ["Main Street", "181.5", "37.77,", "37.77;-122.41", "1,2,3", "37.77,north"] {
            assert!(masked(&[], CellKind::Text, wrong).is_err(), "{wrong}");
        }
        let both = [("cell", 5), ("decimals", 2)].map(|(name, value)| (name.to_owned(), Value::Integer(value)));
        assert!(build(&Site::for_tests("geo"), &Params::new(&DEFINITION, both).unwrap()).is_err());
    }
}
