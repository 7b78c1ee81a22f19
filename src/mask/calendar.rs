//! Dates in the spellings that the servers use, and days of the calendar. What masks of dates share.

use super::prelude::*;
use std::io::Write as _;

/// The parameter of masks that take dates as numbers too.
pub(super) const UNIT: Param = Param {
    name: "unit",
    about: "What a number counts since 1970; without it a number is refused.",
    kind: ParamKind::Choice(&["seconds", "millis"]),
    default: "none",
};

/// Units of a number per day, where one is named.
pub(super) fn per_day(definition: &Definition, site: &Site, unit: Option<&str>) -> Result<Option<i64>> {
    match unit {
        Some("seconds") => Ok(Some(86_400)),
        Some("millis") => Ok(Some(86_400_000)),
        _ if matches!(site.family, Family::Integer | Family::Numeric) => {
            let name = definition.name;
            Err(Error::policy(format!("mask {name} must know what the numbers of this column count"))
                .hint("Add unit = \"seconds\" or unit = \"millis\"."))
        }
        _ => Ok(None),
    }
}

/// A date, and whatever time stands behind it.
#[derive(Clone, Copy)]
pub(super) struct Date<'a> {
    /// Since 1970-01-01.
    pub(super) days: i64,
    pub(super) time: &'a [u8],
    separator: u8,
}

impl<'a> Date<'a> {
    /// Reads a date; none where the text is a placeholder for "no date" or "for ever".
    pub(super) fn read(value: &'a [u8]) -> std::result::Result<Option<Self>, Misfit> {
        if is_no_date(value) {
            return Ok(None);
        }
        let (date, time) = value.split_at_checked(10).ok_or(Misfit("the cell is no date like 2024-02-29"))?;
        let separator = date[4];
        let numbers = (number(&date[..4]), number(&date[5..7]), number(&date[8..]));
        let (Some(year), Some(month), Some(day)) = numbers else {
            return Err(Misfit("the cell is no date like 2024-02-29"));
        };
        if !matches!(separator, b'-' | b'/') || date[7] != separator || !is_time(time) {
            return Err(Misfit("the cell is no date like 2024-02-29, or not followed by a plain time"));
        }
        let days = days_of(year, month, day);
        if date_of(days) != (year, month, day) {
            return Err(Misfit("the cell is a date that the calendar does not have"));
        }
        Ok(Some(Self { days, time, separator }))
    }

    /// Appends the date that lies `days` after 1970-01-01, spelled like this one, without a time.
    pub(super) fn write(self, days: i64, out: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        let (year, month, day) = date_of(days);
        if !(1..=9999).contains(&year) {
            return Err(Misfit("the date is so far from today that the masked one would leave the years 1 to 9999"));
        }
        let separator = char::from(self.separator);
        append(out, format_args!("{year:04}{separator}{month:02}{separator}{day:02}"))
    }

    /// Appends midnight in the spelling of this date's time; nothing where it has none. The time zone stays.
    pub(super) fn write_midnight(self, out: &mut Vec<u8>) {
        let zone = self.time.iter().skip(1).position(|byte| b"+-Z".contains(byte)).map_or(self.time.len(), |at| at + 1);
        let (clock, zone) = self.time.split_at(zone);
        out.extend(clock.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }));
        out.extend_from_slice(zone);
    }
}

/// Puts midnight of another day in the place of a date, which is found by `other`. Placeholders stay.
pub(super) fn replace_day(
    cell: Cell<'_>,
    per_day: Option<i64>,
    out: &mut Vec<u8>,
    other: impl FnOnce(i64) -> i64,
) -> Written {
    let value = super::text_or_integer(cell)?;
    let number = per_day.filter(|_| cell.kind == CellKind::Integer || value.iter().all(u8::is_ascii_digit));
    if let Some(per_day) = number {
        let midnight = other(whole(value)?.div_euclid(per_day)).checked_mul(per_day);
        append(out, format_args!("{}", midnight.ok_or(Misfit("the date is out of range"))?))?;
    } else if cell.kind == CellKind::Integer {
        return Err(Misfit("the cell is a number, and the mask does not know what it counts"));
    } else if let Some(date) = Date::read(value)? {
        date.write(other(date.days), out)?;
        date.write_midnight(out);
    } else {
        out.extend_from_slice(value);
    }
    Ok(cell.kind)
}

/// A whole number of 64 bits.
pub(super) fn whole(value: &[u8]) -> std::result::Result<i64, Misfit> {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number.ok_or(Misfit("the cell is no whole number of 64 bits"))
}

/// Appends formatted text.
pub(super) fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) -> std::result::Result<(), Misfit> {
    out.write_fmt(text).map_err(|_| Misfit("the date could not be written"))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Placeholders for "no date" and "for ever", which stay: infinity, MySQL's zero date, the first and the last day.
fn is_no_date(value: &[u8]) -> bool {
    let zero = value.starts_with(b"0000-00-00") && value.iter().all(|byte| b"0-: .".contains(byte));
    let edge = value.starts_with(b"0001-01-01") || value.starts_with(b"9999-12-31");
    zero || matches!(value, b"infinity" | b"-infinity") || edge && is_time(&value[10..])
}

/// What may follow a date and stays as it is: nothing that could hold a word.
fn is_time(time: &[u8]) -> bool {
    match time {
        [] => true,
        [b'T' | b' ', rest @ ..] => {
            let rest = rest.strip_suffix(b"UTC").unwrap_or(rest);
            rest.len() <= 24 && rest.iter().all(|byte| byte.is_ascii_digit() || b":.+-Z ".contains(byte))
        }
        _ => false,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant's algorithm).
#[must_use]
pub fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day.
#[must_use]
pub fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_agrees_with_an_independent_one() {
        let start: jiff::civil::Date = "0001-01-01".parse().unwrap();
        for at in (0..3_652_058).step_by(97) {
            let date = start.checked_add(jiff::Span::new().days(at)).unwrap();
            let (year, month, day) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            assert_eq!(date_of(days_of(year, month, day)), (year, month, day));
            assert_eq!(days_of(year, month, day) - days_of(1, 1, 1), i64::from(at));
        }
    }

    #[test]
    fn midnight_keeps_the_spelling_and_the_zone() {
        for (text, midnight) in [
            ("2024-02-29", ""),
            ("2024-02-29 13:45:07.123", " 00:00:00.000"),
            ("2024-02-29T13:45:00Z", "T00:00:00Z"),
            ("2024-02-29 13:45:00+05:30", " 00:00:00+05:30"),
            ("2024-02-29 13:45:00-08", " 00:00:00-08"),
        ] {
            let mut out = Vec::new();
            Date::read(text.as_bytes()).unwrap().unwrap().write_midnight(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), midnight);
        }
    }
}
