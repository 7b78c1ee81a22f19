//! `dob`: a date of birth of about the same age.

use super::calendar;
use super::prelude::*;

/// From this age on, everybody is put together (HIPAA's safe harbor).
const OLDEST: i64 = 90;
/// Years in an age band.
const BAND: i64 = 5;

pub(super) static DEFINITION: Definition = Definition {
    name: "dob",
    about: "Replaces a date of birth by another day of the same year or age band, never the real one; who is 90 or older counts as 90; a time becomes midnight.",
    params: &[
        Param {
            name: "keep",
            about: "`year`: the year of birth; `band`: only five years, such as 1980 to 1984.",
            kind: ParamKind::Choice(&["year", "band"]),
            default: "year",
        },
        Param {
            name: "as_of",
            about: "The year in which ages are counted. Fixed, so that every capture writes the same; raise it now and then.",
            kind: ParamKind::Integer(1900, 2200),
            default: "2026",
        },
        calendar::UNIT,
    ],
    accepts: &[Family::Date, Family::Timestamp, Family::Text, Family::Integer, Family::Numeric],
    strength: Strength::Partial,
    takes_subject: true,
    domain: "person.birth",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain("1984-07-09"),
        Example { params: || vec![("keep", Value::text("band"))], cell: "1984-07-09 00:00:00" },
        Example::plain("1921-03-30"),
    ],
    sample: |number| format!("{}-{:02}-{:02}", 1940 + number / 336 % 80, number / 28 % 12 + 1, number % 28 + 1),
    ..Definition::BASE
};

struct Dob {
    key: DomainKey,
    band: bool,
    as_of: i64,
    per_day: Option<i64>,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let per_day = calendar::per_day(&DEFINITION, site, params.text("unit"))?;
    let as_of = params.integer("as_of").unwrap_or(2026);
    Ok(Box::new(Dob { key: site.key.clone(), band: params.text("keep") == Some("band"), as_of, per_day }))
}

impl Mask for Dob {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let mut scratch = Vec::new();
        calendar::replace_day(cell, self.per_day, out, |days| {
            let (first, last) = self.days(days);
            // The day itself decides, not its spelling: a date and a time of that date get the same.
            let ask = Ask { role: Role::Shift, form: Form::Exact, value: &days.to_le_bytes(), subject: row.subject };
            let word = self.key.draw(&ask, 0, &mut scratch).word(0);
            let inside = i64::from((first..=last).contains(&days));
            let choices = usize::try_from(last - first + 1 - inside).unwrap_or(1);
            let drawn = first + i64::try_from(scale(word, choices)).unwrap_or(0);
            if inside == 1 && drawn >= days { drawn + 1 } else { drawn }
        })
    }
}

impl Dob {
    /// The first and the last day that may be written for a birth on `days`. There are always several.
    fn days(&self, days: i64) -> (i64, i64) {
        let born = calendar::date_of(days).0;
        // A year that is not over yet: only days before the birth, so that nobody is born in the future.
        if born >= self.as_of {
            return (days - 365, days - 1);
        }
        let oldest = self.as_of - OLDEST;
        let (first, last) = if self.band {
            (born - born.rem_euclid(BAND), born - born.rem_euclid(BAND) + BAND - 1)
        } else {
            (born, born)
        };
        let (first, last) = (first.max(oldest), last.max(oldest).min(self.as_of - 1));
        (calendar::days_of(first, 1, 1), calendar::days_of(last, 12, 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_with(given: &[(&str, Value)]) -> Box<dyn Mask> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        build(&Site::for_tests("dob"), &Params::new(&DEFINITION, given).unwrap()).unwrap()
    }

    fn masked(mask: &dyn Mask, cell: &str, subject: Option<&str>) -> String {
        let mut out = Vec::new();
        mask.mask(Cell::text(cell), &Row::of(subject.map(Cell::text)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_day_of_200_years_becomes_another_day_of_its_year_or_band() {
        let (year, band) = (build_with(&[]), build_with(&[("keep", Value::text("band"))]));
        let mut date: jiff::civil::Date = "1900-01-01".parse().unwrap();
        let end = "2100-01-01".parse().unwrap();
        while date < end {
            let text = date.to_string();
            for (mask, years) in [(&year, 1), (&band, 5)] {
                let other = masked(&**mask, &text, None);
                let parsed: jiff::civil::Date = other.parse().unwrap();
                assert!(parsed.to_string() == other && parsed != date, "{text} became {other}");
                let (born, written) = (date.year(), parsed.year());
                if born >= 2026 {
                    assert!(parsed < date && (date - parsed).get_days() <= 365, "{text} became {other}");
                } else {
                    let capped = born.max(1936);
                    assert!((1936..2026).contains(&written), "{text} became {other}");
                    assert_eq!(written.max(1936) / years, capped / years, "{text} became {other}");
                }
            }
            date = date.tomorrow().unwrap();
        }
    }

    #[test]
    fn spellings_agree_and_subjects_decide() {
        let mask = build_with(&[("unit", Value::text("seconds"))]);
        let date = masked(&*mask, "1984-07-09", None);
        assert_eq!(masked(&*mask, "1984-07-09 12:30:00+02", None), format!("{date} 00:00:00+02"));
        assert_eq!(masked(&*mask, "1984/07/09", None), date.replace('-', "/"));
        let seconds = Cell { kind: CellKind::Integer, bytes: b"458220600" };
        let mut out = Vec::new();
        assert_eq!(mask.mask(seconds, &Row::NONE, &mut out), Ok(CellKind::Integer));
        let midnight: i64 = std::str::from_utf8(&out).unwrap().parse().unwrap();
        let (year, month, day) = calendar::date_of(midnight / 86_400);
        assert_eq!((midnight % 86_400, format!("{year}-{month:02}-{day:02}")), (0, date.clone()));
        assert_ne!(masked(&*mask, "1984-07-09", Some("1")), masked(&*mask, "1984-07-09", Some("2")));
        assert_eq!(masked(&*mask, "0000-00-00", None), "0000-00-00");
    }

    #[test]
    fn the_old_are_told_from_nobody() {
        let mask = build_with(&[("as_of", Value::Integer(2030))]);
        for born in 1800..=1940 {
            assert_eq!(&masked(&*mask, &format!("{born}-05-06"), None)[..4], "1940");
        }
        assert_eq!(&masked(&*mask, "1941-05-06", None)[..4], "1941");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let mask = build_with(&[]);
        for wrong in ["soon", "1984-02-30", "84-02-01", "458220600"] {
            assert!(mask.mask(Cell::text(wrong), &Row::NONE, &mut Vec::new()).is_err(), "{wrong}");
        }
        let number = Cell { kind: CellKind::Integer, bytes: b"458220600" };
        assert!(mask.mask(number, &Row::NONE, &mut Vec::new()).is_err());
    }
}
