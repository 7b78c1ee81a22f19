//! Numbers and names as people read them, the same in every rendering.

/// `1 column`, `2,781 columns`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `2,781`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `is` or `are`.
pub(super) fn is_are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// A text of somebody else's with every sign that cannot be seen spelled out, so that nothing hides in it and no direction
/// of writing leaks out of it.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Quotes and backslashes are seen; the other two join emoji and change nothing around them.
            '"' | '\'' | '\\' | '\u{200d}' | '\u{fe0f}' => shown.push(c),
            c if c.is_control() || c.escape_debug().len() > 1 && !is_mark(c) => shown.extend(c.escape_debug()),
            c => shown.push(c),
        }
    }
    shown
}

/// Marks that combine with the letter before: `escape_debug` spells those out, and scripts need them.
fn is_mark(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{ebf}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(grouped).each_ref().map(String::as_str)
        );
        assert_eq!((count(1, "row"), count(2, "row")), ("1 row".to_owned(), "2 rows".to_owned()));
    }

    #[test]
    fn nothing_invisible_stays() {
        assert_eq!(visible("a\u{202e}b\n\u{200f}c\u{0}"), "a\\u{202e}b\\n\\u{200f}c\\0");
        assert_eq!(visible("naïve \"x\" 🌿 \u{5e9}\u{5dc} e\u{301}"), "naïve \"x\" 🌿 \u{5e9}\u{5dc} e\u{301}");
    }
}
