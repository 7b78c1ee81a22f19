//! Where CHECK constraints stand in a catalogue: each with its name and the text of its condition, as the server renders it.

use super::read::dialect;
use crate::model::schema::{Catalogue, EngineKind, Table};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// A constraint as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// Its name, where it has one.
    pub(super) name: Option<String>,
    /// The condition, in parentheses.
    pub(super) text: String,
}

/// The CHECKs of a table. None where its statement cannot be read and may hold some.
pub(super) fn of_table(catalogue: &Catalogue, table: &Table) -> Option<Vec<Written>> {
    if catalogue.engine != EngineKind::Postgres {
        return written(&table.create, catalogue.engine);
    }
    // The list has all of them, the statement the names of most; those that are not valid yet come behind the data.
    let later =
        catalogue.post.iter().filter(|object| object.kind == "check" && object.table.as_ref() == Some(&table.name));
    let statements = std::iter::once(table.create.as_str()).chain(later.map(|object| object.create.as_str()));
    let mut named: Vec<Written> = statements.filter_map(|text| written(text, catalogue.engine)).flatten().collect();
    let mut checks = Vec::new();
    for definition in &table.checks {
        let Some(found) = written(definition, catalogue.engine) else {
            checks.push(Written { name: None, text: definition.clone() });
            continue;
        };
        for check in found {
            let own = named.iter().position(|known| known.text == check.text);
            checks.push(own.map_or(check, |own| named.swap_remove(own)));
        }
    }
    Some(checks)
}

/// What PostgreSQL's statement of a domain says: the type below, whether NULL is refused, the conditions on `VALUE`.
pub(super) struct Domain {
    pub(super) base: String,
    pub(super) not_null: bool,
    pub(super) checks: Vec<Written>,
}

/// The domain that a column is of.
pub(super) fn domain(declared: &str, catalogue: &Catalogue) -> Option<Domain> {
    let domain = catalogue.pre.iter().find(|object| object.kind == "domain" && object.name == declared)?;
    let (_, rest) = domain.create.split_once(&format!("CREATE DOMAIN {declared} AS "))?;
    let end = [" DEFAULT ", " NOT NULL", " CONSTRAINT ", " COLLATE "].iter().filter_map(|word| rest.find(word)).min();
    let (base, clauses) = rest.split_at(end.unwrap_or(rest.len()));
    let head = clauses.split(" CONSTRAINT ").next().unwrap_or_default();
    Some(Domain {
        base: base.to_owned(),
        not_null: head.ends_with(" NOT NULL"),
        checks: written(clauses, catalogue.engine).unwrap_or_default(),
    })
}

/// Every `[CONSTRAINT name] CHECK (...)` of a text, but for those that are not enforced.
fn written(text: &str, engine: EngineKind) -> Option<Vec<Written>> {
    if !text.to_ascii_uppercase().contains("CHECK") {
        return Some(Vec::new());
    }
    // Slices keep the server's own spelling.
    let tokens = Tokenizer::new(dialect(engine), text).with_unescape(false).tokenize_with_location().ok()?;
    let tokens: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let offsets = Offsets::of(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if keyword(&tokens, at) == Some(Keyword::CHECK) && is(&tokens, at + 1, &Token::LParen) {
            let end = group_end(&tokens, at + 1)?;
            let (start, stop) = (tokens[at + 1].span.start, tokens[end].span.end);
            let inner = text.get(offsets.at(start.line, start.column)..offsets.at(stop.line, stop.column))?;
            let off = word(&tokens, end + 1).is_some_and(|word| word.eq_ignore_ascii_case("NOT"))
                && word(&tokens, end + 2).is_some_and(|word| word.eq_ignore_ascii_case("ENFORCED"));
            if !off {
                found.push(Written { name: name_before(&tokens, at), text: inner.to_owned() });
            }
            at = end;
        }
        at += 1;
    }
    Some(found)
}

fn name_before(tokens: &[TokenWithSpan], at: usize) -> Option<String> {
    let name = at.checked_sub(2).filter(|before| keyword(tokens, *before) == Some(Keyword::CONSTRAINT))? + 1;
    match &tokens[name].token {
        Token::Word(word) => {
            let quote = word.quote_style.map(|quote| if quote == '[' { ']' } else { quote });
            let doubled = quote.map(|quote| format!("{quote}{quote}"));
            Some(match (quote, doubled) {
                (Some(quote), Some(doubled)) => word.value.replace(&doubled, &quote.to_string()),
                _ => word.value.clone(),
            })
        }
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => Some(text.clone()),
        _ => None,
    }
}

fn keyword(tokens: &[TokenWithSpan], at: usize) -> Option<Keyword> {
    match &tokens.get(at)?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

fn word(tokens: &[TokenWithSpan], at: usize) -> Option<&str> {
    match &tokens.get(at)?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
        _ => None,
    }
}

fn is(tokens: &[TokenWithSpan], at: usize, wanted: &Token) -> bool {
    tokens.get(at).is_some_and(|token| token.token == *wanted)
}

fn group_end(tokens: &[TokenWithSpan], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Where lines and characters of a text lie.
struct Offsets(Vec<Vec<usize>>);

impl Offsets {
    fn of(text: &str) -> Self {
        let mut lines = vec![Vec::new()];
        for (at, c) in text.char_indices() {
            if let Some(line) = lines.last_mut() {
                line.push(at);
            }
            if c == '\n' {
                lines.push(Vec::new());
            }
        }
        if let Some(line) = lines.last_mut() {
            line.push(text.len());
        }
        Self(lines)
    }

    fn at(&self, line: u64, column: u64) -> usize {
        let find = || {
            let line = self.0.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
            line.get(usize::try_from(column).ok()?.checked_sub(1)?).copied()
        };
        find().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, engine: EngineKind) -> Vec<(String, String)> {
        let all = written(text, engine).unwrap().into_iter();
        all.map(|check| (check.name.unwrap_or_default(), check.text)).collect()
    }

    #[test]
    fn checks_stand_in_statements_with_their_names() {
        let text = "CREATE TABLE \"t\" (\n  a TEXT DEFAULT 'CHECK (1)' CHECK (a <> ')' AND a IN ('é''(', \"b\")), -- CHECK (no)\n \
            b INT COLLATE NOCASE CONSTRAINT [odd \u{1f600} name] CHECK((b)>0) NOT NULL,\r\n CONSTRAINT \"q\"\"q\" CHECK (a\n< b))";
        let expected =
            [("", "(a <> ')' AND a IN ('é''(', \"b\"))"), ("odd \u{1f600} name", "((b)>0)"), ("q\"q", "(a\n< b)")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(found(text, EngineKind::Sqlite), expected);
        let text = "CREATE TABLE `t` (\n  `a` longtext COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`a`)),\n  `check` int,\n  \
            CONSTRAINT `c``x` CHECK ((`a` like _utf8mb4'it\\'s ('))\n) ENGINE=InnoDB";
        let expected = [("", "(json_valid(`a`))"), ("c`x", "((`a` like _utf8mb4'it\\'s ('))")];
        assert_eq!(found(text, EngineKind::Mariadb), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
        let text = "CREATE TABLE `t` (\n  `a` int,\n  CONSTRAINT `off` CHECK ((`a` > 0)) /*!80016 NOT ENFORCED */,\n  \
            CONSTRAINT `on` CHECK ((`a` > 1))\n)";
        assert_eq!(found(text, EngineKind::Mysql), [("on".to_owned(), "((`a` > 1))".to_owned())]);
        assert_eq!(found("CHECK ((a > 0)) NOT VALID", EngineKind::Postgres), [(String::new(), "((a > 0))".to_owned())]);
        assert!(written("CHECK ((a > 0)", EngineKind::Postgres).is_none());
    }
}
