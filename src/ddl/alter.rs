//! One action of an ALTER TABLE.

use super::schema::Unread;
use super::table::{self, Draft};
use super::types::{self, Owns};
use super::words::Words;
use crate::model::schema::EngineKind;
use sqlparser::tokenizer::Token;

/// Actions that change nothing that a catalogue here has.
const PASSED: &[&str] = &[
    "OWNER",
    "ENABLE",
    "DISABLE",
    "ENGINE",
    "AUTO_INCREMENT",
    "CONVERT",
    "CHARACTER",
    "CHARSET",
    "DEFAULT",
    "COMMENT",
    "REPLICA",
    "CLUSTER",
    "VALIDATE",
    "SET",
    "RESET",
    "INHERIT",
    "NO",
    "ROW_FORMAT",
    "KEY_BLOCK_SIZE",
    "ALGORITHM",
    "LOCK",
    "ORDER",
    "FORCE",
    "NOT",
    "PARTITION",
    "DETACH",
    "COLLATE",
    "DISCARD",
    "IMPORT",
    "STATS_PERSISTENT",
    "WITH",
    "WITHOUT",
    "COALESCE",
    "REORGANIZE",
    "EXCHANGE",
    "ANALYZE",
    "CHECK",
    "OPTIMIZE",
    "REBUILD",
    "REPAIR",
    "REMOVE",
    "TRUNCATE",
    "OF",
    "OPTIONS",
    "COMPRESSION",
    "MAX_ROWS",
    "ENCRYPTION",
    "TABLESPACE",
    "FORCE",
];

const WHAT: Unread = Unread::Table("ALTER TABLE");

/// Reads it.
pub(super) fn action(mut words: Words<'_>, draft: &mut Draft, engine: EngineKind, owns: &Owns) -> Result<(), Unread> {
    if words.take(&["ADD"]) {
        return add(words, draft, owns);
    }
    if words.take(&["DROP"]) {
        return drop_from(words, draft, engine);
    }
    if words.take(&["MODIFY"]) {
        words.take(&["COLUMN"]);
        words.take(&["IF", "EXISTS"]);
        let defined = table::define(words, draft, owns).ok_or(WHAT)?;
        let at = draft.find(&defined.column.name).ok_or(MISSING)?;
        draft.put(defined, Some(at));
        return Ok(());
    }
    if words.take(&["CHANGE"]) {
        words.take(&["COLUMN"]);
        words.take(&["IF", "EXISTS"]);
        let at = words.name().and_then(|old| draft.find(&old)).ok_or(MISSING)?;
        let defined = table::define(words, draft, owns).ok_or(WHAT)?;
        draft.put(defined, Some(at));
        return Ok(());
    }
    if words.take(&["RENAME"]) {
        return rename(words, draft);
    }
    if words.take(&["ALTER"]) {
        return alter_column(words, draft, owns);
    }
    if words.is_any(PASSED) { Ok(()) } else { Err(WHAT) }
}

/// A column that an action speaks of and that nobody has seen: something before was not read.
const MISSING: Unread = Unread::Table("ALTER TABLE of a column that is not there");

fn add(mut words: Words<'_>, draft: &mut Draft, owns: &Owns) -> Result<(), Unread> {
    if words.is_any(&["PARTITION", "SYSTEM", "PERIOD"]) {
        return Ok(());
    }
    let says_column = words.take(&["COLUMN"]);
    let lenient = words.take(&["IF", "NOT", "EXISTS"]);
    if let Some(group) = words.clone().group().filter(|_| words.is_open()) {
        for part in group.parts() {
            add(part, draft, owns)?;
        }
        return Ok(());
    }
    // PRIMARY KEY USING INDEX and UNIQUE USING INDEX of PostgreSQL make a constraint of an index that is there.
    if !says_column && words.raw().to_ascii_uppercase().contains("USING INDEX") {
        return Ok(());
    }
    if !says_column && table::constraint(words, draft) {
        return Ok(());
    }
    let defined = table::define(words, draft, owns).ok_or(WHAT)?;
    match draft.find(&defined.column.name) {
        Some(_) if lenient => Ok(()),
        Some(_) => Err(Unread::Table("ALTER TABLE adds a column that is there already")),
        None => {
            draft.put(defined, None);
            Ok(())
        }
    }
}

fn drop_from(mut words: Words<'_>, draft: &mut Draft, engine: EngineKind) -> Result<(), Unread> {
    if words.take(&["PRIMARY", "KEY"]) {
        draft.primary.clear();
        return Ok(());
    }
    if words.is_any(&["PARTITION", "SYSTEM", "PERIOD"]) {
        return Ok(());
    }
    let is_key = words.take(&["CONSTRAINT"])
        || words.take(&["INDEX"])
        || words.take(&["FOREIGN", "KEY"])
        || (words.is_mysql() && (words.take(&["KEY"]) || words.take(&["CHECK"])));
    if !is_key {
        words.take(&["COLUMN"]);
    }
    let lenient = words.take(&["IF", "EXISTS"]);
    let name = words.name().ok_or(WHAT)?;
    if is_key {
        drop_key(&name, draft, engine);
        return Ok(());
    }
    match draft.find(&name) {
        Some(at) => draft.drop_column(at, engine),
        None if lenient => {}
        None => return Err(MISSING),
    }
    Ok(())
}

fn drop_key(name: &str, draft: &mut Draft, engine: EngineKind) {
    let plain = draft.name.name.clone();
    let usual = |columns: &[String], end: &str| {
        engine == EngineKind::Postgres && name == format!("{plain}_{}_{end}", columns.join("_"))
    };
    draft.uniques.retain(|key| match &key.name {
        Some(own) => own != name,
        None => {
            !usual(&key.columns, "key")
                && !(engine != EngineKind::Postgres && key.columns.first().is_some_and(|first| first == name))
        }
    });
    let mut number = 0;
    draft.foreign.retain(|key| {
        number += 1;
        match &key.name {
            Some(own) => own != name,
            None => !usual(&key.columns, "fkey") && name != format!("{plain}_ibfk_{number}"),
        }
    });
    draft.checks.retain(|(own, _)| own.as_deref() != Some(name));
    let primary = draft.primary_name.as_deref() == Some(name)
        || (engine == EngineKind::Postgres && name == format!("{plain}_pkey"));
    if primary {
        draft.primary.clear();
    }
}

fn rename(mut words: Words<'_>, draft: &mut Draft) -> Result<(), Unread> {
    if words.is_any(&["INDEX", "KEY", "CONSTRAINT"]) && words.word(2).as_deref() == Some("TO") {
        words.skip(1);
        let from = words.name();
        words.take(&["TO"]);
        let to = words.name();
        draft.uniques.iter_mut().filter(|key| key.name == from).for_each(|key| key.name.clone_from(&to));
        draft.foreign.iter_mut().filter(|key| key.name == from).for_each(|key| key.name.clone_from(&to));
        return Ok(());
    }
    words.take(&["COLUMN"]);
    let from = words.name().ok_or(WHAT)?;
    if !words.take(&["TO"]) {
        return Err(WHAT);
    }
    let to = words.name().ok_or(WHAT)?;
    let at = draft.find(&from).ok_or(MISSING)?;
    let old = std::mem::replace(&mut draft.columns[at].name, to.clone());
    draft.renamed(&old, &to);
    Ok(())
}

fn alter_column(mut words: Words<'_>, draft: &mut Draft, owns: &Owns) -> Result<(), Unread> {
    if words.is_any(&["INDEX", "CHECK", "CONSTRAINT"]) {
        return Ok(());
    }
    words.take(&["COLUMN"]);
    let at = words.name().and_then(|name| draft.find(&name)).ok_or(MISSING)?;
    if words.take(&["SET", "DATA", "TYPE"]) || words.take(&["TYPE"]) {
        let found = types::take(&mut words, owns);
        let column = &mut draft.columns[at];
        (column.declared, column.family, column.length) = (found.declared, found.family, found.length);
    } else if words.take(&["SET", "NOT", "NULL"]) {
        draft.columns[at].nullable = false;
    } else if words.take(&["DROP", "NOT", "NULL"]) {
        draft.columns[at].nullable = true;
    } else if words.take(&["SET", "DEFAULT"]) {
        draft.columns[at].default = Some(words.raw().to_owned());
    } else if words.take(&["DROP", "DEFAULT"]) {
        draft.columns[at].default = None;
    } else if words.is(&["ADD", "GENERATED"]) {
        draft.counter = true;
        draft.columns[at].default = Some("generated as identity".to_owned());
    } else if words.take(&["DROP", "EXPRESSION"]) {
        draft.columns[at].generated = false;
    } else if words.take(&["DROP", "IDENTITY"]) {
        draft.columns[at].default = None;
    } else if !words.is_any(&["SET", "RESET", "RESTART"]) && !words.clone().take_sign(&Token::EOF) {
        return Err(WHAT);
    }
    Ok(())
}
