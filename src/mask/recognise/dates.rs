//! Dates as people write them, with the places of their parts, so that another date can be written in the same way.

use super::names::{MONTHS, month};
use super::{Dates, Hit, Kind, joins_before, joins_behind, labels};
use std::ops::Range;

/// A date in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mask) struct Written {
    /// Where it stands.
    pub(in crate::mask) range: Range<usize>,
    /// Year, month and day.
    pub(in crate::mask) date: (u16, u8, u8),
    year: Range<usize>,
    month: Range<usize>,
    day: Range<usize>,
    /// The list of month names, where the month is a word.
    list: Option<usize>,
}

/// The date that begins at the digits at `at`, or whose day they are.
pub(super) fn find(text: &str, at: usize, free: usize, dates: Dates) -> Option<Hit> {
    let written = Written::at(text, at, free)?;
    let (from, to) = (written.range.start, written.range.end);
    let short = written.year.len() < 4 || written.day.start == written.month.end && written.list.is_none();
    if labels::is_birth(text, from, to) {
        return Some(Hit { kind: Kind::Birth, range: written.range });
    }
    (dates == Dates::All && !short).then_some(Hit { kind: Kind::Date, range: written.range })
}

impl Written {
    /// Reads the date that begins at `at`, or whose day stands there behind the name of the month.
    pub(in crate::mask) fn at(text: &str, at: usize, free: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        if at > 0
            && (bytes[at - 1].is_ascii_digit()
                || matches!(bytes[at - 1], b'.' | b'/' | b'-') && at > 1 && bytes[at - 2].is_ascii_digit())
        {
            return None;
        }
        if joins_before(text, at) {
            return None;
        }
        let first = digits(text, at);
        let found = match first.len() {
            4 => Self::iso(text, &first),
            8 => Some(Self::dense(&first)),
            1 | 2 => Self::numeric(text, &first)
                .or_else(|| Self::day_first(text, &first))
                .or_else(|| Self::month_first(text, &first, free)),
            _ => None,
        }?;
        let end = found.range.end;
        let read = |range: &Range<usize>| text.get(range.clone())?.parse::<u16>().ok();
        let mut year = read(&found.year)?;
        if found.year.len() == 2 {
            year += if year > 30 { 1900 } else { 2000 };
        }
        let (mut month_at, mut day_at) = (found.month.clone(), found.day.clone());
        let (mut number, mut day) = match found.list {
            Some(_) => (u16::from(month(&text[found.month.clone()])?.1), read(&day_at)?),
            None => (read(&month_at)?, read(&day_at)?),
        };
        // With slashes the month comes first where it can.
        let slashes = text[day_at.end..].starts_with('/');
        if found.list.is_none() && found.year.start > found.day.start && (number > 12 || slashes && day <= 12) {
            (number, day) = (day, number);
            (month_at, day_at) = (day_at, month_at);
        }
        let (number, day) = (u8::try_from(number).ok()?, u8::try_from(day).ok()?);
        let longest = match number {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let plausible = (1900..=2035).contains(&year) && (1..=12).contains(&number) && (1..=longest).contains(&day);
        let time = text[end..].starts_with('T') && text[end + 1..].starts_with(|c: char| c.is_ascii_digit());
        let behind = bytes.get(end).is_some_and(|byte| matches!(byte, b'-' | b'/' | b'.'))
            && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !plausible || behind || !time && joins_behind(text, end) {
            return None;
        }
        Some(Self { date: (year, number, day), month: month_at, day: day_at, ..found })
    }

    /// Reads a text that is a date.
    pub(in crate::mask) fn read(text: &str) -> Option<Self> {
        Self::at(text, text.find(|c: char| c.is_ascii_digit())?, 0)
    }

    fn of(range: Range<usize>, year: Range<usize>, month: Range<usize>, day: Range<usize>) -> Self {
        Self { range, date: (0, 0, 0), year, month, day, list: None }
    }

    /// `1984-03-12`
    fn iso(text: &str, year: &Range<usize>) -> Option<Self> {
        let separator = *text.as_bytes().get(year.end).filter(|byte| b"-/.".contains(byte))?;
        let month = digits(text, year.end + 1);
        let again = text.as_bytes().get(month.end) == Some(&separator);
        let day = digits(text, month.end + 1);
        let fits = again && (1..=2).contains(&month.len()) && (1..=2).contains(&day.len());
        fits.then(|| Self::of(year.start..day.end, year.clone(), month, day))
    }

    /// `19840312`
    fn dense(all: &Range<usize>) -> Self {
        let (year, month, day) = (all.start..all.start + 4, all.start + 4..all.start + 6, all.start + 6..all.end);
        Self::of(all.clone(), year, month, day)
    }

    /// `12.03.1984`, `12/3/84`
    fn numeric(text: &str, day: &Range<usize>) -> Option<Self> {
        let separator = *text.as_bytes().get(day.end).filter(|byte| b"-/.".contains(byte))?;
        let spaced = usize::from(text[day.end + 1..].starts_with(' ') && separator == b'.');
        let month = digits(text, day.end + 1 + spaced);
        let again = text.as_bytes().get(month.end) == Some(&separator);
        let spaced = usize::from(again && text[month.end + 1..].starts_with(' ') && separator == b'.');
        let year = digits(text, month.end + 1 + spaced);
        let fits = again && (1..=2).contains(&month.len()) && matches!(year.len(), 2 | 4);
        fits.then(|| Self::of(day.start..year.end, year, month, day.clone()))
    }

    /// `12 March 1984`, `12. März 1984`, `12 de marzo de 1984`
    fn day_first(text: &str, day: &Range<usize>) -> Option<Self> {
        let mut at = day.end;
        for suffix in ["st", "nd", "rd", "th", ".", "er", "º"] {
            at += if text[at..].starts_with(suffix) { suffix.len() } else { 0 };
        }
        at = skip(text, at)?;
        at += if ["de ", "of "].iter().any(|of| text[at..].starts_with(of)) { 3 } else { 0 };
        let name = word(text, at);
        let (list, _) = month(&text[name.clone()])?;
        at = name.end + usize::from(text[name.end..].starts_with(['.', ',']));
        at = skip(text, at)?;
        at = if text[at..].starts_with("de ") { at + 3 } else { at };
        let year = digits(text, at);
        (year.len() == 4).then(|| Self { list: Some(list), ..Self::of(day.start..year.end, year, name, day.clone()) })
    }

    /// `March 12, 1984`
    fn month_first(text: &str, day: &Range<usize>, free: usize) -> Option<Self> {
        let before = text.get(free..day.start)?.strip_suffix(' ')?;
        let before = before.strip_suffix('.').unwrap_or(before);
        let letters = before.chars().rev().take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum::<usize>();
        let name = free + before.len() - letters..free + before.len();
        let (list, _) = month(&text[name.clone()])?;
        let mut at = day.end;
        for suffix in ["st", "nd", "rd", "th", ","] {
            at += if text[at..].starts_with(suffix) { suffix.len() } else { 0 };
        }
        at = skip(text, at)?;
        let year = digits(text, at);
        (year.len() == 4).then(|| Self { list: Some(list), ..Self::of(name.start..year.end, year, name, day.clone()) })
    }

    /// Appends another date in the same way.
    pub(in crate::mask) fn write(&self, text: &str, (year, number, day): (u16, u8, u8), out: &mut Vec<u8>) {
        let mut parts = [(&self.year, format!("{year:04}")), (&self.month, String::new()), (&self.day, String::new())];
        if self.year.len() == 2 {
            parts[0].1.drain(..2);
        }
        parts[1].1 = match self.list {
            Some(list) => cased(&text[self.month.clone()], MONTHS[list][usize::from(number.clamp(1, 12)) - 1]),
            None => padded(number, self.month.len()),
        };
        parts[2].1 = padded(day, self.day.len());
        parts.sort_by_key(|(range, _)| range.start);
        let mut copied = self.range.start;
        for (range, part) in parts {
            out.extend_from_slice(&text.as_bytes()[copied..range.start]);
            out.extend_from_slice(part.as_bytes());
            copied = range.end;
        }
        out.extend_from_slice(&text.as_bytes()[copied..self.range.end]);
    }
}

fn padded(number: u8, width: usize) -> String {
    if width == 2 { format!("{number:02}") } else { number.to_string() }
}

fn cased(original: &str, name: &str) -> String {
    let mut chars = original.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_uppercase() => name.to_uppercase(),
        (Some(first), _) if first.is_uppercase() => {
            let mut rest = name.chars();
            rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
        }
        _ => name.to_owned(),
    }
}

fn digits(text: &str, at: usize) -> Range<usize> {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at..at + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn word(text: &str, at: usize) -> Range<usize> {
    at..at + text[at..].chars().take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum::<usize>()
}

/// Behind one space or dash.
fn skip(text: &str, at: usize) -> Option<usize> {
    text[at..].starts_with([' ', '-']).then_some(at + 1)
}
