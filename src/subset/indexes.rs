//! Whether an index helps to find rows by some columns: read from the key, the unique constraints and the definitions of
//! indexes as the server renders them.

use crate::model::schema::{Catalogue, EngineKind, Table};

/// Whether an index of `table` begins with `columns`, in any order.
pub(super) fn begins_with(catalogue: &Catalogue, table: &Table, columns: &[usize]) -> bool {
    let helps =
        |index: &[usize]| index.len() >= columns.len() && index[..columns.len()].iter().all(|at| columns.contains(at));
    let named = |name: &str| table.column_index(name);
    if helps(&table.primary_key) || table.uniques.iter().any(|unique| !unique.partial && helps(&unique.columns)) {
        return true;
    }
    let of_table = |names: Vec<String>| names.iter().map_while(|name| named(name)).collect::<Vec<usize>>();
    if matches!(catalogue.engine, EngineKind::Mysql | EngineKind::Mariadb) {
        let keys =
            table.create.lines().map(str::trim).filter(|line| line.starts_with("KEY ") || line.contains(" KEY "));
        return keys.filter(|line| !line.contains("FOREIGN KEY")).any(|line| {
            // KEY `name` (`a`,`b`)
            let list = line.split_once("` (").or_else(|| line.split_once("KEY (")).map_or("", |(_, list)| list);
            helps(&of_table(names(list)))
        });
    }
    let indexes =
        catalogue.post.iter().filter(|object| object.kind == "index" && object.table.as_ref() == Some(&table.name));
    let whole = indexes.map(|object| object.create.as_str()).filter(|create| !create.contains(" WHERE "));
    whole.into_iter().any(|create| {
        let behind_on = create.split_once(" ON ").map_or("", |(_, rest)| rest);
        let list = behind_on.split_once('(').map_or("", |(_, list)| list);
        helps(&of_table(names(list)))
    })
}

/// The names of a list in parentheses, as far as its closing one: ``"a", `b` DESC, c)``.
fn names(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = list.trim_start();
    while !rest.is_empty() {
        let (name, after) = match rest.chars().next() {
            Some(quote @ ('"' | '`' | '[')) => {
                let close = if quote == '[' { ']' } else { quote };
                let mut name = String::new();
                let mut chars = rest[1..].char_indices().peekable();
                let mut end = rest.len();
                while let Some((at, c)) = chars.next() {
                    if c == close {
                        if close != ']' && chars.peek().is_some_and(|(_, next)| *next == close) {
                            chars.next();
                        } else {
                            end = 1 + at + c.len_utf8();
                            break;
                        }
                    }
                    name.push(c);
                }
                (name, &rest[end..])
            }
            _ => {
                let end = rest.find([',', ' ', ')', '(']).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        // An expression, or a prefix of a column, which helps too.
        found.push(name);
        let Some(comma) = after.find([',', ')']) else { break };
        if after[..comma].contains('(') {
            // `a`(10): what is behind the prefix goes on.
            let Some(close) = after.find(')') else { break };
            let behind = after[close + 1..].trim_start();
            let Some(next) = behind.strip_prefix(',') else { break };
            rest = next.trim_start();
            continue;
        }
        if after[comma..].starts_with(')') {
            break;
        }
        rest = after[comma + 1..].trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_lists_are_read() {
        assert_eq!(names("a, b)"), ["a", "b"]);
        assert_eq!(names("\"A \"\"b\", c DESC)"), ["A \"b", "c"]);
        assert_eq!(names("`a`(10),`b`) USING BTREE"), ["a", "b"]);
        assert_eq!(names("[a b], lower(c))"), ["a b", "lower"]);
        assert_eq!(names(""), [""; 0]);
    }
}
