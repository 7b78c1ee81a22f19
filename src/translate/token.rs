//! The words of a statement that an engine rendered: just enough of a lexer to find columns, defaults and checks in it.

use crate::model::schema::EngineKind;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word, as it is spelled.
    Word(String),
    /// A quoted identifier, without its quotes.
    Name(String),
    /// A string literal, without its quotes and escapes.
    Text(String),
    /// A blob literal in hex digits.
    Hex(String),
    /// A number.
    Number(String),
    /// An operator or a bracket.
    Sign(String),
}

impl Token {
    /// Whether it is the bare word, in any case.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }

    /// Whether it is the operator or bracket.
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Self::Sign(text) if text == sign)
    }

    /// The identifier that it may be.
    pub(super) fn identifier(&self) -> Option<&str> {
        match self {
            Self::Word(text) | Self::Name(text) => Some(text),
            _ => None,
        }
    }
}

/// The tokens of `text` in the dialect of `engine`. Comments are left out; what cannot be read becomes a sign, on which
/// every reader of tokens gives up.
pub(super) fn tokens(engine: EngineKind, text: &str) -> Vec<Token> {
    let is_mysql = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
    // MySQL's information schema shows string literals with escaped quotes.
    let unescaped = (is_mysql && text.contains("_utf8mb4\\'")).then(|| text.replace("\\'", "'"));
    let chars: Vec<char> = unescaped.as_deref().unwrap_or(text).chars().collect();
    let mut lexer = Lexer { chars: &chars, at: 0, is_mysql };
    let mut found = Vec::new();
    while let Some(token) = lexer.next(engine) {
        found.push(token);
    }
    found
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
    is_mysql: bool,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(&test) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            match (self.peek(0), self.peek(1)) {
                (Some('-'), Some('-')) => drop(self.take_while(|c| c != '\n')),
                (Some('/'), Some('*')) => {
                    self.at += 2;
                    while self.peek(0).is_some() && (self.peek(0), self.peek(1)) != (Some('*'), Some('/')) {
                        self.at += 1;
                    }
                    self.at = (self.at + 2).min(self.chars.len());
                }
                _ => return,
            }
        }
    }

    fn next(&mut self, engine: EngineKind) -> Option<Token> {
        self.skip_blank();
        let c = self.peek(0)?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        Some(match c {
            '\'' => Token::Text(self.quoted('\'', self.is_mysql)),
            '"' if self.is_mysql => Token::Text(self.quoted('"', true)),
            '"' | '`' => Token::Name(self.quoted(c, false)),
            '[' if engine == EngineKind::Sqlite => Token::Name(self.quoted(']', false)),
            _ if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit())) => self.number(),
            _ if c.is_alphabetic() || c == '_' => {
                let word = self.take_while(is_word);
                match (word.as_str(), self.peek(0)) {
                    ("x" | "X", Some('\'')) => Token::Hex(self.quoted('\'', false)),
                    ("e" | "E", Some('\'')) if engine == EngineKind::Postgres => Token::Text(self.quoted('\'', true)),
                    // A character set introducer says nothing that the text does not.
                    (_, Some('\'')) if self.is_mysql && word.starts_with('_') => Token::Text(self.quoted('\'', true)),
                    _ => Token::Word(word),
                }
            }
            _ => Token::Sign(self.sign(c)),
        })
    }

    fn quoted(&mut self, end: char, backslash: bool) -> String {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == end {
                if self.peek(0) != Some(end) {
                    break;
                }
                self.at += 1;
            } else if c == '\\' && backslash {
                let escaped = self.peek(0).unwrap_or('\\');
                self.at += 1;
                text.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    other => other,
                });
                continue;
            }
            text.push(c);
        }
        text
    }

    fn number(&mut self) -> Token {
        let mut text = self.take_while(|c| c.is_ascii_digit() || c == '.');
        let exponent = match (self.peek(0), self.peek(1), self.peek(2)) {
            (Some('e' | 'E'), Some('+' | '-'), Some(digit)) | (Some('e' | 'E'), Some(digit), _) => {
                digit.is_ascii_digit()
            }
            _ => false,
        };
        if exponent {
            text.extend(self.peek(0));
            text.extend(self.peek(1));
            self.at += 2;
            text.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        Token::Number(text)
    }

    fn sign(&mut self, c: char) -> String {
        const OPERATORS: &str = "<>=!|:~@#&^%?*+-/";
        if OPERATORS.contains(c) {
            return self.operator(OPERATORS);
        }
        self.at += 1;
        c.to_string()
    }

    /// The longest known operator; unknown ones come as they are and mean nothing to the parser.
    fn operator(&mut self, all: &str) -> String {
        let known = ["::", "<=", ">=", "<>", "!=", "||", "=", "<", ">", "+", "-", "*", "/"];
        let rest: String = self.chars[self.at..].iter().take(2).collect();
        if let Some(found) = known.iter().find(|known| rest.starts_with(**known)) {
            self.at += found.len();
            return (*found).to_owned();
        }
        self.take_while(|c| all.contains(c))
    }
}

/// The index behind the bracket that closes the one at `open`; the end where none does.
pub(super) fn behind_bracket(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_sign("(") || token.is_sign("[") {
            depth += 1;
        } else if token.is_sign(")") || token.is_sign("]") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}

/// What stands between the bracket at `open` and the one that closes it, cut at its commas.
pub(super) fn parts(tokens: &[Token], open: usize) -> Vec<&[Token]> {
    let end = behind_bracket(tokens, open).saturating_sub(1).max(open);
    let inside = tokens.get(open + 1..end).unwrap_or_default();
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < inside.len() {
        if inside[at].is_sign("(") || inside[at].is_sign("[") {
            at = behind_bracket(inside, at);
            continue;
        }
        if inside[at].is_sign(",") {
            parts.push(&inside[start..at]);
            start = at + 1;
        }
        at += 1;
    }
    parts.push(&inside[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_names_and_literals_are_told_apart() {
        let read = |engine, text: &str| tokens(engine, text);
        let word = |text: &str| Token::Word(text.into());
        let sign = |text: &str| Token::Sign(text.into());
        assert_eq!(
            read(EngineKind::Postgres, "\"A\"\"b\" >= -1.5e3::numeric -- gone"),
            [
                Token::Name("A\"b".into()),
                sign(">="),
                sign("-"),
                Token::Number("1.5e3".into()),
                sign("::"),
                word("numeric")
            ]
        );
        assert_eq!(
            read(EngineKind::Mysql, "`a` in (_utf8mb4\\'x\\',\"it's\")"),
            [
                Token::Name("a".into()),
                word("in"),
                sign("("),
                Token::Text("x".into()),
                sign(","),
                Token::Text("it's".into()),
                sign(")")
            ]
        );
        assert_eq!(read(EngineKind::Sqlite, "[a b] x'00ff'"), [Token::Name("a b".into()), Token::Hex("00ff".into())]);
    }

    #[test]
    fn parts_are_cut_at_their_own_commas() {
        let read = tokens(EngineKind::Sqlite, "t (a, b(1,2), c)");
        assert_eq!(parts(&read, 1).iter().map(|part| part.len()).collect::<Vec<_>>(), [1, 6, 1]);
        assert_eq!(behind_bracket(&tokens(EngineKind::Sqlite, "(a"), 0), 2);
    }
}
