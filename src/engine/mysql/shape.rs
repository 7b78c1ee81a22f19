//! What a statement does to the shape of the database, told by its first words.
//!
//! All statements come from [`Sql`](crate::engine::sql::Sql) or from the server's own SHOW CREATE, so their beginnings are
//! known.

use super::ddl;

/// What a statement is, for a product whose changes of shape cannot be taken back by a rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// It changes rows: inside the transaction.
    Rows,
    /// It makes or drops a table that only this session sees; the transaction goes on.
    Private,
    /// It makes a table.
    CreateTable {
        /// The table.
        name: String,
        /// Whether it may be there already.
        if_missing: bool,
    },
    /// It adds the marker columns to this table.
    AddMarkers(String),
    /// It makes something else that does no harm before the commit; the statement that undoes it.
    Create(Option<String>),
    /// It takes a trigger away for the time of the transaction.
    DropTrigger(String),
    /// It destroys, or would act on rows: after the commit.
    Later,
}

/// The statement behind the setting that its body was made with.
fn body(text: &str) -> &str {
    match text.strip_prefix("SET SESSION sql_mode = ") {
        Some(rest) => rest.split_once(";\n").map_or(text, |(_, body)| body),
        None => text,
    }
}

/// Reads the first words of a statement.
pub(super) fn of(text: &str) -> Shape {
    let text = body(text);
    let head: Vec<String> = text.split_whitespace().take(8).map(str::to_ascii_uppercase).collect();
    let word = |at: usize| head.get(at).map_or("", String::as_str);
    let name = || ddl::first_name(text).unwrap_or_default();
    match (word(0), word(1)) {
        ("CREATE" | "DROP", "TEMPORARY") => Shape::Private,
        ("CREATE", "TABLE") => Shape::CreateTable { name: name(), if_missing: word(2) == "IF" },
        ("CREATE", "INDEX") => Shape::Create(None),
        ("CREATE", _) => created(&head, &name()),
        ("ALTER", "TABLE") if text.contains(" ADD COLUMN ") => Shape::AddMarkers(name()),
        ("RENAME", "TABLE") => Shape::Create(Some(back(text))),
        ("DROP", "TRIGGER") => Shape::DropTrigger(name()),
        ("ALTER" | "DROP", _) => Shape::Later,
        _ => Shape::Rows,
    }
}

/// The statement that takes a RENAME of whole names back.
fn back(text: &str) -> String {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(name) = ddl::first_name(rest) {
        let quoted = crate::engine::sql::Sql::new(crate::model::schema::EngineKind::Mysql).name(&name);
        rest = rest.split_once(quoted.text()).map_or("", |(_, rest)| rest);
        names.push(quoted.text().to_owned());
    }
    let (moves, _) = names.as_chunks::<4>();
    let back = moves.iter().map(|[from, old, to, new]| format!("{to}.{new} TO {from}.{old}"));
    format!("RENAME TABLE {}", back.collect::<Vec<_>>().join(", "))
}

/// A CREATE of anything but a table; options may stand between the first word and the object's.
fn created(head: &[String], name: &str) -> Shape {
    const KINDS: [(&str, &str); 4] = [
        ("VIEW", "DROP VIEW IF EXISTS "),
        ("FUNCTION", "DROP FUNCTION IF EXISTS "),
        ("PROCEDURE", "DROP PROCEDURE IF EXISTS "),
        ("SEQUENCE", "DROP SEQUENCE IF EXISTS "),
    ];
    for word in head {
        if ["TRIGGER", "EVENT"].contains(&word.as_str()) {
            return Shape::Later;
        }
        if let Some((_, drop)) = KINDS.iter().find(|(kind, _)| kind == word) {
            let quoted = crate::engine::sql::Sql::new(crate::model::schema::EngineKind::Mysql).name(name);
            return Shape::Create(Some(format!("{drop}{}", quoted.text())));
        }
    }
    Shape::Later
}

/// Whether a statement makes a trigger.
pub(super) fn makes_trigger(text: &str) -> bool {
    let text = body(text);
    text.starts_with("CREATE ") && text.split_whitespace().take(8).any(|word| word.eq_ignore_ascii_case("TRIGGER"))
}

/// The table or object that a statement drops, with the word for its kind.
pub(super) fn dropped(text: &str) -> Option<(String, String)> {
    let mut words = text.split_whitespace();
    (words.next()? == "DROP").then_some(())?;
    Some((words.next()?.to_owned(), ddl::first_name(text)?))
}

/// The table whose markers a statement drops.
pub(super) fn unmarked(text: &str) -> Option<String> {
    (text.starts_with("ALTER TABLE ") && text.contains(" DROP COLUMN ")).then(|| ddl::first_name(text))?
}

/// Whether a statement adds or drops markers.
pub(super) fn is_of_markers(text: &str) -> bool {
    unmarked(text).is_some() || matches!(of(text), Shape::AddMarkers(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_decide() {
        assert_eq!(of("INSERT INTO `t` SELECT 1"), Shape::Rows);
        assert_eq!(of("CREATE TEMPORARY TABLE `s` AS SELECT 1"), Shape::Private);
        assert_eq!(
            of("CREATE TABLE IF NOT EXISTS `t` (a int)"),
            Shape::CreateTable { name: "t".into(), if_missing: true }
        );
        assert_eq!(of("ALTER TABLE `t` ADD COLUMN `x` TEXT"), Shape::AddMarkers("t".into()));
        assert_eq!(of("ALTER TABLE `t` AUTO_INCREMENT = 3"), Shape::Later);
        assert_eq!(of("DROP VIEW IF EXISTS `v`"), Shape::Later);
        assert_eq!(of("DROP TRIGGER `x`"), Shape::DropTrigger("x".into()));
        let view = "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select 1";
        assert_eq!(of(view), Shape::Create(Some("DROP VIEW IF EXISTS `v`".into())));
        let trigger =
            "SET SESSION sql_mode = 'ANSI_QUOTES';\nCREATE TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW SET @a = 1";
        assert_eq!(of(trigger), Shape::Later);
        assert_eq!(
            of("RENAME TABLE `a`.`x``y` TO `b`.`x``y`, `a`.`t` TO `b`.`t`"),
            Shape::Create(Some("RENAME TABLE `b`.`x``y` TO `a`.`x``y`, `b`.`t` TO `a`.`t`".into()))
        );
        assert_eq!(dropped("DROP TABLE `t`"), Some(("TABLE".into(), "t".into())));
        assert!(
            is_of_markers("ALTER TABLE `t` ADD COLUMN `x` TEXT")
                && !is_of_markers("ALTER TABLE `t` AUTO_INCREMENT = 3")
        );
        assert_eq!(unmarked("ALTER TABLE `t` DROP COLUMN `a`, DROP COLUMN `b`").as_deref(), Some("t"));
    }
}
