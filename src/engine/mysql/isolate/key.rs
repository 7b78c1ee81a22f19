//! Keys of rows as the row journal writes them: one text per row, the same whatever the writer's session is set to.

use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::schema::EngineKind;

/// So many keys stand in one statement: what the servers find by ranges, and not by reading the table.
pub(super) const TOGETHER: usize = 500;

/// How a column of a key is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A number: as it is.
    Number,
    /// Labels and bits: as the number behind them.
    Counted,
    /// Dates, times and addresses: as the server writes them, whatever its session is set to.
    Word,
    /// A moment, which the server would write in the session's time zone: as seconds.
    Moment,
    /// Text in a character set, as hex.
    Text(String),
    /// Bytes, as hex.
    Bytes,
}

/// A column of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyColumn {
    pub(super) name: String,
    kind: Kind,
}

pub(super) fn mysql() -> Sql {
    Sql::new(EngineKind::Mysql)
}

impl KeyColumn {
    /// None where a value cannot be written so that it is found again: floating point, and types without a bound.
    pub(super) fn new(name: &str, data_type: &str, character_set: &str) -> Option<Self> {
        let kind = match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" => Kind::Number,
            "bit" | "enum" | "set" => Kind::Counted,
            "date" | "datetime" | "time" | "year" | "uuid" | "inet4" | "inet6" => Kind::Word,
            "timestamp" => Kind::Moment,
            "char" | "varchar" => Kind::Text(character_set.to_owned()),
            "binary" | "varbinary" => Kind::Bytes,
            _ => return None,
        };
        Some(Self { name: name.to_owned(), kind })
    }

    /// The expression that writes this column of the row that `alias` stands for.
    fn written(&self, sql: Sql, alias: &'static str) -> Sql {
        let (before, after) = match self.kind {
            Kind::Number | Kind::Word => ("", ""),
            Kind::Counted => ("CAST(", " AS UNSIGNED)"),
            Kind::Moment => ("UNIX_TIMESTAMP(", ")"),
            Kind::Text(_) | Kind::Bytes => ("HEX(", ")"),
        };
        sql.lit(before).column(alias, &self.name).lit(after)
    }

    /// What was written, as a literal that the column is compared with.
    fn literal(&self, sql: Sql, text: &str) -> Result<Sql> {
        let damaged = || Error::unreachable("the row journal holds a key that this program did not write");
        let is = |good: fn(&u8) -> bool| text.bytes().all(|byte| good(&byte));
        match &self.kind {
            Kind::Number | Kind::Counted => sql.number(text).ok_or_else(damaged),
            Kind::Word if is(|byte| byte.is_ascii_alphanumeric() || b"-:. ".contains(byte)) => Ok(sql.string(text)),
            // The one moment before all others.
            Kind::Moment if text.bytes().all(|byte| b"0.".contains(&byte)) => Ok(sql.lit("'0000-00-00 00:00:00'")),
            Kind::Moment => Ok(sql.lit("FROM_UNIXTIME(").number(text).ok_or_else(damaged)?.lit(")")),
            Kind::Text(set)
                if is(u8::is_ascii_hexdigit) && set.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') =>
            {
                Ok(sql.part(&Sql::rendered(EngineKind::Mysql, format!("_{set} x'{text}'"))))
            }
            Kind::Bytes if is(u8::is_ascii_hexdigit) => {
                Ok(sql.part(&Sql::rendered(EngineKind::Mysql, format!("x'{text}'"))))
            }
            _ => Err(damaged()),
        }
    }
}

/// The expression that writes a whole key.
pub(super) fn written(key: &[KeyColumn], sql: Sql, alias: &'static str) -> Sql {
    sql.lit("CONCAT_WS(',', ").list(key, ", ", |sql, column| column.written(sql, alias)).lit(")")
}

/// Conditions that hold for the rows of these keys, together for all of them; `alias` may be empty.
pub(super) fn conditions<'a>(
    key: &[KeyColumn],
    alias: &'static str,
    keys: impl IntoIterator<Item = &'a String>,
    together: usize,
) -> Result<Vec<Sql>> {
    let name = |sql: Sql, column: &KeyColumn| match alias {
        "" => sql.name(&column.name),
        alias => sql.column(alias, &column.name),
    };
    let mut conditions = Vec::new();
    let (mut sql, mut count) = (mysql(), 0);
    let end = |sql: Sql| if key.len() == 1 { sql.lit(")") } else { sql };
    for text in keys {
        let cells: Vec<&str> = text.split(',').collect();
        if cells.len() != key.len() {
            return Err(Error::unreachable("the row journal holds a key of another shape than its table's"));
        }
        if count == together {
            conditions.push(end(std::mem::replace(&mut sql, mysql())));
            count = 0;
        }
        if let ([column], [cell]) = (key, cells.as_slice()) {
            sql = if count == 0 { name(sql, column).lit(" IN (") } else { sql.lit(", ") };
            sql = column.literal(sql, cell)?;
        } else {
            sql = sql.lit(if count == 0 { "(" } else { " OR (" });
            for (at, (column, cell)) in key.iter().zip(cells).enumerate() {
                sql = name(if at == 0 { sql } else { sql.lit(" AND ") }, column).lit(" = ");
                sql = column.literal(sql, cell)?;
            }
            sql = sql.lit(")");
        }
        count += 1;
    }
    if count > 0 {
        conditions.push(end(sql));
    }
    Ok(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(columns: &[(&str, &str)]) -> Vec<KeyColumn> {
        columns.iter().filter_map(|(name, kind)| KeyColumn::new(name, kind, "latin1")).collect()
    }

    fn shown(key: &[KeyColumn], keys: &[&str]) -> Vec<String> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        conditions(key, "", &keys, TOGETHER).unwrap().iter().map(|sql| sql.text().to_owned()).collect()
    }

    #[test]
    fn keys_become_literals_of_their_columns() {
        assert_eq!(shown(&key(&[("i", "int")]), &["1", "-2"]), ["`i` IN (1, -2)"]);
        assert_eq!(shown(&key(&[("c", "varchar")]), &["", "C3A9"]), ["`c` IN (_latin1 x'', _latin1 x'C3A9')"]);
        let both = key(&[("b", "binary"), ("t", "timestamp")]);
        let zero = "(`b` = x'00FF' AND `t` = '0000-00-00 00:00:00')";
        let one = "(`b` = x'' AND `t` = FROM_UNIXTIME(1.500))";
        assert_eq!(shown(&both, &["00FF,0.000000", ",1.500"]), [format!("{zero} OR {one}")]);
        let many: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
        assert_eq!(conditions(&key(&[("i", "int")]), "c", &many, TOGETHER).unwrap().len(), 3);
        assert!(KeyColumn::new("f", "double", "").is_none() && KeyColumn::new("t", "longtext", "utf8mb4").is_none());
    }

    #[test]
    fn what_nobody_wrote_is_not_run() {
        for (kind, text) in [("int", "1) OR (1"), ("varchar", "zz"), ("date", "' OR '"), ("timestamp", "x")] {
            assert!(conditions(&key(&[("k", kind)]), "", &[text.to_owned()], TOGETHER).is_err(), "{kind}");
        }
        assert!(conditions(&key(&[("k", "int")]), "", &["1,2".to_owned()], TOGETHER).is_err());
    }
}
