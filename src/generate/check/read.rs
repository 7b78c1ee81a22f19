//! Reads the text of a condition into a tree, in each engine's dialect. What has no form there is named, never guessed.

use super::datum::{About, Affinity, Datum, Rule, Type, collation};
use super::evaluate::{Row, value};
use super::functions;
use super::time::{self, Interval};
use super::tree::Term;
use crate::generate::restriction::Op;
use crate::generate::value::Number;
use crate::model::schema::EngineKind;
use sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CeilFloorKind, CharacterLength, DataType, ExactNumberInfo, Expr, Function,
    FunctionArg, FunctionArgExpr, FunctionArguments, Ident, InTarget, TrimWhereField, UnaryOperator, Value as Literal,
};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// Deeper conditions are left to the database.
const DEEPEST: usize = 120;

type Read<T> = Result<T, String>;

/// The dialect of an engine.
pub(super) fn dialect(engine: EngineKind) -> &'static dyn Dialect {
    match engine {
        EngineKind::Sqlite => &SQLiteDialect {},
        EngineKind::Postgres => &PostgreSqlDialect {},
        EngineKind::Mysql | EngineKind::Mariadb => &MySqlDialect {},
    }
}

/// Reads a condition on the columns of `about`; in a domain's, `VALUE` is the column `value`.
///
/// # Errors
/// Why it cannot be read, in a few words without any literal.
pub(super) fn condition(text: &str, about: &About, value: Option<usize>) -> Read<Term> {
    let unread = |_| "it cannot be parsed".to_owned();
    let tokens = Tokenizer::new(dialect(about.engine), text)
        .tokenize_with_location()
        .map_err(|_| "it cannot be parsed".to_owned())?;
    let tokens = if about.is_mysql() { plain_tokens(tokens) } else { tokens };
    let mut parser =
        Parser::new(dialect(about.engine)).with_recursion_limit(DEEPEST).with_tokens_with_locations(tokens);
    let expr = parser.parse_expr().map_err(unread)?;
    if parser.peek_token().token != Token::EOF {
        return Err("it goes on behind its end".to_owned());
    }
    Reader { about, value }.term(&expr)
}

/// MySQL's words that the parser does not know: `a MOD b`, and the character set in a cast.
fn plain_tokens(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut tokens: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let is = |token: &Token, wanted: &str| matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted));
    let mut at = 0;
    while at < tokens.len() {
        let is_call = tokens.get(at + 1).is_some_and(|next| next.token == Token::LParen);
        if is(&tokens[at].token, "MOD") && (at > 0 && ends_operand(&tokens[at - 1].token) || !is_call) {
            tokens[at].token = Token::Mod;
        }
        if is(&tokens[at].token, "CHARSET") && at + 1 < tokens.len() {
            tokens.drain(at..at + 2);
            continue;
        }
        at += 1;
    }
    tokens
}

fn ends_operand(token: &Token) -> bool {
    match token {
        Token::RParen | Token::Number(..) => true,
        Token::Word(word) => word.quote_style.is_some(),
        _ => false,
    }
}

struct Reader<'a> {
    about: &'a About,
    value: Option<usize>,
}

fn compared(op: Op, left: Term, right: Term) -> Term {
    match (op, left, right) {
        // Rows are equal where all of their parts are.
        (Op::Equal, Term::Row(left), Term::Row(right)) if left.len() == right.len() => {
            Term::All(left.into_iter().zip(right).map(|(left, right)| compared(op, left, right)).collect())
        }
        (Op::NotEqual, left @ Term::Row(_), right @ Term::Row(_)) => not(compared(Op::Equal, left, right)),
        (op, left, right) => Term::Compare(op, Box::new(left), Box::new(right)),
    }
}

fn not(term: Term) -> Term {
    Term::Not(Box::new(term))
}

fn maybe_not(negated: bool, term: Term) -> Term {
    if negated { not(term) } else { term }
}

fn text(text: &str) -> Term {
    Term::Constant(Datum::Text(text.to_owned(), Rule::Literal))
}

impl Reader<'_> {
    fn boxed(&self, expr: &Expr) -> Read<Box<Term>> {
        self.term(expr).map(Box::new)
    }

    fn list<'e>(&self, list: impl IntoIterator<Item = &'e Expr>) -> Read<Vec<Term>> {
        list.into_iter().map(|expr| self.term(expr)).collect()
    }

    fn call<'e>(&self, name: &'static str, list: impl IntoIterator<Item = &'e Expr>) -> Read<Term> {
        self.list(list).map(|list| Term::Call(name, list))
    }

    fn term(&self, expr: &Expr) -> Read<Term> {
        self.form(expr).map(|term| self.folded(term))
    }

    /// A cast or call of literals as what comes of it, once for all rows. In SQLite a cast says more than its value.
    fn folded(&self, term: Term) -> Term {
        let is_fixed = matches!(term, Term::Cast(..) | Term::Call(..))
            && self.about.engine != EngineKind::Sqlite
            && term.parts().into_iter().all(|part| matches!(part, Term::Constant(_)));
        let known = if is_fixed { value(&term, Row { about: self.about, cells: &[] }) } else { None };
        known.map_or(term, Term::Constant)
    }

    fn form(&self, expr: &Expr) -> Read<Term> {
        Ok(match expr {
            Expr::Nested(inner) => self.term(inner)?,
            Expr::Identifier(name) => self.column(name)?,
            Expr::CompoundIdentifier(names) => self.column(names.last().ok_or("it has an empty name")?)?,
            Expr::Value(value) => self.literal(&value.value)?,
            // MySQL writes _utf8mb4'text'.
            Expr::Prefixed { prefix, value } if prefix.value.starts_with("_utf8") || prefix.value == "_latin1" => {
                self.term(value)?
            }
            Expr::TypedString(typed) => {
                Term::Cast(self.kind(&typed.data_type)?, Box::new(self.literal(&typed.value.value)?))
            }
            Expr::IsTrue(inner) => Term::Is(self.boxed(inner)?, true),
            Expr::IsNotTrue(inner) => not(Term::Is(self.boxed(inner)?, true)),
            Expr::IsFalse(inner) => Term::Is(self.boxed(inner)?, false),
            Expr::IsNotFalse(inner) => not(Term::Is(self.boxed(inner)?, false)),
            Expr::IsNull(inner) | Expr::IsUnknown(inner) => Term::IsNull(self.boxed(inner)?),
            Expr::IsNotNull(inner) | Expr::IsNotUnknown(inner) => not(Term::IsNull(self.boxed(inner)?)),
            Expr::IsDistinctFrom(left, right) => not(Term::Same(self.boxed(left)?, self.boxed(right)?)),
            Expr::IsNotDistinctFrom(left, right) => Term::Same(self.boxed(left)?, self.boxed(right)?),
            Expr::In { expr, target: InTarget::List(list), negated, .. } => {
                let (one, list) = (self.term(expr)?, self.list(list)?);
                let is_row = matches!(one, Term::Row(_));
                let each = |term| compared(Op::Equal, one.clone(), term);
                let is_in = if is_row {
                    Term::Any(list.into_iter().map(each).collect())
                } else {
                    Term::In(Box::new(one), list)
                };
                maybe_not(*negated, is_in)
            }
            Expr::Between { expr, negated, low, high } => {
                let least = compared(Op::AtLeast, self.term(expr)?, self.term(low)?);
                let most = compared(Op::AtMost, self.term(expr)?, self.term(high)?);
                maybe_not(*negated, Term::All(vec![least, most]))
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            Expr::Like { .. } | Expr::ILike { .. } | Expr::SimilarTo { .. } | Expr::RLike { .. } => {
                self.pattern(expr)?
            }
            Expr::AnyOp { left, compare_op, right, .. } => Term::Any(self.each(left, compare_op, right)?),
            Expr::AllOp { left, compare_op, right } => Term::All(self.each(left, compare_op, right)?),
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Not | UnaryOperator::BangNot => not(self.term(expr)?),
                UnaryOperator::Minus => negative(self.term(expr)?),
                UnaryOperator::Plus => self.term(expr)?,
                _ => return Err("it has an operator that is not known here".to_owned()),
            },
            Expr::Cast { expr, data_type, format: None, .. } => Term::Cast(self.kind(data_type)?, self.boxed(expr)?),
            Expr::Convert { expr, data_type: Some(kind), charset: None, styles, .. } if styles.is_empty() => {
                Term::Cast(self.kind(kind)?, self.boxed(expr)?)
            }
            Expr::Convert { expr, data_type: None, charset: Some(_), .. } => self.term(expr)?,
            Expr::Extract { field, expr, .. } => {
                Term::Call("part", vec![text(&field.to_string().to_ascii_lowercase()), self.term(expr)?])
            }
            Expr::Ceil { expr, field } => self.rounding("ceil", expr, field)?,
            Expr::Floor { expr, field } => self.rounding("floor", expr, field)?,
            Expr::Position { expr, r#in } => self.call("instr", [r#in.as_ref(), expr])?,
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                let from = substring_from.as_deref();
                let mut list = vec![self.term(expr)?];
                list.push(from.map_or(Ok(Term::Constant(Datum::Int(1))), |from| self.term(from))?);
                list.extend(substring_for.as_deref().map(|count| self.term(count)).transpose()?);
                Term::Call("substr", list)
            }
            Expr::Trim { expr, trim_where, trim_what, trim_characters } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    Some(TrimWhereField::Both) | None => "trim",
                };
                let what = trim_what.as_deref().into_iter().chain(trim_characters.iter().flatten());
                self.call(name, std::iter::once(expr.as_ref()).chain(what))?
            }
            Expr::Collate { expr, collation: name } => {
                Term::Collate(collation(&name.to_string(), self.about.engine), self.boxed(expr)?)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let mut whens = Vec::new();
                for when in conditions {
                    let condition = match operand {
                        Some(operand) => compared(Op::Equal, self.term(operand)?, self.term(&when.condition)?),
                        None => self.term(&when.condition)?,
                    };
                    whens.push((condition, self.term(&when.result)?));
                }
                let last = else_result.as_deref().map_or(Ok(Term::NULL), |last| self.term(last))?;
                Term::Case(whens, Box::new(last))
            }
            Expr::Interval(interval) => self.interval(interval)?,
            Expr::Tuple(list) => Term::Row(self.list(list)?),
            Expr::Array(array) => Term::Row(self.list(&array.elem)?),
            Expr::Function(function) => self.function(function)?,
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::In { .. } => {
                return Err("it holds a query".to_owned());
            }
            _ => return Err("it uses a form of expression that is not known here".to_owned()),
        })
    }

    /// A text against a pattern.
    fn pattern(&self, expr: &Expr) -> Read<Term> {
        Ok(match expr {
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                maybe_not(*negated, self.like("like", expr, pattern, escape_char.as_deref())?)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                maybe_not(*negated, self.like("ilike", expr, pattern, escape_char.as_deref())?)
            }
            Expr::SimilarTo { negated, expr, pattern, escape_char: None } => {
                maybe_not(*negated, self.call("similar", [expr.as_ref(), pattern])?)
            }
            Expr::RLike { negated, expr, pattern, .. } => {
                maybe_not(*negated, self.call("regex", [expr.as_ref(), pattern])?)
            }
            _ => return Err("it matches in a way that is not known here".to_owned()),
        })
    }

    fn column(&self, name: &Ident) -> Read<Term> {
        let upper = name.value.to_ascii_uppercase();
        if let Some(at) = self.value.filter(|_| upper == "VALUE") {
            return Ok(Term::Column(at));
        }
        let slots = &self.about.slots;
        let exact = slots.iter().position(|slot| slot.name == name.value);
        if let Some(at) = exact.or_else(|| slots.iter().position(|slot| slot.name.eq_ignore_ascii_case(&name.value))) {
            return Ok(Term::Column(at));
        }
        match (upper.as_str(), self.about.engine) {
            // SQLite takes a name in double quotes that is no column for a text.
            (_, EngineKind::Sqlite) if name.quote_style == Some('"') => Ok(text(&name.value)),
            ("TRUE", _) => Ok(Term::Constant(Datum::Bool(true))),
            ("FALSE", _) => Ok(Term::Constant(Datum::Bool(false))),
            ("CURRENT_DATE" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP", _) => self.clock(&upper),
            _ => Err(format!("it speaks of {}, which is no column of the table", name.value.escape_debug())),
        }
    }

    /// The clock, as far as engines agree about it.
    fn clock(&self, name: &str) -> Read<Term> {
        let now = self.about.now;
        let date = time::show_date(now.div_euclid(time::DAY));
        match (name, self.about.engine) {
            ("CURRENT_DATE", EngineKind::Sqlite) => Ok(text(&date)),
            ("CURRENT_TIMESTAMP", EngineKind::Sqlite) => Ok(text(&time::show_timestamp(now))),
            (_, EngineKind::Sqlite) => Err("it asks for the clock in a way that is not known here".to_owned()),
            ("CURRENT_DATE" | "CURDATE", _) => {
                let date = time::parse_date(&date).ok_or("the clock is out of range")?;
                Ok(Term::Constant(Datum::Date(date)))
            }
            _ => Ok(Term::Constant(Datum::Timestamp(now))),
        }
    }

    fn literal(&self, literal: &Literal) -> Read<Term> {
        let datum = match literal {
            Literal::Null => Datum::Null,
            Literal::Boolean(flag) if self.about.engine == EngineKind::Sqlite => Datum::Int((*flag).into()),
            Literal::Boolean(flag) => Datum::Bool(*flag),
            Literal::Number(number, _) => number_of(number, self.about.engine).ok_or("a number has no room here")?,
            Literal::SingleQuotedString(text)
            | Literal::EscapedStringLiteral(text)
            | Literal::NationalStringLiteral(text)
            | Literal::DoubleQuotedString(text) => Datum::Text(text.clone(), Rule::Literal),
            Literal::HexStringLiteral(hex) => Datum::Bytes(bytes_of(hex).ok_or("a literal is no hexadecimal")?),
            _ => return Err("it has a kind of literal that is not known here".to_owned()),
        };
        Ok(Term::Constant(datum))
    }

    fn binary(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Read<Term> {
        use BinaryOperator as B;
        let is_postgres = self.about.engine == EngineKind::Postgres;
        let compare = |op: Op| Ok(compared(op, self.term(left)?, self.term(right)?));
        let call = |name: &'static str| self.call(name, [left, right]);
        let like = |name| self.like(name, left, right, None);
        match op {
            B::And => self.flat(left, right, op).map(Term::All),
            B::Or => self.flat(left, right, op).map(Term::Any),
            B::Xor => call("xor"),
            B::Eq => compare(Op::Equal),
            B::NotEq => compare(Op::NotEqual),
            B::Lt => compare(Op::Less),
            B::LtEq => compare(Op::AtMost),
            B::Gt => compare(Op::Greater),
            B::GtEq => compare(Op::AtLeast),
            B::Spaceship => Ok(Term::Same(self.boxed(left)?, self.boxed(right)?)),
            B::Plus => call("+"),
            B::Minus => Ok(difference(self.term(left)?, self.term(right)?)),
            B::Multiply => call("*"),
            B::Divide => call("/"),
            B::Modulo => call("%"),
            B::MyIntegerDivide => call("div"),
            B::StringConcat if self.about.is_mysql() => Ok(Term::Any(self.list([left, right])?)),
            B::StringConcat => call("||"),
            B::PGRegexMatch => call("regex"),
            B::PGRegexIMatch => call("iregex"),
            B::PGRegexNotMatch => call("regex").map(not),
            B::PGRegexNotIMatch => call("iregex").map(not),
            B::PGLikeMatch => like("like"),
            B::PGILikeMatch => like("ilike"),
            B::PGNotLikeMatch => like("like").map(not),
            B::PGNotILikeMatch => like("ilike").map(not),
            B::Regexp if self.about.is_mysql() => call("regex"),
            B::Glob => call("glob"),
            B::Arrow => call("->"),
            B::LongArrow => call("->>"),
            B::Question if is_postgres => call("?"),
            B::BitwiseAnd => call("&"),
            B::BitwiseOr => call("|"),
            _ => Err(format!("operator {op} is not known here")),
        }
    }

    /// The operands of a chain of ANDs or ORs, which may be long but is not deep.
    fn flat(&self, left: &Expr, right: &Expr, op: &BinaryOperator) -> Read<Vec<Term>> {
        let mut operands = vec![right];
        let mut first = left;
        while let Expr::BinaryOp { left, op: same, right } = first
            && same == op
        {
            operands.push(right);
            first = left;
        }
        operands.push(first);
        self.list(operands.into_iter().rev())
    }

    fn like(&self, name: &'static str, expr: &Expr, pattern: &Expr, escape: Option<&Expr>) -> Read<Term> {
        self.call(name, [expr, pattern].into_iter().chain(escape))
    }

    /// `x op ANY (ARRAY[...])`, one comparison for each.
    fn each(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Read<Vec<Term>> {
        let (list, kind) = self.array(right)?;
        let one = |element: &Expr| {
            let element = self.term(element)?;
            let element = match &kind {
                Some(kind) => self.folded(Term::Cast(kind.clone(), Box::new(element))),
                None => element,
            };
            let left = self.term(left)?;
            Ok(match op {
                BinaryOperator::Eq => compared(Op::Equal, left, element),
                BinaryOperator::NotEq => compared(Op::NotEqual, left, element),
                BinaryOperator::Lt => compared(Op::Less, left, element),
                BinaryOperator::LtEq => compared(Op::AtMost, left, element),
                BinaryOperator::Gt => compared(Op::Greater, left, element),
                BinaryOperator::GtEq => compared(Op::AtLeast, left, element),
                BinaryOperator::PGLikeMatch => Term::Call("like", vec![left, element]),
                BinaryOperator::PGNotLikeMatch => not(Term::Call("like", vec![left, element])),
                BinaryOperator::PGILikeMatch => Term::Call("ilike", vec![left, element]),
                BinaryOperator::PGRegexMatch => Term::Call("regex", vec![left, element]),
                _ => return Err(format!("operator {op} over a list is not known here")),
            })
        };
        list.iter().map(one).collect()
    }

    /// The elements of an array, and what all of them are cast to.
    fn array<'e>(&self, expr: &'e Expr) -> Read<(&'e [Expr], Option<Type>)> {
        match expr {
            Expr::Nested(inner) => self.array(inner),
            Expr::Array(array) => Ok((&array.elem, None)),
            Expr::Cast { expr, data_type, .. } => match self.kind(data_type)? {
                Type::List(kind) => Ok((self.array(expr)?.0, Some(*kind))),
                _ => Err("it compares with a list that is none".to_owned()),
            },
            _ => Err("it compares with a list that is not written out".to_owned()),
        }
    }

    fn rounding(&self, name: &'static str, expr: &Expr, field: &CeilFloorKind) -> Read<Term> {
        match field {
            CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime) => self.call(name, [expr]),
            _ => Err("it rounds in a way that is not known here".to_owned()),
        }
    }

    fn interval(&self, interval: &sqlparser::ast::Interval) -> Read<Term> {
        let wrong = || "it has an interval that is not known here".to_owned();
        let value = self.term(&interval.value)?;
        let found = match (&value, &interval.leading_field) {
            (Term::Constant(Datum::Text(text, _)), None) => Interval::parse(text),
            (Term::Constant(Datum::Int(count)), Some(field)) if interval.last_field.is_none() => {
                Interval::of(i64::try_from(*count).map_err(|_| wrong())?, &field.to_string())
            }
            (Term::Constant(Datum::Text(text, _)), Some(field)) if interval.last_field.is_none() => {
                text.parse().ok().and_then(|count| Interval::of(count, &field.to_string()))
            }
            _ => None,
        };
        found.map(|interval| Term::Constant(Datum::Interval(interval))).ok_or_else(wrong)
    }

    fn function(&self, function: &Function) -> Read<Term> {
        let name = function.name.to_string().to_ascii_lowercase();
        let name = name.trim_start_matches("pg_catalog.").trim_matches(['"', '`']);
        let unknown = || format!("function {} is not known here", name.escape_debug());
        let plain = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
        let list = match &function.args {
            FunctionArguments::None => Vec::new(),
            FunctionArguments::List(list) if plain && list.clauses.is_empty() && list.duplicate_treatment.is_none() => {
                let expr = |arg: &FunctionArg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
                    _ => Err(unknown()),
                };
                list.args.iter().map(expr).collect::<Read<Vec<Expr>>>()?
            }
            _ => return Err(unknown()),
        };
        if ["now", "current_timestamp", "localtimestamp", "current_date", "curdate", "transaction_timestamp"]
            .contains(&name)
        {
            return self.clock(&name.to_ascii_uppercase());
        }
        if name == "timestampdiff" || name == "row" {
            return self.special(name, &list);
        }
        let list = self.list(&list)?;
        functions::call(name, list, self.about.engine).ok_or_else(unknown)
    }

    fn special(&self, name: &str, list: &[Expr]) -> Read<Term> {
        match (name, list) {
            ("row", list) => Ok(Term::Row(self.list(list)?)),
            (_, [Expr::Identifier(unit), from, to]) => {
                let unit = unit.value.to_ascii_lowercase();
                Ok(Term::Call("timestampdiff", vec![text(&unit), self.term(from)?, self.term(to)?]))
            }
            _ => Err("it takes a difference in a way that is not known here".to_owned()),
        }
    }

    fn kind(&self, kind: &DataType) -> Read<Type> {
        if self.about.engine == EngineKind::Sqlite {
            return Ok(Type::Affinity(Affinity::of(&kind.to_string())));
        }
        Ok(match kind {
            DataType::SmallInt(_)
            | DataType::Int2(_)
            | DataType::Int(_)
            | DataType::Int4(_)
            | DataType::Integer(_)
            | DataType::BigInt(_)
            | DataType::Int8(_)
            | DataType::Signed
            | DataType::SignedInteger
            | DataType::Unsigned
            | DataType::UnsignedInteger => Type::Int,
            DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => Type::Number(self.places(info)?),
            DataType::Real if self.about.engine == EngineKind::Postgres => {
                return Err("it casts to real".to_owned());
            }
            DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 | DataType::Real => Type::Real,
            DataType::Text => Type::Text(None),
            DataType::Varchar(length) | DataType::CharacterVarying(length) => Type::Text(length_of(length.as_ref())?),
            DataType::Char(length) | DataType::Character(length) if self.about.is_mysql() => {
                Type::Text(length_of(length.as_ref())?)
            }
            DataType::Char(_) | DataType::Character(_) => Type::Padded,
            DataType::Boolean | DataType::Bool => Type::Bool,
            DataType::Date => Type::Date,
            DataType::Time(..) => Type::Time,
            DataType::Timestamp(..) | DataType::Datetime(_) => Type::Timestamp,
            DataType::Interval { .. } => Type::Interval,
            DataType::JSON | DataType::JSONB => Type::Json,
            DataType::Uuid => Type::Uuid,
            DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) => Type::List(Box::new(self.kind(inner)?)),
            DataType::Custom(name, _) if name.to_string() == "bpchar" => Type::Padded,
            DataType::Custom(name, modifiers) if modifiers.is_empty() && self.about.engine == EngineKind::Postgres => {
                match name.to_string().as_str() {
                    "citext" | "name" | "inet" | "cidr" | "macaddr" | "money" | "xml" => {
                        return Err(format!("it casts to {name}"));
                    }
                    _ => Type::Own,
                }
            }
            other => return Err(format!("it casts to {}", other.to_string().escape_debug())),
        })
    }

    fn places(&self, info: &ExactNumberInfo) -> Read<Option<u8>> {
        let wrong = |_| "it casts to a number with odd places".to_owned();
        match info {
            ExactNumberInfo::None if self.about.is_mysql() => Ok(Some(0)),
            ExactNumberInfo::None => Ok(None),
            ExactNumberInfo::Precision(_) => Ok(Some(0)),
            ExactNumberInfo::PrecisionAndScale(_, places) => u8::try_from(*places).map(Some).map_err(wrong),
        }
    }
}

fn length_of(length: Option<&CharacterLength>) -> Read<Option<usize>> {
    match length {
        Some(CharacterLength::IntegerLength { length, .. }) => {
            usize::try_from(*length).map(Some).map_err(|_| "it casts to a very long text".to_owned())
        }
        Some(CharacterLength::Max) | None => Ok(None),
    }
}

/// How MariaDB and MySQL show DATEDIFF is a difference again.
fn difference(left: Term, right: Term) -> Term {
    match (left, right) {
        (Term::Call("to_days", mut left), Term::Call("to_days", right)) => {
            left.extend(right);
            Term::Call("datediff", left)
        }
        (left, right) => Term::Call("-", vec![left, right]),
    }
}

fn negative(term: Term) -> Term {
    match term {
        Term::Constant(Datum::Int(whole)) => Term::Constant(Datum::Int(-whole)),
        Term::Constant(Datum::Number(number)) => {
            Term::Constant(Datum::Number(Number { units: -number.units, ..number }))
        }
        Term::Constant(Datum::Real(real)) => Term::Constant(Datum::Real(-real)),
        other => Term::Call("negative", vec![other]),
    }
}

fn number_of(text: &str, engine: EngineKind) -> Option<Datum> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let whole: i128 = text.parse().ok()?;
        return match engine {
            EngineKind::Sqlite => (whole <= i64::MAX.into()).then_some(Datum::Int(whole)),
            _ => Some(Datum::Int(whole)),
        };
    }
    match (engine, Number::parse(text)) {
        (EngineKind::Sqlite, _) => text.parse().ok().map(Datum::Real),
        (_, Some(number)) => Some(Datum::Number(number)),
        (EngineKind::Postgres, None) => super::datum::decimal(text.parse().ok()?).map(Datum::Number),
        (_, None) => text.parse().ok().map(Datum::Real),
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
