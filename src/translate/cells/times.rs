//! Dates and times by their spelling: ISO, as every engine prints them.

/// A date and time in parts of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Moment<'a> {
    pub(super) date: &'a [u8],
    /// `hh:mm:ss`, without the fraction.
    pub(super) time: &'a [u8],
    /// Digits of the fraction, without zeros at the end.
    pub(super) fraction: &'a [u8],
    /// What names the zone: empty, `Z`, `+00`.
    pub(super) zone: &'a [u8],
}

/// Whether the text is `YYYY-MM-DD`.
pub(super) fn is_date(text: &[u8]) -> bool {
    shape(text, b"0000-00-00")
}

/// Whether a date has a month and a day: MySQL has dates without.
pub(super) fn is_real_date(date: &[u8]) -> bool {
    is_date(date) && date[..4] != *b"0000" && date[5..7] != *b"00" && date[8..10] != *b"00"
}

/// Whether the text is a time of a day, with a fraction or not.
pub(super) fn is_time(text: &[u8]) -> bool {
    let (clock, fraction) = split_fraction(text);
    shape(clock, b"00:00:00") && fraction.iter().all(u8::is_ascii_digit) && clock[..2] <= b"24"[..]
}

/// Reads `YYYY-MM-DD[ hh:mm[:ss[.f]]][zone]`.
pub(super) fn moment(text: &[u8]) -> Option<Moment<'_>> {
    let (date, rest) = text.split_at_checked(10)?;
    if !is_date(date) {
        return None;
    }
    let Some((b' ' | b'T', clock)) = rest.split_first() else {
        return rest.is_empty().then_some(Moment { date, time: b"00:00:00", fraction: b"", zone: b"" });
    };
    let end = clock.iter().position(|byte| matches!(byte, b'+' | b'-' | b'Z' | b' ')).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(end);
    let (time, fraction) = split_fraction(clock);
    let good = (shape(time, b"00:00:00") || (shape(time, b"00:00") && fraction.is_empty()))
        && fraction.iter().all(u8::is_ascii_digit);
    let used = fraction.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    good.then_some(Moment { date, time, fraction: &fraction[..used], zone })
}

impl Moment<'_> {
    /// Whether the zone is none, or UTC in one of its spellings.
    pub(super) fn is_utc(&self) -> bool {
        matches!(self.zone, b"" | b"Z" | b"+00" | b"+00:00" | b"+0000" | b"-00:00")
    }

    /// Appends the date and time, without a zone.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.date);
        out.push(b' ');
        out.extend_from_slice(self.time);
        if !self.fraction.is_empty() {
            out.push(b'.');
            out.extend_from_slice(self.fraction);
        }
    }
}

/// Leaves of a date and time the day, if nothing is lost by it or `cuts` says so. Other texts stay as they are.
pub(super) fn cut_to_day(text: &mut Vec<u8>, cuts: bool) -> Result<(), &'static str> {
    let Some(read) = moment(text).filter(|_| text.len() > 10) else { return Ok(()) };
    let is_midnight = matches!(read.time, b"00:00:00" | b"00:00") && read.fraction.is_empty();
    if !cuts && !is_midnight {
        return Err("a time of day, which a date does not hold");
    }
    text.truncate(10);
    Ok(())
}

/// Cuts the digits behind the first point in the text from `start` on, but for so many.
pub(super) fn keep_digits(text: &mut Vec<u8>, start: usize, digits: usize) {
    let Some(point) = text[start..].iter().position(|byte| *byte == b'.').map(|at| start + at) else { return };
    let there = text[point + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let from = if digits == 0 { point } else { point + 1 + digits.min(there) };
    text.drain(from..point + 1 + there);
}

fn split_fraction(clock: &[u8]) -> (&[u8], &[u8]) {
    match clock.iter().position(|byte| *byte == b'.') {
        Some(at) => (&clock[..at], &clock[at + 1..]),
        None => (clock, b""),
    }
}

/// Whether the text has the shape, where `0` stands for any digit.
fn shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, like)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_fractions_are_cut() {
        for (text, cuts, expected) in [
            ("2025-01-31 10:20:30", true, Some("2025-01-31")),
            ("2025-01-31 10:20:30", false, None),
            ("2025-01-31 00:00:00.000", false, Some("2025-01-31")),
            ("2025-01-31", false, Some("2025-01-31")),
            ("infinity", true, Some("infinity")),
        ] {
            let mut out = text.as_bytes().to_vec();
            let cut = cut_to_day(&mut out, cuts).ok().map(|()| String::from_utf8(out).unwrap());
            assert_eq!(cut.as_deref(), expected, "{text}");
        }
        for (text, digits, expected) in [
            ("1.2345", 2, "1.23"),
            ("1.2345", 0, "1"),
            ("1.2", 5, "1.2"),
            ("12", 1, "12"),
            ("10:20:30.456+00", 1, "10:20:30.4+00"),
        ] {
            let mut out = text.as_bytes().to_vec();
            keep_digits(&mut out, 0, digits);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn moments_are_read_in_parts() {
        let read = moment(b"2025-01-31T10:20:30.500Z").unwrap();
        assert_eq!((read.time, read.fraction, read.zone), (&b"10:20:30"[..], &b"5"[..], &b"Z"[..]));
        let mut out = Vec::new();
        read.write(&mut out);
        assert_eq!(out, b"2025-01-31 10:20:30.5");
        assert!(read.is_utc() && !moment(b"2025-01-31 10:20:30+02").unwrap().is_utc());
        assert_eq!(moment(b"2025-01-31").unwrap().time, b"00:00:00");
        for bad in ["infinity", "1738317630", "2025-01-31 10", "2025-01-31 10:20:30.x", "0044-03-15 00:00:00 BC!"] {
            assert!(moment(bad.as_bytes()).is_none_or(|read| !read.is_utc()), "{bad}");
        }
        assert!(is_real_date(b"2025-01-31") && !is_real_date(b"0000-00-00") && !is_real_date(b"2025-00-10"));
        assert!(is_time(b"23:59:59.25") && !is_time(b"838:59:59") && !is_time(b"-01:00:00"));
    }
}
