//! Conditions in SQL that a policy holds (`when`): read here to make sure that they are one boolean expression over the
//! columns of one table. What the database gets is the user's own text, in parentheses; the tree only says that it is
//! harmless and which columns it reads.

use super::names;
use crate::error::{Error, Result};
use crate::model::schema::{EngineKind, Table};
use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, InTarget, UnaryOperator,
};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token, Tokenizer, Whitespace};

/// Functions whose result depends on their arguments alone.
const FUNCTIONS: &[&str] = &[
    "abs",
    "ascii",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "date",
    "day",
    "floor",
    "greatest",
    "hour",
    "ifnull",
    "instr",
    "json_extract",
    "json_unquote",
    "json_valid",
    "least",
    "left",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "month",
    "nullif",
    "octet_length",
    "position",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sign",
    "strftime",
    "strpos",
    "substr",
    "substring",
    "trim",
    "typeof",
    "upper",
    "year",
];

/// The dialect of an engine.
pub(super) fn dialect(engine: EngineKind) -> &'static dyn Dialect {
    match engine {
        EngineKind::Sqlite => &SQLiteDialect {},
        EngineKind::Postgres => &PostgreSqlDialect {},
        EngineKind::Mysql | EngineKind::Mariadb => &MySqlDialect {},
    }
}

/// Reads one expression and nothing behind it.
pub(super) fn expression(text: &str, engine: EngineKind) -> std::result::Result<Expr, String> {
    let dialect = dialect(engine);
    let mut parser = Parser::new(dialect).try_with_sql(text).map_err(|error| plain(&error.to_string()))?;
    let expression = parser.parse_expr().map_err(|error| plain(&error.to_string()))?;
    let rest = parser.peek_token();
    if rest.token == Token::EOF { Ok(expression) } else { Err(format!("it goes on behind its end{}", at(rest.span))) }
}

/// Makes sure that `text` is a condition on the rows of `table`. Returns the columns that it reads, by index.
///
/// # Errors
/// Kind `Policy`, with the character of the text that is wrong.
pub fn validate(text: &str, table: &Table, engine: EngineKind) -> Result<Vec<usize>> {
    let wrong = |why: String| {
        Error::policy(format!("the condition is not one that can be used: {why}"))
            .hint("Write one boolean expression over columns of this table, such as: country = 'US' AND vip IS NOT NULL. No subquery, no comment, no statement.")
    };
    let tokens = Tokenizer::new(dialect(engine), text)
        .tokenize_with_location()
        .map_err(|error| wrong(plain(&error.to_string())))?;
    // MySQL runs what stands in such a comment, and so does the tokenizer take it for code.
    if text.contains("/*") {
        return Err(wrong("it holds a comment".to_owned()));
    }
    for token in &tokens {
        let comment = matches!(
            token.token,
            Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_))
        );
        if comment || matches!(token.token, Token::SemiColon | Token::Placeholder(_)) {
            return Err(wrong(format!("it holds a comment, a semicolon or a placeholder{}", at(token.span))));
        }
    }
    let expression = expression(text, engine).map_err(&wrong)?;
    let mut columns = Vec::new();
    Walk { table, columns: &mut columns }.expr(&expression).map_err(wrong)?;
    if !is_boolean(&expression) {
        return Err(wrong("it is a value, not a condition".to_owned()));
    }
    Ok(columns)
}

/// ` (line 1, character 7)`.
fn at(span: Span) -> String {
    match (span.start.line, span.start.column) {
        (0, _) => String::new(),
        (1, column) => format!(" (character {column})"),
        (line, column) => format!(" (line {line}, character {column})"),
    }
}

/// The parser's words as a fragment.
fn plain(error: &str) -> String {
    let text = error.trim_start_matches("sql parser error: ");
    let text = text.replace(" at Line: 1, Column: ", " at character ");
    text.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

fn is_boolean(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_boolean(inner),
        Expr::BinaryOp { op, .. } => !matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::StringConcat
        ),
        Expr::UnaryOp { op, .. } => *op == UnaryOperator::Not,
        Expr::Value(value) => matches!(value.value, sqlparser::ast::Value::Boolean(_)),
        Expr::Substring { .. }
        | Expr::Trim { .. }
        | Expr::Extract { .. }
        | Expr::TypedString(_)
        | Expr::Interval(_) => false,
        _ => true,
    }
}

struct Walk<'a> {
    table: &'a Table,
    columns: &'a mut Vec<usize>,
}

impl Walk<'_> {
    fn all<'e>(&mut self, list: impl IntoIterator<Item = &'e Expr>) -> std::result::Result<(), String> {
        list.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr) -> std::result::Result<(), String> {
        match expr {
            Expr::Identifier(name) => self.column(name),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [table, column] if table.value.eq_ignore_ascii_case(&self.table.name.name) => self.column(column),
                [first, ..] => Err(format!(
                    "'{}' is not the table that the condition speaks of{}",
                    first.value.escape_debug(),
                    at(first.span)
                )),
                [] => Ok(()),
            },
            Expr::Value(_) | Expr::TypedString(_) => Ok(()),
            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::Nested(inner)
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::Cast { expr: inner, .. }
            | Expr::Extract { expr: inner, .. }
            | Expr::Ceil { expr: inner, .. }
            | Expr::Floor { expr: inner, .. }
            | Expr::Collate { expr: inner, .. } => self.expr(inner),
            Expr::IsDistinctFrom(left, right)
            | Expr::IsNotDistinctFrom(left, right)
            | Expr::BinaryOp { left, right, .. }
            | Expr::AnyOp { left, right, .. }
            | Expr::AllOp { left, right, .. }
            | Expr::Position { expr: left, r#in: right } => self.all([left.as_ref(), right.as_ref()]),
            Expr::In { expr, target: InTarget::List(list), .. } => {
                self.expr(expr)?;
                self.all(list)
            }
            Expr::Between { expr, low, high, .. } => self.all([expr.as_ref(), low.as_ref(), high.as_ref()]),
            Expr::Like { expr, pattern, escape_char, .. }
            | Expr::ILike { expr, pattern, escape_char, .. }
            | Expr::SimilarTo { expr, pattern, escape_char, .. } => {
                self.all([expr.as_ref(), pattern.as_ref()])?;
                self.all(escape_char.as_deref())
            }
            Expr::RLike { expr, pattern, .. } => self.all([expr.as_ref(), pattern.as_ref()]),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.expr(expr)?;
                self.all(substring_from.as_deref().into_iter().chain(substring_for.as_deref()))
            }
            Expr::Trim { expr, trim_what, .. } => {
                self.expr(expr)?;
                self.all(trim_what.as_deref())
            }
            Expr::Tuple(list) => self.all(list),
            Expr::Array(array) => self.all(&array.elem),
            Expr::Interval(interval) => self.expr(&interval.value),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.all(operand.as_deref())?;
                self.all(conditions.iter().flat_map(|when| [&when.condition, &when.result]))?;
                self.all(else_result.as_deref())
            }
            Expr::Function(function) => self.function(function),
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::In { .. } => {
                Err("it holds a subquery; only columns of the row itself can decide".to_owned())
            }
            _ => Err("it uses a form of expression that is not supported here".to_owned()),
        }
    }

    fn column(&mut self, name: &Ident) -> std::result::Result<(), String> {
        let known = || self.table.columns.iter().map(|column| column.name.as_str());
        match names::find(&name.value, known()) {
            names::Found::At(found) => {
                if !self.columns.contains(&found) {
                    self.columns.push(found);
                }
                Ok(())
            }
            _ => {
                let meant =
                    names::did_you_mean(&name.value, known()).map(|hint| format!(". {hint}")).unwrap_or_default();
                let (table, name, place) = (&self.table.name, name.value.escape_debug(), at(name.span));
                Err(format!("{table} has no column '{name}'{place}{meant}"))
            }
        }
    }

    fn function(&mut self, function: &sqlparser::ast::Function) -> std::result::Result<(), String> {
        let name = function.name.to_string();
        let plain = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
        if !plain || !FUNCTIONS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(format!(
                "function {} is not among the allowed ones: {}",
                name.escape_debug(),
                FUNCTIONS.join(", ")
            ));
        }
        match &function.args {
            FunctionArguments::List(list) if list.clauses.is_empty() && list.duplicate_treatment.is_none() => {
                list.args.iter().try_for_each(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.expr(expr),
                    _ => Err(format!("function {} has an argument that is no expression", name.escape_debug())),
                })
            }
            _ => Err(format!("function {} is called in a way that is not supported here", name.escape_debug())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::tests::{column, table};
    use super::*;
    use crate::model::schema::Family;

    fn check(text: &str, engine: EngineKind) -> std::result::Result<Vec<usize>, String> {
        let table = table(
            "clients",
            vec![column("id", Family::Integer), column("country", Family::Text), column("Created At", Family::Date)],
        );
        validate(text, &table, engine).map_err(|error| error.what().to_owned())
    }

    #[test]
    fn conditions_on_the_row_are_taken() {
        for engine in [EngineKind::Sqlite, EngineKind::Postgres, EngineKind::Mysql, EngineKind::Mariadb] {
            for text in [
                "country = 'US'",
                "country IN ('US', 'CA') AND NOT (id BETWEEN 1 AND 9)",
                "clients.country IS NOT NULL OR lower(country) LIKE 'u%'",
                "CASE WHEN id > 3 THEN country = 'x' ELSE id < 2 END",
                "coalesce(country, '') <> ''",
                "TRUE",
            ] {
                assert!(check(text, engine).is_ok(), "{text}: {:?}", check(text, engine));
            }
        }
        assert_eq!(check("\"Created At\" > DATE '2020-01-01' AND id = 1", EngineKind::Postgres).unwrap(), [2, 0]);
        assert_eq!(check("`Created At` > '2020-01-01'", EngineKind::Mysql).unwrap(), [2]);
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        let engine = EngineKind::Postgres;
        for (text, why) in [
            ("contry = 'US'", "clients has no column 'contry' (character 1). Did you mean 'country'?"),
            ("id = 1 AND\n contry = 'US'", "(line 2, character 2)"),
            ("country = 'US'; DROP TABLE clients", "semicolon"),
            ("country = 'US' -- ", "comment"),
            ("country = 'US' /* x */", "comment"),
            ("country = 'US') OR (1 = 1", "goes on behind its end (character 15)"),
            ("id IN (SELECT 1)", "subquery"),
            ("EXISTS (SELECT 1)", "subquery"),
            ("pg_sleep(10) IS NULL", "function pg_sleep is not among the allowed ones"),
            ("orders.id = 1", "'orders' is not the table"),
            ("country", "no column"),
            ("id + 1", "a value, not a condition"),
            ("", "not one that can be used"),
            ("country = $1", "placeholder"),
        ] {
            let error = check(text, engine);
            if text == "country" {
                assert!(error.is_ok(), "a boolean column is a condition");
                continue;
            }
            assert!(error.as_ref().is_err_and(|what| what.contains(why)), "{text}: {error:?}");
        }
        assert!(check("country = 'US' # x", EngineKind::Mysql).is_err());
        assert!(check("country = 'US' /*! OR 1 */", EngineKind::Mysql).is_err());
    }
}
