//! Recognises what identifies somebody by its shape: emails, phone numbers, cards, identity numbers, network addresses,
//! accounts, links, dates of birth. One pass over the text; a shape is looked at where a digit, `@`, `:` or `www` stands.
//! False alarms cost more than they seem to (an order number becomes a phone number), so what has no check digit has to be
//! written the way such numbers are written, or to stand behind a word that says what it is.

mod dates;
mod labels;
mod names;
mod net;
mod numbers;
pub mod reserved;
#[cfg(test)]
mod tests;

pub(super) use dates::Written as WrittenDate;
pub(super) use numbers::luhn;

use super::known::is_unspaced;
use std::ops::Range;

/// What a part of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// A payment card number with a valid check digit.
    Card,
    /// A social security number.
    Ssn,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An account number with a valid checksum.
    Iban,
    /// A link.
    Url,
    /// A date that nothing is said about.
    Date,
    /// A network card's address.
    Mac,
    /// A UUID.
    Uuid,
    /// A date of birth.
    Birth,
}

impl Kind {
    /// Every kind; a date of birth is a date that something is said about.
    pub const ALL: [Self; 10] = [
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::Ssn,
        Self::Ip,
        Self::Iban,
        Self::Url,
        Self::Date,
        Self::Mac,
        Self::Uuid,
    ];

    /// Its name in the policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Ssn => "ssn",
            Self::Ip => "ip",
            Self::Iban => "iban",
            Self::Url => "url",
            Self::Date | Self::Birth => "date",
            Self::Mac => "mac",
            Self::Uuid => "uuid",
        }
    }

    /// Whether it is a date.
    #[must_use]
    pub fn is_date(self) -> bool {
        matches!(self, Self::Date | Self::Birth)
    }

    fn bit(self) -> u16 {
        1 << (if self == Self::Birth { Self::Date } else { self } as u8)
    }
}

/// Which dates are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// Dates near a word that speaks of birth.
    #[default]
    Birth,
    /// Every plausible date.
    All,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    kinds: u16,
    dates: Dates,
}

impl Wanted {
    /// Everything that identifies a person: all kinds but UUIDs, which identify rows.
    pub const PERSONAL: Self = Self { kinds: 0x1FF, dates: Dates::Birth };

    /// Some kinds.
    #[must_use]
    pub fn of(kinds: &[Kind]) -> Self {
        Self { kinds: kinds.iter().fold(0, |bits, kind| bits | kind.bit()), dates: Dates::Birth }
    }

    /// The same kinds, with these dates.
    #[must_use]
    pub fn with(self, dates: Dates) -> Self {
        Self { dates, ..self }
    }

    /// Whether a kind is looked for.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        self.kinds & kind.bit() != 0
    }
}

/// Something recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub range: Range<usize>,
}

/// Bytes where a shape may be looked at.
const TRIGGERS: [u8; 256] = {
    let mut triggers = [0; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        triggers[digit as usize] = 1;
        digit += 1;
    }
    triggers[b'@' as usize] = 2;
    triggers[b':' as usize] = 3;
    triggers[b'w' as usize] = 4;
    triggers[b'W' as usize] = 4;
    triggers[b'-' as usize] = 5;
    triggers
};

/// Everything in `text` that is wanted, in order and without overlaps.
#[must_use]
pub fn recognise(text: &str, wanted: Wanted) -> Vec<Hit> {
    let bytes = text.as_bytes();
    let mut hits: Vec<Hit> = Vec::new();
    let (mut at, mut free) = (0, 0);
    while let Some(step) = bytes[at..].iter().position(|byte| TRIGGERS[usize::from(*byte)] != 0) {
        at += step;
        let (found, next) = match TRIGGERS[usize::from(bytes[at])] {
            1 => {
                let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let (found, past) = numbers::at(text, at, free, wanted);
                (found, past.max(end))
            }
            2 => (net::email(text, at, free), at + 1),
            3 if bytes[at..].starts_with(b"://") => (net::url(text, at, free), at + 3),
            3 => (net::colons(text, at, free), at + 1),
            4 => (net::www(text, at), at + 1),
            _ => (net::dashed_mac(text, at, free), at + 1),
        };
        at = next;
        if let Some(hit) = found.filter(|hit| wanted.has(hit.kind)) {
            at = hit.range.end.max(at);
            free = hit.range.end;
            hits.push(hit);
        }
    }
    hits
}

/// What the whole of `text` is, but for space around it.
#[must_use]
pub fn whole(text: &str, wanted: Wanted) -> Option<Kind> {
    let bare = text.trim();
    // Numbers and addresses are short; a longer text is prose, or a link.
    let hits = if bare.len() <= 2048 { recognise(bare, wanted) } else { Vec::new() };
    hits.first().filter(|hit| hit.range == (0..bare.len())).map(|hit| hit.kind)
}

/// Whether the character before `at` belongs to the same word.
fn joins_before(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_some_and(is_joined)
}

/// Whether a character is part of a word, in a script that has words.
fn is_joined(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !is_unspaced(c)
}

/// Whether the character at `at` belongs to the same word.
fn joins_behind(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_some_and(is_joined)
}

/// Something recognised, if it is.
fn hit(is_so: bool, kind: Kind, range: Range<usize>) -> Option<Hit> {
    is_so.then_some(Hit { kind, range })
}
