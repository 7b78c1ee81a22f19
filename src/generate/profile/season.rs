//! Dates that are not spread evenly: months, days of the week, growth and peaks.

use super::moment::{DAY, Moment, SECOND};
use crate::generate::draw::Draw;
use crate::mask::calendar::date_of;

/// What there is more of at some times.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Season {
    /// January to December.
    pub(super) months: Vec<f64>,
    /// Monday to Sunday.
    pub(super) weekdays: Vec<f64>,
    /// The factor from one year to the next.
    pub(super) growth: Option<f64>,
    /// Month, day, days around it, factor.
    pub(super) peaks: Vec<(i64, i64, i64, f64)>,
}

/// Dates in a range.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dates {
    pub(super) from: Moment,
    pub(super) to: Moment,
    pub(super) season: Season,
}

impl Season {
    fn is_even(&self) -> bool {
        self.months.is_empty() && self.weekdays.is_empty() && self.growth.is_none() && self.peaks.is_empty()
    }

    /// How much of everything falls on a day, `of` days of which have gone by.
    fn weight(&self, day: i64, gone: i64) -> f64 {
        let (_, month, of_month) = date_of(day);
        let at = |list: &[f64], index: i64| {
            usize::try_from(index).ok().and_then(|index| list.get(index).copied()).unwrap_or(1.0)
        };
        // 1970-01-01 was a Thursday.
        let mut weight = at(&self.months, month - 1) * at(&self.weekdays, (day + 3).rem_euclid(7));
        #[expect(clippy::cast_precision_loss, reason = "days are few")]
        if let Some(growth) = self.growth {
            weight *= growth.max(0.001).powf(gone as f64 / 365.0);
        }
        for &(peak_month, peak_day, around, factor) in &self.peaks {
            // As if all months had 31 days: close enough for days around a day.
            let distance = ((month - peak_month) * 31 + of_month - peak_day).abs();
            if distance.min(372 - distance) <= around {
                weight *= factor;
            }
        }
        weight
    }
}

/// Days with how much of everything has happened by their end.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    from: i64,
    to: i64,
    sums: Vec<f64>,
}

impl Calendar {
    /// The days of a range.
    pub(super) fn new(from: i64, to: i64, season: &Season) -> Self {
        let (from, to) = (from, to.max(from));
        let (first, last) = (from.div_euclid(DAY), to.div_euclid(DAY));
        let mut sums = Vec::new();
        if !season.is_even() && last - first < 200 * 366 {
            let mut sum = 0.0;
            for day in first..=last {
                sum += season.weight(day, day - first);
                sums.push(sum);
            }
            if sum <= 0.0 {
                sums.clear();
            }
        }
        Self { from, to, sums }
    }

    /// How many days there are.
    pub(super) fn days(&self) -> i64 {
        self.to.div_euclid(DAY) - self.from.div_euclid(DAY) + 1
    }

    /// The start of the n-th day, not before the range begins.
    pub(super) fn nth(&self, n: u64) -> i64 {
        let day = self.from.div_euclid(DAY).saturating_add(i64::try_from(n).unwrap_or(0));
        (day * DAY).max(self.from).min(self.to)
    }

    /// A moment of the range, in whole seconds; by day, between 8 and 20 o'clock where a season is given.
    pub(super) fn draw(&self, draw: &mut Draw) -> i64 {
        let Some(sum) = self.sums.last() else {
            let at = draw.between(self.from.into(), self.to.into());
            return i64::try_from(at).unwrap_or(self.from).div_euclid(SECOND).saturating_mul(SECOND).max(self.from);
        };
        let wanted = draw.unit() * sum;
        let day = self.sums.partition_point(|sum| *sum <= wanted).min(self.sums.len() - 1);
        let day = self.from.div_euclid(DAY) + i64::try_from(day).unwrap_or(0);
        let second = i64::try_from(draw.between(8 * 3600, 20 * 3600)).unwrap_or(0);
        (day * DAY + second * SECOND).clamp(self.from, self.to)
    }
}
