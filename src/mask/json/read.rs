//! Reads JSON token by token, so that everything can be written again as it stood.

use super::super::Misfit;
use std::borrow::Cow;

/// The cell is something else.
pub(super) const NOT_JSON: Misfit = Misfit("the cell is no valid JSON");

/// A place in a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Whether an object or array was opened just here.
    fresh: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, fresh: false }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Whether nothing was read since an object or array was opened.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Copies white space.
    pub(super) fn space(&mut self, out: &mut Vec<u8>) {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        out.extend_from_slice(&rest[..length]);
        self.at += length;
    }

    /// Copies one mark.
    pub(super) fn take(&mut self, mark: u8, out: &mut Vec<u8>) -> Result<(), Misfit> {
        if self.peek() != Some(mark) {
            return Err(NOT_JSON);
        }
        self.at += 1;
        self.fresh = matches!(mark, b'{' | b'[');
        out.push(mark);
        Ok(())
    }

    /// Whether a comma comes, which is passed; else the end of the object or array has to.
    pub(super) fn comma(&mut self) -> Result<bool, Misfit> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(b'}' | b']') => Ok(false),
            _ => Err(NOT_JSON),
        }
    }

    /// A string without its quotation marks, as it is written.
    pub(super) fn string(&mut self) -> Result<&'a str, Misfit> {
        let bytes = self.text.as_bytes();
        if self.peek() != Some(b'"') {
            return Err(NOT_JSON);
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            match bytes.get(at).ok_or(NOT_JSON)? {
                b'"' => break,
                b'\\' => match bytes.get(at + 1).ok_or(NOT_JSON)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' => {
                        let digits = bytes.get(at + 2..at + 6).ok_or(NOT_JSON)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(NOT_JSON);
                        }
                        at += 6;
                    }
                    _ => return Err(NOT_JSON),
                },
                0..=0x1F => return Err(NOT_JSON),
                _ => at += 1,
            }
        }
        self.at = at + 1;
        self.fresh = false;
        Ok(&self.text[start..at])
    }

    /// `true`, `false` or `null`.
    pub(super) fn word(&mut self) -> Result<&'a str, Misfit> {
        let rest = &self.text[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word)).ok_or(NOT_JSON)?;
        self.at += word.len();
        Ok(&rest[..word.len()])
    }

    /// A number, as it is written.
    pub(super) fn number(&mut self) -> Result<&'a str, Misfit> {
        let rest = &self.text[self.at..];
        let end =
            rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        if !is_number(&rest.as_bytes()[..end]) {
            return Err(NOT_JSON);
        }
        self.at += end;
        Ok(&rest[..end])
    }
}

/// Whether a text is a number as JSON spells it.
pub(in crate::mask) fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    if whole == 0 || whole > 1 && text[0] == b'0' {
        return false;
    }
    let mut rest = &text[whole..];
    if let [b'.', behind @ ..] = rest {
        let length = digits(behind);
        if length == 0 {
            return false;
        }
        rest = &behind[length..];
    }
    if let [b'e' | b'E', behind @ ..] = rest {
        let behind = if let [b'+' | b'-', behind @ ..] = behind { behind } else { behind };
        let length = digits(behind);
        return length > 0 && length == behind.len();
    }
    rest.is_empty()
}

/// What a string says, without its escapes. Half of a surrogate pair becomes a replacement character.
pub(super) fn open(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut high = None;
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let (unit, length) = if c == '\\' { escape(rest) } else { (None, c.len_utf8()) };
        match (high.take(), unit) {
            (Some(high), Some(low @ 0xDC00..=0xDFFF)) => {
                let pair = char::decode_utf16([high, low]).next().and_then(Result::ok);
                text.push(pair.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (lost, unit) => {
                text.extend(lost.map(|_| char::REPLACEMENT_CHARACTER));
                match unit {
                    Some(unit @ 0xD800..=0xDBFF) => high = Some(unit),
                    Some(unit) => text.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
                    None => text.push(c),
                }
            }
        }
        rest = &rest[length..];
    }
    text.extend(high.map(|_| char::REPLACEMENT_CHARACTER));
    Cow::Owned(text)
}

/// The character that an escape stands for, and its length.
fn escape(text: &str) -> (Option<u16>, usize) {
    match text.as_bytes().get(1) {
        Some(b'u') => (text.get(2..6).and_then(|digits| u16::from_str_radix(digits, 16).ok()), 6),
        Some(b'b') => (Some(8), 2),
        Some(b'f') => (Some(12), 2),
        Some(b'n') => (Some(10), 2),
        Some(b'r') => (Some(13), 2),
        Some(b't') => (Some(9), 2),
        Some(other) => (Some(u16::from(*other)), 2),
        None => (None, 1),
    }
}
