//! Undoes what hides a text inside of a text: accents and case beyond ASCII, escapes of URLs, HTML and JSON, base64, hex.
//! What cannot be undone is left as it is; a text without anything to undo costs one look at each byte.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Shorter tokens hide nothing that would be looked for.
const FEWEST_BASE64: usize = 8;
/// Twice the bytes of the shortest original that is looked for.
const FEWEST_HEX: usize = 12;

/// Appends `text` without accents, and in lower case what is not ASCII even so.
pub(super) fn fold(text: &[u8], out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    let text = String::from_utf8_lossy(text);
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        if c.is_ascii() {
            out.push(c as u8);
            continue;
        }
        for c in c.to_lowercase().filter(|c| !is_combining_mark(*c)) {
            fold_wide(c, &mut buffer, out);
        }
    }
}

fn fold_wide(c: char, buffer: &mut [u8; 4], out: &mut Vec<u8>) {
    match c {
        'ł' => out.push(b'l'),
        'ø' => out.push(b'o'),
        'đ' | 'ð' => out.push(b'd'),
        'ı' => out.push(b'i'),
        'ħ' => out.push(b'h'),
        'ß' => out.extend_from_slice(b"ss"),
        'æ' => out.extend_from_slice(b"ae"),
        'œ' => out.extend_from_slice(b"oe"),
        'þ' => out.extend_from_slice(b"th"),
        // Typographic dashes, quotation marks and spaces separate as plain ones do.
        c if !c.is_ascii() && !c.is_alphanumeric() => out.push(b' '),
        c => out.extend_from_slice(c.encode_utf8(buffer).as_bytes()),
    }
}

/// Appends `text` with `%40`, `&#64;`, `&amp;`, `\u0040` and the like undone; whether there was any.
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (start, mut at) = (out.len(), 0);
    let mut found = false;
    while let Some(next) = memchr::memchr3(b'%', b'&', b'\\', &text[at..]) {
        out.extend_from_slice(&text[at..at + next]);
        at += next;
        let rest = &text[at..];
        let taken = match rest[0] {
            b'%' => percent(rest, out),
            b'&' => entity(rest, out),
            _ => backslash(rest, out),
        };
        found |= taken > 0;
        if taken == 0 {
            out.push(rest[0]);
        }
        at += taken.max(1);
    }
    if found {
        out.extend_from_slice(&text[at..]);
    } else {
        out.truncate(start);
    }
    found
}

fn hex_value(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

fn push_char(code: u32, out: &mut Vec<u8>) {
    let c = char::from_u32(code).unwrap_or(' ');
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Each of these appends what an escape stands for and returns its length; 0 where there is none.
fn percent(text: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(byte) = text.get(1..3).and_then(hex_value).and_then(|value| u8::try_from(value).ok()) else {
        return 0;
    };
    out.push(byte);
    3
}

const ACCENTS: [&[u8]; 9] = [b"acute", b"grave", b"uml", b"circ", b"tilde", b"cedil", b"ring", b"slash", b"caron"];

fn entity(text: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(end) = text.iter().take(12).position(|byte| *byte == b';') else {
        return 0;
    };
    let name = &text[1..end];
    let code = match name {
        [b'#', b'x' | b'X', digits @ ..] if !digits.is_empty() => hex_value(digits),
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        b"amp" => Some(u32::from(b'&')),
        b"lt" => Some(u32::from(b'<')),
        b"gt" => Some(u32::from(b'>')),
        b"quot" => Some(u32::from(b'"')),
        b"apos" => Some(u32::from(b'\'')),
        b"nbsp" => Some(u32::from(b' ')),
        b"commat" => Some(u32::from(b'@')),
        b"szlig" => Some(0xDF),
        // Accents do not count, so the letter is enough.
        [letter, accent @ ..] if ACCENTS.contains(&accent) => Some(u32::from(*letter)),
        _ => None,
    };
    let Some(code) = code else { return 0 };
    push_char(code, out);
    end + 1
}

fn backslash(text: &[u8], out: &mut Vec<u8>) -> usize {
    let unit = |at: usize| (text.get(at..at + 2)? == b"\\u").then(|| hex_value(text.get(at + 2..at + 6)?)).flatten();
    match text.get(1) {
        Some(b'n' | b'r' | b't' | b'b' | b'f') => out.push(b' '),
        Some(byte @ (b'"' | b'\\' | b'/' | b'\'')) => out.push(*byte),
        Some(b'u') => {
            let Some(code) = unit(0) else { return 0 };
            if let (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) = (code, unit(6)) {
                push_char(0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00), out);
                return 12;
            }
            push_char(code, out);
            return 6;
        }
        _ => return 0,
    }
    2
}

/// Six bits of base64, standard or for URLs; 64 for all else.
const SIXTETS: [u8; 256] = {
    let mut sixtets = [64; 256];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < 64 {
        #[expect(clippy::cast_possible_truncation, reason = "below 64")]
        {
            sixtets[letters[at] as usize] = at as u8;
        }
        at += 1;
    }
    sixtets[b'-' as usize] = 62;
    sixtets[b'_' as usize] = 63;
    sixtets
};

/// Shows `see` what each token of the text says that is base64 or hex of something readable.
pub(super) fn tokens(text: &[u8], scratch: &mut Vec<u8>, mut see: impl FnMut(&[u8])) {
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let run = |at: usize, inside: fn(u8) -> bool| text[at..].iter().take_while(|byte| inside(**byte)).count();
        let plain = run(at, |byte| byte.is_ascii_alphanumeric());
        let token = &text[at..at + plain];
        if plain >= FEWEST_HEX && hex(token, scratch) {
            see(scratch);
        } else if looks_encoded(text, at) {
            let whole = plain + run(at + plain, |byte| SIXTETS[usize::from(byte)] < 64);
            if base64(&text[at..at + whole], scratch) {
                see(scratch);
                at += whole;
                continue;
            }
            if whole > plain && plain >= FEWEST_BASE64 && base64(token, scratch) {
                see(scratch);
            }
        }
        at += plain;
    }
}

/// Whether the first bytes of a token could be those of base64 of something readable: most words are told apart here.
#[inline]
fn looks_encoded(text: &[u8], at: usize) -> bool {
    let Some(token) = text.get(at..at + FEWEST_BASE64) else {
        return false;
    };
    let sixtet = |at: usize| SIXTETS[usize::from(token[at])];
    // The first and the fourth byte begin here: printable ASCII, or the first byte of a wider character; or a later one.
    matches!(sixtet(0), 8..=31 | 48..=60)
        && matches!(sixtet(4), 8..=63)
        && token.iter().all(|byte| SIXTETS[usize::from(*byte)] < 64)
}

fn hex(token: &[u8], out: &mut Vec<u8>) -> bool {
    let token = token.strip_prefix(b"x").or_else(|| token.strip_prefix(b"0x")).unwrap_or(token);
    out.clear();
    for pair in token.chunks_exact(2) {
        let Some(byte) = hex_value(pair).and_then(|value| u8::try_from(value).ok()) else {
            return false;
        };
        if is_control(byte) {
            return false;
        }
        out.push(byte);
    }
    token.len().is_multiple_of(2) && is_readable(out)
}

fn base64(token: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    for four in token.chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, byte| (bits << 6) | u32::from(SIXTETS[usize::from(*byte)]));
        let bytes = (bits << (6 * (4 - four.len()))).to_be_bytes();
        for &byte in &bytes[1..four.len()] {
            if is_control(byte) {
                return false;
            }
            out.push(byte);
        }
    }
    is_readable(out)
}

fn is_control(byte: u8) -> bool {
    byte < b' ' && !byte.is_ascii_whitespace() || byte == 0x7F
}

fn is_readable(text: &[u8]) -> bool {
    text.is_ascii() || std::str::from_utf8(text).is_ok()
}

/// Shows `see` every run of text in binary data: all of it where it is text, else ASCII, in one byte or in two per character.
pub(super) fn runs(blob: &[u8], shortest: usize, scratch: &mut Vec<u8>, mut see: impl FnMut(&[u8])) {
    let text = std::str::from_utf8(blob).is_ok();
    let splits = |byte: &u8| is_control(*byte) || !text && !byte.is_ascii();
    for run in blob.split(splits).filter(|run| run.len() >= shortest) {
        see(run);
    }
    if text && !blob.contains(&0) {
        return;
    }
    // UTF-16 of either order: every other byte is zero.
    for order in 0..2 {
        scratch.clear();
        for pair in blob.get(order..).unwrap_or_default().chunks(2).chain([[0].as_slice()]) {
            let (low, high) = (pair[0], pair.get(1).copied().unwrap_or(0));
            if high == 0 && low.is_ascii() && !is_control(low) {
                scratch.push(low);
            } else {
                if scratch.len() >= shortest {
                    see(scratch);
                }
                scratch.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str) -> Option<String> {
        let mut out = Vec::new();
        unescape(text.as_bytes(), &mut out).then(|| String::from_utf8(out).unwrap())
    }

    fn decoded(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        tokens(text.as_bytes(), &mut Vec::new(), |text| found.push(String::from_utf8(text.to_vec()).unwrap()));
        found
    }

    #[test]
    fn escapes_are_undone_and_all_else_stays() {
        assert_eq!(unescaped("ann%40corp.test%2C 5%"), Some("ann@corp.test, 5%".into()));
        assert_eq!(unescaped("ann&#64;corp &#x40; &amp; Garc&iacute;a"), Some("ann@corp @ & Garcia".into()));
        assert_eq!(unescaped("\\\"ann\\u0040corp\\\" \\ud83c\\udf3f\\n"), Some("\"ann@corp\" \u{1f33f} ".into()));
        for plain in ["100 %", "AT&T; R&D", "C:\\dir", "\\u00zz", "", "%", "&", "\\", "&;", "&#;", "&#x;"] {
            assert_eq!(unescaped(plain), None, "{plain}");
        }
    }

    #[test]
    fn tokens_are_read_and_words_are_not() {
        for text in ["ann.lee@corp.test", "José Núñez", "a?>~b?>~c?>~", "user:hunter2hunter2"] {
            for encoding in [
                data_encoding::BASE64,
                data_encoding::BASE64_NOPAD,
                data_encoding::BASE64URL,
                data_encoding::BASE64URL_NOPAD,
                data_encoding::HEXLOWER,
                data_encoding::HEXUPPER,
            ] {
                let token = encoding.encode(text.as_bytes());
                for place in
                    [token.clone(), format!("see {token}, please"), format!("/files/{token}"), format!("k={token}")]
                {
                    assert!(
                        decoded(&place).iter().any(|found| found.starts_with(text)),
                        "{place}: {:?}",
                        decoded(&place)
                    );
                }
            }
        }
        for plain in ["Springfield Elementary School", "550e8400-e29b-41d4-a716-446655440000", "2024-02-29 13:45:00"] {
            assert!(decoded(plain).is_empty(), "{plain}: {:?}", decoded(plain));
        }
    }

    #[test]
    fn accents_and_case_are_folded() {
        let folded = |text: &str| {
            let mut out = Vec::new();
            fold(text.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(folded("JOSE\u{301} Núñez"), "JOSE Nunez");
        assert_eq!(folded("Łukasz Żółć, Weiß, Ærø, İzmir"), "lukasz Zolc, Weiss, aero, Izmir");
        assert_eq!(folded("\u{212a}im\u{a0}O\u{2019}Neil"), "Kim O Neil");
    }

    #[test]
    fn text_in_binary_data_is_found() {
        let mut blob = b"\x00\x01\x02ann.lee@corp.test\x00\xff\x03".to_vec();
        blob.extend("Maria Garcia".bytes().flat_map(|byte| [byte, 0]));
        let mut found = Vec::new();
        runs(&blob, 6, &mut Vec::new(), |run| found.push(String::from_utf8_lossy(run).into_owned()));
        assert!(found.iter().any(|run| run == "ann.lee@corp.test"), "{found:?}");
        assert!(found.iter().any(|run| run == "Maria Garcia"), "{found:?}");
    }
}
