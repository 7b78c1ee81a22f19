//! `int_permute`: another whole number, for keys: a child that names the key in its own table gets the same one.

use super::digits::{whole, within};
use super::numerals::Digits;
use super::permute::Permuter;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "int_permute",
    about: "Exchanges whole numbers, such as keys: between `min` and `max`, or without them among the numbers of the same sign and as many digits that the column takes.",
    params: &[
        Param {
            name: "min",
            about: "The least number.",
            kind: ParamKind::Integer(i64::MIN, i64::MAX),
            default: "the least of as many digits; goes with `max`",
        },
        Param {
            name: "max",
            about: "The greatest number. Programs that count in floating point hold 9007199254740991 at most.",
            kind: ParamKind::Integer(i64::MIN, i64::MAX),
            default: "the greatest of as many digits; goes with `min`",
        },
    ],
    accepts: &[Family::Integer, Family::Numeric, Family::Text],
    unique: Uniqueness::Exact,
    domain: "number.key",
    build,
    examples: &[
        Example::plain("48213"),
        Example { params: || vec![("min", Value::Integer(1)), ("max", Value::Integer(2_147_483_647))], cell: "48213" },
    ],
    teaches: |_| Teaches::Nothing,
    sample: |number| (1_000_000_000 + number % 1_000_000_000_000_000).to_string(),
    ..Definition::BASE
};

struct Masker {
    permuter: Permuter,
    /// The range that the policy names.
    named: Option<(i128, i128)>,
    /// The range of the column.
    range: (Option<i128>, Option<i128>),
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let named = match (params.integer("min"), params.integer("max")) {
        (Some(min), Some(max)) if min < max => Some((i128::from(min), i128::from(max))),
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(Error::policy("mask int_permute needs a min that is less than its max"));
        }
        _ => {
            return Err(Error::policy("mask int_permute takes min and max together")
                .hint("Write both, or neither to keep the number of digits."));
        }
    };
    if let Some((min, max)) = named
        && (site.range.0.is_some_and(|least| min < least) || site.range.1.is_some_and(|most| max > most))
    {
        let shown = |end: Option<i128>| end.map_or_else(|| "any".to_owned(), |end| end.to_string());
        let (least, most) = (shown(site.range.0), shown(site.range.1));
        return Err(Error::policy(format!("the columns of the domain take numbers from {least} to {most} only"))
            .hint("Let min and max lie within."));
    }
    let widest = named.map_or(0, |(min, max)| min.to_string().len().max(max.to_string().len()));
    if widest > site.room() {
        let what = format!("numbers up to {widest} characters do not fit a column of {}", site.room());
        return Err(Error::policy(what).hint("Let min and max be shorter."));
    }
    Ok(Box::new(Masker { permuter: Permuter::new(&site.key), named, range: site.range }))
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        const PLAIN: Misfit = Misfit("it is no whole number in its plain spelling; use digits");
        let value = super::text_or_integer(cell)?;
        let negative = whole(value).ok_or(PLAIN)?;
        let mut digits = Digits::read(value).ok_or(PLAIN)?;
        if digits.values()[0] == 0 && value != b"0" {
            return Err(PLAIN);
        }
        let Some((min, max)) = self.named else {
            if value == b"0" {
                return Err(Misfit(
                    "0 is neither positive nor negative and would stay; write min and max, with 0 between",
                ));
            }
            within(&self.permuter, self.range, negative, 1, digits.values_mut())?;
            super::numerals::put(value, digits.values(), out);
            return Ok(cell.kind);
        };
        let number: i128 = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(PLAIN)?;
        let image = u128::try_from(number - min)
            .ok()
            .and_then(|above| self.permuter.image(above, (max - min).unsigned_abs() + 1))
            .ok_or(Misfit("it is not between the min and the max of the policy"))?;
        let image = min + i128::try_from(image).unwrap_or(0);
        out.extend_from_slice(image.to_string().as_bytes());
        Ok(cell.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn params(min: i64, max: i64) -> Params {
        let given = [("min", min), ("max", max)].map(|(name, value)| (name.to_owned(), Value::Integer(value)));
        Params::new(&DEFINITION, given).unwrap()
    }

    fn masked(mask: &dyn Mask, cell: Cell<'_>) -> std::result::Result<i64, Misfit> {
        let mut out = Vec::new();
        assert_eq!(mask.mask(cell, &Row::NONE, &mut out)?, cell.kind);
        Ok(std::str::from_utf8(&out).unwrap().parse().unwrap())
    }

    #[test]
    fn a_named_range_is_permuted_whole_with_its_negative_numbers() {
        let mask = build(&Site::for_tests("key"), &params(-500, 700)).unwrap();
        let mut seen = HashSet::new();
        for number in -500..=700 {
            let text = number.to_string();
            let image = masked(&*mask, Cell::text(&text)).unwrap();
            assert_eq!(image, masked(&*mask, Cell { kind: CellKind::Integer, bytes: text.as_bytes() }).unwrap());
            assert!((-500..=700).contains(&image) && image != number && seen.insert(image));
        }
        assert!(masked(&*mask, Cell::text("701")).is_err() && masked(&*mask, Cell::text("-501")).is_err());
    }

    #[test]
    fn without_a_range_sign_and_length_stay() {
        let mask = build(&Site::for_tests("key"), &Params::default()).unwrap();
        let mut seen = HashSet::new();
        for number in (-12_000..=12_000_i64).filter(|number| *number != 0) {
            let image = masked(&*mask, Cell::text(&number.to_string())).unwrap();
            assert!(image != number && image.signum() == number.signum() && seen.insert(image));
            assert_eq!(image.to_string().len(), number.to_string().len());
        }
        for wrong in ["0", "-0", "007", "+7", "1.5", "", "x"] {
            assert!(masked(&*mask, Cell::text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn impossible_ranges_are_refused_when_built() {
        let site = Site { range: (Some(-32_768), Some(32_767)), ..Site::for_tests("key") };
        assert!(build(&site, &params(1, 40_000)).is_err() && build(&site, &params(1, 32_767)).is_ok());
        assert!(build(&site, &params(5, 5)).is_err() && build(&site, &params(7, 5)).is_err());
        let alone = Params::new(&DEFINITION, [("min".to_owned(), Value::Integer(1))]).unwrap();
        assert!(build(&site, &alone).is_err());
        assert!(build(&Site { max_chars: Some(3), ..Site::for_tests("key") }, &params(1, 5000)).is_err());
        let whole = build(&Site::for_tests("key"), &params(i64::MIN, i64::MAX)).unwrap();
        assert_ne!(masked(&*whole, Cell::text("5")).unwrap(), 5);
    }
}
