//! Expressions over a row, the rows that it references and those that reference it, as profiles write them: SQL's words, read
//! by `sqlparser`. They are total: what makes no sense is NULL.

use crate::generate::profile::moment;
use crate::generate::value::{Number, Value};
use sqlparser::ast::{
    BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, InTarget, UnaryOperator,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

/// An expression; `C` is how it names a cell, `K` how it names the rows that reference a row.
#[derive(Debug, Clone)]
pub enum Expression<C, K> {
    /// A value.
    Constant(Value),
    /// A cell of the row, or of one that it references.
    Cell(C),
    /// The ordinal of the row among those that reference the same one, from 1; among all rows without one.
    Nth(Option<C>),
    /// The row's ordinal, from 1.
    Row,
    /// A function of other expressions.
    Call(Function, Vec<Self>),
    /// `CASE`: the first one whose condition holds.
    Case(Vec<(Self, Self)>, Box<Self>),
    /// Rows that reference the row, folded to one value.
    Fold(Box<Folded<C, K>>),
}

/// A fold over the rows that reference a row.
#[derive(Debug, Clone)]
pub struct Folded<C, K> {
    /// How.
    pub fold: Fold,
    /// Which rows.
    pub kin: K,
    /// What of each.
    pub of: Expression<C, K>,
    /// Only those in which this holds.
    pub when: Option<Expression<C, K>>,
    /// `first` and `last`: by this.
    pub by: Option<Expression<C, K>>,
}

/// As written: names in order.
pub type Written = Expression<Vec<String>, Vec<String>>;

/// How rows are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The sum; 0 of nothing.
    Sum,
    /// How many.
    Count,
    /// The lowest.
    Min,
    /// The highest.
    Max,
    /// The average.
    Mean,
    /// That of the first one.
    First,
    /// That of the last one.
    Last,
}

/// The folds by name.
pub const FOLDS: [(&str, Fold); 7] = [
    ("sum", Fold::Sum),
    ("count", Fold::Count),
    ("min", Fold::Min),
    ("max", Fold::Max),
    ("avg", Fold::Mean),
    ("first", Fold::First),
    ("last", Fold::Last),
];

/// A function or an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what SQL calls so")]
pub enum Function {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    And,
    Or,
    Not,
    IsNull,
    In,
    Like,
    Concat,
    Coalesce,
    NullIf,
    Round,
    Floor,
    Ceil,
    Abs,
    Greatest,
    Least,
    Lower,
    Upper,
    Length,
    Left,
    Right,
    LeftPad,
    Replace,
    Date,
    Year,
    Month,
    Now,
}

/// The functions by name, with how many arguments each takes at least and at most.
pub const FUNCTIONS: [(&str, Function, usize, usize); 21] = [
    ("abs", Function::Abs, 1, 1),
    ("ceil", Function::Ceil, 1, 1),
    ("coalesce", Function::Coalesce, 1, 20),
    ("concat", Function::Concat, 1, 20),
    ("date", Function::Date, 1, 1),
    ("floor", Function::Floor, 1, 1),
    ("greatest", Function::Greatest, 1, 20),
    ("least", Function::Least, 1, 20),
    ("left", Function::Left, 2, 2),
    ("length", Function::Length, 1, 1),
    ("lower", Function::Lower, 1, 1),
    ("lpad", Function::LeftPad, 2, 3),
    ("mod", Function::Modulo, 2, 2),
    ("month", Function::Month, 1, 1),
    ("now", Function::Now, 0, 0),
    ("nullif", Function::NullIf, 2, 2),
    ("replace", Function::Replace, 3, 3),
    ("right", Function::Right, 2, 2),
    ("round", Function::Round, 1, 2),
    ("upper", Function::Upper, 1, 1),
    ("year", Function::Year, 1, 1),
];

/// Reads an expression.
///
/// # Errors
/// What cannot be read, as a fragment.
pub fn read(text: &str) -> Result<Written, String> {
    let mut parser = Parser::new(&GenericDialect {})
        .with_recursion_limit(64)
        .try_with_sql(text)
        .map_err(|_| "this is no expression in SQL".to_owned())?;
    let expression = parser.parse_expr().map_err(|_| "this is no expression in SQL".to_owned())?;
    if !matches!(parser.peek_token().token, sqlparser::tokenizer::Token::EOF) {
        return Err("something follows the expression".to_owned());
    }
    convert(&expression)
}

fn convert(expression: &Expr) -> Result<Written, String> {
    let call = |function, arguments: Vec<Written>| Ok(Expression::Call(function, arguments));
    match expression {
        Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("now") => {
            call(Function::Now, Vec::new())
        }
        Expr::Identifier(name) => Ok(Expression::Cell(vec![name.value.clone()])),
        Expr::CompoundIdentifier(names) => Ok(Expression::Cell(values(names))),
        Expr::Value(value) => constant(&value.value),
        Expr::TypedString(typed) if matches!(typed.data_type, DataType::Date | DataType::Timestamp(..)) => {
            match &typed.value.value {
                sqlparser::ast::Value::SingleQuotedString(text) => moment::read(text)
                    .and_then(|micros| match typed.data_type {
                        DataType::Date => i32::try_from(micros.div_euclid(moment::DAY)).ok().map(Value::Date),
                        _ => Some(Value::Timestamp(micros)),
                    })
                    .map(Expression::Constant)
                    .ok_or_else(|| "this is no date".to_owned()),
                _ => Err("this is no date".to_owned()),
            }
        }
        Expr::Nested(inner) => convert(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => call(Function::Negate, vec![convert(expr)?]),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => convert(expr),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => call(Function::Not, vec![convert(expr)?]),
        Expr::BinaryOp { left, op, right } => {
            let function = operator(op).ok_or_else(|| format!("operator {op} is not known here"))?;
            call(function, vec![convert(left)?, convert(right)?])
        }
        Expr::IsNull(inner) => call(Function::IsNull, vec![convert(inner)?]),
        Expr::IsNotNull(inner) => call(Function::Not, vec![call(Function::IsNull, vec![convert(inner)?])?]),
        Expr::In { expr, target: InTarget::List(list), negated, .. } => {
            let mut arguments = vec![convert(expr)?];
            arguments.extend(list.iter().map(convert).collect::<Result<Vec<_>, _>>()?);
            Ok(negate(*negated, Expression::Call(Function::In, arguments)))
        }
        Expr::Between { expr, negated, low, high } => {
            let low = call(Function::AtLeast, vec![convert(expr)?, convert(low)?])?;
            let high = call(Function::AtMost, vec![convert(expr)?, convert(high)?])?;
            Ok(negate(*negated, Expression::Call(Function::And, vec![low, high])))
        }
        Expr::Like { negated, expr, pattern, escape_char: None, any: false } => {
            Ok(negate(*negated, Expression::Call(Function::Like, vec![convert(expr)?, convert(pattern)?])))
        }
        Expr::Ceil { expr, .. } => call(Function::Ceil, vec![convert(expr)?]),
        Expr::Floor { expr, .. } => call(Function::Floor, vec![convert(expr)?]),
        Expr::Case { operand, conditions, else_result, .. } => {
            let mut cases = Vec::new();
            for case in conditions {
                let condition = match operand {
                    Some(operand) => call(Function::Equal, vec![convert(operand)?, convert(&case.condition)?])?,
                    None => convert(&case.condition)?,
                };
                cases.push((condition, convert(&case.result)?));
            }
            let otherwise =
                else_result.as_ref().map_or(Ok(Expression::Constant(Value::Null)), |other| convert(other))?;
            Ok(Expression::Case(cases, Box::new(otherwise)))
        }
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else {
                return Err(format!("function {} cannot stand so", function.name));
            };
            let arguments: Vec<&Expr> = list
                .args
                .iter()
                .map(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Ok(expression),
                    _ => Err(format!("this argument of {} is not known here", function.name)),
                })
                .collect::<Result<_, _>>()?;
            function_of(&function.name.to_string().to_lowercase(), &arguments)
        }
        other => Err(format!("'{}' is not known here", short(&other.to_string()))),
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect::<String>().escape_debug().to_string()
}

fn values(names: &[Ident]) -> Vec<String> {
    names.iter().map(|name| name.value.clone()).collect()
}

fn negate(negated: bool, expression: Written) -> Written {
    if negated { Expression::Call(Function::Not, vec![expression]) } else { expression }
}

fn constant(value: &sqlparser::ast::Value) -> Result<Written, String> {
    use sqlparser::ast::Value as Literal;
    Ok(Expression::Constant(match value {
        Literal::Number(number, _) => {
            Value::Number(Number::parse(number).ok_or_else(|| "this number is not known here".to_owned())?)
        }
        Literal::SingleQuotedString(text) => Value::text(text.clone()),
        Literal::Boolean(flag) => Value::Boolean(*flag),
        Literal::Null => Value::Null,
        _ => return Err("this constant is not known here".to_owned()),
    }))
}

fn operator(op: &BinaryOperator) -> Option<Function> {
    Some(match op {
        BinaryOperator::Plus => Function::Add,
        BinaryOperator::Minus => Function::Subtract,
        BinaryOperator::Multiply => Function::Multiply,
        BinaryOperator::Divide => Function::Divide,
        BinaryOperator::Modulo => Function::Modulo,
        BinaryOperator::StringConcat => Function::Concat,
        BinaryOperator::Eq => Function::Equal,
        BinaryOperator::NotEq => Function::NotEqual,
        BinaryOperator::Lt => Function::Less,
        BinaryOperator::LtEq => Function::AtMost,
        BinaryOperator::Gt => Function::Greater,
        BinaryOperator::GtEq => Function::AtLeast,
        BinaryOperator::And => Function::And,
        BinaryOperator::Or => Function::Or,
        _ => return None,
    })
}

fn function_of(name: &str, arguments: &[&Expr]) -> Result<Written, String> {
    let names = |expression: &Expr| match expression {
        Expr::Identifier(name) => Ok(vec![name.value.clone()]),
        Expr::CompoundIdentifier(names) => Ok(values(names)),
        _ => Err(format!("{name} begins with the name of a table or of a reference")),
    };
    if name == "nth" || name == "row_number" {
        return match arguments {
            [] if name == "row_number" => Ok(Expression::Row),
            [] => Ok(Expression::Nth(None)),
            [column] if name == "nth" => Ok(Expression::Nth(Some(names(column)?))),
            _ => Err(format!("{name} takes other arguments")),
        };
    }
    if let Some((_, fold)) = FOLDS.into_iter().find(|(known, _)| *known == name) {
        return folded(name, fold, arguments, &names);
    }
    let Some((_, function, least, most)) = FUNCTIONS.into_iter().find(|(known, ..)| *known == name) else {
        let known = FUNCTIONS.iter().map(|(name, ..)| *name).chain(FOLDS.iter().map(|(name, _)| *name));
        let meant = crate::model::names::did_you_mean(name, known).unwrap_or_default();
        return Err(format!("function '{}' is not known here. {meant}", short(name)).trim_end().to_owned());
    };
    if !(least..=most).contains(&arguments.len()) {
        return Err(format!("function {name} takes {least} to {most} arguments"));
    }
    Ok(Expression::Call(function, arguments.iter().map(|argument| convert(argument)).collect::<Result<_, _>>()?))
}

/// `sum(child, expression, condition)`, `count(child, condition)`, `first(child, expression, by, condition)`.
fn folded(
    name: &str,
    fold: Fold,
    arguments: &[&Expr],
    names: &dyn Fn(&Expr) -> Result<Vec<String>, String>,
) -> Result<Written, String> {
    let Some((kin, rest)) = arguments.split_first() else { return Err(format!("{name} needs a table")) };
    let mut rest: Vec<Written> = rest.iter().map(|argument| convert(argument)).collect::<Result<_, _>>()?;
    rest.reverse();
    let of = match fold {
        Fold::Count => Expression::Constant(Value::whole(1)),
        _ => rest
            .pop()
            .ok_or_else(|| format!("{name} needs a table and an expression: {name}(order_lines, quantity)"))?,
    };
    let by = if matches!(fold, Fold::First | Fold::Last) { rest.pop() } else { None };
    let when = rest.pop();
    if !rest.is_empty() {
        return Err(format!("{name} has too many arguments"));
    }
    Ok(Expression::Fold(Box::new(Folded { fold, kin: names(kin)?, of, when, by })))
}

impl<C, K> Expression<C, K> {
    /// Calls `each` on every expression inside of this one, itself included; not on those over other rows.
    pub fn walk<'a>(&'a self, each: &mut dyn FnMut(&'a Self)) {
        each(self);
        match self {
            Self::Call(_, arguments) => arguments.iter().for_each(|argument| argument.walk(each)),
            Self::Case(cases, otherwise) => {
                for (condition, result) in cases {
                    condition.walk(each);
                    result.walk(each);
                }
                otherwise.walk(each);
            }
            Self::Fold(folded) => {
                folded.of.walk(each);
                for part in folded.when.iter().chain(&folded.by) {
                    part.walk(each);
                }
            }
            Self::Constant(_) | Self::Cell(_) | Self::Nth(_) | Self::Row => {}
        }
    }
}
