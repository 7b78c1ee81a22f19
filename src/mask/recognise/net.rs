//! Emails, links and network addresses.

use super::{Hit, Kind, hit, is_unspaced, joins_before, joins_behind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const SCHEMES: [&str; 16] = [
    "http", "https", "ftp", "ftps", "sftp", "ssh", "git", "ws", "wss", "ldap", "ldaps", "smb", "s3", "imap", "smtp",
    "sip",
];

/// The email around the `@` at `at`.
pub(super) fn email(text: &str, at: usize, free: usize) -> Option<Hit> {
    let local = |c: char| c.is_alphanumeric() && !is_unspaced(c) || "._%+-'".contains(c);
    let before = text.get(free..at)?;
    let start = at - before.chars().rev().take_while(|c| local(*c)).map(char::len_utf8).sum::<usize>();
    let skipped = text[start..at].chars().take_while(|c| !c.is_alphanumeric() && *c != '_');
    let start = start + skipped.map(char::len_utf8).sum::<usize>();
    let name = &text[start..at];
    if name.is_empty() || name.len() > 64 || name.ends_with('.') || name.contains("..") {
        return None;
    }
    let host = text[at + 1..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    let mut end = at + 1 + host.map(char::len_utf8).sum::<usize>();
    // A sentence may end behind it, or the next one begin: `ann@corp.test.Then`.
    while text[at + 1..end].ends_with(['.', '-']) {
        end -= 1;
    }
    let host = &text[at + 1..end];
    let (labels, top) = host.rsplit_once('.')?;
    let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    let plain = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic) || top.starts_with("xn--");
    let apart = !text[end..].starts_with(['@', '_']);
    (plain && apart && labels.split('.').all(label)).then_some(())?;
    hit(true, Kind::Email, start..end)
}

/// The link whose `://` is at `at`.
pub(super) fn url(text: &str, at: usize, free: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let letters = bytes[free..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let start = at - letters;
    let known = SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(&text[start..at]));
    let end = url_end(text, at + 3);
    let named = text[at + 3..end].starts_with(|c: char| c.is_alphanumeric() || c == '[');
    hit(known && named && !joins_before(text, start), Kind::Url, start..end)
}

/// A link without a scheme, whose first `w` is at `at`.
pub(super) fn www(text: &str, at: usize) -> Option<Hit> {
    let begins = text.as_bytes().get(at..at + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"www."));
    if !begins || joins_before(text, at) {
        return None;
    }
    let end = url_end(text, at + 4);
    let host = text[at + 4..end].split(['/', '?', '#', ':']).next()?;
    hit(host.contains('.') && host.starts_with(char::is_alphanumeric), Kind::Url, at..end)
}

fn url_end(text: &str, from: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "<>\"`{}|\\^“”‘’«»„".contains(c);
    let end = text[from..].find(ends).map_or(text.len(), |length| from + length);
    let mut link = &text[from..end];
    // Punctuation behind a link belongs to the sentence, a bracket only if none was opened inside.
    loop {
        let shorter = match link.chars().next_back() {
            Some('.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_') => &link[..link.len() - 1],
            Some(')') if link.matches(')').count() > link.matches('(').count() => &link[..link.len() - 1],
            Some(']') if link.matches(']').count() > link.matches('[').count() => &link[..link.len() - 1],
            _ => return from + link.len(),
        };
        link = shorter;
    }
}

/// The address of a network card or of the sixth version of the internet around the colon at `at`.
pub(super) fn colons(text: &str, at: usize, free: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let inside = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let mut start = at - bytes[free..at].iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if start > free && bytes[start - 1] == b':' {
        start -= usize::from(bytes[start..].starts_with(b":"));
    }
    let mut end = start + bytes[start..].iter().take_while(inside).count();
    while end > start && matches!(bytes[end - 1], b'.')
        || text[start..end].ends_with(':') && !text[start..end].ends_with("::")
    {
        end -= 1;
    }
    if joins_before(text, start) || joins_behind(text, end) || end - start < 4 {
        return None;
    }
    let token = &text[start..end];
    if is_mac(token.as_bytes(), b':') {
        return hit(true, Kind::Mac, start..end);
    }
    let address: Ipv6Addr = token.parse().ok()?;
    let colons = token.bytes().filter(|byte| *byte == b':').count();
    let global =
        token.len() > 4 && token.as_bytes()[4] == b':' && matches!(token.as_bytes()[0], b'2' | b'3' | b'f' | b'F');
    let telling = token.bytes().any(|byte| byte.is_ascii_digit()) && (colons >= 3 || global);
    let nobody = address.is_loopback() || address.is_unspecified();
    hit(telling && !nobody, Kind::Ip, start..end)
}

/// The address of a network card with dashes, whose first dash is at `at`.
pub(super) fn dashed_mac(text: &str, at: usize, free: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = at.checked_sub(2).filter(|start| *start >= free)?;
    let end = start + 17;
    let token = bytes.get(start..end)?;
    let apart = || !joins_before(text, start) && !joins_behind(text, end) && bytes.get(end) != Some(&b'-');
    // Six numbers of two digits are not enough: that is a date and a time as well.
    let telling = token.iter().any(u8::is_ascii_alphabetic);
    hit(is_mac(token, b'-') && telling && apart(), Kind::Mac, start..end)
}

fn is_mac(token: &[u8], separator: u8) -> bool {
    token.len() == 17
        && token.iter().enumerate().all(
            |(at, byte)| {
                if at % 3 == 2 { *byte == separator } else { byte.is_ascii_hexdigit() }
            },
        )
}

/// The internet address that begins at `start`.
pub(super) fn ipv4(text: &str, start: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let end = start + bytes[start..].iter().take(16).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let token = text[start..end].trim_end_matches('.');
    let end = start + token.len();
    let address: Ipv4Addr = token.parse().ok()?;
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let versioned = matches!(before, Some(b'.' | b'-' | b'v' | b'V' | b'/')) && !text[..start].ends_with("//");
    let nobody =
        address.is_loopback() || address.is_unspecified() || address.is_broadcast() || address.octets()[0] == 0;
    let apart = !joins_before(text, start) && !joins_behind(text, end) && bytes.get(end) != Some(&b'-');
    if versioned || nobody || !apart || super::labels::is_version(text, start) {
        return None;
    }
    hit(true, Kind::Ip, start..end)
}

/// The address, if the text is one.
pub(super) fn parse_ip(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok()
}

/// The UUID that begins at `start`.
pub(super) fn uuid(text: &str, digit: usize, free: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = digit
        - bytes[free..digit]
            .iter()
            .rev()
            .take(36)
            .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'-')
            .count();
    let token = bytes.get(start..start + 36)?;
    let shaped = token
        .iter()
        .enumerate()
        .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() });
    hit(shaped && !joins_before(text, start) && !joins_behind(text, start + 36), Kind::Uuid, start..start + 36)
}
