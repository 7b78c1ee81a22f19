//! `date_shift`: dates moved by a secret number of days, the same for the whole domain or for one subject, so that
//! distances between dates stay.

use super::calendar::{self, Date};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "date_shift",
    about: "Moves dates by a secret number of whole days, never zero; the time of day, zero dates, infinity, 0001-01-01 and 9999-12-31 stay.",
    version: 1,
    params: &[
        Param {
            name: "max_days",
            about: "The farthest move into past or future.",
            kind: ParamKind::Integer(1, 36_500),
            default: "365",
        },
        Param {
            name: "weeks",
            about: "Whether to move by whole weeks, so that days of the week stay.",
            kind: ParamKind::Bool,
            default: "true",
        },
        calendar::UNIT,
    ],
    accepts: &[Family::Date, Family::Timestamp, Family::Text, Family::Integer, Family::Numeric],
    // A move is a permutation, and a subject's move is refused on unique columns by the policy.
    unique: Uniqueness::Exact,
    determinism: Determinism::Domain,
    strength: Strength::Partial,
    keeps_original: false,
    takes_empty: false,
    takes_subject: true,
    domain: "time.date",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain("2024-02-29 13:45:00+00"),
        Example { params: || vec![("unit", Value::text("seconds"))], cell: "1709214300" },
    ],
    sample: |number| format!("{}-{:02}-{:02}", 1950 + number / 336 % 75, number / 28 % 12 + 1, number % 28 + 1),
    ..Definition::BASE
};

struct DateShift {
    key: DomainKey,
    /// Days in one step: 7 or 1.
    step: i64,
    /// Steps into each direction.
    steps: i64,
    /// The domain's shift in days.
    shift: i64,
    /// Units per day, where a number counts time.
    per_day: Option<i64>,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let max = i64::try_from(params.size("max_days").unwrap_or(365)).unwrap_or(365);
    let step = if params.flag("weeks").unwrap_or(true) { 7 } else { 1 };
    if max < step {
        return Err(Error::policy("max_days is less than a week").hint("Add weeks = false to move by single days."));
    }
    let per_day = calendar::per_day(&DEFINITION, site, params.text("unit"))?;
    let mut mask = DateShift { key: site.key.clone(), step, steps: max / step, shift: 0, per_day };
    mask.shift = mask.days(site.key.prf(Role::Shift, &[]).word(0));
    Ok(Box::new(mask))
}

impl DateShift {
    /// A shift in days from a random word, never zero.
    fn days(&self, word: u64) -> i64 {
        let choices = usize::try_from(self.steps * 2).unwrap_or(2);
        let choice = i64::try_from(scale(word, choices)).unwrap_or(0);
        self.step * if choice < self.steps { choice - self.steps } else { choice - self.steps + 1 }
    }
}

impl Mask for DateShift {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let shift = if row.subject.is_some_and(|subject| !subject.bytes.is_empty()) {
            let ask = Ask { role: Role::Shift, form: Form::Exact, value: b"", subject: row.subject };
            self.days(self.key.draw(&ask, 0, out).word(0))
        } else {
            self.shift
        };
        match cell.kind {
            CellKind::Text => self.shift_text(cell.bytes, shift, out)?,
            CellKind::Integer => self.shift_number(cell.bytes, shift, out)?,
            CellKind::Real => {
                return Err(Misfit("the cell is a fractional number; Julian days are not supported"));
            }
            CellKind::Null | CellKind::Blob => return Err(Misfit("the cell is no date")),
        }
        Ok(cell.kind)
    }
}

impl DateShift {
    fn shift_number(&self, value: &[u8], shift: i64, out: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        let per_day = self.per_day.ok_or(Misfit("the cell is a number, and the mask has no unit"))?;
        let number = calendar::whole(value)?;
        let moved = shift.checked_mul(per_day).and_then(|shift| number.checked_add(shift));
        let moved = moved.ok_or(Misfit("the date is out of range"))?;
        calendar::append(out, format_args!("{moved}"))
    }

    fn shift_text(&self, value: &[u8], shift: i64, out: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        if self.per_day.is_some() && value.iter().all(u8::is_ascii_digit) {
            return self.shift_number(value, shift, out);
        }
        let Some(date) = Date::read(value)? else {
            out.extend_from_slice(value);
            return Ok(());
        };
        date.write(date.days + shift, out)?;
        out.extend_from_slice(date.time);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(given: &[(&str, Value)]) -> Params {
        Params::new(&DEFINITION, given.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).unwrap()
    }

    fn mask(params: &Params, cell: Cell<'_>, subject: Option<&str>) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        build(&Site::for_tests("date"), params).unwrap().mask(cell, &Row::of(subject.map(Cell::text)), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn parse(text: &str) -> jiff::civil::Date {
        text.parse().unwrap()
    }

    #[test]
    fn distances_weekdays_and_times_stay() {
        let masked = |text| mask(&Params::default(), Cell::text(text), None).unwrap();
        let (a, b) = (masked("2024-02-29"), masked("2024-03-07T23:59:59.999Z"));
        assert_eq!(&b[10..], "T23:59:59.999Z");
        let (a, b) = (parse(&a), parse(&b[..10]));
        assert_eq!(a.until(b).unwrap().get_days(), 7);
        assert_eq!(a.weekday(), parse("2024-02-29").weekday());
        assert_ne!(a, parse("2024-02-29"));
        assert_eq!(masked("2024/02/29"), a.to_string().replace('-', "/"));
    }

    #[test]
    fn shifts_stay_within_bounds_and_are_never_zero() {
        for (weeks, max) in [(true, 365), (false, 365), (false, 1), (true, 7)] {
            let params = params(&[("weeks", Value::Bool(weeks)), ("max_days", Value::Integer(max))]);
            let mut seen = std::collections::BTreeSet::new();
            for subject in 0..2000 {
                let masked = mask(&params, Cell::text("2000-01-01"), Some(&subject.to_string())).unwrap();
                let shift = i64::from(parse("2000-01-01").until(parse(&masked)).unwrap().get_days());
                assert!(shift != 0 && shift.abs() <= max && (!weeks || shift % 7 == 0), "{shift}");
                seen.insert(shift);
            }
            let choices = if weeks { max / 7 * 2 } else { max * 2 };
            let seen = i64::try_from(seen.len()).unwrap();
            assert!(seen > choices * 9 / 10 - 1, "{seen} of {choices}");
        }
    }

    #[test]
    fn what_has_no_date_stays_or_is_refused() {
        for same in ["infinity", "-infinity", "0000-00-00", "0000-00-00 00:00:00", "9999-12-31 23:59:59"] {
            assert_eq!(mask(&Params::default(), Cell::text(same), None).unwrap(), same);
        }
        for wrong in
            ["soon", "2024-02-30", "2024-13-01", "2024-02-29 Ann Lee", "29.02.2024", "2024-00-00", "9999-12-31x"]
        {
            assert!(mask(&Params::default(), Cell::text(wrong), None).is_err(), "{wrong}");
        }
        assert!(mask(&Params::default(), Cell { kind: CellKind::Real, bytes: b"2460370.5" }, None).is_err());
    }

    #[test]
    fn numbers_need_a_unit() {
        let cell = Cell { kind: CellKind::Integer, bytes: b"1709164800" };
        assert!(mask(&Params::default(), cell, None).is_err());
        let seconds = mask(&params(&[("unit", Value::Text("seconds".into()))]), cell, None).unwrap();
        let shift = seconds.parse::<i64>().unwrap() - 1_709_164_800;
        assert!(shift != 0 && shift % (7 * 86_400) == 0);
        let whole = Site { family: Family::Integer, ..Site::for_tests("date") };
        assert!(build(&whole, &Params::default()).is_err());
    }
}
