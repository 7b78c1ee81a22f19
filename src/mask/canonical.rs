//! Canonical forms: what makes two spellings the same value, so that both get the same fake. Appends to a reused
//! buffer; plain ASCII takes a path without Unicode tables.

use unicode_normalization::UnicodeNormalization;

/// How a value is made canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Byte for byte.
    Exact,
    /// NFKC, lower case, no space around, inner space collapsed. Invalid UTF-8 is replaced.
    Text,
    /// As [`Form::Text`], with `last, first` turned to `first last`.
    Name,
    /// Decimal digits only, without the 1 that eleven North American ones begin with; without any digit, as [`Form::Text`].
    Digits,
    /// Lower case, no space around.
    Email,
    /// NFKC, lower case, no space behind: what case-insensitive collations take for the same.
    Case,
    /// As [`Form::Case`], without accents.
    Accent,
}

/// Appends the canonical form of `value` to `out`.
pub fn append(form: Form, value: &[u8], out: &mut Vec<u8>) {
    match form {
        Form::Exact => out.extend_from_slice(value),
        Form::Text => append_text(value, out),
        Form::Name => {
            let start = out.len();
            append_text(value, out);
            let mut commas = out[start..].iter().enumerate().filter(|(_, byte)| **byte == b',');
            if let (Some((comma, _)), None) = (commas.next(), commas.next())
                && out.get(start + comma + 1) == Some(&b' ')
            {
                out.remove(start + comma);
                out.push(b' ');
                out[start..].rotate_left(comma + 1);
                out.pop();
            }
        }
        Form::Digits => {
            let start = out.len();
            out.extend(value.iter().filter(|byte| byte.is_ascii_digit()));
            if out.len() == start {
                append_text(value, out);
            } else if out.len() - start == 11 && out[start] == b'1' {
                out.remove(start);
            }
        }
        Form::Case | Form::Accent if value.is_ascii() => {
            let kept = value.len() - value.iter().rev().take_while(|byte| **byte == b' ').count();
            out.extend(value[..kept].iter().map(u8::to_ascii_lowercase));
        }
        Form::Case | Form::Accent => {
            let text = String::from_utf8_lossy(value);
            let folded = text.trim_end_matches(' ').nfkc().flat_map(char::to_lowercase);
            if form == Form::Case {
                append_chars(folded.nfkc(), out);
            } else {
                append_chars(folded.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)), out);
            }
        }
        Form::Email if value.is_ascii() => out.extend(value.trim_ascii().iter().map(u8::to_ascii_lowercase)),
        Form::Email => {
            let text = String::from_utf8_lossy(value);
            append_chars(text.trim().chars().flat_map(char::to_lowercase), out);
        }
    }
}

fn append_text(value: &[u8], out: &mut Vec<u8>) {
    if value.is_ascii() {
        let value = value.trim_ascii();
        let start = out.len();
        if is_spaced_plainly(value) {
            out.extend_from_slice(value);
            return out[start..].make_ascii_lowercase();
        }
        for byte in value {
            if !byte.is_ascii_whitespace() {
                out.push(byte.to_ascii_lowercase());
            } else if out.len() > start && out.last() != Some(&b' ') {
                out.push(b' ');
            }
        }
        return;
    }
    let text = String::from_utf8_lossy(value);
    // Lower-casing can undo the normal form ("İ" becomes two characters), hence the second pass.
    let chars = text.nfkc().flat_map(char::to_lowercase).nfkc();
    let mut space = false;
    let start = out.len();
    let collapsed = chars.filter_map(|c| {
        if c.is_whitespace() {
            space = true;
            return None;
        }
        Some((std::mem::take(&mut space), c))
    });
    for (space, c) in collapsed {
        if space && out.len() > start {
            out.push(b' ');
        }
        append_chars(std::iter::once(c), out);
    }
}

/// Whether there is no white space but single spaces.
fn is_spaced_plainly(value: &[u8]) -> bool {
    // Sums instead of searches: without a branch per byte, many bytes are looked at together.
    let odd = value.iter().fold(0, |sum, &byte| sum | u8::from(byte < b' '));
    let pairs = value.iter().zip(value.get(1..).unwrap_or_default());
    odd | pairs.fold(0, |sum, (&one, &next)| sum | (u8::from(one == b' ') & u8::from(next == b' '))) == 0
}

fn append_chars(chars: impl Iterator<Item = char>, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    for c in chars {
        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }
}

/// Whether two texts are the same but for ASCII case and space around them.
#[must_use]
pub fn alike(left: &[u8], right: &[u8]) -> bool {
    left.trim_ascii().eq_ignore_ascii_case(right.trim_ascii())
}

/// The number of characters of a text; for invalid UTF-8, of what it is shown as.
#[must_use]
pub fn chars(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    std::str::from_utf8(text)
        .map_or_else(|_| String::from_utf8_lossy(text).chars().count(), |text| text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(form: Form, value: &str) -> String {
        let mut out = b"before".to_vec();
        append(form, value.as_bytes(), &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    #[test]
    fn spellings_of_one_value_agree() {
        assert_eq!(of(Form::Text, "  José\u{a0} GARCÍA\n"), of(Form::Text, "jose\u{301} garci\u{301}a"));
        assert_eq!(of(Form::Text, " Ann \t Lee "), "ann lee");
        assert_eq!(of(Form::Text, "\u{212a}im"), "kim");
        assert_eq!(of(Form::Name, "Lee,  Ann"), "ann lee");
        assert_eq!(of(Form::Name, "Lee, Ann, MD"), "lee, ann, md");
        assert_eq!(of(Form::Digits, "(415) 555-0134"), "4155550134");
        assert_eq!(of(Form::Digits, " None "), "none");
        assert_eq!(of(Form::Email, " Ann.Lee@X.com "), "ann.lee@x.com");
        assert_eq!(of(Form::Exact, " A "), " A ");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn the_text_form_is_stable_and_the_short_path_agrees(value in "[ -~\t]{0,24}|\\PC{0,12}") {
            let once = of(Form::Text, &value);
            prop_assert_eq!(&of(Form::Text, &once), &once);
            let long = of(Form::Text, &format!("{value} \u{e9}"));
            let want = if once.is_empty() { "é".to_owned() } else { format!("{once} é") };
            prop_assert_eq!(long, want);
        }
    }
}
