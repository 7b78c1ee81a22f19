//! The words of a catalogue row: families and actions; and what is taken out of the server's CREATE texts.

use crate::engine::sql::Sql;
use crate::model::mark;
use crate::model::schema::EngineKind;

pub(super) use crate::model::declared::{action, mysql_family as family};

/// A CREATE TABLE text without the counter's value, and without markers where the table has them.
pub(super) fn stripped(text: &str, is_marked: bool) -> String {
    let (body, options) = text.split_once("\n) ").unwrap_or((text, ""));
    let mut lines: Vec<&str> = body.lines().collect();
    if is_marked {
        let is_marker =
            |line: &&str| [mark::RUN_COLUMN, mark::AT_COLUMN].iter().any(|name| starts_with_name(line, name));
        lines.retain(|line| !is_marker(line));
    }
    let mut body = lines.join("\n");
    if is_marked && body.ends_with(',') {
        body.pop();
    }
    if options.is_empty() {
        return body;
    }
    format!("{body}\n) {}", without_counter(options))
}

/// Table options without ` AUTO_INCREMENT=n`, which stands right behind the storage engine.
fn without_counter(options: &str) -> String {
    let Some(rest) = options.strip_prefix("ENGINE=") else { return options.to_owned() };
    let (engine, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let rest = match rest.strip_prefix("AUTO_INCREMENT=") {
        Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(' '),
        None => rest,
    };
    if rest.is_empty() { format!("ENGINE={engine}") } else { format!("ENGINE={engine} {rest}") }
}

fn quoted(name: &str) -> String {
    Sql::new(EngineKind::Mysql).name(name).text().to_owned()
}

fn starts_with_name(line: &str, name: &str) -> bool {
    line.trim_start().strip_prefix(&quoted(name)).is_some_and(|rest| rest.starts_with(' '))
}

/// The CHECK constraints of a CREATE TABLE text that stand on lines of their own.
pub(super) fn checks(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = line.trim().trim_end_matches(',');
        let at = line.strip_prefix("CONSTRAINT ").and_then(|_| line.find(" CHECK ("))?;
        Some(line[at + " CHECK ".len()..].to_owned())
    };
    text.lines().filter_map(line).collect()
}

/// Whether a column of a CREATE TABLE text is checked to be JSON.
pub(super) fn is_json_text(text: &str, column: &str) -> bool {
    let check = format!("CHECK (json_valid({}))", quoted(column));
    text.lines().any(|line| starts_with_name(line, column) && line.contains(&check))
}

/// A CREATE statement without ` DEFINER=...`: who restores becomes the definer, because the account may be unknown.
pub(super) fn without_definer(text: &str) -> String {
    let Some(at) = text.find(" DEFINER=") else { return text.to_owned() };
    let rest = &text[at + " DEFINER=".len()..];
    // Only in front of the object's own word, never in its body.
    if text[..at].split_whitespace().any(|word| ["VIEW", "TRIGGER", "FUNCTION", "PROCEDURE", "EVENT"].contains(&word)) {
        return text.to_owned();
    }
    let after_user = after_quoted(rest);
    let after_host = after_user.strip_prefix('@').map_or(after_user, after_quoted);
    format!("{}{after_host}", &text[..at])
}

/// Who a CREATE statement names as its definer: user and host.
pub(super) fn definer(text: &str) -> Option<(String, String)> {
    let rest = &text[text.find(" DEFINER=")? + " DEFINER=".len()..];
    let after_user = after_quoted(rest);
    let user = unquoted(&rest[..rest.len() - after_user.len()])?;
    let host = after_user.strip_prefix('@')?;
    Some((user, unquoted(&host[..host.len() - after_quoted(host).len()])?))
}

/// A name without its quotes.
fn unquoted(name: &str) -> Option<String> {
    let quote = name.chars().next().filter(|c| matches!(c, '`' | '"'))?;
    let inner = name.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
}

/// What follows a name in backquotes, or in the double quotes that the server writes for bodies made with ANSI_QUOTES.
fn after_quoted(text: &str) -> &str {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '`' | '"')) else { return text };
    let inner = &text[1..];
    let mut skip = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if skip => skip = false,
            c if c == quote && inner[at + 1..].starts_with(quote) => skip = true,
            c if c == quote => return &inner[at + 1..],
            _ => {}
        }
    }
    ""
}

/// The first quoted name of a statement.
pub(super) fn first_name(text: &str) -> Option<String> {
    let rest = &text[text.find(['`', '"'])?..];
    unquoted(&rest[..rest.len() - after_quoted(rest).len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_markers_leave_the_text() {
        let text = "CREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `terp_fixture_run` text,\n  \
            `terp_fixture_at` text\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4 COMMENT=' AUTO_INCREMENT=5'";
        let wanted = "CREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 \
            COMMENT=' AUTO_INCREMENT=5'";
        assert_eq!(stripped(text, true), wanted);
        assert!(stripped(text, false).contains("terp_fixture_run"));
        assert_eq!(
            stripped("CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB AUTO_INCREMENT=3", false),
            "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB"
        );
    }

    #[test]
    fn definers_leave_the_text() {
        let text =
            "CREATE ALGORITHM=UNDEFINED DEFINER=`a``b`@`%` SQL SECURITY DEFINER VIEW `v` AS select ' DEFINER=`x`@`y`'";
        assert_eq!(
            without_definer(text),
            "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select ' DEFINER=`x`@`y`'"
        );
        let text = "CREATE DEFINER=\"a\"@\"h\" FUNCTION \"f\"() RETURNS int RETURN 1";
        assert_eq!(without_definer(text), "CREATE FUNCTION \"f\"() RETURNS int RETURN 1");
        assert_eq!(definer(text), Some(("a".into(), "h".into())));
        assert_eq!(first_name(&without_definer(text)).as_deref(), Some("f"));
        let text = "CREATE VIEW `v` AS select ' DEFINER=`x`@`y`'";
        assert_eq!(without_definer(text), text);
    }

    #[test]
    fn names_are_found() {
        assert_eq!(first_name("CREATE TABLE `a``b` (`c` int)").as_deref(), Some("a`b"));
        assert_eq!(first_name("SELECT 1"), None);
        assert_eq!(checks("(\n  `a` int,\n  CONSTRAINT `c` CHECK (`a` > 0),\n"), ["(`a` > 0)"]);
        assert!(is_json_text("  `j` longtext CHECK (json_valid(`j`)),", "j"));
    }
}
