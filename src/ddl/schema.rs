//! Statement by statement to a schema: what creates, changes or drops tables is read, the rest is passed over.

use super::table::{self, Draft, Key};
use super::types::{self, Own, Owns, Type};
use super::words::Words;
use crate::model::schema::{EngineKind, SchemaObject, TableKind, TableName};
use sqlparser::tokenizer::Token;

/// What a statement could not be read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It changes a table: without it the schema is wrong.
    Table(&'static str),
    /// Nobody knows what it is.
    Unknown,
}

type Read = Result<(), Unread>;

/// Statements that change no table, by their first word.
const PASSED: &[&str] = &[
    "SET",
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "REPLACE",
    "MERGE",
    "COPY",
    "GRANT",
    "REVOKE",
    "BEGIN",
    "START",
    "COMMIT",
    "ROLLBACK",
    "END",
    "PRAGMA",
    "USE",
    "LOCK",
    "UNLOCK",
    "ANALYZE",
    "VACUUM",
    "EXPLAIN",
    "DO",
    "CALL",
    "SHOW",
    "FLUSH",
    "TRUNCATE",
    "REINDEX",
    "REFRESH",
    "SAVEPOINT",
    "RELEASE",
    "SECURITY",
    "CLUSTER",
    "CHECKPOINT",
    "NOTIFY",
    "REASSIGN",
    "DISCARD",
    "RESET",
    "WITH",
    "VALUES",
    "ATTACH",
    "DETACH",
    "IMPORT",
    "LOAD",
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
    "OPTIMIZE",
    "REPAIR",
    "CHANGE",
    "IF",
    "DECLARE",
];

/// What is created, altered or dropped besides tables.
const OBJECTS: &[&str] = &[
    "VIEW",
    "MATERIALIZED",
    "FUNCTION",
    "PROCEDURE",
    "TRIGGER",
    "EVENT",
    "SEQUENCE",
    "EXTENSION",
    "SCHEMA",
    "DATABASE",
    "ROLE",
    "USER",
    "GROUP",
    "POLICY",
    "PUBLICATION",
    "SUBSCRIPTION",
    "RULE",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "OPERATOR",
    "LANGUAGE",
    "SERVER",
    "STATISTICS",
    "TABLESPACE",
    "TEXT",
    "DEFAULT",
    "LARGE",
    "CONVERSION",
    "ACCESS",
    "CONSTRAINT",
    "ALGORITHM",
    "DEFINER",
    "SQL",
    "AGGREGATE",
    "TRANSFORM",
    "SYSTEM",
    "LOGFILE",
    "RESOURCE",
    "PACKAGE",
    "TRUSTED",
    "PROCEDURAL",
    "OWNED",
    "PREPARE",
    "INDEX",
];

/// The schema so far.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) engine: EngineKind,
    pub(super) drafts: Vec<Draft>,
    pub(super) pre: Vec<SchemaObject>,
    pub(super) post: Vec<SchemaObject>,
    owns: Owns,
    /// The schema of names that say none.
    current: Option<String>,
}

impl Schema {
    pub(super) fn new(engine: EngineKind) -> Self {
        Self { engine, drafts: Vec::new(), pre: Vec::new(), post: Vec::new(), owns: Owns::new(), current: None }
    }

    /// Reads one statement.
    pub(super) fn read(&mut self, mut words: Words<'_>) -> Read {
        let whole = words;
        if words.is(&["CREATE"]) {
            words.skip(1);
            return self.create(words, whole.raw());
        }
        if words.take(&["ALTER", "TABLE"]) || words.take(&["ALTER", "FOREIGN", "TABLE"]) {
            return self.alter(words);
        }
        if words.take(&["ALTER", "SEQUENCE"]) {
            self.own_sequence(words);
            return Ok(());
        }
        if words.take(&["ALTER", "TYPE"]) {
            return self.alter_type(words);
        }
        if words.take(&["DROP", "TABLE"]) || words.take(&["DROP", "FOREIGN", "TABLE"]) {
            words.take(&["IF", "EXISTS"]);
            for mut part in words.parts() {
                let name = part.table().ok_or(Unread::Table("DROP TABLE"))?;
                let name = self.placed(name);
                self.drafts.retain(|draft| !table::same(&draft.name, &name, self.engine));
            }
            return Ok(());
        }
        if words.take(&["COMMENT", "ON"]) {
            return self.comment(words);
        }
        if words.take(&["DROP", "INDEX"]) {
            words.take(&["CONCURRENTLY"]);
            words.take(&["IF", "EXISTS"]);
            let name = words.table().ok_or(Unread::Unknown)?.name;
            let of = words.take(&["ON"]).then(|| words.table()).flatten();
            for draft in &mut self.drafts {
                if of.as_ref().is_none_or(|of| table::same(&draft.name, of, self.engine)) {
                    draft.uniques.retain(|key| key.name.as_deref() != Some(&name));
                }
            }
            return Ok(());
        }
        if words.take(&["RENAME", "TABLE"]) {
            for mut part in words.parts() {
                let (from, to) = (part.table(), part.take(&["TO"]).then(|| part.table()).flatten());
                let (Some(from), Some(to)) = (from, to) else { return Err(Unread::Table("RENAME TABLE")) };
                self.rename(&from, to)?;
            }
            return Ok(());
        }
        if words.take(&["SET", "SEARCH_PATH"]) {
            words.skip(1);
            let first = words.parts().first().and_then(|part| part.clone().name());
            self.current = first.filter(|name| !["", "public", "pg_catalog"].contains(&name.as_str()));
            return Ok(());
        }
        let second = words.word(1).unwrap_or_default();
        let known = words.is_any(PASSED) || (words.is_any(&["ALTER", "DROP"]) && is_object(&second));
        if known { Ok(()) } else { Err(Unread::Unknown) }
    }

    /// `ALTER SEQUENCE s OWNED BY t.c`: the table has a counter.
    fn own_sequence(&mut self, mut words: Words<'_>) {
        while !words.is_empty() && !words.take(&["OWNED", "BY"]) {
            words.skip(1);
        }
        let column = words.raw();
        for draft in &mut self.drafts {
            let table = &draft.name;
            let owned = draft.columns.iter().any(|of| {
                let plain = column.replace('"', "");
                plain == format!("{table}.{}", of.name) || plain == format!("public.{table}.{}", of.name)
            });
            draft.counter |= owned;
        }
    }

    fn placed(&self, name: TableName) -> TableName {
        match &self.current {
            Some(current) if name.schema.is_none() => TableName { schema: Some(current.clone()), ..name },
            _ => name,
        }
    }

    fn find(&mut self, name: TableName) -> Option<usize> {
        let name = self.placed(name);
        self.drafts.iter().position(|draft| table::same(&draft.name, &name, self.engine))
    }

    fn create(&mut self, mut words: Words<'_>, whole: &str) -> Read {
        words.take(&["OR", "REPLACE"]);
        let temporary = words.take(&["GLOBAL", "TEMPORARY"]) || words.take(&["TEMPORARY"]) || words.take(&["TEMP"]);
        words.take(&["UNLOGGED"]);
        if words.take(&["TABLE"]) || words.take(&["FOREIGN", "TABLE"]) {
            return if temporary { Ok(()) } else { self.create_table(words, whole) };
        }
        if words.take(&["VIRTUAL", "TABLE"]) {
            return self.create_virtual(words, whole);
        }
        if words.take(&["UNIQUE"]) {
            while !words.is_empty() && !words.take(&["INDEX"]) {
                words.skip(1);
            }
            return self.create_unique(words, whole);
        }
        if words.take(&["TYPE"]) {
            return self.create_type(words);
        }
        if words.take(&["DOMAIN"]) {
            return self.create_domain(words);
        }
        let object = words.word(0).unwrap_or_default();
        let of_index = ["CLUSTERED", "FULLTEXT", "SPATIAL", "VECTOR", "HYPERTABLE"].contains(&object.as_str());
        if is_object(&object) || of_index { Ok(()) } else { Err(Unread::Unknown) }
    }

    fn create_table(&mut self, mut words: Words<'_>, whole: &str) -> Read {
        const WHAT: Unread = Unread::Table("CREATE TABLE");
        let lenient = words.take(&["IF", "NOT", "EXISTS"]);
        let name = words.table().ok_or(WHAT)?;
        let name = self.placed(name);
        if self.find(name.clone()).is_some() {
            // Written twice: the first one counts, as it does for a database.
            return if lenient { Ok(()) } else { Err(Unread::Table("a second CREATE TABLE of the same table")) };
        }
        let mut draft = Draft::new(name, self.engine);
        whole.clone_into(&mut draft.create);
        if words.take(&["PARTITION", "OF"]) {
            return Ok(());
        }
        if words.take(&["LIKE"]) {
            return self.create_like(words, draft);
        }
        let body = words.group().ok_or(Unread::Table("CREATE TABLE without a list of columns"))?;
        let options = words;
        draft.collation = if draft.kind == TableKind::Ordinary { collation_of(options) } else { None };
        for part in body.parts() {
            let mut rest = part;
            if rest.take(&["LIKE"]) {
                let of = rest.table().and_then(|name| self.find(name)).ok_or(WHAT)?;
                draft.columns.extend(self.drafts[of].columns.clone());
            } else if !table::constraint(part, &mut draft) {
                let defined = table::define(part, &draft, &self.owns).ok_or(WHAT)?;
                draft.put(defined, None);
            }
        }
        let mut rest = options;
        while !rest.is_empty() {
            if rest.take(&["INHERITS"]) {
                self.inherit(rest.group().ok_or(WHAT)?, &mut draft)?;
            } else if rest.is_any(&["AS", "SELECT"]) {
                return Err(Unread::Table("CREATE TABLE from a query"));
            } else if rest.is(&["SERVER"]) {
                draft.kind = TableKind::Virtual;
                rest.skip(1);
            } else {
                draft.strict |= rest.is(&["STRICT"]);
                rest.pass();
            }
        }
        if draft.columns.is_empty() && self.engine != EngineKind::Postgres {
            return Err(WHAT);
        }
        self.own_rules(&mut draft);
        self.drafts.push(draft);
        Ok(())
    }

    /// What an engine makes of a table that does not say it.
    fn own_rules(&self, draft: &mut Draft) {
        if self.engine != EngineKind::Sqlite {
            return;
        }
        let tail = draft.create.rsplit(')').next().unwrap_or_default().to_ascii_uppercase();
        if tail.contains("WITHOUT") {
            for name in draft.primary.clone() {
                if let Some(at) = draft.find(&name) {
                    draft.columns[at].nullable = false;
                }
            }
        }
    }

    /// A child of old-style inheritance has its parents' columns first, and shares its rows with them.
    fn inherit(&mut self, parents: Words<'_>, draft: &mut Draft) -> Read {
        draft.kind = TableKind::Virtual;
        let mut columns = Vec::new();
        for mut part in parents.parts() {
            let at = part.table().and_then(|name| self.find(name)).ok_or(Unread::Table("CREATE TABLE"))?;
            self.drafts[at].kind = TableKind::Virtual;
            columns.extend(self.drafts[at].columns.clone());
        }
        draft.columns.retain(|own| !columns.iter().any(|column| column.name == own.name));
        columns.append(&mut draft.columns);
        draft.columns = columns;
        Ok(())
    }

    fn create_like(&mut self, mut words: Words<'_>, draft: Draft) -> Read {
        let at = words.table().and_then(|name| self.find(name)).ok_or(Unread::Table("CREATE TABLE"))?;
        let other = self.drafts[at].clone();
        self.drafts.push(Draft { name: draft.name, foreign: Vec::new(), ..other });
        Ok(())
    }

    fn create_virtual(&mut self, mut words: Words<'_>, whole: &str) -> Read {
        words.take(&["IF", "NOT", "EXISTS"]);
        let name = words.table().ok_or(Unread::Table("CREATE VIRTUAL TABLE"))?;
        let mut draft = Draft::new(name.clone(), self.engine);
        draft.kind = TableKind::Virtual;
        draft.strict = false;
        whole.clone_into(&mut draft.create);
        words.take(&["USING"]);
        let module = words.word(0).unwrap_or_default();
        words.skip(1);
        for mut part in words.group().map(|group| group.parts()).unwrap_or_default() {
            let is_option = part.raw().contains('=');
            if let Some(column) = part.name().filter(|_| !is_option) {
                draft.columns.push(table::untyped(column));
            }
        }
        let shadows: &[&str] = match module.as_str() {
            "FTS5" => &["config", "content", "data", "docsize", "idx"],
            "FTS3" | "FTS4" => &["content", "docsize", "segdir", "segments", "stat"],
            "RTREE" | "RTREE_I32" => &["node", "parent", "rowid"],
            _ => &[],
        };
        self.drafts.push(draft);
        for shadow in shadows {
            let mut draft = Draft::new(TableName::plain(format!("{}_{shadow}", name.name)), self.engine);
            draft.kind = TableKind::Shadow;
            self.drafts.push(draft);
        }
        Ok(())
    }

    fn create_unique(&mut self, mut words: Words<'_>, whole: &str) -> Read {
        const WHAT: Unread = Unread::Table("CREATE UNIQUE INDEX");
        words.take(&["CONCURRENTLY"]);
        words.take(&["IF", "NOT", "EXISTS"]);
        let name = if words.is(&["ON"]) { None } else { words.table().map(|name| name.name) };
        while !words.is_empty() && !words.take(&["ON"]) {
            words.skip(1);
        }
        words.take(&["ONLY"]);
        let of = words.table().ok_or(WHAT)?;
        while !words.is_empty() && !words.is_open() {
            words.skip(1);
        }
        let (columns, mut partial) = words.group().map(|group| table::key_columns(&group)).ok_or(WHAT)?;
        while !words.is_empty() {
            partial |= words.is(&["WHERE"]);
            words.pass();
        }
        // An index of a view, or of a partition.
        let Some(at) = self.find(of) else { return Ok(()) };
        let table = self.drafts[at].name.clone();
        let shown = name.clone().unwrap_or_default();
        self.drafts[at].uniques.push(Key { name, columns, partial });
        let create = whole.to_owned();
        self.post.push(SchemaObject { kind: "index".into(), name: shown, table: Some(table), create });
        Ok(())
    }

    fn create_type(&mut self, mut words: Words<'_>) -> Read {
        let name = words.table().ok_or(Unread::Unknown)?.to_string();
        if words.take(&["AS", "ENUM"]) {
            let labels = words.group().ok_or(Unread::Unknown)?;
            let labels: Vec<&str> = labels.parts().iter().map(Words::raw).collect();
            let create = format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "));
            self.pre.push(SchemaObject { kind: "type".into(), name: name.clone(), table: None, create });
            self.owns.insert(name, Own::Enum);
        } else {
            self.owns.insert(name, Own::Other);
        }
        Ok(())
    }

    /// `ALTER TYPE mood ADD VALUE 'x'`, and `RENAME VALUE 'x' TO 'y'`.
    fn alter_type(&mut self, mut words: Words<'_>) -> Read {
        let name = words.table().ok_or(Unread::Unknown)?.to_string();
        let Some(object) = self.pre.iter_mut().find(|object| object.kind == "type" && object.name == name) else {
            return Ok(());
        };
        if words.take(&["ADD", "VALUE"]) {
            words.take(&["IF", "NOT", "EXISTS"]);
            let start = words;
            words.skip(1);
            let label = start.until(&words).raw();
            if let Some(list) = object.create.strip_suffix(')') {
                object.create = format!("{list}, {label})");
            }
        } else if words.take(&["RENAME", "VALUE"]) {
            let start = words;
            words.skip(1);
            let from = start.until(&words).raw();
            words.take(&["TO"]);
            object.create = object.create.replace(from, words.raw());
        }
        Ok(())
    }

    fn create_domain(&mut self, mut words: Words<'_>) -> Read {
        let name = words.table().ok_or(Unread::Unknown)?.to_string();
        words.take(&["AS"]);
        let base: Type = types::take(&mut words, &self.owns);
        let mut create = format!("CREATE DOMAIN {name} AS {}", base.declared);
        let mut named = None;
        while !words.is_empty() {
            if words.take(&["CONSTRAINT"]) {
                named = words.name();
            } else if words.take(&["CHECK"]) {
                let check = words.group().ok_or(Unread::Unknown)?;
                let named = named.take().unwrap_or_else(|| format!("{name}_check"));
                create.push_str(&format!(" CONSTRAINT {named} CHECK ({})", check.raw()));
            } else {
                words.pass();
            }
        }
        self.pre.push(SchemaObject { kind: "domain".into(), name: name.clone(), table: None, create });
        self.owns.insert(name, Own::Domain(Box::new(base)));
        Ok(())
    }

    /// `COMMENT ON COLUMN s.t.c IS 'text'`, where NULL and an empty text remove it. Other comments are nowhere in a catalogue.
    fn comment(&mut self, mut words: Words<'_>) -> Read {
        if !words.take(&["COLUMN"]) {
            return Ok(());
        }
        let Some((name, column)) = words.column() else { return Err(Unread::Unknown) };
        if !words.take(&["IS"]) {
            return Err(Unread::Unknown);
        }
        let text = words.string().filter(|text| !text.is_empty());
        // A view has columns too, and so has a partition.
        let Some(at) = self.find(name) else { return Ok(()) };
        let draft = &mut self.drafts[at];
        let at = draft.find(&column).ok_or(Unread::Unknown)?;
        draft.columns[at].comment = text;
        Ok(())
    }

    fn rename(&mut self, from: &TableName, to: TableName) -> Read {
        let at = self.find(from.clone()).ok_or(Unread::Table("a rename of a table that is not there"))?;
        let old = self.drafts[at].name.clone();
        let new = TableName { schema: old.schema.clone(), name: to.name };
        for draft in &mut self.drafts {
            draft.foreign.iter_mut().filter(|key| table::same(&key.parent, &old, self.engine)).for_each(|key| {
                key.parent = new.clone();
            });
        }
        self.drafts[at].name = new;
        Ok(())
    }

    fn alter(&mut self, mut words: Words<'_>) -> Read {
        words.take(&["IF", "EXISTS"]);
        words.take(&["ONLY"]);
        let name = words.table().ok_or(Unread::Table("ALTER TABLE"))?;
        words.take_sign(&Token::Mul);
        if words.take(&["ATTACH", "PARTITION"]) {
            // A partition is part of its root.
            let child = words.table().and_then(|child| self.find(child));
            child.map(|at| self.drafts.remove(at));
            return Ok(());
        }
        let Some(at) = self.find(name.clone()) else {
            // Sequences and views are altered as tables in dumps; a partition is not kept.
            let harmless = words.is(&["OWNER"])
                || self.engine == EngineKind::Postgres && !words.is_any(&["ADD", "DROP", "RENAME"]);
            return if harmless { Ok(()) } else { Err(Unread::Table("ALTER TABLE of a table that is not there")) };
        };
        if words.is(&["RENAME"]) && !words.is(&["RENAME", "COLUMN"]) {
            let mut rest = words;
            rest.skip(1);
            let _ = rest.take(&["TO"]) || rest.take(&["AS"]);
            if rest.is_any(&["CONSTRAINT", "INDEX", "KEY"]) {
                return Ok(());
            }
            if let Some(to) = rest.table().filter(|_| rest.is_empty()) {
                return self.rename(&name, to);
            }
        }
        if words.take(&["SET", "SCHEMA"]) {
            let schema = words.name().filter(|schema| schema != "public");
            self.drafts[at].name.schema = schema;
            return Ok(());
        }
        let (engine, owns) = (self.engine, &self.owns);
        for part in words.parts() {
            super::alter::action(part, &mut self.drafts[at], engine, owns)?;
        }
        Ok(())
    }
}

fn is_object(word: &str) -> bool {
    OBJECTS.contains(&word)
}

/// The collation that a table's options name.
fn collation_of(mut options: Words<'_>) -> Option<String> {
    if !options.is_mysql() {
        return None;
    }
    while !options.is_empty() {
        if options.take(&["COLLATE"]) {
            options.take_sign(&Token::Eq);
            return options.name().or_else(|| options.string());
        }
        options.pass();
    }
    None
}
