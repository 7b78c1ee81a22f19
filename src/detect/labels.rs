//! Labels that the schema itself declares for a column: those of an ENUM, and those that a CHECK lists.

use crate::model::schema::{Catalogue, Column, Family, Table};

/// The labels of a column, in the schema's order. Empty where it declares none.
pub(super) fn declared(catalogue: &Catalogue, table: &Table, column: &Column) -> Vec<String> {
    if column.family == Family::Enum {
        // In the type itself (MySQL), or in the statement that creates the type (PostgreSQL).
        let head = format!("CREATE TYPE {} ", column.declared);
        let created = || catalogue.pre.iter().map(|object| object.create.as_str()).find(|text| text.starts_with(&head));
        let text = if column.declared.contains('\'') { Some(column.declared.as_str()) } else { created() };
        return text.map(quoted).unwrap_or_default();
    }
    let checks = table.checks.iter().map(String::as_str).chain([table.create.as_str()]);
    checks.map(|check| listed(check, &column.name)).find(|labels| !labels.is_empty()).unwrap_or_default()
}

/// The texts of the list in `column IN ('a', 'b')` or `column = ANY (ARRAY['a', 'b'])`.
fn listed(text: &str, column: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let column = column.to_ascii_lowercase();
    for word in [" in ", " in(", "= any ", "= any("] {
        for (at, _) in lower.match_indices(word) {
            // What stands between the column and the word: quotes, parentheses, a cast.
            let left = lower[..at].trim_end();
            let is_type = |cast: &&str| cast.chars().all(|c| c.is_alphanumeric() || " _[]".contains(c));
            let left = left.rsplit_once("::").filter(|(_, cast)| is_type(cast)).map_or(left, |(left, _)| left);
            let left = left.trim_end_matches([')', '"', '`', ']', ' ']);
            let is_column = left
                .strip_suffix(&column)
                .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            let rest = &text[at + word.trim_end_matches('(').len()..];
            if is_column && let Some(list) = bracketed(rest) {
                return quoted(list);
            }
        }
    }
    Vec::new()
}

/// What stands in the parentheses that `text` begins with.
fn bracketed(text: &str) -> Option<&str> {
    let (mut depth, mut inside) = (0_u32, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => inside = !inside,
            '(' if !inside => depth += 1,
            ')' if !inside => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(&text[..at]);
                }
            }
            c if depth == 0 && !c.is_whitespace() => return None,
            _ => {}
        }
    }
    None
}

/// Every text between single quotes; a doubled quote is one.
fn quoted(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\'') {
        let mut label = String::new();
        rest = after;
        while let Some((part, after)) = rest.split_once('\'') {
            label.push_str(part);
            rest = after;
            match rest.strip_prefix('\'') {
                Some(after) => {
                    label.push('\'');
                    rest = after;
                }
                None => break,
            }
        }
        if !found.contains(&label) {
            found.push(label);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_every_dialect() {
        let cases = [
            "CHECK (kind IN ('a', 'it''s'))",
            "CREATE TABLE t (kind TEXT CHECK(\"kind\" in('a','it''s')), other TEXT CHECK (other IN ('x')))",
            "((kind)::text = ANY ((ARRAY['a'::character varying, 'it''s'::character varying])::text[]))",
            "(`kind` in (_utf8mb4'a',_utf8mb4'it''s'))",
            "(kind = ANY (ARRAY['a'::text, 'it''s'::text]))",
        ];
        for case in cases {
            assert_eq!(listed(case, "kind"), ["a", "it's"], "{case}");
        }
        for case in ["CHECK (mankind IN ('a'))", "CHECK (kind > 'a')", "CHECK (kind IN (SELECT", "kind in x ('a')"] {
            assert!(listed(case, "kind").is_empty(), "{case}");
        }
        assert_eq!(quoted("enum('A','B','A')"), ["A", "B"]);
    }
}
