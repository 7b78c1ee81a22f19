//! What stands for a recognised value where its own mask is not there or refuses: nobody's, and of the same kind.

use super::super::recognise::{Kind, WrittenDate, luhn};
use super::super::token;
use crate::mask::canonical::Form;
use crate::mask::key::{Ask, DomainKey, Draw, Role};

/// Appends a value of that kind that is nobody's.
pub(super) fn write(key: &DomainKey, kind: Kind, value: &str, out: &mut Vec<u8>) {
    until_other(key, value, out, |draw, out| match kind {
        Kind::Email => {
            token::base32(&draw.bytes()[..token::TAG], out);
            out.extend_from_slice(b"@example.com");
        }
        Kind::Url => {
            let scheme = value.find("://").map_or(0, |at| at + 3);
            out.extend_from_slice(&value.as_bytes()[..scheme]);
            out.extend_from_slice(if scheme == 0 { b"www.example.com/" } else { b"example.com/" });
            token::base32(&draw.bytes()[..token::TAG], out);
        }
        Kind::Card => pour(value, card(value, draw), out),
        Kind::Ssn => pour(value, [9].into_iter().chain(draw.digits()), out),
        Kind::Phone => pour(value, [0, 0, 8, 3].into_iter().chain(draw.digits()), out),
        // Check digits are never 00.
        Kind::Iban => {
            let tail = shape(&value[4.min(value.len())..], draw);
            out.extend(value.bytes().take(2).chain(*b"00").chain(tail));
        }
        Kind::Ip if value.contains(':') => {
            let part = |at: usize| (draw.word(0) >> (at * 16)) & 0xFFFF;
            let text = format!("2001:db8:{:x}:{:x}::{:x}", part(0), part(1), part(2));
            out.extend_from_slice(text.as_bytes());
        }
        Kind::Ip => {
            let net = ["192.0.2", "198.51.100", "203.0.113"][draw.index(0, 3)];
            let host = 1 + draw.index(1, 254);
            out.extend_from_slice(format!("{net}.{host}").as_bytes());
        }
        Kind::Mac => {
            let separator = value.chars().nth(2).unwrap_or(':');
            let last = draw.bytes()[0];
            out.extend_from_slice(format!("00-00-5E-00-53-{last:02X}").replace('-', &separator.to_string()).as_bytes());
        }
        Kind::Uuid => out.extend(shape(value, draw)),
        Kind::Date | Kind::Birth => {
            let date = (1970, 1 + draw.bytes()[0] % 12, 1 + draw.bytes()[1] % 28);
            match WrittenDate::read(value) {
                Some(written) => written.write(value, date, out),
                None => out.extend_from_slice(b"1970-01-01"),
            }
        }
    });
}

/// Appends a text of the same shape: letters for letters, digits for digits, everything else as it is.
pub(super) fn shaped(key: &DomainKey, value: &str, out: &mut Vec<u8>) {
    until_other(key, value, out, |draw, out| out.extend(shape(value, draw)));
}

fn until_other(key: &DomainKey, value: &str, out: &mut Vec<u8>, write: impl Fn(&Draw, &mut Vec<u8>)) {
    let start = out.len();
    let ask = Ask { role: Role::Choice, form: Form::Exact, value: value.as_bytes(), subject: None };
    for attempt in 0..=u8::MAX {
        let draw = key.draw(&ask, attempt, out);
        write(&draw, out);
        if out[start..] != *value.as_bytes() {
            return;
        }
        out.truncate(start);
    }
    // Marks alone have no other form; they say nothing.
    out.push(b'-');
}

/// Digits of a card that payment companies publish for tests, with a valid check digit.
fn card(value: &str, draw: &Draw) -> impl Iterator<Item = u8> + use<> {
    let count = value.bytes().filter(u8::is_ascii_digit).count();
    let issuer = match count {
        15 => [3, 7, 8, 2, 8, 2],
        14 => [3, 0, 5, 6, 9, 3],
        _ => [4, 0, 0, 0, 0, 0],
    };
    let mut digits: Vec<u8> = issuer.into_iter().chain(draw.digits()).take(count.saturating_sub(1)).collect();
    digits.push(0);
    let check = luhn(digits.iter().map(|digit| digit + b'0'));
    if let Some(last) = digits.last_mut() {
        *last = check;
    }
    digits.into_iter()
}

/// Appends `value` with other digits.
fn pour(value: &str, mut digits: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    out.extend(
        value.bytes().map(
            |byte| {
                if byte.is_ascii_digit() { digits.next().map_or(b'0', |digit| digit + b'0') } else { byte }
            },
        ),
    );
}

/// The bytes of a text with other letters and digits. A number does not begin with 0 unless it did before.
fn shape(value: &str, draw: &Draw) -> Vec<u8> {
    let mut words = blake3::Hasher::new().update(draw.bytes()).finalize_xof();
    let mut next = || {
        let mut byte = [0; 2];
        words.fill(&mut byte);
        usize::from(u16::from_le_bytes(byte))
    };
    let mut shaped = Vec::with_capacity(value.len());
    let hex = value.len() == 36 && value.bytes().filter(|byte| *byte == b'-').count() == 4;
    let mut begun = false;
    for c in value.chars() {
        let of = |letters: &[u8], drawn: usize| letters[drawn % letters.len()];
        let byte = match c {
            '0'..='9' | 'a'..='f' if hex => of(b"0123456789abcdef", next()),
            '1'..='9' if !begun => of(b"123456789", next()),
            '0'..='9' => of(b"0123456789", next()),
            'T' | 'Z' if begun && value.bytes().all(|byte| !byte.is_ascii_lowercase()) && value.contains(':') => {
                b'T' + if c == 'Z' { 6 } else { 0 }
            }
            c if c.is_uppercase() => of(b"ABCDEFGHJKLMNPQRSTUVWXYZ", next()),
            c if c.is_alphabetic() => of(b"abcdefghijkmnopqrstuvwxyz", next()),
            c => {
                let mut buffer = [0; 4];
                shaped.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                continue;
            }
        };
        begun |= c.is_ascii_digit();
        shaped.push(byte);
    }
    shaped
}
