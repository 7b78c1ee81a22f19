//! Schemas and rows for tests: a stand-in for the makers of rows that knows keys and references only.

use super::{Bound, Count};
use crate::generate::draw::{Draw, Seed};
use crate::generate::field::{Row, Spec, Subject};
use crate::generate::restriction::Restriction;
use crate::generate::value::{Number, Value};
use crate::generate::world::{Made, World};
use crate::model::schema::{
    Action, Catalogue, Column, EngineKind, Family, ForeignKey, Table, TableKind, TableName, Traces,
};
use crate::model::subset::{Reference, declared};
use std::collections::BTreeMap;

/// A table from a line: `orders: id int, client_id int?, total decimal(12,2) -> clients(client_id)`. A `?` allows NULL.
pub(in crate::generate) fn table(line: &str) -> Table {
    let (name, rest) = line.split_once(':').unwrap();
    let mut parts = rest.split("->");
    let column = |text: &str| {
        let (name, declared) = text.trim().split_once(' ').unwrap();
        let (declared, nullable) = match declared.trim().strip_suffix('?') {
            Some(declared) => (declared, true),
            None => (declared.trim(), false),
        };
        let family = match declared.split('(').next().unwrap() {
            "int" => Family::Integer,
            "decimal" => Family::Numeric,
            "text" => Family::Text,
            "date" => Family::Date,
            "timestamp" => Family::Timestamp,
            "bool" => Family::Boolean,
            "real" => Family::Real,
            "enum" => Family::Enum,
            other => panic!("{other}"),
        };
        let inside = declared.split_once('(').and_then(|(_, inside)| inside.strip_suffix(')'));
        let length = inside.filter(|_| family == Family::Text).and_then(|length| length.parse().ok());
        Column {
            name: name.to_owned(),
            declared: declared.replace(';', ","),
            family,
            length,
            nullable,
            default: None,
            generated: false,
            collation: None,
            comment: None,
        }
    };
    let columns: Vec<Column> =
        parts.next().unwrap().split(", ").filter(|part| !part.trim().is_empty()).map(column).collect();
    let key = |text: &str| {
        let (parent, columns) = text.trim().trim_end_matches(',').split_once('(').unwrap();
        ForeignKey {
            name: format!("{name}_{parent}"),
            columns: vec![columns.trim_end_matches(')').to_owned()],
            parent: TableName::plain(parent),
            parent_columns: vec!["id".to_owned()],
            on_delete: Action::NoAction,
            on_update: Action::NoAction,
        }
    };
    Table {
        name: TableName::plain(name),
        kind: TableKind::Ordinary,
        primary_key: columns.iter().position(|column| column.name == "id").into_iter().collect(),
        columns,
        uniques: Vec::new(),
        foreign_keys: parts.map(key).collect(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: false,
    }
}

pub(in crate::generate) fn catalogue(lines: &[&str]) -> Catalogue {
    Catalogue {
        engine: EngineKind::Mysql,
        version: String::new(),
        settings: BTreeMap::new(),
        tables: lines.iter().map(|line| table(line)).collect(),
        pre: Vec::new(),
        post: Vec::new(),
        own: Traces::default(),
    }
}

/// Every reference of a schema, those of the profile included.
pub(in crate::generate) fn references(catalogue: &Catalogue, bound: &Bound) -> Vec<Reference> {
    declared(catalogue).into_iter().chain(bound.references().iter().cloned()).collect()
}

fn plain(column: &Column, labels: &[String], row: u64, draw: &mut Draw) -> Value {
    match column.family {
        Family::Integer => Value::whole(1 + i128::from(draw.below(90))),
        Family::Numeric => Value::Number(Number::new(100 + i128::from(draw.below(50_000)), 2)),
        Family::Real => Value::Real(draw.unit()),
        Family::Boolean => Value::Boolean(draw.chance(0.5)),
        Family::Date => Value::Date(19_700 + i32::try_from(draw.below(700)).unwrap()),
        Family::Timestamp => Value::Timestamp((19_700 + i64::try_from(draw.below(700)).unwrap()) * super::moment::DAY),
        Family::Enum if !labels.is_empty() => Value::Text(draw.pick(labels).clone()),
        Family::Uuid => Value::Text(format!("00000000-0000-4000-8000-{row:012x}")),
        _ => Value::Text(format!("t{row}")),
    }
}

/// Rows for every table: keys from 1, parents as the profile chooses them, every other cell of its own kind.
pub(in crate::generate) fn world<'a>(
    catalogue: &'a Catalogue,
    references: &'a [Reference],
    bound: &Bound,
    rows: usize,
    seed: &Seed,
) -> World<'a> {
    let at = |name: &TableName| catalogue.tables.iter().position(|table| &table.name == name).unwrap();
    let mut world = World {
        catalogue,
        references,
        tables: catalogue.tables.iter().map(|_| Made::default()).collect(),
        parents: references.iter().map(|_| Vec::new()).collect(),
    };
    for table in catalogue.parents_first() {
        let own = &catalogue.tables[table];
        let count = match bound.rows(&own.name) {
            Some(Count::Exactly(rows)) => usize::try_from(rows).unwrap(),
            Some(Count::PerParent { reference, mean, .. }) => {
                (world.tables[at(&reference.parent)].rows as f64 * mean).round() as usize
            }
            None => rows,
        };
        let mut columns: Vec<Vec<Value>> = own.columns.iter().map(|_| Vec::with_capacity(count)).collect();
        let free = Restriction::default();
        let mut order: Vec<usize> = (0..own.columns.len()).collect();
        let fields: Vec<_> = (0..own.columns.len())
            .map(|column| {
                let labels = super::labels(catalogue, &own.columns[column]);
                let spec = Spec {
                    engine: catalogue.engine,
                    catalogue,
                    table: own,
                    column,
                    guess: None,
                    restriction: &free,
                    labels: &labels,
                    now: bound.now(),
                    edge: false,
                };
                bound.field(&own.name, &own.columns[column].name, &spec)
            })
            .collect();
        order.sort_by_key(|column| fields[*column].as_ref().map_or(0, |field| 1 + field.needs().len()));
        for row in 0..count {
            let mut cells: Vec<Option<Value>> = vec![None; own.columns.len()];
            for &column in &order {
                let mut draw = seed.place(&own.name, &own.columns[column].name).draw(row as u64);
                let value = match &fields[column] {
                    Some(field) => {
                        let row = Row { number: row as u64, cells: &cells, subject: Subject(row as u64), people: &[] };
                        field.make(&row, &mut draw)
                    }
                    None if own.primary_key == [column] => Value::whole(row as i128 + 1),
                    None => plain(
                        &own.columns[column],
                        &super::labels(catalogue, &own.columns[column]),
                        row as u64,
                        &mut draw,
                    ),
                };
                cells[column] = Some(value);
            }
            columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell.unwrap()));
        }
        world.tables[table] = Made { rows: count, columns, subjects: vec![Subject(0); count] };
    }
    for (index, reference) in references.iter().enumerate() {
        let (child, parent) = (at(&reference.child), at(&reference.parent));
        let place = seed.place(&reference.child, &reference.name);
        let choice = bound.choice(reference).unwrap_or_default();
        let mut parents = choice.spread.over(world.tables[parent].rows, world.tables[child].rows, place);
        if let Some(of) = &reference.of_type {
            let column = catalogue.tables[child].column_index(&of.column).unwrap();
            let says = |row: usize| matches!(world.cell(child, column, row), Value::Text(text) if *text == of.value);
            (0..parents.len()).filter(|row| !says(*row)).for_each(|row| parents[row] = None);
        }
        for (own, key) in reference.columns.iter().zip(&reference.parent_columns) {
            let column = catalogue.tables[child].column_index(own).unwrap();
            let key = catalogue.tables[parent].column_index(key).unwrap();
            for (row, to) in parents.iter().enumerate() {
                let value = to.map(|to| world.cell(parent, key, to as usize).clone());
                if value.is_some() || reference.of_type.is_none() {
                    world.tables[child].columns[column][row] = value.unwrap_or(Value::Null);
                }
            }
        }
        world.parents[index] = parents;
    }
    world
}

/// The schema of the sample ERP, as MySQL would tell it.
pub(in crate::generate) fn sample() -> Catalogue {
    use crate::generate::sample::{ColumnType, definitions};
    let table = |def: &crate::generate::sample::TableDef| {
        let columns: Vec<Column> = def
            .columns
            .iter()
            .map(|column| {
                let (declared, family, length) = match column.kind {
                    ColumnType::Integer | ColumnType::Counter => ("bigint".to_owned(), Family::Integer, None),
                    ColumnType::Real => ("double".to_owned(), Family::Real, None),
                    ColumnType::Text(most) => (format!("varchar({most})"), Family::Text, Some(most)),
                    ColumnType::LongText => ("longtext".to_owned(), Family::Text, None),
                    ColumnType::Boolean => ("tinyint(1)".to_owned(), Family::Boolean, None),
                    ColumnType::Date => ("date".to_owned(), Family::Date, None),
                    ColumnType::Timestamp => ("datetime".to_owned(), Family::Timestamp, None),
                    ColumnType::Json => ("json".to_owned(), Family::Json, None),
                    ColumnType::Blob => ("longblob".to_owned(), Family::Blob, None),
                };
                Column {
                    name: column.name.to_owned(),
                    declared,
                    family,
                    length,
                    nullable: column.nullable,
                    default: None,
                    generated: column.generated.is_some(),
                    collation: None,
                    comment: None,
                }
            })
            .collect();
        let at = |names: &[&str]| {
            names.iter().map(|name| columns.iter().position(|column| column.name == *name).unwrap()).collect::<Vec<_>>()
        };
        let unique = |columns: Vec<usize>| crate::model::schema::Unique {
            name: format!("{}_{columns:?}", def.name),
            columns,
            partial: false,
        };
        let own = def.columns.iter().filter(|column| column.unique).map(|column| unique(at(&[column.name])));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let key = |key: &crate::generate::sample::KeyDef| ForeignKey {
            name: format!("{}_{}", def.name, key.columns.join("_")),
            columns: names(key.columns),
            parent: TableName::plain(key.parent),
            parent_columns: names(key.parent_columns),
            on_delete: key.on_delete,
            on_update: Action::NoAction,
        };
        Table {
            primary_key: at(def.primary_key),
            uniques: own.chain(def.uniques.iter().map(|columns| unique(at(columns)))).collect(),
            foreign_keys: def.foreign_keys.iter().map(key).collect(),
            checks: def.checks.iter().map(|check| format!("({check})")).collect(),
            name: TableName::plain(def.name),
            kind: TableKind::Ordinary,
            columns,
            create: String::new(),
            counter: false,
            strict: false,
        }
    };
    let mut catalogue = catalogue(&[]);
    catalogue.tables = definitions().iter().map(table).collect();
    catalogue.tables.sort_by(|a, b| a.name.cmp(&b.name));
    catalogue
}
