//! What ENUM types and CHECK constraints say about single columns, so that masks write nothing that the table refuses. Only
//! conditions whose meaning is plain are read; the rest is left to the engine that enforces it, and named in a warning.

use super::condition;
use crate::mask::Check;
use crate::model::schema::{Catalogue, EngineKind, Family, Table};
use regex::bytes::RegexBuilder;
use sqlparser::ast::{
    BinaryOperator, CastKind, ColumnOption, CreateTable, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    InTarget, Statement, TableConstraint, UnaryOperator, Value,
};
use sqlparser::parser::Parser;

/// What the constraints of a table say about one of its columns.
#[derive(Debug, Default, Clone)]
pub(super) struct Limits {
    /// The only values it takes.
    pub(super) labels: Option<Vec<String>>,
    /// Other conditions.
    pub(super) checks: Vec<Check>,
    /// Whether a CHECK speaks of the column in a way that is not understood.
    pub(super) unclear: bool,
}

/// The limits of every column of `table`, by index.
pub(super) fn limits(table: &Table, catalogue: &Catalogue) -> Vec<Limits> {
    let engine = catalogue.engine;
    let mut limits: Vec<Limits> = table.columns.iter().map(|_| Limits::default()).collect();
    for (at, column) in table.columns.iter().enumerate() {
        if column.family == Family::Enum {
            limits[at].labels = labels(&column.declared, catalogue);
        }
        for text in domain_checks(&column.declared, catalogue) {
            match condition::expression(&text, engine) {
                Ok(expr) => read(&expr, &|name| name.eq_ignore_ascii_case("value").then_some(at), &mut limits),
                Err(_) => limits[at].unclear = true,
            }
        }
    }
    let find = |name: &str| {
        let exact = table.column_index(name);
        exact.or_else(|| table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    };
    let written = written_checks(table, engine).unwrap_or_else(|| {
        // The statement cannot be read, so each of its columns may have a check.
        for limits in &mut limits {
            limits.unclear = true;
        }
        Vec::new()
    });
    for text in table.checks.iter().cloned().chain(written) {
        let text = text.trim();
        let text = text.strip_prefix("CHECK ").unwrap_or(text);
        let text = text.strip_suffix(" NOT VALID").unwrap_or(text).trim_end_matches(" NO INHERIT");
        match condition::expression(text, engine) {
            Ok(expr) => read(&expr, &find, &mut limits),
            Err(_) => {
                // Which columns it speaks of is a guess then, on the safe side.
                for (at, column) in table.columns.iter().enumerate() {
                    limits[at].unclear |= text.contains(&column.name);
                }
            }
        }
    }
    limits
}

/// The labels of an ENUM: in the type itself (MySQL, MariaDB) or in the type's own statement (PostgreSQL).
fn labels(declared: &str, catalogue: &Catalogue) -> Option<Vec<String>> {
    if let Some(list) = declared.strip_prefix("enum(").and_then(|rest| rest.strip_suffix(')')) {
        return Some(strings(list));
    }
    let create = catalogue.pre.iter().find(|object| object.kind == "type" && object.name == declared);
    let list = create?.create.split_once(" AS ENUM (")?.1.trim().strip_suffix(')')?;
    Some(strings(list))
}

/// The string literals of a list, in which a quote is written twice.
fn strings(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = list;
    while let Some(start) = rest.find('\'') {
        let mut text = String::new();
        let mut chars = rest[start + 1..].char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                text.push(c);
            } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
                text.push('\'');
            } else {
                end = start + 1 + at + 1;
                break;
            }
        }
        found.push(text);
        rest = rest.get(end..).unwrap_or_default();
    }
    found
}

/// The conditions of a PostgreSQL domain, which speak of `VALUE`.
fn domain_checks(declared: &str, catalogue: &Catalogue) -> Vec<String> {
    let domain = catalogue.pre.iter().find(|object| object.kind == "domain" && object.name == declared);
    let Some(domain) = domain else { return Vec::new() };
    let parts = domain.create.split(" CONSTRAINT ").skip(1);
    parts
        .filter_map(|part| part.split_once(" CHECK "))
        .map(|(_, check)| check.trim_end_matches(" NOT VALID").to_owned())
        .collect()
}

/// The checks in the text of a SQLite table, whose catalogue does not list them; none where it has some and cannot be read.
fn written_checks(table: &Table, engine: EngineKind) -> Option<Vec<String>> {
    if engine != EngineKind::Sqlite || !table.create.to_ascii_uppercase().contains("CHECK") {
        return Some(Vec::new());
    }
    let parsed = Parser::parse_sql(condition::dialect(engine), &table.create).ok()?;
    let Some(Statement::CreateTable(CreateTable { columns, constraints, .. })) = parsed.into_iter().next() else {
        return None;
    };
    let in_columns = columns.into_iter().flat_map(|column| column.options).filter_map(|option| match option.option {
        ColumnOption::Check(check) => Some(check.expr.to_string()),
        _ => None,
    });
    let own = constraints.into_iter().filter_map(|constraint| match constraint {
        TableConstraint::Check(check) => Some(check.expr.to_string()),
        _ => None,
    });
    Some(in_columns.chain(own).collect())
}

/// Takes a condition apart at its ANDs and files what each part says.
fn read(expr: &Expr, find: &dyn Fn(&str) -> Option<usize>, limits: &mut [Limits]) {
    match bare(expr) {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            read(left, find, limits);
            read(right, find, limits);
        }
        other => {
            let mut columns = Vec::new();
            mentioned(other, find, &mut columns);
            match (columns.as_slice(), understood(other, find)) {
                ([at], Some(Said::Labels(labels))) if limits[*at].labels.is_none() => limits[*at].labels = Some(labels),
                ([at], Some(Said::Labels(labels))) => {
                    if let Some(known) = &mut limits[*at].labels {
                        known.retain(|label| labels.contains(label));
                    }
                }
                ([at], Some(Said::Check(check))) => limits[*at].checks.push(check),
                (_, Some(Said::Nothing)) => {}
                (columns, _) => columns.iter().for_each(|at| limits[*at].unclear = true),
            }
        }
    }
}

enum Said {
    Labels(Vec<String>),
    Check(Check),
    /// Nothing that a mask could break: NULL stays NULL.
    Nothing,
}

/// An expression without parentheses and casts around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        Expr::Cast { expr, kind: CastKind::DoubleColon | CastKind::Cast, .. } | Expr::Collate { expr, .. } => {
            bare(expr)
        }
        // MySQL writes _utf8mb4'text'.
        Expr::Prefixed { value, .. } => bare(value),
        other => other,
    }
}

fn column_of(expr: &Expr, find: &dyn Fn(&str) -> Option<usize>) -> Option<usize> {
    match bare(expr) {
        Expr::Identifier(name) => find(&name.value),
        _ => None,
    }
}

fn text_of(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::Value(value) => match &value.value {
            // MySQL's CREATE TABLE shows strings in double quotes under some modes.
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) | Value::DoubleQuotedString(text) => {
                Some(text.clone())
            }
            Value::Number(number, _) => Some(number.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => text_of(expr).map(|text| format!("-{text}")),
        _ => None,
    }
}

fn number_of(expr: &Expr) -> Option<f64> {
    text_of(expr)?.parse().ok()
}

/// What a condition says about its one column.
fn understood(expr: &Expr, find: &dyn Fn(&str) -> Option<usize>) -> Option<Said> {
    let is_column = |expr: &Expr| column_of(expr, find).is_some();
    match expr {
        Expr::IsNotNull(inner) | Expr::IsNull(inner) if is_column(inner) => Some(Said::Nothing),
        Expr::In { expr, target: InTarget::List(list), negated, .. } if is_column(expr) => {
            let texts: Option<Vec<String>> = list.iter().map(text_of).collect();
            Some(if *negated { Said::Check(Check::NoneOf(texts?)) } else { Said::Labels(texts?) })
        }
        // PostgreSQL renders IN as = ANY (ARRAY[...]).
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } if is_column(left) => match bare(right) {
            Expr::Array(array) => array.elem.iter().map(text_of).collect::<Option<_>>().map(Said::Labels),
            _ => None,
        },
        Expr::Between { expr, negated: false, low, high } => {
            let (low, high) = (number_of(low)?, number_of(high)?);
            measured(expr, Some((low, true)), Some((high, true)), find)
        }
        Expr::Like { negated, expr, pattern, escape_char: None, .. } if is_column(expr) => {
            like(&text_of(pattern)?, false, !negated)
        }
        Expr::ILike { negated, expr, pattern, escape_char: None, .. } if is_column(expr) => {
            like(&text_of(pattern)?, true, !negated)
        }
        Expr::RLike { negated, expr, pattern, .. } if is_column(expr) => regex(&text_of(pattern)?, false, !negated),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
            // "x IS NULL OR ..." says no more than the rest: NULL stays NULL.
            match (understood(bare(left), find), understood(bare(right), find)) {
                (Some(Said::Nothing), Some(said)) | (Some(said), Some(Said::Nothing)) => Some(said),
                (Some(Said::Labels(mut labels)), Some(Said::Labels(more))) => {
                    labels.extend(more);
                    Some(Said::Labels(labels))
                }
                _ => None,
            }
        }
        Expr::BinaryOp { left, op, right } => compared(left, op, right, find),
        _ => None,
    }
}

fn compared(left: &Expr, op: &BinaryOperator, right: &Expr, find: &dyn Fn(&str) -> Option<usize>) -> Option<Said> {
    if column_of(left, find).is_some() {
        match op {
            BinaryOperator::Eq => return Some(Said::Labels(vec![text_of(right)?])),
            BinaryOperator::NotEq => return Some(Said::Check(Check::NoneOf(vec![text_of(right)?]))),
            BinaryOperator::PGRegexMatch => return regex(&text_of(right)?, false, true),
            BinaryOperator::PGRegexIMatch => return regex(&text_of(right)?, true, true),
            BinaryOperator::PGRegexNotMatch => return regex(&text_of(right)?, false, false),
            BinaryOperator::PGRegexNotIMatch => return regex(&text_of(right)?, true, false),
            BinaryOperator::PGLikeMatch => return like(&text_of(right)?, false, true),
            BinaryOperator::PGILikeMatch => return like(&text_of(right)?, true, true),
            _ => {}
        }
    }
    let (measure, bound, op) = match (number_of(right), number_of(left)) {
        (Some(bound), _) => (left, bound, op.clone()),
        (None, Some(bound)) => {
            let turned = match op {
                BinaryOperator::Lt => BinaryOperator::Gt,
                BinaryOperator::LtEq => BinaryOperator::GtEq,
                BinaryOperator::Gt => BinaryOperator::Lt,
                BinaryOperator::GtEq => BinaryOperator::LtEq,
                other => other.clone(),
            };
            (right, bound, turned)
        }
        (None, None) => return None,
    };
    let (least, most) = match op {
        BinaryOperator::Gt => (Some((bound, false)), None),
        BinaryOperator::GtEq => (Some((bound, true)), None),
        BinaryOperator::Lt => (None, Some((bound, false))),
        BinaryOperator::LtEq => (None, Some((bound, true))),
        BinaryOperator::Eq => (Some((bound, true)), Some((bound, true))),
        _ => return None,
    };
    measured(measure, least, most, find)
}

/// Bounds of a column, or of its length.
fn measured(
    measure: &Expr,
    least: Option<(f64, bool)>,
    most: Option<(f64, bool)>,
    find: &dyn Fn(&str) -> Option<usize>,
) -> Option<Said> {
    if column_of(measure, find).is_some() {
        return Some(Said::Check(Check::Range { least, most }));
    }
    let Expr::Function(function) = bare(measure) else { return None };
    let name = function.name.to_string().to_ascii_lowercase();
    if !["length", "char_length", "character_length"].contains(&name.as_str()) {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else { return None };
    column_of(argument, find)?;
    let whole = |bound: f64, closed: bool, up: f64| if closed { bound } else { bound + up };
    let limit = |bound: f64| if bound < 0.0 { 0 } else { format!("{bound:.0}").parse().unwrap_or(u64::MAX) };
    let least = least.map_or(0, |(bound, closed)| limit(whole(bound.ceil(), closed || bound.fract() != 0.0, 1.0)));
    let most =
        most.map_or(u64::MAX, |(bound, closed)| limit(whole(bound.floor(), closed || bound.fract() != 0.0, -1.0)));
    Some(Said::Check(Check::Length(least, most)))
}

fn regex(pattern: &str, fold: bool, wanted: bool) -> Option<Said> {
    // Patterns of the servers and of this crate agree on what people write in a CHECK; what differs fails to build.
    let built = RegexBuilder::new(pattern).case_insensitive(fold).size_limit(1 << 20).build().ok()?;
    Some(Said::Check(Check::Matches(built, wanted)))
}

fn like(pattern: &str, fold: bool, wanted: bool) -> Option<Said> {
    let mut text = String::from("(?s)^");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => text.push_str(".*"),
            '_' => text.push('.'),
            '\\' => text.push_str(&regex::escape(&chars.next()?.to_string())),
            c => text.push_str(&regex::escape(&c.to_string())),
        }
    }
    text.push('$');
    regex(&text, fold, wanted)
}

/// The columns that an expression names, as far as it is made of forms known here.
fn mentioned(expr: &Expr, find: &dyn Fn(&str) -> Option<usize>, columns: &mut Vec<usize>) {
    // Every identifier in the rendered text that is a column; strings cannot be mistaken for one, being quoted otherwise.
    let text = expr.to_string();
    let mut quoted = false;
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c == '\'' {
            quoted = !quoted;
        }
        if !quoted && (c.is_alphanumeric() || c == '_') {
            word.push(c);
            continue;
        }
        if let Some(at) = find(&word).filter(|at| !columns.contains(at)) {
            columns.push(at);
        }
        word.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::tests::{catalogue, column, table};
    use super::*;
    use crate::model::schema::SchemaObject;

    fn of(engine: EngineKind, checks: &[&str], create: &str) -> Vec<Limits> {
        let mut clients = table("clients", vec![column("status", Family::Text), column("age", Family::Integer)]);
        clients.checks = checks.iter().map(ToString::to_string).collect();
        clients.create = create.to_owned();
        let catalogue = Catalogue { engine, ..catalogue(vec![clients.clone()]) };
        limits(&clients, &catalogue)
    }

    #[test]
    fn lists_are_found_in_every_engines_words() {
        for (engine, check) in [
            (
                EngineKind::Postgres,
                "CHECK (((status)::text = ANY ((ARRAY['new'::character varying, 'it''s'::character varying])::text[])))",
            ),
            (EngineKind::Postgres, "CHECK ((status = ANY (ARRAY['new'::text, 'it''s'::text])))"),
            (EngineKind::Mysql, "((`status` in (_utf8mb4'new',_utf8mb4'it''s')))"),
            (EngineKind::Mariadb, "(`status` in ('new','it''s'))"),
            (EngineKind::Sqlite, "status IN ('new', 'it''s')"),
            (EngineKind::Sqlite, "status IS NULL OR status IN ('new', 'it''s')"),
        ] {
            let limits = of(engine, &[check], "");
            assert_eq!(limits[0].labels.as_deref(), Some(["new".to_owned(), "it's".to_owned()].as_slice()), "{check}");
            assert!(!limits[0].unclear && limits[1].labels.is_none());
        }
    }

    #[test]
    fn ranges_lengths_and_patterns_are_found() {
        let limits = of(
            EngineKind::Postgres,
            &[
                "CHECK (((age >= 18) AND (age < 120)))",
                "CHECK ((length(status) <= 5))",
                "CHECK (((status)::text ~ '^[a-z]+$'::text))",
                "CHECK ((status <> 'x'::text))",
            ],
            "",
        );
        assert_eq!((limits[0].checks.len(), limits[1].checks.len()), (3, 2));
        let fit = crate::mask::Fit { checks: limits[0].checks.clone(), ..Default::default() };
        assert!(
            fit.test(b"abc").is_ok()
                && fit.test(b"abcdef").is_err()
                && fit.test(b"ABC").is_err()
                && fit.test(b"x").is_err()
        );
        let fit = crate::mask::Fit { checks: limits[1].checks.clone(), ..Default::default() };
        assert!(fit.test(b"18").is_ok() && fit.test(b"17").is_err() && fit.test(b"120").is_err());
    }

    #[test]
    fn sqlite_checks_are_read_from_the_statement() {
        let limits = of(
            EngineKind::Sqlite,
            &[],
            "CREATE TABLE clients (status TEXT CHECK (status IN ('a', 'b')), age INTEGER, CONSTRAINT grown CHECK (age > 17))",
        );
        assert_eq!(limits[0].labels.as_ref().map(Vec::len), Some(2));
        assert_eq!(limits[1].checks.len(), 1);
    }

    #[test]
    fn a_statement_that_cannot_be_read_is_no_statement_without_checks() {
        let unclear = |create: &str| of(EngineKind::Sqlite, &[], create).iter().all(|limits| limits.unclear);
        assert!(unclear("CREATE TABLE clients (status !! CHECK (status IN ('a')), age INTEGER)"));
        assert!(!unclear("CREATE TABLE clients (status !!, age INTEGER)"));
    }

    #[test]
    fn what_is_not_understood_is_said_to_be_so() {
        let limits = of(
            EngineKind::Postgres,
            &["CHECK ((my_check(status) AND (age > 3)))", "CHECK ((age > length(status)))"],
            "",
        );
        assert!(limits[0].unclear && limits[1].unclear);
        assert_eq!(limits[1].checks.len(), 1);
    }

    #[test]
    fn labels_of_enums_and_conditions_of_domains() {
        let mut state = table(
            "s",
            vec![
                Column { declared: "mood".into(), ..column("m", Family::Enum) },
                Column { declared: "zip".into(), ..column("z", Family::Text) },
            ],
        );
        let object = |kind: &str, name: &str, create: &str| SchemaObject {
            kind: kind.into(),
            name: name.into(),
            table: None,
            create: create.into(),
        };
        let mut catalogue = Catalogue { engine: EngineKind::Postgres, ..catalogue(vec![state.clone()]) };
        catalogue.pre = vec![
            object("type", "mood", "CREATE TYPE mood AS ENUM ('sad', 'it''s ok')"),
            object(
                "domain",
                "zip",
                "CREATE DOMAIN zip AS text CONSTRAINT zip_check CHECK ((VALUE ~ '^[0-9]{5}$'::text))",
            ),
        ];
        let found = limits(&state, &catalogue);
        assert_eq!(found[0].labels.as_deref(), Some(["sad".to_owned(), "it's ok".to_owned()].as_slice()));
        assert_eq!(found[1].checks.len(), 1);
        state.columns[0].declared = "enum('a','b,c')".into();
        assert_eq!(
            limits(&state, &catalogue)[0].labels.as_deref(),
            Some(["a".to_owned(), "b,c".to_owned()].as_slice())
        );
    }

    use crate::model::schema::Column;
}
