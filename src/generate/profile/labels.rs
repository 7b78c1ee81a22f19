//! The labels of enum columns.

use crate::model::schema::{Catalogue, Column, Family};

/// The labels that a column can hold; none where it is not of such a type.
#[must_use]
pub fn labels(catalogue: &Catalogue, column: &Column) -> Vec<String> {
    if column.family != Family::Enum {
        return Vec::new();
    }
    if column.declared.to_ascii_lowercase().starts_with("enum(") {
        return quoted(&column.declared);
    }
    let name = column.declared.rsplit('.').next().unwrap_or_default().trim_matches('"');
    let is_type = |object: &&crate::model::schema::SchemaObject| {
        object.kind == "type" && object.name.rsplit('.').next().is_some_and(|own| own.trim_matches('"') == name)
    };
    catalogue.pre.iter().find(is_type).map(|object| quoted(&object.create)).unwrap_or_default()
}

/// The texts in single quotes.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\'') {
        let mut label = String::new();
        let mut chars = after.char_indices().peekable();
        let mut end = after.len();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                label.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == '\'') {
                label.push('\'');
                chars.next();
            } else {
                end = at + 1;
                break;
            }
        }
        found.push(label);
        rest = &after[end..];
    }
    found
}
