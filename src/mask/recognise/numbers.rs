//! Numbers in groups: phones, cards, social security numbers, accounts.

use super::{Hit, Kind, Wanted, dates, hit, joins_before, joins_behind, labels, net};

/// The most groups that are looked at.
const GROUPS: usize = 8;

/// Digits in groups, with one or two marks between.
struct Groups {
    /// Where each group begins and ends.
    ends: [(usize, usize); GROUPS],
    count: usize,
}

impl Groups {
    fn read(bytes: &[u8], start: usize) -> Self {
        let mut groups = Self { ends: [(0, 0); GROUPS], count: 0 };
        let mut at = start;
        while groups.count < GROUPS {
            let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            groups.ends[groups.count] = (at, end);
            groups.count += 1;
            let gap = gap(&bytes[end..]);
            if gap == 0 || !bytes.get(end + gap).is_some_and(u8::is_ascii_digit) {
                break;
            }
            at = end + gap;
        }
        groups
    }

    fn lengths(&self, most: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        self.ends[..self.count.min(most)].iter().map(|(start, end)| end - start)
    }

    /// The digits of the first groups.
    fn digits<'a>(&'a self, bytes: &'a [u8], groups: usize) -> impl Iterator<Item = u8> + Clone + 'a {
        self.ends[..groups].iter().flat_map(|(start, end)| bytes[*start..*end].iter().copied())
    }
}

/// Bytes of the marks between two groups; 0 where there is something else.
fn gap(bytes: &[u8]) -> usize {
    match bytes {
        [b' ' | b'-' | b'.' | b'/' | b')', b'0'..=b'9', ..] => 1,
        [b')' | b' ' | b'.' | b'-', b' ' | b'(' | b'-', b'0'..=b'9', ..] | [0xC2, 0xA0, b'0'..=b'9', ..] => 2,
        // Narrow no-break space, non-breaking hyphen, en dash.
        [0xE2, 0x80, 0xAF | 0x91 | 0x93, b'0'..=b'9', ..] => 3,
        _ => 0,
    }
}

/// What the digits at `start` begin, and where to go on.
pub(super) fn at(text: &str, start: usize, free: usize, wanted: Wanted) -> (Option<Hit>, usize) {
    let bytes = text.as_bytes();
    let end = start + bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if wanted.has(Kind::Uuid)
        && let Some(hit) = net::uuid(text, start, free)
    {
        return (Some(hit), end);
    }
    if wanted.has(Kind::Iban)
        && let Some(hit) = iban(text, start, free)
    {
        return (Some(hit), end);
    }
    let before = start.checked_sub(1).map(|at| bytes[at]);
    // Part of a word, a code or a decimal number.
    if joins_before(text, start) || before == Some(b'@') {
        return (None, end);
    }
    if end - start <= 3
        && bytes.get(end) == Some(&b'.')
        && let Some(hit) = net::ipv4(text, start)
    {
        return (Some(hit), end);
    }
    if wanted.has(Kind::Date)
        && let Some(hit) = dates::find(text, start, free, wanted.dates)
    {
        return (Some(hit), end);
    }
    if let Some(date) = dates::Written::at(text, start, free) {
        // Not a date that is wanted, and nothing else either; but eight digits may be a number all the same.
        if end - start < 8 {
            return (None, date.range.end);
        }
    }
    let groups = Groups::read(bytes, start);
    let found = card(text, &groups).filter(|_| wanted.has(Kind::Card));
    let found = found.or_else(|| ssn(text, &groups).filter(|_| wanted.has(Kind::Ssn)));
    let found = found.or_else(|| phone(text, &groups, free).filter(|_| wanted.has(Kind::Phone)));
    (found, end)
}

/// Whether a number stands by itself between these places.
fn apart(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let marked = matches!(before, Some(b'-' | b'.' | b',' | b'/' | b'+' | b'#' | b':'))
        && (matches!(before, Some(b'#' | b'+'))
            || start > 1 && bytes[start - 2].is_ascii_alphanumeric() && before != Some(b':'));
    !marked && !joins_before(text, start) && ends(text, end)
}

/// Whether a number may end here.
fn ends(text: &str, end: usize) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let more = matches!(bytes.get(end), Some(b'.' | b',' | b'-' | b'/')) && digit(end + 1);
    let more = more
        || bytes.get(end) == Some(&b':')
            && bytes.get(end + 1).is_some_and(|next| next.is_ascii_hexdigit() || *next == b':');
    !more && !joins_behind(text, end) && !matches!(bytes.get(end), Some(b'@' | b'%'))
}

fn card(text: &str, groups: &Groups) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = groups.ends[0].0;
    let mut total = 0;
    let mut found = None;
    for (at, length) in groups.lengths(GROUPS).enumerate() {
        total += length;
        let between = |at: usize| &bytes[groups.ends[at - 1].1..groups.ends[at].0];
        if total > 19 || at > 0 && (!matches!(between(at), b" " | b"-") || between(at) != between(1)) {
            break;
        }
        if total >= 13
            && is_grouped(groups.lengths(at + 1))
            && is_card(groups.digits(bytes, at + 1))
            && ends(text, groups.ends[at].1)
        {
            found = Some(groups.ends[at].1);
        }
    }
    let end = found?;
    hit(apart(text, start, end), Kind::Card, start..end)
}

/// Whether digits are grouped as on a card, or not at all.
fn is_grouped(mut lengths: impl Iterator<Item = usize> + Clone) -> bool {
    let groups: usize = lengths.clone().count();
    groups == 1
        || lengths.clone().eq([4, 6, 5])
        || lengths.clone().eq([4, 6, 4])
        || groups >= 4
            && lengths.clone().take(groups - 1).all(|length| length == 4)
            && lengths.all(|length| length <= 4)
}

/// Whether these are the digits of a payment card: a known issuer, its length and a valid check digit.
pub(super) fn is_card(digits: impl Iterator<Item = u8> + Clone) -> bool {
    let count = digits.clone().count();
    let first = |many: usize| digits.clone().take(many).fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let issued = match first(1) {
        4 => matches!(count, 13 | 16 | 19),
        2 => (2221..=2720).contains(&first(4)) && count == 16,
        5 => (51..=55).contains(&first(2)) && count == 16,
        3 => match first(2) {
            34 | 37 => count == 15,
            35 => (3528..=3589).contains(&first(4)) && (16..=19).contains(&count),
            36 | 38 | 39 => (14..=19).contains(&count),
            30 => first(3) <= 305 && (14..=19).contains(&count),
            _ => false,
        },
        6 => (first(4) == 6011 || matches!(first(2), 62 | 65) || (644..=649).contains(&first(3))) && count >= 16,
        _ => false,
    };
    issued && (13..=19).contains(&count) && luhn(digits) == 0
}

/// What is missing to a valid check digit; 0 for a valid number.
pub(in crate::mask) fn luhn(digits: impl Iterator<Item = u8> + Clone) -> u8 {
    let count = digits.clone().count();
    let sum: u32 = digits
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            let twice = (count - at).is_multiple_of(2);
            if !twice {
                digit
            } else if digit > 4 {
                digit * 2 - 9
            } else {
                digit * 2
            }
        })
        .sum();
    u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}

fn ssn(text: &str, groups: &Groups) -> Option<Hit> {
    let bytes = text.as_bytes();
    let (start, first) = groups.ends[0];
    if first - start == 9 {
        let told = apart(text, start, first) && labels::is_ssn(text, start);
        return hit(told, Kind::Ssn, start..first);
    }
    if groups.count < 3 || !groups.lengths(3).eq([3, 2, 4]) {
        return None;
    }
    let end = groups.ends[2].1;
    let between = |at: usize| &bytes[groups.ends[at - 1].1..groups.ends[at].0];
    let dashed = between(1) == b"-" && between(2) == b"-";
    let more = groups.count > 3 || start > 1 && bytes[start - 1] == b' ' && bytes[start - 2].is_ascii_digit();
    let spaced = matches!(between(1), b" " | b".") && between(1) == between(2) && !more;
    let issued = !super::reserved::ssn(&text[start..end]);
    let told = dashed
        || spaced && (issued && between(1) == b" " && !labels::is_other(text, start) || labels::is_ssn(text, start));
    hit(told && apart(text, start, end), Kind::Ssn, start..end)
}

fn phone(text: &str, groups: &Groups, free: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let first = groups.ends[0].0;
    let mut start = first;
    if start > free && bytes[start - 1] == b'(' {
        start -= 1;
    }
    let bracketed = start < first;
    let plus = start > free && bytes[start - 1] == b'+';
    start -= usize::from(plus);
    // An opened bracket belongs to the number only if it is closed inside.
    let closed = bytes[first..].iter().take(8).any(|byte| *byte == b')');
    if bracketed && !closed {
        start = first;
    }
    let announced = labels::is_phone(text, start);
    let goes_on = start > 1 && bytes[start - 2].is_ascii_digit() && b" -./".contains(&bytes[start - 1]);
    // The address of a machine behind a number is no part of it.
    let address = |at: &usize| net::ipv4(text, groups.ends[*at].0).is_some();
    let most = (1..groups.count).find(address).unwrap_or(groups.count);
    // The longest row of groups that is a number.
    let mut found = None;
    for count in (1..=most).rev() {
        let end = groups.ends[count - 1].1;
        let shape = Shape { plus, bracketed: bracketed && closed, announced, goes_on };
        let digits = groups.digits(bytes, count);
        if ends(text, end) && shape.is_number(&digits, &groups.lengths(count), &bytes[first..end]) {
            found = Some(end);
            break;
        }
    }
    let end = found?;
    let plain = start.checked_sub(1).map(|at| bytes[at]);
    let marked = matches!(plain, Some(b'-' | b'.' | b',' | b'/' | b'#' | b'+' | b'$' | b'_'))
        || plain.is_some_and(|byte| byte == b':' || byte == b'=') && start > 1 && bytes[start - 2].is_ascii_digit();
    if marked || joins_before(text, start) || !plus && !announced && labels::is_other(text, start) {
        return None;
    }
    hit(true, Kind::Phone, start..end + extension(text, end))
}

/// How a number is written.
#[expect(clippy::struct_excessive_bools, reason = "what stands around a number, each by itself")]
struct Shape {
    plus: bool,
    bracketed: bool,
    announced: bool,
    /// Whether other digits stand right before it.
    goes_on: bool,
}

impl Shape {
    fn is_number(
        &self,
        digits: &(impl Iterator<Item = u8> + Clone),
        lengths: &(impl Iterator<Item = usize> + Clone),
        written: &[u8],
    ) -> bool {
        let count = digits.clone().count();
        let groups = lengths.clone().count();
        let at = |place: usize| digits.clone().nth(place).unwrap_or(0);
        if self.plus {
            return (7..=15).contains(&count) && at(0) != b'0' || at(0) == b'0' && (10..=18).contains(&count);
        }
        if self.announced {
            return (7..=15).contains(&count);
        }
        if groups == 1 {
            return false;
        }
        let american = |skip: usize| at(skip) >= b'2' && at(skip + 3) >= b'2';
        // A full stop between groups of three digits is a thousand, a slash a fraction.
        let stops = written.contains(&b'.') && lengths.clone().all(|length| length == 3);
        if lengths.clone().eq([3, 3, 4]) && american(0)
            || lengths.clone().eq([1, 3, 3, 4]) && at(0) == b'1' && american(1)
        {
            return true;
        }
        match (at(0), at(1)) {
            _ if stops || self.goes_on => false,
            (b'0', b'0') => at(2) != b'0' && (10..=17).contains(&count),
            (b'0', _) => (9..=11).contains(&count) && groups <= 6,
            // Mobile phones of China.
            (b'1', b'3'..=b'9') => lengths.clone().eq([3, 4, 4]),
            _ => self.bracketed && (8..=12).contains(&count),
        }
    }
}

/// Bytes of ` x221` or ` ext. 221`.
fn extension(text: &str, at: usize) -> usize {
    let rest = &text.as_bytes()[at..];
    let spaces = rest.iter().take(1).filter(|byte| **byte == b' ').count();
    let rest = &rest[spaces..];
    let mark = [&b"ext. "[..], b"ext.", b"ext ", b"ext", b"x", b"#"].into_iter().find(|mark| rest.starts_with(mark));
    let Some(mark) = mark.map(<[u8]>::len) else {
        return 0;
    };
    let digits = rest[mark..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length = spaces + mark + digits;
    if (1..=6).contains(&digits) && !joins_behind(text, at + length) { length } else { 0 }
}

/// Letters and digits of an account number by country.
const IBANS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 \
FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 \
MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 \
ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// The account number whose check digits are at `at`.
fn iban(text: &str, at: usize, free: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = at.checked_sub(2).filter(|start| *start >= free)?;
    let country = bytes.get(start..at)?;
    if !country.iter().all(u8::is_ascii_alphabetic)
        || !bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
        || joins_before(text, start)
    {
        return None;
    }
    let country = std::str::from_utf8(country).ok()?.to_ascii_uppercase();
    let place = IBANS.split(' ').find(|entry| entry.starts_with(country.as_str()))?;
    let length: usize = place[2..].parse().ok()?;
    let (mut end, mut count) = (start, 0);
    while count < length {
        match bytes.get(end) {
            Some(byte) if byte.is_ascii_alphanumeric() => count += 1,
            Some(b' ' | b'-') if count > 0 && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) => {}
            _ => return None,
        }
        end += 1;
    }
    hit(!joins_behind(text, end) && is_iban(&text[start..end]), Kind::Iban, start..end)
}

/// Whether the checksum of an account number is valid (ISO 7064, mod 97-10).
pub(in crate::mask) fn is_iban(text: &str) -> bool {
    let plain = || text.bytes().filter(u8::is_ascii_alphanumeric);
    let turned = plain().skip(4).chain(plain().take(4));
    let rest = turned.fold(0_u32, |rest, byte| {
        let value = char::from(byte).to_digit(36).unwrap_or(0);
        (if value > 9 { rest * 100 } else { rest * 10 } + value) % 97
    });
    rest == 1
}
