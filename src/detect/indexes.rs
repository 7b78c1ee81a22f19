//! Whether a column is found by an index: a subset that walks along a reference looks for its children by it.

use crate::model::schema::{Catalogue, Table};

/// Whether some key or index of the table begins with the column.
pub(super) fn covers(catalogue: &Catalogue, table: &Table, column: usize) -> bool {
    let name = &table.columns[column].name;
    let keys = table.uniques.iter().filter(|unique| !unique.partial).map(|unique| &unique.columns);
    if keys.chain([&table.primary_key]).any(|columns| columns.first() == Some(&column)) {
        return true;
    }
    let of_table = |of: &Option<_>| of.as_ref() == Some(&table.name);
    let mut later = catalogue.post.iter().filter(|object| object.kind == "index" && of_table(&object.table));
    if later.any(|index| begins_with(&index.create, name)) {
        return true;
    }
    // MySQL writes indexes into the table, each on a line of its own.
    let lines = table.create.lines().map(str::trim_start);
    lines.filter(|line| line.starts_with("KEY ") || line.starts_with("UNIQUE KEY ")).any(|line| begins_with(line, name))
}

/// Whether the first thing in the parentheses of an index is this column.
fn begins_with(index: &str, column: &str) -> bool {
    let Some((_, columns)) = index.split_once('(') else { return false };
    let first = columns.split([',', ')', '(']).next().unwrap_or_default().trim();
    let unquoted = |quotes: [char; 2]| first.strip_prefix(quotes[0]).and_then(|rest| rest.split(quotes[1]).next());
    let quoted = [['`', '`'], ['"', '"'], ['[', ']']].into_iter().find_map(unquoted);
    let name = quoted.unwrap_or_else(|| first.split_whitespace().next().unwrap_or_default());
    name.eq_ignore_ascii_case(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_column_counts() {
        for index in [
            "KEY `i` (`order_id`,`x`)",
            "CREATE INDEX i ON public.t USING btree (order_id DESC, x)",
            "CREATE INDEX i ON t (\"order_id\")",
            "CREATE INDEX [i] ON [t] ([order_id])",
        ] {
            assert!(begins_with(index, "order_id"), "{index}");
            assert!(!begins_with(index, "x"), "{index}");
        }
        assert!(!begins_with("CREATE INDEX i ON t (lower(order_id))", "order_id"));
    }
}
