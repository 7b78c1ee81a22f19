//! Patterns of the servers: LIKE, GLOB, SIMILAR TO and regular expressions. What two engines read differently is not answered.

use crate::model::schema::EngineKind;
use regex::{Regex, RegexBuilder};

/// A LIKE pattern as steps; the escape is resolved.
enum Step {
    Any,
    One,
    Exactly(char),
}

fn steps(pattern: &str, escape: Option<char>) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        steps.push(match c {
            c if Some(c) == escape => Step::Exactly(chars.next()?),
            '%' => Step::Any,
            '_' => Step::One,
            c => Step::Exactly(c),
        });
    }
    Some(steps)
}

/// Whether a text is LIKE a pattern; with `fold`, ASCII letters of both cases are the same.
pub(super) fn like(text: &str, pattern: &str, escape: Option<char>, fold: bool) -> Option<bool> {
    let same = |a: char, b: char| a == b || fold && a.eq_ignore_ascii_case(&b);
    let (text, steps) = (text.chars().collect::<Vec<_>>(), steps(pattern, escape)?);
    // Which prefixes of the text the steps so far can take.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for step in &steps {
        let mut next = vec![false; text.len() + 1];
        match step {
            Step::Any => {
                let first = reached.iter().position(|reached| *reached).unwrap_or(next.len());
                next[first..].fill(true);
            }
            Step::One => (0..text.len()).for_each(|at| next[at + 1] = reached[at]),
            Step::Exactly(c) => (0..text.len()).for_each(|at| next[at + 1] = reached[at] && same(text[at], *c)),
        }
        reached = next;
    }
    reached.last().copied()
}

/// The same LIKE pattern with a backslash as its escape.
pub(super) fn like_pattern(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut text = String::new();
    for step in steps(pattern, escape)? {
        match step {
            Step::Any => text.push('%'),
            Step::One => text.push('_'),
            Step::Exactly(c) => {
                if matches!(c, '%' | '_' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
        }
    }
    Some(text)
}

/// A regular expression of an engine, anchored only where it says so. None where it is read differently here.
pub(super) fn regex(pattern: &str, fold: bool, engine: EngineKind) -> Option<Regex> {
    // Directors of PostgreSQL, and escapes that mean something else in each engine.
    if pattern.starts_with("***") || pattern.contains("(?") && !pattern.contains("(?:") {
        return None;
    }
    let mut escaped = false;
    for c in pattern.chars() {
        if escaped && c.is_ascii_alphanumeric() && !"dDwWsS".contains(c) {
            return None;
        }
        escaped = !escaped && c == '\\';
    }
    if pattern.contains("&&") || pattern.contains("--") || pattern.contains("~~") {
        return None;
    }
    let dot_takes_newline = engine == EngineKind::Postgres;
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(fold).dot_matches_new_line(dot_takes_newline).size_limit(1 << 20).build().ok()
}

/// Whether a text matches, where all engines read it the same.
pub(super) fn matches(text: &str, pattern: &str, fold: bool, engine: EngineKind) -> Option<bool> {
    let plain = text.is_ascii() && pattern.is_ascii();
    let one_line = engine == EngineKind::Postgres || !text.contains(['\n', '\r', '\u{b}', '\u{c}']);
    regex(pattern, fold, engine).filter(|_| plain && one_line).map(|regex| regex.is_match(text))
}

/// The regular expression of a SIMILAR TO pattern.
pub(super) fn similar(pattern: &str) -> Option<String> {
    let mut text = String::from("^(?:");
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push_str(&regex::escape(&chars.next()?.to_string())),
            '[' => {
                in_class = true;
                text.push(c);
            }
            ']' => {
                in_class = false;
                text.push(c);
            }
            c if in_class => text.push(c),
            '%' => text.push_str(".*"),
            '_' => text.push('.'),
            '.' | '^' | '$' => {
                text.push('\\');
                text.push(c);
            }
            // It would end the pattern in two kinds of quotes.
            '"' => return None,
            c => text.push(c),
        }
    }
    text.push_str(")$");
    Some(text)
}

/// The regular expression of a GLOB pattern.
pub(super) fn glob(pattern: &str) -> Option<String> {
    let mut text = String::from("(?s)^");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            '[' => {
                text.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    text.push('^');
                }
                let mut first = true;
                loop {
                    match chars.next()? {
                        ']' if !first => break,
                        '-' if !first && chars.peek().is_some_and(|next| *next != ']') => text.push('-'),
                        c if c.is_alphanumeric() => text.push(c),
                        c => {
                            text.push('\\');
                            text.push(c);
                        }
                    }
                    first = false;
                }
                text.push(']');
            }
            c => text.push_str(&regex::escape(&c.to_string())),
        }
    }
    text.push('$');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likes() {
        for (text, pattern, escape, fold, expected) in [
            ("INV-1", "INV-%", None, false, true),
            ("inv-1", "INV-%", None, false, false),
            ("inv-1", "INV-%", None, true, true),
            ("a%b", "a\\%b", Some('\\'), false, true),
            ("axb", "a\\%b", Some('\\'), false, false),
            ("ab", "%a%b%", None, false, true),
            ("", "%", None, false, true),
            ("", "_", None, false, false),
        ] {
            assert_eq!(like(text, pattern, escape, fold), Some(expected), "{text} {pattern}");
        }
        assert_eq!(like("a", "a\\", Some('\\'), false), None);
        assert_eq!(like_pattern("a!%\\_", Some('!')).as_deref(), Some("a\\%\\\\_"));
    }

    #[test]
    fn other_patterns() {
        let globbed = |text: &str, pattern: &str| Regex::new(&glob(pattern).unwrap()).unwrap().is_match(text);
        assert!(globbed("abc", "a*") && globbed("a]", "a[]x]") && !globbed("b", "[^a-c]") && globbed("a.c", "a.?"));
        assert!(glob("[a").is_none());
        let similar =
            |text: &str, pattern: &str| matches(text, &similar(pattern).unwrap(), false, EngineKind::Postgres).unwrap();
        assert!(
            similar("abab", "(ab){2}") && !similar("xabab", "(ab)+") && similar("a.b", "a.b") && !similar("axb", "a.b")
        );
        assert_eq!(matches("a1", "^[a-z]\\d$", false, EngineKind::Postgres), Some(true));
        assert_eq!(matches("a1", "\\y", false, EngineKind::Postgres), None);
        assert_eq!(matches("é", "^.$", false, EngineKind::Postgres), None);
    }
}
