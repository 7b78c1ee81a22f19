//! Numbers by their distributions.

use super::fit;
use crate::generate::draw::Draw;
use crate::generate::restriction::Restriction;
use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, Family};

/// How numbers are distributed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbers {
    pub(super) kind: Kind,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) places: Option<u8>,
    pub(super) step: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Uniform,
    Normal { mean: f64, sigma: f64 },
    LogNormal { median: f64, sigma: f64 },
    Zipf { exponent: f64 },
    Pareto { exponent: f64 },
}

/// The numbers of one column.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    kind: Kind,
    low: f64,
    high: f64,
    places: u8,
    step: f64,
    family: Family,
}

impl Numbers {
    /// For a column under a restriction; none where nothing is left or the column holds no numbers.
    pub(super) fn ready(&self, column: &Column, restriction: &Restriction) -> Option<Ready> {
        if !matches!(column.family, Family::Integer | Family::Numeric | Family::Real | Family::Any | Family::Text) {
            return None;
        }
        let places = self.places.unwrap_or(2).min(fit::places(column).unwrap_or(6));
        let unit = 10_f64.powi(-i32::from(places));
        let (mut low, mut high) = (self.min.unwrap_or(f64::MIN), self.max.unwrap_or(f64::MAX));
        let (least, most) = fit::ends(restriction);
        // An open end is left by one unit.
        let open = |bound: &Option<crate::generate::restriction::Bound>| {
            if bound.as_ref().is_some_and(|bound| !bound.inclusive) { unit } else { 0.0 }
        };
        low = least.map_or(low, |least| low.max(least + open(&restriction.low)));
        high = most.map_or(high, |most| high.min(most - open(&restriction.high)));
        if let Some((digits, places)) = fit::precision(column) {
            let most = 10_f64.powi(i32::from(digits) - i32::from(places)) - unit;
            (low, high) = (low.max(-most), high.min(most));
        }
        if column.family == Family::Integer {
            let most = if column.declared.contains("tiny") {
                127.0
            } else if column.declared.contains("small") {
                32_767.0
            } else {
                2_147_483_647.0
            };
            (low, high) = (low.max(-most), high.min(most));
        }
        if let Kind::Zipf { .. } | Kind::Pareto { .. } = self.kind {
            low = low.max(if self.min.is_some() { f64::MIN } else { unit.max(1.0) });
        }
        (low <= high).then_some(Ready {
            kind: self.kind,
            low,
            high,
            places,
            step: self.step.unwrap_or(0.0),
            family: column.family,
        })
    }
}

impl Ready {
    pub(super) fn make(&self, draw: &mut Draw) -> Value {
        let mut number = self.raw(draw);
        for _ in 0..8 {
            if (self.low..=self.high).contains(&number) {
                break;
            }
            number = self.raw(draw);
        }
        self.spelled(number.clamp(self.low, self.high))
    }

    fn raw(&self, draw: &mut Draw) -> f64 {
        match self.kind {
            Kind::Uniform => {
                let (low, high) = (self.low.max(-1e9), self.high.min(1e9));
                let unit = 10_f64.powi(-i32::from(self.places));
                low + draw.unit() * (high - low + unit * 0.999) - unit * 0.4995
            }
            Kind::Normal { mean, sigma } => mean + sigma * normal(draw),
            Kind::LogNormal { median, sigma } => median * (sigma * normal(draw)).exp(),
            Kind::Zipf { exponent } => {
                self.low + zipf(draw.unit(), (self.high - self.low + 1.0).min(1e6), exponent) - 1.0
            }
            Kind::Pareto { exponent } => self.low / (1.0 - draw.unit()).powf(1.0 / exponent.max(0.05)),
        }
    }

    /// A number with the column's digits, and a multiple of the step within the ends.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what columns hold")]
    fn spelled(&self, number: f64) -> Value {
        let mut number = number;
        if self.step > 0.0 {
            number = (number / self.step).round() * self.step;
            if number < self.low {
                number += self.step;
            }
            if number > self.high {
                number -= self.step;
            }
        }
        let by = 10_f64.powi(self.places.into());
        let units = (number * by).round().clamp(-1e30, 1e30) as i128;
        let exact = Number::new(units, self.places);
        match self.family {
            Family::Real => Value::Real(exact.real()),
            Family::Text => Value::Text(exact.to_string()),
            _ => Value::Number(exact),
        }
    }
}

/// A number of the standard normal distribution: the sum of twelve even ones, which needs no function that machines round
/// differently.
pub(super) fn normal(draw: &mut Draw) -> f64 {
    (0..12).map(|_| draw.unit()).sum::<f64>() - 6.0
}

/// A rank from 1 to `most`, by the inverse of the distribution's integral.
fn zipf(unit: f64, most: f64, exponent: f64) -> f64 {
    let most = most.max(1.0) + 1.0;
    let rank = if (exponent - 1.0).abs() < 1e-9 {
        most.powf(unit)
    } else {
        (unit * (most.powf(1.0 - exponent) - 1.0) + 1.0).powf(1.0 / (1.0 - exponent))
    };
    rank.floor().clamp(1.0, most - 1.0)
}
