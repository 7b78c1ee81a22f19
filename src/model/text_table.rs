//! Text in columns, for answers and messages that people read.

/// Columns of text, left-aligned but for those named in `right`.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([head[at].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                let room = " ".repeat(widths[at].saturating_sub(cell.chars().count()));
                if right.contains(&at) { format!("{room}{cell}") } else { format!("{cell}{room}") }
            })
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    std::iter::once(line(&head)).chain(rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let text = table(&["a", "rows"], &[vec!["long name".into(), "1".into()]], &[1]);
        assert_eq!(text, "a          rows\nlong name     1");
    }
}
