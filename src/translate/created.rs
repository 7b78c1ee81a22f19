//! What only the statement says that created a table: defaults, generated columns, checks, counters, and MySQL's indexes.

use super::token::{Token, behind_bracket, parts, tokens};
use crate::model::schema::EngineKind;

/// A CREATE TABLE statement, read.
pub(super) struct Created {
    engine: EngineKind,
    tokens: Vec<Token>,
    open: usize,
}

/// An index, as far as engines have it in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    /// Its name, without a schema.
    pub(super) name: String,
    /// Whether it is unique.
    pub(super) unique: bool,
    /// Its columns, and whether each is descending; None where it is over expressions or of a kind of its own.
    pub(super) columns: Option<Vec<(String, bool)>>,
    /// The condition of a partial one.
    pub(super) condition: Vec<Token>,
}

impl Created {
    pub(super) fn read(engine: EngineKind, create: &str) -> Self {
        let tokens = tokens(engine, create);
        let open = tokens.iter().position(|token| token.is_sign("(")).unwrap_or(tokens.len());
        Self { engine, tokens, open }
    }

    fn items(&self) -> Vec<&[Token]> {
        if self.open == self.tokens.len() { Vec::new() } else { parts(&self.tokens, self.open) }
    }

    /// The words behind the columns and constraints.
    pub(super) fn tail(&self) -> &[Token] {
        self.tokens.get(behind_bracket(&self.tokens, self.open)..).unwrap_or_default()
    }

    fn is_constraint(&self, item: &[Token]) -> bool {
        const WORDS: [&str; 6] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE"];
        match item.first() {
            Some(first @ Token::Word(_)) => self.is_mysql() || WORDS.iter().any(|word| first.is(word)),
            _ => false,
        }
    }

    fn is_mysql(&self) -> bool {
        matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb)
    }

    /// What is said about a column behind its name.
    pub(super) fn column(&self, name: &str) -> Option<&[Token]> {
        let is = |item: &&[Token]| {
            !self.is_constraint(item) && item.first().and_then(Token::identifier).is_some_and(|found| found == name)
        };
        self.items().into_iter().find(is)?.get(1..)
    }

    /// The default of a column: the tokens from its first one on.
    pub(super) fn default(&self, column: &str) -> Option<&[Token]> {
        let tokens = self.column(column)?;
        let at = top_level(tokens, |tokens, at| tokens[at].is("DEFAULT") && !(at > 0 && tokens[at - 1].is("BY")))?;
        tokens.get(at + 1..)
    }

    /// The expression of a generated column.
    pub(super) fn generated(&self, column: &str) -> Option<&[Token]> {
        let tokens = self.column(column)?;
        let at = top_level(tokens, |tokens, at| {
            tokens[at].is("AS") && tokens.get(at + 1).is_some_and(|next| next.is_sign("("))
        })?;
        tokens.get(at + 2..behind_bracket(tokens, at + 1).saturating_sub(1))
    }

    /// Whether the engine counts a column up by itself.
    pub(super) fn counts(&self, column: &str) -> bool {
        let words = ["IDENTITY", "AUTO_INCREMENT", "AUTOINCREMENT"];
        let tokens = self.column(column).unwrap_or_default();
        tokens.iter().any(|token| words.iter().any(|word| token.is(word)))
            || self.default(column).is_some_and(|default| default.first().is_some_and(|token| token.is("nextval")))
    }

    /// The expressions of all checks.
    pub(super) fn checks(&self) -> Vec<Vec<Token>> {
        self.items().into_iter().flat_map(super::neutral::checks).collect()
    }

    /// Whether the words stand one behind the other somewhere in the statement.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        self.tokens.windows(words.len()).any(|window| window.iter().zip(words).all(|(token, word)| token.is(word)))
    }

    /// The collation of the table itself (MySQL).
    pub(super) fn collation(&self) -> Option<String> {
        let tail = self.tail();
        let at = tail.iter().position(|token| token.is("COLLATE"))?;
        tail[at + 1..].iter().find_map(Token::identifier).map(str::to_owned)
    }

    /// The indexes that MySQL lists among the columns.
    pub(super) fn keys(&self) -> Vec<Index> {
        self.items().into_iter().filter(|_| self.is_mysql()).filter_map(key).collect()
    }
}

/// Where `test` first holds outside of brackets.
fn top_level(tokens: &[Token], test: impl Fn(&[Token], usize) -> bool) -> Option<usize> {
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is_sign("(") {
            at = behind_bracket(tokens, at);
            continue;
        }
        if test(tokens, at) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// `[UNIQUE|FULLTEXT|SPATIAL] KEY name (columns) ...`.
fn key(item: &[Token]) -> Option<Index> {
    let at = item.iter().position(|token| token.is("KEY") || token.is("INDEX"))?;
    let plain = match item.get(..at)? {
        [] => true,
        [word] if word.is("UNIQUE") => true,
        [word] if word.is("FULLTEXT") || word.is("SPATIAL") => false,
        _ => return None,
    };
    let name = item.get(at + 1)?.identifier()?.to_owned();
    let open = item.iter().position(|token| token.is_sign("("))?;
    let columns = if plain { columns(&parts(item, open)) } else { None };
    Some(Index { name, unique: item.first()?.is("UNIQUE"), columns, condition: Vec::new() })
}

/// Plain columns. MySQL's lengths of prefixes are left out: the whole column is indexed instead.
fn columns(parts: &[&[Token]]) -> Option<Vec<(String, bool)>> {
    let column = |part: &&[Token]| {
        let name = part.first()?.identifier()?.to_owned();
        let rest = &part[1..];
        let prefix = matches!(rest, [open, Token::Number(_), close, ..] if open.is_sign("(") && close.is_sign(")"));
        let is_call = !prefix && rest.first().is_some_and(|token| token.is_sign("(") || token.is_sign("."));
        let operators = rest.iter().any(|token| matches!(token, Token::Sign(sign) if !["(", ")"].contains(&&**sign)));
        (!is_call && !operators).then(|| (name, rest.iter().any(|token| token.is("DESC"))))
    };
    parts.iter().map(column).collect()
}

/// Reads a CREATE INDEX statement.
pub(super) fn index(engine: EngineKind, create: &str) -> Option<Index> {
    let tokens = tokens(engine, create);
    let on = tokens.iter().position(|token| token.is("ON"))?;
    let name = tokens.get(..on)?.iter().rev().find_map(Token::identifier)?.to_owned();
    let open = on + tokens.get(on..)?.iter().position(|token| token.is_sign("("))?;
    let behind = behind_bracket(&tokens, open);
    let method = tokens[on..open].iter().position(|token| token.is("USING")).and_then(|at| tokens.get(on + at + 1));
    let plain = method.is_none_or(|method| method.is("btree") || method.is("hash"));
    let filter = tokens[behind..].iter().position(|token| token.is("WHERE"));
    let condition = filter.map(|at| tokens[behind + at + 1..].to_vec()).unwrap_or_default();
    Some(Index {
        name,
        unique: tokens.get(1)?.is("UNIQUE"),
        columns: if plain { columns(&parts(&tokens, open)) } else { None },
        condition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mysql_statement_tells_defaults_counters_and_keys() {
        let text = "CREATE TABLE `t` (\n  `id` bigint unsigned NOT NULL AUTO_INCREMENT,\n  `key` varchar(10) NOT NULL DEFAULT 'a,b' \
            COMMENT 'it, too',\n  `g` int GENERATED ALWAYS AS (`a` + 1) STORED,\n  PRIMARY KEY (`id`),\n  \
            UNIQUE KEY `u` (`key`),\n  KEY `k` (`key`(4),`id` DESC),\n  FULLTEXT KEY `f` (`key`),\n  CONSTRAINT `c` CHECK \
            ((`id` > 0))\n) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci";
        let created = Created::read(EngineKind::Mysql, text);
        assert!(created.counts("id") && !created.counts("key"));
        assert_eq!(created.default("key").unwrap()[0], Token::Text("a,b".into()));
        assert_eq!(created.default("id"), None);
        assert_eq!(created.generated("g").unwrap().len(), 3);
        assert_eq!(created.checks().len(), 1);
        assert_eq!(created.collation().as_deref(), Some("utf8mb4_0900_ai_ci"));
        let keys = created.keys();
        assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["u", "k", "f"]);
        assert!(keys[0].unique && !keys[1].unique && keys[2].columns.is_none());
        assert_eq!(keys[1].columns, Some(vec![("key".into(), false), ("id".into(), true)]));
    }

    #[test]
    fn an_identity_is_no_default() {
        let text = "CREATE TABLE t (\n    id bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME t_id_seq),\n    key integer DEFAULT \
            nextval('x'::regclass) NOT NULL,\n    CONSTRAINT k EXCLUDE USING gist (r WITH &&)\n)\nPARTITION BY HASH (id)";
        let created = Created::read(EngineKind::Postgres, text);
        assert!(created.default("id").is_none() && created.counts("id") && created.counts("key"));
        assert!(created.says(&["EXCLUDE"]) && created.says(&["PARTITION", "BY"]));
    }

    #[test]
    fn indexes_are_plain_or_not() {
        let read = |text| index(EngineKind::Postgres, text).unwrap();
        let plain = read("CREATE UNIQUE INDEX \"A b\" ON sales.t USING btree (a, b DESC NULLS LAST) WHERE (a > 1)");
        assert_eq!((plain.name.as_str(), plain.unique, plain.condition.len()), ("A b", true, 5));
        assert_eq!(plain.columns, Some(vec![("a".into(), false), ("b".into(), true)]));
        assert_eq!(read("CREATE INDEX i ON public.t USING gin (a)").columns, None);
        assert_eq!(read("CREATE INDEX i ON public.t USING btree (lower(a))").columns, None);
        assert_eq!(read("CREATE INDEX i ON public.t USING btree (((a + b)))").columns, None);
    }
}
