//! Schemas in a line of text, for tests.

use crate::model::schema::{
    Action, Catalogue, Column, EngineKind, Family, ForeignKey, Table, TableKind, TableName, Traces, Unique,
};
use std::collections::BTreeMap;

/// A catalogue of PostgreSQL.
pub(crate) fn catalogue(tables: Vec<Table>) -> Catalogue {
    Catalogue {
        engine: EngineKind::Postgres,
        version: String::new(),
        settings: BTreeMap::new(),
        tables,
        pre: Vec::new(),
        post: Vec::new(),
        own: Traces::default(),
    }
}

/// A table out of `name type[?][!] [-> parent]`, between commas (`int` and `bool` for short): `?` may be NULL, `!` is unique, `->` references the first
/// column of a table. The first column is the primary key.
pub(crate) fn table(name: &str, columns: &str) -> Table {
    let mut table = Table {
        name: TableName::plain(name),
        kind: TableKind::Ordinary,
        columns: Vec::new(),
        primary_key: vec![0],
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: true,
    };
    for (at, text) in columns.split(", ").enumerate() {
        let (head, parent) = text.split_once(" -> ").unwrap_or((text, ""));
        let (column, declared) = head.split_once(' ').unwrap();
        let plain = match declared.trim_end_matches(['?', '!']) {
            "int" => "integer",
            "bool" => "boolean",
            other => other,
        };
        let family = match plain {
            "integer" => Family::Integer,
            "boolean" => Family::Boolean,
            "uuid" => Family::Uuid,
            "numeric(8,2)" => Family::Numeric,
            "date" => Family::Date,
            _ => Family::Text,
        };
        if declared.contains('!') {
            table.uniques.push(Unique { name: format!("{name}_{column}"), columns: vec![at], partial: false });
        }
        if !parent.is_empty() {
            table.foreign_keys.push(ForeignKey {
                name: format!("{name}.{name}_{column}_fkey"),
                columns: vec![column.into()],
                parent: TableName::plain(parent),
                parent_columns: vec!["id".into()],
                on_delete: Action::NoAction,
                on_update: Action::NoAction,
            });
        }
        table.columns.push(Column {
            name: column.into(),
            declared: plain.into(),
            family,
            length: None,
            nullable: declared.contains('?'),
            default: None,
            generated: false,
            collation: None,
            comment: None,
        });
    }
    table
}
