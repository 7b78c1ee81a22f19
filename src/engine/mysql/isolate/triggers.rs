//! The triggers that keep the row journal, and the guard that the application's own get in a clone: the servers cannot silence
//! triggers for a session, and those would fire on what a reset undoes.

use super::key::{self, mysql};
use super::plan::{Plan, Planned};
use crate::engine::sql::Sql;
use crate::model::schema::EngineKind;

/// How the names of our triggers begin. A number follows, because a table's name may be as long as a name can be.
pub(in crate::engine::mysql) const PREFIX: &str = "terp_fixtures_";

/// The session variable that silences all triggers of a clone.
pub(super) const OFF: &str = "SET @terp_fixtures_off = 1";

/// What stands around the body of an application's trigger.
const GUARD: (&str, &str) = ("IF @terp_fixtures_off IS NULL THEN\n", "\n; END IF");

/// What was done to a row, in the row journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// It came, or changed without harm to what refers to it.
    Touched,
    /// Its key changed, or columns that others refer to, or by which it refers: it may have gone since, and nobody knows.
    Moved,
    /// It went.
    Deleted,
}

impl Deed {
    /// Its letter.
    fn letter(self) -> &'static str {
        match self {
            Self::Touched => "T",
            Self::Moved => "M",
            Self::Deleted => "D",
        }
    }

    pub(super) fn of(letter: &str) -> Self {
        match letter {
            "M" => Self::Moved,
            "D" => Self::Deleted,
            _ => Self::Touched,
        }
    }
}

/// The statement that makes a row journal. Each entry has a number that nobody else gets and nobody waits for.
pub(super) fn create_journal(journal: &Sql) -> Sql {
    mysql().lit("CREATE TABLE ").part(journal).lit(
        " (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, t SMALLINT UNSIGNED NOT NULL, deed CHAR(1) CHARACTER SET ascii NOT NULL, \
         k TEXT CHARACTER SET ascii NOT NULL) ENGINE = InnoDB CHARACTER SET ascii",
    )
}

/// The triggers of all tables whose rows can be journalled.
pub(super) fn all(plan: &Plan, journal: &Sql) -> Vec<Sql> {
    let tables = plan.tables.iter().enumerate().filter(|(_, table)| table.transactional);
    tables.flat_map(|(number, table)| of_table(number, table, journal)).collect()
}

fn of_table(number: usize, table: &Planned, journal: &Sql) -> [Sql; 3] {
    let trigger = |event: &'static str, letter: &'static str| {
        let name = format!("{PREFIX}{number}_{letter}");
        let sql = mysql().lit("CREATE TRIGGER ").name(&name).lit(" AFTER ").lit(event).lit(" ON ").name(&table.name);
        sql.lit(" FOR EACH ROW IF @terp_fixtures_off IS NULL THEN ")
    };
    let entry = |sql: Sql, deed: &Sql, row: &'static str| {
        let sql = sql.lit("INSERT INTO ").part(journal).lit(" VALUES (UUID_SHORT(), ");
        let sql = sql.integer(i64::try_from(number).unwrap_or_default()).lit(", ").part(deed).lit(", ");
        let sql = if table.key.is_empty() { sql.lit("''") } else { key::written(&table.key, sql, row) };
        sql.lit("); ")
    };
    let plain = |deed: Deed| mysql().string(deed.letter());
    let differ = |sql: Sql, columns: &[String]| {
        sql.list(columns, " AND ", |sql, name| {
            let sql = sql.lit("CAST(").column("OLD", name).lit(" AS BINARY) <=> CAST(");
            sql.column("NEW", name).lit(" AS BINARY)")
        })
    };
    let names: Vec<String> = table.key.iter().map(|column| column.name.clone()).collect();
    let named: Vec<String> = table.tied.iter().chain(&names).cloned().collect();
    let moved = if table.children.is_empty() {
        plain(Deed::Touched)
    } else {
        differ(mysql().lit("IF("), &named).lit(", 'T', 'M')")
    };
    let mut update = entry(trigger("UPDATE", "u"), &moved, "OLD");
    if !table.key.is_empty() {
        update = differ(update.lit("IF NOT ("), &names).lit(") THEN ");
        update = entry(update, &plain(Deed::Touched), "NEW").lit("END IF; ");
    }
    [
        entry(trigger("INSERT", "i"), &plain(Deed::Touched), "NEW").lit("END IF"),
        update.lit("END IF"),
        entry(trigger("DELETE", "d"), &plain(Deed::Deleted), "OLD").lit("END IF"),
    ]
}

/// A statement that makes a trigger of the application, guarded; none where its body is not found.
pub(super) fn guarded(create: &str) -> Option<String> {
    let at = body_at(create)?;
    Some(format!("{}{}{}{}", &create[..at], GUARD.0, &create[at..], GUARD.1))
}

/// The same without its guard, as the application wrote it.
pub(in crate::engine::mysql) fn unguarded(create: &str) -> String {
    match create.strip_suffix(GUARD.1).zip(create.split_once(GUARD.0)) {
        Some((_, (head, rest))) => format!("{head}{}", rest.strip_suffix(GUARD.1).unwrap_or(rest)),
        None => create.to_owned(),
    }
}

/// Where the body of a trigger begins.
fn body_at(create: &str) -> Option<usize> {
    // The setting that it is made with stands before it.
    let mut at = if create.starts_with("SET SESSION ") { create.find(";\n")? + 2 } else { 0 };
    let mut words = [String::new(), String::new()];
    loop {
        let (begin, end) = token(create, at)?;
        let word = create[begin..end].to_ascii_uppercase();
        at = end;
        if words == ["FOR", "EACH"] && word == "ROW" {
            break;
        }
        words.rotate_left(1);
        words[1] = word;
    }
    let (begin, end) = token(create, at)?;
    if ["FOLLOWS", "PRECEDES"].contains(&create[begin..end].to_ascii_uppercase().as_str()) {
        let (_, name) = token(create, end)?;
        return token(create, name).map(|(begin, _)| begin);
    }
    Some(begin)
}

/// The next word, quoted name or other character from `at` on, behind spaces and comments.
fn token(text: &str, at: usize) -> Option<(usize, usize)> {
    let mut begin = at;
    loop {
        let rest = &text[begin..];
        let trimmed = rest.trim_start();
        begin += rest.len() - trimmed.len();
        let end = match trimmed {
            comment if comment.starts_with("/*") => comment.find("*/").map(|end| end + 2),
            comment if comment.starts_with("-- ") || comment.starts_with('#') => comment.find('\n'),
            _ => break,
        };
        begin += end?;
    }
    let rest = &text[begin..];
    let first = rest.chars().next()?;
    if matches!(first, '`' | '"' | '\'') {
        // A doubled quote begins a quoted part of its own, which changes nothing here.
        return rest[1..].find(first).map(|end| (begin, begin + end + 2));
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let length = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
    Some((begin, begin + length))
}

/// Whether a name is that of a trigger that this program made.
pub(in crate::engine::mysql) fn is_own(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// A table under its database's name.
pub(super) fn at(database: &str, table: &str) -> Sql {
    Sql::new(EngineKind::Mysql).name(database).lit(".").name(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_goes_around_the_body_and_off_again() {
        for (head, body) in [
            ("CREATE TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW ", "SET NEW.a = 1"),
            ("SET SESSION sql_mode = 'FOR EACH ROW';\nCREATE TRIGGER x AFTER DELETE ON t for  each\nrow ", "BEGIN END"),
            (
                "create trigger `FOR EACH ROW` /* FOR EACH ROW */ after update on `a``b` for each row follows `z` ",
                "DO 1",
            ),
            (
                "CREATE TRIGGER x AFTER DELETE ON t -- FOR EACH ROW\nFOR EACH ROW PRECEDES y\n",
                "BEGIN IF 1 THEN DO 2; END IF; END",
            ),
        ] {
            let plain = format!("{head}{body}");
            let guarded = guarded(&plain).unwrap();
            assert_eq!(guarded, format!("{head}IF @terp_fixtures_off IS NULL THEN\n{body}\n; END IF"));
            assert_eq!(unguarded(&guarded), plain);
            assert_eq!(unguarded(&plain), plain);
        }
        assert_eq!(guarded("CREATE TRIGGER x"), None);
    }
}
