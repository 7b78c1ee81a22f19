//! Dates, times and intervals: read, written, taken apart and added up as the servers do.

use std::fmt::Write as _;

pub(super) const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;

/// What lies between two moments. Months and days have no fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Interval {
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) micros: i64,
}

impl Interval {
    /// So many of a unit: `day`, `HOURS`, `mon`. None for words that are no unit.
    pub(super) fn of(count: i64, unit: &str) -> Option<Self> {
        let unit = unit.to_ascii_lowercase();
        let unit = if unit.len() > 1 { unit.trim_end_matches('s') } else { &unit };
        let (months, days, micros) = match unit {
            "year" | "yr" | "y" => (count.checked_mul(12)?, 0, 0),
            "quarter" => (count.checked_mul(3)?, 0, 0),
            "month" | "mon" => (count, 0, 0),
            "week" | "w" => (0, count.checked_mul(7)?, 0),
            "day" | "d" => (0, count, 0),
            "hour" | "hr" | "h" => (0, 0, count.checked_mul(3600 * SECOND)?),
            "minute" | "min" | "m" => (0, 0, count.checked_mul(60 * SECOND)?),
            "second" | "sec" => (0, 0, count.checked_mul(SECOND)?),
            "microsecond" => (0, 0, count),
            _ => return None,
        };
        Some(Self { months, days, micros })
    }

    /// Reads `1 day`, `-2 mons 3 days 04:05:06`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut all = Self::default();
        let mut words = text.split_whitespace().peekable();
        words.peek()?;
        while let Some(word) = words.next() {
            let more = if word.contains(':') {
                let micros = parse_time(word.trim_start_matches(['-', '+']))?;
                Self { micros: if word.starts_with('-') { -micros } else { micros }, ..Self::default() }
            } else {
                Self::of(word.parse().ok()?, words.next()?)?
            };
            all = all.plus(more)?;
        }
        Some(all)
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_add(other.months)?,
            days: self.days.checked_add(other.days)?,
            micros: self.micros.checked_add(other.micros)?,
        })
    }

    pub(super) fn times(self, by: i64) -> Option<Self> {
        Some(Self {
            months: self.months.checked_mul(by)?,
            days: self.days.checked_mul(by)?,
            micros: self.micros.checked_mul(by)?,
        })
    }

    /// Its length as PostgreSQL compares intervals: a month has 30 days.
    pub(super) fn length(self) -> i128 {
        (i128::from(self.months) * 30 + i128::from(self.days)) * i128::from(DAY) + i128::from(self.micros)
    }

    /// The moment that lies so much later; the day of the month is cut where the month is too short.
    pub(super) fn after(self, moment: i64) -> Option<i64> {
        let (date, time) = (moment.div_euclid(DAY), moment.rem_euclid(DAY));
        let (year, month, day) = civil(date);
        let months = year.checked_mul(12)?.checked_add(month - 1)?.checked_add(self.months)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let date = days(year, month, day.min(days_in(year, month)))?.checked_add(self.days)?;
        date.checked_mul(DAY)?.checked_add(time)?.checked_add(self.micros)
    }
}

/// Days since 1970-01-01.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(-9999..=99_999).contains(&year) || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Year, month and day.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Reads `2025-12-31`.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits(text.get(range)?);
    i32::try_from(days(part(0..4)?, part(5..7)?, part(8..10)?)?).ok()
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads `12:30`, `12:30:05.25`, as microseconds.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<i64> = whole.split(':').map(digits).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] if fraction.is_empty() => (*hours, *minutes, 0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    if hours > 838 || minutes > 59 || seconds > 59 || fraction.len() > 6 {
        return None;
    }
    let micros = if fraction.is_empty() { 0 } else { digits(&format!("{fraction:0<6}"))? };
    Some(((hours * 60 + minutes) * 60 + seconds) * SECOND + micros)
}

/// Reads `2025-12-31 12:30:05+00`; a bare date is its midnight.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let date = i64::from(parse_date(text.get(..10)?)?) * DAY;
    let rest = &text[10..];
    if rest.is_empty() {
        return Some(date);
    }
    let rest = rest.strip_prefix([' ', 'T'])?;
    let zone = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone);
    let offset = match zone {
        "" | "Z" => 0,
        zone => {
            let (hours, minutes) = zone[1..].split_once(':').unwrap_or((&zone[1..], "00"));
            let offset = (digits(hours)? * 60 + digits(minutes)?) * 60 * SECOND;
            if zone.starts_with('-') { -offset } else { offset }
        }
    };
    let time = parse_time(time).filter(|time| *time < DAY)?;
    Some(date + time - offset)
}

/// `2025-12-31`.
pub(super) fn show_date(date: i64) -> String {
    let (year, month, day) = civil(date);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `12:30:05`, with a fraction where there is one.
pub(super) fn show_time(micros: i64) -> String {
    let (seconds, fraction) = (micros / SECOND, micros % SECOND);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction != 0 {
        // Writing to a String cannot fail.
        write!(text, ".{fraction:06}").unwrap_or_default();
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

/// `2025-12-31 12:30:05`.
pub(super) fn show_timestamp(micros: i64) -> String {
    format!("{} {}", show_date(micros.div_euclid(DAY)), show_time(micros.rem_euclid(DAY)))
}

/// A part of a moment, by its name. None for names that are not known.
pub(super) fn part(field: &str, micros: i64) -> Option<i64> {
    let (date, time) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, day) = civil(date);
    Some(match field {
        "year" => year,
        "quarter" => (month - 1) / 3 + 1,
        "month" => month,
        "day" => day,
        "hour" => time / (3600 * SECOND),
        "minute" => time / (60 * SECOND) % 60,
        "second" if time % SECOND == 0 => time / SECOND % 60,
        // Thursday was the first day of 1970.
        "dow" => (date + 4).rem_euclid(7),
        "isodow" => (date + 3).rem_euclid(7) + 1,
        "doy" => date - days(year, 1, 1)? + 1,
        "epoch" if micros % SECOND == 0 => micros / SECOND,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn days_and_dates_are_the_same(date in -719_000_i64..2_900_000) {
            let (year, month, day) = civil(date);
            prop_assert_eq!(days(year, month, day), Some(date));
            if (0..=9999).contains(&year) {
                prop_assert_eq!(parse_date(&show_date(date)).map(i64::from), Some(date));
                let moment = date * DAY + 12_345_678;
                prop_assert_eq!(parse_timestamp(&show_timestamp(moment)), Some(moment));
            }
        }
    }

    #[test]
    fn intervals_are_added_as_calendars_do() {
        let moment = |text: &str| parse_timestamp(text).unwrap();
        let later = |text: &str, by: &str| show_timestamp(Interval::parse(by).unwrap().after(moment(text)).unwrap());
        assert_eq!(later("2024-01-31", "1 mon"), "2024-02-29 00:00:00");
        assert_eq!(later("2024-02-29", "1 year"), "2025-02-28 00:00:00");
        assert_eq!(later("2024-12-31 23:30:00", "1 day 01:00:00"), "2025-01-02 00:30:00");
        assert_eq!(later("2024-03-31", "-1 month"), "2024-02-29 00:00:00");
        for wrong in ["", "1", "day", "1 fortnight", "x day"] {
            assert!(Interval::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(moment("2025-01-01 02:00:00+02"), moment("2025-01-01"));
        for wrong in ["2025-02-29", "2025-13-01", "2025-1-1", "2025-01-01x", "2025-01-01 25:00:00"] {
            assert!(parse_timestamp(wrong).is_none(), "{wrong}");
        }
        assert_eq!(part("isodow", moment("2025-12-31")), Some(3));
    }
}
