//! Column lists as CSV (RFC 4180): table and column names with types, and in label files the kind and tier that a person gave them.
//! The reader is our own: the lines of errors count, and eighty lines need no crate.

use crate::error::{Error, Result};
use crate::model::schema::{Action, Column, Family, ForeignKey, Table, TableKind, TableName, Unique};
use crate::model::tier::Tier;
use std::collections::BTreeMap;

/// A schema from a column list.
#[derive(Debug, Clone, Default)]
pub struct Labelled {
    /// The tables.
    pub tables: Vec<Table>,
    /// The tier of each column as a person sees it, by table and column. `None` where the list gives none.
    pub tiers: Vec<Vec<Option<Tier>>>,
}

/// Reads a column list. `file` is only named in errors.
///
/// # Errors
/// Kind `Usage` with file and line for what is no CSV, has no `table` or `column`, an unknown tier or a column twice.
pub fn read(file: &str, text: &str) -> Result<Labelled> {
    let mut records = records(file, text)?.into_iter();
    let Some((_, head)) = records.next() else {
        return Err(Error::usage(format!("{file}: the list is empty")).hint(HINT));
    };
    let head: Vec<String> = head.iter().map(|name| name.trim().to_lowercase()).collect();
    let place = |name: &str| head.iter().position(|own| own == name);
    let needed = |name: &str| {
        place(name).ok_or_else(|| Error::usage(format!("{file}:1: there is no column '{name}'")).hint(HINT))
    };
    let (table_at, column_at) = (needed("table")?, needed("column")?);
    let optional = ["type", "length", "nullable", "unique", "fk", "tier", "comment"].map(place);
    let mut found = Labelled::default();
    let mut tables: BTreeMap<String, usize> = BTreeMap::new();
    let mut references = Vec::new();
    for (line, record) in records {
        if record.len() != head.len() {
            let what = format!("{file}:{line}: {} fields, and the first line has {}", record.len(), head.len());
            return Err(
                Error::usage(what).hint("A field with a comma, a quote or a line break stands in double quotes.")
            );
        }
        let [declared, length, nullable, unique, fk, tier, comment] =
            optional.map(|at| at.map_or("", |at| record[at].trim()));
        let (table, name) = (record[table_at].trim(), record[column_at].trim());
        if table.is_empty() || name.is_empty() {
            return Err(Error::usage(format!("{file}:{line}: a table or column without a name")).hint(HINT));
        }
        let at = *tables.entry(table.to_owned()).or_insert_with(|| {
            found.tables.push(empty(table));
            found.tiers.push(Vec::new());
            found.tables.len() - 1
        });
        let into = &mut found.tables[at];
        if into.column_index(name).is_some() {
            let what = format!("{file}:{line}: {}.{} is there twice", into.name, name.escape_debug());
            return Err(Error::usage(what).hint("Each column has one line."));
        }
        let tier = match tier {
            "" => None,
            letter => Some(Tier::of_letter(&letter.to_uppercase()).ok_or_else(|| {
                let letters: Vec<String> = Tier::ALL.iter().map(ToString::to_string).collect();
                let what = format!("{file}:{line}: there is no tier '{}'", letter.escape_debug());
                Error::usage(what).hint(format!("The tiers are {}.", letters.join(", ")))
            })?),
        };
        let number = into.columns.len();
        if is_yes(unique) {
            into.uniques.push(Unique { name: format!("unique_{number}"), columns: vec![number], partial: false });
        }
        if number == 0 && name.eq_ignore_ascii_case("id") {
            into.primary_key.push(0);
        }
        if let Some((parent, column)) = fk.rsplit_once('.') {
            references.push((at, name.to_owned(), parent.to_owned(), column.to_owned()));
        }
        into.columns.push(column(name, declared, length, nullable, comment));
        found.tiers[at].push(tier);
    }
    for (at, name, parent, column) in references {
        let Some(other) = find(&found.tables, &parent) else {
            continue;
        };
        let parent = found.tables[other].name.clone();
        found.tables[at].foreign_keys.push(ForeignKey {
            name: format!("fk_{name}"),
            columns: vec![name],
            parent,
            parent_columns: vec![column],
            on_delete: Action::NoAction,
            on_update: Action::NoAction,
        });
    }
    Ok(found)
}

const HINT: &str = "The first line names the fields: table, column, and as far as known type, length, nullable, unique, fk, kind, tier.";

fn is_yes(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "1" | "yes" | "true" | "y" | "t" | "unique")
}

/// A table by name, with or without its schema.
fn find(tables: &[Table], name: &str) -> Option<usize> {
    let exact = tables.iter().position(|table| table.name.is_named(name));
    exact.or_else(|| {
        let bare = name.rsplit('.').next().unwrap_or(name);
        tables.iter().position(|table| table.name.name.eq_ignore_ascii_case(bare))
    })
}

fn empty(name: &str) -> Table {
    let name = match name.split_once('.') {
        Some((schema, name)) if !schema.is_empty() && !name.is_empty() => {
            TableName { schema: Some(schema.to_owned()), name: name.to_owned() }
        }
        _ => TableName::plain(name),
    };
    Table {
        name,
        kind: TableKind::Ordinary,
        columns: Vec::new(),
        primary_key: Vec::new(),
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: false,
    }
}

fn column(name: &str, declared: &str, length: &str, nullable: &str, comment: &str) -> Column {
    let inside = declared.split_once('(').and_then(|(_, rest)| rest.split([',', ')']).next());
    let length: Option<u32> = length.parse().ok().or_else(|| inside?.trim().parse().ok());
    let family = family(declared);
    Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        family,
        length: length.filter(|length| *length > 0 && matches!(family, Family::Text | Family::Blob)),
        nullable: !matches!(nullable.to_lowercase().as_str(), "no" | "0" | "false" | "n" | "f"),
        default: None,
        generated: false,
        collation: None,
        comment: (!comment.is_empty()).then(|| comment.to_owned()),
    }
}

/// Words that types of databases and frameworks begin with; the first that fits counts.
const FAMILIES: &[(Family, &[&str])] = &[
    (Family::Boolean, &["bool", "bit", "tinyint(1)", "logical"]),
    (Family::Timestamp, &["timestamp", "datetime", "smalldatetime"]),
    (Family::Date, &["date"]),
    (Family::Time, &["time", "interval"]),
    (Family::Json, &["json", "hstore", "dict"]),
    (Family::Uuid, &["uuid", "uniqueidentifier", "guid"]),
    (Family::Enum, &["enum", "set", "selection"]),
    (
        Family::Blob,
        &["blob", "bytea", "binary", "varbinary", "longblob", "mediumblob", "tinyblob", "image", "raw", "bytes"],
    ),
    (
        Family::Text,
        &[
            "char",
            "varchar",
            "character",
            "text",
            "string",
            "nchar",
            "nvarchar",
            "clob",
            "nclob",
            "citext",
            "longtext",
            "mediumtext",
            "tinytext",
            "ntext",
            "xml",
            "uri",
            "email",
            "inet",
            "cidr",
            "html",
        ],
    ),
    (
        Family::Integer,
        &[
            "int",
            "bigint",
            "smallint",
            "mediumint",
            "tinyint",
            "serial",
            "bigserial",
            "smallserial",
            "long",
            "many2one",
            "year",
            "reference",
            "belongs",
            "foreign",
            "auto",
        ],
    ),
    (Family::Real, &["real", "float", "double"]),
    (Family::Numeric, &["numeric", "decimal", "number", "money", "smallmoney", "monetary"]),
];

/// Words inside the types of frameworks: `PositiveIntegerField`, `mwtimestamp`, `BigAutoField`.
const WITHIN: &[(Family, &str)] = &[
    (Family::Text, "char"),
    (Family::Boolean, "bool"),
    (Family::Timestamp, "timestamp"),
    (Family::Timestamp, "datetime"),
    (Family::Date, "date"),
    (Family::Json, "json"),
    (Family::Blob, "blob"),
    (Family::Blob, "binary"),
    (Family::Integer, "integer"),
    (Family::Integer, "auto"),
    (Family::Integer, "foreignkey"),
    (Family::Integer, "onetoone"),
    (Family::Integer, "tinyint"),
    (Family::Numeric, "decimal"),
    (Family::Real, "float"),
];

/// The family of a type of any database or framework. An unknown one is taken for text: that misses nothing.
fn family(declared: &str) -> Family {
    let declared = declared.trim().to_lowercase();
    let is = |(_, words): &&(Family, &[&str])| words.iter().any(|word| declared.starts_with(word));
    let within = |(_, word): &&(Family, &str)| declared.contains(word);
    let begins = FAMILIES.iter().find(is).map(|(family, _)| *family);
    begins.or_else(|| WITHIN.iter().find(within).map(|(family, _)| *family)).unwrap_or(Family::Text)
}

/// The records of a CSV text with the lines they begin at. Empty lines are left out.
fn records(file: &str, text: &str) -> Result<Vec<(usize, Vec<String>)>> {
    let mut records = Vec::new();
    let (mut line, mut begun) = (1, 1);
    let (mut record, mut field) = (Vec::new(), String::new());
    let (mut quoted, mut closed) = (false, false);
    let mut chars = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    let bad = |line: usize, what: &str| {
        Err(Error::usage(format!("{file}:{line}: {what}"))
            .hint("Quotes inside a quoted field are doubled: \"a \"\"b\"\" c\"."))
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => (quoted, closed) = (false, true),
            '"' if field.is_empty() && !closed => quoted = true,
            _ if quoted => {
                line += usize::from(c == '\n');
                field.push(c);
            }
            ',' => {
                record.push(std::mem::take(&mut field));
                closed = false;
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                line += 1;
                end_record(&mut records, begun, &mut record, &mut field, closed);
                (begun, closed) = (line, false);
            }
            '"' => return bad(line, "a quote inside a field that does not begin with one"),
            _ if closed => return bad(line, "text behind a closing quote"),
            _ => field.push(c),
        }
    }
    if quoted {
        return bad(begun, "a quoted field does not end");
    }
    end_record(&mut records, begun, &mut record, &mut field, closed);
    Ok(records)
}

fn end_record(
    records: &mut Vec<(usize, Vec<String>)>,
    line: usize,
    record: &mut Vec<String>,
    field: &mut String,
    closed: bool,
) {
    if record.is_empty() && field.trim().is_empty() && !closed {
        field.clear();
        return;
    }
    record.push(std::mem::take(field));
    records.push((line, std::mem::take(record)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_quotes_and_line_ends_will_do() {
        let text = "\u{feff}tier,Column,TABLE,type,extra\r\nD,\"odd \"\"name\"\",\n2\",public.users,\"varchar(20)\",x\r\n\r\nN,id,public.users,int,\r\n";
        let read = read("a.csv", text).unwrap();
        assert_eq!(read.tables.len(), 1);
        assert_eq!(read.tables[0].name.to_string(), "public.users");
        assert_eq!(read.tables[0].columns[0].name, "odd \"name\",\n2");
        assert_eq!(read.tables[0].columns[0].length, Some(20));
        assert_eq!(read.tiers[0], [Some(Tier::Direct), Some(Tier::None)]);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, place) in [
            ("", "a.csv: the list is empty"),
            ("table,type\n", "a.csv:1: there is no column 'column'"),
            ("table,column,tier\na,b,D\na,c,Z\n", "a.csv:3: there is no tier 'Z'"),
            ("table,column\na,b\n\na,b,c\n", "a.csv:4: 3 fields"),
            ("table,column\na,\"b\n", "a.csv:2: a quoted field does not end"),
            ("table,column\na,b\"c\n", "a.csv:2: a quote inside"),
            ("table,column\na,\"b\"c\n", "a.csv:2: text behind"),
            ("table,column\na,b\na,b\n", "a.csv:3: a.b is there twice"),
            ("table,column\n,b\n", "a.csv:2: a table or column without a name"),
        ] {
            let error = read("a.csv", text).unwrap_err();
            assert!(error.to_string().starts_with(place), "{error}");
        }
    }

    #[test]
    fn types_of_many_databases_are_known() {
        for (declared, expected) in [
            ("character varying", Family::Text),
            ("timestamp without time zone", Family::Timestamp),
            ("tinyint(1)", Family::Boolean),
            ("tinyint", Family::Integer),
            ("integer", Family::Integer),
            ("Selection", Family::Enum),
            ("varbinary", Family::Blob),
            ("jsonb", Family::Json),
            ("number", Family::Numeric),
            ("", Family::Text),
        ] {
            assert_eq!(family(declared), expected, "{declared}");
        }
    }
}
