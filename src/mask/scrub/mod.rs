//! What text, JSON, XML and lists have in common: replaces known values and what recognisers find in a text, and single
//! values as a whole.

mod stand_in;

use super::known::{About, Words};
use super::prelude::*;
use super::recognise::{Dates, Hit, Kind, Wanted, WrittenDate, recognise, whole};
use super::{Known, nested};
use regex::Regex;
use std::ops::Range;

/// Replaces what identifies somebody.
pub(super) struct Scrubber {
    wanted: Wanted,
    masks: Vec<(Kind, Box<dyn Mask>)>,
    patterns: Vec<Regex>,
    key: DomainKey,
    filler: Box<dyn Mask>,
}

/// The parameters that every mask with a scrubber takes.
pub(super) const RECOGNISE: Param = Param {
    name: "recognise",
    about: "What is looked for by its shape: email, phone, card, ssn, ip, iban, url, date, mac, uuid.",
    kind: ParamKind::Texts,
    default: "all but uuid",
};
pub(super) const DATES: Param = Param {
    name: "dates",
    about: "`birth`: dates near a word such as born, dob, geb.; `all`: every plausible date.",
    kind: ParamKind::Choice(&["birth", "all"]),
    default: "birth",
};
pub(super) const PATTERNS: Param = Param {
    name: "patterns",
    about: "Regular expressions; letters and digits of what they match are replaced.",
    kind: ParamKind::Texts,
    default: "none",
};

/// A part of a text that is replaced.
struct Part {
    range: Range<usize>,
    /// None for what a pattern of the policy matched.
    kind: Option<Kind>,
}

/// How far a text is written, and where in the output something was replaced.
#[derive(Default)]
struct Done {
    copied: usize,
    /// With the kind of what was recognised.
    written: Vec<(Range<usize>, Option<Kind>)>,
}

impl Scrubber {
    pub(super) fn build(site: &Site, params: &Params) -> Result<Self> {
        let mut kinds = Vec::new();
        for name in params.texts("recognise") {
            let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) else {
                let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                return Err(Error::policy(format!("there is no recogniser '{}'", name.escape_debug()))
                    .hint(format!("Write some of: {}.", names.join(", "))));
            };
            kinds.push(kind);
        }
        let mut wanted = if params.get("recognise").is_some() { Wanted::of(&kinds) } else { Wanted::PERSONAL };
        if params.text("dates") == Some("all") {
            wanted = wanted.with(Dates::All);
        }
        let mut patterns = Vec::new();
        for pattern in params.texts("patterns") {
            let regex = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| {
                Error::policy("a pattern is no regular expression, or too large a one")
                    .hint("Write each as a text in single quotes: patterns = ['CL-\\d{5}'].")
                    .caused_by(error.to_string())
            })?;
            if regex.is_match("") {
                return Err(Error::policy("a pattern matches the empty text, so it would match everywhere")
                    .hint("Write + in place of *, or {1,} in place of {0,}."));
            }
            patterns.push(regex);
        }
        let mut masks = Vec::new();
        for kind in Kind::ALL.into_iter().chain([Kind::Birth]).filter(|kind| wanted.has(*kind)) {
            // A mask that cannot be built for parts of this column leaves its kind to the stand-in.
            let mask = kind.masks().find_map(|mask| nested::build_value(site, &Value::text(mask.name)).ok());
            masks.extend(mask.map(|mask| (kind, mask)));
        }
        let filler = nested::build_value(site, &Value::text("text_replace"))?;
        Ok(Self { wanted, masks, patterns, key: site.ring.domain("text.scrub"), filler })
    }

    /// Appends the text without what identifies somebody. Whether anything was replaced.
    pub(super) fn scrub(&self, text: &str, row: &Row<'_>, out: &mut Vec<u8>) -> bool {
        let parts = self.parts(text);
        let start = out.len();
        let mut done = Done::default();
        if row.known.is_empty() {
            for part in &parts {
                self.replace(part, text, &mut done, row, out);
            }
        } else {
            self.walk(text, &parts, &mut done, row, out);
        }
        out.extend_from_slice(&text.as_bytes()[done.copied..]);
        if done.written.is_empty() {
            return false;
        }
        self.look_again(start, &done.written, row, out);
        true
    }

    /// What was written may make a number together with what stood beside it. Replaces what was not there before.
    fn look_again(&self, start: usize, written: &[(Range<usize>, Option<Kind>)], row: &Row<'_>, out: &mut Vec<u8>) {
        let Ok(text) = std::str::from_utf8(&out[start..]) else {
            return;
        };
        let is_ours = |hit: &Hit| {
            let (from, to) = (start + hit.range.start, start + hit.range.end);
            let at = written.partition_point(|(ours, _)| ours.end <= from);
            let ours = written.get(at).filter(|(ours, _)| ours.start <= from && to <= ours.end);
            ours.is_some_and(|(_, kind)| kind.is_none_or(|kind| kind == hit.kind))
        };
        let new: Vec<Hit> = recognise(text, self.wanted)
            .into_iter()
            .filter(|hit| !hit.kind.is_date() && !is_ours(hit) && !hit.kind.is_reserved(&text[hit.range.clone()]))
            .collect();
        if new.is_empty() {
            return;
        }
        let text = text.to_owned();
        out.truncate(start);
        let mut copied = 0;
        for Hit { kind, range } in new {
            out.extend_from_slice(&text.as_bytes()[copied..range.start]);
            self.recognised(kind, &text[range.clone()], row, out);
            copied = range.end;
        }
        out.extend_from_slice(&text.as_bytes()[copied..]);
    }

    /// Goes through a text word by word: known values first, recognised parts second.
    fn walk(&self, text: &str, parts: &[Part], done: &mut Done, row: &Row<'_>, out: &mut Vec<u8>) {
        let known: &Known = row.known;
        let bytes = text.as_bytes();
        let mut words = Words::new(text);
        let mut about = About::of(row.subject);
        let mut next = 0;
        while let Some(word) = words.next() {
            while let Some(part) = parts.get(next).filter(|part| part.range.end <= word.start) {
                // Nothing but marks, which a pattern may match.
                self.replace(part, text, done, row, out);
                next += 1;
            }
            // Half of an email or a number is never replaced by itself.
            let ahead = &parts[next..];
            let halves = |end: usize| {
                let reached = ahead.iter().take_while(|part| part.range.start < end);
                reached.last().is_some_and(|part| part.range.end > end)
            };
            let part = ahead.first().filter(|part| part.range.start < word.end);
            let mut found = known.longest(text, &word, words);
            if let (Some(_), None, Some(part)) = (found.filter(|found| halves(found.end)), part, ahead.first()) {
                let before = &text[..part.range.start];
                found = known.longest(before, &word, Words::from(before, word.end));
            }
            if found.is_none() && bytes[word.start].is_ascii_digit() {
                found = known.number(text, word.start);
            }
            match (found.filter(|found| !halves(found.end)), part) {
                (Some(found), _) => {
                    out.extend_from_slice(&bytes[done.copied..word.start]);
                    let start = out.len();
                    known.write(&found, &text[word.start..found.end], &mut about, out);
                    done.written.push((start..out.len(), None));
                    done.copied = found.end;
                    next += ahead.iter().take_while(|part| part.range.start < found.end).count();
                }
                (None, Some(part)) => {
                    self.replace(part, text, done, row, out);
                    next += 1;
                }
                (None, None) => continue,
            }
            words.go(done.copied);
        }
        for part in &parts[next..] {
            self.replace(part, text, done, row, out);
        }
    }

    /// What is replaced by its shape, in order and without overlaps: of two that overlap, what begins first.
    fn parts(&self, text: &str) -> Vec<Part> {
        let hits = recognise(text, self.wanted).into_iter();
        let mut parts: Vec<Part> = hits.map(|Hit { kind, range }| Part { range, kind: Some(kind) }).collect();
        if self.patterns.is_empty() {
            return parts;
        }
        for pattern in &self.patterns {
            parts.extend(pattern.find_iter(text).map(|found| Part { range: found.range(), kind: None }));
        }
        parts.sort_by_key(|part| (part.range.start, usize::MAX - part.range.end, part.kind.is_none()));
        let mut end = 0;
        parts.retain(|part| {
            let free = part.range.start >= end;
            end = if free { part.range.end } else { end };
            free
        });
        parts
    }

    /// Copies up to the part and appends what stands for it.
    fn replace(&self, part: &Part, text: &str, done: &mut Done, row: &Row<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&text.as_bytes()[done.copied..part.range.start]);
        done.copied = part.range.end;
        let value = &text[part.range.clone()];
        let start = out.len();
        let known = row.known.write_whole(value, row.subject, out);
        match part.kind {
            _ if known => {}
            Some(kind) => self.recognised(kind, value, row, out),
            None => stand_in::shaped(&self.key, value, out),
        }
        done.written.push((start..out.len(), part.kind.filter(|_| !known)));
    }

    /// Appends what stands for a value of this kind: the same as in a column of its own.
    fn recognised(&self, kind: Kind, value: &str, row: &Row<'_>, out: &mut Vec<u8>) {
        // Not the row's subject: two emails in one note are two people.
        let row = Row { subject: None, masked: None, ..*row };
        let start = out.len();
        if let Some((_, mask)) = self.masks.iter().find(|(masked, _)| *masked == kind) {
            let written = match kind {
                Kind::Date | Kind::Birth => date(&**mask, value, &row, out),
                _ => mask.mask(Cell::text(value), &row, out),
            };
            if matches!(written, Ok(CellKind::Text)) && out.len() > start && out[start..] != *value.as_bytes() {
                return;
            }
            out.truncate(start);
        }
        stand_in::write(&self.key, kind, value, out);
    }

    /// Appends what stands for a value as a whole: its masked form where it is known, a value of its kind where its shape
    /// is, else filler words, or other digits in place of a number.
    pub(super) fn leaf(&self, value: &str, row: &Row<'_>, out: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        let start = out.len();
        if row.known.write_whole(value, row.subject, out) {
            if out[start..] != *value.as_bytes() {
                return Ok(());
            }
            out.truncate(start);
        }
        if let Some(kind) = self.whole(value) {
            self.recognised(kind, value, row, out);
        } else if is_number_like(value) {
            stand_in::shaped(&self.key, value, out);
        } else {
            let row = Row { subject: None, masked: None, ..*row };
            self.filler.mask(Cell::text(value), &row, out)?;
        }
        Ok(())
    }

    /// Appends other digits in place of those of a number, so that it stays one of the same length.
    pub(super) fn digits(&self, number: &str, out: &mut Vec<u8>) {
        stand_in::shaped(&self.key, number, out);
    }

    /// What the whole of a value is; dates included, since there is nothing around it to tell.
    fn whole(&self, value: &str) -> Option<Kind> {
        whole(value, self.wanted.with(Dates::All))
    }

    /// What stands for the name of a member that is itself a value; none where the name is an ordinary one.
    pub(super) fn member(&self, name: &str, row: &Row<'_>, out: &mut Vec<u8>) -> bool {
        let telling = !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if telling && row.known.write_whole(name, row.subject, out) {
            return true;
        }
        let kind = whole(name, self.wanted).filter(|kind| !kind.is_date());
        kind.inspect(|kind| self.recognised(*kind, name, row, out)).is_some()
    }
}

/// Has a mask of dates write another date in the way of `value`.
fn date(mask: &dyn Mask, value: &str, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
    const NO_DATE: Misfit = Misfit("it is no date");
    let written = WrittenDate::read(value).ok_or(NO_DATE)?;
    let (year, month, day) = written.date;
    let start = out.len();
    mask.mask(Cell::text(&format!("{year:04}-{month:02}-{day:02}")), row, out)?;
    let masked = String::from_utf8_lossy(&out[start..]).into_owned();
    out.truncate(start);
    let masked = WrittenDate::read(&masked).ok_or(NO_DATE)?;
    written.write(value, masked.date, out);
    Ok(CellKind::Text)
}

/// Whether a text is digits and a few marks, such as an amount, a time or a code.
fn is_number_like(value: &str) -> bool {
    let value = value.trim();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,:/ %TZ".contains(&byte))
}
