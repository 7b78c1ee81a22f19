//! Two captured catalogues against each other.

use super::{Difference, Sort};
use crate::model::schema::{Catalogue, Column, ForeignKey, SchemaObject, Table};

/// Every difference of what `tables` name, or of everything, the snapshot before first.
pub(super) fn differences(before: &Catalogue, after: &Catalogue, tables: &[String]) -> Vec<Difference> {
    let mut found = Vec::new();
    if (before.engine, &before.version) != (after.engine, &after.version) {
        let name = |of: &Catalogue| format!("{} {}", of.engine, of.version.escape_debug());
        found.push(changed("engine", &name(before), &name(after)));
    }
    let is_wanted = |table: &&Table| tables.is_empty() || tables.iter().any(|text| table.name.is_named(text));
    let of = |side: &'_ Catalogue| -> Vec<Table> { side.tables.iter().filter(is_wanted).cloned().collect() };
    each(&of(before), &of(after), |table| format!("table {}", table.name), &mut found, table);
    if tables.is_empty() {
        let settings = |side: &Catalogue| side.settings.clone().into_iter().collect::<Vec<_>>();
        let name = |(name, _): &(String, String)| format!("setting {}", name.escape_debug());
        each(&settings(before), &settings(after), name, &mut found, |a, b, found| {
            found.push(changed(&name(a), &a.1.escape_debug().to_string(), &b.1.escape_debug().to_string()));
        });
    }
    let belongs = |object: &&SchemaObject| {
        tables.is_empty() || object.table.as_ref().is_some_and(|table| tables.iter().any(|text| table.is_named(text)))
    };
    let objects = |side: &'_ Catalogue| -> Vec<SchemaObject> {
        // Foreign keys are compared as parts of their tables.
        let all = side.pre.iter().chain(&side.post).filter(|object| object.kind != "foreign key");
        all.filter(belongs).cloned().collect()
    };
    each(&objects(before), &objects(after), object_name, &mut found, |a, _, found| {
        found.push(Difference { sort: Sort::Changed, what: format!("{}: its definition", object_name(a)) });
    });
    found
}

fn object_name(object: &SchemaObject) -> String {
    match &object.table {
        Some(table) => format!("{} {} of {table}", object.kind, object.name.escape_debug()),
        None => format!("{} {}", object.kind, object.name.escape_debug()),
    }
}

/// What only one side has by name, and what both have in different ways.
pub(super) fn each<T: PartialEq>(
    before: &[T],
    after: &[T],
    name: impl Fn(&T) -> String,
    found: &mut Vec<Difference>,
    mut differ: impl FnMut(&T, &T, &mut Vec<Difference>),
) {
    for one in before {
        match after.iter().find(|other| name(other) == name(one)) {
            Some(other) if one != other => differ(one, other, found),
            Some(_) => {}
            None => found.push(Difference { sort: Sort::Removed, what: name(one) }),
        }
    }
    for other in after.iter().filter(|other| !before.iter().any(|one| name(one) == name(other))) {
        found.push(Difference { sort: Sort::Added, what: name(other) });
    }
}

pub(super) fn changed(what: &str, before: &str, after: &str) -> Difference {
    Difference { sort: Sort::Changed, what: format!("{what}: {before} -> {after}") }
}

fn table(a: &Table, b: &Table, found: &mut Vec<Difference>) {
    let before = found.len();
    let place = format!("table {}", a.name);
    let column_name = |column: &Column| format!("{place}, column {}", column.name.escape_debug());
    each(&a.columns, &b.columns, column_name, found, |one, other, found| column(&column_name(one), one, other, found));
    let names =
        |table: &Table, at: &[usize]| list(&at.iter().map(|&at| table.columns[at].name.clone()).collect::<Vec<_>>());
    let keys = (names(a, &a.primary_key), names(b, &b.primary_key));
    if keys.0 != keys.1 {
        found.push(changed(&format!("{place}, key"), &keys.0, &keys.1));
    }
    let uniques = |table: &Table| {
        let unique = |unique: &crate::model::schema::Unique| {
            let some = if unique.partial { " (in part)" } else { "" };
            format!("{}{some} on {}", unique.name.escape_debug(), names(table, &unique.columns))
        };
        table.uniques.iter().map(unique).collect::<Vec<_>>()
    };
    each(&uniques(a), &uniques(b), |unique| format!("{place}, unique {unique}"), found, |_, _, _| {});
    each(&a.foreign_keys, &b.foreign_keys, |key| format!("{place}, {}", reference(key)), found, |_, _, _| {});
    each(&a.checks, &b.checks, |check| format!("{place}, check {}", check.escape_debug()), found, |_, _, _| {});
    let order = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    if found.len() == before && order(a) != order(b) {
        found.push(Difference { sort: Sort::Changed, what: format!("{place}: the order of its columns") });
    }
    if found.len() == before {
        found.push(Difference { sort: Sort::Changed, what: format!("{place}: its definition") });
    }
}

fn reference(key: &ForeignKey) -> String {
    format!(
        "reference {} to {} ({}), on delete {:?}, on update {:?}",
        list(&key.columns),
        key.parent,
        list(&key.parent_columns),
        key.on_delete,
        key.on_update
    )
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", "),
    }
}

fn column(place: &str, a: &Column, b: &Column, found: &mut Vec<Difference>) {
    let before = found.len();
    let shown = |text: &str| if text.is_empty() { "no type".to_owned() } else { text.escape_debug().to_string() };
    if a.declared != b.declared {
        found.push(changed(&format!("{place}, type"), &shown(&a.declared), &shown(&b.declared)));
    }
    let word = |yes: bool, word: &'static str, other: &'static str| if yes { word } else { other };
    if a.nullable != b.nullable {
        let null = |column: &Column| word(column.nullable, "NULL", "NOT NULL");
        found.push(changed(place, null(a), null(b)));
    }
    if a.generated != b.generated {
        let kind = |column: &Column| word(column.generated, "generated", "stored");
        found.push(changed(place, kind(a), kind(b)));
    }
    let parts = [("default", &a.default, &b.default), ("collation", &a.collation, &b.collation)];
    for (what, one, other) in parts.into_iter().filter(|(_, one, other)| one != other) {
        let shown = |text: &Option<String>| {
            text.as_deref().map_or_else(|| "none".to_owned(), |text| text.escape_debug().to_string())
        };
        found.push(changed(&format!("{place}, {what}"), &shown(one), &shown(other)));
    }
    if found.len() == before {
        found.push(Difference { sort: Sort::Changed, what: format!("{place}: its comment") });
    }
}
