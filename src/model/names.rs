//! Names as people type them: found exactly, else without regard to case, else the closest one is suggested.

/// How a written name was found among known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// At this index.
    At(usize),
    /// Several names differ from it only in case.
    Several,
    /// Not at all.
    Missing,
}

/// Looks for `name`: exactly, else without regard to case if only one is left.
pub fn find<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Found {
    if let Some(at) = known.clone().position(|other| other == name) {
        return Found::At(at);
    }
    let folded = name.to_lowercase();
    let mut alike = known.enumerate().filter(|(_, other)| other.to_lowercase() == folded);
    match (alike.next(), alike.next()) {
        (Some((at, _)), None) => Found::At(at),
        (Some(_), Some(_)) => Found::Several,
        (None, _) => Found::Missing,
    }
}

/// The known name that `name` was probably meant to be.
pub fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    let limit = (folded.chars().count() / 3).max(2);
    let near = known.map(|other| (distance(&folded, &other.to_lowercase()), other));
    near.filter(|(distance, other)| *distance <= limit && *distance < other.chars().count())
        .min()
        .map(|(_, other)| other)
}

/// "Did you mean 'x'?", where there is something to mean.
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    closest(name, known).map(|closest| format!("Did you mean '{closest}'?"))
}

/// Insertions, deletions, replacements and swaps of neighbours between two texts.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, c) in left.chars().enumerate() {
        let mut next = vec![row + 1];
        for (at, other) in right.iter().enumerate() {
            let mut cost = (last[at] + usize::from(c != *other)).min(last[at + 1] + 1).min(next[at] + 1);
            if at > 0 && previous == Some(*other) && right[at - 1] == c {
                cost = cost.min(before[at - 1] + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut last, next);
        previous = Some(c);
    }
    last[right.len()]
}

/// `name` as a TOML key.
#[must_use]
pub fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { name.to_owned() } else { quoted(name) }
}

/// `text` as a TOML string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text of somebody else's with every sign that cannot be seen spelled out, so that nothing hides in it and no direction
/// of writing leaks out of it.
#[must_use]
pub fn visible(text: &str) -> String {
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
    fn exact_before_folded_before_nothing() {
        let known = ["Email", "email", "Phone"];
        assert_eq!(find("email", known.into_iter()), Found::At(1));
        assert_eq!(find("PHONE", known.into_iter()), Found::At(2));
        assert_eq!(find("EMAIL", known.into_iter()), Found::Several);
        assert_eq!(find("fax", known.into_iter()), Found::Missing);
    }

    #[test]
    fn slips_are_recognised() {
        let known = ["full_name", "email", "phone"];
        assert_eq!(closest("emial", known.into_iter()), Some("email"));
        assert_eq!(closest("fullname", known.into_iter()), Some("full_name"));
        assert_eq!(closest("ssn", known.into_iter()), None);
    }

    #[test]
    fn keys_are_quoted_where_needed() {
        assert_eq!(key("created_at"), "created_at");
        for name in ["two words", "a\"b\\c", "tab\tdel\u{7f}", "", "schön"] {
            let line = format!("{} = 1", key(name));
            let parsed: toml::Table = toml::from_str(&line).unwrap();
            assert!(parsed.contains_key(name), "{line}");
        }
    }

    #[test]
    fn nothing_invisible_stays() {
        assert_eq!(visible("a\u{202e}b\n\u{200f}c\u{0}"), "a\\u{202e}b\\n\\u{200f}c\\0");
        assert_eq!(visible("naïve \"x\" 🌿 \u{5e9}\u{5dc} e\u{301}"), "naïve \"x\" 🌿 \u{5e9}\u{5dc} e\u{301}");
    }
}
