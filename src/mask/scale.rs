//! `scale`: amounts multiplied by one secret factor, so that sums keep their proportions.
//!
//! What cannot be kept: each amount is rounded on its own, so the masked total of n amounts lies within n/2 units of the
//! last decimal of the scaled total, and a total that a column holds within half a unit more. Zero stays zero, and an amount so
//! small that rounding undoes the factor stays what it is. One known pair of original and masked amount tells the factor.

use super::decimal::{Decimal, Numbers};
use super::prelude::*;

/// The denominator of the factor.
const ONE: i128 = 1_000_000_000;

pub(super) static DEFINITION: Definition = Definition {
    name: "scale",
    about: "Multiplies amounts by one secret factor, rounded to the decimals of each (half to even); zero stays, and a sum of n amounts is kept to n/2 units of the last decimal.",
    params: &[Param {
        name: "percent",
        about: "How far the factor may lie from 1; it never lies nearer than a tenth of that.",
        kind: ParamKind::Integer(1, 90),
        default: "20",
    }],
    accepts: &[Family::Integer, Family::Numeric, Family::Real, Family::Text],
    determinism: Determinism::Domain,
    strength: Strength::Partial,
    takes_subject: true,
    domain: "number.scale",
    scan: |_| Scan::Never,
    build,
    examples: &[Example::plain("1249.90"), Example::plain("-80000")],
    sample: |number| format!("{}.{:02}", 10_000 + number / 100 % 9_000_000_000, number % 100),
    ..Definition::BASE
};

struct Scale {
    key: DomainKey,
    percent: i128,
    /// The factor of rows without a subject.
    factor: i128,
    numbers: Numbers,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every mask's build")]
fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let percent = i128::from(params.integer("percent").unwrap_or(20));
    let factor = factor(percent, site.key.prf(Role::Noise, &[]).word(0));
    Ok(Box::new(Scale { key: site.key.clone(), percent, factor, numbers: Numbers::of(site) }))
}

/// The factor that a random word stands for, in billionths.
fn factor(percent: i128, word: u64) -> i128 {
    let (far, near) = (percent * (ONE / 100), percent * (ONE / 1000));
    let side = far - near;
    let drawn = i128::try_from((u128::from(word) * u128::try_from(2 * side).unwrap_or(1)) >> 64).unwrap_or(0);
    ONE + if drawn < side { drawn - far } else { drawn - side + near + 1 }
}

/// `units` times `factor`, rounded half to even.
fn scaled(units: i128, factor: i128) -> Option<i128> {
    let product = units.checked_mul(factor)?;
    let (whole, rest) = (product.div_euclid(ONE), product.rem_euclid(ONE) * 2);
    Some(whole + i128::from(rest > ONE || (rest == ONE && whole % 2 != 0)))
}

impl Mask for Scale {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let number = Decimal::read(cell)?;
        let factor = if row.subject.is_some_and(|subject| !subject.bytes.is_empty()) {
            let ask = Ask { role: Role::Noise, form: Form::Exact, value: b"", subject: row.subject };
            factor(self.percent, self.key.draw(&ask, 0, out).word(0))
        } else {
            self.factor
        };
        let units = scaled(number.units, factor).ok_or(Misfit("the number has too many digits to be multiplied"))?;
        let (least, most) = self.numbers.bounds(number, cell.kind);
        if !(least..=most).contains(&units) {
            return Err(Misfit("the scaled number would leave the range of the column"));
        }
        self.numbers.write(Decimal { units, ..number }, cell.kind, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(site: &Site, kind: CellKind, cell: &str, subject: Option<&str>) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        let mask = build(site, &Params::default()).unwrap();
        mask.mask(Cell { kind, bytes: cell.as_bytes() }, &Row::of(subject.map(Cell::text)), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn sums_are_kept_within_half_a_unit_for_each_amount(
            amounts in proptest::collection::vec(-10_i64.pow(9)..10_i64.pow(9), 1..200), word in any::<u64>(),
        ) {
            let factor = factor(20, word);
            let sum: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
            let of_parts: i128 = amounts.iter().map(|amount| scaled((*amount).into(), factor).unwrap()).sum();
            // In halves of a unit, exactly: the doubled distance from the true product is at most one per amount.
            let distance = (of_parts * ONE - sum * factor).abs() * 2;
            prop_assert!(distance <= ONE * i128::try_from(amounts.len()).unwrap());
            // Order and sign stay.
            let mut sorted = amounts.clone();
            sorted.sort_unstable();
            let scaled: Vec<i128> = sorted.iter().map(|amount| scaled((*amount).into(), factor).unwrap()).collect();
            prop_assert!(scaled.is_sorted());
            prop_assert!(sorted.iter().zip(&scaled).all(|(amount, scaled)| scaled.signum() * i128::from(amount.signum()) >= 0));
        }

        #[test]
        fn factors_lie_within_bounds_and_never_near_one(percent in 1_i128..=90, word in any::<u64>()) {
            let off = (factor(percent, word) - ONE).abs();
            prop_assert!(off >= percent * ONE / 1000 && off <= percent * ONE / 100, "{off}");
        }
    }

    #[test]
    fn halves_are_rounded_to_even() {
        let half = ONE / 2;
        for (units, want) in [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2), (2, 1)] {
            assert_eq!(scaled(units, half), Some(want), "{units}");
        }
        assert_eq!(factor(20, 0), ONE - ONE / 5);
        assert_eq!(factor(20, u64::MAX), ONE + ONE / 5);
    }

    #[test]
    fn debit_and_credit_of_the_same_amounts_balance() {
        let site = Site::for_tests("scale");
        for amount in ["0.00", "12.34", "99.99", "1000000.01"] {
            let debit = masked(&site, CellKind::Text, amount, None).unwrap();
            let credit = masked(&site, CellKind::Text, &format!("-{amount}"), None).unwrap();
            assert_eq!(credit.trim_start_matches('-'), debit);
            assert_eq!(debit == amount, amount == "0.00");
        }
        assert_eq!(masked(&site, CellKind::Text, "100", None), masked(&site, CellKind::Integer, "100", None));
        assert_ne!(masked(&site, CellKind::Text, "1000", Some("1")), masked(&site, CellKind::Text, "1000", Some("2")));
    }

    #[test]
    fn what_leaves_the_range_is_refused() {
        let site = Site { range: (Some(0), Some(1000)), ..Site::for_tests("scale") };
        let all = (0..=1000).map(|amount| masked(&site, CellKind::Integer, &amount.to_string(), None));
        assert!(all.flatten().all(|scaled| { scaled.parse::<i64>().is_ok_and(|scaled| (0..=1000).contains(&scaled)) }));
        let other = |amount| masked(&site, CellKind::Integer, amount, None).is_err();
        assert!(other("1300") && other("-100"));
    }
}
