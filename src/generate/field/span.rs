//! A range of whole steps with a part of it where cells usually lie: what numbers, dates and times have in common.

use crate::generate::draw::Draw;

/// Multiples of `step` from `low` to `high`, of which those from `near` to `far` are the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: i128,
    pub(super) high: i128,
    pub(super) near: i128,
    pub(super) far: i128,
    pub(super) step: i128,
}

/// How numbers spread over the usual part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// All alike.
    Even,
    /// Small ones more often.
    Small,
    /// As many from 1 to 10 as from 10 to 100.
    Log,
    /// Like `Log`, with ends that prices have.
    Price,
}

impl Span {
    /// The steps between two ends, with what is usual as far as it lies between them. None where no step does.
    pub(super) fn new(ends: (i128, i128), usual: (i128, i128), step: i128) -> Option<Self> {
        let step = step.max(1);
        let up = |number: i128| number.checked_add((step - number.rem_euclid(step)) % step);
        let down = |number: i128| number - number.rem_euclid(step);
        let (low, high) = (up(ends.0)?, down(ends.1));
        if low > high {
            return None;
        }
        let (near, far) = (up(usual.0.max(low))?, down(usual.1.min(high)));
        let (near, far) = if near <= far {
            (near, far)
        } else if usual.0 > high {
            // The usual lies above: what is closest to it.
            (down(high.saturating_sub(step.saturating_mul(999))).max(low), high)
        } else {
            (low, high.min(low.saturating_add(step.saturating_mul(999))))
        };
        Some(Self { low, high, near, far, step })
    }

    fn steps(&self, from: i128, to: i128) -> u128 {
        if to < from { 0 } else { to.abs_diff(from) / self.step.unsigned_abs() + 1 }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.steps(self.low, self.high)).unwrap_or(u64::MAX)
    }

    /// Another one for each `n` below the count: the usual ones first, then those above, then those below.
    pub(super) fn nth(&self, n: u64) -> i128 {
        let n = u128::from(n);
        let (usual, above) = (self.steps(self.near, self.far), self.steps(self.far + self.step, self.high));
        let by = |n: u128| i128::try_from(n).unwrap_or(0).saturating_mul(self.step);
        if n < usual {
            self.near + by(n)
        } else if n - usual < above {
            self.far + by(n - usual + 1)
        } else {
            (self.near - by(n - usual - above + 1)).max(self.low)
        }
    }

    /// One of the usual ones.
    pub(super) fn draw(&self, spread: Spread, cents: i128, draw: &mut Draw) -> i128 {
        let most = self.steps(self.near, self.far) - 1;
        let most = u64::try_from(most).unwrap_or(u64::MAX - 1);
        let at = match spread {
            Spread::Even => draw.below(most + 1),
            Spread::Small => {
                let one = draw.below(most + 1);
                one.min(draw.below(most + 1)).min(draw.below(most + 1))
            }
            Spread::Log | Spread::Price => logarithmic(most, draw),
        };
        let number = self.near + i128::from(at) * self.step;
        if spread == Spread::Price && self.step == 1 { self.priced(number, cents, draw) } else { number }
    }

    /// The price with an end that prices have; `cents` is a hundredth.
    fn priced(&self, number: i128, cents: i128, draw: &mut Draw) -> i128 {
        let whole = cents.saturating_mul(100);
        if whole < 100 || number < whole {
            return number;
        }
        let end = *draw.pick(&[99, 99, 50, 0, 95, 25, 0]) * cents;
        let priced = number - number.rem_euclid(whole) + end;
        if (self.near..=self.far).contains(&priced) { priced } else { number }
    }
}

/// A number up to `most`, each power of ten as likely as the next.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a random number"
)]
fn logarithmic(most: u64, draw: &mut Draw) -> u64 {
    // From a hundredth of the range on, so that most are neither next to nothing nor huge.
    let span = most as f64;
    let low = (span / 200.0).max(1.0);
    let drawn = low * ((span + 1.0) / low).powf(draw.unit());
    (drawn as u64).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn every_step_comes_once(low in -300_i128..300, size in 0_i128..400, near in -400_i128..400, wide in 0_i128..300, step in 1_i128..9) {
            let Some(span) = Span::new((low, low + size), (near, near + wide), step) else {
                prop_assert!((low..=low + size).all(|number| number % step != 0));
                return Ok(());
            };
            let all: BTreeSet<i128> = (0..span.count()).map(|n| span.nth(n)).collect();
            let expected: BTreeSet<i128> = (low..=low + size).filter(|number| number % step == 0).collect();
            prop_assert_eq!(&all, &expected);
            for seed in 0..40 {
                for spread in [Spread::Even, Spread::Small, Spread::Log, Spread::Price] {
                    let drawn = span.draw(spread, 1, &mut Draw::of(seed));
                    prop_assert!(all.contains(&drawn) && (span.near..=span.far).contains(&drawn));
                }
            }
        }
    }
}
