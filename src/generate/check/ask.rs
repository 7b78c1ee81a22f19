//! Asks the live database about conditions that cannot be worked out here: one SELECT over literals. No row is read, nothing is
//! written.

use super::Check;
use super::Truth;
use super::datum::{About, Affinity, Datum};
use super::time;
use crate::engine::sql::Sql;
use crate::engine::{Query, Source};
use crate::error::{Kind, Result};
use crate::generate::value::Value;
use crate::model::batch::{Batch, CellKind};
use crate::model::schema::{EngineKind, Family, Table};

/// Rows in one question.
const AT_ONCE: usize = 100;
/// After so many rows whose condition is an error the rest of the question is left alone.
const ERRORS: usize = 8;

type Cells = Vec<Option<Value>>;

/// What the database says of each of `checks`, for each of `rows`. A condition that is an error there is `Cannot`.
///
/// # Errors
/// Kind `Interrupted`; `Unreachable` when the database cannot be asked at all.
pub fn ask(source: &mut dyn Source, table: &Table, checks: &[&Check], rows: &[Cells]) -> Result<Vec<Vec<Truth>>> {
    let mut asker = Asker { fork: source.fork()?, source, table };
    checks.iter().map(|check| asker.check(check, rows)).collect()
}

struct Asker<'a> {
    source: &'a mut dyn Source,
    /// Another reader, because an error ends a transaction of some engines.
    fork: Option<Box<dyn Source>>,
    table: &'a Table,
}

impl Asker<'_> {
    fn check(&mut self, check: &Check, rows: &[Cells]) -> Result<Vec<Truth>> {
        let mut found = vec![Truth::Cannot; rows.len()];
        let asked: Vec<usize> = (0..rows.len()).filter(|at| is_whole(check, &rows[*at])).collect();
        for chunk in asked.chunks(AT_ONCE) {
            let mut errors = 0;
            self.some(check, rows, chunk, &mut found, &mut errors)?;
        }
        Ok(found)
    }

    /// Asks about some rows at once; where that is an error, about each half of them.
    fn some(
        &mut self,
        check: &Check,
        rows: &[Cells],
        at: &[usize],
        found: &mut [Truth],
        errors: &mut usize,
    ) -> Result<()> {
        if at.is_empty() || *errors >= ERRORS {
            return Ok(());
        }
        let Some(sql) = question(check, self.table, rows, at) else {
            return Ok(());
        };
        let mut answers = Vec::new();
        let mut take = |batch: Batch| {
            answers.extend((0..batch.rows()).map(|row| (batch.cell(row, 0).bytes.to_vec(), answer(&batch, row))));
            Ok(())
        };
        let query = Query { sql, columns: 2 };
        let read = match &mut self.fork {
            Some(fork) => fork.read(&query, &mut take),
            None => self.source.read(&query, &mut take),
        };
        match read {
            Ok(_) => {
                for (ordinal, truth) in answers {
                    let ordinal = String::from_utf8_lossy(&ordinal).parse::<usize>().ok();
                    if let Some(row) = ordinal.and_then(|ordinal| at.get(ordinal)) {
                        found[*row] = truth;
                    }
                }
                Ok(())
            }
            Err(error) if error.kind() == Kind::Interrupted => Err(error),
            Err(_) => {
                if self.fork.is_some() {
                    self.fork = self.source.fork()?;
                }
                if let [_] = at {
                    *errors += 1;
                    return Ok(());
                }
                let (first, last) = at.split_at(at.len() / 2);
                self.some(check, rows, first, found, errors)?;
                self.some(check, rows, last, found, errors)
            }
        }
    }
}

fn is_whole(check: &Check, row: &[Option<Value>]) -> bool {
    check.columns.iter().all(|at| row.get(*at).is_some_and(Option::is_some))
}

fn answer(batch: &Batch, row: usize) -> Truth {
    let cell = batch.cell(row, 1);
    match (cell.kind, cell.bytes) {
        (CellKind::Null, _) => Truth::Unknown,
        (_, b"t" | b"1" | b"true") => Truth::True,
        (_, b"f" | b"0" | b"false") => Truth::False,
        (CellKind::Text | CellKind::Integer | CellKind::Real, bytes) => {
            match std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<f64>().ok()) {
                Some(number) if number != 0.0 => Truth::True,
                Some(_) => Truth::False,
                None => Truth::Cannot,
            }
        }
        (CellKind::Blob, _) => Truth::Cannot,
    }
}

/// `SELECT ordinal, (condition) FROM (literals)`. None where a cell has no literal.
fn question(check: &Check, table: &Table, rows: &[Cells], at: &[usize]) -> Option<Sql> {
    const ORDINAL: &str = "terp_fixtures row";
    let about = &check.about;
    let name = |sql: Sql, column: usize| {
        // In a domain's condition the column is called VALUE.
        sql.name(if check.base.is_some() { "value" } else { &about.slots[column].name })
    };
    let literals = at.iter().map(|row| {
        let cells = check.columns.iter().map(|column| literal(check, *column, rows[*row][*column].as_ref()?));
        cells.collect::<Option<Vec<Sql>>>()
    });
    let literals: Vec<Vec<Sql>> = literals.collect::<Option<_>>()?;
    let number = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    let start = || Sql::new(about.engine).lit("SELECT ");
    let plain = crate::model::schema::TableName::plain(table.name.name.as_str());
    let row = |sql: Sql, literals: &[Sql]| {
        let named = literals.iter().zip(&check.columns);
        named.fold(sql, |sql, (literal, column)| name(sql.lit(", ").part(literal).lit(" AS "), *column))
    };
    let all = literals.iter().enumerate();
    Some(match about.engine {
        // The affinity of a literal does not come through a UNION.
        EngineKind::Sqlite => all.fold(Sql::new(about.engine), |sql, (at, literals)| {
            let sql = if at == 0 { sql } else { sql.lit(" UNION ALL ") };
            let sql = sql.lit("SELECT ").integer(number(at)).lit(", ").user_condition(&check.text);
            row(sql.lit(" FROM (SELECT 0"), literals).lit(") AS ").table(&plain)
        }),
        EngineKind::Mysql | EngineKind::Mariadb => {
            let sql = start().name(ORDINAL).lit(", ").user_condition(&check.text).lit(" FROM (");
            let sql = sql.list(all, " UNION ALL ", |sql, (at, literals)| {
                row(sql.lit("SELECT ").integer(number(at)).lit(" AS ").name(ORDINAL), literals)
            });
            sql.lit(") AS ").table(&plain)
        }
        EngineKind::Postgres => {
            let sql = start().name(ORDINAL).lit(", ").user_condition(&check.text).lit(" FROM (VALUES ");
            let sql = sql.list(all, ", ", |sql, (at, literals)| {
                let sql = sql.lit("(").integer(number(at));
                literals.iter().fold(sql, |sql, literal| sql.lit(", ").part(literal)).lit(")")
            });
            let sql = sql.lit(") AS ").table(&plain).lit("(").name(ORDINAL);
            check.columns.iter().fold(sql, |sql, column| name(sql.lit(", "), *column)).lit(")")
        }
    })
}

/// A cell as a literal of the column's type. None where it has none.
fn literal(check: &Check, column: usize, value: &Value) -> Option<Sql> {
    let about = &check.about;
    match about.engine {
        EngineKind::Postgres => {
            let declared = check.base.as_ref().unwrap_or(&about.slots[column].declared);
            let sql = Sql::new(about.engine).lit("CAST(");
            let sql = match value {
                Value::Null => sql.lit("NULL"),
                Value::Bytes(bytes) => sql.bytes(bytes),
                other => sql.string(&spelled(other)?),
            };
            Some(sql.lit(" AS ").part(&Sql::rendered(about.engine, declared.as_str())).lit(")"))
        }
        EngineKind::Sqlite => sqlite_literal(about, column, value),
        EngineKind::Mysql | EngineKind::Mariadb => mysql_literal(about, column, value),
    }
}

/// A value as text that every engine reads; none for bytes and NULL.
fn spelled(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null | Value::Bytes(_) => return None,
        Value::Number(number) => number.to_string(),
        Value::Real(real) => format!("{real:?}"),
        Value::Text(text) => text.clone(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Date(date) => time::show_date((*date).into()),
        Value::Time(micros) => time::show_time(*micros),
        Value::Timestamp(micros) => time::show_timestamp(*micros),
    })
}

fn sqlite_literal(about: &About, column: usize, value: &Value) -> Option<Sql> {
    let (slot, sql) = (&about.slots[column], Sql::new(about.engine));
    // A cast to the type that it has already changes nothing, and says which affinity the column has.
    let sql = match (about.cell(column, value)?, slot.affinity) {
        (Datum::Null, _) => return Some(sql.lit("NULL")),
        (Datum::Int(whole), affinity) => {
            let sql = sql.lit("CAST(").integer(i64::try_from(whole).ok()?);
            sql.lit(if affinity == Affinity::Numeric { " AS NUMERIC)" } else { " AS INTEGER)" })
        }
        (Datum::Real(real), affinity) => {
            let sql = sql.lit("CAST(").number(&format!("{real:?}"))?;
            sql.lit(if affinity == Affinity::Numeric { " AS NUMERIC)" } else { " AS REAL)" })
        }
        (Datum::Text(text, _), Affinity::Text) => sql.lit("CAST(").string(&text).lit(" AS TEXT)"),
        (Datum::Text(text, _), _) => sql.string(&text),
        (Datum::Bytes(bytes), _) => sql.bytes(&bytes),
        _ => return None,
    };
    Some(match slot.collation.as_deref() {
        Some(collation) => sql.lit(" COLLATE ").name(collation),
        None => sql,
    })
}

fn mysql_literal(about: &About, column: usize, value: &Value) -> Option<Sql> {
    let slot = &about.slots[column];
    let sql = Sql::new(about.engine);
    let sql = match value {
        Value::Null => return Some(sql.lit("NULL")),
        Value::Bytes(bytes) => return Some(sql.bytes(bytes)),
        Value::Number(number) if slot.family != Family::Text => {
            let sql = if slot.family == Family::Integer { sql.lit("CAST(") } else { sql };
            let sql = sql.number(&number.to_string())?;
            let kind = if slot.declared.contains("unsigned") { " AS UNSIGNED)" } else { " AS SIGNED)" };
            return Some(if slot.family == Family::Integer { sql.lit(kind) } else { sql });
        }
        Value::Real(real) => return sql.number(&format!("{real:e}")),
        Value::Boolean(flag) => return Some(sql.integer((*flag).into())),
        other => sql.lit("CAST(").string(&spelled(other)?),
    };
    Some(match (slot.family, about.engine) {
        (Family::Date, _) => sql.lit(" AS DATE)"),
        (Family::Time, _) => sql.lit(" AS TIME(6))"),
        (Family::Timestamp, _) => sql.lit(" AS DATETIME(6))"),
        (Family::Json, EngineKind::Mysql) => sql.lit(" AS JSON)"),
        _ => match slot.collation.as_deref().and_then(|collation| Some((collation, collation.split_once('_')?.0))) {
            Some((collation, charset)) => {
                let sql = sql.lit(" AS CHAR CHARACTER SET ").name(charset);
                sql.lit(") COLLATE ").name(collation)
            }
            None => sql.lit(" AS CHAR)"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::catalogue;
    use super::*;

    #[test]
    fn a_question_holds_literals_only() {
        let rows =
            [vec![Some(Value::text("it's \\")), Some(Value::whole(5))], vec![Some(Value::Null), Some(Value::whole(6))]];
        for (engine, columns, text, expected) in [
            (
                EngineKind::Postgres,
                ["a text", "Odd integer"],
                "(a <> own(\"Odd\"))",
                "SELECT \"terp_fixtures row\", {} FROM (VALUES (0, CAST('it''s \\' AS text), CAST('5' AS integer)), \
                 (1, CAST(NULL AS text), CAST('6' AS integer))) AS \"t\"(\"terp_fixtures row\", \"a\", \"Odd\")",
            ),
            (
                EngineKind::Mysql,
                ["a varchar(9)", "Odd int unsigned"],
                "(`a` <> own(`Odd`))",
                "SELECT `terp_fixtures row`, {} FROM (SELECT 0 AS `terp_fixtures row`, \
                 CAST('it''s \\\\' AS CHAR CHARACTER SET `utf8mb4`) COLLATE `utf8mb4_0900_ai_ci` AS `a`, CAST(5 AS UNSIGNED) AS `Odd` \
                 UNION ALL SELECT 1 AS `terp_fixtures row`, NULL AS `a`, CAST(6 AS UNSIGNED) AS `Odd`) AS `t`",
            ),
            (
                EngineKind::Sqlite,
                ["a TEXT", "Odd INTEGER"],
                "(a <> own(\"Odd\"))",
                "SELECT 0, {} FROM (SELECT 0, CAST('it''s \\' AS TEXT) AS \"a\", CAST(5 AS INTEGER) AS \"Odd\") AS \"t\" \
                 UNION ALL SELECT 1, {} FROM (SELECT 0, NULL AS \"a\", CAST(6 AS INTEGER) AS \"Odd\") AS \"t\"",
            ),
        ] {
            let catalogue = catalogue(engine, &columns, &[text]);
            let checks = super::super::of_table(&catalogue, &catalogue.tables[0]);
            let check = &checks[0];
            assert_eq!(check.columns, [0, 1]);
            let sql = question(check, &catalogue.tables[0], &rows, &[0, 1]).unwrap();
            assert_eq!(sql.text(), expected.replace("{}", &format!("(({text}))")));
        }
    }
}
