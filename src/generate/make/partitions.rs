//! What a table's partitions take, as a condition on its rows: a row that falls into none is refused by the server.

use crate::generate::check::{self, Check};
use crate::model::schema::{Catalogue, EngineKind, Table};

/// The condition; none where the table has no partitions or they take every row.
pub(super) fn condition(catalogue: &Catalogue, table: &Table, now: i64) -> Option<Check> {
    let text = match catalogue.engine {
        EngineKind::Postgres => postgres(&table.create)?,
        EngineKind::Mysql | EngineKind::Mariadb => mysql(&table.create)?,
        EngineKind::Sqlite => return None,
    };
    Some(check::of_text(catalogue, table, &format!("the partitions of {}", table.name), &text, now))
}

/// What stands in the first brackets of a text, and what follows them.
fn brackets(text: &str) -> Option<(&str, &str)> {
    let start = text.find('(')?;
    let (mut depth, mut quoted) = (0_usize, false);
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < start) {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[start + 1..at], &text[at + 1..]));
        }
    }
    None
}

/// The statements of a root and of its partitions, each of which may have partitions of its own.
fn postgres(create: &str) -> Option<String> {
    let mut statements = create.split(";\nCREATE TABLE ");
    let root = statements.next()?;
    let partitions: Vec<(&str, &str, &str)> = statements
        .filter_map(|statement| {
            let (name, rest) = statement.split_once(" PARTITION OF ")?;
            let cut = [" FOR VALUES ", " DEFAULT"].iter().filter_map(|word| rest.find(word)).min()?;
            Some((name, &rest[..cut], &rest[cut..]))
        })
        .collect();
    let name = root.split_once("TABLE ")?.1.split(" (\n").next()?;
    of_parent(name, root.rsplit_once("\nPARTITION BY ")?.1, &partitions)
}

fn of_parent(parent: &str, key: &str, partitions: &[(&str, &str, &str)]) -> Option<String> {
    let columns: Vec<&str> = brackets(key)?.0.split(", ").collect();
    let mut parts = Vec::new();
    for (name, _, rest) in partitions.iter().filter(|(_, of, _)| *of == parent) {
        let own = rest.split(" PARTITION BY ").nth(1);
        let below = own.and_then(|key| of_parent(name, key, partitions));
        match (bounds(columns[0], columns.len() > 1, rest), below) {
            (None, None) => return None,
            (own, below) => parts.push(own.into_iter().chain(below).collect::<Vec<_>>().join(" AND ")),
        }
    }
    // Without any partition no row fits, and nothing can be said of one.
    (!parts.is_empty()).then(|| format!("(({}))", parts.join(") OR (")))
}

/// What one partition takes of a column; none where that is everything.
fn bounds(column: &str, is_first_of_many: bool, text: &str) -> Option<String> {
    let rest = text.strip_prefix(" FOR VALUES ")?;
    if rest.starts_with("IN ") {
        return Some(format!("{column} IN ({})", brackets(rest)?.0));
    }
    let (low, rest) = brackets(rest.strip_prefix("FROM ")?)?;
    let high = brackets(rest)?.0;
    // Of several columns the first one alone decides strictly between its ends.
    let first = |text: &str| {
        if is_first_of_many { text.split(", ").next().unwrap_or(text).to_owned() } else { text.to_owned() }
    };
    let (low, high) = (first(low), first(high));
    let above = if is_first_of_many { ">" } else { ">=" };
    let parts = [(low, "MINVALUE", above), (high, "MAXVALUE", "<")];
    let parts =
        parts.into_iter().filter(|(end, open, _)| end != open).map(|(end, _, op)| format!("{column} {op} {end}"));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!("({})", parts.join(" AND ")))
}

fn mysql(create: &str) -> Option<String> {
    let (_, rest) = create.rsplit_once("PARTITION BY ")?;
    let (key, list) = brackets(rest)?;
    let is_one = !rest[..rest.find('(')?].contains("COLUMNS") || !key.contains(',');
    let values =
        |word: &'static str| list.split(word).skip(1).filter_map(|part| Some(brackets(part)?.0)).collect::<Vec<_>>();
    if rest.starts_with("RANGE") && is_one && !list.contains("MAXVALUE") {
        return Some(format!("({key} < {})", values("VALUES LESS THAN ").last()?));
    }
    let lists = values("VALUES IN ");
    (rest.starts_with("LIST") && is_one && !lists.is_empty() && !list.contains(" DEFAULT ENGINE"))
        .then(|| format!("({key} IN ({}))", lists.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_become_conditions() {
        let create = "CREATE TABLE parts (\n    id int,\n    at date\n)\nPARTITION BY RANGE (at);\n\
            CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (id);\n\
            CREATE TABLE p1a PARTITION OF p1 FOR VALUES IN (1, 2);\n\
            CREATE TABLE p2 PARTITION OF parts FOR VALUES FROM (MINVALUE) TO ('2000-01-01')";
        let wanted = "(((at >= '2020-01-01' AND at < '2021-01-01') AND ((id IN (1, 2)))) OR ((at < '2000-01-01')))";
        assert_eq!(postgres(create).as_deref(), Some(wanted));
        assert_eq!(postgres(&format!("{create};\nCREATE TABLE rest PARTITION OF parts DEFAULT")), None);
        assert_eq!(postgres("CREATE TABLE t (\n    id int\n)"), None);
        let ranges = "CREATE TABLE `t` (\n  `d` date\n) ENGINE=InnoDB\n/*!50100 PARTITION BY RANGE (year(`d`))\n\
            (PARTITION p0 VALUES LESS THAN (2020) ENGINE = InnoDB,\n PARTITION p1 VALUES LESS THAN (2030) ENGINE = InnoDB) */";
        assert_eq!(mysql(ranges).as_deref(), Some("(year(`d`) < 2030)"));
        assert_eq!(mysql(&ranges.replace("(2030)", "MAXVALUE")), None);
        let lists = "x PARTITION BY LIST (`r`)\n(PARTITION a VALUES IN (1,2) ENGINE = InnoDB,\n PARTITION b VALUES IN (3) ENGINE = InnoDB)";
        assert_eq!(mysql(lists).as_deref(), Some("(`r` IN (1,2,3))"));
        assert_eq!(mysql("x PARTITION BY HASH (`r`)\nPARTITIONS 4"), None);
    }
}
