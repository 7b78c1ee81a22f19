//! Default and check expressions from one engine's dialect into another's. What cannot be said exactly is not said.

use super::token::{Token, behind_bracket, parts};
use crate::engine::sql::Sql;
use crate::model::schema::EngineKind;

/// An expression that every engine can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    Null,
    Boolean(bool),
    /// A number, perhaps with a sign.
    Number(String),
    Text(String),
    /// A blob in hex digits.
    Hex(String),
    /// A column as it is spelled, and whether the spelling is exact.
    Column(String, bool),
    /// The date or time of the statement.
    Now(&'static str),
    Not(Box<Expr>),
    IsNull(Box<Expr>, bool),
    In(Box<Expr>, Vec<Expr>, bool),
    Between(Box<Expr>, Box<Expr>, Box<Expr>, bool),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Call(&'static str, Vec<Expr>),
    /// `ARRAY[...]`, which only `= ANY` can hold.
    List(Vec<Expr>),
}

/// Reads a whole expression.
pub(super) fn parse(engine: EngineKind, tokens: &[Token]) -> Option<Expr> {
    let mut parser = Parser { engine, tokens, at: 0 };
    let expression = parser.either()?;
    (parser.at == tokens.len()).then_some(expression)
}

/// Reads the expression at the start of the tokens, and says where it ends: a default inside of a column's definition.
pub(super) fn parse_prefix(engine: EngineKind, tokens: &[Token]) -> Option<(Expr, usize)> {
    let mut parser = Parser { engine, tokens, at: 0 };
    let expression = parser.sum()?;
    Some((expression, parser.at))
}

struct Parser<'a> {
    engine: EngineKind,
    tokens: &'a [Token],
    at: usize,
}

const COMPARISONS: [(&str, &str); 7] =
    [("=", "="), ("<>", "<>"), ("!=", "<>"), ("<=", "<="), (">=", ">="), ("<", "<"), (">", ">")];

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(word));
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is_sign(sign));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Option<Expr> {
        let mut left = self.both()?;
        while self.word("OR") {
            left = Expr::Binary("OR", Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Expr> {
        let mut left = self.negated()?;
        while self.word("AND") {
            left = Expr::Binary("AND", Box::new(left), Box::new(self.negated()?));
        }
        Some(left)
    }

    fn negated(&mut self) -> Option<Expr> {
        if self.word("NOT") { Some(Expr::Not(Box::new(self.negated()?))) } else { self.comparison() }
    }

    fn comparison(&mut self) -> Option<Expr> {
        let left = self.sum()?;
        if self.word("IS") {
            let not = self.word("NOT");
            return self.word("NULL").then(|| Expr::IsNull(Box::new(left), not));
        }
        let not = self.word("NOT");
        if self.word("IN") {
            let open = self.at;
            if !self.peek()?.is_sign("(") {
                return None;
            }
            self.at = behind_bracket(self.tokens, open);
            let items = parts(self.tokens, open).into_iter().map(|part| parse(self.engine, part));
            return Some(Expr::In(Box::new(left), items.collect::<Option<_>>()?, not));
        }
        if self.word("BETWEEN") {
            let low = self.sum()?;
            let high = if self.word("AND") { self.sum()? } else { return None };
            return Some(Expr::Between(Box::new(left), Box::new(low), Box::new(high), not));
        }
        if not {
            return None;
        }
        let Some((_, sign)) = COMPARISONS.iter().find(|(sign, _)| self.peek().is_some_and(|token| token.is_sign(sign)))
        else {
            return Some(left);
        };
        self.at += 1;
        // PostgreSQL renders IN as "= ANY (ARRAY[...])".
        let quantified = (*sign == "=" && self.word("ANY")) || (*sign == "<>" && self.word("ALL"));
        let right = self.sum()?;
        match right {
            Expr::List(items) if quantified => Some(Expr::In(Box::new(left), items, *sign == "<>")),
            Expr::List(_) => None,
            _ if quantified => None,
            right => Some(Expr::Binary(sign, Box::new(left), Box::new(right))),
        }
    }

    fn sum(&mut self) -> Option<Expr> {
        let mut left = self.product()?;
        loop {
            let sign = if self.sign("+") {
                "+"
            } else if self.sign("-") {
                "-"
            } else {
                return Some(left);
            };
            left = Expr::Binary(sign, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Option<Expr> {
        let mut left = self.signed()?;
        while self.sign("*") {
            left = Expr::Binary("*", Box::new(left), Box::new(self.signed()?));
        }
        Some(left)
    }

    fn signed(&mut self) -> Option<Expr> {
        if self.sign("-") {
            return match self.signed()? {
                Expr::Number(number) if !number.starts_with('-') => Some(Expr::Number(format!("-{number}"))),
                _ => None,
            };
        }
        let mut found = self.primary()?;
        while self.sign("::") {
            let to = self.type_name()?;
            found = cast(found, &to)?;
        }
        Some(found)
    }

    /// A type's words, in lower case, without brackets.
    fn type_name(&mut self) -> Option<String> {
        let mut name = self.peek()?.identifier()?.to_lowercase();
        self.at += 1;
        while self.sign(".") {
            name = self.peek()?.identifier()?.to_lowercase();
            self.at += 1;
        }
        loop {
            match self.peek() {
                Some(Token::Word(word))
                    if ["varying", "precision", "without", "with", "time", "zone"].contains(&word.as_str()) =>
                {
                    name = format!("{name} {word}");
                    self.at += 1;
                }
                Some(token) if token.is_sign("(") || token.is_sign("[") => {
                    self.at = behind_bracket(self.tokens, self.at);
                }
                _ => return Some(name),
            }
        }
    }

    fn primary(&mut self) -> Option<Expr> {
        let token = self.peek()?.clone();
        self.at += 1;
        match token {
            Token::Number(number) => Some(Expr::Number(number)),
            Token::Text(text) => Some(Expr::Text(text)),
            Token::Hex(digits) => Some(Expr::Hex(digits)),
            Token::Name(name) => Some(Expr::Column(name, true)),
            Token::Sign(sign) if sign == "(" => {
                let end = behind_bracket(self.tokens, self.at - 1);
                let inside = self.tokens.get(self.at..end.checked_sub(1)?)?;
                self.at = end;
                parse(self.engine, inside)
            }
            Token::Word(word) => self.named(&word),
            Token::Sign(_) => None,
        }
    }

    /// A keyword, a function or a column.
    fn named(&mut self, word: &str) -> Option<Expr> {
        let upper = word.to_ascii_uppercase();
        let open = self.at;
        let arguments = match self.peek() {
            Some(token) if token.is_sign("(") || (upper == "ARRAY" && token.is_sign("[")) => {
                self.at = behind_bracket(self.tokens, open);
                let parts = parts(self.tokens, open).into_iter().filter(|part| !part.is_empty());
                Some(parts.map(|part| parse(self.engine, part)).collect::<Option<Vec<_>>>()?)
            }
            _ => None,
        };
        let is_mysql = matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb);
        match (upper.as_str(), arguments) {
            ("ARRAY", Some(items)) => Some(Expr::List(items)),
            ("NULL", None) => Some(Expr::Null),
            ("TRUE", None) => Some(Expr::Boolean(true)),
            ("FALSE", None) => Some(Expr::Boolean(false)),
            ("CURRENT_TIMESTAMP" | "LOCALTIMESTAMP", _) | ("NOW", Some(_)) => Some(Expr::Now("CURRENT_TIMESTAMP")),
            ("CURRENT_DATE", None) | ("CURDATE", Some(_)) => Some(Expr::Now("CURRENT_DATE")),
            ("CURRENT_TIME", None) | ("CURTIME", Some(_)) => Some(Expr::Now("CURRENT_TIME")),
            ("COALESCE" | "IFNULL", Some(items)) => Some(Expr::Call("coalesce", items)),
            ("ABS", Some(items)) => Some(Expr::Call("abs", items)),
            // MySQL's length() counts bytes.
            ("LENGTH", Some(items)) if !is_mysql => Some(Expr::Call("length", items)),
            ("CHAR_LENGTH" | "CHARACTER_LENGTH", Some(items)) => Some(Expr::Call("length", items)),
            ("JSON_VALID", Some(items)) => Some(Expr::Call("json_valid", items)),
            ("DEFAULT" | "CASE" | "INTERVAL" | "EXISTS" | "SELECT" | "CAST", None) | (_, Some(_)) => None,
            (_, None) => Some(Expr::Column(word.to_owned(), false)),
        }
    }
}

/// A cast that changes nothing that other engines would notice: of a literal, or of a column to a wider type.
fn cast(inner: Expr, to: &str) -> Option<Expr> {
    let numeric = ["smallint", "integer", "bigint", "numeric", "real", "double precision"];
    let wide = ["bigint", "numeric", "double precision", "text", "character varying", "bpchar", "character"];
    match inner {
        Expr::Text(text) if numeric.contains(&to) => {
            let plain = text.strip_prefix('-').unwrap_or(&text);
            let is_number = !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            is_number.then_some(Expr::Number(text))
        }
        Expr::Text(text) if to == "bytea" => text.strip_prefix("\\x").map(|digits| Expr::Hex(digits.to_owned())),
        Expr::Text(_) | Expr::Number(_) | Expr::Boolean(_) | Expr::Null | Expr::List(_) => Some(inner),
        inner if wide.contains(&to) => Some(inner),
        _ => None,
    }
}

/// A column that an expression may name.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Its name.
    pub(super) name: String,
    /// Whether its values compare and count on the target as they do on the source.
    pub(super) comparable: bool,
}

/// Where an expression is said.
pub(super) struct Scope<'a> {
    /// The columns of the table.
    pub(super) columns: &'a [Known],
    /// What `VALUE` means in the check of a domain.
    pub(super) value: Option<&'a str>,
}

impl Scope<'_> {
    fn find(&self, name: &str, exact: bool) -> Option<&Known> {
        let name = if !exact && name.eq_ignore_ascii_case("VALUE") { self.value.unwrap_or(name) } else { name };
        let exactly = self.columns.iter().find(|column| column.name == name);
        let roughly = || self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        exactly.or_else(|| if exact { None } else { roughly() })
    }
}

impl Expr {
    /// Whether the expression says the same on every engine: a check or the expression of a generated column.
    pub(super) fn is_stable(&self, scope: &Scope<'_>) -> bool {
        let all = |items: &[Expr]| items.iter().all(|item| item.is_stable(scope));
        match self {
            Self::Now(_) | Self::List(_) => false,
            Self::Null | Self::Boolean(_) | Self::Number(_) | Self::Text(_) | Self::Hex(_) => true,
            Self::Column(name, exact) => scope.find(name, *exact).is_some_and(|column| column.comparable),
            Self::IsNull(inner, _) => match &**inner {
                Self::Column(name, exact) => scope.find(name, *exact).is_some(),
                other => other.is_stable(scope),
            },
            Self::Not(inner) => inner.is_stable(scope),
            Self::In(inner, items, _) => inner.is_stable(scope) && all(items),
            Self::Between(inner, low, high, _) => [inner, low, high].iter().all(|part| part.is_stable(scope)),
            Self::Binary(_, left, right) => left.is_stable(scope) && right.is_stable(scope),
            Self::Call("json_valid", items) => items.iter().all(|item| matches!(item, Self::Column(..))),
            Self::Call(_, items) => all(items),
        }
    }

    /// Appends the expression in the dialect of `sql`; None where that dialect lacks a word for it.
    pub(super) fn render(&self, sql: Sql, scope: &Scope<'_>) -> Option<Sql> {
        let to = sql.engine();
        let negation = |not: &bool| if *not { "NOT " } else { "" };
        Some(match self {
            Self::Null => sql.lit("NULL"),
            Self::Boolean(true) => sql.lit("TRUE"),
            Self::Boolean(false) => sql.lit("FALSE"),
            Self::Number(number) => sql.part(&Sql::rendered(to, number.clone())),
            Self::Text(text) => sql.string(text),
            Self::Hex(digits) => sql.bytes(&data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?),
            Self::Column(name, exact) => sql.name(&scope.find(name, *exact)?.name),
            Self::Now(word) => sql.lit(word),
            Self::Not(inner) => inner.render(sql.lit("(NOT "), scope)?.lit(")"),
            Self::IsNull(inner, not) => inner.render(sql.lit("("), scope)?.lit(" IS ").lit(negation(not)).lit("NULL)"),
            Self::In(inner, items, not) => {
                let sql = inner.render(sql.lit("("), scope)?.lit(" ").lit(negation(not)).lit("IN (");
                listed(sql, items, scope)?.lit("))")
            }
            Self::Between(inner, low, high, not) => {
                let sql = inner.render(sql.lit("("), scope)?.lit(" ").lit(negation(not)).lit("BETWEEN ");
                high.render(low.render(sql, scope)?.lit(" AND "), scope)?.lit(")")
            }
            Self::Binary(sign, left, right) => {
                let sql = left.render(sql.lit("("), scope)?.lit(" ").lit(sign).lit(" ");
                right.render(sql, scope)?.lit(")")
            }
            Self::Call("json_valid", _) if to == EngineKind::Postgres => return None,
            Self::Call("length", items) if matches!(to, EngineKind::Mysql | EngineKind::Mariadb) => {
                listed(sql.lit("char_length("), items, scope)?.lit(")")
            }
            Self::Call(name, items) => listed(sql.lit(name).lit("("), items, scope)?.lit(")"),
            Self::List(_) => return None,
        })
    }
}

fn listed(mut sql: Sql, items: &[Expr], scope: &Scope<'_>) -> Option<Sql> {
    for (at, item) in items.iter().enumerate() {
        sql = item.render(if at > 0 { sql.lit(", ") } else { sql }, scope)?;
    }
    Some(sql)
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn said(from: EngineKind, text: &str, to: EngineKind) -> Option<String> {
        let columns: Vec<Known> =
            ["a", "b", "Role"].map(|name| Known { name: name.into(), comparable: true }).into_iter().collect();
        let scope = Scope { columns: &columns, value: Some("a") };
        let expression = parse(from, &tokens(from, text))?;
        expression.is_stable(&scope).then_some(())?;
        Some(expression.render(Sql::new(to), &scope)?.text().to_owned())
    }

    #[test]
    fn what_servers_render_is_said_again() {
        use EngineKind::{Mariadb, Mysql, Postgres, Sqlite};
        let cases = [
            (Postgres, "((a >= 0))", Sqlite, "(\"a\" >= 0)"),
            (
                Postgres,
                "((\"Role\")::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))",
                Sqlite,
                "(\"Role\" IN ('x', 'y'))",
            ),
            (Postgres, "((\"Role\" <> ALL (ARRAY['x'::text])))", Mysql, "(`Role` NOT IN ('x'))"),
            (Postgres, "((a IS NULL) OR (a >= b))", Sqlite, "((\"a\" IS NULL) OR (\"a\" >= \"b\"))"),
            (
                Postgres,
                "(((a >= (0)::double precision) AND (a <= '-40'::integer)))",
                Sqlite,
                "((\"a\" >= 0) AND (\"a\" <= -40))",
            ),
            (Postgres, "(VALUE ~ '^x')", Sqlite, ""),
            (Postgres, "(VALUE > 1)", Sqlite, "(\"a\" > 1)"),
            (Postgres, "(a > now())", Sqlite, ""),
            (Postgres, "(lower(a) = a)", Sqlite, ""),
            (Mysql, "(`role` in (_utf8mb4\\'x\\',_utf8mb4\\'y\\'))", Postgres, ""),
            (
                Mariadb,
                "`Role` in ('x','it''s') and `a` between 0 and 40",
                Postgres,
                "((\"Role\" IN ('x', 'it''s')) AND (\"a\" BETWEEN 0 AND 40))",
            ),
            (Sqlite, "role IN ('x') AND char_length(b) < 3", Mysql, "((`Role` IN ('x')) AND (char_length(`b`) < 3))"),
            (Mysql, "length(`b`) < 3", Sqlite, ""),
            (Mariadb, "json_valid(`b`)", Sqlite, "json_valid(\"b\")"),
            (Mariadb, "json_valid(`b`)", Postgres, ""),
            (Sqlite, "a / b = 1", Postgres, ""),
            (Sqlite, "missing = 1", Postgres, ""),
        ];
        for (from, text, to, expected) in cases {
            assert_eq!(said(from, text, to).unwrap_or_default(), expected, "{text}");
        }
    }
}
