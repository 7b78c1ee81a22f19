//! `date_trunc`: the first day of a date's year, quarter, month or week.

use super::calendar;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "date_trunc",
    about: "Replaces a date by the first day of its year, quarter, month or week, and a time by midnight; a date that is such a day stays.",
    params: &[
        Param {
            name: "unit",
            about: "What is left of the date; weeks begin on Monday.",
            kind: ParamKind::Choice(&["year", "quarter", "month", "week", "day"]),
            default: "month",
        },
        Param {
            name: "counts",
            about: "What a number counts since 1970; without it a number is refused.",
            kind: ParamKind::Choice(&["seconds", "millis"]),
            default: "none",
        },
    ],
    accepts: &[Family::Date, Family::Timestamp, Family::Text, Family::Integer, Family::Numeric],
    strength: Strength::Partial,
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain("2024-02-29 13:45:00+00"),
        Example { params: || vec![("unit", Value::text("week"))], cell: "2024-02-29" },
        Example { params: || vec![("unit", Value::text("quarter"))], cell: "2024-02-29" },
    ],
    // No first days of a month, which would stay.
    sample: |number| format!("{}-{:02}-{:02}", 1950 + number / 324 % 75, number / 27 % 12 + 1, number % 27 + 2),
    ..Definition::BASE
};

#[derive(Clone, Copy)]
enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
}

struct DateTrunc {
    unit: Unit,
    per_day: Option<i64>,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let counts = params.text("counts");
    if counts.is_none() && matches!(site.family, Family::Integer | Family::Numeric) {
        return Err(Error::policy("mask date_trunc must know what the numbers of this column count")
            .hint("Add counts = \"seconds\" or counts = \"millis\"."));
    }
    let unit = match params.text("unit") {
        Some("year") => Unit::Year,
        Some("quarter") => Unit::Quarter,
        Some("week") => Unit::Week,
        Some("day") => Unit::Day,
        _ => Unit::Month,
    };
    Ok(Box::new(DateTrunc { unit, per_day: calendar::per_day(&DEFINITION, site, counts)? }))
}

impl Mask for DateTrunc {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        calendar::replace_day(cell, self.per_day, out, |days| {
            let (year, month, _) = calendar::date_of(days);
            match self.unit {
                Unit::Year => calendar::days_of(year, 1, 1),
                Unit::Quarter => calendar::days_of(year, month - (month - 1) % 3, 1),
                Unit::Month => calendar::days_of(year, month, 1),
                // 1970-01-01 was a Thursday.
                Unit::Week => days - (days + 3).rem_euclid(7),
                Unit::Day => days,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use jiff::civil::Date;

    fn build_with(unit: &'static str) -> Box<dyn Mask> {
        let given = [("unit", unit), ("counts", "millis")].map(|(name, word)| (name.to_owned(), Value::text(word)));
        build(&Site::for_tests(""), &Params::new(&DEFINITION, given).unwrap()).unwrap()
    }

    fn masked(mask: &dyn Mask, cell: Cell<'_>) -> String {
        let mut out = Vec::new();
        assert_eq!(mask.mask(cell, &Row::NONE, &mut out), Ok(cell.kind));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_day_of_200_years_becomes_the_first_of_its_unit() {
        let masks = ["year", "quarter", "month", "week", "day"].map(build_with);
        let mut date: Date = "1900-01-01".parse().unwrap();
        let end: Date = "2100-01-01".parse().unwrap();
        while date < end {
            let month = date.first_of_month();
            let quarter = month - i64::from((date.month() - 1) % 3).months();
            let week = date - i64::from(date.weekday().to_monday_zero_offset()).days();
            let want = [date.first_of_year(), quarter, month, week, date];
            for (mask, want) in masks.iter().zip(want) {
                assert_eq!(masked(&**mask, Cell::text(&date.to_string())), want.to_string());
            }
            date = date.tomorrow().unwrap();
        }
    }

    #[test]
    fn times_become_midnight_in_their_spelling() {
        let mask = build_with("day");
        assert_eq!(masked(&*mask, Cell::text("2024-02-29T13:45:07.5Z")), "2024-02-29T00:00:00.0Z");
        let millis = Cell { kind: CellKind::Integer, bytes: b"-1" };
        assert_eq!(masked(&*mask, millis), "-86400000");
        assert_eq!(masked(&*mask, Cell::text("infinity")), "infinity");
        assert!(mask.mask(Cell::text("yesterday"), &Row::NONE, &mut Vec::new()).is_err());
    }
}
