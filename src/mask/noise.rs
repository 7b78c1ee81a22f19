//! `noise`: a number near the original.

use super::decimal::{Decimal, Numbers, ten};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "noise",
    about: "Replaces a number by another one near it, never itself; the sign, whole numbers and the count of decimals stay. Sums do not.",
    params: &[
        Param {
            name: "percent",
            about: "How far the number may move, of itself.",
            kind: ParamKind::Integer(1, 100),
            default: "10, unless `by` is given",
        },
        Param {
            name: "by",
            about: "How far the number may move, as a number.",
            kind: ParamKind::Integer(1, 1_000_000_000_000),
            default: "none",
        },
    ],
    accepts: &[Family::Integer, Family::Numeric, Family::Real, Family::Text],
    strength: Strength::Partial,
    domain: "number.noise",
    scan: |_| Scan::Never,
    build,
    examples: &[Example::plain("52300.00"), Example { params: || vec![("by", Value::Integer(5))], cell: "47" }],
    sample: |number| format!("{}.{:02}", 10_000 + number / 100 % 9_000_000_000, number % 100),
    ..Definition::BASE
};

struct Noise {
    key: DomainKey,
    bound: Bound,
    numbers: Numbers,
}

#[derive(Clone, Copy)]
enum Bound {
    Percent(i128),
    By(i128),
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let bound = match (params.integer("percent"), params.integer("by")) {
        (Some(_), Some(_)) => {
            return Err(Error::policy("mask noise has both percent and by").hint("Give one of them."));
        }
        (None, Some(by)) => Bound::By(by.into()),
        (percent, None) => Bound::Percent(percent.unwrap_or(10).into()),
    };
    Ok(Box::new(Noise { key: site.key.clone(), bound, numbers: Numbers::of(site) }))
}

impl Mask for Noise {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let number = Decimal::read(cell)?;
        let (least, most) = self.near(number, cell.kind);
        let inside = i128::from((least..=most).contains(&number.units));
        let choices = u128::try_from(most - least + 1 - inside).unwrap_or(0);
        if choices == 0 {
            return Err(Misfit("no other number that the column takes is near enough; raise the bound"));
        }
        let value = number.shortest();
        let ask = Ask { role: Role::Noise, form: Form::Exact, value: &value, subject: None };
        let start = out.len();
        for attempt in 0..=u8::MAX {
            let draw = self.key.draw(&ask, attempt, out);
            let wide = (u128::from(draw.word(0)) << 64) | u128::from(draw.word(1));
            let drawn = least + i128::try_from(wide % choices).unwrap_or(0);
            let units = if inside == 1 && drawn >= number.units { drawn + 1 } else { drawn };
            let kind = self.numbers.write(Decimal { units, ..number }, cell.kind, out)?;
            // A binary fraction may be too coarse to tell two neighbours apart.
            if out[start..] != *cell.bytes {
                return Ok(kind);
            }
            out.truncate(start);
        }
        Err(Misfit("every number that the mask can make is the original"))
    }
}

impl Noise {
    /// The least and the greatest units that may be written.
    fn near(&self, number: Decimal, kind: CellKind) -> (i128, i128) {
        let bound = match self.bound {
            Bound::Percent(percent) => number.units.abs() * percent / 100,
            Bound::By(by) => number.units_of(by),
        };
        // Far beyond all numbers that are read, and far below what would overflow.
        let bound = bound.clamp(1, ten(27));
        let (least, most) = (number.units - bound, number.units + bound);
        // An amount owed does not become one that is due.
        let (least, most) = if number.units < 0 { (least, most.min(0)) } else { (least.max(0), most) };
        let (low, high) = self.numbers.bounds(number, kind);
        (least.max(low), most.min(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by(bound: i64) -> Params {
        Params::new(&DEFINITION, [("by".to_owned(), Value::Integer(bound))]).unwrap()
    }

    fn mask(site: &Site, name: &str, bound: i64) -> Box<dyn Mask> {
        build(site, &Params::new(&DEFINITION, [(name.to_owned(), Value::Integer(bound))]).unwrap()).unwrap()
    }

    fn masked(mask: &dyn Mask, kind: CellKind, cell: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        let written = mask.mask(Cell { kind, bytes: cell.as_bytes() }, &Row::NONE, &mut out)?;
        assert_eq!(written, kind);
        Ok(String::from_utf8(out).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]
        #[test]
        fn numbers_stay_within_bound_range_scale_and_sign(
            units in -2_000_000_i64..2_000_000, places in 0_usize..4, percent in 1_i64..=100, by in 1_i64..50,
        ) {
            let site = Site { range: (Some(-1500), Some(1500)), ..Site::for_tests("noise") };
            let number = Decimal { units: units.into(), places };
            let mut cell = Vec::new();
            Numbers::of(&Site::for_tests("n")).write(number, CellKind::Text, &mut cell).unwrap();
            let cell = String::from_utf8(cell).unwrap();
            let within = number.units.abs() <= number.units_of(1500);
            for (name, bound, far) in [
                ("percent", percent, (number.units.abs() * i128::from(percent) / 100).max(1)),
                ("by", by, number.units_of(by.into())),
            ] {
                let Ok(text) = masked(&*mask(&site, name, bound), CellKind::Text, &cell) else {
                    prop_assert!(!within, "{cell} was refused");
                    continue;
                };
                let other = Decimal::parse(text.as_bytes()).unwrap();
                prop_assert_eq!(other.places, places);
                prop_assert!(other.units != number.units && (other.units - number.units).abs() <= far, "{cell} {text}");
                prop_assert!(other.units.abs() <= number.units_of(1500) && other.units.signum() * number.units.signum() >= 0);
            }
        }
    }

    #[test]
    fn types_agree_and_stay() {
        let mask = mask(&Site::for_tests("noise"), "percent", 20);
        let integer = masked(&*mask, CellKind::Integer, "4711").unwrap();
        assert_eq!(integer, masked(&*mask, CellKind::Text, "4711").unwrap());
        assert_ne!(integer, "4711");
        let real = masked(&*mask, CellKind::Real, "47.11").unwrap();
        assert!(real.parse::<f64>().is_ok_and(|real| (37.6..=56.6).contains(&real)), "{real}");
        assert!(masked(&*mask, CellKind::Text, "a lot").is_err());
        assert_eq!(masked(&*mask, CellKind::Integer, "0").unwrap(), "1");
        let edge = masked(&*mask, CellKind::Integer, "9223372036854775807").unwrap();
        assert!(edge.parse::<i64>().is_ok());
        let far = super::build(&Site::for_tests("noise"), &by(1_000_000_000_000)).unwrap();
        assert!(masked(&*far, CellKind::Text, "0.000000000000000000000000001").is_ok());
    }

    #[test]
    fn a_column_without_another_number_is_refused() {
        let site = Site { range: (Some(5), Some(5)), ..Site::for_tests("noise") };
        assert!(masked(&*mask(&site, "by", 3), CellKind::Integer, "5").is_err());
        let both = [("percent", 5), ("by", 5)].map(|(name, bound)| (name.to_owned(), Value::Integer(bound)));
        assert!(build(&site, &Params::new(&DEFINITION, both).unwrap()).is_err());
    }
}
