//! The words of one statement, as the tokenizer of `sqlparser` sees them, and a cursor over them that keeps each word's own
//! text: what a server shows of a type is often what was written.

use crate::model::schema::{EngineKind, TableName};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Location, Token, Tokenizer};

/// A token and where it stands in the statement, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    token: Token,
    start: usize,
    end: usize,
}

fn dialect(engine: EngineKind) -> &'static dyn Dialect {
    match engine {
        EngineKind::Sqlite => &SQLiteDialect {},
        EngineKind::Postgres => &PostgreSqlDialect {},
        EngineKind::Mysql | EngineKind::Mariadb => &MySqlDialect {},
    }
}

/// The tokens of a statement without blanks; none where it has a quote that does not end.
pub(super) fn pieces(text: &str, engine: EngineKind) -> Option<Vec<Piece>> {
    let lines: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let offset = |location: Location| {
        let line = usize::try_from(location.line).unwrap_or(1).max(1) - 1;
        let start = lines.get(line).copied().unwrap_or(text.len());
        let column = usize::try_from(location.column).unwrap_or(1).max(1) - 1;
        text[start..].char_indices().nth(column).map_or(text.len(), |(at, _)| start + at)
    };
    let tokens = Tokenizer::new(dialect(engine), text).tokenize_with_location().ok()?;
    let tokens = tokens.into_iter().filter(|found| !matches!(found.token, Token::Whitespace(_)));
    let piece = |found: sqlparser::tokenizer::TokenWithSpan| Piece {
        start: offset(found.span.start),
        end: offset(found.span.end),
        token: found.token,
    };
    Some(tokens.map(piece).collect())
}

/// Reads tokens from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) engine: EngineKind,
    text: &'a str,
    pieces: &'a [Piece],
}

impl<'a> Words<'a> {
    pub(super) fn new(engine: EngineKind, text: &'a str, pieces: &'a [Piece]) -> Self {
        Self { engine, text, pieces }
    }

    pub(super) fn is_mysql(&self) -> bool {
        matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The bare word that is `ahead`, in upper case.
    pub(super) fn word(&self, ahead: usize) -> Option<String> {
        match &self.pieces.get(ahead)?.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// Whether the bare words come next.
    pub(super) fn is(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.word(ahead).as_deref() == Some(*word))
    }

    /// Whether one of these words comes next.
    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        self.word(0).is_some_and(|word| words.contains(&word.as_str()))
    }

    /// Takes the bare words if they come next.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let found = self.is(words);
        if found {
            self.skip(words.len());
        }
        found
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.pieces = self.pieces.get(count..).unwrap_or_default();
    }

    pub(super) fn is_open(&self) -> bool {
        self.pieces.first().is_some_and(|piece| piece.token == Token::LParen)
    }

    pub(super) fn take_sign(&mut self, sign: &Token) -> bool {
        let found = self.pieces.first().is_some_and(|piece| piece.token == *sign);
        if found {
            self.skip(1);
        }
        found
    }

    /// A name as the engine keeps it.
    pub(super) fn name(&mut self) -> Option<String> {
        let folds = self.engine == EngineKind::Postgres;
        let name = match &self.pieces.first()?.token {
            Token::Word(word) if word.quote_style.is_none() && folds => word.value.to_lowercase(),
            Token::Word(word) => {
                let quote = word.quote_style.map(|quote| if quote == '[' { ']' } else { quote });
                quote.map_or(word.value.clone(), |quote| {
                    word.value.replace(&format!("{quote}{quote}"), &quote.to_string())
                })
            }
            // Old dumps of MySQL, and SQLite always, take strings for names.
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) if !folds => text.clone(),
            _ => return None,
        };
        self.skip(1);
        // `1a.b`: the tokenizer takes a number for the start of a name.
        Some(name)
    }

    /// `name`, `schema.name` or `database.schema.name`.
    pub(super) fn table(&mut self) -> Option<TableName> {
        let parts = self.parts_of_name()?;
        self.named(parts)
    }

    fn parts_of_name(&mut self) -> Option<Vec<String>> {
        let mut parts = vec![self.name()?];
        while self.take_sign(&Token::Period) {
            parts.push(self.name()?);
        }
        Some(parts)
    }

    fn named(&self, mut parts: Vec<String>) -> Option<TableName> {
        let name = parts.pop()?;
        let schema = parts.pop().filter(|schema| self.engine == EngineKind::Postgres && schema != "public");
        Some(TableName { schema, name })
    }

    /// `table.column`, with or without the schema, and perhaps the database.
    pub(super) fn column(&mut self) -> Option<(TableName, String)> {
        let mut parts = self.parts_of_name()?;
        let column = parts.pop()?;
        Some((self.named(parts)?, column))
    }

    /// What stands in the brackets that come next.
    pub(super) fn group(&mut self) -> Option<Self> {
        if !self.is_open() {
            return None;
        }
        let mut depth = 0_usize;
        let end = self.pieces.iter().position(|piece| {
            match piece.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        let inner = Self { pieces: &self.pieces[1..end], ..*self };
        self.skip(end + 1);
        Some(inner)
    }

    /// The parts between commas that stand in no brackets.
    pub(super) fn parts(&self) -> Vec<Self> {
        let (mut depth, mut start) = (0_i32, 0);
        let mut parts = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            match piece.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::Comma if depth == 0 => {
                    parts.push(Self { pieces: &self.pieces[start..at], ..*self });
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push(Self { pieces: &self.pieces[start..], ..*self });
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// Takes one token, or one pair of brackets with what is in it.
    pub(super) fn pass(&mut self) {
        if self.group().is_none() {
            self.skip(1);
        }
    }

    /// The text of all that is left.
    pub(super) fn raw(&self) -> &'a str {
        match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) => self.text.get(first.start..last.end).unwrap_or_default(),
            _ => "",
        }
    }

    /// What `self` has and the later `rest` no longer has.
    pub(super) fn until(&self, rest: &Self) -> Self {
        Self { pieces: &self.pieces[..self.pieces.len() - rest.pieces.len()], ..*self }
    }

    /// The string that comes next, without its quotes.
    pub(super) fn string(&mut self) -> Option<String> {
        let text = match &self.pieces.first()?.token {
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.clone(),
            Token::DoubleQuotedString(text) if self.is_mysql() => text.clone(),
            _ => return None,
        };
        self.skip(1);
        Some(text)
    }

    /// Whether all that is left is one name, perhaps with an order or an operator class behind it.
    pub(super) fn is_plain_column(&self) -> bool {
        matches!(self.pieces.first().map(|piece| &piece.token), Some(Token::Word(_) | Token::SingleQuotedString(_)))
            && !self.pieces.get(1).is_some_and(|piece| !matches!(piece.token, Token::Word(_) | Token::LParen))
    }
}
